//! A new pod of a template, as it looks when the API server has let it in.

use serde_json::{Value, json};

use super::fields::{fields, has, items, list, map, set, text};
use super::selectors::tolerates;
use crate::sim::json::At as _;

/// A pod that waits for a node. `start` is the beginning of its name where the server ends it.
pub(super) fn pod(template: &Value, owner: Value, start: Option<&str>) -> Value {
    let mut metadata = json!({});
    if let Some(start) = start {
        set(&mut metadata, &["generateName"], start.into());
    }
    for key in ["labels", "annotations", "finalizers"] {
        if let Some(value) = template.at(&format!("/metadata/{key}")).filter(|value| !value.is_null()) {
            set(&mut metadata, &[key], value.clone());
        }
    }
    set(&mut metadata, &["generation"], 1.into());
    set(&mut metadata, &["ownerReferences"], json!([owner]));
    let mut spec = template.get("spec").cloned().unwrap_or_default();
    for (key, value) in [
        ("restartPolicy", json!("Always")),
        ("terminationGracePeriodSeconds", json!(30)),
        ("dnsPolicy", json!("ClusterFirst")),
        ("schedulerName", json!("default-scheduler")),
        ("securityContext", json!({})),
        ("enableServiceLinks", json!(true)),
        ("preemptionPolicy", json!("PreemptLowerPriority")),
        ("priority", json!(0)),
    ] {
        fields(&mut spec).entry(key).or_insert(value);
    }
    if !has(&spec, "/serviceAccountName") {
        set(&mut spec, &["serviceAccountName"], "default".into());
    }
    let account = text(&spec, "/serviceAccountName").to_owned();
    set(&mut spec, &["serviceAccount"], account.into());
    be_patient(&mut spec);
    let class = quality(&spec);
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec,
        "status": {"phase": "Pending", "qosClass": class}})
}

/// Five minutes with a node that is not well, as every pod gets that says nothing else.
fn be_patient(spec: &mut Value) {
    for key in ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"] {
        let taint = json!({"key": key, "effect": "NoExecute"});
        if !list(spec, "/tolerations").iter().any(|toleration| tolerates(toleration, &taint)) {
            items(spec, &["tolerations"]).push(
                json!({"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}),
            );
        }
    }
}

fn quality(spec: &Value) -> &'static str {
    let containers = || list(spec, "/containers").iter().chain(list(spec, "/initContainers"));
    let field =
        |container: &Value, path: &str| map(container, path).filter(|fields| !fields.is_empty()).cloned();
    let (requests, limits) = ("/resources/requests", "/resources/limits");
    if containers().all(|c| field(c, requests).is_none() && field(c, limits).is_none()) {
        return "BestEffort";
    }
    let is_guaranteed = containers().all(|container| {
        let limits = field(container, limits).unwrap_or_default();
        let requests = field(container, requests).unwrap_or_else(|| limits.clone());
        ["cpu", "memory"]
            .iter()
            .all(|kind| limits.contains_key(*kind) && limits.get(*kind) == requests.get(*kind))
    });
    if is_guaranteed { "Guaranteed" } else { "Burstable" }
}
