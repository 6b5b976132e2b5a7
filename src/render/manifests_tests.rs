//! Files and values in, objects or findings out.
#![allow(clippy::unwrap_used)]

use serde_json::{Value, json};

use super::*;
use crate::model::File;
use crate::render::context::Facts;
use crate::render::values::{Resolved, resolve_refs};

fn tree(files: &[(&str, &str)]) -> Tree {
    let mut tree = Tree::new();
    for (path, text) in files {
        tree.insert(*path, File { bytes: text.as_bytes().into(), executable: false });
    }
    tree
}

fn context(values: Resolved) -> Context {
    let labels = [("env".to_owned(), "prod".to_owned())].into();
    let (cluster, product) = ("c1".parse().unwrap(), "web".parse().unwrap());
    let version = "1.2.3".parse().unwrap();
    let facts = Facts {
        cluster: &cluster,
        labels: &labels,
        provider: None,
        kubernetes: "1.36".parse().unwrap(),
        product: &product,
        version: &version,
    };
    Context::new(&facts, &values)
}

fn render_with(files: &[(&str, &str)], values: Value) -> Result<Vec<RenderedObject>, Findings> {
    manifests(&tree(files), "products/web", "m", Some("web"), &context(Resolved::plain(&values)))
}

fn render(text: &str, values: Value) -> Result<Vec<RenderedObject>, Findings> {
    render_with(&[("m/a.yaml.j2", text)], values)
}

/// The only finding as `CODE FILE:LINE:COLUMN message`.
fn finding(result: Result<Vec<RenderedObject>, Findings>) -> String {
    let findings: Vec<Finding> = result.unwrap_err().into_iter().collect();
    assert_eq!(findings.len(), 1, "{findings:?}");
    let finding = &findings[0];
    let place = finding.place.as_ref().map(|place| place.to_string()).unwrap_or_default();
    format!("{} {} {}", finding.code.id, place, finding.message)
}

const MAP: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ";

#[test]
fn a_folder_is_read_in_byte_order_and_only_manifests_are_taken() {
    let map = |name: &str| format!("{MAP}{name}\n");
    let (a, b, c, d) = (map("a"), map("b"), map("c"), map("{{ product.name }}"));
    let json = r#"{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "j"}}"#;
    let files = [
        ("m/z.yaml", a.as_str()),
        ("m/B.yml", b.as_str()),
        ("m/deep/x.yaml", c.as_str()),
        ("m/t.yaml.j2", d.as_str()),
        ("m/j.json", json),
        ("m/README.md", "{{ not ours"),
        ("m/_macros.j2", "{{ not ours"),
        ("m/.yaml", "{{ not ours"),
        ("mm/other.yaml", a.as_str()),
    ];
    let found = render_with(&files, json!({})).unwrap();
    let names: Vec<(&str, &str)> = found
        .iter()
        .map(|object| (object.object["metadata"]["name"].as_str().unwrap(), object.origin.as_str()))
        .collect();
    assert_eq!(
        names,
        [
            ("b", "m/B.yml:1"),
            ("c", "m/deep/x.yaml:1"),
            ("j", "m/j.json:1"),
            ("web", "m/t.yaml.j2:1"),
            ("a", "m/z.yaml:1")
        ]
    );
    assert_eq!(found[0].namespace.as_deref(), Some("web"));
}

#[test]
fn a_single_file_can_be_named() {
    let files = [("m/a.yaml", "apiVersion: v1\nkind: X\n"), ("m/b.yaml", "broken: [")];
    let found =
        manifests(&tree(&files), "", "m/a.yaml", None, &context(Resolved::plain(&json!({})))).unwrap();
    assert_eq!(found.len(), 1);
}

#[test]
fn a_path_without_manifests_is_an_error() {
    assert_eq!(
        finding(render_with(&[("other/a.yaml", "")], json!({}))),
        "TG0405  `products/web/m` holds no manifests"
    );
}

#[test]
fn braces_in_plain_files_are_text() {
    let text = format!("{MAP}a\ndata:\n  rule: '{{{{ $labels.instance }}}} is down'\n");
    let found = render_with(&[("m/a.yaml", &text)], json!({})).unwrap();
    assert_eq!(found[0].object["data"]["rule"], "{{ $labels.instance }} is down");
}

#[test]
fn a_template_sees_values_cluster_kubernetes_and_product_and_nothing_else() {
    let text = format!(
        "{MAP}a\ndata:\n  x: '{{{{ values.n }}}} {{{{ cluster.name }}}} {{{{ cluster.labels.env }}}} {{{{ kubernetes }}}} {{{{ product.name }}}} {{{{ product.version }}}} {{{{ cluster.provider is none }}}}'\n  j: {{{{ values.list | tojson }}}}\n  b: {{{{ 'x' | b64encode }}}}\n"
    );
    let found = render(&text, json!({"n": 3.0, "list": [1, "a"]})).unwrap();
    assert_eq!(found[0].object["data"]["x"], "3 c1 prod 1.36 web 1.2.3 true");
    assert_eq!(found[0].object["data"]["j"], json!([1, "a"]));
    assert_eq!(found[0].object["data"]["b"], "eA==");
    for name in ["release", "now()", "debug()", "env", "lipsum()", "self"] {
        let result = render(&format!("{MAP}{{{{ {name} }}}}\n"), json!({}));
        assert!(result.is_err(), "`{name}` was there");
    }
}

