//! APIServices: available as soon as somebody stands behind their Service, and no longer than that.

use serde_json::json;

use super::super::fields::set;
use super::*;

fn api_service(lab: &mut Lab, spec: &Value) -> Key {
    let key = Key::new("apiregistration.k8s.io", "apiservices", "", "v1beta1.metrics.k8s.io");
    let object = json!({"apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService", "spec": spec});
    lab.put(&key, object);
    key
}

fn service(lab: &mut Lab, spec: &Value) -> Key {
    let key = Key::new("", "services", "default", "metrics");
    lab.put(&key, json!({"apiVersion": "v1", "kind": "Service", "spec": spec}));
    key
}

fn says(lab: &Lab, key: &Key) -> String {
    lab.condition(key, "Available").1
}

#[test]
fn an_api_service_is_available_while_pods_stand_behind_its_service() {
    let mut lab = Lab::new();
    let metrics = json!({"namespace": "default", "name": "metrics"});
    let api =
        api_service(&mut lab, &json!({"group": "metrics.k8s.io", "version": "v1beta1", "service": metrics}));
    assert_eq!(says(&lab, &api), "ServiceNotFound");
    let web = apps("deployments", "web");
    lab.put(&web, workload("Deployment", "web", "web:1", &json!({"replicas": 1})));
    let selector = lab.get(&web)["spec"]["selector"]["matchLabels"].clone();
    let listening = |port: u16| json!({"selector": selector, "ports": [{"name": "https", "port": port}]});
    let service = service(&mut lab, &listening(8443));
    assert_eq!(says(&lab, &api), "ServicePortError");
    lab.edit(&service, |service| set(service, &["spec"], listening(443)));
    assert_eq!(says(&lab, &api), "MissingEndpoints");
    lab.wait_ready(&api, 30);
    assert!(lab.is_ready(&web) && says(&lab, &api) == "Passed");
    lab.edit(&web, |web| set(web, &["spec", "replicas"], 0.into()));
    lab.run(60);
    assert_eq!(says(&lab, &api), "MissingEndpoints");
    lab.delete(&service, None);
    assert_eq!(says(&lab, &api), "ServiceNotFound");
}

#[test]
fn an_api_service_without_a_service_is_there_by_itself_and_one_with_an_unknown_service_is_believed() {
    let mut lab = Lab::new();
    let api = api_service(&mut lab, &json!({"group": "apps", "version": "v1"}));
    assert!(lab.is_ready(&api) && says(&lab, &api) == "Local");
    // What a rehearsal knows nothing of but that it is there.
    lab.put(&Key::new("", "services", "default", "metrics"), json!({"apiVersion": "v1", "kind": "Service"}));
    let metrics = json!({"namespace": "default", "name": "metrics", "port": 443});
    lab.edit(&api, |api| set(api, &["spec", "service"], metrics));
    assert!(lab.is_ready(&api) && says(&lab, &api) == "Passed");
}
