//! What runs, asked of the clusters themselves: a bounded number of them at once, each within a limit. One that
//! can't be reached or lets nobody read is told as silent; what the journal knows of it stays.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;

use crate::apply::inventory::Entry;
use crate::apply::payload::PRODUCT_LABEL;
use crate::diag::Place;
use crate::engine::Times;
use crate::engine::cluster::{Error, Kind, Sight};
use crate::engine::survey::reach;
use crate::lcm::declared::{Declared, Item};
use crate::lcm::live::{Fields, Found, Object, Seen};
use crate::lcm::row::{ClusterSet, InUse, NO_PRODUCT, Running};
use crate::model::{ClusterName, Observed};
use crate::plan::Access;
use crate::port::{Clock, Clusters};
use crate::report::standing::Standing;

/// How many clusters are asked at once: each holds a page of a list in memory.
const AT_ONCE: usize = 16;

/// Whom to ask, and how.
pub struct Asked<'a> {
    /// How clusters are reached.
    pub port: &'a dyn Clusters,
    /// The clock.
    pub clock: &'a Arc<dyn Clock>,
    /// The limits of single requests.
    pub times: &'a Times,
    /// The most that one cluster may take in all.
    pub limit: Duration,
    /// The clusters.
    pub clusters: &'a [(ClusterName, Access)],
    /// Fields of custom resources that name images.
    pub fields: &'a Fields,
    /// Who owns which product.
    pub owners: &'a BTreeMap<String, String>,
}

/// What the clusters said.
#[derive(Debug, Default)]
pub struct Live {
    /// What each of those that answered is and runs.
    pub observed: BTreeMap<ClusterName, Observed>,
    /// Which images run.
    pub running: Vec<Running>,
    /// Those that gave no answer, and why.
    pub silent: BTreeMap<ClusterName, Error>,
    /// What those that answered did not tell.
    pub lost: BTreeMap<ClusterName, Vec<String>>,
}

/// The same image of the same product with the same digest, wherever it runs.
type Key = (String, String, Item, Option<String>, Option<String>);

/// Asks clusters what images they run.
pub async fn live(asked: &Asked<'_>) -> Live {
    let mut answers = futures::stream::iter(asked.clusters)
        .map(|(name, access)| async move { (name, one(asked, access).await) })
        .buffer_unordered(AT_ONCE);
    let mut live = Live::default();
    let mut running: BTreeMap<Key, Running> = BTreeMap::new();
    while let Some((name, answer)) = answers.next().await {
        match answer {
            Ok((observed, found, lost)) => {
                live.observed.insert(name.clone(), observed);
                if !lost.is_empty() {
                    live.lost.insert(name.clone(), lost);
                }
                found.into_iter().for_each(|one| put(one, name, asked.owners, &mut running));
            }
            Err(error) => _ = live.silent.insert(name.clone(), error),
        }
    }
    drop(answers);
    live.running = running.into_values().collect();
    live
}

/// What one cluster is, which images it runs, and what of it could not be seen.
async fn one(asked: &Asked<'_>, access: &Access) -> Result<(Observed, Vec<Found>, Vec<String>), Error> {
    let look = async {
        let (cluster, sight) = reach(asked.port, asked.clock, asked.times, access, "report").await?;
        let mut seen = Seen::new(PRODUCT_LABEL);
        let mut lost = cluster.images(asked.fields, &mut seen).await?;
        let by_record = by_record(&sight);
        let owners = |object: &Object, label: Option<&str>| {
            let recorded = by_record.get(object).or_else(|| by_record.get(&whole_cluster(object)));
            recorded.cloned().or_else(|| label.map(str::to_owned))
        };
        let (found, unreadable) = seen.found(&owners);
        if let Some(first) = unreadable.first() {
            lost.push(format!(
                "names of images that can't be read: {}; the first: {first}",
                unreadable.len()
            ));
        }
        Ok((sight.observed, found, lost))
    };
    tokio::select! {
        biased;
        seen = look => seen,
        () = asked.clock.sleep(asked.limit) => {
            Err(Error::new(Kind::Unreachable, format!("not all was told within {} s", asked.limit.as_secs())))
        }
    }
}

/// The product of each object, by what was recorded when it was applied.
fn by_record(sight: &Sight) -> BTreeMap<Object, String> {
    let entries = sight.records.iter().flat_map(|(product, record)| {
        record.inventory.entries.iter().map(move |entry| (object(entry), product.to_string()))
    });
    entries.collect()
}

fn object(entry: &Entry) -> Object {
    let id = &entry.id;
    Object {
        group: id.group.clone(),
        kind: id.kind.clone(),
        namespace: id.namespace.clone(),
        name: id.name.clone(),
    }
}

/// An owner's namespace is taken for that of what it owns; it may have none.
fn whole_cluster(object: &Object) -> Object {
    Object { namespace: String::new(), ..object.clone() }
}

fn put(
    found: Found,
    cluster: &ClusterName,
    owners: &BTreeMap<String, String>,
    running: &mut BTreeMap<Key, Running>,
) {
    let Found { product, image, digest, workload } = found;
    let named = workload.owner.clone().unwrap_or_default();
    let owner = product.as_ref().and_then(|product| owners.get(product).cloned()).unwrap_or(named);
    let product = product.unwrap_or_else(|| NO_PRODUCT.to_owned());
    let item = Item::Image(image.repository);
    let key = (product, owner, item, image.tag, digest);
    let one = running.entry(key).or_insert_with_key(|(product, owner, item, version, digest)| Running {
        declared: Declared {
            product: product.clone(),
            owner: owner.clone(),
            item: item.clone(),
            version: version.clone(),
            digest: digest.clone(),
            place: Place::none(),
        },
        clusters: ClusterSet::default(),
        workloads: BTreeMap::new(),
    });
    Arc::make_mut(&mut one.clusters).insert(cluster.clone());
    one.workloads.entry(workload).or_default().insert(cluster.clone());
}

impl Live {
    /// Where clusters stand by what they just said.
    pub fn freshen(&self, fleet: &mut [Standing]) {
        for standing in fleet {
            if let Some(observed) = self.observed.get(&standing.cluster) {
                standing.observed = Some(observed.clone());
            }
        }
    }

    /// Puts what clusters run in the place of what was known of their images.
    pub fn replace(&mut self, used: &mut InUse) {
        for one in &mut used.running {
            let is_asked = one.clusters.iter().any(|cluster| self.observed.contains_key(cluster));
            if is_asked && matches!(one.declared.item, Item::Image(_)) {
                Arc::make_mut(&mut one.clusters).retain(|cluster| !self.observed.contains_key(cluster));
            }
        }
        used.running.retain(|one| !one.clusters.is_empty());
        used.running.append(&mut self.running);
    }
}
