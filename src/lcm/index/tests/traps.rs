//! What looks like the name of a chart, and is none; what looks like none, and is one.

use super::*;

/// The versions of `wanted`, by both ways of reading.
fn wanted(text: &str) -> Vec<String> {
    versions(&same(text, &["wanted"]), "wanted").into_iter().map(str::to_owned).collect()
}

/// That `wanted` is not in there.
fn absent(text: &str) {
    assert_eq!(same(text, &["wanted"]), Index::default());
}

#[test]
fn lists_stand_below_their_key_or_deeper() {
    assert_eq!(wanted("entries:\n  wanted:\n  - version: 1.0.0\n  - version: 2.0.0\n"), ["1.0.0", "2.0.0"]);
    assert_eq!(
        wanted("entries:\n    wanted:\n          - version: 1.0.0\n          - version: 2.0.0\n"),
        ["1.0.0", "2.0.0"]
    );
    assert_eq!(
        wanted("entries:\n wanted:\n -   name: a\n     version: 1.0.0\n -\n  version: 2.0.0"),
        ["1.0.0", "2.0.0"]
    );
}

#[test]
fn the_top_level_may_be_indented_as_long_as_it_is_one() {
    assert_eq!(
        wanted("  apiVersion: v1\n  entries:\n    wanted:\n    - version: 1.0.0\n  generated: x\n"),
        ["1.0.0"]
    );
}

#[test]
fn charts_come_in_any_order_and_what_is_not_listed_is_not_there() {
    let text = "generated: now\nentries:\n  z:\n  - version: 3.0.0\n  wanted:\n  - version: 1.0.0\n  a:\n  - version: 2.0.0\napiVersion: v1\n";
    let index = same(text, &["z", "a", "wanted", "missing"]);
    assert_eq!(index.charts.keys().collect::<Vec<_>>(), ["a", "wanted", "z"]);
    assert_eq!((versions(&index, "z"), versions(&index, "a")), (vec!["3.0.0"], vec!["2.0.0"]));
}

#[test]
fn a_name_in_a_block_scalar_is_text() {
    absent(
        "entries:\n  a:\n  - version: 1.0.0\n    description: |\n      hello\n      wanted:\n      - version: 6.6.6\n\n     \n      bye\n",
    );
    absent(
        "entries:\n  a:\n  - version: 1.0.0\n    description: >-2\n        wanted:\n        - version: 6.6.6\n",
    );
    absent("notes: |\n  entries:\n    wanted:\n    - version: 6.6.6\nentries:\n  a: []\n");
    absent("entries:\n  a: |\n    wanted:\n    - version: 6.6.6\n");
    absent(
        "entries:\n  a:\n  - |\n   wanted:\n   - version: 6.6.6\n  - description:\n      |\n     wanted:\n",
    );
}

#[test]
fn a_name_in_a_scalar_of_several_lines_is_text() {
    absent(
        "entries:\n  a:\n  - description: \"one\n      wanted:\n      - version: 6.6.6\"\n    version: 1.0.0\n",
    );
    absent(
        "entries:\n  a:\n  - description: 'it''s\n      wanted:\n      - version: 6.6.6'\n    version: 1.0.0\n",
    );
    absent(
        "entries:\n  a:\n  - description: one\n      wanted\n      \"two\n      'three\n      [four\n    version: 1.0.0\n",
    );
    absent("entries:\n  a:\n  - \"one \\\" \\\\\\\"\n    wanted:\n    \\\" two\"\n");
}

#[test]
fn even_where_it_is_not_indented_as_it_should_be() {
    // Go's parser, which Helm uses, reads these two; ours refuses them.
    for quote in ['"', '\''] {
        let text = format!(
            "entries:\n  a:\n  - version: 1.0.0\n    description: {quote}one\n  wanted:\n  - version: 6.6.6{quote}\n"
        );
        assert_eq!(found(&text, &["wanted"]), Index::default());
    }
    absent("entries:\n  a:\n  - version: 1.0.0\n    keywords: [\"one\",\n  \"wanted:\",\n  two, it's] # ]\n");
}

#[test]
fn a_name_in_brackets_is_no_chart() {
    absent(
        "entries:\n  a:\n  - version: 1.0.0\n    x: {b: [\n     {wanted: [{version: 6.6.6}]},\n     it's, 'a ] }', \"\\\"]\", a#b, # ]}\n     c]}\n  d: []\n",
    );
}

