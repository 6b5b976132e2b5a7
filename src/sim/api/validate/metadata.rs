//! Metadata: names, labels, annotations, finalizers, owners.

use serde_json::Value;

use crate::sim::api::json::{items, same, text};
use crate::sim::api::names;
use crate::sim::api::status::causes;
use crate::sim::fields::Cause;
use crate::sim::json::At as _;
use crate::sim::kinds::Resource;

/// How many bytes all annotations of an object may have together.
const ANNOTATIONS: usize = 256 * 1024;

pub(super) fn created(resource: &Resource, new: &Value) -> Vec<Cause> {
    let mut wrong = Vec::new();
    let check = names::check_of(&resource.group, &resource.plural);
    let prefix = text(new, "/metadata/generateName");
    if !prefix.is_empty() {
        // What is generated ends with letters, so that a dash before them is right.
        let masked = if prefix.ends_with('-') {
            format!("{}a", prefix.trim_end_matches('-'))
        } else {
            prefix.to_owned()
        };
        for why in check(&masked) {
            wrong.push(causes::invalid("metadata.generateName", &prefix.into(), &why));
        }
    }
    let name = text(new, "/metadata/name");
    if name.is_empty() {
        wrong.push(causes::required("metadata.name", "name or generateName is required"));
    } else {
        for why in check(name) {
            wrong.push(causes::invalid("metadata.name", &name.into(), &why));
        }
    }
    if !resource.namespaced && !text(new, "/metadata/namespace").is_empty() {
        wrong.push(causes::forbidden("metadata.namespace", "not allowed on this type"));
    }
    wrong.extend(common(resource, new));
    wrong
}

pub(super) fn changed(resource: &Resource, live: &Value, new: &Value) -> Vec<Cause> {
    let mut wrong = common(resource, new);
    if live.at("/metadata/deletionTimestamp").is_some() {
        let before: Vec<&Value> = items(live, "/metadata/finalizers").collect();
        let mut more: Vec<String> = items(new, "/metadata/finalizers")
            .filter(|finalizer| !before.contains(finalizer))
            .map(|finalizer| causes::quoted(finalizer.as_str().unwrap_or_default()))
            .collect();
        more.sort();
        if !more.is_empty() {
            let why = format!(
                "no new finalizers can be added if the object is being deleted, found new finalizers []string{{{}}}",
                more.join(", ")
            );
            wrong.push(causes::forbidden("metadata.finalizers", &why));
        }
    }
    for field in ["name", "namespace", "uid", "creationTimestamp"] {
        let path = format!("/metadata/{field}");
        if !same(live.at(&path), new.at(&path)) {
            let value = new.at(&path).cloned().unwrap_or_default();
            wrong.push(causes::invalid(format!("metadata.{field}"), &value, "field is immutable"));
        }
    }
    wrong
}

fn common(resource: &Resource, new: &Value) -> Vec<Cause> {
    let mut wrong = Vec::new();
    let map = |path: &str| new.at(path).and_then(Value::as_object).into_iter().flatten();
    for (key, value) in map("/metadata/labels") {
        for why in names::qualified(key) {
            wrong.push(causes::invalid("metadata.labels", &key.as_str().into(), &why));
        }
        for why in names::label_value(value.as_str().unwrap_or_default()) {
            wrong.push(causes::invalid("metadata.labels", value, &why));
        }
    }
    let mut size = 0;
    for (key, value) in map("/metadata/annotations") {
        for why in names::qualified(&key.to_lowercase()) {
            wrong.push(causes::invalid("metadata.annotations", &key.as_str().into(), &why));
        }
        size += key.len() + value.as_str().unwrap_or_default().len();
    }
    if size > ANNOTATIONS {
        wrong.push(causes::too_long("metadata.annotations", ANNOTATIONS));
    }
    for owner in items(new, "/metadata/ownerReferences") {
        for (field, path) in
            [("apiVersion", "/apiVersion"), ("kind", "/kind"), ("name", "/name"), ("uid", "/uid")]
        {
            if text(owner, path).is_empty() {
                let field = format!("metadata.ownerReferences.{field}");
                let why =
                    if path == "/apiVersion" { "version must not be empty" } else { "must not be empty" };
                wrong.push(causes::invalid(field, &"".into(), why));
            }
        }
    }
    for finalizer in items(new, "/metadata/finalizers") {
        let name = finalizer.as_str().unwrap_or_default();
        for why in names::qualified(name) {
            wrong.push(causes::invalid("metadata.finalizers", finalizer, &why));
        }
    }
    let extensions = matches!(&*resource.group, "apiextensions.k8s.io" | "apiregistration.k8s.io");
    if resource.defined.is_none() && !extensions {
        for (n, finalizer) in items(new, "/metadata/finalizers").enumerate() {
            let name = finalizer.as_str().unwrap_or_default();
            if !name.contains('/') && !matches!(name, "kubernetes" | "orphan" | "foregroundDeletion") {
                let why = "name is neither a standard finalizer name nor is it fully qualified";
                wrong.push(causes::invalid(format!("metadata.finalizers[{n}]"), finalizer, why));
            }
        }
    }
    wrong
}
