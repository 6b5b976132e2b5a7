//! Deployments: replica sets for the templates that they had and have, a rollout from the old to the
//! new, and what is said of it.

use std::rc::Rc;

use serde_json::{Map, Value, json};

use super::deployment_status::{is_complete, tell};
use super::fields::{
    Condition, condition, control, count, is_going, is_true, items, map, number, set, state, text, time,
    unset,
};
use super::names::template_hash;
use super::pods::annotation;
use super::rollout::{Part, Tally, Wish, deadline};
use super::world::{Found, World, owned};
use crate::sim::json::At as _;
use crate::sim::store::Key;

const HASH: &str = "pod-template-hash";
const REVISION: &str = "deployment.kubernetes.io/revision";
const DESIRED: &str = "deployment.kubernetes.io/desired-replicas";
const MOST: &str = "deployment.kubernetes.io/max-replicas";

/// A Deployment with its replica sets.
pub(super) struct Scene {
    pub key: Key,
    pub deployment: Rc<Value>,
    pub wish: Wish,
    /// The one of today's template.
    pub new: Option<Found>,
    /// The others, oldest first.
    pub old: Vec<Found>,
}

pub(super) fn look(world: &mut World<'_>, key: &Key) {
    let Some(mut scene) = scene(world, key) else { return };
    if is_going(&scene.deployment) {
        return tell(world, &scene, false);
    }
    pause(world, &mut scene);
    number_revision(world, &mut scene);
    let resized = scene.all().any(|(_, set)| {
        let desired: Option<i64> = annotation(set, DESIRED).parse().ok();
        replicas(set) > 0 && desired.is_some_and(|desired| desired != scene.wish.replicas)
    });
    if is_true(&scene.deployment, "/spec/paused") || resized {
        scale(world, &scene);
        renew(world, &mut scene);
        if is_true(&scene.deployment, "/spec/paused") {
            clean_up(world, &scene);
        }
        return tell(world, &scene, false);
    }
    if text(&scene.deployment, "/spec/strategy/type") == "Recreate" {
        recreate(world, &mut scene);
    } else {
        roll(world, &mut scene);
    }
    renew(world, &mut scene);
    if is_complete(&scene.wish, &Tally::told(&scene.deployment)) {
        clean_up(world, &scene);
    }
    tell(world, &scene, true);
}

impl Scene {
    pub(super) fn all(&self) -> impl Iterator<Item = &Found> {
        self.old.iter().chain(&self.new)
    }
}

/// How many pods a replica set is to have.
pub(super) fn replicas(set: &Value) -> i64 {
    number(set, "/spec/replicas").unwrap_or(1)
}

fn scene(world: &mut World<'_>, key: &Key) -> Option<Scene> {
    let deployment = world.get(key)?;
    let reference = control("apps/v1", "Deployment", &deployment);
    let selector = deployment.at("/spec/selector").cloned().unwrap_or_default();
    let found = world.children("apps", "replicasets", key);
    let mut sets = owned(world, found, &deployment, &reference, &selector);
    sets.sort_by_key(|(key, set)| (time(set, "/metadata/creationTimestamp"), key.clone()));
    let template = deployment.at("/spec/template").cloned().unwrap_or_default();
    let at = sets.iter().position(|(_, set)| plain_template(set) == template);
    let new = at.map(|at| sets.remove(at));
    let wish = Wish::of(&deployment);
    Some(Scene { key: key.clone(), deployment, wish, new, old: sets })
}

/// What changed since is read anew.
fn renew(world: &mut World<'_>, scene: &mut Scene) {
    if let Some(fresh) = self::scene(world, &scene.key) {
        *scene = fresh;
    }
}

/// The template of a replica set as its Deployment has it.
fn plain_template(set: &Value) -> Value {
    let mut template = set.at("/spec/template").cloned().unwrap_or_default();
    unset(&mut template, &["metadata", "labels", HASH]);
    template
}

fn revision(set: &Value) -> i64 {
    annotation(set, REVISION).parse().unwrap_or(0)
}

/// Says that it is paused, or no more.
fn pause(world: &mut World<'_>, scene: &mut Scene) {
    let paused = is_true(&scene.deployment, "/spec/paused");
    let reason = condition(&scene.deployment, "Progressing").map_or("", |c| text(c, "/reason"));
    if deadline(&scene.deployment).is_none() || reason == "ProgressDeadlineExceeded" {
        return;
    }
    let (reason, message) = match (paused, reason == "DeploymentPaused") {
        (true, false) => ("DeploymentPaused", "Deployment is paused"),
        (false, true) => ("DeploymentResumed", "Deployment is resumed"),
        _ => return,
    };
    progressing(world, &scene.key, "Unknown", reason, message);
    renew(world, scene);
}

fn progressing(world: &mut World<'_>, key: &Key, status: &str, reason: &str, message: &str) {
    let now = world.now;
    world.change(key, |deployment| {
        let conditions = items(deployment, &["status", "conditions"]);
        state_updated(conditions, &Condition { kind: "Progressing", status, reason, message }, now);
    });
}

