//! What is known about all rollouts: plain data, with an index of who waits, who is at work and
//! who is settled, so that the next effects are found without looking at every cluster. How
//! events change it is for `fold`; what follows from it for `effects`, `waits` and `admit`.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

use super::attempt::{Attempt, Counts};
use super::gates::GateState;
use super::joining::Unjoined;
use super::live::Live;
use super::next::{backoff, push_backoff};
use super::soak::Stays;
use crate::journal::{Ending, HaltCause, Override, Side};
use crate::model::{Actor, ClusterName, ClusterUid, GateId, Observed, Push, ReleaseId, RolloutId, WaveName};
use crate::plan::{Durations, Plan};

/// Everything that the events of a journal say, folded together.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FleetState {
    pub(super) journal: Option<uuid::Uuid>,
    pub(super) position: u64,
    pub(super) fence: u64,
    pub(super) driver: Option<Driver>,
    /// Drivers in a row that took over and got nothing done.
    pub(super) fruitless: u32,
    pub(super) seen: BTreeMap<ClusterName, Seen>,
    pub(super) rollouts: Vec<Rollout>,
    pub(super) by_id: HashMap<RolloutId, usize>,
    /// Rollouts that are not at an end, oldest first.
    pub(super) open: BTreeSet<usize>,
    /// Rollouts at their end that have somebody left to catch up.
    pub(super) catching: BTreeSet<usize>,
    /// Members that are awake and that no plan knows.
    pub(super) strangers: BTreeSet<ClusterName>,
    /// Who holds a slot on which cluster.
    pub(super) claims: HashMap<ClusterUid, RolloutId>,
    /// The rollouts whose attempts succeeded on a cluster, oldest first, and when; what was rolled back
    /// is no longer among them.
    pub(super) applied: HashMap<ClusterUid, Vec<(usize, jiff::Timestamp)>>,
    /// Every release that is known to be a hotfix.
    pub(super) hotfixes: BTreeSet<ReleaseId>,
    /// Rollouts of other journals, named by records that this one took over.
    pub(super) elsewhere: BTreeSet<RolloutId>,
    /// What holds for the fleet while rollouts run.
    pub(super) live: Live,
    /// How long successful tries at steps took.
    pub(super) durations: Durations,
    /// When attempts got their first slot: the newest, as many as the largest start rate can ask for.
    pub(super) starts: VecDeque<jiff::Timestamp>,
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
    /// The last comparison with what was applied there.
    pub compared: Option<Compared>,
}

/// What a comparison of a cluster with what was applied there found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compared {
    /// When.
    pub at: jiff::Timestamp,
    /// How many things were not as they were applied.
    pub differences: u32,
    /// The first of them, one sentence each.
    pub told: Vec<String>,
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
    /// It is paused. In by `rollout.paused`, and by `rollout.replanned` if that ended a halt; out by `rollout.resume` or `rollout.abort`.
    Paused,
    /// It stopped by itself, a person must decide; clusters at work run to their end. In by
    /// `rollout.halted`, or when a rollback of it ends before everything is back; out by
    /// `attempt.retry`, `rollout.resume` with a raised budget (or within the budget after a skip),
    /// `rollout.abort`, a rollback.
    Halted {
        /// In which wave.
        wave: WaveName,
        /// Why.
        cause: HaltCause,
    },
    /// A person asked to end it; running steps end, no further one starts. In by `rollout.abort`
    /// or `rollout.superseded`; out by `rollout.aborted`.
    Aborting,
    /// It was ended where it stood. In by `rollout.aborted`; final.
    Aborted,
    /// A rollback takes back what it brought, and nothing of it starts. In by `rollout.planned` of the
    /// rollback (or by `attempt.retry` in one that was at its end); out as that one ends.
    RollingBack {
        /// The rollback.
        by: RolloutId,
    },
    /// Everything that it brought was taken back. In by `rollout.finished` of the rollback; final,
    /// unless clusters that the rollback skipped are tried again in it.
    RolledBack {
        /// The rollback.
        by: RolloutId,
    },
    /// A person ended it in favour of another one. In by `rollout.superseded`, or by
    /// `rollout.aborted` after it when steps were still running; final.
    Superseded {
        /// In favour of which.
        by: RolloutId,
    },
    /// Every cluster is at its planned inputs or was skipped. In by `rollout.finished`; out only by
    /// `attempt.retry` of skipped clusters.
    Succeeded,
    /// Every wave is done, some cluster failed or is deferred. In by `rollout.finished`; out by
    /// `attempt.retry`, `attempt.skip`, and by `attempt.claimed`, `attempt.departed` or
    /// `attempt.finished` of a cluster that catches up.
    SucceededWithFailures,
}

impl RolloutState {
    /// Whether it is none of the ends (design, section 7: *open*).
    pub fn is_open(&self) -> bool {
        !matches!(
            self,
            Self::Aborted
                | Self::RolledBack { .. }
                | Self::Superseded { .. }
                | Self::Succeeded
                | Self::SucceededWithFailures
        )
    }

    /// Whether people can still change its course: it is open, and neither ending nor being taken back.
    pub fn can_be_steered(&self) -> bool {
        self.is_open() && !matches!(self, Self::Aborting | Self::RollingBack { .. })
    }

