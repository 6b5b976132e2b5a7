//! What all sources said of all images, each image once, as it is kept and read again; and which source's word
//! counts where several have one. Who was asked, and how, is for others.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::delta::{self, Comparison, Rules};
use super::kev::Kev;
use super::report::Report;
use crate::digest::Digest;

/// What all sources said.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Looked {
    /// The names of all sources, in the order in which they count.
    pub sources: Vec<String>,
    /// What each image that is in use, or would be, names.
    pub images: BTreeMap<String, Named>,
    /// What was said of each digest, in the order of the sources.
    pub told: BTreeMap<Digest, Vec<Told>>,
    /// Those of the sources that could not tell all that they have.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub partial: Vec<String>,
    /// What is exploited; absent where nobody answered that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exploited: Option<Kev>,
    /// Why nobody answered that, where somebody was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exploits_silent: Option<String>,
}

/// What the name of an image stands for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Named {
    /// Its digest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// If it is not known: why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// What one source said of one image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Told {
    /// The source.
    pub source: String,
    /// What was found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<Report>,
    /// If it said nothing of it: why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// Whether it failed, and did not only have nothing to say.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub failed: bool,
    /// What has to be known of all that it says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caveat: Option<String>,
}

/// What is known of what runs, and of what may take its place.
#[derive(Debug, Clone)]
pub struct Compared<'l> {
    /// Who said so; nothing where nobody said anything.
    pub told: Option<&'l Told>,
    /// Both sides. Where there is no candidate, only that of what runs means something.
    pub comparison: Comparison,
    /// Whether nothing is known, and not only because nobody has looked: a source failed, or nobody could say
    /// which image it is.
    pub failed: bool,
}

impl Looked {
    /// Whether nobody was asked.
    pub fn is_empty(&self) -> bool {
        self.sources.is_empty()
    }

    /// The digest that an image stands for.
    pub fn digest(&self, image: &str) -> Option<Digest> {
        self.images.get(image)?.digest
    }

    /// Whether every source said all that it could about an image, be it that nobody has looked.
    pub fn is_answered(&self, image: &str) -> bool {
        self.partial.is_empty()
            && self.digest(image).is_some()
            && self.of(image).iter().all(|told| !told.failed)
    }

    /// Whether somebody has looked at an image.
    pub fn is_reported(&self, image: &str) -> bool {
        self.of(image).iter().any(|told| told.report.is_some())
    }

    /// What runs against what may take its place, by the first source that can compare both; else by the
    /// first that knows what runs.
    pub fn compare(&self, running: &str, candidate: Option<&str>, rules: &Rules) -> Compared<'_> {
        let of_running = self.of(running);
        let of_candidate = candidate.map(|image| self.of(image));
        let at = |place: usize| {
            let one = of_running.get(place).copied();
            let other = of_candidate.as_ref().and_then(|all| all.get(place).copied());
            (one, other)
        };
        let report = |told: Option<&'_ Told>| told.is_some_and(|told| told.report.is_some());
        let compared = |place: usize| {
            let (one, other) = at(place);
            let (why, why_not) = (self.why(running, one), candidate.map(|image| self.why(image, other)));
            let one = one.and_then(|told| told.report.as_ref()).ok_or(why.as_str());
            let why_not = why_not.unwrap_or_else(|| "there is no candidate".to_owned());
            let other = other.and_then(|told| told.report.as_ref()).ok_or(why_not.as_str());
            delta::compare(one, other, self.exploited.as_ref(), rules)
        };
        let places = 0..self.sources.len();
        let both = places.clone().filter(|place| report(at(*place).0) && report(at(*place).1));
        let mut both = both.map(|place| (place, compared(place)));
        let known =
            || places.clone().find(|place| report(at(*place).0)).map(|place| (place, compared(place)));
        let best = both.find(|(_, comparison)| comparison.delta.is_ok()).or_else(known);
        let unnamed = self.images.get(running).is_some_and(|named| named.digest.is_none());
        let failed = unnamed || of_running.iter().any(|told| told.failed);
        match best {
            Some((place, comparison)) => Compared { told: at(place).0, comparison, failed: false },
            None => {
                let why = self.why_none(running, &of_running);
                let nobody = || Err(why.as_str());
                let comparison = delta::compare(nobody(), nobody(), None, rules);
                Compared { told: None, comparison, failed }
            }
        }
    }

    /// What was said of an image, in the order of the sources.
    fn of(&self, image: &str) -> Vec<&Told> {
        let told = self.digest(image).and_then(|digest| self.told.get(&digest));
        told.into_iter().flatten().collect()
    }

    fn why(&self, image: &str, told: Option<&Told>) -> String {
        let unnamed = || self.images.get(image).and_then(|named| named.why.clone());
        let said = told.and_then(|told| told.why.clone());
        said.or_else(unnamed).unwrap_or_else(|| "nobody was asked about it".to_owned())
    }

    /// Why nobody said anything: every source's own words.
    fn why_none(&self, image: &str, told: &[&Told]) -> String {
        let each: Vec<String> = told
            .iter()
            .filter_map(|told| Some(format!("{}: {}", told.source, told.why.as_deref()?)))
            .collect();
        if each.is_empty() { self.why(image, None) } else { each.join("; ") }
    }
}

#[cfg(test)]
#[path = "looked_tests.rs"]
mod tests;
