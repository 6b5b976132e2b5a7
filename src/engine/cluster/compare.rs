//! What is in a cluster against what a record says was applied there. Writes nothing.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::apply::drift::{LostField, lost_fields};
use crate::apply::inventory::{Entry, Seen};
use crate::apply::mending::{Mending, list_patch};
use crate::apply::payload::field_manager;
use crate::apply::record::Record;
use crate::apply::{Kind as ObjectKind, ObjectId, ProductSet};
use crate::model::ProductName;

use super::objects::Piece;
use super::wire::JSON;
use super::{Cluster, Outcome};

/// How an object is not as it was applied.
#[derive(Debug, Clone, PartialEq)]
pub enum ObjectChange {
    /// It is not there.
    Missing,
    /// It was deleted and made anew by somebody else.
    Replaced,
    /// It is being deleted.
    Deleting,
    /// These fields of it were changed.
    Fields(Vec<LostField>),
    /// Somebody changed it; what was applied is not known any more, so its fields can't be told.
    Changed,
}

/// An object that is not as it was applied.
#[derive(Debug, Clone, PartialEq)]
pub struct ObjectDrift {
    /// Which.
    pub id: ObjectId,
    /// How it differs.
    pub change: ObjectChange,
    /// What an apply would do about it; nothing where what was applied is not known.
    pub mending: Option<Mending>,
    /// Its resource, as kubectl takes it (`services`, `deployments.apps`); nothing if it is not served.
    pub resource: Option<String>,
    /// For a list whose key was changed: the merge patch that puts the whole list back.
    pub patch: Option<Value>,
}

impl Cluster {
    /// The objects of one product that are not as its record says, each with what an apply would do
    /// about it: a dry run tells, where fields or the whole object are somebody else's now. `all` is everything that was
    /// rendered for the cluster then, secrets masked; without it, fields are not told.
    ///
    /// # Errors
    /// When the cluster can't be asked.
    pub async fn compare(
        &self,
        product: &ProductName,
        record: &Record,
        all: Option<&[ProductSet]>,
    ) -> Outcome<Vec<ObjectDrift>> {
        let manager = field_manager(product);
        let served = self.served().await?;
        // What never got a UID was never seen there: the record names more than there was.
        let applied: Vec<&Entry> = record.inventory.entries.iter().filter(|e| e.uid.is_some()).collect();
        let kinds: BTreeSet<ObjectKind> = applied.iter().map(|entry| entry.kind()).collect();
        let resources = kinds.iter().filter_map(|kind| served.any_version(kind).cloned()).collect();
        let mut seen = self.seen_of(product, &manager, resources).await?;
        let pieces: BTreeMap<ObjectId, Piece> = match all {
            None => BTreeMap::new(),
            Some(all) => {
                self.pieces(product, all, &[]).await?.into_iter().map(|p| (p.id.clone(), p)).collect()
            }
        };
        let mut changes = Vec::new();
        for entry in applied {
            let Some(resource) = served.any_version(&entry.kind()) else {
                changes.push(ObjectDrift {
                    id: entry.id.clone(),
                    change: ObjectChange::Missing,
                    mending: None,
                    resource: None,
                    patch: None,
                });
                continue;
            };
            // Somebody may have taken the label away by which it was looked for.
            let found = match seen.remove(&entry.id) {
                Some(found) => Some(found),
                None => self.metadata(resource, &entry.id).await?.and_then(|m| Seen::of(&m, &manager)),
            };
            let change = match found {
                None => Some(ObjectChange::Missing),
                Some(found) if entry.uid.as_deref() != Some(found.uid.as_str()) => {
                    Some(ObjectChange::Replaced)
                }
                Some(found) if found.deleting => Some(ObjectChange::Deleting),
                Some(found) if is_untouched(entry, &found) => None,
                Some(_) => {
                    let path = resource.path(&entry.id);
                    let live = self.read(&path, JSON, &format!("looking at {}", entry.id)).await?;
                    fields(pieces.get(&entry.id), &live.unwrap_or_default(), &manager)
                }
            };
            let Some(change) = change else { continue };
            let piece = pieces.get(&entry.id);
            let lost = if let ObjectChange::Fields(lost) = &change { lost.as_slice() } else { &[] };
            let mending = match (&change, piece) {
                (ObjectChange::Missing, Some(_)) => Some(Mending::Applies),
                (ObjectChange::Fields(_) | ObjectChange::Replaced, Some(piece)) => {
                    Some(self.mending(piece, resource, &manager, lost).await)
                }
                _ => None,
            };
            let patch = match (&mending, piece) {
                (Some(Mending::KeyChanged { list, .. }), Some(piece)) => list_patch(&piece.payload, list),
                _ => None,
            };
            let resource = match resource.kind.group.as_str() {
                "" => resource.plural.clone(),
                group => format!("{}.{group}", resource.plural),
            };
            changes.push(ObjectDrift {
                id: entry.id.clone(),
                change,
                mending,
                resource: Some(resource),
                patch,
            });
        }
        Ok(changes)
    }
}

/// Whether nobody took a field of ours since it was applied. Without a proof nothing is said.
fn is_untouched(entry: &Entry, found: &Seen) -> bool {
    entry
        .proof
        .as_ref()
        .is_none_or(|proof| proof.rv == found.rv || found.own.as_deref() == Some(proof.own.as_str()))
}

fn fields(piece: Option<&Piece>, live: &Value, manager: &str) -> Option<ObjectChange> {
    let Some(piece) = piece else { return Some(ObjectChange::Changed) };
    let mut lost = lost_fields(&piece.payload, live, manager);
    let secret = piece.id.is("", "Secret");
    for field in &mut lost {
        // What was rendered has its secrets masked; what is there has not.
        if secret || field.applied.to_string().contains("***") {
            (field.applied, field.found) = ("***".into(), "***".into());
        }
    }
    (!lost.is_empty()).then_some(ObjectChange::Fields(lost))
}
