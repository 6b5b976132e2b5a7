//! Reading an object without what nobody here asks about: who manages which of its fields is often half
//! of its text, and says nothing of whether it is ready.

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::{Map, Value};

/// An object's JSON without its `metadata.managedFields`; other JSON as it is.
pub(super) fn parse(text: &str) -> Result<Value, serde_json::Error> {
    let mut json = serde_json::Deserializer::from_str(text);
    match Part::Object.deserialize(&mut json).and_then(|object| json.end().map(|()| object)) {
        Ok(object) => Ok(object),
        Err(_) => text.parse(),
    }
}

/// The parts of an object in which something is left out.
#[derive(Clone, Copy)]
enum Part {
    Object,
    Metadata,
}

impl<'de> DeserializeSeed<'de> for Part {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Value, D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Part {
    type Value = Value;

    fn expecting(&self, words: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        words.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut fields = Map::new();
        while let Some(key) = map.next_key::<String>()? {
            let value = match (self, key.as_str()) {
                (Self::Metadata, "managedFields") => {
                    map.next_value::<IgnoredAny>()?;
                    continue;
                }
                (Self::Object, "metadata") => map.next_value_seed(Self::Metadata)?,
                _ => map.next_value()?,
            };
            fields.insert(key, value);
        }
        Ok(Value::Object(fields))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_who_manages_an_objects_own_fields_is_left_out() {
        let text = r#"{"kind":"Pod","metadata":{"name":"a","managedFields":[{"fieldsV1":{"f:a":{}}}],"uid":"u"},
            "spec":{"template":{"metadata":{"managedFields":[1]}}}}"#;
        let lean = json!({"kind": "Pod", "metadata": {"name": "a", "uid": "u"},
            "spec": {"template": {"metadata": {"managedFields": [1]}}}});
        assert_eq!(parse(text).unwrap(), lean);
        for other in [r#""text""#, "7", "null", "[{}]", r#"{"metadata":null}"#, r#"{"metadata":[1]}"#, "{}"] {
            assert_eq!(parse(other).unwrap(), other.parse::<Value>().unwrap(), "{other}");
        }
        for broken in ["", "{", r#"{"metadata":{"managedFields":[{"#, "{} {}"] {
            assert!(parse(broken).is_err(), "{broken}");
        }
    }
}
