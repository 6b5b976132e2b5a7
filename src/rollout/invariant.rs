//! The rules that always hold (design, section 7), read from the state a second time before every
//! effect, independently of the code that named it: from a count of its own over the clusters' own
//! states instead of the fold's counts and queues. An effect that breaks a rule is not carried out.

use super::attempt::{Attempt, AttemptState, Class, Tests};
use super::effect::Effect;
pub use super::recount::Recount;
use super::recount::Tally;
use super::state::{Cluster, FleetState, Rollout, RolloutState, Wave, WavePhase};
use super::{invariant_back, invariant_live};
use crate::journal::{
    AttemptId, AttemptResult, Body, Deferral, FailureClass, Override, Preflight, Side, StepId, StepOutcome,
};
use crate::model::{Lane, ReleaseId, SoakClock, WaveName};
use crate::plan::{PlannedCluster, PlannedSoak, PlannedWave, Repeat};

/// A rule that an effect would break.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("rule {rule} of the design would be broken: {what}")]
pub struct Broken {
    /// Its number in the design's list.
    pub rule: u8,
    /// What the effect would do.
    pub what: String,
}

type Checked = Result<(), Broken>;

pub(super) fn demand(rule: u8, holds: bool, what: impl FnOnce() -> String) -> Checked {
    if holds { Ok(()) } else { Err(Broken { rule, what: what() }) }
}

/// What the rules are read from.
struct Ground<'a> {
    state: &'a FleetState,
    recount: &'a Recount,
    now: jiff::Timestamp,
}

/// Whether an effect keeps the rules, given the state in which it is about to be carried out, and
/// the count that followed the same journal (one that did not counts everybody now).
///
/// # Errors
/// The rule that it breaks.
pub fn check_effect(
    state: &FleetState,
    recount: &mut Recount,
    effect: &Effect,
    now: jiff::Timestamp,
) -> Result<(), Broken> {
    recount.bring_to(state);
    demand(2, recount.differs().is_none(), || recount.differs().unwrap_or_default().to_owned())?;
    let ground = Ground { state, recount, now };
    let Some(id) = effect.rollout() else { return Ok(()) };
    let Some(rollout) = state.rollout(id) else {
        return demand(7, false, || format!("{id} was never recorded"));
    };
    let lane = match effect {
        Effect::Decide(Body::AttemptClaimed { .. } | Body::AttemptDeparted { .. }) => true,
        Effect::Decide(Body::AttemptFinished { result, .. }) => *result == AttemptResult::Superseded,
        Effect::AskGate { .. } | Effect::Join { .. } => true,
        _ => false,
    };
    let left = lane && rollout.state == RolloutState::SucceededWithFailures;
    demand(7, rollout.state.is_open() || left, || format!("{id} is {}", rollout.state.word()))?;
    match effect {
        Effect::Decide(body) => {
            let possible = state.check(body);
            demand(7, possible.is_ok(), || possible.err().unwrap_or_default())?;
            decision(&ground, rollout, body)
        }
        Effect::Preflight { attempt, .. } => preflight(&ground, rollout, attempt),
        Effect::Step { attempt, step, tries, .. } => {
            let begun = one_step(&ground, rollout, attempt, &step.id)?;
            demand(7, *tries == begun + 1, || format!("try {tries} of {} after {begun}", step.id))
        }
        Effect::Verify { wave, .. } | Effect::Tag { wave, .. } => {
            let (planned, found) = known(rollout, wave)?;
            demand(1, ground.all_settled(rollout, planned), || {
                format!("{wave} has clusters that are not settled")
            })?;
            let right = match effect {
                Effect::Tag { .. } => found.phase == WavePhase::GatesAfter,
                _ => matches!(found.phase, WavePhase::Verifying { .. }),
            };
            demand(1, right, || format!("{wave} is at {:?}", found.phase))
        }
        Effect::Observe { wave, cluster, .. } => {
            let (planned, found) = known(rollout, wave)?;
            demand(1, found.phase == WavePhase::Soaking, || format!("{wave} is at {:?}", found.phase))?;
            let member = planned.pools.iter().flat_map(|pool| &pool.clusters).any(|c| c.name == *cluster);
            demand(1, member, || format!("{cluster} is not in {wave}"))
        }
        Effect::PushTag { wave, .. } => {
            let (_, found) = known(rollout, wave)?;
            demand(7, found.tag.made.is_some(), || format!("the tag of {wave} was never made"))
        }
        Effect::AskGate { .. } => Ok(()),
        // Who joins is a member, and in no plan.
        Effect::Join { cluster, .. } => {
            let member = state.membership().is_some_and(|known| known.clusters.contains_key(cluster));
            let planned = state.live_rollouts().any(|r| r.by_name.contains_key(cluster));
            demand(4, member && !planned, || format!("{cluster} would be planned, and joins nothing"))
        }
    }
}

