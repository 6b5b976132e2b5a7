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
    let latest = match pick(current, tags, &releases) {
        Ok(Choice { level: Some(level), .. }) => return Standing::Behind(level),
        Ok(choice) => choice.latest.map(str::to_owned),
        Err(NoChoice::Missing { latest }) => latest,
        Err(_) => return Standing::Unknown,
    };
    let read = |tag: &str| {
        let text = policy.text(tag)?.into_owned();
        policy.scheme.read(&text).is_some().then_some(text)
    };
    let Some(now) = read(current) else { return Standing::Unknown };
    let Some(highest) = latest.and_then(|tag| read(&tag)) else { return Standing::Unknown };
    match (policy.scheme.read(&now), policy.scheme.read(&highest)) {
        (Some(now), Some(highest)) if by_age(&now, &highest).is_gt() => Standing::Ahead,
        (Some(_), Some(_)) => Standing::Same,
        _ => Standing::Unknown,
    }
}
