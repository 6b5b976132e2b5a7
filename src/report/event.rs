//! One line for every event: what happened, in words, without time and author. The same line
//! stands in progress, timelines and logs.

use crate::diag::count;
use crate::journal::{
    AttemptResult, Body, Deferral, Ending, Failure, Found, HaltCause, Preflight, RetryWhich, Side,
    StepOutcome,
};
use crate::model::{ClusterName, WaveName};

/// How much an event matters to somebody who watches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Weight {
    /// It goes on as planned.
    Routine,
    /// Something was reached.
    Milestone,
    /// Something waits or was left out.
    Notice,
    /// Something failed.
    Trouble,
}

/// How much it matters.
pub fn weight(body: &Body) -> Weight {
    match body {
        Body::JournalCreated { .. }
        | Body::DriverTookOver { .. }
        | Body::DriverReleased {}
        | Body::ClusterObserved { .. }
        | Body::CalendarRecorded { .. }
        | Body::MembershipRecorded { .. }
        | Body::RolloutStarted { .. }
        | Body::WaveReached { .. }
        | Body::WaveCompleted { .. }
        | Body::AttemptClaimed { .. }
        | Body::StepStarted { .. }
        | Body::StepSpawned { .. }
        | Body::WaveTagPushed { .. } => Weight::Routine,
        Body::RolloutPlanned { .. }
        | Body::WaveOpened { .. }
        | Body::WaveSoaked { .. }
        | Body::WaveVerified { .. }
        | Body::WaveTagged { .. }
        | Body::WaveDone { .. }
        | Body::RolloutResume { .. }
        | Body::ApprovalGiven { .. }
        | Body::GateOverridden { .. } => Weight::Milestone,
        Body::ClusterAdopted { .. }
        | Body::JournalRebuild { .. }
        | Body::ClusterHold { .. }
        | Body::ClusterRelease { .. }
        | Body::StopTheLineOn { .. }
        | Body::StopTheLineOff { .. }
        | Body::RolloutSuperseded { .. }
        | Body::RolloutReplanned { .. }
        | Body::AttemptDeferred { .. }
        | Body::AttemptDeparted { .. }
        | Body::RolloutJoined { .. }
        | Body::RolloutNotJoined { .. }
        | Body::RolloutPause { .. }
        | Body::RolloutPaused { .. }
        | Body::RolloutAbort { .. }
        | Body::RolloutAborted { .. }
        | Body::WaveSkipped { .. }
        | Body::ApprovalRevoked { .. }
        | Body::AttemptRetry { .. }
        | Body::WaveVerify { .. }
        | Body::AttemptSkip { .. } => Weight::Notice,
        Body::ClusterUnreachable { .. }
        | Body::MembershipDoubted { .. }
        | Body::RolloutHalted { .. }
        | Body::WaveTagFailed { .. } => Weight::Trouble,
        Body::ClusterCompared { differences, .. } => {
            if *differences == 0 {
                Weight::Routine
            } else {
                Weight::Notice
            }
        }
        Body::RolloutFinished { ending, .. } => match ending {
            Ending::Succeeded => Weight::Milestone,
            Ending::SucceededWithFailures => Weight::Trouble,
        },
        Body::WaveClusterObserved { found, .. } => match found {
            Found::Well => Weight::Routine,
            Found::Ill | Found::Unseen => Weight::Trouble,
        },
        Body::WaveClusterVerified { healthy, .. } => {
            if *healthy {
                Weight::Routine
            } else {
                Weight::Trouble
            }
        }
        Body::GateAnswered { answer, .. } => {
            if answer.open {
                Weight::Milestone
            } else {
                Weight::Notice
            }
        }
        Body::AttemptPreflighted { preflight, .. } => match preflight {
            Preflight::Proceed { .. } | Preflight::NoOp => Weight::Routine,
            Preflight::Deferred { .. } | Preflight::Blocked { .. } => Weight::Notice,
            Preflight::Failed { .. } => Weight::Trouble,
        },
        Body::StepFinished { outcome, .. } => match outcome {
            StepOutcome::Done { .. } => Weight::Routine,
            StepOutcome::Failed { .. } | StepOutcome::TimedOut { .. } | StepOutcome::Unknown { .. } => {
                Weight::Trouble
            }
        },
        Body::AttemptFinished { result, .. } => match result {
            AttemptResult::Succeeded | AttemptResult::NoOp => Weight::Milestone,
            AttemptResult::Failed { .. } | AttemptResult::TimedOut { .. } => Weight::Trouble,
            AttemptResult::Aborted { .. }
            | AttemptResult::RolledBack
            | AttemptResult::Departed
            | AttemptResult::Superseded => Weight::Notice,
        },
    }
}

