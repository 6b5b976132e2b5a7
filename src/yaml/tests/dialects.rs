//! Scalars in both dialects. The Kubernetes table was taken from sigs.k8s.io/yaml v1.6.0
//! (`YAMLToJSONStrict`), one document a row.

use serde_json::json;

use super::source;
use crate::yaml::scalar::Dialect;
use crate::yaml::{build, parse};

fn kubernetes(text: &str) -> Option<String> {
    let (documents, findings) = build::documents(&source(text), Dialect::Kubernetes);
    if findings.has_errors() {
        return None;
    }
    documents.first().map(|node| node.to_json().to_string())
}

#[test]
fn kubernetes_scalars_read_as_kubectl_reads_them() {
    let table = [
        ("k: no", r#"{"k":false}"#),
        ("k: y", r#"{"k":true}"#),
        ("k: N", r#"{"k":false}"#),
        ("k: On", r#"{"k":true}"#),
        ("k: off", r#"{"k":false}"#),
        ("k: yES", r#"{"k":"yES"}"#),
        ("k: tRue", r#"{"k":"tRue"}"#),
        ("k: \"no\"", r#"{"k":"no"}"#),
        ("k: 'true'", r#"{"k":"true"}"#),
        ("k: 0777", r#"{"k":511}"#),
        ("k: 0o17", r#"{"k":15}"#),
        ("k: 0b101", r#"{"k":5}"#),
        ("k: -0b11", r#"{"k":-3}"#),
        ("k: 1e3", r#"{"k":1000}"#),
        ("k: 1E+3", r#"{"k":1000}"#),
        ("k: 1.0", r#"{"k":1}"#),
        ("k: 1.10", r#"{"k":1.1}"#),
        ("k: 0x1F", r#"{"k":31}"#),
        ("k: 0X1f", r#"{"k":31}"#),
        ("k: 0B1", r#"{"k":1}"#),
        ("k: 0O7", r#"{"k":7}"#),
        ("k: -0x1F", r#"{"k":-31}"#),
        ("k: +12", r#"{"k":12}"#),
        ("k: 1_000", r#"{"k":1000}"#),
        ("k: 1__0", r#"{"k":10}"#),
        ("k: 0x_1F", r#"{"k":31}"#),
        ("k: 0_7", r#"{"k":7}"#),
        ("k: 0o8", r#"{"k":"0o8"}"#),
        ("k: 08", r#"{"k":8}"#),
        ("k: 09.5", r#"{"k":9.5}"#),
        ("k: 00", r#"{"k":0}"#),
        ("k: 00.5", r#"{"k":0.5}"#),
        ("k: .5", r#"{"k":0.5}"#),
        ("k: +.5", r#"{"k":0.5}"#),
        ("k: -.5", r#"{"k":-0.5}"#),
        ("k: 1.", r#"{"k":1}"#),
        ("k: 0.1e1", r#"{"k":1}"#),
        ("k: 012e1", r#"{"k":120}"#),
        ("k: 1.5e3", r#"{"k":1500}"#),
        ("k: 1e15", r#"{"k":1000000000000000}"#),
        ("k: 1e-7", r#"{"k":1e-7}"#),
        ("k: 1e21", r#"{"k":1e+21}"#),
        ("k: 1e", r#"{"k":"1e"}"#),
        ("k: 1e400", r#"{"k":"1e400"}"#),
        ("k: -0", r#"{"k":0}"#),
        ("k: +", r#"{"k":"+"}"#),
        ("k: 1,000", r#"{"k":"1,000"}"#),
        ("k: 2001-01-01", r#"{"k":"2001-01-01"}"#),
        ("k: 2001-12-14 21:59:43.10 -5", r#"{"k":"2001-12-14 21:59:43.10 -5"}"#),
        ("k: 2001-12-14T21:59:43Z", r#"{"k":"2001-12-14T21:59:43Z"}"#),
        ("k: 12:30:45", r#"{"k":"12:30:45"}"#),
        ("k: ~", r#"{"k":null}"#),
        ("k:", r#"{"k":null}"#),
        ("k: Null", r#"{"k":null}"#),
        ("k: NULL", r#"{"k":null}"#),
        ("k: 9007199254740993", r#"{"k":9007199254740993}"#),
        ("k: 18446744073709551615", r#"{"k":18446744073709551615}"#),
        ("k: 18446744073709551616", r#"{"k":1.8446744073709552e+19}"#),
        ("k: -9223372036854775809", r#"{"k":-9.223372036854776e+18}"#),
        ("k: -9223372036854775808", r#"{"k":-9223372036854775808}"#),
        ("k: 0x8000000000000000", r#"{"k":9223372036854775808}"#),
        ("k: !!str 12", r#"{"k":"12"}"#),
        ("k: !!str", r#"{"k":""}"#),
        ("k: ! 12", r#"{"k":"12"}"#),
        ("k: !!int \"12\"", r#"{"k":12}"#),
        ("k: !!float 3", r#"{"k":3}"#),
        ("k: !!bool yes", r#"{"k":true}"#),
        ("k: !!null ''", r#"{"k":null}"#),
        ("k: !!binary aGVsbG8=", r#"{"k":"hello"}"#),
        ("k: !!timestamp 2001-01-01", r#"{"k":"2001-01-01"}"#),
        ("k: !custom foo", r#"{"k":"foo"}"#),
        ("a: =", r#"{"a":"="}"#),
        ("a: <<", r#"{"a":"<<"}"#),
        ("1: a", r#"{"1":"a"}"#),
        ("1.5: a", r#"{"1.5":"a"}"#),
        ("1.10: a", r#"{"1.1":"a"}"#),
        ("1e6: a", r#"{"1e+06":"a"}"#),
        ("yes: a", r#"{"true":"a"}"#),
        ("0x10: a", r#"{"16":"a"}"#),
        ("2001-01-01: a", r#"{"2001-01-01":"a"}"#),
        ("a: &x {b: 1}\nc:\n  <<: *x\n  d: 2", r#"{"a":{"b":1},"c":{"d":2,"b":1}}"#),
        ("a: &x {b: 1}\nc:\n  \"<<\": *x", r#"{"a":{"b":1},"c":{"<<":{"b":1}}}"#),
    ];
    for (text, expected) in table {
        assert_eq!(kubernetes(text).as_deref(), Some(expected), "{text}");
    }
}

#[test]
fn what_kubectl_refuses_is_refused() {
    for text in [
        "k: .inf",
        "k: -.inf",
        "k: .NaN",
        "k: -",
        "k: !!int abc",
        "~: a",
        "a: 1\na: 2",
        "a: &x 1\nc:\n  <<: *x",
        "a: &x {b: 1}\nc:\n  b: 2\n  <<: *x",
    ] {
        assert_eq!(kubernetes(text), None, "{text}");
    }
}

#[test]
fn our_own_files_follow_the_core_schema() {
    let text = "\
a: no
b: on
c: 0777
d: 0o17
e: 0x1F
f: 1e3
g: 1.10
h: 2026-12-15
i: ~
j: True
k: 1_000
l: \"12\"
m: 12:30
n: -5
o: 18446744073709551615
p: .5
q: 1.2.3
";
    let found = parse(&source(text)).unwrap().unwrap().to_json();
    let expected = json!({
        "a": "no", "b": "on", "c": 777, "d": 15, "e": 31, "f": 1000.0, "g": 1.1,
        "h": "2026-12-15", "i": null, "j": true, "k": "1_000", "l": "12", "m": "12:30", "n": -5,
        "o": 18446744073709551615_u64, "p": 0.5, "q": "1.2.3",
    });
    assert_eq!(found, expected);
}

#[test]
fn a_tag_that_means_nothing_here_is_an_error_in_our_files() {
    let findings = parse(&source("a: !secret x\n")).unwrap_err();
    assert_eq!(super::places(&findings), ["TG0008 1:12"]);
}

#[test]
fn keys_of_our_files_are_text_as_written() {
    let node = parse(&source("1.30: a\nyes: b\n")).unwrap().unwrap();
    assert_eq!(node.to_json(), json!({ "1.30": "a", "yes": "b" }));
}
