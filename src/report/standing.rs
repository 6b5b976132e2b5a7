//! Where each cluster of the fleet stands: what it was last seen to run, how many releases behind
//! that is, and what keeps products of it apart. From the files and the journal alone; no cluster is
//! asked.

use std::collections::BTreeMap;

use crate::catalog::release::{self, Family};
use crate::catalog::{Catalog, fleet};
use crate::model::{
    ClusterEntry, ClusterName, Labels, Lock, Observed, ObservedProduct, PinFile, PinId, ProductName,
    RecordPhase, ReleaseId,
};
use crate::rollout::FleetState;
use crate::version::Version;

use super::age::{self, Seen};

/// One cluster of the fleet.
#[derive(Debug, Clone, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Standing {
    /// Its name.
    pub cluster: ClusterName,
    /// Its labels.
    pub labels: Labels,
    /// Who runs it.
    pub provider: Option<String>,
    /// When it was last seen.
    pub seen: Seen,
    /// The newest release of the line that it has whole, pins and holds aside; a hotfix of that one,
    /// if it runs one. Absent where nothing is known.
    pub release: Option<ReleaseId>,
    /// How many releases of the line came after that one; absent where that can't be told.
    pub behind: Option<u32>,
    /// What runs there, by product, and what the cluster is still to get.
    pub products: BTreeMap<ProductName, Placed>,
    /// Pins that hold for it.
    pub pins: Vec<StandingPin>,
    /// What people hold of it.
    pub holds: Vec<StandingHold>,
    /// What the last `cluster drift` found, unless an attempt succeeded there since.
    pub drift: Option<Drift>,
    /// What it ran when it was last seen: the records with their digests.
    pub observed: Option<Observed>,
}

/// What a comparison of a cluster with what was applied there found.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Drift {
    /// When.
    pub at: jiff::Timestamp,
    /// How many things were not as they were applied.
    pub differences: u32,
    /// The first of them, one sentence each.
    pub told: Vec<String>,
}

/// One product on one cluster.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Placed {
    /// The version that runs there; absent if the product is not there yet.
    pub version: Option<Version>,
    /// The version that the newest release has; absent if it has none.
    pub newest: Option<Version>,
    /// How many releases of the line are newer than the newest one with this content.
    pub behind: Option<u32>,
    /// What is worth saying of it, the weightiest first.
    pub marks: Vec<Mark>,
}

/// What is worth saying of a product on a cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mark {
    /// Its last change did not come to its end: it was never verified.
    Unfinished,
    /// It is installed and not wanted: the cluster's release has it not, or it is excluded.
    Orphaned,
    /// A person holds it.
    Held,
    /// A pin holds it.
    Pinned,
    /// The cluster's release has it, and it is not there.
    Missing,
    /// It is higher than in any release of the line.
    Ahead,
    /// A newer release has another content.
    Behind,
}

impl Mark {
    /// A word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Unfinished => "unfinished",
            Self::Orphaned => "orphaned",
            Self::Held => "held",
            Self::Pinned => "pinned",
            Self::Missing => "missing",
            Self::Ahead => "ahead",
            Self::Behind => "behind",
        }
    }
}

/// A pin, as far as one cluster is concerned.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StandingPin {
    /// Which.
    pub pin: PinId,
    /// The product.
    pub product: ProductName,
    /// The version that it holds.
    pub version: Version,
    /// The team that answers for it.
    pub owner: String,
    /// Its end, as written.
    pub until: String,
}

/// A hold, as far as one cluster is concerned.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StandingHold {
    /// The product that is held; the whole cluster if absent.
    pub product: Option<ProductName>,
    /// Who holds it.
    pub by: String,
    /// Until when; until it is released if absent.
    pub until: Option<jiff::Timestamp>,
    /// Why.
    pub reason: String,
}

/// The fleet at one moment, for questions about many clusters.
pub struct Standings<'a> {
    catalog: &'a Catalog,
    family: Family<'a>,
    /// The newest release and its cut ancestors, nearest first.
    line: Vec<(&'a ReleaseId, &'a Lock)>,
    pins: Vec<&'a PinFile>,
    state: Option<&'a FleetState>,
    now: jiff::Timestamp,
}

