//! A lost journal: what the clusters' own records say is taken over into a new one, only after a look,
//! cut off at any point it is ended by the same command, and nothing of what is known again counts as
//! decided.
#![allow(clippy::unwrap_used)]

use serde_json::Value;

use crate::bed::{Bed, Cluster, ClusterSpec, Fault, Rule};
use crate::lab::Lab;
use crate::tiny::{self, Member, PLAIN};

const REBUILD: [&str; 4] = ["journal", "rebuild", "--reason", "the disk is lost"];
const SURELY: [&str; 5] = ["journal", "rebuild", "--reason", "the disk is lost", "--yes"];

/// A soak, and an approval by others.
const WAVES: &str = "
    - { name: staging, selector: { env: staging }, tests: changed, soak: { for: 1s } }
    - name: prod
      selector: { env: prod }
      failureBudget: 1
      gates: { before: [ { approval: { by: leads, author: allowed } } ] }
";

fn journal(lab: &Lab) -> std::path::PathBuf {
    lab.around().join("journal.db")
}

/// The journal's file and what lies beside it are gone.
fn lose(lab: &Lab) {
    for name in ["journal.db", "journal.db-wal", "journal.db-shm"] {
        let _ = std::fs::remove_file(lab.around().join(name));
    }
    assert!(!journal(lab).exists());
}

fn found(document: &Value, cluster: &str) -> Value {
    let all = document["data"]["clusters"].as_array().unwrap();
    all.iter().find(|c| c["cluster"] == cluster).unwrap_or_else(|| panic!("{document:#}")).clone()
}

fn standing(document: &Value, cluster: &str) -> String {
    found(document, cluster)["state"].as_str().unwrap().to_owned()
}

fn looked(lab: &Lab, code: i32) -> Value {
    lab.run(&[&REBUILD[..], &["-o", "json"]].concat()).exits(code).json()
}

