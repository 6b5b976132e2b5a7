//! What is asked before anything else: version, health, and which groups, versions and resources there
//! are.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use base64::Engine as _;
use serde_json::{Map, Value, json};

use super::media::wants_aggregated;
use super::request::{Answer, Reply, Request, segments};
use super::status::{Fault, Outcome};
use crate::sim::cluster::Cluster;
use crate::sim::kinds::{self, Resource};

/// The answer to a path that is not about objects; `None` if it is not one.
pub(super) fn answer(cluster: &Cluster, request: &Request<'_>) -> Option<Outcome<Answer>> {
    let segments = segments(request.path.trim_end_matches('/'));
    let words: Vec<&str> = segments.iter().map(String::as_str).collect();
    let reads = matches!(*request.method, http::Method::GET | http::Method::HEAD);
    let found = match words.as_slice() {
        ["readyz" | "livez" | "healthz"] => Ok(Answer::text(200, "ok")),
        ["version"] => Ok(Answer::json(200, version(cluster))),
        [root @ ("api" | "apis")] if wants_aggregated(request) => Ok(Answer {
            status: 200,
            headers: Vec::new(),
            body: Reply::Discovery(aggregated(cluster, *root == "api")),
        }),
        ["api"] => Ok(Answer::json(200, core_versions())),
        ["apis"] => Ok(Answer::json(200, groups(cluster))),
        ["apis", group] => group_of(cluster, group),
        ["api", version] => resources(cluster, "", version),
        ["apis", group, version] => resources(cluster, group, version),
        _ => return None,
    };
    Some(match found {
        Ok(_) if !reads => Err(Fault::not_allowed()),
        found => found,
    })
}

/// `/version`: the binary's, and beside it the minor that it emulates.
fn version(cluster: &Cluster) -> Value {
    let (binary, served) = (&cluster.binary, cluster.served);
    let minor = binary.minor();
    let emulates = if served < minor { served.minor } else { minor.minor };
    let git = binary.to_string();
    let git = if git.starts_with('v') { git } else { format!("v{git}") };
    json!({
        "major": minor.major.to_string(), "minor": minor.minor.to_string(),
        "emulationMajor": minor.major.to_string(), "emulationMinor": emulates.to_string(),
        "minCompatibilityMajor": minor.major.to_string(),
        "minCompatibilityMinor": emulates.saturating_sub(1).to_string(),
        "gitVersion": git, "gitCommit": "", "gitTreeState": "clean",
        "buildDate": "1970-01-01T00:00:00Z", "goVersion": "go1.26.0", "compiler": "gc",
        "platform": "linux/amd64",
    })
}

fn core_versions() -> Value {
    json!({
        "kind": "APIVersions", "versions": ["v1"],
        "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": "10.0.0.1:6443"}],
    })
}

/// Versions with their resources.
type Versions = Vec<(String, Vec<Arc<Resource>>)>;

/// Groups with their versions, in the order of discovery.
fn by_group(resources: Vec<Arc<Resource>>) -> Vec<(String, Versions)> {
    let mut groups: Vec<(String, Versions)> = Vec::new();
    for resource in resources {
        let at = match groups.iter().position(|(name, _)| **name == *resource.group) {
            Some(at) => at,
            None => {
                groups.push((resource.group.to_string(), Vec::new()));
                groups.len() - 1
            }
        };
        let Some((_, versions)) = groups.get_mut(at) else { continue };
        match versions.iter_mut().find(|(name, _)| **name == *resource.version) {
            Some((_, resources)) => resources.push(resource),
            None => versions.push((resource.version.to_string(), vec![resource])),
        }
    }
    // What came in several rows of the table stands in the order of names.
    for (_, resources) in groups.iter_mut().flat_map(|(_, versions)| versions) {
        resources.sort_by(|a, b| a.plural.cmp(&b.plural));
    }
    groups
}

