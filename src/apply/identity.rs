//! Which object is which: group, kind, namespace and name. The version is left out on purpose, since
//! one object is served in several; the scope of a kind is asked of whoever knows it.

use std::fmt;

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
