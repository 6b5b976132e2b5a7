//! A real cluster of the bed and a simulated one, told the same.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use kube::Client;
use serde_json::{Value, json};
use tidegate::sim::conditions::Conditions;
use tidegate::sim::controllers::{Controllers, bootstrap};
use tidegate::sim::store::{Key, Pool, Store};

use crate::controllers_view::{LOOKED_AT, of, of_node};

/// What is said about namespaces, by namespace and resource.
pub type Seen = BTreeMap<String, Vec<Value>>;

/// What is asked of both.
#[derive(Clone)]
pub enum Deed {
    Create(Key, Value),
    /// A merge patch.
    Patch(Key, Value),
    Delete(Key, &'static str),
    /// Evicts a pod that runs, of those with this label `app`.
    Evict(&'static str, &'static str),
    /// The node with this number is not ready any more.
    Break(usize),
    /// Nothing new goes to the node with this number.
    Cordon(usize),
}

pub struct Real {
    pub client: Client,
}

fn path(key: &Key) -> String {
    let version = match &*key.group {
        "" => "/api/v1".to_owned(),
        group => format!("/apis/{group}/v1"),
    };
    let namespace =
        if key.namespace.is_empty() { String::new() } else { format!("/namespaces/{}", key.namespace) };
    format!("{version}{namespace}/{}", key.resource)
}

fn node_path(number: usize) -> String {
    format!("/api/v1/nodes/controllers-node-{number}")
}

impl Real {
    async fn ask(&self, method: &str, path: &str, kind: &str, body: &Value) -> Result<Value, kube::Error> {
        let request = http::Request::builder().method(method).uri(path).header("Content-Type", kind);
        self.client.request(request.body(body.to_string().into_bytes()).unwrap()).await
    }

    pub async fn does(&self, deed: &Deed) -> Option<String> {
        let json = "application/json";
        let single = |key: &Key| format!("{}/{}", path(key), key.name);
        let done = match deed {
            Deed::Create(key, object) => self.ask("POST", &path(key), json, object).await,
            Deed::Patch(key, patch) => {
                self.ask("PATCH", &single(key), "application/merge-patch+json", patch).await
            }
            Deed::Delete(key, how) => {
                let options = json!({"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": how});
                self.ask("DELETE", &single(key), json, &options).await
            }
            Deed::Break(node) => {
                let broken = json!({"metadata": {"annotations": {"bed.tidegate.dev/fate": "not-ready"}}});
                self.ask("PATCH", &node_path(*node), "application/merge-patch+json", &broken).await
            }
            Deed::Cordon(node) => {
                let closed = json!({"spec": {"unschedulable": true}});
                self.ask("PATCH", &node_path(*node), "application/merge-patch+json", &closed).await
            }
            Deed::Evict(namespace, app) => {
                let pods = format!("/api/v1/namespaces/{namespace}/pods");
                let listed = self
                    .ask("GET", &format!("{pods}?labelSelector=app%3D{app}"), json, &Value::Null)
                    .await
                    .unwrap();
                let name = listed["items"][0]["metadata"]["name"].as_str().unwrap().to_owned();
                let body = json!({"apiVersion": "policy/v1", "kind": "Eviction",
                    "metadata": {"name": name, "namespace": namespace}});
                return self.evicted(&format!("{pods}/{name}/eviction"), &body).await;
            }
        };
        done.unwrap_or_else(|error| panic!("{error}"));
        if let Deed::Create(key, _) | Deed::Patch(key, _) = deed {
            self.noticed(&single(key)).await;
        }
        None
    }

