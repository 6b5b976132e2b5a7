//! Which versions of Kubernetes serve its own APIs: those that came or went in a minor that somebody may
//! still use. Of an API that is not listed here nothing is known, and nothing is said.
//!
//! From the deprecation guide (kubernetes.io/docs/reference/using-api/deprecation-guide) and the lifecycle
//! marks of Kubernetes 1.36.

use std::collections::BTreeSet;

use serde_json::Value;

use super::apis::Api;
use super::change::{Sign, Weight};
use super::found::Found;
use crate::version::KubeMinor;

/// Group, version, kinds (none means all), and the first and the last minor of 1 that serve them.
type Row = (&'static str, &'static str, &'static [&'static str], u32, u32);

/// The newest version that is known here.
pub const NEWEST: KubeMinor = KubeMinor { major: 1, minor: 36 };

const LONG_AGO: u32 = 0;
const NO_END: u32 = u32::MAX;

const POLICIES: &[&str] = &["ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"];
const MUTATIONS: &[&str] = &["MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding"];
const WEBHOOKS: &[&str] = &["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"];
const RANGES: &[&str] = &["IPAddress", "ServiceCIDR"];

const ROWS: &[Row] = &[
    ("admissionregistration.k8s.io", "v1", MUTATIONS, 36, NO_END),
    ("admissionregistration.k8s.io", "v1", POLICIES, 30, NO_END),
    ("admissionregistration.k8s.io", "v1beta1", MUTATIONS, 34, 39),
    ("admissionregistration.k8s.io", "v1beta1", POLICIES, 28, 33),
    ("admissionregistration.k8s.io", "v1beta1", WEBHOOKS, LONG_AGO, 21),
    ("apiextensions.k8s.io", "v1beta1", &[], LONG_AGO, 21),
    ("apiregistration.k8s.io", "v1beta1", &[], LONG_AGO, 21),
    ("apps", "v1beta1", &[], LONG_AGO, 15),
    ("apps", "v1beta2", &[], LONG_AGO, 15),
    ("authentication.k8s.io", "v1beta1", &["SelfSubjectReview"], 27, 32),
    ("authentication.k8s.io", "v1beta1", &["TokenReview"], LONG_AGO, 21),
    ("authorization.k8s.io", "v1beta1", &[], LONG_AGO, 21),
    ("autoscaling", "v2", &[], 23, NO_END),
    ("autoscaling", "v2beta1", &[], LONG_AGO, 24),
    ("autoscaling", "v2beta2", &[], LONG_AGO, 25),
    ("batch", "v1", &["CronJob"], 21, NO_END),
    ("batch", "v1beta1", &["CronJob"], LONG_AGO, 24),
    ("certificates.k8s.io", "v1beta1", &["CertificateSigningRequest"], LONG_AGO, 21),
    ("certificates.k8s.io", "v1beta1", &["ClusterTrustBundle"], 33, 39),
    ("coordination.k8s.io", "v1beta1", &["Lease"], LONG_AGO, 21),
    ("discovery.k8s.io", "v1", &[], 21, NO_END),
    ("discovery.k8s.io", "v1beta1", &[], LONG_AGO, 24),
    ("events.k8s.io", "v1beta1", &[], LONG_AGO, 24),
    ("extensions", "v1beta1", &["DaemonSet", "Deployment", "NetworkPolicy", "ReplicaSet"], LONG_AGO, 15),
    ("extensions", "v1beta1", &["PodSecurityPolicy"], LONG_AGO, 15),
    ("extensions", "v1beta1", &["Ingress"], LONG_AGO, 21),
    ("flowcontrol.apiserver.k8s.io", "v1", &[], 29, NO_END),
    ("flowcontrol.apiserver.k8s.io", "v1beta1", &[], 20, 25),
    ("flowcontrol.apiserver.k8s.io", "v1beta2", &[], 23, 28),
    ("flowcontrol.apiserver.k8s.io", "v1beta3", &[], 26, 31),
    ("networking.k8s.io", "v1", &["Ingress", "IngressClass"], 19, NO_END),
    ("networking.k8s.io", "v1", RANGES, 33, NO_END),
    ("networking.k8s.io", "v1beta1", &["Ingress", "IngressClass"], LONG_AGO, 21),
    ("networking.k8s.io", "v1beta1", RANGES, 31, 36),
    ("node.k8s.io", "v1beta1", &[], LONG_AGO, 24),
    ("policy", "v1", &["PodDisruptionBudget"], 21, NO_END),
    ("policy", "v1beta1", &["PodDisruptionBudget", "PodSecurityPolicy"], LONG_AGO, 24),
    ("rbac.authorization.k8s.io", "v1beta1", &[], LONG_AGO, 21),
    ("resource.k8s.io", "v1", &[], 34, NO_END),
    ("resource.k8s.io", "v1beta1", &[], 32, 37),
    ("resource.k8s.io", "v1beta2", &[], 33, 38),
    ("scheduling.k8s.io", "v1beta1", &["PriorityClass"], LONG_AGO, 21),
    ("storage.k8s.io", "v1", &["CSIStorageCapacity"], 24, NO_END),
    ("storage.k8s.io", "v1", &["VolumeAttributesClass"], 34, NO_END),
    (
        "storage.k8s.io",
        "v1beta1",
        &["CSIDriver", "CSINode", "StorageClass", "VolumeAttachment"],
        LONG_AGO,
        21,
    ),
    ("storage.k8s.io", "v1beta1", &["CSIStorageCapacity"], LONG_AGO, 26),
    ("storage.k8s.io", "v1beta1", &["VolumeAttributesClass"], 31, 36),
];

