//! Nodes, and which pods are on them.

use serde_json::{Value, json};

use super::super::fields::{holds, set, text};
use super::*;

fn node(name: &str) -> Key {
    Key::new("", "nodes", "", name)
}

fn on(lab: &Lab, node: &str) -> usize {
    lab.pods("default").iter().filter(|pod| text(pod, "/spec/nodeName") == node).count()
}

fn deploy(lab: &mut Lab, replicas: u32, more: &Value) -> Key {
    let web = apps("deployments", "web");
    let mut object = workload("Deployment", "web", "web:1", &json!({"replicas": replicas}));
    for (key, value) in more.as_object().unwrap() {
        object["spec"]["template"]["spec"][key] = value.clone();
    }
    lab.put(&web, object);
    web
}

#[test]
fn a_cordoned_node_gets_nothing_new_and_keeps_what_it_has() {
    let mut lab = Lab::new();
    let web = deploy(&mut lab, 3, &json!({}));
    lab.wait_ready(&web, 30);
    lab.edit(&node("node-2"), |node| set(node, &["spec", "unschedulable"], true.into()));
    lab.run(5);
    assert_eq!(on(&lab, "node-2"), 1);
    let web = deploy(&mut lab, 7, &json!({}));
    lab.wait_ready(&web, 30);
    assert_eq!(on(&lab, "node-2"), 1);
    let taints = lab.get(&node("node-2"))["spec"]["taints"].clone();
    assert_eq!(taints[0]["key"], "node.kubernetes.io/unschedulable");
    lab.edit(&node("node-2"), |node| set(node, &["spec", "unschedulable"], false.into()));
    lab.run(1);
    assert!(lab.get(&node("node-2"))["spec"].get("taints").is_none());
}

#[test]
fn a_node_that_breaks_loses_its_pods_after_five_minutes() {
    let mut lab = Lab::new();
    let web = deploy(&mut lab, 3, &json!({}));
    lab.wait_ready(&web, 30);
    lab.conditions.broken_nodes.insert("node-1".to_owned());
    lab.run(10);
    assert!(!holds(&lab.get(&node("node-1")), "Ready"));
    assert_eq!(on(&lab, "node-1"), 1);
    lab.run(270);
    assert_eq!(on(&lab, "node-1"), 1);
    lab.run(50);
    assert_eq!(on(&lab, "node-1"), 0);
    assert!(lab.is_ready(&web));
    lab.conditions.broken_nodes.clear();
    lab.run(10);
    assert!(holds(&lab.get(&node("node-1")), "Ready"));
}

#[test]
fn a_node_that_comes_back_in_time_keeps_its_pods() {
    let mut lab = Lab::new();
    let web = deploy(&mut lab, 3, &json!({}));
    lab.wait_ready(&web, 30);
    let before: Vec<Value> = lab.pods("default").iter().map(|pod| pod["metadata"]["uid"].clone()).collect();
    lab.conditions.broken_nodes.insert("node-1".to_owned());
    lab.run(200);
    lab.conditions.broken_nodes.clear();
    lab.run(600);
    assert!(lab.is_ready(&web));
    let after: Vec<Value> = lab.pods("default").iter().map(|pod| pod["metadata"]["uid"].clone()).collect();
    assert_eq!(before, after);
}

#[test]
fn a_new_node_gets_ready_and_is_used_and_one_that_is_gone_takes_its_pods() {
    let mut lab = Lab::new();
    let web = deploy(&mut lab, 1, &json!({"nodeSelector": {"pool": "new"}}));
    lab.run(30);
    let waits = &lab.pods("default")[0];
    let scheduled = super::super::fields::condition(waits, "PodScheduled").unwrap();
    assert_eq!(text(scheduled, "/reason"), "Unschedulable");
    let cause = crate::apply::ready::pod_cause(waits).unwrap();
    assert!(
        cause.contains("0/3 nodes are available: 3 node(s) didn't match Pod's node affinity/selector"),
        "{cause}"
    );
    let fresh = json!({"apiVersion": "v1", "kind": "Node", "metadata": {"labels": {"pool": "new"}}, "spec": {},
        "status": {"nodeInfo": {"kubeletVersion": "v1.35.1"}}});
    lab.put(&node("node-9"), fresh);
    assert!(!holds(&lab.get(&node("node-9")), "Ready"));
    lab.wait_ready(&web, 60);
    assert_eq!(lab.get(&node("node-9"))["status"]["nodeInfo"]["kubeletVersion"], "v1.35.1");
    assert_eq!(on(&lab, "node-9"), 1);
    lab.delete(&node("node-9"), None);
    lab.run(5);
    assert_eq!(on(&lab, "node-9"), 0);
    assert!(matches!(lab.verdict(&web), Verdict::NotYet(_)));
}

#[test]
fn a_pod_that_asks_for_too_much_waits_for_room() {
    let mut lab = Lab::new();
    let greedy =
        json!({"containers": [{"name": "main", "image": "web:1", "resources": {"requests": {"cpu": "20"}}}]});
    let web = deploy(&mut lab, 4, &greedy);
    lab.run(60);
    assert!(matches!(lab.verdict(&web), Verdict::NotYet(_)));
    let homeless =
        lab.pods("default").into_iter().find(|pod| text(pod, "/spec/nodeName").is_empty()).unwrap();
    let cause = crate::apply::ready::pod_cause(&homeless).unwrap();
    assert!(cause.contains("3 Insufficient cpu"), "{cause}");
    deploy(&mut lab, 3, &greedy);
    lab.run(30);
    assert!(lab.is_ready(&web));
}

#[test]
fn a_claim_waits_for_its_pod_where_its_class_says_so() {
    let mut lab = Lab::new();
    let class = json!({"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {},
        "provisioner": "x", "volumeBindingMode": "WaitForFirstConsumer"});
    lab.put(&Key::new("storage.k8s.io", "storageclasses", "", "late"), class);
    let claim = core("persistentvolumeclaims", "data");
    lab.put(&claim, json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {}, "spec": {
        "storageClassName": "late", "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}));
    lab.run(10);
    assert_eq!(lab.get(&claim)["status"]["phase"], "Pending");
    let volumes = json!({"volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]});
    let web = deploy(&mut lab, 1, &volumes);
    lab.wait_ready(&web, 30);
    assert!(lab.is_ready(&claim));
}
