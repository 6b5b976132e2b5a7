//! An index in block style: which lines belong to which wanted chart, and to which of its versions.

use super::entry;
use super::error::{ChartError, Doubt, IndexError};
use super::gather::{self, Chart, Gather, Index, Limits};
use super::lines::{Line, Lines, Start};
use crate::yaml::{self, Node};

/// Why reading line by line ends early.
#[derive(Debug)]
pub(super) enum Stop {
    Error(IndexError),
    Doubt(Doubt),
}

impl From<IndexError> for Stop {
    fn from(error: IndexError) -> Self {
        Self::Error(error)
    }
}

impl From<Doubt> for Stop {
    fn from(doubt: Doubt) -> Self {
        Self::Doubt(doubt)
    }
}

/// Where a line stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    /// Outside of `entries`.
    Elsewhere,
    /// Below `entries`, whose charts stand in that column, if one was seen.
    Entries(Option<usize>),
}

/// What of the chart that is being read is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Keeps {
    Nothing,
    /// A list in lines, whose dashes stand in that column, if one was seen.
    Versions(Option<usize>),
    /// Something else: with the line of its key.
    Value,
}

/// An index so far.
#[derive(Debug)]
pub(super) struct Outline {
    lines: Lines,
    gather: Gather,
    /// The column of the top level's keys.
    root: Option<usize>,
    at: At,
    keeps: Keeps,
    /// Whether there were `entries`.
    found: bool,
    /// Whether the document has ended.
    ended: bool,
}

impl Outline {
    pub(super) fn new(gather: Gather) -> Self {
        Self {
            lines: Lines::new(),
            gather,
            root: None,
            at: At::Elsewhere,
            keeps: Keeps::Nothing,
            found: false,
            ended: false,
        }
    }

    /// Takes the next line, whose last bytes from `end` on are its line break.
    pub(super) fn read(&mut self, line: &[u8], end: usize) -> Result<(), Stop> {
        match self.lines.read(&line[..end])? {
            Line::Blank | Line::Inside => {}
            Line::Marker => {
                self.leave()?;
                self.ended |= self.root.is_some();
                return Ok(());
            }
            Line::Start(start) => self.start(&start)?,
        }
        if self.keeps != Keeps::Nothing {
            self.gather.add(line);
        }
        Ok(())
    }

    /// What was found, at the end of the index.
    pub(super) fn finish(mut self) -> Result<Index, Stop> {
        if let Some(what) = self.lines.unfinished() {
            return Err(IndexError::CutOff(what).into());
        }
        self.leave()?;
        match (self.root, self.found) {
            (None, _) => Err(IndexError::Empty.into()),
            (Some(_), false) => Err(IndexError::NoEntries.into()),
            (Some(_), true) => Ok(self.gather.into_index()),
        }
    }

    fn start(&mut self, start: &Start<'_>) -> Result<(), Stop> {
        if self.ended {
            // A document of nothing is none.
            return match start.value {
                _ if start.key.is_some() || start.dash => Err(IndexError::Documents.into()),
                [b'&' | b'!', ..] => Err(Doubt::Anchors.into()),
                value if is_null(bare(value)) => Ok(()),
                _ => Err(IndexError::Documents.into()),
            };
        }
        let root = match self.root {
            Some(root) => root,
            None => self.first(start)?,
        };
        if start.indent < root {
            return Err(Doubt::Indentation.into());
        }
        match (self.at, start.key) {
            (_, Some(key)) if start.indent == root && !start.dash => self.top(key, start),
            (_, None) if start.indent == root && !start.dash => Err(Doubt::Indentation.into()),
            (At::Elsewhere, _) => Ok(()),
            (At::Entries(charts), _) => self.below_entries(charts, start),
        }
    }

    /// A line below `entries`.
    fn below_entries(&mut self, charts: Option<usize>, start: &Start<'_>) -> Result<(), Stop> {
        if charts.is_none() && start.dash {
            return Err(IndexError::BadEntries("a list").into());
        }
        let column = charts.unwrap_or(start.indent);
        self.at = At::Entries(Some(column));
        match start.key {
            Some(key) if start.indent == column && !start.dash => self.chart(key, start),
            _ if start.indent > column || start.indent == column && start.dash => self.below_chart(start),
            _ => Err(Doubt::Indentation.into()),
        }
    }

