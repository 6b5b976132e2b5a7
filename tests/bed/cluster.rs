//! One control plane: started, stopped, killed, frozen, started again, ended.
//! Which flags its parts get is up to `launch.rs`; how to get at it, `access.rs`.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::{Namespace, Node, ServiceAccount};
use kube::api::{ListParams, PostParams};
use kube::{Api, Client};
use rustix::process::Signal;
use tokio::sync::{Mutex, OwnedSemaphorePermit};
use tokio::task::AbortHandle;

use super::etcd::Etcd;
use super::faults::Faults;
use super::host::Bed;
use super::launch::{ClusterSpec, Files, nodes};
use super::processes::Process;
use super::proxy;
use super::tools::tool;
use super::trouble::{Doing as _, Outcome, trouble};

/// How long a component may take to get ready before that is an error. Far
/// above what was measured (3 s alone, 15 s beside eleven others).
const PATIENCE: Duration = Duration::from_secs(120);

/// A running cluster. Dropping it kills its processes at once and keeps its
/// folder for a look at the logs until the next run.
pub struct Cluster {
    bed: &'static Bed,
    pub(super) spec: ClusterSpec,
    pub(super) folder: PathBuf,
    prefix: String,
    pub(super) port: u16,
    proxy_port: u16,
    proxy: Option<AbortHandle>,
    faults: Faults,
    pub(super) uid: String,
    parts: Mutex<Parts>,
    /// Its place in the bed's budget; free when its processes are gone.
    room: Option<OwnedSemaphorePermit>,
}

/// What runs. A part that was killed is `None`.
#[derive(Default)]
struct Parts {
    emulated: Option<String>,
    etcd: Option<Etcd>,
    api_server: Option<Process>,
    others: Vec<Process>,
}

impl Cluster {
    pub(super) async fn create(
        bed: &'static Bed,
        spec: ClusterSpec,
        room: OwnedSemaphorePermit,
    ) -> Outcome<Self> {
        if spec.nodes > 0 && !spec.controllers {
            return trouble(format!("{}: nodes need `controllers`", spec.name));
        }
        let key = format!("{}-{}", spec.name, bed.number());
        let folder = bed.run.path.join(&key);
        std::fs::create_dir_all(&folder).doing(folder.display())?;
        let mut cluster = Self {
            bed,
            prefix: format!("/{key}"),
            port: bed.ports.take()?,
            proxy_port: bed.ports.take()?,
            proxy: None,
            faults: Faults::default(),
            uid: String::new(),
            parts: Mutex::new(Parts { emulated: spec.emulated.clone(), ..Parts::default() }),
            room: Some(room),
            folder,
            spec,
        };
        // From here on an error drops `cluster`, which ends what runs.
        cluster.write_files()?;
        let _turn = bed.starting.acquire().await.doing("waiting for a turn")?;
        if cluster.spec.own_etcd {
            let etcd = Etcd::start(&bed.run.path, cluster.folder.clone(), &bed.ports).await?;
            cluster.parts.lock().await.etcd = Some(etcd);
        }
        cluster.start().await?;
        let (upstream, tls) = (cluster.port, bed.tls.clone());
        let proxy = proxy::serve(cluster.proxy_port, upstream, tls, cluster.faults.clone()).await?;
        cluster.proxy = Some(proxy);
        let client = cluster.try_client("admin.kubeconfig").await?;
        if cluster.spec.controllers {
            cluster.start_controllers(&client).await?;
        }
        cluster.uid = cluster.read_uid(&client).await?;
        Ok(cluster)
    }

