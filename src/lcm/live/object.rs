//! Objects of Kubernetes as far as images are concerned; everything else of them is passed over unread. Lists
//! that are `null` are empty: Go writes them so.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// One page of a list.
#[derive(Debug, Deserialize)]
#[serde(bound = "T: Deserialize<'de>")]
pub struct Page<T> {
    /// Where the next page begins.
    #[serde(default, deserialize_with = "or_nothing")]
    pub metadata: PageMeta,
    /// The objects.
    #[serde(default = "Vec::new", deserialize_with = "or_nothing")]
    pub items: Vec<T>,
}

/// What a list says of itself.
#[derive(Debug, Default, Deserialize)]
pub struct PageMeta {
    /// The token that the next page is asked with; empty or absent on the last.
    pub r#continue: Option<String>,
}

/// What every object says of itself.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Meta {
    #[serde(default)]
    pub name: String,
    #[serde(default)]
    pub namespace: String,
    #[serde(default, deserialize_with = "or_nothing")]
    pub labels: BTreeMap<String, String>,
    #[serde(default, deserialize_with = "or_nothing")]
    pub owner_references: Vec<Owner>,
}

/// Whom an object belongs to.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Owner {
    pub api_version: String,
    pub kind: String,
    pub name: String,
    #[serde(default, deserialize_with = "or_nothing")]
    pub controller: bool,
}

/// An object of which only its name and labels count.
#[derive(Debug, Deserialize)]
pub struct Named {
    pub(super) metadata: Meta,
}

/// A pod.
#[derive(Debug, Deserialize)]
pub struct Pod {
    pub(super) metadata: Meta,
    #[serde(default)]
    pub(super) spec: PodSpec,
    #[serde(default, deserialize_with = "or_nothing")]
    pub(super) status: PodStatus,
}

/// What a pod is made of: containers of every kind, and volumes.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PodSpec {
    #[serde(default, deserialize_with = "or_nothing")]
    pub init_containers: Vec<Container>,
    #[serde(default, deserialize_with = "or_nothing")]
    pub containers: Vec<Container>,
    #[serde(default, deserialize_with = "or_nothing")]
    pub ephemeral_containers: Vec<Container>,
    #[serde(default, deserialize_with = "or_nothing")]
    pub volumes: Vec<Volume>,
}

/// A container.
#[derive(Debug, Deserialize)]
pub struct Container {
    #[serde(default)]
    pub name: String,
    pub image: Option<String>,
}

/// A volume; with an image, if that is what it holds.
#[derive(Debug, Deserialize)]
pub struct Volume {
    #[serde(default)]
    pub name: String,
    pub image: Option<VolumeImage>,
}

/// The image of a volume.
#[derive(Debug, Deserialize)]
pub struct VolumeImage {
    pub reference: Option<String>,
}

/// What became of a pod.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PodStatus {
    #[serde(default, deserialize_with = "or_nothing")]
    pub phase: String,
    #[serde(default, deserialize_with = "or_nothing")]
    pub init_container_statuses: Vec<ContainerStatus>,
    #[serde(default, deserialize_with = "or_nothing")]
    pub container_statuses: Vec<ContainerStatus>,
    #[serde(default, deserialize_with = "or_nothing")]
    pub ephemeral_container_statuses: Vec<ContainerStatus>,
}

/// What became of a container: what was pulled for it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ContainerStatus {
    #[serde(default)]
    pub name: String,
    #[serde(rename = "imageID", default, deserialize_with = "or_nothing")]
    pub image_id: String,
    #[serde(default, deserialize_with = "or_nothing")]
    pub volume_mounts: Vec<Mount>,
}

/// A volume in a container; with what was pulled for it, if the server tells that (Kubernetes 1.35 and later).
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Mount {
    #[serde(default)]
    pub name: String,
    pub volume_status: Option<MountStatus>,
}

#[derive(Debug, Deserialize)]
pub struct MountStatus {
    pub image: Option<MountImage>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MountImage {
    pub image_ref: Option<String>,
}

/// What makes pods by a template: Deployment, StatefulSet, DaemonSet, ReplicaSet, ReplicationController, Job;
/// and what makes Jobs: CronJob.
#[derive(Debug, Deserialize)]
pub struct Templated {
    pub(super) metadata: Meta,
    #[serde(default)]
    pub(super) spec: TemplatedSpec,
    #[serde(default, deserialize_with = "or_nothing")]
    pub(super) status: TemplatedStatus,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TemplatedSpec {
    pub template: Option<Template>,
    pub job_template: Option<JobTemplate>,
}

#[derive(Debug, Deserialize)]
pub struct Template {
    #[serde(default)]
    pub spec: PodSpec,
}

#[derive(Debug, Deserialize)]
pub struct JobTemplate {
    #[serde(default)]
    pub spec: JobTemplateSpec,
}

#[derive(Debug, Default, Deserialize)]
pub struct JobTemplateSpec {
    pub template: Option<Template>,
}

#[derive(Debug, Default, Deserialize)]
pub struct TemplatedStatus {
    #[serde(default, deserialize_with = "or_nothing")]
    pub conditions: Vec<Condition>,
}

#[derive(Debug, Deserialize)]
pub struct Condition {
    #[serde(rename = "type", default)]
    pub kind: String,
    #[serde(default)]
    pub status: String,
}

impl Templated {
    /// Of a Job: whether it has come to its end.
    pub(super) fn is_over(&self) -> bool {
        let over =
            |one: &Condition| matches!(one.kind.as_str(), "Complete" | "Failed") && one.status == "True";
        self.status.conditions.iter().any(over)
    }
}

/// An object of somebody else's kind, as it is.
#[derive(Debug, Deserialize)]
pub struct Custom {
    pub(super) metadata: Meta,
    /// All its other fields.
    #[serde(flatten)]
    pub(super) rest: serde_json::Map<String, Value>,
}

/// `null` as nothing.
fn or_nothing<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(d: D) -> Result<T, D::Error> {
    Option::deserialize(d).map(Option::unwrap_or_default)
}
