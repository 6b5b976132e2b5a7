//! The course of an upgrade through the fleet: its waves in their order, and by which day the first must start
//! when the calendar is counted in. A wave's work goes on only while its clusters may change; its soak goes on
//! in any case. The later somebody starts, the later all is over: so the last good day is searched by halves.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::countdown::{Countdown, Estimate, Start, countdown};
use crate::model::calendar::{Calendar, Closed, ClosedBy, Subject, Verdict};
use crate::model::{ClusterName, Duration, Labels, Lane, WaveName};

/// How long one minor takes where nobody knows waves.
const WITHOUT_WAVES: Duration = Duration::hours(24);

/// How many openings of one wave are looked at: enough for an hour a night through ten years.
const OPENINGS: usize = 4_000;

/// How far ahead an end is looked for, in days.
const FARTHEST: i64 = 3_650;

/// What each minor of an upgrade goes through.
#[derive(Debug, Clone, Default)]
pub struct Course {
    /// The lane.
    pub lane: Lane,
    /// The waves with clusters, in order.
    pub waves: Vec<CourseWave>,
    /// When the fleet may change.
    pub calendar: Calendar,
    /// What the lengths rest on, in words.
    pub basis: String,
}

/// A wave.
#[derive(Debug, Clone)]
pub struct CourseWave {
    /// Its name.
    pub name: WaveName,
    /// Its clusters with their labels.
    pub clusters: BTreeMap<ClusterName, Labels>,
    /// How long the work on them takes.
    pub work: Duration,
    /// How long it must stay well afterwards.
    pub soak: Duration,
}

/// By when an upgrade must begin, and how that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deadline {
    /// What it is about: `EKS 1.34`.
    pub of: String,
    /// Which support ends.
    pub support: &'static str,
    /// Where the last of its hops leads.
    pub to: String,
    /// The day.
    pub countdown: Countdown,
    /// What of the calendar makes it an earlier one, by name.
    pub closed: Vec<String>,
    /// What the lengths rest on, in words.
    pub basis: String,
}

impl Deadline {
    /// In a sentence.
    pub fn words(&self) -> String {
        let mut words = self.countdown.words(&self.of, self.support);
        if !self.closed.is_empty() {
            words.push_str(&format!("; the calendar is in the way: {}", self.closed.join(", ")));
        }
        if !self.basis.is_empty() {
            words.push_str(&format!("; {}", self.basis));
        }
        words
    }
}

/// One wave as the calendar sees it: of clusters for which the same entries count, one stands for all.
struct Stage<'c> {
    wave: &'c CourseWave,
    groups: Vec<&'c Labels>,
}

