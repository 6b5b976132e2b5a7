//! What is known about all rollouts: plain data, with an index of who waits, who is at work and
//! who is settled, so that the next effects are found without looking at every cluster. How
//! events change it is for `fold`; what follows from it for `effects`, `waits` and `admit`.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::attempt::{Attempt, AttemptState, Class, Counts};
use super::gates::GateState;
use crate::digest::Digest;
use crate::journal::{Ending, HaltCause, Side};
use crate::model::{Actor, ClusterName, ClusterUid, GateId, Observed, ReleaseId, RolloutId, WaveName};
use crate::plan::{Plan, PlannedCluster, PlannedPool, PlannedWave};

/// Everything that the events of a journal say, folded together.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FleetState {
    pub(super) journal: Option<uuid::Uuid>,
    pub(super) position: u64,
    pub(super) at: Option<jiff::Timestamp>,
    pub(super) fence: u64,
    pub(super) driver: Option<Driver>,
    pub(super) seen: BTreeMap<ClusterName, Seen>,
    pub(super) rollouts: Vec<Rollout>,
    pub(super) by_id: HashMap<RolloutId, usize>,
    /// Rollouts that are not at an end, oldest first.
    pub(super) open: BTreeSet<usize>,
    /// Who holds a slot on which cluster.
    pub(super) claims: HashMap<ClusterUid, RolloutId>,
}

/// The process that drives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Driver {
    /// `PID@HOST`.
    pub process: String,
    /// Its host's boot id.
    pub boot: String,
    /// Its fence.
    pub fence: u64,
    /// Since when.
    pub since: jiff::Timestamp,
}

/// What was last seen of a cluster.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Seen {
    /// The last visit that succeeded.
    pub observed: Option<Observed>,
    /// Since when it can't be reached, and why; `None` once it was reached again.
    pub unreachable: Option<(jiff::Timestamp, String)>,
}

/// The state of a rollout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RolloutState {
    /// A person started it and no driver has begun. In by `rollout.planned`; out by
    /// `rollout.started` or `rollout.abort`.
    Planned,
    /// It goes on by itself. In by `rollout.started`, `rollout.resume`, and by `attempt.retry` or
    /// `attempt.skip` when it was halted or at an end; out by `rollout.pause`, `rollout.halted`,
    /// `rollout.abort`, `rollout.finished`.
    Running,
    /// A person asked for a pause and clusters are still at work; none starts. In by
    /// `rollout.pause`; out by `rollout.paused` when the last one is through, `rollout.resume`,
    /// `rollout.abort`.
    Pausing,
    /// It is paused. In by `rollout.paused`; out by `rollout.resume` or `rollout.abort`.
    Paused,
    /// It stopped by itself, a person must decide; clusters at work run to their end. In by
    /// `rollout.halted`; out by `attempt.retry`, `rollout.resume` with a raised budget (or within
    /// the budget after a skip), `rollout.abort`.
    Halted {
        /// In which wave.
        wave: WaveName,
        /// Why.
        cause: HaltCause,
    },
    /// A person asked to end it; running steps end, no further one starts. In by `rollout.abort`;
    /// out by `rollout.aborted`.
    Aborting,
    /// It was ended where it stood. In by `rollout.aborted`; final.
    Aborted,
    /// Every cluster is at its planned inputs or was skipped. In by `rollout.finished`; out only by
    /// `attempt.retry` of skipped clusters.
    Succeeded,
    /// Every wave is done, some cluster failed or is deferred. In by `rollout.finished`; out only by
    /// `attempt.retry` or `attempt.skip`.
    SucceededWithFailures,
}

impl RolloutState {
    /// Whether it is none of the ends (design, section 7: *open*).
    pub fn is_open(&self) -> bool {
        !matches!(self, Self::Aborted | Self::Succeeded | Self::SucceededWithFailures)
    }

