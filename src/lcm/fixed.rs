//! Digests beside tags: what files and locks say that a tag named, and whether it names something else now.
//! A tag that moved after a release was cut changes nothing in the clusters; the next release takes it over.

use std::collections::{BTreeMap, BTreeSet};

use super::declared::{Declared, Item};
use super::row::Status;
use super::upstream::Answer;
use crate::model::image::Image;

/// The digests of a row's versions, by version.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Digests {
    /// Those that the product's files name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub declared: ByVersion,
    /// Those of the newest release: its files' or its lock's.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub released: ByVersion,
    /// Those that clusters were given.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub running: ByVersion,
}

/// Versions with their digests.
pub type ByVersion = BTreeMap<String, BTreeSet<String>>;

impl Digests {
    /// Whether none is known.
    pub fn is_empty(&self) -> bool {
        self.declared.is_empty() && self.released.is_empty() && self.running.is_empty()
    }

    /// Whether it was a lock, and no file, that fixed what a tag means.
    pub fn is_fixed_by_lock(&self, tag: &str) -> bool {
        self.released.contains_key(tag) && !self.declared.contains_key(tag)
    }
}

/// The digests of what is in use, by version.
pub(super) fn by_version<'d>(all: impl IntoIterator<Item = &'d Declared>) -> ByVersion {
    let mut found = ByVersion::new();
    for one in all {
        if let (Some(version), Some(digest)) = (&one.version, &one.digest) {
            found.entry(version.clone()).or_default().insert(digest.clone());
        }
    }
    found
}

/// What is declared by a tag, with the digest that a lock has for it.
pub fn with_digest(mut declared: Declared, digests: &BTreeMap<Image, String>) -> Declared {
    if let (Item::Image(repository), Some(tag), None) = (&declared.item, &declared.version, &declared.digest)
    {
        let image = Image { repository: repository.clone(), tag: Some(tag.clone()), digest: None };
        declared.digest = digests.get(&image).cloned();
    }
    declared
}

/// A tag of the release that names something else now. One of which that is not known has not moved.
pub(super) fn moved(released: &[&Declared], answer: &Answer) -> Option<Status> {
    let is_other = |one: &&&Declared| {
        let known = one.version.as_ref().and_then(|tag| answer.tags.known.get(tag));
        let (Some(known), Some(digest)) = (known, &one.digest) else { return false };
        let named = known.digest.as_ref().is_some_and(|named| named != digest);
        named && !known.children.contains(digest)
    };
    let one = released.iter().filter(|one| matches!(one.item, Item::Image(_))).find(is_other)?;
    let tag = one.version.clone()?;
    let digest = answer.tags.known.get(&tag).and_then(|known| known.digest.clone());
    Some(Status::TagMoved { tag, digest })
}
