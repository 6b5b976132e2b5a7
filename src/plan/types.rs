//! The plan as data: waves, pools, clusters, phases and steps with their digests, complete enough
//! that a rollout can be driven, resumed and explained from it alone. How it comes about is for
//! the sibling files; what happens to it afterwards is for `rollout`.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::digest::Digest;
use crate::model::{
    Actor, AuthorMay, ClusterName, ClusterUid, Conflicts, Duration, GateId, Joiners, Labels, Lane,
    ObservedProduct, PinId, PipelineName, PoolName, ProductName, ReleaseId, SoakClock, Tags, TestPolicy,
    Tombstone, WaveName, Worse,
};
use crate::resolve::Reason;
use crate::version::{KubeMinor, KubeVersion, Version};

use super::{PlanKind, PlannedBack, PlannedDeadline, Renderers};

/// The plan's format number; a higher one is refused.
pub const FORMAT: u32 = 1;

/// One release for one fleet by one pipeline: everything that is fixed before anything starts.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// The format number.
    pub format: u32,
    /// Over the wave digests, in order.
    pub digest: Digest,
    /// When it was made.
    pub made_at: jiff::Timestamp,
    /// The git commit that was HEAD when it was made; tags are set on it, since it holds the lock.
    pub commit: String,
    /// Which way it goes; forward if absent.
    #[serde(default, skip_serializing_if = "PlanKind::is_forward")]
    pub kind: PlanKind,
    /// What is rolled out; in a rollback, what goes back.
    pub release: PlannedRelease,
    /// What the release contains, and which hotfixes there are. Empty in plans made before there was
    /// a hotfix lane.
    #[serde(default, skip_serializing_if = "PlannedLineage::is_empty")]
    pub lineage: PlannedLineage,
    /// By which rules.
    pub pipeline: PlannedPipeline,
    /// What a person allowed with it beyond what is usual.
    #[serde(default)]
    pub options: PlanOptions,
    /// What renders, with versions; part of every inputs digest.
    pub renderers: Renderers,
    /// The waves of the release's lane, in order.
    pub waves: Vec<PlannedWave>,
    /// The product versions that occur as targets, by product digest.
    pub products: BTreeMap<Digest, PlannedProduct>,
    /// Effective values (secret references unresolved), by the digest of their canonical JSON.
    pub values: BTreeMap<Digest, serde_json::Value>,
    /// Clusters that no wave takes, left out by `unassigned: exclude`.
    pub unassigned: Vec<ClusterName>,
    /// Clusters never reached, left to catch-up by `--defer-unknown`.
    pub unknown: Vec<ClusterName>,
    /// What people should know before they start it: one sentence each, with the finding's code.
    pub notices: Vec<Notice>,
}

/// What a person allowed when the plan was made; shown in it, and no part of its digests.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlanOptions {
    /// Fields that other managers own are taken over.
    #[serde(default)]
    pub take_over: bool,
    /// Products may lose more than 30 % of their objects.
    #[serde(default)]
    pub allow_prune: bool,
    /// Products that run as planned are applied once more: what somebody changed is put back.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reapply: bool,
}

/// A sentence in the plan, such as an empty wave or a budget that was clamped.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Notice {
    /// The finding's code, such as `TG0312`.
    pub code: String,
    /// The sentence.
    pub message: String,
}

/// What is rolled out.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlannedRelease {
    /// Its id.
    pub id: ReleaseId,
    /// Its nickname.
    pub title: Option<String>,
    /// Its lane.
    pub lane: Lane,
    /// Its digest.
    pub digest: Digest,
    /// The release it follows.
    pub parent: Option<ReleaseId>,
    /// The Kubernetes version it demands.
    pub kubernetes: KubeVersion,
    /// Who made it: who ran `release cut`, and the git authors of its file and of what it changes
    /// since its parent. Gates that want other eyes do not count their yes.
    #[serde(default, skip_serializing_if = "std::collections::BTreeSet::is_empty")]
    pub authors: std::collections::BTreeSet<String>,
    /// The products that may fall: those that it lowers on purpose, and those that had a pin which
    /// ended. Absent in plans of older versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lowers: Option<std::collections::BTreeSet<ProductName>>,
}

/// What a release contains, as the files said when it was planned.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlannedLineage {
    /// Every release that it contains, itself left out: parents and includes, with what those
    /// contain.
    pub contains: Vec<ReleaseId>,
    /// Every hotfix that was known, contained or not: what a cluster's record names can be told from
    /// a release of the normal lane.
    pub hotfixes: Vec<ReleaseId>,
}

impl PlannedLineage {
    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.contains.is_empty() && self.hotfixes.is_empty()
    }
}

