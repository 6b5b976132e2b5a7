//! A small world for tests that stop, copy and kill it: clusters with two small products each, a rollout
//! of a second release with gates, and people who look in, so that a world that goes on from the middle
//! has the same people in it as one that never stopped.

use std::collections::BTreeMap;
use std::time::Duration;

use tidegate::engine::{self, Drive, Ended, Rules, StopRequest, Times, Until};
use tidegate::journal::{Event, RetryWhich, Side};
use tidegate::model::RolloutId;
use tidegate::rollout::{Command, FleetState};
use tidegate::sim::Simulation;
use tidegate::sim::conditions::Conditions;
use tidegate::sim::desk::{Desk, ReleaseDraft};
use tidegate::sim::faults::Faults;
use tidegate::sim::fleet::Audit;
use tidegate::sim::life::Life;
use tidegate::sim::ports::ScriptRules;
use tidegate::sim::scenario::desk;
use tidegate::sim::setup::{Group, Setup};

/// The waves with how many clusters each has.
pub type Waves = [(&'static str, usize)];

/// How often people look in.
const LOOK: Duration = Duration::from_secs(600);

const PIPELINE: &str = "  waves:
    - name: staging
      selector: { env: staging }
      atOnce: 2
      tests: all
      soak: { for: 10m }
    - name: nonprod
      selector: { env: nonprod }
      atOnce: 3
      pools: { sizes: [3] }
      gates: { before: [ { approval: { by: leads, author: allowed } } ] }
    - name: prod
      selector: { env: prod }
      pools: { sizes: [4] }
      atOnce: 4
      soak: { for: 5m }
      gates: { before: [ { approval: { by: leads, author: allowed } } ] }
";

/// A product's files at a version.
fn product(name: &str, version: &str, requires: &str, manifests: &[(&str, String)]) -> Vec<(String, String)> {
    let file = format!(
        "apiVersion: tidegate.dev/v1\nkind: Product\nmetadata:\n  name: {name}\nspec:\n  version: {version}\n  owner: platform\n  requires: {{ {requires} }}\n  deploy:\n    - manifests: {{ path: manifests, namespace: {name}, timeout: 5m }}\n  tests:\n    - job: {{ name: answers, manifest: tests/answers.yaml, timeout: 3m }}\n"
    );
    let test = format!(
        "apiVersion: batch/v1\nkind: Job\nmetadata:\n  name: answers\n  namespace: {name}\nspec:\n  backoffLimit: 0\n  template:\n    spec:\n      restartPolicy: Never\n      containers:\n        - name: test\n          image: registry.example.com/{name}-test:{version}\n"
    );
    let mut files = vec![
        (format!("products/{name}/product.yaml"), file),
        (format!("products/{name}/tests/answers.yaml"), test),
        (
            format!("products/{name}/manifests/00-namespace.yaml"),
            format!("apiVersion: v1\nkind: Namespace\nmetadata:\n  name: {name}\n"),
        ),
    ];
    for (path, text) in manifests {
        files.push((format!("products/{name}/manifests/{path}"), text.clone()));
    }
    files
}

fn map(name: &str, version: &str) -> String {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\ndata:\n  version: \"{version}\"\n")
}

/// The files of both products at a version; the second version has one object less and one more.
fn platform(version: &str) -> Vec<(String, String)> {
    let deployment = format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: base\nspec:\n  replicas: 1\n  selector: {{ matchLabels: {{ app: base }} }}\n  template:\n    metadata: {{ labels: {{ app: base }} }}\n    spec:\n      containers:\n        - name: base\n          image: registry.example.com/base:{version}\n"
    );
    let other = if version == "1.0.0" { "old" } else { "new" };
    let mut files = product("base", version, "", &[("deployment.yaml", deployment)]);
    files.extend(product(
        "shop",
        version,
        "base: \">=1.0.0\"",
        &[("settings.yaml", map("settings", version)), ("other.yaml", map(other, "1"))],
    ));
    files
}

