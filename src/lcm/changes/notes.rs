//! The notes of one version, read into changes: by the headings that they stand below, and by what each line
//! says of itself.

use super::category::{self, Category};
use super::change::{Kind, Weight};
use super::found::{Found, Told};
use super::markdown::{self, Block, BlockKind};
use super::marker::Marked;
use super::plain;
use super::reach::Span;
use crate::lcm::artifacthub::Link;
use crate::lcm::outline::Named;

/// Whose notes they are.
#[derive(Clone, Copy)]
pub(super) struct Whose<'a> {
    /// The version, as its source writes it.
    pub version: &'a str,
    /// Where people read the notes.
    pub link: Option<&'a Link>,
    /// What is wanted, where notes may speak of other versions too: their sections are passed over.
    pub span: Option<&'a Span<'a>>,
}

/// Reads the notes of a version.
pub(super) fn read(notes: &str, whose: Whose<'_>, found: &mut Found) {
    let before = found.changes.len();
    let mut reader = Reader {
        whose,
        found,
        headings: Vec::new(),
        lead: None,
        is_detail: false,
        first: None,
        title: String::new(),
    };
    markdown::read(notes, &mut |block| reader.block(block));
    reader.settle_lead();
    // Notes of one sentence are all that there is to be told.
    if let Some(first) = reader.first.take()
        && reader.found.changes.len() == before
    {
        reader.tell(&first.text, Kind::Other, None, first.links);
    }
}

struct Reader<'a, 'f> {
    whose: Whose<'a>,
    found: &'f mut Found,
    /// The headings that are open, with their levels.
    headings: Vec<(usize, Category)>,
    /// A heading among evidence, which is told with what stands below it.
    lead: Option<Lead>,
    /// Whether what follows only explains what was told.
    is_detail: bool,
    /// The first paragraph.
    first: Option<Block>,
    /// The last heading.
    title: String,
}

impl Reader<'_, '_> {
    fn category(&self) -> Category {
        self.headings.last().map_or(Category::Open, |(_, category)| *category)
    }

    fn block(&mut self, block: Block) {
        match block.kind {
            BlockKind::Heading(level) => self.heading(level, &block),
            BlockKind::Paragraph => self.paragraph(block),
            BlockKind::Item { nested, introduces } => self.item(block, nested, introduces),
        }
    }

    fn heading(&mut self, level: usize, block: &Block) {
        let marked = category::of(&block.text);
        if block.kind.is_makeshift() && self.is_detail && !marked.is_some_and(|(_, whole)| whole) {
            return;
        }
        self.settle_lead();
        self.is_detail = false;
        while self.headings.last().is_some_and(|(above, _)| *above >= level) {
            self.headings.pop();
        }
        let above = self.category();
        let own = match marked {
            _ if above == Category::Aside || self.is_of_another_version(&block.text) => Category::Aside,
            Some((category, whole)) if whole || !above.is_evidence() => category,
            _ => {
                // In brackets stands what says nothing by itself.
                if above.is_evidence() && !block.text.starts_with('(') {
                    let text = block.text.trim_end_matches(':').to_owned();
                    self.lead = Some(Lead { text, is_told: false });
                }
                above
            }
        };
        self.headings.push((level, own));
        self.title = block.text.clone();
    }

    /// Whether a heading opens the section of a version that is not wanted.
    fn is_of_another_version(&self, heading: &str) -> bool {
        let Some(span) = self.whose.span else { return false };
        let named = Named::of(heading).filter(Named::is_bare);
        let version = named.and_then(|named| named.version);
        version.is_some_and(|version| span.is_below(&version))
    }

    fn paragraph(&mut self, block: Block) {
        let category = self.category();
        if category == Category::Aside {
            return;
        }
        let marked = Marked::of(&block.text);
        let (kind, weight) = marked.kind(category);
        if marked.breaks.is_some() || category.is_evidence() && !self.is_detail {
            let has_lead = self.lead.is_some();
            self.tell_below_lead(marked.text, kind, weight, block.links);
            self.is_detail |= has_lead;
        } else if kind == Kind::Security && !category.is_evidence() {
            self.tell(marked.text, kind, weight, block.links);
        } else if self.first.is_none() && !block.text.to_lowercase().starts_with("full changelog") {
            self.first = Some(block);
        }
    }

    fn item(&mut self, block: Block, nested: bool, introduces: bool) {
        let category = self.category();
        let marked = Marked::of(&block.text);
        let says_so = marked.breaks.is_some();
        if category == Category::Aside && !says_so || introduces {
            return;
        }
        if (nested || self.is_detail) && !says_so {
            return;
        }
        let (kind, weight) = marked.kind(category);
        self.tell_below_lead(marked.text, kind, weight, block.links);
    }

    /// Tells a line of a section, together with its heading; the next one of the section has the same.
    fn tell_below_lead(&mut self, text: &str, kind: Kind, weight: Option<Weight>, links: Vec<Link>) {
        if category::is_nothing(text) {
            return;
        }
        match &mut self.lead {
            Some(lead) => {
                lead.is_told = true;
                let text = format!("{}: {text}", lead.text);
                self.tell(&text, kind, weight, links);
            }
            None => self.tell(text, kind, weight, links),
        }
    }

    /// A heading that nothing was told below is told by itself.
    fn settle_lead(&mut self) {
        if let Some(lead) = self.lead.take().filter(|lead| !lead.is_told)
            && let Category::Of(kind, weight) = self.category()
            && !category::is_nothing(&lead.text)
        {
            self.tell(&lead.text, kind, weight, Vec::new());
        }
    }

    fn tell(&mut self, text: &str, kind: Kind, weight: Option<Weight>, mut links: Vec<Link>) {
        if links.is_empty() {
            links.extend(self.whose.link.cloned());
        }
        // A mere address is called by the heading that it stands below.
        let is_address = text.split_whitespace().all(|word| word.starts_with("http"));
        let title = std::mem::take(&mut self.title);
        let text = if is_address { title.as_str() } else { text };
        self.found.tell(Told { version: self.whose.version, kind, text, links, weight });
        self.title = title;
    }
}

/// A heading among evidence.
struct Lead {
    text: String,
    /// Whether something below it was told.
    is_told: bool,
}

/// The link to a version's notes.
pub(super) fn link(version: &str, address: Option<&str>) -> Option<Link> {
    plain::link(version, address?)
}

#[cfg(test)]
#[path = "notes_tests.rs"]
mod tests;
