//! A fleet lives on: a release soaks while a hotfix overtakes it under a freeze, a bad release goes back,
//! and a cluster that slept through it all catches up. One story on five real clusters, top to bottom as
//! it would happen.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::Value;

use crate::bed::{Bed, Cluster, ClusterSpec, Link};
use crate::lab::{Lab, Ran};
use crate::story::every_cluster_is_as_planned;
use crate::tiny;

/// Who is in the fleet: name, environment, region.
const FLEET: [(&str, &str, &str); 5] = [
    ("dev", "nonprod", "eu"),
    ("eu-1", "prod", "eu"),
    ("eu-2", "prod", "eu"),
    ("us-1", "prod", "us"),
    ("sleeper", "prod", "us"),
];

/// The waves; production has the same pools on both lanes.
fn pipeline() -> String {
    let pools = "
      pools:
        select:
          - { name: eu, selector: { region: eu } }
          - { name: us, selector: { region: us } }
      deferredBudget: 1";
    format!(
        "apiVersion: tidegate.dev/v1
kind: Pipeline
metadata: {{ name: main }}
spec:
  lanes: {{ normal: [nonprod, prod], hotfix: [urgent] }}
  waves:
    - {{ name: nonprod, selector: {{ env: nonprod }}, soak: {{ for: 2s }} }}
    - name: prod
      selector: {{ env: prod }}
      atOnce: 1{pools}
    - name: urgent
      selector: {{ env: prod }}
      atOnce: 2{pools}
"
    )
}

/// What runs on every cluster: a Deployment with nodes beneath it, so that readiness is a real answer.
fn shop(greeting: &str) -> String {
    format!(
        "apiVersion: apps/v1
kind: Deployment
metadata: {{ name: shop, namespace: default }}
spec:
  replicas: 2
  selector: {{ matchLabels: {{ app: shop }} }}
  template:
    metadata: {{ labels: {{ app: shop }}, annotations: {{ greeting: '{greeting}' }} }}
    spec:
      containers: [ {{ name: shop, image: 'shop:1' }} ]
"
    )
}

struct Story {
    lab: Lab,
    kubeconfigs: BTreeMap<&'static str, PathBuf>,
    clusters: BTreeMap<&'static str, Cluster>,
}

impl Story {
    /// Writes the Fleet file, with those that are switched off on purpose.
    fn fleet(&self, asleep: &[&str]) {
        let mut text = String::from(
            "apiVersion: tidegate.dev/v1\nkind: Fleet\nmetadata: { name: story }\nspec:\n  clusters:\n",
        );
        for (name, env, region) in FLEET {
            text.push_str(&format!(
                "    - {{ name: {name}, hibernated: {}, labels: {{ env: {env}, region: {region} }}, \
                 kubeconfig: {{ path: {} }} }}\n",
                asleep.contains(&name),
                self.kubeconfigs[name].display()
            ));
        }
        self.lab.write("pipelines/fleet.yaml", &text);
    }

    /// Cuts a release that is written, tags what it needs, and commits both.
    fn cut(&self, id: &str) {
        tiny::cut(&self.lab, id);
    }

    /// Plans a release and starts it; drives until only people, time or nothing is left.
    fn start(&self, id: &str) -> Ran {
        let plan = tiny::plan(&self.lab, id);
        self.lab.run(&["rollout", "start", &plan, "--until", "blocked"])
    }

    /// Drives until the answer is there.
    fn drive(&self, what: &str, rollout: &str, mut there: impl FnMut(&Self) -> bool) {
        tiny::until(what, || {
            self.lab.run(&["rollout", "run", rollout, "--until", "blocked"]);
            there(self).then_some(())
        });
    }

    /// The explanation of this gate that `why` gives for a wave.
    fn why(&self, rollout: &str, wave: &str, gate: &str) -> Option<Value> {
        let why = self.lab.run(&["rollout", "why", rollout, "--wave", wave, "-o", "json"]).ok().json();
        let all = why["data"]["explanations"].as_array().cloned().unwrap_or_default();
        all.into_iter().find(|e| e["gate"] == gate)
    }

    /// The versions of `edge` and `shop` that a cluster's record has.
    fn runs(&self, cluster: &str) -> (String, String) {
        let shown = self.lab.run(&["cluster", "show", cluster, "-o", "json"]).ok().json();
        let of = |product: &str| {
            let found = &shown["data"]["observed"]["products"][product]["version"];
            found.as_str().unwrap_or_else(|| panic!("{cluster} has no {product}: {shown:#}")).to_owned()
        };
        (of("edge"), of("shop"))
    }

    fn all_run(&self, clusters: &[&str], edge: &str, shop: &str) {
        for cluster in clusters {
            assert_eq!(self.runs(cluster), (edge.to_owned(), shop.to_owned()), "{cluster}");
        }
    }

