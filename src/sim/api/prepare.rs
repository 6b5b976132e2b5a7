//! What the server itself makes of an object before it is kept: what clients can't write, generations,
//! secrets' texts, addresses of services.

use base64::Engine as _;
use serde_json::{Map, Value, json};

use super::json::{flag, items, metadata, object, same, set_metadata, text};
use super::status::causes;
use super::status::{Fault, Outcome};
use crate::sim::cluster::Cluster;
use crate::sim::json::At as _;
use crate::sim::kinds::Resource;

/// Prepares a new object: its status is the server's.
pub(super) fn for_create(resource: &Resource, new: &mut Value) {
    if resource.has_status()
        && !resource.is("", "nodes")
        && let Some(fields) = new.as_object_mut()
    {
        fields.shift_remove("status");
    }
    if resource.is("apps", "daemonsets") {
        count_template(new, 1);
    }
    if let Some(metadata) = metadata(new) {
        metadata.shift_remove("generation");
    }
    if has_generation(resource) {
        set_metadata(new, "generation", 1);
    }
    if resource.is("", "namespaces") {
        let name = text(new, "/metadata/name").to_owned();
        if !name.is_empty()
            && let Some(metadata) = metadata(new)
            && let Some(labels) = super::json::default_object(metadata, "labels")
        {
            labels.insert("kubernetes.io/metadata.name".to_owned(), name.into());
        }
    }
    fold_texts(resource, new);
}

/// The status that a new object begins with.
pub(super) fn first_status(resource: &Resource, new: &mut Value) {
    if resource.is("", "namespaces")
        && let Some(spec) = object(new, "spec")
    {
        super::json::default(spec, "finalizers", || json!([]));
        if let Some(list) = spec.get_mut("finalizers").and_then(Value::as_array_mut)
            && !list.contains(&json!("kubernetes"))
        {
            list.push("kubernetes".into());
        }
    }
    // Coordinated leader election is off unless asked for.
    if resource.is("coordination.k8s.io", "leases")
        && let Some(spec) = object(new, "spec")
    {
        spec.shift_remove("strategy");
        spec.shift_remove("preferredHolder");
    }
    let status = match (&*resource.group, &*resource.plural) {
        ("", "namespaces") => json!({"phase": "Active"}),
        ("", "pods") => json!({"phase": "Pending", "qosClass": quality(new)}),
        ("", "persistentvolumeclaims" | "persistentvolumes") => json!({"phase": "Pending"}),
        ("", "services") | ("networking.k8s.io", "ingresses") => json!({"loadBalancer": {}}),
        ("apiextensions.k8s.io", _) => {
            let stored: Vec<Value> = items(new, "/spec/versions")
                .filter(|version| flag(version, "/storage"))
                .filter_map(|version| version.get("name").cloned())
                .collect();
            json!({
                "conditions": null, "acceptedNames": {"plural": "", "kind": ""}, "storedVersions": stored,
            })
        }
        ("apps", "deployments") | ("batch", _) | ("", "resourcequotas") => json!({}),
        ("", "nodes") => return node_status(new),
        ("", "events") => return event_times(new),
        ("apps", "statefulsets") => json!({"replicas": 0, "availableReplicas": 0}),
        ("apps", "replicasets") | ("", "replicationcontrollers") => json!({"replicas": 0}),
        ("apps", "daemonsets") => json!({
            "currentNumberScheduled": 0, "numberMisscheduled": 0, "desiredNumberScheduled": 0, "numberReady": 0,
        }),
        ("policy", _) => json!({
            "disruptionsAllowed": 0, "currentHealthy": 0, "desiredHealthy": 0, "expectedPods": 0,
        }),
        ("autoscaling", _) => json!({"desiredReplicas": 0, "currentMetrics": null}),
        _ => return,
    };
    if let Some(fields) = new.as_object_mut() {
        fields.insert("status".to_owned(), status);
    }
}

