//! Addresses and node ports of Services: by their names, so that equal clusters give equal ones.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::json::{each, items, object, text};
use super::prepare::occupied;
use super::status::Outcome;
use crate::sim::cluster::Cluster;

/// The first two numbers of every address.
const RANGE: &str = "10.96";

/// Gives a new Service what it lacks.
pub(super) fn allocate(cluster: &Cluster, service: &mut Value) -> Outcome<()> {
    let kind = text(service, "/spec/type").to_owned();
    if kind == "ExternalName" {
        return Ok(());
    }
    let mut taken = BTreeSet::new();
    let mut ports = BTreeSet::new();
    for (_, other) in cluster.store.list("", "services", None) {
        taken.insert(text(&other, "/spec/clusterIP").to_owned());
        ports.extend(items(&other, "/spec/ports").filter_map(|p| p.get("nodePort")?.as_u64()));
    }
    let name = format!("{}/{}", text(service, "/metadata/namespace"), text(service, "/metadata/name"));
    let wanted = match text(service, "/spec/clusterIP") {
        "" => items(service, "/spec/clusterIPs").next().and_then(Value::as_str).unwrap_or_default(),
        wanted => wanted,
    };
    let address = match wanted {
        "" => free(&name, 65_000, |n| format!("{RANGE}.{}.{}", (n + 2) / 256, (n + 2) % 256), &taken),
        "None" => "None".to_owned(),
        wanted if taken.contains(wanted) => return Err(occupied(wanted)),
        wanted => wanted.to_owned(),
    };
    let Some(spec) = object(service, "spec") else { return Ok(()) };
    spec.insert("clusterIP".to_owned(), address.as_str().into());
    spec.insert("clusterIPs".to_owned(), json!([address]));
    // Nobody knows of which family the addresses are that somebody else gives a headless Service.
    let selects = spec.get("selector").and_then(Value::as_object).is_some_and(|s| !s.is_empty());
    let (families, policy) = match address.as_str() {
        "None" if !selects => (json!(["IPv4", "IPv6"]), "RequireDualStack"),
        _ => (json!(["IPv4"]), "SingleStack"),
    };
    super::json::default(spec, "ipFamilies", || families);
    super::json::default(spec, "ipFamilyPolicy", || policy.into());
    if matches!(kind.as_str(), "NodePort" | "LoadBalancer") {
        let mut at = 0;
        each(spec, "ports", |port| {
            at += 1;
            if port.get("nodePort").and_then(Value::as_u64).unwrap_or_default() == 0 {
                let port_of = |n: u64| 30_000 + n;
                let found = free_number(&format!("{name}/{at}"), 2_768, port_of, &ports);
                ports.insert(found);
                port.insert("nodePort".to_owned(), found.into());
            }
        });
    }
    Ok(())
}

fn start(name: &str, range: u64) -> u64 {
    let digest = crate::digest::bytes(name.as_bytes());
    let bytes = digest.as_bytes();
    bytes.iter().take(4).fold(0, |sum, byte| sum * 256 + u64::from(*byte)) % range
}

fn free(name: &str, range: u64, of: impl Fn(u64) -> String, taken: &BTreeSet<String>) -> String {
    let first = start(name, range);
    let mut all = (0..range).map(|n| of((first + n) % range));
    all.find(|one| !taken.contains(one)).unwrap_or_else(|| of(first))
}

fn free_number(name: &str, range: u64, of: impl Fn(u64) -> u64, taken: &BTreeSet<u64>) -> u64 {
    let first = start(name, range);
    let mut all = (0..range).map(|n| of((first + n) % range));
    all.find(|one| !taken.contains(one)).unwrap_or_else(|| of(first))
}
