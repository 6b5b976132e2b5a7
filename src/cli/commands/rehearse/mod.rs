//! `rehearse`: plays in virtual time, a release on a copy of the fleet or a scenario on a made-up one, and
//! says what came of it. Whatever is played, nothing outside is written.

mod copied;
mod release;
mod scenario;

use super::Context;
use crate::cli::args::Rehearse;
use crate::cli::failure::Outcome;

/// Rehearses.
pub async fn run(args: &Rehearse, context: &Context<'_>) -> Outcome {
    match (&args.scenario, &args.release) {
        (Some(file), _) => scenario::run(file, args.seed, context).await,
        (None, Some(release)) => release::run(release, args, context).await,
        // The parser wants one of them.
        (None, None) => Ok(Vec::new()),
    }
}
