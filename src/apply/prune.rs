//! What may be deleted. Every rule here says no: an object is deleted only when none does.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::model::ProductName;

use super::identity::ObjectId;
use super::inventory::{Inventory, own_entry};
use super::payload::{field_manager, product_of_manager};

/// The largest part of a product's objects that may vanish from one set to the next without a
/// person's word, in percent.
pub const SHRINK_LIMIT: usize = 30;

/// Why an object stays although its product no longer has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Keep {
    /// Its kind is never deleted: data or a whole API would go with it.
    Kind,
    /// Another product of the cluster has it now.
    Owned(ProductName),
    /// It is the same object that the product has under another API group.
    Renamed,
    /// A controller owns it.
    Controlled(String),
    /// It is another object of the same name: the one that was applied is gone.
    Another,
}

impl std::fmt::Display for Keep {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Kind => f.write_str("objects of this kind are never deleted"),
            Self::Owned(product) => write!(f, "product {product} has it now"),
            Self::Renamed => f.write_str("it is served under another group, where the product has it"),
            Self::Controlled(owner) => write!(f, "{owner} controls it"),
            Self::Another => f.write_str("it was made anew by somebody else"),
        }
    }
}

/// Whether objects of this kind are never deleted: data or a whole API would go with them.
pub fn is_protected(id: &ObjectId) -> bool {
    matches!(
        (id.group.as_str(), id.kind.as_str()),
        ("", "Namespace" | "PersistentVolume" | "PersistentVolumeClaim")
            | ("apiextensions.k8s.io", "CustomResourceDefinition")
    )
}

/// What an identity alone decides: whether an object may be deleted once the cluster was asked.
/// `owners` are the objects of all products of the cluster's desired set.
///
/// # Errors
/// The reason why it stays.
pub fn may_prune(id: &ObjectId, owners: &BTreeMap<ObjectId, ProductName>) -> Result<(), Keep> {
    if is_protected(id) {
        return Err(Keep::Kind);
    }
    match owners.get(id) {
        Some(product) => Err(Keep::Owned(product.clone())),
        None => Ok(()),
    }
}

/// What the object in the cluster decides. `uid` is the one that the inventory has; `held` are the
/// UIDs of objects that the desired sets have.
///
/// # Errors
/// The reason why it stays.
pub fn may_delete(
    metadata: &Value,
    product: &ProductName,
    uid: Option<&str>,
    held: &BTreeSet<String>,
) -> Result<(), Keep> {
    let found = metadata.get("uid").and_then(Value::as_str).unwrap_or_default();
    if held.contains(found) {
        return Err(Keep::Renamed);
    }
    let owners = metadata.get("ownerReferences").and_then(Value::as_array);
    let controller =
        owners.into_iter().flatten().find(|o| o.get("controller").and_then(Value::as_bool) == Some(true));
    if let Some(owner) = controller {
        let text = |key: &str| owner.get(key).and_then(Value::as_str).unwrap_or("?");
        return Err(Keep::Controlled(format!("{} {}", text("kind"), text("name"))));
    }
    // Without a recorded UID (a crash between apply and record) our own managedFields entry is the
    // proof that this is the object that was applied.
    let ours = match uid {
        Some(uid) => uid == found,
        None => own_entry(metadata, &field_manager(product)).is_some(),
    };
    if ours { Ok(()) } else { Err(Keep::Another) }
}

/// The other product that applied an object which this one did not apply.
pub fn applied_by_another(metadata: &Value, product: &ProductName) -> Option<ProductName> {
    if own_entry(metadata, &field_manager(product)).is_some() {
        return None;
    }
    let managed = metadata.get("managedFields").and_then(Value::as_array)?;
    managed.iter().find_map(|entry| {
        let text = |key: &str| entry.get(key).and_then(Value::as_str);
        let by = text("manager").filter(|_| text("operation") == Some("Apply"))?;
        product_of_manager(by)
    })
}

