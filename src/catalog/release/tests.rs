//! Releases, from cut to tampered.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use super::super::product::Content;
use super::super::testing::{catalog, lines, tree};
use super::*;
use crate::catalog::Catalog;
use crate::diag::Findings;
use crate::model::{Lock, ProductName, ReleaseId, Tree};

fn id(text: &str) -> ReleaseId {
    text.parse().unwrap()
}

fn product(name: &str, version: &str, more: &str) -> Tree {
    let text = format!(
        "apiVersion: tidegate.dev/v1\nkind: Product\nmetadata: {{ name: {name} }}\nspec:\n  version: {version}\n  owner: team\n{more}"
    );
    tree(&[("product.yaml", &text)])
}

fn tagged(products: &[(&str, &str, &str)]) -> BTreeMap<ProductName, Tagged> {
    products
        .iter()
        .map(|(name, version, more)| {
            let content = Content::at(&product(name, version, more), &format!("products/{name}")).unwrap();
            (name.parse().unwrap(), Tagged { commit: "c".repeat(40), content })
        })
        .collect()
}

fn release(id: &str, spec: &str) -> (String, String) {
    let text = format!(
        "apiVersion: tidegate.dev/v1\nkind: Release\nmetadata: {{ name: {id} }}\nspec:\n  kubernetes: \"1.36\"\n{spec}"
    );
    (format!("releases/{id}.yaml"), text)
}

fn with_lock((path, text): (String, String), lock: &Lock) -> (String, String) {
    (path, format!("{text}lock: {}\n", serde_json::to_string(lock).unwrap()))
}

fn of(files: &[(String, String)]) -> Catalog {
    catalog(&files.iter().map(|(p, t)| (p.as_str(), t.as_str())).collect::<Vec<_>>())
}

const BOTH: &str = "  products: { base: 1.0.0, app: 2.0.0 }\n";
const REQUIRES: &str = "  requires: { base: ^1 }\n";

fn first() -> (String, String) {
    let plain = release("R1", BOTH);
    let cut = cut(
        &of(std::slice::from_ref(&plain)),
        &id("R1"),
        &tagged(&[("base", "1.0.0", ""), ("app", "2.0.0", REQUIRES)]),
    );
    with_lock(plain, &cut.unwrap().lock)
}

fn codes(result: Result<Cut, Findings>) -> Vec<String> {
    lines(&result.unwrap_err())
}

#[test]
fn a_release_that_was_cut_is_used_with_its_lock() {
    let catalog = of(&[first()]);
    let locked = locked(&catalog, &id("R1")).unwrap();
    assert_eq!(locked.lock.products.len(), 2);
    assert_eq!(locked.lock.products.values().next().unwrap().commit, "c".repeat(40));
    assert_eq!(*locked.digest(), digest(&id("R1"), locked.spec(), None, &locked.lock.products, &[]));
    assert_eq!(super::super::check(&catalog).errors().count(), 0);
}

#[test]
fn the_release_digest_is_that_of_the_canonical_json_that_the_design_lists() {
    let catalog = of(&[first()]);
    let locked = locked(&catalog, &id("R1")).unwrap();
    let p = &locked.lock.products;
    let entry = |name: &str, version: &str| {
        let name: ProductName = name.parse().unwrap();
        format!("{{\"digest\":\"{}\",\"name\":\"{name}\",\"version\":\"{version}\"}}", p[&name].digest)
    };
    let json = format!(
        "{{\"format\":1,\"includes\":[],\"kubernetes\":\"1.36\",\"lane\":\"normal\",\"lowers\":[],\"name\":\"R1\",\"parent\":null,\
         \"products\":[{},{}],\"removes\":[]}}",
        entry("app", "2.0.0"),
        entry("base", "1.0.0")
    );
    assert_eq!(*locked.digest(), crate::digest::bytes(json.as_bytes()));
}

