//! The rendered objects of a product as pieces of work: each with its identity, its resource, what is
//! sent for it, and what must not be shown of it.

use std::collections::BTreeMap;

use futures::StreamExt as _;
use futures::future::BoxFuture;
use serde_json::Value;

use crate::apply::inventory::Seen;
use crate::apply::ownership::{Defined, definitions, identify, owners};
use crate::apply::payload::{PRODUCT_LABEL, payload, secret_values, sent_hash};
use crate::apply::{Kind as ObjectKind, ObjectId, ProductSet};
use crate::diag::codes;
use crate::json::At as _;
use crate::model::ProductName;
use crate::render::Mask;

use super::discovery::{Resource, Served};
use super::wire::{METADATA, METADATA_LIST, escape};
use super::{Cluster, Error, Kind, Outcome};

/// How many requests are in flight in one cluster (kube.md: more only makes each of them slower).
pub(super) const IN_FLIGHT: usize = 8;

/// Does all of these, so many at once, and brings what came of them in their order.
pub(super) async fn together<'w, T: Send + 'w>(work: Vec<BoxFuture<'w, T>>) -> Vec<T> {
    let mut numbered: Vec<BoxFuture<'w, (usize, T)>> = Vec::new();
    for (n, work) in work.into_iter().enumerate() {
        numbered.push(Box::pin(async move { (n, work.await) }));
    }
    let mut done: Vec<(usize, T)> =
        futures::stream::iter(numbered).buffer_unordered(IN_FLIGHT).collect().await;
    done.sort_by_key(|(n, _)| *n);
    done.into_iter().map(|(_, result)| result).collect()
}

/// One object to be applied.
pub(super) struct Piece {
    pub id: ObjectId,
    pub kind: ObjectKind,
    pub step: String,
    pub origin: String,
    /// What is sent.
    pub payload: Value,
    /// The keyed hash of what is sent.
    pub sent: String,
    /// Hides the values of a Secret.
    pub mask: Mask,
}

/// A resource with its objects.
type Listed = (Resource, Vec<Value>);

/// What is known of kinds: what the server serves, and what the sets define.
pub(super) struct Kinds {
    pub served: std::sync::Arc<Served>,
    pub defined: BTreeMap<(String, String), Defined>,
}

impl Kinds {
    /// Whether objects of a kind live in namespaces. The definition in the set is newer than what is
    /// served.
    pub fn namespaced(&self, kind: &ObjectKind) -> Option<bool> {
        let defined = self.defined.get(&(kind.group.clone(), kind.kind.clone()));
        defined.map(|d| d.namespaced).or_else(|| self.served.any_version(kind).map(|r| r.namespaced))
    }
}

impl Cluster {
    /// What is known of the kinds in these sets.
    pub(super) async fn kinds(&self, all: &[ProductSet]) -> Outcome<Kinds> {
        let objects = all.iter().flat_map(|set| &set.objects).map(|rendered| &rendered.object);
        Ok(Kinds { served: self.served().await?, defined: definitions(objects) })
    }

    /// Which product has which object; objects of kinds that nobody knows are left out.
    pub(super) async fn owners_of(&self, all: &[ProductSet]) -> Outcome<BTreeMap<ObjectId, ProductName>> {
        let kinds = self.kinds(all).await?;
        Ok(owners(all, &|kind: &ObjectKind| kinds.namespaced(kind)).owners)
    }

    /// The objects of one product, in order of rendering.
    pub(super) async fn pieces(
        &self,
        product: &ProductName,
        all: &[ProductSet],
        key: &[u8],
    ) -> Outcome<Vec<Piece>> {
        let kinds = self.kinds(all).await?;
        let mut pieces = Vec::new();
        for rendered in all.iter().filter(|set| set.product == *product).flat_map(|set| &set.objects) {
            let wrong = |e: &dyn std::fmt::Display| {
                let code = codes::KIND_MISSING.id;
                Error::new(Kind::Missing, format!("{code}: product {product}, {}: {e}", rendered.origin))
            };
            let id =
                identify(rendered, &|kind: &ObjectKind| kinds.namespaced(kind)).map_err(|e| wrong(&e))?;
            let kind = ObjectKind::of(&rendered.object).ok_or_else(|| wrong(&"it has no kind"))?;
            let payload = payload(&rendered.object, &id, product);
            pieces.push(Piece {
                sent: sent_hash(&payload, key),
                mask: Mask::new(secret_values(&payload, &id)),
                id,
                kind,
                step: rendered.step.clone(),
                origin: rendered.origin.clone(),
                payload,
            });
        }
        Ok(pieces)
    }

    /// The resource of a kind, asked again once if it is not known.
    pub(super) async fn resource(&self, kind: &ObjectKind) -> Outcome<Option<Resource>> {
        if let Some(resource) = self.served().await?.get(kind) {
            return Ok(Some(resource.clone()));
        }
        self.look_again(kind).await?;
        Ok(self.served().await?.get(kind).cloned())
    }

    /// What metadata tells of a product's objects of these kinds: one list per kind.
    pub(super) async fn seen_of(
        &self,
        product: &ProductName,
        manager: &str,
        resources: Vec<Resource>,
    ) -> Outcome<BTreeMap<ObjectId, Seen>> {
        let selector = escape(&format!("{PRODUCT_LABEL}={product}"));
        let mut lists: Vec<BoxFuture<'_, Outcome<Listed>>> = Vec::new();
        for resource in resources {
            let path = format!("{}?labelSelector={selector}", resource.collection(None));
            lists.push(Box::pin(async move {
                let items = self.list(&path, METADATA_LIST, "listing the product's objects").await?;
                Ok((resource, items))
            }));
        }
        let mut seen = BTreeMap::new();
        for list in together(lists).await {
            let (resource, items) = list?;
            for item in items {
                if let (Some(id), Some(found)) =
                    (id_of(&resource, &item), item.get("metadata").and_then(|m| Seen::of(m, manager)))
                {
                    seen.insert(id, found);
                }
            }
        }
        Ok(seen)
    }

    /// The metadata of one object; `None` if it is not there.
    pub(super) async fn metadata(&self, resource: &Resource, id: &ObjectId) -> Outcome<Option<Value>> {
        let found = self.read(&resource.path(id), METADATA, &format!("looking at {id}")).await?;
        Ok(found.and_then(|mut object| object.get_mut("metadata").map(Value::take)))
    }
}

/// The identity of an item of a list, in which items have no kind of their own.
pub(super) fn id_of(resource: &Resource, item: &Value) -> Option<ObjectId> {
    let text = |path: &str| item.at(path).and_then(Value::as_str);
    Some(ObjectId {
        group: resource.kind.group.clone(),
        kind: resource.kind.kind.clone(),
        namespace: text("/metadata/namespace").unwrap_or_default().to_owned(),
        name: text("/metadata/name")?.to_owned(),
    })
}