/// As [`state`], with the time of the last update, which Deployments have beside.
pub(super) fn state_updated(conditions: &mut Vec<Value>, new: &Condition<'_>, now: jiff::Timestamp) {
    let same = conditions.iter().any(|c| {
        text(c, "/type") == new.kind && text(c, "/status") == new.status && text(c, "/reason") == new.reason
    });
    if !same
        && state(conditions, new, now)
        && let Some(condition) = conditions.iter_mut().find(|c| text(c, "/type") == new.kind)
    {
        set(condition, &["lastUpdateTime"], super::fields::stamp(now));
    }
}

/// The annotations that a replica set takes over from its Deployment.
fn taken_over(deployment: &Value) -> Map<String, Value> {
    let all = map(deployment, "/metadata/annotations").cloned().unwrap_or_default();
    let own = ["kubectl.kubernetes.io/last-applied-configuration", REVISION, DESIRED, MOST];
    all.into_iter().filter(|(key, _)| !own.contains(&key.as_str())).collect()
}

/// Numbers the replica set of today's template as the newest one.
fn number_revision(world: &mut World<'_>, scene: &mut Scene) {
    let Some((key, set_object)) = scene.new.clone() else { return };
    let newest = scene.old.iter().map(|(_, set)| revision(set)).max().unwrap_or(0) + 1;
    let pause = scene.deployment.at("/spec/minReadySeconds").cloned();
    let taken = taken_over(&scene.deployment);
    world.change(&key, |object| {
        for (key, value) in taken {
            set(object, &["metadata", "annotations", &key], value);
        }
        let before = annotation(object, REVISION).to_owned();
        if before.parse::<i64>().unwrap_or(0) < newest {
            if !before.is_empty() {
                let history = "deployment.kubernetes.io/revision-history";
                let known = annotation(object, history);
                let history_now = if known.is_empty() { before } else { format!("{known},{before}") };
                set(object, &["metadata", "annotations", history], history_now.into());
            }
            set(object, &["metadata", "annotations", REVISION], newest.to_string().into());
        }
        match pause {
            Some(pause) if count(object, "/spec/minReadySeconds") != pause.as_i64().unwrap_or(0) => {
                set(object, &["spec", "minReadySeconds"], pause);
            }
            _ => {}
        }
    });
    let number = revision(&set_object).max(newest).to_string();
    world.change(&scene.key, |deployment| {
        set(deployment, &["metadata", "annotations", REVISION], number.into());
    });
    if deadline(&scene.deployment).is_some() && condition(&scene.deployment, "Progressing").is_none() {
        let message = format!("Found new replica set \"{}\"", key.name);
        progressing(world, &scene.key, "True", "FoundNewReplicaSet", &message);
    }
    renew(world, scene);
}

/// Makes the replica set of today's template.
fn make(world: &mut World<'_>, scene: &mut Scene, rolling: bool) {
    let deployment = Rc::clone(&scene.deployment);
    let template = deployment.at("/spec/template").cloned().unwrap_or_default();
    let all: i64 = scene.old.iter().map(|(_, set)| replicas(set)).sum();
    let size = scene.wish.new_set(rolling, all, 0);
    let newest = scene.old.iter().map(|(_, set)| revision(set)).max().unwrap_or(0) + 1;
    let mut collisions = count(&deployment, "/status/collisionCount");
    let (hash, key) = loop {
        let hash = template_hash(&template, collisions);
        let name: String = scene.key.name.chars().take(252 - hash.len()).collect();
        let key = scene.key.beside("apps", "replicasets", &format!("{name}-{hash}"));
        if !world.store.has(&key) {
            break (hash, key);
        }
        collisions += 1;
    };
    let mut marked = template;
    set(&mut marked, &["metadata", "labels", HASH], hash.clone().into());
    let mut selector = deployment.at("/spec/selector").cloned().unwrap_or_default();
    set(&mut selector, &["matchLabels", HASH], hash.into());
    let mut annotations = taken_over(&deployment);
    annotations.insert(REVISION.to_owned(), newest.to_string().into());
    annotations.insert(DESIRED.to_owned(), scene.wish.replicas.to_string().into());
    annotations.insert(MOST.to_owned(), (scene.wish.replicas + scene.wish.surge).to_string().into());
    let mut object = json!({
        "apiVersion": "apps/v1", "kind": "ReplicaSet",
        "metadata": {
            "generation": 1, "labels": marked.at("/metadata/labels"), "annotations": annotations,
            "ownerReferences": [control("apps/v1", "Deployment", &deployment)],
        },
        "spec": {"replicas": size, "selector": selector, "template": marked},
        "status": {"replicas": 0},
    });
    if let Some(pause) = deployment.at("/spec/minReadySeconds") {
        set(&mut object, &["spec", "minReadySeconds"], pause.clone());
    }
    if !world.create(&key, object) {
        return;
    }
    world.change(&scene.key, |deployment| {
        set(deployment, &["metadata", "annotations", REVISION], newest.to_string().into());
        if collisions > 0 {
            set(deployment, &["status", "collisionCount"], collisions.into());
        }
    });
    if deadline(&deployment).is_some() {
        let message = format!("Created new replica set \"{}\"", key.name);
        progressing(world, &scene.key, "True", "NewReplicaSetCreated", &message);
    }
    renew(world, scene);
}

