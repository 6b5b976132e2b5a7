//! What goes, comes and stays, over made-up reports: examples, and properties that hold for any two.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::super::package::Package;
use super::super::report::{Status, merged};
use super::*;

const MONDAY: &str = "2026-11-16T06:00:00Z";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn one(id: &str, package: &str, version: &str) -> Vulnerability {
    let mut one = Vulnerability::new(id.parse().unwrap());
    one.package = Package::named(package);
    one.installed = Some(version.to_owned());
    one.severity = Severity::High;
    one
}

fn report(vulnerabilities: Vec<Vulnerability>) -> Report {
    Report {
        tool: Tool::new("Trivy", "0.60.0"),
        about: BTreeSet::new(),
        made: Some(at(MONDAY)),
        database: None,
        distribution: None,
        vulnerabilities: merged(vulnerabilities),
        set_aside: Vec::new(),
    }
}

fn delta(running: &Report, candidate: &Report) -> Delta {
    compare(Ok(running), Ok(candidate), None, &Rules::default()).delta.unwrap()
}

fn ids(changes: &[Change]) -> Vec<&str> {
    changes.iter().map(|change| change.id.as_str()).collect()
}

#[test]
fn what_goes_what_comes_and_what_stays() {
    let running = report(vec![one("CVE-2026-1111", "a", "1"), one("CVE-2026-2222", "a", "1")]);
    let candidate = report(vec![one("CVE-2026-2222", "a", "2"), one("CVE-2026-3333", "b", "1")]);
    let delta = delta(&running, &candidate);
    assert_eq!(ids(&delta.fixed), ["CVE-2026-1111"]);
    assert_eq!(ids(&delta.new), ["CVE-2026-3333"]);
    assert_eq!(ids(&delta.remaining), ["CVE-2026-2222"], "though its package has moved");
    assert_eq!(tally(&delta.remaining).to_string(), "1 high");
}

#[test]
fn one_in_several_packages_is_one_with_the_worst_of_them() {
    let mut worst = one("CVE-2026-1111", "b", "1");
    worst.severity = Severity::Critical;
    worst.fixed.insert("2".to_owned());
    let running = report(vec![one("CVE-2026-1111", "a", "1"), worst.clone()]);
    let delta = delta(&running, &report(vec![worst]));
    let [change] = delta.remaining.as_slice() else { panic!("{delta:?}") };
    assert_eq!((change.severity, change.running.len(), change.candidate.len()), (Severity::Critical, 2, 1));
    assert!(change.fixable, "what the candidate still has can be fixed");
}

#[test]
fn the_same_under_another_name_is_the_same() {
    let mut cve = one("CVE-2026-1111", "a", "1");
    cve.aliases.insert("GHSA-2wrh-6pvc-2jm9".parse().unwrap());
    let delta = delta(&report(vec![one("GHSA-2wrh-6pvc-2jm9", "a", "1")]), &report(vec![cve]));
    assert_eq!(ids(&delta.remaining), ["CVE-2026-1111"]);
    assert!(delta.fixed.is_empty() && delta.new.is_empty());
}

#[test]
fn a_missing_report_is_unknown_and_never_nothing() {
    let there = report(Vec::new());
    let compared = compare(Ok(&there), Err("Xray has not indexed it"), None, &Rules::default());
    assert_eq!(compared.running.unwrap().total(), 0);
    assert_eq!(compared.candidate.unwrap_err(), "Xray has not indexed it");
    assert_eq!(
        compared.delta.unwrap_err().to_string(),
        "unknown because there is no report about the candidate: Xray has not indexed it"
    );
}

#[test]
fn reports_of_different_tools_are_not_compared() {
    let trivy = report(Vec::new());
    let grype = Report { tool: Tool::new("Grype", "0.100.0"), ..trivy.clone() };
    let by_harbor = Tool { through: Some("Harbor".to_owned()), ..trivy.tool.clone() };
    let by_harbor = Report { tool: by_harbor, ..trivy.clone() };
    let newer = Report { tool: Tool::new("trivy", "0.61.0"), ..trivy.clone() };
    let why = |other: &Report| {
        compare(Ok(&trivy), Ok(other), None, &Rules::default()).delta.map_err(|why| why.to_string())
    };
    assert_eq!(
        why(&grype).unwrap_err(),
        "not comparable: Trivy 0.60.0 looked at what runs, and Grype 0.100.0 at the candidate"
    );
    assert!(why(&by_harbor).is_err());
    assert!(why(&newer).is_ok());
}

#[test]
fn databases_of_very_different_days_are_not_compared() {
    let new = report(Vec::new());
    let day = |text: &str| Report { database: Some(at(text)), ..new.clone() };
    let compared = |old: &Report| compare(Ok(old), Ok(&new), None, &Rules::default()).delta;
    assert!(compared(&day("2026-11-09T06:00:00Z")).is_ok());
    assert_eq!(
        compared(&day("2026-11-09T05:59:59Z")).unwrap_err().to_string(),
        "not comparable: what runs was scanned with a database of 2026-11-09T05:59:59Z, the candidate with one of \
         2026-11-16T06:00:00Z; scan both again"
    );
    let undated = Report { made: None, ..new.clone() };
    assert_eq!(compared(&undated).unwrap_err(), Incomparable::Undated { which: Which::Running });
}

#[test]
fn what_only_the_newer_database_can_know_is_not_called_fixed() {
    let mut young = one("CVE-2026-1111", "a", "1");
    young.published = Some(at("2026-11-14T00:00:00Z"));
    let mut old = one("CVE-2026-2222", "a", "1");
    old.published = Some(at("2026-11-01T00:00:00Z"));
    let running = report(vec![young, old]);
    let candidate = Report { made: Some(at("2026-11-12T00:00:00Z")), ..report(Vec::new()) };
    let delta = delta(&running, &candidate);
    assert_eq!(ids(&delta.fixed), ["CVE-2026-2222"]);
    let [(change, why)] = delta.unsettled.as_slice() else { panic!("{delta:?}") };
    assert_eq!(change.id.as_str(), "CVE-2026-1111");
    assert_eq!(why.to_string(), "it became known after the candidate was scanned");
}

