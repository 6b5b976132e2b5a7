//! Attestations in their envelopes and without, what may lie in them, and what must not be believed.

#![allow(clippy::unwrap_used)]

use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};

use super::super::read;
use super::*;

fn digest(digit: char) -> Digest {
    format!("sha256:{}", digit.to_string().repeat(64)).parse().unwrap()
}

fn asked() -> Asked {
    Asked::of_file([digest('a')])
}

fn statement_about(digest: Digest, kind: &str, predicate: &str) -> String {
    format!(
        r#"{{"_type": "https://in-toto.io/Statement/v0.1", "predicateType": "{kind}",
            "subject": [{{"name": "quay.io/acme/shop", "digest": {{"sha256": "{}", "sha512": "00"}}}}], "predicate": {predicate}}}"#,
        digest.hex()
    )
}

fn scan_with(result: &str) -> String {
    format!(
        r#"{{"invocation": {{"parameters": null, "uri": ""}}, "scanner": {{"uri": "pkg:github/aquasecurity/trivy@0.60.0", "version": "0.60.0",
            "db": {{"uri": "", "version": "", "lastUpdate": "2026-11-19T18:00:00Z"}}, "result": {result}}},
            "metadata": {{"scanStartedOn": "2026-11-20T06:00:00Z", "scanFinishedOn": "2026-11-20T06:00:05Z"}}}}"#
    )
}

const COSIGN: &str = "https://cosign.sigstore.dev/attestation/vuln/v1";
const TRIVY: &str = r#"{"SchemaVersion": 2, "ArtifactName": "shop", "Results": [{"Target": "shop", "Class": "os-pkgs",
    "Vulnerabilities": [{"VulnerabilityID": "CVE-2026-1111", "PkgName": "libssl3", "Severity": "HIGH"}]}]}"#;
const GRYPE: &str = r#"{"matches": [{"vulnerability": {"id": "CVE-2026-2222", "severity": "Low"}, "artifact": {"name": "x"}}],
    "descriptor": {"name": "grype", "version": "0.100.0"}}"#;

fn in_envelope(statement: &str, kind: &str) -> String {
    format!(
        r#"{{"payloadType": "{kind}", "payload": "{}", "signatures": [{{"keyid": "", "sig": "AA=="}}]}}"#,
        BASE64_STANDARD.encode(statement)
    )
}

const IN_TOTO: &str = "application/vnd.in-toto+json";

#[test]
fn a_scanners_report_in_an_envelope_is_bound_to_the_subject() {
    let statement = statement_about(digest('a'), COSIGN, &scan_with(TRIVY));
    let report = read(in_envelope(&statement, IN_TOTO).as_bytes(), &asked()).unwrap();
    assert_eq!(report.counts().to_string(), "1 high");
    assert_eq!(report.about, BTreeSet::from([digest('a')]));
    assert_eq!(report.tool.name, "Trivy");
    assert_eq!(report.knows_until(), "2026-11-19T18:00:00Z".parse().ok());
    let grype = statement_about(digest('a'), COSIGN, &scan_with(GRYPE));
    assert_eq!(read(grype.as_bytes(), &asked()).unwrap().tool.to_string(), "Grype 0.100.0");
}

#[test]
fn bundles_and_the_other_alphabet_are_opened_too() {
    let statement = statement_about(digest('a'), COSIGN, &scan_with(TRIVY));
    let bundle = format!(
        r#"{{"mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json", "dsseEnvelope": {{"payload": "{}",
            "payloadType": "{IN_TOTO}", "signatures": []}}}}"#,
        BASE64_URL_SAFE_NO_PAD.encode(&statement)
    );
    assert_eq!(read(bundle.as_bytes(), &asked()).unwrap().vulnerabilities.len(), 1);
}

#[test]
fn in_totos_list_is_read_in_both_versions() {
    let list = r#"[{"id": "CVE-2026-1111", "severity": [{"method": "nvd", "score": "medium"}, {"method": "cvss_score", "score": "5.2"}]},
        {"vulnerability": {"id": "GHSA-2wrh-6pvc-2jm9", "severity": [{"method": "cvss_score", "score": "9.1"}]}, "annotations": []}]"#;
    let statement =
        statement_about(digest('a'), "https://in-toto.io/attestation/vulns/v0.2", &scan_with(list));
    let report = read(statement.as_bytes(), &asked()).unwrap();
    assert_eq!(report.counts().to_string(), "1 critical, 1 medium");
    assert_eq!(report.tool.to_string(), "trivy 0.60.0");
    let clean = statement_about(digest('a'), "https://in-toto.io/attestation/vulns/v0.1", &scan_with("[]"));
    assert_eq!(read(clean.as_bytes(), &asked()).unwrap().counts().total(), 0);
}

#[test]
fn a_predicate_by_itself_is_bound_by_the_report_in_it() {
    let named = TRIVY.replace("\"shop\", \"Results\"", &format!("\"shop@{}\", \"Results\"", digest('a')));
    assert_eq!(read(scan_with(&named).as_bytes(), &asked()).unwrap().vulnerabilities.len(), 1);
    assert!(matches!(read(scan_with(TRIVY).as_bytes(), &asked()), Err(Refusal::Unnamed { .. })));
}

#[test]
fn what_is_no_attestation_about_this_image_is_refused_with_a_sentence() {
    let refused = |text: &str| read(text.as_bytes(), &asked()).unwrap_err().to_string();
    let other = refused(&statement_about(digest('b'), COSIGN, &scan_with(TRIVY)));
    assert!(other.starts_with(&format!("the report is about {}", digest('b'))), "{other}");
    let provenance = refused(&statement_about(digest('a'), "https://slsa.dev/provenance/v1", "{}"));
    assert!(
        provenance.contains("`https://slsa.dev/provenance/v1` tells of no vulnerabilities"),
        "{provenance}"
    );
    let odd = refused(&statement_about(digest('a'), COSIGN, &scan_with("{\"x\": 1}")));
    assert!(odd.ends_with("neither Trivy's nor Grype's JSON nor a list"), "{odd}");
    assert!(refused(&statement_about(digest('a'), COSIGN, "\"text\"")).contains("expected an object"));
    assert!(refused(&in_envelope("{}", "text/plain")).contains("its payload is `text/plain`"));
    let broken = in_envelope("", IN_TOTO).replace("\"payload\": \"\"", "\"payload\": \"%%\"");
    assert!(refused(&broken).ends_with("its payload is not in base64"), "{}", refused(&broken));
    let nobody = statement_about(digest('a'), COSIGN, "{}").replace("\"sha256\"", "\"sha1\"");
    assert!(refused(&nobody).ends_with("none of its subjects has a digest of SHA-256"));
}
