//! Manifest files: documents, lists, JSON.

use serde_json::json;

use super::{places, source};
use crate::yaml::manifests;

#[test]
fn documents_of_nothing_or_comments_are_dropped() {
    for text in ["", "---\n# nothing\n---\n\n---\n", "# only\n", "---\n...\n"] {
        assert_eq!(manifests(&source(text)).unwrap(), [], "{text:?}");
    }
    let text =
        "# head\n---\napiVersion: v1\nkind: ConfigMap\n---\n---\n# x\n---\napiVersion: v1\nkind: Secret\n";
    let found = manifests(&source(text)).unwrap();
    let lines: Vec<u32> = found.iter().map(|manifest| manifest.place.line()).collect();
    assert_eq!(lines, [3, 9]);
}

#[test]
fn lists_are_expanded_with_the_place_of_each_item() {
    let text = "\
apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: ConfigMap
  metadata: {name: a}
- apiVersion: v1
  kind: SecretList
  items:
  - metadata: {name: b}
";
    let found = manifests(&source(text)).unwrap();
    assert_eq!(found[0].place.line(), 4);
    assert_eq!(found[1].place.line(), 10);
    assert_eq!(found[1].object, json!({ "metadata": { "name": "b" }, "apiVersion": "v1", "kind": "Secret" }));
}

#[test]
fn what_is_no_object_is_reported_for_each_document() {
    let text = "a: 1\n---\n- x\n---\nkind: Pod\n---\napiVersion: v1\nkind: Pod\n";
    let findings = manifests(&source(text)).unwrap_err();
    assert_eq!(places(&findings), ["TG0010 1:1", "TG0010 3:1", "TG0010 5:1"]);
}

#[test]
fn anchors_merge_keys_and_templates_in_strings_read_as_written() {
    let text = "\
apiVersion: v1
kind: ConfigMap
metadata:
  name: rules
  labels: &labels {app: x}
data:
  <<: *labels
  alert: \"{{ $value | humanize }} on {{ $labels.pod }}\"
  block: |
    summary: {{ $labels.pod }}
";
    let found = manifests(&source(text)).unwrap();
    let data = &found[0].object["data"];
    assert_eq!(data["app"], "x");
    assert_eq!(data["alert"], "{{ $value | humanize }} on {{ $labels.pod }}");
    assert_eq!(data["block"], "summary: {{ $labels.pod }}\n");
}

#[test]
fn an_anchor_does_not_reach_into_the_next_document() {
    let text = "apiVersion: v1\nkind: A\nx: &x 1\n---\napiVersion: v1\nkind: B\ny: *x\n";
    assert_eq!(places(&manifests(&source(text)).unwrap_err()), ["TG0003 7:4"]);
}

#[test]
fn duplicate_keys_of_manifests_are_errors_with_places() {
    let text = "apiVersion: v1\nkind: A\nmetadata:\n  labels:\n    a: b\n    a: c\nkind: B\n";
    assert_eq!(places(&manifests(&source(text)).unwrap_err()), ["TG0004 6:5", "TG0004 7:1"]);
}

#[test]
fn json_reads_as_json() {
    let long = "x".repeat(5000);
    let text = format!(
        "{{\n\t\"apiVersion\": \"v1\", \"kind\": \"ConfigMap\",\n\t\"data\": {{\"e\": \"\\ud83d\\ude00 \\/\", \"l\": \"{long}\", \"n\": 1.0}}\n}}\n"
    );
    let found = manifests(&source(&text)).unwrap();
    assert_eq!(found[0].object["data"]["e"], "\u{1F600} /");
    assert_eq!(found[0].object["data"]["l"], long);
    let places_known = manifests(&source("{\"apiVersion\": \"v1\",\n \"kind\": \"A\"}")).unwrap();
    assert_eq!(places_known[0].node.get("kind").unwrap().place.line(), 2);
    assert!(manifests(&source("{\"apiVersion\": \"v1\", \"kind\": \"A\", \"kind\": \"B\"}")).is_err());
}

#[test]
fn ten_thousand_keys_are_read_in_no_time() {
    let data: String = (0..10_000).map(|n| format!("  key{n}: v\n")).collect();
    let text = format!("apiVersion: v1\nkind: ConfigMap\ndata:\n{data}");
    let found = manifests(&source(&text)).unwrap();
    assert_eq!(found[0].object["data"].as_object().unwrap().len(), 10_000);
}
