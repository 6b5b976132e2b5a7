//! Claims on volumes: bound at once, or when their first pod has a node, where their class says so.

use serde_json::{Value, json};

use super::fields::{has, is_going, list, set, text, uid};
use super::scheduling::claims_of;
use super::world::World;
use crate::sim::json::At as _;
use crate::sim::store::Key;

/// How a claim comes to its volume.
#[derive(Debug, PartialEq, Eq)]
enum Binding {
    AtOnce,
    WithItsPod,
    /// There is no class of this name.
    Never,
}

fn binding(world: &mut World<'_>, claim: &Value) -> Binding {
    let class = match claim.at("/spec/storageClassName").and_then(Value::as_str) {
        Some("") => return Binding::Never,
        Some(name) => world.get(&Key::new("storage.k8s.io", "storageclasses", "", name)),
        None => {
            let default = "storageclass.kubernetes.io/is-default-class";
            let classes = world.all("storage.k8s.io", "storageclasses", None);
            let chosen =
                classes.into_iter().find(|(_, class)| super::pods::annotation(class, default) == "true");
            match chosen {
                Some((_, class)) => Some(class),
                // Claims without a class must come to something in a cluster that nobody furnished.
                None => return Binding::AtOnce,
            }
        }
    };
    match class {
        None => Binding::Never,
        Some(class) if text(&class, "/volumeBindingMode") == "WaitForFirstConsumer" => Binding::WithItsPod,
        Some(_) => Binding::AtOnce,
    }
}

pub(super) fn look(world: &mut World<'_>, key: &Key) {
    let Some(claim) = world.get(key) else { return };
    if is_going(&claim) || text(&claim, "/status/phase") == "Bound" {
        return;
    }
    if binding(world, &claim) == Binding::AtOnce {
        return bind(world, key);
    }
    if text(&claim, "/status/phase").is_empty() {
        world.change(key, |claim| set(claim, &["status", "phase"], "Pending".into()));
    }
}

fn bind(world: &mut World<'_>, key: &Key) {
    let Some(claim) = world.get(key) else { return };
    let name = match text(&claim, "/spec/volumeName") {
        "" => format!("pvc-{}", uid(&claim)),
        named => named.to_owned(),
    };
    let capacity = json!({"storage": claim.at("/spec/resources/requests/storage")});
    let modes = claim.at("/spec/accessModes").cloned().unwrap_or(json!(["ReadWriteOnce"]));
    let mut volume = json!({
        "apiVersion": "v1", "kind": "PersistentVolume", "metadata": {},
        "spec": {
            "capacity": capacity, "accessModes": modes, "persistentVolumeReclaimPolicy": "Delete",
            "volumeMode": "Filesystem",
            "claimRef": {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "namespace": &*key.namespace,
                "name": &*key.name, "uid": uid(&claim)},
            "csi": {"driver": "simulated", "volumeHandle": name},
        },
        "status": {"phase": "Bound"},
    });
    if let Some(class) = claim.at("/spec/storageClassName").filter(|class| !class.is_null()) {
        set(&mut volume, &["spec", "storageClassName"], class.clone());
    }
    world.create(&Key::new("", "persistentvolumes", "", &name), volume);
    world.change(key, |claim| {
        set(claim, &["spec", "volumeName"], name.into());
        if !has(claim, "/spec/volumeMode") {
            set(claim, &["spec", "volumeMode"], "Filesystem".into());
        }
        set(claim, &["status"], json!({"phase": "Bound", "accessModes": modes, "capacity": capacity}));
    });
}

/// Whether the claims of a pod let it have a node; why not, in the scheduler's words.
pub(super) fn ready_for(world: &mut World<'_>, key: &Key, pod: &Value) -> Result<(), String> {
    for name in claims_of(pod) {
        let claim = key.beside("", "persistentvolumeclaims", &name);
        let nodes = world.store.keys("", "nodes", None).count();
        let no_node = |why: &str| {
            format!(
                "0/{nodes} nodes are available: {why}. preemption: 0/{nodes} nodes are available: \
                 {nodes} Preemption is not helpful for scheduling."
            )
        };
        let Some(found) = world.get(&claim) else {
            return Err(no_node(&format!("persistentvolumeclaim \"{name}\" not found")));
        };
        if text(&found, "/status/phase") != "Bound" && binding(world, &found) != Binding::WithItsPod {
            return Err(no_node("pod has unbound immediate PersistentVolumeClaims"));
        }
    }
    Ok(())
}

/// A pod has its node: the claims that waited for it are bound.
pub(super) fn consumed(world: &mut World<'_>, key: &Key, pod: &Value) {
    for name in claims_of(pod) {
        let claim = key.beside("", "persistentvolumeclaims", &name);
        if world.get(&claim).is_some_and(|claim| text(&claim, "/status/phase") != "Bound") {
            bind(world, &claim);
        }
    }
}

/// The volume of a claim that is gone goes with it, where the two were made for each other.
pub(super) fn gone(world: &mut World<'_>, claim: &Value) {
    let name = text(claim, "/spec/volumeName");
    if name == format!("pvc-{}", uid(claim)) {
        let volume = Key::new("", "persistentvolumes", "", name);
        let held = world.get(&volume).is_some_and(|v| !list(&v, "/metadata/finalizers").is_empty());
        if held {
            world.change(&volume, |volume| set(volume, &["status", "phase"], "Released".into()));
        } else {
            world.remove(&volume);
        }
    }
}
