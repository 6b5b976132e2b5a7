//! Where a cycle stands on a day: which phase of support it is in, what ends next and in how many days, in
//! words for people. The last day of a phase still belongs to it.

use jiff::civil::Date;

use super::cycle::{End, Ends};
use super::days;
use crate::diag::count;

/// A phase of support; they follow each other in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Errors of all kinds are mended.
    Active,
    /// Only what is dangerous is mended.
    SecurityOnly,
    /// Only for those who pay for it, or by somebody else.
    Extended,
    /// Nobody mends anything.
    Ended,
    /// Nobody says, or nobody can read what is said.
    Unknown,
}

impl Phase {
    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::SecurityOnly => "security-only",
            Self::Extended => "extended",
            Self::Ended => "ended",
            Self::Unknown => "unknown",
        }
    }
}

/// Where a cycle stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// The day that this is about.
    pub today: Date,
    /// The phase that it is in.
    pub phase: Phase,
    /// The end that is nearest and still to come.
    pub next: Option<Date>,
    /// The last day of support without extra conditions, past or to come.
    pub life: Option<Date>,
    /// The last day of extended support, past or to come.
    pub extended: Option<Date>,
}

impl Standing {
    /// Where a cycle with these ends stands on a day.
    pub fn of(ends: &Ends, today: Date) -> Self {
        let coming = [ends.active, ends.life, ends.extended].into_iter().filter_map(End::day);
        let phase = phase(ends, today);
        let is_over = matches!(phase, Phase::Ended | Phase::Unknown);
        let next = coming.filter(|day| *day >= today && !is_over).min();
        Self { today, phase, next, life: ends.life.day(), extended: ends.extended.day() }
    }

    /// Nobody knows where it stands.
    pub fn unknown(today: Date) -> Self {
        Self { today, phase: Phase::Unknown, next: None, life: None, extended: None }
    }

    /// The last day on which anybody mends anything as things are now: of extended support once that has
    /// begun, else of support without extra conditions.
    pub fn end(&self) -> Option<Date> {
        match self.phase {
            Phase::Active | Phase::SecurityOnly => self.life,
            Phase::Extended => self.extended,
            Phase::Ended => self.life.max(self.extended),
            Phase::Unknown => None,
        }
    }

    /// The days till then: 0 on the last day, below zero afterwards.
    pub fn days_left(&self) -> Option<i64> {
        self.end().map(|end| days(self.today, end))
    }

    /// In a word or a day, for a column: the last day while there is one to come.
    pub fn short(&self) -> String {
        match (self.phase, self.end()) {
            (Phase::Ended | Phase::Unknown, _) => self.phase.word().to_owned(),
            (_, Some(day)) => day.to_string(),
            (_, None) => "-".to_owned(),
        }
    }

    /// In words: `support ends in 23 days, on 2026-12-15`.
    pub fn words(&self) -> String {
        match self.phase {
            Phase::Active => self.supported(""),
            Phase::SecurityOnly => self.supported("only security is mended; "),
            Phase::Extended => {
                let before = match self.life {
                    Some(day) => format!("standard support ended on {day}; "),
                    None => "standard support is over; ".to_owned(),
                };
                match self.extended {
                    Some(day) => format!("{before}extended support ends {}", self.when(day)),
                    None => format!("{before}extended support goes on, no end is announced"),
                }
            }
            Phase::Ended => match self.end() {
                Some(day) if day < self.today => format!("end of life since {day}"),
                _ => "end of life, nobody says since when".to_owned(),
            },
            Phase::Unknown => "nobody says until when it is supported".to_owned(),
        }
    }

    fn supported(&self, before: &str) -> String {
        match self.life {
            Some(day) => format!("{before}support ends {}", self.when(day)),
            None => format!("{before}supported, no end is announced"),
        }
    }

    fn when(&self, day: Date) -> String {
        match days(self.today, day) {
            0 => format!("today, {day}"),
            1 => format!("tomorrow, on {day}"),
            left => format!("in {}, on {day}", count(left, "day")),
        }
    }
}

