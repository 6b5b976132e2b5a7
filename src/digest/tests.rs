//! Tests of the module.
#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use serde_json::{Value, json};

use super::archive::{self, ArchiveError, Entry};
use super::*;

const EMPTY: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

#[test]
fn a_digest_is_written_and_read_in_one_spelling() {
    let digest = bytes(b"");
    assert_eq!(digest.to_string(), EMPTY);
    assert_eq!(EMPTY.parse::<Digest>().unwrap(), digest);
    assert_eq!(digest.short(), "sha256:e3b0..55");
    assert_eq!(serde_json::to_value(digest).unwrap(), json!(EMPTY));
    assert_eq!(serde_json::from_value::<Digest>(json!(EMPTY)).unwrap(), digest);
    let upper = EMPTY.to_uppercase().replace("SHA256", "sha256");
    for text in [
        "",
        "e3b0",
        "sha256:",
        "sha512:00",
        &upper,
        &EMPTY.replace('e', "g"),
        &format!("{EMPTY}0"),
        "sha256:üüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüü",
    ] {
        assert!(text.parse::<Digest>().is_err(), "{text}");
    }
}

#[test]
fn canonical_json_is_that_of_rfc_8785() {
    // The example of section 3.2.2, and the sorting of 3.2.3 (by UTF-16 code units).
    let value: Value = serde_json::from_str(
        r#"{"numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
            "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/", "literals": [null, true, false]}"#,
    )
    .unwrap();
    let expected = "{\"literals\":[null,true,false],\"numbers\":[333333333.3333333,1e+30,4.5,0.002,1e-27],\"string\":\"€$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}";
    assert_eq!(String::from_utf8(canonical_json(&value).unwrap()).unwrap(), expected);
    let keys =
        json!({ "\u{20ac}": 1, "\r": 2, "\u{fb33}": 3, "1": 4, "\u{1f600}": 5, "\u{80}": 6, "\u{f6}": 7 });
    let text = String::from_utf8(canonical_json(&keys).unwrap()).unwrap();
    assert_eq!(
        text,
        "{\"\\r\":2,\"1\":4,\"\u{80}\":6,\"\u{f6}\":7,\"\u{20ac}\":1,\"\u{1f600}\":5,\"\u{fb33}\":3}"
    );
}

#[test]
fn what_is_no_json_has_no_canonical_json() {
    assert!(canonical_json(&f64::NAN).is_err());
    assert!(canonical_json(&f64::INFINITY).is_err());
}

#[test]
fn whole_numbers_that_a_double_cannot_hold_are_refused() {
    for number in
        [json!(9_007_199_254_740_992_u64), json!(u64::MAX), json!(i64::MIN), json!(9_007_199_254_740_993_i64)]
    {
        let refused = canonical_json(&json!({ "s": "\\\"7\"", "n": [1, number] }));
        assert!(matches!(refused, Err(CanonicalError::TooLarge(_))), "{refused:?}");
    }
    for fine in [
        json!(9_007_199_254_740_991_u64),
        json!("9007199254740993"),
        json!(1e300),
        json!(0.1),
        json!({"9007199254740993": "\\\""}),
    ] {
        assert!(canonical_json(&fine).is_ok(), "{fine}");
    }
}

