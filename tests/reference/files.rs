//! A page for each kind of file, from its JSON Schema: every field with its form and its default.

use std::collections::BTreeMap;

use serde_json::Value;
use tidegate::model::{Kind, schema};

use super::{cell, head};

/// The pages of all kinds, and by what file each is written.
pub fn pages() -> BTreeMap<String, String> {
    Kind::ALL.into_iter().map(|kind| (format!("{}.md", kind.as_str().to_lowercase()), page(kind))).collect()
}

fn page(kind: Kind) -> String {
    let schema = schema::of(kind);
    let mut page = head(
        kind.as_str(),
        &format!(
            "Every field of `kind: {kind}`, as `tidegate schema get {kind}` has it. \
             [Files](../files.md) explains them with an example."
        ),
    );
    // One section for each object, in the order in which they are met.
    let mut open = vec![(String::new(), schema.clone())];
    let mut seen: Vec<String> = Vec::new();
    while !open.is_empty() {
        let (path, object) = open.remove(0);
        let mut later = Vec::new();
        let rows = rows(&schema, &path, &object, &mut later);
        if rows.is_empty() {
            continue;
        }
        let title = if path.is_empty() { "the file".to_owned() } else { format!("`{path}`") };
        page.push_str(&format!("## {title}\n\n"));
        if !path.is_empty()
            && let Some(about) = object["description"].as_str()
        {
            page.push_str(&format!("{}\n\n", cell(about)));
        }
        page.push_str(&format!("| field | form | meaning |\n| --- | --- | --- |\n{}\n\n", rows.join("\n")));
        for (path, object) in later {
            // An object that several fields have is told once.
            let key = object.to_string();
            if !seen.contains(&key) {
                seen.push(key);
                open.push((path, object));
            }
        }
    }
    page.trim_end().to_owned() + "\n"
}

/// The fields of an object; what is an object itself, or a list or map of such, is told later.
fn rows(root: &Value, path: &str, object: &Value, later: &mut Vec<(String, Value)>) -> Vec<String> {
    let mut rows = Vec::new();
    let required: Vec<&str> =
        object["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let variants = object["oneOf"].as_array().into_iter().flatten();
    let alternatives: Vec<&Value> = variants.filter(|v| v["properties"].is_object()).collect();
    for (object, one_of) in
        std::iter::once((object, false)).chain(alternatives.into_iter().map(|v| (v, true)))
    {
        for (name, field) in object["properties"].as_object().into_iter().flatten() {
            let below = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            let form = form(root, field, &below, later);
            let mut about = text(root, if one_of { object } else { field });
            if let Some(default) = plain_default(&field["default"]) {
                about = format!("{}. Default: `{default}`", about.trim_end_matches('.'));
            } else if one_of {
                about = format!("{}. One of these", about.trim_end_matches('.'));
            } else if required.contains(&name.as_str()) {
                about = format!("{}. Needed", about.trim_end_matches('.'));
            }
            rows.push(format!("| `{name}` | {} | {} |", cell(&form), cell(&about)));
        }
    }
    rows
}

/// What is said of a field: its own words, else those of its type.
fn text(root: &Value, field: &Value) -> String {
    let own = field["description"].as_str();
    let inner = resolve(root, field);
    own.or_else(|| inner["description"].as_str()).unwrap_or_default().to_owned()
}

/// A default worth a word: nothing that says "absent".
fn plain_default(default: &Value) -> Option<String> {
    match default {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(true) => Some("true".to_owned()),
        _ => None,
    }
}

/// Behind references, wrappers of one and alternatives with null.
fn resolve<'a>(root: &'a Value, schema: &'a Value) -> &'a Value {
    if let Some(reference) = schema["$ref"].as_str() {
        let name = reference.trim_start_matches("#/definitions/");
        return resolve(root, &root["definitions"][name]);
    }
    for key in ["allOf", "anyOf"] {
        if let Some(parts) = schema[key].as_array() {
            let real: Vec<&Value> = parts.iter().filter(|part| part["type"] != "null").collect();
            if let [one] = real[..] {
                return resolve(root, one);
            }
        }
    }
    schema
}

/// Forms that docs/files.md explains, by the name of their type.
fn named(field: &Value) -> Option<&'static str> {
    if let Some(reference) = field["$ref"].as_str() {
        return Some(match reference.trim_start_matches("#/definitions/") {
            "Cap" => "[cap](../files.md#how-values-are-written)",
            "Budget" => "[budget](../files.md#how-values-are-written)",
            "Duration" => "[duration](../files.md#how-values-are-written)",
            "Selector" => "[selector](../files.md#how-values-are-written)",
            "Version" => "[version](../files.md#how-values-are-written)",
            "VersionRange" | "KubernetesRange" => "[range](../files.md#how-values-are-written)",
            _ => return None,
        });
    }
    let parts = field["allOf"].as_array().or_else(|| field["anyOf"].as_array())?;
    parts.iter().find_map(named)
}

/// The form of a value, in words.
fn form(root: &Value, field: &Value, path: &str, later: &mut Vec<(String, Value)>) -> String {
    if let Some(known) = named(field) {
        return known.to_owned();
    }
    let inner = resolve(root, field);
    if let Some(constant) = inner["const"].as_str() {
        return format!("`{constant}`");
    }
    if let Some(words) = words(inner) {
        return words;
    }
    if inner["properties"].is_object() || has_variants(inner) {
        later.push((path.to_owned(), inner.clone()));
        return "object".to_owned();
    }
    if let Some(parts) = inner["anyOf"].as_array().or_else(|| inner["oneOf"].as_array()) {
        let forms: Vec<String> = parts.iter().map(|part| form(root, part, path, later)).collect();
        return forms.join(" or ");
    }
    let types = &inner["type"];
    let kind = types.as_str().or_else(|| {
        types.as_array().into_iter().flatten().filter_map(Value::as_str).find(|kind| *kind != "null")
    });
    match kind {
        Some("array") => {
            format!("list of {}", plural(&form(root, &inner["items"], &format!("{path}[]"), later)))
        }
        Some("object") if inner["additionalProperties"].is_object() => {
            let values = form(root, &inner["additionalProperties"], &format!("{path}.*"), later);
            format!("map to {}", plural(&values))
        }
        Some("object") => "map".to_owned(),
        Some("string") => match inner["pattern"].as_str() {
            Some(pattern) => format!("text like `{pattern}`"),
            None => "text".to_owned(),
        },
        Some("integer") => "whole number".to_owned(),
        Some("number") => "number".to_owned(),
        Some("boolean") => "`true` or `false`".to_owned(),
        Some(other) => other.to_owned(),
        None => "any value".to_owned(),
    }
}

fn plural(form: &str) -> String {
    match form {
        "object" => "objects".to_owned(),
        "text" => "texts".to_owned(),
        other => other.to_owned(),
    }
}

fn has_variants(schema: &Value) -> bool {
    schema["oneOf"].as_array().is_some_and(|all| all.iter().any(|v| v["properties"].is_object()))
}

/// The words of an enumeration.
fn words(schema: &Value) -> Option<String> {
    let quoted = |list: Vec<&str>| list.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
    if let Some(list) = schema["enum"].as_array() {
        return Some(quoted(list.iter().filter_map(Value::as_str).collect()));
    }
    let list = schema["oneOf"].as_array()?;
    let words: Vec<&str> = list.iter().filter_map(|v| v["const"].as_str()).collect();
    (!words.is_empty() && words.len() == list.len()).then(|| quoted(words))
}
