//! A rollback and what it takes back, as the core alone decides it.

use super::fleet::{abort, claims, cluster, pause, retry, state};
use super::scripted::plans::{ProductShape, Shape, WaveShape, plan};
use super::scripted::world::{Fate, World, done, failed};
use crate::journal::{AttemptId, Body, FailureClass, HaltCause, RetryWhich, StepId, StepOutcome};
use crate::model::RolloutId;
use crate::plan::{Plan, Repeat};
use crate::rollout::{AttemptState, Class, Command, RolloutState, WaitKind, waits_of_rollout};

/// The first rollout fails on these clusters; so does its rollback, on those.
struct Bad {
    forward: &'static [&'static str],
    back: &'static [&'static str],
}

impl Fate for Bad {
    fn step(&mut self, attempt: &AttemptId, step: &StepId, _: u32) -> StepOutcome {
        let failing = if attempt.rollout.as_str() == "R1-1" { self.forward } else { self.back };
        if failing.contains(&attempt.cluster.as_str()) && matches!(step, StepId::Settle { .. }) {
            return failed(FailureClass::Permanent);
        }
        done()
    }
}

fn capped(clusters: usize, cap: u32, failures: u32) -> WaveShape {
    WaveShape { at_once: Some(cap), failures, ..WaveShape::of(clusters) }
}

fn rolled(fate: Bad, shape: &Shape) -> (World<Bad>, RolloutId) {
    let mut world = World::new(fate);
    let id = world.start(plan(shape));
    assert!(world.settle(1_000));
    (world, id)
}

fn ask(world: &mut World<Bad>, id: &RolloutId) {
    world.ask(&Command::RollBack { rollout: id.clone(), reason: "it drops requests".to_owned() }).unwrap();
}

fn names(plan: &Plan) -> Vec<&str> {
    plan.clusters().map(|(_, _, c)| c.name.as_str()).collect()
}

/// The steps that a rollout began at a cluster.
fn begun(world: &World<Bad>, id: &RolloutId, name: &str) -> Vec<String> {
    let of = |body: &Body| match body {
        Body::StepStarted { attempt, step, .. }
            if attempt.rollout == *id && attempt.cluster.as_str() == name =>
        {
            Some(step.to_string())
        }
        _ => None,
    };
    world.events.iter().filter_map(|event| of(&event.body)).collect()
}

#[test]
fn fleet_h11_a_rollback_follows_its_own_caps_and_covers_only_what_carries_the_bad_digest() {
    let shape = Shape::of(vec![capped(6, 2, 1)]);
    let (mut world, id) = rolled(Bad { forward: &["c-2", "c-3"], back: &[] }, &shape);
    assert!(matches!(state(&world, &id), RolloutState::Halted { .. }));
    ask(&mut world, &id);
    let plan = world.rollback_plan(&id, None, false, &[&shape]).unwrap();
    // c-4 and c-5 were never touched.
    assert_eq!(names(&plan), ["c-3", "c-2", "c-1", "c-0"]);
    assert_eq!(plan.waves[0].at_once, Some(2));
    let back = world.start(plan);
    assert_eq!(back.as_str(), "R1-2");
    assert_eq!(*state(&world, &id), RolloutState::RollingBack { by: back.clone() });
    let mut most = 0;
    for _ in 0..400 {
        world.round();
        most = most.max(world.state.rollout(&back).unwrap().counts().in_flight());
        world.advance();
    }
    assert_eq!(most, 2);
    assert_eq!(*state(&world, &back), RolloutState::Succeeded);
    assert_eq!(*state(&world, &id), RolloutState::RolledBack { by: back.clone() });
    for name in ["c-0", "c-1", "c-2", "c-3"] {
        assert_eq!(*cluster(&world, &id, name), AttemptState::RolledBack);
    }
    assert_eq!(*cluster(&world, &id, "c-4"), AttemptState::Pending);
    // What had failed is still told beside what took it back.
    let found = world.state.rollout(&id).unwrap().cluster(&"c-2".parse().unwrap()).unwrap();
    let cause = found.attempt().cause().unwrap();
    assert!(cause.starts_with("R1-2 rolled it back; before that: "), "{cause}");
    // It is over: nothing can be asked of it any more.
    world.ask(&retry(&id, RetryWhich::Failed, &[])).unwrap_err();
    world.ask(&abort(&id)).unwrap_err();
}

