//! OSV's questions as they are sent, and its answers with their traps.

#![allow(clippy::unwrap_used)]

use super::*;

const GHSA: &str = r#"{"id": "GHSA-2wrh-6pvc-2jm9", "summary": "s", "aliases": ["CVE-2026-1111", "GO-2026-0001"], "modified": "2026-11-05T00:00:00Z",
    "published": "2026-11-01T00:00:00Z", "database_specific": {"severity": "MODERATE"},
    "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],
    "references": [{"type": "WEB", "url": "https://b.example"}, {"type": "ADVISORY", "url": "https://a.example"}],
    "affected": [
        {"package": {"name": "golang.org/x/net", "ecosystem": "Go", "purl": "pkg:golang/golang.org/x/net"}, "ranges": [
            {"type": "SEMVER", "events": [{"introduced": "0"}, {"fixed": "0.17.0"}, {"introduced": "0.20.0"}, {"fixed": "0.23.0"}]},
            {"type": "GIT", "repo": "https://x", "events": [{"introduced": "0"}, {"fixed": "00112233"}]}]},
        {"package": {"name": "other", "ecosystem": "Go"}, "ranges": [{"type": "SEMVER", "events": [{"fixed": "9.9.9"}]}]}]}"#;

const NET: &str = "pkg:golang/golang.org/x/net@v0.21.0";

#[test]
fn a_package_is_asked_about_by_its_url() {
    let first = Question { purl: NET.to_owned(), page: None };
    let second = Question { page: Some("abc".to_owned()), ..first.clone() };
    assert_eq!(
        batch(&[first, second]).to_string(),
        format!(
            r#"{{"queries":[{{"package":{{"purl":"{NET}"}}}},{{"package":{{"purl":"{NET}"}},"page_token":"abc"}}]}}"#
        )
    );
}

#[test]
fn a_record_tells_of_the_package_that_was_asked_about() {
    let found = read_query(format!("{{\"vulns\": [{GHSA}]}}").as_bytes(), NET).unwrap().found;
    let [one] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!(one.id.as_str(), "CVE-2026-1111");
    assert_eq!(one.aliases.len(), 2);
    assert_eq!(one.fixed.iter().collect::<Vec<_>>(), ["0.23.0"]);
    assert_eq!((one.severity, one.link.as_deref()), (Severity::Medium, Some("https://a.example")));
    assert_eq!(one.installed.as_deref(), Some("v0.21.0"));
}

#[test]
fn a_line_that_is_not_mended_has_no_fix() {
    let found = read_record(GHSA.as_bytes(), "pkg:golang/golang.org/x/net@v0.30.0").unwrap();
    assert!(!found[0].is_fixable());
}

#[test]
fn where_no_word_rates_it_a_vector_does() {
    let record = r#"{"id": "PYSEC-2026-1", "severity": [{"type": "CVSS_V4",
        "score": "CVSS:4.0/AV:L/AC:L/AT:P/PR:L/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N"}], "affected": null, "references": null}"#;
    let found = read_record(record.as_bytes(), "pkg:pypi/django@1").unwrap();
    assert_eq!(found[0].severity, Severity::High);
    assert_eq!(found[0].link.as_deref(), Some("https://osv.dev/vulnerability/PYSEC-2026-1"));
}

#[test]
fn a_distributions_record_is_about_the_cve_in_its_name() {
    let record = r#"{"id": "DEBIAN-CVE-2026-1111", "upstream": ["CVE-2026-1111"], "affected": [
        {"package": {"name": "bash", "ecosystem": "Debian:12"}, "ecosystem_specific": {"urgency": "unimportant"}}]}"#;
    let found = read_record(record.as_bytes(), "pkg:deb/debian/bash@5.2").unwrap();
    assert_eq!((found[0].id.as_str(), found[0].severity), ("CVE-2026-1111", Severity::Negligible));
}

#[test]
fn what_was_withdrawn_is_nothing() {
    let record = r#"{"id": "GO-2026-1", "withdrawn": "2026-11-01T00:00:00Z"}"#;
    assert_eq!(read_record(record.as_bytes(), NET).unwrap(), []);
}

#[test]
fn nothing_found_is_an_empty_object_and_a_page_may_be_empty_without_being_the_last() {
    assert_eq!(read_query(b"{}", NET).unwrap(), Page { found: Vec::new(), next: None });
    let more = read_query(br#"{"next_page_token": "abc"}"#, NET).unwrap();
    assert_eq!((more.found.len(), more.next.as_deref()), (0, Some("abc")));
}

#[test]
fn a_batch_answers_every_question_in_order() {
    let answer = br#"{"results": [{"vulns": [{"id": "GHSA-2wrh-6pvc-2jm9", "modified": "2026-11-05T00:00:00Z"}], "next_page_token": "t"}, {}]}"#;
    let pages = read_batch(answer, 2).unwrap();
    assert_eq!((pages[0].found.len(), pages[0].next.as_deref(), pages[1].found.len()), (1, Some("t"), 0));
    let refused = read_batch(answer, 3).unwrap_err().to_string();
    assert_eq!(refused, "it looks like OSV's answer, but it has 2 answers to 3 questions");
}

#[test]
fn an_error_is_no_clean_package() {
    let refused = read_query(br#"{"code": 3, "message": "Invalid query."}"#, NET).unwrap_err().to_string();
    assert_eq!(refused, "OSV's answer that is no scan: Invalid query. (code 3)");
    assert!(matches!(read_query(br#"{"error": "x"}"#, NET), Err(Refusal::Broken { .. })));
    assert!(matches!(read_query(b"[]", NET), Err(Refusal::Nonsense { .. })));
}