fn known<'a>(rollout: &'a Rollout, name: &WaveName) -> Result<(&'a PlannedWave, &'a Wave), Broken> {
    rollout.wave(name).ok_or_else(|| Broken { rule: 1, what: format!("{name} is not planned") })
}

fn decision(ground: &Ground<'_>, rollout: &Rollout, body: &Body) -> Checked {
    let now = ground.now;
    match body {
        Body::AttemptClaimed { attempt, wave } => claim(ground, rollout, attempt, wave),
        Body::AttemptDeferred { attempt, reason, .. } => {
            let planned = of_plan(rollout, attempt)?;
            let settles = !matches!(reason, Deferral::Busy | Deferral::Window);
            invariant_live::deferral(rollout, planned, settles)
        }
        Body::WaveOpened { wave, .. } => {
            in_turn(rollout, wave)?;
            gates_open(rollout, wave, Side::Before, now)
        }
        Body::WaveReached { wave, .. } | Body::WaveSkipped { wave, .. } => in_turn(rollout, wave),
        Body::WaveCompleted { wave, .. } | Body::WaveVerified { wave, .. } => {
            let (planned, _) = known(rollout, wave)?;
            in_turn(rollout, wave)?;
            demand(1, ground.all_settled(rollout, planned), || {
                format!("{wave} has clusters that are not settled")
            })
        }
        Body::WaveSoaked { wave, .. } => {
            let (planned, found) = known(rollout, wave)?;
            let soaked = planned.soak.as_ref().zip(found.verified_at);
            let over = soaked.is_some_and(|(soak, at)| match soak.clock {
                SoakClock::Wall => now >= soak.length.after(at),
                SoakClock::Observed => stayed(rollout, wave, soak),
            }) || rollout.is_overridden(&Override::Soak);
            demand(1, ground.all_settled(rollout, planned), || {
                format!("{wave} has clusters that are not settled")
            })?;
            demand(1, over, || format!("the soak of {wave} is not over"))
        }
        Body::WaveDone { wave, .. } => {
            let (planned, found) = known(rollout, wave)?;
            gates_open(rollout, wave, Side::After, now)?;
            demand(1, ground.all_settled(rollout, planned), || {
                format!("{wave} has clusters that are not settled")
            })?;
            let tagged = found.tag.made.is_some() || rollout.rolls_back().is_some();
            demand(1, tagged, || format!("{wave} has no tag"))
        }
        Body::AttemptFinished { attempt, result } => finished(rollout, attempt, result),
        Body::AttemptDeparted { attempt, .. } => invariant_live::departure(ground.state, rollout, attempt),
        _ => Ok(()),
    }
}

/// Whether every done cluster of a wave was seen well for as long as an observed soak takes.
fn stayed(rollout: &Rollout, wave: &WaveName, soak: &PlannedSoak) -> bool {
    let Some((_, found)) = rollout.wave(wave) else { return false };
    rollout.clusters().enumerate().all(|(index, (of, _, _, cluster))| {
        let done = matches!(cluster.attempt.state, AttemptState::Succeeded | AttemptState::NoOp);
        let stay = found.soaking.stay(index);
        of.name != *wave || !done || stay.is_some_and(|stay| stay.has_soaked(soak.length))
    })
}

/// The plan of the cluster that an attempt is made at.
fn of_plan<'a>(rollout: &'a Rollout, attempt: &AttemptId) -> Result<&'a PlannedCluster, Broken> {
    let name = &attempt.cluster;
    let planned = rollout.by_name.get(name).and_then(|i| rollout.planned_cluster(*i));
    planned.ok_or_else(|| Broken { rule: 5, what: format!("{name} is not planned") })
}

