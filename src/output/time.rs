//! Time for people: how long ago, how long still, and at what time of day. Programs read RFC 3339
//! in UTC, which is how times serialize.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::model::{Duration, time_between};

/// From where a person looks at time: now, and the zone of their clock.
#[derive(Debug, Clone)]
pub struct Viewpoint {
    /// Now.
    pub now: Timestamp,
    /// The zone in which times of day are told.
    pub zone: TimeZone,
}

impl Viewpoint {
    /// `3 m ago`, `in 2 h 5 m`, `now`.
    pub fn relative(&self, at: Timestamp) -> String {
        if at > self.now {
            format!("in {}", time_between(self.now, at))
        } else if Duration::between(at, self.now).is_zero() {
            "now".to_owned()
        } else {
            format!("{} ago", time_between(at, self.now))
        }
    }

    /// How long ago in the largest unit alone, where room is short: `41 m`.
    pub fn brief(&self, at: Timestamp) -> String {
        let text = time_between(at, self.now);
        text.split(' ').take(2).collect::<Vec<_>>().join(" ")
    }

    /// The time of day, with the date unless it is today's: `09:14`, `2026-11-20 09:14`.
    pub fn clock(&self, at: Timestamp) -> String {
        let at = at.to_zoned(self.zone.clone());
        let today = self.now.to_zoned(self.zone.clone());
        if at.date() == today.date() {
            at.strftime("%H:%M").to_string()
        } else {
            at.strftime("%Y-%m-%d %H:%M").to_string()
        }
    }

    /// The time of day with seconds, for lines of a log: `09:14:07`.
    pub fn log(&self, at: Timestamp) -> String {
        at.to_zoned(self.zone.clone()).strftime("%H:%M:%S").to_string()
    }

    /// `since 09:14 (5 h 20 m)`.
    pub fn since(&self, at: Timestamp) -> String {
        format!("since {} ({})", self.clock(at), time_between(at, self.now))
    }

    /// `09:14 (in 20 m)`.
    pub fn until(&self, at: Timestamp) -> String {
        format!("{} ({})", self.clock(at), self.relative(at))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn view() -> Viewpoint {
        Viewpoint { now: "2026-11-21T14:34:10Z".parse().unwrap(), zone: TimeZone::UTC }
    }

    #[test]
    fn the_past_and_the_future_are_told_in_the_two_largest_units() {
        let view = view();
        assert_eq!(view.relative("2026-11-21T14:34:10Z".parse().unwrap()), "now");
        assert_eq!(view.relative("2026-11-21T14:31:04Z".parse().unwrap()), "3 m 6 s ago");
        assert_eq!(view.relative("2026-11-23T17:34:10Z".parse().unwrap()), "in 2 d 3 h");
        assert_eq!(view.relative("2999-01-31T00:00:00Z".parse().unwrap()), "in 355086 d 9 h");
        assert_eq!(view.brief("2026-11-21T12:14:10Z".parse().unwrap()), "2 h");
    }

    #[test]
    fn the_date_is_told_unless_it_is_todays() {
        let view = view();
        assert_eq!(view.clock("2026-11-21T09:14:00Z".parse().unwrap()), "09:14");
        assert_eq!(view.clock("2026-11-20T09:14:00Z".parse().unwrap()), "2026-11-20 09:14");
        assert_eq!(view.since("2026-11-21T09:14:10Z".parse().unwrap()), "since 09:14 (5 h 20 m)");
    }

    #[test]
    fn today_is_a_day_of_the_viewers_zone() {
        let mut view = view();
        view.zone = TimeZone::fixed(jiff::tz::offset(10));
        // 2026-11-22 00:34 there; what was yesterday evening there is told with its date.
        assert_eq!(view.clock("2026-11-21T13:00:00Z".parse().unwrap()), "2026-11-21 23:00");
        assert_eq!(view.clock("2026-11-21T14:10:00Z".parse().unwrap()), "00:10");
    }
}
