//! Small handles on JSON objects.

use crate::sim::json::list;
use serde_json::{Map, Value, json};

pub(super) use crate::sim::json::{holds, is_true as flag, text};

/// The items of an array at a pointer.
pub(super) fn items<'v>(value: &'v Value, path: &str) -> impl Iterator<Item = &'v Value> + use<'v> {
    list(value, path).iter()
}

/// The object at a key, made if there is none.
pub(super) fn object<'v>(value: &'v mut Value, key: &str) -> Option<&'v mut Map<String, Value>> {
    let entry = value.as_object_mut()?.entry(key).or_insert_with(|| json!({}));
    if entry.is_null() {
        *entry = json!({});
    }
    entry.as_object_mut()
}

/// `metadata`, made if there is none.
pub(super) fn metadata(value: &mut Value) -> Option<&mut Map<String, Value>> {
    object(value, "metadata")
}

/// Sets a field of `metadata`.
pub(super) fn set_metadata(value: &mut Value, key: &str, to: impl Into<Value>) {
    if let Some(metadata) = metadata(value) {
        metadata.insert(key.to_owned(), to.into());
    }
}

/// A field of an object, set if it is not there or null.
pub(super) fn default(object: &mut Map<String, Value>, key: &str, to: impl FnOnce() -> Value) {
    match object.get_mut(key) {
        Some(there) if !there.is_null() => {}
        Some(null) => *null = to(),
        None => {
            object.insert(key.to_owned(), to());
        }
    }
}

/// Every item of an array under a key, as objects.
pub(super) fn each(object: &mut Map<String, Value>, key: &str, mut act: impl FnMut(&mut Map<String, Value>)) {
    let found = object.get_mut(key).and_then(Value::as_array_mut);
    for item in found.into_iter().flatten().filter_map(Value::as_object_mut) {
        act(item);
    }
}

/// The object under a key, if there is one.
pub(super) fn within(object: &mut Map<String, Value>, key: &str, act: impl FnOnce(&mut Map<String, Value>)) {
    if let Some(found) = object.get_mut(key).and_then(Value::as_object_mut) {
        act(found);
    }
}

/// The same without what stands for nothing: nulls in objects.
pub(super) fn without_nulls(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|_, v| !v.is_null());
            map.values_mut().for_each(without_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(without_nulls),
        _ => {}
    }
}

/// Whether two values say the same: what is empty is as good as not there.
pub(super) fn same(a: Option<&Value>, b: Option<&Value>) -> bool {
    let empty = |v: &Value| match v {
        Value::Null => true,
        Value::Object(map) => map.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    };
    match (a.filter(|v| !empty(v)), b.filter(|v| !empty(v))) {
        (None, None) => true,
        (Some(Value::Object(a)), Some(Value::Object(b))) => {
            a.keys().chain(b.keys()).all(|key| same(a.get(key), b.get(key)))
        }
        (Some(Value::Array(a)), Some(Value::Array(b))) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(Some(a), Some(b)))
        }
        (Some(a), Some(b)) => a == b,
        _ => false,
    }
}

/// The object under a key, made if there is none.
pub(super) fn default_object<'v>(
    object: &'v mut Map<String, Value>,
    key: &str,
) -> Option<&'v mut Map<String, Value>> {
    default(object, key, || json!({}));
    object.get_mut(key)?.as_object_mut()
}
