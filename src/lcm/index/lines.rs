//! What each line of a YAML text is: the begin of a node, text inside of a longer one, or nothing.
//!
//! Only as much of YAML is known here as it takes to be sure of that: where scalars of several lines and flow
//! collections end. Keys and values are handed out as they are written; what they mean is for others.

use memchr::{memchr, memchr2};

use super::error::Doubt;
use super::flow::Flow;

/// A line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line<'l> {
    /// Blanks, or a comment.
    Blank,
    /// The inside of something that began on a line before.
    Inside,
    /// `---` or `...`: a document begins or ends.
    Marker,
    /// Something begins.
    Start(Start<'l>),
}

/// A line on which something begins.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Start<'l> {
    /// How many spaces stand before it.
    pub indent: usize,
    /// Whether it begins with the dash of a list's item.
    pub dash: bool,
    /// The key, if it is one of a mapping; with its quotes, behind the dashes.
    pub key: Option<&'l [u8]>,
    /// What follows: the value, to the end of the line.
    pub value: &'l [u8],
    /// Whether nothing follows that is a value (an anchor, a tag and a comment are none).
    pub empty: bool,
}

/// What the next line stands in. A parent is the column that a line must be deeper than to belong to it.
#[derive(Debug)]
enum Inside {
    Nothing,
    /// A scalar without quotes, that may go on.
    Plain {
        parent: usize,
    },
    /// A scalar behind `|` or `>`.
    Block {
        parent: usize,
    },
    Quoted(u8),
    Flow(Flow),
}

/// Reads one line after another.
#[derive(Debug)]
pub(super) struct Lines {
    inside: Inside,
    /// The column of the last key or dash whose value comes on the lines below.
    pending: usize,
}

impl Lines {
    pub(super) fn new() -> Self {
        Self { inside: Inside::Nothing, pending: 0 }
    }

    /// What the text would break off in the middle of, if it ended here.
    pub(super) fn unfinished(&self) -> Option<&'static str> {
        match self.inside {
            Inside::Quoted(_) => Some("a quoted text"),
            Inside::Flow(_) => Some("a list or mapping in brackets"),
            _ => None,
        }
    }

    /// Reads a line, without its line break.
    pub(super) fn read<'l>(&mut self, line: &'l [u8]) -> Result<Line<'l>, Doubt> {
        let indent = spaces(line);
        let text = &line[indent..];
        match &mut self.inside {
            Inside::Nothing => {}
            Inside::Plain { parent } | Inside::Block { parent } if indent > *parent => {
                return Ok(Line::Inside);
            }
            Inside::Plain { .. } | Inside::Block { .. } => {}
            Inside::Quoted(quote) => {
                if let Some(end) = closing(*quote, line) {
                    self.inside = Inside::Nothing;
                    nothing_behind(&line[end..])?;
                }
                return Ok(Line::Inside);
            }
            Inside::Flow(flow) => {
                if let Some(end) = flow.read(line)? {
                    self.inside = Inside::Nothing;
                    nothing_behind(&line[end..])?;
                }
                return Ok(Line::Inside);
            }
        }
        match text.first() {
            None | Some(b'#') => return Ok(Line::Blank),
            Some(b'\t') if text.trim_ascii().is_empty() => return Ok(Line::Blank),
            Some(b'\t') => return Err(Doubt::Tabs),
            Some(b'-' | b'.') if indent == 0 && is_marker(text) => {
                self.inside = Inside::Nothing;
                return if is_nothing(&text[3..]) { Ok(Line::Marker) } else { Err(Doubt::Indentation) };
            }
            Some(b'%') if indent == 0 => return Err(Doubt::Directives),
            Some(0xEF) if text.starts_with("\u{FEFF}".as_bytes()) => return Err(Doubt::Mark),
            Some(_) => {}
        }
        self.inside = Inside::Nothing;
        self.start(line, indent).map(Line::Start)
    }

    fn start<'l>(&mut self, line: &'l [u8], indent: usize) -> Result<Start<'l>, Doubt> {
        let mut at = indent;
        let mut dash = None;
        while let [b'-', rest @ ..] = &line[at..]
            && matches!(rest.first(), None | Some(b' ' | b'\t'))
        {
            let blanks = spaces(rest);
            if rest.get(blanks) == Some(&b'\t') {
                return Err(Doubt::Tabs);
            }
            dash = Some(at);
            at += 1 + blanks;
        }
        let node = &line[at..];
        // The value of a dash belongs to the dash, one on a line of its own to the key above.
        let parent = dash.unwrap_or(self.pending);
        let mut start = Start { indent, dash: dash.is_some(), key: None, value: node, empty: false };
        match key(node)? {
            Some((key, value)) => {
                start.key = Some(key);
                start.value = value;
                start.empty = self.value(value, at)?;
            }
            None => start.empty = self.value(node, parent)?,
        }
        Ok(start)
    }

    /// Reads the begin of a value whose parent stands in that column. Returns whether there is none.
    fn value(&mut self, value: &[u8], parent: usize) -> Result<bool, Doubt> {
        let value = behind_properties(value);
        match value.first() {
            None | Some(b'#') => {
                self.pending = parent;
                return Ok(true);
            }
            Some(quote @ (b'"' | b'\'')) => match closing(*quote, &value[1..]) {
                Some(end) => nothing_behind(&value[1 + end..])?,
                None => self.inside = Inside::Quoted(*quote),
            },
            Some(b'[' | b'{') => {
                let mut flow = Flow::default();
                match flow.read(value)? {
                    Some(end) => nothing_behind(&value[end..])?,
                    None => self.inside = Inside::Flow(flow),
                }
            }
            Some(b'|' | b'>') => self.inside = Inside::Block { parent },
            Some(b'*') => {}
            Some(_) => self.inside = Inside::Plain { parent },
        }
        Ok(false)
    }
}

