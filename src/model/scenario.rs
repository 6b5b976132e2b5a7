//! A scenario: a simulated fleet, what happens to it and when, and what must hold at which time, in a
//! file of its own (`kind: Scenario`). `rehearse --scenario` runs one; `demo` has some of its own.

use std::collections::BTreeMap;

use super::{
    ClusterName, Document, Duration, Expiry, Lane, ProductName, ReleaseId, RolloutId, ScenarioName, WaveName,
};
use crate::version::{KubeVersion, Version};
use crate::yaml::{Node, Spanned};

/// A scenario file.
pub type ScenarioFile = Document<ScenarioName, Scenario>;

/// What happens to a simulated fleet, and what must hold.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Scenario {
    /// What it shows, in a sentence or two.
    #[serde(default)]
    pub story: Option<String>,
    /// Decides everything that is left to chance; 1 if absent.
    #[serde(default)]
    pub seed: Option<Spanned<u64>>,
    /// The wall clock at the beginning (RFC 3339); a Monday morning if absent.
    #[serde(default)]
    pub starts: Option<Spanned<String>>,
    /// How much of the simulation's time may pass until it must have come to an end; 14d if absent.
    #[serde(default)]
    pub within: Option<Spanned<Duration>>,
    /// The clusters, in groups of which all are alike.
    pub fleet: Vec<Spanned<FleetGroup>>,
    /// The spec of the pipeline, as in `pipelines/NAME.yaml`.
    pub pipeline: Node,
    /// The spec of the calendar, as in `pipelines/calendar.yaml`.
    #[serde(default)]
    pub calendar: Option<Node>,
    /// Clusters that keep their own version of a product.
    #[serde(default)]
    pub pins: Vec<Spanned<ScenarioPin>>,
    /// The products that there are, of those that simulations bring along (network, certificates,
    /// ingress, monitoring, backup); all of them if absent. What they require must be among them.
    #[serde(default)]
    pub platform: Vec<Spanned<ProductName>>,
    /// The releases, parents first.
    pub releases: Vec<Spanned<ScenarioRelease>>,
    /// The release that every cluster runs at the beginning.
    #[serde(default)]
    pub installed: Option<Spanned<ReleaseId>>,
    /// How things go in clusters.
    #[serde(default)]
    pub conditions: Vec<Spanned<ScenarioConditions>>,
    /// What goes wrong on the way to clusters.
    #[serde(default)]
    pub faults: Vec<Spanned<ScenarioFault>>,
    /// What people do, in order.
    #[serde(default)]
    pub actions: Vec<Spanned<ScenarioAction>>,
    /// What must hold.
    #[serde(default)]
    pub expect: Vec<Spanned<Expectation>>,
}

/// Clusters that are alike.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct FleetGroup {
    /// The beginning of their names; a number follows.
    pub name: Spanned<String>,
    /// How many.
    pub clusters: Spanned<u32>,
    /// Their labels.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// What they run; 1.36.3 if absent.
    #[serde(default)]
    pub kubernetes: Option<Spanned<KubeVersion>>,
    /// How many nodes each has; 3 if absent.
    #[serde(default)]
    pub nodes: Option<Spanned<u32>>,
    /// Whether they are members of the fleet from the beginning; true if absent. Others join by `join`.
    #[serde(default)]
    pub listed: Option<bool>,
}

/// A release: versions of the platform's products.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ScenarioRelease {
    /// Its id.
    pub id: Spanned<ReleaseId>,
    /// The release that it follows; the one before it in the list if absent.
    #[serde(default)]
    pub parent: Option<Spanned<ReleaseId>>,
    /// Its lane.
    #[serde(default)]
    pub lane: Lane,
    /// The hotfixes that it contains although they are no ancestors.
    #[serde(default)]
    pub includes: Vec<Spanned<ReleaseId>>,
    /// The products that it lowers on purpose.
    #[serde(default)]
    pub lowers: Vec<Spanned<ProductName>>,
    /// Versions of products; the others are as in the parent, and 1.0.0 without one.
    #[serde(default)]
    pub products: BTreeMap<Spanned<ProductName>, Spanned<Version>>,
}

