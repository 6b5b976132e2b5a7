//! What lies ahead of a row of Kubernetes: by when its upgrade must begin, and whether the newest release is on
//! its way already.

use jiff::civil::Date;

use crate::lcm::row::Row;
use crate::lcm::support::countdown::Start;
use crate::lcm::support::course::Deadline;
use crate::version::{KubeMinor, KubeVersion};

/// By when an upgrade must begin.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Countdown {
    /// What it is about: `EKS 1.34`.
    pub of: String,
    /// Which support ends: `standard support`.
    pub support: &'static str,
    /// The last day of it.
    pub ends: Date,
    /// The minor that must be reached by then.
    pub to: String,
    /// How many hops that takes, one minor each.
    pub hops: u32,
    /// How many days those take, waiting for the calendar apart.
    pub takes_days: u64,
    /// The last day on which the first wave may start; absent if it is past.
    pub start_by: Option<Date>,
    /// The days till then; below zero it is too late by so many days.
    pub days_left: i64,
    /// The windows and freezes that make it an earlier day.
    pub closed: Vec<String>,
    /// What the lengths rest on.
    pub basis: String,
    /// All of it in a sentence.
    pub words: String,
}

impl Countdown {
    pub(super) fn of(deadline: &Deadline) -> Self {
        let countdown = &deadline.countdown;
        let (start_by, days_left) = match countdown.start {
            Start::By { day, left } => (Some(day), left),
            Start::TooLate { by } => (None, by.saturating_neg()),
        };
        Self {
            of: deadline.of.clone(),
            support: deadline.support,
            ends: countdown.end,
            to: deadline.to.clone(),
            hops: countdown.hops,
            takes_days: countdown.takes,
            start_by,
            days_left,
            closed: deadline.closed.clone(),
            basis: deadline.basis.clone(),
            words: deadline.words(),
        }
    }
}

/// The minor of the newest release, if that is above what the row's clusters have: a rollout brings it.
pub(super) fn released(row: &Row) -> Option<KubeMinor> {
    let minors = row.released.iter().filter_map(|text| KubeVersion::of_numbers(text));
    minors.map(|version| version.minor()).max().filter(|minor| row.minor.is_some_and(|own| own < *minor))
}

/// Whether the newest release has the newest minor already, so that nothing has to be declared.
pub(super) fn waits(row: &Row) -> bool {
    let newest = row.newest.as_deref().and_then(KubeVersion::of_numbers).map(|version| version.minor());
    released(row).is_some_and(|minor| Some(minor) >= newest)
}
