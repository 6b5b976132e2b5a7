//! What one cluster shall run, with the reason for every version and the layer of every value.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::diag::Place;
use crate::digest::{self, Digest};
use crate::model::{ClusterName, PinId, ProductName, ReleaseId, RolloutId};
use crate::version::Version;
use crate::yaml::{Mapping, Node, Value};

/// Why a cluster gets this version of a product.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "because", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum Reason {
    /// The release says so.
    Release {
        /// Which.
        release: ReleaseId,
    },
    /// A pin says so.
    Pin {
        /// Which.
        pin: PinId,
        /// Who answers for it.
        owner: String,
        /// Its end, as written.
        until: String,
    },
    /// A person holds the product there.
    Hold {
        /// Who.
        by: String,
        /// Its end; until it is released if absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<String>,
        /// Why.
        reason: String,
    },
    /// The cluster already runs a higher version, and this plan may not lower it.
    Ahead {
        /// The version that the release has.
        release_has: Version,
    },
    /// It ran there before a rollout that is taken back.
    Rollback {
        /// Which rollout.
        of: RolloutId,
        /// The release that had brought it.
        release: ReleaseId,
    },
}

/// What one cluster shall run.
#[derive(Debug, Clone)]
pub struct Desired {
    /// The cluster.
    pub cluster: ClusterName,
    /// Its products.
    pub products: BTreeMap<ProductName, DesiredProduct>,
    /// Products of the release that it does not get, and every reason: one is enough, and
    /// `cluster show` prints them all.
    pub excluded: BTreeMap<ProductName, Vec<Exclusion>>,
    /// The phase of each product: one more than the highest phase of what it requires, from 0.
    pub phases: Arc<BTreeMap<ProductName, u32>>,
}

/// One product for one cluster.
#[derive(Debug, Clone)]
pub struct DesiredProduct {
    /// The version.
    pub version: Version,
    /// The commit whose tree holds its content.
    pub commit: Arc<str>,
    /// The product digest.
    pub digest: Digest,
    /// Why this version.
    pub reason: Reason,
    /// The effective values, secret references unresolved; shared by all clusters that get the same.
    pub values: Arc<EffectiveValues>,
}

/// Values after all layers, each with its place and layer.
#[derive(Debug, Clone)]
pub struct EffectiveValues {
    /// The merged values; every node keeps the place it came from.
    pub node: Node,
    /// The digest of their canonical JSON.
    pub digest: Digest,
    /// The layer of every leaf, by its path (keys joined as `/a/b`, RFC 6901).
    pub layers: BTreeMap<String, Layer>,
}

impl EffectiveValues {
    /// No values at all.
    pub fn none() -> Self {
        let node = Node { value: Value::Mapping(Mapping::default()), place: Place::none() };
        Self { node, digest: digest::bytes(b"{}"), layers: BTreeMap::new() }
    }
}

/// Where a value or an exclusion was written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Layer {
    /// In the product's defaults.
    Product,
    /// At the environment of this name.
    Environment(String),
    /// At the pool of this name.
    Pool(String),
    /// At the cluster itself.
    Cluster,
    /// In the lock of the release of this name.
    Lock(String),
}

/// Why a cluster does not get a product of the release.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Exclusion {
    /// The product's `where` does not select it.
    Selector,
    /// An `exclude` in this layer.
    Excluded(Layer),
}

impl std::fmt::Display for Layer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Product => f.write_str("the product"),
            Self::Environment(name) => write!(f, "environment `{name}`"),
            Self::Pool(name) => write!(f, "pool `{name}`"),
            Self::Cluster => f.write_str("the cluster itself"),
            Self::Lock(release) => write!(f, "the lock of `{release}`"),
        }
    }
}

impl std::fmt::Display for Exclusion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Selector => f.write_str("the product's `where`"),
            Self::Excluded(layer) => write!(f, "`exclude` of {layer}"),
        }
    }
}
