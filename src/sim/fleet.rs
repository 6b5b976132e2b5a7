//! The simulated fleet: clusters by name, what goes wrong on the way to them, and who asked them for
//! what. It is the Clusters port of a simulated process.

use std::collections::{BTreeMap, VecDeque};
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

use super::chance::Chance;
use super::clock::VirtualClock;
use super::cluster::{COMPACTED_EVERY, Cluster};
use super::faults::{Faults, Trouble};
use super::life::Life;
use super::service::Way;
use super::store::Store;
use super::worker::Worker;
use crate::model::{ClusterEntry, Source};
use crate::plan::Access;
use crate::port::{Clusters, Fault, KubeconfigFile};

/// How many moments back a stale read can see.
const MOMENTS: usize = 64;

/// From so many clusters on they work on a thread of their own.
const MANY: usize = 200;

/// One request that reached a cluster, as its API server's audit log has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audited {
    /// When it was done.
    pub at: Timestamp,
    /// The User-Agent.
    pub agent: String,
    /// The HTTP method.
    pub method: http::Method,
    /// Path and query.
    pub path: String,
    /// The code of the answer.
    pub status: u16,
    /// Whether an object of the resource that was asked for is another since, or gone: what the
    /// `resourceVersion` of the answer tells in a real log.
    pub changed: bool,
    /// What was sent, of a write.
    pub body: Option<Arc<str>>,
}

/// Which requests a fleet keeps in its audit logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Audit {
    /// None.
    #[default]
    None,
    /// Writes.
    Writes,
}

/// How the way to a cluster is.
#[derive(Clone)]
pub(super) struct Road {
    pub chance: Chance,
    /// How far the cluster is; decides a part of its latency.
    pub distance: u64,
    /// How often each rule of the faults has hit it.
    pub fired: Vec<u32>,
}

/// A cluster with what is known about its past.
#[derive(Clone)]
pub(super) struct Machine {
    pub cluster: Cluster,
    pub audit: Vec<Arc<Audited>>,
    /// What its objects were, and until when.
    pub moments: VecDeque<(Duration, Store)>,
}

impl Machine {
    /// Keeps what is there now for reads that will be stale.
    pub fn remember(&mut self, at: Duration) {
        self.moments.push_back((at, self.cluster.store.clone()));
        while self.moments.len() > MOMENTS {
            self.moments.pop_front();
        }
    }

    /// What was there at a moment, if it was another than now and is remembered.
    pub fn at(&self, moment: Duration) -> Option<&Store> {
        self.moments.iter().find(|(until, _)| *until >= moment).map(|(_, store)| store)
    }
}

pub(super) struct Inner {
    pub clock: VirtualClock,
    machines: BTreeMap<String, Site>,
    pub worker: Worker,
    pub faults: Mutex<Arc<Faults>>,
    pub audit: Audit,
    /// How often something went wrong.
    pub struck: Mutex<BTreeMap<String, u64>>,
    /// How many requests were on their way.
    pub requests: AtomicU64,
    /// When the API servers' stores were last gone through for what they may forget.
    swept: Mutex<Timestamp>,
}

/// A cluster and the way to it.
struct Site {
    road: Mutex<Road>,
    machine: Mutex<Arc<Machine>>,
}

/// A simulated fleet; clones are the same fleet.
#[derive(Clone)]
pub struct Fleet {
    pub(super) inner: Arc<Inner>,
}

impl Fleet {
    /// These clusters. `seed` decides how far each is and which of its requests go wrong; `beside`, whether
    /// they work on a thread of their own: if absent, where there are many.
    pub fn new(
        clock: VirtualClock,
        clusters: Vec<Cluster>,
        faults: Faults,
        audit: Audit,
        seed: u64,
        beside: Option<bool>,
    ) -> Self {
        let beside = beside.unwrap_or(clusters.len() >= MANY);
        let machines = clusters.into_iter().map(|cluster| {
            let mut chance = Chance::named(seed, &format!("way to {}", cluster.name));
            let road = Road { distance: chance.draw(), chance, fired: Vec::new() };
            let name = cluster.name.clone();
            (name, (road, Arc::new(Machine { cluster, audit: Vec::new(), moments: VecDeque::new() })))
        });
        let (machines, faults) = (machines.collect(), Arc::new(faults));
        let (struck, swept) = (BTreeMap::new(), clock.truth());
        Self::from_copy(clock, Copy { machines, beside, faults, audit, struck, swept })
    }