    /// Waits until the controller of an object has seen how it is now. Of two changes in a row it may
    /// otherwise see but the second, on a busy machine.
    async fn noticed(&self, path: &str) {
        let deadline = tokio::time::Instant::now() + Duration::from_secs(60);
        loop {
            let object = self.ask("GET", path, "", &Value::Null).await.unwrap();
            let seen = object["status"]["observedGeneration"].as_i64();
            let told = ["apps/v1", "policy/v1"].contains(&object["apiVersion"].as_str().unwrap());
            if !told || seen == object["metadata"]["generation"].as_i64() {
                return;
            }
            assert!(tokio::time::Instant::now() < deadline, "no controller looks at {path}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// What refused an eviction. A budget that its controller has not yet looked at since it was
    /// written says so, on a busy machine for seconds: that answer is asked past.
    async fn evicted(&self, path: &str, body: &Value) -> Option<String> {
        let deadline = tokio::time::Instant::now() + Duration::from_secs(60);
        loop {
            let status = match self.ask("POST", path, "application/json", body).await {
                Ok(_) => return None,
                Err(kube::Error::Api(status)) => status,
                Err(other) => panic!("{other}"),
            };
            let causes = status.details.iter().flat_map(|details| &details.causes);
            let cause = causes.map(|cause| cause.message.clone()).next();
            let early = cause.as_ref().is_some_and(|cause| cause.contains("is still being processed"));
            if !early || tokio::time::Instant::now() > deadline {
                return Some(format!("{} {} {cause:?}", status.code, status.message));
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    pub async fn see(&self, namespaces: &[&str]) -> Seen {
        let mut seen = Seen::new();
        for (group, resource) in LOOKED_AT {
            let key = Key::new(group, resource, "", "");
            let listed = self.ask("GET", &path(&key), "", &Value::Null).await.unwrap();
            let items = listed["items"].as_array().unwrap().iter();
            note(&mut seen, namespaces, resource, items.cloned().collect());
        }
        for (group, resource) in WHOLE {
            let key = Key::new(group, resource, "", "");
            let listed = self.ask("GET", &path(&key), "", &Value::Null).await.unwrap();
            whole(&mut seen, namespaces, resource, listed["items"].as_array().unwrap());
        }
        let nodes = self.ask("GET", "/api/v1/nodes", "", &Value::Null).await.unwrap();
        seen.insert("nodes".to_owned(), nodes["items"].as_array().unwrap().iter().map(of_node).collect());
        seen
    }

    /// Waits until nothing has moved for a while: for a second while longer where it is not yet as
    /// expected, since the controllers of a busy machine are late.
    pub async fn rest(&self, namespaces: &[&str], quiet: Duration, expected: &Seen) -> Seen {
        let mut last = self.see(namespaces).await;
        let mut since = std::time::Instant::now();
        let begun = since;
        while since.elapsed() < if last == *expected { quiet } else { quiet * 2 } {
            assert!(begun.elapsed() < Duration::from_secs(180), "the real cluster does not come to rest");
            tokio::time::sleep(Duration::from_millis(500)).await;
            let now = self.see(namespaces).await;
            if now != last {
                (last, since) = (now, std::time::Instant::now());
            }
        }
        last
    }
}

fn note(seen: &mut Seen, namespaces: &[&str], resource: &str, objects: Vec<Value>) {
    for object in objects {
        let namespace = object["metadata"]["namespace"].as_str().unwrap_or_default();
        if namespaces.contains(&namespace) {
            seen.entry(format!("{namespace} {resource}")).or_default().push(of(resource, &object));
        }
    }
    for all in seen.values_mut() {
        all.sort_by_key(Value::to_string);
    }
}

/// What lives in no namespace and is looked at.
const WHOLE: [(&str, &str); 3] = [
    ("", "namespaces"),
    ("apiextensions.k8s.io", "customresourcedefinitions"),
    ("apiregistration.k8s.io", "apiservices"),
];

fn whole(seen: &mut Seen, namespaces: &[&str], resource: &str, objects: &[Value]) {
    for object in objects {
        let name = object["metadata"]["name"].as_str().unwrap_or_default();
        let asked = match resource {
            "apiservices" => name.ends_with(".asked.example.com"),
            "customresourcedefinitions" => true,
            _ => namespaces.contains(&name),
        };
        if asked {
            let mut told = of(resource, object);
            told["names"] = object["status"].get("acceptedNames").cloned().unwrap_or_default();
            told["stored"] = object["status"].get("storedVersions").cloned().unwrap_or_default();
            seen.entry(format!("{resource} {name}")).or_default().push(told);
        }
    }
}

pub struct Simulated {
    store: Store,
    controllers: Controllers,
    conditions: Conditions,
    now: Timestamp,
}

impl Simulated {
    pub fn new(conditions: Conditions) -> Self {
        let now: Timestamp = "2026-01-05T08:00:00Z".parse().unwrap();
        let mut store = Store::new(Pool::default(), 3);
        bootstrap(&mut store, 3, "v1.36.3", now);
        let mut controllers = Controllers::new(3);
        controllers.settle(&mut store, &conditions, now);
        Self { store, controllers, conditions, now }
    }

    /// As the API does it, as far as controllers see it.
    pub fn does(&mut self, deed: &Deed) -> Option<String> {
        let (now, mut refusal) = (self.now, None);
        match deed {
            Deed::Create(key, object) => {
                let mut object = object.clone();
                object["metadata"]["uid"] = self.store.new_uid().into();
                object["metadata"]["creationTimestamp"] = now.to_string().into();
                object["metadata"]["generation"] = 1.into();
                if &*key.resource == "namespaces" {
                    object["spec"] = json!({"finalizers": ["kubernetes"]});
                }
                self.store.put(key.clone(), &object);
            }
            Deed::Patch(key, patch) => {
                let mut object = self.store.get(key).unwrap();
                let before = object["spec"].clone();
                merge(&mut object, patch);
                if before != object["spec"] {
                    object["metadata"]["generation"] =
                        (object["metadata"]["generation"].as_i64().unwrap() + 1).into();
                }
                self.store.put(key.clone(), &object);
            }
            Deed::Delete(key, how) => {
                let mut object = self.store.get(key).unwrap();
                let finalizer = match *how {
                    "Foreground" => Some("foregroundDeletion"),
                    "Orphan" => Some("orphan"),
                    _ => None,
                };
                if finalizer.is_some() || &*key.resource == "namespaces" {
                    object["metadata"]["deletionTimestamp"] = now.to_string().into();
                    object["metadata"]["finalizers"] = finalizer.into_iter().collect();
                    self.store.put(key.clone(), &object);
                } else {
                    self.store.remove(key);
                }
            }
            Deed::Break(node) => {
                self.conditions.broken_nodes.insert(format!("node-{node}"));
            }
            Deed::Cordon(node) => {
                let key = Key::new("", "nodes", "", &format!("node-{node}"));
                let mut object = self.store.get(&key).unwrap();
                object["spec"]["unschedulable"] = true.into();
                self.store.put(key, &object);
            }
            Deed::Evict(namespace, app) => {
                let pods = self.store.list("", "pods", Some(namespace)).into_iter();
                let (pod, _) =
                    pods.into_iter().find(|(_, pod)| pod["metadata"]["labels"]["app"] == *app).unwrap();
                let done = self.controllers.evict(&mut self.store, &self.conditions, &pod, now);
                refusal =
                    done.err().map(|budget| format!("{} {} {:?}", budget.code, budget.message, budget.cause));
            }
        }
        self.controllers.settle(&mut self.store, &self.conditions, now);
        refusal
    }

    /// Goes on for so many seconds.
    pub fn run(&mut self, seconds: u64) {
        for _ in 0..seconds * 2 {
            self.now = self.now.checked_add(Duration::from_millis(500)).unwrap();
            self.controllers.settle(&mut self.store, &self.conditions, self.now);
        }
    }

    pub fn see(&self, namespaces: &[&str]) -> Seen {
        let mut seen = Seen::new();
        for (group, resource) in LOOKED_AT {
            let objects =
                self.store.list(group, resource, None).into_iter().map(|(_, object)| object).collect();
            note(&mut seen, namespaces, resource, objects);
        }
        for (group, resource) in WHOLE {
            let objects: Vec<Value> =
                self.store.list(group, resource, None).into_iter().map(|(_, object)| object).collect();
            whole(&mut seen, namespaces, resource, &objects);
        }
        let nodes = self.store.list("", "nodes", None);
        seen.insert("nodes".to_owned(), nodes.iter().map(|(_, node)| of_node(node)).collect());
        seen
    }
}

fn merge(object: &mut Value, patch: &Value) {
    let Some(patch) = patch.as_object() else {
        *object = patch.clone();
        return;
    };
    for (key, value) in patch {
        if value.is_null() {
            object.as_object_mut().unwrap().remove(key);
        } else {
            if !object[key].is_object() && value.is_object() {
                object[key] = json!({});
            }
            merge(&mut object[key], value);
        }
    }
}
