//! A calendar with a mistake in every entry, each found at its line and column; and one without.

#![allow(clippy::unwrap_used)]

use super::super::testing::{lines, tree};
use super::super::{check, load};
use crate::diag::Findings;

const FLEET: &str = "apiVersion: tidegate.dev/v1\nkind: Fleet\nmetadata: { name: main }\nspec:\n  clusters:\n    - { name: a, labels: { env: prod, region: eu }, kubeconfig: { path: k, context: a } }\n";
const PIPELINE: &str = "apiVersion: tidegate.dev/v1\nkind: Pipeline\nmetadata: { name: main }\nspec:\n  waves:\n    - { name: prod, selector: {} }\n";

/// What is found in a calendar whose entries begin in line 6.
fn found(entries: &str) -> Findings {
    let calendar =
        format!("apiVersion: tidegate.dev/v1\nkind: Calendar\nmetadata: {{ name: main }}\nspec:\n{entries}");
    let tree = tree(&[
        ("pipelines/fleet.yaml", FLEET),
        ("pipelines/main.yaml", PIPELINE),
        ("pipelines/calendar.yaml", &calendar),
    ]);
    let (catalog, mut findings) = load(&tree);
    findings.extend(check(&catalog));
    findings.sorted()
}

/// Codes with lines and columns.
fn spots(findings: &Findings) -> Vec<String> {
    lines(findings).iter().map(|line| line.replace("pipelines/calendar.yaml:", "")).collect()
}

/// Codes with the text that the carets are under.
fn carets(findings: &Findings) -> Vec<String> {
    let caret = |f: &crate::diag::Finding| format!("{} {}", f.code.id, f.place.as_ref().unwrap().text());
    findings.iter().map(caret).collect()
}

#[test]
fn a_calendar_without_mistakes_has_no_findings() {
    let findings = found(
        "  windows:
    - { name: w1, kind: deny, schedule: 0 0 * * SAT, for: 2d, timeZone: Europe/Berlin, waves: [prod] }
    - { name: w2, kind: allow, schedule: \"0 0 * * SAT,SUN\", for: 1d, timeZone: UTC, selector: { region: eu } }
    - { name: w3, kind: deny, from: \"2026-12-05T08:00:00Z\", until: 2026-12-06T08:00:00+01:00, lanes: [normal] }
  freezes:
    - { name: f1, from: 2026-12-05, until: 2026-12-05, timeZone: UTC, author: ada, reason: rest }
",
    );
    assert_eq!(findings, Findings::new(), "{findings}");
}

#[test]
fn every_mistake_of_a_window_is_found_at_its_place() {
    for (entry, spot) in [
        ("schedule: 0 0 * * SAT, for: 2d, timeZone: Europe/Berln", "TG0105 Europe/Berln"),
        ("schedule: 0 0 * * SAT, for: 2d", "TG0110 0 0 * * SAT"),
        ("schedule: 0 0 * * SAT, timeZone: UTC", "TG0110 0 0 * * SAT"),
        ("for: 2d, timeZone: UTC", "TG0110 w"),
        ("timeZone: UTC", "TG0110 w"),
        ("from: 2026-12-05, timeZone: UTC", "TG0110 2026-12-05"),
        ("schedule: 0 0 * * SAT, for: 2d, from: 2026-12-05, timeZone: UTC", "TG0110 2026-12-05"),
        ("schedule: 0 0 * * SATURN, for: 2d, timeZone: UTC", "TG0105 0 0 * * SATURN"),
        ("schedule: 0 0 30 2 *, for: 2d, timeZone: UTC", "TG0105 0 0 30 2 *"),
        ("schedule: 0 22 * * *, for: 0, timeZone: UTC", "TG0240 0"),
        ("schedule: 0 22 * * *, for: 0s, timeZone: UTC", "TG0240 0s"),
        ("schedule: 0 22 * * *, for: 30h, timeZone: UTC", "TG0242 30h"),
        ("schedule: 0 22 * * *, for: 1d, timeZone: UTC", "TG0242 1d"),
        ("schedule: \"0 22 * * 1-5\", for: 30h, timeZone: UTC", "TG0241 30h"),
        ("schedule: 0 0 L * *, for: 4w 1d, timeZone: UTC", "TG0241 4w 1d"),
        ("from: 2026-12-05, until: 2026-12-04, timeZone: UTC", "TG0240 2026-12-04"),
        ("from: 2026-12-05T08:00, until: 2026-12-05T08:00, timeZone: UTC", "TG0240 2026-12-05T08:00"),
        // Clocks go from two to three: on the wall an hour, in truth nothing.
        (
            "from: 2026-03-29T02:00, until: 2026-03-29T03:00, timeZone: Europe/Berlin",
            "TG0240 2026-03-29T03:00",
        ),
        ("from: 2026-12-05, until: 2026-12-06", "TG0110 2026-12-05"),
        ("from: 2026-12-05T08:00:00Z, until: 2026-12-06", "TG0110 2026-12-06"),
        ("from: 2026-13-05, until: 2026-12-06, timeZone: UTC", "TG0105 2026-13-05"),
    ] {
        let findings = found(&format!("  windows:\n    - {{ name: w, kind: deny, {entry} }}\n"));
        assert_eq!(carets(&findings), [spot], "{entry}: {findings}");
    }
}

#[test]
fn a_zone_that_is_none_comes_with_the_one_that_was_meant() {
    let findings = found(
        "  windows:\n    - { name: w, kind: deny, schedule: 0 0 * * SAT, for: 2d, timeZone: Europe/Berln }\n",
    );
    let text = findings.to_string();
    assert!(text.contains("did you mean `Europe/Berlin`?"), "{text}");
}

#[test]
fn a_scope_names_what_there_is_and_names_are_used_once() {
    let findings = found(
        "  windows:
    - { name: w, kind: deny, from: 2026-12-05, until: 2026-12-06, timeZone: UTC, waves: [prd], selector: { env: prd } }
    - { name: x, kind: deny, from: 2026-12-05, until: 2026-12-06, timeZone: UTC, waves: [], lanes: [] }
  freezes:
    - { name: w, from: 2026-12-05, until: 2026-12-06, timeZone: UTC, author: '', reason: ' ' }
    - { name: y, from: 2026-12-05, until: 2026-12-04, timeZone: UTC, author: ada, reason: r }
    - { name: z, from: 2026-12-05, timeZone: UTC }
",
    );
    assert_eq!(
        spots(&findings),
        [
            "TG0103 11:7",
            "TG0103 11:7",
            "TG0103 11:7",
            "TG0107 7:15",
            "TG0107 7:15",
            "TG0107 9:78",
            "TG0107 9:90",
            "TG0111 9:15",
            "TG0205 6:90",
            "TG0240 10:43",
            "TG0312 6:113",
        ],
        "{findings}"
    );
    assert!(findings.to_string().contains("did you mean `prod`?"));
}