    /// Whether clusters of it may be tried again.
    pub fn tries_again(&self) -> bool {
        !matches!(
            self,
            Self::Planned
                | Self::Aborting
                | Self::Aborted
                | Self::RollingBack { .. }
                | Self::RolledBack { .. }
                | Self::Superseded { .. }
        )
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
            Self::RollingBack { .. } => "rolling-back",
            Self::RolledBack { .. } => "rolled-back",
            Self::Superseded { .. } => "superseded",
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
    /// The event that brought its plan: the first one, or the newest in its place.
    pub(super) plan_seq: u64,
    /// The rollout in favour of which a person ended it.
    pub(super) superseded_by: Option<RolloutId>,
    /// Who changed its state last by a command, and why.
    pub(super) asked: Option<(Actor, Option<String>)>,
    /// What people let it pass, who, and why.
    pub(super) overrides: Vec<(Override, Actor, String)>,
    pub(super) waves: Vec<Wave>,
    pub(super) clusters: Vec<Cluster>,
    pub(super) by_name: HashMap<ClusterName, usize>,
    pub(super) by_uid: HashMap<ClusterUid, usize>,
    pub(super) by_wave: HashMap<WaveName, usize>,
    /// Members that no wave of its plan takes.
    pub(super) unassigned: BTreeSet<ClusterName>,
    /// Clusters that were never reached when it was planned, and join when they are.
    pub(super) awaited: BTreeSet<ClusterName>,
    /// Clusters that could not be planned when they joined.
    pub(super) unjoined: BTreeMap<ClusterName, Unjoined>,
    /// Clusters that were left for later and keep no wave open.
    pub(super) deferred: BTreeSet<usize>,
    /// Clusters that have left the fleet, departed or not.
    pub(super) leaving: BTreeSet<usize>,
    /// Clusters whose attempt wants something from the engine or waits for a moment.
    pub(super) ready: BTreeSet<usize>,
    pub(super) counts: Counts,
    /// Clusters that an earlier plan of it had, with what they had come to: one that comes back goes on
    /// counting its attempts.
    pub(super) left_out: BTreeMap<ClusterName, (ClusterUid, Cluster)>,
}

/// One wave of a rollout.
#[derive(Debug, Clone, PartialEq)]
pub struct Wave {
    pub(super) phase: WavePhase,
    pub(super) since: jiff::Timestamp,
    pub(super) pools: Vec<Pool>,
    pub(super) counts: Counts,
    /// Those that catch up since the wave was done; they are not among `counts`.
    pub(super) late: Counts,
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
    /// How its clusters fare while it soaks, if observed time counts.
    pub(super) soaking: Stays,
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

/// Where a wave stands, as people see it: as [`WavePhase`], unless its rollout stands still. A wave
/// that is over stays as it is, whatever becomes of its rollout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WaveState {
    /// The wave goes its way, or waits for its turn.
    At(WavePhase),
    /// Its rollout halted, in it or while it was on its way: in by `rollout.halted`, out as the
    /// rollout leaves that state.
    Halted,
    /// Its rollout is pausing while it is on its way: clusters of it may be at work.
    Pausing,
    /// Its rollout is paused while it is on its way.
    Paused,
    /// Its rollout is being aborted while it is on its way.
    Aborting,
    /// Its rollout was aborted when it was on its way.
    Aborted,
    /// Its rollout is being rolled back, and something of the wave had started.
    RollingBack,
    /// Its rollout was rolled back after something of the wave had started.
    RolledBack,
    /// Its rollout was aborted or rolled back before anything of it was touched; it will not start any more.
    NotStarted,
}

impl WaveState {
    /// The word for it: `rolling`, `gates-before`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Halted => "halted",
            Self::Pausing => "pausing",
            Self::Paused => "paused",
            Self::Aborting => "aborting",
            Self::Aborted => "aborted",
            Self::RollingBack => "rolling-back",
            Self::RolledBack => "rolled-back",
            Self::NotStarted => "not-started",
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

impl TagFailure {
    /// When it is tried again. Where a wave waits for it that is soon; a push that is only tried takes
    /// ever longer breaths.
    pub fn due(&self, push: Push) -> jiff::Timestamp {
        let patient = self.push && push == Push::Try;
        let pause = if patient { push_backoff(self.tries) } else { backoff(self.tries) };
        pause.after(self.at)
    }
}

/// One pool of a wave.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pool {
    pub(super) counts: Counts,
    /// Those that catch up; they are not among `counts`.
    pub(super) late: Counts,
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
    /// Whether it got its slot, or a slot again, after its wave was done.
    pub(super) late: bool,
    /// Whether it joined while the rollout ran: then no digest, number or evidence knows it.
    pub(super) joined: bool,
    pub(super) attempt: Attempt,
    /// The attempts before the newest.
    pub(super) earlier: Vec<Attempt>,
    /// The number of the first attempt that its wave, as it is planned now, made.
    pub(super) first: u32,
}

impl Cluster {
    /// Whether some attempt of this rollout began a step on it.
    pub fn half_updated(&self) -> bool {
        self.attempt.wrote() || self.earlier.iter().any(Attempt::wrote)
    }
}
