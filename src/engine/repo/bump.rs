//! `product bump`: an upstream version raised in a product's folder. What changes is decided by `lcm::bump`;
//! here the source is chosen, the outcome is checked with the rest of the repository, and all of it is
//! written or nothing.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Serialize;

use crate::catalog::{self, Catalog, ProductSource};
use crate::diag::{Finding, Findings, Severity, codes};
use crate::engine::propose::Requested;
use crate::lcm::bump::{self, Asked, Bump, Digests, Edit, Left, Moving};
use crate::lcm::version::Level;
use crate::model::image::Image;
use crate::model::{File, Mirrors, ProductName, Tree, Upstream};
use crate::port::upstream::{Registry, Unanswered};
use crate::version::Version;

use super::meant::{is_not_named, meant};
use super::products::versions;
use super::published::published;
use super::read::Platform;
use super::tag::{folder, unknown_product};
use super::{RepoError, Repository};

/// What is asked.
#[derive(Debug, Clone)]
pub struct BumpRequest {
    /// The product.
    pub product: ProductName,
    /// The source that moves; the product's only one if absent.
    pub moving: Option<Moving>,
    /// How.
    pub asked: Asked,
    /// Whether it is written, and not only shown.
    pub writes: bool,
}

/// A bump as it was made, or would be.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Bumped {
    /// The product.
    pub product: ProductName,
    /// What moved.
    pub source: Moving,
    /// From where.
    pub from: String,
    /// To where.
    pub to: String,
    /// How far that is; none where the two can't be compared.
    pub level: Option<Level>,
    /// The product's version before.
    pub version_before: Version,
    /// The product's version now.
    pub version: Version,
    /// Every scalar that changed.
    pub edits: Vec<Edit>,
    /// What speaks of the source and was left.
    pub left: Vec<Left>,
    /// How many more mentions there are than `left` lists.
    pub unlisted: usize,
    /// The files that changed, with their new texts.
    #[serde(serialize_with = "paths")]
    pub files: BTreeMap<String, String>,
    /// Whether they were written.
    pub written: bool,
    /// What `check` finds in the repository that it did not find before, and options that fit nothing.
    pub findings: Findings,
    /// The pull request with it, if one was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<Box<Requested>>,
    /// Where the person stands to whom commands are told.
    #[serde(skip)]
    pub standpoint: Standpoint,
}

/// Where a person stands to whom commands are told: paths in them count from there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Standpoint {
    /// At the root of the repository.
    #[default]
    Root,
    /// In a folder of the repository.
    Below,
    /// Somewhere else: the repository is named by this path.
    Elsewhere(PathBuf),
}

fn paths<S: serde::Serializer>(files: &BTreeMap<String, String>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(files.keys())
}

/// Raises a source's version in a product's folder, as `platform` has it. A digest that nobody gave is asked of
/// the registry, if there is one, and whether it has the version at all.
///
/// # Errors
/// When there is no such product, its file is wrong, the source is not clear, or the bump is refused; nothing
/// is written then.
pub async fn product_bump(
    repo: &Repository,
    platform: &Platform,
    request: &BumpRequest,
    registry: Option<&dyn Registry>,
) -> Result<Bumped, RepoError> {
    let Platform { tree, catalog, findings } = platform;
    let at = format!("{}/", folder(&request.product));
    let own = |finding: &Finding| finding.place.as_ref().is_some_and(|place| place.file().starts_with(&at));
    let wrong: Findings = findings.iter().filter(|finding| own(finding)).cloned().collect();
    wrong.into_result(())?;
    let Some(product) = catalog.products.get(&request.product) else {
        return Err(unknown_product(catalog, &request.product).into());
    };
    let moving = match &request.moving {
        Some(moving) => moving.clone(),
        None => only_source(product, request)?,
    };
    let tags = repo.git.tags(&format!("{}/v", request.product)).await?;
    let tagged = versions(&request.product, &tags).into_iter().map(|(version, _)| version).collect();
    let mirrors = catalog.sources.as_ref().map(|sources| Mirrors::of(&sources.spec)).unwrap_or_default();
    let asked =
        bump::Request { product, moving: moving.clone(), tagged, mirrors, asked: request.asked.clone() };
    let (asked, outcome) = match bump::bump(&asked) {
        Err(refused) if is_not_named(&refused) => {
            let moving = meant(catalog, &request.product, &moving, refused)?;
            let asked = bump::Request { moving, ..asked };
            let outcome = bump::bump(&asked);
            (asked, outcome)
        }
        outcome => (asked, outcome),
    };
    let moving = asked.moving.clone();
    let mut unproved = None;
    let bump = match (outcome, registry, &moving) {
        (Err(refused), Some(registry), Moving::Image(repository)) if wants_digest(&refused) => {
            let tag = Some(request.asked.to.clone());
            let image = Image { repository: repository.clone(), tag, digest: None };
            let digest = registry.proved(&image).await.map_err(|silence| undigested(silence, &refused))?;
            let digest = Digests::Become(digest);
            bump::bump(&bump::Request { asked: Asked { digest, ..asked.asked.clone() }, ..asked })?
        }
        (Ok(bump), Some(registry), Moving::Image(repository)) if !is_digest_said(request) => {
            unproved = published(repository, (&bump.from, &bump.to), registry).await?;
            bump
        }
        (outcome, ..) => outcome?,
    };
    let findings = newly_wrong(tree, catalog, findings.clone(), &bump.files);
    let (inside, elsewhere): (Vec<Finding>, Vec<Finding>) = findings.into_iter().partition(own);
    let broken: Findings = inside.into_iter().collect();
    broken.into_result(())?;
    if request.writes {
        let files: Vec<(&str, &str)> =
            bump.files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        repo.trees.write_all(&files).await?;
    }
    let mut bumped = bumped(request, moving, bump, elsewhere);
    bumped.findings.extend(unproved);
    Ok(bumped)
}

