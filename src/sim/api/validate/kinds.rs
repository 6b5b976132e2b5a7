//! Everything else that platforms are made of.

use base64::Engine as _;
use serde_json::Value;

use crate::sim::api::json::{items, text};
use crate::sim::api::names;
use crate::sim::api::status::causes;
use crate::sim::fields::Cause;
use crate::sim::json::At as _;

/// How many bytes a ConfigMap or Secret may have.
const LARGEST: usize = 1_048_576;

pub(super) fn content(group: &str, plural: &str, new: &Value) -> Vec<Cause> {
    match (group, plural) {
        ("", "configmaps") => config_map(new),
        ("", "secrets") => secret(new),
        ("coordination.k8s.io", "leases") => lease(new),
        ("policy", "poddisruptionbudgets") => budget(new),
        ("rbac.authorization.k8s.io", "rolebindings" | "clusterrolebindings") => {
            binding(new, plural == "rolebindings")
        }
        ("rbac.authorization.k8s.io", _) => role(new),
        ("", "persistentvolumeclaims") => claim(new),
        ("storage.k8s.io", "storageclasses") if text(new, "/provisioner").is_empty() => {
            vec![causes::required("provisioner", "")]
        }
        ("networking.k8s.io", "ingresses") => ingress(new),
        _ => Vec::new(),
    }
}

fn map<'v>(value: &'v Value, key: &str) -> impl Iterator<Item = (&'v String, &'v Value)> + use<'v> {
    value.get(key).and_then(Value::as_object).into_iter().flatten()
}

fn sorted<'v>(value: &'v Value, key: &str) -> Vec<(&'v String, &'v Value)> {
    let mut all: Vec<_> = map(value, key).collect();
    all.sort_by_key(|(key, _)| *key);
    all
}

fn config_map(new: &Value) -> Vec<Cause> {
    let mut wrong = Vec::new();
    let mut size = 0;
    let binary: Vec<&String> = map(new, "binaryData").map(|(key, _)| key).collect();
    for (key, value) in sorted(new, "data") {
        let at = format!("data[{key}]");
        for why in names::data_key(key) {
            wrong.push(causes::invalid(at.clone(), &key.as_str().into(), &why));
        }
        if binary.contains(&key) {
            wrong.push(causes::invalid(at, &key.as_str().into(), "duplicate of key present in binaryData"));
        }
        size += value.as_str().unwrap_or_default().len();
    }
    for (key, value) in sorted(new, "binaryData") {
        for why in names::data_key(key) {
            wrong.push(causes::invalid(format!("binaryData[{key}]"), &key.as_str().into(), &why));
        }
        size += value.as_str().unwrap_or_default().len() * 3 / 4;
    }
    if size > LARGEST {
        wrong.push(causes::too_long("", LARGEST));
    }
    wrong
}

fn secret(new: &Value) -> Vec<Cause> {
    let mut wrong = Vec::new();
    let decode = |value: &Value| {
        let text = value.as_str().unwrap_or_default();
        base64::engine::general_purpose::STANDARD.decode(text).unwrap_or_default()
    };
    let mut size = 0;
    for (key, value) in sorted(new, "data") {
        for why in names::data_key(key) {
            wrong.push(causes::invalid(format!("data[{key}]"), &key.as_str().into(), &why));
        }
        size += decode(value).len();
    }
    if size > LARGEST {
        wrong.push(causes::too_long("data", LARGEST));
    }
    let has = |key: &str| new.get("data").is_some_and(|data| data.get(key).is_some());
    let need = |keys: &[&str]| -> Vec<Cause> {
        let missing = keys.iter().filter(|key| !has(key));
        missing.map(|key| causes::required(format!("data[{key}]"), "")).collect()
    };
    match text(new, "/type") {
        "kubernetes.io/tls" => wrong.extend(need(&["tls.crt", "tls.key"])),
        "kubernetes.io/ssh-auth" => wrong.extend(need(&["ssh-privatekey"])),
        "kubernetes.io/dockercfg" => wrong.extend(need(&[".dockercfg"])),
        "kubernetes.io/dockerconfigjson" => {
            wrong.extend(need(&[".dockerconfigjson"]));
        }
        "kubernetes.io/basic-auth" if !has("username") && !has("password") => {
            wrong.extend(need(&["username", "password"]));
        }
        "kubernetes.io/service-account-token" => {
            let account =
                new.at("/metadata/annotations").and_then(|all| all.get("kubernetes.io/service-account.name"));
            if account.and_then(Value::as_str).unwrap_or_default().is_empty() {
                let field = "metadata.annotations[kubernetes.io/service-account.name]";
                wrong.push(causes::required(field, ""));
            }
        }
        _ => {}
    }
    wrong
}

