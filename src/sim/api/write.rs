//! What every write has in common: who writes, what may be written at all, and how it is put into the
//! store.

use serde_json::Value;

use super::decode::schema_of;
use super::json::{set_metadata, text};
use super::present;
use super::request::Answer;
use super::route::warning_header;
use super::status::{Fault, Outcome};
use super::target::{Options, Target};
use crate::sim::cluster::Cluster;
use crate::sim::fields::Schema;
use crate::sim::fields::{self, Conflict, Refusal, Writer};
use crate::sim::json::At as _;
use crate::sim::kinds::Resource;
use crate::sim::store::Key;

/// One write of one object.
pub(super) struct Write<'t> {
    pub target: &'t Target<'t>,
    pub options: Options,
    pub schema: Schema,
    pub api_version: String,
    pub warnings: Vec<String>,
}

impl<'t> Write<'t> {
    pub fn new(target: &'t Target<'t>, options: &str) -> Outcome<Self> {
        Ok(Self {
            options: Options::read(target, options)?,
            schema: schema_of(&target.resource),
            api_version: target.resource.api_version(),
            warnings: Vec::new(),
            target,
        })
    }

    pub fn resource(&self) -> &'t Resource {
        &self.target.resource
    }

    /// Who writes.
    pub fn writer<'w>(&'w self, cluster: &Cluster) -> Writer<'w> {
        Writer {
            manager: &self.options.manager,
            api_version: &self.api_version,
            subresource: match self.target.part.as_str() {
                "finalize" => "",
                part => part,
            },
            now: cluster.now,
        }
    }

    /// The answer with the object and with what the client is warned of.
    pub fn answer(self, status: u16, object: Value) -> Answer {
        let mut answer = Answer::json(status, present::shown(self.resource(), self.target.form, object));
        for warning in &self.warnings {
            answer.headers.push(("warning", warning_header(warning)));
        }
        answer
    }

    /// Puts an object into the store, unless it is a dry run or nothing changed; the object as it now is.
    pub fn put(&self, cluster: &mut Cluster, key: Key, live: Option<&Value>, object: Value) -> Value {
        if let Some(live) = live
            && same_but_times(live, &object)
        {
            return live.clone();
        }
        if self.options.dry_run {
            return object;
        }
        put(cluster, key, object)
    }
}

/// Puts an object into the store; the object with its new revision.
pub(super) fn put(cluster: &mut Cluster, key: Key, mut object: Value) -> Value {
    let revision = cluster.store.put(key, &object);
    set_metadata(&mut object, "resourceVersion", revision.to_string());
    object
}

/// Whether two states of an object differ in nothing but their revision and the times of managed fields.
fn same_but_times(live: &Value, object: &Value) -> bool {
    let (mut a, mut b) = (live.clone(), object.clone());
    for one in [&mut a, &mut b] {
        if let Some(metadata) = one.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.shift_remove("resourceVersion");
            let entries = metadata.get_mut("managedFields").and_then(Value::as_array_mut);
            for entry in entries.into_iter().flatten().filter_map(Value::as_object_mut) {
                entry.shift_remove("time");
            }
        }
    }
    a == b
}

/// A moment as objects carry it.
pub(super) fn stamp(now: jiff::Timestamp) -> String {
    crate::sim::json::seconds(now).to_string()
}

/// Refuses what a real server's admission refuses: content of namespaces that are not there or are being
/// deleted, and what a webhook denies.
pub(super) fn admit_create(cluster: &Cluster, target: &Target<'_>, name: &str) -> Outcome<()> {
    let resource = &target.resource;
    if resource.namespaced {
        let namespace = cluster.store.get(&Key::new("", "namespaces", "", &target.namespace));
        let Some(namespace) = namespace else {
            let message = format!("namespaces \"{}\" not found", target.namespace);
            return Err(Fault::new(404, "NotFound", message).named("", "namespaces", &target.namespace));
        };
        if text(&namespace, "/status/phase") == "Terminating"
            || namespace.at("/metadata/deletionTimestamp").is_some()
        {
            let why = format!(
                "unable to create new content in namespace {} because it is being terminated",
                target.namespace
            );
            let message = format!("namespace {} is being terminated", target.namespace);
            return Err(Fault::forbidden(resource, name, &why).detail(
                "causes",
                serde_json::json!([{
                    "reason": "NamespaceTerminating", "message": message, "field": "metadata.namespace",
                }]),
            ));
        }
    }
    Ok(())
}

/// Refuses what a webhook denies.
pub(super) fn admit_webhooks(cluster: &Cluster, target: &Target<'_>) -> Outcome<()> {
    let denied = cluster.conditions.denied.iter().find(|denial| {
        *denial.resource == *target.resource.plural
            && denial.namespace.as_ref().is_none_or(|namespace| *namespace == target.namespace)
    });
    match denied {
        None => Ok(()),
        Some(denial) => {
            let message =
                format!("admission webhook \"{}\" denied the request: {}", denial.webhook, denial.message);
            Err(Fault::new(403, "Forbidden", message))
        }
    }
}

/// What server-side apply refuses, as a Status.
pub(super) fn refused(resource: &Resource, name: &str, refusal: Refusal) -> Fault {
    match refusal {
        Refusal::Invalid(causes) => Fault::invalid(resource, name, causes),
        Refusal::Untyped(message) => Fault::new(500, "", message),
        Refusal::Conflict(conflicts) => conflicting(&conflicts),
    }
}

fn conflicting(conflicts: &[Conflict]) -> Fault {
    let message = fields::conflict_message(conflicts);
    let causes: Vec<Value> = conflicts
        .iter()
        .map(|c| {
            serde_json::json!({
                "reason": "FieldManagerConflict",
                "message": c.message(),
                "field": c.field,
            })
        })
        .collect();
    Fault::new(409, "Conflict", message).detail("causes", causes.into())
}

/// The managed fields of an object after a write that is not an apply.
pub(super) fn owned(write: &Write<'_>, cluster: &Cluster, before: Option<&Value>, after: Value) -> Value {
    fields::written(&write.schema, before, after, &write.writer(cluster))
}
