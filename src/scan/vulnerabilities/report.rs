//! What a scanner found in one image, whichever scanner it was. Reading each scanner's own words is for the
//! readers beside this file.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::Timestamp;

use super::package::Package;
use super::severity::{Counts, Severity};
use crate::digest::Digest;
use crate::model::VulnerabilityId;

/// What a scanner found in an image. Having found nothing is a report as well; not having looked is none.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Report {
    /// Who looked.
    pub tool: Tool,
    /// The digests by which the report names its image; none if it doesn't.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub about: BTreeSet<Digest>,
    /// When it was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made: Option<Timestamp>,
    /// The day of the database that it was made with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub database: Option<Timestamp>,
    /// The distribution that the image is built on, if one was recognised.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub distribution: Option<Distribution>,
    /// What was found: each vulnerability once for each package and version.
    pub vulnerabilities: Vec<Vulnerability>,
    /// What was found too, and put aside by a rule or a statement that the scanner was given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub set_aside: Vec<Vulnerability>,
}

impl Report {
    /// Until when its database knew what there is: its day if that is told, else that of the report.
    pub fn knows_until(&self) -> Option<Timestamp> {
        self.database.or(self.made)
    }

    /// How many vulnerabilities of each severity there are, each counted once, however many packages have it.
    pub fn counts(&self) -> Counts {
        counts(&self.vulnerabilities)
    }
}

/// How many different vulnerabilities of each severity there are; the worst of its packages counts.
pub fn counts<'v>(found: impl IntoIterator<Item = &'v Vulnerability>) -> Counts {
    let mut worst: BTreeMap<&VulnerabilityId, Severity> = BTreeMap::new();
    for one in found {
        let severity = worst.entry(&one.id).or_default();
        *severity = one.severity.max(*severity);
    }
    worst.into_values().collect()
}

/// Who looked.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tool {
    /// Its name, as it says it.
    pub name: String,
    /// Its version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Who had it look, with settings of their own (`Harbor`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub through: Option<String>,
}

impl Tool {
    /// A scanner that was run by itself.
    pub fn new(name: &str, version: &str) -> Self {
        let version = Some(version.trim()).filter(|version| !version.is_empty());
        Self { name: name.trim().to_owned(), version: version.map(str::to_owned), through: None }
    }

    /// Whether both look in the same way. Versions of one scanner do.
    pub fn looks_as(&self, other: &Self) -> bool {
        self.name.eq_ignore_ascii_case(&other.name) && self.through == other.through
    }
}

impl fmt::Display for Tool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.name)?;
        if let Some(version) = &self.version {
            write!(f, " {version}")?;
        }
        if let Some(through) = &self.through {
            write!(f, " through {through}")?;
        }
        Ok(())
    }
}

/// What an image is built on.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Distribution {
    /// `alpine`, `debian`.
    pub name: String,
    /// `3.18.4`, `12.1`.
    pub version: String,
    /// Whether its makers have stopped to mend it: what is found from then on is not listed any more.
    pub ended: bool,
}

impl fmt::Display for Distribution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(format!("{} {}", self.name, self.version).trim_end())
    }
}

/// A vulnerability in one package.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vulnerability {
    /// What it is called: by its CVE if it has one.
    pub id: VulnerabilityId,
    /// Other names of the very same vulnerability.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub aliases: BTreeSet<VulnerabilityId>,
    /// Bulletins that tell of it, and perhaps of others.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub bulletins: BTreeSet<VulnerabilityId>,
    /// The package; absent where the scanner names none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub package: Option<Package>,
    /// The version of it that is installed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub installed: Option<String>,
    /// Versions that don't have it any more.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub fixed: BTreeSet<String>,
    /// How bad it is.
    pub severity: Severity,
    /// What the package's makers say about a fix.
    pub status: Status,
    /// Where people read about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    /// When it became known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published: Option<Timestamp>,
    /// Whether the scanner itself says that it is being exploited.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub exploited: bool,
}

