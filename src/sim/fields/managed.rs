//! `metadata.managedFields`: reading and writing its entries, their order, and how old ones are thrown
//! together.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::element::same;
use super::set::Set;

/// How many entries of updates an object keeps; older ones become one.
const UPDATERS: usize = 10;

/// Whose entry it is. Of appliers the version does not tell entries apart, of updaters it does.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Manager {
    /// The field manager's name.
    pub(super) name: String,
    /// Whether it applies; else it updates.
    pub(super) applies: bool,
    /// The API version of an updater; empty for appliers.
    pub(super) version: String,
    /// The subresource, or nothing.
    pub(super) subresource: String,
}

impl Manager {
    /// The manager of a write.
    pub(super) fn new(name: &str, applies: bool, version: &str, subresource: &str) -> Self {
        Self {
            name: if name.is_empty() { "unknown" } else { name }.to_owned(),
            applies,
            version: if applies { "" } else { version }.to_owned(),
            subresource: subresource.to_owned(),
        }
    }

    /// As the server names it in a conflict.
    pub(super) fn shown(&self) -> String {
        let mut shown = format!("{:?}", self.name);
        if !self.subresource.is_empty() {
            shown.push_str(&format!(" with subresource {:?}", self.subresource));
        }
        if !self.applies {
            shown.push_str(&format!(" using {}", self.version));
        }
        shown
    }
}

/// What a manager owns, since when, as seen in which version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Owned {
    /// The fields.
    pub(super) fields: Set,
    /// The API version in which it wrote them.
    pub(super) version: String,
    /// When it last changed something, as text.
    pub(super) time: Option<String>,
}

/// All managers of an object.
pub(super) type Managers = BTreeMap<Manager, Owned>;

