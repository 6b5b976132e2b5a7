//! What is asked of the calendar, and what it answers.

use jiff::Timestamp;

use super::super::{Labels, Lane, WaveName, WindowName};

/// Who wants to change: a cluster as a member of a wave, in a lane.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// The lane of the release.
    pub lane: Lane,
    /// The wave.
    pub wave: &'a WaveName,
    /// The cluster's labels.
    pub labels: &'a Labels,
    /// Whether only denies count, as in a rollback: what is broken need not wait for an allow window.
    pub denies_only: bool,
}

impl<'a> Subject<'a> {
    /// A cluster that is to get a release.
    pub fn new(lane: Lane, wave: &'a WaveName, labels: &'a Labels) -> Self {
        Self { lane, wave, labels, denies_only: false }
    }

    /// The same cluster in a rollback: no allow window has to be open for it.
    #[must_use]
    pub fn denies_only(self) -> Self {
        Self { denies_only: true, ..self }
    }
}

/// Whether the fleet may change.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase", tag = "state")]
pub enum Verdict {
    /// It may.
    Open {
        /// The first moment at which it may no more; none within ten years.
        #[serde(default)]
        closes: Option<Timestamp>,
    },
    /// It must not.
    Closed(Closed),
}

impl Verdict {
    /// Whether it may.
    pub fn is_open(&self) -> bool {
        matches!(self, Self::Open { .. })
    }
}

/// Why the fleet must not change, and for how long.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Closed {
    /// Which entry of the calendar forbids it: of several the one that ends last.
    pub by: ClosedBy,
    /// When that entry ends; of allow windows that are not open, when the next one opens. None
    /// within ten years.
    #[serde(default)]
    pub until: Option<Timestamp>,
    /// The first moment at which nothing forbids it; none within ten years.
    #[serde(default)]
    pub next_opening: Option<Timestamp>,
}

/// What forbids a change.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", tag = "kind")]
pub enum ClosedBy {
    /// A freeze.
    Freeze {
        /// Its name.
        name: WindowName,
        /// Who declared it.
        author: String,
        /// Why.
        reason: String,
    },
    /// A deny window.
    Deny {
        /// Its name.
        name: WindowName,
        /// Why, if it says.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// There are allow windows, and none is open.
    NoneOpen {
        /// Their names, in written order.
        windows: Vec<WindowName>,
    },
}

impl Closed {
    /// The reason as half a sentence, without times: those are shown in the reader's zone.
    pub fn words(&self) -> String {
        match &self.by {
            ClosedBy::Freeze { name, reason, .. } => format!("the freeze `{name}` holds: {reason}"),
            ClosedBy::Deny { name, reason: Some(reason) } => {
                format!("the window `{name}` denies it: {reason}")
            }
            ClosedBy::Deny { name, reason: None } => format!("the window `{name}` denies it"),
            ClosedBy::NoneOpen { windows } => match windows.as_slice() {
                [only] => format!("the window `{only}` is not open"),
                several => {
                    let names: Vec<String> = several.iter().map(|name| format!("`{name}`")).collect();
                    format!("none of the windows {} is open", names.join(", "))
                }
            },
        }
    }

    /// Who answers for it, if somebody does: the author of a freeze.
    pub fn who(&self) -> Option<&str> {
        match &self.by {
            ClosedBy::Freeze { author, .. } => Some(author),
            ClosedBy::Deny { .. } | ClosedBy::NoneOpen { .. } => None,
        }
    }
}
