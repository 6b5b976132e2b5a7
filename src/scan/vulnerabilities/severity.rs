//! How bad a vulnerability is, on one scale: which word or score of whom stands for which of its steps.

use std::fmt;

use cvss::Cvss;

/// How bad, the least first. Nobody having said it is below everything, and is not nothing.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Nobody says how bad it is.
    #[default]
    Unknown,
    /// A weakness in theory only.
    Negligible,
    /// Low.
    Low,
    /// Medium.
    Medium,
    /// High.
    High,
    /// Critical.
    Critical,
}

/// The words of the tools and of those whose words they pass on, in small letters.
const WORDS: &[(&str, Severity)] = &[
    // CVSS, and nearly everybody.
    ("critical", Severity::Critical),
    ("high", Severity::High),
    ("medium", Severity::Medium),
    ("low", Severity::Low),
    // A CVSS score of 0; Harbor, CycloneDX.
    ("none", Severity::Negligible),
    // Red Hat, GitHub.
    ("important", Severity::High),
    ("moderate", Severity::Medium),
    // Grype, Harbor, Ubuntu.
    ("negligible", Severity::Negligible),
    // Debian's urgencies: packages that nobody is at risk by.
    ("unimportant", Severity::Negligible),
    // Xray before 3, and its notes.
    ("major", Severity::High),
    ("minor", Severity::Low),
    ("information", Severity::Negligible),
    // CycloneDX.
    ("info", Severity::Negligible),
];

impl Severity {
    /// Every step, the worst first.
    pub const ALL: [Self; 6] =
        [Self::Critical, Self::High, Self::Medium, Self::Low, Self::Negligible, Self::Unknown];

    /// What a tool's word stands for, in any case of letters. What is no word of theirs is [`Self::Unknown`].
    pub fn of_word(word: &str) -> Self {
        // Debian marks urgencies that it guessed with stars.
        let bare = word.trim().trim_end_matches('*');
        WORDS
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(bare))
            .map_or(Self::Unknown, |(_, severity)| *severity)
    }

    /// What a score stands for (CVSS 3.1, section 5; the same in 4.0). One outside 0 to 10 says nothing.
    pub fn of_score(score: f64) -> Self {
        match score {
            0.0 => Self::Negligible,
            score if score > 0.0 && score < 4.0 => Self::Low,
            score if (4.0..7.0).contains(&score) => Self::Medium,
            score if (7.0..9.0).contains(&score) => Self::High,
            score if (9.0..=10.0).contains(&score) => Self::Critical,
            _ => Self::Unknown,
        }
    }

    /// The word, unless nobody knows it; then the worst of the scores.
    pub fn of(word: &str, scores: impl IntoIterator<Item = f64>) -> Self {
        match Self::of_word(word) {
            Self::Unknown => scores.into_iter().map(Self::of_score).max().unwrap_or_default(),
            known => known,
        }
    }

    /// The word for people.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::High => "high",
            Self::Medium => "medium",
            Self::Low => "low",
            Self::Negligible => "negligible",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// The longest vector there is, with every metric of version 4, has some 200 characters.
const LONGEST_VECTOR: usize = 512;

/// The base score of a CVSS vector of version 2, 3 or 4. Version 2 has no mark of its own; Xray puts
/// `CVSS:2.0/` before it all the same.
pub fn score_of(vector: &str) -> Option<f64> {
    let bare = vector.trim();
    let bare = bare.strip_prefix("CVSS:2.0/").unwrap_or(bare);
    if bare.len() > LONGEST_VECTOR {
        return None;
    }
    bare.parse::<Cvss>().ok().map(|read| read.score())
}

/// The score of a text that is a number (`7.5`), a vector, or both with a slash between them
/// (`7.5/CVSS:3.1/AV:N/...`, as Xray writes it).
pub fn score_in(text: &str) -> Option<f64> {
    let text = text.trim();
    let number = text.split('/').next().and_then(|first| first.parse::<f64>().ok());
    number.filter(|score| (0.0..=10.0).contains(score)).or_else(|| score_of(text))
}

/// How many there are of each severity.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Counts {
    /// Critical ones.
    pub critical: usize,
    /// High ones.
    pub high: usize,
    /// Medium ones.
    pub medium: usize,
    /// Low ones.
    pub low: usize,
    /// Negligible ones.
    pub negligible: usize,
    /// Those that nobody rates.
    pub unknown: usize,
}

impl Counts {
    /// How many there are of one severity.
    pub const fn of(&self, severity: Severity) -> usize {
        match severity {
            Severity::Critical => self.critical,
            Severity::High => self.high,
            Severity::Medium => self.medium,
            Severity::Low => self.low,
            Severity::Negligible => self.negligible,
            Severity::Unknown => self.unknown,
        }
    }

