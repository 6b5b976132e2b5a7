//! Templates: what is literal in them moves, what a template writes is left.

use super::*;

fn in_template(name: &str, before: &str) -> Bump {
    let product = product(&[(name, before)]);
    bump(&request(&product, "1.1.0")).unwrap_or_else(|findings| panic!("{before}\n{findings}"))
}

#[test]
fn a_literal_reference_moves_and_every_expression_stays() {
    let before = "{# agent #}\nkind: Pod\nmetadata: { name: {{ cluster.name }} }\nspec:\n  containers:\n    \
        - { name: a, image: quay.io/acme/agent:1.0.0 }\n    {% if values.b %}\n    - image: \"quay.io/acme/agent:1.0.0\"\n    {% endif %}\n    \
        - image: {{ values.registry }}/acme/agent:1.0.0\n    - image: quay.io/acme/agent:1.0.0{{ values.suffix }}\n";
    let bump = in_template("m/a.yaml.j2", before);
    assert_eq!(text(&bump, "m/a.yaml.j2"), before.replacen("1.0.0", "1.1.0", 2));
    assert_eq!(
        left(&bump),
        [
            "m/a.yaml.j2:10 {{ values.registry }}/acme/agent:1.0.0 Templated",
            "m/a.yaml.j2:11 quay.io/acme/agent:1.0.0{{ values.suffix }} Templated",
        ]
    );
}

#[test]
fn a_template_that_is_no_yaml_without_its_expressions_is_read_by_its_lines() {
    // Both branches have the same key.
    let before = "{% if a %}\nimage: quay.io/acme/agent:1.0.0\n{% else %}\nimage: 'quay.io/acme/agent:1.0.0' # 1.0.0\n\
        {% endif %}\n# image: quay.io/acme/agent:1.0.0\nx: |\n  image: quay.io/acme/agent:1.0.0\n\
        y: { image: quay.io/acme/agent:1.0.0{% if b %}-b{% endif %} }\n";
    let bump = in_template("m/a.yaml.j2", before);
    assert_eq!(text(&bump, "m/a.yaml.j2"), before.replacen("agent:1.0.0", "agent:1.1.0", 2));
    assert_eq!(
        left(&bump),
        [
            "m/a.yaml.j2:4 1.0.0 Mentioned",
            "m/a.yaml.j2:6 1.0.0 Mentioned",
            "m/a.yaml.j2:8 1.0.0 Mentioned",
            "m/a.yaml.j2:9 quay.io/acme/agent:1.0.0 Templated",
        ]
    );
}

#[test]
fn a_charts_template_is_read_by_its_lines() {
    let before = "{{- if .Values.a }}\n- image: \"quay.io/acme/agent:1.0.0\"\n{{- end }}\n\
        - image: \"{{ .Values.r }}/acme/agent:1.0.0\"\n- image: {{ .Values.i | default \"quay.io/acme/agent:1.0.0\" }}\n";
    let product = product(&[
        ("product.yaml", &product_yaml("  deploy:\n    - helm: { chart: chart, namespace: x }\n")),
        ("chart/Chart.yaml", "apiVersion: v2\nname: c\nversion: 0.1.0\nappVersion: \"1.0.0\"\n"),
        ("chart/templates/a.yaml", before),
    ]);
    let bump = bump(&request(&product, "1.1.0")).unwrap();
    assert_eq!(text(&bump, "chart/templates/a.yaml"), before.replacen("1.0.0", "1.1.0", 1));
    assert_eq!(
        text(&bump, "chart/Chart.yaml"),
        "apiVersion: v2\nname: c\nversion: 0.1.0\nappVersion: \"1.1.0\"\n",
        "what the chart says to install goes along"
    );
    assert_eq!(
        left(&bump),
        [
            "chart/templates/a.yaml:4 {{ .Values.r }}/acme/agent:1.0.0 Templated",
            "chart/templates/a.yaml:5 1.0.0 Mentioned",
        ]
    );
}

#[test]
fn an_image_of_which_a_template_writes_one_part_is_left() {
    for (image, text) in [
        ("{repository: quay.io/acme/agent, tag: 1.0.0, digest: {{ values.x }}}", "1.0.0"),
        ("{repository: quay.io/acme/agent, tag: 1.0.0, sha: \"{{ values.x }}\"}", "1.0.0"),
        ("{registry: {{ values.r }}, repository: acme/agent, tag: 1.0.0}", "1.0.0"),
        ("{repository: \"{{ values.r }}/acme/agent\", tag: 1.0.0}", "1.0.0"),
        ("quay.io/acme/agent:1.0.0\nimageDigest: {{ values.x }}", "quay.io/acme/agent:1.0.0"),
    ] {
        let before = format!("a: {{image: quay.io/acme/agent:1.0.0}}\n---\nimage: {image}\n");
        let product = product(&[("m/a.yaml.j2", &before)]);
        let given = Digests::Become(digest('b'));
        let bump = bump(&with(request(&product, "1.1.0"), |asked| asked.digest = given)).unwrap();
        assert_eq!(super::text(&bump, "m/a.yaml.j2"), before.replacen("1.0.0", "1.1.0", 1));
        assert_eq!(left(&bump), [format!("m/a.yaml.j2:3 {text} Templated")]);
    }
}

#[test]
fn a_tools_version_that_a_template_writes_is_left() {
    let before = "a: { helmVersion: v3.19.0 }\nb: { helmVersion: {{ values.h }} }\nc: { helmVersion: v3.19.0-{{ values.h }} }\n\
                  d: { helm: { version: v3.19.0, sha256: {{ values.h }} } }\n";
    let product = product(&[("m/a.yaml.j2", before)]);
    let moving = Moving::Tool("github:helm/helm".into());
    let given = Digests::Become(digest('b'));
    let bump = bump(&with(Request { moving, ..request(&product, "v3.19.2") }, |asked| asked.digest = given))
        .unwrap();
    assert_eq!(text(&bump, "m/a.yaml.j2"), before.replacen("3.19.0", "3.19.2", 1));
    assert_eq!(
        left(&bump),
        [
            "m/a.yaml.j2:2 {{ values.h }} Templated",
            "m/a.yaml.j2:3 v3.19.0-{{ values.h }} Templated",
            "m/a.yaml.j2:4 v3.19.0 Templated",
        ]
    );
}
