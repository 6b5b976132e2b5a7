//! What goes from real clusters, and in which order: objects of earlier versions before and after the
//! apply, and products before what they require. The audit log of the API server is the witness.
#![allow(clippy::unwrap_used)]

use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{Api, Patch, PatchParams, PostParams};
use serde_json::{Value, json};

use crate::bed::{Bed, Cluster, ClusterSpec};
use crate::lab::Lab;
use crate::tiny::{self, Member, PLAIN};

const ONE: &str = "
    - { name: staging, selector: { env: staging } }
";

async fn configs(cluster: &Cluster) -> Api<ConfigMap> {
    Api::namespaced(cluster.client().await, "default")
}

/// A ConfigMap that somebody else made.
async fn by_hand(configs: &Api<ConfigMap>, names: &[&str]) {
    for name in names {
        let made = json!({"metadata": {"name": name}, "data": {"value": "old"}});
        configs.create(&PostParams::default(), &serde_json::from_value(made).unwrap()).await.unwrap();
    }
}

async fn there(configs: &Api<ConfigMap>, name: &str) -> bool {
    configs.get_opt(name).await.unwrap().is_some()
}

/// The accepted writes of ConfigMaps in `default`, as `VERB NAME`, oldest first.
fn writes(cluster: &Cluster) -> Vec<String> {
    let all = cluster.audit().into_iter().filter(|e| e.stage == "ResponseComplete" && e.code() < 300);
    let ours = all.filter(|e| e.is_write() && e.user_agent.starts_with("tidegate/"));
    let of_configs = ours.filter_map(|e| {
        let object = e.object_ref.filter(|o| o.resource == "configmaps" && o.namespace == "default")?;
        Some((e.request_received_timestamp, format!("{} {}", e.verb, object.name)))
    });
    let mut found: Vec<_> = of_configs.collect();
    found.sort();
    found.into_iter().map(|(_, write)| write).collect()
}

fn at(writes: &[String], write: &str) -> usize {
    writes.iter().position(|w| w == write).unwrap_or_else(|| panic!("no `{write}` in {writes:#?}"))
}

/// What the steps with this action reported, in order.
fn outcomes(lab: &Lab, action: &str) -> Vec<Value> {
    let all = lab.events().into_iter();
    let of = |e: &Value| e["event"] == "step.finished" && e["step"]["action"] == action;
    all.filter(of).collect()
}

const REMOVED: &str = "  removed:
    - { apiVersion: v1, kind: ConfigMap, namespace: default, name: in-the-way, when: before }
    - { apiVersion: v1, kind: ConfigMap, namespace: default, name: own-old, when: before }
    - { apiVersion: v1, kind: ConfigMap, namespace: default, name: never-was, when: before }
    - { apiVersion: v1, kind: ConfigMap, namespace: default, name: other, when: before }
    - { apiVersion: v1, kind: ConfigMap, namespace: default, name: driven, when: before }
    - { apiVersion: example.com/v1, kind: Gadget, name: unknown, when: before }
    - { apiVersion: v1, kind: ConfigMap, namespace: default, name: leftover }
";

