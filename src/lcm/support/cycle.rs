//! Cycles: versions that are supported together, with the ends of their support, and which of them a version
//! belongs to. Names are compared as they are written, at their dots: nothing is guessed from near ones.

use jiff::civil::Date;

use crate::lcm::version::{is_artifact, is_commit};

/// Versions that are supported together.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Cycle {
    /// Its name: `1.34`, `8`, `2024`, `bookworm`.
    pub name: String,
    /// Its name for people.
    pub label: String,
    /// The name that it has beside its numbers.
    pub codename: Option<String>,
    /// The day of its first release.
    pub released: Option<Date>,
    /// Whether it is supported for long.
    pub lts: Lts,
    /// When its support ends, or why nobody can say.
    pub ends: Result<Ends, String>,
    /// Its newest version.
    pub latest: Option<Latest>,
    /// What people should know of it.
    pub note: Option<String>,
    /// Where this is said.
    pub source: String,
    /// Whether a file of one's own says it.
    pub own: bool,
}

/// Whether a cycle is supported for long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Lts {
    /// No, or nobody says so.
    #[default]
    No,
    /// Yes.
    Yes,
    /// From this day on.
    From(Date),
}

/// The newest version of a cycle.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Latest {
    /// Its name.
    pub name: String,
    /// When it was released.
    pub date: Option<Date>,
    /// Where its makers tell of it.
    pub link: Option<String>,
}

/// When the phases of support end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Ends {
    /// Active support: more than security is mended.
    pub active: End,
    /// Support without extra conditions: the end of life.
    pub life: End,
    /// Support that is paid for, or is somebody else's.
    pub extended: End,
    /// It is not made any more; of hardware.
    pub discontinued: End,
    /// Whether its source calls it maintained at all.
    pub maintained: Option<bool>,
}

/// The end of a phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum End {
    /// There is no such phase, or nobody says anything of it.
    #[default]
    Absent,
    /// This is its last day.
    On(Date),
    /// It goes on, and no day is announced.
    Open,
    /// It is over, nobody says since when.
    Past,
}

impl End {
    /// Whether it is over on a day; nothing if nobody knows.
    pub fn over(self, today: Date) -> Option<bool> {
        match self {
            Self::Absent => None,
            Self::On(day) => Some(today > day),
            Self::Open => Some(false),
            Self::Past => Some(true),
        }
    }

    /// Its last day, if that is known.
    pub fn day(self) -> Option<Date> {
        match self {
            Self::On(day) => Some(day),
            Self::Absent | Self::Open | Self::Past => None,
        }
    }
}

impl Cycle {
    /// A cycle of which nothing is known but its name and where it is from.
    pub fn named(name: impl Into<String>, source: impl Into<String>) -> Self {
        let name = name.into();
        Self {
            label: name.clone(),
            name,
            codename: None,
            released: None,
            lts: Lts::No,
            ends: Ok(Ends::default()),
            latest: None,
            note: None,
            source: source.into(),
            own: false,
        }
    }

    /// Its name as it is compared: without a `v`, without an `x` for whatever follows.
    pub(super) fn key(&self) -> String {
        let bare = without_v(&self.name);
        let ends = [".x", ".X", ".*"];
        let bare = ends.iter().find_map(|end| bare.strip_suffix(end)).unwrap_or(bare);
        bare.to_ascii_lowercase()
    }
}

/// The cycle that a version belongs to: the longest name that its numbers begin with, at a dot (`v1.34.6-eks-1`
/// is of `1.34`, not of `1.3`); without one the only cycle whose codename is among its words
/// (`bookworm-20261016-slim`). `names` are those of the product, which tags put before numbers (`go1.26.1`).
pub fn of_version<'c>(version: &str, cycles: &'c [Cycle], names: &[&str]) -> Option<&'c Cycle> {
    let version = version.trim();
    if is_artifact(version) || is_commit(version) {
        return None;
    }
    let bare = without_v(version);
    let keyed: Vec<(String, &Cycle)> =
        cycles.iter().map(|cycle| (cycle.key(), cycle)).filter(|(key, _)| !key.is_empty()).collect();
    let longest = |text: &str, glued: bool| {
        let fits = keyed.iter().filter(|(key, _)| begins(text, key, glued));
        fits.max_by(|(one, _), (other, _)| (one.len(), one).cmp(&(other.len(), other)))
            .map(|(_, cycle)| *cycle)
    };
    longest(bare, true)
        .or_else(|| longest(without_prefix(version, names)?, false))
        .or_else(|| of_words(version, cycles))
}

/// The only cycle whose codename is among the words of a tag.
pub fn of_words<'c>(tag: &str, cycles: &'c [Cycle]) -> Option<&'c Cycle> {
    let words: Vec<String> = tag
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect();
    let mut fits = cycles.iter().filter(|cycle| {
        let first = cycle.codename.as_deref().and_then(|name| name.split_whitespace().next());
        first.is_some_and(|name| words.contains(&name.to_lowercase()))
    });
    let only = fits.next()?;
    fits.next().is_none().then_some(only)
}

/// Whether a text begins with a name that ends where one may end: before no further digit, and before a letter
/// only behind a number, if letters may be glued to it (`1.0.2u`, `8u402`).
fn begins(text: &str, name: &str, glued: bool) -> bool {
    let Some((head, rest)) = text.split_at_checked(name.len()) else { return false };
    if !head.eq_ignore_ascii_case(name) {
        return false;
    }
    let numbered = name.ends_with(|c: char| c.is_ascii_digit());
    match rest.chars().next() {
        None => true,
        Some(next) if next.is_ascii_digit() => false,
        Some(next) => !next.is_alphanumeric() || (numbered && glued),
    }
}