#[test]
fn what_a_scan_was_told_to_put_aside_is_not_called_fixed() {
    let running = report(vec![one("CVE-2026-1111", "a", "1")]);
    let aside = vec![one("CVE-2026-1111", "a", "1")];
    let candidate = Report { set_aside: aside, ..report(Vec::new()) };
    let delta = delta(&running, &candidate);
    assert!(delta.fixed.is_empty());
    assert_eq!(delta.unsettled[0].1, Unsettled::SetAside(Which::Candidate));
}

#[test]
fn a_side_without_a_distribution_makes_the_rest_doubtful() {
    let alpine = Distribution { name: "alpine".to_owned(), version: "3.10".to_owned(), ended: true };
    let running = Report { distribution: Some(alpine), ..report(Vec::new()) };
    let doubts: Vec<String> =
        delta(&running, &report(Vec::new())).doubts.iter().map(Doubt::to_string).collect();
    assert_eq!(
        doubts,
        [
            "alpine 3.10 in what runs is not mended any more: new vulnerabilities are not listed",
            "no distribution was recognised in the candidate: its packages may not have been found",
        ]
    );
}

#[test]
fn what_is_exploited_comes_first() {
    let kev = br#"{"count": 1, "vulnerabilities": [{"cveID": "CVE-2026-9999", "dueDate": "2026-12-01"}]}"#;
    let kev = Kev::read(kev).unwrap();
    let mut low = one("CVE-2026-9999", "a", "1");
    low.severity = Severity::Low;
    let both = report(vec![one("CVE-2026-1111", "a", "1"), low]);
    let delta = compare(Ok(&both), Ok(&both), Some(&kev), &Rules::default()).delta.unwrap();
    assert_eq!(ids(&delta.remaining), ["CVE-2026-9999", "CVE-2026-1111"]);
}

const NAMES: &[&str] =
    &["CVE-2026-0001", "CVE-2026-0002", "CVE-2026-0003", "GHSA-a", "GHSA-b", "GO-1", "PYSEC-1", "TEMP-1"];

fn any_vulnerability() -> impl Strategy<Value = Vulnerability> {
    let name = || prop::sample::select(NAMES);
    let aliases = prop::collection::vec(prop::sample::select(&NAMES[3..]), 0..3);
    let severity = prop::sample::select(Severity::ALL.to_vec());
    (name(), aliases, 0..3u8, 0..3u8, severity, any::<bool>()).prop_map(
        |(id, aliases, package, version, severity, fixed)| {
            let mut one = one(id, &format!("p{package}"), &version.to_string());
            one.aliases = aliases.iter().filter(|alias| **alias != id).map(|a| a.parse().unwrap()).collect();
            one.severity = severity;
            one.status = if fixed { Status::Fixed } else { Status::Affected };
            one
        },
    )
}

fn any_report() -> impl Strategy<Value = Report> {
    prop::collection::vec(any_vulnerability(), 0..12).prop_map(report)
}

/// Every place of one side in these changes, in order.
fn places<'c>(
    changes: impl IntoIterator<Item = &'c Change>,
    side: fn(&Change) -> &Vec<Vulnerability>,
) -> Vec<String> {
    let mut all: Vec<String> = changes.into_iter().flat_map(side).map(|one| format!("{one:?}")).collect();
    all.sort();
    all
}

fn of(report: &Report) -> Vec<String> {
    let mut all: Vec<String> = report.vulnerabilities.iter().map(|one| format!("{one:?}")).collect();
    all.sort();
    all
}

proptest! {
    #[test]
    fn nothing_is_lost_and_nothing_made_up(running in any_report(), candidate in any_report()) {
        let delta = delta(&running, &candidate);
        prop_assert_eq!(places(delta.fixed.iter().chain(&delta.remaining), |c| &c.running), of(&running));
        prop_assert_eq!(places(delta.new.iter().chain(&delta.remaining), |c| &c.candidate), of(&candidate));
        prop_assert!(delta.unsettled.is_empty());
        let all = delta.fixed.iter().chain(&delta.new).chain(&delta.remaining);
        let ids: Vec<&VulnerabilityId> = all.map(|change| &change.id).collect();
        prop_assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "a name is told once");
    }

    #[test]
    fn an_image_against_itself_changes_nothing(both in any_report()) {
        let delta = delta(&both, &both);
        prop_assert!(delta.fixed.is_empty() && delta.new.is_empty());
    }

    #[test]
    fn what_is_fixed_one_way_is_new_the_other_way(a in any_report(), b in any_report()) {
        let (forth, back) = (delta(&a, &b), delta(&b, &a));
        prop_assert_eq!(ids(&forth.fixed), ids(&back.new));
        prop_assert_eq!(ids(&forth.new), ids(&back.fixed));
        prop_assert_eq!(ids(&forth.remaining), ids(&back.remaining));
        prop_assert_eq!(tally(&forth.remaining), tally(&back.remaining));
    }

    #[test]
    fn the_order_of_a_report_means_nothing(a in any_report(), b in any_report()) {
        let mut turned = a.clone();
        turned.vulnerabilities.reverse();
        let (one, other) = (delta(&a, &b), delta(&turned, &b));
        prop_assert_eq!(ids(&one.fixed), ids(&other.fixed));
        prop_assert_eq!(ids(&one.remaining), ids(&other.remaining));
    }
}
