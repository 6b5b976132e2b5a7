//! What a report tells of images in values, and what a bump finds there: both go by one rule.

use proptest::prelude::*;

use super::*;
use crate::lcm::declared::{self, Item};
use crate::model::image::Repository;

/// What the issue was found with.
const VALUES: &str = "  values:\n    image: { repository: registry.test/shop/api, tag: '1.4.2' }\n    sidecarImage: \"registry.test/shop/api:1.4.3\"\n    initImage: registry.test/shop/web:v1.2.0\n";

const CHART: (&str, &str) = ("c/Chart.yaml", "apiVersion: v2\nname: c\nversion: 1.0.0\n");

/// A product with these values for its chart, which has these itself.
fn charted(values: &str, own: &str) -> ProductSource {
    let yaml = product_yaml(&format!("  deploy:\n    - helm: {{ chart: c, namespace: y }}\n{values}"));
    product(&[("product.yaml", &yaml), CHART, ("c/values.yaml", own)])
}

/// The images with their versions that a report tells of.
fn told(product: &ProductSource) -> Vec<(Repository, String)> {
    let all = declared::of_product(product, &Mirrors::default()).into_iter();
    all.filter_map(|one| match (one.item, one.version) {
        (Item::Image(repository), Some(version)) => Some((repository, version)),
        _ => None,
    })
    .collect()
}

fn names(product: &ProductSource) -> Vec<String> {
    told(product).iter().map(|(repository, version)| format!("{repository}:{version}")).collect()
}

/// Bumps an image from one version to another.
fn from_to(
    product: &ProductSource,
    repository: &Repository,
    from: Option<&str>,
    to: &str,
) -> Result<Bump, Findings> {
    let moving = Moving::Image(repository.clone());
    let asked = with(Request { moving, ..request(product, to) }, |asked| {
        asked.from = from.map(str::to_owned);
        asked.version = Some(version("9.0.0"));
        asked.digest = Digests::Drop;
        asked.lower = true;
    });
    bump(&asked)
}

#[test]
fn each_version_that_values_name_is_told_and_can_be_raised() {
    let product = charted(VALUES, "{}\n");
    assert_eq!(
        names(&product),
        ["registry.test/shop/api:1.4.2", "registry.test/shop/api:1.4.3", "registry.test/shop/web:v1.2.0"]
    );
    let api = "registry.test/shop/api".parse().unwrap();
    assert_eq!(codes(from_to(&product, &api, None, "2.0.0")), ["TG1051"]);
    for (from, field) in [("1.4.2", "spec.values.image.tag"), ("1.4.3", "spec.values.sidecarImage")] {
        let bump = from_to(&product, &api, Some(from), "2.0.0").unwrap();
        let edits = edits(&bump);
        assert!(matches!(edits.as_slice(), [edit] if edit.starts_with(field)), "{edits:?}");
    }
}

#[test]
fn a_registry_for_all_charts_is_the_same_for_both() {
    let values = "  values: { global: { imageRegistry: registry.test }, sub: { image: { tag: '2' } } }\n";
    let yaml = product_yaml(&format!("  deploy:\n    - helm: {{ chart: c, namespace: y }}\n{values}"));
    let sub =
        "image: { repository: shop/api, tag: 1 }\ninit: { image: { repository: shop/web, tag: 1.0 } }\n";
    let product = product(&[("product.yaml", &yaml), CHART, ("c/charts/sub/values.yaml", sub)]);
    assert_eq!(names(&product), ["registry.test/shop/api:2", "registry.test/shop/web:1.0"]);
    for (repository, version) in told(&product) {
        assert!(from_to(&product, &repository, Some(&version), "3.0").is_ok(), "{repository}:{version}");
    }
}

#[test]
fn what_a_chart_says_of_an_image_counts_where_the_product_says_its_version() {
    let own = "a: { repository: acme/agent, version: '1', pullPolicy: Always }\n";
    let product = charted("  values: { a: { version: '2' } }\n", own);
    assert_eq!(names(&product), ["docker.io/acme/agent:2"]);
    let bump = from_to(&product, &"acme/agent".parse().unwrap(), Some("2"), "3").unwrap();
    assert_eq!(edits(&bump), ["spec.values.a.version 2 -> 3"]);
}

#[test]
fn the_tag_of_a_chart_is_that_of_the_image_that_the_product_puts_there() {
    let own = "a: { repository: acme/agent, tag: '1' }\n";
    let product = charted("  values: { a: { repository: registry.test/shop/agent } }\n", own);
    assert_eq!(names(&product), ["registry.test/shop/agent:1"]);
    let moved = "registry.test/shop/agent".parse().unwrap();
    assert_eq!(edits(&from_to(&product, &moved, None, "2").unwrap()), ["a.tag 1 -> 2"]);
}

/// Keys and texts of values, of images and of what comes near to them.
fn key() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "image",
        "images",
        "sidecarImage",
        "repository",
        "registry",
        "tag",
        "imageTag",
        "version",
        "digest",
        "sha",
        "imageName",
        "imageRepository",
        "reference",
        "global",
        "imageRegistry",
        "imagePullPolicy",
        "chart",
        "a",
    ])
}

fn text() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "quay.io/acme/agent:1.0.0",
        "quay.io/acme/agent",
        "acme/agent",
        "agent:2",
        "quay.io",
        "quay.io:5000",
        "1.0.0",
        "2",
        "",
        "Always",
        "https://quay.io/a:1",
        "{{ .x }}:1",
        "a b",
        "@",
    ])
}

/// A mapping in one line.
fn tree() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![text().prop_map(|text| format!("'{text}'")), Just("~".to_owned())];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::btree_map(key(), inner.clone(), 1..5).prop_map(|all| {
                let all: Vec<String> = all.iter().map(|(key, value)| format!("{key}: {value}")).collect();
                format!("{{ {} }}", all.join(", "))
            }),
            prop::collection::vec(inner, 1..3).prop_map(|all| format!("[ {} ]", all.join(", "))),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, rng_seed: prop::test_runner::RngSeed::Fixed(14), ..ProptestConfig::default() })]

    #[test]
    fn what_is_told_can_be_raised_and_what_can_be_raised_is_told(values in tree(), own in tree()) {
        let product = charted(&format!("  values: {{ x: {values} }}\n"), &format!("x: {own}\n"));
        let told = told(&product);
        for (repository, version) in told.iter().filter(|(_, version)| version != "latest") {
            let done = from_to(&product, repository, Some(version), "7.7.7");
            prop_assert!(done.is_ok(), "{repository}:{version}\n{}", done.unwrap_err());
        }
        // What replaces a chart's own leaves its images behind, and a registry or two names leave it open which.
        let alone = charted(&format!("  values: {{ x: {values} }}\n"), "{}\n");
        let told = super::values::told(&alone);
        let agent: Repository = AGENT.parse().unwrap();
        let unsure = ["global", "imageName", "repository", "Repository", "digest", "sha"];
        let is_plain = !unsure.iter().any(|key| values.contains(key));
        if is_plain && from_to(&alone, &agent, Some("1.0.0"), "7.7.7").is_ok() {
            prop_assert!(told.contains(&(agent, "1.0.0".to_owned())), "{told:?}");
        }
    }
}
