//! The fleet moves while a release is on its way: a cluster sleeps and wakes up, one is taken away by a
//! commit, one is added by a commit. Cases F11, J01, J02 and J08 on real clusters.
#![allow(clippy::unwrap_used)]

use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::Api;

use crate::bed::{Bed, Cluster, ClusterSpec, Link};
use crate::lab::Lab;
use crate::tiny::{self, Member, PLAIN};

/// Production enters by a yes, so that the test decides when; one cluster of it may be asleep.
const WAVES: &str = "
    - { name: first, selector: { env: first } }
    - name: prod
      selector: { env: prod }
      atOnce: 1
      deferredBudget: 1
      gates: { before: [ { approval: { by: leads, author: allowed } } ] }
";

/// What a cluster runs, by what the manifest says.
async fn runs(cluster: &Cluster) -> String {
    let configs: Api<ConfigMap> = Api::namespaced(cluster.client().await, "default");
    configs.get("app").await.unwrap().data.unwrap()["value"].clone()
}

fn cluster_of(lab: &Lab, cluster: &str) -> serde_json::Value {
    let all = lab.events();
    let ended = all.iter().rev().find(|e| {
        e["cluster"] == cluster
            && ["attempt.finished", "attempt.departed", "attempt.deferred"]
                .contains(&e["event"].as_str().unwrap())
    });
    ended.unwrap_or_else(|| panic!("nothing became of {cluster}")).clone()
}

fn release(lab: &Lab, id: &str, parent: Option<&str>, version: &str) {
    tiny::product(lab, "app", version, PLAIN, &tiny::config("app", version));
    tiny::release(lab, id, parent, &format!("{{ app: {version} }}"));
    tiny::cut(lab, id);
}

/// F11: who is asleep is deferred, and catches up when it is back (J08). J02: who is taken away by a
/// commit departs. J01: who is added by a commit follows after its wave.
#[tokio::test(flavor = "multi_thread")]
async fn fleet_f11_a_sleeper_catches_up_a_leaver_departs_and_a_joiner_follows() {
    let specs = ["stayer", "sleeper", "leaver", "joiner"].map(ClusterSpec::api_only).to_vec();
    let clusters = Bed::shared().await.clusters(specs).await;
    let clusters = tiny::beside(move || {
        let of = |n: usize, env| Member::of(&clusters[n], env);
        let lab = tiny::lab(&[of(0, "first"), of(1, "prod"), of(2, "prod")], WAVES);
        release(&lab, "R1", None, "1.0.0");
        let plan = tiny::plan(&lab, "R1");
        lab.run(&["rollout", "start", &plan, "--detach"]).ok();
        lab.run(&["rollout", "approve", "R1", "--wave", "prod", "--expires", "2099-01-01"]).ok();
        lab.tidegate("rollout run R1").ok();

        // One goes to sleep, and the next release is on its way.
        lab.edit("pipelines/fleet.yaml", "name: sleeper,", "name: sleeper, hibernated: true,");
        clusters[1].faults().link(Link::Refuse);
        release(&lab, "R2", Some("R1"), "2.0.0");
        let plan = tiny::plan(&lab, "R2");
        lab.run(&["rollout", "start", &plan, "--detach"]).ok();
        lab.run(&["rollout", "run", "R2", "--until", "blocked"]).exits(11);

        // Before production begins, one is taken away and one is added.
        let members = [of(0, "first"), of(1, "prod"), of(3, "prod")];
        tiny::write_fleet(&lab, &members, "");
        lab.edit("pipelines/fleet.yaml", "name: sleeper,", "name: sleeper, hibernated: true,");
        lab.commit("fleet: the leaver is handed back, the joiner is new");
        lab.run(&["rollout", "approve", "R2", "--wave", "prod", "--expires", "2099-01-01"]).ok();
        lab.tidegate("rollout run R2").exits(14);
        assert_eq!(cluster_of(&lab, "leaver")["event"], "attempt.departed");
        assert_eq!(cluster_of(&lab, "sleeper")["reason"], "hibernated");
        assert_eq!(cluster_of(&lab, "joiner")["result"], "succeeded");
        let events = lab.events();
        let at = |event: &str, key: &str, value: &str| {
            let found = events.iter().rposition(|e| e["event"] == event && e[key] == value);
            found.unwrap_or_else(|| panic!("no {event} of {value}"))
        };
        assert!(at("attempt.claimed", "cluster", "joiner") > at("wave.done", "wave", "prod"));
        let status = lab.tidegate("rollout status R2 -o json").ok().json();
        assert_eq!(status["data"]["state"], "succeeded-with-failures", "{status:#}");
        assert_eq!(status["data"]["catchingUp"], 1, "{status:#}");
        let why = lab.tidegate("rollout why R2 --cluster sleeper").ok().out;
        assert!(why.contains("hibernated") && why.contains("last seen"), "{why}");
        // Nothing changes while it sleeps.
        lab.tidegate("rollout run").exits(14);

        lab.edit("pipelines/fleet.yaml", "hibernated: true, ", "");
        lab.commit("fleet: the sleeper is awake");
        clusters[1].faults().link(Link::Open);
        lab.tidegate("rollout run").ok();
        assert_eq!(cluster_of(&lab, "sleeper")["result"], "succeeded");
        let status = lab.tidegate("rollout status R2 -o json").ok().json();
        assert_eq!(status["data"]["state"], "succeeded", "{status:#}");
        assert_eq!(status["data"]["catchingUp"], 0, "{status:#}");
        lab.tidegate("journal verify").ok();
        clusters
    })
    .await;
    let mut found = Vec::new();
    for cluster in &clusters {
        found.push(runs(cluster).await);
    }
    assert_eq!(found, ["2.0.0", "2.0.0", "1.0.0", "2.0.0"], "the leaver was left as it was");
}
