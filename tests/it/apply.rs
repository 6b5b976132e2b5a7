//! One cluster at a time, without a driver: what applying, pruning, waiting, recording and fencing do
//! on a real API server. The names with numbers are cases of apply.yaml.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use serde_json::{Value, json};
use tidegate::apply::record::Record;
use tidegate::engine::cluster::{Confirmation, Error, Guard, JobRun, Kind, Obstacle};
use tidegate::model::{Conflicts, ProductName, RecordPhase, Tombstone, TombstoneWhen};
use tidegate::port::{Host, Secret};
use tidegate::render::Mask;

use crate::bed::{ClusterSpec, Fault, Rule};
use crate::desk::{Desk, LEASE, LIMIT, REQUEST, Shop, config, namespace};

fn record(guard: &Guard, product: &str) -> Option<Record> {
    guard.records().remove(&product.parse::<ProductName>().unwrap())
}

fn names(record: &Record) -> Vec<String> {
    record.inventory.entries.iter().map(|entry| entry.id.to_string()).collect()
}

fn tombstone(name: &str, when: TombstoneWhen) -> Tombstone {
    Tombstone {
        api_version: "v1".to_owned(),
        kind: "ConfigMap".to_owned(),
        namespace: Some("shop".to_owned()),
        name: name.to_owned(),
        when,
    }
}

fn widget_definition(scope: &str, versions: &[&str]) -> Value {
    let schema = json!({"openAPIV3Schema": {"type": "object", "properties": {"spec": {"type": "object",
        "properties": {"size": {"type": "integer"}}}}}});
    let versions: Vec<Value> = versions
        .iter()
        .enumerate()
        .map(|(n, name)| json!({"name": name, "served": true, "storage": n == 0, "schema": schema}))
        .collect();
    json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "widgets.example.com"}, "spec": {"group": "example.com", "scope": scope,
        "names": {"kind": "Widget", "plural": "widgets", "singular": "widget", "listKind": "WidgetList"},
        "versions": versions}})
}

fn widget(name: &str, size: u32) -> Value {
    json!({"apiVersion": "example.com/v1", "kind": "Widget",
        "metadata": {"name": name, "namespace": "shop"}, "spec": {"size": size}})
}

#[tokio::test]
async fn apply_a19_the_same_set_again_sends_nothing() {
    let desk = Desk::api_only("again").await;
    let guard = desk.guard().await;
    let mut objects = vec![namespace("shop")];
    objects.extend((0..10).map(|n| config("shop", &format!("c{n}"), "one")));
    objects.push(json!({"apiVersion": "v1", "kind": "Secret",
        "metadata": {"name": "s", "namespace": "shop"}, "stringData": {"p": "plain"}}));
    let mut shop = Shop::new("app", objects);

    let (first, settled) = shop.roll(&guard).await.unwrap();
    assert_eq!((first.created, first.changed, settled.ready), (12, 0, 12));
    let written = record(&guard, "app").unwrap();
    assert_eq!(written.current.phase, RecordPhase::Verified);
    assert!(written.inventory.entries.iter().all(|entry| entry.proof.is_some() && entry.uid.is_some()));
    let versions = async || {
        let list = desk.get("/api/v1/namespaces/shop/configmaps").await.unwrap();
        let items = list["items"].as_array().unwrap().iter();
        items.map(|i| i["metadata"]["resourceVersion"].clone()).collect::<Vec<_>>()
    };
    let before = versions().await;
    let patches = || desk.writes().into_iter().filter(|e| e.verb == "patch").count();
    let sent = patches();

    let (second, _) = shop.roll(&guard).await.unwrap();
    assert_eq!((second.skipped, second.created + second.changed + second.same), (12, 0));
    assert_eq!(versions().await, before);
    assert_eq!(patches(), sent, "a request was sent for an object that did not change");

    // One changed: one request.
    let mut objects = shop.objects.clone();
    objects[3] = config("shop", "c2", "two");
    let (third, _) = shop.becomes(objects).roll(&guard).await.unwrap();
    assert_eq!((third.changed, third.skipped), (1, 11));
    assert_eq!(patches(), sent + 1);
    let previous = record(&guard, "app").unwrap().previous.unwrap();
    assert_eq!(previous.version.to_string(), "1.0.1", "the verified state before is the way back");
}

