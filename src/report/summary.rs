//! How far a rollout is: its waves, pools and clusters in numbers and words, for every surface.
//! It reads the state and decides only what deserves attention.

use super::age::{self, Seen};
use super::estimate::Estimate;
use super::event::halt;
use super::pins::{self, EndingPin};
use crate::digest::Digest;
use crate::journal::Side;
use crate::model::{Actor, ClusterName, Duration, GateId, PoolName, ReleaseId, RolloutId, WaveName};
use crate::plan::{PlannedCluster, PlannedPool, PlannedWave};
use crate::rollout::{
    AttemptState, Class, Cluster, ClusterDeadline, Counts, FleetState, ObservedSoak, Rollout, RolloutState,
    Wave, WavePhase,
};

/// How far a rollout is.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RolloutSummary {
    /// Its id.
    pub rollout: RolloutId,
    /// The release.
    pub release: ReleaseId,
    /// The rollout that it takes back, if it is a rollback.
    pub rolls_back: Option<RolloutId>,
    /// The release's nickname.
    pub title: Option<String>,
    /// The release's digest.
    pub release_digest: Digest,
    /// The plan's digest.
    pub plan: Digest,
    /// The word for its state, such as `running` or `succeeded-with-failures`.
    pub state: &'static str,
    /// Whether it can still go on.
    pub open: bool,
    /// Since when it is in that state.
    pub since: jiff::Timestamp,
    /// Why it is, where there is something to say.
    pub cause: Option<String>,
    /// When it was started.
    pub started_at: jiff::Timestamp,
    /// By whom.
    pub started_by: Actor,
    /// The wave that it is at; none before the first and after the last.
    pub wave: Option<WaveName>,
    /// Its clusters.
    pub clusters: Tally,
    /// So many clusters follow by themselves: those that were left for later and whose wave is over, and
    /// those that join.
    pub catching_up: usize,
    /// The stop-the-lines that reach it.
    pub stopped: Vec<StopSummary>,
    /// Its waves, in order.
    pub waves: Vec<WaveSummary>,
    /// The clusters that somebody should look at, and those at work.
    pub attention: Vec<ClusterSummary>,
    /// How long it may still take; absent without history, and while it does not go on.
    pub estimate: Option<Estimate>,
    /// The pins of its plan that end within 14 days or have ended, while it is open.
    pub pins: Vec<EndingPin>,
}

/// A stop-the-line.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StopSummary {
    /// Over what, as it is typed: `fleet`, `rollout:R42-1`, `env=prod`.
    pub scope: String,
    /// Who stopped it.
    pub by: Actor,
    /// When.
    pub since: jiff::Timestamp,
    /// Why.
    pub reason: String,
}

/// A stop-the-line in words.
pub fn stop(scope: &crate::journal::StopScope, stop: &crate::rollout::Stop) -> StopSummary {
    StopSummary {
        scope: scope.to_string(),
        by: stop.by.clone(),
        since: stop.since,
        reason: stop.reason.clone(),
    }
}

/// The stop-the-lines that reach a rollout that is open.
fn stopped(state: &FleetState, rollout: &Rollout) -> Vec<StopSummary> {
    let reached: Vec<_> = rollout
        .plan()
        .clusters()
        .flat_map(|(_, _, planned)| state.stops_over(rollout, &planned.labels))
        .map(|(scope, _)| scope)
        .collect();
    let open = rollout.state().is_open();
    state
        .stops()
        .filter(|(scope, _)| open && reached.contains(scope))
        .map(|(scope, s)| stop(scope, s))
        .collect()
}

