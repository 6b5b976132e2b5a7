//! The fleet cases that the core alone decides, by their ids in the cases' list.

use super::scripted::plans::{ProductShape, Shape, WaveShape, plan};
use super::scripted::world::{Calm, Fate, World, done, failed, person};
use crate::journal::{
    AttemptId, BlockReason, Body, Deferral, Failure, FailureClass, Preflight, RetryWhich, Side, StepId,
    StepOutcome,
};
use crate::model::{ClusterName, RolloutId};
use crate::plan::Repeat;
use crate::rollout::{
    AttemptState, Command, Effect, FleetState, RefusalExit, RolloutState, WaitKind, WavePhase, backoff,
    effects, is_blocked, waits,
};

/// A fate made of closures, so that a test says only what differs.
#[derive(Default)]
pub(super) struct Script {
    preflight: Option<OnPreflight>,
    step: Option<OnStep>,
    verify: Option<OnVerify>,
}

type OnPreflight = Box<dyn FnMut(&str, u32) -> Option<Preflight>>;
type OnStep = Box<dyn FnMut(&str, &StepId, u32) -> StepOutcome>;
type OnVerify = Box<dyn FnMut(&str, u32) -> bool>;

impl Fate for Script {
    fn preflight(&mut self, attempt: &AttemptId, tries: u32) -> Option<Preflight> {
        self.preflight.as_mut().and_then(|f| f(attempt.cluster.as_str(), tries))
    }
    fn step(&mut self, attempt: &AttemptId, step: &StepId, tries: u32) -> StepOutcome {
        self.step.as_mut().map_or_else(done, |f| f(attempt.cluster.as_str(), step, tries))
    }
    fn verify(&mut self, cluster: &ClusterName, round: u32) -> bool {
        self.verify.as_mut().is_none_or(|f| f(cluster.as_str(), round))
    }
}

pub(super) fn steps(script: impl FnMut(&str, &StepId, u32) -> StepOutcome + 'static) -> Script {
    Script { step: Some(Box::new(script)), ..Script::default() }
}

pub(super) fn preflights(script: impl FnMut(&str, u32) -> Option<Preflight> + 'static) -> Script {
    Script { preflight: Some(Box::new(script)), ..Script::default() }
}

fn unreachable_cluster() -> Preflight {
    Preflight::Deferred { reason: Deferral::Unreachable, cause: "no route".to_owned() }
}

/// Starts the plan of these waves and lets it go on until nothing happens by itself.
pub(super) fn rolled<F: Fate>(fate: F, shape: &Shape) -> (World<F>, RolloutId) {
    let mut world = World::new(fate);
    let id = world.start(plan(shape));
    assert!(world.settle(1_000), "it never comes to rest");
    (world, id)
}

pub(super) fn state<'a>(world: &'a World<impl Fate>, id: &RolloutId) -> &'a RolloutState {
    world.state.rollout(id).unwrap().state()
}

pub(super) fn cluster<'a>(world: &'a World<impl Fate>, id: &RolloutId, name: &str) -> &'a AttemptState {
    world.state.rollout(id).unwrap().cluster(&name.parse().unwrap()).unwrap().state()
}

pub(super) fn phase(world: &World<impl Fate>, id: &RolloutId, wave: &str) -> WavePhase {
    world.state.rollout(id).unwrap().wave(&wave.parse().unwrap()).unwrap().1.phase()
}

pub(super) fn claims(world: &World<impl Fate>) -> Vec<String> {
    world
        .events
        .iter()
        .filter_map(|e| match &e.body {
            Body::AttemptClaimed { attempt, .. } => Some(attempt.cluster.to_string()),
            _ => None,
        })
        .collect()
}

pub(super) fn position(world: &World<impl Fate>, found: impl Fn(&Body) -> bool) -> usize {
    world.events.iter().position(|e| found(&e.body)).expect("such an event")
}

pub(super) fn retry(id: &RolloutId, which: RetryWhich, clusters: &[&str]) -> Command {
    let clusters = clusters.iter().map(|c| c.parse().unwrap()).collect();
    Command::Retry { rollout: id.clone(), which, clusters, reason: None }
}

pub(super) fn abort(id: &RolloutId) -> Command {
    Command::Abort { rollout: id.clone(), reason: None }
}

pub(super) fn pause(id: &RolloutId) -> Command {
    Command::Pause { rollout: id.clone(), reason: None }
}

pub(super) fn resume(id: &RolloutId) -> Command {
    Command::Resume { rollout: id.clone(), raise_budget: None, reason: None }
}

pub(super) fn capped(clusters: usize, cap: u32, failures: u32) -> WaveShape {
    WaveShape { at_once: Some(cap), failures, ..WaveShape::of(clusters) }
}

fn busy_now(state: &FleetState, id: &RolloutId) -> u32 {
    state.rollout(id).unwrap().counts().in_flight()
}

#[test]
fn a_plan_rolls_through_its_waves_to_the_end() {
    let (world, id) = rolled(Calm, &Shape::of(vec![WaveShape::of(1), capped(3, 2, 0)]));
    assert_eq!(*state(&world, &id), RolloutState::Succeeded);
    assert_eq!(world.state.rollout(&id).unwrap().counts().done(), 4);
}

