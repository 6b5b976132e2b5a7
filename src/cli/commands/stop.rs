//! Stop-the-line: on, off, and what is stopped.

use std::time::Duration;

use super::rollout::ask::send;
use super::{Context, fleet};
use crate::catalog::check_labels;
use crate::cli::args::StopCommand;
use crate::cli::failure::{Failure, Outcome, warnings};
use crate::diag::{Finding, Findings, codes};
use crate::journal::StopScope;
use crate::model::{ClusterName, Labels};
use crate::output::envelope::List;
use crate::output::exit::Code;
use crate::output::screens::FleetRequestScreen;
use crate::report::summary;
use crate::rollout::{Command, FleetState};

/// How long the fleet's source may take: whoever stops the line has no time.
const PATIENCE: Duration = Duration::from_secs(5);

/// Runs one of them.
pub async fn run(command: StopCommand, context: &Context<'_>) -> Outcome {
    match command {
        StopCommand::On(args) => {
            let reason = args.reason;
            ask(args.scope, true, |scope| Command::StopTheLine { scope, reason: reason.clone() }, context)
                .await
        }
        StopCommand::Off(args) => {
            let reason = args.reason;
            ask(args.scope, false, |scope| Command::StartTheLine { scope, reason: reason.clone() }, context)
                .await
        }
        StopCommand::List => list(context).await,
    }
}

async fn ask(
    scope: StopScope,
    stops: bool,
    command: impl Fn(StopScope) -> Command,
    context: &Context<'_>,
) -> Outcome {
    // The line can be stopped before anything was ever planned.
    let mut open = context.place.journal().await?;
    let scope = meant(scope, open.follower.state());
    let findings = match &scope {
        StopScope::Clusters { labels } if stops && open.follower.state().stop(&scope).is_none() => {
            reaches(labels, &scope, open.follower.state(), context).await?
        }
        _ => Findings::new(),
    };
    context.surface.findings(&findings);
    let events = send(&mut open, context, |_| Ok(command(scope.clone()))).await?;
    let screen = FleetRequestScreen { subject: format!("the line of {scope}"), events };
    context.surface.show(&screen, context.place.now(), &warnings(&findings), [Code::Done]);
    Ok(vec![Code::Done])
}

/// The scope that is meant: a release's name alone is its newest rollout.
fn meant(scope: StopScope, state: &FleetState) -> StopScope {
    match scope {
        StopScope::Rollout { rollout } => {
            let rollout = state.find(rollout.as_str()).map_or(rollout, |found| found.id().clone());
            StopScope::Rollout { rollout }
        }
        other => other,
    }
}

/// That labels select a member of the fleet, or a cluster of an open rollout. A fleet that can't be
/// read is told and keeps nobody from stopping it.
async fn reaches(
    labels: &Labels,
    scope: &StopScope,
    state: &FleetState,
    context: &Context<'_>,
) -> Result<Findings, Failure> {
    let members = match tokio::time::timeout(PATIENCE, fleet::members(context)).await {
        Ok(Ok((_, members))) => members,
        Ok(Err(failure)) => return Ok(unknown(scope, failure.findings.sorted().into_iter().next())),
        Err(_) => {
            let message = format!("its source did not answer within {} s", PATIENCE.as_secs());
            return Ok(unknown(scope, Some(Finding::error(&codes::OUTSIDE, message))));
        }
    };
    let members = members.values().map(|entry| (entry.name.value.clone(), entry.plain_labels()));
    let wrong = check_labels(labels, members.chain(at_work(state)));
    wrong.into_result(Findings::new()).map_err(|findings| Failure { exit: Code::NothingSelected, findings })
}

/// The clusters of open rollouts, by the labels of their plans and by those that were recorded last.
fn at_work(state: &FleetState) -> impl Iterator<Item = (ClusterName, Labels)> {
    let planned = state.open_rollouts().flat_map(|rollout| rollout.plan().clusters());
    let planned = planned.map(|(_, _, cluster)| (cluster.name.clone(), cluster.labels.clone()));
    let recorded = state.membership().into_iter().flat_map(|known| known.clusters.iter());
    planned.chain(recorded.map(|(name, member)| (name.clone(), member.labels.clone())))
}

/// The warning that nobody knows whom a scope reaches.
fn unknown(scope: &StopScope, why: Option<Finding>) -> Findings {
    let why = why.unwrap_or_else(|| Finding::error(&codes::OUTSIDE, "it can't be read"));
    let message = format!("whether a cluster has {scope} is not known, as the fleet is not: {}", why.message);
    let mut finding = Finding::warning(why.code, message)
        .hint("the line is stopped all the same")
        .hint("if the scope may be mistyped, `--scope fleet` reaches every cluster")
        .next("tidegate cluster list");
    finding.place = why.place;
    finding.into()
}

async fn list(context: &Context<'_>) -> Outcome {
    let open = context.place.existing_journal().await?;
    let state = open.as_ref().map(|open| open.follower.state());
    let items: Vec<summary::StopSummary> = state
        .into_iter()
        .flat_map(|state| state.stops())
        .map(|(scope, stop)| summary::stop(scope, stop))
        .collect();
    context.surface.show(&List::whole(items), context.place.now(), &[], [Code::Done]);
    Ok(vec![Code::Done])
}
