//! The tree of a YAML document, each value with its place.
//!
//! Decides the shape of values and how they are reached and turned into JSON; scalars were
//! resolved before, by the dialect.

use std::borrow::Cow;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::diag::{Place, Source};

/// A value and where it stands. Equality is that of the values; places count nothing.
#[derive(Clone, Debug)]
pub struct Node {
    /// The value.
    pub value: Value,
    /// From its first to its last character, without comments and line breaks behind it.
    pub place: Place,
}

/// A YAML value after its dialect resolved the scalars.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Nothing.
    Null,
    /// True or false.
    Bool(bool),
    /// A whole number that fits 64 bits with sign.
    Integer(i64),
    /// A whole number above `i64::MAX`.
    Unsigned(u64),
    /// Any other number.
    Float(f64),
    /// Text.
    String(String),
    /// A list.
    Sequence(Vec<Node>),
    /// Keys with values.
    Mapping(Mapping),
}

/// The key of a mapping's entry.
#[derive(Clone, Debug)]
pub struct Key {
    /// The key as text.
    pub text: String,
    /// Where it stands.
    pub place: Place,
}

/// Entries in the order of the file; equality does not depend on the order.
#[derive(Clone, Debug, Default)]
pub struct Mapping(Vec<(Key, Node)>);

impl Value {
    /// What it is, for messages: "a string", "a mapping".
    pub fn kind(&self) -> &'static str {
        match self {
            Value::Null => "nothing",
            Value::Bool(_) => "a boolean",
            Value::Integer(_) | Value::Unsigned(_) | Value::Float(_) => "a number",
            Value::String(_) => "a string",
            Value::Sequence(_) => "a list",
            Value::Mapping(_) => "a mapping",
        }
    }
}

impl Eq for Value {}

impl Hash for Value {
    fn hash<H: Hasher>(&self, state: &mut H) {
        std::mem::discriminant(self).hash(state);
        match self {
            Value::Null => {}
            Value::Bool(value) => value.hash(state),
            Value::Integer(value) => value.hash(state),
            Value::Unsigned(value) => value.hash(state),
            // Both zeros are equal, so they hash alike.
            Value::Float(value) => (value + 0.0).to_bits().hash(state),
            Value::String(value) => value.hash(state),
            Value::Sequence(items) => items.hash(state),
            // Equality ignores the order of entries.
            Value::Mapping(mapping) => mapping.len().hash(state),
        }
    }
}

impl Mapping {
    /// A mapping of these entries, in this order; the keys are expected to differ.
    pub fn new(entries: Vec<(Key, Node)>) -> Mapping {
        Mapping(entries)
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|(_, node)| node)
    }

    /// Where a key stands.
    pub fn get_key_place(&self, key: &str) -> Option<&Place> {
        self.entry(key).map(|(key, _)| &key.place)
    }

    fn entry(&self, key: &str) -> Option<&(Key, Node)> {
        self.0.iter().find(|(found, _)| found.text == key)
    }

    /// The entries in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&Key, &Node)> {
        self.0.iter().map(|(key, node)| (key, node))
    }

    /// The values in order, to be changed.
    pub(super) fn values_mut(&mut self) -> impl Iterator<Item = &mut Node> {
        self.0.iter_mut().map(|(_, node)| node)
    }

    /// The keys' texts in order.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(key, _)| key.text.as_str())
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are no entries.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Sets the value of a key, in its old position or at the end.
    pub fn insert(&mut self, key: Key, node: Node) {
        match self.0.iter_mut().find(|(found, _)| found.text == key.text) {
            Some(entry) => *entry = (key, node),
            None => self.0.push((key, node)),
        }
    }

    /// Takes an entry out.
    pub fn remove(&mut self, key: &str) -> Option<Node> {
        let index = self.0.iter().position(|(found, _)| found.text == key)?;
        Some(self.0.remove(index).1)
    }
}

impl PartialEq for Mapping {
    fn eq(&self, other: &Self) -> bool {
        if self.len() != other.len() {
            return false;
        }
        // Same order is the usual case; looking up each key is quadratic.
        self.0.iter().zip(&other.0).all(|((ka, a), (kb, b))| {
            if ka.text == kb.text {
                a == b
            } else {
                other.get(&ka.text) == Some(a) && self.get(&kb.text) == Some(b)
            }
        })
    }
}

impl PartialEq for Node {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl Eq for Node {}

impl Hash for Node {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.value.hash(state);
    }
}

impl Node {
    /// The value under a path of keys.
    pub fn at(&self, path: &[&str]) -> Option<&Node> {
        path.iter().try_fold(self, |node, key| node.get(key))
    }

