//! In which order kinds are applied: what others need comes first, what can stop others comes last.
//! Objects of one stage go together; deletions go backwards.

use super::identity::ObjectId;

/// The last stage.
pub const LAST: u8 = 11;

/// The stage of an object, from 0 to [`LAST`].
pub fn stage(id: &ObjectId) -> u8 {
    match (id.group.as_str(), id.kind.as_str()) {
        ("", "Namespace") => 0,
        ("apiextensions.k8s.io", "CustomResourceDefinition") => 1,
        ("", "ServiceAccount") | ("rbac.authorization.k8s.io", "ClusterRole" | "Role") => 2,
        ("storage.k8s.io", "StorageClass" | "CSIDriver")
        | ("scheduling.k8s.io", "PriorityClass")
        | ("node.k8s.io", "RuntimeClass")
        | ("networking.k8s.io", "IngressClass") => 3,
        ("rbac.authorization.k8s.io", "ClusterRoleBinding" | "RoleBinding") => 4,
        ("", "ResourceQuota" | "LimitRange")
        | ("networking.k8s.io", "NetworkPolicy")
        | ("policy", "PodDisruptionBudget") => 5,
        ("", "Secret" | "ConfigMap") => 6,
        ("", "PersistentVolume" | "PersistentVolumeClaim" | "Service" | "Endpoints")
        | ("discovery.k8s.io", "EndpointSlice") => 7,
        ("apps", _) | ("batch", _) | ("", "Pod" | "ReplicationController") => 8,
        // A webhook, a policy or an aggregated API may refuse or hide everything that comes after it.
        (
            "admissionregistration.k8s.io",
            "ValidatingAdmissionPolicy"
            | "ValidatingAdmissionPolicyBinding"
            | "MutatingAdmissionPolicy"
            | "MutatingAdmissionPolicyBinding",
        )
        | ("apiregistration.k8s.io", "APIService") => 10,
        (
            "admissionregistration.k8s.io",
            "ValidatingWebhookConfiguration" | "MutatingWebhookConfiguration",
        ) => LAST,
        // Custom resources, Ingresses, autoscalers: after the workloads that serve or check them.
        _ => 9,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(group: &str, kind: &str) -> u8 {
        stage(&ObjectId {
            group: group.into(),
            kind: kind.into(),
            namespace: String::new(),
            name: "a".into(),
        })
    }

    #[test]
    fn a_namespace_comes_before_a_role_before_a_storage_class_before_a_binding() {
        let stages = [
            of("", "Namespace"),
            of("rbac.authorization.k8s.io", "ClusterRole"),
            of("storage.k8s.io", "StorageClass"),
            of("rbac.authorization.k8s.io", "ClusterRoleBinding"),
        ];
        assert!(stages.is_sorted_by(|a, b| a < b), "{stages:?}");
    }

    #[test]
    fn definitions_come_before_their_resources_and_webhooks_last() {
        assert!(of("apiextensions.k8s.io", "CustomResourceDefinition") < of("example.com", "Widget"));
        assert!(of("apps", "Deployment") < of("example.com", "Widget"));
        let hooks = of("admissionregistration.k8s.io", "MutatingWebhookConfiguration");
        assert_eq!(hooks, LAST);
        assert!(of("example.com", "Widget") < hooks);
    }

    #[test]
    fn settings_come_before_the_workloads_that_mount_them() {
        assert!(of("", "ConfigMap") < of("apps", "Deployment"));
        assert!(of("", "ServiceAccount") < of("apps", "Deployment"));
        assert!(of("", "PersistentVolumeClaim") < of("apps", "StatefulSet"));
    }
}