fn in_turn(rollout: &Rollout, wave: &WaveName) -> Checked {
    for (planned, before) in rollout.waves() {
        if planned.name == *wave {
            return Ok(());
        }
        let over = matches!(before.phase, WavePhase::Done | WavePhase::Skipped);
        demand(1, over, || format!("{wave} would go before {} is done", planned.name))?;
    }
    demand(1, false, || format!("{wave} is not planned"))
}

fn gates_open(rollout: &Rollout, wave: &WaveName, side: Side, now: jiff::Timestamp) -> Checked {
    let (planned, found) = known(rollout, wave)?;
    let gates = if side == Side::Before { &planned.gates_before } else { &planned.gates_after };
    for gate in gates {
        if rollout.is_overridden(&Override::Gate(gate.id.clone())) {
            continue;
        }
        let answer = found.gate(side, &gate.id).and_then(|g| g.answer());
        let holds = answer.is_some_and(|(a, _)| a.open && a.expires.is_none_or(|end| now < end));
        demand(6, holds, || format!("gate {} of {wave} has no answer that counts", gate.id))?;
        // The answer's evidence is computed anew from the clusters, not taken from any mark.
        let same = answer.is_some_and(|(a, _)| a.evidence == rollout.evidence(wave, side));
        let binds = matches!(gate.kind, crate::plan::GateKind::Approval { .. });
        demand(6, same || !binds, || format!("gate {} of {wave} was answered for other evidence", gate.id))?;
    }
    Ok(())
}

impl Ground<'_> {
    /// The counts of those pools of a wave for which `which` holds.
    fn tally(&self, rollout: &Rollout, wave: &WaveName, which: impl Fn(usize) -> bool) -> Tally {
        let index = rollout.plan.waves.iter().position(|w| &w.name == wave);
        let counted = index.zip(self.recount.rollout(&rollout.id));
        counted.map_or_else(Tally::default, |(index, counted)| counted.of_wave(index, which))
    }

    /// Whether every cluster of a wave is settled within the budgets.
    fn all_settled(&self, rollout: &Rollout, planned: &PlannedWave) -> bool {
        self.settled_within(rollout, planned, |_| true)
    }

    /// Whether the clusters of the pools that `which` takes are settled, no more of them deferred
    /// than the wave tolerates, and no more of all its clusters failed.
    fn settled_within(
        &self,
        rollout: &Rollout,
        planned: &PlannedWave,
        which: impl Fn(usize) -> bool,
    ) -> bool {
        let some = self.tally(rollout, &planned.name, which);
        let all = self.tally(rollout, &planned.name, |_| true);
        let budget = rollout.wave(&planned.name).map_or(0, |(_, w)| w.failure_budget);
        some.unsettled == 0
            && all.spent <= budget as usize
            && some.deferred <= planned.deferred_budget as usize
    }
}

