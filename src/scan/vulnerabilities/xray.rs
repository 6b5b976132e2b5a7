//! JFrog Xray's summary of artifacts, version 2 (`POST /api/v2/summary/artifact`, docs.jfrog.com, "Artifact
//! Summary"): what to ask, and what it answers. Sending is for an adapter.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::{Value, json};

use super::asked::{Asked, Naming};
use super::package::Package;
use super::refusal::{Format, Refusal, typed};
use super::report::{Report, Tool, Vulnerability, merged, named};
use super::severity::{Severity, score_in};
use super::wire::{filled, id, ids, moment, or_default, versions};
use crate::digest::Digest;

/// Where a summary is asked for, below the address of Xray.
pub const SUMMARY: &str = "/api/v2/summary/artifact";

/// The question for the summary of an image, by the digests of its manifests.
pub fn question(digests: &BTreeSet<Digest>) -> Value {
    json!({"checksums": digests.iter().map(Digest::hex).collect::<Vec<_>>()})
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default, deserialize_with = "or_default")]
    artifacts: Vec<Artifact>,
    #[serde(default, deserialize_with = "or_default")]
    errors: Vec<Error>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Error {
    #[serde(deserialize_with = "or_default")]
    identifier: String,
    // Artifactory, which stands before it, has its own word.
    #[serde(alias = "message", deserialize_with = "or_default")]
    error: String,
}

#[derive(Deserialize)]
struct Artifact {
    #[serde(default, deserialize_with = "or_default")]
    general: General,
    #[serde(default, deserialize_with = "or_default")]
    issues: Vec<Issue>,
}