/// A key as written, and what follows its colon.
type Pair<'n> = (&'n [u8], &'n [u8]);

/// The key at the start of a node, and what follows its colon; nothing if the node is none of a mapping.
fn key(node: &[u8]) -> Result<Option<Pair<'_>>, Doubt> {
    let is_end = |next: Option<&u8>| matches!(next, None | Some(b' ' | b'\t'));
    let bare = behind_properties(node);
    let from = node.len() - bare.len();
    let colon = match bare.first() {
        None | Some(b'#' | b'[' | b'{' | b'|' | b'>') => return Ok(None),
        Some(b'?' | b':') if is_end(bare.get(1)) => return Err(Doubt::Keys),
        Some(quote @ (b'"' | b'\'')) => {
            let Some(end) = closing(*quote, &bare[1..]) else { return Ok(None) };
            let behind = from + 1 + end;
            let blanks = node[behind..].iter().take_while(|byte| is_blank(byte)).count();
            Some(behind + blanks).filter(|colon| node.get(*colon) == Some(&b':'))
        }
        Some(_) => plain_colon(node, from),
    };
    let Some(colon) = colon.filter(|colon| is_end(node.get(colon + 1))) else { return Ok(None) };
    Ok(Some((node[..colon].trim_ascii_end(), node[colon + 1..].trim_ascii_start())))
}

/// The first colon from `from` on with a blank or nothing behind it, unless a comment begins before.
fn plain_colon(node: &[u8], from: usize) -> Option<usize> {
    let mut before = b'x';
    for (at, &byte) in node.iter().enumerate().skip(from) {
        match byte {
            b':' if node.get(at + 1).is_none_or(is_blank) => return Some(at),
            b'#' if is_blank(&before) => return None,
            _ => before = byte,
        }
    }
    None
}

/// How many spaces a text begins with, eight looked at at once.
fn spaces(text: &[u8]) -> usize {
    let mut count = 0;
    while let Some(next) = text[count..].first_chunk::<8>() {
        let others = u64::from_le_bytes(*next) ^ u64::from_le_bytes([b' '; 8]);
        if others != 0 {
            return count + (others.trailing_zeros() / 8) as usize;
        }
        count += 8;
    }
    count + text[count..].iter().take_while(|byte| **byte == b' ').count()
}

/// What follows anchors and tags.
fn behind_properties(node: &[u8]) -> &[u8] {
    let mut rest = node;
    while let Some(b'&' | b'!') = rest.first() {
        let end = rest.iter().position(is_blank).unwrap_or(rest.len());
        rest = rest[end..].trim_ascii_start();
    }
    rest
}

/// Where a quoted scalar ends, behind its quote, if it does in this text (which begins inside of it).
pub(super) fn closing(quote: u8, text: &[u8]) -> Option<usize> {
    let mut at = 0;
    if quote == b'\'' {
        loop {
            at += memchr(b'\'', text.get(at..)?)? + 1;
            if text.get(at) != Some(&b'\'') {
                return Some(at);
            }
            at += 1;
        }
    }
    loop {
        let found = at + memchr2(b'"', b'\\', text.get(at..)?)?;
        if text.get(found) == Some(&b'"') {
            return Some(found + 1);
        }
        at = found + 2;
    }
}

fn is_blank(byte: &u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

fn is_nothing(text: &[u8]) -> bool {
    matches!(text.trim_ascii_start().first(), None | Some(b'#'))
}

fn is_marker(text: &[u8]) -> bool {
    (text.starts_with(b"---") || text.starts_with(b"...")) && text.get(3).is_none_or(is_blank)
}

/// Behind the end of a quoted or bracketed value stands nothing; a colon would make it a key.
fn nothing_behind(text: &[u8]) -> Result<(), Doubt> {
    if is_nothing(text) { Ok(()) } else { Err(Doubt::Keys) }
}
