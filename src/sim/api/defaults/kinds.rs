//! Defaults of everything that runs no pods.

use serde_json::{Map, Value, json};

use crate::sim::api::json::{default, default_object, each, within};

type Fields = Map<String, Value>;

pub(super) fn defaults(group: &str, plural: &str, object: &mut Fields) {
    match (group, plural) {
        ("", "services") => service(object),
        ("", "secrets") => default(object, "type", || "Opaque".into()),
        ("", "namespaces") => {
            default(object, "spec", || json!({}));
            if let Some(status) = default_object(object, "status") {
                default(status, "phase", || "Active".into());
            }
            let name = object.get("metadata").and_then(|m| m.get("name")).cloned();
            if let Some(name) = name.filter(|name| name.as_str() != Some(""))
                && let Some(metadata) = default_object(object, "metadata")
                && let Some(labels) = default_object(metadata, "labels")
            {
                labels.insert("kubernetes.io/metadata.name".to_owned(), name);
            }
        }
        ("", "persistentvolumeclaims") => {
            within(object, "spec", |spec| default(spec, "volumeMode", || "Filesystem".into()));
        }
        ("", "persistentvolumes") => within(object, "spec", |spec| {
            default(spec, "persistentVolumeReclaimPolicy", || "Retain".into());
            default(spec, "volumeMode", || "Filesystem".into());
        }),
        ("", "endpoints") => each(object, "subsets", |subset| {
            each(subset, "ports", |port| default(port, "protocol", || "TCP".into()));
        }),
        ("discovery.k8s.io", "endpointslices") => each(object, "ports", |port| {
            default(port, "name", || "".into());
            default(port, "protocol", || "TCP".into());
        }),
        ("networking.k8s.io", "networkpolicies") => network_policy(object),
        ("rbac.authorization.k8s.io", "rolebindings" | "clusterrolebindings") => binding(object),
        ("storage.k8s.io", "storageclasses") => {
            default(object, "reclaimPolicy", || "Delete".into());
            default(object, "volumeBindingMode", || "Immediate".into());
        }
        ("scheduling.k8s.io", "priorityclasses") => {
            default(object, "preemptionPolicy", || "PreemptLowerPriority".into());
        }
        ("autoscaling", _) => within(object, "spec", |spec| {
            default(spec, "minReplicas", || 1.into());
            default(spec, "metrics", || {
                json!([{"type": "Resource", "resource": {
                    "name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80},
                }}])
            });
        }),
        ("apiextensions.k8s.io", _) => definition(object),
        ("admissionregistration.k8s.io", "validatingwebhookconfigurations") => {
            each(object, "webhooks", webhook);
        }
        ("admissionregistration.k8s.io", "mutatingwebhookconfigurations") => {
            each(object, "webhooks", |hook| {
                default(hook, "reinvocationPolicy", || "Never".into());
                webhook(hook);
            });
        }
        ("admissionregistration.k8s.io", "validatingadmissionpolicies") => {
            within(object, "spec", |spec| {
                default(spec, "failurePolicy", || "Fail".into());
                within(spec, "matchConstraints", matching);
            });
        }
        ("admissionregistration.k8s.io", "validatingadmissionpolicybindings") => {
            within(object, "spec", |spec| within(spec, "matchResources", matching));
        }
        _ => {}
    }
}

fn service(object: &mut Fields) {
    let Some(spec) = default_object(object, "spec") else { return };
    default(spec, "sessionAffinity", || "None".into());
    if spec.get("sessionAffinity").is_some_and(|a| a == "ClientIP") {
        default(spec, "sessionAffinityConfig", || json!({"clientIP": {"timeoutSeconds": 10_800}}));
    }
    default(spec, "type", || "ClusterIP".into());
    each(spec, "ports", |port| {
        default(port, "protocol", || "TCP".into());
        if let Some(own) = port.get("port").cloned() {
            let unset = port.get("targetPort").is_some_and(|t| *t == 0 || *t == "");
            if unset {
                port.shift_remove("targetPort");
            }
            default(port, "targetPort", || own);
        }
    });
    let kind = spec.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
    if matches!(kind.as_str(), "NodePort" | "LoadBalancer") {
        default(spec, "externalTrafficPolicy", || "Cluster".into());
    }
    if kind != "ExternalName" {
        default(spec, "internalTrafficPolicy", || "Cluster".into());
    }
    if kind == "LoadBalancer" {
        default(spec, "allocateLoadBalancerNodePorts", || true.into());
    }
}

fn network_policy(object: &mut Fields) {
    within(object, "spec", |spec| {
        for list in ["ingress", "egress"] {
            each(spec, list, |rule| {
                each(rule, "ports", |port| default(port, "protocol", || "TCP".into()));
            });
        }
        let egress = spec.get("egress").and_then(Value::as_array).is_some_and(|e| !e.is_empty());
        let types = if egress { json!(["Ingress", "Egress"]) } else { json!(["Ingress"]) };
        default(spec, "policyTypes", || types);
        default(spec, "podSelector", || json!({}));
    });
}

fn binding(object: &mut Fields) {
    within(object, "roleRef", |role| default(role, "apiGroup", || "rbac.authorization.k8s.io".into()));
    each(object, "subjects", |subject| {
        if matches!(subject.get("kind").and_then(Value::as_str), Some("User" | "Group")) {
            default(subject, "apiGroup", || "rbac.authorization.k8s.io".into());
        }
    });
}

fn definition(object: &mut Fields) {
    within(object, "spec", |spec| {
        default(spec, "conversion", || json!({"strategy": "None"}));
        within(spec, "names", |names| {
            let kind = names.get("kind").and_then(Value::as_str).unwrap_or_default().to_owned();
            default(names, "listKind", || format!("{kind}List").into());
            default(names, "singular", || kind.to_lowercase().into());
        });
    });
}

fn matching(matching: &mut Fields) {
    default(matching, "matchPolicy", || "Equivalent".into());
    default(matching, "namespaceSelector", || json!({}));
    default(matching, "objectSelector", || json!({}));
    each(matching, "resourceRules", |rule| default(rule, "scope", || "*".into()));
}

fn webhook(hook: &mut Fields) {
    default(hook, "failurePolicy", || "Fail".into());
    default(hook, "matchPolicy", || "Equivalent".into());
    default(hook, "namespaceSelector", || json!({}));
    default(hook, "objectSelector", || json!({}));
    default(hook, "timeoutSeconds", || 10.into());
    each(hook, "rules", |rule| default(rule, "scope", || "*".into()));
    within(hook, "clientConfig", |client| {
        within(client, "service", |service| default(service, "port", || 443.into()));
    });
}
