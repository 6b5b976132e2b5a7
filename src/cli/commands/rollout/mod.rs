//! Commands on rollouts: which rollout is meant, and who does what is asked.

pub mod ask;
mod drive;
mod events;
mod export;
mod look;
mod replan;
mod replay;
mod rollback;

use super::Context;
use crate::cli::args::{RolloutCommand, RolloutRef};
use crate::cli::failure::{Failure, Outcome};
use crate::cli::place::OpenJournal;
use crate::diag::{Finding, codes};
use crate::output::exit::Code;
use crate::rollout::{FleetState, Rollout, RolloutState};

/// Runs one of them.
pub async fn run(command: RolloutCommand, context: &Context<'_>) -> Outcome {
    match command {
        RolloutCommand::Start(args) => drive::start(&args, context).await,
        RolloutCommand::Run(args) => drive::run(&args, context).await,
        RolloutCommand::Watch(args) => drive::watch(&args, context).await,
        RolloutCommand::Status(args) => look::status(&args, context).await,
        RolloutCommand::List => look::list(context).await,
        RolloutCommand::Why(args) => look::why(&args, context).await,
        RolloutCommand::Approve(args) => ask::approve(args, context).await,
        RolloutCommand::Revoke(args) => ask::revoke(args, context).await,
        RolloutCommand::Override(args) => ask::override_condition(args, context).await,
        RolloutCommand::Verify(args) => ask::verify(args, context).await,
        RolloutCommand::Pause(args) => ask::pause(args, context).await,
        RolloutCommand::Resume(args) => ask::resume(args, context).await,
        RolloutCommand::Rollback(args) => rollback::run(&args, context).await,
        RolloutCommand::Abort(args) => ask::abort(args, context).await,
        RolloutCommand::Supersede(args) => ask::supersede(args, context).await,
        RolloutCommand::Replan(args) => replan::run(&args, context).await,
        RolloutCommand::Skip(args) => ask::skip(args, context).await,
        RolloutCommand::Retry(args) => ask::retry(args, context).await,
        RolloutCommand::Events(args) => events::run(&args, context).await,
        RolloutCommand::Show(args) => export::show(&args, context).await,
        RolloutCommand::Export(args) => export::run(&args, context).await,
        RolloutCommand::Replay(args) => replay::run(&args, context).await,
    }
}

/// The journal, if there is one; that there is none means that there is no rollout.
async fn journal(context: &Context<'_>) -> Result<OpenJournal, Failure> {
    if let Some(open) = context.place.existing_journal().await? {
        return Ok(open);
    }
    let mut none = no_rollouts();
    let path = context.place.journal_path().await?;
    let lost = format!("there is no journal at {}; if it was lost: docs/recovering.md", path.display());
    none.findings = none.findings.into_iter().map(|finding| finding.hint(lost.clone())).collect();
    Err(none)
}

fn no_rollouts() -> Failure {
    let finding = Finding::error(&codes::NO_SUCH_ROLLOUT, "this repository has no rollout yet")
        .hint("its journal is made with the first plan; another journal is named with --journal")
        .next("tidegate plan RELEASE --out FILE");
    Failure::new(Code::NothingSelected, finding)
}

/// The rollout that is meant: by id, by release for its newest, or the newest open one, else the
/// newest.
fn find<'a>(state: &'a FleetState, asked: Option<&RolloutRef>) -> Result<&'a Rollout, Failure> {
    let newest = || state.open_rollouts().last().or_else(|| state.rollouts().next_back());
    match asked {
        Some(name) => state
            .find(name.as_str())
            .ok_or_else(|| Failure::no_rollout(name.as_str(), state.rollouts().map(|r| r.id().as_str()))),
        None => newest().ok_or_else(no_rollouts),
    }
}

/// What the state of a rollout means for the exit code, once it rests.
fn code(rollout: &Rollout) -> Code {
    match rollout.state() {
        RolloutState::Running if rollout.is_through() => Code::FinishedWithFailures,
        RolloutState::Halted { .. } => Code::Failed,
        RolloutState::Aborting
        | RolloutState::Aborted
        | RolloutState::RolledBack { .. }
        | RolloutState::Superseded { .. } => Code::Aborted,
        RolloutState::Pausing | RolloutState::Paused | RolloutState::RollingBack { .. } => Code::Blocked,
        RolloutState::SucceededWithFailures => Code::FinishedWithFailures,
        RolloutState::Planned | RolloutState::Running | RolloutState::Succeeded => Code::Done,
    }
}
