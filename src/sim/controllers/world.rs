//! What controllers see and write at one moment of one cluster, and what they remember between two.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;

use jiff::Timestamp;
use serde_json::Value;

use super::fields::{is_going, list, number, set, stamp, text, uid};
use super::names::{beginning, suffix};
use super::scheduling::Room;
use crate::sim::conditions::Conditions;
use crate::sim::json::At as _;
use crate::sim::store::{Key, Store};

/// Who looks at an object. They look in this order when several are to at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Role {
    Namespace,
    Definition,
    Node,
    Owners,
    Claim,
    Job,
    Deployment,
    StatefulSet,
    DaemonSet,
    ReplicaSet,
    Scheduler,
    Kubelet,
    /// The next step of a pod's life is due.
    Step,
    /// A pod that is being deleted has ended.
    Stop,
    /// A node's kubelet got ready, or it evicts what does not tolerate it any more.
    Patience,
    Service,
    /// A load balancer has its address.
    Address,
    Endpoints,
    ApiService,
    Budget,
    Collect,
}

/// Who is to look at what.
pub(super) type Task = (Role, Key);

/// What controllers remember.
#[derive(Debug, Clone, Default)]
pub(super) struct Memory {
    /// Decides how long things take.
    pub seed: u64,
    /// The last revision of the store that they have seen.
    pub seen: u64,
    /// Who is to look at what, and when: by time, and by task.
    due: BTreeSet<(Timestamp, Task)>,
    dates: BTreeMap<Task, Timestamp>,
    /// How many children with names of their own an object has had.
    made: BTreeMap<Key, u32>,
    /// Pods for which there is no node.
    pub homeless: BTreeSet<Key>,
    /// Objects that wait until their dependents are gone.
    pub collecting: BTreeSet<Key>,
    /// Namespaces that are being deleted.
    pub ending: BTreeSet<Key>,
}

impl Memory {
    pub(super) fn new(seed: u64) -> Self {
        Self { seed, ..Self::default() }
    }

    /// When something falls due next.
    pub(super) fn next(&self) -> Option<Timestamp> {
        self.due.first().map(|(at, _)| *at)
    }

    /// Takes what is due at a moment.
    pub(super) fn take(&mut self, now: Timestamp) -> Vec<Task> {
        let mut tasks = Vec::new();
        while let Some((at, task)) = self.due.first().cloned() {
            if at > now {
                break;
            }
            self.due.remove(&(at, task.clone()));
            self.dates.remove(&task);
            tasks.push(task);
        }
        tasks
    }

    fn cancel(&mut self, task: &Task) {
        if let Some(at) = self.dates.remove(task) {
            self.due.remove(&(at, task.clone()));
        }
    }
}

/// One moment of a cluster.
pub(super) struct World<'w> {
    pub store: &'w mut Store,
    pub conditions: &'w Conditions,
    pub memory: &'w mut Memory,
    pub now: Timestamp,
    /// Who is to look at what at this moment.
    pub queue: BTreeSet<Task>,
    /// How much room nodes have; forgotten when pods come or go.
    pub room: Option<Room>,
    read: HashMap<Key, Rc<Value>>,
}

impl<'w> World<'w> {
    pub(super) fn new(
        store: &'w mut Store,
        conditions: &'w Conditions,
        memory: &'w mut Memory,
        now: Timestamp,
    ) -> Self {
        let (queue, read) = (BTreeSet::new(), HashMap::new());
        Self { store, conditions, memory, now, queue, room: None, read }
    }

    /// Has somebody look at an object at this moment.
    pub(super) fn ask(&mut self, role: Role, key: Key) {
        self.queue.insert((role, key));
    }

    /// Has somebody look at an object at a later moment, or at an earlier one if that was agreed.
    pub(super) fn ask_at(&mut self, role: Role, key: &Key, at: Timestamp) {
        let task = (role, key.clone());
        if self.memory.dates.get(&task).is_some_and(|known| *known <= at) {
            return;
        }
        self.memory.cancel(&task);
        self.memory.dates.insert(task.clone(), at);
        self.memory.due.insert((at, task));
    }

