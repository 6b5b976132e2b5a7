//! Grype's JSON (`grype -o json`; `grype/presenter/models`).

use std::collections::BTreeSet;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::asked::{Asked, digest_in};
use super::package::Package;
use super::refusal::{Format, Refusal, typed};
use super::report::{Distribution, Report, Status, Tool, Vulnerability, merged, named};
use super::severity::{Severity, score_of};
use super::wire::{filled, id, ids, moment, or_default, versions};
use crate::digest::Digest;
use crate::json::{At, text};

/// What Grype writes.
#[derive(Deserialize)]
pub(super) struct File {
    #[serde(deserialize_with = "or_default")]
    matches: Vec<Match>,
    #[serde(rename = "ignoredMatches", default, deserialize_with = "or_default")]
    ignored: Vec<Match>,
    #[serde(default)]
    source: Option<Source>,
    #[serde(default, deserialize_with = "or_default")]
    distro: Distro,
    #[serde(default, deserialize_with = "or_default")]
    descriptor: Descriptor,
}

#[derive(Deserialize)]
struct Match {
    vulnerability: Told,
    #[serde(rename = "relatedVulnerabilities", default, deserialize_with = "or_default")]
    related: Vec<Told>,
    #[serde(default, deserialize_with = "or_default")]
    artifact: Artifact,
}

/// What a database says of a vulnerability: the one that matched, or one that is related to it.
#[derive(Deserialize)]
struct Told {
    id: String,
    #[serde(rename = "dataSource", default, deserialize_with = "or_default")]
    data_source: String,
    #[serde(default, deserialize_with = "or_default")]
    severity: String,
    #[serde(default, deserialize_with = "or_default")]
    urls: Vec<String>,
    #[serde(default, deserialize_with = "or_default")]
    cvss: Vec<Cvss>,
    #[serde(rename = "knownExploited", default, deserialize_with = "or_default")]
    exploited: Vec<IgnoredAny>,
    #[serde(default, deserialize_with = "or_default")]
    fix: Fix,
}

#[derive(Deserialize)]
struct Cvss {
    #[serde(default, deserialize_with = "or_default")]
    vector: String,
    #[serde(default, deserialize_with = "or_default")]
    metrics: Metrics,
}

#[derive(Deserialize, Default)]
struct Metrics {
    #[serde(rename = "baseScore", default)]
    base: Option<f64>,
}

