//! A new journal in the place of a lost one: what the clusters' own records say, taken over by a
//! person's word. First it only looks, and says for each cluster what stands there and whose it is;
//! then each is taken over as by `cluster adopt`. What was rolled out is known again, how it came
//! about is not: no wave is done, no approval and no soak counts. Cut off at any point, the same
//! command does what is left.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::StreamExt;

use crate::diag::{Finding, codes};
use crate::model::{
    Actor, ClusterEntry, ClusterName, ClusterUid, ProductName, RecordPhase, ReleaseId, RolloutId,
};
use crate::port::{Clock, Clusters, NewEvent};
use crate::rollout::FleetState;
use crate::version::Version;

use super::adoption::{self, one_cluster};
use super::cluster::Sight;
use super::planning::{PlanError, append_facts, too_new_record};
use super::survey::{self, Look};
use super::world::{Times, World};

/// How many clusters are looked at, or taken over, at once.
const AT_ONCE: usize = 32;

/// What a rebuild has to do with a cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// Another journal's: to be taken over.
    Found,
    /// Another journal's, whose process seems to be alive. Only silence for a whole lease proves that
    /// it is not, so a rebuild waits for that, and leaves the cluster alone if it does not come.
    Held,
    /// It is this journal's: an earlier rebuild took it over.
    Ours,
    /// Nothing was ever rolled out there: nothing is to be taken over.
    Empty,
    /// It was taken over.
    Taken,
    /// It is left alone: the cause says why.
    Refused,
    /// It could not be asked: the cause says why.
    Unreachable,
}

impl Standing {
    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Found => "found",
            Self::Held => "held",
            Self::Ours => "ours",
            Self::Empty => "empty",
            Self::Taken => "taken",
            Self::Refused => "refused",
            Self::Unreachable => "unreachable",
        }
    }

    /// Whether a rebuild would take it over.
    pub const fn is_to_take(self) -> bool {
        matches!(self, Self::Found | Self::Held)
    }
}

/// One product, as its record says.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FoundProduct {
    /// The release that brought it.
    pub release: ReleaseId,
    /// Its version.
    pub version: Version,
    /// How far it got.
    pub phase: RecordPhase,
    /// The rollout that wrote its record.
    pub rollout: RolloutId,
}

/// One cluster, as it says itself.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FoundCluster {
    /// Its name in the fleet.
    pub cluster: ClusterName,
    /// What a rebuild has to do with it, or has done.
    #[serde(rename = "state")]
    pub standing: Standing,
    /// Why it is left alone, or could not be asked.
    pub cause: Option<String>,
    /// The code of that cause, where there is one.
    pub code: Option<&'static str>,
    /// Its identity, once it was seen.
    pub uid: Option<ClusterUid>,
    /// The holder that its lease names.
    pub holder: Option<String>,
    /// When that holder renewed it last, by its own clock.
    pub renewed: Option<jiff::Timestamp>,
    /// What its records say.
    pub products: BTreeMap<ProductName, FoundProduct>,
    /// The rollouts that its records name and that never came to an end there.
    pub unfinished: Vec<RolloutId>,
}

/// Looks at clusters, and says what a rebuild into `journal` (a new one if absent) has to do with
/// each, in the order of `entries`. Only reads.
pub async fn look(
    clusters: &dyn Clusters,
    clock: &Arc<dyn Clock>,
    times: &Times,
    entries: &[ClusterEntry],
    journal: Option<(uuid::Uuid, &FleetState)>,
) -> Vec<FoundCluster> {
    let looks: Vec<(ClusterEntry, Look)> = futures::stream::iter(entries)
        .map(|entry| async { (entry.clone(), survey::one(clusters, clock, times, entry, "rebuild").await) })
        .buffered(AT_ONCE)
        .collect()
        .await;
    let mut names: BTreeMap<ClusterUid, Vec<ClusterName>> = BTreeMap::new();
    for (entry, look) in &looks {
        if let Ok(sight) = look {
            names.entry(sight.observed.uid.clone()).or_default().push(entry.name.value.clone());
        }
    }
    let now = clock.now();
    let found = looks.iter().map(|(entry, look)| match look {
        Ok(sight) => {
            let mut found = told(entry, sight, journal.map(|(id, _)| id), now);
            let same = names.get(&sight.observed.uid).into_iter().flatten().collect::<Vec<_>>();
            let twice = (same.len() > 1).then(|| one_cluster(&same, &sight.observed.uid));
            let wrong = twice.or_else(|| {
                let state = journal.map(|(_, state)| state)?;
                adoption::misnamed(state, entry, &sight.observed.uid)
            });
            if let Some(wrong) = wrong {
                found.refuse(&wrong);
            }
            found
        }
        Err(error) if error.is_too_new() => {
            let mut found = unseen(entry, Standing::Refused, None);
            found.refuse(&too_new_record(&entry.name.value, error));
            found
        }
        Err(error) => unseen(entry, Standing::Unreachable, Some(error.message.clone())),
    });
    found.collect()
}

