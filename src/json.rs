//! What stands where in JSON, asked so often that it must cost nothing.

use serde_json::Value;

/// What stands at a path.
pub trait At {
    /// What stands at a path of keys and places, each after a slash. As [`Value::pointer`], but without
    /// escapes (`~0`, `~1`): for them that copies every word of every path.
    fn at(&self, path: &str) -> Option<&Value>;
}

impl At for Value {
    fn at(&self, path: &str) -> Option<&Value> {
        let Some(path) = path.strip_prefix('/') else { return path.is_empty().then_some(self) };
        path.split('/').try_fold(self, |value, word| match value {
            Value::Object(fields) => fields.get(word),
            Value::Array(items) => items.get(word.parse::<usize>().ok()?),
            _ => None,
        })
    }
}

/// The text at a path; empty if there is none.
pub fn text<'v>(value: &'v Value, path: &str) -> &'v str {
    value.at(path).and_then(Value::as_str).unwrap_or_default()
}

/// The list at a path; empty if there is none.
pub fn list<'v>(value: &'v Value, path: &str) -> &'v [Value] {
    value.at(path).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn paths_lead_to_what_pointers_without_escapes_lead_to() {
        let value = json!({"a": [{"b": 1}, null], "": 2});
        for path in ["", "/a", "/a/0/b", "/a/1", "/a/2", "/a/x", "/a/0/b/c", "/", "a", "/b"] {
            assert_eq!(value.at(path), value.pointer(path), "{path}");
        }
    }
}
