//! What is in use: what the files declare, what the newest release has, and what clusters were last seen to
//! run. Products of releases and clusters are read from git objects by their digests, each once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::fixed::Fixed;
use super::kubernetes;
use crate::catalog::product::Content;
use crate::catalog::{Catalog, ProductSource};
use crate::digest::Digest;
use crate::lcm::around::Pinned;
use crate::lcm::declared::{self, Declared, KUBERNETES};
use crate::lcm::fixed::with_digest;
use crate::lcm::row::{InUse, Running};
use crate::model::{ClusterName, Mirrors, Observed, PinId, ProductName, ReleaseId};
use crate::port::Packages;
use crate::report::standing::{Standing, StandingPin};
use crate::version::{KubeVersion, Version};

/// What is in use, and what of it could not be read.
#[derive(Debug, Default)]
pub struct Gathered {
    /// What is in use.
    pub used: InUse,
    /// The newest release that was cut.
    pub release: Option<ReleaseId>,
    /// Product versions whose content is nowhere: which, and why. What they declare is not known.
    pub lost: Vec<(String, String)>,
}

/// One version of a product with its content.
struct Locked<'a> {
    product: &'a ProductName,
    version: &'a Version,
    commit: &'a str,
    digest: &'a Digest,
}

/// Gathers what is in use.
pub async fn gather(
    catalog: &Catalog,
    fleet: &[Standing],
    newest: Option<&ReleaseId>,
    packages: &dyn Packages,
) -> Gathered {
    let mut all = Gathered { release: newest.cloned(), ..Gathered::default() };
    all.used.declared = declared::of(catalog);
    all.used.mirrors = declared::mirrors(catalog);
    all.used.pinned = pinned(fleet);
    let release = newest.and_then(|id| catalog.releases.get(id)).map(|loaded| &loaded.file);
    let lock = release.and_then(|release| release.lock.as_ref()).map(|lock| &lock.value);
    let mut versions: BTreeMap<Digest, Locked<'_>> = BTreeMap::new();
    let locked = lock.into_iter().flat_map(|lock| &lock.products);
    for (product, locked) in locked {
        let version =
            Locked { product, version: &locked.version, commit: &locked.commit, digest: &locked.digest };
        versions.insert(locked.digest, version);
    }
    for (product, found) in fleet.iter().filter_map(|one| one.observed.as_ref()).flat_map(|o| &*o.products) {
        let version =
            Locked { product, version: &found.version, commit: &found.commit, digest: &found.digest };
        versions.entry(found.digest).or_insert(version);
    }
    let mut contents: BTreeMap<Digest, Vec<Declared>> = BTreeMap::new();
    for (digest, version) in versions {
        match read(&version, packages, &all.used.mirrors).await {
            Ok(declared) => _ = contents.insert(digest, declared),
            Err(why) => all.lost.push((format!("{} {}", version.product, version.version), why)),
        }
    }
    let mut fixed = Fixed::new(catalog);
    for (product, locked) in lock.into_iter().flat_map(|lock| &lock.products) {
        let by = newest.and_then(|id| fixed.by(id, product, &locked.digest));
        let digests = fixed.digests(by.as_ref());
        let declared = contents.get(&locked.digest).into_iter().flatten().cloned();
        all.used.released.extend(declared.map(|one| with_digest(one, &digests)));
    }
    all.used.running = running(fleet, &contents, &mut fixed);
    all.used.kubernetes = fleet.iter().filter_map(kubernetes::seen).map(|(version, _)| version).collect();
    kubernetes::put(catalog, fleet, newest, &mut all.used);
    all
}

/// What a product version declares.
async fn read(
    version: &Locked<'_>,
    packages: &dyn Packages,
    mirrors: &Mirrors,
) -> Result<Vec<Declared>, String> {
    let tree = packages.fetch(version.product, version.version, version.commit, version.digest).await;
    let tree = tree.map_err(|fault| fault.to_string())?;
    let content = Content::at(&tree, &format!("products/{}", version.product));
    let content = content.map_err(|findings| findings.to_string())?;
    let Content { file, tree: folder, source, node, .. } = content;
    Ok(declared::of_product(&ProductSource { file, folder, source, node }, mirrors))
}

/// What runs, with the clusters where it does: the same content with the same images is one entry, wherever it
/// is.
fn running(
    fleet: &[Standing],
    contents: &BTreeMap<Digest, Vec<Declared>>,
    fixed: &mut Fixed<'_>,
) -> Vec<Running> {
    let mut at: BTreeMap<(Digest, Option<ReleaseId>), BTreeSet<ClusterName>> = BTreeMap::new();
    for standing in fleet {
        for (product, found) in standing.observed.iter().flat_map(|observed| &*observed.products) {
            let by = fixed.by(&found.release, product, &found.digest);
            at.entry((found.digest, by)).or_default().insert(standing.cluster.clone());
        }
    }
    let with = |((digest, by), clusters): ((Digest, Option<ReleaseId>), BTreeSet<ClusterName>)| {
        let digests = fixed.digests(by.as_ref());
        let (clusters, declared) = (Arc::new(clusters), contents.get(&digest).cloned().unwrap_or_default());
        declared.into_iter().map(move |one| Running::on(with_digest(one, &digests), Arc::clone(&clusters)))
    };
    at.into_iter().flat_map(with).collect()
}

/// Whether a cluster runs what a pin holds. No record has Kubernetes: there the minor counts that is served,
/// since its patch releases are the provider's.
fn runs(observed: &Observed, pin: &StandingPin) -> bool {
    let of_record = observed.products.get(&pin.product);
    let is_kubernetes = of_record.is_none() && pin.product.as_str() == KUBERNETES;
    of_record.is_some_and(|found| found.version == pin.version)
        || is_kubernetes
            && KubeVersion::of_numbers(&pin.version.to_string())
                .is_some_and(|version| version.minor() == observed.kubernetes)
}

/// The pins that hold, each with the clusters that run its version.
pub(super) fn pinned(fleet: &[Standing]) -> Vec<Pinned> {
    let mut all: BTreeMap<&PinId, Pinned> = BTreeMap::new();
    for standing in fleet {
        for pin in &standing.pins {
            let one = all.entry(&pin.pin).or_insert_with(|| Pinned {
                product: pin.product.to_string(),
                owner: pin.owner.clone(),
                until: pin.until.clone(),
                clusters: BTreeSet::new(),
            });
            if standing.observed.as_ref().is_some_and(|observed| runs(observed, pin)) {
                one.clusters.insert(standing.cluster.clone());
            }
        }
    }
    all.into_values().collect()
}
