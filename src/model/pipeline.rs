//! A pipeline: the ordered waves through which a release goes, in `pipelines/NAME.yaml`. What is
//! written here in percent or by selector becomes numbers and names in a plan.

use std::collections::BTreeMap;

use super::{Budget, Cap, ClusterName, Document, Duration, Lane, PipelineName, PoolName, Selector, WaveName};
use crate::yaml::{Node, Spanned};

/// `pipelines/NAME.yaml`.
pub type PipelineFile = Document<PipelineName, Pipeline>;

/// Ordered waves, named per lane.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Pipeline {
    /// What to do with clusters that no wave takes.
    #[serde(default)]
    pub unassigned: Unassigned,
    /// How clusters are ordered within a pool; by name if absent.
    #[serde(default)]
    pub order: Option<Order>,
    /// At most so many clusters at once over all rollouts; `unlimited` if absent.
    #[serde(default)]
    pub at_once: Option<Spanned<Cap>>,
    /// At most so many clusters at once in each region (value of the label `region`), over all rollouts;
    /// in percent of the clusters that the region has in the plan. No limit if absent.
    #[serde(default)]
    pub at_once_per_region: Option<Spanned<Cap>>,
    /// At most so many clusters start within a time, over all rollouts; as many as the caps allow if absent.
    #[serde(default)]
    pub start_rate: Option<Spanned<StartRate>>,
    /// Which waves each lane goes through, in order; `normal` is all of them if absent. The first wave
    /// of `hotfix` is where a hotfix is tested: it holds a cluster that runs the hotfix's parent.
    #[serde(default)]
    pub lanes: BTreeMap<Spanned<Lane>, Vec<Spanned<WaveName>>>,
    /// The waves, in order.
    pub waves: Vec<Spanned<Wave>>,
    /// What becomes of clusters that were left for later, or that join while a rollout runs.
    #[serde(default)]
    pub catch_up: CatchUp,
    /// What is asked before a rollback begins; nothing if absent.
    #[serde(default)]
    pub rollback: Option<RollbackRules>,
    /// How git tags leave this machine.
    #[serde(default)]
    pub tags: Tags,
}

/// What becomes of clusters that come late: they follow when their wave is done.
#[derive(
    Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct CatchUp {
    /// How many of them may fail; past that no further one starts. 0 if absent.
    #[serde(default)]
    pub budget: Option<Spanned<Budget>>,
    /// What becomes of clusters that join the fleet while a rollout runs.
    #[serde(default)]
    pub joiners: Joiners,
}

/// What becomes of a cluster that joins the fleet while a rollout runs.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Joiners {
    /// It follows when its wave is done (the default).
    #[default]
    Follow,
    /// The rollout leaves it alone; the next one takes it.
    Ignore,
}

/// What is asked before a rollback begins.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct RollbackRules {
    /// An approval by people.
    pub approval: Spanned<ApprovalGate>,
}

/// How many clusters may start within a time. A cluster that is only looked at again does not count.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct StartRate {
    /// So many.
    pub clusters: Spanned<u32>,
    /// Within any time of this length.
    pub per: Spanned<Duration>,
}

/// What to do with clusters that no wave takes.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Unassigned {
    /// An error that lists them all (the default).
    #[default]
    Error,
    /// They are left out, and listed in the plan.
    Exclude,
}

/// How clusters are ordered within a pool. A missing label sorts last, ties go by name.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Order {
    /// The label whose value decides.
    pub label: Spanned<String>,
    /// How values compare; another kind of value is a plan error that names cluster and value.
    #[serde(rename = "as", default)]
    pub kind: OrderKind,
}

/// How order values compare.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum OrderKind {
    /// As text, by bytes.
    #[default]
    Text,
    /// As whole numbers.
    Integer,
}

