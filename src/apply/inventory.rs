//! Every object that may be in a cluster because of a product, with what proves that it is still as
//! it was applied. Decides what can be skipped and how an inventory grows; what may be deleted is
//! for `prune`.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::digest;

use super::identity::{Kind, ObjectId};

/// How the hashes of proofs are made now. Raised when that changes: old proofs prove nothing then,
/// so objects are sent once more. Nothing else follows from it.
pub const HASHING: u32 = 1;

/// One object of an inventory.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// Which object.
    #[serde(flatten)]
    pub id: ObjectId,
    /// The API version it was last applied in, without the group.
    pub version: String,
    /// Its UID, once it was seen there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<String>,
    /// What proves that it is unchanged, once it was applied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<Proof>,
}

impl Entry {
    /// Group, version and kind.
    pub fn kind(&self) -> Kind {
        Kind { group: self.id.group.clone(), version: self.version.clone(), kind: self.id.kind.clone() }
    }
}

/// What the last apply of an object left behind.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Proof {
    /// The resourceVersion that the apply answered.
    pub rv: String,
    /// A short hash of our whole managedFields entry, its time included.
    pub own: String,
    /// A short keyed hash of what was sent.
    pub sent: String,
}

/// The objects of one product.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Inventory {
    /// By which algorithm the hashes were made; those of another one prove nothing.
    pub hashing: u32,
    /// The objects, in order of identity.
    pub entries: Vec<Entry>,
}

/// What an object's metadata tells of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Its UID.
    pub uid: String,
    /// Its resourceVersion.
    pub rv: String,
    /// A short hash of our managedFields entry; `None` if there is none.
    pub own: Option<String>,
    /// Whether it is being deleted.
    pub deleting: bool,
}

impl Seen {
    /// Reads an object's metadata, with `manager` as ours.
    pub fn of(metadata: &Value, manager: &str) -> Option<Self> {
        let text = |key: &str| metadata.get(key).and_then(Value::as_str).map(str::to_owned);
        Some(Self {
            uid: text("uid")?,
            rv: text("resourceVersion")?,
            own: own_entry(metadata, manager).map(|entry| {
                let bytes = digest::canonical_json(entry).unwrap_or_default();
                let mut hex = digest::bytes(&bytes).hex();
                hex.truncate(16);
                hex
            }),
            deleting: metadata.get("deletionTimestamp").is_some_and(|at| !at.is_null()),
        })
    }
}

/// The managedFields entry that `manager` has by server-side apply.
pub fn own_entry<'a>(metadata: &'a Value, manager: &str) -> Option<&'a Value> {
    metadata.get("managedFields")?.as_array()?.iter().find(|entry| {
        let text = |key: &str| entry.get(key).and_then(Value::as_str);
        text("manager") == Some(manager)
            && text("operation") == Some("Apply")
            && text("subresource").is_none_or(str::is_empty)
    })
}

impl Entry {
    /// Whether an object that would be sent with the hash `sent` is proved to be in the cluster as it
    /// was applied: same UID, not being deleted, and nobody wrote it (same resourceVersion) or nobody
    /// took a field of ours (same managedFields entry, its time included).
    pub fn proves(&self, hashing: u32, sent: &str, seen: &Seen) -> bool {
        let Some(proof) = &self.proof else { return false };
        hashing == HASHING
            && proof.sent == sent
            && self.uid.as_deref() == Some(seen.uid.as_str())
            && !seen.deleting
            && (proof.rv == seen.rv || seen.own.as_deref() == Some(proof.own.as_str()))
    }
}

impl Inventory {
    /// The entry of an object.
    pub fn get(&self, id: &ObjectId) -> Option<&Entry> {
        self.entries.binary_search_by(|entry| entry.id.cmp(id)).ok().and_then(|at| self.entries.get(at))
    }

    /// Itself with these objects added, so that it holds all that was there and all that will be.
    #[must_use]
    pub fn with(&self, objects: impl IntoIterator<Item = (ObjectId, String)>) -> Self {
        let mut all: BTreeMap<ObjectId, Entry> =
            self.entries.iter().map(|entry| (entry.id.clone(), entry.clone())).collect();
        for (id, version) in objects {
            all.entry(id.clone()).or_insert(Entry { id, version, uid: None, proof: None });
        }
        Self { hashing: self.hashing, entries: all.into_values().collect() }
    }

