//! An index in JSON, as some servers write it: read byte by byte, so that one line of any length costs
//! nothing. What is not strictly JSON may still be YAML in flow style, which only a parser of the whole reads.

use memchr::memchr2;

use super::entry;
use super::error::{ChartError, Doubt, IndexError};
use super::gather::{self, Chart, Gather, Index, Limits};
use super::outline::Stop;
use crate::lcm::charts::Entry;
use crate::yaml::Node;

/// Deeper than this nothing is nested that anybody wrote by hand.
const DEEPEST: usize = 255;

/// No name of a chart is longer than this.
const LONGEST_KEY: usize = 1024;

/// What may come next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    /// A key, or the end of the mapping.
    FirstKey,
    Key,
    Colon,
    /// A value, or the end of the list.
    FirstValue,
    Value,
    /// A comma, or the end of what is open.
    Comma,
    /// Nothing.
    End,
}

/// What is not complete yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    Nothing,
    /// A number, true, false or null.
    Word,
    Text {
        is_key: bool,
        /// Whether the byte before was a backslash.
        escaped: bool,
    },
}

/// What of the chart that is being read is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Keeps {
    Nothing,
    /// It has a wanted name; its value follows.
    Soon,
    /// A list of versions.
    Versions,
    /// A value, which may turn out to be a list.
    Value,
}

/// An index so far.
#[derive(Debug)]
pub(super) struct Json {
    gather: Gather,
    /// The brackets that are open.
    open: Vec<u8>,
    next: Next,
    token: Token,
    /// The key, without its quotes.
    key: Vec<u8>,
    keeps: Keeps,
    /// Whether there were `entries`.
    found: bool,
    /// Whether what follows is the value of `entries`, or we are in it.
    entries: bool,
}

impl Json {
    pub(super) fn new(gather: Gather) -> Self {
        Self {
            gather,
            open: Vec::new(),
            next: Next::Value,
            token: Token::Nothing,
            key: Vec::new(),
            keeps: Keeps::Nothing,
            found: false,
            entries: false,
        }
    }

    /// Takes the next bytes.
    pub(super) fn read(&mut self, chunk: &[u8]) -> Result<(), Stop> {
        // From here on the chunk's bytes are not handed on yet.
        let mut kept = 0;
        let mut at = 0;
        while let Some(&byte) = chunk.get(at) {
            match self.token {
                Token::Text { is_key, escaped } => {
                    at = self.text(chunk, at, is_key, escaped)?;
                    continue;
                }
                Token::Word if byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.') => {}
                _ => {
                    self.token = Token::Nothing;
                    self.structure(chunk, at, &mut kept)?;
                }
            }
            at += 1;
        }
        if matches!(self.keeps, Keeps::Versions | Keeps::Value) {
            self.gather.add(&chunk[kept..]);
        }
        Ok(())
    }

    /// What was found, at the end of the index.
    pub(super) fn finish(self) -> Result<Index, Stop> {
        match (self.next, self.found) {
            (Next::End, true) => Ok(self.gather.into_index()),
            (Next::End, false) => Err(IndexError::NoEntries.into()),
            _ => Err(IndexError::CutOff("its JSON").into()),
        }
    }

    /// Reads on inside of a text. Returns where to go on.
    fn text(&mut self, chunk: &[u8], from: usize, is_key: bool, escaped: bool) -> Result<usize, Stop> {
        let rest = &chunk[from..];
        if escaped {
            self.take_key(&rest[..1], is_key);
            self.token = Token::Text { is_key, escaped: false };
            return Ok(from + 1);
        }
        let Some(length) = memchr2(b'"', b'\\', rest) else {
            self.take_key(rest, is_key);
            return Ok(chunk.len());
        };
        if rest[length] == b'\\' {
            self.take_key(&rest[..=length], is_key);
            self.token = Token::Text { is_key, escaped: true };
        } else {
            self.take_key(&rest[..length], is_key);
            self.token = Token::Nothing;
            if is_key {
                self.end_key()?;
            }
        }
        Ok(from + length + 1)
    }

    fn take_key(&mut self, bytes: &[u8], is_key: bool) {
        if is_key && self.key.len() <= LONGEST_KEY {
            self.key.extend_from_slice(&bytes[..bytes.len().min(LONGEST_KEY + 1)]);
        }
    }

