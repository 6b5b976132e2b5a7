//! The product's changelog: an entry above those that are there, written as they are.

use jiff::civil::Date;
use regex::Regex;

use super::types::Moving;
use crate::version::Version;

/// Its file in the product's folder.
pub(super) const FILE: &str = "CHANGELOG.md";

/// The changelog of a product that had none.
const HEAD: &str = "# Changelog\n";

/// What an entry says.
pub(super) struct Entry<'a> {
    /// The product's new version.
    pub version: &'a Version,
    /// The day.
    pub on: Date,
    /// What moved.
    pub moving: &'a Moving,
    /// From where.
    pub from: &'a str,
    /// To where.
    pub to: &'a str,
    /// Lines below it.
    pub evidence: &'a [String],
}

/// The text with an entry more: a section of its own above the first one of a version, or lines in the
/// section that this version has already.
pub(super) fn written(before: Option<&str>, entry: &Entry<'_>) -> String {
    let text = before.unwrap_or(HEAD);
    let breaks = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let headings = headings(text);
    let lines = bullets(text, entry);
    let own = headings.iter().find(|heading| heading.version == entry.version.to_string());
    let (at, new) = match (own, headings.first()) {
        (Some(own), _) => (end_of_list(text, own.end), lines),
        (None, first) => {
            let style = first.map_or(Style::default(), |heading| heading.style.clone());
            let category = if before.is_none() || has_categories(text) { "### Changed\n\n" } else { "" };
            let section = format!("{}\n\n{category}{lines}", style.heading(entry));
            match first {
                Some(first) => (first.start, format!("{section}\n")),
                None => (text.len(), format!("{}{section}", apart(text))),
            }
        }
    };
    let new = if breaks == "\n" { new } else { new.replace('\n', breaks) };
    let (head, tail) = text.split_at(at);
    format!("{head}{new}{tail}")
}

/// What goes between a text and a new section at its end.
fn apart(text: &str) -> &'static str {
    let text = text.replace("\r\n", "\n");
    if text.is_empty() || text.ends_with("\n\n") {
        ""
    } else if text.ends_with('\n') {
        "\n"
    } else {
        "\n\n"
    }
}

fn bullets(text: &str, entry: &Entry<'_>) -> String {
    let stars =
        lines(text).map(|(_, line)| line).find(|line| line.starts_with("- ") || line.starts_with("* "));
    let mark = stars.and_then(|line| line.chars().next()).unwrap_or('-');
    let mut out = if entry.from == entry.to {
        format!("{mark} `{}` {}: its digest\n", entry.moving, entry.to)
    } else {
        format!("{mark} `{}` {} -> {}\n", entry.moving, entry.from, entry.to)
    };
    for line in entry.evidence {
        // A line of somebody else's is one line here, and steers no terminal.
        let line: String = line.trim().chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        if !line.is_empty() {
            out.push_str(&format!("  {mark} {line}\n"));
        }
    }
    out
}

fn has_categories(text: &str) -> bool {
    lines(text).any(|(_, line)| line.starts_with("### "))
}

/// A heading of a version.
struct Heading {
    start: usize,
    end: usize,
    version: String,
    style: Style,
}

/// How headings of versions are written.
#[derive(Debug, Clone)]
struct Style {
    before: String,
    middle: String,
    after: String,
}

impl Default for Style {
    fn default() -> Self {
        Self { before: "## [".to_owned(), middle: "] - ".to_owned(), after: String::new() }
    }
}

impl Style {
    fn heading(&self, entry: &Entry<'_>) -> String {
        format!("{}{}{}{}{}", self.before, entry.version, self.middle, entry.on, self.after)
    }
}

/// The headings of versions, in order; those in fenced code are none.
fn headings(text: &str) -> Vec<Heading> {
    let heading = r"^(#{1,3} \[?[vV]?)([0-9]+\.[0-9]+\.[0-9]+[0-9A-Za-z.+-]*)(\]?)(?:(\W*?)[0-9]{4}-[0-9]{2}-[0-9]{2}(\)?))?\s*$";
    let linked = r"^#{1,3} \[?[vV]?([0-9]+\.[0-9]+\.[0-9]+[0-9A-Za-z.+-]*)\b";
    let (Ok(heading), Ok(linked)) = (Regex::new(heading), Regex::new(linked)) else { return Vec::new() };
    let mut found = Vec::new();
    let mut fenced = false;
    for (start, line) in lines(text) {
        fenced ^= line.trim_start().starts_with("```");
        if fenced {
            continue;
        }
        let end = start + line.len();
        if let Some(parts) = heading.captures(line) {
            let part = |number| parts.get(number).map_or("", |part| part.as_str());
            let dash = if part(4).is_empty() { " - " } else { part(4) };
            let style = Style {
                before: part(1).to_owned(),
                middle: format!("{}{dash}", part(3)),
                after: part(5).to_owned(),
            };
            found.push(Heading { start, end, version: part(2).to_owned(), style });
        } else if let Some(parts) = linked.captures(line) {
            // With a link nobody knows the next one's.
            let version = parts.get(1).map_or_else(String::new, |part| part.as_str().to_owned());
            found.push(Heading { start, end, version, style: Style::default() });
        }
    }
    found
}

