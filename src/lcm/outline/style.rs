//! How a heading names a version, and the same heading for another version.

use std::sync::LazyLock;

use jiff::civil::Date;
use regex::{Captures, Regex};

use crate::version::Version;

/// What stands before a version: an anchor, a date, words.
const BEFORE: &str = concat!(
    r"^(?P<anchor><a\s[^<>]*>\s*</a>\s*)?",
    r"(?:(?P<first>[0-9]{4}([-/])[0-9]{2}[-/][0-9]{2})(?P<between>[\W_]{1,5}?))?",
    r"(?P<name>(?:[\[(*_`]{0,2}\p{L}[\p{L}\p{N}_&'-]*(?:[ :]+|@|-|/)){0,4}?)",
    r#"(?P<open>[\[(*_`"]{0,3}[vV]?)(?P<version>[0-9]+(?:\.[0-9]+){1,3}[0-9A-Za-z]*(?:[-+][0-9A-Za-z.+-]*)?)"#,
);

/// What stands behind it: brackets, a link, a date.
const BEHIND: &str = concat!(
    r#"(?P<close>[\])*_`"]{0,3})(?P<link>\([^()\s]*\))??"#,
    r"(?:(?P<gap>[\W_]{1,5}?)(?P<date>[0-9]{4}[-/][0-9]{2}[-/][0-9]{2})(?P<after>[\])*_]{0,2}))?\s*$",
);

/// Made once: headings are many.
static WHOLE: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(&format!("{BEFORE}{BEHIND}")).ok());
static NAMING: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(BEFORE).ok());

/// A heading of a version, or of what may be one.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::lcm) struct Named {
    /// The version as it is written, without `v`; none where only numbers are seen.
    pub version: Option<String>,
    /// How it is written, if all of it is understood.
    pub style: Option<Style>,
    /// Whether words stand before the version.
    worded: bool,
    /// Whether words stand right behind it.
    goes_on: bool,
}

/// How headings of versions are written, but for their level.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::lcm) struct Style {
    anchor: String,
    first: Option<(String, String)>,
    open: String,
    close: String,
    date: Option<(String, String, String)>,
    version: String,
}

impl Default for Style {
    fn default() -> Self {
        Self {
            anchor: String::new(),
            first: None,
            open: "[".to_owned(),
            close: "]".to_owned(),
            date: Some((" - ".to_owned(), String::new(), String::new())),
            version: String::new(),
        }
    }
}

impl Named {
    /// Reads what a heading says.
    pub fn of(line: &str) -> Option<Self> {
        if let Some(parts) = WHOLE.as_ref()?.captures(line) {
            let name = part(&parts, "name").trim().to_lowercase();
            let worded = !matches!(name.as_str(), "" | "version" | "release");
            let version = Some(part(&parts, "version").to_owned());
            return Some(Self { version, style: Some(Style::of(&parts)), worded, goes_on: false });
        }
        if let Some(parts) = NAMING.as_ref()?.captures(line).filter(|p| part(p, "name").is_empty()) {
            let behind = line.get(parts.get_match().end()..).unwrap_or_default().trim_start();
            let goes_on = behind.starts_with(|c: char| c.is_alphanumeric());
            let version = Some(part(&parts, "version").to_owned());
            return Some(Self { version, style: None, worded: false, goes_on });
        }
        let numbers = line.contains(|c: char| c.is_ascii_digit());
        numbers.then_some(Self { version: None, style: None, worded: true, goes_on: true })
    }

    /// Whether it begins with the version.
    pub fn is_bare(&self) -> bool {
        self.version.is_some() && !self.worded
    }

    /// Whether the section is that of a version: as it is written, or else with zeros for what is missing.
    pub fn is(&self, version: &Version, exactly: bool) -> bool {
        let Some(own) = self.version.as_deref().filter(|_| !self.goes_on) else { return false };
        own == version.to_string() || !exactly && Version::meant(own).as_ref() == Some(version)
    }
}

impl Style {
    fn of(parts: &Captures<'_>) -> Self {
        let text = |name: &str| part(parts, name).to_owned();
        let first = parts.name("first").map(|first| (first.as_str().to_owned(), text("between")));
        Self {
            anchor: text("anchor"),
            first,
            open: text("name") + part(parts, "open"),
            close: text("close"),
            date: parts.name("date").map(|date| (text("gap"), date.as_str().to_owned(), text("after"))),
            version: text("version"),
        }
    }

    /// The same for another version. Where its link leads nobody knows; it has none.
    pub fn line(&self, version: &Version, on: Date) -> String {
        let day = |like: &str| on.to_string().replace('-', if like.contains('/') { "/" } else { "-" });
        let version = version.to_string();
        let mut line = String::new();
        if !self.anchor.is_empty() && self.anchor.contains(&self.version) {
            line.push_str(&self.anchor.replace(&self.version, &version));
        }
        if let Some((like, between)) = &self.first {
            line.push_str(&format!("{}{between}", day(like)));
        }
        line.push_str(&format!("{}{version}{}", self.open, self.close));
        if let Some((gap, like, after)) = &self.date {
            line.push_str(&format!("{gap}{}{after}", day(like)));
        }
        line
    }
}

fn part<'t>(parts: &Captures<'t>, name: &str) -> &'t str {
    parts.name(name).map_or("", |part| part.as_str())
}