#[test]
fn fleet_a06_an_empty_wave_is_skipped_with_its_reason() {
    let mut empty = WaveShape::of(0);
    empty.pools.clear();
    let (world, id) = rolled(Calm, &Shape::of(vec![empty, WaveShape::of(1)]));
    assert_eq!(phase(&world, &id, "w0"), WavePhase::Skipped);
    let (_, wave) = world.state.rollout(&id).unwrap().wave(&"w0".parse().unwrap()).unwrap();
    assert_eq!(wave.skipped(), Some("no-clusters"));
    assert_eq!(*state(&world, &id), RolloutState::Succeeded);
}

#[test]
fn fleet_a07_an_empty_waves_approval_and_soak_are_skipped_too() {
    let mut empty = WaveShape { before: true, after: true, soak: Some(3_600), ..WaveShape::of(0) };
    empty.pools.clear();
    let (world, id) = rolled(Calm, &Shape::of(vec![WaveShape::of(1), empty]));
    assert_eq!(*state(&world, &id), RolloutState::Succeeded);
    assert!(!world.events.iter().any(|e| matches!(e.body, Body::GateAnswered { .. })));
}

#[test]
fn fleet_b09_the_least_of_the_caps_holds_and_each_is_known() {
    let wave = WaveShape { at_once: Some(2), pools: vec![(5, Some(5)), (5, Some(5))], ..WaveShape::of(0) };
    let mut world = World::new(Calm);
    let id = world.start(plan(&Shape { global: Some(4), ..Shape::of(vec![wave]) }));
    world.round();
    assert_eq!(busy_now(&world.state, &id), 2);
    let found = waits(&world.state, world.now);
    let cap = found.iter().find_map(|w| match &w.kind {
        WaitKind::Cap { cap, caps, waiting } => Some((cap.cap, caps.len(), *waiting)),
        _ => None,
    });
    assert_eq!(cap, Some((2, 3, 3)), "{found:?}");
    assert!(world.settle(1_000));
    assert_eq!(*state(&world, &id), RolloutState::Succeeded);
}

#[test]
fn fleet_b16_a_half_updated_cluster_is_resumed_before_a_new_one_starts() {
    let fate = steps(|cluster, step, _| match (cluster, step) {
        ("c-2", StepId::Settle { .. }) => failed(FailureClass::Permanent),
        _ => done(),
    });
    let wave = WaveShape { at_once: Some(1), failures: 1, pools: vec![(5, None)], ..WaveShape::of(0) };
    let mut world = World::new(fate);
    let id = world.start(plan(&Shape::of(vec![wave])));
    while !matches!(cluster(&world, &id, "c-2"), AttemptState::Failed(_)) {
        world.round();
        assert!(world.advance());
    }
    // c-3 may have been claimed in the same round; c-4 still waits in front of the retried one.
    world.ask(&retry(&id, RetryWhich::Failed, &[])).unwrap();
    world.fate.step = None;
    assert!(world.settle(1_000));
    let order = claims(&world);
    let again = order.iter().rposition(|c| c == "c-2").unwrap();
    assert!(again < order.iter().position(|c| c == "c-4").unwrap(), "{order:?}");
    assert_eq!(*state(&world, &id), RolloutState::Succeeded);
}

#[test]
fn fleet_b16_after_a_crash_claimed_clusters_go_on_before_new_ones_start() {
    let mut world = World::new(Calm);
    let id = world.start(plan(&Shape::of(vec![capped(4, 2, 0)])));
    for _ in 0..4 {
        world.round();
        world.advance();
    }
    let held = claims(&world);
    world.take_over();
    let named = effects(&world.state, world.now).effects;
    assert_eq!(held, ["c-0", "c-1"]);
    assert!(!named.iter().any(|e| matches!(e, Effect::Decide(Body::AttemptClaimed { .. }))), "{named:?}");
    assert!(world.settle(1_000));
    assert_eq!(*state(&world, &id), RolloutState::Succeeded);
}

#[test]
fn fleet_b18_a_failed_cluster_frees_its_slot_and_spends_the_budget() {
    let fate = |budget| {
        let script = steps(|cluster, _, _| match cluster {
            "c-1" => failed(FailureClass::Permanent),
            _ => done(),
        });
        rolled(script, &Shape::of(vec![capped(6, 3, budget)]))
    };
    let (world, id) = fate(1);
    assert_eq!(*state(&world, &id), RolloutState::SucceededWithFailures);
    assert_eq!(claims(&world).len(), 6, "its slot went to the next one");
    let (world, id) = fate(0);
    assert!(matches!(state(&world, &id), RolloutState::Halted { .. }));
    assert_eq!(claims(&world).len(), 3, "past the budget nothing starts");
}

#[test]
fn fleet_c02_a_failure_within_the_budget_lets_the_next_cluster_start() {
    let fate = steps(|cluster, _, _| match cluster {
        "c-1" => failed(FailureClass::Permanent),
        _ => done(),
    });
    let (world, id) = rolled(fate, &Shape::of(vec![capped(6, 2, 1)]));
    assert_eq!(*state(&world, &id), RolloutState::SucceededWithFailures);
    assert_eq!(world.state.rollout(&id).unwrap().counts().done(), 5);
}