/// By which rules: the pipeline as executed.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlannedPipeline {
    /// Its name.
    pub name: PipelineName,
    /// The SHA-256 of its file.
    pub digest: Digest,
    /// The cap over all rollouts; `None` is unlimited.
    pub at_once: Option<u32>,
    /// For each region at most so many clusters at once over all rollouts; 0 means hold.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub regions: BTreeMap<String, u32>,
    /// How many clusters may start within a time, over all rollouts; `None` is as many as the caps allow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_rate: Option<PlannedRate>,
    /// What becomes of clusters that come late.
    #[serde(default, skip_serializing_if = "is_default")]
    pub catch_up: PlannedCatchUp,
    /// What is asked before a rollback begins, if anything is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollback_gate: Option<PlannedGate>,
    /// How tags leave this machine.
    pub tags: Tags,
}

/// What becomes of clusters that were left for later, or joined while the rollout ran.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlannedCatchUp {
    /// So many of them may fail; past that no further one starts.
    #[serde(default)]
    pub budget: u32,
    /// What becomes of clusters that join while it runs.
    #[serde(default)]
    pub joiners: Joiners,
}

/// The largest start rate: more clusters than a fleet has in one.
pub const LARGEST_RATE: u32 = 10_000;

/// How many clusters may start within a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlannedRate {
    /// So many; from 1 to [`LARGEST_RATE`].
    pub clusters: u32,
    /// Within any time of this length.
    pub per: Duration,
}

/// One wave, with numbers instead of percentages.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlannedWave {
    /// Its name.
    pub name: WaveName,
    /// The wave digest (design: release digest, lane, wave name, ordered pools with ordered cluster
    /// UIDs, target inputs digests, test digests, caps, budgets, gates with parameters, soak).
    pub digest: Digest,
    /// Its pools, in order; empty when no cluster matches, and the wave is then skipped.
    pub pools: Vec<PlannedPool>,
    /// At most so many clusters of the wave at once; `None` is unlimited, 0 means hold.
    pub at_once: Option<u32>,
    /// So many clusters may fail; one more halts the wave.
    pub failure_budget: u32,
    /// So many clusters may stay deferred and the wave still be complete.
    pub deferred_budget: u32,
    /// Whether it tolerates nothing (both budgets are 0 then).
    pub canary: bool,
    /// How long one attempt at a cluster may work in all, waiting apart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster_deadline: Option<Duration>,
    /// Which tests run.
    pub tests: TestPolicy,
    /// How long it soaks, if it does.
    pub soak: Option<PlannedSoak>,
    /// Asked before the wave starts, in order.
    pub gates_before: Vec<PlannedGate>,
    /// Asked after the soak, in order.
    pub gates_after: Vec<PlannedGate>,
}

/// How long a wave soaks.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct PlannedSoak {
    /// How long.
    #[serde(rename = "for")]
    pub length: Duration,
    /// Which time counts.
    pub clock: SoakClock,
    /// How far apart two looks may be, if observed time counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observe_every: Option<Duration>,
}

impl PlannedSoak {
    /// How far apart two looks may be where nothing else is said.
    pub const OBSERVE_EVERY: Duration = Duration::minutes(10);
}

/// A gate with its parameters.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlannedGate {
    /// Its id within the wave and side: the kind, from the second of a kind on with a number.
    pub id: GateId,
    /// What it asks.
    pub kind: GateKind,
}

/// What a gate asks. Fields that came later are left out of the digest while they say what was
/// always meant.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum GateKind {
    /// That `quorum` people say yes.
    Approval {
        /// Who may, as a word for people.
        by: String,
        /// How many distinct people.
        quorum: u32,
        /// How long a yes counts.
        valid_for: Option<Duration>,
        /// Whether the release's authors may be among them.
        #[serde(default, skip_serializing_if = "is_default")]
        author: AuthorMay,
        /// Whether every yes must carry a signature.
        #[serde(default, skip_serializing_if = "is_default")]
        signed: bool,
    },
    /// That a script says yes.
    Command {
        /// Program and arguments.
        run: Vec<String>,
        /// Its environment, secret references unresolved.
        #[serde(default, skip_serializing_if = "is_default")]
        env: serde_json::Value,
        /// How long it may take.
        timeout: Duration,
        /// How long a yes counts.
        valid_for: Duration,
        /// How long after a no it is asked again.
        ask_every: Duration,
    },
    /// That a Prometheus query stays within bounds.
    Metric(Box<PlannedMetric>),
}

/// A Prometheus query and its bounds.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlannedMetric {
    /// The server's address.
    pub prometheus: String,
    /// A bearer token, as an unresolved reference.
    #[serde(default, skip_serializing_if = "is_default")]
    pub token: serde_json::Value,
    /// The query; `$clusters` stands for a regular expression of cluster names.
    pub query: String,
    /// How far back samples are taken.
    pub window: Duration,
    /// How far apart samples are.
    pub step: Duration,
    /// With fewer samples the answer is no.
    pub min_samples: u32,
    /// The mean may not be above this.
    pub max: Option<f64>,
    /// The mean may not be below this.
    pub min: Option<f64>,
    /// Comparison with clusters that do not have the release yet.
    pub compare: Option<PlannedComparison>,
    /// How long a yes counts.
    pub valid_for: Duration,
    /// How long after a no it is asked again.
    pub ask_every: Duration,
}

