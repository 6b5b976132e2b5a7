//! Applying the objects of one step: stage by stage, only what is not proved unchanged, and what a
//! refusal means.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures::future::BoxFuture;
use http::Method;
use serde_json::{Value, json};

use crate::apply::inventory::{Entry, Proof, Seen};
use crate::apply::ownership::definitions;
use crate::apply::payload::field_manager;
use crate::apply::ready::{Verdict, verdict};
use crate::apply::{Kind as ObjectKind, ObjectId, ProductSet, order};
use crate::diag::codes;
use crate::json::At as _;
use crate::model::Conflicts;

use super::discovery::Resource;
use super::objects::{Piece, together};
use super::wire::{APPLY, Answer, Ask, JSON, METADATA, escape};
use super::work::{Applied, ProductWork};
use super::{Error, Guard, Kind, Outcome};

/// Kinds that are deleted and made anew when a field of theirs can't be changed: what they did is done,
/// and what they do is done again.
const RECREATED: &[(&str, &str)] = &[("batch", "Job")];

/// Whether objects of this kind are made anew when a field of theirs can't be changed.
pub(super) fn is_recreated(id: &ObjectId) -> bool {
    RECREATED.iter().any(|(group, kind)| id.is(group, kind))
}

/// How long a kind may take from its definition being established to being served.
const SERVED_WITHIN: Duration = Duration::from_secs(30);

/// What became of one object.
enum Effect {
    Created,
    Changed,
    Same,
    Recreated,
}

struct Done {
    entry: Entry,
    effect: Effect,
    retried: usize,
    warnings: Vec<String>,
}

/// What all objects of a step have in common.
struct Step<'a> {
    work: &'a ProductWork<'a>,
    manager: String,
    /// The objects that other products of the cluster's desired set have.
    others: BTreeSet<ObjectId>,
    seen: BTreeMap<ObjectId, Seen>,
    until: Duration,
}

impl Guard {
    /// Applies the objects of one step and records what proves them. `begin` came before.
    ///
    /// # Errors
    /// `Conflict`, `Rejected`, `Missing`, `Fenced`, `TimedOut`; details name each object.
    pub async fn apply(&self, work: &ProductWork<'_>, step: &str, limit: Duration) -> Outcome<Applied> {
        let until = self.cluster.inner.clock.boot() + limit;
        let product = work.product;
        let stored = self.stored(product).ok_or_else(|| work.no_record())?;
        let inventory = &stored.record.inventory;
        let pieces = self.cluster.pieces(product, work.all, &self.key().await?).await?;
        let pieces: Vec<Piece> = pieces.into_iter().filter(|piece| piece.step == step).collect();
        let manager = field_manager(product);
        // Only kinds of which something can be proved are worth a list.
        let known = pieces.iter().filter(|p| inventory.get(&p.id).is_some_and(|e| e.proof.is_some()));
        let kinds: BTreeSet<ObjectKind> = known.map(|piece| piece.kind.clone()).collect();
        let served = self.cluster.served().await?;
        let resources = kinds.iter().filter_map(|kind| served.get(kind).cloned()).collect();
        let seen = self.cluster.seen_of(product, &manager, resources).await?;
        let others: Vec<ProductSet> = work.all.iter().filter(|s| s.product != *product).cloned().collect();
        let others = self.cluster.owners_of(&others).await?.into_keys().collect();
        let step = Step { work, manager, others, seen, until };

        let mut applied = Applied::default();
        let (mut entries, mut failures) = (Vec::new(), Vec::new());
        for stage in 0..=order::LAST {
            let due: Vec<&Piece> = pieces.iter().filter(|p| order::stage(&p.id) == stage).collect();
            if due.is_empty() {
                continue;
            }
            let mut sent: Vec<BoxFuture<'_, Outcome<Done>>> = Vec::new();
            for piece in due.iter().copied() {
                match (inventory.get(&piece.id), step.seen.get(&piece.id)) {
                    (Some(entry), Some(seen)) if entry.proves(inventory.hashing, &piece.sent, seen) => {
                        applied.skipped += 1;
                    }
                    _ => sent.push(Box::pin(self.send(&step, piece))),
                }
            }
            for result in together(sent).await {
                match result {
                    Ok(done) => {
                        applied.count(&done);
                        entries.push(done.entry);
                    }
                    Err(error) => failures.push(error),
                }
            }
            if failures.is_empty() && stage == 1 {
                failures.extend(self.established(&due, until).await.err());
            }
            if !failures.is_empty() {
                break;
            }
        }
        applied.warnings.sort();
        applied.warnings.dedup();
        // What was done stays known also when something else failed; a fenced process writes nothing.
        if !failures.iter().any(Error::is_fenced) {
            let mut record = stored.record.clone();
            let changed = entries.iter().any(|entry| record.inventory.get(&entry.id) != Some(entry));
            if changed {
                record.inventory = record.inventory.replaced(entries);
                self.write(product, &record).await?;
            }
        }
        match joined(failures) {
            Some(error) => Err(error),
            None => Ok(applied),
        }
    }

