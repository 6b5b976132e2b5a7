//! `rollout replan`: what a new plan changes in a rollout, wave by wave.

use crate::diag::count;
use crate::digest::Digest;
use crate::model::RolloutId;
use crate::output::mark::{bold, clean, dim};
use crate::output::table::{Column, Table};
use crate::output::{Look, Screen};
use crate::plan::Plan;
use crate::report::event::named;
use crate::rollout::{Becomes, ReplannedWave, Rollout};

/// What a new plan changes.
#[derive(Debug, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReplanScreen {
    /// The rollout.
    pub rollout: RolloutId,
    /// The digest of the plan by which it went.
    pub before: Digest,
    /// The digest of the new plan.
    pub plan: Digest,
    /// What changes over all waves, in words.
    pub changes: Vec<String>,
    /// Its waves, in the new order, then those that are gone.
    pub waves: Vec<ReplannedWave>,
    /// The position of the event that recorded it; absent when nothing was recorded.
    pub recorded: Option<u64>,
    /// Whether nobody drives it, so that nothing follows from it yet.
    pub undriven: bool,
}

impl ReplanScreen {
    /// Of a rollout and its new plan.
    pub fn of(rollout: &Rollout, plan: &Plan) -> Self {
        let replanned = rollout.replanned(plan);
        Self {
            rollout: rollout.id().clone(),
            before: rollout.plan().digest,
            plan: plan.digest,
            changes: replanned.changes,
            waves: replanned.waves,
            recorded: None,
            undriven: false,
        }
    }
}

/// What becomes of a wave, as people read it.
fn becomes(wave: &ReplannedWave) -> &'static str {
    match wave.becomes {
        Becomes::Kept => "goes on, gates and all",
        Becomes::StaysOver => "stays as it ended",
        Becomes::Anew => "starts anew: its gates are asked again",
        Becomes::New => "is new",
        Becomes::Gone => "is not planned any more",
    }
}

impl Screen for ReplanScreen {
    const KIND: &'static str = "RolloutReplan";

    fn text(&self, look: &Look) -> String {
        let verb = if self.recorded.is_some() { "goes on by" } else { "would go on by" };
        let plans = format!("plan {} instead of {}", self.plan.short(), self.before.short());
        let mut text = format!("{} {verb} {plans}\n\n", bold(self.rollout.as_str()));
        let mut table =
            Table::new([Column::left("WAVE"), Column::text("WHAT BECOMES OF IT"), Column::text("CLUSTERS")]);
        for wave in &self.waves {
            let mut clusters = Vec::new();
            for (names, what) in [
                (&wave.joining, "joins"),
                (&wave.leaving, "leaves"),
                (&wave.anew, "gets other inputs"),
                (&wave.freed, "is tried again"),
            ] {
                if !names.is_empty() {
                    clusters.push(format!("{what}: {}", named(names)));
                }
            }
            if wave.keeping > 0 {
                clusters.push(format!("{} as before", count(wave.keeping, "cluster")));
            }
            let mut rules = vec![becomes(wave).to_owned()];
            rules.extend(wave.changes.iter().map(|change| clean(change)));
            table.row([wave.name.as_str().into(), rules.join("; ").into(), clusters.join("; ").into()]);
        }
        text.push_str(&table.text(look.width));
        for change in &self.changes {
            text.push_str(&format!("Over all waves: {}\n", clean(change)));
        }
        if self.recorded.is_none() {
            text.push_str(&dim("Nothing is recorded yet\n"));
        }
        text
    }

    fn next(&self) -> Option<String> {
        Some(match (self.recorded, self.undriven) {
            (None, _) => format!("tidegate rollout replan {}", self.rollout),
            (Some(_), true) => format!("tidegate rollout run {}", self.rollout),
            (Some(_), false) => format!("tidegate rollout watch {}", self.rollout),
        })
    }
}
