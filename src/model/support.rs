//! A support file: until when versions of other people's products are supported, where the public data set
//! does not say it or says it wrongly, in `pipelines/support.yaml`. Each entry names its source, so that people
//! can look for themselves. What of it replaces what is for `lcm`.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;

use super::{Document, SupportName, Upstream, UpstreamName};
use crate::yaml::Spanned;

/// `pipelines/support.yaml`.
pub type SupportFile = Document<SupportName, Support>;

/// Support windows of one's own.
#[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Support {
    /// The products that it is about.
    #[serde(default)]
    pub products: Vec<SupportedProduct>,
}

/// One product of other people: which things are it, and until when its versions are supported.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct SupportedProduct {
    /// Its name on endoflife.date, or a name of one's own for what is not listed there.
    pub name: Spanned<UpstreamName>,
    /// The images, charts, tools and kinds of Kubernetes that are this product, as a product's `upstream` names
    /// them. They count before all that the data set says about them.
    #[serde(default)]
    pub of: Vec<Spanned<Upstream>>,
    /// Cycles of it. One with the name of a cycle of the data set replaces that one; the others stay.
    #[serde(default)]
    pub cycles: Vec<SupportCycle>,
}

/// Versions that are supported together.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct SupportCycle {
    /// The numbers that its versions begin with (`1.34`), or a name.
    pub cycle: Spanned<String>,
    /// The name that it has in tags beside its numbers (`bookworm`).
    #[serde(default)]
    pub codename: Option<Spanned<String>>,
    /// The day of its first release.
    #[serde(default)]
    pub released: Option<Spanned<Day>>,
    /// The last day on which more than security is mended.
    #[serde(default)]
    pub support_ends: Option<Spanned<SupportEnd>>,
    /// The last day on which it is supported.
    pub ends: Spanned<SupportEnd>,
    /// The last day of support that is paid for, or is somebody else's.
    #[serde(default)]
    pub extended_ends: Option<Spanned<SupportEnd>>,
    /// What people should know.
    #[serde(default)]
    pub note: Option<Spanned<String>>,
    /// Where it is said: an address, or who said it when.
    pub source: Spanned<String>,
}

/// A day (`2026-12-02`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Day(pub Date);

/// The end of a phase of support.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SupportEnd {
    /// This is its last day.
    On(Date),
    /// It goes on, and no day is announced (`open`).
    Open,
    /// It is over, nobody says since when (`over`).
    Over,
}

/// Why a text is no day.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no day: expected one such as 2026-12-02")]
pub struct DayError(String);

/// Why a text is no end of support.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no end of support: expected a day such as 2026-12-02, `open` or `over`")]
pub struct SupportEndError(String);

impl FromStr for Day {
    type Err = DayError;

    fn from_str(text: &str) -> Result<Self, DayError> {
        // A date parser would also take the date out of a moment.
        let day_alone = text.len() == "2026-12-02".len();
        let day = text.parse().ok().filter(|_| day_alone);
        day.map(Self).ok_or_else(|| DayError(text.to_owned()))
    }
}

impl FromStr for SupportEnd {
    type Err = SupportEndError;

    fn from_str(text: &str) -> Result<Self, SupportEndError> {
        match text {
            "open" => Ok(Self::Open),
            "over" => Ok(Self::Over),
            _ => text.parse().map(|Day(day)| Self::On(day)).map_err(|_| SupportEndError(text.to_owned())),
        }
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Display for SupportEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::On(day) => fmt::Display::fmt(day, f),
            Self::Open => f.write_str("open"),
            Self::Over => f.write_str("over"),
        }
    }
}

/// Written and read as text, with a schema of its own.
macro_rules! text {
    ($type:ident, $description:literal) => {
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'_, str> as serde::Deserialize>::deserialize(d)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }

        impl schemars::JsonSchema for $type {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($type).into()
            }
            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "type": "string", "description": $description })
            }
        }
    };
}

text!(Day, "A day (2026-12-02).");
text!(
    SupportEnd,
    "The last day of a phase of support (2026-12-02); `open`: it goes on and no day is announced; `over`: it is over, nobody says since when."
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_a_day_or_one_of_two_words() {
        for text in ["2026-12-02", "open", "over"] {
            assert_eq!(text.parse::<SupportEnd>().map(|end| end.to_string()).as_deref(), Ok(text));
        }
        for wrong in ["", "soon", "2026-12", "2026-12-02T00:00:00Z", "2026-02-30", "Open"] {
            assert!(wrong.parse::<SupportEnd>().is_err(), "{wrong}");
            assert!(wrong.parse::<Day>().is_err(), "{wrong}");
        }
    }
}
