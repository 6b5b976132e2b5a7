//! Everything that waits, typed: why, since when, until when, and where. What waits behind
//! something else that waits is named once, by what is nearest to it. Sentences, people and
//! commands are for `report`; whether a recorded driver lives is for its lease.

use std::collections::BTreeMap;

use super::attempt::{AttemptState, Class};
use super::effects::going;
use super::gates;
use super::missing_hotfix::{MissingHotfix, missing_hotfix};
use super::next::{Next, next};
use super::obstacle::{Obstacle, Outlook};
use super::pace::REGION;
use super::slots::{CapUse, caps};
use super::soak::ObservedSoak;
use super::state::{Cluster, FleetState, Pool, Rollout, RolloutState, TagFailure, Wave, WavePhase};
use super::waits_late;
use crate::journal::{Answer, BlockReason, Deferral, Failure, HaltCause, Override, Side, StepId, StopScope};
use crate::model::{Actor, ClusterName, Duration, GateId, PoolName, Push, RolloutId, WaveName};
use crate::plan::{GateKind, PlannedCluster, PlannedPool, PlannedWave};

/// Something that waits.
#[derive(Debug, Clone, PartialEq)]
pub struct Wait {
    /// The rollout.
    pub rollout: RolloutId,
    /// The wave, unless the whole rollout waits.
    pub wave: Option<WaveName>,
    /// The pool, if one waits.
    pub pool: Option<PoolName>,
    /// The cluster, if one waits.
    pub cluster: Option<ClusterName>,
    /// For what.
    pub kind: WaitKind,
    /// Since when.
    pub since: jiff::Timestamp,
    /// The moment from which it goes on by itself, or at which it is looked at again, if time alone
    /// can do that.
    pub until: Option<jiff::Timestamp>,
    /// Looks, tries or answers in a row that brought no progress.
    pub looks: u32,
}

impl Wait {
    /// So many looks in a row without progress are told as an alert.
    pub const ALERT: u32 = 5;

    /// The looks in a row without progress, once they are so many that somebody should know.
    pub fn alert(&self) -> Option<u32> {
        (self.looks >= Self::ALERT).then_some(self.looks)
    }
}

