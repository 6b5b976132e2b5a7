//! Who gets a slot next: caps over all rollouts, the order of pools, clusters left half-updated
//! before new ones. One rule finds the effective cap, for the claims and for explanations.

use super::attempt::Class;
use super::catch_up;
use super::effects::Gathered;
use super::missing_hotfix;
use super::obstacle::{Obstacle, Outlook};
use super::pace::Pace;
use super::state::{Cluster, FleetState, Pool, Rollout, RolloutState, Wave, WavePhase};
use crate::journal::{AttemptId, Body, Side};
use crate::plan::{PlannedPool, PlannedWave};

/// Whose cap it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// Over all open rollouts.
    Global,
    /// Of the clusters that have the same value of the label `region`, over all open rollouts.
    Region,
    /// The wave's.
    Wave,
    /// The pool's.
    Pool,
}

/// A cap as it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CapUse {
    /// Whose.
    pub scope: Scope,
    /// At most so many at once; 0 means hold.
    pub cap: u32,
    /// So many hold a slot.
    pub used: u32,
}

impl CapUse {
    /// How many more may start.
    pub fn free(&self) -> u32 {
        self.cap.saturating_sub(self.used)
    }
}

/// Every cap that binds a pool, as it stands.
pub fn caps(
    state: &FleetState,
    planned: (&PlannedWave, &PlannedPool),
    wave: &Wave,
    pool: &Pool,
) -> Vec<CapUse> {
    let global = state.global_cap().map(|(cap, _)| (Scope::Global, cap, state.in_flight()));
    let of_wave = planned.0.at_once.map(|cap| (Scope::Wave, cap, wave.in_flight()));
    let of_pool = planned.1.at_once.map(|cap| (Scope::Pool, cap, pool.in_flight()));
    [global, of_wave, of_pool]
        .into_iter()
        .flatten()
        .map(|(scope, cap, used)| CapUse { scope, cap, used })
        .collect()
}

/// Claims as many clusters as may start now.
pub(super) fn claims(state: &FleetState, outlook: &Outlook<'_>, out: &mut Gathered) {
    let mut pace = Pace::of(state, out.now);
    let mut global = state.global_cap().map(|(cap, _)| cap.saturating_sub(state.in_flight()));
    for rollout in state.in_order() {
        if rollout.state == RolloutState::Running && rollout.over_budget().is_none() {
            claims_of(outlook, rollout, &mut global, &mut pace, out);
        }
    }
    // Who comes in time goes first.
    if !out.decides() {
        catch_up::claims(outlook, &mut global, &mut pace, out);
    }
}

fn claims_of(
    outlook: &Outlook<'_>,
    rollout: &Rollout,
    global: &mut Option<u32>,
    pace: &mut Pace,
    out: &mut Gathered,
) {
    let mut moved = false;
    for (planned, wave) in rollout.waves() {
        match wave.phase {
            // In a wave that is done, a cluster may have been taken up again.
            WavePhase::Rolling | WavePhase::Done | WavePhase::Skipped => {}
            // In one that is complete and not done yet, tests may run again.
            phase if phase.tests_again() => {}
            _ => return,
        }
        // What moves in a wave before moves the evidence that this one's answers rest on.
        let gated = !planned.gates_before.is_empty() && moved;
        // By a new plan, waves that are done may stand behind one that is not: they wait for it.
        let last = !wave.phase.is_over();
        if wave.begins() && (gated || !rollout.gates(&planned.name, Side::Before, out.now).open) {
            if last {
                return;
            }
            continue;
        }
        let mut of_wave = planned.at_once.map(|cap| cap.saturating_sub(wave.in_flight()));
        let mut deferred = 0;
        for (planned_pool, pool) in planned.pools.iter().zip(&wave.pools) {
            // A pool whose clusters run a hotfix that the plan lacks is not entered, nor passed.
            if missing_hotfix::misses(outlook.state, rollout, pool) {
                break;
            }
            let mut of_pool = planned_pool.at_once.map(|cap| cap.saturating_sub(pool.in_flight()));
            let now = out.now;
            // A moment already past needs a slot, not a clock.
            if let Some((next, _)) = pool.rechecks.range((now, usize::MAX)..).next() {
                out.wake(*next);
            }
            let mut unsettles = false;
            for index in candidates(pool, now) {
                let free = [*global, of_wave, of_pool].into_iter().flatten().min();
                if free == Some(0) {
                    break;
                }
                let (Some(cluster), Some(known)) =
                    (rollout.planned_cluster(index), rollout.clusters.get(index))
                else {
                    continue;
                };
                // A younger rollout that plans it goes on with it.
                if known.late && outlook.state.taken_over(rollout, cluster).is_some() {
                    continue;
                }
                // Who follows its wave waits for that.
                if known.late && known.attempt.state.class() == Class::Deferred {
                    continue;
                }
                // Past its budget the catch-up lane starts nobody, also not who is looked at again.
                if known.late && rollout.is_late_budget_spent() {
                    continue;
                }
                // Held ones that are settled follow their wave; that is for catch-up.
                if known.attempt.state.class() == Class::Deferred && wave.phase != WavePhase::Rolling {
                    continue;
                }
                let attempt = rollout.newest_id(cluster, known);
                // One that was held while its pool went past.
                if known.attempt.state.class() == Class::Deferred
                    && missing_hotfix::would_lose(outlook.state, rollout, cluster)
                {
                    continue;
                }
                let settled = known.attempt.state.class() == Class::Deferred;
                if let Some(obstacle) = outlook.obstacle(rollout, cluster) {
                    let deferred = defer(known, &obstacle, attempt, out);
                    unsettles |= deferred && settled;
                    moved |= deferred;
                    continue;
                }
                if !pace.take(cluster, known.attempt.claimed_at.is_none()) {
                    if let Some(next) = pace.next_start {
                        out.wake(next);
                    }
                    continue;
                }
                unsettles |= settled;
                moved = true;
                out.decide(Body::AttemptClaimed { attempt, wave: planned.name.clone() });
                for left in [&mut *global, &mut of_wave, &mut of_pool].into_iter().flatten() {
                    *left -= 1;
                }
            }
            // The next pool starts only when this one is settled within the wave's budgets.
            deferred += pool.counts.of(Class::Deferred);
            if unsettles || pool.counts.unsettled() > 0 || deferred > planned.deferred_budget {
                break;
            }
        }
        if last {
            return;
        }
    }
}

/// Leaves a cluster for later, if its state does not say so yet. A stop is one fact for all, and a
/// cluster that is half-updated must not settle: both stay where they are. Whether that was decided.
fn defer(known: &Cluster, obstacle: &Obstacle, attempt: AttemptId, out: &mut Gathered) -> bool {
    let until = obstacle.until();
    if let Some(until) = until {
        out.wake(until);
    }
    let Some(reason) = obstacle.deferral() else { return false };
    if known.says(obstacle, reason) || (reason.settles() && known.half_updated()) {
        return false;
    }
    out.decide(Body::AttemptDeferred { attempt, reason, cause: obstacle.to_string(), until });
    true
}

/// The clusters of a pool that may start, in order: half-updated ones, new ones in plan order, then
/// those that were blocked or postponed and are due to be looked at again. New ones go before
/// rechecks, so that a cluster that stays blocked never takes the slot of one that could go on.
fn candidates(pool: &Pool, now: jiff::Timestamp) -> impl Iterator<Item = usize> {
    let due = pool.rechecks.iter().take_while(move |(due, _)| *due <= now).map(|(_, index)| *index);
    pool.queue().chain(due)
}
