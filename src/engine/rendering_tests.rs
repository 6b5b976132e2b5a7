//! Which values a chart gets, and what is said when its path leads nowhere.
#![allow(clippy::unwrap_used)]
use serde_json::json;

use super::*;
use crate::model::{File, Tree};

/// The `valuesFrom` of a product's only step.
fn values_from(path: &str) -> Spanned<String> {
    let text = format!(
        "apiVersion: tidegate.dev/v1\nkind: Product\nmetadata: {{ name: web }}\nspec:\n  version: 1.0.0\n  owner: platform\n  deploy:\n    - helm: {{ chart: chart, namespace: web, valuesFrom: {path} }}\n"
    );
    let mut tree = Tree::new();
    tree.insert("product.yaml", File { bytes: text.as_bytes().into(), executable: false });
    let content = Content::at(&tree, "products/web").unwrap();
    match &content.file.spec.deploy[0].value {
        DeployStep::Helm(step) => step.values_from.clone().unwrap(),
        other => panic!("{}", other.kind()),
    }
}

#[test]
fn a_chart_gets_the_values_at_its_path() {
    let values = json!({"ingress": {"chart": {"replicas": 2}, "empty": {}}});
    assert_eq!(at(&values, &values_from("ingress.chart")).unwrap(), json!({"replicas": 2}));
    assert_eq!(at(&values, &values_from("ingress.empty")).unwrap(), json!({}));
}

#[test]
fn a_path_that_leads_nowhere_is_an_error_that_names_path_and_file() {
    let values = json!({"ingress": {"chart": null, "list": [{}], "a/b": {"c": {}}}});
    for (path, words) in [
        ("ingress.chrat", "there is no value `ingress.chrat`"),
        ("chart", "there is no value `chart`"),
        ("ingress.chart", "the value `ingress.chart` is no mapping"),
        ("ingress.list", "the value `ingress.list` is no mapping"),
        ("ingress.list.0", "there is no value `ingress.list.0`"),
        ("ingress.a.b", "there is no value `ingress.a.b`"),
    ] {
        let said = at(&values, &values_from(path)).unwrap_err().to_string();
        assert!(said.contains(words), "{said}");
        assert!(said.contains("products/web/product.yaml:8:"), "{said}");
    }
}