#[test]
fn a_name_deeper_or_elsewhere_is_no_chart() {
    absent(
        "wanted:\n- version: 6.6.6\nentries:\n  a:\n  - version: 1.0.0\n    annotations:\n      entries:\n        wanted:\n        - version: 6.6.6\n    wanted:\n    - version: 6.6.6\nserverInfo:\n  wanted:\n  - version: 6.6.6\n",
    );
    absent("annotations:\n  entries:\n    wanted:\n    - version: 6.6.6\nentries: {}\n");
}

#[test]
fn a_name_in_a_comment_is_none() {
    absent(
        "# entries:\nentries:\n# wanted:\n  # wanted:\n  a: # wanted:\n  # wanted:\n  - version: 1.0.0\n  #wanted:\n",
    );
}

#[test]
fn keys_may_be_quoted() {
    assert_eq!(wanted("'entries':\n  'wanted':\n  - version: 1.0.0\n"), ["1.0.0"]);
    assert_eq!(wanted("\"entries\" :\n  \"wan\\x74ed\"  :  # here\n  - \"version\": 1.0.0\n"), ["1.0.0"]);
    absent("entries:\n  'wanted''':\n  - version: 1.0.0\n  \"wanted \":\n  - version: 1.0.0\n");
}

#[test]
fn blanks_and_comments_stand_behind_a_colon() {
    assert_eq!(
        wanted(
            "entries:   \n  wanted:  # these\n\n  # first\n  - version: 1.0.0   # one\n# second\n\n  - version: 2.0.0\n"
        ),
        ["1.0.0", "2.0.0"]
    );
    assert_eq!(wanted("entries: # all\n  wanted:\t\n  - version:\t1.0.0\n"), ["1.0.0"]);
}

#[test]
fn lines_end_in_any_way() {
    let text = "apiVersion: v1\nentries:\n  a:\n  - description: |\n      wanted:\n\n      two\n  wanted:\n  - version: 1.0.0\n    description: \"a\n      b\"\n  - version: 2.0.0\n";
    let unix = same(text, &["wanted", "a"]);
    assert_eq!(same(&text.replace('\n', "\r\n"), &["wanted", "a"]), unix);
    assert_eq!(same(&text.replace('\n', "\r"), &["wanted", "a"]), unix);
    assert_eq!(same(text.trim_end(), &["wanted", "a"]), unix);
}

#[test]
fn a_lone_carriage_return_ends_a_line() {
    absent("entries:\n  a:\n  - description: |\n      x\r      wanted:\n    version: 1.0.0\n");
    assert_eq!(wanted("entries:\n  a:\n  - version: 1.0.0\r  wanted:\r  - version: 2.0.0\n"), ["2.0.0"]);
}

#[test]
fn a_mark_may_stand_first_and_markers_around() {
    assert_eq!(wanted("\u{FEFF}entries:\n  wanted:\n  - version: 1.0.0\n"), ["1.0.0"]);
    assert_eq!(wanted("# a\n---\nentries:\n  wanted:\n  - version: 1.0.0\n...\n# end\n"), ["1.0.0"]);
    assert_eq!(wanted("--- # a\nentries:\n  wanted:\n  - version: 1.0.0\n---\n"), ["1.0.0"]);
    assert_eq!(
        wanted("\n  \n\nentries:\n  wanted:\n  - description: |\n      ---\n    version: 1.0.0\n"),
        ["1.0.0"]
    );
}

#[test]
fn charts_without_versions_have_none() {
    let text = "entries:\n  wanted:\n  a: []\n  b: null\n  c: ~\n  d:\n    []\n  e: [ ]\n";
    let index = same(text, &["wanted", "a", "b", "c", "d", "e"]);
    assert_eq!(index.charts.len(), 6);
    assert!(index.charts.values().all(|chart| chart == &Ok(Chart::default())));
}

#[test]
fn no_charts_are_no_charts() {
    for text in [
        "entries: {}\n",
        "entries:\n",
        "entries: null\napiVersion: v1\n",
        "entries: ~ # none\n",
        "entries: {} # none",
    ] {
        absent(text);
    }
}

