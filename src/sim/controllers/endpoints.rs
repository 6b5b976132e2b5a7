//! Which pods stand behind a Service: one EndpointSlice for each.

use serde_json::{Value, json};

use super::fields::{has, is_going, is_true, list, number, set, text, uid};
use super::names::suffix;
use super::pods::{has_ended, is_ready};
use super::selectors::selects_plainly;
use super::world::World;
use crate::sim::json::At as _;
use crate::sim::store::Key;

pub(super) const SERVICE: &str = "kubernetes.io/service-name";

pub(super) fn look(world: &mut World<'_>, key: &Key) {
    let Some(service) = world.get(key) else { return };
    let selector = service.at("/spec/selector").cloned().unwrap_or_default();
    if is_going(&service)
        || text(&service, "/spec/type") == "ExternalName"
        || selector.as_object().is_none_or(serde_json::Map::is_empty)
    {
        return;
    }
    let unready_too = is_true(&service, "/spec/publishNotReadyAddresses");
    let none = Value::Null;
    let mut endpoints = Vec::new();
    let mut ports = None;
    for (pod_key, pod) in world.all("", "pods", Some(&key.namespace)) {
        let labels = pod.at("/metadata/labels").unwrap_or(&none);
        if !selects_plainly(&selector, labels) || has_ended(&pod) || !has(&pod, "/status/podIP") {
            continue;
        }
        let (ready, going) = (is_ready(&pod), is_going(&pod));
        endpoints.push(json!({
            "addresses": [text(&pod, "/status/podIP")],
            "conditions": {"ready": unready_too || (ready && !going), "serving": ready, "terminating": going},
            "nodeName": text(&pod, "/spec/nodeName"),
            "targetRef": {"kind": "Pod", "namespace": &*key.namespace, "name": &*pod_key.name, "uid": uid(&pod)},
        }));
        ports.get_or_insert_with(|| ports_of(&service, &pod));
    }
    // Where nobody is, nothing listens.
    let ports = ports.unwrap_or_else(|| json!([]));
    write(world, key, &service, endpoints.into(), ports);
}

/// The ports of a Service as a pod has them; a port's name is looked up in the pod.
fn ports_of(service: &Value, pod: &Value) -> Value {
    let named = |name: &str| {
        let containers = list(pod, "/spec/containers").iter().flat_map(|c| list(c, "/ports"));
        containers
            .into_iter()
            .find(|port| text(port, "/name") == name)
            .and_then(|p| number(p, "/containerPort"))
    };
    let ports = list(service, "/spec/ports").iter().filter_map(|port| {
        let target = match port.get("targetPort") {
            Some(Value::String(name)) => named(name)?,
            Some(Value::Number(target)) => target.as_i64()?,
            _ => number(port, "/port")?,
        };
        let protocol = match text(port, "/protocol") {
            "" => "TCP",
            protocol => protocol,
        };
        Some(json!({"name": text(port, "/name"), "port": target, "protocol": protocol}))
    });
    ports.collect()
}

fn write(world: &mut World<'_>, key: &Key, service: &Value, endpoints: Value, ports: Value) {
    let start = super::names::beginning(&key.name);
    let slices = world.children("discovery.k8s.io", "endpointslices", key);
    let mine = |slice: &Value| super::pods::label(slice, SERVICE) == &*key.name;
    if let Some((slice, _)) = slices.into_iter().find(|(_, slice)| mine(slice)) {
        return world.change(&slice, |slice| {
            set(slice, &["endpoints"], endpoints);
            set(slice, &["ports"], ports);
        });
    }
    let names = (0..).map(|n| format!("{start}{}", suffix(&start, n)));
    let keys = names.map(|name| key.beside("discovery.k8s.io", "endpointslices", &name));
    let Some(slice) = keys.into_iter().find(|slice| !world.store.has(slice)) else { return };
    let object = json!({
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
        "metadata": {
            "generateName": start, "generation": 1,
            "labels": {"endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io", SERVICE: &*key.name},
            "ownerReferences": [super::fields::control("v1", "Service", service)],
        },
        "addressType": "IPv4", "endpoints": endpoints, "ports": ports,
    });
    world.create(&slice, object);
}
