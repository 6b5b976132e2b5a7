//! What makes an object not valid, in the words of the causes of a 422. Definitions say it in their
//! `openAPIV3Schema`; of built-in kinds only what their schemas say is checked here.

use serde_json::{Map, Value};

use super::element::{Element, same};
use super::types::{Shape, TypeId, Types};

/// One cause of a 422.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// Its reason, such as `FieldValueRequired`.
    pub reason: &'static str,
    /// The field, such as `spec.replicas`.
    pub field: String,
    /// What is wrong: `Required value`.
    pub message: String,
}

impl Cause {
    /// A field that must be there and is not.
    pub fn required(field: impl Into<String>) -> Self {
        Self { reason: "FieldValueRequired", field: field.into(), message: "Required value".to_owned() }
    }

    /// A value that is not right, and why.
    pub fn invalid(field: impl Into<String>, value: &Value, why: &str) -> Self {
        let message = format!("Invalid value: {}: {why}", shown(value));
        Self { reason: "FieldValueInvalid", field: field.into(), message }
    }

    /// A value of the wrong type.
    fn mistyped(field: &str, wanted: &str, found: &str) -> Self {
        let message =
            format!("Invalid value: {found:?}: {field} in body must be of type {wanted}: {found:?}");
        Self { reason: "FieldValueTypeInvalid", field: field.to_owned(), message }
    }

    /// A value that is none of those that are allowed.
    pub fn unsupported(field: impl Into<String>, value: &Value, allowed: &[String]) -> Self {
        let allowed: Vec<String> = allowed.iter().map(|text| format!("{text:?}")).collect();
        let message =
            format!("Unsupported value: {}: supported values: {}", shown(value), allowed.join(", "));
        Self { reason: "FieldValueNotSupported", field: field.into(), message }
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => format!("{text:?}"),
        other => other.to_string(),
    }
}

/// What the schema of a built-in kind finds: texts that must be one of some and are not.
pub(super) fn builtin(types: &Types, id: TypeId, object: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    of_type(types, id, object, "", &mut causes);
    causes
}

fn of_type(types: &Types, id: TypeId, value: &Value, path: &str, causes: &mut Vec<Cause>) {
    match (types.shape(id, Some(value)), value) {
        (Shape::Map(map), Value::Object(fields)) => {
            for (name, field) in fields {
                let Some(of) = map.of(name) else { continue };
                // What the server keeps is not read by what users may write.
                if path.is_empty() && name == "status" {
                    continue;
                }
                let path = match (path.is_empty(), map.known.contains_key(name.as_str())) {
                    (true, _) => name.clone(),
                    (false, true) => format!("{path}.{name}"),
                    (false, false) => format!("{path}[{name}]"),
                };
                of_type(types, of, field, &path, causes);
            }
        }
        (Shape::List(list), Value::Array(items)) => {
            for (index, item) in items.iter().enumerate() {
                of_type(types, list.items, item, &format!("{path}[{index}]"), causes);
            }
        }
        (Shape::Scalar(scalar), Value::String(text))
            if !text.is_empty()
                && !scalar.allowed.is_empty()
                && !scalar.allowed.iter().any(|a| **a == **text) =>
        {
            let allowed: Vec<String> = scalar.allowed.iter().map(ToString::to_string).collect();
            causes.push(Cause::unsupported(path, value, &allowed));
        }
        _ => {}
    }
}

/// What the schema of a definition finds.
pub(super) fn definition(schema: &Value, object: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    of_schema(schema, object, "", &mut causes);
    causes
}

fn number(schema: &Value, name: &str) -> Option<f64> {
    schema.get(name).and_then(Value::as_f64)
}

