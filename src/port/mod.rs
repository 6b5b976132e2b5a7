//! The world as the engine sees it: traits for everything that is not pure. `adapter` implements
//! them over the real world, `sim` over one that lives in memory. They decide nothing; they only
//! say what can be asked and how asking can fail.

pub mod branches;
mod face;
pub mod requests;
pub mod scans;
pub mod upstream;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration as StdDuration;

use async_trait::async_trait;

use crate::digest::Digest;
use crate::journal::{Body, Entry, Event, FailureClass};
use crate::model::{Actor, ClusterEntry, Duration, ProductName, Source, Tree};
use crate::plan::Access;
use crate::version::{KubeVersion, Version};

/// A failure of the outside world: what kind, and in words (masked, with the next step if known).
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct Fault {
    /// Whether trying again can help.
    pub class: FailureClass,
    /// What went wrong.
    pub message: String,
}

impl Fault {
    /// A failure of the given class.
    pub fn new(class: FailureClass, message: impl Into<String>) -> Self {
        Self { class, message: message.into() }
    }

    /// A failure that trying again may mend.
    pub fn transient(message: impl Into<String>) -> Self {
        Self::new(FailureClass::Transient, message)
    }

    /// A failure that stays.
    pub fn permanent(message: impl Into<String>) -> Self {
        Self::new(FailureClass::Permanent, message)
    }
}

/// Wall clock and boot-time clock.
#[async_trait]
pub trait Clock: Send + Sync {
    /// The wall clock: what events carry.
    fn now(&self) -> jiff::Timestamp;
    /// Time since the host started, suspend included (CLOCK_BOOTTIME): what leases are counted on.
    fn boot(&self) -> StdDuration;
    /// Waits.
    async fn sleep(&self, length: StdDuration);
}

/// What the host knows of processes; who was interrupted can be proved dead by it.
pub trait Host: Send + Sync {
    /// This process.
    fn this(&self) -> ProcessId;
    /// Whether a process of this host, in this boot and this PID namespace, still lives: the same id
    /// with the same start time. `false` is a proof of death.
    fn lives(&self, pid: i32, start_ticks: u64) -> bool;
}

/// Which process, on which host, since which boot, among which processes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProcessId {
    /// Its id, as its PID namespace counts.
    pub pid: i32,
    /// Its start time in clock ticks since boot (`/proc/PID/stat` field 22).
    pub start_ticks: u64,
    /// The host's name.
    pub host: String,
    /// The host's boot id (`/proc/sys/kernel/random/boot_id`).
    pub boot: String,
    /// Its PID namespace: [`ProcessId::WHOLE_HOST`], else what `/proc/self/ns/pid` names; empty when
    /// it is not known. Two containers may share host name and boot id, and count their processes
    /// apart: only in the same namespace does a missing number prove a death.
    pub pid_namespace: String,
}

impl ProcessId {
    /// The PID namespace of a process that sees every process of its host: it runs in no container.
    pub const WHOLE_HOST: &str = "host";

    /// `PID@HOST`, for people.
    pub fn label(&self) -> String {
        format!("{}@{}", self.pid, self.host)
    }
}

/// Brings connections to clusters.
#[async_trait]
pub trait Clusters: Send + Sync {
    /// A client for the cluster, with one deadline for getting it. The client never retries by
    /// itself; its User-Agent is `user_agent`.
    async fn connect(&self, access: &Access, user_agent: &str) -> Result<kube::Client, Fault>;
    /// The path of a kubeconfig file (mode 0600) with exactly this cluster's context as current, for
    /// scripts; it lives as long as the returned guard.
    async fn kubeconfig(&self, access: &Access) -> Result<KubeconfigFile, Fault>;
    /// The clusters that a fleet's source lists.
    async fn members(&self, source: &Source) -> Result<Vec<ClusterEntry>, Fault>;
}

/// A kubeconfig file that goes away with this value.
#[derive(Debug)]
pub struct KubeconfigFile {
    /// Where it is.
    pub path: PathBuf,
    /// Removes it when dropped, if it was made for this purpose.
    pub guard: Option<Box<dyn std::any::Any + Send + Sync>>,
}

/// A value that is never printed: no Debug, no Serialize, and overwritten nowhere by accident.
pub struct Secret(Arc<str>);

impl Secret {
    /// Wraps a secret text.
    pub fn new(text: impl Into<Arc<str>>) -> Self {
        Self(text.into())
    }

    /// The text; every use of this name is a place to look at in a review.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The text, shared; every use of this name is a place to look at in a review.
    pub fn shared(&self) -> Arc<str> {
        Arc::clone(&self.0)
    }
}

