//! An index as it arrives, in chunks cut anywhere: what it is written in, and its lines.

use memchr::{memchr, memchr_iter, memchr2_iter};

use super::error::{Doubt, IndexError};
use super::gather::{Gather, Index, Limits};
use super::json::Json;
use super::outline::{Outline, Stop};

/// What came of a scan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// What the index says of the wanted charts.
    Found(Index),
    /// Only a parser of the whole can tell: see [`super::whole()`].
    NeedsWhole(Doubt),
}

/// An index that is being read.
#[derive(Debug)]
pub struct Scan {
    form: Form,
    limit: usize,
    /// The begin of a line whose end has not come yet.
    line: Vec<u8>,
    /// How many lines have come.
    lines: u64,
}

/// What an index is written in.
#[derive(Debug)]
enum Form {
    /// Not a byte that a byte order mark could not begin with.
    Unread(Gather),
    /// Nothing but blanks came so far.
    Blank(Gather),
    Lines(Box<Outline>),
    Json(Box<Json>),
    /// Something that needs the whole: the rest is not looked at.
    Doubtful(Doubt),
}

impl Scan {
    /// For the charts of these names.
    pub fn new<'w>(wanted: impl IntoIterator<Item = &'w str>, limits: Limits) -> Self {
        let form = Form::Unread(Gather::new(wanted, limits));
        Self { form, limit: limits.line, line: Vec::new(), lines: 0 }
    }

    /// Takes the next bytes.
    ///
    /// # Errors
    /// When there is no sense in going on. What was fed before is lost.
    pub fn feed(&mut self, chunk: &[u8]) -> Result<(), IndexError> {
        let fed = match &mut self.form {
            Form::Unread(_) => self.mark(chunk),
            Form::Blank(_) => self.begin(chunk),
            Form::Lines(_) => self.read_lines(chunk),
            Form::Json(json) => json.read(chunk),
            Form::Doubtful(_) => Ok(()),
        };
        match fed {
            Ok(()) => Ok(()),
            Err(Stop::Error(error)) => Err(error),
            Err(Stop::Doubt(doubt)) => {
                self.line = Vec::new();
                self.form = Form::Doubtful(doubt);
                Ok(())
            }
        }
    }

    /// Why the whole is needed, as soon as that is known: nothing that is fed from then on matters.
    pub fn doubt(&self) -> Option<Doubt> {
        match self.form {
            Form::Doubtful(doubt) => Some(doubt),
            _ => None,
        }
    }

    /// Ends the index.
    ///
    /// # Errors
    /// When it is none, or breaks off.
    pub fn finish(mut self) -> Result<Outcome, IndexError> {
        let found = match &mut self.form {
            Form::Unread(_) | Form::Blank(_) if self.line.ends_with(b"<") => return Err(IndexError::Html),
            Form::Unread(_) | Form::Blank(_) => return Err(IndexError::Empty),
            Form::Lines(outline) => outline.read(&self.line, self.line.len()),
            _ => Ok(()),
        };
        let found = found.and_then(|()| match self.form {
            Form::Lines(outline) => outline.finish(),
            Form::Json(json) => json.finish(),
            Form::Doubtful(doubt) => Err(doubt.into()),
            Form::Unread(_) | Form::Blank(_) => Err(IndexError::Empty.into()),
        });
        match found {
            Ok(index) => Ok(Outcome::Found(index)),
            Err(Stop::Doubt(doubt)) => Ok(Outcome::NeedsWhole(doubt)),
            Err(Stop::Error(error)) => Err(error),
        }
    }

    /// Looks for a byte order mark.
    fn mark(&mut self, chunk: &[u8]) -> Result<(), Stop> {
        const MARK: &[u8] = b"\xEF\xBB\xBF";
        self.line.extend_from_slice(chunk);
        if let [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] = self.line[..] {
            return Err(IndexError::Utf16.into());
        }
        let is_short = MARK.starts_with(&self.line) || matches!(self.line[..], [0xFE | 0xFF]);
        if is_short && self.line.len() < MARK.len() {
            return Ok(());
        }
        if let Form::Unread(gather) = std::mem::replace(&mut self.form, Form::Doubtful(Doubt::Flow)) {
            self.form = Form::Blank(gather);
        }
        let head = std::mem::take(&mut self.line);
        self.begin(head.strip_prefix(MARK).unwrap_or(&head))
    }

    /// Looks for the first byte that is no blank: it tells what the index is written in.
    fn begin(&mut self, chunk: &[u8]) -> Result<(), Stop> {
        let blank = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
        let mut head = std::mem::take(&mut self.line);
        head.extend_from_slice(chunk);
        let Some(first) = head.iter().position(|byte| !blank(byte)) else {
            // The blanks of the last line may yet be the indentation of the first one.
            let line = head.iter().rposition(|byte| matches!(byte, b'\r' | b'\n')).map_or(0, |at| at + 1);
            self.lines += head.iter().filter(|byte| **byte == b'\n').count() as u64;
            self.line = head.split_off(line);
            return self.check(self.line.len());
        };
        match head.get(first..) {
            // Two of them are a merge key.
            Some(b"<") => {
                self.line = head;
                return Ok(());
            }
            Some([b'<', next, ..]) if *next != b'<' => return Err(IndexError::Html.into()),
            _ => {}
        }
        let Form::Blank(gather) = std::mem::replace(&mut self.form, Form::Doubtful(Doubt::Flow)) else {
            return Ok(());
        };
        match head.get(first) {
            Some(b'{' | b'[') => {
                let mut json = Box::new(Json::new(gather));
                let read = json.read(&head);
                self.form = Form::Json(json);
                read
            }
            _ => {
                self.form = Form::Lines(Box::new(Outline::new(gather)));
                self.read_lines(&head)
            }
        }
    }

    fn read_lines(&mut self, chunk: &[u8]) -> Result<(), Stop> {
        // A lone carriage return ends a line as well, but hardly any text has one.
        let read = match memchr(b'\r', chunk) {
            None => self.read_until(chunk, memchr_iter(b'\n', chunk))?,
            Some(_) => self.read_until(chunk, memchr2_iter(b'\n', b'\r', chunk))?,
        };
        let rest = &chunk[read..];
        self.check(self.line.len() + rest.len())?;
        self.line.extend_from_slice(rest);
        Ok(())
    }

    /// Reads the lines that end there. Returns where the last one does.
    fn read_until(&mut self, chunk: &[u8], ends: impl Iterator<Item = usize>) -> Result<usize, Stop> {
        let Form::Lines(outline) = &mut self.form else { return Ok(chunk.len()) };
        let mut from = 0;
        for end in ends {
            let line = &chunk[from..=end];
            let length = self.line.len() + line.len() - 1;
            if length > self.limit {
                return Err(too_long(self.lines, self.limit));
            }
            self.lines += u64::from(chunk[end] == b'\n');
            from = end + 1;
            if self.line.is_empty() {
                outline.read(line, length)?;
            } else {
                self.line.extend_from_slice(line);
                outline.read(&self.line, length)?;
                self.line.clear();
            }
        }
        Ok(from)
    }

    fn check(&self, length: usize) -> Result<(), Stop> {
        if length <= self.limit { Ok(()) } else { Err(too_long(self.lines, self.limit)) }
    }
}

fn too_long(lines_before: u64, limit: usize) -> Stop {
    IndexError::LongLine { line: lines_before + 1, limit }.into()
}
