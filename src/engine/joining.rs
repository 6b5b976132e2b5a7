//! Planning a cluster that joined the fleet while a rollout runs, alone: with the release, the pipeline
//! and the renderers that the rollout froze, and the fleet and pins as they are committed now. That it
//! joins, and when it follows, is for the core.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use tokio::sync::Mutex;

use crate::catalog::{self, Catalog, Loaded};
use crate::journal::Body;
use crate::model::{ClusterEntry, ClusterName, ClusterUid, FleetFile, PinFile, PinId, RolloutId};
use crate::plan::{self, Plan};
use crate::resolve::{self, HeldProduct, Observation, PastPin};
use crate::rollout::FleetState;

use super::membership;
use super::planning::{self, Gathered, PlanError};
use super::recorder::{Recorder, Stopped};
use super::survey;
use super::task::Shared;
use super::world::World;

/// For how long what was read for one that joins is good for others: shorter than the pause before
/// another try.
const ROUND: jiff::SignedDuration = jiff::SignedDuration::from_secs(20);

/// A cluster that joins a rollout, with what is known without asking anybody.
pub struct Joiner {
    rollout: RolloutId,
    cluster: ClusterName,
    plan: Arc<Plan>,
    /// The identity that was known by this name before.
    before: Option<ClusterUid>,
    /// The clusters that are planned already, with rollout and name.
    planned: HashMap<ClusterUid, (RolloutId, ClusterName)>,
    /// What the fleet was known from last.
    known: Known,
    holds: BTreeMap<ClusterName, Vec<HeldProduct>>,
    past_pins: BTreeMap<ClusterUid, Vec<PastPin>>,
    durations: plan::Durations,
}

/// What the fleet was known from last: the commit, and when its members were recorded.
#[derive(Clone, PartialEq, Eq)]
struct Known {
    commit: Option<String>,
    at: Option<jiff::Timestamp>,
}

/// Why it does not join.
#[derive(Clone)]
struct Unjoined {
    cause: String,
    lasting: bool,
}

impl From<PlanError> for Unjoined {
    fn from(error: PlanError) -> Self {
        let lasting = !matches!(error, PlanError::Fault(_));
        let cause = match error {
            PlanError::Findings(findings) | PlanError::Missing(findings) | PlanError::Refused(findings) => {
                findings.errors().map(|f| f.message.clone()).collect::<Vec<_>>().join("; ")
            }
            PlanError::Fault(fault) => fault.message,
        };
        Self { cause, lasting }
    }
}

impl From<crate::port::Fault> for Unjoined {
    fn from(fault: crate::port::Fault) -> Self {
        Self { cause: fault.message, lasting: false }
    }
}

impl From<crate::diag::Findings> for Unjoined {
    fn from(findings: crate::diag::Findings) -> Self {
        PlanError::Findings(findings).into()
    }
}

/// What those who join one after another share, so that it is read once for all of them.
#[derive(Default)]
pub struct Rounds(Mutex<Option<Round>>);

struct Round {
    head: String,
    known: Known,
    at: jiff::Timestamp,
    read: Result<Arc<Committed>, Unjoined>,
    /// The catalogs that plans were made from, by commit.
    catalogs: HashMap<String, Arc<Catalog>>,
}

/// The last commit: its fleet, the clusters of its source included, and its pins.
struct Committed {
    fleet: Option<Loaded<FleetFile>>,
    pins: BTreeMap<PinId, Loaded<PinFile>>,
    members: BTreeMap<ClusterName, ClusterEntry>,
}

impl Rounds {
    /// The last commit, and the catalog of the commit that a plan was made from.
    async fn read(
        &self,
        world: &World,
        known: &Known,
        planned: &str,
    ) -> Result<(Arc<Committed>, Arc<Catalog>), Unjoined> {
        let head = world.git.head().await?;
        let mut shared = self.0.lock().await;
        let now = world.clock.now();
        let fresh = |round: &Round| {
            let age = now.duration_since(round.at);
            round.head == head && round.known == *known && !age.is_negative() && age < ROUND
        };
        let round = match shared.take().filter(fresh) {
            Some(round) => shared.insert(round),
            None => {
                let read = Committed::read(world, &head, known).await.map(Arc::new);
                let (known, at) = (known.clone(), world.clock.now());
                shared.insert(Round { head, known, at, read, catalogs: HashMap::new() })
            }
        };
        let committed = round.read.clone()?;
        if let Some(catalog) = round.catalogs.get(planned) {
            return Ok((committed, Arc::clone(catalog)));
        }
        let catalog = Arc::new(planning::catalog_of(world, planned).await?);
        round.catalogs.insert(planned.to_owned(), Arc::clone(&catalog));
        Ok((committed, catalog))
    }
}

