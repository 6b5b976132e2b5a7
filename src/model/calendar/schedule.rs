//! When a recurring window begins: a cron expression of five fields, read as times on a wall. Which
//! moments those are is the zone's.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use jiff::civil::DateTime;

/// A cron expression: minute, hour, day of month, month, day of week.
///
/// The minute is one number, so that a window begins at most once an hour; and only one of the two
/// kinds of day is given, since cron reads both as "either", which nobody means.
#[derive(Clone)]
pub struct Schedule {
    text: Arc<str>,
    cron: Cron,
}

/// Before any calendar, for the question whether an expression ever comes true.
const EARLY: DateTime = jiff::civil::datetime(2000, 1, 1, 0, 0, 0, 0);

impl Schedule {
    /// The expression as written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The first local time from `local` on that it names; none within some thousand years.
    pub fn at_or_after(&self, local: DateTime) -> Option<DateTime> {
        self.cron.find_next_occurrence(&local, true).ok()
    }

    /// The first local time after `local` that it names.
    pub fn after(&self, local: DateTime) -> Option<DateTime> {
        self.cron.find_next_occurrence(&local, false).ok()
    }
}

impl PartialEq for Schedule {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Schedule {}

impl fmt::Debug for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.text, f)
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

/// Why a text is no schedule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleError {
    /// There are not five fields.
    #[error(
        "`{0}` is no schedule: expected five fields, minute, hour, day of month, month and day of week, such as `0 22 * * FRI`"
    )]
    Fields(String),
    /// The minute is a list, a range or a star.
    #[error(
        "`{0}` begins more than once an hour\nhint: the minute is one number, and `for` says how long it holds"
    )]
    Minute(String),
    /// Both kinds of day are given.
    #[error(
        "`{0}` has a day of month and a day of week, and cron takes either of them\nhint: the first Sunday of a month is `SUN#1`, the last one `SUNL`; or write two windows"
    )]
    BothDays(String),
    /// A field is wrong.
    #[error("`{0}` is no schedule: {1}")]
    Field(String, String),
    /// There is no such day.
    #[error("`{0}` never comes true")]
    Never(String),
}

impl FromStr for Schedule {
    type Err = ScheduleError;

    fn from_str(text: &str) -> Result<Self, ScheduleError> {
        let found = || text.to_owned();
        let fields: Vec<&str> = text.split_whitespace().collect();
        let [minute, _, day, _, weekday] = fields.as_slice() else {
            return Err(ScheduleError::Fields(found()));
        };
        if minute.contains(['*', ',', '-', '/']) {
            return Err(ScheduleError::Minute(found()));
        }
        let any = |field: &str| matches!(field, "*" | "?");
        if !any(day) && !any(weekday) {
            return Err(ScheduleError::BothDays(found()));
        }
        let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
        let cron = parser.parse(text).map_err(|error| ScheduleError::Field(found(), error.to_string()))?;
        let schedule = Self { text: fields.join(" ").into(), cron };
        schedule.at_or_after(EARLY).map(|_| schedule.clone()).ok_or_else(|| ScheduleError::Never(found()))
    }
}

impl serde::Serialize for Schedule {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&self.text)
    }
}

impl<'de> serde::Deserialize<'de> for Schedule {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'_, str> as serde::Deserialize>::deserialize(d)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl schemars::JsonSchema for Schedule {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Schedule".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "description": "When it begins, as a cron expression of five fields: minute, hour, day of month, month, day of week.",
            "pattern": "^\\s*[0-9]+(\\s+\\S+){4}\\s*$"
        })
    }
}
