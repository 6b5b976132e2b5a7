//! What a cluster runs against what its records and the journal say was applied there. Nothing is
//! written to the cluster; objects are compared by the proofs in the records, and only those that
//! somebody touched are read whole, and applied in a dry run to learn whether that would mend them.

use std::collections::BTreeMap;

use futures::StreamExt as _;

use crate::apply::ProductSet;
use crate::apply::drift::LostField;
use crate::apply::record::Record;
use crate::journal::Body;
use crate::model::{ClusterEntry, ClusterName, ClusterUid, ProductName, RecordPhase, RolloutId};
use crate::plan::Target;
use crate::port::Fault;
use crate::rollout::{AttemptState, FleetState};

use super::cluster::{Cluster, ObjectChange, ObjectDrift, Sight};
use super::contents::Contents;
use super::mend::{Fix, Mend};
use super::preview;
use super::survey::{self, access};
use super::world::{Times, World};

/// How many clusters are looked at at once.
const AT_ONCE: usize = 16;

/// What a look at one cluster brought.
#[derive(Debug, Clone, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ClusterDrift {
    /// The cluster.
    pub cluster: ClusterName,
    /// When it was looked at.
    pub at: jiff::Timestamp,
    /// Why it could not be looked at, if it could not.
    pub unreachable: Option<String>,
    /// How many products it has records of.
    pub products: usize,
    /// How many objects these records name.
    pub objects: usize,
    /// What is not as it was applied.
    pub differences: Vec<Difference>,
    /// The commands that put it back, in order; empty where nothing is to be put back, or no command
    /// can.
    pub fix: Vec<String>,
}

/// Something that is not as it was applied.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Difference {
    /// What kind of difference.
    pub kind: DifferenceKind,
    /// The product.
    pub product: ProductName,
    /// The object, as people write it; absent if it is about the product as a whole.
    pub object: Option<String>,
    /// The fields, if that is what changed.
    pub fields: Vec<LostField>,
    /// In one sentence, with the reason if an apply would not put it back.
    pub words: String,
    /// What an apply would do about it; absent where that is not known.
    pub mend: Option<Mend>,
}

/// A kind of difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum DifferenceKind {
    /// The cluster is not the one that the journal knows by this name.
    OtherCluster,
    /// The journal applied the product, and the cluster has no record of it.
    RecordMissing,
    /// The record names other inputs than the journal applied last.
    OtherVersion,
    /// The record's last change never came to its end.
    Unfinished,
    /// An object is not there.
    ObjectMissing,
    /// An object was deleted and made anew by somebody else.
    ObjectReplaced,
    /// An object is being deleted.
    ObjectDeleting,
    /// Fields of an object were changed.
    FieldsChanged,
    /// An object was changed; its fields can't be told any more.
    ObjectChanged,
}

/// So many differences are told in the journal.
const TOLD: usize = 20;

impl ClusterDrift {
    /// What the look says to the journal; nothing if there was none.
    pub fn event(&self) -> Option<Body> {
        self.unreachable.is_none().then(|| Body::ClusterCompared {
            cluster: self.cluster.clone(),
            differences: u32::try_from(self.differences.len()).unwrap_or(u32::MAX),
            told: self.differences.iter().take(TOLD).map(|difference| difference.words.clone()).collect(),
        })
    }
}

/// Looks at clusters.
pub async fn fleet(
    world: &World,
    times: &Times,
    state: &FleetState,
    clusters: &[&ClusterEntry],
) -> Vec<ClusterDrift> {
    let contents = Contents::new(world.packages.clone());
    let looks = futures::stream::iter(clusters).map(|entry| one(world, times, state, &contents, entry));
    let mut found: Vec<ClusterDrift> = looks.buffer_unordered(AT_ONCE).collect().await;
    found.sort_by(|a, b| a.cluster.cmp(&b.cluster));
    found
}

async fn one(
    world: &World,
    times: &Times,
    state: &FleetState,
    contents: &Contents,
    entry: &ClusterEntry,
) -> ClusterDrift {
    let mut drift = ClusterDrift {
        cluster: entry.name.value.clone(),
        at: world.clock.now(),
        unreachable: None,
        products: 0,
        objects: 0,
        differences: Vec::new(),
        fix: Vec::new(),
    };
    // The first answer has to come soon; what follows is many requests, each with its own limit.
    let compared = match survey::reach(&*world.clusters, &world.clock, times, &access(entry), "drift").await {
        Ok((cluster, sight)) => compare(world, state, contents, entry, &cluster, &sight, &mut drift).await,
        Err(error) => Err(error.into()),
    };
    if let Err(fault) = compared {
        drift.unreachable = Some(fault.message);
    }
    drift
}

