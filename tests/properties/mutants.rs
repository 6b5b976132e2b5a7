//! Eighteen mutants of the core, as wrappers around `effects`: each breaks one rule in the way in which
//! a slip of the pen would. The checker has to find every one of them in the log.

use tidegate::journal::{AttemptId, AttemptResult, AttemptStep, Body, Side, StepId};
use tidegate::model::{Duration, SoakClock};
use tidegate::plan::{PlannedCluster, PlannedWave, Repeat};
use tidegate::resolve::Reason;
use tidegate::rollout::{
    Class, Cluster, Effect, Effects, FleetState, Obstacle, Rollout, RolloutState, WaitKind, WavePhase, caps,
    effects, waits_of_rollout,
};

/// What names the effects.
pub type Named = fn(&FleetState, jiff::Timestamp) -> Effects;

/// The mutants with their names.
pub const ALL: [(&str, Named); 18] = [
    ("wave started early", wave_started_early),
    ("cap exceeded", cap_exceeded),
    ("step repeated", step_repeated),
    ("pin ignored", pin_ignored),
    ("budget ignored", budget_ignored),
    ("stop ignored", stop_ignored),
    ("hold ignored", hold_ignored),
    ("window ignored", window_ignored),
    ("queue ignored", queue_ignored),
    ("hotfix ignored", hotfix_ignored),
    ("sleep ignored", sleep_ignored),
    ("departure ignored", departure_ignored),
    ("late budget ignored", late_budget_ignored),
    ("unobserved time counted", unobserved_time_counted),
    ("rollback forward", rollback_forward),
    ("one-way step backward", one_way_backward),
    ("deadline burnt by waiting", deadline_burnt),
    ("approval kept over a new digest", approval_kept),
];

fn running(state: &FleetState) -> impl Iterator<Item = &Rollout> {
    state.open_rollouts().filter(|r| *r.state() == RolloutState::Running)
}

