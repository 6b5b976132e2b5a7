//! Where a version stands against the newest release of its kind.

use super::pick::{Choice, NoChoice, pick};
use super::policy::{Policy, Prereleases};
use super::version::{Level, by_age};

/// Where a version stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It is the newest one.
    Same,
    /// So far behind.
    Behind(Level),
    /// It is above everything that is published.
    Ahead,
    /// Nothing can be said.
    Unknown,
}

impl Standing {
    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Same => "SAME",
            Self::Behind(Level::Patch) => "PATCH",
            Self::Behind(Level::Minor) => "MINOR",
            Self::Behind(Level::Major) => "MAJOR",
            Self::Ahead => "AHEAD",
            Self::Unknown => "UNKNOWN",
        }
    }
}

/// Where `current` stands against the newest release of its variant and precision among `tags`.
pub fn standing(current: &str, tags: &[&str], policy: &Policy) -> Standing {
    let releases = Policy { prerelease: Prereleases::Auto, ..policy.clone() };
    of(current, &pick(current, tags, &releases), policy)
}

/// Where `current` stands, by what was chosen for it.
pub fn of(current: &str, chosen: &Result<Choice<'_>, NoChoice>, policy: &Policy) -> Standing {
    let latest = match chosen {
        Ok(Choice { newest: Some(_), level, .. }) => return Standing::Behind(level.unwrap_or(Level::Patch)),
        Ok(choice) => choice.latest,
        Err(NoChoice::Missing { latest }) => latest.as_deref(),
        Err(_) => return Standing::Unknown,
    };
    let (Some(now), Some(latest)) = (policy.text(current), latest.and_then(|tag| policy.text(tag))) else {
        return Standing::Unknown;
    };
    match (policy.scheme.read(&now), policy.scheme.read(&latest)) {
        (Some(now), Some(highest)) if by_age(&now, &highest).is_gt() => Standing::Ahead,
        (Some(_), Some(_)) => Standing::Same,
        _ => Standing::Unknown,
    }
}
