//! Places of values, duplicate keys, bombs, odd encodings.

use super::{places, source};
use crate::diag::Source;
use crate::yaml::{Node, parse, parse_all};

fn read(text: &str) -> Node {
    parse(&source(text)).unwrap().unwrap()
}

fn text_at<'a>(node: &'a Node, path: &[&str]) -> &'a str {
    node.at(path).unwrap().place.text()
}

#[test]
fn a_place_covers_the_value_and_nothing_behind_it() {
    let node = read(
        "a: 1 # one\nb:\n  - x  # c\n  - {k: v,\n     z: \"q\"}\n\n# next\nc: |  # a > b\n  text\n  more\n\nd: >-\n  folded\ne:\n  f: !!str 12\n\n",
    );
    assert_eq!(text_at(&node, &["a"]), "1");
    assert_eq!(text_at(&node, &["b"]), "- x  # c\n  - {k: v,\n     z: \"q\"}");
    assert_eq!(text_at(&node, &["c"]), "|  # a > b\n  text\n  more");
    assert_eq!(text_at(&node, &["d"]), ">-\n  folded");
    assert_eq!(text_at(&node, &["e"]), "f: !!str 12");
    assert_eq!(text_at(&node, &["e", "f"]), "12");
}

#[test]
fn an_empty_value_stands_behind_its_colon() {
    let node = read("a:\nb: 1\n");
    let place = &node.get("a").unwrap().place;
    assert_eq!((place.start(), place.end()), (2, 2));
}

#[test]
fn duplicate_keys_are_all_reported_at_every_level() {
    let text = "\
a: 1
b:
  c: 1
  c: 2
  d:
    - e: 1
      e: 2
      e: 3
a: 2
f: {g: 1, g: 2}
";
    let findings = parse(&source(text)).unwrap_err();
    assert_eq!(places(&findings), ["TG0004 4:3", "TG0004 7:7", "TG0004 8:7", "TG0004 9:1", "TG0004 10:11"]);
    let first = findings.iter().next().unwrap();
    assert_eq!(first.related.first().unwrap().0.line(), 3);
}

#[test]
fn the_first_of_duplicate_keys_is_kept_for_what_is_checked_next() {
    let parsed = parse_all(&source("a: 1\na: 2\n"));
    assert_eq!(parsed.node.unwrap().to_json(), serde_json::json!({ "a": 1 }));
}

#[test]
fn columns_count_characters_before_the_mistake() {
    let findings = parse(&source("grüße: \"a\"\nñandú: {ключ: 1, ключ: 2}\n")).unwrap_err();
    assert_eq!(places(&findings), ["TG0004 2:18"]);
}

#[test]
fn windows_line_ends_and_a_byte_order_mark_move_nothing() {
    let findings = parse(&source("\u{FEFF}a: 1\r\nb: 2\r\nb: 3\r\na: 4\r\n")).unwrap_err();
    assert_eq!(places(&findings), ["TG0004 3:1", "TG0004 4:1"]);
    let first = parse(&source("\u{FEFF}a: 1\r\n")).unwrap().unwrap();
    let place = &first.get("a").unwrap().place;
    assert_eq!((place.line(), place.column(), place.text()), (1, 4, "1"));
    assert_eq!(place.excerpt(), "a: 1");
}

#[test]
fn bytes_that_are_not_utf8_are_a_finding_at_the_first_of_them() {
    let findings = Source::from_bytes("f.yaml", b"a: x\nname: M\xFCller\n".to_vec()).unwrap_err();
    assert_eq!(places(&findings), ["TG0001 2:8"]);
    let utf16: Vec<u8> = "a: 1".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let utf16 = [vec![0xFF, 0xFE], utf16].concat();
    let finding = Source::from_bytes("f.yaml", utf16).unwrap_err();
    assert!(finding.to_string().contains("UTF-16"), "{finding}");
}

#[test]
fn empty_files_have_no_document() {
    for text in ["", "\n\n", "# only\n", "---\n", "---\n# x\n...\n", "\u{FEFF}", "~\n"] {
        assert_eq!(parse(&source(text)).unwrap(), None, "{text:?}");
    }
}

#[test]
fn a_second_document_is_refused_where_it_starts() {
    let findings = parse(&source("a: 1\n---\nb: 2\n")).unwrap_err();
    assert_eq!(places(&findings), ["TG0006 3:1"]);
}