/// A cluster that keeps its own version of a product.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ScenarioPin {
    /// The cluster.
    pub cluster: Spanned<ClusterName>,
    /// The product.
    pub product: Spanned<ProductName>,
    /// Its version; some release of the scenario has it.
    pub version: Spanned<Version>,
    /// The team that answers for it.
    pub owner: Spanned<String>,
    /// Why.
    pub reason: Spanned<String>,
    /// Until when, such as 2026-12-15.
    pub until: Spanned<Expiry>,
}

/// How things go in some clusters.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ScenarioConditions {
    /// The clusters; all if absent.
    #[serde(default)]
    pub clusters: Vec<Spanned<ClusterName>>,
    /// Parts of image names (`ingress:1.1.0`) that no node can pull.
    #[serde(default)]
    pub unpullable: Vec<String>,
    /// Parts of image names whose containers end as soon as they start.
    #[serde(default)]
    pub crashing: Vec<String>,
    /// Parts of image names of Jobs whose pods fail.
    #[serde(default)]
    pub failing: Vec<String>,
    /// Parts of image names of Jobs whose pods never end.
    #[serde(default)]
    pub hanging: Vec<String>,
    /// Writes that an admission webhook denies.
    #[serde(default)]
    pub denied: Vec<Spanned<ScenarioDenial>>,
    /// Nodes that never get ready.
    #[serde(default)]
    pub broken_nodes: Vec<String>,
    /// Disruption budgets (`NAMESPACE/NAME`, or `*`) that never open.
    #[serde(default)]
    pub closed_budgets: Vec<String>,
    /// The longest that a pod takes to get ready; 12s if absent.
    #[serde(default)]
    pub pod_start: Option<Spanned<Duration>>,
}

/// What an admission webhook denies.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ScenarioDenial {
    /// The webhook's name.
    pub webhook: Spanned<String>,
    /// The resource's plural, such as `deployments`.
    pub resource: Spanned<String>,
    /// The namespace; every one if absent.
    #[serde(default)]
    pub namespace: Option<String>,
    /// What it says.
    pub message: String,
}

/// What goes wrong on the way to some clusters.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ScenarioFault {
    /// The clusters; all if absent.
    #[serde(default)]
    pub clusters: Vec<Spanned<ClusterName>>,
    /// From when, since the beginning of the story; at once if absent.
    #[serde(default)]
    pub from: Option<Spanned<Duration>>,
    /// Until when; for ever if absent.
    #[serde(default)]
    pub until: Option<Spanned<Duration>>,
    /// Which requests: all, reads or writes.
    #[serde(default)]
    pub requests: WhichRequests,
    /// Only requests whose path contains this.
    #[serde(default)]
    pub path: Option<String>,
    /// Of a thousand such requests, how many are hit; 1000 if absent.
    #[serde(default)]
    pub per_mille: Option<Spanned<u32>>,
    /// How many requests to a cluster are hit at most.
    #[serde(default)]
    pub times: Option<Spanned<u32>>,
    /// What goes wrong.
    pub what: Spanned<FaultKind>,
    /// How long, for `slow` and `stale`; the seconds of `Retry-After`, for a code.
    #[serde(default, rename = "for")]
    pub length: Option<Spanned<Duration>>,
}

/// Which requests.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum WhichRequests {
    /// All.
    #[default]
    All,
    /// Those that read.
    Reads,
    /// Those that write.
    Writes,
}

/// What goes wrong with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FaultKind {
    /// The connection is refused.
    Refused,
    /// The connection is reset before anything is done.
    Reset,
    /// It is accepted and never answered.
    HalfOpen,
    /// It is done, and never answered.
    AnswerLost,
    /// It is done, and the answer breaks off.
    Truncated,
    /// It takes so much longer.
    Slow,
    /// Reads are answered with what was so long ago.
    Stale,
    /// The credentials are not accepted any more.
    Expired,
    /// 401 Unauthorized.
    Unauthorized,
    /// 403 Forbidden.
    Forbidden,
    /// 409 Conflict.
    Conflict,
    /// 410 Gone.
    Gone,
    /// 429 Too Many Requests.
    TooManyRequests,
    /// 500 Internal Server Error.
    InternalError,
    /// 503 Service Unavailable.
    Unavailable,
}

