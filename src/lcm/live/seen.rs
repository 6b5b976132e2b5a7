//! What was seen in one cluster so far, and what it comes to: which workload runs which image, of which product.
//! A list that begins anew is seen again, and nothing counts twice.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::fields::OfKind;
use super::object::{ContainerStatus, Custom, Meta, Named, Owner, Pod, PodSpec, Templated};
use crate::model::image::{Image, is_digest};

/// Labels that say who owns what runs, the first that is there counts; on the workload, else on its namespace.
const OWNER_LABELS: [&str; 3] = ["tidegate.dev/owner", "owner", "team"];

/// How far up owners are followed: a workload of an operator of an operator.
const MOST_OWNERS: usize = 8;

/// What tells an object from others of its cluster.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Object {
    /// The API group; empty for the core group.
    pub group: String,
    /// The kind.
    pub kind: String,
    /// The namespace.
    pub namespace: String,
    /// The name.
    pub name: String,
}

/// Something that runs an image.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Workload {
    /// The namespace.
    pub namespace: String,
    /// The kind, such as `Deployment`.
    pub kind: String,
    /// The name.
    pub name: String,
    /// Who owns it, if a label of it or its namespace says so.
    pub owner: Option<String>,
}

/// An image that runs, or will when its workload does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Whose it is; nothing if it is no product's.
    pub product: Option<String>,
    /// The image as the workload names it.
    pub image: Image,
    /// The digest that was pulled, else that which is named.
    pub digest: Option<String>,
    /// What runs it.
    pub workload: Workload,
}

/// Says of an object which product put it there; the label that says so may help.
pub type Owners<'o> = dyn Fn(&Object, Option<&str>) -> Option<String> + Send + Sync + 'o;

/// What was seen in a cluster.
#[derive(Debug, Default)]
pub struct Seen {
    /// The label that names the product of an object.
    label: String,
    /// Whom an object belongs to.
    parents: BTreeMap<Object, Object>,
    /// What labels of objects say: the product, the owner.
    said: BTreeMap<Object, (Option<String>, Option<String>)>,
    /// What labels of namespaces say of their owner.
    namespaces: BTreeMap<String, String>,
    /// What pods run: the images as they name them, with what was pulled.
    pods: BTreeMap<Object, BTreeMap<String, BTreeSet<String>>>,
    /// What templates name.
    templates: BTreeMap<Object, BTreeSet<String>>,
}

impl Seen {
    /// Nothing yet; `label` names the product of an object.
    pub fn new(label: &str) -> Self {
        Self { label: label.to_owned(), ..Self::default() }
    }

    /// A namespace.
    pub fn namespace(&mut self, namespace: &Named) {
        if let Some(owner) = owner_label(&namespace.metadata) {
            self.namespaces.insert(namespace.metadata.name.clone(), owner);
        }
    }

    /// Something that makes pods, of a group and kind.
    pub fn templated(&mut self, (group, kind): (&str, &str), item: &Templated) {
        let object = self.object((group, kind), &item.metadata);
        // What a Deployment left of its past makes no pods, and what a CronJob made is the CronJob's. A Job that
        // is over makes no more.
        let is_part = matches!(kind, "ReplicaSet" | "Job") && self.parents.contains_key(&object);
        let is_part = is_part || kind == "Job" && item.is_over();
        let job = item.spec.job_template.as_ref().and_then(|job| job.spec.template.as_ref());
        let Some(template) = item.spec.template.as_ref().or(job).filter(|_| !is_part) else { return };
        let images = images(&template.spec).map(|(image, _)| image.to_owned());
        self.templates.entry(object).or_default().extend(images);
    }

    /// An object of somebody else's kind.
    pub fn custom(&mut self, kind: &OfKind, item: Custom) {
        let object = self.object((&kind.group, &kind.kind), &item.metadata);
        let images = kind.images(&Value::Object(item.rest));
        if !images.is_empty() {
            self.templates.entry(object).or_default().extend(images);
        }
    }

    /// A pod: one that is over runs nothing.
    pub fn pod(&mut self, pod: &Pod) {
        if matches!(pod.status.phase.as_str(), "Succeeded" | "Failed") {
            return;
        }
        let object = self.object(("", "Pod"), &pod.metadata);
        let workload = self.workload_of(&object);
        // Whoever made it may have no labels, and its template has them.
        if let Some(said) = self.said.get(&object).cloned() {
            self.said.entry(workload.clone()).or_insert(said);
        }
        self.forget(&object, &workload);
        let statuses = || {
            let status = &pod.status;
            let all = [
                &status.init_container_statuses,
                &status.container_statuses,
                &status.ephemeral_container_statuses,
            ];
            all.into_iter().flatten()
        };
        let runs = self.pods.entry(workload).or_default();
        for (image, part) in images(&pod.spec) {
            let pulled = match part {
                Part::Container(name) => {
                    statuses().find(|status| status.name == name).and_then(|status| digest(&status.image_id))
                }
                Part::Volume(name) => statuses().find_map(|status| of_volume(status, name)),
            };
            runs.entry(image.to_owned()).or_default().extend(pulled);
        }
    }

