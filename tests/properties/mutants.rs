//! Six mutants of the core, as wrappers around `effects`: each breaks one rule in the way in which
//! a slip of the pen would. The checker has to find every one of them in the log.

use tidegate::journal::{AttemptId, AttemptStep, Body, StepId};
use tidegate::model::Duration;
use tidegate::plan::Repeat;
use tidegate::resolve::Reason;
use tidegate::rollout::{
    Class, Effect, Effects, FleetState, Rollout, RolloutState, WaitKind, WavePhase, caps, effects,
    waits_of_rollout,
};

/// What names the effects.
pub type Named = fn(&FleetState, jiff::Timestamp) -> Effects;

/// The mutants with their names.
pub const ALL: [(&str, Named); 6] = [
    ("wave started early", wave_started_early),
    ("cap exceeded", cap_exceeded),
    ("step repeated", step_repeated),
    ("pin ignored", pin_ignored),
    ("budget ignored", budget_ignored),
    ("hotfix ignored", hotfix_ignored),
];

fn running(state: &FleetState) -> impl Iterator<Item = &Rollout> {
    state.open_rollouts().filter(|r| *r.state() == RolloutState::Running)
}

/// A claim of the first cluster that waits in a wave of which this holds.
fn claim(rollout: &Rollout, phase: impl Fn(WavePhase) -> bool) -> Option<Effect> {
    let (wave, _, planned, cluster) = rollout.clusters().find(|(wave, pool, _, cluster)| {
        let at = rollout.wave(&wave.name).map(|(_, w)| w.phase());
        // In the pool whose turn it is, so that only the rule in question is broken.
        let turn = rollout.pools(&wave.name).find(|(_, p)| p.counts().unsettled() > 0);
        at.is_some_and(&phase)
            && turn.is_some_and(|(p, _)| p.name == pool.name)
            && cluster.attempt().state().class() == Class::Pending
    })?;
    let attempt = AttemptId {
        rollout: rollout.id().clone(),
        cluster: planned.name.clone(),
        attempt: cluster.attempt().number(),
    };
    Some(Effect::Decide(Body::AttemptClaimed { attempt, wave: wave.name.clone() }))
}

fn wave_started_early(state: &FleetState, now: jiff::Timestamp) -> Effects {
    let mut named = effects(state, now);
    let early = running(state)
        .filter(|r| r.waves().any(|(_, w)| matches!(w.phase(), WavePhase::Soaking | WavePhase::GatesAfter)))
        .find_map(|r| claim(r, |phase| phase == WavePhase::Waiting));
    named.effects.extend(early);
    named
}

fn cap_exceeded(state: &FleetState, now: jiff::Timestamp) -> Effects {
    let mut named = effects(state, now);
    let claims = |e: &Effect| matches!(e, Effect::Decide(Body::AttemptClaimed { .. }));
    if !named.effects.iter().any(|e| matches!(e, Effect::Decide(_)) && !claims(e)) {
        let taken: Vec<Effect> = named.effects.clone();
        let more = running(state)
            .filter(|r| r.counts().in_flight() > 0)
            .filter_map(|r| claim(r, |phase| phase == WavePhase::Rolling))
            .find(|c| !taken.contains(c));
        named.effects.splice(0..0, more);
    }
    named
}

fn step_repeated(state: &FleetState, now: jiff::Timestamp) -> Effects {
    let mut named = effects(state, now);
    for effect in &mut named.effects {
        let Effect::Step { attempt, step, tries, .. } = effect else { continue };
        let found = state.rollout(&attempt.rollout).and_then(|r| r.cluster(&attempt.cluster));
        let done = found.map(|c| &c.attempt().steps()[..c.attempt().steps_done()]);
        if let Some([.., last]) = done {
            *step = last.step().clone();
            *tries = last.tries() + 1;
        }
    }
    named
}

fn pin_ignored(state: &FleetState, now: jiff::Timestamp) -> Effects {
    let mut named = effects(state, now);
    for effect in &mut named.effects {
        let Effect::Step { attempt, step, tries, .. } = effect else { continue };
        let pinned = state
            .rollout(&attempt.rollout)
            .and_then(|r| r.plan().cluster(&attempt.cluster))
            .and_then(|(_, _, c)| c.targets.iter().find(|t| matches!(t.reason, Reason::Pin { .. })));
        if let Some(target) = pinned {
            *step = AttemptStep {
                id: StepId::Deploy { product: target.product.clone(), step: "s0".to_owned() },
                timeout: Duration::minutes(1),
                repeat: Repeat::Safe,
                retries: 0,
            };
            *tries = 1;
        }
    }
    named
}

fn budget_ignored(state: &FleetState, now: jiff::Timestamp) -> Effects {
    let mut named = effects(state, now);
    named.effects.retain(|e| !matches!(e, Effect::Decide(Body::RolloutHalted { .. })));
    if named.effects.iter().all(|e| !matches!(e, Effect::Decide(_))) {
        let more = running(state)
            .filter(|r| r.over_budget().is_some())
            .find_map(|r| claim(r, |phase| phase == WavePhase::Rolling).filter(|c| has_slot(state, r, c)));
        named.effects.extend(more);
    }
    named
}

fn hotfix_ignored(state: &FleetState, now: jiff::Timestamp) -> Effects {
    let mut named = effects(state, now);
    if named.effects.iter().all(|e| !matches!(e, Effect::Decide(_))) {
        let waits = |r: &&Rollout| {
            waits_of_rollout(state, r, now).iter().any(|w| matches!(w.kind, WaitKind::MissingHotfix(_)))
        };
        let ungated = |r: &&Rollout| r.waves().all(|(wave, _)| wave.gates_before.is_empty());
        let more =
            running(state).filter(|r| r.over_budget().is_none()).filter(ungated).filter(waits).find_map(
                |r| claim(r, |phase| phase == WavePhase::Rolling).filter(|c| has_slot(state, r, c)),
            );
        named.effects.extend(more);
    }
    named
}

/// Whether every cap leaves room for a claim.
fn has_slot(state: &FleetState, rollout: &Rollout, claim: &Effect) -> bool {
    let Effect::Decide(Body::AttemptClaimed { attempt, wave }) = claim else { return false };
    let pool = rollout.plan().cluster(&attempt.cluster).map(|(_, pool, _)| &pool.name);
    let Some((planned, found)) = rollout.wave(wave) else { return false };
    rollout.pools(wave).filter(|(p, _)| Some(&p.name) == pool).all(|(p, state_of_pool)| {
        caps(state, (planned, p), found, state_of_pool).iter().all(|c| c.free() > 0)
    })
}
