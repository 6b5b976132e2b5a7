//! A rollout that goes on by another plan of the same release: what each wave and cluster keeps, as
//! a comparison of the two plans for people, and as the fold of `rollout.replanned`. What the plan
//! says is for `plan`; nothing is in flight while it changes.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::attempt::{Attempt, AttemptState, Class, Tests};
use super::state::{Cluster, Rollout, RolloutState, Wave, WavePhase};
use crate::digest::Digest;
use crate::journal::{BlockReason, Event, Failure, HaltCause, Side};
use crate::model::{ClusterName, WaveName};
use crate::plan::{self, Plan, PlannedCluster, PlannedWave};

/// What becomes of a wave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Becomes {
    /// Its digest did not change: phase, answers and approvals stay.
    Kept,
    /// It is over, and none of its clusters is touched again: it stays over.
    StaysOver,
    /// Its digest changed: it starts anew, and asks its gates again.
    Anew,
    /// It was not planned before.
    New,
    /// It is not planned any more.
    Gone,
}

/// One wave of two plans.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReplannedWave {
    /// Its name.
    pub name: WaveName,
    /// What becomes of it.
    pub becomes: Becomes,
    /// Its digest before; absent when it is new.
    pub before: Option<Digest>,
    /// Its digest now; absent when it is gone.
    pub digest: Option<Digest>,
    /// What changed of its rules, in words.
    pub changes: Vec<String>,
    /// Clusters that were not in it.
    pub joining: Vec<ClusterName>,
    /// Clusters that are not in it any more.
    pub leaving: Vec<ClusterName>,
    /// Clusters that get other inputs, and so a new attempt.
    pub anew: Vec<ClusterName>,
    /// Blocked clusters that are tried again by the new plan.
    pub freed: Vec<ClusterName>,
    /// How many clusters keep what they have come to.
    pub keeping: usize,
}

/// What a new plan changes in a rollout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replanned {
    /// Its waves, in the new order, then those that are gone.
    pub waves: Vec<ReplannedWave>,
    /// What changed over all waves, in words.
    pub changes: Vec<String>,
}

impl Replanned {
    /// Whether anything changes at all.
    pub fn is_anything(&self) -> bool {
        !self.changes.is_empty()
            || self.waves.iter().any(|w| w.becomes != Becomes::Kept || !w.freed.is_empty())
    }
}

/// Whether a cluster gets the same of the same.
fn same(was: &PlannedCluster, is: &PlannedCluster) -> bool {
    let inputs =
        |c: &PlannedCluster| -> Vec<_> { c.targets.iter().map(|t| (t.product.clone(), t.inputs)).collect() };
    was.uid == is.uid && was.name == is.name && inputs(was) == inputs(is)
}

/// Whether an attempt was kept back by the plan itself, so that another one frees it.
fn freed(attempt: &Attempt) -> bool {
    matches!(attempt.state, AttemptState::Blocked(BlockReason::Stale | BlockReason::PinMissesHotfix))
}

/// Whether what an attempt came to outlasts a wave that starts anew.
fn is_result(attempt: &Attempt) -> bool {
    matches!(
        attempt.state.class(),
        Class::Succeeded | Class::NoOp | Class::Failed | Class::RolledBack | Class::Skipped | Class::Gone
    )
}

impl Rollout {
    /// Whether another plan may take its plan's place now; a sentence if not.
    ///
    /// # Errors
    /// Why not.
    pub fn may_replan(&self) -> Result<(), String> {
        let open = matches!(
            self.state,
            RolloutState::Planned
                | RolloutState::Running
                | RolloutState::Pausing
                | RolloutState::Paused
                | RolloutState::Halted { .. }
        );
        if !open {
            return Err(format!("{} is {}, so it can't be planned anew", self.id, self.state.word()));
        }
        if let Some(of) = self.rolls_back() {
            return Err(format!("{} rolls {of} back: abort it, and roll back anew", self.id));
        }
        if let RolloutState::Halted { cause: HaltCause::RollbackEnded { by }, .. } = &self.state {
            return Err(format!("the rollback {by} of {} ended: retry, or roll back what is left", self.id));
        }
        let active = self.counts.of(Class::Active);
        if active > 0 {
            let clusters = crate::diag::count(active, "cluster");
            return Err(format!("{clusters} of {} still at work: pause it first, and wait", self.id));
        }
        let unknown = self.counts.of(Class::Unknown);
        if unknown > 0 {
            let clusters = crate::diag::count(unknown, "cluster");
            return Err(format!(
                "nobody knows how {clusters} of {} ended: retry or skip what is not known first",
                self.id
            ));
        }
        Ok(())
    }

