//! What two sets of CustomResourceDefinitions differ in, as far as it breaks those who use them: kinds and
//! versions that are gone, and schemas that take less.

use std::collections::BTreeMap;

use serde_json::Value;

use super::change::{Kind, Sign, Weight};
use super::found::{Found, Told};
use super::plain;
use super::schema::{self, Dialect};
use crate::json::{At as _, list, text};

/// A definition, as far as it is compared.
struct Definition<'v> {
    kind: &'v str,
    scope: &'v str,
    /// Whether fields that no schema names are kept (only v1beta1 has that).
    keeps_unknown: bool,
    versions: BTreeMap<&'v str, Version<'v>>,
}

#[derive(Default)]
struct Version<'v> {
    served: bool,
    stored: bool,
    has_status: bool,
    schema: Option<&'v Value>,
}

/// What the definitions among some objects take less than those among others. `newest` is the version that
/// has the new ones; other kinds of objects, and the order, make no difference.
pub fn between(old: &[Value], new: &[Value], newest: &str) -> Found {
    let (old, new) = (definitions(old), definitions(new));
    let mut found = Found::default();
    for (name, before) in &old {
        match new.get(name) {
            Some(after) => compare(name, before, after, &mut found),
            None => {
                tell(&mut found, Weight::Certain, name, &format!("the definition of {} is gone", before.kind))
            }
        }
    }
    for (name, after) in new.iter().filter(|(name, _)| !old.contains_key(*name)) {
        let text = format!("the kind {} (`{name}`)", after.kind);
        found.tell(Told { version: newest, kind: Kind::Added, text: &text, links: Vec::new(), weight: None });
    }
    found
}

fn tell(found: &mut Found, weight: Weight, name: &str, what: &str) {
    found.compare(Sign::Crd, weight, &format!("`{}`: {what}", plain::line(name)));
}

/// The definitions among objects by their names; of several with one name the same one is taken in any order.
fn definitions(objects: &[Value]) -> BTreeMap<&str, Definition<'_>> {
    let mut all: BTreeMap<&str, &Value> = BTreeMap::new();
    for object in objects {
        let group = text(object, "/apiVersion").split('/').next().unwrap_or_default();
        let name = text(object, "/metadata/name");
        if group != "apiextensions.k8s.io"
            || text(object, "/kind") != "CustomResourceDefinition"
            || name.is_empty()
        {
            continue;
        }
        let known = all.entry(name).or_insert(object);
        if *known != object {
            let (own, other) = (object.to_string(), known.to_string());
            *known = if own < other { object } else { known };
        }
    }
    all.into_iter().map(|(name, object)| (name, read(object))).collect()
}

fn read(object: &Value) -> Definition<'_> {
    let mut versions: BTreeMap<&str, Version<'_>> = BTreeMap::new();
    let common = object.at("/spec/validation/openAPIV3Schema");
    let has_status = object.at("/spec/subresources/status").is_some();
    for version in list(object, "/spec/versions") {
        let is = |path: &str| version.at(path).and_then(Value::as_bool).unwrap_or(false);
        let own = Version {
            served: is("/served"),
            stored: is("/storage"),
            has_status: has_status || version.at("/subresources/status").is_some(),
            schema: version.at("/schema/openAPIV3Schema").or(common),
        };
        versions.entry(text(version, "/name")).or_insert(own);
    }
    // v1beta1 may name its only version in another place.
    let only = text(object, "/spec/version");
    if versions.is_empty() && !only.is_empty() {
        versions.insert(only, Version { served: true, stored: true, has_status, schema: common });
    }
    let beta = text(object, "/apiVersion").ends_with("/v1beta1");
    let keeps = object.at("/spec/preserveUnknownFields").and_then(Value::as_bool);
    Definition {
        kind: text(object, "/spec/names/kind"),
        scope: text(object, "/spec/scope"),
        keeps_unknown: keeps.unwrap_or(beta),
        versions,
    }
}

fn compare(name: &str, old: &Definition<'_>, new: &Definition<'_>, found: &mut Found) {
    if old.scope != new.scope {
        let what = format!("its scope changes from {} to {}", plain::line(old.scope), plain::line(new.scope));
        tell(found, Weight::Certain, name, &what);
    }
    if old.kind != new.kind {
        let what = format!("its kind changes from {} to {}", plain::line(old.kind), plain::line(new.kind));
        tell(found, Weight::Certain, name, &what);
    }
    if old.keeps_unknown && !new.keeps_unknown {
        tell(found, Weight::Likely, name, "fields that no schema names are dropped now");
    }
    let stored = |definition: &Definition<'_>| {
        definition.versions.iter().find(|(_, version)| version.stored).map(|(name, _)| plain::line(name))
    };
    if let (Some(before), Some(after)) = (stored(old), stored(new))
        && before != after
    {
        tell(found, Weight::Hint, name, &format!("objects are stored as {after}, and were as {before}"));
    }
    for (version, before) in old.versions.iter().filter(|(_, version)| version.served) {
        let at = format!("spec.versions[{}]", plain::line(version));
        match new.versions.get(version) {
            None => tell(found, Weight::Certain, name, &format!("`{at}` is gone")),
            Some(after) if !after.served => {
                tell(found, Weight::Certain, name, &format!("`{at}` is not served any more"));
            }
            Some(after) => schemas(name, &at, before, after, found),
        }
    }
}

fn schemas(name: &str, at: &str, old: &Version<'_>, new: &Version<'_>, found: &mut Found) {
    if old.has_status && !new.has_status {
        tell(found, Weight::Likely, name, &format!("`{at}` has no subresource `status` any more"));
    }
    let (Some(before), Some(after)) = (old.schema, new.schema) else { return };
    let (all, cut) = schema::narrowed(before, after, at, Dialect::Definition);
    found.cut += cut;
    let status = format!("{at}.status");
    for one in all {
        // Controllers write the status, and they come with the definition.
        let weight = if one.path.starts_with(&status) { Weight::Hint } else { one.weight };
        tell(found, weight, name, &format!("`{}` {}", one.path, one.what));
    }
}

#[cfg(test)]
#[path = "crd_tests.rs"]
mod tests;
