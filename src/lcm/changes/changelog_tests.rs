//! Changelogs of all styles.

use super::*;
use crate::lcm::changes::{Kind, Weight};
use crate::lcm::version::Scheme;

fn read(text: &str, current: &str, newest: &str) -> Found {
    let reach = Reach { current, newest, scheme: &Scheme::Semver, name: None };
    between(reach, text, Some("https://x.example/CHANGELOG.md")).unwrap()
}

fn told(text: &str, current: &str, newest: &str) -> Vec<String> {
    let found = read(text, current, newest);
    found.changes.iter().map(|c| format!("{} {} {}", c.version, c.kind.word(), c.text)).collect()
}

#[test]
fn keep_a_changelog() {
    let text = "\
# Changelog

All notable changes are here, see [the rules](https://keepachangelog.com/en/1.0.0/).

## [Unreleased]

### Removed

- not yet

## [1.2.0] - 2026-03-01

### Added

- new

### Removed

- old

## [1.1.0] - 2026-02-01

- in use

[1.2.0]: https://x.example/1.2.0
";
    assert_eq!(told(text, "1.1.0", "1.2.0"), ["1.2.0 added new", "1.2.0 removed old"]);
    assert_eq!(read(text, "1.1.0", "1.2.0").evidence[0].weight, Weight::Likely);
    assert_eq!(told(text, "1.0.0", "1.1.0"), ["1.1.0 other in use"]);
}

#[test]
fn release_please_with_links_in_its_headings() {
    let text = "# Changelog\n\n## [1.2.0](https://x.example/compare/v1.1.0...v1.2.0) (2026-03-01)\n\n\n### Features\n\n* more\n\n### [1.1.1](https://x.example/compare/a) (2026-02-01)\n\n### Bug Fixes\n\n* less\n\n## 1.1.0\n\n* old\n";
    assert_eq!(told(text, "v1.1.0", "v1.2.0"), ["1.2.0 added more", "1.1.1 fixed less"]);
    let links = read(text, "1.1.0", "1.2.0").changes.remove(0).links;
    assert_eq!(links[0].url, "https://x.example/compare/v1.1.0...v1.2.0");
}

#[test]
fn prometheus_marks_each_line() {
    let text = "## master / unreleased\n\n* [CHANGE] later\n\n## 1.12.0 / 2026-07-10\n\n* [CHANGE] Drop the old collector. #3\n* [BUGFIX] perf: Keep flags #4\n\n## 1.11.0 / 2026-04-04\n\n* [FEATURE] x\n";
    assert_eq!(
        told(text, "1.11.0", "1.12.0"),
        ["1.12.0 changed Drop the old collector. #3", "1.12.0 fixed perf: Keep flags #4"]
    );
}

#[test]
fn kubernetes_lists_its_contents_first_and_speaks_of_other_versions_below() {
    let text = "<!-- BEGIN MUNGE: GENERATED_TOC -->\n\n- [v1.33.1](#v1331)\n  - [Removed](#removed)\n\n<!-- END MUNGE -->\n\n# v1.33.1\n\n## Downloads for v1.33.1\n\n- x\n\n## Changelog since v1.33.0\n\n## Changes by Kind\n\n### Bug or Regression\n\n- a leak\n\n## Dependencies\n\n### Removed\n- example.com/a: v1\n\n# v1.33.0\n\n## Changes by Kind\n\n### API Change\n\n- a field\n";
    assert_eq!(told(text, "1.33.0", "1.33.1"), ["1.33.1 fixed a leak"]);
    assert_eq!(told(text, "1.32.9", "1.33.1"), ["1.33.1 fixed a leak", "1.33.0 changed a field"]);
}

#[test]
fn headings_of_the_same_level_belong_to_the_version_above() {
    let text = "# Changelog\n\n### controller-v1.12.0\n\nImages:\n\n* registry.example/c:v1.12.0\n\n### All changes:\n\n* Chart: labels\n\n### controller-v1.11.0\n\n### All changes:\n\n* old\n";
    assert_eq!(told(text, "1.11.0", "1.12.0"), ["1.12.0 other Chart: labels"]);
}

#[test]
fn underlined_headings_and_windows_lines() {
    let text = "Changes\r\n=======\r\n\r\n2.0.0 (2026-01-02)\r\n------------------\r\n\r\n- BREAKING: new port\r\n\r\n1.9.0\r\n-----\r\n\r\n- old\r\n";
    assert_eq!(told(text, "1.9.0", "2.0.0"), ["2.0.0 breaking new port"]);
}

#[test]
fn sections_of_other_things_do_not_count() {
    let text = "# Changes\n\n## Agent 1.2.0\n\n- a\n\n## Server 1.2.0\n\n- b\n\n## Agent 1.1.0\n\n- c\n";
    let of = |name| {
        let reach = Reach { current: "1.0.0", newest: "1.2.0", scheme: &Scheme::Semver, name };
        let changes = between(reach, text, None).unwrap().changes;
        changes.into_iter().map(|change| change.text).collect::<Vec<_>>().join(" ")
    };
    assert_eq!((of(Some("server")).as_str(), of(Some("agent")).as_str()), ("b", "a c"));
    assert_eq!(of(Some("other")), "a b c");
}

#[test]
fn prereleases_between_count_and_what_lies_outside_does_not() {
    let text = "# 2.0.0\n- a\n# 2.0.0-rc.1\n- b\n# 1.9.0\n- c\n# 1.8.0\n- d\n";
    assert_eq!(told(text, "1.8.0", "2.0.0-rc.1"), ["2.0.0-rc.1 other b", "1.9.0 other c"]);
    assert_eq!(told(text, "2.0.0", "2.0.0"), [""; 0]);
    assert_eq!(told(text, "2.0.0", "1.8.0"), [""; 0]);
}

#[test]
fn what_is_no_version_is_said() {
    let reach = Reach { current: "latest", newest: "1.0.0", scheme: &Scheme::Semver, name: None };
    assert!(matches!(between(reach, "# 1.0.0\n", None), Err(Unreached::Unreadable(_))));
}

#[test]
fn a_huge_changelog_is_read_quickly_and_says_that_it_was_cut() {
    let mut text = String::new();
    for minor in (0..4_000).rev() {
        text.push_str(&format!("## 1.{minor}.0\n\n- change {minor}\n\n"));
    }
    let found = read(&text, "1.0.0", "1.3999.0");
    assert_eq!((found.changes.len(), found.cut), (3_999, 0));
    let found = read(&"x".repeat(MOST + 1), "1.0.0", "2.0.0");
    assert_eq!((found.changes.len(), found.cut), (0, 1));
    // A line that is no heading of anything.
    let long = format!("# {}\n- a\n", "1.".repeat(200_000));
    assert!(read(&long, "1.0.0", "2.0.0").changes.is_empty());
}

#[test]
fn binaries_and_pages_are_no_changelog() {
    let binary: String = (0..5_000_u32).filter_map(|n| char::from_u32(n % 0x2ff)).collect();
    assert!(read(&binary, "1.0.0", "2.0.0").changes.is_empty());
    let page = "<html><body><h1>2.0.0</h1><ul><li>x</li></ul></body></html>";
    assert!(read(page, "1.0.0", "2.0.0").changes.iter().all(|change| change.kind == Kind::Other));
}
