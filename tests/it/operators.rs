//! Two operators with two journals and one cluster: the second never touches what is the first's,
//! whether that one is at work, has ended, or left its work half done; only a person's word changes
//! hands, and then the first is refused.
#![allow(clippy::unwrap_used)]

use crate::bed::{Bed, Cluster, ClusterSpec};
use crate::lab::Lab;
use crate::tiny::{self, Member, PLAIN};

const ADOPT: [&str; 5] = ["cluster", "adopt", "shared", "--reason", "they are gone"];

fn lab(cluster: &Cluster, steps: &str) -> Lab {
    let member = Member { name: "shared".to_owned(), ..Member::of(cluster, "staging") };
    let lab = tiny::lab(&[member], tiny::WAVES);
    tiny::product(&lab, "app", "1.0.0", steps, &tiny::config("app", "one"));
    tiny::release(&lab, "R1", None, "{ app: 1.0.0 }");
    tiny::cut(&lab, "R1");
    lab
}

/// Another version, as another release.
fn second(lab: &Lab, steps: &str) -> String {
    tiny::product(lab, "app", "2.0.0", steps, &tiny::config("app", "two"));
    tiny::release(lab, "R2", Some("R1"), "{ app: 2.0.0 }");
    tiny::cut(lab, "R2");
    tiny::plan(lab, "R2")
}

