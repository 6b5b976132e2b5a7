//! Where a version stands against the newest release of its kind.

use super::pick::{Choice, NoChoice, pick};
use super::policy::{Policy, Prereleases};
use super::version::{Level, Scheme, by_age};

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

/// Where `current` stands against the newest release of its variant and precision among `tags`. Prereleases don't
/// count, whatever `current` is.
pub fn standing(current: &str, tags: &[&str], policy: &Policy) -> Standing {
    let is_stage = |tag: &str| {
        let text = policy.text(tag);
        text.is_some_and(|text| policy.scheme.read(&text).is_some_and(|version| version.stage.is_some()))
    };
    let releases: Vec<&str> = tags.iter().copied().filter(|tag| !is_stage(tag)).collect();
    let policy = Policy { prerelease: Prereleases::Auto, ..policy.clone() };
    of(current, &pick(current, &releases, &policy), &policy)
}

/// Where `current` stands, by what was chosen for it.
pub fn of(current: &str, chosen: &Result<Choice<'_>, NoChoice>, policy: &Policy) -> Standing {
    let latest = match chosen {
        Ok(Choice { newest: Some(_), level, .. }) => return Standing::Behind(level.unwrap_or(Level::Patch)),
        // What was pushed last is not above others by its name.
        Ok(_) if matches!(policy.scheme, Scheme::Pushed) => return Standing::Same,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_releases_are_stood_against() {
        let of = |current, tags: &[&str]| standing(current, tags, &Policy::of(Scheme::Auto)).word();
        assert_eq!(of("1.0.0-rc2", &["1.0.0-rc2", "1.0.0-rc3", "0.9.0"]), "AHEAD");
        assert_eq!(of("1.1.0-rc1", &["1.1.0-rc1", "1.0.0"]), "AHEAD");
        assert_eq!(of("2.0.0-rc1", &["2.0.0-rc5"]), "UNKNOWN");
        assert_eq!(of("1.0.0-rc1", &["1.0.0-rc1", "1.0.0"]), "PATCH");
    }
}
