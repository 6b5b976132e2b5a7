//! A hotfix overtakes a release that is under way, and the release learns of it. Case H09.
#![allow(clippy::unwrap_used)]

use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::Api;

use crate::bed::{Bed, Cluster, ClusterSpec};
use crate::lab::Lab;
use crate::tiny::{self, Member, PLAIN};

/// What soaks in non-production enters production by a yes, so that the test decides when.
const LANES: &str = "
apiVersion: tidegate.dev/v1
kind: Pipeline
metadata: { name: main }
spec:
  lanes: { normal: [nonprod, prod], hotfix: [urgent] }
  waves:
    - { name: nonprod, selector: { env: nonprod }, soak: { for: 1s } }
    - { name: prod, selector: { env: prod }, gates: { before: [ { approval: { by: leads, author: allowed } } ] } }
    - { name: urgent, selector: { env: prod } }
";

/// The versions of the two products in a cluster, by what their manifests say.
async fn runs(cluster: &Cluster) -> (String, String) {
    let configs: Api<ConfigMap> = Api::namespaced(cluster.client().await, "default");
    let of = async |name: &str| {
        let found = configs.get(name).await.unwrap();
        found.data.unwrap()["value"].clone()
    };
    (of("edge").await, of("shop").await)
}

fn pair(edge: &str, shop: &str) -> (String, String) {
    (edge.to_owned(), shop.to_owned())
}

fn product(lab: &Lab, name: &str, version: &str) {
    tiny::product(lab, name, version, PLAIN, &tiny::config(name, version));
}

/// Plans, starts, says yes at production, and drives until nothing goes on by itself.
fn roll(lab: &Lab, id: &str) -> i32 {
    let plan = tiny::plan(lab, id);
    lab.run(&["rollout", "start", &plan, "--detach"]).ok();
    to_production(lab, id);
    approve(lab, id)
}

/// Drives until only the yes to production is missing; `--until blocked` does not sit through the
/// soak.
fn to_production(lab: &Lab, id: &str) {
    tiny::until("the gate of production", || {
        lab.run(&["rollout", "run", id, "--until", "blocked"]).exits(11);
        let why = lab.run(&["rollout", "why", id, "--wave", "prod", "-o", "json"]).json();
        let explanations = why["data"]["explanations"].as_array().cloned().unwrap_or_default();
        explanations.iter().any(|e| e["gate"] == "approval" && e["state"] == "closed").then_some(())
    });
}

fn approve(lab: &Lab, id: &str) -> i32 {
    lab.run(&["rollout", "approve", id, "--wave", "prod"]).ok();
    lab.run(&["rollout", "run", id, "--until", "blocked"]).code
}

/// Cuts a release that `release hotfix` wrote.
fn cut(lab: &Lab, id: &str) {
    lab.commit(&format!("release: {id}"));
    lab.run(&["release", "cut", id]).ok();
    lab.commit(&format!("release: {id} is cut"));
}

/// R41 everywhere, R42 in non-production.
fn until_42_waits(lab: &Lab) {
    lab.write("pipelines/main.yaml", LANES);
    product(lab, "edge", "1.0.0");
    product(lab, "shop", "1.0.0");
    tiny::release(lab, "R41", None, "{ edge: 1.0.0, shop: 1.0.0 }");
    tiny::cut(lab, "R41");
    assert_eq!(roll(lab, "R41"), 0);
    product(lab, "shop", "1.1.0");
    tiny::release(lab, "R42", Some("R41"), "{ edge: 1.0.0, shop: 1.1.0 }");
    tiny::cut(lab, "R42");
    let plan = tiny::plan(lab, "R42");
    lab.run(&["rollout", "start", &plan, "--detach"]).ok();
    to_production(lab, "R42");
}