/// For what something waits.
#[derive(Debug, Clone, PartialEq)]
pub enum WaitKind {
    /// No process drives (as far as the journal says; a driver that died has not said so).
    NoDriver,
    /// Drivers took over again and again, and none of them got anything done.
    Restarts {
        /// The newest of them.
        process: String,
    },
    /// A person paused it (or it is pausing: so many clusters are still at work).
    Paused {
        /// Who.
        by: Option<Actor>,
        /// Why.
        reason: Option<String>,
        /// Clusters still at work.
        at_work: u32,
    },
    /// The fleet can't be read or is not believed, so nobody departs and nobody joins.
    Doubted {
        /// Why.
        cause: String,
    },
    /// It halted by itself.
    Halted {
        /// Why.
        cause: HaltCause,
    },
    /// A person stopped the line over all of it, or over some of its clusters.
    Stopped {
        /// Over what.
        scope: StopScope,
        /// Who.
        by: Actor,
        /// Why.
        reason: String,
        /// So many of its clusters are reached and not settled.
        clusters: u32,
        /// Of these, so many whose running step has not ended.
        at_work: u32,
    },
    /// A rollback takes back what it brought.
    RollingBack {
        /// The rollback.
        by: RolloutId,
    },
    /// An abort waits for running steps.
    Aborting {
        /// Who asked.
        by: Option<Actor>,
        /// Clusters still at work.
        at_work: u32,
    },
    /// A gate is not open.
    Gate {
        /// Which side.
        side: Side,
        /// Which gate.
        gate: GateId,
        /// What it asks.
        kind: GateKind,
        /// Its newest answer that still counts; `None` while it is being asked.
        answer: Option<Answer>,
        /// Who revoked last, if nobody approved since.
        revoked: Option<Actor>,
    },
    /// A wave waits for the one before it.
    Earlier {
        /// Which.
        wave: WaveName,
    },
    /// A pool waits for the one before it.
    EarlierPool {
        /// Which.
        pool: PoolName,
    },
    /// Clusters wait for a slot.
    Cap {
        /// The tightest cap.
        cap: CapUse,
        /// Every cap that binds here.
        caps: Vec<CapUse>,
        /// So many wait.
        waiting: u32,
    },
    /// Clusters wait for a slot in their region; a cap of 0 holds all of them.
    Region {
        /// The region.
        region: String,
        /// Its cap.
        cap: CapUse,
        /// So many wait.
        waiting: u32,
    },
    /// As many clusters have started as may within the time of the start rate.
    Rate {
        /// So many may.
        clusters: u32,
        /// Within this time.
        per: Duration,
    },
    /// A cap of 0 holds everything.
    Hold {
        /// The cap.
        cap: CapUse,
        /// So many wait.
        waiting: u32,
    },
    /// Clusters of a pool run hotfixes that the plan lacks, so the pool is not entered.
    MissingHotfix(MissingHotfix),
    /// More clusters are deferred than the wave tolerates.
    DeferredBudget {
        /// So many are.
        deferred: u32,
        /// So many may be.
        budget: u32,
    },
    /// The wave soaks; with what looks say of it, if observed time counts.
    Soak {
        /// How its clusters fare.
        observed: Option<ObservedSoak>,
    },
    /// The wave's clusters are observed once more.
    Verifying {
        /// Which round.
        round: u32,
        /// So many are left.
        left: u32,
    },
    /// The wave's git tag can't be made or pushed; it is tried again.
    Tag {
        /// The newest failure; `None` while the first try runs.
        failed: Option<TagFailure>,
    },
    /// A cluster is blocked until somebody changes something.
    Blocked {
        /// Why.
        reason: BlockReason,
        /// In words.
        cause: String,
        /// Whether it is looked at again before its time, since what it waits for may be there.
        early: bool,
    },
    /// A cluster is left for later.
    Deferred {
        /// Why.
        reason: Deferral,
        /// In words.
        cause: String,
    },
    /// A cluster joined the fleet, and can't be planned.
    Unjoined {
        /// Why not.
        cause: String,
        /// Whether it was tried; otherwise it is the driver's turn.
        tried: bool,
    },
    /// A cluster was left for later, and follows since its wave is over.
    CatchUp {
        /// Why it was left for later; none if it is tried again.
        reason: Option<Deferral>,
        /// In words.
        cause: String,
        /// So many of those that caught up failed.
        failed: u32,
        /// So many may.
        budget: u32,
        /// Whether it is the driver's turn now.
        due: bool,
    },
    /// A person, another rollout or the calendar stands in a cluster's way: it has no slot yet, or it
    /// keeps the one it has and takes no further step.
    InTheWay {
        /// What.
        obstacle: Obstacle,
    },
    /// It is not known what became of a step; a person decides by retry or skip.
    Unknown {
        /// Which step.
        step: Option<StepId>,
        /// What is not known.
        cause: String,
    },
    /// A try failed in a way that may pass; the next one follows.
    Backoff {
        /// The step; `None` for the preflight.
        step: Option<StepId>,
        /// Tries that failed.
        failures: u32,
        /// Why the newest did.
        cause: String,
    },
    /// A preflight or step runs; `until` is a step's deadline.
    AtWork {
        /// The step; `None` for the preflight.
        step: Option<StepId>,
        /// Which try it is.
        tries: u32,
    },
    /// A cluster waits for a slot; the place in its pool's queue, from 1.
    Queue {
        /// Its place.
        place: u32,
    },
}

/// Whether a rollout goes no further by itself.
pub fn rests(rollout: &Rollout) -> bool {
    !rollout.state.is_open() || matches!(rollout.state, RolloutState::Halted { .. }) || rollout.is_through()
}

/// Whether a rollout waits for people or for the calendar alone: for at least one of them, and for
/// nothing else but what stands behind that.
pub fn is_blocked(state: &FleetState, rollout: &Rollout, now: jiff::Timestamp) -> bool {
    blocked(state, rollout, now, &mut Vec::new())
}