#[test]
fn hmac_is_that_of_rfc_4231() {
    let case_2 = hmac(b"Jefe", b"what do ya want for nothing?");
    assert_eq!(case_2.hex(), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    let case_6 = hmac(&[0xaa; 131], b"Test Using Larger Than Block-Size Key - Hash Key First");
    assert_eq!(case_6.hex(), "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

fn file<'a>(path: &'a str, bytes: &'a [u8]) -> Entry<'a> {
    Entry { path, executable: false, bytes }
}

#[test]
fn an_archive_is_an_ordinary_tar_with_nothing_incidental() {
    let entries =
        [Entry { path: "b/run.sh", executable: true, bytes: b"#!" }, file("a.yaml", b"x"), file("b-c", b"")];
    let mut out = Vec::new();
    archive::write(entries.clone(), &mut out).unwrap();
    let mut read = tar::Archive::new(out.as_slice());
    let found: Vec<(String, u32, u64, u64)> = read
        .entries()
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            let header = entry.header();
            assert_eq!((header.uid().unwrap(), header.gid().unwrap()), (0, 0));
            let path = entry.path().unwrap().display().to_string();
            (path, header.mode().unwrap(), header.mtime().unwrap(), header.size().unwrap())
        })
        .collect();
    let expected = [("a.yaml", 0o644, 0, 1), ("b-c", 0o644, 0, 0), ("b/run.sh", 0o755, 0, 2)];
    assert_eq!(found, expected.map(|(path, mode, time, size)| (path.to_owned(), mode, time, size)));
    assert_eq!(archive::digest(entries).unwrap(), bytes(&out));
}

#[test]
fn the_digest_of_an_archive_never_changes() {
    // As GNU tar 1.34 makes it; a change breaks every lock that was ever written.
    let entries = [
        file("product.yaml", b"kind: Product\n"),
        Entry { path: "bin/run", executable: true, bytes: b"#!/bin/sh\n" },
    ];
    insta::assert_snapshot!(archive::digest(entries).unwrap(), @"sha256:5aeedea005d45394e8e8ce0a2311f03f2fda6d14b3413a02a74f4e02a2e6eef0");
    insta::assert_snapshot!(archive::digest([]).unwrap(), @"sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef");
}

#[test]
fn the_order_does_not_matter_and_everything_else_does() {
    let digest = |entries: &[Entry<'_>]| archive::digest(entries.iter().cloned()).unwrap();
    let (a, b) = (file("a", b"1"), file("b", b"2"));
    let base = digest(&[a.clone(), b.clone()]);
    assert_eq!(base, digest(&[b.clone(), a.clone()]));
    let executable = Entry { executable: true, ..a.clone() };
    for other in [
        digest(std::slice::from_ref(&a)),
        digest(&[executable, b.clone()]),
        digest(&[file("c", b"1"), b.clone()]),
        digest(&[file("a", b"2"), b]),
    ] {
        assert_ne!(base, other);
    }
}

#[test]
fn long_paths_go_into_the_prefix_or_are_refused() {
    let long = format!("{}/{}", "d".repeat(150), "f".repeat(99));
    let mut out = Vec::new();
    archive::write([file(&long, b"x")], &mut out).unwrap();
    let mut read = tar::Archive::new(out.as_slice());
    let paths: Vec<String> =
        read.entries().unwrap().map(|entry| entry.unwrap().path().unwrap().display().to_string()).collect();
    assert_eq!(paths, [long]);
    for path in ["f".repeat(101), format!("{}/{}", "d".repeat(156), "f"), format!("d/{}", "f".repeat(101))] {
        let refused = archive::digest([file(&path, b"x")]);
        assert!(matches!(refused, Err(ArchiveError::TooLong(_))), "{refused:?}");
    }
}

#[test]
fn unfit_and_double_paths_are_refused() {
    for path in ["", "/a", "a/", "a//b", "./a", "a/../b", "..", "a\\b", "a\0b"] {
        assert!(matches!(archive::digest([file(path, b"")]), Err(ArchiveError::Path(_))), "{path:?}");
    }
    assert!(matches!(archive::digest([file("a", b""), file("a", b"x")]), Err(ArchiveError::Twice(_))));
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        (-1e12..1e12_f64).prop_map(Value::from),
        "\\PC{0,6}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec(("\\PC{0,4}", inner), 0..4)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

fn reversed(value: &Value) -> Value {
    match value {
        Value::Object(object) => object
            .iter()
            .rev()
            .map(|(key, value)| (key.clone(), reversed(value)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        Value::Array(items) => items.iter().map(reversed).collect(),
        other => other.clone(),
    }
}

proptest! {
    #[test]
    fn canonical_json_ignores_the_order_of_keys_and_is_its_own_canonical_form(value in any_json()) {
        let canonical = canonical_json(&value).unwrap();
        prop_assert_eq!(&canonical, &canonical_json(&reversed(&value)).unwrap());
        let again: Value = serde_json::from_slice(&canonical).unwrap();
        prop_assert_eq!(&canonical, &canonical_json(&again).unwrap());
    }
}
