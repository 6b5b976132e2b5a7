//! Release notes as projects write them, and as nobody should.

use super::*;
use crate::lcm::changes::{Change, Sign};
use proptest::prelude::*;

fn found(notes: &str) -> Found {
    let mut found = Found::default();
    let link = link("v1.2.0", Some("https://x.example/v1.2.0"));
    read(notes, Whose { version: "v1.2.0", link: link.as_ref(), span: None }, &mut found);
    found
}

fn told(notes: &str) -> Vec<(Kind, String)> {
    found(notes).changes.into_iter().map(|Change { kind, text, .. }| (kind, text)).collect()
}

fn one(kind: Kind, text: &str) -> (Kind, String) {
    (kind, text.to_owned())
}

#[test]
fn a_release_of_kubernetes_with_urgent_notes_downloads_and_dependencies() {
    let notes = "\
## Downloads for v1.2.0

### Source Code

filename | sha512 hash
-------- | -----------
[a.tar.gz](https://dl.example/a.tar.gz) | 7cf4

## Changelog since v1.1.0

## Urgent Upgrade Notes

### (No, really, you MUST read this before you upgrade)

- The flag `--old` of the proxy is gone. ([#11](https://github.com/o/r/pull/11), [@who](https://github.com/who)) [SIG Network]

## Changes by Kind

### Deprecation

- The field `spec.x` is deprecated. ([#12](https://github.com/o/r/pull/12))

### Feature

- Pods may be resized.

## Dependencies

### Removed

- example.com/left: v1.0.0

### Changed

_Nothing has changed._
";
    let text = "The flag `--old` of the proxy is gone. (#11, @who) [SIG Network]";
    assert_eq!(
        told(notes),
        [
            one(Kind::Breaking, text),
            one(Kind::Deprecated, "The field `spec.x` is deprecated. (#12)"),
            one(Kind::Added, "Pods may be resized."),
        ]
    );
    let evidence = found(notes).evidence;
    let signs: Vec<(Sign, Weight)> = evidence.iter().map(|one| (one.sign, one.weight)).collect();
    assert_eq!(signs, [(Sign::Breaking, Weight::Likely), (Sign::Deprecated, Weight::Hint)]);
    assert_eq!(evidence[0].links[0].url, "https://github.com/o/r/pull/11");
}

#[test]
fn a_security_note_is_told_by_its_heading_and_its_first_sentence() {
    let notes = "\
## Important Security Information

### CVE-2026-5187: Nodes can delete themselves

A hole was found. It lets nodes delete themselves.

**Affected Versions**:
- apiserver v1.1.0 to v1.1.3

**How do I mend it?**

Update.
";
    let expected =
        "CVE-2026-5187: Nodes can delete themselves: A hole was found. It lets nodes delete themselves.";
    assert_eq!(told(notes), [one(Kind::Security, expected)]);
    assert!(found(notes).security);
}

#[test]
fn breaking_changes_with_a_heading_each_as_velero_has_them() {
    let notes = "\
### Highlights
#### Data mover
It is faster:
- much faster

### Breaking changes
#### Deprecation of the old path
It goes away.
- When it is used in an installation
```
--a-flag
```
#### The name of the map is free now

### All Changes
  * add an option (#1, @who)
";
    assert_eq!(
        told(notes),
        [
            one(Kind::Other, "much faster"),
            one(Kind::Breaking, "Deprecation of the old path: It goes away."),
            one(Kind::Breaking, "The name of the map is free now"),
            one(Kind::Added, "add an option (#1, @who)"),
        ]
    );
}

#[test]
fn headings_of_components_stand_before_each_of_their_lines() {
    let notes = "## Breaking changes\n\n### agent:\n\n- a is gone\n- b is gone\n";
    assert_eq!(
        told(notes),
        [one(Kind::Breaking, "agent: a is gone"), one(Kind::Breaking, "agent: b is gone")]
    );
}

#[test]
fn generated_notes_of_github_with_their_frame() {
    let notes = "\
<!-- Release notes generated using configuration in .github/release.yml at main -->

## What's Changed
* feat!: take the old flags away by @me in https://github.com/o/r/pull/7
* [argo-cd] fix: a typo by @bot[bot] in https://github.com/o/r/pull/8

## New Contributors
* @me made their first contribution in https://github.com/o/r/pull/7

**Full Changelog**: https://github.com/o/r/compare/v1.1.0...v1.2.0
";
    let found = found(notes);
    let shown: Vec<(Kind, &str, &str)> = found
        .changes
        .iter()
        .map(|change| (change.kind, change.text.as_str(), change.links[0].name.as_str()))
        .collect();
    assert_eq!(
        shown,
        [
            (Kind::Breaking, "feat!: take the old flags away", "#7"),
            (Kind::Fixed, "[argo-cd] fix: a typo", "#8"),
        ]
    );
    assert_eq!(found.evidence.len(), 1);
}

#[test]
fn a_line_without_a_link_leads_to_the_notes() {
    assert_eq!(found("- a thing\n").changes[0].links[0].url, "https://x.example/v1.2.0");
}

#[test]
fn release_please_calls_what_breaks_by_a_sign() {
    let notes = "### ⚠ BREAKING CHANGES\n\n* **chart:** the key is another one\n\n### Features\n\n* more ([1a2b3c4](https://x.example/c))\n";
    assert_eq!(
        told(notes),
        [one(Kind::Breaking, "chart: the key is another one"), one(Kind::Added, "more (1a2b3c4)")]
    );
}

#[test]
fn a_section_about_nothing_is_no_evidence() {
    for nothing in ["None.", "- None", "_No breaking changes in this release_", "N/A"] {
        let found = found(&format!("## Breaking Changes\n\n{nothing}\n\n## Fixed\n\n- x\n"));
        assert_eq!((found.evidence.len(), found.changes.len()), (0, 1), "{nothing}");
    }
}

#[test]
fn bold_lines_are_headings_too() {
    let notes = "**Breaking changes:**\n\n* the port\n\n**Bug fixes**\n\n* the leak\n";
    assert_eq!(told(notes), [one(Kind::Breaking, "the port"), one(Kind::Fixed, "the leak")]);
}

#[test]
fn items_below_an_item_explain_it_unless_it_only_introduces_them() {
    let notes = "- Moved to another base\n  - from a to b\n  - BREAKING: no shell any more\n- Chart:\n  - new labels\n";
    assert_eq!(
        told(notes),
        [
            one(Kind::Other, "Moved to another base"),
            one(Kind::Breaking, "no shell any more"),
            one(Kind::Other, "new labels"),
        ]
    );
}

#[test]
fn a_mere_address_is_called_by_its_heading() {
    let found = found("### Download\n\nhttps://x.example/d\n\n### Upgrading\n\nhttps://x.example/u\n");
    assert_eq!((found.changes[0].text.as_str(), found.changes.len()), ("Upgrading", 1));
    assert_eq!(found.changes[0].links[0].url, "https://x.example/u");
}

#[test]
fn prose_is_told_where_there_is_nothing_else_or_where_it_matters() {
    assert_eq!(
        told("This release mends a crash.\n\nMore of it.\n"),
        [one(Kind::Other, "This release mends a crash.")]
    );
    let notes = "It mends CVE-2026-1974 and others.\n\nBREAKING CHANGE: the port is 8443.\n";
    assert_eq!(
        told(notes),
        [one(Kind::Security, "It mends CVE-2026-1974 and others."), one(Kind::Breaking, "the port is 8443.")]
    );
}

#[test]
fn notes_that_go_on_with_older_versions_are_read_up_to_them() {
    let scheme = crate::lcm::version::Scheme::Auto;
    let reach = super::super::reach::Reach { current: "1.1.0", newest: "1.2.0", scheme: &scheme, name: None };
    let span = reach.alone().unwrap();
    let mut found = Found::default();
    let notes = "## v1.2.0\n\n- new\n\n## Upgrading from 1.0.0\n\n- read this\n\n## v1.1.0\n\n- old\n\n### Breaking\n\n- older\n";
    read(notes, Whose { version: "1.2.0", link: None, span: Some(&span) }, &mut found);
    let texts: Vec<&str> = found.changes.iter().map(|change| change.text.as_str()).collect();
    assert_eq!(texts, ["new", "read this"]);
}

#[test]
fn hostile_notes_are_harmless() {
    for notes in [
        "\u{0}\u{1b}]0;x\u{7}- \u{202e}evil\n".to_owned(),
        "# ".repeat(20_000),
        "- a\n".repeat(50_000),
        "<script>alert(1)</script>\n\n- <img src=x onerror=y> z\n".to_owned(),
        "[".repeat(20_000),
        "*".repeat(20_000),
        format!("- {}\n", "`".repeat(20_000)),
        format!("## Breaking\n\n{}", "- x \u{1b}[31m\n".repeat(30_000)),
    ] {
        let found = found(&notes);
        for change in &found.changes {
            assert!(!change.text.chars().any(char::is_control), "{change:?}");
            assert!(!change.text.contains('<') && change.text.chars().count() <= 201, "{change:?}");
        }
        assert!(found.changes.len() <= 10_000);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_notes_make_it_fail(notes in "(?s)[-#*=`~<>! \n\r\t1.0vé:\\[\\]()|BREAKINGfix]{0,200}") {
        let found = found(&notes);
        for change in found.changes {
            prop_assert!(!change.text.is_empty() && change.text == plain::line(&change.text));
        }
    }
}
