//! `lcm import`: what a config of k8s-platform-lcm becomes, written into a repository. What that is, is decided
//! by `lcm::import`; here it meets what is there, and all of it is written or nothing. Nothing that is there is
//! written over.

use std::collections::BTreeMap;

use serde::Serialize;

use super::bump::newly_wrong;
use super::tag::folder;
use super::{RepoError, Repository};
use crate::catalog::{self, FOLDERS};
use crate::diag::{Finding, Findings, codes};
use crate::lcm::import::{self, Imported, Target};
use crate::model::{ProductName, Tree};

/// Where sources are said.
const SOURCES: &str = "pipelines/sources.yaml";

/// What is asked.
#[derive(Debug, Clone)]
pub struct ImportRequest {
    /// The config's path, as it was typed.
    pub path: String,
    /// The config.
    pub bytes: Vec<u8>,
    /// The product that gets what has versions.
    pub target: Target,
    /// Whether it is written, and not only shown.
    pub writes: bool,
}

/// An import as it was made, or would be.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LcmImported {
    /// The product.
    pub product: ProductName,
    /// What was found, and what became of each key.
    #[serde(flatten)]
    pub imported: Imported,
    /// The files, with their texts.
    pub files: Vec<ImportedFile>,
    /// A file that is there already, with what is to be merged into it by hand.
    pub merge: Option<ImportedFile>,
    /// Whether the files were written.
    pub written: bool,
}

/// A file of an import.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ImportedFile {
    /// Its path from the repository's root.
    pub path: String,
    /// Its text.
    pub text: String,
}

/// Imports a config.
///
/// # Errors
/// When the config is wrong, the product is there already, or the outcome would not pass `check`; nothing is
/// written then.
pub async fn lcm_import(repo: &Repository, request: &ImportRequest) -> Result<LcmImported, RepoError> {
    let imported = import::import(&request.path, request.bytes.clone(), &request.target)?;
    let product = request.target.product.clone();
    let tree = repo.trees.working(&FOLDERS).await?;
    let (mut files, mut merge) = (BTreeMap::new(), None);
    if let Some(text) = &imported.product {
        let folder = folder(&product);
        if tree.below(&folder).next().is_some() {
            return Err(taken(&product, &folder).into());
        }
        files.insert(format!("{folder}/product.yaml"), text.clone());
    }
    if let Some(text) = &imported.sources {
        match tree.get(SOURCES) {
            None => drop(files.insert(SOURCES.to_owned(), text.clone())),
            Some(_) => merge = Some(ImportedFile { path: SOURCES.to_owned(), text: text.clone() }),
        }
    }
    sound(&tree, &files)?;
    let written = request.writes && !files.is_empty();
    if written {
        let all: Vec<(&str, &str)> =
            files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        repo.trees.write_all(&all).await?;
    }
    let files = files.into_iter().map(|(path, text)| ImportedFile { path, text }).collect();
    Ok(LcmImported { product, imported, files, merge, written })
}

/// That `check` finds nothing in the repository with these files that it did not find before.
fn sound(tree: &Tree, files: &BTreeMap<String, String>) -> Result<(), RepoError> {
    let (catalog, findings) = catalog::load(tree);
    let wrong: Findings = newly_wrong(tree, &catalog, findings, files).into_iter().collect();
    Ok(wrong.into_result(())?)
}

fn taken(product: &ProductName, folder: &str) -> Finding {
    Finding::error(
        &codes::IMPORT_TAKEN,
        format!("there is something in `{folder}` already; nothing was written"),
    )
    .hint("name another product: `tidegate lcm import FILE --product NAME`")
    .next(format!("tidegate product show {product}"))
}
