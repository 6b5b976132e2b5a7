//! Trivy's JSON with its traps: lists that are null, words in any case, an entry for each layer.

#![allow(clippy::unwrap_used)]

use super::super::report::Status;
use super::super::severity::Severity;
use super::super::{Asked, Refusal, Report, read};
use crate::digest::Digest;

fn digest(digit: char) -> Digest {
    format!("sha256:{}", digit.to_string().repeat(64)).parse().unwrap()
}

fn asked() -> Asked {
    Asked::of_file([digest('a')])
}

/// A report about the image `a` with this in its `Results`.
fn with_results(results: &str) -> String {
    format!(
        r#"{{"SchemaVersion": 2, "Trivy": {{"Version": "0.60.0"}}, "CreatedAt": "2026-11-20T06:00:00.5+01:00",
            "ArtifactName": "quay.io/acme/shop:1", "ArtifactType": "container_image",
            "Metadata": {{"OS": {{"Family": "alpine", "Name": "3.18.4", "EOSL": true}},
                "ImageID": "{}", "RepoTags": ["quay.io/acme/shop:1"], "RepoDigests": ["quay.io/acme/shop@{}"]}},
            "Results": {results}}}"#,
        digest('c'),
        digest('a')
    )
}

fn report(results: &str) -> Report {
    read(with_results(results).as_bytes(), &asked()).unwrap()
}

/// A target of packages with these vulnerabilities.
fn packages(entries: &str) -> String {
    format!(
        r#"[{{"Target": "shop (alpine 3.18.4)", "Class": "os-pkgs", "Type": "alpine", "Vulnerabilities": [{entries}]}}]"#
    )
}

const FULL: &str = r#"{
    "VulnerabilityID": "CVE-2026-1111", "VendorIDs": ["RHSA-2026:0001"], "PkgID": "libssl3@3.1.4-r0", "PkgName": "libssl3",
    "PkgIdentifier": {"PURL": "pkg:apk/alpine/libssl3@3.1.4-r0?arch=x86_64&distro=3.18.4", "UID": "1"},
    "InstalledVersion": "3.1.4-r0", "FixedVersion": "3.1.4-r1, 3.1.5-r0", "Status": "fixed",
    "Layer": {"Digest": "sha256:00", "DiffID": "sha256:01"}, "SeveritySource": "nvd",
    "PrimaryURL": "https://avd.example.com/cve-2026-1111", "Title": "t", "Description": "d", "Severity": "HIGH",
    "CVSS": {"nvd": {"V3Vector": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", "V3Score": 9.8}},
    "References": null, "PublishedDate": "2026-11-02T10:00:00Z", "LastModifiedDate": "2026-11-03T10:00:00Z"}"#;

#[test]
fn everything_that_is_asked_of_a_vulnerability_is_read() {
    let report = report(&packages(FULL));
    assert_eq!(report.tool.to_string(), "Trivy 0.60.0");
    assert_eq!(report.knows_until(), "2026-11-20T05:00:00.5Z".parse().ok());
    assert_eq!(
        report.distribution.as_ref().map(|d| (d.to_string(), d.ended)),
        Some(("alpine 3.18.4".into(), true))
    );
    let one = &report.vulnerabilities[0];
    assert_eq!(one.id.as_str(), "CVE-2026-1111");
    assert_eq!(one.bulletins.iter().map(|b| b.as_str()).collect::<Vec<_>>(), ["RHSA-2026:0001"]);
    let package = one.package.as_ref().unwrap();
    assert_eq!((package.kind.as_deref(), package.name.as_str()), (Some("apk"), "libssl3"));
    assert_eq!(one.installed.as_deref(), Some("3.1.4-r0"));
    assert_eq!(one.fixed.iter().collect::<Vec<_>>(), ["3.1.4-r1", "3.1.5-r0"]);
    assert_eq!((one.severity, one.status), (Severity::High, Status::Fixed));
    assert_eq!(one.link.as_deref(), Some("https://avd.example.com/cve-2026-1111"));
    assert_eq!(one.published, "2026-11-02T10:00:00Z".parse().ok());
}

#[test]
fn no_distribution_is_told_in_a_word() {
    let none = with_results("null").replace("\"alpine\"", "\"none\"");
    assert_eq!(read(none.as_bytes(), &asked()).unwrap().distribution, None);
}

#[test]
fn a_distribution_without_a_target_was_not_looked_at() {
    let absent = with_results("null").replace("\"Results\"", "\"Others\"");
    assert!(matches!(read(absent.as_bytes(), &asked()), Err(Refusal::NotScanned { .. })));
    assert!(report("[]").vulnerabilities.is_empty());
}

#[test]
fn a_vulnerability_without_a_fix_a_url_and_a_known_word_is_read_too() {
    let bare = r#"{"VulnerabilityID": "TEMP-1-A", "PkgName": "bash", "PkgIdentifier": null, "InstalledVersion": "5",
        "FixedVersion": "", "Status": "will_not_fix", "Severity": "CaTaStRoPhIc", "CVSS": null, "PublishedDate": null}"#;
    let report = report(&packages(bare));
    let one = &report.vulnerabilities[0];
    assert_eq!((one.severity, one.status, one.is_fixable()), (Severity::Unknown, Status::WillNotFix, false));
    assert_eq!(one.package.as_ref().map(|p| (p.kind.clone(), p.name.as_str())), Some((None, "bash")));
}