impl Committed {
    async fn read(world: &World, head: &str, known: &Known) -> Result<Self, Unjoined> {
        let not_now = |cause| Unjoined { cause, lasting: false };
        membership::believed(world, head, known.commit.as_deref()).await.map_err(not_now)?;
        let catalog = planning::catalog_of(world, head).await?;
        let (members, _) = planning::members(world, &catalog, &[]).await?;
        Ok(Self { fleet: catalog.fleet, pins: catalog.pins, members })
    }
}

/// Records what came of a cluster that joins. If its rollout does not take it, that is recorded, so that
/// it is not looked at again at once.
pub async fn hand_in(recorder: &Recorder, bodies: Vec<Body>) -> Result<(), Stopped> {
    let joined = bodies.last().and_then(|body| match body {
        Body::RolloutJoined { rollout, cluster, .. } => Some((rollout.clone(), cluster.name.clone())),
        _ => None,
    });
    let written = recorder.fact(bodies).await?;
    let Some((rollout, cluster)) = joined.filter(|_| written.last() == Some(&false)) else { return Ok(()) };
    let cause = format!("what was planned for it did not fit into {rollout} any more");
    recorder.fact(vec![Body::RolloutNotJoined { rollout, cluster, cause, lasting: false }]).await.map(drop)
}

impl Joiner {
    /// A cluster that joins a rollout; `None` if there is no such rollout.
    pub fn new(
        state: &FleetState,
        rollout: &RolloutId,
        cluster: &ClusterName,
        now: jiff::Timestamp,
    ) -> Option<Self> {
        let planned = state.live_rollouts().flat_map(|rollout| {
            let of =
                |uid: &ClusterUid, name: &ClusterName| (uid.clone(), (rollout.id().clone(), name.clone()));
            rollout.plan().clusters().map(move |(_, _, planned)| of(&planned.uid, &planned.name))
        });
        let known = Known {
            commit: state.fleet_commit().map(str::to_owned),
            at: state.membership().map(|known| known.at),
        };
        let seen = state.seen(cluster).and_then(|seen| seen.observed.as_ref());
        Some(Self {
            rollout: rollout.clone(),
            cluster: cluster.clone(),
            plan: Arc::clone(state.rollout(rollout)?.plan()),
            before: seen.map(|observed| observed.uid.clone()),
            planned: planned.collect(),
            known,
            holds: planning::held_products(state, now),
            past_pins: planning::past_pins(state),
            durations: state.durations().clone(),
        })
    }

    /// Looks at it and plans it: what is to be recorded.
    pub async fn join(self, shared: &Shared) -> Vec<Body> {
        let mut bodies = Vec::new();
        let (rollout, name) = (self.rollout.clone(), self.cluster.clone());
        let planned = self.planned(shared, &mut bodies).await;
        bodies.push(match planned {
            Ok(plan::Joined { wave, pool, cluster, products, values }) => {
                Body::RolloutJoined { rollout, wave, pool, cluster: Box::new(cluster), products, values }
            }
            Err(Unjoined { cause, lasting }) => {
                Body::RolloutNotJoined { rollout, cluster: name, cause, lasting }
            }
        });
        bodies
    }

