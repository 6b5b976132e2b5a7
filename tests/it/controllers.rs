//! Real controllers and simulated ones, told the same: what they say of it at rest is the same.
#![allow(clippy::unwrap_used)]

use std::time::Duration;

use serde_json::{Value, json};
use tidegate::sim::conditions::Conditions;
use tidegate::sim::store::Key;

use crate::bed::{Bed, ClusterSpec};
use crate::controllers_sides::{Deed, Real, Seen, Simulated};

/// One case: a namespace of its own, what is made in it, and what is done when that came to rest.
struct Case {
    name: &'static str,
    first: Vec<Deed>,
    then: Vec<Deed>,
}

/// How a pod fares: the bed is told by an annotation, the simulation by the name of the image.
fn template(image: &str, more: &Value) -> Value {
    let mut metadata = json!({"labels": {"app": "a"}});
    metadata["annotations"] = fate(image);
    let mut spec = json!({"containers": [{"name": "main", "image": image}]});
    merge(&mut spec, more);
    json!({"metadata": metadata, "spec": spec})
}

fn fate(image: &str) -> Value {
    let fate = match image.split(':').next().unwrap_or_default() {
        "missing" => "bad-image",
        "crash" => "crash-loop",
        "fails" => "fails",
        _ => return json!({"bed.tidegate.dev/fate": null}),
    };
    json!({"bed.tidegate.dev/fate": fate})
}

fn merge(object: &mut Value, more: &Value) {
    for (key, value) in more.as_object().into_iter().flatten() {
        object[key] = value.clone();
    }
}

fn without_nulls(mut object: Value) -> Value {
    fn strip(value: &mut Value) {
        if let Some(fields) = value.as_object_mut() {
            fields.retain(|_, value| !value.is_null());
            fields.values_mut().for_each(strip);
        }
    }
    strip(&mut object);
    object
}

fn key(case: &str, group: &str, resource: &str, name: &str) -> Key {
    Key::new(group, resource, case, name)
}

fn make(case: &str, api: (&str, &str, &str), name: &str, spec: Value) -> Deed {
    let (group, resource, kind) = api;
    let version = if group.is_empty() { "v1".to_owned() } else { format!("{group}/v1") };
    let object = json!({"apiVersion": version, "kind": kind, "metadata": {"name": name, "namespace": case}, "spec": spec});
    Deed::Create(key(case, group, resource, name), without_nulls(object))
}

const DEPLOYMENT: (&str, &str, &str) = ("apps", "deployments", "Deployment");
const STATEFUL_SET: (&str, &str, &str) = ("apps", "statefulsets", "StatefulSet");
const DAEMON_SET: (&str, &str, &str) = ("apps", "daemonsets", "DaemonSet");
const JOB: (&str, &str, &str) = ("batch", "jobs", "Job");
const BUDGET: (&str, &str, &str) = ("policy", "poddisruptionbudgets", "PodDisruptionBudget");

fn workload(case: &str, api: (&str, &str, &str), image: &str, more: &Value, pod: &Value) -> Deed {
    let mut spec = json!({"selector": {"matchLabels": {"app": "a"}}, "template": template(image, pod)});
    merge(&mut spec, more);
    make(case, api, "a", spec)
}

fn deployment(case: &str, image: &str, more: &Value) -> Deed {
    workload(case, DEPLOYMENT, image, more, &json!({}))
}

fn job(case: &str, image: &str, more: &Value) -> Deed {
    let mut spec = json!({"template": template(image, &json!({"restartPolicy": "Never"}))});
    merge(&mut spec, more);
    make(case, JOB, "a", spec)
}

fn budget(case: &str, name: &str, more: &Value) -> Deed {
    let mut spec = json!({"selector": {"matchLabels": {"app": "a"}}});
    merge(&mut spec, more);
    make(case, BUDGET, name, spec)
}

fn patch(case: &str, api: (&str, &str, &str), spec: &Value) -> Deed {
    Deed::Patch(key(case, api.0, api.1, "a"), json!({"spec": spec}))
}

fn image(case: &str, api: (&str, &str, &str), image: &str) -> Deed {
    let containers = json!([{"name": "main", "image": image}]);
    let template = json!({"metadata": {"annotations": fate(image)}, "spec": {"containers": containers}});
    patch(case, api, &json!({"template": template}))
}

