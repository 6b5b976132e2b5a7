//! Tests of a wave that run again: the newest verdict counts.

use super::fleet::{Script, phase, state, steps};
use super::scripted::plans::{Shape, WaveShape, plan};
use super::scripted::world::{Calm, Fate, World, done, failed};
use crate::journal::{Body, FailureClass, StepId};
use crate::model::RolloutId;
use crate::rollout::{
    AttemptState, Command, RefusalExit, RolloutState, Tests, WaitKind, WavePhase, effects, waits,
};

fn verify(id: &RolloutId, wave: &str) -> Command {
    Command::Verify { rollout: id.clone(), wave: wave.parse().unwrap(), reason: Some("look again".into()) }
}

/// Staging, then a wave that waits for an approval.
fn gated(failures: u32) -> Shape {
    let gate = WaveShape { before: true, ..WaveShape::of(1) };
    Shape::of(vec![WaveShape { failures, ..WaveShape::of(2) }, gate])
}

/// The second time that tests run on c-0 they fail.
fn fails_later() -> Script {
    let mut before = 0;
    steps(move |cluster, step, _| match (cluster, step) {
        ("c-0", StepId::Test { .. }) => {
            before += 1;
            if before > 1 { failed(FailureClass::Test) } else { done() }
        }
        _ => done(),
    })
}

#[test]
fn fleet_e11_the_newest_verdict_counts_and_a_failure_closes_later_gates() {
    let mut world = World::new(fails_later());
    let id = world.start(plan(&gated(1)));
    assert!(world.settle(500));
    assert_eq!(phase(&world, &id, "w1"), WavePhase::GatesBefore);
    // Somebody says yes, and before anything follows from it the tests run again.
    let yes = world.approval(&id, "w1");
    world.ask(&verify(&id, "w0")).unwrap();
    assert!(world.ask(&Command::Approve(yes.clone())).is_err(), "what they saw is no longer so");
    assert!(world.settle(500));
    let failing = world.state.rollout(&id).unwrap().cluster(&"c-0".parse().unwrap()).unwrap();
    assert!(matches!(failing.state(), AttemptState::Failed(_)), "{:?}", failing.state());
    assert_eq!(phase(&world, &id, "w0"), WavePhase::Done);
    assert_eq!(phase(&world, &id, "w1"), WavePhase::GatesBefore, "within the budget, and yet closed");
    assert!(world.ask(&Command::Approve(yes)).is_err(), "the old evidence says yes no more");
    world.approve(&id, "w1").unwrap();
    assert!(world.settle(500));
    assert_eq!(*state(&world, &id), RolloutState::SucceededWithFailures, "who sees the failure may go on");
}

#[test]
fn a_yes_that_was_given_before_rests_on_the_newest_verdict() {
    let mut world = World::new(fails_later());
    let id = world.start(plan(&gated(1)));
    assert!(world.settle(500));
    world.approve(&id, "w1").unwrap();
    world.ask(&verify(&id, "w0")).unwrap();
    assert!(world.settle(500));
    assert_eq!(phase(&world, &id, "w1"), WavePhase::GatesBefore);
    // Past the budget nothing of later waves starts anyway.
    let mut world = World::new(fails_later());
    let id = world.start(plan(&gated(0)));
    assert!(world.settle(500));
    world.ask(&verify(&id, "w0")).unwrap();
    assert!(world.settle(500));
    assert!(matches!(state(&world, &id), RolloutState::Halted { .. }));
    assert!(world.approve(&id, "w1").is_ok());
    assert!(world.settle(500));
    assert_eq!(phase(&world, &id, "w1"), WavePhase::GatesBefore);
}

