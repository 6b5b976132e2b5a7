//! Every command: what it needs, what it asks of the library, what it prints.

mod apart;
mod bump;
mod check;
mod cluster;
mod cluster_hold;
mod demo;
mod explain;
mod files;
mod fleet;
mod freeze;
mod init;
mod journal;
mod lcm;
mod pin;
mod plan;
mod propose;
mod rebuild;
mod rehearse;
mod rollout;
mod schema;
mod stop;

use std::sync::Arc;

use super::args::{Args, Command, JournalCommand, SchemaCommand};
use super::failure::Outcome;
use super::place::Place;
use super::signals::Signals;
use crate::output::Surface;

/// What every command works with.
pub struct Context<'a> {
    /// Where it works.
    pub place: Place,
    /// Where it prints.
    pub surface: &'a Arc<Surface>,
    /// What signals ask for.
    pub signals: &'a Signals,
}

impl Context<'_> {
    /// Asks a person; no, where nobody can be asked, or where a signal comes first.
    async fn confirm(&self, question: &str) -> bool {
        let _patience = self.place.patience();
        tokio::select! {
            biased;
            () = self.signals.came() => false,
            yes = self.surface.confirm(question) => yes,
        }
    }
}

/// Runs one command.
pub async fn run(args: Args, surface: &Arc<Surface>, signals: &Signals) -> Outcome {
    let Args { globals, command } = args;
    let context = Context { place: Place::new(&globals), surface, signals };
    dispatch(command, &context).await
}

/// Runs one command in a context.
async fn dispatch(command: Command, context: &Context<'_>) -> Outcome {
    match command {
        Command::Plan(args) => plan::run(&args, context).await,
        Command::Init(args) => init::run(&args, context).await,
        Command::Check => check::run(context).await,
        Command::Product(command) => files::product(command, context).await,
        Command::Release(command) => files::release(command, context).await,
        Command::Pin(command) => pin::run(command, context).await,
        Command::Freeze(command) => freeze::run(command, context).await,
        Command::Explain(explain) => explain::run(&explain, context.surface),
        Command::Schema(SchemaCommand::Get(get)) => schema::get(&get, context),
        Command::Journal(JournalCommand::Verify(args)) => journal::verify(&args, context).await,
        Command::Journal(JournalCommand::Rebuild(args)) => rebuild::run(&args, context).await,
        Command::Lcm(command) => lcm::run(&command, context).await,
        Command::Rollout(command) => rollout::run(command, context).await,
        Command::Cluster(command) => cluster::run(command, context).await,
        Command::Demo(args) => Box::pin(demo::run(&args, context)).await,
        Command::Rehearse(args) => rehearse::run(&args, context).await,
        Command::StopTheLine(command) => stop::run(command, context).await,
    }
}
