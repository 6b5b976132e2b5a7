//! Pods and their templates.

use serde_json::Value;

use crate::sim::api::json::{items, same, text};
use crate::sim::api::names;
use crate::sim::api::status::causes;
use crate::sim::fields::Cause;

pub(super) fn pod(new: &Value) -> Vec<Cause> {
    spec(new.get("spec").unwrap_or(&Value::Null), "spec")
}

/// The spec of a pod or of a template, at a place.
pub(super) fn spec(spec: &Value, at: &str) -> Vec<Cause> {
    let mut wrong = Vec::new();
    let volumes: Vec<&str> = items(spec, "/volumes").map(|v| text(v, "/name")).collect();
    for (n, volume) in volumes.iter().enumerate() {
        let field = format!("{at}.volumes[{n}].name");
        if volume.is_empty() {
            wrong.push(causes::required(field, ""));
        } else {
            for why in names::label(volume) {
                wrong.push(causes::invalid(field.clone(), &(*volume).into(), &why));
            }
            if volumes.iter().take(n).any(|other| other == volume) {
                wrong.push(causes::duplicate(field, &(*volume).into()));
            }
        }
    }
    let containers: Vec<&Value> = items(spec, "/containers").collect();
    if containers.is_empty() {
        wrong.push(causes::required(format!("{at}.containers"), ""));
    }
    let mut seen: Vec<&str> = Vec::new();
    for (list, path) in [("containers", "/containers"), ("initContainers", "/initContainers")] {
        for (n, container) in items(spec, path).enumerate() {
            let here = format!("{at}.{list}[{n}]");
            let name = text(container, "/name");
            wrong.extend(self::container(container, &here, &volumes));
            if !name.is_empty() && seen.contains(&name) {
                wrong.push(causes::duplicate(format!("{here}.name"), &name.into()));
            }
            seen.push(name);
        }
    }
    let policy = text(spec, "/restartPolicy");
    if !matches!(policy, "Always" | "OnFailure" | "Never") {
        let known = ["Always", "OnFailure", "Never"];
        wrong.push(causes::not_supported(format!("{at}.restartPolicy"), &policy.into(), &known));
    }
    let policy = text(spec, "/dnsPolicy");
    if !matches!(policy, "ClusterFirstWithHostNet" | "ClusterFirst" | "Default" | "None") {
        let known = ["ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"];
        wrong.push(causes::not_supported(format!("{at}.dnsPolicy"), &policy.into(), &known));
    }
    wrong
}

fn container(container: &Value, at: &str, volumes: &[&str]) -> Vec<Cause> {
    let mut wrong = Vec::new();
    let name = text(container, "/name");
    if name.is_empty() {
        wrong.push(causes::required(format!("{at}.name"), ""));
    } else {
        for why in names::label(name) {
            wrong.push(causes::invalid(format!("{at}.name"), &name.into(), &why));
        }
    }
    if text(container, "/image").is_empty() {
        wrong.push(causes::required(format!("{at}.image"), ""));
    }
    for (n, port) in items(container, "/ports").enumerate() {
        let number = port.get("containerPort").and_then(Value::as_i64).unwrap_or_default();
        if number == 0 {
            wrong.push(causes::required(format!("{at}.ports[{n}].containerPort"), ""));
        } else if !(1..=65_535).contains(&number) {
            let why = "must be between 1 and 65535, inclusive";
            wrong.push(causes::invalid(format!("{at}.ports[{n}].containerPort"), &number.into(), why));
        }
    }
    for (n, mount) in items(container, "/volumeMounts").enumerate() {
        let name = text(mount, "/name");
        if name.is_empty() {
            wrong.push(causes::required(format!("{at}.volumeMounts[{n}].name"), ""));
        } else if !volumes.contains(&name) {
            wrong.push(causes::not_found(format!("{at}.volumeMounts[{n}].name"), &name.into()));
        }
        if text(mount, "/mountPath").is_empty() {
            wrong.push(causes::required(format!("{at}.volumeMounts[{n}].mountPath"), ""));
        }
    }
    let policy = text(container, "/imagePullPolicy");
    if !matches!(policy, "Always" | "IfNotPresent" | "Never") {
        let known = ["Always", "IfNotPresent", "Never"];
        wrong.push(causes::not_supported(format!("{at}.imagePullPolicy"), &policy.into(), &known));
    }
    wrong
}

/// Of a pod only images, deadlines, tolerations and grace can change.
pub(super) fn changed(live: &Value, new: &Value) -> Vec<Cause> {
    let fixed = |pod: &Value| {
        let mut spec = pod.get("spec").cloned().unwrap_or_default();
        if let Some(spec) = spec.as_object_mut() {
            for field in ["activeDeadlineSeconds", "tolerations", "terminationGracePeriodSeconds", "nodeName"]
            {
                spec.shift_remove(field);
            }
            for list in ["containers", "initContainers"] {
                let containers = spec.get_mut(list).and_then(Value::as_array_mut);
                for container in containers.into_iter().flatten().filter_map(Value::as_object_mut) {
                    container.shift_remove("image");
                }
            }
        }
        spec
    };
    if same(Some(&fixed(live)), Some(&fixed(new))) {
        return Vec::new();
    }
    vec![causes::forbidden(
        "spec",
        "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)",
    )]
}
