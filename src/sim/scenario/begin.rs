//! How a scenario begins: its world, its releases, and the release that its clusters run already.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::run::Options;
use crate::engine::{self, Drive, Rules, StopRequest, Times, Until};
use crate::journal::Side;
use crate::model::scenario::{
    FaultKind, Scenario, ScenarioConditions, ScenarioDenial, ScenarioFault, WhichRequests,
};
use crate::model::{Actor, ProductName, ReleaseId};
use crate::port::Fault;
use crate::sim::conditions::{Conditions, Denial};
use crate::sim::desk::{Desk, DeskError, ReleaseDraft};
use crate::sim::faults::{Faults, Requests, Rule, Trouble};
use crate::sim::fleet::Audit;
use crate::sim::life::Life;
use crate::sim::platform::PRODUCTS;
use crate::sim::ports::ScriptRules;
use crate::sim::setup::{Group, Setup};
use crate::sim::{Process, Simulation};
use crate::version::{KubeVersion, Version};

/// Who works where nobody is named.
pub const PERSON: &str = "ann";

/// When stories begin: a Monday morning.
const MONDAY: &str = "2026-03-02T08:00:00Z";

/// What clusters run where nothing is said.
const KUBERNETES: &str = "1.36.3";

/// How many nodes a cluster has where nothing is said.
const NODES: u32 = 3;

/// How long before the story the fleet gets what it runs at its beginning.
const BEFORE: Duration = Duration::from_secs(7 * 24 * 3_600);

/// For ever, as far as a simulation goes.
const EVER: Duration = Duration::from_secs(u32::MAX as u64);

/// The address of a person of a scenario.
pub fn address(name: &str) -> String {
    if name.contains('@') { name.to_owned() } else { format!("{name}@example.com") }
}

fn parsed<T: std::str::FromStr>(text: &str) -> Result<T, DeskError> {
    text.parse().map_err(|_| DeskError::Missing(format!("`{text}` is not what it should be")))
}

/// When the story begins.
fn starts(scenario: &Scenario) -> Result<Timestamp, DeskError> {
    parsed(scenario.starts.as_ref().map_or(MONDAY, |starts| starts.value.as_str()))
}

/// The world of a scenario, before anything has happened.
pub fn setup(scenario: &Scenario, options: &Options) -> Result<Setup, DeskError> {
    let starts = starts(scenario)?;
    let before = if scenario.installed.is_some() { BEFORE } else { Duration::ZERO };
    let mut groups = Vec::new();
    for group in &scenario.fleet {
        let group = &group.value;
        groups.push(Group {
            prefix: group.name.value.clone(),
            clusters: usize::try_from(group.clusters.value).unwrap_or_default(),
            labels: group.labels.clone(),
            kubernetes: match &group.kubernetes {
                Some(version) => version.value.clone(),
                None => parsed::<KubeVersion>(KUBERNETES)?,
            },
            nodes: usize::try_from(group.nodes.as_ref().map_or(NODES, |nodes| nodes.value))
                .unwrap_or_default(),
            listed: group.listed.unwrap_or(true),
        });
    }
    Ok(Setup {
        seed: options.seed.unwrap_or_else(|| scenario.seed.as_ref().map_or(1, |seed| seed.value)),
        starts: starts.checked_sub(before).unwrap_or(starts),
        person: address(PERSON),
        groups,
        // JSON is YAML.
        pipeline: format!("  {}\n", json(&scenario.pipeline)?),
        files: BTreeMap::new(),
        conditions: Conditions::default(),
        faults: Faults::default(),
        scripts: ScriptRules::default(),
        audit: if options.audit { Audit::Writes } else { Audit::None },
        beside: options.beside,
    })
}

fn json(node: &crate::yaml::Node) -> Result<String, DeskError> {
    serde_json::to_string(node).map_err(|error| DeskError::Missing(error.to_string()))
}

