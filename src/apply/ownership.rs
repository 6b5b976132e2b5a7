//! Whose every object is: the objects of all products of one cluster, each with its identity and one
//! owner, and what the objects need that no product brings.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::json::{At as _, list, text};
use crate::model::ProductName;

use super::identity::{Kind, NoIdentity, ObjectId, ProductSet, Rendered};

/// The scope of a kind, as far as somebody knows it.
pub trait Scopes {
    /// Whether objects of the kind live in namespaces; `None` if the kind is not known.
    fn namespaced(&self, kind: &Kind) -> Option<bool>;
}

impl<F: Fn(&Kind) -> Option<bool>> Scopes for F {
    fn namespaced(&self, kind: &Kind) -> Option<bool> {
        self(kind)
    }
}

/// What a CustomResourceDefinition among rendered objects defines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Defined {
    /// The definition's name, `widgets.example.com`.
    pub name: String,
    /// Whether its resources live in namespaces.
    pub namespaced: bool,
    /// The versions that it serves.
    pub versions: BTreeSet<String>,
}

/// The kinds that the definitions among the objects define, by group and kind.
pub fn definitions<'a>(objects: impl IntoIterator<Item = &'a Value>) -> BTreeMap<(String, String), Defined> {
    let mut found = BTreeMap::new();
    for object in objects {
        let of = |path: &str| object.at(path).and_then(Value::as_str).map(str::to_owned);
        let is_crd = Kind::of(object)
            .is_some_and(|k| k.group == "apiextensions.k8s.io" && k.kind == "CustomResourceDefinition");
        if !is_crd {
            continue;
        }
        let (Some(group), Some(kind), Some(name)) =
            (of("/spec/group"), of("/spec/names/kind"), of("/metadata/name"))
        else {
            continue;
        };
        let served = list(object, "/spec/versions")
            .iter()
            .filter(|v| v.get("served").and_then(Value::as_bool) != Some(false))
            .filter_map(|v| v.get("name")?.as_str().map(str::to_owned));
        let namespaced = of("/spec/scope").as_deref() != Some("Cluster");
        found.insert((group, kind), Defined { name, namespaced, versions: served.collect() });
    }
    found
}

/// The objects of all products, told apart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Owners {
    /// Which product has which object.
    pub owners: BTreeMap<ObjectId, ProductName>,
    /// What is wrong with the sets: one sentence each, with products and files.
    pub collisions: Vec<String>,
    /// Objects whose kind nobody knows, one sentence each.
    pub unknown: Vec<String>,
}

/// Finds the owner of each object; two that render one object are both named, with their files.
pub fn owners(all: &[ProductSet], scopes: &dyn Scopes) -> Owners {
    let mut result = Owners::default();
    let mut seen: BTreeMap<ObjectId, (&ProductName, &Rendered)> = BTreeMap::new();
    for set in all {
        for rendered in &set.objects {
            let id = match identify(rendered, scopes) {
                Ok(id) => id,
                Err(error) => {
                    result.unknown.push(format!("product {}, {}: {error}", set.product, rendered.origin));
                    continue;
                }
            };
            match seen.get(&id) {
                None => {
                    seen.insert(id.clone(), (&set.product, rendered));
                    result.owners.insert(id, set.product.clone());
                }
                Some((product, first)) if **product == set.product => result.collisions.push(format!(
                    "product {product} renders {id} twice: in {} and in {}",
                    first.origin, rendered.origin
                )),
                Some((product, first)) => result.collisions.push(format!(
                    "products {product} and {} both render {id}: {} and {}",
                    set.product, first.origin, rendered.origin
                )),
            }
        }
    }
    result
}

/// The identity of a rendered object.
///
/// # Errors
/// When it has none, or nobody knows its kind.
pub fn identify(rendered: &Rendered, scopes: &dyn Scopes) -> Result<ObjectId, NoIdentity> {
    let kind = Kind::of(&rendered.object).ok_or(NoIdentity::Incomplete("apiVersion or kind"))?;
    let namespaced = scopes.namespaced(&kind).ok_or(NoIdentity::UnknownKind(kind))?;
    ObjectId::of(&rendered.object, namespaced, rendered.namespace.as_deref())
}

/// The name of the ServiceAccount that the pods of an object use, if it makes pods and names one.
/// `default` is everywhere and not worth naming.
pub fn service_account(object: &Value) -> Option<&str> {
    let kind = Kind::of(object)?;
    let pod = match (kind.group.as_str(), kind.kind.as_str()) {
        ("", "Pod") => "/spec",
        ("apps", "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet")
        | ("batch", "Job")
        | ("", "ReplicationController") => "/spec/template/spec",
        ("batch", "CronJob") => "/spec/jobTemplate/spec/template/spec",
        _ => return None,
    };
    let spec = object.at(pod)?;
    let text = |key: &str| spec.get(key).and_then(Value::as_str).filter(|name| !name.is_empty());
    text("serviceAccountName").or_else(|| text("serviceAccount")).filter(|name| *name != "default")
}

