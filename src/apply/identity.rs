//! Which object is which: group, kind, namespace and name. The version is left out on purpose, since
//! one object is served in several; the scope of a kind is asked of whoever knows it.

use std::fmt;

use serde_json::Value;

use crate::model::ProductName;

/// One rendered object of a product, as the renderers leave it.
#[derive(Debug, Clone, PartialEq)]
pub struct Rendered {
    /// The name of the deploy step that it belongs to.
    pub step: String,
    /// The object.
    pub object: serde_json::Value,
    /// Where it comes from, for people: `manifests/web.yaml:12`.
    pub origin: String,
    /// The namespace for an object of a namespaced kind that names none.
    pub namespace: Option<String>,
}

/// Everything that one product puts into a cluster, over all its deploy steps.
#[derive(Debug, Clone, PartialEq)]
pub struct ProductSet {
    /// The product.
    pub product: ProductName,
    /// Its objects.
    pub objects: Vec<Rendered>,
}

/// What tells one object of a cluster from every other.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub struct ObjectId {
    /// The API group; empty for the core group.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub group: String,
    /// The kind.
    pub kind: String,
    /// The namespace; empty for kinds without one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    /// The name.
    pub name: String,
}

impl fmt::Display for ObjectId {
    /// `Deployment shop/web`, `ClusterRole reader`, `Certificate.cert-manager.io shop/tls`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.kind)?;
        // Groups of Kubernetes itself add no meaning to a message; those of others do.
        if self.group.contains('.') && !self.group.ends_with(".k8s.io") {
            write!(f, ".{}", self.group)?;
        }
        match self.namespace.as_str() {
            "" => write!(f, " {}", self.name),
            namespace => write!(f, " {namespace}/{}", self.name),
        }
    }
}

/// Group, version and kind of an object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Kind {
    /// The API group; empty for the core group.
    pub group: String,
    /// The version.
    pub version: String,
    /// The kind.
    pub kind: String,
}

impl Kind {
    /// Reads `apiVersion` and `kind` of an object.
    pub fn of(object: &Value) -> Option<Self> {
        let kind = object.get("kind")?.as_str().filter(|k| !k.is_empty())?;
        Some(Self::parse(object.get("apiVersion")?.as_str()?, kind))
    }

    /// From an `apiVersion` (`apps/v1`, `v1`) and a kind.
    pub fn parse(api_version: &str, kind: &str) -> Self {
        let (group, version) = api_version.rsplit_once('/').unwrap_or(("", api_version));
        Self { group: group.to_owned(), version: version.to_owned(), kind: kind.to_owned() }
    }

    /// `apps/v1`, `v1`.
    pub fn api_version(&self) -> String {
        match self.group.as_str() {
            "" => self.version.clone(),
            group => format!("{group}/{}", self.version),
        }
    }
}

impl fmt::Display for Kind {
    /// `Deployment (apps/v1)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.kind, self.api_version())
    }
}

/// Why an object has no identity.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoIdentity {
    /// It has no `apiVersion`, `kind` or name.
    #[error("an object without {0}")]
    Incomplete(&'static str),
    /// Neither the cluster nor a CRD of the set knows its kind.
    #[error("the cluster does not know the kind {0}, and no CustomResourceDefinition of the set defines it")]
    UnknownKind(Kind),
}

impl ObjectId {
    /// The identity of an object whose kind is namespaced or not. A cluster-scoped kind has no
    /// namespace, whatever a renderer wrote; a namespaced one without falls back to `fallback`, then
    /// to `default`.
    ///
    /// # Errors
    /// When kind or name are missing.
    pub fn of(object: &Value, namespaced: bool, fallback: Option<&str>) -> Result<Self, NoIdentity> {
        let kind = Kind::of(object).ok_or(NoIdentity::Incomplete("apiVersion or kind"))?;
        let text = |key: &str| {
            let found = object.get("metadata")?.get(key)?.as_str()?;
            (!found.is_empty()).then(|| found.to_owned())
        };
        let name = text("name").ok_or(NoIdentity::Incomplete("metadata.name"))?;
        let namespace = match namespaced {
            false => String::new(),
            true => text("namespace").or_else(|| fallback.map(str::to_owned)).unwrap_or("default".to_owned()),
        };
        Ok(Self { group: kind.group, kind: kind.kind, namespace, name })
    }

    /// Whether it is of this group and kind.
    pub fn is(&self, group: &str, kind: &str) -> bool {
        self.group == group && self.kind == kind
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    fn id(object: &Value, namespaced: bool, fallback: Option<&str>) -> ObjectId {
        ObjectId::of(object, namespaced, fallback).unwrap()
    }

    #[test]
    fn a_cluster_scoped_object_has_no_namespace_whatever_the_renderer_wrote() {
        let object = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
            "metadata": {"name": "reader", "namespace": "shop"}});
        let plain = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
            "metadata": {"name": "reader"}});
        assert_eq!(id(&object, false, Some("x")), id(&plain, false, None));
    }

    #[test]
    fn a_namespaced_object_falls_back_to_its_steps_namespace_then_to_default() {
        let object = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}});
        assert_eq!(id(&object, true, Some("shop")).namespace, "shop");
        assert_eq!(id(&object, true, None).namespace, "default");
    }

    #[test]
    fn the_version_is_no_part_of_the_identity() {
        let old = json!({"apiVersion": "apps/v1beta1", "kind": "Deployment", "metadata": {"name": "a"}});
        let new = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a"}});
        assert_eq!(id(&old, true, None), id(&new, true, None));
    }

    #[test]
    fn an_identity_reads_like_kubectl() {
        let shown = |group: &str, kind: &str, namespace: &str| {
            ObjectId { group: group.into(), kind: kind.into(), namespace: namespace.into(), name: "a".into() }
                .to_string()
        };
        assert_eq!(shown("apps", "Deployment", "shop"), "Deployment shop/a");
        assert_eq!(shown("rbac.authorization.k8s.io", "ClusterRole", ""), "ClusterRole a");
        assert_eq!(shown("cert-manager.io", "Certificate", "shop"), "Certificate.cert-manager.io shop/a");
    }
}
