//! What the readers share: lists that are `null`, moments in several spellings, names that may be none.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer};

use super::refusal::{Format, Refusal};
use crate::model::VulnerabilityId;

/// `null` means what a field that is not there means: programs in Go write their empty lists so.
pub(super) fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}

/// A moment (RFC 3339) or a day, its beginning in UTC. Go writes the year 1 for a moment that it doesn't
/// know; what is no moment is none.
pub(super) fn moment(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let read = text.parse::<Timestamp>().ok().or_else(|| {
        let day = text.parse::<jiff::civil::Date>().ok()?;
        day.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
    });
    read.filter(|moment| *moment > Timestamp::UNIX_EPOCH)
}

/// A text that says something.
pub(super) fn filled(text: String) -> Option<String> {
    let trimmed = text.trim();
    match trimmed.len() {
        0 => None,
        length if length == text.len() => Some(text),
        _ => Some(trimmed.to_owned()),
    }
}

/// The versions in a list of texts, none of them empty.
pub(super) fn versions<S: AsRef<str>>(texts: impl IntoIterator<Item = S>) -> BTreeSet<String> {
    texts.into_iter().filter_map(|text| filled(text.as_ref().trim().to_owned())).collect()
}

/// The name of a vulnerability, which an entry about one must have.
pub(super) fn id(format: Format, text: &str) -> Result<VulnerabilityId, Refusal> {
    text.parse().map_err(|error| Refusal::nonsense(format, error))
}

/// Those of other names that are names.
pub(super) fn ids<S: AsRef<str>>(texts: impl IntoIterator<Item = S>) -> Vec<VulnerabilityId> {
    texts.into_iter().filter_map(|text| text.as_ref().parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_in_the_spellings_that_scanners_write() {
        let noon = "2026-11-20T12:00:00Z".parse().ok();
        assert_eq!(moment("2026-11-20T12:00:00Z"), noon);
        assert_eq!(moment(" 2026-11-20T18:00:00.000000000+06:00 "), noon);
        assert_eq!(moment("2026-11-20"), "2026-11-20T00:00:00Z".parse().ok());
        for none in ["", "0001-01-01T00:00:00Z", "yesterday", "2026-13-01", "1795780800"] {
            assert_eq!(moment(none), None, "{none}");
        }
    }
}