/// A claim of the first cluster that waits in a wave of which this holds, with nothing in its way.
fn claim(
    (state, now): (&FleetState, jiff::Timestamp),
    rollout: &Rollout,
    phase: impl Fn(WavePhase) -> bool,
) -> Option<Effect> {
    let (wave, _, planned, cluster) = rollout.clusters().find(|(wave, pool, planned, cluster)| {
        let at = rollout.wave(&wave.name).map(|(_, w)| w.phase());
        // In the pool whose turn it is, so that only the rule in question is broken.
        let turn = rollout.pools(&wave.name).find(|(_, p)| p.counts().unsettled() > 0);
        at.is_some_and(&phase)
            && turn.is_some_and(|(p, _)| p.name == pool.name)
            && cluster.attempt().state().class() == Class::Pending
            && state.obstacle(rollout, planned, now).is_none()
            && paced(state, planned, now)
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
        .find_map(|r| claim((state, now), r, |phase| phase == WavePhase::Waiting));
    named.effects.extend(early);
    named
}

/// Ends an observed soak as the wall clock would: as if clusters were well while nobody looked.
fn unobserved_time_counted(state: &FleetState, now: jiff::Timestamp) -> Effects {
    let mut named = effects(state, now);
    if named.effects.iter().any(|e| matches!(e, Effect::Decide(_))) {
        return named;
    }
    let over = running(state).find_map(|rollout| {
        rollout.waves().find_map(|(planned, wave)| {
            let soak = planned.soak.as_ref().filter(|soak| soak.clock == SoakClock::Observed)?;
            let passed = wave.phase() == WavePhase::Soaking && now >= soak.length.after(wave.since());
            let (rollout, wave) = (rollout.id().clone(), planned.name.clone());
            passed.then_some(Effect::Decide(Body::WaveSoaked { rollout, wave }))
        })
    });
    named.effects.extend(over);
    named
}

fn cap_exceeded(state: &FleetState, now: jiff::Timestamp) -> Effects {
    let mut named = effects(state, now);
    let claims = |e: &Effect| matches!(e, Effect::Decide(Body::AttemptClaimed { .. }));
    if !named.effects.iter().any(|e| matches!(e, Effect::Decide(_)) && !claims(e)) {
        let taken: Vec<Effect> = named.effects.clone();
        let more = running(state)
            .filter(|r| r.counts().in_flight() > 0)
            .filter_map(|r| claim((state, now), r, |phase| phase == WavePhase::Rolling))
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
        let more = running(state).filter(|r| r.over_budget().is_some()).find_map(|r| {
            claim((state, now), r, |phase| phase == WavePhase::Rolling).filter(|c| has_slot(state, r, c))
        });
        named.effects.extend(more);
    }
    named
}

fn stop_ignored(state: &FleetState, now: jiff::Timestamp) -> Effects {
    ignoring(state, now, |obstacle| matches!(obstacle, Obstacle::Stop { .. }))
}

fn hold_ignored(state: &FleetState, now: jiff::Timestamp) -> Effects {
    ignoring(state, now, |obstacle| matches!(obstacle, Obstacle::Hold(_)))
}

fn window_ignored(state: &FleetState, now: jiff::Timestamp) -> Effects {
    ignoring(state, now, |obstacle| matches!(obstacle, Obstacle::Window { .. }))
}

fn queue_ignored(state: &FleetState, now: jiff::Timestamp) -> Effects {
    ignoring(state, now, |obstacle| matches!(obstacle, Obstacle::Busy { .. }))
}

/// Who is switched off on purpose is not left for later.
fn sleep_ignored(state: &FleetState, now: jiff::Timestamp) -> Effects {
    ignoring(state, now, |obstacle| matches!(obstacle, Obstacle::Hibernated))
}

/// Who left the fleet does not depart, and starts instead.
fn departure_ignored(state: &FleetState, now: jiff::Timestamp) -> Effects {
    let mut named = effects(state, now);
    let departs = |e: &Effect| matches!(e, Effect::Decide(Body::AttemptDeparted { .. }));
    if named.effects.iter().any(departs) {
        let ungated = |r: &&Rollout| r.waves().all(|(wave, _)| wave.gates_before.is_empty());
        let claim = running(state).filter(|r| r.over_budget().is_none()).filter(ungated).find_map(|r| {
            let claim = claim((state, now), r, |phase| phase == WavePhase::Rolling)?;
            let Effect::Decide(Body::AttemptClaimed { attempt, .. }) = &claim else { return None };
            (state.has_left(r, &attempt.cluster) && has_slot(state, r, &claim)).then_some(claim)
        });
        if let Some(claim) = claim {
            named.effects.insert(0, claim);
        }
    }
    named
}

/// Somebody catches up although too many failed at it.
fn late_budget_ignored(state: &FleetState, now: jiff::Timestamp) -> Effects {
    let mut named = effects(state, now);
    if named.effects.iter().any(|e| matches!(e, Effect::Decide(_))) {
        return named;
    }
    let spent = |r: &&Rollout| r.is_late_budget_spent() && r.over_budget().is_none();
    let goes =
        |r: &&Rollout| matches!(r.state(), RolloutState::Running | RolloutState::SucceededWithFailures);
    let claim = state.live_rollouts().filter(goes).filter(spent).find_map(|rollout| {
        rollout.clusters().find_map(|(wave, _, planned, cluster)| {
            let (_, found) = rollout.wave(&wave.name)?;
            let due = cluster.attempt().recheck_at() <= now;
            let entry = found.phase() == WavePhase::Done && cluster.state().class() == Class::Deferred;
            let free = state.obstacle(rollout, planned, now).is_none() && paced(state, planned, now);
            if !(entry && due && free && wave.gates_before.is_empty()) {
                return None;
            }
            let claim = claimed(rollout, (wave, planned, cluster));
            has_slot(state, rollout, &claim).then_some(claim)
        })
    });
    named.effects.extend(claim);
    named
}

/// A yes that was given before the rollout was planned anew opens the wave that changed.
fn approval_kept(state: &FleetState, now: jiff::Timestamp) -> Effects {
    let mut named = effects(state, now);
    let decides = named.effects.iter().any(|effect| matches!(effect, Effect::Decide(_)));
    let opened = running(state).filter(|r| r.over_budget().is_none()).find_map(|rollout| {
        let (planned, wave) = rollout.waves().find(|(_, w)| !w.phase().is_over())?;
        // Given once, void by the new plan, and never taken back.
        let void = |gate: &tidegate::plan::PlannedGate| {
            wave.gate(Side::Before, &gate.id).is_some_and(|known| {
                known.revision() >= 2 && known.approvals().is_empty() && known.round() == 0
            })
        };
        let all = !planned.gates_before.is_empty() && planned.gates_before.iter().all(void);
        (all && wave.phase() == WavePhase::GatesBefore).then(|| {
            Effect::Decide(Body::WaveOpened { rollout: rollout.id().clone(), wave: planned.name.clone() })
        })
    });
    if !decides {
        named.effects.extend(opened);
    }
    named
}

/// The deadline of a cluster counts from its slot instead of the time in which steps ran.
fn deadline_burnt(state: &FleetState, now: jiff::Timestamp) -> Effects {
    let mut named = effects(state, now);
    let decides = named.effects.iter().any(|effect| matches!(effect, Effect::Decide(_)));
    let late = state.open_rollouts().find_map(|rollout| {
        rollout.clusters().find_map(|(wave, _, planned, cluster)| {
            let attempt = cluster.attempt();
            let passed = wave.cluster_deadline?.after(attempt.claimed_at()?) <= now;
            let between = attempt.current_step().filter(|step| step.running_since().is_none())?;
            let at_work = cluster.state().class() == Class::Active;
            let id = AttemptId {
                rollout: rollout.id().clone(),
                cluster: planned.name.clone(),
                attempt: attempt.number(),
            };
            let cause = "its deadline passed".to_owned();
            let result = AttemptResult::TimedOut { step: between.step().id.clone(), cause };
            (passed && at_work).then_some(Effect::Decide(Body::AttemptFinished { attempt: id, result }))
        })
    });
    if !decides {
        named.effects.extend(late);
    }
    named
}

/// The effects, and where there is no decision a claim of a cluster that one kind of obstacle alone
/// keeps from starting.
fn ignoring(state: &FleetState, now: jiff::Timestamp, ignored: fn(&Obstacle) -> bool) -> Effects {
    let mut named = effects(state, now);
    if named.effects.iter().any(|e| matches!(e, Effect::Decide(_))) {
        return named;
    }
    let claim = running(state).filter(|r| r.over_budget().is_none()).find_map(|rollout| {
        rollout.clusters().find_map(|(wave, pool, planned, cluster)| {
            let (_, at) = rollout.wave(&wave.name)?;
            let begun = at.phase() == WavePhase::Rolling && (at.begun() || wave.gates_before.is_empty());
            let before: Vec<_> = rollout
                .pools(&wave.name)
                .take_while(|(p, _)| p.name != pool.name)
                .map(|(_, p)| p.counts())
                .collect();
            let turn = before.iter().all(|counts| counts.unsettled() == 0)
                && before.iter().map(|counts| counts.of(Class::Deferred)).sum::<u32>()
                    <= wave.deferred_budget;
            let waits = matches!(cluster.state().class(), Class::Pending | Class::Postponed)
                || cluster.state().word() == "deferred"
                    && cluster
                        .attempt()
                        .cause()
                        .is_some_and(|c| c.contains("held") || c.contains("switched off"));
            let alone = state.obstacle(rollout, planned, now).is_some_and(|found| ignored(&found));
            if !(begun && turn && waits && alone && paced(state, planned, now)) {
                return None;
            }
            let claim = claimed(rollout, (wave, planned, cluster));
            // The fold itself refuses what can be told without a clock; that is no slip of this kind.
            has_slot(state, rollout, &claim).then_some(claim)
        })
    });
    named.effects.extend(claim);
    named
}

/// A slot for a cluster.
fn claimed(rollout: &Rollout, (wave, planned, cluster): (&PlannedWave, &PlannedCluster, &Cluster)) -> Effect {
    let attempt = AttemptId {
        rollout: rollout.id().clone(),
        cluster: planned.name.clone(),
        attempt: cluster.attempt().number(),
    };
    Effect::Decide(Body::AttemptClaimed { attempt, wave: wave.name.clone() })
}

/// Whether region and start rate leave room for a cluster.
fn paced(state: &FleetState, planned: &tidegate::plan::PlannedCluster, now: jiff::Timestamp) -> bool {
    state.region(planned).is_none_or(|cap| cap.free() > 0) && state.may_start(now).is_none_or(|(n, _)| n > 0)
}

fn hotfix_ignored(state: &FleetState, now: jiff::Timestamp) -> Effects {
    let mut named = effects(state, now);
    if named.effects.iter().all(|e| !matches!(e, Effect::Decide(_))) {
        let waits = |r: &&Rollout| {
            waits_of_rollout(state, r, now).iter().any(|w| matches!(w.kind, WaitKind::MissingHotfix(_)))
        };
        let ungated = |r: &&Rollout| r.waves().all(|(wave, _)| wave.gates_before.is_empty());
        let more = running(state)
            .filter(|r| r.over_budget().is_none())
            .filter(ungated)
            .filter(waits)
            .find_map(|r| {
                claim((state, now), r, |phase| phase == WavePhase::Rolling).filter(|c| has_slot(state, r, c))
            });
        named.effects.extend(more);
    }
    named
}

/// In a rollback, the product that goes last is taken first.
fn rollback_forward(state: &FleetState, now: jiff::Timestamp) -> Effects {
    let mut named = effects(state, now);
    for effect in &mut named.effects {
        let Effect::Step { attempt, step, tries, .. } = effect else { continue };
        let Some(rollout) = state.rollout(&attempt.rollout).filter(|r| r.rolls_back().is_some()) else {
            continue;
        };
        let planned = rollout.plan().cluster(&attempt.cluster).map(|(_, _, c)| c);
        let phase = |id: &StepId| planned.and_then(|c| c.phase_of(id.product()?)).filter(|_| !id.is_test());
        let Some(now) = phase(&step.id) else { continue };
        let steps = rollout.cluster(&attempt.cluster).map(|c| c.attempt().steps()).unwrap_or_default();
        if let Some(last) = steps.iter().rev().find(|s| phase(&s.step().id).is_some_and(|p| p < now)) {
            *step = last.step().clone();
            *tries = 1;
        }
    }
    named
}

/// In a rollback, a step that can't be undone is taken all the same.
fn one_way_backward(state: &FleetState, now: jiff::Timestamp) -> Effects {
    let mut named = effects(state, now);
    for effect in &mut named.effects {
        let Effect::Step { attempt, step, tries, .. } = effect else { continue };
        let planned = state.rollout(&attempt.rollout).and_then(|r| r.plan().cluster(&attempt.cluster));
        let skipped = planned.and_then(|(_, _, c)| c.back.as_ref()?.skipped.first());
        if let Some(skipped) = skipped {
            let (product, name) = (skipped.product.clone(), skipped.step.clone());
            *step = AttemptStep { id: StepId::Deploy { product, step: name }, ..step.clone() };
            *tries = 1;
        }
    }
    named
}

/// Whether every cap leaves room for a claim.
fn has_slot(state: &FleetState, rollout: &Rollout, claim: &Effect) -> bool {
    let Effect::Decide(Body::AttemptClaimed { attempt, wave }) = claim else { return false };
    let pool = rollout.plan().cluster(&attempt.cluster).map(|(_, pool, _)| &pool.name);
    let Some((planned, found)) = rollout.wave(wave) else { return false };
    let here = rollout.plan().cluster(&attempt.cluster).map(|(_, _, c)| c);
    let free = here.is_some_and(|c| state.region(c).is_none_or(|cap| cap.free() > 0));
    free && rollout.pools(wave).filter(|(p, _)| Some(&p.name) == pool).all(|(p, state_of_pool)| {
        caps(state, (planned, p), found, state_of_pool).iter().all(|c| c.free() > 0)
    })
}
