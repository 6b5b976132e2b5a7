//! `plan`: makes a plan, shows it, writes it to a file, and renders what it would apply.

use super::Context;
use crate::adapter::trees;
use crate::apply::ProductSet;
use crate::cli::args::PlanArgs;
use crate::cli::failure::{Failure, Outcome, warnings};
use crate::diag::{Finding, Findings, codes};
use crate::engine::contents::Contents;
use crate::engine::planning::{Gathered, PlanRequest, plan};
use crate::engine::{World, preview};
use crate::model::ClusterName;
use crate::output::envelope::Warning;
use crate::output::exit::Code;
use crate::output::screens::{ClusterPlanScreen, ManifestsScreen, PlanScreen};
use crate::plan::{Plan, PlanOptions, write};
use crate::report::estimate;

/// Plans.
pub async fn run(args: &PlanArgs, context: &Context<'_>) -> Outcome {
    context.place.asks_clusters()?;
    let git = context.place.repository().await?;
    let mut open = context.place.journal().await?;
    let world = context.place.world(&git, &open);
    let request = PlanRequest {
        release: args.release.clone(),
        pipeline: args.pipeline.clone(),
        defer_unknown: args.defer_unknown,
        options: PlanOptions {
            take_over: args.take_over,
            allow_prune: args.allow_prune,
            reapply: args.reapply,
        },
        only: None,
        about: args.cluster.clone(),
        actor: context.place.actor().await,
    };
    let (plan, gathered) = plan(&world, &context.place.times()?, &mut open.follower, &request).await?;
    context.surface.findings(&gathered.findings);
    let mut warned = warnings(&gathered.findings);
    warned.extend(unreachable(&gathered));
    if args.render {
        render(&plan, &world).await?;
    }
    let mut screen = PlanScreen::of(&plan, context.place.now());
    screen.told = true;
    screen.estimate = estimate::of_plan(open.follower.state(), &plan);
    let code = if args.exit_code && screen.changes_anything() { Code::ChangesPending } else { Code::Done };
    if let Some(file) = &args.out {
        trees::write(file, write(&plan)?).await.map_err(|fault| {
            Failure::new(Code::Conflict, Finding::error(&codes::FILE_UNWRITABLE, fault.message))
        })?;
        screen.file = Some(file.display().to_string());
    }
    let now = context.place.now();
    match &args.cluster {
        None => context.surface.show(&screen, now, &warned, [code]),
        Some(cluster) if args.manifests => {
            let sets = rendered(&plan, &world, cluster).await?;
            context.surface.show(&ManifestsScreen::of(&plan, cluster, &sets), now, &warned, [code]);
        }
        Some(cluster) => {
            let of = ClusterPlanScreen::of(&plan, cluster).ok_or_else(|| not_planned(&plan, cluster))?;
            context.surface.show(&of, now, &warned, [code]);
        }
    }
    Ok(vec![code])
}

/// Clusters that could not be seen make the answer partial.
fn unreachable(gathered: &Gathered) -> Vec<Warning> {
    let missing = |(cluster, cause): (&ClusterName, &String)| {
        Warning::missing(format!("cluster {cluster}"), format!("{cluster} can't be reached: {cause}"))
    };
    gathered.unreachable.iter().map(missing).collect()
}

/// Why a member of the fleet is not in the plan.
fn not_planned(plan: &Plan, cluster: &ClusterName) -> Failure {
    let finding = |why: &str| {
        Finding::error(
            &codes::NO_SUCH_THING,
            format!("the plan does not take the cluster `{cluster}`: {why}"),
        )
    };
    let release = &plan.release.id;
    let finding = if plan.unknown.contains(cluster) {
        finding("it was never reached, so it is left to catch-up")
            .hint("make it reachable, and plan again")
            .next(format!("tidegate plan {release} --cluster {cluster}"))
    } else {
        finding(&format!("no wave of the lane {} takes it", plan.release.lane))
            .hint("the waves of the pipeline say whom they take")
            .next(format!("tidegate cluster show {cluster} --release {release}"))
    };
    Failure::new(Code::NothingSelected, finding)
}

async fn rendered(plan: &Plan, world: &World, cluster: &ClusterName) -> Result<Vec<ProductSet>, Failure> {
    let (_, _, planned) = plan.cluster(cluster).ok_or_else(|| not_planned(plan, cluster))?;
    let contents = Contents::new(world.packages.clone());
    preview::cluster(&*world.renderer, &contents, plan, planned)
        .await
        .map_err(|fault| Failure::new(Code::Invalid, Finding::error(&codes::RENDERS_WRONG, fault.message)))
}

/// Renders every cluster and checks who owns what; everything that is wrong at once.
async fn render(plan: &Plan, world: &World) -> Result<(), Failure> {
    let contents = Contents::new(world.packages.clone());
    let mut findings = Findings::new();
    for (_, _, planned) in plan.clusters() {
        let wrong = |message: String| Finding::error(&codes::RENDERS_WRONG, message).about([&planned.name]);
        match preview::cluster(&*world.renderer, &contents, plan, planned).await {
            Err(fault) => findings.push(wrong(format!("{}: {}", planned.name, fault.message))),
            Ok(sets) => {
                let owners = preview::ownership(&sets);
                let told = owners.collisions.into_iter().chain(owners.unknown);
                findings.extend(told.map(|message| wrong(format!("{}: {message}", planned.name))));
            }
        }
    }
    findings.into_result(()).map_err(Failure::invalid)
}