/// What a new definition would take from one that is in the cluster: a stored version or the scope.
pub fn definition_change(live: &Value, new: &Value) -> Option<String> {
    let name = text(new, "/metadata/name");
    let (is, shall) = (text(live, "/spec/scope"), text(new, "/spec/scope"));
    if is != shall {
        return Some(format!(
            "CustomResourceDefinition {name} would change its scope from {is} to {shall}, which can't be \
             done: remove the definition with all its objects, or keep the scope"
        ));
    }
    let versions = list(new, "/spec/versions").iter();
    let kept: BTreeSet<&str> = versions.filter_map(|v| v.get("name")?.as_str()).collect();
    let stored = list(live, "/status/storedVersions").iter();
    let lost: Vec<&str> = stored.filter_map(Value::as_str).filter(|v| !kept.contains(v)).collect();
    (!lost.is_empty()).then(|| {
        format!(
            "CustomResourceDefinition {name} would lose version {}, in which objects may still be stored: \
             write every object once in a version that stays (a storage version migration), then take {} \
             out of status.storedVersions",
            lost.join(", "),
            lost.join(", ")
        )
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    fn rendered(object: Value, origin: &str) -> Rendered {
        Rendered { step: "manifests".into(), object, origin: origin.into(), namespace: None }
    }

    fn set(product: &str, objects: Vec<Rendered>) -> ProductSet {
        ProductSet { product: product.parse().unwrap(), objects }
    }

    fn config(name: &str) -> Value {
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "shop"}})
    }

    fn core(kind: &Kind) -> Option<bool> {
        (kind.group.is_empty()).then_some(kind.kind != "Namespace")
    }

    #[test]
    fn two_products_that_render_one_object_are_named_with_their_files() {
        let all = [
            set("app", vec![rendered(config("a"), "a.yaml:1"), rendered(config("b"), "a.yaml:9")]),
            set("web", vec![rendered(config("b"), "b.yaml:1")]),
        ];
        let found = owners(&all, &core);
        assert_eq!(
            found.collisions,
            ["products app and web both render ConfigMap shop/b: a.yaml:9 and b.yaml:1"]
        );
        assert_eq!(found.owners.len(), 2);
    }

    #[test]
    fn one_product_that_renders_an_object_twice_is_named_too() {
        let all = [set("app", vec![rendered(config("a"), "a.yaml:1"), rendered(config("a"), "b.yaml:1")])];
        assert_eq!(
            owners(&all, &core).collisions,
            ["product app renders ConfigMap shop/a twice: in a.yaml:1 and in b.yaml:1"]
        );
    }

    #[test]
    fn a_kind_that_nobody_knows_is_named_with_its_file() {
        let widget = json!({"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "a"}});
        let unknown = owners(&[set("app", vec![rendered(widget, "w.yaml:1")])], &core).unknown;
        assert!(unknown[0].starts_with("product app, w.yaml:1: the cluster does not know the kind Widget"));
    }

    #[test]
    fn a_definition_of_the_set_tells_the_scope_of_its_kind() {
        let crd = json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": {"name": "widgets.example.com"}, "spec": {"group": "example.com", "scope": "Cluster",
            "names": {"kind": "Widget"}, "versions": [{"name": "v1", "served": true}, {"name": "v0", "served": false}]}});
        let found = definitions([&crd]);
        let widget = &found[&("example.com".to_owned(), "Widget".to_owned())];
        assert!(!widget.namespaced);
        assert_eq!(widget.versions, BTreeSet::from(["v1".to_owned()]));
    }

    #[test]
    fn the_account_of_pods_is_found_wherever_pods_are_made() {
        let spec = json!({"serviceAccountName": "runner"});
        let cases = [
            json!({"apiVersion": "v1", "kind": "Pod", "spec": spec}),
            json!({"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"template": {"spec": spec}}}),
            json!({"apiVersion": "batch/v1", "kind": "CronJob",
                "spec": {"jobTemplate": {"spec": {"template": {"spec": spec}}}}}),
        ];
        for object in &cases {
            assert_eq!(service_account(object), Some("runner"), "{object}");
        }
        assert_eq!(
            service_account(
                &json!({"apiVersion": "v1", "kind": "Pod", "spec": {"serviceAccountName": "default"}})
            ),
            None
        );
        assert_eq!(service_account(&config("a")), None);
    }

    #[test]
    fn a13_a14_a_definition_may_lose_neither_a_stored_version_nor_its_scope() {
        let crd = |scope: &str, versions: &[&str], stored: &[&str]| {
            let versions: Vec<Value> = versions.iter().map(|v| json!({"name": v})).collect();
            json!({"metadata": {"name": "widgets.example.com"}, "spec": {"scope": scope, "versions": versions},
                "status": {"storedVersions": stored}})
        };
        let live = crd("Namespaced", &["v1alpha1", "v1"], &["v1alpha1", "v1"]);
        assert_eq!(definition_change(&live, &crd("Namespaced", &["v1alpha1", "v1"], &[])), None);
        let lost = definition_change(&live, &crd("Namespaced", &["v1"], &[])).unwrap();
        assert!(lost.contains("lose version v1alpha1") && lost.contains("migration"), "{lost}");
        let scope = definition_change(&live, &crd("Cluster", &["v1alpha1", "v1"], &[])).unwrap();
        assert!(scope.contains("from Namespaced to Cluster"), "{scope}");
    }
}
