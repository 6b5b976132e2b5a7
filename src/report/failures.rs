//! Failures explained: why a cluster failed, with the last words of the test or step, and what is
//! left of a rollout that ended without having done everything.

use super::commands::Offers;
use super::event::failure_word;
use super::explain::people;
use super::explanation::{Explanation, Subject};
use crate::diag::{count, count_of};
use crate::journal::{RetryWhich, StepOutcome};
use crate::model::ClusterName;
use crate::plan::PlannedCluster;
use crate::rollout::{AttemptState, Class, Cluster, Rollout, RolloutState};

/// So many failed clusters are named as evidence.
pub(super) const NAMED: usize = 5;
/// So many of the last lines that a failed test or step printed stand under its cluster, where
/// other clusters are told of, too.
const LINES: usize = 5;
/// What every line that a test or step printed begins with.
pub const PRINTED: &str = "| ";

/// The clusters that failed, in plan order.
pub(super) fn failed_clusters(rollout: &Rollout) -> impl Iterator<Item = (&PlannedCluster, &Cluster)> {
    rollout
        .clusters()
        .filter(|(_, _, _, cluster)| cluster.state().class().is_failure())
        .map(|(_, _, planned, cluster)| (planned, cluster))
}

/// The first failed clusters with their last words, how many more there are, who answers for the
/// products, and the names of all.
pub(super) fn named(rollout: &Rollout) -> (Vec<String>, Vec<&str>, Vec<&ClusterName>) {
    let (mut evidence, mut owners, mut names) = (Vec::new(), Vec::new(), Vec::new());
    for (planned, cluster) in failed_clusters(rollout) {
        names.push(&planned.name);
        if names.len() <= NAMED {
            evidence.push(format!("{}: {}", planned.name, line(cluster)));
            let printed = printed(cluster);
            evidence.extend(printed.iter().skip(printed.len().saturating_sub(LINES)).cloned());
        }
        if let Some(owner) = owner(rollout, planned, cluster)
            && !owners.contains(&owner)
        {
            owners.push(owner);
        }
    }
    if names.len() > NAMED {
        evidence.push(format!("and {} more", names.len() - NAMED));
    }
    (evidence, owners, names)
}

/// Why one cluster failed and stays so, and what can be done.
pub(super) fn of_cluster(offers: &Offers<'_>, name: &ClusterName) -> Option<Explanation> {
    let rollout = offers.rollout;
    let (wave, _, planned) = rollout.plan().cluster(name)?;
    let cluster = rollout.cluster(name)?;
    if !matches!(cluster.state().class(), Class::Failed | Class::RolledBack) {
        return None;
    }
    let attempt = cluster.attempt();
    let mut evidence = vec![line(cluster)];
    evidence.extend(printed(cluster));
    evidence.extend(before_that(offers, planned));
    let mut commands: Vec<String> =
        [offers.retry(name), offers.retry_all(RetryWhich::Failed), offers.skip(&[name])]
            .into_iter()
            .flatten()
            .collect();
    if offers.retry(name).is_some() {
        commands.retain(|command| !command.ends_with(" --failed"));
    }
    let condition = if commands.is_empty() {
        commands.push(offers.plan());
        "its cause is mended and a new plan takes it up: this rollout is at its end"
    } else {
        "its cause is mended and it is retried, or it is skipped"
    };
    Some(Explanation {
        gate: attempt.failed_step().map_or_else(|| "attempt".to_owned(), ToString::to_string),
        state: attempt.state().word().to_owned(),
        since: Some(attempt.since()),
        looks: None,
        evidence,
        unblock: people(condition, owner(rollout, planned, cluster), commands),
        subject: Subject {
            rollout: Some(rollout.id().clone()),
            wave: Some(wave.name.clone()),
            cluster: Some(name.clone()),
        },
    })
}

/// What had failed there before the rollback: whoever looks at two failures wants both.
fn before_that(offers: &Offers<'_>, planned: &PlannedCluster) -> Option<String> {
    let of = offers.rollout.rolls_back()?;
    let original = offers.state.rollout(of)?.cluster(&planned.name)?;
    let attempts = original.earlier().iter().rev().chain([original.attempt()]);
    let cause = original.attempt().cause().or_else(|| attempts.filter_map(|a| a.cause()).next())?;
    Some(format!("before the rollback, in {of}: {cause}"))
}