#[tokio::test]
async fn foreign_changes_are_seen_and_repaired() {
    let desk = Desk::api_only("foreign").await;
    let guard = desk.guard().await;
    let secret = json!({"apiVersion": "v1", "kind": "Secret",
        "metadata": {"name": "s", "namespace": "shop"}, "stringData": {"p": "plain"}});
    let objects =
        vec![namespace("shop"), config("shop", "edited", "ours"), config("shop", "gone", "ours"), secret];
    let mut shop = Shop::new("app", objects);
    shop.conflicts = Conflicts::Take;
    shop.roll(&guard).await.unwrap();

    let base = "/api/v1/namespaces/shop";
    desk.patch(&format!("{base}/configmaps/edited"), json!({"data": {"value": "theirs"}})).await;
    desk.patch(&format!("{base}/secrets/s"), json!({"data": {"p": "dGhlaXJz"}})).await;
    desk.send("DELETE", &format!("{base}/configmaps/gone"), "application/json", &json!({})).await;

    let (applied, _) = shop.roll(&guard).await.unwrap();
    assert_eq!((applied.created, applied.changed, applied.skipped), (1, 2, 1), "{applied:?}");
    assert_eq!(desk.get(&format!("{base}/configmaps/edited")).await.unwrap()["data"]["value"], "ours");
    assert_eq!(desk.get(&format!("{base}/secrets/s")).await.unwrap()["data"]["p"], "cGxhaW4=");
    assert!(applied.warnings.iter().any(|w| w.contains("ConfigMap shop/edited: taken over: .data.value")));

    // A write that takes no field of ours is none of our business.
    desk.patch(&format!("{base}/configmaps/edited"), json!({"data": {"more": "theirs"}})).await;
    let (applied, _) = shop.roll(&guard).await.unwrap();
    assert_eq!(applied.skipped, 4);
}

#[tokio::test]
async fn a_conflict_names_object_field_and_manager_and_changes_nothing() {
    let desk = Desk::api_only("conflict").await;
    let guard = desk.guard().await;
    let mut shop = Shop::new("app", vec![namespace("shop"), config("shop", "c", "ours")]);
    shop.roll(&guard).await.unwrap();
    let path = "/api/v1/namespaces/shop/configmaps/c";
    desk.patch(&format!("{path}?fieldManager=kubectl-edit"), json!({"data": {"value": "theirs"}})).await;

    let error = shop.apply(&guard).await.unwrap_err();
    assert_eq!(error.kind, Kind::Conflict);
    let said = &error.message;
    assert!(said.starts_with("TG0606: ConfigMap shop/c (app.yaml:2)"), "{said}");
    assert!(said.contains(".data.value is owned by kubectl-edit"), "{said}");
    assert_eq!(desk.get(path).await.unwrap()["data"]["value"], "theirs");

    shop.conflicts = Conflicts::Take;
    shop.apply(&guard).await.unwrap();
    assert_eq!(desk.get(path).await.unwrap()["data"]["value"], "ours");
}

