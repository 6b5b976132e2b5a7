//! What is kept of a version, and what becomes of one that can't be read.

use super::*;
use crate::lcm::charts::{Dependency, Entry};

fn chart(text: &str) -> Chart {
    same(text, &["wanted"]).charts["wanted"].clone().unwrap()
}

#[test]
fn everything_that_the_report_tells_of_a_version() {
    let text = "apiVersion: v1
entries:
  wanted:
  - annotations:
      artifacthub.io/prerelease: \"true\"
      artifacthub.io/changes: |
        - one
      category: Database
    apiVersion: v2
    appVersion: 1.30
    created: \"2026-07-02T19:19:04.651095688Z\"
    dependencies:
    - name: redis
      repository: https://x.example
      version: ^1.0
    deprecated: true
    description: Some
      thing
    digest: 0123
    home: https://home.example
    keywords: [a]
    kubeVersion: '>=1.22.0-0'
    name: wanted
    sources:
    - https://source.example
    type: application
    urls:
    - https://x.example/wanted-1.0.0.tgz
    version: 1.0.0
";
    let annotation = |name: &str, text: &str| (format!("artifacthub.io/{name}"), text.to_owned());
    let text_of = |text: &str| Some(text.to_owned());
    let expected = Entry {
        version: "1.0.0".to_owned(),
        repo: None,
        app_version: text_of("1.30"),
        deprecated: true,
        kube_version: text_of(">=1.22.0-0"),
        kind: text_of("application"),
        digest: text_of("0123"),
        created: Some("2026-07-02T19:19:04.651095688Z".parse().unwrap()),
        urls: vec!["https://x.example/wanted-1.0.0.tgz".to_owned()],
        home: text_of("https://home.example"),
        sources: vec!["https://source.example".to_owned()],
        dependencies: vec![Dependency {
            name: "redis".to_owned(),
            version: text_of("^1.0"),
            repository: text_of("https://x.example"),
        }],
        annotations: [annotation("prerelease", "true"), annotation("changes", "- one\n")].into(),
    };
    assert_eq!(chart(text).entries, std::slice::from_ref(&expected));
    // As it is kept on disk.
    let json = serde_json::to_string(&expected).unwrap();
    assert_eq!(serde_json::from_str::<Entry>(&json).unwrap(), expected);
}

#[test]
fn a_version_is_what_is_written() {
    let text = "entries:\n  wanted:\n  - version: 1.10\n  - version: 0x1F\n  - version: 1e3\n  - version: \"1.20\"\n  - version: 2026-01-01\n  - version: 007\n  - version: 1_000\n";
    let read = chart(text);
    let versions: Vec<&str> = read.entries.iter().map(|entry| entry.version.as_str()).collect();
    assert_eq!(versions, ["1.10", "0x1F", "1e3", "1.20", "2026-01-01", "007", "1_000"]);
}

#[test]
fn a_broken_version_is_a_problem_and_the_others_count() {
    let text = "entries:\n  wanted:\n  - version: 1.0.0\n  - name: nothing\n  - version: [1, 2]\n  - text\n  - version: ''\n  -\n  - version: 2.0.0\n    kubeVersion: {a: b}\n  - version: 2.1.0\n    deprecated: maybe\n  - version: 3.0.0\n    appVersion: [1]\n    created: yesterday\n    urls: none\n    dependencies: [a, {name: b}]\n    annotations: []\n    deprecated: yes\n";
    let read = chart(text);
    assert_eq!(
        read.entries.iter().map(|entry| entry.version.as_str()).collect::<Vec<_>>(),
        ["1.0.0", "3.0.0"]
    );
    assert!(read.entries[1].deprecated && read.entries[1].created.is_none());
    let problems: Vec<String> =
        read.problems.iter().map(|it| format!("{}: {}", it.index, it.reason)).collect();
    assert_eq!(
        problems,
        [
            "1: it has no `version`",
            "2: its `version` is a list, where a string is expected",
            "3: it is a string, where a mapping with a version is expected",
            "4: it has no `version`",
            "5: it is nothing, where a mapping with a version is expected",
            "6: its `kubeVersion` is a mapping, where a string is expected",
            "7: its `deprecated` is a string, where true or false is expected",
        ]
    );
    assert_eq!(read.unreadable, 7);
}

#[test]
fn broken_syntax_in_one_version_loses_only_that_one() {
    let text = "entries:\n  wanted:\n  - version: 1.0.0\n  - version: 2.0.0\n    name: a: b\n  - version: 3.0.0\n    version: 3.0.1\n  - version: 4.0.0\n";
    let index = found(text, &["wanted"]);
    let chart = index.charts["wanted"].as_ref().unwrap();
    assert_eq!(
        chart.entries.iter().map(|entry| entry.version.as_str()).collect::<Vec<_>>(),
        ["1.0.0", "4.0.0"]
    );
    assert_eq!(chart.problems.iter().map(|problem| problem.index).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(chart.problems[1].reason, "the key `version` stands twice");
}

#[test]
fn broken_syntax_in_charts_that_nobody_wants_is_not_looked_at() {
    let text =
        "entries:\n  a:\n  - version: 1.0.0\n    name: a: b: c\n     odd: x\n  wanted:\n  - version: 1.0.0\n";
    assert_eq!(versions(&found(text, &["wanted"]), "wanted"), ["1.0.0"]);
}
