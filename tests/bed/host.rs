//! The bed of one process: run folder, certificates, ports, the shared etcd,
//! and how many clusters may live and start at once. It has threads of its own,
//! since each test has a runtime of its own that ends with it.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use tokio::sync::{OnceCell, OwnedSemaphorePermit, Semaphore};

use super::cluster::Cluster;
use super::etcd::Etcd;
use super::launch::ClusterSpec;
use super::pki::Pki;
use super::ports::Ports;
use super::processes::RunFolder;
use super::proxy::Tls;
use super::tools::{self, tool};
use super::trouble::{Doing as _, Outcome, trouble};

/// How many clusters may live at once: 16 complete ones take some 5 GiB.
/// `TIDEGATE_BED_CLUSTERS` sets another number.
const LIVE: u32 = 16;

/// How many start at once. More does not get them ready sooner on two cores.
const STARTING: usize = 6;

/// What clusters share. Lives as long as the process.
pub struct Bed {
    pub(super) run: RunFolder,
    pub(super) pki: Pki,
    pub(super) tls: Tls,
    pub(super) ports: Ports,
    pub(super) runtime: tokio::runtime::Handle,
    pub(super) starting: Semaphore,
    live: Arc<Semaphore>,
    budget: u32,
    etcd: OnceCell<Etcd>,
    counter: AtomicU32,
}

impl Bed {
    /// The bed of this process, made at the first call.
    ///
    /// # Panics
    /// With one line that says what is missing: a test cannot go on without it.
    pub async fn shared() -> &'static Self {
        match Self::open().await {
            Ok(bed) => bed,
            Err(e) => panic!("{e}"),
        }
    }

    /// The bed of this process, made at the first call.
    ///
    /// # Errors
    /// No place for the cache, no free ports.
    pub async fn open() -> Outcome<&'static Self> {
        static BED: OnceCell<Bed> = OnceCell::const_new();
        BED.get_or_try_init(|| async { Self::new() }).await
    }

    fn new() -> Outcome<Self> {
        let cache = tools::cache()?;
        let run = RunFolder::create(&cache)?;
        let pki = Pki::generate(&run.path.join("pki"))?;
        let tls = Tls::new(&pki)?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("bed")
            .enable_all()
            .build()
            .doing("starting its threads")?;
        let handle = runtime.handle().clone();
        // For the life of the process: proxies run here.
        std::mem::forget(runtime);
        let budget = match std::env::var("TIDEGATE_BED_CLUSTERS") {
            Ok(text) => text.parse().doing("TIDEGATE_BED_CLUSTERS")?,
            Err(_) => LIVE,
        };
        Ok(Self {
            ports: Ports::claim(&cache)?,
            run,
            pki,
            tls,
            runtime: handle,
            starting: Semaphore::new(STARTING),
            live: Arc::new(Semaphore::new(budget as usize)),
            budget,
            etcd: OnceCell::new(),
            counter: AtomicU32::new(0),
        })
    }

    /// A cluster, ready for use.
    ///
    /// # Panics
    /// When it does not come up, with the end of the log that says why.
    pub async fn cluster(&'static self, spec: ClusterSpec) -> Cluster {
        let mut clusters = self.clusters(vec![spec]).await;
        clusters.remove(0)
    }

    /// Several clusters, started together; in the order of the specs. A test
    /// that needs several asks for all at once: one by one, two such tests
    /// could wait for each other's room for ever.
    ///
    /// # Panics
    /// When one does not come up, with the end of the log that says why.
    pub async fn clusters(&'static self, specs: Vec<ClusterSpec>) -> Vec<Cluster> {
        match self.try_clusters(specs).await {
            Ok(clusters) => clusters,
            Err(e) => panic!("{e}"),
        }
    }

    /// [`Bed::clusters`] that answers an error.
    pub async fn try_clusters(&'static self, specs: Vec<ClusterSpec>) -> Outcome<Vec<Cluster>> {
        // First, and not at once with anything else: builds are hungry.
        let (controllers, count) = (specs.iter().any(|s| s.controllers), specs.len());
        let build = move || {
            tool("etcd")?;
            tool("kube-apiserver")?;
            if controllers {
                tool("kwok")?;
                tool("kube-controller-manager")?;
                tool("kube-scheduler")?;
            }
            Outcome::Ok(())
        };
        let built = self.runtime.spawn_blocking(build).await;
        built.doing("building")??;
        let count = u32::try_from(count).doing("number of clusters")?;
        if count > self.budget {
            return trouble(format!(
                "{count} clusters at once are more than the budget of {}; raise TIDEGATE_BED_CLUSTERS",
                self.budget
            ));
        }
        let room = Arc::clone(&self.live).acquire_many_owned(count).await;
        let mut room = room.doing("waiting for room")?;
        let starting: Vec<_> = specs
            .into_iter()
            .filter_map(|spec| {
                let room: OwnedSemaphorePermit = room.split(1)?;
                Some(self.runtime.spawn(Cluster::create(self, spec, room)))
            })
            .collect();
        let mut clusters = Vec::new();
        for cluster in starting {
            clusters.push(cluster.await.doing("starting a cluster")??);
        }
        Ok(clusters)
    }

    /// The path of a tool (`kubectl`, `helm`, ...), built if need be.
    ///
    /// # Panics
    /// When it can be neither found nor built.
    pub async fn tool(&self, name: &str) -> PathBuf {
        match tool_path(name).await {
            Ok(path) => path,
            Err(e) => panic!("{e}"),
        }
    }

    /// The etcd that clusters share, started when the first one needs it.
    pub(super) async fn etcd(&self) -> Outcome<String> {
        let start = || async {
            let folder = self.run.path.join("etcd");
            fs::create_dir_all(&folder).doing(folder.display())?;
            Etcd::start(&self.run.path, folder, &self.ports).await
        };
        Ok(self.etcd.get_or_try_init(start).await?.url())
    }

    /// A number that no other cluster of this run has.
    pub(super) fn number(&self) -> u32 {
        self.counter.fetch_add(1, Ordering::Relaxed) + 1
    }
}

/// The path of a tool, built if need be; needs no bed.
///
/// # Errors
/// It can be neither found nor built; in one line, with what to do.
pub async fn tool_path(name: &str) -> Outcome<PathBuf> {
    let owned = name.to_owned();
    let built = tokio::task::spawn_blocking(move || tool(&owned)).await;
    Ok(built.doing(name)??.path)
}