fn lease(new: &Value) -> Vec<Cause> {
    let mut wrong = Vec::new();
    let number = |key: &str| new.at(&format!("/spec/{key}")).and_then(Value::as_i64);
    if let Some(seconds) = number("leaseDurationSeconds").filter(|seconds| *seconds <= 0) {
        let field = "spec.leaseDurationSeconds";
        wrong.push(causes::invalid(field, &seconds.into(), "must be greater than 0"));
    }
    if let Some(count) = number("leaseTransitions").filter(|count| *count < 0) {
        let field = "spec.leaseTransitions";
        wrong.push(causes::invalid(field, &count.into(), "must be greater than or equal to 0"));
    }
    wrong
}

fn budget(new: &Value) -> Vec<Cause> {
    let spec = new.get("spec").unwrap_or(&Value::Null);
    let there = |key: &str| spec.get(key).is_some_and(|v| !v.is_null());
    let mut wrong = Vec::new();
    if there("minAvailable") && there("maxUnavailable") {
        let why = "minAvailable and maxUnavailable cannot be both set";
        let get = |key: &str| spec.get(key).cloned().unwrap_or_default();
        let shown = serde_json::json!({
            "MinAvailable": get("minAvailable"), "Selector": get("selector"),
            "MaxUnavailable": get("maxUnavailable"),
            "UnhealthyPodEvictionPolicy": get("unhealthyPodEvictionPolicy"),
        });
        wrong.push(causes::invalid("spec", &shown, why));
    }
    for key in ["minAvailable", "maxUnavailable"] {
        if let Some(number) = spec.get(key).and_then(Value::as_i64).filter(|n| *n < 0) {
            let why = "must be greater than or equal to 0";
            wrong.push(causes::invalid(format!("spec.{key}"), &number.into(), why));
        }
    }
    wrong
}

fn binding(new: &Value, namespaced: bool) -> Vec<Cause> {
    const RBAC: &str = "rbac.authorization.k8s.io";
    let mut wrong = Vec::new();
    let group = text(new, "/roleRef/apiGroup");
    if group != RBAC {
        wrong.push(causes::not_supported("roleRef.apiGroup", &group.into(), &[RBAC]));
    }
    let kind = text(new, "/roleRef/kind");
    let kinds: &[&str] = if namespaced { &["Role", "ClusterRole"] } else { &["ClusterRole"] };
    if !kinds.contains(&kind) {
        wrong.push(causes::not_supported("roleRef.kind", &kind.into(), kinds));
    }
    if text(new, "/roleRef/name").is_empty() {
        wrong.push(causes::required("roleRef.name", ""));
    }
    for (n, subject) in items(new, "/subjects").enumerate() {
        let at = format!("subjects[{n}]");
        if text(subject, "/name").is_empty() {
            wrong.push(causes::required(format!("{at}.name"), ""));
        }
        match text(subject, "/kind") {
            "ServiceAccount" => {
                if !namespaced && text(subject, "/namespace").is_empty() {
                    wrong.push(causes::required(format!("{at}.namespace"), ""));
                }
            }
            "User" | "Group" => {}
            other => {
                let known = ["ServiceAccount", "User", "Group"];
                wrong.push(causes::not_supported(format!("{at}.kind"), &other.into(), &known));
            }
        }
    }
    wrong
}

fn role(new: &Value) -> Vec<Cause> {
    let mut wrong = Vec::new();
    for (n, rule) in items(new, "/rules").enumerate() {
        let at = format!("rules[{n}]");
        let none = |key: &str| items(rule, key).next().is_none();
        if none("/verbs") {
            wrong.push(causes::required(format!("{at}.verbs"), "verbs must contain at least one value"));
        }
        if none("/nonResourceURLs") {
            if none("/apiGroups") {
                let why = "resource rules must supply at least one api group";
                wrong.push(causes::required(format!("{at}.apiGroups"), why));
            }
            if none("/resources") {
                let why = "resource rules must supply at least one resource";
                wrong.push(causes::required(format!("{at}.resources"), why));
            }
        }
    }
    wrong
}

fn claim(new: &Value) -> Vec<Cause> {
    let mut wrong = Vec::new();
    if items(new, "/spec/accessModes").next().is_none() {
        wrong.push(causes::required("spec.accessModes", "at least 1 access mode is required"));
    }
    if new.at("/spec/resources/requests/storage").is_none() {
        wrong.push(causes::required("spec.resources[storage]", ""));
    }
    wrong
}

fn ingress(new: &Value) -> Vec<Cause> {
    let mut wrong = Vec::new();
    let rules = items(new, "/spec/rules").next().is_some();
    if !rules && new.at("/spec/defaultBackend").is_none() {
        let why = "either `defaultBackend` or `rules` must be specified";
        wrong.push(causes::invalid("spec", &Value::Null, why));
    }
    for (n, rule) in items(new, "/spec/rules").enumerate() {
        for (m, path) in items(rule, "/http/paths").enumerate() {
            if text(path, "/pathType").is_empty() {
                let field = format!("spec.rules[{n}].http.paths[{m}].pathType");
                wrong.push(causes::required(field, "pathType must be specified"));
            }
        }
    }
    wrong
}
