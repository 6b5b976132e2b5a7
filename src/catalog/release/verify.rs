//! Verification of locks: a release is used only through [`locked`], which recomputes what the
//! lock claims. Whether git still holds the locked content is found where it is fetched.

use std::collections::BTreeSet;

use crate::diag::{Finding, Findings, Place, codes};
use crate::digest::Digest;
use crate::model::{Lane, Lock, Release, ReleaseFile, ReleaseId};
use crate::yaml::Node;

use super::super::{Catalog, Loaded};
use super::digest::digest;
use super::images;
use super::rules::ancestors;

/// A release whose lock was verified.
#[derive(Debug, Clone, Copy)]
pub struct Locked<'a> {
    /// Its id.
    pub id: &'a ReleaseId,
    /// Its file.
    pub file: &'a ReleaseFile,
    /// Its lock, which belongs to what the file says.
    pub lock: &'a Lock,
}

impl<'a> Locked<'a> {
    /// What the release says.
    pub fn spec(&self) -> &'a Release {
        &self.file.spec
    }

    /// The release digest.
    pub fn digest(&self) -> &'a Digest {
        &self.lock.digest
    }
}

/// The newest release that was cut, of the lane `normal` and with a lock that holds: the end of the
/// longest line of parents.
pub fn newest(catalog: &Catalog) -> Option<ReleaseId> {
    last(catalog, |id| locked(catalog, id).is_ok())
}

/// The newest release of the lane `normal`, cut or not.
pub fn written_last(catalog: &Catalog) -> Option<ReleaseId> {
    last(catalog, |_| true)
}

fn last(catalog: &Catalog, counts: impl Fn(&ReleaseId) -> bool) -> Option<ReleaseId> {
    let releases = catalog.releases.iter().filter(|(_, loaded)| loaded.spec.lane.value == Lane::Normal);
    let counting = releases.map(|(id, _)| id).filter(|id| counts(id));
    counting.max_by_key(|id| (ancestors(catalog, id).len(), (*id).clone())).cloned()
}

/// A release with its lock, verified together with the locks of all its ancestors.
///
/// # Errors
/// When there is no such release, it was not cut, its lock does not belong to what it says, or the
/// same holds for an ancestor.
pub fn locked<'a>(catalog: &'a Catalog, id: &ReleaseId) -> Result<Locked<'a>, Findings> {
    let Some((id, _)) = catalog.releases.get_key_value(id) else {
        let finding = Finding::error(&codes::UNKNOWN_RELEASE, format!("there is no release `{id}`"))
            .did_you_mean(id.as_str(), catalog.releases.keys().map(ReleaseId::as_str))
            .next("tidegate release list");
        return Err(finding.into());
    };
    let mut findings = Findings::new();
    let mut seen: BTreeSet<&ReleaseId> = BTreeSet::new();
    let mut next = Some(id);
    while let Some(current) = next.filter(|id| seen.insert(*id)) {
        let Some(loaded) = catalog.releases.get(current) else { break };
        findings.extend(own_lock(catalog, current, loaded));
        next = loaded.spec.parent.as_ref().map(|parent| &parent.value);
    }
    let loaded = catalog.releases.get(id);
    match loaded.and_then(|loaded| Some((loaded, loaded.file.lock.as_ref()?))) {
        Some((loaded, lock)) => findings.into_result(Locked { id, file: &loaded.file, lock: &lock.value }),
        None => Err(findings.sorted()),
    }
}