#[test]
fn waves_pools_clusters_and_phases_go_backwards_and_one_way_steps_are_left_out() {
    let product = |tests| ProductShape { steps: vec![(Repeat::Safe, 1), (Repeat::Never, 1)], tests };
    let wave = WaveShape { pools: vec![(1, None), (1, None)], ..WaveShape::of(0) };
    let shape = Shape { products: vec![product(0), product(1)], ..Shape::of(vec![wave.clone(), wave]) };
    let (mut world, id) = rolled(Bad { forward: &["c-3"], back: &[] }, &shape);
    ask(&mut world, &id);
    let plan = world.rollback_plan(&id, None, false, &[&shape]).unwrap();
    assert_eq!(names(&plan), ["c-3", "c-2", "c-1", "c-0"]);
    let order: Vec<&str> = plan.waves.iter().map(|w| w.name.as_str()).collect();
    assert_eq!(order, ["w1", "w0"]);
    let (_, _, first) = plan.cluster(&"c-0".parse().unwrap()).unwrap();
    let skipped: Vec<String> = first.back.as_ref().unwrap().skipped.iter().map(ToString::to_string).collect();
    assert_eq!(skipped, ["a/s1 (one-way in 1.1.0)", "b/s1 (one-way in 1.1.0)"]);
    assert!(
        plan.notices.iter().any(|n| n.code == "TG0396" && n.message.contains("a/s1")),
        "{:?}",
        plan.notices
    );
    let before = claims(&world).len();
    let back = world.start(plan);
    assert!(world.settle(1_000));
    assert_eq!(begun(&world, &id, "c-0")[..3], ["a/s0", "a/s1", "a/settle"]);
    assert_eq!(begun(&world, &back, "c-0"), ["b/s0", "b/settle", "a/s0", "a/settle", "b/test:t0", "seal"]);
    assert_eq!(claims(&world)[before..], ["c-3", "c-2", "c-1", "c-0"]);
    assert!(matches!(state(&world, &id), RolloutState::RolledBack { .. }));
    // The failed one had come no further than its first product: only that goes back.
    assert_eq!(begun(&world, &back, "c-3"), ["a/s0", "a/settle", "seal"]);
    // A release is tagged, a rollback is not.
    let tagged =
        |e: &crate::journal::Event| matches!(&e.body, Body::WaveTagged { rollout, .. } if *rollout == back);
    assert!(!world.events.iter().any(tagged));
}

#[test]
fn a_rollback_of_one_wave_leaves_the_rollout_halted_and_another_one_takes_the_rest() {
    let shape = Shape::of(vec![WaveShape::of(2), WaveShape::of(2)]);
    let (mut world, id) = rolled(Bad { forward: &["c-2"], back: &[] }, &shape);
    ask(&mut world, &id);
    let wave = "w1".parse().unwrap();
    let plan = world.rollback_plan(&id, Some(&wave), false, &[&shape]).unwrap();
    assert!(!plan.rollback().unwrap().whole);
    let back = world.start(plan);
    assert!(world.settle(1_000));
    let RolloutState::Halted { cause, .. } = state(&world, &id) else { panic!("{:?}", state(&world, &id)) };
    assert_eq!(*cause, HaltCause::RollbackEnded { by: back.clone() });
    assert_eq!(*cluster(&world, &id, "c-0"), AttemptState::Succeeded);
    let rest = world.rollback_plan(&id, None, false, &[&shape]).unwrap();
    assert_eq!(names(&rest), ["c-1", "c-0"]);
    let third = world.start(rest);
    assert!(world.settle(1_000));
    assert_eq!(third.as_str(), "R1-3");
    assert_eq!(*state(&world, &id), RolloutState::RolledBack { by: third });
    assert!(world.rollback_plan(&id, None, false, &[&shape]).unwrap_err().to_string().contains("TG0393"));
}

#[test]
fn what_runs_is_paused_first_and_starts_nothing_until_the_rollback_ends() {
    let shape = Shape::of(vec![capped(5, 1, 0)]);
    let mut world = World::new(Bad { forward: &[], back: &[] });
    let id = world.start(plan(&shape));
    while world.state.rollout(&id).unwrap().counts().of(Class::Succeeded) == 0 {
        world.round();
        world.advance();
    }
    ask(&mut world, &id);
    assert!(world.settle(200));
    assert_eq!(*state(&world, &id), RolloutState::Paused);
    let back = world.rollback_plan(&id, None, false, &[&shape]).unwrap();
    let went = names(&back).len();
    let back = world.start(back);
    // A second one, and anything else that would move it, is refused with what helps.
    for command in [
        Command::RollBack { rollout: id.clone(), reason: "again".to_owned() },
        Command::Resume { rollout: id.clone(), raise_budget: None, reason: None },
        pause(&id),
        abort(&id),
        retry(&id, RetryWhich::Failed, &[]),
        Command::RollBack { rollout: back.clone(), reason: "no".to_owned() },
    ] {
        world.ask(&command).unwrap_err();
    }
    let waits = waits_of_rollout(&world.state, world.state.rollout(&id).unwrap(), world.now);
    assert!(matches!(&waits[..], [w] if w.kind == WaitKind::RollingBack { by: back.clone() }), "{waits:?}");
    let before = claims(&world).len();
    assert!(world.settle(1_000));
    assert_eq!(claims(&world).len() - before, went);
    assert!(matches!(state(&world, &id), RolloutState::RolledBack { .. }));
}