fn claim(ground: &Ground<'_>, rollout: &Rollout, attempt: &AttemptId, wave: &WaveName) -> Checked {
    let now = ground.now;
    let name = &attempt.cluster;
    let (planned, found) = known(rollout, wave)?;
    let Some(cluster) = rollout.cluster(name) else {
        return demand(5, false, || format!("{name} is not planned"));
    };
    // Who was left for later and whose wave is done catches up: apart from it, in a budget of its own.
    let over = matches!(found.phase, WavePhase::Done | WavePhase::Skipped);
    let behind = cluster.late
        || matches!(
            cluster.attempt.state,
            AttemptState::Deferred(
                Deferral::Hold | Deferral::Unreachable | Deferral::Hibernated | Deferral::Joined
            )
        );
    let late = over && behind;
    let runs = rollout.state == RolloutState::Running
        || (late && rollout.state == RolloutState::SucceededWithFailures);
    demand(3, runs, || format!("{name} would start while {} is {}", rollout.id, rollout.state.word()))?;
    in_turn(rollout, wave)?;
    let only_tests = cluster.attempt.tests == Tests::Only;
    let later = only_tests && matches!(found.phase, WavePhase::Soaking | WavePhase::GatesAfter);
    demand(1, late || later || matches!(found.phase, WavePhase::Rolling | WavePhase::Done), || {
        format!("{name} would start while {wave} is at {:?}", found.phase)
    })?;
    if late {
        catches_up(ground, rollout, cluster, wave)?;
    } else {
        if ground.tally(rollout, wave, |_| true).claimed == 0 {
            gates_open(rollout, wave, Side::Before, now)?;
        }
        let settled = ground.settled_within(rollout, planned, |pool| pool < cluster.pool);
        demand(1, settled, || format!("{name} would start before the pool ahead of it is settled"))?;
    }
    // Budgets of every wave: past one of them nothing of the rollout starts.
    for (other, with) in rollout.waves() {
        let failed = ground.tally(rollout, &other.name, |_| true).spent;
        demand(3, failed <= with.failure_budget as usize, || {
            format!(
                "{name} would start with {failed} failed in {}, {} tolerated",
                other.name, with.failure_budget
            )
        })?;
    }
    let due = match cluster.attempt.state {
        AttemptState::Pending => true,
        AttemptState::Blocked(reason) if reason.is_planned() => false,
        AttemptState::Deferred(Deferral::Busy | Deferral::Window | Deferral::Hold | Deferral::Hibernated)
            if cluster.attempt.parked.is_some() =>
        {
            true
        }
        AttemptState::Deferred(Deferral::Joined) => late,
        AttemptState::Deferred(Deferral::Hold | Deferral::Unreachable | Deferral::Hibernated) if !late => {
            false
        }
        AttemptState::Blocked(_) | AttemptState::Deferred(_) => now >= cluster.attempt.recheck_at(),
        _ => false,
    };
    demand(5, due, || format!("{name} is {}", cluster.attempt.state.word()))?;
    keeps_hotfixes(ground.state, rollout, cluster, planned, (name.as_str(), late))?;
    caps(ground, rollout, cluster, planned, name.as_str())?;
    invariant_back::claim(ground.state, rollout, of_plan(rollout, attempt)?)?;
    invariant_live::claim(ground.state, rollout, of_plan(rollout, attempt)?, ground.now)?;
    one_claim(ground, rollout, name)
}

/// Who catches up spends a budget of its own, and comes in by the newest yes of its wave.
fn catches_up(ground: &Ground<'_>, rollout: &Rollout, cluster: &Cluster, wave: &WaveName) -> Checked {
    let waves = rollout.plan.waves.iter().map(|w| ground.tally(rollout, &w.name, |_| true).late_spent);
    let (failed, budget) = (waves.sum::<usize>(), rollout.plan.pipeline.catch_up.budget);
    demand(3, failed <= budget as usize, || {
        format!("somebody would catch up with {failed} failed of those who did, {budget} tolerated")
    })?;
    // One that is taken up again, by itself or by a person, has come in before.
    if !matches!(cluster.attempt.state, AttemptState::Deferred(reason) if reason.settles()) {
        return Ok(());
    }
    let (planned, found) = known(rollout, wave)?;
    for gate in &planned.gates_before {
        if rollout.is_overridden(&Override::Gate(gate.id.clone())) {
            continue;
        }
        let answer =
            found.gate(Side::Before, &gate.id).filter(|g| g.revoked().is_none()).and_then(|g| g.answer());
        let holds = answer.is_some_and(|(a, _)| a.open && a.expires.is_none_or(|end| ground.now < end));
        demand(6, holds, || format!("gate {} of {wave} has no yes that counts", gate.id))?;
    }
    Ok(())
}

