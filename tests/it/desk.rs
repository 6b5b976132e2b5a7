//! A desk at which one cluster is worked on without a driver: `engine::cluster` on a real API server,
//! with a clock that can be put forward and a host whose processes can be declared dead.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};
use tidegate::adapter::clock::SystemClock;
use tidegate::apply::record::State;
use tidegate::apply::{ProductSet, Rendered};
use tidegate::engine::cluster::{
    Applied, Claimant, Cluster, Confirmation, Error, Guard, ProductWork, Settled,
};
use tidegate::model::{Conflicts, ProductName, RecordPhase, RolloutId, Tombstone};
use tidegate::port::{Clock, Host, ProcessId};
use tidegate::render::Mask;

use crate::bed::{AuditEvent, Bed, Cluster as BedCluster, ClusterSpec};

/// The lease of tests: long enough for a busy machine, short enough to wait for.
pub const LEASE: Duration = Duration::from_secs(3);
/// The longest request of tests.
pub const REQUEST: Duration = Duration::from_millis(1500);
/// The limit of steps of tests.
pub const LIMIT: Duration = Duration::from_secs(60);

/// The real clocks, put forward by what a test says: a process that slept.
#[derive(Default)]
pub struct DeskClock {
    ahead: Mutex<Duration>,
}

impl DeskClock {
    /// As if this process had been frozen for so long.
    pub fn sleep_through(&self, length: Duration) {
        *self.ahead.lock().unwrap() += length;
    }
}

#[async_trait]
impl Clock for DeskClock {
    fn now(&self) -> jiff::Timestamp {
        SystemClock.now()
    }
    fn boot(&self) -> Duration {
        SystemClock.boot() + *self.ahead.lock().unwrap()
    }
    async fn sleep(&self, length: Duration) {
        SystemClock.sleep(length).await;
    }
}

/// A host on which every process lives that was not declared dead.
#[derive(Default)]
pub struct DeskHost {
    dead: Mutex<BTreeSet<i32>>,
}

impl DeskHost {
    pub fn bury(&self, pid: i32) {
        self.dead.lock().unwrap().insert(pid);
    }
}

impl Host for DeskHost {
    fn this(&self) -> ProcessId {
        process(1)
    }
    fn lives(&self, pid: i32, _: u64) -> bool {
        !self.dead.lock().unwrap().contains(&pid)
    }
}

/// A process of the desk's host.
pub fn process(pid: i32) -> ProcessId {
    ProcessId {
        pid,
        start_ticks: 1,
        host: "desk".to_owned(),
        boot: "b".to_owned(),
        pid_namespace: ProcessId::WHOLE_HOST.to_owned(),
    }
}

/// One cluster, and who works on it.
pub struct Desk {
    pub bed: BedCluster,
    pub client: kube::Client,
    pub clock: Arc<DeskClock>,
    pub host: Arc<DeskHost>,
    pub journal: uuid::Uuid,
}

impl Desk {
    pub async fn new(spec: ClusterSpec) -> Self {
        let bed = Bed::shared().await.cluster(spec).await;
        let client = bed.client().await;
        Self { bed, client, clock: Arc::default(), host: Arc::default(), journal: uuid::Uuid::new_v4() }
    }

    /// A cluster with nothing but an API server.
    pub async fn api_only(name: &str) -> Self {
        Self::new(ClusterSpec::api_only(name)).await
    }

    pub fn cluster(&self) -> Cluster {
        self.over(self.client.clone())
    }

    pub fn over(&self, client: kube::Client) -> Cluster {
        let clock: Arc<dyn Clock> = self.clock.clone();
        Cluster::new(client, clock, REQUEST)
    }

    pub fn claimant(&self, fence: u64) -> Claimant {
        let pid = i32::try_from(fence).unwrap();
        Claimant { journal: self.journal, fence, process: process(pid) }
    }

    pub async fn acquire(&self, cluster: &Cluster, claimant: &Claimant) -> Result<Guard, Error> {
        let host: Arc<dyn Host> = self.host.clone();
        cluster.acquire(claimant, &host, LEASE, &|_| true).await
    }

    /// The lease, with fence 1.
    pub async fn guard(&self) -> Guard {
        self.acquire(&self.cluster(), &self.claimant(1)).await.unwrap()
    }

    /// One object as it is, by its path.
    pub async fn get(&self, path: &str) -> Option<Value> {
        let request = hyper::Request::get(path).body(Vec::new()).unwrap();
        match self.client.request::<Value>(request).await {
            Ok(object) => Some(object),
            Err(kube::Error::Api(status)) if status.code == 404 => None,
            Err(e) => panic!("{path}: {e}"),
        }
    }

