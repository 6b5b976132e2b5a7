//! DaemonSets: one pod on each node that it is for, replaced within bounds when the template changes.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::birth;
use super::fields::{
    control, count, is_controlled_by, is_going, is_true, list, number, set, share, text, time, uid,
};
use super::names::beginning;
use super::pods::{available_at, is_available, is_ready, label};
use super::revisions::{self, REVISION};
use super::selectors::{fits_node, untolerated};
use super::world::{Found, Role, World, owned};
use crate::sim::json::At as _;
use crate::sim::store::Key;

/// Where pods may stay with what is the matter with a node.
const TOLERATED: [(&str, &str); 6] = [
    ("node.kubernetes.io/not-ready", "NoExecute"),
    ("node.kubernetes.io/unreachable", "NoExecute"),
    ("node.kubernetes.io/disk-pressure", "NoSchedule"),
    ("node.kubernetes.io/memory-pressure", "NoSchedule"),
    ("node.kubernetes.io/pid-pressure", "NoSchedule"),
    ("node.kubernetes.io/unschedulable", "NoSchedule"),
];

/// A DaemonSet with its nodes and pods.
struct Scene {
    key: Key,
    object: Value,
    hash: String,
    /// Pods by node, oldest first.
    pods: BTreeMap<String, Vec<Found>>,
    /// Nodes that are there; whether it is to run on each, and whether a pod that is there may stay.
    nodes: Vec<(String, bool, bool)>,
    pause: i64,
}

pub(super) fn look(world: &mut World<'_>, key: &Key) {
    let Some(scene) = scene(world, key) else { return };
    if !is_going(&scene.object) {
        scene.manage(world);
        if let Some(scene) = self::scene(world, key)
            && text(&scene.object, "/spec/updateStrategy/type") != "OnDelete"
        {
            scene.roll(world);
        }
    }
    let Some(scene) = self::scene(world, key) else { return };
    scene.tell(world);
    let mut live = vec![scene.hash.clone()];
    live.extend(scene.pods.values().flatten().map(|(_, pod)| label(pod, REVISION).to_owned()));
    revisions::clean_up(world, key, &scene.object, "DaemonSet", &live);
}

/// A node changed. Only those look that have a pod to make or to take away there, or that had one in the
/// wrong place: as the real controller, which leaves numbers as they are otherwise.
pub(super) fn node_changed(world: &mut World<'_>, node: &Key) {
    let Some(object) = world.get(node) else { return };
    for (key, set) in world.all("apps", "daemonsets", None) {
        let (run, stay) = place(&set, &object);
        let there = |(_, pod): &Found| *node.name == *node_of(pod) && is_controlled_by(pod, uid(&set));
        let has_pod = world.children("", "pods", &key).iter().any(there);
        let astray = count(&set, "/status/numberMisscheduled") > 0;
        if (run && !has_pod) || (has_pod && (!stay || astray)) {
            world.ask(Role::DaemonSet, key);
        }
    }
}

/// Whether a DaemonSet is to run on a node, and whether a pod of it that is there may stay.
fn place(set: &Value, node: &Value) -> (bool, bool) {
    let mut spec = set.at("/spec/template/spec").cloned().unwrap_or_default();
    be_there(&mut spec);
    let fits = fits_node(&spec, node);
    let run = fits && untolerated(&spec, node, &["NoSchedule", "NoExecute"]).is_none();
    (run, fits && untolerated(&spec, node, &["NoExecute"]).is_none())
}

