//! Namespaces: what each one has from the beginning, and how one goes with all that is in it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::fields::{Condition, is_going, items, list, set, state, text};
use super::world::World;
use crate::sim::store::Key;

/// The certificate that pods are given to trust the API server; nobody talks TLS here.
const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----\nc2ltdWxhdGVk\n-----END CERTIFICATE-----\n";

/// A new namespace.
pub(super) fn fresh(name: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Namespace",
        "metadata": {"labels": {"kubernetes.io/metadata.name": name}},
        "spec": {"finalizers": ["kubernetes"]},
        "status": {"phase": "Active"},
    })
}

/// What every namespace has.
pub(super) fn contents(namespace: &str) -> [(Key, Value); 2] {
    let account = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {}});
    let about = "Contains a CA bundle that can be used to verify the kube-apiserver when using internal \
        endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed \
        across distributions of Kubernetes clusters.";
    let root = json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"annotations": {"kubernetes.io/description": about}},
        "data": {"ca.crt": CERTIFICATE},
    });
    [
        (Key::new("", "serviceaccounts", namespace, "default"), account),
        (Key::new("", "configmaps", namespace, "kube-root-ca.crt"), root),
    ]
}

pub(super) fn look(world: &mut World<'_>, key: &Key) {
    let Some(namespace) = world.get(key) else { return };
    if is_going(&namespace) {
        return end(world, key);
    }
    if text(&namespace, "/status/phase").is_empty() {
        world.change(key, |namespace| set(namespace, &["status", "phase"], "Active".into()));
    }
    for (key, object) in contents(&key.name) {
        world.create(&key, object);
    }
}

/// Deletes what is in it, pods first; the namespace goes when nothing is left.
fn end(world: &mut World<'_>, key: &Key) {
    world.memory.ending.insert(key.clone());
    let within = |world: &World<'_>| -> Vec<Key> {
        world.store.all_keys().filter(|inner| inner.namespace == key.name).cloned().collect()
    };
    let all = within(world);
    let has_pods = all.iter().any(Key::is_pod);
    for inner in all.iter().filter(|inner| inner.is_pod() || !has_pods) {
        if world.get(inner).is_some_and(|object| !is_going(&object)) {
            world.delete(inner);
        }
    }
    let left = within(world);
    if left.is_empty() {
        world.memory.ending.remove(key);
        let held = world.get(key).is_some_and(|namespace| {
            let others = list(&namespace, "/spec/finalizers").iter().any(|name| name != "kubernetes");
            others || !list(&namespace, "/metadata/finalizers").is_empty()
        });
        if !held {
            return world.remove(key);
        }
    }
    let remains = remaining(world, &left);
    let is_empty = left.is_empty();
    let now = world.now;
    world.change(key, |namespace| {
        set(namespace, &["status", "phase"], "Terminating".into());
        let conditions = items(namespace, &["status", "conditions"]);
        for condition in &remains {
            let [kind, status, reason, message] = condition.each_ref().map(String::as_str);
            state(conditions, &Condition { kind, status, reason, message }, now);
        }
        if is_empty {
            items(namespace, &["spec", "finalizers"]).retain(|name| name != "kubernetes");
        }
    });
}

/// Nothing stays in a namespace that is gone, however it went.
pub(super) fn gone(world: &mut World<'_>, key: &Key) {
    let left: Vec<Key> =
        world.store.all_keys().filter(|inner| inner.namespace == key.name).cloned().collect();
    for inner in left {
        world.remove(&inner);
    }
}

/// What a namespace that is being deleted says of what is left in it.
fn remaining(world: &mut World<'_>, left: &[Key]) -> Vec<[String; 4]> {
    let (mut resources, mut finalizers) = (BTreeMap::new(), BTreeMap::new());
    for key in left {
        *resources.entry(format!("{}.{}", key.resource, key.group)).or_insert(0) += 1;
        let Some(object) = world.get(key) else { continue };
        for finalizer in list(&object, "/metadata/finalizers").iter().filter_map(Value::as_str) {
            *finalizers.entry(finalizer.to_owned()).or_insert(0) += 1;
        }
    }
    let told = |counts: BTreeMap<String, u32>, between: &str| {
        let told: Vec<String> = counts
            .iter()
            .map(|(name, count)| format!("{name} {between} {count} resource instances"))
            .collect();
        told.join(", ")
    };
    let line = |kind: &str, status: &str, reason: &str, message: String| {
        [kind.to_owned(), status.to_owned(), reason.to_owned(), message]
    };
    let fine = |kind, reason, message: &str| line(kind, "False", reason, message.to_owned());
    let mut lines = vec![
        fine(
            "NamespaceDeletionDiscoveryFailure",
            "ResourcesDiscovered",
            "All resources successfully discovered",
        ),
        fine(
            "NamespaceDeletionGroupVersionParsingFailure",
            "ParsedGroupVersions",
            "All legacy kube types successfully parsed",
        ),
        fine(
            "NamespaceDeletionContentFailure",
            "ContentDeleted",
            "All content successfully deleted, may be waiting on finalization",
        ),
    ];
    lines.push(match resources.is_empty() {
        true => fine("NamespaceContentRemaining", "ContentRemoved", "All content successfully removed"),
        false => {
            let message = format!("Some resources are remaining: {}", told(resources, "has"));
            line("NamespaceContentRemaining", "True", "SomeResourcesRemain", message)
        }
    });
    lines.push(match finalizers.is_empty() {
        true => fine(
            "NamespaceFinalizersRemaining",
            "ContentHasNoFinalizers",
            "All content-preserving finalizers finished",
        ),
        false => {
            let said = told(finalizers, "in");
            let message = format!("Some content in the namespace has finalizers remaining: {said}");
            line("NamespaceFinalizersRemaining", "True", "SomeFinalizersRemain", message)
        }
    });
    lines
}