    /// Takes a byte between texts and words.
    fn structure(&mut self, chunk: &[u8], at: usize, kept: &mut usize) -> Result<(), Stop> {
        let byte = chunk[at];
        match (byte, self.next) {
            (b' ' | b'\t' | b'\r' | b'\n', _) => {}
            (_, Next::End) => return Err(IndexError::Documents.into()),
            (b'"', Next::FirstKey | Next::Key) => {
                self.key.clear();
                self.token = Token::Text { is_key: true, escaped: false };
                self.next = Next::Colon;
            }
            (b':', Next::Colon) => {
                self.next = Next::Value;
                if self.keeps == Keeps::Soon {
                    self.keeps = Keeps::Value;
                    *kept = at + 1;
                }
            }
            (b'{' | b'[', Next::FirstValue | Next::Value) => self.begin(byte, at, kept)?,
            (b',', Next::Comma) => {
                self.hand_on(chunk, at, kept)?;
                self.next = if self.open.last() == Some(&b'{') { Next::Key } else { Next::Value };
            }
            (b'}', Next::FirstKey | Next::Comma) if self.open.last() == Some(&b'{') => {
                self.end(chunk, at, kept)?;
            }
            (b']', Next::FirstValue | Next::Comma) if self.open.last() == Some(&b'[') => {
                self.end(chunk, at, kept)?;
            }
            (_, Next::FirstValue | Next::Value) => self.scalar(byte)?,
            _ => return Err(Doubt::Flow.into()),
        }
        Ok(())
    }

    /// A text or a word begins.
    fn scalar(&mut self, byte: u8) -> Result<(), Stop> {
        self.token = match byte {
            b'"' => Token::Text { is_key: false, escaped: false },
            b'-' | b'0'..=b'9' | b't' | b'f' | b'n' => Token::Word,
            _ => return Err(Doubt::Flow.into()),
        };
        if self.entries && self.open.len() == 1 {
            self.entries = false;
            if byte != b'n' {
                return Err(IndexError::BadEntries("text").into());
            }
        }
        self.next = Next::Comma;
        Ok(())
    }

    /// A mapping or a list begins.
    fn begin(&mut self, byte: u8, at: usize, kept: &mut usize) -> Result<(), Stop> {
        match (self.open.len(), byte) {
            (0, b'[') => return Err(IndexError::NoMapping("a list").into()),
            (1, b'[') if self.entries => return Err(IndexError::BadEntries("a list").into()),
            (2, b'[') if self.keeps == Keeps::Value => {
                self.keeps = Keeps::Versions;
                self.gather.forget();
                *kept = at + 1;
            }
            (DEEPEST, _) => return Err(IndexError::TooDeep(DEEPEST).into()),
            _ => {}
        }
        self.open.push(byte);
        self.next = if byte == b'{' { Next::FirstKey } else { Next::FirstValue };
        Ok(())
    }

    /// A mapping or a list ends.
    fn end(&mut self, chunk: &[u8], at: usize, kept: &mut usize) -> Result<(), Stop> {
        // An empty list has no last version.
        if self.next == Next::Comma || self.keeps == Keeps::Value {
            self.hand_on(chunk, at, kept)?;
        }
        if self.open.len() == 3 && self.keeps == Keeps::Versions {
            self.gather.close();
            self.keeps = Keeps::Nothing;
        }
        self.open.pop();
        self.entries &= self.open.len() > 1;
        self.next = if self.open.is_empty() { Next::End } else { Next::Comma };
        Ok(())
    }

    /// A version, or the value of a chart, ends before `at`, if that is what ends there.
    fn hand_on(&mut self, chunk: &[u8], at: usize, kept: &mut usize) -> Result<(), Stop> {
        match (self.keeps, self.open.len()) {
            (Keeps::Versions, 3) => {
                self.gather.add(&chunk[*kept..at]);
                self.gather.end_version(version)?;
            }
            (Keeps::Value, 2) => {
                self.gather.add(&chunk[*kept..at]);
                self.gather.end_value(value)?;
                self.gather.close();
                self.keeps = Keeps::Nothing;
            }
            _ => return Ok(()),
        }
        *kept = at + 1;
        Ok(())
    }

    fn end_key(&mut self) -> Result<(), Stop> {
        let depth = self.open.len();
        if depth > 2 || depth == 2 && !self.entries || self.key.len() > LONGEST_KEY {
            return Ok(());
        }
        let quoted = [b"\"", self.key.as_slice(), b"\""].concat();
        let Ok(name) = serde_json::from_slice::<String>(&quoted) else { return Ok(()) };
        if depth == 2 {
            if self.gather.open(&name) {
                self.keeps = Keeps::Soon;
            }
            return Ok(());
        }
        if name == "entries" {
            if std::mem::replace(&mut self.found, true) {
                return Err(IndexError::EntriesTwice.into());
            }
            self.entries = true;
        }
        Ok(())
    }
}

/// A version from its JSON. Keys that stand twice are refused, as in YAML.
fn version(text: &str) -> Result<Result<Entry, String>, Doubt> {
    let node = serde_json::from_str::<Node>(text).map_err(|error| error.to_string());
    Ok(node.and_then(|node| entry::read(&node)))
}

/// The versions of a chart, if they are no list.
fn value(text: &str, limits: &Limits) -> Result<Result<Chart, ChartError>, Doubt> {
    match serde_json::from_str::<Node>(text) {
        Ok(node) => Ok(gather::chart(&node, limits)),
        Err(_) => Err(Doubt::Flow),
    }
}
