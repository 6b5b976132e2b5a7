//! What products set for charts, and where.

use serde_json::json;

use super::*;
use crate::catalog::testing::catalog;
use crate::lcm::changes::values::between;

const WRAPPER: &str = "apiVersion: v2\nname: wrapper\nversion: 0.1.0\ndependencies:\n  - { name: web, alias: front, version: 1.0.0, repository: https://charts.example.com }\n";

fn product(deploy: &str, values: &str) -> String {
    format!(
        "apiVersion: tidegate.dev/v1\nkind: Product\nmetadata: {{ name: shop }}\nspec:\n  version: 1.0.0\n  owner: web\n  deploy:\n    - helm: {{ chart: chart, namespace: shop{deploy} }}\n  values:\n{values}"
    )
}

fn catalog_of(product: &str, files: &[(&str, &str)]) -> Catalog {
    let mut all = vec![("products/shop/product.yaml", product)];
    all.extend(files);
    catalog(&all)
}

/// What is told of a key that is gone.
fn missed(one: &Use, old: Value) -> String {
    let found = between(&old, &json!({})).found("2.0.0", Some(&one.own));
    found.evidence[0].text.clone()
}

#[test]
fn a_copied_chart_gets_what_values_from_names() {
    let product = product(
        ", valuesFrom: a.web",
        "    a:\n      web:\n        replicas: 2\n        token: { secretRef: { env: T } }\n",
    );
    let chart = "apiVersion: v2\nname: web\nversion: 1.0.0\n";
    let catalog = catalog_of(
        &product,
        &[("products/shop/chart/Chart.yaml", chart), ("products/shop/chart/values.yaml", "replicas: 1\n")],
    );
    let uses = of(&catalog, "shop", "web");
    assert_eq!(uses.len(), 1);
    assert_eq!(uses[0].values, json!({ "replicas": 2, "token": "***" }));
    assert_eq!((uses[0].release.as_str(), uses[0].namespace.as_str()), ("shop", "shop"));
    let told = missed(&uses[0], json!({ "replicas": 1 }));
    assert_eq!(told, "the values set `replicas` (products/shop/product.yaml:12), which is gone");
    let copied = copy(&catalog, "shop", "web", "1.0.0").expect("it is there");
    assert!(copied.get("values.yaml").is_some());
    assert!(copy(&catalog, "shop", "web", "1.0.1").is_none());
    assert!(of(&catalog, "shop", "other").is_empty() && of(&catalog, "none", "web").is_empty());
}

#[test]
fn a_chart_within_another_gets_what_stands_below_its_alias() {
    let product = product("", "    front: { replicas: 3 }\n");
    let values = "global: { region: eu }\nfront:\n  replicas: 2\n  debug: true\nother: 1\n";
    let files = [
        ("products/shop/chart/Chart.yaml", WRAPPER),
        ("products/shop/chart/values.yaml", values),
        ("products/shop/chart/charts/web/Chart.yaml", "name: web\nversion: 1.0.0\n"),
        (
            "pipelines/fleet.yaml",
            "apiVersion: tidegate.dev/v1\nkind: Fleet\nmetadata: { name: f }\nspec:\n  environments:\n    prod: { values: { shop: { front: { quota: 1 } } } }\n",
        ),
    ];
    let catalog = catalog_of(&product, &files);
    let uses = of(&catalog, "shop", "web");
    assert_eq!(uses[0].values, json!({ "replicas": 3, "debug": true, "global": { "region": "eu" } }));
    let told = |key: &str| missed(&uses[0], json!({ key: 1 }));
    assert!(told("replicas").contains("(products/shop/product.yaml:10)"), "{}", told("replicas"));
    assert!(told("debug").contains("(products/shop/chart/values.yaml:4)"), "{}", told("debug"));
    assert!(told("quota").contains("(pipelines/fleet.yaml:6)"), "{}", told("quota"));
    assert_eq!(told("other"), "the value `other` is gone");
    assert!(copy(&catalog, "shop", "web", "1.0.0").is_some());
}
