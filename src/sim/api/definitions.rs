//! When a definition's kind begins to be served, and what goes with a definition. Decided lazily, when
//! somebody asks: a real server does it by itself.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::json::{holds, items, set_metadata, text};
use super::write::{put, stamp};
use crate::sim::cluster::Cluster;
use crate::sim::fields::{self, Schema, Writer};
use crate::sim::json::At as _;
use crate::sim::kinds;
use crate::sim::store::Key;

const GROUP: &str = "apiextensions.k8s.io";
const PLURAL: &str = "customresourcedefinitions";
const CLEANUP: &str = "customresourcecleanup.apiextensions.k8s.io";

/// Establishes the definitions whose time has come, and ends those that are being deleted.
pub(super) fn establish(cluster: &mut Cluster) {
    let keys: Vec<Key> = cluster.store.keys(GROUP, PLURAL, None).cloned().collect();
    for key in keys {
        let settled = |definition: &kinds::Definition| definition.established && !definition.going;
        if kinds::definition(&cluster.store, &key).is_some_and(|definition| settled(&definition)) {
            continue;
        }
        let Some(definition) = cluster.store.get(&key) else { continue };
        if definition.at("/metadata/deletionTimestamp").is_some() {
            end(cluster, &key, definition);
        } else if !holds(&definition, "Established") && due(cluster, &definition) {
            begin(cluster, key, definition);
        }
    }
}

/// Creation is known to the second only: a definition is never served too early.
fn due(cluster: &Cluster, definition: &Value) -> bool {
    let made = text(definition, "/metadata/creationTimestamp").parse::<Timestamp>();
    made.is_ok_and(|made| made + Duration::from_millis(999) + cluster.conditions.definition <= cluster.now)
}

fn begin(cluster: &mut Cluster, key: Key, mut definition: Value) {
    let before = definition.clone();
    let at = stamp(cluster.now);
    let condition = |kind: &str, reason: &str, message: &str| {
        json!({
            "type": kind, "status": "True", "lastTransitionTime": at, "reason": reason, "message": message,
        })
    };
    let names = definition.at("/spec/names").cloned().unwrap_or_default();
    let stored: Vec<Value> = items(&definition, "/spec/versions")
        .filter(|version| super::json::flag(version, "/storage"))
        .filter_map(|version| version.get("name").cloned())
        .collect();
    let status = json!({
        "conditions": [
            condition("NamesAccepted", "NoConflicts", "no conflicts found"),
            condition("Established", "InitialNamesAccepted", "the initial names have been accepted"),
        ],
        "acceptedNames": names, "storedVersions": stored,
    });
    if let Some(fields) = definition.as_object_mut() {
        fields.insert("status".to_owned(), status);
    }
    let writer = Writer {
        manager: "kube-apiserver",
        api_version: "apiextensions.k8s.io/v1",
        subresource: "status",
        now: cluster.now,
    };
    if let Some(schema) = Schema::builtin(GROUP, "v1", "CustomResourceDefinition") {
        definition = fields::written(&schema, Some(&before), definition, &writer);
    }
    put(cluster, key, definition);
}

/// Deletes the objects of a kind whose definition goes, then lets it go.
fn end(cluster: &mut Cluster, key: &Key, mut definition: Value) {
    let finalizers: Vec<Value> = items(&definition, "/metadata/finalizers").cloned().collect();
    if !finalizers.iter().any(|f| f == CLEANUP) {
        return;
    }
    let (group, plural) = (text(&definition, "/spec/group"), text(&definition, "/spec/names/plural"));
    let mut left = false;
    for (inner, mut object) in cluster.store.list(group, plural, None) {
        if items(&object, "/metadata/finalizers").next().is_none() {
            cluster.store.remove(&inner);
            continue;
        }
        left = true;
        if object.at("/metadata/deletionTimestamp").is_none() {
            set_metadata(&mut object, "deletionTimestamp", stamp(cluster.now));
            set_metadata(&mut object, "deletionGracePeriodSeconds", 0);
            put(cluster, inner, object);
        }
    }
    if left {
        return;
    }
    let rest: Vec<Value> = finalizers.into_iter().filter(|f| f != CLEANUP).collect();
    if rest.is_empty() {
        cluster.store.remove(key);
    } else {
        set_metadata(&mut definition, "finalizers", rest);
        put(cluster, key.clone(), definition);
    }
}
