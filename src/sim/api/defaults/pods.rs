//! Defaults of pods and of their templates.

use serde_json::{Map, Value, json};

use crate::sim::api::json::{default, default_object, each, within};

type Fields = Map<String, Value>;

/// A pod's own defaults, beyond those of its spec.
pub(super) fn pod(pod: &mut Fields) {
    let Some(spec) = default_object(pod, "spec") else { return };
    for list in ["containers", "initContainers"] {
        each(spec, list, |container| {
            within(container, "resources", |resources| {
                let limits = resources.get("limits").and_then(Value::as_object).cloned().unwrap_or_default();
                if !limits.is_empty()
                    && let Some(requests) = default_object(resources, "requests")
                {
                    for (key, value) in limits {
                        requests.entry(key).or_insert(value);
                    }
                }
            });
        });
    }
    default(spec, "enableServiceLinks", || true.into());
    self::spec(spec);
}

/// A pod template.
pub(super) fn template(template: &mut Fields) {
    default(template, "metadata", || json!({}));
    if let Some(spec) = default_object(template, "spec") {
        self::spec(spec);
    }
}

fn spec(spec: &mut Fields) {
    default(spec, "restartPolicy", || "Always".into());
    default(spec, "dnsPolicy", || "ClusterFirst".into());
    default(spec, "securityContext", || json!({}));
    default(spec, "terminationGracePeriodSeconds", || 30.into());
    default(spec, "schedulerName", || "default-scheduler".into());
    if let Some(account) = spec.get("serviceAccountName").filter(|a| a.as_str() != Some("")).cloned() {
        spec.insert("serviceAccount".to_owned(), account);
    } else if let Some(account) = spec.get("serviceAccount").cloned() {
        spec.insert("serviceAccountName".to_owned(), account);
    }
    let host_network = spec.get("hostNetwork").and_then(Value::as_bool) == Some(true);
    for list in ["containers", "initContainers", "ephemeralContainers"] {
        each(spec, list, |container| self::container(container, host_network));
    }
    each(spec, "volumes", volume);
}

fn container(container: &mut Fields, host_network: bool) {
    let image = container.get("image").and_then(Value::as_str).unwrap_or_default();
    let policy = if is_latest(image) { "Always" } else { "IfNotPresent" };
    default(container, "imagePullPolicy", || policy.into());
    default(container, "terminationMessagePath", || "/dev/termination-log".into());
    default(container, "terminationMessagePolicy", || "File".into());
    default(container, "resources", || json!({}));
    each(container, "ports", |port| {
        default(port, "protocol", || "TCP".into());
        if host_network && let Some(own) = port.get("containerPort").cloned() {
            default(port, "hostPort", || own);
        }
    });
    each(container, "env", |env| {
        within(env, "valueFrom", |from| {
            within(from, "fieldRef", |field| default(field, "apiVersion", || "v1".into()));
        });
    });
    for probe in ["livenessProbe", "readinessProbe", "startupProbe"] {
        within(container, probe, self::probe);
    }
    within(container, "lifecycle", |lifecycle| {
        for hook in ["postStart", "preStop"] {
            within(lifecycle, hook, |hook| within(hook, "httpGet", http_get));
        }
    });
}

fn probe(probe: &mut Fields) {
    for (key, to) in
        [("timeoutSeconds", 1), ("periodSeconds", 10), ("successThreshold", 1), ("failureThreshold", 3)]
    {
        default(probe, key, || to.into());
    }
    within(probe, "httpGet", http_get);
    within(probe, "grpc", |grpc| default(grpc, "service", || "".into()));
}

fn http_get(get: &mut Fields) {
    default(get, "path", || "/".into());
    default(get, "scheme", || "HTTP".into());
}

fn volume(volume: &mut Fields) {
    if volume.keys().all(|key| key == "name") {
        volume.insert("emptyDir".to_owned(), json!({}));
    }
    for source in ["secret", "configMap", "downwardAPI", "projected"] {
        within(volume, source, |source| default(source, "defaultMode", || 420.into()));
    }
    within(volume, "hostPath", |path| default(path, "type", || "".into()));
    within(volume, "projected", |projected| {
        each(projected, "sources", |source| {
            within(source, "serviceAccountToken", |token| {
                default(token, "expirationSeconds", || 3_600.into());
            });
            within(source, "downwardAPI", |items| {
                each(items, "items", |item| {
                    within(item, "fieldRef", |field| default(field, "apiVersion", || "v1".into()));
                });
            });
        });
    });
    within(volume, "downwardAPI", |items| {
        each(items, "items", |item| {
            within(item, "fieldRef", |field| default(field, "apiVersion", || "v1".into()));
        });
    });
    within(volume, "ephemeral", |ephemeral| {
        within(ephemeral, "volumeClaimTemplate", |claim| {
            within(claim, "spec", |spec| default(spec, "volumeMode", || "Filesystem".into()));
        });
    });
}

/// Whether an image is given without a tag and digest, or as `latest`.
fn is_latest(image: &str) -> bool {
    if image.contains('@') {
        return false;
    }
    let last = image.rsplit('/').next().unwrap_or_default();
    last.split_once(':').is_none_or(|(_, tag)| tag == "latest")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_without_a_tag_is_always_pulled() {
        let expected = [
            ("nginx", true),
            ("nginx:latest", true),
            ("nginx:1.29", false),
            ("registry.example.com:5000/web", true),
            ("registry.example.com:5000/web:1", false),
            ("web@sha256:00", false),
        ];
        for (image, latest) in expected {
            assert_eq!(is_latest(image), latest, "{image}");
        }
    }
}
