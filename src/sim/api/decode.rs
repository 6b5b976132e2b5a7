//! Reading what a client sends: its form, its kind, and fields that nobody knows.

use base64::Engine as _;
use serde_json::Value;

use super::json::{text, without_nulls};
use super::media;
use super::status::{Fault, Outcome, causes};
use super::target::{Target, Validation};
use crate::sim::fields::Schema;
use crate::sim::json;
use crate::sim::kinds::Resource;

/// The schema of a resource's objects.
pub(super) fn schema_of(resource: &Resource) -> Schema {
    match &resource.defined {
        Some(defined) => defined.schema.clone(),
        None => Schema::builtin(&resource.group, &resource.version, &resource.kind).unwrap_or_else(anything),
    }
}

/// The schema of a kind of which nothing is known.
fn anything() -> Schema {
    Schema::of_definition(
        &serde_json::json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true}),
    )
}

/// The object in a request's body, and what a client is to be warned of.
pub(super) fn object(
    target: &Target<'_>,
    schema: &Schema,
    validation: Validation,
) -> Outcome<(Value, Vec<String>)> {
    media::check_content(&target.request)?;
    let resource = &target.resource;
    let mut object = parse(target.request.body, &resource.kind)?;
    let (version, kind) = (text(&object, "/apiVersion").to_owned(), text(&object, "/kind").to_owned());
    let unregistered = !version.is_empty() && {
        let (group, v) = version.rsplit_once('/').unwrap_or(("", &version));
        group == &*resource.group && !is_registered(group, v)
    };
    if !kind.is_empty() && (kind != *resource.kind || unregistered) && resource.defined.is_none() {
        return Err(other_kind(resource, &version, &kind));
    }
    if resource.defined.is_some() && !kind.is_empty() && kind != *resource.kind {
        let wrong = causes::invalid("kind", &kind.as_str().into(), &format!("must be {}", resource.kind));
        return Err(Fault::invalid_kind(
            &resource.group,
            &kind,
            text(&object, "/metadata/name"),
            vec![wrong],
        ));
    }
    if !version.is_empty() && version != resource.api_version() {
        return Err(Fault::bad_request(format!(
            "the API version in the data ({version}) does not match the expected API version ({})",
            resource.api_version()
        )));
    }
    if let Some(defined) = &resource.defined
        && defined.has_schema
        && (kind.is_empty() || version.is_empty())
    {
        let what = if kind.is_empty() { "kind" } else { "apiVersion" };
        let body = String::from_utf8_lossy(target.request.body);
        return Err(Fault::bad_request(format!(
            "the object provided is unrecognized (must be of type {}): Object '{}' is missing in '{body}' ({})",
            resource.kind,
            if what == "kind" { "Kind" } else { what },
            summary(target.request.body),
        )));
    }
    if resource.defined.is_none() {
        without_nulls(&mut object);
        without_empties(&mut object);
    }
    typed(resource, &mut object);
    if let Some(why) = schema.undecodable(&object) {
        return Err(Fault::bad_request(format!(
            "{} in version \"{}\" cannot be handled as a {}: {why}",
            resource.kind, resource.version, resource.kind
        )));
    }
    if resource.is("", "secrets")
        && let Some(data) = object.get("data").and_then(Value::as_object)
    {
        for value in data.values() {
            if let Err(error) =
                base64::engine::general_purpose::STANDARD.decode(value.as_str().unwrap_or_default())
            {
                return Err(Fault::bad_request(format!(
                    "Secret in version \"v1\" cannot be handled as a Secret: {error}"
                )));
            }
        }
    }
    if resource.is("coordination.k8s.io", "leases") {
        for path in ["/spec/renewTime", "/spec/acquireTime"] {
            let time = text(&object, path);
            if !time.is_empty() && time.parse::<jiff::Timestamp>().is_err() {
                return Err(Fault::bad_request(format!(
                    "Lease in version \"v1\" cannot be handled as a Lease: parsing time {0} as \"2006-01-02T15:04:05.000000Z07:00\": cannot parse {0} as \"2006\"",
                    causes::quoted(time)
                )));
            }
        }
    }
    let warnings = unknown(resource, schema, &mut object, validation)?;
    Ok((object, warnings))
}

/// Sets the kind and version that a path implies.
pub(super) fn typed(resource: &Resource, object: &mut Value) {
    if let Some(fields) = object.as_object_mut() {
        fields.insert("apiVersion".to_owned(), resource.api_version().into());
        fields.insert("kind".to_owned(), (&*resource.kind).into());
    }
}

/// Takes away what a real server drops when it writes: empty maps and lists of metadata and data.
pub(super) fn without_empties(object: &mut Value) {
    let is_empty = |value: &Value| match value {
        Value::Object(map) => map.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::String(text) => text.is_empty(),
        Value::Null => true,
        _ => false,
    };
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.retain(|_, value| !is_empty(value));
    }
    if let Some(fields) = object.as_object_mut() {
        for key in ["data", "stringData", "binaryData"] {
            if fields.get(key).is_some_and(is_empty) {
                fields.shift_remove(key);
            }
        }
    }
}

