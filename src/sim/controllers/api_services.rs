//! Whether what an APIService stands for can be asked: its Service is there, listens on the port, and has
//! ready endpoints for it, as the aggregator in a real API server judges. That an API server answers there
//! is taken for granted, since pods run nothing here.

use serde_json::Value;

use super::endpoints::SERVICE;
use super::fields::{Condition, has, is_going, items, list, number, state, text};
use super::pods::label;
use super::world::World;
use crate::sim::json::At as _;
use crate::sim::store::Key;

/// The port of a Service that is asked where none is named.
const HTTPS: i64 = 443;

pub(super) fn look(world: &mut World<'_>, key: &Key) {
    let Some(object) = world.get(key) else { return };
    if is_going(&object) {
        return;
    }
    let (status, reason, message) = match refusal(world, &object) {
        Some((reason, why)) => ("False", reason, why),
        None if has(&object, "/spec/service") => ("True", "Passed", "all checks passed".to_owned()),
        None => ("True", "Local", "Local APIServices are always available".to_owned()),
    };
    let (now, mut next) = (world.now, (*object).clone());
    let conditions = items(&mut next, &["status", "conditions"]);
    if state(conditions, &Condition { kind: "Available", status, reason, message: &message }, now) {
        world.put(key, next);
    }
}

/// Why it can't be asked, as a reason and in words.
fn refusal(world: &mut World<'_>, object: &Value) -> Option<(&'static str, String)> {
    let asked = object.at("/spec/service").filter(|service| !service.is_null())?;
    let (namespace, name) = (text(asked, "/namespace"), text(asked, "/name"));
    let words = format!("service/{name} in {namespace:?}");
    let key = Key::new("", "services", namespace, name);
    let Some(service) = world.get(&key) else {
        return Some(("ServiceNotFound", format!("{words} is not present")));
    };
    // Of a Service of which nothing is known, such as a rehearsal's, nothing can be missed; and behind those
    // of other types the aggregator does not look.
    let ports = list(&service, "/spec/ports");
    if ports.is_empty() || !matches!(text(&service, "/spec/type"), "" | "ClusterIP") {
        return None;
    }
    let port = number(asked, "/port").unwrap_or(HTTPS);
    let Some(port) = ports.iter().find(|known| number(known, "/port") == Some(port)) else {
        return Some(("ServicePortError", format!("{words} is not listening on port {port}")));
    };
    let port = text(port, "/name");
    // Also those that somebody made for a Service without a selector.
    let mut slices = world.all("discovery.k8s.io", "endpointslices", Some(namespace));
    slices.retain(|(_, slice)| label(slice, SERVICE) == name);
    if slices.is_empty() {
        return Some(("EndpointsNotFound", format!("cannot find endpointslices for {words}")));
    }
    let is_ready = |end: &Value| end.at("/conditions/ready") != Some(&Value::Bool(false));
    let serves = |slice: &Value| {
        list(slice, "/ports").iter().any(|known| text(known, "/name") == port)
            && list(slice, "/endpoints").iter().any(is_ready)
    };
    let missing = || format!("endpointslices for {words} have no addresses with port name {port:?}");
    (!slices.iter().any(|(_, slice)| serves(slice))).then(|| ("MissingEndpoints", missing()))
}