fn phase(ends: &Ends, today: Date) -> Phase {
    let active = ends.active.over(today);
    match (ends.life.over(today), ends.extended.over(today)) {
        (Some(false), _) if active == Some(true) => Phase::SecurityOnly,
        (Some(false), _) => Phase::Active,
        (Some(true), Some(false)) => Phase::Extended,
        (Some(true), _) | (None, Some(true)) => Phase::Ended,
        // Without an end of life only what is said of other phases counts.
        (None, _) if ends.maintained == Some(false) => Phase::Ended,
        (None, _) if active == Some(false) => Phase::Active,
        (None, _) => Phase::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use proptest::prelude::*;

    use super::*;

    fn ends(active: End, life: End, extended: End) -> Ends {
        Ends { active, life, extended, ..Ends::default() }
    }

    fn on(text: &str) -> End {
        End::On(text.parse().unwrap())
    }

    fn told(ends: &Ends, today: &str) -> (Phase, String) {
        let standing = Standing::of(ends, today.parse().unwrap());
        (standing.phase, standing.words())
    }

    #[test]
    fn the_phases_follow_each_other_and_their_last_days_belong_to_them() {
        let all = ends(on("2026-10-01"), on("2026-12-02"), on("2027-12-02"));
        for (day, phase, words) in [
            ("2026-10-01", Phase::Active, "support ends in 62 days, on 2026-12-02"),
            (
                "2026-10-02",
                Phase::SecurityOnly,
                "only security is mended; support ends in 61 days, on 2026-12-02",
            ),
            (
                "2026-12-01",
                Phase::SecurityOnly,
                "only security is mended; support ends tomorrow, on 2026-12-02",
            ),
            ("2026-12-02", Phase::SecurityOnly, "only security is mended; support ends today, 2026-12-02"),
            (
                "2026-12-03",
                Phase::Extended,
                "standard support ended on 2026-12-02; extended support ends in 364 days, on 2027-12-02",
            ),
            ("2027-12-03", Phase::Ended, "end of life since 2027-12-02"),
        ] {
            assert_eq!(told(&all, day), (phase, words.to_owned()), "{day}");
        }
    }

    #[test]
    fn days_that_are_missing_are_told_and_nothing_silent_is_supported() {
        let none = End::Absent;
        for (ends, phase, words) in [
            (ends(none, none, none), Phase::Unknown, "nobody says until when it is supported"),
            (ends(none, End::Open, none), Phase::Active, "supported, no end is announced"),
            (
                ends(End::Past, End::Open, none),
                Phase::SecurityOnly,
                "only security is mended; supported, no end is announced",
            ),
            (ends(none, End::Past, none), Phase::Ended, "end of life, nobody says since when"),
            (
                ends(none, End::Past, End::Open),
                Phase::Extended,
                "standard support is over; extended support goes on, no end is announced",
            ),
            (ends(none, End::Past, End::Past), Phase::Ended, "end of life, nobody says since when"),
            (ends(End::Past, none, none), Phase::Unknown, "nobody says until when it is supported"),
            (ends(End::Open, none, none), Phase::Active, "supported, no end is announced"),
            (ends(none, none, End::Open), Phase::Unknown, "nobody says until when it is supported"),
        ] {
            assert_eq!(told(&ends, "2026-11-22"), (phase, words.to_owned()), "{ends:?}");
        }
        let unmaintained = Ends { maintained: Some(false), ..Ends::default() };
        assert_eq!(told(&unmaintained, "2026-11-22").0, Phase::Ended);
        let maintained = Ends { maintained: Some(true), ..Ends::default() };
        assert_eq!(told(&maintained, "2026-11-22").0, Phase::Unknown, "it follows from nothing that is said");
    }

    #[test]
    fn what_is_left_is_counted_to_the_end_that_matters() {
        let all = ends(on("2026-11-25"), on("2026-12-02"), on("2027-12-02"));
        let at = |day: &str| Standing::of(&all, day.parse().unwrap());
        assert_eq!(
            (at("2026-11-22").next, at("2026-11-22").days_left()),
            (Some(date(2026, 11, 25)), Some(10))
        );
        assert_eq!(
            (at("2026-11-26").next, at("2026-12-03").days_left()),
            (Some(date(2026, 12, 2)), Some(364))
        );
        assert_eq!(
            (at("2026-11-22").short(), at("2028-01-01").short()),
            ("2026-12-02".into(), "ended".into())
        );
        assert_eq!((at("2028-01-01").next, at("2027-12-04").days_left()), (None, Some(-2)));
    }

    fn any_end() -> impl Strategy<Value = End> {
        let day = (0..4000_i64).prop_map(|n| End::On(date(2020, 1, 1) + jiff::Span::new().days(n)));
        prop_oneof![Just(End::Absent), Just(End::Open), Just(End::Past), day]
    }

    proptest! {
        #[test]
        fn no_day_brings_an_earlier_phase_back(
            active in any_end(), life in any_end(), extended in any_end(),
            first in 0..4000_i64, later in 0..4000_i64,
        ) {
            let all = ends(active, life, extended);
            let at = |n: i64| Standing::of(&all, date(2020, 1, 1) + jiff::Span::new().days(n));
            let (one, other) = (at(first), at(first + later));
            if one.phase != Phase::Unknown && other.phase != Phase::Unknown {
                prop_assert!(one.phase <= other.phase);
            }
            // Never both ended and active: what is over has nothing to come, what is supported is not over.
            for standing in [one, other] {
                match standing.phase {
                    Phase::Ended => prop_assert!(standing.next.is_none() && standing.days_left().is_none_or(|left| left < 0)),
                    Phase::Active | Phase::SecurityOnly | Phase::Extended => {
                        prop_assert!(standing.days_left().is_none_or(|left| left >= 0));
                    }
                    Phase::Unknown => prop_assert!(standing.end().is_none()),
                }
            }
        }
    }
}
