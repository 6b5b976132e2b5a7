//! Sources and places: which bytes of which file a value or a finding comes from.
//!
//! Decides how bytes become lines and columns, and what of a line may be shown. Reading the file
//! is left to others: a [`Source`] is made from a path (as people should read it) and bytes.

use std::fmt;
use std::ops::Range;
use std::sync::{Arc, LazyLock};

use serde::ser::{Serialize, SerializeStruct, Serializer};

use super::{Finding, Findings, codes};

/// The largest file that is read, in bytes (64 MiB).
pub const MAX_SOURCE_BYTES: usize = 64 * 1024 * 1024;

/// What stands for a masked value in an excerpt.
const MASK: &str = "***";

/// The text of one file, with the starts of its lines.
#[derive(PartialEq, Eq)]
pub struct Source {
    path: String,
    text: String,
    line_starts: Vec<u32>,
}

impl Source {
    /// Wraps text that is known to be UTF-8.
    ///
    /// Text beyond `MAX_SOURCE_BYTES` keeps its bytes; use [`Source::from_bytes`] for what comes
    /// from outside, which refuses it.
    pub fn new(path: impl Into<String>, text: impl Into<String>) -> Arc<Source> {
        let text = text.into();
        let mut line_starts = vec![0];
        for (offset, byte) in text.bytes().enumerate() {
            if byte == b'\n' {
                line_starts.push(clamp(offset + 1));
            }
        }
        Arc::new(Source { path: path.into(), text, line_starts })
    }

    /// Makes a source from a file's bytes.
    ///
    /// # Errors
    /// A finding when the file is larger than `MAX_SOURCE_BYTES` or is not UTF-8; the latter's
    /// place is the first wrong byte.
    pub fn from_bytes(path: impl Into<String>, bytes: Vec<u8>) -> Result<Arc<Source>, Findings> {
        let path = path.into();
        if bytes.len() > MAX_SOURCE_BYTES {
            let source = Source::new(path, "");
            return Err(Finding::error(
                &codes::FILE_TOO_LARGE,
                format!("the file has {} bytes, the limit is {MAX_SOURCE_BYTES}", bytes.len()),
            )
            .at(&Place::new(&source, 0, 0))
            .into());
        }
        match String::from_utf8(bytes) {
            Ok(text) => Ok(Source::new(path, text)),
            Err(error) => {
                let start = error.utf8_error().valid_up_to();
                let bytes = error.into_bytes();
                let found = bytes.get(start).copied().unwrap_or_default();
                let source = Source::new(path, String::from_utf8_lossy(&bytes));
                let mut finding =
                    Finding::error(&codes::NOT_UTF8, format!("the byte 0x{found:02X} is not UTF-8"))
                        .at(&Place::new(&source, start, start + '\u{FFFD}'.len_utf8()))
                        .label("not UTF-8 from here on");
                finding = finding.hint(if bytes.starts_with(&[0xFF, 0xFE]) {
                    "the file looks like UTF-16: save it as UTF-8"
                } else {
                    "save the file as UTF-8 (it may be in Windows-1252 or Latin-1)"
                });
                Err(finding.into())
            }
        }
    }

    /// The path as people should read it (relative to the repository where there is one).
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The text, byte order mark included.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// How many lines the text has; a final line break opens one more, empty line.
    pub fn lines(&self) -> usize {
        self.line_starts.len()
    }

    /// The number, from 1, of the line that holds the byte at `offset`.
    pub fn line_at(&self, offset: u32) -> u32 {
        clamp(self.line_starts.partition_point(|start| *start <= offset))
    }

    /// The bytes of a line (numbered from 1) without its line break and without a byte order mark.
    pub fn line_range(&self, line: u32) -> Range<usize> {
        let index = (line as usize).saturating_sub(1);
        let Some(start) = self.line_starts.get(index).map(|start| *start as usize) else {
            return self.text.len()..self.text.len();
        };
        let end = self.line_starts.get(index + 1).map_or(self.text.len(), |next| *next as usize);
        let line = self.text.get(start..end).unwrap_or_default();
        let trimmed = line.strip_suffix('\n').unwrap_or(line);
        let trimmed = trimmed.strip_suffix('\r').unwrap_or(trimmed);
        let mark = if start == 0 && trimmed.starts_with('\u{FEFF}') { '\u{FEFF}'.len_utf8() } else { 0 };
        start + mark..start + trimmed.len()
    }
}

impl fmt::Debug for Source {
    // Never the text: it may hold secrets, and findings are printed with {:?} in tests and logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Source({}, {} bytes)", self.path, self.text.len())
    }
}

/// A range of bytes in a source; cheap to clone.
///
/// Two places are equal when file and bytes are.
#[derive(Clone)]
pub struct Place {
    source: Arc<Source>,
    start: u32,
    end: u32,
    /// Ranges of the same source whose text no excerpt may show.
    masks: Option<Arc<[Range<u32>]>>,
}

static NONE: LazyLock<Arc<Source>> = LazyLock::new(|| Source::new("<none>", ""));

