//! A pin: one cluster's, or some clusters', own version of one product, with an owner, a reason
//! and an end, in `pipelines/pins/ID.yaml`. `pin add` writes them.

use super::{ClusterName, Document, Duration, Labels, PinId, ProductName, Selector};
use crate::digest::Digest;
use crate::version::Version;
use crate::yaml::Spanned;

/// `pipelines/pins/ID.yaml`.
pub type PinFile = Document<PinId, Pin>;

/// Some clusters' own version of one product.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Pin {
    /// The product.
    pub product: Spanned<ProductName>,
    /// Its version on these clusters.
    pub version: Spanned<Version>,
    /// The git commit whose tree holds that version's content.
    pub commit: Spanned<String>,
    /// That content's digest.
    pub digest: Spanned<Digest>,
    /// The clusters by name.
    #[serde(default)]
    pub clusters: Vec<Spanned<ClusterName>>,
    /// The clusters by label.
    #[serde(default)]
    pub selector: Option<Spanned<Selector>>,
    /// The team that answers for it.
    pub owner: Spanned<String>,
    /// Why these clusters differ.
    pub reason: Spanned<String>,
    /// When it was added: a day (its end in UTC) or a moment. Where the fleet limits the age of pins
    /// it is needed; `pin extend` leaves it as it is.
    #[serde(default)]
    pub created: Option<Spanned<Expiry>>,
    /// The day (in UTC) at whose end it ends, or the exact moment.
    pub expires: Spanned<Expiry>,
    /// What happens then.
    #[serde(default)]
    pub on_expiry: Spanned<OnExpiry>,
}

impl Pin {
    /// Whether it is for a cluster with this name and these labels.
    pub fn selects(&self, cluster: &ClusterName, labels: &Labels) -> bool {
        self.clusters.iter().any(|named| named.value == *cluster)
            || self.selector.as_ref().is_some_and(|selector| selector.value.matches(labels))
    }

    /// Whether its version is the one that its clusters are to have: until it ends, and beyond that if
    /// it blocks.
    pub fn holds(&self, now: jiff::Timestamp) -> bool {
        self.on_expiry.value == OnExpiry::Block || !self.expires.value.passed(now)
    }

    /// How near its end is.
    pub fn nearness(&self, now: jiff::Timestamp) -> Nearness {
        self.expires.value.nearness(now)
    }
}

/// How near the end of a pin is: people are told 14, 7 and 1 days before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Nearness {
    /// More than 14 days away.
    Far,
    /// Within 14 days.
    Fortnight,
    /// Within 7 days.
    Week,
    /// Within a day.
    Day,
    /// It has passed.
    Ended,
}

/// What happens when a pin ends.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum OnExpiry {
    /// Its clusters get the release's version with the next plan (the default).
    #[default]
    Rejoin,
    /// Its clusters keep the version and take no further release until somebody chooses.
    Block,
}

/// An end: a day (`2026-12-15`, meaning its end in UTC) or a moment (RFC 3339).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Expiry {
    /// The end of this day in UTC.
    Day(jiff::civil::Date),
    /// This moment.
    Moment(jiff::Timestamp),
}

impl Expiry {
    /// The first moment at which it has passed.
    pub fn moment(self) -> jiff::Timestamp {
        match self {
            Self::Moment(t) => t,
            Self::Day(day) => day
                .tomorrow()
                .and_then(|next| next.to_zoned(jiff::tz::TimeZone::UTC))
                .map_or(jiff::Timestamp::MAX, |z| z.timestamp()),
        }
    }

    /// The first moment at which it is that day somewhere on earth, or that moment.
    pub fn begins(self) -> jiff::Timestamp {
        // Clocks go ahead of UTC by 14 hours at most.
        const AHEAD: jiff::SignedDuration = jiff::SignedDuration::from_hours(14);
        match self {
            Self::Moment(moment) => moment,
            Self::Day(day) => {
                let start = day.to_zoned(jiff::tz::TimeZone::UTC).map(|start| start.timestamp());
                start.and_then(|start| start.checked_sub(AHEAD)).unwrap_or(jiff::Timestamp::MIN)
            }
        }
    }

    /// How near it is.
    pub fn nearness(self, now: jiff::Timestamp) -> Nearness {
        let left = Duration::between(now, self.moment());
        match left.as_seconds() {
            _ if self.passed(now) => Nearness::Ended,
            0..=86_400 => Nearness::Day,
            86_401..=604_800 => Nearness::Week,
            604_801..=1_209_600 => Nearness::Fortnight,
            _ => Nearness::Far,
        }
    }

    /// Whether it has passed.
    pub fn passed(self, now: jiff::Timestamp) -> bool {
        now >= self.moment()
    }
}

impl std::fmt::Display for OnExpiry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Rejoin => "rejoin",
            Self::Block => "block",
        })
    }
}

impl std::fmt::Display for Expiry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Day(day) => write!(f, "{day}"),
            Self::Moment(t) => write!(f, "{t}"),
        }
    }
}

/// Why a text is no end.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no end: expected a day such as 2026-12-15 or a moment such as 2026-12-15T18:00:00Z")]
pub struct ExpiryError(String);

impl std::str::FromStr for Expiry {
    type Err = ExpiryError;
    fn from_str(text: &str) -> Result<Self, ExpiryError> {
        // A date parser would also take the date out of a moment, so the moment is tried first.
        if let Ok(moment) = text.parse::<jiff::Timestamp>() {
            return Ok(Self::Moment(moment));
        }
        let day_alone = text.len() == "2026-12-15".len();
        match text.parse::<jiff::civil::Date>() {
            Ok(day) if day_alone => Ok(Self::Day(day)),
            _ => Err(ExpiryError(text.to_owned())),
        }
    }
}

impl serde::Serialize for Expiry {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Expiry {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'_, str> as serde::Deserialize>::deserialize(d)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl schemars::JsonSchema for Expiry {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Expiry".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "description": "A day (2026-12-15, its end in UTC) or a moment (2026-12-15T18:00:00Z)."
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn people_are_told_fourteen_seven_and_one_day_before() {
        let end: Expiry = "2026-12-15T12:00:00Z".parse().unwrap();
        let at = |text: &str| end.nearness(text.parse().unwrap());
        assert_eq!(at("2026-12-01T11:59:59Z"), Nearness::Far);
        assert_eq!(at("2026-12-01T12:00:00Z"), Nearness::Fortnight);
        assert_eq!(at("2026-12-08T11:59:59Z"), Nearness::Fortnight);
        assert_eq!(at("2026-12-08T12:00:00Z"), Nearness::Week);
        assert_eq!(at("2026-12-14T11:59:59Z"), Nearness::Week);
        assert_eq!(at("2026-12-14T12:00:00Z"), Nearness::Day);
        assert_eq!(at("2026-12-15T11:59:59Z"), Nearness::Day);
        assert_eq!(at("2026-12-15T12:00:00Z"), Nearness::Ended);
    }
}
