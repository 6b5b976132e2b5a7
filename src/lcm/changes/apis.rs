//! Which Kubernetes APIs two renderings use: those that come, those that go, and those that only move to
//! another group or version.

use std::collections::BTreeSet;
use std::fmt;

use serde_json::Value;

use super::change::{Sign, Weight};
use super::found::Found;
use crate::json::{list, text};

/// An API: what kind of objects it has, and where it is served.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
pub struct Api {
    /// The group; empty for the core group.
    pub group: String,
    /// The kind.
    pub kind: String,
    /// The version.
    pub version: String,
}

/// What two renderings differ in.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Difference {
    /// Only the new one uses them.
    pub added: Vec<Api>,
    /// Only the old one uses them.
    pub removed: Vec<Api>,
    /// The same kind from another group or version: from, to.
    pub moved: Vec<(Api, Api)>,
    /// Those of `added` and of the ends of `moved` that neither Kubernetes nor the new rendering defines:
    /// the cluster must have them already.
    pub foreign: Vec<Api>,
}

/// Groups that Kubernetes serves itself (kubernetes.io/docs/reference/kubernetes-api). Others that end with
/// `k8s.io` are somebody's definitions.
const OWN: [&str; 23] = [
    "",
    "admissionregistration.k8s.io",
    "apiextensions.k8s.io",
    "apiregistration.k8s.io",
    "apps",
    "authentication.k8s.io",
    "authorization.k8s.io",
    "autoscaling",
    "batch",
    "certificates.k8s.io",
    "coordination.k8s.io",
    "discovery.k8s.io",
    "events.k8s.io",
    "extensions",
    "flowcontrol.apiserver.k8s.io",
    "internal.apiserver.k8s.io",
    "networking.k8s.io",
    "node.k8s.io",
    "policy",
    "rbac.authorization.k8s.io",
    "resource.k8s.io",
    "scheduling.k8s.io",
    "storage.k8s.io",
];

impl Api {
    /// The API of an object, if it names one.
    pub fn of(object: &Value) -> Option<Self> {
        let (version, kind) = (text(object, "/apiVersion"), text(object, "/kind"));
        let (group, version) = version.rsplit_once('/').unwrap_or(("", version));
        let [group, version, kind] = [group, version, kind].map(str::to_owned);
        (!version.is_empty() && !kind.is_empty()).then_some(Self { group, kind, version })
    }
}

impl fmt::Display for Api {
    /// `Deployment (apps/v1)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.group.as_str() {
            "" => write!(f, "{} ({})", self.kind, self.version),
            group => write!(f, "{} ({group}/{})", self.kind, self.version),
        }
    }
}

/// What the objects of two renderings differ in; their order, and how many there are of a kind, makes no
/// difference.
pub fn between(old: &[Value], new: &[Value]) -> Difference {
    let all = |objects: &[Value]| objects.iter().filter_map(Api::of).collect::<BTreeSet<Api>>();
    let (before, after) = (all(old), all(new));
    let mut added: Vec<Api> = after.difference(&before).cloned().collect();
    let mut removed: Vec<Api> = before.difference(&after).cloned().collect();
    let mut moved = Vec::new();
    // First those that stay in their group.
    for same_group in [true, false] {
        removed.retain(|from| {
            let to =
                added.iter().position(|to| to.kind == from.kind && (to.group == from.group) == same_group);
            let Some(to) = to else { return true };
            moved.push((from.clone(), added.remove(to)));
            false
        });
    }
    moved.sort();
    let defined = defined(new);
    let is_foreign = |api: &&Api| {
        !OWN.contains(&api.group.as_str()) && !defined.contains(&(api.group.as_str(), api.kind.as_str()))
    };
    let mut foreign: Vec<Api> =
        added.iter().chain(moved.iter().map(|(_, to)| to)).filter(is_foreign).cloned().collect();
    foreign.sort();
    Difference { added, removed, moved, foreign }
}

/// Groups and kinds that a rendering defines.
fn defined(objects: &[Value]) -> BTreeSet<(&str, &str)> {
    let definitions = objects.iter().filter(|object| text(object, "/kind") == "CustomResourceDefinition");
    definitions
        .filter(|object| {
            !list(object, "/spec/versions").is_empty() || !text(object, "/spec/version").is_empty()
        })
        .map(|object| (text(object, "/spec/group"), text(object, "/spec/names/kind")))
        .collect()
}

impl Difference {
    /// What it says about a break.
    pub fn found(&self) -> Found {
        let mut found = Found::default();
        let mut tell = |weight, what: String| found.compare(Sign::Api, weight, &what);
        for api in &self.foreign {
            tell(Weight::Likely, format!("it needs {api}, which it does not define itself"));
        }
        for (from, to) in self.moved.iter().filter(|(_, to)| !self.foreign.contains(to)) {
            tell(Weight::Hint, format!("it uses {to} in place of {from}"));
        }
        for api in &self.removed {
            tell(Weight::Hint, format!("it does not use {api} any more"));
        }
        for api in self.added.iter().filter(|api| !self.foreign.contains(api)) {
            tell(Weight::Hint, format!("it uses {api}, which it did not"));
        }
        found
    }
}

#[cfg(test)]
#[path = "apis_tests.rs"]
mod tests;
