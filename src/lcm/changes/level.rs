//! What the numbers of two versions say about a break.
//!
//! Semantic Versioning (semver.org, rules 4 and 8): a major step may break anything, and so may a minor one
//! while the major is zero.

use super::change::{Evidence, Sign, Weight};
use super::found::Found;
use super::plain;
use crate::lcm::version::{Level, Number, Scheme, Version, by_age};

/// Whose version it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// A chart's.
    Chart,
    /// What a chart installs, an image or a tool.
    App,
}

/// What the step from one version to another says by its numbers.
pub fn step(whose: Whose, current: &str, newest: &str) -> Found {
    let mut found = Found::default();
    let (Some(low), Some(high)) = (read(current), read(newest)) else { return found };
    if by_age(&high, &low).is_le() {
        return found;
    }
    let (sign, what) = match whose {
        Whose::Chart => (Sign::ChartLevel, "the chart"),
        Whose::App => (Sign::AppLevel, "the app"),
    };
    let (current, newest) = (plain::line(current), plain::line(newest));
    let (weight, text) = match high.level(&low) {
        Level::Major => (Weight::Likely, format!("{what} goes up by a major version: {current} -> {newest}")),
        Level::Minor if high.number(0) == Number::ZERO => {
            (Weight::Hint, format!("{what} goes up by a minor version of 0.x: {current} -> {newest}"))
        }
        Level::Minor | Level::Patch => return found,
    };
    let version = Some(newest);
    found.prove(Evidence { weight, sign, version, text, links: Vec::new() });
    found
}

fn read(text: &str) -> Option<Version<'_>> {
    Scheme::Semver.read(text.trim()).or_else(|| Scheme::Auto.read(text.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weight(current: &str, newest: &str) -> Option<Weight> {
        let evidence = step(Whose::Chart, current, newest).evidence;
        evidence.first().map(|evidence| evidence.weight)
    }

    #[test]
    fn a_major_step_and_a_minor_one_of_zero_are_evidence() {
        assert_eq!(weight("1.17.2", "2.0.0"), Some(Weight::Likely));
        assert_eq!(weight("v0.9.1", "v0.10.0"), Some(Weight::Hint));
        assert_eq!(weight("0.9.1", "1.0.0"), Some(Weight::Likely));
        assert_eq!(weight("00.9.1", "0.10.0"), Some(Weight::Hint));
    }

    #[test]
    fn smaller_steps_and_steps_back_are_none() {
        for (current, newest) in [
            ("1.17.2", "1.18.0"),
            ("0.9.1", "0.9.2"),
            ("2.0.0", "1.0.0"),
            ("2.0.0", "2.0.0"),
            ("latest", "2.0.0"),
        ] {
            assert_eq!(weight(current, newest), None, "{current} {newest}");
        }
    }

    #[test]
    fn the_sentence_names_both_versions() {
        let found = step(Whose::App, "v1.5.1", "v2.0.0");
        assert_eq!(found.evidence[0].text, "the app goes up by a major version: v1.5.1 -> v2.0.0");
        assert_eq!(found.evidence[0].sign, Sign::AppLevel);
    }
}