/// How many clusters stand where.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Tally {
    /// All.
    pub total: u32,
    /// At their planned inputs (those with nothing to do included).
    pub done: u32,
    /// Being worked on.
    pub working: u32,
    /// Waiting for a slot, or for their wave.
    pub pending: u32,
    /// Waiting for somebody to change something.
    pub blocked: u32,
    /// Waiting for a window, or for another operation to end.
    pub postponed: u32,
    /// Left for later: unreachable, hibernated, or on hold.
    pub deferred: u32,
    /// Failed, timed out or aborted.
    pub failed: u32,
    /// Rolled back.
    pub rolled_back: u32,
    /// Ended in a way that nobody knows; a person decides.
    pub unknown: u32,
    /// Left out by a person.
    pub skipped: u32,
    /// Gone from the fleet, or taken over by another rollout.
    pub gone: u32,
}

/// How far a wave is.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WaveSummary {
    /// Its name.
    pub name: WaveName,
    /// Its digest: what approvals bind to.
    pub digest: Digest,
    /// The word for its state, such as `rolling` or `gates-before`.
    pub state: &'static str,
    /// Since when it is in that state.
    pub since: jiff::Timestamp,
    /// Whether the next wave may start.
    pub over: bool,
    /// Its clusters.
    pub clusters: Tally,
    /// So many may fail.
    pub failure_budget: u32,
    /// So many may stay deferred.
    pub deferred_budget: u32,
    /// At most so many at once; absent is unlimited.
    pub at_once: Option<u32>,
    /// How long it soaks.
    pub soak: Option<Duration>,
    /// When its soak can end at the earliest, while it soaks.
    pub soaks_until: Option<jiff::Timestamp>,
    /// What looks say of a soak that is observed, while it soaks.
    pub soak_looks: Option<SoakLooks>,
    /// Its gates, those before first.
    pub gates: Vec<GateSummary>,
    /// Its git tag, once it stands.
    pub tag: Option<TagSummary>,
    /// How many tries at tests ran.
    pub tests_run: u64,
    /// Its pools, in order.
    pub pools: Vec<PoolSummary>,
}

/// How a gate stands.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GateSummary {
    /// Its id.
    pub gate: GateId,
    /// On which side of the wave.
    pub side: Side,
    /// `open`, `closed` or `not-asked`.
    pub state: &'static str,
    /// When it was answered.
    pub at: Option<jiff::Timestamp>,
    /// What the answer rests on, in words.
    pub facts: Vec<String>,
    /// Who said yes.
    pub approvals: Vec<Actor>,
}

/// A wave's git tag.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TagSummary {
    /// Its name.
    pub name: String,
    /// The commit that it names.
    pub commit: String,
    /// The remote it was pushed to.
    pub pushed: Option<String>,
    /// Why it could not be pushed yet.
    pub failure: Option<String>,
}

/// How far a pool is.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PoolSummary {
    /// Its name.
    pub name: PoolName,
    /// At most so many at once; absent is unlimited.
    pub at_once: Option<u32>,
    /// Its clusters.
    pub clusters: Tally,
}

/// How far a cluster is.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ClusterSummary {
    /// Its name.
    pub cluster: ClusterName,
    /// Its wave.
    pub wave: WaveName,
    /// Its pool.
    pub pool: PoolName,
    /// The word for its state, such as `upgrading` or `deferred`.
    pub state: &'static str,
    /// Since when it is in that state.
    pub since: jiff::Timestamp,
    /// The number of its newest attempt.
    pub attempt: u32,
    /// The step it is at, or failed at.
    pub step: Option<String>,
    /// Which try at that step it is.
    pub tries: u32,
    /// When that step began.
    pub step_since: Option<jiff::Timestamp>,
    /// By when that step must have ended.
    pub deadline: Option<jiff::Timestamp>,
    /// How long the attempt may still work, while it does and its wave has a `clusterDeadline`.
    pub cluster_deadline: Option<DeadlineSummary>,
    /// How many of its steps are done.
    pub steps_done: usize,
    /// How many steps it takes; 0 until preflight has computed them.
    pub steps: usize,
    /// Why it is where it is.
    pub cause: Option<String>,
    /// The moment at which what it waits for is over, if it was left for later and time alone ends that.
    pub until: Option<jiff::Timestamp>,
    /// Its place in the queue of rollouts that want the cluster, from 1; absent when this is the only one.
    pub position: Option<usize>,
    /// Whether a test passed only when it was repeated.
    pub flaky: bool,
    /// When it was last seen.
    pub seen: Seen,
}

