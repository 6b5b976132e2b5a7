//! The catch-up lane: who was left for later follows when its wave is over.

use super::fleet::{claims, cluster, phase, preflights, retry, rolled, state};
use super::membership::record;
use super::scripted::plans::{Shape, WaveShape, plan};
use super::scripted::world::{Calm, Fate, World};
use crate::journal::{AttemptResult, BlockReason, Body, Deferral, FailureClass, Preflight, RetryWhich, Side};
use crate::rollout::{
    AttemptState, Command, Effect, RolloutState, WaitKind, WavePhase, effects, rests, waits_of_rollout,
};

fn unreachable() -> Preflight {
    Preflight::Deferred { reason: Deferral::Unreachable, cause: "no route".to_owned() }
}

/// A wave of three that tolerates one that is left for later, then another wave.
fn tolerant() -> Shape {
    Shape::of(vec![WaveShape { deferred: 1, ..WaveShape::of(3) }, WaveShape::of(1)])
}

#[test]
fn fleet_j08_a_cluster_that_was_unreachable_catches_up_by_itself() {
    let fate = preflights(|cluster, tries| (cluster == "c-1" && tries <= 3).then(unreachable));
    let (world, id) = rolled(fate, &tolerant());
    assert_eq!(*state(&world, &id), RolloutState::Succeeded, "none is left, and none failed");
    assert_eq!(*cluster(&world, &id, "c-1"), AttemptState::Succeeded);
    assert_eq!(claims(&world).iter().filter(|c| *c == "c-1").count(), 4);
    assert_eq!(phase(&world, &id, "w0"), WavePhase::Done);
    let finished = world.events.iter().filter(|e| e.body.name() == "rollout.finished").count();
    assert!(finished > 1, "it ended with one left, and ended again when that had caught up");
}

#[test]
fn who_is_left_behind_holds_no_slot_and_nobody_waits_for_it() {
    let mut world = World::new(Calm);
    let id = world.start(plan(&tolerant()));
    record(&mut world, &[], &["c-1"]);
    assert!(world.settle(1_000));
    let rollout = world.state.rollout(&id).unwrap();
    assert_eq!(*rollout.state(), RolloutState::SucceededWithFailures);
    assert!(rollout.is_catching_up() && rests(rollout));
    assert_eq!((rollout.left_behind(), world.state.in_flight()), (1, 0));
    let found = waits_of_rollout(&world.state, rollout, world.now);
    assert!(found.iter().any(|w| matches!(w.kind, WaitKind::InTheWay { .. })), "{found:?}");
    // It wakes up after the end.
    record(&mut world, &[], &[]);
    assert!(world.settle(1_000));
    assert_eq!(*state(&world, &id), RolloutState::Succeeded);
}

#[test]
fn a_hold_that_ends_after_the_wave_lets_its_cluster_follow() {
    let mut world = World::new(Calm);
    let id = world.start(plan(&tolerant()));
    let until = Some(world.now + jiff::SignedDuration::from_hours(5));
    let held = "c-2".parse().unwrap();
    world.ask(&Command::Hold { cluster: held, kept: None, reason: "fair".to_owned(), until }).unwrap();
    assert!(world.settle(1_000));
    assert_eq!(*state(&world, &id), RolloutState::Succeeded);
    assert_eq!(claims(&world), ["c-0", "c-1", "c-3", "c-2"]);
}

