//! What a line of release notes says about itself: conventional commits (conventionalcommits.org), marks in
//! brackets as Prometheus and Argo have them, first words, numbers of vulnerabilities.

use std::sync::LazyLock;

use regex::Regex;

use super::category::Category;
use super::change::{Kind, Weight};

/// A line, and what it says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Marked<'t> {
    /// Its words, without a mark in brackets before them.
    pub text: &'t str,
    /// Whether it says outright that it breaks something, or that somebody has to act.
    pub breaks: Option<Weight>,
    /// The kind that a mark gives it.
    mark: Option<Kind>,
    /// Whether the mark is `[CHANGE]`: so Prometheus and its kin mark what somebody may have to react to.
    cautions: bool,
    /// The kind that its first word gives it.
    word: Option<Kind>,
    /// Whether it names a vulnerability.
    vulnerability: bool,
}

/// So much of a line is looked at: what stands behind is not said of the line.
const LOOKED_AT: usize = 600;

/// A mark in brackets, or a word with a colon.
static MARK: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"^[\W_]{0,8}?(?:\[([A-Za-z][A-Za-z _-]{1,24})\]|([A-Za-z]{3,16}(?: [Cc][Hh][Aa][Nn][Gg][Ee]s?)?)\s?:)[:\s-]*").ok()
});

/// A conventional commit: its type, and whether it breaks something.
static COMMIT: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^(?:\[[^\[\]]{1,60}\]\s*)?([a-z]{2,15})(?:\([^()]{0,80}\))?(!)?:\s").ok());

/// Words that say that something breaks, wherever they stand; and those that say the contrary.
static BREAKS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let begins =
        r"^[\W_]{0,8}(?i:breaking(?:[ -]changes?)?)\s?[:)\]*!–—-]|^[\W_]{0,8}(?i:breaking[ -]changes?)\b";
    Regex::new(&format!(
        r"{begins}|\bBREAKING CHANGES?\b|\bBREAKING\s?[:!)\]]|[(\[](?i:breaking(?: change)?)[)\]]"
    ))
    .ok()
});
static HARMLESS: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?i)\b(?:non?|not(?: a)?|without(?: a)?|any)[ -]?breaking\b").ok());
static ACTS: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^[\W_]{0,8}(?i:action required)\b|\bACTION REQUIRED\b").ok());
static VULNERABILITY: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"\bCVE-[0-9]{4}-[0-9]{4,}\b|\bGHSA(?:-[0-9a-z]{4}){3}\b").ok());

fn finds(expression: &LazyLock<Option<Regex>>, text: &str) -> bool {
    expression.as_ref().is_some_and(|expression| expression.is_match(text))
}

impl<'t> Marked<'t> {
    /// Reads a line.
    pub fn of(line: &'t str) -> Self {
        let text = line.trim();
        let begin = text.get(..text.floor_char_boundary(LOOKED_AT)).unwrap_or_default();
        let (mark, rest) = mark(begin);
        let commit = COMMIT.as_ref().and_then(|commit| commit.captures(begin));
        let bang = commit.as_ref().is_some_and(|commit| commit.get(2).is_some());
        let kind = commit.as_ref().and_then(|commit| commit_kind(commit.get(1)?.as_str()));
        let said = bang || mark == Some(Kind::Breaking) || finds(&BREAKS, begin) && !finds(&HARMLESS, begin);
        let breaks = match (said, finds(&ACTS, begin)) {
            (true, _) => Some(Weight::Certain),
            (false, true) => Some(Weight::Likely),
            (false, false) => None,
        };
        let stripped = text.get(text.len().min(begin.len() - rest.len())..).unwrap_or(text);
        Self {
            text: if mark.is_some() && !stripped.is_empty() { stripped } else { text },
            breaks,
            mark: mark.or(kind),
            cautions: begin.starts_with("[CHANGE]"),
            word: first_word(begin).and_then(word_kind),
            vulnerability: finds(&VULNERABILITY, begin),
        }
    }