/// Has every release cut, the installed one run everywhere, and only then the rest of the files and what
/// goes wrong.
pub async fn begin(scenario: &Scenario, simulation: &Simulation, desk: &mut Desk) -> Result<(), DeskError> {
    cut(scenario, desk).await?;
    if let Some(installed) = &scenario.installed {
        install(&installed.value, simulation, desk).await?;
    }
    let left = starts(scenario)?.duration_since(simulation.clock.truth());
    match Duration::try_from(left) {
        Ok(left) => tokio::time::sleep(left).await,
        Err(_) => {
            let release = scenario.installed.as_ref().map_or_else(String::new, |id| id.value.to_string());
            let days = BEFORE.as_secs() / 86_400;
            let why = format!("{release} was not everywhere within {days} days before the story");
            return Err(DeskError::Missing(why));
        }
    }
    let mut files = Vec::new();
    if let Some(calendar) = &scenario.calendar {
        let text = format!(
            "apiVersion: tidegate.dev/v1\nkind: Calendar\nmetadata:\n  name: main\nspec:\n  {}\n",
            json(calendar)?
        );
        files.push(("pipelines/calendar.yaml".to_owned(), text));
    }
    for pin in &scenario.pins {
        desk.pin(&pin.value).await?;
    }
    if !files.is_empty() {
        let files: Vec<(&str, &str)> =
            files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        desk.write(&files, "calendar").await?;
    }
    for conditions in &scenario.conditions {
        change(simulation, &conditions.value);
    }
    let begun = simulation.clock.elapsed();
    simulation.fleet.set_faults(faults(&scenario.faults, begun));
    Ok(())
}

async fn cut(scenario: &Scenario, desk: &Desk) -> Result<(), DeskError> {
    let mut drafts: BTreeMap<ReleaseId, ReleaseDraft> = BTreeMap::new();
    let mut before: Option<ReleaseId> = None;
    let minor = |version: &KubeVersion| version.minor().to_string();
    let kubernetes = scenario.fleet.iter().find_map(|group| group.value.kubernetes.as_ref());
    let kubernetes = match kubernetes {
        Some(version) => minor(&version.value),
        None => minor(&parsed::<KubeVersion>(KUBERNETES)?),
    };
    for release in scenario.releases.iter().map(|release| &release.value) {
        let parent = release.parent.as_ref().map(|parent| parent.value.clone()).or_else(|| before.clone());
        let mut products = match parent.as_ref().and_then(|parent| drafts.get(parent)) {
            Some(parent) => parent.products.clone(),
            None => {
                let first: Version = parsed("1.0.0")?;
                let of = |name: ProductName| (name, first.clone());
                platform(scenario)?.into_iter().map(of).collect()
            }
        };
        for (product, version) in &release.products {
            products.insert(product.value.clone(), version.value.clone());
        }
        let draft = ReleaseDraft {
            parent,
            lane: release.lane,
            includes: release.includes.iter().map(|id| id.value.clone()).collect(),
            lowers: release.lowers.iter().map(|product| product.value.clone()).collect(),
            kubernetes: kubernetes.clone(),
            products,
        };
        desk.release(&release.id.value, &draft).await?;
        before = Some(release.id.value.clone());
        drafts.insert(release.id.value.clone(), draft);
    }
    Ok(())
}

/// The products that there are.
fn platform(scenario: &Scenario) -> Result<Vec<ProductName>, DeskError> {
    match scenario.platform.as_slice() {
        [] => PRODUCTS.into_iter().map(parsed).collect(),
        some => Ok(some.iter().map(|product| product.value.clone()).collect()),
    }
}

/// Rolls a release over the whole fleet before the story begins. Whoever is asked says yes.
async fn install(release: &ReleaseId, simulation: &Simulation, desk: &mut Desk) -> Result<(), DeskError> {
    let plan = desk.plan(release).await?;
    let rollout = desk.start(plan).await?;
    let process = simulation.process(Life::new());
    let mut others = Vec::new();
    for name in ["ben", "cleo", "dan"] {
        others.push(self::desk(name, simulation, &process));
    }
    for _ in 0..1_000 {
        let (_keep, stop) = tokio::sync::watch::channel(StopRequest::None);
        let options = Drive {
            rollouts: vec![rollout.clone()],
            until: Until::Blocked,
            standby: false,
            stop,
            rules: Rules::default(),
        };
        let ended = engine::drive(&process.world, &Times::default(), options, &mut |_, _| {}).await;
        let (ended, follower) = ended.map_err(|error| Fault::permanent(error.to_string()))?;
        let state = follower.state().rollout(&rollout);
        let rests = state.is_none_or(crate::rollout::rests);
        match ended {
            engine::Ended::Reached if rests => return Ok(()),
            engine::Ended::Interrupted => {
                return Err(Fault::permanent("the beginning was interrupted").into());
            }
            _ => {}
        }
        let waves: Vec<_> = state
            .map(|known| known.plan().waves.iter().map(|wave| wave.name.clone()).collect())
            .unwrap_or_default();
        for wave in waves {
            let asked = |side| state.is_some_and(|known| known.gate_asked(&wave, side));
            if asked(Side::Before) || asked(Side::After) {
                for other in &mut others {
                    // Who is not asked is refused, and nothing is lost by that.
                    let _ = other.approve(&rollout, &wave).await;
                }
            }
        }
        if let engine::Ended::Blocked(Some(wake)) = ended {
            let wait = wake.duration_since(simulation.clock.truth());
            tokio::time::sleep(Duration::try_from(wait).unwrap_or_default()).await;
        } else {
            tokio::time::sleep(Duration::from_secs(60)).await;
        }
    }
    Err(DeskError::Missing(format!("{release} did not get through the fleet before the story")))
}

