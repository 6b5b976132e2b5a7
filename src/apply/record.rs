//! What is remembered in a cluster about one product: which state it is in, which one it came from,
//! and every object that belongs to it; and how that is written into Secrets. Decides when a state
//! becomes the previous one; when the record is written is for the engine.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde_json::Value;
use uuid::Uuid;

use crate::digest::{self, Digest};
use crate::model::{ObservedProduct, ProductName, RecordPhase, ReleaseId, RolloutId};
use crate::version::Version;

use super::inventory::Inventory;

/// The record's format; a higher one is refused.
pub const FORMAT: u32 = 1;

/// How much one Secret holds at most, in bytes. An API server takes 1 MiB of data.
pub const CHUNK: usize = 900 * 1024 - HEAD_ROOM;

/// What is left free beside a chunk for the head.
const HEAD_ROOM: usize = 16 * 1024;

/// The most that a body may unpack to, so that a broken one can't fill the memory.
const BODY_LIMIT: u64 = 256 * 1024 * 1024;

/// One state of a product in a cluster.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct State {
    /// The release that brought it.
    pub release: ReleaseId,
    /// Its version.
    pub version: Version,
    /// The git commit of its content.
    pub commit: String,
    /// Its product digest.
    pub digest: Digest,
    /// Its inputs digest.
    pub inputs: Digest,
    /// The HMAC over the values behind its secret references; `None` if it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secrets: Option<Digest>,
    /// How far it got.
    pub phase: RecordPhase,
    /// The effective values, secret references unresolved.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub values: Value,
}

impl State {
    /// The part that an observation tells.
    pub fn observed(&self) -> ObservedProduct {
        ObservedProduct {
            release: self.release.clone(),
            version: self.version.clone(),
            commit: self.commit.clone(),
            digest: self.digest,
            inputs: self.inputs,
            phase: self.phase,
        }
    }
}

/// The last word on a product's health in a cluster.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LastVerdict {
    /// In which rollout.
    pub rollout: RolloutId,
    /// Which inputs it speaks of.
    pub inputs: Digest,
    /// Whether all of it was ready and the attempt's tests passed.
    pub passed: bool,
}

/// What is remembered about one product.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// The format number.
    pub format: u32,
    /// The journal whose driver wrote it.
    pub journal: Uuid,
    /// That driver's fence.
    pub fence: u64,
    /// The rollout.
    pub rollout: RolloutId,
    /// The number of the attempt at this cluster.
    pub attempt: u32,
    /// Whether a person took it over from another journal, or from a lost one; until the next write.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub adopted: bool,
    /// The state that the cluster is in, or on the way to.
    pub current: State,
    /// The last state that was verified before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<State>,
    /// The last word on its health.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<LastVerdict>,
    /// Every object that may be there because of this product.
    #[serde(skip)]
    pub inventory: Inventory,
}

/// Who writes a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Author {
    /// The journal.
    pub journal: Uuid,
    /// The driver's fence.
    pub fence: u64,
    /// The rollout.
    pub rollout: RolloutId,
    /// The attempt's number.
    pub attempt: u32,
}

impl Record {
    /// The record of a product that is about to be brought to `next`, whose inventory is everything
    /// that was there and everything that `next` has (`objects`). The old state becomes the previous
    /// one only if it was verified and is another one; a retry leaves the previous one alone.
    pub fn begin(
        old: Option<&Self>,
        author: &Author,
        next: State,
        objects: impl IntoIterator<Item = (super::ObjectId, String)>,
    ) -> Self {
        let superseded =
            old.filter(|r| r.current.phase == RecordPhase::Verified && r.current.inputs != next.inputs);
        let previous = match superseded {
            Some(record) => Some(record.current.clone()),
            None => old.and_then(|record| record.previous.clone()),
        };
        let empty = Inventory { hashing: super::inventory::HASHING, entries: Vec::new() };
        Self {
            format: FORMAT,
            journal: author.journal,
            fence: author.fence,
            rollout: author.rollout.clone(),
            attempt: author.attempt,
            adopted: false,
            current: State { phase: RecordPhase::Applying, ..next },
            previous,
            verdict: old.and_then(|record| record.verdict.clone()),
            inventory: old.map_or(&empty, |record| &record.inventory).with(objects),
        }
    }

    /// Whether its rollout never came to an end in this cluster, as far as the record tells.
    pub fn is_unfinished(&self) -> bool {
        self.current.phase != RecordPhase::Verified
    }
}

/// Why a record is not to be touched by this journal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotOurs {
    /// Another journal wrote it.
    #[error("the record of {product} was written by journal {journal}")]
    Journal {
        /// The product.
        product: ProductName,
        /// The other journal.
        journal: Uuid,
    },
    /// It names an unfinished rollout that this journal does not know.
    #[error(
        "the record of {product} names the unfinished rollout {rollout}, which this journal does not know"
    )]
    Rollout {
        /// The product.
        product: ProductName,
        /// The rollout.
        rollout: RolloutId,
    },
}

