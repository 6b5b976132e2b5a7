//! The types of a definition: its `openAPIV3Schema`, and what the server adds to it, `apiVersion`, `kind`
//! and `metadata`.

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;

use super::table::table;
use super::types::{FREE, Field, Fields, Form, ItemsBy, List, Node, Scalar, TypeId, Types, WHOLE};

/// The types of a definition, and that of its objects.
pub(super) fn types(schema: &Value) -> (Types, TypeId) {
    let mut reader = Reader { types: Types::default(), copies: HashMap::new() };
    let keeps = flag(schema, "x-kubernetes-preserve-unknown-fields");
    let mut root = reader.fields(schema, keeps);
    if !schema.is_object() {
        root.others = Some(FREE);
    }
    reader.add_common(&mut root);
    let id = reader.types.add(Node { map: Some(root), ..Node::default() });
    (reader.types, id)
}

fn flag(schema: &Value, name: &str) -> bool {
    schema.get(name).and_then(Value::as_bool).unwrap_or_default()
}

struct Reader {
    types: Types,
    /// Types of the table that were copied.
    copies: HashMap<TypeId, TypeId>,
}

impl Reader {
    /// What every object has.
    fn add_common(&mut self, root: &mut Fields) {
        let text = self.scalar(Form::Text);
        for name in ["apiVersion", "kind"] {
            root.known.insert(name.into(), Field { of: text, ..Field::default() });
        }
        let of = table().names.get("meta.v1.ObjectMeta").map_or(FREE, |&id| self.copy(id));
        root.known.insert("metadata".into(), Field { of, ..Field::default() });
    }

    /// A type of the table with all that it needs.
    fn copy(&mut self, id: TypeId) -> TypeId {
        if id <= FREE {
            return id;
        }
        if let Some(&copy) = self.copies.get(&id) {
            return copy;
        }
        let mut node = table().types.get(id).clone();
        let copy = self.types.add(Node::default());
        self.copies.insert(id, copy);
        if let Some(list) = &mut node.list {
            list.items = self.copy(list.items);
        }
        if let Some(map) = &mut node.map {
            map.others = map.others.map(|of| self.copy(of));
            for field in map.known.values_mut() {
                field.of = self.copy(field.of);
            }
        }
        if let Some(place) = self.types.get_mut(copy) {
            *place = node;
        }
        copy
    }

    fn scalar(&mut self, form: Form) -> TypeId {
        self.types.add(Node { scalar: Some(Scalar { form, allowed: Vec::new() }), ..Node::default() })
    }

    /// The type of a part of the schema; `keeps` says whether something above it keeps unknown fields.
    fn of(&mut self, schema: &Value, keeps: bool) -> TypeId {
        let keeps = keeps || flag(schema, "x-kubernetes-preserve-unknown-fields");
        if flag(schema, "x-kubernetes-int-or-string") {
            return self.scalar(Form::IntOrText);
        }
        let node = match schema.get("type").and_then(Value::as_str) {
            Some("object") => {
                let mut map = self.fields(schema, keeps);
                if flag(schema, "x-kubernetes-embedded-resource") {
                    self.add_common(&mut map);
                }
                Node { map: Some(map), ..Node::default() }
            }
            Some("array") => Node { list: Some(self.list(schema, keeps)), ..Node::default() },
            Some("string") => {
                let form = match schema.get("format").and_then(Value::as_str) {
                    None | Some("byte") => Form::Text,
                    Some(_) => Form::Any,
                };
                return self.scalar(form);
            }
            Some("integer") => return self.scalar(Form::Int64),
            Some("number") => return self.scalar(Form::Number),
            Some("boolean") => return self.scalar(Form::Bool),
            _ => Node {
                name: None,
                scalar: Some(Scalar::default()),
                list: Some(self.list(schema, keeps)),
                map: Some(self.fields(schema, keeps)),
            },
        };
        self.types.add(node)
    }

    fn fields(&mut self, schema: &Value, keeps: bool) -> Fields {
        let required: Vec<&str> = schema
            .get("required")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let properties = schema.get("properties").and_then(Value::as_object);
        let mut known = BTreeMap::new();
        for (name, part) in properties.into_iter().flatten() {
            let field = Field {
                of: self.of(part, keeps),
                required: required.contains(&name.as_str()),
                default: part.get("default").cloned(),
                ..Field::default()
            };
            known.insert(name.as_str().into(), field);
        }
        let others = match schema.get("additionalProperties") {
            Some(Value::Bool(false)) => None,
            Some(Value::Bool(true)) => Some(FREE),
            Some(part) => Some(self.of(part, keeps)),
            None => (keeps || known.is_empty()).then_some(FREE),
        };
        Fields { known, others, whole: schema.get("x-kubernetes-map-type").is_some_and(|t| t == "atomic") }
    }

    fn list(&mut self, schema: &Value, keeps: bool) -> List {
        let items = schema.get("items").map_or(WHOLE, |items| self.of(items, keeps));
        let keys = schema.get("x-kubernetes-list-map-keys").and_then(Value::as_array);
        let items_by = match schema.get("x-kubernetes-list-type").and_then(Value::as_str) {
            Some("set") => ItemsBy::Value,
            Some("map") => {
                let keys = keys.into_iter().flatten().filter_map(Value::as_str);
                ItemsBy::Keys(keys.map(Into::into).collect())
            }
            _ => ItemsBy::Whole,
        };
        List { items, items_by }
    }
}