async fn compare(
    world: &World,
    state: &FleetState,
    contents: &Contents,
    entry: &ClusterEntry,
    cluster: &Cluster,
    sight: &Sight,
    drift: &mut ClusterDrift,
) -> Result<(), Fault> {
    let uid = &sight.observed.uid;
    drift.products = sight.records.len();
    drift.objects = sight.records.values().map(|record| record.inventory.entries.len()).sum();
    let known = state.seen(&drift.cluster).and_then(|seen| seen.observed.as_ref()).map(|seen| &seen.uid);
    if let Some(known) = known.filter(|known| *known != uid) {
        let words = format!("the journal knows {} as {known}, and this cluster is {uid}", drift.cluster);
        for product in sight.records.keys() {
            drift.differences.push(whole(DifferenceKind::OtherCluster, product, words.clone()));
        }
        return Ok(());
    }
    let applied = applied(state, uid);
    for (product, (rollout, target)) in applied {
        drift.differences.extend(against_journal(product, rollout, target, sight.records.get(product)));
    }
    let mut fix = Fix::default();
    let mut rendered: BTreeMap<RolloutId, Option<Vec<ProductSet>>> = BTreeMap::new();
    for (product, record) in &sight.records {
        let rollout = &record.rollout;
        if !rendered.contains_key(rollout) {
            rendered.insert(rollout.clone(), render(world, state, contents, rollout, uid).await);
        }
        let sets = rendered.get(rollout).and_then(Option::as_deref);
        let sets = sets.filter(|_| is_planned(state, rollout, uid, product, record));
        let plan = state.rollout(rollout).map(|rollout| rollout.plan());
        let content = plan.and_then(|plan| plan.products.get(&record.current.digest));
        let conflicts = content.map(|content| content.conflicts).unwrap_or_default();
        for found in cluster.compare(product, record, sets).await? {
            fix.add(entry, &record.current.release, conflicts, &found);
            drift.differences.push(of_object(product, found));
        }
    }
    drift.fix = fix.commands();
    Ok(())
}

/// What the journal brought to a cluster last, by product.
fn applied<'a>(
    state: &'a FleetState,
    uid: &ClusterUid,
) -> BTreeMap<&'a ProductName, (&'a RolloutId, &'a Target)> {
    let mut found = BTreeMap::new();
    for rollout in state.rollouts() {
        let Some((planned, cluster)) = rollout.member(uid) else { continue };
        if matches!(cluster.state(), AttemptState::Succeeded | AttemptState::NoOp) {
            found.extend(planned.targets.iter().map(|t| (&t.product, (rollout.id(), t))));
            found.retain(|product, _| !planned.removals.contains(product));
        }
    }
    found
}

fn against_journal(
    product: &ProductName,
    rollout: &RolloutId,
    target: &Target,
    record: Option<&Record>,
) -> Option<Difference> {
    let meant = format!("{rollout} applied {product} {}", target.version);
    let Some(record) = record else {
        let words = format!("{meant}, and the cluster has no record of it");
        return Some(whole(DifferenceKind::RecordMissing, product, words));
    };
    let now = &record.current;
    if now.phase != RecordPhase::Verified {
        let words =
            format!("{} of {product} by {} is {}, never verified", now.version, record.rollout, now.phase);
        return Some(whole(DifferenceKind::Unfinished, product, words));
    }
    (now.inputs != target.inputs).then(|| {
        let what = match now.version == target.version {
            true => format!("{} with other inputs", now.version),
            false => now.version.to_string(),
        };
        let words =
            format!("{meant}, and the record says {what} of release {} (by {})", now.release, record.rollout);
        whole(DifferenceKind::OtherVersion, product, words)
    })
}

/// Whether the plan of a rollout has exactly what a record says.
fn is_planned(
    state: &FleetState,
    rollout: &RolloutId,
    uid: &ClusterUid,
    product: &ProductName,
    record: &Record,
) -> bool {
    let there = state.rollout(rollout).and_then(|rollout| rollout.member(uid));
    there
        .and_then(|(planned, _)| planned.targets.iter().find(|target| target.product == *product))
        .is_some_and(|target| target.inputs == record.current.inputs)
}

/// What a rollout's plan put into a cluster, secrets masked; nothing if that is not known any more.
async fn render(
    world: &World,
    state: &FleetState,
    contents: &Contents,
    rollout: &RolloutId,
    uid: &ClusterUid,
) -> Option<Vec<ProductSet>> {
    let rollout = state.rollout(rollout)?;
    let (planned, _) = rollout.member(uid)?;
    preview::cluster(&*world.renderer, contents, rollout.plan(), planned).await.ok()
}

fn whole(kind: DifferenceKind, product: &ProductName, words: String) -> Difference {
    Difference { kind, product: product.clone(), object: None, fields: Vec::new(), words, mend: None }
}

fn of_object(product: &ProductName, found: ObjectDrift) -> Difference {
    let object = found.id.to_string();
    let mend = Mend::of(&found);
    let (kind, fields, mut words) = match found.change {
        ObjectChange::Missing => {
            (DifferenceKind::ObjectMissing, Vec::new(), format!("{object} is not there"))
        }
        ObjectChange::Replaced => {
            let words = format!("{object} was deleted and made anew by somebody else");
            (DifferenceKind::ObjectReplaced, Vec::new(), words)
        }
        ObjectChange::Deleting => {
            (DifferenceKind::ObjectDeleting, Vec::new(), format!("{object} is being deleted"))
        }
        ObjectChange::Changed => {
            let words = format!("{object} was changed; what was applied is not known any more");
            (DifferenceKind::ObjectChanged, Vec::new(), words)
        }
        ObjectChange::Fields(fields) => {
            let told: Vec<String> = fields.iter().map(field).collect();
            (DifferenceKind::FieldsChanged, fields, format!("{object}: {}", told.join(", ")))
        }
    };
    if let Some(mend) = mend.as_ref().filter(|mend| mend.is_told()) {
        words.push_str(&format!("; {}", mend.words));
    }
    Difference { kind, product: product.clone(), object: Some(object), fields, words, mend }
}

/// `spec.replicas is 5, applied was 3 (kubectl-edit)`.
fn field(field: &LostField) -> String {
    let by = field.by.as_ref().map_or_else(|| "taken away".to_owned(), Clone::clone);
    format!("{} is {}, applied was {} ({by})", field.field, short(&field.found), short(&field.applied))
}

/// A value in a sentence, cut where it is long.
fn short(value: &serde_json::Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    match text.char_indices().nth(60) {
        None => text,
        Some((at, _)) => format!("{}...", text.get(..at).unwrap_or_default()),
    }
}
