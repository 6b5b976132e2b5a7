//! What makes an object invalid, in the words of the real server: the checks that clients meet in
//! practice, for the kinds that platforms are made of.

mod definitions;
mod kinds;
mod metadata;
mod pods;
mod services;
mod workloads;

use serde_json::Value;

use super::json::{same, text};
use super::status::causes;
use crate::sim::cluster::Cluster;
use crate::sim::fields::Cause;
use crate::sim::fields::Schema;
use crate::sim::json::At as _;
use crate::sim::kinds::Resource;

/// What is wrong with a new object.
pub(super) fn created(_cluster: &Cluster, resource: &Resource, schema: &Schema, new: &Value) -> Vec<Cause> {
    let mut wrong = metadata::created(resource, new);
    wrong.extend(content(resource, schema, new, None));
    wrong
}

/// What is wrong with a changed object.
pub(super) fn changed(
    resource: &Resource,
    part: &str,
    schema: &Schema,
    live: &Value,
    new: &Value,
) -> Vec<Cause> {
    let mut wrong = metadata::changed(resource, live, new);
    // A real server checks metadata twice, and says so twice.
    wrong.extend(wrong.clone());
    match (part, &resource.defined) {
        ("", _) => {
            wrong.extend(content(resource, schema, new, Some(live)));
            wrong.extend(immutable(resource, live, new));
        }
        (_, Some(_)) => wrong.extend(schema.check(new)),
        _ => {}
    }
    wrong
}

/// What a client is warned of.
pub(super) fn warnings(_resource: &Resource, _new: &Value) -> Vec<String> {
    Vec::new()
}

fn content(resource: &Resource, schema: &Schema, new: &Value, live: Option<&Value>) -> Vec<Cause> {
    if resource.defined.is_some() {
        let mut wrong = schema.check(new);
        wrong.sort_by(|a, b| a.field.cmp(&b.field));
        return wrong;
    }
    match (&*resource.group, &*resource.plural) {
        ("", "pods") if live.is_none() => pods::pod(new),
        ("", "services") => services::service(new),
        ("apps" | "batch", _) => workloads::workload(resource, new),
        ("apiextensions.k8s.io", _) => definitions::definition(new),
        (group, plural) => kinds::content(group, plural, new),
    }
}

const IMMUTABLE: &str = "field is immutable";
const SEALED: &str = "field is immutable when `immutable` is set";

/// What was changed that can't be.
fn immutable(resource: &Resource, live: &Value, new: &Value) -> Vec<Cause> {
    if crate::sim::copy::stands_in(live) {
        return Vec::new();
    }
    let changed = |path: &str| !same(live.at(path), new.at(path));
    let value = |path: &str| new.at(path).cloned().unwrap_or_default();
    let fixed = |field: &str| -> Option<Cause> {
        let path = format!("/{}", field.replace('.', "/"));
        changed(&path).then(|| causes::invalid(field, &value(&path), IMMUTABLE))
    };
    let mut wrong = Vec::new();
    match (&*resource.group, &*resource.plural) {
        ("", plural @ ("configmaps" | "secrets")) => {
            if plural == "secrets" {
                wrong.extend(fixed("type"));
            }
            if super::json::flag(live, "/immutable") {
                if !super::json::flag(new, "/immutable") {
                    wrong.push(causes::forbidden("immutable", SEALED));
                }
                let both: &[&str] = if plural == "secrets" { &["data"] } else { &["data", "binaryData"] };
                for field in both.iter().filter(|field| changed(&format!("/{field}"))) {
                    wrong.push(causes::forbidden(*field, SEALED));
                }
            }
        }
        ("", "services") => wrong.extend(services::immutable(live, new)),
        ("", "persistentvolumeclaims") => {
            let fixed = |claim: &Value| {
                let mut spec = claim.get("spec").cloned().unwrap_or_default();
                if let Some(spec) = spec.as_object_mut() {
                    spec.shift_remove("resources");
                    // The binder fills in the volume's name.
                    if text(live, "/spec/volumeName").is_empty() {
                        spec.shift_remove("volumeName");
                    }
                }
                spec
            };
            if !same(Some(&fixed(live)), Some(&fixed(new))) {
                wrong.push(causes::forbidden("spec", "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims"));
            }
        }
        ("apps", "deployments" | "daemonsets" | "replicasets") => wrong.extend(fixed("spec.selector")),
        ("apps", "statefulsets") => {
            const FREE: [&str; 7] = [
                "replicas",
                "ordinals",
                "template",
                "updateStrategy",
                "revisionHistoryLimit",
                "persistentVolumeClaimRetentionPolicy",
                "minReadySeconds",
            ];
            let fixed = |set: &Value| {
                let mut spec = set.get("spec").cloned().unwrap_or_default();
                if let Some(spec) = spec.as_object_mut() {
                    spec.retain(|field, _| !FREE.contains(&field.as_str()));
                }
                spec
            };
            if !same(Some(&fixed(live)), Some(&fixed(new))) {
                wrong.push(causes::forbidden("spec", "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden"));
            }
        }
        ("batch", "jobs") => {
            for field in ["spec.completions", "spec.selector", "spec.template", "spec.completionMode"] {
                wrong.extend(fixed(field));
            }
        }
        ("rbac.authorization.k8s.io", "rolebindings" | "clusterrolebindings") if changed("/roleRef") => {
            let role = |field: &str| value(&format!("/roleRef/{field}"));
            let shown = serde_json::json!({
                "APIGroup": role("apiGroup"), "Kind": role("kind"), "Name": role("name"),
            });
            wrong.push(causes::invalid("roleRef", &shown, "cannot change roleRef"));
        }
        ("storage.k8s.io", "storageclasses") => {
            for field in ["parameters", "provisioner", "reclaimPolicy", "volumeBindingMode"] {
                if changed(&format!("/{field}")) {
                    wrong.push(match field {
                        "reclaimPolicy" | "volumeBindingMode" => {
                            causes::invalid(field, &value(&format!("/{field}")), IMMUTABLE)
                        }
                        _ => causes::forbidden(field, "updates to parameters are forbidden.")
                            .worded(field == "provisioner", "updates to provisioner are forbidden."),
                    });
                }
            }
        }
        ("scheduling.k8s.io", _) if changed("/value") => {
            wrong.push(causes::forbidden("value", "may not be changed in an update."));
        }
        ("", "pods") => wrong.extend(pods::changed(live, new)),
        ("apiextensions.k8s.io", _) => wrong.extend(definitions::changed(live, new)),
        _ => {}
    }
    wrong
}

/// Other words for a cause.
trait Worded {
    fn worded(self, when: bool, detail: &str) -> Self;
}

impl Worded for Cause {
    fn worded(mut self, when: bool, detail: &str) -> Self {
        if when {
            self.message = format!("Forbidden: {detail}");
        }
        self
    }
}
