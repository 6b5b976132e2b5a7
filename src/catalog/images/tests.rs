//! Which images the files of a product name, and what only looks like one.

#![allow(clippy::unwrap_used)]

use super::super::testing::catalog;
use super::*;

const PRODUCT: &str = "apiVersion: tidegate.dev/v1\nkind: Product\nmetadata: { name: agent }\nspec:\n  version: 1.0.0\n  \
    owner: team\n  deploy:\n    - manifests: { path: manifests }\n    - helm: { chart: chart, namespace: x }\n  values:\n    \
    image: { tag: \"2.0\" }\n";
const DEPLOYMENT: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: a }\nspec:\n  template:\n    spec:\n      \
    containers:\n        - image: agent:1.0\n      initContainers:\n        - image: init@sha256:00\n";
const TEMPLATE: &str = "{% if a %}\napiVersion: v1\nkind: Pod\nmetadata: { name: {{ n }} }\nspec:\n  containers:\n    \
    - image: side:1\n    - image: {{ values.image }}\n{% endif %}\n";

#[test]
fn images_are_found_in_manifests_templates_and_charts() {
    let catalog = catalog(&[
        ("products/agent/product.yaml", PRODUCT),
        ("products/agent/manifests/a.yaml", DEPLOYMENT),
        ("products/agent/manifests/b.yaml.j2", TEMPLATE),
        ("products/agent/chart/values.yaml", "image: { repository: org/chart, tag: 1.9 }\n"),
        (
            "products/agent/chart/templates/x.yaml",
            "  - image: \"busybox:1\" # why\n  - image: {{ .Values.x }}\n",
        ),
    ]);
    let product = catalog.products.values().next().unwrap();
    let (images, warnings) = product.with_part(|part| (of(&part), without_digest(&part)));
    let found: Vec<String> = images.iter().map(|i| format!("{} {}", i.reference, i.place)).collect();
    assert_eq!(
        found,
        [
            "agent:1.0 products/agent/manifests/a.yaml:8:18",
            "init@sha256:00 products/agent/manifests/a.yaml:10:18",
            "side:1 products/agent/manifests/b.yaml.j2:7:14",
            "org/chart:2.0 products/agent/product.yaml:11:19",
            "busybox:1 products/agent/chart/templates/x.yaml:1:13",
        ]
    );
    assert_eq!(warnings.len(), 4);
}

/// The images of a product with one chart, by what its values and those of the product say: `REFERENCE` in order,
/// with ` ...` behind those that something else completes.
fn of_values(chart: &str, values: &str, values_from: &str) -> Vec<String> {
    let indented: String = values.lines().map(|line| format!("    {line}\n")).collect();
    let product = format!(
        "apiVersion: tidegate.dev/v1\nkind: Product\nmetadata: {{ name: y }}\nspec:\n  version: 1.0.0\n  owner: team\n  deploy:\n    - helm: {{ chart: c, namespace: y{values_from} }}\n  values:\n{indented}    last: 1\n"
    );
    let files = [
        ("products/y/product.yaml", product.as_str()),
        ("products/y/c/Chart.yaml", "apiVersion: v2\nname: c\nversion: 1.0.0\n"),
        ("products/y/c/values.yaml", chart),
        ("products/y/c/charts/sub/values.yaml", "image: { repository: acme/sub, tag: 3 }\n"),
    ];
    let catalog = catalog(&files);
    let images = catalog.products.values().next().unwrap().with_part(|part| of(&part));
    let line = |image: &Image| format!("{}{}", image.reference, if image.is_open { " ..." } else { "" });
    images.iter().map(line).filter(|line| !line.contains("acme/sub:3")).collect()
}

#[test]
fn every_form_of_an_image_in_values_is_found() {
    let digest = format!("sha256:{}", "a".repeat(64));
    let beside = format!("sidecarImage: q.io/a/b:1\nsidecarImageDigest: {digest}");
    let digits = format!("a: {{ repository: q.io/a/b, tag: 1, sha: {} }}", "a".repeat(64));
    let with_digest = format!("q.io/a/b:1@{digest}");
    for (values, expected) in [
        ("image: { repository: q.io/a/b, tag: '1.4.2' }", "q.io/a/b:1.4.2"),
        ("image: { registry: q.io, repository: a/b, tag: 1.10 }", "q.io/a/b:1.10"),
        ("image: q.io/a/b:1", "q.io/a/b:1"),
        ("image: q.io/a/b\ntag: 1", "q.io/a/b:1"),
        ("x: { image: q.io/a/b, imageTag: v1 }", "q.io/a/b:v1"),
        ("x: { imageRepository: q.io/a/b, imageTag: v1 }", "q.io/a/b:v1"),
        ("x: { repository: nvcr.io/nvidia, image: driver, version: '550' }", "nvcr.io/nvidia/driver:550"),
        ("x: { repository: q.io/a/b, version: '1' }", "q.io/a/b:1"),
        ("sidecarImage: \"q.io/a/b:1\"", "q.io/a/b:1"),
        ("a: [{ initImage: q.io/a/b:v1.2.0 }]", "q.io/a/b:v1.2.0"),
        ("images: { api: q.io/a/b:1, pullPolicy: Always, registry: q.io:5000 }", "q.io/a/b:1"),
        ("images: [ q.io/a/b:1, 'q.io:5000/a' ]", "q.io/a/b:1"),
        ("image: { reference: q.io/a/b:1 }", "q.io/a/b:1"),
        ("global: { imageRegistry: q.io }\na: { repository: a/b, tag: 1 }", "q.io/a/b:1"),
        (beside.as_str(), with_digest.as_str()),
        (digits.as_str(), with_digest.as_str()),
        ("image: q.io/a/b:1\nsha: 3f2a9c", "q.io/a/b:1"),
        ("image: { repository: q.io/a/b, tag: '' }", "q.io/a/b ..."),
        ("image: { repository: q.io/a/b, tag: '{{ .Chart.AppVersion }}' }", "q.io/a/b ..."),
    ] {
        assert_eq!(of_values("{}\n", values, ""), [expected], "{values}");
    }
}