#[tokio::test]
async fn apply_a01_stages_in_order_and_a_failure_leaves_the_rest_recorded() {
    let desk = Desk::api_only("order").await;
    let guard = desk.guard().await;
    let rbac = "rbac.authorization.k8s.io";
    let binding = |role: &str| {
        json!({"apiVersion": format!("{rbac}/v1"), "kind": "ClusterRoleBinding", "metadata": {"name": "b"},
            "roleRef": {"apiGroup": rbac, "kind": "ClusterRole", "name": role}, "subjects": []})
    };
    let objects = |role: &str| {
        vec![
            binding(role),
            json!({"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "sc"},
                "provisioner": "example.com/none"}),
            json!({"apiVersion": format!("{rbac}/v1"), "kind": "ClusterRole", "metadata": {"name": "r"},
                "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]}),
            namespace("shop"),
        ]
    };
    let mut shop = Shop::new("app", objects("r"));
    shop.roll(&guard).await.unwrap();
    let sent = desk.writes().into_iter().filter(|e| e.verb == "patch");
    let order: Vec<String> = sent.map(|e| e.object_ref.unwrap().resource).collect();
    assert_eq!(order, ["namespaces", "clusterroles", "storageclasses", "clusterrolebindings"]);

    let error = shop.becomes(objects("other")).apply(&guard).await.unwrap_err();
    assert_eq!(error.kind, Kind::Rejected);
    assert!(error.message.contains("ClusterRoleBinding b (app.yaml:1)"), "{error}");
    assert!(error.details.is_empty(), "only one object failed: {:?}", error.details);
    let all = ["StorageClass sc", "Namespace shop", "ClusterRole r", "ClusterRoleBinding b"];
    let known = names(&record(&guard, "app").unwrap());
    assert!(all.iter().all(|name| known.contains(&(*name).to_owned())), "{known:?}");
}

#[tokio::test]
async fn apply_a09_a_definition_comes_before_its_resources() {
    let desk = Desk::api_only("definition").await;
    let guard = desk.guard().await;
    let objects = vec![widget("w", 1), widget_definition("Namespaced", &["v1"]), namespace("shop")];
    let shop = Shop::new("app", objects);
    let survey = desk.cluster().survey(&shop.all(), std::slice::from_ref(&shop.product)).await.unwrap();
    assert_eq!(survey.obstacles, []);
    let (applied, settled) = shop.roll(&guard).await.unwrap();
    assert_eq!((applied.created, settled.ready), (3, 3));
    let found = desk.get("/apis/example.com/v1/namespaces/shop/widgets/w").await.unwrap();
    assert_eq!(found["spec"]["size"], 1);
    // Strict validation holds for custom resources too.
    let mut wrong = widget("w", 2);
    wrong["spec"]["sise"] = json!(3);
    let shop = Shop::new("app", vec![wrong, widget_definition("Namespaced", &["v1"]), namespace("shop")]);
    let error = shop.apply(&guard).await.unwrap_err();
    assert_eq!(error.kind, Kind::Rejected);
    assert!(error.message.contains(".spec.sise: field not declared in schema"), "{error}");
}

#[tokio::test]
async fn apply_a13_a14_a16_what_is_in_the_way_is_found_before_any_write() {
    let desk = Desk::api_only("survey").await;
    let guard = desk.guard().await;
    let old = Shop::new("old", vec![widget_definition("Namespaced", &["v1alpha1", "v1"])]);
    old.apply(&guard).await.unwrap();
    guard.release().await;
    let written = desk.writes().len();

    let runner = json!({"apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "default"},
        "spec": {"template": {"spec": {"serviceAccountName": "runner"}}}});
    let mut app =
        Shop::new("app", vec![config("nowhere", "c", "x"), runner, config("default", "shared", "x")]);
    app.others = vec![
        Shop::new("web", vec![config("default", "shared", "y")]).set(),
        Shop::new("old", vec![widget_definition("Cluster", &["v1"])]).set(),
        Shop::new(
            "new",
            vec![
                widget_definition("Namespaced", &["v1"]),
                json!({"apiVersion": "example.org/v1",
            "kind": "Gadget", "metadata": {"name": "g"}}),
            ],
        )
        .set(),
    ];
    let products: Vec<ProductName> = app.all().into_iter().map(|set| set.product).collect();
    let survey = desk.cluster().survey(&app.all(), &products).await.unwrap();
    let said: Vec<String> = survey
        .obstacles
        .iter()
        .map(|o| match o {
            Obstacle::Missing(why) => format!("missing {why}"),
            Obstacle::Wrong(why) => format!("wrong {why}"),
        })
        .collect();
    for expected in [
        "wrong TG0611: products app and web both render ConfigMap default/shared: app.yaml:3 and web.yaml:1",
        "missing TG0609: product new, new.yaml:2: the cluster does not know the kind Gadget",
        "missing TG0608: namespace nowhere of ConfigMap nowhere/c (app.yaml:1, product app) is neither",
        "missing TG0610: Deployment default/web (app.yaml:2, product app) runs as ServiceAccount default/runner",
        "wrong TG0612: product old, old.yaml:1: CustomResourceDefinition widgets.example.com would change its scope",
        "wrong TG0612: product new, new.yaml:1: CustomResourceDefinition widgets.example.com would lose version v1alpha1",
    ] {
        assert!(said.iter().any(|line| line.starts_with(expected)), "no `{expected}` in {said:#?}");
    }
    assert_eq!(desk.writes().len(), written, "looking wrote something");

    // An object in a namespace that is nowhere is refused at applying too, with both names.
    let guard = desk.guard().await;
    let error = Shop::new("app", vec![config("nowhere", "c", "x")]).apply(&guard).await.unwrap_err();
    assert_eq!(error.kind, Kind::Missing);
    assert!(
        error.message.starts_with("TG0608: ConfigMap nowhere/c (app.yaml:1): namespace nowhere"),
        "{error}"
    );
}

#[tokio::test]
async fn apply_a18_a48_a50_pruning_keeps_what_it_must() {
    let desk = Desk::api_only("prune").await;
    let guard = desk.guard().await;
    let mut objects = vec![
        namespace("shop"),
        widget_definition("Namespaced", &["v1"]),
        widget("lost", 1),
        json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim",
            "metadata": {"name": "data", "namespace": "shop"}, "spec": {"accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "1Gi"}}, "storageClassName": "none"}}),
        config("shop", "moved", "x"),
        config("shop", "owned", "x"),
        config("shop", "remade", "x"),
        config("shop", "dropped", "x"),
    ];
    objects.extend((0..25).map(|n| config("shop", &format!("stays{n}"), "x")));
    let mut shop = Shop::new("app", objects.clone());
    shop.apply(&guard).await.unwrap();

    let configs = "/api/v1/namespaces/shop/configmaps";
    let owner = desk.get(&format!("{configs}/stays0")).await.unwrap()["metadata"]["uid"].clone();
    desk.patch(
        &format!("{configs}/owned"),
        json!({"metadata": {"ownerReferences": [{"apiVersion": "v1",
        "kind": "ConfigMap", "name": "stays0", "uid": owner, "controller": true}]}}),
    )
    .await;
    desk.send("DELETE", &format!("{configs}/remade"), "application/json", &json!({})).await;
    desk.send("POST", configs, "application/json", &config("shop", "remade", "theirs")).await;
    // The definition of a kind in the inventory goes away behind our back.
    let crds = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/widgets.example.com";
    desk.send("DELETE", crds, "application/json", &json!({})).await;
    while desk.get(crds).await.is_some() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }

    shop.becomes(objects.split_off(8));
    shop.others = vec![Shop::new("other", vec![config("shop", "moved", "x")]).set()];
    // A new connection, since what is served was learned on the old one.
    guard.release().await;
    let guard = desk.guard().await;
    let (_, settled) = shop.roll(&guard).await.unwrap();
    assert_eq!(settled.pruned, ["ConfigMap shop/dropped"]);
    assert_eq!(
        settled.kept,
        [
            "ConfigMap shop/moved: product other has it now",
            "ConfigMap shop/owned: ConfigMap stays0 controls it",
            "ConfigMap shop/remade: it was made anew by somebody else",
            "CustomResourceDefinition.apiextensions.k8s.io widgets.example.com: objects of this kind are never deleted",
            "Namespace shop: objects of this kind are never deleted",
            "PersistentVolumeClaim shop/data: objects of this kind are never deleted",
            "Widget.example.com shop/lost: the cluster does not serve its kind any more",
        ]
        .map(|line| line.replace("CustomResourceDefinition.apiextensions.k8s.io", "CustomResourceDefinition"))
    );
    for name in ["moved", "owned", "remade"] {
        assert!(desk.get(&format!("{configs}/{name}")).await.is_some(), "{name} was deleted");
    }
    assert!(desk.get(&format!("{configs}/dropped")).await.is_none());
    assert_eq!(record(&guard, "app").unwrap().inventory.entries.len(), 25);

    // Tombstones: an object that the inventory does not know, named by the product.
    desk.send("POST", configs, "application/json", &config("shop", "ancient", "x")).await;
    shop.tombstones = vec![tombstone("ancient", TombstoneWhen::After)];
    let (_, settled) = shop.roll(&guard).await.unwrap();
    assert_eq!(settled.pruned, ["ConfigMap shop/ancient"]);
}

#[tokio::test]
async fn an_object_moves_from_one_product_to_another() {
    let desk = Desk::api_only("moved").await;
    let guard = desk.guard().await;
    let stays = config("default", "stays", "x");
    let mut from = Shop::new("from", vec![config("default", "moves", "old"), stays.clone(), namespace("n")]);
    from.roll(&guard).await.unwrap();
    let mut to = Shop::new("to", vec![config("default", "moves", "new")]);
    // As long as both have it, the one does not take it from the other.
    to.others = vec![from.set()];
    let error = to.apply(&guard).await.unwrap_err();
    assert_eq!(error.kind, Kind::Conflict);
    assert!(error.message.contains(".data.value is owned by tidegate/from"), "{error}");

    from.becomes(vec![stays, namespace("n")]);
    from.confirmation = Confirmation::Prune;
    to.others = vec![from.set()];
    from.others = vec![to.set()];
    let applied = to.apply(&guard).await.unwrap();
    assert_eq!(applied.changed, 1);
    let (_, settled) = from.roll(&guard).await.unwrap();
    assert_eq!(settled.kept, ["ConfigMap default/moves: product to has it now"]);
    let path = "/api/v1/namespaces/default/configmaps/moves";
    assert_eq!(desk.get(path).await.unwrap()["data"]["value"], "new");
}

#[tokio::test]
async fn apply_a49_an_empty_or_much_smaller_set_stops_before_the_first_write() {
    let desk = Desk::api_only("shrink").await;
    let guard = desk.guard().await;
    let objects: Vec<Value> = (0..10).map(|n| config("default", &format!("c{n}"), "x")).collect();
    desk.send("POST", "/api/v1/namespaces", "application/json", &namespace("default2")).await;
    let mut shop = Shop::new("app", objects.clone());
    shop.roll(&guard).await.unwrap();
    let before = record(&guard, "app").unwrap();

    for rest in [0, 4] {
        let error = shop.becomes(objects[..rest].to_vec()).apply(&guard).await.unwrap_err();
        assert_eq!(error.kind, Kind::Confirm);
        let said = format!("TG0613: product app: the product had 10 objects and now has {rest}; ");
        assert!(error.message.starts_with(&said), "{error}");
    }
    assert_eq!(record(&guard, "app").unwrap(), before);
    shop.confirmation = Confirmation::Prune;
    let (_, settled) = shop.roll(&guard).await.unwrap();
    assert_eq!(settled.pruned.len(), 6);
}

#[tokio::test]
async fn apply_a52_an_object_that_a_finalizer_holds_is_named_and_stays_in_the_inventory() {
    let desk = Desk::api_only("held").await;
    let guard = desk.guard().await;
    let mut held = config("default", "held", "x");
    held["metadata"]["finalizers"] = json!(["example.com/hold"]);
    let shop = Shop::new("app", vec![held, config("default", "free", "x")]);
    shop.roll(&guard).await.unwrap();
    let product = shop.product.clone();
    let error = guard.remove(&product, &[], Duration::from_secs(1)).await.unwrap_err();
    assert_eq!(error.kind, Kind::TimedOut);
    assert!(
        error.message.starts_with("ConfigMap default/held is not gone: it is being deleted for"),
        "{error}"
    );
    assert!(error.message.ends_with("held by finalizer example.com/hold"), "{error}");
    assert_eq!(names(&record(&guard, "app").unwrap()).len(), 2);

    let path = "/api/v1/namespaces/default/configmaps/held";
    desk.patch(path, json!({"metadata": {"finalizers": null}})).await;
    guard.remove(&product, &[], LIMIT).await.unwrap();
    assert!(desk.get(path).await.is_none());
    assert!(record(&guard, "app").is_none());
    assert!(desk.get("/api/v1/namespaces/tidegate-system/secrets/product.app").await.is_none());
}

#[tokio::test]
async fn apply_a35_a36_a_job_is_made_anew_only_when_the_new_one_is_valid() {
    let desk = Desk::api_only("recreate").await;
    let guard = desk.guard().await;
    let job = |image: &str, policy: &str| {
        json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "j", "namespace": "default"},
            "spec": {"template": {"spec": {"restartPolicy": policy, "containers": [{"name": "a", "image": image}]}}}})
    };
    let mut shop = Shop::new("app", vec![job("one:1", "Never")]);
    shop.apply(&guard).await.unwrap();
    let path = "/apis/batch/v1/namespaces/default/jobs/j";
    let uid = desk.get(path).await.unwrap()["metadata"]["uid"].clone();

    // Immutable and invalid: the object is not touched.
    let error = shop.becomes(vec![job("two:1", "Always")]).apply(&guard).await.unwrap_err();
    assert_eq!(error.kind, Kind::Rejected);
    assert!(error.message.contains("restartPolicy"), "{error}");
    assert_eq!(desk.get(path).await.unwrap()["metadata"]["uid"], uid);

    // No finalizer of a controller is in the way where no controller runs.
    let applied = shop.becomes(vec![job("two:1", "Never")]).apply(&guard).await.unwrap();
    assert_eq!(applied.recreated, 1);
    let now = desk.get(path).await.unwrap();
    assert_ne!(now["metadata"]["uid"], uid);
    assert_eq!(now["spec"]["template"]["spec"]["containers"][0]["image"], "two:1");
}