#[test]
fn fleet_c12_failures_are_told_apart() {
    let tries_of = |class: FailureClass, repeat| {
        let fate = steps(move |_, step, _| match step {
            StepId::Deploy { .. } => failed(class),
            _ => done(),
        });
        let mut shape = Shape::of(vec![WaveShape::of(1)]);
        shape.products = vec![ProductShape { steps: vec![(repeat, 2)], tests: 0 }];
        let (world, id) = rolled(fate, &shape);
        let tries = world.events.iter().filter(|e| matches!(e.body, Body::StepStarted { .. })).count();
        (tries, cluster(&world, &id, "c-0").clone())
    };
    use FailureClass::{Permanent, Transient, Unclassified};
    assert_eq!(tries_of(Transient, Repeat::Safe), (3, AttemptState::Failed(Failure::Transient)));
    assert_eq!(tries_of(Permanent, Repeat::Safe), (1, AttemptState::Failed(Failure::Permanent)));
    assert_eq!(tries_of(Unclassified, Repeat::Safe), (3, AttemptState::Failed(Failure::Permanent)));
    assert_eq!(tries_of(Unclassified, Repeat::Never), (1, AttemptState::Failed(Failure::Permanent)));
}

#[test]
fn fleet_c12_an_unknown_outcome_of_what_is_not_repeatable_asks_a_person_and_holds_its_slot() {
    let mut shape = Shape::of(vec![capped(2, 1, 1)]);
    shape.products = vec![ProductShape { steps: vec![(Repeat::Never, 2)], tests: 0 }];
    let mut world = World::new(Calm);
    let id = world.start(plan(&shape));
    while !world.events.iter().any(|e| matches!(e.body, Body::StepStarted { .. })) {
        world.round();
        world.advance();
    }
    world.take_over();
    assert!(world.settle(1_000));
    assert_eq!(*cluster(&world, &id, "c-0"), AttemptState::Failed(Failure::Unknown));
    assert_eq!(busy_now(&world.state, &id), 1);
    assert_eq!(claims(&world), ["c-0"], "the only slot is held");
    let found = waits(&world.state, world.now);
    assert!(found.iter().any(|w| matches!(w.kind, WaitKind::Unknown { .. })), "{found:?}");
    let skip = Command::Skip {
        rollout: id.clone(),
        clusters: vec!["c-0".parse().unwrap()],
        reason: "looked at it".to_owned(),
    };
    world.ask(&skip).unwrap();
    assert!(world.settle(1_000));
    assert_eq!(*state(&world, &id), RolloutState::Succeeded);
    assert!(world.runs.values().all(|runs| *runs == 1), "nothing unsafe ran twice");
}

#[test]
fn fleet_c13_the_default_budget_tolerates_nothing_and_a_canary_never_does() {
    let one_fails = || {
        steps(|cluster, _, _| match cluster {
            "c-7" => failed(FailureClass::Permanent),
            _ => done(),
        })
    };
    let (world, id) = rolled(one_fails(), &Shape::of(vec![capped(100, 4, 0)]));
    assert!(matches!(state(&world, &id), RolloutState::Halted { .. }));
    let mut canary = plan(&Shape::of(vec![capped(10, 1, 5)]));
    canary.waves[0].canary = true;
    let mut world = World::new(one_fails());
    let id = world.start(canary);
    world.settle(1_000);
    assert!(matches!(state(&world, &id), RolloutState::Halted { .. }));
    assert_eq!(claims(&world).len(), 8);
}

#[test]
fn fleet_c14_retry_takes_the_same_plan_up_again_after_the_end() {
    let fate = preflights(|cluster, tries| {
        let first = tries == 1 && matches!(cluster, "c-1" | "c-3");
        first.then(|| Preflight::Failed { class: FailureClass::Permanent, cause: "broken".to_owned() })
    });
    let (mut world, id) = rolled(fate, &Shape::of(vec![capped(5, 2, 2)]));
    assert_eq!(*state(&world, &id), RolloutState::SucceededWithFailures);
    let digest = world.state.rollout(&id).unwrap().plan().digest;
    world.fate.preflight = None;
    assert_eq!(world.ask(&retry(&id, RetryWhich::Failed, &[])), Ok(1));
    assert!(world.settle(1_000));
    assert_eq!(*state(&world, &id), RolloutState::Succeeded);
    assert_eq!(world.state.rollout(&id).unwrap().plan().digest, digest);
    assert_eq!(claims(&world).len(), 7, "only the two were tried again");
    assert_eq!(phase(&world, &id, "w0"), WavePhase::Done);
}

#[test]
fn fleet_c14_retry_of_skipped_clusters_reopens_a_rollout_that_succeeded() {
    let mut world = World::new(Calm);
    let id = world.start(plan(&Shape::of(vec![WaveShape::of(3)])));
    let skip = Command::Skip {
        rollout: id.clone(),
        clusters: vec!["c-1".parse().unwrap()],
        reason: "moving house".to_owned(),
    };
    world.ask(&skip).unwrap();
    assert!(world.settle(1_000));
    assert_eq!(*state(&world, &id), RolloutState::Succeeded);
    world.ask(&retry(&id, RetryWhich::Skipped, &[])).unwrap();
    assert!(world.settle(1_000));
    assert_eq!(*cluster(&world, &id, "c-1"), AttemptState::Succeeded);
    assert_eq!(*state(&world, &id), RolloutState::Succeeded);
}

