//! Ten thousand clusters: the core looks at what waits and works, not at everybody.

use std::time::{Duration, Instant};

use crate::scripted::plans::{Shape, WaveShape, plan};
use crate::scripted::world::{Calm, World};
use tidegate::rollout::{RolloutState, effects};

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
fn two_thousand_clusters_come_to_their_end() {
    let mut world = World::new(Calm);
    world.checked = false;
    let wave = WaveShape { pools: vec![(500, None), (1_499, None)], at_once: Some(100), ..WaveShape::of(0) };
    let id = world.start(plan(&Shape::of(vec![WaveShape::of(1), wave])));
    assert!(world.settle(10_000));
    let rollout = world.state.rollout(&id).unwrap();
    assert_eq!(*rollout.state(), RolloutState::Succeeded);
    assert_eq!(rollout.counts().done(), 2_000);
}