#[test]
fn values_are_written_so_that_yaml_reads_them_back() {
    let values = json!({"t": true, "z": null, "l": [1, "a", false], "m": {"k": null}, "f": 1.5});
    let text = format!(
        "{MAP}a\nspec: {{t: {{{{ values.t }}}}, z: {{{{ values.z }}}}, l: {{{{ values.l }}}}, m: {{{{ values.m }}}}, f: {{{{ values.f }}}}}}\n"
    );
    assert_eq!(render(&text, values.clone()).unwrap()[0].object["spec"], values);
}

#[test]
fn an_undefined_value_is_an_error_at_its_place_with_the_name_that_was_meant() {
    let text = format!("{MAP}a\ndata:\n  x: {{{{ values.imag.tag }}}}\n");
    let result = render(&text, json!({"image": {"tag": "1"}}));
    let findings = result.unwrap_err();
    let finding = findings.into_iter().next().unwrap();
    assert_eq!(finding.code.id, "TG0402");
    assert_eq!(finding.message, "`values.imag` is not defined");
    assert_eq!(finding.hints, ["did you mean `image`?"]);
    let place = finding.place.unwrap();
    assert_eq!((place.file(), place.line()), ("products/web/m/a.yaml.j2", 6));
    assert_eq!((place.column(), place.text()), (9, "values.imag.tag"));
    for text in ["{% if values.x %}a{% endif %}", "{% for i in values.x %}{% endfor %}", "{{ nothing }}"] {
        let result = render(text, json!({}));
        assert!(finding_code(&result) == "TG0402", "{text}: {result:?}");
    }
}

fn finding_code(result: &Result<Vec<RenderedObject>, Findings>) -> &'static str {
    result
        .as_ref()
        .err()
        .and_then(|findings| findings.into_iter().next())
        .map_or("", |finding| finding.code.id)
}

#[test]
fn what_may_be_absent_can_be_said() {
    let text =
        format!("{MAP}{{{{ values.x | default('d') }}}}\n{{% if values.y is defined %}}no: 1{{% endif %}}\n");
    assert_eq!(render(&text, json!({})).unwrap()[0].object["metadata"]["name"], "d");
}

#[test]
fn a_template_that_does_not_parse_is_an_error_at_its_line() {
    let text = format!("{MAP}a\n{{% if %}}\n");
    assert!(finding(render(&text, json!({}))).starts_with("TG0401 products/web/m/a.yaml.j2:5:"));
    let text = format!("{MAP}{{{{ 'x' | nofilter }}}}\n");
    let words = finding(render(&text, json!({})));
    assert!(words.starts_with("TG0403 products/web/m/a.yaml.j2:4:"), "{words}");
}

#[test]
fn an_endless_template_is_ended() {
    let text = "{% for a in range(100000) %}{% for b in range(100000) %}{{ b }}{% endfor %}{% endfor %}";
    assert_eq!(finding_code(&render(text, json!({}))), "TG0404");
    let text = "{% for a in range(100000) %}{{ 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx' * 100 }}{% endfor %}";
    assert_eq!(finding_code(&render(text, json!({}))), "TG0404");
}

#[test]
fn a_mistake_in_the_rendered_text_is_shown_at_the_templates_line() {
    // Two objects for each item: the rendered line numbers say nothing to a person.
    let text = format!(
        "{{% for n in values.names %}}\n---\n{MAP}{{{{ n }}}}\n{{% endfor %}}\n---\nkind: NoVersion\n"
    );
    let words = finding(render(&text, json!({"names": ["a", "b", "c"]})));
    assert_eq!(words, "TG0010 products/web/m/a.yaml.j2:9:1 the object lacks `apiVersion`");
}

#[test]
fn objects_know_the_line_of_the_template_they_come_from() {
    let text =
        format!("{{% for n in values.names %}}\n---\n{MAP}{{{{ n }}}}\n{{% endfor %}}\n---\n{MAP}last\n");
    let found = render(&text, json!({"names": ["a", "b"]})).unwrap();
    let origins: Vec<&str> = found.iter().map(|object| object.origin.as_str()).collect();
    assert_eq!(origins, ["m/a.yaml.j2:3", "m/a.yaml.j2:3", "m/a.yaml.j2:9"]);
}

