//! What people say about the fleet while rollouts run, as commands on a real cluster: stop-the-line, a
//! held product, and a freeze that is committed after the start.
#![allow(clippy::unwrap_used)]

use crate::bed::{Bed, ClusterSpec};
use crate::tiny::{self, Member, PLAIN};

/// A calendar with a freeze that holds until this moment.
fn freeze(until: jiff::Timestamp) -> String {
    format!(
        "apiVersion: tidegate.dev/v1\nkind: Calendar\nmetadata: {{ name: main }}\nspec:\n  freezes:\n    - {{ name: holidays, from: 2020-01-01T00:00:00Z, until: {until}, author: ann, reason: nobody is there }}\n"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_line_a_freeze_and_a_hold_keep_a_cluster_as_it_is() {
    let cluster = Bed::shared().await.cluster(ClusterSpec::api_only("still")).await;
    tiny::beside(move || {
        let lab = tiny::lab(&[Member::of(&cluster, "staging")], tiny::WAVES);
        tiny::first(&lab, PLAIN, &tiny::config("app", "one"));
        let plan = tiny::plan(&lab, "R1");

        // The line is stopped before anything started, and what lets it go on is named.
        lab.run(&["stop-the-line", "on", "--scope", "env=staging", "--reason", "incident 4711"]).ok();
        lab.run(&["rollout", "start", &plan, "--until", "blocked"]).exits(11);
        let why = lab.tidegate("rollout why R1").ok();
        let off = "tidegate stop-the-line off --scope env=staging --reason TEXT";
        assert!(why.out.contains("incident 4711") && why.out.contains(off), "{}", why.out);
        let stopped = lab.tidegate("stop-the-line list -o json").ok().json();
        assert_eq!(stopped["data"]["items"][0]["scope"], "env=staging");
        lab.run(&["stop-the-line", "off", "--scope", "env=staging", "--reason", "it is over"]).ok();

        // A freeze that is committed meanwhile holds from the next look on; taken out, it holds no more.
        let month = jiff::SignedDuration::from_hours(24 * 30);
        let end = jiff::Timestamp::from_second((jiff::Timestamp::now() + month).as_second()).unwrap();
        lab.write("pipelines/calendar.yaml", &freeze(end));
        lab.commit("freeze: holidays");
        lab.tidegate("rollout run --until blocked").exits(11);
        let why = lab.tidegate("rollout why R1 -c still -o json").ok().json();
        let windows: Vec<_> = why["data"]["explanations"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|e| e["gate"] == "window")
            .collect();
        assert_eq!(windows[0]["unblock"]["earliest"], end.to_string(), "{why}");
        assert!(!lab.events().iter().any(|e| e["event"] == "attempt.claimed"));
        lab.git(&["rm", "--quiet", "pipelines/calendar.yaml"]);
        lab.commit("the freeze is over");
        lab.tidegate("rollout run").ok();
        let recorded = lab.events().iter().filter(|e| e["event"] == "calendar.recorded").count();
        assert_eq!(recorded, 2);

        // A held product keeps its version in the next plan; the plan says who holds it.
        lab.run(&[
            "cluster",
            "hold",
            "still",
            "--product",
            "app",
            "--reason",
            "demo",
            "--until",
            "2999-01-01",
        ])
        .ok();
        assert!(lab.tidegate("cluster holds").ok().out.contains("1.0.0"));
        tiny::product(&lab, "app", "1.1.0", PLAIN, &tiny::config("app", "two"));
        tiny::release(&lab, "R2", Some("R1"), "{ app: 1.1.0 }");
        tiny::cut(&lab, "R2");
        let held = lab.tidegate("plan R2 -o json").ok().json();
        assert!(held["data"]["kept"][0]["because"].as_str().unwrap().contains("demo"), "{held}");
        let before = tiny::plan(&lab, "R2");
        lab.run(&["cluster", "release", "still", "--product", "app", "--reason", "it is over"]).ok();
        // What a plan froze has changed, so it is made again.
        lab.run(&["rollout", "start", &before]).exits(8);
        tiny::start(&lab, "R2").ok();
    })
    .await;
}
