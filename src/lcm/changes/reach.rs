//! Which of many published versions lie between the one in use and a newer one.
//!
//! A project may publish several things under tags of their own (`helm-chart-4.12.0`, `controller-v1.12.0`):
//! what stands before the version says which, and only those of one thing are compared. Where tags leave it
//! open which thing is meant, nothing is guessed.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use crate::lcm::version::{Scheme, Version, by_age, by_stage};

/// From the version in use, which is left out, to a newer one, which is not.
#[derive(Debug, Clone, Copy)]
pub struct Reach<'a> {
    /// The version in use, or its tag.
    pub current: &'a str,
    /// The newer one, or its tag.
    pub newest: &'a str,
    /// How versions are read.
    pub scheme: &'a Scheme,
    /// What the thing is called: the chart, the tool, the last part of an image's name. Tags of several
    /// things are told apart by it.
    pub name: Option<&'a str>,
}

/// Why it can't be told what lies between; a sentence for people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreached {
    /// One end is no version.
    #[error("`{0}` is no version in this scheme")]
    Unreadable(String),
    /// Several things have this version.
    #[error("several things have the version {version}: {}", .kinds.join(", "))]
    Ambiguous {
        /// The version.
        version: String,
        /// What stands before it in their tags.
        kinds: Vec<String>,
    },
    /// What is published is another thing.
    #[error("nothing that is published has the version {0}")]
    Unpublished(String),
}

/// A tag, read.
#[derive(Debug, Clone)]
struct Read<'t> {
    /// What stands before the version, without separators, in small letters.
    kind: String,
    version: Version<'t>,
}

/// What lies between both ends, once it is known of which thing.
#[derive(Debug)]
pub(super) struct Span<'a> {
    reach: Reach<'a>,
    kind: String,
    low: Version<'a>,
    high: Version<'a>,
}

/// Words before a version that name no thing.
const GENERIC: [&str; 5] = ["", "v", "release", "version", "rel"];

fn separates(c: char) -> bool {
    matches!(c, '-' | '_' | '/' | '.' | '@' | '+' | ' ' | ':')
}

