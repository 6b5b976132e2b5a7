//! From the shape of a cluster to a simulated one. Nodes, budgets, workloads and tidegate's records are as
//! they are; of everything else that the records name there is a stand-in, which only is there. Pods come
//! from the controllers, as in any cluster.

use std::collections::{BTreeMap, BTreeSet};

use http::{HeaderMap, Method};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::engine::cluster::Shape;
use crate::json::text;
use crate::model::ClusterUid;
use crate::sim::api::Request;
use crate::sim::cluster::Cluster;
use crate::sim::controllers::selects;
use crate::sim::kinds;
use crate::sim::store::{Key, Pool};
use crate::version::{KubeVersion, ParseError};

/// Marks an object that is only there: what it would say is not known, so anything may be made of it.
const STANDS_IN: &str = "rehearsal.tidegate.dev/stands-in";

/// How long a copied cluster has to come to rest before anybody looks at it.
const SETTLES: jiff::SignedDuration = jiff::SignedDuration::from_mins(30);

/// How many nodes a cluster has of which nothing is known.
const NODES: usize = 3;

/// Where a copy stands: its name, what decides chance in it, and when it is.
#[derive(Debug, Clone)]
pub struct Stand<'a> {
    /// Its name in the fleet.
    pub name: &'a str,
    /// Decides what is left to chance in it.
    pub seed: u64,
    /// What clusters share.
    pub pool: &'a Pool,
    /// The moment at which the rehearsal begins.
    pub now: Timestamp,
}

/// Whether an object is only a stand-in, of which nothing is fixed.
pub fn stands_in(object: &Value) -> bool {
    object.pointer("/metadata/annotations").is_some_and(|notes| notes.get(STANDS_IN).is_some())
}

/// A cluster of which nothing is known but what it serves.
pub fn bare(stand: &Stand<'_>, kubernetes: &KubeVersion, uid: &ClusterUid) -> Cluster {
    let mut cluster = begun(stand, kubernetes.clone());
    cluster.bootstrap(NODES);
    name_it(&mut cluster, uid);
    cluster.advance(stand.now);
    cluster
}

/// A cluster of this shape; with another identity, if one is given.
///
/// # Errors
/// When its version is none.
pub fn copy(stand: &Stand<'_>, shape: &Shape, uid: Option<&ClusterUid>) -> Result<Cluster, ParseError> {
    let observed = &shape.sight.observed;
    let minor = observed.kubernetes;
    let binary = observed.server.parse().or_else(|_| format!("{minor}.0").parse())?;
    let mut cluster = begun(stand, binary);
    cluster.served = minor;
    cluster.conditions.broken_nodes = shape.unready_nodes().map(str::to_owned).collect();
    cluster.bootstrap(0);
    name_it(&mut cluster, uid.unwrap_or(&observed.uid));
    let mut making = Making { cluster: &mut cluster, kinds: BTreeMap::new() };
    making.all(shape);
    cluster.advance(stand.now);
    Ok(cluster)
}

fn begun(stand: &Stand<'_>, binary: KubeVersion) -> Cluster {
    let before = stand.now.checked_sub(SETTLES).unwrap_or(stand.now);
    Cluster::new(stand.name, binary, stand.pool.clone(), stand.seed, before)
}

/// A cluster is who the UID of its `kube-system` says.
fn name_it(cluster: &mut Cluster, uid: &ClusterUid) {
    let key = Key::new("", "namespaces", "", "kube-system");
    if let Some(mut namespace) = cluster.store.get(&key) {
        namespace["metadata"]["uid"] = uid.as_str().into();
        cluster.store.put(key, &namespace);
    }
}

struct Making<'c> {
    cluster: &'c mut Cluster,
    /// The plural of each kind that the cluster serves.
    kinds: BTreeMap<(String, String), String>,
}

