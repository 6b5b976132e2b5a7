//! What a release changes against another one.

use std::collections::BTreeSet;

use serde::Serialize;

use super::images::{self, ImageChange};
use crate::model::{Lock, ProductName, Release, ReleaseFile, ReleaseId};
use crate::version::{KubeVersion, Version};

/// The difference of two releases.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Diff {
    /// The earlier release.
    pub from: ReleaseId,
    /// The later release.
    pub to: ReleaseId,
    /// The Kubernetes versions, if they differ.
    pub kubernetes: Option<(KubeVersion, KubeVersion)>,
    /// Products that differ, in order of names.
    pub products: Vec<ProductChange>,
    /// How many products are the same.
    pub unchanged: usize,
    /// Images that differ, if the locks of both have digests.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub images: Vec<ImageChange>,
}

/// What becomes of one product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ProductChange {
    /// The product.
    pub product: ProductName,
    /// What happens to it.
    pub change: Change,
    /// The earlier version.
    pub from: Option<Version>,
    /// The later version.
    pub to: Option<Version>,
}

/// How a product differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// The later release has it, the earlier has not.
    Added,
    /// It goes up.
    Raised,
    /// It goes back.
    Lowered,
    /// The later release takes it away.
    Removed,
    /// The later release does not name it; it stays in the clusters as an orphan.
    Dropped,
    /// Same version, other content: one of the locks was not made by this repository's rules.
    Replaced,
}

/// The difference of two releases, by their versions and, where both were cut, their digests.
pub fn diff(from: &ReleaseFile, to: &ReleaseFile) -> Diff {
    let (old, new) = (&from.spec, &to.spec);
    let names: BTreeSet<&ProductName> =
        old.products.keys().chain(new.products.keys()).map(|name| &name.value).collect();
    let products: Vec<ProductChange> = names.iter().filter_map(|name| product(name, from, to)).collect();
    Diff {
        from: from.metadata.name.value.clone(),
        to: to.metadata.name.value.clone(),
        kubernetes: (old.kubernetes.value != new.kubernetes.value)
            .then(|| (old.kubernetes.value.clone(), new.kubernetes.value.clone())),
        unchanged: names.len() - products.len(),
        products,
        images: images::changes(lock(from), lock(to)),
    }
}

fn lock(file: &ReleaseFile) -> Option<&Lock> {
    file.lock.as_ref().map(|lock| &lock.value)
}

fn product(name: &ProductName, from: &ReleaseFile, to: &ReleaseFile) -> Option<ProductChange> {
    let (old, new) = (version(&from.spec, name), version(&to.spec, name));
    let digest = |file: &ReleaseFile| {
        file.lock.as_ref().and_then(|lock| lock.value.products.get(name).map(|locked| locked.digest))
    };
    let change = match (old, new) {
        (None, _) => Change::Added,
        (Some(_), None) if to.spec.removes.iter().any(|removed| removed.value == *name) => Change::Removed,
        (Some(_), None) => Change::Dropped,
        (Some(old), Some(new)) if new > old => Change::Raised,
        (Some(old), Some(new)) if new < old => Change::Lowered,
        (Some(_), Some(_)) => match (digest(from), digest(to)) {
            (Some(old), Some(new)) if old != new => Change::Replaced,
            _ => return None,
        },
    };
    Some(ProductChange { product: name.clone(), change, from: old.cloned(), to: new.cloned() })
}

fn version<'a>(spec: &'a Release, name: &ProductName) -> Option<&'a Version> {
    spec.products.iter().find(|(product, _)| product.value == *name).map(|(_, version)| &version.value)
}