/// A node may come with its status; what it leaves out is empty.
fn node_status(node: &mut Value) {
    let Some(status) = object(node, "status") else { return };
    super::json::default(status, "daemonEndpoints", || json!({"kubeletEndpoint": {"Port": 0}}));
    if let Some(info) = super::json::default_object(status, "nodeInfo") {
        for field in [
            "architecture",
            "bootID",
            "containerRuntimeVersion",
            "kernelVersion",
            "kubeProxyVersion",
            "kubeletVersion",
            "machineID",
            "operatingSystem",
            "osImage",
            "systemUUID",
        ] {
            super::json::default(info, field, || "".into());
        }
    }
}

/// An event's times are there even if nobody gave them.
fn event_times(event: &mut Value) {
    let Some(fields) = event.as_object_mut() else { return };
    for field in ["eventTime", "firstTimestamp", "lastTimestamp"] {
        fields.entry(field).or_insert(Value::Null);
    }
}

/// The quality of service of a pod, by what its containers ask for.
fn quality(pod: &Value) -> &'static str {
    let mut any = false;
    let mut all_limited = true;
    for container in items(pod, "/spec/containers").chain(items(pod, "/spec/initContainers")) {
        let of = |kind: &str| {
            let found = container.at(&format!("/resources/{kind}")).and_then(Value::as_object);
            found.cloned().unwrap_or_default()
        };
        let (requests, limits): (Map<String, Value>, Map<String, Value>) = (of("requests"), of("limits"));
        any |= !requests.is_empty() || !limits.is_empty();
        all_limited &= ["cpu", "memory"].iter().all(|what| {
            limits.contains_key(*what) && requests.get(*what).is_none_or(|r| Some(r) == limits.get(*what))
        });
    }
    match (any, all_limited) {
        (false, _) => "BestEffort",
        (true, true) => "Guaranteed",
        (true, false) => "Burstable",
    }
}

/// What a write of the whole, or of one part, leaves as it was.
pub(super) fn for_update(resource: &Resource, part: &str, live: &Value, new: &mut Value) {
    match part {
        "" => {
            if resource.has_status() {
                restore(live, new, "status");
            }
            fold_texts(resource, new);
            if resource.is("", "services") {
                keep_addresses(live, new);
            }
            if resource.is("apps", "daemonsets") {
                let path = "/metadata/annotations/deprecated.daemonset.template.generation";
                let before = text(live, path).parse::<u64>().unwrap_or(1);
                let moved = !same(live.at("/spec/template"), new.at("/spec/template"));
                count_template(new, if moved { before + 1 } else { before });
            }
        }
        "finalize" => {
            let finalizers = new.at("/spec/finalizers").cloned();
            *new = with_sent_metadata(live, new);
            if let Some(spec) = object(new, "spec") {
                match finalizers {
                    Some(finalizers) => spec.insert("finalizers".to_owned(), finalizers),
                    None => spec.shift_remove("finalizers"),
                };
            }
        }
        _ => {
            let status = new.get("status").cloned();
            let annotations = new.at("/metadata/annotations").cloned();
            *new = with_sent_metadata(live, new);
            if let Some(fields) = new.as_object_mut() {
                match status {
                    Some(status) => fields.insert("status".to_owned(), status),
                    None => fields.shift_remove("status"),
                };
            }
            if resource.defined.is_none()
                && let Some(metadata) = metadata(new)
            {
                match annotations {
                    Some(annotations) => metadata.insert("annotations".to_owned(), annotations),
                    None => metadata.shift_remove("annotations"),
                };
            }
        }
    }
}

/// How often the template of a daemon set changed stands in an annotation.
fn count_template(set: &mut Value, count: u64) {
    if let Some(metadata) = metadata(set)
        && let Some(annotations) = super::json::default_object(metadata, "annotations")
    {
        let key = "deprecated.daemonset.template.generation";
        annotations.insert(key.to_owned(), count.to_string().into());
    }
}

