//! A rollout as it was executed, and its export.

use crate::diag::count;
use crate::journal::export::{Checked, ExportedPipeline};
use crate::model::{Actor, RolloutId};
use crate::output::mark::{Tone, bold, clean, dim};
use crate::output::{Look, Screen};

use super::PlanScreen;

/// A rollout with its plan and pipeline as they were executed.
#[derive(Debug, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ShownRollout {
    /// Its id.
    pub rollout: RolloutId,
    /// The word for its state.
    pub state: &'static str,
    /// When it was planned.
    pub planned_at: jiff::Timestamp,
    /// By whom.
    pub by: Actor,
    /// The pipeline's file as it was then.
    pub pipeline: ExportedPipeline,
    /// Whether the pipeline's file is another one in the last commit; absent where it is not there.
    pub changed_since: Option<bool>,
    /// The plan.
    pub plan: PlanScreen,
}

impl Screen for ShownRollout {
    const KIND: &'static str = "Rollout";

    fn text(&self, look: &Look) -> String {
        let mut text = format!(
            "{} · {} · planned {} by {}\n",
            bold(self.rollout.as_str()),
            self.state,
            look.view.clock(self.planned_at),
            clean(&self.by.to_string())
        );
        let pipeline = &self.pipeline;
        let commit: String = pipeline.commit.chars().take(10).collect();
        let name = format!("pipeline {} as of commit {commit} ({})", pipeline.name, pipeline.digest.short());
        text.push_str(&match self.changed_since {
            Some(true) => format!("{}\n", Tone::Warn.paint(&format!("! {name}; the file has changed since"))),
            Some(false) => format!("{name}\n"),
            None => format!("{name}; the last commit has no such file\n"),
        });
        text.push_str(&format!("\n{}", self.plan.text(look)));
        text
    }

    fn next(&self) -> Option<String> {
        Some(format!("tidegate rollout export {} --out FILE", self.rollout))
    }
}

/// An export that was written.
#[derive(Debug, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ExportedScreen {
    /// What it holds.
    #[serde(flatten)]
    pub checked: Checked,
    /// Where.
    pub file: String,
}

impl Screen for ExportedScreen {
    const KIND: &'static str = "RolloutExported";

    fn text(&self, _: &Look) -> String {
        format!("{}{}\n", holds(&self.checked, "is exported"), clean(&self.file))
    }

    fn next(&self) -> Option<String> {
        Some(format!("tidegate rollout replay {}", self.file))
    }
}

/// An export that was verified.
#[derive(Debug, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ExportChecked {
    /// What it holds.
    #[serde(flatten)]
    pub checked: Checked,
}

impl Screen for ExportChecked {
    const KIND: &'static str = "ExportVerification";

    fn text(&self, _: &Look) -> String {
        holds(&self.checked, "holds")
    }
}

fn holds(checked: &Checked, word: &str) -> String {
    let (events, links) = (usize::try_from(checked.events), usize::try_from(checked.links));
    format!(
        "{} {} {word} · {} and {}\n{}\n",
        Tone::Good.paint(Tone::Good.glyph()),
        bold(checked.head.rollout.as_str()),
        count(events.unwrap_or(usize::MAX), "event"),
        count(links.unwrap_or(usize::MAX), "link"),
        dim(&format!(
            "journal {} up to event {}, {}",
            checked.head.journal, checked.head.last, checked.head.hash
        ))
    )
}
