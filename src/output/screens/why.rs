//! `rollout why`: a block for everything that waits, and the command that helps first.

use crate::diag::count;
use crate::model::{ClusterName, RolloutId};
use crate::output::mark::{Tone, bold, clean};
use crate::output::table::wrap;
use crate::output::{Look, Screen};
use crate::report::event::first_of;
use crate::report::explanation::{Driving, Explanation};
use crate::report::failures::PRINTED;

use super::words::tone;

/// So many blocks are shown to people; programs get all.
const SHOWN: usize = 24;
/// So many clusters that wait for the same are named.
const NAMED: usize = 20;

/// Why a rollout, or something of it, waits.
#[derive(Debug, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WhyScreen {
    /// The rollout.
    pub rollout: RolloutId,
    /// The word for its state.
    pub state: &'static str,
    /// Whether it can still go on.
    pub open: bool,
    /// Since when it is in that state.
    pub since: jiff::Timestamp,
    /// What was asked about: the rollout, a wave, or a cluster.
    pub about: String,
    /// Who drives.
    pub driver: Option<Driving>,
    /// Everything that waits, the most important first.
    pub explanations: Vec<Explanation>,
}

impl Screen for WhyScreen {
    const KIND: &'static str = "RolloutExplanation";

    fn text(&self, look: &Look) -> String {
        let state = tone(self.state).paint(&tone(self.state).mark(self.state));
        let mut text = match self.explanations.len() {
            // What failed in a rollout that is over waits for nothing.
            n if n > 0 && !self.open => {
                format!("{} is at its end: {state} {}\n", bold(&self.about), look.view.since(self.since))
            }
            0 => {
                format!("{} waits for nothing: {state} {}\n", bold(&self.about), look.view.since(self.since))
            }
            n => {
                let things = count(n, "thing");
                format!("{} waits for {things}: {state} {}\n", bold(&self.about), look.view.since(self.since))
            }
        };
        let blocks = blocks(&self.explanations);
        for block in &blocks {
            text.push('\n');
            block.write(look, &mut text);
        }
        // Who has no cluster has a block alone.
        let shown: usize = blocks.iter().map(|block| block.clusters.len().max(1)).sum();
        if let Some(more) = self.explanations.len().checked_sub(shown).filter(|more| *more > 0) {
            text.push_str(&format!("\nand {more} more, all of them with -o json\n"));
        }
        text
    }

    fn next(&self) -> Option<String> {
        self.explanations.iter().find_map(|e| e.unblock.commands.first().cloned())
    }
}

/// What one block tells: an explanation, and the clusters that wait for just the same.
struct Block<'a> {
    first: &'a Explanation,
    clusters: Vec<&'a ClusterName>,
    since: Option<jiff::Timestamp>,
}

/// The first blocks, and in them whatever waits for the same.
fn blocks(explanations: &[Explanation]) -> Vec<Block<'_>> {
    let mut blocks: Vec<Block<'_>> = Vec::new();
    for explanation in explanations {
        let cluster = explanation.subject.cluster.as_ref();
        match blocks.iter().position(|block| cluster.is_some() && block.tells(explanation)) {
            Some(same) => {
                let block = &mut blocks[same];
                block.clusters.extend(cluster);
                block.since = block.since.into_iter().chain(explanation.since).min();
            }
            None if blocks.len() < SHOWN => blocks.push(Block {
                first: explanation,
                clusters: cluster.into_iter().collect(),
                since: explanation.since,
            }),
            None => {}
        }
    }
    blocks
}

impl Block<'_> {
    /// Whether it tells this already, but for the cluster and since when.
    fn tells(&self, other: &Explanation) -> bool {
        let Explanation { gate, state, since: _, looks, evidence, unblock, subject } = self.first;
        subject.cluster.is_some()
            && (&subject.rollout, &subject.wave) == (&other.subject.rollout, &other.subject.wave)
            && (gate, state, looks) == (&other.gate, &other.state, &other.looks)
            && evidence == &other.evidence
            && unblock == &other.unblock
    }

    /// Whom it is about, in half a sentence.
    fn subject(&self) -> String {
        let clusters = match self.clusters.as_slice() {
            [] => None,
            [one] => Some(format!("cluster {one}")),
            several => Some(count(several.len(), "cluster")),
        };
        match (clusters, &self.first.subject.wave) {
            (Some(clusters), Some(wave)) => format!(" · {clusters} of wave {wave}"),
            (Some(clusters), None) => format!(" · {clusters}"),
            (None, Some(wave)) => format!(" · wave {wave}"),
            (None, None) => String::new(),
        }
    }

    /// Its lines.
    fn write(&self, look: &Look, text: &mut String) {
        let explanation = self.first;
        let tone = match tone(&explanation.state) {
            Tone::Quiet => Tone::Waits,
            known => known,
        };
        let gate = tone.paint(&tone.mark(&clean(&explanation.gate)));
        text.push_str(&format!("{gate} {}{}", clean(&explanation.state), self.subject()));
        if let Some(since) = self.since {
            text.push_str(&format!(" · {}", look.view.since(since)));
        }
        text.push('\n');
        let unblock = &explanation.unblock;
        let mut condition = unblock.condition.clone();
        if let Some(earliest) = unblock.earliest {
            condition.push_str(&format!(", earliest {}", look.view.until(earliest)));
        }
        if let [_, _, ..] = self.clusters.as_slice() {
            let names = first_of(self.clusters.iter().map(|name| name.as_str()), NAMED);
            lines("clusters", &names, look.width, text);
        }
        lines("alert", &explanation.alert().unwrap_or_default(), look.width, text);
        for line in &explanation.evidence {
            // What a test printed stands under its cluster as it was printed.
            let title = if line.starts_with(PRINTED) { "" } else { "because" };
            lines(title, line, look.width, text);
        }
        lines("unblocks", &condition, look.width, text);
        if !unblock.actors.is_empty() {
            lines("who can", &unblock.actors.join(", "), look.width, text);
        }
        for command in &unblock.commands {
            lines("how", command, None, text);
        }
    }
}

/// A titled line, wrapped with its title's indent; commands are never wrapped, so that they can be
/// copied.
fn lines(title: &str, content: &str, width: Option<u16>, text: &mut String) {
    if content.is_empty() {
        return;
    }
    let content = clean(content);
    // The mark of printed lines stands before each part of a line that had to be broken.
    let (mark, content) = content.strip_prefix(PRINTED).map_or(("", &*content), |rest| (PRINTED, rest));
    let taken = 12 + mark.len();
    let room = width.map_or(usize::MAX, |w| usize::from(w).saturating_sub(taken).max(20));
    for (number, line) in wrap(content, room).into_iter().enumerate() {
        let title = if number == 0 { title } else { "" };
        text.push_str(&format!("  {title:8}  {mark}{line}\n"));
    }
}