    /// A write by somebody else.
    pub async fn send(&self, method: &str, path: &str, content: &str, body: &Value) -> Value {
        let request = hyper::Request::builder().method(method).uri(path).header("content-type", content);
        let request = request.body(body.to_string().into_bytes()).unwrap();
        self.client.request(request).await.unwrap_or_else(|e| panic!("{method} {path}: {e}"))
    }

    /// A merge patch by somebody else.
    pub async fn patch(&self, path: &str, body: Value) -> Value {
        self.send("PATCH", path, "application/merge-patch+json", &body).await
    }

    /// Writes that the audit log has of objects outside `tidegate-system`, each once.
    pub fn writes(&self) -> Vec<AuditEvent> {
        let all = self.bed.audit().into_iter().filter(|e| e.stage == "ResponseComplete" && e.is_write());
        all.filter(|e| {
            e.object_ref
                .as_ref()
                .is_some_and(|o| o.namespace != "tidegate-system" && o.name != "tidegate-system")
                && !e.user.username.starts_with("system:")
        })
        .collect()
    }
}

/// A product as a test describes it.
pub struct Shop {
    pub product: ProductName,
    pub objects: Vec<Value>,
    pub others: Vec<ProductSet>,
    pub conflicts: Conflicts,
    pub tombstones: Vec<Tombstone>,
    pub confirmation: Confirmation,
    pub attempt: u32,
    pub mask: Mask,
    inputs: u8,
}

impl Shop {
    pub fn new(product: &str, objects: Vec<Value>) -> Self {
        Self {
            product: product.parse().unwrap(),
            objects,
            others: Vec::new(),
            conflicts: Conflicts::Fail,
            tombstones: Vec::new(),
            confirmation: Confirmation::None,
            attempt: 1,
            mask: Mask::default(),
            inputs: 1,
        }
    }

    /// The same product with other objects, as its next version.
    pub fn becomes(&mut self, objects: Vec<Value>) -> &mut Self {
        self.objects = objects;
        self.inputs += 1;
        self
    }

    pub fn set(&self) -> ProductSet {
        let objects = self.objects.iter().enumerate().map(|(n, object)| Rendered {
            step: "manifests".to_owned(),
            object: object.clone(),
            origin: format!("{}.yaml:{}", self.product, n + 1),
            namespace: None,
        });
        ProductSet { product: self.product.clone(), objects: objects.collect() }
    }

    pub fn all(&self) -> Vec<ProductSet> {
        std::iter::once(self.set()).chain(self.others.iter().cloned()).collect()
    }

    pub fn state(&self) -> State {
        State {
            release: "R1".parse().unwrap(),
            version: format!("1.0.{}", self.inputs).parse().unwrap(),
            commit: "c0ffee".to_owned(),
            digest: tidegate::digest::bytes(&[self.inputs]),
            inputs: tidegate::digest::bytes(&[self.inputs, 1]),
            secrets: None,
            phase: RecordPhase::Applying,
            values: json!({"replicas": 1}),
        }
    }

    async fn with<T>(&self, f: impl AsyncFnOnce(&ProductWork<'_>) -> T) -> T {
        let (state, all) = (self.state(), self.all());
        let rollout: RolloutId = "R1-1".parse().unwrap();
        f(&ProductWork {
            keeps: false,
            product: &self.product,
            rollout: &rollout,
            attempt: self.attempt,
            state: &state,
            all: &all,
            conflicts: self.conflicts,
            tombstones: &self.tombstones,
            confirmation: self.confirmation,
            mask: &self.mask,
        })
        .await
    }

    /// Begins and applies.
    pub async fn apply(&self, guard: &Guard) -> Result<Applied, Error> {
        self.apply_within(guard, LIMIT).await
    }

    pub async fn apply_within(&self, guard: &Guard, limit: Duration) -> Result<Applied, Error> {
        self.with(async |work| {
            guard.begin(work).await?;
            guard.apply(work, "manifests", limit).await
        })
        .await
    }

    pub async fn settle(&self, guard: &Guard, limit: Duration) -> Result<Settled, Error> {
        self.with(async |work| guard.settle(work, limit).await).await
    }

    /// Begins, applies, settles, seals.
    pub async fn roll(&self, guard: &Guard) -> Result<(Applied, Settled), Error> {
        let applied = self.apply(guard).await?;
        let settled = self.settle(guard, LIMIT).await?;
        guard.seal(&[(self.product.clone(), self.state().inputs)]).await?;
        Ok((applied, settled))
    }
}

pub fn namespace(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
}

pub fn config(namespace: &str, name: &str, value: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": namespace},
        "data": {"value": value}})
}