#[test]
fn notes_and_title_are_not_part_of_the_digest_and_everything_else_is() {
    let (path, text) = first();
    let ok = |text: String| locked(&of(&[(path.clone(), text)]), &id("R1")).is_ok();
    assert!(ok(text.replace("spec:\n", "spec:\n  notes: better\n  title: calm-otter\n")));
    assert!(ok(text.replace("spec:\n", "# a comment\nspec:\n")));
    for (old, new) in [
        ("\"1.36\"", "\"1.37\""),
        ("base: 1.0.0", "base: 1.0.1"),
        ("base: 1.0.0, ", ""),
        ("spec:\n", "spec:\n  lane: hotfix\n"),
        ("spec:\n", "spec:\n  lowers: [base]\n"),
        ("spec:\n", "spec:\n  removes: [gone]\n"),
        ("spec:\n", "spec:\n  includes: [R0]\n"),
        ("\"version\":\"1.0.0\"", "\"version\":\"1.0.1\""),
        ("\"format\":1", "\"format\":2"),
    ] {
        assert!(text.contains(old), "{old}");
        assert!(!ok(text.replacen(old, new, 1)), "{new} was taken");
    }
    let digest = text.match_indices("sha256:").map(|(at, _)| at + 7).collect::<Vec<_>>();
    for at in digest {
        let mut tampered = text.clone();
        let other = if &text[at..=at] == "0" { "1" } else { "0" };
        tampered.replace_range(at..=at, other);
        assert!(!ok(tampered), "a digest with another digit at {at} was taken");
    }
}

#[test]
fn a_tampered_lock_is_found_at_its_line() {
    let (path, text) = first();
    let catalog = of(&[(path, text.replace("\"1.36\"", "\"1.35\""))]);
    let findings = locked(&catalog, &id("R1")).unwrap_err();
    let column = text.lines().last().unwrap().find("\"digest\":").unwrap() + "\"digest\":".len() + 1;
    assert_eq!(lines(&findings), [format!("TG0502 releases/R1.yaml:7:{column}")]);
    assert_eq!(lines(&super::super::check(&catalog)), lines(&findings), "`check` finds it, too");
}

#[test]
fn a_child_is_bound_to_its_parents_digest() {
    let child = release("R2", "  parent: R1\n  products: { base: 1.1.0, app: 2.0.0 }\n");
    let contents = tagged(&[("base", "1.1.0", ""), ("app", "2.0.0", REQUIRES)]);
    let uncut = of(&[release("R1", BOTH), child.clone()]);
    assert_eq!(codes(cut(&uncut, &id("R2"), &contents)), ["TG0504 releases/R2.yaml:6:11"]);
    let lock = cut(&of(&[first(), child.clone()]), &id("R2"), &contents).unwrap().lock;
    assert!(lock.parent.is_some());
    let child = with_lock(child, &lock);
    assert!(locked(&of(&[first(), child.clone()]), &id("R2")).is_ok());
    // The parent was cut again with another content, by hand.
    let (path, text) = release("R1", "  products: { base: 1.0.0 }\n");
    let other =
        cut(&of(&[(path.clone(), text.clone())]), &id("R1"), &tagged(&[("base", "1.0.0", "")])).unwrap();
    let other = of(&[with_lock((path, text), &other.lock), child]);
    assert!(locked(&other, &id("R1")).is_ok());
    assert!(lines(&locked(&other, &id("R2")).unwrap_err())[0].starts_with("TG0502 releases/R2.yaml"));
}

#[test]
fn a_tampered_ancestor_stops_its_descendants() {
    let child = release("R2", "  parent: R1\n  products: { base: 1.1.0, app: 2.0.0 }\n");
    let contents = tagged(&[("base", "1.1.0", ""), ("app", "2.0.0", REQUIRES)]);
    let lock = cut(&of(&[first(), child.clone()]), &id("R2"), &contents).unwrap().lock;
    let (path, text) = first();
    let catalog = of(&[(path, text.replace("\"1.36\"", "\"1.35\"")), with_lock(child, &lock)]);
    assert!(lines(&locked(&catalog, &id("R2")).unwrap_err())[0].starts_with("TG0502 releases/R1.yaml"));
}

