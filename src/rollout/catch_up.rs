//! The catch-up lane: clusters that were left for later and whose wave is over by now. Such an entry
//! holds no claim and no slot until it is dispatched; then it counts apart from its wave, in a budget
//! of its own, so that a straggler neither reopens the wave nor stops those that come after it. The
//! lane goes on while a rollout runs, and after its end with whoever drives.

use super::attempt::{Attempt, AttemptState, Class};
use super::effects::Gathered;
use super::gates::Standing;
use super::missing_hotfix::would_lose;
use super::obstacle::Outlook;
use super::pace::Pace;
use super::state::{Cluster, FleetState, Rollout, RolloutState, Wave};
use crate::journal::{AttemptResult, Body, Side};
use crate::model::WaveName;
use crate::plan::PlannedCluster;

impl FleetState {
    /// The rollouts that are open, and those at their end that have somebody left to catch up.
    pub fn live_rollouts(&self) -> impl Iterator<Item = &Rollout> {
        self.open.iter().chain(&self.catching).filter_map(|index| self.rollouts.get(*index))
    }

    /// A younger rollout that plans a cluster which waits to catch up in this one.
    pub(super) fn taken_over(&self, rollout: &Rollout, planned: &PlannedCluster) -> Option<&Rollout> {
        let own = *self.by_id.get(&rollout.id)?;
        let younger = self.open.range(own + 1..).filter_map(|index| self.rollouts.get(*index));
        younger.rev().filter(|other| other.rolls_back().is_none()).find(|other| {
            let there = other.by_uid.get(&planned.uid).or_else(|| other.by_name.get(&planned.name));
            let cluster = there.and_then(|index| other.clusters.get(*index));
            cluster.is_some_and(|c| !matches!(c.attempt.state.class(), Class::Gone | Class::Skipped))
        })
    }
}

impl Rollout {
    /// Whether a cluster waits in the catch-up lane.
    pub(super) fn is_entry(&self, index: usize) -> bool {
        // Who was left out of a rollback is retried by a person: the other rollout waits for that.
        self.rolls_back().is_none()
            && self.deferred.contains(&index)
            // A new plan may have put a wave before one that is over.
            && self.clusters.get(index).is_some_and(|cluster| {
                self.waves.iter().take(cluster.wave + 1).all(|wave| wave.phase.is_over())
            })
    }

    /// The clusters that wait in the catch-up lane, in plan order.
    pub(super) fn entries(&self) -> impl Iterator<Item = usize> + '_ {
        self.deferred.iter().copied().filter(|index| self.is_entry(*index))
    }

    /// How many clusters wait in the catch-up lane.
    pub fn left_behind(&self) -> usize {
        self.entries().count()
    }

    /// Whether it is at its end, and somebody is left to catch up.
    pub fn is_catching_up(&self) -> bool {
        self.state == RolloutState::SucceededWithFailures
            && self.rolls_back().is_none()
            && !(self.deferred.is_empty() && self.awaited.is_empty() && self.unjoined.is_empty())
    }

    /// Whether its waves are all over, and only clusters of the catch-up lane keep it open: for who waits
    /// for its end it is there.
    pub fn is_through(&self) -> bool {
        self.state == RolloutState::Running
            && self.counts.of(Class::Active) == 0
            && self.waves.iter().all(|wave| wave.phase.is_over() && wave.counts.unsettled() == 0)
    }

    /// How many clusters failed while they caught up, and how many may.
    pub fn late_failures(&self) -> (u32, u32) {
        let failed = self.waves.iter().map(|wave| wave.late.failures()).sum();
        (failed, self.plan.pipeline.catch_up.budget)
    }

    /// Whether too many failed while they caught up: then nobody else starts.
    pub fn is_late_budget_spent(&self) -> bool {
        let (failed, budget) = self.late_failures();
        failed > budget
    }

    /// How the gates before a wave stand for who catches up: the newest yes counts until it ends or is
    /// taken back, whatever its evidence has become since.
    pub fn late_gates(&self, name: &WaveName, now: jiff::Timestamp) -> Standing {
        let mut standing = self.gates(name, Side::Before, now);
        let Some((planned, wave)) = self.wave(name) else { return standing };
        let mark = self.by_wave.get(name).map_or(0, |index| self.evidence_mark(*index, Side::Before));
        let yes = |id: &crate::model::GateId| {
            let known = wave.gates.get(&(Side::Before, id.clone()));
            known.is_some_and(|gate| {
                let (Some((answer, _)), None) = (&gate.answer, &gate.revoked) else { return false };
                answer.open && answer.expires.is_none_or(|end| now < end)
            })
        };
        let closed = |id: &crate::model::GateId| {
            let known = wave.gates.get(&(Side::Before, id.clone()));
            !yes(id) && known.and_then(|gate| gate.valid(mark, now)).is_some_and(|answer| !answer.open)
        };
        standing.ask.retain(|id| !yes(id));
        let mut gates = planned.gates_before.iter().map(|gate| &gate.id);
        let passed = |id: &crate::model::GateId| {
            yes(id) || self.is_overridden(&crate::journal::Override::Gate(id.clone()))
        };
        standing.open = gates.all(passed);
        // A dearer gate is asked once the cheaper ones say yes, be it an old one.
        if !standing.open && standing.ask.is_empty() {
            let mut left: Vec<_> =
                planned.gates_before.iter().filter(|g| !passed(&g.id) && !closed(&g.id)).collect();
            left.sort_by_key(|gate| gate.kind.cost());
            let cheaper_closed =
                planned.gates_before.iter().filter(|g| closed(&g.id)).map(|g| g.kind.cost()).min();
            let least = left.first().map(|gate| gate.kind.cost());
            standing.ask = left
                .into_iter()
                .filter(|g| Some(g.kind.cost()) == least && cheaper_closed.is_none_or(|c| c >= g.kind.cost()))
                .map(|gate| gate.id.clone())
                .collect();
        }
        standing
    }

    /// Whether somebody who catches up in a wave waits for its gates.
    pub fn late_asks(&self, name: &WaveName, side: Side) -> bool {
        let wave = self.by_wave.get(name);
        side == Side::Before
            && self.entries().any(|index| self.clusters.get(index).map(|c| c.wave) == wave.copied())
    }
}

