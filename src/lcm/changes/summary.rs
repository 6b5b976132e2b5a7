//! All that is known of an update in one value: each change once, the most important first, within bounds.

use std::cmp::{Ordering, Reverse};
use std::collections::HashMap;

use super::change::{Change, Evidence, Weight};
use super::found::Found;
use super::plain;
use crate::lcm::version::{Scheme, Version, by_age};

/// So many changes are shown.
const MOST_CHANGES: usize = 200;
/// So many pieces of evidence are shown.
const MOST_EVIDENCE: usize = 100;
/// So many sentences about what could not be read are shown.
const MOST_NOTES: usize = 20;

/// What changed, and what of it is dangerous.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Changes {
    /// What is different: the most important kind first, in it the newest version.
    pub changes: Vec<Change>,
    /// What is dangerous: the weightiest first.
    pub evidence: Vec<Evidence>,
    /// How much the evidence says that something breaks, if there is any. What is only about security is
    /// none: that is a reason to update.
    pub breaking: Option<Weight>,
    /// Whether something about security is better.
    pub security: bool,
    /// How much was left out because there is too much of it.
    pub cut: usize,
    /// What could not be read, a sentence each.
    pub notes: Vec<String>,
}

impl Changes {
    /// Puts together what was found, in whatever order.
    pub fn of(found: impl IntoIterator<Item = Found>) -> Self {
        let found: Found = found.into_iter().collect();
        let breaking =
            found.evidence.iter().filter(|one| one.sign.is_of_a_break()).map(|one| one.weight).max();
        let mut cut = found.cut;
        let changes = first(changes(found.changes), MOST_CHANGES, &mut cut);
        let evidence = first(evidence(found.evidence), MOST_EVIDENCE, &mut cut);
        let mut notes = found.notes;
        notes.sort();
        notes.dedup();
        let notes = first(notes, MOST_NOTES, &mut cut);
        Self { changes, evidence, breaking, security: found.security, cut, notes }
    }

    /// Whether nothing is known: nobody told anything, and nothing was compared.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.evidence.is_empty()
    }
}

fn first<T>(mut all: Vec<T>, most: usize, cut: &mut usize) -> Vec<T> {
    *cut = cut.saturating_add(all.len().saturating_sub(most));
    all.truncate(most);
    all
}

/// Each change once, in order.
fn changes(mut all: Vec<Change>) -> Vec<Change> {
    // Of several tellings the first counts, whatever order they came in.
    sorted(
        &mut all,
        |change| (change.kind, Some(&change.version)),
        |one, other| one.text.cmp(&other.text).then_with(|| links(&one.links).cmp(links(&other.links))),
    );
    let mut known: HashMap<String, usize> = HashMap::new();
    let mut kept: Vec<Change> = Vec::new();
    for change in all {
        match known.get(&plain::key(&change.text)).and_then(|at| kept.get_mut(*at)) {
            Some(first) => plain::add_links(&mut first.links, change.links),
            None => {
                known.insert(plain::key(&change.text), kept.len());
                kept.push(change);
            }
        }
    }
    kept
}

/// Each piece of evidence once, in order.
fn evidence(mut all: Vec<Evidence>) -> Vec<Evidence> {
    sorted(
        &mut all,
        |one| ((Reverse(one.weight), one.sign), one.version.as_ref()),
        |one, other| one.text.cmp(&other.text).then_with(|| links(&one.links).cmp(links(&other.links))),
    );
    let mut known: HashMap<(bool, String), usize> = HashMap::new();
    let mut kept: Vec<Evidence> = Vec::new();
    for one in all {
        // What was compared is told by its signs too: `a.b` and `a[b]` are two paths.
        let key = match one.version {
            Some(_) => (true, plain::key(&one.text)),
            None => (false, one.text.clone()),
        };
        match known.get(&key).and_then(|at| kept.get_mut(*at)) {
            Some(first) => plain::add_links(&mut first.links, one.links),
            None => {
                known.insert(key, kept.len());
                kept.push(one);
            }
        }
    }
    kept
}

fn links(links: &[crate::lcm::artifacthub::Link]) -> impl Iterator<Item = (&str, &str)> {
    links.iter().map(|link| (link.url.as_str(), link.name.as_str()))
}

/// Sorts by rank, then by version, the newest first, then by what is left.
fn sorted<T, R: Ord>(
    all: &mut [T],
    rank: impl for<'t> Fn(&'t T) -> (R, Option<&'t String>),
    rest: impl Fn(&T, &T) -> Ordering,
) {
    let mut ages: Vec<String> = all.iter().filter_map(|one| rank(one).1.cloned()).collect();
    ages.sort_unstable();
    ages.dedup();
    let mut read: Vec<(&String, Option<Version<'_>>)> =
        ages.iter().map(|text| (text, Scheme::Auto.read(text))).collect();
    read.sort_by(|(one, of_one), (other, of_other)| {
        let age = match (of_one, of_other) {
            (Some(one), Some(other)) => by_age(other, one),
            (one, other) => other.is_some().cmp(&one.is_some()),
        };
        age.then_with(|| one.cmp(other))
    });
    let places: HashMap<&String, usize> =
        read.iter().enumerate().map(|(at, (text, _))| (*text, at)).collect();
    all.sort_by(|one, other| {
        let ((rank_one, of_one), (rank_other, of_other)) = (rank(one), rank(other));
        let place = |version: Option<&String>| version.and_then(|version| places.get(version)).copied();
        rank_one
            .cmp(&rank_other)
            .then_with(|| place(of_one).cmp(&place(of_other)))
            .then_with(|| rest(one, other))
    });
}

#[cfg(test)]
#[path = "summary_tests.rs"]
mod tests;
