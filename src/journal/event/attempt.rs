//! What events say of one try at one cluster: which try, its steps, what preflight found, how a
//! step and the whole ended.

use std::collections::BTreeMap;

use crate::model::{ClusterName, Duration, ProductName, RolloutId};

/// Which try at which cluster.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AttemptId {
    /// The rollout.
    pub rollout: RolloutId,
    /// The cluster.
    pub cluster: ClusterName,
    /// The number of the attempt at this cluster in this rollout, from 1.
    pub attempt: u32,
}

impl std::fmt::Display for AttemptId {
    /// `R42-1/acme-dev/1`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}/{}", self.rollout, self.cluster, self.attempt)
    }
}

/// Which action of an attempt.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
pub enum StepId {
    /// What is in the way of a product's deployment is deleted: its tombstones that say `when: before`.
    Clear {
        /// The product.
        product: ProductName,
    },
    /// A deploy step of a product.
    Deploy {
        /// The product.
        product: ProductName,
        /// The step's name within the product.
        step: String,
    },
    /// The end of a product's deployment: prune, wait until all of it is ready, record `applied`.
    Settle {
        /// The product.
        product: ProductName,
    },
    /// A product is taken away with everything in its inventory.
    Remove {
        /// The product.
        product: ProductName,
    },
    /// A test of a product.
    Test {
        /// The product.
        product: ProductName,
        /// The test's name within the product.
        test: String,
    },
    /// The records of all products turn `verified`; the last step of every attempt that acted.
    Seal,
}

impl StepId {
    /// The product it belongs to, if to one.
    pub fn product(&self) -> Option<&ProductName> {
        match self {
            Self::Clear { product }
            | Self::Deploy { product, .. }
            | Self::Settle { product }
            | Self::Remove { product }
            | Self::Test { product, .. } => Some(product),
            Self::Seal => None,
        }
    }

    /// Whether it is a test.
    pub fn is_test(&self) -> bool {
        matches!(self, Self::Test { .. })
    }
}

impl std::fmt::Display for StepId {
    /// `ingress/clear`, `ingress/helm`, `ingress/settle`, `ingress/remove`, `ingress/test:smoke`, `seal`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Clear { product } => write!(f, "{product}/clear"),
            Self::Deploy { product, step } => write!(f, "{product}/{step}"),
            Self::Settle { product } => write!(f, "{product}/settle"),
            Self::Remove { product } => write!(f, "{product}/remove"),
            Self::Test { product, test } => write!(f, "{product}/test:{test}"),
            Self::Seal => f.write_str("seal"),
        }
    }
}

/// A step as an attempt will take it; computed in preflight from what the cluster really runs.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AttemptStep {
    /// Which one.
    #[serde(flatten)]
    pub id: StepId,
    /// How long one try may take.
    pub timeout: Duration,
    /// What may be done when it is not known how it ended.
    pub repeat: crate::plan::Repeat,
    /// How often a try that failed as transient (tests: at all) is repeated.
    pub retries: u32,
}

/// What became of a try at a step.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "outcome", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum StepOutcome {
    /// It did what it should.
    Done {
        /// A few words and figures for people, such as `14 objects, 3 changed`.
        summary: String,
        /// Facts for machines and auditors (helm's version and digest, counts, warnings).
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        evidence: BTreeMap<String, serde_json::Value>,
    },
    /// It did not, and it is known that it did not.
    Failed {
        /// Which kind of failure.
        class: FailureClass,
        /// What went wrong, masked, with the finding's code first if there is one.
        cause: String,
        /// The last lines of a script's or pod's output, masked.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        output: Vec<String>,
    },
    /// Its time passed.
    TimedOut {
        /// What it still waited for.
        cause: String,
    },
    /// It is not known how it ended, and it must not simply be done again.
    Unknown {
        /// What is not known, and why.
        cause: String,
    },
}

