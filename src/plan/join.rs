//! Planning one cluster that joined the fleet while a rollout runs: the wave and pool that would take
//! it, and what it gets of the rollout's release. Nothing else of the rollout's plan changes.

use std::collections::BTreeMap;

use super::cluster::Clusters;
use super::partition::{Member, partition};
use super::pools::pools;
use super::{PlanInput, PlannedCluster, PlannedProduct};
use crate::diag::{Findings, codes};
use crate::digest::Digest;
use crate::model::{ClusterName, PoolName, WaveName};

/// A cluster that joins, as planned.
#[derive(Debug, Clone, PartialEq)]
pub struct Joined {
    /// The wave that takes it.
    pub wave: WaveName,
    /// The pool within it.
    pub pool: PoolName,
    /// What it gets.
    pub cluster: PlannedCluster,
    /// The product versions that occur as its targets, by product digest.
    pub products: BTreeMap<Digest, PlannedProduct>,
    /// Its values, by their digest.
    pub values: BTreeMap<Digest, serde_json::Value>,
}

/// Plans one member of the fleet; `None` if no wave of the release's lane takes it.
///
/// # Errors
/// What is wrong about this cluster. What is wrong about others was a matter of the rollout's plan.
pub fn join(input: &PlanInput<'_>, name: &ClusterName) -> Result<Option<Joined>, Findings> {
    let members: Vec<Member<'_>> =
        input.clusters.values().map(|entry| Member { entry, labels: entry.plain_labels() }).collect();
    let Some(at) = members.iter().position(|member| member.name() == name) else { return Ok(None) };
    let Some(observation) = input.observed.get(name) else { return Ok(None) };
    let (partition, _) = partition(input.pipeline, input.release.spec().lane.value, &members);
    let Some((written, taken)) = partition.waves.iter().find(|(_, taken)| taken.contains(&at)) else {
        return Ok(None);
    };
    let (cut, _) = pools(&written.value, taken, &members);
    let Some(pool) = cut.into_iter().find(|pool| pool.clusters.contains(&at)) else { return Ok(None) };
    let Some(member) = members.get(at) else { return Ok(None) };
    let mut clusters = Clusters::new(*input);
    let cluster = clusters.plan(member, observation).map_err(super::make::uncanonical)?;
    let (products, values, found) = clusters.finish();
    // One cluster that is ahead is no fleet that is.
    let wrong: Findings = found.into_iter().filter(|f| f.code != &codes::EVERY_CLUSTER_AHEAD).collect();
    let wave = written.value.name.value.clone();
    wrong.into_result(Some(Joined { wave, pool: pool.name, cluster, products, values }))
}
