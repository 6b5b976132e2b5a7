//! A pod's life on its node: its containers are made, run, get ready, crash, end.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::fields::{Condition, count, is_going, items, later, list, map, set, stamp, state, text};
use super::names::{draw, node_address, pod_address};
use super::pods::{has_ended, restarts};
use super::world::{Role, World};
use super::{nodes, pods};
use crate::sim::conditions::Conditions;
use crate::sim::json::At as _;
use crate::sim::store::Key;

/// How long a pull takes to fail, and from when on it is only tried now and then.
const PULL: Duration = Duration::from_secs(1);
const PULL_AGAIN: Duration = Duration::from_secs(15);

/// How often a container is started again before nothing new is to be learned from it.
const RESTARTS: i64 = 9;

/// How a pod's containers turn out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// They run for good.
    Runs,
    /// They run and end well, or not.
    Ends { well: bool },
    /// They end as soon as they start.
    Crashes,
    /// Their image is not to be had.
    NoImage,
}

fn fate(pod: &Value, conditions: &Conditions) -> Fate {
    let named = |parts: &[String]| {
        let containers = list(pod, "/spec/containers").iter().chain(list(pod, "/spec/initContainers"));
        containers
            .map(|c| text(c, "/image"))
            .any(|image| parts.iter().any(|part| image.contains(part.as_str())))
    };
    let is_jobs = matches!(text(pod, "/spec/restartPolicy"), "Never" | "OnFailure");
    if named(&conditions.unpullable) {
        Fate::NoImage
    } else if is_jobs && !named(&conditions.hanging) {
        Fate::Ends { well: !named(&conditions.failing) && !named(&conditions.crashing) }
    } else if named(&conditions.crashing) {
        Fate::Crashes
    } else {
        Fate::Runs
    }
}

/// A pod changed, or its node did.
pub(super) fn look(world: &mut World<'_>, key: &Key) {
    let Some(pod) = world.get(key) else { return };
    let node = text(&pod, "/spec/nodeName");
    if is_going(&pod) {
        world.forget(Role::Step, key);
        if node.is_empty() || has_ended(&pod) {
            return let_go(world, key);
        }
        if !world.has_date(Role::Stop, key) {
            let at = later(world.now, world.conditions.pod_stop);
            world.ask_at(Role::Stop, key, at);
        }
        return;
    }
    if node.is_empty() || has_ended(&pod) {
        return;
    }
    let Some(node) = world.get(&Key::new("", "nodes", "", node)) else { return };
    nodes::watch_taints(world, key, &pod, &node);
    let works = nodes::is_ready(&node);
    if list(&pod, "/status/containerStatuses").is_empty() {
        begin(world, key);
    }
    if !works {
        world.forget(Role::Step, key);
        // A pod that was ready stays so: its own kubelet, which would say otherwise, says nothing.
        return;
    }
    if !world.has_date(Role::Step, key)
        && let Some(at) = next_step(world, key)
    {
        world.ask_at(Role::Step, key, at);
    }
}

/// When the next thing happens to a pod about which nothing is agreed yet.
fn next_step(world: &mut World<'_>, key: &Key) -> Option<Timestamp> {
    let pod = world.get(key)?;
    let (now, conditions) = (world.now, world.conditions);
    let is_ready = pods::is_ready(&pod);
    let start = later(now, draw(world.memory.seed, &what(key), conditions.pod_start));
    let waits = waiting(&pod);
    Some(match fate(&pod, conditions) {
        Fate::NoImage if waits == "ContainerCreating" => later(now, PULL),
        Fate::NoImage if waits == "ErrImagePull" => later(now, PULL_AGAIN),
        Fate::NoImage => return None,
        Fate::Crashes if waits == "CrashLoopBackOff" && restarts(&pod) >= RESTARTS => return None,
        Fate::Crashes if is_ready => return None,
        Fate::Crashes if waits == "CrashLoopBackOff" => later(now, back_off(restarts(&pod))),
        Fate::Runs if is_ready => return None,
        // It only was unready with its node.
        Fate::Runs if waits.is_empty() => now,
        Fate::Ends { .. } if is_ready => {
            later(now, draw(world.memory.seed, &format!("run {}", what(key)), conditions.job_run))
        }
        _ => start,
    })
}

fn what(key: &Key) -> String {
    format!("{}/{}", key.namespace, key.name)
}

/// Why the first container waits.
fn waiting(pod: &Value) -> &str {
    let statuses = list(pod, "/status/containerStatuses");
    statuses.first().map_or("", |status| text(status, "/state/waiting/reason"))
}

/// How long a kubelet waits before it starts a container for the n-th time again.
fn back_off(restarts: i64) -> Duration {
    let doubled = u32::try_from(restarts).unwrap_or(0).min(5);
    Duration::from_secs((10 << doubled).min(300))
}

