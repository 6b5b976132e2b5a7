//! A second, slow way to the same answers: every minute is looked at by itself, with nothing but
//! local times and the offsets of the zone. It shares the parser of schedules with the real one and
//! no other line.

use jiff::{SignedDuration, Timestamp};

use super::*;
use crate::model::WindowKind;

const MINUTE: SignedDuration = SignedDuration::from_mins(1);

/// Whether an entry is in force in the minute that begins at `at`. All times are whole minutes.
pub fn holds(entry: Entry<'_>, at: Timestamp) -> bool {
    match entry {
        Entry::Freeze(freeze) => {
            let zone = freeze.value.time_zone.as_ref().map(|z| &z.value);
            between(&freeze.value.from.value, &freeze.value.until.value, zone, at)
        }
        Entry::Window(window) => {
            let window = &window.value;
            let zone = window.time_zone.as_ref().map(|z| &z.value);
            match (&window.schedule, &window.length) {
                (Some(schedule), Some(length)) => {
                    recurring(&schedule.value, length.as_seconds(), zone.unwrap(), at)
                }
                _ => between(
                    &window.from.as_ref().unwrap().value,
                    &window.until.as_ref().unwrap().value,
                    zone,
                    at,
                ),
            }
        }
    }
}

fn between(from: &When, until: &When, zone: Option<&Zone>, at: Timestamp) -> bool {
    let bounds = |local: jiff::civil::DateTime, end: bool| reached(local, zone.unwrap(), at, end);
    let begun = match from {
        When::Moment(moment) => *moment <= at,
        When::Local(local) => bounds(*local, false),
        When::Day(day) => bounds(day.at(0, 0, 0, 0), false),
    };
    let ended = match until {
        When::Moment(moment) => *moment <= at,
        When::Local(local) => bounds(*local, true),
        When::Day(day) => bounds(day.tomorrow().unwrap().at(0, 0, 0, 0), true),
    };
    begun && !ended
}

/// Whether clocks have shown a local time (or jumped over it) by a moment: for an end, for the last
/// time.
fn reached(local: jiff::civil::DateTime, zone: &Zone, at: Timestamp, last: bool) -> bool {
    // No clock is set back by more than three hours, so far from the time one look is enough.
    let far = SignedDuration::from_hours(4);
    if zone.civil(at) < local - far {
        return false;
    }
    if zone.civil(at) > local + far {
        return true;
    }
    if last {
        // Not while the clock shows less, and not if it will show less again within the next hours.
        (0..=180).all(|n| zone.civil(at + MINUTE * n) >= local)
    } else {
        // As soon as the clock showed it or more, even if it was set back since.
        (0..=180).any(|n| zone.civil(at - MINUTE * n) >= local)
    }
}

fn recurring(schedule: &Schedule, seconds: u64, zone: &Zone, at: Timestamp) -> bool {
    let length = SignedDuration::from_secs(i64::try_from(seconds).unwrap());
    let mut begins = schedule.at_or_after(zone.civil(at) - length - SignedDuration::from_hours(30));
    while let Some(local) = begins.filter(|local| *local <= zone.civil(at) + SignedDuration::from_hours(30)) {
        if reached(local, zone, at, false) && !reached(local + length, zone, at, true) {
            return true;
        }
        begins = schedule.after(local);
    }
    false
}

/// Whether a subject may change in the minute that begins at `at`.
pub fn is_open(calendar: &Calendar, subject: &Subject<'_>, at: Timestamp) -> bool {
    let entries: Vec<Entry<'_>> = calendar.entries().filter(|entry| entry.is_for(subject)).collect();
    let any = |kind| entries.iter().any(|entry| entry.kind() == kind && holds(*entry, at));
    let allows = entries.iter().any(|entry| entry.kind() == WindowKind::Allow);
    !any(WindowKind::Deny) && (!allows || any(WindowKind::Allow))
}
