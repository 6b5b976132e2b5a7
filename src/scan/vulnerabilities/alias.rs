//! Which names mean the same vulnerability, over all that several reports say. One scanner calls it by its
//! CVE on one day and by an advisory on another; they are joined through the names that both have in common.

use std::collections::{BTreeMap, BTreeSet};

use petgraph::unionfind::UnionFind;

use super::report::Vulnerability;
use crate::model::VulnerabilityId;

/// Names in classes: those of a class mean one vulnerability.
pub(super) struct Aliases<'v> {
    places: BTreeMap<&'v VulnerabilityId, usize>,
    classes: UnionFind<usize>,
    /// What a class is called by, at the place that stands for it.
    called: Vec<&'v VulnerabilityId>,
}

impl<'v> Aliases<'v> {
    /// The classes over all these vulnerabilities, in whatever order they come.
    pub(super) fn of(all: impl IntoIterator<Item = &'v Vulnerability>) -> Self {
        let (mut names, mut pairs) = (BTreeSet::new(), BTreeSet::new());
        for one in all {
            names.extend(one.names());
            pairs.extend(one.aliases.iter().map(|alias| (&one.id, alias)));
        }
        let called: Vec<&VulnerabilityId> = names.into_iter().collect();
        let places = called.iter().enumerate().map(|(place, name)| (*name, place)).collect();
        let mut aliases = Self { places, classes: UnionFind::new(called.len()), called };
        // In their own order, so that the answer does not depend on that of the reports.
        for (id, alias) in pairs {
            aliases.join(id, alias);
        }
        aliases
    }

    /// What a vulnerability is called by: its CVE if any of its names is one, else the first by letters.
    pub(super) fn called(&self, one: &'v Vulnerability) -> &'v VulnerabilityId {
        self.places.get(&one.id).map_or(&one.id, |place| self.called[self.classes.find(*place)])
    }

    fn join(&mut self, one: &VulnerabilityId, other: &VulnerabilityId) {
        let (Some(one), Some(other)) = (self.places.get(one), self.places.get(other)) else { return };
        let (one, other) = (self.classes.find_mut(*one), self.classes.find_mut(*other));
        let (first, second) = (self.called[one], self.called[other]);
        // A name that two CVEs claim does not make them one.
        if one == other || (first.is_cve() && second.is_cve()) {
            return;
        }
        let called = if (!second.is_cve(), second) < (!first.is_cve(), first) { second } else { first };
        self.classes.union(one, other);
        let head = self.classes.find_mut(one);
        self.called[head] = called;
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn one(id: &str, aliases: &[&str]) -> Vulnerability {
        let mut one = Vulnerability::new(id.parse().unwrap());
        one.aliases = aliases.iter().map(|alias| alias.parse().unwrap()).collect();
        one
    }

    fn called(all: &[Vulnerability]) -> Vec<&str> {
        let aliases = Aliases::of(all);
        all.iter().map(|one| aliases.called(one).as_str()).collect()
    }

    #[test]
    fn names_are_joined_through_others() {
        let all = [
            one("GO-2026-1", &["GHSA-a"]),
            one("CVE-2026-1111", &["GHSA-a"]),
            one("RUSTSEC-2026-1", &["GO-2026-1"]),
            one("TEMP-1", &[]),
        ];
        assert_eq!(called(&all), ["CVE-2026-1111", "CVE-2026-1111", "CVE-2026-1111", "TEMP-1"]);
    }

    #[test]
    fn without_a_cve_the_first_name_stands_for_all() {
        assert_eq!(called(&[one("PYSEC-1", &["GO-1"]), one("GO-1", &[])]), ["GO-1", "GO-1"]);
    }

    #[test]
    fn two_cves_are_never_one() {
        let all = [one("CVE-2026-1111", &["GHSA-a"]), one("CVE-2026-2222", &["GHSA-a"])];
        assert_eq!(called(&all), ["CVE-2026-1111", "CVE-2026-2222"]);
    }
}
