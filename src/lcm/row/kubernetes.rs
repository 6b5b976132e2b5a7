//! Rows of Kubernetes: one for each minor that clusters of a channel run, since each has its own end of support
//! and its own way. What the fleet runs is judged; what the newest release says is declared. Where no cluster
//! was seen, what is declared is judged.

use std::collections::{BTreeMap, BTreeSet};

use super::parts::Parts;
use super::seen::{Seen, stands as by_choice};
use super::{ClusterSet, InUse, Row, Running, Status, is_declared};
use crate::lcm::around::Pinned;
use crate::lcm::declared::Item;
use crate::lcm::path::path;
use crate::lcm::pick::pick;
use crate::lcm::policy::Policy;
use crate::lcm::support::kubernetes::Provider;
use crate::lcm::upstream::{Answer, Unanswered};
use crate::model::ClusterName;
use crate::version::{KubeMinor, KubeVersion};

/// The most minors that are told to be missing on a way.
const MOST_MISSING: usize = 8;

/// The rows of a channel. A pin is told where it holds something.
pub(super) fn rows(
    parts: &Parts<'_>,
    item: &Item,
    answer: Option<&Result<Answer, Unanswered>>,
    policy: &Policy,
    pinned: &[Pinned],
) -> Vec<Row> {
    let mut by_minor: BTreeMap<Option<KubeMinor>, Vec<&Running>> = BTreeMap::new();
    for one in &parts.running {
        let version = one.declared.version.as_deref().and_then(KubeVersion::of_numbers);
        by_minor.entry(version.map(|version| version.minor())).or_default().push(one);
    }
    let Some(whole) = parts.row(item, answer, policy, &InUse::default()) else { return Vec::new() };
    if by_minor.is_empty() {
        let minor = whole.declared.first().and_then(|version| KubeVersion::of_numbers(version));
        let minor = minor.map(|version| version.minor());
        return vec![finished(Row { minor, ..whole }, answer)];
    }
    let row = |(minor, running): (Option<KubeMinor>, Vec<&Running>)| {
        let runs = |name: &ClusterName| running.iter().any(|one| one.clusters.contains(name));
        let used = InUse { pinned: pinned.iter().map(|pin| pin.on(&runs)).collect(), ..InUse::default() };
        let own = Parts { running, ..Parts::default() }.row(item, answer, policy, &used)?;
        let mut statuses = own.statuses.clone();
        let differs = |(version, clusters): &(String, ClusterSet)| {
            !whole.declared.iter().any(|one| is_declared(one, version, item))
                && !clusters.is_subset(&own.around.pinned)
        };
        if !whole.declared.is_empty() && own.running.iter().any(differs) {
            statuses.push(Status::Skewed);
            statuses.sort();
        }
        let (owner, place) = (whole.owner.clone(), whole.place.clone());
        let (declared, released) = (whole.declared.clone(), whole.released.clone());
        Some(finished(Row { minor, statuses, declared, released, owner, place, ..own }, answer))
    };
    by_minor.into_iter().filter_map(row).collect()
}

/// A row with what is in the way told.
fn finished(mut row: Row, answer: Option<&Result<Answer, Unanswered>>) -> Row {
    let (Some(Ok(answer)), Item::Kubernetes(channel), Some(from)) = (answer, &row.item, row.minor) else {
        return row;
    };
    let minor = |text: &str| KubeVersion::of_numbers(text).map(|version| version.minor());
    // Nobody runs what a cloud does not offer yet: it was asked before that.
    if Provider::of_channel(channel).is_some_and(|provider| provider != Provider::Upstream)
        && row.statuses.contains(&Status::Ahead)
    {
        row.statuses.retain(|status| *status != Status::Ahead);
        let why = format!("what the cloud answered does not know {from}: it was asked too long ago");
        row.statuses.push(Status::unknown(why));
        row.statuses.sort();
    }
    let last = row.stops.last().and_then(|stop| minor(stop)).unwrap_or(from);
    let newest = row.newest.as_deref().and_then(minor).filter(|newest| newest.major == last.major);
    if let Some(newest) = newest.filter(|newest| *newest > last)
        && let Some(provider) = Provider::of_channel(channel)
    {
        // A way of one minor at a time ends before the first that is missing; those before the newest are told.
        let offered: BTreeSet<KubeMinor> = answer.tags.iter().filter_map(minor).collect();
        let between = (last.minor + 1..newest.minor).map(|minor| KubeMinor::new(last.major, minor));
        let missing = between.filter(|minor| !offered.contains(minor)).take(MOST_MISSING);
        let missing: Vec<String> = missing.map(|minor| minor.to_string()).collect();
        let missing = missing.join(", ");
        row.notes.push(format!("there is no way to {newest} by single minors: {provider} lacks {missing}"));
    }
    row
}

/// How a version stands against what a channel offers. A release that says a minor leaves the patch to the
/// provider, and some providers choose it in any case: then minors are compared, else full versions.
pub(super) fn stands(version: &str, channel: &str, answer: &Answer, policy: &Policy) -> Seen {
    let bare = |text: &str| text.trim_start_matches('v').to_owned();
    let offered: Vec<String> = answer.tags.iter().map(bare).collect();
    let full = |text: &&str| text.split('.').count() > 2;
    let all: Vec<&str> = offered.iter().map(String::as_str).collect();
    let minors: Vec<&str> = offered.iter().map(String::as_str).filter(|text| !full(text)).collect();
    let read = KubeVersion::of_numbers(version);
    let by_itself = Provider::of_channel(channel).is_some_and(Provider::patches_by_itself);
    let patch = read.as_ref().and_then(KubeVersion::patch).filter(|_| !by_itself && minors.len() < all.len());
    let minor = read.map(|version| version.minor());
    let (current, tags) = match (minor, patch) {
        (Some(minor), Some(patch)) => (format!("{minor}.{patch}"), all),
        (Some(minor), None) => (minor.to_string(), minors),
        (None, _) => (bare(version), all),
    };
    let mut seen = by_choice(&current, &pick(&current, &tags, policy), policy);
    // Channels have the newest patch release alone: an older one of a minor that is offered is there too.
    let is_offered = minor.is_some_and(|minor| offered.contains(&minor.to_string()));
    if is_offered {
        seen.statuses.retain(|status| *status != Status::Missing);
    }
    let minor_of = |text: &str| KubeVersion::of_numbers(text).map(|version| version.minor());
    let newest = seen.newest.as_deref().and_then(minor_of);
    // The way ends where the policy does.
    let stops = path(&current, &tags, 1).into_iter().filter(|stop| minor_of(stop) <= newest);
    seen.stops = stops.map(str::to_owned).collect();
    // Each minor is a hop, whether somebody offers it or not.
    if let (Some(from), Some(to)) = (minor, newest)
        && from.major == to.major
        && from < to
    {
        seen.steps = Some(u64::from(to.minor - from.minor));
    }
    seen
}
