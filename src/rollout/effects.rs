//! What must be done next: for each rollout the decisions on its waves, for each attempt at work
//! its next action, and new clusters as far as caps and budgets allow. It looks only at what waits
//! or works, never at every cluster.

use super::attempt::Class;
use super::catch_up;
use super::effect::{Effect, Effects};
use super::gates::Standing;
use super::joining;
use super::membership;
use super::next::{Going, Next, next};
use super::obstacle::{Obstacle, Outlook};
use super::slots;
use super::soak;
use super::state::{FleetState, Rollout, RolloutState, Wave, WavePhase};
use crate::journal::{Body, Ending, HaltCause, Side};
use crate::model::{Push, TestPolicy, WaveName};
use crate::plan::PlannedWave;

/// At most so many verifications of a wave are named at once; the others follow as they end.
const VERIFY_AT_ONCE: usize = 64;

/// What is to be done now. The same state and moment give the same effects.
///
/// The decisions of one answer hold together, in their order. While there are any, effects that
/// may depend on them are left out: record them, then ask again.
pub fn effects(state: &FleetState, now: jiff::Timestamp) -> Effects {
    let mut out = Gathered { now, decisions: Vec::new(), actions: Vec::new(), wake: None };
    let outlook = state.outlook(now);
    for rollout in state.live_rollouts() {
        attempts(&outlook, rollout, state.fence, &mut out);
        catch_up::superseded(state, rollout, &mut out);
        membership::departures(state, rollout, &mut out);
    }
    // An attempt's end can exceed a budget or move a gate's evidence, so it is recorded first.
    if out.decisions.is_empty() {
        joining::joins(state, &mut out);
        for rollout in state.open_rollouts() {
            decisions(state, rollout, &mut out);
        }
    }
    if out.decisions.is_empty() {
        slots::claims(state, &outlook, &mut out);
    }
    let Gathered { mut decisions, actions, wake, .. } = out;
    decisions.extend(actions);
    Effects { effects: decisions, wake }
}

/// Effects in the making.
pub(super) struct Gathered {
    pub(super) now: jiff::Timestamp,
    decisions: Vec<Effect>,
    actions: Vec<Effect>,
    wake: Option<jiff::Timestamp>,
}

impl Gathered {
    pub(super) fn decide(&mut self, body: Body) {
        self.decisions.push(Effect::Decide(body));
    }

    pub(super) fn decides(&self) -> bool {
        !self.decisions.is_empty()
    }

    /// Asks gates, and looks again when an answer ends.
    pub(super) fn ask(&mut self, rollout: &Rollout, wave: &WaveName, standing: Standing) {
        for gate in standing.ask {
            let (rollout, wave) = (rollout.id.clone(), wave.clone());
            let effect = Effect::AskGate { rollout, wave, side: Side::Before, gate };
            if !self.actions.contains(&effect) {
                self.act(effect);
            }
        }
        if let Some(until) = standing.until {
            self.wake(until);
        }
    }

    pub(super) fn act(&mut self, effect: Effect) {
        self.actions.push(effect);
    }

    /// Looks again at this moment, if it is yet to come.
    pub(super) fn wake(&mut self, at: jiff::Timestamp) {
        if at > self.now {
            self.wake = Some(self.wake.map_or(at, |w| w.min(at)));
        }
    }
}

/// What the attempts at work want.
fn attempts(outlook: &Outlook<'_>, rollout: &Rollout, fence: u64, out: &mut Gathered) {
    for index in &rollout.ready {
        let (Some(planned), Some(cluster)) = (rollout.planned_cluster(*index), rollout.clusters.get(*index))
        else {
            continue;
        };
        let attempt = rollout.newest_id(planned, cluster);
        let in_its_way = outlook.interruption(rollout, planned);
        let going = going(rollout, rollout.leaves(*index), in_its_way.as_ref());
        match next(&cluster.attempt, rollout.work_limit(*index), going, fence, out.now) {
            Next::Preflight(tries) => out.act(Effect::Preflight { attempt, tries }),
            Next::Step(step, tries, interrupted) => {
                out.act(Effect::Step { attempt, step, tries, interrupted });
            }
            Next::Finish(result) => out.decide(Body::AttemptFinished { attempt, result }),
            Next::Depart => membership::depart(outlook.state, rollout, *index, out),
            Next::Wait(until) => out.wake(until),
            Next::Running => {}
            Next::Kept => {
                if let Some(until) = in_its_way.and_then(|obstacle| obstacle.until()) {
                    out.wake(until);
                }
            }
        }
    }
}

