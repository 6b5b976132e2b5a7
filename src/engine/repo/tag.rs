//! Product tags: `NAME/vVERSION`, annotated with the product digest. A tag says which commit holds
//! a version; the digest in it, and the content there, have to agree at every use.

use serde::Serialize;

use crate::catalog::product::Content;
use crate::catalog::release::{Tagged, missing_tag, reused};
use crate::diag::{Finding, Findings, codes};
use crate::digest::Digest;
use crate::model::ProductName;
use crate::port::GitTag;
use crate::version::Version;

use super::products::versions;
use super::{RepoError, Repository, read};

/// The line of a tag's message that carries the product digest.
const DIGEST_LINE: &str = "product-digest: ";

/// A product version that has its tag.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TagDone {
    /// The product.
    pub product: ProductName,
    /// The version.
    pub version: Version,
    /// The tag's name.
    pub tag: String,
    /// The commit that it names.
    pub commit: String,
    /// The product digest.
    pub digest: Digest,
    /// Whether the tag was there before.
    pub existed: bool,
    /// Warnings about the product.
    pub findings: Findings,
}

/// The name of a product version's tag.
pub(super) fn tag_name(product: &ProductName, version: &Version) -> String {
    format!("{product}/v{version}")
}

/// Where people and findings see a product's folder.
pub(super) fn folder(product: &ProductName) -> String {
    format!("products/{product}")
}

/// Tags what is committed of a product as its version.
///
/// # Errors
/// When there is no such product, its folder has changes that are not committed or is not in HEAD
/// at all, something is wrong with the product by itself, or the version has another content
/// already (in its tag, in a lock or in a pin): then the version has to be raised.
pub async fn product_tag(repo: &Repository, product: &ProductName) -> Result<TagDone, RepoError> {
    let (catalog, findings) = read::load(repo).await?;
    let folder = folder(product);
    let own = |finding: &Finding| {
        finding.place.as_ref().is_some_and(|place| place.file().starts_with(&format!("{folder}/")))
    };
    let own: Findings = findings.into_iter().filter(own).collect();
    own.into_result(())?;
    if !catalog.products.contains_key(product) {
        return Err(unknown_product(&catalog, product).into());
    }
    let dirty = repo.git.dirty(&[&folder]).await?;
    if !dirty.is_empty() {
        return Err(dirty_tree(&dirty, &format!("`{product}` is tagged as it is committed")).into());
    }
    let head = repo.git.head().await?;
    let Some(tree) = repo.git.tree(&head, &folder).await? else {
        return Err(Finding::error(
            &codes::NOT_COMMITTED,
            format!("`{folder}` is not in the commit {}", short(&head)),
        )
        .next(format!("git add {folder} && git commit"))
        .into());
    };
    let content = Content::at(&tree, &folder)?;
    let name = &content.file.metadata.name;
    let mut findings = content.check(&folder);
    if name.value != *product {
        findings.push(
            Finding::error(
                &codes::NAME_IS_NOT_FILE,
                format!("the name is `{}`, and the folder is called `{product}`", name.value),
            )
            .at(&name.place),
        );
    }
    let version = &content.file.spec.version;
    findings.extend(reused(&catalog, product, &version.value, &content.digest).map(|f| f.at(&version.place)));
    if findings.has_errors() {
        return Err(findings.into());
    }
    let tag = tag_name(product, &version.value);
    let done = |commit: String, existed: bool| TagDone {
        product: product.clone(),
        version: version.value.clone(),
        tag: tag.clone(),
        commit,
        digest: content.digest,
        existed,
        findings: findings.clone(),
    };
    if let Some(existing) = repo.git.tag(&tag).await? {
        let other = content_of(repo, product, &version.value, &existing).await?;
        if other.digest == content.digest {
            return Ok(done(existing.commit, true));
        }
        return Err(Finding::error(
            &codes::VERSION_REUSED,
            format!(
                "`{product}` {} is {} here, and its tag `{tag}` names {}",
                version.value,
                content.digest.short(),
                other.digest.short()
            ),
        )
        .at(&version.place)
        .label("raise this version")
        .into());
    }
    repo.git.create_tag(&tag, &head, &message(product, &version.value, &content)).await?;
    Ok(done(head, false))
}

