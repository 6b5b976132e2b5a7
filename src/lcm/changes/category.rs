//! What a heading in release notes says of the lines below it.

use super::change::{Kind, Weight};

/// What lines below a heading are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Category {
    /// Changes of this kind, with what each says about a break.
    Of(Kind, Option<Weight>),
    /// Changes of any kind.
    Open,
    /// No changes of the thing itself: downloads, thanks, what it depends on.
    Aside,
}

impl Category {
    /// Whether each line below is told for what it says about a break.
    pub fn is_evidence(self) -> bool {
        matches!(self, Self::Of(_, Some(_)))
    }
}

const BREAKING: Category = Category::Of(Kind::Breaking, Some(Weight::Certain));
const URGENT: Category = Category::Of(Kind::Breaking, Some(Weight::Likely));
const UPGRADE: Category = Category::Of(Kind::Changed, Some(Weight::Hint));
const SECURITY: Category = Category::Of(Kind::Security, Some(Weight::Hint));
const REMOVED: Category = Category::Of(Kind::Removed, Some(Weight::Likely));
const DEPRECATED: Category = Category::Of(Kind::Deprecated, Some(Weight::Hint));
const CHANGED: Category = Category::Of(Kind::Changed, None);
const ADDED: Category = Category::Of(Kind::Added, None);
const FIXED: Category = Category::Of(Kind::Fixed, None);

/// Headings that say nothing else.
const WHOLE: &[(Category, &[&str])] = &[
    (BREAKING, &["breaking", "breakings", "incompatible", "incompatibilities"]),
    (URGENT, &["migration", "migrations", "before you upgrade", "before upgrading"]),
    (
        UPGRADE,
        &[
            "upgrade",
            "upgrades",
            "upgrading",
            "upgrade guide",
            "migration guide",
            "known issues",
            "important",
        ],
    ),
    (SECURITY, &["security", "vulnerabilities", "vulnerability", "cves"]),
    (REMOVED, &["removed", "removal", "removals", "remove", "deletions"]),
    (DEPRECATED, &["deprecated", "deprecation", "deprecations", "deprecate"]),
    (
        CHANGED,
        &[
            "changed",
            "change",
            "enhancement",
            "enhancements",
            "improvement",
            "improvements",
            "improved",
            "performance",
            "performance improvements",
            "refactoring",
            "refactor",
            "code refactoring",
            "reverts",
            "api change",
            "api changes",
            "updated",
            "updates",
        ],
    ),
    (ADDED, &["added", "add", "feature", "features", "new feature", "new features", "new", "major features"]),
    (
        FIXED,
        &[
            "fixed",
            "fix",
            "fixes",
            "bug",
            "bugs",
            "bugfix",
            "bugfixes",
            "bug fix",
            "bug fixes",
            "bug or regression",
        ],
    ),
    (
        Category::Open,
        &[
            "changes",
            "all changes",
            "what s changed",
            "whats changed",
            "what s new",
            "what is new",
            "changelog",
            "change log",
            "changes by kind",
            "release notes",
            "highlights",
            "notable changes",
            "major changes",
            "other",
            "others",
            "other changes",
            "other cleanup or flake",
            "misc",
            "miscellaneous",
            "uncategorized",
            "non breaking changes",
            "no breaking changes",
            "chores",
            "documentation",
            "docs",
        ],
    ),
    (
        Category::Aside,
        &[
            "dependencies",
            "dependency",
            "dependency updates",
            "dependency upgrades",
            "dependency changes",
            "downloads",
            "download",
            "assets",
            "artifacts",
            "checksums",
            "images",
            "image",
            "container images",
            "container image",
            "docker images",
            "source code",
            "new contributors",
            "contributors",
            "credits",
            "thanks",
            "acknowledgements",
            "acknowledgments",
            "installation",
            "install",
            "quick start",
            "verify",
            "table of contents",
            "contents",
            "sponsors",
            "community",
            "default value changes",
            "full changelog",
            "runtime and dependencies",
            "verifying artifacts",
            "signatures",
        ],
    ),
];

/// Words that headings have among others.
const AMONG: &[(Category, &[&str])] = &[
    (BREAKING, &["breaking", "incompatible", "incompatibility"]),
    (URGENT, &["urgent upgrade", "action required", "actions required", "required action", "must read"]),
    (SECURITY, &["security", "cve", "vulnerability", "vulnerabilities"]),
    (DEPRECATED, &["deprecated", "deprecation", "deprecations"]),
    (REMOVED, &["removed", "removal", "removals"]),
    (
        UPGRADE,
        &["upgrade note", "upgrade notes", "upgrading", "upgrade instructions", "upgrade guide", "migrating"],
    ),
    (Category::Aside, &["downloads for", "changelog since", "new contributors"]),
];

