//! The two ends of an interval as people write them: a moment (RFC 3339), or a day or a local time
//! of a zone that stands beside it.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};

use super::Zone;

/// One end of an interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// This moment: `2026-12-20T21:00:00Z`.
    Moment(Timestamp),
    /// This local time: `2026-12-20T22:00`.
    Local(DateTime),
    /// This whole day: `2026-12-20`; the first of an interval begins with it, the last one ends.
    Day(Date),
}

impl When {
    /// Whether it means nothing without a zone.
    pub fn is_local(self) -> bool {
        !matches!(self, Self::Moment(_))
    }

    /// The first moment of an interval that is written `from` this; none without a zone.
    pub fn start(self, zone: Option<&Zone>) -> Option<Timestamp> {
        match self {
            Self::Moment(moment) => Some(moment),
            Self::Local(local) => zone?.first(local),
            Self::Day(day) => zone?.first(day.to_datetime(Time::midnight())),
        }
    }

    /// The first moment after an interval that is written `until` this; none without a zone.
    pub fn end(self, zone: Option<&Zone>) -> Option<Timestamp> {
        match self {
            Self::Moment(moment) => Some(moment),
            Self::Local(local) => zone?.last(local),
            Self::Day(day) => zone?.last(day.tomorrow().ok()?.to_datetime(Time::midnight())),
        }
    }
}

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Moment(moment) => write!(f, "{moment}"),
            Self::Local(local) if local.second() == 0 => write!(f, "{}", local.strftime("%Y-%m-%dT%H:%M")),
            Self::Local(local) => write!(f, "{local}"),
            Self::Day(day) => write!(f, "{day}"),
        }
    }
}

/// Why a text is no end of an interval.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no time: expected a day (2026-12-20), a local time (2026-12-20T22:00) or a moment (2026-12-20T22:00:00Z)"
)]
pub struct WhenError(String);

impl FromStr for When {
    type Err = WhenError;

    fn from_str(text: &str) -> Result<Self, WhenError> {
        let wrong = || WhenError(text.to_owned());
        // The parser of local times drops an offset, so the moment is tried first.
        if let Ok(moment) = text.parse::<Timestamp>() {
            return if moment.subsec_nanosecond() == 0 { Ok(Self::Moment(moment)) } else { Err(wrong()) };
        }
        match text.len() {
            10 => text.parse().map(Self::Day).map_err(|_| wrong()),
            16 | 19 if text.as_bytes().get(10) == Some(&b'T') => {
                text.parse().map(Self::Local).map_err(|_| wrong())
            }
            _ => Err(wrong()),
        }
    }
}

impl serde::Serialize for When {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for When {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'_, str> as serde::Deserialize>::deserialize(d)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl schemars::JsonSchema for When {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "When".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "description": "A day (2026-12-20), a local time (2026-12-20T22:00), both of `timeZone`; or a moment (2026-12-20T22:00:00Z)."
        })
    }
}
