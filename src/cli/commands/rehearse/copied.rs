//! What a copy of the fleet is made from: the shapes of clusters, read as they are now; the journal's
//! history, if there is a journal; the committed files.

use std::collections::BTreeMap;
use std::sync::Arc;

use uuid::Uuid;

use crate::adapter::packages::GitPackages;
use crate::catalog::{self, fleet};
use crate::cli::commands::Context;
use crate::cli::failure::Failure;
use crate::diag::{Finding, codes};
use crate::engine::cluster::{Error, Shape};
use crate::engine::{planning, survey};
use crate::journal::Event;
use crate::model::{Calendar, ClusterEntry, ClusterName, Labels, ReleaseId};
use crate::output::exit::Code;
use crate::output::screens::{CopiedFleet, Unread};
use crate::port::{Clusters, Fault};
use crate::rollout::FleetState;
use crate::sim::copy::{self, Copied, Fellow, Kept, Like};

/// The journal of a copy where there is none to copy.
const NONE: Uuid = Uuid::from_u128(0x7265_6865_6172_7361_6c00_0000_0000_0001);

/// How many events are read at once.
const BATCH: usize = 10_000;

/// What rehearsals are made from.
pub struct Original {
    /// The fleet.
    pub copied: Copied,
    /// What of it was read, for people.
    pub fleet: CopiedFleet,
    /// The calendar.
    pub calendar: Option<Calendar>,
}

/// Reads everything, and writes nothing.
pub async fn read(release: &ReleaseId, context: &Context<'_>) -> Result<Original, Failure> {
    let place = &context.place;
    let git = place.repository().await?;
    let clusters = place.clusters(&git);
    let (_, catalog) = planning::committed_in(&*git).await?;
    let kubernetes = catalog::release::locked(&catalog, release)?.spec().kubernetes.value.clone();
    let Some(file) = &catalog.fleet else {
        let finding = Finding::error(&codes::MISSING_FILE, "the last commit has no fleet");
        return Err(Failure::new(Code::Invalid, finding.hint("pipelines/fleet.yaml holds it")));
    };
    let sourced = match &file.file.spec.source {
        None => Vec::new(),
        Some(source) => {
            let listed = clusters.members(&source.value).await;
            listed.map_err(|fault| Failure::outside("the fleet's source can't be read", &fault))?
        }
    };
    let (members, wrong) = fleet::members(&file.file.spec, sourced.clone());
    wrong.into_result(())?;
    let (journal, events, state) = history(context).await?;
    let now = place.now();
    let (fellows, fleet) = fellows(&members, &*clusters, state.as_ref(), context).await?;
    let packages = Arc::new(GitPackages::new(Arc::clone(&git) as _));
    let kept = Kept::new(git, packages, place.renderer(), tokio::runtime::Handle::current());
    let sourced = Arc::new(sourced);
    let copied = Copied { fellows, sourced, journal, events, now, kubernetes, kept };
    Ok(Original { copied, fleet, calendar: catalog.calendar.as_ref().map(|c| c.file.spec.clone()) })
}

/// The journal's events and what they come to. Only looking makes no journal.
async fn history(context: &Context<'_>) -> Result<(Uuid, Vec<Event>, Option<FleetState>), Failure> {
    let Some(open) = context.place.existing_journal().await? else { return Ok((NONE, Vec::new(), None)) };
    let mut events: Vec<Event> = Vec::new();
    loop {
        let after = events.last().map_or(0, |event| event.seq);
        // Those that are written meanwhile come too late.
        let left = open.follower.position().saturating_sub(after);
        let limit = BATCH.min(usize::try_from(left).unwrap_or(BATCH));
        if limit == 0 {
            return Ok((open.journal.id(), events, Some(open.follower.state().clone())));
        }
        let read = open.journal.read(after, limit).await;
        let read = read.map_err(|fault: Fault| Failure::journal(&open.path, &fault))?;
        if read.is_empty() {
            return Ok((open.journal.id(), events, Some(open.follower.state().clone())));
        }
        events.extend(read);
    }
}

async fn fellows(
    members: &BTreeMap<ClusterName, ClusterEntry>,
    clusters: &dyn Clusters,
    state: Option<&FleetState>,
    context: &Context<'_>,
) -> Result<(Vec<Fellow>, CopiedFleet), Failure> {
    let place = &context.place;
    // Who is switched off on purpose is not waited for.
    let awake = members.values().filter(|member| !member.hibernated);
    let chosen: Vec<_> = awake.map(|m| (m.name.value.clone(), survey::access(m))).collect();
    let looks = survey::shapes(clusters, &place.clock, &place.times()?, &chosen).await;
    let mut shapes: BTreeMap<ClusterName, Arc<Shape>> = BTreeMap::new();
    let mut causes: BTreeMap<ClusterName, Error> = BTreeMap::new();
    for (name, look) in looks {
        match look {
            Ok(shape) => drop(shapes.insert(name, Arc::new(shape))),
            Err(error) => drop(causes.insert(name, error)),
        }
    }
    let mut fleet = CopiedFleet { clusters: members.len(), read: shapes.len(), ..CopiedFleet::default() };
    for shape in shapes.values() {
        fleet.nodes += shape.nodes.len();
        fleet.unready_nodes += shape.unready_nodes().count();
        fleet.budgets += shape.budgets.len();
        fleet.closed_budgets += shape.closed_budgets().count();
        fleet.workloads += copy::workloads(shape);
    }
    let mut fellows = Vec::new();
    for (name, member) in members {
        let like = match shapes.get(name) {
            Some(shape) => Like::Itself(Arc::clone(shape)),
            None => match neighbour(member, members, &shapes) {
                Some((like, shape)) => Like::Neighbour { name: like.clone(), shape: Arc::clone(shape) },
                None => Like::Nothing,
            },
        };
        if let Some(error) = causes.get(name) {
            let like = match &like {
                Like::Neighbour { name, .. } => Some(name.clone()),
                _ => None,
            };
            fleet.unread.push(Unread { cluster: name.clone(), why: error.message.clone(), like });
        }
        let known = state.and_then(|state| state.seen(name)).and_then(|seen| seen.observed.as_ref());
        let uid = known.map(|observed| observed.uid.clone());
        fellows.push(Fellow { name: name.clone(), access: survey::access(member), uid, like });
    }
    Ok((fellows, fleet))
}

/// The cluster that was read and has most labels in common.
fn neighbour<'a>(
    of: &ClusterEntry,
    members: &BTreeMap<ClusterName, ClusterEntry>,
    shapes: &'a BTreeMap<ClusterName, Arc<Shape>>,
) -> Option<(&'a ClusterName, &'a Arc<Shape>)> {
    let labels = of.plain_labels();
    let common = |other: &Labels| labels.iter().filter(|(key, value)| other.get(*key) == Some(value)).count();
    let alike = |name: &ClusterName| members.get(name).map_or(0, |member| common(&member.plain_labels()));
    // The first by name of those that are equally near.
    shapes.iter().rev().max_by_key(|(name, _)| alike(name))
}
