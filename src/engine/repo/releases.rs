//! Releases as commands: cut one, show one, list all, compare two.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::catalog::release::{self, Cut, Diff, Tagged};
use crate::catalog::{self, Catalog, FOLDERS};
use crate::diag::{Finding, Findings, codes};
use crate::digest::Digest;
use crate::model::{Lane, Lock, ProductName, ReleaseFile, ReleaseId};
use crate::version::{KubeVersion, Version};
use crate::yaml::{Spanned, edit};

use super::tag::{dirty_tree, tagged};
use super::{RepoError, Repository, images, quoted, read};
use crate::port::upstream::Registry;

/// A release in a list.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReleaseRow {
    /// Its id.
    pub id: ReleaseId,
    /// Its nickname.
    pub title: Option<String>,
    /// The release it follows.
    pub parent: Option<ReleaseId>,
    /// Its lane.
    pub lane: Lane,
    /// Its Kubernetes version.
    pub kubernetes: KubeVersion,
    /// How many products it has.
    pub products: usize,
    /// Hotfixes of what it contains that it does not contain itself.
    pub missing_hotfixes: Vec<ReleaseId>,
    /// Its digest, if it was cut and its lock belongs to what it says.
    pub digest: Option<Digest>,
    /// The release that has to be cut before it: the first of those it follows that is not.
    pub cut_first: Option<ReleaseId>,
    /// What is wrong with its lock; that there is none is not wrong.
    pub findings: Findings,
}

/// One release.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReleaseView {
    /// As in the list.
    #[serde(flatten)]
    pub row: ReleaseRow,
    /// Hotfixes that it contains.
    pub hotfixes: Vec<ReleaseId>,
    /// Products that it removes.
    pub removes: Vec<ProductName>,
    /// Products that it lowers.
    pub lowers: Vec<ProductName>,
    /// Its product versions.
    pub versions: BTreeMap<ProductName, Version>,
    /// Its lock.
    pub lock: Option<Lock>,
    /// What people should know.
    pub notes: Option<String>,
}

/// A release that is cut.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CutDone {
    /// Its id.
    pub release: ReleaseId,
    /// The file with the lock.
    pub file: String,
    /// The lock.
    pub lock: Lock,
    /// Whether the file had that lock already.
    pub unchanged: bool,
    /// What it changes against its parent.
    pub changes: Option<Diff>,
    /// Warnings.
    pub findings: Findings,
}