    /// Whether this plan may take its plan's place; a sentence if not.
    ///
    /// # Errors
    /// Why not.
    pub fn fits(&self, plan: &Plan) -> Result<(), String> {
        let (was, is) = (&self.plan.release, &plan.release);
        if was.id != is.id || was.digest != is.digest {
            return Err(format!(
                "{} rolls out {} {}, the new plan {} {}: another release is another rollout",
                self.id,
                was.id,
                was.digest.short(),
                is.id,
                is.digest.short()
            ));
        }
        Ok(())
    }

    /// A new plan, with what this rollout found on the clusters that it wrote to: a rollback goes back
    /// to that, and the new plan was made when they ran what this rollout had brought.
    pub(super) fn with_history(&self, plan: &Plan) -> Plan {
        let mut plan = plan.clone();
        for cluster in plan.waves.iter_mut().flat_map(|w| &mut w.pools).flat_map(|p| &mut p.clusters) {
            let Some((was, known)) = self.before(cluster) else { continue };
            if was.uid != cluster.uid || !known.half_updated() {
                continue;
            }
            cluster.from = Arc::clone(&was.from);
            cluster.observed_at = was.observed_at;
            for target in &mut cluster.targets {
                let same =
                    was.targets.iter().find(|t| t.product == target.product && t.inputs == target.inputs);
                if let Some(same) = same {
                    target.change = same.change.clone();
                }
            }
            for product in &was.removals {
                let wanted = cluster.targets.iter().any(|t| t.product == *product);
                if !wanted && !cluster.removals.contains(product) {
                    cluster.removals.push(product.clone());
                }
            }
        }
        plan
    }

    /// What a new plan would change.
    pub fn replanned(&self, plan: &Plan) -> Replanned {
        let mut waves: Vec<ReplannedWave> = plan
            .waves
            .iter()
            .map(|planned| {
                let before = self.wave(&planned.name);
                let names = |wave: &PlannedWave| -> BTreeSet<ClusterName> {
                    wave.pools.iter().flat_map(|p| &p.clusters).map(|c| c.name.clone()).collect()
                };
                let (was, is) = (before.map(|(w, _)| names(w)).unwrap_or_default(), names(planned));
                let mut wave = ReplannedWave {
                    name: planned.name.clone(),
                    becomes: self.becomes(planned),
                    before: before.map(|(w, _)| w.digest),
                    digest: Some(planned.digest),
                    changes: before.map(|(w, _)| plan::wave_changes(w, planned)).unwrap_or_default(),
                    joining: is.difference(&was).cloned().collect(),
                    leaving: was.difference(&is).cloned().collect(),
                    anew: Vec::new(),
                    freed: Vec::new(),
                    keeping: 0,
                };
                for cluster in planned.pools.iter().flat_map(|p| &p.clusters) {
                    let Some((was, known)) = self.before(cluster) else { continue };
                    if !same(was, cluster) {
                        wave.anew.push(cluster.name.clone());
                    } else if freed(&known.attempt) {
                        wave.freed.push(cluster.name.clone());
                    } else {
                        wave.keeping += 1;
                    }
                }
                wave
            })
            .collect();
        let gone = self.plan.waves.iter().filter(|w| plan.wave(&w.name).is_none());
        waves.extend(gone.map(|was| ReplannedWave {
            name: was.name.clone(),
            becomes: Becomes::Gone,
            before: Some(was.digest),
            digest: None,
            changes: Vec::new(),
            joining: Vec::new(),
            leaving: was.pools.iter().flat_map(|p| &p.clusters).map(|c| c.name.clone()).collect(),
            anew: Vec::new(),
            freed: Vec::new(),
            keeping: 0,
        }));
        Replanned { waves, changes: plan::pipeline_changes(&self.plan, plan) }
    }

    /// A cluster of a new plan as it was planned before.
    fn before(&self, is: &PlannedCluster) -> Option<(&PlannedCluster, &Cluster)> {
        let index = *self.by_name.get(&is.name)?;
        Some((self.planned_cluster(index)?, self.clusters.get(index)?))
    }