    /// Whether somebody is to look at an object later.
    pub(super) fn has_date(&self, role: Role, key: &Key) -> bool {
        self.memory.dates.contains_key(&(role, key.clone()))
    }

    /// Nobody is to look at this object later.
    pub(super) fn forget(&mut self, role: Role, key: &Key) {
        self.memory.cancel(&(role, key.clone()));
    }

    /// An object. Each is read once: while a world lasts, nobody else writes.
    pub(super) fn get(&mut self, key: &Key) -> Option<Rc<Value>> {
        if let Some(known) = self.read.get(key) {
            return Some(Rc::clone(known));
        }
        let read = Rc::new(self.store.get(key)?);
        self.read.insert(key.clone(), Rc::clone(&read));
        Some(read)
    }

    /// The objects of a resource, in all namespaces or in one.
    pub(super) fn all(&mut self, group: &str, resource: &str, namespace: Option<&str>) -> Vec<Found> {
        let keys: Vec<Key> = self.store.keys(group, resource, namespace).cloned().collect();
        self.read_all(keys)
    }

    /// The objects of a resource whose names begin as those of an owner's children do.
    pub(super) fn children(&mut self, group: &str, resource: &str, owner: &Key) -> Vec<Found> {
        let start = beginning(&owner.name);
        let keys = self.store.keys(group, resource, Some(&owner.namespace));
        let keys = keys.filter(|key| key.name.starts_with(&start)).cloned().collect();
        self.read_all(keys)
    }

    fn read_all(&mut self, keys: Vec<Key>) -> Vec<Found> {
        keys.into_iter().filter_map(|key| Some((key.clone(), self.get(&key)?))).collect()
    }

    /// Writes an object, if it differs from what is there; a changed spec raises its generation.
    pub(super) fn put(&mut self, key: &Key, mut object: Value) {
        if let Some(before) = self.get(key) {
            if *before == object {
                return;
            }
            // A pod's spec gets its node from the scheduler, which is no change of what was asked for.
            if let Some(generation) = number(&before, "/metadata/generation")
                && before.get("spec") != object.get("spec")
                && !key.is_pod()
            {
                set(&mut object, &["metadata", "generation"], (generation + 1).into());
            }
        }
        self.write(key, object);
    }

    /// Writes an object as it is.
    pub(super) fn write(&mut self, key: &Key, mut object: Value) {
        let revision = self.store.put(key.clone(), &object);
        set(&mut object, &["metadata", "resourceVersion"], revision.to_string().into());
        self.read.insert(key.clone(), Rc::new(object));
    }

    /// Changes an object that is there.
    pub(super) fn change(&mut self, key: &Key, how: impl FnOnce(&mut Value)) {
        if let Some(before) = self.get(key) {
            let mut object = (*before).clone();
            how(&mut object);
            self.put(key, object);
        }
    }

    /// Makes an object that is not there, unless its namespace is none or is being deleted.
    pub(super) fn create(&mut self, key: &Key, mut object: Value) -> bool {
        if self.store.has(key) {
            return false;
        }
        if !key.namespace.is_empty() {
            let namespace = self.get(&Key::new("", "namespaces", "", &key.namespace));
            if namespace.is_none_or(|namespace| is_going(&namespace)) {
                return false;
            }
        }
        set(&mut object, &["metadata", "name"], (*key.name).into());
        if !key.namespace.is_empty() {
            set(&mut object, &["metadata", "namespace"], (*key.namespace).into());
        }
        set(&mut object, &["metadata", "uid"], self.store.new_uid().into());
        set(&mut object, &["metadata", "creationTimestamp"], stamp(self.now));
        self.put(key, object);
        true
    }

