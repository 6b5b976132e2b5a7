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
        known.is_other_than(digest)
    };
    let one = released.iter().filter(|one| matches!(one.item, Item::Image(_))).find(is_other)?;
    let tag = one.version.clone()?;
    let digest = answer.tags.known.get(&tag).and_then(|known| known.digest.clone());
    Some(Status::TagMoved { tag, digest })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::diag::Place;
    use crate::lcm::upstream::{Known, Tags};

    fn declared(tag: &str, digest: Option<&str>) -> Declared {
        Declared {
            product: "app".to_owned(),
            owner: "team".to_owned(),
            item: Item::Image("redis".parse().expect("a repository")),
            version: Some(tag.to_owned()),
            digest: digest.map(str::to_owned),
            place: Place::none(),
        }
    }

    fn answer(known: &[(&str, Known)]) -> Answer {
        let mut tags: Tags = ["8"].into_iter().collect();
        tags.known = known.iter().map(|(tag, known)| ((*tag).to_owned(), known.clone())).collect();
        Answer::of(Arc::new(tags))
    }

    fn names(digest: &str) -> Known {
        Known { digest: Some(digest.to_owned()), ..Known::default() }
    }

    #[test]
    fn a_tag_has_moved_only_where_it_is_known_to_name_something_else() {
        let released = declared("8", Some("one"));
        let moved = |answer: &Answer| moved(&[&released], answer);
        let to =
            |digest: &str| Some(Status::TagMoved { tag: "8".to_owned(), digest: Some(digest.to_owned()) });
        assert_eq!(moved(&answer(&[("8", names("two"))])), to("two"));
        assert_eq!(moved(&answer(&[("8", names("one"))])), None);
        assert_eq!(moved(&answer(&[("9", names("two"))])), None);
        assert_eq!(moved(&answer(&[("8", Known::default())])), None);
        let index = Known { children: vec!["one".to_owned()], ..names("two") };
        assert_eq!(moved(&answer(&[("8", index)])), None, "it was the digest of a platform");
    }

    #[test]
    fn a_lock_has_digests_for_what_names_a_tag_alone() {
        let digests = [("redis:8".parse().expect("an image"), "lock".to_owned())].into();
        let of = |one| with_digest(one, &digests).digest;
        assert_eq!(of(declared("8", None)).as_deref(), Some("lock"));
        assert_eq!(of(declared("8", Some("file"))).as_deref(), Some("file"));
        assert_eq!(of(declared("9", None)), None);
    }

    #[test]
    fn who_fixed_a_tag_is_told_apart() {
        let (by_file, by_lock) = (declared("8", Some("one")), declared("7", Some("two")));
        let digests = Digests {
            declared: by_version([&by_file]),
            released: by_version([&by_file, &by_lock]),
            running: ByVersion::new(),
        };
        assert!(
            digests.is_fixed_by_lock("7") && !digests.is_fixed_by_lock("8") && !digests.is_fixed_by_lock("6")
        );
        assert!(!digests.is_empty() && Digests::default().is_empty());
    }
}
