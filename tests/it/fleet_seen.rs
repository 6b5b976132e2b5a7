//! What is known of clusters that nobody can ask any more: what they were last seen to run, how long
//! ago, and since when they are gone. Cases J06 and J07.
#![allow(clippy::unwrap_used)]

use serde_json::Value;

use crate::bed::{Bed, ClusterSpec, Link};
use crate::lab::Lab;
use crate::tiny::{self, Member, PLAIN};

const BUDGETED: &str = "
    - { name: prod, selector: { env: prod }, atOnce: 2, failureBudget: 1, deferredBudget: 1 }
";

fn listed(lab: &Lab, cluster: &str) -> Value {
    let list = lab.tidegate("cluster list -o json").ok().json();
    let items = list["data"]["items"].as_array().unwrap();
    items.iter().find(|c| c["cluster"] == cluster).unwrap_or_else(|| panic!("{list:#}")).clone()
}

fn attention(lab: &Lab, rollout: &str, cluster: &str) -> Value {
    let status = lab.run(&["rollout", "status", rollout, "-o", "json"]).ok().json();
    let all = status["data"]["attention"].as_array().unwrap();
    all.iter().find(|c| c["cluster"] == cluster).unwrap_or_else(|| panic!("{status:#}")).clone()
}

/// The inputs digest that a plan file targets on a cluster.
fn target(plan: &str, cluster: &str) -> Value {
    let plan: Value = serde_json::from_str(&std::fs::read_to_string(plan).unwrap()).unwrap();
    let clusters =
        plan["plan"]["waves"].as_array().unwrap().iter().flat_map(|w| w["pools"].as_array().unwrap());
    let mut clusters = clusters.flat_map(|p| p["clusters"].as_array().unwrap());
    clusters.find(|c| c["name"] == cluster).unwrap()["targets"][0]["inputs"].clone()
}

/// J06: a bad release failed on a cluster, the cluster went away, a good release went by. Status and
/// list say what was last seen there and how old that is, not what was sent. J07: which clusters
/// are offline, and since when, is told for each; an offline one spends its own budget.
#[tokio::test(flavor = "multi_thread")]
async fn fleet_j06_a_status_carries_what_was_seen_and_its_age() {
    let specs = ["leaver", "stayer"].map(ClusterSpec::api_only).to_vec();
    let clusters = Bed::shared().await.clusters(specs).await;
    tiny::beside(move || {
        let members: Vec<Member> = clusters.iter().map(|c| Member::of(c, "prod")).collect();
        let mut lab = tiny::lab(&members, BUDGETED);
        lab.set("TIDEGATE_REACH_TIMEOUT", "3s");
        lab.set("TIDEGATE_REQUEST_TIMEOUT", "2s");
        let test = |command: &str| PLAIN.replace("\"true\"", command);
        tiny::first(&lab, &test("\"true\""), &tiny::config("app", "good"));
        let never = listed(&lab, "leaver");
        assert_eq!((&never["seen"]["stale"], &never["observed"]), (&Value::Bool(true), &Value::Null));
        tiny::start(&lab, "R1").ok();

        // The bad release fails on the one that will leave.
        let bad = r#"sh, -c, "test $TIDEGATE_CLUSTER = stayer""#;
        tiny::product(&lab, "app", "1.1.0", &test(bad), &tiny::config("app", "bad"));
        tiny::release(&lab, "R2", Some("R1"), "{ app: 1.1.0 }");
        tiny::cut(&lab, "R2");
        let bad = tiny::plan(&lab, "R2");
        lab.run(&["rollout", "start", &bad]).exits(14);
        assert_eq!(attention(&lab, "R2", "leaver")["state"], "failed");

        // A good one follows. It is planned while the cluster still answers, and started when it
        // does not.
        tiny::product(&lab, "app", "1.2.0", &test("\"true\""), &tiny::config("app", "good again"));
        tiny::release(&lab, "R3", Some("R2"), "{ app: 1.2.0 }");
        tiny::cut(&lab, "R3");
        let good = tiny::plan(&lab, "R3");
        let known = listed(&lab, "leaver");
        assert_eq!(known["observed"]["products"]["app"]["inputs"], target(&bad, "leaver"), "{known:#}");
        assert_eq!(known["observed"]["products"]["app"]["phase"], "applied", "{known:#}");
        clusters[0].faults().link(Link::HalfOpen);
        lab.run(&["rollout", "start", &good]).exits(14);

        let status = attention(&lab, "R3", "leaver");
        assert_eq!(status["state"], "deferred", "{status:#}");
        let after = listed(&lab, "leaver");
        assert_eq!(after["observed"], known["observed"], "what was not seen was shown as seen");
        assert_ne!(after["observed"]["products"]["app"]["inputs"], target(&good, "leaver"));
        for seen in [&status["seen"], &after["seen"]] {
            assert_eq!(seen["at"], known["observed"]["at"], "{seen:#}");
            assert!(seen["age"].as_u64().is_some(), "{seen:#}");
            assert!(seen["unreachableSince"].is_string() && seen["unreachableCause"].is_string(), "{seen:#}");
        }
        let stayer = listed(&lab, "stayer");
        assert_eq!(stayer["observed"]["products"]["app"]["inputs"], target(&good, "stayer"));
        assert_eq!(stayer["seen"]["unreachableSince"], Value::Null);
        let why = lab.tidegate("rollout why R3 --cluster leaver").ok();
        assert!(why.out.contains("leaver") && why.out.contains("retry"), "{}", why.out);
    })
    .await;
}