fn group_json(name: &str, versions: &[(String, Vec<Arc<Resource>>)]) -> Value {
    let one = |version: &str| json!({"groupVersion": format!("{name}/{version}"), "version": version});
    let all: Vec<Value> = versions.iter().map(|(version, _)| one(version)).collect();
    let preferred = all.first().cloned().unwrap_or_default();
    json!({"name": name, "versions": all, "preferredVersion": preferred})
}

fn groups(cluster: &Cluster) -> Value {
    let groups = by_group(kinds::served(cluster));
    let groups = groups.iter().filter(|(name, _)| !name.is_empty());
    let all: Vec<Value> = groups.map(|(name, versions)| group_json(name, versions)).collect();
    json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": all})
}

fn group_of(cluster: &Cluster, name: &str) -> Outcome<Answer> {
    let groups = by_group(kinds::served(cluster));
    let found = groups.iter().find(|(group, _)| group == name && !name.is_empty());
    let (_, versions) = found.ok_or_else(Fault::unknown_path)?;
    let mut json = json!({"kind": "APIGroup", "apiVersion": "v1"});
    if let (Value::Object(json), Value::Object(group)) = (&mut json, group_json(name, versions)) {
        json.extend(group);
    }
    Ok(Answer::json(200, json))
}

fn resources(cluster: &Cluster, group: &str, version: &str) -> Outcome<Answer> {
    let groups = by_group(kinds::served(cluster));
    let versions = groups.iter().filter(|(name, _)| name == group).flat_map(|(_, versions)| versions);
    let found = versions.into_iter().find(|(name, _)| name == version);
    let (_, resources) = found.ok_or_else(|| missing(cluster, group))?;
    let list: Vec<Value> = resources.iter().flat_map(|resource| listed(resource)).collect();
    let group_version = if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") };
    let mut json = json!({"kind": "APIResourceList", "groupVersion": group_version, "resources": list});
    if !group.is_empty() {
        json["apiVersion"] = "v1".into();
    }
    Ok(Answer::json(200, json))
}

/// What is answered to a path of a group that does not lead anywhere.
pub(super) fn missing(cluster: &Cluster, group: &str) -> Fault {
    let built_in = |resource: &Arc<Resource>| *resource.group == *group && resource.defined.is_none();
    if kinds::served(cluster).iter().any(built_in) { Fault::nowhere() } else { Fault::unknown_path() }
}

/// A resource and its parts, as the lists of one group and version show them.
fn listed(resource: &Resource) -> Vec<Value> {
    let mut own = json!({
        "name": &*resource.plural, "singularName": &*resource.singular, "namespaced": resource.namespaced,
        "kind": &*resource.kind, "verbs": resource.verbs,
    });
    if !resource.short_names.is_empty() {
        own["shortNames"] = resource.short_names.clone().into();
    }
    if !resource.categories.is_empty() {
        own["categories"] = resource.categories.clone().into();
    }
    if let Some(hash) = storage_hash(resource) {
        own["storageVersionHash"] = hash.into();
    }
    let part = |part: &kinds::Subresource| {
        let (group, version, kind) = &part.kind;
        let mut json = json!({
            "name": format!("{}/{}", resource.plural, part.name), "singularName": "",
            "namespaced": resource.namespaced, "kind": &**kind, "verbs": part.verbs,
        });
        if !group.is_empty() {
            json["group"] = (*group).into();
            json["version"] = (*version).into();
        }
        json
    };
    let parts: Vec<Value> = resource.subresources.iter().map(part).collect();
    std::iter::once(own).chain(parts).collect()
}

