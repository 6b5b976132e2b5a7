//! How things go in one simulated cluster: how long what takes, and what never comes to be. Read by
//! controllers and by the API; faults of the way to a cluster (latency, cut connections, error codes)
//! are not among them: they stand in `faults`.

use std::collections::BTreeSet;
use std::time::Duration;

/// How things go in a cluster. The default is one in which all goes well, and fast.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conditions {
    /// How long a pod takes from being bound to a node to its containers being ready: shortest and longest;
    /// which of it, the cluster's seed and the pod's name decide.
    pub pod_start: (Duration, Duration),
    /// How long a pod of a Job runs before it succeeds, shortest and longest.
    pub job_run: (Duration, Duration),
    /// How long a pod takes to go once it is being deleted.
    pub pod_stop: Duration,
    /// Whether the API server also serves beta versions, as `--runtime-config=api/beta=true` makes it.
    pub beta_apis: bool,
    /// How long a new definition takes until its kind is served.
    pub definition: Duration,
    /// How long a Service of type LoadBalancer takes to get its address.
    pub address: Duration,
    /// Parts of image names that no node can pull.
    pub unpullable: Vec<String>,
    /// Parts of image names whose containers end as soon as they start.
    pub crashing: Vec<String>,
    /// Parts of image names of Jobs whose pods fail.
    pub failing: Vec<String>,
    /// Parts of image names of Jobs whose pods never end.
    pub hanging: Vec<String>,
    /// Nodes that do not get ready.
    pub broken_nodes: BTreeSet<String>,
    /// Disruption budgets (`NAMESPACE/NAME`, or `*`) that never allow a disruption.
    pub closed_budgets: BTreeSet<String>,
    /// Writes that an admission webhook denies.
    pub denied: Vec<Denial>,
}

/// What an admission webhook denies: with which words, and which writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denial {
    /// The webhook's name.
    pub webhook: String,
    /// The resource's plural, such as `deployments`.
    pub resource: String,
    /// The namespace; every one if it is `None`.
    pub namespace: Option<String>,
    /// What it says.
    pub message: String,
}

impl Default for Conditions {
    fn default() -> Self {
        Self {
            pod_start: (Duration::from_secs(2), Duration::from_secs(12)),
            job_run: (Duration::from_secs(3), Duration::from_secs(20)),
            pod_stop: Duration::from_secs(2),
            beta_apis: false,
            definition: Duration::from_millis(300),
            address: Duration::from_secs(5),
            unpullable: Vec::new(),
            crashing: Vec::new(),
            failing: Vec::new(),
            hanging: Vec::new(),
            broken_nodes: BTreeSet::new(),
            closed_budgets: BTreeSet::new(),
            denied: Vec::new(),
        }
    }
}
