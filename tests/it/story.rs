//! The story: a platform team takes three releases through staging, two pools of test clusters and
//! two of production, on ten real clusters, with a pin, a failing test, an approval and a cluster
//! that can't be reached. It reads from top to bottom as it would happen.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use crate::bed::{Bed, Cluster, ClusterSpec};
use crate::lab::Lab;
use crate::timeline::Timeline;

const STAGING: &[&str] = &["staging-1"];
const NONPROD: &[&str] = &["cart-dev", "cart-qa", "pay-dev", "pay-qa", "web-dev"];
const PROD: &[&str] = &["cart-eu", "cart-us", "pay-eu", "pay-us"];

const PIPELINE: &str = r#"
apiVersion: tidegate.dev/v1
kind: Pipeline
metadata: { name: main }
spec:
  atOnce: 4
  waves:
    - name: staging
      selector: { env: staging }
      tests: all
      canary: true
    - name: nonprod
      selector: { env: nonprod }
      pools: { sizes: [2, 3] }
      atOnce: 2
      deferredBudget: 1
      soak: { for: 2s }
    - name: prod
      selector: { env: prod }
      pools:
        select:
          - { name: eu, selector: { region: eu } }
          - { name: us, selector: { region: us } }
      atOnce: 2
      gates:
        before:
          - approval: { by: platform-leads, author: allowed }
"#;

fn fleet(clusters: &BTreeMap<String, Cluster>) -> String {
    let mut text = String::from(
        "apiVersion: tidegate.dev/v1\nkind: Fleet\nmetadata: { name: story }\nspec:\n  environments:\n    prod:\n      values:\n        shop: { replicas: 3 }\n  clusters:\n",
    );
    for (env, names) in [("staging", STAGING), ("nonprod", NONPROD), ("prod", PROD)] {
        for name in names {
            let region = if name.ends_with("us") { "us" } else { "eu" };
            let path = clusters[*name].kubeconfig_via_proxy();
            text.push_str(&format!(
                "    - name: {name}\n      labels: {{ env: {env}, region: {region} }}\n      provider: bed\n      kubeconfig: {{ path: {} }}\n",
                path.display()
            ));
        }
    }
    text
}

/// The version of a product that a cluster's record has, and how far it got.
fn runs(lab: &Lab, cluster: &str, product: &str) -> (String, String) {
    let shown = lab.run(&["cluster", "show", cluster, "-o", "json"]).ok().json();
    let products = shown["data"]["observed"]["products"].as_object().unwrap_or_else(|| panic!("{shown:#}"));
    let found = &products[product];
    (found["version"].as_str().unwrap().to_owned(), found["phase"].as_str().unwrap().to_owned())
}

fn approve(lab: &Lab, release: &str) {
    lab.run(&["rollout", "approve", release, "--wave", "prod", "--comment", "looked at staging"]).ok();
}

fn cut(lab: &Lab, release: &str) {
    lab.run(&["release", "cut", release]).ok();
    lab.commit(&format!("release: {release}"));
}

/// Plans and starts a release, and drives it through the wave of test clusters, soak included.
fn start(lab: &Lab, release: &str) -> crate::lab::Ran {
    let plan = lab.around().join(format!("{release}.plan"));
    let plan = plan.to_str().unwrap();
    lab.run(&["plan", release, "--out", plan]).ok();
    lab.run(&["rollout", "start", plan, "--until", "wave:nonprod"])
}

/// Drives on until nothing but people can help.
fn blocked(lab: &Lab, release: &str) -> crate::lab::Ran {
    lab.run(&["rollout", "run", release, "--until", "blocked"]).exits(11)
}

