//! Commands on pins: what the files say, and what open rollouts planned before.

use super::files::{show, sourced};
use super::{Context, fleet};
use crate::cli::args::{PinAdd, PinCommand, PinList};
use crate::cli::failure::{Failure, Outcome};
use crate::diag::{Finding, Findings, codes};
use crate::engine::repo::{self, PinRequest, PinRow};
use crate::model::Labels;
use crate::output::envelope::List;
use crate::output::exit::Code;
use crate::output::screens::{AddedPin, ImpactScreen, RemovedPin};
use crate::report::pins::{self, PlannedThere};

/// Runs one of them.
pub async fn run(command: PinCommand, context: &Context<'_>) -> Outcome {
    let files = context.place.files().await?;
    let now = context.place.now();
    match command {
        PinCommand::Add(args) => {
            let sourced = sourced(&files, context).await?;
            let added = repo::pin_add(&files, &request(*args), sourced, now).await?;
            let findings = added.findings.clone();
            let rollouts = planned(&added.pin, context).await?;
            show(context, &AddedPin { added, rollouts }, &findings)
        }
        PinCommand::List(args) => {
            let (pins, findings) = repo::pin_list(&files, now).await?;
            show(context, &List::whole(chosen(pins, &args)?), &findings)
        }
        PinCommand::Extend(args) => {
            let sourced = sourced(&files, context).await?;
            let extended = repo::pin_extend(&files, &args.pin, args.until, sourced, now).await?;
            show(context, &extended, &extended.findings)
        }
        PinCommand::Impact(args) => {
            let (_, members) = fleet::members(context).await?;
            let impact = repo::pin_impact(&files, &args.pin, &members, now).await?;
            let rollouts = planned(&impact.pin, context).await?;
            show(context, &ImpactScreen { impact, rollouts }, &Findings::new())
        }
        PinCommand::Remove(args) => {
            let removed = repo::pin_remove(&files, &args.pin, now).await?;
            show(context, &RemovedPin { pin: removed }, &Findings::new())
        }
    }
}

/// What open rollouts planned for the clusters of a pin.
async fn planned(pin: &PinRow, context: &Context<'_>) -> Result<Vec<PlannedThere>, Failure> {
    let open = context.place.existing_journal().await?;
    let state = open.as_ref().map(|open| open.follower.state());
    Ok(state.map(|state| pins::planned(state, &pin.id, &pin.product, &pin.clusters)).unwrap_or_default())
}

/// The pins that are asked for, in the order that is asked for.
fn chosen(mut pins: Vec<PinRow>, args: &PinList) -> Result<Vec<PinRow>, Failure> {
    if let Some(owner) = &args.owner {
        let known: Vec<String> = pins.iter().map(|pin| pin.owner.clone()).collect();
        pins.retain(|pin| pin.owner == *owner);
        if pins.is_empty() {
            let finding = Finding::error(&codes::NO_SUCH_THING, format!("`{owner}` has no pin"))
                .did_you_mean(owner, known.iter().map(String::as_str))
                .next("tidegate pin list --by-owner");
            return Err(Failure::new(Code::NothingSelected, finding));
        }
    }
    if args.by_owner {
        // Stable: those of a team that end first stay in front.
        pins.sort_by(|a, b| a.owner.cmp(&b.owner));
    }
    Ok(pins)
}

fn request(args: PinAdd) -> PinRequest {
    let selector: Labels = args.selector.into_iter().map(|pair| (pair.label, pair.value)).collect();
    PinRequest {
        id: args.id,
        product: args.product,
        version: args.version,
        clusters: args.clusters,
        selector,
        owner: args.owner,
        reason: args.reason,
        until: args.until,
        on_expiry: args.on_expiry,
        release: None,
    }
}