    /// What kind of change it is below a heading, and what it says about a break.
    pub fn kind(&self, below: Category) -> (Kind, Option<Weight>) {
        let own = self.breaks.map(|weight| (Kind::Breaking, Some(weight)));
        let graver =
            |kind: Option<Kind>| kind.filter(|kind| kind.is_grave()).map(|kind| (kind, weight(kind)));
        match (own, below) {
            (Some(own), _) => own,
            (None, Category::Of(kind, Some(weight))) => (kind, Some(weight)),
            _ if self.vulnerability => (Kind::Security, Some(Weight::Hint)),
            (None, below) => graver(self.mark).unwrap_or_else(|| match below {
                Category::Of(kind, weight) => (kind, weight),
                _ => match (self.mark, self.word) {
                    (Some(mark), _) => (mark, self.cautions.then_some(Weight::Hint)),
                    (None, Some(word)) => (word, word.is_grave().then_some(Weight::Hint)),
                    (None, None) => (Kind::Other, None),
                },
            }),
        }
    }
}

/// What an explicit kind says about a break.
pub(super) fn weight(kind: Kind) -> Option<Weight> {
    match kind {
        Kind::Breaking => Some(Weight::Certain),
        Kind::Removed => Some(Weight::Likely),
        Kind::Deprecated | Kind::Security => Some(Weight::Hint),
        Kind::Changed | Kind::Added | Kind::Fixed | Kind::Other => None,
    }
}

/// The kind that a mark before a line gives it, and what stands behind the mark.
fn mark(text: &str) -> (Option<Kind>, &str) {
    let found = MARK.as_ref().and_then(|mark| mark.captures(text));
    let read = found.and_then(|found| {
        let word = found.get(1).or_else(|| found.get(2))?.as_str();
        let kind = mark_kind(word)?;
        Some((kind, text.get(found.get(0)?.end()..)?))
    });
    read.map_or((None, text), |(kind, rest)| (Some(kind), rest))
}

fn mark_kind(word: &str) -> Option<Kind> {
    Some(match word.to_ascii_lowercase().replace(['_', '-'], " ").as_str() {
        "breaking" | "breaking change" | "breaking changes" => Kind::Breaking,
        "security" | "security fix" => Kind::Security,
        "removed" | "removal" | "remove" => Kind::Removed,
        "deprecated" | "deprecation" | "deprecate" => Kind::Deprecated,
        "changed" | "change" | "enhancement" | "improvement" | "improved" | "update" | "updated" => {
            Kind::Changed
        }
        "added" | "add" | "feature" => Kind::Added,
        "fixed" | "bugfix" | "bug" => Kind::Fixed,
        _ => return None,
    })
}

fn commit_kind(kind: &str) -> Option<Kind> {
    Some(match kind {
        "feat" | "feature" => Kind::Added,
        "fix" | "hotfix" => Kind::Fixed,
        "perf" | "refactor" | "revert" => Kind::Changed,
        "security" | "sec" => Kind::Security,
        "deprecate" => Kind::Deprecated,
        "remove" => Kind::Removed,
        "docs" | "doc" | "test" | "tests" | "ci" | "chore" | "build" | "style" | "deps" => Kind::Other,
        _ => return None,
    })
}

fn first_word(text: &str) -> Option<&str> {
    text.split_whitespace().next().map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()))
}

