//! The run of a scenario: a driver that drives whenever there is something to drive, people who act, and
//! looks at what must hold, side by side in virtual time.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::future::{Either, select};
use tokio::sync::watch;

use super::begin::{PERSON, begin, desk, setup};
use super::{Check, RolloutEnd, ScenarioError, Verdict, deeds, expect};
use crate::engine::{self, Drive, DriveError, Follower, Rules, StopRequest, Times, Until};
use crate::journal::Event;
use crate::model::scenario::{Happening, Scenario};
use crate::model::{ClusterName, Labels, NameError};
use crate::port::{Fault, Journal};
use crate::rollout::{FleetState, Rollout};
use crate::sim::desk::DeskError;
use crate::sim::fleet::Fleet;
use crate::sim::life::Life;
use crate::sim::setup::fleet_file;
use crate::sim::{Process, Simulation};

/// How long a scenario may take where it does not say.
const WITHIN: Duration = Duration::from_secs(14 * 24 * 3_600);

/// How long it takes until another driver is started when one has ended by itself.
const ANEW: Duration = Duration::from_secs(10);

/// How many events are read at once.
const BATCH: usize = 10_000;

/// How a scenario is run.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Another seed than the scenario's own.
    pub seed: Option<u64>,
    /// Whether the clusters keep audit logs.
    pub audit: bool,
    /// Whether the clusters work on a thread of their own; if absent, where there are many. It changes
    /// nothing in the story.
    pub beside: Option<bool>,
    /// The rules that the engine of the story keeps to.
    pub rules: Rules,
}

/// A scenario that was played.
pub struct Played {
    /// What came of it.
    pub verdict: Verdict,
    /// Its clusters, as they are at its end, with their audit logs if they kept some.
    pub fleet: Fleet,
    /// Everything that was recorded, also before the story.
    pub journal: Arc<dyn Journal>,
}

/// What a story is played on.
pub struct Stage {
    /// The world.
    pub simulation: Simulation,
    /// The process that people's commands run in.
    pub people: Process,
    /// The clusters with their labels, also those that are not in the fleet.
    pub clusters: BTreeMap<ClusterName, Labels>,
    /// Those that are in the fleet now.
    pub members: Mutex<BTreeSet<ClusterName>>,
    /// The journal's last position before the story.
    pub first: u64,
    rules: Rules,
    begun: Duration,
    ends: Duration,
    driver: Mutex<Option<Life>>,
}

impl Stage {
    /// Waits until so much of the story has passed.
    pub async fn until(&self, at: Duration) {
        let at = self.begun.saturating_add(at);
        tokio::time::sleep(at.saturating_sub(self.simulation.clock.elapsed())).await;
    }

    /// Waits for an event after a position; its position, or `None` when the story's time is over.
    pub async fn happened(&self, what: &Happening, after: u64) -> Result<Option<u64>, Fault> {
        let journal = &self.people.world.journal;
        let mut position = after;
        loop {
            let events = journal.read(position, BATCH).await?;
            if let Some(event) = events.iter().find(|event| deeds::is(event, what)) {
                return Ok(Some(event.seq));
            }
            position = events.last().map_or(position, |event| event.seq);
            let left = self.ends.saturating_sub(self.simulation.clock.elapsed());
            if left.is_zero() {
                return Ok(None);
            }
            journal.wait(position, left).await?;
        }
    }

    /// What the journal says now.
    pub async fn state(&self) -> Result<FleetState, Fault> {
        let mut follower = Follower::new(std::sync::Arc::clone(&self.people.world.journal));
        follower.catch_up(|_, _| {}).await?;
        Ok(follower.into_state())
    }

    /// The events of the story so far.
    pub async fn events(&self) -> Result<Vec<Event>, Fault> {
        self.people.world.journal.read(self.first, usize::MAX).await
    }

