//! `journal rebuild`: looks at what the clusters say, shows it, and takes them over into a new journal
//! when a person has said yes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Context;
use super::fleet::members;
use super::rollout::ask::send;
use crate::cli::args::JournalRebuild;
use crate::cli::failure::{Failure, Outcome};
use crate::diag::{Finding, codes, count};
use crate::engine::rebuild::{self, FoundCluster, Standing};
use crate::model::{ClusterEntry, ClusterName};
use crate::output::Screen as _;
use crate::output::exit::Code;
use crate::output::screens::RebuildScreen;
use crate::port::Clock;
use crate::rollout::{Command, FleetState, admit};

/// Rebuilds the journal.
pub async fn run(args: &JournalRebuild, context: &Context<'_>) -> Outcome {
    context.place.asks_clusters()?;
    let entries = chosen(members(context).await?.1, &args.clusters)?;
    let path = context.place.journal_path().await?;
    // Only looking makes no journal; and an empty file is none.
    let is_there = path.metadata().is_ok_and(|file| file.len() > 0);
    let open = if is_there { Some(context.place.journal().await?) } else { None };
    let none = FleetState::new();
    let state = open.as_ref().map_or(&none, |open| open.follower.state());
    let command = |clusters| Command::Rebuild { clusters, reason: args.reason.clone() };
    admit(state, &command(Vec::new()), context.place.now())?;

    let git = context.place.repository().await?;
    let times = context.place.times()?;
    let clusters = context.place.clusters(&git);
    let clock: Arc<dyn Clock> = Arc::clone(&context.place.clock) as _;
    let known = open.as_ref().map(|open| (open.journal.id(), open.follower.state()));
    let found = rebuild::look(&*clusters, &clock, &times, &entries, known).await;
    let to_take: Vec<ClusterName> =
        found.iter().filter(|found| found.standing.is_to_take()).map(|found| found.cluster.clone()).collect();
    let mut screen = RebuildScreen {
        journal: open.as_ref().map(|open| open.journal.id()),
        path: path.display().to_string(),
        written: false,
        reason: args.reason.clone(),
        chosen: args.clusters.clone(),
        clusters: found,
    };
    drop(open);
    if to_take.is_empty() || !agreed(&screen, &to_take, context).await? {
        return Ok(show(&screen, context));
    }

    let mut open = context.place.journal().await?;
    send(&mut open, context, |_| Ok(command(to_take.clone()))).await?;
    let world = context.place.world(&git, &open);
    let actor = context.place.actor().await;
    let said = |found: &FoundCluster| match (&found.standing, &found.cause) {
        (Standing::Taken, _) => context.surface.aside(&format!("{} is taken over", found.cluster)),
        (_, Some(cause)) => context.surface.aside(&format!("{}: {cause}", found.cluster)),
        _ => {}
    };
    let all = entries.into_iter().zip(screen.clusters).collect();
    let state = open.follower.state();
    screen.clusters = rebuild::take(&world, &times, state, all, (&actor, &args.reason), &said).await?;
    screen.journal = Some(open.journal.id());
    screen.written = true;
    Ok(show(&screen, context))
}

/// The members that were asked for, all of them without a name.
fn chosen(
    members: BTreeMap<ClusterName, ClusterEntry>,
    named: &[ClusterName],
) -> Result<Vec<ClusterEntry>, Failure> {
    if let Some(unknown) = named.iter().find(|name| !members.contains_key(*name)) {
        let known = members.keys().map(ClusterName::as_str);
        return Err(Failure::missing("cluster", unknown.as_str(), known));
    }
    let named: BTreeSet<&ClusterName> = named.iter().collect();
    let is_asked = |name: &ClusterName| named.is_empty() || named.contains(name);
    Ok(members.iter().filter(|(name, _)| is_asked(name)).map(|(_, entry)| entry.clone()).collect())
}

/// Whether a person says yes: beforehand, or at a terminal once they have seen what there is.
async fn agreed(
    screen: &RebuildScreen,
    to_take: &[ClusterName],
    context: &Context<'_>,
) -> Result<bool, Failure> {
    if context.place.globals().yes {
        return Ok(true);
    }
    if !context.surface.asks_a_person() {
        return Ok(false);
    }
    context.surface.talk(&screen.text(&context.surface.look(context.place.now())));
    if context.confirm(&format!("Take over {}?", count(to_take.len(), "cluster"))).await {
        return Ok(true);
    }
    let finding = Finding::info(&codes::NOT_CONFIRMED, "nothing changed: no cluster was taken over");
    Err(Failure::new(Code::Interrupted, finding))
}

fn show(screen: &RebuildScreen, context: &Context<'_>) -> Vec<Code> {
    let of = |standing| screen.clusters.iter().any(|found| found.standing == standing);
    let mut codes = vec![Code::Done];
    codes.extend(of(Standing::Refused).then_some(Code::Conflict));
    codes.extend(of(Standing::Unreachable).then_some(Code::Unreachable));
    context.surface.show(screen, context.place.now(), &[], codes.iter().copied());
    codes
}