/// Something that somebody does.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ScenarioAction {
    /// When, since the beginning of the story.
    #[serde(default)]
    pub at: Option<Spanned<Duration>>,
    /// Not before this has happened.
    #[serde(default)]
    pub on: Option<Spanned<Happening>>,
    /// So long after that.
    #[serde(default)]
    pub after: Option<Spanned<Duration>>,
    /// Who; `ann` if absent.
    #[serde(default)]
    pub by: Option<String>,
    /// Whether the story goes on when this is refused; it ends with an error otherwise.
    #[serde(default)]
    pub may_be_refused: bool,
    /// What.
    #[serde(rename = "do")]
    pub deed: Spanned<Deed>,
}

/// An event of the journal.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Happening {
    /// Its name, such as `wave.soaked` (docs/events.md).
    pub event: Spanned<String>,
    /// Of this rollout.
    #[serde(default)]
    pub rollout: Option<Spanned<RolloutId>>,
    /// Of this wave.
    #[serde(default)]
    pub wave: Option<Spanned<WaveName>>,
    /// Of this cluster.
    #[serde(default)]
    pub cluster: Option<Spanned<ClusterName>>,
}

/// What somebody does. A rollout may be left out where there is only one: the newest is meant.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum Deed {
    /// Plans a release and starts the plan.
    Start {
        /// The release.
        release: Spanned<ReleaseId>,
    },
    /// Says yes to what a wave asks its people.
    Approve {
        /// The rollout.
        #[serde(default)]
        rollout: Option<Spanned<RolloutId>>,
        /// The wave.
        wave: Spanned<WaveName>,
    },
    /// Starts no new cluster.
    Pause {
        /// The rollout.
        #[serde(default)]
        rollout: Option<Spanned<RolloutId>>,
    },
    /// Goes on, with another failure budget of the halted wave if one is given.
    Resume {
        /// The rollout.
        #[serde(default)]
        rollout: Option<Spanned<RolloutId>>,
        /// The new budget.
        #[serde(default)]
        raise_budget: Option<Spanned<u32>>,
    },
    /// Ends a rollout where it stands.
    Abort {
        /// The rollout.
        #[serde(default)]
        rollout: Option<Spanned<RolloutId>>,
    },
    /// Tries failed clusters again, or those that are named.
    Retry {
        /// The rollout.
        #[serde(default)]
        rollout: Option<Spanned<RolloutId>>,
        /// The clusters; all that failed if absent.
        #[serde(default)]
        clusters: Vec<Spanned<ClusterName>>,
        /// Those that were left for later instead of those that failed.
        #[serde(default)]
        deferred: bool,
    },
    /// Leaves clusters out.
    Skip {
        /// The rollout.
        #[serde(default)]
        rollout: Option<Spanned<RolloutId>>,
        /// The clusters.
        clusters: Vec<Spanned<ClusterName>>,
    },
    /// Takes back what a rollout brought.
    Rollback {
        /// The rollout.
        #[serde(default)]
        rollout: Option<Spanned<RolloutId>>,
    },
    /// Keeps a cluster as it is.
    Hold {
        /// The cluster.
        cluster: Spanned<ClusterName>,
    },
    /// Lets a held cluster go on.
    Release {
        /// The cluster.
        cluster: Spanned<ClusterName>,
    },
    /// Stops the line of the whole fleet.
    StopTheLine {},
    /// Lets the line of the whole fleet go on.
    StartTheLine {},
    /// Writes a file of the repository and commits it.
    Write {
        /// Its path.
        path: Spanned<String>,
        /// Its text.
        text: String,
    },
    /// Changes how things go in clusters from now on.
    Change {
        /// How.
        conditions: Vec<Spanned<ScenarioConditions>>,
    },
    /// Has nothing go wrong on the way to clusters any more.
    Calm {},
    /// Kills the driver; another one comes at once.
    Kill {},
    /// Has the disk below the journal fill up, hang or forget, or makes it well again.
    Disk {
        /// How it is from now on.
        is: Spanned<DiskState>,
        /// How long; until the next such deed if absent.
        #[serde(default, rename = "for")]
        length: Option<Spanned<Duration>>,
    },
    /// Sets the wall clock of the host on which the driver and people work.
    Clock {
        /// So far forward.
        #[serde(default)]
        forward: Option<Spanned<Duration>>,
        /// So far back.
        #[serde(default)]
        back: Option<Spanned<Duration>>,
    },
    /// Changes how the scripts of the driver's host end from now on, such as those of gates.
    Script {
        /// A part of the command.
        command: Spanned<String>,
        /// The clusters that they are for; all if absent.
        #[serde(default)]
        clusters: Vec<Spanned<ClusterName>>,
        /// How they end.
        ends: Spanned<ScriptEnd>,
    },
    /// Has clusters join the fleet, by a commit.
    Join {
        /// The clusters.
        clusters: Vec<Spanned<ClusterName>>,
    },
    /// Has clusters leave the fleet, by a commit.
    Leave {
        /// The clusters.
        clusters: Vec<Spanned<ClusterName>>,
    },
}

