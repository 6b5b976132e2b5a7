//! The part `scale`: replicas of a workload without the rest of it.

use serde_json::{Value, json};

use super::decode::parse;
use super::json::{object, text};
use super::media::{PatchKind, patch_kind};
use super::request::Answer;
use super::status::causes;
use super::status::{Fault, Outcome};
use super::target::Target;
use super::write::{Write, owned};
use super::{media, update};
use crate::sim::cluster::Cluster;
use crate::sim::fields;
use crate::sim::json::At as _;
use crate::sim::kinds::Resource;

/// Get.
pub(super) fn get(cluster: &Cluster, target: &Target<'_>) -> Outcome<Answer> {
    let live = cluster.store.get(&target.key(&target.name)).ok_or_else(|| target.not_found())?;
    if let Some(scaling) = target.resource.defined.as_ref().and_then(|d| d.scale.as_ref())
        && live.at(&scaling.spec.replace('.', "/")).is_none()
    {
        let why = format!("the spec replicas field \"{}\" does not exist", scaling.spec);
        return Err(Fault::internal(&why));
    }
    Ok(Answer::json(200, scale(&target.resource, &live)))
}

/// Update.
pub(super) fn update(cluster: &mut Cluster, target: &Target<'_>) -> Outcome<Answer> {
    media::check_content(&target.request)?;
    let sent = parse(target.request.body, "Scale")?;
    change(cluster, target, "UpdateOptions", sent)
}

/// Patch.
pub(super) fn patch(cluster: &mut Cluster, target: &Target<'_>) -> Outcome<Answer> {
    let kind = patch_kind(&target.request, false)?;
    let live = cluster.store.get(&target.key(&target.name)).ok_or_else(|| target.not_found())?;
    let before = scale(&target.resource, &live);
    let sent = parse(target.request.body, "Scale")
        .or_else(|fault| serde_json::from_slice(target.request.body).map_err(|_| fault))?;
    let after = match kind {
        PatchKind::Json => fields::json_patch(&before, &sent).map_err(|_| {
            let message = "the server rejected our request due to an error in our request";
            Fault::generic(422, "Invalid", message)
        })?,
        _ => fields::merge_patch(&before, &sent),
    };
    change(cluster, target, "PatchOptions", after)
}

fn change(cluster: &mut Cluster, target: &Target<'_>, options: &str, sent: Value) -> Outcome<Answer> {
    let mut write = Write::new(target, options)?;
    let live = cluster.store.get(&target.key(&target.name)).ok_or_else(|| target.not_found())?;
    let replicas = sent.at("/spec/replicas").and_then(Value::as_i64).unwrap_or_default();
    if replicas < 0 {
        let why = "must be greater than or equal to 0";
        let wrong = causes::invalid("spec.replicas", &replicas.into(), why);
        return Err(Fault::invalid_kind("autoscaling", "Scale", &target.name, vec![wrong]));
    }
    let (uid, revision) = (text(&sent, "/metadata/uid"), text(&sent, "/metadata/resourceVersion"));
    if !uid.is_empty() && uid != text(&live, "/metadata/uid") {
        return Err(update::other_uid(target, uid, text(&live, "/metadata/uid")));
    }
    let mut changed = live.clone();
    if let Some(metadata) = super::json::metadata(&mut changed) {
        // Without a revision the newest is meant.
        if !revision.is_empty() {
            metadata.insert("resourceVersion".to_owned(), revision.into());
        }
    }
    set(&target.resource, &mut changed, replicas);
    changed = owned(&write, cluster, Some(&live), changed);
    if target.resource.defined.is_some() {
        disown(&mut changed);
    }
    let changed = update::change(cluster, &mut write, &live, changed)?;
    Ok(Answer::json(200, scale(&target.resource, &changed)))
}

/// Of definitions' kinds nobody owns the replicas that were set so.
fn disown(changed: &mut Value) {
    let entries = changed.pointer_mut("/metadata/managedFields").and_then(Value::as_array_mut);
    if let Some(entries) = entries {
        entries.retain(|entry| text(entry, "/subresource") != "scale");
    }
}

fn set(resource: &Resource, changed: &mut Value, replicas: i64) {
    let path = resource.defined.as_ref().and_then(|d| d.scale.as_ref()).map(|s| s.spec.clone());
    let path = path.unwrap_or_else(|| ".spec.replicas".to_owned());
    let mut steps: Vec<&str> = path.split('.').filter(|step| !step.is_empty()).collect();
    let Some(last) = steps.pop() else { return };
    let mut at = changed;
    for step in steps {
        if object(at, step).is_none() {
            return;
        }
        let Some(next) = at.get_mut(step) else { return };
        at = next;
    }
    if let Some(fields) = at.as_object_mut() {
        fields.insert(last.to_owned(), replicas.into());
    }
}

/// A workload as a Scale.
fn scale(resource: &Resource, live: &Value) -> Value {
    let at = |path: &str| live.at(&path.replace('.', "/")).cloned();
    let scaling = resource.defined.as_ref().and_then(|d| d.scale.as_ref());
    let (wished, present, selector) = match scaling {
        Some(scaling) => (
            at(&scaling.spec),
            at(&scaling.status),
            scaling.selector.as_deref().and_then(at).and_then(|s| s.as_str().map(str::to_owned)),
        ),
        None => (at(".spec.replicas"), at(".status.replicas"), Some(selector(live))),
    };
    let mut metadata = serde_json::Map::new();
    for field in ["name", "namespace", "uid", "resourceVersion", "creationTimestamp"] {
        if let Some(value) = live.at(&format!("/metadata/{field}")) {
            metadata.insert(field.to_owned(), value.clone());
        }
    }
    let mut spec = serde_json::Map::new();
    if let Some(wished) = wished.filter(|wished| *wished != 0) {
        spec.insert("replicas".to_owned(), wished);
    }
    let mut status = json!({"replicas": present.unwrap_or_else(|| 0.into())});
    if let Some(selector) = selector.filter(|s| !s.is_empty()) {
        status["selector"] = selector.into();
    }
    json!({
        "kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": metadata, "spec": spec, "status": status,
    })
}

/// A selector as text.
fn selector(live: &Value) -> String {
    let labels = live.at("/spec/selector/matchLabels").and_then(Value::as_object);
    let mut terms: Vec<String> = labels
        .into_iter()
        .flatten()
        .map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()))
        .collect();
    for expression in super::json::items(live, "/spec/selector/matchExpressions") {
        let key = text(expression, "/key");
        let values: Vec<&str> = super::json::items(expression, "/values").filter_map(Value::as_str).collect();
        terms.push(match text(expression, "/operator") {
            "In" => format!("{key} in ({})", values.join(",")),
            "NotIn" => format!("{key} notin ({})", values.join(",")),
            "Exists" => key.to_owned(),
            _ => format!("!{key}"),
        });
    }
    terms.sort();
    terms.join(",")
}
