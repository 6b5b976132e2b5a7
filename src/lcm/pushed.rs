//! Images without versions: what was pushed last is the newest.

/// Something that was pushed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pushed<'t> {
    /// Its digest.
    pub digest: &'t str,
    /// A tag that names it, if there is one.
    pub tag: Option<&'t str>,
    /// When.
    pub at: jiff::Timestamp,
}

/// Reads when something was pushed: a moment, or a day.
pub fn moment(text: &str) -> Option<jiff::Timestamp> {
    let day = || {
        let day: jiff::civil::Date = text.parse().ok()?;
        Some(day.at(0, 0, 0, 0).to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp())
    };
    text.parse().ok().or_else(day)
}

/// What was pushed last; of several at the same moment the one with the lowest digest, so that their order
/// makes no difference. Signatures and the like do not count.
pub fn newest<'t>(all: &[Pushed<'t>]) -> Option<&'t str> {
    let images = all.iter().filter(|one| !one.tag.is_some_and(super::version::is_artifact));
    let newest = images.max_by(|one, other| one.at.cmp(&other.at).then_with(|| other.digest.cmp(one.digest)));
    newest.map(|one| one.digest)
}
