//! What a real server's built-in admission adds to objects or refuses, as far as other parts see it.

use serde_json::{Value, json};

use super::json::{default, object, text};
use super::status::{Fault, Outcome};
use super::target::Target;
use crate::sim::cluster::Cluster;
use crate::sim::store::Key;

/// Adds what admission adds.
pub(super) fn mutate(
    cluster: &Cluster,
    target: &Target<'_>,
    live: Option<&Value>,
    new: &mut Value,
) -> Outcome<()> {
    match (&*target.resource.group, &*target.resource.plural) {
        ("", "pods") if live.is_none() => pod(cluster, target, new),
        ("", "nodes") if live.is_none() => {
            if let Some(spec) = object(new, "spec") {
                let taint = json!({"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"});
                default(spec, "taints", || json!([]));
                if let Some(taints) = spec.get_mut("taints").and_then(Value::as_array_mut)
                    && !taints.contains(&taint)
                {
                    taints.push(taint);
                }
            }
            Ok(())
        }
        ("", plural @ ("persistentvolumeclaims" | "persistentvolumes")) if live.is_none() => {
            let short = if plural == "persistentvolumes" { "pv" } else { "pvc" };
            let finalizer = json!(format!("kubernetes.io/{short}-protection"));
            if let Some(metadata) = super::json::metadata(new) {
                default(metadata, "finalizers", || json!([]));
                if let Some(finalizers) = metadata.get_mut("finalizers").and_then(Value::as_array_mut)
                    && !finalizers.contains(&finalizer)
                {
                    finalizers.push(finalizer);
                }
            }
            Ok(())
        }
        ("", "namespaces") => {
            let name = text(new, "/metadata/name").to_owned();
            if let Some(metadata) = super::json::metadata(new)
                && let Some(labels) = super::json::default_object(metadata, "labels")
            {
                labels.insert("kubernetes.io/metadata.name".to_owned(), name.into());
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

/// A pod gets its service account, its priority and the usual tolerations.
fn pod(cluster: &Cluster, target: &Target<'_>, pod: &mut Value) -> Outcome<()> {
    let name = text(pod, "/metadata/name").to_owned();
    let Some(spec) = object(pod, "spec") else { return Ok(()) };
    default(spec, "serviceAccountName", || "default".into());
    let account = spec.get("serviceAccountName").and_then(Value::as_str).unwrap_or_default().to_owned();
    default(spec, "serviceAccount", || account.as_str().into());
    default(spec, "priority", || 0.into());
    default(spec, "preemptionPolicy", || "PreemptLowerPriority".into());
    default(spec, "tolerations", || json!([]));
    if let Some(tolerations) = spec.get_mut("tolerations").and_then(Value::as_array_mut) {
        for key in ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"] {
            if !tolerations.iter().any(|t| t.get("key").is_some_and(|k| k == key)) {
                tolerations.push(json!({
                    "key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300,
                }));
            }
        }
    }
    if !cluster.store.has(&Key::new("", "serviceaccounts", &target.namespace, &account)) {
        let why = format!(
            "error looking up service account {}/{account}: serviceaccount \"{account}\" not found",
            target.namespace
        );
        return Err(Fault::forbidden(&target.resource, &name, &why));
    }
    Ok(())
}

/// Refuses what admission refuses once an object is known to be right.
pub(super) fn validate(_cluster: &Cluster, target: &Target<'_>, new: &Value) -> Outcome<()> {
    if let Some(defined) = &target.resource.defined
        && defined.terminating
    {
        let name = text(new, "/metadata/name");
        let mut fault = Fault::not_supported(&target.resource, "create");
        fault = fault.named("", "", name);
        return Err(fault);
    }
    Ok(())
}