/// Addresses and ports that a Service was given stay where an update leaves them out.
fn keep_addresses(live: &Value, new: &mut Value) {
    let Some(old) = live.get("spec").and_then(Value::as_object) else { return };
    let Some(spec) = object(new, "spec") else { return };
    if spec.get("type").is_some_and(|kind| kind == "ExternalName") || old.get("clusterIP").is_none() {
        return;
    }
    let unset = spec.get("clusterIP").and_then(Value::as_str).unwrap_or_default().is_empty();
    for field in ["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"] {
        if let Some(value) = old.get(field)
            && (unset || !field.starts_with("clusterIP"))
        {
            super::json::default(spec, field, || value.clone());
        }
    }
    if !matches!(spec.get("type").and_then(Value::as_str), Some("NodePort" | "LoadBalancer")) {
        return;
    }
    let ports: Vec<Value> = old.get("ports").and_then(Value::as_array).cloned().unwrap_or_default();
    super::json::each(spec, "ports", |port| {
        let twin = ports.iter().find(|other| {
            other.get("port") == port.get("port") && other.get("protocol") == port.get("protocol")
        });
        if let Some(number) = twin.and_then(|twin| twin.get("nodePort")) {
            super::json::default(port, "nodePort", || number.clone());
        }
    });
}

/// The live object with what a client sent to name a state: uid, revision, managed fields.
fn with_sent_metadata(live: &Value, new: &Value) -> Value {
    let mut object = live.clone();
    if let Some(metadata) = metadata(&mut object) {
        for field in ["uid", "resourceVersion", "managedFields"] {
            match new.at(&format!("/metadata/{field}")) {
                Some(sent) => metadata.insert(field.to_owned(), sent.clone()),
                None => metadata.shift_remove(field),
            };
        }
    }
    object
}

fn restore(live: &Value, new: &mut Value, field: &str) {
    if let Some(fields) = new.as_object_mut() {
        match live.get(field) {
            Some(value) => fields.insert(field.to_owned(), value.clone()),
            None => fields.shift_remove(field),
        };
    }
}

/// What an apply can't own: the status of the whole, and of a status all else.
pub(super) fn for_apply(resource: &Resource, part: &str, config: &mut Value) {
    let Some(fields) = config.as_object_mut() else { return };
    match part {
        "" if resource.has_status() => {
            fields.shift_remove("status");
        }
        "" => {}
        _ => {
            fields.retain(|field, _| matches!(field.as_str(), "apiVersion" | "kind" | "metadata" | "status"))
        }
    }
}

/// Keeps of the metadata what no client can change.
pub(super) fn keep(live: &Value, new: &mut Value) {
    let old = live.get("metadata").and_then(Value::as_object);
    let (Some(old), Some(metadata)) = (old, metadata(new)) else { return };
    for field in
        ["creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation", "generateName"]
    {
        match old.get(field) {
            Some(value) if field != "generateName" || !metadata.contains_key(field) => {
                metadata.insert(field.to_owned(), value.clone());
            }
            Some(_) => {}
            None if field == "generateName" => {}
            None => {
                metadata.shift_remove(field);
            }
        }
    }
    let uid = metadata.get("uid").and_then(Value::as_str).unwrap_or_default();
    if uid.is_empty()
        && let Some(uid) = old.get("uid")
    {
        metadata.insert("uid".to_owned(), uid.clone());
    }
}

/// Raises the generation if what is wished changed.
pub(super) fn generation(resource: &Resource, live: &Value, new: &mut Value) {
    let Some(old) = live.at("/metadata/generation").and_then(Value::as_u64) else { return };
    let differs = |field: &str| !same(live.get(field), new.get(field));
    let annotations = || !same(live.at("/metadata/annotations"), new.at("/metadata/annotations"));
    let rises = match (&*resource.group, &*resource.plural) {
        _ if resource.defined.is_some() => {
            let fields = live.as_object().into_iter().chain(new.as_object());
            fields.flat_map(Map::keys).any(|field| {
                let kept = matches!(field.as_str(), "metadata" | "apiVersion" | "kind")
                    || (field == "status" && resource.has_status());
                !kept && differs(field)
            })
        }
        ("apps", "deployments") => differs("spec") || annotations(),
        ("scheduling.k8s.io", _) => false,
        ("admissionregistration.k8s.io", _) => differs("webhooks") || differs("spec"),
        ("discovery.k8s.io", _) => {
            ["endpoints", "ports", "addressType"].into_iter().any(differs)
                || !same(live.at("/metadata/labels"), new.at("/metadata/labels"))
        }
        ("", "podtemplates") => differs("template"),
        _ => differs("spec"),
    };
    if rises {
        set_metadata(new, "generation", old + 1);
    }
}