/// A time as entries have it: whole seconds, UTC.
pub(super) fn second(now: Timestamp) -> String {
    now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Reads entries; `None` if one of them cannot be right.
pub(super) fn read(entries: &Value) -> Option<Managers> {
    let mut managers = Managers::new();
    for entry in entries.as_array().into_iter().flatten() {
        let text = |name: &str| entry.get(name).and_then(Value::as_str).unwrap_or_default();
        let applies = match text("operation") {
            "Apply" => true,
            "Update" => false,
            _ => return None,
        };
        if text("apiVersion").is_empty() || text("fieldsType") != "FieldsV1" {
            return None;
        }
        let manager = Manager {
            name: text("manager").to_owned(),
            ..Manager::new("-", applies, text("apiVersion"), text("subresource"))
        };
        let owned = Owned {
            fields: entry.get("fieldsV1").map(Set::of_json).unwrap_or_default(),
            version: text("apiVersion").to_owned(),
            time: entry.get("time").and_then(Value::as_str).map(str::to_owned),
        };
        managers.insert(manager, owned);
    }
    Some(managers)
}

/// Writes entries in the server's order: appliers first, then by time, name, version and subresource.
/// `None` if there are none.
pub(super) fn write(managers: &Managers) -> Option<Value> {
    let mut entries: Vec<(&Manager, &Owned)> = managers.iter().collect();
    let order = |(manager, owned): &(&Manager, &Owned)| {
        let Manager { name, applies, subresource, .. } = (*manager).clone();
        (!applies, owned.time.clone().unwrap_or_default(), name, owned.version.clone(), subresource)
    };
    entries.sort_by_cached_key(order);
    let entries: Vec<Value> = entries
        .into_iter()
        .map(|(manager, owned)| {
            let mut entry = json!({
                "manager": manager.name,
                "operation": if manager.applies { "Apply" } else { "Update" },
                "apiVersion": owned.version,
            });
            if let Some(time) = &owned.time {
                entry["time"] = time.as_str().into();
            }
            entry["fieldsType"] = "FieldsV1".into();
            entry["fieldsV1"] = owned.fields.to_json();
            if !manager.subresource.is_empty() {
                entry["subresource"] = manager.subresource.as_str().into();
            }
            entry
        })
        .collect();
    (!entries.is_empty()).then_some(Value::Array(entries))
}

/// Throws the oldest updaters together until there are not too many of them.
pub(super) fn cap(managers: &mut Managers) {
    let mut updaters: Vec<Manager> = managers.keys().filter(|manager| !manager.applies).cloned().collect();
    let mut left = updaters.len();
    updaters.sort_by_cached_key(|m| (managers.get(m).and_then(|owned| owned.time.clone()), m.clone()));
    let mut first_of: BTreeMap<String, Manager> = BTreeMap::new();
    for manager in updaters {
        if left <= UPDATERS {
            break;
        }
        let Some(owned) = managers.get(&manager).cloned() else { continue };
        let Some(first) = first_of.get(&owned.version) else {
            first_of.insert(owned.version, manager);
            continue;
        };
        let bucket = Manager::new("ancient-changes", false, &owned.version, "");
        if !managers.contains_key(&bucket)
            && let Some(oldest) = managers.remove(first)
        {
            managers.insert(bucket.clone(), oldest);
        }
        managers.remove(&manager);
        if let Some(all) = managers.get_mut(&bucket) {
            all.fields = all.fields.union(&owned.fields);
            all.time = owned.time;
        }
        left -= 1;
    }
}

/// The object without its entries, and the entries.
pub(super) fn split(object: &Value) -> (Value, Value) {
    let Some(fields) = object.as_object() else { return (object.clone(), Value::Null) };
    let bare = |metadata: &Map<String, Value>| -> Value {
        let kept = metadata.iter().filter(|(name, _)| *name != "managedFields");
        Value::Object(kept.map(|(name, value)| (name.clone(), value.clone())).collect())
    };
    let rest = fields.iter().map(|(name, value)| match value {
        Value::Object(metadata) if name == "metadata" => (name.clone(), bare(metadata)),
        value => (name.clone(), value.clone()),
    });
    (Value::Object(rest.collect()), entries(object).cloned().unwrap_or_default())
}

/// The entries of an object.
fn entries(object: &Value) -> Option<&Value> {
    object.get("metadata")?.get("managedFields")
}

/// Whether two objects are the same but for the times of their entries.
pub(super) fn same_but_times(one: &Value, other: &Value) -> bool {
    let all_but = |one: &Value, other: &Value, but: &str, also: &dyn Fn(&Value, &Value) -> bool| {
        let (Some(a), Some(b)) = (one.as_object(), other.as_object()) else { return same(one, other) };
        let count = |fields: &Map<String, Value>| fields.keys().filter(|name| *name != but).count();
        count(a) == count(b)
            && a.iter().filter(|(name, _)| *name != but).all(|(n, v)| b.get(n).is_some_and(|o| same(v, o)))
            && also(a.get(but).unwrap_or(&Value::Null), b.get(but).unwrap_or(&Value::Null))
    };
    let entry = |one: &Value, other: &Value| all_but(one, other, "time", &|_, _| true);
    let list = |one: &Value, other: &Value| {
        let items = |value: &Value| value.as_array().cloned().unwrap_or_default();
        let (a, b) = (items(one), items(other));
        a.len() == b.len() && a.iter().zip(&b).all(|(a, b)| entry(a, b))
    };
    let metadata = |one: &Value, other: &Value| all_but(one, other, "managedFields", &list);
    all_but(one, other, "metadata", &metadata)
}

/// Puts entries into an object.
pub(super) fn join(object: &mut Value, managers: &Managers) {
    let Some(entries) = write(managers) else { return };
    let Some(fields) = object.as_object_mut() else { return };
    let metadata = fields.entry("metadata").or_insert_with(|| Value::Object(Map::new()));
    if let Some(metadata) = metadata.as_object_mut() {
        metadata.insert("managedFields".to_owned(), entries);
    }
}

/// The object without the entries of API versions that are no longer served: as every write leaves it.
pub fn forget_versions(object: &mut Value, served: impl Fn(&str) -> bool) {
    if let Some(Value::Array(entries)) = object.pointer_mut("/metadata/managedFields") {
        entries.retain(|entry| entry.get("apiVersion").and_then(Value::as_str).is_none_or(&served));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_of_too_many_updaters_become_one() {
        let mut managers = Managers::new();
        for index in 0..12 {
            let owned = Owned {
                fields: Set::of_names(&[&["data", &format!("k{index}")]]),
                version: "v1".to_owned(),
                time: Some(format!("2026-01-01T00:00:{index:02}Z")),
            };
            managers.insert(Manager::new(&format!("m{index}"), false, "v1", ""), owned);
        }
        cap(&mut managers);
        assert_eq!(managers.len(), 10);
        let bucket = &managers[&Manager::new("ancient-changes", false, "v1", "")];
        assert_eq!(bucket.time.as_deref(), Some("2026-01-01T00:00:02Z"));
        assert_eq!(bucket.fields, Set::of_names(&[&["data", "k0"], &["data", "k1"], &["data", "k2"]]));
    }

    #[test]
    fn entries_that_cannot_be_right_are_not_read() {
        let entry = |operation: &str, version: &str, fields: &str| json!([{"manager": "m", "operation": operation, "apiVersion": version, "fieldsType": fields}]);
        assert!(read(&entry("Apply", "v1", "FieldsV1")).is_some());
        assert!(read(&entry("Take", "v1", "FieldsV1")).is_none());
        assert!(read(&entry("Apply", "", "FieldsV1")).is_none());
        assert!(read(&entry("Apply", "v1", "FieldsV2")).is_none());
    }
}
