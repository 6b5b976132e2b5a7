//! Services: an address inside the cluster, and one outside for load balancers.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::fields::{has, is_going, later, list, set, text};
use super::names::{public_address, service_address};
use super::world::{Role, World};
use crate::sim::store::Key;

pub(super) fn look(world: &mut World<'_>, key: &Key) {
    let Some(service) = world.get(key) else { return };
    if is_going(&service) {
        return;
    }
    let kind = text(&service, "/spec/type");
    if kind != "ExternalName" && text(&service, "/spec/clusterIP").is_empty() {
        let taken: BTreeSet<String> = world
            .all("", "services", None)
            .iter()
            .map(|(_, service)| text(service, "/spec/clusterIP").to_owned())
            .collect();
        let free = (0..).map(|n| service_address(&key.namespace, &key.name, n)).find(|a| !taken.contains(a));
        let address = free.unwrap_or_default();
        world.change(key, |service| {
            set(service, &["spec", "clusterIP"], address.clone().into());
            set(service, &["spec", "clusterIPs"], json!([address]));
        });
    }
    let has_address = !list(&service, "/status/loadBalancer/ingress").is_empty();
    if kind != "LoadBalancer" {
        world.forget(Role::Address, key);
        if has_address {
            world.change(key, |service| set(service, &["status", "loadBalancer"], json!({})));
        }
    } else if !has_address && !has(&service, "/spec/loadBalancerClass") && !world.has_date(Role::Address, key)
    {
        let at = later(world.now, world.conditions.address);
        world.ask_at(Role::Address, key, at);
    }
}

/// A load balancer has its address.
pub(super) fn give_address(world: &mut World<'_>, key: &Key) {
    let is_due = |service: &Value| text(service, "/spec/type") == "LoadBalancer" && !is_going(service);
    if !world.get(key).is_some_and(|service| is_due(&service)) {
        return;
    }
    world.change(key, |service| {
        let address = public_address(&key.namespace, &key.name);
        set(service, &["status", "loadBalancer", "ingress"], json!([{"ip": address, "ipMode": "VIP"}]));
    });
}
