//! Looking at the fleet before planning: every cluster at once, each within its own limit, only
//! reading. A cluster that hangs delays nobody and is told apart from one that was never reached.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::StreamExt;

use crate::journal::Body;
use crate::model::{ClusterEntry, ClusterName, Observed};
use crate::plan::Access;
use crate::port::Fault;

use super::cluster::{Cluster, Sight};
use super::session::user_agent;
use super::world::{Times, World};

/// How many clusters are looked at at once.
const AT_ONCE: usize = 32;

/// What a look at one cluster brought: what it runs, or why it could not be seen.
pub type Look = Result<Observed, Fault>;

/// Looks at clusters.
pub async fn fleet(world: &World, times: &Times, clusters: &[ClusterEntry]) -> BTreeMap<ClusterName, Look> {
    futures::stream::iter(clusters)
        .map(|entry| async { (entry.name.value.clone(), one(world, times, entry).await) })
        .buffer_unordered(AT_ONCE)
        .collect()
        .await
}

/// Looks at one cluster.
///
/// # Errors
/// When it can't be reached within the limit, does not let us in, or its record can't be read.
pub async fn one(world: &World, times: &Times, entry: &ClusterEntry) -> Look {
    sight(world, times, &access(entry)).await.map(|sight| sight.observed)
}

/// Looks at clusters, with their whole records.
pub async fn sights(
    world: &World,
    times: &Times,
    clusters: &[(ClusterName, Access)],
) -> BTreeMap<ClusterName, Result<Sight, Fault>> {
    futures::stream::iter(clusters)
        .map(|(name, access)| async { (name.clone(), sight(world, times, access).await) })
        .buffer_unordered(AT_ONCE)
        .collect()
        .await
}

async fn sight(world: &World, times: &Times, access: &Access) -> Result<Sight, Fault> {
    let look = async {
        let client = world.clusters.connect(access, &user_agent("plan")).await?;
        let cluster = Cluster::new(client, Arc::clone(&world.clock), times.request);
        Ok(cluster.observe().await?)
    };
    tokio::select! {
        seen = look => seen,
        () = world.clock.sleep(times.reach) => {
            Err(Fault::transient(format!("no answer within {} s", times.reach.as_secs())))
        }
    }
}

/// How a member of the fleet is reached.
pub fn access(entry: &ClusterEntry) -> Access {
    Access {
        kubeconfig: entry.kubeconfig.path.value.clone(),
        context: entry.kubeconfig.context.as_ref().map(|c| c.value.clone()),
    }
}

/// What a look says to the journal.
pub fn event(cluster: &ClusterName, look: &Look) -> Body {
    match look {
        Ok(observed) => {
            Body::ClusterObserved { cluster: cluster.clone(), observed: Box::new(observed.clone()) }
        }
        Err(fault) => Body::ClusterUnreachable { cluster: cluster.clone(), cause: fault.message.clone() },
    }
}
