//! Defaults of built-in kinds that no schema states: those that the API server's code fills in when it
//! decodes an object, type by type, from the outside inward.

use serde_json::{Map, Value, json};

use super::types::{Shape, TypeId, Types};
use crate::sim::json::At as _;

/// Defaults that depend on nothing else: type, field, JSON.
const ALWAYS: &[(&str, &str, &str)] = &[
    ("admissionregistration.v1.MatchResources", "matchPolicy", "\"Equivalent\""),
    ("admissionregistration.v1.MatchResources", "namespaceSelector", "{}"),
    ("admissionregistration.v1.MatchResources", "objectSelector", "{}"),
    ("admissionregistration.v1.MutatingAdmissionPolicySpec", "failurePolicy", "\"Fail\""),
    ("admissionregistration.v1.MutatingWebhook", "failurePolicy", "\"Fail\""),
    ("admissionregistration.v1.MutatingWebhook", "matchPolicy", "\"Equivalent\""),
    ("admissionregistration.v1.MutatingWebhook", "namespaceSelector", "{}"),
    ("admissionregistration.v1.MutatingWebhook", "objectSelector", "{}"),
    ("admissionregistration.v1.MutatingWebhook", "timeoutSeconds", "10"),
    ("admissionregistration.v1.MutatingWebhook", "reinvocationPolicy", "\"Never\""),
    ("admissionregistration.v1.NamedRuleWithOperations", "scope", "\"*\""),
    ("admissionregistration.v1.RuleWithOperations", "scope", "\"*\""),
    ("admissionregistration.v1.ServiceReference", "port", "443"),
    ("admissionregistration.v1.ValidatingAdmissionPolicySpec", "failurePolicy", "\"Fail\""),
    ("admissionregistration.v1.ValidatingWebhook", "failurePolicy", "\"Fail\""),
    ("admissionregistration.v1.ValidatingWebhook", "matchPolicy", "\"Equivalent\""),
    ("admissionregistration.v1.ValidatingWebhook", "namespaceSelector", "{}"),
    ("admissionregistration.v1.ValidatingWebhook", "objectSelector", "{}"),
    ("admissionregistration.v1.ValidatingWebhook", "timeoutSeconds", "10"),
    ("apiextensions.v1.CustomResourceDefinitionSpec", "conversion", "{\"strategy\":\"None\"}"),
    ("apiextensions.v1.ServiceReference", "port", "443"),
    ("apiregistration.v1.ServiceReference", "port", "443"),
    ("apps.v1.DaemonSetSpec", "revisionHistoryLimit", "10"),
    ("apps.v1.DaemonSetUpdateStrategy", "type", "\"RollingUpdate\""),
    ("apps.v1.DeploymentSpec", "progressDeadlineSeconds", "600"),
    ("apps.v1.DeploymentSpec", "replicas", "1"),
    ("apps.v1.DeploymentSpec", "revisionHistoryLimit", "10"),
    ("apps.v1.DeploymentStrategy", "type", "\"RollingUpdate\""),
    ("apps.v1.ReplicaSetSpec", "replicas", "1"),
    ("apps.v1.StatefulSetPersistentVolumeClaimRetentionPolicy", "whenDeleted", "\"Retain\""),
    ("apps.v1.StatefulSetPersistentVolumeClaimRetentionPolicy", "whenScaled", "\"Retain\""),
    ("apps.v1.StatefulSetSpec", "persistentVolumeClaimRetentionPolicy", "{}"),
    ("apps.v1.StatefulSetSpec", "podManagementPolicy", "\"OrderedReady\""),
    ("apps.v1.StatefulSetSpec", "replicas", "1"),
    ("apps.v1.StatefulSetSpec", "revisionHistoryLimit", "10"),
    ("autoscaling.v2.HorizontalPodAutoscalerSpec", "minReplicas", "1"),
    (
        "autoscaling.v2.HorizontalPodAutoscalerSpec",
        "metrics",
        "[{\"type\":\"Resource\",\"resource\":{\"name\":\"cpu\",\"target\":{\"type\":\"Utilization\",\"averageUtilization\":80}}}]",
    ),
    ("batch.v1.CronJobSpec", "concurrencyPolicy", "\"Allow\""),
    ("batch.v1.CronJobSpec", "failedJobsHistoryLimit", "1"),
    ("batch.v1.CronJobSpec", "successfulJobsHistoryLimit", "3"),
    ("batch.v1.CronJobSpec", "suspend", "false"),
    ("batch.v1.PodFailurePolicyOnPodConditionsPattern", "status", "\"True\""),
    ("core.v1.ConfigMapVolumeSource", "defaultMode", "420"),
    ("core.v1.DownwardAPIVolumeSource", "defaultMode", "420"),
    ("core.v1.EndpointPort", "protocol", "\"TCP\""),
    ("core.v1.HTTPGetAction", "path", "\"/\""),
    ("core.v1.HTTPGetAction", "scheme", "\"HTTP\""),
    ("core.v1.HostPathVolumeSource", "type", "\"\""),
    ("core.v1.NamespaceStatus", "phase", "\"Active\""),
    ("core.v1.ObjectFieldSelector", "apiVersion", "\"v1\""),
    ("core.v1.PersistentVolumeClaimSpec", "volumeMode", "\"Filesystem\""),
    ("core.v1.PersistentVolumeClaimStatus", "phase", "\"Pending\""),
    ("core.v1.PersistentVolumeSpec", "persistentVolumeReclaimPolicy", "\"Retain\""),
    ("core.v1.PersistentVolumeSpec", "volumeMode", "\"Filesystem\""),
    ("core.v1.PersistentVolumeStatus", "phase", "\"Pending\""),
    ("core.v1.PodSpec", "dnsPolicy", "\"ClusterFirst\""),
    ("core.v1.PodSpec", "restartPolicy", "\"Always\""),
    ("core.v1.PodSpec", "schedulerName", "\"default-scheduler\""),
    ("core.v1.PodSpec", "securityContext", "{}"),
    ("core.v1.PodSpec", "terminationGracePeriodSeconds", "30"),
    ("core.v1.Probe", "failureThreshold", "3"),
    ("core.v1.Probe", "periodSeconds", "10"),
    ("core.v1.Probe", "successThreshold", "1"),
    ("core.v1.Probe", "timeoutSeconds", "1"),
    ("core.v1.ProjectedVolumeSource", "defaultMode", "420"),
    ("core.v1.Secret", "type", "\"Opaque\""),
    ("core.v1.SecretVolumeSource", "defaultMode", "420"),
    ("core.v1.ServiceAccountTokenProjection", "expirationSeconds", "3600"),
    ("core.v1.ServicePort", "protocol", "\"TCP\""),
    ("core.v1.ServiceSpec", "sessionAffinity", "\"None\""),
    ("core.v1.ServiceSpec", "type", "\"ClusterIP\""),
    ("discovery.v1.EndpointPort", "name", "\"\""),
    ("discovery.v1.EndpointPort", "protocol", "\"TCP\""),
    ("networking.v1.IngressClassParametersReference", "scope", "\"Cluster\""),
    ("networking.v1.NetworkPolicyPort", "protocol", "\"TCP\""),
    ("rbac.v1.RoleRef", "apiGroup", "\"rbac.authorization.k8s.io\""),
    ("scheduling.v1.PriorityClass", "preemptionPolicy", "\"PreemptLowerPriority\""),
    ("storage.v1.CSIDriverSpec", "attachRequired", "true"),
    ("storage.v1.CSIDriverSpec", "fsGroupPolicy", "\"ReadWriteOnceWithFSType\""),
    ("storage.v1.CSIDriverSpec", "podInfoOnMount", "false"),
    ("storage.v1.CSIDriverSpec", "requiresRepublish", "false"),
    ("storage.v1.CSIDriverSpec", "seLinuxMount", "false"),
    ("storage.v1.CSIDriverSpec", "storageCapacity", "false"),
    ("storage.v1.CSIDriverSpec", "volumeLifecycleModes", "[\"Persistent\"]"),
    ("storage.v1.StorageClass", "reclaimPolicy", "\"Delete\""),
    ("storage.v1.StorageClass", "volumeBindingMode", "\"Immediate\""),
];

