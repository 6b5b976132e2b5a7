//! The built-in resources of a real API server, as a table: what each is called, and which minors serve
//! it. Read from the discovery answers and the lifecycle marks of Kubernetes 1.36; alpha versions, which
//! nobody serves unless asked to, are left out.

/// One row: group, versions with the first and last minor (of 1) that serves each, plural, kind, whether
/// it lives in namespaces, short names, categories, and subresources.
pub(super) struct Row {
    pub group: &'static str,
    pub version: &'static str,
    /// The first minor that serves it.
    pub since: u32,
    /// The last minor that serves it.
    pub until: u32,
    pub plural: &'static str,
    pub kind: &'static str,
    pub namespaced: bool,
    pub short: &'static str,
    pub categories: &'static str,
    pub sub: &'static str,
}

const LONG_AGO: u32 = 0;
const ALWAYS: u32 = u32::MAX;
const NAMESPACED: bool = true;
const CLUSTER: bool = false;

type Cells = (&'static str, &'static str, bool, &'static str, &'static str, &'static str);

/// The versions of groups, in the order in which `/apis` lists them: group, version, first and last
/// minor, and resources.
type Version = (&'static str, &'static str, u32, u32, &'static [Cells]);

#[rustfmt::skip]
const VERSIONS: &[Version] = &[
    ("", "v1", LONG_AGO, ALWAYS, &[
        ("bindings", "Binding", NAMESPACED, "", "", ""),
        ("componentstatuses", "ComponentStatus", CLUSTER, "cs", "", ""),
        ("configmaps", "ConfigMap", NAMESPACED, "cm", "", ""),
        ("endpoints", "Endpoints", NAMESPACED, "ep", "", ""),
        ("events", "Event", NAMESPACED, "ev", "", ""),
        ("limitranges", "LimitRange", NAMESPACED, "limits", "", ""),
        ("namespaces", "Namespace", CLUSTER, "ns", "", "finalize status"),
        ("nodes", "Node", CLUSTER, "no", "", "proxy status"),
        ("persistentvolumeclaims", "PersistentVolumeClaim", NAMESPACED, "pvc", "", "status"),
        ("persistentvolumes", "PersistentVolume", CLUSTER, "pv", "", "status"),
        ("pods", "Pod", NAMESPACED, "po", "all", "attach binding ephemeralcontainers eviction exec log portforward proxy resize status"),
        ("podtemplates", "PodTemplate", NAMESPACED, "", "", ""),
        ("replicationcontrollers", "ReplicationController", NAMESPACED, "rc", "all", "scale status"),
        ("resourcequotas", "ResourceQuota", NAMESPACED, "quota", "", "status"),
        ("secrets", "Secret", NAMESPACED, "", "", ""),
        ("serviceaccounts", "ServiceAccount", NAMESPACED, "sa", "", "token"),
        ("services", "Service", NAMESPACED, "svc", "all", "proxy status"),
    ]),
    ("apiregistration.k8s.io", "v1", LONG_AGO, ALWAYS, &[
        ("apiservices", "APIService", CLUSTER, "", "api-extensions", "status"),
    ]),
    ("apps", "v1", LONG_AGO, ALWAYS, &[
        ("controllerrevisions", "ControllerRevision", NAMESPACED, "", "", ""),
        ("daemonsets", "DaemonSet", NAMESPACED, "ds", "all", "status"),
        ("deployments", "Deployment", NAMESPACED, "deploy", "all", "scale status"),
        ("replicasets", "ReplicaSet", NAMESPACED, "rs", "all", "scale status"),
        ("statefulsets", "StatefulSet", NAMESPACED, "sts", "all", "scale status"),
    ]),
    ("events.k8s.io", "v1", LONG_AGO, ALWAYS, &[
        ("events", "Event", NAMESPACED, "ev", "", ""),
    ]),
    ("authentication.k8s.io", "v1", LONG_AGO, ALWAYS, &[
        ("selfsubjectreviews", "SelfSubjectReview", CLUSTER, "", "", ""),
        ("tokenreviews", "TokenReview", CLUSTER, "", "", ""),
    ]),
    ("authentication.k8s.io", "v1beta1", LONG_AGO, 32, &[
        ("selfsubjectreviews", "SelfSubjectReview", CLUSTER, "", "", ""),
    ]),
    ("authorization.k8s.io", "v1", LONG_AGO, ALWAYS, &[
        ("localsubjectaccessreviews", "LocalSubjectAccessReview", NAMESPACED, "", "", ""),
        ("selfsubjectaccessreviews", "SelfSubjectAccessReview", CLUSTER, "", "", ""),
        ("selfsubjectrulesreviews", "SelfSubjectRulesReview", CLUSTER, "", "", ""),
        ("subjectaccessreviews", "SubjectAccessReview", CLUSTER, "", "", ""),
    ]),
    ("autoscaling", "v2", LONG_AGO, ALWAYS, &[
        ("horizontalpodautoscalers", "HorizontalPodAutoscaler", NAMESPACED, "hpa", "all", "status"),
    ]),
    ("autoscaling", "v1", LONG_AGO, ALWAYS, &[
        ("horizontalpodautoscalers", "HorizontalPodAutoscaler", NAMESPACED, "hpa", "all", "status"),
    ]),
    ("batch", "v1", LONG_AGO, ALWAYS, &[
        ("cronjobs", "CronJob", NAMESPACED, "cj", "all", "status"),
        ("jobs", "Job", NAMESPACED, "", "all", "status"),
    ]),
    ("certificates.k8s.io", "v1", LONG_AGO, ALWAYS, &[
        ("certificatesigningrequests", "CertificateSigningRequest", CLUSTER, "csr", "", "approval status"),
    ]),
    ("certificates.k8s.io", "v1beta1", 33, 39, &[
        ("clustertrustbundles", "ClusterTrustBundle", CLUSTER, "", "", ""),
    ]),
    ("networking.k8s.io", "v1", LONG_AGO, ALWAYS, &[
        ("ingressclasses", "IngressClass", CLUSTER, "", "", ""),
        ("ingresses", "Ingress", NAMESPACED, "ing", "", "status"),
        ("networkpolicies", "NetworkPolicy", NAMESPACED, "netpol", "", ""),
    ]),
    ("networking.k8s.io", "v1", 33, ALWAYS, &[
        ("ipaddresses", "IPAddress", CLUSTER, "ip", "", ""),
        ("servicecidrs", "ServiceCIDR", CLUSTER, "", "", "status"),
    ]),
    ("networking.k8s.io", "v1beta1", 31, 36, &[
        ("ipaddresses", "IPAddress", CLUSTER, "ip", "", ""),
        ("servicecidrs", "ServiceCIDR", CLUSTER, "", "", "status"),
    ]),
    ("policy", "v1", LONG_AGO, ALWAYS, &[
        ("poddisruptionbudgets", "PodDisruptionBudget", NAMESPACED, "pdb", "", "status"),
    ]),
    ("rbac.authorization.k8s.io", "v1", LONG_AGO, ALWAYS, &[
        ("clusterrolebindings", "ClusterRoleBinding", CLUSTER, "", "", ""),
        ("clusterroles", "ClusterRole", CLUSTER, "", "", ""),
        ("rolebindings", "RoleBinding", NAMESPACED, "", "", ""),
        ("roles", "Role", NAMESPACED, "", "", ""),
    ]),
    ("storage.k8s.io", "v1", LONG_AGO, ALWAYS, &[
        ("csidrivers", "CSIDriver", CLUSTER, "", "", ""),
        ("csinodes", "CSINode", CLUSTER, "", "", ""),
        ("csistoragecapacities", "CSIStorageCapacity", NAMESPACED, "", "", ""),
        ("storageclasses", "StorageClass", CLUSTER, "sc", "", ""),
        ("volumeattachments", "VolumeAttachment", CLUSTER, "", "", "status"),
    ]),
    ("storage.k8s.io", "v1", 34, ALWAYS, &[
        ("volumeattributesclasses", "VolumeAttributesClass", CLUSTER, "vac", "", ""),
    ]),
    ("storage.k8s.io", "v1beta1", 31, 36, &[
        ("volumeattributesclasses", "VolumeAttributesClass", CLUSTER, "vac", "", ""),
    ]),
    ("admissionregistration.k8s.io", "v1", 36, ALWAYS, &[
        ("mutatingadmissionpolicies", "MutatingAdmissionPolicy", CLUSTER, "", "api-extensions", ""),
        ("mutatingadmissionpolicybindings", "MutatingAdmissionPolicyBinding", CLUSTER, "", "api-extensions", ""),
    ]),
    ("admissionregistration.k8s.io", "v1", LONG_AGO, ALWAYS, &[
        ("mutatingwebhookconfigurations", "MutatingWebhookConfiguration", CLUSTER, "", "api-extensions", ""),
        ("validatingadmissionpolicies", "ValidatingAdmissionPolicy", CLUSTER, "", "api-extensions", "status"),
        ("validatingadmissionpolicybindings", "ValidatingAdmissionPolicyBinding", CLUSTER, "", "api-extensions", ""),
        ("validatingwebhookconfigurations", "ValidatingWebhookConfiguration", CLUSTER, "", "api-extensions", ""),
    ]),
    ("admissionregistration.k8s.io", "v1beta1", 34, 39, &[
        ("mutatingadmissionpolicies", "MutatingAdmissionPolicy", CLUSTER, "", "api-extensions", ""),
        ("mutatingadmissionpolicybindings", "MutatingAdmissionPolicyBinding", CLUSTER, "", "api-extensions", ""),
    ]),
    ("admissionregistration.k8s.io", "v1beta1", LONG_AGO, 33, &[
        ("validatingadmissionpolicies", "ValidatingAdmissionPolicy", CLUSTER, "", "api-extensions", "status"),
        ("validatingadmissionpolicybindings", "ValidatingAdmissionPolicyBinding", CLUSTER, "", "api-extensions", ""),
    ]),
    ("apiextensions.k8s.io", "v1", LONG_AGO, ALWAYS, &[
        ("customresourcedefinitions", "CustomResourceDefinition", CLUSTER, "crd crds", "api-extensions", "status"),
    ]),
    ("scheduling.k8s.io", "v1", LONG_AGO, ALWAYS, &[
        ("priorityclasses", "PriorityClass", CLUSTER, "pc", "", ""),
    ]),
    ("coordination.k8s.io", "v1", LONG_AGO, ALWAYS, &[
        ("leases", "Lease", NAMESPACED, "", "", ""),
    ]),
    ("node.k8s.io", "v1", LONG_AGO, ALWAYS, &[
        ("runtimeclasses", "RuntimeClass", CLUSTER, "", "", ""),
    ]),
    ("discovery.k8s.io", "v1", LONG_AGO, ALWAYS, &[
        ("endpointslices", "EndpointSlice", NAMESPACED, "", "", ""),
    ]),
    ("resource.k8s.io", "v1", 34, ALWAYS, &[
        ("deviceclasses", "DeviceClass", CLUSTER, "", "", ""),
        ("resourceclaims", "ResourceClaim", NAMESPACED, "", "", "status"),
        ("resourceclaimtemplates", "ResourceClaimTemplate", NAMESPACED, "", "", ""),
        ("resourceslices", "ResourceSlice", CLUSTER, "", "", ""),
    ]),
    ("resource.k8s.io", "v1beta2", 33, 38, &[
        ("deviceclasses", "DeviceClass", CLUSTER, "", "", ""),
        ("resourceclaims", "ResourceClaim", NAMESPACED, "", "", "status"),
        ("resourceclaimtemplates", "ResourceClaimTemplate", NAMESPACED, "", "", ""),
        ("resourceslices", "ResourceSlice", CLUSTER, "", "", ""),
    ]),
    ("resource.k8s.io", "v1beta1", 32, 37, &[
        ("deviceclasses", "DeviceClass", CLUSTER, "", "", ""),
        ("resourceclaims", "ResourceClaim", NAMESPACED, "", "", "status"),
        ("resourceclaimtemplates", "ResourceClaimTemplate", NAMESPACED, "", "", ""),
        ("resourceslices", "ResourceSlice", CLUSTER, "", "", ""),
    ]),
    ("flowcontrol.apiserver.k8s.io", "v1", LONG_AGO, ALWAYS, &[
        ("flowschemas", "FlowSchema", CLUSTER, "", "", "status"),
        ("prioritylevelconfigurations", "PriorityLevelConfiguration", CLUSTER, "", "", "status"),
    ]),
    ("flowcontrol.apiserver.k8s.io", "v1beta3", LONG_AGO, 31, &[
        ("flowschemas", "FlowSchema", CLUSTER, "", "", "status"),
        ("prioritylevelconfigurations", "PriorityLevelConfiguration", CLUSTER, "", "", "status"),
    ]),
];

/// Every row, in the order of discovery.
pub(super) fn rows() -> impl Iterator<Item = Row> {
    VERSIONS.iter().flat_map(|&(group, version, since, until, resources)| {
        resources.iter().map(move |&(plural, kind, namespaced, short, categories, sub)| Row {
            group,
            version,
            since,
            until,
            plural,
            kind,
            namespaced,
            short,
            categories,
            sub,
        })
    })
}
