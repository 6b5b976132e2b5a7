//! Everything that happens inside one cluster, above a kube client: seeing what runs there, holding
//! its lease, applying, pruning, waiting, testing, recording. What shall be done there is decided
//! elsewhere; what applying means is in `apply`.

mod apply;
mod compare;
mod discovery;
mod error;
mod images;
mod lean;
mod lease;
mod mending;
mod objects;
mod observe;
mod preflight;
mod prune;
mod shape;
mod store;
mod test_job;
mod wait;
mod wire;
mod work;

use std::sync::Arc;
use std::time::Duration;

use crate::port::Clock;

pub use compare::{ObjectChange, ObjectDrift};
pub use discovery::Discoveries;
pub use error::{Error, Kind};
pub use lease::{Adoption, BeforeTaking, Claimant, Guard, Holding};
pub use observe::{Identity, Sight};
pub use preflight::{Obstacle, Survey};
pub use shape::Shape;
pub use test_job::{JobOutcome, JobRun};
pub use work::{Applied, Confirmation, ProductWork, Removed, Settled};

/// What every operation on a cluster answers.
pub type Outcome<T> = Result<T, Error>;

/// One connection to one cluster, with what was learned over it. Cheap to clone.
#[derive(Clone)]
pub struct Cluster {
    inner: Arc<Inner>,
}

/// Leave to begin requests, asked before each of them: whoever drives no more begins nothing new, not
/// even a question.
#[async_trait::async_trait]
pub trait Leave: Send + Sync {
    /// Returns when a request of this length may be begun; of no length: a question.
    async fn granted(&self, length: Duration);
}

struct Inner {
    client: kube::Client,
    clock: Arc<dyn Clock>,
    request: Duration,
    leave: Option<Arc<dyn Leave>>,
    discoveries: Discoveries,
    served: tokio::sync::Mutex<Option<Arc<discovery::Served>>>,
    /// Who the cluster is, and when it said so (boot-time clock).
    identity: std::sync::Mutex<Option<(Duration, Identity)>>,
}

impl Cluster {
    /// Speaks to a cluster over `client`, whose User-Agent is the caller's and which must not retry
    /// by itself. No request takes longer than `request`.
    pub fn new(client: kube::Client, clock: Arc<dyn Clock>, request: Duration) -> Self {
        Self::over(client, clock, request, None, Discoveries::default())
    }

    /// The same for a driver: no request is begun without its leave, and what API servers serve is read
    /// once for all clusters that serve the same.
    pub fn driven(
        client: kube::Client,
        clock: Arc<dyn Clock>,
        request: Duration,
        leave: Arc<dyn Leave>,
        discoveries: Discoveries,
    ) -> Self {
        Self::over(client, clock, request, Some(leave), discoveries)
    }

    fn over(
        client: kube::Client,
        clock: Arc<dyn Clock>,
        request: Duration,
        leave: Option<Arc<dyn Leave>>,
        discoveries: Discoveries,
    ) -> Self {
        let (served, identity) = Default::default();
        Self { inner: Arc::new(Inner { client, clock, request, leave, discoveries, served, identity }) }
    }
}

#[cfg(test)]
mod tests;
