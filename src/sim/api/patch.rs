//! Patch: server-side apply, merge, JSON and strategic patches.

use serde_json::Value;

use super::decode::{self, go_error};
use super::json::{metadata, text};
use super::media::{PatchKind, patch_kind};
use super::request::Answer;
use super::status::causes;
use super::status::{Fault, Outcome};
use super::target::Target;
use super::write::{Write, admit_create, owned, refused};
use super::{create, defaults, prepare, update};
use crate::sim::cluster::Cluster;
use crate::sim::fields;
use crate::sim::json;
use crate::sim::json::At as _;

/// Patch.
pub(super) fn patch(cluster: &mut Cluster, target: &Target<'_>) -> Outcome<Answer> {
    let kind = patch_kind(&target.request, target.resource.defined.is_some())?;
    if kind == PatchKind::Apply {
        return apply(cluster, target);
    }
    let mut write = Write::new(target, "PatchOptions")?;
    let live = cluster.store.get(&target.key(&target.name)).ok_or_else(|| target.not_found())?;
    let mut object = patched(target, &write, kind, &live)?;
    check_types(target, &object)?;
    if target.resource.defined.is_none() {
        super::json::without_nulls(&mut object);
        decode::without_empties(&mut object);
    }
    decode::typed(&target.resource, &mut object);
    write.warnings = unknown(target, &write, &mut object)?;
    object = defaults::defaulted(&target.resource, &write.schema, object);
    create::in_namespace(target, &mut object)?;
    update::check_name(target, &object)?;
    prepare::for_update(&target.resource, &target.part, &live, &mut object);
    object = owned(&write, cluster, Some(&live), object);
    let changed = update::change(cluster, &mut write, &live, object)?;
    Ok(write.answer(200, changed))
}

fn patched(target: &Target<'_>, write: &Write<'_>, kind: PatchKind, live: &Value) -> Outcome<Value> {
    let body = target.request.body;
    let unreadable = |error: &serde_json::Error| {
        let why = go_error(body, error);
        Fault::bad_request(match kind {
            PatchKind::Strategic => why,
            _ => format!("error decoding patch: {why}"),
        })
    };
    let patch = json::parse(body).map_err(|error| unreadable(&error))?;
    let is_right = match kind {
        PatchKind::Json => patch.is_array(),
        _ => patch.is_object(),
    };
    if !is_right {
        let wanted = match kind {
            PatchKind::Json => "[]handlers.jsonPatchOp",
            _ => "map[string]interface {}",
        };
        let why =
            format!("json: cannot unmarshal {} into Go value of type {wanted}", decode::go_type(&patch));
        return Err(Fault::bad_request(match kind {
            PatchKind::Strategic => why,
            _ => format!("error decoding patch: {why}"),
        }));
    }
    match kind {
        PatchKind::Json => fields::json_patch(live, &patch).map_err(|_| {
            let message = "the server rejected our request due to an error in our request";
            Fault::generic(422, "Invalid", message)
        }),
        PatchKind::Strategic => {
            fields::strategic_patch(&write.schema, live, &patch).map_err(Fault::bad_request)
        }
        _ => Ok(fields::merge_patch(live, &patch)),
    }
}

/// Refuses a patch that leaves something that is no object.
fn check_types(target: &Target<'_>, object: &Value) -> Outcome<()> {
    let metadata_is_right = object.get("metadata").is_none_or(Value::is_object);
    if object.is_object() && metadata_is_right {
        return Ok(());
    }
    let why = format!(
        "json: cannot unmarshal {} into Go struct field {}.metadata of type v1.ObjectMeta",
        decode::go_type(object.get("metadata").unwrap_or(object)),
        target.resource.kind
    );
    Err(not_patched(object, &why))
}

fn not_patched(object: &Value, why: &str) -> Fault {
    let wrong = causes::invalid("patch", &object.to_string().into(), why);
    Fault::invalid_kind("", "", "", vec![wrong])
}

