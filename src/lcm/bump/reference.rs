//! Whether what a file names is the image that moves, and what can stand as its version.

use super::types::Reason;
use crate::model::Mirrors;
use crate::model::image::Repository;

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
        let last = self.repository.short();
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
