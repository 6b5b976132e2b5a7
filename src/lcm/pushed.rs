//! Images without versions: what was pushed last is the newest. When that was, not every registry tells.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::pick::{Choice, NoChoice, counts};
use super::policy::{Pattern, Policy};
use super::upstream::{Known, Tags};

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

/// Chooses the tag that was pushed last for whoever uses `current`, of those that count by their names. Of several
/// that were pushed at the same moment it is the one with the lowest digest.
///
/// # Errors
/// [`NoChoice::Undated`] if nobody told when tags were pushed, [`NoChoice::Unversioned`] if `current` is not
/// published, and [`NoChoice::NoTags`].
pub fn pick<'t>(current: &str, tags: &'t Tags, policy: &Policy) -> Result<Choice<'t>, NoChoice> {
    if tags.iter().next().is_none() {
        return Err(NoChoice::NoTags);
    }
    if !tags.iter().any(|tag| tag == current) {
        return Err(NoChoice::Unversioned);
    }
    let own = tags.known.get(current).ok_or(NoChoice::Undated)?;
    let own_at = own.pushed.ok_or(NoChoice::Undated)?;
    let listed = |patterns: &[Pattern], tag: &str| patterns.iter().any(|one| one.fits(tag));
    let skips = !listed(&policy.skip_deprecated, current);
    let fits = |tag: &&str| {
        counts(tag, &policy.scheme)
            && (policy.allow.is_empty() || listed(&policy.allow, tag))
            && !listed(&policy.deny, tag)
            && !(skips && listed(&policy.skip_deprecated, tag))
    };
    let dated = tags.iter().filter(fits).filter_map(|tag| {
        let known: &Known = tags.known.get(tag)?;
        Some((known.pushed?, Reverse(known.digest.as_deref()), Reverse(tag), known))
    });
    let latest = dated.max_by(|one, other| (one.0, one.1, one.2).cmp(&(other.0, other.1, other.2)));
    let is_newer = |at: jiff::Timestamp, known: &Known| {
        at > own_at && (known.digest.is_none() || known.digest != own.digest)
    };
    let newest = latest.filter(|(at, _, _, known)| is_newer(*at, known)).map(|(_, _, Reverse(tag), _)| tag);
    Ok(Choice {
        published: true,
        newest,
        latest: latest.map(|(_, _, Reverse(tag), _)| tag),
        level: None,
        levels: BTreeMap::new(),
        steps: None,
        rejected: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::super::version::Scheme;
    use super::*;

    /// Tags with a day of this month each, if it is known, and a digest.
    fn tags(all: &[(&str, Option<u32>, &str)]) -> Tags {
        let mut tags: Tags = all.iter().map(|(tag, ..)| *tag).collect();
        for (tag, day, digest) in all {
            let pushed = day.and_then(|day| moment(&format!("2026-11-{day:02}")));
            let known = Known { digest: Some((*digest).to_owned()), pushed, ..Known::default() };
            tags.known.insert((*tag).to_owned(), known);
        }
        tags
    }

    #[test]
    fn what_was_pushed_last_is_the_newest_whatever_it_is_called() {
        let policy = Policy::of(Scheme::Pushed);
        let all = tags(&[
            ("zebra", Some(1), "a"),
            ("apple", Some(3), "b"),
            ("same", Some(3), "c"),
            ("new", None, "d"),
        ]);
        let newest = |current: &str, policy: &Policy| pick(current, &all, policy).map(|choice| choice.newest);
        assert_eq!(newest("zebra", &policy), Ok(Some("apple")));
        assert_eq!(newest("apple", &policy), Ok(None));
        assert_eq!(newest("same", &policy), Ok(None), "at the same moment");
        assert_eq!(newest("new", &policy), Err(NoChoice::Undated));
        assert_eq!(newest("gone", &policy), Err(NoChoice::Unversioned));
        let denied = Policy { deny: vec![Pattern::Tag("apple".to_owned())], ..policy };
        assert_eq!(newest("zebra", &denied), Ok(Some("same")));
    }

    #[test]
    fn the_same_image_under_another_name_is_nothing_newer() {
        let all = tags(&[("old", Some(1), "a"), ("alias", Some(9), "a")]);
        let choice = pick("old", &all, &Policy::of(Scheme::Pushed)).expect("a choice");
        assert_eq!((choice.newest, choice.latest), (None, Some("alias")));
    }
}
