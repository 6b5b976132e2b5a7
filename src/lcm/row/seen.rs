//! How a version stands against what is published of it.

use std::collections::{BTreeMap, BTreeSet};

use super::{Status, addons, kubernetes};
use crate::lcm::around;
use crate::lcm::charts;
use crate::lcm::declared::Item;
use crate::lcm::digests::{self, Newer};
use crate::lcm::pick::{Choice, NoChoice, pick};
use crate::lcm::policy::Policy;
use crate::lcm::pushed;
use crate::lcm::status::{self, Standing};
use crate::lcm::upstream::Answer;
use crate::lcm::version::{Level, Scheme};
use crate::version::KubeVersion;

/// Which of two stands worse. The farther behind, the worse.
pub(super) fn worse(one: &[Status], other: &[Status]) -> std::cmp::Ordering {
    let rank = |statuses: &[Status]| match statuses.first() {
        Some(Status::Behind(level)) => (Some(Status::Behind(Level::Patch)), std::cmp::Reverse(Some(*level))),
        first => (first.cloned(), std::cmp::Reverse(None)),
    };
    let (one, other) = (rank(one), rank(other));
    // Nothing to be said is the best.
    let has = |status: &Option<Status>| status.is_none();
    has(&one.0).cmp(&has(&other.0)).then_with(|| one.cmp(&other))
}

/// Where no version is named: a digest alone may be one that versions have.
pub(super) fn by_digest(digest: &str, answer: &Answer, policy: &Policy) -> Seen {
    match digests::newer(&format!("@{digest}"), &digests::published(&answer.tags), policy) {
        Ok(Newer::Versions { to, level, .. }) => {
            Seen { newest: Some(to.to_owned()), statuses: vec![Status::Behind(level)], ..Seen::default() }
        }
        Ok(_) => Seen::default(),
        Err(_) => Seen::silent(Status::unknown("only a digest is named, and no listed version has it")),
    }
}

/// What an answer says of a version.
#[derive(Default)]
pub(super) struct Seen {
    pub newest: Option<String>,
    pub levels: BTreeMap<Level, String>,
    pub steps: Option<u64>,
    pub since: Option<jiff::Timestamp>,
    pub published: Option<jiff::Timestamp>,
    pub statuses: Vec<Status>,
    pub stops: Vec<String>,
    pub judged: Option<String>,
}

impl Seen {
    pub fn silent(status: Status) -> Self {
        Self { statuses: vec![status], ..Self::default() }
    }
}

/// How a version stands against what is published. Of a digest it is said whether a file names it.
pub(super) fn against(
    version: &str,
    digest: Option<(&str, bool)>,
    item: &Item,
    answer: &Answer,
    policy: &Policy,
    kubernetes: &BTreeSet<KubeVersion>,
) -> Seen {
    match item {
        Item::Chart { .. } => return of_chart(version, answer, policy, kubernetes),
        Item::Kubernetes(channel) => return kubernetes::stands(version, channel, answer, policy),
        Item::Addon { .. } => return addons::stands(version, answer, policy, kubernetes),
        Item::Image(_) | Item::Tool(_) => {}
    }
    let tags: Vec<&str> = answer.tags.iter().collect();
    // People write a tool's version with a `v` or without, whatever its tag has.
    let bare = |text: &str| text.trim_start_matches('v').to_owned();
    let version = match item {
        Item::Tool(_) if !tags.contains(&version) => {
            tags.iter().copied().find(|tag| bare(tag) == bare(version)).unwrap_or(version)
        }
        _ => version,
    };
    let chosen = match policy.scheme {
        Scheme::Pushed => pushed::pick(version, &answer.tags, policy),
        _ => pick(version, &tags, policy),
    };
    let mut seen = stands(version, &chosen, policy);
    let at = |tag: &str| answer.tags.known.get(tag).and_then(|known| known.pushed);
    (seen.since, seen.published) = (at(version), seen.newest.as_deref().and_then(at));
    // What a tag names now counts only where somebody said what it should name.
    if let Some((digest, _)) = digest
        && let Ok(newer) =
            digests::newer(&format!("{version}@{digest}"), &digests::published(&answer.tags), policy)
    {
        let known = answer.tags.known.get(version).filter(|known| known.is_other_than(digest));
        match (newer, known) {
            (Newer::Moved { tag, digest, .. }, _) => {
                let (tag, digest) = (tag.to_owned(), digest.map(str::to_owned));
                seen.statuses.retain(|status| !matches!(status, Status::Unknown { .. } | Status::Same));
                seen.statuses.push(Status::TagMoved { tag, digest });
            }
            // That there is something newer, too, hides nothing.
            (Newer::Tag(_), Some(known)) => {
                let (tag, digest) = (version.to_owned(), known.digest.clone());
                seen.statuses.push(Status::TagMoved { tag, digest });
            }
            _ if matches!(chosen, Err(NoChoice::Moving)) => seen.statuses = vec![Status::Same],
            _ => {}
        }
    }
    if let Some(mirrored) = &answer.mirrored {
        let newest = seen.newest.as_deref();
        around::at_mirror(
            version,
            digest.is_some_and(|(_, is_named)| is_named),
            newest,
            mirrored,
            &mut seen.statuses,
        );
    }
    seen
}

