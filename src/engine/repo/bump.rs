//! `product bump`: an upstream version raised in a product's folder. What changes is decided by `lcm::bump`;
//! here the source is chosen, the outcome is checked with the rest of the repository, and all of it is
//! written or nothing.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::catalog::{self, Catalog, FOLDERS, ProductSource};
use crate::diag::{Finding, Findings, Severity, codes};
use crate::lcm::bump::{self, Bump, Digests, Edit, Field, Left, Mirror, Moving};
use crate::lcm::version::Level;
use crate::model::image::Image;
use crate::model::{File, ProductName, Tree, Upstream};
use crate::port::upstream::{Registry, Unanswered};
use crate::version::Version;

use super::products::versions;
use super::tag::{folder, unknown_product};
use super::{RepoError, Repository};

/// What is asked.
#[derive(Debug, Clone)]
pub struct BumpRequest {
    /// The product.
    pub product: ProductName,
    /// The source that moves; the product's only one if absent.
    pub moving: Option<Moving>,
    /// The version that it moves from; the only one that is named, if absent.
    pub from: Option<String>,
    /// The version that it moves to.
    pub to: String,
    /// What becomes of digests.
    pub digest: Digests,
    /// What a chart that moves installs.
    pub app_version: Option<String>,
    /// Registries that keep copies of others.
    pub mirrors: Vec<Mirror>,
    /// Fields that name an image or a version though their names do not say so.
    pub fields: Vec<Field>,
    /// The product's new version.
    pub version: Option<Version>,
    /// Whether it may go back.
    pub lower: bool,
    /// Whether a chart's number may change without its content.
    pub keeps_content: bool,
    /// The day that the changelog gets.
    pub on: jiff::civil::Date,
    /// Lines for the changelog.
    pub evidence: Vec<String>,
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
    /// The files that changed.
    pub files: Vec<String>,
    /// Whether they were written.
    pub written: bool,
    /// What `check` finds in the repository that it did not find before.
    pub findings: Findings,
}

/// Raises a source's version in a product's folder. A digest that nobody gave is asked of the registry, if
/// there is one.
///
/// # Errors
/// When there is no such product, its file is wrong, the source is not clear, or the bump is refused; nothing
/// is written then.
pub async fn product_bump(
    repo: &Repository,
    request: &BumpRequest,
    registry: Option<&dyn Registry>,
) -> Result<Bumped, RepoError> {
    let tree = repo.trees.working(&FOLDERS).await?;
    let (catalog, findings) = catalog::load(&tree);
    let at = format!("{}/", folder(&request.product));
    let own = |finding: &Finding| finding.place.as_ref().is_some_and(|place| place.file().starts_with(&at));
    let wrong: Findings = findings.iter().filter(|finding| own(finding)).cloned().collect();
    wrong.into_result(())?;
    let Some(product) = catalog.products.get(&request.product) else {
        return Err(unknown_product(&catalog, &request.product).into());
    };
    let moving = match &request.moving {
        Some(moving) => moving.clone(),
        None => only_source(product, request)?,
    };
    let tags = repo.git.tags(&format!("{}/v", request.product)).await?;
    let tagged = versions(&request.product, &tags).into_iter().map(|(version, _)| version).collect();
    let asked = asked(product, request, moving.clone(), tagged);
    let bump = match (bump::bump(&asked), registry, &moving) {
        (Err(refused), Some(registry), Moving::Image(repository)) if wants_digest(&refused) => {
            let image = Image { repository: repository.clone(), tag: Some(request.to.clone()), digest: None };
            let digest = registry.digest(&image).await.map_err(|silence| undigested(silence, &refused))?;
            bump::bump(&bump::Request { digest: Digests::Become(digest), ..asked })?
        }
        (outcome, ..) => outcome?,
    };
    let findings = newly_wrong(&tree, &catalog, findings, &bump.files);
    let (inside, elsewhere): (Vec<Finding>, Vec<Finding>) = findings.into_iter().partition(own);
    let broken: Findings = inside.into_iter().collect();
    broken.into_result(())?;
    if request.writes {
        let files: Vec<(&str, &str)> =
            bump.files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        repo.trees.write_all(&files).await?;
    }
    Ok(bumped(request, moving, bump, elsewhere))
}

fn asked<'a>(
    product: &'a ProductSource,
    request: &BumpRequest,
    moving: Moving,
    tagged: Vec<Version>,
) -> bump::Request<'a> {
    bump::Request {
        product,
        moving,
        from: request.from.clone(),
        to: request.to.clone(),
        digest: request.digest.clone(),
        app_version: request.app_version.clone(),
        mirrors: request.mirrors.clone(),
        fields: request.fields.clone(),
        version: request.version.clone(),
        lower: request.lower,
        keeps_content: request.keeps_content,
        tagged,
        on: request.on,
        evidence: request.evidence.clone(),
    }
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
        files: bump.files.into_keys().collect(),
        written: request.writes,
        findings: elsewhere.into_iter().map(told).collect(),
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
            .next(format!("tidegate product bump {} {first} --to {}", request.product, request.to)),
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
