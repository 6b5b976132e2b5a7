//! Git as one process has it: nothing answers the dead, and tags are places at which a life can end.

use std::sync::Arc;

use async_trait::async_trait;

use super::life::Life;
use crate::model::Tree;
use crate::port::{Fault, Git, GitTag};

/// Git in the hands of a process.
pub(super) struct LivingGit {
    pub git: Arc<dyn Git>,
    pub life: Life,
}

#[async_trait]
impl Git for LivingGit {
    async fn head(&self) -> Result<String, Fault> {
        self.life.lasting().await;
        self.git.head().await
    }
    async fn first_commit(&self) -> Result<String, Fault> {
        self.life.lasting().await;
        self.git.first_commit().await
    }
    async fn dirty(&self, under: &[&str]) -> Result<Vec<String>, Fault> {
        self.life.lasting().await;
        self.git.dirty(under).await
    }
    async fn tree(&self, commit: &str, folder: &str) -> Result<Option<Tree>, Fault> {
        self.life.lasting().await;
        self.git.tree(commit, folder).await
    }
    async fn tag(&self, name: &str) -> Result<Option<GitTag>, Fault> {
        self.life.lasting().await;
        self.git.tag(name).await
    }
    async fn tags(&self, prefix: &str) -> Result<Vec<GitTag>, Fault> {
        self.life.lasting().await;
        self.git.tags(prefix).await
    }
    async fn create_tag(&self, name: &str, commit: &str, message: &str) -> Result<(), Fault> {
        self.life.lasting().await;
        let number = self.life.tags().await;
        self.git.create_tag(name, commit, message).await?;
        self.life.tagged(number).await;
        Ok(())
    }
    async fn push_tag(&self, remote: &str, name: &str) -> Result<(), Fault> {
        self.life.lasting().await;
        self.git.push_tag(remote, name).await
    }
    async fn authors(&self, since: Option<&str>, until: &str, under: &[&str]) -> Result<Vec<String>, Fault> {
        self.life.lasting().await;
        self.git.authors(since, until, under).await
    }
    async fn descends(&self, commit: &str, from: &str) -> Result<bool, Fault> {
        self.life.lasting().await;
        self.git.descends(commit, from).await
    }
    async fn identity(&self) -> Result<Option<String>, Fault> {
        self.life.lasting().await;
        self.git.identity().await
    }
}