/// `asked` are the rollouts whose answer is being worked out: who waits behind another one is blocked
/// only if that one is.
fn blocked<'a>(
    state: &'a FleetState,
    rollout: &'a Rollout,
    now: jiff::Timestamp,
    asked: &mut Vec<&'a RolloutId>,
) -> bool {
    asked.push(&rollout.id);
    let waits = of_rollout(state, rollout, now);
    for wait in &waits {
        if let WaitKind::InTheWay { obstacle: Obstacle::Busy { rollout: ahead, .. } }
        | WaitKind::RollingBack { by: ahead } = &wait.kind
            && let Some(ahead) = state.rollout(ahead).filter(|ahead| !asked.contains(&&ahead.id))
            && !rests(ahead)
            && !blocked(state, ahead, now, asked)
        {
            return false;
        }
    }
    let behind = |kind: &WaitKind| {
        matches!(
            kind,
            WaitKind::Earlier { .. }
                | WaitKind::EarlierPool { .. }
                | WaitKind::Cap { .. }
                | WaitKind::Region { .. }
                | WaitKind::Queue { .. }
                | WaitKind::NoDriver
                | WaitKind::Doubted { .. }
                | WaitKind::Restarts { .. }
        )
    };
    let external = |wait: &Wait| wait.kind.is_external();
    waits.iter().any(external) && waits.iter().all(|wait| external(wait) || behind(&wait.kind))
}

impl WaitKind {
    /// Whether only people or time can end it, so that `--until blocked` need not stay.
    pub fn is_external(&self) -> bool {
        match self {
            Self::Paused { at_work, .. } | Self::Stopped { at_work, .. } => *at_work == 0,
            Self::Halted { .. }
            | Self::RollingBack { .. }
            | Self::Rate { .. }
            | Self::Hold { .. }
            | Self::MissingHotfix(_)
            | Self::DeferredBudget { .. }
            | Self::Soak { .. }
            | Self::InTheWay { .. }
            | Self::Deferred { .. }
            | Self::Unknown { .. } => true,
            Self::Blocked { early, .. } => !early,
            Self::CatchUp { due, .. } => !due,
            Self::Unjoined { tried, .. } => *tried,
            Self::Gate { answer, .. } => answer.is_some(),
            Self::NoDriver
            | Self::Doubted { .. }
            | Self::Restarts { .. }
            | Self::Aborting { .. }
            | Self::Earlier { .. }
            | Self::EarlierPool { .. }
            | Self::Cap { .. }
            | Self::Region { .. }
            | Self::Verifying { .. }
            | Self::Tag { .. }
            | Self::Backoff { .. }
            | Self::AtWork { .. }
            | Self::Queue { .. } => false,
        }
    }
}

/// Everything that waits in the open rollouts, and the clusters that failed with an unknown
/// outcome; rollouts in order, within one from the whole to the single cluster.
pub fn waits(state: &FleetState, now: jiff::Timestamp) -> Vec<Wait> {
    state.open_rollouts().flat_map(|rollout| of_rollout(state, rollout, now)).collect()
}

/// Everything that waits in one rollout.
pub fn of_rollout(state: &FleetState, rollout: &Rollout, now: jiff::Timestamp) -> Vec<Wait> {
    let mut out = Gathered { rollout, outlook: state.outlook(now), waits: Vec::new() };
    if !rollout.state.is_open() {
        if rollout.is_catching_up() {
            out.unjoined(state);
            out.awaited(state);
            out.late(state, now);
        }
        return out.waits;
    }
    if state.driver.is_none() {
        out.push(None, WaitKind::NoDriver, rollout.since, None);
    }
    if let Some(driver) = state.driver.as_ref().filter(|_| state.fruitless >= Wait::ALERT) {
        out.push(None, WaitKind::Restarts { process: driver.process.clone() }, driver.since, None);
        out.looks(state.fruitless);
    }
    let at_work = rollout.at_work(state, now);
    let by = rollout.asked.as_ref().map(|(actor, _)| actor.clone());
    match &rollout.state {
        RolloutState::Pausing | RolloutState::Paused => {
            let reason = rollout.asked.as_ref().and_then(|(_, reason)| reason.clone());
            out.push(None, WaitKind::Paused { by, reason, at_work }, rollout.since, None);
        }
        RolloutState::Halted { wave, cause } => {
            out.push(Some(wave), WaitKind::Halted { cause: cause.clone() }, rollout.since, None);
        }
        RolloutState::Aborting => {
            out.push(None, WaitKind::Aborting { by, at_work }, rollout.since, None);
        }
        _ => {}
    }
    // Whatever it would have waited for waits for the rollback.
    if let RolloutState::RollingBack { by } = &rollout.state {
        out.push(None, WaitKind::RollingBack { by: by.clone() }, rollout.since, None);
        return out.waits;
    }
    stopped(state, &mut out, now);
    out.unjoined(state);
    if let Some(doubt) = state.doubt() {
        out.push(None, WaitKind::Doubted { cause: doubt.cause.clone() }, doubt.since, None);
    }
    let mut before: Option<&WaveName> = None;
    for (planned, wave) in rollout.waves() {
        of_wave(state, planned, wave, before, now, &mut out);
        if !wave.phase.is_over() {
            before = before.or(Some(&planned.name));
        }
    }
    for (planned_wave, _, planned, cluster) in rollout.clusters() {
        let attempt = &cluster.attempt;
        let interesting = matches!(
            attempt.state.class(),
            Class::Active | Class::Unknown | Class::Blocked | Class::Postponed | Class::Deferred
        );
        // A half-updated cluster that is held waits without being left for later.
        let pending = attempt.state.class() == Class::Pending;
        let stays = pending && cluster.half_updated();
        // Nor does one that is tried again, once too many have failed who follow.
        let late = pending && waits_late::starts_no_more(rollout, cluster);
        let kept = || state.hold_against(planned, now).is_some() || state.is_hibernated(&planned.name);
        if interesting || late || (stays && kept()) {
            out.cluster(state, &planned_wave.name, &planned.name, now);
        }
    }
    out.waits
}

