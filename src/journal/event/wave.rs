//! What events say of waves and rollouts as wholes: gates' answers, halts, endings, budgets.

use crate::digest::Digest;
use crate::model::{GateId, WaveName};

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

/// What a look at a soaking cluster found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Found {
    /// Its records are as planned, and all of it is ready.
    Well,
    /// Something of it is not.
    Ill,
    /// It could not be looked at.
    Unseen,
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
    /// A rollback of it ended, and not everything is back. No event says so: it follows from the
    /// rollback's own end.
    RollbackEnded {
        /// The rollback.
        by: crate::model::RolloutId,
    },
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

/// A person's signature under an approval.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Signature {
    /// How often the gate had been revoked when they signed; part of what is signed, so that a
    /// signature can't be used again after a revocation.
    pub round: u64,
    /// When they signed; part of what is signed, and the moment from which the yes ages.
    pub at: jiff::Timestamp,
    /// The signature as `ssh-keygen -Y sign` prints it (PROTOCOL.sshsig of OpenSSH, armored).
    pub armored: String,
}

/// A condition that a person may let a rollout pass. Tests are none: a release that was not tested
/// goes nowhere.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Override {
    /// Every gate of this id, in all waves.
    Gate(GateId),
    /// The soak of all waves.
    Soak,
}

/// Why a text names no condition that can be overridden.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct OverrideError(String);

impl std::fmt::Display for Override {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Gate(gate) => gate.fmt(f),
            Self::Soak => f.pad("soak"),
        }
    }
}

impl std::str::FromStr for Override {
    type Err = OverrideError;
    fn from_str(text: &str) -> Result<Self, OverrideError> {
        match text {
            "soak" => Ok(Self::Soak),
            "test" | "tests" => Err(OverrideError(
                "tests are never overridden: mend the product and cut a release".to_owned(),
            )),
            other => other.parse().map(Self::Gate).map_err(|error| {
                OverrideError(format!("`{other}` is neither `soak` nor the id of a gate: {error}"))
            }),
        }
    }
}

impl From<Override> for String {
    fn from(what: Override) -> Self {
        what.to_string()
    }
}

impl TryFrom<String> for Override {
    type Error = OverrideError;
    fn try_from(text: String) -> Result<Self, OverrideError> {
        text.parse()
    }
}
