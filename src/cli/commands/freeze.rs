//! Commands on freezes.

use super::Context;
use super::files::{show, sourced};
use crate::cli::args::{FreezeAdd, FreezeCommand};
use crate::cli::failure::Outcome;
use crate::diag::Findings;
use crate::engine::repo::{self, FreezeRequest};
use crate::model::Labels;
use crate::output::envelope::List;
use crate::output::screens::RemovedFreeze;

/// `freeze`.
pub async fn run(command: FreezeCommand, context: &Context<'_>) -> Outcome {
    let files = context.place.files().await?;
    let now = context.place.now();
    match command {
        FreezeCommand::Add(args) => {
            let sourced = sourced(&files, context).await?;
            let actor = context.place.actor().await;
            let author = actor.0.strip_prefix("person:").unwrap_or(&actor.0).to_owned();
            let added = repo::freeze_add(&files, &request(*args, author), sourced, now).await?;
            show(context, &added, &added.findings)
        }
        FreezeCommand::List => {
            let (freezes, findings) = repo::freeze_list(&files, now).await?;
            show(context, &List::whole(freezes), &findings)
        }
        FreezeCommand::Remove(args) => {
            let freeze = repo::freeze_remove(&files, &args.freeze, now).await?;
            show(context, &RemovedFreeze { freeze }, &Findings::new())
        }
    }
}

fn request(args: FreezeAdd, author: String) -> FreezeRequest {
    let selector: Labels = args.selector.into_iter().map(|pair| (pair.label, pair.value)).collect();
    FreezeRequest {
        name: args.name,
        from: args.from,
        until: args.until,
        zone: args.time_zone,
        lanes: args.lanes,
        waves: args.waves,
        selector,
        author,
        reason: args.reason,
    }
}