/// The finding about changes that are not committed.
pub(super) fn dirty_tree(paths: &[String], why: &str) -> Finding {
    let shown: Vec<&str> = paths.iter().take(10).map(String::as_str).collect();
    let more = if paths.len() > shown.len() {
        format!(" and {} more", paths.len() - shown.len())
    } else {
        String::new()
    };
    Finding::error(&codes::DIRTY_TREE, format!("{why}, and there are changes that are not committed"))
        .hint(format!("changed: {}{more}", shown.join(", ")))
        .next("git status")
}

/// The finding about a product that there is not.
pub(super) fn unknown_product(catalog: &crate::catalog::Catalog, product: &ProductName) -> Finding {
    Finding::error(&codes::UNKNOWN_PRODUCT, format!("there is no product `{product}`"))
        .did_you_mean(product.as_str(), catalog.products.keys().map(ProductName::as_str))
        .next("tidegate product list")
}

fn message(product: &ProductName, version: &Version, content: &Content) -> String {
    format!("{product} {version}\n\n{DIGEST_LINE}{}\ntest-digest: {}\n", content.digest, content.tests)
}

/// The product digest that a tag's message carries.
pub(super) fn digest_in(message: &str) -> Option<Digest> {
    message.lines().find_map(|line| line.strip_prefix(DIGEST_LINE)?.trim().parse().ok())
}

fn short(commit: &str) -> &str {
    commit.get(..12).unwrap_or(commit)
}

/// A product version as its tag names it, verified: the tag is annotated with the digest of the
/// content that its commit has, and that content has this name and version. `written` is the version
/// that the product's file has now.
///
/// # Errors
/// When there is no tag (the next command is `product tag`), or it names something else.
pub async fn tagged(
    repo: &Repository,
    product: &ProductName,
    version: &Version,
    written: Option<&Version>,
) -> Result<Tagged, RepoError> {
    let Some(tag) = repo.git.tag(&tag_name(product, version)).await? else {
        let known = versions(product, &repo.git.tags(&format!("{product}/v")).await?);
        let known: Vec<String> = known.into_iter().map(|(version, _)| version.to_string()).collect();
        let finding = missing_tag(product, version, written);
        return Err(match known.is_empty() {
            true => finding,
            false => finding
                .did_you_mean(&version.to_string(), known.iter().map(String::as_str))
                .hint(format!("tagged versions are {}", few(&known))),
        }
        .into());
    };
    let content = content_of(repo, product, version, &tag).await?;
    Ok(Tagged { commit: tag.commit, content })
}

/// The first eight, the highest versions.
fn few(versions: &[String]) -> String {
    let shown: Vec<&str> = versions.iter().take(8).map(String::as_str).collect();
    let more = if versions.len() > shown.len() { ", ..." } else { "" };
    format!("{}{more}", shown.join(", "))
}

async fn content_of(
    repo: &Repository,
    product: &ProductName,
    version: &Version,
    tag: &GitTag,
) -> Result<Content, RepoError> {
    let folder = folder(product);
    let foreign = |why: String| {
        Finding::error(&codes::FOREIGN_TAG, format!("the tag `{}` {why}", tag.name))
            .hint(format!("if it was made by mistake: git tag -d {}", tag.name))
            .next(format!("tidegate product tag {product}"))
    };
    let Some(claimed) = tag.message.as_deref().and_then(digest_in) else {
        return Err(foreign("was not made by `tidegate product tag`".to_owned()).into());
    };
    let Some(tree) = repo.git.tree(&tag.commit, &folder).await? else {
        return Err(
            foreign(format!("names the commit {}, which has no `{folder}`", short(&tag.commit))).into()
        );
    };
    let content = Content::at(&tree, &folder)?;
    if content.digest != claimed {
        return Err(foreign(format!(
            "says {}, and its commit has {}",
            claimed.short(),
            content.digest.short()
        ))
        .into());
    }
    let (name, found) = (&content.file.metadata.name.value, &content.file.spec.version.value);
    if name != product || found != version {
        return Err(foreign(format!("names `{name}` {found}")).into());
    }
    Ok(content)
}
