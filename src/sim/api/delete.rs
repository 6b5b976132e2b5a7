//! Delete, of one object or of many.

use serde_json::{Value, json};

use super::decode::parse;
use super::json::{items, set_metadata, text};
use super::present;
use super::read;
use super::request::Answer;
use super::status::causes;
use super::status::{Fault, Outcome};
use super::target::{self, Target};
use super::write::{admit_webhooks, put, stamp};
use crate::sim::cluster::Cluster;
use crate::sim::fields::Cause;
use crate::sim::json::At as _;
use crate::sim::kinds::Resource;
use crate::sim::store::Key;

const ORPHAN: &str = "orphan";
const FOREGROUND: &str = "foregroundDeletion";

/// The options of a delete.
#[derive(Debug, Clone, Default)]
pub(super) struct Options {
    pub dry_run: bool,
    grace: Option<i64>,
    policy: String,
    orphan: Option<bool>,
    uid: String,
    revision: String,
}

impl Options {
    fn read(target: &Target<'_>) -> Outcome<Self> {
        let mut wrong: Vec<Cause> = Vec::new();
        let body = target.request.body;
        let options = if body.is_empty() {
            let query = &target.query;
            target::dry_run(query, &mut wrong);
            Self {
                dry_run: query.has("dryRun"),
                grace: query.get("gracePeriodSeconds").parse().ok(),
                policy: query.get("propagationPolicy").to_owned(),
                orphan: query.has("orphanDependents").then(|| query.flag("orphanDependents")),
                ..Self::default()
            }
        } else {
            super::media::check_content(&target.request)?;
            let sent = parse(body, "DeleteOptions").map_err(|fault| {
                let said = fault.message();
                let why = said.split_once("): ").map_or(said, |(_, why)| why);
                Fault::bad_request(why.rsplit_once(" (").map_or(why, |(why, _)| why))
            })?;
            Self::sent(&sent, &mut wrong)
        };
        if !options.policy.is_empty() && options.orphan.is_some() {
            let why = "orphanDependents and deletionPropagation cannot be both set";
            wrong.push(causes::invalid("propagationPolicy", &options.policy.as_str().into(), why));
        }
        if !matches!(options.policy.as_str(), "" | "Foreground" | "Background" | "Orphan") {
            let known = ["Foreground", "Background", "Orphan", "nil"];
            let policy = options.policy.as_str().into();
            wrong.push(causes::not_supported("propagationPolicy", &policy, &known));
        }
        if wrong.is_empty() {
            Ok(options)
        } else {
            Err(Fault::invalid_kind("meta.k8s.io", "DeleteOptions", "", wrong))
        }
    }

    /// Options as a body has them.
    pub fn sent(sent: &Value, wrong: &mut Vec<Cause>) -> Self {
        let dry: Vec<&Value> = items(sent, "/dryRun").collect();
        if dry.iter().any(|value| **value != "All") {
            wrong.push(causes::not_supported("dryRun", &json!(dry), &["All"]));
        }
        Self {
            dry_run: !dry.is_empty(),
            grace: sent.get("gracePeriodSeconds").and_then(Value::as_i64),
            policy: text(sent, "/propagationPolicy").to_owned(),
            orphan: sent.get("orphanDependents").and_then(Value::as_bool),
            uid: text(sent, "/preconditions/uid").to_owned(),
            revision: text(sent, "/preconditions/resourceVersion").to_owned(),
        }
    }
}

/// What became of an object that was to be deleted.
pub(super) enum Fate {
    /// It is gone; what it was last.
    Gone(Value),
    /// It goes, but is still there.
    Going(Value),
}