/// What happened, as one line.
pub fn sentence(body: &Body) -> String {
    match body {
        Body::JournalCreated { journal } => format!("journal {journal} begins"),
        Body::JournalRebuild { clusters, reason } => {
            format!("the journal is rebuilt from {}: {reason}", count(clusters.len(), "cluster"))
        }
        Body::DriverTookOver { process, new_fence, .. } => {
            format!("{process} drives now (fence {new_fence})")
        }
        Body::DriverReleased {} => "the driver ended in good order".to_owned(),
        Body::ClusterObserved { cluster, observed } => format!(
            "{cluster} was seen: Kubernetes {}, {}",
            observed.kubernetes,
            count(observed.products.len(), "product")
        ),
        Body::ClusterUnreachable { cluster, cause } => format!("{cluster} can't be reached: {cause}"),
        Body::ClusterCompared { cluster, differences: 0, .. } => format!("{cluster} is as it was applied"),
        Body::ClusterCompared { cluster, differences, told } => {
            let first = told.first().map_or_else(String::new, |first| format!(": {first}"));
            let found = usize::try_from(*differences).unwrap_or(usize::MAX);
            format!("{cluster} has {}{first}", count(found, "difference"))
        }
        Body::ClusterAdopted { cluster, from, reason, .. } => match from {
            Some(from) => format!("{cluster} was adopted from {from}: {reason}"),
            None => format!("{cluster} was adopted: {reason}"),
        },
        Body::ClusterHold { cluster, product, version, reason, until, .. } => {
            let until = until.map_or_else(String::new, |end| format!(" until {end}"));
            match product.as_ref().zip(version.as_ref()) {
                Some((product, version)) => {
                    format!("{product} of {cluster} is held at {version}{until}: {reason}")
                }
                None => format!("{cluster} is held{until}: {reason}"),
            }
        }
        Body::ClusterRelease { cluster, product, reason } => match product {
            Some(product) => format!("{product} of {cluster} is held no more: {reason}"),
            None => format!("{cluster} is held no more: {reason}"),
        },
        Body::CalendarRecorded { commit, calendar } => format!(
            "the calendar of commit {} holds: {}, {}",
            short_commit(commit),
            count(calendar.windows.len(), "window"),
            count(calendar.freezes.len(), "freeze")
        ),
        Body::MembershipRecorded { commit, clusters } => {
            let asleep = clusters.values().filter(|member| member.hibernated).count();
            let asleep = if asleep > 0 { format!(", {asleep} of them hibernated") } else { String::new() };
            let members = count(clusters.len(), "cluster");
            format!("the fleet of commit {} has {members}{asleep}", short_commit(commit))
        }
        Body::MembershipDoubted { cause } => {
            format!("the fleet is not believed, and its members stay as they are: {cause}")
        }
        Body::StopTheLineOn { scope, reason } => format!("the line of {scope} is stopped: {reason}"),
        Body::StopTheLineOff { scope, reason } => format!("the line of {scope} goes on: {reason}"),
        Body::RolloutSuperseded { rollout, by, reason } => {
            format!("{rollout} ends in favour of {by}: {reason}")
        }
        Body::RolloutReplanned { rollout, plan, reason } => {
            let clusters: usize = plan.waves.iter().map(crate::plan::PlannedWave::size).sum();
            format!(
                "{rollout} goes on by plan {}: {}, {}{}",
                plan.digest.short(),
                count(plan.waves.len(), "wave"),
                count(clusters, "cluster"),
                because(reason.as_deref())
            )
        }
        Body::RolloutPlanned { rollout, plan } => {
            let clusters: usize = plan.waves.iter().map(crate::plan::PlannedWave::size).sum();
            let what = match plan.rollback() {
                Some(back) => format!("rolls {} back ({})", back.of, back.reason),
                None => format!("release {}", plan.release.id),
            };
            format!(
                "{rollout} was planned: {what}, {}, {}, plan {}",
                count(plan.waves.len(), "wave"),
                count(clusters, "cluster"),
                plan.digest.short()
            )
        }
        Body::RolloutStarted { rollout } => format!("{rollout} started"),
        Body::RolloutPause { rollout, reason } => {
            format!("{rollout} is to pause{}", because(reason.as_deref()))
        }
        Body::RolloutPaused { rollout } => format!("{rollout} is paused: nothing is in flight"),
        Body::RolloutResume { rollout, raise_budget, reason } => {
            let raised = raise_budget.as_ref().map_or_else(String::new, |raised| {
                format!(", {} may fail in {}", count(raised.budget, "cluster"), raised.wave)
            });
            format!("{rollout} goes on{raised}{}", because(reason.as_deref()))
        }
        Body::RolloutAbort { rollout, reason } => {
            format!("{rollout} is to end where it stands{}", because(reason.as_deref()))
        }
        Body::RolloutAborted { rollout } => format!("{rollout} is aborted: nothing is in flight"),
        Body::RolloutHalted { rollout, wave, cause } => {
            format!("{rollout} halted in {wave}: {}", halt(cause))
        }
        Body::RolloutFinished { rollout, ending } => match ending {
            Ending::Succeeded => format!("{rollout} succeeded"),
            Ending::SucceededWithFailures => {
                format!("{rollout} finished with failures: every wave is done, some cluster is not")
            }
        },
        Body::RolloutJoined { rollout, wave, cluster, .. } => {
            format!("{} joined the fleet: it follows in {rollout} when wave {wave} is over", cluster.name)
        }
        Body::RolloutNotJoined { rollout, cluster, cause, .. } => {
            format!("{cluster} joined the fleet and can't be planned for {rollout}: {cause}")
        }
        Body::WaveReached { wave, .. } => format!("wave {wave}: its turn came"),
        Body::WaveOpened { wave, .. } => format!("wave {wave} starts"),
        Body::WaveCompleted { wave, .. } => format!("wave {wave}: every cluster is settled"),
        Body::WaveClusterVerified { wave, cluster, healthy, cause, round, .. } => {
            let when = if *round > 1 { " after the soak" } else { "" };
            if *healthy {
                format!("wave {wave}: {cluster} is still well{when}")
            } else {
                format!("wave {wave}: {cluster} is not well{when}: {cause}")
            }
        }
        Body::WaveVerified { wave, round, .. } => {
            let when = if *round > 1 { " again, after its soak" } else { "" };
            format!("wave {wave} is verified{when}")
        }
        Body::WaveClusterObserved { wave, cluster, found, cause, .. } => match found {
            Found::Well => format!("wave {wave}: {cluster} is well in its soak"),
            Found::Ill => format!("wave {wave}: {cluster} is not well, its soak starts anew: {cause}"),
            Found::Unseen => format!("wave {wave}: {cluster} could not be looked at in its soak: {cause}"),
        },
        Body::WaveSoaked { wave, .. } => format!("wave {wave}: its soak is over"),
        Body::WaveTagged { wave, tag, commit, .. } => {
            format!("wave {wave}: tag {tag} stands on {}", short_commit(commit))
        }
        Body::WaveTagFailed { wave, push, tries, cause, .. } => {
            let what = if *push { "pushed" } else { "made" };
            format!("wave {wave}: its tag could not be {what} (try {tries}): {cause}")
        }
        Body::WaveTagPushed { wave, remote, .. } => format!("wave {wave}: its tag was pushed to {remote}"),
        Body::WaveDone { wave, .. } => format!("wave {wave} is done"),
        Body::WaveSkipped { wave, reason, .. } => format!("wave {wave} is skipped: {reason}"),
        Body::GateAnswered { wave, side, gate, answer, .. } => {
            let word = if answer.open { "is open" } else { "is closed" };
            let facts = if answer.facts.is_empty() {
                String::new()
            } else {
                format!(": {}", answer.facts.join(", "))
            };
            format!("gate {gate} {} {word}{facts}", sided(*side, wave))
        }
        Body::ApprovalGiven { wave, side, gate, comment, signature, .. } => {
            let signed = if signature.is_some() { "signed " } else { "" };
            format!("{signed}yes to gate {gate} {}{}", sided(*side, wave), because(comment.as_deref()))
        }
        Body::GateOverridden { what, reason, .. } => {
            format!("{what} is overridden{}", because(Some(reason)))
        }
        Body::ApprovalRevoked { wave, side, gate, reason, .. } => {
            format!("yes to gate {gate} {} was taken back{}", sided(*side, wave), because(reason.as_deref()))
        }
        Body::AttemptClaimed { attempt, .. } => {
            format!("{} starts{}", attempt.cluster, nth(attempt.attempt, "attempt"))
        }
        Body::AttemptPreflighted { attempt, preflight, .. } => {
            let cluster = &attempt.cluster;
            match preflight {
                Preflight::Proceed { steps } => format!("{cluster}: {} to take", count(steps.len(), "step")),
                Preflight::NoOp => format!("{cluster}: nothing to do"),
                Preflight::Deferred { reason, cause } => {
                    format!("{cluster} is left for later, {}: {cause}", deferral(*reason))
                }
                Preflight::Blocked { cause, .. } => format!("{cluster} can't go on: {cause}"),
                Preflight::Failed { cause, .. } => format!("{cluster} failed its preflight: {cause}"),
            }
        }
        Body::StepStarted { attempt, step, tries, .. } => {
            format!("{}: {step} begins{}", attempt.cluster, nth(*tries, "try"))
        }
        Body::StepSpawned { attempt, step, group, .. } => {
            format!("{}: {step} runs as process group {group}", attempt.cluster)
        }
        Body::StepFinished { attempt, step, outcome, .. } => {
            let cluster = &attempt.cluster;
            match outcome {
                StepOutcome::Done { summary, .. } if summary.is_empty() => {
                    format!("{cluster}: {step} is done")
                }
                StepOutcome::Done { summary, .. } => format!("{cluster}: {step} is done: {summary}"),
                StepOutcome::Failed { cause, .. } => format!("{cluster}: {step} failed: {cause}"),
                StepOutcome::TimedOut { cause } => format!("{cluster}: {step} ran out of time: {cause}"),
                StepOutcome::Unknown { cause } => {
                    format!("{cluster}: it is not known how {step} ended: {cause}")
                }
            }
        }
        Body::AttemptDeferred { attempt, reason, cause, until } => {
            let until = until.map_or_else(String::new, |end| format!(", until {end}"));
            format!("{} waits, {}{until}: {cause}", attempt.cluster, deferral(*reason))
        }
        Body::AttemptFinished { attempt, result } => ended(&attempt.cluster, result),
        Body::AttemptDeparted { attempt, commit } => {
            format!("{} left the fleet with commit {}", attempt.cluster, short_commit(commit))
        }
        Body::WaveVerify { wave, clusters, reason, .. } => {
            let why = because(reason.as_deref());
            format!("wave {wave}: tests run again on {}{why}", named(clusters))
        }
        Body::AttemptRetry { which, clusters, reason, .. } => {
            let which = match which {
                RetryWhich::Failed => "failed ",
                RetryWhich::Skipped => "skipped ",
                RetryWhich::Deferred => "deferred ",
                RetryWhich::Named => "",
            };
            format!("{which}{} to be tried again{}", named(clusters), because(reason.as_deref()))
        }
        Body::AttemptSkip { clusters, reason, .. } => {
            format!("{} left out: {reason}", named(clusters))
        }
    }
}

