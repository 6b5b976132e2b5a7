//! What a rollback and the rollout that it takes back mean for each other: when one may begin, what
//! becomes of the other meanwhile and at its end, which clusters carry what a rollout brought, and
//! what they ran before. How the rollback's plan is made from that is for `plan::rollback`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::admit::{refuse, wrong_state};
use super::attempt::{Attempt, AttemptState, Class};
use super::command::{Refusal, RefusalExit};
use super::state::{Cluster, FleetState, Rollout, RolloutState};
use crate::diag::codes;
use crate::journal::{AttemptResult, Body, HaltCause, StepId};
use crate::model::{
    ClusterName, ClusterUid, Observed, ObservedProduct, ProductName, RecordPhase, RolloutId, WaveName,
};
use crate::plan::rollback::{Before, Carrier};
use crate::plan::{Plan, PlannedCluster, PlannedRollback, Target};
use crate::resolve::Observation;

type Checked = Result<(), String>;

impl Rollout {
    /// What it takes back, if it is a rollback.
    pub fn rolls_back(&self) -> Option<&RolloutId> {
        self.plan.rollback().map(|rollback| &rollback.of)
    }

    /// Whether a rollback of it may be planned now: it rests, and nothing of it is at work.
    pub fn may_be_taken_back(&self) -> bool {
        matches!(
            self.state,
            RolloutState::Paused
                | RolloutState::Halted { .. }
                | RolloutState::Succeeded
                | RolloutState::SucceededWithFailures
        ) && self.counts.of(Class::Active) == 0
            && self.rolls_back().is_none()
    }

    /// Whether a rollback may be asked for: what is at work may have to end first.
    pub fn offers_rollback(&self) -> bool {
        let moving = matches!(self.state, RolloutState::Running | RolloutState::Pausing);
        let written = |c: &Cluster| c.attempt.state == AttemptState::Succeeded || c.half_updated();
        (moving || self.may_be_taken_back() || matches!(self.state, RolloutState::Halted { .. }))
            && self.rolls_back().is_none()
            && self.clusters.iter().any(written)
    }

    /// The wave that a halt speaks of when a rollback ended: the first in which clusters failed.
    fn failed_wave(&self) -> Option<WaveName> {
        let failed = self.waves().find(|(_, w)| w.counts.failures() > 0);
        let current = || self.waves().find(|(_, w)| !w.phase.is_over());
        let last = || self.waves().last();
        failed.or_else(current).or_else(last).map(|(planned, _)| planned.name.clone())
    }

    /// Whether a state of it is what its rollback made of it.
    fn is_linked(&self, rollback: &RolloutId) -> bool {
        match &self.state {
            RolloutState::RollingBack { by } | RolloutState::RolledBack { by } => by == rollback,
            RolloutState::Halted { cause: HaltCause::RollbackEnded { by }, .. } => by == rollback,
            _ => false,
        }
    }
}

impl FleetState {
    /// A rollback can begin: its rollout is known, rests, and brought something to every cluster of it.
    pub(super) fn check_rollback(&self, plan: &Plan, rollback: &PlannedRollback) -> Checked {
        let of = &rollback.of;
        let original = self.rollout(of).ok_or_else(|| format!("no rollout {of} is known"))?;
        if original.rolls_back().is_some() {
            return Err(format!("{of} is a rollback itself: roll a release forward again"));
        }
        if !original.may_be_taken_back() {
            return Err(format!("{of} is {} and can't be rolled back now", original.state.word()));
        }
        for (_, _, planned) in plan.clusters() {
            let name = &planned.name;
            let found = original.member(&planned.uid);
            let (_, found) = found.ok_or_else(|| format!("{of} has no cluster {name}"))?;
            if found.attempt.state.class() == Class::Unknown {
                return Err(format!("what became of {name} in {of} is not known: skip it there first"));
            }
        }
        Ok(())
    }

    /// A rollback that came to its end goes on only while its rollout is what it made of it.
    pub(super) fn check_linked(&self, rollback: &Rollout) -> Checked {
        let Some(original) = rollback.rolls_back().and_then(|of| self.rollout(of)) else { return Ok(()) };
        if rollback.state.is_open() || original.is_linked(&rollback.id) {
            return Ok(());
        }
        Err(format!("{} has gone on since: it is {}", original.id, original.state.word()))
    }

