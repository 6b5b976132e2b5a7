//! Vulnerabilities in the report: what those who looked found in what runs, what of it an update mends or
//! brings, and what of it somebody has accepted. It comes last, once products have their needs: what can't
//! wait raises them.

mod judged;
mod pairs;

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{Act, Deed, Need, StatusLine, Thing, Weekly};
use crate::digest::Digest;
use crate::model::{Acceptance, AcceptanceId, Nearness, VulnerabilityId};
use crate::scan::vulnerabilities::accepted::Register;
use crate::scan::vulnerabilities::{Counts, Looked, Severity};

pub use pairs::{Pair, pairs};

/// So many vulnerabilities of a thing are named, those that are exploited and the worst first.
const NAMED: usize = 100;

/// What is known of a thing's vulnerabilities.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Security {
    /// The image that is judged: of several in use the worst.
    pub image: String,
    /// Its digest.
    pub digest: Option<Digest>,
    /// Which source told it; absent where none did.
    pub source: Option<String>,
    /// Which scanner looked.
    pub scanner: Option<String>,
    /// Until when its database knew what there is.
    pub scanned: Option<Timestamp>,
    /// Why nothing is known.
    pub unknown: Option<String>,
    /// How many vulnerabilities of each severity it has that nobody accepted.
    pub open: Option<Counts>,
    /// How many of them are known to be exploited.
    pub exploited: usize,
    /// How many of them have a fix: a version of the package without it, or the update.
    pub fixable: usize,
    /// How many it has that somebody accepted.
    pub accepted: usize,
    /// What the newest version changes; absent where there is none, or it can't be told.
    pub update: Option<Update>,
    /// Why it can't be told what the newest version changes.
    pub incomparable: Option<String>,
    /// The vulnerabilities, those that are exploited and the worst first.
    pub findings: Vec<Found>,
    /// How many more there are.
    pub left_out: usize,
    /// What speaks against trusting it.
    pub notes: Vec<String>,
    /// What all of it asks of people, also what is not named.
    #[serde(skip)]
    pub need: Option<Need>,
}

/// What an update changes, without what is accepted.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Update {
    /// The image that may take its place.
    pub to: String,
    /// What goes.
    pub fixed: Counts,
    /// What comes.
    pub new: Counts,
    /// What stays.
    pub remaining: Counts,
    /// Of how many it is not known.
    pub unsettled: usize,
}

/// One vulnerability.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Found {
    /// What it is called.
    pub id: VulnerabilityId,
    /// How bad it is.
    pub severity: Severity,
    /// Whether it is being exploited; absent where nobody was asked.
    pub exploited: Option<bool>,
    /// The day until which CISA wants it mended.
    pub due: Option<jiff::civil::Date>,
    /// Whether ransomware is known to use it.
    pub ransomware: bool,
    /// The packages that have it, with their versions.
    pub packages: Vec<String>,
    /// The versions of them that don't.
    pub fixed_in: Vec<String>,
    /// Whether each of its packages has such a version.
    pub fixable: bool,
    /// What becomes of it with the update.
    pub change: Change,
    /// Who accepted it.
    pub acceptance: Option<AcceptanceId>,
    /// Where people read about it.
    pub link: Option<String>,
}

/// What becomes of a vulnerability.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// There is no update, or nobody knows.
    Unknown,
    /// The update mends it.
    Fixed,
    /// The update brings it.
    New,
    /// It stays.
    Remaining,
}

/// What holds for the whole report.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Secured {
    /// Who was asked, in the order in which they count.
    pub sources: Vec<String>,
    /// Whether it is known what is exploited.
    pub knows_exploited: bool,
    /// About how many images in use nobody could tell anything.
    pub unknown: usize,
    /// What became of each acceptance.
    pub acceptances: Vec<Standing>,
}

/// What became of an acceptance.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Standing {
    /// Which one.
    pub id: AcceptanceId,
    /// How near its end is: `ended` ones cover nothing.
    pub nearness: Nearness,
    /// How many vulnerabilities it is about.
    pub matches: usize,
    /// Whether every source answered for every image that it may be about: else there may be more.
    pub answered: bool,
}

impl Standing {
    /// Whether it holds, and is known to be about nothing that was found.
    pub fn is_idle(&self) -> bool {
        self.matches == 0 && self.answered && self.nearness != Nearness::Ended
    }
}

impl Found {
    /// Whether nobody accepted it, and what is in use has it.
    pub fn is_open(&self) -> bool {
        self.acceptance.is_none() && self.change != Change::New
    }

    /// Whether something can be done about it: the update, or a version of its packages.
    pub fn is_mendable(&self) -> bool {
        self.fixable || self.change == Change::Fixed
    }

    /// Whether it is known to be exploited.
    pub fn is_exploited(&self) -> bool {
        self.exploited == Some(true)
    }