/// 41.1 is written, tested and brought to production while R42 waits before it.
fn hotfix_to_production(lab: &Lab) {
    product(lab, "edge", "1.0.1");
    lab.commit("edge: 1.0.1 closes a hole");
    lab.tidegate("product tag edge").ok();
    let written = lab.tidegate("release hotfix R41 --product edge=1.0.1").ok();
    assert!(written.out.contains("R41.1 follows R41 in the lane hotfix"), "{}", written.out);
    cut(lab, "R41.1");
    let list = lab.tidegate("release list -o json").ok().json();
    let rows = list["data"]["items"].as_array().unwrap().clone();
    let missing: Vec<_> =
        rows.iter().filter(|r| r["missingHotfixes"][0] == "R41.1").map(|r| &r["id"]).collect();
    assert_eq!(missing, ["R42"], "R42 is marked");
    assert!(lab.tidegate("check").out.contains("TG0521") || lab.tidegate("check").err.contains("TG0521"));

    // Where R42 runs, nothing is proved about a mended R41.
    lab.edit("pipelines/main.yaml", "hotfix: [urgent]", "hotfix: [nonprod, urgent]");
    lab.commit("pipeline: a hotfix begins in non-production");
    let untested = lab.tidegate("plan R41.1").exits(3);
    assert!(
        untested.err.contains("TG0381") && untested.err.contains("runs its parent `R41`"),
        "{}",
        untested.err
    );
    lab.edit("pipelines/main.yaml", "hotfix: [nonprod, urgent]", "hotfix: [urgent]");
    lab.commit("pipeline: a hotfix begins where its parent runs");

    let plan = tiny::plan(lab, "R41.1");
    let shown = lab.tidegate("plan R41.1").out;
    assert!(shown.contains("lane hotfix"), "{shown}");
    lab.run(&["rollout", "start", &plan, "--detach"]).ok();
    lab.tidegate("rollout run R41.1 --until blocked").ok();
    let events = lab.events();
    let tests = events.iter().any(|e| {
        e["event"] == "step.finished"
            && e["rollout"] == "R41.1-1"
            && e["step"]["action"] == "test"
            && e["step"]["product"] == "edge"
    });
    assert!(tests, "a hotfix is tested");
}

/// H09: 41.1 must pass the tests where its parent runs; 42 is marked `missing hotfix` and can't enter
/// production until it is rebased to 42.1.
#[tokio::test(flavor = "multi_thread")]
async fn fleet_h09_a_release_that_misses_a_hotfix_does_not_enter_production() {
    let specs = ["hot-dev", "hot-prod"].map(ClusterSpec::api_only).into();
    let clusters = Bed::shared().await.clusters(specs).await;
    let members = [Member::of(&clusters[0], "nonprod"), Member::of(&clusters[1], "prod")];
    let lab = tiny::beside(move || {
        let lab = tiny::lab(&members, tiny::WAVES);
        until_42_waits(&lab);
        lab
    })
    .await;
    assert_eq!(runs(&clusters[0]).await, pair("1.0.0", "1.1.0"), "non-production runs 42");
    assert_eq!(runs(&clusters[1]).await, pair("1.0.0", "1.0.0"), "production runs 41");
    let lab = tiny::beside(move || {
        hotfix_to_production(&lab);
        lab
    })
    .await;
    assert_eq!(runs(&clusters[1]).await, pair("1.0.1", "1.0.0"), "production runs 41.1");
    let lab = tiny::beside(move || {
        // Everything else says yes, and R42 stays out.
        assert_eq!(approve(&lab, "R42"), 11);
        let why = lab.tidegate("rollout why R42 --wave prod -o json").ok().json();
        let explanations = why["data"]["explanations"].as_array().unwrap().clone();
        let found = explanations.iter().find(|e| e["gate"] == "missing-hotfix");
        let found = found.unwrap_or_else(|| panic!("{why:#}")).clone();
        let evidence = found["evidence"].to_string();
        assert!(evidence.contains("R41.1") && evidence.contains("hot-prod"), "{evidence}");
        let command = found["unblock"]["commands"][0].as_str().unwrap().to_owned();
        assert_eq!(command, "tidegate release hotfix R42 --include R41.1 --lane normal");
        let claimed = lab.events().iter().any(|e| {
            e["event"] == "attempt.claimed" && e["rollout"] == "R42-1" && e["cluster"] == "hot-prod"
        });
        assert!(!claimed, "R42 got a slot in production");
        let written = lab.tidegate(command.trim_start_matches("tidegate ")).ok();
        assert!(written.out.contains("R42.1") && written.out.contains("edge"), "{}", written.out);
        cut(&lab, "R42.1");
        lab.tidegate("rollout abort R42 --reason rebased").ok();
        lab.tidegate("rollout run R42 --until blocked").exits(12);
        assert_eq!(roll(&lab, "R42.1"), 0);
        let seals = lab.tidegate("journal verify");
        assert_eq!(seals.code, 0, "{}", seals.err);
        lab
    })
    .await;
    for cluster in &clusters {
        assert_eq!(runs(cluster).await, pair("1.0.1", "1.1.0"), "42.1 everywhere");
    }
    drop(lab);
}
