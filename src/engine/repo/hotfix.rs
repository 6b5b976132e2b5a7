//! `release hotfix`: the file of a release that has all that another one has, some of it in higher
//! versions. What it may say is decided here and by the catalog's rules; cutting it is `release cut`.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::catalog::release::{self, Family};
use crate::catalog::{self, Catalog, FOLDERS, Loaded};
use crate::diag::{Finding, Findings, codes};
use crate::model::{File, Lane, ProductName, ReleaseFile, ReleaseId};
use crate::version::Version;

use super::tag::tagged;
use super::{RepoError, Repository, quoted, read, writing};

/// What a hotfix is to say.
#[derive(Debug, Clone)]
pub struct HotfixRequest {
    /// The release that it mends.
    pub parent: ReleaseId,
    /// Products with their new versions.
    pub products: Vec<(ProductName, Version)>,
    /// Hotfixes that it is to contain; what they raised is raised with them.
    pub includes: Vec<ReleaseId>,
    /// Its lane.
    pub lane: Lane,
    /// Its id; the next free one after its parent's if absent.
    pub id: Option<ReleaseId>,
}

/// A hotfix that was written.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HotfixWritten {
    /// Its id.
    pub release: ReleaseId,
    /// Its file.
    pub file: String,
    /// The release that it mends.
    pub parent: ReleaseId,
    /// Its lane.
    pub lane: Lane,
    /// Hotfixes that it includes.
    pub includes: Vec<ReleaseId>,
    /// What it raises.
    pub raised: Vec<Raised>,
    /// Warnings.
    pub findings: Findings,
}

/// One product that a hotfix raises.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Raised {
    /// The product.
    pub product: ProductName,
    /// The parent's version; absent if an included hotfix brings the product.
    pub from: Option<Version>,
    /// The new version.
    pub to: Version,
}

/// Writes `releases/ID.yaml`.
///
/// # Errors
/// When the parent is unknown or was not cut, a product is none of the parent's or would not rise,
/// nothing would be raised, a version has no tag, an include is no hotfix, the id is taken, or a file
/// has mistakes; nothing is written then.
pub async fn release_hotfix(repo: &Repository, request: &HotfixRequest) -> Result<HotfixWritten, RepoError> {
    let before = read::sound(repo).await?;
    let parent = parent_of(&before, &request.parent)?;
    let id = match &request.id {
        None => next_id(&before, &request.parent)?,
        Some(id) if before.releases.contains_key(id) => {
            return Err(Finding::error(&codes::RELEASE_EXISTS, format!("there is a release `{id}` already"))
                .next("tidegate release list")
                .into());
        }
        Some(id) => id.clone(),
    };
    let mut findings = Findings::new();
    let versions = raise(&before, parent, request, &mut findings);
    findings.into_result(())?;
    tagged_all(repo, &before, request).await?;
    let raised = raised(parent, &versions);
    if raised.is_empty() && request.includes.is_empty() {
        return Err(Finding::error(&codes::RAISES_NOTHING, "the hotfix would raise nothing")
            .hint("name a product with its new version: `--product NAME=VERSION`")
            .into());
    }

    let file = format!("releases/{id}.yaml");
    let text = text(&id, request, parent, &versions);
    // The new release is looked at as every file is: in a tree that has it.
    let mut tree = repo.trees.working(&FOLDERS).await?;
    tree.insert(file.as_str(), File { bytes: text.as_bytes().into(), executable: false });
    let (catalog, mut findings) = catalog::load(&tree);
    let here = |finding: &Finding| finding.place.as_ref().is_some_and(|place| place.file() == file);
    findings.extend(catalog::check(&catalog).into_iter().filter(here));
    let findings = findings.clone().into_result(findings)?;
    repo.trees.write(&file, &text).await?;
    Ok(HotfixWritten {
        release: id,
        file,
        parent: request.parent.clone(),
        lane: request.lane,
        includes: request.includes.clone(),
        raised,
        findings,
    })
}

/// That each version which is asked for has its tag; what an include raised is asked at the cut.
async fn tagged_all(repo: &Repository, catalog: &Catalog, request: &HotfixRequest) -> Result<(), RepoError> {
    let mut findings = Findings::new();
    for (product, version) in &request.products {
        match tagged(repo, product, version, release::written(catalog, product)).await {
            Ok(_) => {}
            Err(RepoError::Findings(wrong)) => findings.extend(wrong),
            Err(fault) => return Err(fault),
        }
    }
    Ok(findings.into_result(())?)
}