/// The stop-the-lines that reach a rollout.
fn stopped(state: &FleetState, out: &mut Gathered<'_>, now: jiff::Timestamp) {
    for (scope, stop) in state.stops() {
        let rollout = out.rollout;
        let reached = |labels| state.stops_over(rollout, labels).any(|(reaching, _)| reaching == scope);
        let (mut clusters, mut at_work) = (0, 0);
        for (_, _, planned, cluster) in out.rollout.clusters() {
            if !cluster.attempt.state.is_settled() && reached(&planned.labels) {
                clusters += 1;
                at_work += u32::from(moves(&out.outlook, out.rollout, planned, cluster, state.fence, now));
            }
        }
        if clusters > 0 {
            let (by, reason) = (stop.by.clone(), stop.reason.clone());
            let kind = WaitKind::Stopped { scope: scope.clone(), by, reason, clusters, at_work };
            out.push(None, kind, stop.since, None);
        }
    }
}

/// Whether a cluster is at work and not kept back between two steps.
fn moves(
    outlook: &Outlook<'_>,
    rollout: &Rollout,
    planned: &PlannedCluster,
    cluster: &Cluster,
    fence: u64,
    now: jiff::Timestamp,
) -> bool {
    let in_its_way = || outlook.interruption(rollout, planned);
    let leaves = rollout.by_name.get(&planned.name).is_some_and(|index| rollout.leaves(*index));
    cluster.attempt.state.class() == Class::Active
        && next(
            &cluster.attempt,
            rollout.limit_at(planned),
            going(rollout, leaves, in_its_way().as_ref()),
            fence,
            now,
        ) != Next::Kept
}

impl Rollout {
    /// How many of its clusters are at work, apart from those that keep their slot and wait between
    /// two steps for a stopped line or a closed window.
    pub fn at_work(&self, state: &FleetState, now: jiff::Timestamp) -> u32 {
        let kept = self.ready.len() - self.moving(state, now).count();
        self.counts.of(Class::Active).saturating_sub(count(kept))
    }

    /// Whether any of its clusters is at work, as [`Rollout::at_work`] counts them; the first is enough.
    pub fn is_at_work(&self, state: &FleetState, now: jiff::Timestamp) -> bool {
        self.counts.of(Class::Active) > count(self.ready.len()) || self.moving(state, now).next().is_some()
    }

    /// Which of its clusters that something is to be done for, or done with, are not kept back.
    fn moving(&self, state: &FleetState, now: jiff::Timestamp) -> impl Iterator<Item = usize> {
        let outlook = state.outlook(now);
        self.ready.iter().copied().filter(move |index| {
            let found = self.planned_cluster(*index).zip(self.clusters.get(*index));
            found.is_none_or(|(planned, cluster)| moves(&outlook, self, planned, cluster, state.fence, now))
        })
    }
}

