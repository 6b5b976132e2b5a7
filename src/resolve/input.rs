//! What resolving reads: the release with its lock, the fleet's layers, the pins, the content of
//! every product version that may occur, and what each cluster was seen to run. All of it is an
//! argument; fetching it is for the engine.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::catalog::product::Content;
use crate::catalog::release::{Locked, by_tag};
use crate::digest::Digest;
use crate::model::image::Image;
use crate::model::{
    ClusterEntry, ClusterName, ClusterUid, Fleet, Observed, ObservedProduct, PinFile, PinId, ProductFile,
    ProductName, ReleaseFile,
};
use crate::version::{KubeMinor, Version};

/// What holds for every cluster of a fleet.
#[derive(Debug, Clone, Copy)]
pub struct Ground<'a> {
    /// The release, with its lock verified.
    pub release: Locked<'a>,
    /// Every release that is known; read to tell where an installed version came from.
    pub releases: &'a [&'a ReleaseFile],
    /// The fleet: values and exclusions of environments and pools.
    pub fleet: &'a Fleet,
    /// The pins, ended ones included.
    pub pins: &'a [&'a PinFile],
    /// The products that people hold, by cluster; ended holds are not among them.
    pub holds: &'a BTreeMap<ClusterName, Vec<HeldProduct>>,
    /// Product versions by product digest: at least those that [`super::needed()`] names.
    pub versions: &'a BTreeMap<Digest, ProductVersion>,
    /// Which installed versions a plan of the journal gave to a cluster because of a pin.
    pub past_pins: &'a BTreeMap<ClusterUid, Vec<PastPin>>,
    /// The moment at which pins are asked whether they have ended.
    pub now: jiff::Timestamp,
}

/// What [`super::desired`] reads: one cluster on its ground.
#[derive(Debug, Clone, Copy)]
pub struct ResolveInput<'a> {
    /// What holds for every cluster.
    pub ground: Ground<'a>,
    /// The cluster.
    pub cluster: &'a ClusterEntry,
    /// What it was last seen to run; `None` if it was never reached.
    pub observed: Option<&'a Observation>,
}

/// One product version's content, as far as resolving and planning read it.
#[derive(Debug, Clone)]
pub struct ProductVersion {
    /// Its `product.yaml`, as the commit has it.
    pub file: Arc<ProductFile>,
    /// The product digest.
    pub digest: Digest,
    /// The test digest: over the `tests` field and the files that it names.
    pub test_digest: Digest,
    /// The images that it declares by tag, where a lock may have their digests.
    pub images: BTreeSet<Image>,
}

impl ProductVersion {
    /// Of a content. Its images are looked for only where a lock has digests: all manifests are read then.
    pub fn of(content: Content, is_fixed: bool) -> Self {
        let images = if is_fixed { by_tag(&content) } else { BTreeSet::new() };
        let Content { file, digest, tests, .. } = content;
        Self { file: Arc::new(file), digest, test_digest: tests, images }
    }
}

impl From<&Content> for ProductVersion {
    fn from(content: &Content) -> Self {
        Self {
            file: Arc::new(content.file.clone()),
            digest: content.digest,
            test_digest: content.tests,
            images: BTreeSet::new(),
        }
    }
}

/// A product that a person keeps at a version on one cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldProduct {
    /// The product.
    pub product: ProductName,
    /// The version that it keeps.
    pub version: Version,
    /// The commit whose tree holds it.
    pub commit: String,
    /// Its product digest.
    pub digest: Digest,
    /// Who holds it.
    pub by: String,
    /// Until when, in words; until it is released if absent.
    pub until: Option<String>,
    /// Why.
    pub reason: String,
}

/// A version that a pin or a hold brought to a cluster, as a plan of the journal has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastPin {
    /// The pin; `None` for a hold.
    pub pin: Option<PinId>,
    /// The product.
    pub product: ProductName,
    /// The product digest that it named.
    pub digest: Digest,
}

/// What a cluster was seen to run. Cheap to clone: ten thousand plans' from-states share it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observation {
    /// When.
    pub at: jiff::Timestamp,
    /// The cluster's identity.
    pub uid: ClusterUid,
    /// The minor that the API server serves.
    pub kubernetes: KubeMinor,
    /// The API server's own version as it prints it.
    pub server: String,
    /// The products recorded there.
    pub products: Arc<BTreeMap<ProductName, ObservedProduct>>,
    /// Whether the cluster could not be reached now, so that this is the last that is known.
    pub stale: bool,
}

impl Observation {
    /// What a visit just found.
    pub fn fresh(observed: Observed) -> Self {
        Self {
            at: observed.at,
            uid: observed.uid,
            kubernetes: observed.kubernetes,
            server: observed.server,
            products: observed.products,
            stale: false,
        }
    }

    /// What the last visit that succeeded found, for a cluster that can't be reached now.
    pub fn last(observed: Observed) -> Self {
        Self { stale: true, ..Self::fresh(observed) }
    }
}

/// A product version whose content has to be at hand before a release can be resolved.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Needed {
    /// The product.
    pub product: ProductName,
    /// The version.
    pub version: Version,
    /// The commit whose tree holds it; if that is gone, the tag `NAME/vVERSION`.
    pub commit: String,
    /// The product digest, by which it is found in [`Ground::versions`].
    pub digest: Digest,
    /// Whether only what is taken away depends on it: then the plan can be made without it.
    pub leaving: bool,
}
