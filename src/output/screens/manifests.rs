//! `plan --cluster C --manifests`: what would be applied there, as manifests with their origin.

use crate::apply::ProductSet;
use crate::model::{ClusterName, ProductName};
use crate::output::mark::clean;
use crate::output::{Look, Screen};
use crate::plan::Plan;

use super::deletions::{Deletion, deletes};

/// The manifests of one cluster, secrets masked.
#[derive(Debug, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ManifestsScreen {
    /// The cluster.
    pub cluster: ClusterName,
    /// The objects, in the order of products.
    pub objects: Vec<Manifest>,
    /// Objects of earlier versions that its products delete, if they are still there.
    pub deletes: Vec<Deletion>,
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
    /// Of the rendered products of a plan's cluster.
    pub fn of(plan: &Plan, cluster: &ClusterName, sets: &[ProductSet]) -> Self {
        let objects = sets.iter().flat_map(|set| {
            set.objects.iter().map(|object| Manifest {
                product: set.product.clone(),
                step: object.step.clone(),
                origin: object.origin.clone(),
                object: object.object.clone(),
            })
        });
        let targets = plan.cluster(cluster).map(|(_, _, planned)| planned.targets.iter());
        Self {
            cluster: cluster.clone(),
            objects: objects.collect(),
            deletes: deletes(plan, targets.into_iter().flatten()),
        }
    }
}

impl Screen for ManifestsScreen {
    const KIND: &'static str = "ClusterManifests";

    /// YAML, so that it can be compared with what is there.
    fn text(&self, _: &Look) -> String {
        let mut text = String::new();
        for deletion in &self.deletes {
            text.push_str(&format!("# {} deletes {}\n", deletion.product, clean(&deletion.words())));
        }
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