    pub(super) fn files(&self) -> Files<'_> {
        Files { folder: &self.folder, pki: &self.bed.pki }
    }

    fn write_files(&self) -> Outcome<()> {
        let (files, name) = (self.files(), self.spec.name.as_str());
        for (user, token) in files.write()? {
            let file = match user {
                "admin" => {
                    files.kubeconfig("proxied.kubeconfig", name, self.proxy_port, &token)?;
                    "admin.kubeconfig"
                }
                "system:kube-controller-manager" => "controller-manager.kubeconfig",
                "system:kube-scheduler" => "scheduler.kubeconfig",
                "bed:kwok" => "kwok.kubeconfig",
                _ => "nobody.kubeconfig",
            };
            files.kubeconfig(file, name, self.port, &token)?;
        }
        Ok(())
    }

    fn run_part(&self, name: &str, flags: Vec<String>) -> Outcome<Process> {
        Process::start(&self.bed.run.path, &self.folder, name, &tool(name)?, flags)
    }

    async fn start_controllers(&self, client: &Client) -> Outcome<()> {
        let files = self.files();
        let mut others = Vec::new();
        for (name, flags) in [
            ("kube-controller-manager", files.controller_manager()),
            ("kube-scheduler", files.scheduler()),
            ("kwok", files.kwok()),
        ] {
            others.push(self.run_part(name, flags)?);
        }
        self.parts.lock().await.others = others;
        let api: Api<Node> = Api::all(client.clone());
        for node in nodes(&self.spec) {
            let node: Node = serde_json::from_value(node).doing("node")?;
            api.create(&PostParams::default(), &node).await.doing("creating a node")?;
        }
        let accounts: Api<ServiceAccount> = Api::namespaced(client.clone(), "default");
        let begun = Instant::now();
        loop {
            let account = accounts.get_opt("default").await.ok().flatten();
            let nodes = api.list(&ListParams::default()).await;
            if account.is_some() && nodes.is_ok_and(|list| list.iter().all(usable)) {
                return Ok(());
            }
            self.wait_on("controllers and nodes", begun).await?;
        }
    }

    async fn read_uid(&self, client: &Client) -> Outcome<String> {
        let api: Api<Namespace> = Api::all(client.clone());
        let begun = Instant::now();
        loop {
            let namespace = api.get_opt("kube-system").await.ok().flatten();
            if let Some(uid) = namespace.and_then(|n| n.metadata.uid) {
                return Ok(uid);
            }
            self.wait_on("namespace kube-system", begun).await?;
        }
    }

    /// One turn of waiting for `what`: an error when a part has ended, or when
    /// it has taken too long since `begun`.
    async fn wait_on(&self, what: &str, begun: Instant) -> Outcome<()> {
        let mut parts = self.parts.lock().await;
        let Parts { api_server, others, .. } = &mut *parts;
        for part in api_server.iter_mut().chain(others) {
            part.check()?;
        }
        drop(parts);
        if begun.elapsed() > PATIENCE {
            return trouble(format!(
                "{}: no {what} after {} s; its logs are in {}",
                self.spec.name,
                PATIENCE.as_secs(),
                self.folder.display()
            ));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
        Ok(())
    }

    /// The switchboard of the fault proxy.
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// Whether the API server says that it is ready.
    pub async fn is_ready(&self) -> bool {
        let Ok(client) = self.try_client("admin.kubeconfig").await else {
            return false;
        };
        let request = hyper::Request::get("/readyz").body(Vec::new()).unwrap();
        let asked = tokio::time::timeout(Duration::from_secs(5), client.request_text(request));
        matches!(asked.await, Ok(Ok(text)) if text == "ok")
    }

    /// Starts the API server again, on the same data and port, after
    /// [`Cluster::stop`] or [`Cluster::kill`]. Answers once it is ready.
    ///
    /// # Errors
    /// It ends or does not get ready; with the end of its log.
    pub async fn start(&self) -> Outcome<()> {
        let mut parts = self.parts.lock().await;
        let etcd = match &parts.etcd {
            Some(own) => own.url(),
            None => self.bed.etcd().await?,
        };
        let files = self.files();
        let mut flags = files.api_server(&etcd, &self.prefix, self.port, self.spec.audit);
        if let Some(minor) = &parts.emulated {
            flags.push(format!("--emulated-version={minor}"));
        }
        flags.extend(self.spec.api_server_flags.iter().cloned());
        // The predecessor first: two cannot have one port.
        parts.api_server = None;
        parts.api_server = Some(self.run_part("kube-apiserver", flags)?);
        drop(parts);
        let begun = Instant::now();
        while !self.is_ready().await {
            self.wait_on("ready API server", begun).await?;
        }
        Ok(())
    }

    /// Kills the API server and starts it as another minor (`1.35`), which is
    /// what an upgrade of the control plane is.
    ///
    /// # Errors
    /// As [`Cluster::start`].
    pub async fn restart_as(&self, minor: &str) -> Outcome<()> {
        self.kill().await;
        self.parts.lock().await.emulated = Some(minor.to_owned());
        self.start().await
    }

    /// SIGTERM to the API server, and waits until it has ended: 1 s without open
    /// watches, up to 62 s with them. Answers how long it took.
    pub async fn stop(&self) -> Duration {
        let begun = Instant::now();
        let mut parts = self.parts.lock().await;
        if let Some(server) = &mut parts.api_server {
            server.signal(Signal::TERM);
            while server.ended().is_none() && begun.elapsed() < PATIENCE {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
        parts.api_server = None;
        begun.elapsed()
    }

    /// SIGKILL to the API server; it is gone when this answers.
    pub async fn kill(&self) {
        self.parts.lock().await.api_server = None;
    }

    /// SIGSTOP to the API server: connections are accepted by the kernel, and
    /// nobody answers.
    pub async fn freeze(&self) {
        self.signal_api_server(Signal::STOP).await;
        // A signal reaches a busy process's threads one after another.
        while !self.pids().await.iter().any(|pid| all_stopped(*pid)) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// SIGCONT to the API server.
    pub async fn thaw(&self) {
        self.signal_api_server(Signal::CONT).await;
    }

    async fn signal_api_server(&self, signal: Signal) {
        if let Some(server) = &mut self.parts.lock().await.api_server {
            server.signal(signal);
        }
    }

    /// SIGKILL to its own etcd.
    ///
    /// # Errors
    /// Its spec did not ask for one.
    pub async fn kill_etcd(&self) -> Outcome<()> {
        match &mut self.parts.lock().await.etcd {
            Some(etcd) => etcd.kill(),
            None => return trouble(format!("{} has no etcd of its own", self.spec.name)),
        }
        Ok(())
    }

    /// Starts its own etcd again on the same data.
    ///
    /// # Errors
    /// Its spec did not ask for one; it does not get healthy.
    pub async fn start_etcd(&self) -> Outcome<()> {
        match &mut self.parts.lock().await.etcd {
            Some(etcd) => etcd.restart().await,
            None => trouble(format!("{} has no etcd of its own", self.spec.name)),
        }
    }

    /// The process ids of everything that belongs to this cluster alone.
    pub async fn pids(&self) -> Vec<u32> {
        let mut parts = self.parts.lock().await;
        let Parts { etcd, api_server, others, .. } = &mut *parts;
        let etcd = etcd.as_mut().and_then(Etcd::process);
        let all = etcd.into_iter().chain(api_server).chain(others);
        all.map(|p| p.pid()).collect()
    }
}

/// Ready, and without the taint that new nodes carry until a controller saw that.
fn usable(node: &Node) -> bool {
    let conditions = node.status.as_ref().and_then(|s| s.conditions.as_ref());
    let ready = conditions.into_iter().flatten().any(|c| c.type_ == "Ready" && c.status == "True");
    let taints = node.spec.as_ref().and_then(|s| s.taints.as_ref());
    ready && taints.is_none_or(|t| t.iter().all(|t| t.key != "node.kubernetes.io/not-ready"))
}

impl Cluster {
    /// Ends it as dropping does, and answers when its processes are gone.
    pub async fn end(mut self) {
        let bury = self.take_down();
        let _ = self.bed.runtime.spawn_blocking(bury).await;
    }

    /// SIGKILL to all at once: nobody reads their data again, so there is
    /// nothing that a graceful end would save. What is left to do waits for the
    /// kernel, which takes a while to give the memory back.
    fn take_down(&mut self) -> impl FnOnce() + Send + use<> {
        if let Some(proxy) = self.proxy.take() {
            proxy.abort();
        }
        let mut parts = std::mem::take(self.parts.get_mut());
        let all = parts.api_server.iter_mut().chain(&mut parts.others);
        let etcd = parts.etcd.as_mut().and_then(Etcd::process);
        for part in all.chain(etcd) {
            part.signal(Signal::KILL);
        }
        let (bed, room) = (self.bed, self.room.take());
        let mut ports = vec![self.port, self.proxy_port];
        ports.extend(parts.etcd.iter().flat_map(Etcd::ports));
        move || {
            drop(parts);
            // Still `Some` if this is the first time: then the ports are ours.
            if room.is_some() {
                ports.into_iter().for_each(|port| bed.ports.release(port));
            }
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if self.room.is_some() {
            std::thread::spawn(self.take_down());
        }
    }
}

/// Whether every thread of a process is stopped, or none is left (proc_pid_stat(5), field 3).
fn all_stopped(pid: u32) -> bool {
    let Ok(threads) = std::fs::read_dir(format!("/proc/{pid}/task")) else { return true };
    threads.flatten().all(|thread| {
        let stat = std::fs::read_to_string(thread.path().join("stat")).unwrap_or_default();
        stat.rsplit_once(')').is_none_or(|(_, rest)| rest.trim_start().starts_with(['T', 't', 'Z', 'X']))
    })
}