/// Delete of one object.
pub(super) fn one(cluster: &mut Cluster, target: &Target<'_>) -> Outcome<Answer> {
    let options = Options::read(target)?;
    let fate = delete(cluster, target, &target.key(&target.name), &options)?;
    let resource = &target.resource;
    let mut answer = match fate {
        Fate::Going(object) => {
            let status = if options.orphan == Some(false) { 202 } else { 200 };
            Answer::json(status, present::shown(resource, target.form, object))
        }
        Fate::Gone(object) if returns_object(resource) => {
            Answer::json(200, present::shown(resource, target.form, object))
        }
        Fate::Gone(object) => Answer::json(200, deleted(resource, &object)),
    };
    if resource.is("batch", "jobs") && options.policy.is_empty() && options.orphan.is_none() {
        let warning = "child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them or set propagationPolicy=Orphan to suppress this warning";
        answer.headers.push(("warning", super::route::warning_header(warning)));
    }
    Ok(answer)
}

fn deleted(resource: &Resource, object: &Value) -> Value {
    let mut details = json!({"name": text(object, "/metadata/name")});
    if !resource.group.is_empty() {
        details["group"] = (&*resource.group).into();
    }
    details["kind"] = (&*resource.plural).into();
    details["uid"] = text(object, "/metadata/uid").into();
    json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details})
}

/// Kinds whose deletion is answered with the object.
fn returns_object(resource: &Resource) -> bool {
    match (&*resource.group, &*resource.plural) {
        (
            "",
            "resourcequotas"
            | "persistentvolumes"
            | "serviceaccounts"
            | "persistentvolumeclaims"
            | "namespaces"
            | "pods"
            | "services"
            | "podtemplates",
        )
        | ("resource.k8s.io", _) => true,
        ("storage.k8s.io", plural) => plural != "csistoragecapacities",
        _ => false,
    }
}

/// Deletes an object, at once or as far as finalizers and grace allow.
pub(super) fn delete(
    cluster: &mut Cluster,
    target: &Target<'_>,
    key: &Key,
    options: &Options,
) -> Outcome<Fate> {
    let resource = &target.resource;
    let live = cluster.store.get(key).ok_or_else(|| Fault::not_found(resource, &key.name))?;
    preconditions(resource, &key.name, &live, options)?;
    if resource.is("", "namespaces") {
        return namespace(cluster, target, key, live, options);
    }
    admit_webhooks(cluster, target)?;
    if resource.is("apiextensions.k8s.io", "customresourcedefinitions") {
        return Ok(definition(cluster, key, live, options));
    }
    let mut object = live.clone();
    let graceful = match grace(resource, &live, options) {
        Grace::Pending => return Ok(Fate::Going(live)),
        Grace::None => None,
        Grace::Seconds(seconds) => Some(seconds),
    };
    let was_going = live.at("/metadata/deletionTimestamp").is_some();
    let finalizers = finalizers(resource, &live, options);
    set_finalizers(&mut object, &finalizers);
    if let Some(seconds) = graceful {
        let end = cluster.now + std::time::Duration::from_secs(seconds.unsigned_abs());
        set_metadata(&mut object, "deletionTimestamp", stamp(end));
        set_metadata(&mut object, "deletionGracePeriodSeconds", seconds);
        if !was_going {
            count_up(&mut object);
        }
        if seconds > 0 || !finalizers.is_empty() {
            return Ok(Fate::Going(keep(cluster, key, &live, object, options)));
        }
    } else if !finalizers.is_empty() {
        if !was_going {
            count_up(&mut object);
            set_metadata(&mut object, "deletionTimestamp", stamp(cluster.now));
        }
        set_metadata(&mut object, "deletionGracePeriodSeconds", 0);
        return Ok(Fate::Going(keep(cluster, key, &live, object, options)));
    }
    if !options.dry_run {
        let gone = cluster.store.remove(key);
        let revision = gone.as_ref().map(|gone| text(gone, "/metadata/resourceVersion").to_owned());
        if let Some(revision) = revision {
            set_metadata(&mut object, "resourceVersion", revision);
        }
    }
    Ok(Fate::Gone(object))
}

fn keep(cluster: &mut Cluster, key: &Key, live: &Value, object: Value, options: &Options) -> Value {
    if options.dry_run || object == *live { object } else { put(cluster, key.clone(), object) }
}

