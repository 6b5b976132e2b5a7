//! Seeing what a cluster is and what it runs. Only reads.

use std::collections::BTreeMap;

use crate::apply::record::Record;
use crate::model::{ClusterUid, Observed, ProductName};
use crate::version::KubeMinor;

use super::{Cluster, Outcome};

/// Who a cluster is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The UID of its `kube-system` namespace.
    pub uid: ClusterUid,
    /// The minor that the API server serves (the emulated one, where it emulates).
    pub kubernetes: KubeMinor,
    /// `gitVersion`.
    pub server: String,
}

/// What one visit saw.
#[derive(Debug, Clone, PartialEq)]
pub struct Sight {
    /// As events carry it.
    pub observed: Observed,
    /// The whole records.
    pub records: BTreeMap<ProductName, Record>,
    /// Who holds the cluster's lease (`JOURNAL/PROCESS`), if it has one.
    pub holder: Option<String>,
}

impl Cluster {
    /// Asks who the cluster is.
    ///
    /// # Errors
    /// When it can't be reached or does not let us in.
    pub async fn identify(&self) -> Outcome<Identity> {
        pending()
    }

    /// Sees what it runs: identity, version, records.
    ///
    /// # Errors
    /// As [`Cluster::identify`], and when a record can't be read or is of a higher format.
    pub async fn observe(&self) -> Outcome<Sight> {
        pending()
    }

    /// Whether every object that a record names is there and ready, each with the cause in words if
    /// it is not; asked once, without waiting.
    ///
    /// # Errors
    /// When the cluster can't be asked.
    pub async fn unready(&self, _record: &Record) -> Outcome<Vec<String>> {
        pending()
    }
}

pub(super) fn pending<T>() -> Outcome<T> {
    Err(super::Error::new(super::Kind::Other, "not built yet"))
}