impl Clone for Secret {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

pub use crate::model::SecretRef;
pub use face::ClockFace;

/// Resolves secret references.
#[async_trait]
pub trait Secrets: Send + Sync {
    /// The secret, or why it can't be had (never with any part of it).
    async fn resolve(&self, reference: &SecretRef) -> Result<Secret, Fault>;
}

/// What helm is to render.
pub struct HelmRequest {
    /// The chart's files, with paths relative to the chart's folder.
    pub chart: Tree,
    /// The release name that templates see.
    pub release: String,
    /// The namespace that templates see.
    pub namespace: String,
    /// The values, secrets resolved; written to a file of mode 0600.
    pub values: serde_json::Value,
    /// What `.Capabilities.KubeVersion` says.
    pub kubernetes: KubeVersion,
    /// What `.Capabilities.APIVersions` says beside the built-in ones.
    pub api_versions: Vec<String>,
    /// How long it may take.
    pub timeout: Duration,
    /// The secrets among the values; they are masked in what helm says when it fails.
    pub mask: Vec<Secret>,
}

/// What helm printed.
pub struct HelmOutput {
    /// Its standard output: manifests.
    pub manifests: String,
}

/// Which helm renders.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct HelmVersion {
    /// As it prints it, such as `v4.3.1`; part of inputs digests.
    pub version: String,
    /// SHA-256 of the binary; recorded as evidence, never compared.
    pub binary: Digest,
}

/// Runs helm.
#[async_trait]
pub trait Renderer: Send + Sync {
    /// Which helm there is; an error says how to get one.
    async fn version(&self) -> Result<HelmVersion, Fault>;
    /// Renders a chart: no network, empty helm folders.
    async fn render(&self, request: HelmRequest) -> Result<HelmOutput, Fault>;
}

/// A script to run.
pub struct ScriptRequest {
    /// The product's files; they are laid out in a fresh folder, which is the working folder.
    pub files: Tree,
    /// Program and arguments.
    pub command: Vec<String>,
    /// Environment beside PATH, HOME and the like.
    pub env: BTreeMap<String, String>,
    /// Secrets by environment variable; their values are masked in the output.
    pub secrets: BTreeMap<String, Secret>,
    /// More values to mask.
    pub mask: Vec<Secret>,
    /// How long it may take; then its process group is ended.
    pub timeout: Duration,
}

/// A started script's process group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spawned {
    /// The group's id.
    pub group: i32,
    /// The start time of its leader in clock ticks since boot.
    pub start_ticks: u64,
}

/// How a script ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScriptResult {
    /// The exit code; `None` if a signal ended it.
    pub code: Option<i32>,
    /// Whether its time passed.
    pub timed_out: bool,
    /// The last lines of its output (both streams, in order of arrival), masked.
    pub output: Vec<String>,
}

/// Runs scripts, each in a process group of its own.
#[async_trait]
pub trait Scripts: Send + Sync {
    /// Runs a script to its end. `spawned` is called, and waited for, before the script's program
    /// gets to run its first instruction; when it fails the script is not run.
    async fn run(
        &self,
        request: ScriptRequest,
        spawned: &(dyn SpawnHook + Sync),
    ) -> Result<ScriptResult, Fault>;
    /// Ends a process group that an earlier driver left on this host, if it is still the same one;
    /// returns whether it was still there.
    async fn end(&self, spawned: Spawned) -> Result<bool, Fault>;
}

/// Records that a script's process group exists, before the script runs.
#[async_trait]
pub trait SpawnHook: Send {
    /// Called once.
    async fn spawned(&self, spawned: Spawned) -> Result<(), Fault>;
}

/// What is asked of a Prometheus server: a query over a range (HTTP API, `/api/v1/query_range`).
pub struct MetricRequest {
    /// The server's address.
    pub server: String,
    /// A bearer token.
    pub token: Option<Secret>,
    /// The PromQL query.
    pub query: String,
    /// The first moment.
    pub from: jiff::Timestamp,
    /// The last moment.
    pub to: jiff::Timestamp,
    /// How far apart samples are.
    pub step: Duration,
}

/// Asks Prometheus.
#[async_trait]
pub trait Metrics: Send + Sync {
    /// The samples of every series that the query gives.
    async fn range(&self, request: MetricRequest) -> Result<Vec<Vec<f64>>, Fault>;
}

