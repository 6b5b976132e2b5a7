//! `rollout rollback`: pauses a rollout that runs, waits until nothing of it is at work, plans from
//! what its clusters carry, records that, and drives it like `start`.

use std::time::{Duration, Instant};

use super::drive::{driver_alive, not_driven, started};
use super::{Context, ask, find, journal};
use crate::cli::args::Rollback;
use crate::cli::failure::{Failure, Outcome, warnings};
use crate::cli::place::OpenJournal;
use crate::diag::{Finding, codes, count};
use crate::engine::rollback::{Planned, RollbackRequest, plan};
use crate::engine::{self, Drive, Ended, Rules};
use crate::model::RolloutId;
use crate::output::Screen;
use crate::output::envelope::Warning;
use crate::output::exit::Code;
use crate::output::screens::PlanScreen;
use crate::report::event::sentence;
use crate::rollout::{Class, Command, FleetState, admit};

/// How long one wait for more events lasts at most.
const WAIT: Duration = Duration::from_secs(2);

/// Rolls back.
pub async fn run(args: &Rollback, context: &Context<'_>) -> Outcome {
    context.place.asks_clusters()?;
    let mut open = journal(context).await?;
    let id = wanted(args, open.follower.state())?;
    let git = context.place.repository().await?;
    let world = context.place.world(&git, &open);
    let request = RollbackRequest {
        of: id.clone(),
        waves: args.waves.clone(),
        clusters: args.clusters.clone(),
        remove_added: args.remove_added,
        reason: args.reason.clone(),
        actor: context.place.actor().await,
    };
    let command = Command::RollBack { rollout: id.clone(), reason: args.reason.clone() };
    let times = context.place.times()?;
    if args.plan_only {
        admit(open.follower.state(), &command, context.place.now())?;
        let planned = plan(&world, &times, &mut open.follower, &request).await?;
        context.surface.findings(&planned.findings);
        let screen = PlanScreen::of(&planned.plan, context.place.now());
        context.surface.show(&screen, context.place.now(), &warned(&planned), [Code::Done]);
        return Ok(vec![Code::Done]);
    }
    for event in ask::send(&mut open, context, |_: &FleetState| Ok(command.clone())).await? {
        context.surface.talk(&sentence(&event.body));
    }
    at_rest(&mut open, &world, &id, context).await?;
    let planned = plan(&world, &times, &mut open.follower, &request).await?;
    let now = context.place.now();
    let text = PlanScreen::of(&planned.plan, now).text(&context.surface.look(now));
    context.surface.talk(text.trim_end());
    for warning in unreachable(&planned) {
        context.surface.talk(&warning);
    }
    let start =
        |_: &FleetState| Ok(Command::Start { plan: Box::new(planned.plan.clone()), overrides: Vec::new() });
    let events = ask::send(&mut open, context, start).await?;
    started(open, &world, &events, args.detach, args.drive.until.clone(), context).await
}

/// The rollout, which must have the waves and clusters that are named.
fn wanted(args: &Rollback, state: &FleetState) -> Result<RolloutId, Failure> {
    let rollout = find(state, Some(&args.rollout))?;
    for wave in &args.waves {
        if rollout.wave(wave).is_none() {
            let known = rollout.plan().waves.iter().map(|w| w.name.as_str());
            return Err(Failure::missing("wave", wave.as_str(), known));
        }
    }
    for cluster in &args.clusters {
        if rollout.cluster(cluster).is_none() {
            let known = rollout.plan().clusters().map(|(_, _, c)| c.name.as_str());
            return Err(Failure::missing("cluster in the rollout", cluster.as_str(), known));
        }
    }
    Ok(rollout.id().clone())
}

fn unreachable(planned: &Planned) -> Vec<String> {
    let told = planned.unreachable.iter();
    told.map(|(cluster, cause)| format!("{cluster} can't be reached: {cause}")).collect()
}

fn warned(planned: &Planned) -> Vec<Warning> {
    let missing = planned.unreachable.iter().map(|(cluster, cause)| {
        Warning::missing(format!("cluster {cluster}"), format!("{cluster} can't be reached: {cause}"))
    });
    warnings(&planned.findings).into_iter().chain(missing).collect()
}

/// Waits until nothing of the rollout is at work; drives it there if nobody else does.
async fn at_rest(
    open: &mut OpenJournal,
    world: &engine::World,
    id: &RolloutId,
    context: &Context<'_>,
) -> Result<(), Failure> {
    let deadline = context.place.deadline();
    let (mut told, mut driven_before) = (false, false);
    loop {
        let Some(rollout) = open.follower.state().rollout(id) else {
            return Err(Failure::no_rollout(id.as_str(), []));
        };
        if rollout.may_be_taken_back() {
            return Ok(());
        }
        let at_work = count(rollout.counts().of(Class::Active), "cluster");
        if !std::mem::replace(&mut told, true) {
            context.surface.talk(&format!("waits until nothing of {id} is at work any more ({at_work})"));
        }
        if deadline.is_some_and(|end| Instant::now() >= end) {
            let message = format!("{id} has {at_work} at work: nothing is rolled back yet");
            let finding = Finding::error(&codes::ROLLOUT_STATE, message)
                .next(format!("tidegate rollout rollback {id} --reason TEXT"));
            return Err(Failure::new(Code::WaitTimeout, finding));
        }
        if driver_alive(open, context).await? {
            open.follower.wait(WAIT).await.map_err(|fault| Failure::journal(&open.path, &fault))?;
        } else {
            if std::mem::replace(&mut driven_before, true) {
                let message = format!("{id} has {at_work} at work, and driving it does not end that");
                let finding =
                    Finding::error(&codes::ROLLOUT_STATE, message).next(format!("tidegate rollout why {id}"));
                return Err(Failure::new(Code::Conflict, finding));
            }
            let options = Drive {
                rollouts: vec![id.clone()],
                until: engine::Until::Blocked,
                standby: false,
                stop: context.signals.gentle(),
                rules: Rules::default(),
            };
            let times = context.place.times()?;
            let hurry = context.place.hurry();
            let driven = engine::drive(world, &times, options, &mut |_, _| {}).await;
            drop(hurry);
            let (ended, _) = driven.map_err(|error| not_driven(&error))?;
            if ended == Ended::Interrupted {
                let finding = Finding::error(&codes::ROLLOUT_STATE, format!("{id} is not at rest yet"))
                    .next(format!("tidegate rollout rollback {id} --reason TEXT"));
                return Err(Failure::new(Code::Interrupted, finding));
            }
        }
        open.follower.catch_up(|_, _| {}).await.map_err(|fault| Failure::journal(&open.path, &fault))?;
    }
}
