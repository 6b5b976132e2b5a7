//! A rollout at a moment of its past.

use crate::model::{Duration, RolloutId};
use crate::output::mark::{bold, dim};
use crate::output::{Look, Screen};
use crate::report::explanation::Explanation;

use super::{StatusScreen, WhyScreen};

/// A rollout as it stood at a moment, read from its export.
#[derive(Debug, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReplayScreen {
    /// The rollout.
    pub rollout: RolloutId,
    /// The moment.
    pub at: jiff::Timestamp,
    /// How long after the rollout was planned, in seconds.
    pub after: Duration,
    /// The position of the last event until then.
    pub position: u64,
    /// Whether the file tells of nothing later.
    pub ended: bool,
    /// How far it was, and what it waited for.
    pub status: StatusScreen,
}

impl Screen for ReplayScreen {
    const KIND: &'static str = "RolloutReplay";

    fn text(&self, look: &Look) -> String {
        let ended = if self.ended { ", the last of this file" } else { "" };
        let mut text = format!(
            "{} at {} (+{}, event {}{ended})\n\n",
            bold(self.rollout.as_str()),
            self.at.to_zoned(look.view.zone.clone()).strftime("%Y-%m-%d %H:%M:%S"),
            self.after,
            self.position
        );
        text.push_str(&self.status.text(look));
        let waits: &[Explanation] = &self.status.waits;
        if !waits.is_empty() {
            let summary = &self.status.summary;
            let why = WhyScreen {
                rollout: self.rollout.clone(),
                state: summary.state,
                open: summary.open,
                since: summary.since,
                about: self.rollout.to_string(),
                driver: None,
                explanations: waits.to_vec(),
            };
            text.push_str(&format!("\n{}", why.text(look)));
        }
        text.push_str(&format!("\n{}\n", dim("a recording: nothing here says how the fleet is now")));
        text
    }
}
