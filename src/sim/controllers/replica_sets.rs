//! ReplicaSets: as many pods of a template as asked for, and what is said of them.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::birth;
use super::fields::{control, count, is_going, map, number, set, text, time, unset};
use super::names::beginning;
use super::pods::{available_at, is_active, is_available, is_ready, ready_since, restarts};
use super::selectors::is_subset;
use super::world::{Found, Role, World, owned};
use crate::sim::json::At as _;
use crate::sim::store::Key;

/// So many pods are made at one look; the rest follows at the next.
const AT_ONCE: usize = 500;

pub(super) fn look(world: &mut World<'_>, key: &Key) {
    let Some(set) = world.get(key) else { return };
    let reference = control("apps/v1", "ReplicaSet", &set);
    let selector = set.at("/spec/selector").cloned().unwrap_or_default();
    let found = world.children("", "pods", key);
    let pods = owned(world, found, &set, &reference, &selector);
    if !is_going(&set) {
        adjust(world, key, &set, &pods, &reference);
    }
    // What it just made and deleted counts at once.
    let found = world.children("", "pods", key);
    let pods = owned(world, found, &set, &reference, &selector);
    tell(world, key, &pods);
}

fn adjust(world: &mut World<'_>, key: &Key, set: &Value, pods: &[Found], reference: &Value) {
    let active: Vec<&Found> = pods.iter().filter(|(_, pod)| is_active(pod)).collect();
    let wanted = usize::try_from(number(set, "/spec/replicas").unwrap_or(1)).unwrap_or(0);
    if active.len() < wanted {
        let template = set.at("/spec/template").cloned().unwrap_or_default();
        let start = beginning(&key.name);
        let resource = key.beside("", "pods", "");
        for _ in 0..(wanted - active.len()).min(AT_ONCE) {
            let child = world.child(key, &resource, &key.name);
            if !world.create(&child, birth::pod(&template, reference.clone(), Some(&start))) {
                return;
            }
        }
    } else if active.len() > wanted {
        let excess = active.len() - wanted;
        for key in least_missed(&active).into_iter().take(excess) {
            world.delete(&key);
        }
    }
}

/// The order in which pods go when there are too many: first those that would be missed least.
fn least_missed(pods: &[&Found]) -> Vec<Key> {
    let mut crowd: BTreeMap<&str, usize> = BTreeMap::new();
    for (_, pod) in pods {
        *crowd.entry(text(pod, "/spec/nodeName")).or_default() += 1;
    }
    let mut sorted: Vec<&&Found> = pods.iter().collect();
    sorted.sort_by_cached_key(|(key, pod)| {
        let node = text(pod, "/spec/nodeName");
        let phase = match text(pod, "/status/phase") {
            "Pending" => 0,
            "Running" => 2,
            _ => 1,
        };
        let cost: i64 =
            super::pods::annotation(pod, "controller.kubernetes.io/pod-deletion-cost").parse().unwrap_or(0);
        let crowd = Reverse(crowd.get(node).copied().unwrap_or(0));
        let (ready, age) = (Reverse(ready_since(pod)), Reverse(time(pod, "/metadata/creationTimestamp")));
        let standing = (!node.is_empty(), phase, is_ready(pod), cost, crowd);
        (standing, ready, Reverse(restarts(pod)), age, key.clone())
    });
    sorted.into_iter().map(|(key, _)| key.clone()).collect()
}

/// Writes the status; looks again when a pod will have been ready for long enough.
fn tell(world: &mut World<'_>, key: &Key, pods: &[Found]) {
    let Some(set_object) = world.get(key) else { return };
    let pause = count(&set_object, "/spec/minReadySeconds");
    let labels = map(&set_object, "/spec/template/metadata/labels").cloned().unwrap_or_default();
    let now = world.now;
    let none = Value::Null;
    let active: Vec<&Value> = pods.iter().map(|(_, pod)| &**pod).filter(|pod| is_active(pod)).collect();
    let ready: Vec<&&Value> = active.iter().filter(|pod| is_ready(pod)).collect();
    let available = ready.iter().filter(|pod| is_available(pod, pause, now)).count();
    let labelled =
        active.iter().filter(|p| is_subset(&labels, p.at("/metadata/labels").unwrap_or(&none))).count();
    let terminating = pods.iter().filter(|(_, pod)| is_going(pod) && !super::pods::has_ended(pod)).count();
    let next = ready.iter().filter_map(|pod| available_at(pod, pause)).filter(|at| *at > now).min();
    let numbers = [
        ("fullyLabeledReplicas", labelled),
        ("readyReplicas", ready.len()),
        ("availableReplicas", available),
    ];
    let (all, generation) = (active.len(), number(&set_object, "/metadata/generation"));
    world.change(key, |object| {
        set(object, &["status", "replicas"], all.into());
        write_numbers(object, &numbers);
        set(object, &["status", "terminatingReplicas"], terminating.into());
        set(object, &["status", "observedGeneration"], json!(generation.unwrap_or(1)));
    });
    if let Some(next) = next {
        world.ask_at(Role::ReplicaSet, key, next);
    }
}

/// Numbers of a status; those that are 0 are left out, as servers do.
pub(super) fn write_numbers(object: &mut Value, numbers: &[(&str, usize)]) {
    for (name, number) in numbers {
        match number {
            0 => unset(object, &["status", name]),
            number => set(object, &["status", name], (*number).into()),
        }
    }
}
