//! What would be applied, before anything is: a planned cluster's products rendered from their
//! locked content, every secret shown as `***`. Nothing is asked of the cluster.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::apply::ownership::{Owners, definitions, owners};
use crate::apply::{Kind, ProductSet};
use crate::plan::{Plan, PlannedCluster};
use crate::port::{Fault, Renderer};
use crate::render::values::masked;

use super::contents::Contents;
use super::rendering::{self, For};

/// Kinds of Kubernetes itself whose objects live in no namespace.
const CLUSTER_SCOPED: &[&str] = &[
    "APIService",
    "CSIDriver",
    "CertificateSigningRequest",
    "ClusterRole",
    "ClusterRoleBinding",
    "CustomResourceDefinition",
    "FlowSchema",
    "IngressClass",
    "MutatingAdmissionPolicy",
    "MutatingAdmissionPolicyBinding",
    "MutatingWebhookConfiguration",
    "Namespace",
    "Node",
    "PersistentVolume",
    "PriorityClass",
    "PriorityLevelConfiguration",
    "RuntimeClass",
    "StorageClass",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
    "ValidatingWebhookConfiguration",
    "VolumeAttributesClass",
];

/// Everything that the products of a planned cluster put there, in the order of its targets.
///
/// # Errors
/// When content is gone, or something can't be rendered.
pub async fn cluster(
    renderer: &dyn Renderer,
    contents: &Contents,
    plan: &Plan,
    planned: &PlannedCluster,
) -> Result<Vec<ProductSet>, Fault> {
    let mut found = Vec::new();
    for target in &planned.targets {
        let product = plan.products.get(&target.digest).ok_or_else(|| missing(&target.product))?;
        found.push(contents.get(product).await?);
    }
    let provides: Vec<String> =
        found.iter().flat_map(|c| c.file.spec.provides.iter().map(|p| p.value.clone())).collect();
    let mut sets = Vec::new();
    for (target, content) in planned.targets.iter().zip(&found) {
        let values = masked(plan.values.get(&target.values).ok_or_else(|| missing(&target.product))?);
        let what = For { cluster: planned, target, content, values: &values, provides: &provides };
        sets.push(rendering::product(renderer, &what).await?);
    }
    Ok(sets)
}

fn missing(product: &crate::model::ProductName) -> Fault {
    Fault::permanent(format!("the plan lacks what it says of {product}: make it again"))
}

/// Who owns what among rendered objects, told without a cluster: kinds that nobody defines here
/// count as namespaced. Preflight asks the cluster itself.
pub fn ownership(sets: &[ProductSet]) -> Owners {
    let objects: Vec<&Value> = sets.iter().flat_map(|s| s.objects.iter().map(|o| &o.object)).collect();
    let defined: BTreeMap<(String, String), bool> =
        definitions(objects).into_iter().map(|(kind, d)| (kind, d.namespaced)).collect();
    let scopes = |kind: &Kind| {
        let own = defined.get(&(kind.group.clone(), kind.kind.clone())).copied();
        Some(own.unwrap_or_else(|| !CLUSTER_SCOPED.contains(&kind.kind.as_str())))
    };
    owners(sets, &scopes)
}