/// A world in which every cluster has the first release, and the rollout of the second is recorded.
/// `failing`: the cluster whose test of the second release fails until somebody mends it.
pub async fn begin(waves: &Waves, failing: Option<&str>) -> Simulation {
    let group = |(name, clusters): &(&str, usize)| Group {
        prefix: (*name).to_owned(),
        clusters: *clusters,
        labels: [("env".to_owned(), (*name).to_owned())].into_iter().collect(),
        kubernetes: "1.36.3".parse().unwrap(),
        nodes: 1,
        listed: true,
    };
    let setup = Setup {
        seed: 11,
        starts: "2026-03-02T08:00:00Z".parse().unwrap(),
        person: "ann@example.com".to_owned(),
        groups: waves.iter().map(group).collect(),
        pipeline: PIPELINE.to_owned(),
        files: BTreeMap::new(),
        conditions: Conditions::default(),
        faults: Faults::default(),
        scripts: ScriptRules::default(),
        audit: Audit::Writes,
        beside: None,
    };
    let simulation = setup.simulation().unwrap();
    let people = simulation.process(Life::new());
    let mut ann = desk("ann", &simulation, &people);
    for (release, version, parent) in [("R1", "1.0.0", None), ("R2", "2.0.0", Some("R1"))] {
        let files = platform(version);
        let files: Vec<(&str, &str)> =
            files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        ann.write(&files, version).await.unwrap();
        let draft = ReleaseDraft {
            parent: parent.map(|parent: &str| parent.parse().unwrap()),
            kubernetes: "1.36".to_owned(),
            products: ["base", "shop"].map(|name| (name.parse().unwrap(), version.parse().unwrap())).into(),
            ..ReleaseDraft::default()
        };
        ann.release(&release.parse().unwrap(), &draft).await.unwrap();
        let plan = ann.plan(&release.parse().unwrap()).await.unwrap();
        let rollout = ann.start(plan).await.unwrap();
        if parent.is_none() {
            assert!(finish(&simulation, &Lives::default(), &rollout, &mut |_, _| {}).await);
        }
    }
    if let Some(cluster) = failing {
        simulation.fleet.with(cluster, |cluster| {
            cluster.conditions.failing = vec!["shop-test:2.0.0".to_owned()];
        });
    }
    people.kill();
    simulation
}

/// The rollout that is recorded and not yet driven.
pub fn second() -> RolloutId {
    "R2-1".parse().unwrap()
}

/// The processes of a run: one that drives, and one that people's commands run in.
#[derive(Clone, Default)]
pub struct Lives {
    pub driver: Life,
    pub people: Life,
}

/// Drives until the rollout is over, with people who look in every ten minutes: they say yes where
/// somebody is asked, and mend and try again what has failed. What they do follows from what they see
/// alone. Ends early if the driver dies; whether it did not. `seen` is shown what the driver reads.
pub async fn finish(
    simulation: &Simulation,
    lives: &Lives,
    rollout: &RolloutId,
    seen: &mut (dyn FnMut(&Event, &FleetState) + Send),
) -> bool {
    let process = simulation.process(lives.driver.clone());
    let people = simulation.process(lives.people.clone());
    let mut desk = desk("ben", simulation, &people);
    let looking = async {
        loop {
            let passed = simulation.clock.elapsed().as_millis();
            let next = (passed / LOOK.as_millis() + 1) * LOOK.as_millis();
            tokio::time::sleep(Duration::from_millis(u64::try_from(next - passed).unwrap())).await;
            look_in(simulation, &mut desk, rollout).await;
        }
    };
    let driving = async {
        for _ in 0..20 {
            let (_keep, stop) = tokio::sync::watch::channel(StopRequest::None);
            let rollouts = vec![rollout.clone()];
            let options =
                Drive { rollouts, until: Until::Done, standby: false, stop, rules: Rules::default() };
            let driven = engine::drive(&process.world, &Times::default(), options, seen).await;
            let (ended, follower) = driven.unwrap();
            assert_eq!(ended, Ended::Reached);
            if !follower.state().rollout(rollout).unwrap().state().is_open() {
                return;
            }
            // It has halted: somebody has to do something.
            process.world.journal.wait(follower.position(), 2 * LOOK).await.unwrap();
        }
        panic!("{rollout} halts again and again");
    };
    let over = tokio::select! {
        biased;
        () = process.life.over() => false,
        () = driving => true,
        () = looking => unreachable!(),
        () = tokio::time::sleep(Duration::from_secs(7 * 24 * 3_600)) => panic!("{rollout} never ends"),
    };
    process.kill();
    people.kill();
    over
}

async fn look_in(simulation: &Simulation, desk: &mut Desk, rollout: &RolloutId) {
    let (waves, failed) = {
        let state = desk.state().await.unwrap();
        let known = state.rollout(rollout).unwrap();
        let asked = |name: &_| known.gate_asked(name, Side::Before) && !known.gate_spent(name, Side::Before);
        let waves: Vec<_> = known.plan().waves.iter().map(|wave| wave.name.clone()).filter(asked).collect();
        (waves, known.state().word() == "halted")
    };
    for wave in waves {
        // Who is not asked is refused, and nothing is lost by that.
        let _ = desk.approve(rollout, &wave).await;
    }
    if failed {
        let names: Vec<String> = simulation.fleet.names().map(str::to_owned).collect();
        for name in names {
            simulation.fleet.with(&name, |cluster| cluster.conditions = Conditions::default());
        }
        let retry = Command::Retry {
            rollout: rollout.clone(),
            which: RetryWhich::Failed,
            clusters: Vec::new(),
            reason: Some("mended".to_owned()),
        };
        desk.tell(|_| Ok(retry.clone())).await.unwrap();
    }
}