    /// The value of a key, if this is a mapping that has it.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.as_mapping()?.get(key)
    }

    /// The text, if this is a string.
    pub fn as_str(&self) -> Option<&str> {
        match &self.value {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    /// A string, or a number as the file writes it: people mean a text by a version such as `1.10`.
    pub fn as_written(&self) -> Option<String> {
        match &self.value {
            Value::String(text) => Some(text.clone()),
            Value::Integer(number) => Some(number.to_string()),
            Value::Unsigned(number) => Some(number.to_string()),
            Value::Float(_) => Some(self.place.text().to_owned()),
            _ => None,
        }
    }

    /// The mapping, if this is one.
    pub fn as_mapping(&self) -> Option<&Mapping> {
        match &self.value {
            Value::Mapping(mapping) => Some(mapping),
            _ => None,
        }
    }

    /// The items, if this is a list.
    pub fn as_sequence(&self) -> Option<&[Node]> {
        match &self.value {
            Value::Sequence(items) => Some(items),
            _ => None,
        }
    }

    /// Whether this is neither a list nor a mapping.
    pub fn is_scalar(&self) -> bool {
        !matches!(self.value, Value::Sequence(_) | Value::Mapping(_))
    }

    /// The value behind these numbers of entries and items.
    pub(super) fn child_mut(&mut self, steps: &[usize]) -> Option<&mut Node> {
        steps.iter().try_fold(self, |node, step| match &mut node.value {
            Value::Sequence(items) => items.get_mut(*step),
            Value::Mapping(mapping) => mapping.0.get_mut(*step).map(|(_, node)| node),
            _ => None,
        })
    }

    /// Says that all of it stands in another source, at the same bytes: it was read from a stand-in of the
    /// same length.
    pub fn put_into(&mut self, source: &Arc<Source>) {
        let put = |place: &mut Place| *place = Place::new(source, place.start(), place.end());
        put(&mut self.place);
        match &mut self.value {
            Value::Sequence(items) => items.iter_mut().for_each(|item| item.put_into(source)),
            Value::Mapping(mapping) => mapping.0.iter_mut().for_each(|(key, node)| {
                put(&mut key.place);
                node.put_into(source);
            }),
            _ => {}
        }
    }

    /// The value as JSON; infinity and NaN, which JSON lacks, become null.
    pub fn to_json(&self) -> serde_json::Value {
        match &self.value {
            Value::Null => serde_json::Value::Null,
            Value::Bool(value) => (*value).into(),
            Value::Integer(value) => (*value).into(),
            Value::Unsigned(value) => (*value).into(),
            Value::Float(value) => (*value).into(),
            Value::String(value) => value.as_str().into(),
            Value::Sequence(items) => items.iter().map(Node::to_json).collect(),
            Value::Mapping(mapping) => serde_json::Value::Object(
                mapping.iter().map(|(key, node)| (key.text.clone(), node.to_json())).collect(),
            ),
        }
    }

    /// A tree of JSON values that all stand at one place.
    pub fn from_json(value: &serde_json::Value, place: &Place) -> Node {
        let value = match value {
            serde_json::Value::Null => Value::Null,
            serde_json::Value::Bool(value) => Value::Bool(*value),
            serde_json::Value::Number(number) => {
                if let Some(value) = number.as_i64() {
                    Value::Integer(value)
                } else if let Some(value) = number.as_u64() {
                    Value::Unsigned(value)
                } else {
                    Value::Float(number.as_f64().unwrap_or(f64::NAN))
                }
            }
            serde_json::Value::String(text) => Value::String(text.clone()),
            serde_json::Value::Array(items) => {
                Value::Sequence(items.iter().map(|item| Node::from_json(item, place)).collect())
            }
            serde_json::Value::Object(object) => Value::Mapping(Mapping(
                object
                    .iter()
                    .map(|(key, value)| {
                        let key = Key { text: key.clone(), place: place.clone() };
                        (key, Node::from_json(value, place))
                    })
                    .collect(),
            )),
        };
        Node { value, place: place.clone() }
    }
}

impl Serialize for Node {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.value {
            Value::Null => serializer.serialize_unit(),
            Value::Bool(value) => serializer.serialize_bool(*value),
            Value::Integer(value) => serializer.serialize_i64(*value),
            Value::Unsigned(value) => serializer.serialize_u64(*value),
            Value::Float(value) => serializer.serialize_f64(*value),
            Value::String(value) => serializer.serialize_str(value),
            Value::Sequence(items) => serializer.collect_seq(items),
            Value::Mapping(mapping) => {
                let mut out = serializer.serialize_map(Some(mapping.len()))?;
                for (key, node) in mapping.iter() {
                    out.serialize_entry(&key.text, node)?;
                }
                out.end()
            }
        }
    }
}

impl JsonSchema for Node {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Any".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        true.into()
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        super::handing::node_from(deserializer)
    }
}

/// Builds a tree without places from any other format.
pub(super) struct AnyVisitor;

fn placeless<E>(value: Value) -> Result<Node, E> {
    Ok(Node { value, place: Place::none() })
}

/// A tree without places, read by whatever means the deserializer has.
struct Placeless(Node);

impl<'de> Deserialize<'de> for Placeless {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyVisitor).map(Placeless)
    }
}

impl<'de> Visitor<'de> for AnyVisitor {
    type Value = Node;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("any value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
        placeless(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Node, E> {
        placeless(Value::Integer(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Node, E> {
        placeless(i64::try_from(value).map_or(Value::Unsigned(value), Value::Integer))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Node, E> {
        placeless(Value::Float(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Node, E> {
        placeless(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Node, E> {
        placeless(Value::String(value))
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        placeless(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Node, E> {
        placeless(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<Node, D::Error> {
        inner.deserialize_any(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Node, A::Error> {
        let mut items = Vec::new();
        while let Some(Placeless(item)) = access.next_element()? {
            items.push(item);
        }
        placeless(Value::Sequence(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Node, A::Error> {
        let mut entries = Vec::new();
        let mut seen = std::collections::HashSet::new();
        while let Some((text, Placeless(node))) = access.next_entry::<String, Placeless>()? {
            if !seen.insert(text.clone()) {
                return Err(de::Error::custom(format_args!("the key `{text}` stands twice")));
            }
            let place = Place::none();
            entries.push((Key { text, place }, node));
        }
        placeless(Value::Mapping(Mapping(entries)))
    }
}
