//! The rehearsal of a release on a copy of a fleet: the copy plans as the fleet itself would, the report
//! says what people must know, and nothing of the fleet is touched. The fleet is a simulated one here, so
//! that all of it can be looked at before and after.

use std::collections::BTreeMap;
use std::sync::Arc;

use tidegate::engine::{Times, survey};
use tidegate::model::Calendar;
use tidegate::plan::{Access, Plan};
use tidegate::sim::copy::{Copied, Fellow, Kept, Like};
use tidegate::sim::life::Life;
use tidegate::sim::rehearsal::{self, Case, Ended, How, Level, Report, Scouted, Trouble, Wish};
use tidegate::sim::scenario::{self, Options};
use tidegate::sim::{Simulation, runtime};

const FLEET: &str = "apiVersion: tidegate.dev/v1
kind: Scenario
metadata: { name: own }
spec:
  fleet:
    - { name: staging, clusters: 1, labels: { env: staging } }
    - { name: prod, clusters: 4, labels: { env: prod }, nodes: 4 }
  pipeline:
    waves:
      - { name: staging, selector: { env: staging }, tests: all, soak: { for: 1h } }
      - name: prod
        selector: { env: prod }
        atOnce: 2
        gates: { before: [ { approval: { by: platform-leads, quorum: 2 } } ] }
  releases:
    - { id: R41 }
    - { id: R42, products: { ingress: 1.1.0, monitoring: 1.1.0 } }
  installed: R41
  pins:
    - { cluster: prod-3, product: monitoring, version: 1.0.0, owner: data, reason: later, until: 2099-01-01 }
  conditions:
    - { clusters: [prod-4], brokenNodes: [node-4] }
";

/// What of a fleet must not change: the stores' revisions, the journal's head, the commit and the tags.
type Traces = (BTreeMap<String, u64>, (u64, String), String, Vec<String>);

async fn traces(simulation: &Simulation) -> Traces {
    let names: Vec<String> = simulation.fleet.names().map(str::to_owned).collect();
    let revision = |name: &String| simulation.fleet.with(name, |cluster| cluster.store.revision()).unwrap();
    let revisions = names.iter().map(|name| (name.clone(), revision(name))).collect();
    let (head, hash) = simulation.journal.of(Life::new()).head().await.unwrap();
    let git = &simulation.repository.git;
    let tags = git.tags("").await.unwrap().into_iter().map(|tag| tag.name).collect();
    (revisions, (head, hash.to_string()), git.head().await.unwrap(), tags)
}

/// The fleet of the scenario, read as `rehearse` reads one; and the plan that it would make itself.
fn original(real: &tokio::runtime::Runtime) -> (Copied, Plan) {
    let file = scenario::read("own", FLEET.as_bytes()).unwrap();
    let handle = real.handle().clone();
    runtime::run(async move {
        let setup =
            scenario::setup(&file.spec, &Options { seed: Some(3), audit: true, ..Options::default() })
                .unwrap();
        let simulation = setup.simulation().unwrap();
        let process = simulation.process(Life::new());
        let mut desk = scenario::desk(scenario::PERSON, &simulation, &process);
        scenario::begin(&file.spec, &simulation, &mut desk).await.unwrap();
        let now = process.world.clock.now();
        let before = traces(&simulation).await;
        let writes = |name: &str| simulation.fleet.audit(name).len();
        let counted: Vec<usize> = simulation.fleet.names().map(writes).collect();
        let access =
            |name: &str| Access { kubeconfig: "simulated".to_owned(), context: Some(name.to_owned()) };
        let chosen: Vec<_> =
            simulation.fleet.names().map(|name| (name.parse().unwrap(), access(name))).collect();
        let world = &process.world;
        let looks = survey::shapes(&*world.clusters, &world.clock, &Times::default(), &chosen).await;
        assert_eq!(traces(&simulation).await, before, "reading shapes changes nothing");
        assert_eq!(simulation.fleet.names().map(writes).collect::<Vec<_>>(), counted, "and writes nothing");
        let fellows = looks.into_iter().map(|(name, shape)| Fellow {
            access: access(name.as_str()),
            name,
            uid: None,
            like: Like::Itself(Arc::new(shape.unwrap())),
        });
        let copied = Copied {
            fellows: fellows.collect(),
            sourced: Arc::default(),
            journal: world.journal.id(),
            events: world.journal.read(0, usize::MAX).await.unwrap(),
            now,
            kubernetes: "1.36.3".parse().unwrap(),
            kept: Kept::new(
                Arc::clone(&simulation.repository.git),
                Arc::clone(&simulation.repository.packages),
                Arc::new(tidegate::sim::ports::Absent),
                handle,
            ),
        };
        let plan = desk.plan(&"R42".parse().unwrap()).await.unwrap();
        (copied, plan)
    })
    .unwrap()
}

