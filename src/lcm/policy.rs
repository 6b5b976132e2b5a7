//! How far somebody wants to go: which of the published versions count.

use regex::Regex;

use super::version::{Level, Scheme};

/// What a choice keeps to.
#[derive(Debug, Clone)]
pub struct Policy {
    /// How tags are read.
    pub scheme: Scheme,
    /// The farthest step.
    pub level: Level,
    /// Numbers that must stay as they are said here: major, minor, patch.
    pub pin: [Option<u64>; 3],
    /// The range that a version must be in, in npm's grammar.
    pub range: Option<String>,
    /// If there are any: only tags of these count.
    pub allow: Vec<Pattern>,
    /// Tags of these never count.
    pub deny: Vec<Pattern>,
    /// Deprecated tags, which do not count unless the current one is deprecated too.
    pub skip_deprecated: Vec<Pattern>,
    /// If there are any: only these majors count.
    pub lts: Vec<u64>,
    /// Which prereleases count.
    pub prerelease: Prereleases,
    /// Whether missing numbers count as zero, instead of tags of another precision being left out.
    pub any_precision: bool,
    /// Whether the words of variants are not compared (of an API: its group).
    pub any_variant: bool,
    /// The most majors at once; 0 is as many as there are. Of `auto` 500 if absent.
    pub max_major_jump: Option<u64>,
    /// In tags the first text is replaced by the second before anything is read.
    pub replace: Option<(String, String)>,
    /// What is read of a tag: the first group.
    pub extract: Option<Regex>,
}

/// Which prereleases count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Prereleases {
    /// From a release only releases; from a prerelease those of the same numbers, and any newer release.
    #[default]
    Auto,
    /// All.
    Any,
    /// Only prereleases with the word of the current one, and no releases.
    SameWord,
}

/// A tag, or all that fit an expression.
#[derive(Debug, Clone)]
pub enum Pattern {
    /// Exactly this tag.
    Tag(String),
    /// Tags in which it is found.
    Expression(Regex),
}

impl Pattern {
    /// Reads `/RE/` or a tag.
    ///
    /// # Errors
    /// When the expression is none.
    pub fn read(text: &str) -> Result<Self, regex::Error> {
        match text.strip_prefix('/').and_then(|rest| rest.strip_suffix('/')) {
            Some(expression) => Regex::new(expression).map(Self::Expression),
            None => Ok(Self::Tag(text.to_owned())),
        }
    }

    /// Whether a tag fits.
    pub fn fits(&self, tag: &str) -> bool {
        match self {
            Self::Tag(one) => one == tag,
            Self::Expression(expression) => expression.is_match(tag),
        }
    }
}

impl Policy {
    /// By a scheme, without further wishes.
    pub fn of(scheme: Scheme) -> Self {
        Self {
            scheme,
            level: Level::Major,
            pin: [None; 3],
            range: None,
            allow: Vec::new(),
            deny: Vec::new(),
            skip_deprecated: Vec::new(),
            lts: Vec::new(),
            prerelease: Prereleases::default(),
            any_precision: false,
            any_variant: false,
            max_major_jump: None,
            replace: None,
            extract: None,
        }
    }

    /// What the scheme reads of a tag; nothing if there is nothing to read.
    pub(super) fn text<'t>(&self, tag: &'t str) -> Option<std::borrow::Cow<'t, str>> {
        let text = match &self.replace {
            Some((from, to)) => std::borrow::Cow::Owned(tag.replace(from, to)),
            None => std::borrow::Cow::Borrowed(tag),
        };
        let Some(extract) = &self.extract else { return Some(text) };
        let found = extract.captures(&text)?;
        let group = found.get(1).or_else(|| found.get(0))?;
        Some(std::borrow::Cow::Owned(group.as_str().to_owned()))
    }
}