    /// A fleet that goes on from what another was.
    pub(super) fn from_copy(clock: VirtualClock, copy: Copy) -> Self {
        let Copy { machines, beside, faults, audit, struck, swept } = copy;
        let worker = if beside { Worker::beside() } else { Worker::Here };
        let site = |(road, machine)| Site { road: Mutex::new(road), machine: Mutex::new(machine) };
        let machines = machines.into_iter().map(|(name, machine)| (name, site(machine))).collect();
        let (faults, struck) = (Mutex::new(faults), Mutex::new(struck));
        let (requests, swept) = (AtomicU64::new(0), Mutex::new(swept));
        Self { inner: Arc::new(Inner { clock, machines, worker, faults, audit, struck, requests, swept }) }
    }

    /// What the fleet is now.
    pub(super) fn copy(&self) -> Copy {
        let inner = &self.inner;
        inner.worker.rest();
        let copy = |(name, site): (&String, &Site)| {
            (name.clone(), (locked(&site.road).clone(), Arc::clone(&locked(&site.machine))))
        };
        Copy {
            machines: inner.machines.iter().map(copy).collect(),
            beside: matches!(inner.worker, Worker::Beside { .. }),
            faults: Arc::clone(&locked(&inner.faults)),
            audit: inner.audit,
            struck: locked(&inner.struck).clone(),
            swept: *locked(&inner.swept),
        }
    }

    /// The way to a cluster, for as long as it is held.
    pub(super) fn road(&self, name: &str) -> Option<MutexGuard<'_, Road>> {
        Some(locked(&self.inner.machines.get(name)?.road))
    }

    /// One cluster as it is when all work is done that was handed in, for as long as it is held.
    fn at_rest(&self, name: &str) -> Option<Held<'_>> {
        self.inner.worker.rest();
        self.machine(name)
    }

    /// One cluster in the midst of its work, for as long as it is held: for that work itself.
    pub(super) fn machine(&self, name: &str) -> Option<Held<'_>> {
        Some(Held(locked(&self.inner.machines.get(name)?.machine)))
    }

    /// The clusters' names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.inner.machines.keys().map(String::as_str)
    }

    /// What goes wrong from now on.
    pub fn set_faults(&self, faults: Faults) {
        *locked(&self.inner.faults) = Arc::new(faults);
    }

    /// How often which trouble struck.
    pub fn struck(&self) -> BTreeMap<String, u64> {
        locked(&self.inner.struck).clone()
    }

    /// How many requests were sent to its clusters, whatever became of them.
    pub fn requests(&self) -> u64 {
        self.inner.requests.load(Ordering::Relaxed)
    }

    /// Looks at a cluster, or does something to it, as it is at this moment.
    pub fn with<T>(&self, name: &str, look: impl FnOnce(&mut Cluster) -> T) -> Option<T> {
        let now = self.inner.clock.truth();
        let mut machine = self.at_rest(name)?;
        machine.cluster.advance(now);
        Some(look(&mut machine.cluster))
    }

    /// Has the stores of clusters forget what they may, also of those that nobody asks any more: most of a
    /// large fleet is done with at any time, and its past would fill the memory.
    pub(super) fn sweep(&self, now: Timestamp) {
        let mut swept = locked(&self.inner.swept);
        if now.duration_since(*swept) < COMPACTED_EVERY {
            return;
        }
        *swept = now;
        let fleet = self.clone();
        drop(self.inner.worker.hand_in(move || {
            for site in fleet.inner.machines.values() {
                let mut machine = Held(locked(&site.machine));
                // One that is shared with a snapshot and remembers nothing stays shared.
                if machine.cluster.store.remembers() && machine.cluster.may_forget(now) {
                    machine.cluster.forget(now);
                }
            }
        }));
    }

    /// Who asked a cluster for what, in order.
    pub fn audit(&self, name: &str) -> Vec<Audited> {
        let audit = self.at_rest(name).map(|machine| machine.audit.clone()).unwrap_or_default();
        audit.iter().map(|audited| Audited::clone(audited)).collect()
    }

    /// The fleet as one process reaches it.
    pub fn of(&self, life: Life) -> Arc<dyn Clusters> {
        Arc::new(Reach { fleet: self.clone(), life })
    }

    pub(super) fn note(&self, trouble: &Trouble) {
        *locked(&self.inner.struck).entry(trouble.name()).or_default() += 1;
    }
}

