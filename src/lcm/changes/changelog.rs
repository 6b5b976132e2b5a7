//! What a changelog says in the sections between two versions, in whatever style it is written: headings of
//! versions are recognised as for writing one ([`crate::lcm::bump`]).

use std::ops::Range;

use super::found::Found;
use super::notes::{self, Whose};
use super::reach::{Reach, Unreached};
use crate::lcm::outline::{Heading, Outline, Role};

/// So many bytes of a changelog are read: the newest versions stand above.
const MOST: usize = 4 * 1024 * 1024;

/// What changed in the sections above the version in use, up to the newer one. `address` is where people read
/// the file.
///
/// # Errors
/// When an end is no version.
pub fn between(reach: Reach<'_>, text: &str, address: Option<&str>) -> Result<Found, Unreached> {
    let span = reach.alone()?;
    let read = text.get(..text.floor_char_boundary(MOST)).unwrap_or_default();
    let mut found = Found { cut: usize::from(read.len() < text.len()), ..Found::default() };
    let outline = Outline::of(read);
    let names: Vec<(Range<usize>, &Heading, &str)> = sections(&outline);
    let of_it = |heading: &Heading| reach.name.is_none_or(|name| is_named(heading, name));
    // A changelog may tell of several things: then only sections that name the wanted one count.
    let named = names.iter().any(|(_, heading, version)| span.holds_version(version) && of_it(heading));
    let named = named && reach.name.is_some();
    for (range, heading, version) in names {
        if span.holds_version(version) && (!named || of_it(heading)) {
            let own = first_address(&heading.text);
            let link = notes::link(version, own.or(address));
            let section = read.get(range).unwrap_or_default();
            notes::read(section, Whose { version, link: link.as_ref(), span: None }, &mut found);
        }
    }
    Ok(found)
}

/// The sections of versions: each from behind its heading up to the next version's, or to a heading above
/// all versions. Headings of the same level that name no version are part of it.
fn sections<'o>(outline: &'o Outline<'_>) -> Vec<(Range<usize>, &'o Heading, &'o str)> {
    let mut all: Vec<(Range<usize>, &Heading, &str)> = Vec::new();
    let mut open = false;
    for heading in &outline.headings {
        let begin = outline.range(heading.block);
        let ends = match (&heading.role, all.last()) {
            (Role::Version(_) | Role::Unreleased, _) => true,
            (Role::Other, Some((_, above, _))) => heading.level < above.level,
            (Role::Other, None) => false,
        };
        if ends
            && std::mem::take(&mut open)
            && let Some((range, _, _)) = all.last_mut()
        {
            range.end = begin.start;
        }
        if let Role::Version(named) = &heading.role
            && let Some(version) = named.version.as_deref()
        {
            all.push((begin.end..outline.text.len(), heading, version));
            open = true;
        }
    }
    all
}

/// Whether the heading of a version also says whose it is.
fn is_named(heading: &Heading, name: &str) -> bool {
    let text = heading.text.to_lowercase();
    let name = name.to_lowercase();
    let begins = |rest: &str| rest.starts_with(|c: char| !c.is_alphanumeric() || c == 'v');
    text.trim_start_matches(|c: char| !c.is_alphanumeric()).strip_prefix(name.as_str()).is_some_and(begins)
}

/// The address that a heading links to.
fn first_address(heading: &str) -> Option<&str> {
    let at = heading.find("](http")? + 2;
    let rest = heading.get(at..)?;
    rest.split(')').next()
}

#[cfg(test)]
#[path = "changelog_tests.rs"]
mod tests;