#[test]
fn broken_syntax_is_reported_with_its_place_and_a_hint() {
    let findings = parse(&source("a:\n\tb: 1\n")).unwrap_err();
    let text = findings.to_string();
    assert!(text.contains("f.yaml:2:"), "{text}");
    assert!(text.contains("tab"), "{text}");
    for text in
        ["a: 'x\n", "a: [1, 2\n", "a: b\n c: d\n", "a: *nope\n", "a: \"\\q\"\n", "{", "- a\nb: 1", "\0", "%"]
    {
        let findings = parse(&source(text)).unwrap_err();
        assert!(places(&findings).iter().all(|p| p.starts_with("TG0003")), "{text:?} {findings}");
    }
}

#[test]
fn braces_inside_strings_are_text_and_bare_ones_are_explained() {
    let node = read("a: \"{{ $labels.pod }}\"\nb: '{{ x }}'\nc: |\n  {{ y }}\nd: x {{ z }}\n");
    assert_eq!(node.get("a").unwrap().as_str(), Some("{{ $labels.pod }}"));
    assert_eq!(node.get("d").unwrap().as_str(), Some("x {{ z }}"));
    let findings = parse(&source("a: {{ x }}\n")).unwrap_err();
    assert_eq!(places(&findings), ["TG0007 1:5"]);
    assert!(findings.to_string().contains("quote"), "{findings}");
}

#[test]
fn deep_nesting_is_refused_without_a_stack_overflow() {
    for text in [
        "[".repeat(1_000_000),
        "{a: ".repeat(100_000),
        "- ".repeat(100_000),
        format!("a: {}1{}", "[".repeat(150), "]".repeat(150)),
    ] {
        let findings = parse(&source(&text)).unwrap_err();
        assert_eq!(findings.len(), 1);
    }
    let fine = format!("a: {}1{}", "[".repeat(98), "]".repeat(98));
    assert!(parse(&source(&fine)).is_ok());
}

#[test]
fn an_alias_bomb_is_refused_before_it_explodes() {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..30 {
        let alias = format!("*a{}", level - 1);
        text += &format!("a{level}: &a{level} [{}]\n", vec![alias; 10].join(", "));
    }
    let findings = parse(&source(&text)).unwrap_err();
    assert!(places(&findings)[0].starts_with("TG0005"), "{findings}");
    // Few values, much text.
    let long = "x".repeat(1_000_000);
    let aliases = vec!["*s"; 1000].join(", ");
    let findings = parse(&source(&format!("a: &s {long}\nb: [{aliases}]\n"))).unwrap_err();
    assert!(places(&findings)[0].starts_with("TG0005"));
    // Depth by aliases of aliases.
    let mut text = "a0: &a0 [1]\n".to_owned();
    for level in 1..200 {
        text += &format!("a{level}: &a{level} [*a{}]\n", level - 1);
    }
    assert!(places(&parse(&source(&text)).unwrap_err())[0].starts_with("TG0005"));
}

#[test]
fn an_alias_of_itself_is_refused() {
    let findings = parse(&source("a: &x [*x]\n")).unwrap_err();
    assert_eq!(places(&findings), ["TG0003 1:8"]);
}

#[test]
fn an_alias_stands_where_it_is_written_and_its_content_where_that_is() {
    let node = read("a: &x\n  k: 1\nb: *x\n");
    let b = node.get("b").unwrap();
    assert_eq!(b.place.line(), 3);
    assert_eq!(b.get("k").unwrap().place.line(), 2);
}

#[test]
fn merges_take_the_first_and_yield_to_own_keys() {
    let node = read("x: &x {b: 1, c: 1}\ny: &y {b: 2, d: 2}\nz:\n  <<: [*x, *y]\n  c: 3\n");
    assert_eq!(node.get("z").unwrap().to_json(), serde_json::json!({ "c": 3, "b": 1, "d": 2 }));
}

#[test]
fn any_text_is_read_or_refused_without_a_panic() {
    proptest::proptest!(|(text in "(?s)[\\[\\]{}:,\\-|>&*!%#?'\"a-c0-9 \\n\\t\\r\\\\~<ü\u{FEFF}]{0,60}")| {
        let parsed = parse_all(&source(&text));
        if let Some(node) = parsed.node {
            proptest::prop_assert!(node.place.end() <= text.len());
        }
        let _ = crate::yaml::manifests(&source(&text)).map_err(|findings| findings.to_string());
    });
}