fn ended(cluster: &ClusterName, result: &AttemptResult) -> String {
    match result {
        AttemptResult::Succeeded => format!("{cluster} is done"),
        AttemptResult::NoOp => format!("{cluster} was already there"),
        AttemptResult::Failed { failure, step, cause } => {
            let at = step.as_ref().map_or_else(String::new, |step| format!(" at {step}"));
            format!("{cluster} failed{at} ({}): {cause}", failure_word(*failure))
        }
        AttemptResult::TimedOut { step, cause } => format!("{cluster} ran out of time at {step}: {cause}"),
        AttemptResult::Aborted { after: Some(step) } => format!("{cluster} was aborted after {step}"),
        AttemptResult::Aborted { after: None } => format!("{cluster} was aborted before its first step"),
        AttemptResult::RolledBack => format!("{cluster} was rolled back"),
        AttemptResult::Departed => format!("{cluster} left the fleet"),
        AttemptResult::Superseded => format!("{cluster} was taken over by another rollout"),
    }
}

/// The word for a kind of failure.
pub fn failure_word(failure: Failure) -> &'static str {
    match failure {
        Failure::Transient => "transient",
        Failure::Permanent => "permanent",
        Failure::Test => "test",
        Failure::Gate => "gate",
        Failure::Unknown => "unknown",
    }
}

