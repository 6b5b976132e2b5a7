//! Writes and what they make of ownership: server-side apply merges what a manager wants into an object,
//! refuses what others own, and takes away what the manager gave up; every other write makes its manager
//! the owner of what it changed.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::check::Cause;
use super::element::{same, shown};
use super::managed::{self, Manager, Managers, Owned};
use super::schema::Schema;
use super::set::Set;
use crate::sim::json::text;

/// Who writes, and when.
#[derive(Debug, Clone, Copy)]
pub struct Writer<'w> {
    /// The field manager's name.
    pub manager: &'w str,
    /// The API version in which it writes, such as `apps/v1`.
    pub api_version: &'w str,
    /// The subresource through which it writes; empty for the object itself.
    pub subresource: &'w str,
    /// The time.
    pub now: Timestamp,
}

/// Why a write is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// 409: others own fields that would change.
    Conflict(Vec<Conflict>),
    /// 422: the object would not be valid.
    Invalid(Vec<Cause>),
    /// 500: what is applied does not fit the schema; the whole message.
    Untyped(String),
}

/// A field that somebody else owns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// Who owns it, as the server names it: `"kubectl-edit" using apps/v1`.
    pub manager: String,
    /// Which field: `.spec.template.spec.containers[name="web"].image`.
    pub field: String,
}

impl Conflict {
    /// The message of its cause in a 409, whose reason is `FieldManagerConflict`.
    pub fn message(&self) -> String {
        format!("conflict with {}", self.manager)
    }
}

/// The message of a 409 for conflicts.
pub fn conflict_message(conflicts: &[Conflict]) -> String {
    if let [Conflict { manager, field }] = conflicts {
        return format!("Apply failed with 1 conflict: conflict with {manager}: {field}");
    }
    let mut lines: Vec<String> = Vec::new();
    let mut last = None;
    for conflict in conflicts {
        if last != Some(&conflict.manager) {
            lines.push(format!("conflicts with {}:", conflict.manager));
            last = Some(&conflict.manager);
        }
        lines.push(format!("- {}", conflict.field));
    }
    format!("Apply failed with {} conflicts: {}", conflicts.len(), lines.join("\n"))
}

/// The subresource whose writes leave no time in their entries.
const SCALE: &str = "scale";

/// Fields that no manager owns.
fn unowned() -> Set {
    Set::of_names(&[
        &["apiVersion"],
        &["kind"],
        &["metadata"],
        &["metadata", "name"],
        &["metadata", "namespace"],
        &["metadata", "creationTimestamp"],
        &["metadata", "selfLink"],
        &["metadata", "uid"],
        &["metadata", "clusterName"],
        &["metadata", "generation"],
        &["metadata", "managedFields"],
        &["metadata", "resourceVersion"],
    ])
}

/// Server-side apply: the live object with what the manager wants merged in, with `managedFields`. If
/// nothing changes it is the live object as it is, with the times of its entries.
///
/// # Errors
/// [`Refusal::Untyped`] if what is applied does not fit the schema, [`Refusal::Conflict`] without `force`
/// if others own what would change.
pub fn apply(
    schema: &Schema,
    live: Option<&Value>,
    config: &Value,
    writer: &Writer<'_>,
    force: bool,
) -> Result<Value, Refusal> {
    let (types, root) = (schema.types(), schema.root());
    if let Some(misfits) = types.misfits(root, config, false) {
        let words = format!("failed to create typed patch object ({}): {misfits}", called(config));
        return Err(Refusal::Untyped(words));
    }
    let empty = schema.empty(config);
    let (base, entries) = managed::split(live.unwrap_or(&empty));
    let mut managers = managed::read(&entries).unwrap_or_default();
    let reset = schema.reset(writer.subresource);
    if managers.is_empty() && live.is_some() {
        let before = Writer { manager: "before-first-apply", ..*writer };
        update(schema, &empty, &base, &mut managers, &before);
    }

    let manager = Manager::new(writer.manager, true, writer.api_version, writer.subresource);
    let last = managers.get(&manager).cloned();
    let wanted = types.fields(root, config).without(&reset);
    let time = last.as_ref().and_then(|last| last.time.clone());
    let version = writer.api_version.to_owned();
    let given_up = last.map(|last| last.fields).filter(|last| !last.difference(&wanted).is_empty());
    managers.insert(manager.clone(), Owned { fields: wanted, version, time });

    let merged = types.merge(root, Some(&base), Some(config)).unwrap_or_default();
    let merged = match given_up {
        Some(last) => pruned(schema, merged, &managers, &last),
        None => merged,
    };
    let unchanged = same(&base, &merged);
    let difference = types.difference(root, Some(&base), Some(&merged)).without(&reset);
    let changed = difference.modified.union(&difference.added);
    let others = || managers.iter().filter(|(other, _)| **other != manager);
    let conflicts: Vec<Conflict> = others()
        .flat_map(|(other, owned)| {
            let name = other.shown();
            let fields = owned.fields.intersection(&changed).paths();
            fields.into_iter().map(move |field| Conflict { manager: name.clone(), field: shown(&field) })
        })
        .collect();
    if !force && !conflicts.is_empty() {
        return Err(Refusal::Conflict(conflicts));
    }
    disown(&mut managers, &manager, &changed.union(&difference.removed));
    if let Some(owned) = managers.get_mut(&manager) {
        owned.fields = owned.fields.difference(&unowned());
        if !unchanged && writer.subresource != SCALE {
            owned.time = Some(managed::second(writer.now));
        }
    }
    managers.retain(|_, owned| !owned.fields.is_empty());

    let mut object = if unchanged { base } else { schema.defaulted(kept(&base, merged)) };
    managed::join(&mut object, &managers);
    Ok(unless_same(live, object))
}