    /// Keeps the rollout that a rollback takes back in step with it, after the event was folded.
    pub(super) fn fold_rollback(&mut self, index: usize, body: &Body, at: jiff::Timestamp) {
        let Some(rollback) = self.rollouts.get(index) else { return };
        let Some(asked) = rollback.plan.rollback() else { return };
        let by = rollback.id.clone();
        let Some(place) = self.by_id.get(&asked.of).copied() else { return };
        if let Body::AttemptFinished { attempt, result: AttemptResult::Succeeded | AttemptResult::NoOp } =
            body
        {
            let uid = rollback.by_name.get(&attempt.cluster).and_then(|i| rollback.planned_cluster(*i));
            let uid = uid.map(|planned| planned.uid.clone());
            let Some(original) = self.rollouts.get_mut(place) else { return };
            if let Some(i) = uid.and_then(|uid| original.by_uid.get(&uid).copied()) {
                // What had failed there is still worth knowing.
                let failed = original.clusters.get(i).and_then(|c| c.attempt.cause.clone());
                let failed = failed.map(|cause| format!("; before that: {cause}")).unwrap_or_default();
                original.set(i, AttemptState::RolledBack, Some(format!("{by} rolled it back{failed}")), at);
            }
            return;
        }
        let begins = matches!(body, Body::RolloutPlanned { .. });
        if !(begins
            || matches!(
                body,
                Body::RolloutFinished { .. }
                    | Body::RolloutAborted { .. }
                    | Body::RolloutSuperseded { .. }
                    | Body::AttemptRetry { .. }
                    | Body::AttemptSkip { .. }
                    | Body::WaveVerify { .. }
            ))
        {
            return;
        }
        let left = rollback.counts.of(Class::Skipped) + rollback.counts.of(Class::Gone);
        let back = rollback.state == RolloutState::Succeeded && asked.whole && left == 0;
        let open = rollback.state.is_open();
        let Some(original) = self.rollouts.get_mut(place) else { return };
        if !begins && !original.is_linked(&by) {
            return;
        }
        let state = match (open, back, original.failed_wave()) {
            (false, true, _) | (false, _, None) => RolloutState::RolledBack { by },
            (false, false, Some(wave)) => {
                RolloutState::Halted { wave, cause: HaltCause::RollbackEnded { by } }
            }
            (true, ..) => RolloutState::RollingBack { by },
        };
        let was_open = original.state.is_open();
        original.enter(state, at);
        if !was_open && original.state.is_open() {
            self.who_left(place);
        }
        self.sort_in(place);
    }

    /// The clusters that carry what a rollout brought, within what is asked for, each with what it ran
    /// before. Where a cluster was not `seen` just now, its attempts tell.
    pub fn carriers(
        &self,
        original: &Rollout,
        asked: &PlannedRollback,
        seen: &BTreeMap<ClusterName, Observed>,
    ) -> BTreeMap<ClusterName, Carrier> {
        let mut carriers = BTreeMap::new();
        for (wave, _, planned, cluster) in original.clusters() {
            let wanted = (asked.waves.is_empty() && asked.clusters.is_empty())
                || asked.waves.contains(&wave.name)
                || asked.clusters.contains(&planned.name);
            if !wanted {
                continue;
            }
            let before = self.before(original, planned);
            let now = match seen.get(&planned.name).filter(|seen| seen.uid == planned.uid) {
                Some(observed) => Some(Observation::fresh(observed.clone())),
                None => self.left_by(original, planned, cluster),
            };
            if let Some(now) = now.filter(|now| carries(planned, cluster, now)) {
                carriers.insert(planned.name.clone(), Carrier { before, now });
            }
        }
        carriers
    }

    /// Every rollout whose attempt succeeded last on a cluster, oldest first; what was rolled back is
    /// not among them.
    fn history(&self, uid: &ClusterUid) -> impl DoubleEndedIterator<Item = (&Rollout, jiff::Timestamp)> {
        let applied = self.applied.get(uid).into_iter().flatten();
        applied.filter_map(|(index, at)| Some((self.rollouts.get(*index)?, *at)))
    }

