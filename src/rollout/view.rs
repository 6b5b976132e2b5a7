//! Read access to the state: what screens, explanations and the engine look at. It computes
//! nothing that is not a count, a place or a moment of the state itself.

use std::sync::Arc;

use super::attempt::{Attempt, AttemptState, Class, Counts, Tests};
use super::gates::GateState;
use super::state::{
    Cluster, Driver, FleetState, Pool, Rollout, RolloutState, Seen, Tagging, Wave, WavePhase, WaveState,
};
use crate::digest::Digest;
use crate::journal::{AttemptId, Side};
use crate::model::{Actor, ClusterName, ClusterUid, GateId, ReleaseId, RolloutId, WaveName};
use crate::plan::{Plan, PlannedCluster, PlannedPool, PlannedWave};

impl FleetState {
    /// Nothing has happened yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The journal's UUID, once it began.
    pub fn journal(&self) -> Option<uuid::Uuid> {
        self.journal
    }

    /// The position of the last event folded in.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// The fence of the newest driver; 0 when there never was one.
    pub fn fence(&self) -> u64 {
        self.fence
    }

    /// The driver that took over last and did not release; whether it lives is for the lease to say.
    pub fn driver(&self) -> Option<&Driver> {
        self.driver.as_ref()
    }

    /// Every rollout, oldest first.
    pub fn rollouts(&self) -> impl DoubleEndedIterator<Item = &Rollout> {
        self.rollouts.iter()
    }

    /// Every open rollout, oldest first.
    pub fn open_rollouts(&self) -> impl Iterator<Item = &Rollout> {
        self.open.iter().filter_map(|i| self.rollouts.get(*i))
    }

    /// The rollout with this id.
    pub fn rollout(&self, id: &RolloutId) -> Option<&Rollout> {
        self.rollouts.get(*self.by_id.get(id)?)
    }

    /// The rollout meant by a rollout id, or the newest of the release with this id.
    pub fn find(&self, name: &str) -> Option<&Rollout> {
        self.rollouts
            .iter()
            .find(|r| r.id.as_str() == name)
            .or_else(|| self.rollouts.iter().rev().find(|r| r.plan.release.id.as_str() == name))
    }

    /// The number that the next rollout of a release gets: above that of every one that is known,
    /// those of lost journals included, as far as clusters' records name them.
    pub fn next_number(&self, release: &ReleaseId) -> u32 {
        let own = self.rollouts.iter().filter(|r| &r.plan.release.id == release);
        let known = own.map(|r| &r.id).chain(&self.elsewhere).filter_map(|id| id.number(release));
        known.max().unwrap_or(0).saturating_add(1)
    }

    /// Whether nothing was rolled out yet: there is no rollout, and never was a driver. Clusters may
    /// have been seen, adopted and held, and the line may be stopped.
    pub fn is_new(&self) -> bool {
        self.rollouts.is_empty() && self.fence == 0
    }

    /// What was last seen of a cluster.
    pub fn seen(&self, cluster: &ClusterName) -> Option<&Seen> {
        self.seen.get(cluster)
    }

    /// The names under which a cluster was last seen; more than one is a mistake of the fleet's.
    pub fn seen_as(&self, uid: &ClusterUid) -> impl Iterator<Item = &ClusterName> {
        let is = move |seen: &&Seen| seen.observed.as_ref().is_some_and(|observed| observed.uid == *uid);
        self.seen.iter().filter(move |(_, seen)| is(seen)).map(|(name, _)| name)
    }

    /// When an attempt last succeeded on a cluster.
    pub fn applied_at(&self, uid: &ClusterUid) -> Option<jiff::Timestamp> {
        self.applied.get(uid).and_then(|history| history.last()).map(|(_, at)| *at)
    }

    /// The open rollout that holds a slot on this cluster.
    pub fn claimed_by(&self, uid: &ClusterUid) -> Option<&RolloutId> {
        self.claims.get(uid)
    }

    /// Clusters at work, or held with an unknown outcome, over all open rollouts.
    pub fn in_flight(&self) -> u32 {
        self.open_rollouts().map(|r| r.counts.in_flight()).sum()
    }

    /// The cap over all rollouts, and whose plan says so: the least of those of the open ones.
    pub fn global_cap(&self) -> Option<(u32, &RolloutId)> {
        self.open_rollouts().filter_map(|r| r.plan.pipeline.at_once.map(|cap| (cap, &r.id))).min()
    }
}

impl Rollout {
    /// Its id.
    pub fn id(&self) -> &RolloutId {
        &self.id
    }

    /// Its plan.
    pub fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    /// Its state.
    pub fn state(&self) -> &RolloutState {
        &self.state
    }

    /// Since when it is in that state.
    pub fn since(&self) -> jiff::Timestamp {
        self.since
    }

    /// When it was started, and by whom.
    pub fn planned(&self) -> (jiff::Timestamp, &Actor) {
        (self.planned.0, &self.planned.1)
    }

