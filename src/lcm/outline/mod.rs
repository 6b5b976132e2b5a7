//! What a changelog consists of: its blocks, and which of its headings are of versions.
//!
//! Markdown is read by a reader of Markdown, so that comments, fences, quotes and lists hide what stands
//! in them. What is written, and where, is left to `changelog` and `place`.

use std::ops::Range;

use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag};

mod style;

pub(in crate::lcm) use style::{Named, Style};

/// A block of the text that is in no other one.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::lcm) struct Block {
    /// From the start of its first line to behind the break of its last.
    pub range: Range<usize>,
    /// What it is.
    pub kind: Kind,
}

/// What a block is.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::lcm) enum Kind {
    /// A heading, with its level.
    Heading(usize),
    /// A paragraph.
    Paragraph,
    /// A list: what stands before its items' texts, as `- ` or `  * `; nothing for a numbered one.
    List(Option<(String, char)>),
    /// A comment, with its end.
    Comment,
    /// Other HTML.
    Html,
    /// Fences, quotes, tables, and comments without an end.
    Other,
}

/// What a heading is for.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::lcm) enum Role {
    /// The section of a version.
    Version(Box<Named>),
    /// What is not released yet.
    Unreleased,
    /// Anything else.
    Other,
}

/// A heading.
#[derive(Debug, Clone)]
pub(in crate::lcm) struct Heading {
    /// The number of its block.
    pub block: usize,
    /// From one on.
    pub level: usize,
    /// What it says, without its marks.
    pub text: String,
    /// What it is for.
    pub role: Role,
    /// Whether it is underlined, and by what.
    pub underline: Option<char>,
}

/// A changelog, read.
pub(in crate::lcm) struct Outline<'t> {
    /// All of it.
    pub text: &'t str,
    /// Where Markdown begins: behind a byte order mark and the front matter.
    pub start: usize,
    /// Its blocks, in order.
    pub blocks: Vec<Block>,
    /// Its headings, in order.
    pub headings: Vec<Heading>,
}

impl<'t> Outline<'t> {
    /// Reads a changelog.
    pub fn of(text: &'t str) -> Self {
        let start = body(text);
        let blocks = blocks(text, start);
        let mut headings: Vec<Heading> =
            blocks.iter().enumerate().filter_map(|(number, block)| heading(text, number, block)).collect();
        settle(&mut headings);
        Self { text, start, blocks, headings }
    }

    /// The headings of versions, in order.
    pub fn versions(&self) -> impl Iterator<Item = (&Heading, &Named)> {
        self.headings.iter().filter_map(|heading| match &heading.role {
            Role::Version(named) => Some((heading, named.as_ref())),
            _ => None,
        })
    }

    /// The numbers of the blocks below a heading, up to the next one of its level or of a version.
    pub fn section(&self, of: &Heading) -> Range<usize> {
        let ends = |next: &&Heading| {
            next.block > of.block && (next.level <= of.level || matches!(next.role, Role::Version(_)))
        };
        let end = self.headings.iter().find(ends).map_or(self.blocks.len(), |next| next.block);
        of.block + 1..end
    }

    /// The headings inside of a section.
    pub fn inside(&self, section: &Range<usize>) -> Vec<&Heading> {
        self.headings.iter().filter(|heading| section.contains(&heading.block)).collect()
    }

    /// Where a block begins and ends.
    pub fn range(&self, block: usize) -> Range<usize> {
        self.blocks.get(block).map_or(self.text.len()..self.text.len(), |block| block.range.clone())
    }
}

/// Where the Markdown begins. Between `---` and `---` at the very beginning stands something else.
fn body(text: &str) -> usize {
    let start = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let mut at = start;
    for (number, line) in text.get(start..).unwrap_or_default().split_inclusive('\n').enumerate() {
        at += line.len();
        match (number, line.trim_end()) {
            (0, "---") => {}
            (0, _) | (1, "") => break,
            (_, "---") => return at,
            _ => {}
        }
    }
    start
}

fn blocks(text: &str, start: usize) -> Vec<Block> {
    let markdown = text.get(start..).unwrap_or_default();
    let mut found = Vec::new();
    let mut depth = 0_usize;
    for (event, range) in Parser::new_ext(markdown, Options::ENABLE_TABLES).into_offset_iter() {
        let outermost = depth == 0;
        let tag = match event {
            Event::Start(tag) => {
                depth += 1;
                Some(tag)
            }
            Event::End(_) => {
                depth = depth.saturating_sub(1);
                continue;
            }
            _ => None,
        };
        if outermost {
            let range = whole_lines(text, start + range.start..start + range.end);
            let kind = tag.map_or(Kind::Other, |tag| kind(&tag, text.get(range.clone()).unwrap_or_default()));
            found.push(Block { range, kind });
        }
    }
    found
}