/// What is left of a rollout that is at an end, unless everything is done.
pub(super) fn of_end(offers: &Offers<'_>) -> Option<Explanation> {
    let rollout = offers.rollout;
    let counts = rollout.counts();
    let mut evidence = Vec::new();
    let (failed, owners, names) = named(rollout);
    let (gate, condition, commands) = match rollout.state() {
        RolloutState::Aborted => {
            evidence.extend(rollout.asked().map(|(actor, reason)| match reason {
                Some(reason) => format!("aborted by {actor}: {reason}"),
                None => format!("aborted by {actor}"),
            }));
            evidence.push(format!("{} done", count_of(counts.done(), counts.total(), "cluster")));
            ("abort", "an abort is final: a new plan takes up what is left", vec![offers.plan()])
        }
        RolloutState::RolledBack { by } => {
            evidence.push(format!("{by} took back what it brought"));
            (
                "rollback",
                "it is over: a mended release goes forward",
                vec![format!("tidegate rollout status {by}")],
            )
        }
        RolloutState::Superseded { by } => {
            evidence.extend(rollout.asked().map(|(actor, reason)| match reason {
                Some(reason) => format!("superseded by {by}, by {actor}: {reason}"),
                None => format!("superseded by {by}, by {actor}"),
            }));
            evidence.push(format!("{} done", count_of(counts.done(), counts.total(), "cluster")));
            ("superseded", "it goes on in the other rollout", vec![format!("tidegate rollout status {by}")])
        }
        RolloutState::SucceededWithFailures => {
            let later = counts.of(Class::Deferred);
            if later > 0 {
                evidence.push(format!("{} deferred", count(later, "cluster")));
            }
            let joining: Vec<ClusterName> = offers.state.joining(rollout).into_iter().cloned().collect();
            if !joining.is_empty() {
                evidence.push(format!("{}: in no plan yet", super::event::named(&joining)));
            }
            let first: Vec<&ClusterName> = names.iter().take(NAMED).copied().collect();
            let mut commands: Vec<String> = [
                offers.retry_all(RetryWhich::Failed),
                offers.retry_all(RetryWhich::Deferred),
                offers.skip(&first).filter(|_| !first.is_empty()),
            ]
            .into_iter()
            .flatten()
            .collect();
            if commands.is_empty() {
                commands.push(offers.plan());
            }
            ("failures", "what is left is retried or skipped, or a new plan takes it up", commands)
        }
        _ => return None,
    };
    evidence.extend(failed);
    Some(Explanation {
        gate: gate.to_owned(),
        state: rollout.state().word().to_owned(),
        since: Some(rollout.since()),
        looks: None,
        evidence,
        unblock: people(condition, owners, commands),
        subject: Subject { rollout: Some(rollout.id().clone()), ..Subject::default() },
    })
}

/// `failed at ingress/helm: CAUSE`.
fn line(cluster: &Cluster) -> String {
    let attempt = cluster.attempt();
    let at = attempt.failed_step().map_or_else(String::new, |step| format!(" at {step}"));
    let word = match attempt.state() {
        AttemptState::Failed(failure) => format!("failed ({})", failure_word(*failure)),
        other => other.word().to_owned(),
    };
    match attempt.cause() {
        Some(cause) => format!("{word}{at}: {cause}"),
        None => format!("{word}{at}"),
    }
}

/// What the failed test or step printed, as far as it was kept.
fn printed(cluster: &Cluster) -> Vec<String> {
    let attempt = cluster.attempt();
    let step = attempt.steps().iter().find(|s| Some(&s.step().id) == attempt.failed_step());
    match step.and_then(|s| s.outcome()) {
        Some((StepOutcome::Failed { output, .. }, _)) => {
            output.iter().map(|line| format!("{PRINTED}{line}")).collect()
        }
        _ => Vec::new(),
    }
}

/// The team that answers for the product at which a cluster failed.
fn owner<'a>(rollout: &'a Rollout, planned: &PlannedCluster, cluster: &Cluster) -> Option<&'a str> {
    let product = cluster.attempt().failed_step()?.product()?;
    let target = planned.targets.iter().find(|t| &t.product == product)?;
    rollout.plan().products.get(&target.digest).map(|p| p.owner.as_str())
}