    /// Who brought it into its state by a command and why, if a person did.
    pub fn asked(&self) -> Option<(&Actor, Option<&str>)> {
        self.asked.as_ref().map(|(actor, reason)| (actor, reason.as_deref()))
    }

    /// How many of its clusters are in which class.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Its waves with their plans, in order.
    pub fn waves(&self) -> impl DoubleEndedIterator<Item = (&PlannedWave, &Wave)> {
        self.plan.waves.iter().zip(&self.waves)
    }

    /// The wave of this name.
    pub fn wave(&self, name: &WaveName) -> Option<(&PlannedWave, &Wave)> {
        let index = *self.by_wave.get(name)?;
        Some((self.plan.waves.get(index)?, self.waves.get(index)?))
    }

    /// Where a wave stands, as people see it.
    pub fn wave_state(&self, name: &WaveName) -> Option<WaveState> {
        let (_, wave) = self.wave(name)?;
        Some(match &self.state {
            RolloutState::Halted { wave: halted, .. } if halted == name => WaveState::Halted,
            RolloutState::RolledBack { .. } if wave.opened_at.is_none() => WaveState::NotStarted,
            RolloutState::RolledBack { .. } => WaveState::RolledBack,
            RolloutState::RollingBack { .. } if wave.opened_at.is_some() => WaveState::RollingBack,
            _ if wave.phase.is_over() => WaveState::At(wave.phase),
            RolloutState::Aborted | RolloutState::Superseded { .. } if wave.opened_at.is_none() => {
                WaveState::NotStarted
            }
            RolloutState::Aborted | RolloutState::Superseded { .. } => WaveState::Aborted,
            _ if wave.phase == WavePhase::Waiting => WaveState::At(wave.phase),
            RolloutState::Halted { .. } => WaveState::Halted,
            RolloutState::Pausing => WaveState::Pausing,
            RolloutState::Paused => WaveState::Paused,
            RolloutState::Aborting => WaveState::Aborting,
            RolloutState::Planned
            | RolloutState::Running
            | RolloutState::RollingBack { .. }
            | RolloutState::Succeeded
            | RolloutState::SucceededWithFailures => WaveState::At(wave.phase),
        })
    }

    /// The first wave that is neither done nor skipped, by its place.
    pub fn current_wave(&self) -> Option<usize> {
        self.waves.iter().position(|w| !w.phase.is_over())
    }

    /// The pools of a wave with their plans, in order.
    pub fn pools(&self, wave: &WaveName) -> impl Iterator<Item = (&PlannedPool, &Pool)> {
        self.wave(wave).into_iter().flat_map(|(planned, state)| planned.pools.iter().zip(&state.pools))
    }

    /// The state of a cluster.
    pub fn cluster(&self, name: &ClusterName) -> Option<&Cluster> {
        self.clusters.get(*self.by_name.get(name)?)
    }

    /// A cluster by its identity, with its plan.
    pub fn member(&self, uid: &ClusterUid) -> Option<(&PlannedCluster, &Cluster)> {
        let index = *self.by_uid.get(uid)?;
        Some((self.planned_cluster(index)?, self.clusters.get(index)?))
    }

    /// The id of a cluster's newest attempt.
    pub(super) fn newest_id(&self, planned: &PlannedCluster, cluster: &Cluster) -> AttemptId {
        AttemptId { rollout: self.id.clone(), cluster: planned.name.clone(), attempt: cluster.attempt.number }
    }

    /// Every cluster with its plan, in plan order.
    pub fn clusters(&self) -> impl Iterator<Item = (&PlannedWave, &PlannedPool, &PlannedCluster, &Cluster)> {
        // Who joined stands in its pool, and came last.
        let known = |name: &ClusterName| self.clusters.get(*self.by_name.get(name)?);
        self.plan.clusters().filter_map(move |(w, p, c)| Some((w, p, c, known(&c.name)?)))
    }

    /// The plan of the cluster at an index of `clusters`.
    pub(super) fn planned_cluster(&self, index: usize) -> Option<&PlannedCluster> {
        let cluster = self.clusters.get(index)?;
        self.plan.waves.get(cluster.wave)?.pools.get(cluster.pool)?.clusters.get(cluster.place)
    }

    /// The wave in which more clusters failed than its budget tolerates, with both numbers.
    pub fn over_budget(&self) -> Option<(&WaveName, u32, u32)> {
        self.waves()
            .find(|(_, w)| w.counts.failures() > w.failure_budget)
            .map(|(planned, w)| (&planned.name, w.counts.failures(), w.failure_budget))
    }
}

impl WavePhase {
    /// Whether tests may run again in it: nothing of it is being judged right now.
    pub fn tests_again(self) -> bool {
        matches!(self, Self::Rolling | Self::Soaking | Self::GatesAfter | Self::Done)
    }

