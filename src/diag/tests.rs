//! Tests of the module.
#![allow(clippy::unwrap_used)]

use super::*;

const TEXT: &str = "pools:\n  a: 1\n  selector: { env: prd, pool: \"1\" }\n";

fn span(source: &std::sync::Arc<Source>, text: &str) -> Place {
    let start = source.text().find(text).unwrap();
    Place::new(source, start, start + text.len())
}

fn finding() -> Finding {
    let source = Source::new("pipelines/main.yaml", TEXT);
    Finding::error(&codes::UNKNOWN_VALUE, "label value `prd` exists on no cluster")
        .at(&span(&source, "prd"))
        .label("env is one of dev, nonprod, prod")
        .did_you_mean("prd", ["dev", "nonprod", "prod"])
        .next("tidegate cluster list -l pool=1")
}

#[test]
fn a_finding_reads_as_in_the_screens() {
    insta::assert_snapshot!(excerpt::plain(&finding()), @r#"
    error[TG0104]: label value `prd` exists on no cluster
     --> pipelines/main.yaml:3:20
      |
    3 |   selector: { env: prd, pool: "1" }
      |                    ^^^ env is one of dev, nonprod, prod
      |
      = did you mean `prod`?
      = try: tidegate cluster list -l pool=1
    "#);
}

#[test]
fn colours_change_nothing_but_colours() {
    let styled = excerpt::styled(&finding());
    assert!(styled.contains("\u{1b}["));
    assert_eq!(anstream::adapter::strip_str(&styled).to_string(), excerpt::plain(&finding()));
}

#[test]
fn a_finding_without_a_place_keeps_its_hints() {
    let finding =
        Finding::warning(&codes::FILE_TOO_LARGE, "nothing is here").hint("look there").next("tidegate check");
    insta::assert_snapshot!(excerpt::plain(&finding), @r#"
    warning[TG0002]: nothing is here
      = look there
      = try: tidegate check
    "#);
}

#[test]
fn the_best_next_command_stands_before_the_others() {
    let finding = Finding::warning(&codes::FILE_TOO_LARGE, "nothing is here")
        .hint("look there")
        .hint("or: tidegate schema get Pin")
        .next("tidegate check");
    insta::assert_snapshot!(excerpt::plain(&finding), @r#"
    warning[TG0002]: nothing is here
      = look there
      = try: tidegate check
      = or: tidegate schema get Pin
    "#);
}

#[test]
fn findings_fit_on_one_line() {
    let text = Source::new("a.yaml", "one: 1\n");
    let found: Findings = [
        Finding::error(&codes::DUPLICATE_KEY, "`one` is wrong").at(&span(&text, "1")).hint("write two"),
        Finding::error(&codes::FILE_TOO_LARGE, "nothing is here"),
    ]
    .into_iter()
    .collect();
    assert_eq!(found.brief(), "TG0004: a.yaml:1:6: `one` is wrong (write two); TG0002: nothing is here");
}

#[test]
fn related_places_show_in_the_same_and_in_another_file() {
    let here = Source::new("a.yaml", "one: 1\r\ntwo: 2\r\nüber: 3\r\n");
    let there = Source::new("b.yaml", "x: y\n");
    let finding = Finding::error(&codes::DUPLICATE_KEY, "they exclude each other")
        .at(&span(&here, "3"))
        .related(&span(&here, "one"), "first here")
        .related(&span(&there, "y"), "and there");
    insta::assert_snapshot!(excerpt::plain(&finding), @r#"
    error[TG0004]: they exclude each other
     --> a.yaml:3:7
      |
    1 | one: 1
      | --- first here
    2 | two: 2
    3 | über: 3
      |       ^
      |
     ::: b.yaml:1:4
      |
    1 | x: y
      |    - and there
    "#);
}

#[test]
fn masked_text_is_in_no_excerpt() {
    let source = Source::new("v.yaml", "db: {password: hunter2, typo: 1}\ncert: |\n  very\n  secret\nz: 1\n");
    let secret = span(&source, "hunter2");
    let block = span(&source, "|\n  very\n  secret");
    let literal = Finding::error(&codes::INVALID_VALUE, "a literal under `password`").at(&secret.masked());
    let other = Finding::error(&codes::UNKNOWN_FIELD, "unknown field `typo`").at(&span(&source, "typo"));
    let across =
        Finding::error(&codes::UNKNOWN_FIELD, "x").at(&span(&source, "db")).related(&span(&source, "z"), "y");
    let mut findings: Findings = [literal, other, across].into_iter().collect();
    findings.mask(&[secret, block]);
    let text = findings.to_string();
    let json = serde_json::to_string(&findings).unwrap();
    for word in ["hunter2", "very", "secret"] {
        assert!(!text.contains(word), "{text}");
        assert!(!json.contains(word), "{json}");
    }
    assert!(!format!("{findings:?}").contains("hunter2"));
    assert!(text.contains("{password: ***, typo: 1}"), "{text}");
    let carets: Vec<usize> = text.lines().filter_map(|line| line.find("^^^^")).collect();
    assert_eq!(carets, [text.lines().find(|l| l.contains("typo: 1")).unwrap().find("typo").unwrap()]);
}

#[test]
fn findings_serialize_in_a_stable_shape() {
    let value = serde_json::to_value(finding()).unwrap();
    assert_eq!(
        value,
        serde_json::json!({
            "code": "TG0104", "name": "unknown-value", "severity": "error",
            "message": "label value `prd` exists on no cluster",
            "file": "pipelines/main.yaml", "line": 3, "column": 20,
            "excerpt": "  selector: { env: prd, pool: \"1\" }",
            "label": "env is one of dev, nonprod, prod", "related": [],
            "hints": ["did you mean `prod`?"], "next": "tidegate cluster list -l pool=1",
        })
    );
}

#[test]
fn findings_are_sorted_by_file_line_and_column() {
    let a = Source::new("a.yaml", "1\n2\n");
    let b = Source::new("b.yaml", "1\n2\n");
    let at =
        |source, start| Finding::error(&codes::UNKNOWN_FIELD, "x").at(&Place::new(source, start, start + 1));
    let findings: Findings = [at(&b, 0), at(&a, 2), at(&a, 0)].into_iter().collect();
    let order: Vec<String> = findings.into_iter().map(|f| f.place.unwrap().to_string()).collect();
    assert_eq!(order, ["a.yaml:1:1", "a.yaml:2:1", "b.yaml:1:1"]);
}

#[test]
fn only_errors_make_a_result_fail() {
    let warning: Findings = Finding::warning(&codes::UNKNOWN_FIELD, "x").into();
    assert_eq!(warning.into_result(1), Ok(1));
    let error: Findings = Finding::error(&codes::UNKNOWN_FIELD, "x").into();
    assert_eq!(error.into_result(1).unwrap_err().len(), 1);
}

#[test]
fn suggestions_are_slips_of_the_fingers_only() {
    let fields = ["version", "values", "deploy", "atOnce", "env"];
    for (found, meant) in [
        ("verison", Some("version")),
        ("Version", Some("version")),
        ("at_once", Some("atOnce")),
        ("depoly", Some("deploy")),
        ("enf", Some("env")),
        ("x", None),
        ("banana", None),
        ("", None),
    ] {
        assert_eq!(did_you_mean(found, fields).as_deref(), meant, "{found}");
    }
}

#[test]
fn places_are_clamped_to_their_text() {
    let source = Source::new("a", "ab");
    let place = Place::new(&source, 9, 3);
    assert_eq!((place.start(), place.end(), place.line(), place.column()), (2, 2, 1, 3));
    assert_eq!(Place::none().to_string(), "<none>:1:1");
}

#[test]
fn a_place_inside_a_character_is_widened_to_the_whole_of_it() {
    let source = Source::new("f.yaml", "a: über\n");
    let place = Place::new(&source, 4, 4);
    assert_eq!((place.start(), place.end(), place.text()), (3, 5, "ü"));
    let past = Place::new(&source, 99, 3);
    assert_eq!((past.start(), past.end()), (9, 9));
    let shown = Finding::error(&codes::INVALID_VALUE, "odd").at(&place).to_string();
    assert!(shown.contains("a: über"), "{shown}");
}

#[test]
fn two_versions_of_a_file_are_shown_without_falling_over_each_other() {
    let (new, old) =
        (Source::new("f.yaml", "a: \u{1F600}\u{1F600}\n"), Source::new("f.yaml", "a: 1234567\n"));
    for at in 0..11 {
        let finding = Finding::error(&codes::INVALID_VALUE, "odd").at(&Place::new(&new, 3, 7));
        let shown = finding.related(&Place::new(&old, at, at + 1), "as it was").to_string();
        assert!(shown.contains("as it was"), "{shown}");
    }
}
