//! ControllerRevisions: the templates that a StatefulSet or a DaemonSet had, by which its pods are told
//! apart.

use serde_json::{Value, json};

use super::fields::{control, count, is_going, items, list, number, set, text};
use super::names::template_hash;
use super::world::{Found, World, owned};
use crate::sim::json::At as _;
use crate::sim::store::Key;

/// The label of pods, with the revision that they are of.
pub(super) const REVISION: &str = "controller-revision-hash";

/// The revisions of a workload, oldest first.
pub(super) fn all(world: &mut World<'_>, key: &Key, owner: &Value, kind: &str) -> Vec<Found> {
    let found = world.children("apps", "controllerrevisions", key);
    let reference = control("apps/v1", kind, owner);
    let selector = owner.at("/spec/selector").cloned().unwrap_or_default();
    let mut found = owned(world, found, owner, &reference, &selector);
    found.sort_by_key(|(key, revision)| (count(revision, "/revision"), key.clone()));
    found
}

/// The template that a revision stands for.
pub(super) fn template(revision: &Value) -> Value {
    let mut template = revision.at("/data/spec/template").cloned().unwrap_or_default();
    super::fields::unset(&mut template, &["$patch"]);
    template
}

/// The revision of today's template: made if it is new, numbered as the newest if it is another again.
pub(super) fn current(world: &mut World<'_>, key: &Key, owner: &Value, kind: &str) -> Option<Found> {
    let all = all(world, key, owner, kind);
    let today = owner.at("/spec/template").cloned().unwrap_or_default();
    let newest = all.last().map_or(0, |(_, revision)| count(revision, "/revision"));
    if let Some((known, revision)) = all.iter().rev().find(|(_, revision)| template(revision) == today) {
        if count(revision, "/revision") < newest {
            world.change(known, |revision| set(revision, &["revision"], (newest + 1).into()));
        }
        return world.get(known).map(|revision| (known.clone(), revision));
    }
    if is_going(owner) {
        return all.last().cloned();
    }
    let mut collisions = count(owner, "/status/collisionCount");
    let (hash, name) = loop {
        let hash = template_hash(&today, collisions);
        let name = key.beside("apps", "controllerrevisions", &format!("{}-{hash}", key.name));
        if !world.store.has(&name) {
            break (hash, name);
        }
        collisions += 1;
    };
    let mut labels = owner.at("/spec/template/metadata/labels").cloned().unwrap_or_else(|| json!({}));
    set(
        &mut labels,
        &[if kind == "DaemonSet" { REVISION } else { "controller.kubernetes.io/hash" }],
        hash.into(),
    );
    let mut kept = today;
    set(&mut kept, &["$patch"], "replace".into());
    let object = json!({
        "apiVersion": "apps/v1", "kind": "ControllerRevision",
        "metadata": {"labels": labels, "ownerReferences": [control("apps/v1", kind, owner)]},
        "data": {"spec": {"template": kept}},
        "revision": newest + 1,
    });
    world.create(&name, object);
    let made = world.get(&name)?;
    Some((name, made))
}

/// What tells the pods of a DaemonSet's revision: the end of its name.
pub(super) fn hash(revision: &Value) -> &str {
    super::pods::label(revision, REVISION)
}

/// Lets old revisions go that no pod is of, but for so many as are to be remembered.
pub(super) fn clean_up(world: &mut World<'_>, key: &Key, owner: &Value, kind: &str, live: &[String]) {
    let limit = number(owner, "/spec/revisionHistoryLimit").unwrap_or(10);
    let old: Vec<Key> = all(world, key, owner, kind)
        .into_iter()
        .filter(|(key, revision)| {
            !live
                .iter()
                .any(|live| **live == *key.name || (!hash(revision).is_empty() && live == hash(revision)))
        })
        .map(|(key, _)| key)
        .collect();
    let excess = old.len().saturating_sub(usize::try_from(limit).unwrap_or(usize::MAX));
    for key in old.into_iter().take(excess) {
        world.delete(&key);
    }
}

/// Has a pod tolerate a taint, unless it does.
pub(super) fn tolerate(spec: &mut Value, key: &str, effect: &str) {
    let known = list(spec, "/tolerations")
        .iter()
        .any(|t| text(t, "/key") == key && text(t, "/effect") == effect && text(t, "/operator") == "Exists");
    if !known {
        items(spec, &["tolerations"]).push(json!({"key": key, "operator": "Exists", "effect": effect}));
    }
}