impl Course {
    /// By when the first wave must start, for so many hops of these clusters to be over on the last day of
    /// support; and which entries of the calendar make that an earlier day than the lengths alone would.
    pub fn countdown(
        &self,
        clusters: &BTreeSet<ClusterName>,
        end: Date,
        today: Date,
        hops: u32,
    ) -> (Countdown, Vec<String>) {
        let stages = self.stages(clusters);
        let lengths = |stage: &Stage<'_>| {
            Duration::seconds(stage.wave.work.as_seconds().saturating_add(stage.wave.soak.as_seconds()))
        };
        let mut waves: Vec<Duration> = stages.iter().map(lengths).collect();
        if waves.is_empty() {
            waves.push(WITHOUT_WAVES);
        }
        let plain = countdown(end, today, &Estimate { waves, hops, margin: 0 });
        let Start::By { left, .. } = plain.start else { return (plain, Vec::new()) };
        let Some(until) = midnight(end, 1).filter(|_| !self.calendar.is_empty()) else {
            return (plain, Vec::new());
        };
        let mut closed = BTreeSet::new();
        let mut in_time = |day: i64| match midnight(today, day.saturating_add(1)) {
            Some(begin) => self.through(&stages, begin, hops, until, &mut closed).is_some(),
            None => false,
        };
        if in_time(left) {
            return (plain, Vec::new());
        }
        // In time on `good`, too late on `late`; the day before today is in time by definition.
        let (mut good, mut late) = (-1, left);
        while late - good > 1 {
            let middle = good + (late - good) / 2;
            if in_time(middle) { good = middle } else { late = middle }
        }
        let closed = closed.into_iter().collect();
        let start = match today.checked_add(jiff::Span::new().days(good.max(0))) {
            Ok(day) if good >= 0 => Start::By { day, left: good },
            _ => Start::TooLate { by: self.lateness(&stages, today, hops, until) },
        };
        (Countdown { start, ..plain }, closed)
    }

    /// The waves up to the last one with any of these clusters, as the calendar sees them; all if none is known.
    fn stages(&self, clusters: &BTreeSet<ClusterName>) -> Vec<Stage<'_>> {
        let has = |wave: &CourseWave| wave.clusters.keys().any(|name| clusters.contains(name));
        let last = self.waves.iter().rposition(has).map_or(self.waves.len(), |last| last + 1);
        let stage = |wave| Stage { wave, groups: self.groups(wave) };
        self.waves.iter().take(last).map(stage).collect()
    }

    /// Labels of a cluster for each set of entries that some clusters of a wave have.
    fn groups<'c>(&self, wave: &'c CourseWave) -> Vec<&'c Labels> {
        let concerning = |labels: &Labels| -> Vec<usize> {
            let subject = Subject::new(self.lane, &wave.name, labels);
            let entries = self.calendar.entries().enumerate();
            entries.filter(|(_, entry)| entry.is_for(&subject)).map(|(number, _)| number).collect()
        };
        let groups: BTreeMap<Vec<usize>, &Labels> =
            wave.clusters.values().map(|labels| (concerning(labels), labels)).collect();
        groups.into_values().collect()
    }

    /// When all is over that begins at a moment; nothing if that is after `until`. What was found closed is
    /// noted.
    fn through(
        &self,
        stages: &[Stage<'_>],
        begin: Timestamp,
        hops: u32,
        until: Timestamp,
        closed: &mut BTreeSet<String>,
    ) -> Option<Timestamp> {
        let mut at = begin;
        for _ in 0..hops {
            for stage in stages {
                let mut worked = at;
                for labels in &stage.groups {
                    let subject = Subject::new(self.lane, &stage.wave.name, labels);
                    worked = worked.max(self.worked(&subject, at, stage.wave.work, until, closed)?);
                }
                at = stage.wave.soak.after(worked);
            }
            if at > until {
                return None;
            }
        }
        Some(at)
    }

    /// When so much work is done that begins at a moment.
    fn worked(
        &self,
        subject: &Subject<'_>,
        begin: Timestamp,
        work: Duration,
        until: Timestamp,
        closed: &mut BTreeSet<String>,
    ) -> Option<Timestamp> {
        let (mut at, mut left) = (begin, work);
        for _ in 0..OPENINGS {
            match self.calendar.at(at, subject) {
                Verdict::Open { closes } => {
                    let open = closes.map(|closes| Duration::between(at, closes));
                    match closes.zip(open).filter(|(_, open)| *open < left) {
                        Some((closes, open)) => {
                            left = Duration::seconds(left.as_seconds().saturating_sub(open.as_seconds()));
                            at = closes;
                        }
                        None => return Some(left.after(at)),
                    }
                }
                Verdict::Closed(found) => {
                    closed.extend(names(&found));
                    at = found.next_opening?;
                }
            }
            if at > until {
                return None;
            }
        }
        None
    }

    /// How many days after `until` it is over if it begins today; at least one.
    fn lateness(&self, stages: &[Stage<'_>], today: Date, hops: u32, until: Timestamp) -> i64 {
        let over = midnight(today, 1).and_then(|begin| {
            self.through(stages, begin, hops, midnight(today, FARTHEST)?, &mut BTreeSet::new())
        });
        let late = |over| Duration::between(until, over).as_seconds().div_ceil(86_400);
        over.map(late).and_then(|days| i64::try_from(days).ok()).unwrap_or(FARTHEST).max(1)
    }
}

/// The names of what is closed.
fn names(closed: &Closed) -> Vec<String> {
    match &closed.by {
        ClosedBy::Freeze { name, .. } | ClosedBy::Deny { name, .. } => vec![name.to_string()],
        ClosedBy::NoneOpen { windows } => windows.iter().map(ToString::to_string).collect(),
    }
}

/// The beginning of a day in UTC, so many days later.
fn midnight(day: Date, later: i64) -> Option<Timestamp> {
    let day = day.checked_add(jiff::Span::new().try_days(later).ok()?).ok()?;
    Some(day.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

#[cfg(test)]
#[path = "course_tests.rs"]
mod tests;
