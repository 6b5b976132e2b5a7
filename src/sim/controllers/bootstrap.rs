//! What is there before anybody asks for anything: namespaces, the cluster's own Service, priority
//! classes, nodes.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::fields::{seconds, set, stamp};
use super::{namespaces, nodes};
use crate::sim::store::{Key, Store};

/// The namespaces of every cluster.
const NAMESPACES: [&str; 4] = ["default", "kube-system", "kube-public", "kube-node-lease"];

/// Puts into an empty store what a cluster has at birth: namespaces with their service account and root
/// certificate, `nodes` ready nodes whose kubelets have the version `kubelet` (`v1.36.3`).
pub fn bootstrap(store: &mut Store, nodes: usize, kubelet: &str, now: Timestamp) {
    for name in NAMESPACES {
        make(store, &Key::new("", "namespaces", "", name), namespaces::fresh(name), now);
        for (key, object) in namespaces::contents(name) {
            make(store, &key, object, now);
        }
    }
    let service = json!({
        "apiVersion": "v1", "kind": "Service",
        "metadata": {"labels": {"component": "apiserver", "provider": "kubernetes"}},
        "spec": {
            "clusterIP": "10.96.0.1", "clusterIPs": ["10.96.0.1"], "internalTrafficPolicy": "Cluster",
            "ipFamilies": ["IPv4"], "ipFamilyPolicy": "SingleStack",
            "ports": [{"name": "https", "port": 443, "protocol": "TCP", "targetPort": 6443}],
            "sessionAffinity": "None", "type": "ClusterIP",
        },
        "status": {"loadBalancer": {}},
    });
    make(store, &Key::new("", "services", "default", "kubernetes"), service, now);
    for (name, value) in [("system-cluster-critical", 2_000_000_000), ("system-node-critical", 2_000_001_000)]
    {
        let class = json!({
            "apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass",
            "metadata": {"generation": 1}, "value": value, "preemptionPolicy": "PreemptLowerPriority",
        });
        make(store, &Key::new("scheduling.k8s.io", "priorityclasses", "", name), class, now);
    }
    for number in 1..=nodes {
        let name = format!("node-{number}");
        let zone = ["a", "b", "c"].get(number % 3).copied().unwrap_or("a");
        let mut node = json!({
            "apiVersion": "v1", "kind": "Node",
            "metadata": {"labels": {"topology.kubernetes.io/zone": zone}},
            "spec": {},
            "status": {"nodeInfo": {"kubeletVersion": kubelet}},
        });
        nodes::equip(&mut node, &name);
        nodes::say(&mut node, true, now);
        make(store, &Key::new("", "nodes", "", &name), node, now);
    }
}

fn make(store: &mut Store, key: &Key, mut object: Value, now: Timestamp) {
    set(&mut object, &["metadata", "name"], (*key.name).into());
    if !key.namespace.is_empty() {
        set(&mut object, &["metadata", "namespace"], (*key.namespace).into());
    }
    set(&mut object, &["metadata", "uid"], store.new_uid().into());
    set(&mut object, &["metadata", "creationTimestamp"], stamp(seconds(now)));
    store.put(key.clone(), &object);
}
