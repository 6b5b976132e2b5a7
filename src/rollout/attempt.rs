//! One try at one cluster: its state, its steps, and the class in which it is counted. How it
//! changes is for `fold`, what it wants next for `next`.

use super::Interrupted;
use crate::journal::{AttemptStep, BlockReason, Deferral, Failure, Preflight, StepId, StepOutcome};
use crate::model::{Actor, Duration};
use crate::plan::{PlannedCluster, PlannedObstacle};

/// How long after it was blocked, or found busy, a cluster is looked at again for the first time.
pub const RECHECK: Duration = Duration::seconds(30);

/// The longest time between two looks at a blocked cluster.
const LONGEST_RECHECK: Duration = Duration::minutes(15);

/// How long after the `looks`th look in a row that found a cluster blocked it is looked at again: 30 s,
/// doubling, at most 15 min.
pub fn recheck(looks: u32) -> Duration {
    let doublings = looks.saturating_sub(1).min(5);
    Duration::seconds(RECHECK.as_seconds() << doublings).min(LONGEST_RECHECK)
}

/// The state of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AttemptState {
    /// It waits for a slot. In at the start and by `attempt.retry`; out by `attempt.claimed`,
    /// `attempt.deferred` or `attempt.skip`.
    Pending,
    /// It has a slot, and preflight looks at the cluster. In by `attempt.claimed`; out by
    /// `attempt.preflighted`.
    Claimed,
    /// A preflight failed in a way that may pass and is tried again. In by `attempt.preflighted`;
    /// out by the next one, or `attempt.finished` when the tries are used up.
    Preflight,
    /// Its steps are taken. In by `attempt.preflighted`; out by the last deploy step's
    /// `step.finished`, or `attempt.finished`.
    Upgrading,
    /// Its tests run, and the records are sealed. In by `step.finished` before the first test (or
    /// the seal); out by `attempt.finished`.
    Testing,
    /// Everything was applied, is ready and passed its tests. In by `attempt.finished`; out only
    /// when a verification finds otherwise (`wave.cluster-verified`): then `Failed(test)`.
    Succeeded,
    /// There was nothing to do. In and out as `Succeeded`.
    NoOp,
    /// Somebody has to change something; it holds no slot and is looked at again, less and less often
    /// ([`recheck`]), and at once by a new driver or when its cluster was adopted. In by
    /// `attempt.preflighted`; out by `attempt.claimed`, `attempt.skip` or `attempt.retry`. With
    /// `BlockReason::PinMissesHotfix` and `PinEnded` in by the plan, and out by `attempt.skip` only, since nothing of
    /// the plan changes by looking again.
    Blocked(BlockReason),
    /// It is left for later, before its first write; it holds no slot. In by `attempt.deferred`,
    /// when its turn comes and something of the fleet stands against it, and by
    /// `attempt.preflighted`; out by `attempt.retry` or `attempt.skip`, for `window`, `busy`, `hold`
    /// and `hibernated` also by `attempt.claimed` as soon as that is over (what a preflight found busy is
    /// looked at again each [`RECHECK`]).
    Deferred(Deferral),
    /// A person left it out. In by `attempt.skip`; out by `attempt.retry`.
    Skipped(Actor),
    /// It failed. In by `attempt.finished` or a verification; out by `attempt.retry` or
    /// `attempt.skip`. With `Failure::Unknown` it holds its slot and is not settled.
    Failed(Failure),
    /// A step's time passed. In by `attempt.finished`; out by `attempt.retry` or `attempt.skip`.
    TimedOut,
    /// An abort ended it. In by `attempt.finished`; final, since its rollout is ending.
    Aborted {
        /// The last step that was taken.
        after: Option<StepId>,
    },
    /// A rollback replaced what it did. In by `attempt.finished`; out by `attempt.retry`.
    RolledBack,
    /// The cluster left the fleet. In by `attempt.departed`; final.
    Departed,
    /// Another rollout took the cluster over. In by `attempt.finished`; final.
    Superseded,
}