    /// What it comes to, and how many names of images could not be read, with the first of them.
    pub fn found(mut self, owners: &Owners<'_>) -> (Vec<Found>, Vec<String>) {
        let (mut found, mut unreadable) = (Vec::new(), Vec::new());
        let pods = std::mem::take(&mut self.pods);
        for (object, images) in std::mem::take(&mut self.templates) {
            // Where pods are, they say what runs; of a CronJob they are of the last time.
            if object.kind != "CronJob" && pods.contains_key(&object) {
                continue;
            }
            for image in images {
                self.add(&object, &image, None, owners, &mut found, &mut unreadable);
            }
        }
        for (object, images) in pods {
            for (image, digests) in images {
                if digests.is_empty() {
                    self.add(&object, &image, None, owners, &mut found, &mut unreadable);
                }
                for digest in digests {
                    self.add(&object, &image, Some(digest), owners, &mut found, &mut unreadable);
                }
            }
        }
        (found, unreadable)
    }

    fn add(
        &self,
        object: &Object,
        text: &str,
        digest: Option<String>,
        owners: &Owners<'_>,
        found: &mut Vec<Found>,
        unreadable: &mut Vec<String>,
    ) {
        let image: Image = match text.parse() {
            Ok(image) => image,
            Err(why) => return unreadable.push(format!("{why}")),
        };
        let (product, owner) = self.whose(object, owners);
        let Object { kind, namespace, name, .. } = object.clone();
        let digest = digest.or_else(|| image.digest.clone());
        found.push(Found { product, image, digest, workload: Workload { namespace, kind, name, owner } });
    }

    /// The product of an object or of what it belongs to, and its owner by labels.
    fn whose(&self, object: &Object, owners: &Owners<'_>) -> (Option<String>, Option<String>) {
        let chain =
            || std::iter::successors(Some(object), |object| self.parents.get(*object)).take(MOST_OWNERS);
        let said = |object: &Object| self.said.get(object);
        let label = |object: &Object| said(object).and_then(|(product, _)| product.as_deref());
        let product = chain().find_map(|object| owners(object, label(object)));
        let owner = chain().find_map(|object| said(object).and_then(|(_, owner)| owner.clone()));
        (product, owner.or_else(|| self.namespaces.get(&object.namespace).cloned()))
    }

    /// An object, with what it says of itself remembered.
    fn object(&mut self, (group, kind): (&str, &str), meta: &Meta) -> Object {
        let own = |group: &str, kind: &str, name: &str| Object {
            group: group.to_owned(),
            kind: kind.to_owned(),
            namespace: meta.namespace.clone(),
            name: name.to_owned(),
        };
        let object = own(group, kind, &meta.name);
        let owners = &meta.owner_references;
        let parent = owners.iter().find(|owner| owner.controller).or_else(|| owners.first());
        if let Some(Owner { api_version, kind, name, .. }) = parent {
            let group = api_version.split_once('/').map_or("", |(group, _)| group);
            self.parents.insert(object.clone(), own(group, kind, name));
        }
        let said = (meta.labels.get(&self.label).cloned(), owner_label(meta));
        if said != (None, None) {
            self.said.insert(object.clone(), said);
        }
        object
    }

    /// What people know a pod by: what made it; through a ReplicaSet or a Job what made that.
    fn workload_of(&self, pod: &Object) -> Object {
        // A node is where a pod runs, and nobody's workload.
        let parent = |object: &Object| self.parents.get(object).filter(|owner| owner.kind != "Node").cloned();
        let Some(first) = parent(pod) else { return pod.clone() };
        match first.kind.as_str() {
            "ReplicaSet" | "Job" => parent(&first).unwrap_or(first),
            _ => first,
        }
    }

    /// There may be very many pods: of one that is no workload by itself nothing is kept.
    fn forget(&mut self, pod: &Object, workload: &Object) {
        if pod != workload {
            self.parents.remove(pod);
            self.said.remove(pod);
        }
    }
}

/// Where in a pod an image is used.
enum Part<'p> {
    Container(&'p str),
    Volume(&'p str),
}

/// Every image of a pod: of containers of every kind, and of volumes.
fn images(spec: &PodSpec) -> impl Iterator<Item = (&str, Part<'_>)> {
    let containers = spec.init_containers.iter().chain(&spec.containers).chain(&spec.ephemeral_containers);
    let containers = containers.filter_map(|one| Some((one.image.as_deref()?, Part::Container(&one.name))));
    let volumes = spec.volumes.iter().filter_map(|volume| {
        Some((volume.image.as_ref()?.reference.as_deref()?, Part::Volume(&volume.name)))
    });
    containers.chain(volumes).filter(|(image, _)| !image.is_empty())
}

/// The digest in what a node says that it pulled. A bare one is that of an image's configuration, which no
/// registry lists.
fn digest(pulled: &str) -> Option<String> {
    let (_, digest) = pulled.rsplit_once('@')?;
    is_digest(digest).then(|| digest.to_owned())
}

fn of_volume(status: &ContainerStatus, volume: &str) -> Option<String> {
    let mount = status.volume_mounts.iter().find(|mount| mount.name == volume)?;
    digest(mount.volume_status.as_ref()?.image.as_ref()?.image_ref.as_deref()?)
}

fn owner_label(meta: &Meta) -> Option<String> {
    let mut named = OWNER_LABELS.iter().filter_map(|label| meta.labels.get(*label));
    named.find(|owner| !owner.is_empty()).cloned()
}
