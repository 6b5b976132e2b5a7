//! The table of the built-in kinds' schemas, `src/sim/fields/schemas.txt`, made from what a real API
//! server says of itself: names, types and merge rules, none of its prose. How the table reads stands
//! in `src/sim/fields/table.rs`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use serde_json::Value;

/// The group versions whose kinds the table has, as paths under `/openapi/v3/`.
pub const GROUP_VERSIONS: [&str; 21] = [
    "api/v1",
    "apis/admissionregistration.k8s.io/v1",
    "apis/apiextensions.k8s.io/v1",
    "apis/apiregistration.k8s.io/v1",
    "apis/apps/v1",
    "apis/authentication.k8s.io/v1",
    "apis/authorization.k8s.io/v1",
    "apis/autoscaling/v1",
    "apis/autoscaling/v2",
    "apis/batch/v1",
    "apis/certificates.k8s.io/v1",
    "apis/coordination.k8s.io/v1",
    "apis/discovery.k8s.io/v1",
    "apis/events.k8s.io/v1",
    "apis/flowcontrol.apiserver.k8s.io/v1",
    "apis/networking.k8s.io/v1",
    "apis/node.k8s.io/v1",
    "apis/policy/v1",
    "apis/rbac.authorization.k8s.io/v1",
    "apis/scheduling.k8s.io/v1",
    "apis/storage.k8s.io/v1",
];

/// What a server says of [`GROUP_VERSIONS`].
pub async fn documents(client: &kube::Client) -> Vec<Value> {
    let mut documents = Vec::new();
    for path in GROUP_VERSIONS {
        let request = http::Request::get(format!("/openapi/v3/{path}")).body(Vec::new()).unwrap();
        documents.push(client.request(request).await.unwrap());
    }
    documents
}

/// The table, from the documents that [`GROUP_VERSIONS`] name.
pub fn table(documents: &[Value]) -> String {
    let mut types: BTreeMap<String, &Value> = BTreeMap::new();
    let mut kinds: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let served: BTreeSet<&str> = GROUP_VERSIONS
        .iter()
        .map(|path| path.trim_start_matches("apis/").trim_start_matches("api/"))
        .collect();
    for document in documents {
        for (name, schema) in document["components"]["schemas"].as_object().into_iter().flatten() {
            let short = short(name);
            types.insert(short.clone(), schema);
            for kind in schema["x-kubernetes-group-version-kind"].as_array().into_iter().flatten() {
                let text = |field: &str| kind[field].as_str().unwrap_or_default();
                let version = match text("group") {
                    "" => text("version").to_owned(),
                    group => format!("{group}/{}", text("version")),
                };
                let plain = !short.starts_with("meta.") && !text("kind").ends_with("List");
                if plain && served.contains(version.as_str()) {
                    kinds.entry(short.clone()).or_default().insert(format!("{version}/{}", text("kind")));
                }
            }
        }
    }
    let mut wanted: Vec<String> = kinds.keys().cloned().collect();
    let mut lines: BTreeMap<String, String> = BTreeMap::new();
    while let Some(name) = wanted.pop() {
        let Some(schema) = types.get(&name) else { continue };
        if lines.contains_key(&name) {
            continue;
        }
        let line = line(&name, schema, kinds.get(&name), &mut wanted);
        lines.insert(name, line);
    }
    lines.into_values().collect()
}

fn line(name: &str, schema: &Value, kinds: Option<&BTreeSet<String>>, wanted: &mut Vec<String>) -> String {
    let mut line = name.to_owned();
    if schema["x-kubernetes-map-type"] == "atomic" {
        line.push('@');
    }
    if let Some(kinds) = kinds {
        let kinds: Vec<&str> = kinds.iter().map(String::as_str).collect();
        let _ = write!(line, " <{}>", kinds.join(","));
    }
    let Some(fields) = schema["properties"].as_object() else {
        let of = match name {
            "resource.Quantity" => "q".to_owned(),
            "runtime.RawExtension" => "any".to_owned(),
            "intstr.IntOrString" => "u".to_owned(),
            _ => expression(schema, wanted),
        };
        let _ = writeln!(line, " ={of}");
        return line;
    };
    let required: Vec<&str> =
        schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    for (field, of) in fields {
        let mark = if required.contains(&field.as_str()) { "!" } else { "" };
        let _ = write!(line, " {field}{mark}:{}", expression(of, wanted));
        if let Some(default) = of.get("default") {
            let _ = write!(line, "={}", default.to_string().replace(' ', "\\u0020"));
        }
    }
    line.push('\n');
    line
}

fn expression(schema: &Value, wanted: &mut Vec<String>) -> String {
    let one = schema["allOf"].as_array().filter(|all| all.len() == 1).and_then(|all| all[0]["$ref"].as_str());
    if let Some(reference) = schema["$ref"].as_str().or(one) {
        let name = short(reference.rsplit('/').next().unwrap_or(reference));
        wanted.push(name.clone());
        return if schema["x-kubernetes-map-type"] == "atomic" { format!("{name}@") } else { name };
    }
    match (schema["type"].as_str(), schema["format"].as_str()) {
        (Some("string"), Some("date-time")) => "t".to_owned(),
        (Some("string"), Some("byte")) => "y".to_owned(),
        (Some("string"), Some("int-or-string")) => "u".to_owned(),
        (Some("string"), _) => {
            let allowed: Vec<&str> =
                schema["enum"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            let plain =
                allowed.iter().all(|text| text.chars().all(|c| c.is_alphanumeric() || "-_./".contains(c)));
            if allowed.is_empty() || !plain { "s".to_owned() } else { format!("s({})", allowed.join("|")) }
        }
        (Some("integer"), Some("int64")) => "l".to_owned(),
        (Some("integer"), _) => "i".to_owned(),
        (Some("number"), _) => "n".to_owned(),
        (Some("boolean"), _) => "b".to_owned(),
        (Some("array"), _) => format!("[{}]{}", items_by(schema), expression(&schema["items"], wanted)),
        (Some("object"), _) => {
            let whole = if schema["x-kubernetes-map-type"] == "atomic" { "@" } else { "" };
            let of = schema.get("additionalProperties").filter(|of| of.is_object());
            let of = of.map_or_else(|| "free".to_owned(), |of| expression(of, wanted));
            format!("{{{whole}}}{of}")
        }
        _ => "free".to_owned(),
    }
}

fn items_by(schema: &Value) -> String {
    let key = schema["x-kubernetes-patch-merge-key"].as_str();
    let merged = schema["x-kubernetes-patch-strategy"].as_str().is_some_and(|s| s.contains("merge"));
    let mut by = match schema["x-kubernetes-list-type"].as_str() {
        Some("set") => "set".to_owned(),
        Some("map") => {
            let keys = schema["x-kubernetes-list-map-keys"].as_array().into_iter().flatten();
            keys.filter_map(Value::as_str).collect::<Vec<_>>().join(",")
        }
        None if merged => key.unwrap_or("set").to_owned(),
        _ => String::new(),
    };
    if merged {
        let _ = write!(by, "~{}", key.unwrap_or_default());
    }
    by
}

/// `io.k8s.api.apps.v1.Deployment` as `apps.v1.Deployment`.
fn short(name: &str) -> String {
    let parts: Vec<&str> = name.split('.').collect();
    let version = parts.len().checked_sub(2).and_then(|at| parts.get(at)).copied().unwrap_or_default();
    let versioned = version.starts_with('v') && version[1..].starts_with(|c: char| c.is_ascii_digit());
    let kept = if versioned { 3 } else { 2 };
    parts[parts.len().saturating_sub(kept)..].join(".")
}