impl AttemptState {
    /// The class in which it is counted.
    pub fn class(&self) -> Class {
        match self {
            Self::Pending => Class::Pending,
            Self::Claimed | Self::Preflight | Self::Upgrading | Self::Testing => Class::Active,
            Self::Succeeded => Class::Succeeded,
            Self::NoOp => Class::NoOp,
            Self::Blocked(_) => Class::Blocked,
            Self::Deferred(reason) if reason.settles() => Class::Deferred,
            Self::Deferred(_) => Class::Postponed,
            Self::Failed(Failure::Unknown) => Class::Unknown,
            Self::Failed(_) | Self::TimedOut | Self::Aborted { .. } => Class::Failed,
            Self::RolledBack => Class::RolledBack,
            Self::Skipped(_) => Class::Skipped,
            Self::Departed | Self::Superseded => Class::Gone,
        }
    }

    /// The word for it, as in evidence and on screens: `succeeded`, `failed`, `no-op`.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Claimed => "claimed",
            Self::Preflight => "preflight",
            Self::Upgrading => "upgrading",
            Self::Testing => "testing",
            Self::Succeeded => "succeeded",
            Self::NoOp => "no-op",
            Self::Blocked(_) => "blocked",
            Self::Deferred(_) => "deferred",
            Self::Skipped(_) => "skipped",
            Self::Failed(_) => "failed",
            Self::TimedOut => "timed-out",
            Self::Aborted { .. } => "aborted",
            Self::RolledBack => "rolled-back",
            Self::Departed => "departed",
            Self::Superseded => "superseded",
        }
    }
}

/// In which way a cluster counts; every state belongs to exactly one class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// Waits for a slot.
    Pending,
    /// Holds a slot and is worked on.
    Active,
    /// Failed with an unknown outcome: holds its slot, counts as failed, is not settled.
    Unknown,
    /// Blocked.
    Blocked,
    /// Deferred by window or another operation: keeps its wave open.
    Postponed,
    /// Deferred as unreachable, hibernated or held: settled within the deferred budget.
    Deferred,
    /// Failed, timed out or aborted: settled within the failure budget.
    Failed,
    /// Rolled back: settled, and spends the failure budget as one that failed.
    RolledBack,
    /// Succeeded.
    Succeeded,
    /// Had nothing to do.
    NoOp,
    /// Left out by a person.
    Skipped,
    /// Departed or superseded.
    Gone,
}

impl Class {
    /// Whether it spends the failure budget of its wave.
    pub fn is_failure(self) -> bool {
        matches!(self, Self::Failed | Self::RolledBack | Self::Unknown)
    }

    /// Whether `attempt.retry` may replace it.
    pub fn is_retryable(self) -> bool {
        self.is_failure() || matches!(self, Self::Deferred | Self::Postponed | Self::Skipped | Self::Blocked)
    }

    /// Whether `attempt.skip` may take it out.
    pub fn is_skippable(self) -> bool {
        self.is_failure() || matches!(self, Self::Pending | Self::Deferred | Self::Postponed | Self::Blocked)
    }

    /// Whether it may get a slot.
    pub fn is_claimable(self) -> bool {
        matches!(self, Self::Pending | Self::Blocked | Self::Postponed)
    }

    /// Whether a cluster of this class holds a slot and its claim.
    pub fn holds_slot(self) -> bool {
        matches!(self, Self::Active | Self::Unknown)
    }

    /// Whether a cluster of this class has nothing that could soak.
    pub(super) fn holds_no_soak(self) -> bool {
        self.is_failure() || matches!(self, Self::Deferred | Self::Skipped | Self::Gone)
    }
}

const CLASSES: usize = Class::Gone as usize + 1;

/// How many clusters are in which class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts([u32; CLASSES]);

impl Counts {
    /// How many are in this class.
    pub fn of(&self, class: Class) -> u32 {
        self.0[class as usize]
    }

    /// All of them.
    pub fn total(&self) -> u32 {
        self.0.iter().sum()
    }

    /// These and those.
    #[must_use]
    pub fn and(&self, others: &Self) -> Self {
        let mut all = *self;
        for (sum, more) in all.0.iter_mut().zip(others.0) {
            *sum += more;
        }
        all
    }

    /// Those that hold a slot.
    pub fn in_flight(&self) -> u32 {
        self.of(Class::Active) + self.of(Class::Unknown)
    }

    /// Those that spend the failure budget.
    pub fn failures(&self) -> u32 {
        self.of(Class::Failed) + self.of(Class::RolledBack) + self.of(Class::Unknown)
    }

    /// Those that keep a wave open whatever the budgets say.
    pub fn unsettled(&self) -> u32 {
        self.of(Class::Pending)
            + self.of(Class::Active)
            + self.of(Class::Unknown)
            + self.of(Class::Blocked)
            + self.of(Class::Postponed)
    }

