//! Indexes in JSON.

use super::*;

const COMPACT: &str = r#"{"apiVersion":"v1","entries":{"a":[{"version":"9.9.9","description":"\"wanted\":[{\\\"","x":[[],{},[1,-2.5e+3,true,null]]}],"wanted":[{"version":"1.0.0","created":"2026-01-01T00:00:00Z","annotations":{"artifacthub.io/license":"MIT"},"urls":["a","b"]},{"version":"2.0.0","deprecated":true}],"z":[]},"generated":"now"}"#;

#[test]
fn json_is_read_as_it_comes() {
    let index = same(COMPACT, &["wanted", "z", "missing"]);
    assert_eq!(versions(&index, "wanted"), ["1.0.0", "2.0.0"]);
    assert_eq!(index.charts["z"], Ok(Chart::default()));
    let value: serde_json::Value = serde_json::from_str(COMPACT).unwrap();
    assert_eq!(same(&serde_json::to_string_pretty(&value).unwrap(), &["wanted", "z"]), index);
}

#[test]
fn only_entries_of_the_top_level_count() {
    let text = r#"{"x":{"entries":{"wanted":[{"version":"6.6.6"}]},"wanted":[{"version":"6.6.6"}]},"wanted":[{"version":"6.6.6"}],"entries":{"a":{"wanted":[{"version":"6.6.6"}]}},"y":{"wanted":[{"version":"6.6.6"}]}}"#;
    assert_eq!(same(text, &["wanted"]), Index::default());
}

#[test]
fn keys_may_have_escapes() {
    let text = r#"{"\u0065ntries":{"wan\u0074ed":[{"version":"1.0.0","home":"\ud83d\ude00 \" ] }"}]}}"#;
    assert_eq!(versions(&found(text, &["wanted"]), "wanted"), ["1.0.0"]);
}

#[test]
fn a_broken_version_is_a_problem_and_the_others_count() {
    let text = r#"{"entries":{"wanted":[{"version":"1.0.0"},{"version":1.10},{"version":7},{},"x",{"version":"2","version":"3"},{"version":"1"2},{"version":"4.0.0"}]}}"#;
    assert_eq!(doubt(text), Doubt::Flow);
    let index = found(text.replace(r#""1"2"#, "tru"), &["wanted"]);
    let chart = index.charts["wanted"].as_ref().unwrap();
    assert_eq!(
        chart.entries.iter().map(|entry| entry.version.as_str()).collect::<Vec<_>>(),
        ["1.0.0", "7", "4.0.0"]
    );
    assert_eq!(chart.problems.iter().map(|problem| problem.index).collect::<Vec<_>>(), [1, 3, 4, 5, 6]);
    assert_eq!(chart.problems[0].reason, "its `version` is a number, where a string is expected");
}

#[test]
fn an_index_of_one_line_may_be_longer_than_a_line() {
    let limits = Limits { line: 64, ..Limits::default() };
    let mut scan = Scan::new(["wanted"], limits);
    for chunk in COMPACT.as_bytes().chunks(10) {
        scan.feed(chunk).unwrap();
    }
    assert!(matches!(scan.finish(), Ok(Outcome::Found(index)) if index.charts.len() == 1));
}

#[test]
fn a_key_of_any_length_is_not_kept() {
    let long = "k".repeat(1 << 20);
    let text =
        format!("{{\"{long}\":1,\"entries\":{{\"{long}\":[],\"wanted\":[{{\"version\":\"1.0.0\"}}]}}}}");
    assert_eq!(versions(&found(&text, &["wanted", &long]), "wanted"), ["1.0.0"]);
}
