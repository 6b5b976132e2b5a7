//! The account of a world: what came of everything, without what no two runs have alike (identities,
//! revisions, moments, fences), so that two worlds can be held against each other.

use std::collections::BTreeMap;
use std::io::Read as _;

use base64::Engine as _;
use futures::FutureExt as _;
use serde_json::Value;
use tidegate::digest::{self, Digest};
use tidegate::rollout::FleetState;
use tidegate::sim::Simulation;
use tidegate::sim::fleet::Audited;

/// What came of a world.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Account {
    /// Every object of every cluster.
    pub objects: BTreeMap<String, String>,
    /// What was done to the clusters, by their audit logs alone: each write that changed something, with
    /// how often it did.
    pub effects: BTreeMap<String, u32>,
    /// The states of rollouts, waves and attempts.
    pub rollouts: BTreeMap<String, String>,
    /// The tags.
    pub tags: BTreeMap<String, String>,
}

impl Account {
    /// Of a world as it is now; `state` is what its journal says.
    pub fn of(simulation: &Simulation, state: &FleetState) -> Self {
        let mut account = Self::default();
        for name in simulation.fleet.names() {
            let objects = simulation.fleet.with(name, |cluster| {
                let keys = cluster.store.all_keys();
                keys.filter_map(|key| Some((key.clone(), cluster.store.get(key)?))).collect::<Vec<_>>()
            });
            for (key, object) in objects.unwrap() {
                // Leases end by themselves: who had one last means nothing.
                if &*key.resource == "leases" {
                    continue;
                }
                let id = format!("{name}: {} {}/{}", key.resource, key.namespace, key.name);
                account.objects.insert(id, plain(object).to_string());
            }
            let conditions = simulation.fleet.with(name, |cluster| format!("{:?}", cluster.conditions));
            account.objects.insert(format!("{name}: how things go in it"), conditions.unwrap());
            for done in simulation.fleet.audit(name).iter().filter(|done| is_effect(done)) {
                *account.effects.entry(effect(name, done)).or_default() += 1;
            }
        }
        for rollout in state.rollouts() {
            let id = rollout.id();
            account.rollouts.insert(id.to_string(), rollout.state().word().to_owned());
            for (wave, known) in rollout.waves() {
                account.rollouts.insert(format!("{id} {}", wave.name), format!("{:?}", known.phase()));
            }
            for (_, _, planned, cluster) in rollout.clusters() {
                let attempt = cluster.attempt();
                let said = format!("{} {}", attempt.number(), attempt.state().word());
                account.rollouts.insert(format!("{id} {}", planned.name), said);
            }
        }
        for tag in simulation.repository.git.tags("").now_or_never().unwrap().unwrap() {
            let message = tag.message.unwrap_or_default();
            // The journal's head differs: there are other events in it.
            let message: Vec<&str> = message.lines().filter(|line| !line.starts_with("journal:")).collect();
            account.tags.insert(tag.name, format!("{} {}", tag.commit, message.join("; ")));
        }
        account
    }

    /// A sum over all of it.
    pub fn digest(&self) -> Digest {
        digest::bytes(format!("{self:?}").as_bytes())
    }

    /// Where another differs from this one, line by line.
    pub fn differences(&self, other: &Self) -> Vec<String> {
        let mut lines = Vec::new();
        compare(&self.rollouts, &other.rollouts, &mut lines);
        compare(&self.tags, &other.tags, &mut lines);
        compare(&self.effects, &other.effects, &mut lines);
        compare(&self.objects, &other.objects, &mut lines);
        lines
    }
}

fn compare<T: PartialEq + std::fmt::Debug>(
    one: &BTreeMap<String, T>,
    other: &BTreeMap<String, T>,
    lines: &mut Vec<String>,
) {
    for (name, here) in one {
        match other.get(name) {
            Some(there) if there == here => {}
            Some(there) => {
                let (here, there) = (format!("{here:?}"), format!("{there:?}"));
                let same = here.bytes().zip(there.bytes()).take_while(|(one, other)| one == other).count();
                let part = |text: &str| {
                    String::from_utf8_lossy(&text.as_bytes()[same.saturating_sub(80)..])
                        .chars()
                        .take(160)
                        .collect()
                };
                let (here, there): (String, String) = (part(&here), part(&there));
                lines.push(format!("{name}\n    was ...{here}\n    is  ...{there}"));
            }
            None => lines.push(format!("{name}: is gone")),
        }
    }
    for (name, there) in other.iter().filter(|(name, _)| !one.contains_key(*name)) {
        let there: String = format!("{there:?}").chars().take(160).collect();
        lines.push(format!("{name}: was not there: {there}"));
    }
}

/// Whether a request changed something that is no bookkeeping of tidegate's own.
fn is_effect(done: &Audited) -> bool {
    done.changed
        && (200..300).contains(&done.status)
        && !done.path.contains("/namespaces/tidegate-system/")
        && !done.path.contains("dryRun")
}

fn effect(cluster: &str, done: &Audited) -> String {
    let body = done.body.as_deref().unwrap_or_default();
    let body = serde_json::from_str(body).map_or_else(|_| body.to_owned(), |body| plain(body).to_string());
    format!("{cluster}: {} {} {body}", done.method, done.path)
}

/// A value without what no two runs have alike.
fn plain(mut value: Value) -> Value {
    if value["kind"] == "Secret" {
        let data = value["data"].as_object_mut().into_iter().flatten();
        for (_, text) in data {
            *text = unpacked(text.as_str().unwrap_or_default());
        }
    }
    strip(&mut value);
    value
}

fn unpacked(text: &str) -> Value {
    let bytes = base64::engine::general_purpose::STANDARD.decode(text).unwrap_or_default();
    let mut whole = Vec::new();
    if flate2::read::GzDecoder::new(&bytes[..]).read_to_end(&mut whole).is_err() {
        whole = bytes;
    }
    serde_json::from_slice(&whole).unwrap_or_else(|_| hex::encode(whole).into())
}

fn strip(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            // The sum over a record's body, which has identities in it; the body itself is compared.
            fields.retain(|key, value| key != "body" || !value.is_string());
            fields.retain(|key, _| {
                let identity = ["uid", "resourceVersion", "rv", "own", "fence", "time", "controller-uid"];
                let moment = ["Timestamp", "Time", "At", "/controller-uid"];
                !identity.contains(&key.as_str()) && !moment.iter().any(|end| key.ends_with(end))
            });
            fields.values_mut().for_each(strip);
        }
        Value::Array(items) => items.iter_mut().for_each(strip),
        _ => {}
    }
}