/// Everything for which one cluster of a rollout waits, nearest cause first.
pub fn waits_of(
    state: &FleetState,
    rollout: &Rollout,
    name: &ClusterName,
    now: jiff::Timestamp,
) -> Vec<Wait> {
    let mut out = Gathered { rollout, outlook: state.outlook(now), waits: Vec::new() };
    let (Some((planned, _, _)), Some(cluster)) = (rollout.plan.cluster(name), rollout.cluster(name)) else {
        return Vec::new();
    };
    out.cluster(state, &planned.name, name, now);
    let pending = cluster.attempt.state.class() == Class::Pending;
    if pending {
        let queue = rollout.waves.get(cluster.wave).and_then(|w| w.pools.get(cluster.pool));
        let place = queue.and_then(|pool| {
            let mut queue = pool.queue();
            queue.position(|index| rollout.planned_cluster(index).is_some_and(|c| &c.name == name))
        });
        let kind = WaitKind::Queue { place: count(place.unwrap_or(0)) + 1 };
        out.push_at(&planned.name, name, kind, cluster.attempt.since, None);
    }
    if pending || cluster.attempt.parked.is_some() {
        let wave = &planned.name;
        let pool = planned.pools.get(cluster.pool).map(|p| &p.name);
        let around = of_rollout(state, rollout, now);
        out.waits.extend(around.into_iter().filter(|w| {
            w.cluster.is_none()
                && w.wave.as_ref().is_none_or(|at| at == wave)
                && (w.pool.is_none() || w.pool.as_ref() == pool)
        }));
    }
    out.waits
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

struct Gathered<'a> {
    rollout: &'a Rollout,
    outlook: Outlook<'a>,
    waits: Vec<Wait>,
}

impl Gathered<'_> {
    fn push(
        &mut self,
        wave: Option<&WaveName>,
        kind: WaitKind,
        since: jiff::Timestamp,
        until: Option<jiff::Timestamp>,
    ) {
        self.waits.push(Wait {
            rollout: self.rollout.id.clone(),
            wave: wave.cloned(),
            pool: None,
            cluster: None,
            kind,
            since,
            until,
            looks: 0,
        });
    }

    /// How often in a row what was pushed last was looked at without progress.
    fn looks(&mut self, looks: u32) {
        if let Some(wait) = self.waits.last_mut() {
            wait.looks = looks;
        }
    }

    fn push_at(
        &mut self,
        wave: &WaveName,
        cluster: &ClusterName,
        kind: WaitKind,
        since: jiff::Timestamp,
        until: Option<jiff::Timestamp>,
    ) {
        self.push(Some(wave), kind, since, until);
        if let Some(wait) = self.waits.last_mut() {
            wait.cluster = Some(cluster.clone());
        }
    }

    /// For what an attempt that is neither pending nor settled waits.
    fn cluster(&mut self, state: &FleetState, wave: &WaveName, name: &ClusterName, now: jiff::Timestamp) {
        let Some(cluster) = self.rollout.cluster(name) else { return };
        let attempt = &cluster.attempt;
        let cause = attempt.cause.clone().unwrap_or_default();
        let recheck = attempt.due;
        let planned = self.rollout.by_name.get(name).and_then(|i| self.rollout.planned_cluster(*i));
        let goes = self.rollout.state == RolloutState::Running || self.rollout.is_catching_up();
        let index = self.rollout.by_name.get(name).copied();
        let stopped = waits_late::starts_no_more(self.rollout, cluster);
        let is_entry = goes && (stopped || index.is_some_and(|index| self.rollout.is_entry(index)));
        if let Some(planned) = planned.filter(|_| is_entry) {
            let found = waits_late::entry(&self.outlook, self.rollout, planned, cluster, now);
            if let Some((kind, until)) = found {
                self.push_at(wave, name, kind, attempt.since, until);
                return;
            }
        }
        let obstacle = planned.and_then(|planned| self.outlook.obstacle(self.rollout, planned));
        let (kind, until) = match (&attempt.state, obstacle) {
            (AttemptState::Deferred(_), Some(obstacle)) if attempt.parked.is_some() => {
                let until = obstacle.until();
                (WaitKind::InTheWay { obstacle }, until)
            }
            (AttemptState::Pending, Some(obstacle)) => {
                let until = obstacle.until();
                (WaitKind::InTheWay { obstacle }, until)
            }
            // What stood against it is over; its pool waits, and says for what.
            (AttemptState::Deferred(_), None)
                if attempt.parked.is_some() && self.kept_out(state, cluster) =>
            {
                return;
            }
            (AttemptState::Blocked(reason), _) => {
                let early = attempt.early.is_some();
                (WaitKind::Blocked { reason: *reason, cause, early }, recheck)
            }
            (AttemptState::Deferred(reason), _) => {
                let until = recheck.filter(|_| attempt.state.class() == Class::Postponed);
                (WaitKind::Deferred { reason: *reason, cause }, until)
            }
            (AttemptState::Failed(Failure::Unknown), _) => {
                (WaitKind::Unknown { step: attempt.failed_step.clone(), cause }, None)
            }
            (active, _) if active.class() == Class::Active => {
                let in_its_way = planned.and_then(|p| self.outlook.interruption(self.rollout, p));
                let leaves = self.rollout.by_name.get(name).is_some_and(|index| self.rollout.leaves(*index));
                let going = going(self.rollout, leaves, in_its_way.as_ref());
                let at = attempt.current_step();
                let step = at.map(|s| s.step.id.clone());
                let limit = planned.and_then(|planned| self.rollout.limit_at(planned));
                match (next(attempt, limit, going, state.fence, now), in_its_way) {
                    (Next::Kept, Some(obstacle)) => {
                        let until = obstacle.until();
                        (WaitKind::InTheWay { obstacle }, until)
                    }
                    (Next::Wait(until), _) => {
                        let failures = at.map_or(attempt.preflight_failures, |s| s.failures);
                        (WaitKind::Backoff { step, failures, cause }, Some(until))
                    }
                    _ => {
                        let tries = at.map_or(attempt.preflights + 1, |s| s.tries.max(1));
                        (WaitKind::AtWork { step, tries }, attempt.step_deadline(limit))
                    }
                }
            }
            _ => return,
        };
        let looks = match &kind {
            WaitKind::Blocked { .. } => attempt.blocked_looks,
            WaitKind::Backoff { failures, .. } => *failures,
            WaitKind::AtWork { .. } => {
                attempt.current_step().map_or(attempt.preflight_failures, |s| s.failures)
            }
            _ => 0,
        };
        self.push_at(wave, name, kind, attempt.since, until);
        self.looks(looks);
    }
}