impl Making<'_> {
    fn all(&mut self, shape: &Shape) {
        for definition in &shape.definitions {
            let mut definition = definition.clone();
            mark(&mut definition, "apiextensions.k8s.io/v1");
            self.put("apiextensions.k8s.io", "customresourcedefinitions", &definition, true);
        }
        for class in &shape.classes {
            self.put("storage.k8s.io", "storageclasses", class, false);
        }
        for node in &shape.nodes {
            self.put("", "nodes", node, true);
        }
        let named = kinds::served(self.cluster);
        self.kinds = named
            .into_iter()
            .map(|r| ((r.group.to_string(), r.kind.to_string()), r.plural.to_string()))
            .collect();
        self.namespaces(shape);
        for object in &shape.own {
            let plural = if object["kind"] == "Lease" { "leases" } else { "secrets" };
            let group = if object["kind"] == "Lease" { "coordination.k8s.io" } else { "" };
            self.put(group, plural, object, false);
        }
        for budget in &shape.budgets {
            self.put("policy", "poddisruptionbudgets", budget, false);
        }
        let ours = ours(shape);
        for workload in shape.workloads.iter().filter(|w| ours.contains(&id(w)) || is_budgeted(w, shape)) {
            self.claims(workload);
            let plural = format!("{}s", text(workload, "/kind").to_lowercase());
            self.put("apps", &plural, workload, false);
        }
        for record in shape.sight.records.values() {
            for entry in &record.inventory.entries {
                let id = &entry.id;
                self.stand_in(
                    &id.group,
                    &entry.version,
                    &id.kind,
                    &id.namespace,
                    &id.name,
                    entry.uid.as_deref(),
                );
            }
        }
    }

    /// Puts an object there as it is, without what others know of it.
    fn put(&mut self, group: &str, plural: &str, object: &Value, keeps_status: bool) {
        if object.pointer("/metadata/deletionTimestamp").is_some_and(|at| !at.is_null()) {
            return;
        }
        let mut object = object.clone();
        if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
            // Who owns it may not be here, and who is to let it go neither.
            for field in ["ownerReferences", "finalizers"] {
                metadata.shift_remove(field);
            }
        }
        if let (false, Some(fields)) = (keeps_status, object.as_object_mut()) {
            fields.shift_remove("status");
        }
        let key =
            Key::new(group, plural, text(&object, "/metadata/namespace"), text(&object, "/metadata/name"));
        self.cluster.store.put(key, &object);
    }

    /// Every namespace in which something will lie.
    fn namespaces(&mut self, shape: &Shape) {
        let objects = shape.own.iter().chain(&shape.budgets).chain(&shape.workloads);
        let mut names: BTreeSet<String> =
            objects.map(|object| text(object, "/metadata/namespace").to_owned()).collect();
        for entry in shape.sight.records.values().flat_map(|record| &record.inventory.entries) {
            names.insert(entry.id.namespace.clone());
            if entry.id.kind == "Namespace" {
                names.insert(entry.id.name.clone());
            }
        }
        let headers = HeaderMap::new();
        for name in names.iter().filter(|name| !name.is_empty()) {
            let body = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
            let body = body.to_string();
            let request = Request {
                method: &Method::POST,
                path: "/api/v1/namespaces",
                query: "",
                headers: &headers,
                body: body.as_bytes(),
            };
            let now = self.cluster.now;
            // Those that are there already are refused.
            let _ = self.cluster.answer(now, &request);
        }
    }

    /// The claims that a workload's pods mount, and that no template of its own makes.
    fn claims(&mut self, workload: &Value) {
        let namespace = text(workload, "/metadata/namespace").to_owned();
        let volumes = workload.pointer("/spec/template/spec/volumes").and_then(Value::as_array);
        let names: Vec<String> = volumes
            .into_iter()
            .flatten()
            .map(|volume| text(volume, "/persistentVolumeClaim/claimName").to_owned())
            .filter(|name| !name.is_empty())
            .collect();
        for name in names {
            self.stand_in("", "v1", "PersistentVolumeClaim", &namespace, &name, None);
        }
    }

    /// Something that is there, and of which no more is known.
    fn stand_in(
        &mut self,
        group: &str,
        version: &str,
        kind: &str,
        namespace: &str,
        name: &str,
        uid: Option<&str>,
    ) {
        let Some(plural) = self.kinds.get(&(group.to_owned(), kind.to_owned())) else { return };
        let key = Key::new(group, plural, namespace, name);
        if self.cluster.store.has(&key) || kind == "Namespace" {
            return;
        }
        let store = &mut self.cluster.store;
        let uid = uid.map_or_else(|| store.new_uid(), str::to_owned);
        let api = if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") };
        let mut metadata = Map::new();
        metadata.insert("name".to_owned(), name.into());
        if !namespace.is_empty() {
            metadata.insert("namespace".to_owned(), namespace.into());
        }
        metadata.insert("uid".to_owned(), uid.into());
        metadata.insert("generation".to_owned(), 1.into());
        let mut object = json!({"apiVersion": api, "kind": kind, "metadata": metadata});
        mark(&mut object, &api);
        if let Some(status) = well(group, kind) {
            object["status"] = status;
        }
        self.cluster.store.put(key, &object);
    }
}