/// K06: a product names objects of earlier versions that go before and after what it applies. Absent
/// ones are no matter, and what another product or a controller has is never deleted.
#[tokio::test(flavor = "multi_thread")]
async fn fleet_k06_tombstones_go_before_and_after_the_apply() {
    let cluster = Bed::shared().await.cluster(ClusterSpec::api_only("stones")).await;
    let objects = configs(&cluster).await;
    by_hand(&objects, &["in-the-way", "leftover", "driven"]).await;
    let member = Member::of(&cluster, "staging");
    let lab = tiny::beside(move || {
        let lab = tiny::lab(&[member], ONE);
        tiny::product(&lab, "other", "1.0.0", PLAIN, &tiny::config("other", "mine"));
        let both = format!("{}---\n{}", tiny::config("app", "1"), tiny::config("own-old", "1"));
        tiny::product(&lab, "app", "1.0.0", PLAIN, &both);
        tiny::release(&lab, "R1", None, "{ app: 1.0.0, other: 1.0.0 }");
        tiny::cut(&lab, "R1");
        tiny::start(&lab, "R1").ok();
        assert!(outcomes(&lab, "clear").is_empty(), "nothing was to be cleared");
        lab
    })
    .await;
    assert!(there(&objects, "own-old").await && there(&objects, "in-the-way").await);
    let owner = objects.get("other").await.unwrap().metadata.uid.unwrap();
    let owned = json!({"metadata": {"ownerReferences": [{"apiVersion": "v1", "kind": "ConfigMap",
        "name": "other", "uid": owner, "controller": true}]}});
    objects.patch("driven", &PatchParams::default(), &Patch::Merge(owned)).await.unwrap();

    let lab = tiny::beside(move || {
        let more = format!("{PLAIN}{REMOVED}");
        let both = format!("{}---\n{}", tiny::config("app", "2"), tiny::config("new", "2"));
        tiny::product(&lab, "app", "1.1.0", &more, &both);
        tiny::release(&lab, "R2", Some("R1"), "{ app: 1.1.0, other: 1.0.0 }");
        tiny::cut(&lab, "R2");
        lab.tidegate("check").ok();

        let plan = lab.tidegate("plan R2").ok().out;
        let line = "app 1.1.0: ConfigMap default/in-the-way before it is applied, if it is there";
        assert!(plan.contains(line), "{plan}");
        let read = lab.tidegate("plan R2 -o json").ok().json();
        let deletes = read["data"]["deletes"].as_array().unwrap();
        assert_eq!(deletes.len(), 7, "{read:#}");
        assert_eq!(
            (&deletes[0]["object"], &deletes[0]["when"], &deletes[6]["when"]),
            (&json!("ConfigMap default/in-the-way"), &json!("before"), &json!("after"))
        );
        let one = lab.tidegate("plan R2 --cluster stones").ok().out;
        assert!(one.contains("app deletes ConfigMap default/leftover after it is applied"), "{one}");
        let preview = lab.tidegate("plan R2 --cluster stones --manifests").ok().out;
        assert!(
            preview.starts_with("# app deletes ConfigMap default/in-the-way before it is applied"),
            "{preview}"
        );

        tiny::start(&lab, "R2").ok();
        let cleared = outcomes(&lab, "clear");
        assert_eq!(cleared.len(), 1, "{cleared:#?}");
        assert_eq!(
            cleared[0]["evidence"],
            json!({
                "deleted": ["ConfigMap default/in-the-way", "ConfigMap default/own-old"],
                "kept": ["ConfigMap default/driven: ConfigMap other controls it",
                    "ConfigMap default/other: product other has it now"],
            })
        );
        let settled = outcomes(&lab, "settle");
        assert_eq!(settled.last().unwrap()["evidence"]["pruned"], json!(["ConfigMap default/leftover"]));
        let told = lab.tidegate("rollout events R2").ok().out;
        assert!(told.contains("app/clear is done: 2 objects deleted, 2 kept"), "{told}");
        lab
    })
    .await;
    for (name, stays) in
        [("in-the-way", false), ("own-old", false), ("leftover", false), ("other", true), ("driven", true)]
    {
        assert_eq!(there(&objects, name).await, stays, "{name}");
    }
    let order = writes(&cluster);
    assert!(at(&order, "delete in-the-way") < at(&order, "patch new"), "{order:#?}");
    assert!(at(&order, "delete own-old") < at(&order, "patch new"), "{order:#?}");
    assert!(at(&order, "patch new") < at(&order, "delete leftover"), "{order:#?}");

    // The next version names them still: what is gone is no matter, and nothing else is touched.
    tiny::beside(move || {
        let both = format!("{}---\n{}", tiny::config("app", "3"), tiny::config("new", "3"));
        tiny::product(&lab, "app", "1.2.0", &format!("{PLAIN}{REMOVED}"), &both);
        tiny::release(&lab, "R3", Some("R2"), "{ app: 1.2.0, other: 1.0.0 }");
        tiny::cut(&lab, "R3");
        tiny::start(&lab, "R3").ok();
        let cleared = outcomes(&lab, "clear");
        assert_eq!((cleared.len(), &cleared[1]["evidence"]["deleted"]), (2, &Value::Null), "{cleared:#?}");
    })
    .await;
    assert_eq!(writes(&cluster).iter().filter(|w| w.starts_with("delete")).count(), 3);
}