    async fn planned(self, shared: &Shared, seen: &mut Vec<Body>) -> Result<plan::Joined, Unjoined> {
        let world = &shared.world;
        let (committed, catalog) = shared.joins.read(world, &self.known, &self.plan.commit).await?;
        let gone = || Unjoined { cause: format!("{} is in the fleet no more", self.cluster), lasting: true };
        let entry = committed.members.get(&self.cluster).ok_or_else(gone)?;
        let look = survey::one(&*world.clusters, &world.clock, &shared.times, entry, "drive").await;
        seen.push(survey::event(&self.cluster, &look));
        let sight = look.map_err(|error| Unjoined { cause: error.message, lasting: false })?;
        let known = shared.known_rollouts();
        let foreign = sight.foreign(world.journal.id(), &|rollout| known.contains(rollout));
        let observed = sight.observed;
        self.stands_against(&observed.uid, foreign)?;
        // Release and pipeline as they were planned; the fleet and its pins as they are.
        let (fleet, pins) = (committed.fleet.clone(), committed.pins.clone());
        let catalog = Catalog { fleet, pins, ..Catalog::clone(&catalog) };
        let release = catalog::release::locked(&catalog, &self.plan.release.id)?;
        if *release.digest() != self.plan.release.digest {
            let cause = format!("release {} is not what was planned", self.plan.release.id);
            return Err(Unjoined { cause, lasting: true });
        }
        let now = world.clock.now();
        let pins: Vec<_> = catalog.pins.values().map(|p| &p.file).collect();
        let observation = Observation::fresh(observed);
        let needed = resolve::needed(&release, &pins, &self.holds, [&observation], now);
        let versions = planning::versions(world, &catalog, needed.iter()).await?;
        let gathered = Gathered {
            commit: self.plan.commit.clone(),
            release: self.plan.release.id.clone(),
            pipeline: self.plan.pipeline.name.clone(),
            clusters: committed.members.clone(),
            versions,
            past_pins: self.past_pins,
            holds: self.holds,
            observed: BTreeMap::from([(self.cluster.clone(), observation)]),
            renderers: self.plan.renderers.clone(),
            durations: self.durations,
            defer_unknown: true,
            question: true,
            options: self.plan.options,
            authors: self.plan.release.authors.clone(),
            now,
            unreachable: BTreeMap::new(),
            foreign: BTreeMap::new(),
            findings: crate::diag::Findings::new(),
            catalog,
        };
        let joined =
            gathered.with_input(|input| plan::join(input, &self.cluster))?.ok_or_else(|| Unjoined {
                cause: format!("no wave of pipeline {} takes it", self.plan.pipeline.name),
                lasting: true,
            })?;
        match joined.cluster.obstacles.first() {
            Some(obstacle) => Err(Unjoined { cause: obstacle.to_string(), lasting: true }),
            None => Ok(joined),
        }
    }

    /// What keeps a cluster of this identity out: it had another one, is planned by another name, or is
    /// not this journal's.
    fn stands_against(&self, uid: &ClusterUid, foreign: Option<String>) -> Result<(), Unjoined> {
        let cause = if let Some(before) = self.before.as_ref().filter(|before| *before != uid) {
            format!(
                "it has the identity {uid}, and {before} was known by this name: adopt it, or name it anew"
            )
        } else if let Some((rollout, name)) = self.planned.get(uid) {
            format!(
                "it is {name} of {rollout} by its UID; a plan that is made later takes it by its new name"
            )
        } else if let Some(why) = foreign {
            format!(
                "it is not this journal's: {why}; if that is meant: tidegate cluster adopt {} --reason TEXT, and a plan that is made later takes it",
                self.cluster
            )
        } else {
            return Ok(());
        };
        Err(Unjoined { cause, lasting: true })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::rollout::tests::scripted::plans::{Shape, WaveShape, plan};

    #[tokio::test]
    async fn who_is_refused_by_the_core_is_recorded_as_not_joined_and_tried_again_later() {
        let plan = plan(&Shape::of(vec![WaveShape::of(1)]));
        let cluster = plan.clusters().next().unwrap().2.clone();
        let joined = Body::RolloutJoined {
            rollout: "R1-1".parse().unwrap(),
            wave: "w0".parse().unwrap(),
            pool: "p0".parse().unwrap(),
            cluster: Box::new(cluster),
            products: BTreeMap::new(),
            values: BTreeMap::new(),
        };
        let (recorder, mut arriving) = Recorder::new(1);
        let loops = async {
            let first = arriving.recv().await.unwrap();
            first.written.send(vec![false]).unwrap();
            let second = tokio::time::timeout(std::time::Duration::from_secs(5), arriving.recv());
            let second = second.await.expect("nothing more is recorded").unwrap();
            second.written.send(vec![true]).unwrap();
            second.bodies
        };
        let (handed_in, bodies) = tokio::join!(hand_in(&recorder, vec![joined]), loops);
        handed_in.unwrap();
        let [Body::RolloutNotJoined { cluster, lasting: false, .. }] = &bodies[..] else {
            panic!("{bodies:?}");
        };
        assert_eq!(cluster.as_str(), "c-0");
    }
}