fn count_up(object: &mut Value) {
    if let Some(generation) = object.at("/metadata/generation").and_then(Value::as_u64) {
        set_metadata(object, "generation", generation + 1);
    }
}

fn set_finalizers(object: &mut Value, finalizers: &[String]) {
    if let Some(metadata) = super::json::metadata(object) {
        if finalizers.is_empty() {
            metadata.shift_remove("finalizers");
        } else {
            metadata.insert("finalizers".to_owned(), finalizers.to_vec().into());
        }
    }
}

fn preconditions(resource: &Resource, name: &str, live: &Value, options: &Options) -> Outcome<()> {
    let (uid, revision) = (text(live, "/metadata/uid"), text(live, "/metadata/resourceVersion"));
    let failed = |why: String| {
        let mut named = resource.clone();
        if !resource.is("", "namespaces") {
            named.plural = std::sync::Arc::clone(&resource.kind);
        }
        Err(Fault::conflict(&named, name, &why))
    };
    let is_namespace = resource.is("", "namespaces");
    if !options.uid.is_empty() && options.uid != uid {
        let sent = &options.uid;
        return failed(match is_namespace {
            true => format!("Precondition failed: UID in precondition: {sent}, UID in object meta: {uid}"),
            false => format!(
                "the UID in the precondition ({sent}) does not match the UID in record ({uid}). The object might have been deleted and then recreated"
            ),
        });
    }
    if !options.revision.is_empty() && options.revision != revision {
        let sent = &options.revision;
        return failed(match is_namespace {
            true => format!(
                "Precondition failed: ResourceVersion in precondition: {sent}, ResourceVersion in object meta: {revision}"
            ),
            false => format!(
                "the ResourceVersion in the precondition ({sent}) does not match the ResourceVersion in record ({revision}). The object might have been modified"
            ),
        });
    }
    Ok(())
}

enum Grace {
    /// The kind knows no grace.
    None,
    Seconds(i64),
    /// It is already on its way, and what is asked makes that no shorter.
    Pending,
}

fn grace(resource: &Resource, live: &Value, options: &Options) -> Grace {
    if !resource.is("", "pods") {
        return Grace::None;
    }
    let asked = options.grace.map(|grace| if grace < 0 { 1 } else { grace });
    if live.at("/metadata/deletionTimestamp").is_some() {
        let left = live.at("/metadata/deletionGracePeriodSeconds").and_then(Value::as_i64);
        return match (left.unwrap_or_default(), asked) {
            (0, _) => Grace::None,
            (left, Some(asked)) if asked < left => Grace::Seconds(asked),
            _ => Grace::Pending,
        };
    }
    let own = live.at("/spec/terminationGracePeriodSeconds").and_then(Value::as_i64);
    let over = matches!(text(live, "/status/phase"), "Succeeded" | "Failed");
    if text(live, "/spec/nodeName").is_empty() || over {
        return Grace::Seconds(0);
    }
    Grace::Seconds(asked.or(own).unwrap_or(30))
}

/// The finalizers of an object once it is deleted so.
fn finalizers(resource: &Resource, live: &Value, options: &Options) -> Vec<String> {
    let present: Vec<&str> = items(live, "/metadata/finalizers").filter_map(Value::as_str).collect();
    let has = |name: &str| present.contains(&name);
    // Jobs and replication controllers leave their pods behind unless told otherwise.
    let orphans_by_default = resource.is("batch", "jobs") || resource.is("", "replicationcontrollers");
    let (orphan, foreground) = match (options.orphan, options.policy.as_str()) {
        (Some(orphan), _) => (orphan, false),
        (None, "Orphan") => (true, false),
        (None, "Foreground") => (false, true),
        (None, "Background") => (false, false),
        _ if has(ORPHAN) => (true, false),
        _ if has(FOREGROUND) => (false, true),
        _ => (orphans_by_default, false),
    };
    let own = present.into_iter().filter(|name| *name != ORPHAN && *name != FOREGROUND);
    let mut all: Vec<String> = own.map(str::to_owned).collect();
    all.extend(orphan.then(|| ORPHAN.to_owned()));
    all.extend(foreground.then(|| FOREGROUND.to_owned()));
    all
}

