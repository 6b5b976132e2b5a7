//! Versions of charts, and what their makers tell of them.

use std::collections::BTreeMap;

use super::*;

fn entry(version: &str, annotations: &[(&str, &str)]) -> Entry {
    let annotations: BTreeMap<String, String> =
        annotations.iter().map(|(key, text)| (format!("artifacthub.io/{key}"), (*text).to_owned())).collect();
    Entry { version: version.to_owned(), annotations, ..Entry::default() }
}

fn shown(found: &Found) -> Vec<String> {
    found.changes.iter().map(|c| format!("{} {} {}", c.version, c.kind.word(), c.text)).collect()
}

#[test]
fn both_forms_of_changes_of_all_versions_between() {
    let entries = [
        entry("7.0.0", &[("changes", "- not yet\n")]),
        entry(
            "6.0.0",
            &[(
                "changes",
                "- kind: removed\n  description: the old ingress\n  links:\n    - name: why\n      url: https://x.example/1\n",
            )],
        ),
        entry("5.9.0", &[("changes", "- \"[Added]: Labels\"\n- Fixed the port\n")]),
        entry("5.8.0", &[("changes", "- in use\n")]),
    ];
    let found = between("5.8.0", "6.0.0", &entries).unwrap();
    assert_eq!(
        shown(&found),
        ["6.0.0 removed the old ingress", "5.9.0 added Labels", "5.9.0 fixed Fixed the port"]
    );
    assert_eq!(found.changes[0].links[0].name, "why");
    let signs: Vec<Sign> = found.evidence.iter().map(|one| one.sign).collect();
    assert_eq!(signs, [Sign::ChartLevel, Sign::Removed]);
    let mut turned = entries.clone();
    turned.reverse();
    assert_eq!(between("5.8.0", "6.0.0", &turned), Ok(found));
}

#[test]
fn a_change_of_some_kind_that_says_that_it_breaks_does() {
    let changes = "- kind: changed\n  description: \"BREAKING: the key is another one\"\n";
    let found = between("1.0.0", "1.1.0", &[entry("1.1.0", &[("changes", changes)])]).unwrap();
    assert_eq!((found.changes[0].kind, found.evidence[0].weight), (Kind::Breaking, Weight::Certain));
}

#[test]
fn what_leads_nowhere_leads_to_the_charts_page() {
    let mut one = entry("1.1.0", &[("changes", "- a\n"), ("containsSecurityUpdates", "true")]);
    one.home = Some("https://x.example".to_owned());
    let found = between("1.0.0", "1.1.0", &[one]).unwrap();
    assert_eq!(found.changes[0].links[0].url, "https://x.example");
    assert_eq!(found.evidence[0].links[0].url, "https://x.example");
    assert!(found.security);
}

#[test]
fn levels_kubernetes_and_what_becomes_of_the_chart() {
    let mut now = entry("1.0.0", &[]);
    (now.app_version, now.kube_version) = (Some("v1.9.0".to_owned()), Some(">=1.25".to_owned()));
    let mut next = entry("1.1.0", &[("prerelease", "true")]);
    (next.app_version, next.kube_version) = (Some("v2.0.0".to_owned()), Some(">=1.30".to_owned()));
    next.deprecated = true;
    let found = between("1.0.0", "1.1.0", &[now.clone(), next]).unwrap();
    let shown: Vec<&str> = found.evidence.iter().map(|one| one.text.as_str()).collect();
    assert_eq!(
        shown,
        [
            "its makers call it a prerelease",
            "its makers have given the chart up",
            "the app goes up by a major version: v1.9.0 -> v2.0.0",
            "it asks for Kubernetes >=1.30, and asked for >=1.25",
        ]
    );
    assert_eq!(between("1.0.0", "1.0.0", &[now]).unwrap(), Found::default());
}

#[test]
fn other_repositories_are_not_asked_about_a_chart_of_one() {
    let of = |version: &str, repo: &str| Entry {
        repo: Some(repo.to_owned()),
        ..entry(version, &[("changes", &format!("- {repo}\n"))])
    };
    let entries = [of("1.0.0", "a"), of("1.1.0", "a"), of("1.1.0", "b"), of("1.2.0", "b")];
    assert_eq!(shown(&between("1.0.0", "1.2.0", &entries).unwrap()), ["1.1.0 other a"]);
}

#[test]
fn what_cannot_be_read_is_noted() {
    let found = between("1.0.0", "1.1.0", &[entry("1.1.0", &[("changes", "- \"open")])]).unwrap();
    assert!(found.notes[0].starts_with("1.1.0: `artifacthub.io/changes` can't be read"), "{:?}", found.notes);
    assert!(between("latest", "1.1.0", &[]).is_err());
}

#[test]
fn thousands_of_versions_are_counted_and_not_all_read() {
    let entries: Vec<Entry> =
        (0..1_500).map(|n| entry(&format!("1.{n}.0"), &[("changes", &format!("- change {n}\n"))])).collect();
    let found = between("1.0.0", "1.1499.0", &entries).unwrap();
    assert_eq!((found.changes.len(), found.cut), (MOST, 499));
    assert_eq!(found.changes[0].version, "1.1499.0");
}