#[test]
fn files_of_the_folder_can_be_included_and_no_others() {
    let files = [
        ("m/a.yaml.j2", "{% from './_m.j2' import map with context %}{{ map('x') }}"),
        (
            "m/_m.j2",
            "{% macro map(name) %}apiVersion: v1\nkind: ConfigMap\nmetadata: {name: {{ name }}}\n{% endmacro %}",
        ),
    ];
    assert_eq!(render_with(&files, json!({})).unwrap()[0].object["metadata"]["name"], "x");
    let result = render("{% include '../../etc/passwd' %}", json!({}));
    assert_eq!(finding_code(&result), "TG0403");
    let files = [("m/a.yaml.j2", "a: 1\n{% include 'lib/b.j2' %}"), ("lib/b.j2", "\n{{ values.gone }}")];
    let words = finding(render_with(&files, json!({})));
    assert!(words.starts_with("TG0402 products/web/lib/b.j2:2:"), "{words}");
}

#[test]
fn a_literal_secret_is_an_error_and_one_from_a_value_is_not() {
    let secret = |value: &str| {
        format!("apiVersion: v1\nkind: Secret\nmetadata: {{name: s}}\nstringData:\n  p: {value}\n")
    };
    let literal = secret("canary-literal");
    for name in ["m/a.yaml", "m/a.yaml.j2"] {
        let findings = render_with(&[(name, &literal)], json!({})).unwrap_err();
        let finding = findings.into_iter().next().unwrap();
        assert_eq!(finding.code.name, "literal-secret");
        assert_eq!(finding.place.as_ref().unwrap().line(), 5);
        assert!(!finding.to_string().contains("canary"), "{finding}");
        assert!(!serde_json::to_string(&finding).unwrap().contains("canary"));
    }
    let values = json!({"p": {"secretRef": {"env": "P"}}});
    let resolved = resolve_refs(&values, &|_| Some("canary-value".into())).unwrap();
    let files = [("m/a.yaml.j2", secret("{{ values.p | tojson }}"))];
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
    let found = manifests(&tree(&files), "products/web", "m", None, &context(resolved)).unwrap();
    assert_eq!(found[0].object["stringData"]["p"], "canary-value");
}

#[test]
fn a_secret_that_breaks_the_yaml_is_not_shown() {
    let values = json!({"p": {"secretRef": {"env": "P"}}});
    let resolved = resolve_refs(&values, &|_| Some("canary: [value".into())).unwrap();
    let text = format!("{MAP}{{{{ values.p }}}}\n");
    let findings = manifests(&tree(&[("m/a.yaml.j2", &text)]), "products/web", "m", None, &context(resolved))
        .unwrap_err();
    assert!(!findings.to_string().contains("canary"), "{findings}");
    assert!(findings.to_string().contains("products/web/m/a.yaml.j2:4"), "{findings}");
}

#[test]
fn a_template_that_runs_away_is_stopped_with_words_at_its_line() {
    let values = || json!({ "long": "x".repeat(1000), "list": [1, 2] });
    for (text, code, words) in [
        (
            "{% for a in range(9999) %}{% for b in range(9999) %}x{% endfor %}{% endfor %}",
            "TG0404",
            "instructions",
        ),
        ("{% for i in range(9999) %}{{ values.long * 100 }}{% endfor %}", "TG0404", "16 MiB"),
        ("{{ 'x' * 99999999999 }}", "TG0403", "too large"),
        ("{% macro m(n) %}{{ m(n + 1) }}{% endmacro %}{{ m(0) }}", "TG0403", "recursion limit"),
        ("{% include 'm/a.yaml.j2' %}", "TG0403", "recursion limit"),
        ("{% extends 'm/a.yaml.j2' %}", "TG0403", "cycle"),
        ("{{ 'a' | indent(99999999999) }}", "TG0403", "`indent` takes at most 1000"),
        ("{{ 'a' | indent(width=99999999999) }}", "TG0403", "`indent` takes at most 1000"),
        ("{{ values.list | slice(99999999999) }}", "TG0403", "`slice` takes at most 1000"),
        ("{{ '%099999999999d' | format(1) }}", "TG0403", "`format` takes at most 1000"),
    ] {
        let told = finding(render(text, values()));
        assert!(told.starts_with(&format!("{code} products/web/m/a.yaml.j2:1:")), "{text}: {told}");
        assert!(told.contains(words), "{text}: {told}");
    }
}

#[test]
fn filters_with_a_limit_do_what_they_did() {
    let text = format!(
        "{MAP}x\ndata:\n  a: |\n    {{{{ values.block | indent(4) }}}}\n  b: |\n    {{{{ values.block | indent(width=4) }}}}\n  \
         c: {{{{ '%03d' | format(values.list | slice(2) | list | length) | tojson }}}}\n"
    );
    let found = render(&text, json!({ "block": "one\ntwo", "list": [1, 2, 3] })).unwrap();
    let data = &found[0].object["data"];
    assert_eq!((&data["a"], &data["b"]), (&json!("one\ntwo\n"), &json!("one\ntwo\n")));
    assert_eq!(data["c"], "002");
}