fn scene(world: &mut World<'_>, key: &Key) -> Option<Scene> {
    let object = world.get(key)?;
    let (_, revision) = revisions::current(world, key, &object, "DaemonSet")?;
    let reference = control("apps/v1", "DaemonSet", &object);
    let selector = object.at("/spec/selector").cloned().unwrap_or_default();
    let found = world.children("", "pods", key);
    let mut pods: BTreeMap<String, Vec<Found>> = BTreeMap::new();
    for (key, pod) in owned(world, found, &object, &reference, &selector) {
        pods.entry(node_of(&pod).to_owned()).or_default().push((key, pod));
    }
    for there in pods.values_mut() {
        there.sort_by_key(|(key, pod)| (time(pod, "/metadata/creationTimestamp"), key.clone()));
    }
    let nodes = world.all("", "nodes", None).into_iter().map(|(key, node)| {
        let (run, stay) = place(&object, &node);
        (key.name.to_string(), run, stay)
    });
    let hash = revisions::hash(&revision).to_owned();
    let pause = count(&object, "/spec/minReadySeconds");
    Some(Scene { key: key.clone(), object: (*object).clone(), hash, pods, nodes: nodes.collect(), pause })
}

/// The node that a pod is on, or is for.
fn node_of(pod: &Value) -> &str {
    let name = text(pod, "/spec/nodeName");
    if !name.is_empty() {
        return name;
    }
    let terms = list(
        pod,
        "/spec/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution/nodeSelectorTerms",
    );
    let fields = terms.iter().flat_map(|term| list(term, "/matchFields"));
    let values = fields.filter(|f| text(f, "/key") == "metadata.name").flat_map(|f| list(f, "/values"));
    values.filter_map(Value::as_str).next().unwrap_or_default()
}

fn be_there(spec: &mut Value) {
    for (key, effect) in TOLERATED {
        revisions::tolerate(spec, key, effect);
    }
    if is_true(spec, "/hostNetwork") {
        revisions::tolerate(spec, "node.kubernetes.io/network-unavailable", "NoSchedule");
    }
}

impl Scene {
    fn is_new(&self, pod: &Value) -> bool {
        label(pod, REVISION) == self.hash
    }

    fn surge(&self, wanted: i64) -> i64 {
        share(self.object.at("/spec/updateStrategy/rollingUpdate/maxSurge"), wanted, true).unwrap_or(0)
    }

    /// A pod where one is missing, none where one is too many.
    fn manage(&self, world: &mut World<'_>) {
        let surges = self.surge(1) > 0;
        let none = Vec::new();
        for (node, run, stay) in &self.nodes {
            let there = self.pods.get(node).unwrap_or(&none);
            if there.is_empty() {
                if *run {
                    self.make(world, node);
                }
                continue;
            }
            let mut kept: Vec<&Found> = Vec::new();
            for found in there.iter().filter(|(_, pod)| !is_going(pod)) {
                let has_ended = super::pods::has_ended(&found.1);
                match *stay && !has_ended {
                    true => kept.push(found),
                    false => world.delete(&found.0),
                }
            }
            if kept.is_empty() && surges && *run {
                self.make(world, node);
            }
            let most = if surges { 2 } else { 1 };
            for (key, _) in kept.iter().skip(most) {
                world.delete(key);
            }
        }
    }

    fn make(&self, world: &mut World<'_>, node: &str) {
        let mut template = self.object.at("/spec/template").cloned().unwrap_or_default();
        if let Some(spec) = template.get_mut("spec") {
            be_there(spec);
        }
        let reference = control("apps/v1", "DaemonSet", &self.object);
        let mut pod = birth::pod(&template, reference, Some(&beginning(&self.key.name)));
        set(&mut pod, &["metadata", "labels", REVISION], self.hash.clone().into());
        if let Some(spec) = pod.get_mut("spec") {
            let term = json!({"key": "metadata.name", "operator": "In", "values": [node]});
            let required = [
                "affinity",
                "nodeAffinity",
                "requiredDuringSchedulingIgnoredDuringExecution",
                "nodeSelectorTerms",
            ];
            let terms = super::fields::items(spec, &required);
            if terms.is_empty() {
                terms.push(json!({}));
            }
            for known in terms {
                set(known, &["matchFields"], json!([term]));
            }
        }
        let resource = self.key.beside("", "pods", "");
        let child = world.child(&self.key, &resource, &self.key.name);
        world.create(&child, pod);
    }

