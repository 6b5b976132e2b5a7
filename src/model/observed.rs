//! What a cluster was seen to run: the facts of one visit, or of the last one that succeeded.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{ClusterUid, ProductName, ReleaseId};
use crate::digest::Digest;
use crate::version::{KubeMinor, Version};

/// What one visit found.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Observed {
    /// When.
    pub at: jiff::Timestamp,
    /// The cluster's identity.
    pub uid: ClusterUid,
    /// The minor that the API server serves (the emulated one, where it emulates).
    pub kubernetes: KubeMinor,
    /// The API server's own version as it prints it (`gitVersion`).
    pub server: String,
    /// The products recorded there.
    pub products: Arc<BTreeMap<ProductName, ObservedProduct>>,
}

/// One product as the cluster's record has it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ObservedProduct {
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
    /// How far that state got.
    pub phase: RecordPhase,
}

/// How far a recorded state got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RecordPhase {
    /// Its first write may have happened.
    Applying,
    /// Everything was applied.
    Applied,
    /// It was ready and the attempt's tests passed.
    Verified,
}

impl std::fmt::Display for RecordPhase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Applying => "applying",
            Self::Applied => "applied",
            Self::Verified => "verified",
        })
    }
}