#[derive(Deserialize, Default)]
struct Fix {
    #[serde(default, deserialize_with = "or_default")]
    versions: Vec<String>,
    #[serde(default, deserialize_with = "or_default")]
    state: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Artifact {
    #[serde(deserialize_with = "or_default")]
    name: String,
    #[serde(deserialize_with = "or_default")]
    version: String,
    #[serde(deserialize_with = "or_default")]
    purl: String,
}

/// What was looked at: an image, or something else, of which Grype says what it likes.
#[derive(Deserialize)]
struct Source {
    #[serde(default)]
    target: Option<Target>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Target {
    Image(Image),
    Other(IgnoredAny),
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Image {
    #[serde(deserialize_with = "or_default")]
    user_input: String,
    #[serde(rename = "imageID", deserialize_with = "or_default")]
    image_id: String,
    #[serde(deserialize_with = "or_default")]
    manifest_digest: String,
    #[serde(deserialize_with = "or_default")]
    repo_digests: Vec<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Distro {
    #[serde(deserialize_with = "or_default")]
    name: String,
    #[serde(deserialize_with = "or_default")]
    version: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Descriptor {
    #[serde(deserialize_with = "or_default")]
    version: String,
    #[serde(deserialize_with = "or_default")]
    timestamp: String,
    /// Of another form in each version of the database.
    db: Value,
}

impl Descriptor {
    /// The day of the database: `built`, which moved into `status` with version 6.
    fn database(&self) -> Option<jiff::Timestamp> {
        let told = ["/status/built", "/built"].into_iter().filter(|path| self.db.at(path).is_some());
        told.map(|path| text(&self.db, path)).find_map(moment)
    }
}

/// Reads a report.
pub(super) fn read(bytes: &[u8], asked: &Asked) -> Result<Report, Refusal> {
    let file: File = typed(Format::Grype, bytes)?;
    asked.check(Format::Grype, &file.names())?;
    file.report()
}

impl File {
    /// The digests by which it names its image.
    pub(super) fn names(&self) -> BTreeSet<Digest> {
        match self.source.as_ref().and_then(|source| source.target.as_ref()) {
            Some(Target::Image(image)) => {
                let texts = [&image.image_id, &image.manifest_digest, &image.user_input];
                image.repo_digests.iter().chain(texts).filter_map(|text| digest_in(text)).collect()
            }
            _ => BTreeSet::new(),
        }
    }

    /// What it found.
    pub(super) fn report(self) -> Result<Report, Refusal> {
        let about = self.names();
        let told = |matches: Vec<Match>| -> Result<Vec<Vulnerability>, Refusal> {
            let mut found = Vec::new();
            for one in matches {
                found.extend(one.told()?);
            }
            Ok(merged(found))
        };
        let distro = Distribution { name: self.distro.name, version: self.distro.version, ended: false };
        Ok(Report {
            tool: Tool::new("Grype", &self.descriptor.version),
            about,
            made: moment(&self.descriptor.timestamp),
            database: self.descriptor.database(),
            distribution: Some(distro).filter(|known| !known.name.is_empty()),
            vulnerabilities: told(self.matches)?,
            set_aside: told(self.ignored)?,
        })
    }
}

impl Told {
    fn scores(&self) -> impl Iterator<Item = f64> {
        self.cvss.iter().filter_map(|cvss| match cvss.metrics.base {
            Some(score) if score > 0.0 => Some(score),
            _ => score_of(&cvss.vector),
        })
    }

    fn link(&self) -> Option<String> {
        std::iter::once(&self.data_source).chain(&self.urls).find_map(|url| filled(url.clone()))
    }
}

impl Match {
    fn told(self) -> Result<Vec<Vulnerability>, Refusal> {
        let main = &self.vulnerability;
        let own = id(Format::Grype, &main.id)?;
        let all = named(&own, ids(self.related.iter().map(|related| &related.id)));
        let alone = all.len() == 1;
        let of_one = |one: Vulnerability| {
            // What is said of related ones is said of this one only if it is the same.
            let same = self.related.iter().filter(|related| {
                related.id.parse().is_ok_and(|name| one.id == name || (alone && one.aliases.contains(&name)))
            });
            let same: Vec<&Told> = same.collect();
            let severity = std::iter::once(main)
                .chain(same.iter().copied())
                .map(|told| Severity::of(&told.severity, told.scores()))
                .find(|severity| *severity != Severity::Unknown);
            Vulnerability {
                package: Package::of(&self.artifact.purl, &self.artifact.name),
                installed: filled(self.artifact.version.clone()),
                fixed: versions(&main.fix.versions),
                severity: severity.unwrap_or_default(),
                status: Status::of_word(&main.fix.state),
                link: main.link().or_else(|| same.iter().find_map(|told| told.link())),
                exploited: (alone && !main.exploited.is_empty())
                    || same.iter().any(|told| !told.exploited.is_empty()),
                ..one
            }
        };
        Ok(all.into_iter().map(of_one).collect())
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

    fn file(matches: &str, ignored: &str) -> String {
        format!(
            r#"{{"matches": {matches}, "ignoredMatches": {ignored},
                "source": {{"type": "image", "target": {{"userInput": "quay.io/acme/shop:1", "imageID": "{}",
                    "manifestDigest": "{}", "tags": [], "repoDigests": null, "layers": [], "manifest": "e30="}}}},
                "distro": {{"name": "debian", "version": "12", "idLike": null}},
                "descriptor": {{"name": "grype", "version": "0.100.0", "timestamp": "2026-11-20T06:00:00.123456789+01:00",
                    "configuration": {{"output": ["json"]}},
                    "db": {{"status": {{"schemaVersion": "v6.1.0", "built": "2026-11-19T06:30:00Z", "valid": true}}}}}}}}"#,
            digest('c'),
            digest('a')
        )
    }

    fn report(matches: &str) -> Report {
        read(file(matches, "null").as_bytes(), &Asked::of_file([digest('a')])).unwrap()
    }

    /// A match of this vulnerability, with these related ones, in `openssl`.
    fn matched(vulnerability: &str, related: &str) -> String {
        format!(
            r#"{{"vulnerability": {vulnerability}, "relatedVulnerabilities": {related}, "matchDetails": [],
                "artifact": {{"id": "1", "name": "openssl", "version": "3.0.11-1~deb12u2", "type": "deb",
                    "purl": "pkg:deb/debian/openssl@3.0.11-1~deb12u2?arch=amd64&distro=debian-12", "licenses": null}}}}"#
        )
    }

    #[test]
    fn an_advisory_is_called_by_the_cve_that_it_is_related_to() {
        let ghsa = r#"{"id": "GHSA-2wrh-6pvc-2jm9", "dataSource": "https://github.com/advisories/x", "severity": "HIGH",
            "urls": [], "cvss": [], "fix": {"versions": ["3.0.12"], "state": "fixed"}, "advisories": []}"#;
        let nvd = r#"[{"id": "CVE-2026-1111", "severity": "Critical", "urls": null, "cvss": null,
            "knownExploited": [{"cve": "CVE-2026-1111", "dueDate": "2026-12-01"}]}]"#;
        let report = report(&format!("[{}]", matched(ghsa, nvd)));
        let one = &report.vulnerabilities[0];
        assert_eq!(one.id.as_str(), "CVE-2026-1111");
        assert!(one.aliases.contains(&"GHSA-2wrh-6pvc-2jm9".parse().unwrap()));
        assert_eq!((one.severity, one.status, one.exploited), (Severity::High, Status::Fixed, true));
        assert_eq!(one.package.as_ref().map(|p| p.name.as_str()), Some("openssl"));
        assert_eq!(one.installed.as_deref(), Some("3.0.11-1~deb12u2"));
        assert_eq!(report.database, "2026-11-19T06:30:00Z".parse().ok());
        assert_eq!(report.made, "2026-11-20T05:00:00.123456789Z".parse().ok());
    }

    #[test]
    fn a_bulletin_about_two_is_two() {
        let alas = r#"{"id": "ALAS-2026-1", "severity": "Medium", "fix": {"versions": [], "state": ""}}"#;
        let two = r#"[{"id": "CVE-2026-1111"}, {"id": "CVE-2026-2222", "severity": "Low"}]"#;
        let report = report(&format!("[{}]", matched(alas, two)));
        let ids: Vec<&str> = report.vulnerabilities.iter().map(|one| one.id.as_str()).collect();
        assert_eq!(ids, ["CVE-2026-1111", "CVE-2026-2222"]);
        assert!(report.vulnerabilities.iter().all(|one| one.aliases.is_empty()));
        assert_eq!(report.counts().to_string(), "2 medium");
    }

    #[test]
    fn where_it_is_not_rated_those_that_are_the_same_are_asked() {
        let unrated = r#"{"id": "CVE-2026-1111", "severity": "Unknown", "fix": {"versions": null, "state": "wont-fix"}}"#;
        let nvd = r#"[{"id": "CVE-2026-1111", "severity": "", "cvss": [{"version": "3.1",
            "vector": "CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N", "metrics": {}}]}]"#;
        let report = report(&format!("[{}]", matched(unrated, nvd)));
        let one = &report.vulnerabilities[0];
        assert_eq!((one.severity, one.status), (Severity::Medium, Status::WillNotFix));
    }

    #[test]
    fn what_was_ignored_is_kept_apart() {
        let one = matched(r#"{"id": "CVE-2026-1111"}"#, "null");
        let text = file("[]", &format!("[{one}]"));
        let report = read(text.as_bytes(), &Asked::of_file([digest('a')])).unwrap();
        assert_eq!((report.vulnerabilities.len(), report.set_aside.len()), (0, 1));
    }

    #[test]
    fn an_old_form_of_the_database_is_read_and_a_strange_one_is_none() {
        let built = |db: &str| {
            let old = r#""db": {"status": {"schemaVersion": "v6.1.0", "built": "2026-11-19T06:30:00Z", "valid": true}}"#;
            let text = file("[]", "[]").replace(old, db);
            read(text.as_bytes(), &Asked::of_file([digest('a')])).unwrap().database
        };
        assert_eq!(built(r#""db": {"built": "2026-11-19T06:30:00Z"}"#), "2026-11-19T06:30:00Z".parse().ok());
        for strange in [r#""db": null"#, r#""db": [1]"#, r#""db": {"built": 5}"#, r#""x": 1"#] {
            assert_eq!(built(strange), None, "{strange}");
        }
    }

    #[test]
    fn a_scan_of_something_else_than_an_image_names_none() {
        let text = r#"{"matches": [], "source": {"type": "directory", "target": "/src"}, "descriptor": {"name": "grype"}}"#;
        let refused = read(text.as_bytes(), &Asked::of_file([digest('a')])).unwrap_err();
        assert!(matches!(refused, Refusal::Unnamed { format: Format::Grype, .. }), "{refused}");
    }
}