/// Writes of a command in the cluster.
fn writes(cluster: &Cluster, who: &str) -> usize {
    cluster.audit().into_iter().filter(|e| e.is_write() && e.user_agent.contains(who)).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_operators_with_two_journals_one_has_a_cluster_and_the_other_is_refused() {
    let cluster = Bed::shared().await.cluster(ClusterSpec::api_only("two-operators")).await;
    tiny::beside(move || {
        let gate = tempfile::tempdir().unwrap();
        let open = gate.path().join("open");
        let waiting = format!(
            "  deploy:\n    - manifests: {{ path: manifests }}\n  tests:\n    - run: {{ name: fine, command: [sh, -c, \"until test -e {}; do sleep 0.1; done\"] }}\n",
            open.display()
        );
        let first = lab(&cluster, &waiting);
        let plan = tiny::plan(&first, "R1");
        let mut driver = first.spawn(&["rollout", "start", &plan], "first.log");
        tiny::until("the first one's test", || {
            first.events().iter().any(|e| e["event"] == "step.spawned").then_some(())
        });

        // At work: a plan says so, and neither start, adoption nor rebuild goes on.
        let second_lab = lab(&cluster, PLAIN);
        let path = second_lab.around().join("R1.plan").display().to_string();
        let planned = second_lab.run(&["plan", "R1", "--out", &path]).ok();
        assert!(planned.err.contains("TG0602") && planned.err.contains("cluster adopt"), "{}", planned.err);
        let refused = second_lab.run(&["rollout", "start", &path]).exits(8);
        assert!(refused.err.contains("TG0602") && refused.err.contains("shared"), "{}", refused.err);
        let refused = second_lab.run(&ADOPT).exits(8);
        assert!(refused.err.contains("renews it"), "{}", refused.err);
        let refused = second_lab.run(&["journal", "rebuild", "--reason", "x", "--yes", "-o", "json"]);
        let row = refused.exits(8).json()["data"]["clusters"][0].clone();
        assert_eq!((&row["state"], &row["code"]), (&"refused".into(), &"TG0602".into()), "{row:#}");
        assert_eq!(writes(&cluster, "adopt"), 0);

        // Ended, its lease given back: still the first one's.
        std::fs::write(&open, "").unwrap();
        assert!(driver.wait().unwrap().success(), "{}", tiny::beside_text(&first, "first.log"));
        second_lab.run(&["rollout", "start", &path]).exits(8);
        second_lab.tidegate("rollout status").exits(4);

        // By a person's word it is the second's; nothing is to be done there. The first is refused now.
        second_lab.run(&ADOPT).ok();
        second_lab.run(&["rollout", "start", &path]).ok();
        let ended = second_lab.events();
        assert_eq!(tiny::events(&ended, "attempt.finished", "shared")[0]["rollout"], "R1-2");
        let plan = second(&first, PLAIN);
        let refused = first.run(&["rollout", "start", &plan]).exits(8);
        assert!(refused.err.contains("TG0602"), "{}", refused.err);
    })
    .await;
}

/// A journal that was put back from a copy does not know what happened after it.
#[tokio::test(flavor = "multi_thread")]
async fn an_unfinished_rollout_that_a_restored_journal_does_not_know_is_refused_until_adopted() {
    let cluster = Bed::shared().await.cluster(ClusterSpec::api_only("restored")).await;
    tiny::beside(move || {
        let lab = lab(&cluster, PLAIN);
        tiny::start(&lab, "R1").ok();
        let copy = lab.around().join("copy.db");
        let file = lab.around().join("journal.db");
        rusqlite::Connection::open(&file)
            .unwrap()
            .execute("VACUUM INTO ?1", [copy.to_str().unwrap()])
            .unwrap();
        let plan = second(&lab, &PLAIN.replace("\"true\"", "\"false\""));
        lab.run(&["rollout", "start", &plan]).exits(13);
        for name in ["journal.db-wal", "journal.db-shm"] {
            let _ = std::fs::remove_file(lab.around().join(name));
        }
        std::fs::copy(&copy, &file).unwrap();
        lab.tidegate("journal verify").ok();

        let planned = lab.run(&["plan", "R2", "--out", &plan]).ok();
        assert!(planned.err.contains("TG0602") && planned.err.contains("R2-1"), "{}", planned.err);
        let refused = lab.run(&["rollout", "start", &plan]).exits(8);
        assert!(refused.err.contains("unfinished rollout R2-1"), "{}", refused.err);
        lab.run(&ADOPT).ok();
        // It fails as before, and is another rollout than the one that nobody knows any more.
        lab.run(&["rollout", "start", &plan]).exits(13);
        assert!(lab.events().iter().any(|e| e["event"] == "rollout.planned" && e["rollout"] == "R2-2"));
    })
    .await;
}

/// What is behind a reference changed: the release is the same, the plan is not stale, and the
/// cluster is not a no-op.
#[tokio::test(flavor = "multi_thread")]
async fn a_changed_secret_makes_no_plan_stale_and_the_cluster_is_brought_up_to_date() {
    let cluster = Bed::shared().await.cluster(ClusterSpec::api_only("rotating")).await;
    tiny::beside(move || {
        let steps = format!("{PLAIN}  values: {{ token: {{ secretRef: {{ env: TOKEN }} }} }}\n");
        let secret = "apiVersion: v1\nkind: Secret\nmetadata: { name: token, namespace: default }\nstringData: { token: '{{ values.token }}' }\n";
        let member = Member { name: "shared".to_owned(), ..Member::of(&cluster, "staging") };
        let waves = "\n    - { name: staging, selector: { env: staging }, tests: changed }\n";
        let mut lab = tiny::lab(&[member], waves);
        lab.set("TOKEN", "first-of-all-tokens");
        tiny::product(&lab, "app", "1.0.0", &steps, secret);
        tiny::release(&lab, "R1", None, "{ app: 1.0.0 }");
        tiny::cut(&lab, "R1");
        tiny::start(&lab, "R1").ok();
        let plan = tiny::plan(&lab, "R1");
        lab.run(&["rollout", "start", &plan]).ok();
        lab.set("TOKEN", "second-of-all-tokens");
        lab.run(&["rollout", "start", &plan]).ok();
        let events = lab.events();
        let ended: Vec<&str> = tiny::events(&events, "attempt.finished", "shared")
            .iter()
            .map(|e| e["result"].as_str().unwrap())
            .collect();
        assert_eq!(ended, ["succeeded", "no-op", "succeeded"]);
    })
    .await;
}