/// Cuts a release: reads the tags of its product versions and writes the lock into its file. A
/// release that was cut before with the same outcome stays as it is. With a registry, the lock has the
/// digests of images as well; a hotfix keeps those of its parent in any case.
///
/// # Errors
/// When the folders have changes that are not committed, a file has mistakes, a product version has
/// no tag (the next command is `product tag`), a rule forbids it, or an image has no digest that has to have
/// one; nothing is written then.
pub async fn release_cut(
    repo: &Repository,
    id: &ReleaseId,
    registry: Option<&dyn Registry>,
) -> Result<CutDone, RepoError> {
    let dirty = repo.git.dirty(&FOLDERS).await?;
    if !dirty.is_empty() {
        return Err(dirty_tree(&dirty, "a release is cut from what is committed").into());
    }
    let catalog = read::sound(repo).await?;
    let Some(loaded) = catalog.releases.get(id) else {
        return Err(release::locked(&catalog, id).err().unwrap_or_default().into());
    };
    let mut contents: BTreeMap<ProductName, Tagged> = BTreeMap::new();
    let mut findings = Findings::new();
    for (name, version) in &loaded.spec.products {
        match tagged(repo, &name.value, &version.value, release::written(&catalog, &name.value)).await {
            Ok(found) => {
                contents.insert(name.value.clone(), found);
            }
            // A tag that is missing is found, with its place, when the release is cut.
            Err(RepoError::Findings(wrong)) if wrong.iter().all(|f| f.code == &codes::MISSING_TAG) => {}
            Err(RepoError::Findings(wrong)) => {
                findings.extend(wrong.into_iter().map(|finding| {
                    if finding.place.is_none() { finding.at(&version.place) } else { finding }
                }));
            }
            Err(fault) => return Err(fault),
        }
    }
    let cut = match release::cut(&catalog, id, &contents) {
        Ok(cut) if findings.is_empty() => cut,
        Ok(_) => return Err(findings.into()),
        Err(wrong) => {
            // A product with a foreign tag has no content, and is not called untagged as well.
            let foreign: Vec<_> = findings.iter().filter_map(|f| f.place.clone()).collect();
            findings.extend(wrong.into_iter().filter(|finding| {
                finding.code != &codes::MISSING_TAG
                    || !finding.place.as_ref().is_some_and(|place| foreign.contains(place))
            }));
            return Err(findings.into());
        }
    };
    let cut = match registry {
        Some(registry) => {
            let (asked, inherited) = cut.unresolved(&catalog, id)?;
            let mut digests = images::resolve(&asked, registry).await?;
            digests.extend(inherited);
            cut.with_digests(&catalog, id, &digests)
        }
        None => cut.keeping(&catalog, id)?,
    };
    let lost = cut.lost_digests(&catalog, id);
    let Cut { mut lock, unchanged, findings: mut warnings, .. } = cut;
    warnings.extend(lost);
    let file = loaded.source.path().to_owned();
    if !unchanged {
        lock.cut_by = repo.git.identity().await?;
        let text = edit::replace_block(&loaded.source, "lock", &block(&lock))?;
        repo.trees.write(&file, &text).await?;
    }
    let parent = loaded.spec.parent.as_ref().and_then(|parent| catalog.releases.get(&parent.value));
    let changes = parent.map(|parent| {
        let place = loaded.metadata.name.place.clone();
        let file = ReleaseFile { lock: Some(Spanned { value: lock.clone(), place }), ..loaded.file.clone() };
        release::diff(&parent.file, &file)
    });
    Ok(CutDone { release: id.clone(), file, lock, unchanged, changes, findings: warnings })
}

/// The lock as it stands in the file, one product a line.
fn block(lock: &Lock) -> String {
    let mut text = format!(
        "lock: # written by `tidegate release cut`; not edited by hand\n  format: {}\n  digest: {}\n",
        lock.format, lock.digest
    );
    if let Some(who) = &lock.cut_by {
        text.push_str(&format!("  cutBy: {}\n", serde_json::Value::from(who.as_str())));
    }
    if let Some(parent) = &lock.parent {
        text.push_str(&format!("  parent: {parent}\n"));
    }
    text.push_str(if lock.products.is_empty() { "  products: {}\n" } else { "  products:\n" });
    for (name, locked) in &lock.products {
        text.push_str(&format!(
            "    {}: {{ version: {}, commit: {}, digest: {} }}\n",
            quoted(name.as_str()),
            quoted(&locked.version.to_string()),
            quoted(&locked.commit),
            quoted(&locked.digest.to_string()),
        ));
    }
    if !lock.images.is_empty() {
        text.push_str("  images:\n");
        for image in &lock.images {
            text.push_str(&format!("    - {}\n", quoted(image)));
        }
    }
    text
}

/// Every release of the working tree, parents before children, else in order of ids.
///
/// # Errors
/// When the working tree can't be read.
pub async fn release_list(repo: &Repository) -> Result<(Vec<ReleaseRow>, Findings), RepoError> {
    let (catalog, findings) = read::load(repo).await?;
    let mut ids: Vec<&ReleaseId> = catalog.releases.keys().collect();
    ids.sort_by_key(|id| (release::ancestors(&catalog, id).len(), (*id).clone()));
    Ok((ids.into_iter().filter_map(|id| row(&catalog, id)).collect(), findings))
}

