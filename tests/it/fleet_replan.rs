//! A rollout that is planned anew on real clusters: what did not change goes on, what did asks its
//! gates again, and a cluster that got something newer meanwhile comes free.
#![allow(clippy::unwrap_used)]

use crate::bed::{Bed, ClusterSpec};
use crate::lab::Lab;
use crate::tiny::{self, Member, PLAIN};

const WAVES: &str = "
    - { name: staging, selector: { env: staging }, atOnce: 4, clusterDeadline: 1h }
    - name: prod
      selector: { env: prod }
      atOnce: 4
      gates: { before: [ { approval: { by: leads, author: allowed } } ] }
";

fn attempts(lab: &Lab, cluster: &str) -> usize {
    tiny::events(&lab.events(), "attempt.claimed", cluster).len()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollout_goes_on_by_a_new_plan_and_only_what_changed_is_asked_and_done_again() {
    let specs = ["early", "late", "other"].map(ClusterSpec::api_only).to_vec();
    let clusters = Bed::shared().await.clusters(specs).await;
    tiny::beside(move || {
        let members = [
            Member::of(&clusters[0], "staging"),
            Member::of(&clusters[1], "prod"),
            Member::of(&clusters[2], "prod"),
        ];
        let lab = tiny::lab(&members, WAVES);
        tiny::product(&lab, "settings", "1.0.0", PLAIN, &tiny::config("settings", "one"));
        tiny::release(&lab, "R1", None, "{ settings: 1.0.0 }");
        tiny::cut(&lab, "R1");
        let plan = tiny::plan(&lab, "R1");
        lab.run(&["rollout", "start", &plan, "--until", "blocked"]).exits(11);
        lab.tidegate("rollout approve R1 --wave prod").ok();

        // Nothing is committed: nothing changed, and it says so.
        let nothing = lab.tidegate("rollout replan R1").exits(8);
        assert!(nothing.err.contains("TG0735"), "{}", nothing.err);

        // Production gets another cap: staging goes on, production asks again.
        lab.edit("pipelines/main.yaml", "atOnce: 4\n      gates", "atOnce: 1\n      gates");
        lab.commit("prod: one at once");
        let look = lab.tidegate("rollout replan R1 --dry-run -o json").ok().json();
        let waves = &look["data"]["waves"];
        assert_eq!(
            (&waves[0]["becomes"], &waves[1]["becomes"]),
            (&"kept".into(), &"anew".into()),
            "{look:#}"
        );
        assert_eq!(look["data"]["recorded"], serde_json::Value::Null);
        let said = lab.tidegate("rollout replan R1 --reason one-at-a-time").ok();
        assert!(
            said.out.contains("starts anew") && said.out.contains("its cap was 4 and is 1"),
            "{}",
            said.out
        );
        lab.tidegate("rollout run R1 --until blocked").exits(11);
        let why = lab.tidegate("rollout why R1").ok();
        assert!(why.out.contains("approval"), "the yes was for another wave: {}", why.out);
        assert_eq!(attempts(&lab, "early"), 1, "staging was not touched again");

        lab.tidegate("rollout approve R1 --wave prod").ok();
        lab.tidegate("rollout run R1").ok();
        for cluster in ["early", "late", "other"] {
            assert_eq!(attempts(&lab, cluster), 1, "{cluster}");
        }
        let over = lab.tidegate("rollout replan R1").exits(8);
        assert!(over.err.contains("succeeded"), "{}", over.err);
        let events = lab.events();
        assert_eq!(events.iter().filter(|e| e["event"] == "rollout.replanned").count(), 1);
        lab.tidegate("journal verify").ok();
    })
    .await;
}