/// Every cluster's record says exactly the inputs that the newest plan targets.
pub fn every_cluster_is_as_planned(lab: &Lab, release: &str, at_least: usize) {
    let planned = lab.events();
    let plan = planned
        .iter()
        .rev()
        .find(|e| e["event"] == "rollout.planned" && e["plan"]["release"]["id"] == release)
        .unwrap();
    let mut seen = 0;
    for wave in plan["plan"]["waves"].as_array().unwrap() {
        for pool in wave["pools"].as_array().unwrap() {
            for cluster in pool["clusters"].as_array().unwrap() {
                let name = cluster["name"].as_str().unwrap();
                let shown = lab.run(&["cluster", "show", name, "-o", "json"]).ok().json();
                for target in cluster["targets"].as_array().unwrap() {
                    let product = target["product"].as_str().unwrap();
                    let recorded = &shown["data"]["observed"]["products"][product];
                    assert_eq!(recorded["inputs"], target["inputs"], "{name} {product}: {recorded:#}");
                    assert_eq!(recorded["phase"], "verified", "{name} {product}");
                    seen += 1;
                }
            }
        }
    }
    assert!(seen >= at_least, "only {seen} records were compared");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_platform_team_rolls_three_releases_through_its_fleet() {
    let bed = Bed::shared().await;
    let names: Vec<&str> = STAGING.iter().chain(NONPROD).chain(PROD).copied().collect();
    let specs = names.iter().map(|name| ClusterSpec::complete(name, 1)).collect();
    let clusters: BTreeMap<String, Cluster> =
        bed.clusters(specs).await.into_iter().map(|c| (c.name().to_owned(), c)).collect();
    let helm = bed.tool("helm").await;
    let text = fleet(&clusters);

    // The binary blocks its thread; the proxies and this test go on beside it.
    let told = tokio::task::spawn_blocking(move || tell(&text, &helm, &clusters)).await;
    if let Err(panic) = told {
        std::panic::resume_unwind(panic.into_panic());
    }
}

fn tell(fleet: &str, helm: &std::path::Path, clusters: &BTreeMap<String, Cluster>) {
    let mut lab = Lab::with_products();
    lab.set("TIDEGATE_HELM", helm.display().to_string());
    lab.write("pipelines/fleet.yaml", fleet);
    lab.write("pipelines/main.yaml", PIPELINE);
    lab.commit("platform: products, fleet, pipeline");
    lab.tidegate("check").ok();
    lab.tidegate("product tag --all").ok();

    // Release 1 goes everywhere. It stops once, for an approval.
    cut(&lab, "R41");
    start(&lab, "R41").ok();
    let ran = blocked(&lab, "R41");
    assert!(ran.err.contains("tidegate rollout approve R41"), "the screen does not say how:\n{}", ran.err);
    approve(&lab, "R41");
    lab.tidegate("rollout run R41").ok();
    for name in STAGING.iter().chain(NONPROD).chain(PROD) {
        assert_eq!(runs(&lab, name, "shop"), ("0.9.0".to_owned(), "verified".to_owned()), "{name}");
    }
    every_cluster_is_as_planned(&lab, "R41", 40);

    // Release 2 raises the shop, with a test that will fail. A team keeps its cluster on a feature
    // version of its own.
    lab.edit("products/shop/product.yaml", "version: 0.9.0", "version: 0.9.1-feature");
    lab.edit("products/shop/product.yaml", "greeting: Welcome", "greeting: Welcome to the feature");
    lab.commit("shop: a feature");
    lab.tidegate("product tag shop").ok();
    let pin = "pin add --cluster pay-dev --product shop --version 0.9.1-feature --owner payments --until 2099-12-31 --id PIN-1 --reason feature";
    lab.tidegate(pin).ok();
    lab.edit("products/shop/product.yaml", "version: 0.9.1-feature", "version: 0.10.0");
    lab.edit("products/shop/product.yaml", "Welcome to the feature", "Hello");
    lab.edit(
        "products/shop/tests/end-to-end.yaml.j2",
        "  template:\n    spec:",
        "  template:\n    metadata:\n      annotations: { bed.tidegate.dev/fate: fails }\n    spec:",
    );
    lab.commit("shop: 0.10.0, and a pin");
    lab.tidegate("product tag shop").ok();
    cut(&lab, "R42");
    let ran = start(&lab, "R42").exits(13);
    assert!(ran.err.contains("end-to-end"), "the screen does not name the test:\n{}", ran.err);
    let why = lab.tidegate("rollout why R42").ok();
    assert!(why.out.contains("staging-1") && why.out.contains("end-to-end"), "{}", why.out);
    assert_eq!(runs(&lab, "cart-dev", "shop").0, "0.9.0", "a halted release went on");
    lab.run(&["rollout", "abort", "R42", "--reason", "the end-to-end test is wrong"]).ok();
    lab.tidegate("rollout run R42").exits(12);

    // The product is mended as a new version, and release 3 is cut from it.
    lab.edit("products/shop/product.yaml", "version: 0.10.0", "version: 0.10.1");
    lab.edit(
        "products/shop/tests/end-to-end.yaml.j2",
        "  template:\n    metadata:\n      annotations: { bed.tidegate.dev/fate: fails }\n    spec:",
        "  template:\n    spec:",
    );
    let r43 = lab.read("releases/R42.yaml");
    let r43 =
        r43.split("\nlock:").next().unwrap().replace("name: R42", "name: R43").replace("0.10.0", "0.10.1");
    lab.write("releases/R43.yaml", &r43.replace("parent: R41", "parent: R42"));
    lab.commit("shop: 0.10.1 mends the test");
    lab.tidegate("product tag shop").ok();
    cut(&lab, "R43");

    // One cluster can't be reached: it is left for later and delays nobody.
    clusters["web-dev"].faults().link(crate::bed::Link::HalfOpen);
    let before = lab.events().len();
    let ran = start(&lab, "R43").ok();
    assert!(ran.err.contains("web-dev"), "the screen does not name the unreachable cluster:\n{}", ran.err);
    blocked(&lab, "R43");
    approve(&lab, "R43");
    lab.tidegate("rollout run R43").exits(14);
    let timeline = Timeline::of(&lab.events()[before..]);
    timeline.pools_follow_one_another();
    assert_eq!(timeline.most_at_once(NONPROD), 2, "the cap of the wave was not used, or not kept");
    assert!(timeline.overlap("pay-eu", "cart-eu"), "clusters of one pool went one after another");
    assert_eq!(runs(&lab, "pay-dev", "shop").0, "0.9.1-feature", "the pin did not hold");
    for name in PROD {
        assert_eq!(runs(&lab, name, "shop"), ("0.10.1".to_owned(), "verified".to_owned()), "{name}");
    }

    // It comes back and is taken along.
    clusters["web-dev"].faults().link(crate::bed::Link::Open);
    lab.tidegate("rollout retry R43 --deferred").ok();
    lab.tidegate("rollout run R43").ok();
    assert_eq!(runs(&lab, "web-dev", "shop"), ("0.10.1".to_owned(), "verified".to_owned()));
    every_cluster_is_as_planned(&lab, "R43", 40);

    // The tags stand and name the commit that holds the lock.
    let lock = lab.git(&["log", "-1", "--format=%H", "--", "releases/R43.yaml"]);
    for wave in ["staging", "nonprod", "prod"] {
        assert_eq!(lab.git(&["rev-parse", &format!("release/R43/{wave}^{{commit}}")]), lock, "{wave}");
        assert_eq!(lab.git(&["cat-file", "-t", &format!("release/R43/{wave}")]), "tag");
    }
    assert_eq!(lab.git(&["tag", "--list", "release/R42/*"]), "", "an aborted release was tagged");
    lab.tidegate("journal verify").ok();
}
