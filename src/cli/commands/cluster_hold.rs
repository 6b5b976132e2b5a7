//! Holds: a cluster, or one product of it, is kept as it is until it is released.

use super::Context;
use super::fleet::members;
use super::rollout::ask::send;
use crate::cli::args::{ClusterHold, ClusterRelease};
use crate::cli::failure::{Failure, Outcome};
use crate::diag::codes;
use crate::model::{ClusterName, Expiry};
use crate::output::envelope::List;
use crate::output::exit::Code;
use crate::output::screens::{FleetRequestScreen, ListedHold};
use crate::rollout::{Command, FleetState, Kept, Refusal, RefusalExit};

/// Keeps a cluster, or one product of it, as it is.
pub async fn hold(args: ClusterHold, context: &Context<'_>) -> Outcome {
    let mut open = context.place.journal().await?;
    let cluster = &args.cluster;
    if !known(open.follower.state(), cluster) {
        let (_, members) = members(context).await?;
        if !members.contains_key(cluster) {
            let names = members.keys().map(ClusterName::as_str);
            return Err(Failure::missing("cluster", cluster.as_str(), names));
        }
    }
    let command = |state: &FleetState| {
        Ok(Command::Hold {
            cluster: cluster.clone(),
            kept: args.product.as_ref().map(|product| kept(state, cluster, product)).transpose()?,
            reason: args.reason.clone(),
            until: args.until.map(Expiry::moment),
        })
    };
    let events = send(&mut open, context, command).await?;
    show(cluster, events, context)
}

/// Lets it go on.
pub async fn release(args: ClusterRelease, context: &Context<'_>) -> Outcome {
    let mut open = context.place.journal().await?;
    let ClusterRelease { cluster, product, reason } = args;
    let events = send(&mut open, context, |_| {
        Ok(Command::Release { cluster: cluster.clone(), product: product.clone(), reason: reason.clone() })
    })
    .await?;
    show(&cluster, events, context)
}

/// What is held.
pub async fn list(context: &Context<'_>) -> Outcome {
    let open = context.place.existing_journal().await?;
    let now = context.place.now();
    let state = open.as_ref().map(|open| open.follower.state());
    let items: Vec<ListedHold> = state
        .into_iter()
        .flat_map(|state| state.holds())
        .map(|(cluster, hold)| ListedHold::of(cluster, hold, now))
        .collect();
    context.surface.show(&List::whole(items), now, &[], [Code::Done]);
    Ok(vec![Code::Done])
}

/// Whether the journal has ever heard of a cluster, so that no source need be asked for it.
fn known(state: &FleetState, cluster: &ClusterName) -> bool {
    state.seen(cluster).is_some() || state.rollouts().any(|rollout| rollout.cluster(cluster).is_some())
}

/// The version that a product has there, as it was last seen.
fn kept(
    state: &FleetState,
    cluster: &ClusterName,
    product: &crate::model::ProductName,
) -> Result<Kept, Refusal> {
    let observed = state.seen(cluster).and_then(|seen| seen.observed.as_ref());
    match observed.and_then(|observed| observed.products.get(product)) {
        Some(found) => Ok(Kept {
            product: product.clone(),
            version: found.version.clone(),
            commit: found.commit.clone(),
            digest: found.digest,
        }),
        None => Err(Refusal {
            code: &codes::NOTHING_TO_HOLD,
            sentence: format!("{cluster} was never seen with {product}, so there is no version to keep"),
            legal: vec!["tidegate cluster list".to_owned()],
            exit: RefusalExit::NothingSelected,
        }),
    }
}

fn show(cluster: &ClusterName, events: Vec<crate::journal::Event>, context: &Context<'_>) -> Outcome {
    let screen = FleetRequestScreen { subject: cluster.to_string(), events };
    context.surface.show(&screen, context.place.now(), &[], [Code::Done]);
    Ok(vec![Code::Done])
}
