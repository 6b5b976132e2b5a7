//! Drivers that are killed, that meet, and that freeze: what the fleet ends at is the same as if
//! nothing had happened, seen from outside (the scripts' own log, the API servers' audit logs).
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::process::Child;
use std::time::{Duration, Instant};

use crate::bed::{Bed, Cluster, ClusterSpec};
use crate::small::Small;

async fn clusters(names: &[&str]) -> Vec<Cluster> {
    let specs = names.iter().map(|name| ClusterSpec::complete(name, 1)).collect();
    Bed::shared().await.clusters(specs).await
}

/// Runs blocking work beside the proxies.
async fn beside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(panic) => std::panic::resume_unwind(panic.into_panic()),
    }
}

/// Objects that tidegate wrote, by how; leases, records and test pods left out.
fn written(cluster: &Cluster) -> BTreeSet<(String, String)> {
    cluster
        .audit()
        .into_iter()
        .filter(|e| e.is_write() && e.user_agent.starts_with("tidegate/") && (200..300).contains(&e.code()))
        .filter_map(|e| {
            let object = e.object_ref.as_ref()?;
            (object.namespace != "tidegate-system" && object.name != "tidegate-system").then(|| {
                (e.verb.clone(), format!("{} {}/{}", object.resource, object.namespace, object.name))
            })
        })
        .collect()
}

/// A generator of moments, seeded so that a failure can be run again.
struct Moments(u64);

impl Moments {
    fn next(&mut self, below: u64) -> u64 {
        // Steele and Vigna's splitmix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % below
    }
}