    /// The clusters that are in the fleet now.
    pub fn members(&self) -> BTreeSet<ClusterName> {
        self.members.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Other clusters are in the fleet from now on; the text of its file.
    pub fn list(&self, change: impl FnOnce(&mut BTreeSet<ClusterName>)) -> String {
        let mut members = self.members.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut members);
        let named = |name: &ClusterName| Some((name.to_string(), self.clusters.get(name)?.clone()));
        fleet_file(members.iter().filter_map(named))
    }

    /// How often what has gone wrong, on the way to clusters and below the journal.
    pub fn struck(&self) -> BTreeMap<String, u64> {
        let mut struck = self.simulation.fleet.struck();
        struck.extend(self.simulation.journal.struck());
        struck
    }

    /// Kills the driver.
    pub fn kill(&self) {
        if let Some(life) = self.driver.lock().unwrap_or_else(PoisonError::into_inner).as_ref() {
            life.end();
        }
    }
}

/// Runs a scenario to its end, as fast as it goes. `seen` is shown every event of the story.
///
/// # Errors
/// When it can't begin, somebody can't do what it says, or the driver fails.
pub fn run(
    scenario: &Scenario,
    options: &Options,
    seen: &mut (dyn FnMut(&Event, &FleetState) + Send),
) -> Result<Played, ScenarioError> {
    crate::sim::runtime::run(play(scenario, options, seen))?
}

async fn play(
    scenario: &Scenario,
    options: &Options,
    seen: &mut (dyn FnMut(&Event, &FleetState) + Send),
) -> Result<Played, ScenarioError> {
    let setup = setup(scenario, options).map_err(begins)?;
    let simulation = setup.simulation()?;
    let people = simulation.process(Life::new());
    let mut first_desk = desk(PERSON, &simulation, &people);
    begin(scenario, &simulation, &mut first_desk).await.map_err(begins)?;
    let (clusters, members) = clusters(&setup)?;
    let begun = simulation.clock.elapsed();
    let within = scenario.within.as_ref().map_or(WITHIN, |within| within.value.std());
    let (first, _) = people.world.journal.head().await?;
    let stage = Stage {
        simulation,
        people,
        clusters,
        members: Mutex::new(members),
        first,
        rules: options.rules,
        begun,
        ends: begun.saturating_add(within),
        driver: Mutex::default(),
    };
    let (told, done) = watch::channel(false);
    let driving = drive(&stage, done, seen);
    let playing = async {
        let checks = acts(scenario, &stage).await;
        told.send_replace(true);
        checks
    };
    let (driven, mut checks) = {
        futures::pin_mut!(driving, playing);
        match select(driving, playing).await {
            // A driver that fails ends the story; otherwise it goes on until people are done.
            Either::Left((Err(error), _)) => return Err(error),
            Either::Left((Ok(()), playing)) => (Ok(()), playing.await?),
            Either::Right((checks, driving)) => {
                let checks = checks?;
                (driving.await, checks)
            }
        }
    };
    driven?;
    for expected in scenario.expect.iter().filter(|expected| expected.value.at.is_none()) {
        checks.extend(expect::look(&expected.value, &stage).await?);
    }
    let verdict = verdict(&setup, &stage, checks).await?;
    Ok(Played { verdict, fleet: stage.simulation.fleet, journal: stage.people.world.journal })
}

fn begins(error: DeskError) -> ScenarioError {
    ScenarioError::Begin(Box::new(error))
}

async fn verdict(
    setup: &crate::sim::setup::Setup,
    stage: &Stage,
    checks: Vec<Check>,
) -> Result<Verdict, ScenarioError> {
    let state = stage.state().await?;
    let events = stage.people.world.journal.head().await?.0;
    let end = |r: &Rollout| RolloutEnd { rollout: r.id().clone(), state: r.state().word().to_owned() };
    let mut rollouts: Vec<RolloutEnd> = state.rollouts().map(end).collect();
    rollouts.sort();
    Ok(Verdict {
        seed: setup.seed,
        holds: checks.iter().all(|check| check.holds),
        checks,
        rollouts,
        events,
        seconds: stage.simulation.clock.elapsed().saturating_sub(stage.begun).as_secs(),
        faults: stage.struck(),
    })
}

