//! Who may write in a cluster: the Lease `operator` in `tidegate-system`, held, renewed, asked before
//! every write, counted on the boot-time clock.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use crate::apply::record::Record;
use crate::model::{ProductName, RolloutId};
use crate::port::{Host, ProcessId};

use super::observe::pending;
use super::{Cluster, Outcome};

/// Who asks for a cluster's lease.
#[derive(Debug, Clone)]
pub struct Claimant {
    /// The journal.
    pub journal: Uuid,
    /// The driver's fence in that journal.
    pub fence: u64,
    /// The process.
    pub process: ProcessId,
}

/// A cluster's lease, held and renewed until this is released or dropped. Every write goes through
/// it and is refused when the lease might end before the request does.
pub struct Guard {
    cluster: Cluster,
    claimant: Claimant,
}

/// What an adoption found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Adoption {
    /// The holder that the lease named, if any.
    pub from: Option<String>,
    /// The products whose records were taken over.
    pub products: Vec<ProductName>,
}

impl Cluster {
    /// Takes the lease of the cluster, or takes it over from an earlier process of the same journal:
    /// at once if that one released it; after the longest request if `host` proves it dead; else after
    /// a whole lease without renewal and the longest request. Then reads the records again, and
    /// refuses one that names an unfinished rollout that `knows` does not know.
    ///
    /// # Errors
    /// `Foreign`, `Held`, and when the cluster can't be asked.
    pub async fn acquire(
        &self,
        _claimant: &Claimant,
        _host: &Arc<dyn Host>,
        _length: Duration,
        _knows: &(dyn Fn(&RolloutId) -> bool + Send + Sync),
    ) -> Outcome<Guard> {
        pending()
    }

    /// Takes the cluster over from another journal, by a person's word: waits until its holder has not
    /// renewed for a whole lease, raises the fence, keeps the records. The lease is released afterwards.
    ///
    /// # Errors
    /// `Held` when the holder still renews; and when the cluster can't be asked.
    pub async fn adopt(
        &self,
        _claimant: &Claimant,
        _host: &Arc<dyn Host>,
        _length: Duration,
    ) -> Outcome<Adoption> {
        pending()
    }
}

impl Guard {
    /// The cluster.
    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// For whom it is held.
    pub fn claimant(&self) -> &Claimant {
        &self.claimant
    }

    /// Whether a request that takes `length` at most may be started now.
    ///
    /// # Errors
    /// `Fenced`.
    pub fn may_write(&self, _length: Duration) -> Outcome<()> {
        pending()
    }

    /// The records as they were when the lease was taken.
    pub fn records(&self) -> &BTreeMap<ProductName, Record> {
        unreachable!()
    }

    /// The HMAC over secret values, for a record's `secrets`: values by their path in the product's
    /// values. Makes the cluster's key if there is none yet. `None` without values.
    ///
    /// # Errors
    /// When the key can't be read or written.
    pub async fn secrets_digest(
        &self,
        _values: &BTreeMap<String, crate::port::Secret>,
    ) -> Outcome<Option<crate::digest::Digest>> {
        pending()
    }

    /// Gives the lease back, so that the next process of this journal need not wait.
    pub async fn release(self) {}
}
