//! Packages and renderings, old and new.

use serde_json::json;

use super::*;
use crate::lcm::changes::Weight;

fn package(version: &str, values: Value) -> Package {
    Package {
        chart: json!({ "name": "web", "version": version }),
        values,
        schema: None,
        crds: Vec::new(),
        notes: Vec::new(),
    }
}

fn definition(name: &str, version: &str) -> Value {
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": { "name": name },
        "spec": { "group": "x.example", "names": { "kind": "Thing" }, "scope": "Cluster",
            "versions": [{ "name": version, "served": true, "storage": true, "schema": {} }] },
    })
}

fn told(found: &Found, weight: Weight) -> Vec<&str> {
    found.evidence.iter().filter(|one| one.weight == weight).map(|one| one.text.as_str()).collect()
}

fn rendered(old: Rendering, new: Rendering) -> Found {
    let (one, two) = (package("1.0.0", json!({})), package("2.0.0", json!({})));
    let pair = Pair { old: &one, new: &two, newest: "2.0.0" };
    let renderings = Renderings { old, new: vec![(KubeMinor::new(1, 34), new)] };
    pair.renderings(&renderings, &["monitoring.example/v1".to_owned(), "a.example/v1/Known".to_owned()])
}

#[test]
fn files_are_compared_with_what_the_product_sets() {
    let mut old = package("1.0.0", json!({ "replicas": 1, "debug": true }));
    old.crds = vec![definition("things.x.example", "v1alpha1")];
    let mut new = package("2.0.0", json!({ "debug": true }));
    new.crds = vec![definition("things.x.example", "v1")];
    new.notes = vec!["`values.yaml` is odd".to_owned()];
    let own = Own::of(&json!({ "replicas": 3 }));
    let found = Pair { old: &old, new: &new, newest: "2.0.0" }.files(&own);
    assert_eq!(
        told(&found, Weight::Certain),
        ["`things.x.example`: `spec.versions[v1alpha1]` is gone", "the values set `replicas`, which is gone"]
    );
    assert_eq!(found.notes, ["the package of 2.0.0: `values.yaml` is odd"]);
}

#[test]
fn apis_that_no_cluster_serves_and_definitions_of_templates_are_told() {
    let budget = |version: &str| json!({ "apiVersion": version, "kind": "PodDisruptionBudget" });
    let old = vec![budget("policy/v1"), definition("things.x.example", "v1")];
    let of = |kind: &str, version: &str| json!({ "apiVersion": version, "kind": kind });
    let new = vec![
        budget("policy/v1beta1"),
        of("Monitor", "monitoring.example/v1"),
        of("Known", "a.example/v1"),
        of("Unknown", "a.example/v1"),
    ];
    let found = rendered(Rendering::Objects(old), Rendering::Objects(new));
    let certain = told(&found, Weight::Certain);
    assert_eq!(certain.len(), 2, "{certain:?}");
    assert!(certain[0].contains("which Kubernetes 1.34 does not serve"), "{certain:?}");
    assert!(certain[1].starts_with("`things.x.example`"), "{certain:?}");
    assert_eq!(
        told(&found, Weight::Likely),
        ["it needs Unknown (a.example/v1), which it does not define itself"]
    );
}

#[test]
fn only_values_that_were_taken_before_can_break() {
    let why = || "values don't meet the schema".to_owned();
    let found = rendered(Rendering::Objects(Vec::new()), Rendering::Refused(why()));
    assert_eq!(
        told(&found, Weight::Certain),
        ["with the product's values it can't be rendered any more: values don't meet the schema"]
    );
    for old in [Rendering::Refused(why()), Rendering::Untried(why())] {
        let found = rendered(old, Rendering::Refused(why()));
        assert!(found.evidence.is_empty() && found.notes.len() == 2, "{found:?}");
    }
    let found = rendered(Rendering::Objects(Vec::new()), Rendering::Untried("helm is not there".to_owned()));
    assert!(found.evidence.is_empty(), "{found:?}");
    assert_eq!(found.notes, ["2.0.0 was not rendered for Kubernetes 1.34: helm is not there"]);
}

#[test]
fn what_is_kept_has_a_bound_and_is_read_again_as_it_was() {
    let fields: serde_json::Map<String, Value> =
        (0..3_000).map(|n| (format!("key{n:04}"), json!(n))).collect();
    let (old, new) = (package("1.0.0", Value::Object(fields)), package("2.0.0", json!({})));
    let pair = Pair { old: &old, new: &new, newest: "2.0.0" };
    let compared = Compared::of("1.0.0", "2.0.0", pair.files(&Own::default()));
    assert_eq!((compared.found.evidence.len(), compared.found.cut), (100, 2_900));
    let text = serde_json::to_string(&compared).expect("JSON");
    assert!(text.len() < 64 * 1024, "{}", text.len());
    assert_eq!(serde_json::from_str::<Compared>(&text).expect("it is read"), compared);
}

#[test]
fn what_a_file_says_is_made_fit_to_be_shown() {
    let text = r#"{"from":"1","to":"2","found":{"evidence":[{"weight":"certain","sign":"crd","version":null,
        "text":"a\u001b[2Jb","links":[{"name":"x","url":"javascript:alert(1)"}]}]}}"#;
    let read: Compared = serde_json::from_str(text).expect("it is read");
    let cleaned = read.cleaned();
    assert_eq!(
        (cleaned.found.evidence[0].text.as_str(), cleaned.found.evidence[0].links.len()),
        ("a[2Jb", 0)
    );
}