    /// What becomes of a wave of a new plan.
    fn becomes(&self, planned: &PlannedWave) -> Becomes {
        let Some((was, wave)) = self.wave(&planned.name) else { return Becomes::New };
        if was.digest == planned.digest {
            return Becomes::Kept;
        }
        let settled = planned.pools.iter().flat_map(|p| &p.clusters).all(|cluster| {
            self.before(cluster).is_some_and(|(was, known)| {
                same(was, cluster)
                    && (is_result(&known.attempt) || known.attempt.state.class() == Class::Deferred)
                    // Where it came to that matters: another wave's gates did not speak of it.
                    && self.plan.waves.get(known.wave).is_some_and(|w| w.name == planned.name)
            })
        });
        match wave.phase {
            WavePhase::Done if settled && planned.size() > 0 => Becomes::StaysOver,
            WavePhase::Skipped if planned.size() == 0 => Becomes::StaysOver,
            _ => Becomes::Anew,
        }
    }

    /// Goes on by another plan. What is kept is kept with its history; the indices are made anew.
    pub(super) fn replan(&mut self, plan: &Arc<Plan>, event: &Event) {
        let at = event.at;
        let mut new = Self::new(self.id.clone(), Arc::clone(plan), event);
        let mut moved = Vec::new();
        for (w, planned) in plan.waves.iter().enumerate() {
            let becomes = self.becomes(planned);
            let old = self.by_wave.get(&planned.name).copied().and_then(|i| Some((i, self.waves.get(i)?)));
            let (Some((index, old)), Some(wave)) = (old, new.waves.get_mut(w)) else { continue };
            match becomes {
                Becomes::Kept | Becomes::StaysOver => {
                    keep(wave, old, becomes == Becomes::Kept);
                    moved.push((w, index));
                }
                Becomes::Anew | Becomes::New | Becomes::Gone => {
                    // Answers that are on their way speak of the wave that was.
                    for (key, gate) in &old.gates {
                        let anew = wave.gates.entry(key.clone()).or_default();
                        (anew.revision, anew.round) = (gate.revision, gate.round);
                    }
                    let sides = [(Side::Before, &planned.gates_before), (Side::After, &planned.gates_after)];
                    for (side, gates) in sides {
                        for gate in gates {
                            wave.gates.entry((side, gate.id.clone())).or_default().revision += 1;
                        }
                    }
                    wave.verdicts = old.verdicts + 1;
                    wave.tests_run = old.tests_run;
                }
            }
        }
        for index in 0..new.clusters.len() {
            self.carry(index, &mut new, &moved, at);
        }
        for (w, old) in moved {
            let Some(old) = self.waves.get(old) else { continue };
            let place = |i: usize| new.by_name.get(&self.planned_cluster(i)?.name).copied();
            let verify: BTreeSet<usize> = old.to_verify.iter().filter_map(|i| place(*i)).collect();
            let soaking = old.soaking.moved(place);
            if let Some(wave) = new.waves.get_mut(w) {
                (wave.to_verify, wave.soaking) = (verify, soaking);
            }
        }
        self.carry_answers(&mut new);
        let gone = self.clusters.iter().enumerate().filter_map(|(index, cluster)| {
            let name = &self.planned_cluster(index)?.name;
            let planned = self.planned_cluster(index)?;
            (!new.by_name.contains_key(name)).then(|| (name.clone(), (planned.uid.clone(), cluster.clone())))
        });
        new.left_out = self.left_out.clone();
        new.left_out.extend(gone);
        new.left_out.retain(|name, _| !new.by_name.contains_key(name));
        new.state = self.state.clone();
        new.since = self.since;
        new.planned = self.planned.clone();
        new.superseded_by = self.superseded_by.clone();
        new.asked = self.asked.clone();
        new.overrides = self.overrides.clone();
        new.leave_halt(at);
        *self = new;
    }