fn deployments() -> Vec<Case> {
    let case = |name, spec: Value, then| Case { name, first: vec![deployment(name, "web:1", &spec)], then };
    let d = DEPLOYMENT;
    let bounds = json!({"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 1}});
    vec![
        case("healthy", json!({"replicas": 3}), vec![patch("healthy", d, &json!({"replicas": 5}))]),
        case("to-zero", json!({"replicas": 2}), vec![patch("to-zero", d, &json!({"replicas": 0}))]),
        case("rolling", json!({"replicas": 4, "strategy": bounds}), vec![image("rolling", d, "web:2")]),
        case(
            "back-again",
            json!({"replicas": 2}),
            vec![image("back-again", d, "web:2"), image("back-again", d, "web:1")],
        ),
        case(
            "stuck",
            json!({"replicas": 3, "progressDeadlineSeconds": 4}),
            vec![image("stuck", d, "missing:2")],
        ),
        case(
            "recreate",
            json!({"replicas": 2, "strategy": {"type": "Recreate"}}),
            vec![image("recreate", d, "web:2")],
        ),
        case(
            "paused",
            json!({"replicas": 2}),
            vec![patch("paused", d, &json!({"paused": true})), image("paused", d, "web:2")],
        ),
        case(
            "forgetful",
            json!({"replicas": 1, "revisionHistoryLimit": 0}),
            vec![image("forgetful", d, "web:2")],
        ),
        case("slow", json!({"replicas": 2, "minReadySeconds": 3}), vec![]),
        Case {
            name: "bad-image",
            first: vec![deployment(
                "bad-image",
                "missing:1",
                &json!({"replicas": 2, "progressDeadlineSeconds": 4}),
            )],
            then: vec![image("bad-image", d, "web:1")],
        },
        Case {
            name: "crashing",
            first: vec![deployment(
                "crashing",
                "crash:1",
                &json!({"replicas": 2, "progressDeadlineSeconds": 4}),
            )],
            then: vec![],
        },
        Case {
            name: "homeless",
            first: vec![workload(
                "homeless",
                d,
                "web:1",
                &json!({"replicas": 2}),
                &json!({"nodeSelector": {"x": "y"}}),
            )],
            then: vec![],
        },
        Case {
            name: "served",
            first: vec![
                deployment("served", "web:1", &json!({"replicas": 2})),
                make(
                    "served",
                    ("", "services", "Service"),
                    "a",
                    json!({"selector": {"app": "a"}, "ports": [{"name": "http", "port": 80, "targetPort": 8080}]}),
                ),
            ],
            then: vec![patch("served", d, &json!({"replicas": 1}))],
        },
    ]
}

fn sets() -> Vec<Case> {
    let case = |name, api, spec: Value, then| Case {
        name,
        first: vec![workload(name, api, "db:1", &spec, &json!({}))],
        then,
    };
    let (s, d) = (STATEFUL_SET, DAEMON_SET);
    vec![
        case("stateful", s, json!({"replicas": 3, "serviceName": "a"}), vec![image("stateful", s, "db:2")]),
        case(
            "partition",
            s,
            json!({"replicas": 3, "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 1}}}),
            vec![image("partition", s, "db:2")],
        ),
        case(
            "on-delete",
            s,
            json!({"replicas": 2, "updateStrategy": {"type": "OnDelete"}}),
            vec![image("on-delete", s, "db:2")],
        ),
        case(
            "parallel",
            s,
            json!({"replicas": 3, "podManagementPolicy": "Parallel"}),
            vec![patch("parallel", s, &json!({"replicas": 1}))],
        ),
        case("stateful-stuck", s, json!({"replicas": 2}), vec![image("stateful-stuck", s, "missing:2")]),
        case("daemon", d, json!({}), vec![image("daemon", d, "agent:2")]),
        case(
            "daemon-on-delete",
            d,
            json!({"updateStrategy": {"type": "OnDelete"}}),
            vec![image("daemon-on-delete", d, "agent:2")],
        ),
        case("daemon-stuck", d, json!({}), vec![image("daemon-stuck", d, "missing:2")]),
        case(
            "daemon-surge",
            d,
            json!({"updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}}),
            vec![image("daemon-surge", d, "agent:2")],
        ),
    ]
}

fn jobs() -> Vec<Case> {
    let case = |name, image, spec: Value, then| Case { name, first: vec![job(name, image, &spec)], then };
    vec![
        case("job", "test:1", json!({"completions": 3, "parallelism": 2}), vec![]),
        case("job-fails", "fails:1", json!({"backoffLimit": 1}), vec![]),
        case("job-late", "missing:1", json!({"activeDeadlineSeconds": 4}), vec![]),
        case(
            "job-waits",
            "test:1",
            json!({"suspend": true}),
            vec![patch("job-waits", JOB, &json!({"suspend": false}))],
        ),
        case(
            "job-numbered",
            "test:1",
            json!({"completions": 3, "parallelism": 3, "completionMode": "Indexed"}),
            vec![],
        ),
        case("job-queue", "test:1", json!({"parallelism": 2}), vec![]),
        case("job-cleared", "test:1", json!({"ttlSecondsAfterFinished": 2}), vec![]),
        case(
            "job-stopped",
            "missing:1",
            json!({"parallelism": 2, "completions": 2}),
            vec![patch("job-stopped", JOB, &json!({"suspend": true}))],
        ),
    ]
}

fn endings() -> Vec<Case> {
    let guarded = |name, more: &Value| {
        vec![deployment(name, "web:1", &json!({"replicas": 3})), budget(name, "a", more)]
    };
    let gone = |name, how| Case {
        name,
        first: vec![deployment(name, "web:1", &json!({"replicas": 2}))],
        then: vec![Deed::Delete(key(name, "apps", "deployments", "a"), how)],
    };
    let mut two = guarded("budget-two", &json!({"maxUnavailable": 1}));
    two.push(budget("budget-two", "b", &json!({"minAvailable": "50%"})));
    // The budget first: one that is looked at only when it can't be made sense of was never looked at.
    let lost = vec![
        budget("budget-lost", "a", &json!({"maxUnavailable": 1})),
        workload("budget-lost", DAEMON_SET, "agent:1", &json!({}), &json!({})),
    ];
    let held = json!({"apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "held", "namespace": "ns-held", "finalizers": ["x.dev/keep"]}});
    vec![
        Case {
            name: "budget",
            first: guarded("budget", &json!({"maxUnavailable": 1})),
            then: vec![Deed::Evict("budget", "a")],
        },
        Case {
            name: "budget-shut",
            first: guarded("budget-shut", &json!({"minAvailable": 3})),
            then: vec![Deed::Evict("budget-shut", "a")],
        },
        Case { name: "budget-two", first: two, then: vec![Deed::Evict("budget-two", "a")] },
        Case { name: "budget-lost", first: lost, then: vec![Deed::Evict("budget-lost", "a")] },
        gone("foreground", "Foreground"),
        gone("background", "Background"),
        gone("orphaned", "Orphan"),
        Case {
            name: "ns-held",
            first: vec![
                deployment("ns-held", "web:1", &json!({"replicas": 1})),
                Deed::Create(key("ns-held", "", "configmaps", "held"), held),
            ],
            then: vec![Deed::Delete(Key::new("", "namespaces", "", "ns-held"), "Background")],
        },
        Case {
            name: "ns-gone",
            first: vec![deployment("ns-gone", "web:1", &json!({"replicas": 1}))],
            then: vec![Deed::Delete(Key::new("", "namespaces", "", "ns-gone"), "Background")],
        },
    ]
}

/// What is there when nodes break and close: a pod on every node, and pods that keep apart and do not
/// put up with a bad node for long.
fn on_nodes() -> Vec<Deed> {
    let selector = json!({"matchLabels": {"app": "a"}});
    let apart = json!({"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [
        {"labelSelector": selector, "topologyKey": "kubernetes.io/hostname"}]}});
    let impatient = json!([{"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 2}]);
    let pod = json!({"affinity": apart, "tolerations": impatient});
    vec![
        workload("nodes", DEPLOYMENT, "web:1", &json!({"replicas": 3, "progressDeadlineSeconds": 4}), &pod),
        workload("agents", DAEMON_SET, "agent:1", &json!({}), &json!({})),
    ]
}

/// Definitions: one that is fine, and one whose kind is taken.
fn definitions() -> Vec<Deed> {
    let definition = |plural: &str| {
        let name = format!("{plural}.x.dev");
        let object = json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": {"name": name},
            "spec": {"group": "x.dev", "scope": "Namespaced",
                "names": {"plural": plural, "singular": plural.trim_end_matches('s'), "kind": "Widget", "listKind": "WidgetList"},
                "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": {"type": "object"}}}]}});
        Deed::Create(Key::new("apiextensions.k8s.io", "customresourcedefinitions", "", &name), object)
    };
    vec![definition("widgets"), definition("gadgets")]
}

/// APIServices of which each lacks something else, in the end also a Service that was made later.
fn api_services() -> Vec<Deed> {
    let api = |name: &str, service: &str, port: u16| {
        let group = format!("{name}.asked.example.com");
        let spec = json!({"group": group, "version": "v1", "groupPriorityMinimum": 100, "versionPriority": 10,
            "insecureSkipTLSVerify": true, "service": {"namespace": "asked", "name": service, "port": port}});
        let name = format!("v1.{group}");
        let object = json!({"apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService",
            "metadata": {"name": name}, "spec": spec});
        Deed::Create(Key::new("apiregistration.k8s.io", "apiservices", "", &name), object)
    };
    let service = |name: &str, app: &str| {
        let spec = json!({"selector": {"app": app}, "ports": [{"name": "https", "port": 443}]});
        make("asked", ("", "services", "Service"), name, spec)
    };
    vec![
        deployment("asked", "missing:1", &json!({"replicas": 1})),
        service("unready", "a"),
        service("empty", "nobody"),
        api("gone", "gone", 443),
        api("late", "late", 443),
        api("port", "unready", 8443),
        api("unready", "unready", 443),
        api("empty", "empty", 443),
        service("late", "a"),
    ]
}

fn differences(stage: &str, real: &Seen, simulated: &Seen) -> Vec<String> {
    let mut told = Vec::new();
    let names: std::collections::BTreeSet<&String> = real.keys().chain(simulated.keys()).collect();
    for name in names {
        let (is, says) = (real.get(name), simulated.get(name));
        if is != says {
            let lines = |all: Option<&Vec<Value>>, other: Option<&Vec<Value>>| -> String {
                let own =
                    all.into_iter().flatten().filter(|line| !other.is_some_and(|other| other.contains(line)));
                own.map(|line| format!("\n    {line}")).collect()
            };
            told.push(format!(
                "{stage}: {name}\n  real:{}\n  simulated:{}",
                lines(is, says),
                lines(says, is)
            ));
        }
    }
    told
}

#[tokio::test(flavor = "multi_thread")]
async fn controllers_say_what_the_real_ones_say() {
    let cluster = Bed::shared().await.cluster(ClusterSpec::complete("controllers", 3)).await;
    let real = Real { client: cluster.client().await };
    let mut simulated = Simulated::new(Conditions {
        unpullable: vec!["missing".into()],
        crashing: vec!["crash".into()],
        failing: vec!["fails".into()],
        job_run: (Duration::from_secs(1), Duration::from_secs(1)),
        ..Conditions::default()
    });
    let cases: Vec<Case> = [deployments(), sets(), jobs(), endings()].into_iter().flatten().collect();
    let namespaces: Vec<&str> = cases.iter().map(|case| case.name).collect();
    let mut told = Vec::new();
    for name in namespaces.iter().chain(&["nodes", "agents", "asked"]) {
        let object = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
        let deed = Deed::Create(Key::new("", "namespaces", "", name), object);
        real.does(&deed).await;
        simulated.does(&deed);
    }
    let done = |stage: &'static str| {
        move |case: &Case| if stage == "first" { case.first.clone() } else { case.then.clone() }
    };
    let first: Vec<Deed> = cases.iter().flat_map(done("first")).chain(definitions()).collect();
    let then: Vec<Deed> = cases.iter().flat_map(done("then")).collect();
    let pods_of_nodes = ["nodes", "agents"];
    let bad = vec![Deed::Break(1), Deed::Cordon(2)];
    // A Job tries again after ten seconds; a rollout fails after five.
    for (stage, deeds, looked_at, quiet) in [
        ("first", first, &namespaces[..], 12),
        ("then", then, &namespaces[..], 7),
        ("nodes", on_nodes(), &pods_of_nodes[..], 3),
        ("bad nodes", bad, &pods_of_nodes[..], 7),
        // The last: where an API can't be asked, no namespace ends.
        ("API services", api_services(), &["asked"][..], 5),
    ] {
        for deed in &deeds {
            let (is, says) = (real.does(deed).await, simulated.does(deed));
            if is != says {
                told.push(format!("{stage}: an eviction\n  real: {is:?}\n  simulated: {says:?}"));
            }
        }
        simulated.run(200);
        let expected = simulated.see(looked_at);
        let rested = real.rest(looked_at, Duration::from_secs(quiet), &expected).await;
        told.extend(differences(stage, &rested, &expected));
    }
    assert!(told.is_empty(), "{} differences\n{}", told.len(), told.join("\n"));
}
