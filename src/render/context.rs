//! What a template may see, and nothing else: everything in it is part of the inputs digest, so
//! that equal inputs give equal objects. The release is not in it: two releases with the same
//! product version (and the same digests of its images) must render the same.

use std::sync::Arc;

use serde_json::{Value, json};

use super::mask::Mask;
use super::values::Resolved;
use crate::model::{ClusterName, Labels, ProductName};
use crate::version::{KubeMinor, Version};

/// The cluster's and the product's side of a rendering.
#[derive(Debug, Clone)]
pub struct Facts<'a> {
    /// The cluster's name.
    pub cluster: &'a ClusterName,
    /// Its labels.
    pub labels: &'a Labels,
    /// Who runs it.
    pub provider: Option<&'a str>,
    /// The Kubernetes minor that is rendered for.
    pub kubernetes: KubeMinor,
    /// The product.
    pub product: &'a ProductName,
    /// Its version.
    pub version: &'a Version,
}

/// What a template may see. It has no Debug: secrets are in it.
#[derive(Clone)]
pub struct Context {
    value: Value,
    mask: Mask,
}

impl Context {
    /// The context of one product in one cluster.
    pub fn new(facts: &Facts<'_>, values: &Resolved) -> Self {
        let value = json!({
            "values": values.expose(),
            "cluster": {
                "name": facts.cluster.to_string(),
                "labels": facts.labels,
                "provider": facts.provider,
            },
            "kubernetes": facts.kubernetes.to_string(),
            "product": {"name": facts.product.to_string(), "version": facts.version.to_string()},
        });
        let secrets: Vec<&Arc<str>> = values.secrets().iter().collect();
        Self { value, mask: Mask::new(secrets) }
    }

    pub(super) fn value(&self) -> &Value {
        &self.value
    }

    /// What hides the secrets of this context in words.
    pub(super) fn mask(&self) -> &Mask {
        &self.mask
    }
}