impl Place {
    /// The bytes `start..end` of a source; both are clamped to the text, and widened to whole
    /// characters: not every reader that tells a place counts in those.
    pub fn new(source: &Arc<Source>, start: usize, end: usize) -> Place {
        let text = &source.text;
        let start = text.floor_char_boundary(start);
        let end = text.ceil_char_boundary(end.clamp(start, text.len().max(start)));
        Place { source: Arc::clone(source), start: clamp(start), end: clamp(end), masks: None }
    }

    /// A place in no file, for values that were not read from one.
    pub fn none() -> Place {
        Place::new(&NONE, 0, 0)
    }

    /// Whether the value was read from no file.
    pub fn is_none(&self) -> bool {
        Arc::ptr_eq(&self.source, &NONE)
    }

    /// The source it lies in.
    pub fn source(&self) -> &Arc<Source> {
        &self.source
    }

    /// The path of the file.
    pub fn file(&self) -> &str {
        self.source.path()
    }

    /// The first byte.
    pub fn start(&self) -> usize {
        self.start as usize
    }

    /// The byte after the last one.
    pub fn end(&self) -> usize {
        self.end as usize
    }

    /// The line of the first byte, from 1.
    pub fn line(&self) -> u32 {
        self.source.line_at(self.start)
    }

    /// The column of the first byte in characters, from 1; a byte order mark counts nothing.
    pub fn column(&self) -> u32 {
        let line = self.source.line_range(self.line()).start;
        let before = self.source.text.get(line..self.start()).unwrap_or_default();
        clamp(before.chars().count() + 1)
    }

    /// The text of the place itself, unmasked: for parsing and editing, not for showing.
    pub fn text(&self) -> &str {
        self.source.text.get(self.start()..self.end()).unwrap_or_default()
    }

    /// The line on which the place starts, with masked text shown as `***`.
    pub fn excerpt(&self) -> String {
        let range = self.source.line_range(self.line());
        self.show(range)
    }

    /// The same place, whose excerpts show the text of the place as `***`.
    pub fn masked(&self) -> Place {
        self.masking(std::slice::from_ref(self))
    }

    /// The same place, whose excerpts show the text of `hidden` (as far as it lies in the same
    /// file) as `***`.
    pub fn masking(&self, hidden: &[Place]) -> Place {
        let mut masks: Vec<Range<u32>> = self.masks().cloned().collect();
        for place in hidden {
            if place.source == self.source && place.start < place.end {
                masks.push(place.start..place.end);
            }
        }
        masks.sort_by_key(|range| (range.start, range.end));
        let mut merged: Vec<Range<u32>> = Vec::new();
        for range in masks {
            match merged.last_mut() {
                Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
                _ => merged.push(range),
            }
        }
        Place { masks: (!merged.is_empty()).then(|| merged.into()), ..self.clone() }
    }

    /// What is hidden, as places.
    pub(super) fn hidden(&self) -> impl Iterator<Item = Place> + '_ {
        self.masks().map(|mask| Place::new(&self.source, mask.start as usize, mask.end as usize))
    }

    /// The hidden ranges, ascending and apart.
    fn masks(&self) -> impl Iterator<Item = &Range<u32>> {
        self.masks.iter().flat_map(|masks| masks.iter())
    }

    /// The text of a range with the masked parts replaced.
    fn show(&self, range: Range<usize>) -> String {
        self.show_marked(range, &[]).0
    }

    /// The text of a range with the masked parts replaced, and where the byte offsets `marks` of
    /// the source are in it.
    pub(super) fn show_marked(&self, range: Range<usize>, marks: &[usize]) -> (String, Vec<usize>) {
        let text = &self.source.text;
        let mut shown = String::new();
        let mut moved = vec![None; marks.len()];
        let mut at = range.start;
        let mut copy = |shown: &mut String, from: usize, to: usize| {
            for (mark, moved) in marks.iter().zip(moved.iter_mut()) {
                if moved.is_none() && (from..=to).contains(mark) {
                    *moved = Some(shown.len() + (mark - from));
                }
            }
            shown.push_str(text.get(from..to).unwrap_or_default());
        };
        for mask in self.masks() {
            let (from, to) = (mask.start as usize, mask.end as usize);
            if to <= at || from >= range.end {
                continue;
            }
            copy(&mut shown, at, from.max(at));
            shown.push_str(MASK);
            at = to.min(range.end);
        }
        copy(&mut shown, at, range.end);
        let end = shown.len();
        // A mark inside masked text moves to the mask's end: never so that it tells a length.
        let moved = moved.into_iter().map(|m| m.unwrap_or(end)).collect();
        (shown, moved)
    }
}

impl PartialEq for Place {
    fn eq(&self, other: &Self) -> bool {
        self.start == other.start && self.end == other.end && self.file() == other.file()
    }
}

impl Eq for Place {}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file(), self.line(), self.column())
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Place {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut out = serializer.serialize_struct("Place", 3)?;
        out.serialize_field("file", self.file())?;
        out.serialize_field("line", &self.line())?;
        out.serialize_field("column", &self.column())?;
        out.end()
    }
}

fn clamp(offset: usize) -> u32 {
    u32::try_from(offset).unwrap_or(u32::MAX)
}