/// Whether somebody said which content is meant, whatever its name.
fn is_digest_said(request: &BumpRequest) -> bool {
    matches!(request.asked.digest, Digests::Become(_))
}

fn bumped(request: &BumpRequest, source: Moving, bump: Bump, elsewhere: Vec<Finding>) -> Bumped {
    let (version_before, version) = bump.version;
    // They stand in files of others, and were not made wrong by hand.
    let told = |finding| Finding { severity: Severity::Warning, ..finding };
    Bumped {
        product: request.product.clone(),
        source,
        from: bump.from,
        to: bump.to,
        level: bump.level,
        version_before,
        version,
        edits: bump.edits,
        left: bump.left,
        unlisted: bump.unlisted,
        files: bump.files,
        written: request.writes,
        findings: bump.idle.into_iter().chain(elsewhere.into_iter().map(told)).collect(),
        request: None,
        standpoint: Standpoint::Root,
    }
}

/// Whether it is refused for nothing but digests.
fn wants_digest(refused: &Findings) -> bool {
    refused.errors().all(|finding| finding.code == &codes::STALE_DIGEST)
}

/// Why the registry gave no digest for those that were refused.
fn undigested(silence: Unanswered, refused: &Findings) -> Finding {
    let told = silence.finding().hint("say it yourself with `--digest sha256:...`");
    let told = told.hint("or take digests out with `--drop-digest`");
    match refused.errors().find_map(|finding| finding.place.as_ref()) {
        Some(place) => told.at(place).label("this digest needs the new version's"),
        None => told,
    }
}

/// The source of a product that has one.
fn only_source(product: &ProductSource, request: &BumpRequest) -> Result<Moving, Box<Finding>> {
    let mut found: Vec<(Moving, String)> = Vec::new();
    for upstream in &product.file.spec.upstream {
        match &upstream.value {
            Upstream::Image(image) => {
                let text = &image.repository;
                let repository = text.value.parse().map_err(|error: crate::model::image::ImageError| {
                    Box::new(Finding::error(&codes::INVALID_VALUE, error.to_string()).at(&text.place))
                })?;
                found.push((Moving::Image(repository), format!("--image {}", text.value)));
            }
            Upstream::Chart(chart) => {
                let name = &chart.name.value;
                found.push((Moving::Chart(name.clone()), format!("--chart {name}")));
            }
            Upstream::Tool(tool) => {
                let project = &tool.repository.value;
                found.push((Moving::Tool(project.clone()), format!("--tool {project}")));
            }
            Upstream::Addon(addon) => {
                let name = &addon.name.value;
                found.push((Moving::Addon(name.clone()), format!("--addon {name}")));
            }
            // Its version is the release's.
            Upstream::Kubernetes(_) => {}
        }
    }
    let place = &product.file.metadata.name.place;
    let flags: Vec<&str> = found.iter().map(|(_, flag)| flag.as_str()).collect();
    let refused = match found.as_slice() {
        [(one, _)] => return Ok(one.clone()),
        [] => Finding::error(&codes::BUMP_NOT_NAMED, "the product's file names no source that could move")
            .hint("name it under `upstream`, or on the command line with `--image`, `--chart`, `--tool` or `--addon`"),
        [(_, first), ..] => Finding::error(&codes::BUMP_AMBIGUOUS, "the product has several sources")
            .hint(format!("say which one moves: {}", flags.join(", ")))
            .next(format!("tidegate product bump {} {first} --to {}", request.product, request.asked.to)),
    };
    Err(Box::new(refused.at(place)))
}

/// The errors of the repository with these files that were not there before.
pub(super) fn newly_wrong(
    tree: &Tree,
    catalog: &Catalog,
    findings: Findings,
    files: &BTreeMap<String, String>,
) -> Vec<Finding> {
    let mut after = tree.clone();
    for (path, text) in files {
        let executable = tree.get(path).is_some_and(|file| file.executable);
        after.insert(path.as_str(), File { bytes: text.as_bytes().into(), executable });
    }
    let all = |catalog: &Catalog, mut findings: Findings| {
        findings.extend(catalog::check(catalog));
        findings
    };
    let before = all(catalog, findings);
    let (catalog, findings) = catalog::load(&after);
    let known =
        |finding: &Finding| before.iter().any(|f| f.code == finding.code && f.message == finding.message);
    let after = all(&catalog, findings);
    after.errors().filter(|finding| !known(finding)).cloned().collect()
}
