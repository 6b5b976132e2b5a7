//! The garbage collector: what becomes of objects whose owners go.

use serde_json::Value;

use super::definitions;
use super::fields::{fields, is_going, is_true, items, list, text, uid};
use super::routes::is_held_by;
use super::world::{Role, World};
use crate::sim::store::Key;

const FOREGROUND: &str = "foregroundDeletion";
const ORPHAN: &str = "orphan";

/// An object is gone: what only it owned goes too.
pub(super) fn owner_is_gone(world: &mut World<'_>, owner: &str) {
    if owner.is_empty() {
        return;
    }
    for key in world.store.dependents(owner) {
        world.ask(Role::Owners, key);
    }
}

/// Whether an owner is there: `None` if its kind is not known here.
fn is_there(world: &mut World<'_>, dependent: &Key, owner: &Value) -> Option<bool> {
    let (group, resource, namespaced) = resource(world, owner)?;
    let namespace = if namespaced { &*dependent.namespace } else { "" };
    let key = Key::new(&group, &resource, namespace, text(owner, "/name"));
    Some(world.get(&key).is_some_and(|found| uid(&found) == text(owner, "/uid")))
}

/// The resource of an owner's kind, and whether it lives in namespaces.
fn resource(world: &mut World<'_>, owner: &Value) -> Option<(String, String, bool)> {
    let (version, kind) = (text(owner, "/apiVersion"), text(owner, "/kind"));
    let group = version.split_once('/').map_or("", |(group, _)| group);
    let known = match (group, kind) {
        (
            "" | "rbac.authorization.k8s.io",
            "Node" | "Namespace" | "PersistentVolume" | "ClusterRole" | "ClusterRoleBinding",
        )
        | ("apiextensions.k8s.io", "CustomResourceDefinition")
        | ("storage.k8s.io", "StorageClass") => Some(false),
        ("", "Pod" | "Service" | "ConfigMap" | "Secret" | "ServiceAccount" | "PersistentVolumeClaim")
        | ("apps", "Deployment" | "ReplicaSet" | "StatefulSet" | "DaemonSet" | "ControllerRevision")
        | ("batch", "Job" | "CronJob")
        | ("policy", "PodDisruptionBudget")
        | ("rbac.authorization.k8s.io", "Role" | "RoleBinding") => Some(true),
        _ => None,
    };
    if let Some(namespaced) = known {
        let plural = match kind {
            "StorageClass" => "storageclasses".to_owned(),
            kind => format!("{}s", kind.to_lowercase()),
        };
        return Some((group.to_owned(), plural, namespaced));
    }
    let definitions = world.all("apiextensions.k8s.io", "customresourcedefinitions", None);
    let (_, definition) = definitions
        .into_iter()
        .find(|(_, d)| text(d, "/spec/group") == group && text(d, "/spec/names/kind") == kind)?;
    let namespaced = text(&definition, "/spec/scope") == "Namespaced";
    Some((group.to_owned(), text(&definition, "/spec/names/plural").to_owned(), namespaced))
}

/// Deletes an object whose owners are all gone, and strikes those that are gone off the others' lists.
pub(super) fn check_owners(world: &mut World<'_>, key: &Key) {
    let Some(object) = world.get(key) else { return };
    let owners = list(&object, "/metadata/ownerReferences");
    if owners.is_empty() || is_going(&object) {
        return;
    }
    let there: Vec<bool> = owners.iter().map(|owner| is_there(world, key, owner).unwrap_or(true)).collect();
    if !there.contains(&true) {
        return world.delete(key);
    }
    if there.contains(&false) {
        let mut keep = there.into_iter();
        world.change(key, |object| {
            items(object, &["metadata", "ownerReferences"]).retain(|_| keep.next().unwrap_or(true));
        });
    }
}

/// An object that is being deleted waits for its dependents, or lets them go.
pub(super) fn collect(world: &mut World<'_>, key: &Key) {
    let Some(object) = world.get(key) else { return };
    if !is_going(&object) {
        world.memory.collecting.remove(key);
        return;
    }
    if is_held_by(&object, ORPHAN) {
        orphan(world, uid(&object));
        return free(world, key, ORPHAN);
    }
    if is_held_by(&object, FOREGROUND) {
        return wait_for_dependents(world, key, uid(&object));
    }
    if &*key.resource == "customresourcedefinitions" {
        return definitions::look(world, key);
    }
    let_go(world, key);
}

fn orphan(world: &mut World<'_>, owner: &str) {
    for key in world.store.dependents(owner) {
        world.change(&key, |object| {
            let owners = items(object, &["metadata", "ownerReferences"]);
            owners.retain(|reference| text(reference, "/uid") != owner);
            if owners.is_empty()
                && let Some(metadata) = object.get_mut("metadata")
            {
                fields(metadata).shift_remove("ownerReferences");
            }
        });
    }
}

fn wait_for_dependents(world: &mut World<'_>, key: &Key, owner: &str) {
    let mut is_blocked = false;
    for dependent in world.store.dependents(owner) {
        let Some(object) = world.get(&dependent) else { continue };
        let reference = list(&object, "/metadata/ownerReferences").iter().find(|o| text(o, "/uid") == owner);
        is_blocked |= reference.is_some_and(|reference| is_true(reference, "/blockOwnerDeletion"));
        if is_going(&object) {
            continue;
        }
        let others = list(&object, "/metadata/ownerReferences").len() > 1;
        if others {
            world.change(&dependent, |object| {
                items(object, &["metadata", "ownerReferences"]).retain(|o| text(o, "/uid") != owner);
            });
            continue;
        }
        // What has dependents of its own waits for them in turn.
        let has_dependents = !dependent.is_pod() && !world.store.dependents(uid(&object)).is_empty();
        if has_dependents && !is_held_by(&object, FOREGROUND) {
            world.change(&dependent, |object| {
                items(object, &["metadata", "finalizers"]).push(FOREGROUND.into());
            });
        }
        world.delete(&dependent);
    }
    // Those that went at once are no longer there.
    let still = world.store.dependents(owner);
    let is_blocked = is_blocked && still.iter().any(|dependent| blocks(world, dependent, owner));
    if is_blocked {
        world.memory.collecting.insert(key.clone());
    } else {
        free(world, key, FOREGROUND);
    }
}

fn blocks(world: &mut World<'_>, dependent: &Key, owner: &str) -> bool {
    let Some(object) = world.get(dependent) else { return false };
    list(&object, "/metadata/ownerReferences")
        .iter()
        .any(|reference| text(reference, "/uid") == owner && is_true(reference, "/blockOwnerDeletion"))
}

fn free(world: &mut World<'_>, key: &Key, finalizer: &str) {
    world.memory.collecting.remove(key);
    world.change(key, |object| {
        items(object, &["metadata", "finalizers"]).retain(|name| name != finalizer);
    });
    let_go(world, key);
}

/// Takes away what is being deleted and is held by nothing any more; pods go when they have ended, and
/// namespaces when they are empty.
pub(super) fn let_go(world: &mut World<'_>, key: &Key) {
    let Some(object) = world.get(key) else { return };
    let is_held = !list(&object, "/metadata/finalizers").is_empty();
    let waits = key.is_pod() || &*key.resource == "namespaces" && key.group.is_empty();
    if is_going(&object) && !is_held && !waits {
        world.remove(key);
    }
}
