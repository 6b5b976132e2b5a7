//! Harbor's vulnerabilities of an artifact (`GET .../artifacts/DIGEST/additions/vulnerabilities` with
//! `X-Accept-Vulnerabilities`; `src/pkg/scan/vuln/report.go`). Sending is for an adapter.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::asked::Asked;
use super::package::Package;
use super::refusal::{Format, Refusal, typed};
use super::report::{Report, Status, Tool, Vulnerability, merged, named};
use super::severity::{Severity, score_of};
use super::wire::{filled, id, moment, or_default, versions};
use crate::digest::Digest;

/// What to send as `X-Accept-Vulnerabilities`.
pub const ACCEPT: &str = "application/vnd.security.vulnerability.report; version=1.1, \
                          application/vnd.scanner.adapter.vuln.report.harbor+json; version=1.0";

/// Whether a field of the answer holds a report.
pub(super) fn is_report_type(key: &str) -> bool {
    let bare = key.split(';').next().unwrap_or(key).trim();
    bare == "application/vnd.security.vulnerability.report"
        || bare == "application/vnd.scanner.adapter.vuln.report.harbor+json"
}

#[derive(Deserialize)]
struct Told {
    #[serde(default, deserialize_with = "or_default")]
    generated_at: String,
    #[serde(default, deserialize_with = "or_default")]
    scanner: Scanner,
    #[serde(default, deserialize_with = "or_default")]
    vulnerabilities: Vec<Item>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Scanner {
    #[serde(deserialize_with = "or_default")]
    name: String,
    #[serde(deserialize_with = "or_default")]
    version: String,
}

#[derive(Deserialize)]
struct Item {
    id: String,
    #[serde(default, deserialize_with = "or_default")]
    package: String,
    #[serde(default, deserialize_with = "or_default")]
    version: String,
    #[serde(default, deserialize_with = "or_default")]
    fix_version: String,
    #[serde(default, deserialize_with = "or_default")]
    severity: String,
    #[serde(default, deserialize_with = "or_default")]
    status: String,
    #[serde(default, deserialize_with = "or_default")]
    links: Vec<String>,
    #[serde(default, deserialize_with = "or_default")]
    artifact_digests: Vec<String>,
    #[serde(default, deserialize_with = "or_default")]
    preferred_cvss: Cvss,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Cvss {
    score_v3: Option<f64>,
    #[serde(deserialize_with = "or_default")]
    vector_v3: String,
}

/// Reads the answer of the interface: reports by their media types. An answer without any means that nobody
/// has scanned the artifact.
///
/// # Errors
/// When it is no such answer, is about another image, or no scan has ended.
pub fn read(bytes: &[u8], asked: &Asked) -> Result<Report, Refusal> {
    let answer: BTreeMap<String, Option<Told>> = typed(Format::Harbor, bytes)?;
    let told = answer.into_iter().filter(|(key, _)| is_report_type(key)).find_map(|(_, told)| told);
    match told {
        Some(told) => told.report(asked),
        None => Err(Refusal::not_scanned(Format::Harbor, "Harbor has no report about it: start a scan")),
    }
}

/// Reads one report by itself.
pub(super) fn read_report(bytes: &[u8], asked: &Asked) -> Result<Report, Refusal> {
    let told: Told = typed(Format::Harbor, bytes)?;
    told.report(asked)
}

impl Told {
    fn report(self, asked: &Asked) -> Result<Report, Refusal> {
        if self.generated_at.trim().is_empty() {
            return Err(Refusal::not_scanned(Format::Harbor, "the report says no time at which it was made"));
        }
        // Only its entries name a digest: of the manifests, where the artifact is an index of several.
        let about: BTreeSet<Digest> = self.vulnerabilities.iter().flat_map(Item::digests).collect();
        asked.check(Format::Harbor, &about)?;
        let mut found = Vec::new();
        for item in self.vulnerabilities {
            let own: BTreeSet<Digest> = item.digests().collect();
            if own.is_empty() || asked.means(&own) {
                found.extend(item.told()?);
            }
        }
        let mut tool = Tool::new(&self.scanner.name, &self.scanner.version);
        tool.through = Some("Harbor".to_owned());
        Ok(Report {
            tool,
            about,
            made: moment(&self.generated_at),
            database: None,
            distribution: None,
            vulnerabilities: merged(found),
            set_aside: Vec::new(),
        })
    }
}

impl Item {
    fn digests(&self) -> impl Iterator<Item = Digest> {
        // Harbor's own description of the field has an `@` where a digest has a colon.
        self.artifact_digests.iter().filter_map(|text| text.replacen('@', ":", 1).parse().ok())
    }