/// The words for a deferral.
pub fn deferral(reason: Deferral) -> &'static str {
    match reason {
        Deferral::Window => "its window is closed",
        Deferral::Busy => "something else owns it",
        Deferral::Unreachable => "unreachable",
        Deferral::Hibernated => "hibernated",
        Deferral::Hold => "on hold",
        Deferral::Joined => "joined late",
    }
}

/// Why something halted, in words.
pub fn halt(cause: &HaltCause) -> String {
    match cause {
        HaltCause::FailureBudget { failed, budget } => {
            format!("{} failed, {budget} tolerated", count(*failed, "cluster"))
        }
        HaltCause::NoTests => "not one test ran".to_owned(),
        HaltCause::RollbackEnded { by } => format!("{by} ended, and not everything is back"),
    }
}

/// The first few names, and how many more there are.
pub fn named(clusters: &[ClusterName]) -> String {
    const SHOWN: usize = 5;
    first_of(clusters.iter().map(ClusterName::as_str), SHOWN)
}

/// The first `most` of some names, and how many more there are.
pub fn first_of<'n>(names: impl ExactSizeIterator<Item = &'n str>, most: usize) -> String {
    let more = names.len().saturating_sub(most);
    let names = names.take(most).collect::<Vec<_>>().join(", ");
    if more > 0 { format!("{names} and {more} more") } else { names }
}

fn sided(side: Side, wave: &WaveName) -> String {
    match side {
        Side::Before => format!("before wave {wave}"),
        Side::After => format!("after wave {wave}"),
    }
}

fn because(reason: Option<&str>) -> String {
    reason.filter(|r| !r.is_empty()).map_or_else(String::new, |reason| format!(": {reason}"))
}

/// Nothing for the first, ` (try 2)` from the second on.
fn nth(n: u32, noun: &str) -> String {
    if n > 1 { format!(" ({noun} {n})") } else { String::new() }
}

/// A commit's first ten characters; more than enough for people.
pub fn short_commit(commit: &str) -> &str {
    commit.get(..10).unwrap_or(commit)
}