/// One wave: clusters that get a release together, pool after pool.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Wave {
    /// Its name; part of the git tag `release/ID/WAVE`.
    pub name: Spanned<WaveName>,
    /// The clusters taken by name; they come first, in written order.
    #[serde(default)]
    pub clusters: Vec<Spanned<ClusterName>>,
    /// The clusters taken by label.
    #[serde(default)]
    pub selector: Option<Spanned<Selector>>,
    /// How the wave's clusters are cut into pools; one pool named as the wave if absent.
    #[serde(default)]
    pub pools: Option<Spanned<Pools>>,
    /// At most so many clusters of this wave at once; 1 in the first wave, 4 in the others if absent.
    #[serde(default)]
    pub at_once: Option<Spanned<Cap>>,
    /// How many clusters of this wave may fail before it halts; 0 if absent.
    #[serde(default)]
    pub failure_budget: Option<Spanned<Budget>>,
    /// How many clusters of this wave may stay deferred and the wave still be complete; 0 if absent.
    #[serde(default)]
    pub deferred_budget: Option<Spanned<Budget>>,
    /// Tolerates nothing: sets both budgets to 0.
    #[serde(default)]
    pub canary: bool,
    /// How long one attempt at a cluster may work in all, waiting apart; without limit if absent.
    #[serde(default)]
    pub cluster_deadline: Option<Spanned<Duration>>,
    /// Which tests run; `all` in the first wave, `changed` in the others if absent.
    #[serde(default)]
    pub tests: Option<Spanned<TestPolicy>>,
    /// How long the wave must stay well before the next one.
    #[serde(default)]
    pub soak: Option<Spanned<Soak>>,
    /// What must be answered yes before the wave starts, and before it is done.
    #[serde(default)]
    pub gates: Gates,
}

/// How a wave's clusters are cut into pools.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Pools {
    /// Pools by label; together they must take every cluster of the wave exactly once.
    #[serde(default)]
    pub select: Vec<Spanned<PoolBySelector>>,
    /// Pools by size, cut in order: `[6, 12]` is 6, then 12, then 12 again until none is left.
    #[serde(default)]
    pub sizes: Vec<Spanned<u32>>,
    /// What becomes of a last pool by size that is smaller than its size.
    #[serde(default)]
    pub remainder: Remainder,
    /// At most so many clusters of one pool at once, for pools by size.
    #[serde(default)]
    pub at_once: Option<Spanned<Cap>>,
}

/// What becomes of a last pool that is smaller than its size.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Remainder {
    /// It is a pool of its own (the default); the plan shows it.
    #[default]
    Own,
    /// Its clusters join the pool before it.
    Join,
}

/// A pool by label.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct PoolBySelector {
    /// Its name within the wave.
    pub name: Spanned<PoolName>,
    /// Which of the wave's clusters.
    pub selector: Spanned<Selector>,
    /// At most so many clusters of this pool at once; only the wave's cap counts if absent.
    #[serde(default)]
    pub at_once: Option<Spanned<Cap>>,
}

/// Which tests of a cluster's products run in an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TestPolicy {
    /// Tests of products whose own or a dependency's inputs changed.
    Changed,
    /// Tests of every product on the cluster.
    All,
}

/// How long a wave must stay well.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Soak {
    /// How long.
    #[serde(rename = "for")]
    pub length: Spanned<Duration>,
    /// Which time counts.
    #[serde(default)]
    pub clock: Spanned<SoakClock>,
    /// With `clock: observed`: how far apart two looks may be so that the time between them counts;
    /// 10 minutes if absent.
    #[serde(default)]
    pub observe_every: Option<Spanned<Duration>>,
}

/// Which time counts as soaked.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum SoakClock {
    /// All time since the wave was verified (the default).
    #[default]
    Wall,
    /// Of each cluster only the time between looks that found it well.
    Observed,
}

/// The gates of a wave.
#[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Gates {
    /// Asked before the wave starts.
    #[serde(default)]
    pub before: Vec<Spanned<Gate>>,
    /// Asked after the soak, before the wave is done.
    #[serde(default)]
    pub after: Vec<Spanned<Gate>>,
}

/// A question that must be answered yes.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Gate {
    /// People say yes.
    Approval(ApprovalGate),
    /// A script answers.
    Command(CommandGate),
    /// A Prometheus query answers.
    Metric(Box<MetricGate>),
}

