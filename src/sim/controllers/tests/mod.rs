//! A cluster with controllers alone: objects are put into its store as the API would, time goes on, and
//! the engine's own judgement says what became of them.

mod api_services;
mod budgets;
mod going;
mod jobs;
mod places;
mod workloads;

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::fields::{number, set, text};
use super::{Controllers, bootstrap};
use crate::apply::ready::{Verdict, verdict};
use crate::sim::conditions::Conditions;
use crate::sim::store::{Key, Pool, Store};

pub(super) struct Lab {
    pub store: Store,
    pub controllers: Controllers,
    pub conditions: Conditions,
    pub now: Timestamp,
}

impl Lab {
    /// A cluster with three nodes, in which things go as they do in a good one.
    pub(super) fn new() -> Self {
        Self::with(Conditions::default())
    }

    pub(super) fn with(conditions: Conditions) -> Self {
        let now: Timestamp = "2026-01-05T08:00:00Z".parse().unwrap();
        let mut store = Store::new(Pool::default(), 7);
        bootstrap(&mut store, 3, "v1.36.3", now);
        let mut lab = Self { store, controllers: Controllers::new(7), conditions, now };
        lab.run(1);
        lab
    }

    /// Lets so many seconds pass, in steps as uneven as requests are.
    pub(super) fn run(&mut self, seconds: u64) {
        let end = self.now.checked_add(Duration::from_secs(seconds)).unwrap();
        for step in [1, 700, 50, 1_333].into_iter().cycle() {
            self.settle();
            if self.now >= end {
                return;
            }
            let next = self.now.checked_add(Duration::from_millis(step)).unwrap();
            self.now = next.min(end);
        }
    }

    pub(super) fn settle(&mut self) {
        self.controllers.settle(&mut self.store, &self.conditions, self.now);
    }

    /// Makes an object, or changes one as an apply of all its fields but status does.
    pub(super) fn put(&mut self, key: &Key, mut object: Value) {
        set(&mut object, &["metadata", "name"], (*key.name).into());
        if !key.namespace.is_empty() {
            set(&mut object, &["metadata", "namespace"], (*key.namespace).into());
        }
        match self.store.get(key) {
            None => {
                set(&mut object, &["metadata", "uid"], self.store.new_uid().into());
                set(&mut object, &["metadata", "creationTimestamp"], super::fields::stamp(self.now));
                set(&mut object, &["metadata", "generation"], 1.into());
            }
            Some(live) => {
                for field in ["uid", "creationTimestamp", "generation"] {
                    set(&mut object, &["metadata", field], live["metadata"][field].clone());
                }
                if let Some(status) = live.get("status") {
                    set(&mut object, &["status"], status.clone());
                }
                if live["spec"] != object["spec"] {
                    let generation = number(&live, "/metadata/generation").unwrap_or(1) + 1;
                    set(&mut object, &["metadata", "generation"], generation.into());
                }
            }
        }
        self.store.put(key.clone(), &object);
        self.settle();
    }

    /// Changes single fields of an object's spec.
    pub(super) fn edit(&mut self, key: &Key, how: impl FnOnce(&mut Value)) {
        let mut object = self.get(key);
        how(&mut object);
        self.put(key, object);
    }

    /// A DELETE, with a finalizer of how its dependents are to be dealt with.
    pub(super) fn delete(&mut self, key: &Key, finalizer: Option<&str>) {
        let mut object = self.get(key);
        let mut held: Vec<Value> = object["metadata"]["finalizers"].as_array().cloned().unwrap_or_default();
        held.extend(finalizer.map(Value::from));
        let waits = key.is_pod() || &*key.resource == "namespaces" || !held.is_empty();
        if waits {
            set(&mut object, &["metadata", "finalizers"], held.into());
            set(&mut object, &["metadata", "deletionTimestamp"], super::fields::stamp(self.now));
            self.store.put(key.clone(), &object);
        } else {
            self.store.remove(key);
        }
        self.settle();
    }