#[tokio::test]
async fn apply_a64_a_secret_value_appears_nowhere() {
    let desk = Desk::api_only("canary").await;
    let guard = desk.guard().await;
    const CANARY: &str = "c4n4ry-0f-th3-c04lm1n3";
    let hidden = BTreeMap::from([("/password".to_owned(), Secret::new(CANARY))]);
    let digest = guard.secrets_digest(&hidden).await.unwrap();
    assert!(digest.is_some());
    assert_eq!(guard.secrets_digest(&hidden).await.unwrap(), digest);
    let secret = |extra: Value| {
        let mut secret = json!({"apiVersion": "v1", "kind": "Secret",
            "metadata": {"name": "s", "namespace": "default"}, "stringData": {"password": CANARY}});
        secret.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        secret
    };
    // The value also in a field whose refusal quotes it.
    let quoted = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "x", "namespace": "default"},
        "spec": {"type": CANARY, "ports": [{"port": 80}]}});
    let mut shop = Shop::new("app", vec![secret(json!({}))]);
    shop.mask = Mask::new([CANARY]);
    shop.roll(&guard).await.unwrap();
    let mut said = Vec::new();
    for objects in [
        vec![quoted],
        vec![secret(json!({"data": {CANARY: {"x": CANARY}}}))],
        vec![secret(json!({"type": CANARY}))],
        vec![secret(json!({CANARY: CANARY}))],
    ] {
        let error = shop.becomes(objects).apply(&guard).await.unwrap_err();
        assert_eq!(error.kind, Kind::Rejected, "{error}");
        said.push(format!("{} {:?} {:?}", error.message, error.details, error.outcome()));
    }
    let path = "/api/v1/namespaces/default/secrets/s";
    desk.patch(&format!("{path}?fieldManager=kubectl-edit"), json!({"data": {"password": "dGhlaXJz"}})).await;
    let error = shop.becomes(vec![secret(json!({}))]).apply(&guard).await.unwrap_err();
    assert_eq!(error.kind, Kind::Conflict);
    assert!(error.message.contains(".data.password is owned by kubectl-edit"), "{error}");
    said.push(format!("{error} {error:?}"));

    let encoded = {
        use base64::Engine as _;
        base64::engine::general_purpose::STANDARD.encode(CANARY)
    };
    for text in &said {
        assert!(!text.contains(CANARY) && !text.contains(&encoded), "{text}");
    }
    for record in guard.records().values() {
        let text = format!("{}{:?}", serde_json::to_string(record).unwrap(), record.inventory);
        assert!(!text.contains(CANARY) && !text.contains(&encoded), "{text}");
    }
    let stored = desk.get("/api/v1/namespaces/tidegate-system/secrets").await.unwrap().to_string();
    assert!(!stored.contains(&encoded));
}