/// People say yes.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ApprovalGate {
    /// Who may, as a word for people (a team's name).
    pub by: Spanned<String>,
    /// How many distinct people; 1 if absent.
    #[serde(default)]
    pub quorum: Option<Spanned<u32>>,
    /// How long a yes counts; without end if absent.
    #[serde(default)]
    pub valid_for: Option<Spanned<Duration>>,
    /// Whether the release's authors (who ran `cut`, and git authors since the parent) may be among
    /// them.
    #[serde(default)]
    pub author: AuthorMay,
    /// Whether every yes must carry a signature by a key in `pipelines/allowed_signers`.
    #[serde(default)]
    pub signed: bool,
}

/// Whether a release's authors may approve it.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum AuthorMay {
    /// Their yes does not count (the default): four eyes.
    #[default]
    Refused,
    /// Their yes counts like anybody's; for teams of one.
    Allowed,
}

/// A script answers. It must only ask: it may be run at any time, and again.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct CommandGate {
    /// Program and arguments, run at the root of a copy of `pipelines/` as committed when the plan
    /// was made. The last line that it prints is JSON: `{"open": true, "facts": ["..."]}`.
    pub run: Spanned<Vec<String>>,
    /// Its environment; values may be `{secretRef: ...}`.
    #[serde(default)]
    pub env: Option<Node>,
    /// How long it may take; `1m` if absent.
    #[serde(default)]
    pub timeout: Option<Spanned<Duration>>,
    /// How long a yes counts; `10m` if absent.
    #[serde(default)]
    pub valid_for: Option<Spanned<Duration>>,
    /// How long after a no it is asked again; `1m` if absent.
    #[serde(default)]
    pub ask_every: Option<Spanned<Duration>>,
}

/// A Prometheus query answers: the mean of its samples over a window is within bounds, or not much
/// worse than on clusters that do not have the release yet.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct MetricGate {
    /// The server's address, such as `https://prometheus.example`.
    pub prometheus: Spanned<String>,
    /// A bearer token: `{secretRef: ...}`.
    #[serde(default)]
    pub token: Option<Node>,
    /// The PromQL query. `$clusters` stands for a regular expression that matches the names of the
    /// clusters looked at.
    pub query: Spanned<String>,
    /// How far back samples are taken; `10m` if absent.
    #[serde(default)]
    pub window: Option<Spanned<Duration>>,
    /// How far apart samples are; `30s` if absent.
    #[serde(default)]
    pub step: Option<Spanned<Duration>>,
    /// With fewer samples the answer is no; `5` if absent.
    #[serde(default)]
    pub min_samples: Option<Spanned<u32>>,
    /// The mean may not be above this.
    #[serde(default)]
    pub max: Option<Spanned<f64>>,
    /// The mean may not be below this.
    #[serde(default)]
    pub min: Option<Spanned<f64>>,
    /// Compare with the clusters of the plan that do not have the release yet.
    #[serde(default)]
    pub compare: Option<Spanned<MetricComparison>>,
    /// How long a yes counts; `10m` if absent.
    #[serde(default)]
    pub valid_for: Option<Spanned<Duration>>,
    /// How long after a no it is asked again; `1m` if absent.
    #[serde(default)]
    pub ask_every: Option<Spanned<Duration>>,
}

/// How clusters with the release may differ from those without it.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct MetricComparison {
    /// Which way is worse.
    #[serde(default)]
    pub worse: Worse,
    /// By how many percent of the others' mean it may be worse.
    pub percent: Spanned<f64>,
}

/// Which way a metric gets worse.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Worse {
    /// A higher value is worse (the default): errors, latency.
    #[default]
    Higher,
    /// A lower value is worse: throughput, availability.
    Lower,
}

/// How git tags leave this machine.
#[derive(
    Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Tags {
    /// Whether tags are pushed.
    #[serde(default)]
    pub push: Push,
    /// To which remote; `origin` if absent.
    #[serde(default)]
    pub remote: Option<String>,
}

/// Whether wave tags are pushed.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Push {
    /// They stay here (the default).
    #[default]
    Never,
    /// They are pushed; a push that fails is retried and shown, and blocks nothing.
    Try,
    /// They are pushed; a wave is done only when its tag is.
    Required,
}