impl<'a> Reach<'a> {
    /// Reads a tag: which thing it is of, and the version.
    fn read<'t>(&self, tag: &'t str) -> Option<Read<'t>> {
        let tag = tag.trim();
        let named = self.name.and_then(|name| {
            let rest = tag.get(name.len()..)?;
            let same = !name.is_empty() && tag.get(..name.len())?.eq_ignore_ascii_case(name);
            (same && rest.starts_with(separates)).then(|| (name, rest.trim_start_matches(separates)))
        });
        if let Some((name, rest)) = named
            && let Some(version) = self.scheme.read(rest)
        {
            return Some(Read { kind: name.to_lowercase(), version });
        }
        let auto = Scheme::Auto.read(tag);
        let prefix = auto.as_ref().and_then(|version| version.variant.first()).copied().unwrap_or_default();
        let kind = prefix.trim_end_matches(separates).to_lowercase();
        let kind = if GENERIC.contains(&kind.as_str()) { String::new() } else { kind };
        let version = match self.scheme {
            Scheme::Auto | Scheme::Docker => auto?,
            scheme => scheme.read(tag.get(prefix.len()..).unwrap_or(tag)).or_else(|| scheme.read(tag))?,
        };
        Some(Read { kind, version })
    }

    /// Whether something is called as what is wanted.
    fn is_named(&self, kind: &str) -> bool {
        let Some(name) = self.name.map(str::to_lowercase) else { return false };
        kind == name || kind.strip_suffix(name.as_str()).is_some_and(|before| before.ends_with(separates))
    }

    fn end<'t>(&self, text: &'t str) -> Result<Read<'t>, Unreached> {
        self.read(text).ok_or_else(|| Unreached::Unreadable(super::plain::line(text)))
    }

    /// Finds out which of these tags are of the thing that is meant: that which the ends name, or else that
    /// which has the newer version, or else the one in use.
    ///
    /// # Errors
    /// When an end can't be read, or the tags do not say which thing is meant.
    pub(super) fn among<'t>(&self, tags: impl IntoIterator<Item = &'t str>) -> Result<Span<'a>, Unreached> {
        let (low, high) = (self.end(self.current)?, self.end(self.newest)?);
        let span = |kind: &str| Span {
            reach: *self,
            kind: kind.to_owned(),
            low: low.version.clone(),
            high: high.version.clone(),
        };
        if let Some(kind) = [&high.kind, &low.kind].into_iter().find(|kind| !kind.is_empty()) {
            return Ok(span(kind));
        }
        let all: Vec<Read<'_>> = tags.into_iter().filter_map(|tag| self.read(tag)).collect();
        let named: BTreeSet<&str> =
            all.iter().map(|read| read.kind.as_str()).filter(|kind| self.is_named(kind)).collect();
        let exact = named.iter().find(|kind| self.name.is_some_and(|name| kind.eq_ignore_ascii_case(name)));
        if let Some(kind) = exact.or(named.first().filter(|_| named.len() == 1)) {
            return Ok(span(kind));
        }
        let having = |end: &Read<'_>| -> BTreeSet<&str> {
            let same = all.iter().filter(|read| by_stage(&read.version, &end.version).is_eq());
            same.map(|read| read.kind.as_str()).collect()
        };
        let mut kinds = having(&high);
        if kinds.is_empty() {
            kinds = having(&low);
        }
        let first = kinds.iter().next().copied();
        match (first, kinds.len()) {
            (None, _) => Err(Unreached::Unpublished(super::plain::line(self.newest))),
            // The thing without a name is what the project is called by.
            (Some(kind), 1) | (Some(kind @ ""), _) => Ok(span(kind)),
            _ => Err(Unreached::Ambiguous {
                version: super::plain::line(self.newest),
                kinds: kinds.into_iter().take(5).map(super::plain::line).collect(),
            }),
        }
    }

    /// The newest tag of the thing that is above the version in use and not above the newer one.
    pub fn newest_of<'t>(&self, tags: &[&'t str]) -> Option<&'t str> {
        let span = self.among(tags.iter().copied()).ok()?;
        let held = tags.iter().copied().filter(|tag| span.holds(tag));
        held.min_by(|one, other| span.newest_first(one, other))
    }

    /// As [`Self::among`], where all that is read is of one thing.
    ///
    /// # Errors
    /// When an end can't be read.
    pub(super) fn alone(&self) -> Result<Span<'a>, Unreached> {
        let (low, high) = (self.end(self.current)?.version, self.end(self.newest)?.version);
        Ok(Span { reach: *self, kind: String::new(), low, high })
    }
}

impl Span<'_> {
    /// Whether a tag is of the same thing, and above the version in use, and not above the newer one.
    pub fn holds(&self, tag: &str) -> bool {
        self.reach.read(tag).is_some_and(|read| read.kind == self.kind && self.spans(&read.version))
    }

    /// Whether a version of the thing, without a name before it, lies between both ends.
    pub fn holds_version(&self, text: &str) -> bool {
        self.reach.read(text).is_some_and(|read| self.spans(&read.version))
    }

    /// Whether a version of the thing is not above the one in use.
    pub fn is_below(&self, text: &str) -> bool {
        self.reach.read(text).is_some_and(|read| order(&read.version, &self.low).is_le())
    }

    fn spans(&self, version: &Version<'_>) -> bool {
        order(version, &self.low).is_gt() && order(version, &self.high).is_le()
    }

    /// Tags as their versions are: the newest first.
    pub fn newest_first(&self, one: &str, other: &str) -> Ordering {
        match (self.reach.read(one), self.reach.read(other)) {
            (Some(one), Some(other)) => by_age(&other.version, &one.version),
            (one, other) => other.is_some().cmp(&one.is_some()),
        }
        .then_with(|| one.cmp(other))
    }
}

