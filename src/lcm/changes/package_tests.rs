//! Packages of charts, whole and broken.

use super::*;
use crate::render::packed::tests::packed;
use serde_json::json;

const CRD: &[u8] =
    b"apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: a.x.example}\n";

#[test]
fn a_package_with_charts_within_it() {
    let inner = packed(&[
        ("grafana/Chart.yaml", b"name: grafana\nversion: 8.0.0\n"),
        ("grafana/values.yaml", b"replicas: 1\nport: 80\n"),
        ("grafana/crds/b.yml", CRD),
    ]);
    let archive = packed(&[
        ("stack/Chart.yaml", b"name: stack\nversion: 60.0.0\ndependencies:\n- {name: state, alias: ksm}\n- {name: state, alias: ksm2}\n"),
        ("stack/values.yaml", b"a: 1\ngrafana: {replicas: 2, port: null}\nksm: {x: 1}\n"),
        ("stack/values.schema.json", b"{\"type\": \"object\"}"),
        ("stack/crds/a.yaml", CRD),
        ("stack/crds/README.md", b"# No"),
        ("stack/templates/x.yaml", b"{{ now }}"),
        ("stack/charts/grafana-8.0.0.tgz", &inner),
        ("stack/charts/state/Chart.yaml", b"name: state\n"),
        ("stack/charts/state/values.yaml", b"w: 2\n"),
        ("stack/charts/_hidden/values.yaml", b"z: 2\n"),
    ]);
    let package = Package::read(&archive).unwrap();
    assert_eq!(package.notes, [""; 0]);
    assert_eq!(
        package.values,
        json!({"a": 1, "grafana": {"replicas": 2}, "ksm": {"x": 1, "w": 2}, "ksm2": {"w": 2}})
    );
    assert_eq!((package.crds.len(), package.schema), (2, Some(json!({"type": "object"}))));
    assert_eq!(package.chart["version"], json!("60.0.0"));
}

#[test]
fn what_is_broken_in_it_is_noted_and_the_rest_counts() {
    let archive = packed(&[
        ("web/Chart.yaml", b"name: web\nname: web\n"),
        ("web/values.yaml", b"- a\n"),
        ("web/values.schema.json", b"{"),
        ("web/crds/a.yaml", CRD),
        ("web/crds/b.yaml", b"a: [\n"),
        ("web/crds/c.yaml", b"\xff\xfe"),
        ("web/charts/d.tgz", b"no archive"),
    ]);
    let package = Package::read(&archive).unwrap();
    assert_eq!((package.crds.len(), package.values), (1, json!({})));
    assert_eq!(package.notes.len(), 6, "{:?}", package.notes);
}

#[test]
fn bombs_in_it_are_notes() {
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for n in 1..12 {
        bomb.push_str(&format!("a{n}: &a{n} [{}]\n", vec![format!("*a{}", n - 1); 10].join(", ")));
    }
    let deep = format!("a: {}", "[".repeat(100_000));
    let large = vec![b'#'; MOST_READ];
    let archive = packed(&[
        ("web/Chart.yaml", b"name: web\n"),
        ("web/crds/a.yaml", bomb.as_bytes()),
        ("web/crds/b.yaml", deep.as_bytes()),
        ("web/crds/c.yaml", large.as_slice()),
        ("web/values.yaml", b"a: &a {b: *a}\n"),
        ("web/values.schema.json", "[".repeat(100_000).as_bytes()),
    ]);
    let package = Package::read(&archive).unwrap();
    assert_eq!((package.crds.len(), package.notes.len()), (0, 5), "{:?}", package.notes);
}

#[test]
fn charts_in_charts_and_copies_of_values_have_an_end() {
    let mut inner = packed(&[("c/Chart.yaml", b"name: c\n"), ("c/values.yaml", b"v: 1\n")]);
    for _ in 0..DEEPEST + 2 {
        inner = packed(&[("c/Chart.yaml", b"name: c\n"), ("c/charts/c.tgz", &inner)]);
    }
    let package = Package::read(&inner).unwrap();
    assert!(package.notes[0].contains("nests charts more than 8 deep"), "{:?}", package.notes);

    let aliases: String = (0..60).map(|n| format!("- {{name: s, alias: s{n}}}\n")).collect();
    let values = format!("v: {}\n", "x".repeat(1024 * 1024));
    let package = Package::read(&packed(&[
        ("web/Chart.yaml", format!("name: web\ndependencies:\n{aliases}").as_bytes()),
        ("web/charts/s/Chart.yaml", b"name: s\n"),
        ("web/charts/s/values.yaml", values.as_bytes()),
    ]))
    .unwrap();
    assert!(package.values.as_object().unwrap().len() < 20);
    assert!(package.notes[0].contains("too many aliases"), "{:?}", package.notes);
}

#[test]
fn what_is_no_archive_is_an_error() {
    assert!(Package::read(b"<html>not found</html>").is_err());
}
