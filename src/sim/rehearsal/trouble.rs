//! What goes wrong on the way in a rehearsal: nothing, a little as on every day, much as on a bad one, or
//! what a file says in the words of scenarios.

use std::time::Duration;

use crate::diag::{Finding, Findings, Source, codes};
use crate::model::scenario::{ScenarioConditions, ScenarioFault};
use crate::sim::Simulation;
use crate::sim::chance::Chance;
use crate::sim::faults::{Faults, Requests, Rule, Trouble as Struck};
use crate::sim::scenario;
use crate::yaml::{self, Spanned};

/// How much goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Nothing.
    None,
    /// As on every day: some requests fail or are slow, one cluster of fifty can't be reached for a while.
    Some,
    /// As on a bad day: four times as much, and one cluster of ten.
    Many,
}

/// What goes wrong, in a file of its own: the fields of the same name of a scenario.
#[derive(Debug, Clone, Default, serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct TroubleFile {
    /// What goes wrong on the way to clusters; times count from the start of the rollout.
    #[serde(default)]
    pub faults: Vec<Spanned<ScenarioFault>>,
    /// How things go in clusters.
    #[serde(default)]
    pub conditions: Vec<Spanned<ScenarioConditions>>,
}

/// What goes wrong.
#[derive(Debug, Clone)]
pub enum Trouble {
    /// So much, as chance has it.
    Level(Level),
    /// What a file says.
    File(TroubleFile),
}

/// For ever, as far as a simulation goes.
const EVER: Duration = Duration::from_secs(u32::MAX as u64);

/// The usual longest start of a pod, and that of a slow day and of a bad one.
const STARTS: [Duration; 3] = [Duration::from_secs(12), Duration::from_secs(60), Duration::from_secs(240)];

/// Reads a file of troubles; `known` tells the clusters of the fleet.
///
/// # Errors
/// When it is none, or names clusters that the fleet does not have; all findings at once.
pub fn read(path: &str, bytes: &[u8], known: &[&str]) -> Result<TroubleFile, Findings> {
    let source = Source::from_bytes(path, bytes.to_vec())?;
    let file: TroubleFile = yaml::load(&source)?.unwrap_or_default();
    let mut findings = Findings::new();
    let named = file.faults.iter().flat_map(|fault| &fault.value.clusters);
    for name in named.chain(file.conditions.iter().flat_map(|conditions| &conditions.value.clusters)) {
        if !known.contains(&name.value.as_str()) {
            let message = format!("the fleet has no cluster `{}`", name.value);
            let finding = Finding::error(&codes::NO_SUCH_THING, message).at(&name.place);
            findings.push(finding.did_you_mean(name.value.as_str(), known.iter().copied()));
        }
    }
    findings.into_result(file)
}

/// Lets it go wrong from now on.
pub fn begin(trouble: &Trouble, simulation: &Simulation, seed: u64) {
    let begun = simulation.clock.elapsed();
    match trouble {
        Trouble::Level(level) => {
            let mut rules = Vec::new();
            let names: Vec<String> = simulation.fleet.names().map(str::to_owned).collect();
            for name in &names {
                rules.extend(outage(*level, name, seed));
            }
            rules.extend(everyday(*level));
            simulation.fleet.set_faults(Faults { rules, ..Faults::default() });
            for name in &names {
                simulation.fleet.with(name, |cluster| {
                    cluster.conditions.pod_start.1 = STARTS[*level as usize];
                });
            }
        }
        Trouble::File(file) => {
            simulation.fleet.set_faults(scenario::faults(&file.faults, begun));
            let names: Vec<String> = simulation.fleet.names().map(str::to_owned).collect();
            let broken = |name: &String| {
                simulation.fleet.with(name, |cluster| cluster.conditions.broken_nodes.clone())
            };
            // What is broken in the fleet itself stays so.
            let before: Vec<_> = names.iter().map(|name| broken(name).unwrap_or_default()).collect();
            for conditions in &file.conditions {
                scenario::change(simulation, &conditions.value);
            }
            for (name, before) in names.iter().zip(before) {
                simulation.fleet.with(name, |cluster| cluster.conditions.broken_nodes.extend(before));
            }
        }
    }
}

/// A cluster that refuses so many requests before it can be reached.
fn outage(level: Level, name: &str, seed: u64) -> Option<Rule> {
    let (often, times) = match level {
        Level::None => return None,
        Level::Some => (20, 40),
        Level::Many => (100, 120),
    };
    let unlucky = Chance::named(seed, &format!("outage of {name}")).per_mille(often);
    unlucky.then(|| Rule {
        clusters: std::iter::once(name.to_owned()).collect(),
        requests: Requests::default(),
        during: (Duration::ZERO, EVER),
        per_mille: 1_000,
        times: Some(times),
        trouble: Struck::Refused,
    })
}

/// What hits all clusters alike.
fn everyday(level: Level) -> Vec<Rule> {
    let times = match level {
        Level::None => return Vec::new(),
        Level::Some => 1,
        Level::Many => 4,
    };
    let rule = |per_mille: u32, writes: Option<bool>, trouble: Struck| Rule {
        clusters: std::collections::BTreeSet::new(),
        requests: Requests { writes, path: None },
        during: (Duration::ZERO, EVER),
        per_mille: per_mille * times,
        times: None,
        trouble,
    };
    vec![
        rule(3, None, Struck::Reset),
        rule(3, None, Struck::Status { code: 429, retry_after: Some(2) }),
        rule(2, None, Struck::Status { code: 500, retry_after: None }),
        rule(2, None, Struck::Truncated),
        rule(1, Some(true), Struck::AnswerLost),
        rule(5, None, Struck::Slow(Duration::from_secs(4))),
    ]
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_file_may_only_name_clusters_of_the_fleet() {
        let text = b"faults:\n  - { clusters: [prod-2], what: refused, until: 1h }\nconditions:\n  - { unpullable: [\"web:2\"] }\n";
        let file = read("bad.yaml", text, &["prod-1", "prod-2"]).unwrap();
        assert_eq!((file.faults.len(), file.conditions.len()), (1, 1));
        let wrong = read("bad.yaml", text, &["prod-1", "prod-3"]).unwrap_err().to_string();
        assert!(wrong.contains("no cluster `prod-2`") && wrong.contains("bad.yaml:2:"), "{wrong}");
        let wrong = read("bad.yaml", b"faults:\n  - { what: lightning }\n", &[]).unwrap_err().to_string();
        assert!(wrong.contains("lightning"), "{wrong}");
    }

    #[test]
    fn whom_an_outage_hits_follows_from_seed_and_name() {
        let hit = |seed| -> Vec<bool> {
            (0..400).map(|n| outage(Level::Many, &format!("prod-{n}"), seed).is_some()).collect()
        };
        assert_eq!(hit(1), hit(1));
        assert_ne!(hit(1), hit(2));
        let hits = hit(1).into_iter().filter(|hit| *hit).count();
        assert!((20..60).contains(&hits), "{hits} of 400");
    }
}