    /// Whether an attempt may get a slot in it.
    pub(super) fn may_claim(self, attempt: &Attempt) -> bool {
        matches!(self, Self::Rolling | Self::Done) || (attempt.tests == Tests::Only && self.tests_again())
    }

    /// Whether the next wave may start.
    pub fn is_over(self) -> bool {
        matches!(self, Self::Done | Self::Skipped)
    }
}

impl Wave {
    /// Where it stands.
    pub fn phase(&self) -> WavePhase {
        self.phase
    }

    /// Since when.
    pub fn since(&self) -> jiff::Timestamp {
        self.since
    }

    /// How many of its clusters are in which class.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// How many of those that catch up are in which class; they are not among the counts of the wave.
    pub fn late(&self) -> &Counts {
        &self.late
    }

    /// All its clusters, whether they came in time or catch up.
    pub fn everybody(&self) -> Counts {
        self.counts.and(&self.late)
    }

    /// The failure budget in force.
    pub fn failure_budget(&self) -> u32 {
        self.failure_budget
    }

    /// When its gates opened; `None` while nothing of it was touched.
    pub fn opened_at(&self) -> Option<jiff::Timestamp> {
        self.opened_at
    }

    /// When its first verification ended: the start of its soak.
    pub fn verified_at(&self) -> Option<jiff::Timestamp> {
        self.verified_at
    }

    /// When it was done.
    pub fn done_at(&self) -> Option<jiff::Timestamp> {
        self.done_at
    }

    /// Whether any of its clusters ever got a slot.
    pub fn begun(&self) -> bool {
        self.begun
    }

    /// Whether a first cluster of it may start as soon as its gates are open: they are asked, and
    /// asked again when an answer has expired, until then. A wave can be done without any cluster of
    /// it having started (all were skipped); a retry then begins it.
    pub fn begins(&self) -> bool {
        let left = self.counts.of(Class::Pending) + self.counts.of(Class::Postponed);
        // What a hold kept away starts by itself only while the wave still rolls.
        let startable = match self.phase {
            WavePhase::Rolling => left + self.counts.of(Class::Deferred),
            WavePhase::Done => left,
            _ => 0,
        };
        !self.begun && startable > 0
    }

    /// Why it was skipped, if it was.
    pub fn skipped(&self) -> Option<&str> {
        self.skipped.as_deref()
    }

    /// How many tries at tests ran in it.
    pub fn tests_run(&self) -> u64 {
        self.tests_run
    }

    /// A gate's answers and approvals.
    pub fn gate(&self, side: Side, gate: &GateId) -> Option<&GateState> {
        self.gates.get(&(side, gate.clone()))
    }

    /// What became of its tag.
    pub fn tag(&self) -> &Tagging {
        &self.tag
    }

    /// When its soak by the wall clock ends, while it soaks.
    pub fn soaks_until(&self, planned: &PlannedWave) -> Option<jiff::Timestamp> {
        let soak = planned.soak.as_ref().filter(|_| self.phase == WavePhase::Soaking)?;
        Some(soak.length.after(self.verified_at?))
    }

    /// Whether every planned cluster is settled within the budgets (design, section 7: *complete*).
    pub fn is_complete(&self, planned: &PlannedWave) -> bool {
        self.counts.unsettled() == 0 && self.within_budgets(planned)
    }

    /// Whether neither budget is exceeded.
    pub fn within_budgets(&self, planned: &PlannedWave) -> bool {
        self.counts.failures() <= self.failure_budget
            && self.counts.of(Class::Deferred) <= planned.deferred_budget
    }
}

impl Pool {
    /// How many of its clusters are in which class.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// All its clusters, whether they came in time or catch up.
    pub fn everybody(&self) -> Counts {
        self.counts.and(&self.late)
    }

    pub(super) fn in_flight(&self) -> u32 {
        self.counts.in_flight() + self.late.in_flight()
    }

    /// The clusters that wait for a slot, in the order in which they will get one.
    pub(super) fn queue(&self) -> impl Iterator<Item = usize> {
        self.pending.iter().map(|(_, index)| *index)
    }
}

impl Cluster {
    /// Whether it got its slot after its wave was done.
    pub fn is_late(&self) -> bool {
        self.late
    }

    /// Whether it joined while the rollout ran.
    pub fn has_joined(&self) -> bool {
        self.joined
    }

    /// Its newest attempt.
    pub fn attempt(&self) -> &Attempt {
        &self.attempt
    }

    /// The attempts before it, oldest first.
    pub fn earlier(&self) -> &[Attempt] {
        &self.earlier
    }

    /// The newest attempt's state.
    pub fn state(&self) -> &AttemptState {
        &self.attempt.state
    }
}

/// The digests of a rollout's waves, for approvals.
impl Rollout {
    /// The release digest and the digest of a wave: what an approval binds to.
    pub fn bindings(&self, wave: &WaveName) -> Option<(Digest, Digest)> {
        self.wave(wave).map(|(planned, _)| (self.plan.release.digest, planned.digest))
    }
}