    /// Waits until definitions are established and their kinds served.
    async fn established(&self, due: &[&Piece], until: Duration) -> Outcome<()> {
        let cluster = &self.cluster;
        let clock = &cluster.inner.clock;
        for piece in due {
            let Some(resource) = cluster.resource(&piece.kind).await? else { continue };
            let doing = format!("waiting for {}", piece.id);
            let mut pause = Duration::from_millis(50);
            loop {
                let found = cluster.read(&resource.path(&piece.id), JSON, &doing).await?.unwrap_or_default();
                let why = match verdict(&found) {
                    Verdict::Ready => break,
                    Verdict::Failed(why) => {
                        return Err(Error::new(
                            Kind::NotReady,
                            format!("{}: {}: {why}", codes::NOT_READY.id, piece.id),
                        ));
                    }
                    Verdict::NotYet(why) => why,
                };
                if clock.boot() >= until {
                    return Err(Error::new(
                        Kind::TimedOut,
                        format!("{} is not established: {why}", piece.id),
                    ));
                }
                clock.sleep(pause).await;
                pause = (pause * 2).min(Duration::from_secs(1));
            }
            for ((group, kind), defined) in definitions([&piece.payload]) {
                for version in defined.versions {
                    let kind = ObjectKind { group: group.clone(), version, kind: kind.clone() };
                    let end = (clock.boot() + SERVED_WITHIN).min(until);
                    while !cluster.look_again(&kind).await? && clock.boot() < end {
                        clock.sleep(Duration::from_millis(100)).await;
                    }
                }
            }
        }
        Ok(())
    }

    /// Sends one object.
    async fn send(&self, step: &Step<'_>, piece: &Piece) -> Outcome<Done> {
        let hide = |error: Error| step.work.hide(piece.hide(error));
        let resource = self.cluster.resource(&piece.kind).await?.ok_or_else(|| {
            let why = format!("the cluster does not know the kind {}", piece.kind);
            hide(piece.error(Kind::Missing, codes::KIND_MISSING.id, &why))
        })?;
        match self.send_to(step, piece, &resource).await {
            Ok(mut done) => {
                let warnings = done.warnings.iter();
                done.warnings = warnings.map(|w| step.work.mask.hide(&piece.mask.hide(w))).collect();
                Ok(done)
            }
            Err(error) => Err(hide(error)),
        }
    }

    async fn send_to(&self, step: &Step<'_>, piece: &Piece, resource: &Resource) -> Outcome<Done> {
        let answer = self.patch(step, piece, resource, false).await?;
        match answer.code {
            _ if answer.ok() => Ok(step.done(piece, &answer, Vec::new(), false)),
            409 if answer.is_field_conflict() => {
                let owners = answer.field_owners();
                let said = owners.iter().map(|(manager, field)| format!("{field} is owned by {manager}"));
                let said = said.collect::<Vec<_>>().join(", ");
                if step.work.conflicts != Conflicts::Take && !step.given_up(&piece.id, &owners) {
                    return Err(piece.error(Kind::Conflict, codes::FIELD_CONFLICT.id, &said));
                }
                let answer = self.patch(step, piece, resource, true).await?;
                match answer.code {
                    _ if answer.ok() => {
                        let took = vec![format!("{}: taken over: {said}", piece.id)];
                        Ok(step.done(piece, &answer, took, false))
                    }
                    422 if answer.is_immutable() && is_recreated(&piece.id) => {
                        self.recreate(step, piece, resource).await
                    }
                    _ => Err(piece.refused(&answer)),
                }
            }
            422 if answer.is_immutable() && is_recreated(&piece.id) => {
                self.recreate(step, piece, resource).await
            }
            _ => Err(piece.refused(&answer)),
        }
    }

