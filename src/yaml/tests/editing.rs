//! Edits that keep everything else.

use super::source;
use crate::diag::Place;
use crate::yaml::edit::{append, remove, remove_block, replace_block, set_scalar};
use crate::yaml::parse;

const FILE: &str = "\
# head
kind: Release # what it is
spec:
  version: 1.2.3 # keep me
  quoted: 'it''s'
  double: \"a\"
  empty:
# lock follows
lock:
  # inside
  a: 1

# tail
notes: x
";

fn set(text: &str, path: &[&str], new: &str) -> Result<String, String> {
    let source = source(text);
    let root = parse(&source).unwrap().unwrap();
    let place = root.at(path).unwrap().place.clone();
    set_scalar(&source, &place, new).map_err(|finding| finding.to_string())
}

#[test]
fn a_scalar_changes_and_its_comment_stays() {
    let new = set(FILE, &["spec", "version"], "2.0.0").unwrap();
    assert_eq!(new, FILE.replace("1.2.3", "2.0.0"));
}

#[test]
fn quotes_stay_and_come_where_the_text_needs_them() {
    assert_eq!(set(FILE, &["spec", "quoted"], "don't").unwrap(), FILE.replace("it''s", "don''t"));
    assert_eq!(set(FILE, &["spec", "double"], "b").unwrap(), FILE.replace("\"a\"", "\"b\""));
    for (new, written) in [
        ("1.10", "\"1.10\""),
        ("no", "\"no\""),
        ("a: b", "\"a: b\""),
        ("", "\"\""),
        ("a\nb", "\"a\\nb\""),
        ("{{ x }}", "\"{{ x }}\""),
        ("ü", "\"ü\""),
    ] {
        let expected = FILE.replace("version: 1.2.3", &format!("version: {written}"));
        assert_eq!(set(FILE, &["spec", "version"], new).unwrap(), expected);
    }
}

#[test]
fn an_empty_value_is_filled() {
    assert_eq!(set(FILE, &["spec", "empty"], "v").unwrap(), FILE.replace("empty:", "empty: v"));
    assert_eq!(
        set("- \n- b\n", &[], "v").unwrap_err().lines().next().unwrap().split(':').next(),
        Some("error[TG0011]")
    );
}

#[test]
fn a_value_that_others_repeat_is_not_changed_behind_their_back() {
    let text = "a: &x {k: one}\nb: *x\n";
    let source = source(text);
    let root = parse(&source).unwrap().unwrap();
    let place = root.at(&["a", "k"]).unwrap().place.clone();
    let finding = set_scalar(&source, &place, "two").unwrap_err();
    assert_eq!(finding.code.id, "TG0011");
}

#[test]
fn a_place_that_is_no_value_is_refused() {
    let source = source(FILE);
    let finding = set_scalar(&source, &Place::new(&source, 0, 3), "x").unwrap_err();
    assert_eq!(finding.code.id, "TG0011");
}

#[test]
fn a_block_is_replaced_and_the_comments_round_it_stay() {
    let new = replace_block(&source(FILE), "lock", "lock:\n  b: 2\n  c: [3]\n").unwrap();
    assert_eq!(new, FILE.replace("lock:\n  # inside\n  a: 1\n", "lock:\n  b: 2\n  c: [3]\n"));
}

#[test]
fn an_absent_block_comes_to_the_end_with_the_file_s_line_ends() {
    assert_eq!(replace_block(&source("a: 1"), "lock", "lock: x\n").unwrap(), "a: 1\nlock: x\n");
    assert_eq!(replace_block(&source(""), "lock", "lock: x").unwrap(), "lock: x\n");
    assert_eq!(replace_block(&source("# c\n"), "lock", "lock: x\n").unwrap(), "# c\nlock: x\n");
    let new = replace_block(&source("\u{FEFF}lock: y\r\na: 1\r\n"), "lock", "lock:\n  x: 1\n").unwrap();
    assert_eq!(new, "\u{FEFF}lock:\r\n  x: 1\r\na: 1\r\n");
}

#[test]
fn a_block_is_removed_whole() {
    let new = remove_block(&source(FILE), "lock").unwrap();
    assert_eq!(new, FILE.replace("lock:\n  # inside\n  a: 1\n", ""));
    assert_eq!(remove_block(&source("a: 1\n"), "lock").unwrap(), "a: 1\n");
    assert_eq!(remove_block(&source("lock: 1"), "lock").unwrap(), "");
}

