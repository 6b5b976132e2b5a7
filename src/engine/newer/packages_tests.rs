//! Packages from a repository in memory, rendered by one that says what it was asked.

#![allow(clippy::unwrap_used)]

use std::sync::Mutex;

use async_trait::async_trait;
use serde_json::json;

use super::*;
use crate::catalog::testing::catalog;
use crate::lcm::upstream::{Answer, Silence, Unanswered};
use crate::port::upstream::{Listed, Packed};
use crate::port::{Fault, HelmOutput, HelmVersion};
use crate::render::packed::tests::packed;

const PRODUCT: &str = "apiVersion: tidegate.dev/v1\nkind: Product\nmetadata: { name: shop }\nspec:\n  version: 1.0.0\n  owner: web\n  deploy:\n    - helm: { chart: chart, namespace: shop }\n  values:\n    replicas: 2\n";
const REPOSITORY: &str = "https://charts.example.com";

/// Packages by version.
struct Memory(BTreeMap<&'static str, Vec<u8>>);

#[async_trait]
impl Charts for Memory {
    async fn versions(&self, _: &str, _: &[&str]) -> Result<Listed, Unanswered> {
        Ok(Listed::new())
    }
    async fn package(&self, _: &str, _: &str, entry: &Entry) -> Result<Packed, Unanswered> {
        let bytes = self.0.get(entry.version.as_str()).cloned();
        let missing = || Unanswered::new(Silence::Missing, "it answered 404");
        let address = Some(format!("{REPOSITORY}/web-{}.tgz", entry.version));
        bytes.map(|bytes| Packed { bytes, address }).ok_or_else(missing)
    }
}

/// Says no to charts with this file; remembers for which Kubernetes it rendered.
#[derive(Default)]
struct Helm {
    gone: bool,
    refuses: Option<&'static str>,
    asked: Mutex<Vec<String>>,
}

#[async_trait]
impl Renderer for Helm {
    async fn version(&self) -> Result<HelmVersion, Fault> {
        let binary = crate::digest::bytes(b"");
        match self.gone {
            true => Err(Fault::permanent("helm was not found")),
            false => Ok(HelmVersion { version: "v4".to_owned(), binary }),
        }
    }
    async fn render(&self, request: HelmRequest) -> Result<HelmOutput, Fault> {
        self.asked.lock().unwrap().push(format!("{} {}", request.kubernetes, request.values));
        if self.refuses.is_some_and(|file| request.chart.get(file).is_some()) {
            return Err(Fault::permanent("values don't meet the schema"));
        }
        let manifest = request.chart.get("templates/a.yaml").unwrap();
        Ok(HelmOutput { manifests: String::from_utf8(manifest.bytes.to_vec()).unwrap() })
    }
}

fn chart(version: &str, values: &str, manifest: &str) -> Vec<u8> {
    let file = format!("name: web\nversion: {version}\n");
    packed(&[
        ("web/Chart.yaml", file.as_bytes()),
        ("web/values.yaml", values.as_bytes()),
        ("web/templates/a.yaml", manifest.as_bytes()),
    ])
}

const OLD: &str = "apiVersion: policy/v1\nkind: PodDisruptionBudget\n";
const NEW: &str = "apiVersion: policy/v1beta1\nkind: PodDisruptionBudget\n";

fn memory() -> Memory {
    let packages = [("1.0.0", chart("1.0.0", "replicas: 1\n", OLD)), ("2.0.0", chart("2.0.0", "{}\n", NEW))];
    Memory(packages.into())
}

fn job() -> (Item, Answers) {
    let item = Item::Chart { repository: REPOSITORY.to_owned(), name: "web".to_owned() };
    let entry = |version: &str| Entry { version: version.to_owned(), ..Entry::default() };
    let answer = Answer { entries: vec![entry("2.0.0"), entry("1.0.0")], ..Answer::default() };
    (item.clone(), Answers::from([(item, Ok(answer))]))
}

async fn found(memory: &Memory, helm: &Helm, kubernetes: &[&str]) -> Result<Found, String> {
    let (item, answers) = job();
    let copy = "apiVersion: v1\nname: web\nversion: 0.9.0\n";
    let catalog =
        catalog(&[("products/shop/product.yaml", PRODUCT), ("products/shop/chart/Chart.yaml", copy)]);
    let kubernetes = kubernetes.iter().map(|text| text.parse().unwrap()).collect();
    let with = Comparing { catalog: &catalog, kubernetes: &kubernetes, renderer: helm, within: RENDER.std() };
    let version = helm.version().await.map(drop).map_err(|fault| fault.message);
    let job = Job {
        item: &item,
        repository: REPOSITORY,
        chart: "web",
        from: "1.0.0",
        to: "2.0.0",
        products: vec!["shop"],
    };
    with.pair(&job, &answers, memory, version).await.map(|mut all| all.remove("shop").unwrap())
}

fn certain(found: &Found) -> Vec<&str> {
    let certain = found.evidence.iter().filter(|one| one.weight == crate::lcm::changes::Weight::Certain);
    certain.map(|one| one.text.as_str()).collect()
}

#[tokio::test]
async fn packages_are_compared_and_rendered_with_the_products_values() {
    let helm = Helm::default();
    let found = found(&memory(), &helm, &["1.34.2", "1.33.1", "1.34.6", "1.35.0"]).await.unwrap();
    assert_eq!(
        certain(&found),
        [
            "the values set `replicas` (products/shop/product.yaml:10), which is gone",
            "it uses PodDisruptionBudget (policy/v1beta1), which Kubernetes 1.35 does not serve: it ended with 1.24",
            "it uses PodDisruptionBudget (policy/v1beta1), which Kubernetes 1.33 does not serve: it ended with 1.24",
        ]
    );
    assert_eq!(found.evidence[0].links[0].url, "https://charts.example.com/web-2.0.0.tgz");
    let values = json!({ "replicas": 2 });
    let asked = ["1.35.0", "1.35.0", "1.33.1"].map(|version| format!("{version} {values}"));
    assert_eq!(*helm.asked.lock().unwrap(), asked);
}

#[tokio::test]
async fn values_that_the_newer_chart_refuses_break() {
    let mut memory = memory();
    let bytes = packed(&[("web/Chart.yaml", b"name: web\nversion: 2.0.0\n"), ("web/strict", b"")]);
    memory.0.insert("2.0.0", bytes);
    let helm = Helm { refuses: Some("strict"), ..Helm::default() };
    let found = found(&memory, &helm, &[]).await.unwrap();
    assert!(certain(&found)[1].contains("can't be rendered any more"), "{found:?}");
    assert!(helm.asked.lock().unwrap()[0].starts_with("1.36 "), "the newest that is known");
}

#[tokio::test]
async fn without_helm_files_are_compared_and_that_is_said() {
    let helm = Helm { gone: true, ..Helm::default() };
    let found = found(&memory(), &helm, &["1.34"]).await.unwrap();
    assert_eq!(certain(&found).len(), 1);
    assert_eq!(found.notes, ["what it renders to is not compared: helm was not found"]);
    assert!(helm.asked.lock().unwrap().is_empty());
}

#[tokio::test]
async fn what_is_no_package_of_the_chart_is_told() {
    for (bytes, words) in [
        (packed(&[("x/Chart.yaml", b"name: other\nversion: 2.0.0\n")]), "it is of the chart `other`"),
        (packed(&[("x/Chart.yaml", b"name: web\nversion: 3.0.0\n")]), "it is of the version `3.0.0`"),
        (packed(&[("web/../../x", b"")]), "leads out of it"),
        (b"<html>".to_vec(), "the package of web 2.0.0: "),
    ] {
        let mut memory = memory();
        memory.0.insert("2.0.0", bytes);
        let why = found(&memory, &Helm::default(), &[]).await.unwrap_err();
        assert!(why.contains(words), "{why}");
    }
    let mut memory = memory();
    memory.0.remove("1.0.0");
    assert_eq!(found(&memory, &Helm::default(), &[]).await.unwrap_err(), "it answered 404");
}
