//! How things go: namespaces with their contents, owners with what they own, definitions with their
//! objects.

use serde_json::json;

use super::super::fields::text;
use super::*;

#[test]
fn a_namespace_has_what_each_has_and_goes_with_all_of_it() {
    let mut lab = Lab::new();
    let shop = Key::new("", "namespaces", "", "shop");
    lab.put(&shop, json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {}, "spec": {"finalizers": ["kubernetes"]}}));
    assert!(lab.is_ready(&shop));
    assert!(lab.store.has(&Key::new("", "serviceaccounts", "shop", "default")));
    assert!(lab.store.has(&Key::new("", "configmaps", "shop", "kube-root-ca.crt")));
    let web = Key::new("apps", "deployments", "shop", "web");
    lab.put(&web, workload("Deployment", "web", "web:1", &json!({"replicas": 2})));
    lab.wait_ready(&web, 30);
    let held = Key::new("", "configmaps", "shop", "held");
    lab.put(
        &held,
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"finalizers": ["x.dev/keep"]}}),
    );
    lab.delete(&shop, None);
    lab.run(20);
    let left = lab.get(&shop);
    assert_eq!(left["status"]["phase"], "Terminating");
    assert_eq!(
        lab.condition(&shop, "NamespaceFinalizersRemaining"),
        ("True".into(), "SomeFinalizersRemain".into())
    );
    assert!(!lab.store.has(&web) && lab.pods("shop").is_empty());
    lab.store.remove(&held);
    lab.run(2);
    assert!(!lab.store.has(&shop));
    assert!(lab.store.all_keys().all(|key| &*key.namespace != "shop"));
}

fn web(lab: &mut Lab) -> Key {
    let web = apps("deployments", "web");
    lab.put(&web, workload("Deployment", "web", "web:1", &json!({"replicas": 2})));
    lab.wait_ready(&web, 30);
    web
}

#[test]
fn what_is_owned_goes_after_its_owner_in_the_background() {
    let mut lab = Lab::new();
    let web = web(&mut lab);
    lab.delete(&web, None);
    assert!(!lab.store.has(&web));
    lab.run(10);
    assert!(lab.pods("default").is_empty());
    assert!(lab.store.list("apps", "replicasets", None).is_empty());
}

#[test]
fn an_owner_waits_for_what_it_owns_in_the_foreground() {
    let mut lab = Lab::new();
    let web = web(&mut lab);
    lab.delete(&web, Some("foregroundDeletion"));
    assert!(lab.store.has(&web));
    assert!(matches!(lab.verdict(&web), Verdict::NotYet(_)));
    lab.run(1);
    assert!(lab.store.has(&web) && !lab.pods("default").is_empty());
    lab.run(10);
    assert!(!lab.store.has(&web) && lab.pods("default").is_empty());
    assert!(lab.store.list("apps", "replicasets", None).is_empty());
}

#[test]
fn orphans_stay_and_are_adopted_again() {
    let mut lab = Lab::new();
    let web = web(&mut lab);
    let before: Vec<String> =
        lab.pods("default").iter().map(|pod| text(pod, "/metadata/uid").to_owned()).collect();
    lab.delete(&web, Some("orphan"));
    lab.run(10);
    assert!(!lab.store.has(&web));
    assert_eq!(lab.pods("default").len(), 2);
    self::web(&mut lab);
    let after: Vec<String> =
        lab.pods("default").iter().map(|pod| text(pod, "/metadata/uid").to_owned()).collect();
    assert_eq!(before, after);
}

#[test]
fn a_definition_is_served_after_a_while_and_takes_its_objects_along() {
    let mut lab = Lab::new();
    let definition = Key::new("apiextensions.k8s.io", "customresourcedefinitions", "", "widgets.x.dev");
    let object = json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {},
        "spec": {"group": "x.dev", "scope": "Namespaced", "names": {"plural": "widgets", "kind": "Widget"},
            "versions": [{"name": "v1", "served": true, "storage": true}]}});
    lab.put(&definition, object);
    assert!(matches!(lab.verdict(&definition), Verdict::NotYet(_)));
    lab.wait_ready(&definition, 2);
    assert_eq!(lab.get(&definition)["status"]["storedVersions"], json!(["v1"]));
    assert_eq!(lab.get(&definition)["status"]["acceptedNames"]["singular"], "widget");
    let again = Key::new("apiextensions.k8s.io", "customresourcedefinitions", "", "gadgets.x.dev");
    let clash = json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {},
        "spec": {"group": "x.dev", "scope": "Namespaced", "names": {"plural": "gadgets", "kind": "Widget"},
            "versions": [{"name": "v1", "served": true, "storage": true}]}});
    lab.put(&again, clash);
    lab.run(2);
    assert!(matches!(lab.verdict(&again), Verdict::Failed(_)));
    let widget = Key::new("x.dev", "widgets", "default", "one");
    lab.put(&widget, json!({"apiVersion": "x.dev/v1", "kind": "Widget", "metadata": {}}));
    lab.delete(&definition, Some("customresourcecleanup.apiextensions.k8s.io"));
    lab.run(2);
    assert!(!lab.store.has(&definition) && !lab.store.has(&widget));
    assert!(lab.is_ready(&again), "the name is free: {:?}", lab.verdict(&again));
}
