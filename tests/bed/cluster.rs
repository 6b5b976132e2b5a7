//! One control plane: started, stopped, killed, frozen, started again, asked
//! what its audit log says. Which flags its parts get is up to `launch.rs`.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use k8s_openapi::api::authentication::v1::{TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::{Namespace, Node, Service, ServiceAccount};
use k8s_openapi::api::rbac::v1::ClusterRoleBinding;
use kube::api::{ListParams, Patch, PatchParams, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config};
use rustix::process::Signal;
use serde_json::json;
use tokio::sync::{Mutex, OwnedSemaphorePermit};
use tokio::task::AbortHandle;

use super::audit::{self, AuditEvent};
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
    spec: ClusterSpec,
    folder: PathBuf,
    prefix: String,
    port: u16,
    proxy_port: u16,
    proxy: Option<AbortHandle>,
    faults: Faults,
    uid: String,
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

    fn files(&self) -> Files<'_> {
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

    /// The name its spec gave it.
    pub fn name(&self) -> &str {
        &self.spec.name
    }

    /// UID of its `kube-system` namespace: what identifies a cluster.
    pub fn uid(&self) -> &str {
        &self.uid
    }

    /// Logs, audit log, kubeconfigs.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// `https://127.0.0.1:PORT` of the API server itself.
    pub fn server(&self) -> String {
        format!("https://127.0.0.1:{}", self.port)
    }

    /// Kubeconfig of a cluster administrator, straight to the API server.
    pub fn kubeconfig(&self) -> PathBuf {
        self.folder.join("admin.kubeconfig")
    }

    /// The same through the fault proxy.
    pub fn kubeconfig_via_proxy(&self) -> PathBuf {
        self.folder.join("proxied.kubeconfig")
    }

    /// A user without any rights beyond discovery.
    pub fn kubeconfig_of_nobody(&self) -> PathBuf {
        self.folder.join("nobody.kubeconfig")
    }

    /// A client of the administrator, straight to the API server. It belongs to
    /// the runtime of the caller. No retries; connect 5 s, read 30 s, write 10 s.
    pub async fn client(&self) -> Client {
        self.try_client("admin.kubeconfig").await.unwrap()
    }

    /// The same through the fault proxy.
    pub async fn client_via_proxy(&self) -> Client {
        self.try_client("proxied.kubeconfig").await.unwrap()
    }

    async fn try_client(&self, file: &str) -> Outcome<Client> {
        let path = self.folder.join(file);
        let config = Kubeconfig::read_from(&path).doing(path.display())?;
        let options = KubeConfigOptions::default();
        let config = Config::from_custom_kubeconfig(config, &options).await;
        let mut config = config.doing(path.display())?;
        config.default_retry = false;
        config.connect_timeout = Some(Duration::from_secs(5));
        config.write_timeout = Some(Duration::from_secs(10));
        config.read_timeout = Some(Duration::from_secs(30));
        config.reset_reader_on_write = true;
        config.proxy_url = None;
        Client::try_from(config).doing(path.display())
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

    /// What the audit log says so far, oldest first. The end of a request is
    /// written just after its answer: see [`Cluster::audit_until`].
    pub fn audit(&self) -> Vec<AuditEvent> {
        audit::read(&self.folder.join("audit.log"))
    }

    /// Waits up to 10 s until the audit log has an event that `wanted` likes,
    /// and answers the first.
    pub async fn audit_until(&self, wanted: impl Fn(&AuditEvent) -> bool) -> Option<AuditEvent> {
        let begun = Instant::now();
        loop {
            let found = self.audit().into_iter().find(|e| wanted(e));
            if found.is_some() || begun.elapsed() > Duration::from_secs(10) {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Makes a service account and a kubeconfig with its token (an hour), with
    /// the rights of a ClusterRole: one that the test made, or `view`, `edit`,
    /// `admin` in a complete cluster. A controller fills those three: with the API
    /// server alone they are empty, and `system:aggregate-to-view` serves instead.
    ///
    /// # Errors
    /// The namespace or the API server is not there.
    pub async fn service_account_kubeconfig(
        &self,
        namespace: &str,
        name: &str,
        cluster_role: &str,
    ) -> Outcome<PathBuf> {
        let client = self.try_client("admin.kubeconfig").await?;
        let apply = PatchParams::apply("bed").force();
        let account = json!({
            "apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name},
        });
        let accounts: Api<ServiceAccount> = Api::namespaced(client.clone(), namespace);
        let made = accounts.patch(name, &apply, &Patch::Apply(&account)).await;
        made.doing(format!("service account {namespace}/{name}"))?;
        let binding_name = format!("bed:{namespace}:{name}:{cluster_role}");
        let binding = json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding",
            "metadata": {"name": binding_name},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": cluster_role},
            "subjects": [{"kind": "ServiceAccount", "namespace": namespace, "name": name}],
        });
        let bindings: Api<ClusterRoleBinding> = Api::all(client.clone());
        let binding = Patch::Apply(&binding);
        let made = bindings.patch(&binding_name, &apply, &binding).await;
        made.doing(&binding_name)?;
        let asked = TokenRequest {
            spec: Some(TokenRequestSpec { expiration_seconds: Some(3600), ..TokenRequestSpec::default() }),
            ..TokenRequest::default()
        };
        let token = accounts
            .create_token_request(name, &PostParams::default(), &asked)
            .await
            .doing(format!("token of {namespace}/{name}"))?;
        let token = token.status.and_then(|s| s.token).unwrap_or_default();
        let file = format!("account-{namespace}-{name}.kubeconfig");
        self.files().kubeconfig(&file, &self.spec.name, self.port, &token)?;
        Ok(self.folder.join(file))
    }

    /// Gives a Service of type LoadBalancer its address, which no cloud does here.
    ///
    /// # Errors
    /// The Service is not there.
    pub async fn give_address(&self, namespace: &str, service: &str, ip: &str) -> Outcome<()> {
        let client = self.try_client("admin.kubeconfig").await?;
        let status = json!({"status": {"loadBalancer": {"ingress": [{"ip": ip, "ipMode": "VIP"}]}}});
        let api: Api<Service> = Api::namespaced(client, namespace);
        api.patch_status(service, &PatchParams::default(), &Patch::Merge(&status))
            .await
            .doing(format!("address of {namespace}/{service}"))?;
        Ok(())
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
