//! One rehearsal: a copy of the fleet, a plan, a driver that drives whenever there is something to drive,
//! people who say yes, and a record of what came of it. Nobody mends anything.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;

use super::failing::Planted;
use super::holding::{Holds, note};
use super::people::People;
use super::trouble;
use super::{RehearsalError, Wish};
use crate::diag::Findings;
use crate::engine::planning::{self, PlanRequest};
use crate::engine::{self, Drive, Follower, StopRequest, Times, Until, World, request};
use crate::journal::{Body, Event};
use crate::model::{Actor, ClusterName, RolloutId, WaveName};
use crate::plan::{Plan, PlanOptions};
use crate::port::Fault;
use crate::report::explain::{About, explanations};
use crate::report::explanation::{DRIVER, Explanation};
use crate::rollout::{Class, Command, FleetState, Rollout, RolloutState, rests};
use crate::sim::copy::{Copied, Place};
use crate::sim::runtime;

/// So many turns in a row without progress are taken as they come; from then on time goes faster.
const TURNS: u32 = 8;

/// The shortest and the longest wait while nothing moves.
const WAITS: (Duration, Duration) = (Duration::from_secs(900), Duration::from_secs(6 * 3_600));

/// Which rehearsal.
#[derive(Debug, Clone)]
pub struct Case {
    /// Decides all that is left to chance.
    pub seed: u64,
    /// The failure that is planted, if one is.
    pub planted: Option<Planted>,
}

/// How a rehearsal came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ended {
    /// Every cluster has the release, or was left out on purpose.
    Finished,
    /// Every wave is done, and some cluster failed or is left for later.
    FinishedWithFailures,
    /// It halted, and somebody would have to decide.
    Halted,
    /// It waits for people who do not come by themselves.
    Stuck,
    /// The time that it was given is over.
    OutOfTime,
}

impl Ended {
    /// Whether every wave is done.
    pub fn is_finished(self) -> bool {
        matches!(self, Self::Finished | Self::FinishedWithFailures)
    }

    /// In words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Finished => "finishes",
            Self::FinishedWithFailures => "finishes with failures",
            Self::Halted => "halts",
            Self::Stuck => "gets stuck",
            Self::OutOfTime => "does not finish in time",
        }
    }
}

/// When a wave came how far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Marks {
    /// Its clusters might begin.
    pub opened: Option<Timestamp>,
    /// The first step was taken.
    pub begun: Option<Timestamp>,
    /// It was done.
    pub done: Option<Timestamp>,
    /// The clusters at which a step was taken.
    pub touched: BTreeSet<ClusterName>,
}

/// What came of a rehearsal.
#[derive(Debug, Clone, PartialEq)]
pub struct Ran {
    /// How it ended.
    pub ended: Ended,
    /// When it was started.
    pub started: Timestamp,
    /// When it ended, or was left.
    pub at: Timestamp,
    /// Its waves.
    pub waves: BTreeMap<WaveName, Marks>,
    /// When it first halted, and where.
    pub halted: Option<(WaveName, Timestamp)>,
    /// What held it up.
    pub holds: Holds,
    /// The most clusters that were hurt at once.
    pub worst: u32,
    /// The clusters that are hurt at its end.
    pub hurt: Vec<ClusterName>,
    /// The clusters that are left for later at its end.
    pub later: Vec<ClusterName>,
    /// What stands in its way at its end, the most important first.
    pub left: Vec<Explanation>,
    /// How often which fault struck.
    pub struck: BTreeMap<String, u64>,
}

/// A rollout that was started.
pub struct Begun {
    /// The rollout.
    pub rollout: RolloutId,
    /// Its plan, and what people should know of it.
    pub planned: (Plan, Findings),
}

/// Plans and starts a release.
pub async fn begun(place: &Place, world: &World, wish: &Wish) -> Result<Begun, RehearsalError> {
    let actor = Actor("person:rehearsal".to_owned());
    let asked = PlanRequest {
        release: wish.release.clone(),
        pipeline: wish.pipeline.clone(),
        defer_unknown: true,
        options: PlanOptions::default(),
        only: None,
        about: None,
        actor: actor.clone(),
    };
    let mut follower = Follower::new(std::sync::Arc::clone(&world.journal));
    let (plan, gathered) = planning::plan(world, &Times::default(), &mut follower, &asked).await?;
    place.metrics_are_good(&plan);
    let start = |_: &FleetState| Ok(Command::Start { plan: Box::new(plan.clone()), overrides: Vec::new() });
    let events = request(&world.journal, &*world.clock, &mut follower, &actor, start).await?;
    let started = events.iter().find_map(|event| match &event.body {
        Body::RolloutPlanned { rollout, .. } => Some(rollout.clone()),
        _ => None,
    });
    let nothing = || Fault::permanent("the plan was admitted and nothing was recorded");
    Ok(Begun { rollout: started.ok_or_else(nothing)?, planned: (plan, gathered.findings) })
}