    /// Itself with these entries put in the place of those of the same objects, hashed as of now.
    /// Entries whose hashes are of another algorithm lose their proofs, and nothing else.
    #[must_use]
    pub fn replaced(&self, entries: impl IntoIterator<Item = Entry>) -> Self {
        let old = self.entries.iter().map(|entry| {
            let proof = entry.proof.clone().filter(|_| self.hashing == HASHING);
            Entry { proof, ..entry.clone() }
        });
        let mut all: BTreeMap<ObjectId, Entry> = old.map(|entry| (entry.id.clone(), entry)).collect();
        for entry in entries {
            all.insert(entry.id.clone(), entry);
        }
        Self { hashing: HASHING, entries: all.into_values().collect() }
    }

    /// Itself without the objects that `gone` names.
    #[must_use]
    pub fn without(&self, gone: impl Fn(&ObjectId) -> bool) -> Self {
        let entries = self.entries.iter().filter(|entry| !gone(&entry.id)).cloned().collect();
        Self { hashing: self.hashing, entries }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    fn id(name: &str) -> ObjectId {
        ObjectId { group: String::new(), kind: "ConfigMap".into(), namespace: "a".into(), name: name.into() }
    }

    fn metadata(time: &str) -> Value {
        json!({"uid": "u", "resourceVersion": "7", "managedFields": [
            {"manager": "other", "operation": "Apply", "fieldsV1": {"f:x": {}}},
            {"manager": "tidegate/app", "operation": "Apply", "subresource": "status", "time": "x"},
            {"manager": "tidegate/app", "operation": "Apply", "time": time, "fieldsV1": {"f:data": {}}},
        ]})
    }

    fn seen(time: &str) -> Seen {
        Seen::of(&metadata(time), "tidegate/app").unwrap()
    }

    fn entry() -> Entry {
        let first = seen("1");
        let proof = Proof { rv: first.rv, own: first.own.unwrap(), sent: "s".into() };
        Entry { id: id("a"), version: "v1".into(), uid: Some("u".into()), proof: Some(proof) }
    }

    #[test]
    fn an_object_that_nobody_wrote_is_proved_unchanged() {
        assert!(entry().proves(HASHING, "s", &seen("1")));
    }

    #[test]
    fn a_status_write_moves_the_version_and_leaves_the_proof() {
        assert!(entry().proves(HASHING, "s", &Seen { rv: "8".into(), ..seen("1") }));
    }

    #[test]
    fn each_thing_that_can_have_changed_voids_the_proof() {
        let moved = Seen { rv: "8".into(), ..seen("1") };
        let cases = [
            ("another content is to be sent", entry().proves(HASHING, "t", &seen("1"))),
            ("our entry moved", entry().proves(HASHING, "s", &Seen { rv: "8".into(), ..seen("2") })),
            ("our entry is gone", entry().proves(HASHING, "s", &Seen { own: None, ..moved.clone() })),
            ("another object", entry().proves(HASHING, "s", &Seen { uid: "v".into(), ..seen("1") })),
            ("being deleted", entry().proves(HASHING, "s", &Seen { deleting: true, ..seen("1") })),
            ("another algorithm", entry().proves(HASHING + 1, "s", &seen("1"))),
        ];
        for (what, proved) in cases {
            assert!(!proved, "{what}, and it counts as unchanged");
        }
    }

    #[test]
    fn a_changed_algorithm_loses_proofs_and_no_object() {
        let old = Inventory { hashing: HASHING + 1, entries: vec![entry()] };
        let new = old.replaced([]);
        assert_eq!(new.entries.len(), 1);
        assert_eq!(new.entries[0].uid.as_deref(), Some("u"));
        assert_eq!(new.entries[0].proof, None);
    }

    #[test]
    fn a_superset_keeps_what_is_known_of_the_old_objects() {
        let old = Inventory { hashing: HASHING, entries: vec![entry()] };
        let all = old.with([(id("b"), "v1".into()), (id("a"), "v1".into())]);
        assert_eq!(all.entries.iter().map(|e| e.id.name.as_str()).collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(all.get(&id("a")), Some(&entry()));
        assert_eq!(all.get(&id("b")).unwrap().uid, None);
    }
}
