//! Writes an export: line after line, from the journal's entries in their order.

use std::collections::BTreeMap;

use super::scope::{Scope, holds};
use super::{BEFORE, EVENT, Head, Link, LinkLine, PipelineLine};
use crate::journal::{Body, Entry, decode};

/// Writes the lines of one export.
pub struct Writer {
    scope: Scope,
    /// What held before the rollout began: about what, at which position, in which line.
    before: BTreeMap<String, (u64, String)>,
    begun: bool,
    text: String,
}

impl Writer {
    /// Writes the first two lines.
    ///
    /// # Errors
    /// When they have no form in JSON, which no values do not have.
    pub fn begin(scope: Scope, head: &Head, pipeline: &PipelineLine) -> Result<Self, String> {
        let text = format!("{}\n{}\n", json(head)?, json(pipeline)?);
        Ok(Self { scope, before: BTreeMap::new(), begun: false, text })
    }

    /// Takes the journal's next entry.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn take(&mut self, entry: &Entry) -> Result<(), String> {
        let event = decode(entry).map_err(|error| error.to_string())?;
        if event.seq < self.scope.first() {
            if self.scope.tells(&event.body) {
                self.keep(entry, &event.body);
            }
            return Ok(());
        }
        if !self.begun {
            self.begun = true;
            let mut lines: Vec<_> = std::mem::take(&mut self.before).into_values().collect();
            lines.sort();
            for (_, line) in lines {
                self.line(&line);
            }
        }
        if self.scope.tells(&event.body) {
            // The text as it is kept: its hash is over these bytes.
            self.line(&format!("{EVENT}{}}}", entry.text));
        } else {
            let link = LinkLine { link: Link { seq: event.seq, prev: event.prev, hash: event.hash } };
            self.line(&json(&link)?);
        }
        Ok(())
    }

    /// Keeps what may still hold when the rollout begins.
    fn keep(&mut self, entry: &Entry, body: &Body) {
        let Some((about, begins)) = holds(body) else { return };
        match body {
            Body::MembershipRecorded { .. } => _ = self.before.remove("doubt"),
            Body::ClusterObserved { cluster, .. } => {
                _ = self.before.remove(&format!("unreachable {cluster}"));
            }
            _ => {}
        }
        if begins {
            self.before.insert(about, (entry.seq, format!("{BEFORE}{}}}", entry.text)));
        } else {
            self.before.remove(&about);
        }
    }

    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    /// The file.
    pub fn text(self) -> String {
        self.text
    }
}

/// The export of a rollout from a journal that is in memory; `head` names the rollout.
///
/// # Errors
/// When an entry can't be read.
pub fn export(mut head: Head, pipeline: &PipelineLine, entries: &[Entry]) -> Result<String, String> {
    let mut scope = Scope::of(head.rollout.clone());
    for entry in entries {
        scope.learn(&decode(entry).map_err(|error| error.to_string())?);
    }
    head.related = scope.related().cloned().collect();
    let mut writer = Writer::begin(scope, &head, pipeline)?;
    for entry in entries {
        writer.take(entry)?;
    }
    Ok(writer.text())
}

fn json(value: &impl serde::Serialize) -> Result<String, String> {
    serde_json::to_string(value).map_err(|error| error.to_string())
}