#[test]
fn what_only_looks_like_an_image_is_none() {
    for values in [
        "endpoint: q.io/a/b:1",
        "listen: 'localhost:8080'",
        "imagePullPolicy: Always",
        "imagePullSecrets: [ 'a:1' ]",
        "imageTag: 'a:1'",
        "image: true",
        "image: 3",
        "image: ''",
        "image: ~",
        "image: { enabled: true }",
        "image: { tag: '1' }",
        "image: '{{ .Values.a }}:1'",
        "image: 'q.io/a/b:{{ .Chart.AppVersion }}'",
        "sidecarImage: '{{ .x }}'",
        "sidecarImage: q.io/a/b",
        "backgroundImage: https://q.io/a/b.png",
        "backgroundImage: 'https://q.io:8080'",
        "image: https://q.io/a/b.png",
        "backgroundImage: 'data:image/png;base64,AAAA'",
        "backgroundImage: 'Q:1'",
        "backgroundImage: ':1'",
        "backgroundImage: 'a:'",
        "backgroundImage: '@sha256:00'",
        "backgroundImage: 'a@sha256:00'",
        "sidecarImage: ['q.io/a/b:1']",
        "git: { repository: github.com/a/b, version: '1' }",
        "git: { repository: a/b, version: '1' }",
        "chart: { repository: q.io/charts/b, version: '1' }",
        "chart: { repository: 'https://q.io', tag: '1' }",
        "x: { repository: q.io/a/b }",
        "images: { registry: 'q.io:5000', imageTag: 'a:1', pullPolicy: 'a:1', baseUrl: 'q.io:80' }",
        "x: { image: { repository: [ 1 ], tag: { a: b } } }",
    ] {
        assert!(of_values("{}\n", values, "").is_empty(), "{values}: {:?}", of_values("{}\n", values, ""));
    }
}

#[test]
fn values_lie_over_those_of_the_chart_wherever_it_gets_them() {
    let chart = "image: { repository: q.io/a/b, tag: 1 }\nsidecarImage: q.io/a/c:1\n";
    assert_eq!(of_values(chart, "image: { tag: '2' }", ""), ["q.io/a/b:2", "q.io/a/c:1"]);
    let nested = "own: { image: { tag: '3' }, sidecarImage: q.io/a/c:2 }\ninitImage: q.io/a/d:1";
    let found = of_values(chart, nested, ", valuesFrom: own");
    assert_eq!(found, ["q.io/a/b:3", "q.io/a/c:2", "q.io/a/d:1"], "and those that templates get");
    assert_eq!(of_values(chart, "image: ~\nsidecarImage: ~", ""), Vec::<String>::new());
}

#[test]
fn a_chart_in_a_chart_has_values_and_a_registry_reaches_it() {
    let product = "apiVersion: tidegate.dev/v1\nkind: Product\nmetadata: { name: y }\nspec:\n  version: 1.0.0\n  owner: team\n  deploy:\n    - helm: { chart: c, namespace: y }\n  values:\n    sub: { image: { tag: '4' } }\n    global: { imageRegistry: q.io }\n";
    let catalog = catalog(&[
        ("products/y/product.yaml", product),
        ("products/y/c/values.yaml", "sub: { sidecarImage: 'a/c:1' }\n"),
        ("products/y/c/charts/sub/values.yaml", "image: { repository: a/b, tag: 3 }\n"),
    ]);
    let images = catalog.products.values().next().unwrap().with_part(|part| of(&part));
    let found: Vec<String> =
        images.iter().map(|image| format!("{} {}", image.reference, image.place)).collect();
    assert_eq!(found, ["q.io/a/b:4 products/y/product.yaml:10:26", "a/c:1 products/y/c/values.yaml:1:22"]);
}

#[test]
fn objects_are_looked_through_by_the_same_keys() {
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: { name: a }\nspec:\n  containers:\n    - { name: a, image: redis, imagePullPolicy: Always }\n  volumes:\n    - { name: v, image: { reference: 'q.io/a/v:1', pullPolicy: Always } }\n---\napiVersion: shop.test/v1\nkind: Shop\nmetadata: { name: b }\nspec: { sidecarImage: q.io/a/s:2 }\n";
    let catalog = catalog(&[
        ("products/agent/product.yaml", PRODUCT),
        ("products/agent/manifests/a.yaml", pod),
        ("products/agent/chart/values.yaml", "{}\n"),
    ]);
    let images = catalog.products.values().next().unwrap().with_part(|part| of(&part));
    let found: Vec<(&str, bool)> =
        images.iter().map(|image| (image.reference.as_str(), image.is_open)).collect();
    assert_eq!(found, [("redis", false), ("q.io/a/v:1", false), ("q.io/a/s:2", false)]);
}