#[test]
fn fleet_c17_a_transient_failure_is_tried_again_after_a_growing_pause() {
    let delays: Vec<u64> = (1..8).map(|n| backoff(n).as_seconds()).collect();
    assert_eq!(delays, [2, 4, 8, 16, 32, 60, 60]);
    let fate = steps(|_, step, tries| match step {
        StepId::Deploy { .. } if tries <= 2 => failed(FailureClass::Transient),
        _ => done(),
    });
    let (world, id) = rolled(fate, &Shape::of(vec![WaveShape::of(1)]));
    assert_eq!(*state(&world, &id), RolloutState::Succeeded);
    let starts: Vec<_> = world
        .events
        .iter()
        .filter(|e| matches!(&e.body, Body::StepStarted { step: StepId::Deploy { .. }, .. }))
        .map(|e| e.at)
        .collect();
    // Each try takes a second, then 2 s, then 4 s pass.
    assert_eq!((starts[1] - starts[0]).get_seconds(), 3);
    assert_eq!((starts[2] - starts[1]).get_seconds(), 5);
}

#[test]
fn fleet_c18_an_unreachable_cluster_is_deferred_and_takes_no_slot() {
    let fate = || preflights(|cluster, _| (cluster == "c-0").then(unreachable_cluster));
    let wave = WaveShape { deferred: 1, ..capped(3, 1, 0) };
    let mut world = World::new(fate());
    let id = world.start(plan(&Shape::of(vec![wave.clone()])));
    // It is looked at again and again, so the world never comes to rest.
    assert!(!world.settle(200));
    assert_eq!(*cluster(&world, &id, "c-0"), AttemptState::Deferred(Deferral::Unreachable));
    assert_eq!(*state(&world, &id), RolloutState::SucceededWithFailures);
    assert_eq!(world.state.in_flight(), 0);
    world.fate.preflight = None;
    world.ask(&retry(&id, RetryWhich::Deferred, &[])).unwrap();
    assert!(world.settle(1_000));
    assert_eq!(*state(&world, &id), RolloutState::Succeeded);
    // Past its budget the wave stays open and says why; the other clusters are done all the same.
    let (world, id) = rolled(fate(), &Shape::of(vec![WaveShape { deferred: 0, ..wave }]));
    assert_eq!(*state(&world, &id), RolloutState::Running);
    assert_eq!(world.state.rollout(&id).unwrap().counts().done(), 2);
    let found = waits(&world.state, world.now);
    let says = |kind: &WaitKind| matches!(kind, WaitKind::DeferredBudget { deferred: 1, budget: 0 });
    assert!(found.iter().any(|w| says(&w.kind)), "{found:?}");
}

#[test]
fn fleet_d01_a_pause_lets_the_running_cluster_end_and_starts_none() {
    let mut world = World::new(Calm);
    let id = world.start(plan(&Shape::of(vec![capped(5, 1, 0)])));
    while world.state.rollout(&id).unwrap().counts().done() < 2 {
        world.round();
        world.advance();
    }
    world.round();
    let started = claims(&world).len();
    assert_eq!(busy_now(&world.state, &id), 1);
    world.ask(&pause(&id)).unwrap();
    world.round();
    assert_eq!(*state(&world, &id), RolloutState::Pausing);
    assert!(world.settle(1_000));
    assert_eq!(*state(&world, &id), RolloutState::Paused);
    assert_eq!((claims(&world).len(), world.state.rollout(&id).unwrap().counts().done()), (started, 3));
}

#[test]
fn fleet_d02_an_approval_is_taken_while_paused_and_nothing_rolls() {
    let (mut world, id) = rolled(Calm, &Shape::of(vec![WaveShape { before: true, ..WaveShape::of(2) }]));
    world.ask(&pause(&id)).unwrap();
    assert!(world.settle(1_000));
    assert_eq!(world.approve(&id, "w0").unwrap(), 1);
    assert!(world.settle(1_000));
    assert!(claims(&world).is_empty());
    world.ask(&resume(&id)).unwrap();
    assert!(world.settle(1_000));
    assert_eq!(*state(&world, &id), RolloutState::Succeeded);
}

#[test]
fn fleet_d03_after_a_pause_it_goes_on_where_it_was_and_repeats_nothing() {
    let mut world = World::new(Calm);
    let id = world.start(plan(&Shape::of(vec![capped(4, 1, 0)])));
    while world.state.rollout(&id).unwrap().counts().done() < 2 {
        world.round();
        world.advance();
    }
    world.ask(&pause(&id)).unwrap();
    assert!(world.settle(1_000));
    world.ask(&resume(&id)).unwrap();
    assert!(world.settle(1_000));
    assert_eq!(claims(&world), ["c-0", "c-1", "c-2", "c-3"]);
    assert_eq!(*state(&world, &id), RolloutState::Succeeded);
}

#[test]
fn fleet_d04_an_illegal_command_is_refused_with_the_legal_ones() {
    let mut world = World::new(Calm);
    let id = world.start(plan(&Shape::of(vec![WaveShape::of(1)])));
    let refused = world.ask(&pause(&id)).unwrap_err();
    assert_eq!(refused.sentence, "R1-1 is planned, so it can't be paused");
    assert_eq!(refused.exit, RefusalExit::Conflict);
    assert!(refused.legal.contains(&"tidegate rollout abort R1-1".to_owned()), "{:?}", refused.legal);
    world.round();
    let refused = world.ask(&resume(&id)).unwrap_err();
    assert!(refused.legal.contains(&"tidegate rollout pause R1-1".to_owned()), "{:?}", refused.legal);
    let mut twice = plan(&Shape::of(vec![WaveShape::of(2)]));
    let first = twice.waves[0].pools[0].clusters[0].clone();
    twice.waves[0].pools[0].clusters[1] = first;
    let refused = world.ask(&Command::Start { plan: Box::new(twice), overrides: Vec::new() }).unwrap_err();
    assert_eq!(refused.exit.code(), 8, "{}", refused.sentence);
}

