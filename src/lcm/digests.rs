//! Tags that move: what a digest that runs has to do with the tags that are published now.

use super::pick::{Choice, NoChoice, pick};
use super::policy::Policy;
use super::version::{Level, Precision, by_age};

/// A published tag with what it names now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Published<'t> {
    /// The tag.
    pub tag: &'t str,
    /// Its digest, if it is known.
    pub digest: Option<&'t str>,
    /// The digests of its platforms, if it is an index.
    pub children: &'t [String],
}

/// What is newer than a tag with a digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Newer<'t> {
    /// Nothing: the newest one runs.
    Nothing,
    /// Another tag.
    Tag(Box<Choice<'t>>),
    /// The same tag names something else now.
    Moved {
        /// The tag.
        tag: &'t str,
        /// What it names now, if that is known.
        digest: Option<&'t str>,
    },
    /// Versions on both sides of a tag that has none, found by their digests.
    Versions {
        /// The version that runs.
        from: &'t str,
        /// The one to go to.
        to: &'t str,
        /// How far that is.
        level: Level,
    },
}

impl Published<'_> {
    /// Whether a digest that runs is this one, or one of its platforms.
    fn is(&self, digest: &str) -> bool {
        self.digest == Some(digest) || self.children.iter().any(|child| child == digest)
    }
}

/// What is newer than `TAG@DIGEST`, `TAG` or `@DIGEST`.
///
/// # Errors
/// As [`pick`]; [`NoChoice::Unversioned`] also where no version has the running digest.
pub fn newer<'t>(current: &str, published: &[Published<'t>], policy: &Policy) -> Result<Newer<'t>, NoChoice> {
    let (tag, digest) = match current.split_once('@') {
        Some((tag, digest)) => (tag, Some(digest)),
        None => (current, None),
    };
    let tags: Vec<&'t str> = published.iter().map(|one| one.tag).collect();
    if tags.is_empty() {
        return Err(NoChoice::NoTags);
    }
    let now = published.iter().find(|one| one.tag == tag);
    let versioned = policy.text(tag).is_some_and(|text| policy.scheme.read(&text).is_some());
    if versioned {
        let choice = pick(tag, &tags, policy)?;
        if choice.newest.is_some() {
            return Ok(Newer::Tag(Box::new(choice)));
        }
        return Ok(match (now, digest) {
            (Some(now), Some(digest)) if !now.is(digest) => Newer::Moved { tag: now.tag, digest: now.digest },
            _ => Newer::Nothing,
        });
    }
    let Some(digest) = digest else { return pick(tag, &tags, policy).map(|_| Newer::Nothing) };
    if now.is_some_and(|now| now.is(digest)) {
        return Ok(Newer::Nothing);
    }
    let named = |digest: &str| most_exact(published.iter().filter(|one| one.is(digest)), policy);
    let Some(from) = named(digest) else {
        return match now {
            Some(now) => Ok(Newer::Moved { tag: now.tag, digest: now.digest }),
            None => Err(NoChoice::Unversioned),
        };
    };
    let moved = now.and_then(|now| now.digest).and_then(named);
    let to = match moved {
        Some(to) => Some(to),
        None => pick(from, &tags, policy)?.newest,
    };
    let read = |tag: &'t str| policy.text(tag).map(|text| (tag, text));
    let (Some(to), Some((_, from_text))) = (to.and_then(read), read(from)) else { return Ok(Newer::Nothing) };
    let (Some(one), Some(other)) = (policy.scheme.read(&from_text), policy.scheme.read(&to.1)) else {
        return Ok(Newer::Nothing);
    };
    let level = other.level(&one);
    Ok(Newer::Versions { from, to: to.0, level })
}

/// Of several tags of one digest the version that is written most exactly, the highest of those.
fn most_exact<'p, 't: 'p>(tags: impl Iterator<Item = &'p Published<'t>>, policy: &Policy) -> Option<&'t str> {
    let texts: Vec<_> = tags.filter_map(|one| Some((one.tag, policy.text(one.tag)?))).collect();
    let versions = texts.iter().filter_map(|(tag, text)| Some((*tag, policy.scheme.read(text)?)));
    let exact = |precision: Precision| match precision {
        Precision::Any => 0,
        Precision::Numbers(numbers) => numbers,
        Precision::Day(numbers) => 3 + numbers,
    };
    let best = versions.max_by(|(one_tag, one), (other_tag, other)| {
        (exact(one.precision).cmp(&exact(other.precision)))
            .then_with(|| by_age(one, other))
            .then_with(|| other_tag.cmp(one_tag))
    });
    best.map(|(tag, _)| tag)
}
