//! Planning a cluster that joined the fleet while a rollout runs, alone: with the release, the pipeline
//! and the renderers that the rollout froze, and the fleet and pins as they are committed now. That it
//! joins, and when it follows, is for the core.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::catalog;
use crate::journal::Body;
use crate::model::{ClusterName, ClusterUid, RolloutId};
use crate::plan::{self, Plan};
use crate::resolve::{self, HeldProduct, Observation, PastPin};
use crate::rollout::FleetState;

use super::planning::{self, Gathered, PlanError};
use super::survey;
use super::world::{Times, World};

/// A cluster that joins a rollout, with what is known without asking anybody.
pub struct Joiner {
    rollout: RolloutId,
    cluster: ClusterName,
    plan: Arc<Plan>,
    /// The identity that was known by this name before.
    before: Option<ClusterUid>,
    holds: BTreeMap<ClusterName, Vec<HeldProduct>>,
    past_pins: BTreeMap<ClusterUid, Vec<PastPin>>,
    durations: plan::Durations,
}

/// Why it does not join.
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

impl Joiner {
    /// A cluster that joins a rollout; `None` if there is no such rollout.
    pub fn new(
        state: &FleetState,
        rollout: &RolloutId,
        cluster: &ClusterName,
        now: jiff::Timestamp,
    ) -> Option<Self> {
        let seen = state.seen(cluster).and_then(|seen| seen.observed.as_ref());
        Some(Self {
            rollout: rollout.clone(),
            cluster: cluster.clone(),
            plan: Arc::clone(state.rollout(rollout)?.plan()),
            before: seen.map(|observed| observed.uid.clone()),
            holds: planning::held_products(state, now),
            past_pins: planning::past_pins(state),
            durations: state.durations().clone(),
        })
    }

    /// Looks at it and plans it: what is to be recorded.
    pub async fn join(self, world: &World, times: &Times) -> Vec<Body> {
        let mut bodies = Vec::new();
        let (rollout, name) = (self.rollout.clone(), self.cluster.clone());
        let planned = self.planned(world, times, &mut bodies).await;
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

    async fn planned(
        self,
        world: &World,
        times: &Times,
        seen: &mut Vec<Body>,
    ) -> Result<plan::Joined, Unjoined> {
        let (_, now_files) = planning::committed(world).await?;
        let (members, _) = planning::members(world, &now_files, &[]).await?;
        let gone = || Unjoined { cause: format!("{} is in the fleet no more", self.cluster), lasting: true };
        let entry = members.get(&self.cluster).ok_or_else(gone)?;
        let look = survey::one(&*world.clusters, &world.clock, times, entry, "drive").await;
        seen.push(survey::event(&self.cluster, &look));
        let observed = look.map_err(|error| Unjoined { cause: error.message, lasting: false })?.observed;
        if let Some(before) = self.before.as_ref().filter(|before| **before != observed.uid) {
            let cause = format!(
                "it has the identity {}, and {before} was known by this name: adopt it, or name it anew",
                observed.uid
            );
            return Err(Unjoined { cause, lasting: true });
        }
        // Release and pipeline as they were planned; the fleet and its pins as they are.
        let mut catalog = planning::catalog_of(world, &self.plan.commit).await?;
        catalog.fleet = now_files.fleet;
        catalog.pins = now_files.pins;
        let release = catalog::release::locked(&catalog, &self.plan.release.id)?;
        if *release.digest() != self.plan.release.digest {
            let cause = format!("release {} is not what was planned", self.plan.release.id);
            return Err(Unjoined { cause, lasting: true });
        }
        let now = world.clock.now();
        let pins: Vec<_> = catalog.pins.values().map(|p| &p.file).collect();
        let observation = Observation::fresh(observed);
        let needed = resolve::needed(&release, &pins, &self.holds, [&observation], now);
        let versions = planning::versions(world, needed.iter()).await?;
        let gathered = Gathered {
            commit: self.plan.commit.clone(),
            release: self.plan.release.id.clone(),
            pipeline: self.plan.pipeline.name.clone(),
            clusters: members,
            versions,
            past_pins: self.past_pins,
            holds: self.holds,
            observed: BTreeMap::from([(self.cluster.clone(), observation)]),
            renderers: self.plan.renderers.clone(),
            durations: self.durations,
            defer_unknown: true,
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
}