/// Refuses, warns of, or passes over fields that the schema does not know, and takes them away.
pub(super) fn unknown(
    resource: &Resource,
    schema: &Schema,
    object: &mut Value,
    validation: Validation,
) -> Outcome<Vec<String>> {
    let unknown = schema.unknown_fields(object);
    if unknown.is_empty() {
        return Ok(Vec::new());
    }
    let said: Vec<String> = unknown.iter().map(|field| format!("unknown field \"{field}\"")).collect();
    if validation == Validation::Strict {
        return Err(Fault::bad_request(format!(
            "{} in version \"{}\" cannot be handled as a {}: strict decoding error: {}",
            resource.kind,
            resource.version,
            resource.kind,
            said.join(", ")
        )));
    }
    *object = schema.without_unknown(std::mem::take(object));
    Ok(if validation == Validation::Warn { said } else { Vec::new() })
}

/// A body as JSON; YAML is read too.
pub(super) fn parse(body: &[u8], kind: &str) -> Outcome<Value> {
    match json::parse(body) {
        Ok(object @ Value::Object(_)) => Ok(object),
        Ok(other) => Err(unrecognized(
            body,
            kind,
            &format!(
                "couldn't get version/kind; json parse error: json: cannot unmarshal {} into Go value of type struct {{ APIVersion string \"json:\\\"apiVersion,omitempty\\\"\"; Kind string \"json:\\\"kind,omitempty\\\"\" }}",
                go_type(&other)
            ),
        )),
        Err(error) => match yaml(body) {
            Some(object) => Ok(object),
            None => {
                let why = format!("couldn't get version/kind; json parse error: {}", go_error(body, &error));
                Err(unrecognized(body, kind, &why))
            }
        },
    }
}

/// A body as YAML, if it is a mapping.
pub(super) fn yaml(body: &[u8]) -> Option<Value> {
    let text = std::str::from_utf8(body).ok().filter(|text| !text.trim_start().starts_with(['{', '[']))?;
    serde_saphyr::from_str::<Value>(text).ok().filter(Value::is_object)
}

fn unrecognized(body: &[u8], kind: &str, why: &str) -> Fault {
    Fault::bad_request(format!(
        "the object provided is unrecognized (must be of type {kind}): {why} ({})",
        summary(body)
    ))
}

/// The beginning of a body, as messages quote it.
fn summary(body: &[u8]) -> String {
    match body.first() {
        None => "<empty>".to_owned(),
        Some(first) => {
            let start = body.get(..30).unwrap_or(body);
            let text =
                if *first == b'{' { String::from_utf8_lossy(start).into_owned() } else { hex::encode(start) };
            if body.len() > 30 { format!("{text} ...") } else { text }
        }
    }
}

/// What Go calls the type of a JSON value.
pub(super) fn go_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// A syntax error in Go's words.
pub(super) fn go_error(body: &[u8], error: &serde_json::Error) -> String {
    if error.is_eof() {
        return "unexpected end of JSON input".to_owned();
    }
    let lines = body.split_inclusive(|b| *b == b'\n');
    let before: usize = lines.take(error.line().saturating_sub(1)).map(<[u8]>::len).sum();
    let at = before + error.column().saturating_sub(1);
    let found = body.get(at).copied().map_or('?', char::from);
    let quoted = if found == '\'' { "'\\''".to_owned() } else { format!("'{found}'") };
    let said = error.to_string();
    let place = if said.starts_with("key must be a string") || said.starts_with("trailing comma") {
        "looking for beginning of object key string"
    } else if said.starts_with("expected `:`") {
        "after object key"
    } else if said.starts_with("expected `,` or `}`") {
        "after object key:value pair"
    } else if said.starts_with("expected `,` or `]`") {
        "after array element"
    } else if said.starts_with("trailing") {
        "after top-level value"
    } else {
        "looking for beginning of value"
    };
    format!("invalid character {quoted} {place}")
}

fn other_kind(resource: &Resource, version: &str, kind: &str) -> Fault {
    let (group, v) = version.rsplit_once('/').unwrap_or(("", version));
    if is_registered(group, v) && Schema::builtin(group, v, kind).is_some() {
        return Fault::bad_request(format!(
            "{kind} in version \"{v}\" cannot be handled as a {}: converting ({}) to ({}): unknown conversion",
            resource.kind,
            go_name(group, v, kind),
            go_name(&resource.group, "", &resource.kind),
        ));
    }
    Fault::bad_request(format!(
        "{kind} in version \"{v}\" cannot be handled as a {}: no kind \"{kind}\" is registered for version \"{version}\" in scheme \"pkg/runtime/scheme.go:111\"",
        resource.kind
    ))
}

/// Whether a real server has ever known this version of a built-in group.
pub(super) fn is_registered(group: &str, version: &str) -> bool {
    match group {
        "" => version == "v1",
        "autoscaling" => matches!(version, "v1" | "v2"),
        "apps" => matches!(version, "v1" | "v1beta1" | "v1beta2"),
        _ => matches!(version, "v1" | "v1beta1"),
    }
}

fn go_name(group: &str, version: &str, kind: &str) -> String {
    let package = match (version, group) {
        ("", "") => "core",
        ("", group) => group.split('.').next().unwrap_or_default(),
        (version, _) => version,
    };
    format!("{package}.{kind}")
}