/// How a version stands by what was chosen for it.
pub(super) fn stands(version: &str, chosen: &Result<Choice<'_>, NoChoice>, policy: &Policy) -> Seen {
    let status = match (status::of(version, chosen, policy), chosen) {
        (Standing::Behind(level), _) => Status::Behind(level),
        (Standing::Ahead, _) => Status::Ahead,
        (_, Err(NoChoice::Missing { .. })) => Status::Missing,
        (_, Err(why)) => Status::unknown(why),
        (_, Ok(_)) => Status::Same,
    };
    let mut seen = Seen { statuses: vec![status], ..Seen::default() };
    // Above everything that is published, and not published itself: that, too, nobody can pull.
    if matches!((seen.statuses.as_slice(), chosen), ([Status::Ahead], Err(NoChoice::Missing { .. }))) {
        seen.statuses.push(Status::Missing);
    }
    match chosen {
        Ok(choice) => {
            if !choice.published && choice.newest.is_some() {
                seen.statuses.push(Status::Missing);
            }
            let own = |(level, tag): (&Level, &&str)| (*level, (*tag).to_owned());
            seen.levels = choice.levels.iter().map(own).collect();
            let counted = || choice.newest.and_then(|newest| steps(version, newest, policy));
            seen.steps = choice.steps.or_else(counted);
            seen.newest = choice.newest.or(choice.latest).map(str::to_owned);
        }
        Err(NoChoice::Missing { latest }) => seen.newest.clone_from(latest),
        Err(_) => {}
    }
    seen
}

/// How many versions lie between two, by the first number that differs.
fn steps(from: &str, to: &str, policy: &Policy) -> Option<u64> {
    let (from, to) = (policy.text(from)?, policy.text(to)?);
    let (from, to) = (policy.scheme.read(&from)?, policy.scheme.read(&to)?);
    let differs = (0..3).find(|place| from.number(*place) != to.number(*place))?;
    to.number(differs).value()?.checked_sub(from.number(differs).value()?)
}

/// How a chart's version stands: what is deprecated does not count, and what a cluster's Kubernetes refuses
/// is told.
fn of_chart(version: &str, answer: &Answer, policy: &Policy, kubernetes: &BTreeSet<KubeVersion>) -> Seen {
    // People write a version with a `v` or without, whatever the index has.
    let spelled = answer.entries.iter().map(|entry| entry.version.as_str());
    let version = match spelled.clone().any(|listed| listed == version) {
        true => version,
        false => {
            spelled.into_iter().find(|listed| charts::is_same(listed, version, policy)).unwrap_or(version)
        }
    };
    let newer = match charts::newer(version, &answer.entries, policy, None) {
        Ok(newer) => newer,
        Err(why) => return stands(version, &Err(why), policy),
    };
    let entry = |version: &str| answer.entries.iter().find(|entry| entry.version == version);
    let versions: Vec<&str> = answer
        .entries
        .iter()
        .filter(|entry| entry.version == version || !entry.deprecated)
        .map(|entry| entry.version.as_str())
        .collect();
    let mut seen = stands(version, &pick(version, &versions, policy), policy);
    if let Some(newest) = newer.newest {
        seen.newest = Some(newest.version.clone());
        seen.published = newest.created;
    }
    let own = entry(version);
    seen.since = own.and_then(|entry| entry.created);
    if newer.deprecated_upstream || own.is_some_and(|entry| entry.deprecated) {
        seen.statuses.push(Status::Deprecated);
    }
    for entry in [own, newer.newest].into_iter().flatten() {
        let refused = entry.admits(kubernetes).refused;
        if !refused.is_empty() {
            let kubernetes = refused.iter().map(ToString::to_string).collect();
            seen.statuses.push(Status::Incompatible { version: entry.version.clone(), kubernetes });
        }
    }
    seen
}