#[test]
fn edits_that_would_change_more_are_refused() {
    // The whole file is one line.
    let finding = replace_block(&source("{a: 1, lock: 2}\n"), "lock", "lock: 3\n").unwrap_err();
    assert_eq!(finding.code.id, "TG0011");
    assert!(remove_block(&source("{a: 1, lock: 2}\n"), "lock").is_err());
    // Another value hangs on an anchor in the block.
    assert!(remove_block(&source("lock: &x {a: 1}\nb: *x\n"), "lock").is_err());
    assert!(replace_block(&source("a: 1\n"), "lock", "lock: 1\na: 2\n").is_err());
    assert!(replace_block(&source("a: 1\n...\n"), "lock", "lock: 1\n").is_err());
}

fn item() -> Vec<(&'static str, String)> {
    vec![("name", "\"c\"".to_owned()), ("lanes", "[normal]".to_owned())]
}

#[test]
fn an_item_is_added_in_the_style_of_its_list() {
    const NEW: &str = "- name: \"c\"\n      lanes: [normal]";
    for (before, after) in [
        (
            "spec:\n  list: # all\n    # one\n    - name: a # a\n      x: 1\n    # end\ntail: 1\n",
            format!(
                "spec:\n  list: # all\n    # one\n    - name: a # a\n      x: 1\n    {NEW}\n    # end\ntail: 1\n"
            ),
        ),
        (
            "spec:\n  list:\n  - a\n",
            "spec:\n  list:\n  - a\n  - name: \"c\"\n    lanes: [normal]\n".to_owned(),
        ),
        ("spec:\n  list: [] # none\n  y: 2\n", format!("spec:\n  list:\n    {NEW} # none\n  y: 2\n")),
        ("spec:\n  list: # none\n", format!("spec:\n  list: # none\n    {NEW}\n")),
        ("spec:\n  y: 2 # two\n", format!("spec:\n  y: 2 # two\n  list:\n    {NEW}\n")),
        ("spec: {}\n", format!("spec:\n  list:\n    {NEW}\n")),
        ("spec: { y: 2 }\n", "spec: { y: 2, list: [ { name: \"c\", lanes: [normal] } ] }\n".to_owned()),
        (
            "spec: { list: [ { name: a } ] }",
            "spec: { list: [ { name: a }, { name: \"c\", lanes: [normal] } ] }".to_owned(),
        ),
        (
            "spec:\r\n  list:\r\n    - a\r\n",
            format!("spec:\r\n  list:\r\n    - a\r\n    {}\r\n", NEW.replace('\n', "\r\n")),
        ),
        ("spec:\n  list:\n    - a", format!("spec:\n  list:\n    - a\n    {NEW}")),
    ] {
        let new = append(&source(before), &["spec", "list"], &item());
        assert_eq!(new.map_err(|finding| finding.to_string()), Ok(after), "{before}");
    }
}

#[test]
fn an_item_is_removed_and_comments_stay() {
    for (before, number, after) in [
        (
            "spec:\n  list: # all\n    # one\n    - name: a # a\n      x: 1\n    # two\n    - name: b\n",
            0,
            "spec:\n  list: # all\n    # one\n    # two\n    - name: b\n",
        ),
        ("spec:\n  list:\n    - a\n    - b\ntail: 1\n", 1, "spec:\n  list:\n    - a\ntail: 1\n"),
        ("spec:\n  list: # all\n    - a\ntail: 1\n", 0, "spec:\n  list: [] # all\ntail: 1\n"),
        ("spec: { list: [a, b, c] }", 1, "spec: { list: [a, c] }"),
        ("spec: { list: [a, b, c] }", 2, "spec: { list: [a, b] }"),
        ("spec: { list: [ a ] }", 0, "spec: { list: [  ] }"),
    ] {
        let new = remove(&source(before), &["spec", "list"], number);
        assert_eq!(new.map_err(|finding| finding.to_string()), Ok(after.to_owned()), "{before}");
    }
    assert!(remove(&source("spec: { list: [a] }"), &["spec", "list"], 1).is_err());
}

#[test]
fn a_list_that_is_shared_or_no_list_is_left_alone() {
    for text in ["spec: 1\n", "spec:\n  list: x\n", "a: &a [1]\nspec:\n  list: *a\n"] {
        assert!(append(&source(text), &["spec", "list"], &item()).is_err(), "{text}");
    }
}
