//! One rollout's events as a file that proves itself: every event of the rollout whole, and of the
//! events between them position and hashes alone, so that a reader can follow the chain from the first
//! one to the journal's head without seeing what is not the rollout's. Decides the form of the lines
//! and whether a file holds; reading the journal and writing the file is for others.

use super::chain::{Entry, decode, hash};
use crate::digest::Digest;
use crate::model::{PipelineName, ReleaseId, RolloutId};

/// The form's name, in the first line of every file.
pub const FORMAT: &str = "tidegate.dev/rollout-export";

/// The form's version; a higher one is refused.
pub const VERSION: u32 = 1;

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

/// A file that holds.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Checked {
    /// Its first line.
    #[serde(flatten)]
    pub head: Head,
    /// How many events of the rollout it has.
    pub events: u64,
    /// How many others are between and behind them.
    pub links: u64,
}

/// The line of an entry: whole if it is the rollout's, else its link.
///
/// # Errors
/// When the entry can't be read.
pub fn line(entry: &Entry, rollout: &RolloutId) -> Result<(String, bool), String> {
    let event = decode(entry).map_err(|error| error.to_string())?;
    if event.body.rollout() == Some(rollout) {
        // The text as it is kept: its hash is over these bytes.
        return Ok((format!("{{\"event\":{}}}", entry.text), true));
    }
    let link = LinkLine { link: Link { seq: event.seq, prev: event.prev, hash: event.hash } };
    Ok((serde_json::to_string(&link).map_err(|error| error.to_string())?, false))
}

/// Reads a file and follows its chain.
///
/// # Errors
/// The first thing that does not hold, with its line.
pub fn check(text: &str) -> Result<Checked, String> {
    let mut lines = text.lines().enumerate().map(|(at, line)| (at + 1, line));
    let (_, first) = lines.next().ok_or("it is empty")?;
    let head: Head = serde_json::from_str(first).map_err(|error| format!("line 1 is no head: {error}"))?;
    if head.format != FORMAT {
        return Err(format!("line 1 says `{}`, expected `{FORMAT}`", head.format));
    }
    if head.version > VERSION {
        return Err(format!("it has version {}, this tidegate reads up to {VERSION}", head.version));
    }
    let (_, second) = lines.next().ok_or("it has no pipeline")?;
    serde_json::from_str::<PipelineLine>(second)
        .map_err(|error| format!("line 2 is no pipeline: {error}"))?;
    let mut checked = Checked { head, events: 0, links: 0 };
    let mut before: Option<(u64, Digest)> = None;
    for (number, line) in lines {
        let link = if let Some(text) = line.strip_prefix("{\"event\":").and_then(|l| l.strip_suffix('}')) {
            let seq = serde_json::from_str::<serde_json::Value>(text)
                .ok()
                .and_then(|event| event.get("seq")?.as_u64())
                .ok_or_else(|| format!("line {number} has no event"))?;
            let event = decode(&Entry { seq, text: text.to_owned() })
                .map_err(|error| format!("line {number}: {error}"))?;
            let computed = hash(&event).map_err(|error| format!("line {number}: {error}"))?;
            if computed != event.hash {
                return Err(format!("line {number}: event {seq} was changed after it was written"));
            }
            if event.body.rollout() != Some(&checked.head.rollout) {
                return Err(format!("line {number}: event {seq} is not one of {}", checked.head.rollout));
            }
            checked.events += 1;
            Link { seq, prev: event.prev, hash: event.hash }
        } else {
            checked.links += 1;
            serde_json::from_str::<LinkLine>(line)
                .map_err(|error| format!("line {number} is neither event nor link: {error}"))?
                .link
        };
        if before.is_some_and(|(seq, hash)| link.seq != seq + 1 || link.prev != hash) {
            return Err(format!("line {number}: event {} does not follow the one before it", link.seq));
        }
        before = Some((link.seq, link.hash));
    }
    if before != Some((checked.head.last, checked.head.hash)) {
        return Err(format!("it does not end at event {} of the journal, as it says", checked.head.last));
    }
    Ok(checked)
}
