//! The built-in resources as values, made once of the table.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use super::table::{Row, rows};
use super::{ALL_VERBS, Resource, Subresource};
use crate::sim::cluster::Cluster;

struct BuiltIn {
    since: u32,
    until: u32,
    resource: Arc<Resource>,
}

struct Known {
    all: Vec<BuiltIn>,
    places: HashMap<(&'static str, &'static str, &'static str), usize>,
}

static KNOWN: LazyLock<Known> = LazyLock::new(|| {
    let mut known = Known { all: Vec::new(), places: HashMap::new() };
    for row in rows() {
        known.places.insert((row.group, row.version, row.plural), known.all.len());
        known.all.push(BuiltIn { since: row.since, until: row.until, resource: Arc::new(resource(&row)) });
    }
    known
});

impl BuiltIn {
    fn is_served(&self, cluster: &Cluster) -> bool {
        let beta = self.resource.version.contains("beta");
        (!beta || cluster.conditions.beta_apis)
            && (self.since..=self.until).contains(&cluster.served.minor)
            && !self.resource.version.contains("alpha")
    }
}

pub(super) fn find(cluster: &Cluster, group: &str, version: &str, plural: &str) -> Option<Arc<Resource>> {
    let known = &*KNOWN;
    let built_in = known.all.get(*known.places.get(&(group, version, plural))?)?;
    built_in.is_served(cluster).then(|| Arc::clone(&built_in.resource))
}

pub(super) fn served(cluster: &Cluster) -> impl Iterator<Item = Arc<Resource>> {
    KNOWN.all.iter().filter(|b| b.is_served(cluster)).map(|b| Arc::clone(&b.resource))
}

fn resource(row: &Row) -> Resource {
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect();
    let kind: Arc<str> = row.kind.into();
    Resource {
        group: row.group.into(),
        version: row.version.into(),
        plural: row.plural.into(),
        singular: row.kind.to_lowercase().into(),
        list_kind: format!("{}List", row.kind).into(),
        namespaced: row.namespaced,
        short_names: words(row.short),
        categories: words(row.categories),
        verbs: verbs(row),
        subresources: row.sub.split_whitespace().map(|name| part(row.plural, name, &kind)).collect(),
        kind,
        defined: None,
    }
}

fn verbs(row: &Row) -> &'static [&'static str] {
    match (row.group, row.plural) {
        ("", "bindings") | ("authentication.k8s.io" | "authorization.k8s.io", _) => &["create"],
        ("", "componentstatuses") => &["get", "list"],
        ("", "namespaces") => &["create", "delete", "get", "list", "patch", "update", "watch"],
        _ => ALL_VERBS,
    }
}

fn part(plural: &str, name: &'static str, kind: &Arc<str>) -> Subresource {
    const CHANGE: &[&str] = &["get", "patch", "update"];
    const CONNECT: &[&str] = &["create", "get"];
    const PROXY: &[&str] = &["create", "delete", "get", "patch", "update"];
    let own = ("", "", Arc::clone(kind));
    let (kind, verbs): ((&'static str, &'static str, Arc<str>), &'static [&'static str]) = match name {
        "scale" => (("autoscaling", "v1", "Scale".into()), CHANGE),
        "eviction" => (("policy", "v1", "Eviction".into()), &["create"]),
        "token" => (("authentication.k8s.io", "v1", "TokenRequest".into()), &["create"]),
        "binding" => (("", "", "Binding".into()), &["create"]),
        "finalize" => (own, &["update"]),
        "log" => (own, &["get"]),
        "attach" => (("", "", "PodAttachOptions".into()), CONNECT),
        "exec" => (("", "", "PodExecOptions".into()), CONNECT),
        "portforward" => (("", "", "PodPortForwardOptions".into()), CONNECT),
        "proxy" => {
            let kind = match plural {
                "nodes" => "NodeProxyOptions",
                "pods" => "PodProxyOptions",
                _ => "ServiceProxyOptions",
            };
            (("", "", kind.into()), PROXY)
        }
        _ => (own, CHANGE),
    };
    Subresource { name, kind, verbs }
}