/// How clusters with the release may differ from those without it.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlannedComparison {
    /// Which way is worse.
    pub worse: Worse,
    /// By how many percent of the others' mean it may be worse.
    pub percent: f64,
}

impl GateKind {
    /// What asking costs, for the order of asking: the dear ones are asked only once the cheap ones
    /// of the same side are open (a word of people costs nothing, a query little, a script most).
    pub fn cost(&self) -> u8 {
        match self {
            Self::Approval { .. } => 0,
            Self::Metric(_) => 1,
            Self::Command { .. } => 2,
        }
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// One pool.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlannedPool {
    /// Its name.
    pub name: PoolName,
    /// At most so many clusters of the pool at once; `None` is unlimited, 0 means hold.
    pub at_once: Option<u32>,
    /// Its clusters, in the order in which they start.
    pub clusters: Vec<PlannedCluster>,
}

/// What one cluster gets.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlannedCluster {
    /// Its name in the fleet.
    pub name: ClusterName,
    /// Its identity, verified at every connect.
    pub uid: ClusterUid,
    /// Its labels; templates see them.
    pub labels: Labels,
    /// Who runs it; templates see it.
    pub provider: Option<String>,
    /// How it is reached.
    pub access: Access,
    /// The Kubernetes minor that its manifests are rendered for.
    pub kubernetes: KubeMinor,
    /// When it was last observed.
    pub observed_at: jiff::Timestamp,
    /// Whether the observation failed at plan time, so that `from` is the last one known.
    pub stale: bool,
    /// What it ran then.
    pub from: Arc<BTreeMap<ProductName, ObservedProduct>>,
    /// What it shall run, in the order in which it is brought about (phase by phase, by name within
    /// a phase), unchanged products included.
    pub targets: Vec<Target>,
    /// Products to take away, in the order in which that happens (reverse graph order).
    pub removals: Vec<ProductName>,
    /// Products that are installed, no longer wanted, and left alone.
    pub orphaned: Vec<ProductName>,
    /// What keeps it from being started until somebody chooses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub obstacles: Vec<PlannedObstacle>,
    /// What a rollback leaves; absent in a plan that goes forward.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub back: Option<Box<PlannedBack>>,
}

/// What keeps a planned cluster from being started until somebody chooses.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "obstacle", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum PlannedObstacle {
    /// A pin keeps a product below what a hotfix of the release raised it to.
    PinMissesHotfix {
        /// The pin.
        pin: PinId,
        /// The team that answers for it.
        owner: String,
        /// Its end, as written.
        until: String,
        /// The product.
        product: ProductName,
        /// The pinned version.
        version: Version,
        /// The hotfix.
        hotfix: ReleaseId,
        /// The version that the hotfix raised the product to.
        raised: Version,
    },
    /// A pin with `onExpiry: block` has ended.
    PinEnded {
        /// The pin.
        pin: PinId,
        /// The team that answers for it.
        owner: String,
        /// Its end, as written.
        until: String,
        /// The product.
        product: ProductName,
        /// The pinned version; the cluster keeps it.
        version: Version,
    },
}

impl PlannedObstacle {
    /// The pin, and the team that answers for it.
    pub fn pin(&self) -> (&PinId, &str) {
        match self {
            Self::PinMissesHotfix { pin, owner, .. } | Self::PinEnded { pin, owner, .. } => (pin, owner),
        }
    }
}

impl std::fmt::Display for PlannedObstacle {
    /// `pin PIN-7 of payments keeps ingress at 1.0.0 until 2026-12-15, below 1.0.1 of the hotfix R41.1`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::PinMissesHotfix { pin, owner, until, product, version, hotfix, raised } => write!(
                f,
                "pin {pin} of {owner} keeps {product} at {version} until {until}, below {raised} of the hotfix {hotfix}"
            ),
            Self::PinEnded { pin, owner, until, product, version } => write!(
                f,
                "pin {pin} of {owner} ended ({until}) and blocks: {product} stays at {version} until somebody chooses"
            ),
        }
    }
}

/// How a cluster is reached: a context of a kubeconfig file whose content is read at every connect.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Access {
    /// The kubeconfig file, as the Fleet writes it (relative to the repository's root).
    pub kubeconfig: String,
    /// The context; the file's current one if absent.
    pub context: Option<String>,
}

