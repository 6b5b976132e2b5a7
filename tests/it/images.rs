//! `lcm report --live`: API servers say themselves which images run, page by page; one that lets nobody read is
//! told, and the report goes on.
#![allow(clippy::unwrap_used)]

use futures::StreamExt;
use serde_json::{Value, json};

use crate::bed::{Bed, ClusterSpec};
use crate::tiny::{self, Member, PLAIN};

/// One page holds 200.
const PODS: usize = 205;

const NIGHTLY: &str = "apiVersion: batch/v1
kind: CronJob
metadata: { name: nightly, namespace: default }
spec:
  schedule: '0 3 * * *'
  jobTemplate:
    spec:
      template:
        spec:
          restartPolicy: Never
          containers: [{ name: a, image: 'r.example.com/app/job:1.0.0' }]
";

const SOURCES: &str = "apiVersion: tidegate.dev/v1
kind: Sources
metadata: { name: sources }
spec:
  images:
    - { group: example.com, kind: Shop, fields: [spec.image] }
";

fn digest() -> String {
    format!("sha256:{}", "a".repeat(64))
}

async fn send(client: &kube::Client, method: &str, path: &str, body: Value) {
    let kind = if method == "PATCH" { "application/merge-patch+json" } else { "application/json" };
    let request = http::Request::builder().method(method).uri(path).header("Content-Type", kind);
    let request = request.body(body.to_string().into_bytes()).unwrap();
    client.request::<Value>(request).await.unwrap_or_else(|e| panic!("{method} {path}: {e}"));
}

/// What others put into the cluster: a kind with an object, a Deployment that is switched off, many pods.
async fn others(client: &kube::Client) {
    let definition = json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "shops.example.com"}, "spec": {"group": "example.com", "scope": "Namespaced",
        "names": {"kind": "Shop", "plural": "shops", "singular": "shop", "listKind": "ShopList"},
        "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema":
            {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}}]}});
    send(client, "POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", definition).await;
    let account = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}});
    send(client, "POST", "/api/v1/namespaces/default/serviceaccounts", account).await;
    let off = json!({"apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "off", "labels": {"team": "sales"}},
        "spec": {"replicas": 0, "selector": {"matchLabels": {"app": "off"}}, "template": {
            "metadata": {"labels": {"app": "off"}},
            "spec": {"containers": [{"name": "a", "image": "r.example.com/sales/off:2.0.0"}]}}}});
    send(client, "POST", "/apis/apps/v1/namespaces/default/deployments", off).await;
    let pod = |n: usize| async move {
        let path = "/api/v1/namespaces/default/pods";
        let owner = json!([{"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "many", "uid": "u", "controller": true}]);
        let pod = json!({"apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": format!("many-{n}"), "ownerReferences": owner},
            "spec": {"containers": [{"name": "a", "image": "r.example.com/many:3.0.0"}]}});
        send(client, "POST", path, pod).await;
        let pulled = format!("r.example.com/many@{}", digest());
        let status = json!({"status": {"phase": "Running", "containerStatuses": [{"name": "a", "image": "many",
            "imageID": pulled, "ready": true, "restartCount": 0}]}});
        if n == PODS - 1 {
            send(client, "PATCH", &format!("{path}/many-{n}/status"), status).await;
        }
    };
    futures::stream::iter(0..PODS).map(pod).buffer_unordered(8).collect::<Vec<_>>().await;
    let shop = json!({"apiVersion": "example.com/v1", "kind": "Shop", "metadata": {"name": "corner"},
        "spec": {"image": "r.example.com/shop:4.0.0"}});
    send(client, "POST", "/apis/example.com/v1/namespaces/default/shops", shop).await;
}

/// The thing of a product with this name.
fn thing<'r>(report: &'r Value, product: &str, name: &str) -> &'r Value {
    let products = report["data"]["products"].as_array().unwrap();
    let things = products.iter().filter(|one| one["product"] == product);
    let mut things = things.flat_map(|one| one["things"].as_array().unwrap());
    things.find(|one| one["name"] == name).unwrap_or_else(|| panic!("no {name} of {product}: {report:#}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn clusters_say_themselves_which_images_run() {
    let cluster = Bed::shared().await.cluster(ClusterSpec::api_only("images")).await;
    others(&cluster.client().await).await;
    tiny::beside(move || {
        let open = || Member::of(&cluster, "staging");
        let lab = tiny::lab(&[open()], tiny::WAVES);
        tiny::first(&lab, PLAIN, NIGHTLY);
        tiny::start(&lab, "R1").ok();
        let shut =
            Member { name: "shut".to_owned(), env: "prod", kubeconfig: cluster.kubeconfig_of_nobody() };
        tiny::write_fleet(&lab, &[open(), shut], "");
        lab.write("pipelines/sources.yaml", SOURCES);
        let tags = |name: &str, tag: &str| json!({"kind": "image", "name": name, "tags": [tag, "9.0.0"]});
        let answers = json!({"apiVersion": "cli.tidegate.dev/v1", "kind": "LcmAnswers", "data": {"at": "2026-11-22T20:00:00Z", "answers": [
            tags("r.example.com/app/job", "1.0.0"), tags("r.example.com/many", "3.0.0"),
            tags("r.example.com/sales/off", "2.0.0")]}});
        lab.write("answers.json", &answers.to_string());

        let report = lab.tidegate("lcm report --live --answers answers.json -o json").ok().json();
        let live = &report["data"]["live"];
        assert_eq!((&live["asked"], &live["answered"]), (&json!(2), &json!(1)), "{report:#}");
        assert_eq!(live["silent"][0]["cluster"], "shut");
        assert_eq!(live["silent"][0]["silence"], "forbidden");
        assert_eq!(report["partial"], true);

        let own = thing(&report, "app", "r.example.com/app/job");
        assert_eq!(own["declared"], json!(["1.0.0"]));
        let nightly = json!({"namespace": "default", "kind": "CronJob", "name": "nightly", "owner": null,
            "clusters": ["images"]});
        assert_eq!(own["running"][0]["workloads"], json!([nightly]));
        assert_eq!(own["act"]["deed"], "bump");

        let nobodys = |name: &str| thing(&report, "(no product)", name)["running"][0].clone();
        let many = nobodys("r.example.com/many");
        assert_eq!(many["digests"], json!([digest()]));
        assert_eq!(
            (&many["workloads"][0]["name"], many["workloads"].as_array().unwrap().len()),
            (&json!("many"), 1)
        );
        let off = nobodys("r.example.com/sales/off");
        assert_eq!((&off["version"], &off["workloads"][0]["owner"]), (&json!("2.0.0"), &json!("sales")));
        let shop = nobodys("r.example.com/shop");
        assert_eq!((&shop["version"], &shop["workloads"][0]["kind"]), (&json!("4.0.0"), &json!("Shop")));

        let one =
            lab.tidegate("lcm report --live --cluster images --answers answers.json --owner sales").ok();
        assert!(
            one.out.contains("1/1 answered")
                && one.out.contains("2.0.0 (1 workload)")
                && one.out.contains("tell its owner"),
            "{}",
            one.out
        );
        lab.tidegate("lcm report --live --cluster image --answers answers.json").exits(4);
    })
    .await;
}