/// How an attempt stands to the deadline of its cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DeadlineSummary {
    /// How long it may work in all.
    pub limit: Duration,
    /// How much of that is left, as of the last step that ended.
    pub left: Duration,
    /// When it passes, while a step runs; waiting burns nothing of it.
    pub at: Option<jiff::Timestamp>,
}

impl From<ClusterDeadline> for DeadlineSummary {
    fn from(deadline: ClusterDeadline) -> Self {
        let ClusterDeadline { limit, left, at } = deadline;
        Self { limit, left, at }
    }
}

impl From<&Counts> for Tally {
    fn from(counts: &Counts) -> Self {
        Self {
            total: counts.total(),
            done: counts.done(),
            working: counts.of(Class::Active),
            pending: counts.of(Class::Pending),
            blocked: counts.of(Class::Blocked),
            postponed: counts.of(Class::Postponed),
            deferred: counts.of(Class::Deferred),
            failed: counts.of(Class::Failed),
            rolled_back: counts.of(Class::RolledBack),
            unknown: counts.of(Class::Unknown),
            skipped: counts.of(Class::Skipped),
            gone: counts.of(Class::Gone),
        }
    }
}

impl Tally {
    /// What is not simply done or waiting for its turn, in words: `4 run, 1 failed`.
    pub fn words(&self) -> Vec<String> {
        [
            (self.working, "run"),
            (self.blocked + self.postponed, "wait"),
            (self.deferred, "deferred"),
            (self.failed, "failed"),
            (self.rolled_back, "rolled back"),
            (self.unknown, "unknown"),
            (self.skipped, "skipped"),
            (self.gone, "gone"),
        ]
        .into_iter()
        .filter(|(n, _)| *n > 0)
        .map(|(n, word)| format!("{n} {word}"))
        .collect()
    }

    /// Those that no longer keep their wave open.
    pub fn settled(&self) -> u32 {
        self.done + self.deferred + self.failed + self.rolled_back + self.skipped + self.gone
    }
}

/// What looks say of a soak that is observed.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SoakLooks {
    /// So many clusters have soaked.
    pub soaked: u32,
    /// Of so many.
    pub of: u32,
    /// How far apart two looks may be.
    pub observe_every: Duration,
    /// When the next look is due.
    pub next: Option<jiff::Timestamp>,
    /// Until when somebody must look so that the time so far keeps counting.
    pub look_by: Option<jiff::Timestamp>,
    /// Clusters that the last look did not find well.
    pub not_well: Vec<ClusterName>,
}

impl RolloutSummary {
    /// Until when somebody must look so that what was soaked so far keeps counting.
    pub fn look_by(&self) -> Option<jiff::Timestamp> {
        self.waves.iter().filter_map(|wave| wave.soak_looks.as_ref()?.look_by).min()
    }
}

impl SoakLooks {
    fn of(soak: ObservedSoak) -> Self {
        let ObservedSoak { soaked, of, every, next, look_by, ill } = soak;
        let not_well = ill.into_iter().map(|(cluster, _, _)| cluster).collect();
        Self { soaked, of, observe_every: every, next, look_by, not_well }
    }
}

