//! `plan --cluster C --manifests`: what would be applied there, as manifests with their origin.

use crate::apply::ProductSet;
use crate::model::{ClusterName, ProductName};
use crate::output::{Look, Screen};

/// The manifests of one cluster, secrets masked.
#[derive(Debug, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ManifestsScreen {
    /// The cluster.
    pub cluster: ClusterName,
    /// The objects, in the order of products.
    pub objects: Vec<Manifest>,
}

/// One object.
#[derive(Debug, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// The product that owns it.
    pub product: ProductName,
    /// The deploy step.
    pub step: String,
    /// Where it comes from.
    pub origin: String,
    /// The object.
    pub object: serde_json::Value,
}

impl ManifestsScreen {
    /// Of rendered products.
    pub fn of(cluster: &ClusterName, sets: &[ProductSet]) -> Self {
        let objects = sets.iter().flat_map(|set| {
            set.objects.iter().map(|object| Manifest {
                product: set.product.clone(),
                step: object.step.clone(),
                origin: object.origin.clone(),
                object: object.object.clone(),
            })
        });
        Self { cluster: cluster.clone(), objects: objects.collect() }
    }
}

impl Screen for ManifestsScreen {
    const KIND: &'static str = "ClusterManifests";

    /// YAML, so that it can be compared with what is there.
    fn text(&self, _: &Look) -> String {
        let mut text = String::new();
        for manifest in &self.objects {
            text.push_str(&format!("---\n# {}/{}: {}\n", manifest.product, manifest.step, manifest.origin));
            match serde_saphyr::to_string(&manifest.object) {
                Ok(yaml) => text.push_str(&yaml),
                // JSON is YAML, too.
                Err(_) => text.push_str(&format!("{:#}\n", manifest.object)),
            }
        }
        text
    }
}