#[test]
fn a_wanted_chart_in_brackets_needs_no_help_as_long_as_only_it_is() {
    assert_eq!(
        wanted("entries:\n  wanted: [{version: 1.10},\n  {version: 2.0.0}]\n  a: []\n"),
        ["1.10", "2.0.0"]
    );
    assert_eq!(
        wanted("entries:\n  wanted:\n  - {version: 1.0.0, urls: [a,\n b]}\n  - version: 2.0.0\n"),
        ["1.0.0", "2.0.0"]
    );
}

#[test]
fn what_is_not_utf8_matters_only_where_it_is_wanted() {
    let text = |here: &[u8], there: &[u8]| {
        [
            b"entries:\n  a:\n  - description: ",
            here,
            b"\n  wanted:\n  - version: 1.0.0\n    home: ",
            there,
            b"\n  - version: 2.0.0\n",
        ]
        .concat()
    };
    let chart = |bytes: Vec<u8>| found(bytes, &["wanted"]).charts["wanted"].clone().unwrap();
    assert_eq!(chart(text(b"caf\xE9 \xFF\xFE", "é".as_bytes())).entries.len(), 2);
    let broken = chart(text(b"", b"\xFF"));
    assert_eq!(broken.problems, [Problem { index: 0, reason: "it is not UTF-8".to_owned() }]);
    assert_eq!(broken.entries[0].version, "2.0.0");
}

#[test]
fn what_needs_the_whole_is_told_and_read_as_a_whole() {
    for (text, why) in [
        ("entries: {wanted: [{version: 1.0.0}]}", Doubt::Flow),
        ("{entries: {wanted: [{version: 1.0.0}]}}", Doubt::Flow),
        ("{\"entries\": {\"a\": 'it', wanted: [{\"version\": \"1.0.0\"}]}}", Doubt::Flow),
        ("{\"entries\": {\"wanted\": [{\"version\": \"1.0.0\"}]},}", Doubt::Flow),
        ("--- \n{\"entries\": {\"wanted\": [{\"version\": \"1.0.0\"}]}}", Doubt::Flow),
        ("# json\n{\"entries\": {\"wanted\": [{\"version\": \"1.0.0\"}]}}", Doubt::Flow),
        ("a: &l [{version: 1.0.0}]\nentries:\n  wanted: *l\n", Doubt::Anchors),
        ("a: &l 1.0.0\nentries:\n  wanted:\n  - version: *l\n", Doubt::Anchors),
        ("a: &e\n  wanted:\n  - version: 1.0.0\nentries: *e\n", Doubt::Anchors),
        ("entries: &e\n  wanted:\n  - version: 1.0.0\n", Doubt::Anchors),
        ("a: &e\n  wanted:\n  - version: 1.0.0\nentries:\n  <<: *e\n", Doubt::Merge),
        ("entries:\n  ? wanted\n  : - version: 1.0.0\n", Doubt::Keys),
        ("~\n---\nentries:\n  wanted:\n  - version: 1.0.0\n", Doubt::Documents),
        ("entries:\n  wanted:\n  - version: 1.0.0\n---\n&x ~\n", Doubt::Anchors),
        ("# x\n\u{FEFF}entries:\n  wanted:\n  - version: 1.0.0\n", Doubt::Mark),
        ("%YAML 1.2\n---\nentries:\n  wanted:\n  - version: 1.0.0\n", Doubt::Directives),
    ] {
        assert_eq!(doubt(text), why, "{text}");
        let index = whole(text.as_bytes(), ["wanted"], &Limits::default()).unwrap();
        assert_eq!(versions(&index, "wanted"), ["1.0.0"], "{text}");
    }
}

#[test]
fn what_is_broken_where_it_matters_is_refused_by_the_whole() {
    for text in [
        "entries:\n    a: []\n  wanted:\n  - version: 1.0.0\n",
        "entries:\n  wanted:\n    - version: 1.0.0\n   - version: 2.0.0\n",
        "entries:\n\twanted:\n\t- version: 1.0.0\n",
        "--- |\nentries:\n  wanted:\n",
    ] {
        doubt(text);
        assert!(whole(text.as_bytes(), ["wanted"], &Limits::default()).is_err(), "{text}");
    }
}

#[test]
fn anchors_inside_of_one_version_need_no_help() {
    assert_eq!(
        wanted(
            "entries:\n  wanted:\n  - appVersion: &v 1.0.0\n    version: *v\n  - &x\n    version: 2.0.0\n"
        ),
        ["1.0.0", "2.0.0"]
    );
}
