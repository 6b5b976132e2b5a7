//! The working tree behind the Trees port: what people edit, read without what git ignores, and
//! written whole.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;

use super::git::GitCli;
use super::trees;
use crate::model::Tree;
use crate::port::{Fault, Trees};

/// A repository's working tree.
#[derive(Debug, Clone)]
pub struct WorkingTree {
    git: Arc<GitCli>,
}

impl WorkingTree {
    /// The working tree of a repository.
    pub fn of(git: &Arc<GitCli>) -> Self {
        Self { git: Arc::clone(git) }
    }
}

#[async_trait]
impl Trees for WorkingTree {
    async fn working(&self, folders: &[&str]) -> Result<Tree, Fault> {
        let all = trees::read(self.git.root(), folders).await?;
        let ignored: BTreeSet<String> = self.git.ignored(folders).await?.into_iter().collect();
        if ignored.is_empty() {
            return Ok(all);
        }
        let mut kept = Tree::new();
        for (path, file) in all.iter().filter(|(path, _)| !ignored.contains(*path)) {
            kept.insert(path, file.clone());
        }
        Ok(kept)
    }

    async fn write(&self, path: &str, text: &str) -> Result<(), Fault> {
        trees::write(&self.git.root().join(path), text.as_bytes().to_vec()).await
    }

    async fn write_all(&self, files: &[(&str, &str)]) -> Result<(), Fault> {
        let whole = |(path, text): &(&str, &str)| ((*path).to_owned(), text.as_bytes().to_vec());
        trees::write_all(self.git.root(), files.iter().map(whole).collect()).await
    }

    async fn remove(&self, path: &str) -> Result<(), Fault> {
        let path = self.git.root().join(path);
        tokio::fs::remove_file(&path)
            .await
            .map_err(|error| Fault::transient(format!("removing `{}`: {error}", path.display())))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::adapter::git::tests::Repository;

    #[tokio::test]
    async fn what_git_ignores_is_no_content_and_what_is_not_yet_added_is() {
        let repo = Repository::new();
        repo.write(".gitignore", "*.swp\n");
        repo.write("products/a/product.yaml", "a");
        repo.commit();
        repo.write("products/a/.product.yaml.swp", "draft");
        repo.write("products/b/product.yaml", "b");
        let tree = WorkingTree::of(&Arc::new(repo.adapter()));
        let found = tree.working(&["products", "releases"]).await.unwrap();
        let paths: Vec<&str> = found.iter().map(|(path, _)| path).collect();
        assert_eq!(paths, ["products/a/product.yaml", "products/b/product.yaml"]);
    }

    #[tokio::test]
    async fn a_file_is_written_with_its_folder_and_removed() {
        let repo = Repository::new();
        let git = Arc::new(repo.adapter());
        let tree = WorkingTree::of(&git);
        tree.write("pipelines/pins/PIN-1.yaml", "x").await.unwrap();
        let path = git.root().join("pipelines/pins/PIN-1.yaml");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "x");
        tree.remove("pipelines/pins/PIN-1.yaml").await.unwrap();
        assert!(!path.exists());
        assert!(tree.remove("pipelines/pins/PIN-1.yaml").await.is_err());
    }
}
