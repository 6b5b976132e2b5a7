//! `rehearse`: what came of a scenario.

use crate::diag::count;
use crate::output::mark::{Tone, clean};
use crate::output::{Look, Screen};
use crate::sim::scenario::{RolloutEnd, Verdict};

/// What came of a scenario.
#[derive(Debug, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RehearsalScreen {
    /// Its name.
    pub scenario: String,
    /// What it shows.
    pub story: Option<String>,
    /// What came of it.
    #[serde(flatten)]
    pub verdict: Verdict,
}

impl Screen for RehearsalScreen {
    const KIND: &'static str = "Rehearsal";

    fn text(&self, _: &Look) -> String {
        let verdict = &self.verdict;
        let tone = if verdict.holds { Tone::Good } else { Tone::Bad };
        let word = if verdict.holds { "all holds" } else { "not all holds" };
        let took = jiff::SignedDuration::from_secs(i64::try_from(verdict.seconds).unwrap_or(i64::MAX));
        let mut text = format!(
            "{} · {} · seed {} · {} in {}\n",
            clean(&self.scenario),
            tone.paint(&format!("{} {word}", tone.glyph())),
            verdict.seed,
            count(usize::try_from(verdict.events).unwrap_or(usize::MAX), "event"),
            format_args!("{took:#}"),
        );
        for RolloutEnd { rollout, state } in &verdict.rollouts {
            text.push_str(&format!("{rollout} {state}\n"));
        }
        for check in &verdict.checks {
            let tone = if check.holds { Tone::Good } else { Tone::Bad };
            let found = check.found.as_ref().map(|found| format!(": {}", clean(found))).unwrap_or_default();
            let at = check.at.map(|at| format!("after {at}: ")).unwrap_or_default();
            text.push_str(&format!("{} {at}{}{found}\n", tone.paint(tone.glyph()), clean(&check.what)));
        }
        if !verdict.faults.is_empty() {
            let faults: Vec<String> =
                verdict.faults.iter().map(|(name, times)| format!("{name} {times} times")).collect();
            text.push_str(&format!("went wrong on the way: {}\n", faults.join(", ")));
        }
        text
    }
}
