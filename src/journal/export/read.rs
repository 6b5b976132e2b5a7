//! Reads an export: every line, every hash, and the chain from the rollout's beginning to the journal's
//! head. What does not hold is told with line and column.

use serde_json::{Map, Value};

use super::{BEFORE, Checked, EVENT, ExportedPipeline, FORMAT, Head, Link, LinkLine, PipelineLine, VERSION};
use crate::digest::{self, Digest};
use crate::journal::{Event, SCHEMA};

/// A file that was read, and holds.
#[derive(Debug, Clone)]
pub struct Export {
    /// What it says of itself, and how much it has.
    pub checked: Checked,
    /// The pipeline as executed.
    pub pipeline: ExportedPipeline,
    /// What held before the rollout began, in the order in which it happened.
    pub before: Vec<Event>,
    /// What happened from then on, without gaps.
    pub told: Vec<Told>,
}

/// One line of the chain.
#[derive(Debug, Clone)]
pub enum Told {
    /// An event, whole.
    Event(Box<Event>),
    /// The position of an event of something else.
    Other(u64),
}

/// Where and how a file does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {defect}")]
pub struct Fault {
    /// The line, from 1.
    pub line: usize,
    /// The byte in it, from 1.
    pub column: usize,
    /// What is wrong.
    pub defect: Defect,
}

/// How a file can be wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Defect {
    /// It is something else.
    #[error("this is no export of a rollout: {0}")]
    Foreign(String),
    /// A later version of the tool wrote it.
    #[error("{0}")]
    Newer(String),
    /// It breaks off.
    #[error("the file ends here, before event {last} of the journal, at which it says to end")]
    Ends {
        /// The position that the first line names.
        last: u64,
    },
    /// Something in it can't be read.
    #[error("{0}")]
    Unreadable(String),
    /// It can be read, and was changed.
    #[error("{0}")]
    Changed(String),
}

/// Reads a file and follows its chain.
///
/// # Errors
/// The first thing that does not hold, with its place.
pub fn read(bytes: &[u8]) -> Result<Export, Fault> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let good = bytes.get(..error.valid_up_to()).unwrap_or_default();
        let line = good.iter().filter(|byte| **byte == b'\n').count() + 1;
        let column = good.iter().rev().take_while(|byte| **byte != b'\n').count() + 1;
        Fault { line, column, defect: Defect::Foreign("it is not text in UTF-8".to_owned()) }
    })?;
    let mut lines = text.lines().enumerate().map(|(at, text)| Line { number: at + 1, text });
    let head = head(lines.next().unwrap_or(Line { number: 1, text: "" }))?;
    let last = head.last;
    let ends = |line: usize, column: usize| Fault { line, column, defect: Defect::Ends { last } };
    let Some(second) = lines.next() else { return Err(ends(2, 1)) };
    let count = text.lines().count();
    // A line that can't be read to its end, and is the last: the file was cut off.
    let cut = |fault: Fault| {
        let broken = matches!(fault.defect, Defect::Unreadable(_));
        if broken && fault.line == count && !text.ends_with('\n') {
            ends(fault.line, fault.column)
        } else {
            fault
        }
    };
    let PipelineLine { pipeline } = second.json("the pipeline").map_err(cut)?;
    let mut export = Export {
        checked: Checked { head, events: 0, links: 0 },
        pipeline,
        before: Vec::new(),
        told: Vec::new(),
    };
    let mut chained: Option<(u64, Digest)> = None;
    for line in lines {
        let link = if let Some(event) = line.event(BEFORE).map_err(cut)? {
            let follows = export.before.last().is_none_or(|before| before.seq < event.seq);
            if chained.is_some() || !follows {
                return Err(line.changed(format!("event {} is out of order", event.seq)));
            }
            export.before.push(event);
            continue;
        } else if let Some(event) = line.event(EVENT).map_err(cut)? {
            export.own(&event, &line)?;
            export.checked.events += 1;
            let link = Link { seq: event.seq, prev: event.prev, hash: event.hash };
            export.told.push(Told::Event(Box::new(event)));
            link
        } else {
            let LinkLine { link } = line.json("an event or a link").map_err(cut)?;
            export.checked.links += 1;
            export.told.push(Told::Other(link.seq));
            link
        };
        let after = chained.or_else(|| export.before.last().map(|event| (event.seq, event.hash)));
        let follows = match (chained, after) {
            (Some((seq, hash)), _) => link.seq == seq + 1 && link.prev == hash,
            (None, Some((seq, hash))) => link.seq > seq && (link.seq > seq + 1 || link.prev == hash),
            (None, None) => true,
        };
        if !follows {
            return Err(line.changed(format!("event {} does not follow the one before it", link.seq)));
        }
        chained = Some((link.seq, link.hash));
    }
    match chained {
        Some(end) if end == (last, export.checked.head.hash) => Ok(export),
        Some((seq, _)) if seq >= last => {
            let line = Line { number: count, text: "" };
            Err(line.changed(format!("it does not end at event {last} of the journal, as it says")))
        }
        _ => Err(ends(count + 1, 1)),
    }
}