#[test]
fn tests_that_pass_again_change_nothing_but_the_record() {
    let mut world = World::new(Calm);
    let id = world.start(plan(&gated(0)));
    assert!(world.settle(500));
    let before = world.events.len();
    let yes = world.approval(&id, "w1");
    world.ask(&verify(&id, "w0")).unwrap();
    assert!(world.settle(500));
    for event in &world.events[before..] {
        if let Body::StepStarted { step, .. } = &event.body {
            assert!(step.is_test() || *step == StepId::Seal, "{step} changes something");
        }
    }
    assert_eq!(phase(&world, &id, "w0"), WavePhase::Done);
    let tests = world.state.rollout(&id).unwrap().cluster(&"c-0".parse().unwrap()).unwrap().attempt().tests();
    assert_eq!(tests, Tests::Only);
    // The evidence is what it was.
    world.ask(&Command::Approve(yes)).unwrap();
    assert!(world.settle(500));
    assert_eq!(*state(&world, &id), RolloutState::Succeeded);
    // Also after its end.
    world.ask(&verify(&id, "w1")).unwrap();
    assert_eq!(*state(&world, &id), RolloutState::Running);
    assert!(world.settle(500));
    assert_eq!(*state(&world, &id), RolloutState::Succeeded);
}

#[test]
fn a_wave_that_is_tested_again_while_it_soaks_keeps_its_time_and_waits_for_the_verdict() {
    for observed in [None, Some(600)] {
        let wave = WaveShape { soak: Some(3_600), observed, ..WaveShape::of(2) };
        let mut world = World::new(Slow);
        let id = world.start(plan(&Shape::of(vec![wave, WaveShape::of(1)])));
        world.round();
        while phase(&world, &id, "w0") != WavePhase::Soaking {
            world.advance();
            world.round();
        }
        let began = world.now;
        world.now += jiff::SignedDuration::from_mins(9);
        world.ask(&verify(&id, "w0")).unwrap();
        world.round();
        let found = waits(&world.state, world.now);
        assert!(found.iter().any(|w| matches!(w.kind, WaitKind::AtWork { .. })), "{found:?}");
        assert!(found.iter().any(|w| matches!(w.kind, WaitKind::Soak { .. })), "{found:?}");
        while phase(&world, &id, "w0") == WavePhase::Soaking {
            world.round();
            assert!(world.advance());
        }
        let soaked = (world.now - began).get_seconds() / 60;
        assert!((58..=62).contains(&soaked), "{soaked} min");
        assert!(world.settle(1_000));
        assert_eq!(*state(&world, &id), RolloutState::Succeeded);
        assert!(effects(&world.state, world.now).effects.is_empty());
    }
}

/// Deeds take a minute.
struct Slow;

impl Fate for Slow {
    fn takes(&mut self, key: &crate::rollout::EffectKey) -> i64 {
        if matches!(key, crate::rollout::EffectKey::Step(..)) { 60 } else { 1 }
    }
}

#[test]
fn after_a_no_only_tests_that_run_once_more_say_yes() {
    let mut world = World::new(fails_later());
    let id = world.start(plan(&gated(0)));
    assert!(world.settle(500));
    world.ask(&verify(&id, "w0")).unwrap();
    assert!(world.settle(500));
    let which = crate::journal::RetryWhich::Failed;
    world.ask(&Command::Retry { rollout: id.clone(), which, clusters: Vec::new(), reason: None }).unwrap();
    let retried = world.state.rollout(&id).unwrap().cluster(&"c-0".parse().unwrap()).unwrap();
    assert_eq!(retried.attempt().tests(), Tests::Again);
}

#[test]
fn what_can_not_be_tested_again_is_refused_with_words() {
    let mut world = World::new(Calm);
    let id = world.start(plan(&gated(0)));
    let refused = world.ask(&verify(&id, "w0")).unwrap_err();
    assert!(refused.sentence.contains("planned"), "{refused}");
    assert!(world.settle(500));
    let refused = world.ask(&verify(&id, "w1")).unwrap_err();
    assert_eq!((refused.code.id, refused.exit), ("TG0715", RefusalExit::NothingSelected));
    assert!(
        refused.legal.contains(&format!("tidegate rollout verify {id} --wave w0")),
        "{:?}",
        refused.legal
    );
    assert_eq!(world.ask(&verify(&id, "w9")).unwrap_err().code.id, "TG0705");
    let mut untested = gated(0);
    untested.products[0].tests = 0;
    let mut world = World::new(Calm);
    let id = world.start(plan(&untested));
    assert!(world.settle(500));
    assert!(world.ask(&verify(&id, "w0")).unwrap_err().sentence.contains("has a test"));
}
