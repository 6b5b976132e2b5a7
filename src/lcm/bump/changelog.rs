//! The product's changelog: an entry above those that are there, written as they are.
//!
//! The entry goes into the section of its version if there is one, else into a new one above the topmost,
//! in its style. Where that can't be told it goes below the title. Every line that was there stays.

mod place;

use jiff::civil::Date;

use self::place::Place;
use super::types::Moving;
use crate::lcm::outline::{self, Kind, Named, Outline, Style};
use crate::model::{File, Tree};
use crate::version::Version;

/// Its file in the folder of a product that has none yet.
const FILE: &str = "CHANGELOG.md";

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

/// Whether a path in a product's folder is that of its changelog, in any case.
pub(super) fn is(path: &str) -> bool {
    path.eq_ignore_ascii_case(FILE)
}

/// The path of a product's changelog in its folder, and the file if it is there.
pub(super) fn file(folder: &Tree) -> (&str, Option<&File>) {
    let other = || folder.iter().find(|(path, _)| is(path));
    match folder.get(FILE).map(|file| (FILE, file)).or_else(other) {
        Some((path, file)) => (path, Some(file)),
        None => (FILE, None),
    }
}

/// The text with an entry more: a section of its own above the first one of a version, or lines in the
/// section that this version has already.
pub(super) fn written(before: Option<&str>, entry: &Entry<'_>) -> String {
    let text = before.unwrap_or(HEAD);
    let outline = Outline::of(text);
    let of = |exactly| move |(_, named): &(_, &Named)| named.is(entry.version, exactly);
    let own = outline.versions().find(of(true)).or_else(|| outline.versions().find(of(false)));
    let lists = outline.blocks.iter().find_map(|block| match &block.kind {
        Kind::List(Some((_, mark))) => Some((String::new(), *mark)),
        _ => None,
    });
    let usual = lists.unwrap_or((String::new(), '-'));
    match own.map(|(heading, _)| place::own(&outline, heading)) {
        Some(Place::Items(at, mark)) => put(text, at, &bullets(&mark.unwrap_or(usual), entry), false),
        Some(Place::Block(at)) => put(text, at, &bullets(&usual, entry), true),
        Some(Place::Category(at, level)) => {
            let changed = format!("{} Changed\n\n{}", "#".repeat(level), bullets(&usual, entry));
            put(text, at, &changed, true)
        }
        None => {
            let category = category(&outline).or(before.is_none().then_some(3));
            let category = category.map(|level| format!("{} Changed\n\n", "#".repeat(level)));
            let heading = heading(&outline, entry);
            let section = format!("{heading}\n\n{}{}", category.unwrap_or_default(), bullets(&usual, entry));
            put(text, place::section(&outline), &section, true)
        }
    }
}

/// The heading of a new section, as the others are.
fn heading(outline: &Outline<'_>, entry: &Entry<'_>) -> String {
    let first = outline.versions().next().map(|(heading, _)| heading.level);
    let Some((like, style)) = outline::style(outline) else {
        let line = Style::default().line(entry.version, entry.on);
        return format!("{} {line}", "#".repeat(first.unwrap_or(2)));
    };
    let line = style.line(entry.version, entry.on);
    match like.underline {
        Some(mark) => format!("{line}\n{}", mark.to_string().repeat(line.chars().count())),
        None => format!("{} {line}", "#".repeat(like.level)),
    }
}

/// The level of the headings inside of versions' sections, if there are any.
fn category(outline: &Outline<'_>) -> Option<usize> {
    let mut inside = outline.versions().flat_map(|(heading, _)| outline.inside(&outline.section(heading)));
    inside.next().map(|heading| heading.level)
}

fn bullets((indent, mark): &(String, char), entry: &Entry<'_>) -> String {
    let mut out = if entry.from == entry.to {
        format!("{indent}{mark} `{}` {}: its digest\n", entry.moving, entry.to)
    } else {
        format!("{indent}{mark} `{}` {} -> {}\n", entry.moving, entry.from, entry.to)
    };
    for line in entry.evidence {
        // A line of somebody else's is one line here, and steers no terminal.
        let line: String = line.trim().chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        if !line.is_empty() {
            out.push_str(&format!("{indent}  {mark} {line}\n"));
        }
    }
    out
}

/// The text with lines more, in its own line breaks; as a block of their own, if asked, with blank lines
/// around them.
fn put(text: &str, at: usize, new: &str, apart: bool) -> String {
    let (head, tail) = text.split_at_checked(at).unwrap_or((text, ""));
    let above = head.trim_start_matches('\u{feff}');
    let mut block = String::new();
    if !above.is_empty() && !above.ends_with('\n') {
        block.push('\n');
    }
    let is_blank = |line: Option<&str>| line.is_none_or(|line| line.trim().is_empty());
    if apart && !is_blank(above.lines().next_back()) {
        block.push('\n');
    }
    block.push_str(new);
    if apart && !is_blank(tail.lines().next()) {
        block.push('\n');
    }
    let block = if text.contains("\r\n") { block.replace('\n', "\r\n") } else { block };
    format!("{head}{block}{tail}")
}

#[cfg(test)]
mod tests;