impl Attempt {
    /// From when on a cluster that waits in the catch-up lane is looked at. What a fact keeps is looked at
    /// when the fact says so.
    pub(super) fn catches_up_at(&self) -> jiff::Timestamp {
        if self.parked.is_some() { self.since } else { self.recheck_at() }
    }
}

impl Wave {
    /// Clusters of the wave that hold a slot, those that catch up included.
    pub(super) fn in_flight(&self) -> u32 {
        self.counts.in_flight() + self.late.in_flight()
    }
}

/// Ends what a younger rollout has taken over.
pub(super) fn superseded(state: &FleetState, rollout: &Rollout, out: &mut Gathered) {
    if !matches!(rollout.state, RolloutState::Running | RolloutState::SucceededWithFailures) {
        return;
    }
    for index in rollout.entries() {
        let Some((planned, cluster)) = rollout.planned_cluster(index).zip(rollout.clusters.get(index)) else {
            continue;
        };
        // Who has left departs, whoever plans it.
        if !rollout.leaves(index) && state.taken_over(rollout, planned).is_some() {
            let attempt = rollout.newest_id(planned, cluster);
            out.decide(Body::AttemptFinished { attempt, result: AttemptResult::Superseded });
        }
    }
}

/// Dispatches who may catch up now.
pub(super) fn claims(outlook: &Outlook<'_>, global: &mut Option<u32>, pace: &mut Pace, out: &mut Gathered) {
    let state = outlook.state;
    let ended = state.catching.iter().filter_map(|index| state.rollouts.get(*index));
    for rollout in state.in_order().into_iter().chain(ended) {
        let goes = matches!(rollout.state, RolloutState::Running | RolloutState::SucceededWithFailures);
        // The limits of one that opens again are not known to the next one yet.
        let ended = !rollout.state.is_open();
        if ended && out.decides() {
            return;
        }
        let within = rollout.over_budget().is_none() && !rollout.is_late_budget_spent();
        if goes && within && !rollout.deferred.is_empty() {
            claims_of(outlook, rollout, global, pace, out);
        }
    }
}

fn claims_of(
    outlook: &Outlook<'_>,
    rollout: &Rollout,
    global: &mut Option<u32>,
    pace: &mut Pace,
    out: &mut Gathered,
) {
    let mut taken: Vec<(usize, usize)> = Vec::new();
    for index in rollout.entries() {
        let Some((planned, cluster)) = rollout.planned_cluster(index).zip(rollout.clusters.get(index)) else {
            continue;
        };
        let (Some((planned_wave, wave)), due) =
            (rollout.waves().nth(cluster.wave), cluster.attempt.catches_up_at())
        else {
            continue;
        };
        if out.now < due {
            out.wake(due);
            continue;
        }
        if let Some(obstacle) = outlook.obstacle(rollout, planned) {
            if let Some(until) = obstacle.until() {
                out.wake(until);
            }
            continue;
        }
        if would_lose(outlook.state, rollout, planned) {
            continue;
        }
        let gates = rollout.late_gates(&planned_wave.name, out.now);
        if !gates.open {
            out.ask(rollout, &planned_wave.name, gates);
            continue;
        }
        let here = |pool: Option<usize>| {
            let same = |(w, p): &&(usize, usize)| *w == cluster.wave && pool.is_none_or(|pool| *p == pool);
            u32::try_from(taken.iter().filter(same).count()).unwrap_or(u32::MAX)
        };
        let pools = planned_wave.pools.get(cluster.pool).zip(wave.pools.get(cluster.pool));
        let free = [
            *global,
            planned_wave.at_once.map(|cap| cap.saturating_sub(wave.in_flight() + here(None))),
            pools.and_then(|(planned, pool)| {
                let used = pool.in_flight() + here(Some(cluster.pool));
                planned.at_once.map(|cap| cap.saturating_sub(used))
            }),
        ];
        if free.into_iter().flatten().min() == Some(0) {
            continue;
        }
        let new = cluster.attempt.claimed_at.is_none();
        if !rollout.state.is_open()
            && let Err(until) = outlook.state.own_pace(rollout, planned, new, out.now)
        {
            if let Some(until) = until {
                out.wake(until);
            }
            continue;
        }
        if !pace.take(planned, new) {
            if let Some(next) = pace.next_start {
                out.wake(next);
            }
            continue;
        }
        taken.push((cluster.wave, cluster.pool));
        if let Some(left) = global {
            *left -= 1;
        }
        let wave = planned_wave.name.clone();
        out.decide(Body::AttemptClaimed { attempt: rollout.newest_id(planned, cluster), wave });
        // That opens it again, and its limits hold for everybody.
        if !rollout.state.is_open() {
            return;
        }
    }
}

/// Whether an attempt is one that catches up when it is claimed.
pub(super) fn catches_up(cluster: &Cluster, wave: &Wave) -> bool {
    wave.phase.is_over()
        && matches!(cluster.attempt.state, AttemptState::Deferred(_))
        && cluster.attempt.state.class() == Class::Deferred
}
