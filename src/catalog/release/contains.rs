//! Which releases are contained in which: by `parent` and by `includes`, each with what it contains
//! itself. It decides what a hotfix raised, which hotfixes a release has and which it misses. The
//! findings that follow are for `rules`; what a rollout does about it is for `rollout`.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Lane, ProductName, Release, ReleaseFile, ReleaseId};
use crate::version::Version;
use crate::yaml::Spanned;

use super::super::Catalog;

/// All releases that are known, as relatives of each other.
#[derive(Debug, Clone, Default)]
pub struct Family<'a> {
    releases: BTreeMap<&'a ReleaseId, &'a Release>,
}

/// A hotfix that a release misses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing<'a> {
    /// The hotfix.
    pub hotfix: &'a ReleaseId,
    /// The release that it mends: one that the other contains.
    pub mends: &'a ReleaseId,
    /// What it raised, with the versions that it raised them to.
    pub raised: BTreeMap<&'a ProductName, &'a Spanned<Version>>,
}

/// Whether a release contains a hotfix: it is the hotfix, has it among its ancestors, or it or an
/// ancestor lists it in `includes` (or a hotfix that contains it).
pub fn contains(catalog: &Catalog, release: &ReleaseId, hotfix: &ReleaseId) -> bool {
    Family::of(catalog).contains(release, hotfix)
}

/// The hotfixes of releases that a release contains, which it does not contain itself.
pub fn missing<'a>(catalog: &'a Catalog, release: &ReleaseId) -> Vec<Missing<'a>> {
    Family::of(catalog).missing(release)
}

impl<'a> Family<'a> {
    /// The releases of a catalog, each by the name of its file.
    pub fn of(catalog: &'a Catalog) -> Self {
        Self { releases: catalog.releases.iter().map(|(id, loaded)| (id, &loaded.file.spec)).collect() }
    }

    /// The releases of these files.
    pub fn of_files(files: &[&'a ReleaseFile]) -> Self {
        Self { releases: files.iter().map(|file| (&file.metadata.name.value, &file.spec)).collect() }
    }

    /// What a release says, if it is known.
    pub fn release(&self, id: &ReleaseId) -> Option<&'a Release> {
        self.releases.get(id).copied()
    }

