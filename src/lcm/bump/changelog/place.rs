//! Where in a changelog something new may stand, and whether the place has to be set apart.

use std::ops::Range;

use crate::lcm::outline::{Heading, Kind, Named, Outline, Role};

/// A place for new lines.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Place {
    /// Right below the items of a list that has this indent and mark.
    Items(usize, Option<(String, char)>),
    /// A block of its own, with blank lines around it.
    Block(usize),
    /// A block of its own that needs a heading for its category, of this level.
    Category(usize, usize),
}

/// The longest first line of a paragraph that stands for a heading.
const SHORT: usize = 40;

/// Where a new section of a version begins: above the topmost one, or else below what is unreleased, or else
/// below the title.
pub(super) fn section(outline: &Outline<'_>) -> usize {
    if let Some((first, _)) = outline.versions().next() {
        return outline.range(first.block).start;
    }
    let unreleased = outline.headings.iter().find(|heading| heading.role == Role::Unreleased);
    unreleased.and_then(|heading| below_unreleased(outline, heading)).unwrap_or_else(|| title(outline))
}

/// Behind what is unreleased, if nothing in it can be a version's.
fn below_unreleased(outline: &Outline<'_>, heading: &Heading) -> Option<usize> {
    let section = outline.section(heading);
    if section.end < outline.blocks.len() {
        return Some(outline.range(section.end).start);
    }
    let plain = |kind: &Kind| matches!(kind, Kind::Heading(_) | Kind::List(_) | Kind::Comment);
    let is_plain = outline.blocks.get(section.clone())?.iter().all(|block| plain(&block.kind));
    is_plain.then(|| outline.range(section.end - 1).end)
}

/// Behind the title and the text below it.
fn title(outline: &Outline<'_>) -> usize {
    let mut end = outline.start;
    let mut titled = false;
    for (number, block) in outline.blocks.iter().enumerate() {
        let own = outline.text.get(block.range.clone()).unwrap_or_default();
        let belongs = match block.kind {
            Kind::Heading(_) => {
                let role = outline.headings.iter().find(|heading| heading.block == number).map(|h| &h.role);
                !std::mem::replace(&mut titled, true) && role == Some(&Role::Other)
            }
            Kind::Paragraph => !stands_for_a_heading(own),
            Kind::Comment => true,
            Kind::Html => !titled,
            Kind::List(_) | Kind::Other => false,
        };
        if !belongs {
            break;
        }
        end = block.range.end;
    }
    end
}

/// Whether a paragraph is what others write as a heading of a version: short, or bold, with numbers.
fn stands_for_a_heading(paragraph: &str) -> bool {
    let line = paragraph.trim().lines().next().unwrap_or_default();
    let bare = line.trim_matches(['*', '_', ' ']);
    let emphasized = bare.len() < line.trim().len();
    let named = Named::of(bare);
    named.as_ref().is_some_and(|named| emphasized || named.is_bare() || line.chars().count() <= SHORT)
}

/// Where lines go in the section of their version.
pub(super) fn own(outline: &Outline<'_>, heading: &Heading) -> Place {
    let section = outline.section(heading);
    let inside = outline.inside(&section);
    let direct = heading.block + 1..inside.first().map_or(section.end, |first| first.block);
    let Some(first) = inside.first().filter(|_| list(outline, &direct).is_none()) else {
        return among(outline, heading, &direct);
    };
    if let Some(changed) = inside.iter().find(|heading| is(heading, &["changed", "changes"])) {
        let next = inside.iter().find(|next| next.block > changed.block);
        let below = changed.block + 1..next.map_or(section.end, |next| next.block);
        return among(outline, changed, &below);
    }
    let other = inside.iter().find(|heading| heading.level == first.level && !is(heading, &["added"]));
    let last = outline.blocks.get(section.end - 1);
    let at = match (other, last) {
        (Some(other), _) => outline.range(other.block).start,
        (None, Some(last)) if matches!(last.kind, Kind::List(_)) => last.range.end,
        (None, _) => outline.range(first.block).start,
    };
    Place::Category(at, first.level)
}

/// Below the first list of some blocks, or else below the text that follows their heading.
fn among(outline: &Outline<'_>, heading: &Heading, blocks: &Range<usize>) -> Place {
    if let Some(place) = list(outline, blocks) {
        return place;
    }
    let own = outline.blocks.get(blocks.clone()).unwrap_or_default();
    let text = own.iter().take_while(|block| block.kind == Kind::Paragraph).last();
    Place::Block(text.map_or(outline.range(heading.block).end, |block| block.range.end))
}

fn list(outline: &Outline<'_>, blocks: &Range<usize>) -> Option<Place> {
    outline.blocks.get(blocks.clone())?.iter().find_map(|block| match &block.kind {
        Kind::List(mark) => Some(Place::Items(block.range.end, mark.clone())),
        _ => None,
    })
}

fn is(heading: &Heading, names: &[&str]) -> bool {
    let name = heading.text.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
    names.contains(&name.as_str())
}
