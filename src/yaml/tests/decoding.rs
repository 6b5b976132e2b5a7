//! Decoding: every mistake at its place.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::json;

use super::{places, source};
use crate::digest::Digest;
use crate::version::{Range, Version};
use crate::yaml::{Node, Spanned, decode, decode_rest, load, parse};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[allow(dead_code)]
struct Product {
    kind: String,
    version: Spanned<Version>,
    #[serde(default)]
    requires: BTreeMap<String, Range>,
    #[serde(default)]
    deploy: Vec<Step>,
    #[serde(default)]
    values: Option<Node>,
    #[serde(default)]
    limits: Option<Limits>,
    #[serde(default)]
    mode: Mode,
    #[serde(default)]
    digest: Option<Digest>,
    #[serde(default)]
    names: Vec<Spanned<Name>>,
    #[serde(default)]
    by_name: BTreeMap<Name, bool>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[allow(dead_code)]
struct Limits {
    at_once: u32,
    budget: i8,
    ratio: f64,
    on: bool,
}

#[derive(Debug, Deserialize, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
enum Mode {
    #[default]
    Rolling,
    BlueGreen,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(dead_code)]
enum Step {
    Manifests(String),
    Helm(Chart),
    Run {
        command: Vec<String>,
        #[serde(default)]
        timeout: Option<u32>,
    },
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code)]
struct Chart {
    chart: String,
    name: String,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
struct Name(String);

impl TryFrom<String> for Name {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if text.bytes().all(|b| b.is_ascii_lowercase()) {
            Ok(Name(text))
        } else {
            Err(format!("`{text}` is not a name of lower-case letters"))
        }
    }
}

fn mistakes(text: &str) -> Vec<String> {
    places(&load::<Product>(&source(text)).unwrap_err())
}

#[test]
fn what_is_right_decodes_with_places() {
    let text = "kind: Product\nversion: 1.2.3\nvalues:\n  a: {b: 1}\nnames: [x, y]\n";
    let product: Product = load(&source(text)).unwrap().unwrap();
    assert_eq!(product.version.place.line(), 2);
    assert_eq!(product.version.place.text(), "1.2.3");
    let values = product.values.unwrap();
    assert_eq!(values.at(&["a", "b"]).unwrap().place.column(), 10);
    assert_eq!(product.names[1].place.column(), 12);
}

#[test]
fn twenty_mistakes_in_one_file_are_all_reported_at_their_places() {
    let text = "\
kind: 5
verison: 1.2.3
requires:
  dns: not-a-range
  log: 1.2
  net: [a]
deploy:
  - manifest: x
  - manifests: [x]
  - helm: {chart: c, nam: d, extra: 1}
  - helm:
      chart: c
  - run:
      command: x
      timeout: -1
  - run: {command: [a, 1, true]}
  - manifests: ok
    helm: {chart: c, name: n}
  - 7
limits:
  atOnce: many
  budget: 300
  ratio: yes
  on: \"true\"
  ünknown: 1
mode: bluegreen
digest: sha256:00
names: [fine, Not, also, WRONG]
byName: {good: true, Bad: false, other: 1}
kind: again
";
    let expected = [
        "TG0102 1:7",
        "TG0101 2:1",
        "TG0105 4:8",
        "TG0102 5:8",
        "TG0102 6:8",
        "TG0104 8:5",
        "TG0102 9:16",
        "TG0101 10:22",
        "TG0101 10:30",
        "TG0103 12:7",
        "TG0102 14:16",
        "TG0105 15:16",
        "TG0102 16:24",
        "TG0102 16:27",
        "TG0105 18:5",
        "TG0102 19:5",
        "TG0102 21:11",
        "TG0105 22:11",
        "TG0102 23:10",
        "TG0102 24:7",
        "TG0101 25:3",
        "TG0104 26:7",
        "TG0105 27:9",
        "TG0105 28:15",
        "TG0105 28:26",
        "TG0105 29:22",
        "TG0102 29:41",
        "TG0004 30:1",
    ];
    assert_eq!(mistakes(text), expected);
}

#[test]
fn a_missing_field_that_was_only_misspelled_or_broken_is_not_reported_again() {
    assert_eq!(mistakes("kind: Product\nverison: 1.2.3\n"), ["TG0101 2:1"]);
    assert_eq!(mistakes("kind: Product\nversion: 1.2\n"), ["TG0102 2:10"]);
    assert_eq!(mistakes("kind: Product\n"), ["TG0103 1:1"]);
}

#[test]
fn a_list_is_no_mapping_even_where_its_items_would_fit() {
    assert_eq!(mistakes("kind: P\nversion: 1.2.3\nlimits: [1, 2, 0.5, true]\n"), ["TG0102 3:9"]);
    assert_eq!(mistakes("kind: P\nversion: 1.2.3\ndeploy: [run: [[a], 1]]\n"), ["TG0102 3:15"]);
}

