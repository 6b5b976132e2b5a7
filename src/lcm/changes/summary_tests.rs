//! Everything put together.

use super::*;
use crate::lcm::artifacthub::Link;
use crate::lcm::changes::{Kind, Sign};
use proptest::collection;
use proptest::prelude::*;

fn link(url: &str) -> Link {
    Link { name: url.to_owned(), url: url.to_owned() }
}

fn change(version: &str, kind: Kind, text: &str, links: &[&str]) -> Change {
    let links = links.iter().map(|url| link(url)).collect();
    Change { version: version.to_owned(), kind, text: text.to_owned(), links }
}

fn evidence(weight: Weight, sign: Sign, text: &str) -> Evidence {
    Evidence { weight, sign, version: None, text: text.to_owned(), links: Vec::new() }
}

fn of(changes: Vec<Change>) -> Found {
    Found { changes, ..Found::default() }
}

#[test]
fn what_several_sources_tell_is_told_once_with_all_their_links() {
    let release =
        of(vec![change("v1.2.0", Kind::Other, "Mend the leak by @me in https://g.example/1", &["a"])]);
    let changelog = of(vec![change("1.2.0", Kind::Fixed, "mend the leak (#1)", &["b"])]);
    let changes = Changes::of([release, changelog]).changes;
    assert_eq!(changes, [change("1.2.0", Kind::Fixed, "mend the leak (#1)", &["b", "a"])]);
}

#[test]
fn the_most_important_comes_first_and_the_newest_of_its_kind() {
    let all = of(vec![
        change("1.9.0", Kind::Added, "a", &[]),
        change("1.10.0", Kind::Added, "b", &[]),
        change("1.8.0", Kind::Breaking, "c", &[]),
        change("1.10.0", Kind::Security, "d", &[]),
    ]);
    let texts: Vec<String> = Changes::of([all]).changes.into_iter().map(|change| change.text).collect();
    assert_eq!(texts, ["c", "d", "b", "a"]);
}

#[test]
fn how_much_breaks_is_what_the_weightiest_says_but_for_security() {
    let of = |evidence| Changes::of([Found { evidence, ..Found::default() }]).breaking;
    assert_eq!(of(vec![]), None);
    assert_eq!(of(vec![evidence(Weight::Hint, Sign::Security, "x")]), None);
    assert_eq!(
        of(vec![evidence(Weight::Hint, Sign::Api, "x"), evidence(Weight::Certain, Sign::Values, "y")]),
        Some(Weight::Certain)
    );
}

#[test]
fn places_that_differ_only_in_signs_are_two() {
    let all = ["`a.b` is gone", "`a[\"b\"]` is gone"].map(|text| evidence(Weight::Certain, Sign::Crd, text));
    assert_eq!(Changes::of([Found { evidence: all.to_vec(), ..Found::default() }]).evidence.len(), 2);
}

#[test]
fn four_hundred_releases_make_no_megabyte() {
    let wide = "\u{10400}".repeat(500);
    let mut found = Found::default();
    for n in 0..400 {
        for line in 0..100 {
            found.tell(super::super::found::Told {
                version: &format!("1.{n}.0"),
                kind: if line == 0 { Kind::Breaking } else { Kind::Other },
                text: &format!("{n} {line} {wide}"),
                links: vec![link(&format!("https://x.example/{}", "a".repeat(250))); 5],
                weight: Some(Weight::Likely),
            });
        }
    }
    let changes = Changes::of([found]);
    let size = serde_json::to_string(&changes).unwrap().len();
    assert!(size < 500_000, "{size}");
    assert_eq!((changes.changes.len(), changes.evidence.len()), (MOST_CHANGES, MOST_EVIDENCE));
    // Every line of both lists is shown or counted.
    assert_eq!(changes.cut + MOST_CHANGES + MOST_EVIDENCE, 40_000 + 40_000);
    assert!(changes.changes.iter().all(|change| change.kind == Kind::Breaking));
    assert_eq!(changes.changes[0].version, "1.399.0");
}

#[test]
fn what_could_not_be_read_is_said_once() {
    let found = Found { notes: vec!["b".to_owned(), "a".to_owned(), "b".to_owned()], ..Found::default() };
    assert_eq!(Changes::of([found]).notes, ["a", "b"]);
}

fn any_change() -> impl Strategy<Value = Change> {
    let kinds = [Kind::Breaking, Kind::Removed, Kind::Changed, Kind::Other];
    let versions = ["1.0.0", "v1.0.0", "1.10.0", "1.9.0", "latest", ""];
    let texts = ["Mend it", "mend it (#1)", "mend it.", "Else", "else (#2)", "x"];
    let links = [&["a"][..], &["b", "c"], &[]];
    (0..kinds.len(), 0..versions.len(), 0..texts.len(), 0..links.len())
        .prop_map(move |(k, v, t, l)| change(versions[v], kinds[k], texts[t], links[l]))
}

proptest! {
    #[test]
    fn the_order_of_what_is_found_makes_no_difference(all in collection::vec(any_change(), 0..12), at in 0_usize..12) {
        let evidence = |all: &[Change]| all.iter().map(|change| Evidence {
            weight: Weight::Likely, sign: Sign::of(change.kind), version: Some(change.version.clone()),
            text: change.text.clone(), links: change.links.clone(),
        }).collect();
        let found = |all: Vec<Change>| Found { evidence: evidence(&all), changes: all, ..Found::default() };
        let whole = Changes::of([found(all.clone())]);
        let (head, tail) = all.split_at(at.min(all.len()));
        let parts = [found(tail.to_vec()), found(head.to_vec())];
        prop_assert_eq!(&Changes::of(parts), &whole);
        let keys: std::collections::HashSet<String> = whole.changes.iter().map(|c| plain::key(&c.text)).collect();
        prop_assert_eq!(keys.len(), whole.changes.len());
    }
}
