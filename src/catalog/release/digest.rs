//! The release digest: what a release is, and nothing about how it is told.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::digest::{self, Digest};
use crate::model::{Lane, Lock, LockedProduct, ProductName, Release, ReleaseId};
use crate::version::{KubeVersion, Version};
use crate::yaml::Spanned;

/// What the digest covers, as design.md section 5 lists it; title, notes, commits and the lock are
/// not part of it. Lists that mean sets are sorted.
#[derive(Serialize)]
struct Covered<'a> {
    format: u32,
    name: &'a ReleaseId,
    lane: Lane,
    parent: Option<&'a Digest>,
    includes: BTreeSet<&'a ReleaseId>,
    removes: BTreeSet<&'a ProductName>,
    lowers: BTreeSet<&'a ProductName>,
    kubernetes: &'a KubeVersion,
    products: Vec<CoveredProduct<'a>>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    images: &'a [String],
}

#[derive(Serialize)]
struct CoveredProduct<'a> {
    name: &'a ProductName,
    version: &'a Version,
    digest: &'a Digest,
}

/// The digest of a release: SHA-256 of the canonical JSON (RFC 8785) of format, name, lane, parent
/// digest, includes, removes, lowers, Kubernetes version and products (name, version, digest), with
/// `images` that have digests also of those: then the format is another one.
pub fn digest(
    name: &ReleaseId,
    spec: &Release,
    parent: Option<&Digest>,
    products: &BTreeMap<ProductName, LockedProduct>,
    images: &[String],
) -> Digest {
    let covered = Covered {
        format: if images.is_empty() { Lock::FORMAT } else { Lock::WITH_DIGESTS },
        name,
        lane: spec.lane.value,
        parent,
        includes: set(&spec.includes),
        removes: set(&spec.removes),
        lowers: set(&spec.lowers),
        kubernetes: &spec.kubernetes.value,
        products: products
            .iter()
            .map(|(name, locked)| CoveredProduct { name, version: &locked.version, digest: &locked.digest })
            .collect(),
        images,
    };
    match digest::of(&covered) {
        Ok(digest) => digest,
        // Texts and one small number: nothing in it has no JSON.
        Err(error) => unreachable!("a release is JSON: {error}"),
    }
}

fn set<T: Ord>(list: &[Spanned<T>]) -> BTreeSet<&T> {
    list.iter().map(|item| &item.value).collect()
}