/// Whether an attempt at work may go on.
pub(super) fn going(rollout: &Rollout, leaves: bool, in_its_way: Option<&Obstacle>) -> Going {
    match (&rollout.state, in_its_way) {
        (RolloutState::Aborting, _) => Going::Ending,
        _ if leaves => Going::Leaving,
        (_, Some(_)) => Going::Kept,
        (_, None) => Going::On,
    }
}

/// What the rollout as a whole and its current wave want.
fn decisions(state: &FleetState, rollout: &Rollout, out: &mut Gathered) {
    let id = rollout.id.clone();
    let idle = rollout.counts.of(Class::Active) == 0;
    match &rollout.state {
        RolloutState::Planned => out.decide(Body::RolloutStarted { rollout: id }),
        RolloutState::Pausing if idle => out.decide(Body::RolloutPaused { rollout: id }),
        RolloutState::Aborting if idle => out.decide(Body::RolloutAborted { rollout: id }),
        RolloutState::Running => match rollout.over_budget() {
            Some((wave, failed, budget)) => out.decide(Body::RolloutHalted {
                rollout: id,
                wave: wave.clone(),
                cause: HaltCause::FailureBudget { failed, budget },
            }),
            None => running(state, rollout, out),
        },
        // Looking changes nothing, and what was soaked so far is kept.
        RolloutState::Pausing | RolloutState::Paused | RolloutState::Halted { .. } => {
            if let Some((planned, wave)) = rollout.waves().find(|(_, w)| w.phase == WavePhase::Soaking) {
                soak::wants(state, (rollout, planned, wave), out, false);
            }
        }
        _ => {}
    }
}

fn running(state: &FleetState, rollout: &Rollout, out: &mut Gathered) {
    for (planned, wave) in rollout.waves().filter(|(_, w)| w.phase == WavePhase::Done) {
        push(rollout, planned, wave, out);
    }
    // Until its first cluster starts a wave's gates must stay open; the claims look at the answers.
    for (planned, _) in rollout.waves().filter(|(_, w)| w.begins()) {
        gates_open(rollout, planned, Side::Before, out);
    }
    let Some((planned, wave)) = rollout.waves().find(|(_, w)| !w.phase.is_over()) else {
        if rollout.counts.unsettled() == 0 && !joining::awaits_joiner(state, rollout) {
            let left = rollout.counts.failures() + rollout.counts.of(Class::Deferred) > 0
                || joining::lacks_joiner(state, rollout);
            let ending = if left { Ending::SucceededWithFailures } else { Ending::Succeeded };
            out.decide(Body::RolloutFinished { rollout: rollout.id.clone(), ending });
        }
        return;
    };
    wave_decisions(state, (rollout, planned, wave), out);
}

