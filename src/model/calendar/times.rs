//! When one entry of the calendar is in force: its intervals in time, one after another, those that
//! touch or overlap as one.
//!
//! Local times become moments here. A window begins and ends when the clock on the wall says so:
//! `for` counts on the wall, so that 22:00 for 8h ends at 06:00 in every night of the year. A
//! beginning that clocks skip is the moment of the jump; one that they show twice is the first of
//! the two, an end the last. A window that lies in skipped time altogether does not take place.

use jiff::civil::DateTime;
use jiff::{SignedDuration, Timestamp};

use super::file::{Entry, WindowKind};
use super::{Schedule, Zone};

/// From the first moment to the first one after; without an end if that is beyond the horizon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interval {
    pub start: Timestamp,
    pub end: Option<Timestamp>,
}

impl Interval {
    pub fn holds(&self, moment: Timestamp) -> bool {
        self.start <= moment && self.ends_after(moment)
    }

    pub fn ends_after(&self, moment: Timestamp) -> bool {
        self.end.is_none_or(|end| end > moment)
    }
}

/// What a window's times come from.
enum Rule<'a> {
    Once(Interval),
    Again {
        schedule: &'a Schedule,
        seconds: i64,
        zone: &'a Zone,
    },
    /// What it says makes no interval, which `check` finds.
    Nothing,
}

/// The intervals of one entry from a moment on, found as they are asked for.
pub struct Times<'a> {
    rule: Rule<'a>,
    horizon: Timestamp,
    found: Vec<Interval>,
    /// The local time at which the next search begins; none when there is nothing more to find.
    next: Option<DateTime>,
    /// An occurrence that was found and belongs to the interval after the last.
    ahead: Option<(Timestamp, Timestamp)>,
    /// Where occurrences are of interest.
    since: Timestamp,
}

/// No zone's clocks ever jumped further than a day (Apia, 2011).
const JUMP: i64 = 26 * 3_600;

impl<'a> Times<'a> {
    /// Those of an entry that end after `since`, as far as they begin before `horizon`.
    pub fn of(entry: Entry<'a>, since: Timestamp, horizon: Timestamp) -> Self {
        let rule = Rule::of(entry);
        let mut times = Self { rule, horizon, found: Vec::new(), next: None, ahead: None, since };
        match &times.rule {
            Rule::Once(interval) if interval.ends_after(since) => times.found.push(*interval),
            Rule::Once(_) | Rule::Nothing => {}
            Rule::Again { seconds, zone, .. } => {
                let back = SignedDuration::from_secs(seconds.saturating_add(JUMP));
                times.next = Some(zone.civil(since).saturating_sub(back));
                times.step_ahead(true);
            }
        }
        times
    }

    /// The first interval that ends after `moment`, which is not before the beginning of the search.
    pub fn from(&mut self, moment: Timestamp) -> Option<Interval> {
        let mut n = self.found.partition_point(|interval| !interval.ends_after(moment));
        loop {
            match self.found.get(n) {
                Some(interval) if interval.ends_after(moment) => return Some(*interval),
                Some(_) => n += 1,
                None => {
                    let next = self.merged()?;
                    self.found.push(next);
                }
            }
        }
    }

    /// The next interval, with all occurrences that touch it.
    fn merged(&mut self) -> Option<Interval> {
        let (start, mut end) = self.ahead.take()?;
        loop {
            self.step_ahead(false);
            match self.ahead {
                Some((next, last)) if next <= end => end = end.max(last),
                _ => break,
            }
            if end > self.horizon {
                return Some(Interval { start, end: None });
            }
        }
        Some(Interval { start, end: Some(end) })
    }

    /// Finds the next occurrence.
    fn step_ahead(&mut self, mut inclusive: bool) {
        self.ahead = None;
        let Rule::Again { schedule, seconds, zone } = &self.rule else { return };
        while let Some(local) = self.next.take() {
            let begins = if inclusive { schedule.at_or_after(local) } else { schedule.after(local) };
            inclusive = false;
            let Some(begins) = begins else { return };
            let ends = begins.checked_add(SignedDuration::from_secs(*seconds)).ok();
            let (Some(start), Some(end)) = (zone.first(begins), ends.and_then(|ends| zone.last(ends))) else {
                return;
            };
            if start > self.horizon {
                return;
            }
            self.next = Some(begins);
            if end > start && end > self.since {
                self.ahead = Some((start, end));
                return;
            }
        }
    }
}

impl<'a> Rule<'a> {
    fn of(entry: Entry<'a>) -> Self {
        let rule = match entry {
            Entry::Freeze(freeze) => {
                let zone = freeze.value.time_zone.as_ref().map(|zone| &zone.value);
                Self::once(freeze.value.from.value.start(zone), freeze.value.until.value.end(zone))
            }
            Entry::Window(window) => {
                let window = &window.value;
                let zone = window.time_zone.as_ref().map(|zone| &zone.value);
                match (&window.schedule, &window.length, &window.from, &window.until) {
                    (Some(schedule), Some(length), None, None) => zone.map(|zone| Self::Again {
                        schedule: &schedule.value,
                        seconds: i64::try_from(length.value.as_seconds()).unwrap_or(i64::MAX),
                        zone,
                    }),
                    (None, None, Some(from), Some(until)) => {
                        Self::once(from.value.start(zone), until.value.end(zone))
                    }
                    _ => None,
                }
            }
        };
        // What can't be read holds: a deny always, an allow never.
        rule.unwrap_or(match entry.kind() {
            WindowKind::Allow => Self::Nothing,
            WindowKind::Deny => Self::Once(Interval { start: Timestamp::MIN, end: None }),
        })
    }

    fn once(start: Option<Timestamp>, end: Option<Timestamp>) -> Option<Self> {
        let (start, end) = (start?, end?);
        Some(if start < end { Self::Once(Interval { start, end: Some(end) }) } else { Self::Nothing })
    }
}
