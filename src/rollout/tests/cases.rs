//! More of the fleet cases that the core alone decides: runs that are stopped, canaries, and requests
//! that nobody can take away.

use super::fleet::{cluster, phase, rolled, state};
use super::scripted::plans::{Shape, WaveShape, plan};
use super::scripted::world::{Calm, Fate, World, done};
use crate::journal::{AttemptId, Body, Preflight, StepId, StepOutcome};
use crate::model::RolloutId;
use crate::rollout::{AttemptState, Command, RolloutState, WaitKind, WavePhase, waits_of_rollout};

/// D12: stopped after any of its rounds, a run is not aborted: the next driver tracks it to the same
/// end, and nothing that must not be done twice is.
#[test]
fn fleet_d12_a_run_stopped_in_any_state_is_tracked_to_its_end() {
    let soaks = WaveShape { soak: Some(60), all_tests: true, ..WaveShape::of(3) };
    let shape = Shape::of(vec![WaveShape { all_tests: true, ..WaveShape::of(1) }, soaks]);
    let undisturbed = {
        let (world, id) = rolled(Calm, &shape);
        assert_eq!(*state(&world, &id), RolloutState::Succeeded);
        world.events.len()
    };
    let mut stopped_at = 0;
    for rounds in 0.. {
        let mut world = World::new(Calm);
        let id = world.start(plan(&shape));
        for _ in 0..rounds {
            world.round();
            world.advance();
        }
        if !world.state.rollout(&id).unwrap().state().is_open() {
            break;
        }
        stopped_at = world.events.len();
        world.take_over();
        assert!(world.settle(1_000), "stopped after {rounds} rounds it never comes to rest");
        assert_eq!(world.refused, None);
        assert_eq!(*state(&world, &id), RolloutState::Succeeded, "stopped after {rounds} rounds");
        assert_eq!(world.unsafe_repeats, Vec::<String>::new());
        assert!(!world.events.iter().any(|e| matches!(e.body, Body::RolloutAborted { .. })));
    }
    assert!(stopped_at + 3 >= undisturbed, "it was stopped up to event {stopped_at} of {undisturbed} only");
}

/// Two of the canaries are compliant already; a step of the cluster c-3 takes too long.
struct Compliant;

impl Fate for Compliant {
    fn preflight(&mut self, attempt: &AttemptId, _: u32) -> Option<Preflight> {
        matches!(attempt.cluster.as_str(), "c-0" | "c-1").then_some(Preflight::NoOp)
    }
    fn step(&mut self, attempt: &AttemptId, _: &StepId, _: u32) -> StepOutcome {
        match attempt.cluster.as_str() {
            "c-3" => StepOutcome::TimedOut { cause: "too slow".to_owned() },
            _ => done(),
        }
    }
}

/// A14: canary is what the plan says of a wave. That its first clusters need nothing moves it nowhere,
/// and the wave behind it keeps its own budget.
#[test]
fn fleet_a14_being_a_canary_belongs_to_the_planned_wave_whoever_is_compliant_already() {
    let rest = WaveShape { failures: 1, ..WaveShape::of(3) };
    let canaries = WaveShape { canary: true, failures: 1, ..WaveShape::of(3) };
    let (world, id) = rolled(Compliant, &Shape::of(vec![canaries.clone(), rest]));
    assert_eq!(*cluster(&world, &id, "c-0"), AttemptState::NoOp);
    assert_eq!(*cluster(&world, &id, "c-2"), AttemptState::Succeeded);
    assert!(matches!(cluster(&world, &id, "c-3"), AttemptState::TimedOut));
    assert_eq!(phase(&world, &id, "w1"), WavePhase::Done);
    assert_eq!(*state(&world, &id), RolloutState::SucceededWithFailures);

    // The same time-out in the canary wave halts, though two of it were compliant.
    let canaries = WaveShape { pools: vec![(4, None)], ..canaries };
    let (world, id) = rolled(Compliant, &Shape::of(vec![canaries, WaveShape::of(1)]));
    assert!(matches!(state(&world, &id), RolloutState::Halted { .. }), "{:?}", state(&world, &id));
}

/// Whether somebody's yes is waited for.
fn asked(world: &World<Calm>, id: &RolloutId) -> bool {
    let rollout = world.state.rollout(id).unwrap();
    let waits = waits_of_rollout(&world.state, rollout, world.now);
    waits.iter().any(|wait| matches!(wait.kind, WaitKind::Gate { .. }))
}

/// E03: a request is no object that somebody could delete, it follows from the journal: whoever
/// drives next asks again, and it is still without a yes; so is one whose yes was taken back.
#[test]
fn fleet_e03_a_request_can_not_be_taken_away_and_stays_without_a_yes() {
    let gated = WaveShape { before: true, ..WaveShape::of(1) };
    let (mut world, id) = rolled(Calm, &Shape::of(vec![WaveShape::of(1), gated]));
    for _ in 0..3 {
        assert!(asked(&world, &id));
        assert_eq!(phase(&world, &id, "w1"), WavePhase::GatesBefore);
        world.take_over();
        world.settle(100);
    }
    world.approve(&id, "w1").unwrap();
    let revoke =
        Command::Revoke { rollout: id.clone(), wave: "w1".parse().unwrap(), gate: None, reason: None };
    world.ask(&revoke).unwrap();
    world.settle(100);
    assert!(asked(&world, &id));
    assert_eq!(phase(&world, &id, "w1"), WavePhase::GatesBefore);
    world.approve(&id, "w1").unwrap();
    world.settle(100);
    assert_eq!(*state(&world, &id), RolloutState::Succeeded);
}