impl Export {
    /// Whether an event may stand in this file.
    fn own(&self, event: &Event, line: &Line<'_>) -> Result<(), Fault> {
        let head = &self.checked.head;
        match event.body.rollout() {
            Some(id) if *id == head.rollout || head.related.contains(id) => Ok(()),
            None if head.version > 1 => Ok(()),
            _ => Err(line.changed(format!("event {} is not one of {}", event.seq, head.rollout))),
        }
    }
}

fn head(line: Line<'_>) -> Result<Head, Fault> {
    let foreign = |column: usize, why: String| Fault { line: 1, column, defect: Defect::Foreign(why) };
    if line.text.trim().is_empty() {
        return Err(foreign(1, "its first line is empty".to_owned()));
    }
    let value: Value =
        line.text.parse().map_err(|error: serde_json::Error| foreign(error.column(), words(&error)))?;
    match value.get("format").and_then(Value::as_str) {
        Some(FORMAT) => {}
        Some(other) => return Err(foreign(1, format!("it says that its format is `{other}`"))),
        None => return Err(foreign(1, format!("its first line does not say that its format is `{FORMAT}`"))),
    }
    let version = value.get("version").and_then(Value::as_u64).unwrap_or_default();
    if version > u64::from(VERSION) {
        let why =
            format!("the file has version {version} of the format, this tidegate reads up to {VERSION}");
        return Err(Fault { line: 1, column: 1, defect: Defect::Newer(why) });
    }
    line.json("the head")
}

/// A line and its place.
#[derive(Clone, Copy)]
struct Line<'a> {
    number: usize,
    text: &'a str,
}

impl Line<'_> {
    fn wrong(&self, column: usize, why: String) -> Fault {
        Fault { line: self.number, column: column.max(1), defect: Defect::Unreadable(why) }
    }

    fn changed(&self, why: String) -> Fault {
        Fault { line: self.number, column: 1, defect: Defect::Changed(why) }
    }

    fn json<T: serde::de::DeserializeOwned>(&self, what: &str) -> Result<T, Fault> {
        serde_json::from_str(self.text)
            .map_err(|error| self.wrong(error.column(), format!("{what} was expected: {}", words(&error))))
    }

    /// The event of a line that begins so, with its hash verified.
    fn event(&self, begins: &str) -> Result<Option<Event>, Fault> {
        let Some(rest) = self.text.strip_prefix(begins) else { return Ok(None) };
        let column = |at: usize| begins.len() + at;
        let Some(text) = rest.strip_suffix('}') else {
            return Err(self.wrong(self.text.len() + 1, "the line breaks off".to_owned()));
        };
        let unreadable = |error: &serde_json::Error| {
            self.wrong(column(error.column()), format!("an event was expected: {}", words(error)))
        };
        let mut value: Map<String, Value> = serde_json::from_str(text).map_err(|error| unreadable(&error))?;
        let seq = value.get("seq").and_then(Value::as_u64);
        let Some(seq) = seq else {
            return Err(self.wrong(column(1), "an event was expected: `seq` is missing".to_owned()));
        };
        let schema = value.get("schema").and_then(Value::as_u64).unwrap_or_default();
        if schema > u64::from(SCHEMA) {
            let why = format!(
                "event {seq} was written with schema {schema} by a newer tidegate, this one reads up to {SCHEMA}"
            );
            return Err(Fault { line: self.number, column: column(1), defect: Defect::Newer(why) });
        }
        let event: Event = serde_json::from_str(text).map_err(|error| unreadable(&error))?;
        // Over what stands there, not over what was understood of it.
        value.remove("hash");
        let computed = digest::of(&value).map_err(|error| self.wrong(column(1), error.to_string()))?;
        if computed != event.hash {
            return Err(self.changed(format!("event {seq} was changed after it was written")));
        }
        Ok(Some(event))
    }
}

/// What the reader of JSON says, without its own idea of the place.
fn words(error: &serde_json::Error) -> String {
    let told = error.to_string();
    told.split(" at line ").next().unwrap_or(&told).to_owned()
}
