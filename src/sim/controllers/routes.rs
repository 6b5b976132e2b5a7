//! Who has to look when something changed.

use serde_json::Value;

use super::fields::{controller, has, is_going, list, text, uid};
use super::garbage;
use super::world::{Role, World};
use crate::sim::store::{Changed, Key};

/// Who looks at objects of a resource that were made or changed.
fn looker(key: &Key) -> Option<Role> {
    Some(match (&*key.group, &*key.resource) {
        ("", "namespaces") => Role::Namespace,
        ("", "nodes") => Role::Node,
        ("", "pods") => Role::Kubelet,
        ("", "services") => Role::Service,
        ("", "persistentvolumeclaims") => Role::Claim,
        ("apps", "deployments") => Role::Deployment,
        ("apps", "replicasets") => Role::ReplicaSet,
        ("apps", "statefulsets") => Role::StatefulSet,
        ("apps", "daemonsets") => Role::DaemonSet,
        ("batch", "jobs") => Role::Job,
        ("policy", "poddisruptionbudgets") => Role::Budget,
        ("apiextensions.k8s.io", "customresourcedefinitions") => Role::Definition,
        ("apiregistration.k8s.io", "apiservices") => Role::ApiService,
        _ => return None,
    })
}

/// Has everybody look at whom the changes since the last look concern.
pub(super) fn follow(world: &mut World<'_>) {
    let seen = world.memory.seen;
    world.memory.seen = world.store.revision();
    if seen == world.memory.seen {
        return;
    }
    let changes = world.store.changes_after(seen).map(|changes| {
        let last = |change: &crate::sim::store::Change| match change.changed {
            Changed::Deleted => Some(change.object()),
            _ => None,
        };
        changes.map(|change| (change.key.clone(), last(change))).collect::<Vec<_>>()
    });
    let Some(changes) = changes else {
        return everything(world);
    };
    for (key, last) in changes {
        match last {
            Some(last) => gone(world, &key, &last),
            None => changed(world, &key),
        }
    }
}

/// Too much changed to be told one by one: all objects are looked at.
fn everything(world: &mut World<'_>) {
    let keys: Vec<Key> = world.store.all_keys().cloned().collect();
    for key in keys {
        changed(world, &key);
        world.ask(Role::Owners, key);
    }
}

fn changed(world: &mut World<'_>, key: &Key) {
    let Some(object) = world.get(key) else { return };
    if let Some(role) = looker(key) {
        world.ask(role, key.clone());
    }
    if is_going(&object) {
        world.ask(Role::Collect, key.clone());
    }
    if has(&object, "/metadata/ownerReferences") && !key.is_pod() {
        world.ask(Role::Owners, key.clone());
    }
    match (&*key.group, &*key.resource) {
        ("", "pods") => pod_changed(world, key, &object),
        ("apps", "replicasets" | "controllerrevisions") => owner_looks(world, key, &object),
        ("", "nodes") => {
            super::daemon_sets::node_changed(world, key);
            node_changed(world);
        }
        ("", "services") => {
            world.ask(Role::Endpoints, key.clone());
            api_services_look(world);
        }
        ("discovery.k8s.io", "endpointslices") => api_services_look(world),
        ("", "persistentvolumeclaims") => homeless_look(world),
        ("apps", "deployments" | "statefulsets") | ("policy", "poddisruptionbudgets") => {
            budgets_look(world, &key.namespace);
        }
        ("storage.k8s.io", "storageclasses") => all_look(world, Role::Claim, "", "persistentvolumeclaims"),
        _ => {}
    }
}