fn parent_of<'c>(catalog: &'c Catalog, id: &ReleaseId) -> Result<&'c Loaded<ReleaseFile>, RepoError> {
    let Some(parent) = catalog.releases.get(id) else {
        return Err(release::locked(catalog, id).err().unwrap_or_default().into());
    };
    if parent.file.lock.is_none() {
        return Err(Finding::error(
            &codes::PARENT_NOT_CUT,
            format!("`{id}` was not cut, so it can be changed itself"),
        )
        .at(&parent.metadata.name.place)
        .next(format!("tidegate release cut {id}"))
        .into());
    }
    release::locked(catalog, id)?;
    Ok(parent)
}

/// `R41.1` after `R41`, and after `R41.1`, if that is a hotfix, `R41.2`; the first that is free.
fn next_id(catalog: &Catalog, parent: &ReleaseId) -> Result<ReleaseId, RepoError> {
    let counted = |id: &ReleaseId| {
        let (base, number) = id.as_str().rsplit_once('.')?;
        number.parse::<u64>().ok().map(|_| base.to_owned())
    };
    let is_hotfix = Family::of(catalog).is_hotfix(parent);
    let base = counted(parent).filter(|_| is_hotfix).unwrap_or_else(|| parent.to_string());
    writing::next_id(&format!("{base}."), catalog.releases.keys().map(ReleaseId::as_str))
}

/// The parent's versions with those raised that were asked for, and what the includes raised.
fn raise(
    catalog: &Catalog,
    parent: &ReleaseFile,
    request: &HotfixRequest,
    findings: &mut Findings,
) -> BTreeMap<ProductName, Version> {
    let mut versions: BTreeMap<ProductName, Version> = parent
        .spec
        .products
        .iter()
        .map(|(name, version)| (name.value.clone(), version.value.clone()))
        .collect();
    let family = Family::of(catalog);
    for included in &request.includes {
        let floors = if family.is_hotfix(included) { family.floors(included) } else { BTreeMap::new() };
        for (name, (_, floor)) in floors {
            let version = versions.entry(name.clone()).or_insert_with(|| floor.clone());
            if *version < *floor {
                *version = floor.clone();
            }
        }
    }
    let mut asked: BTreeMap<&ProductName, &Version> = BTreeMap::new();
    for (name, version) in &request.products {
        if asked.insert(name, version).is_some() {
            findings
                .push(Finding::error(&codes::DUPLICATE_NAME, format!("the product `{name}` is named twice")));
            continue;
        }
        let Some(now) = versions.get(name) else {
            findings.push(
                Finding::error(
                    &codes::UNKNOWN_PRODUCT,
                    format!("`{}` has no product `{name}`", request.parent),
                )
                .did_you_mean(name.as_str(), versions.keys().map(ProductName::as_str)),
            );
            continue;
        };
        let own = parent.spec.products.iter().find(|(product, _)| product.value == *name);
        let floor = own.map_or(now, |(_, own)| &own.value).max(now);
        let include_has_it = own.is_none_or(|(_, own)| own.value < *now);
        if version < floor || (version == floor && !include_has_it) {
            let mut finding = Finding::error(
                &codes::RAISES_NOTHING,
                format!("`{name}` {version} is not above {floor}: a hotfix raises what it changes"),
            );
            if let Some((_, own)) = own {
                finding = finding.at(&own.place).label(format!("`{}` has it here", request.parent));
            }
            findings.push(finding);
            continue;
        }
        versions.insert(name.clone(), version.clone());
    }
    versions
}

fn raised(parent: &ReleaseFile, versions: &BTreeMap<ProductName, Version>) -> Vec<Raised> {
    versions
        .iter()
        .filter_map(|(name, to)| {
            let from = parent.spec.products.iter().find(|(product, _)| product.value == *name);
            let from = from.map(|(_, version)| version.value.clone());
            (from.as_ref() != Some(to)).then(|| Raised { product: name.clone(), from, to: to.clone() })
        })
        .collect()
}

fn text(
    id: &ReleaseId,
    request: &HotfixRequest,
    parent: &ReleaseFile,
    versions: &BTreeMap<ProductName, Version>,
) -> String {
    let mut text = format!(
        "apiVersion: tidegate.dev/v1\nkind: Release\nmetadata:\n  name: {}\nspec:\n  parent: {}\n",
        quoted(id.as_str()),
        quoted(request.parent.as_str()),
    );
    if request.lane == Lane::Hotfix {
        text.push_str("  lane: hotfix\n");
    }
    if !request.includes.is_empty() {
        let ids: Vec<String> = request.includes.iter().map(|id| quoted(id.as_str())).collect();
        text.push_str(&format!("  includes: [{}]\n", ids.join(", ")));
    }
    text.push_str(&format!("  kubernetes: {}\n", quoted(&parent.spec.kubernetes.value.to_string())));
    text.push_str(if versions.is_empty() { "  products: {}\n" } else { "  products:\n" });
    for (name, version) in versions {
        text.push_str(&format!("    {name}: {}\n", quoted(&version.to_string())));
    }
    text
}