#[test]
fn failures_of_the_lane_spend_its_own_budget_and_halt_no_rollout() {
    let fate = || {
        preflights(|cluster, tries| match (cluster, tries) {
            ("c-1" | "c-2", 1) => Some(unreachable()),
            ("c-1", _) => {
                Some(Preflight::Failed { class: FailureClass::Permanent, cause: "broken".to_owned() })
            }
            _ => None,
        })
    };
    let shape = |late_budget| {
        let wave = WaveShape { deferred: 2, at_once: Some(1), ..WaveShape::of(3) };
        Shape { late_budget, ..Shape::of(vec![wave, WaveShape { soak: Some(60), ..WaveShape::of(1) }]) }
    };
    let (mut world, id) = rolled(fate(), &shape(0));
    assert_eq!(*state(&world, &id), RolloutState::SucceededWithFailures, "it never halted");
    assert_eq!(
        *cluster(&world, &id, "c-2"),
        AttemptState::Deferred(Deferral::Unreachable),
        "past the budget"
    );
    let rollout = world.state.rollout(&id).unwrap();
    let found = waits_of_rollout(&world.state, rollout, world.now);
    assert!(
        found.iter().any(|w| matches!(w.kind, WaitKind::CatchUp { failed: 1, budget: 0, .. })),
        "{found:?}"
    );
    let skip = Command::Skip {
        rollout: id.clone(),
        clusters: vec!["c-1".parse().unwrap()],
        reason: "it is replaced".to_owned(),
    };
    world.ask(&skip).unwrap();
    assert!(world.settle(1_000));
    assert_eq!(*state(&world, &id), RolloutState::Succeeded, "c-2 followed");
    let (world, id) = rolled(fate(), &shape(1));
    assert_eq!(*cluster(&world, &id, "c-2"), AttemptState::Succeeded, "one failure is tolerated");
    assert_eq!(*state(&world, &id), RolloutState::SucceededWithFailures);
}

#[test]
fn a_younger_rollout_that_plans_the_cluster_takes_it_over() {
    let mut world = World::new(Calm);
    let first = world.start(plan(&tolerant()));
    record(&mut world, &[], &["c-1"]);
    assert!(world.settle(1_000));
    let second = world.start(plan(&Shape { release: "R2".to_owned(), ..tolerant() }));
    assert!(world.settle(1_000));
    assert_eq!(*cluster(&world, &first, "c-1"), AttemptState::Superseded);
    assert_eq!(*state(&world, &first), RolloutState::Succeeded);
    record(&mut world, &[], &[]);
    assert!(world.settle(1_000));
    assert_eq!(*cluster(&world, &second, "c-1"), AttemptState::Succeeded);
    let taken = world
        .events
        .iter()
        .filter(|e| matches!(e.body, Body::AttemptFinished { result: AttemptResult::Superseded, .. }));
    assert_eq!(taken.count(), 1);
}

#[test]
fn the_waves_newest_yes_lets_in_who_catches_up_and_an_ended_one_is_asked_for_again() {
    let run = |validity: Option<u64>| {
        let wave = WaveShape { deferred: 1, before: true, ..WaveShape::of(3) };
        let mut made = plan(&Shape::of(vec![WaveShape { deferred: 1, ..WaveShape::of(1) }, wave]));
        if let crate::plan::GateKind::Approval { valid_for, .. } = &mut made.waves[1].gates_before[0].kind {
            *valid_for = validity.map(crate::model::Duration::seconds);
        }
        let mut world = World::new(Calm);
        let id = world.start(made);
        record(&mut world, &[], &["c-2"]);
        assert!(world.settle(1_000));
        world.approve(&id, "w1").unwrap();
        assert!(world.settle(1_000));
        assert_eq!(*state(&world, &id), RolloutState::SucceededWithFailures);
        world.now += jiff::SignedDuration::from_hours(24);
        record(&mut world, &[], &[]);
        assert!(world.settle(1_000));
        (world, id)
    };
    let (world, id) = run(None);
    assert_eq!(*cluster(&world, &id, "c-2"), AttemptState::Succeeded);
    let (mut world, id) = run(Some(3_600));
    assert_eq!(
        *cluster(&world, &id, "c-2"),
        AttemptState::Deferred(Deferral::Hibernated),
        "the yes has ended"
    );
    let found = waits_of_rollout(&world.state, world.state.rollout(&id).unwrap(), world.now);
    assert!(found.iter().any(|w| matches!(w.kind, WaitKind::Gate { .. })), "{found:?}");
    let mut yes = world.approval(&id, "w1");
    yes.gate = Some((crate::journal::Side::Before, "approval".parse().unwrap()));
    yes.evidence = Some(world.state.rollout(&id).unwrap().evidence(&yes.wave, crate::journal::Side::Before));
    world.ask(&Command::Approve(yes)).unwrap();
    assert!(world.settle(1_000));
    assert_eq!(*cluster(&world, &id, "c-2"), AttemptState::Succeeded);
}

