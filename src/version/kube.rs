//! Versions of Kubernetes as servers, nodes and people give them.
//!
//! Servers say `v1.36.3`, managed ones `v1.31.2-gke.1000`, `v1.29.4-eksbuild.1` or `v1.33.1+k3s1`;
//! people say `1.36`. A provider's suffix is part of a release, not a prerelease; only `alpha`,
//! `beta` and `rc` are (kubernetes.io/releases/version-skew-policy, "Supported versions").

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use super::{ParseError, Range, as_string, check_length};

/// A minor release of Kubernetes, `1.36`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KubeMinor {
    /// The first number.
    pub major: u32,
    /// The second number.
    pub minor: u32,
}

impl KubeMinor {
    /// A minor release.
    pub fn new(major: u32, minor: u32) -> KubeMinor {
        KubeMinor { major, minor }
    }

    /// The minor release after this one.
    #[must_use]
    pub fn next(self) -> KubeMinor {
        KubeMinor::new(self.major, self.minor.saturating_add(1))
    }
}

impl fmt::Display for KubeMinor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}.{}", self.major, self.minor))
    }
}

impl FromStr for KubeMinor {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let version: KubeVersion = text.parse()?;
        if version.patch.is_some() || !version.suffix.is_empty() || text.starts_with(['v', 'V']) {
            return Err(ParseError::new(format!(
                "`{text}` is more than a minor release of Kubernetes; write `{}`",
                version.minor()
            )));
        }
        Ok(version.minor())
    }
}

/// A version of Kubernetes: a minor release or a full version, shown as written.
///
/// Ordered by the numbers (a missing patch counts as 0), prereleases before releases, then by
/// text.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct KubeVersion {
    text: String,
    major: u32,
    minor: u32,
    patch: Option<u32>,
    /// What follows the numbers, with its `-` or `+`.
    suffix: String,
}

impl KubeVersion {
    /// The minor release.
    pub fn minor(&self) -> KubeMinor {
        KubeMinor::new(self.major, self.minor)
    }

    /// The third number, where one was given.
    pub fn patch(&self) -> Option<u32> {
        self.patch
    }

    /// What the provider added, with its `-` or `+`; or the prerelease.
    pub fn suffix(&self) -> &str {
        &self.suffix
    }

    /// Whether it is an alpha, a beta or a release candidate.
    pub fn is_prerelease(&self) -> bool {
        ["-alpha", "-beta", "-rc"].iter().any(|pre| self.suffix.starts_with(pre))
    }

    /// The numbers alone of a version as servers and providers write them, whatever follows; nothing if it does
    /// not begin with two or three.
    pub fn of_numbers(text: &str) -> Option<Self> {
        let bare = text.trim_start_matches('v');
        let end = bare.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(bare.len());
        bare[..end].parse().ok()
    }

    fn numbers(&self) -> semver::Version {
        semver::Version::new(self.major.into(), self.minor.into(), self.patch.unwrap_or(0).into())
    }
}

impl FromStr for KubeVersion {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        check_length("version", text)?;
        let wrong = |why: &str| {
            ParseError::new(format!("`{text}` is not a Kubernetes version like `1.36` or `v1.36.3`: {why}"))
        };
        let bare = text.strip_prefix(['v', 'V']).unwrap_or(text);
        let end = bare.find(['-', '+']).unwrap_or(bare.len());
        let (core, suffix) = bare.split_at(end);
        let mut numbers = Vec::new();
        for part in core.split('.') {
            if part.is_empty() || !part.bytes().all(|b| b.is_ascii_digit()) {
                return Err(wrong("it consists of two or three numbers"));
            }
            if part.len() > 1 && part.starts_with('0') {
                return Err(wrong("a number has a leading zero"));
            }
            let number: u32 = part.parse().map_err(|_| wrong("a number is too large"))?;
            numbers.push(number);
        }
        let (major, minor, patch) = match numbers.as_slice() {
            [major, minor] if suffix.is_empty() => (*major, *minor, None),
            [_, _] => return Err(wrong("a suffix needs three numbers before it")),
            [major, minor, patch] => (*major, *minor, Some(*patch)),
            _ => return Err(wrong("it consists of two or three numbers")),
        };
        let mut letters = suffix.bytes().skip(1).peekable();
        if !suffix.is_empty() && letters.peek().is_none() {
            return Err(wrong("the suffix is empty"));
        }
        if !letters.all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'+' | b'_')) {
            return Err(wrong("the suffix has a character that does not belong there"));
        }
        Ok(KubeVersion { text: text.to_owned(), major, minor, patch, suffix: suffix.to_owned() })
    }
}

impl From<KubeMinor> for KubeVersion {
    fn from(minor: KubeMinor) -> Self {
        KubeVersion {
            text: minor.to_string(),
            major: minor.major,
            minor: minor.minor,
            patch: None,
            suffix: String::new(),
        }
    }
}

impl Ord for KubeVersion {
    fn cmp(&self, other: &Self) -> Ordering {
        let numbers = |v: &KubeVersion| (v.major, v.minor, v.patch.unwrap_or(0));
        numbers(self)
            .cmp(&numbers(other))
            .then_with(|| other.is_prerelease().cmp(&self.is_prerelease()))
            .then_with(|| suffix_order(&self.suffix, &other.suffix))
            .then_with(|| self.patch.cmp(&other.patch))
            .then_with(|| self.text.cmp(&other.text))
    }
}

/// Numbers in suffixes by value, so that `-gke.900` stands before `-gke.1000`.
fn suffix_order(a: &str, b: &str) -> Ordering {
    fn parts(text: &str) -> impl Iterator<Item = (Option<u64>, &str)> {
        text.split(['.', '-', '+']).map(|part| (part.parse().ok(), part))
    }
    parts(a).cmp(parts(b))
}

impl PartialOrd for KubeVersion {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for KubeVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

/// A range over Kubernetes versions, written as [`Range`] is.
///
/// Matched on the numbers alone: suffixes and prereleases count nothing, since `1.36.0-rc.1` and
/// `1.36.0-gke.1` serve the APIs of 1.36; a minor release counts as its patch 0.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct KubeRange(Range);

impl KubeRange {
    /// Every version.
    pub fn any() -> KubeRange {
        KubeRange(Range::any())
    }

    /// Whether the version is in the range.
    pub fn matches(&self, version: &KubeVersion) -> bool {
        self.0.matches_semver(&version.numbers())
    }

    /// The range as it was written.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl fmt::Display for KubeRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl FromStr for KubeRange {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        text.parse().map(KubeRange)
    }
}

as_string!(
    KubeMinor,
    "KubernetesMinor",
    "a minor release of Kubernetes like \"1.36\"",
    r"^\d+\.\d+$",
    ["1.36"]
);
as_string!(
    KubeVersion,
    "KubernetesVersion",
    "a Kubernetes version like \"1.36\" or \"1.36.3\"",
    r"^v?\d+\.\d+(\.\d+([-+][0-9A-Za-z.+_-]+)?)?$",
    ["1.36", "v1.36.3"]
);
as_string!(
    KubeRange,
    "KubernetesRange",
    "a range of Kubernetes versions like `>=1.34 <1.37`",
    r"\S",
    [">=1.34 <1.37"]
);
