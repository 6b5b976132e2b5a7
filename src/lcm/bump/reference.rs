//! References to images as files write them, taken apart without losing a byte: what stands before the tag,
//! the tag, the digest.

use super::types::Reason;
use crate::model::Mirrors;
use crate::model::image::Repository;

/// A reference in its parts; joined again they are the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Parts<'t> {
    /// The repository as it is written.
    pub name: &'t str,
    /// The tag.
    pub tag: Option<&'t str>,
    /// The digest, with its algorithm.
    pub digest: Option<&'t str>,
}

impl<'t> Parts<'t> {
    /// Takes a text apart; what is no reference falls apart all the same, and its name says so.
    pub fn of(text: &'t str) -> Self {
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) => (rest, Some(digest)),
            None => (text, None),
        };
        // A colon before the last slash is a port's.
        match rest.rsplit_once(':').filter(|(_, tag)| !tag.contains('/')) {
            Some((name, tag)) => Self { name, tag: Some(tag), digest },
            None => Self { name: rest, tag: None, digest },
        }
    }
}

/// The image that moves, and where copies of it are kept.
#[derive(Clone, Copy)]
pub(super) struct Wanted<'a> {
    /// Its upstream repository.
    pub repository: &'a Repository,
    /// Registries that keep copies.
    pub mirrors: &'a Mirrors,
}

impl Wanted<'_> {
    /// Whether a name is that of the image; else, where it is near to it, why it is not.
    pub fn is(&self, name: &str) -> Result<bool, Reason> {
        let Ok(named) = name.parse::<Repository>() else { return Ok(false) };
        if named == *self.repository || self.mirrors.origin(&named).as_ref() == Some(self.repository) {
            return Ok(true);
        }
        if named.name == self.repository.name {
            return Err(Reason::AnotherRegistry);
        }
        let begins = named.registry == self.repository.registry
            && named.name.strip_prefix(&self.repository.name).is_some_and(|rest| !rest.is_empty());
        if begins { Err(Reason::AnotherImage) } else { Ok(false) }
    }
}

impl Wanted<'_> {
    /// Whether the last part of its name stands in what is literal of a template's text.
    pub fn is_hinted(&self, written: &str) -> bool {
        let last = self.repository.name.rsplit('/').next().unwrap_or_default();
        written.split("{{").any(|part| part.rsplit("}}").next().is_some_and(|literal| literal.contains(last)))
    }
}

/// Whether a text can be a tag (the distribution project's grammar): a version with build metadata is none.
pub(super) fn is_tag(text: &str) -> bool {
    is_version(text) && !text.contains('+')
}

/// Whether a text can be the version of a chart or of a tool.
pub(super) fn is_version(text: &str) -> bool {
    let inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-' | '+');
    let first = text.chars().next().is_some_and(|c| c.is_ascii_alphanumeric() || c == '_');
    first && text.len() <= 128 && text.chars().all(inner)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_port_is_no_tag_and_a_digest_stands_apart() {
        let parts = |text| {
            let Parts { name, tag, digest } = Parts::of(text);
            (name, tag, digest)
        };
        assert_eq!(parts("r:5000/a/b"), ("r:5000/a/b", None, None));
        assert_eq!(parts("r:5000/a/b:1.2"), ("r:5000/a/b", Some("1.2"), None));
        assert_eq!(parts("a:1@sha256:0"), ("a", Some("1"), Some("sha256:0")));
        assert_eq!(parts("a@sha256:0"), ("a", None, Some("sha256:0")));
    }

    #[test]
    fn names_are_compared_as_runtimes_read_them() {
        let redis = "docker.io/library/redis".parse().unwrap();
        let wanted = Wanted { repository: &redis, mirrors: &Mirrors::default() };
        assert_eq!(wanted.is("redis"), Ok(true));
        assert_eq!(wanted.is("index.docker.io/library/redis"), Ok(true));
        assert_eq!(wanted.is("redis-extra"), Err(Reason::AnotherImage));
        assert_eq!(wanted.is("library/redis"), Ok(true));
        assert_eq!(wanted.is("quay.io/library/redis"), Err(Reason::AnotherRegistry));
        assert_eq!(wanted.is("not an image"), Ok(false));
    }
}
