//! A bill of materials in the words in which a Trivy server is told what an image is made of
//! (`rpc/cache/service.proto`, `rpc/common/service.proto`): so a server scans it without having seen its
//! layers, as `trivy sbom --server` has it do.

use std::collections::BTreeMap;
use std::str::FromStr;

use packageurl::PackageUrl;
use serde_json::{Value, json};

use super::bill::{Bill, Listed};
use super::package::Purl;
use super::refusal::{Format, Refusal};
use crate::digest;

/// Where a server is told it.
pub(super) const PUT: &str = "/twirp/trivy.cache.v1.Cache/PutBlob";

/// The version of the form that a server understands.
const VERSION: u64 = 2;

/// Kinds of packages that a distribution has packed.
const PACKED: &[&str] = &["apk", "deb", "rpm"];

/// Kinds of other packages, in Trivy's words for what they were found in (`pkg/fanal/types/const.go`).
const FOUND_IN: &[(&str, &str)] = &[
    ("cargo", "rustbinary"),
    ("composer", "composer-vendor"),
    ("conda", "conda-pkg"),
    ("gem", "gemspec"),
    ("golang", "gobinary"),
    ("maven", "jar"),
    ("npm", "node-pkg"),
    ("nuget", "dotnet-core"),
    ("pypi", "python-pkg"),
];

/// Distributions whose word in package URLs is not Trivy's (`pkg/fanal/types/const.go`).
const FAMILIES: &[(&str, &str)] = &[
    ("almalinux", "alma"),
    ("amzn", "amazon"),
    ("ol", "oracle"),
    ("opensuse-leap", "opensuse.leap"),
    ("opensuse-tumbleweed", "opensuse.tumbleweed"),
    ("rhel", "redhat"),
    ("sles", "suse linux enterprise server"),
];

/// What a server is told, and the key under which it keeps it.
#[derive(Debug, Clone, PartialEq)]
pub struct Blob {
    /// The key: the digest of what is told.
    pub key: String,
    /// The whole message.
    pub message: Value,
}

/// The packages of a bill, as a server takes them.
#[derive(Default)]
struct Sorted {
    /// Those of a distribution.
    packed: Vec<Value>,
    /// The others, by what they were found in.
    found: BTreeMap<&'static str, Vec<Value>>,
    /// The distribution: its family and its version.
    system: Option<(String, String)>,
    /// How many a server can't be told.
    left_out: usize,
}

impl Sorted {
    fn of(bill: &Bill) -> Self {
        let mut all = Self::default();
        for one in &bill.packages {
            match PackageUrl::from_str(one.purl.trim()) {
                Ok(url) => all.add(one, &url),
                Err(_) => all.left_out += 1,
            }
        }
        all
    }

    fn add(&mut self, one: &Listed, url: &PackageUrl<'_>) {
        let kind = url.ty();
        if PACKED.contains(&kind) {
            self.packed.push(of_distribution(one, url));
            self.system = self.system.take().or_else(|| family(url));
            return;
        }
        let word = FOUND_IN.iter().find(|(known, _)| *known == kind);
        let (Some((_, word)), Some(purl)) = (word, Purl::read(&one.purl)) else {
            self.left_out += 1;
            return;
        };
        let version = purl.version.unwrap_or_default();
        let name = purl.package.name;
        let id = format!("{name}@{version}");
        self.found.entry(word).or_default().push(json!({
            "id": id, "name": name, "version": version, "identifier": {"purl": one.purl}
        }));
    }
}

/// How many packages of a bill a server can't be told: it says nothing of them.
pub(super) fn left_out(bill: &Bill) -> usize {
    Sorted::of(bill).left_out
}

