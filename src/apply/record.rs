//! What is remembered in a cluster about one product: which state it is in, which one it came from,
//! and every object that belongs to it. Where the record is written, and when, is for the engine.

use uuid::Uuid;

use crate::digest::Digest;
use crate::model::{ObservedProduct, RecordPhase, ReleaseId, RolloutId};
use crate::version::Version;

use super::inventory::Inventory;

/// The record's format; a higher one is refused.
pub const FORMAT: u32 = 1;

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
    pub values: serde_json::Value,
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
    /// Every object that may be there because of this product.
    pub inventory: Inventory,
}