    fn product(&self, name: &str, version: &str, more: &str, objects: &str) {
        tiny::product(&self.lab, name, version, more, objects);
    }

    fn done(&self, rollout: &str, wave: &str) -> bool {
        self.lab
            .events()
            .iter()
            .any(|e| e["event"] == "wave.done" && e["rollout"] == rollout && e["wave"] == wave)
    }

    fn state(&self, rollout: &str) -> String {
        let status = self.lab.run(&["rollout", "status", rollout, "-o", "json"]).ok().json();
        status["data"]["state"].as_str().unwrap_or_else(|| panic!("{status:#}")).to_owned()
    }

    fn claimed(&self, rollout: &str, cluster: &str) -> bool {
        self.lab
            .events()
            .iter()
            .any(|e| e["event"] == "attempt.claimed" && e["rollout"] == rollout && e["cluster"] == cluster)
    }
}

const DEPLOY: &str = "  deploy:
    - manifests: { path: manifests }
  tests:
    - run: { name: fine, command: [\"true\"] }
";

/// R41 runs everywhere. Then a cluster is switched off, and the fleet says so.
fn r41_runs_everywhere(story: &Story) {
    story.product("edge", "1.0.0", DEPLOY, &tiny::config("edge", "1.0.0"));
    story.product("shop", "1.0.0", DEPLOY, &shop("welcome"));
    tiny::release(&story.lab, "R41", None, "{ edge: 1.0.0, shop: 1.0.0 }");
    story.cut("R41");
    let plan = tiny::plan(&story.lab, "R41");
    story.lab.run(&["rollout", "start", &plan]).ok();
    story.all_run(&["dev", "eu-1", "eu-2", "us-1", "sleeper"], "1.0.0", "1.0.0");
    story.fleet(&["sleeper"]);
    story.lab.commit("fleet: the sleeper is switched off");
    story.clusters["sleeper"].faults().link(Link::Refuse);
}

/// R42 soaks in non-production; before production a freeze holds it.
fn r42_waits_before_a_freeze(story: &Story) {
    story.product("shop", "1.1.0", DEPLOY, &shop("hello"));
    tiny::release(&story.lab, "R42", Some("R41"), "{ edge: 1.0.0, shop: 1.1.0 }");
    story.cut("R42");
    let freeze = "freeze add --name sales --until 2099-12-31 --time-zone UTC --wave prod --reason sales";
    story.lab.tidegate(freeze).ok();
    story.lab.commit("freeze: the sales");
    assert_eq!(story.start("R42").code, 11);
    story.drive("R42 is through non-production, and frozen before production", "R42", |story| {
        story.done("R42-1", "nonprod") && story.why("R42", "prod", "window").is_some()
    });
    let frozen = story.why("R42", "prod", "window").unwrap();
    assert!(frozen.to_string().contains("sales"), "{frozen:#}");
    story.all_run(&["dev"], "1.0.0", "1.1.0");
    story.all_run(&["eu-1", "eu-2", "us-1"], "1.0.0", "1.0.0");
}

/// 41.1 closes a hole in production, on the lane that the freeze leaves open.
fn r41_1_overtakes(story: &Story) {
    story.product("edge", "1.0.1", DEPLOY, &tiny::config("edge", "1.0.1"));
    story.lab.commit("edge: 1.0.1 closes a hole");
    story.lab.tidegate("product tag edge").ok();
    story.lab.tidegate("release hotfix R41 --product edge=1.0.1").ok();
    story.cut("R41.1");
    // One cluster sleeps: the rollout is through but for that one.
    story.start("R41.1").exits(14);
    story.all_run(&["eu-1", "eu-2", "us-1"], "1.0.1", "1.0.0");
    assert!(!story.claimed("R42-1", "eu-1"), "R42 went through the freeze");
}

/// The freeze ends, and R42 is still refused: it would undo the hotfix. R42.1 has both, and goes.
fn r42_1_has_both(story: &Story) {
    story.lab.tidegate("freeze remove sales").ok();
    story.lab.commit("freeze: the sales are over");
    story.drive("R42 is kept out of production by the hotfix", "R42", |story| {
        story.why("R42", "prod", "missing-hotfix").is_some()
    });
    let refused = story.why("R42", "prod", "missing-hotfix").unwrap();
    assert!(refused["evidence"].to_string().contains("R41.1"), "{refused:#}");
    for cluster in ["eu-1", "eu-2", "us-1"] {
        assert!(!story.claimed("R42-1", cluster), "R42 got a slot on {cluster}");
    }
    story.lab.tidegate("release hotfix R42 --include R41.1 --lane normal").ok();
    story.cut("R42.1");
    let plan = tiny::plan(&story.lab, "R42.1");
    story.lab.run(&["rollout", "start", &plan, "--detach"]).ok();
    story.lab.tidegate("rollout supersede R42 --by R42.1 --reason rebased").ok();
    story.drive("R42.1 is in production", "R42.1", |story| story.done("R42.1-1", "prod"));
    assert_eq!(story.state("R42-1"), "superseded");
    story.all_run(&["dev", "eu-1", "eu-2", "us-1"], "1.0.1", "1.1.0");
}

/// R43 is bad: in production its test fails on the first cluster of the first pool. What it changed goes
/// back, but for the migration that only goes one way.
fn r43_goes_back(story: &Story) {
    let bad = "  deploy:
    - run: { name: migrate, command: [\"true\"], idempotent: true, oneWay: true }
    - manifests: { path: manifests }
  tests:
    - run: { name: fine, command: [sh, -c, 'test \"$TIDEGATE_CLUSTER\" != eu-1'] }
";
    story.product("shop", "1.2.0", bad, &shop("moin"));
    tiny::release(&story.lab, "R43", Some("R42.1"), "{ edge: 1.0.1, shop: 1.2.0 }");
    story.cut("R43");
    let plan = tiny::plan(&story.lab, "R43");
    let shown = story.lab.tidegate("plan R43").ok();
    assert!(shown.out.contains("shop/migrate"), "the plan does not name the one-way step:\n{}", shown.out);
    story.lab.run(&["rollout", "start", &plan]).exits(13);
    story.all_run(&["dev", "eu-1"], "1.0.1", "1.2.0");
    for untouched in ["eu-2", "us-1"] {
        assert!(!story.claimed("R43-1", untouched), "{untouched} got a bad release");
    }
    let back = story.lab.run(&["rollout", "rollback", "R43", "--reason", "the shop fails in eu-1"]).ok();
    let said = format!("{}{}", back.out, back.err);
    assert!(said.contains("shop/migrate"), "the one-way step is not named:\n{said}");
    story.all_run(&["dev", "eu-1", "eu-2", "us-1"], "1.0.1", "1.1.0");
    assert_eq!(story.state("R43-1"), "rolled-back");
    assert_eq!(story.state("R43-2"), "succeeded");
    let steps: Vec<_> = story
        .lab
        .events()
        .into_iter()
        .filter(|e| e["event"] == "step.started" && e["rollout"] == "R43-2")
        .map(|e| e["step"].to_string())
        .collect();
    assert!(!steps.is_empty() && !steps.iter().any(|s| s.contains("migrate")), "{steps:?}");
}

/// The sleeper is switched on again, and follows by itself, past the hotfix that went by.
fn the_sleeper_catches_up(story: &Story) {
    // R43 had taken the sleeper over; R42.1 is started once more, for what is left of it.
    let plan = tiny::plan(&story.lab, "R42.1");
    story.lab.run(&["rollout", "start", &plan, "--detach"]).ok();
    story.drive("only the sleeper is left", "R42.1", |story| {
        story.lab.run(&["rollout", "run", "R42.1", "--until", "blocked"]).code == 14
    });
    let why = story.lab.run(&["rollout", "why", "R42.1", "--cluster", "sleeper"]).ok();
    assert!(why.out.contains("hibernated") && why.out.contains("last seen"), "{}", why.out);
    story.clusters["sleeper"].faults().link(Link::Open);
    story.fleet(&[]);
    story.lab.commit("fleet: the sleeper is awake");
    story.drive("the sleeper has caught up", "R42.1", |story| story.state("R42.1-2") == "succeeded");
    story.all_run(&["sleeper"], "1.0.1", "1.1.0");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hotfix_overtakes_a_bad_release_goes_back_and_a_sleeper_catches_up() {
    let specs = FLEET.iter().map(|(name, ..)| ClusterSpec::complete(name, 1)).collect();
    let clusters = Bed::shared().await.clusters(specs).await;
    tiny::beside(move || {
        let names = FLEET.iter().map(|(name, ..)| *name);
        let clusters: BTreeMap<_, _> = names.zip(clusters).collect();
        let kubeconfigs = clusters.iter().map(|(name, c)| (*name, c.kubeconfig_via_proxy())).collect();
        let story = Story { lab: Lab::new(), kubeconfigs, clusters };
        story.fleet(&[]);
        story.lab.write("pipelines/main.yaml", &pipeline());
        r41_runs_everywhere(&story);
        r42_waits_before_a_freeze(&story);
        r41_1_overtakes(&story);
        r42_1_has_both(&story);
        r43_goes_back(&story);
        the_sleeper_catches_up(&story);
        every_cluster_is_as_planned(&story.lab, "R42.1", 10);
        story.lab.tidegate("journal verify").ok();
    })
    .await;
}
