//! Create.

use serde_json::Value;

use super::decode;
use super::json::{metadata, set_metadata, text};
use super::request::Answer;
use super::status::{Fault, Outcome};
use super::target::Target;
use super::write::{Write, admit_create, admit_webhooks, owned, stamp};
use super::{admission, defaults, prepare, validate};
use crate::sim::cluster::Cluster;
use crate::sim::json::At as _;

/// Create, by POST.
pub(super) fn create(cluster: &mut Cluster, target: &Target<'_>) -> Outcome<Answer> {
    let mut write = Write::new(target, "CreateOptions")?;
    let (mut object, warnings) = decode::object(target, &write.schema, write.options.validation)?;
    write.warnings = warnings;
    wipe(&mut object);
    in_namespace(target, &mut object)?;
    admit_create(cluster, target, text(&object, "/metadata/name"))?;
    let created = new_object(cluster, &mut write, object, None)?;
    Ok(write.answer(201, created))
}

/// Takes away what only the server writes.
pub(super) fn wipe(object: &mut Value) {
    if let Some(metadata) = metadata(object) {
        for field in
            ["uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "selfLink"]
        {
            metadata.shift_remove(field);
        }
    }
}

/// Puts an object into the namespace of its path; another one in the object is refused.
pub(super) fn in_namespace(target: &Target<'_>, object: &mut Value) -> Outcome<()> {
    let sent = text(object, "/metadata/namespace");
    let expected = if target.resource.namespaced { target.namespace.as_str() } else { "" };
    if sent == expected {
        return Ok(());
    }
    if !sent.is_empty() && target.resource.namespaced {
        return Err(Fault::bad_request(
            "the namespace of the provided object does not match the namespace sent on the request",
        ));
    }
    if target.resource.namespaced {
        set_metadata(object, "namespace", expected);
    } else if let Some(metadata) = metadata(object) {
        // What lives in no namespace may be sent with one, which is passed over.
        metadata.shift_remove("namespace");
    }
    Ok(())
}

/// Makes a new object of what was sent, or, if it was applied, of what came of that; `applied` says so.
pub(super) fn new_object(
    cluster: &mut Cluster,
    write: &mut Write<'_>,
    mut object: Value,
    applied: Option<()>,
) -> Outcome<Value> {
    let target = write.target;
    let resource = write.resource();
    if text(&object, "/metadata/name").is_empty() {
        let prefix = text(&object, "/metadata/generateName").to_owned();
        if !prefix.is_empty() {
            set_metadata(&mut object, "name", generated(cluster, target, &prefix));
        }
    }
    let name = text(&object, "/metadata/name").to_owned();
    let sent_revision = text(&object, "/metadata/resourceVersion").to_owned();
    prepare::for_create(resource, &mut object);
    if applied.is_none() {
        object = defaults::defaulted(resource, &write.schema, object);
        object = owned(write, cluster, None, object);
    } else {
        object = defaults::defaulted(resource, &write.schema, object);
    }
    admission::mutate(cluster, target, None, &mut object)?;
    let uid = cluster.store.new_uid();
    set_metadata(&mut object, "uid", uid);
    set_metadata(&mut object, "creationTimestamp", stamp(cluster.now));
    prepare::first_status(resource, &mut object);
    prepare::allocate(cluster, resource, &mut object)?;
    let wrong = validate::created(cluster, resource, &write.schema, &object);
    if !wrong.is_empty() {
        return Err(Fault::invalid(resource, &name, wrong));
    }
    write.warnings.extend(validate::warnings(resource, &object));
    admit_webhooks(cluster, target)?;
    admission::validate(cluster, target, &object)?;
    let key = target.key(&name);
    if let Some(there) = cluster.store.get(&key) {
        let fault = Fault::already_exists(resource, &name);
        return Err(match there.at("/metadata/deletionTimestamp") {
            Some(_) => fault.preceded("object is being deleted: "),
            None => fault,
        });
    }
    if !matches!(sent_revision.as_str(), "" | "0") && applied.is_none() {
        return Err(Fault::new(500, "", "resourceVersion should not be set on objects to be created"));
    }
    if let Some(metadata) = metadata(&mut object) {
        metadata.shift_remove("resourceVersion");
    }
    Ok(write.put(cluster, key, None, object))
}

/// A name that is still free. The same in every cluster, so that clusters can share their texts.
pub(super) fn generated(cluster: &Cluster, target: &Target<'_>, prefix: &str) -> String {
    const LETTERS: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";
    let prefix: String = prefix.chars().take(58).collect();
    for n in 0_u32.. {
        let digest = crate::digest::bytes(format!("{}/{prefix}/{n}", target.resource.plural).as_bytes());
        let letter = |byte: &u8| char::from(LETTERS[usize::from(*byte) % LETTERS.len()]);
        let name = format!("{prefix}{}", digest.as_bytes().iter().take(5).map(letter).collect::<String>());
        if !cluster.store.has(&target.key(&name)) {
            return name;
        }
    }
    prefix
}