type Fields = Map<String, Value>;

/// Fills in what the server knows by heart.
pub(super) fn fill(types: &Types, id: TypeId, value: &mut Value) {
    match (types.shape(id, Some(value)), value) {
        (Shape::Map(map), Value::Object(fields)) => {
            if let Some(name) = types.get(id).name.as_deref() {
                let start = ALWAYS.partition_point(|(of, ..)| *of < name);
                for (_, field, default) in ALWAYS.iter().skip(start).take_while(|(of, ..)| *of == name) {
                    put(fields, field, serde_json::from_str(default).unwrap_or_default());
                }
                special(name, fields);
            }
            for (name, field) in fields.iter_mut() {
                if let Some(of) = map.of(name) {
                    fill(types, of, field);
                }
            }
        }
        (Shape::List(list), Value::Array(items)) => {
            for item in items {
                fill(types, list.items, item);
            }
        }
        _ => {}
    }
}

fn nothing(fields: &Fields, name: &str) -> bool {
    match fields.get(name) {
        None | Some(Value::Null) => true,
        Some(Value::String(text)) => text.is_empty(),
        Some(Value::Array(items)) => items.is_empty(),
        Some(_) => false,
    }
}

fn put(fields: &mut Fields, name: &str, default: Value) {
    // An empty text stands for itself where it is the default.
    if nothing(fields, name) && !fields.get(name).is_some_and(|now| *now == default) {
        fields.insert(name.to_owned(), default);
    }
}