impl Vulnerability {
    /// A vulnerability of which nothing but the name is known.
    pub fn new(id: VulnerabilityId) -> Self {
        Self {
            id,
            aliases: BTreeSet::new(),
            bulletins: BTreeSet::new(),
            package: None,
            installed: None,
            fixed: BTreeSet::new(),
            severity: Severity::Unknown,
            status: Status::Unknown,
            link: None,
            published: None,
            exploited: false,
        }
    }

    /// Whether there is a version without it.
    pub fn is_fixable(&self) -> bool {
        !self.fixed.is_empty() || self.status == Status::Fixed
    }

    /// Its name and its other names.
    pub fn names(&self) -> impl Iterator<Item = &VulnerabilityId> {
        std::iter::once(&self.id).chain(&self.aliases)
    }

    /// What else a second entry about the same thing tells.
    fn learn(&mut self, other: Self) {
        self.aliases.extend(other.aliases);
        self.bulletins.extend(other.bulletins);
        self.fixed.extend(other.fixed);
        self.severity = self.severity.max(other.severity);
        if self.status == Status::Unknown {
            self.status = other.status;
        }
        self.link = self.link.take().or(other.link);
        self.published = self.published.into_iter().chain(other.published).min();
        self.exploited |= other.exploited;
    }
}

/// What the makers of a package say about a fix.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// Nothing, or nothing that is known.
    #[default]
    Unknown,
    /// There is a version without it.
    Fixed,
    /// There is none yet.
    Affected,
    /// They are looking into it.
    UnderInvestigation,
    /// They will mend it later.
    Deferred,
    /// They will not mend it.
    WillNotFix,
    /// The package is not mended any more at all.
    EndOfLife,
    /// It does no harm there.
    NotAffected,
}

/// The words of the scanners, without the signs between them.
const STATUS_WORDS: &[(&str, Status)] = &[
    // Trivy, and Harbor, which passes its words on.
    ("fixed", Status::Fixed),
    ("affected", Status::Affected),
    ("notaffected", Status::NotAffected),
    ("underinvestigation", Status::UnderInvestigation),
    ("willnotfix", Status::WillNotFix),
    ("fixdeferred", Status::Deferred),
    ("endoflife", Status::EndOfLife),
    // Grype.
    ("notfixed", Status::Affected),
    ("wontfix", Status::WillNotFix),
];

impl Status {
    /// What a scanner's word stands for, in any case and with any signs between its parts.
    pub fn of_word(word: &str) -> Self {
        let bare: String = word.chars().filter(char::is_ascii_alphabetic).collect();
        STATUS_WORDS
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(&bare))
            .map_or(Self::Unknown, |(_, status)| *status)
    }

    /// The words for people; none where there is nothing to say.
    pub const fn words(self) -> Option<&'static str> {
        match self {
            Self::Unknown => None,
            Self::Fixed => Some("fixed"),
            Self::Affected => Some("no fix yet"),
            Self::UnderInvestigation => Some("under investigation"),
            Self::Deferred => Some("fix deferred"),
            Self::WillNotFix => Some("will not be fixed"),
            Self::EndOfLife => Some("end of life"),
            Self::NotAffected => Some("not affected"),
        }
    }
}

/// Each vulnerability once for each package and version, in order of their names: scanners list it again for
/// each layer and each path.
pub(super) fn merged(found: impl IntoIterator<Item = Vulnerability>) -> Vec<Vulnerability> {
    let mut once: BTreeMap<(VulnerabilityId, Option<Package>, Option<String>), Vulnerability> =
        BTreeMap::new();
    for one in found {
        let key = (one.id.clone(), one.package.clone(), one.installed.clone());
        match once.get_mut(&key) {
            Some(known) => known.learn(one),
            None => {
                once.insert(key, one);
            }
        }
    }
    once.into_values().collect()
}