    /// Those that are at their planned inputs.
    pub fn done(&self) -> u32 {
        self.of(Class::Succeeded) + self.of(Class::NoOp)
    }

    pub(super) fn add(&mut self, class: Class) {
        self.0[class as usize] += 1;
    }

    pub(super) fn remove(&mut self, class: Class) {
        let count = &mut self.0[class as usize];
        *count = count.saturating_sub(1);
    }
}

/// How an attempt was left for later by the core, by `attempt.deferred`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Parked {
    /// The moment from which time alone lets it start.
    pub(super) until: Option<jiff::Timestamp>,
}

/// Which tests an attempt runs, and whether it may change anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tests {
    /// Those that are due by what it changes.
    #[default]
    Due,
    /// Those of its wave in any case, since the last verdict on the cluster was no.
    Again,
    /// Those of its wave, and nothing else: it changes nothing.
    Only,
}

/// One try at one cluster.
#[derive(Debug, Clone, PartialEq)]
pub struct Attempt {
    pub(super) number: u32,
    pub(super) tests: Tests,
    pub(super) state: AttemptState,
    pub(super) since: jiff::Timestamp,
    /// From when on it is looked at again although its time has not come.
    pub(super) early: Option<jiff::Timestamp>,
    pub(super) claimed_at: Option<jiff::Timestamp>,
    pub(super) cause: Option<String>,
    /// That the core itself left it for later, and until when if time alone ends that.
    pub(super) parked: Option<Parked>,
    /// From when on it is looked at again, if it waits without a slot.
    pub(super) due: Option<jiff::Timestamp>,
    pub(super) failed_step: Option<StepId>,
    /// Tries at the preflight that were reported.
    pub(super) preflights: u32,
    /// Tries at the preflight that failed since the slot was got.
    pub(super) preflight_failures: u32,
    /// How often in a row it was found blocked, or left for later.
    pub(super) blocked_looks: u32,
    /// The newest preflight's verdict and its moment, while the attempt has its slot.
    pub(super) preflight: Option<(Preflight, jiff::Timestamp)>,
    pub(super) steps: Vec<StepProgress>,
    /// The step it is at; the number of steps when all are done.
    pub(super) at_step: usize,
    /// How long its reported tries at steps took together.
    pub(super) worked: jiff::SignedDuration,
}

fn block_reason(obstacle: &PlannedObstacle) -> BlockReason {
    match obstacle {
        PlannedObstacle::PinMissesHotfix { .. } => BlockReason::PinMissesHotfix,
        PlannedObstacle::PinEnded { .. } => BlockReason::PinEnded,
    }
}

impl Attempt {
    /// A new attempt at a planned cluster. What stands against the cluster in the plan blocks it from
    /// the first: before any slot, and before any write.
    pub(super) fn new(number: u32, at: jiff::Timestamp, planned: &PlannedCluster) -> Self {
        let against: Vec<String> = planned.obstacles.iter().map(ToString::to_string).collect();
        let (state, cause) = match planned.obstacles.first() {
            None => (AttemptState::Pending, None),
            Some(first) => (AttemptState::Blocked(block_reason(first)), Some(against.join("; "))),
        };
        Self {
            number,
            tests: Tests::Due,
            state,
            since: at,
            early: None,
            claimed_at: None,
            cause,
            parked: None,
            due: None,
            failed_step: None,
            preflights: 0,
            preflight_failures: 0,
            blocked_looks: 0,
            preflight: None,
            steps: Vec::new(),
            at_step: 0,
            worked: jiff::SignedDuration::ZERO,
        }
    }

    /// Its number, from 1.
    pub fn number(&self) -> u32 {
        self.number
    }

    /// Which tests it runs, and whether it may change anything.
    pub fn tests(&self) -> Tests {
        self.tests
    }

    /// Its state.
    pub fn state(&self) -> &AttemptState {
        &self.state
    }

    /// Whether it is blocked or postponed and is looked at before its time, since what it waits for
    /// may be there: its cluster was adopted, or a new driver looks for itself.
    pub fn is_looked_at_early(&self) -> bool {
        self.early.is_some()
    }

    /// Since when it is in that state.
    pub fn since(&self) -> jiff::Timestamp {
        self.since
    }

    /// When it got its slot, the last time.
    pub fn claimed_at(&self) -> Option<jiff::Timestamp> {
        self.claimed_at
    }

