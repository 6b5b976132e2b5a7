//! What changes when a candidate takes the place of what runs: which vulnerabilities go, which come, which
//! stay. It rather says that it does not know than that something was mended.
//!
//! Two reports are compared only if the same scanner looked, in the same way, with databases that are at
//! most [`Rules::apart`] apart. Within that span, what only one of them can have known stays unsettled, and so does
//! what one of them was told to put aside.

use std::collections::BTreeMap;
use std::fmt;

use jiff::{SignedDuration, Timestamp};

use super::alias::Aliases;
use super::kev::{Exploited, Kev};
use super::report::{Distribution, Report, Tool, Vulnerability};
use super::severity::{Counts, Severity};
use crate::model::VulnerabilityId;

/// When reports may be compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// How far apart their databases may be. Scanners make a new one at least once a day.
    pub apart: SignedDuration,
}

impl Default for Rules {
    /// A week: images are scanned for the weekly report.
    fn default() -> Self {
        Self { apart: SignedDuration::from_hours(7 * 24) }
    }
}

/// A side of the comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Which {
    /// What runs.
    Running,
    /// What may take its place.
    Candidate,
}

impl fmt::Display for Which {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Running => "what runs",
            Self::Candidate => "the candidate",
        })
    }
}

/// The report about a side, or a sentence why there is none.
pub type Side<'r> = Result<&'r Report, &'r str>;

/// What is known of both sides, and of what changes.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// What runs has so many vulnerabilities; or why nobody knows.
    pub running: Result<Counts, String>,
    /// The candidate has so many; or why nobody knows.
    pub candidate: Result<Counts, String>,
    /// What changes; or why that can't be told.
    pub delta: Result<Delta, Incomparable>,
}

/// Why it can't be told what changes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Incomparable {
    /// Nobody has looked at one side.
    #[error("unknown because there is no report about {which}: {why}")]
    NoReport {
        /// Which one.
        which: Which,
        /// Why not.
        why: String,
    },
    /// Scanners differ in what they find, and in what they call it.
    #[error("not comparable: {running} looked at what runs, and {candidate} at the candidate")]
    OtherTool {
        /// Who looked at what runs.
        running: Box<Tool>,
        /// Who looked at the candidate.
        candidate: Box<Tool>,
    },
    /// A report does not say of when it is.
    #[error("not comparable: the report about {which} says neither when it nor when its database was made")]
    Undated {
        /// Which one.
        which: Which,
    },
    /// One database knows what the other could not.
    #[error(
        "not comparable: what runs was scanned with a database of {running}, the candidate with one of \
         {candidate}; scan both again"
    )]
    Apart {
        /// Until when the one knew.
        running: Timestamp,
        /// Until when the other knew.
        candidate: Timestamp,
    },
}

/// What changes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Delta {
    /// What runs has it, the candidate does not.
    pub fixed: Vec<Change>,
    /// The candidate has it, what runs does not.
    pub new: Vec<Change>,
    /// Both have it.
    pub remaining: Vec<Change>,
    /// One has it, and of the other it is not known.
    pub unsettled: Vec<(Change, Unsettled)>,
    /// What speaks against trusting it.
    pub doubts: Vec<Doubt>,
}

/// A vulnerability in all of its packages.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// What it is called by.
    pub id: VulnerabilityId,
    /// How bad it is at its worst.
    pub severity: Severity,
    /// Whether each of its packages has a version without it: on the candidate if it has it, else on what
    /// runs.
    pub fixable: bool,
    /// Whether it is being exploited.
    pub exploited: Exploited,
    /// Where what runs has it.
    pub running: Vec<Vulnerability>,
    /// Where the candidate has it.
    pub candidate: Vec<Vulnerability>,
}

/// Why it is not known whether the other side has a vulnerability.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unsettled {
    /// It became known after the database of this side was made.
    Newer(Which),
    /// The scanner of this side was told to put it aside.
    SetAside(Which),
}

impl fmt::Display for Unsettled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Newer(which) => write!(f, "it became known after {which} was scanned"),
            Self::SetAside(which) => write!(f, "the scan of {which} was told to put it aside"),
        }
    }
}

/// What speaks against trusting a comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Doubt {
    /// On this side no distribution was recognised, on the other one was: packages may not have been found.
    NoDistribution(Which),
    /// This side's distribution is not mended any more: scanners learn of nothing new in it.
    Ended(Which, Distribution),
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoDistribution(which) => {
                write!(f, "no distribution was recognised in {which}: its packages may not have been found")
            }
            Self::Ended(which, distribution) => {
                write!(
                    f,
                    "{distribution} in {which} is not mended any more: new vulnerabilities are not listed"
                )
            }
        }
    }
}

/// Compares what runs with a candidate.
pub fn compare(running: Side<'_>, candidate: Side<'_>, kev: Option<&Kev>, rules: &Rules) -> Comparison {
    let counts = |side: Side<'_>| side.map(Report::counts).map_err(str::to_owned);
    Comparison {
        running: counts(running),
        candidate: counts(candidate),
        delta: comparable(running, candidate, rules)
            .map(|(running, candidate)| changes(running, candidate, kev)),
    }
}

/// What one report alone tells, as if nothing changed: the exploited first, then the worst.
pub fn alone(report: &Report, kev: Option<&Kev>) -> Vec<Change> {
    changes(report, report, kev).remaining
}