/// Signs texts and looks at signatures (OpenSSH's `ssh-keygen -Y`).
#[async_trait]
pub trait Signatures: Send + Sync {
    /// The armored signature of a text with the private key in a file, or with the agent's key of a
    /// public one.
    async fn sign(&self, key: &std::path::Path, text: &str) -> Result<String, Fault>;
    /// Whether a signature over a text is this person's, by the keys that a file of allowed signers
    /// (its content) gives them at that time; the reason if it is not.
    async fn verify(
        &self,
        allowed: &str,
        person: &str,
        text: &str,
        armored: &str,
        at: jiff::Timestamp,
    ) -> Result<Result<(), String>, Fault>;
}

/// What git knows about the repository.
#[async_trait]
pub trait Git: Send + Sync {
    /// The commit that HEAD names.
    async fn head(&self) -> Result<String, Fault>;
    /// The repository's first commit (its identity).
    async fn first_commit(&self) -> Result<String, Fault>;
    /// Paths that differ from HEAD (changed, staged, untracked), at or below `under`.
    async fn dirty(&self, under: &[&str]) -> Result<Vec<String>, Fault>;
    /// The tree of a folder at a commit, from git objects; symbolic links, submodules and LFS
    /// pointers are refused. `None` if the commit or the folder is not there.
    async fn tree(&self, commit: &str, folder: &str) -> Result<Option<Tree>, Fault>;
    /// The commit that a tag names, and its message if it is annotated.
    async fn tag(&self, name: &str) -> Result<Option<GitTag>, Fault>;
    /// Every tag with a prefix.
    async fn tags(&self, prefix: &str) -> Result<Vec<GitTag>, Fault>;
    /// Makes an annotated tag; fails if it exists.
    async fn create_tag(&self, name: &str, commit: &str, message: &str) -> Result<(), Fault>;
    /// Pushes a tag.
    async fn push_tag(&self, remote: &str, name: &str) -> Result<(), Fault>;
    /// The authors and co-authors (their addresses) of the commits that lead to `until` and not to
    /// `since` (to any, without one) and touch something at or below `under`.
    async fn authors(&self, since: Option<&str>, until: &str, under: &[&str]) -> Result<Vec<String>, Fault>;
    /// Whether a commit is `from` or comes after it; a fault if the repository does not have `from`.
    async fn descends(&self, commit: &str, from: &str) -> Result<bool, Fault>;
    /// Who acts, as git is configured: `user.email`, else `user.name`.
    async fn identity(&self) -> Result<Option<String>, Fault>;
}

/// One git tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GitTag {
    /// Its name.
    pub name: String,
    /// The commit it names, peeled.
    pub commit: String,
    /// Its message, if it is annotated.
    pub message: Option<String>,
}

/// The working tree: what people edit, before git has it.
#[async_trait]
pub trait Trees: Send + Sync {
    /// The files of some folders, tracked or not, without those that git ignores; a folder that is
    /// not there has none. Symbolic links are refused.
    async fn working(&self, folders: &[&str]) -> Result<Tree, Fault>;
    /// Writes a text file, making its folder if need be: whole or not at all, also when the power
    /// fails. The path counts from the repository's root.
    async fn write(&self, path: &str, text: &str) -> Result<(), Fault>;
    /// Writes several text files, each of them as [`Trees::write`] does: all or none. Where the machine stops
    /// in the middle, each file is the old one or the new one, whole.
    async fn write_all(&self, files: &[(&str, &str)]) -> Result<(), Fault>;
    /// Removes a file.
    async fn remove(&self, path: &str) -> Result<(), Fault>;
}

/// Commits what was written to the working tree.
#[async_trait]
pub trait Commits: Send + Sync {
    /// Commits all of it.
    async fn commit(&self, message: &str) -> Result<(), Fault>;
}

/// Finds the content of locked product versions; one lookup for engine and commands.
#[async_trait]
pub trait Packages: Send + Sync {
    /// The content with this digest: at the commit, else at the tag `NAME/vVERSION`, else an error
    /// that names the next command. The digest of what is returned was checked.
    async fn fetch(
        &self,
        product: &ProductName,
        version: &Version,
        commit: &str,
        digest: &Digest,
    ) -> Result<Arc<Tree>, Fault>;
}

/// An event before it has a place in the journal.
#[derive(Debug, Clone, PartialEq)]
pub struct NewEvent {
    /// When it happened.
    pub at: jiff::Timestamp,
    /// Who wrote it.
    pub actor: Actor,
    /// What happened.
    pub body: Body,
}

