//! What held a rollout up, and for how long: whenever nobody could go on but people or time, everything
//! that stood in the way held it for as long as that lasted.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::model::{ClusterName, WaveName};
use crate::report::explanation::{DRIVER, Explanation, Unblock};

/// What held, and where.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hold {
    /// In which wave; the whole rollout if absent.
    pub wave: Option<WaveName>,
    /// A gate's id, or a word of tidegate: `window`, `soak`, `stop-the-line`, `failure-budget`.
    pub gate: String,
}

/// How it held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// For how long in all.
    pub length: Duration,
    /// The clusters that it held, where it held single ones.
    pub clusters: BTreeSet<ClusterName>,
    /// What it rested on the first time.
    pub evidence: Vec<String>,
    /// What ended it, and who could.
    pub unblock: Unblock,
}

/// All that held one rollout.
pub type Holds = BTreeMap<Hold, Held>;

/// Notes that these things held for so long.
pub fn note(holds: &mut Holds, reasons: &[Explanation], length: Duration) {
    let mut seen = BTreeSet::new();
    for reason in reasons.iter().filter(|reason| reason.gate != DRIVER) {
        let hold = Hold { wave: reason.subject.wave.clone(), gate: reason.gate.clone() };
        let held = holds.entry(hold.clone()).or_insert_with(|| Held {
            length: Duration::ZERO,
            clusters: BTreeSet::new(),
            evidence: reason.evidence.clone(),
            unblock: reason.unblock.clone(),
        });
        held.clusters.extend(reason.subject.cluster.clone());
        // Many clusters that wait for one window wait together.
        if seen.insert(hold) {
            held.length += length;
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::report::explanation::Subject;

    fn waits(gate: &str, wave: &str, cluster: Option<&str>) -> Explanation {
        let subject = Subject {
            rollout: None,
            wave: Some(wave.parse().unwrap()),
            cluster: cluster.map(|name| name.parse().unwrap()),
        };
        Explanation {
            gate: gate.to_owned(),
            state: "waits".to_owned(),
            since: None,
            looks: None,
            evidence: vec![format!("because of {gate}")],
            unblock: Unblock::default(),
            subject,
        }
    }

    #[test]
    fn clusters_that_wait_for_one_window_wait_together_and_gates_add_up() {
        let mut holds = Holds::new();
        let hour = Duration::from_secs(3_600);
        let both = [waits("window", "prod", Some("prod-1")), waits("window", "prod", Some("prod-2"))];
        note(&mut holds, &both, hour);
        note(&mut holds, &both[..1], hour);
        note(&mut holds, &[waits("approval", "prod", None), waits(DRIVER, "prod", None)], hour);
        let told: Vec<_> =
            holds.iter().map(|(hold, held)| (&*hold.gate, held.length, held.clusters.len())).collect();
        assert_eq!(told, [("approval", hour, 0), ("window", hour * 2, 2)]);
    }
}
