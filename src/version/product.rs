//! The version of a product: strict Semantic Versioning 2.0.0.

use std::fmt;
use std::str::FromStr;

use super::{ParseError, as_string, check_length};

/// A product's version, `x.y.z` with an optional prerelease and build, shown as written.
///
/// Ordered by SemVer precedence (semver.org, section 11), then by build, so that the order agrees
/// with equality.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(semver::Version);

impl Version {
    /// A release without prerelease and build.
    pub fn new(major: u64, minor: u64, patch: u64) -> Version {
        Version(semver::Version::new(major, minor, patch))
    }

    /// The first number.
    pub fn major(&self) -> u64 {
        self.0.major
    }

    /// The second number.
    pub fn minor(&self) -> u64 {
        self.0.minor
    }

    /// The third number.
    pub fn patch(&self) -> u64 {
        self.0.patch
    }

    /// What stands after `-`, or nothing.
    pub fn prerelease(&self) -> &str {
        self.0.pre.as_str()
    }

    /// Whether anything stands after `-`.
    pub fn is_prerelease(&self) -> bool {
        !self.0.pre.is_empty()
    }

    /// What stands after `+`, or nothing.
    pub fn build(&self) -> &str {
        self.0.build.as_str()
    }

    /// The version that somebody meant who wrote a text that is none: without `v`, with all three
    /// numbers.
    pub fn meant(text: &str) -> Option<Version> {
        let bare = text.trim().trim_start_matches(['v', 'V']);
        let (numbers, rest) = bare.split_at(bare.find(['-', '+']).unwrap_or(bare.len()));
        let missing = 3_usize.checked_sub(numbers.split('.').count())?;
        semver::Version::parse(&format!("{numbers}{}{rest}", ".0".repeat(missing))).ok().map(Version)
    }

    pub(super) fn semver(&self) -> &semver::Version {
        &self.0
    }
}

impl FromStr for Version {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        check_length("version", text)?;
        if text.is_empty() {
            return Err(ParseError::new("a version is empty; write three numbers, as in `1.4.0`"));
        }
        let bare = text.trim_start_matches(['v', 'V']);
        if bare.len() < text.len() && bare.starts_with(|c: char| c.is_ascii_digit()) {
            let meant = Version::meant(text).map_or_else(String::new, |meant| format!("; write `{meant}`"));
            return Err(ParseError::new(format!("`{text}` starts with `v`{meant}")));
        }
        semver::Version::parse(text).map(Version).map_err(|error| ParseError::new(explain(text, &error)))
    }
}

/// Says what is wrong in the words of people who write versions.
fn explain(text: &str, error: &semver::Error) -> String {
    let numbers: Vec<&str> = text.split('.').collect();
    let all_digits = numbers.iter().all(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
    if all_digits && numbers.len() < 3 {
        let meant = Version::meant(text).map_or_else(String::new, |meant| format!("; write `{meant}`"));
        return format!("`{text}` has {} of three numbers{meant}", numbers.len());
    }
    if all_digits && numbers.len() > 3 {
        return format!("`{text}` has {} numbers, a version has three", numbers.len());
    }
    format!("`{text}` is not a version like `1.4.0` or `1.4.0-rc.1`: {error}")
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Padding as for strings, so that tables line up.
        f.pad(&self.0.to_string())
    }
}

as_string!(
    Version,
    "Version",
    "a version like 1.4.0",
    r"^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$",
    ["1.4.0", "2.0.0-rc.1"]
);
