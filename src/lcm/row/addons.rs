//! Rows of clouds' add-ons: what counts as newest goes with every Kubernetes in use, and what is in use is told
//! where it does not go with one of them. Which version the next minor needs is told before anybody goes there.

use std::collections::{BTreeMap, BTreeSet};

use super::parts::Parts;
use super::seen::{Seen, stands as by_choice};
use super::{InUse, Row, Status};
use crate::lcm::around::Pinned;
use crate::lcm::declared::Item;
use crate::lcm::pick::pick;
use crate::lcm::policy::Policy;
use crate::lcm::support::kubernetes::AddonVersion;
use crate::lcm::upstream::{Answer, Unanswered};
use crate::lcm::version::by_age;
use crate::version::{KubeMinor, KubeVersion};

/// What of an add-on goes with a minor of Kubernetes.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Fit {
    /// The minor.
    #[serde(serialize_with = "written")]
    pub minor: KubeMinor,
    /// Whether clusters have it; else it is the next one.
    pub in_use: bool,
    /// Whether the version in use goes with it.
    pub fits: bool,
    /// The newest version that goes with it, if any does.
    pub newest: Option<String>,
    /// The version that a new cluster gets, where the provider tells it.
    pub default: Option<String>,
}

fn written<S: serde::Serializer>(minor: &KubeMinor, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(minor)
}

/// The row of an add-on, where these minors are in use.
pub(super) fn row(
    parts: &Parts<'_>,
    item: &Item,
    answer: Option<&Result<Answer, Unanswered>>,
    policy: &Policy,
    minors: &BTreeSet<KubeMinor>,
    pinned: &[Pinned],
) -> Option<Row> {
    let kubernetes = minors.iter().map(|minor| KubeVersion::from(*minor)).collect();
    // Of all clusters those of its provider count.
    let used = InUse { kubernetes, pinned: pinned.to_vec(), ..InUse::default() };
    let mut row = parts.row(item, answer, policy, &used)?;
    if let Some(Ok(answer)) = answer {
        row.fits = fits(row.judged.as_deref(), &answer.addon, policy, minors);
        row.notes.extend(raised_before(&row.fits, row.judged.as_deref(), &answer.addon, policy));
    }
    Some(row)
}

/// How a version stands: what does not go with all that clusters have does not count.
pub(super) fn stands(
    version: &str,
    answer: &Answer,
    policy: &Policy,
    kubernetes: &BTreeSet<KubeVersion>,
) -> Seen {
    let minors: BTreeSet<KubeMinor> = kubernetes.iter().map(KubeVersion::minor).collect();
    let goes = |one: &AddonVersion| minors.iter().all(|minor| one.minors.contains_key(minor));
    let own = answer.addon.iter().find(|one| one.version == version);
    let usable = answer.addon.iter().filter(|one| goes(one) || one.version == version);
    let mut tags: Vec<&str> = usable.map(|one| one.version.as_str()).collect();
    let some = answer.addon.iter().any(goes);
    if tags.is_empty() {
        // That it is published no more can only be told against something.
        tags = answer.addon.iter().map(|one| one.version.as_str()).collect();
    }
    let mut seen = by_choice(version, &pick(version, &tags, policy), policy);
    if !some {
        seen.newest = None;
        seen.levels = BTreeMap::new();
        seen.statuses.retain(|status| !matches!(status, Status::Behind(_) | Status::Ahead));
    }
    if own.is_none() && !answer.addon.is_empty() {
        seen.statuses.retain(|status| !matches!(status, Status::Same | Status::Ahead | Status::Missing));
        seen.statuses.push(Status::Missing);
    }
    let refused: Vec<String> = own
        .map(|own| minors.iter().filter(|minor| !own.minors.contains_key(minor)))
        .into_iter()
        .flatten()
        .map(ToString::to_string)
        .collect();
    if !refused.is_empty() {
        seen.statuses.retain(|status| *status != Status::Same);
        seen.statuses.push(Status::Incompatible { version: version.to_owned(), kubernetes: refused });
    }
    seen
}

/// What goes with each minor in use, and with the one after them.
fn fits(
    own: Option<&str>,
    published: &[AddonVersion],
    policy: &Policy,
    minors: &BTreeSet<KubeMinor>,
) -> Vec<Fit> {
    let own = published.iter().find(|one| Some(one.version.as_str()) == own);
    let fit = |(minor, in_use): (KubeMinor, bool)| {
        let of_minor = published.iter().filter(|one| one.minors.contains_key(&minor));
        let default = published.iter().find(|one| one.minors.get(&minor) == Some(&true));
        Fit {
            minor,
            in_use,
            fits: own.is_some_and(|own| own.minors.contains_key(&minor)),
            newest: newest(of_minor, policy).map(|one| one.version.clone()),
            default: default.map(|one| one.version.clone()),
        }
    };
    let next = minors.last().map(|last| (last.next(), false));
    minors.iter().map(|minor| (*minor, true)).chain(next).map(fit).collect()
}

fn newest<'a>(all: impl Iterator<Item = &'a AddonVersion>, policy: &Policy) -> Option<&'a AddonVersion> {
    let read = all.filter_map(|one| Some((one, policy.scheme.read(&one.version)?)));
    read.max_by(|(_, one), (_, other)| by_age(one, other)).map(|(one, _)| one)
}

/// What must be raised before the next minor: the newest version that goes with the highest in use and with
/// that one, so that nothing breaks between the two steps.
fn raised_before(
    fits: &[Fit],
    own: Option<&str>,
    published: &[AddonVersion],
    policy: &Policy,
) -> Option<String> {
    let next = fits.last().filter(|fit| !fit.in_use && !fit.fits)?;
    let last = fits.iter().rev().find(|fit| fit.in_use)?;
    let (own, minor) = (own?, next.minor);
    // Nobody can go to a minor yet that no version goes with.
    next.newest.as_ref()?;
    let both =
        published.iter().filter(|one| [minor, last.minor].iter().all(|minor| one.minors.contains_key(minor)));
    Some(match newest(both, policy) {
        Some(bridge) => {
            format!("{own} does not go with Kubernetes {minor}: raise it to {} before that", bridge.version)
        }
        None => {
            format!("{own} does not go with Kubernetes {minor}, and nothing goes with {} too", last.minor)
        }
    })
}
