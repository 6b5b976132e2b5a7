//! Taking a cluster over from another journal, by a person's word. What must be waited for before
//! is decided by the cluster's lease; here it is asked and recorded.

use std::sync::Arc;

use crate::journal::Body;
use crate::model::{Actor, ClusterEntry};
use crate::port::{Fault, NewEvent};

use super::cluster::{Claimant, Cluster};
use super::planning::append_facts;
use super::session::user_agent;
use super::survey;
use super::world::{Times, World};

/// A cluster that was taken over.
#[derive(Debug, Clone, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Adopted {
    /// The cluster.
    pub cluster: crate::model::ClusterName,
    /// Its identity.
    pub uid: crate::model::ClusterUid,
    /// The holder that its lease named, if any.
    pub from: Option<String>,
    /// The products whose records were taken over.
    pub products: Vec<crate::model::ProductName>,
}

/// Takes a cluster over and records it, with this journal's newest fence.
///
/// # Errors
/// When the cluster can't be reached, its holder still renews its lease, or the journal can't be
/// written.
pub async fn adopt(
    world: &World,
    times: &Times,
    entry: &ClusterEntry,
    fence: u64,
    actor: &Actor,
    reason: &str,
) -> Result<Adopted, Fault> {
    let name = entry.name.value.clone();
    let client = world.clusters.connect(&survey::access(entry), &user_agent("adopt")).await?;
    let cluster = Cluster::new(client, Arc::clone(&world.clock), times.request);
    let uid = cluster.observe().await?.observed.uid;
    let claimant = Claimant { journal: world.journal.id(), fence, process: world.host.this() };
    let adoption = cluster.adopt(&claimant, &world.host, times.lease).await?;
    let body = Body::ClusterAdopted {
        cluster: name.clone(),
        uid: uid.clone(),
        from: adoption.from.clone(),
        reason: reason.to_owned(),
    };
    append_facts(world, vec![NewEvent { at: world.clock.now(), actor: actor.clone(), body }]).await?;
    Ok(Adopted { cluster: name, uid, from: adoption.from, products: adoption.products })
}