/// The chain `app` -> `middle` -> `zone`, whose names are in no order that helps, and `alone`.
fn chain(lab: &Lab) {
    let needs = |what: &str| format!("  requires: {{ {what}: \"*\" }}\n{PLAIN}");
    tiny::product(lab, "zone", "1.0.0", PLAIN, &tiny::config("zone", "1"));
    tiny::product(lab, "middle", "1.0.0", &needs("zone"), &tiny::config("middle", "1"));
    // Somebody's finalizer makes it stay for a while.
    let held = tiny::config("app", "1").replace("name: app,", "name: app, finalizers: [example.com/hold],");
    tiny::product(lab, "app", "1.0.0", &needs("middle"), &held);
    tiny::product(lab, "alone", "1.0.0", PLAIN, &tiny::config("alone", "1"));
}

/// A release that takes products away.
fn removing(lab: &Lab, removes: &str, products: &str) {
    tiny::release(lab, "R2", Some("R1"), products);
    lab.edit("releases/R2.yaml", "  parent: R1\n", &format!("  parent: R1\n  removes: {removes}\n"));
}

/// K08: a prerequisite that something needs is not taken away alone, and together they go in reverse
/// order of the graph, each only when what required it is gone.
#[tokio::test(flavor = "multi_thread")]
async fn fleet_k08_removal_goes_in_reverse_graph_order() {
    let cluster = Bed::shared().await.cluster(ClusterSpec::api_only("leaving")).await;
    let objects = configs(&cluster).await;
    let member = Member::of(&cluster, "staging");
    let (lab, mut driver) = tiny::beside(move || {
        let lab = tiny::lab(&[member], ONE);
        chain(&lab);
        tiny::release(&lab, "R1", None, "{ alone: 1.0.0, app: 1.0.0, middle: 1.0.0, zone: 1.0.0 }");
        tiny::cut(&lab, "R1");
        tiny::start(&lab, "R1").ok();

        removing(&lab, "[zone]", "{ alone: 1.0.0, app: 1.0.0, middle: 1.0.0 }");
        let refused = lab.tidegate("check").exits(3);
        assert!(refused.out.contains("TG0208") || refused.err.contains("TG0208"), "{refused:?}");

        removing(&lab, "[middle, zone, app]", "{ alone: 1.0.0 }");
        tiny::cut(&lab, "R2");
        let plan = tiny::plan(&lab, "R2");
        let shown = lab.tidegate("plan R2 --cluster leaving -o json").ok().json();
        assert_eq!(shown["data"]["removals"], json!(["app", "middle", "zone"]), "{shown:#}");
        let driver = lab.spawn(&["rollout", "start", &plan], "driver.log");
        (lab, driver)
    })
    .await;

    // As long as the first is held, what it requires stays.
    let end = std::time::Instant::now() + std::time::Duration::from_secs(90);
    while objects.get("app").await.unwrap().metadata.deletion_timestamp.is_none() {
        assert!(std::time::Instant::now() < end, "app is not deleted");
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    for name in ["middle", "zone"] {
        let found = objects.get(name).await.unwrap();
        assert!(found.metadata.deletion_timestamp.is_none(), "{name} goes before what requires it");
    }
    assert!(!writes(&cluster).iter().any(|w| w == "delete middle" || w == "delete zone"));
    let free = json!({"metadata": {"finalizers": null}});
    objects.patch("app", &PatchParams::default(), &Patch::Merge(free)).await.unwrap();

    let lab = tiny::beside(move || {
        let ended = driver.wait().unwrap();
        assert!(ended.success(), "{}", tiny::beside_text(&lab, "driver.log"));
        lab
    })
    .await;
    let deletes: Vec<String> = writes(&cluster).into_iter().filter(|w| w.starts_with("delete")).collect();
    assert_eq!(deletes, ["delete app", "delete middle", "delete zone"]);
    for (name, stays) in [("app", false), ("middle", false), ("zone", false), ("alone", true)] {
        assert_eq!(there(&objects, name).await, stays, "{name}");
    }
    tiny::beside(move || {
        let started = lab.events().into_iter().filter(|e| e["event"] == "step.started");
        let removed = started.filter(|e| e["step"]["action"] == "remove");
        let order: Vec<Value> = removed.map(|e| e["step"]["product"].clone()).collect();
        assert_eq!(order, [json!("app"), json!("middle"), json!("zone")]);
    })
    .await;
}
