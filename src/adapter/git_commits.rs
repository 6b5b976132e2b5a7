//! Writing history: a repository is begun, and what lies in its working tree is committed, at a moment
//! that is given, so that the same history has the same names.

use std::sync::Arc;

use async_trait::async_trait;

use super::git::GitCli;
use crate::port::{Clock, Commits, Fault};

/// Commits to a repository, in the name of somebody.
pub struct GitCommits {
    git: Arc<GitCli>,
    clock: Arc<dyn Clock>,
}

impl GitCommits {
    /// Begins a repository in a folder that is there; everything in it is `person`'s.
    ///
    /// # Errors
    /// When git is not installed, or the folder can't be written.
    pub async fn begin(git: Arc<GitCli>, clock: Arc<dyn Clock>, person: &str) -> Result<Self, Fault> {
        git.must("beginning a repository", &["init", "--quiet", "--initial-branch=main"]).await?;
        for (key, value) in [
            ("user.email", person),
            ("user.name", person),
            ("commit.gpgSign", "false"),
            ("tag.gpgSign", "false"),
        ] {
            git.must("setting up a repository", &["config", key, value]).await?;
        }
        Ok(Self { git, clock })
    }
}

#[async_trait]
impl Commits for GitCommits {
    async fn commit(&self, message: &str) -> Result<(), Fault> {
        self.git.must("adding files", &["add", "--all"]).await?;
        let at = self.clock.now().to_string();
        self.git.commit_at(&at, message).await
    }
}