    /// The rollout that brought what a cluster ran before another one went over it, if that was after
    /// its plan had looked.
    fn between<'s>(
        &'s self,
        original: &Rollout,
        planned: &PlannedCluster,
    ) -> Option<(&'s Rollout, &'s PlannedCluster)> {
        let cluster = original.cluster(&planned.name)?;
        let attempts = cluster.earlier.iter().chain([&cluster.attempt]);
        let went = attempts.filter_map(|attempt| attempt.claimed_at).max()?;
        let mut others =
            self.history(&planned.uid).rev().filter(|(other, at)| other.id != original.id && *at < went);
        let (other, _) = others.next().filter(|(_, at)| *at > planned.observed_at)?;
        let (_, _, there) = other.plan.cluster(&planned.name).filter(|(_, _, c)| c.uid == planned.uid)?;
        Some((other, there))
    }

    /// What a cluster ran before a rollout went over it: what another one brought after its plan was
    /// made, else what the plan saw.
    fn before(&self, original: &Rollout, planned: &PlannedCluster) -> BTreeMap<ProductName, Before> {
        if let Some((other, there)) = self.between(original, planned) {
            return there.targets.iter().map(|t| (t.product.clone(), brought(&other.plan, t))).collect();
        }
        let from = planned.from.iter();
        from.map(|(product, found)| (product.clone(), self.planned_from(original, planned, product, found)))
            .collect()
    }

    /// A product as the plan saw it, with the values that the rollout gave it which had brought it.
    fn planned_from(
        &self,
        original: &Rollout,
        planned: &PlannedCluster,
        product: &ProductName,
        found: &ObservedProduct,
    ) -> Before {
        let values = self.rollouts.iter().rev().filter(|other| other.id != original.id).find_map(|other| {
            let (there, _) = other.member(&planned.uid)?;
            let target = there.targets.iter().find(|t| t.product == *product && t.inputs == found.inputs)?;
            other.plan.values.get(&target.values).cloned()
        });
        let unchanged = || {
            let target =
                planned.targets.iter().find(|t| t.product == *product && t.inputs == found.inputs)?;
            original.plan.values.get(&target.values).cloned()
        };
        Before {
            release: found.release.clone(),
            version: found.version.clone(),
            commit: found.commit.clone(),
            digest: found.digest,
            inputs: found.inputs,
            values: values.or_else(unchanged),
            verified: found.phase == RecordPhase::Verified,
        }
    }

    /// What a rollout left in a cluster that can't be asked now, as its attempts tell; nothing if
    /// another one wrote there since.
    fn left_by(
        &self,
        original: &Rollout,
        planned: &PlannedCluster,
        cluster: &Cluster,
    ) -> Option<Observation> {
        let last = self.history(&planned.uid).next_back();
        let mine = cluster.attempt.claimed_at.filter(|_| cluster.half_updated());
        let forward = self.history(&planned.uid).rev().find(|(rollout, _)| rollout.rolls_back().is_none());
        let is_on_it = forward.is_some_and(|(rollout, _)| rollout.id == original.id);
        let newer =
            last.is_none_or(|(rollout, at)| rollout.id == original.id || mine.is_some_and(|m| m > at));
        let since = last.map(|(_, at)| at).into_iter().chain(mine).max();
        let others = self.rollouts.iter().filter(|r| r.id != original.id).any(|other| {
            other.member(&planned.uid).is_some_and(|(_, c)| c.half_updated() && c.attempt.claimed_at > since)
        });
        if others || !(is_on_it || (mine.is_some() && newer)) {
            return None;
        }
        let mut products: BTreeMap<ProductName, ObservedProduct> = (*planned.from).clone();
        if let Some((other, there)) = self.between(original, planned) {
            products = there.targets.iter().map(|t| (t.product.clone(), as_seen(other, t, true))).collect();
        }
        let begun = begun(cluster);
        let all = is_on_it && cluster.attempt.state != AttemptState::RolledBack;
        for target in planned.targets.iter().filter(|t| t.change.acts()) {
            if all || begun.contains(&target.product) {
                products.insert(target.product.clone(), as_seen(original, target, all));
            }
        }
        for product in planned.removals.iter().filter(|p| all || begun.contains(p)) {
            products.remove(product);
        }
        Some(Observation {
            at: planned.observed_at,
            uid: planned.uid.clone(),
            kubernetes: planned.kubernetes,
            server: planned.kubernetes.to_string(),
            products: Arc::new(products),
            stale: true,
        })
    }
}

/// What a rollout's target is, as something to go back to.
fn brought(plan: &Plan, target: &Target) -> Before {
    let commit = plan.products.get(&target.digest).map(|product| product.commit.clone());
    Before {
        release: target.release(plan).clone(),
        version: target.version.clone(),
        commit: commit.unwrap_or_default(),
        digest: target.digest,
        inputs: target.inputs,
        values: plan.values.get(&target.values).cloned(),
        verified: true,
    }
}

/// A target as a record would show it.
fn as_seen(rollout: &Rollout, target: &Target, verified: bool) -> ObservedProduct {
    let before = brought(&rollout.plan, target);
    ObservedProduct {
        release: before.release,
        version: before.version,
        commit: before.commit,
        digest: before.digest,
        inputs: before.inputs,
        phase: if verified { RecordPhase::Verified } else { RecordPhase::Applying },
    }
}