/// One product for one cluster.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Target {
    /// The product.
    pub product: ProductName,
    /// The phase it belongs to, counted from 0: one more than the highest phase of what it requires.
    pub phase: u32,
    /// The version.
    pub version: Version,
    /// The product digest; key into `Plan::products`.
    pub digest: Digest,
    /// The inputs digest: what makes two installations the same.
    pub inputs: Digest,
    /// Key into `Plan::values`.
    pub values: Digest,
    /// Why this version.
    pub reason: Reason,
    /// What that means for the cluster as it was last observed.
    pub change: Change,
}

/// What a target means for a cluster.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "change", rename_all = "kebab-case")]
pub enum Change {
    /// It runs there with these inputs, verified.
    Unchanged,
    /// It is new there.
    Install,
    /// Its version rises.
    Raise {
        /// From this one.
        from: Version,
    },
    /// Its version falls.
    Lower {
        /// From this one.
        from: Version,
    },
    /// The version stays, something else of its inputs differs.
    Reconfigure,
    /// The same inputs were applied but never verified, or are to be applied once more.
    Reapply,
}

impl Change {
    /// Whether steps follow from it.
    pub fn acts(&self) -> bool {
        !matches!(self, Self::Unchanged)
    }
}

/// One product version with its steps and tests, fixed.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlannedProduct {
    /// The product.
    pub name: ProductName,
    /// The version.
    pub version: Version,
    /// The commit whose tree holds the content; found by digest, else by tag, if it is gone.
    pub commit: String,
    /// The product digest.
    pub digest: Digest,
    /// Who answers for it.
    pub owner: String,
    /// What to do on a conflict of field ownership.
    pub conflicts: Conflicts,
    /// What it requires.
    pub requires: Vec<ProductName>,
    /// Its deploy steps, in order.
    pub steps: Vec<PlannedStep>,
    /// The end of its deployment (prune, wait until ready, record), where one of its steps says
    /// `deadline: auto`; as long as its longest step otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settle: Option<PlannedSettle>,
    /// Objects of earlier versions that it deletes if they are still there. Absent in plans of older
    /// versions of the tool, which know none that go before the deploy steps.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tombstones: Vec<Tombstone>,
    /// Its tests, in order.
    pub tests: Vec<PlannedTest>,
    /// The test digest: over the `tests` field and the files that it names.
    pub test_digest: Digest,
}

/// One deploy step.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlannedStep {
    /// Its name within the product.
    pub name: String,
    /// Its kind: `manifests`, `helm` or `run`.
    pub kind: String,
    /// How long it may take.
    pub timeout: Duration,
    /// How that number came about, where the product says `deadline: auto`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<PlannedDeadline>,
    /// Whether a rollback can't undo it.
    pub one_way: bool,
    /// What may be done when it is not known how it ended.
    pub repeat: Repeat,
    /// How often a try that failed as transient is repeated.
    pub retries: u32,
}

/// The end of a product's deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlannedSettle {
    /// How long it may take.
    pub timeout: Duration,
    /// How that number came about.
    pub deadline: PlannedDeadline,
}

/// What may be done with a step when it is not known how it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Repeat {
    /// Done again: it converges (apply), or says that it is idempotent.
    Safe,
    /// Its `observe` command is asked first.
    Observe,
    /// Nothing without a person.
    Never,
}

/// One test.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlannedTest {
    /// Its name within the product.
    pub name: String,
    /// Its kind: `run` or `job`.
    pub kind: String,
    /// How long one try may take.
    pub timeout: Duration,
    /// How that number came about, where the product says `deadline: auto`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<PlannedDeadline>,
    /// How often a failed try is repeated.
    pub retries: u32,
}

impl PlannedRelease {
    /// Whether somebody is among its authors; addresses are compared without regard to case.
    pub fn is_authored_by(&self, actor: &Actor) -> bool {
        let name = actor.person();
        self.authors.iter().any(|author| author.eq_ignore_ascii_case(name))
    }
}

impl Plan {
    /// The wave of that name.
    pub fn wave(&self, name: &WaveName) -> Option<&PlannedWave> {
        self.waves.iter().find(|w| &w.name == name)
    }

    /// Every cluster with its wave and pool, in plan order.
    pub fn clusters(&self) -> impl Iterator<Item = (&PlannedWave, &PlannedPool, &PlannedCluster)> {
        self.waves
            .iter()
            .flat_map(|w| w.pools.iter().flat_map(move |p| p.clusters.iter().map(move |c| (w, p, c))))
    }

    /// The cluster of that name, with its wave and pool.
    pub fn cluster(&self, name: &ClusterName) -> Option<(&PlannedWave, &PlannedPool, &PlannedCluster)> {
        self.clusters().find(|(_, _, c)| &c.name == name)
    }
}

impl PlannedWave {
    /// How many clusters it has.
    pub fn size(&self) -> usize {
        self.pools.iter().map(|p| p.clusters.len()).sum()
    }
}
