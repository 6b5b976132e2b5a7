//! The objects of one simulated cluster, and what became of them in which order. Kept small, so that
//! ten thousand clusters fit beside each other (see `kept.rs`).
//! It knows nothing of HTTP, of kinds, or of what controllers do.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;
use std::sync::Arc;

use serde_json::Value;

use super::json::list;
use super::kept::Kept;
pub use super::kept::Pool;

/// How many changes a cluster remembers; whoever watches from before them is told 410 Gone.
const REMEMBERED: usize = 1_000;

/// For how many more there is made room at once.
const MORE_CHANGES: usize = 16;

/// What an object is called: its resource and its name. Objects sort as lists show them: by namespace,
/// then by name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// The API group; empty for the core group.
    pub group: Arc<str>,
    /// The resource's plural, such as `deployments`.
    pub resource: Arc<str>,
    /// The namespace; empty for what lives in none.
    pub namespace: Arc<str>,
    /// The name.
    pub name: Arc<str>,
}

impl Key {
    /// The object of this name.
    pub fn new(group: &str, resource: &str, namespace: &str, name: &str) -> Self {
        Self {
            group: group.into(),
            resource: resource.into(),
            namespace: namespace.into(),
            name: name.into(),
        }
    }

    /// Another object of the same resource and namespace.
    #[must_use]
    pub fn named(&self, name: &str) -> Self {
        Self { name: name.into(), ..self.clone() }
    }
}

/// One object at one revision.
#[derive(Debug, Clone)]
struct Stored {
    revision: u64,
    /// All of it but the revision.
    kept: Kept,
}

/// What happened to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Changed {
    /// It is new.
    Added,
    /// It is another than before.
    Modified,
    /// It is gone.
    Deleted,
}

/// One change of one object.
#[derive(Debug, Clone)]
pub struct Change {
    /// The revision of the whole store at which it happened; changes have rising ones.
    pub revision: u64,
    /// What happened.
    pub changed: Changed,
    /// To which object.
    pub key: Arc<Key>,
    stored: Stored,
}

impl Change {
    /// The object after the change; of one that was deleted, what it was last.
    pub fn object(&self) -> Value {
        assemble(&self.stored)
    }
}

/// The objects of one cluster.
#[derive(Debug, Clone)]
pub struct Store {
    pool: Pool,
    objects: BTreeMap<Arc<Key>, Stored>,
    changes: VecDeque<Change>,
    revision: u64,
    forgotten: u64,
    seed: u64,
    made: u64,
}

impl Store {
    /// An empty store; `seed` decides the UIDs of what it will hold.
    pub fn new(pool: Pool, seed: u64) -> Self {
        Self {
            pool,
            objects: BTreeMap::new(),
            changes: VecDeque::new(),
            revision: 1,
            forgotten: 1,
            seed,
            made: 0,
        }
    }

    /// The revision of the last change: what `metadata.resourceVersion` of a list says.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// A UID that no object had before.
    pub fn new_uid(&mut self) -> String {
        self.made += 1;
        let digest = crate::digest::bytes(format!("{}/{}", self.seed, self.made).as_bytes());
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&digest.as_bytes()[..16]);
        uuid::Builder::from_random_bytes(bytes).into_uuid().to_string()
    }

    /// An object as JSON, with `metadata.resourceVersion`.
    pub fn get(&self, key: &Key) -> Option<Value> {
        self.objects.get(key).map(assemble)
    }

    /// What follows from an object; reckoned once for all of the same form (see `kept.rs`), so that it must
    /// not depend on moments and UIDs, nor be asked for as another type.
    pub fn derived<T: Send + Sync + 'static>(&self, key: &Key, from: fn(&Value) -> T) -> Option<Arc<T>> {
        self.objects.get(key).map(|stored| stored.kept.derived(from))
    }

    /// The objects that name this UID among their owners.
    pub fn dependents(&self, uid: &str) -> Vec<Key> {
        // Few objects speak of another's UID at all: reading those that do is cheap.
        let owned = |stored: &Stored| {
            let object = stored.kept.object();
            list(&object, "/metadata/ownerReferences").iter().any(|owner| owner["uid"] == uid)
        };
        let named = self.objects.iter().filter(|(_, stored)| stored.kept.may_name(uid) && owned(stored));
        named.map(|(key, _)| Key::clone(key)).collect()
    }

    /// Whether an object is there.
    pub fn has(&self, key: &Key) -> bool {
        self.objects.contains_key(key)
    }

    /// The keys of a resource, in all namespaces or in one, in the order of lists.
    pub fn keys<'s>(
        &'s self,
        group: &str,
        resource: &str,
        namespace: Option<&str>,
    ) -> impl Iterator<Item = &'s Key> + use<'s> {
        let first = Key::new(group, resource, namespace.unwrap_or_default(), "");
        let (group, resource) = (Arc::clone(&first.group), Arc::clone(&first.resource));
        let within = namespace.map(Arc::<str>::from);
        self.objects
            .range::<Key, _>((Bound::Included(&first), Bound::Unbounded))
            .map(|(key, _)| &**key)
            .take_while(move |key| key.group == group && key.resource == resource)
            .take_while(move |key| within.as_ref().is_none_or(|namespace| key.namespace == *namespace))
    }

    /// The objects of a resource, in all namespaces or in one, in the order of lists.
    pub fn list(&self, group: &str, resource: &str, namespace: Option<&str>) -> Vec<(Key, Value)> {
        let found = self.keys(group, resource, namespace);
        found.filter_map(|key| Some((key.clone(), self.get(key)?))).collect()
    }

    /// Every key there is.
    pub fn all_keys(&self) -> impl Iterator<Item = &Key> {
        self.objects.keys().map(Arc::as_ref)
    }

    /// Puts an object there, new or in place of what was there, and gives it the next revision, which is
    /// returned. What stands in `metadata.resourceVersion` is passed over; all else is kept as it is.
    pub fn put(&mut self, key: Key, object: &Value) -> u64 {
        self.revision += 1;
        let stored = Stored { revision: self.revision, kept: self.pool.keep(without_revision(object)) };
        let (changed, key) = match self.objects.get_key_value(&key) {
            Some((known, _)) => (Changed::Modified, Arc::clone(known)),
            None => (Changed::Added, self.pool.key(key)),
        };
        self.objects.insert(Arc::clone(&key), stored.clone());
        self.remember(changed, key, stored);
        self.revision
    }

    /// Takes an object away and returns what it was, with the revision of its end.
    pub fn remove(&mut self, key: &Key) -> Option<Value> {
        let (key, mut stored) = self.objects.remove_entry(key)?;
        self.revision += 1;
        stored.revision = self.revision;
        let last = assemble(&stored);
        self.remember(Changed::Deleted, key, stored);
        Some(last)
    }

    /// Whether it remembers any change.
    pub(super) fn remembers(&self) -> bool {
        !self.changes.is_empty()
    }

    /// What changed after a revision, in order; `None` if that is too long ago to be known.
    pub fn changes_after(&self, revision: u64) -> Option<impl Iterator<Item = &Change>> {
        if revision < self.forgotten {
            return None;
        }
        let from = self.changes.partition_point(|change| change.revision <= revision);
        Some(self.changes.range(from..))
    }

    /// The change of the same object before a change, if it is still known.
    pub fn change_before(&self, change: &Change) -> Option<&Change> {
        let end = self.changes.partition_point(|earlier| earlier.revision < change.revision);
        self.changes.range(..end).rev().find(|earlier| earlier.key == change.key)
    }

    /// Forgets what changed until a revision: a watch from before is told 410 Gone.
    pub fn compact(&mut self, until: u64) {
        let old = self.changes.partition_point(|change| change.revision <= until);
        if old > 0 {
            self.changes.drain(..old);
            self.changes.shrink_to_fit();
        }
        self.forgotten = self.forgotten.max(until);
    }

    fn remember(&mut self, changed: Changed, key: Arc<Key>, stored: Stored) {
        // Of ten thousand stores each would else have room for twice what it holds.
        if self.changes.len() == self.changes.capacity() {
            self.changes.reserve_exact(MORE_CHANGES);
        }
        self.changes.push_back(Change { revision: self.revision, changed, key, stored });
        while self.changes.len() > REMEMBERED {
            self.forgotten = self.changes.pop_front().map_or(self.forgotten, |change| change.revision);
        }
    }
}

