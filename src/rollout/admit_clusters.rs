//! Which clusters may be tried again or left out, on a person's request.

use super::admit::{refuse, resume, wrong_state};
use super::attempt::{Attempt, AttemptState, Class};
use super::command::{Refusal, RefusalExit};
use super::state::{Cluster, FleetState, Rollout, RolloutState};
use crate::diag::{codes, count};
use crate::journal::{Body, Deferral, HaltCause, RetryWhich};
use crate::model::ClusterName;

/// The clusters that are asked about, in plan order: the named ones, or all.
fn among<'a>(
    rollout: &'a Rollout,
    names: &[ClusterName],
) -> impl Iterator<Item = (&'a ClusterName, &'a Cluster)> {
    let mut indexes: Vec<usize> = if names.is_empty() {
        (0..rollout.clusters.len()).collect()
    } else {
        names.iter().filter_map(|name| rollout.by_name.get(name).copied()).collect()
    };
    indexes.sort_unstable();
    indexes.dedup();
    indexes.into_iter().filter_map(|i| Some((&rollout.planned_cluster(i)?.name, rollout.clusters.get(i)?)))
}

/// The named clusters, all of which the rollout must know.
fn named(rollout: &Rollout, clusters: &[ClusterName]) -> Result<(), Refusal> {
    for name in clusters {
        if rollout.cluster(name).is_none() {
            let sentence = format!("{} has no cluster {name}", rollout.id);
            return refuse(rollout, &codes::CLUSTER_NOT_PLANNED, RefusalExit::NothingSelected, sentence);
        }
    }
    Ok(())
}

pub(super) fn retry(
    state: &FleetState,
    rollout: &Rollout,
    which: RetryWhich,
    names: &[ClusterName],
    reason: Option<&String>,
) -> Result<Vec<Body>, Refusal> {
    named(rollout, names)?;
    if !rollout.state.tries_again() {
        return wrong_state(rollout, "retried");
    }
    if let RolloutState::Halted { cause: HaltCause::NoTests, .. } = rollout.state {
        return resume(rollout, None, reason);
    }
    let chosen = |attempt: &Attempt| {
        let class = attempt.state.class();
        // Who has joined was not tried yet.
        if attempt.state == AttemptState::Deferred(Deferral::Joined) {
            return false;
        }
        match which {
            RetryWhich::Failed => class.is_failure(),
            RetryWhich::Skipped => class == Class::Skipped,
            RetryWhich::Deferred => matches!(class, Class::Deferred | Class::Postponed),
            RetryWhich::Named => class.is_retryable(),
        }
    };
    let mut clusters = Vec::new();
    for (name, cluster) in among(rollout, names) {
        let wanted = !names.is_empty();
        if chosen(&cluster.attempt) && (wanted || which != RetryWhich::Named) {
            clusters.push(name.clone());
        } else if wanted {
            let word = cluster.attempt.state.word();
            let sentence = format!("{name} is {word}: there is nothing to try again in that way");
            return refuse(rollout, &codes::CLUSTER_STATE, RefusalExit::Conflict, sentence);
        }
    }
    if clusters.is_empty() {
        let what = match which {
            RetryWhich::Failed => "has failed",
            RetryWhich::Skipped => "was skipped",
            RetryWhich::Deferred => "is deferred",
            RetryWhich::Named => "was named",
        };
        let sentence = format!("no cluster of {} {what}", rollout.id);
        return refuse(rollout, &codes::CLUSTER_STATE, RefusalExit::NothingSelected, sentence);
    }
    free(state, rollout, &clusters)?;
    still_over_budget(rollout, &clusters)?;
    Ok(vec![Body::AttemptRetry { rollout: rollout.id.clone(), which, clusters, reason: reason.cloned() }])
}

/// Nothing may start past a failure budget, so a retry that leaves it exceeded would only halt
/// again before it has begun.
fn still_over_budget(rollout: &Rollout, retried: &[ClusterName]) -> Result<(), Refusal> {
    let mut failed: Vec<u32> = rollout.waves.iter().map(|w| w.counts.failures()).collect();
    for name in retried {
        if let Some(cluster) = rollout.cluster(name)
            && cluster.attempt.state.class().is_failure()
            && let Some(count) = failed.get_mut(cluster.wave)
        {
            *count = count.saturating_sub(1);
        }
    }
    for ((planned, wave), left) in rollout.waves().zip(failed) {
        if left > wave.failure_budget && matches!(rollout.state, RolloutState::Halted { .. }) {
            let sentence = format!(
                "{} of wave {} failed, its failure budget is {}, and nothing starts past it: retry all of them, \
                 skip some, or raise the budget",
                count(left, "more cluster"),
                planned.name,
                wave.failure_budget
            );
            return refuse(rollout, &codes::OVER_BUDGET, RefusalExit::Conflict, sentence);
        }
    }
    Ok(())
}

/// No other open rollout plans these clusters meanwhile.
fn free(state: &FleetState, rollout: &Rollout, clusters: &[ClusterName]) -> Result<(), Refusal> {
    if rollout.state.is_open() {
        return Ok(());
    }
    state
        .check_linked(rollout)
        .and_then(|()| state.check_free(rollout, clusters))
        .or_else(|why| refuse(rollout, &codes::CLUSTER_TAKEN, RefusalExit::Conflict, why))
}

pub(super) fn skip(
    state: &FleetState,
    rollout: &Rollout,
    names: &[ClusterName],
    reason: &str,
) -> Result<Vec<Body>, Refusal> {
    named(rollout, names)?;
    let planned = rollout.state == RolloutState::Planned;
    if !(rollout.state.tries_again() || planned) || rollout.state == RolloutState::Succeeded {
        return wrong_state(rollout, "given a skip");
    }
    if reason.trim().is_empty() {
        return refuse(rollout, &codes::REASON_MISSING, RefusalExit::Usage, "a skip needs a reason");
    }
    let mut clusters = Vec::new();
    for (name, cluster) in among(rollout, names).filter(|_| !names.is_empty()) {
        let class = cluster.attempt.state.class();
        if class.is_skippable() {
            clusters.push(name.clone());
        } else if class != Class::Skipped {
            let word = cluster.attempt.state.word();
            let hint = if class == Class::Active { "; it is being worked on: wait, or abort" } else { "" };
            let sentence = format!("{name} is {word}, so it can't be skipped{hint}");
            return refuse(rollout, &codes::CLUSTER_STATE, RefusalExit::Conflict, sentence);
        }
    }
    if names.is_empty() {
        let sentence = "no cluster was named";
        return refuse(rollout, &codes::CLUSTER_STATE, RefusalExit::NothingSelected, sentence);
    }
    if clusters.is_empty() {
        return Ok(Vec::new());
    }
    free(state, rollout, &clusters)?;
    Ok(vec![Body::AttemptSkip { rollout: rollout.id.clone(), clusters, reason: reason.to_owned() }])
}
