//! Which parts a row is made of: what is said of one thing of one product by its files, by the newest release and
//! by what clusters run; and which of them is judged.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::seen::{Seen, against, by_digest, worse};
use super::{ClusterSet, InUse, NO_PRODUCT, Row, Running, Status, is_declared};
use crate::lcm::around::{Around, Pinned, RunsAt};
use crate::lcm::declared::{Declared, Item};
use crate::lcm::fixed::{self, Digests};
use crate::lcm::policy::Policy;
use crate::lcm::upstream::{Answer, Silence, Unanswered};
use crate::lcm::version::by_age;
use crate::model::ClusterName;
use crate::version::KubeVersion;

/// What is said of one thing of one product.
#[derive(Default)]
pub(super) struct Parts<'u> {
    pub declared: Vec<&'u Declared>,
    pub released: Vec<&'u Declared>,
    pub running: Vec<&'u Running>,
}

impl Parts<'_> {
    /// The row; nothing if nobody says anything of it.
    pub fn row(
        &self,
        item: &Item,
        answer: Option<&Result<Answer, Unanswered>>,
        policy: &Policy,
        used: &InUse,
    ) -> Option<Row> {
        let all = || self.declared.iter().chain(&self.released).copied();
        let first = all().chain(self.running.iter().map(|one| &one.declared)).next()?;
        let versions =
            |some: &[&Declared]| in_order(some.iter().filter_map(|one| one.version.as_deref()), policy);
        let declared = versions(&self.declared);
        let released = versions(&self.released);
        let running = self.running(policy);
        let mut seen = match answer {
            None => {
                let why = "nobody was asked about it".to_owned();
                Seen::silent(Status::Unknown { silence: Some(Silence::Unreachable), why })
            }
            Some(Err(silent)) => {
                Seen::silent(Status::Unknown { silence: Some(silent.why), why: silent.message.clone() })
            }
            Some(Ok(answer)) => self.judged(item, answer, policy, &used.kubernetes),
        };
        let silent_mirror = answer.and_then(|answer| answer.as_ref().ok()?.silent_mirror.clone());
        if let Some(Unanswered { why, message }) = silent_mirror {
            let words = format!("what the mirror has of it is not known: {message}");
            seen.statuses.push(Status::MirrorUnknown { silence: why, why: words });
        }
        let moved = answer.and_then(|answer| fixed::moved(&self.released, answer.as_ref().ok()?));
        if let Some(moved) = moved.filter(|_| !seen.statuses.iter().any(|s| s.word() == "tag-moved")) {
            seen.statuses.retain(|status| !matches!(status, Status::Unknown { .. } | Status::Same));
            seen.statuses.push(moved);
        }
        let pins = || used.pinned.iter().filter(|pin| pin.product == first.product);
        let pinned: BTreeSet<ClusterName> = pins().flat_map(|pin| &pin.clusters).cloned().collect();
        let differ = |(version, clusters): &(String, ClusterSet)| {
            !declared.iter().any(|declared| is_declared(declared, version, item))
                && !clusters.is_subset(&pinned)
        };
        if !declared.is_empty() && running.iter().any(differ) {
            seen.statuses.push(Status::Skewed);
        }
        if seen.statuses.is_empty() {
            seen.statuses.push(Status::Same);
        }
        seen.statuses.extend(pins().filter_map(Pinned::status));
        seen.statuses.sort();
        Some(Row {
            product: first.product.clone(),
            owner: self.owner(first),
            item: item.clone(),
            declared,
            released,
            running,
            newest: seen.newest,
            levels: seen.levels,
            steps: seen.steps,
            since: seen.since,
            published: seen.published,
            statuses: seen.statuses,
            place: if first.place.is_none() { String::new() } else { first.place.to_string() },
            notes: answer
                .and_then(|answer| answer.as_ref().ok())
                .map(|a| a.notes.clone())
                .unwrap_or_default(),
            minor: None,
            stops: seen.stops,
            deadline: None,
            fits: Vec::new(),
            judged: seen.judged,
            changes: None,
            window: None,
            digests: Digests {
                declared: fixed::by_version(self.declared.iter().copied()),
                released: fixed::by_version(self.released.iter().copied()),
                running: fixed::by_version(self.running.iter().map(|one| &one.declared)),
            },
            around: Around {
                copy_of: item.origin(&used.mirrors).and_then(Item::into_image),
                pinned,
                live: self.live(),
            },
        })
    }

    /// What runs, by version; what runs by a digest alone is its digest.
    fn running(&self, policy: &Policy) -> Vec<(String, ClusterSet)> {
        let mut by_version: BTreeMap<&str, ClusterSet> = BTreeMap::new();
        for one in &self.running {
            let named = one.declared.version.as_deref().or(one.declared.digest.as_deref());
            let Some(version) = named else { continue };
            match by_version.entry(version) {
                Entry::Vacant(free) => _ = free.insert(Arc::clone(&one.clusters)),
                Entry::Occupied(known) if Arc::ptr_eq(known.get(), &one.clusters) => {}
                Entry::Occupied(mut known) => {
                    Arc::make_mut(known.get_mut()).extend(one.clusters.iter().cloned());
                }
            }
        }
        let order = in_order(by_version.keys().copied(), policy);
        let with = |version: String| {
            let clusters = by_version.remove(version.as_str()).unwrap_or_default();
            (version, clusters)
        };
        order.into_iter().map(with).collect()
    }

    /// Who owns it; of what is no product's, everybody whose it is.
    fn owner(&self, first: &Declared) -> String {
        let owners = self.running.iter().map(|one| one.declared.owner.as_str());
        let owners: BTreeSet<&str> = owners.filter(|owner| !owner.is_empty()).collect();
        match first.product == NO_PRODUCT {
            true => owners.into_iter().collect::<Vec<_>>().join(", "),
            false => first.owner.clone(),
        }
    }

    /// What clusters said themselves of what runs, by version.
    fn live(&self) -> BTreeMap<String, RunsAt> {
        let mut live: BTreeMap<String, RunsAt> = BTreeMap::new();
        for one in self.running.iter().filter(|one| !one.workloads.is_empty()) {
            let Some(version) = one.declared.version.as_ref().or(one.declared.digest.as_ref()) else {
                continue;
            };
            let at = live.entry(version.clone()).or_default();
            at.digests.extend(one.declared.digest.clone());
            for (workload, clusters) in &one.workloads {
                at.workloads.entry(workload.clone()).or_default().extend(clusters.iter().cloned());
            }
        }
        live
    }

    /// What was pulled for a version that is named without a digest, where it is known what its tag names now.
    fn pulled<'p>(&'p self, version: &str, answer: &Answer) -> BTreeSet<&'p str> {
        let known = answer.tags.known.get(version).is_some_and(|known| known.digest.is_some());
        let live = self.running.iter().filter(|one| known && !one.workloads.is_empty());
        let same = live.filter(|one| one.declared.version.as_deref() == Some(version));
        same.filter_map(|one| one.declared.digest.as_deref()).collect()
    }

    /// How what is declared stands; if nothing is, what is released, or what runs. Each version with each digest
    /// is judged by itself, and the one that stands worst is told: of several that stand alike, the lowest.
    fn judged(
        &self,
        item: &Item,
        answer: &Answer,
        policy: &Policy,
        kubernetes: &BTreeSet<KubeVersion>,
    ) -> Seen {
        let running: Vec<&Declared> = self.running.iter().map(|one| &one.declared).collect();
        let says = |some: &&[&Declared]| some.iter().any(|one| one.version.is_some() || one.digest.is_some());
        let used = [&self.declared[..], &self.released[..], &running[..]].into_iter().find(says);
        let used = used.unwrap_or_default();
        let versions = in_order(used.iter().filter_map(|one| one.version.as_deref()), policy);
        let place =
            |one: &Declared| versions.iter().position(|version| one.version.as_ref() == Some(version));
        // With each digest, whether a file names it.
        let mut each: BTreeSet<(Option<usize>, Option<&str>, bool)> = BTreeSet::new();
        for one in used.iter().filter(|one| one.version.is_some() || one.digest.is_some()) {
            let version = one.version.as_deref().filter(|_| one.digest.is_none());
            let pulled = version.map(|version| self.pulled(version, answer)).unwrap_or_default();
            if pulled.is_empty() {
                each.insert((place(one), one.digest.as_deref(), true));
            }
            each.extend(pulled.into_iter().map(|digest| (place(one), Some(digest), false)));
        }
        let judge = |(version, digest, is_named): (Option<usize>, Option<&str>, bool)| {
            let mut seen = match (version.and_then(|place| versions.get(place)), digest) {
                (Some(version), digest) => {
                    let digest = digest.map(|digest| (digest, is_named));
                    let mut seen = against(version, digest, item, answer, policy, kubernetes);
                    seen.judged = Some(version.clone());
                    seen
                }
                (None, Some(digest)) => by_digest(digest, answer, policy),
                (None, None) => Seen::default(),
            };
            seen.statuses.sort();
            seen
        };
        // The first of the worst: versions come in order.
        let worst = each.into_iter().map(judge).min_by(|one, other| worse(&one.statuses, &other.statuses));
        worst.unwrap_or_else(|| Seen::silent(Status::unknown("no file of the product names a version of it")))
    }
}

/// Versions, the lowest first, each once; what is none stands last.
fn in_order<'v>(versions: impl Iterator<Item = &'v str>, policy: &Policy) -> Vec<String> {
    let mut versions: Vec<&str> = versions.collect();
    versions.sort_by(|one, other| {
        let order = match (policy.scheme.read(one), policy.scheme.read(other)) {
            (Some(one), Some(other)) => by_age(&one, &other),
            (one, other) => one.is_some().cmp(&other.is_some()).reverse(),
        };
        order.then_with(|| one.cmp(other))
    });
    versions.dedup();
    versions.into_iter().map(str::to_owned).collect()
}