/// One release of the working tree.
///
/// # Errors
/// When there is no such release, or its file is wrong.
pub async fn release_show(repo: &Repository, id: &ReleaseId) -> Result<ReleaseView, RepoError> {
    let catalog = of_releases(repo, &[id]).await?;
    let (Some(row), Some(loaded)) = (row(&catalog, id), catalog.releases.get(id)) else {
        return Err(release::locked(&catalog, id).err().unwrap_or_default().into());
    };
    let spec = &loaded.spec;
    Ok(ReleaseView {
        row,
        hotfixes: release::contained_hotfixes(&catalog, id).into_iter().cloned().collect(),
        removes: spec.removes.iter().map(|name| name.value.clone()).collect(),
        lowers: spec.lowers.iter().map(|name| name.value.clone()).collect(),
        versions: spec.products.iter().map(|(name, v)| (name.value.clone(), v.value.clone())).collect(),
        lock: loaded.file.lock.as_ref().map(|lock| lock.value.clone()),
        notes: spec.notes.clone(),
    })
}

/// The difference of two releases of the working tree.
///
/// # Errors
/// When one of them is not there or wrong, or its lock was tampered with.
pub async fn release_diff(repo: &Repository, from: &ReleaseId, to: &ReleaseId) -> Result<Diff, RepoError> {
    let catalog = of_releases(repo, &[from, to]).await?;
    let mut findings = Findings::new();
    for id in [from, to] {
        if catalog.releases.get(id).is_none_or(|loaded| loaded.file.lock.is_some()) {
            findings.extend(release::locked(&catalog, id).err().unwrap_or_default());
        }
    }
    findings.into_result(())?;
    match (catalog.releases.get(from), catalog.releases.get(to)) {
        (Some(old), Some(new)) => Ok(release::diff(&old.file, &new.file)),
        // Said above.
        _ => Err(RepoError::Findings(Findings::new())),
    }
}

/// The catalog, if the files of these releases have no mistakes.
async fn of_releases(repo: &Repository, ids: &[&ReleaseId]) -> Result<Catalog, RepoError> {
    let tree = repo.trees.working(&FOLDERS).await?;
    let (catalog, findings) = catalog::load(&tree);
    let own = |finding: &Finding| {
        let file = finding.place.as_ref().map(|place| place.file());
        ids.iter().any(|id| file == Some(format!("releases/{id}.yaml").as_str()))
    };
    let own: Findings = findings.into_iter().filter(own).collect();
    Ok(own.into_result(catalog)?)
}

fn row(catalog: &Catalog, id: &ReleaseId) -> Option<ReleaseRow> {
    let loaded = catalog.releases.get(id)?;
    let spec = &loaded.spec;
    let (digest, findings) = match (&loaded.file.lock, release::locked(catalog, id)) {
        (None, _) => (None, Findings::new()),
        (Some(_), Ok(locked)) => (Some(*locked.digest()), Findings::new()),
        (Some(_), Err(wrong)) => (None, wrong),
    };
    Some(ReleaseRow {
        id: id.clone(),
        title: spec.title.clone(),
        parent: spec.parent.as_ref().map(|parent| parent.value.clone()),
        lane: spec.lane.value,
        kubernetes: spec.kubernetes.value.clone(),
        products: spec.products.len(),
        missing_hotfixes: release::missing(catalog, id).into_iter().map(|m| m.hotfix.clone()).collect(),
        digest,
        cut_first: cut_first(catalog, id),
        findings,
    })
}

/// The oldest of the releases that one follows which has no lock yet: a lock rests on its parent's.
fn cut_first(catalog: &Catalog, id: &ReleaseId) -> Option<ReleaseId> {
    let uncut = |id: &&&ReleaseId| catalog.releases.get(**id).is_some_and(|r| r.file.lock.is_none());
    release::ancestors(catalog, id).iter().rev().find(uncut).map(|id| (*id).clone())
}