    /// How many there are.
    pub fn total(&self) -> usize {
        Severity::ALL.into_iter().map(|severity| self.of(severity)).sum()
    }
}

impl FromIterator<Severity> for Counts {
    fn from_iter<I: IntoIterator<Item = Severity>>(severities: I) -> Self {
        let mut counts = Self::default();
        for severity in severities {
            let count = match severity {
                Severity::Critical => &mut counts.critical,
                Severity::High => &mut counts.high,
                Severity::Medium => &mut counts.medium,
                Severity::Low => &mut counts.low,
                Severity::Negligible => &mut counts.negligible,
                Severity::Unknown => &mut counts.unknown,
            };
            *count += 1;
        }
        counts
    }
}

impl fmt::Display for Counts {
    /// `1 critical, 2 high`; `none` if there is none.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: Vec<String> = Severity::ALL
            .into_iter()
            .filter(|severity| self.of(*severity) > 0)
            .map(|severity| format!("{} {severity}", self.of(severity)))
            .collect();
        f.pad(&if parts.is_empty() { "none".to_owned() } else { parts.join(", ") })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn words_are_read_in_any_case_and_strange_ones_are_unknown() {
        assert_eq!(Severity::of_word("CRITICAL"), Severity::Critical);
        assert_eq!(Severity::of_word(" Moderate "), Severity::Medium);
        assert_eq!(Severity::of_word("low**"), Severity::Low);
        assert_eq!(Severity::of_word("Important"), Severity::High);
        for strange in ["", "UNKNOWN", "catastrophic", "not yet assigned", "5"] {
            assert_eq!(Severity::of_word(strange), Severity::Unknown, "{strange}");
        }
    }

    #[test]
    fn scores_fall_on_the_steps_of_the_standard() {
        let steps = [
            (0.0, Severity::Negligible),
            (0.1, Severity::Low),
            (3.9, Severity::Low),
            (4.0, Severity::Medium),
            (6.9, Severity::Medium),
            (7.0, Severity::High),
            (8.9, Severity::High),
            (9.0, Severity::Critical),
            (10.0, Severity::Critical),
        ];
        for (score, severity) in steps {
            assert_eq!(Severity::of_score(score), severity, "{score}");
        }
        for nonsense in [-0.1, 10.1, f64::NAN, f64::INFINITY] {
            assert_eq!(Severity::of_score(nonsense), Severity::Unknown, "{nonsense}");
        }
    }

    #[test]
    fn a_word_counts_before_scores() {
        assert_eq!(Severity::of("LOW", [9.8]), Severity::Low);
        assert_eq!(Severity::of("UNKNOWN", [5.0, 9.8]), Severity::Critical);
        assert_eq!(Severity::of("", []), Severity::Unknown);
    }

    #[test]
    fn vectors_of_every_version_have_their_score() {
        // The examples of first.org: CVE-2002-0392 (2.0), CVE-2013-1937 (3.1), CVE-2022-41741 (4.0).
        assert_eq!(score_of("AV:N/AC:L/Au:N/C:N/I:N/A:C"), Some(7.8));
        assert_eq!(score_of("CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N"), Some(6.1));
        let fourth = "CVSS:4.0/AV:L/AC:L/AT:P/PR:L/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N";
        assert_eq!(score_of(fourth), Some(7.3));
        assert_eq!(score_of("CVSS:2.0/AV:N/AC:L/Au:N/C:N/I:N/A:C"), Some(7.8));
        for none in ["", "/", "CVSS:9.0/AV:N", "7.5", "CVSS:3.1/", &"CVSS:3.1/AV:N/".repeat(1000)] {
            assert_eq!(score_of(none), None, "{none}");
        }
    }

    #[test]
    fn a_score_may_stand_alone_or_before_its_vector() {
        assert_eq!(score_in("7.5/CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N"), Some(7.5));
        assert_eq!(score_in("CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N"), Some(6.1));
        assert_eq!(score_in("9"), Some(9.0));
        assert_eq!(score_in("99"), None);
        assert_eq!(score_in("inf"), None);
    }

    #[test]
    fn counts_are_told_the_worst_first() {
        let counts: Counts =
            [Severity::Low, Severity::Critical, Severity::Low, Severity::Unknown].into_iter().collect();
        assert_eq!(counts.to_string(), "1 critical, 2 low, 1 unknown");
        assert_eq!(counts.total(), 4);
        assert_eq!(Counts::default().to_string(), "none");
    }

    proptest! {
        #[test]
        fn no_vector_breaks_the_reader(parts in prop::collection::vec("(CVSS:[234]\\.[01]|[A-Z]{1,3}:[A-Z0-9])", 0..40)) {
            if let Some(score) = score_of(&parts.join("/")) {
                prop_assert!((0.0..=10.0).contains(&score));
            }
        }
    }
}