fn whole_lines(text: &str, range: Range<usize>) -> Range<usize> {
    let start = text.get(..range.start).and_then(|head| head.rfind('\n')).map_or(0, |at| at + 1);
    let start = if text.starts_with('\u{feff}') { start.max('\u{feff}'.len_utf8()) } else { start };
    let own = text.get(range.clone()).unwrap_or_default();
    let last = range.start + own.trim_end().len();
    let end = text.get(last..).and_then(|tail| tail.find('\n')).map_or(text.len(), |at| last + at + 1);
    start..end
}

fn kind(tag: &Tag<'_>, own: &str) -> Kind {
    match tag {
        Tag::Heading { level, .. } => Kind::Heading(number(*level)),
        Tag::Paragraph => Kind::Paragraph,
        Tag::List(None) => {
            let bare = own.trim_start_matches(' ');
            let indent = own.len() - bare.len();
            Kind::List(bare.chars().next().map(|mark| (" ".repeat(indent), mark)))
        }
        Tag::List(Some(_)) => Kind::List(None),
        Tag::HtmlBlock if own.trim_start().starts_with("<!--") => {
            if own.rfind("-->") > own.rfind("<!--") {
                Kind::Comment
            } else {
                Kind::Other
            }
        }
        Tag::HtmlBlock => Kind::Html,
        _ => Kind::Other,
    }
}

fn number(level: HeadingLevel) -> usize {
    level as usize
}

fn heading(text: &str, number: usize, block: &Block) -> Option<Heading> {
    let Kind::Heading(level) = block.kind else { return None };
    let raw = text.get(block.range.clone()).unwrap_or_default().trim();
    let (line, underline) = if raw.starts_with('#') {
        (raw.trim_start_matches('#').trim().trim_end_matches('#'), None)
    } else {
        let (line, below) = raw.rsplit_once('\n').unwrap_or((raw, "-"));
        (line, below.trim().chars().next())
    };
    let line = line.trim().to_owned();
    let role = if is_unreleased(&line) {
        Role::Unreleased
    } else {
        Named::of(&line).map_or(Role::Other, |named| Role::Version(Box::new(named)))
    };
    Some(Heading { block: number, level, text: line, role, underline })
}

fn is_unreleased(line: &str) -> bool {
    let bare = line.trim_start_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
    let word = bare.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
    matches!(word, "unreleased" | "upcoming" | "next")
}

/// Takes back what looks like a version but is the title, a group of versions, or a subject in a section.
fn settle(headings: &mut [Heading]) {
    let is_title = headings.split_first().is_some_and(|(first, others)| is_title(first, others));
    if let (true, Some(first)) = (is_title, headings.first_mut()) {
        first.role = Role::Other;
    }
    // The level of the topmost sections of some kind.
    let least = |of: &dyn Fn(&Named) -> bool| {
        let levels = headings.iter().filter_map(|heading| match &heading.role {
            Role::Version(named) if of(named) => Some(heading.level),
            _ => None,
        });
        levels.min()
    };
    let base = least(&|named| named.is_bare()).or_else(|| least(&|named| named.version.is_some()));
    let base = base.or_else(|| least(&|_| true)).unwrap_or(1);
    let mut section = None;
    for heading in headings {
        let nested = section.is_some_and(|level| heading.level > level);
        let counts = match &heading.role {
            Role::Version(named) if named.is_bare() => !nested || named.style.is_some(),
            Role::Version(named) if named.version.is_some() => !nested && heading.level >= base,
            Role::Version(_) => !nested && heading.level == base,
            Role::Unreleased => !nested,
            Role::Other => false,
        };
        if counts {
            section = Some(heading.level);
        } else {
            heading.role = Role::Other;
            section = section.filter(|_| nested);
        }
    }
}

/// Whether the first heading speaks of all that follows, though it has a number in it.
fn is_title(first: &Heading, others: &[Heading]) -> bool {
    let Role::Version(named) = &first.role else { return false };
    let versions =
        |heading: &Heading| matches!(&heading.role, Role::Version(named) if named.version.is_some());
    first.level == 1
        && !named.is_bare()
        && others.iter().all(|other| other.level > 1)
        && (named.version.is_none()
            || others.iter().any(versions)
            || first.text.to_lowercase().contains("changelog"))
}

/// How the sections of versions that are there are headed: the first one that is wholly understood, with
/// its level and underline.
pub(in crate::lcm) fn style<'o>(outline: &'o Outline<'_>) -> Option<(&'o Heading, &'o Style)> {
    outline.versions().find_map(|(heading, named)| Some((heading, named.style.as_ref()?)))
}
