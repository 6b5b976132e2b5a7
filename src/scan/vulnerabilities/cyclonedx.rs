//! CycloneDX in JSON with vulnerabilities in it (cyclonedx.org/docs/1.6/json): what scanners write beside
//! their own form, and what makers of images attach to them to say which vulnerabilities do no harm (VEX).

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::Value;

use super::asked::{Asked, digest_in};
use super::bill::{Listed, Source as BuiltFrom};
use super::package::{Package, Purl};
use super::refusal::{Format, Refusal, typed};
use super::report::{Report, Status, Tool, Vulnerability, merged, named};
use super::severity::{Severity, score_of};
use super::wire::{filled, id, ids, moment, or_default};
use crate::digest::Digest;
use crate::json::{list, text};

/// A bill of materials.
#[derive(Deserialize)]
pub(super) struct File {
    #[serde(default, deserialize_with = "or_default")]
    metadata: Metadata,
    #[serde(default, deserialize_with = "or_default")]
    components: Vec<Component>,
    #[serde(default, deserialize_with = "or_default")]
    vulnerabilities: Vec<Entry>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Metadata {
    #[serde(deserialize_with = "or_default")]
    timestamp: String,
    /// A list of tools, or, since version 1.5, an object with a list of components.
    tools: Value,
    component: Option<Component>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Component {
    #[serde(rename = "bom-ref", deserialize_with = "or_default")]
    reference: String,
    #[serde(deserialize_with = "or_default")]
    name: String,
    #[serde(deserialize_with = "or_default")]
    version: String,
    #[serde(deserialize_with = "or_default")]
    purl: String,
    #[serde(deserialize_with = "or_default")]
    properties: Vec<Property>,
    #[serde(deserialize_with = "or_default")]
    components: Vec<Component>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Property {
    #[serde(deserialize_with = "or_default")]
    name: String,
    #[serde(deserialize_with = "or_default")]
    value: String,
}

#[derive(Deserialize)]
struct Entry {
    id: String,
    #[serde(default, deserialize_with = "or_default")]
    source: Source,
    #[serde(default, deserialize_with = "or_default")]
    references: Vec<Reference>,
    #[serde(default, deserialize_with = "or_default")]
    ratings: Vec<Rating>,
    #[serde(default, deserialize_with = "or_default")]
    published: String,
    #[serde(default, deserialize_with = "or_default")]
    analysis: Analysis,
    #[serde(default, deserialize_with = "or_default")]
    affects: Vec<Affected>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Source {
    #[serde(deserialize_with = "or_default")]
    url: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Reference {
    #[serde(deserialize_with = "or_default")]
    id: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Rating {
    score: Option<f64>,
    #[serde(deserialize_with = "or_default")]
    severity: String,
    #[serde(deserialize_with = "or_default")]
    vector: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Analysis {
    #[serde(deserialize_with = "or_default")]
    state: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Affected {
    #[serde(rename = "ref", deserialize_with = "or_default")]
    reference: String,
    #[serde(deserialize_with = "or_default")]
    versions: Vec<Version>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Version {
    #[serde(deserialize_with = "or_default")]
    version: String,
    #[serde(deserialize_with = "or_default")]
    status: String,
}

/// Statements that a vulnerability does no harm (the schema's `impactAnalysisState`).
const HARMLESS: &[&str] = &["not_affected", "false_positive", "resolved", "resolved_with_pedigree"];

/// Reads a bill of materials with vulnerabilities in it.
pub(super) fn read(bytes: &[u8], asked: &Asked) -> Result<Report, Refusal> {
    let file: File = typed(Format::CycloneDx, bytes)?;
    asked.check(Format::CycloneDx, &file.names())?;
    file.report()
}

impl File {
    /// The digests by which it names its image: scanners put them into versions, package URLs or properties.
    pub(super) fn names(&self) -> BTreeSet<Digest> {
        let Some(component) = &self.metadata.component else { return BTreeSet::new() };
        let values = component.properties.iter().map(|property| &property.value);
        let purl = Purl::read(&component.purl).and_then(|purl| purl.version).unwrap_or_default();
        let texts = values.chain([&component.version, &component.name, &purl]);
        texts.filter_map(|text| digest_in(text)).collect()
    }

    /// All packages, with what Trivy's properties say of what they were built from.
    pub(super) fn listed(self) -> Vec<Listed> {
        let (mut all, mut open) = (Vec::new(), self.components);
        while let Some(mut component) = open.pop() {
            open.append(&mut component.components);
            let source = component.source();
            all.push(Listed { purl: component.purl, source });
        }
        all
    }

    fn tool(&self) -> Tool {
        let tools = &self.metadata.tools;
        let all = [list(tools, ""), list(tools, "/components"), list(tools, "/services")].concat();
        all.first().map_or_else(
            || Tool::new("an unnamed tool", ""),
            |tool| Tool::new(text(tool, "/name"), text(tool, "/version")),
        )
    }

    /// What it tells. Tools write an empty list whether they looked for vulnerabilities or not.
    pub(super) fn report(self) -> Result<Report, Refusal> {
        if self.vulnerabilities.is_empty() {
            let why = "it lists no vulnerabilities, and says not whether anybody has looked for some";
            return Err(Refusal::not_scanned(Format::CycloneDx, why));
        }
        let (about, tool) = (self.names(), self.tool());
        let mut packages = BTreeMap::new();
        let mut open: Vec<Component> = self.components;
        while let Some(mut component) = open.pop() {
            open.append(&mut component.components);
            let package = Package::of(&component.purl, &component.name);
            packages.insert(component.reference, (package, filled(component.version)));
        }
        let (mut found, mut set_aside) = (Vec::new(), Vec::new());
        for entry in self.vulnerabilities {
            let harmless = HARMLESS.contains(&entry.analysis.state.as_str());
            let told = entry.told(&packages)?;
            if harmless { set_aside.extend(told) } else { found.extend(told) }
        }
        Ok(Report {
            tool,
            about,
            made: moment(&self.metadata.timestamp),
            database: None,
            distribution: None,
            vulnerabilities: merged(found),
            set_aside: merged(set_aside),
        })
    }
}

impl Component {
    fn source(&self) -> Option<BuiltFrom> {
        let said = |name: &str| {
            let of_trivy = |one: &&Property| one.name.strip_prefix("aquasecurity:trivy:") == Some(name);
            self.properties.iter().find(of_trivy).map(|one| one.value.clone()).unwrap_or_default()
        };
        let name = said("SrcName");
        let source = || BuiltFrom {
            version: said("SrcVersion"),
            release: said("SrcRelease"),
            epoch: said("SrcEpoch"),
            name: name.clone(),
        };
        (!name.is_empty()).then(source)
    }
}

type Packages = BTreeMap<String, (Option<Package>, Option<String>)>;

impl Entry {
    fn told(self, packages: &Packages) -> Result<Vec<Vulnerability>, Refusal> {
        let own = id(Format::CycloneDx, &self.id)?;
        let rated = self.ratings.iter().map(|rating| {
            let scores = rating.score.filter(|score| *score > 0.0).or_else(|| score_of(&rating.vector));
            Severity::of(&rating.severity, scores)
        });
        let severity = rated.max().unwrap_or_default();
        let link = filled(self.source.url);
        let status = match self.analysis.state.as_str() {
            "in_triage" => Status::UnderInvestigation,
            "not_affected" | "false_positive" => Status::NotAffected,
            "resolved" | "resolved_with_pedigree" => Status::Fixed,
            _ => Status::Unknown,
        };
        let affects = if self.affects.is_empty() { vec![Affected::default()] } else { self.affects };
        let mut found = Vec::new();
        for one in named(&own, ids(self.references.iter().map(|reference| &reference.id))) {
            found.extend(affects.iter().map(|affected| {
                let (package, installed) = affected.package(packages);
                let mended = affected.versions.iter().filter(|version| version.status == "unaffected");
                Vulnerability {
                    package,
                    installed,
                    fixed: mended.filter_map(|version| filled(version.version.clone())).collect(),
                    severity,
                    status,
                    link: link.clone(),
                    published: moment(&self.published),
                    ..one.clone()
                }
            }));
        }
        Ok(found)
    }
}

impl Affected {
    /// By its component here, or, in a document about another one's, by the package URL behind the `#`.
    fn package(&self, packages: &Packages) -> (Option<Package>, Option<String>) {
        if let Some(known) = packages.get(&self.reference) {
            return known.clone();
        }
        let tail = self.reference.split_once('#').map_or(self.reference.as_str(), |(_, tail)| tail);
        let purl = Purl::read(tail);
        let affected = self.versions.iter().find(|version| version.status != "unaffected");
        let installed = affected.and_then(|version| filled(version.version.clone()));
        match purl {
            Some(purl) => (Some(purl.package), purl.version.or(installed)),
            None => (None, installed),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::read;
    use super::*;

    fn digest() -> Digest {
        format!("sha256:{}", "a".repeat(64)).parse().unwrap()
    }

    fn bom(vulnerabilities: &str, tools: &str) -> String {
        format!(
            r#"{{"$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json", "bomFormat": "CycloneDX", "specVersion": "1.6",
                "metadata": {{"timestamp": "2026-11-20T06:00:00+00:00", "tools": {tools},
                    "component": {{"bom-ref": "root", "type": "container", "name": "quay.io/acme/shop",
                        "purl": "pkg:oci/shop@{}?arch=amd64"}}}},
                "components": [{{"bom-ref": "os", "name": "alpine", "components": [
                    {{"bom-ref": "pkg:apk/alpine/libssl3@3.1.4-r0", "name": "libssl3", "version": "3.1.4-r0",
                      "purl": "pkg:apk/alpine/libssl3@3.1.4-r0"}}]}}],
                "vulnerabilities": {vulnerabilities}}}"#,
            digest().to_string().replace(':', "%3A")
        )
    }

    const TWO: &str = r#"[
        {"id": "CVE-2026-1111", "source": {"name": "nvd", "url": "https://a.example"}, "ratings": [
            {"severity": "low"}, {"score": 7.5, "severity": "unknown", "method": "CVSSv31"}], "published": "2026-11-02T00:00:00+00:00",
         "affects": [{"ref": "pkg:apk/alpine/libssl3@3.1.4-r0", "versions": [{"version": "3.1.4-r0", "status": "affected"}]}]},
        {"id": "CVE-2026-2222", "analysis": {"state": "not_affected", "justification": "code_not_reachable"},
         "affects": [{"ref": "urn:cdx:1/1#pkg:npm/%40acme/core@1.0.0"}]}]"#;

    #[test]
    fn vulnerabilities_are_read_with_the_components_that_they_affect() {
        let tools = r#"{"components": [{"type": "application", "name": "trivy", "version": "0.60.0"}]}"#;
        let report = read(bom(TWO, tools).as_bytes(), &Asked::of_file([digest()])).unwrap();
        assert_eq!(report.tool.to_string(), "trivy 0.60.0");
        let one = &report.vulnerabilities[0];
        assert_eq!((one.id.as_str(), one.severity), ("CVE-2026-1111", Severity::High));
        assert_eq!(one.package.as_ref().map(|p| p.name.as_str()), Some("libssl3"));
        assert_eq!(one.installed.as_deref(), Some("3.1.4-r0"));
    }

    #[test]
    fn what_is_said_to_do_no_harm_is_put_aside() {
        let report = read(bom(TWO, "[]").as_bytes(), &Asked::of_file([digest()])).unwrap();
        let aside = &report.set_aside[0];
        assert_eq!((aside.id.as_str(), aside.status), ("CVE-2026-2222", Status::NotAffected));
        assert_eq!(aside.package.as_ref().map(|p| p.name.as_str()), Some("@acme/core"));
    }

    #[test]
    fn a_bill_without_vulnerabilities_says_nothing() {
        for none in ["null", "[]"] {
            let refused = read(bom(none, "null").as_bytes(), &Asked::of_file([digest()])).unwrap_err();
            assert!(matches!(refused, Refusal::NotScanned { format: Format::CycloneDx, .. }), "{refused}");
        }
    }
}
