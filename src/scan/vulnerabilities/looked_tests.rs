//! Which source's word counts.

#![allow(clippy::unwrap_used)]

use super::*;
use crate::scan::vulnerabilities::{Severity, Tool, Vulnerability};

fn digest(letter: char) -> Digest {
    format!("sha256:{}", letter.to_string().repeat(64)).parse().unwrap()
}

fn report(tool: &str, ids: &[&str]) -> Report {
    let with = |id: &&str| {
        let mut one = Vulnerability::new(id.parse().unwrap());
        one.severity = Severity::High;
        one
    };
    Report {
        tool: Tool::new(tool, "1"),
        about: Default::default(),
        made: "2026-11-20T00:00:00Z".parse().ok(),
        database: None,
        distribution: None,
        vulnerabilities: ids.iter().map(with).collect(),
        set_aside: Vec::new(),
    }
}

fn told(source: &str, report: Result<Report, &str>, failed: bool) -> Told {
    let (report, why) = match report {
        Ok(report) => (Some(report), None),
        Err(why) => (None, Some(why.to_owned())),
    };
    Told { source: source.to_owned(), report, why, failed, caveat: None }
}

/// What two sources said of what runs (`a`) and of a candidate (`b`).
fn looked(running: [Told; 2], candidate: [Told; 2]) -> Looked {
    let named = |letter| Named { digest: Some(digest(letter)), why: None };
    Looked {
        sources: vec!["one".to_owned(), "two".to_owned()],
        images: BTreeMap::from([("a".to_owned(), named('a')), ("b".to_owned(), named('b'))]),
        told: BTreeMap::from([(digest('a'), running.to_vec()), (digest('b'), candidate.to_vec())]),
        partial: Vec::new(),
        exploited: None,
        exploits_silent: None,
    }
}

#[test]
fn the_first_source_that_knows_both_counts() {
    let none = |source| told(source, Err("no report"), false);
    let looked = looked(
        [
            told("one", Ok(report("Trivy", &["CVE-2026-1111"])), false),
            told("two", Ok(report("Grype", &[])), false),
        ],
        [none("one"), told("two", Ok(report("Grype", &[])), false)],
    );
    let compared = looked.compare("a", Some("b"), &Rules::default());
    assert_eq!(compared.told.unwrap().source, "two");
    assert!(compared.comparison.delta.is_ok());
    // Without a candidate, or with one that nobody knows, it is the first that knows what runs.
    for candidate in [None, Some("c")] {
        let compared = looked.compare("a", candidate, &Rules::default());
        assert_eq!(compared.told.unwrap().source, "one", "{candidate:?}");
        assert_eq!(compared.comparison.running.unwrap().high, 1);
    }
}

#[test]
fn where_nobody_has_looked_each_says_why() {
    let none = |source, failed| told(source, Err("no report"), failed);
    let of = |first, second| {
        let looked =
            looked([none("one", first), none("two", second)], [none("one", true), none("two", true)]);
        let compared = looked.compare("a", Some("b"), &Rules::default());
        (compared.comparison.running.unwrap_err(), compared.failed)
    };
    let words = "one: no report; two: no report".to_owned();
    assert_eq!(of(true, true), (words.clone(), true));
    // One that has nothing does not hide that another one failed.
    assert_eq!(of(false, true), (words.clone(), true));
    assert_eq!(of(false, false), (words, false));
}

#[test]
fn an_image_whose_digest_is_not_known_says_why() {
    let named = Named { digest: None, why: Some("the registry was not reached".to_owned()) };
    let looked = Looked {
        sources: vec!["one".to_owned()],
        images: BTreeMap::from([("a".to_owned(), named)]),
        ..Looked::default()
    };
    let compared = looked.compare("a", None, &Rules::default());
    assert_eq!(compared.comparison.running.unwrap_err(), "the registry was not reached");
    assert!(compared.failed);
    // Nobody has asked about this one.
    assert!(!looked.compare("b", None, &Rules::default()).failed);
}

#[test]
fn what_is_written_is_read_again() {
    let one = looked(
        [told("one", Ok(report("Trivy", &["CVE-2026-1111"])), false), told("two", Err("broken"), true)],
        [told("one", Ok(report("Trivy", &[])), false), told("two", Err("no report"), false)],
    );
    let text = serde_json::to_string(&one).unwrap();
    assert_eq!(serde_json::from_str::<Looked>(&text).unwrap(), one);
}
