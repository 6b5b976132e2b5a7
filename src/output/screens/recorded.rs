//! What a request recorded: one line for each event.

use crate::journal::Event;
use crate::model::RolloutId;
use crate::output::mark::{Tone, clean};
use crate::output::{Look, Screen};
use crate::report::event::sentence;

/// What was recorded.
#[derive(Debug, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RecordedScreen {
    /// The rollout.
    pub rollout: RolloutId,
    /// The events; none when it was so already.
    pub events: Vec<Event>,
    /// Whether nobody drives it, so that nothing follows from it yet.
    pub undriven: bool,
}

impl Screen for RecordedScreen {
    const KIND: &'static str = "RolloutRequest";

    fn text(&self, _: &Look) -> String {
        if self.events.is_empty() {
            return format!("{} nothing to do: {} is so already\n", Tone::Quiet.glyph(), self.rollout);
        }
        let line = |event: &Event| {
            format!("{} {}\n", Tone::Good.paint(Tone::Good.glyph()), clean(&sentence(&event.body)))
        };
        self.events.iter().map(line).collect()
    }

    fn next(&self) -> Option<String> {
        let verb = if self.undriven { "run" } else { "watch" };
        Some(format!("tidegate rollout {verb} {}", self.rollout))
    }
}
