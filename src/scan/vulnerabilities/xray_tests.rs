//! Xray's summaries with their traps: several vulnerabilities in one issue, components in every spelling.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;

use super::super::report::Report;
use super::super::severity::Severity;
use super::super::{Asked, Refusal, read};
use super::{Component, question};
use crate::digest::Digest;

fn digest(digit: char) -> Digest {
    format!("sha256:{}", digit.to_string().repeat(64)).parse().unwrap()
}

fn asked() -> Asked {
    Asked::of_service([digest('a')], "2026-11-20T00:00:00Z".parse().unwrap())
}

/// A summary of the artifact with this checksum and these issues.
fn summary(sha256: &str, issues: &str) -> String {
    format!(
        r#"{{"artifacts": [{{"general": {{"component_id": "shop:1", "name": "shop:1", "path": "default/docker/shop/1/",
            "pkg_type": "Docker", "sha256": "{sha256}"}}, "issues": {issues}, "licenses": null}}], "errors": null}}"#
    )
}

fn report(issues: &str) -> Report {
    read(summary(&digest('a').hex(), issues).as_bytes(), &asked()).unwrap()
}

const TWO: &str = r#"[{"issue_id": "XRAY-100", "summary": "s", "description": "d", "issue_type": "security", "severity": "High",
    "provider": "JFrog", "cves": [
        {"cve": "CVE-2026-1111", "cvss_v2": "5.0/AV:N/AC:L/Au:N/C:N/I:N/A:P", "cvss_v3": "7.5/CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H"},
        {"cve": "CVE-2026-2222"}],
    "created": "2026-11-09T00:00:00.702Z", "impact_path": ["default/docker/shop/1/sha256__00.tar.gz/shop"],
    "components": [
        {"component_id": "go://github.com/acme/net:1.2.0", "fixed_versions": ["[1.2.3]", "[1.3.0]"]},
        {"component_id": "3.18:libssl3", "version": "3.1.4-r0", "pkg_type": "Alpine", "fixed_versions": null}]},
    {"issue_id": "XRAY-200", "issue_type": "license", "severity": "High"}]"#;

#[test]
fn several_cves_in_one_issue_are_several_vulnerabilities_in_each_component() {
    let report = report(TWO);
    let told: Vec<String> = report
        .vulnerabilities
        .iter()
        .map(|one| {
            let package = one.package.as_ref().unwrap();
            let (kind, installed) = (package.kind.as_deref().unwrap(), one.installed.as_deref().unwrap());
            format!("{} {kind} {package} {installed} {:?}", one.id, one.fixed)
        })
        .collect();
    assert_eq!(
        told,
        [
            "CVE-2026-1111 apk libssl3 3.1.4-r0 {}",
            "CVE-2026-1111 golang github.com/acme/net 1.2.0 {\"1.2.3\", \"1.3.0\"}",
            "CVE-2026-2222 apk libssl3 3.1.4-r0 {}",
            "CVE-2026-2222 golang github.com/acme/net 1.2.0 {\"1.2.3\", \"1.3.0\"}",
        ]
    );
    assert_eq!(report.counts().to_string(), "2 high");
    assert!(report.vulnerabilities.iter().all(|one| one.aliases.is_empty() && one.bulletins.len() == 1));
    assert_eq!(report.knows_until(), asked().at);
}

#[test]
fn an_issue_without_a_cve_keeps_its_own_name() {
    let report = report(
        r#"[{"issue_id": "XRAY-7", "issue_type": "security", "severity": "Unknown", "cves": [{"cvss_v3": "9.8"}]}]"#,
    );
    let one = &report.vulnerabilities[0];
    assert_eq!((one.id.as_str(), one.severity, &one.package), ("XRAY-7", Severity::Unknown, &None));
}

#[test]
fn an_answer_of_version_1_names_the_package_by_its_path() {
    let report = report(
        r#"[{"issue_id": "XRAY-8", "issue_type": "security", "severity": "Low", "cves": [{"cve": "CVE-2026-3333"}],
            "impact_path": ["default/docker/shop/1/sha256__00.tar.gz/3.23:libssl3:3.5.5-r0"]}]"#,
    );
    let one = &report.vulnerabilities[0];
    assert_eq!(one.package.as_ref().map(|package| package.name.as_str()), Some("libssl3"));
    assert_eq!(one.installed.as_deref(), Some("3.5.5-r0"));
    assert_eq!(one.aliases.iter().map(|alias| alias.as_str()).collect::<Vec<_>>(), ["XRAY-8"]);
}

#[test]
fn components_are_packages_of_their_kind() {
    let component = |id: &str| {
        let component = Component { component_id: id.to_owned(), ..Component::default() };
        let (package, version) = component.package();
        let package = package.unwrap();
        format!("{} {} {}", package.kind.unwrap_or_default(), package.name, version.unwrap_or_default())
    };
    assert_eq!(component("gav://org.acme:log:2.14.1"), "maven org.acme:log 2.14.1");
    assert_eq!(component("deb://debian:bookworm:openssl:3.0.11-1"), "deb openssl 3.0.11-1");
    assert_eq!(component("npm://@acme/core:7.0.0"), "npm @acme/core 7.0.0");
    assert_eq!(component("github.com/acme/net"), " github.com/acme/net ");
}

#[test]
fn an_issue_list_that_is_null_is_a_clean_image() {
    assert_eq!(report("null").counts().total(), 0);
}

#[test]
fn what_xray_does_not_know_is_not_clean() {
    let unknown = r#"{"artifacts": null, "errors": [{"identifier": "aa", "error": "Artifact doesn't exist or not indexed/cached in Xray"}]}"#;
    let refused = read(unknown.as_bytes(), &asked()).unwrap_err().to_string();
    assert_eq!(
        refused,
        "Xray's summary of artifacts that is no scan: Artifact doesn't exist or not indexed/cached in Xray (aa)"
    );
    let before = br#"{"errors": [{"status": 401, "message": "Bad credentials"}]}"#;
    assert!(read(before, &asked()).unwrap_err().to_string().ends_with("is no scan: Bad credentials"));
    let empty = read(br#"{"artifacts": [], "errors": []}"#, &asked()).unwrap_err();
    assert!(matches!(empty, Refusal::NotScanned { .. }));
}

#[test]
fn issues_of_another_artifact_are_never_mixed_in() {
    let both = format!(
        r#"{{"artifacts": [{{"general": {{"sha256": "{}"}}, "issues": {TWO}}}, {{"general": {{"sha256": "{}"}}, "issues": []}}]}}"#,
        digest('b').hex(),
        digest('a').hex().to_uppercase()
    );
    assert_eq!(read(both.as_bytes(), &asked()).unwrap().vulnerabilities, []);
    let other = read(summary(&digest('b').hex(), TWO).as_bytes(), &asked()).unwrap_err();
    assert!(matches!(other, Refusal::AnotherImage { .. }));
}

#[test]
fn an_image_is_asked_for_by_its_checksums() {
    let asked = question(&BTreeSet::from([digest('a')])).to_string();
    assert_eq!(asked, format!("{{\"checksums\":[\"{}\"]}}", digest('a').hex()));
}