/// What of a rendering a version of Kubernetes does not serve.
pub fn absent(objects: &[Value], kubernetes: KubeMinor) -> Found {
    let apis: BTreeSet<Api> = objects.iter().filter_map(Api::of).collect();
    let mut found = Found::default();
    for api in &apis {
        if let Some(why) = refusal(api, kubernetes) {
            let what = format!("it uses {api}, which Kubernetes {kubernetes} does not serve: {why}");
            found.compare(Sign::Api, Weight::Certain, &what);
        }
    }
    found
}

/// Why a version of Kubernetes does not serve an API, if that is known.
fn refusal(api: &Api, kubernetes: KubeMinor) -> Option<String> {
    let is_it = |(group, version, kinds, ..): &&Row| {
        *group == api.group
            && *version == api.version
            && (kinds.is_empty() || kinds.contains(&api.kind.as_str()))
    };
    let (.., since, until) = ROWS.iter().find(is_it)?;
    match kubernetes {
        KubeMinor { major: 1, minor } if minor < *since => Some(format!("it begins with 1.{since}")),
        KubeMinor { major: 1, minor } if minor > *until => Some(format!("it ended with 1.{until}")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn told(version: &str, kind: &str, kubernetes: &str) -> Vec<String> {
        let object = json!({ "apiVersion": version, "kind": kind });
        let found = absent(&[object.clone(), object], kubernetes.parse().expect("a minor"));
        found.evidence.into_iter().map(|one| one.text).collect()
    }

    #[test]
    fn what_has_ended_and_what_has_not_begun_is_told_once() {
        assert_eq!(
            told("policy/v1beta1", "PodDisruptionBudget", "1.34"),
            [
                "it uses PodDisruptionBudget (policy/v1beta1), which Kubernetes 1.34 does not serve: it ended with 1.24"
            ]
        );
        assert_eq!(
            told("resource.k8s.io/v1", "ResourceClaim", "1.33"),
            [
                "it uses ResourceClaim (resource.k8s.io/v1), which Kubernetes 1.33 does not serve: it begins with 1.34"
            ]
        );
    }

    #[test]
    fn of_what_is_served_and_of_what_nobody_knows_nothing_is_said() {
        for (version, kind, kubernetes) in [
            ("policy/v1", "PodDisruptionBudget", "1.34"),
            ("policy/v1beta1", "PodDisruptionBudget", "1.24"),
            ("batch/v1", "Job", "1.10"),
            ("cert-manager.io/v1", "Certificate", "1.36"),
            ("resource.k8s.io/v1beta1", "ResourceClaim", "1.37"),
        ] {
            assert!(told(version, kind, kubernetes).is_empty(), "{version} {kind} {kubernetes}");
        }
    }

    #[test]
    fn no_api_has_two_rows() {
        for (at, (group, version, kinds, ..)) in ROWS.iter().enumerate() {
            for (other_group, other_version, others, ..) in &ROWS[at + 1..] {
                let same = group == other_group && version == other_version;
                assert!(!same || !kinds.is_empty() && kinds.iter().all(|kind| !others.contains(kind)));
            }
        }
    }
}
