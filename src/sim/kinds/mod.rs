//! Which resources a simulated API server serves: the built-in ones by minor, and what definitions in the
//! store add.

mod builtin;
mod defined;
mod table;

use std::sync::Arc;

use super::cluster::Cluster;
use crate::version::KubeMinor;
pub use defined::{Defined, Definition, Scaling, definition};

/// Every verb that a resource may have, in the order of discovery.
pub const ALL_VERBS: &[&str] =
    &["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];

/// The same verbs in the order in which the discovery of definitions' kinds shows them.
pub const DEFINED_VERBS: &[&str] =
    &["delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"];

/// A resource of one group and version as a server serves it.
#[derive(Debug, Clone)]
pub struct Resource {
    /// The group; empty for the core group.
    pub group: Arc<str>,
    /// The version.
    pub version: Arc<str>,
    /// The plural, as paths have it.
    pub plural: Arc<str>,
    /// The singular.
    pub singular: Arc<str>,
    /// The kind.
    pub kind: Arc<str>,
    /// The kind of its lists.
    pub list_kind: Arc<str>,
    /// Whether its objects live in namespaces.
    pub namespaced: bool,
    /// Short names.
    pub short_names: Vec<String>,
    /// Categories.
    pub categories: Vec<String>,
    /// Verbs, in the order of discovery.
    pub verbs: &'static [&'static str],
    /// Its parts.
    pub subresources: Vec<Subresource>,
    /// What a definition says of it; `None` for a built-in one.
    pub defined: Option<Defined>,
}

/// A part of a resource, such as `status`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subresource {
    /// Its name.
    pub name: &'static str,
    /// Group, version and kind of what is sent and answered, where it is not the resource's own.
    pub kind: (&'static str, &'static str, Arc<str>),
    /// Its verbs.
    pub verbs: &'static [&'static str],
}

impl Resource {
    /// `GROUP/VERSION`, or the version alone in the core group.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() {
            self.version.to_string()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }

    /// `PLURAL.GROUP`, as messages name a resource.
    pub fn qualified(&self) -> String {
        if self.group.is_empty() {
            self.plural.to_string()
        } else {
            format!("{}.{}", self.plural, self.group)
        }
    }

    /// `KIND.GROUP`, as messages name a kind.
    pub fn qualified_kind(&self) -> String {
        if self.group.is_empty() { self.kind.to_string() } else { format!("{}.{}", self.kind, self.group) }
    }

    /// Whether it is this built-in resource.
    pub fn is(&self, group: &str, plural: &str) -> bool {
        *self.group == *group && *self.plural == *plural
    }

    /// A part of it.
    pub fn part(&self, name: &str) -> Option<&Subresource> {
        self.subresources.iter().find(|part| part.name == name)
    }

    /// Whether its status can only be written by itself.
    pub fn has_status(&self) -> bool {
        self.part("status").is_some()
    }
}

/// The resource behind a path, if the cluster serves it.
pub fn find(cluster: &Cluster, group: &str, version: &str, plural: &str) -> Option<Arc<Resource>> {
    builtin::find(cluster, group, version, plural)
        .or_else(|| defined::find(&cluster.store, group, version, plural))
}

/// The resource of a kind, if the cluster serves it in that version.
pub fn of_kind(cluster: &Cluster, group: &str, version: &str, kind: &str) -> Option<Arc<Resource>> {
    let all = served(cluster);
    all.into_iter().find(|r| *r.group == *group && *r.version == *version && *r.kind == *kind)
}

/// Everything that the cluster serves, in the order of discovery.
pub fn served(cluster: &Cluster) -> Vec<Arc<Resource>> {
    let mut all = built_in(cluster);
    all.extend(defined(cluster));
    all
}

/// What the cluster serves without any definition, in the order of discovery.
pub fn built_in(cluster: &Cluster) -> Vec<Arc<Resource>> {
    builtin::served(cluster).collect()
}

/// What definitions add, in the order of discovery.
pub fn defined(cluster: &Cluster) -> Vec<Arc<Resource>> {
    defined::served(&cluster.store)
}

/// What decides about what is built in: the minor, and whether betas are served.
pub type BuiltInFor = (KubeMinor, bool);

/// What decides about what is built in, for a cluster.
pub fn built_in_for(cluster: &Cluster) -> BuiltInFor {
    (cluster.served, cluster.conditions.beta_apis)
}