/// No cluster of the pool that is yet to be settled runs a hotfix that the plan lacks.
fn keeps_hotfixes(
    state: &FleetState,
    rollout: &Rollout,
    cluster: &Cluster,
    planned: &PlannedWave,
    (name, late): (&str, bool),
) -> Checked {
    if rollout.rolls_back().is_some() {
        return Ok(());
    }
    let has = |id: &ReleaseId| rollout.plan.release.id == *id || rollout.plan.lineage.contains.contains(id);
    if !state.rollouts.iter().any(|r| r.plan.release.lane == Lane::Hotfix && !has(&r.plan.release.id)) {
        return Ok(());
    }
    let pool = planned.pools.get(cluster.pool).into_iter().flat_map(|pool| &pool.clusters);
    for member in pool {
        let own = rollout.cluster(&member.name).map(|c| &c.attempt.state);
        let waits = match own {
            _ if member.name.as_str() == name => true,
            _ if late => false,
            // The plan itself keeps it still.
            Some(AttemptState::Blocked(reason)) if reason.is_planned() => false,
            Some(state) => matches!(state.class(), Class::Pending | Class::Blocked | Class::Postponed),
            None => false,
        };
        if !waits {
            continue;
        }
        // The newest success on this cluster, whichever rollout brought it.
        let good = |attempt: &Attempt| {
            matches!(attempt.state, AttemptState::Succeeded | AttemptState::NoOp).then_some(attempt.since)
        };
        let newest = state
            .rollouts
            .iter()
            // What was taken back does not run, and a rollback brings nothing of its own.
            .filter(|other| other.rolls_back().is_none())
            .filter(|other| {
                other.cluster(&member.name).is_some_and(|c| c.attempt.state != AttemptState::RolledBack)
            })
            .filter_map(|other| {
                let index = *other.by_name.get(&member.name)?;
                let (planned, found) = (other.planned_cluster(index)?, other.clusters.get(index)?);
                let at = found.earlier.iter().chain([&found.attempt]).filter_map(good).max()?;
                (planned.uid == member.uid).then_some((at, other))
            })
            .max_by_key(|(at, _)| *at);
        let Some((_, other)) = newest else { continue };
        let is_hotfix = other.plan.release.lane == Lane::Hotfix;
        demand(10, !is_hotfix || has(&other.plan.release.id), || {
            format!(
                "{name} would start in a pool where {} runs the hotfix {}",
                member.name, other.plan.release.id
            )
        })?;
    }
    Ok(())
}

fn caps(
    ground: &Ground<'_>,
    rollout: &Rollout,
    cluster: &Cluster,
    planned: &PlannedWave,
    name: &str,
) -> Checked {
    let below = |cap: Option<u32>, used: usize, whose: &str| {
        demand(2, cap.is_none_or(|cap| used < cap as usize), || {
            format!("{name} would be one more than the {used} that the cap of {whose} allows")
        })
    };
    below(planned.at_once, ground.tally(rollout, &planned.name, |_| true).held, planned.name.as_str())?;
    if let Some(pool) = planned.pools.get(cluster.pool) {
        let of_pool = ground.tally(rollout, &planned.name, |pool| pool == cluster.pool).held;
        below(pool.at_once, of_pool, pool.name.as_str())?;
    }
    let counted = ground.state.open_rollouts().filter_map(|open| ground.recount.rollout(&open.id));
    let everywhere = counted.map(super::recount::Counted::held).sum();
    let own = std::iter::once(rollout).filter(|r| !r.state.is_open());
    for open in ground.state.open_rollouts().chain(own) {
        below(open.plan.pipeline.at_once, everywhere, "all rollouts together")?;
    }
    Ok(())
}

fn one_claim(ground: &Ground<'_>, rollout: &Rollout, name: &crate::model::ClusterName) -> Checked {
    let Some(planned) = rollout.by_name.get(name).and_then(|i| rollout.planned_cluster(*i)) else {
        return demand(5, false, || format!("{name} is not planned"));
    };
    for other in ground.state.open_rollouts().filter(|o| o.id != rollout.id) {
        let named = other
            .cluster(name)
            .is_some_and(|c| matches!(c.attempt.state.class(), Class::Active | Class::Unknown));
        let taken = named || ground.recount.rollout(&other.id).is_some_and(|c| c.holds(&planned.uid));
        demand(5, !taken, || format!("{} holds {name}", other.id))?;
    }
    Ok(())
}

/// The newest attempt that an effect speaks of; it must hold a slot.
fn at_work<'a>(ground: &Ground<'_>, rollout: &'a Rollout, id: &AttemptId) -> Result<&'a Attempt, Broken> {
    let Some(cluster) = rollout.cluster(&id.cluster) else {
        return Err(Broken { rule: 5, what: format!("{} is not planned", id.cluster) });
    };
    let attempt = &cluster.attempt;
    demand(5, attempt.number == id.attempt, || format!("{id} is not the newest attempt"))?;
    demand(7, attempt.state.class() == Class::Active, || {
        format!("{id} is {} and was not claimed", attempt.state.word())
    })?;
    one_claim(ground, rollout, &id.cluster)?;
    Ok(attempt)
}

