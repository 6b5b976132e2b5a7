//! Kubernetes itself as it is in use: by the channels that products name and the providers of the fleet's
//! clusters, declared by the newest release, and running as clusters were last seen.

use std::collections::{BTreeMap, BTreeSet};

use crate::catalog::Catalog;
use crate::catalog::release;
use crate::diag::Place;
use crate::lcm::declared::{Declared, Item, KUBERNETES};
use crate::lcm::row::{InUse, Running};
use crate::lcm::support::kubernetes::Provider;
use crate::model::{ClusterName, ReleaseId};
use crate::report::standing::Standing;
use crate::version::KubeVersion;

/// The Kubernetes that a cluster was seen to have: its server's own version, but for one that serves another
/// minor than its own.
pub(super) fn seen(standing: &Standing) -> Option<(KubeVersion, String)> {
    let observed = standing.observed.as_ref()?;
    let minor = observed.kubernetes.to_string();
    let own = observed.server.trim_start_matches('v');
    let serves =
        own.strip_prefix(minor.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
    let text = if serves { observed.server.clone() } else { minor };
    Some((KubeVersion::of_numbers(&text)?, text))
}

/// Puts Kubernetes into what is in use: each channel that a product names or a cluster follows.
pub(super) fn put(catalog: &Catalog, fleet: &[Standing], newest: Option<&ReleaseId>, used: &mut InUse) {
    let named = named(used);
    let channels = channels(&named, fleet);
    // Before the first release is cut, what is written is at least declared.
    let written = newest.cloned().or_else(|| release::written_last(catalog));
    let release = written.and_then(|id| catalog.releases.get(&id)).map(|loaded| &loaded.file.spec.kubernetes);
    let minor = release.map(|version| version.value.minor());
    for (channel, follow) in &channels {
        let seen: Vec<_> = follow.iter().filter_map(|standing| seen(standing)).collect();
        let provider = Provider::of_channel(channel);
        let minors = provider.map(|provider| used.minors.entry(provider).or_default());
        if let Some(minors) = minors {
            minors.extend(seen.iter().map(|(version, _)| version.minor()));
        }
    }
    // Of whom nothing was seen, the release says what there shall be.
    used.minors.values_mut().filter(|minors| minors.is_empty()).for_each(|minors| minors.extend(minor));
    let is_known = release.is_some() || fleet.iter().any(|standing| seen(standing).is_some());
    used.released.retain(|one| !is_kubernetes(one));
    used.running.retain(|one| !is_kubernetes(&one.declared));
    if !is_known {
        return;
    }
    used.declared.retain(|one| !is_kubernetes(one));
    let owner = |channel: &str| {
        let own = named.iter().find(|one| channel_of(one) == Some(channel));
        own.or(named.first()).map(|one| one.owner.clone()).unwrap_or_default()
    };
    for (channel, follow) in channels {
        let declared = |version: String, place: Place| Declared {
            product: KUBERNETES.to_owned(),
            owner: owner(&channel),
            item: Item::Kubernetes(channel.clone()),
            version: Some(version),
            digest: None,
            place,
        };
        if let Some(version) = release {
            let one = declared(version.value.to_string(), version.place.clone());
            used.declared.push(one.clone());
            used.released.extend(newest.map(|_| one));
        }
        let mut by_version: BTreeMap<String, BTreeSet<ClusterName>> = BTreeMap::new();
        for standing in follow {
            if let Some((_, text)) = seen(standing) {
                by_version.entry(text).or_default().insert(standing.cluster.clone());
            }
        }
        used.running.extend(
            by_version
                .into_iter()
                .map(|(version, clusters)| Running::new(declared(version, Place::none()), clusters)),
        );
    }
}

/// What products say of Kubernetes, each channel once, in their order.
fn named(used: &InUse) -> Vec<Declared> {
    let mut known: BTreeSet<&Item> = BTreeSet::new();
    let all = used.declared.iter().filter(|one| is_kubernetes(one));
    all.filter(|one| known.insert(&one.item)).cloned().collect()
}

/// Each channel with the clusters that follow it. A cluster follows the first channel of its provider that a
/// product names.
fn channels<'f>(named: &[Declared], fleet: &'f [Standing]) -> BTreeMap<String, Vec<&'f Standing>> {
    let names: Vec<&str> = named.iter().filter_map(channel_of).collect();
    let providers: Vec<Provider> = names.iter().filter_map(|name| Provider::of_channel(name)).collect();
    let mut all: BTreeMap<String, Vec<&Standing>> =
        names.iter().map(|name| ((*name).to_owned(), Vec::new())).collect();
    for standing in fleet {
        let server = standing.observed.as_ref().map(|observed| observed.server.as_str());
        let provider = Provider::of_cluster(standing.provider.as_deref(), server, &providers);
        let own = names.iter().copied().find(|name| Provider::of_channel(name) == Some(provider));
        all.entry(own.unwrap_or(provider.channel()).to_owned()).or_default().push(standing);
    }
    if all.is_empty() {
        all.insert(Provider::Upstream.channel().to_owned(), Vec::new());
    }
    all
}

fn is_kubernetes(one: &Declared) -> bool {
    matches!(one.item, Item::Kubernetes(_))
}

fn channel_of(one: &Declared) -> Option<&str> {
    match &one.item {
        Item::Kubernetes(channel) => Some(channel),
        _ => None,
    }
}

#[cfg(test)]
#[path = "kubernetes_tests.rs"]
mod tests;
