//! Evictions under disruption budgets.

use serde_json::{Value, json};

use super::super::fields::{count, is_going, text};
use super::super::pods::is_ready;
use super::*;

fn budget(name: &str) -> Key {
    Key::new("policy", "poddisruptionbudgets", "default", name)
}

fn pdb(more: &Value) -> Value {
    let mut object = json!({"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {},
        "spec": {"selector": {"matchLabels": {"app": "web"}}}});
    for (key, value) in more.as_object().unwrap() {
        object["spec"][key] = value.clone();
    }
    object
}

fn lab(more: &Value) -> Lab {
    let mut lab = Lab::new();
    let web = apps("deployments", "web");
    lab.put(&web, workload("Deployment", "web", "web:1", &json!({"replicas": 3})));
    lab.wait_ready(&web, 30);
    lab.put(&budget("web"), pdb(more));
    lab
}

fn evict(lab: &mut Lab, at: usize) -> Result<(), crate::sim::controllers::Budget> {
    let mut pods = lab.pods("default");
    pods.retain(|pod| text(pod, "/status/phase") == "Running" && !is_going(pod));
    let pod = core("pods", text(&pods[at], "/metadata/name"));
    let done = lab.controllers.evict(&mut lab.store, &lab.conditions, &pod, lab.now);
    lab.settle();
    done
}

#[test]
fn a_budget_lets_one_go_at_a_time() {
    let mut lab = lab(&json!({"maxUnavailable": 1}));
    let status = lab.get(&budget("web"))["status"].clone();
    assert_eq!((count(&status, "/expectedPods"), count(&status, "/desiredHealthy")), (3, 2));
    assert_eq!(count(&status, "/disruptionsAllowed"), 1);
    evict(&mut lab, 0).unwrap();
    let refused = evict(&mut lab, 1).unwrap_err();
    assert_eq!(refused.code, 429);
    assert_eq!(refused.cause.unwrap(), "The disruption budget web needs 2 healthy pods and has 2 currently");
    lab.run(30);
    assert_eq!(lab.pods("default").iter().filter(|pod| is_ready(pod)).count(), 3);
    evict(&mut lab, 1).unwrap();
}

#[test]
fn a_budget_that_never_opens_says_so_each_time() {
    let mut lab = lab(&json!({"minAvailable": 1}));
    assert_eq!(count(&lab.get(&budget("web"))["status"], "/disruptionsAllowed"), 2);
    lab.conditions.closed_budgets.insert("default/web".to_owned());
    lab.run(1);
    assert_eq!(count(&lab.get(&budget("web"))["status"], "/disruptionsAllowed"), 0);
    let refused = evict(&mut lab, 0).unwrap_err();
    assert_eq!((refused.code, refused.name.as_str()), (429, "web"));
    assert_eq!(lab.pods("default").len(), 3);
    lab.conditions.closed_budgets.clear();
    lab.run(1);
    evict(&mut lab, 0).unwrap();
}

#[test]
fn two_budgets_for_one_pod_are_an_error() {
    let mut lab = lab(&json!({"maxUnavailable": 1}));
    lab.put(&budget("other"), pdb(&json!({"minAvailable": 1})));
    let refused = evict(&mut lab, 0).unwrap_err();
    assert_eq!((refused.code, refused.cause), (500, None));
}

#[test]
fn a_budget_that_was_not_looked_at_yet_asks_for_patience() {
    let mut lab = lab(&json!({"maxUnavailable": 1}));
    let mut object = lab.get(&budget("web"));
    object["metadata"]["generation"] = 2.into();
    lab.store.put(budget("web"), &object);
    let pod = core("pods", text(&lab.pods("default")[0], "/metadata/name"));
    let refused = lab.controllers.evict(&mut lab.store, &lab.conditions, &pod, lab.now).unwrap_err();
    assert_eq!(refused.retry_after, Some(10));
}

#[test]
fn pods_that_are_not_ready_go_by_policy() {
    let conditions = Conditions { crashing: vec!["crash".into()], ..Conditions::default() };
    for (policy, expected) in [("IfHealthyBudget", false), ("AlwaysAllow", true)] {
        let mut lab = Lab::with(conditions.clone());
        lab.put(
            &apps("deployments", "web"),
            workload("Deployment", "web", "crash:1", &json!({"replicas": 2})),
        );
        lab.put(&budget("web"), pdb(&json!({"minAvailable": 1, "unhealthyPodEvictionPolicy": policy})));
        lab.run(40);
        assert_eq!(evict(&mut lab, 0).is_ok(), expected, "{policy}");
    }
}
