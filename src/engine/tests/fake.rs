//! A world of which only the journal, the clock, the host and what a test sets are there.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;

use super::memory;
use super::scripted::plans;
use crate::digest::Digest;
use crate::engine::repo::fake::Memory;
use crate::engine::{Times, World};
use crate::model::{Actor, ClusterEntry, ProductName, RolloutId, SecretRef, Source, Tree};
use crate::plan::{Access, Plan};
use crate::port::{
    Clock, Clusters, Fault, Git, GitTag, HelmOutput, HelmRequest, HelmVersion, Host, Journal, KubeconfigFile,
    MetricRequest, Metrics, NewEvent, Packages, ProcessId, Renderer, ScriptRequest, ScriptResult, Scripts,
    Secret, Secrets, Signatures, SpawnHook, Spawned,
};
use crate::rollout::{Command, FleetState, admit};
use crate::version::Version;

/// The lease of these tests.
pub const LEASE: Duration = Duration::from_millis(900);

/// Times that suit tests.
pub fn times() -> Times {
    let request = Duration::from_millis(200);
    Times { lease: LEASE, request, reach: request, reach_tries: 1, verify: request }
}

/// Clocks that go on by themselves, or only when somebody sleeps.
pub struct TestClock {
    from: Instant,
    /// So much was slept in no time, where sleeping takes none.
    pub jumped: Mutex<Duration>,
    jumps: bool,
}

impl TestClock {
    pub fn new(jumps: bool) -> Self {
        Self { from: Instant::now(), jumped: Mutex::default(), jumps }
    }
    pub fn slept(&self) -> Duration {
        *self.jumped.lock().unwrap()
    }
}

#[async_trait]
impl Clock for TestClock {
    fn now(&self) -> jiff::Timestamp {
        if self.jumps {
            return plans::start() + jiff::SignedDuration::try_from(self.slept()).unwrap();
        }
        jiff::Timestamp::now()
    }
    fn boot(&self) -> Duration {
        let gone = if self.jumps { Duration::ZERO } else { self.from.elapsed() };
        Duration::from_secs(3_600) + gone + self.slept()
    }
    async fn sleep(&self, length: Duration) {
        if self.jumps {
            *self.jumped.lock().unwrap() += length;
            tokio::task::yield_now().await;
        } else {
            tokio::time::sleep(length).await;
        }
    }
}

/// The host `here`, on which this process lives alone.
pub struct TestHost;

/// A process of a host.
pub fn process(pid: i32, host: &str, boot: &str, pid_namespace: &str) -> ProcessId {
    let owned = str::to_owned;
    ProcessId {
        pid,
        start_ticks: 1,
        host: owned(host),
        boot: owned(boot),
        pid_namespace: owned(pid_namespace),
    }
}

impl Host for TestHost {
    fn this(&self) -> ProcessId {
        process(1, "here", "b2", ProcessId::WHOLE_HOST)
    }
    fn lives(&self, pid: i32, _: u64) -> bool {
        pid == 1
    }
}

/// What comes of looking for the content of a product, after a while.
#[derive(Clone, Copy)]
pub enum Deed {
    Missing(Duration),
    Panic,
}

/// The ports that are not there, and the few that are.
#[derive(Default)]
pub struct Ports {
    /// By the digest of a product version.
    pub deeds: Mutex<HashMap<Digest, Deed>>,
    /// What scripts were run, and with which code they end.
    pub ran: Mutex<Vec<Vec<String>>>,
    pub code: Mutex<i32>,
    /// The groups that were ended.
    pub ended: Mutex<Vec<Spawned>>,
    /// The repository, if there is one.
    pub git: Mutex<Option<Memory>>,
    /// Where the API servers of contexts answer.
    pub apis: Mutex<HashMap<String, String>>,
    /// How long connecting takes; how many do now; the most that did at once.
    pub connecting: Mutex<(Duration, usize, usize)>,
    /// What the fleet's source lists, how long that takes, and how often it was asked.
    pub source: Mutex<(Vec<ClusterEntry>, Duration, usize)>,
}

impl Ports {
    fn repository(&self) -> Option<Memory> {
        self.git.lock().unwrap().clone()
    }
}

fn absent<T>() -> Result<T, Fault> {
    Err(Fault::permanent("not in this test"))
}

#[async_trait]
impl Packages for Ports {
    async fn fetch(
        &self,
        _: &ProductName,
        _: &Version,
        _: &str,
        digest: &Digest,
    ) -> Result<Arc<Tree>, Fault> {
        let deed = self.deeds.lock().unwrap().get(digest).copied();
        match deed {
            Some(Deed::Missing(after)) => tokio::time::sleep(after).await,
            Some(Deed::Panic) => panic!("an index that is out of bounds"),
            None => {}
        }
        absent()
    }
}

#[async_trait]
impl Clusters for Ports {
    async fn connect(&self, access: &Access, _: &str) -> Result<kube::Client, Fault> {
        let length = {
            let mut connecting = self.connecting.lock().unwrap();
            connecting.1 += 1;
            connecting.2 = connecting.2.max(connecting.1);
            connecting.0
        };
        tokio::time::sleep(length).await;
        self.connecting.lock().unwrap().1 -= 1;
        let Some(context) = &access.context else { return absent() };
        let Some(address) = self.apis.lock().unwrap().get(context).cloned() else { return absent() };
        Ok(kube::Client::try_from(kube::Config::new(address.parse().unwrap())).unwrap())
    }
    async fn kubeconfig(&self, _: &Access) -> Result<KubeconfigFile, Fault> {
        absent()
    }
    async fn members(&self, _: &Source) -> Result<Vec<ClusterEntry>, Fault> {
        let (listed, length) = {
            let mut source = self.source.lock().unwrap();
            source.2 += 1;
            (source.0.clone(), source.1)
        };
        tokio::time::sleep(length).await;
        Ok(listed)
    }
}

