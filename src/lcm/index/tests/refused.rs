//! What is no index, and says so.

use super::*;

fn why(text: impl AsRef<[u8]>) -> IndexError {
    match scan(text.as_ref(), &["wanted"]) {
        Err(error) => error,
        Ok(Outcome::NeedsWhole(_)) => whole(text.as_ref(), ["wanted"], &Limits::default()).unwrap_err(),
        Ok(found) => panic!("{found:?}"),
    }
}

#[test]
fn nothing_is_no_index() {
    for text in ["", " ", "\n\n", "\u{FEFF}", "\u{FEFF}\n", "# only\n", "---\n", "   \r\n\t"] {
        assert_eq!(why(text), IndexError::Empty, "{text:?}");
    }
    assert_eq!(why(b"\xEF\xBB"), IndexError::Empty);
}

#[test]
fn a_page_is_no_index() {
    for text in [
        "<!DOCTYPE html>\n<html>",
        "\n  <html><body>entries:</body>",
        "\u{FEFF}<?xml version=\"1.0\"?>",
        "\t<p>a: b",
        "<",
    ] {
        assert_eq!(why(text), IndexError::Html, "{text:?}");
    }
}

#[test]
fn something_else_is_no_index() {
    assert_eq!(why("Not Found"), IndexError::NoMapping("text"));
    assert_eq!(why("404 page not found\n"), IndexError::NoMapping("text"));
    assert_eq!(why("- entries: a\n"), IndexError::NoMapping("a list"));
    assert_eq!(why("[1]"), IndexError::NoMapping("a list"));
    assert_eq!(why("apiVersion: v1\ngenerated: x\n"), IndexError::NoEntries);
    assert_eq!(why("apiVersion: v1\nspec:\n  entries:\n    wanted: []\n"), IndexError::NoEntries);
    assert_eq!(why("\"message: not found\": 1"), IndexError::NoEntries);
    assert_eq!(why("{\"errors\": [{\"status\": 404}]}"), IndexError::NoEntries);
    assert_eq!(why("{}"), IndexError::NoEntries);
    assert_eq!(why(b"\xFF\xFEe\0n\0"), IndexError::Utf16);
}

#[test]
fn entries_must_be_a_mapping() {
    assert_eq!(why("entries:\n- wanted\n"), IndexError::BadEntries("a list"));
    assert_eq!(why("entries:\n  - wanted:\n"), IndexError::BadEntries("a list"));
    assert_eq!(why("entries: none\n"), IndexError::BadEntries("text"));
    assert_eq!(why("entries: [a]\n"), IndexError::BadEntries("a list"));
    assert_eq!(why("{\"entries\": []}"), IndexError::BadEntries("a list"));
    assert_eq!(why("{\"entries\": 7}"), IndexError::BadEntries("text"));
}

#[test]
fn entries_stand_once_and_an_index_is_one_document() {
    assert_eq!(why("entries:\n  a: []\nentries:\n  wanted: []\n"), IndexError::EntriesTwice);
    assert_eq!(why("entries: {}\n'entries':\n"), IndexError::EntriesTwice);
    assert_eq!(why("{\"entries\": {}, \"entries\": {}}"), IndexError::EntriesTwice);
    assert_eq!(why("entries: {}\n---\nentries:\n  wanted: []\n"), IndexError::Documents);
    assert_eq!(why("entries: {}\n...\na: b\n"), IndexError::Documents);
    assert_eq!(why("{\"entries\": {}} {}"), IndexError::Documents);
}

#[test]
fn what_breaks_off_says_where() {
    assert_eq!(why("entries:\n  a:\n  - description: \"x\n"), IndexError::CutOff("a quoted text"));
    assert_eq!(why("entries:\n  a: [\n"), IndexError::CutOff("a list or mapping in brackets"));
    for text in [
        "{",
        "{\"entries\"",
        "{\"entries\": {\"wanted\": [{\"version\": \"1.0",
        "{\"entries\": {}",
        "{\"a\": \"\\",
    ] {
        assert_eq!(why(text), IndexError::CutOff("its JSON"), "{text}");
    }
}

#[test]
fn a_chart_that_stands_twice_is_lost_and_others_are_not() {
    for text in [
        "entries:\n  wanted:\n  - version: 1.0.0\n  a:\n  - version: 3.0.0\n  'wanted':\n  - version: 2.0.0\n",
        "{\"entries\": {\"wanted\": [{\"version\": \"1.0.0\"}], \"a\": [{\"version\": \"3.0.0\"}], \"wanted\": []}}",
    ] {
        let index = found(text, &["wanted", "a"]);
        assert_eq!(index.charts["wanted"], Err(ChartError::Twice));
        assert_eq!(versions(&index, "a"), ["3.0.0"]);
    }
}

#[test]
fn a_chart_that_is_no_list_is_lost_and_others_are_not() {
    for (value, kind) in [
        ("\n    version: 1.0.0", "a mapping"),
        (" text", "a string"),
        ("\n    text", "a string"),
        (" {a: b}", "a mapping"),
    ] {
        let index =
            found(format!("entries:\n  wanted:{value}\n  a:\n  - version: 3.0.0\n"), &["wanted", "a"]);
        assert_eq!(index.charts["wanted"], Err(ChartError::NoList(kind)), "{value}");
        assert_eq!(versions(&index, "a"), ["3.0.0"]);
    }
    let index = found("{\"entries\": {\"wanted\": {\"version\": \"1\"}, \"a\": null}}", &["wanted", "a"]);
    assert_eq!(index.charts["wanted"], Err(ChartError::NoList("a mapping")));
    assert_eq!(index.charts["a"], Ok(Chart::default()));
}
