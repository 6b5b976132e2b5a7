//! Branches of a remote, and commits that are made for them: all of it beside what the person has checked out.
//! Neither the working tree nor the index nor a branch of the person's is read or written here.

use std::collections::BTreeMap;

use async_trait::async_trait;

use super::Fault;
use crate::model::Tree;

/// What a remote has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heads {
    /// Its default branch.
    pub default: String,
    /// The commit of that.
    pub commit: String,
    /// The branches that were asked for, with their commits.
    pub branches: BTreeMap<String, String>,
}

/// A commit of a branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// Its name.
    pub id: String,
    /// The commits that it follows.
    pub parents: Vec<String>,
    /// Who wrote it.
    pub author: String,
    /// When.
    pub at: jiff::Timestamp,
    /// What it says.
    pub message: String,
}

/// A file that two trees differ in.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Changed {
    /// Its path.
    pub path: String,
    /// Its mode in the second one; `000000` if it is not there.
    pub mode: String,
    /// Its blob there.
    pub blob: String,
}

/// Why a branch was not pushed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum PushError {
    /// It is not where it was expected: somebody was faster.
    #[error("{0}")]
    Moved(String),
    /// Who pushes may not, or is not known.
    #[error("{0}")]
    Forbidden(String),
    /// A rule or a hook of the remote says no.
    #[error("{0}")]
    Refused(String),
    /// Git failed, or the remote is not reached.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// Branches of remotes.
#[async_trait]
pub trait Branches: Send + Sync {
    /// The addresses of a remote: as git would ask it, then as it is configured.
    async fn addresses(&self, remote: &str) -> Result<Vec<String>, Fault>;
    /// The default branch of a remote, and the branches whose names begin so.
    async fn heads(&self, remote: &str, prefix: &str) -> Result<Heads, Fault>;
    /// Brings the commits of some branches here; no reference of any kind is changed by it.
    async fn fetch(&self, remote: &str, branches: &[&str]) -> Result<(), Fault>;
    /// The commits that lead to `tip` and not to `base`, the newest first, at most `most` of them.
    async fn since(&self, base: &str, tip: &str, most: usize) -> Result<Vec<Commit>, Fault>;
    /// Whether commits are missing here that lead to those that are there: what is said of them by
    /// [`Branches::since`] may then be too much.
    async fn is_shallow(&self) -> Result<bool, Fault>;
    /// What two commits or trees differ in.
    async fn changed(&self, from: &str, to: &str) -> Result<Vec<Changed>, Fault>;
    /// A tree as that of a commit, with these files in it instead of theirs.
    async fn write(&self, base: &str, files: &Tree) -> Result<String, Fault>;
    /// A commit of a tree that follows another commit, in the name of whoever git is configured for. No branch
    /// names it.
    async fn commit(&self, tree: &str, parent: &str, message: &str) -> Result<String, Fault>;
    /// Makes a branch of the remote name a commit, if it names `was` now, or is not there. No hook of this
    /// machine runs: what they would look at is not what is pushed.
    async fn push(
        &self,
        remote: &str,
        branch: &str,
        commit: &str,
        was: Option<&str>,
    ) -> Result<(), PushError>;
}
