//! Charts: values over values, what a chart installs, charts that move themselves.

use super::*;

const CHART: &str = "apiVersion: v2\nname: c\nversion: 0.1.0\nappVersion: 1.0.0\n";

fn with_chart(values: &str, files: &[(&str, &str)]) -> ProductSource {
    let own = product_yaml(&format!("  deploy:\n    - helm: {{ chart: chart, namespace: x }}\n{values}"));
    let mut all = vec![("product.yaml", own.as_str()), ("chart/Chart.yaml", CHART)];
    all.extend(files);
    product(&all)
}

#[test]
fn a_tag_among_the_products_values_belongs_to_the_charts_repository() {
    let product = with_chart(
        "  values: { image: { tag: 1.0.0 } } # ours\n",
        &[("chart/values.yaml", "image: { repository: quay.io/acme/agent, tag: 0.9.0 }\n")],
    );
    let bump = bump(&request(&product, "1.1.0")).unwrap();
    assert_eq!(
        edits(&bump),
        ["appVersion 1.0.0 -> 1.1.0", "spec.values.image.tag 1.0.0 -> 1.1.0"],
        "the version that counts is the one that moves"
    );
    assert_eq!(left(&bump), ["chart/values.yaml:1 0.9.0 Overridden"]);
}

#[test]
fn an_image_without_a_tag_is_at_what_the_chart_installs() {
    let product =
        with_chart("", &[("chart/values.yaml", "image:\n  repository: quay.io/acme/agent\n  tag: \"\"\n")]);
    let bump = bump(&request(&product, "v1.1.0")).unwrap();
    assert_eq!(edits(&bump), ["appVersion 1.0.0 -> 1.1.0"], "written as it was, without a `v`");
    assert!(left(&bump).is_empty());
}

#[test]
fn a_chart_within_a_chart_is_looked_at_with_the_values_above_it() {
    let product = with_chart(
        "",
        &[
            ("chart/values.yaml", "inner:\n  image:\n    tag: 1.0.0\n"),
            ("chart/charts/inner/Chart.yaml", "apiVersion: v2\nname: inner\nversion: 1.0.0\n"),
            ("chart/charts/inner/values.yaml", "image: { repository: quay.io/acme/agent, tag: 1.0.0 }\n"),
        ],
    );
    let bump = bump(&request(&product, "1.1.0")).unwrap();
    assert_eq!(
        edits(&bump),
        ["appVersion 1.0.0 -> 1.1.0", "image.tag 1.0.0 -> 1.1.0", "inner.image.tag 1.0.0 -> 1.1.0"]
    );
}

#[test]
fn a_digest_below_that_goes_on_counting_is_no_silent_thing() {
    let values =
        format!("image: {{ repository: quay.io/acme/agent, tag: 0.9.0, digest: \"{}\" }}\n", digest('a'));
    let product =
        with_chart("  values: { image: { tag: 1.0.0 } }\n", &[("chart/values.yaml", values.as_str())]);
    let given = Digests::Become(digest('b'));
    assert_eq!(codes(bump(&with(request(&product, "1.1.0"), |asked| asked.digest = given))), ["TG1054"]);
    let values = "image: { repository: quay.io/acme/agent, tag: 1.0.0 }\n";
    let over = format!("  values: {{ image: {{ digest: \"{}\" }} }}\n", digest('a'));
    let product = with_chart(&over, &[("chart/values.yaml", values)]);
    assert_eq!(codes(bump(&request(&product, "1.1.0"))), ["TG1054"]);
    let given = Digests::Become(digest('b'));
    let bumped = bump(&with(request(&product, "1.1.0"), |asked| asked.digest = given)).unwrap();
    assert!(text(&bumped, "product.yaml").contains(&digest('b')));
}

fn moving_chart<'a>(product: &'a ProductSource, name: &str, to: &str) -> Request<'a> {
    Request { moving: Moving::Chart(name.into()), ..request(product, to) }
}

#[test]
fn a_dependency_that_is_fetched_elsewhere_moves_and_a_range_is_left() {
    let chart = "apiVersion: v2\nname: c\nversion: 0.1.0\ndependencies:\n  - name: base\n    version: 1.0.0 # pinned\n    \
                 repository: https://example.com\n  - { name: base, alias: b, version: ^1.0.0, repository: x }\n";
    let product = with_chart("", &[("chart/Chart.yaml", chart)]);
    let bump = bump(&moving_chart(&product, "base", "1.2.0")).unwrap();
    assert_eq!(text(&bump, "chart/Chart.yaml"), chart.replacen("version: 1.0.0", "version: 1.2.0", 1));
    assert_eq!(left(&bump), ["chart/Chart.yaml:8 ^1.0.0 Range"]);
    assert_eq!(bump.version.1, version("1.3.0"));
}

#[test]
fn a_chart_of_another_repository_is_another_one() {
    let chart = "apiVersion: v2\nname: c\nversion: 0.1.0\ndependencies:\n\
        - { name: base, version: 1.0.0, repository: https://example.com/charts/ }\n\
        - { name: base, version: 1.0.0, alias: b, repository: https://example.org/charts }\n";
    let own = product_yaml(
        "  upstream:\n    - chart: { name: base, repository: https://example.com/charts }\n  \
         deploy:\n    - helm: { chart: chart, namespace: x }\n",
    );
    let product = product(&[("product.yaml", &own), ("chart/Chart.yaml", chart)]);
    let bump = bump(&moving_chart(&product, "base", "1.2.0")).unwrap();
    assert_eq!(text(&bump, "chart/Chart.yaml"), chart.replacen("1.0.0", "1.2.0", 1));
    assert_eq!(left(&bump), ["chart/Chart.yaml:6 1.0.0 AnotherRepository"]);
}

#[test]
fn a_chart_whose_content_is_here_needs_its_content() {
    let files = [("chart/templates/a.yaml", "a: 1\n")];
    let product = with_chart("", &files);
    let refused = bump(&moving_chart(&product, "c", "0.1.1"));
    assert!(refused.as_ref().unwrap_err().to_string().contains("chart/templates/a.yaml"));
    assert_eq!(codes(refused), ["TG1057"]);
    let keeping = with(moving_chart(&product, "c", "0.1.1"), |asked| {
        asked.keeps_content = true;
        asked.app_version = Some("1.0.1".into());
    });
    let bumped = bump(&keeping).unwrap();
    assert_eq!(edits(&bumped), ["version 0.1.0 -> 0.1.1", "appVersion 1.0.0 -> 1.0.1"]);
}

#[test]
fn after_its_content_was_put_there_the_rest_is_done_once() {
    let product = with_chart("", &[("chart/templates/a.yaml", "a: 1\n")]);
    assert_eq!(codes(bump(&moving_chart(&product, "c", "0.1.0"))), ["TG1052"]);
    let after = with(moving_chart(&product, "c", "0.1.0"), |asked| asked.from = Some("0.0.9".into()));
    let bumped = bump(&after).unwrap();
    assert!(edits(&bumped).is_empty());
    assert_eq!(bumped.version.1, version("1.3.0"));
    let changelog = text(&bumped, "CHANGELOG.md").to_owned();
    assert!(changelog.contains("- `chart c` 0.0.9 -> 0.1.0\n"), "{changelog}");
    let again = with_chart("", &[("chart/templates/a.yaml", "a: 1\n"), ("CHANGELOG.md", &changelog)]);
    let after = with(moving_chart(&again, "c", "0.1.0"), |asked| asked.from = Some("0.0.9".into()));
    assert_eq!(codes(bump(&after)), ["TG1052"]);
}