    /// What it asks of people, if it is open.
    fn need(&self) -> Need {
        let urgent = self.is_exploited() || self.severity == Severity::Critical;
        match (urgent, self.is_mendable()) {
            (true, true) => Need::Now,
            (true, false) if self.is_exploited() => Need::Soon,
            (false, true) if self.severity == Severity::High && self.change == Change::Fixed => Need::Soon,
            _ => Need::Nothing,
        }
    }

    /// `CVE-2026-1234 (critical, exploited) in openssl 3.0.1, fixed in 3.0.2`.
    pub fn words(&self) -> String {
        let exploited = if self.is_exploited() { ", exploited" } else { "" };
        let mut words = format!("{} ({}{exploited})", self.id, self.severity);
        if let Some(first) = self.packages.first() {
            words.push_str(&format!(" in {first}"));
        }
        match (self.change, self.fixed_in.first()) {
            (Change::Fixed, _) => words.push_str(", mended by the update"),
            (_, Some(version)) => words.push_str(&format!(", fixed in {version}")),
            _ => {}
        }
        words
    }
}

impl Security {
    /// What it asks of people.
    fn need(&self) -> Need {
        self.need.unwrap_or(Need::Nothing)
    }

    /// What asks nothing of people, and would if somebody exploited it.
    fn worse_if_exploited(&self) -> Option<&Found> {
        let exploited = |found: &Found| Found { exploited: Some(true), ..found.clone() };
        let mut open = self.findings.iter().filter(|found| found.is_open() && found.exploited.is_none());
        open.find(|found| found.need() == Need::Nothing && exploited(found).need() != Need::Nothing)
    }

    /// A sentence about what asks so much.
    fn sentence(&self, need: Need) -> Option<String> {
        let all: Vec<&Found> =
            self.findings.iter().filter(|found| found.is_open() && found.need() == need).collect();
        let first = all.first()?.words();
        Some(match all.len() {
            1 => first,
            many => format!("{first}, and {} more", many - 1),
        })
    }
}

/// Tells the report what was found in its images.
pub fn tell<'a>(
    report: &mut Weekly,
    pairs: &[Pair],
    looked: &Looked,
    acceptances: impl IntoIterator<Item = (&'a AcceptanceId, &'a Acceptance)>,
    now: Timestamp,
) {
    if looked.is_empty() {
        return;
    }
    let mut register = Register::new(acceptances, now);
    let mut secured = Secured {
        sources: looked.sources.clone(),
        knows_exploited: looked.exploited.is_some(),
        ..Secured::default()
    };
    let by_name: BTreeMap<(&str, String), &Pair> =
        pairs.iter().map(|pair| ((pair.product.as_str(), pair.repository.to_string()), pair)).collect();
    for product in &mut report.products {
        for thing in product.things.iter_mut().filter(|thing| thing.kind == "image") {
            let pair = by_name.get(&(product.product.as_str(), thing.name.clone()));
            let Some((security, failed)) = pair.and_then(|pair| judged::of(pair, looked, &mut register))
            else {
                continue;
            };
            secured.unknown += usize::from(security.open.is_none());
            raise(thing, security, failed, looked.exploits_silent.as_deref());
        }
    }
    secured.acceptances = register
        .standings()
        .map(|one| Standing {
            id: one.id.clone(),
            nearness: one.nearness,
            matches: one.matches,
            answered: one.answered,
        })
        .collect();
    report.security = Some(secured);
    report.order();
}

/// Takes in that products were left out, so that acceptances may be about more than is told.
pub fn leave_out(report: &mut Weekly) {
    let acceptances = report.security.iter_mut().flat_map(|security| &mut security.acceptances);
    acceptances.for_each(|one| one.answered = false);
}

/// Takes in what is known of a thing: what can't wait is said, and is what it needs.
fn raise(thing: &mut Thing, security: Security, failed: bool, exploits_silent: Option<&str>) {
    let mut need = if failed { Need::Unknown } else { security.need() };
    if let (Need::Nothing, Some(why), Some(one)) = (need, exploits_silent, security.worse_if_exploited()) {
        need = Need::Unknown;
        let message = format!("whether {} is exploited is not known: {why}", one.id);
        thing.statuses.push(StatusLine { status: "unknown", message, silence: None });
    }
    // What people put off waits for what can't.
    if need == Need::Soon && thing.is_deferred() {
        need = Need::Nothing;
    }
    if let Some(message) = security.sentence(need).filter(|_| need != Need::Nothing) {
        let line = StatusLine { status: VULNERABLE, message, silence: None };
        let place = if need < thing.need { 0 } else { thing.statuses.len() };
        thing.statuses.insert(place, line);
    }
    if need < thing.need && thing.act.is_none() && need <= Need::Soon {
        let mend = Act { deed: Deed::Mend, command: None };
        thing.act = Some(thing.urgent.clone().unwrap_or(mend));
    }
    if need == Need::Unknown && thing.act.is_none() {
        thing.act = Some(Act { deed: Deed::Retry, command: None });
    }
    thing.need = need.min(thing.need);
    thing.security = Some(security);
}

/// The word of a thing's status that says so.
pub const VULNERABLE: &str = "vulnerable";

#[cfg(test)]
mod tests;
