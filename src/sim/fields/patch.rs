//! Patches that need no schema: merge patches (RFC 7396) and JSON patches (RFC 6902).

use serde_json::Value;

/// A merge patch: maps merge, null removes, all else replaces.
pub fn merge_patch(object: &Value, patch: &Value) -> Value {
    let mut merged = object.clone();
    json_patch::merge(&mut merged, patch);
    merged
}

/// A JSON patch: its operations in order; none is done if one cannot be.
///
/// # Errors
/// Why the patch is none, or which of its operations cannot be done.
pub fn json_patch(object: &Value, patch: &Value) -> Result<Value, String> {
    let patch: json_patch::Patch =
        serde_json::from_value(patch.clone()).map_err(|error| error.to_string())?;
    let mut patched = object.clone();
    json_patch::patch(&mut patched, &patch).map_err(|error| error.to_string())?;
    Ok(patched)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_merge_patch_merges_maps_and_removes_by_null() {
        let object = json!({"a": {"b": 1, "c": 2}, "l": [1, 2]});
        let patch = json!({"a": {"b": null, "d": {"e": null, "f": 1}}, "l": [3]});
        assert_eq!(merge_patch(&object, &patch), json!({"a": {"c": 2, "d": {"f": 1}}, "l": [3]}));
    }

    #[test]
    fn a_json_patch_is_done_whole_or_not_at_all() {
        let object = json!({"a": [1], "b/c": {"d": 1}});
        let patch = json!([
            {"op": "add", "path": "/a/-", "value": 2},
            {"op": "replace", "path": "/b~1c/d", "value": 2},
            {"op": "test", "path": "/a/0", "value": 1},
            {"op": "move", "from": "/b~1c/d", "path": "/e"},
            {"op": "copy", "from": "/e", "path": "/f"},
            {"op": "remove", "path": "/a/0"},
        ]);
        assert_eq!(json_patch(&object, &patch), Ok(json!({"a": [2], "b/c": {}, "e": 2, "f": 2})));
        assert!(json_patch(&object, &json!([{"op": "remove", "path": "/none"}])).is_err());
        assert!(json_patch(&object, &json!([{"op": "test", "path": "/a/0", "value": 2}])).is_err());
        assert!(json_patch(&object, &json!({"op": "remove"})).is_err());
    }
}