    /// Gives a cluster of the new plan what it keeps of the old one.
    fn carry(&self, index: usize, new: &mut Self, kept_waves: &[(usize, usize)], at: jiff::Timestamp) {
        let Some(is) = new.planned_cluster(index).cloned() else { return };
        let Some(wave) = new.clusters.get(index).map(|c| c.wave) else { return };
        // One that had left and is back goes on counting its attempts.
        let mut again = true;
        let (was, old) = match self.before(&is) {
            Some((was, old)) => (Some(was), old),
            None => match self.left_out.get(&is.name) {
                Some((uid, old)) => {
                    again = *uid == is.uid;
                    (None, old)
                }
                None => return,
            },
        };
        let stays = kept_waves.iter().any(|(w, _)| *w == wave);
        let untouched = old.attempt.state == AttemptState::Pending && old.attempt.claimed_at.is_none();
        let keeps = was.is_some_and(|was| same(was, &is))
            && !freed(&old.attempt)
            && (stays || is_result(&old.attempt) || untouched);
        // A person left it out, or it is gone: other inputs change nothing about that.
        let out = was.is_some_and(|was| was.uid == is.uid)
            && matches!(old.attempt.state.class(), Class::Skipped | Class::Gone);
        // Whether tests run in any case, or nothing but tests, stays so while the inputs do.
        let tests = match (was.is_some_and(|was| same(was, &is)), &old.attempt.state, old.attempt.tests) {
            (true, _, tests) => tests,
            (false, AttemptState::Failed(Failure::Test), _) | (false, _, Tests::Again) => Tests::Again,
            (false, ..) => Tests::Due,
        };
        let (mut attempt, earlier, first) = if keeps || out {
            let first = if stays { old.first } else { old.attempt.number + u32::from(!untouched) };
            (old.attempt.clone(), old.earlier.clone(), first)
        } else if untouched && was.is_some_and(|was| was.uid == is.uid) {
            // Nothing was done by it yet, so it is the same attempt at something else.
            let number = old.attempt.number;
            (Attempt::new(number, at, &is), old.earlier.clone(), if stays { old.first } else { number })
        } else {
            let number = old.attempt.number + 1;
            let identical = was.map_or(again, |was| was.uid == is.uid);
            let earlier = if identical {
                old.earlier.iter().chain([&old.attempt]).cloned().collect()
            } else {
                Vec::new()
            };
            (Attempt::new(number, at, &is), earlier, if stays { old.first } else { number })
        };
        if !(keeps || out) {
            attempt.tests = tests;
        }
        new.leave(index);
        if let Some(cluster) = new.clusters.get_mut(index) {
            (cluster.attempt, cluster.earlier, cluster.first) = (attempt, earlier, first);
            // Who follows a wave that is over goes on to; who joined is planned like everybody now.
            cluster.late = stays && old.late;
        }
        new.arrive(index);
        new.look_again(index, at);
    }

    /// Answers of kept waves count on where what they rest on is the same.
    fn carry_answers(&self, new: &mut Self) {
        let mut marks = Vec::new();
        for (w, (planned, wave)) in new.waves().enumerate() {
            let Some(old) = self.by_wave.get(&planned.name).copied() else { continue };
            for ((side, gate), known) in &wave.gates {
                let valid = known.mark.is_some() && known.mark == Some(self.evidence_mark(old, *side));
                let rests = self.evidence(&planned.name, *side) == new.evidence(&planned.name, *side);
                let mark = (valid && rests).then(|| new.evidence_mark(w, *side));
                marks.push((w, (*side, gate.clone()), mark));
            }
        }
        for (w, key, mark) in marks {
            if let Some(gate) = new.waves.get_mut(w).and_then(|wave| wave.gates.get_mut(&key)) {
                gate.mark = mark;
            }
        }
    }

    /// What halted it may not be there any more: then a person lets it go on.
    fn leave_halt(&mut self, at: jiff::Timestamp) {
        let RolloutState::Halted { wave, cause } = &self.state else { return };
        let over = self.over_budget().map(|(wave, _, _)| wave.clone());
        let next = match (cause, over) {
            (HaltCause::FailureBudget { .. }, Some(over)) => {
                RolloutState::Halted { wave: over, cause: cause.clone() }
            }
            (HaltCause::FailureBudget { .. }, None) => RolloutState::Paused,
            (HaltCause::RollbackEnded { .. }, _) => return,
            (HaltCause::NoTests, _) => match self.wave(wave) {
                Some((_, found)) if found.phase == WavePhase::Rolling => return,
                _ => RolloutState::Paused,
            },
        };
        self.enter(next, at);
    }
}

/// A wave goes on as it was; with `rules`, by the budget that a person raised, too.
fn keep(wave: &mut Wave, old: &Wave, rules: bool) {
    wave.phase = old.phase;
    wave.since = old.since;
    wave.begun = old.begun;
    wave.opened_at = old.opened_at;
    wave.verified_at = old.verified_at;
    wave.done_at = old.done_at;
    wave.skipped.clone_from(&old.skipped);
    wave.tests_run = old.tests_run;
    wave.gates.clone_from(&old.gates);
    wave.verdicts = old.verdicts;
    wave.tag = old.tag.clone();
    if rules {
        wave.failure_budget = old.failure_budget;
    } else {
        // What it came to is within what was tolerated when it was done.
        wave.failure_budget = wave.failure_budget.max(old.counts.failures());
    }
}
