//! What a pin keeps back: releases and hotfixes that have more, clusters, the products that depend
//! on the pinned one, and the waves that pass its clusters by. What open rollouts planned is for
//! `report`.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::catalog::release::{self, Family, by_number};
use crate::model::{ClusterEntry, ClusterName, Lane, PinId, PipelineName, ProductName, ReleaseId, WaveName};
use crate::plan;
use crate::resolve::{Needed, ProductVersion};
use crate::version::Version;

use super::pins::{PinRow, contents, row, unknown_pin};
use super::{RepoError, Repository, read};

/// What a pin keeps back.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PinImpact {
    /// As in the list.
    pub pin: PinRow,
    /// The newest release that was cut; none if there is none.
    pub newest: Option<ReleaseId>,
    /// The releases of its line that have the product in a higher version, the newest first.
    pub releases: Vec<KeptBack>,
    /// The hotfixes that raised the product above the pinned version.
    pub hotfixes: Vec<KeptBack>,
    /// Products of the newest release that require the pinned one.
    pub dependents: Vec<Dependent>,
    /// The clusters that it is for.
    pub clusters: Vec<ImpactedCluster>,
}

/// A release that has more than the pin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct KeptBack {
    /// The release.
    pub release: ReleaseId,
    /// The version that it has, or raised the product to.
    pub version: Version,
}

/// A product that requires the pinned one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Dependent {
    /// The product.
    pub product: ProductName,
    /// Its version in the newest release.
    pub version: Version,
    /// The range that it requires.
    pub requires: String,
    /// Whether the pinned version is in it. If it is not, no plan of that release can be made.
    pub fits: bool,
}

/// A cluster that a pin is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ImpactedCluster {
    /// The cluster.
    pub cluster: ClusterName,
    /// The waves that take it and do not raise the product there.
    pub waves: Vec<TakingWave>,
}

/// A wave of a pipeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TakingWave {
    /// The pipeline.
    pub pipeline: PipelineName,
    /// The lane.
    pub lane: Lane,
    /// The wave.
    pub wave: WaveName,
}

/// What a pin keeps back, by the files of the working tree and the content of the newest release.
///
/// `members` are the clusters of the fleet.
///
/// # Errors
/// When there is no such pin, or content of the newest release can't be read.
pub async fn pin_impact(
    repo: &Repository,
    id: &PinId,
    members: &BTreeMap<ClusterName, ClusterEntry>,
    now: jiff::Timestamp,
) -> Result<PinImpact, RepoError> {
    let (catalog, _) = read::load(repo).await?;
    let Some(pin) = row(&catalog, id, members, now) else { return Err(unknown_pin(&catalog, id).into()) };
    let family = Family::of(&catalog);
    let newest = release::newest(&catalog);
    let line = newest.iter().chain(newest.iter().flat_map(|newest| family.ancestors(newest)));
    let higher = |id: &ReleaseId| {
        let lock = catalog.releases.get(id)?.file.lock.as_ref()?;
        let version = lock.value.products.get(&pin.product)?.version.clone();
        (version > pin.version).then(|| KeptBack { release: id.clone(), version })
    };
    let releases = line.filter_map(higher).collect();
    let mut hotfixes: Vec<KeptBack> = family
        .hotfixes()
        .filter_map(|(id, _)| {
            let version = family.raised(id).get(&pin.product)?.value.clone();
            (version > pin.version).then(|| KeptBack { release: id.clone(), version })
        })
        .collect();
    hotfixes.sort_by(|a, b| by_number(&b.release, &a.release));
    let dependents = match &newest {
        Some(newest) => dependents(&contents(repo, locked(&catalog, newest)?).await?, &pin),
        None => Vec::new(),
    };
    let taken = |cluster: &ClusterName| {
        let mut waves = Vec::new();
        for (name, pipeline) in &catalog.pipelines {
            for lane in [Lane::Normal, Lane::Hotfix] {
                let all = plan::waves(&pipeline.file, lane, members.values());
                let here = all.into_iter().filter(|(_, clusters)| clusters.contains(cluster));
                waves.extend(here.map(|(wave, _)| TakingWave { pipeline: name.clone(), lane, wave }));
            }
        }
        waves
    };
    let clusters = pin.clusters.iter().map(|c| ImpactedCluster { cluster: c.clone(), waves: taken(c) });
    let clusters = clusters.collect();
    Ok(PinImpact { newest, releases, hotfixes, dependents, clusters, pin })
}

/// The product versions of a release.
fn locked(catalog: &crate::catalog::Catalog, id: &ReleaseId) -> Result<Vec<Needed>, RepoError> {
    let locked = release::locked(catalog, id)?;
    let needed = locked.lock.products.iter().map(|(product, locked)| Needed {
        product: product.clone(),
        version: locked.version.clone(),
        commit: locked.commit.clone(),
        digest: locked.digest,
        leaving: false,
    });
    Ok(needed.collect())
}

fn dependents(versions: &BTreeMap<crate::digest::Digest, ProductVersion>, pin: &PinRow) -> Vec<Dependent> {
    let mut found: Vec<Dependent> = versions
        .values()
        .filter_map(|content| {
            let file = &content.file;
            let (_, range) = file.spec.requires.iter().find(|(name, _)| name.value == pin.product)?;
            Some(Dependent {
                product: file.metadata.name.value.clone(),
                version: file.spec.version.value.clone(),
                requires: range.value.to_string(),
                fits: range.value.matches(&pin.version),
            })
        })
        .collect();
    found.sort_by(|a, b| a.product.cmp(&b.product));
    found
}
