//! Release notes as what they consist of: headings, items of lists, paragraphs, each as plain text with its
//! links. Code, tables, pictures and HTML say nothing here.

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use super::plain;
use crate::lcm::artifacthub::Link;

/// So many bytes of a block's text are kept; more is never shown.
const LONGEST: usize = 4 * 1024;
/// So many links of a block are kept.
const MOST_LINKS: usize = 4;
/// A line in bold, or one that ends with a colon, of at most so many characters stands for a heading.
const SHORT: usize = 60;

/// The level of a bold line that stands for a heading, and of a line that ends with a colon.
const BOLD: usize = 7;
const COLON: usize = 8;

/// A block.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Block {
    /// What it is.
    pub kind: BlockKind,
    /// Its text, without markup.
    pub text: String,
    /// Where it links to.
    pub links: Vec<Link>,
}

/// What a block is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum BlockKind {
    /// A heading, with its level: 7 and 8 are lines that stand for one.
    Heading(usize),
    /// A paragraph.
    #[default]
    Paragraph,
    /// An item of a list.
    Item {
        /// Whether it is one of another item that has words of its own.
        nested: bool,
        /// Whether it only introduces the items below it.
        introduces: bool,
    },
}

impl BlockKind {
    /// Whether it is a line that only stands for a heading.
    pub fn is_makeshift(self) -> bool {
        matches!(self, Self::Heading(BOLD..))
    }
}

/// Reads Markdown, block by block.
pub(super) fn read(markdown: &str, each: &mut dyn FnMut(Block)) {
    let mut reader = Reader { each, open: Vec::new(), skipped: 0, quiet: 0 };
    for event in Parser::new_ext(markdown, Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH) {
        reader.event(event);
    }
}

/// A block that is not closed yet.
#[derive(Default)]
struct Open {
    block: Block,
    /// Whether it was handed over before its end, when items of its own began.
    done: bool,
    /// The bytes of its text that are bold.
    bold: usize,
    /// How deep in bold text it is.
    bolds: usize,
    /// The link that is open: its address, and where its text begins.
    link: Option<(String, usize)>,
}

struct Reader<'e> {
    each: &'e mut dyn FnMut(Block),
    open: Vec<Open>,
    /// How deep it is in blocks that say nothing.
    skipped: usize,
    /// How deep it is in pictures.
    quiet: usize,
}

impl Reader<'_> {
    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Start(Tag::CodeBlock(_) | Tag::Table(_) | Tag::MetadataBlock(_)) => self.skipped += 1,
            Event::End(TagEnd::CodeBlock | TagEnd::Table | TagEnd::MetadataBlock(_)) => {
                self.skipped = self.skipped.saturating_sub(1);
            }
            _ if self.skipped > 0 => {}
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) => self.push(&text),
            Event::Code(code) => self.push(&format!("`{code}`")),
            Event::SoftBreak | Event::HardBreak | Event::InlineHtml(_) => self.push(" "),
            _ => {}
        }
    }

    fn start(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::Heading { level, .. } => self.begin(BlockKind::Heading(level as usize)),
            // A paragraph of an item is its text.
            Tag::Paragraph => match self.open.last() {
                Some(item) if !item.done => self.push(" "),
                Some(_) => {}
                None => self.begin(BlockKind::Paragraph),
            },
            Tag::List(_) => self.introduce(),
            Tag::Item => {
                let nested = self.open.last().is_some_and(|above| match above.block.kind {
                    BlockKind::Item { nested, introduces } => nested || !introduces,
                    _ => false,
                });
                self.begin(BlockKind::Item { nested, introduces: false });
            }
            Tag::Strong => self.top(|open| open.bolds += 1),
            Tag::Link { dest_url, .. } => {
                self.top(|open| open.link = Some((dest_url.to_string(), open.block.text.len())));
            }
            Tag::Image { .. } => self.quiet += 1,
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Heading(_) | TagEnd::Item => self.close(),
            TagEnd::Paragraph if self.open.last().is_some_and(|o| o.block.kind == BlockKind::Paragraph) => {
                self.close();
            }
            TagEnd::Strong => self.top(|open| open.bolds = open.bolds.saturating_sub(1)),
            TagEnd::Link => self.top(|open| {
                let Some((address, from)) = open.link.take() else { return };
                let name = open.block.text.get(from..).unwrap_or_default();
                if open.block.links.len() < MOST_LINKS
                    && let Some(link) = plain::link(name, &address)
                {
                    open.block.links.push(link);
                }
            }),
            TagEnd::Image => self.quiet = self.quiet.saturating_sub(1),
            _ => {}
        }
    }

    fn top(&mut self, change: impl FnOnce(&mut Open)) {
        if let Some(open) = self.open.last_mut() {
            change(open);
        }
    }

    fn begin(&mut self, kind: BlockKind) {
        self.open.push(Open { block: Block { kind, ..Block::default() }, ..Open::default() });
    }

    fn push(&mut self, text: &str) {
        if self.quiet > 0 {
            return;
        }
        self.top(|open| {
            if !open.done && open.block.text.len() < LONGEST {
                let text = text.get(..text.floor_char_boundary(LONGEST)).unwrap_or_default();
                open.block.text.push_str(text);
                open.bold += if open.bolds > 0 { text.len() } else { 0 };
            }
        });
    }

    /// Items begin inside of an item: its own text is complete.
    fn introduce(&mut self) {
        let Some(open) = self.open.last_mut().filter(|open| !open.done) else { return };
        if let BlockKind::Item { introduces, .. } = &mut open.block.kind {
            let text = open.block.text.trim();
            *introduces = text.is_empty() || text.ends_with(':');
            open.done = true;
            let block = open.block.clone();
            (self.each)(finished(block));
        }
    }

    fn close(&mut self) {
        let Some(open) = self.open.pop().filter(|open| !open.done) else { return };
        let mut block = finished(open.block);
        if block.kind == BlockKind::Paragraph {
            let text = block.text.trim();
            let is_short = text.chars().count() <= SHORT;
            // Bold but for a colon behind it.
            if is_short && open.bold > 0 && open.bold + 1 >= text.len() {
                block.kind = BlockKind::Heading(BOLD);
            } else if is_short && text.ends_with(':') {
                block.kind = BlockKind::Heading(COLON);
            }
        }
        (self.each)(block);
    }
}