#[test]
fn where_nobody_rates_it_the_vector_does() {
    let vector = r#"{"VulnerabilityID": "CVE-2026-1", "PkgName": "a", "Severity": "UNKNOWN",
        "CVSS": {"ghsa": {"V40Vector": "CVSS:4.0/AV:L/AC:L/AT:P/PR:L/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N", "V3Score": 0}}}"#;
    assert_eq!(report(&packages(vector)).vulnerabilities[0].severity, Severity::High);
}

#[test]
fn the_same_in_two_layers_is_one() {
    let twice = format!("{FULL}, {}", FULL.replace("sha256:00", "sha256:02"));
    assert_eq!(report(&packages(&twice)).vulnerabilities.len(), 1);
}

#[test]
fn what_was_put_aside_is_kept_apart() {
    let results = format!(
        r#"[{{"Target": "x", "Class": "lang-pkgs", "ExperimentalModifiedFindings": [
            {{"Type": "vulnerability", "Status": "ignored", "Source": ".trivyignore", "Finding": {FULL}}},
            {{"Type": "secret", "Status": "ignored", "Finding": {{"RuleID": "aws"}}}}]}}]"#
    );
    let report = report(&results);
    assert!(report.vulnerabilities.is_empty());
    assert_eq!(report.set_aside.len(), 1);
}

#[test]
fn an_empty_report_is_a_clean_one() {
    for empty in ["null", "[]", r#"[{"Target": "x", "Class": "os-pkgs"}]"#, &packages("")] {
        assert_eq!(report(empty).counts().total(), 0, "{empty}");
    }
}

#[test]
fn a_report_about_other_things_than_packages_is_no_scan() {
    let results = r#"[{"Target": "Dockerfile", "Class": "config", "Misconfigurations": [{"ID": "DS001"}]}]"#;
    let refused = read(with_results(results).as_bytes(), &asked()).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "Trivy's JSON that is no scan: it tells of other things than packages; scan with `--scanners vuln`"
    );
}

#[test]
fn another_version_of_the_schema_is_refused() {
    let later = with_results("[]").replace("\"SchemaVersion\": 2", "\"SchemaVersion\": 3");
    let refused = read(later.as_bytes(), &asked()).unwrap_err().to_string();
    assert_eq!(refused, "it looks like Trivy's JSON, but its schema version is 3; expected 2");
}

#[test]
fn a_wrong_type_is_told_with_its_place() {
    let wrong = with_results("[\n{\"Vulnerabilities\": [{\"VulnerabilityID\": 5}]}]");
    let refused = read(wrong.as_bytes(), &asked()).unwrap_err();
    let Refusal::Broken { line, column, what, .. } = refused else { panic!("{refused}") };
    assert_eq!((line, column), (6, 42));
    assert!(what.contains("expected a string"), "{what}");
}

#[test]
fn a_vulnerability_without_a_name_is_not_left_out_silently() {
    let refused = read(with_results(&packages(r#"{"PkgName": "a"}"#)).as_bytes(), &asked()).unwrap_err();
    assert!(refused.to_string().contains("`` names no vulnerability"), "{refused}");
}

#[test]
fn the_list_of_old_versions_is_read_where_the_question_names_the_image() {
    let old = br#"[{"Target": "a", "Type": "alpine", "Vulnerabilities": null},
        {"Target": "b", "Vulnerabilities": [{"VulnerabilityID": "CVE-2020-1", "PkgName": "a", "Severity": "LOW"}]}]"#;
    assert!(matches!(read(old, &asked()), Err(Refusal::Unnamed { .. })));
    let by_question = Asked::of_service([digest('a')], "2026-11-20T00:00:00Z".parse().unwrap());
    assert_eq!(read(old, &by_question).unwrap().counts().to_string(), "1 low");
}