#[test]
fn fleet_d10_a_pending_rollout_is_aborted_at_once_and_a_running_one_after_its_step() {
    let mut world = World::new(Calm);
    let id = world.start(plan(&Shape::of(vec![WaveShape::of(1)])));
    world.ask(&abort(&id)).unwrap();
    world.round();
    assert_eq!(*state(&world, &id), RolloutState::Aborted);
    assert_eq!(world.ask(&abort(&id)), Ok(0), "abort is idempotent");

    let id = world.start(plan(&Shape::of(vec![WaveShape::of(2)])));
    while !world.events.iter().any(|e| matches!(e.body, Body::StepStarted { .. })) {
        world.round();
        world.advance();
    }
    let running = world.events.iter().filter(|e| matches!(e.body, Body::StepStarted { .. })).count();
    world.ask(&abort(&id)).unwrap();
    assert!(world.settle(1_000));
    let begun = world.events.iter().filter(|e| matches!(e.body, Body::StepStarted { .. })).count();
    assert_eq!(begun, running, "no further step began");
    let deploy = StepId::Deploy { product: "a".parse().unwrap(), step: "s0".to_owned() };
    assert_eq!(*cluster(&world, &id, "c-0"), AttemptState::Aborted { after: Some(deploy) });
    assert_eq!(*state(&world, &id), RolloutState::Aborted);
    let (by, _) = world.state.rollout(&id).unwrap().asked().unwrap();
    assert_eq!(by.to_string(), "person:ann");

    let id = world.start(plan(&Shape::of(vec![WaveShape::of(1)])));
    assert!(world.settle(1_000));
    let refused = world.ask(&abort(&id)).unwrap_err();
    assert_eq!(refused.sentence, format!("{id} is succeeded, so it can't be aborted"));
}

#[test]
fn fleet_e01_before_its_approval_no_cluster_of_a_wave_is_touched() {
    let (mut world, id) = rolled(Calm, &Shape::of(vec![WaveShape { before: true, ..WaveShape::of(2) }]));
    assert_eq!(phase(&world, &id, "w0"), WavePhase::GatesBefore);
    let (_, wave) = world.state.rollout(&id).unwrap().wave(&"w0".parse().unwrap()).unwrap();
    assert_eq!((wave.opened_at(), claims(&world).len()), (None, 0));
    let found = waits(&world.state, world.now);
    assert!(found.iter().any(|w| matches!(&w.kind, WaitKind::Gate { answer: Some(a), .. } if !a.open)));
    world.approve(&id, "w0").unwrap();
    assert!(world.settle(1_000));
    assert_eq!(*state(&world, &id), RolloutState::Succeeded);
}

#[test]
fn fleet_e02_an_approval_is_revocable_until_the_first_cluster_starts_and_pauses_afterwards() {
    let revoke = |id: &RolloutId| Command::Revoke {
        rollout: id.clone(),
        wave: "w0".parse().unwrap(),
        gate: None,
        reason: None,
    };
    let shape = Shape::of(vec![WaveShape { before: true, ..capped(3, 1, 0) }]);
    let (mut world, id) = rolled(Calm, &shape);
    world.approve(&id, "w0").unwrap();
    world.ask(&revoke(&id)).unwrap();
    assert!(world.settle(1_000));
    assert!(claims(&world).is_empty());
    assert_eq!(*state(&world, &id), RolloutState::Running);
    world.approve(&id, "w0").unwrap();
    while claims(&world).is_empty() {
        world.round();
        world.advance();
    }
    assert_eq!(world.ask(&revoke(&id)), Ok(2));
    assert!(world.settle(1_000));
    assert_eq!(*state(&world, &id), RolloutState::Paused);
    assert_eq!(claims(&world).len(), 1);
}

#[test]
fn fleet_e10_a_soak_ends_at_its_exact_moment() {
    let soaking = WaveShape { soak: Some(3_600), ..WaveShape::of(1) };
    let mut world = World::new(Calm);
    let id = world.start(plan(&Shape::of(vec![soaking, WaveShape::of(1)])));
    world.round();
    while phase(&world, &id, "w0") != WavePhase::Soaking {
        world.advance();
        world.round();
    }
    let rollout = world.state.rollout(&id).unwrap();
    let (planned, wave) = rollout.wave(&"w0".parse().unwrap()).unwrap();
    let end = wave.soaks_until(planned).unwrap();
    assert_eq!(effects(&world.state, world.now).wake, Some(end));
    let second_before = end - jiff::SignedDuration::from_secs(1);
    assert!(effects(&world.state, second_before).effects.is_empty());
    assert!(matches!(effects(&world.state, end).effects[..], [Effect::Decide(Body::WaveSoaked { .. })]));
    assert!(world.settle(1_000));
    assert_eq!(*state(&world, &id), RolloutState::Succeeded);
}

#[test]
fn fleet_e14_what_failed_is_not_tried_again_by_itself() {
    let fate = steps(|_, _, _| failed(FailureClass::Permanent));
    let (mut world, id) = rolled(fate, &Shape::of(vec![WaveShape::of(1)]));
    let before = world.events.len();
    world.now += jiff::SignedDuration::from_hours(90 * 24);
    assert!(world.settle(1_000));
    assert_eq!(world.events.len(), before);
    assert!(matches!(state(&world, &id), RolloutState::Halted { .. }));
}