/// A namespace first says that it goes; its content and its finalizer go by the controllers.
fn namespace(
    cluster: &mut Cluster,
    target: &Target<'_>,
    key: &Key,
    live: Value,
    options: &Options,
) -> Outcome<Fate> {
    if matches!(&*key.name, "default" | "kube-system" | "kube-public") {
        return Err(Fault::forbidden(&target.resource, &key.name, "this namespace may not be deleted"));
    }
    admit_webhooks(cluster, target)?;
    let mut object = live.clone();
    if live.at("/metadata/deletionTimestamp").is_none() {
        set_metadata(&mut object, "deletionTimestamp", stamp(cluster.now));
        if let Some(status) = super::json::object(&mut object, "status") {
            status.insert("phase".to_owned(), "Terminating".into());
        }
        let finalizers = finalizers(&target.resource, &live, options);
        set_finalizers(&mut object, &finalizers);
        return Ok(Fate::Going(keep(cluster, key, &live, object, options)));
    }
    if items(&live, "/spec/finalizers").next().is_some()
        || items(&live, "/metadata/finalizers").next().is_some()
    {
        return Ok(Fate::Going(live));
    }
    if !options.dry_run {
        cluster.store.remove(key);
    }
    Ok(Fate::Gone(object))
}

/// A definition first says that it goes; the objects of its kind go, then it.
fn definition(cluster: &mut Cluster, key: &Key, live: Value, options: &Options) -> Fate {
    const CLEANUP: &str = "customresourcecleanup.apiextensions.k8s.io";
    if live.at("/metadata/deletionTimestamp").is_some() {
        return Fate::Going(live);
    }
    let mut object = live.clone();
    let mut finalizers: Vec<String> =
        items(&live, "/metadata/finalizers").filter_map(|f| f.as_str().map(str::to_owned)).collect();
    finalizers.push(CLEANUP.to_owned());
    set_finalizers(&mut object, &finalizers);
    set_metadata(&mut object, "deletionTimestamp", stamp(cluster.now));
    let mut conditions: Vec<Value> = items(&live, "/status/conditions").cloned().collect();
    conditions.push(json!({
        "type": "Terminating", "status": "True", "lastTransitionTime": stamp(cluster.now),
        "reason": "InstanceDeletionPending",
        "message": "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon",
    }));
    if let Some(status) = super::json::object(&mut object, "status") {
        status.insert("conditions".to_owned(), conditions.into());
    }
    Fate::Going(keep(cluster, key, &live, object, options))
}

/// Whether a change ends an object: it is being deleted, and its last finalizer goes.
pub(super) fn ends(resource: &Resource, live: &Value, object: &Value) -> bool {
    let is_going = live.at("/metadata/deletionTimestamp").is_some();
    let grace = live.at("/metadata/deletionGracePeriodSeconds").and_then(Value::as_i64);
    let held = items(object, "/metadata/finalizers").next().is_some()
        || (resource.is("", "namespaces") && items(object, "/spec/finalizers").next().is_some());
    is_going && !held && grace.unwrap_or_default() == 0
}

/// Delete of every object that is selected.
pub(super) fn collection(cluster: &mut Cluster, target: &Target<'_>) -> Outcome<Answer> {
    let options = Options::read(target)?;
    let selector = read::selector(target)?;
    let revision = cluster.store.revision();
    let mut deleted = Vec::new();
    for (_, key) in read::keys(cluster, target) {
        let Some(object) = cluster.store.get(&key).filter(|object| selector.matches(object)) else {
            continue;
        };
        delete(cluster, target, &key, &options)?;
        deleted.push(present::item(&target.resource, target.form, object));
    }
    let mut metadata = json!({"resourceVersion": revision.to_string()});
    if target.resource.defined.is_some() {
        metadata["continue"] = "".into();
    }
    Ok(Answer::json(200, present::list(&target.resource, target.form, metadata, deleted)))
}
