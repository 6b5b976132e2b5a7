//! What of an object is compared between a real cluster and a simulated one: counts, conditions,
//! phases, states of containers; without names, times and what only one of the two can have.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// What is looked at in each namespace.
pub const LOOKED_AT: &[(&str, &str)] = &[
    ("", "pods"),
    ("", "services"),
    ("", "configmaps"),
    ("", "serviceaccounts"),
    ("apps", "deployments"),
    ("apps", "replicasets"),
    ("apps", "statefulsets"),
    ("apps", "daemonsets"),
    ("apps", "controllerrevisions"),
    ("batch", "jobs"),
    ("policy", "poddisruptionbudgets"),
    ("discovery.k8s.io", "endpointslices"),
];

fn text<'v>(object: &'v Value, path: &str) -> &'v str {
    object.pointer(path).and_then(Value::as_str).unwrap_or_default()
}

fn list<'v>(object: &'v Value, path: &str) -> &'v [Value] {
    object.pointer(path).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn annotation<'v>(object: &'v Value, key: &str) -> &'v str {
    object["metadata"]["annotations"].get(key).and_then(Value::as_str).unwrap_or_default()
}

/// Type, status, reason and message of conditions. Names that servers make are left out of messages.
fn conditions(object: &Value, messages: bool) -> Vec<Value> {
    let mut told: Vec<Value> = list(object, "/status/conditions")
        .iter()
        // kwok does not write it.
        .filter(|c| text(c, "/type") != "PodReadyToStartContainers")
        .map(|c| {
            let message = if messages { text(c, "/message") } else { "" };
            // `ReplicaSet "web-5d8f"` and `found no controllers for pod "agent-x2c4d"`.
            let message: Vec<&str> = message.split('"').step_by(2).collect();
            // Kubelets give this one the reason `PodCompleted` in the end; kwok does not.
            let reason = if text(c, "/type") == "Initialized" { "" } else { text(c, "/reason") };
            json!([text(c, "/type"), text(c, "/status"), reason, message.join("\"")])
        })
        .collect();
    told.sort_by_key(Value::to_string);
    told
}

fn numbers(object: &Value) -> BTreeMap<String, i64> {
    let status = object.get("status").and_then(Value::as_object).cloned().unwrap_or_default();
    let numbers = status.into_iter().filter_map(|(key, value)| Some((key, value.as_i64()?)));
    // How often an object was written differs; that the newest is seen is compared below.
    numbers.filter(|(key, _)| key != "observedGeneration").collect()
}

/// A node as it is compared.
pub fn of_node(node: &Value) -> Value {
    let ready = list(node, "/status/conditions").iter().find(|c| c["type"] == "Ready").cloned();
    let ready = ready.unwrap_or_default();
    let mut taints: Vec<String> = list(node, "/spec/taints")
        .iter()
        .map(|taint| format!("{}:{}", text(taint, "/key"), text(taint, "/effect")))
        .collect();
    taints.sort();
    json!({"ready": ready["status"], "reason": ready["reason"], "taints": taints,
        "closed": node["spec"].get("unschedulable"), "kubelet": node["status"]["nodeInfo"]["kubeletVersion"]})
}

/// An object as it is compared.
pub fn of(resource: &str, object: &Value) -> Value {
    let name = text(object, "/metadata/name");
    let seen = object["status"]["observedGeneration"]
        .as_i64()
        .is_none_or(|seen| object["metadata"]["generation"].as_i64() == Some(seen));
    let owned = list(object, "/metadata/ownerReferences").iter().find(|o| o["controller"] == true);
    let owner = owned.map(|owner| text(owner, "/kind")).unwrap_or_default();
    let going = object["metadata"].get("deletionTimestamp").is_some();
    match resource {
        "pods" => {
            let state = |c: &Value| {
                let states = ["waiting", "running", "terminated"];
                let state = states.into_iter().find(|state| c["state"].get(state).is_some());
                json!([state, c["state"][state.unwrap_or("")]["reason"], c["ready"]])
            };
            let containers: Vec<Value> =
                list(object, "/status/containerStatuses").iter().map(state).collect();
            let images: Vec<&str> =
                list(object, "/spec/containers").iter().map(|c| text(c, "/image")).collect();
            json!({"owner": owner, "phase": object["status"]["phase"], "containers": containers, "images": images,
                "conditions": conditions(object, false), "going": going, "qos": object["status"]["qosClass"],
                "on a node": !text(object, "/spec/nodeName").is_empty(), "patience": object["spec"]["tolerations"],
                "held": object["metadata"].get("finalizers")})
        }
        "replicasets" => {
            json!({"owner": owner, "revision": annotation(object, "deployment.kubernetes.io/revision"),
            "desired": annotation(object, "deployment.kubernetes.io/desired-replicas"),
            "most": annotation(object, "deployment.kubernetes.io/max-replicas"),
            "history": annotation(object, "deployment.kubernetes.io/revision-history"),
            "wanted": object["spec"]["replicas"], "numbers": numbers(object), "seen": seen, "going": going})
        }
        "controllerrevisions" => json!({"owner": owner, "revision": object["revision"]}),
        "endpointslices" => {
            let mut ends: Vec<String> =
                list(object, "/endpoints").iter().map(|end| end["conditions"].to_string()).collect();
            ends.sort();
            let ports: Vec<Value> =
                list(object, "/ports").iter().map(|p| json!([p["name"], p["port"]])).collect();
            json!({"owner": owner, "ends": ends, "ports": ports})
        }
        "services" => json!({"name": name, "has address": !text(object, "/spec/clusterIP").is_empty()}),
        "configmaps" | "serviceaccounts" => json!({"name": name, "going": going}),
        _ => {
            let revisions = (text(object, "/status/currentRevision"), text(object, "/status/updateRevision"));
            json!({"name": name, "numbers": numbers(object), "conditions": conditions(object, true), "seen": seen,
                "revision": annotation(object, "deployment.kubernetes.io/revision"), "going": going,
                "one revision": revisions.0 == revisions.1, "done": object["status"].get("completedIndexes"),
                "over": object["status"].get("completionTime").is_some(),
                "begun": object["status"].get("startTime").is_some(), "phase": object["status"].get("phase")})
        }
    }
}