#[tokio::test(flavor = "multi_thread")]
async fn apply_a46_a_long_record_is_split_and_found_again() {
    let desk = Desk::api_only("long").await;
    let guard = desk.guard().await;
    let shop = Shop::new("app", vec![config("default", "c", "x")]);
    // Values that can hardly be compressed.
    let noise: Vec<String> =
        (0..33_000_u32).map(|n| tidegate::digest::bytes(&n.to_le_bytes()).hex()).collect();
    let (all, rollout) = (shop.all(), "R1-1".parse().unwrap());
    let state = tidegate::apply::record::State { values: json!({ "noise": noise }), ..shop.state() };
    let work = tidegate::engine::cluster::ProductWork {
        keeps: false,
        product: &shop.product,
        rollout: &rollout,
        attempt: 1,
        state: &state,
        all: &all,
        conflicts: Conflicts::Fail,
        tombstones: &[],
        confirmation: Confirmation::None,
        mask: &shop.mask,
    };
    guard.begin(&work).await.unwrap();
    let parts = async || {
        let path = "/api/v1/namespaces/tidegate-system/secrets?labelSelector=tidegate.dev/record=part";
        desk.get(path).await.unwrap()["items"].as_array().unwrap().len()
    };
    assert!(parts().await >= 1);
    let seen = desk.cluster().observe().await.unwrap();
    assert_eq!(seen.records, guard.records());
    assert_eq!(seen.observed.products[&shop.product].phase, RecordPhase::Applying);
    assert_eq!(seen.observed.uid.as_str(), desk.bed.uid());
    assert_eq!(seen.observed.kubernetes.to_string(), "1.36");

    // Replaced by a short one: the parts go.
    shop.roll(&guard).await.unwrap();
    assert_eq!(parts().await, 0);
    assert_eq!(desk.cluster().observe().await.unwrap().records, guard.records());

    // A higher format is refused, whoever asks.
    let path = "/api/v1/namespaces/tidegate-system/secrets/product.app";
    desk.patch(path, json!({"stringData": {"head": "{\"format\": 99}"}})).await;
    let error = desk.cluster().observe().await.unwrap_err();
    assert_eq!(error.kind, Kind::Record);
    assert!(
        error.message.starts_with("TG0604: the record of app can't be read: it has format 99"),
        "{error}"
    );
}

