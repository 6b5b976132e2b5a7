//! Which node a pod gets: one that is ready enough, wanted by the pod and has room; among these the one
//! that has least of the pod's like.

use std::collections::BTreeMap;
use std::rc::Rc;

use serde_json::Value;

use super::claims;
use super::fields::{Condition, controller, has, is_going, is_true, items, list, set, state, text};
use super::pods::has_ended;
use super::selectors::{fits_node, selects, tolerates, untolerated};
use super::world::World;
use crate::sim::json::At as _;
use crate::sim::store::Key;

/// What the nodes of a cluster carry.
pub(super) struct Room {
    nodes: Vec<Place>,
}

/// A node, and what is on it.
struct Place {
    name: String,
    node: Rc<Value>,
    pods: Vec<Rc<Value>>,
    used: Need,
    whole: Need,
}

/// Thousandths of processors, bytes, and how many pods.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Need {
    cpu: i64,
    memory: i64,
    pods: i64,
}

/// A pod has no node, or a place may have become free for it.
pub(super) fn look(world: &mut World<'_>, key: &Key) {
    let Some(pod) = world.get(key) else { return };
    if !text(&pod, "/spec/nodeName").is_empty() || is_going(&pod) || has_ended(&pod) {
        world.memory.homeless.remove(key);
        return;
    }
    if !list(&pod, "/spec/schedulingGates").is_empty() {
        return refuse(
            world,
            key,
            "SchedulingGated",
            "Scheduling is blocked due to non-empty scheduling gates",
        );
    }
    if let Err(why) = claims::ready_for(world, key, &pod) {
        return refuse(world, key, "Unschedulable", &why);
    }
    let room = match world.room.take() {
        Some(room) => room,
        None => survey(world),
    };
    let chosen = choose(&room, &pod);
    world.room = Some(room);
    match chosen {
        Err(why) => refuse(world, key, "Unschedulable", &why),
        Ok(at) => bind(world, key, &pod, at),
    }
}

fn bind(world: &mut World<'_>, key: &Key, pod: &Value, at: usize) {
    let Some(name) = world.room.as_ref().and_then(|room| room.nodes.get(at)).map(|place| place.name.clone())
    else {
        return;
    };
    let now = world.now;
    world.memory.homeless.remove(key);
    world.change(key, |pod| {
        set(pod, &["spec", "nodeName"], name.into());
        let scheduled = Condition { kind: "PodScheduled", status: "True", reason: "", message: "" };
        state(items(pod, &["status", "conditions"]), &scheduled, now);
    });
    // A kubelet sees its pods at once: one write fewer that waits to be told.
    super::kubelet::look(world, key);
    let bound = world.get(key);
    if let (Some(place), Some(bound)) = (world.room.as_mut().and_then(|room| room.nodes.get_mut(at)), bound) {
        let need = need(&bound);
        place.used = place.used.and(need);
        place.pods.push(bound);
    }
    claims::consumed(world, key, pod);
}

fn refuse(world: &mut World<'_>, key: &Key, reason: &str, message: &str) {
    world.memory.homeless.insert(key.clone());
    let now = world.now;
    world.change(key, |pod| {
        let waits = Condition { kind: "PodScheduled", status: "False", reason, message };
        state(items(pod, &["status", "conditions"]), &waits, now);
        set(pod, &["status", "phase"], "Pending".into());
    });
}

fn survey(world: &mut World<'_>) -> Room {
    let mut nodes: Vec<Place> = Vec::new();
    for (key, node) in world.all("", "nodes", None) {
        let amount = |kind: &str| text(&node, &format!("/status/allocatable/{kind}")).to_owned();
        let whole = Need {
            cpu: thousandths(&amount("cpu")),
            memory: thousandths(&amount("memory")) / 1_000,
            pods: thousandths(&amount("pods")) / 1_000,
        };
        let name = key.name.to_string();
        nodes.push(Place { name, node, pods: Vec::new(), used: Need::default(), whole });
    }
    for (_, pod) in world.all("", "pods", None) {
        let name = text(&pod, "/spec/nodeName");
        if name.is_empty() || has_ended(&pod) {
            continue;
        }
        if let Some(place) = nodes.iter_mut().find(|place| place.name == name) {
            place.used = place.used.and(need(&pod));
            place.pods.push(pod);
        }
    }
    Room { nodes }
}

impl Need {
    fn and(self, other: Self) -> Self {
        Self {
            cpu: self.cpu.saturating_add(other.cpu),
            memory: self.memory.saturating_add(other.memory),
            pods: self.pods.saturating_add(other.pods),
        }
    }
}

fn need(pod: &Value) -> Need {
    let of = |containers: &str, kind: &str| -> Vec<i64> {
        let path = format!("/resources/requests/{kind}");
        list(pod, containers).iter().map(|c| amount(c.at(&path))).collect()
    };
    let total = |kind: &str| {
        let running: i64 = of("/spec/containers", kind).into_iter().fold(0, i64::saturating_add);
        of("/spec/initContainers", kind).into_iter().fold(running, i64::max)
    };
    Need { cpu: total("cpu"), memory: total("memory") / 1_000, pods: 1 }
}

fn amount(value: Option<&Value>) -> i64 {
    match value {
        Some(Value::String(text)) => thousandths(text),
        Some(Value::Number(number)) => thousandths(&number.to_string()),
        _ => 0,
    }
}

