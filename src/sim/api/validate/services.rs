//! Services.

use serde_json::Value;

use crate::sim::api::json::{items, text};
use crate::sim::api::names;
use crate::sim::api::status::causes;
use crate::sim::fields::Cause;
use crate::sim::json::At as _;

pub(super) fn service(new: &Value) -> Vec<Cause> {
    let mut wrong = Vec::new();
    let kind = text(new, "/spec/type");
    let ports: Vec<&Value> = items(new, "/spec/ports").collect();
    let headless = text(new, "/spec/clusterIP") == "None";
    if ports.is_empty() && !headless && kind != "ExternalName" {
        wrong.push(causes::required("spec.ports", ""));
    }
    if kind == "ExternalName" && text(new, "/spec/externalName").is_empty() {
        let why = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
        wrong.push(causes::invalid("spec.externalName", &"".into(), why));
    }
    let range = "must be between 1 and 65535, inclusive";
    let mut seen: Vec<&str> = Vec::new();
    for (n, port) in ports.iter().enumerate() {
        let at = format!("spec.ports[{n}]");
        let name = text(port, "/name");
        if name.is_empty() {
            if ports.len() > 1 {
                wrong.push(causes::required(format!("{at}.name"), ""));
            }
        } else {
            for why in names::label(name) {
                wrong.push(causes::invalid(format!("{at}.name"), &name.into(), &why));
            }
            if seen.contains(&name) {
                wrong.push(causes::duplicate(format!("{at}.name"), &name.into()));
            }
            seen.push(name);
        }
        let number = port.get("port").and_then(Value::as_i64).unwrap_or_default();
        if !(1..=65_535).contains(&number) {
            wrong.push(causes::invalid(format!("{at}.port"), &number.into(), range));
        }
        let protocol = text(port, "/protocol");
        if !matches!(protocol, "TCP" | "UDP" | "SCTP") {
            let known = ["SCTP", "TCP", "UDP"];
            wrong.push(causes::not_supported(format!("{at}.protocol"), &protocol.into(), &known));
        }
        if let Some(target) = port.get("targetPort").and_then(Value::as_i64)
            && !(1..=65_535).contains(&target)
        {
            wrong.push(causes::invalid(format!("{at}.targetPort"), &target.into(), range));
        }
    }
    let affinity = text(new, "/spec/sessionAffinity");
    if !matches!(affinity, "None" | "ClientIP") {
        let known = ["ClientIP", "None"];
        wrong.push(causes::not_supported("spec.sessionAffinity", &affinity.into(), &known));
    }
    if !matches!(kind, "ClusterIP" | "NodePort" | "LoadBalancer" | "ExternalName") {
        let known = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"];
        wrong.push(causes::not_supported("spec.type", &kind.into(), &known));
    }
    wrong
}

/// An address, once given, stays.
pub(super) fn immutable(live: &Value, new: &Value) -> Option<Cause> {
    let (before, after) = (text(live, "/spec/clusterIP"), text(new, "/spec/clusterIP"));
    let stays = text(live, "/spec/type") == "ExternalName" || text(new, "/spec/type") == "ExternalName";
    if stays || before.is_empty() || before == after {
        return None;
    }
    let value = new.at("/spec/clusterIPs").cloned().unwrap_or_default();
    let why = if after.is_empty() { "primary clusterIP can not be unset" } else { "may not change once set" };
    Some(causes::invalid("spec.clusterIPs[0]", &value, why))
}
