//! Every command: what it needs, what it asks of the library, what it prints.

mod explain;

use std::sync::Arc;

use super::args::{Args, Command};
use super::failure::{Failure, Outcome};
use crate::diag::{Finding, codes};
use crate::output::Surface;
use crate::output::exit::Code;

/// Runs one command.
pub async fn run(args: Args, surface: &Arc<Surface>) -> Outcome {
    let Args { globals: _, command } = args;
    match command {
        Command::Explain(explain) => explain::run(&explain, surface),
        _ => {
            let message = "this command comes with a later commit";
            Err(Failure::new(Code::Unexpected, Finding::error(&codes::UNEXPECTED, message)))
        }
    }
}