fn comparable<'r>(
    running: Side<'r>,
    candidate: Side<'r>,
    rules: &Rules,
) -> Result<(&'r Report, &'r Report), Incomparable> {
    let there =
        |side: Side<'r>, which| side.map_err(|why| Incomparable::NoReport { which, why: why.to_owned() });
    let (running, candidate) = (there(running, Which::Running)?, there(candidate, Which::Candidate)?);
    if !running.tool.looks_as(&candidate.tool) {
        let (running, candidate) = (Box::new(running.tool.clone()), Box::new(candidate.tool.clone()));
        return Err(Incomparable::OtherTool { running, candidate });
    }
    let dated = |report: &Report, which| report.knows_until().ok_or(Incomparable::Undated { which });
    let (of_running, of_candidate) = (dated(running, Which::Running)?, dated(candidate, Which::Candidate)?);
    if of_running.duration_since(of_candidate).abs() > rules.apart {
        return Err(Incomparable::Apart { running: of_running, candidate: of_candidate });
    }
    Ok((running, candidate))
}

/// Where both sides have one vulnerability.
#[derive(Default)]
struct Places<'r> {
    running: Vec<&'r Vulnerability>,
    candidate: Vec<&'r Vulnerability>,
    aside_running: bool,
    aside_candidate: bool,
}

fn changes(running: &Report, candidate: &Report, kev: Option<&Kev>) -> Delta {
    let reports = [running, candidate];
    let aliases = Aliases::of(
        reports.into_iter().flat_map(|report| report.vulnerabilities.iter().chain(&report.set_aside)),
    );
    let mut places: BTreeMap<&VulnerabilityId, Places<'_>> = BTreeMap::new();
    for one in &running.vulnerabilities {
        places.entry(aliases.called(one)).or_default().running.push(one);
    }
    for one in &candidate.vulnerabilities {
        places.entry(aliases.called(one)).or_default().candidate.push(one);
    }
    for one in &running.set_aside {
        places.entry(aliases.called(one)).or_default().aside_running = true;
    }
    for one in &candidate.set_aside {
        places.entry(aliases.called(one)).or_default().aside_candidate = true;
    }
    let mut delta = Delta { doubts: doubts(running, candidate), ..Delta::default() };
    for (id, places) in places {
        let unsettled = match (places.running.is_empty(), places.candidate.is_empty()) {
            (true, true) => continue,
            (false, true) => unsettled(&places.running, candidate, places.aside_candidate, Which::Candidate),
            (true, false) => unsettled(&places.candidate, running, places.aside_running, Which::Running),
            (false, false) => None,
        };
        let change = places.change(id, kev);
        match (unsettled, change.running.is_empty(), change.candidate.is_empty()) {
            (Some(why), _, _) => delta.unsettled.push((change, why)),
            (None, false, true) => delta.fixed.push(change),
            (None, true, _) => delta.new.push(change),
            (None, false, false) => delta.remaining.push(change),
        }
    }
    delta.sort();
    delta
}

/// Whether it is not known if the other side has a vulnerability that its report does not list.
fn unsettled(found: &[&Vulnerability], other: &Report, aside: bool, which: Which) -> Option<Unsettled> {
    if aside {
        return Some(Unsettled::SetAside(which));
    }
    let published = found.iter().filter_map(|one| one.published).min()?;
    (published > other.knows_until()?).then_some(Unsettled::Newer(which))
}

fn doubts(running: &Report, candidate: &Report) -> Vec<Doubt> {
    let sides = [(Which::Running, running, candidate), (Which::Candidate, candidate, running)];
    sides
        .into_iter()
        .filter_map(|(which, own, other)| match (&own.distribution, &other.distribution) {
            (None, Some(_)) => Some(Doubt::NoDistribution(which)),
            (Some(distribution), _) if distribution.ended => Some(Doubt::Ended(which, distribution.clone())),
            _ => None,
        })
        .collect()
}

impl Places<'_> {
    fn change(&self, id: &VulnerabilityId, kev: Option<&Kev>) -> Change {
        let both = || self.running.iter().chain(&self.candidate).copied();
        let left = if self.candidate.is_empty() { &self.running } else { &self.candidate };
        let owned = |side: &[&Vulnerability]| side.iter().map(|one| (*one).clone()).collect();
        Change {
            id: id.clone(),
            severity: both().map(|one| one.severity).max().unwrap_or_default(),
            fixable: left.iter().all(|one| one.is_fixable()),
            exploited: Exploited::of(both(), kev),
            running: owned(&self.running),
            candidate: owned(&self.candidate),
        }
    }
}

impl Delta {
    /// The exploited first, then the worst, then by name.
    fn sort(&mut self) {
        let order = |change: &Change| {
            (!change.exploited.is_known(), std::cmp::Reverse(change.severity), change.id.clone())
        };
        self.fixed.sort_by_cached_key(order);
        self.new.sort_by_cached_key(order);
        self.remaining.sort_by_cached_key(order);
        self.unsettled.sort_by_cached_key(|(change, why)| (order(change), *why));
    }
}

/// How many of each severity there are.
pub fn tally<'c>(changes: impl IntoIterator<Item = &'c Change>) -> Counts {
    changes.into_iter().map(|change| change.severity).collect()
}

#[cfg(test)]
#[path = "delta_tests.rs"]
mod tests;
