//! What sources upstream answer: tags, releases, or why nothing came.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use super::charts::Entry;
use super::support::kubernetes::AddonVersion;
use crate::diag::{Finding, codes};

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
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
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

impl Silence {
    /// A few words for it.
    pub fn words(self) -> &'static str {
        match self {
            Self::Missing => "not found",
            Self::Forbidden => "not let in",
            Self::Limited => "asked too often",
            Self::Unreachable => "not reached",
            Self::Invalid => "answered with something else",
            Self::TooMuch => "answered with too much",
        }
    }
}

impl Unanswered {
    /// A silence in words.
    pub fn new(why: Silence, message: impl Into<String>) -> Self {
        Self { why, message: message.into() }
    }

    /// What is told of it.
    pub fn finding(self) -> Finding {
        let code = match self.why {
            Silence::Missing => &codes::SOURCE_MISSING,
            Silence::Forbidden => &codes::SOURCE_FORBIDDEN,
            Silence::Limited | Silence::Unreachable => &codes::SOURCE_UNREACHABLE,
            Silence::Invalid | Silence::TooMuch => &codes::SOURCE_UNUSABLE,
        };
        Finding::error(code, self.message)
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

impl Known {
    /// Whether it is known to name something else than a digest, and than the digest of one of its platforms.
    pub fn is_other_than(&self, digest: &str) -> bool {
        let other = self.digest.as_ref().is_some_and(|named| named != digest);
        other && !self.children.iter().any(|child| child == digest)
    }
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

    /// Forgets names that were added when they took more than this many bytes.
    pub fn shorten(&mut self, size: usize) {
        let end = self.text.floor_char_boundary(size);
        self.text.truncate(end);
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

/// What a source answered about one thing.
#[derive(Debug, Clone, Default)]
pub struct Answer {
    /// What is published: the tags of an image or a project, the versions of a channel.
    pub tags: Arc<Tags>,
    /// Of a chart: what its repository says of each version. Their versions are not among `tags`.
    pub entries: Vec<Entry>,
    /// Of a cloud's add-on: with which Kubernetes each version goes.
    pub addon: Vec<AddonVersion>,
    /// Of an image at a mirror: the tags that the mirror itself has, where they are all and it told them.
    pub mirrored: Option<Arc<Tags>>,
    /// Of an image at a mirror: why the mirror told nothing, where it should have.
    pub silent_mirror: Option<Unanswered>,
    /// What of the answer could not be read, a sentence each.
    pub notes: Vec<String>,
}

impl Answer {
    /// Tags alone.
    pub fn of(tags: Arc<Tags>) -> Self {
        Self { tags, ..Self::default() }
    }
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

/// Why a text names no project; a sentence for people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no project: expected github:OWNER/NAME or gitlab:GROUP/NAME")]
pub struct ProjectError(String);

impl FromStr for Project {
    type Err = ProjectError;

    fn from_str(text: &str) -> Result<Self, ProjectError> {
        let wrong = || ProjectError(text.to_owned());
        let (forge, path) = text.split_once(':').ok_or_else(wrong)?;
        let fits = |part: &str| {
            let inner = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
            !part.is_empty() && part.bytes().all(inner) && !part.bytes().all(|b| b == b'.')
        };
        let parts = path.split('/').count();
        if !path.split('/').all(fits) {
            return Err(wrong());
        }
        match forge {
            "github" if parts == 2 => Ok(Self::GitHub(path.to_owned())),
            "gitlab" if parts >= 2 => Ok(Self::GitLab(path.to_owned())),
            _ => Err(wrong()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_project_says_its_forge_and_where_it_lies_there() {
        let read = |text: &str| text.parse::<Project>().map(|project| project.to_string());
        for text in ["github:velero-io/velero", "gitlab:group/below/tool", "gitlab:a/b_c.d"] {
            assert_eq!(read(text).as_deref(), Ok(text));
        }
        for text in
            ["velero/velero", "github:velero", "github:a/b/c", "github:../x", "gitea:a/b", "github:a/"]
        {
            assert!(read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_a_tag_is_left_out() {
        let tags: Tags = ["1.0", "", "2.0\nrm", "3.0"].into_iter().collect();
        assert_eq!(tags.iter().collect::<Vec<_>>(), ["1.0", "3.0"]);
    }
}