/// All clusters with their labels, and which of them are in the fleet at the beginning.
type Clusters = (BTreeMap<ClusterName, Labels>, BTreeSet<ClusterName>);

fn clusters(setup: &crate::sim::setup::Setup) -> Result<Clusters, ScenarioError> {
    let (mut clusters, mut members) = (BTreeMap::new(), BTreeSet::new());
    for group in &setup.groups {
        for name in group.names() {
            let wrong = |error: NameError| begins(DeskError::Missing(error.to_string()));
            let name: ClusterName = name.parse().map_err(wrong)?;
            if group.listed {
                members.insert(name.clone());
            }
            clusters.insert(name, group.labels.clone());
        }
    }
    Ok((clusters, members))
}

/// People act, and what must hold at a time is looked at then.
async fn acts(scenario: &Scenario, stage: &Stage) -> Result<Vec<Check>, ScenarioError> {
    let looks = async {
        let mut timed: Vec<_> =
            scenario.expect.iter().filter_map(|e| Some((e.value.at.as_ref()?, e))).collect();
        timed.sort_by_key(|(at, _)| at.value.std());
        let mut checks = Vec::new();
        for (at, expected) in timed {
            stage.until(at.value.std()).await;
            checks.extend(expect::look(&expected.value, stage).await?);
        }
        Ok::<_, ScenarioError>(checks)
    };
    let (acted, checks) = futures::join!(deeds::all(&scenario.actions, stage), looks);
    acted?;
    checks
}

/// Drives whenever there is something to drive, until people are done and nothing more happens by
/// itself, or the story's time is over.
async fn drive(
    stage: &Stage,
    mut done: watch::Receiver<bool>,
    seen: &mut (dyn FnMut(&Event, &FleetState) + Send),
) -> Result<(), ScenarioError> {
    let first = stage.first;
    let mut shown = first;
    loop {
        let process = stage.simulation.process(Life::new());
        *stage.driver.lock().unwrap_or_else(PoisonError::into_inner) = Some(process.life.clone());
        let (stopping, stop) = watch::channel(StopRequest::None);
        let options =
            Drive { rollouts: Vec::new(), until: Until::Done, standby: false, stop, rules: stage.rules };
        let (world, times) = (process.world.clone(), Times::default());
        let mut show = |event: &Event, state: &FleetState| {
            if event.seq > shown {
                shown = event.seq;
                seen(event, state);
            }
        };
        let left = stage.ends.saturating_sub(stage.simulation.clock.elapsed());
        let over = async {
            tokio::time::sleep(left).await;
            stopping.send_replace(StopRequest::Now);
            std::future::pending::<()>().await;
        };
        let life = process.life.clone();
        let ended = tokio::select! {
            biased;
            () = life.over() => None,
            ended = engine::drive(&world, &times, options, &mut show) => match ended {
                Err(broken @ DriveError::Broken(_)) => return Err(broken.into()),
                // It could not write, or not prove its lease any more: somebody starts another one.
                Err(_) => {
                    tokio::time::sleep(ANEW).await;
                    None
                }
                Ok(ended) => Some(ended),
            },
            () = over => None,
        };
        process.kill();
        let Some((_, follower)) = ended else { continue };
        let position = follower.position();
        if stage.simulation.clock.elapsed() >= stage.ends {
            return Ok(());
        }
        // Nothing is left to drive until somebody does something.
        let journal = &stage.people.world.journal;
        tokio::select! {
            biased;
            waited = journal.wait(position, left) => waited?,
            _ = done.wait_for(|done| *done) => {
                if journal.head().await?.0 == position {
                    return Ok(());
                }
            }
        }
    }
}