/// The block with addresses in its text as links, and without what forges put behind a title.
fn finished(mut block: Block) -> Block {
    let mut text = block.text.trim();
    for word in text.split_whitespace().filter(|word| word.contains("http")) {
        let from = word.find("http").unwrap_or(0);
        let address =
            word.get(from..).unwrap_or_default().trim_end_matches(['.', ',', ';', ':', ')', ']', '>', '!']);
        let known = block.links.iter().any(|link| link.url == address);
        if !known && block.links.len() < MOST_LINKS {
            block.links.extend(plain::link(&called(address), address));
        }
    }
    // GitHub: "TITLE by @somebody in ADDRESS".
    if let Some((title, rest)) = text.rsplit_once(" by @")
        && rest.split_once(" in ").is_some_and(|(_, address)| address.trim_start().starts_with("http"))
    {
        text = title;
    }
    // GitHub: quotes that are alerts.
    if let Some(rest) = text.strip_prefix("[!")
        && let Some((_, rest)) = rest.split_once(']')
    {
        text = rest.trim_start();
    }
    block.text = text.trim().to_owned();
    block
}

/// What a page of a forge is called: `#12` for requests and issues.
fn called(address: &str) -> String {
    let parts: Vec<&str> = address.trim_end_matches('/').rsplitn(3, '/').collect();
    match parts.as_slice() {
        [number, "pull" | "issues" | "merge_requests", _]
            if !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()) =>
        {
            format!("#{number}")
        }
        _ => address.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(markdown: &str) -> Vec<(BlockKind, String)> {
        let mut all = Vec::new();
        read(markdown, &mut |block| all.push((block.kind, block.text)));
        all
    }

    const ITEM: BlockKind = BlockKind::Item { nested: false, introduces: false };

    #[test]
    fn headings_items_and_paragraphs_in_order() {
        let all =
            texts("## A\n\nText *with* `code`\nand more.\n\n* one\n* [two](https://x.example/2)\n\n  more\n");
        let expected = [
            (BlockKind::Heading(2), "A"),
            (BlockKind::Paragraph, "Text with `code` and more."),
            (ITEM, "one"),
            (ITEM, "two more"),
        ];
        assert_eq!(all, expected.map(|(kind, text)| (kind, text.to_owned())));
    }

    #[test]
    fn items_of_items_come_behind_them_and_know_it() {
        let all = texts("- a\n  - b\n- Chart:\n  - c\n    - d\n");
        let item = |nested, introduces| BlockKind::Item { nested, introduces };
        let expected = [
            (item(false, false), "a"),
            (item(true, false), "b"),
            (item(false, true), "Chart:"),
            (item(false, false), "c"),
            (item(true, false), "d"),
        ];
        assert_eq!(all, expected.map(|(kind, text)| (kind, text.to_owned())));
    }

    #[test]
    fn bold_lines_and_lines_with_a_colon_stand_for_headings() {
        let all = texts("**Breaking changes**\n\nImages:\n\n**Note** that\n\n**Fixed**:\n");
        let kinds: Vec<BlockKind> = all.into_iter().map(|(kind, _)| kind).collect();
        let heading = BlockKind::Heading;
        assert_eq!(kinds, [heading(BOLD), heading(COLON), BlockKind::Paragraph, heading(BOLD)]);
    }

    #[test]
    fn code_tables_pictures_and_html_say_nothing() {
        let text = "```\n- a\n```\n\n| a | b |\n| - | - |\n| c | d |\n\n<!-- - x -->\n\n<div>y</div>\n\n![alt](https://x.example/p.png) z<br>w\n";
        assert_eq!(texts(text), [(BlockKind::Paragraph, "z w".to_owned())]);
    }

    #[test]
    fn links_are_taken_from_markup_and_from_bare_addresses() {
        let mut links = Vec::new();
        let text = "* [a](https://x.example/a) and (https://github.com/o/r/pull/12). <javascript:alert(1)> [b](data:x)\n";
        read(text, &mut |block| links.extend(block.links));
        let shown: Vec<String> = links.iter().map(|link| format!("{} {}", link.name, link.url)).collect();
        assert_eq!(shown, ["a https://x.example/a", "#12 https://github.com/o/r/pull/12"]);
    }

    #[test]
    fn what_github_puts_around_a_title_is_no_part_of_it() {
        let all = texts("* Fix it by @me in https://github.com/o/r/pull/1\n\n> [!WARNING]\n> Read this.\n");
        assert_eq!(all[0].1, "Fix it");
        assert_eq!(all[1], (BlockKind::Paragraph, "Read this.".to_owned()));
    }

    #[test]
    fn depth_and_length_cost_nothing() {
        let mut longest = 0;
        read(&"- ".repeat(50_000), &mut |block| longest = longest.max(block.text.len()));
        read(&"> ".repeat(50_000), &mut |block| longest = longest.max(block.text.len()));
        read(&format!("- {}", "word ".repeat(1_000_000)), &mut |block| {
            longest = longest.max(block.text.len())
        });
        assert!(longest <= 2 * LONGEST, "{longest}");
    }
}