/// Rehearses once.
///
/// # Errors
/// When there is no plan, it can't be started, or the driver fails.
pub fn run(copied: &Copied, wish: &Wish, case: &Case) -> Result<Ran, RehearsalError> {
    runtime::run(async {
        let place = copied.place(case.seed)?;
        let people = place.process();
        let begun = begun(&place, &people.world, wish).await?;
        match &case.planted {
            // What it costs is to be seen alone.
            Some(planted) => planted.begin(&place.simulation),
            None => trouble::begin(&wish.trouble, &place.simulation, case.seed),
        }
        let mut rehearsal = Rehearsal {
            place: &place,
            started: place.simulation.clock.truth(),
            ends: place.simulation.clock.elapsed().saturating_add(wish.within.std()),
            seen: Seen::of(begun.rollout),
            holds: Holds::new(),
            still: 0,
        };
        let mut yes = People::new(people.world.clone(), wish.approve_after);
        rehearsal.play(&mut yes).await
    })?
}

/// What is noted of events as they come.
struct Seen {
    rollout: RolloutId,
    /// The position of the last event that was noted: each driver tells all of them again.
    last: u64,
    waves: BTreeMap<WaveName, Marks>,
    halted: Option<(WaveName, Timestamp)>,
    worst: u32,
    /// Whether something got further since it was last asked.
    moved: bool,
}

impl Seen {
    fn of(rollout: RolloutId) -> Self {
        Self { rollout, last: 0, waves: BTreeMap::new(), halted: None, worst: 0, moved: false }
    }

    fn event(&mut self, event: &Event, state: &FleetState) {
        if event.seq <= self.last {
            return;
        }
        self.last = event.seq;
        self.moved |= !is_idle(&event.body);
        let Some(rollout) =
            state.rollout(&self.rollout).filter(|_| event.body.rollout() == Some(&self.rollout))
        else {
            return;
        };
        self.worst = self.worst.max(rollout.counts().failures());
        let marks =
            |waves: &mut BTreeMap<WaveName, Marks>, wave: &WaveName, mark: fn(&mut Marks, Timestamp)| {
                mark(waves.entry(wave.clone()).or_default(), event.at);
            };
        match &event.body {
            Body::WaveOpened { wave, .. } => {
                marks(&mut self.waves, wave, |marks, at| marks.opened = marks.opened.or(Some(at)));
            }
            Body::WaveDone { wave, .. } | Body::WaveSkipped { wave, .. } => {
                marks(&mut self.waves, wave, |marks, at| marks.done = marks.done.or(Some(at)));
            }
            Body::RolloutHalted { wave, .. } if self.halted.is_none() => {
                self.halted = Some((wave.clone(), event.at));
            }
            Body::StepStarted { attempt, .. } => {
                if let Some((wave, ..)) = rollout.plan().cluster(&attempt.cluster) {
                    let marks = self.waves.entry(wave.name.clone()).or_default();
                    marks.begun = marks.begun.or(Some(event.at));
                    marks.touched.insert(attempt.cluster.clone());
                }
            }
            _ => {}
        }
    }
}

/// Whether an event says that somebody looked, and nothing got further.
fn is_idle(body: &Body) -> bool {
    match body {
        Body::DriverTookOver { .. }
        | Body::DriverReleased { .. }
        | Body::ClusterObserved { .. }
        | Body::ClusterUnreachable { .. }
        | Body::AttemptClaimed { .. }
        | Body::AttemptPreflighted { .. }
        | Body::AttemptDeferred { .. } => true,
        Body::GateAnswered { answer, .. } => !answer.open,
        _ => false,
    }
}

struct Rehearsal<'p> {
    place: &'p Place,
    started: Timestamp,
    /// When its time is over, counted from the beginning of the simulation.
    ends: Duration,
    seen: Seen,
    holds: Holds,
    /// So many turns in a row nothing got further.
    still: u32,
}