fn has_generation(resource: &Resource) -> bool {
    resource.defined.is_some()
        || match (&*resource.group, &*resource.plural) {
            ("", plural) => matches!(plural, "pods" | "podtemplates" | "replicationcontrollers"),
            ("apps", plural) => plural != "controllerrevisions",
            ("networking.k8s.io", plural) => {
                matches!(plural, "ingressclasses" | "networkpolicies" | "ingresses")
            }
            ("resource.k8s.io", plural) => matches!(plural, "resourceslices" | "deviceclasses"),
            (
                "batch"
                | "policy"
                | "discovery.k8s.io"
                | "scheduling.k8s.io"
                | "flowcontrol.apiserver.k8s.io"
                | "admissionregistration.k8s.io"
                | "apiextensions.k8s.io",
                _,
            ) => true,
            _ => false,
        }
}

/// Puts a secret's texts where they belong.
fn fold_texts(resource: &Resource, new: &mut Value) {
    if !resource.is("", "secrets") {
        return;
    }
    let Some(fields) = new.as_object_mut() else { return };
    let Some(Value::Object(texts)) = fields.shift_remove("stringData") else { return };
    let Some(data) = super::json::default_object(fields, "data") else { return };
    for (key, text) in texts {
        let bytes = text.as_str().unwrap_or_default().as_bytes();
        data.insert(key, base64::engine::general_purpose::STANDARD.encode(bytes).into());
    }
}

/// Gives a Service its addresses and ports, and a Job the labels by which it finds its pods.
pub(super) fn allocate(cluster: &Cluster, resource: &Resource, new: &mut Value) -> Outcome<()> {
    match (&*resource.group, &*resource.plural) {
        ("", "services") => super::addresses::allocate(cluster, new),
        ("batch", "jobs") => {
            label_pods(new);
            Ok(())
        }
        _ => Ok(()),
    }
}

fn label_pods(job: &mut Value) {
    if flag(job, "/spec/manualSelector") {
        return;
    }
    let (uid, name) = (text(job, "/metadata/uid").to_owned(), text(job, "/metadata/name").to_owned());
    let Some(spec) = object(job, "spec") else { return };
    let Some(template) = super::json::default_object(spec, "template") else { return };
    if let Some(metadata) = super::json::default_object(template, "metadata")
        && let Some(labels) = super::json::default_object(metadata, "labels")
    {
        for (key, value) in [
            ("batch.kubernetes.io/controller-uid", &uid),
            ("batch.kubernetes.io/job-name", &name),
            ("controller-uid", &uid),
            ("job-name", &name),
        ] {
            labels.insert(key.to_owned(), value.as_str().into());
        }
    }
    let selector = json!({"matchLabels": {"batch.kubernetes.io/controller-uid": uid}});
    spec.insert("selector".to_owned(), selector);
    let labels = spec.get("template").and_then(|t| t.at("/metadata/labels")).cloned();
    if let (Some(labels), Some(metadata)) = (labels, metadata(job)) {
        super::json::default(metadata, "labels", || labels);
    }
}

/// An address that a client wants and can't have.
pub(super) fn occupied(address: &str) -> Fault {
    let why = format!("failed to allocate IP {address}: provided IP is already allocated");
    let wrong = causes::invalid("spec.clusterIPs", &json!([address]), &why);
    Fault::invalid_kind("", "Service", "", vec![wrong])
}