/// J07: which clusters are offline, since when, and how old what is known of each is; an offline one
/// spends the deferred budget and not that of failures. When it answers again, it is offline no more.
#[tokio::test(flavor = "multi_thread")]
async fn fleet_j07_which_clusters_are_offline_is_told_with_their_ages() {
    let specs = ["offline", "online"].map(ClusterSpec::api_only).to_vec();
    let clusters = Bed::shared().await.clusters(specs).await;
    tiny::beside(move || {
        let members: Vec<Member> = clusters.iter().map(|c| Member::of(c, "prod")).collect();
        let mut lab = tiny::lab(&members, BUDGETED);
        lab.set("TIDEGATE_REACH_TIMEOUT", "3s");
        lab.set("TIDEGATE_REQUEST_TIMEOUT", "2s");
        tiny::first(&lab, PLAIN, &tiny::config("app", "one"));
        let plan = tiny::plan(&lab, "R1");
        clusters[0].faults().link(Link::Refuse);
        lab.run(&["rollout", "start", &plan]).exits(14);

        let first = listed(&lab, "offline")["seen"].clone();
        assert!(first["unreachableSince"].is_string(), "{first:#}");
        let row = |text: &str, cluster: &str| {
            let line = text.lines().find(|l| l.trim_start().starts_with(cluster));
            line.unwrap_or_else(|| panic!("no line of {cluster}:\n{text}")).to_owned()
        };
        let screen = lab.tidegate("cluster list").ok().out;
        assert!(row(&screen, "offline").contains("unreachable"), "{screen}");
        assert!(!row(&screen, "online").contains("unreachable"), "{screen}");
        assert!(row(&screen, "online").contains("ago"), "{screen}");
        let status = lab.tidegate("rollout status R1").ok().out;
        assert!(row(&status, "offline").contains("ago"), "{status}");
        let counts = lab.tidegate("rollout status R1 -o json").ok().json()["data"]["clusters"].clone();
        assert_eq!((&counts["failed"], &counts["deferred"]), (&0.into(), &1.into()), "{counts:#}");

        // Looked at again in vain: the moment since when stays.
        lab.tidegate("plan R1").ok();
        let later = listed(&lab, "offline")["seen"].clone();
        assert_eq!(later["unreachableSince"], first["unreachableSince"]);
        assert!(later["age"].as_u64() >= first["age"].as_u64(), "{later:#}");
        clusters[0].faults().link(Link::Open);
        lab.tidegate("plan R1").ok();
        let back = listed(&lab, "offline")["seen"].clone();
        assert_eq!(back["unreachableSince"], Value::Null, "{back:#}");
    })
    .await;
}