#[test]
fn fleet_h04_only_a_report_newer_than_the_dispatch_completes_a_wave() {
    let mut world = World::new(Calm);
    let id = world.start(plan(&Shape::of(vec![WaveShape::of(1), WaveShape::of(1)])));
    // Whatever was seen before: the cluster is done only by its own attempt, seen once more.
    assert!(world.settle(1_000));
    let claimed = position(&world, |b| matches!(b, Body::AttemptClaimed { .. }));
    let sealed = position(&world, |b| matches!(b, Body::StepFinished { step: StepId::Seal, .. }));
    let verified = position(&world, |b| matches!(b, Body::WaveClusterVerified { .. }));
    let done = position(&world, |b| matches!(b, Body::WaveDone { .. }));
    assert!(claimed < sealed && sealed < verified && verified < done);
    // An end that is reported without its steps is no end.
    let attempt = AttemptId { rollout: id, cluster: "c-0".parse().unwrap(), attempt: 1 };
    let forged = Body::AttemptFinished { attempt, result: crate::journal::AttemptResult::Succeeded };
    assert!(world.state.check(&forged).is_err());
}

#[test]
fn fleet_h04_a_cluster_that_is_not_well_when_verified_counts_as_failed() {
    let fate = Script { verify: Some(Box::new(|cluster, _| cluster != "c-1")), ..Script::default() };
    let (world, id) = rolled(fate, &Shape::of(vec![WaveShape::of(2), WaveShape::of(1)]));
    assert_eq!(*cluster(&world, &id, "c-1"), AttemptState::Failed(Failure::Test));
    assert!(matches!(state(&world, &id), RolloutState::Halted { .. }));
    assert_eq!(phase(&world, &id, "w1"), WavePhase::Waiting);
}

#[test]
fn fleet_h12_an_update_goes_through_the_waves_like_a_first_installation() {
    let names = |release: &str| {
        let mut world = World::new(Calm);
        world.start(plan(&Shape::of(vec![WaveShape::of(1), WaveShape::of(2)])));
        assert!(world.settle(1_000));
        let before = world.events.len();
        let again =
            Shape { release: release.to_owned(), ..Shape::of(vec![WaveShape::of(1), WaveShape::of(2)]) };
        let mut update = plan(&again);
        for cluster in update.waves.iter_mut().flat_map(|w| &mut w.pools).flat_map(|p| &mut p.clusters) {
            cluster.targets[0].change = crate::plan::Change::Raise { from: "1.0.0".parse().unwrap() };
        }
        world.start(update);
        assert!(world.settle(1_000));
        let name = |e: &crate::journal::Event| e.body.name();
        let first: Vec<_> = world.events[2..before].iter().map(name).collect();
        let second: Vec<_> = world.events[before..].iter().map(name).collect();
        (first, second)
    };
    let (first, second) = names("R2");
    assert_eq!(first, second);
}

#[test]
fn fleet_i02_a_step_that_the_journal_has_as_done_is_never_named_again() {
    let (world, _) = rolled(Calm, &Shape::of(vec![WaveShape::of(1)]));
    // After every single event, as a driver that starts there would see it.
    let mut state = FleetState::new();
    let mut finished = std::collections::HashSet::new();
    for event in &world.events {
        state.apply(event).unwrap();
        if let Body::StepFinished { step, .. } = &event.body {
            finished.insert(step.clone());
        }
        for effect in effects(&state, event.at).effects {
            if let Effect::Step { step, .. } = effect {
                assert!(!finished.contains(&step.id), "{} after event {}", step.id, event.seq);
            }
        }
    }
    assert_eq!(state.position(), world.state.position());
}

#[test]
fn a_blocked_cluster_frees_its_slot_and_goes_on_when_the_cause_is_gone() {
    let fate = preflights(|cluster, tries| {
        let missing = || Preflight::Blocked { reason: BlockReason::Missing, cause: "no account".to_owned() };
        (cluster == "c-0" && tries < 4).then(missing)
    });
    let (world, id) = rolled(fate, &Shape::of(vec![capped(3, 1, 0)]));
    assert_eq!(*state(&world, &id), RolloutState::Succeeded);
    let order = claims(&world);
    assert_eq!(order.iter().filter(|c| *c == "c-0").count(), 4, "{order:?}");
    assert_eq!(order[1], "c-1", "its slot went to the next one");
}

/// A rollout whose one cluster is blocked for ever, looked at once.
fn blocked() -> (World<Script>, RolloutId) {
    let fate = preflights(|_, _| {
        Some(Preflight::Blocked { reason: BlockReason::Foreign, cause: "held by another".to_owned() })
    });
    let mut world = World::new(fate);
    let id = world.start(plan(&Shape::of(vec![WaveShape::of(1)])));
    loop {
        world.round();
        if matches!(cluster(&world, &id, "c-0"), AttemptState::Blocked(_)) {
            break;
        }
        world.advance();
    }
    let named = effects(&world.state, world.now).effects;
    assert_eq!(named, [], "it is looked at again after a while");
    assert!(is_blocked(&world.state, world.state.rollout(&id).unwrap(), world.now));
    (world, id)
}

