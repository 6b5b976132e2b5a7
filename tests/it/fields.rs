//! Field ownership as a real API server does it: sequences of writes by several managers, each write sent
//! to a real server and done by `sim::fields` on the object that the server had, and both compared:
//! the object, who owns what, and refusals to the letter.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tidegate::sim::fields::{
    Refusal, Schema, Writer, apply, conflict_message, json_patch, merge_patch, strategic_patch, written,
};

use crate::bed::{Bed, ClusterSpec, schemas};

#[tokio::test(flavor = "multi_thread")]
async fn the_table_of_schemas_is_what_a_real_server_says() {
    let cluster = Bed::shared().await.cluster(ClusterSpec::api_only("schemas")).await;
    let made = schemas::table(&schemas::documents(&cluster.client().await).await);
    let kept = include_str!("../../src/sim/fields/schemas.txt");
    let differing: Vec<(&str, &str)> =
        made.lines().zip(kept.lines()).filter(|(a, b)| a != b).take(3).collect();
    assert!(made == kept, "cargo run --example bed -- schemas > src/sim/fields/schemas.txt: {differing:#?}");
    cluster.end().await;
}

/// One sequence of writes of one object.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sequence {
    name: String,
    kind: String,
    steps: Vec<Step>,
}

/// One write: how, by whom, of what.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    how: How,
    by: String,
    #[serde(default)]
    of: Value,
    /// The subresource.
    #[serde(default)]
    sub: String,
}

#[derive(Deserialize, Clone, Copy, PartialEq, Debug)]
#[serde(rename_all = "lowercase")]
enum How {
    Apply,
    Force,
    Post,
    Put,
    Merge,
    Json,
    Strategic,
}

#[derive(Deserialize)]
struct Cases {
    definitions: BTreeMap<String, Value>,
    sequences: Vec<Sequence>,
    refusals: Vec<Refused>,
}

/// An object that no server takes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Refused {
    kind: String,
    of: Value,
}

/// Where a kind's objects are, and its schema.
struct Place {
    version: String,
    collection: String,
    schema: Schema,
}

fn place(kind: &str, definitions: &BTreeMap<String, Value>) -> Place {
    if let Some(schema) = definitions.get(kind) {
        return Place {
            version: "sim.tidegate.dev/v1".to_owned(),
            collection: format!("/apis/sim.tidegate.dev/v1/namespaces/default/{}s", kind.to_lowercase()),
            schema: Schema::of_definition(schema).with_status(),
        };
    }
    let (group, version, plural, namespaced) = match kind {
        "ConfigMap" => ("", "v1", "configmaps", true),
        "Secret" => ("", "v1", "secrets", true),
        "Service" => ("", "v1", "services", true),
        "Namespace" => ("", "v1", "namespaces", false),
        "ServiceAccount" => ("", "v1", "serviceaccounts", true),
        "Pod" => ("", "v1", "pods", true),
        "PersistentVolumeClaim" => ("", "v1", "persistentvolumeclaims", true),
        "ResourceQuota" => ("", "v1", "resourcequotas", true),
        "Deployment" => ("apps", "v1", "deployments", true),
        "DaemonSet" => ("apps", "v1", "daemonsets", true),
        "StatefulSet" => ("apps", "v1", "statefulsets", true),
        "Job" => ("batch", "v1", "jobs", true),
        "CronJob" => ("batch", "v1", "cronjobs", true),
        "PodDisruptionBudget" => ("policy", "v1", "poddisruptionbudgets", true),
        "ClusterRole" => ("rbac.authorization.k8s.io", "v1", "clusterroles", false),
        "ClusterRoleBinding" => ("rbac.authorization.k8s.io", "v1", "clusterrolebindings", false),
        "NetworkPolicy" => ("networking.k8s.io", "v1", "networkpolicies", true),
        "Ingress" => ("networking.k8s.io", "v1", "ingresses", true),
        "StorageClass" => ("storage.k8s.io", "v1", "storageclasses", false),
        "Lease" => ("coordination.k8s.io", "v1", "leases", true),
        "HorizontalPodAutoscaler" => ("autoscaling", "v2", "horizontalpodautoscalers", true),
        "PriorityClass" => ("scheduling.k8s.io", "v1", "priorityclasses", false),
        "ValidatingWebhookConfiguration" => {
            ("admissionregistration.k8s.io", "v1", "validatingwebhookconfigurations", false)
        }
        "CustomResourceDefinition" => ("apiextensions.k8s.io", "v1", "customresourcedefinitions", false),
        other => panic!("where is {other}?"),
    };
    let root = if group.is_empty() { "/api".to_owned() } else { format!("/apis/{group}") };
    let within = if namespaced { "namespaces/default/" } else { "" };
    Place {
        version: if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") },
        collection: format!("{root}/{version}/{within}{plural}"),
        schema: Schema::builtin(group, version, kind).unwrap(),
    }
}