impl Gathered<'_> {
    /// Who joined and can't be planned.
    fn unjoined(&mut self, state: &FleetState) {
        let rollout = self.rollout;
        for cluster in state.joiners_of(rollout) {
            match rollout.unjoined.get(cluster) {
                Some(why) => {
                    let kind = WaitKind::Unjoined { cause: why.cause.clone(), tried: why.tries > 0 };
                    self.push(None, kind, why.at, why.due());
                }
                None => {
                    let since = state.membership().map_or(rollout.since, |known| known.at);
                    let cause = "nobody has looked at it yet".to_owned();
                    self.push(None, WaitKind::Unjoined { cause, tried: false }, since, None);
                }
            }
            if let Some(wait) = self.waits.last_mut() {
                wait.cluster = Some(cluster.clone());
            }
        }
    }

    /// Who was never reached at planning, and is all that is left.
    fn awaited(&mut self, state: &FleetState) {
        let rollout = self.rollout;
        for cluster in state.awaited(rollout) {
            let cause = if state.is_hibernated(cluster) {
                Obstacle::Hibernated.to_string()
            } else {
                "never reached when the plan was made".to_owned()
            };
            self.push(None, WaitKind::Unjoined { cause, tried: true }, rollout.since, None);
            if let Some(wait) = self.waits.last_mut() {
                wait.cluster = Some(cluster.clone());
            }
        }
    }

    /// What is left of a rollout whose waves are over.
    fn late(&mut self, state: &FleetState, now: jiff::Timestamp) {
        let rollout = self.rollout;
        for (planned, wave) in rollout.waves() {
            self.late_gates(planned, wave, now);
        }
        for index in rollout.entries() {
            let wave = rollout.clusters.get(index).and_then(|c| rollout.plan.waves.get(c.wave));
            if let Some((wave, planned)) = wave.zip(rollout.planned_cluster(index)) {
                self.cluster(state, &wave.name, &planned.name, now);
            }
        }
    }

    /// Who has yet to be looked at, and was switched off on purpose.
    fn asleep(
        &mut self,
        state: &FleetState,
        wave: &PlannedWave,
        since: jiff::Timestamp,
        awaited: impl Iterator<Item = usize>,
    ) {
        for planned in awaited.filter_map(|index| self.rollout.planned_cluster(index)) {
            if state.is_hibernated(&planned.name) {
                let kind = WaitKind::InTheWay { obstacle: Obstacle::Hibernated };
                self.push_at(&wave.name, &planned.name, kind, since, None);
            }
        }
    }

    /// The gates of a wave that is over, as far as somebody has to come through them.
    fn late_gates(&mut self, planned: &PlannedWave, wave: &Wave, now: jiff::Timestamp) {
        for (gate, answer, revoked) in waits_late::gates(self.rollout, planned, wave, now) {
            let until = answer.as_ref().and_then(|a| a.expires);
            let (side, kind, gate) = (Side::Before, gate.kind.clone(), gate.id.clone());
            let kind = WaitKind::Gate { side, gate, kind, answer, revoked };
            self.push(Some(&planned.name), kind, wave.since, until);
        }
    }

    /// Whether the pool of a cluster is not entered because of a hotfix.
    fn kept_out(&self, state: &FleetState, cluster: &Cluster) -> bool {
        let pool = self.rollout.waves.get(cluster.wave).and_then(|wave| wave.pools.get(cluster.pool));
        pool.is_some_and(|pool| missing_hotfix(state, self.rollout, pool).is_some())
    }
}

