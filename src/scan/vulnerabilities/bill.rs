//! Bills of materials: which packages an image is made of, for sources that know packages and not images. They
//! are read in CycloneDX and SPDX, by themselves or as attestations about the image.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::asked::{Asked, digest_in};
use super::attestation;
use super::cyclonedx;
use super::package::Purl;
use super::read::Outline;
use super::refusal::{Format, Refusal, typed, without_mark};
use super::wire::or_default;
use crate::digest::Digest;

/// The most packages of one image: more than ten times what a large one has.
pub const MOST_PACKAGES: usize = 50_000;

/// What an image is made of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bill {
    /// Its packages, each once, in order of their package URLs.
    pub packages: Vec<Listed>,
}

/// A package in a bill.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Listed {
    /// Its package URL, with a version.
    pub purl: String,
    /// The package of a distribution that it was built from, where the bill says it beside the URL.
    pub source: Option<Source>,
}

/// What a package of a distribution was built from.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Source {
    /// Its name.
    pub name: String,
    /// Its version, without epoch and release.
    pub version: String,
    /// Its release.
    pub release: String,
    /// Its epoch.
    pub epoch: String,
}

#[derive(Deserialize)]
struct Spdx {
    #[serde(rename = "spdxVersion")]
    _version: String,
    #[serde(default, deserialize_with = "or_default")]
    packages: Vec<SpdxPackage>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SpdxPackage {
    #[serde(default, deserialize_with = "or_default")]
    name: String,
    #[serde(default, deserialize_with = "or_default")]
    version_info: String,
    #[serde(default, deserialize_with = "or_default")]
    external_refs: Vec<SpdxRef>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SpdxRef {
    #[serde(default, deserialize_with = "or_default")]
    reference_type: String,
    #[serde(default, deserialize_with = "or_default")]
    reference_locator: String,
}

/// Reads a bill about the image that was asked about.
///
/// # Errors
/// When it is no bill, broken, about another image, or lists no package.
pub fn read(bytes: &[u8], asked: &Asked) -> Result<Bill, Refusal> {
    let bytes = without_mark(bytes);
    let Outline::Object(keys) = Outline::of(bytes)? else { return Err(none("it is no object")) };
    let has = |key: &str| keys.iter().any(|found| found == key);
    match () {
        () if has("bomFormat") => of_cyclonedx(typed(Format::CycloneDx, bytes)?, asked, Checked::Not),
        () if has("spdxVersion") => of_spdx(typed(Format::CycloneDx, bytes)?, asked, Checked::Not),
        () if has("payload") || has("dsseEnvelope") || has("predicateType") => of_attestation(bytes, asked),
        () => Err(none("it is neither CycloneDX nor SPDX nor an attestation of one of them")),
    }
}

/// Whether what holds a bill has already said which image it is about.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Checked {
    Not,
    BySubject,
}

fn of_attestation(bytes: &[u8], asked: &Asked) -> Result<Bill, Refusal> {
    let opened = attestation::open(bytes, asked)?;
    let kind = opened.kind.as_str();
    match () {
        () if kind.starts_with("https://cyclonedx.org/") => {
            of_cyclonedx(opened.predicate()?, asked, Checked::BySubject)
        }
        () if kind.starts_with("https://spdx.dev/") => {
            of_spdx(opened.predicate()?, asked, Checked::BySubject)
        }
        () => Err(none("the attestation holds no bill of materials")),
    }
}

fn of_cyclonedx(file: cyclonedx::File, asked: &Asked, checked: Checked) -> Result<Bill, Refusal> {
    if checked == Checked::Not {
        asked.check(Format::CycloneDx, &file.names())?;
    }
    bill(file.listed())
}

fn of_spdx(file: Spdx, asked: &Asked, checked: Checked) -> Result<Bill, Refusal> {
    if checked == Checked::Not {
        asked.check(Format::CycloneDx, &file.packages.iter().flat_map(SpdxPackage::digests).collect())?;
    }
    let purls = file.packages.into_iter().flat_map(|package| package.external_refs);
    let purls = purls.filter(|one| one.reference_type == "purl").map(|one| one.reference_locator);
    bill(purls.map(|purl| Listed { purl, source: None }))
}

impl SpdxPackage {
    /// The digests by which the package that stands for the image names it.
    fn digests(&self) -> BTreeSet<Digest> {
        let purls = self.external_refs.iter().map(|one| one.reference_locator.as_str());
        let oci = purls.filter_map(Purl::read).filter(|purl| purl.package.kind.as_deref() == Some("oci"));
        let oci: Vec<String> = oci.filter_map(|purl| purl.version).collect();
        let texts = oci.iter().chain([&self.version_info, &self.name]);
        texts.filter_map(|text| digest_in(text)).collect()
    }
}

/// The packages of which a version is known: nobody can say anything of the others.
fn bill(all: impl IntoIterator<Item = Listed>) -> Result<Bill, Refusal> {
    let versioned = |one: &Listed| {
        let purl = Purl::read(&one.purl);
        purl.is_some_and(|purl| purl.version.is_some() && purl.package.kind.as_deref() != Some("oci"))
    };
    let packages: BTreeSet<Listed> = all.into_iter().filter(versioned).collect();
    match packages.len() {
        0 => Err(none("it lists no package with a version")),
        more if more > MOST_PACKAGES => Err(none("it lists more packages than any image has")),
        _ => Ok(Bill { packages: packages.into_iter().collect() }),
    }
}

fn none(why: &str) -> Refusal {
    Refusal::nonsense(Format::Bill, why)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn digest(digit: char) -> Digest {
        format!("sha256:{}", digit.to_string().repeat(64)).parse().unwrap()
    }

    fn purls(text: &str) -> Result<Vec<String>, String> {
        let bill = read(text.as_bytes(), &Asked::of_file([digest('a')])).map_err(|why| why.to_string())?;
        Ok(bill.packages.into_iter().map(|one| one.purl).collect())
    }

    #[test]
    fn cyclonedx_tells_packages_and_what_they_were_built_from() {
        let text = format!(
            r#"{{"bomFormat": "CycloneDX", "metadata": {{"component": {{"purl": "pkg:oci/shop@{}"}}}}, "components": [
            {{"name": "libssl3", "purl": "pkg:deb/debian/libssl3@3.0.11-1?arch=amd64", "properties": [
                {{"name": "aquasecurity:trivy:SrcName", "value": "openssl"}},
                {{"name": "aquasecurity:trivy:SrcVersion", "value": "3.0.11"}},
                {{"name": "aquasecurity:trivy:SrcRelease", "value": "1"}}]}},
            {{"name": "inner", "components": [{{"name": "x", "purl": "pkg:npm/x@1.0.0"}}]}},
            {{"name": "unversioned", "purl": "pkg:npm/y"}}]}}"#,
            digest('a')
        );
        let bill = read(text.as_bytes(), &Asked::of_file([digest('a')])).unwrap();
        let source = bill.packages[0].source.clone().unwrap();
        assert_eq!(
            (source.name.as_str(), source.version.as_str(), source.release.as_str()),
            ("openssl", "3.0.11", "1")
        );
        assert_eq!(purls(&text).unwrap(), ["pkg:deb/debian/libssl3@3.0.11-1?arch=amd64", "pkg:npm/x@1.0.0"]);
        let other = text.replace(&digest('a').to_string(), &digest('b').to_string());
        assert!(purls(&other).unwrap_err().contains("about"), "{other}");
    }

    #[test]
    fn spdx_tells_packages_also_within_an_attestation() {
        let spdx = format!(
            r#"{{"spdxVersion": "SPDX-2.3", "packages": [
            {{"name": "shop", "versionInfo": "{}"}},
            {{"name": "net", "externalRefs": [{{"referenceType": "purl", "referenceLocator": "pkg:golang/golang.org/x/net@v0.17.0"}},
                {{"referenceType": "cpe23Type", "referenceLocator": "cpe:2.3:a:b"}}]}}]}}"#,
            digest('a')
        );
        assert_eq!(purls(&spdx).unwrap(), ["pkg:golang/golang.org/x/net@v0.17.0"]);
        let about = |digest: Digest| {
            format!(
                r#"{{"_type": "https://in-toto.io/Statement/v1", "predicateType": "https://spdx.dev/Document/v2.3",
                "subject": [{{"digest": {{"sha256": "{}"}}}}], "predicate": {}}}"#,
                digest.hex(),
                spdx.replace(
                    &format!(r#""versionInfo": "{}""#, super::tests::digest('a')),
                    r#""versionInfo": "1""#
                )
            )
        };
        assert_eq!(purls(&about(digest('a'))).unwrap().len(), 1);
        assert!(purls(&about(digest('b'))).is_err());
    }

    #[test]
    fn what_lists_nothing_is_no_bill() {
        for none in ["[]", "{}", "<html>", r#"{"spdxVersion": "SPDX-2.3", "packages": []}"#] {
            assert!(purls(none).is_err(), "{none}");
        }
    }
}
