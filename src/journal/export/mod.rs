//! One rollout's events as a file that proves itself and can be shown again: every event of the rollout
//! whole, with those of its rollbacks, and what holds for the whole fleet as far as it touches them; of
//! the events between them position and hashes alone, so that a reader can follow the chain to the
//! journal's head without seeing what is not the rollout's. Decides the form of the lines; `write` what
//! goes into a file, `read` whether one holds. Reading the journal and touching disks is for others.

mod read;
mod scope;
mod write;

pub use read::{Defect, Export, Fault, Told, read};
pub use scope::Scope;
pub use write::{Writer, export};

use crate::digest::Digest;
use crate::model::{PipelineName, ReleaseId, RolloutId};

/// The form's name, in the first line of every file.
pub const FORMAT: &str = "tidegate.dev/rollout-export";

/// The form's version; a higher one is refused. Files of version 1 have no events but the rollout's own,
/// and none from before it.
pub const VERSION: u32 = 2;

/// The first line.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Head {
    /// [`FORMAT`].
    pub format: String,
    /// [`VERSION`].
    pub version: u32,
    /// The rollout.
    pub rollout: RolloutId,
    /// Its release.
    pub release: ReleaseId,
    /// The other rollouts whose events are whole: the one that it rolls back, or its rollbacks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub related: Vec<RolloutId>,
    /// The journal.
    pub journal: uuid::Uuid,
    /// When it was exported.
    pub exported_at: jiff::Timestamp,
    /// The position of the journal's last event then.
    pub last: u64,
    /// That event's hash. Tags carry such hashes too.
    pub hash: Digest,
}

/// The second line: the pipeline as executed.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct PipelineLine {
    /// The pipeline.
    pub pipeline: ExportedPipeline,
}

/// A pipeline as its file was when the plan was made. Its numbers are in the plan, which is in the
/// event `rollout.planned`.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ExportedPipeline {
    /// Its name.
    pub name: PipelineName,
    /// The SHA-256 of its file.
    pub digest: Digest,
    /// The commit that held it.
    pub commit: String,
    /// The file; absent where git does not have it any more.
    pub text: Option<String>,
}

/// An event of something else, as far as the chain needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
struct Link {
    seq: u64,
    prev: Digest,
    hash: Digest,
}

#[derive(serde::Serialize, serde::Deserialize)]
struct LinkLine {
    link: Link,
}

/// How the line of a whole event begins; the event as it is kept in the journal and a brace follow.
const EVENT: &str = "{\"event\":";

/// The same for an event from before the rollout that still held when it began. The chain does not reach
/// it: it has its own hash only.
const BEFORE: &str = "{\"before\":";

/// A file that holds.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Checked {
    /// Its first line.
    #[serde(flatten)]
    pub head: Head,
    /// How many events it has whole, from the rollout's beginning on.
    pub events: u64,
    /// How many others are between and behind them.
    pub links: u64,
}
