//! Defaults, and the form in which a server gives objects back. What a definition's schema states is all
//! that it gets. Built-in kinds are Go structs: structs that are no pointers are always there, empty
//! fields that mean nothing are not, and code of the server fills in what it knows by heart.

use serde_json::{Map, Value};

use super::types::{Field, Form, Node, Shape, TypeId, Types};
use super::{known, quantity};

/// The defaults of a built-in kind.
pub(super) fn builtin(types: &Types, root: TypeId, object: Value) -> Value {
    let object = stated_where(types, root, object, &is_stated);
    let mut object = normal(types, root, object);
    known::fill(types, root, &mut object);
    object
}

/// Whether a default is one that the server fills in; the others are what Go writes for a field that is
/// always there.
fn is_stated(field: &Field) -> bool {
    field.default.as_ref().is_some_and(|default| !is_zero(default))
}

fn is_zero(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Bool(true) => false,
    }
}

/// The defaults that a schema states.
pub(super) fn stated(types: &Types, id: TypeId, value: Value) -> Value {
    stated_where(types, id, value, &|field| field.default.is_some())
}

fn stated_where(types: &Types, id: TypeId, value: Value, counts: &dyn Fn(&Field) -> bool) -> Value {
    match (types.shape(id, Some(&value)), value) {
        (Shape::Map(map), Value::Object(mut fields)) => {
            for (name, field) in map.known.iter().filter(|(_, field)| counts(field)) {
                if fields.get(&**name).is_none_or(Value::is_null)
                    && let Some(default) = &field.default
                {
                    fields.insert(name.to_string(), default.clone());
                }
            }
            let filled = fields.into_iter().map(|(name, field)| {
                let field = match map.of(&name) {
                    Some(of) => stated_where(types, of, field, counts),
                    None => field,
                };
                (name, field)
            });
            Value::Object(filled.collect())
        }
        (Shape::List(list), Value::Array(items)) => {
            items.into_iter().map(|item| stated_where(types, list.items, item, counts)).collect()
        }
        (_, value) => value,
    }
}

/// An object of a built-in kind as the server gives it back.
pub(super) fn normal(types: &Types, id: TypeId, value: Value) -> Value {
    match (types.shape(id, Some(&value)), value) {
        (Shape::Map(map), Value::Object(fields)) => {
            let mut kept = Map::new();
            let fields = aliased(types.get(id), fields);
            for (name, value) in fields {
                let Some(of) = map.of(&name) else {
                    kept.insert(name, value);
                    continue;
                };
                match map.known.get(name.as_str()) {
                    Some(field) => {
                        // An empty list of entries says something: they are to be reset.
                        let value = if name == "managedFields" { value } else { normal(types, of, value) };
                        if name == "managedFields" && value.is_array() || stays(types, field, &value) {
                            kept.insert(name, value);
                        }
                    }
                    None => {
                        let is_text = types.get(of).scalar.as_ref().is_some_and(|s| s.form == Form::Text);
                        let value = if value.is_null() && is_text { "".into() } else { value };
                        kept.insert(name, normal(types, of, value));
                    }
                }
            }
            for (name, field) in &map.known {
                let default = match &field.default {
                    Some(default) if is_zero(default) => default,
                    _ if field.null_stands => &Value::Null,
                    _ => continue,
                };
                if !kept.contains_key(&**name) {
                    kept.insert(name.to_string(), normal(types, field.of, default.clone()));
                }
            }
            Value::Object(kept)
        }
        (Shape::List(list), Value::Array(items)) => {
            items.into_iter().map(|item| normal(types, list.items, item)).collect()
        }
        (Shape::Scalar(scalar), value) if scalar.form == Form::Quantity => quantity::plain(value),
        (_, value) => value,
    }
}

/// Fields that stand for each other, both written.
fn aliased(of: &Node, mut fields: Map<String, Value>) -> Map<String, Value> {
    if of.name.as_deref() == Some("core.v1.PodSpec") {
        let text =
            |name: &str| fields.get(name).filter(|value| value.as_str().is_some_and(|t| !t.is_empty()));
        match text("serviceAccountName").or_else(|| text("serviceAccount")).cloned() {
            Some(account) => {
                fields.insert("serviceAccount".to_owned(), account.clone());
                fields.insert("serviceAccountName".to_owned(), account);
            }
            None => {
                fields.shift_remove("serviceAccount");
            }
        }
    }
    fields
}

/// Whether a field of a struct is written with this value.
fn stays(types: &Types, field: &Field, value: &Value) -> bool {
    if field.null_stands {
        return value.as_array().is_some_and(|items| !items.is_empty());
    }
    if field.required {
        return !value.is_null();
    }
    match value {
        Value::Null => false,
        Value::Array(items) => !items.is_empty(),
        // A struct stays if it is empty: it is a pointer, or always there. A map goes.
        Value::Object(fields) => !fields.is_empty() || !is_map(types.get(field.of)),
        scalar => !(field.zero_is_nothing && is_zero(scalar)),
    }
}

fn is_map(of: &Node) -> bool {
    of.name.is_none() && of.map.as_ref().is_some_and(|map| map.known.is_empty())
}
