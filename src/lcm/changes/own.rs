//! Which keys of a chart's values somebody sets, of what kind, and where. What they set them to is never
//! looked at: it may be secret.

use std::collections::BTreeMap;

use serde_json::Value;

use super::schema::below;
use crate::model::secrets::REFERENCE;
use crate::yaml::{self, Node};

/// No values are nested deeper than this.
const DEEPEST: usize = 100;

/// The keys that somebody sets, with the mappings above them.
#[derive(Debug, Clone, Default)]
pub struct Own(BTreeMap<String, Set>);

/// A key that is set.
#[derive(Debug, Clone)]
struct Set {
    kind: &'static str,
    /// `FILE:LINE`, if it was read from a file.
    place: Option<String>,
}

impl Own {
    /// The keys of values that come from no file. What is `null` takes a key away, and sets none.
    pub fn of(values: &Value) -> Self {
        let mut own = Self::default();
        own.put_value(values, "", 0);
        own
    }

    /// The keys of layers of values, those that count most first: of a key that several set, that place is
    /// told.
    pub fn of_layers<'n>(layers: impl IntoIterator<Item = &'n Node>) -> Self {
        let mut own = Self::default();
        layers.into_iter().for_each(|layer| own.put_node(layer, "", 0));
        own
    }

    fn put_value(&mut self, values: &Value, path: &str, depth: usize) {
        let fields = values.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null());
        for (key, value) in fields {
            let path = below(path, key);
            if depth < DEEPEST {
                self.put_value(value, &path, depth + 1);
            }
            self.0.insert(path, Set { kind: kind(value), place: None });
        }
    }

    fn put_node(&mut self, node: &Node, path: &str, depth: usize) {
        let entries = node.as_mapping().into_iter().flat_map(yaml::Mapping::iter);
        for (key, value) in entries.filter(|(_, value)| value.value != yaml::Value::Null) {
            let path = below(path, &key.text);
            let is_secret = value.get(REFERENCE).is_some();
            if depth < DEEPEST && !is_secret {
                self.put_node(value, &path, depth + 1);
            }
            let place = (!key.place.is_none()).then(|| format!("{}:{}", key.place.file(), key.place.line()));
            // A reference stands for a text.
            let kind = if is_secret { "a string" } else { kind_of(value) };
            self.0.entry(path).or_insert(Set { kind, place });
        }
    }

    /// The key at a place, up to where lists and keys of any name begin.
    fn at(&self, path: &str) -> Option<&Set> {
        let end = ["[]", ".*"].iter().filter_map(|mark| path.find(mark)).min().unwrap_or(path.len());
        self.0.get(path.get(..end)?)
    }

    /// What is set at a place, if something is: `a list`.
    pub(super) fn kind(&self, path: &str) -> Option<&'static str> {
        self.at(path).map(|set| set.kind)
    }

    /// Where that is done, in brackets behind a key; nothing if it is in no file.
    pub(super) fn place(&self, path: &str) -> String {
        let place = self.at(path).and_then(|set| set.place.as_deref());
        place.map(|place| format!(" ({place})")).unwrap_or_default()
    }
}

/// What a value is.
pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "a mapping",
    }
}

fn kind_of(node: &Node) -> &'static str {
    match &node.value {
        yaml::Value::Sequence(_) => "a list",
        yaml::Value::Mapping(_) => "a mapping",
        _ => kind(&node.to_json()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::Source;

    fn node(path: &str, text: &str) -> Node {
        yaml::parse(&Source::new(path, text)).expect("it is YAML").expect("it has a document")
    }

    #[test]
    fn a_key_is_told_with_the_place_that_counts_most() {
        let fleet = node("pipelines/fleet.yaml", "a:\n  b: 1\n");
        let product = node("products/x/product.yaml", "a:\n  b: 2\n  c: [1]\nd: null\n");
        let own = Own::of_layers([&fleet, &product]);
        assert_eq!(own.place("a.b"), " (pipelines/fleet.yaml:2)");
        assert_eq!(
            (own.kind("a.c[].x"), own.place("a.c").as_str()),
            (Some("a list"), " (products/x/product.yaml:3)")
        );
        assert_eq!((own.kind("a"), own.kind("d"), own.kind("e")), (Some("a mapping"), None, None));
    }

    #[test]
    fn a_reference_to_a_secret_is_a_text() {
        let own = Own::of_layers([&node("x.yaml", "auth:\n  secretRef: { env: TOKEN }\n")]);
        assert_eq!((own.kind("auth"), own.kind("auth.secretRef")), (Some("a string"), None));
    }
}
