//! `rollout replay`: which file, how fast, or at which moment.

use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;

use crate::model::Duration;

/// `rollout replay`.
#[derive(Debug, Args)]
#[command(after_help = "Example: tidegate rollout replay r42-1.jsonl --at +2h30m\n\n\
It needs the file alone: no repository, no journal, no cluster.")]
pub struct Replay {
    /// The file, from `rollout export`.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// How many seconds of then pass in one of yours; `max` or 0 shows all at once. The whole takes a
    /// minute if absent, and no time where no terminal shows it live.
    #[arg(long, value_name = "TIMES", conflicts_with = "at")]
    pub speed: Option<Speed>,
    /// Only how it stood at this moment, and why it waited: RFC 3339, or since its start, such as +2h30m.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub at: Option<When>,
}

/// How fast.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Speed {
    /// So many times as fast as it was.
    Times(f64),
    /// All at once.
    Max,
}

impl FromStr for Speed {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text == "max" {
            return Ok(Self::Max);
        }
        match text.parse::<f64>() {
            Ok(0.0) => Ok(Self::Max),
            Ok(times) if times.is_finite() && times > 0.0 => Ok(Self::Times(times)),
            _ => Err("a number above 0, such as 60 or 0.5, or `max`".to_owned()),
        }
    }
}

/// Which moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// By the clock.
    At(jiff::Timestamp),
    /// So long after the rollout's start.
    After(Duration),
}

impl FromStr for When {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let length = text.strip_prefix('+').unwrap_or(text);
        if let Ok(length) = length.parse() {
            return Ok(Self::After(length));
        }
        let moment = text.parse().map(Self::At);
        moment.map_err(|_| {
            "a moment such as 2026-03-02T09:30:00Z, or since its start, such as +2h30m".to_owned()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_speed_is_a_number_above_zero_or_max() {
        for (text, speed) in
            [("60", Speed::Times(60.0)), ("0.5", Speed::Times(0.5)), ("0", Speed::Max), ("max", Speed::Max)]
        {
            assert_eq!(text.parse(), Ok(speed), "{text}");
        }
        for wrong in ["", "-1", "fast", "inf", "NaN"] {
            assert!(wrong.parse::<Speed>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_moment_is_one_of_the_clock_or_a_time_since_the_start() {
        assert_eq!("+2h30m".parse(), Ok(When::After(Duration::seconds(9_000))));
        assert_eq!("90s".parse(), Ok(When::After(Duration::seconds(90))));
        assert_eq!(
            "2026-03-02T09:30:00+01:00".parse(),
            Ok(When::At(jiff::Timestamp::constant(1_772_440_200, 0)))
        );
        for wrong in ["", "-1h", "noon", "+2x", "2026-03-02"] {
            assert!(wrong.parse::<When>().is_err(), "{wrong}");
        }
    }
}