#[derive(Deserialize, Default)]
struct General {
    #[serde(default, deserialize_with = "or_default")]
    sha256: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Issue {
    #[serde(deserialize_with = "or_default")]
    issue_id: String,
    #[serde(deserialize_with = "or_default")]
    issue_type: String,
    #[serde(deserialize_with = "or_default")]
    severity: String,
    #[serde(deserialize_with = "or_default")]
    cves: Vec<Cve>,
    #[serde(deserialize_with = "or_default")]
    created: String,
    #[serde(deserialize_with = "or_default")]
    components: Vec<Component>,
    #[serde(deserialize_with = "or_default")]
    impact_path: Vec<String>,
    #[serde(deserialize_with = "or_default")]
    references: Vec<String>,
}

/// Scores stand before their vectors (`7.5/CVSS:3.1/...`).
#[derive(Deserialize, Default)]
#[serde(default)]
struct Cve {
    #[serde(deserialize_with = "or_default")]
    cve: String,
    #[serde(deserialize_with = "or_default")]
    cvss_v3: String,
    #[serde(deserialize_with = "or_default")]
    cvss_v4: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Component {
    #[serde(deserialize_with = "or_default")]
    component_id: String,
    #[serde(deserialize_with = "or_default")]
    version: String,
    #[serde(deserialize_with = "or_default")]
    pkg_type: String,
    #[serde(deserialize_with = "or_default")]
    fixed_versions: Vec<String>,
}

/// Reads a summary. Of several artifacts those count that were asked about.
pub(super) fn read(bytes: &[u8], asked: &Asked) -> Result<Report, Refusal> {
    let answer: Answer = typed(Format::Xray, bytes)?;
    if answer.artifacts.is_empty() {
        return Err(Refusal::not_scanned(Format::Xray, why_none(&answer.errors)));
    }
    let about: BTreeSet<Digest> = answer.artifacts.iter().filter_map(Artifact::digest).collect();
    asked.check(Format::Xray, &about)?;
    // The answer about one artifact by a question about it needs no digest.
    let alone = answer.artifacts.len() == 1 && asked.naming == Naming::Question;
    let wanted = |artifact: &Artifact| match artifact.digest() {
        Some(digest) => asked.digests.contains(&digest),
        None => alone,
    };
    let mut found = Vec::new();
    for issue in answer.artifacts.into_iter().filter(wanted).flat_map(|artifact| artifact.issues) {
        if issue.issue_type.is_empty() || issue.issue_type.eq_ignore_ascii_case("security") {
            found.extend(issue.told()?);
        }
    }
    Ok(Report {
        tool: Tool::new("Xray", ""),
        about,
        made: asked.at,
        database: None,
        distribution: None,
        vulnerabilities: merged(found),
        set_aside: Vec::new(),
    })
}

/// Why there is no artifact: in Xray's words if it has some.
fn why_none(errors: &[Error]) -> String {
    let Some(first) = errors.first() else {
        return "it names no artifact: Xray has none of this digest".to_owned();
    };
    let words = match first.identifier.as_str() {
        "" => first.error.clone(),
        identifier => format!("{} ({identifier})", first.error),
    };
    words.chars().filter(|c| !c.is_control()).take(300).collect()
}

impl Artifact {
    fn digest(&self) -> Option<Digest> {
        let bare = self.general.sha256.trim().trim_start_matches("sha256:");
        format!("sha256:{}", bare.to_ascii_lowercase()).parse().ok()
    }
}

impl Issue {
    /// One vulnerability for each CVE in each component.
    fn told(self) -> Result<Vec<Vulnerability>, Refusal> {
        let cves = ids(self.cves.iter().map(|cve| &cve.cve));
        let own = match (self.issue_id.trim(), cves.first()) {
            ("", Some(cve)) => cve.clone(),
            (issue, _) => id(Format::Xray, issue)?,
        };
        let components = match self.components.is_empty() {
            // Version 1 of the interface tells of components only by the path to them.
            true => vec![self.impact_path.first().map(|path| in_path(path)).unwrap_or_default()],
            false => self.components,
        };
        let mut found = Vec::new();
        for one in named(&own, cves) {
            let scores = self.cves.iter().filter(|cve| cve.cve.parse().is_ok_and(|name| one.id == name));
            let scores = scores.flat_map(|cve| [&cve.cvss_v4, &cve.cvss_v3]);
            let severity = Severity::of(&self.severity, scores.filter_map(|text| score_in(text)));
            let with_component = |component: &Component| {
                let (package, installed) = component.package();
                Vulnerability {
                    package,
                    installed,
                    fixed: versions(component.fixed_versions.iter().map(|version| exactly(version))),
                    severity,
                    link: self.references.iter().find(|url| url.starts_with("http")).cloned(),
                    published: moment(&self.created),
                    ..one.clone()
                }
            };
            found.extend(components.iter().map(with_component));
        }
        Ok(found)
    }
}

/// `[1.2.3]` is a range of one version; other ranges stay as they are.
fn exactly(range: &str) -> &str {
    let inner = range.trim().strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    inner.filter(|version| !version.contains(',')).unwrap_or(range)
}

/// The component at the end of a path to it: `.../sha256__LAYER.tar.gz/3.23:libssl3:3.5.5-r0`.
fn in_path(path: &str) -> Component {
    let last = path.rsplit('/').next().unwrap_or(path);
    match last.rsplit_once(':') {
        Some((component, version)) => Component {
            component_id: component.to_owned(),
            version: version.to_owned(),
            ..Component::default()
        },
        None => Component { component_id: last.to_owned(), ..Component::default() },
    }
}

/// Xray's words for kinds of package beside those of package URLs.
const KINDS: &[(&str, &str)] = &[
    ("gav", "maven"),
    ("alpine", "apk"),
    ("debian", "deb"),
    ("redhat", "rpm"),
    ("go", "golang"),
    ("python", "pypi"),
    ("rubygems", "gem"),
];

impl Component {
    /// `SCHEME://[DISTRIBUTION:]NAME:VERSION`, or `[DISTRIBUTION:]NAME` with kind and version beside it.
    fn package(&self) -> (Option<Package>, Option<String>) {
        let (scheme, rest) = match self.component_id.split_once("://") {
            Some((scheme, rest)) => (scheme, rest),
            None => (self.pkg_type.as_str(), self.component_id.as_str()),
        };
        let told = filled(self.version.clone());
        let (name, version) = match rest.rsplit_once(':') {
            Some((name, version)) if told.is_none() && self.component_id.contains("://") => {
                (name, Some(version.to_owned()))
            }
            Some((name, version)) if told.as_deref() == Some(version) => (name, told),
            _ => (rest, told),
        };
        let scheme = scheme.to_ascii_lowercase();
        let kind = KINDS.iter().find(|(word, _)| *word == scheme).map_or(scheme.as_str(), |(_, kind)| *kind);
        let of_distribution = matches!(kind, "apk" | "deb" | "rpm") || starts_with_number(name);
        let name = match name.rsplit_once(':') {
            Some((_, name)) if of_distribution => name,
            _ => name,
        };
        let package = Package::named(name).map(|mut package| {
            package.kind = Some(kind).filter(|kind| !kind.is_empty()).map(str::to_owned);
            package
        });
        (package, version)
    }
}

/// Whether a name stands behind the version of a distribution: `3.18:libssl3`.
fn starts_with_number(name: &str) -> bool {
    let first = name.split_once(':').map(|(first, _)| first).unwrap_or_default();
    !first.is_empty() && first.chars().all(|c| c.is_ascii_digit() || c == '.')
}

#[cfg(test)]
#[path = "xray_tests.rs"]
mod tests;
