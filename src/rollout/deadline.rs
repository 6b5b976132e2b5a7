//! Time that steps take: the limit of all work of an attempt at a cluster, and how long successful
//! tries took. Only time in which a step ran counts: whoever waits for a window, a stopped line,
//! another rollout or a driver burns nothing of it.

use super::attempt::Attempt;
use super::next::Next;
use super::state::{FleetState, Rollout};
use crate::journal::{AttemptResult, AttemptStep, Body, Event, StepId, StepOutcome};
use crate::model::{ClusterName, Duration};
use crate::plan::{Action, Durations, PlannedCluster};

/// How an attempt stands to the deadline of its cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClusterDeadline {
    /// How long it may work in all.
    pub limit: Duration,
    /// How much of that is left, as of the last report.
    pub left: Duration,
    /// The moment at which it passes, while a step runs; nothing of it passes otherwise.
    pub at: Option<jiff::Timestamp>,
}

impl Attempt {
    /// What is left of a limit of all its work, rounded up; `None` when it has passed.
    fn left_of(&self, limit: Duration) -> Option<Duration> {
        let limit = jiff::SignedDuration::try_from(limit.std()).unwrap_or(jiff::SignedDuration::MAX);
        let left = limit - self.worked;
        let seconds = left.as_secs() + i64::from(left.subsec_nanos() > 0);
        (left > jiff::SignedDuration::ZERO)
            .then(|| Duration::seconds(u64::try_from(seconds).unwrap_or_default()))
    }

    /// By when its running step must have ended: within its own limit, and that of the cluster.
    pub(super) fn step_deadline(&self, limit: Option<Duration>) -> Option<jiff::Timestamp> {
        let step = self.current_step()?;
        let (own, cluster) = (step.deadline()?, self.cluster_deadline(limit).and_then(|d| d.at));
        // What an earlier driver left has to be settled within the time of the step.
        Some(cluster.filter(|_| step.open.len() == 1).map_or(own, |at| at.min(own)))
    }

    /// How it stands to the deadline of its cluster.
    pub(super) fn cluster_deadline(&self, limit: Option<Duration>) -> Option<ClusterDeadline> {
        let limit = limit?;
        let left = self.left_of(limit).unwrap_or(Duration::ZERO);
        let at = self.current_step().and_then(super::StepProgress::running_since).map(|at| left.after(at));
        Some(ClusterDeadline { limit, left, at })
    }

    /// What it wants next, given how long it may work in all: no step starts after that, and none
    /// runs longer. What an earlier driver left is settled first.
    pub(super) fn within(&self, limit: Option<Duration>, wanted: Next) -> Next {
        let Some(limit) = limit else { return wanted };
        let passed = |step: StepId| {
            let cause = format!("the cluster's deadline passed: {limit} of work, waiting apart");
            Next::Finish(AttemptResult::TimedOut { step, cause })
        };
        match (self.left_of(limit), wanted) {
            (Some(left), Next::Step(step, tries, interrupted)) if interrupted.is_empty() => {
                let timeout = step.timeout.min(left);
                Next::Step(AttemptStep { timeout, ..step }, tries, interrupted)
            }
            (None, Next::Step(step, _, interrupted)) if interrupted.is_empty() => passed(step.id),
            (None, Next::Finish(AttemptResult::TimedOut { step, .. })) => passed(step),
            (None, Next::Wait(at)) => match self.current_step() {
                Some(progress) => passed(progress.step.id.clone()),
                None => Next::Wait(at),
            },
            (_, wanted) => wanted,
        }
    }
}

impl Rollout {
    /// How long one attempt at the cluster at this index may work in all.
    pub(super) fn work_limit(&self, index: usize) -> Option<Duration> {
        let wave = self.clusters.get(index)?.wave;
        self.plan.waves.get(wave)?.cluster_deadline
    }

    /// How long one attempt at a cluster may work in all.
    pub(super) fn limit_at(&self, planned: &PlannedCluster) -> Option<Duration> {
        self.work_limit(*self.by_name.get(&planned.name)?)
    }

    /// How the newest attempt at a cluster stands to the deadline of its cluster, while it is at work.
    pub fn cluster_deadline(&self, name: &ClusterName) -> Option<ClusterDeadline> {
        let index = *self.by_name.get(name)?;
        let attempt = &self.clusters.get(index)?.attempt;
        if attempt.state.class() != super::Class::Active {
            return None;
        }
        attempt.cluster_deadline(self.work_limit(index))
    }

    /// By when the step that runs at a cluster must have ended.
    pub fn step_deadline(&self, name: &ClusterName) -> Option<jiff::Timestamp> {
        let index = *self.by_name.get(name)?;
        self.clusters.get(index)?.attempt.step_deadline(self.work_limit(index))
    }
}

impl FleetState {
    /// How long steps took.
    pub fn durations(&self) -> &Durations {
        &self.durations
    }

    /// Notes how long a try took that succeeded. One that a driver left and another finished says
    /// nothing.
    pub(super) fn fold_duration(&mut self, event: &Event) {
        let Body::StepFinished { attempt, step, outcome: StepOutcome::Done { .. }, .. } = &event.body else {
            return;
        };
        let action = match step {
            StepId::Deploy { step, .. } => Action::Step(step.clone()),
            StepId::Settle { .. } => Action::Settle,
            StepId::Test { test, .. } => Action::Test(test.clone()),
            StepId::Clear { .. } | StepId::Remove { .. } | StepId::Seal => return,
        };
        let rollout = self.by_id.get(&attempt.rollout).and_then(|index| self.rollouts.get(*index));
        let running = rollout
            .and_then(|rollout| rollout.cluster(&attempt.cluster))
            .and_then(|cluster| cluster.attempt.current_step());
        let (Some(product), Some([(_, open)])) = (step.product(), running.map(|step| step.open.as_slice()))
        else {
            return;
        };
        self.durations.note(product, action, Duration::between(open.at, event.at));
    }
}
