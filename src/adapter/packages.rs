//! The content of locked product versions, from git objects: at the locked commit, else at the
//! version's tag. It decides that nothing is returned whose digest was not checked, and what a
//! person does when the content is gone. Git is the package store; there is no other yet.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;

use crate::catalog::product::Content;
use crate::digest::Digest;
use crate::model::{ProductName, Tree};
use crate::port::{Fault, Git, Packages};
use crate::version::Version;

/// How many versions are kept in memory. A fleet has tens of products, and a rollout two versions
/// of each.
const KEPT: usize = 256;

/// Product versions in a git repository.
pub struct GitPackages {
    git: Arc<dyn Git>,
    kept: Mutex<BTreeMap<Digest, Arc<Tree>>>,
}

impl GitPackages {
    /// Reads from this repository.
    pub fn new(git: Arc<dyn Git>) -> Self {
        Self { git, kept: Mutex::default() }
    }

    fn kept(&self, digest: &Digest) -> Option<Arc<Tree>> {
        let kept = self.kept.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        kept.get(digest).cloned()
    }

    fn keep(&self, digest: &Digest, tree: &Arc<Tree>) {
        let mut kept = self.kept.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if kept.len() >= KEPT {
            kept.clear();
        }
        kept.insert(*digest, Arc::clone(tree));
    }

    /// The folder at a commit, if it is there, with its digest or why it has none.
    async fn at(
        &self,
        commit: &str,
        product: &ProductName,
    ) -> Result<Option<(Tree, Result<Digest, String>)>, Fault> {
        let folder = format!("products/{product}");
        let Some(tree) = self.git.tree(commit, &folder).await? else { return Ok(None) };
        let digest = Content::of(&tree).map(|content| content.digest).map_err(|findings| {
            findings.into_iter().next().map(|finding| finding.message).unwrap_or_default()
        });
        Ok(Some((tree, digest)))
    }
}

#[async_trait]
impl Packages for GitPackages {
    async fn fetch(
        &self,
        product: &ProductName,
        version: &Version,
        commit: &str,
        digest: &Digest,
    ) -> Result<Arc<Tree>, Fault> {
        if let Some(tree) = self.kept(digest) {
            return Ok(tree);
        }
        let tag = format!("{product}/v{version}");
        let mut seen = Vec::new();
        let mut places = vec![(commit.to_owned(), format!("commit {}", commit.get(..12).unwrap_or(commit)))];
        if let Some(found) = self.git.tag(&tag).await? {
            places.push((found.commit, format!("tag {tag}")));
        } else {
            seen.push(format!("there is no tag {tag}"));
        }
        for (commit, place) in places {
            match self.at(&commit, product).await? {
                None => seen.push(format!("{place} has no products/{product}")),
                Some((tree, Ok(found))) if found == *digest => {
                    let tree = Arc::new(tree);
                    self.keep(digest, &tree);
                    return Ok(tree);
                }
                Some((_, Ok(found))) => seen.push(format!("{place} holds {}", found.short())),
                Some((_, Err(why))) => seen.push(format!("{place} can't be read ({why})")),
            }
        }
        Err(Fault::permanent(format!(
            "the content of {product} {version} ({}) is not in the repository: {}; fetch the commit or the tag (`git fetch --tags`), or restore that content and run `tidegate product tag {product}`",
            digest.short(),
            seen.join(", ")
        )))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::adapter::git::tests::Repository;

    const PRODUCT: &str = "apiVersion: tidegate.dev/v1\nkind: Product\nmetadata: {name: web}\nspec: {version: 1.0.0, owner: team}\n";

    async fn digest(repo: &Repository, commit: &str) -> Digest {
        let tree = repo.adapter().tree(commit, "products/web").await.unwrap().unwrap();
        Content::of(&tree).unwrap().digest
    }

    fn packages(repo: &Repository) -> GitPackages {
        GitPackages::new(Arc::new(repo.adapter()))
    }

    async fn fetch(packages: &GitPackages, commit: &str, digest: &Digest) -> Result<Arc<Tree>, Fault> {
        packages.fetch(&"web".parse().unwrap(), &"1.0.0".parse().unwrap(), commit, digest).await
    }

    #[tokio::test]
    async fn content_is_found_at_its_commit_and_when_that_is_gone_at_its_tag() {
        let repo = Repository::new();
        repo.write("products/web/product.yaml", PRODUCT);
        let commit = repo.commit();
        repo.git(&["tag", "-a", "-m", "x", "web/v1.0.0"]);
        repo.write("products/web/product.yaml", &format!("{PRODUCT}# later\n"));
        repo.commit();
        let digest = digest(&repo, &commit).await;
        let found = fetch(&packages(&repo), &commit, &digest).await.unwrap();
        assert_eq!(&*found.get("product.yaml").unwrap().bytes, PRODUCT.as_bytes());
        assert!(fetch(&packages(&repo), &"0".repeat(40), &digest).await.is_ok());
    }

    #[tokio::test]
    async fn content_with_another_digest_is_never_returned() {
        let repo = Repository::new();
        repo.write("products/web/product.yaml", PRODUCT);
        let first = repo.commit();
        let locked = digest(&repo, &first).await;
        repo.write("products/web/product.yaml", &format!("{PRODUCT}# moved\n"));
        let second = repo.commit();
        repo.git(&["tag", "web/v1.0.0"]);
        let fault = fetch(&packages(&repo), &second, &locked).await.unwrap_err();
        assert!(fault.message.contains("tidegate product tag web"), "{fault}");
        assert!(fault.message.contains(&digest(&repo, &second).await.short()), "{fault}");
        // The content of the first commit still answers to its own digest.
        assert!(fetch(&packages(&repo), &first, &locked).await.is_ok());
    }

    #[tokio::test]
    async fn what_was_read_once_needs_no_repository_again() {
        let repo = Repository::new();
        repo.write("products/web/product.yaml", PRODUCT);
        let commit = repo.commit();
        let digest = digest(&repo, &commit).await;
        let packages = packages(&repo);
        fetch(&packages, &commit, &digest).await.unwrap();
        std::fs::remove_dir_all(repo.folder.path().join(".git")).unwrap();
        assert!(fetch(&packages, &commit, &digest).await.is_ok());
    }
}