/// The products at which a step of some attempt began.
fn begun(cluster: &Cluster) -> BTreeSet<&ProductName> {
    let attempts = cluster.earlier.iter().chain([&cluster.attempt]);
    let steps = attempts.flat_map(Attempt::steps).filter(|s| s.tries() > 0 && !s.step().id.is_test());
    steps.filter_map(|s| s.step().id.product()).collect()
}

/// Whether a cluster carries something that a rollout brought (or lacks what it took away).
fn carries(planned: &PlannedCluster, cluster: &Cluster, now: &Observation) -> bool {
    let brought = planned.targets.iter().filter(|t| t.change.acts()).any(|target| {
        let was = planned
            .from
            .get(&target.product)
            .is_some_and(|from| from.inputs == target.inputs && from.phase == RecordPhase::Verified);
        !was && now.products.get(&target.product).is_some_and(|found| found.inputs == target.inputs)
    });
    let removed = |product: &&ProductName| {
        let step = StepId::Remove { product: (*product).clone() };
        let attempts = cluster.earlier.iter().chain([&cluster.attempt]);
        attempts.flat_map(Attempt::steps).any(|s| s.step().id == step && s.tries() > 0)
    };
    brought || planned.removals.iter().any(|p| !now.products.contains_key(p) && removed(&p))
}

/// What follows from the wish to roll back: a rollout that runs is paused first. The plan of the
/// rollback comes once nothing of it is at work any more.
///
/// # Errors
/// When there is nothing to take back, or its state does not allow it.
pub(super) fn ask(rollout: &Rollout, reason: &str) -> Result<Vec<Body>, Refusal> {
    if reason.trim().is_empty() {
        return refuse(rollout, &codes::REASON_MISSING, RefusalExit::Usage, "a rollback needs a reason");
    }
    if let Some(of) = rollout.rolls_back() {
        let sentence = format!(
            "{} rolls {of} back itself: to go forward again, plan release {} anew",
            rollout.id, rollout.plan.release.id
        );
        return refuse(rollout, &codes::ROLLOUT_STATE, RefusalExit::Conflict, sentence);
    }
    if let RolloutState::RollingBack { by } = &rollout.state {
        let sentence = format!("{by} rolls {} back already", rollout.id);
        let legal = vec![format!("tidegate rollout run {by}"), format!("tidegate rollout abort {by}")];
        return Err(Refusal { code: &codes::ROLLOUT_STATE, sentence, legal, exit: RefusalExit::Conflict });
    }
    let moving = matches!(rollout.state, RolloutState::Running | RolloutState::Pausing);
    if !moving && !matches!(rollout.state, RolloutState::Halted { .. }) && !rollout.may_be_taken_back() {
        return wrong_state(rollout, "rolled back");
    }
    if !rollout.offers_rollback() {
        let sentence = format!("{} has changed no cluster: there is nothing to take back", rollout.id);
        return refuse(rollout, &codes::NOTHING_TO_ROLL_BACK, RefusalExit::NothingSelected, sentence);
    }
    all_known(rollout)?;
    match rollout.state {
        RolloutState::Running => {
            let reason = Some(format!("to be rolled back: {reason}"));
            Ok(vec![Body::RolloutPause { rollout: rollout.id.clone(), reason }])
        }
        _ => Ok(Vec::new()),
    }
}

/// That it is known how its attempts ended: what nobody knows would keep its slot while the rollback
/// waits for it, and nobody could settle it any more.
///
/// # Errors
/// Names the clusters, and how to settle them.
pub(super) fn all_known(rollout: &Rollout) -> Result<(), Refusal> {
    let unknown: Vec<String> = rollout
        .clusters()
        .filter(|(.., cluster)| cluster.attempt.state.class() == Class::Unknown)
        .map(|(_, _, planned, _)| planned.name.to_string())
        .collect();
    if !unknown.is_empty() {
        let id = &rollout.id;
        let sentence = format!(
            "nobody knows how {id} ended on {}: look there, then skip it, and roll back",
            unknown.join(", ")
        );
        let skip =
            unknown.iter().map(|name| format!("tidegate rollout skip {id} --cluster {name} --reason TEXT"));
        let legal = skip.collect();
        return Err(Refusal { code: &codes::CLUSTER_STATE, sentence, legal, exit: RefusalExit::Conflict });
    }
    Ok(())
}
