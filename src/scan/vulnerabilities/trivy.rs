//! Trivy's JSON (`trivy image --format json`): schema version 2, and the bare list of targets that it wrote
//! before there were versions (trivy.dev/docs, "Reporting"; `pkg/types/report.go`).

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Deserializer};

use super::asked::{Asked, digest_in};
use super::package::Package;
use super::refusal::{Format, Refusal, typed, typed_list};
use super::report::{Distribution, Report, Status, Tool, Vulnerability, merged, named};
use super::severity::{Severity, score_of};
use super::wire::{filled, id, ids, moment, or_default, versions};

/// The schema version that is read.
const VERSION: u64 = 2;

/// A report of schema version 2.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", default)]
#[derive(Default)]
pub(super) struct File {
    schema_version: u64,
    #[serde(deserialize_with = "or_default")]
    artifact_name: String,
    #[serde(deserialize_with = "or_default")]
    created_at: String,
    #[serde(deserialize_with = "or_default")]
    trivy: Made,
    #[serde(deserialize_with = "or_default")]
    metadata: Metadata,
    /// Nothing where it has no such field: it found nothing to look at.
    #[serde(deserialize_with = "written")]
    results: Option<Vec<Target>>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Made {
    #[serde(deserialize_with = "or_default")]
    version: String,
    #[serde(deserialize_with = "or_default")]
    server: Version,
}

/// A version of Trivy and of its database: in a report that a server helped with, and what a server answers
/// at `/version`.
#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Version {
    #[serde(deserialize_with = "or_default")]
    pub(super) version: String,
    #[serde(rename = "VulnerabilityDB", deserialize_with = "or_default")]
    database: Database,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Database {
    #[serde(deserialize_with = "or_default")]
    updated_at: String,
}

impl Version {
    /// The day of the database.
    pub(super) fn database(&self) -> Option<jiff::Timestamp> {
        moment(&self.database.updated_at)
    }
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Metadata {
    #[serde(rename = "OS")]
    os: Option<System>,
    #[serde(rename = "ImageID", deserialize_with = "or_default")]
    image_id: String,
    #[serde(deserialize_with = "or_default")]
    repo_digests: Vec<String>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct System {
    #[serde(deserialize_with = "or_default")]
    family: String,
    #[serde(deserialize_with = "or_default")]
    name: String,
    #[serde(rename = "EOSL", deserialize_with = "or_default")]
    ended: bool,
}

impl System {
    /// Whether there is one: it says `none` where it has seen none.
    fn is_known(&self) -> bool {
        !matches!(self.family.as_str(), "" | "none")
    }
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Target {
    #[serde(deserialize_with = "or_default")]
    class: String,
    #[serde(deserialize_with = "or_default")]
    vulnerabilities: Vec<Entry>,
    #[serde(rename = "ExperimentalModifiedFindings", deserialize_with = "or_default")]
    modified: Vec<Modified>,
}

/// A finding that `.trivyignore` or a VEX statement has put aside. Other kinds of finding have no name of a
/// vulnerability.
#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Modified {
    #[serde(rename = "Type", deserialize_with = "or_default")]
    kind: String,
    #[serde(deserialize_with = "or_default")]
    finding: Entry,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Entry {
    #[serde(rename = "VulnerabilityID", deserialize_with = "or_default")]
    id: String,
    #[serde(rename = "VendorIDs", deserialize_with = "or_default")]
    vendor_ids: Vec<String>,
    #[serde(deserialize_with = "or_default")]
    pkg_name: String,
    #[serde(deserialize_with = "or_default")]
    pkg_identifier: Identifier,
    #[serde(deserialize_with = "or_default")]
    installed_version: String,
    #[serde(deserialize_with = "or_default")]
    fixed_version: String,
    #[serde(deserialize_with = "or_default")]
    status: String,
    #[serde(deserialize_with = "or_default")]
    severity: String,
    #[serde(rename = "CVSS", deserialize_with = "or_default")]
    cvss: BTreeMap<String, Cvss>,
    #[serde(rename = "PrimaryURL", deserialize_with = "or_default")]
    link: String,
    #[serde(deserialize_with = "or_default")]
    published_date: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Identifier {
    #[serde(rename = "PURL", deserialize_with = "or_default")]
    purl: String,
}

/// What one source says of a vulnerability's score.
#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Cvss {
    #[serde(rename = "V3Score")]
    third: Option<f64>,
    #[serde(rename = "V40Score")]
    fourth: Option<f64>,
    #[serde(rename = "V3Vector", deserialize_with = "or_default")]
    third_vector: String,
    #[serde(rename = "V40Vector", deserialize_with = "or_default")]
    fourth_vector: String,
}

impl Cvss {
    fn scores(&self) -> impl Iterator<Item = f64> {
        let told = [self.fourth, self.third].into_iter().flatten().filter(|score| *score > 0.0);
        let from_vectors = [&self.fourth_vector, &self.third_vector].into_iter();
        told.chain(from_vectors.filter_map(|vector| score_of(vector)))
    }
}

/// A list that is written, if only as `null`.
fn written<'de, D: Deserializer<'de>, T: Deserialize<'de>>(source: D) -> Result<Option<Vec<T>>, D::Error> {
    or_default(source).map(Some)
}

/// Reads a report.
pub(super) fn read(bytes: &[u8], asked: &Asked) -> Result<Report, Refusal> {
    let file: File = typed(Format::Trivy, bytes)?;
    asked.check(Format::Trivy, &file.names())?;
    file.report()
}

/// Reads the bare list of targets of versions before 0.19.
pub(super) fn read_list(bytes: &[u8], asked: &Asked) -> Result<Report, Refusal> {
    asked.check(Format::Trivy, &BTreeSet::new())?;
    let results: Vec<Target> = typed_list(Format::Trivy, bytes)?;
    File { schema_version: VERSION, results: Some(results), ..File::default() }.report()
}

impl File {
    /// The digests by which it names its image.
    pub(super) fn names(&self) -> BTreeSet<crate::digest::Digest> {
        let metadata = &self.metadata;
        let texts = metadata.repo_digests.iter().chain([&metadata.image_id, &self.artifact_name]);
        texts.filter_map(|text| digest_in(text)).collect()
    }

    /// What it found.
    pub(super) fn report(self) -> Result<Report, Refusal> {
        if self.schema_version != VERSION {
            let found = self.schema_version;
            let what = format!("its schema version is {found}; expected {VERSION}");
            return Err(Refusal::nonsense(Format::Trivy, what));
        }
        // Before 0.20 a target said nothing of its class.
        let of_packages = |target: &Target| {
            target.class.is_empty() || target.class.ends_with("-pkgs") || !target.vulnerabilities.is_empty()
        };
        let results = self.results.as_deref();
        let is_of_others = results.is_some_and(|all| !all.is_empty() && !all.iter().any(of_packages));
        // Of a distribution that was looked at there is a target, whether it has vulnerabilities or not.
        let is_unlooked = results.is_none() && self.metadata.os.as_ref().is_some_and(System::is_known);
        if is_of_others || is_unlooked {
            let why = "it tells of other things than packages; scan with `--scanners vuln`";
            return Err(Refusal::not_scanned(Format::Trivy, why));
        }
        let about = self.names();
        let (mut found, mut set_aside) = (Vec::new(), Vec::new());
        for target in self.results.into_iter().flatten() {
            for entry in target.vulnerabilities {
                found.extend(entry.told()?);
            }
            for modified in target.modified.into_iter().filter(|one| one.kind == "vulnerability") {
                set_aside.extend(modified.finding.told()?);
            }
        }
        let known = self.metadata.os.filter(System::is_known);
        let distribution =
            known.map(|os| Distribution { name: os.family, version: os.name, ended: os.ended });
        Ok(Report {
            tool: Tool::new("Trivy", &self.trivy.version),
            about,
            made: moment(&self.created_at),
            database: self.trivy.server.database(),
            distribution,
            vulnerabilities: merged(found),
            set_aside: merged(set_aside),
        })
    }
}

impl Entry {
    fn told(self) -> Result<Vec<Vulnerability>, Refusal> {
        let severity = Severity::of(&self.severity, self.cvss.values().flat_map(Cvss::scores));
        let own = id(Format::Trivy, &self.id)?;
        let package = Package::of(&self.pkg_identifier.purl, &self.pkg_name);
        let (installed, link) = (filled(self.installed_version), filled(self.link));
        let of_one = |one| Vulnerability {
            package: package.clone(),
            installed: installed.clone(),
            fixed: versions(self.fixed_version.split(',')),
            severity,
            status: Status::of_word(&self.status),
            link: link.clone(),
            published: moment(&self.published_date),
            ..one
        };
        Ok(named(&own, ids(&self.vendor_ids)).into_iter().map(of_one).collect())
    }
}

#[cfg(test)]
#[path = "trivy_tests.rs"]
mod tests;