#[test]
fn cutting_again_changes_nothing_and_another_outcome_is_refused() {
    let catalog = of(&[first()]);
    let mut contents = tagged(&[("base", "1.0.0", ""), ("app", "2.0.0", REQUIRES)]);
    for tagged in contents.values_mut() {
        tagged.commit = "d".repeat(40);
    }
    let again = cut(&catalog, &id("R1"), &contents).unwrap();
    assert!(again.unchanged);
    assert_eq!(again.lock, catalog.releases[&id("R1")].file.lock.as_ref().unwrap().value);
    let other = tagged(&[("base", "1.0.0", "  # other\n"), ("app", "2.0.0", REQUIRES)]);
    let found = codes(cut(&catalog, &id("R1"), &other));
    assert!(found.iter().any(|line| line.starts_with("TG0505")), "{found:?}");
    assert!(found.iter().any(|line| line.starts_with("TG0515")), "{found:?}");
}

#[test]
fn what_forbids_a_cut_is_named() {
    let cut_of = |spec: &str, contents: &[(&str, &str, &str)]| {
        codes(cut(&of(&[first(), release("R2", spec)]), &id("R2"), &tagged(contents)))
    };
    let base = ("base", "1.0.0", "");
    assert_eq!(
        cut_of("  products: { base: 1.0.0, app: 3.0.0 }\n", &[base]),
        ["TG0513 releases/R2.yaml:6:33"],
        "no tag"
    );
    assert_eq!(
        cut_of(
            "  products: { base: 1.0.0, app: 3.0.0 }\n",
            &[base, ("app", "3.0.0", "  requires: { base: ^2 }\n")]
        ),
        ["TG0208 products/app/product.yaml:7:21"]
    );
    assert_eq!(
        cut_of("  products: { app: 3.0.0 }\n", &[("app", "3.0.0", REQUIRES)]),
        ["TG0208 products/app/product.yaml:7:15"]
    );
    let circle = [("base", "1.1.0", "  requires: { app: '*' }\n"), ("app", "3.0.0", REQUIRES)];
    assert_eq!(
        cut_of("  products: { base: 1.1.0, app: 3.0.0 }\n", &circle),
        ["TG0207 products/app/product.yaml:7:15"]
    );
    assert_eq!(
        cut_of("  products: { base: 1.1.0 }\n", &[("base", "1.1.0", "  kubernetes: '<1.36'\n")]),
        ["TG0225 releases/R2.yaml:5:15"]
    );
    assert_eq!(
        cut_of("  products: { base: 1.1.0 }\n", &[("base", "1.1.0", "  values: { password: hunter2 }\n")]),
        ["TG0108 products/base/product.yaml:7:23"]
    );
    assert_eq!(
        cut_of("  products: { base: 1.0.0 }\n", &[("base", "1.0.0", "  # other content\n")]),
        ["TG0515 releases/R2.yaml:6:21"]
    );
    assert_eq!(
        cut_of(
            "  parent: R1\n  products: { base: 0.9.0, app: 2.0.0 }\n",
            &[("base", "0.9.0", ""), ("app", "2.0.0", REQUIRES)]
        )[1],
        "TG0506 releases/R2.yaml:7:21"
    );
    assert_eq!(
        cut_of("  parent: R9\n  products: { base: 1.0.0 }\n", &[base]),
        ["TG0206 releases/R2.yaml:6:11"]
    );
    assert_eq!(codes(cut(&of(&[]), &id("R9"), &BTreeMap::new())), ["TG0206 -"]);
}

