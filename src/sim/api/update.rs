//! Update, by PUT, and what every change of an object that is there goes through.

use serde_json::Value;

use super::decode;
use super::json::{metadata, set_metadata, text};
use super::request::Answer;
use super::status::causes;
use super::status::{Fault, Outcome};
use super::target::Target;
use super::write::{Write, admit_create, admit_webhooks, owned};
use super::{admission, create, defaults, delete, prepare, validate};
use crate::sim::cluster::Cluster;

/// The refusal of a write that began from an older state.
pub(super) const STALE: &str =
    "the object has been modified; please apply your changes to the latest version and try again";

/// Update.
pub(super) fn update(cluster: &mut Cluster, target: &Target<'_>) -> Outcome<Answer> {
    let mut write = Write::new(target, "UpdateOptions")?;
    let (mut object, warnings) = decode::object(target, &write.schema, write.options.validation)?;
    write.warnings = warnings;
    create::in_namespace(target, &mut object)?;
    check_name(target, &object)?;
    object = defaults::defaulted(&target.resource, &write.schema, object);
    let Some(live) = cluster.store.get(&target.key(&target.name)) else {
        if creates(target) {
            create::wipe(&mut object);
            admit_create(cluster, target, &target.name)?;
            let created = create::new_object(cluster, &mut write, object, None)?;
            return Ok(write.answer(201, created));
        }
        return Err(target.not_found());
    };
    let uid = text(&object, "/metadata/uid");
    if !uid.is_empty() && uid != text(&live, "/metadata/uid") {
        return Err(other_uid(target, uid, text(&live, "/metadata/uid")));
    }
    prepare::for_update(&target.resource, &target.part, &live, &mut object);
    object = owned(&write, cluster, Some(&live), object);
    let changed = change(cluster, &mut write, &live, object)?;
    Ok(write.answer(200, changed))
}

/// The refusal of a write that means another object of the same name.
pub(super) fn other_uid(target: &Target<'_>, sent: &str, live: &str) -> Fault {
    let resource = &target.resource;
    let place = match (&*resource.group, &*resource.plural) {
        ("", "services") => "services/specs".to_owned(),
        ("", "nodes") => "minions".to_owned(),
        ("networking.k8s.io", "ingresses") => "ingress".to_owned(),
        (group, plural) if resource.defined.is_some() => format!("{group}/{plural}"),
        (_, plural) => plural.to_owned(),
    };
    let namespace =
        if target.namespace.is_empty() { String::new() } else { format!("{}/", target.namespace) };
    let why = format!(
        "StorageError: invalid object, Code: 4, Key: /registry/{place}/{namespace}{}, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: {sent}, UID in object meta: {live}",
        target.name
    );
    Fault::conflict(resource, &target.name, &why)
}

/// Whether PUT makes what is not there.
fn creates(target: &Target<'_>) -> bool {
    let resource = &target.resource;
    target.part.is_empty()
        && (*resource.group == *"rbac.authorization.k8s.io"
            || matches!(
                (&*resource.group, &*resource.plural),
                ("", "limitranges" | "events" | "services" | "endpoints")
                    | ("coordination.k8s.io", "leases")
                    | ("node.k8s.io", "runtimeclasses")
            ))
}

/// Refuses an object that says another name or namespace than its path.
pub(super) fn check_name(target: &Target<'_>, object: &Value) -> Outcome<()> {
    let name = text(object, "/metadata/name");
    if name.is_empty() {
        return Err(Fault::bad_request(format!(
            "the name of the object ({} based on URL) was undeterminable: name must be provided",
            target.name
        )));
    }
    if name != target.name {
        return Err(Fault::bad_request(format!(
            "the name of the object ({name}) does not match the name on the URL ({})",
            target.name
        )));
    }
    Ok(())
}

/// Whether an update needs no revision.
fn unconditional(target: &Target<'_>) -> bool {
    let resource = &target.resource;
    let conditional = matches!(
        (&*resource.group, &*resource.plural),
        ("node.k8s.io", "runtimeclasses")
            | ("policy", "poddisruptionbudgets")
            | ("storage.k8s.io", "csidrivers" | "csistoragecapacities" | "volumeattachments" | "csinodes")
            | ("coordination.k8s.io" | "admissionregistration.k8s.io" | "apiextensions.k8s.io", _)
            | ("apiregistration.k8s.io", _)
    );
    !conditional && resource.defined.is_none()
}

/// Puts a changed object in place of the live one, if everything allows it. Managed fields are already
/// those of the change.
pub(super) fn change(
    cluster: &mut Cluster,
    write: &mut Write<'_>,
    live: &Value,
    mut object: Value,
) -> Outcome<Value> {
    let (target, resource) = (write.target, write.resource());
    let revision = text(&object, "/metadata/resourceVersion").to_owned();
    let current = text(live, "/metadata/resourceVersion");
    if matches!(revision.as_str(), "" | "0") {
        if !unconditional(target) {
            let wrong =
                causes::invalid("metadata.resourceVersion", &0.into(), "must be specified for an update");
            return Err(Fault::invalid_kind(&resource.group, &resource.plural, &target.name, vec![wrong]));
        }
        set_metadata(&mut object, "resourceVersion", current);
    } else if revision != current {
        return Err(Fault::conflict(resource, &target.name, STALE));
    }
    prepare::keep(live, &mut object);
    prepare::generation(resource, live, &mut object);
    if target.part.is_empty() {
        admission::mutate(cluster, target, Some(live), &mut object)?;
    }
    let wrong = validate::changed(resource, &target.part, &write.schema, live, &object);
    if !wrong.is_empty() {
        return Err(Fault::invalid(resource, &target.name, wrong));
    }
    write.warnings.extend(validate::warnings(resource, &object));
    admit_webhooks(cluster, target)?;
    if delete::ends(resource, live, &object) {
        if let Some(metadata) = metadata(&mut object) {
            metadata.insert("resourceVersion".to_owned(), current.into());
        }
        if !write.options.dry_run {
            cluster.store.remove(&target.key(&target.name));
        }
        return Ok(object);
    }
    Ok(write.put(cluster, target.key(&target.name), Some(live), object))
}
