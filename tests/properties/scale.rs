//! Ten thousand clusters: the core looks at what waits and works, not at everybody.

use std::time::{Duration, Instant};

use crate::scripted::plans::{Shape, WaveShape, plan};
use crate::scripted::world::{Calm, World};
use tidegate::journal::Body;
use tidegate::model::Actor;
use tidegate::rollout::{Effect, RolloutState, effects};

/// The time of a hundred calls of `effects` while a wave of this size rolls under a cap.
fn hundred_calls(clusters: usize) -> Duration {
    let mut world = World::new(Calm);
    world.checked = false;
    let wave = WaveShape { at_once: Some(50), ..WaveShape::of(clusters) };
    world.start(plan(&Shape::of(vec![wave])));
    for _ in 0..5 {
        world.round();
        world.advance();
    }
    // Under a new driver every cluster at work wants something.
    world.take_over();
    let began = Instant::now();
    for _ in 0..100 {
        assert!(!effects(&world.state, world.now).effects.is_empty());
    }
    began.elapsed()
}

#[test]
fn the_next_effects_cost_the_same_in_a_fleet_a_hundred_times_as_large() {
    let best = |clusters| (0..5).map(|_| hundred_calls(clusters)).min().unwrap();
    let (small, large) = (best(100), best(10_000));
    // A look at every cluster would cost a hundred times as much; the machine may be busy.
    assert!(large < small * 10, "{large:?} for 10,000 clusters, {small:?} for 100");
}

#[test]
fn ten_thousand_clusters_come_to_their_end_with_every_effect_checked() {
    let mut world = World::new(Calm);
    let wave =
        WaveShape { pools: vec![(2_500, None), (7_499, None)], at_once: Some(100), ..WaveShape::of(0) };
    let id = world.start(plan(&Shape::of(vec![WaveShape::of(1), wave])));
    assert!(world.settle(10_000));
    let rollout = world.state.rollout(&id).unwrap();
    assert_eq!(*rollout.state(), RolloutState::Succeeded);
    assert_eq!(rollout.counts().done(), 10_000);
}

/// The time of checking a hundred claims in a wave of this size.
fn hundred_checks(clusters: usize) -> Duration {
    let mut world = World::new(Calm);
    world.checked = false;
    let wave = WaveShape { at_once: Some(50), ..WaveShape::of(clusters) };
    world.start(plan(&Shape::of(vec![wave])));
    let is_claim = |e: &Effect| matches!(e, Effect::Decide(Body::AttemptClaimed { .. }));
    let claim = loop {
        let named = effects(&world.state, world.now).effects;
        match named.iter().find(|e| is_claim(e)) {
            Some(claim) => break claim.clone(),
            None => {
                let Some(Effect::Decide(body)) = named.into_iter().next() else {
                    panic!("nothing to decide")
                };
                world.append(Actor::engine(), body);
            }
        }
    };
    let began = Instant::now();
    for _ in 0..100 {
        assert_eq!(world.rules(&claim), Ok(()));
    }
    began.elapsed()
}

#[test]
fn checking_a_claim_costs_the_same_in_a_fleet_a_hundred_times_as_large() {
    let best = |clusters| (0..5).map(|_| hundred_checks(clusters)).min().unwrap();
    let (small, large) = (best(100), best(10_000));
    assert!(large < small * 10, "{large:?} for 10,000 clusters, {small:?} for 100");
}
