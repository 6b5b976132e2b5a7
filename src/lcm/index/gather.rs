//! What is kept of an index: the versions of the wanted charts, each parsed as soon as it is complete, and
//! how much of them may be kept.

use std::collections::{BTreeMap, BTreeSet};

use super::entry;
use super::error::{ChartError, Doubt};
use crate::lcm::charts::Entry;
use crate::yaml::Node;

/// More problems than this of one chart tell nothing new.
const MOST_PROBLEMS: usize = 100;

/// The most that is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a line, wanted or not.
    pub line: usize,
    /// Bytes of one version of a wanted chart.
    pub version: usize,
    /// Bytes of all versions of a wanted chart.
    pub chart: usize,
    /// How many versions a wanted chart may have.
    pub versions: usize,
    /// Bytes of an index that must be read as a whole.
    pub whole: usize,
}

impl Default for Limits {
    /// Ten times what is in use anywhere, or more.
    fn default() -> Self {
        const MIB: usize = 1024 * 1024;
        Self { line: 4 * MIB, version: MIB, chart: 32 * MIB, versions: 100_000, whole: 64 * MIB }
    }
}

/// What an index says of the wanted charts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Index {
    /// By name; a chart that the index does not list is not there.
    pub charts: BTreeMap<String, Result<Chart, ChartError>>,
}

/// The versions of a chart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Chart {
    /// Those that can be read, in the order of the index.
    pub entries: Vec<Entry>,
    /// The first of those that can't be read: "nothing newer" is not sure where there are any.
    pub problems: Vec<Problem>,
    /// How many there are of those.
    pub unreadable: usize,
}

/// A version that can't be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Its place in the list, from 0.
    pub index: usize,
    /// Why, in words.
    pub reason: String,
}

impl Chart {
    /// Adds a version, or why it is none.
    pub(super) fn add(&mut self, found: Result<Entry, String>) {
        match found {
            Ok(entry) => self.entries.push(entry),
            Err(reason) => {
                if self.problems.len() < MOST_PROBLEMS {
                    let index = self.entries.len() + self.unreadable;
                    self.problems.push(Problem { index, reason });
                }
                self.unreadable += 1;
            }
        }
    }

    /// How many versions it has, readable or not.
    fn len(&self) -> usize {
        self.entries.len() + self.unreadable
    }
}

/// A chart from its list of versions.
pub(super) fn chart(list: &Node, limits: &Limits) -> Result<Chart, ChartError> {
    let mut chart = Chart::default();
    match &list.value {
        crate::yaml::Value::Null => {}
        crate::yaml::Value::Sequence(items) if items.len() > limits.versions => {
            return Err(ChartError::TooMany(limits.versions));
        }
        crate::yaml::Value::Sequence(items) => items.iter().for_each(|item| chart.add(entry::read(item))),
        other => return Err(ChartError::NoList(other.kind())),
    }
    Ok(chart)
}

/// The wanted charts so far.
#[derive(Debug)]
pub(super) struct Gather {
    wanted: BTreeSet<String>,
    pub limits: Limits,
    index: Index,
    open: Option<Open>,
}

/// The chart that is being read.
#[derive(Debug)]
struct Open {
    name: String,
    chart: Result<Chart, ChartError>,
    /// What came of the version (or of the value, if it is no list of lines) that is being read.
    text: Vec<u8>,
    /// Bytes of the chart so far.
    spent: usize,
}

impl Gather {
    pub(super) fn new<'w>(wanted: impl IntoIterator<Item = &'w str>, limits: Limits) -> Self {
        let wanted = wanted.into_iter().map(str::to_owned).collect();
        Self { wanted, limits, index: Index::default(), open: None }
    }

    /// Begins a chart. Returns whether it is wanted: if not, nothing of it need be handed in.
    pub(super) fn open(&mut self, name: &str) -> bool {
        if !self.wanted.contains(name) {
            return false;
        }
        if let Some(before) = self.index.charts.get_mut(name) {
            *before = Err(ChartError::Twice);
            return false;
        }
        let chart = Ok(Chart::default());
        self.open = Some(Open { name: name.to_owned(), chart, text: Vec::new(), spent: 0 });
        true
    }

    /// Takes bytes of the chart that is being read.
    pub(super) fn add(&mut self, bytes: &[u8]) {
        let Some(open) = &mut self.open else { return };
        open.spent = open.spent.saturating_add(bytes.len());
        if open.spent > self.limits.chart {
            open.fail(ChartError::TooLarge(self.limits.chart));
        }
        // One byte more than the limit tells that there was more.
        let room = (self.limits.version + 1).saturating_sub(open.text.len());
        if open.chart.is_ok() {
            open.text.extend_from_slice(&bytes[..bytes.len().min(room)]);
        }
    }

    /// Drops what came since the last version.
    pub(super) fn forget(&mut self) {
        if let Some(open) = &mut self.open {
            open.text.clear();
        }
    }

    /// Ends a version: `read` makes an entry of its text.
    pub(super) fn end_version(
        &mut self,
        read: impl FnOnce(&str) -> Result<Result<Entry, String>, Doubt>,
    ) -> Result<(), Doubt> {
        let limits = self.limits;
        let Some(open) = &mut self.open else { return Ok(()) };
        let bytes = std::mem::take(&mut open.text);
        let Ok(chart) = &mut open.chart else { return Ok(()) };
        if chart.len() >= limits.versions {
            open.fail(ChartError::TooMany(limits.versions));
            return Ok(());
        }
        if bytes.len() > limits.version {
            chart.add(Err(format!("it takes more than {} bytes", limits.version)));
            return Ok(());
        }
        match String::from_utf8(bytes) {
            Ok(text) => chart.add(read(&text)?),
            Err(_) => chart.add(Err("it is not UTF-8".to_owned())),
        }
        Ok(())
    }

    /// Ends a chart whose text is its whole value: `read` makes its versions of it.
    pub(super) fn end_value(
        &mut self,
        read: impl FnOnce(&str, &Limits) -> Result<Result<Chart, ChartError>, Doubt>,
    ) -> Result<(), Doubt> {
        let limits = self.limits;
        let Some(open) = &mut self.open else { return Ok(()) };
        let bytes = std::mem::take(&mut open.text);
        if open.chart.is_err() {
            return Ok(());
        }
        if bytes.len() > limits.version {
            // A list in brackets that is longer than a version may be is one for a parser of the whole.
            return Err(Doubt::Flow);
        }
        open.chart = match String::from_utf8(bytes) {
            Ok(text) => read(&text, &limits)?,
            Err(_) => Err(ChartError::NoList("what is not UTF-8")),
        };
        Ok(())
    }

    /// Ends the chart.
    pub(super) fn close(&mut self) {
        if let Some(open) = self.open.take() {
            self.index.charts.insert(open.name, open.chart);
        }
    }

    pub(super) fn into_index(self) -> Index {
        self.index
    }
}

impl Open {
    fn fail(&mut self, why: ChartError) {
        if self.chart.is_ok() {
            self.chart = Err(why);
        }
        self.text = Vec::new();
    }
}
