//! The deadline of a cluster and what is learnt of how long steps take, as the core alone decides them.

use super::fleet::{cluster, state};
use super::scripted::plans::{Shape, WaveShape, plan};
use super::scripted::world::{Calm, Fate, World};
use crate::journal::{AttemptResult, Body, HaltCause, StopScope};
use crate::model::{Duration, RolloutId};
use crate::plan::Action;
use crate::rollout::{AttemptState, Command, EffectKey, RolloutState};

/// Every step takes so many seconds.
struct Slow(i64);
impl Fate for Slow {
    fn takes(&mut self, key: &EffectKey) -> i64 {
        if matches!(key, EffectKey::Step(..)) { self.0 } else { 1 }
    }
}

fn limited(seconds: u64, more: WaveShape) -> Shape {
    Shape::of(vec![WaveShape { deadline: Some(seconds), ..more }])
}

fn line(scope: &str, stopped: bool) -> Command {
    let (scope, reason): (StopScope, _) = (scope.parse().unwrap(), "incident".to_owned());
    if stopped { Command::StopTheLine { scope, reason } } else { Command::StartTheLine { scope, reason } }
}

fn ends(world: &World<impl Fate>) -> Vec<&AttemptResult> {
    let results = world.events.iter().filter_map(|event| match &event.body {
        Body::AttemptFinished { result, .. } => Some(result),
        _ => None,
    });
    results.collect()
}

/// The moment at which all work at c-0 has to be done, and the one for the step that runs.
fn moments(world: &World<impl Fate>, id: &RolloutId) -> (Option<jiff::Timestamp>, Option<jiff::Timestamp>) {
    let rollout = world.state.rollout(id).unwrap();
    let name = "c-0".parse().unwrap();
    (rollout.cluster_deadline(&name).and_then(|d| d.at), rollout.step_deadline(&name))
}

#[test]
fn fleet_c09_a_cluster_has_an_absolute_deadline_whatever_its_steps_may_take() {
    // Two steps of 100 s are within their 10 minutes each, and not within 250 s together with the third.
    let mut world = World::new(Slow(100));
    let id = world.start(plan(&limited(250, WaveShape { at_once: Some(1), ..WaveShape::of(2) })));
    while !world.events.iter().any(|e| matches!(e.body, Body::StepStarted { .. })) {
        world.round();
        if !world.busy() || !world.events.iter().any(|e| matches!(e.body, Body::StepStarted { .. })) {
            world.advance();
        }
    }
    let begun = world.now;
    let (all, step) = moments(&world, &id);
    assert_eq!(all, Some(Duration::seconds(250).after(begun)), "an exact moment");
    assert_eq!(step, all, "the step's own ten minutes would be longer");
    assert!(world.settle(1_000));
    assert_eq!(*cluster(&world, &id, "c-0"), AttemptState::TimedOut);
    let [AttemptResult::TimedOut { step, cause }] = ends(&world)[..] else { panic!("{:?}", ends(&world)) };
    assert_eq!(step.to_string(), "a/test:t0");
    assert_eq!(cause, "the cluster's deadline passed: 4 m 10 s of work, waiting apart");
    assert_eq!(world.now, Duration::seconds(250).after(begun), "the third step was ended after 50 s");
    let over = HaltCause::FailureBudget { failed: 1, budget: 0 };
    assert!(matches!(state(&world, &id), RolloutState::Halted { cause, .. } if *cause == over));
    assert_eq!(*cluster(&world, &id, "c-1"), AttemptState::Pending, "the failure budget halted it");
}

#[test]
fn fleet_c11_a_cluster_that_times_out_spends_the_failure_budget_and_others_go_on() {
    let mut world = World::new(Slow(100));
    let id = world.start(plan(&limited(250, WaveShape { failures: 2, ..WaveShape::of(2) })));
    assert!(world.settle(1_000));
    assert_eq!(*state(&world, &id), RolloutState::SucceededWithFailures);
    assert_eq!(*cluster(&world, &id, "c-1"), AttemptState::TimedOut);
}

#[test]
fn hours_of_a_stopped_line_between_two_steps_burn_nothing_of_the_deadline() {
    let mut world = World::new(Slow(100));
    let id = world.start(plan(&limited(450, WaveShape::of(1))));
    while world.state.rollout(&id).unwrap().counts().in_flight() == 0 || !world.busy() {
        world.round();
        world.advance();
    }
    for _ in 0..4 {
        world.ask(&line("fleet", true)).unwrap();
        assert!(world.settle(1_000), "the running step ends, then it waits");
        world.now += jiff::SignedDuration::from_hours(5);
        let (all, _) = moments(&world, &id);
        assert_eq!(all, None, "nothing passes while nothing runs");
        world.ask(&line("fleet", false)).unwrap();
        world.round();
    }
    assert!(world.settle(1_000));
    assert_eq!(*state(&world, &id), RolloutState::Succeeded, "{:?}", ends(&world));
}

#[test]
fn a_night_without_a_driver_burns_nothing_and_what_it_left_is_settled() {
    let mut world = World::new(Slow(100));
    let id = world.start(plan(&limited(450, WaveShape::of(1))));
    while !world.events.iter().any(|e| matches!(e.body, Body::StepStarted { .. })) {
        world.round();
        world.advance();
    }
    world.now += jiff::SignedDuration::from_hours(9);
    world.take_over();
    assert!(world.settle(1_000));
    assert_eq!(*state(&world, &id), RolloutState::Succeeded, "{:?}", ends(&world));
    let rollout = world.state.rollout(&id).unwrap();
    let known = |action| world.state.durations().tries(&"a".parse().unwrap(), &action);
    assert_eq!(known(Action::Settle), 1);
    assert_eq!(known(Action::Step("s0".to_owned())), 0, "nobody knows how long that try took");
    assert_eq!(rollout.counts().done(), 1);
}

#[test]
fn successful_tries_of_steps_and_tests_are_learnt_from() {
    let mut world = World::new(Calm);
    world.start(plan(&Shape::of(vec![WaveShape { at_once: Some(5), ..WaveShape::of(25) }])));
    assert!(world.settle(10_000));
    let name = "a".parse().unwrap();
    for action in [Action::Step("s0".to_owned()), Action::Settle, Action::Test("t0".to_owned())] {
        assert_eq!(world.state.durations().tries(&name, &action), 25, "{action}");
        let (limit, _) = world.state.durations().limit(&name, &action, Duration::ZERO);
        assert_eq!(limit, Duration::minutes(5), "twice a second, and at least that");
    }
}