#[tokio::test]
async fn a_holder_that_slept_past_its_lease_starts_no_new_write() {
    let desk = Desk::api_only("slept").await;
    let guard = desk.guard().await;
    let shop = Shop::new("app", vec![config("default", "c", "x")]);
    shop.apply(&guard).await.unwrap();
    let before = desk.writes().len();
    let stored = desk.get("/api/v1/namespaces/tidegate-system/secrets/product.app").await;

    // The moment after waking up: the renewal has not run yet.
    desk.clock.sleep_through(LEASE);
    let error = Shop::new("app", vec![config("default", "c", "y")]).apply(&guard).await.unwrap_err();
    assert!(error.is_fenced(), "{error}");
    assert!(error.message.starts_with("TG0603"), "{error}");
    assert_eq!(desk.writes().len(), before);
    assert_eq!(desk.get("/api/v1/namespaces/tidegate-system/secrets/product.app").await, stored);
}

#[tokio::test]
async fn a_newer_process_of_the_journal_takes_over_and_the_older_one_stops() {
    let desk = Desk::api_only("takeover").await;
    let first = desk.guard().await;
    let shop = Shop::new("app", vec![config("default", "c", "x")]);
    shop.apply(&first).await.unwrap();

    // A holder that renews is not taken over from.
    let cluster = desk.cluster();
    let error = desk.acquire(&cluster, &desk.claimant(2)).await.err().unwrap();
    assert_eq!(error.kind, Kind::Held, "{error}");
    first.may_write(Duration::ZERO).unwrap();

    // One that is dead on this host is, after the longest request; its renewals stopped with it.
    drop(first);
    desk.host.bury(1);
    let began = std::time::Instant::now();
    let second = desk.acquire(&cluster, &desk.claimant(2)).await.unwrap();
    assert!(began.elapsed() >= REQUEST && began.elapsed() < LEASE + REQUEST, "{:?}", began.elapsed());
    assert_eq!(second.records().len(), 1, "the record is read again after the takeover");

    // One of which nothing is known is waited out for a whole lease and the longest request.
    drop(second);
    let began = std::time::Instant::now();
    let third = desk.acquire(&cluster, &desk.claimant(3)).await.unwrap();
    assert!(began.elapsed() >= LEASE + REQUEST, "{:?}", began.elapsed());

    // An older fence never comes back.
    let error = desk.acquire(&cluster, &desk.claimant(2)).await.err().unwrap();
    assert!(error.is_fenced(), "{error}");

    // A lease that was given back is there at once; its old holder notices at its next renewal.
    third.release().await;
    let began = std::time::Instant::now();
    let fourth = desk.acquire(&cluster, &desk.claimant(4)).await.unwrap();
    assert!(began.elapsed() < LEASE, "{:?}", began.elapsed());
    let lease = "/apis/coordination.k8s.io/v1/namespaces/tidegate-system/leases/operator";
    desk.patch(lease, json!({"spec": {"holderIdentity": "someone/else"}})).await;
    while fourth.may_write(Duration::ZERO).is_ok() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let error = shop.apply(&fourth).await.unwrap_err();
    assert!(error.is_fenced(), "{error}");
}