#[test]
fn a_rollout_that_was_rolled_back_takes_no_late_yes() {
    let wave = WaveShape { deferred: 1, before: true, ..WaveShape::of(3) };
    let shape = Shape::of(vec![WaveShape::of(1), wave]);
    let mut world = World::new(Calm);
    let id = world.start(plan(&shape));
    record(&mut world, &[], &["c-2"]);
    assert!(world.settle(1_000));
    world.approve(&id, "w1").unwrap();
    assert!(world.settle(1_000));
    assert_eq!(*state(&world, &id), RolloutState::SucceededWithFailures);
    let why = "it drops requests".to_owned();
    world.ask(&Command::RollBack { rollout: id.clone(), reason: why }).unwrap();
    let back = world.rollback_plan(&id, None, false, &[&shape]).unwrap();
    world.start(back);
    assert!(world.settle(1_000));
    assert!(matches!(state(&world, &id), RolloutState::RolledBack { .. }));
    let mut yes = world.approval(&id, "w1");
    yes.gate = Some((Side::Before, "approval".parse().unwrap()));
    yes.evidence = Some(world.state.rollout(&id).unwrap().evidence(&yes.wave, Side::Before));
    let refused = world.ask(&Command::Approve(yes)).unwrap_err();
    assert!(refused.sentence.ends_with("so it can't be approved"), "{}", refused.sentence);
}

#[test]
fn a_person_may_still_retry_who_is_left_behind() {
    let fate = preflights(|cluster, tries| (cluster == "c-1" && tries <= 1).then(unreachable));
    let mut world = World::new(fate);
    let id = world.start(plan(&tolerant()));
    while *state(&world, &id) != RolloutState::SucceededWithFailures {
        world.round();
        assert!(world.advance());
    }
    world.fate = preflights(|_, _| None);
    let before = world.now;
    world.ask(&retry(&id, RetryWhich::Deferred, &[])).unwrap();
    let named = effects(&world.state, world.now).effects;
    assert!(named.iter().any(|e| matches!(e, Effect::Decide(Body::AttemptClaimed { .. }))), "{named:?}");
    assert!(world.settle(1_000));
    assert_eq!(*state(&world, &id), RolloutState::Succeeded);
    assert!(world.now.duration_since(before).as_secs() < 30, "without waiting for its next look");
}

fn goes_on(world: &mut World<impl Fate>) {
    world.round();
    world.advance();
}

#[test]
fn who_follows_leaves_the_yeses_for_later_waves_alone() {
    let fate = preflights(|cluster, tries| (cluster == "c-1" && tries <= 6).then(unreachable));
    let waves =
        vec![WaveShape { deferred: 1, ..WaveShape::of(3) }, WaveShape { before: true, ..WaveShape::of(1) }];
    let mut world = World::new(fate);
    let id = world.start(plan(&Shape::of(waves)));
    while phase(&world, &id, "w1") != WavePhase::GatesBefore {
        goes_on(&mut world);
    }
    let evidence =
        |world: &World<_>| world.state.rollout(&id).unwrap().evidence(&"w1".parse().unwrap(), Side::Before);
    let before = evidence(&world);
    while *cluster(&world, &id, "c-1") != AttemptState::Succeeded {
        assert_eq!(evidence(&world), before, "{:?}", cluster(&world, &id, "c-1"));
        goes_on(&mut world);
    }
    assert_eq!(evidence(&world), before);
}

#[test]
fn one_that_follows_and_is_blocked_keeps_no_younger_rollout_out() {
    let fate = preflights(|cluster, tries| match (cluster, tries) {
        ("c-1", 1) => Some(unreachable()),
        ("c-1", 2..=12) => {
            Some(Preflight::Blocked { reason: BlockReason::Stale, cause: "it would lower".to_owned() })
        }
        _ => None,
    });
    let mut world = World::new(fate);
    let shape = Shape::of(vec![WaveShape { deferred: 1, ..WaveShape::of(3) }]);
    let first = world.start(plan(&shape));
    while *cluster(&world, &first, "c-1") != AttemptState::Blocked(BlockReason::Stale) {
        goes_on(&mut world);
    }
    world.fate = preflights(|_, _| None);
    let second = world.start(plan(&Shape { release: "R2".to_owned(), ..shape }));
    while *cluster(&world, &second, "c-1") != AttemptState::Succeeded {
        goes_on(&mut world);
    }
    assert_ne!(*cluster(&world, &first, "c-1"), AttemptState::Succeeded, "the younger one went on with it");
}
