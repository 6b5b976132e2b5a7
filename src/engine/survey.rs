//! Looking at the fleet before planning: every cluster at once, each within its own limit, only
//! reading. A cluster that hangs delays nobody and is told apart from one that was never reached.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::StreamExt;

use crate::journal::Body;
use crate::model::{ClusterEntry, ClusterName};
use crate::plan::Access;
use crate::port::{Clock, Clusters};

use super::cluster::{Cluster, Error, Kind, Shape, Sight};
use super::session::user_agent;
use super::world::{Times, World};

/// How many clusters are looked at at once.
pub(super) const AT_ONCE: usize = 32;

/// What a look at one cluster brought: what it is and runs, or why it could not be seen.
pub type Look = Result<Sight, Error>;

/// Looks at one cluster, as `who` in the User-Agent.
///
/// # Errors
/// When it can't be reached within the limit, does not let us in, or its record can't be read.
pub async fn one(
    clusters: &dyn Clusters,
    clock: &Arc<dyn Clock>,
    times: &Times,
    entry: &ClusterEntry,
    who: &str,
) -> Look {
    reach(clusters, clock, times, &access(entry), who).await.map(|(_, sight)| sight)
}

/// Looks at clusters that are reached in these ways.
pub async fn fleet(
    world: &World,
    times: &Times,
    clusters: &[(ClusterName, Access)],
) -> BTreeMap<ClusterName, Look> {
    futures::stream::iter(clusters)
        .map(|(name, access)| async {
            let look = reach(&*world.clusters, &world.clock, times, access, "plan").await;
            (name.clone(), look.map(|(_, sight)| sight))
        })
        .buffer_unordered(AT_ONCE)
        .collect()
        .await
}

/// Reads the shapes of clusters that are reached in these ways. Only reads, and records nothing.
pub async fn shapes(
    port: &dyn Clusters,
    clock: &Arc<dyn Clock>,
    times: &Times,
    clusters: &[(ClusterName, Access)],
) -> BTreeMap<ClusterName, Result<Shape, Error>> {
    futures::stream::iter(clusters)
        .map(|(name, access)| async {
            let shape = async {
                let (cluster, sight) = reach(port, clock, times, access, "rehearse").await?;
                cluster.shape(sight).await
            };
            (name.clone(), shape.await)
        })
        .buffer_unordered(AT_ONCE)
        .collect()
        .await
}

/// Reaches a cluster and looks at it, as `who` in the User-Agent; what more is to be asked of it has no
/// limit in all.
///
/// # Errors
/// As [`one`].
pub(super) async fn reach(
    clusters: &dyn Clusters,
    clock: &Arc<dyn Clock>,
    times: &Times,
    access: &Access,
    who: &str,
) -> Result<(Cluster, Sight), Error> {
    let look = async {
        let client = clusters
            .connect(access, &user_agent(who))
            .await
            .map_err(|fault| Error { class: fault.class, ..Error::new(Kind::Unreachable, fault.message) })?;
        let cluster = Cluster::new(client, Arc::clone(clock), times.request);
        let sight = cluster.observe().await?;
        Ok((cluster, sight))
    };
    tokio::select! {
        biased;
        seen = look => seen,
        () = clock.sleep(times.reach) => {
            Err(Error::new(Kind::Unreachable, format!("no answer within {} s", times.reach.as_secs())))
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
        Ok(sight) => {
            Body::ClusterObserved { cluster: cluster.clone(), observed: Box::new(sight.observed.clone()) }
        }
        Err(error) => Body::ClusterUnreachable { cluster: cluster.clone(), cause: error.message.clone() },
    }
}
