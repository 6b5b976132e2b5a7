//! Tags that move: what a digest that runs has to do with the tags that are published now.

use super::pick::{Choice, NoChoice, pick};
use super::policy::Policy;
use super::upstream::Tags;
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
    /// Nothing: the newest one that counts runs. What was weighed, where the tag is a version.
    Nothing(Option<Box<Choice<'t>>>),
    /// Another tag.
    Tag(Box<Choice<'t>>),
    /// The same tag names something else now.
    Moved {
        /// The tag.
        tag: &'t str,
        /// What it names now, if that is known.
        digest: Option<&'t str>,
        /// What was weighed, where the tag is a version.
        choice: Option<Box<Choice<'t>>>,
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

/// The tags of a listing, each with what is known of it.
pub fn published(tags: &Tags) -> Vec<Published<'_>> {
    let with = |tag| {
        let known = tags.known.get(tag);
        Published {
            tag,
            digest: known.and_then(|known| known.digest.as_deref()),
            children: known.map(|known| known.children.as_slice()).unwrap_or_default(),
        }
    };
    tags.iter().map(with).collect()
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
        let choice = Some(Box::new(choice));
        return Ok(match (now, digest) {
            (Some(now), Some(digest)) if !now.is(digest) => {
                Newer::Moved { tag: now.tag, digest: now.digest, choice }
            }
            _ => Newer::Nothing(choice),
        });
    }
    let Some(digest) = digest else { return pick(tag, &tags, policy).map(|_| Newer::Nothing(None)) };
    if now.is_some_and(|now| now.is(digest)) {
        return Ok(Newer::Nothing(None));
    }
    let moved = |now: &Published<'t>| Newer::Moved { tag: now.tag, digest: now.digest, choice: None };
    let named = |digest: &str| most_exact(published.iter().filter(|one| one.is(digest)), policy);
    let Some(from) = named(digest) else { return now.map(moved).ok_or(NoChoice::Unversioned) };
    // Where the tag has gone to counts as any other version does: a tag may also be moved back.
    let gone = now.and_then(|now| now.digest).and_then(named);
    let gone = gone.and_then(|to| pick(from, &[from, to], policy).ok()?.newest);
    let to = match gone {
        Some(to) => Some(to),
        None => pick(from, &tags, policy)?.newest,
    };
    let read = |tag: &'t str| policy.text(tag).map(|text| (tag, text));
    let nothing = || now.map_or(Newer::Nothing(None), moved);
    let (Some(to), Some((_, from_text))) = (to.and_then(read), read(from)) else { return Ok(nothing()) };
    let (Some(one), Some(other)) = (policy.scheme.read(&from_text), policy.scheme.read(&to.1)) else {
        return Ok(nothing());
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lcm::policy::Pattern;
    use crate::lcm::version::Scheme;

    fn published<'t>(tags: &[(&'t str, &'t str)]) -> Vec<Published<'t>> {
        tags.iter().map(|(tag, digest)| Published { tag, digest: Some(digest), children: &[] }).collect()
    }

    #[test]
    fn a_tag_that_was_moved_back_is_no_update() {
        let all = published(&[("latest", "two"), ("8.2.0", "two"), ("8.2.1", "one")]);
        let found = newer("latest@one", &all, &Policy::of(Scheme::Auto)).expect("an answer");
        assert_eq!(found, Newer::Moved { tag: "latest", digest: Some("two"), choice: None });
    }

    #[test]
    fn where_a_tag_has_gone_to_counts_as_any_other_version() {
        let all =
            published(&[("latest", "nine"), ("9.0.0-rc.1", "nine"), ("8.2.2", "two"), ("8.2.1", "one")]);
        let careful = Policy {
            level: Level::Patch,
            deny: vec![Pattern::read("/rc/").expect("a pattern")],
            ..Policy::of(Scheme::Auto)
        };
        let found = newer("latest@one", &all, &careful).expect("an answer");
        assert_eq!(found, Newer::Versions { from: "8.2.1", to: "8.2.2", level: Level::Patch });
    }
}
