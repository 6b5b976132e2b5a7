//! A whole rollout of a large fleet in the pure core: 10,000 clusters, each effect named, checked
//! against the rules, and its outcome folded in, without a world around it. Goal: under 2 s.

use std::time::Instant;

use tidegate::rollout::RolloutState;

use crate::scripted::plans::{Shape, WaveShape, plan};
use crate::scripted::world::{Calm, World};

const CLUSTERS: usize = 10_000;

/// Clusters at once.
const AT_ONCE: u32 = 100;

fn shape(prefix: &str, clusters: usize) -> Shape {
    let pools = |n: usize| vec![(n / 4, None), (n - n / 4, None)];
    let wave =
        |n: usize| WaveShape { pools: pools(n), at_once: Some(AT_ONCE), soak: Some(60), ..WaveShape::of(0) };
    let (second, first) = (clusters / 10, 1);
    Shape {
        prefix: prefix.to_owned(),
        release: prefix.to_uppercase(),
        ..Shape::of(vec![WaveShape::of(first), wave(second), wave(clusters - second - first)])
    }
}

/// Plays rollouts of so many clusters at the same time to their ends.
fn play(rollouts: usize) {
    let mut world = World::new(Calm);
    for n in 0..rollouts {
        world.start(plan(&shape(&format!("r{n}"), CLUSTERS / rollouts)));
    }
    let began = Instant::now();
    assert!(world.settle(100_000));
    let took = began.elapsed();
    assert!(world.state.rollouts().all(|r| *r.state() == RolloutState::Succeeded));
    println!(
        "core: {rollouts} rollout(s) of {CLUSTERS} clusters in all, {} events, every effect checked: {:.2} s (goal: 2 s)",
        world.events.len(),
        took.as_secs_f64()
    );
}

pub fn run() {
    play(1);
    play(2);
}
