//! Reading the catalog of the working tree.

use crate::catalog::{self, Catalog, FOLDERS};
use crate::diag::{Findings, codes};
use crate::lcm::policies::Policies;
use crate::lcm::projects::Projects;

use super::{RepoError, Repository};

/// The catalog of the working tree with the mistakes inside its files.
///
/// # Errors
/// When the working tree can't be read.
pub async fn load(repo: &Repository) -> Result<(Catalog, Findings), RepoError> {
    let tree = repo.trees.working(&FOLDERS).await?;
    Ok(catalog::load(&tree))
}

/// Everything that is wrong with the working tree, mistakes inside files and between them, and the
/// pins that end soon or have ended.
///
/// # Errors
/// When the working tree can't be read.
pub async fn check(repo: &Repository, now: jiff::Timestamp) -> Result<(Catalog, Findings), RepoError> {
    let (catalog, mut findings) = load(repo).await?;
    findings.extend(catalog::check(&catalog));
    findings.extend(Policies::of(&catalog).1);
    findings.extend(Projects::of(&catalog).1);
    findings.extend(catalog::pins::due(&catalog, now));
    Ok((catalog, findings.sorted()))
}

/// The catalog of the working tree if its files can be read without mistakes and hold no literal
/// secret, for commands that write.
pub(super) async fn sound(repo: &Repository) -> Result<Catalog, RepoError> {
    let (catalog, mut findings) = load(repo).await?;
    findings.extend(
        catalog::check(&catalog).into_iter().filter(|finding| finding.code == &codes::LITERAL_SECRET),
    );
    Ok(findings.into_result(catalog)?)
}