fn preflight(ground: &Ground<'_>, rollout: &Rollout, id: &AttemptId) -> Checked {
    let attempt = at_work(ground, rollout, id)?;
    invariant_live::next(ground.state, rollout, of_plan(rollout, id)?, ground.now)?;
    demand(3, rollout.state != RolloutState::Aborting, || format!("{id} would start in an abort"))?;
    demand(7, attempt.steps.is_empty() || !attempt.wrote(), || format!("{id} has begun its steps"))
}

/// A step may begin: it is the next one, it is not done, nobody is at it, and doing it again is
/// allowed. Returns how many tries were begun.
fn one_step(ground: &Ground<'_>, rollout: &Rollout, id: &AttemptId, step: &StepId) -> Result<u32, Broken> {
    let attempt = at_work(ground, rollout, id)?;
    invariant_back::step(rollout, of_plan(rollout, id)?, attempt, step)?;
    let position = attempt.steps.iter().position(|s| &s.step.id == step);
    let Some(progress) = position.and_then(|i| attempt.steps.get(i)) else {
        return Err(Broken { rule: 7, what: format!("{step} of {id} was never planned by a preflight") });
    };
    demand(7, !progress.is_done(), || format!("{step} of {id} would be done twice"))?;
    let before = attempt.steps.iter().take(position.unwrap_or(0));
    demand(7, before.clone().all(super::StepProgress::is_done), || format!("{step} of {id} is out of turn"))?;
    let running = progress.open.iter().any(|(fence, _)| *fence == ground.state.fence());
    demand(7, !running, || format!("{step} of {id} is running"))?;
    let tests = step.is_test() || *step == StepId::Seal;
    demand(10, tests || attempt.tests != Tests::Only, || format!("{step} of {id}, which only tests"))?;
    let aborting = rollout.state == RolloutState::Aborting;
    demand(3, !aborting || !progress.open.is_empty(), || format!("{step} of {id} would begin in an abort"))?;
    if progress.open.is_empty() {
        invariant_live::next(ground.state, rollout, of_plan(rollout, id)?, ground.now)?;
        match &progress.outcome {
            None | Some((StepOutcome::Failed { class: FailureClass::Transient, .. }, _)) => {}
            Some((StepOutcome::Unknown { .. }, _)) => {
                return Err(Broken { rule: 2, what: format!("nobody knows how {step} of {id} ended") });
            }
            Some((StepOutcome::Failed { class: FailureClass::Unclassified, .. }, _)) => {
                let safe = step.is_test() || progress.step.repeat == Repeat::Safe;
                demand(7, safe, || format!("{step} of {id} is not safe to repeat"))?;
            }
            Some(_) => demand(7, step.is_test(), || format!("{step} of {id} has failed for good"))?,
        }
    }
    Ok(progress.tries)
}

fn finished(rollout: &Rollout, id: &AttemptId, result: &AttemptResult) -> Checked {
    let Some(cluster) = rollout.cluster(&id.cluster) else {
        return demand(5, false, || format!("{} is not planned", id.cluster));
    };
    let attempt = &cluster.attempt;
    match result {
        AttemptResult::Succeeded => {
            let done = !attempt.steps.is_empty() && attempt.steps.iter().all(super::StepProgress::is_done);
            demand(7, done, || format!("{id} would succeed with steps that are not done"))
        }
        AttemptResult::NoOp => {
            let found = matches!(attempt.preflight, Some((Preflight::NoOp, _)));
            demand(7, found, || format!("{id} would be a no-op that no preflight found"))
        }
        AttemptResult::TimedOut { .. } => {
            let of_step = attempt.current_step().is_some_and(|s| {
                s.open.is_empty() && matches!(s.outcome, Some((StepOutcome::TimedOut { .. }, _)))
            });
            let limit = rollout.by_name.get(&id.cluster).and_then(|i| rollout.work_limit(*i));
            let limit = limit.and_then(|limit| jiff::SignedDuration::try_from(limit.std()).ok());
            let of_cluster = limit.is_some_and(|limit| attempt.worked >= limit);
            demand(8, of_step || of_cluster, || format!("{id} would time out before its time"))
        }
        _ => {
            let running = attempt.current_step().is_some_and(|s| !s.open.is_empty());
            demand(7, !running, || format!("{id} would end while a step runs"))
        }
    }
}
