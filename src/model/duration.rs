//! Durations as people write them (`90s`, `10m`, `24h`, `2d`) and as programs read them (whole
//! seconds).

use std::fmt;
use std::str::FromStr;

/// A length of time in whole seconds. Files write it with units (`1h 30m`), JSON for programs
/// carries seconds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Duration(u64);

/// The longest duration that is taken: ten years. Longer ones are a slip of the pen, and would
/// overflow the calendar.
const LONGEST: u64 = 10 * 366 * 86_400;

impl Duration {
    /// No time at all.
    pub const ZERO: Self = Self(0);

    /// So many seconds, at most ten years.
    pub const fn seconds(n: u64) -> Self {
        Self(if n > LONGEST { LONGEST } else { n })
    }

    /// So many minutes.
    pub const fn minutes(n: u64) -> Self {
        Self::seconds(n.saturating_mul(60))
    }

    /// So many hours.
    pub const fn hours(n: u64) -> Self {
        Self::seconds(n.saturating_mul(3_600))
    }

    /// Whole seconds.
    pub const fn as_seconds(self) -> u64 {
        self.0
    }

    /// Whether it is no time at all.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// As the standard library's type.
    pub const fn std(self) -> std::time::Duration {
        std::time::Duration::from_secs(self.0)
    }

    /// The moment that much after `from`; saturates at the end of representable time.
    pub fn after(self, from: jiff::Timestamp) -> jiff::Timestamp {
        let span = jiff::SignedDuration::from_secs(i64::try_from(self.0).unwrap_or(i64::MAX));
        from.checked_add(span).unwrap_or(jiff::Timestamp::MAX)
    }

    /// The time from `start` to `end`, zero if `end` is not later.
    pub fn between(start: jiff::Timestamp, end: jiff::Timestamp) -> Self {
        Self::seconds(u64::try_from(end.duration_since(start).as_secs()).unwrap_or(0))
    }
}

impl fmt::Display for Duration {
    /// The two largest units: `2 d 3 h`, `10 m`, `45 s`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&words(self.0))
    }
}

/// Seconds in the two largest units.
fn words(seconds: u64) -> String {
    const UNITS: [(u64, &str); 4] = [(86_400, "d"), (3_600, "h"), (60, "m"), (1, "s")];
    let mut rest = seconds;
    let mut parts = Vec::new();
    for (size, unit) in UNITS {
        if rest >= size {
            parts.push(format!("{} {unit}", rest / size));
            rest %= size;
        }
    }
    parts.truncate(2);
    if parts.is_empty() { "0 s".to_owned() } else { parts.join(" ") }
}

/// The time from `start` to `end` for people, as [`Duration`] writes it, also beyond ten years.
pub fn time_between(start: jiff::Timestamp, end: jiff::Timestamp) -> String {
    words(u64::try_from(end.duration_since(start).as_secs()).unwrap_or(0))
}

/// A moment without its part of a second, as files have it.
pub fn whole_second(at: jiff::Timestamp) -> jiff::Timestamp {
    let second = at.duration_since(jiff::Timestamp::UNIX_EPOCH).as_secs();
    jiff::Timestamp::from_second(second).unwrap_or(at)
}

impl fmt::Debug for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}s", self.0)
    }
}

/// Why a text is no duration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no duration: expected numbers with units, such as `90s`, `10m`, `24h` or `1d 12h`, at most ten years"
)]
pub struct DurationError(String);

impl FromStr for Duration {
    type Err = DurationError;

    fn from_str(text: &str) -> Result<Self, DurationError> {
        let wrong = || DurationError(text.to_owned());
        let mut rest = text.trim();
        if rest == "0" {
            return Ok(Self::ZERO);
        }
        let mut total: u64 = 0;
        let mut smallest_so_far = u64::MAX;
        if rest.is_empty() {
            return Err(wrong());
        }
        while !rest.is_empty() {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            let (number, tail) = rest.split_at(digits);
            let tail = tail.trim_start();
            let letters = tail.bytes().take_while(u8::is_ascii_alphabetic).count();
            let (unit, tail) = tail.split_at(letters);
            let size = match unit {
                "s" => 1,
                "m" => 60,
                "h" => 3_600,
                "d" => 86_400,
                "w" => 604_800,
                _ => return Err(wrong()),
            };
            if size >= smallest_so_far {
                return Err(wrong());
            }
            smallest_so_far = size;
            let number: u64 = number.parse().map_err(|_| wrong())?;
            total = number
                .checked_mul(size)
                .and_then(|n| n.checked_add(total))
                .filter(|n| *n <= LONGEST)
                .ok_or_else(wrong)?;
            rest = tail.trim_start();
        }
        Ok(Self(total))
    }
}

impl serde::Serialize for Duration {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_u64(self.0)
    }
}

impl<'de> serde::Deserialize<'de> for Duration {
    /// A text with units, as in files; or whole seconds, as in plans and events.
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl serde::de::Visitor<'_> for Visitor {
            type Value = Duration;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a duration with units, such as `90s`, `10m` or `24h`")
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Duration, E> {
                text.parse().map_err(E::custom)
            }
            fn visit_u64<E: serde::de::Error>(self, n: u64) -> Result<Duration, E> {
                if n > LONGEST {
                    return Err(E::invalid_value(serde::de::Unexpected::Unsigned(n), &self));
                }
                Ok(Duration(n))
            }
            fn visit_i64<E: serde::de::Error>(self, n: i64) -> Result<Duration, E> {
                u64::try_from(n)
                    .ok()
                    .filter(|n| *n <= LONGEST)
                    .map(Duration)
                    .ok_or_else(|| E::invalid_value(serde::de::Unexpected::Signed(n), &self))
            }
        }
        d.deserialize_any(Visitor)
    }
}

impl schemars::JsonSchema for Duration {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Duration".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "A duration with units (`90s`, `10m`, `24h`, `1d 12h`), or whole seconds.",
            "anyOf": [
                {"type": "string", "pattern": "^\\s*(0|([0-9]+\\s*[wdhms]\\s*)+)$"},
                {"type": "integer", "minimum": 0}
            ]
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn durations_are_read_with_units_from_large_to_small() {
        for (text, seconds) in
            [("90s", 90), ("10m", 600), ("1d 12h", 129_600), ("1h30m", 5_400), ("0", 0), ("2 w", 1_209_600)]
        {
            assert_eq!(text.parse::<Duration>().unwrap().as_seconds(), seconds, "{text}");
        }
        for bad in ["", "5", "5x", "1m 1h", "1m 1m", "-5s", "99999999999999999999s", "4000d", "s"] {
            assert!(bad.parse::<Duration>().is_err(), "{bad:?} was taken");
        }
    }

    #[test]
    fn the_two_largest_units_are_shown() {
        assert_eq!(Duration::seconds(93_784).to_string(), "1 d 2 h");
        assert_eq!(Duration::ZERO.to_string(), "0 s");
        assert_eq!(Duration::seconds(61).to_string(), "1 m 1 s");
    }
}
