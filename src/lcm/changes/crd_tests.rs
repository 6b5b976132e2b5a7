//! Definitions of resources, old and new.

use super::*;
use crate::lcm::changes::Evidence;
use proptest::prelude::*;
use serde_json::json;

fn crd(versions: Value) -> Value {
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "certificates.x.example"},
        "spec": {"group": "x.example", "names": {"kind": "Certificate"}, "scope": "Namespaced", "versions": versions},
    })
}

fn version(name: &str, served: bool, stored: bool, spec: &Value) -> Value {
    json!({"name": name, "served": served, "storage": stored,
        "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": spec}}}})
}

fn told(old: &[Value], new: &[Value]) -> Vec<String> {
    let shown = |Evidence { weight, text, .. }| format!("{weight}: {text}");
    between(old, new, "2.0.0").evidence.into_iter().map(shown).collect()
}

#[test]
fn definitions_that_are_gone_and_that_are_new() {
    let own = crd(json!([version("v1", true, true, &json!({}))]));
    assert_eq!(
        told(std::slice::from_ref(&own), &[]),
        ["certain: `certificates.x.example`: the definition of Certificate is gone"]
    );
    let found = between(&[], &[own], "2.0.0");
    assert_eq!(found.changes[0].text, "the kind Certificate (`certificates.x.example`)");
    assert_eq!((found.changes[0].kind, found.evidence.len()), (Kind::Added, 0));
}

#[test]
fn versions_that_are_gone_unserved_or_stored_otherwise() {
    let any = json!({});
    let old = crd(json!([
        version("v1alpha1", false, false, &any),
        version("v1alpha2", true, false, &any),
        version("v1beta1", true, true, &any),
    ]));
    let new = crd(json!([version("v1beta1", false, false, &any), version("v1", true, true, &any)]));
    assert_eq!(
        told(&[old], &[new]),
        [
            "hint: `certificates.x.example`: objects are stored as v1, and were as v1beta1",
            "certain: `certificates.x.example`: `spec.versions[v1alpha2]` is gone",
            "certain: `certificates.x.example`: `spec.versions[v1beta1]` is not served any more",
        ]
    );
}

#[test]
fn fields_have_their_place_in_the_version() {
    let of = |spec| [crd(json!([version("v1", true, true, &spec)]))];
    let old =
        of(json!({"type": "object", "properties": {"foo": {"properties": {"bar": {"type": "string"}}}}}));
    let new = of(json!({"type": "object", "properties": {"foo": {"properties": {}}}}));
    assert_eq!(
        told(&old, &new),
        ["certain: `certificates.x.example`: `spec.versions[v1].spec.foo.bar` is gone"]
    );
    assert_eq!(told(&new, &old), [""; 0]);
}

#[test]
fn what_controllers_write_is_a_hint() {
    let of = |kind| {
        let mut version = version("v1", true, true, &json!({}));
        version["schema"]["openAPIV3Schema"]["properties"]["status"] = json!({"type": kind});
        [crd(json!([version]))]
    };
    let told = told(&of("object"), &of("string"));
    assert!(told[0].starts_with("hint: ") && told[0].contains("spec.versions[v1].status"), "{told:?}");
}

#[test]
fn scope_kind_and_subresources() {
    let any = json!({});
    let mut old = crd(json!([version("v1", true, true, &any)]));
    let mut new = old.clone();
    new["spec"]["scope"] = json!("Cluster");
    old["spec"]["versions"][0]["subresources"] = json!({"status": {}});
    assert_eq!(
        told(&[old], &[new]),
        [
            "certain: `certificates.x.example`: its scope changes from Namespaced to Cluster",
            "likely: `certificates.x.example`: `spec.versions[v1]` has no subresource `status` any more",
        ]
    );
}

#[test]
fn definitions_of_the_beta_api_are_read_too() {
    let beta = |schema: Value| {
        json!({
            "apiVersion": "apiextensions.k8s.io/v1beta1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": "certificates.x.example"},
            "spec": {"names": {"kind": "Certificate"}, "scope": "Namespaced", "version": "v1",
                "validation": {"openAPIV3Schema": schema}},
        })
    };
    let old = beta(json!({"properties": {"spec": {"properties": {"a": {}}}}}));
    let new = crd(json!([version("v1", true, true, &json!({}))]));
    assert_eq!(
        told(&[old], &[new]),
        [
            "likely: `certificates.x.example`: fields that no schema names are dropped now",
            "likely: `certificates.x.example`: `spec.versions[v1]` must be object now",
            "certain: `certificates.x.example`: `spec.versions[v1].spec.a` is gone",
        ]
    );
}

#[test]
fn other_objects_and_broken_ones_are_passed_over() {
    let odd = [
        json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "x"}}),
        json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition"}),
        json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "x"}, "spec": []}),
        json!([]),
        Value::Null,
    ];
    assert_eq!(told(&odd[..2], &odd[3..]), [""; 0]);
    assert_eq!(told(&odd, &odd), [""; 0]);
}

/// Schemas of some depth.
fn schema() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!({"type": "string", "maxLength": 5})),
        Just(json!({"type": "integer", "minimum": 1, "default": 2})),
        Just(json!({"enum": ["a", "b"]})),
        Just(json!({"x-kubernetes-preserve-unknown-fields": true})),
        Just(json!(true)),
    ];
    leaf.prop_recursive(4, 24, 3, |inner| {
        (proptest::collection::btree_map("[a-c]{1,2}", inner.clone(), 0..3), inner, any::<bool>()).prop_map(
            |(fields, items, required)| {
                let names: Vec<&String> = fields.keys().filter(|_| required).collect();
                json!({"type": "object", "properties": fields, "required": names, "items": items})
            },
        )
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_is_different_from_itself_and_order_does_not_matter(one in schema(), other in schema()) {
        let (old, new) = (crd(json!([version("v1", true, true, &one)])), crd(json!([version("v1", true, true, &other)])));
        prop_assert_eq!(between(std::slice::from_ref(&old), std::slice::from_ref(&old), "2"), Found::default());
        let mut another = old.clone();
        another["metadata"]["name"] = json!("others.x.example");
        let forth = between(&[old.clone(), another.clone()], &[new.clone(), another.clone()], "2");
        let back = between(&[another.clone(), old], &[another, new], "2");
        prop_assert_eq!(forth, back);
    }

    #[test]
    fn a_field_more_breaks_nobody_and_a_field_less_does(one in schema()) {
        let with = json!({"type": "object", "properties": {"x": one}});
        let without = json!({"type": "object", "properties": {}});
        let of = |schema: &Value| [crd(json!([version("v1", true, true, schema)]))];
        prop_assert_eq!(told(&of(&without), &of(&with)), Vec::<String>::new());
        prop_assert_eq!(told(&of(&with), &of(&without)).len(), 1);
    }
}