/// Reads a heading: what it says, and whether it says nothing else.
pub(super) fn of(heading: &str) -> Option<(Category, bool)> {
    let words = words(heading);
    let whole = WHOLE.iter().find(|(_, known)| known.contains(&words.as_str()));
    if let Some((category, _)) = whole {
        return Some((*category, true));
    }
    if let Some(bare) = words.strip_suffix(" changes").or_else(|| words.strip_suffix(" change")) {
        let bare =
            bare.trim_start_matches("api ").trim_start_matches("backwards ").trim_start_matches("backward ");
        if matches!(bare, "breaking" | "incompatible" | "important breaking" | "breaking api") {
            return Some((BREAKING, true));
        }
    }
    let padded = format!(" {words} ");
    if ["no", "non", "not", "without"].iter().any(|no| padded.contains(&format!(" {no} breaking "))) {
        return Some((Category::Open, false));
    }
    let among =
        AMONG.iter().find(|(_, known)| known.iter().any(|word| padded.contains(&format!(" {word} "))));
    among.map(|(category, _)| (*category, false))
}

/// Letters and digits of a heading, in small letters, with single spaces: without signs and `:names:` of them.
fn words(heading: &str) -> String {
    let mut words: Vec<String> = Vec::new();
    for word in heading.split_whitespace() {
        let named = word.len() > 2 && word.starts_with(':') && word.ends_with(':');
        if !named {
            let parts = word.split(|c: char| !c.is_alphanumeric()).filter(|part| !part.is_empty());
            words.extend(parts.map(str::to_lowercase));
        }
    }
    words.join(" ")
}

/// Whether a line says that there is nothing to say.
pub(super) fn is_nothing(text: &str) -> bool {
    let words = words(text);
    matches!(words.as_str(), "" | "none" | "n a" | "na" | "nothing" | "no" | "tbd" | "not applicable")
        || (words.len() < 60
            && ["no breaking", "there are no", "no deprecat", "no action", "no known", "no special"]
                .iter()
                .any(|begin| words.starts_with(begin)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn category(heading: &str) -> Option<Category> {
        of(heading).map(|(category, _)| category)
    }

    #[test]
    fn headings_of_what_breaks_in_all_their_spellings() {
        for heading in [
            "Breaking Changes",
            "⚠ BREAKING CHANGES",
            ":boom: Breaking changes :boom:",
            "Backwards incompatible changes",
            "API breaking changes",
            "BREAKING:",
            "Breaking changes since 1.2",
        ] {
            assert_eq!(category(heading), Some(BREAKING), "{heading}");
        }
        for heading in ["Urgent Upgrade Notes", "Action Required", "(No, really, you MUST READ this)"] {
            assert_eq!(category(heading), Some(URGENT), "{heading}");
        }
        assert_eq!(category("Upgrade notes"), Some(UPGRADE));
        assert_eq!(category("Upgrading from 1.x to 2.x"), Some(UPGRADE));
        assert_eq!(category("Deprecations"), Some(DEPRECATED));
        assert_eq!(category("Removed"), Some(REMOVED));
        assert_eq!(category("Important Security Information"), Some(SECURITY));
    }

    #[test]
    fn what_does_not_break_is_not_said_to() {
        for heading in ["Non-breaking changes", "No breaking changes 🎉", "Changes without breaking anything"]
        {
            assert_eq!(category(heading), Some(Category::Open), "{heading}");
        }
        assert_eq!(category("A word about heartbreaking"), None);
    }

    #[test]
    fn what_is_no_change_of_the_thing_itself_stands_aside() {
        for heading in ["Dependencies", "Downloads for v1.33.5", "New Contributors", "Container Images"] {
            assert_eq!(category(heading), Some(Category::Aside), "{heading}");
        }
    }

    #[test]
    fn a_heading_that_says_something_else_too_is_told_apart() {
        assert_eq!(of("Deprecation"), Some((DEPRECATED, true)));
        assert_eq!(of("Deprecation of Restic"), Some((DEPRECATED, false)));
        assert_eq!(of("Data mover micro service"), None);
    }

    #[test]
    fn nothing_is_nothing_in_many_words() {
        for text in
            ["None", "N/A", "_None._", "No breaking changes in this release.", "There are no such changes"]
        {
            assert!(is_nothing(text), "{text}");
        }
        assert!(!is_nothing("No more support for v1beta1") && !is_nothing("Notes are removed"));
    }
}
