//! What is seen in objects as API servers list them.
#![allow(clippy::unwrap_used)]

use serde_json::{Value, json};

use super::*;
use crate::catalog::testing::catalog;

const ONE: &str = "sha256:1111111111111111111111111111111111111111111111111111111111111111";
const TWO: &str = "sha256:2222222222222222222222222222222222222222222222222222222222222222";

fn items<T: serde::de::DeserializeOwned>(items: Value) -> Vec<T> {
    let page: Page<T> = serde_json::from_str(&json!({"metadata": {}, "items": items}).to_string()).unwrap();
    page.items
}

fn deployment(name: &str, replicas: u32, image: &str) -> Value {
    json!({"metadata": {"name": name, "namespace": "shop", "labels": {"tidegate.dev/product": "shop"}},
        "spec": {"replicas": replicas, "template": {"spec": {"containers": [{"name": "a", "image": image}]}}}})
}

fn owned(kind: &str, api: &str, name: &str) -> Value {
    json!([{"apiVersion": api, "kind": kind, "name": name, "uid": "u", "controller": true}])
}

/// Everything that was found, in lines: product, image, digest, workload, owner.
fn lines(seen: Seen) -> Vec<String> {
    let owners = |object: &Object, label: Option<&str>| match (object.kind.as_str(), label) {
        ("Prometheus", _) => Some("monitoring".to_owned()),
        (_, label) => label.map(str::to_owned),
    };
    let (found, unreadable) = seen.found(&owners);
    let line = |one: &Found| {
        let Workload { namespace, kind, name, owner } = &one.workload;
        let image = format!("{}:{}", one.image.repository, one.image.tag.as_deref().unwrap_or_default());
        let digest = one.digest.as_deref().map_or("-", |digest| &digest[7..10]);
        let (product, owner) = (one.product.as_deref().unwrap_or("-"), owner.as_deref().unwrap_or("-"));
        format!("{product} {image} {digest} {kind} {namespace}/{name} {owner}")
    };
    let mut lines: Vec<String> = found.iter().map(line).collect();
    lines.extend(unreadable.into_iter().map(|why| format!("unreadable: {why}")));
    lines.sort();
    lines
}

#[test]
fn pods_say_what_was_pulled_for_containers_of_every_kind_and_for_volumes() {
    let mut seen = Seen::new("tidegate.dev/product");
    let sets = json!([{"metadata": {"name": "web-1", "namespace": "shop", "ownerReferences": owned("Deployment", "apps/v1", "web")},
        "spec": {"replicas": 1, "template": {"spec": {"containers": [{"name": "a", "image": "r.io/shop/old:0.9"}]}}}}]);
    for one in items(sets) {
        seen.templated(("apps", "ReplicaSet"), &one);
    }
    for one in items(json!([deployment("web", 1, "r.io/shop/web:1.0")])) {
        seen.templated(("apps", "Deployment"), &one);
    }
    let pod = json!({
        "metadata": {"name": "web-1-x", "namespace": "shop", "ownerReferences": owned("ReplicaSet", "apps/v1", "web-1")},
        "spec": {
            "initContainers": [{"name": "init", "image": "busybox:1"}, {"name": "side", "image": "r.io/mesh:2", "restartPolicy": "Always"}],
            "containers": [{"name": "a", "image": "r.io/shop/web:1.0"}],
            "ephemeralContainers": [{"name": "debug", "image": "r.io/debug"}],
            "volumes": [{"name": "model", "image": {"reference": "r.io/model:7"}}, {"name": "tmp", "emptyDir": {}}],
        },
        "status": {
            "phase": "Running",
            "initContainerStatuses": [
                {"name": "init", "imageID": "sha256:9999999999999999999999999999999999999999999999999999999999999999"},
                {"name": "side", "imageID": format!("docker-pullable://r.io/mesh@{TWO}")},
            ],
            "containerStatuses": [{"name": "a", "imageID": format!("r.io/shop/web@{ONE}"), "volumeMounts": [
                {"name": "model", "mountPath": "/m", "volumeStatus": {"image": {"imageRef": format!("r.io/model@{TWO}")}}},
            ]}],
            "ephemeralContainerStatuses": null,
        },
    });
    let twice = json!([pod.clone(), pod]);
    items(twice).iter().for_each(|one| seen.pod(one));
    assert_eq!(
        lines(seen),
        [
            "shop docker.io/library/busybox:1 - Deployment shop/web -",
            "shop r.io/debug:latest - Deployment shop/web -",
            "shop r.io/mesh:2 222 Deployment shop/web -",
            "shop r.io/model:7 222 Deployment shop/web -",
            "shop r.io/shop/web:1.0 111 Deployment shop/web -",
        ]
    );
}