    /// The first line with something on it.
    fn first(&mut self, start: &Start<'_>) -> Result<usize, Stop> {
        match (start.key, start.value.first()) {
            (Some(_), _) if !start.dash => {}
            (None, Some(b'{')) => return Err(Doubt::Flow.into()),
            (None, Some(b'&' | b'!')) => return Err(Doubt::Anchors.into()),
            _ if start.dash => return Err(IndexError::NoMapping("a list").into()),
            _ if is_null(bare(start.value)) => return Err(Doubt::Documents.into()),
            _ => return Err(IndexError::NoMapping("text").into()),
        }
        self.root = Some(start.indent);
        Ok(start.indent)
    }

    /// A key of the top level.
    fn top(&mut self, key: &[u8], start: &Start<'_>) -> Result<(), Stop> {
        self.leave()?;
        if name(key)? != "entries" {
            return Ok(());
        }
        if self.found {
            return Err(IndexError::EntriesTwice.into());
        }
        self.found = true;
        match bare(start.value) {
            b"{}" => {}
            b"" => self.at = At::Entries(None),
            value if is_null(value) => {}
            [b'{' | b'[', ..] => return Err(Doubt::Flow.into()),
            [b'&' | b'!' | b'*', ..] => return Err(Doubt::Anchors.into()),
            _ => return Err(IndexError::BadEntries("text").into()),
        }
        Ok(())
    }

    /// The name of a chart.
    fn chart(&mut self, key: &[u8], start: &Start<'_>) -> Result<(), Stop> {
        self.end_chart()?;
        let wanted = self.gather.open(&name(key)?);
        self.keeps = match (wanted, start.empty) {
            (false, _) => Keeps::Nothing,
            (true, true) => Keeps::Versions(None),
            (true, false) => Keeps::Value,
        };
        Ok(())
    }

    /// A line below the name of a chart.
    fn below_chart(&mut self, start: &Start<'_>) -> Result<(), Stop> {
        let Keeps::Versions(dashes) = self.keeps else { return Ok(()) };
        match dashes {
            None if start.dash => {
                // What came since the name were comments.
                self.gather.forget();
                self.keeps = Keeps::Versions(Some(start.indent));
            }
            // A list in brackets, or none at all.
            None => self.keeps = Keeps::Value,
            Some(column) if start.indent == column && start.dash => {
                self.gather.end_version(entry::from_lines)?
            }
            Some(column) if start.indent <= column => return Err(Doubt::Indentation.into()),
            Some(_) => {}
        }
        Ok(())
    }

    /// Leaves `entries`, if we are in it.
    fn leave(&mut self) -> Result<(), Stop> {
        self.end_chart()?;
        self.at = At::Elsewhere;
        Ok(())
    }

    fn end_chart(&mut self) -> Result<(), Stop> {
        match std::mem::replace(&mut self.keeps, Keeps::Nothing) {
            Keeps::Nothing | Keeps::Versions(None) => {}
            Keeps::Versions(Some(_)) => self.gather.end_version(entry::from_lines)?,
            Keeps::Value => self.gather.end_value(value)?,
        }
        self.gather.close();
        Ok(())
    }
}

/// The versions of a chart from its lines, the key included.
fn value(text: &str, limits: &Limits) -> Result<Result<Chart, ChartError>, Doubt> {
    let node = match entry::parse(text)? {
        Ok(node) => node,
        Err(_) => return Err(Doubt::Flow),
    };
    match node.as_ref().and_then(Node::as_mapping).and_then(|mapping| mapping.iter().next()) {
        Some((_, list)) => Ok(gather::chart(list, limits)),
        None => Err(Doubt::Flow),
    }
}

/// A key as text.
fn name(key: &[u8]) -> Result<std::borrow::Cow<'_, str>, Stop> {
    match key {
        b"<<" => Err(Doubt::Merge.into()),
        [b'&' | b'!' | b'*', ..] => Err(Doubt::Anchors.into()),
        [b'"' | b'\'', ..] => {
            let text = String::from_utf8_lossy(key);
            let node = yaml::parse(&crate::diag::Source::new("index.yaml", text)).ok().flatten();
            Ok(node.as_ref().and_then(Node::as_str).ok_or(Doubt::Keys)?.to_owned().into())
        }
        _ => Ok(String::from_utf8_lossy(key)),
    }
}

/// Whether a value is a word for nothing.
fn is_null(value: &[u8]) -> bool {
    matches!(value, b"null" | b"Null" | b"NULL" | b"~")
}

/// A value without the comment behind it.
fn bare(value: &[u8]) -> &[u8] {
    let comment = |at: &usize| value[*at] == b'#' && (*at == 0 || matches!(value[at - 1], b' ' | b'\t'));
    let end = (0..value.len()).find(comment).unwrap_or(value.len());
    value[..end].trim_ascii()
}