/// Drives R1 to its end: the soak by time, the approval by a person.
fn to_the_end(lab: &Lab, id: &str) -> i32 {
    while lab.run(&["rollout", "run", id, "--until", "wave:staging"]).code != 0 {}
    lab.run(&["rollout", "run", id, "--until", "blocked"]).exits(11);
    lab.run(&["rollout", "approve", id, "--wave", "prod"]).ok();
    lab.run(&["rollout", "run", id]).code
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_journal_is_rebuilt_from_the_records_and_every_wave_is_asked_again() {
    let specs = ["lost-a", "lost-b", "lost-c"].map(ClusterSpec::api_only).into();
    let clusters = Bed::shared().await.clusters(specs).await;
    tiny::beside(move || {
        let members: Vec<Member> =
            clusters.iter().zip(["staging", "prod", "prod"]).map(|(c, env)| Member::of(c, env)).collect();
        let lab = tiny::lab(&members[..2], WAVES);
        tiny::product(&lab, "app", "1.0.0", PLAIN, &tiny::config("app", "one"));
        tiny::release(&lab, "R1", None, "{ app: 1.0.0 }");
        tiny::cut(&lab, "R1");
        let plan = tiny::plan(&lab, "R1");
        lab.run(&["rollout", "start", &plan, "--detach"]).ok();
        assert_eq!(to_the_end(&lab, "R1"), 0);
        // The next release fails on lost-b, so its rollout never comes to an end there.
        let failing = PLAIN.replace("\"true\"", "sh, -c, \"test $TIDEGATE_CLUSTER = lost-a\"");
        tiny::product(&lab, "app", "1.1.0", &failing, &tiny::config("app", "two"));
        tiny::release(&lab, "R2", Some("R1"), "{ app: 1.1.0 }");
        tiny::cut(&lab, "R2");
        let plan = tiny::plan(&lab, "R2");
        lab.run(&["rollout", "start", &plan, "--detach"]).ok();
        assert_eq!(to_the_end(&lab, "R2"), 14);
        // A journal with a history is not lost.
        let refused = lab.run(&SURELY).exits(8);
        assert!(refused.err.contains("TG0806") && refused.err.contains("2 rollouts"), "{}", refused.err);

        tiny::write_fleet(&lab, &members, "");
        lab.commit("a third cluster");
        lose(&lab);
        // Only looking writes nothing, neither here nor there.
        let writes = |cluster: &Cluster| cluster.audit().into_iter().filter(|e| e.is_write()).count();
        let before: Vec<usize> = clusters.iter().map(writes).collect();
        let look = looked(&lab, 0);
        let shown = lab.run(&REBUILD).ok();
        assert!(shown.out.contains("Nothing was written") && shown.err.contains("--yes"), "{shown:?}");
        assert!(!journal(&lab).exists(), "a look made a journal");
        assert_eq!(clusters.iter().map(writes).collect::<Vec<_>>(), before);
        assert_eq!(["lost-a", "lost-b", "lost-c"].map(|c| standing(&look, c)), ["found", "found", "empty"]);
        let b = found(&look, "lost-b");
        assert_eq!(b["unfinished"], serde_json::json!(["R2-1"]), "{b:#}");
        assert_eq!(b["products"]["app"]["phase"], "applied", "{b:#}");
        assert_eq!(found(&look, "lost-a")["products"]["app"]["phase"], "verified");

        // Killed when one cluster is taken over and the other is not.
        let hang = Rule::new(Fault::Hang).method("PUT").path("/leases/operator");
        clusters[1].faults().add(hang);
        let mut rebuilding = lab.spawn(&SURELY, "rebuild.log");
        tiny::until("the first cluster", || {
            let said = tiny::beside_text(&lab, "rebuild.log");
            said.contains("lost-a is taken over").then_some(())
        });
        rebuilding.kill().unwrap();
        rebuilding.wait().unwrap();
        clusters[1].faults().clear();
        let half = looked(&lab, 0);
        assert_eq!(["lost-a", "lost-b"].map(|c| standing(&half, c)), ["ours", "found"]);

        let whole = lab.run(&[&SURELY[..], &["-o", "json"]].concat()).ok().json();
        assert_eq!(["lost-a", "lost-b", "lost-c"].map(|c| standing(&whole, c)), ["ours", "taken", "empty"]);
        assert_eq!(whole["data"]["written"], true);
        let again = lab.run(&SURELY).ok();
        assert!(again.out.contains("Nothing is to be taken over"), "{}", again.out);
        lab.tidegate("journal verify").ok();
        lab.tidegate("rollout list").ok();
        let seen = lab.tidegate("cluster list -o json").ok().json();
        let items = seen["data"]["items"].as_array().unwrap();
        let a = items.iter().find(|c| c["cluster"] == "lost-a").unwrap();
        assert_eq!(a["observed"]["products"]["app"]["version"], "1.1.0", "{a:#}");

        // What is verified needs nothing; what is not is done; every wave is asked again. The ids of the
        // lost journal do not come again.
        let plan = tiny::plan(&lab, "R2");
        let started = lab.run(&["rollout", "start", &plan, "--until", "blocked", "-o", "json"]);
        assert_eq!(started.code, 11, "{started:?}");
        let status = lab.tidegate("rollout status -o json").ok().json();
        assert_eq!(status["data"]["rollout"], "R2-2", "{status:#}");
        lab.run(&["rollout", "run", "R2", "--until", "wave:staging"]);
        tiny::until("the approval", || {
            lab.run(&["rollout", "run", "R2", "--until", "blocked"]).exits(11);
            let why = lab.tidegate("rollout why R2").ok();
            why.out.contains("approve R2-2").then_some(())
        });
        let events = lab.events();
        let ended = tiny::events(&events, "attempt.finished", "lost-a");
        assert_eq!(ended[0]["result"], "no-op", "{ended:#?}");
        assert!(events.iter().any(|e| e["event"] == "wave.soaked" && e["wave"] == "staging"));
        assert!(!events.iter().any(|e| e["event"] == "approval.given"));
        let refused = lab.run(&SURELY).exits(8);
        assert!(refused.err.contains("TG0806"), "{}", refused.err);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_leaves_alone_what_is_not_to_be_touched_and_says_why() {
    use k8s_openapi::api::core::v1::Secret;
    let specs = ["spare-a", "spare-b", "spare-c"].map(ClusterSpec::api_only).into();
    let clusters = Bed::shared().await.clusters(specs).await;
    let (lab, clusters) = tiny::beside(move || {
        let members: Vec<Member> = clusters.iter().map(|c| Member::of(c, "staging")).collect();
        let mut lab = tiny::lab(&members, tiny::WAVES);
        lab.set("TIDEGATE_REACH_TIMEOUT", "3s");
        lab.set("TIDEGATE_REQUEST_TIMEOUT", "2s");
        tiny::product(&lab, "app", "1.0.0", PLAIN, &tiny::config("app", "one"));
        tiny::release(&lab, "R1", None, "{ app: 1.0.0 }");
        tiny::cut(&lab, "R1");
        tiny::start(&lab, "R1").ok();
        (lab, clusters)
    })
    .await;
    // A newer tidegate has been at work in spare-b.
    let api: kube::api::Api<Secret> =
        kube::api::Api::namespaced(clusters[1].client().await, "tidegate-system");
    let newer = serde_json::json!({"stringData": {"head": "{\"format\": 99}"}});
    api.patch("product.app", &Default::default(), &kube::api::Patch::Merge(newer)).await.unwrap();
    tiny::beside(move || {
        // Who plans is told, and plans nothing.
        let refused = lab.tidegate("plan R1").exits(8);
        assert!(refused.err.contains("TG0604") && refused.err.contains("spare-b"), "{}", refused.err);
        lose(&lab);
        clusters[2].faults().link(crate::bed::Link::HalfOpen);
        let ran = lab.run(&[&SURELY[..], &["-o", "json"]].concat()).exits(8).json();
        let words = ["spare-a", "spare-b", "spare-c"].map(|c| standing(&ran, c));
        assert_eq!(words, ["taken", "refused", "unreachable"], "{ran:#}");
        assert_eq!(found(&ran, "spare-b")["code"], "TG0604");
        let adopting = lab.run(&["cluster", "adopt", "spare-b", "--reason", "x"]).exits(8);
        assert!(adopting.err.contains("TG0604"), "{}", adopting.err);

        // What was away is taken by the same command; a named cluster alone, too.
        clusters[2].faults().clear();
        let one = lab.run(&[&SURELY[..], &["-c", "spare-c", "-o", "json"]].concat()).ok().json();
        assert_eq!(one["data"]["clusters"].as_array().unwrap().len(), 1);
        assert_eq!(standing(&one, "spare-c"), "taken");
        lab.run(&[&REBUILD[..], &["-c", "spare-d"]].concat()).exits(4);

        // One cluster behind two names is nobody's.
        lose(&lab);
        let twin = Member { name: "twin".to_owned(), ..Member::of(&clusters[0], "staging") };
        tiny::write_fleet(&lab, &[Member::of(&clusters[0], "staging"), twin], "");
        lab.commit("a twin");
        let ran = lab.run(&[&SURELY[..], &["-o", "json"]].concat());
        // Two entries with one kubeconfig and context are found in the file already.
        if ran.code == 3 {
            assert!(ran.err.contains("TG0221") || ran.out.contains("TG0221"), "{ran:?}");
        } else {
            let ran = ran.exits(8).json();
            assert_eq!([standing(&ran, "spare-a"), standing(&ran, "twin")], ["refused", "refused"]);
        }
        assert!(!journal(&lab).exists());
    })
    .await;
}
