//! What is published somewhere else: registries of images, repositories of charts, forges. A source that
//! does not answer is told apart from one that has nothing: whoever asks must be able to say which of both it
//! was, and must never take silence for "nothing newer".

use std::collections::BTreeMap;
use std::fmt;

use async_trait::async_trait;

use crate::lcm::charts::Entry;
use crate::model::image::{Image, Repository};

/// Why a source gave no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Unanswered {
    /// What kind of silence it is.
    pub why: Silence,
    /// In words: who was asked for what, what came back, what to do. Without anything secret.
    pub message: String,
}

/// Kinds of silence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Silence {
    /// The source says that there is no such thing (404), or that nobody may know (Docker Hub's 401 after a
    /// token for a repository that is not there).
    Missing,
    /// Credentials are wanted, or those given are not enough (401, 403).
    Forbidden,
    /// The source asked for more patience than this run has (429, Retry-After).
    Limited,
    /// Nothing answered, or only errors of the server (5xx), till there was no time left.
    Unreachable,
    /// What answered is not what was asked for: no JSON, cut off, paging that goes in circles, a redirect to
    /// where none may lead.
    Invalid,
    /// More than this program is willing to read.
    TooMuch,
}

impl Unanswered {
    /// A silence in words.
    pub fn new(why: Silence, message: impl Into<String>) -> Self {
        Self { why, message: message.into() }
    }
}

/// The tags of a repository, in no order that means anything.
///
/// A repository may have millions: they are kept as one text, a tag on a line (no tag has a line break in it).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tags {
    text: String,
    /// What is known of some of them, by name: only registries whose own interface tells it for free.
    pub known: BTreeMap<String, Known>,
}

/// What a registry tells of a tag beside its name.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Known {
    /// What it names now: the digest of a manifest or an index.
    pub digest: Option<String>,
    /// If that is an index: the digests of its platforms.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub children: Vec<String>,
    /// When it was pushed last.
    pub pushed: Option<jiff::Timestamp>,
}

impl Tags {
    /// Adds a tag; one that can't be a tag's name (empty, or with a line break) is left out.
    pub fn push(&mut self, tag: &str) {
        if tag.is_empty() || tag.contains(['\n', '\r']) {
            return;
        }
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        self.text.push_str(tag);
    }

    /// Each tag, as often as it was listed.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.text.lines()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// The bytes that they take.
    pub fn size(&self) -> usize {
        self.text.len()
    }
}

impl<S: AsRef<str>> FromIterator<S> for Tags {
    fn from_iter<I: IntoIterator<Item = S>>(tags: I) -> Self {
        let mut all = Self::default();
        tags.into_iter().for_each(|tag| all.push(tag.as_ref()));
        all
    }
}

/// How much somebody wants to know of tags.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wanted {
    /// Their names.
    Names,
    /// Also what they name and since when, where the registry tells it in its listing. Where it does not,
    /// names are the answer all the same.
    Digests,
}

/// Registries of images (and of charts kept as images): the distribution API, and what registries offer
/// beside it.
#[async_trait]
pub trait Registry: Send + Sync {
    /// All tags of a repository.
    async fn tags(&self, repository: &Repository, wanted: Wanted) -> Result<Tags, Unanswered>;
    /// What a tag names now: the digest of its manifest or index, without pulling it.
    async fn digest(&self, image: &Image) -> Result<String, Unanswered>;
}

/// Repositories of Helm charts over HTTP.
#[async_trait]
pub trait Charts: Send + Sync {
    /// The versions of the wanted charts of a repository; a chart that it does not have has no entry.
    async fn versions(
        &self,
        repository: &str,
        charts: &[&str],
    ) -> Result<BTreeMap<String, Vec<Entry>>, Unanswered>;
}

/// A project on a forge.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Project {
    /// `github:OWNER/NAME`.
    GitHub(String),
    /// `gitlab:GROUP/NAME`, groups may be nested.
    GitLab(String),
}

impl fmt::Display for Project {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::GitHub(path) => write!(f, "github:{path}"),
            Self::GitLab(path) => write!(f, "gitlab:{path}"),
        }
    }
}

/// A release of a project.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Published {
    /// Its tag.
    pub tag: String,
    /// Its title, if it has one.
    pub title: Option<String>,
    /// When it was published.
    pub at: Option<jiff::Timestamp>,
    /// Whether its makers call it a prerelease.
    pub prerelease: bool,
    /// What its makers wrote about it, in Markdown.
    pub notes: String,
    /// Where people read it.
    pub url: Option<String>,
}

/// Forges: GitHub and GitLab.
#[async_trait]
pub trait Forge: Send + Sync {
    /// The releases of a project, the newest first; drafts are none.
    async fn releases(&self, project: &Project) -> Result<Vec<Published>, Unanswered>;
    /// The git tags of a project.
    async fn tags(&self, project: &Project) -> Result<Tags, Unanswered>;
    /// A file of a project at a tag, branch or commit; nothing if it has none there.
    async fn file(&self, project: &Project, at: &str, path: &str) -> Result<Option<String>, Unanswered>;
}