/// The message for a bill.
///
/// # Errors
/// When a server would be told of no package, or would pass over those of a distribution that is not named: it
/// finds nothing then, which would read as a clean image.
pub(super) fn of(bill: &Bill) -> Result<Blob, Refusal> {
    let Sorted { packed, found, system, left_out } = Sorted::of(bill);
    if packed.is_empty() && found.is_empty() {
        let why = format!("a Trivy server knows none of the kinds of its packages ({left_out} left out)");
        return Err(Refusal::nonsense(Format::Bill, why));
    }
    let applications: Vec<Value> =
        found.into_iter().map(|(kind, packages)| json!({"type": kind, "packages": packages})).collect();
    let mut info = json!({"schema_version": VERSION, "applications": applications});
    if !packed.is_empty() {
        let Some((family, name)) = system else {
            let count = packed.len();
            let why = format!(
                "it does not say of which distribution its packages are ({count} of apk, deb or rpm without `distro=`)"
            );
            return Err(Refusal::nonsense(Format::Bill, why));
        };
        info["os"] = json!({"family": family, "name": name});
        info["package_infos"] = json!([{"packages": packed}]);
    }
    let key = digest::bytes(info.to_string().as_bytes()).to_string();
    Ok(Blob { message: json!({"diff_id": key, "blob_info": info}), key })
}

/// A package of a distribution: Trivy looks for what it was built from, by parts of its version.
fn of_distribution(one: &Listed, url: &PackageUrl<'_>) -> Value {
    let said = |name: &str| url.qualifiers().get(name).map(AsRef::as_ref).unwrap_or_default().to_owned();
    let own = Parts::of(url.ty(), url.version().unwrap_or_default(), &said("epoch"));
    let (name, built) = match &one.source {
        Some(source) => {
            let epoch = source.epoch.parse().unwrap_or_default();
            let (version, release) = (source.version.clone(), source.release.clone());
            (source.name.clone(), Parts { epoch, version, release })
        }
        // `upstream=openssl@3.0.11-1`, or without a version where it is the package's own.
        None => match said("upstream").split_once('@') {
            Some((name, version)) => (name.to_owned(), Parts::of(url.ty(), version, "")),
            None => (
                Some(said("upstream")).filter(|name| !name.is_empty()).unwrap_or(url.name().to_owned()),
                own.clone(),
            ),
        },
    };
    json!({
        "id": format!("{}@{}", url.name(), url.version().unwrap_or_default()),
        "name": url.name(), "version": own.version, "release": own.release, "epoch": own.epoch,
        "arch": said("arch"), "identifier": {"purl": one.purl},
        "src_name": name, "src_version": built.version, "src_release": built.release, "src_epoch": built.epoch,
    })
}

/// The parts of a version of a package that a distribution has packed.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Parts {
    epoch: u32,
    version: String,
    release: String,
}

impl Parts {
    /// `1:4.13+dfsg1-1` (deb-version(7)), `3.0.7-27.el9` (rpm); of apk all of it is the version.
    fn of(kind: &str, text: &str, epoch: &str) -> Self {
        let (before, rest) = match text.split_once(':') {
            Some((before, rest)) if before.bytes().all(|b| b.is_ascii_digit()) => (before, rest),
            _ => (epoch, text),
        };
        let (version, release) = match rest.rsplit_once('-') {
            Some((version, release)) if kind != "apk" => (version, release),
            _ => (rest, ""),
        };
        let epoch = before.parse().unwrap_or_default();
        Self { epoch, version: version.to_owned(), release: release.to_owned() }
    }
}