fn resize(world: &mut World<'_>, wish: Wish, (key, set_object): &Found, size: i64) -> bool {
    let is_other = replicas(set_object) != size;
    world.change(key, |object| {
        if is_other {
            set(object, &["spec", "replicas"], size.into());
        }
        set(object, &["metadata", "annotations", DESIRED], wish.replicas.to_string().into());
        set(object, &["metadata", "annotations", MOST], (wish.replicas + wish.surge).to_string().into());
    });
    is_other
}

fn part(set: &Value, age: usize) -> Part {
    let most = annotation(set, MOST).parse().ok();
    Part { wanted: replicas(set), available: count(set, "/status/availableReplicas"), most, age }
}

/// One step of a rolling update.
fn roll(world: &mut World<'_>, scene: &mut Scene) {
    if scene.new.is_none() {
        make(world, scene, true);
    }
    let Some(new) = scene.new.clone() else { return };
    let all: i64 = scene.all().map(|(_, set)| replicas(set)).sum();
    let now = replicas(&new.1);
    let wanted = match now > scene.wish.replicas {
        true => scene.wish.replicas,
        false => scene.wish.new_set(true, all, now),
    };
    if wanted != now {
        resize(world, scene.wish, &new, wanted);
        // The next look goes on from there.
        return;
    }
    let mut parts: Vec<Part> = scene.old.iter().enumerate().map(|(age, (_, set))| part(set, age)).collect();
    let newest = part(&new.1, parts.len());
    if scene.wish.old_sets(&mut parts, &newest) {
        for (set, part) in scene.old.iter().zip(&parts) {
            if replicas(&set.1) != part.wanted {
                resize(world, scene.wish, set, part.wanted);
            }
        }
    }
}

/// First all old pods go, then the new ones come.
fn recreate(world: &mut World<'_>, scene: &mut Scene) {
    let mut has_old = false;
    for set in &scene.old {
        if replicas(&set.1) > 0 {
            resize(world, scene.wish, set, 0);
            has_old = true;
        }
        let going = count(&set.1, "/status/terminatingReplicas");
        has_old |= count(&set.1, "/status/replicas") > 0 || going > 0;
    }
    if has_old {
        return;
    }
    match scene.new.clone() {
        None => make(world, scene, false),
        Some(new) if replicas(&new.1) != scene.wish.replicas => {
            resize(world, scene.wish, &new, scene.wish.replicas);
        }
        Some(_) => {}
    }
}

/// The Deployment got another size, or is paused: no rollout goes on, sizes follow.
fn scale(world: &mut World<'_>, scene: &Scene) {
    let wish = scene.wish;
    let active: Vec<&Found> = scene.all().filter(|(_, set)| replicas(set) > 0).collect();
    let newest = || scene.new.as_ref().or(scene.old.last());
    let single = match active.as_slice() {
        [] => newest(),
        [one] => Some(*one),
        _ => None,
    };
    if let Some(set) = single {
        resize(world, wish, set, wish.replicas);
        return;
    }
    let is_saturated = scene.new.as_ref().is_some_and(|(_, set)| {
        let desired: i64 = annotation(set, DESIRED).parse().unwrap_or(-1);
        replicas(set) == wish.replicas
            && desired == wish.replicas
            && count(set, "/status/availableReplicas") == wish.replicas
    });
    if is_saturated {
        for set in scene.old.iter().filter(|(_, set)| replicas(set) > 0) {
            resize(world, wish, set, 0);
        }
    } else if text(&scene.deployment, "/spec/strategy/type") != "Recreate" {
        let mut parts: Vec<Part> = active.iter().enumerate().map(|(age, (_, set))| part(set, age)).collect();
        wish.spread(&mut parts);
        for (set, part) in active.into_iter().zip(parts) {
            resize(world, wish, set, part.wanted);
        }
    }
}

/// Old replica sets go, but for so many as are to be remembered.
fn clean_up(world: &mut World<'_>, scene: &Scene) {
    let limit = number(&scene.deployment, "/spec/revisionHistoryLimit").unwrap_or(10);
    let mut old: Vec<&Found> = scene.old.iter().filter(|(_, set)| !is_going(set)).collect();
    old.sort_by_key(|(_, set)| revision(set));
    let excess = old.len().saturating_sub(usize::try_from(limit).unwrap_or(usize::MAX));
    for (key, set) in old.into_iter().take(excess) {
        let seen = count(set, "/status/observedGeneration") >= count(set, "/metadata/generation");
        if seen && replicas(set) == 0 && count(set, "/status/replicas") == 0 {
            world.delete(key);
        }
    }
}
