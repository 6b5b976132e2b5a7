//! How many: caps (how many clusters at once) and budgets (how many may fail). Both are written
//! as a number or in percent, and become plain numbers in a plan; the two rounding rules live
//! here and nowhere else.

use std::fmt;

/// A cap as written: `4`, `"30%"` or `unlimited`. `0` means hold: nothing starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cap {
    /// No limit of this scope's own; must be spelled.
    Unlimited,
    /// So many clusters at once.
    Count(u32),
    /// So many percent of the scope's clusters, rounded down, at least 1; `0%` means hold.
    Percent(u8),
}

/// A budget as written: `2` or `"10%"`. `0` means that the first one is one too many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Budget {
    /// So many clusters.
    Count(u32),
    /// So many percent of the wave's planned clusters, rounded down, without a minimum.
    Percent(u8),
}

impl Cap {
    /// The cap as a number for a scope of `total` clusters; `None` is unlimited.
    pub fn of(self, total: u32) -> Option<u32> {
        match self {
            Self::Unlimited => None,
            Self::Count(n) => Some(n),
            Self::Percent(0) => Some(0),
            Self::Percent(p) => Some(percent(p, total).max(1)),
        }
    }
}

impl Budget {
    /// The budget as a number for `total` planned clusters.
    pub fn of(self, total: u32) -> u32 {
        match self {
            Self::Count(n) => n,
            Self::Percent(p) => percent(p, total),
        }
    }
}

fn percent(p: u8, total: u32) -> u32 {
    // Fits: p is at most 100, so the quotient is at most `total`.
    u32::try_from(u64::from(p) * u64::from(total) / 100).unwrap_or(total)
}

impl fmt::Display for Cap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unlimited => f.write_str("unlimited"),
            Self::Count(n) => write!(f, "{n}"),
            Self::Percent(p) => write!(f, "{p}%"),
        }
    }
}

impl fmt::Display for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(n) => write!(f, "{n}"),
            Self::Percent(p) => write!(f, "{p}%"),
        }
    }
}

/// Reads a whole number or a text; both enums share the grammar but for `unlimited`.
struct AmountVisitor {
    unlimited: bool,
}

enum Amount {
    Unlimited,
    Count(u32),
    Percent(u8),
}

impl serde::de::Visitor<'_> for AmountVisitor {
    type Value = Amount;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a whole number of clusters, or percent such as \"30%\"")?;
        if self.unlimited { f.write_str(", or `unlimited`") } else { Ok(()) }
    }

    fn visit_u64<E: serde::de::Error>(self, n: u64) -> Result<Amount, E> {
        u32::try_from(n)
            .map(Amount::Count)
            .map_err(|_| E::invalid_value(serde::de::Unexpected::Unsigned(n), &self))
    }

    fn visit_i64<E: serde::de::Error>(self, n: i64) -> Result<Amount, E> {
        u32::try_from(n)
            .map(Amount::Count)
            .map_err(|_| E::invalid_value(serde::de::Unexpected::Signed(n), &self))
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Amount, E> {
        let wrong = || E::invalid_value(serde::de::Unexpected::Str(text), &self);
        if self.unlimited && text == "unlimited" {
            return Ok(Amount::Unlimited);
        }
        let digits = text.strip_suffix('%').ok_or_else(wrong)?;
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(wrong());
        }
        match digits.parse::<u8>() {
            Ok(p) if p <= 100 => Ok(Amount::Percent(p)),
            _ => Err(wrong()),
        }
    }
}

impl<'de> serde::Deserialize<'de> for Cap {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        Ok(match d.deserialize_any(AmountVisitor { unlimited: true })? {
            Amount::Unlimited => Self::Unlimited,
            Amount::Count(n) => Self::Count(n),
            Amount::Percent(p) => Self::Percent(p),
        })
    }
}

impl<'de> serde::Deserialize<'de> for Budget {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        match d.deserialize_any(AmountVisitor { unlimited: false })? {
            Amount::Count(n) => Ok(Self::Count(n)),
            Amount::Percent(p) => Ok(Self::Percent(p)),
            Amount::Unlimited => Err(serde::de::Error::custom("a budget is never unlimited")),
        }
    }
}

impl serde::Serialize for Cap {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Count(n) => s.serialize_u32(*n),
            other => s.collect_str(other),
        }
    }
}

impl serde::Serialize for Budget {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Count(n) => s.serialize_u32(*n),
            other @ Self::Percent(_) => s.collect_str(other),
        }
    }
}

impl schemars::JsonSchema for Cap {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Cap".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "How many clusters at once: a number, percent rounded down but at least 1, or `unlimited`; 0 means hold.",
            "anyOf": [
                {"type": "integer", "minimum": 0},
                {"type": "string", "pattern": "^([0-9]{1,2}|100)%$"},
                {"const": "unlimited"}
            ]
        })
    }
}

impl schemars::JsonSchema for Budget {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Budget".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "How many clusters may fail: a number, or percent rounded down without a minimum; 0 halts at the first.",
            "anyOf": [
                {"type": "integer", "minimum": 0},
                {"type": "string", "pattern": "^([0-9]{1,2}|100)%$"}
            ]
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_cap_in_percent_rounds_down_and_is_at_least_one() {
        assert_eq!(Cap::Percent(10).of(5), Some(1));
        assert_eq!(Cap::Percent(30).of(100), Some(30));
        assert_eq!(Cap::Percent(1).of(10), Some(1));
        assert_eq!(Cap::Percent(33).of(10), Some(3));
    }

    #[test]
    fn a_cap_of_zero_means_hold_and_unlimited_must_be_spelled() {
        assert_eq!(Cap::Count(0).of(10), Some(0));
        assert_eq!(Cap::Percent(0).of(10), Some(0));
        assert_eq!(Cap::Unlimited.of(10), None);
        assert_eq!(serde_json::from_str::<Cap>("\"unlimited\"").unwrap(), Cap::Unlimited);
        for bad in ["null", "-1", "1.5", "\"many\"", "\"101%\"", "\"%\"", "\"+5%\"", "4294967296"] {
            assert!(serde_json::from_str::<Cap>(bad).is_err(), "{bad} was taken");
        }
    }

    #[test]
    fn a_budget_in_percent_rounds_down_without_a_minimum() {
        assert_eq!(Budget::Percent(10).of(5), 0);
        assert_eq!(Budget::Percent(10).of(29), 2);
        assert!(serde_json::from_str::<Budget>("\"unlimited\"").is_err());
    }
}