fn wave_decisions(
    state: &FleetState,
    (rollout, planned, wave): (&Rollout, &PlannedWave, &Wave),
    out: &mut Gathered,
) {
    let (id, name) = (rollout.id.clone(), planned.name.clone());
    match wave.phase {
        WavePhase::Waiting if wave.counts.total() == 0 => {
            out.decide(Body::WaveSkipped { rollout: id, wave: name, reason: "no-clusters".to_owned() });
        }
        WavePhase::Waiting => out.decide(Body::WaveReached { rollout: id, wave: name }),
        WavePhase::GatesBefore => {
            if gates_open(rollout, planned, Side::Before, out) {
                out.decide(Body::WaveOpened { rollout: id, wave: name });
            }
        }
        WavePhase::Rolling if wave.is_complete(planned) => {
            if planned.tests == TestPolicy::All && wave.counts.done() > 0 && wave.tests_run == 0 {
                out.decide(Body::RolloutHalted { rollout: id, wave: name, cause: HaltCause::NoTests });
            } else {
                out.decide(Body::WaveCompleted { rollout: id, wave: name });
            }
        }
        // Clusters start by the claims.
        WavePhase::Rolling => {}
        WavePhase::Verifying { round } => {
            if wave.to_verify.is_empty() {
                out.decide(Body::WaveVerified { rollout: id, wave: name, round });
                return;
            }
            // Who was switched off on purpose is looked at when it is awake.
            let planned = wave.to_verify.iter().filter_map(|index| rollout.planned_cluster(*index));
            for cluster in planned.filter(|c| !state.is_hibernated(&c.name)).take(VERIFY_AT_ONCE) {
                out.act(Effect::Verify {
                    rollout: id.clone(),
                    wave: name.clone(),
                    cluster: cluster.name.clone(),
                    round,
                });
            }
        }
        WavePhase::Soaking => soak::wants(state, (rollout, planned, wave), out, wave.is_complete(planned)),
        // Tests that run again are waited for.
        WavePhase::GatesAfter => {
            if wave.is_complete(planned) && gates_open(rollout, planned, Side::After, out) {
                tag(rollout, planned, wave, out);
            }
        }
        WavePhase::Done | WavePhase::Skipped => {}
    }
}

/// Asks the gates that have no answer that counts; whether all are open.
fn gates_open(rollout: &Rollout, planned: &PlannedWave, side: Side, out: &mut Gathered) -> bool {
    let standing = rollout.gates(&planned.name, side, out.now);
    for gate in standing.ask {
        out.act(Effect::AskGate { rollout: rollout.id.clone(), wave: planned.name.clone(), side, gate });
    }
    if let Some(until) = standing.until {
        out.wake(until);
    }
    standing.open
}

/// The last way of a wave: its tag, the push where it is required, and the end.
fn tag(rollout: &Rollout, planned: &PlannedWave, wave: &Wave, out: &mut Gathered) {
    let (id, name) = (rollout.id.clone(), planned.name.clone());
    // A tag says that a release came to a wave; a rollback has none to tell of.
    if rollout.rolls_back().is_some() {
        out.decide(Body::WaveDone { rollout: id, wave: name });
        return;
    }
    if wave.tag.made.is_none() {
        let failed = wave.tag.failed.as_ref();
        let due = failed.map(|f| f.due(rollout.plan.pipeline.tags.push));
        match due.filter(|due| out.now < *due) {
            Some(due) => out.wake(due),
            None => {
                let tries = failed.map_or(1, |f| f.tries + 1);
                out.act(Effect::Tag { rollout: id, wave: name, tries });
            }
        }
        return;
    }
    push(rollout, planned, wave, out);
    // A push that is only tried has been tried once; it goes on while the rollout is open.
    let pushed = match rollout.plan.pipeline.tags.push {
        Push::Never => true,
        Push::Try => wave.tag.pushed.is_some() || wave.tag.failed.is_some(),
        Push::Required => wave.tag.pushed.is_some(),
    };
    if pushed {
        out.decide(Body::WaveDone { rollout: id, wave: name });
    }
}

/// Pushes a tag that stands, if it is to be pushed and is not yet.
fn push(rollout: &Rollout, planned: &PlannedWave, wave: &Wave, out: &mut Gathered) {
    if rollout.plan.pipeline.tags.push == Push::Never || wave.tag.made.is_none() || wave.tag.pushed.is_some()
    {
        return;
    }
    let failed = wave.tag.failed.as_ref().filter(|f| f.push);
    let due = failed.map(|f| f.due(rollout.plan.pipeline.tags.push));
    match due.filter(|due| out.now < *due) {
        Some(due) => out.wake(due),
        None => out.act(Effect::PushTag {
            rollout: rollout.id.clone(),
            wave: planned.name.clone(),
            tries: failed.map_or(1, |f| f.tries + 1),
        }),
    }
}
