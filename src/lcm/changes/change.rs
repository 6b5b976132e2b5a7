//! A change, and a piece of evidence that an update breaks something.

use std::fmt;

use crate::lcm::artifacthub::{ChangeKind, Link};

/// One thing that is different in a newer version.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Change {
    /// The version that has it first, as its source writes it; the newest where several tell the same.
    pub version: String,
    /// What kind of change it is.
    pub kind: Kind,
    /// In words: one line, without markup, of bounded length.
    pub text: String,
    /// Where to read more.
    pub links: Vec<Link>,
}

/// Kinds of changes, the most important first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// What worked before does not any more.
    Breaking,
    /// Something was dangerous.
    Security,
    /// Something is gone.
    Removed,
    /// Something will be removed.
    Deprecated,
    /// Something is different.
    Changed,
    /// Something new.
    Added,
    /// Something works again.
    Fixed,
    /// Nobody said what kind of change it is.
    Other,
}

impl Kind {
    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Breaking => "breaking",
            Self::Security => "security",
            Self::Removed => "removed",
            Self::Deprecated => "deprecated",
            Self::Changed => "changed",
            Self::Added => "added",
            Self::Fixed => "fixed",
            Self::Other => "other",
        }
    }

    /// Whether somebody who updates should know of it in any case.
    pub fn is_grave(self) -> bool {
        self <= Self::Deprecated
    }
}

impl From<ChangeKind> for Kind {
    fn from(kind: ChangeKind) -> Self {
        match kind {
            ChangeKind::Added => Self::Added,
            ChangeKind::Changed => Self::Changed,
            ChangeKind::Deprecated => Self::Deprecated,
            ChangeKind::Removed => Self::Removed,
            ChangeKind::Fixed => Self::Fixed,
            ChangeKind::Security => Self::Security,
        }
    }
}

/// Why an update is dangerous.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Evidence {
    /// How much it says.
    pub weight: Weight,
    /// What it is that says so.
    pub sign: Sign,
    /// The version that brings it, as its source writes it; absent where both ends were compared.
    pub version: Option<String>,
    /// In words: one line, without markup, of bounded length.
    pub text: String,
    /// Where to read more.
    pub links: Vec<Link>,
}

/// How much a piece of evidence says, the least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Weight {
    /// It is worth a look.
    Hint,
    /// The version's number says so, or something is gone that may have been used.
    Likely,
    /// The files show that something worked before and does not now, or its makers say so outright.
    Certain,
}

impl Weight {
    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Hint => "hint",
            Self::Likely => "likely",
            Self::Certain => "certain",
        }
    }
}

impl fmt::Display for Weight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// What a piece of evidence is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sign {
    /// Its makers say that it breaks something.
    Breaking,
    /// The values that somebody sets do not mean what they meant: keys of `values.yaml` and its schema.
    Values,
    /// Definitions of resources take less than they took.
    Crd,
    /// The rendering uses other Kubernetes APIs.
    Api,
    /// The version of the chart goes up by a major one, or by a minor one of 0.x.
    ChartLevel,
    /// The version of what the chart installs does.
    AppLevel,
    /// The chart asks for other versions of Kubernetes, is deprecated or a prerelease.
    Chart,
    /// Something is gone.
    Removed,
    /// Somebody has to do something, or read something, to update.
    Upgrade,
    /// Something will be gone.
    Deprecated,
    /// Something about security is different. That is a reason to update, and no sign of a break.
    Security,
}

impl Sign {
    /// What a change of a kind is a sign of.
    pub(super) fn of(kind: Kind) -> Self {
        match kind {
            Kind::Breaking => Self::Breaking,
            Kind::Security => Self::Security,
            Kind::Removed => Self::Removed,
            Kind::Deprecated => Self::Deprecated,
            Kind::Changed | Kind::Added | Kind::Fixed | Kind::Other => Self::Upgrade,
        }
    }

    /// Whether it speaks of what breaks.
    pub fn is_of_a_break(self) -> bool {
        self != Self::Security
    }
}