/// A write that is no apply, POST, PUT or a patch: the object as it is to be kept, with `managedFields`
/// worked out anew. `after` is what was sent or patched, with defaults, before anything else in it was
/// decided by the server. Its own entries count if they are sound; without any, those of `before` stay;
/// `[]` or `[{}]` resets them. If nothing changes it is `before`, with the times of its entries.
pub fn written(schema: &Schema, before: Option<&Value>, after: Value, writer: &Writer<'_>) -> Value {
    let (after, sent) = managed::split(&after);
    let mut after = schema.normal(after);
    let empty = schema.empty(&after);
    let (base, live) = managed::split(before.unwrap_or(&empty));
    let is_reset = sent.as_array().is_some_and(|entries| match entries.as_slice() {
        [] => true,
        [one] => one.as_object().is_some_and(Map::is_empty),
        _ => false,
    });
    let of_live = || managed::read(&live).unwrap_or_default();
    let mut managers = if !writer.subresource.is_empty() {
        of_live()
    } else if is_reset {
        Managers::new()
    } else {
        managed::read(&sent).filter(|managers| !managers.is_empty()).unwrap_or_else(of_live)
    };
    // An object that has no entries gets none before its first apply.
    if before.is_none() || !managers.is_empty() {
        update(schema, &base, &after, &mut managers, writer);
        managed::cap(&mut managers);
    }
    managed::join(&mut after, &managers);
    unless_same(before, after)
}

/// Makes the writer the owner of what differs.
fn update(schema: &Schema, before: &Value, after: &Value, managers: &mut Managers, writer: &Writer<'_>) {
    let reset = schema.reset(writer.subresource);
    let difference = schema.types().difference(schema.root(), Some(before), Some(after)).without(&reset);
    let changed = difference.modified.union(&difference.added);
    let manager = Manager::new(writer.manager, false, writer.api_version, writer.subresource);
    for owned in managers.values_mut() {
        owned.fields = owned.fields.difference(&changed).difference(&difference.removed);
    }
    managers.retain(|_, owned| !owned.fields.is_empty());
    let fields = changed.difference(&unowned());
    if fields.is_empty() {
        return;
    }
    let version = writer.api_version.to_owned();
    let owned = managers.entry(manager).or_insert(Owned { fields: Set::default(), version, time: None });
    owned.fields = owned.fields.union(&fields);
    if writer.subresource != SCALE {
        owned.time = Some(managed::second(writer.now));
    }
}

fn disown(managers: &mut Managers, but: &Manager, fields: &Set) {
    for (_, owned) in managers.iter_mut().filter(|(manager, _)| *manager != but) {
        owned.fields = owned.fields.difference(fields);
    }
}

/// The merged object without what the applier owned last, wants no more, and nobody else owns.
fn pruned(schema: &Schema, merged: Value, managers: &Managers, last: &Set) -> Value {
    let (types, root) = (schema.types(), schema.root());
    let named = |set: &Set| types.named(root, set);
    let fields = |value: &Value| named(&types.fields(root, value));
    let (last, all) = (named(last), fields(&merged));
    let bare = types.stripped(root, &merged, &last);
    let owned = managers.values().fold(Set::default(), |all, owned| all.union(&owned.fields));
    let unowned = all.difference(&fields(&bare).union(&named(&owned)));
    let left = types.stripped(root, &merged, &unowned);
    // What was lost on the way, but never was the applier's, comes back.
    let lost = all.difference(&fields(&left)).intersection(&last);
    types.stripped(root, &merged, &lost)
}

/// What an applier cannot take from an object, though it may leave it out or say null.
fn kept(base: &Value, mut merged: Value) -> Value {
    for field in ["creationTimestamp", "uid", "generation", "resourceVersion"] {
        let Some(was) = base.get("metadata").and_then(|metadata| metadata.get(field)) else { continue };
        if let Some(metadata) = merged.get_mut("metadata").and_then(Value::as_object_mut)
            && metadata.get(field).is_none_or(Value::is_null)
        {
            metadata.insert(field.to_owned(), was.clone());
        }
    }
    merged
}

/// The new object, or the old one if they differ in nothing but the times of entries.
fn unless_same(before: Option<&Value>, after: Value) -> Value {
    match before {
        Some(before) if managed::same_but_times(before, &after) => before.clone(),
        _ => after,
    }
}

/// What is applied, as errors name it: `shop/web; apps/v1, Kind=Deployment`.
fn called(config: &Value) -> String {
    let text = |path: &str| text(config, path);
    let (namespace, name) = (text("/metadata/namespace"), text("/metadata/name"));
    let version = text("/apiVersion");
    let group = if version.contains('/') { "" } else { "/" };
    format!("{namespace}/{name}; {group}{version}, Kind={}", text("/kind"))
}

/// An object of this kind in which nothing stands.
pub(super) fn bare(like: &Value) -> Value {
    let mut object = json!({});
    for field in ["apiVersion", "kind"] {
        if let Some(value) = like.get(field) {
            object[field] = value.clone();
        }
    }
    object
}
