//! A Trivy server: what to ask it, and what it answers. It speaks Twirp with JSON
//! (`rpc/scanner/service.proto`), and scans what it has the layers of: whoever asks says by which keys it
//! keeps them. Sending is for an adapter.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Value, json};

use super::asked::Asked;
use super::bill::Bill;
use super::package::Package;
use super::refusal::{Format, Refusal, typed};
use super::report::{Distribution, Report, Status, Tool, Vulnerability, merged, named};
use super::severity::{Severity, score_of};
use super::trivy::Version;
pub use super::trivy_blob::Blob;
use super::wire::{filled, id, ids, moment, or_default, versions};

/// Where a scan is asked for.
pub const SCAN: &str = "/twirp/trivy.scanner.v1.Scanner/Scan";
/// Where one learns which layers a server lacks.
pub const MISSING: &str = "/twirp/trivy.cache.v1.Cache/MissingBlobs";
/// Where one learns the versions of a server and of its database.
pub const VERSION: &str = "/version";

/// The question for the vulnerabilities of an image: by the keys under which the server keeps its
/// configuration and its layers.
pub fn scan_question(target: &str, artifact: &str, layers: &[String]) -> Value {
    json!({
        "target": target, "artifact_id": artifact, "blob_ids": layers,
        "options": {"pkg_types": ["os", "library"], "scanners": ["vuln"]}
    })
}

/// Where a server is told what an image is made of.
pub const PUT: &str = super::trivy_blob::PUT;

/// What a server is told of an image's packages, and the key by which a scan of them is asked for.
///
/// # Errors
/// When it would find nothing for want of words, not of vulnerabilities: it knows none of the packages, or not
/// of which distribution they are.
pub fn blob(bill: &Bill) -> Result<Blob, Refusal> {
    super::trivy_blob::of(bill)
}

/// How many packages of a bill a server can't be told.
pub fn left_out(bill: &Bill) -> usize {
    super::trivy_blob::left_out(bill)
}

/// The question whether the server has all of an image.
pub fn missing_question(artifact: &str, layers: &[String]) -> Value {
    json!({"artifact_id": artifact, "blob_ids": layers})
}

/// What a server lacks of an image.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Missing {
    /// Whether it lacks the configuration.
    #[serde(alias = "missingArtifact")]
    pub missing_artifact: bool,
    /// The layers that it lacks.
    #[serde(alias = "missingBlobIds", deserialize_with = "or_default")]
    pub missing_blob_ids: Vec<String>,
}

/// Reads what a server lacks.
///
/// # Errors
/// When it is no such answer.
pub fn read_missing(bytes: &[u8]) -> Result<Missing, Refusal> {
    refuse_error(bytes)?;
    typed(Format::TrivyServer, bytes)
}

/// The versions of a server, and the day of its database.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServerVersion {
    /// Of the program.
    pub version: String,
    /// Of its database.
    pub database: Option<jiff::Timestamp>,
}

/// Reads a server's versions.
///
/// # Errors
/// When it is no such answer.
pub fn read_version(bytes: &[u8]) -> Result<ServerVersion, Refusal> {
    let read: Version = typed(Format::TrivyServer, bytes)?;
    let database = read.database();
    Ok(ServerVersion { version: read.version, database })
}

/// A server may leave out all that is empty: other fields are the only sign that this is no answer of one.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Answer {
    #[serde(default)]
    os: Option<System>,
    #[serde(default, deserialize_with = "or_default")]
    results: Vec<Target>,
    #[serde(default, rename = "layers")]
    _layers: IgnoredAny,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct System {
    #[serde(deserialize_with = "or_default")]
    family: String,
    #[serde(deserialize_with = "or_default")]
    name: String,
    #[serde(deserialize_with = "or_default")]
    eosl: bool,
}

#[derive(Deserialize)]
struct Target {
    #[serde(default, deserialize_with = "or_default")]
    vulnerabilities: Vec<Entry>,
}