    /// Deletes an object as the API does: what has finalizers, or is a pod that runs, stays for a while.
    pub(super) fn delete(&mut self, key: &Key) {
        let Some(object) = self.get(key) else { return };
        let held = !list(&object, "/metadata/finalizers").is_empty();
        let grace = if key.is_pod() { grace(&object) } else { 0 };
        if !held && grace == 0 {
            self.remove(key);
        } else if !is_going(&object) {
            let (now, at) = (self.now, super::fields::after(self.now, grace));
            self.change(key, |object| {
                let stamped = if grace == 0 { stamp(now) } else { stamp(at) };
                set(object, &["metadata", "deletionTimestamp"], stamped);
                set(object, &["metadata", "deletionGracePeriodSeconds"], grace.into());
                if let Some(generation) = number(object, "/metadata/generation") {
                    set(object, &["metadata", "generation"], (generation + 1).into());
                }
            });
        }
    }

    /// Takes an object away at once.
    pub(super) fn remove(&mut self, key: &Key) {
        if self.store.remove(key).is_some() {
            self.left(key);
        }
    }

    /// What is to be forgotten about an object that is gone.
    pub(super) fn left(&mut self, key: &Key) {
        self.read.remove(key);
        for role in [Role::Step, Role::Stop, Role::Patience, Role::Address] {
            self.forget(role, key);
        }
        self.memory.made.remove(key);
        self.memory.homeless.remove(key);
        self.memory.collecting.remove(key);
        if key.is_pod() {
            self.room = None;
        }
    }

    /// A name for a child of an object that none of its children has.
    pub(super) fn child(&mut self, owner: &Key, resource: &Key, start: &str) -> Key {
        let start = beginning(start);
        loop {
            let made = self.memory.made.entry(owner.clone()).or_default();
            let name = format!("{start}{}", suffix(&start, *made));
            *made = made.wrapping_add(1);
            let key = resource.named(&name);
            if !self.store.has(&key) {
                return key;
            }
        }
    }

    /// Makes `owner` the controller of what it selects and nobody controls.
    pub(super) fn adopt(&mut self, key: &Key, reference: &Value) {
        self.change(key, |object| {
            super::fields::items(object, &["metadata", "ownerReferences"]).push(reference.clone());
        });
    }
}

/// An object with its key.
pub(super) type Found = (Key, Rc<Value>);

impl Key {
    /// Whether it is a pod's.
    pub(super) fn is_pod(&self) -> bool {
        self.group.is_empty() && &*self.resource == "pods"
    }

    /// The key of an object in the same namespace.
    pub(super) fn beside(&self, group: &str, resource: &str, name: &str) -> Self {
        Self { namespace: self.namespace.clone(), ..Self::new(group, resource, "", name) }
    }
}

/// How many seconds a pod gets to end: none if it is on no node or has ended.
fn grace(pod: &Value) -> i64 {
    let ended = matches!(text(pod, "/status/phase"), "Succeeded" | "Failed");
    if ended || text(pod, "/spec/nodeName").is_empty() {
        return 0;
    }
    number(pod, "/metadata/deletionGracePeriodSeconds")
        .or_else(|| number(pod, "/spec/terminationGracePeriodSeconds"))
        .unwrap_or(30)
}

/// Those of a list that the object with this UID controls; those that nobody controls and that are
/// meant for it are made its own first.
pub(super) fn owned(
    world: &mut World<'_>,
    found: Vec<Found>,
    owner: &Value,
    reference: &Value,
    selector: &Value,
) -> Vec<Found> {
    let mine = uid(owner).to_owned();
    let mut kept = Vec::new();
    for (key, object) in found {
        match super::fields::controller(&object) {
            Some(other) if other.uid == mine => kept.push((key, object)),
            Some(_) => {}
            None => {
                let none = Value::Null;
                let labels = object.at("/metadata/labels").unwrap_or(&none);
                if !is_going(owner) && !is_going(&object) && super::selectors::selects(selector, labels) {
                    world.adopt(&key, reference);
                    kept.extend(world.get(&key).map(|object| (key, object)));
                }
            }
        }
    }
    kept
}
