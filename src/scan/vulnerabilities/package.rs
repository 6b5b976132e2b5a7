//! Packages as scanners name them: by their package URL where there is one, else by the bare name.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use packageurl::PackageUrl;

/// A package, of whatever version.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Package {
    /// The type of its package URL (`deb`, `golang`, `maven`), if it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Its name as people of its kind write it: `openssl`, `golang.org/x/net`, `@babel/core`,
    /// `org.apache.logging.log4j:log4j-core`.
    pub name: String,
}

/// Kinds whose namespace is the distribution that packed it: no part of the name.
const DISTRIBUTED: &[&str] = &["alpm", "apk", "deb", "rpm", "qpkg"];

impl Package {
    /// A package of which only the name is known; none if that is empty.
    pub fn named(name: &str) -> Option<Self> {
        let name = name.trim();
        (!name.is_empty()).then(|| Self { kind: None, name: name.to_owned() })
    }

    /// What a package URL names, or, where it is missing or broken, the package of this name.
    pub fn of(purl: &str, name: &str) -> Option<Self> {
        Purl::read(purl).map(|purl| purl.package).or_else(|| Self::named(name))
    }
}

impl fmt::Display for Package {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.name)
    }
}

/// What a package URL says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Purl {
    /// The package.
    pub package: Package,
    /// Its version.
    pub version: Option<String>,
}

impl Purl {
    /// Reads a package URL, percent-encoded or not; none if it is none.
    pub fn read(text: &str) -> Option<Self> {
        let read = PackageUrl::from_str(text.trim()).ok()?;
        let kind = read.ty().to_owned();
        let name = match read.namespace().filter(|namespace| !namespace.is_empty()) {
            Some(_) if DISTRIBUTED.contains(&kind.as_str()) => Cow::from(read.name()),
            Some(namespace) if kind == "maven" => format!("{namespace}:{}", read.name()).into(),
            Some(namespace) => format!("{namespace}/{}", read.name()).into(),
            None => read.name().into(),
        };
        let version = read.version().filter(|version| !version.is_empty()).map(str::to_owned);
        Some(Self { package: Package { kind: Some(kind), name: name.into_owned() }, version })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn read(purl: &str) -> (String, Option<String>) {
        let read = Purl::read(purl).unwrap();
        (format!("{}: {}", read.package.kind.unwrap(), read.package.name), read.version)
    }

    #[test]
    fn a_package_has_the_name_that_people_of_its_kind_write() {
        let names = [
            ("pkg:apk/alpine/libcrypto3@3.1.4-r5?arch=x86_64&distro=3.18.4", "apk: libcrypto3"),
            ("pkg:golang/golang.org/x/net@v0.17.0", "golang: golang.org/x/net"),
            ("pkg:npm/%40babel/core@7.0.0", "npm: @babel/core"),
            (
                "pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1",
                "maven: org.apache.logging.log4j:log4j-core",
            ),
            ("pkg:pypi/Django_Rest@1", "pypi: django-rest"),
            ("pkg:deb/debian/libstdc%2B%2B6@12.2.0-14", "deb: libstdc++6"),
        ];
        for (purl, name) in names {
            assert_eq!(read(purl).0, name);
        }
    }

    #[test]
    fn a_version_is_read_without_its_encoding() {
        let version = read("pkg:deb/debian/shadow@1%3A4.13%2Bdfsg1-1?arch=amd64&epoch=1").1;
        assert_eq!(version.as_deref(), Some("1:4.13+dfsg1-1"));
        assert_eq!(read("pkg:golang/stdlib").1, None);
    }

    #[test]
    fn where_the_url_is_broken_the_name_stands_for_it() {
        for broken in ["", "pkg:", "pkg:deb", "openssl", "pkg:deb/debian/%ff", "pkg:/x"] {
            let package = Package::of(broken, " openssl ").unwrap();
            assert_eq!((package.kind, package.name.as_str()), (None, "openssl"), "{broken}");
        }
        assert_eq!(Package::of("", ""), None);
    }
}