/// Fields are written as in the protocol, or, by servers that were told so, with humps.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Entry {
    #[serde(alias = "vulnerabilityId", deserialize_with = "or_default")]
    vulnerability_id: String,
    #[serde(alias = "vendorIds", deserialize_with = "or_default")]
    vendor_ids: Vec<String>,
    #[serde(alias = "pkgName", deserialize_with = "or_default")]
    pkg_name: String,
    #[serde(alias = "pkgIdentifier", deserialize_with = "or_default")]
    pkg_identifier: Identifier,
    #[serde(alias = "installedVersion", deserialize_with = "or_default")]
    installed_version: String,
    #[serde(alias = "fixedVersion", deserialize_with = "or_default")]
    fixed_version: String,
    status: Step,
    severity: Step,
    #[serde(deserialize_with = "or_default")]
    cvss: BTreeMap<String, Cvss>,
    #[serde(alias = "primaryUrl", deserialize_with = "or_default")]
    primary_url: String,
    #[serde(alias = "publishedDate", deserialize_with = "or_default")]
    published_date: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Identifier {
    #[serde(deserialize_with = "or_default")]
    purl: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Cvss {
    #[serde(alias = "v3Vector", deserialize_with = "or_default")]
    v3_vector: String,
    #[serde(alias = "v40Vector", deserialize_with = "or_default")]
    v40_vector: String,
}

/// An enumeration of the protocol: its word, or its number where a program knows no words for it.
#[derive(Deserialize, Default)]
#[serde(untagged)]
enum Step {
    Number(u64),
    Word(String),
    #[default]
    None,
}

/// The steps of severity by their numbers (`rpc/common/service.proto`).
const SEVERITIES: [Severity; 5] =
    [Severity::Unknown, Severity::Low, Severity::Medium, Severity::High, Severity::Critical];

/// The steps of status by their numbers (trivy-db, `pkg/types/status.go`).
const STATUSES: [Status; 8] = [
    Status::Unknown,
    Status::NotAffected,
    Status::Affected,
    Status::Fixed,
    Status::UnderInvestigation,
    Status::WillNotFix,
    Status::Deferred,
    Status::EndOfLife,
];

/// What a step stands for.
fn step<T: Copy + Default>(step: &Step, numbers: &[T], of_word: fn(&str) -> T) -> T {
    match step {
        Step::Number(number) => {
            usize::try_from(*number).ok().and_then(|at| numbers.get(at)).copied().unwrap_or_default()
        }
        Step::Word(word) => of_word(word),
        Step::None => T::default(),
    }
}

/// Reads the answer to a scan. It says neither which image it is about nor when its database was made: the
/// first is known by the question alone, the second is asked for apart.
///
/// # Errors
/// When it is no such answer, or the server says that it could not scan.
pub fn read(bytes: &[u8], asked: &Asked, server: &ServerVersion) -> Result<Report, Refusal> {
    asked.check(Format::TrivyServer, &BTreeSet::new())?;
    refuse_error(bytes)?;
    let answer: Answer = typed(Format::TrivyServer, bytes)?;
    let mut found = Vec::new();
    for entry in answer.results.into_iter().flat_map(|target| target.vulnerabilities) {
        found.extend(entry.told()?);
    }
    let os = answer.os.filter(|os| !matches!(os.family.as_str(), "" | "none"));
    Ok(Report {
        tool: Tool::new("Trivy", &server.version),
        about: BTreeSet::new(),
        made: asked.at,
        database: server.database,
        distribution: os.map(|os| Distribution { name: os.family, version: os.name, ended: os.eosl }),
        vulnerabilities: merged(found),
        set_aside: Vec::new(),
    })
}

impl Entry {
    fn told(self) -> Result<Vec<Vulnerability>, Refusal> {
        let severity = match step(&self.severity, &SEVERITIES, Severity::of_word) {
            Severity::Unknown => {
                let vectors = self.cvss.values().flat_map(|cvss| [&cvss.v40_vector, &cvss.v3_vector]);
                Severity::of("", vectors.filter_map(|vector| score_of(vector)))
            }
            known => known,
        };
        let own = id(Format::TrivyServer, &self.vulnerability_id)?;
        let (installed, link) = (filled(self.installed_version), filled(self.primary_url));
        let of_one = |one| Vulnerability {
            package: Package::of(&self.pkg_identifier.purl, &self.pkg_name),
            installed: installed.clone(),
            fixed: versions(self.fixed_version.split(',')),
            severity,
            status: step(&self.status, &STATUSES, Status::of_word),
            link: link.clone(),
            published: moment(&self.published_date),
            ..one
        };
        Ok(named(&own, ids(&self.vendor_ids)).into_iter().map(of_one).collect())
    }
}

/// Twirp's errors are JSON as well (twitchtv.github.io/twirp/docs/errors).
fn refuse_error(bytes: &[u8]) -> Result<(), Refusal> {
    #[derive(Deserialize)]
    struct Error {
        code: String,
        msg: String,
    }
    match serde_json::from_slice::<Error>(bytes) {
        Ok(Error { code, msg }) => {
            let words: String =
                format!("{code}: {msg}").chars().filter(|c| !c.is_control()).take(300).collect();
            Err(Refusal::not_scanned(Format::TrivyServer, words))
        }
        Err(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn asked() -> Asked {
        let digest = format!("sha256:{}", "a".repeat(64)).parse().unwrap();
        Asked::of_service([digest], "2026-11-20T00:00:00Z".parse().unwrap())
    }

    fn server() -> ServerVersion {
        read_version(
            br#"{"Version": "0.60.0", "VulnerabilityDB": {"Version": 2, "NextUpdate": "2026-11-20T06:00:00Z",
                "UpdatedAt": "2026-11-19T18:00:00Z", "DownloadedAt": "0001-01-01T00:00:00Z"}}"#,
        )
        .unwrap()
    }

    #[test]
    fn a_scan_is_asked_for_in_the_words_of_the_protocol() {
        let question = scan_question("quay.io/a/b:1", "sha256:01", &["sha256:02".to_owned()]);
        assert_eq!(
            question.to_string(),
            r#"{"target":"quay.io/a/b:1","artifact_id":"sha256:01","blob_ids":["sha256:02"],"options":{"pkg_types":["os","library"],"scanners":["vuln"]}}"#
        );
    }

    #[test]
    fn an_answer_is_read_in_either_spelling() {
        let snake = r#"{"os": {"family": "debian", "name": "12.1", "eosl": false}, "layers": [], "results": [
            {"target": "x", "class": "os-pkgs", "type": "debian", "packages": null, "vulnerabilities": [
            {"vulnerability_id": "CVE-2026-1", "pkg_name": "bash", "installed_version": "5.2", "fixed_version": "",
             "severity": "HIGH", "status": 5, "pkg_identifier": {"purl": "pkg:deb/debian/bash@5.2", "bom_ref": ""},
             "cvss": {}, "primary_url": "https://a.example", "published_date": null, "vendor_ids": []}]}]}"#;
        let humps = snake
            .replace("vulnerability_id", "vulnerabilityId")
            .replace("pkg_name", "pkgName")
            .replace("installed_version", "installedVersion")
            .replace("primary_url", "primaryUrl")
            .replace("pkg_identifier", "pkgIdentifier")
            .replace("\"HIGH\"", "3");
        let first = read(snake.as_bytes(), &asked(), &server()).unwrap();
        assert_eq!(first, read(humps.as_bytes(), &asked(), &server()).unwrap());
        let one = &first.vulnerabilities[0];
        assert_eq!((one.severity, one.status), (Severity::High, Status::WillNotFix));
        assert_eq!(one.link.as_deref(), Some("https://a.example"));
        assert_eq!(first.knows_until(), "2026-11-19T18:00:00Z".parse().ok());
    }

    #[test]
    fn an_error_of_the_server_is_no_clean_image() {
        let error = br#"{"code": "internal", "msg": "failed scan: layer not found in cache", "meta": {"cause": "x"}}"#;
        let refused = read(error, &asked(), &server()).unwrap_err().to_string();
        assert_eq!(
            refused,
            "a Trivy server's answer that is no scan: internal: failed scan: layer not found in cache"
        );
    }

    #[test]
    fn what_is_no_answer_of_a_server_is_no_clean_image() {
        assert_eq!(read(b"{}", &asked(), &server()).unwrap().counts().total(), 0);
        for other in [r#"{"error": "bad gateway"}"#, r#"{"SchemaVersion": 2}"#, "[]", "<html>"] {
            assert!(read(other.as_bytes(), &asked(), &server()).is_err(), "{other}");
        }
    }

    #[test]
    fn what_a_server_lacks_is_read() {
        let missing = read_missing(br#"{"missing_artifact": true, "missing_blob_ids": null}"#).unwrap();
        assert_eq!(missing, Missing { missing_artifact: true, missing_blob_ids: Vec::new() });
    }
}