fn of_wave(
    state: &FleetState,
    planned: &PlannedWave,
    wave: &Wave,
    before: Option<&WaveName>,
    now: jiff::Timestamp,
    out: &mut Gathered<'_>,
) {
    let name = Some(&planned.name);
    match wave.phase {
        WavePhase::Waiting => {
            if let Some(earlier) = before {
                out.push(name, WaitKind::Earlier { wave: earlier.clone() }, wave.since, None);
            }
        }
        WavePhase::GatesBefore => of_gates(planned, wave, Side::Before, now, out),
        WavePhase::Rolling | WavePhase::Done => {
            if wave.begins() {
                of_gates(planned, wave, Side::Before, now, out);
            }
            of_pools(state, planned, wave, now, out);
            out.late_gates(planned, wave, now);
        }
        WavePhase::Verifying { round } => {
            let left = count(wave.to_verify.len());
            out.push(name, WaitKind::Verifying { round, left }, wave.since, None);
            out.asleep(state, planned, wave.since, wave.to_verify.iter().copied());
        }
        WavePhase::Soaking => {
            of_pools(state, planned, wave, now, out);
            if let Some(outlook) = out.rollout.soak_outlook(planned, wave, now) {
                let observed = outlook.observed;
                let looks = observed.iter().flat_map(|o| &o.ill).map(|(_, _, looks)| *looks).max();
                out.push(name, WaitKind::Soak { observed }, wave.since, Some(outlook.ends));
                out.looks(looks.unwrap_or(0));
            }
            out.asleep(state, planned, wave.since, wave.soaking.awaited());
        }
        // Tests that run again come before its gates and its tag.
        WavePhase::GatesAfter if !wave.is_complete(planned) => of_pools(state, planned, wave, now, out),
        WavePhase::GatesAfter => {
            let before = out.waits.len();
            of_gates(planned, wave, Side::After, now, out);
            // Behind a gate that is not open the tag is nobody's turn yet.
            if out.waits.len() > before {
                return;
            }
            let pushes = out.rollout.plan.pipeline.tags.push == Push::Required && wave.tag.pushed.is_none();
            if wave.tag.made.is_none() || pushes {
                let failed = wave.tag.failed.clone();
                let until = failed.as_ref().map(|f| f.due(out.rollout.plan.pipeline.tags.push));
                let tries = failed.as_ref().map_or(0, |failed| failed.tries);
                out.push(name, WaitKind::Tag { failed }, wave.since, until);
                out.looks(tries);
            }
        }
        WavePhase::Skipped => {}
    }
}

fn of_gates(planned: &PlannedWave, wave: &Wave, side: Side, now: jiff::Timestamp, out: &mut Gathered<'_>) {
    let Some(index) = out.rollout.by_wave.get(&planned.name).copied() else { return };
    let mark = out.rollout.evidence_mark(index, side);
    let asked = out.rollout.gates(&planned.name, side, now).ask;
    for gate in gates::planned(planned, side) {
        let known = wave.gates.get(&(side, gate.id.clone()));
        let answer = known.and_then(|g| g.valid(mark, now));
        let open =
            answer.is_some_and(|a| a.open) || out.rollout.is_overridden(&Override::Gate(gate.id.clone()));
        // A dear gate behind a cheaper one that is not open is not asked yet: that one waits.
        if open || (answer.is_none() && !asked.contains(&gate.id)) {
            continue;
        }
        let kind = WaitKind::Gate {
            side,
            gate: gate.id.clone(),
            kind: gate.kind.clone(),
            answer: answer.cloned(),
            revoked: known.and_then(|g| g.revoked.as_ref()).map(|(actor, _, _)| actor.clone()),
        };
        // People are not looked at: they are reminded.
        let machine = !matches!(gate.kind, GateKind::Approval { .. });
        out.push(Some(&planned.name), kind, wave.since, answer.and_then(|a| a.expires));
        out.looks(known.filter(|_| machine).map_or(0, |g| g.noes));
    }
}

