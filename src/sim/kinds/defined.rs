//! The resources that definitions in the store add.

use std::sync::Arc;

use serde_json::Value;

use super::{DEFINED_VERBS, Resource, Subresource};
use crate::sim::fields::Schema;
use crate::sim::json::{At as _, holds, list, text};
use crate::sim::store::{Key, Store};

const GROUP: &str = "apiextensions.k8s.io";
const PLURAL: &str = "customresourcedefinitions";

/// What a definition says of one version of its kind.
#[derive(Debug, Clone)]
pub struct Defined {
    /// The schema of its objects.
    pub schema: Schema,
    /// Whether the definition has one at all.
    pub has_schema: bool,
    /// The version that objects are stored in.
    pub storage: String,
    /// What a client of this version is warned of.
    pub deprecated: Option<String>,
    /// Where its scale stands.
    pub scale: Option<Scaling>,
    /// Whether it is new content's last chance: the definition is being deleted.
    pub terminating: bool,
}

/// Where the scale of a custom resource stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scaling {
    /// Path of the wished replicas, such as `.spec.replicas`.
    pub spec: String,
    /// Path of the present replicas.
    pub status: String,
    /// Path of the selector, if it has one.
    pub selector: Option<String>,
}

/// What a definition comes to.
#[derive(Debug)]
pub struct Definition {
    /// Whether its names were accepted and its kind is served.
    pub established: bool,
    /// Whether it is being deleted.
    pub going: bool,
    resources: Vec<Arc<Resource>>,
}

/// What a definition in the store comes to; reckoned once for all that are alike in the whole fleet.
pub fn definition(store: &Store, key: &Key) -> Option<Arc<Definition>> {
    store.derived(key, |definition| Definition {
        established: holds(definition, "Established"),
        going: definition.at("/metadata/deletionTimestamp").is_some(),
        resources: resources(definition).into_iter().map(Arc::new).collect(),
    })
}

/// The resource of a definition whose names were accepted and which is served.
pub(super) fn find(store: &Store, group: &str, version: &str, plural: &str) -> Option<Arc<Resource>> {
    if group.is_empty() {
        return None;
    }
    let definition = definition(store, &Key::new(GROUP, PLURAL, "", &format!("{plural}.{group}")))?;
    definition.resources.iter().find(|resource| *resource.version == *version).cloned()
}

/// Every resource that definitions add: groups by name, versions in their order of priority.
pub(super) fn served(store: &Store) -> Vec<Arc<Resource>> {
    let definitions = store.keys(GROUP, PLURAL, None).filter_map(|key| definition(store, key));
    let mut all: Vec<Arc<Resource>> =
        definitions.flat_map(|definition| definition.resources.clone()).collect();
    all.sort_by(|a, b| {
        let versions = || priority(&b.version).cmp(&priority(&a.version));
        a.group.cmp(&b.group).then_with(versions).then_with(|| a.plural.cmp(&b.plural))
    });
    all
}

/// What makes a version come before others: stable before beta before alpha, then the higher number
/// (kubernetes.io, "Version priority").
fn priority(version: &str) -> (u8, u64, u64) {
    let parse = || {
        let rest = version.strip_prefix('v')?;
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let (major, stage) = rest.split_at(digits);
        let major = major.parse::<u64>().ok()?;
        if stage.is_empty() {
            return Some((3, major, 0));
        }
        let (rank, minor) = match stage.strip_prefix("beta") {
            Some(minor) => (2, minor),
            None => (1, stage.strip_prefix("alpha")?),
        };
        Some((rank, major, if minor.is_empty() { 1 } else { minor.parse().ok()? }))
    };
    parse().unwrap_or_default()
}