#[test]
fn every_missing_field_of_a_mapping_is_reported() {
    #[derive(Debug, Deserialize)]
    #[allow(dead_code)]
    struct Pin {
        owner: Name,
        cluster: Option<Name>,
        version: Spanned<Version>,
        digest: Digest,
        limits: Limits,
        mode: Mode,
        steps: Vec<Step>,
        values: Node,
        count: std::num::NonZeroU8,
        until: String,
    }
    let findings = load::<Pin>(&source("cluster: a\n")).unwrap_err();
    let fields: Vec<&str> = findings.iter().filter_map(|finding| finding.message.split('`').nth(1)).collect();
    let expected = ["count", "digest", "limits", "mode", "owner", "steps", "until", "values", "version"];
    assert_eq!(fields, expected);
    let findings = load::<Vec<Pin>>(&source("- version: 1.0.0\n- cluster: Q\n")).unwrap_err();
    assert_eq!(findings.len(), 8 + 1 + 9);
}

#[test]
fn messages_name_the_path_what_was_expected_and_what_to_do() {
    let text =
        "kind: P\nversion: 1.10\nlimits: {atOnce: 3, budgett: 1, ratio: 1, on: true}\nmode: BlueGreen\n";
    let findings = load::<Product>(&source(text)).unwrap_err();
    insta::assert_snapshot!(findings.to_string(), @r#"
    error[TG0102]: expected a version like 1.4.0, found a number in `version`
     --> f.yaml:2:10
      |
    2 | version: 1.10
      |          ^^^^ expected a version like 1.4.0
      |
      = write 1.10.0

    error[TG0101]: unknown field `budgett` in `limits`
     --> f.yaml:3:21
      |
    3 | limits: {atOnce: 3, budgett: 1, ratio: 1, on: true}
      |                     ^^^^^^^ not known here
      |
      = did you mean `budget`?

    error[TG0104]: unknown value `BlueGreen` in `mode`
     --> f.yaml:4:7
      |
    4 | mode: BlueGreen
      |       ^^^^^^^^^ expected one of `rolling`, `blueGreen`
      |
      = did you mean `blueGreen`?
    "#);
}

#[test]
fn the_rest_is_decoded_without_what_is_wrong() {
    let text = "kind: P\nversion: 1.2.3\ndeploy: [{manifests: a}, {manifests: 1}, {manifests: c}]\nlimits: {atOnce: x}\n";
    let node = parse(&source(text)).unwrap().unwrap();
    let (product, findings) = decode_rest::<Product>(&node);
    let product = product.unwrap();
    assert_eq!(product.deploy.len(), 2);
    assert!(product.limits.is_none());
    assert_eq!(places(&findings), ["TG0102 3:38", "TG0103 4:9", "TG0103 4:9", "TG0103 4:9", "TG0102 4:18"]);
    let (nothing, findings) = decode_rest::<Product>(&parse(&source("[]")).unwrap().unwrap());
    assert!(nothing.is_none());
    assert_eq!(places(&findings), ["TG0102 1:1"]);
}

#[test]
fn values_with_places_also_come_from_json_without_places() {
    let spanned: Spanned<Version> = serde_json::from_value(json!("1.2.3")).unwrap();
    assert!(spanned.place.is_none());
    assert_eq!(serde_json::to_value(&spanned).unwrap(), json!("1.2.3"));
    let node: Node =
        serde_json::from_str(r#"{"b": [1, -1, 1.5, null, true, "x", 18446744073709551615]}"#).unwrap();
    assert!(node.place.is_none());
    let text = serde_json::to_string(&node).unwrap();
    assert_eq!(text, r#"{"b":[1,-1,1.5,null,true,"x",18446744073709551615]}"#);
    assert!(serde_json::from_str::<Node>(r#"{"a": 1, "a": 2}"#).is_err());
}

#[test]
fn schemas_of_spanned_values_are_those_of_the_values() {
    let spanned = schemars::schema_for!(Spanned<Version>);
    assert_eq!(spanned, schemars::schema_for!(Version));
    let node = schemars::schema_for!(BTreeMap<String, Node>);
    assert_eq!(node.as_value()["additionalProperties"], json!(true));
}

#[test]
fn a_value_that_may_be_a_secret_is_not_in_the_message() {
    let findings = load::<Product>(&source("kind: P\nversion: 1.2.3\nlimits: hunter2\n")).unwrap_err();
    assert!(findings.iter().all(|finding| !finding.message.contains("hunter2")));
}

#[test]
fn hundreds_of_mistakes_end() {
    let names: String = (0..1000).map(|n| format!("  - N{n}\n")).collect();
    let text = format!("kind: P\nversion: 1.2.3\nnames:\n{names}");
    let findings = load::<Product>(&source(&text)).unwrap_err();
    assert_eq!(findings.len(), 201);
}

#[test]
fn decoding_reports_through_aliases_at_what_is_repeated() {
    let text = "kind: P\nversion: 1.2.3\nvalues: &x [1]\nrequires: {dns: *x}\n";
    let node = parse(&source(text)).unwrap().unwrap();
    let findings = decode::<Product>(&node).unwrap_err();
    assert_eq!(places(&findings), ["TG0102 4:17"]);
}
