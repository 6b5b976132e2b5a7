//! Renderings, old and new.

use super::*;
use proptest::collection;
use proptest::prelude::*;
use serde_json::json;

fn object(version: &str, kind: &str) -> Value {
    json!({"apiVersion": version, "kind": kind, "metadata": {"name": "x"}})
}

fn shown(apis: &[Api]) -> Vec<String> {
    apis.iter().map(ToString::to_string).collect()
}

#[test]
fn apis_come_go_and_move() {
    let old = [
        object("v1", "Service"),
        object("policy/v1beta1", "PodSecurityPolicy"),
        object("autoscaling/v2beta2", "HorizontalPodAutoscaler"),
        object("extensions/v1beta1", "Ingress"),
    ];
    let new = [
        object("v1", "Service"),
        object("v1", "Service"),
        object("autoscaling/v2", "HorizontalPodAutoscaler"),
        object("networking.k8s.io/v1", "Ingress"),
        object("gateway.networking.k8s.io/v1", "HTTPRoute"),
        object("apps/v1", "Deployment"),
    ];
    let difference = between(&old, &new);
    assert_eq!(shown(&difference.removed), ["PodSecurityPolicy (policy/v1beta1)"]);
    assert_eq!(
        shown(&difference.added),
        ["Deployment (apps/v1)", "HTTPRoute (gateway.networking.k8s.io/v1)"]
    );
    let moved: Vec<String> = difference.moved.iter().map(|(from, to)| format!("{from} {to}")).collect();
    assert_eq!(
        moved,
        [
            "HorizontalPodAutoscaler (autoscaling/v2beta2) HorizontalPodAutoscaler (autoscaling/v2)",
            "Ingress (extensions/v1beta1) Ingress (networking.k8s.io/v1)",
        ]
    );
    let found = difference.found();
    let told: Vec<String> =
        found.evidence.iter().map(|one| format!("{}: {}", one.weight, one.text)).collect();
    assert_eq!(
        told,
        [
            "likely: it needs HTTPRoute (gateway.networking.k8s.io/v1), which it does not define itself",
            "hint: it uses HorizontalPodAutoscaler (autoscaling/v2) in place of HorizontalPodAutoscaler (autoscaling/v2beta2)",
            "hint: it uses Ingress (networking.k8s.io/v1) in place of Ingress (extensions/v1beta1)",
            "hint: it does not use PodSecurityPolicy (policy/v1beta1) any more",
            "hint: it uses Deployment (apps/v1), which it did not",
        ]
    );
}

#[test]
fn what_the_rendering_defines_itself_the_cluster_need_not_have() {
    let definition = json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "as.x.example"},
        "spec": {"group": "x.example", "names": {"kind": "A"}, "versions": [{"name": "v1"}]},
    });
    let new = [definition, object("x.example/v1", "A"), object("x.example/v1", "B")];
    assert_eq!(shown(&between(&[], &new).foreign), ["B (x.example/v1)"]);
}

#[test]
fn what_is_no_object_has_no_api() {
    for odd in [json!(null), json!([]), json!({"kind": "A"}), json!({"apiVersion": 1, "kind": "A"})] {
        assert_eq!(Api::of(&odd), None);
    }
}

fn objects() -> impl Strategy<Value = Vec<Value>> {
    collection::vec(("(v1|apps/v1|apps/v2|x.example/v1)", "[AB]").prop_map(|(v, k)| object(&v, &k)), 0..6)
}

proptest! {
    #[test]
    fn what_one_way_adds_the_other_removes(old in objects(), new in objects()) {
        let (forth, back) = (between(&old, &new), between(&new, &old));
        // How many of a kind move, come and go is the same both ways; which of several moves may differ.
        prop_assert_eq!(forth.moved.len(), back.moved.len());
        prop_assert_eq!(forth.added.len(), back.removed.len());
        prop_assert_eq!(forth.removed.len(), back.added.len());
        prop_assert_eq!(between(&old, &old), Difference::default());
        let mut turned = new.clone();
        turned.reverse();
        prop_assert_eq!(between(&old, &turned), forth);
    }
}
