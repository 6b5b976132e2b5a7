//! `rollout why`: a block for everything that waits, and the command that helps first.

use crate::diag::count;
use crate::model::RolloutId;
use crate::output::mark::{Tone, bold, clean};
use crate::output::table::wrap;
use crate::output::{Look, Screen};
use crate::report::explanation::{Driving, Explanation};
use crate::report::failures::PRINTED;

use super::words::tone;

/// So many blocks are shown to people; programs get all.
const SHOWN: usize = 24;

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
        for explanation in self.explanations.iter().take(SHOWN) {
            text.push('\n');
            block(explanation, look, &mut text);
        }
        if let Some(more) = self.explanations.len().checked_sub(SHOWN).filter(|more| *more > 0) {
            text.push_str(&format!("\nand {more} more, all of them with -o json\n"));
        }
        text
    }

    fn next(&self) -> Option<String> {
        self.explanations.iter().find_map(|e| e.unblock.commands.first().cloned())
    }
}

/// One explanation as lines.
fn block(explanation: &Explanation, look: &Look, text: &mut String) {
    let tone = match tone(&explanation.state) {
        Tone::Quiet => Tone::Waits,
        known => known,
    };
    let mut title =
        format!("{} {}", tone.paint(&tone.mark(&clean(&explanation.gate))), clean(&explanation.state));
    let subject = &explanation.subject;
    match (&subject.cluster, &subject.wave) {
        (Some(cluster), Some(wave)) => title.push_str(&format!(" · cluster {cluster} of wave {wave}")),
        (Some(cluster), None) => title.push_str(&format!(" · cluster {cluster}")),
        (None, Some(wave)) => title.push_str(&format!(" · wave {wave}")),
        (None, None) => {}
    }
    if let Some(since) = explanation.since {
        title.push_str(&format!(" · {}", look.view.since(since)));
    }
    text.push_str(&title);
    text.push('\n');
    let unblock = &explanation.unblock;
    let mut condition = unblock.condition.clone();
    if let Some(earliest) = unblock.earliest {
        condition.push_str(&format!(", earliest {}", look.view.until(earliest)));
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
