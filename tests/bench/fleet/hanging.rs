//! One cluster takes connections and answers no more: by how much later the others are done than without it.

use std::collections::BTreeMap;

use tidegate::journal::{Body, Event};

use super::{play, text};

/// When clusters were done.
#[derive(Default)]
pub struct Ends {
    began: Option<jiff::Timestamp>,
    /// In milliseconds after the rollout's beginning.
    ends: BTreeMap<String, i128>,
}

impl Ends {
    /// Another event of the story.
    pub fn note(&mut self, event: &Event) {
        match &event.body {
            // Planning looks at every cluster, and waits for one that hangs.
            Body::RolloutStarted { .. } => self.began = Some(event.at),
            Body::AttemptFinished { attempt, .. } => {
                let began = self.began.unwrap_or(event.at);
                self.ends.insert(attempt.cluster.to_string(), event.at.duration_since(began).as_millis());
            }
            _ => {}
        }
    }
}

/// Runs and prints it. The cluster is in the middle of the last wave, where all slots are taken. It answers
/// until that wave is near: so the two stories are the same until then, to the millisecond, and what differs
/// afterwards comes from it alone.
pub fn run(without: &Ends, clusters: usize) {
    let last = (clusters - clusters / 10 - 1).to_string();
    let hung = format!("prod-{:0digits$}", (clusters - clusters / 10 - 1) / 2, digits = last.len());
    let fault = format!("  faults:\n    - {{ what: half-open, from: 30m, clusters: [{hung}] }}\n");
    let (_, with) = play(&text(clusters, &fault));
    let others = || with.ends.iter().filter(|(name, _)| **name != hung);
    let before = others().filter(|(name, _)| !name.starts_with("prod"));
    assert!(
        before.clone().count() > 0 && before.clone().all(|(name, end)| without.ends.get(name) == Some(end))
    );
    let mut later: Vec<i128> =
        others().filter_map(|(name, end)| Some(end - without.ends.get(name)?)).collect();
    later.sort_unstable();
    let end = |ends: &Ends| ends.ends.iter().filter(|(name, _)| **name != hung).map(|(_, end)| *end).max();
    let seconds = |milliseconds: i128| milliseconds as f64 / 1_000.0;
    println!(
        "hanging: {hung} of {clusters} clusters answers no more: of the {} others {} are done at the very same \
         moment, {} later; {:.3} s later at the median, the last of all {:.3} s (goal: 0)",
        later.len(),
        later.iter().filter(|later| **later == 0).count(),
        later.iter().filter(|later| **later > 0).count(),
        seconds(later[later.len() / 2]),
        seconds(end(&with).unwrap_or_default() - end(without).unwrap_or_default()),
    );
}
