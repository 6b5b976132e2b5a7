//! Which hotfixes clusters run, and the pools that a plan may not enter because it lacks one of them
//! (invariant 10 of the design). What a cluster runs follows from the newest attempt that succeeded
//! there, and from its record where that is newer. Who gets a slot is for `slots`, words for `report`.

use std::collections::{BTreeMap, BTreeSet};

use super::state::{FleetState, Pool, Rollout};
use crate::journal::{AttemptResult, Body};
use crate::model::{ClusterName, Lane, RecordPhase, ReleaseId};
use crate::plan::{Plan, PlannedCluster};

/// Why a pool may not be entered: clusters that wait in it run hotfixes that the plan lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingHotfix {
    /// Each hotfix with the clusters that run it, in plan order.
    pub hotfixes: BTreeMap<ReleaseId, Vec<ClusterName>>,
}

impl FleetState {
    /// Learns which releases are hotfixes.
    pub(super) fn learn_hotfixes(&mut self, plan: &Plan) {
        self.hotfixes.extend(plan.lineage.hotfixes.iter().cloned());
        if plan.release.lane == Lane::Hotfix {
            self.hotfixes.insert(plan.release.id.clone());
        }
    }

    /// Keeps which rollout a cluster got its release from; only a success changes it.
    pub(super) fn fold_applied(&mut self, index: usize, body: &Body, at: jiff::Timestamp) {
        let Body::AttemptFinished { attempt, result: AttemptResult::Succeeded | AttemptResult::NoOp } = body
        else {
            return;
        };
        let Some(rollout) = self.rollouts.get(index) else { return };
        let planned = rollout.by_name.get(&attempt.cluster).and_then(|i| rollout.planned_cluster(*i));
        let Some(planned) = planned else { return };
        let history = self.applied.entry(planned.uid.clone()).or_default();
        if let Some(of) = rollout.rolls_back().and_then(|of| self.by_id.get(of)) {
            history.retain(|(other, _)| other != of);
        }
        // What a retry brings again is one thing, not two.
        history.retain(|(other, _)| *other != index);
        history.push((index, at));
    }

    /// Which of these hotfixes a cluster runs. One that contains others stands for them.
    fn runs<'s>(
        &'s self,
        cluster: &PlannedCluster,
        wanted: &BTreeSet<&'s ReleaseId>,
    ) -> BTreeSet<&'s ReleaseId> {
        let mut found: BTreeSet<&ReleaseId> = BTreeSet::new();
        let applied = self.applied.get(&cluster.uid).and_then(|history| history.last());
        // A rollback brings back what the rollout before brought.
        let history = self.applied.get(&cluster.uid).into_iter().flatten().rev();
        let mut forward = history.filter_map(|(index, _)| self.rollouts.get(*index));
        if let Some(plan) = forward.find(|r| r.rolls_back().is_none()).map(|r| &r.plan) {
            match wanted.get(&plan.release.id) {
                Some(own) => found.extend([*own]),
                None => found.extend(plan.lineage.contains.iter().filter_map(|id| wanted.get(id))),
            }
        }
        let observed = self.seen.get(&cluster.name).and_then(|seen| seen.observed.as_ref());
        let newer = observed.filter(|o| o.uid == cluster.uid && applied.is_none_or(|(_, at)| o.at > *at));
        for product in newer.iter().flat_map(|observed| observed.products.values()) {
            if product.phase == RecordPhase::Verified {
                found.extend(wanted.get(&product.release));
            }
        }
        found
    }
}

/// The hotfixes that are known and that a plan does not contain.
fn lacking<'s>(state: &'s FleetState, plan: &Plan) -> BTreeSet<&'s ReleaseId> {
    let has = |id: &ReleaseId| plan.release.id == *id || plan.lineage.contains.contains(id);
    // Nobody is kept from going back.
    if plan.rollback().is_some() {
        return BTreeSet::new();
    }
    state.hotfixes.iter().filter(|id| !has(id)).collect()
}

/// The clusters of a pool that are yet to start and keep it unsettled, in plan order. One that is
/// held is settled within its budget; it is asked about when its hold ends.
fn to_start<'r>(rollout: &'r Rollout, pool: &Pool) -> impl Iterator<Item = &'r PlannedCluster> {
    let rechecked = pool.rechecks.iter().map(|(_, index)| *index);
    let all: BTreeSet<usize> = pool.pending.iter().map(|(_, index)| *index).chain(rechecked).collect();
    all.into_iter()
        .filter(|index| {
            rollout.clusters.get(*index).is_some_and(|cluster| !cluster.attempt.state.is_settled())
        })
        .filter_map(|index| rollout.planned_cluster(index))
}

/// Whether a pool may not be entered.
pub(super) fn misses(state: &FleetState, rollout: &Rollout, pool: &Pool) -> bool {
    let lacking = lacking(state, &rollout.plan);
    !lacking.is_empty() && to_start(rollout, pool).any(|cluster| !state.runs(cluster, &lacking).is_empty())
}

/// Whether a cluster may not get a rollout's release.
pub(super) fn would_lose(state: &FleetState, rollout: &Rollout, cluster: &PlannedCluster) -> bool {
    let lacking = lacking(state, &rollout.plan);
    !lacking.is_empty() && !state.runs(cluster, &lacking).is_empty()
}

/// The hotfixes that clusters yet to start in a pool run and the rollout's plan lacks; `None` if the
/// pool may be entered.
pub(super) fn missing_hotfix(state: &FleetState, rollout: &Rollout, pool: &Pool) -> Option<MissingHotfix> {
    let lacking = lacking(state, &rollout.plan);
    if lacking.is_empty() {
        return None;
    }
    let mut hotfixes: BTreeMap<ReleaseId, Vec<ClusterName>> = BTreeMap::new();
    for cluster in to_start(rollout, pool) {
        for hotfix in state.runs(cluster, &lacking) {
            hotfixes.entry(hotfix.clone()).or_default().push(cluster.name.clone());
        }
    }
    (!hotfixes.is_empty()).then_some(MissingHotfix { hotfixes })
}