/// What a fleet was at a moment. Clusters that nobody asks afterwards are there once for all copies.
#[derive(Clone)]
pub(super) struct Copy {
    machines: BTreeMap<String, (Road, Arc<Machine>)>,
    beside: bool,
    faults: Arc<Faults>,
    audit: Audit,
    struck: BTreeMap<String, u64>,
    swept: Timestamp,
}

/// A cluster that nobody else asks meanwhile. Whoever changes it parts it from the copies there are.
pub(super) struct Held<'a>(MutexGuard<'a, Arc<Machine>>);

impl Deref for Held<'_> {
    type Target = Machine;

    fn deref(&self) -> &Machine {
        &self.0
    }
}

impl DerefMut for Held<'_> {
    fn deref_mut(&mut self) -> &mut Machine {
        Arc::make_mut(&mut self.0)
    }
}

pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The fleet as one process reaches it.
struct Reach {
    fleet: Fleet,
    life: Life,
}

#[async_trait]
impl Clusters for Reach {
    async fn connect(&self, access: &Access, user_agent: &str) -> Result<kube::Client, Fault> {
        let name = access.context.as_deref().unwrap_or(&access.kubeconfig);
        if !self.fleet.inner.machines.contains_key(name) {
            return Err(Fault::permanent(format!("the simulated fleet has no cluster `{name}`")));
        }
        let way = Way::new(self.fleet.clone(), name, user_agent, self.life.clone());
        Ok(kube::Client::new(way, "default"))
    }

    async fn kubeconfig(&self, access: &Access) -> Result<KubeconfigFile, Fault> {
        let name = access.context.clone().unwrap_or_else(|| access.kubeconfig.clone());
        Ok(KubeconfigFile { path: format!("/simulated/{name}.kubeconfig").into(), guard: None })
    }

    async fn members(&self, _: &Source) -> Result<Vec<ClusterEntry>, Fault> {
        Err(Fault::permanent("a simulated fleet has no source: its clusters are listed"))
    }
}

#[cfg(test)]
mod tests {
    use super::super::store::Pool;
    use super::*;

    #[test]
    fn who_is_asked_no_more_forgets_as_time_passes_for_others() {
        let story = async {
            let clock = VirtualClock::starting("2026-03-02T08:00:00Z".parse().unwrap());
            let cluster = |name: &str| {
                let mut cluster =
                    Cluster::new(name, "1.36.3".parse().unwrap(), Pool::default(), 1, clock.truth());
                cluster.bootstrap(1);
                cluster
            };
            let clusters = vec![cluster("asked"), cluster("idle")];
            let fleet = Fleet::new(clock.clone(), clusters, Faults::default(), Audit::None, 1, Some(true));
            let knows = || {
                fleet.inner.worker.rest();
                fleet.machine("idle").unwrap().cluster.store.changes_after(1).is_some()
            };
            let access = Access { kubeconfig: "asked".to_owned(), context: None };
            let client = fleet.of(Life::new()).connect(&access, "test").await.unwrap();
            let mut known = Vec::new();
            for _ in 0..3 {
                known.push(knows());
                tokio::time::sleep(std::time::Duration::from_secs(301)).await;
                let version = http::Request::get("/version").body(Vec::new()).unwrap();
                client.request_text(version).await.unwrap();
            }
            known.push(knows());
            known
        };
        assert_eq!(super::super::runtime::run(story).unwrap(), [true, true, false, false]);
    }
}
