//! One simulated cluster: its objects, what its controllers are about to do, and how things go in it.
//! It is a plain value that goes as far as it is told: nothing in it waits, and two that were told the
//! same are the same.

use jiff::{SignedDuration, Timestamp};

use super::api::{self, Answer, Request};
use super::conditions::Conditions;
use super::controllers::{Controllers, bootstrap};
use super::store::{Pool, Store};
use crate::version::{KubeMinor, KubeVersion};

/// How often an API server has its store forget what is older than this, as `--etcd-compaction-interval`
/// has it where nobody says otherwise
/// (<https://kubernetes.io/docs/reference/command-line-tools-reference/kube-apiserver/>).
pub(super) const COMPACTED_EVERY: SignedDuration = SignedDuration::from_mins(5);

/// A simulated cluster.
#[derive(Debug, Clone)]
pub struct Cluster {
    /// Its name in the fleet.
    pub name: String,
    /// Its objects.
    pub store: Store,
    /// What its controllers are about to do.
    pub controllers: Controllers,
    /// How things go in it.
    pub conditions: Conditions,
    /// The version of its API server's binary.
    pub binary: KubeVersion,
    /// The minor that it serves: the binary's, or an older one that it emulates.
    pub served: KubeMinor,
    /// Until when it has gone.
    pub now: Timestamp,
    /// When its store was compacted last, and the revision that it was at.
    compacted: (Timestamp, u64),
}

impl Cluster {
    /// A cluster with nothing in it.
    pub fn new(name: impl Into<String>, binary: KubeVersion, pool: Pool, seed: u64, now: Timestamp) -> Self {
        let served = binary.minor();
        Self {
            name: name.into(),
            store: Store::new(pool, seed),
            controllers: Controllers::new(seed),
            conditions: Conditions::default(),
            binary,
            served,
            now,
            compacted: (now, 0),
        }
    }

    /// Gives it what a new cluster has, and so many nodes.
    pub fn bootstrap(&mut self, nodes: usize) {
        bootstrap(&mut self.store, nodes, &format!("v{}", self.binary), self.now);
        self.settle();
    }

    /// Goes on until this moment, if it is not there yet.
    pub fn advance(&mut self, now: Timestamp) {
        self.now = self.now.max(now);
        self.settle();
        if self.may_forget(self.now) {
            self.forget(self.now);
        }
    }

    /// Whether it is time that its store forgets.
    pub(super) fn may_forget(&self, now: Timestamp) -> bool {
        now.duration_since(self.compacted.0) >= COMPACTED_EVERY
    }

    /// What was there at the last time is forgotten now, and all if a whole interval was missed meanwhile.
    pub(super) fn forget(&mut self, now: Timestamp) {
        // What its controllers have not seen yet must not be forgotten.
        self.settle();
        let (at, revision) = self.compacted;
        let newest = self.store.revision();
        let missed = now.duration_since(at) >= COMPACTED_EVERY * 2;
        self.store.compact(if missed { newest } else { revision });
        self.compacted = (now, newest);
    }

    /// Goes on until this moment, and answers.
    pub fn answer(&mut self, now: Timestamp, request: &Request<'_>) -> Answer {
        self.advance(now);
        let answer = api::answer(self, request);
        self.settle();
        answer
    }

    fn settle(&mut self) {
        self.controllers.settle(&mut self.store, &self.conditions, self.now);
    }
}