fn word_kind(word: &str) -> Option<Kind> {
    Some(match word.to_ascii_lowercase().as_str() {
        "removed" | "removes" | "remove" => Kind::Removed,
        "deprecated" | "deprecates" | "deprecate" => Kind::Deprecated,
        "changed" | "changes" | "change" | "updated" | "update" | "updates" | "bump" | "bumped"
        | "upgrade" | "upgraded" | "improve" | "improved" | "renamed" | "rename" => Kind::Changed,
        "added" | "adds" | "add" | "introduced" | "introduce" => Kind::Added,
        "fixed" | "fixes" | "fix" => Kind::Fixed,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(line: &str) -> (Kind, Option<Weight>) {
        Marked::of(line).kind(Category::Open)
    }

    const BREAKS: (Kind, Option<Weight>) = (Kind::Breaking, Some(Weight::Certain));

    #[test]
    fn a_line_that_says_that_it_breaks_something_does() {
        for line in [
            "feat!: take the old flags away",
            "fix(chart)!: rename the key",
            "[kube-prometheus-stack] chore!: drop 1.24",
            "BREAKING CHANGE: the port is another one",
            "Breaking: the port is another one",
            "(breaking) the port is another one",
            "[BREAKING] the port",
            "The port is another one (BREAKING)",
            "💥 BREAKING - the port",
            "breaking change in how ports are read",
        ] {
            assert_eq!(kind(line), BREAKS, "{line}");
        }
        assert_eq!(kind("ACTION REQUIRED: move the flags"), (Kind::Breaking, Some(Weight::Likely)));
    }

    #[test]
    fn other_lines_do_not() {
        for line in [
            "Fix a heartbreaking typo",
            "This is no BREAKING change",
            "a non-breaking change of ports",
            "Stop breaking the build",
            "hello!: not a commit of any kind we know?",
            "feat: more!: of it",
            "commits: remove what stands before BREAKING in a body",
        ] {
            let breaks = Marked::of(line).breaks;
            assert_eq!(breaks.is_some(), line.starts_with("hello!"), "{line}");
        }
    }

    #[test]
    fn marks_in_brackets_give_the_kind_and_are_no_part_of_the_words() {
        let argo = Marked::of("[Added]: Labels for the server");
        assert_eq!((argo.text, argo.kind(Category::Open).0), ("Labels for the server", Kind::Added));
        let prometheus = Marked::of("[BUGFIX] tsdb: Keep the index");
        assert_eq!(
            (prometheus.text, prometheus.kind(Category::Open).0),
            ("tsdb: Keep the index", Kind::Fixed)
        );
        assert_eq!(Marked::of("[release-1.2] a thing").text, "[release-1.2] a thing");
        assert_eq!(kind("[Removed]: the old ingress"), (Kind::Removed, Some(Weight::Likely)));
        assert_eq!(kind("Security: new certificates").0, Kind::Security);
    }

    #[test]
    fn a_vulnerability_makes_it_about_security() {
        assert_eq!(kind("bump x for CVE-2026-12345"), (Kind::Security, Some(Weight::Hint)));
        assert_eq!(kind("GHSA-abcd-2345-wxyz is fixed").0, Kind::Security);
        assert_ne!(kind("CVE scanning in the pipeline").0, Kind::Security);
    }

    #[test]
    fn the_heading_above_counts_more_than_first_words() {
        let below = |line, kind| Marked::of(line).kind(Category::Of(kind, None)).0;
        assert_eq!(below("Removed a race", Kind::Fixed), Kind::Fixed);
        assert_eq!(below("feat!: remove it", Kind::Fixed), Kind::Breaking);
        let breaking = Category::Of(Kind::Breaking, Some(Weight::Certain));
        assert_eq!(Marked::of("fix: the port").kind(breaking), BREAKS);
    }

    #[test]
    fn what_prometheus_marks_as_a_change_is_worth_a_look() {
        assert_eq!(kind("[CHANGE] Drop the old collector"), (Kind::Changed, Some(Weight::Hint)));
        assert_eq!(kind("[ENHANCEMENT] A faster one"), (Kind::Changed, None));
    }

    #[test]
    fn first_words_are_the_last_resort() {
        assert_eq!(kind("Remove the old flag"), (Kind::Removed, Some(Weight::Hint)));
        assert_eq!(kind("Added cool feature"), (Kind::Added, None));
        assert_eq!(kind("feat(ui): a button"), (Kind::Added, None));
        assert_eq!(kind("A thing"), (Kind::Other, None));
        assert_eq!(kind(""), (Kind::Other, None));
    }
}