/// The vulnerabilities that one entry of a scanner is about, by its own name and the others it gives: one,
/// called by its CVE if it has one; several if several CVEs are told in one.
pub(super) fn named(
    own: &VulnerabilityId,
    others: impl IntoIterator<Item = VulnerabilityId>,
) -> Vec<Vulnerability> {
    let others: BTreeSet<VulnerabilityId> = others.into_iter().filter(|other| other != own).collect();
    let cves: BTreeSet<VulnerabilityId> = match own.cve() {
        Some(cve) => BTreeSet::from([cve]),
        None => others.iter().filter_map(VulnerabilityId::cve).collect(),
    };
    let one_thing = cves.len() < 2;
    let ids = if cves.is_empty() { BTreeSet::from([own.clone()]) } else { cves };
    let with_names = |id: VulnerabilityId| {
        let mut one = Vulnerability::new(id);
        for name in std::iter::once(own).chain(&others).filter(|name| **name != one.id) {
            // Another CVE is another vulnerability; the name of an entry about several is none of theirs.
            match (name.is_cve(), one_thing && !name.is_bulletin()) {
                (true, _) => continue,
                (false, true) => one.aliases.insert(name.clone()),
                (false, false) => one.bulletins.insert(name.clone()),
            };
        }
        one
    };
    ids.into_iter().map(with_names).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn id(text: &str) -> VulnerabilityId {
        text.parse().unwrap()
    }

    fn told(own: &str, others: &[&str]) -> Vec<String> {
        named(&id(own), others.iter().map(|other| id(other)))
            .iter()
            .map(|one| format!("{} {:?} {:?}", one.id, one.aliases, one.bulletins))
            .collect()
    }

    #[test]
    fn a_vulnerability_is_called_by_its_cve() {
        let ghsa = "GHSA-2wrh-6pvc-2jm9";
        assert_eq!(told(ghsa, &["CVE-2026-1234"]), [format!("CVE-2026-1234 {{\"{ghsa}\"}} {{}}")]);
        assert_eq!(told(ghsa, &[]), [format!("{ghsa} {{}} {{}}")]);
        assert_eq!(told("DEBIAN-CVE-2026-1234", &[]), ["CVE-2026-1234 {\"DEBIAN-CVE-2026-1234\"} {}"]);
    }

    #[test]
    fn several_cves_in_one_entry_are_several_vulnerabilities() {
        assert_eq!(
            told("XRAY-1", &["CVE-2026-1111", "CVE-2026-2222", "CVE-2026-1111"]),
            ["CVE-2026-1111 {} {\"XRAY-1\"}", "CVE-2026-2222 {} {\"XRAY-1\"}"]
        );
    }

    #[test]
    fn a_bulletin_is_no_other_name() {
        assert_eq!(told("CVE-2026-1111", &["RHSA-2026:1"]), ["CVE-2026-1111 {} {\"RHSA-2026:1\"}"]);
        assert_eq!(told("CVE-2026-1111", &["CVE-2026-2222"]), ["CVE-2026-1111 {} {}"]);
    }

    #[test]
    fn what_is_listed_once_for_each_layer_is_one() {
        let mut first = Vulnerability::new(id("CVE-2026-1111"));
        first.package = Package::named("openssl");
        first.severity = Severity::Low;
        let mut second = first.clone();
        second.severity = Severity::High;
        second.fixed.insert("3.0.1".to_owned());
        let mut elsewhere = first.clone();
        elsewhere.installed = Some("2".to_owned());
        let merged = merged([first, second, elsewhere]);
        assert_eq!(merged.len(), 2);
        assert_eq!((merged[0].severity, merged[0].is_fixable()), (Severity::High, true));
        assert_eq!(counts(&merged).to_string(), "1 high");
    }

    #[test]
    fn words_about_a_fix_are_read_with_any_signs() {
        assert_eq!(Status::of_word("will_not_fix"), Status::WillNotFix);
        assert_eq!(Status::of_word("wont-fix"), Status::WillNotFix);
        assert_eq!(Status::of_word("End of Life"), Status::EndOfLife);
        assert_eq!(Status::of_word(""), Status::Unknown);
    }
}