/// Marks an object as a stand-in. The mark is the only field that anybody owns: what is applied over it
/// meets no other owner, as it would not where tidegate applied the object itself.
fn mark(object: &mut Value, version: &str) {
    object["metadata"]["annotations"][STANDS_IN] = "true".into();
    let field = format!("f:{STANDS_IN}");
    object["metadata"]["managedFields"] = json!([{
        "manager": "rehearsal", "operation": "Update", "apiVersion": version, "fieldsType": "FieldsV1",
        "fieldsV1": {"f:metadata": {"f:annotations": {field: {}}}},
    }]);
}

/// What an object says of itself whose readiness is looked at.
fn well(group: &str, kind: &str) -> Option<Value> {
    Some(match (group, kind) {
        ("batch", "Job") => json!({"conditions": [{"type": "Complete", "status": "True"}], "succeeded": 1}),
        ("apiregistration.k8s.io", "APIService") => {
            json!({"conditions": [{"type": "Available", "status": "True"}]})
        }
        ("", "PersistentVolumeClaim" | "PersistentVolume") => json!({"phase": "Bound"}),
        _ => return None,
    })
}

/// Kind, namespace and name of a workload.
fn id(workload: &Value) -> (String, String, String) {
    let part = |path: &str| text(workload, path).to_owned();
    (part("/kind"), part("/metadata/namespace"), part("/metadata/name"))
}

/// The workloads that tidegate put there.
fn ours(shape: &Shape) -> BTreeSet<(String, String, String)> {
    let entries = shape.sight.records.values().flat_map(|record| &record.inventory.entries);
    let apps = entries.filter(|entry| entry.id.group == "apps");
    apps.map(|e| (e.id.kind.clone(), e.id.namespace.clone(), e.id.name.clone())).collect()
}

/// Whether a disruption budget speaks of a workload's pods: then it matters when nodes are drained.
fn is_budgeted(workload: &Value, shape: &Shape) -> bool {
    let none = json!({});
    let labels = workload.pointer("/spec/template/metadata/labels").unwrap_or(&none);
    shape.budgets.iter().any(|budget| {
        text(budget, "/metadata/namespace") == text(workload, "/metadata/namespace")
            && selects(budget.pointer("/spec/selector").unwrap_or(&Value::Null), labels)
    })
}

