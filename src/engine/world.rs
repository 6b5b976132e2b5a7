//! The world as one value: every port, and the few times that the engine keeps to.

use std::sync::Arc;
use std::time::Duration;

use crate::port::{
    Clock, Clusters, Git, Host, Journal, Metrics, Packages, Renderer, Scripts, Secrets, Signatures,
};

/// Every port that the engine uses.
#[derive(Clone)]
pub struct World {
    /// Clocks.
    pub clock: Arc<dyn Clock>,
    /// This process and its neighbours.
    pub host: Arc<dyn Host>,
    /// Connections to clusters.
    pub clusters: Arc<dyn Clusters>,
    /// Helm.
    pub renderer: Arc<dyn Renderer>,
    /// Scripts.
    pub scripts: Arc<dyn Scripts>,
    /// Secret references.
    pub secrets: Arc<dyn Secrets>,
    /// Prometheus.
    pub metrics: Arc<dyn Metrics>,
    /// Signatures under approvals.
    pub signatures: Arc<dyn Signatures>,
    /// The repository.
    pub git: Arc<dyn Git>,
    /// Content of product versions.
    pub packages: Arc<dyn Packages>,
    /// The journal.
    pub journal: Arc<dyn Journal>,
}

/// The times that the engine keeps to. Tests shorten them; nothing else about the engine changes.
#[derive(Debug, Clone)]
pub struct Times {
    /// How long a lease (the driver's, and a cluster's) holds without renewal.
    pub lease: Duration,
    /// The limit of every single request to a cluster.
    pub request: Duration,
    /// How long connecting to a cluster may take, all tries together, before it counts as
    /// unreachable.
    pub reach: Duration,
    /// How often a connection is tried within that.
    pub reach_tries: u32,
    /// How long a done cluster has to be well when it is verified.
    pub verify: Duration,
}

impl Default for Times {
    fn default() -> Self {
        Self {
            lease: Duration::from_secs(30),
            request: Duration::from_secs(15),
            reach: Duration::from_secs(30),
            reach_tries: 3,
            verify: Duration::from_secs(120),
        }
    }
}