/// What is wrong with one release's lock; the parent's own lock is not verified here.
pub(crate) fn own_lock(catalog: &Catalog, id: &ReleaseId, loaded: &Loaded<ReleaseFile>) -> Findings {
    let mut findings = Findings::new();
    let name = &loaded.metadata.name;
    let Some(lock) = &loaded.file.lock else {
        findings.push(
            Finding::error(&codes::RELEASE_NOT_CUT, format!("the release `{id}` was not cut"))
                .at(&name.place)
                .next(format!("tidegate release cut {id}")),
        );
        return findings;
    };
    let at = |path: &[&str]| place(loaded, path).unwrap_or(&lock.place);
    if ![Lock::FORMAT, Lock::WITH_DIGESTS].contains(&lock.format) {
        findings.push(
            Finding::error(&codes::LOCK_FORMAT, format!("the lock has format {}", lock.format))
                .at(at(&["lock", "format"]))
                .label(format!(
                    "this tidegate knows the formats {} and {}",
                    Lock::FORMAT,
                    Lock::WITH_DIGESTS
                )),
        );
        return findings;
    }
    if lock.format == Lock::WITH_DIGESTS {
        findings.extend(images::form(id, loaded, lock));
    }
    let spec = &loaded.spec;
    for (product, version) in &spec.products {
        match lock.products.get(&product.value) {
            None => findings.push(
                tampered(id, format!("the lock of `{id}` lacks the product `{}`", product.value))
                    .at(&product.place)
                    .related(&lock.place, "the lock"),
            ),
            Some(locked) if locked.version != version.value => findings.push(
                tampered(
                    id,
                    format!("`{}` is {} and locked as {}", product.value, version.value, locked.version),
                )
                .at(&version.place)
                .related(at(&["lock", "products", product.value.as_str(), "version"]), "in the lock"),
            ),
            Some(_) => {}
        }
    }
    for product in lock.products.keys() {
        if !spec.products.iter().any(|(name, _)| name.value == *product) {
            findings.push(
                tampered(
                    id,
                    format!("the lock of `{id}` has the product `{product}`, and the release has not"),
                )
                .at(at(&["lock", "products", product.as_str()])),
            );
        }
    }
    findings.extend(parent_digest(catalog, id, loaded, lock));
    let computed = digest(id, spec, lock.parent.as_ref(), &lock.products, lock.fixed_images());
    if findings.is_empty() && computed != lock.digest {
        findings.push(
            tampered(id, format!("the lock of `{id}` does not belong to what the release says"))
                .at(at(&["lock", "digest"]))
                .label(format!("what the file says has {}", computed.short())),
        );
    }
    findings
}

fn parent_digest(
    catalog: &Catalog,
    id: &ReleaseId,
    loaded: &Loaded<ReleaseFile>,
    lock: &Lock,
) -> Option<Finding> {
    let at = || place(loaded, &["lock", "parent"]).unwrap_or(&loaded.metadata.name.place);
    match (&loaded.spec.parent, &lock.parent) {
        (None, None) => None,
        (None, Some(_)) => Some(tampered(id, format!("`{id}` has no parent, and its lock has one")).at(at())),
        (Some(parent), None) => Some(
            tampered(id, format!("`{id}` follows `{}`, and its lock has no parent", parent.value))
                .at(&parent.place),
        ),
        (Some(parent), Some(locked)) => match catalog.releases.get(&parent.value) {
            None => Some(
                Finding::error(&codes::UNKNOWN_RELEASE, format!("there is no release `{}`", parent.value))
                    .at(&parent.place)
                    .did_you_mean(parent.value.as_str(), catalog.releases.keys().map(ReleaseId::as_str)),
            ),
            Some(file) => match file.file.lock.as_ref().map(|lock| lock.value.digest) {
                None => Some(
                    Finding::error(
                        &codes::PARENT_NOT_CUT,
                        format!("the parent `{}` was not cut", parent.value),
                    )
                    .at(&parent.place)
                    .next(format!("tidegate release cut {}", parent.value)),
                ),
                Some(digest) if digest == *locked => None,
                Some(digest) => Some(
                    tampered(id, format!("`{id}` was cut on another `{}`", parent.value))
                        .at(at())
                        .label(format!("`{}` has {}", parent.value, digest.short())),
                ),
            },
        },
    }
}

pub(super) fn tampered(id: &ReleaseId, message: String) -> Finding {
    Finding::error(&codes::LOCK_TAMPERED, message)
        .hint("a release does not change after it was cut: bring the file back, or write a new release")
        .next(format!("git log -p releases/{id}.yaml"))
}

fn place<'a>(loaded: &'a Loaded<ReleaseFile>, path: &[&str]) -> Option<&'a Place> {
    loaded.node.at(path).map(|node: &Node| &node.place)
}