    fn told(self) -> Result<Vec<Vulnerability>, Refusal> {
        let cvss = &self.preferred_cvss;
        let score = cvss.score_v3.filter(|score| *score > 0.0).or_else(|| score_of(&cvss.vector_v3));
        let own = id(Format::Harbor, &self.id)?;
        let link = self.links.into_iter().find_map(filled);
        let installed = filled(self.version);
        let of_one = |one| Vulnerability {
            package: Package::named(&self.package),
            installed: installed.clone(),
            fixed: versions(self.fix_version.split(',')),
            severity: Severity::of(&self.severity, score),
            status: Status::of_word(&self.status),
            link: link.clone(),
            ..one
        };
        Ok(named(&own, []).into_iter().map(of_one).collect())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::read;
    use super::*;

    fn digest(digit: char) -> Digest {
        format!("sha256:{}", digit.to_string().repeat(64)).parse().unwrap()
    }

    fn asked() -> Asked {
        Asked::of_service([digest('a')], "2026-11-22T00:00:00Z".parse().unwrap())
    }

    fn answer(items: &str) -> String {
        format!(
            r#"{{"application/vnd.security.vulnerability.report; version=1.1": {{"generated_at": "2026-11-20T06:00:00.1Z",
                "scanner": {{"name": "Trivy", "vendor": "Aqua Security", "version": "v0.60.0"}}, "severity": "High",
                "vulnerabilities": {items}}}}}"#
        )
    }

    fn item(id: &str, digest: Digest) -> String {
        format!(
            r#"{{"id": "{id}", "package": "libssl3", "version": "3.1.4-r0", "fix_version": "3.1.4-r1", "severity": "High",
                "status": "fixed", "description": "d", "links": ["", "https://a.example"], "artifact_digests": ["{digest}"],
                "preferred_cvss": {{"score_v3": null, "score_v2": null, "vector_v3": "", "vector_v2": ""}}, "cwe_ids": null,
                "vendor_attributes": {{"CVSS": null}}}}"#
        )
    }

    #[test]
    fn a_report_is_read_with_its_scanner() {
        let text = answer(&format!("[{}]", item("CVE-2026-1111", digest('a'))));
        let report = read(text.as_bytes(), &asked()).unwrap();
        assert_eq!(report.tool.to_string(), "Trivy v0.60.0 through Harbor");
        assert_eq!(report.knows_until(), "2026-11-20T06:00:00.1Z".parse().ok());
        let one = &report.vulnerabilities[0];
        assert_eq!(
            (one.severity, one.status, one.link.as_deref()),
            (Severity::High, Status::Fixed, Some("https://a.example"))
        );
    }

    #[test]
    fn of_an_index_those_entries_count_that_are_about_the_manifest() {
        let text = answer(&format!(
            "[{}, {}]",
            item("CVE-2026-1111", digest('a')),
            item("CVE-2026-2222", digest('b'))
        ));
        let report = read(text.as_bytes(), &asked()).unwrap();
        assert_eq!(report.vulnerabilities.len(), 1);
        let other = answer(&format!("[{}]", item("CVE-2026-2222", digest('b'))));
        assert!(matches!(read(other.as_bytes(), &asked()), Err(Refusal::AnotherImage { .. })));
    }

    #[test]
    fn an_empty_report_is_clean_and_no_report_is_none() {
        for empty in ["[]", "null"] {
            assert_eq!(read(answer(empty).as_bytes(), &asked()).unwrap().counts().total(), 0);
        }
        let none = super::read(b"{}", &asked()).unwrap_err().to_string();
        assert_eq!(
            none,
            "Harbor's vulnerabilities of an artifact that is no scan: Harbor has no report about it: start a scan"
        );
        let null = br#"{"application/vnd.security.vulnerability.report; version=1.1": null}"#;
        assert!(matches!(read(null, &asked()), Err(Refusal::NotScanned { .. })));
    }

    #[test]
    fn a_report_by_itself_is_recognised() {
        let text = r#"{"generated_at": "2026-11-20T06:00:00Z", "scanner": null, "severity": "None", "vulnerabilities": null}"#;
        assert_eq!(read(text.as_bytes(), &asked()).unwrap().vulnerabilities, []);
    }
}
