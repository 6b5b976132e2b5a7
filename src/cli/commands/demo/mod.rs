//! `demo`: a story on a simulated fleet, in a folder that goes away. What is typed in it are the commands
//! of everyday use, run by the same code; only clusters and time are not real.

mod names;
mod stage;
mod stories;

use std::sync::Arc;

use super::Context;
use super::apart::apart;
use crate::cli::args::Demo;
use crate::cli::failure::{Failure, Outcome};
use crate::diag::{Finding, codes};
use crate::output::exit::Code;
use crate::sim::runtime::{self, Pace};

/// Tells a story.
pub async fn run(args: &Demo, context: &Context<'_>) -> Outcome {
    if !(args.speed > 0.0 && args.speed <= 3_600.0) {
        let message = format!("a speed of {} is none", args.speed);
        let finding = Finding::error(&codes::INVALID_VALUE, message)
            .hint("so many seconds of the fleet pass in one of yours: above 0, at most 3600");
        return Err(Failure::new(Code::Usage, finding));
    }
    let (args, surface, signals) = (args.clone(), Arc::clone(context.surface), context.signals.clone());
    let (globals, real) = (context.place.globals().clone(), tokio::runtime::Handle::current());
    // A signal ends the story at its next step, so that its folder goes away in good order.
    drop(context.signals.gentle());
    let told = apart(move || {
        let pace = Pace::new(None);
        let stage = stage::Stage { args, globals, surface, signals, pace: pace.clone(), real };
        runtime::show(&pace, stage.play())
    });
    told.await?.unwrap_or_else(|error| {
        let finding = Finding::error(&codes::UNEXPECTED, format!("the simulation can't run: {error}"));
        Err(Failure::new(Code::Unexpected, finding))
    })
}
