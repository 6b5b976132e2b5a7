//! A bad release halts in a pool of production and is rolled back: on real clusters, record and
//! journal agree at the end, and the one-way step is named before and left out behind.
#![allow(clippy::unwrap_used)]

use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::Api;
use serde_json::Value;

use crate::bed::{Bed, Cluster, ClusterSpec};
use crate::lab::Lab;
use crate::story::every_cluster_is_as_planned;
use crate::tiny::{self, Member, PLAIN};

/// A step that nobody can undo, then the objects; a test that fails on one cluster from 2.0.0 on.
fn shop(test: &str) -> String {
    let migrate = "run: { name: migrate, command: [\"true\"], oneWay: true, idempotent: true }";
    format!(
        "  requires: {{ edge: \"*\" }}\n  deploy:\n    - {migrate}\n    - manifests: {{ path: manifests }}\n  tests:\n    - run: {{ name: fine, command: {test} }}\n"
    )
}

fn products(lab: &Lab, version: &str, test: &str) {
    tiny::product(lab, "edge", version, PLAIN, &tiny::config("edge", version));
    tiny::product(lab, "shop", version, &shop(test), &tiny::config("shop", version));
}

async fn runs(cluster: &Cluster) -> (String, String) {
    let configs: Api<ConfigMap> = Api::namespaced(cluster.client().await, "default");
    let of = async |name: &str| configs.get(name).await.unwrap().data.unwrap()["value"].clone();
    (of("edge").await, of("shop").await)
}

fn pair(version: &str) -> (String, String) {
    (version.to_owned(), version.to_owned())
}

/// R42 everywhere, R43 in staging and in the first cluster of production, where it halts.
fn until_43_halts(lab: &Lab) {
    products(lab, "1.0.0", "[\"true\"]");
    tiny::release(lab, "R42", None, "{ edge: 1.0.0, shop: 1.0.0 }");
    tiny::cut(lab, "R42");
    let plan = tiny::plan(lab, "R42");
    lab.run(&["rollout", "start", &plan]).ok();
    products(lab, "2.0.0", "[sh, -c, 'test $TIDEGATE_CLUSTER != back-prod-1']");
    tiny::release(lab, "R43", Some("R42"), "{ edge: 2.0.0, shop: 2.0.0 }");
    tiny::cut(lab, "R43");
    let plan = tiny::plan(lab, "R43");
    let shown = lab.tidegate("plan R43").ok().out;
    assert!(shown.contains("shop/migrate can't be rolled back"), "{shown}");
    lab.run(&["rollout", "start", &plan]).exits(13);
}

/// What programs read of the rollback before it begins: who goes back, to what, and what is left out.
fn looked_at_first(lab: &Lab) {
    let why = lab.tidegate("rollout why R43 -o json").json();
    assert!(why.to_string().contains("tidegate rollout rollback R43-1"), "{why:#}");
    let plan = lab.tidegate("rollout rollback R43 --plan-only --reason broken -o json").ok().json();
    let back = &plan["data"]["rollback"];
    assert_eq!(back["of"], "R43-1");
    assert_eq!(back["whole"], true);
    let clusters: Vec<&str> =
        back["clusters"].as_array().unwrap().iter().map(|c| c["cluster"].as_str().unwrap()).collect();
    assert_eq!(clusters, ["back-prod-1", "back-stage"], "back-prod-2 was never reached");
    let first = &back["clusters"][0];
    assert_eq!(first["skipped"][0]["step"], "migrate");
    assert_eq!(
        (first["products"][0]["product"].as_str(), first["products"][0]["to"].as_str()),
        (Some("shop"), Some("1.0.0"))
    );
    let events = lab.events();
    assert!(!events.iter().any(|e| e["rollout"] == "R43-2"), "a look records no rollout");
}

/// The steps that the rollback began, as `cluster product action`.
fn begun(events: &[Value]) -> Vec<String> {
    let of_it = events.iter().filter(|e| e["event"] == "step.started" && e["rollout"] == "R43-2");
    let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
    of_it
        .map(|e| {
            let step = &e["step"];
            format!(
                "{} {} {}{}",
                text(&e["cluster"]),
                text(&step["product"]),
                text(&step["action"]),
                step["step"].as_str().map(|s| format!(":{s}")).unwrap_or_default()
            )
        })
        .collect()
}

/// A bad release halts in a pool, is rolled back in reverse order without its one-way step, and the
/// journal agrees with the records.
#[tokio::test(flavor = "multi_thread")]
async fn a_bad_release_is_rolled_back_and_records_agree_with_the_journal() {
    let specs = ["back-stage", "back-prod-1", "back-prod-2"].map(ClusterSpec::api_only).into();
    let clusters = Bed::shared().await.clusters(specs).await;
    let members = [
        Member::of(&clusters[0], "staging"),
        Member::of(&clusters[1], "prod"),
        Member::of(&clusters[2], "prod"),
    ];
    let lab = tiny::beside(move || {
        let waves = "
    - { name: staging, selector: { env: staging } }
    - { name: prod, selector: { env: prod }, atOnce: 1 }
";
        let lab = tiny::lab(&members, waves);
        until_43_halts(&lab);
        looked_at_first(&lab);
        lab
    })
    .await;
    assert_eq!(runs(&clusters[1]).await, pair("2.0.0"), "the bad one is there");
    assert_eq!(runs(&clusters[2]).await, pair("1.0.0"), "and has come no further");
    let lab = tiny::beside(move || {
        let ran = lab.run(&["rollout", "rollback", "R43", "--reason", "INC-4711: it drops requests"]).ok();
        assert!(ran.err.contains("Not taken") && ran.err.contains("shop/migrate"), "{}", ran.err);
        assert!(ran.out.contains("rolls R43-1 back"), "{}", ran.out);
        let status = lab.tidegate("rollout status R43-1 -o json").ok().json();
        assert_eq!(status["data"]["state"], "rolled-back");
        let begun = begun(&lab.events());
        let deploys: Vec<&str> = begun.iter().map(String::as_str).filter(|s| s.contains("deploy")).collect();
        assert_eq!(
            deploys,
            [
                "back-prod-1 shop deploy:manifests",
                "back-prod-1 edge deploy:manifests",
                "back-stage shop deploy:manifests",
                "back-stage edge deploy:manifests"
            ]
        );
        every_cluster_is_as_planned(&lab, "R43", 4);
        lab.tidegate("rollout rollback R43-1 --reason again").exits(8);
        lab.tidegate("rollout rollback R43-2 --reason no").exits(8);
        lab.tidegate("journal verify").ok();
        lab
    })
    .await;
    for cluster in &clusters {
        assert_eq!(runs(cluster).await, pair("1.0.0"));
    }
    drop(lab);
}
