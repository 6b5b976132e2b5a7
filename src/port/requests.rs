//! Requests to take a branch in: pull requests at GitHub, merge requests at GitLab, of one project of one's own.
//! What they say, and when one is opened, is for others.

use async_trait::async_trait;

use super::upstream::Unanswered;

/// A request that is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenRequest {
    /// Its number in the project.
    pub number: u64,
    /// Its page.
    pub url: String,
    /// Its title.
    pub title: String,
    /// What it says, in Markdown; with line feeds alone.
    pub body: String,
    /// The branch that is to be taken in.
    pub branch: String,
    /// The branch that is to take it in.
    pub into: String,
}

/// A request that is not open yet.
#[derive(Debug, Clone, Copy)]
pub struct Draft<'a> {
    /// The branch that is to be taken in.
    pub branch: &'a str,
    /// The branch that is to take it in.
    pub into: &'a str,
    /// Its title.
    pub title: &'a str,
    /// What it says, in Markdown.
    pub body: &'a str,
}

/// Why nothing was opened or changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// The forge did not answer, or not to this.
    #[error(transparent)]
    Unanswered(#[from] Unanswered),
    /// The forge understood, and said no: there is one already, there is nothing to take in, a rule forbids
    /// it. In its words.
    #[error("{0}")]
    Refused(String),
}

/// The requests of a project.
#[async_trait]
pub trait Requests: Send + Sync {
    /// The request that is open for a branch, if there is one; of several the newest.
    async fn of_branch(&self, branch: &str) -> Result<Option<OpenRequest>, Unanswered>;
    /// Opens one. A forge has at most one for the same two branches, and refuses another.
    async fn open(&self, draft: Draft<'_>) -> Result<OpenRequest, RequestError>;
    /// Gives one another title and text.
    async fn rewrite(&self, number: u64, title: &str, body: &str) -> Result<OpenRequest, RequestError>;
}