/// By which clients see that a resource is stored otherwise than before.
fn storage_hash(resource: &Resource) -> Option<String> {
    if !resource.verbs.contains(&"watch") {
        return None;
    }
    // The storage version of some is another than the one that is served.
    let (group, version) = match (&*resource.group, &*resource.kind) {
        (group, _) if resource.defined.is_some() => {
            (group, resource.defined.as_ref().map(|d| d.storage.as_str()).unwrap_or_default())
        }
        ("events.k8s.io", "Event") => ("", "v1"),
        ("autoscaling", _) => ("autoscaling", "v2"),
        ("apiextensions.k8s.io", _) => ("apiextensions.k8s.io", "v1beta1"),
        ("admissionregistration.k8s.io", kind) if kind.starts_with("MutatingAdmission") => {
            ("admissionregistration.k8s.io", "v1beta1")
        }
        (group, _) => (group, &*resource.version),
    };
    let digest = crate::digest::bytes(format!("{group}/{version}/{}", resource.kind).as_bytes());
    Some(base64::engine::general_purpose::STANDARD.encode(digest.as_bytes().get(..8)?))
}

/// The aggregated answer, as JSON. It is long and asked for in every session, so that what is built in
/// is written once for all clusters that serve the same.
fn aggregated(cluster: &Cluster, core: bool) -> String {
    static BUILT_IN: LazyLock<Mutex<HashMap<kinds::BuiltInFor, [Arc<str>; 2]>>> =
        LazyLock::new(Mutex::default);
    let built_in = {
        let mut known = BUILT_IN.lock().unwrap_or_else(PoisonError::into_inner);
        let [rest, core_group] = known.entry(kinds::built_in_for(cluster)).or_insert_with(|| {
            let groups = by_group(kinds::built_in(cluster));
            [false, true].map(|core| groups_json(&groups, core).into())
        });
        Arc::clone(if core { core_group } else { rest })
    };
    let defined = groups_json(&by_group(kinds::defined(cluster)), core);
    let between = if built_in.is_empty() || defined.is_empty() { "" } else { "," };
    let head =
        r#"{"kind":"APIGroupDiscoveryList","apiVersion":"apidiscovery.k8s.io/v2","metadata":{},"items":["#;
    format!("{head}{built_in}{between}{defined}]}}")
}

/// Groups as the aggregated answer lists them, with commas between: the core group, or all others.
fn groups_json(groups: &[(String, Versions)], core: bool) -> String {
    let mut items = Vec::new();
    for (name, versions) in groups.iter().filter(|(name, _)| name.is_empty() == core) {
        let mut metadata = Map::new();
        if !core {
            metadata.insert("name".to_owned(), name.clone().into());
        }
        let versions: Vec<Value> = versions
            .iter()
            .map(|(version, resources)| {
                let resources: Vec<Value> = resources.iter().map(|r| discovered(r)).collect();
                json!({"version": version, "resources": resources, "freshness": "Current"})
            })
            .collect();
        items.push(json!({"metadata": metadata, "versions": versions}).to_string());
    }
    items.join(",")
}

fn discovered(resource: &Resource) -> Value {
    // What a definition adds is named in full, what is built in by its kind alone.
    let own = |kind: &str| match resource.defined {
        Some(_) => json!({"group": &*resource.group, "version": &*resource.version, "kind": kind}),
        None => json!({"group": "", "version": "", "kind": kind}),
    };
    let mut json = json!({
        "resource": &*resource.plural, "responseKind": own(&resource.kind),
        "scope": if resource.namespaced { "Namespaced" } else { "Cluster" },
        "singularResource": &*resource.singular, "verbs": resource.verbs,
    });
    if !resource.short_names.is_empty() {
        json["shortNames"] = resource.short_names.clone().into();
    }
    if !resource.categories.is_empty() {
        json["categories"] = resource.categories.clone().into();
    }
    let part = |part: &kinds::Subresource| {
        let (group, version, kind) = &part.kind;
        let kind = match *group {
            "" => own(kind),
            group => json!({"group": group, "version": version, "kind": &**kind}),
        };
        json!({"subresource": part.name, "responseKind": kind, "verbs": part.verbs})
    };
    let parts: Vec<Value> = resource.subresources.iter().map(part).collect();
    if !parts.is_empty() {
        json["subresources"] = parts.into();
    }
    json
}