fn without_v(text: &str) -> &str {
    let bare = text.strip_prefix(['v', 'V']);
    bare.filter(|bare| bare.starts_with(|c: char| c.is_ascii_digit())).unwrap_or(text)
}

/// What stands behind the product's own name, or a word for a release.
fn without_prefix<'v>(version: &'v str, names: &[&str]) -> Option<&'v str> {
    const WORDS: [&str; 4] = ["release", "rel", "version", "ver"];
    names.iter().chain(&WORDS).find_map(|name| {
        let (head, rest) = version.split_at_checked(name.len())?;
        let rest = rest.strip_prefix(['-', '_', '/', '.']).unwrap_or(rest);
        let bare = without_v(rest);
        (head.eq_ignore_ascii_case(name) && bare.starts_with(|c: char| c.is_ascii_digit())).then_some(bare)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cycles(names: &[&str]) -> Vec<Cycle> {
        names.iter().map(|name| Cycle::named(*name, "")).collect()
    }

    fn found(version: &str, names: &[&str]) -> Option<String> {
        of_version(version, &cycles(names), &["go", "openssl"]).map(|cycle| cycle.name.clone())
    }

    #[test]
    fn the_longest_name_at_a_dot_wins() {
        let names =
            ["1.3", "1.34", "1", "8", "8.10", "2024", "24.04", "4.x", "v25.10", "1.0.2", "9.0-alpine"];
        for (version, cycle) in [
            ("v1.34.6-eks-1", "1.34"),
            ("1.34-eks-27", "1.34"),
            ("1.34", "1.34"),
            ("1.3.9", "1.3"),
            ("1.345.0", "1"),
            ("1.36.3-gke.1640000", "1"),
            ("8.0.1", "8"),
            ("8.1", "8"),
            ("8.10.1", "8.10"),
            ("8-alpine", "8"),
            ("8u402-b06", "8"),
            ("2024-10-16", "2024"),
            ("24.04.2", "24.04"),
            ("4.7.1", "4.x"),
            ("25.10.1", "v25.10"),
            ("1.0.2u", "1.0.2"),
            ("9.0-alpine3.20", "1"),
            ("openssl-1.0.2", "1.0.2"),
            ("release-1.34", "1.34"),
            ("go1.34.1", "1.34"),
        ] {
            let expected = (version != "9.0-alpine3.20").then_some(cycle);
            assert_eq!(found(version, &names).as_deref(), expected, "{version}");
        }
        assert_eq!(found("9.0-alpine-slim", &names).as_deref(), Some("9.0-alpine"));
    }

    #[test]
    fn what_belongs_to_no_cycle_finds_none() {
        for version in [
            "",
            "v",
            "latest",
            "3.4",
            "13.4",
            "alpine3.1",
            "k8s-1.34",
            "sha256-abc.sig",
            "1234567a",
            "1b2c3d4",
        ] {
            assert_eq!(found(version, &["1.34", "3.1", "8", "1"]), None, "{version}");
        }
        assert_eq!(found("anything", &[""]), None);
        assert_eq!(found("ä1", &["1"]), None);
    }

    #[test]
    fn codenames_are_words_of_a_tag_and_numbers_come_first() {
        let mut all = cycles(&["12", "13", "22.04"]);
        for (cycle, name) in all.iter_mut().zip(["Bookworm", "Trixie", "Jammy Jellyfish"]) {
            cycle.codename = Some(name.to_owned());
        }
        let found = |tag: &str| of_version(tag, &all, &[]).map(|cycle| cycle.name.as_str());
        assert_eq!(found("bookworm-20261016-slim"), Some("12"));
        assert_eq!(found("jammy"), Some("22.04"));
        assert_eq!(found("13-slim-bookworm"), Some("13"));
        assert_eq!(found("bookworms"), None);
        assert_eq!(found("bookworm-trixie"), None, "two are none");
        assert_eq!(of_words("3.13-slim-trixie", &all).map(|cycle| cycle.name.as_str()), Some("13"));
    }

    proptest! {
        #[test]
        fn the_order_of_cycles_has_no_say(
            names in prop::collection::btree_set("[1-3](\\.[0-3]{1,2}){0,2}|[a-c]{1,3}", 1..12),
            version in "v?[1-3](\\.[0-3]{1,2}){0,3}(-[a-c]{1,3})?|[a-c]{1,4}",
            seed in any::<u64>(),
        ) {
            let all: Vec<Cycle> = names.iter().map(|name| Cycle::named(name.as_str(), "")).collect();
            let mut other = all.clone();
            let places = other.len();
            for place in 0..places {
                other.swap(place, usize::try_from(seed >> (place % 48)).unwrap() % places);
            }
            let name = |cycles: &[Cycle]| of_version(&version, cycles, &[]).map(|cycle| cycle.name.clone());
            prop_assert_eq!(name(&all), name(&other));
            if let Some(found) = name(&all) {
                let bare = version.trim_start_matches('v');
                prop_assert!(bare.starts_with(&found), "{} {}", version, found);
                prop_assert!(!bare[found.len()..].starts_with(|c: char| c.is_ascii_digit()));
            }
        }
    }
}
