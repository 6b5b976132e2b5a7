//! Countdowns: by which day the first wave must start, for the last wave of the last hop to be through before
//! support ends. Whole days and integers alone; what does not fill a day counts as one.

use jiff::civil::Date;

use super::days;
use crate::diag::count;
use crate::model::Duration;

const DAY: u64 = 86_400;

/// What an upgrade takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Estimate {
    /// How long each wave takes, its soak included, in their order.
    pub waves: Vec<Duration>,
    /// How many times all of them are gone through: one for each minor of the way. A hop begins when the one
    /// before it is through everywhere.
    pub hops: u32,
    /// The days that shall be left in the end.
    pub margin: u32,
}

impl Estimate {
    /// The whole days that all hops take, at least one.
    pub fn days(&self) -> u64 {
        let each = self.waves.iter().fold(0_u64, |sum, wave| sum.saturating_add(wave.as_seconds()));
        each.saturating_mul(u64::from(self.hops)).div_ceil(DAY).max(1)
    }
}

/// By when somebody must begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Countdown {
    /// The day that this is about.
    pub today: Date,
    /// The last day of support.
    pub end: Date,
    /// The days that the way takes.
    pub takes: u64,
    /// How many hops those are.
    pub hops: u32,
    /// The days that shall be left in the end.
    pub margin: u32,
    /// The verdict.
    pub start: Start,
}

/// When the first wave must start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// On this day at the latest.
    By {
        /// The day.
        day: Date,
        /// The days till then; 0 is today.
        left: i64,
    },
    /// So many days ago: there is not enough time left.
    TooLate {
        /// The days, at least one.
        by: i64,
    },
}

/// By when the first wave must start for all to be over on the last day of support, the margin before it.
/// Whoever starts at any time of that day and takes the whole estimate is through by then.
pub fn countdown(end: Date, today: Date, estimate: &Estimate) -> Countdown {
    let takes = estimate.days();
    let needed = i64::try_from(takes).unwrap_or(i64::MAX).saturating_add(i64::from(estimate.margin));
    let left = days(today, end).saturating_sub(needed);
    let day = u64::try_from(left).ok().and_then(|_| {
        let span = jiff::Span::new().try_days(left).ok()?;
        today.checked_add(span).ok()
    });
    let start = match day {
        Some(day) => Start::By { day, left },
        None => Start::TooLate { by: left.saturating_neg().max(1) },
    };
    Countdown { today, end, takes, hops: estimate.hops, margin: estimate.margin, start }
}

impl Countdown {
    /// In a few words, for where there is little room.
    pub fn short(&self) -> String {
        match self.start {
            Start::By { day, left } => format!("the first wave must start by {day}, {}", when(left)),
            Start::TooLate { by } => format!("the first wave is {} late", count(by, "day")),
        }
    }

    /// In words, for what (`EKS 1.34`) leaves which support (`standard support`).
    pub fn words(&self, what: &str, support: &str) -> String {
        let hops = if self.hops > 1 { format!("{}, ", count(self.hops, "hop")) } else { String::new() };
        let spare = match self.margin {
            0 => String::new(),
            margin => format!(" and {} to spare", count(margin, "day")),
        };
        let why = format!("({hops}about {}{spare})", count(self.takes, "day"));
        match self.start {
            Start::By { day, left } => {
                format!(
                    "to upgrade before {what} leaves {support} on {} the first wave must start by {day}, {} {why}",
                    self.end,
                    when(left)
                )
            }
            Start::TooLate { by } if self.end < self.today => format!(
                "{what} left {support} on {}: the first wave is {} late {why}",
                self.end,
                count(by, "day")
            ),
            Start::TooLate { by } => format!(
                "{what} leaves {support} on {}, and it is too late to be through by then: the first wave is {} late {why}",
                self.end,
                count(by, "day")
            ),
        }
    }
}

/// When something is that is so many days ahead.
fn when(left: i64) -> String {
    match left {
        0 => "today".to_owned(),
        1 => "tomorrow".to_owned(),
        left => format!("in {}", count(left, "day")),
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use proptest::prelude::*;

    use super::*;

    fn estimate(hours: &[u64], hops: u32, margin: u32) -> Estimate {
        Estimate { waves: hours.iter().map(|n| Duration::hours(*n)).collect(), hops, margin }
    }

    fn told(end: Date, estimate: &Estimate) -> String {
        countdown(end, date(2026, 11, 22), estimate).words("EKS 1.34", "standard support")
    }

    #[test]
    fn the_first_wave_must_start_early_enough_for_the_last_one() {
        assert_eq!(
            told(date(2026, 12, 15), &estimate(&[4, 30, 30], 2, 3)),
            "to upgrade before EKS 1.34 leaves standard support on 2026-12-15 the first wave must start by \
             2026-12-06, in 14 days (2 hops, about 6 days and 3 days to spare)"
        );
        let tight = told(date(2026, 11, 23), &estimate(&[1], 1, 0));
        assert!(tight.ends_with("must start by 2026-11-22, today (about 1 day)"), "{tight}");
    }

    #[test]
    fn too_late_says_by_how_much() {
        assert_eq!(
            told(date(2026, 12, 2), &estimate(&[24, 48], 4, 5)),
            "EKS 1.34 leaves standard support on 2026-12-02, and it is too late to be through by then: the \
             first wave is 7 days late (4 hops, about 12 days and 5 days to spare)"
        );
        assert_eq!(
            told(date(2026, 11, 21), &estimate(&[24], 1, 0)),
            "EKS 1.34 left standard support on 2026-11-21: the first wave is 2 days late (about 1 day)"
        );
    }

    #[test]
    fn figures_beyond_any_calendar_are_too_late_and_nothing_worse() {
        let huge =
            Estimate { waves: vec![Duration::seconds(u64::MAX); 100], hops: u32::MAX, margin: u32::MAX };
        for end in [Date::MIN, date(2026, 12, 2), Date::MAX] {
            for today in [Date::MIN, Date::MAX] {
                assert!(matches!(countdown(end, today, &huge).start, Start::TooLate { .. }));
            }
        }
        assert!(matches!(countdown(Date::MAX, Date::MIN, &estimate(&[], 0, 0)).start, Start::By { .. }));
    }

    proptest! {
        #[test]
        fn who_starts_by_then_is_through_in_time_and_who_starts_a_day_later_is_not(
            till in -400_i64..4000, hours in prop::collection::vec(0..400_u64, 0..6), hops in 0..6_u32, margin in 0..60_u32,
        ) {
            let today = date(2026, 11, 22);
            let end = today + jiff::Span::new().days(till);
            let estimate = estimate(&hours, hops, margin);
            let takes = i64::try_from(estimate.days()).unwrap() + i64::from(margin);
            match countdown(end, today, &estimate).start {
                Start::By { day, left } => {
                    prop_assert_eq!(days(today, day), left);
                    prop_assert_eq!(days(day, end), takes);
                }
                Start::TooLate { by } => prop_assert_eq!(till + by, takes),
            }
            // Nothing makes it later: not another hop, not a longer margin.
            let more = Estimate { hops: hops + 1, margin: margin + 1, ..estimate.clone() };
            let left = |estimate: &Estimate| match countdown(end, today, estimate).start {
                Start::By { left, .. } => left,
                Start::TooLate { by } => -by,
            };
            prop_assert!(left(&more) < left(&estimate));
        }
    }
}
