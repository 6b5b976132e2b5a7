//! Reading the catalog: of the working tree, or of a commit.

use crate::catalog::{self, Catalog, FOLDERS};
use crate::diag::{Findings, codes};
use crate::lcm::policies::Policies;
use crate::lcm::projects::Projects;
use crate::model::Tree;

use super::{RepoError, Repository};

/// The platform's files, read once for all who need them.
#[derive(Debug)]
pub struct Platform {
    /// The files.
    pub tree: Tree,
    /// What they say.
    pub catalog: Catalog,
    /// The mistakes inside of them.
    pub findings: Findings,
}

impl Platform {
    /// As people edit it.
    ///
    /// # Errors
    /// When the working tree can't be read.
    pub async fn working(repo: &Repository) -> Result<Self, RepoError> {
        Ok(Self::of(repo.trees.working(&FOLDERS).await?))
    }

    /// As a commit has it.
    ///
    /// # Errors
    /// When the commit can't be read, or holds what no digest can fix.
    pub async fn at(repo: &Repository, commit: &str) -> Result<Self, RepoError> {
        let mut all = Tree::new();
        for folder in FOLDERS {
            let Some(tree) = repo.git.tree(commit, folder).await? else { continue };
            for (path, file) in tree.iter() {
                all.insert(format!("{folder}/{path}"), file.clone());
            }
        }
        Ok(Self::of(all))
    }

    fn of(tree: Tree) -> Self {
        let (catalog, findings) = catalog::load(&tree);
        Self { tree, catalog, findings }
    }
}

/// The catalog of the working tree with the mistakes inside its files.
///
/// # Errors
/// When the working tree can't be read.
pub async fn load(repo: &Repository) -> Result<(Catalog, Findings), RepoError> {
    let Platform { catalog, findings, .. } = Platform::working(repo).await?;
    Ok((catalog, findings))
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