fn resources(definition: &Value) -> Vec<Resource> {
    let text = |path: &str| text(definition, path);
    if !holds(definition, "Established") {
        return Vec::new();
    }
    let versions = list(definition, "/spec/versions");
    let is = |version: &Value, field: &str| version.get(field).and_then(Value::as_bool) == Some(true);
    let name = |version: &Value| version.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
    let storage = versions.iter().find(|v| is(v, "storage")).map(name).unwrap_or_default();
    let words = |path: &str| -> Vec<String> {
        list(definition, path).iter().filter_map(|w| w.as_str().map(str::to_owned)).collect()
    };
    let kind: Arc<str> = text("/spec/names/kind").into();
    let group: Arc<str> = text("/spec/group").into();
    let or = |path: &str, other: String| match text(path) {
        "" => other,
        found => found.to_owned(),
    };
    let one = |version: &Value| Resource {
        group: Arc::clone(&group),
        version: name(version).into(),
        plural: text("/spec/names/plural").into(),
        singular: or("/spec/names/singular", kind.to_lowercase()).into(),
        kind: Arc::clone(&kind),
        list_kind: or("/spec/names/listKind", format!("{kind}List")).into(),
        namespaced: text("/spec/scope") == "Namespaced",
        short_names: words("/spec/names/shortNames"),
        categories: words("/spec/names/categories"),
        verbs: DEFINED_VERBS,
        subresources: subresources(version, &kind),
        defined: Some(Defined {
            schema: schema(version),
            has_schema: version.at("/schema/openAPIV3Schema").is_some_and(|schema| !schema.is_null()),
            storage: storage.clone(),
            deprecated: is(version, "deprecated").then(|| {
                let said = version.get("deprecationWarning").and_then(Value::as_str).map(str::to_owned);
                said.unwrap_or_else(|| {
                    let better = |other: &&Value| {
                        is(other, "served")
                            && !is(other, "deprecated")
                            && priority(&name(other)) > priority(&name(version))
                    };
                    let newest = versions.iter().filter(better).max_by_key(|other| priority(&name(other)));
                    let instead = newest
                        .map(|other| format!("; use {group}/{} {kind}", name(other)))
                        .unwrap_or_default();
                    format!("{group}/{} {kind} is deprecated{instead}", name(version))
                })
            }),
            scale: scaling(version),
            terminating: definition.at("/metadata/deletionTimestamp").is_some(),
        }),
    };
    versions.iter().filter(|version| is(version, "served")).map(one).collect()
}

/// The schema of a version's objects.
fn schema(version: &Value) -> Schema {
    let schema = Schema::of_definition(version.at("/schema/openAPIV3Schema").unwrap_or(&Value::Null));
    let has_status = version.at("/subresources/status").is_some_and(Value::is_object);
    if has_status { schema.with_status() } else { schema }
}

fn subresources(version: &Value, kind: &Arc<str>) -> Vec<Subresource> {
    const CHANGE: &[&str] = &["get", "patch", "update"];
    let has = |name: &str| version.at(&format!("/subresources/{name}")).is_some_and(Value::is_object);
    let mut parts = Vec::new();
    if has("status") {
        parts.push(Subresource { name: "status", kind: ("", "", Arc::clone(kind)), verbs: CHANGE });
    }
    if has("scale") {
        parts.push(Subresource { name: "scale", kind: ("autoscaling", "v1", "Scale".into()), verbs: CHANGE });
    }
    parts
}

fn scaling(version: &Value) -> Option<Scaling> {
    let scale = version.at("/subresources/scale")?;
    let text = |key: &str| scale.get(key).and_then(Value::as_str).map(str::to_owned);
    Some(Scaling {
        spec: text("specReplicasPath")?,
        status: text("statusReplicasPath")?,
        selector: text("labelSelectorPath"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_come_in_the_order_of_their_priority() {
        let mut versions = ["v1alpha1", "v2", "v1beta2", "v10", "foo", "v1beta10", "v1", "v2beta1"];
        versions.sort_by_key(|v| std::cmp::Reverse(priority(v)));
        assert_eq!(versions, ["v10", "v2", "v1", "v2beta1", "v1beta10", "v1beta2", "v1alpha1", "foo"]);
    }
}