/// Thousandths of a quantity such as `250m`, `1.5`, `2Gi`; 0 for what is none.
fn thousandths(quantity: &str) -> i64 {
    let end = quantity.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(quantity.len());
    let (digits, unit) = quantity.split_at(end);
    let Ok(number) = digits.parse::<f64>() else { return 0 };
    let factor = match unit {
        "m" => 1.0,
        "" => 1e3,
        "k" => 1e6,
        "M" => 1e9,
        "G" => 1e12,
        "T" => 1e15,
        "Ki" => 1e3 * 1024.0,
        "Mi" => 1e3 * 1_048_576.0,
        "Gi" => 1e3 * 1_073_741_824.0,
        "Ti" => 1e3 * 1_099_511_627_776.0,
        _ => return 0,
    };
    // Beyond i64 it saturates: that is more than any node has.
    (number * factor).round() as i64
}

/// Why a node is not for a pod, in the scheduler's words.
fn unfit(place: &Place, pod: &Value, room: &Room) -> Option<String> {
    let spec = pod.get("spec").unwrap_or(&Value::Null);
    let cordon = serde_json::json!({"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"});
    let is_cordoned = is_true(&place.node, "/spec/unschedulable");
    if is_cordoned && !list(spec, "/tolerations").iter().any(|toleration| tolerates(toleration, &cordon)) {
        return Some("node(s) were unschedulable".to_owned());
    }
    if !fits_node(spec, &place.node) {
        return Some("node(s) didn't match Pod's node affinity/selector".to_owned());
    }
    if untolerated(spec, &place.node, &["NoSchedule", "NoExecute"]).is_some() {
        return Some("node(s) had untolerated taint(s)".to_owned());
    }
    let wanted = need(pod);
    for (kind, used, wanted, whole) in [
        ("Too many pods", place.used.pods, wanted.pods, place.whole.pods),
        ("Insufficient cpu", place.used.cpu, wanted.cpu, place.whole.cpu),
        ("Insufficient memory", place.used.memory, wanted.memory, place.whole.memory),
    ] {
        if wanted > 0 && used.saturating_add(wanted) > whole {
            return Some(kind.to_owned());
        }
    }
    keeps_apart(place, pod, room)
}

/// Whether a pod that wants to be apart from others would not be.
fn keeps_apart(place: &Place, pod: &Value, room: &Room) -> Option<String> {
    let required = "/spec/affinity/podAntiAffinity/requiredDuringSchedulingIgnoredDuringExecution";
    let labels = |pod: &Value| pod.at("/metadata/labels").cloned().unwrap_or_default();
    let domain =
        |node: &Value, key: &str| node.at("/metadata/labels").and_then(|labels| labels.get(key)).cloned();
    let clash = list(pod, required).iter().any(|term| {
        let Some(here) = domain(&place.node, text(term, "/topologyKey")) else { return false };
        let near =
            room.nodes.iter().filter(|p| domain(&p.node, text(term, "/topologyKey")).as_ref() == Some(&here));
        near.flat_map(|place| &place.pods).any(|other| {
            text(other, "/metadata/namespace") == text(pod, "/metadata/namespace")
                && selects(term.get("labelSelector").unwrap_or(&Value::Null), &labels(other))
        })
    });
    clash.then(|| "node(s) didn't match pod anti-affinity rules".to_owned())
}

fn choose(room: &Room, pod: &Value) -> Result<usize, String> {
    if room.nodes.is_empty() {
        return Err("no nodes available to schedule pods".to_owned());
    }
    let mut reasons: BTreeMap<String, usize> = BTreeMap::new();
    let mut best: Option<((usize, usize), usize)> = None;
    let owner = controller(pod).map(|owner| owner.uid);
    for (at, place) in room.nodes.iter().enumerate() {
        if let Some(reason) = unfit(place, pod, room) {
            *reasons.entry(reason).or_default() += 1;
            continue;
        }
        let alike = |other: &&Rc<Value>| owner.is_some() && controller(other).map(|o| o.uid) == owner;
        let score = (place.pods.iter().filter(alike).count(), place.pods.len());
        if best.is_none_or(|(least, _)| score < least) {
            best = Some((score, at));
        }
    }
    best.map(|(_, at)| at).ok_or_else(|| {
        let told: Vec<String> = reasons.iter().map(|(reason, count)| format!("{count} {reason}")).collect();
        let all = room.nodes.len();
        let helpless: usize =
            reasons.iter().filter(|(reason, _)| reason.starts_with("node(s)")).map(|(_, count)| count).sum();
        let mut after = Vec::new();
        if all > helpless {
            after.push(format!("{} No preemption victims found for incoming pod", all - helpless));
        }
        if helpless > 0 {
            after.push(format!("{helpless} Preemption is not helpful for scheduling"));
        }
        format!(
            "0/{all} nodes are available: {}. preemption: 0/{all} nodes are available: {}.",
            told.join(", "),
            after.join(", ")
        )
    })
}

/// Whether a pod names a claim.
pub(super) fn claims_of(pod: &Value) -> Vec<String> {
    let volumes = list(pod, "/spec/volumes").iter();
    let named = volumes.filter(|volume| has(volume, "/persistentVolumeClaim"));
    named.map(|volume| text(volume, "/persistentVolumeClaim/claimName").to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_read_in_their_units() {
        for (text, expected) in
            [("250m", 250), ("1.5", 1_500), ("2Ki", 2_048_000), ("", 0), ("x", 0), ("1k", 1_000_000)]
        {
            assert_eq!(thousandths(text), expected, "{text}");
        }
    }
}