impl<'a> Standings<'a> {
    /// By the files and what the journal knows, if there is one.
    pub fn of(catalog: &'a Catalog, state: Option<&'a FleetState>, now: jiff::Timestamp) -> Self {
        let family = Family::of(catalog);
        let lock = |id: &'a ReleaseId| Some((id, &catalog.releases.get(id)?.file.lock.as_ref()?.value));
        let newest = release::newest(catalog).and_then(|id| catalog.releases.get_key_value(&id));
        let newest = newest.map(|(id, _)| id);
        let ancestors = newest.map(|id| family.ancestors(id)).unwrap_or_default();
        let line = newest.into_iter().chain(ancestors).filter_map(lock).collect();
        let pins = catalog.pins.values().map(|loaded| &loaded.file);
        let pins = pins.filter(|pin| !pin.spec.expires.value.passed(now)).collect();
        Self { catalog, family, line, pins, state, now }
    }

    /// The newest release that was cut; the end of the line.
    pub fn newest(&self) -> Option<&'a ReleaseId> {
        self.line.first().map(|(id, _)| *id)
    }

    /// Where one cluster stands.
    pub fn cluster(&self, entry: &ClusterEntry) -> Standing {
        let name = &entry.name.value;
        let labels = entry.plain_labels();
        let seen = self.state.map_or_else(|| age::of(None, None, self.now), |s| age::seen(s, name, self.now));
        let observed = self.state.and_then(|s| s.seen(name)).and_then(|seen| seen.observed.as_ref());
        let pins: Vec<&PinFile> =
            self.pins.iter().copied().filter(|pin| pin.spec.selects(name, &labels)).collect();
        let holds: Vec<StandingHold> = self
            .state
            .into_iter()
            .flat_map(|state| state.holds_of(name))
            .filter(|hold| hold.holds(self.now))
            .map(|hold| StandingHold {
                product: hold.kept.as_ref().map(|kept| kept.product.clone()),
                by: hold.by.to_string(),
                until: hold.until,
                reason: hold.reason.clone(),
            })
            .collect();
        let mut products = BTreeMap::new();
        let (mut at, mut hotfix) = (None, None);
        for (product, found) in observed.into_iter().flat_map(|o| &*o.products) {
            let held = holds.iter().any(|hold| hold.product.as_ref() == Some(product));
            let pinned = pins.iter().any(|pin| pin.spec.product.value == *product);
            let behind = self.index(product, found);
            if !held && !pinned {
                at = at.max(behind);
                if self.family.is_hotfix(&found.release) && !self.line_has(&found.release) {
                    hotfix = Some(&found.release);
                }
            }
            products.insert(product.clone(), self.placed(product, found, behind, held, pinned));
        }
        let gets = |product: &ProductName| self.gets(entry, product);
        let at = at.map(|at| self.whole(at, &products, &gets));
        self.judge(at, &mut products, &gets, observed.is_some());
        let of_line = at.and_then(|at| self.line.get(usize::try_from(at).ok()?)).map(|(id, _)| *id);
        let mended = |fix: &&ReleaseId| of_line.is_some_and(|id| self.family.contains(fix, id));
        Standing {
            cluster: name.clone(),
            labels,
            provider: entry.provider.as_ref().map(|p| p.value.clone()),
            seen,
            release: hotfix.filter(mended).or(of_line).cloned(),
            behind: at,
            products,
            pins: pins.into_iter().map(standing_pin).collect(),
            holds,
            drift: self.drift(name, observed),
            observed: observed.cloned(),
        }
    }

    fn placed(
        &self,
        product: &ProductName,
        found: &ObservedProduct,
        behind: Option<u32>,
        held: bool,
        pinned: bool,
    ) -> Placed {
        let newest = self.line.first().and_then(|(_, lock)| lock.products.get(product));
        let is_newest = newest.is_some_and(|locked| locked.digest == found.digest);
        let ahead = behind.is_none() && newest.is_some_and(|locked| found.version > locked.version);
        let mut marks = Vec::new();
        let mut say = |holds: bool, mark: Mark| marks.extend(holds.then_some(mark));
        say(found.phase != RecordPhase::Verified, Mark::Unfinished);
        say(held, Mark::Held);
        say(pinned, Mark::Pinned);
        say(ahead, Mark::Ahead);
        say(newest.is_some() && !is_newest && !ahead, Mark::Behind);
        Placed {
            version: Some(found.version.clone()),
            newest: newest.map(|locked| locked.version.clone()),
            behind: behind.filter(|_| newest.is_some()),
            marks,
        }
    }

    /// How many releases are newer than the newest one that has this content. What came with a
    /// release beside the line (a hotfix) is as far behind as the release that it mends.
    fn index(&self, product: &ProductName, found: &ObservedProduct) -> Option<u32> {
        let has =
            |lock: &Lock| lock.products.get(product).is_some_and(|locked| locked.digest == found.digest);
        let place = self.line.iter().position(|(_, lock)| has(lock)).or_else(|| {
            let of_line = |id: &ReleaseId| self.line.iter().position(|(of, _)| *of == id);
            of_line(&found.release)
                .or_else(|| self.family.ancestors(&found.release).into_iter().find_map(of_line))
        });
        place.and_then(|place| u32::try_from(place).ok())
    }

    fn line_has(&self, id: &ReleaseId) -> bool {
        self.line.iter().any(|(of, _)| *of == id)
    }

    /// The last comparison, unless what it speaks of was brought about anew since.
    fn drift(&self, cluster: &ClusterName, observed: Option<&Observed>) -> Option<Drift> {
        let state = self.state?;
        let compared = state.seen(cluster)?.compared.as_ref()?;
        let later = observed.and_then(|o| state.applied_at(&o.uid)).is_some_and(|at| at > compared.at);
        (!later).then(|| Drift {
            at: compared.at,
            differences: compared.differences,
            told: compared.told.clone(),
        })
    }

    /// Whether a cluster gets a product, as the files are now.
    fn gets(&self, entry: &ClusterEntry, product: &ProductName) -> bool {
        let (Some(fleet), Some(source)) = (&self.catalog.fleet, self.catalog.products.get(product)) else {
            return true;
        };
        fleet::without(&fleet.file.spec, entry, product, &source.file.spec).is_none()
    }

    /// The newest release, from this one on, of which nothing is missing: one that brought a product
    /// was not there yet where that product is not. This one, if something of each is missing.
    fn whole(
        &self,
        at: u32,
        products: &BTreeMap<ProductName, Placed>,
        gets: &dyn Fn(&ProductName) -> bool,
    ) -> u32 {
        let older = self.line.iter().zip(0u32..).skip_while(|(_, place)| *place < at);
        let complete = |lock: &Lock| lock.products.keys().all(|p| products.contains_key(p) || !gets(p));
        older.into_iter().find(|((_, lock), _)| complete(lock)).map_or(at, |(_, place)| place)
    }

    /// What the cluster's own release and its exclusions say of what is there, and of what is not.
    fn judge(
        &self,
        at: Option<u32>,
        products: &mut BTreeMap<ProductName, Placed>,
        gets: &dyn Fn(&ProductName) -> bool,
        known: bool,
    ) {
        let (newest, own) = (self.line.first(), at.and_then(|at| self.line.get(usize::try_from(at).ok()?)));
        if let Some((_, lock)) = own {
            for (product, placed) in products.iter_mut() {
                if !lock.products.contains_key(product) || !gets(product) {
                    let after = placed.marks.partition_point(|mark| *mark < Mark::Orphaned);
                    placed.marks.insert(after, Mark::Orphaned);
                }
            }
        }
        for (product, locked) in newest.filter(|_| known).into_iter().flat_map(|(_, lock)| &lock.products) {
            if products.contains_key(product) || !gets(product) {
                continue;
            }
            let due = own.is_some_and(|(_, lock)| lock.products.contains_key(product));
            let mark = if due { Mark::Missing } else { Mark::Behind };
            products.insert(
                product.clone(),
                Placed {
                    version: None,
                    newest: Some(locked.version.clone()),
                    behind: None,
                    marks: vec![mark],
                },
            );
        }
    }
}

fn standing_pin(pin: &PinFile) -> StandingPin {
    StandingPin {
        pin: pin.metadata.name.value.clone(),
        product: pin.spec.product.value.clone(),
        version: pin.spec.version.value.clone(),
        owner: pin.spec.owner.value.clone(),
        until: pin.spec.expires.value.to_string(),
    }
}

impl Standing {
    /// The products with a mark.
    pub fn marked(&self, mark: Mark) -> impl Iterator<Item = &ProductName> {
        self.products.iter().filter(move |(_, placed)| placed.marks.contains(&mark)).map(|(name, _)| name)
    }
}

#[cfg(test)]
#[path = "standing_tests.rs"]
mod tests;
