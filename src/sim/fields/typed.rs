//! Whether a value fits its type, in the words in which server-side apply refuses what does not.

use serde_json::Value;

use super::element::Element;
use super::types::{Form, ItemsBy, Scalar, Shape, TypeId, Types};

/// One thing that does not fit: where, and in which words.
struct Misfit {
    path: String,
    words: String,
}

impl Types {
    /// What does not fit, as one text; `None` if all does. `twice` allows items that are the same.
    pub(super) fn misfits(&self, id: TypeId, value: &Value, twice: bool) -> Option<String> {
        let mut found = Vec::new();
        self.misfit(id, value, twice, "", &mut found);
        let texts: Vec<String> = found
            .iter()
            .map(
                |Misfit { path, words }| {
                    if path.is_empty() { words.clone() } else { format!("{path}: {words}") }
                },
            )
            .collect();
        match texts.as_slice() {
            [] => None,
            [one] => Some(one.clone()),
            many => Some(format!("errors:\n  {}", many.join("\n  "))),
        }
    }

    fn misfit(&self, id: TypeId, value: &Value, twice: bool, path: &str, found: &mut Vec<Misfit>) {
        let mut say = |path: String, words: String| found.push(Misfit { path, words });
        match self.shape(id, Some(value)) {
            Shape::Nothing => say(path.to_owned(), "schema error: invalid atom: inlined".to_owned()),
            Shape::Scalar(scalar) => {
                if let Some(words) = unfit(scalar, value) {
                    say(path.to_owned(), words);
                }
            }
            Shape::List(list) => {
                let items = match value {
                    Value::Array(items) => items,
                    Value::Null => return,
                    other => return say(path.to_owned(), format!("expected list, got &{{{}}}", go(other))),
                };
                let mut seen: Vec<Element> = Vec::new();
                for (index, item) in items.iter().enumerate() {
                    let element = if list.items_by == ItemsBy::Whole {
                        Element::Index(index)
                    } else {
                        match self.item(list, item) {
                            Ok(element) => element,
                            Err(why) => {
                                let words = format!("element {index}: {why}");
                                found.push(Misfit { path: path.to_owned(), words });
                                return;
                            }
                        }
                    };
                    if seen.contains(&element) {
                        if !twice {
                            let words = format!("duplicate entries for key {}", element.shown());
                            found.push(Misfit { path: path.to_owned(), words });
                        }
                    } else if list.items_by != ItemsBy::Whole {
                        seen.push(element.clone());
                    }
                    self.misfit(list.items, item, twice, &format!("{path}{}", element.shown()), found);
                }
            }
            Shape::Map(map) => {
                let fields = match value {
                    Value::Object(fields) => fields,
                    Value::Null => return,
                    other => return say(path.to_owned(), format!("expected map, got &{{{}}}", go(other))),
                };
                for (name, field) in fields {
                    let path = format!("{path}.{name}");
                    let Some(of) = map.of(name) else {
                        // The server says no more of a map after its first unknown field.
                        found.push(Misfit { path, words: "field not declared in schema".to_owned() });
                        return;
                    };
                    self.misfit(of, field, twice, &path, found);
                }
            }
        }
    }
}

fn unfit(scalar: &Scalar, value: &Value) -> Option<String> {
    if value.is_null() {
        return None;
    }
    match scalar.form {
        Form::Int32 | Form::Int64 | Form::Number => {
            (!value.is_number()).then(|| format!("expected numeric (int or float), got {}", go_type(value)))
        }
        Form::Text | Form::Bytes => (!value.is_string())
            .then(|| format!("expected string, got &value.valueUnstructured{{Value:{}}}", go_source(value))),
        Form::Bool => (!value.is_boolean()).then(|| format!("expected boolean, got &{{{}}}", go(value))),
        Form::Any | Form::Time | Form::Quantity | Form::IntOrText => (value.is_array() || value.is_object())
            .then(|| format!("expected any scalar, got &{{{}}}", go(value))),
    }
}

/// A value as Go prints it with `%v`.
pub(super) fn go(value: &Value) -> String {
    match value {
        Value::Null => "<nil>".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(items) => format!("[{}]", items.iter().map(go).collect::<Vec<_>>().join(" ")),
        Value::Object(fields) => {
            let mut fields: Vec<String> =
                fields.iter().map(|(name, value)| format!("{name}:{}", go(value))).collect();
            fields.sort();
            format!("map[{}]", fields.join(" "))
        }
        scalar => scalar.to_string(),
    }
}

/// A value as Go prints it with `%#v`.
fn go_source(value: &Value) -> String {
    match value {
        Value::Null => "interface {}(nil)".to_owned(),
        Value::String(text) => format!("{text:?}"),
        Value::Array(items) => {
            format!("[]interface {{}}{{{}}}", items.iter().map(go_source).collect::<Vec<_>>().join(", "))
        }
        Value::Object(fields) => {
            let mut fields: Vec<String> =
                fields.iter().map(|(name, value)| format!("{name:?}:{}", go_source(value))).collect();
            fields.sort();
            format!("map[string]interface {{}}{{{}}}", fields.join(", "))
        }
        scalar => scalar.to_string(),
    }
}

fn go_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "<nil>",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_i64() || number.is_u64() => "int64",
        Value::Number(_) => "float64",
        Value::String(_) => "string",
        Value::Array(_) => "[]interface {}",
        Value::Object(_) => "map[string]interface {}",
    }
}
