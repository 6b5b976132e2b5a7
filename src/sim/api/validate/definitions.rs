//! Definitions of custom resources.

use serde_json::Value;

use crate::sim::api::json::{flag, holds, items, text};
use crate::sim::api::status::causes;
use crate::sim::fields::Cause;
use crate::sim::json::At as _;

pub(super) fn definition(new: &Value) -> Vec<Cause> {
    let mut wrong = Vec::new();
    let (plural, group) = (text(new, "/spec/names/plural"), text(new, "/spec/group"));
    let name = text(new, "/metadata/name");
    if name != format!("{plural}.{group}") {
        let why = "must be spec.names.plural+\".\"+spec.group";
        wrong.push(causes::invalid("metadata.name", &name.into(), why));
    }
    if group.is_empty() {
        wrong.push(causes::required("spec.group", ""));
    } else if group.split('.').count() < 2 {
        let why = "should be a domain with at least one dot";
        wrong.push(causes::invalid("spec.group", &group.into(), why));
    }
    let scope = text(new, "/spec/scope");
    match scope {
        "Namespaced" | "Cluster" => {}
        "" => wrong.push(causes::required("spec.scope", "")),
        other => {
            let known = ["Cluster", "Namespaced"];
            wrong.push(causes::not_supported("spec.scope", &other.into(), &known));
        }
    }
    let versions: Vec<&Value> = items(new, "/spec/versions").collect();
    for (n, version) in versions.iter().enumerate() {
        if version.at("/schema/openAPIV3Schema").is_none_or(Value::is_null) {
            let field = format!("spec.versions[{n}].schema.openAPIV3Schema");
            wrong.push(causes::required(field, "schemas are required"));
        }
    }
    let stored = versions.iter().filter(|version| flag(version, "/storage")).count();
    if stored != 1 {
        let all = new.at("/spec/versions").cloned().unwrap_or_default();
        let why = "must have exactly one version marked as storage version";
        wrong.push(causes::invalid("spec.versions", &all, why));
    }
    for (field, path) in [("plural", "/spec/names/plural"), ("kind", "/spec/names/kind")] {
        if text(new, path).is_empty() {
            wrong.push(causes::required(format!("spec.names.{field}"), ""));
        }
    }
    wrong
}

/// What can't change once a kind is served.
pub(super) fn changed(live: &Value, new: &Value) -> Vec<Cause> {
    let mut wrong = Vec::new();
    let mut fixed = vec!["spec.group", "spec.names.plural"];
    if holds(live, "Established") {
        fixed.extend(["spec.scope", "spec.names.kind"]);
    }
    for field in fixed {
        let path = format!("/{}", field.replace('.', "/"));
        if text(live, &path) != text(new, &path) {
            wrong.push(causes::invalid(field, &text(new, &path).into(), "field is immutable"));
        }
    }
    for stored in items(live, "/status/storedVersions") {
        if !items(new, "/spec/versions").any(|version| version.get("name") == Some(stored)) {
            let field = "status.storedVersions";
            let at = items(live, "/status/storedVersions").position(|s| s == stored).unwrap_or_default();
            let why = format!(
                "missing from spec.versions; {} was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in {} and removes {} from status.storedVersions",
                stored.as_str().unwrap_or_default(),
                stored.as_str().unwrap_or_default(),
                stored.as_str().unwrap_or_default()
            );
            wrong.push(causes::invalid(format!("{field}[{at}]"), stored, &why));
        }
    }
    wrong
}