fn without_revision(object: &Value) -> Value {
    let mut object = object.clone();
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.shift_remove("resourceVersion");
    }
    object
}

fn assemble(stored: &Stored) -> Value {
    let mut object = stored.kept.object();
    if object.is_object() {
        object["metadata"]["resourceVersion"] = stored.revision.to_string().into();
    }
    object
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn map(name: &str, data: &str) -> Value {
        json!({
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": name, "namespace": "shop", "uid": "u", "generation": 1},
            "data": {"k": data},
        })
    }

    #[test]
    fn what_is_put_is_got_back_with_its_revision() {
        let mut store = Store::new(Pool::default(), 1);
        let key = Key::new("", "configmaps", "shop", "a");
        let first = store.put(key.clone(), &map("a", "1"));
        let second = store.put(key.clone(), &map("a", "2"));
        assert!(first < second && second == store.revision());
        let mut expected = map("a", "2");
        expected["metadata"]["resourceVersion"] = second.to_string().into();
        assert_eq!(store.get(&key), Some(expected.clone()));
        let last = store.remove(&key).unwrap();
        assert_eq!(last["data"], expected["data"]);
        assert_eq!(store.get(&key), None);
        let changes: Vec<Changed> = store.changes_after(first).unwrap().map(|c| c.changed).collect();
        assert_eq!(changes, [Changed::Modified, Changed::Deleted]);
        store.compact(store.revision());
        assert!(store.changes_after(second).is_none());
        assert_eq!(store.changes_after(store.revision()).unwrap().count(), 0);
    }

    #[test]
    fn a_list_is_of_one_resource_by_namespace_and_name() {
        let mut store = Store::new(Pool::default(), 1);
        let put = |store: &mut Store, resource: &str, namespace: &str, name: &str| {
            store.put(Key::new("", resource, namespace, name), &map(name, "1"));
        };
        put(&mut store, "configmaps", "b", "x");
        put(&mut store, "configmaps", "a", "z");
        put(&mut store, "configmaps", "a", "y");
        put(&mut store, "configmapsets", "a", "n");
        put(&mut store, "secrets", "a", "n");
        let names = |namespace| -> Vec<String> {
            store.keys("", "configmaps", namespace).map(|k| format!("{}/{}", k.namespace, k.name)).collect()
        };
        assert_eq!(names(None), ["a/y", "a/z", "b/x"]);
        assert_eq!(names(Some("a")), ["a/y", "a/z"]);
        assert_eq!(names(Some("c")), Vec::<String>::new());
    }

    #[test]
    fn clusters_share_what_is_the_same_and_have_uids_of_their_own() {
        let pool = Pool::default();
        let (mut one, mut two) = (Store::new(pool.clone(), 1), Store::new(pool, 2));
        assert_ne!(one.new_uid(), two.new_uid());
        assert_ne!(one.new_uid(), one.new_uid());
        let key = Key::new("", "configmaps", "shop", "a");
        one.put(key.clone(), &map("a", "1"));
        two.put(key.clone(), &map("a", "1"));
        assert!(one.objects[&key].kept.has_form_of(&two.objects[&key].kept));
    }
}