/// How the disk below the journal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DiskState {
    /// As it should be.
    Well,
    /// Every write fails, and nothing is written.
    Full,
    /// Every other write is done and reported as failed.
    Forgetful,
    /// No write is done, and none is answered, until it is otherwise again.
    Hangs,
}

/// How scripts end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ScriptEnd {
    /// Well.
    Well,
    /// With exit code 1.
    Fails,
    /// Never.
    Hangs,
}

/// What must hold.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Expectation {
    /// When, since the beginning of the story; at the end if absent.
    #[serde(default)]
    pub at: Option<Spanned<Duration>>,
    /// The state of a rollout.
    #[serde(default)]
    pub rollout: Option<Spanned<ExpectedRollout>>,
    /// What clusters run.
    #[serde(default)]
    pub clusters: Option<Spanned<ExpectedClusters>>,
    /// How often something has happened by then.
    #[serde(default)]
    pub events: Option<Spanned<ExpectedEvents>>,
    /// How clusters stand in a rollout.
    #[serde(default)]
    pub attempts: Option<Spanned<ExpectedAttempts>>,
    /// What a rollout waits for.
    #[serde(default)]
    pub waits: Option<Spanned<ExpectedWait>>,
    /// How often something has gone wrong by then.
    #[serde(default)]
    pub struck: Option<Spanned<ExpectedStruck>>,
}

/// How clusters stand in a rollout.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ExpectedAttempts {
    /// The rollout.
    pub id: Spanned<RolloutId>,
    /// The clusters.
    pub clusters: Vec<Spanned<ClusterName>>,
    /// The state of each, as `rollout status -o json` has it.
    pub state: Spanned<String>,
}

/// What a rollout waits for, as `rollout why` tells it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ExpectedWait {
    /// The rollout.
    pub id: Spanned<RolloutId>,
    /// What is in the way, such as `approval`, `unreachable`, `soak` or `driver` (docs/json.md).
    pub gate: Spanned<String>,
    /// The wave that waits.
    #[serde(default)]
    pub wave: Option<Spanned<WaveName>>,
    /// The cluster that waits.
    #[serde(default)]
    pub cluster: Option<Spanned<ClusterName>>,
    /// Words that the evidence has.
    #[serde(default)]
    pub says: Option<String>,
}

/// How often something has gone wrong.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ExpectedStruck {
    /// What, by the name that the verdict has for it: a code such as `429`, `refused`, `disk-full`.
    pub what: Spanned<String>,
    /// At least so often; once if neither is given.
    #[serde(default)]
    pub at_least: Option<Spanned<u32>>,
    /// At most so often.
    #[serde(default)]
    pub at_most: Option<Spanned<u32>>,
}

/// The state of a rollout.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ExpectedRollout {
    /// The rollout.
    pub id: Spanned<RolloutId>,
    /// Its state, as `rollout status -o json` has it.
    pub state: Spanned<String>,
}

/// What clusters run, by their own records.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ExpectedClusters {
    /// Their names; all if absent.
    #[serde(default)]
    pub names: Vec<Spanned<ClusterName>>,
    /// With these labels.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// Versions of products.
    pub run: BTreeMap<Spanned<ProductName>, Spanned<Version>>,
}

/// How often something has happened.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ExpectedEvents {
    /// What.
    pub of: Spanned<Happening>,
    /// At least so often; once if neither is given.
    #[serde(default)]
    pub at_least: Option<Spanned<u32>>,
    /// At most so often.
    #[serde(default)]
    pub at_most: Option<Spanned<u32>>,
}
