//! What an attempt wants next: the decision table of preflights, steps, retries and endings. Caps,
//! budgets and waves are not its business; it only knows its own rollout's state.

use super::attempt::{Attempt, StepProgress};
use super::effect::Interrupted;
use crate::journal::{AttemptResult, AttemptStep, Failure, FailureClass, Preflight, StepOutcome};
use crate::model::Duration;
use crate::plan::Repeat;

/// How often a preflight that failed in a way that may pass is tried again.
pub const PREFLIGHT_RETRIES: u32 = 3;

/// How long to wait after the `failures`th failed try: 2 s, doubling, at most 60 s.
pub fn backoff(failures: u32) -> Duration {
    let doublings = failures.saturating_sub(1).min(5);
    Duration::seconds((2_u64 << doublings).min(60))
}

/// How long to wait after the `failures`th failed push of a tag that nothing waits for: 2 s, doubling, at
/// most an hour. Each try is an event, and a remote may be away for weeks.
pub fn push_backoff(failures: u32) -> Duration {
    let doublings = failures.saturating_sub(1).min(11);
    Duration::seconds((2_u64 << doublings).min(3_600))
}

/// What an attempt wants.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Next {
    /// The preflight, this try.
    Preflight(u32),
    /// A step, this try, with what earlier drivers left of it.
    Step(AttemptStep, u32, Vec<Interrupted>),
    /// It ends.
    Finish(AttemptResult),
    /// It ends because its cluster left the fleet.
    Depart,
    /// Nothing before this moment.
    Wait(jiff::Timestamp),
    /// Nothing: the engine is at it.
    Running,
    /// Nothing until what keeps its cluster back is gone; it keeps its slot.
    Kept,
}

/// Whether an attempt may go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Going {
    /// It may.
    On,
    /// Stop-the-line or a closed window: the running step ends, and no further one starts.
    Kept,
    /// Its cluster left the fleet: the running step ends, and the attempt departs.
    Leaving,
    /// An abort: the running step ends, and the attempt with it.
    Ending,
}

/// What becomes of a try that failed.
enum Verdict {
    Again,
    Final(Failure),
}

/// Whether to try again (C12: transient with backoff, permanent at once, unclassified where that
/// is safe and then permanent; tests as often as they say).
fn judge(class: FailureClass, test: bool, repeatable: bool, failures: u32, retries: u32) -> Verdict {
    let left = failures <= retries;
    let again = match class {
        FailureClass::Transient => left,
        FailureClass::Unclassified => left && (repeatable || test),
        FailureClass::Permanent | FailureClass::Test => left && test,
    };
    if again {
        return Verdict::Again;
    }
    Verdict::Final(match class {
        FailureClass::Transient => Failure::Transient,
        FailureClass::Test => Failure::Test,
        // A test that can't say yes has said no.
        FailureClass::Permanent | FailureClass::Unclassified if test => Failure::Test,
        FailureClass::Permanent | FailureClass::Unclassified => Failure::Permanent,
    })
}

/// What the attempt at work wants, given how long it may work in all, whether it may go on, and who
/// drives.
pub(super) fn next(
    attempt: &Attempt,
    limit: Option<Duration>,
    going: Going,
    fence: u64,
    now: jiff::Timestamp,
) -> Next {
    let ends = matches!(going, Going::Ending | Going::Leaving);
    let wanted = wanted(attempt, ends, fence, now);
    match (going, attempt.within(limit, wanted)) {
        (Going::Leaving, Next::Finish(AttemptResult::Aborted { .. })) => Next::Depart,
        // What an earlier driver left is the running step, and has to be settled.
        (Going::Kept, Next::Step(_, _, left)) if left.is_empty() => Next::Kept,
        (Going::Kept, Next::Preflight(_) | Next::Wait(_)) => Next::Kept,
        (_, wanted) => wanted,
    }
}

fn wanted(attempt: &Attempt, aborting: bool, fence: u64, now: jiff::Timestamp) -> Next {
    let aborted = || Next::Finish(AttemptResult::Aborted { after: attempt.last_done().cloned() });
    match &attempt.preflight {
        None if aborting => aborted(),
        None => Next::Preflight(attempt.preflights + 1),
        Some((Preflight::NoOp, _)) => Next::Finish(AttemptResult::NoOp),
        Some((Preflight::Failed { class, cause }, at)) => {
            match judge(*class, false, true, attempt.preflight_failures, PREFLIGHT_RETRIES) {
                Verdict::Again if aborting => aborted(),
                Verdict::Again => {
                    let due = backoff(attempt.preflight_failures).after(*at);
                    if now < due { Next::Wait(due) } else { Next::Preflight(attempt.preflights + 1) }
                }
                Verdict::Final(failure) => {
                    Next::Finish(AttemptResult::Failed { failure, step: None, cause: cause.clone() })
                }
            }
        }
        Some((Preflight::Proceed { .. }, _)) => match attempt.current_step() {
            None => Next::Finish(AttemptResult::Succeeded),
            Some(progress) => next_step(progress, aborting, fence, now).unwrap_or_else(aborted),
        },
        // Blocked and deferred attempts have no slot, so nobody asks.
        Some((Preflight::Blocked { .. } | Preflight::Deferred { .. }, _)) => Next::Running,
    }
}

/// What the current step wants; `None` when an abort ends the attempt before it.
fn next_step(progress: &StepProgress, aborting: bool, fence: u64, now: jiff::Timestamp) -> Option<Next> {
    let step = &progress.step;
    let again = progress.tries + 1;
    if let Some((begun_by, _)) = progress.open.last() {
        if *begun_by == fence {
            return Some(Next::Running);
        }
        // Even in an abort: the interrupted step is the running one, and has to be settled.
        let left = progress.open.iter().map(|(_, open)| open.clone()).collect();
        return Some(Next::Step(step.clone(), again, left));
    }
    let test = step.id.is_test();
    let retry = |at: jiff::Timestamp| {
        if aborting {
            return None;
        }
        let due = backoff(progress.failures).after(at);
        Some(if now < due { Next::Wait(due) } else { Next::Step(step.clone(), again, Vec::new()) })
    };
    let id = step.id.clone();
    match &progress.outcome {
        None if aborting => None,
        None => Some(Next::Step(step.clone(), again, Vec::new())),
        Some((StepOutcome::Failed { class, cause, .. }, at)) => {
            match judge(*class, test, step.repeat == Repeat::Safe, progress.failures, step.retries) {
                Verdict::Again => retry(*at),
                Verdict::Final(failure) => Some(Next::Finish(AttemptResult::Failed {
                    failure,
                    step: Some(id),
                    cause: cause.clone(),
                })),
            }
        }
        Some((StepOutcome::TimedOut { .. }, at)) if test && progress.failures <= step.retries => retry(*at),
        Some((StepOutcome::TimedOut { cause }, _)) => {
            Some(Next::Finish(AttemptResult::TimedOut { step: id, cause: cause.clone() }))
        }
        Some((StepOutcome::Unknown { cause }, _)) => Some(Next::Finish(AttemptResult::Failed {
            failure: Failure::Unknown,
            step: Some(id),
            cause: cause.clone(),
        })),
        // The fold moves on from a step that is done.
        Some((StepOutcome::Done { .. }, _)) => Some(Next::Running),
    }
}
