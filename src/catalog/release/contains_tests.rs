//! Hotfixes among releases: what contains what, what is missing, what is proved.

#![allow(clippy::unwrap_used)]

use super::super::testing::{catalog, lines};
use super::*;
use crate::catalog::Catalog;
use crate::diag::{Severity, codes};
use crate::model::ReleaseId;

fn id(text: &str) -> ReleaseId {
    text.parse().unwrap()
}

/// Releases by id, each with its spec behind `kubernetes`.
fn of(releases: &[(&str, &str)]) -> Catalog {
    let files: Vec<(String, String)> = releases
        .iter()
        .map(|(id, spec)| {
            let text = format!(
                "apiVersion: tidegate.dev/v1\nkind: Release\nmetadata: {{ name: {id} }}\nspec:\n  \
                 kubernetes: \"1.36\"\n{spec}"
            );
            (format!("releases/{id}.yaml"), text)
        })
        .collect();
    catalog(&files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect::<Vec<_>>())
}

const R41: (&str, &str) = ("R41", "  products: { base: 1.0.0, app: 2.0.0 }\n");
const FIX: (&str, &str) =
    ("R41.1", "  parent: R41\n  lane: hotfix\n  products: { base: 1.0.1, app: 2.0.0 }\n");
const R42: (&str, &str) = ("R42", "  parent: R41\n  products: { base: 1.0.0, app: 2.1.0 }\n");

fn names(missing: &[Missing<'_>]) -> Vec<String> {
    missing.iter().map(|m| m.hotfix.to_string()).collect()
}

#[test]
fn a_hotfix_is_contained_by_ancestry_by_includes_and_by_what_is_included() {
    let catalog = of(&[
        R41,
        FIX,
        ("R41.2", "  parent: R41.1\n  lane: hotfix\n  products: { base: 1.0.2, app: 2.0.0 }\n"),
        R42,
        ("R42.1", "  parent: R42\n  includes: [R41.2]\n  products: { base: 1.0.2, app: 2.1.0 }\n"),
        ("R43", "  parent: R42.1\n  products: { base: 1.0.2, app: 2.2.0 }\n"),
    ]);
    for holder in ["R41.1", "R41.2", "R42.1", "R43"] {
        assert!(contains(&catalog, &id(holder), &id("R41.1")), "{holder}");
    }
    for without in ["R41", "R42"] {
        assert!(!contains(&catalog, &id(without), &id("R41.1")), "{without}");
    }
    assert_eq!(names(&missing(&catalog, &id("R42"))), ["R41.1", "R41.2"], "one leads to the other");
    assert!(missing(&catalog, &id("R43")).is_empty());
    assert!(missing(&catalog, &id("R41")).is_empty(), "what a hotfix mends misses nothing by it");
    let hotfixes: Vec<String> =
        contained_hotfixes(&catalog, &id("R43")).into_iter().map(ToString::to_string).collect();
    assert_eq!(hotfixes, ["R41.1", "R41.2"]);
}

#[test]
fn a_missed_hotfix_is_a_warning_with_the_next_step_at_the_last_release_of_the_line() {
    let catalog = of(&[R41, FIX, R42]);
    let findings = rules(&catalog, &id("R42"));
    let found: Vec<_> = findings.iter().collect();
    assert_eq!(lines(&findings), ["TG0521 releases/R42.yaml:6:11"]);
    assert_eq!(found[0].severity, Severity::Warning);
    assert_eq!(found[0].message, "`R42` misses the hotfix `R41.1` of `R41`");
    assert_eq!(found[0].hints, ["add `includes: [R41.1]`, and raise `base` to 1.0.1 or higher"]);

    // A release that follows and mends it ends the warning; the mark on R42 stays.
    let mended = of(&[
        R41,
        FIX,
        R42,
        ("R42.1", "  parent: R42\n  includes: [R41.1]\n  products: { base: 1.0.1, app: 2.1.0 }\n"),
    ]);
    assert!(rules(&mended, &id("R42")).is_empty());
    assert!(rules(&mended, &id("R42.1")).is_empty());
    assert_eq!(names(&missing(&mended, &id("R42"))), ["R41.1"]);

    // One that follows without it gets the warning instead.
    let later = of(&[R41, FIX, R42, ("R43", "  parent: R42\n  products: { base: 1.1.0, app: 2.1.0 }\n")]);
    assert!(rules(&later, &id("R42")).is_empty());
    let findings = rules(&later, &id("R43"));
    assert_eq!(lines(&findings), ["TG0521 releases/R43.yaml:6:11"]);
    let hints: Vec<_> = findings.iter().flat_map(|f| f.hints.clone()).collect();
    assert_eq!(hints, ["add `includes: [R41.1]`"], "base is high enough already");
}

#[test]
fn of_two_hotfixes_of_one_release_the_later_one_misses_the_earlier() {
    let second = ("R41.10", "  parent: R41\n  lane: hotfix\n  products: { base: 1.0.0, app: 2.0.1 }\n");
    let catalog = of(&[R41, FIX, ("R41.2", second.1), second]);
    assert!(missing(&catalog, &id("R41.1")).is_empty());
    assert_eq!(names(&missing(&catalog, &id("R41.2"))), ["R41.1"]);
    assert_eq!(names(&missing(&catalog, &id("R41.10"))), ["R41.1", "R41.2"]);
}

#[test]
fn what_a_contained_hotfix_raised_or_brought_has_to_be_there() {
    let brings =
        ("R41.1", "  parent: R41\n  lane: hotfix\n  products: { base: 1.0.1, app: 2.0.0, guard: 1.0.0 }\n");
    let check = |spec: &str| {
        let catalog = of(&[R41, brings, ("R42", spec)]);
        let findings = rules(&catalog, &id("R42"));
        let two_places = |f: &crate::diag::Finding| f.code != &codes::MISSES_HOTFIX || f.related.len() == 1;
        assert!(findings.iter().all(two_places), "{findings}");
        lines(&findings)
    };
    let misses = "TG0508 releases/R42.yaml";
    assert_eq!(
        check("  parent: R41\n  includes: [R41.1]\n  products: { base: 1.0.0, app: 2.0.0 }\n"),
        [format!("{misses}:7:14"), format!("{misses}:8:21")],
        "guard is not there, base is too low"
    );
    assert!(
        check("  parent: R41\n  includes: [R41.1]\n  products: { base: 1.0.1, app: 2.0.0, guard: 1.1.0 }\n")
            .is_empty()
    );
    assert!(
        check("  parent: R41.1\n  removes: [guard]\n  products: { base: 1.0.1, app: 2.0.0 }\n").is_empty(),
        "taken away on purpose"
    );
}

#[test]
fn a_circle_of_includes_ends() {
    let catalog = of(&[
        ("R1", "  includes: [R2]\n  products: { base: 1.0.0 }\n"),
        ("R2", "  parent: R1\n  lane: hotfix\n  products: { base: 1.0.0 }\n"),
    ]);
    assert!(missing(&catalog, &id("R1")).is_empty());
    assert!(contains(&catalog, &id("R2"), &id("R1")));
}

#[test]
fn ids_are_ordered_by_their_numbers() {
    let mut ids: Vec<ReleaseId> = ["R41.10", "R42", "R41.2", "R9", "R41"].map(id).to_vec();
    ids.sort_by(by_number);
    assert_eq!(ids, ["R9", "R41", "R41.2", "R41.10", "R42"].map(id));
}