/// Whether the step from an inventory to a new set looks like a mistake: the set is empty, or smaller
/// by more than [`SHRINK_LIMIT`] percent. Objects named as `removed` by the product are meant.
///
/// # Errors
/// A sentence for the person who must decide.
pub fn check_shrinking(
    old: &Inventory,
    new: &BTreeSet<ObjectId>,
    meant: &BTreeSet<ObjectId>,
) -> Result<(), String> {
    let live = old.entries.iter().filter(|entry| entry.uid.is_some() && !meant.contains(&entry.id));
    let (before, after) = (live.clone().count(), new.len());
    let gone: Vec<String> = live.filter(|e| !new.contains(&e.id)).map(|e| e.id.to_string()).collect();
    if before == 0 || gone.is_empty() || (after > 0 && after * 100 >= before * (100 - SHRINK_LIMIT)) {
        return Ok(());
    }
    let first = gone.iter().take(5).cloned().collect::<Vec<_>>().join(", ");
    let more = if gone.len() > 5 { format!(" and {} more", gone.len() - 5) } else { String::new() };
    let had = crate::diag::count(before, "object");
    Err(format!("the product had {had} and now has {after}; {first}{more} would be deleted"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::super::inventory::{Entry, HASHING};
    use super::*;

    fn id(group: &str, kind: &str, name: &str) -> ObjectId {
        ObjectId { group: group.into(), kind: kind.into(), namespace: String::new(), name: name.into() }
    }

    fn app() -> ProductName {
        "app".parse().unwrap()
    }

    fn inventory(n: usize) -> Inventory {
        let entries = (0..n).map(|i| Entry {
            id: id("", "ConfigMap", &format!("c{i:03}")),
            version: "v1".into(),
            uid: Some(format!("u{i}")),
            proof: None,
        });
        Inventory { hashing: HASHING, entries: entries.collect() }
    }

    fn first(inventory: &Inventory, n: usize) -> BTreeSet<ObjectId> {
        inventory.entries.iter().take(n).map(|e| e.id.clone()).collect()
    }

    #[test]
    fn namespaces_definitions_and_volumes_are_never_deleted() {
        let none = BTreeMap::new();
        for (group, kind) in [
            ("", "Namespace"),
            ("", "PersistentVolume"),
            ("", "PersistentVolumeClaim"),
            ("apiextensions.k8s.io", "CustomResourceDefinition"),
        ] {
            assert_eq!(may_prune(&id(group, kind, "a"), &none), Err(Keep::Kind), "{kind}");
        }
        assert_eq!(may_prune(&id("", "ConfigMap", "a"), &none), Ok(()));
    }

    #[test]
    fn what_another_product_has_now_stays() {
        let owners = BTreeMap::from([(id("", "ConfigMap", "a"), app())]);
        assert_eq!(may_prune(&id("", "ConfigMap", "a"), &owners), Err(Keep::Owned(app())));
    }

    #[test]
    fn what_a_controller_owns_stays_although_it_carries_our_labels() {
        let pod = json!({"uid": "u", "labels": {"tidegate.dev/product": "app"},
            "ownerReferences": [{"kind": "ReplicaSet", "name": "web", "controller": true}]});
        let kept = may_delete(&pod, &app(), Some("u"), &BTreeSet::new()).unwrap_err();
        assert_eq!(kept.to_string(), "ReplicaSet web controls it");
    }

    #[test]
    fn an_object_made_anew_by_somebody_else_stays() {
        let none = BTreeSet::new();
        assert_eq!(may_delete(&json!({"uid": "v"}), &app(), Some("u"), &none), Err(Keep::Another));
        assert_eq!(may_delete(&json!({"uid": "v"}), &app(), None, &none), Err(Keep::Another));
        let ours = json!({"uid": "v", "managedFields": [{"manager": "tidegate/app", "operation": "Apply"}]});
        assert_eq!(may_delete(&ours, &app(), None, &none), Ok(()));
    }

    #[test]
    fn what_another_product_applied_is_known_by_its_manager() {
        let by = |managers: &[&str]| {
            let entries: Vec<Value> =
                managers.iter().map(|m| json!({"manager": m, "operation": "Apply"})).collect();
            applied_by_another(&json!({"managedFields": entries}), &app())
        };
        assert_eq!(by(&["kubectl", "tidegate/other"]), Some("other".parse().unwrap()));
        assert_eq!(by(&["tidegate/other", "tidegate/app"]), None, "it came from there to here");
        assert_eq!(by(&["kubectl", "tidegate"]), None);
        assert_eq!(applied_by_another(&json!({}), &app()), None);
    }

    #[test]
    fn a44_an_object_served_from_two_groups_stays() {
        let held = BTreeSet::from(["u".to_owned()]);
        assert_eq!(may_delete(&json!({"uid": "u"}), &app(), Some("u"), &held), Err(Keep::Renamed));
    }

    #[test]
    fn a49_an_empty_set_and_a_much_smaller_one_stop() {
        let old = inventory(10);
        let none = BTreeSet::new();
        assert!(check_shrinking(&old, &none, &none).is_err());
        assert!(check_shrinking(&old, &first(&old, 6), &none).is_err());
        assert!(check_shrinking(&old, &first(&old, 7), &none).is_ok());
        assert!(check_shrinking(&old, &first(&old, 10), &none).is_ok());
        assert!(check_shrinking(&inventory(0), &none, &none).is_ok());
    }

    #[test]
    fn objects_that_the_product_names_as_removed_are_meant() {
        let old = inventory(4);
        let meant = BTreeSet::from([old.entries[3].id.clone(), old.entries[2].id.clone()]);
        assert!(check_shrinking(&old, &first(&old, 2), &meant).is_ok());
    }

    #[test]
    fn the_sentence_names_what_would_go() {
        let old = inventory(8);
        let said = check_shrinking(&old, &first(&old, 1), &BTreeSet::new()).unwrap_err();
        assert!(said.starts_with("the product had 8 objects and now has 1; ConfigMap c001, "), "{said}");
        assert!(said.contains("and 2 more would be deleted"), "{said}");
    }
}