fn wish(level: Level) -> Wish {
    Wish {
        release: "R42".parse().unwrap(),
        pipeline: None,
        approve_after: "20m".parse().unwrap(),
        within: "10d".parse().unwrap(),
        trouble: Trouble::Level(level),
    }
}

fn rehearsed(copied: &Copied, level: Level, seeds: u64, wave: Option<&str>) -> (Plan, Report) {
    let wish = wish(level);
    let Scouted { plan, failures, .. } = {
        let wave = wave.map(|wave| wave.parse().unwrap());
        rehearsal::scout(copied, &wish, 1, wave.as_ref()).unwrap()
    };
    let usual = (1..=seeds).map(|seed| Case { seed, planted: None });
    let planted = failures.into_iter().map(|planted| Case { seed: 1, planted: Some(planted) });
    let runs: Vec<_> = usual
        .chain(planted)
        .map(|case| {
            let ran = rehearsal::run(copied, &wish, &case).unwrap();
            (case, ran)
        })
        .collect();
    let report = rehearsal::report(&plan, None::<&Calendar>, &runs);
    (plan, report)
}

#[test]
fn a_copy_plans_as_its_fleet_does_and_tells_what_a_release_will_meet() {
    let real = tokio::runtime::Runtime::new().unwrap();
    let (copied, own) = original(&real);
    let (plan, report) = rehearsed(&copied, Level::None, 2, None);
    assert_eq!(plan.digest, own.digest, "same clusters, same targets, same pins, same waves");
    let pinned = plan.cluster(&"prod-3".parse().unwrap()).unwrap().2;
    let monitoring = pinned.targets.iter().find(|target| target.product.as_str() == "monitoring").unwrap();
    assert!(!monitoring.change.acts(), "what is pinned and there stays: {monitoring:?}");

    assert!(report.finishes, "{report:#?}");
    assert_eq!((report.rehearsals, report.finished, report.seed), (2, 2, 1));
    let done = report.finish.as_ref().unwrap();
    assert!((4_800..10_000).contains(&done.p50.seconds), "1 h of soak and 20 m for people: {done:?}");
    let waves: Vec<_> = report.waves.iter().map(|w| (w.wave.as_str(), w.clusters, w.changing)).collect();
    assert_eq!(waves, [("staging", 1, 1), ("prod", 4, 4)]);

    let held = |gate: &str| report.holds.iter().find(|hold| hold.gate == gate).unwrap();
    let approval = held("approval");
    assert_eq!(approval.wave.as_ref().unwrap().as_str(), "prod");
    assert_eq!((approval.rehearsals, approval.p50_seconds), (2, 1_200));
    assert_eq!(approval.unblock.actors, ["platform-leads"]);
    assert!((3_500..=3_600).contains(&held("soak").p50_seconds), "{:?}", held("soak"));

    let cost = |wave: &str, how| {
        report.failures.iter().find(|cost| cost.wave.as_str() == wave && cost.how == how).unwrap()
    };
    for how in [How::Image, How::Test] {
        let staging = cost("staging", how);
        assert_eq!(
            (staging.touched, staging.hurt.len(), staging.ended),
            (1, 1, Ended::Halted),
            "{staging:?}"
        );
        assert!(staging.halts_after_seconds.is_some_and(|seconds| seconds > 0), "{staging:?}");
        // Two at a time, and the first failure halts the wave: the others are never touched.
        let prod = cost("prod", how);
        assert_eq!((prod.touched, prod.hurt.len(), prod.ended), (2, 2, Ended::Halted), "{prod:?}");
        let why = prod.why.as_ref().unwrap();
        assert_eq!(why.unblock.commands[0], "tidegate rollout retry R42-1 --failed", "{why:?}");
    }
    assert_eq!((report.worst.clusters, report.worst.of), (2, 5));
    assert_eq!(report.worst.wave.as_ref().unwrap().as_str(), "prod");
}

#[test]
fn the_same_seeds_give_the_same_report_byte_by_byte() {
    let real = tokio::runtime::Runtime::new().unwrap();
    let (copied, _) = original(&real);
    let told = |level| serde_json::to_string(&rehearsed(&copied, level, 1, Some("staging")).1).unwrap();
    let first = told(Level::Many);
    assert_eq!(first, told(Level::Many));
    assert!(first.contains("\"429\":"), "nothing went wrong: {first}");
}