/// Whether trying again can help.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailureClass {
    /// The network, a server that is busy, a conflict: tried again with backoff, then it counts as
    /// failed.
    Transient,
    /// Trying again can't help.
    Permanent,
    /// A test said no.
    Test,
    /// It is not known which of these; tried again where that is safe, then permanent.
    Unclassified,
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "result", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum AttemptResult {
    /// Everything was applied, is ready, and passed its tests.
    Succeeded,
    /// The cluster already ran the planned inputs, verified, with equal secrets.
    NoOp,
    /// It failed.
    Failed {
        /// Which way.
        failure: Failure,
        /// The step at which, if at one.
        step: Option<StepId>,
        /// Why, in words.
        cause: String,
    },
    /// A step's time passed.
    TimedOut {
        /// Which step.
        step: StepId,
        /// What it waited for.
        cause: String,
    },
    /// An abort ended it after a step.
    Aborted {
        /// The last step that was taken, if any.
        after: Option<StepId>,
    },
    /// A rollback replaced what it did.
    RolledBack,
    /// The cluster left the fleet.
    Departed,
    /// Another rollout took the cluster over.
    Superseded,
}

/// In which way an attempt failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Failure {
    /// Transient, and the tries are used up.
    Transient,
    /// Permanent.
    Permanent,
    /// A test, or the verification after the wave.
    Test,
    /// A gate of the cluster.
    Gate,
    /// It is not known what became of a step; a person decides.
    Unknown,
}

/// Why a cluster is left for later; no write has happened in this attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Deferral {
    /// Its window is closed.
    Window,
    /// Another operation owns it.
    Busy,
    /// It can't be reached.
    Unreachable,
    /// It is switched off on purpose.
    Hibernated,
    /// Somebody holds it still.
    Hold,
    /// It joined the fleet while the rollout ran, and follows when its wave is over.
    Joined,
}

impl Deferral {
    /// Whether a cluster that is left for later so keeps no wave open, within the deferred budget.
    pub fn settles(self) -> bool {
        match self {
            Self::Window | Self::Busy => false,
            Self::Unreachable | Self::Hibernated | Self::Hold | Self::Joined => true,
        }
    }
}

/// Why a claimed cluster can't go on, although nothing failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BlockReason {
    /// What it runs moved so that the plan would lower a product, or another rollout owns it.
    Stale,
    /// Something that the rendered objects need is not there (a ServiceAccount, a namespace).
    Missing,
    /// Another journal holds the cluster's lease, or its record names a rollout unknown here.
    Foreign,
    /// A product would lose so many of its objects that a person must say first that they may go.
    Shrinking,
    /// A pin keeps a product below what a hotfix of the release raised it to: its plan says so.
    PinMissesHotfix,
    /// A pin with `onExpiry: block` has ended: its plan says so.
    PinEnded,
}

impl BlockReason {
    /// Whether the plan says so, so that nothing of the cluster is looked at until it is skipped or
    /// planned again.
    pub fn is_planned(self) -> bool {
        matches!(self, Self::PinMissesHotfix | Self::PinEnded)
    }
}

/// What preflight found.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "verdict", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum Preflight {
    /// These steps are to be taken.
    Proceed {
        /// In this order; never empty.
        steps: Vec<AttemptStep>,
    },
    /// Nothing is to be done.
    NoOp,
    /// Not now, and the cluster keeps its slot free meanwhile.
    Deferred {
        /// Why.
        reason: Deferral,
        /// In words.
        cause: String,
    },
    /// Not until somebody changes something.
    Blocked {
        /// Why.
        reason: BlockReason,
        /// In words.
        cause: String,
    },
    /// It can't work: rendering, ownership, identity.
    Failed {
        /// Whether trying again can help.
        class: FailureClass,
        /// In words.
        cause: String,
    },
}

/// What a command chooses clusters by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RetryWhich {
    /// Those whose newest attempt failed, timed out or was aborted.
    Failed,
    /// Those that were skipped.
    Skipped,
    /// Those that are deferred.
    Deferred,
    /// Those named.
    Named,
}