/// The kubelet took the pod over: its containers are being made.
fn begin(world: &mut World<'_>, key: &Key) {
    let now = world.now;
    world.change(key, |pod| {
        let node = text(pod, "/spec/nodeName").to_owned();
        let address = node_address(&node);
        set(pod, &["status", "hostIP"], address.clone().into());
        set(pod, &["status", "hostIPs"], json!([{"ip": address}]));
        set(pod, &["status", "startTime"], stamp(now));
        set(pod, &["status", "phase"], "Pending".into());
        let initial = list(pod, "/spec/initContainers").iter().map(|c| fresh(c, "PodInitializing"));
        let initial: Vec<Value> = initial.collect();
        let reason = if initial.is_empty() { "ContainerCreating" } else { "PodInitializing" };
        let all: Vec<Value> = list(pod, "/spec/containers").iter().map(|c| fresh(c, reason)).collect();
        let all = all.into_iter().map(|mut status| {
            // What waits is what `waiting` reads; the difference tells nobody anything.
            set(&mut status, &["state", "waiting", "reason"], "ContainerCreating".into());
            status
        });
        let all: Vec<Value> = all.collect();
        set(pod, &["status", "containerStatuses"], all.into());
        if !initial.is_empty() {
            set(pod, &["status", "initContainerStatuses"], initial.into());
        }
        say(pod, &Said { started: false, ready: false, reason: "ContainersNotReady" }, now);
    });
}

fn fresh(container: &Value, reason: &str) -> Value {
    json!({"name": container.get("name"), "image": container.get("image"), "imageID": "", "ready": false,
        "started": false, "restartCount": 0, "state": {"waiting": {"reason": reason}}, "lastState": {}})
}

/// What a pod's conditions say.
struct Said {
    started: bool,
    ready: bool,
    reason: &'static str,
}

fn say(pod: &mut Value, said: &Said, now: Timestamp) {
    let names: Vec<&str> = list(pod, "/spec/containers").iter().map(|c| text(c, "/name")).collect();
    let unready = format!("containers with unready status: [{}]", names.join(" "));
    let is = |ready: bool| if ready { "True" } else { "False" };
    let (reason, message) = match (said.ready, said.reason) {
        (true, _) => ("", ""),
        (false, "ContainersNotReady") => (said.reason, unready.as_str()),
        (false, reason) => (reason, ""),
    };
    let conditions = [
        ("PodReadyToStartContainers", is(said.started), "", ""),
        ("Initialized", "True", if said.reason == "PodCompleted" { "PodCompleted" } else { "" }, ""),
        ("Ready", is(said.ready), reason, message),
        ("ContainersReady", is(said.ready), reason, message),
        ("PodScheduled", "True", "", ""),
    ];
    let all = items(pod, &["status", "conditions"]);
    for (kind, status, reason, message) in conditions {
        state(all, &Condition { kind, status, reason, message }, now);
    }
    // Gates of a pod's own are for others to open; nobody else is here, so they follow.
    let gates: Vec<String> = list(pod, "/spec/readinessGates")
        .iter()
        .map(|gate| text(gate, "/conditionType").to_owned())
        .collect();
    let all = items(pod, &["status", "conditions"]);
    for gate in gates {
        let gate = Condition { kind: &gate, status: is(said.ready), reason: "", message: "" };
        state(all, &gate, now);
    }
    if let Some(generation) = super::fields::number(pod, "/metadata/generation") {
        set(pod, &["status", "observedGeneration"], generation.into());
    }
}

/// The next step of a pod's life.
pub(super) fn step(world: &mut World<'_>, key: &Key) {
    let Some(pod) = world.get(key) else { return };
    if is_going(&pod) || has_ended(&pod) {
        return;
    }
    let now = world.now;
    let is_ready = pods::is_ready(&pod);
    match fate(&pod, world.conditions) {
        Fate::NoImage => {
            let first = waiting(&pod) == "ContainerCreating";
            world.change(key, |pod| no_image(pod, key, first));
        }
        Fate::Crashes => world.change(key, |pod| crash(pod, key, now)),
        Fate::Ends { well } if is_ready => {
            if !well && text(&pod, "/spec/restartPolicy") == "OnFailure" {
                world.change(key, |pod| crash(pod, key, now));
            } else {
                world.change(key, |pod| end(pod, well, now));
            }
        }
        Fate::Runs | Fate::Ends { .. } => world.change(key, |pod| run(pod, key, now)),
    }
    world.ask(Role::Kubelet, key.clone());
}

