//! The schemes that versions are read by: whoever asks names one, and none is ever guessed.

use std::fmt;
use std::str::FromStr;

use super::{Place, Version, auto, schemes};

/// How tags are read.
#[derive(Debug, Clone)]
pub enum Scheme {
    /// Tags as people write them.
    Auto,
    /// As `auto`, but a shorter version stands above a longer one when they are sorted.
    Docker,
    /// Semantic Versioning 2.0.0, with a leading `v` or missing numbers: a suffix is a prerelease.
    Semver,
    /// Versions of Helm charts: as `semver`.
    Helm,
    /// Runs of digits and of anything else.
    Loose,
    /// Red Hat's images: `9.4-1214.1726694543`.
    RedHat,
    /// Add-ons of EKS: `v1.22.7-eksbuild.2`.
    EksAddon,
    /// Kubernetes as providers offer it: `v1.28.2-eks-a5565ad`, `1.31.2-gke.1000`.
    Kubernetes,
    /// Versions of Kubernetes APIs: `v1beta1`, `apps/v1`.
    KubernetesApi,
    /// Moments, written by a layout of strptime.
    Date(String),
    /// Texts, by their bytes.
    Lex,
    /// Whatever was pushed last.
    Pushed,
    /// Groups of a regular expression: `major`, `minor`, `patch`, `prerelease`, `build`, `revision`, and
    /// `compatibility`, which must be equal.
    Regex(regex::Regex),
}

/// Why a text names no scheme; a sentence for people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SchemeError(String);

/// The schemes with a name of one word.
const NAMED: [(&str, Scheme); 11] = [
    ("auto", Scheme::Auto),
    ("docker", Scheme::Docker),
    ("semver", Scheme::Semver),
    ("helm", Scheme::Helm),
    ("loose", Scheme::Loose),
    ("redhat", Scheme::RedHat),
    ("eks-addon", Scheme::EksAddon),
    ("k8s", Scheme::Kubernetes),
    ("k8s-api", Scheme::KubernetesApi),
    ("lex", Scheme::Lex),
    ("pushed", Scheme::Pushed),
];

impl Scheme {
    /// Reads a tag; nothing if it is no version in this scheme.
    pub fn read<'t>(&self, tag: &'t str) -> Option<Version<'t>> {
        match self {
            Self::Auto | Self::Docker => auto::read(tag),
            Self::Semver | Self::Helm => schemes::semver(tag),
            Self::Loose => schemes::loose(tag),
            Self::RedHat => schemes::red_hat(tag),
            Self::EksAddon => schemes::eks_addon(tag),
            Self::Kubernetes => schemes::kubernetes(tag),
            Self::KubernetesApi => schemes::kubernetes_api(tag),
            Self::Date(layout) => schemes::date(layout, tag),
            Self::Lex | Self::Pushed => schemes::lex(tag),
            Self::Regex(expression) => schemes::regex(expression, tag),
        }
    }

    /// Whether tags have a [`Scheme::place`] at all.
    pub(in crate::lcm) fn has_places(&self) -> bool {
        matches!(self, Self::Auto | Self::Docker | Self::Semver | Self::Helm)
    }

    /// Where a tag has its numbers, whether or not it is a version. Of tags with as many numbers, and with the
    /// same around them, all are versions or none is, and these differ in nothing but their numbers and `v`.
    pub(in crate::lcm) fn place<'t>(&self, tag: &'t str) -> Option<Place<'t>> {
        match self {
            Self::Auto | Self::Docker => auto::place(tag),
            Self::Semver | Self::Helm => schemes::semver_place(tag),
            _ => None,
        }
    }

    /// Where that begins: with its `v`, or its first digit.
    #[inline]
    pub(in crate::lcm) fn begin(&self, tag: &str) -> Option<usize> {
        match self {
            Self::Auto | Self::Docker => auto::begin(tag),
            _ => Some(0),
        }
    }

    /// Whether tags are guarded against outliers, hashes and other things that only look like versions.
    pub fn is_guarded(&self) -> bool {
        matches!(self, Self::Auto | Self::Docker)
    }
}

impl FromStr for Scheme {
    type Err = SchemeError;

    /// `date` takes its layout from the policy; `regex:` is followed by the expression.
    fn from_str(text: &str) -> Result<Self, SchemeError> {
        if let Some(expression) = text.strip_prefix("regex:") {
            let wrong = |error| SchemeError(format!("`{expression}` is no regular expression: {error}"));
            return regex::Regex::new(expression).map(Self::Regex).map_err(wrong);
        }
        if text == "date" {
            return Ok(Self::Date("%Y-%m-%d".to_owned()));
        }
        let found = NAMED.into_iter().find(|(name, _)| *name == text);
        found.map(|(_, scheme)| scheme).ok_or_else(|| {
            let names: Vec<&str> = NAMED.iter().map(|(name, _)| *name).collect();
            SchemeError(format!(
                "there is no scheme `{text}`; there are {}, date and regex:RE",
                names.join(", ")
            ))
        })
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Date(_) => f.write_str("date"),
            Self::Regex(expression) => write!(f, "regex:{expression}"),
            named => {
                let same = |(_, scheme): &&(&str, Scheme)| {
                    std::mem::discriminant(scheme) == std::mem::discriminant(named)
                };
                f.write_str(NAMED.iter().find(same).map_or("", |(name, _)| name))
            }
        }
    }
}