fn text<'f>(fields: &'f Fields, name: &str) -> &'f str {
    fields.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn inner<'f>(fields: &'f mut Fields, name: &str) -> Option<&'f mut Fields> {
    fields.get_mut(name).and_then(Value::as_object_mut)
}

/// Defaults that depend on other fields.
fn special(name: &str, fields: &mut Fields) {
    match name {
        "core.v1.Container" | "core.v1.EphemeralContainer" => {
            let policy = pull_policy(text(fields, "image"));
            put(fields, "imagePullPolicy", policy.into());
            put(fields, "terminationMessagePath", "/dev/termination-log".into());
            put(fields, "terminationMessagePolicy", "File".into());
        }
        "core.v1.ImageVolumeSource" => {
            let policy = pull_policy(text(fields, "reference"));
            put(fields, "pullPolicy", policy.into());
        }
        "core.v1.Volume" if fields.len() < 2 => put(fields, "emptyDir", json!({})),
        "core.v1.Pod" => pod(fields),
        "core.v1.Namespace" => namespace(fields),
        "core.v1.ServiceSpec" => service(fields),
        "core.v1.NodeStatus" => {
            if let Some(capacity) = fields.get("capacity").cloned() {
                put(fields, "allocatable", capacity);
            }
        }
        "apps.v1.DeploymentStrategy" if text(fields, "type") == "RollingUpdate" => {
            put(fields, "rollingUpdate", json!({}));
            if let Some(update) = inner(fields, "rollingUpdate") {
                put(update, "maxUnavailable", "25%".into());
                put(update, "maxSurge", "25%".into());
            }
        }
        "apps.v1.DaemonSetUpdateStrategy" if text(fields, "type") == "RollingUpdate" => {
            put(fields, "rollingUpdate", json!({}));
            if let Some(update) = inner(fields, "rollingUpdate") {
                put(update, "maxUnavailable", 1.into());
                put(update, "maxSurge", 0.into());
            }
        }
        "apps.v1.StatefulSetUpdateStrategy" => {
            if nothing(fields, "type") {
                put(fields, "type", "RollingUpdate".into());
                put(fields, "rollingUpdate", json!({}));
            }
            if let Some(update) = inner(fields, "rollingUpdate") {
                put(update, "partition", 0.into());
            }
        }
        "apps.v1.DaemonSet" => {
            if let Some(metadata) = inner(fields, "metadata") {
                put(metadata, "annotations", json!({}));
                if let Some(annotations) = inner(metadata, "annotations") {
                    put(annotations, "deprecated.daemonset.template.generation", "1".into());
                }
            }
        }
        "apps.v1.StatefulSetSpec" => {
            let claims = fields.get_mut("volumeClaimTemplates").and_then(Value::as_array_mut);
            for claim in claims.into_iter().flatten().filter_map(Value::as_object_mut) {
                put(claim, "apiVersion", "v1".into());
                put(claim, "kind", "PersistentVolumeClaim".into());
            }
        }
        "batch.v1.Job" => job(fields),
        "rbac.v1.Subject" if matches!(text(fields, "kind"), "User" | "Group") => {
            put(fields, "apiGroup", "rbac.authorization.k8s.io".into());
        }
        "networking.v1.NetworkPolicySpec" => {
            let egress = !nothing(fields, "egress");
            let policies = if egress { json!(["Ingress", "Egress"]) } else { json!(["Ingress"]) };
            put(fields, "policyTypes", policies);
        }
        "apiextensions.v1.CustomResourceDefinition" => definition(fields),
        "apiextensions.v1.CustomResourceDefinitionNames" => {
            let kind = text(fields, "kind").to_owned();
            put(fields, "singular", kind.to_lowercase().into());
            put(fields, "listKind", format!("{kind}List").into());
        }
        _ => {}
    }
}

/// Always for images without a tag or with `latest`.
fn pull_policy(image: &str) -> &'static str {
    let (name, digest) = image.split_once('@').map_or((image, None), |(name, digest)| (name, Some(digest)));
    let last = name.rsplit('/').next().unwrap_or(name);
    match (last.split_once(':'), digest) {
        (Some((_, "latest")), _) | (None, None) => "Always",
        _ => "IfNotPresent",
    }
}