fn no_image(pod: &mut Value, key: &Key, first: bool) {
    // A pod's sandbox, and its address with it, is made before images are pulled.
    give_address(pod, key);
    for status in items(pod, &["status", "containerStatuses"]) {
        let image = text(status, "/image").to_owned();
        let (reason, message) = if first {
            ("ErrImagePull", format!("failed to pull and unpack image \"{image}\": not found"))
        } else {
            ("ImagePullBackOff", format!("Back-off pulling image \"{image}\": ErrImagePull: not found"))
        };
        set(status, &["state"], json!({"waiting": {"reason": reason, "message": message}}));
    }
}

fn give_address(pod: &mut Value, key: &Key) {
    let address = if super::fields::is_true(pod, "/spec/hostNetwork") {
        text(pod, "/status/hostIP").to_owned()
    } else {
        pod_address(&key.namespace, &key.name)
    };
    set(pod, &["status", "podIP"], address.clone().into());
    set(pod, &["status", "podIPs"], json!([{"ip": address}]));
}

fn initialize(pod: &mut Value, now: Timestamp) {
    let sidecars: Vec<bool> =
        list(pod, "/spec/initContainers").iter().map(|c| text(c, "/restartPolicy") == "Always").collect();
    if sidecars.is_empty() {
        return;
    }
    for (status, sidecar) in items(pod, &["status", "initContainerStatuses"]).iter_mut().zip(sidecars) {
        set(status, &["ready"], true.into());
        set(status, &["started"], sidecar.into());
        let state = if sidecar {
            json!({"running": {"startedAt": stamp(now)}})
        } else {
            json!({"terminated": {"exitCode": 0, "reason": "Completed", "startedAt": stamp(now), "finishedAt": stamp(now)}})
        };
        set(status, &["state"], state);
    }
}

fn run(pod: &mut Value, key: &Key, now: Timestamp) {
    initialize(pod, now);
    for status in items(pod, &["status", "containerStatuses"]) {
        set(status, &["ready"], true.into());
        set(status, &["started"], true.into());
        if map(status, "/state/running").is_none() {
            set(status, &["state"], json!({"running": {"startedAt": stamp(now)}}));
        }
    }
    set(pod, &["status", "phase"], "Running".into());
    give_address(pod, key);
    say(pod, &Said { started: true, ready: true, reason: "" }, now);
}

fn crash(pod: &mut Value, key: &Key, now: Timestamp) {
    initialize(pod, now);
    let name = text(pod, "/metadata/name").to_owned();
    for status in items(pod, &["status", "containerStatuses"]) {
        let again = count(status, "/restartCount") + 1;
        let container = text(status, "/name").to_owned();
        set(status, &["ready"], false.into());
        set(status, &["started"], false.into());
        set(status, &["restartCount"], again.into());
        let wait = back_off(again).as_secs();
        let message =
            format!("back-off {wait}s restarting failed container={container} pod={name}_{}", key.namespace);
        set(status, &["state"], json!({"waiting": {"reason": "CrashLoopBackOff", "message": message}}));
        let ended =
            json!({"exitCode": 1, "reason": "Error", "startedAt": stamp(now), "finishedAt": stamp(now)});
        set(status, &["lastState"], json!({"terminated": ended}));
    }
    set(pod, &["status", "phase"], "Running".into());
    give_address(pod, key);
    say(pod, &Said { started: true, ready: false, reason: "ContainersNotReady" }, now);
}

fn end(pod: &mut Value, well: bool, now: Timestamp) {
    let (code, reason, phase) = if well { (0, "Completed", "Succeeded") } else { (1, "Error", "Failed") };
    for status in items(pod, &["status", "containerStatuses"]) {
        let since = status.at("/state/running/startedAt").cloned().unwrap_or(stamp(now));
        set(status, &["ready"], false.into());
        set(status, &["started"], false.into());
        let ended = json!({"exitCode": code, "reason": reason, "startedAt": since, "finishedAt": stamp(now)});
        set(status, &["state"], json!({"terminated": ended}));
    }
    set(pod, &["status", "phase"], phase.into());
    let reason = if well { "PodCompleted" } else { "PodFailed" };
    say(pod, &Said { started: false, ready: false, reason }, now);
}

/// A pod that is being deleted has ended.
pub(super) fn stop(world: &mut World<'_>, key: &Key) {
    let Some(pod) = world.get(key).filter(|pod| is_going(pod)) else { return };
    if list(&pod, "/metadata/finalizers").is_empty() {
        return world.remove(key);
    }
    let now = world.now;
    world.change(key, |pod| end(pod, false, now));
}

/// A pod that ended and is being deleted goes as soon as nothing holds it.
fn let_go(world: &mut World<'_>, key: &Key) {
    if world.get(key).is_some_and(|pod| list(&pod, "/metadata/finalizers").is_empty()) {
        world.remove(key);
    }
}