    async fn patch(
        &self,
        step: &Step<'_>,
        piece: &Piece,
        resource: &Resource,
        force: bool,
    ) -> Outcome<Answer> {
        let force = if force { "&force=true" } else { "" };
        let path = format!(
            "{}?fieldManager={}&fieldValidation=Strict{force}",
            resource.path(&piece.id),
            escape(&step.manager)
        );
        let ask = Ask::write(Method::PATCH, path, &piece.payload).content(APPLY).accept(METADATA);
        let answer = self.cluster.ask(&ask, Some(&self.held), step.until).await;
        answer.map_err(|e| e.doing(&format!("applying {}", piece.id)))
    }

    /// Makes an object anew whose fields can't be changed: a dry run under another name proves first that
    /// the new one would be accepted.
    async fn recreate(&self, step: &Step<'_>, piece: &Piece, resource: &Resource) -> Outcome<Done> {
        let mut probe = piece.payload.clone();
        let name: String = piece.id.name.chars().take(40).collect();
        if let Some(place) = probe.pointer_mut("/metadata/name") {
            *place = format!("{}-tidegate-probe", name.trim_end_matches(['-', '.'])).into();
        }
        let path = format!(
            "{}?dryRun=All&fieldValidation=Strict&fieldManager={}",
            resource.collection(Some(&piece.id.namespace)),
            escape(&step.manager)
        );
        let ask = Ask::write(Method::POST, path, &probe).accept(METADATA);
        let answer = self.cluster.ask(&ask, Some(&self.held), step.until).await?;
        if !answer.ok() {
            return Err(piece.refused(&answer));
        }
        let old = self.cluster.metadata(resource, &piece.id).await?;
        let uid = old.as_ref().and_then(|m| m.get("uid")).and_then(Value::as_str).unwrap_or_default();
        let options = json!({"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background",
            "preconditions": {"uid": uid}});
        let ask = Ask::write(Method::DELETE, resource.path(&piece.id), &options);
        let answer = self.cluster.ask(&ask, Some(&self.held), step.until).await?;
        if !answer.ok() && answer.code != 404 {
            return Err(piece.refused(&answer));
        }
        self.cluster.gone(resource, &piece.id, uid, step.until).await?;
        let answer = self.patch(step, piece, resource, false).await?;
        match answer.ok() {
            true => Ok(step.done(piece, &answer, Vec::new(), true)),
            false => Err(piece.refused(&answer)),
        }
    }
}

impl Step<'_> {
    /// Whether every field that stands in the way belongs to a product that does not have the object any
    /// more: it moved from that product to this one.
    fn given_up(&self, id: &ObjectId, owners: &[(String, String)]) -> bool {
        !self.others.contains(id)
            && !owners.is_empty()
            && owners.iter().all(|(manager, _)| manager.starts_with("tidegate/"))
    }

    fn done(&self, piece: &Piece, answer: &Answer, more: Vec<String>, recreated: bool) -> Done {
        let seen = answer.body.get("metadata").and_then(|metadata| Seen::of(metadata, &self.manager));
        let before = self.seen.get(&piece.id);
        let effect = match (&seen, before) {
            _ if recreated => Effect::Recreated,
            _ if answer.code == 201 => Effect::Created,
            (Some(now), Some(before)) if now.rv == before.rv => Effect::Same,
            _ => Effect::Changed,
        };
        let proof = seen.as_ref().and_then(|seen| {
            Some(Proof { rv: seen.rv.clone(), own: seen.own.clone()?, sent: piece.sent.clone() })
        });
        Done {
            entry: Entry {
                id: piece.id.clone(),
                version: piece.kind.version.clone(),
                uid: seen.map(|seen| seen.uid),
                proof,
            },
            effect,
            retried: answer.retried,
            warnings: answer.warnings.iter().cloned().chain(more).collect(),
        }
    }
}

