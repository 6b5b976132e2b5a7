//! Stop-the-line: on, off, and what is stopped.

use super::Context;
use super::rollout::ask::send;
use crate::cli::args::StopCommand;
use crate::cli::failure::Outcome;
use crate::journal::StopScope;
use crate::output::envelope::List;
use crate::output::exit::Code;
use crate::output::screens::FleetRequestScreen;
use crate::report::summary;
use crate::rollout::Command;

/// Runs one of them.
pub async fn run(command: StopCommand, context: &Context<'_>) -> Outcome {
    match command {
        StopCommand::On(args) => {
            let (scope, reason) = (args.scope.clone(), args.reason);
            ask(&args.scope, Command::StopTheLine { scope, reason }, context).await
        }
        StopCommand::Off(args) => {
            let (scope, reason) = (args.scope.clone(), args.reason);
            ask(&args.scope, Command::StartTheLine { scope, reason }, context).await
        }
        StopCommand::List => list(context).await,
    }
}

async fn ask(scope: &StopScope, command: Command, context: &Context<'_>) -> Outcome {
    // The line can be stopped before anything was ever planned.
    let mut open = context.place.journal().await?;
    let events = send(&mut open, context, |_| Ok(command.clone())).await?;
    let screen = FleetRequestScreen { subject: format!("the line of {scope}"), events };
    context.surface.show(&screen, context.place.now(), &[], [Code::Done]);
    Ok(vec![Code::Done])
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
