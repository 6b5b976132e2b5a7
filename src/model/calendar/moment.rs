//! The calendar at one moment, for many subjects. What the entries say together is decided here:
//! deny wins, and where there are allow windows one of them must be open.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};

use super::file::{Calendar, Entry, WindowKind};
use super::times::{Interval, Times};
use super::verdict::{Closed, ClosedBy, Subject, Verdict};

/// How far ahead is looked: ten years.
const HORIZON: SignedDuration = SignedDuration::from_hours(24 * 3_653);

/// A calendar at one moment. The intervals of each entry are found once, and the answer once for
/// all subjects that the same entries are for.
pub struct Moment<'a> {
    now: Timestamp,
    horizon: Timestamp,
    entries: Vec<(Entry<'a>, Times<'a>)>,
    answers: HashMap<Vec<usize>, Verdict>,
}

impl<'a> Moment<'a> {
    pub(super) fn new(calendar: &'a Calendar, now: Timestamp) -> Self {
        let horizon = now.saturating_add(HORIZON).unwrap_or(Timestamp::MAX);
        let entries = calendar.entries().map(|entry| (entry, Times::of(entry, now, horizon))).collect();
        Self { now, horizon, entries, answers: HashMap::new() }
    }

    /// Whether `subject` may change at this moment, and until or from when.
    pub fn verdict(&mut self, subject: &Subject<'_>) -> Verdict {
        let counts = |(entry, _): &(Entry<'_>, Times<'_>)| {
            !(subject.denies_only && entry.kind() == WindowKind::Allow) && entry.is_for(subject)
        };
        let which: Vec<usize> =
            self.entries.iter().enumerate().filter(|(_, e)| counts(e)).map(|(n, _)| n).collect();
        if let Some(known) = self.answers.get(&which) {
            return known.clone();
        }
        let (allow, deny) =
            which.iter().copied().partition(|n| self.entries[*n].0.kind() == WindowKind::Allow);
        let verdict = Together { moment: self, allow, deny }.verdict();
        self.answers.insert(which, verdict.clone());
        verdict
    }

    /// The first interval of an entry that ends after a moment.
    fn from(&mut self, n: usize, moment: Timestamp) -> Option<Interval> {
        self.entries.get_mut(n)?.1.from(moment)
    }
}

/// The entries that are for a subject, by number.
struct Together<'m, 'a> {
    moment: &'m mut Moment<'a>,
    allow: Vec<usize>,
    deny: Vec<usize>,
}

impl Together<'_, '_> {
    fn verdict(mut self) -> Verdict {
        let now = self.moment.now;
        if let Some((n, interval)) = self.denies(now) {
            let next_opening = self.opening();
            return Verdict::Closed(Closed { by: self.by(n), until: interval.end, next_opening });
        }
        if !self.allowed(now) {
            let windows = self.allow.iter().map(|n| self.moment.entries[*n].0.name().value.clone());
            let by = ClosedBy::NoneOpen { windows: windows.collect() };
            let until = self.allow_opens(now);
            return Verdict::Closed(Closed { by, until, next_opening: self.opening() });
        }
        Verdict::Open { closes: self.closing() }
    }

    fn by(&self, n: usize) -> ClosedBy {
        let entry = self.moment.entries[n].0;
        let name = entry.name().value.clone();
        match entry {
            Entry::Freeze(freeze) => ClosedBy::Freeze {
                name,
                author: freeze.value.author.value.clone(),
                reason: freeze.value.reason.value.clone(),
            },
            Entry::Window(window) => ClosedBy::Deny {
                name,
                reason: window.value.reason.as_ref().map(|reason| reason.value.clone()),
            },
        }
    }

    /// Of the denies that hold at a moment, the one that ends last; of those that end together, the
    /// last written: a freeze stands behind the windows.
    fn denies(&mut self, at: Timestamp) -> Option<(usize, Interval)> {
        let deny = self.deny.clone();
        let held = deny.into_iter().filter_map(|n| Some((n, self.moment.from(n, at)?)));
        held.filter(|(_, interval)| interval.holds(at))
            .max_by_key(|(_, interval)| interval.end.unwrap_or(Timestamp::MAX))
    }

    /// Whether an allow window is open at a moment, or none is for the subject.
    fn allowed(&mut self, at: Timestamp) -> bool {
        self.allow.is_empty() || self.open_until(at).is_some()
    }

    /// The end of the allow window that is open at a moment and ends last; of one that does not end
    /// before the horizon, the end of time.
    fn open_until(&mut self, at: Timestamp) -> Option<Timestamp> {
        let allow = self.allow.clone();
        let found = allow.into_iter().filter_map(|n| self.moment.from(n, at));
        found
            .filter(|interval| interval.holds(at))
            .map(|interval| interval.end.unwrap_or(Timestamp::MAX))
            .max()
    }

    /// When the next allow window begins that ends after a moment.
    fn allow_opens(&mut self, at: Timestamp) -> Option<Timestamp> {
        let allow = self.allow.clone();
        allow
            .into_iter()
            .filter_map(|n| Some(self.moment.from(n, at)?.start))
            .min()
            .map(|start| start.max(at))
    }

    /// The first moment from now on at which nothing forbids a change.
    fn opening(&mut self) -> Option<Timestamp> {
        let mut at = self.moment.now;
        // Each round moves to an end of a deny or a beginning of an allow, so it comes to its end.
        while at <= self.moment.horizon {
            if let Some((_, interval)) = self.denies(at) {
                at = interval.end?;
            } else if self.allowed(at) {
                return Some(at);
            } else {
                at = self.allow_opens(at)?;
            }
        }
        None
    }

    /// The first moment after now, at which it is open, that is closed.
    fn closing(&mut self) -> Option<Timestamp> {
        let now = self.moment.now;
        let deny = self.deny.clone();
        let denied = deny.into_iter().filter_map(|n| Some(self.moment.from(n, now)?.start)).min();
        let mut shut = None;
        if !self.allow.is_empty() {
            let mut at = now;
            // Windows that touch or overlap are one.
            while let Some(end) = self.open_until(at).filter(|_| at <= self.moment.horizon) {
                at = end;
            }
            shut = Some(at);
        }
        denied.into_iter().chain(shut).min().filter(|closes| *closes <= self.moment.horizon)
    }
}