/// Lines without their breaks, each with its start.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut at = 0;
    text.split_inclusive('\n').map(move |line| {
        let start = at;
        at += line.len();
        (start, line.trim_end_matches(['\n', '\r']))
    })
}

/// Behind the last line of the first list of a section that begins before `from`.
fn end_of_list(text: &str, from: usize) -> usize {
    let mut end = None;
    for (start, line) in lines(text).filter(|(start, _)| *start >= from) {
        let item = line.trim_start().starts_with("- ") || line.trim_start().starts_with("* ");
        if item || end.is_some() && line.starts_with(' ') {
            end = Some(start + line.len());
        } else if end.is_some() || line.starts_with("## ") {
            break;
        }
    }
    let end = end.unwrap_or(from);
    let rest = text.get(end..).unwrap_or_default();
    end + ["\r\n", "\n"].iter().find(|b| rest.starts_with(**b)).map_or(0, |b| b.len())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn add(before: Option<&str>, version: &str) -> String {
        let entry = Entry {
            version: &version.parse().unwrap(),
            on: "2026-11-22".parse().unwrap(),
            moving: &Moving::Image("quay.io/a/b".parse().unwrap()),
            from: "v1",
            to: "v2",
            evidence: &["https://example.com/notes".to_owned(), "two\nlines\u{1b}[1m".to_owned()],
        };
        written(before, &entry)
    }

    const LINES: &str = "- `quay.io/a/b` v1 -> v2\n  - https://example.com/notes\n  - two lines [1m\n";

    #[test]
    fn a_product_without_one_gets_one() {
        let expected = format!("# Changelog\n\n## [1.2.3] - 2026-11-22\n\n### Changed\n\n{LINES}");
        assert_eq!(add(None, "1.2.3"), expected);
    }

    #[test]
    fn an_entry_stands_above_the_newest_and_below_what_is_unreleased() {
        let before = "# Changes\n\n## [Unreleased]\n\n- x\n\n## [1.2.2] - 2026-01-02\n\n### Fixed\n\n- y\n";
        let entry = format!("## [1.2.3] - 2026-11-22\n\n### Changed\n\n{LINES}\n## [1.2.2]");
        assert_eq!(add(Some(before), "1.2.3"), before.replace("## [1.2.2]", &entry));
    }

    #[test]
    fn it_is_written_as_the_others_are() {
        for (old, new) in [
            ("## 1.2.2 (2026-01-02)", "## 1.2.3 (2026-11-22)"),
            ("## v1.2.2 - 2026-01-02", "## v1.2.3 - 2026-11-22"),
            ("# 1.2.2", "# 1.2.3 - 2026-11-22"),
            ("## [1.2.2](https://example.com/1.2.2) (2026-01-02)", "## [1.2.3] - 2026-11-22"),
        ] {
            let before = format!("```\n## [9.9.9] - 2020-01-01\n```\n\n{old}\n\n* y\n");
            let lines = LINES.replace("- `", "* `").replace("  - ", "  * ");
            let expected = before.replace(old, &format!("{new}\n\n{lines}\n{old}"));
            assert_eq!(add(Some(&before), "1.2.3"), expected);
        }
    }

    #[test]
    fn line_breaks_and_a_mark_at_the_beginning_stay() {
        let before = "\u{feff}# Changelog\r\n\r\n## 1.2.2\r\n\r\n- y\r\n";
        let after = add(Some(before), "1.2.3");
        assert!(
            after.starts_with("\u{feff}# Changelog\r\n\r\n## 1.2.3 - 2026-11-22\r\n\r\n- `quay"),
            "{after:?}"
        );
        assert!(after.ends_with("\r\n## 1.2.2\r\n\r\n- y\r\n"));
        assert_eq!(after.matches('\n').count(), after.matches("\r\n").count());
    }

    #[test]
    fn a_version_that_has_its_section_gets_lines_more() {
        let once = add(None, "1.2.3");
        assert_eq!(add(Some(&once), "1.2.3"), format!("{once}{LINES}"));
        let followed =
            add(Some("# C\n\n## [1.2.3] - 2026-01-01\n\n- y\n\n## [1.2.2] - 2025-01-01\n"), "1.2.3");
        let expected = format!("# C\n\n## [1.2.3] - 2026-01-01\n\n- y\n{LINES}\n## [1.2.2] - 2025-01-01\n");
        assert_eq!(followed, expected);
    }

    #[test]
    fn a_text_without_a_break_at_its_end_is_not_glued_to() {
        let after = add(Some("# C\n\nAll of it."), "1.2.3");
        assert!(after.starts_with("# C\n\nAll of it.\n\n## [1.2.3] - "), "{after}");
    }
}