/// How far a rollout is, looked at from `now`.
pub fn rollout(state: &FleetState, rollout: &Rollout, now: jiff::Timestamp) -> RolloutSummary {
    let plan = rollout.plan();
    let (started_at, started_by) = rollout.planned();
    let waves: Vec<WaveSummary> =
        rollout.waves().map(|(planned, wave)| of_wave(rollout, planned, wave, now)).collect();
    let at = rollout.current_wave().and_then(|i| plan.waves.get(i)).filter(|_| rollout.state().is_open());
    RolloutSummary {
        rollout: rollout.id().clone(),
        release: plan.release.id.clone(),
        rolls_back: rollout.rolls_back().cloned(),
        title: plan.release.title.clone(),
        release_digest: plan.release.digest,
        plan: plan.digest,
        state: rollout.state().word(),
        open: rollout.state().is_open(),
        since: rollout.since(),
        cause: cause(rollout),
        started_at,
        started_by: started_by.clone(),
        wave: at.map(|w| w.name.clone()),
        clusters: rollout.counts().into(),
        catching_up: rollout.left_behind() + state.joining(rollout).len(),
        stopped: stopped(state, rollout),
        waves,
        attention: attention(state, rollout, now),
        estimate: super::estimate::of_rollout(state, rollout, now),
        pins: if rollout.state().is_open() { pins::ending(plan, now) } else { Vec::new() },
    }
}

/// Why a rollout is in its state, where there is something to say.
fn cause(rollout: &Rollout) -> Option<String> {
    let asked = |word: &str| {
        let (actor, reason) = rollout.asked()?;
        let who = format!("{word} by {actor}");
        Some(reason.map_or_else(|| who.clone(), |reason| format!("{who}: {reason}")))
    };
    match rollout.state() {
        RolloutState::Halted { wave, cause } => Some(format!("wave {wave}: {}", halt(cause))),
        RolloutState::Pausing | RolloutState::Paused => asked("paused"),
        RolloutState::Aborting | RolloutState::Aborted => asked("aborted"),
        RolloutState::RollingBack { by } => Some(format!("{by} rolls it back")),
        RolloutState::RolledBack { by } => Some(format!("rolled back by {by}")),
        RolloutState::Superseded { .. } => asked("superseded"),
        RolloutState::Planned
        | RolloutState::Running
        | RolloutState::Succeeded
        | RolloutState::SucceededWithFailures => None,
    }
}

fn of_wave(rollout: &Rollout, planned: &PlannedWave, wave: &Wave, now: jiff::Timestamp) -> WaveSummary {
    let gates = [(Side::Before, &planned.gates_before), (Side::After, &planned.gates_after)];
    let tag = wave.tag();
    let outlook = rollout.soak_outlook(planned, wave, now);
    WaveSummary {
        name: planned.name.clone(),
        digest: planned.digest,
        state: rollout.wave_state(&planned.name).map_or("waiting", |s| s.word()),
        since: wave.since(),
        over: wave.phase().is_over(),
        clusters: (&wave.everybody()).into(),
        failure_budget: wave.failure_budget(),
        deferred_budget: planned.deferred_budget,
        at_once: planned.at_once,
        soak: planned.soak.as_ref().map(|s| s.length),
        soaks_until: outlook.as_ref().map(|outlook| outlook.ends),
        soak_looks: outlook.and_then(|outlook| outlook.observed).map(SoakLooks::of),
        gates: gates
            .into_iter()
            .flat_map(|(side, gates)| gates.iter().map(move |gate| of_gate(wave, side, &gate.id)))
            .collect(),
        tag: tag.made.as_ref().map(|(name, commit)| TagSummary {
            name: name.clone(),
            commit: commit.clone(),
            pushed: tag.pushed.clone(),
            failure: tag.failed.as_ref().filter(|_| tag.pushed.is_none()).map(|f| f.cause.clone()),
        }),
        tests_run: wave.tests_run(),
        pools: rollout
            .pools(&planned.name)
            .map(|(planned, pool)| PoolSummary {
                name: planned.name.clone(),
                at_once: planned.at_once,
                clusters: (&pool.everybody()).into(),
            })
            .collect(),
    }
}

