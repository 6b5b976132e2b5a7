//! StatefulSets: pods with numbers, one after the other, each with its own volumes.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::birth;
use super::fields::{after, control, count, is_going, items, list, number, set, text};
use super::pods::{available_at, has_ended, is_available, is_ready, label};
use super::replica_sets::write_numbers;
use super::revisions::{self, REVISION};
use super::world::{Found, Role, World, owned};
use crate::sim::json::At as _;
use crate::sim::store::Key;

/// What is to be done for a StatefulSet.
struct Plan {
    key: Key,
    object: Value,
    /// The revisions that its pods have, and are to have.
    current: Found,
    update: Found,
    /// The numbers of its pods.
    ordinals: std::ops::Range<i64>,
    /// Seconds for which a pod has to be ready.
    pause: i64,
    /// Whether one pod waits for the other.
    ordered: bool,
}

pub(super) fn look(world: &mut World<'_>, key: &Key) {
    let Some(plan) = plan(world, key) else { return };
    let found = plan.pods(world);
    if !is_going(&plan.object) {
        plan.act(world, found);
    }
    let found = plan.pods(world);
    plan.tell(world, &found);
    let mut live = vec![plan.current.0.name.to_string(), plan.update.0.name.to_string()];
    live.extend(found.values().map(|(_, pod)| label(pod, REVISION).to_owned()));
    revisions::clean_up(world, key, &plan.object, "StatefulSet", &live);
}

fn plan(world: &mut World<'_>, key: &Key) -> Option<Plan> {
    let object = world.get(key)?;
    let update = revisions::current(world, key, &object, "StatefulSet")?;
    let named = text(&object, "/status/currentRevision");
    let known = revisions::all(world, key, &object, "StatefulSet").into_iter();
    let current = known.into_iter().find(|(key, _)| &*key.name == named).unwrap_or_else(|| update.clone());
    let start = count(&object, "/spec/ordinals/start");
    let replicas = number(&object, "/spec/replicas").unwrap_or(1).max(0);
    let ordered = text(&object, "/spec/podManagementPolicy") != "Parallel";
    let pause = count(&object, "/spec/minReadySeconds");
    let ordinals = start..start + replicas;
    Some(Plan { key: key.clone(), object: (*object).clone(), current, update, ordinals, pause, ordered })
}

impl Plan {
    /// Its pods by their numbers.
    fn pods(&self, world: &mut World<'_>) -> BTreeMap<i64, Found> {
        let found = world.children("", "pods", &self.key);
        let reference = control("apps/v1", "StatefulSet", &self.object);
        let selector = self.object.at("/spec/selector").cloned().unwrap_or_default();
        let found = owned(world, found, &self.object, &reference, &selector);
        let start = format!("{}-", self.key.name);
        let numbered = found.into_iter().filter_map(|(key, pod)| {
            let ordinal: i64 = key.name.strip_prefix(&start)?.parse().ok()?;
            Some((ordinal, (key, pod)))
        });
        numbered.collect()
    }

    fn is_well(&self, pod: &Value, now: jiff::Timestamp) -> bool {
        is_ready(pod) && !is_going(pod) && is_available(pod, self.pause, now)
    }

    fn act(&self, world: &mut World<'_>, mut pods: BTreeMap<i64, Found>) {
        let now = world.now;
        for ordinal in self.ordinals.clone() {
            let well = match pods.get(&ordinal) {
                None => {
                    self.make(world, ordinal);
                    false
                }
                Some((key, pod)) if has_ended(pod) && !is_going(pod) => {
                    world.delete(key);
                    false
                }
                Some((_, pod)) => {
                    self.claim(world, ordinal);
                    self.is_well(pod, now)
                }
            };
            if !well && self.ordered {
                return;
            }
        }
        if !self.condemn(world, &pods) {
            return;
        }
        pods.retain(|ordinal, _| self.ordinals.contains(ordinal));
        self.replace(world, &pods);
    }

    /// Deletes pods with numbers that are too high, from the highest. Answers whether none is left.
    fn condemn(&self, world: &mut World<'_>, pods: &BTreeMap<i64, Found>) -> bool {
        let now = world.now;
        let ill = pods.values().find(|(_, pod)| !self.is_well(pod, now)).map(|(key, _)| key);
        let mut is_done = true;
        for (key, pod) in
            pods.iter().rev().filter(|(at, _)| !self.ordinals.contains(at)).map(|(_, found)| found)
        {
            is_done = false;
            if !is_going(pod) {
                if self.ordered && !self.is_well(pod, now) && ill != Some(key) {
                    return false;
                }
                world.delete(key);
            }
            if self.ordered {
                return false;
            }
        }
        is_done
    }