/// Whether a journal may go on from these records; `knows` tells the rollouts that it knows.
///
/// # Errors
/// The first record that it may not touch.
pub fn admit(
    records: &BTreeMap<ProductName, Record>,
    journal: Uuid,
    knows: &dyn Fn(&RolloutId) -> bool,
) -> Result<(), NotOurs> {
    for (product, record) in records {
        if record.journal != journal {
            return Err(NotOurs::Journal { product: product.clone(), journal: record.journal });
        }
        if record.is_unfinished() && !record.adopted && !knows(&record.rollout) {
            return Err(NotOurs::Rollout { product: product.clone(), rollout: record.rollout.clone() });
        }
    }
    Ok(())
}

/// The name of a product's Secret.
pub fn secret_name(product: &ProductName) -> String {
    format!("product.{product}")
}

/// A record as Secrets: the head's Secret holds `head` and the first chunk, the others a chunk each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The head, as JSON.
    pub head: Vec<u8>,
    /// The chunks; the first goes beside the head.
    pub chunks: Vec<Vec<u8>>,
    /// The names of the Secrets of the second chunk and those after it. A hash of the content is part
    /// of them, so that a crash between two writes can't mix two records.
    pub names: Vec<String>,
}

/// What the head says about the body.
#[derive(serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Head {
    #[serde(flatten)]
    record: Record,
    body: Digest,
    parts: Vec<String>,
}

/// What is long, and therefore compressed and split.
#[derive(serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    inventory: Inventory,
    #[serde(default)]
    values: Value,
    #[serde(default)]
    previous_values: Value,
}

/// Why a record can't be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// A newer tidegate wrote it.
    #[error("it has format {found}, and this tidegate knows formats up to {FORMAT}")]
    Higher {
        /// Its format.
        found: u64,
    },
    /// A part is missing or does not fit.
    #[error("it is damaged: {0}")]
    Damaged(String),
}

/// Writes a record; no chunk is longer than `chunk` bytes.
///
/// # Errors
/// When it has no JSON form or can't be compressed.
pub fn encode(record: &Record, product: &ProductName, chunk: usize) -> Result<Written, Unreadable> {
    let bad = |e: &dyn std::fmt::Display| Unreadable::Damaged(e.to_string());
    let mut record = record.clone();
    let body = Body {
        inventory: std::mem::take(&mut record.inventory),
        values: record.current.values.take(),
        previous_values: record.previous.as_mut().map(|p| p.values.take()).unwrap_or_default(),
    };
    let packed = gzip(&serde_json::to_vec(&body).map_err(|e| bad(&e))?).map_err(|e| bad(&e))?;
    let chunks: Vec<Vec<u8>> = packed.chunks(chunk.max(1)).map(<[u8]>::to_vec).collect();
    let body = digest::bytes(&packed);
    let mut mark = body.hex();
    mark.truncate(12);
    let names: Vec<String> =
        (1..chunks.len()).map(|n| format!("{}.{mark}.{n}", secret_name(product))).collect();
    let head = serde_json::to_vec(&Head { record, body, parts: names.clone() }).map_err(|e| bad(&e))?;
    Ok(Written { head, chunks, names })
}

fn gzip(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::default());
    packed.write_all(bytes)?;
    packed.finish()
}

/// Reads a record from its head and first chunk; `part` brings the other chunks by name.
///
/// # Errors
/// When its format is higher than ours, or a part is missing or does not fit.
pub fn decode<'a>(
    head: &[u8],
    first: &[u8],
    part: impl Fn(&str) -> Option<&'a [u8]>,
) -> Result<Record, Unreadable> {
    let damaged = |what: String| Unreadable::Damaged(what);
    // The format first: what a higher one looks like is not known.
    let raw: Value = serde_json::from_slice(head).map_err(|e| damaged(format!("its head: {e}")))?;
    match raw.get("format").and_then(Value::as_u64) {
        Some(found) if found > u64::from(FORMAT) => return Err(Unreadable::Higher { found }),
        Some(_) => {}
        None => return Err(damaged("its head has no format".to_owned())),
    }
    let head: Head = serde_json::from_value(raw).map_err(|e| damaged(format!("its head: {e}")))?;
    let mut packed = first.to_vec();
    for name in &head.parts {
        packed.extend_from_slice(part(name).ok_or_else(|| damaged(format!("Secret {name} is missing")))?);
    }
    if digest::bytes(&packed) != head.body {
        return Err(damaged("its content does not have the digest that its head names".to_owned()));
    }
    let mut plain = Vec::new();
    let read = GzDecoder::new(packed.as_slice()).take(BODY_LIMIT).read_to_end(&mut plain);
    read.map_err(|e| damaged(format!("its content: {e}")))?;
    let body: Body = serde_json::from_slice(&plain).map_err(|e| damaged(format!("its content: {e}")))?;
    let mut record = head.record;
    record.inventory = body.inventory;
    record.current.values = body.values;
    if let Some(previous) = &mut record.previous {
        previous.values = body.previous_values;
    }
    Ok(record)
}

/// The HMAC over a product's secret values, by their paths in its values; `None` without any.
pub fn secrets_digest<'a>(
    key: &[u8],
    values: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Option<Digest> {
    let values: BTreeMap<&str, &str> = values.into_iter().collect();
    if values.is_empty() {
        return None;
    }
    let bytes = digest::canonical_json(&values).unwrap_or_default();
    Some(digest::hmac(key, &bytes))
}

#[cfg(test)]
#[path = "record_tests.rs"]
mod tests;
