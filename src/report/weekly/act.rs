//! What to do about a thing: a word, and where there is one the command.

use super::{Need, ahead};
use crate::lcm::declared::Item;
use crate::lcm::row::{NO_PRODUCT, Row, Status};
use crate::lcm::upstream::Silence;
use crate::report::word;

/// What to do about a thing.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Act {
    /// In a word.
    pub deed: Deed,
    /// The command, as people type it; absent where a person has to think first.
    pub command: Option<String>,
}

/// What to do, in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Deed {
    /// Raise the version.
    Bump,
    /// Raise Kubernetes with the next release.
    Upgrade,
    /// Put something else in its place.
    Replace,
    /// Tell whoever owns it.
    Tell,
    /// Copy it to the mirror that it is pulled from.
    Mirror,
    /// Cut a release with what is declared.
    Cut,
    /// Roll the newest release out.
    RollOut,
    /// Give credentials, or better ones.
    FixAuth,
    /// Ask again later.
    Retry,
    /// Correct what is written.
    Correct,
    /// Mend what is vulnerable, or accept it.
    Mend,
}

impl Deed {
    /// Its words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Bump => "bump",
            Self::Upgrade => "upgrade",
            Self::Replace => "replace",
            Self::Tell => "tell its owner",
            Self::Mirror => "mirror it first",
            Self::Cut => "cut a release",
            Self::RollOut => "roll out",
            Self::FixAuth => "fix auth",
            Self::Retry => "ask again",
            Self::Correct => "correct it",
            Self::Mend => "mend or accept",
        }
    }
}

/// What to do about a row.
pub(super) fn of(row: &Row, need: Need) -> Option<Act> {
    let waits = row.is_deferred() && need != Need::Now;
    let newest = row.newest.as_deref().filter(|_| row.behind().is_some() && !waits);
    let act = |deed, command: Option<String>| Some(Act { deed, command });
    if need == Need::Nothing {
        return None;
    }
    if row.product == NO_PRODUCT && matches!(need, Need::Now | Need::Soon) {
        return act(Deed::Tell, None);
    }
    if let (Some(_), Item::Kubernetes(_)) = (newest, &row.item) {
        // One minor after the other: what is released comes first.
        let deed = if ahead::released(row).is_some() { Deed::RollOut } else { Deed::Upgrade };
        return act(deed, None);
    }
    if row.is_leaving() && need != Need::Unknown {
        return act(Deed::Cut, None);
    }
    let newest = newest.filter(|_| !row.is_mirror_silent());
    let lacks = |status: &Status| matches!(status, Status::NotAtMirror | Status::NotMirrored { .. });
    if row.statuses.iter().any(lacks) {
        return act(Deed::Mirror, None);
    }
    if let Some(newest) = newest {
        // Where clusters alone name it, no file can be raised.
        let is_named = !row.declared.is_empty();
        return act(Deed::Bump, is_named.then(|| bump(row, newest, None)));
    }
    match row.status() {
        Status::TagMoved { tag, .. } if row.digests.is_fixed_by_lock(tag) => act(Deed::Cut, None),
        Status::TagMoved { tag, digest } => {
            act(Deed::Bump, digest.as_deref().map(|digest| bump(row, tag, Some(digest))))
        }
        Status::Missing | Status::Deprecated | Status::Ended { .. } | Status::Incompatible { .. }
            if need == Need::Now =>
        {
            act(Deed::Replace, None)
        }
        Status::Unknown { silence, .. } => act(silenced(*silence), None),
        Status::MirrorUnknown { silence, .. } => act(silenced(Some(*silence)), None),
        Status::Skewed if row.released == row.declared => act(Deed::RollOut, None),
        Status::Skewed => act(Deed::Cut, None),
        _ => None,
    }
}

/// What helps against a silence.
fn silenced(silence: Option<Silence>) -> Deed {
    match silence {
        Some(Silence::Forbidden) => Deed::FixAuth,
        Some(Silence::Limited | Silence::Unreachable | Silence::Invalid | Silence::TooMuch) => Deed::Retry,
        Some(Silence::Missing) | None => Deed::Correct,
    }
}

fn bump(row: &Row, to: &str, digest: Option<&str>) -> String {
    let source = match &row.item {
        Item::Image(repository) => format!("--image {}", word(&repository.to_string())),
        Item::Chart { name, .. } => format!("--chart {}", word(name)),
        Item::Tool(project) => format!("--tool {}", word(&project.to_string())),
        Item::Addon { .. } => format!("--addon {}", word(&row.item.to_string())),
        Item::Kubernetes(_) => String::new(),
    };
    // What stands worst may be what runs, and no file names it.
    let judged = row.judged.as_ref().filter(|judged| row.declared.contains(judged));
    let from = match row.declared.as_slice() {
        [lowest, _, ..] => format!(" --from {}", word(judged.unwrap_or(lowest))),
        _ => String::new(),
    };
    let digest = digest.map_or_else(String::new, |digest| format!(" --digest {digest}"));
    format!("tidegate product bump {} {source}{from} --to {}{digest}", word(&row.product), word(to))
}
