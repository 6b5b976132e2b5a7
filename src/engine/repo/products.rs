//! Products as people look at them: all in a list, and one with what it consists of.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::catalog::graph::Graph;
use crate::catalog::{Catalog, working_set};
use crate::diag::Findings;
use crate::digest::Digest;
use crate::model::{ProductName, Selector};
use crate::port::GitTag;
use crate::version::{KubeRange, Range, Version};

use super::tag::{digest_in, tag_name, unknown_product};
use super::{RepoError, Repository, read};

/// How the working tree's version of a product stands to its tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum TagState {
    /// The tag names exactly this content.
    Tagged,
    /// There is no tag yet: `product tag` makes it.
    Untagged,
    /// The tag names another content: the version has to be raised.
    Changed,
}

/// One product in a list.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ProductRow {
    /// Its name.
    pub name: ProductName,
    /// The working tree's version.
    pub version: Version,
    /// The team that answers for it.
    pub owner: String,
    /// The phase in which it goes to a cluster, from 0; none on a cycle.
    pub phase: Option<u32>,
    /// What it requires.
    pub requires: BTreeMap<ProductName, Range>,
    /// How many tests it has.
    pub tests: usize,
    /// The product digest of the working tree's folder; none if a file can't be part of it.
    pub digest: Option<Digest>,
    /// How it stands to its tag.
    pub tag: TagState,
    /// The highest version that has a tag.
    pub latest_tagged: Option<Version>,
}

/// One product with what it consists of.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ProductView {
    /// As in the list.
    #[serde(flatten)]
    pub row: ProductRow,
    /// Which clusters get it.
    #[serde(rename = "where")]
    pub selector: Selector,
    /// The Kubernetes versions it works on.
    pub kubernetes: Option<KubeRange>,
    /// Everything that it requires, directly or not.
    pub dependencies: Vec<ProductName>,
    /// Everything that requires it, directly or not.
    pub dependents: Vec<ProductName>,
    /// Its deploy steps, in order.
    pub steps: Vec<StepRow>,
    /// Its tests.
    pub test_list: Vec<TestRow>,
    /// Its tagged versions with the commits, highest first.
    pub tagged: Vec<(Version, String)>,
    /// What is wrong with it.
    pub findings: Findings,
}

/// A deploy step.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StepRow {
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: &'static str,
    /// How long it may take, in seconds; with `auto` while too few tries are known.
    pub timeout_seconds: u64,
    /// Whether its limit comes from how long it took before.
    pub auto: bool,
    /// Whether a rollback can't undo it.
    pub one_way: bool,
}

/// A test.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TestRow {
    /// Its name.
    pub name: String,
    /// How long one try may take, in seconds; with `auto` while too few tries are known.
    pub timeout_seconds: u64,
    /// Whether its limit comes from how long it took before.
    pub auto: bool,
    /// How often a failed try is repeated.
    pub retries: u32,
}

/// Every product of the working tree, in order of names; and what is wrong with their files.
///
/// # Errors
/// When the working tree or git can't be read.
pub async fn product_list(repo: &Repository) -> Result<(Vec<ProductRow>, Findings), RepoError> {
    let (catalog, findings) = read::load(repo).await?;
    let graph = working_set(&catalog).graph();
    let mut rows = Vec::new();
    for name in catalog.products.keys() {
        let tags = repo.git.tags(&format!("{name}/v")).await?;
        rows.extend(row(&catalog, &graph, name, &tags));
    }
    Ok((rows, findings))
}

/// One product of the working tree.
///
/// # Errors
/// When there is no such product, or its file is wrong.
pub async fn product_show(repo: &Repository, name: &ProductName) -> Result<ProductView, RepoError> {
    let (catalog, findings) = read::load(repo).await?;
    let own: Findings = findings
        .into_iter()
        .filter(|f| f.place.as_ref().is_some_and(|p| p.file() == format!("products/{name}/product.yaml")))
        .collect();
    own.into_result(())?;
    let Some(product) = catalog.products.get(name) else {
        return Err(unknown_product(&catalog, name).into());
    };
    let tags = repo.git.tags(&format!("{name}/v")).await?;
    let graph = working_set(&catalog).graph();
    let Some(row) = row(&catalog, &graph, name, &tags) else {
        return Err(unknown_product(&catalog, name).into());
    };
    let spec = &product.file.spec;
    let folder = format!("products/{name}");
    let findings = match product.content() {
        Ok(content) => content.check(&folder),
        Err(findings) => findings,
    };
    Ok(ProductView {
        row,
        selector: spec.selector.clone(),
        kubernetes: spec.kubernetes.as_ref().map(|range| range.value.clone()),
        dependencies: graph.dependencies(name).into_iter().collect(),
        dependents: graph.dependents(name).into_iter().collect(),
        steps: spec
            .named_steps()
            .into_iter()
            .map(|(name, step)| StepRow {
                name,
                kind: step.value.kind(),
                timeout_seconds: step.value.timeout().as_seconds(),
                auto: step.value.deadline().is_some(),
                one_way: step.value.one_way(),
            })
            .collect(),
        test_list: spec
            .tests
            .iter()
            .map(|test| TestRow {
                name: test.value.name().to_string(),
                timeout_seconds: test.value.timeout().as_seconds(),
                auto: test.value.deadline().is_some(),
                retries: test.value.retries(),
            })
            .collect(),
        tagged: versions(name, &tags),
        findings,
    })
}

fn row(catalog: &Catalog, graph: &Graph, name: &ProductName, tags: &[GitTag]) -> Option<ProductRow> {
    let product = catalog.products.get(name)?;
    let spec = &product.file.spec;
    let digest = product.content().ok().map(|content| content.digest);
    let own = tag_name(name, &spec.version.value);
    let tag = match tags.iter().find(|tag| tag.name == own) {
        None => TagState::Untagged,
        Some(tag) => {
            let named = tag.message.as_deref().and_then(digest_in);
            if named.is_some() && named == digest { TagState::Tagged } else { TagState::Changed }
        }
    };
    Some(ProductRow {
        name: name.clone(),
        version: spec.version.value.clone(),
        owner: spec.owner.value.clone(),
        phase: graph.phases().get(name).copied(),
        requires: spec
            .requires
            .iter()
            .map(|(name, range)| (name.value.clone(), range.value.clone()))
            .collect(),
        tests: spec.tests.len(),
        digest,
        tag,
        latest_tagged: versions(name, tags).into_iter().next().map(|(version, _)| version),
    })
}

/// The versions that tags name, highest first.
pub(super) fn versions(name: &ProductName, tags: &[GitTag]) -> Vec<(Version, String)> {
    let prefix = format!("{name}/v");
    let mut found: Vec<(Version, String)> = tags
        .iter()
        .filter_map(|tag| Some((tag.name.strip_prefix(&prefix)?.parse().ok()?, tag.commit.clone())))
        .collect();
    found.sort_by(|a, b| b.cmp(a));
    found
}