impl Applied {
    fn count(&mut self, done: &Done) {
        *match done.effect {
            Effect::Created => &mut self.created,
            Effect::Changed => &mut self.changed,
            Effect::Same => &mut self.same,
            Effect::Recreated => &mut self.recreated,
        } += 1;
        self.retried += done.retried;
        self.warnings.extend(done.warnings.iter().cloned());
    }
}

impl Piece {
    /// An error about this object, with its file.
    pub(super) fn error(&self, kind: Kind, code: &str, why: &str) -> Error {
        Error::new(kind, format!("{code}: {} ({}): {why}", self.id, self.origin))
    }

    pub(super) fn hide(&self, error: Error) -> Error {
        error.hidden(&self.mask)
    }

    /// What a refusal means.
    pub(super) fn refused(&self, answer: &Answer) -> Error {
        let is_secret = self.id.is("", "Secret");
        // What an API server says about a Secret may quote it: only the fields are told.
        let said = match is_secret {
            false => answer.message().to_owned(),
            true => {
                let fields: Vec<&str> =
                    answer.causes().map(|(_, field, _)| field).filter(|f| !f.is_empty()).collect();
                match fields.is_empty() {
                    true => format!(
                        "{} {} (its text is not shown, since it may hold a value)",
                        answer.code,
                        answer.reason()
                    ),
                    false => format!("{} {}: {}", answer.code, answer.reason(), fields.join(", ")),
                }
            }
        };
        let details_kind = answer.body.at("/details/kind").and_then(Value::as_str);
        match answer.code {
            404 if details_kind == Some("namespaces") => {
                let why = format!("namespace {} is neither in the cluster nor in the set", self.id.namespace);
                self.error(Kind::Missing, codes::NAMESPACE_MISSING.id, &why)
            }
            404 => self.error(Kind::Missing, codes::KIND_MISSING.id, &said),
            409 => self.error(Kind::Rejected, codes::OBJECT_REJECTED.id, &said),
            _ if answer.is_invalid() => self.error(Kind::Rejected, codes::OBJECT_REJECTED.id, &said),
            _ => {
                let mut error = answer.refusal(&format!("applying {} ({})", self.id, self.origin));
                if is_secret {
                    error.message = format!("applying {} ({}): {said}", self.id, self.origin);
                }
                error
            }
        }
    }
}

impl Answer {
    fn is_field_conflict(&self) -> bool {
        self.causes().any(|(reason, ..)| reason == "FieldManagerConflict")
    }

    /// Manager and field of every conflict.
    fn field_owners(&self) -> Vec<(String, String)> {
        let conflicts = self.causes().filter(|(reason, ..)| *reason == "FieldManagerConflict");
        conflicts
            .map(|(_, field, message)| {
                let manager = message.split('"').nth(1).unwrap_or("another manager");
                (manager.to_owned(), field.to_owned())
            })
            .collect()
    }

    fn is_immutable(&self) -> bool {
        self.message().contains("field is immutable")
            || self.causes().any(|(_, _, message)| message.contains("field is immutable"))
    }
}

/// Many failures as one: the gravest kind, the first in words, all as details.
pub(super) fn joined(mut failures: Vec<Error>) -> Option<Error> {
    failures.sort_by_key(|error| match error.kind {
        Kind::Fenced => 0,
        _ if error.class == crate::journal::FailureClass::Permanent => 1,
        _ => 2,
    });
    let details: Vec<String> =
        failures.iter().flat_map(|e| std::iter::once(&e.message).chain(&e.details)).cloned().collect();
    let count = failures.len();
    let first = failures.into_iter().next()?;
    if count == 1 {
        return Some(first);
    }
    let message = format!("{} (and {} more)", first.message, count - 1);
    Some(Error { message, details, ..first })
}
