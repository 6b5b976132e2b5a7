//! Nodes: what a kubelet tells of its own, readiness, the taints that follow from it, and what becomes
//! of the pods on a node that is not ready or is gone.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::fields::{
    Condition, after, condition, fields, holds, is_going, is_true, items, later, list, number, set, state,
    text, time,
};
use super::names::{draw, node_address};
use super::selectors::{tolerates, untolerated};
use super::world::{Role, World};
use crate::sim::json::At as _;
use crate::sim::store::Key;

const NOT_READY: &str = "node.kubernetes.io/not-ready";
const UNSCHEDULABLE: &str = "node.kubernetes.io/unschedulable";

/// What is well with a node, as its kubelet tells it.
const PRESSURES: [(&str, &str, &str); 3] = [
    ("MemoryPressure", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
    ("DiskPressure", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
    ("PIDPressure", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
];

/// Whether a node's kubelet works.
pub(super) fn is_ready(node: &Value) -> bool {
    holds(node, "Ready")
}

/// Gives a node what its kubelet tells once: labels, capacity, addresses, versions. What is there stays.
pub(super) fn equip(node: &mut Value, name: &str) {
    let put = |node: &mut Value, path: &[&str], value: Value| {
        // Labels have slashes, so that their path is none of text.
        if path.iter().try_fold(&*node, |value, key| value.get(key)).is_none_or(Value::is_null) {
            set(node, path, value);
        }
    };
    for (label, value) in
        [("kubernetes.io/hostname", name), ("kubernetes.io/os", "linux"), ("kubernetes.io/arch", "amd64")]
    {
        put(node, &["metadata", "labels", label], value.into());
    }
    let room = json!({"cpu": "32", "memory": "256Gi", "ephemeral-storage": "1Ti", "pods": "110"});
    put(node, &["status", "capacity"], room);
    let capacity = node.at("/status/capacity").cloned().unwrap_or_default();
    put(node, &["status", "allocatable"], capacity);
    let addresses = json!([
        {"type": "InternalIP", "address": node_address(name)},
        {"type": "Hostname", "address": name},
    ]);
    put(node, &["status", "addresses"], addresses);
    put(node, &["status", "daemonEndpoints"], json!({"kubeletEndpoint": {"Port": 10250}}));
    for (key, value) in [
        ("architecture", "amd64"),
        ("bootID", ""),
        ("containerRuntimeVersion", "containerd://2.1.4"),
        ("kernelVersion", "6.12.0"),
        ("kubeProxyVersion", ""),
        ("kubeletVersion", "v0.0.0"),
        ("machineID", ""),
        ("operatingSystem", "linux"),
        ("osImage", "simulated"),
        ("systemUUID", ""),
    ] {
        put(node, &["status", "nodeInfo", key], value.into());
    }
}

/// Writes what a kubelet tells of itself. Answers whether something changed.
pub(super) fn say(node: &mut Value, ready: bool, now: Timestamp) -> bool {
    let conditions = items(node, &["status", "conditions"]);
    let mut changed = false;
    for (kind, reason, message) in PRESSURES {
        changed |= state(conditions, &Condition { kind, status: "False", reason, message }, now);
    }
    let ready = if ready {
        Condition {
            kind: "Ready",
            status: "True",
            reason: "KubeletReady",
            message: "kubelet is posting ready status",
        }
    } else {
        let message = "container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady";
        Condition { kind: "Ready", status: "False", reason: "KubeletNotReady", message }
    };
    changed |= state(conditions, &ready, now);
    for condition in conditions {
        // Heartbeats go to a Lease; this field would only make a write every few minutes.
        fields(condition).shift_remove("lastHeartbeatTime");
    }
    changed
}

pub(super) fn look(world: &mut World<'_>, key: &Key) {
    let Some(node) = world.get(key) else { return };
    if is_going(&node) && list(&node, "/metadata/finalizers").is_empty() {
        return;
    }
    let is_broken = world.conditions.broken_nodes.contains(&*key.name);
    let is_new = condition(&node, "Ready").is_none();
    let mut next = (*node).clone();
    equip(&mut next, &key.name);
    if is_new && !is_broken {
        // A new node takes a while; until then it is not ready.
        if !world.has_date(Role::Patience, key) {
            let pause = draw(world.memory.seed, &format!("node {}", key.name), world.conditions.pod_start);
            let at = later(world.now, pause);
            world.ask_at(Role::Patience, key, at);
        }
        say(&mut next, false, world.now);
    } else if !world.has_date(Role::Patience, key) {
        say(&mut next, !is_broken, world.now);
    }
    taint(&mut next, world.now);
    let turned = is_ready(&node) != is_ready(&next) || is_new;
    world.put(key, next);
    if turned || !is_ready(&node) {
        pods_follow(world, key);
    }
}

/// The taints that say the same as the node's state.
fn taint(node: &mut Value, now: Timestamp) {
    let (ready, cordoned) = (is_ready(node), is_true(node, "/spec/unschedulable"));
    let wanted = [
        (NOT_READY, "NoSchedule", !ready),
        (NOT_READY, "NoExecute", !ready),
        (UNSCHEDULABLE, "NoSchedule", cordoned),
    ];
    let is = |taint: &Value, key: &str, effect: &str| {
        text(taint, "/key") == key && text(taint, "/effect") == effect
    };
    let taints = items(node, &["spec", "taints"]);
    for (key, effect, is_wanted) in wanted {
        let known = taints.iter().any(|taint| is(taint, key, effect));
        if known && !is_wanted {
            taints.retain(|taint| !is(taint, key, effect));
        } else if !known && is_wanted {
            taints.push(json!({"key": key, "effect": effect, "timeAdded": super::fields::stamp(now)}));
        }
    }
    if taints.is_empty() {
        super::fields::unset(node, &["spec", "taints"]);
    }
}

/// A new node's kubelet is ready; or what does not tolerate its node any more is to go.
pub(super) fn patience(world: &mut World<'_>, key: &Key) {
    if key.is_pod() {
        return evict_from_bad_node(world, key);
    }
    let Some(node) = world.get(key) else { return };
    if is_ready(&node) || world.conditions.broken_nodes.contains(&*key.name) {
        return;
    }
    let now = world.now;
    world.change(key, |node| {
        say(node, true, now);
        taint(node, now);
    });
    pods_follow(world, key);
}

fn pods_on(world: &mut World<'_>, node: &str) -> Vec<Key> {
    let pods = world.all("", "pods", None);
    pods.into_iter().filter(|(_, pod)| text(pod, "/spec/nodeName") == node).map(|(key, _)| key).collect()
}

/// Pods start only on a node that is ready; those that don't tolerate that it is not go after a while.
fn pods_follow(world: &mut World<'_>, key: &Key) {
    for pod in pods_on(world, &key.name) {
        world.ask(Role::Kubelet, pod);
    }
}

/// Has a pod go, when its patience with its node is at its end.
pub(super) fn watch_taints(world: &mut World<'_>, key: &Key, pod: &Value, node: &Value) {
    let spec = pod.get("spec").unwrap_or(&Value::Null);
    if untolerated(spec, node, &["NoExecute"]).is_some() {
        return world.ask_at(Role::Patience, key, world.now);
    }
    let bad = list(node, "/spec/taints").iter().filter(|taint| text(taint, "/effect") == "NoExecute");
    let ends = bad.filter_map(|taint| {
        let since = time(taint, "/timeAdded").unwrap_or(world.now);
        let patient = list(spec, "/tolerations").iter().filter(|toleration| tolerates(toleration, taint));
        let least = patient.filter_map(|toleration| number(toleration, "/tolerationSeconds")).min();
        least.map(|seconds| after(since, seconds))
    });
    match ends.min() {
        Some(end) => world.ask_at(Role::Patience, key, end),
        None => world.forget(Role::Patience, key),
    }
}

fn evict_from_bad_node(world: &mut World<'_>, key: &Key) {
    let Some(pod) = world.get(key).filter(|pod| !is_going(pod)) else { return };
    let node = Key::new("", "nodes", "", text(&pod, "/spec/nodeName"));
    let Some(node) = world.get(&node) else { return };
    if !list(&node, "/spec/taints").iter().any(|taint| text(taint, "/effect") == "NoExecute") {
        return;
    }
    let now = world.now;
    world.change(key, |pod| {
        let message = "Taint manager: deleting due to NoExecute taint";
        let target =
            Condition { kind: "DisruptionTarget", status: "True", reason: "DeletionByTaintManager", message };
        state(items(pod, &["status", "conditions"]), &target, now);
    });
    world.delete(key);
}

/// The pods of a node that is gone go with it.
pub(super) fn gone(world: &mut World<'_>, key: &Key) {
    for pod in pods_on(world, &key.name) {
        world.change(&pod, |pod| super::fields::unset(pod, &["metadata", "finalizers"]));
        world.remove(&pod);
    }
}