/// Unknown fields of a patched object: what is refused is the patch.
fn unknown(target: &Target<'_>, write: &Write<'_>, object: &mut Value) -> Outcome<Vec<String>> {
    let before = object.clone();
    decode::unknown(&target.resource, &write.schema, object, write.options.validation).map_err(|_| {
        let unknown = write.schema.unknown_fields(&before);
        let said: Vec<String> = unknown.iter().map(|f| format!("unknown field \"{f}\"")).collect();
        not_patched(&before, &format!("strict decoding error: {}", said.join(", ")))
    })
}

/// Server-side apply.
fn apply(cluster: &mut Cluster, target: &Target<'_>) -> Outcome<Answer> {
    let mut write = Write::new(target, "ApplyOptions")?;
    let resource = &target.resource;
    let mut config = applied(target)?;
    let live = cluster.store.get(&target.key(&target.name));
    if live.is_none() && !target.part.is_empty() {
        return Err(target.not_found());
    }
    check_version(target, &config)?;
    if config.at("/metadata/managedFields").is_some_and(|m| !m.is_null()) {
        return Err(Fault::bad_request("metadata.managedFields must be nil"));
    }
    let (uid, revision) =
        (text(&config, "/metadata/uid").to_owned(), text(&config, "/metadata/resourceVersion").to_owned());
    prepare::for_apply(resource, &target.part, &mut config);
    let now = write.writer(cluster);
    let merged = fields::apply(&write.schema, live.as_ref(), &config, &now, write.options.force);
    let mut merged = merged.map_err(|refusal| refused(resource, &target.name, refusal))?;
    create::in_namespace(target, &mut merged)?;
    update::check_name(target, &merged)?;
    let Some(live) = live else {
        if !uid.is_empty() {
            let why = format!(
                "uid mismatch: the provided object specified uid {uid}, and no existing object was found"
            );
            return Err(Fault::conflict(resource, &target.name, &why));
        }
        admit_create(cluster, target, &target.name)?;
        let created = create::new_object(cluster, &mut write, merged, Some(()))?;
        return Ok(write.answer(201, created));
    };
    let mut object = merged;
    if let Some(metadata) = metadata(&mut object) {
        for (field, sent) in [("uid", &uid), ("resourceVersion", &revision)] {
            if !sent.is_empty() {
                metadata.insert(field.to_owned(), sent.as_str().into());
            }
        }
    }
    object = defaults::defaulted(resource, &write.schema, object);
    prepare::for_update(resource, &target.part, &live, &mut object);
    let changed = update::change(cluster, &mut write, &live, object)?;
    Ok(write.answer(200, changed))
}

/// What is applied, JSON or YAML.
fn applied(target: &Target<'_>) -> Outcome<Value> {
    let body = target.request.body;
    let read = json::parse(body).ok().or_else(|| {
        let text = std::str::from_utf8(body).ok()?;
        serde_saphyr::from_str::<Value>(text).ok()
    });
    match read {
        Some(object @ Value::Object(_)) => Ok(object),
        Some(Value::Null) => Ok(serde_json::json!({})),
        Some(other) => Err(Fault::bad_request(format!(
            "error decoding YAML: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal {} into Go value of type map[string]interface {{}}",
            decode::go_type(&other)
        ))),
        None => Err(Fault::bad_request("error decoding YAML: error converting YAML to JSON: yaml: ")),
    }
}

/// Refuses what is of another kind or version than its path.
fn check_version(target: &Target<'_>, config: &Value) -> Outcome<()> {
    let (version, kind) = (text(config, "/apiVersion"), text(config, "/kind"));
    let resource = &target.resource;
    let (group, v) = version.rsplit_once('/').unwrap_or(("", version));
    if kind != &*resource.kind || group != &*resource.group || !decode::is_registered(group, v) {
        return Err(Fault::bad_request(format!("invalid object type: {group}/{v}, Kind={kind}")));
    }
    if version != resource.api_version() {
        return Err(Fault::bad_request(format!(
            "Incorrect version specified in apply patch. Specified patch version: {version}, expected: {}",
            resource.api_version()
        )));
    }
    Ok(())
}
