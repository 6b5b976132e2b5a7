//! Before the first write: whose every object is, and whether everything is there that the objects
//! need. Only reads.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::BoxFuture;
use serde_json::Value;

use crate::apply::ownership::{definition_change, identify, owners, service_account};
use crate::apply::{Kind as ObjectKind, ObjectId, ProductSet, Rendered};
use crate::diag::codes;
use crate::json::At as _;
use crate::model::ProductName;

use super::objects::{Kinds, together};
use super::wire::{JSON, METADATA, METADATA_LIST, escape};
use super::{Cluster, Outcome};

/// Why a set can't be applied as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Obstacle {
    /// Something is not there; it may come (blocks).
    Missing(String),
    /// It can't work: two products own one object, a CRD loses a stored version (fails).
    Wrong(String),
}

/// What a look at all products of a cluster brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Survey {
    /// Which product owns which object.
    pub owners: BTreeMap<ObjectId, ProductName>,
    /// What stands in the way; empty if nothing does.
    pub obstacles: Vec<Obstacle>,
}

impl Cluster {
    /// Looks at all products of the cluster's desired set, of which those in `changed` are to be applied.
    ///
    /// # Errors
    /// When the cluster can't be asked.
    pub async fn survey(&self, all: &[ProductSet], changed: &[ProductName]) -> Outcome<Survey> {
        let kinds = self.kinds(all).await?;
        let found = owners(all, &|kind: &ObjectKind| kinds.namespaced(kind));
        let mut obstacles = Vec::new();
        for collision in found.collisions {
            obstacles.push(Obstacle::Wrong(format!("{}: {collision}", codes::SHARED_OBJECT.id)));
        }
        for unknown in found.unknown {
            obstacles.push(Obstacle::Missing(format!("{}: {unknown}", codes::KIND_MISSING.id)));
        }
        let due: Vec<(&ProductName, &Rendered, ObjectId)> = all
            .iter()
            .filter(|set| changed.contains(&set.product))
            .flat_map(|set| set.objects.iter().map(move |rendered| (&set.product, rendered)))
            .filter_map(|(product, rendered)| {
                let id = identify(rendered, &|kind: &ObjectKind| kinds.namespaced(kind)).ok()?;
                Some((product, rendered, id))
            })
            .collect();
        obstacles.extend(unserved(&due, &kinds));
        obstacles.extend(self.missing_namespaces(&due, &found.owners).await?);
        obstacles.extend(self.missing_accounts(&due, &found.owners).await?);
        obstacles.extend(self.changed_definitions(&due).await?);
        Ok(Survey { owners: found.owners, obstacles })
    }

    async fn missing_namespaces(
        &self,
        due: &[(&ProductName, &Rendered, ObjectId)],
        owners: &BTreeMap<ObjectId, ProductName>,
    ) -> Outcome<Vec<Obstacle>> {
        let live = self.list("/api/v1/namespaces", METADATA_LIST, "listing namespaces").await?;
        let text = |item: &Value, path: &str| item.at(path).and_then(Value::as_str).map(str::to_owned);
        let live: BTreeMap<String, bool> = live
            .iter()
            .filter_map(|n| {
                Some((text(n, "/metadata/name")?, text(n, "/metadata/deletionTimestamp").is_some()))
            })
            .collect();
        let mut told = BTreeSet::new();
        let mut obstacles = Vec::new();
        for (product, rendered, id) in due.iter().filter(|(.., id)| !id.namespace.is_empty()) {
            let state = live.get(&id.namespace);
            let namespace = ObjectId {
                group: String::new(),
                kind: "Namespace".to_owned(),
                namespace: String::new(),
                name: id.namespace.clone(),
            };
            let why = match state {
                Some(false) => continue,
                Some(true) => "is being deleted",
                None if owners.contains_key(&namespace) => continue,
                None => "is neither in the cluster nor in any product of its set",
            };
            if told.insert((product, id.namespace.clone())) {
                obstacles.push(Obstacle::Missing(format!(
                    "{}: namespace {} of {id} ({}, product {product}) {why}",
                    codes::NAMESPACE_MISSING.id,
                    id.namespace,
                    rendered.origin
                )));
            }
        }
        Ok(obstacles)
    }

    async fn missing_accounts(
        &self,
        due: &[(&ProductName, &Rendered, ObjectId)],
        owners: &BTreeMap<ObjectId, ProductName>,
    ) -> Outcome<Vec<Obstacle>> {
        let mut asked: BTreeMap<ObjectId, String> = BTreeMap::new();
        for (product, rendered, id) in due {
            let Some(name) = service_account(&rendered.object) else { continue };
            let account = ObjectId {
                group: String::new(),
                kind: "ServiceAccount".to_owned(),
                namespace: id.namespace.clone(),
                name: name.to_owned(),
            };
            if !owners.contains_key(&account) {
                asked.entry(account).or_insert(format!("{id} ({}, product {product})", rendered.origin));
            }
        }
        let mut looks: Vec<BoxFuture<'_, Outcome<Option<Obstacle>>>> = Vec::new();
        for (account, user) in asked {
            looks.push(Box::pin(async move {
                let (namespace, name) = (escape(&account.namespace), escape(&account.name));
                let path = format!("/api/v1/namespaces/{namespace}/serviceaccounts/{name}");
                let found = self.read(&path, METADATA, &format!("looking for {account}")).await?;
                let code = codes::ACCOUNT_MISSING.id;
                Ok(found.is_none().then(|| {
                    Obstacle::Missing(format!(
                        "{code}: {user} runs as {account}, which is neither in the cluster nor in any \
                         product of its set"
                    ))
                }))
            }));
        }
        together(looks).await.into_iter().filter_map(Result::transpose).collect()
    }

    async fn changed_definitions(
        &self,
        due: &[(&ProductName, &Rendered, ObjectId)],
    ) -> Outcome<Vec<Obstacle>> {
        let definitions =
            due.iter().filter(|(.., id)| id.is("apiextensions.k8s.io", "CustomResourceDefinition"));
        let mut looks: Vec<BoxFuture<'_, Outcome<Option<Obstacle>>>> = Vec::new();
        for (product, rendered, id) in definitions {
            looks.push(Box::pin(async move {
                let name = escape(&id.name);
                let path = format!("/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{name}");
                let live = self.read(&path, JSON, &format!("looking at {id}")).await?;
                let change = live.and_then(|live| definition_change(&live, &rendered.object));
                let code = codes::DEFINITION_CHANGE.id;
                Ok(change.map(|why| {
                    Obstacle::Wrong(format!("{code}: product {product}, {}: {why}", rendered.origin))
                }))
            }));
        }
        together(looks).await.into_iter().filter_map(Result::transpose).collect()
    }
}

/// Objects of a kind that is known, in a version that nobody serves.
fn unserved(due: &[(&ProductName, &Rendered, ObjectId)], kinds: &Kinds) -> Vec<Obstacle> {
    let mut obstacles = Vec::new();
    for (product, rendered, id) in due {
        let Some(kind) = ObjectKind::of(&rendered.object) else { continue };
        let defined = kinds.defined.get(&(kind.group.clone(), kind.kind.clone()));
        let is_served = match defined {
            Some(defined) => defined.versions.contains(&kind.version),
            None => kinds.served.get(&kind).is_some(),
        };
        if !is_served {
            obstacles.push(Obstacle::Missing(format!(
                "{}: {id} ({}, product {product}): the cluster does not serve {kind}",
                codes::KIND_MISSING.id,
                rendered.origin
            )));
        }
    }
    obstacles
}