    /// The word for it: `running`, `succeeded-with-failures`.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Running => "running",
            Self::Pausing => "pausing",
            Self::Paused => "paused",
            Self::Halted { .. } => "halted",
            Self::Aborting => "aborting",
            Self::Aborted => "aborted",
            Self::Succeeded => "succeeded",
            Self::SucceededWithFailures => "succeeded-with-failures",
        }
    }
}

impl From<Ending> for RolloutState {
    fn from(ending: Ending) -> Self {
        match ending {
            Ending::Succeeded => Self::Succeeded,
            Ending::SucceededWithFailures => Self::SucceededWithFailures,
        }
    }
}

/// One run of a plan.
#[derive(Debug, Clone, PartialEq)]
pub struct Rollout {
    pub(super) id: RolloutId,
    pub(super) plan: Arc<Plan>,
    pub(super) state: RolloutState,
    pub(super) since: jiff::Timestamp,
    pub(super) planned: (jiff::Timestamp, Actor),
    /// Who changed its state last by a command, and why.
    pub(super) asked: Option<(Actor, Option<String>)>,
    pub(super) waves: Vec<Wave>,
    pub(super) clusters: Vec<Cluster>,
    pub(super) by_name: HashMap<ClusterName, usize>,
    pub(super) by_wave: HashMap<WaveName, usize>,
    /// Clusters whose attempt wants something from the engine or waits for a moment.
    pub(super) ready: BTreeSet<usize>,
    pub(super) counts: Counts,
}

/// One wave of a rollout.
#[derive(Debug, Clone, PartialEq)]
pub struct Wave {
    pub(super) phase: WavePhase,
    pub(super) since: jiff::Timestamp,
    pub(super) pools: Vec<Pool>,
    pub(super) counts: Counts,
    /// The failure budget in force: the plan's, or as a person raised it.
    pub(super) failure_budget: u32,
    /// Whether any cluster of it ever got a slot.
    pub(super) begun: bool,
    pub(super) opened_at: Option<jiff::Timestamp>,
    pub(super) verified_at: Option<jiff::Timestamp>,
    pub(super) done_at: Option<jiff::Timestamp>,
    pub(super) skipped: Option<String>,
    /// Done clusters that the running verification has not seen yet.
    pub(super) to_verify: BTreeSet<usize>,
    pub(super) tests_run: u64,
    pub(super) gates: BTreeMap<(Side, GateId), GateState>,
    /// Rises with every change of a verdict, so that a gate's answer knows when its evidence moved.
    pub(super) verdicts: u64,
    pub(super) tag: Tagging,
}

/// Where a wave stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum WavePhase {
    /// Waves before it are not done. In at the start; out by `wave.reached` or `wave.skipped`.
    Waiting,
    /// Its gates are asked. In by `wave.reached`; out by `wave.opened` once all are open.
    GatesBefore,
    /// Its clusters are worked on. In by `wave.opened`, and again by `attempt.retry` of one of its
    /// clusters before it is done; out by `wave.completed` when every cluster is settled.
    Rolling,
    /// Its done clusters are observed once more. In by `wave.completed` (round 1) or `wave.soaked`
    /// (round 2); out by `wave.verified`.
    Verifying {
        /// 1 before the soak, 2 after it.
        round: u32,
    },
    /// It must stay well for a while. In by `wave.verified` round 1, if the plan has a soak; out by
    /// `wave.soaked`.
    Soaking,
    /// Its after-gates are asked, then its tag is made. In by the last `wave.verified`; out by
    /// `wave.done`.
    GatesAfter,
    /// It is complete, verified, soaked, open behind, and tagged. In by `wave.done`; final, also
    /// when one of its clusters is retried.
    Done,
    /// It has no clusters. In by `wave.skipped`; final.
    Skipped,
}

/// Where a wave stands, as people see it: as [`WavePhase`], and `Halted` while its rollout is
/// halted in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WaveState {
    /// The wave goes its way.
    At(WavePhase),
    /// Its rollout halted in it: in by `rollout.halted`, out as the rollout leaves that state.
    Halted,
}