#[test]
fn a_rollback_that_ends_otherwise_leaves_its_rollout_halted_and_can_be_taken_up_again() {
    let shape = Shape::of(vec![WaveShape::of(2)]);
    let (mut world, id) = rolled(Bad { forward: &["c-1"], back: &["c-1"] }, &shape);
    ask(&mut world, &id);
    let plan = world.rollback_plan(&id, None, false, &[&shape]).unwrap();
    let back = world.start(plan);
    assert!(world.settle(1_000));
    // Its own budget tolerates nothing.
    assert!(matches!(state(&world, &back), RolloutState::Halted { .. }));
    assert_eq!(*state(&world, &id), RolloutState::RollingBack { by: back.clone() });
    world.fate.back = &[];
    world.ask(&retry(&back, RetryWhich::Failed, &[])).unwrap();
    assert!(world.settle(1_000));
    assert_eq!(*state(&world, &id), RolloutState::RolledBack { by: back.clone() });

    let (mut world, id) = rolled(Bad { forward: &["c-1"], back: &["c-1"] }, &shape);
    let plan = world.rollback_plan(&id, None, false, &[&shape]).unwrap();
    let back = world.start(plan);
    assert!(world.settle(1_000));
    world.ask(&abort(&back)).unwrap();
    assert!(world.settle(1_000));
    let RolloutState::Halted { cause, .. } = state(&world, &id) else { panic!("{:?}", state(&world, &id)) };
    assert_eq!(*cause, HaltCause::RollbackEnded { by: back });
    // A person may let it go forward again.
    world.fate.forward = &[];
    world.ask(&retry(&id, RetryWhich::Failed, &[])).unwrap();
    assert!(world.settle(1_000));
    assert_eq!(*state(&world, &id), RolloutState::Succeeded);
}

#[test]
fn a_cluster_of_unknown_outcome_is_settled_by_a_person_before_a_rollback() {
    let shape = Shape {
        products: vec![ProductShape { steps: vec![(Repeat::Safe, 0), (Repeat::Never, 0)], tests: 0 }],
        ..Shape::of(vec![WaveShape::of(1)])
    };
    struct Lost;
    impl Fate for Lost {
        fn step(&mut self, _: &AttemptId, step: &StepId, _: u32) -> StepOutcome {
            let lost = matches!(step, StepId::Deploy { step, .. } if step == "s1");
            if lost { StepOutcome::Unknown { cause: "no word".to_owned() } } else { done() }
        }
    }
    let mut world = World::new(Lost);
    let id = world.start(plan(&shape));
    assert!(world.settle(1_000));
    let asked = Command::RollBack { rollout: id.clone(), reason: "it drops requests".to_owned() };
    let refusal = world.ask(&asked).unwrap_err();
    assert!(refusal.sentence.contains("c-0"), "{refusal}");
    assert!(refusal.legal[0].starts_with("tidegate rollout skip R1-1 --cluster c-0"), "{:?}", refusal.legal);
    let clusters = vec!["c-0".parse().unwrap()];
    world.ask(&Command::Skip { rollout: id.clone(), clusters, reason: "seen".to_owned() }).unwrap();
    world.ask(&asked).unwrap();
    let plan = world.rollback_plan(&id, None, false, &[&shape]).unwrap();
    assert_eq!(names(&plan), ["c-0"]);
    let back = world.start(plan);
    assert!(world.settle(1_000));
    assert_eq!(*state(&world, &id), RolloutState::RolledBack { by: back });
}

#[test]
fn a_rolled_back_hotfix_is_no_longer_missed() {
    let fix = Shape { release: "R0.1".to_owned(), hotfix: true, ..Shape::of(vec![WaveShape::of(2)]) };
    let next = Shape { release: "R1".to_owned(), ..Shape::of(vec![WaveShape::of(2)]) };
    let mut world = World::new(Bad { forward: &[], back: &[] });
    let hotfix = world.start(plan(&fix));
    assert!(world.settle(1_000));
    let id = world.start(plan(&next));
    assert!(world.settle(1_000));
    assert_eq!(*state(&world, &id), RolloutState::Running, "it would lose the hotfix");
    let back = world.rollback_plan(&hotfix, None, false, &[&fix]).unwrap();
    world.start(back);
    assert!(world.settle(1_000));
    assert_eq!(*state(&world, &id), RolloutState::Succeeded);
}
