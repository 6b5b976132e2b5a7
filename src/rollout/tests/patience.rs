//! How often what does not go on is tried again: less and less often, and at once when a person asks.

use super::scripted::plans::{Shape, WaveShape, plan};
use super::scripted::world::{Fate, World};
use crate::journal::{AttemptId, BlockReason, Body, Preflight, RetryWhich};
use crate::model::{Push, WaveName};
use crate::rollout::{Command, RolloutState, push_backoff, recheck};

/// A cluster that is blocked for good.
struct Stuck;

impl Fate for Stuck {
    fn preflight(&mut self, _: &AttemptId, _: u32) -> Option<Preflight> {
        Some(Preflight::Blocked { reason: BlockReason::Missing, cause: "no account".to_owned() })
    }
}

/// The seconds between the looks at its cluster.
fn pauses<F: Fate>(world: &World<F>) -> Vec<i64> {
    let looks = world.events.iter().filter(|e| matches!(e.body, Body::AttemptPreflighted { .. }));
    let moments: Vec<_> = looks.map(|e| e.at).collect();
    // Each look takes a second.
    moments.windows(2).map(|pair| (pair[1] - pair[0]).get_seconds() - 1).collect()
}

#[test]
fn a_blocked_cluster_is_looked_at_less_and_less_often_and_at_once_after_a_retry() {
    let delays: Vec<u64> = (0..9).map(|n| recheck(n).as_seconds()).collect();
    assert_eq!(delays, [30, 30, 60, 120, 240, 480, 900, 900, 900]);
    assert_eq!(recheck(u32::MAX).as_seconds(), 900);

    let mut world = World::new(Stuck);
    let id = world.start(plan(&Shape::of(vec![WaveShape::of(1)])));
    assert!(!world.settle(24), "it is looked at for ever");
    let before = pauses(&world);
    assert!(before.len() >= 6, "{before:?}");
    assert_eq!(before[..6], [30, 60, 120, 240, 480, 900]);

    let retry = Command::Retry {
        rollout: id,
        which: RetryWhich::Named,
        clusters: vec!["c-0".parse().unwrap()],
        reason: None,
    };
    world.ask(&retry).unwrap();
    let asked = world.now;
    world.round();
    world.advance();
    world.round();
    let last = world.events.iter().rev().find(|e| matches!(e.body, Body::AttemptPreflighted { .. })).unwrap();
    assert_eq!((last.at - asked).get_seconds(), 1, "looked at in the moment that it was asked for");
    assert!(!world.settle(8));
    let after = pauses(&world);
    assert_eq!(after[before.len() + 1..][..2], [30, 60], "and then as patiently as from the beginning");
}

/// A remote that is away.
struct NoRemote;

impl Fate for NoRemote {
    fn tag(&mut self, _: &WaveName, push: bool, _: u32) -> bool {
        !push
    }
}

/// The seconds between the tries at a push, while the last wave waits for a person.
fn pushes(push: Push) -> Vec<i64> {
    let waits = WaveShape { before: true, ..WaveShape::of(1) };
    let mut world = World::new(NoRemote);
    let id = world.start(plan(&Shape { push, ..Shape::of(vec![WaveShape::of(1), waits]) }));
    for _ in 0..60 {
        world.round();
        world.advance();
    }
    assert_eq!(*world.state.rollout(&id).unwrap().state(), RolloutState::Running);
    let tries = world.events.iter().filter(|e| matches!(e.body, Body::WaveTagFailed { push: true, .. }));
    let moments: Vec<_> = tries.map(|e| e.at).collect();
    moments.windows(2).map(|pair| (pair[1] - pair[0]).get_seconds() - 1).collect()
}

#[test]
fn a_push_that_is_only_tried_is_tried_again_every_hour_in_the_end() {
    assert_eq!(push_backoff(u32::MAX).as_seconds(), 3_600);
    let tried = pushes(Push::Try);
    assert_eq!(tried[..13], [2, 4, 8, 16, 32, 64, 128, 256, 512, 1_024, 2_048, 3_600, 3_600], "{tried:?}");
    // Where the wave waits for it, whoever mends the remote is not kept for an hour.
    let required = pushes(Push::Required);
    assert_eq!(required[..7], [2, 4, 8, 16, 32, 60, 60], "{required:?}");
}