/// How many workloads of a shape its copy has.
pub fn workloads(shape: &Shape) -> usize {
    let ours = ours(shape);
    shape.workloads.iter().filter(|w| ours.contains(&id(w)) || is_budgeted(w, shape)).count()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::sync::Arc;

    use super::*;
    use crate::apply::ObjectId;
    use crate::apply::inventory::{Entry, Inventory};
    use crate::apply::ready::{Verdict, verdict};
    use crate::apply::record::{Record, State};
    use crate::digest;
    use crate::engine::cluster::Sight;
    use crate::model::{Observed, RecordPhase};

    fn now() -> Timestamp {
        "2026-03-02T08:00:00Z".parse().unwrap()
    }

    fn node(name: &str, ready: &str) -> Value {
        json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "uid": name, "labels": {"disk": "fast"}},
            "spec": {}, "status": {"allocatable": {"cpu": "4", "memory": "16Gi", "pods": "110"},
                "nodeInfo": {"kubeletVersion": "v1.31.1"}, "conditions": [{"type": "Ready", "status": ready}]}})
    }

    fn deployment(namespace: &str, name: &str) -> Value {
        json!({"apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": name, "namespace": namespace, "uid": format!("u-{name}"), "generation": 7,
                "ownerReferences": [{"apiVersion": "shop/v1", "kind": "Shop", "name": "x", "uid": "gone"}]},
            "spec": {"replicas": 2, "selector": {"matchLabels": {"app": name}},
                "template": {"metadata": {"labels": {"app": name}},
                    "spec": {"containers": [{"name": "c", "image": format!("{name}:1")}],
                        "volumes": [{"name": "d", "persistentVolumeClaim": {"claimName": "data"}}]}}},
            "status": {"observedGeneration": 7, "readyReplicas": 0}})
    }

    fn shape() -> Shape {
        let entry = |group: &str, kind: &str, name: &str| Entry {
            id: ObjectId {
                group: group.to_owned(),
                kind: kind.to_owned(),
                namespace: "ingress".to_owned(),
                name: name.to_owned(),
            },
            version: "v1".to_owned(),
            uid: Some(format!("uid-of-{name}")),
            proof: None,
        };
        let zero = digest::bytes(b"");
        let state = State {
            release: "R41".parse().unwrap(),
            version: "1.0.0".parse().unwrap(),
            commit: "c".to_owned(),
            digest: zero,
            inputs: zero,
            secrets: None,
            phase: RecordPhase::Verified,
            values: Value::Null,
        };
        let mut inventory = Inventory { hashing: 1, entries: Vec::new() };
        for (group, kind, name) in [
            ("apps", "Deployment", "proxy"),
            ("", "ConfigMap", "settings"),
            ("", "Secret", "token"),
            ("apiregistration.k8s.io", "APIService", "v1.ingress"),
            ("unknown.io", "Thing", "x"),
        ] {
            inventory.entries.push(entry(group, kind, name));
        }
        let record = Record {
            format: 1,
            journal: uuid::Uuid::nil(),
            fence: 1,
            rollout: "R41-1".parse().unwrap(),
            attempt: 1,
            adopted: false,
            current: state,
            previous: None,
            verdict: None,
            inventory,
        };
        let observed = Observed {
            at: now(),
            uid: ClusterUid::new("the-one"),
            kubernetes: crate::version::KubeMinor::new(1, 31),
            server: "v1.31.2-gke.1000".to_owned(),
            products: Arc::default(),
        };
        let budget = json!({"apiVersion": "policy/v1", "kind": "PodDisruptionBudget",
            "metadata": {"name": "web", "namespace": "web", "uid": "b"},
            "spec": {"minAvailable": 2, "selector": {"matchLabels": {"app": "web"}}},
            "status": {"disruptionsAllowed": 0, "expectedPods": 2}});
        Shape {
            sight: Sight { observed, records: [("ingress".parse().unwrap(), record)].into(), lease: None },
            own: vec![json!({"apiVersion": "v1", "kind": "Secret", "metadata":
                {"name": "product.ingress", "namespace": "tidegate-system", "uid": "r", "labels": {"tidegate.dev/record": "head"}}})],
            nodes: vec![node("a", "True"), node("b", "False"), node("c", "True")],
            budgets: vec![budget],
            workloads: vec![
                deployment("ingress", "proxy"),
                deployment("web", "web"),
                deployment("web", "batch"),
            ],
            definitions: Vec::new(),
            classes: Vec::new(),
        }
    }

    fn copied() -> Cluster {
        let pool = Pool::default();
        let stand = Stand { name: "own", seed: 1, pool: &pool, now: now() };
        copy(&stand, &shape(), None).unwrap()
    }

    #[test]
    fn a_copy_is_who_its_cluster_is_with_its_nodes_budgets_and_records() {
        let cluster = copied();
        let get = |resource: &str, namespace: &str, name: &str| {
            cluster.store.get(&Key::new("", resource, namespace, name))
        };
        assert_eq!(get("namespaces", "", "kube-system").unwrap()["metadata"]["uid"], "the-one");
        assert_eq!(
            (cluster.served.to_string(), cluster.binary.to_string()),
            ("1.31".into(), "v1.31.2-gke.1000".into())
        );
        assert_eq!(cluster.store.keys("", "nodes", None).count(), 3);
        assert_eq!(get("nodes", "", "a").unwrap()["status"]["nodeInfo"]["kubeletVersion"], "v1.31.1");
        assert!(cluster.conditions.broken_nodes.contains("b") && cluster.conditions.broken_nodes.len() == 1);
        assert!(get("secrets", "tidegate-system", "product.ingress").is_some());
        let budget = Key::new("policy", "poddisruptionbudgets", "web", "web");
        assert_eq!(cluster.store.get(&budget).unwrap()["status"]["disruptionsAllowed"], 0);
        assert_eq!(shape().closed_budgets().collect::<Vec<_>>(), ["web/web"]);
    }

    #[test]
    fn workloads_that_matter_run_in_a_copy_and_all_else_of_the_records_is_there() {
        let cluster = copied();
        let names: Vec<&str> =
            cluster.store.keys("apps", "deployments", None).map(|key| &*key.name).collect();
        assert_eq!(names, ["proxy", "web"], "tidegate's own, and the one that a budget speaks of");
        assert_eq!(workloads(&shape()), 2);
        for (namespace, name) in [("ingress", "proxy"), ("web", "web")] {
            let found = cluster.store.get(&Key::new("apps", "deployments", namespace, name)).unwrap();
            assert_eq!(verdict(&found), Verdict::Ready, "{found:#}");
            assert_eq!(found["metadata"]["uid"], format!("u-{name}"));
        }
        for (group, resource, name) in [
            ("", "configmaps", "settings"),
            ("", "secrets", "token"),
            ("apiregistration.k8s.io", "apiservices", "v1.ingress"),
        ] {
            let found = cluster.store.get(&Key::new(group, resource, "ingress", name)).unwrap();
            assert!(stands_in(&found) && verdict(&found) == Verdict::Ready, "{found:#}");
            assert_eq!(found["metadata"]["uid"], format!("uid-of-{name}"));
        }
    }
}