#[tokio::test]
async fn another_journal_is_refused_until_a_person_adopts_the_cluster() {
    let mut desk = Desk::api_only("adopted").await;
    let theirs = desk.guard().await;
    let shop = Shop::new("app", vec![config("default", "c", "x")]);
    shop.apply(&theirs).await.unwrap();
    let holder = format!("{}/1@desk", desk.journal);
    theirs.release().await;

    desk.journal = uuid::Uuid::new_v4();
    let cluster = desk.cluster();
    let error = desk.acquire(&cluster, &desk.claimant(7)).await.err().unwrap();
    assert_eq!(error.kind, Kind::Foreign);
    assert!(error.message.contains(&holder) && error.message.contains("tidegate cluster adopt"), "{error}");

    let host: Arc<dyn Host> = desk.host.clone();
    // What comes before the first write decides whether there is one.
    let lease =
        async || desk.get("/apis/coordination.k8s.io/v1/namespaces/tidegate-system/leases/operator").await;
    let before = lease().await;
    let refused = cluster
        .adopt(&desk.claimant(7), &host, LEASE, &|from| {
            Box::pin(async move { Err(Error::new(Kind::Other, format!("{from:?} stays"))) })
        })
        .await
        .unwrap_err();
    assert!(refused.message.contains(&holder), "{refused}");
    assert_eq!(lease().await, before);
    let agreed = |_: Option<String>| -> BoxFuture<'_, Result<(), Error>> { Box::pin(async { Ok(()) }) };
    let adoption = cluster.adopt(&desk.claimant(7), &host, LEASE, &agreed).await.unwrap();
    assert_eq!(adoption.from.as_deref(), Some(holder.as_str()));
    assert_eq!(adoption.products, ["app".parse().unwrap()]);

    // The record stays, and its unfinished rollout, unknown here, is no reason to refuse any more.
    let guard = cluster.acquire(&desk.claimant(8), &host, LEASE, &|_| false).await.unwrap();
    assert_eq!(names(&record(&guard, "app").unwrap()), ["ConfigMap default/c"]);
    shop.roll(&guard).await.unwrap();

    // A rollout that this journal does not know and nobody adopted is one.
    let mut half = Shop::new("app", vec![config("default", "c", "y")]);
    half.becomes(vec![config("default", "c", "z")]).apply(&guard).await.unwrap();
    guard.release().await;
    let error = cluster.acquire(&desk.claimant(9), &host, LEASE, &|_| false).await.err().unwrap();
    assert_eq!(error.kind, Kind::Foreign);
    assert!(error.message.contains("unfinished rollout R1-1"), "{error}");
}

#[tokio::test]
async fn apply_a78_passing_troubles_are_ridden_out_and_counted() {
    let desk = Desk::api_only("weather").await;
    let cluster = desk.over(desk.bed.client_via_proxy().await);
    let guard = desk.acquire(&cluster, &desk.claimant(1)).await.unwrap();
    let faults = desk.bed.faults();
    let webhook = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 500,
        "reason": "InternalError",
        "message": "Internal error occurred: failed calling webhook \"a.example.com\": no endpoints available"});
    let patch = |fault: Fault| Rule::new(fault).method("PATCH").path("/configmaps").times(1);
    faults.add(patch(Fault::status(503)));
    faults.add(patch(Fault::throttled(1)));
    faults.add(patch(Fault::Answer { status: 500, retry_after: None, body: Some(webhook.to_string()) }));
    faults.add(patch(Fault::Close));
    faults.add(patch(Fault::LoseAnswer));
    faults.add(patch(Fault::Truncate(10)));
    let shop = Shop::new("app", (0..6).map(|n| config("default", &format!("c{n}"), "x")).collect());
    let applied = shop.apply(&guard).await.unwrap();
    assert_eq!(applied.retried, 6, "{applied:?}");
    assert_eq!(shop.apply(&guard).await.unwrap().skipped, 6);

    // A refusal that lasts is asked once.
    let asked = || faults.passed().iter().filter(|p| p.path.contains("/configmaps/wrong")).count();
    let mut wrong = config("default", "wrong", "x");
    wrong["date"] = json!({});
    let error = Shop::new("other", vec![wrong]).apply(&guard).await.unwrap_err();
    assert_eq!((error.kind, asked()), (Kind::Rejected, 1), "{error}");
}