/// What a write came to: the object, or a refusal as code, message and sorted causes.
#[derive(Debug, PartialEq, Clone)]
enum Came {
    Object(Value),
    Refused(u64, String, Vec<(String, String, String)>),
}

#[tokio::test(flavor = "multi_thread")]
async fn writes_of_several_managers_end_as_on_a_real_server() {
    let cases: Cases = serde_saphyr::from_str(include_str!("fields.yaml")).unwrap();
    assert!(cases.sequences.len() >= 60, "{} sequences", cases.sequences.len());
    let cluster = Bed::shared().await.cluster(ClusterSpec::api_only("fields")).await;
    let client = cluster.client().await;
    for (kind, schema) in &cases.definitions {
        define(&client, kind, schema).await;
    }
    let mut differences = Vec::new();
    let mut steps = 0;
    for (index, sequence) in cases.sequences.iter().enumerate() {
        let place = place(&sequence.kind, &cases.definitions);
        let name = if sequence.kind == "CustomResourceDefinition" {
            "parts.sim.tidegate.dev".to_owned()
        } else {
            format!("s{index}")
        };
        let mut live: Option<Value> = None;
        for (number, step) in sequence.steps.iter().enumerate() {
            steps += 1;
            if live.is_some() {
                live = Some(get(&client, &place, &name).await);
            }
            let body = body(&place, sequence, step, &name, live.as_ref());
            let theirs = send(&client, &place, step, &name, &body).await;
            let ours = done(&place, step, &body, live.as_ref());
            let (seen, done) = (compared(&theirs), compared(&ours));
            if seen != done {
                differences.push(format!(
                    "{}, step {}: {:?} by {}\n{}",
                    sequence.name,
                    number + 1,
                    step.how,
                    step.by,
                    difference(&seen, &done)
                ));
            }
            if let Came::Object(object) = theirs {
                live = Some(object);
            }
        }
    }
    cluster.end().await;
    eprintln!("  {} sequences, {steps} writes", cases.sequences.len());
    assert!(differences.is_empty(), "{} differ:\n\n{}", differences.len(), differences.join("\n\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_are_refused_in_the_words_of_a_real_server() {
    let cases: Cases = serde_saphyr::from_str(include_str!("fields.yaml")).unwrap();
    let cluster = Bed::shared().await.cluster(ClusterSpec::api_only("refusals")).await;
    let client = cluster.client().await;
    for (kind, schema) in &cases.definitions {
        define(&client, kind, schema).await;
    }
    let mut differences = Vec::new();
    for refused in &cases.refusals {
        let Refused { kind, of } = refused;
        let place = place(kind, &cases.definitions);
        let mut body = of.clone();
        body["apiVersion"] = place.version.clone().into();
        body["kind"] = kind.clone().into();
        if !body["metadata"].is_number() {
            body["metadata"]["name"] = "refused".into();
        }
        let path = format!("{}?fieldValidation=Strict", place.collection);
        let request = http::Request::post(path).header("content-type", "application/json");
        let request = request.body(body.to_string().into_bytes()).unwrap();
        let answer = client.request::<Value>(request).await;
        let Err(kube::Error::Api(status)) = answer else { panic!("{kind} {of}: {answer:?}") };
        let theirs = match status.code {
            400 => status.message.clone(),
            _ => {
                let causes = status.details.iter().flat_map(|details| &details.causes);
                lines(causes.map(|c| format!("{} {}: {}", c.reason, c.field, c.message)).collect())
            }
        };
        let schema = &place.schema;
        let version = place.version.rsplit('/').next().unwrap();
        let cannot = format!("{kind} in version {version:?} cannot be handled as a {kind}");
        let unknown = schema.unknown_fields(&body);
        let ours = if let Some(why) = schema.undecodable(&body) {
            format!("{cannot}: {why}")
        } else if !unknown.is_empty() {
            let unknown: Vec<String> = unknown.iter().map(|path| format!("unknown field {path:?}")).collect();
            format!("{cannot}: strict decoding error: {}", unknown.join(", "))
        } else {
            let causes = schema.check(&schema.defaulted(body.clone()));
            lines(causes.into_iter().map(|c| format!("{} {}: {}", c.reason, c.field, c.message)).collect())
        };
        if theirs != ours {
            differences.push(format!("{kind} {of}\n  - {theirs}\n  + {ours}"));
        }
    }
    cluster.end().await;
    assert!(differences.is_empty(), "{} differ:\n\n{}", differences.len(), differences.join("\n\n"));
}

/// Causes in one order, and the values that one supports too: the server's own order is that of its code.
fn lines(mut lines: Vec<String>) -> String {
    for line in &mut lines {
        if let Some((before, values)) = line.split_once("supported values: ") {
            let mut values: Vec<&str> = values.split(", ").collect();
            values.sort_unstable();
            *line = format!("{before}supported values: {}", values.join(", "));
        }
    }
    lines.sort();
    lines.join("\n    ")
}

async fn define(client: &kube::Client, kind: &str, schema: &Value) {
    let plural = format!("{}s", kind.to_lowercase());
    let definition = json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("{plural}.sim.tidegate.dev")},
        "spec": {
            "group": "sim.tidegate.dev", "scope": "Namespaced",
            "names": {"kind": kind, "plural": plural, "singular": kind.to_lowercase(), "listKind": format!("{kind}List")},
            "versions": [{
                "name": "v1", "served": true, "storage": true,
                "schema": {"openAPIV3Schema": schema}, "subresources": {"status": {}},
            }],
        },
    });
    let path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    let request = http::Request::post(path).body(definition.to_string().into_bytes()).unwrap();
    let _: Value = client.request(request).await.unwrap();
    loop {
        let request =
            http::Request::get(format!("/apis/sim.tidegate.dev/v1/{plural}")).body(Vec::new()).unwrap();
        if client.request::<Value>(request).await.is_ok() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

/// What is sent: patches as they stand, objects with their name and kind.
fn body(place: &Place, sequence: &Sequence, step: &Step, name: &str, live: Option<&Value>) -> Value {
    let mut body = step.of.clone();
    if matches!(step.how, How::Merge | How::Json | How::Strategic) {
        return body;
    }
    if body.is_null() {
        body = json!({});
    }
    body["apiVersion"] = place.version.clone().into();
    body["kind"] = sequence.kind.clone().into();
    body["metadata"]["name"] = name.into();
    if let Some(live) = live.filter(|_| step.how == How::Put) {
        body["metadata"]["resourceVersion"] = live["metadata"]["resourceVersion"].clone();
    }
    if place.collection.contains("/namespaces/") {
        body["metadata"]["namespace"] = "default".into();
    }
    body
}

/// The object as it is now; of a definition, once it is served.
async fn get(client: &kube::Client, place: &Place, name: &str) -> Value {
    loop {
        let request = http::Request::get(format!("{}/{name}", place.collection)).body(Vec::new()).unwrap();
        let object: Value = client.request(request).await.unwrap();
        let conditions = object["status"]["conditions"].as_array();
        let served = conditions
            .is_some_and(|all| all.iter().any(|c| c["type"] == "Established" && c["status"] == "True"));
        if object["kind"] != "CustomResourceDefinition" || served {
            return object;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

async fn send(client: &kube::Client, place: &Place, step: &Step, name: &str, body: &Value) -> Came {
    let (method, content) = match step.how {
        How::Apply | How::Force => ("PATCH", "application/apply-patch+yaml"),
        How::Post => ("POST", "application/json"),
        How::Put => ("PUT", "application/json"),
        How::Merge => ("PATCH", "application/merge-patch+json"),
        How::Json => ("PATCH", "application/json-patch+json"),
        How::Strategic => ("PATCH", "application/strategic-merge-patch+json"),
    };
    let mut path = place.collection.clone();
    if step.how != How::Post {
        path.push_str(&format!("/{name}"));
    }
    if !step.sub.is_empty() {
        path.push_str(&format!("/{}", step.sub));
    }
    path.push_str(&format!("?fieldManager={}&fieldValidation=Ignore", step.by));
    if step.how == How::Force {
        path.push_str("&force=true");
    }
    let request = http::Request::builder().method(method).uri(path).header("content-type", content);
    let request = request.body(body.to_string().into_bytes()).unwrap();
    match client.request::<Value>(request).await {
        Ok(_) if step.sub == "scale" => Came::Object(get(client, place, name).await),
        Ok(object) => Came::Object(object),
        Err(kube::Error::Api(status)) => {
            let causes = status.details.iter().flat_map(|details| &details.causes);
            let causes = causes.map(|c| (c.reason.clone(), c.field.clone(), c.message.clone())).collect();
            Came::Refused(u64::from(status.code), status.message.clone(), causes)
        }
        Err(other) => panic!("{other}"),
    }
}

/// The same write by the simulation's functions, on the object as the server had it.
fn done(place: &Place, step: &Step, body: &Value, live: Option<&Value>) -> Came {
    let Place { version, schema, .. } = place;
    let writer =
        Writer { manager: &step.by, api_version: version, subresource: &step.sub, now: Timestamp::now() };
    let after = match step.how {
        How::Apply | How::Force => {
            return match apply(schema, live, body, &writer, step.how == How::Force) {
                Ok(mut object) => {
                    if step.sub == "status" {
                        let (own, metadata) = (object.clone(), &live.unwrap()["metadata"]);
                        object = live.unwrap().clone();
                        object["status"] = own["status"].clone();
                        object["metadata"] = metadata.clone();
                        object["metadata"]["managedFields"] = own["metadata"]["managedFields"].clone();
                    }
                    checked(schema, object)
                }
                Err(Refusal::Conflict(conflicts)) => {
                    let causes = conflicts
                        .iter()
                        .map(|c| ("FieldManagerConflict".to_owned(), c.field.clone(), c.message()))
                        .collect();
                    Came::Refused(409, conflict_message(&conflicts), causes)
                }
                Err(Refusal::Untyped(message)) => Came::Refused(500, message, Vec::new()),
                Err(Refusal::Invalid(causes)) => panic!("{causes:?}"),
            };
        }
        How::Post | How::Put => body.clone(),
        How::Merge => merge_patch(live.unwrap(), body),
        How::Json => json_patch(live.unwrap(), body).unwrap(),
        How::Strategic => strategic_patch(schema, live.unwrap(), body).unwrap(),
    };
    let mut after = schema.defaulted(schema.without_unknown(after));
    if let Some(live) = live {
        let metadata = after["metadata"].as_object_mut().unwrap();
        for field in ["uid", "creationTimestamp", "resourceVersion", "generation"] {
            if let Some(value) = live["metadata"].get(field) {
                metadata.insert(field.to_owned(), value.clone());
            }
        }
        if step.sub == "status" {
            let status = after.get("status").cloned().unwrap_or_default();
            let entries = after["metadata"].get("managedFields").cloned();
            after = live.clone();
            after["status"] = status;
            if let Some(entries) = entries {
                after["metadata"]["managedFields"] = entries;
            }
        }
    }
    checked(schema, written(schema, live, after, &writer))
}

fn checked(schema: &Schema, object: Value) -> Came {
    let causes = schema.check(&object);
    if causes.is_empty() {
        return Came::Object(object);
    }
    let causes = causes.into_iter().map(|c| (c.reason.to_owned(), c.field, c.message)).collect();
    Came::Refused(422, String::new(), causes)
}

/// What is compared: not what a server decides by itself, nor when.
fn compared(came: &Came) -> Came {
    match came {
        Came::Object(object) => {
            let mut object = object.clone();
            let metadata = object["metadata"].as_object_mut().unwrap();
            for field in ["uid", "creationTimestamp", "resourceVersion", "generation"] {
                metadata.remove(field);
            }
            let mut entries = metadata.remove("managedFields").unwrap_or(json!([]));
            for entry in entries.as_array_mut().unwrap() {
                if entry.get("time").is_some() {
                    entry["time"] = "then".into();
                }
            }
            entries.as_array_mut().unwrap().sort_by_key(|entry| {
                let text = |field: &str| entry[field].as_str().unwrap_or_default().to_owned();
                (text("manager"), text("operation"), text("apiVersion"), text("subresource"))
            });
            if let Some(spec) = object.get_mut("spec").and_then(Value::as_object_mut) {
                for field in ["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy", "nodePort"] {
                    spec.remove(field);
                }
            }
            // What the server's code for single kinds puts there after the fields were counted.
            if object["kind"] == "Namespace" {
                object["spec"] = json!({});
            }
            if object["kind"] == "PersistentVolumeClaim" {
                object["metadata"].as_object_mut().unwrap().remove("finalizers");
            }
            object.as_object_mut().unwrap().remove("status");
            object["managedFields"] = entries;
            Came::Object(sorted(&object))
        }
        Came::Refused(code, message, causes) => {
            let mut causes = causes.clone();
            causes.sort();
            // The message of a 422 puts the causes into one line; what is compared are these.
            // The lines of several errors stand in no order.
            let mut lines: Vec<&str> = message.lines().filter(|_| *code != 422).collect();
            lines.sort_unstable();
            let message = lines.join("\n");
            Came::Refused(*code, message, causes)
        }
    }
}

fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let fields: BTreeMap<&String, Value> = fields.iter().map(|(n, v)| (n, sorted(v))).collect();
            Value::Object(fields.into_iter().map(|(n, v)| (n.clone(), v)).collect::<Map<_, _>>())
        }
        Value::Array(items) => items.iter().map(sorted).collect(),
        other => other.clone(),
    }
}

/// Lines that only the server has, and lines that only the simulation has.
fn difference(theirs: &Came, ours: &Came) -> String {
    let lines = |came: &Came| -> Vec<String> {
        let text = match came {
            Came::Object(object) => serde_json::to_string_pretty(object).unwrap(),
            Came::Refused(..) => format!("{came:#?}"),
        };
        text.lines().map(str::to_owned).collect()
    };
    let (theirs, ours) = (lines(theirs), lines(ours));
    let only = |one: &[String], other: &[String], sign: char| -> Vec<String> {
        let mut rest = other.to_vec();
        let kept = one.iter().filter(|line| match rest.iter().position(|other| other == *line) {
            Some(at) => {
                rest.remove(at);
                false
            }
            None => true,
        });
        kept.take(12).map(|line| format!("  {sign} {line}")).collect()
    };
    let mut all = only(&theirs, &ours, '-');
    all.extend(only(&ours, &theirs, '+'));
    all.join("\n")
}