fn count(schema: &Value, name: &str) -> Option<usize> {
    schema.get(name).and_then(Value::as_u64).and_then(|count| usize::try_from(count).ok())
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.as_f64().is_some_and(|n| n.fract() == 0.0) => "integer",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn fits(wanted: &str, found: &str) -> bool {
    wanted == found || wanted == "number" && found == "integer"
}

fn of_schema(schema: &Value, value: &Value, path: &str, causes: &mut Vec<Cause>) {
    let flag = |name: &str| schema.get(name).and_then(Value::as_bool).unwrap_or_default();
    let found = type_of(value);
    if value.is_null() && flag("nullable") {
        return;
    }
    if let Some(allowed) = schema.get("enum").and_then(Value::as_array)
        && !allowed.iter().any(|allowed| same(allowed, value))
    {
        let allowed: Vec<String> =
            allowed.iter().map(|v| v.as_str().map_or_else(|| v.to_string(), str::to_owned)).collect();
        causes.push(Cause::unsupported(path, value, &allowed));
    }
    if let Some(wanted) = schema.get("type").and_then(Value::as_str)
        && !fits(wanted, found)
    {
        causes.push(Cause::mistyped(path, wanted, found));
        if wanted == "integer" && found == "number" {
            let why = format!("Checked value must be of type integer (default format) in {path}");
            causes.push(Cause::invalid("<nil>", &"".into(), &why));
        }
        return;
    }
    if flag("x-kubernetes-int-or-string") && !matches!(found, "integer" | "string") {
        causes.push(Cause::mistyped(path, "integer,string", found));
        return;
    }
    match value {
        Value::Object(fields) => of_map(schema, fields, path, causes),
        Value::Array(items) => of_list(schema, items, path, causes),
        Value::String(text) => of_text(schema, text, path, causes),
        Value::Number(_) => of_number(schema, value, path, causes),
        _ => {}
    }
    of_parts(schema, value, path, causes);
}

/// `allOf`, `anyOf`, `oneOf` and `not`.
fn of_parts(schema: &Value, value: &Value, path: &str, causes: &mut Vec<Cause>) {
    let parts = |name: &str| schema.get(name).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let passes = |part: &&Value| {
        let mut found = Vec::new();
        of_schema(part, value, path, &mut found);
        found.is_empty()
    };
    let mut say = |why: String| causes.push(Cause::invalid(path, &Value::String(String::new()), &why));
    let (any, one) = (parts("anyOf"), parts("oneOf"));
    if !any.is_empty() && !any.iter().any(|part| passes(&part)) {
        say(format!("{path:?} must validate at least one schema (anyOf)"));
    }
    if !one.is_empty() {
        match one.iter().filter(passes).count() {
            1 => {}
            0 => say(format!("{path:?} must validate one and only one schema (oneOf). Found none valid")),
            some => say(format!(
                "{path:?} must validate one and only one schema (oneOf). Found {some} valid alternatives"
            )),
        }
    }
    if schema.get("not").is_some_and(|part| passes(&part)) {
        say(format!("{path:?} must not validate the schema (not)"));
    }
    if parts("allOf").iter().any(|part| !passes(&part)) {
        for part in parts("allOf") {
            of_schema(part, value, path, causes);
        }
        causes.push(Cause::invalid(
            path,
            &Value::String(String::new()),
            &format!("{path:?} must validate all the schemas (allOf)"),
        ));
    }
}

fn of_map(schema: &Value, fields: &Map<String, Value>, path: &str, causes: &mut Vec<Cause>) {
    let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    let required = schema.get("required").and_then(Value::as_array);
    for name in required.into_iter().flatten().filter_map(Value::as_str) {
        if !fields.contains_key(name) {
            causes.push(Cause::required(below(name)));
        }
    }
    if let Some(least) = count(schema, "minProperties").filter(|least| fields.len() < *least) {
        let why = format!("{path} in body should have at least {least} properties");
        causes.push(Cause::invalid(path, &fields.len().into(), &why));
    }
    if let Some(most) = count(schema, "maxProperties").filter(|most| fields.len() > *most) {
        causes.push(too_many(path, fields.len(), most));
    }
    let known = schema.get("properties");
    let others = schema.get("additionalProperties").filter(|part| part.is_object());
    for (name, field) in fields {
        // Fields that the server itself looks after.
        if path.is_empty() && matches!(name.as_str(), "apiVersion" | "kind" | "metadata") {
            continue;
        }
        if let Some(part) = known.and_then(|known| known.get(name)).or(others) {
            of_schema(part, field, &below(name), causes);
        }
    }
}

fn too_many(path: &str, found: usize, most: usize) -> Cause {
    let items = if most == 1 { "item" } else { "items" };
    let message = format!("Too many: {found}: must have at most {most} {items}");
    Cause { reason: "FieldValueTooMany", field: path.to_owned(), message }
}

fn of_list(schema: &Value, items: &[Value], path: &str, causes: &mut Vec<Cause>) {
    if let Some(most) = count(schema, "maxItems").filter(|most| items.len() > *most) {
        causes.push(too_many(path, items.len(), most));
    }
    if let Some(least) = count(schema, "minItems").filter(|least| items.len() < *least) {
        let why = format!("{path} in body should have at least {least} items");
        causes.push(Cause::invalid(path, &items.len().into(), &why));
    }
    if let Some(part) = schema.get("items") {
        for (index, item) in items.iter().enumerate() {
            of_schema(part, item, &format!("{path}[{index}]"), causes);
        }
    }
    let keys: Option<Vec<&str>> = match schema.get("x-kubernetes-list-type").and_then(Value::as_str) {
        Some("set") => Some(Vec::new()),
        Some("map") => {
            let keys = schema.get("x-kubernetes-list-map-keys").and_then(Value::as_array);
            Some(keys.into_iter().flatten().filter_map(Value::as_str).collect())
        }
        _ => None,
    };
    let Some(keys) = keys else { return };
    let mut seen: Vec<Element> = Vec::new();
    for (index, item) in items.iter().enumerate() {
        let name = if keys.is_empty() {
            item.clone()
        } else {
            let fields = keys.iter().filter_map(|key| Some(((*key).to_owned(), item.get(key)?.clone())));
            Value::Object(fields.collect())
        };
        let element = Element::Value(name.clone());
        if seen.contains(&element) {
            causes.push(Cause {
                reason: "FieldValueDuplicate",
                field: format!("{path}[{index}]"),
                message: format!("Duplicate value: {}", shown(&name)),
            });
        } else {
            seen.push(element);
        }
    }
}

/// The first thing wrong with a text; the server looks no further.
fn of_text(schema: &Value, text: &str, path: &str, causes: &mut Vec<Cause>) {
    let value = Value::String(text.to_owned());
    let length = text.chars().count();
    let pattern = schema.get("pattern").and_then(Value::as_str);
    let fails = |pattern: &&str| regex::Regex::new(pattern).is_ok_and(|pattern| !pattern.is_match(text));
    if let Some(most) = count(schema, "maxLength").filter(|most| length > *most) {
        let bytes = if most == 1 { "byte" } else { "bytes" };
        let message = format!("Too long: may not be more than {most} {bytes}");
        causes.push(Cause { reason: "FieldValueTooLong", field: path.to_owned(), message });
    } else if let Some(least) = count(schema, "minLength").filter(|least| length < *least) {
        let why = format!("{path} in body should be at least {least} chars long");
        causes.push(Cause::invalid(path, &value, &why));
    } else if let Some(pattern) = pattern.filter(fails) {
        causes.push(Cause::invalid(path, &value, &format!("{path} in body should match '{pattern}'")));
    }
    let format = schema.get("format").and_then(Value::as_str);
    if format == Some("date-time") && text.parse::<jiff::Timestamp>().is_err() {
        causes.push(Cause::mistyped(path, "date-time", text));
    }
}

fn of_number(schema: &Value, value: &Value, path: &str, causes: &mut Vec<Cause>) {
    let found = value.as_f64().unwrap_or_default();
    let flag = |name: &str| schema.get(name).and_then(Value::as_bool).unwrap_or_default();
    let mut say =
        |why: String| causes.push(Cause::invalid(path, value, &format!("{path} in body should be {why}")));
    if let Some(most) = number(schema, "maximum") {
        if flag("exclusiveMaximum") && found >= most {
            say(format!("less than {most}"));
        } else if found > most {
            say(format!("less than or equal to {most}"));
        }
    }
    if let Some(least) = number(schema, "minimum") {
        if flag("exclusiveMinimum") && found <= least {
            say(format!("greater than {least}"));
        } else if found < least {
            say(format!("greater than or equal to {least}"));
        }
    }
    if let Some(of) = number(schema, "multipleOf").filter(|of| *of > 0.0)
        && found % of != 0.0
    {
        say(format!("a multiple of {of}"));
    }
}
