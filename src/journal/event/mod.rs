//! What can happen, as data. Events are the only truth about rollouts: everything that is known
//! about one is a fold over them, so their names and fields are stable and only ever added to.
//!
//! Two kinds of author write them. People, through commands, append intents (`rollout.pause`,
//! `approval.given`); the driver appends what it decided and what came of it, and each of its
//! events carries its fence. Here is the envelope; `body` names what can happen, `attempt`,
//! `wave` and `live` hold what those facts are made of.

mod attempt;
mod body;
mod live;
mod wave;

pub use attempt::{
    AttemptId, AttemptResult, AttemptStep, BlockReason, Deferral, Failure, FailureClass, Preflight,
    RetryWhich, StepId, StepOutcome,
};
pub use body::Body;
pub use live::{Member, StopScope};
pub use wave::{Answer, Ending, Found, HaltCause, Override, OverrideError, RaisedBudget, Side, Signature};

use crate::digest::Digest;
use crate::model::Actor;

/// The version of the event schema that this build writes. Older ones are read, newer ones refused.
pub const SCHEMA: u32 = 1;

/// One entry of the journal.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// The position, from 1, without gaps.
    pub seq: u64,
    /// When it was appended, by the writer's clock.
    pub at: jiff::Timestamp,
    /// The version of the event schema it was written with.
    pub schema: u32,
    /// Who wrote it.
    pub actor: Actor,
    /// The driver's fence, for events of the driver.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fence: Option<u64>,
    /// What happened.
    #[serde(flatten)]
    pub body: Body,
    /// The hash of the event before; of the journal's UUID for the first.
    pub prev: Digest,
    /// SHA-256 over the canonical JSON of all the above.
    pub hash: Digest,
}