impl WaveState {
    /// The word for it: `rolling`, `gates-before`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Halted => "halted",
            Self::At(phase) => match phase {
                WavePhase::Waiting => "waiting",
                WavePhase::GatesBefore => "gates-before",
                WavePhase::Rolling => "rolling",
                WavePhase::Verifying { .. } => "verifying",
                WavePhase::Soaking => "soaking",
                WavePhase::GatesAfter => "gates-after",
                WavePhase::Done => "done",
                WavePhase::Skipped => "skipped",
            },
        }
    }
}

/// What became of a wave's git tag.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tagging {
    /// Name and commit, once it stands in the local repository.
    pub made: Option<(String, String)>,
    /// The remote, once it is there.
    pub pushed: Option<String>,
    /// The newest failure.
    pub failed: Option<TagFailure>,
}

/// Why a wave's git tag could not be made or pushed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagFailure {
    /// Whether only the push failed.
    pub push: bool,
    /// Which try it was, from 1.
    pub tries: u32,
    /// When.
    pub at: jiff::Timestamp,
    /// Why.
    pub cause: String,
}

/// One pool of a wave.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pool {
    pub(super) counts: Counts,
    /// Clusters that wait for a slot: those left half-updated first, then in plan order.
    pub(super) pending: BTreeSet<(bool, usize)>,
    /// Clusters that are looked at again, by the moment from which on.
    pub(super) rechecks: BTreeSet<(jiff::Timestamp, usize)>,
}

/// One cluster of a rollout.
#[derive(Debug, Clone, PartialEq)]
pub struct Cluster {
    pub(super) wave: usize,
    pub(super) pool: usize,
    /// Its place within its pool.
    pub(super) place: usize,
    pub(super) attempt: Attempt,
    /// The attempts before the newest.
    pub(super) earlier: Vec<Attempt>,
}

impl Cluster {
    /// Whether some attempt of this rollout began a step on it.
    pub fn half_updated(&self) -> bool {
        self.attempt.wrote() || self.earlier.iter().any(Attempt::wrote)
    }
}

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

    /// When the last event was written.
    pub fn last_at(&self) -> Option<jiff::Timestamp> {
        self.at
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

    /// The number that the next rollout of a release gets.
    pub fn next_number(&self, release: &ReleaseId) -> u32 {
        let known = self.rollouts.iter().filter(|r| &r.plan.release.id == release).count();
        u32::try_from(known).unwrap_or(u32::MAX).saturating_add(1)
    }

    /// What was last seen of a cluster.
    pub fn seen(&self, cluster: &ClusterName) -> Option<&Seen> {
        self.seen.get(cluster)
    }

    /// What was last seen of every cluster.
    pub fn all_seen(&self) -> &BTreeMap<ClusterName, Seen> {
        &self.seen
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
            _ => WaveState::At(wave.phase),
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

    /// Every cluster with its plan, in plan order.
    pub fn clusters(&self) -> impl Iterator<Item = (&PlannedWave, &PlannedPool, &PlannedCluster, &Cluster)> {
        self.plan.clusters().zip(&self.clusters).map(|((w, p, c), state)| (w, p, c, state))
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
        let turn = matches!(self.phase, WavePhase::Rolling | WavePhase::Done);
        turn && !self.begun && self.counts.of(Class::Pending) > 0
    }

    /// Why it was skipped, if it was.
    pub fn skipped(&self) -> Option<&str> {
        self.skipped.as_deref()
    }

    /// How many clusters the running verification has yet to see.
    pub fn unverified(&self) -> usize {
        self.to_verify.len()
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

    /// When its soak ends, while it soaks.
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

    /// The clusters that wait for a slot, in the order in which they will get one.
    pub(super) fn queue(&self) -> impl Iterator<Item = usize> {
        self.pending.iter().map(|(_, index)| *index)
    }
}

impl Cluster {
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
