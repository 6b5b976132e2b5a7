//! Every command: what it needs, what it asks of the library, what it prints.

mod explain;

use std::sync::Arc;

use super::args::{Args, Command};
use super::failure::Outcome;
use crate::output::Surface;

/// Runs one command.
pub async fn run(args: Args, surface: &Arc<Surface>) -> Outcome {
    let Args { globals: _, command } = args;
    match command {
        Command::Explain(explain) => explain::run(&explain, surface),
    }
}
