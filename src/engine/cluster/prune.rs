//! Deleting objects that a product no longer has: backwards through the stages, each one looked at
//! first, with preconditions, and waited for. What must stay is decided in `apply::prune`.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures::future::BoxFuture;
use http::Method;
use serde_json::{Value, json};

use crate::apply::inventory::Entry;
use crate::apply::prune::{Keep, applied_by_another, may_delete, may_prune};
use crate::apply::{ObjectId, order};
use crate::model::ProductName;

use super::apply::joined;
use super::discovery::Resource;
use super::objects::together;
use super::wire::Ask;
use super::{Guard, Outcome};

/// How often a delete is tried again whose object was written between the look and the request.
const LOOKS: usize = 5;

/// What may be deleted.
pub(super) struct Candidate {
    pub entry: Entry,
    /// Named as `removed` by the product: meant, whoever made the object, as long as it was not another
    /// product of the cluster.
    pub meant: bool,
}

/// What deleting did.
#[derive(Default)]
pub(super) struct Pruned {
    pub deleted: Vec<String>,
    pub kept: Vec<String>,
}

enum Fate {
    Deleted(Resource, String),
    Gone,
    Kept(String),
}

impl Guard {
    /// Deletes what may be deleted of these.
    pub(super) async fn prune(
        &self,
        product: &ProductName,
        candidates: &[Candidate],
        owners: &BTreeMap<ObjectId, ProductName>,
        held: &BTreeSet<String>,
        until: Duration,
    ) -> Outcome<Pruned> {
        let mut pruned = Pruned::default();
        for stage in (0..=order::LAST).rev() {
            let mut due: Vec<BoxFuture<'_, Outcome<(String, Fate)>>> = Vec::new();
            for candidate in candidates.iter().filter(|c| order::stage(&c.entry.id) == stage) {
                due.push(Box::pin(async move {
                    let fate = self.delete(product, candidate, owners, held, until).await?;
                    if let Fate::Deleted(resource, uid) = &fate {
                        self.cluster.gone(resource, &candidate.entry.id, uid, until).await?;
                    }
                    Ok((candidate.entry.id.to_string(), fate))
                }));
            }
            let mut failures = Vec::new();
            for result in together(due).await {
                match result {
                    Ok((id, Fate::Deleted(..))) => pruned.deleted.push(id),
                    Ok((id, Fate::Kept(why))) => pruned.kept.push(format!("{id}: {why}")),
                    Ok((_, Fate::Gone)) => {}
                    Err(error) => failures.push(error),
                }
            }
            if let Some(error) = joined(failures) {
                return Err(error);
            }
        }
        pruned.deleted.sort();
        pruned.kept.sort();
        Ok(pruned)
    }

    async fn delete(
        &self,
        product: &ProductName,
        candidate: &Candidate,
        owners: &BTreeMap<ObjectId, ProductName>,
        held: &BTreeSet<String>,
        until: Duration,
    ) -> Outcome<Fate> {
        let entry = &candidate.entry;
        let id = &entry.id;
        let keep = |keep: Keep| Fate::Kept(keep.to_string());
        if let Err(why) = may_prune(id, owners) {
            return Ok(keep(why));
        }
        let Some(resource) = self.cluster.served().await?.any_version(&entry.kind()).cloned() else {
            return Ok(Fate::Kept("the cluster does not serve its kind any more".to_owned()));
        };
        for _ in 0..LOOKS {
            let Some(metadata) = self.cluster.metadata(&resource, id).await? else { return Ok(Fate::Gone) };
            let text = |key: &str| metadata.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
            let (uid, rv) = (text("uid"), text("resourceVersion"));
            if candidate.meant
                && entry.uid.as_deref() != Some(uid.as_str())
                && let Some(other) = applied_by_another(&metadata, product)
                && self.stored(&other).is_some()
            {
                return Ok(keep(Keep::Owned(other)));
            }
            let recorded = if candidate.meant { Some(uid.as_str()) } else { entry.uid.as_deref() };
            if let Err(why) = may_delete(&metadata, product, recorded, held) {
                return Ok(keep(why));
            }
            let options = json!({"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background",
                "preconditions": {"uid": uid, "resourceVersion": rv}});
            let ask = Ask::write(Method::DELETE, resource.path(id), &options);
            let answer = self.cluster.ask(&ask, Some(&self.held), until).await?;
            match answer.code {
                _ if answer.ok() => return Ok(Fate::Deleted(resource, uid)),
                404 => return Ok(Fate::Gone),
                409 => {}
                _ => return Err(answer.refusal(&format!("deleting {id}"))),
            }
        }
        let why = format!("deleting {id}: it is written again and again while it is looked at");
        Err(super::Error::new(super::Kind::Busy, why))
    }
}