    /// The releases that a release follows, nearest first; each once, also when they go in a circle.
    pub fn ancestors(&self, id: &ReleaseId) -> Vec<&'a ReleaseId> {
        let mut found: Vec<&ReleaseId> = Vec::new();
        let mut current = self.release(id);
        while let Some(parent) = current.and_then(|release| release.parent.as_ref()) {
            if parent.value == *id || found.contains(&&parent.value) {
                break;
            }
            found.push(&parent.value);
            current = self.release(&parent.value);
        }
        found
    }

    /// Every release that a release contains, itself left out: parents and includes, with what
    /// those contain.
    pub fn contained(&self, id: &ReleaseId) -> BTreeSet<&'a ReleaseId> {
        let mut found: BTreeSet<&ReleaseId> = BTreeSet::new();
        let mut left: Vec<&Release> = self.release(id).into_iter().collect();
        while let Some(release) = left.pop() {
            for next in release.parent.iter().chain(&release.includes) {
                if next.value != *id && found.insert(&next.value) {
                    left.extend(self.release(&next.value));
                }
            }
        }
        found
    }

    /// Whether this is a hotfix.
    pub fn is_hotfix(&self, id: &ReleaseId) -> bool {
        self.release(id).is_some_and(|release| release.lane.value == Lane::Hotfix)
    }

    /// Every hotfix.
    pub fn hotfixes(&self) -> impl Iterator<Item = (&'a ReleaseId, &'a Release)> {
        self.releases
            .iter()
            .map(|(id, release)| (*id, *release))
            .filter(|(_, r)| r.lane.value == Lane::Hotfix)
    }

    /// The hotfixes among the releases that a release contains.
    pub fn contained_hotfixes(&self, id: &ReleaseId) -> BTreeSet<&'a ReleaseId> {
        let mut found = self.contained(id);
        found.retain(|id| self.is_hotfix(id));
        found
    }

    /// As [`contains`].
    pub fn contains(&self, release: &ReleaseId, hotfix: &ReleaseId) -> bool {
        release == hotfix || self.contained(release).contains(hotfix)
    }

    /// As [`missing`]. Of two hotfixes of one release the one with the higher id is the later one:
    /// it misses the other, not the other it.
    pub fn missing(&self, release: &ReleaseId) -> Vec<Missing<'a>> {
        let has = self.contained(release);
        let own = self.is_hotfix(release);
        let mut found: Vec<Missing<'a>> = Vec::new();
        // A hotfix of a hotfix that is missed is missed as well: look again until none comes anew.
        loop {
            let before = found.len();
            for (id, spec) in self.hotfixes() {
                let Some(parent) = &spec.parent else { continue };
                let later = own && by_number(id, release) == Ordering::Greater;
                let of_ours = has.contains(&parent.value) || found.iter().any(|m| *m.hotfix == parent.value);
                let known = id == release || has.contains(id) || found.iter().any(|m| m.hotfix == id);
                if !known && !later && of_ours && !self.contained(id).contains(release) {
                    let raised = self.raised(id);
                    found.push(Missing { hotfix: id, mends: &parent.value, raised });
                }
            }
            if found.len() == before {
                found.sort_by(|a, b| by_number(a.hotfix, b.hotfix));
                return found;
            }
        }
    }

    /// The hotfixes to include so that none of these is missing: those that no other of them
    /// contains.
    pub fn to_include(&self, missing: &[Missing<'a>]) -> Vec<&'a ReleaseId> {
        let others = |id: &ReleaseId| missing.iter().any(|m| self.contained(m.hotfix).contains(id));
        missing.iter().map(|m| m.hotfix).filter(|id| !others(id)).collect()
    }

    /// The products that a hotfix raised above its parent's versions, those that it brought included.
    pub fn raised(&self, hotfix: &ReleaseId) -> BTreeMap<&'a ProductName, &'a Spanned<Version>> {
        let Some(spec) = self.release(hotfix) else { return BTreeMap::new() };
        let Some(parent) = spec.parent.as_ref().and_then(|parent| self.release(&parent.value)) else {
            return BTreeMap::new();
        };
        spec.products
            .iter()
            .filter(|(name, new)| version(parent, &name.value).is_none_or(|old| new.value > old.value))
            .map(|(name, new)| (&name.value, new))
            .collect()
    }

    /// The highest version to which a hotfix raised each product, over the hotfixes that a release
    /// contains and, if it is one, itself.
    pub fn floors(&self, release: &ReleaseId) -> BTreeMap<&'a ProductName, (&'a ReleaseId, &'a Version)> {
        let mut floors: BTreeMap<&ProductName, (&ReleaseId, &Version)> = BTreeMap::new();
        let own = self.hotfixes().map(|(id, _)| id).filter(|id| *id == release);
        for hotfix in self.contained_hotfixes(release).into_iter().chain(own) {
            for (name, raised) in self.raised(hotfix) {
                let floor = floors.entry(name).or_insert((hotfix, &raised.value));
                if raised.value > *floor.1 {
                    *floor = (hotfix, &raised.value);
                }
            }
        }
        floors
    }
}

/// The version of a product in a release.
pub(super) fn version<'a>(spec: &'a Release, name: &ProductName) -> Option<&'a Spanned<Version>> {
    spec.products.iter().find(|(product, _)| product.value == *name).map(|(_, version)| version)
}

/// Ids as people order them: `R41.2` before `R41.10`.
pub fn by_number(a: &ReleaseId, b: &ReleaseId) -> Ordering {
    fn parts(text: &str) -> Vec<(bool, u64, &str)> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            let digits = first.is_ascii_digit();
            let end = rest.find(|c: char| c.is_ascii_digit() != digits).unwrap_or(rest.len());
            let (part, after) = rest.split_at(end);
            parts.push(match part.parse() {
                Ok(number) if digits => (false, number, ""),
                _ => (true, 0, part),
            });
            rest = after;
        }
        parts
    }
    parts(a.as_str()).cmp(&parts(b.as_str())).then_with(|| a.cmp(b))
}