#[test]
fn a_blocked_cluster_is_looked_at_again_as_soon_as_it_was_adopted() {
    let (mut world, id) = blocked();
    let body = Body::ClusterAdopted {
        cluster: "c-0".parse().unwrap(),
        uid: world.state.rollout(&id).unwrap().plan().clusters().next().unwrap().2.uid.clone(),
        from: None,
        rollouts: Vec::new(),
        reason: "the old journal is lost".to_owned(),
    };
    world.append(person(), body);
    assert!(!is_blocked(&world.state, world.state.rollout(&id).unwrap(), world.now), "a driver goes on");
    world.round();
    assert_eq!(claims(&world), ["c-0", "c-0"]);
}

#[test]
fn a_new_driver_looks_at_blocked_clusters_at_once() {
    let (mut world, _) = blocked();
    world.take_over();
    world.round();
    assert_eq!(claims(&world), ["c-0", "c-0"], "whoever mended the cause starts a driver next");
}

#[test]
fn a_refusal_names_first_what_helps() {
    let fate = steps(|cluster, _, _| match cluster {
        "c-0" | "c-1" => failed(FailureClass::Permanent),
        _ => done(),
    });
    let (mut world, id) = rolled(fate, &Shape::of(vec![capped(3, 2, 0)]));
    let refused = world.ask(&resume(&id)).unwrap_err();
    assert_eq!(refused.legal[0], "tidegate rollout retry R1-1 --failed", "{:?}", refused.legal);
    assert!(!refused.legal.iter().any(|c| c.contains("rollout run")), "it would end at once");
}

#[test]
fn an_aborted_rollouts_wave_rolls_no_more() {
    let fate = steps(|_, _, _| failed(FailureClass::Permanent));
    let (mut world, id) = rolled(fate, &Shape::of(vec![WaveShape::of(1), WaveShape::of(1)]));
    world.ask(&abort(&id)).unwrap();
    assert!(world.settle(1_000));
    let rollout = world.state.rollout(&id).unwrap();
    let words: Vec<_> = rollout.waves().map(|(w, _)| rollout.wave_state(&w.name).unwrap().word()).collect();
    assert_eq!(words, ["aborted", "not-started"]);
}

#[test]
fn an_approval_with_evidence_counts_only_once_its_evidence_is_there() {
    let gated = WaveShape { before: true, ..WaveShape::of(1) };
    let mut world = World::new(Calm);
    let id = world.start(plan(&Shape::of(vec![WaveShape::of(1), gated])));
    world.round();
    let refused = world.approve(&id, "w1").unwrap_err();
    assert_eq!(refused.code.id, "TG0708");
    let mut early = world.approval(&id, "w1");
    early.evidence = None;
    assert_eq!(world.ask(&Command::Approve(early.clone())).unwrap_err().code.id, "TG0708");
    early.expires = Some(world.now + jiff::SignedDuration::from_hours(1));
    assert_eq!(world.ask(&Command::Approve(early)), Ok(1));
    assert!(world.settle(1_000));
    assert_eq!(*state(&world, &id), RolloutState::Succeeded);
}

#[test]
fn an_approval_of_a_wave_that_was_skipped_comes_too_late() {
    let empty = WaveShape { before: true, after: true, ..WaveShape::of(0) };
    let held = WaveShape { before: true, ..WaveShape::of(1) };
    let (mut world, id) = rolled(Calm, &Shape::of(vec![empty, held]));
    assert_eq!(phase(&world, &id, "w0"), WavePhase::Skipped);
    for side in [Side::Before, Side::After] {
        let mut yes = world.approval(&id, "w0");
        yes.gate = Some((side, "approval".parse().unwrap()));
        let refused = world.ask(&Command::Approve(yes)).unwrap_err();
        assert_eq!(refused.exit, RefusalExit::Conflict);
        assert!(refused.sentence.contains("nothing left to approve"), "{}", refused.sentence);
    }
}

#[test]
fn a_retry_while_paused_starts_nothing_before_it_is_resumed() {
    let shape = Shape::of(vec![WaveShape { at_once: Some(1), failures: 2, ..WaveShape::of(3) }]);
    let mut broken = true;
    let fate = steps(move |name, _, _| {
        let fails = name == "c-0" && std::mem::replace(&mut broken, false);
        if fails { failed(FailureClass::Permanent) } else { done() }
    });
    let mut world = World::new(fate);
    let id = world.start(plan(&shape));
    while !matches!(cluster(&world, &id, "c-0"), AttemptState::Failed(_)) {
        world.round();
        world.advance();
    }
    world.ask(&Command::Pause { rollout: id.clone(), reason: None }).unwrap();
    assert!(world.settle(1_000));
    assert_eq!(*state(&world, &id), RolloutState::Paused);
    let started = claims(&world).len();
    let which = RetryWhich::Failed;
    world.ask(&Command::Retry { rollout: id.clone(), which, clusters: Vec::new(), reason: None }).unwrap();
    assert!(world.settle(1_000));
    assert_eq!((state(&world, &id), claims(&world).len()), (&RolloutState::Paused, started));
    world.ask(&Command::Resume { rollout: id.clone(), raise_budget: None, reason: None }).unwrap();
    assert!(world.settle(1_000));
    assert_eq!(*state(&world, &id), RolloutState::Succeeded);
}