    /// Why it is where it is, in words, if there is anything to say.
    pub fn cause(&self) -> Option<&str> {
        self.cause.as_deref()
    }

    /// The moment at which what it waits for is over, if it was left for later and time alone ends that.
    pub fn until(&self) -> Option<jiff::Timestamp> {
        self.parked.as_ref().and_then(|parked| parked.until)
    }

    /// Whether it may get a slot: also when a hold ends or it wakes up, but not by itself when it could
    /// not be reached.
    pub(super) fn is_claimable(&self) -> bool {
        (self.state.class().is_claimable()
            && !matches!(self.state, AttemptState::Blocked(reason) if reason.is_planned()))
            || (self.state.class() == Class::Deferred
                && self.parked.is_some()
                && self.state != AttemptState::Deferred(Deferral::Joined))
    }

    /// The step at which it failed, if at one.
    pub fn failed_step(&self) -> Option<&StepId> {
        self.failed_step.as_ref()
    }

    /// How many tries at its preflight were reported.
    pub fn preflights(&self) -> u32 {
        self.preflights
    }

    /// From when on it is looked at again, if it is blocked or postponed. A cluster that is busy, or
    /// outside its window, goes on by itself: that one is looked at equally often.
    pub fn recheck_at(&self) -> jiff::Timestamp {
        if let Some(at) = self.early {
            return at;
        }
        match self.state {
            AttemptState::Blocked(_) => recheck(self.blocked_looks).after(self.since),
            AttemptState::Deferred(reason) if reason.settles() => {
                recheck(self.blocked_looks).after(self.since)
            }
            _ => RECHECK.after(self.since),
        }
    }

    /// Its steps, once preflight has computed them.
    pub fn steps(&self) -> &[StepProgress] {
        &self.steps
    }

    /// The step it is at: the first that is not done.
    pub fn current_step(&self) -> Option<&StepProgress> {
        self.steps.get(self.at_step)
    }

    /// How many of its steps are done.
    pub fn steps_done(&self) -> usize {
        self.at_step
    }

    /// The last step that was done.
    pub fn last_done(&self) -> Option<&StepId> {
        self.at_step.checked_sub(1).and_then(|i| self.steps.get(i)).map(|s| &s.step.id)
    }

    /// Whether any step of it began, so that something may have been written.
    pub fn wrote(&self) -> bool {
        self.steps.iter().any(|s| s.tries > 0)
    }

    /// Whether it ever was tried more often than once at a test and passed at last.
    pub fn flaky(&self) -> bool {
        self.steps.iter().any(|s| s.step.id.is_test() && s.failures > 0 && s.is_done())
    }
}

/// How far a step got.
#[derive(Debug, Clone, PartialEq)]
pub struct StepProgress {
    pub(super) step: AttemptStep,
    /// Tries that were begun.
    pub(super) tries: u32,
    /// Tries that were reported as failed.
    pub(super) failures: u32,
    /// Tries that were begun and not reported, oldest first, each with its fence.
    pub(super) open: Vec<(u64, Interrupted)>,
    /// What the newest reported try came to, and when.
    pub(super) outcome: Option<(StepOutcome, jiff::Timestamp)>,
}

impl StepProgress {
    pub(super) fn new(step: AttemptStep) -> Self {
        Self { step, tries: 0, failures: 0, open: Vec::new(), outcome: None }
    }

    /// The step.
    pub fn step(&self) -> &AttemptStep {
        &self.step
    }

    /// Tries that were begun.
    pub fn tries(&self) -> u32 {
        self.tries
    }

    /// Tries that failed.
    pub fn failures(&self) -> u32 {
        self.failures
    }

    /// Whether it is done.
    pub fn is_done(&self) -> bool {
        matches!(self.outcome, Some((StepOutcome::Done { .. }, _)))
    }

    /// When the newest try began, while it is not reported.
    pub fn running_since(&self) -> Option<jiff::Timestamp> {
        self.open.last().map(|(_, left)| left.at)
    }

    /// By when the newest try must have ended, while it is not reported.
    pub fn deadline(&self) -> Option<jiff::Timestamp> {
        self.running_since().map(|at| self.step.timeout.after(at))
    }

    /// What the newest reported try came to, and when.
    pub fn outcome(&self) -> Option<(&StepOutcome, jiff::Timestamp)> {
        self.outcome.as_ref().map(|(outcome, at)| (outcome, *at))
    }
}