fn of_gate(wave: &Wave, side: Side, gate: &GateId) -> GateSummary {
    let known = wave.gate(side, gate);
    let answer = known.and_then(|g| g.answer());
    let passed = match side {
        Side::Before => wave.opened_at().is_some(),
        Side::After => wave.phase() == WavePhase::Done,
    };
    GateSummary {
        gate: gate.clone(),
        side,
        state: match answer {
            Some((answer, _)) if answer.open || passed => "open",
            Some(_) => "closed",
            None => "not-asked",
        },
        at: answer.map(|(_, at)| at),
        facts: answer.map(|(a, _)| a.facts.clone()).unwrap_or_default(),
        approvals: known.map(|g| g.approvals().iter().map(|a| a.actor.clone()).collect()).unwrap_or_default(),
    }
}

/// One cluster, looked at from `now`.
pub fn cluster(
    state: &FleetState,
    rollout: &Rollout,
    planned: (&PlannedWave, &PlannedPool, &PlannedCluster),
    cluster: &Cluster,
    now: jiff::Timestamp,
) -> ClusterSummary {
    let (wave, pool, planned) = planned;
    let attempt = cluster.attempt();
    let current = attempt.current_step();
    let failed = attempt.failed_step().map(ToString::to_string);
    ClusterSummary {
        cluster: planned.name.clone(),
        wave: wave.name.clone(),
        pool: pool.name.clone(),
        state: attempt.state().word(),
        since: attempt.since(),
        attempt: attempt.number(),
        step: failed.or_else(|| current.map(|s| s.step().id.to_string())),
        tries: current.map_or(0, |s| s.tries()),
        step_since: current.and_then(|s| s.running_since()),
        deadline: rollout.step_deadline(&planned.name),
        cluster_deadline: rollout.cluster_deadline(&planned.name).map(Into::into),
        steps_done: attempt.steps_done(),
        steps: attempt.steps().len(),
        cause: attempt.cause().map(str::to_owned),
        until: attempt.until(),
        position: position(state, rollout, planned),
        flaky: attempt.flaky(),
        seen: age::seen(state, &planned.name, now),
    }
}

/// Every cluster of a rollout, in plan order.
pub fn clusters(state: &FleetState, rollout: &Rollout, now: jiff::Timestamp) -> Vec<ClusterSummary> {
    rollout.clusters().map(|(w, p, c, known)| cluster(state, rollout, (w, p, c), known, now)).collect()
}

/// The clusters that deserve attention: trouble first, then what waits, then what is at work; by
/// plan order within.
fn attention(state: &FleetState, rollout: &Rollout, now: jiff::Timestamp) -> Vec<ClusterSummary> {
    let mut found: Vec<(u8, ClusterSummary)> = rollout
        .clusters()
        .filter_map(|(w, p, c, known)| {
            let urgency = urgency(known.state())?;
            Some((urgency, cluster(state, rollout, (w, p, c), known, now)))
        })
        .collect();
    // Stable, so plan order stays within one urgency.
    found.sort_by_key(|(urgency, _)| *urgency);
    found.into_iter().map(|(_, summary)| summary).collect()
}

/// The place of a rollout in a cluster's queue, where there is one.
fn position(state: &FleetState, rollout: &Rollout, planned: &PlannedCluster) -> Option<usize> {
    let queue = state.queue(planned);
    if queue.len() < 2 {
        None
    } else {
        queue.iter().position(|id| *id == rollout.id()).map(|place| place + 1)
    }
}

fn urgency(state: &AttemptState) -> Option<u8> {
    match state.class() {
        Class::Unknown => Some(0),
        Class::Failed | Class::RolledBack => Some(1),
        Class::Blocked => Some(2),
        Class::Deferred => Some(3),
        Class::Postponed => Some(4),
        Class::Active => Some(5),
        Class::Pending | Class::Succeeded | Class::NoOp | Class::Skipped | Class::Gone => None,
    }
}