#[test]
fn a_cycle_is_the_whole_path_with_the_line_of_each_edge() {
    let spec = "  products: { a: 1.0.0, b: 1.0.0, c: 1.0.0 }\n";
    let contents = [
        ("a", "1.0.0", "  requires: { b: '*' }\n"),
        ("b", "1.0.0", "  requires: { c: '*' }\n"),
        ("c", "1.0.0", "  requires: { a: '*' }\n"),
    ];
    let findings = cut(&of(&[release("R1", spec)]), &id("R1"), &tagged(&contents)).unwrap_err();
    let finding = findings.iter().next().unwrap();
    assert!(finding.message.ends_with("a -> b -> c -> a"), "{}", finding.message);
    let places: Vec<String> =
        finding.place.iter().chain(finding.related.iter().map(|(p, _)| p)).map(ToString::to_string).collect();
    assert_eq!(
        places,
        ["products/a/product.yaml:7:15", "products/b/product.yaml:7:15", "products/c/product.yaml:7:15"]
    );
}

#[test]
fn lowering_with_saying_so_is_fine_and_dropping_is_a_warning() {
    let spec = "  parent: R1\n  lowers: [base]\n  products: { base: 0.9.0 }\n";
    let cut =
        cut(&of(&[first(), release("R2", spec)]), &id("R2"), &tagged(&[("base", "0.9.0", "")])).unwrap();
    assert_eq!(lines(&cut.findings), ["TG0511 releases/R2.yaml:6:11"]);
}

#[test]
fn a_release_has_all_that_its_hotfixes_raised() {
    let hotfix = release("R1.1", "  parent: R1\n  lane: hotfix\n  products: { base: 1.0.1, app: 2.0.0 }\n");
    let check = |spec: &str| {
        let catalog = of(&[first(), hotfix.clone(), release("R2", spec)]);
        lines(&rules(&catalog, &id("R2")))
    };
    assert_eq!(
        check("  parent: R1\n  includes: [R1.1]\n  products: { base: 1.0.0, app: 2.1.0 }\n"),
        ["TG0508 releases/R2.yaml:8:21"]
    );
    assert!(check("  parent: R1\n  includes: [R1.1]\n  products: { base: 1.1.0, app: 2.1.0 }\n").is_empty());
    assert_eq!(
        check("  parent: R1\n  products: { base: 1.0.0, app: 2.1.0 }\n"),
        ["TG0521 releases/R2.yaml:6:11"],
        "a warning: R2 misses R1.1"
    );
    assert_eq!(
        check("  parent: R1.1\n  lowers: [base]\n  products: { base: 1.0.0, app: 2.1.0 }\n"),
        ["TG0508 releases/R2.yaml:8:21"]
    );
    assert_eq!(
        check("  parent: R1\n  includes: [R1]\n  products: { base: 1.0.0, app: 2.1.0 }\n"),
        ["TG0509 releases/R2.yaml:7:14", "TG0521 releases/R2.yaml:6:11"]
    );
}

#[test]
fn a_difference_says_what_becomes_of_each_product() {
    let catalog = of(&[
        release("R1", "  products: { a: 1.0.0, b: 1.0.0, c: 1.0.0, d: 1.0.0, e: 1.0.0 }\n"),
        release(
            "R2",
            "  parent: R1\n  removes: [d]\n  products: { a: 1.0.0, b: 1.1.0, c: 0.9.0, f: 1.0.0 }\n",
        ),
    ]);
    let diff = diff(&catalog.releases[&id("R1")], &catalog.releases[&id("R2")]);
    let changes: Vec<(String, Change)> =
        diff.products.iter().map(|p| (p.product.to_string(), p.change)).collect();
    assert_eq!(
        changes,
        [
            ("b".into(), Change::Raised),
            ("c".into(), Change::Lowered),
            ("d".into(), Change::Removed),
            ("e".into(), Change::Dropped),
            ("f".into(), Change::Added),
        ]
    );
    assert_eq!((diff.unchanged, diff.kubernetes), (1, None));
}
