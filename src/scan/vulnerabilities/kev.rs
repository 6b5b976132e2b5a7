//! CISA's catalogue of known exploited vulnerabilities (`known_exploited_vulnerabilities.json`,
//! cisa.gov/kev).

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::Deserialize;

use super::refusal::{Format, Refusal, typed};
use super::report::Vulnerability;
use super::wire::{id, moment, or_default};
use crate::model::VulnerabilityId;

/// What is known to be exploited.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kev {
    /// When this edition came out.
    pub released: Option<Timestamp>,
    entries: BTreeMap<VulnerabilityId, Entry>,
}

/// What the catalogue says of a vulnerability.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// The day until which agencies must have mended it.
    pub due: Option<Date>,
    /// Whether ransomware is known to use it.
    pub ransomware: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct File {
    #[serde(default, deserialize_with = "or_default")]
    date_released: String,
    count: usize,
    vulnerabilities: Vec<Item>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Item {
    #[serde(rename = "cveID")]
    cve: String,
    #[serde(default, deserialize_with = "or_default")]
    due_date: String,
    #[serde(default, deserialize_with = "or_default")]
    known_ransomware_campaign_use: String,
}

impl Kev {
    /// Reads the catalogue.
    ///
    /// # Errors
    /// When it is none, or has not all of its entries: what it lacks would seem to be harmless.
    pub fn read(bytes: &[u8]) -> Result<Self, Refusal> {
        let file: File = typed(Format::Kev, bytes)?;
        let found = file.vulnerabilities.len();
        if found != file.count || found == 0 {
            let what = format!("it has {found} entries and says that it has {}", file.count);
            return Err(Refusal::nonsense(Format::Kev, what));
        }
        let entry = |item: Item| {
            let ransomware = item.known_ransomware_campaign_use.trim().eq_ignore_ascii_case("known");
            let entry = Entry { due: item.due_date.trim().parse().ok(), ransomware };
            Ok((id(Format::Kev, &item.cve)?, entry))
        };
        let entries: Result<_, Refusal> = file.vulnerabilities.into_iter().map(entry).collect();
        Ok(Self { released: moment(&file.date_released), entries: entries? })
    }

    /// What it says of a vulnerability, by any of its names.
    pub fn of(&self, one: &Vulnerability) -> Option<Entry> {
        one.names().find_map(|name| self.entries.get(name)).copied()
    }

    /// Leaves out what it says of others than these: what was found is what is worth keeping.
    #[must_use]
    pub fn only<'v>(&self, found: impl IntoIterator<Item = &'v Vulnerability>) -> Self {
        let names = found.into_iter().flat_map(Vulnerability::names);
        let kept = names.filter_map(|name| Some((name.clone(), *self.entries.get(name)?)));
        Self { released: self.released, entries: kept.collect() }
    }

    /// How many it lists.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether it lists none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

/// Whether a vulnerability is being exploited.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Exploited {
    /// Nobody was asked.
    #[default]
    Unknown,
    /// The catalogue does not list it.
    No,
    /// It is.
    Yes(Entry),
}

impl Exploited {
    /// What is known of a vulnerability, by the catalogue if there is one and by its scanner.
    pub fn of<'v>(found: impl IntoIterator<Item = &'v Vulnerability>, kev: Option<&Kev>) -> Self {
        let mut known = if kev.is_some() { Self::No } else { Self::Unknown };
        for one in found {
            if let Some(entry) = kev.and_then(|kev| kev.of(one)) {
                return Self::Yes(entry);
            }
            if one.exploited {
                known = Self::Yes(Entry::default());
            }
        }
        known
    }

    /// Whether it is known to be.
    pub const fn is_known(self) -> bool {
        matches!(self, Self::Yes(_))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const CATALOGUE: &str = r#"{"title": "CISA Catalog", "catalogVersion": "2026.11.20", "dateReleased": "2026-11-20T17:01:02.1234Z",
        "count": 2, "vulnerabilities": [
        {"cveID": "CVE-2026-1111", "vendorProject": "a", "dateAdded": "2026-11-19", "dueDate": "2026-12-10",
         "knownRansomwareCampaignUse": "Known", "notes": "", "cwes": []},
        {"cveID": "CVE-2026-2222", "dueDate": "soon", "knownRansomwareCampaignUse": "Unknown"}]}"#;

    fn one(id: &str, alias: &str) -> Vulnerability {
        let mut one = Vulnerability::new(id.parse().unwrap());
        one.aliases.extend(alias.parse());
        one
    }

    #[test]
    fn what_is_exploited_is_found_by_any_of_its_names() {
        let kev = Kev::read(CATALOGUE.as_bytes()).unwrap();
        let entry = Entry { due: "2026-12-10".parse().ok(), ransomware: true };
        assert_eq!(Exploited::of([&one("CVE-2026-1111", "")], Some(&kev)), Exploited::Yes(entry));
        assert_eq!(
            Exploited::of([&one("GHSA-2wrh-6pvc-2jm9", "cve-2026-1111")], Some(&kev)),
            Exploited::Yes(entry)
        );
        let undated = Exploited::Yes(Entry { due: None, ransomware: false });
        assert_eq!(Exploited::of([&one("CVE-2026-2222", "")], Some(&kev)), undated);
    }

    #[test]
    fn nobody_asked_is_not_no() {
        let kev = Kev::read(CATALOGUE.as_bytes()).unwrap();
        let mut found = one("CVE-2026-3333", "");
        assert_eq!(Exploited::of([&found], Some(&kev)), Exploited::No);
        assert_eq!(Exploited::of([&found], None), Exploited::Unknown);
        found.exploited = true;
        assert_eq!(Exploited::of([&found], None), Exploited::Yes(Entry::default()));
    }

    #[test]
    fn a_catalogue_that_lacks_entries_is_refused() {
        let cut = CATALOGUE.replace("\"count\": 2", "\"count\": 1400");
        assert_eq!(
            Kev::read(cut.as_bytes()).unwrap_err().to_string(),
            "it looks like CISA's catalogue of known exploited vulnerabilities, but it has 2 entries and says \
             that it has 1400"
        );
        assert!(Kev::read(br#"{"count": 0, "vulnerabilities": []}"#).is_err());
        assert!(matches!(Kev::read(b"<html>"), Err(Refusal::NotJson { .. })));
    }
}
