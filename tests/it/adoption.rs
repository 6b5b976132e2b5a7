//! Taking a cluster over from another journal: the journal knows first, a crash at any point leaves
//! something that the same command ends, and another cluster behind the same name is refused.
#![allow(clippy::unwrap_used)]

use kube::api::Api;
use tokio::runtime::Handle;

use crate::bed::{Bed, Cluster, ClusterSpec, Fault, Rule};
use crate::lab::Lab;
use crate::tiny::{self, Member, PLAIN};

const ADOPT: [&str; 5] = ["cluster", "adopt", "orphan", "--reason", "lost"];

/// A repository with a journal of its own that knows the cluster by this name.
fn lab(cluster: &Cluster) -> Lab {
    let lab =
        tiny::lab(&[Member { name: "orphan".to_owned(), ..Member::of(cluster, "staging") }], tiny::WAVES);
    tiny::first(&lab, PLAIN, &tiny::config("app", "x"));
    lab
}

/// Who holds the cluster's lease, and whether that was given back.
fn holder(cluster: &Cluster) -> (String, bool) {
    use k8s_openapi::api::coordination::v1::Lease;
    Handle::current().block_on(async {
        let api: Api<Lease> = Api::namespaced(cluster.client().await, "tidegate-system");
        let lease = api.get("operator").await.unwrap();
        let notes = lease.metadata.annotations.unwrap_or_default();
        let released = notes.get("tidegate.dev/released").is_some_and(|text| text == "true");
        (lease.spec.unwrap().holder_identity.unwrap(), released)
    })
}

/// The journal that the record of `app` names.
fn journal_of_record(cluster: &Cluster) -> String {
    use k8s_openapi::api::core::v1::Secret;
    Handle::current().block_on(async {
        let api: Api<Secret> = Api::namespaced(cluster.client().await, "tidegate-system");
        let head = api.get("product.app").await.unwrap().data.unwrap().remove("head").unwrap();
        let head: serde_json::Value = serde_json::from_slice(&head.0).unwrap();
        head["journal"].as_str().unwrap().to_owned()
    })
}

/// What the journal says of adoptions. No command lists events before there is a rollout.
fn adopted(lab: &Lab) -> Vec<serde_json::Value> {
    let path = lab.around().join("journal.db");
    if !path.exists() {
        return Vec::new();
    }
    let journal = rusqlite::Connection::open(path).unwrap();
    journal.busy_timeout(std::time::Duration::from_secs(10)).unwrap();
    let Ok(mut query) = journal.prepare("SELECT text FROM events ORDER BY seq") else { return Vec::new() };
    let texts = query.query_map([], |row| row.get::<_, String>(0)).unwrap();
    let events = texts.map(|text| serde_json::from_str::<serde_json::Value>(&text.unwrap()).unwrap());
    events.filter(|e| e["event"] == "cluster.adopted").collect()
}

/// Every write of a command that adopts.
fn written(cluster: &Cluster) -> usize {
    let all = cluster.audit().into_iter().filter(|e| e.is_write() && e.user_agent.contains("adopt"));
    all.count()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_adoption_is_recorded_first_and_ended_by_the_same_command_after_a_crash_at_each_point() {
    let cluster = Bed::shared().await.cluster(ClusterSpec::api_only("orphan")).await;
    tiny::beside(move || {
        let theirs = lab(&cluster);
        tiny::start(&theirs, "R1").ok();
        let (before, released) = holder(&cluster);
        assert!(released);
        let first_journal = journal_of_record(&cluster);

        let ours = lab(&cluster);
        let faults = cluster.faults();
        let killed_at = |rule: Rule, what: &str, reached: &dyn Fn() -> bool| {
            faults.add(rule);
            let mut adopting = ours.spawn(&ADOPT, "adopt.log");
            tiny::until(what, || reached().then_some(()));
            adopting.kill().unwrap();
            adopting.wait().unwrap();
            faults.clear();
        };
        let put = |path: &str| Rule::new(Fault::Hang).method("PUT").path(path);

        // Between journal and cluster.
        killed_at(put("/leases/operator"), "the event", &|| !adopted(&ours).is_empty());
        assert_eq!(holder(&cluster).0, before, "the cluster changed hands");
        let event = adopted(&ours).remove(0);
        assert_eq!(event["from"], before.as_str(), "{event:#}");
        assert_eq!(event["uid"], cluster.uid(), "{event:#}");

        // Between lease and record.
        killed_at(put("/secrets/product.app"), "the lease", &|| holder(&cluster).0 != before);
        assert_eq!(journal_of_record(&cluster), first_journal);

        // Between record and the lease's end.
        killed_at(put("/leases/operator").after(1), "the record", &|| {
            journal_of_record(&cluster) != first_journal
        });
        assert!(!holder(&cluster).1);

        ours.run(&ADOPT).ok();
        assert!(holder(&cluster).1, "the lease was not given back");
        assert_eq!(adopted(&ours).len(), 4, "each run is recorded");
        assert!(holder(&cluster).0.starts_with(&journal_of_record(&cluster)));
        // The cluster belongs here now: what it runs is known, and nothing is to be done.
        tiny::start(&ours, "R1").ok();
        ours.tidegate("journal verify").ok();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_that_can_not_be_written_is_recorded_as_adopted_and_the_words_say_so() {
    let cluster = Bed::shared().await.cluster(ClusterSpec::api_only("stubborn")).await;
    tiny::beside(move || {
        let ours = lab(&cluster);
        let rule = Rule::new(Fault::status(403)).method("POST").path("/leases");
        cluster.faults().add(rule);
        let ran = ours.run(&ADOPT);
        assert_ne!(ran.code, 0);
        assert!(ran.err.contains("run the same command again"), "{}", ran.err);
        assert_eq!(adopted(&ours).len(), 1);
        cluster.faults().clear();
        ours.run(&ADOPT).ok();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_cluster_behind_the_same_name_is_not_adopted() {
    let specs = vec![ClusterSpec::api_only("genuine"), ClusterSpec::api_only("impostor")];
    let mut both = Bed::shared().await.clusters(specs).await;
    let (impostor, genuine) = (both.remove(1), both.remove(0));
    tiny::beside(move || {
        let ours = lab(&genuine);
        tiny::plan(&ours, "R1");
        let member = Member { name: "orphan".to_owned(), ..Member::of(&impostor, "staging") };
        tiny::write_fleet(&ours, &[member], "");
        let ran = ours.run(&ADOPT).exits(8);
        assert!(ran.err.contains("TG0601") && ran.err.contains(impostor.uid()), "{}", ran.err);
        assert_eq!(adopted(&ours), Vec::<serde_json::Value>::new());
        assert_eq!(written(&impostor), 0);
    })
    .await;
}