/// The distribution that a package was packed for: `distro=debian-12`, else only its makers' word is known.
fn family(url: &PackageUrl<'_>) -> Option<(String, String)> {
    let distro = url.qualifiers().get("distro")?;
    let (word, version) = match distro.rsplit_once('-') {
        Some((word, version)) if version.starts_with(|c: char| c.is_ascii_digit()) => (word, version),
        // Trivy writes the version alone.
        _ if distro.starts_with(|c: char| c.is_ascii_digit()) => (url.namespace()?, distro.as_ref()),
        _ => return None,
    };
    let family = FAMILIES.iter().find(|(known, _)| *known == word).map_or(word, |(_, family)| family);
    Some((family.to_owned(), version.to_owned()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn bill(purls: &[&str]) -> Bill {
        let listed = |purl: &&str| Listed { purl: (*purl).to_owned(), source: None };
        Bill { packages: purls.iter().map(listed).collect() }
    }

    fn blob(purls: &[&str]) -> Value {
        of(&bill(purls)).unwrap().message["blob_info"].clone()
    }

    fn refused(purls: &[&str]) -> String {
        of(&bill(purls)).unwrap_err().to_string()
    }

    #[test]
    fn packages_of_a_distribution_are_told_with_what_they_were_built_from() {
        let told = blob(&[
            "pkg:deb/debian/libssl3@1%3A3.0.11-1~deb12u2?arch=amd64&distro=debian-12&upstream=openssl",
            "pkg:deb/debian/bash@5.2.15-2?arch=amd64&distro=debian-12",
        ]);
        assert_eq!(told["os"], json!({"family": "debian", "name": "12"}));
        let first = &told["package_infos"][0]["packages"][0];
        assert_eq!((&first["src_name"], &first["src_version"]), (&json!("openssl"), &json!("3.0.11")));
        assert_eq!((&first["epoch"], &first["release"]), (&json!(1), &json!("1~deb12u2")));
        assert_eq!(told["package_infos"][0]["packages"][1]["src_name"], "bash");
    }

    #[test]
    fn distributions_are_named_in_trivys_words() {
        let of = |purl: &str| blob(&[purl])["os"].clone();
        assert_eq!(
            of("pkg:rpm/redhat/bash@5.1.8-9.el9?distro=rhel-9.4"),
            json!({"family": "redhat", "name": "9.4"})
        );
        assert_eq!(
            of("pkg:apk/alpine/musl@1.2.4-r2?distro=3.18.4"),
            json!({"family": "alpine", "name": "3.18.4"})
        );
    }

    #[test]
    fn packages_of_a_distribution_that_is_not_named_are_refused() {
        for purl in ["pkg:apk/alpine/musl@1.2.4-r2", "pkg:deb/debian/bash@5.2?distro=bookworm"] {
            let why = refused(&[purl, "pkg:npm/a@1"]);
            assert!(why.ends_with("(1 of apk, deb or rpm without `distro=`)"), "{why}");
        }
    }

    #[test]
    fn a_bill_of_which_a_server_knows_nothing_is_refused() {
        let why = refused(&["pkg:generic/thing@1", "pkg:generic/other@1"]);
        assert!(why.contains("none of the kinds of its packages (2 left out)"), "{why}");
        let why = refused(&[]);
        assert!(why.contains("(0 left out)"), "{why}");
    }

    #[test]
    fn packages_that_a_server_cant_be_told_are_counted() {
        assert_eq!(left_out(&bill(&["pkg:npm/a@1", "pkg:generic/thing@1", "no purl"])), 2);
        assert_eq!(left_out(&bill(&["pkg:npm/a@1"])), 0);
    }

    #[test]
    fn other_packages_are_told_by_what_they_are_found_in() {
        let told = blob(&[
            "pkg:golang/golang.org/x/net@v0.17.0",
            "pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1",
            "pkg:generic/thing@1",
        ]);
        assert_eq!(told["applications"][0]["type"], "gobinary");
        assert_eq!(told["applications"][0]["packages"][0]["name"], "golang.org/x/net");
        assert_eq!(told["applications"][1]["packages"][0]["name"], "org.apache.logging.log4j:log4j-core");
        assert_eq!(told["applications"].as_array().map(Vec::len), Some(2));
    }

    #[test]
    fn the_same_bill_has_the_same_key() {
        let key = |purl: &str| of(&bill(&[purl])).unwrap().key;
        assert_eq!(key("pkg:npm/a@1"), key("pkg:npm/a@1"));
        assert_ne!(key("pkg:npm/a@1"), key("pkg:npm/a@2"));
    }
}