fn deployment(name: &str, fate: &str) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "namespace": "default"},
        "spec": {"replicas": 1, "selector": {"matchLabels": {"app": name}}, "template": {
            "metadata": {"labels": {"app": name}, "annotations": {"bed.tidegate.dev/fate": fate}},
            "spec": {"containers": [{"name": "main", "image": format!("example.com/{name}:1")}]}}}})
}

#[tokio::test]
async fn what_is_not_ready_says_why_in_words() {
    let desk = Desk::new(ClusterSpec::complete("causes", 1)).await;
    let guard = desk.guard().await;
    let limit = Duration::from_secs(8);
    let causes = [
        (deployment("crash", "crash-loop"), "CrashLoopBackOff"),
        (deployment("image", "bad-image"), "ImagePullBackOff (example.com/image:1)"),
        (
            json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "lb", "namespace": "default"},
            "spec": {"type": "LoadBalancer", "ports": [{"port": 80}]}}),
            "its load balancer has no address yet",
        ),
    ];
    let shop = Shop::new("app", causes.iter().map(|(object, _)| object.clone()).collect());
    shop.apply(&guard).await.unwrap();
    let error = shop.settle(&guard, limit).await.unwrap_err();
    assert_eq!(error.kind, Kind::TimedOut);
    for (object, cause) in &causes {
        let name = object["metadata"]["name"].as_str().unwrap();
        let line = error.details.iter().find(|line| line.contains(&format!("default/{name}: ")));
        assert!(line.is_some_and(|line| line.contains(cause)), "{name}: {:#?}", error.details);
    }
    assert_eq!(record(&guard, "app").unwrap().current.phase, RecordPhase::Applying);

    // A Job that failed ends the waiting at once.
    let job = |name: &str, fate: &str| {
        json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name, "namespace": "default"},
            "spec": {"backoffLimit": 0, "template": {
                "metadata": {"annotations": {"bed.tidegate.dev/fate": fate}},
                "spec": {"restartPolicy": "Never", "containers": [{"name": "main", "image": "x:1"}]}}}})
    };
    let failing = Shop::new("failing", vec![job("fails", "fails"), deployment("never", "never-ready")]);
    failing.apply(&guard).await.unwrap();
    let began = std::time::Instant::now();
    let error = failing.settle(&guard, LIMIT).await.unwrap_err();
    assert_eq!(error.kind, Kind::NotReady, "{error}");
    assert!(
        error.message.starts_with("TG0614: Job default/fails: Failed is True: BackoffLimitExceeded"),
        "{error}"
    );
    assert!(began.elapsed() < LIMIT, "it waited for what had failed");

    // Good ones get ready, and stay so for a later look.
    let good = Shop::new("good", vec![deployment("web", "none"), job("done", "none")]);
    let (_, settled) = good.roll(&guard).await.unwrap();
    assert_eq!(settled.ready, 2);
    let record = record(&guard, "good").unwrap();
    assert_eq!(desk.cluster().unready(&record).await.unwrap(), Vec::<String>::new());
    desk.send("DELETE", "/apis/apps/v1/namespaces/default/deployments/web", "application/json", &json!({}))
        .await;
    assert_eq!(desk.cluster().unready(&record).await.unwrap(), ["Deployment default/web: it is not there"]);

    // Tests that are Jobs: passed, failed with the cause, found again, cut off.
    let run = async |name: &str, fate: &str, key: &str, timeout: Duration| {
        let product: ProductName = "good".parse().unwrap();
        let set = Shop::new("good", vec![job(name, fate)]).set();
        let mask = Mask::default();
        guard
            .run_job(&JobRun {
                product: &product,
                job: &set.objects[0],
                key: key.to_owned(),
                timeout,
                mask: &mask,
            })
            .await
    };
    let passed = run("smoke", "none", "a 1", LIMIT).await.unwrap();
    assert!(passed.passed && passed.job.starts_with("default/smoke-"), "{passed:?}");
    assert_eq!(run("smoke", "none", "a 1", LIMIT).await.unwrap(), passed, "the same run is found again");
    assert_ne!(run("smoke", "none", "a 2", LIMIT).await.unwrap().job, passed.job);
    let failed = run("smoke", "fails", "a 3", LIMIT).await.unwrap();
    assert!(!failed.passed && failed.cause.contains("container main ended with exit code"), "{failed:?}");
    let error = run("smoke", "never-ends", "a 4", Duration::from_secs(2)).await.unwrap_err();
    assert_eq!(error.kind, Kind::TimedOut);
    assert!(error.message.contains("did not end within 2 s: 0 of 1 pod completed, 1 run"), "{error}");
}
