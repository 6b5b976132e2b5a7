//! What decoding does to an object: fields that nobody knows, and values of the wrong type.

use base64::Engine as _;
use serde_json::{Map, Value};

use super::quantity;
use super::types::{Form, Shape, TypeId, Types};

/// Fields that the types do not know, with the way to them.
pub(super) fn unknown_fields(types: &Types, id: TypeId, object: &Value) -> Vec<String> {
    let mut found = Vec::new();
    unknown(types, id, object, "", &mut found);
    found
}

fn unknown(types: &Types, id: TypeId, value: &Value, path: &str, found: &mut Vec<String>) {
    match (types.shape(id, Some(value)), value) {
        (Shape::Map(map), Value::Object(fields)) => {
            for (name, field) in fields {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                match map.of(name) {
                    Some(of) => unknown(types, of, field, &path, found),
                    None => found.push(path),
                }
            }
        }
        (Shape::List(list), Value::Array(items)) => {
            for (index, item) in items.iter().enumerate() {
                unknown(types, list.items, item, &format!("{path}[{index}]"), found);
            }
        }
        _ => {}
    }
}

/// The object without fields that the types do not know.
pub(super) fn without_unknown(types: &Types, id: TypeId, value: Value) -> Value {
    match (types.shape(id, Some(&value)), value) {
        (Shape::Map(map), Value::Object(fields)) => {
            let known = fields.into_iter().filter_map(|(name, field)| {
                let of = map.of(&name)?;
                Some((name, without_unknown(types, of, field)))
            });
            Value::Object(known.collect::<Map<_, _>>())
        }
        (Shape::List(list), Value::Array(items)) => {
            items.into_iter().map(|item| without_unknown(types, list.items, item)).collect()
        }
        (_, value) => value,
    }
}

/// The first value that its type cannot take, in the words of Go's JSON reader.
pub(super) fn mistyped(types: &Types, id: TypeId, object: &Value) -> Option<String> {
    mistake(types, id, object, "", "")
}

/// `holder` is the Go struct that the value stands in, `path` the way to it from there on upward.
fn mistake(types: &Types, id: TypeId, value: &Value, holder: &str, path: &str) -> Option<String> {
    let node = types.get(id);
    let name = node.name.as_deref().map(|name| name.rsplit('.').next().unwrap_or(name));
    let wrong = |of: String| {
        let found = match value {
            Value::Null => "null".to_owned(),
            Value::Bool(_) => "bool".to_owned(),
            Value::Number(number) if of.starts_with("int") => format!("number {number}"),
            Value::Number(_) => "number".to_owned(),
            Value::String(_) => "string".to_owned(),
            Value::Array(_) => "array".to_owned(),
            Value::Object(_) => "object".to_owned(),
        };
        let place =
            if holder.is_empty() { String::new() } else { format!("Go struct field {holder}.{path} ") };
        Some(format!("json: cannot unmarshal {found} into {place}of type {of}"))
    };
    match (types.shape(id, Some(value)), value) {
        (_, Value::Null) | (Shape::Nothing, _) => None,
        (Shape::Map(map), Value::Object(fields)) => {
            let holder = name.unwrap_or(holder);
            fields.iter().find_map(|(field, value)| {
                // The keys of maps are no fields: Go names the field that holds the map.
                let path = match (path.is_empty(), map.known.contains_key(field.as_str())) {
                    (true, _) => field.clone(),
                    (false, true) => format!("{path}.{field}"),
                    (false, false) => path.to_owned(),
                };
                mistake(types, map.of(field)?, value, holder, &path)
            })
        }
        (Shape::List(list), Value::Array(items)) => {
            items.iter().find_map(|item| mistake(types, list.items, item, holder, path))
        }
        (Shape::Scalar(scalar), Value::String(text)) if unreadable(scalar.form, name, text).is_some() => {
            unreadable(scalar.form, name, text)
        }
        (Shape::Scalar(scalar), _) => {
            let fits = match scalar.form {
                Form::Text | Form::Bytes | Form::Time => value.is_string(),
                Form::Int32 | Form::Int64 => value.is_i64() || value.is_u64(),
                Form::Number => value.is_number(),
                Form::Bool => value.is_boolean(),
                Form::Quantity | Form::IntOrText => value.is_string() || value.is_number(),
                Form::Any => true,
            };
            if fits { None } else { wrong(go_type(types, id)) }
        }
        _ => wrong(go_type(types, id)),
    }
}

/// Why a text is none of what is written as text.
fn unreadable(form: Form, name: Option<&str>, text: &str) -> Option<String> {
    match form {
        Form::Bytes => {
            let alphabet = |c: u8| c.is_ascii_alphanumeric() || b"+/=\r\n".contains(&c);
            let wrong = text.bytes().position(|c| !alphabet(c));
            let sound = base64::engine::general_purpose::STANDARD.decode(text).is_ok();
            let place = wrong.or_else(|| (!sound).then(|| text.len() / 4 * 4))?;
            Some(format!("illegal base64 data at input byte {place}"))
        }
        Form::Time if text.parse::<jiff::Timestamp>().is_err() => {
            let fraction = if name == Some("MicroTime") { ".000000" } else { "" };
            let layout = format!("2006-01-02T15:04:05{fraction}Z07:00");
            Some(format!("parsing time {text:?} as {layout:?}: cannot parse {text:?} as \"2006\""))
        }
        Form::Quantity if !quantity::is_one(text) => Some(
            "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
                .to_owned(),
        ),
        _ => None,
    }
}

fn go_type(types: &Types, id: TypeId) -> String {
    let node = types.get(id);
    if node.scalar.as_ref().is_some_and(|scalar| scalar.form == Form::IntOrText) {
        return "int32".to_owned();
    }
    if let Some(name) = &node.name {
        // `core.v1.PodSpec` is `v1.PodSpec` in Go.
        return name.split_once('.').map_or(name.to_string(), |(_, name)| name.to_owned());
    }
    if let Some(scalar) = &node.scalar {
        let of = match scalar.form {
            Form::Int32 => "int32",
            Form::Int64 => "int64",
            Form::Number => "float64",
            Form::Bool => "bool",
            Form::Bytes => "[]uint8",
            _ => "string",
        };
        return of.to_owned();
    }
    match (&node.list, &node.map) {
        (Some(list), _) => format!("[]{}", go_type(types, list.items)),
        (_, Some(map)) => {
            format!("map[string]{}", map.others.map(|of| go_type(types, of)).unwrap_or_default())
        }
        _ => String::new(),
    }
}
