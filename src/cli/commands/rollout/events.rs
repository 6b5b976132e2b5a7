//! `rollout events`: what happened, one event a line; as JSON lines with `-o json`, to be resumed
//! with `--after`.

use std::time::Duration;

use super::{Context, find, journal};
use crate::cli::args::Events;
use crate::cli::failure::{Failure, Outcome};
use crate::journal::Event;
use crate::output::Format;
use crate::output::exit::Code;
use crate::output::progress::line;

/// How long one wait for more events lasts before the reader is looked at again.
const WAIT: Duration = Duration::from_secs(2);
/// How many events are read at once.
const BATCH: usize = 500;

/// Prints events.
pub async fn run(args: &Events, context: &Context<'_>) -> Outcome {
    let open = journal(context).await?;
    let wanted = match &args.rollout {
        Some(asked) => Some(find(open.follower.state(), Some(asked))?.id().clone()),
        None => None,
    };
    let fault = |fault| Failure::journal(&open.path, &fault);
    let mut after = args.after;
    let until = context.place.deadline();
    loop {
        let events = open.journal.read(after, BATCH).await.map_err(fault)?;
        for event in &events {
            after = event.seq;
            if wanted.as_ref().is_none_or(|id| event.body.rollout() == Some(id)) {
                print(event, context);
            }
        }
        if context.surface.reader_is_gone() {
            return Ok(vec![Code::Done]);
        }
        if events.len() == BATCH {
            continue;
        }
        if !args.follow {
            return Ok(vec![Code::Done]);
        }
        let left =
            until.map_or(WAIT, |until| until.saturating_duration_since(std::time::Instant::now()).min(WAIT));
        if left.is_zero() {
            return Ok(vec![Code::WaitTimeout]);
        }
        open.journal.wait(after, left).await.map_err(fault)?;
    }
}

fn print(event: &Event, context: &Context<'_>) {
    match context.surface.format() {
        Format::Json => context.surface.line(event),
        Format::Table | Format::Other(_) => {
            let look = context.surface.look(context.place.now());
            let text = format!("{:>6} {} · {}\n", event.seq, line(event, &look.view), event.actor);
            context.surface.data(&text);
        }
    }
}
