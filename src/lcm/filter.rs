//! Lists of tags, cut down: those that match, in order, the first of them.

use regex::Regex;

use super::pick::counts;
use super::version::{Scheme, by_age};

/// Which tags of a list are wanted.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Only tags in which this is found.
    pub include: Option<Regex>,
    /// None in which this is found.
    pub exclude: Option<Regex>,
    /// Whether they are ordered as versions, the newest first; else by their bytes.
    pub by_version: bool,
    /// No more than so many.
    pub max: Option<usize>,
}

impl Filter {
    /// The wanted tags.
    pub fn of<'t>(&self, tags: &[&'t str]) -> Vec<&'t str> {
        let wanted = |tag: &&&str| {
            counts(tag, &Scheme::Semver)
                && self.include.as_ref().is_none_or(|expression| expression.is_match(tag))
                && !self.exclude.as_ref().is_some_and(|expression| expression.is_match(tag))
        };
        let mut found: Vec<&'t str> = tags.iter().filter(wanted).copied().collect();
        found.sort_unstable();
        if self.by_version {
            let mut versions: Vec<_> = found.iter().map(|tag| (*tag, Scheme::Semver.read(tag))).collect();
            versions.sort_by(|(_, one), (_, other)| match (one, other) {
                (Some(one), Some(other)) => by_age(other, one),
                (one, other) => other.is_some().cmp(&one.is_some()),
            });
            found = versions.into_iter().map(|(tag, _)| tag).collect();
        }
        found.truncate(self.max.unwrap_or(usize::MAX));
        found
    }
}