#[async_trait]
impl Renderer for Ports {
    async fn version(&self) -> Result<HelmVersion, Fault> {
        absent()
    }
    async fn render(&self, _: HelmRequest) -> Result<HelmOutput, Fault> {
        absent()
    }
}

#[async_trait]
impl Secrets for Ports {
    async fn resolve(&self, _: &SecretRef) -> Result<Secret, Fault> {
        absent()
    }
}

#[async_trait]
impl Scripts for Ports {
    async fn run(&self, request: ScriptRequest, _: &(dyn SpawnHook + Sync)) -> Result<ScriptResult, Fault> {
        self.ran.lock().unwrap().push(request.command);
        Ok(ScriptResult { code: Some(*self.code.lock().unwrap()), timed_out: false, output: Vec::new() })
    }
    async fn end(&self, spawned: Spawned) -> Result<bool, Fault> {
        self.ended.lock().unwrap().push(spawned);
        Ok(true)
    }
}

#[async_trait]
impl Git for Ports {
    async fn head(&self) -> Result<String, Fault> {
        self.repository().map_or_else(absent, |git| Ok(git.head()))
    }
    async fn first_commit(&self) -> Result<String, Fault> {
        absent()
    }
    async fn dirty(&self, _: &[&str]) -> Result<Vec<String>, Fault> {
        absent()
    }
    async fn tree(&self, commit: &str, folder: &str) -> Result<Option<Tree>, Fault> {
        match self.repository() {
            Some(git) => git.tree(commit, folder).await,
            None => absent(),
        }
    }
    async fn tag(&self, _: &str) -> Result<Option<GitTag>, Fault> {
        absent()
    }
    async fn tags(&self, _: &str) -> Result<Vec<GitTag>, Fault> {
        absent()
    }
    async fn create_tag(&self, _: &str, _: &str, _: &str) -> Result<(), Fault> {
        absent()
    }
    async fn push_tag(&self, _: &str, _: &str) -> Result<(), Fault> {
        absent()
    }
    async fn authors(&self, _: Option<&str>, _: &str, _: &[&str]) -> Result<Vec<String>, Fault> {
        absent()
    }
    async fn descends(&self, commit: &str, from: &str) -> Result<bool, Fault> {
        match self.repository() {
            Some(git) => git.descends(commit, from).await,
            None => absent(),
        }
    }
    async fn identity(&self) -> Result<Option<String>, Fault> {
        absent()
    }
}

#[async_trait]
impl Metrics for Ports {
    async fn range(&self, _: MetricRequest) -> Result<Vec<Vec<f64>>, Fault> {
        absent()
    }
}

#[async_trait]
impl Signatures for Ports {
    async fn sign(&self, _: &std::path::Path, _: &str) -> Result<String, Fault> {
        absent()
    }
    async fn verify(
        &self,
        _: &str,
        _: &str,
        _: &str,
        _: &str,
        _: jiff::Timestamp,
    ) -> Result<Result<(), String>, Fault> {
        absent()
    }
}

/// Everything that a test holds in its hands.
pub struct Stage {
    pub journal: Arc<memory::Memory>,
    pub clock: Arc<TestClock>,
    pub ports: Arc<Ports>,
}

impl Stage {
    /// A stage on which time passes by itself.
    pub fn new() -> Self {
        Self {
            journal: Arc::new(memory::Memory::new()),
            clock: Arc::new(TestClock::new(false)),
            ports: Arc::default(),
        }
    }

    /// A stage on which sleeping takes no time.
    pub fn that_jumps() -> Self {
        Self { clock: Arc::new(TestClock::new(true)), ..Self::new() }
    }

    pub fn world(&self) -> World {
        let ports = &self.ports;
        World {
            clock: Arc::clone(&self.clock) as _,
            host: Arc::new(TestHost),
            clusters: Arc::clone(ports) as _,
            renderer: Arc::clone(ports) as _,
            scripts: Arc::clone(ports) as _,
            secrets: Arc::clone(ports) as _,
            metrics: Arc::clone(ports) as _,
            signatures: Arc::clone(ports) as _,
            git: Arc::clone(ports) as _,
            packages: Arc::clone(ports) as _,
            journal: Arc::clone(&self.journal) as _,
        }
    }

    /// What the journal says.
    pub fn state(&self) -> FleetState {
        let mut state = FleetState::new();
        for event in self.journal.events() {
            state.apply(&event).unwrap();
        }
        state
    }

    /// Starts a plan whose products come to this.
    pub async fn start(&self, plan: Plan, deed: Deed) -> RolloutId {
        for digest in plan.products.keys() {
            self.ports.deeds.lock().unwrap().insert(*digest, deed);
        }
        let (at, state) = (self.clock.now(), self.state());
        let bodies =
            admit(&state, &Command::Start { plan: Box::new(plan), overrides: Vec::new() }, at).unwrap();
        let actor = Actor("person:ann".to_owned());
        let events: Vec<_> =
            bodies.into_iter().map(|body| NewEvent { at, actor: actor.clone(), body }).collect();
        self.journal.append(state.position(), None, events).await.unwrap();
        self.state().rollouts().next_back().unwrap().id().clone()
    }
}
