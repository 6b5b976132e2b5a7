//! The shape of a cluster: what a rehearsal has to know of it to stand one up that behaves like it. Only
//! reads, a handful of lists. What is made of it is for `sim`.

use serde_json::Value;

use super::lease::operator;
use super::store::secrets;
use super::wire::JSON;
use super::{Cluster, Outcome, Sight};

use crate::json::{At as _, list};

/// What kubelets and controllers note for themselves, and nobody rehearses with.
const NOTES: [&str; 2] =
    ["kubectl.kubernetes.io/last-applied-configuration", "deployment.kubernetes.io/revision"];

/// What a cluster is, and what is in it that matters for a rollout.
#[derive(Debug, Clone, PartialEq)]
pub struct Shape {
    /// Its identity, its version, its records.
    pub sight: Sight,
    /// tidegate's own objects there, as they are: the Secrets of the records, the Lease.
    pub own: Vec<Value>,
    /// The nodes: names, labels, taints, room, kubelets, conditions.
    pub nodes: Vec<Value>,
    /// Disruption budgets.
    pub budgets: Vec<Value>,
    /// Deployments, StatefulSets and DaemonSets of all namespaces.
    pub workloads: Vec<Value>,
    /// Definitions of kinds, without their schemas.
    pub definitions: Vec<Value>,
    /// Classes of volumes.
    pub classes: Vec<Value>,
}

impl Shape {
    /// The nodes that are not ready.
    pub fn unready_nodes(&self) -> impl Iterator<Item = &str> {
        let ready = |node: &&Value| {
            list(node, "/status/conditions").iter().any(|c| c["type"] == "Ready" && c["status"] == "True")
        };
        self.nodes.iter().filter(move |node| !ready(node)).filter_map(name)
    }

    /// The budgets that allow no disruption now, by namespace and name.
    pub fn closed_budgets(&self) -> impl Iterator<Item = String> {
        let closed = |budget: &&Value| {
            budget.at("/status/disruptionsAllowed").and_then(Value::as_i64) == Some(0)
                && budget.at("/status/expectedPods").and_then(Value::as_i64) != Some(0)
        };
        self.budgets.iter().filter(closed).map(|budget| {
            format!(
                "{}/{}",
                budget["metadata"]["namespace"].as_str().unwrap_or_default(),
                name(budget).unwrap_or_default()
            )
        })
    }
}

fn name(object: &Value) -> Option<&str> {
    object.at("/metadata/name").and_then(Value::as_str)
}

impl Cluster {
    /// Reads what more there is of the shape of a cluster that was seen.
    ///
    /// # Errors
    /// When it does not let us read, or can't be reached any more.
    pub async fn shape(&self, sight: Sight) -> Outcome<Shape> {
        let records = format!("{}?labelSelector=tidegate.dev/record", secrets());
        let mut own = self.all(&records, "v1", "Secret", "reading the records").await?;
        own.extend(self.read(&operator(), JSON, "reading the cluster's lease").await?);
        let nodes = self.all("/api/v1/nodes", "v1", "Node", "listing its nodes").await?;
        let path = "/apis/policy/v1/poddisruptionbudgets";
        let budgets =
            self.all(path, "policy/v1", "PodDisruptionBudget", "listing its disruption budgets").await?;
        let mut workloads = Vec::new();
        for (plural, kind) in
            [("deployments", "Deployment"), ("statefulsets", "StatefulSet"), ("daemonsets", "DaemonSet")]
        {
            let path = format!("/apis/apps/v1/{plural}");
            workloads.extend(self.all(&path, "apps/v1", kind, &format!("listing its {plural}")).await?);
        }
        let path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
        let (version, kind) = ("apiextensions.k8s.io/v1", "CustomResourceDefinition");
        let mut definitions = self.all(path, version, kind, "listing its definitions").await?;
        for definition in &mut definitions {
            plain(definition);
        }
        let (path, version) = ("/apis/storage.k8s.io/v1/storageclasses", "storage.k8s.io/v1");
        let classes = self.all(path, version, "StorageClass", "listing its classes of volumes").await?;
        let nodes = nodes.into_iter().map(slim_node).collect();
        Ok(Shape { sight, own, nodes, budgets, workloads, definitions, classes })
    }

    /// A list whose items say what they are, as single objects do, without notes that only fill memory.
    async fn all(&self, path: &str, version: &str, kind: &str, doing: &str) -> Outcome<Vec<Value>> {
        let mut items = self.list(path, JSON, doing).await?;
        for item in &mut items {
            let Some(object) = item.as_object_mut() else { continue };
            object.insert("apiVersion".to_owned(), version.into());
            object.insert("kind".to_owned(), kind.into());
            if let Some(notes) = item.pointer_mut("/metadata/annotations").and_then(Value::as_object_mut) {
                for note in NOTES {
                    notes.shift_remove(note);
                }
            }
        }
        Ok(items)
    }
}

/// A node without the images that lie on it.
fn slim_node(mut node: Value) -> Value {
    for (part, fields) in [
        ("/status", &["images", "volumesAttached", "volumesInUse", "features", "runtimeHandlers"][..]),
        ("/metadata", &["managedFields"][..]),
    ] {
        if let Some(object) = node.pointer_mut(part).and_then(Value::as_object_mut) {
            for field in fields {
                object.shift_remove(*field);
            }
        }
    }
    node
}

/// A definition that lets everything through: schemas are large, and a rehearsal needs none.
fn plain(definition: &mut Value) {
    let open = serde_json::json!({
        "openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
    });
    let versions = definition.pointer_mut("/spec/versions").and_then(Value::as_array_mut);
    for version in versions.into_iter().flatten() {
        version["schema"] = open.clone();
    }
    if let Some(spec) = definition.get_mut("spec").and_then(Value::as_object_mut) {
        spec.shift_remove("conversion");
    }
    if let Some(metadata) = definition.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.shift_remove("managedFields");
    }
}
