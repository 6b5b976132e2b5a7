//! The defaults of a real API server that others rely on, set at every write.

mod kinds;
mod pods;
mod workloads;

use serde_json::Value;

use crate::sim::fields::Schema;
use crate::sim::kinds::Resource;

/// An object with its defaults.
pub(super) fn defaulted(resource: &Resource, schema: &Schema, object: Value) -> Value {
    let mut object = schema.defaulted(object);
    if resource.defined.is_some() {
        return object;
    }
    let Some(fields) = object.as_object_mut() else { return object };
    match (&*resource.group, &*resource.plural) {
        ("apps", "deployments") => workloads::deployment(fields),
        ("apps", "statefulsets") => workloads::stateful_set(fields),
        ("apps", "daemonsets") => workloads::daemon_set(fields),
        ("apps", "replicasets") => workloads::replica_set(fields),
        ("", "replicationcontrollers") => workloads::replication_controller(fields),
        ("batch", "jobs") => workloads::job(fields),
        ("batch", "cronjobs") => workloads::cron_job(fields),
        ("", "pods") => pods::pod(fields),
        ("", "podtemplates") => super::json::within(fields, "template", pods::template),
        (group, plural) => kinds::defaults(group, plural, fields),
    }
    object
}
