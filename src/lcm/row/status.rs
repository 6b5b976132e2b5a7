//! How a version in use stands, in the order in which it weighs: what is told first is what somebody has to do
//! something about.

use crate::lcm::deferred::Hold;
use crate::lcm::upstream::Silence;
use crate::lcm::version::Level;

/// How a version in use stands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// It is not published any more: whoever has to pull it can't.
    Missing,
    /// It is published, and the mirror that it is pulled from has it not: whoever has to pull it can't.
    NotAtMirror,
    /// Its makers have given it up.
    Deprecated,
    /// Nobody mends it any more.
    Ended {
        /// In words.
        words: String,
    },
    /// It, or the newest version, refuses versions of Kubernetes that are in use.
    Incompatible {
        /// The version of the thing.
        version: String,
        /// The versions of Kubernetes.
        kubernetes: Vec<String>,
    },
    /// Its tag names something else than the digest in use.
    TagMoved {
        /// The tag.
        tag: String,
        /// What it names now, if that is known.
        digest: Option<String>,
    },
    /// Nothing can be said, and why.
    Unknown {
        /// What kind of silence, where a source was silent.
        silence: Option<Silence>,
        /// In words.
        why: String,
    },
    /// What is published is known, and not what the mirror has that it is pulled from.
    MirrorUnknown {
        /// What kind of silence.
        silence: Silence,
        /// In words.
        why: String,
    },
    /// It is not published any more, and the mirror that it is pulled from still has it.
    OnlyAtMirror,
    /// Its support ends within so many days.
    Ending {
        /// The days left; 0 on the last one.
        days: i64,
        /// In words.
        words: String,
    },
    /// So far behind.
    Behind(Level),
    /// The newest version is not at the mirror yet that it is pulled from.
    NotMirrored {
        /// The newest version.
        version: String,
    },
    /// Clusters run something else than the files say, and no pin explains it.
    Skewed,
    /// A pin holds its product's version on clusters.
    Pinned {
        /// The pin's end, as written.
        until: String,
        /// The team that answers for it.
        owner: String,
        /// On so many.
        clusters: usize,
    },
    /// Somebody has put it off.
    Deferred {
        /// Whether that still counts.
        hold: Hold,
        /// The end, as written.
        until: String,
        /// The highest version that it is about; any if absent.
        up_to: Option<String>,
        /// The team that answers for it.
        owner: String,
        /// Why.
        reason: String,
    },
    /// It is above everything that is published.
    Ahead,
    /// It is the newest of its kind.
    Same,
}

impl Status {
    /// Its word.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Ahead => "ahead",
            Self::Skewed => "skewed",
            Self::Behind(level) => level.word(),
            Self::Missing | Self::OnlyAtMirror => "missing-upstream",
            Self::NotAtMirror => "missing",
            Self::NotMirrored { .. } => "not-mirrored",
            Self::Pinned { .. } => "pinned",
            Self::Deferred { hold: Hold::Holds, .. } => "deferred",
            Self::Deferred { hold: Hold::Ended, .. } => "deferral-ended",
            Self::Deferred { hold: Hold::Outrun, .. } => "deferral-outrun",
            Self::Deprecated => "deprecated",
            Self::Ended { .. } => "end-of-life",
            Self::Ending { .. } => "support-ends",
            Self::Incompatible { .. } => "incompatible",
            Self::TagMoved { .. } => "tag-moved",
            Self::Unknown { .. } | Self::MirrorUnknown { .. } => "unknown",
        }
    }

    /// That nothing can be said, by no fault of a source.
    pub(super) fn unknown(why: impl ToString) -> Self {
        Self::Unknown { silence: None, why: why.to_string() }
    }
}