#[test]
fn a_clock_that_goes_back_delays_a_soak_and_never_shortens_it() {
    let shape = Shape::of(vec![WaveShape { soak: Some(3_600), ..WaveShape::of(1) }]);
    let mut world = World::new(Calm);
    let id = world.start(plan(&shape));
    while phase(&world, &id, "w0") != WavePhase::Soaking {
        world.round();
        world.advance();
    }
    let verified =
        world.state.rollout(&id).unwrap().wave(&"w0".parse().unwrap()).unwrap().1.verified_at().unwrap();
    world.now = verified - jiff::SignedDuration::from_hours(5);
    for _ in 0..10 {
        world.round();
        assert_eq!(phase(&world, &id, "w0"), WavePhase::Soaking);
    }
    world.now = verified + jiff::SignedDuration::from_secs(3_599);
    world.round();
    assert_eq!(phase(&world, &id, "w0"), WavePhase::Soaking);
    world.now = verified + jiff::SignedDuration::from_secs(3_600);
    assert!(world.settle(100));
    assert_eq!(*state(&world, &id), RolloutState::Succeeded);
}

#[test]
fn two_rollouts_of_different_clusters_share_the_least_of_their_global_caps() {
    let shape = |prefix: &str, global| Shape {
        global,
        prefix: prefix.to_owned(),
        release: prefix.to_uppercase(),
        ..Shape::of(vec![WaveShape::of(6)])
    };
    let mut world = World::new(Calm);
    let first = world.start(plan(&shape("a", Some(4))));
    let second = world.start(plan(&shape("b", Some(3))));
    let mut most = 0;
    for _ in 0..1_000 {
        world.round();
        most = most.max(world.state.in_flight());
        assert!(world.state.in_flight() <= 3, "the second rollout's cap holds both");
        if !world.advance() {
            break;
        }
    }
    assert_eq!(most, 3);
    for id in [first, second] {
        assert_eq!(*state(&world, &id), RolloutState::Succeeded);
    }
}

#[test]
fn an_approval_of_another_wave_digest_is_refused_as_stale() {
    let (mut world, id) = rolled(Calm, &Shape::of(vec![WaveShape { before: true, ..WaveShape::of(1) }]));
    let mut other = world.approval(&id, "w0");
    other.wave_digest = other.release;
    let refused = world.ask(&Command::Approve(other)).unwrap_err();
    assert_eq!((refused.code.id, refused.exit.code()), ("TG0707", 8));
}

#[test]
fn an_answer_that_expires_before_the_first_cluster_starts_is_asked_again() {
    let held = WaveShape { before: true, ..WaveShape::of(1) };
    let mut world = World::new(Calm);
    let id = world.start(plan(&Shape::of(vec![held])));
    assert!(world.settle(1_000));
    let mut brief = world.approval(&id, "w0");
    brief.expires = Some(world.now + jiff::SignedDuration::from_secs(5));
    world.ask(&Command::Approve(brief)).unwrap();
    // The driver sleeps over the end of the approval.
    world.now += jiff::SignedDuration::from_secs(60);
    assert!(world.settle(1_000));
    assert!(claims(&world).is_empty());
    let found = waits(&world.state, world.now);
    assert!(found.iter().any(|w| matches!(&w.kind, WaitKind::Gate { answer: Some(a), .. } if !a.open)));
}

#[test]
fn a_raised_budget_lets_a_halted_wave_go_on_and_needs_a_reason() {
    let fate = steps(|cluster, _, _| match cluster {
        "c-0" => failed(FailureClass::Permanent),
        _ => done(),
    });
    let (mut world, id) = rolled(fate, &Shape::of(vec![capped(3, 1, 0)]));
    let raise = |budget, reason: Option<&str>| Command::Resume {
        rollout: id.clone(),
        raise_budget: Some(budget),
        reason: reason.map(str::to_owned),
    };
    assert_eq!(world.ask(&raise(1, None)).unwrap_err().code.id, "TG0712");
    assert_eq!(world.ask(&raise(0, Some("known"))).unwrap_err().code.id, "TG0710");
    assert_eq!(world.ask(&resume(&id)).unwrap_err().code.id, "TG0710");
    assert_eq!(world.ask(&raise(1, Some("known"))), Ok(1));
    assert!(world.settle(1_000));
    assert_eq!(*state(&world, &id), RolloutState::SucceededWithFailures);
}

#[test]
fn a_wave_that_runs_all_tests_and_ran_none_halts() {
    let mut shape = Shape::of(vec![WaveShape { all_tests: true, ..WaveShape::of(1) }]);
    shape.products[0].tests = 0;
    let (mut world, id) = rolled(Calm, &shape);
    assert!(matches!(
        state(&world, &id),
        RolloutState::Halted { cause: crate::journal::HaltCause::NoTests, .. }
    ));
    assert_eq!(world.ask(&resume(&id)).unwrap_err().code.id, "TG0711");
}

#[test]
fn every_try_that_was_never_reported_is_handed_to_the_recovery() {
    let mut world = World::new(Calm);
    world.start(plan(&Shape::of(vec![WaveShape::of(1)])));
    while !world.events.iter().any(|e| matches!(e.body, Body::StepStarted { .. })) {
        world.round();
        world.advance();
    }
    world.take_over();
    world.round();
    world.take_over();
    let named = effects(&world.state, world.now).effects;
    let [Effect::Step { tries, interrupted, .. }] = &named[..] else { panic!("{named:?}") };
    let left: Vec<u32> = interrupted.iter().map(|i| i.tries).collect();
    assert_eq!((*tries, left), (3, vec![1, 2]));
}
