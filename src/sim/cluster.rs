//! One simulated cluster: its objects, what its controllers are about to do, and who asked it for what.
//! It is a plain value that goes as far as it is told: nothing in it waits, and two that were told the
//! same are the same.

use jiff::Timestamp;

use super::conditions::Conditions;
use super::controllers::Controllers;
use super::store::{Pool, Store};
use crate::version::{KubeMinor, KubeVersion};

/// A simulated cluster.
#[derive(Debug, Clone)]
pub struct Cluster {
    /// Its name in the fleet.
    pub name: String,
    /// Its objects.
    pub store: Store,
    /// What happens by itself in it.
    pub controllers: Controllers,
    /// How things go in it.
    pub conditions: Conditions,
    /// The version of its API server's binary.
    pub binary: KubeVersion,
    /// The minor that it serves: the binary's, or an older one that it emulates.
    pub served: KubeMinor,
    /// Until when it has gone.
    pub now: Timestamp,
}

impl Cluster {
    /// A cluster with nothing in it.
    pub fn new(name: impl Into<String>, binary: KubeVersion, pool: Pool, seed: u64, now: Timestamp) -> Self {
        let served = binary.minor();
        let store = Store::new(pool, seed);
        Self {
            name: name.into(),
            store,
            controllers: Controllers::new(seed),
            conditions: Conditions::default(),
            binary,
            served,
            now,
        }
    }
}