impl FoundCluster {
    fn refuse(&mut self, why: &Finding) {
        self.standing = Standing::Refused;
        self.code = Some(why.code.id);
        self.cause = Some(why.message.clone());
    }
}

fn unseen(entry: &ClusterEntry, standing: Standing, cause: Option<String>) -> FoundCluster {
    FoundCluster {
        cluster: entry.name.value.clone(),
        standing,
        cause,
        code: None,
        uid: None,
        holder: None,
        renewed: None,
        products: BTreeMap::new(),
        unfinished: Vec::new(),
    }
}

/// What was seen, as a rebuild tells it.
fn told(
    entry: &ClusterEntry,
    sight: &Sight,
    journal: Option<uuid::Uuid>,
    now: jiff::Timestamp,
) -> FoundCluster {
    let standing = match &sight.lease {
        None if sight.records.is_empty() => Standing::Empty,
        Some(lease) if lease.looks_alive(now) => Standing::Held,
        _ => {
            // What the same command left half done is to be done again.
            let done = sight.lease.as_ref().is_some_and(|lease| lease.released);
            match journal {
                Some(ours) if done && sight.foreign(ours, &|_| false).is_none() => Standing::Ours,
                _ => Standing::Found,
            }
        }
    };
    let products = sight.records.iter().map(|(product, record)| {
        let (state, rollout) = (&record.current, record.rollout.clone());
        let (release, version, phase) = (state.release.clone(), state.version.clone(), state.phase);
        (product.clone(), FoundProduct { release, version, phase, rollout })
    });
    let mut unfinished: Vec<RolloutId> =
        sight.records.values().filter(|r| r.is_unfinished()).map(|r| r.rollout.clone()).collect();
    unfinished.sort();
    unfinished.dedup();
    FoundCluster {
        uid: Some(sight.observed.uid.clone()),
        holder: sight.lease.as_ref().map(|lease| lease.holder.clone()),
        renewed: sight.lease.as_ref().and_then(|lease| lease.renewed),
        products: products.collect(),
        unfinished,
        ..unseen(entry, standing, None)
    }
}

/// Takes over what a look has found to be taken, many at once, each as by `cluster adopt`; `done` is
/// shown each as it comes to its end. Clusters that run nothing are recorded as seen.
///
/// # Errors
/// When the journal can't be written. A cluster that can't be taken over is said in its row.
pub async fn take(
    world: &World,
    times: &Times,
    state: &FleetState,
    found: Vec<(ClusterEntry, FoundCluster)>,
    who: (&Actor, &str),
    done: &(dyn Fn(&FoundCluster) + Sync),
) -> Result<Vec<FoundCluster>, PlanError> {
    let (actor, reason) = who;
    let taken: Vec<Result<FoundCluster, PlanError>> = futures::stream::iter(found)
        .map(|(entry, mut found)| async move {
            if found.standing == Standing::Empty {
                let look = survey::one(&*world.clusters, &world.clock, times, &entry, "rebuild").await;
                let body = survey::event(&found.cluster, &look);
                let event = NewEvent { at: world.clock.now(), actor: actor.clone(), body };
                append_facts(world, vec![event]).await?;
                return Ok(found);
            }
            if !found.standing.is_to_take() {
                return Ok(found);
            }
            match adoption::adopt(world, times, &entry, state, actor, reason).await {
                Ok(_) => found.standing = Standing::Taken,
                Err(PlanError::Findings(why) | PlanError::Missing(why) | PlanError::Refused(why)) => {
                    if let Some(why) = why.iter().next() {
                        found.refuse(why);
                    }
                }
                Err(PlanError::Fault(fault)) => {
                    found.standing = Standing::Refused;
                    found.code = Some(codes::OUTSIDE.id);
                    found.cause = Some(fault.message);
                }
            }
            done(&found);
            Ok(found)
        })
        .buffered(AT_ONCE)
        .collect()
        .await;
    taken.into_iter().collect()
}
