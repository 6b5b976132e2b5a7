//! Edits that keep everything else.

use super::source;
use crate::diag::Place;
use crate::yaml::edit::{remove_block, replace_block, set_scalar};
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