fn gone(world: &mut World<'_>, key: &Key, last: &Value) {
    // If another of this name came meanwhile, its change follows.
    if !world.store.has(key) {
        world.left(key);
    }
    if !matches!(&*key.resource, "pods" | "endpointslices" | "controllerrevisions" | "events" | "leases") {
        garbage::owner_is_gone(world, uid(last));
    }
    let waiting: Vec<Key> = world.memory.collecting.iter().cloned().collect();
    for key in waiting {
        world.ask(Role::Collect, key);
    }
    if !key.namespace.is_empty() {
        let namespace = Key::new("", "namespaces", "", &key.namespace);
        if world.memory.ending.contains(&namespace) {
            world.ask(Role::Namespace, namespace);
        }
    }
    match (&*key.group, &*key.resource) {
        ("", "pods") => {
            pod_changed(world, key, last);
            homeless_look(world);
        }
        ("apps", "replicasets" | "controllerrevisions") => owner_looks(world, key, last),
        ("", "nodes") => {
            all_look(world, Role::DaemonSet, "apps", "daemonsets");
            node_changed(world);
            super::nodes::gone(world, key);
        }
        ("", "namespaces") => {
            world.memory.ending.remove(key);
            super::namespaces::gone(world, key);
        }
        ("", "persistentvolumeclaims") => super::claims::gone(world, last),
        ("", "services") | ("discovery.k8s.io", "endpointslices") => api_services_look(world),
        ("apiextensions.k8s.io", "customresourcedefinitions") => super::definitions::gone(world, last),
        ("", "serviceaccounts" | "configmaps") => {
            // The one that each namespace has comes back.
            world.ask(Role::Namespace, Key::new("", "namespaces", "", &key.namespace));
        }
        _ => {}
    }
}

fn pod_changed(world: &mut World<'_>, key: &Key, pod: &Value) {
    world.room = None;
    owner_looks(world, key, pod);
    if text(pod, "/spec/nodeName").is_empty() && world.store.has(key) {
        world.ask(Role::Scheduler, key.clone());
    }
    let services: Vec<Key> = world.store.keys("", "services", Some(&key.namespace)).cloned().collect();
    for service in services {
        world.ask(Role::Endpoints, service);
    }
    budgets_look(world, &key.namespace);
}

fn owner_looks(world: &mut World<'_>, key: &Key, object: &Value) {
    let Some(owner) = controller(object) else {
        return orphan_looks(world, key);
    };
    let (role, group, resource) = match owner.kind.as_str() {
        "ReplicaSet" => (Role::ReplicaSet, "apps", "replicasets"),
        "Deployment" => (Role::Deployment, "apps", "deployments"),
        "StatefulSet" => (Role::StatefulSet, "apps", "statefulsets"),
        "DaemonSet" => (Role::DaemonSet, "apps", "daemonsets"),
        "Job" => (Role::Job, "batch", "jobs"),
        _ => return,
    };
    world.ask(role, key.beside(group, resource, &owner.name));
}

/// Whoever selects what nobody controls may make it its own.
fn orphan_looks(world: &mut World<'_>, key: &Key) {
    let kinds: &[(Role, &str)] = match &*key.resource {
        "replicasets" => &[(Role::Deployment, "deployments")],
        "pods" => &[
            (Role::ReplicaSet, "replicasets"),
            (Role::StatefulSet, "statefulsets"),
            (Role::DaemonSet, "daemonsets"),
        ],
        _ => return,
    };
    for (role, resource) in kinds {
        let keys: Vec<Key> = world.store.keys("apps", resource, Some(&key.namespace)).cloned().collect();
        for key in keys {
            world.ask(*role, key);
        }
    }
}

fn node_changed(world: &mut World<'_>) {
    world.room = None;
    homeless_look(world);
}

/// Pods without a node try again.
fn homeless_look(world: &mut World<'_>) {
    let homeless: Vec<Key> = world.memory.homeless.iter().cloned().collect();
    for key in homeless {
        world.ask(Role::Scheduler, key);
    }
}

fn budgets_look(world: &mut World<'_>, namespace: &str) {
    let keys: Vec<Key> =
        world.store.keys("policy", "poddisruptionbudgets", Some(namespace)).cloned().collect();
    for key in keys {
        world.ask(Role::Budget, key);
    }
}

fn api_services_look(world: &mut World<'_>) {
    all_look(world, Role::ApiService, "apiregistration.k8s.io", "apiservices");
}

fn all_look(world: &mut World<'_>, role: Role, group: &str, resource: &str) {
    let keys: Vec<Key> = world.store.keys(group, resource, None).cloned().collect();
    for key in keys {
        world.ask(role, key);
    }
}

/// Things go otherwise than before: what depends on it is looked at.
pub(super) fn conditions_changed(world: &mut World<'_>) {
    all_look(world, Role::Node, "", "nodes");
    all_look(world, Role::Kubelet, "", "pods");
    all_look(world, Role::Budget, "policy", "poddisruptionbudgets");
}

/// Whether a list of finalizers holds this one.
pub(super) fn is_held_by(object: &Value, finalizer: &str) -> bool {
    list(object, "/metadata/finalizers").iter().any(|name| name == finalizer)
}