/// Why an append was refused.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AppendError {
    /// Somebody else wrote first; read on and decide again.
    #[error("the journal moved on from position {expected} to {found}")]
    Moved {
        /// The position that the writer believed to be the last.
        expected: u64,
        /// The last position.
        found: u64,
    },
    /// Another driver took over.
    #[error("fence {ours} is no longer the driver's: {current} is")]
    Fenced {
        /// The writer's fence.
        ours: u64,
        /// The driver's.
        current: u64,
    },
    /// The journal can't be read or written.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl AppendError {
    /// What is the driver's to write needs a fence.
    ///
    /// # Errors
    /// The first event that has none.
    pub fn unless_fenced(fence: Option<u64>, events: &[NewEvent]) -> Result<(), Self> {
        match events.iter().find(|event| fence.is_none() && event.body.is_engines()) {
            Some(event) => {
                let name = event.body.name();
                Err(Fault::permanent(format!("`{name}` is the driver's event and needs a fence")).into())
            }
            None => Ok(()),
        }
    }

    /// The driver's fence is the newest, and it was not given back.
    ///
    /// # Errors
    /// When somebody else drives, or nobody does.
    pub fn unless_driver(ours: u64, current: u64, held: bool) -> Result<(), Self> {
        match (ours == current, held) {
            (false, _) => Err(Self::Fenced { ours, current }),
            (true, false) => Err(Fault::permanent(format!("the driver gave fence {ours} back")).into()),
            (true, true) => Ok(()),
        }
    }
}

/// Who drives, and until when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DriverLease {
    /// The fence that came with it.
    pub fence: u64,
    /// `PID@HOST`.
    pub process: String,
    /// The holder's host.
    pub host: String,
    /// The holder's boot id.
    pub boot: String,
    /// The holder's PID namespace, as in [`ProcessId::pid_namespace`]; empty in rows of older versions.
    pub pid_namespace: String,
    /// The holder's process id and start time in clock ticks since boot.
    pub pid: i32,
    /// See `pid`.
    pub start_ticks: u64,
    /// When it ends by the wall clock, for people; holders count on the boot-time clock.
    pub until: jiff::Timestamp,
}

impl DriverLease {
    /// Whether two leases name the same process.
    pub fn is_of_same_process(&self, other: &Self) -> bool {
        (&self.process, &self.host, &self.boot, &self.pid_namespace, self.pid, self.start_ticks)
            == (&other.process, &other.host, &other.boot, &other.pid_namespace, other.pid, other.start_ticks)
    }
}

/// The outcome of asking for the driver's lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LeaseAnswer {
    /// It is ours, with this fence.
    Granted {
        /// One higher than any before (unchanged by a renewal).
        fence: u64,
    },
    /// Somebody else has it.
    Held(DriverLease),
}

/// The journal: append-only, hash-chained, one writer at a time, many readers.
#[async_trait]
pub trait Journal: Send + Sync {
    /// The journal's UUID.
    fn id(&self) -> uuid::Uuid;
    /// The last position and its hash.
    async fn head(&self) -> Result<(u64, Digest), Fault>;
    /// Events after a position, in order, at most `limit`.
    async fn read(&self, after: u64, limit: usize) -> Result<Vec<Event>, Fault>;
    /// Entries after a position as they are kept, byte for byte, at most `limit`: what
    /// `journal::verify` reads. Entries of a newer schema are among them.
    async fn entries(&self, after: u64, limit: usize) -> Result<Vec<Entry>, Fault>;
    /// Appends events in one transaction if the last position is `expected` and, with a fence, if
    /// that fence is the driver's; durable when it returns. Engine events without a fence are
    /// refused as a fault.
    async fn append(
        &self,
        expected: u64,
        fence: Option<u64>,
        events: Vec<NewEvent>,
    ) -> Result<Vec<Event>, AppendError>;
    /// Waits until there is an event after a position, or `at_most` has passed.
    async fn wait(&self, after: u64, at_most: StdDuration) -> Result<(), Fault>;
    /// Asks for the driver's lease, or renews it: granted when nobody has it, when `us` has it, or
    /// when `may_take_over` says of its holder that it is gone.
    async fn lease(
        &self,
        us: &DriverLease,
        may_take_over: &(dyn for<'a> Fn(&'a DriverLease) -> bool + Send + Sync),
    ) -> Result<LeaseAnswer, Fault>;
    /// Gives the driver's lease back, if it is still held with this fence.
    async fn release(&self, fence: u64) -> Result<(), Fault>;
    /// Who drives, if anybody.
    async fn driver(&self) -> Result<Option<DriverLease>, Fault>;
}