#[test]
fn where_no_pod_is_templates_say_what_will_run_and_what_is_over_runs_nothing() {
    let mut seen = Seen::new("tidegate.dev/product");
    for one in items(json!([deployment("off", 0, "r.io/shop/off:1")])) {
        seen.templated(("apps", "Deployment"), &one);
    }
    let job = |name: &str, owners: Value, conditions: Value| {
        json!({"metadata": {"name": name, "namespace": "shop", "ownerReferences": owners},
            "spec": {"template": {"spec": {"containers": [{"name": "a", "image": format!("r.io/{name}:1")}]}}},
            "status": {"conditions": conditions}})
    };
    let done = json!([{"type": "Complete", "status": "True"}]);
    let jobs = json!([
        job("waits", json!(null), json!(null)),
        job("done", json!(null), done),
        job("nightly-1", owned("CronJob", "batch/v1", "nightly"), json!(null))
    ]);
    for one in items(jobs) {
        seen.templated(("batch", "Job"), &one);
    }
    let nightly = json!([{"metadata": {"name": "nightly", "namespace": "shop", "labels": {"team": "night"}},
        "spec": {"jobTemplate": {"spec": {"template": {"spec": {"containers": [{"name": "a", "image": "r.io/nightly:2"}]}}}}}}]);
    for one in items(nightly) {
        seen.templated(("batch", "CronJob"), &one);
    }
    let pod = |name: &str, phase: &str| {
        json!({"metadata": {"name": name, "namespace": "shop", "ownerReferences": owned("Job", "batch/v1", "nightly-1")},
            "spec": {"containers": [{"name": "a", "image": "r.io/nightly:1"}]}, "status": {"phase": phase}})
    };
    items(json!([pod("a", "Running"), pod("b", "Succeeded")])).iter().for_each(|one| seen.pod(one));
    assert_eq!(
        lines(seen),
        [
            "- r.io/nightly:1 - CronJob shop/nightly night",
            "- r.io/nightly:2 - CronJob shop/nightly night",
            "- r.io/waits:1 - Job shop/waits -",
            "shop r.io/shop/off:1 - Deployment shop/off -",
        ]
    );
}

#[test]
fn what_an_operator_makes_is_the_product_of_what_it_was_made_for() {
    let mut seen = Seen::new("tidegate.dev/product");
    let sources = "apiVersion: tidegate.dev/v1\nkind: Sources\nmetadata: { name: sample }\nspec:\n  images:\n    - { group: monitoring.coreos.com, kind: Prometheus, fields: [spec.image, 'spec.containers[].image', spec.thanos] }\n    - { group: a.io, kind: B, fields: ['a..b', 'B:a'] }\n";
    let (fields, findings) = Fields::of(&catalog(&[("pipelines/sources.yaml", sources)]));
    assert_eq!(
        findings.iter().map(|finding| finding.message.as_str()).collect::<Vec<_>>(),
        ["`a..b` is no field", "`B:a` is no field"]
    );
    let custom = json!([{"metadata": {"name": "k8s", "namespace": "mon"}, "spec": {
        "image": "r.io/prometheus:v3", "containers": [{"image": "r.io/side:1"}, {}],
        "thanos": {"repository": "r.io/thanos", "version": "v0.41", "sha": 1},
    }}]);
    for one in items(custom) {
        seen.custom(&fields.kinds()[0], one);
    }
    for one in items::<Named>(json!([{"metadata": {"name": "mon", "labels": {"owner": "observers"}}}])) {
        seen.namespace(&one);
    }
    let set = json!([{"metadata": {"name": "prometheus-k8s", "namespace": "mon", "ownerReferences": owned("Prometheus", "monitoring.coreos.com/v1", "k8s")},
        "spec": {"template": {"spec": {"containers": [{"name": "reloader", "image": "r.io/reloader:v1"}]}}}}]);
    for one in items(set) {
        seen.templated(("apps", "StatefulSet"), &one);
    }
    assert_eq!(
        lines(seen),
        [
            "monitoring r.io/prometheus:v3 - Prometheus mon/k8s observers",
            "monitoring r.io/reloader:v1 - StatefulSet mon/prometheus-k8s observers",
            "monitoring r.io/side:1 - Prometheus mon/k8s observers",
            "monitoring r.io/thanos:v0.41 - Prometheus mon/k8s observers",
        ]
    );
}

#[test]
fn a_pod_of_a_node_or_of_nobody_is_a_workload_and_an_unreadable_name_is_told() {
    let mut seen = Seen::new("tidegate.dev/product");
    let pods = json!([
        {"metadata": {"name": "alone", "namespace": "shop", "labels": {"team": "sales"}}, "spec": {"containers": [{"name": "a", "image": "Bad:Name"}, {"name": "b", "image": "ok"}]}},
        {"metadata": {"name": "api-n1", "namespace": "kube-system", "ownerReferences": owned("Node", "v1", "n1")}, "spec": {"containers": [{"name": "a", "image": format!("r.io/api@{ONE}")}]}, "status": null},
    ]);
    items(pods).iter().for_each(|one| seen.pod(one));
    assert_eq!(
        lines(seen),
        [
            "- docker.io/library/ok:latest - Pod shop/alone sales",
            "- r.io/api: 111 Pod kube-system/api-n1 -",
            "unreadable: `Bad:Name` is no image: names have no capital letters",
        ]
    );
}

#[test]
fn owners_that_go_in_circles_end() {
    let mut seen = Seen::new("tidegate.dev/product");
    let set = |name: &str, of: &str| {
        json!({"metadata": {"name": name, "namespace": "n", "ownerReferences": owned("StatefulSet", "apps/v1", of)},
            "spec": {"template": {"spec": {"containers": [{"name": "a", "image": "r.io/a:1"}]}}}})
    };
    for one in items(json!([set("a", "b"), set("b", "a")])) {
        seen.templated(("apps", "StatefulSet"), &one);
    }
    assert_eq!(lines(seen).len(), 2);
}
