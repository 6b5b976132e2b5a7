//! Commands on one cluster: what it shall run and why, and taking it over. The fleet as a whole is for
//! `fleet`.

use super::{Context, cluster_hold, fleet};
use crate::cli::args::{ClusterAdopt, ClusterCommand, ClusterShow, ReleaseDiff};
use crate::cli::failure::{Failure, Outcome, warnings};
use crate::diag::{Finding, codes};
use crate::engine::planning::{PlanError, PlanRequest, gather};
use crate::engine::{adoption, compare, repo};
use crate::model::{ClusterName, ReleaseId};
use crate::output::exit::Code;
use crate::output::screens::{AdoptedScreen, ClusterScreen};
use crate::plan::PlanOptions;
use crate::report::age;
use crate::resolve::{ResolveInput, desired};
use crate::rollout::FleetState;

/// Runs one of them.
pub async fn run(command: ClusterCommand, context: &Context<'_>) -> Outcome {
    match command {
        ClusterCommand::List(args) => fleet::list(&args, context).await,
        ClusterCommand::Matrix(args) => fleet::matrix(&args, context).await,
        ClusterCommand::Drift(args) => fleet::drift(&args, context).await,
        ClusterCommand::Show(args) => show(&args, context).await,
        ClusterCommand::Adopt(args) => adopt(&args, context).await,
        ClusterCommand::Hold(args) => cluster_hold::hold(args, context).await,
        ClusterCommand::Release(args) => cluster_hold::release(args, context).await,
        ClusterCommand::Holds => cluster_hold::list(context).await,
    }
}

async fn show(args: &ClusterShow, context: &Context<'_>) -> Outcome {
    context.place.asks_clusters()?;
    let git = context.place.repository().await?;
    let mut open = context.place.journal().await?;
    let world = context.place.world(&git, &open);
    let release = match &args.release {
        Some(release) => release.clone(),
        None => newest(context, rolled_out(open.follower.state(), &args.cluster)).await?,
    };
    let request = PlanRequest {
        release: release.clone(),
        pipeline: first_pipeline(context).await?,
        defer_unknown: true,
        options: PlanOptions::default(),
        only: Some(args.cluster.clone()),
        about: None,
        actor: context.place.actor().await,
    };
    let gathered = gather(&world, &context.place.times()?, &mut open.follower, &request).await?;
    let cluster = &args.cluster;
    let found = gathered.with_input(|input| {
        Ok(input.clusters.get(cluster).map(|entry| {
            let ground = input.ground();
            let observed = input.observed.get(cluster);
            (entry.plain_labels(), desired(&ResolveInput { ground, cluster: entry, observed }))
        }))
    })?;
    let Some((labels, (desired, findings))) = found else {
        let members = fleet::members(context).await?.1;
        return Err(Failure::missing("cluster", cluster.as_str(), members.keys().map(ClusterName::as_str)));
    };
    context.surface.findings(&findings);
    let (state, now) = (open.follower.state(), context.place.now());
    let observed = state.seen(cluster).and_then(|seen| seen.observed.as_ref());
    let screen = ClusterScreen::of(&desired, labels, release, observed, age::seen(state, cluster, now));
    let code = if findings.has_errors() { Code::Invalid } else { Code::Done };
    context.surface.show(&screen, now, &warnings(&findings), [code]);
    Ok(vec![code])
}

/// `release diff --cluster`: what one release would change there against another.
pub async fn diff(args: &ReleaseDiff, context: &Context<'_>) -> Outcome {
    let Some(cluster) = &args.cluster else { return Ok(vec![Code::Done]) };
    context.place.asks_clusters()?;
    let git = context.place.repository().await?;
    let mut open = context.place.journal().await?;
    let world = context.place.world(&git, &open);
    let request = PlanRequest {
        release: args.to.clone(),
        pipeline: first_pipeline(context).await?,
        defer_unknown: true,
        options: PlanOptions::default(),
        only: Some(cluster.clone()),
        about: None,
        actor: context.place.actor().await,
    };
    let times = context.place.times()?;
    let (diff, findings) =
        compare::releases(&world, &times, &mut open.follower, &request, &args.from, cluster).await?;
    context.surface.findings(&findings);
    let code = if findings.has_errors() { Code::Invalid } else { Code::Done };
    context.surface.show(&diff, context.place.now(), &warnings(&findings), [code]);
    Ok(vec![code])
}

/// The release of the newest rollout that takes this cluster.
fn rolled_out(state: &FleetState, cluster: &ClusterName) -> Option<ReleaseId> {
    let newest = state.rollouts().rev().find(|rollout| rollout.cluster(cluster).is_some())?;
    Some(newest.plan().release.id.clone())
}

/// The only cut release that no other follows; when there are several, such as a hotfix beside the next
/// release, the one that was rolled out here last.
async fn newest(context: &Context<'_>, rolled_out: Option<ReleaseId>) -> Result<ReleaseId, Failure> {
    let files = context.place.files().await?;
    let (releases, _) = repo::release_list(&files).await?;
    let cut: Vec<_> = releases.iter().filter(|r| r.digest.is_some()).collect();
    let followed = |id: &ReleaseId| cut.iter().any(|r| r.parent.as_ref() == Some(id));
    let newest: Vec<&ReleaseId> = cut.iter().map(|r| &r.id).filter(|id| !followed(id)).collect();
    match (newest.as_slice(), rolled_out) {
        ([only], _) => Ok((*only).clone()),
        ([_, ..], Some(here)) => Ok(here),
        (several, _) => {
            let message =
                if several.is_empty() { "no release was cut yet" } else { "several releases are the newest" };
            let finding = Finding::error(&codes::NO_SUCH_THING, message)
                .about(several)
                .next("tidegate cluster show CLUSTER --release RELEASE");
            Err(Failure::new(Code::NothingSelected, finding))
        }
    }
}

/// Some pipeline: what a cluster shall run does not depend on which.
async fn first_pipeline(context: &Context<'_>) -> Result<Option<crate::model::PipelineName>, Failure> {
    let files = context.place.files().await?;
    let (catalog, _) = repo::load(&files).await?;
    Ok(catalog.pipelines.keys().next().cloned())
}

async fn adopt(args: &ClusterAdopt, context: &Context<'_>) -> Outcome {
    context.place.asks_clusters()?;
    let members = fleet::members(context).await?.1;
    let entry = members.get(&args.cluster).ok_or_else(|| {
        Failure::missing("cluster", args.cluster.as_str(), members.keys().map(ClusterName::as_str))
    })?;
    let git = context.place.repository().await?;
    let open = context.place.journal().await?;
    let world = context.place.world(&git, &open);
    let actor = context.place.actor().await;
    let state = open.follower.state();
    let adopted = adoption::adopt(&world, &context.place.times()?, entry, state, &actor, &args.reason)
        .await
        .map_err(|error| match error {
            PlanError::Fault(fault) => Failure::outside(&format!("{} was not adopted", args.cluster), &fault),
            PlanError::Findings(findings) | PlanError::Missing(findings) | PlanError::Refused(findings) => {
                Failure { exit: Code::Conflict, findings }
            }
        })?;
    let screen = AdoptedScreen { adopted, reason: args.reason.clone() };
    context.surface.show(&screen, context.place.now(), &[], [Code::Done]);
    Ok(vec![Code::Done])
}