fn kill(mut child: Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

fn signal(child: &Child, name: &str) {
    let sent = std::process::Command::new("kill").args([name, &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

/// Ten clusters, as many as the story has.
const FLEET: usize = 10;

/// What a rollout over a fresh fleet of ten left behind, seen from outside.
#[derive(Debug, PartialEq)]
struct Left {
    /// The lines of the scripts.
    work: Vec<String>,
    /// What was written to each cluster, by how.
    written: Vec<BTreeSet<(String, String)>>,
}

/// Rolls R1 out over a fresh fleet, in the way that `roll` does it.
async fn rolled_out(prefix: &'static str, roll: impl FnOnce(&mut Small) + Send + 'static) -> Left {
    let names: Vec<String> = (1..=FLEET).map(|n| format!("{prefix}-{n}")).collect();
    let fleet = clusters(&names.iter().map(String::as_str).collect::<Vec<_>>()).await;
    beside(move || {
        let mut small = Small::new(&fleet.iter().collect::<Vec<_>>(), 4);
        roll(&mut small);
        crate::story::every_cluster_is_as_planned(&small.lab, "R1", 2 * FLEET);
        small.lab.tidegate("journal verify").ok();
        let work = small.work_done().into_iter().map(|line| line.replace(prefix, "cluster")).collect();
        Left { work, written: fleet.iter().map(written).collect() }
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_driver_killed_at_twenty_moments_leaves_the_fleet_as_an_undisturbed_one() {
    let calm = rolled_out("calm", |small| {
        let plan = small.plan("R1");
        small.lab.run(&["rollout", "start", &plan]).ok();
    })
    .await;
    assert_eq!(calm.work.len(), 2 * FLEET, "two scripts a cluster: {:?}", calm.work);

    let seed = std::env::var("TIDEGATE_TEST_SEED").ok().and_then(|s| s.parse().ok()).unwrap_or(42);
    let storm = rolled_out("storm", move |small| {
        small.lab.set("TIDEGATE_REQUEST_TIMEOUT", "1s");
        let plan = small.plan("R1");
        small.lab.run(&["rollout", "start", &plan, "--detach"]).ok();
        let mut moments = Moments(seed);
        let mut midway = 0;
        for _ in 0..20 {
            let child = small.lab.spawn(&["rollout", "run", "--progress", "plain"], "driver.log");
            std::thread::sleep(Duration::from_millis(150 + moments.next(1_850)));
            let open = small.lab.tidegate("rollout status R1 -o json").ok().json();
            midway += usize::from(open["data"]["state"] == "running");
            kill(child);
        }
        assert!(midway >= 10, "only {midway} kills met a running rollout (seed {seed})");
        small.lab.tidegate("rollout run R1").ok();
    })
    .await;
    assert_eq!(storm, calm, "killed with seed {seed}, against undisturbed");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_drivers_started_at_once_one_drives() {
    let both = clusters(&["twins-1", "twins-2"]).await;
    beside(move || {
        let small = Small::new(&both.iter().collect::<Vec<_>>(), 1);
        let plan = small.plan("R1");
        small.lab.run(&["rollout", "start", &plan, "--detach"]).ok();
        let (a, b) =
            (small.lab.spawn(&["rollout", "run"], "a.log"), small.lab.spawn(&["rollout", "run"], "b.log"));
        let codes = [a, b].map(|mut child| child.wait().unwrap().code().unwrap());
        assert!(codes.contains(&0) && codes.contains(&8), "ended with {codes:?}");
        let taken = small.lab.events().iter().filter(|e| e["event"] == "driver.took-over").count();
        assert_eq!(taken, 1);
        assert_eq!(small.work_done().len(), 4, "{:?}", small.work_done());
    })
    .await;
}

/// Stops a driver at a moment at which it writes nothing into the journal: SQLite knows no lock that
/// a frozen process loses.
fn freeze(driver: &Child, journal: &std::path::Path) {
    loop {
        signal(driver, "-STOP");
        let probe = rusqlite::Connection::open(journal).unwrap();
        probe.busy_timeout(Duration::ZERO).unwrap();
        if probe.execute_batch("BEGIN IMMEDIATE; ROLLBACK").is_ok() {
            return;
        }
        signal(driver, "-CONT");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Fleet case I11: a driver frozen past its lease and woken starts no new request.
#[tokio::test(flavor = "multi_thread")]
async fn fleet_i11_a_driver_frozen_past_its_lease_starts_no_new_request() {
    let both = clusters(&["frozen-1", "frozen-2"]).await;
    beside(move || {
        let mut small = Small::new(&both.iter().collect::<Vec<_>>(), 1);
        small.lab.set("TIDEGATE_REQUEST_TIMEOUT", "1s");
        let plan = small.plan("R1");
        small.lab.run(&["rollout", "start", &plan, "--detach"]).ok();
        let mut first = small.lab.spawn(&["rollout", "run"], "first.log");
        let end = Instant::now() + Duration::from_secs(60);
        while !small.lab.events().iter().any(|e| e["event"] == "step.finished") {
            assert!(Instant::now() < end, "no step was taken");
            std::thread::sleep(Duration::from_millis(50));
        }
        freeze(&first, &small.lab.around().join("journal.db"));
        // The second driver waits the lease out and finishes.
        small.lab.tidegate("rollout run R1 --standby").ok();
        let woken = jiff::Timestamp::now();
        signal(&first, "-CONT");
        let ended = first.wait().unwrap();
        assert!(!ended.success(), "a fenced driver said that all went well");
        for cluster in &both {
            let late: Vec<_> = cluster
                .audit()
                .into_iter()
                .filter(|e| e.user_agent.contains("fence 1") && e.request_received_timestamp > woken)
                .collect();
            // A question may have been on its way when the driver was frozen.
            assert!(late.len() <= 1, "{}: the woken driver asked {late:#?}", cluster.name());
            assert!(!late.iter().any(|e| e.is_write()), "{}: it wrote {late:#?}", cluster.name());
        }
        let mut work = small.work_done();
        work.dedup();
        assert_eq!(work.len(), 4, "{work:?}");
        assert_eq!(small.work_done().len(), 4, "a script ran twice: {:?}", small.work_done());
    })
    .await;
}

/// Waits until something is so, for a minute.
fn until(what: &str, mut so: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(60);
    while !so() {
        assert!(Instant::now() < end, "{what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollout_started_beside_a_driver_is_driven_on_when_that_driver_is_killed() {
    let both = clusters(&["beside-1", "beside-2"]).await;
    beside(move || {
        let mut small = Small::new(&both.iter().collect::<Vec<_>>(), 1);
        small.lab.set("TIDEGATE_REQUEST_TIMEOUT", "1s");
        // A rollout for each cluster.
        std::fs::remove_file(small.lab.repo().join("pipelines/main.yaml")).unwrap();
        for env in ["staging", "prod"] {
            let pipeline = format!(
                "
apiVersion: tidegate.dev/v1
kind: Pipeline
metadata: {{ name: {env} }}
spec:
  unassigned: exclude
  waves:
    - {{ name: {env}, selector: {{ env: {env} }} }}
"
            );
            small.lab.write(&format!("pipelines/{env}.yaml"), &pipeline);
        }
        small.lab.commit("a pipeline for each");
        let plan = |env: &str| {
            let path = small.lab.around().join(format!("{env}.plan")).display().to_string();
            small.lab.run(&["plan", "R1", "--pipeline", env, "--out", &path]).ok();
            path
        };
        let (first_plan, second_plan) = (plan("staging"), plan("prod"));
        let first = small.lab.spawn(&["rollout", "start", &first_plan], "first.log");
        until("no step was taken", || small.lab.events().iter().any(|e| e["event"] == "step.started"));
        let mut second = small.lab.spawn(&["rollout", "start", &second_plan], "second.log");
        let said = || std::fs::read_to_string(small.lab.around().join("second.log")).unwrap();
        until("it never watched", || said().contains("another process drives already: watching it"));
        kill(first);
        let ended = second.wait().unwrap();
        assert!(ended.success(), "{ended}: {}", said());
        assert!(said().contains("the process that drove has ended: driving on"), "{}", said());
        let status = small.lab.tidegate("rollout status R1-2 -o json").ok().json();
        assert_eq!(status["data"]["state"], "succeeded");
        let events = small.lab.events();
        let finished = events.iter().find(|e| e["event"] == "rollout.finished" && e["rollout"] == "R1-2");
        assert_eq!(finished.unwrap()["fence"], 2, "the first driver had ended it before it was killed");
        // Its own is done; the other one is driven on by whoever wants that.
        small.lab.tidegate("rollout run").ok();
        assert_eq!(small.work_done().len(), 4, "{:?}", small.work_done());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_that_is_locked_for_a_while_ends_no_driver() {
    let one = clusters(&["locked-1"]).await;
    beside(move || {
        let mut small = Small::new(&one.iter().collect::<Vec<_>>(), 1);
        small.lab.set("TIDEGATE_LEASE", "30s");
        let plan = small.plan("R1");
        small.lab.run(&["rollout", "start", &plan, "--detach"]).ok();
        let mut driver = small.lab.spawn(&["rollout", "run"], "driver.log");
        until("no step was taken", || small.lab.events().iter().any(|e| e["event"] == "step.started"));
        // Longer than SQLite itself waits for a lock, shorter than the lease.
        let lock = rusqlite::Connection::open(small.lab.around().join("journal.db")).unwrap();
        lock.busy_timeout(Duration::from_secs(5)).unwrap();
        lock.execute_batch("BEGIN IMMEDIATE").unwrap();
        let released = Instant::now() + Duration::from_secs(13);
        while Instant::now() < released {
            assert!(driver.try_wait().unwrap().is_none(), "the driver ended");
            std::thread::sleep(Duration::from_millis(100));
        }
        lock.execute_batch("ROLLBACK").unwrap();
        let ended = driver.wait().unwrap();
        let said = std::fs::read_to_string(small.lab.around().join("driver.log")).unwrap();
        assert!(ended.success(), "{ended}: {said}");
        let taken = small.lab.events().iter().filter(|e| e["event"] == "driver.took-over").count();
        assert_eq!((taken, small.work_done().len()), (1, 2));
    })
    .await;
}