fn pod(fields: &mut Fields) {
    let Some(spec) = inner(fields, "spec") else { return };
    put(spec, "enableServiceLinks", true.into());
    let host = spec.get("hostNetwork") == Some(&Value::Bool(true));
    for list in ["containers", "initContainers"] {
        for container in spec.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
            let limits = container.at("/resources/limits").and_then(Value::as_object).cloned();
            let resources = container.get_mut("resources").and_then(Value::as_object_mut);
            if let (Some(limits), Some(resources)) = (limits, resources) {
                put(resources, "requests", json!({}));
                for (name, limit) in limits {
                    if let Some(requests) = inner(resources, "requests") {
                        put(requests, &name, limit);
                    }
                }
            }
            let ports = container.get_mut("ports").and_then(Value::as_array_mut).filter(|_| host);
            for port in ports.into_iter().flatten().filter_map(Value::as_object_mut) {
                if let Some(number) = port.get("containerPort").cloned() {
                    put(port, "hostPort", number);
                }
            }
        }
    }
}

fn namespace(fields: &mut Fields) {
    let Some(metadata) = inner(fields, "metadata") else { return };
    let name = text(metadata, "name").to_owned();
    if !name.is_empty() {
        put(metadata, "labels", json!({}));
        if let Some(labels) = inner(metadata, "labels") {
            labels.insert("kubernetes.io/metadata.name".to_owned(), name.into());
        }
    }
}

fn service(spec: &mut Fields) {
    let (affinity, kind) = (text(spec, "sessionAffinity").to_owned(), text(spec, "type").to_owned());
    if affinity == "None" {
        spec.shift_remove("sessionAffinityConfig");
    } else if affinity == "ClientIP" {
        put(spec, "sessionAffinityConfig", json!({"clientIP": {"timeoutSeconds": 10_800}}));
    }
    for port in spec.get_mut("ports").and_then(Value::as_array_mut).into_iter().flatten() {
        let Some(port) = port.as_object_mut() else { continue };
        let zero = port.get("targetPort").is_none_or(|target| *target == json!(0) || *target == json!(""));
        if let Some(number) = port.get("port").cloned().filter(|_| zero) {
            port.insert("targetPort".to_owned(), number);
        }
    }
    let external = matches!(kind.as_str(), "LoadBalancer" | "NodePort")
        || kind == "ClusterIP" && !nothing(spec, "externalIPs");
    if external {
        put(spec, "externalTrafficPolicy", "Cluster".into());
    }
    if matches!(kind.as_str(), "LoadBalancer" | "NodePort" | "ClusterIP") {
        put(spec, "internalTrafficPolicy", "Cluster".into());
    }
    if kind == "LoadBalancer" {
        put(spec, "allocateLoadBalancerNodePorts", true.into());
    }
}

fn job(fields: &mut Fields) {
    let labels = fields.get("spec").and_then(|spec| spec.at("/template/metadata/labels")).cloned();
    if let (Some(labels), Some(metadata)) = (labels, inner(fields, "metadata"))
        && metadata.get("labels").and_then(Value::as_object).is_none_or(Map::is_empty)
    {
        metadata.insert("labels".to_owned(), labels);
    }
    // Only Jobs get these, their templates in CronJobs do not.
    if let Some(spec) = inner(fields, "spec") {
        if nothing(spec, "parallelism") {
            put(spec, "completions", 1.into());
        }
        put(spec, "parallelism", 1.into());
        let each = !nothing(spec, "backoffLimitPerIndex");
        put(spec, "backoffLimit", if each { i32::MAX } else { 6 }.into());
        put(spec, "completionMode", "NonIndexed".into());
        put(spec, "suspend", false.into());
        let policy = if nothing(spec, "podFailurePolicy") { "TerminatingOrFailed" } else { "Failed" };
        put(spec, "podReplacementPolicy", policy.into());
        put(spec, "manualSelector", false.into());
    }
}

fn definition(fields: &mut Fields) {
    let versions = fields.get("spec").and_then(|spec| spec.get("versions")).and_then(Value::as_array);
    let mut stored = versions.into_iter().flatten().filter(|version| version["storage"] == json!(true));
    if let Some(name) = stored.next().map(|version| version["name"].clone())
        && let Some(status) = inner(fields, "status")
    {
        put(status, "storedVersions", json!([name]));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_of_defaults_is_sorted_by_type_and_is_json() {
        assert!(ALWAYS.is_sorted_by_key(|(of, ..)| *of));
        let known = &super::super::table::table().names;
        for (of, field, default) in ALWAYS {
            assert!(serde_json::from_str::<Value>(default).is_ok(), "{of}.{field}");
            assert!(known.contains_key(of), "{of}");
        }
    }

    #[test]
    fn images_without_a_fixed_tag_are_always_pulled() {
        for (image, policy) in [
            ("web", "Always"),
            ("web:latest", "Always"),
            ("host:5000/web", "Always"),
            ("host:5000/web:1.2", "IfNotPresent"),
            ("web@sha256:0", "IfNotPresent"),
        ] {
            assert_eq!(pull_policy(image), policy, "{image}");
        }
    }
}
