//! `rollout replan`: makes a new plan of a rollout's release, shows what it changes wave by wave, and
//! has the rollout go on by it.

use super::ask::send;
use super::{Context, find, journal};
use crate::cli::args::Replan;
use crate::cli::failure::{Failure, Outcome, warnings};
use crate::diag::{Finding, codes};
use crate::engine::planning::{PlanRequest, plan};
use crate::model::RolloutId;
use crate::output::Screen;
use crate::output::exit::Code;
use crate::output::screens::ReplanScreen;
use crate::plan::Plan;
use crate::port::Git;
use crate::rollout::{Command, FleetState, Refusal, admit};

/// Plans anew. At a terminal what changes is shown first, and it asks.
pub async fn run(args: &Replan, context: &Context<'_>) -> Outcome {
    context.place.asks_clusters()?;
    let mut open = journal(context).await?;
    let (id, request) = {
        let rollout = find(open.follower.state(), Some(&args.rollout))?;
        // Before clusters are looked at: the same plan is refused for all that stands against any.
        let same = command(rollout.id(), rollout.plan(), args);
        if let Err(refusal) = admit(open.follower.state(), &same, context.place.now())
            && refusal.code != &codes::REPLAN_NOTHING
        {
            return Err(refusal.into());
        }
        let was = rollout.plan();
        let request = PlanRequest {
            release: was.release.id.clone(),
            pipeline: Some(was.pipeline.name.clone()),
            defer_unknown: args.defer_unknown || !was.unknown.is_empty(),
            options: was.options,
            only: None,
            about: None,
            actor: context.place.actor().await,
        };
        (rollout.id().clone(), request)
    };
    let git = context.place.repository().await?;
    let world = context.place.world(&git, &open);
    let (new, gathered) = plan(&world, &context.place.times()?, &mut open.follower, &request).await?;
    context.surface.findings(&gathered.findings);
    let warned = warnings(&gathered.findings);
    let now = context.place.now();
    let mut screen = {
        let state = open.follower.state();
        admit(state, &command(&id, &new, args), now)?;
        let rollout = state.rollout(&id).ok_or_else(|| Failure::no_rollout(id.as_str(), []))?;
        ReplanScreen::of(rollout, &new)
    };
    if args.dry_run {
        context.surface.show(&screen, now, &warned, [Code::Done]);
        return Ok(vec![Code::Done]);
    }
    if context.surface.asks_a_person() && !context.place.globals().yes {
        context.surface.talk(screen.text(&context.surface.look(now)).trim_end());
        if !context.confirm(&format!("Have {id} go on by this plan?")).await {
            let finding =
                Finding::info(&codes::NOT_CONFIRMED, format!("nothing changed: {id} keeps its plan"));
            return Err(Failure::new(Code::Interrupted, finding));
        }
    }
    unmoved(&*world.git, &new, &id).await?;
    // What clusters came to meanwhile may move; what the plan says of them does not.
    let events = send(&mut open, context, |_: &FleetState| -> Result<Command, Refusal> {
        Ok(command(&id, &new, args))
    })
    .await?;
    screen.recorded = events.first().map(|event| event.seq);
    let driver = context.place.driver(&open).await?;
    screen.undriven = !driver.is_some_and(|d| d.alive);
    context.surface.show(&screen, context.place.now(), &warned, [Code::Done]);
    Ok(vec![Code::Done])
}

fn command(id: &RolloutId, plan: &Plan, args: &Replan) -> Command {
    Command::Replan { rollout: id.clone(), plan: Box::new(plan.clone()), reason: args.reason.clone() }
}

/// Refuses a plan that was made from another commit than the last one is now: making it, and asking
/// whether it is meant, takes its time.
async fn unmoved(git: &dyn Git, plan: &Plan, id: &RolloutId) -> Result<(), Failure> {
    let head = git.head().await.map_err(|fault| Failure::outside("reading the last commit", &fault))?;
    if head == plan.commit {
        return Ok(());
    }
    let short = |commit: &str| commit.get(..10).unwrap_or(commit).to_owned();
    let message = format!(
        "the plan is stale: it was made from commit {}, and the last one is {} now",
        short(&plan.commit),
        short(&head)
    );
    let finding = Finding::error(&codes::PLAN_STALE, message).next(format!("tidegate rollout replan {id}"));
    Err(Failure::new(Code::Conflict, finding))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::engine::repo::fake::Memory;
    use crate::rollout::tests::scripted::plans;

    #[tokio::test]
    async fn a_plan_is_not_sent_once_somebody_has_committed() {
        let git = Memory::with(&[]);
        let mut plan = plans::plan(&plans::Shape::of(vec![plans::WaveShape::of(1)]));
        plan.commit = git.head();
        let id = "R1-1".parse().unwrap();
        assert!(unmoved(&git, &plan, &id).await.is_ok());
        git.commit();
        let failure = unmoved(&git, &plan, &id).await.unwrap_err();
        assert_eq!(failure.exit, Code::Conflict);
        assert!(failure.findings.to_string().contains("stale"), "{}", failure.findings);
    }
}