    /// One step of a rolling update.
    fn roll(&self, world: &mut World<'_>) {
        let now = world.now;
        let wanted = i64::try_from(self.nodes.iter().filter(|(_, run, _)| *run).count()).unwrap_or(0);
        let surge = self.surge(wanted);
        let missing = self.object.at("/spec/updateStrategy/rollingUpdate/maxUnavailable");
        let missing = share(missing, wanted, true).unwrap_or(if surge > 0 { 0 } else { 1 });
        let missing = if surge == 0 { missing.max(1) } else { missing };
        let (mut away, mut more) = (0, 0);
        let (mut must, mut may, mut fresh) = (Vec::new(), Vec::new(), Vec::new());
        for (node, pods) in &self.pods {
            let live: Vec<&Found> = pods.iter().filter(|(_, pod)| !is_going(pod)).collect();
            let new = live.iter().find(|(_, pod)| self.is_new(pod));
            let old = live.iter().find(|(_, pod)| !self.is_new(pod));
            let well = |found: &&&Found| is_available(&found.1, self.pause, now);
            match (old, new) {
                (Some(old), Some(new)) if surge > 0 => match well(&new) {
                    true => must.push(old.0.clone()),
                    false => more += 1,
                },
                (Some(old), None) if surge > 0 => {
                    let can = self.nodes.iter().any(|(name, run, _)| name == node && *run);
                    match (well(&old), can) {
                        (false, true) => fresh.insert(0, node.clone()),
                        (true, true) => fresh.push(node.clone()),
                        (_, false) => may.push(old.0.clone()),
                    }
                }
                (Some(old), None) if !well(&old) => {
                    must.push(old.0.clone());
                    away += 1;
                }
                (Some(old), None) => may.push(old.0.clone()),
                (None, Some(new)) if surge == 0 && !well(&new) => away += 1,
                (None, Some(_)) => {}
                _ => away += 1,
            }
        }
        let (left, room) = if surge > 0 { (0, surge - more) } else { (missing - away, 0) };
        let left = usize::try_from(left).unwrap_or(0);
        for key in must.into_iter().chain(may.into_iter().take(left)) {
            world.delete(&key);
        }
        for node in fresh.into_iter().take(usize::try_from(room).unwrap_or(0)) {
            self.make(world, &node);
        }
    }

    fn tell(&self, world: &mut World<'_>) {
        let now = world.now;
        let (mut desired, mut current, mut astray) = (0, 0, 0);
        let (mut ready, mut updated, mut available) = (0, 0, 0);
        let mut next = None;
        for (node, run, _) in &self.nodes {
            let Some((_, pod)) = self.pods.get(node).and_then(|pods| pods.first()) else {
                desired += i64::from(*run);
                continue;
            };
            if !run {
                astray += 1;
                continue;
            }
            desired += 1;
            current += 1;
            ready += i64::from(is_ready(pod));
            available += i64::from(is_available(pod, self.pause, now));
            updated += i64::from(self.is_new(pod));
            let at = available_at(pod, self.pause).filter(|at| *at > now);
            next = next.into_iter().chain(at).min();
        }
        let generation = number(&self.object, "/metadata/generation").unwrap_or(1);
        world.change(&self.key, |object| {
            for (name, number) in [
                ("currentNumberScheduled", current),
                ("numberMisscheduled", astray),
                ("desiredNumberScheduled", desired),
                ("numberReady", ready),
                ("observedGeneration", generation),
            ] {
                set(object, &["status", name], number.into());
            }
            for (name, number) in [
                ("updatedNumberScheduled", updated),
                ("numberAvailable", available),
                ("numberUnavailable", desired - available),
            ] {
                match number {
                    0 => super::fields::unset(object, &["status", name]),
                    number => set(object, &["status", name], number.into()),
                }
            }
        });
        if let Some(next) = next {
            world.ask_at(Role::DaemonSet, &self.key, next);
        }
    }
}