fn of_pools(
    state: &FleetState,
    planned: &PlannedWave,
    wave: &Wave,
    now: jiff::Timestamp,
    out: &mut Gathered<'_>,
) {
    let deferred = wave.counts.of(Class::Deferred);
    if deferred > planned.deferred_budget && wave.phase == WavePhase::Rolling {
        let kind = WaitKind::DeferredBudget { deferred, budget: planned.deferred_budget };
        out.push(Some(&planned.name), kind, wave.since, None);
    }
    let mut open: Option<&PoolName> = None;
    let mut earlier_deferred = 0;
    for (planned_pool, pool) in planned.pools.iter().zip(&wave.pools) {
        // Who is looked at again needs a slot for that, too.
        let due = count(pool.rechecks.range(..=(now, usize::MAX)).count());
        let waiting = pool.everybody().of(Class::Pending) + due;
        let missing = match open {
            None => missing_hotfix(state, out.rollout, pool).map(WaitKind::MissingHotfix),
            Some(_) => None,
        };
        let kind = match (open, waiting) {
            _ if missing.is_some() => missing,
            (_, 0) => None,
            (Some(earlier), _) => Some(WaitKind::EarlierPool { pool: earlier.clone() }),
            (None, _) => {
                let caps = caps(state, (planned, planned_pool), wave, pool);
                // Of caps equally tight the widest scope is named: it holds more back.
                let tightest = caps.iter().copied().min_by_key(|c| (c.free(), c.scope));
                let full = tightest.filter(|c| c.free() == 0).map(|cap| match cap.cap {
                    0 => WaitKind::Hold { cap, waiting },
                    _ => WaitKind::Cap { cap, caps, waiting },
                });
                if full.is_none() {
                    of_pace(state, planned, (planned_pool, pool), wave.since, now, out);
                }
                full
            }
        };
        if let Some(kind) = kind {
            out.push(Some(&planned.name), kind, wave.since, None);
            if let Some(wait) = out.waits.last_mut() {
                wait.pool = Some(planned_pool.name.clone());
            }
        }
        earlier_deferred += pool.counts.of(Class::Deferred);
        if pool.counts.unsettled() > 0 || earlier_deferred > planned.deferred_budget {
            open = open.or(Some(&planned_pool.name));
        }
    }
}

/// What keeps clusters of a pool that has free slots from starting: their regions, the start rate.
fn of_pace(
    state: &FleetState,
    planned: &PlannedWave,
    (planned_pool, pool): (&PlannedPool, &Pool),
    since: jiff::Timestamp,
    now: jiff::Timestamp,
    out: &mut Gathered<'_>,
) {
    let mut found: Vec<(WaitKind, Option<jiff::Timestamp>)> = Vec::new();
    let regions = out.rollout.plan.pipeline.regions.is_empty();
    if !regions || state.open_rollouts().count() > 1 {
        let mut full: BTreeMap<&str, (CapUse, u32)> = BTreeMap::new();
        for cluster in pool.queue().filter_map(|index| out.rollout.planned_cluster(index)) {
            let Some(region) = cluster.labels.get(REGION) else { continue };
            match full.get_mut(region.as_str()) {
                Some((_, waiting)) => *waiting += 1,
                None => {
                    if let Some(cap) = state.region(cluster) {
                        full.insert(region, (cap, 1));
                    }
                }
            }
        }
        for (region, (cap, waiting)) in full.into_iter().filter(|(_, (cap, _))| cap.free() == 0) {
            found.push((WaitKind::Region { region: region.to_owned(), cap, waiting }, None));
        }
    }
    if let Some((0, next)) = state.may_start(now)
        && let Some(rate) = state.rates().min_by_key(|rate| rate.clusters)
    {
        found.push((WaitKind::Rate { clusters: rate.clusters, per: rate.per }, next));
    }
    for (kind, until) in found {
        out.push(Some(&planned.name), kind, since, until);
        if let Some(wait) = out.waits.last_mut() {
            wait.pool = Some(planned_pool.name.clone());
        }
    }
}
