//! What is said of a Deployment: its numbers, whether enough of it is available, and how its rollout
//! goes on.

use jiff::Timestamp;
use serde_json::Value;

use super::deployments::{Scene, replicas, state_updated};
use super::fields::{Condition, after, count, fields, has, items, list, set, text, time, unset};
use super::rollout::{Tally, Wish, deadline};
use super::world::{Role, World};

/// Whether all pods are of the new template and available, and no other is left.
pub(super) fn is_complete(wish: &Wish, tally: &Tally) -> bool {
    [tally.updated, tally.replicas, tally.available].iter().all(|number| *number == wish.replicas)
}

fn tally(scene: &Scene) -> Tally {
    let sum = |field: &str| -> i64 { scene.all().map(|(_, set)| count(set, field)).sum() };
    let wanted: i64 = scene.all().map(|(_, set)| replicas(set)).sum();
    let available = sum("/status/availableReplicas");
    Tally {
        replicas: sum("/status/replicas"),
        updated: scene.new.as_ref().map_or(0, |(_, set)| count(set, "/status/replicas")),
        ready: sum("/status/readyReplicas"),
        available,
        unavailable: (wanted - available).max(0),
        terminating: sum("/status/terminatingReplicas"),
    }
}

/// Writes the status, with what it says of the rollout's progress if one is judged.
pub(super) fn tell(world: &mut World<'_>, scene: &Scene, judge: bool) {
    let (now, before) = (world.now, Tally::told(&scene.deployment));
    let tally = tally(scene);
    let generation = count(&scene.deployment, "/metadata/generation");
    let mut next = (*scene.deployment).clone();
    if generation > 0 {
        set(&mut next, &["status", "observedGeneration"], generation.into());
    }
    for (name, number) in [
        ("replicas", tally.replicas),
        ("updatedReplicas", tally.updated),
        ("readyReplicas", tally.ready),
        ("availableReplicas", tally.available),
        ("unavailableReplicas", tally.unavailable),
    ] {
        match number {
            0 => unset(&mut next, &["status", name]),
            number => set(&mut next, &["status", name], number.into()),
        }
    }
    set(&mut next, &["status", "terminatingReplicas"], tally.terminating.into());
    let (status, reason, message) = if tally.available >= scene.wish.least() {
        ("True", "MinimumReplicasAvailable", "Deployment has minimum availability.")
    } else {
        ("False", "MinimumReplicasUnavailable", "Deployment does not have minimum availability.")
    };
    let conditions = items(&mut next, &["status", "conditions"]);
    state_updated(conditions, &Condition { kind: "Available", status, reason, message }, now);
    match deadline(&scene.deployment) {
        None if judge => conditions.retain(|condition| text(condition, "/type") != "Progressing"),
        Some(seconds) if judge => {
            if let Some(again) =
                progress(conditions, scene, &tally, &before, seconds, now).filter(|again| *again > now)
            {
                world.ask_at(Role::Deployment, &scene.key, again);
            }
        }
        _ => {}
    }
    let failures = list_failures(scene);
    let conditions = items(&mut next, &["status", "conditions"]);
    match failures {
        Some(failure) => {
            state_updated(
                conditions,
                &Condition {
                    kind: "ReplicaFailure",
                    status: text(&failure, "/status"),
                    reason: text(&failure, "/reason"),
                    message: text(&failure, "/message"),
                },
                now,
            );
        }
        None => conditions.retain(|condition| text(condition, "/type") != "ReplicaFailure"),
    }
    world.put(&scene.key, next);
}

fn list_failures(scene: &Scene) -> Option<Value> {
    let all = scene.new.iter().chain(&scene.old);
    all.flat_map(|(_, set)| list(set, "/status/conditions"))
        .find(|condition| text(condition, "/type") == "ReplicaFailure")
        .cloned()
}

/// Judges how the rollout goes on; answers when to look again if it does not.
fn progress(
    conditions: &mut Vec<Value>,
    scene: &Scene,
    tally: &Tally,
    before: &Tally,
    seconds: i64,
    now: Timestamp,
) -> Option<Timestamp> {
    let name = match &scene.new {
        Some((key, _)) => format!("ReplicaSet \"{}\"", key.name),
        None => format!("Deployment \"{}\"", scene.key.name),
    };
    let known = conditions.iter().find(|c| text(c, "/type") == "Progressing").cloned();
    let reason = known.as_ref().map_or("", |known| text(known, "/reason"));
    let kind = "Progressing";
    if tally.replicas == tally.updated && reason == "NewReplicaSetAvailable" {
        return None;
    }
    if is_complete(&scene.wish, tally) {
        let message = format!("{name} has successfully progressed.");
        let condition =
            Condition { kind, status: "True", reason: "NewReplicaSetAvailable", message: &message };
        state_updated(conditions, &condition, now);
        return None;
    }
    let is_late = |known: &Value| {
        let since = time(known, "/lastUpdateTime").unwrap_or(now);
        reason != "NewReplicaSetAvailable" && after(since, seconds) < now
    };
    if tally.is_ahead_of(before) {
        let message = format!("{name} is progressing.");
        let condition = Condition { kind, status: "True", reason: "ReplicaSetUpdated", message: &message };
        let mut value = condition.value(now);
        set(&mut value, &["lastUpdateTime"], super::fields::stamp(now));
        if let Some(known) = known.as_ref().filter(|known| text(known, "/status") == "True")
            && has(known, "/lastTransitionTime")
        {
            fields(&mut value).insert("lastTransitionTime".to_owned(), known["lastTransitionTime"].clone());
        }
        conditions.retain(|condition| text(condition, "/type") != kind);
        conditions.push(value);
        return Some(after(super::fields::seconds(now), seconds + 1));
    }
    match known {
        Some(known) if reason == "ProgressDeadlineExceeded" || is_late(&known) => {
            let message = format!("{name} has timed out progressing.");
            let condition =
                Condition { kind, status: "False", reason: "ProgressDeadlineExceeded", message: &message };
            state_updated(conditions, &condition, now);
            None
        }
        Some(known) => time(&known, "/lastUpdateTime").map(|since| after(since, seconds + 1)),
        None => None,
    }
}