/// The older one first: by all that they have if their words are the same, else by their numbers.
fn order(one: &Version<'_>, other: &Version<'_>) -> Ordering {
    let words = |version: &Version<'_>| version.variant.iter().skip(1).map(|w| (*w).to_owned()).collect();
    let (own, theirs): (Vec<String>, Vec<String>) = (words(one), words(other));
    if own == theirs { by_age(one, other) } else { by_stage(one, other) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn between<'t>(
        ends: (&str, &str),
        name: Option<&str>,
        scheme: &Scheme,
        tags: &[&'t str],
    ) -> Result<Vec<&'t str>, Unreached> {
        let reach = Reach { current: ends.0, newest: ends.1, scheme, name };
        let span = reach.among(tags.iter().copied())?;
        Ok(tags.iter().copied().filter(|tag| span.holds(tag)).collect())
    }

    #[test]
    fn the_version_in_use_is_left_out_and_the_newest_is_not() {
        let tags = ["v1.16.0", "v1.17.0-alpha.0", "v1.17.0", "v1.17.1", "v1.18.0", "v1.18.1", "latest"];
        let found = between(("1.17.0", "v1.18.0"), None, &Scheme::Auto, &tags);
        assert_eq!(found, Ok(vec!["v1.17.1", "v1.18.0"]));
        assert_eq!(between(("1.18.0", "1.17.0"), None, &Scheme::Auto, &tags), Ok(vec![]));
    }

    #[test]
    fn other_things_of_the_project_are_not_compared() {
        let tags = ["controller-v1.11.4", "controller-v1.12.0", "helm-chart-4.11.4", "helm-chart-4.12.0"];
        let ends = |low, high| between((low, high), Some("ingress-nginx"), &Scheme::Auto, &tags);
        assert_eq!(ends("4.11.4", "4.12.0"), Ok(vec!["helm-chart-4.12.0"]));
        assert_eq!(ends("v1.11.4", "v1.12.0"), Ok(vec!["controller-v1.12.0"]));
        assert_eq!(ends("1.11.4", "controller-v1.12.0"), Ok(vec!["controller-v1.12.0"]));
        assert_eq!(ends("2.0.0", "3.0.0"), Err(Unreached::Unpublished("3.0.0".to_owned())));
    }

    #[test]
    fn a_name_says_which_thing_is_meant_also_with_numbers_in_it() {
        let tags = [
            "loki-6.1.0",
            "loki-6.2.0",
            "tempo-6.2.0",
            "k8s-2-agent-6.2.0",
            "k8s-2-agent-6.1.0",
            "x/loki/v6.2.0",
        ];
        let ends = |name| between(("6.1.0", "6.2.0"), name, &Scheme::Semver, &tags);
        assert_eq!(ends(Some("loki")), Ok(vec!["loki-6.2.0"]));
        assert_eq!(ends(Some("k8s-2-agent")), Ok(vec!["k8s-2-agent-6.2.0"]));
        let Err(Unreached::Ambiguous { version, kinds }) = ends(None) else { panic!() };
        assert_eq!((version.as_str(), kinds.join(" ")), ("6.2.0", "loki tempo x/loki".to_owned()));
    }

    #[test]
    fn folders_before_versions_and_variants_behind_them() {
        let tags = ["cmd/v1.1.0", "cmd/v1.2.0", "v0.9.0", "v1.0.0"];
        assert_eq!(between(("cmd/v1.1.0", "cmd/v1.2.0"), None, &Scheme::Auto, &tags), Ok(vec!["cmd/v1.2.0"]));
        let tags = ["v1.25.3", "v1.26.0"];
        assert_eq!(
            between(("1.25.3-alpine", "1.26.0-alpine"), None, &Scheme::Auto, &tags),
            Ok(vec!["v1.26.0"])
        );
    }

    #[test]
    fn what_is_no_version_is_said() {
        let answer = between(("latest", "1.0"), None, &Scheme::Auto, &["1.0"]);
        assert_eq!(answer, Err(Unreached::Unreadable("latest".to_owned())));
    }
}