impl Rehearsal<'_> {
    async fn play(&mut self, people: &mut People) -> Result<Ran, RehearsalError> {
        let clock = self.place.simulation.clock.clone();
        loop {
            let (ended, follower) = self.drive(people).await?;
            let state = follower.state();
            let Some(rollout) = state.rollout(&self.seen.rollout) else {
                return Err(Fault::permanent("the rollout is not in the journal").into());
            };
            let over = clock.elapsed() >= self.ends;
            if over || rests(rollout) || ended == engine::Ended::Interrupted {
                return Ok(self.ran(state, rollout, None));
            }
            let now = clock.truth();
            let wake = match ended {
                engine::Ended::Blocked(wake) => wake,
                engine::Ended::Reached | engine::Ended::Interrupted => Some(now),
            };
            let next = [wake, people.next(state, now)].into_iter().flatten().min();
            let Some(next) = next else { return Ok(self.ran(state, rollout, Some(Ended::Stuck))) };
            let reasons = explanations(state, rollout, About::Rollout, None, now);
            let wait = Duration::try_from(next.duration_since(now)).unwrap_or_default();
            let wait = self.patience(wait).min(self.ends.saturating_sub(clock.elapsed()));
            tokio::time::sleep(wait).await;
            note(&mut self.holds, &reasons, wait);
            people.speak().await?;
        }
    }

    /// How long to wait really: where looking again and again brings nothing, it is done less often.
    fn patience(&mut self, wait: Duration) -> Duration {
        self.still = if std::mem::take(&mut self.seen.moved) { 0 } else { self.still.saturating_add(1) };
        let wait = wait.max(Duration::from_secs(1));
        match self.still.checked_sub(TURNS) {
            None => wait,
            Some(more) => wait.max((WAITS.0 * 2_u32.saturating_pow(more.min(5))).min(WAITS.1)),
        }
    }

    /// Drives until only people or time can go on.
    async fn drive(&mut self, people: &mut People) -> Result<(engine::Ended, Follower), RehearsalError> {
        let process = self.place.process();
        let (stopping, stop) = watch::channel(StopRequest::None);
        let rollouts = vec![self.seen.rollout.clone()];
        let options =
            Drive { rollouts, until: Until::Blocked, standby: false, stop, rules: engine::Rules::default() };
        let (world, times) = (process.world.clone(), Times::default());
        let left = self.ends.saturating_sub(self.place.simulation.clock.elapsed());
        let seen = &mut self.seen;
        let mut show = |event: &Event, state: &FleetState| seen.event(event, state);
        let over = async {
            tokio::time::sleep(left).await;
            stopping.send_replace(StopRequest::Now);
            std::future::pending::<std::convert::Infallible>().await
        };
        let ended = tokio::select! {
            biased;
            ended = engine::drive(&world, &times, options, &mut show) => ended,
            never = people.stay() => match never? {},
            never = over => match never {},
        };
        process.kill();
        Ok(ended?)
    }

    fn ran(&mut self, state: &FleetState, rollout: &Rollout, ended: Option<Ended>) -> Ran {
        let at = self.place.simulation.clock.truth();
        let ended = ended.unwrap_or(match rollout.state() {
            RolloutState::Succeeded => Ended::Finished,
            RolloutState::SucceededWithFailures => Ended::FinishedWithFailures,
            RolloutState::Halted { .. } => Ended::Halted,
            _ if self.place.simulation.clock.elapsed() >= self.ends => Ended::OutOfTime,
            // Its waves are through, and some clusters follow.
            _ if rests(rollout) => Ended::FinishedWithFailures,
            _ => Ended::Stuck,
        });
        let mut left = explanations(state, rollout, About::Rollout, None, at);
        left.retain(|reason| reason.gate != DRIVER);
        let of = |is: fn(Class) -> bool| -> Vec<ClusterName> {
            let all = rollout.clusters();
            let some = all.filter(|(.., cluster)| is(cluster.state().class()));
            some.map(|(_, _, planned, _)| planned.name.clone()).collect()
        };
        Ran {
            ended,
            started: self.started,
            at: if ended.is_finished() { rollout.since().max(self.started) } else { at },
            waves: std::mem::take(&mut self.seen.waves),
            halted: self.seen.halted.take(),
            holds: std::mem::take(&mut self.holds),
            worst: self.seen.worst,
            hurt: of(Class::is_failure),
            later: of(|class| matches!(class, Class::Deferred | Class::Postponed | Class::Blocked)),
            left,
            struck: self.place.simulation.fleet.struck(),
        }
    }
}