/// The desk of a person of a scenario.
pub fn desk(name: &str, simulation: &Simulation, process: &Process) -> Desk {
    Desk::new(
        Actor(format!("person:{}", address(name))),
        process.world.clone(),
        simulation.repository.clone(),
        Arc::clone(&simulation.commits),
        Times::default(),
    )
}

/// Changes how things go in clusters.
pub fn change(simulation: &Simulation, to: &ScenarioConditions) {
    let named: Vec<&str> = to.clusters.iter().map(|name| name.value.as_str()).collect();
    let all: Vec<String> = simulation.fleet.names().map(str::to_owned).collect();
    for name in all.iter().filter(|name| named.is_empty() || named.contains(&name.as_str())) {
        simulation.fleet.with(name, |cluster| {
            let conditions = &mut cluster.conditions;
            conditions.unpullable.clone_from(&to.unpullable);
            conditions.crashing.clone_from(&to.crashing);
            conditions.failing.clone_from(&to.failing);
            conditions.hanging.clone_from(&to.hanging);
            conditions.denied = to.denied.iter().map(|denial| denied(&denial.value)).collect();
            conditions.broken_nodes = to.broken_nodes.iter().cloned().collect();
            conditions.closed_budgets = to.closed_budgets.iter().cloned().collect();
            if let Some(longest) = &to.pod_start {
                let longest = longest.value.std();
                conditions.pod_start = (conditions.pod_start.0.min(longest), longest);
            }
        });
    }
}

fn denied(said: &ScenarioDenial) -> Denial {
    Denial {
        webhook: said.webhook.value.clone(),
        resource: said.resource.value.clone(),
        namespace: said.namespace.clone(),
        message: said.message.clone(),
    }
}

/// The rules of faults, counted from the beginning of the story.
pub fn faults(said: &[crate::yaml::Spanned<ScenarioFault>], begun: Duration) -> Faults {
    let rules = said.iter().map(|fault| rule(&fault.value, begun)).collect();
    Faults { rules, ..Faults::default() }
}

fn rule(said: &ScenarioFault, begun: Duration) -> Rule {
    let length = said.length.as_ref().map(|length| length.value.std());
    let seconds = length.map(|length| length.as_secs());
    let status = |code| Trouble::Status { code, retry_after: seconds };
    let some = length.unwrap_or(Duration::from_secs(30));
    let trouble = match said.what.value {
        FaultKind::Refused => Trouble::Refused,
        FaultKind::Reset => Trouble::Reset,
        FaultKind::HalfOpen => Trouble::HalfOpen,
        FaultKind::AnswerLost => Trouble::AnswerLost,
        FaultKind::Truncated => Trouble::Truncated,
        FaultKind::Slow => Trouble::Slow(some),
        FaultKind::Stale => Trouble::Stale(some),
        FaultKind::Expired => Trouble::Expired,
        FaultKind::Unauthorized => status(401),
        FaultKind::Forbidden => status(403),
        FaultKind::Conflict => status(409),
        FaultKind::Gone => status(410),
        FaultKind::TooManyRequests => status(429),
        FaultKind::InternalError => status(500),
        FaultKind::Unavailable => status(503),
    };
    let from = said.from.as_ref().map_or(Duration::ZERO, |from| from.value.std());
    let until = said.until.as_ref().map_or(EVER, |until| until.value.std());
    Rule {
        clusters: said.clusters.iter().map(|name| name.value.to_string()).collect(),
        requests: Requests {
            writes: match said.requests {
                WhichRequests::All => None,
                WhichRequests::Reads => Some(false),
                WhichRequests::Writes => Some(true),
            },
            path: said.path.clone(),
        },
        during: (begun.saturating_add(from), begun.saturating_add(until)),
        per_mille: said.per_mille.as_ref().map_or(1_000, |often| often.value),
        times: said.times.as_ref().map(|times| times.value),
        trouble,
    }
}

/// Mends everything that is wrong in clusters and on the way to them.
pub fn mend(simulation: &Simulation) {
    simulation.fleet.set_faults(Faults::default());
    let names: Vec<String> = simulation.fleet.names().map(str::to_owned).collect();
    for name in names {
        simulation.fleet.with(&name, |cluster| cluster.conditions = Conditions::default());
    }
}
