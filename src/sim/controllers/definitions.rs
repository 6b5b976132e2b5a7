//! Definitions of new kinds: their names are accepted, then their kind is served; with a definition go
//! the objects of its kind.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::fields::{Condition, condition, is_going, is_true, items, later, list, set, state, text};
use super::routes::is_held_by;
use super::world::{Role, World};
use crate::sim::json::At as _;
use crate::sim::store::Key;

const CLEANUP: &str = "customresourcecleanup.apiextensions.k8s.io";

pub(super) fn look(world: &mut World<'_>, key: &Key) {
    let Some(definition) = world.get(key) else { return };
    if is_going(&definition) {
        if is_held_by(&definition, CLEANUP) {
            clean_up(world, key, &definition);
        }
        return;
    }
    let (accepted, refusal) = accepted(world, key, &definition);
    let now = world.now;
    let mut next = (*definition).clone();
    set(&mut next, &["status", "acceptedNames"], accepted);
    let storage = list(&definition, "/spec/versions").iter().find(|version| is_true(version, "/storage"));
    if let Some(name) = storage.and_then(|version| version.get("name")) {
        let stored = items(&mut next, &["status", "storedVersions"]);
        if !stored.contains(name) {
            stored.push(name.clone());
        }
    }
    let (status, reason, message) = match &refusal {
        Some((reason, message)) => ("False", *reason, message.as_str()),
        None => ("True", "NoConflicts", "no conflicts found"),
    };
    let first = condition(&definition, "NamesAccepted").is_none();
    let conditions = items(&mut next, &["status", "conditions"]);
    state(conditions, &Condition { kind: "NamesAccepted", status, reason, message }, now);
    let is_established = super::fields::holds(&definition, "Established");
    if refusal.is_none() && !is_established {
        let is_due = !first && !world.has_date(Role::Definition, key);
        let (status, reason) =
            if is_due { ("True", "InitialNamesAccepted") } else { ("False", "Installing") };
        let message = "the initial names have been accepted";
        state(conditions, &Condition { kind: "Established", status, reason, message }, now);
        if first {
            let at = later(now, world.conditions.definition);
            world.ask_at(Role::Definition, key, at);
        }
    } else if !is_established {
        let message = "not all names are accepted";
        state(
            conditions,
            &Condition { kind: "Established", status: "False", reason: "NotAccepted", message },
            now,
        );
        // Looked at again when a definition goes; then it is like a new one.
    }
    world.put(key, next);
}

/// The names that a definition gets, and what stands against them.
fn accepted(world: &mut World<'_>, key: &Key, definition: &Value) -> (Value, Option<(&'static str, String)>) {
    let names = definition.at("/spec/names").cloned().unwrap_or_default();
    let mut wanted = names.clone();
    let kind = text(&names, "/kind").to_owned();
    for (field, value) in [("listKind", format!("{kind}List")), ("singular", kind.to_lowercase())] {
        if text(&wanted, &format!("/{field}")).is_empty() {
            set(&mut wanted, &[field], value.into());
        }
    }
    let (mut resources, mut kinds) = (BTreeSet::new(), BTreeSet::new());
    let group = text(definition, "/spec/group").to_owned();
    for (other, definition) in world.all("apiextensions.k8s.io", "customresourcedefinitions", None) {
        if other == *key || text(&definition, "/spec/group") != group {
            continue;
        }
        let Some(names) = definition.at("/status/acceptedNames") else { continue };
        for field in ["/plural", "/singular"] {
            resources.insert(text(names, field).to_owned());
        }
        resources.extend(list(names, "/shortNames").iter().filter_map(Value::as_str).map(str::to_owned));
        for field in ["/kind", "/listKind"] {
            kinds.insert(text(names, field).to_owned());
        }
    }
    let mut refusal = None;
    let mut given = json!({"plural": text(&wanted, "/plural")});
    for (field, taken, reason) in [
        ("singular", &resources, "SingularConflict"),
        ("kind", &kinds, "KindConflict"),
        ("listKind", &kinds, "ListKindConflict"),
    ] {
        let name = text(&wanted, &format!("/{field}"));
        if taken.contains(name) {
            if field == "kind" {
                // The one name that servers write even if there is none.
                set(&mut given, &[field], "".into());
            }
            refusal = Some((reason, format!("\"{name}\" is already in use")));
        } else {
            set(&mut given, &[field], name.into());
        }
    }
    let short = list(&wanted, "/shortNames");
    match short.iter().filter_map(Value::as_str).find(|name| resources.contains(*name)) {
        Some(name) => refusal = Some(("ShortNamesConflict", format!("\"{name}\" is already in use"))),
        None if !short.is_empty() => set(&mut given, &["shortNames"], short.into()),
        None => {}
    }
    if !list(&wanted, "/categories").is_empty() {
        set(&mut given, &["categories"], list(&wanted, "/categories").into());
    }
    (given, refusal)
}

fn instances(world: &World<'_>, definition: &Value) -> Vec<Key> {
    let (group, plural) = (text(definition, "/spec/group"), text(definition, "/spec/names/plural"));
    world.store.keys(group, plural, None).cloned().collect()
}

/// The objects of a kind go before its definition does.
fn clean_up(world: &mut World<'_>, key: &Key, definition: &Value) {
    for instance in instances(world, definition) {
        world.delete(&instance);
    }
    if !instances(world, definition).is_empty() {
        world.memory.collecting.insert(key.clone());
        return;
    }
    world.change(key, |definition| {
        items(definition, &["metadata", "finalizers"]).retain(|name| name != CLEANUP);
    });
    super::garbage::let_go(world, key);
}

/// The objects of a definition that is gone go with it, and names that it had are free.
pub(super) fn gone(world: &mut World<'_>, definition: &Value) {
    for instance in instances(world, definition) {
        world.remove(&instance);
    }
    let others: Vec<Key> =
        world.store.keys("apiextensions.k8s.io", "customresourcedefinitions", None).cloned().collect();
    for other in others {
        world.ask(Role::Definition, other);
    }
}