    /// Replaces a pod of an older revision, from the highest number, one at a time.
    fn replace(&self, world: &mut World<'_>, pods: &BTreeMap<i64, Found>) {
        if text(&self.object, "/spec/updateStrategy/type") == "OnDelete" {
            return;
        }
        let partition = count(&self.object, "/spec/updateStrategy/rollingUpdate/partition");
        for (ordinal, (key, pod)) in pods.iter().rev() {
            // As the server: counted from the first number, whatever that is.
            if ordinal - self.ordinals.start < partition {
                return;
            }
            if label(pod, REVISION) != &*self.update.0.name && !is_going(pod) {
                return world.delete(key);
            }
            if !self.is_well(pod, world.now) {
                return;
            }
        }
    }

    /// Whether a new pod with this number is of the older revision.
    fn is_kept_back(&self, ordinal: i64) -> bool {
        if text(&self.object, "/spec/updateStrategy/type") == "OnDelete" {
            return false;
        }
        match number(&self.object, "/spec/updateStrategy/rollingUpdate/partition") {
            Some(partition) => ordinal < self.ordinals.start + partition,
            None => ordinal < self.ordinals.start + count(&self.object, "/status/currentReplicas"),
        }
    }

    fn make(&self, world: &mut World<'_>, ordinal: i64) {
        let (revision, kept) = if self.is_kept_back(ordinal) { &self.current } else { &self.update };
        let reference = control("apps/v1", "StatefulSet", &self.object);
        let start = super::names::beginning(&self.key.name);
        let mut pod = birth::pod(&revisions::template(kept), reference, Some(&start));
        let name = format!("{}-{ordinal}", self.key.name);
        for (key, value) in [
            (REVISION, &*revision.name),
            ("statefulset.kubernetes.io/pod-name", name.as_str()),
            ("apps.kubernetes.io/pod-index", ordinal.to_string().as_str()),
        ] {
            set(&mut pod, &["metadata", "labels", key], value.into());
        }
        set(&mut pod, &["spec", "hostname"], name.clone().into());
        let service = text(&self.object, "/spec/serviceName");
        if !service.is_empty() {
            set(&mut pod, &["spec", "subdomain"], service.into());
        }
        for template in list(&self.object, "/spec/volumeClaimTemplates") {
            let volume = text(template, "/metadata/name");
            let claim = json!({"claimName": format!("{volume}-{name}")});
            let volumes = items(&mut pod, &["spec", "volumes"]);
            volumes.retain(|known| text(known, "/name") != volume);
            volumes.push(json!({"name": volume, "persistentVolumeClaim": claim}));
        }
        self.claim(world, ordinal);
        world.create(&self.key.beside("", "pods", &name), pod);
    }

    /// Makes the claims of a pod that are not there.
    fn claim(&self, world: &mut World<'_>, ordinal: i64) {
        for template in list(&self.object, "/spec/volumeClaimTemplates") {
            let name = format!("{}-{}-{ordinal}", text(template, "/metadata/name"), self.key.name);
            let key = self.key.beside("", "persistentvolumeclaims", &name);
            if world.store.has(&key) {
                continue;
            }
            let labels = self.object.at("/spec/selector/matchLabels").cloned().unwrap_or_else(|| json!({}));
            let claim = json!({
                "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"labels": labels},
                "spec": template.get("spec"), "status": {"phase": "Pending"},
            });
            world.create(&key, claim);
        }
    }

    fn tell(&self, world: &mut World<'_>, pods: &BTreeMap<i64, Found>) {
        let now = world.now;
        let of = |revision: &Found| {
            let is = |pod: &&Value| !is_going(pod) && label(pod, REVISION) == &*revision.0.name;
            pods.values().map(|(_, pod)| &**pod).filter(is).count()
        };
        let ready: Vec<&Found> = pods.values().filter(|(_, pod)| is_ready(pod)).collect();
        let available = ready.iter().filter(|(_, pod)| is_available(pod, self.pause, now)).count();
        let next =
            ready.iter().filter_map(|(_, pod)| available_at(pod, self.pause)).filter(|at| *at > now).min();
        let (updated, mut currents, mut current) =
            (of(&self.update), of(&self.current), &self.current.0.name);
        let wanted = usize::try_from(self.ordinals.end - self.ordinals.start).unwrap_or(0);
        let rolls = text(&self.object, "/spec/updateStrategy/type") != "OnDelete";
        if rolls && [updated, ready.len(), pods.len()].iter().all(|number| *number == wanted) {
            (currents, current) = (updated, &self.update.0.name);
        }
        let generation = number(&self.object, "/metadata/generation").unwrap_or(1);
        world.change(&self.key, |object| {
            set(object, &["status", "observedGeneration"], generation.into());
            set(object, &["status", "replicas"], pods.len().into());
            set(object, &["status", "availableReplicas"], available.into());
            set(object, &["status", "currentRevision"], (**current).into());
            set(object, &["status", "updateRevision"], (*self.update.0.name).into());
            set(object, &["status", "collisionCount"], 0.into());
            let numbers =
                [("readyReplicas", ready.len()), ("currentReplicas", currents), ("updatedReplicas", updated)];
            write_numbers(object, &numbers);
        });
        if let Some(next) = next {
            world.ask_at(Role::StatefulSet, &self.key, next.max(after(now, 0)));
        }
    }
}
