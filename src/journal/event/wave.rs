//! What events say of waves and rollouts as wholes: gates' answers, halts, endings, budgets.

use crate::digest::Digest;
use crate::model::WaveName;

/// Which side of a wave a gate stands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Side {
    /// Before the wave starts.
    Before,
    /// After the soak, before the wave is done.
    After,
}

/// A gate's answer.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    /// Whether the wave may go on.
    pub open: bool,
    /// The digest of the canonical facts that it rests on, without times.
    pub evidence: Digest,
    /// The facts in words, one line each.
    pub facts: Vec<String>,
    /// Until when it counts.
    pub expires: Option<jiff::Timestamp>,
}

/// How a wave or a rollout came to a halt.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "cause", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum HaltCause {
    /// More clusters failed than the failure budget tolerates.
    FailureBudget {
        /// So many failed.
        failed: u32,
        /// So many were tolerated.
        budget: u32,
    },
    /// With `tests: all`, not one test ran.
    NoTests,
}

/// How a rollout ended by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ending {
    /// Every cluster is at its planned inputs, or was skipped.
    Succeeded,
    /// Every wave is done, and some cluster failed or is still deferred.
    SucceededWithFailures,
}

/// A new failure budget.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct RaisedBudget {
    /// For which wave.
    pub wave: WaveName,
    /// The new number of tolerated failures.
    pub budget: u32,
}