    pub(super) fn get(&self, key: &Key) -> Value {
        self.store.get(key).unwrap_or_else(|| panic!("{key:?} is there"))
    }

    pub(super) fn verdict(&self, key: &Key) -> Verdict {
        verdict(&self.get(key))
    }

    pub(super) fn is_ready(&self, key: &Key) -> bool {
        self.verdict(key) == Verdict::Ready
    }

    /// Lets time pass until an object is ready; panics if it takes longer than so many seconds.
    pub(super) fn wait_ready(&mut self, key: &Key, seconds: u64) {
        for _ in 0..seconds {
            if self.is_ready(key) {
                return;
            }
            self.run(1);
        }
        panic!("{key:?}: {:?}", self.verdict(key));
    }

    pub(super) fn pods(&self, namespace: &str) -> Vec<Value> {
        self.store.list("", "pods", Some(namespace)).into_iter().map(|(_, pod)| pod).collect()
    }

    pub(super) fn condition(&self, key: &Key, kind: &str) -> (String, String) {
        let object = self.get(key);
        let found = super::fields::condition(&object, kind);
        let field = |path| found.map_or(String::new(), |c| text(c, path).to_owned());
        (field("/status"), field("/reason"))
    }
}

pub(super) fn apps(resource: &str, name: &str) -> Key {
    Key::new("apps", resource, "default", name)
}

pub(super) fn core(resource: &str, name: &str) -> Key {
    Key::new("", resource, "default", name)
}

pub(super) fn template(app: &str, image: &str) -> Value {
    json!({"metadata": {"labels": {"app": app}}, "spec": {"containers": [{"name": "main", "image": image}]}})
}

/// A workload of a kind of `apps/v1`, with more fields of its spec.
pub(super) fn workload(kind: &str, app: &str, image: &str, more: &Value) -> Value {
    let mut object = json!({
        "apiVersion": "apps/v1", "kind": kind, "metadata": {},
        "spec": {"selector": {"matchLabels": {"app": app}}, "template": template(app, image)},
    });
    for (key, value) in more.as_object().unwrap() {
        object["spec"][key] = value.clone();
    }
    object
}

#[test]
fn a_quiet_cluster_is_not_touched_and_two_alike_go_alike() {
    let play = |lab: &mut Lab| {
        lab.put(&apps("deployments", "web"), workload("Deployment", "web", "web:1", &json!({"replicas": 3})));
        lab.run(60);
    };
    let (mut one, mut two) = (Lab::new(), Lab::new());
    play(&mut one);
    two.put(&apps("deployments", "web"), workload("Deployment", "web", "web:1", &json!({"replicas": 3})));
    // Looked at in other steps, it goes the same way.
    two.now = two.now.checked_add(Duration::from_secs(60)).unwrap();
    two.settle();
    let all = |lab: &Lab| -> Vec<Value> {
        let strip = |mut object: Value| {
            super::fields::unset(&mut object, &["metadata", "resourceVersion"]);
            object
        };
        lab.store.all_keys().map(|key| strip(lab.get(key))).collect()
    };
    assert_eq!(all(&one), all(&two));
    let revision = one.store.revision();
    one.run(3_600);
    assert_eq!(one.store.revision(), revision);
}

#[test]
fn names_do_not_depend_on_the_seed() {
    let names = |seed| {
        let mut lab = Lab::new();
        lab.controllers = Controllers::new(seed);
        lab.put(&apps("deployments", "web"), workload("Deployment", "web", "web:1", &json!({"replicas": 3})));
        lab.run(60);
        let pods = lab.pods("default");
        pods.iter()
            .map(|pod| (text(pod, "/metadata/name").to_owned(), text(pod, "/status/podIP").to_owned()))
            .collect::<Vec<_>>()
    };
    assert_eq!(names(1), names(2));
    assert_eq!(names(1).len(), 3);
}
