//! Clusters that leave the fleet while rollouts run, sleep, and wake up.

use std::collections::BTreeMap;

use super::fleet::{capped, claims, cluster, phase, rolled, state, steps};
use super::scripted::plans::{Shape, WaveShape, plan};
use super::scripted::world::{Calm, Fate, World, done, failed};
use crate::journal::{Body, Deferral, Ending, FailureClass, Member};
use crate::model::{Actor, ClusterName, RolloutId};
use crate::rollout::{
    AttemptState, Command, Effect, Obstacle, RolloutState, WaitKind, WavePhase, effects, waits,
};

/// The fleet of every planned cluster but those that are gone, some of them asleep.
pub(super) fn fleet(
    world: &World<impl Fate>,
    gone: &[&str],
    asleep: &[&str],
) -> BTreeMap<ClusterName, Member> {
    let planned = world.state.rollouts().flat_map(|r| r.plan().clusters().map(|(_, _, c)| c));
    planned
        .filter(|c| !gone.contains(&c.name.as_str()))
        .map(|c| {
            let hibernated = asleep.contains(&c.name.as_str());
            (c.name.clone(), Member { labels: c.labels.clone(), hibernated, sourced: false })
        })
        .collect()
}

pub(super) fn record(world: &mut World<impl Fate>, gone: &[&str], asleep: &[&str]) {
    let clusters = fleet(world, gone, asleep);
    world.append(Actor::engine(), Body::MembershipRecorded { commit: "c".repeat(40), clusters });
}

fn gone(world: &World<impl Fate>, id: &RolloutId, wave: &str) -> (u32, u32, u32) {
    let rollout = world.state.rollout(id).unwrap();
    let (planned, found) = rollout.wave(&wave.parse().unwrap()).unwrap();
    (found.counts().total(), found.failure_budget(), planned.deferred_budget)
}

#[test]
fn fleet_j02_a_cluster_that_leaves_departs_and_the_planned_numbers_stay() {
    let mut world = World::new(Calm);
    let id = world.start(plan(&Shape::of(vec![WaveShape::of(1), capped(10, 1, 1)])));
    while phase(&world, &id, "w1") != WavePhase::Rolling {
        world.round();
        assert!(world.advance());
    }
    let before = gone(&world, &id, "w1");
    record(&mut world, &["c-5", "c-6"], &[]);
    assert!(world.settle(1_000));
    assert_eq!(*cluster(&world, &id, "c-5"), AttemptState::Departed);
    assert_eq!(*state(&world, &id), RolloutState::Succeeded);
    assert_eq!(gone(&world, &id, "w1"), before, "the denominator stays");
    assert!(!claims(&world).contains(&"c-5".to_owned()));
}

#[test]
fn fleet_j05_a_leaver_at_work_ends_its_running_step_and_then_departs() {
    let mut world = World::new(Calm);
    let id = world.start(plan(&Shape::of(vec![capped(3, 1, 0)])));
    while !world.events.iter().any(|e| matches!(e.body, Body::StepStarted { .. })) {
        world.round();
        assert!(world.advance());
    }
    record(&mut world, &["c-0"], &[]);
    assert!(world.settle(1_000));
    let of =
        |name: &str| world.events.iter().filter(|e| e.body.name() == name).map(|e| e.seq).collect::<Vec<_>>();
    let (finished, departed) = (of("step.finished"), of("attempt.departed"));
    assert_eq!(departed.len(), 1);
    let first = finished.iter().filter(|seq| **seq < departed[0]).count();
    assert_eq!(first, 1, "its running step ended, and no further one began");
    assert_eq!(*cluster(&world, &id, "c-0"), AttemptState::Departed);
    assert_eq!(*state(&world, &id), RolloutState::Succeeded);
    assert_eq!(claims(&world), ["c-0", "c-1", "c-2"]);
}

#[test]
fn a_failed_cluster_that_leaves_spends_no_budget_any_more() {
    let fate = steps(|cluster, _, _| match cluster {
        "c-0" => failed(FailureClass::Permanent),
        _ => done(),
    });
    let (mut world, id) = rolled(fate, &Shape::of(vec![capped(3, 1, 0)]));
    assert!(matches!(state(&world, &id), RolloutState::Halted { .. }));
    record(&mut world, &["c-0"], &[]);
    assert!(world.settle(1_000));
    assert!(matches!(state(&world, &id), RolloutState::Halted { .. }), "a person has to look");
    world.ask(&Command::Resume { rollout: id.clone(), raise_budget: None, reason: None }).unwrap();
    assert!(world.settle(1_000));
    assert_eq!(*state(&world, &id), RolloutState::Succeeded);
}

#[test]
fn a_cluster_that_leaves_during_the_soak_is_not_observed_again() {
    let wave = WaveShape { soak: Some(600), ..WaveShape::of(3) };
    let mut world = World::new(Calm);
    let id = world.start(plan(&Shape::of(vec![wave])));
    while phase(&world, &id, "w0") != WavePhase::Soaking {
        world.round();
        assert!(world.advance());
    }
    record(&mut world, &["c-1"], &[]);
    assert!(world.settle(1_000));
    assert_eq!(*state(&world, &id), RolloutState::Succeeded);
    assert_eq!(*cluster(&world, &id, "c-1"), AttemptState::Departed);
}

#[test]
fn fleet_f11_a_hibernated_cluster_is_deferred_and_goes_on_when_it_wakes() {
    let wave = WaveShape { at_once: Some(1), deferred: 0, ..WaveShape::of(3) };
    let mut world = World::new(Calm);
    let id = world.start(plan(&Shape::of(vec![wave])));
    record(&mut world, &[], &["c-1"]);
    assert!(world.settle(1_000));
    assert_eq!(*cluster(&world, &id, "c-1"), AttemptState::Deferred(Deferral::Hibernated));
    assert_eq!(claims(&world), ["c-0", "c-2"]);
    let found = waits(&world.state, world.now);
    assert!(
        found.iter().any(|w| matches!(w.kind, WaitKind::InTheWay { obstacle: Obstacle::Hibernated })),
        "{found:?}"
    );
    record(&mut world, &[], &[]);
    assert!(world.settle(1_000));
    assert_eq!(*state(&world, &id), RolloutState::Succeeded);
}

#[test]
fn within_the_deferred_budget_a_hibernated_cluster_keeps_no_wave_open() {
    let wave = WaveShape { deferred: 1, ..WaveShape::of(3) };
    let mut world = World::new(Calm);
    let id = world.start(plan(&Shape::of(vec![wave, WaveShape::of(1)])));
    record(&mut world, &[], &["c-1"]);
    assert!(world.settle(1_000));
    let ended = world
        .events
        .iter()
        .any(|e| matches!(e.body, Body::RolloutFinished { ending: Ending::SucceededWithFailures, .. }));
    assert!(ended);
    assert_eq!(*cluster(&world, &id, "c-1"), AttemptState::Deferred(Deferral::Hibernated));
}

#[test]
fn members_are_news_when_they_changed_were_doubted_or_a_newer_plan_names_somebody_else() {
    let mut world = World::new(Calm);
    world.start(plan(&Shape::of(vec![WaveShape::of(2)])));
    let all = fleet(&world, &[], &[]);
    assert!(world.state.is_news(&all), "nothing is recorded yet");
    record(&mut world, &[], &[]);
    assert!(!world.state.is_news(&all));
    assert!(world.state.is_news(&fleet(&world, &[], &["c-1"])));
    let doubt = Body::MembershipDoubted { cause: "no answer".to_owned() };
    world.append(Actor::engine(), doubt.clone());
    assert!(world.state.check(&doubt).is_err(), "once per cause");
    assert!(world.state.is_news(&all), "the doubt is over");
    record(&mut world, &[], &[]);
    assert!(world.state.doubt().is_none());
    world.settle(1_000);
    world.start(plan(&Shape { release: "R2".to_owned(), ..Shape::of(vec![WaveShape::of(3)]) }));
    assert!(world.state.is_news(&all), "c-2 was planned since, and is gone");
}

#[test]
fn who_is_a_member_never_departs_and_an_empty_fleet_is_a_mistake() {
    let mut world = World::new(Calm);
    let id = world.start(plan(&Shape::of(vec![WaveShape::of(2)])));
    record(&mut world, &["c-1"], &[]);
    let attempt = |name: &str| crate::journal::AttemptId {
        rollout: id.clone(),
        cluster: name.parse().unwrap(),
        attempt: 1,
    };
    let commit = "c".repeat(40);
    let departs = |name| Body::AttemptDeparted { attempt: attempt(name), commit: commit.clone() };
    assert!(world.state.check(&departs("c-0")).is_err());
    assert!(world.state.check(&departs("c-1")).is_ok());
    let empty = Body::MembershipRecorded { commit: commit.clone(), clusters: BTreeMap::new() };
    assert!(world.state.check(&empty).is_err());
}

#[test]
fn who_is_switched_off_while_its_wave_soaks_is_looked_at_when_it_is_awake() {
    let mut world = World::new(Calm);
    let wave = WaveShape { soak: Some(600), ..WaveShape::of(3) };
    let id = world.start(plan(&Shape::of(vec![wave])));
    while phase(&world, &id, "w0") != WavePhase::Soaking {
        world.round();
        assert!(world.advance());
    }
    record(&mut world, &[], &["c-1"]);
    loop {
        world.round();
        let looks = effects(&world.state, world.now).effects.into_iter();
        for look in looks.filter(|effect| matches!(effect, Effect::Verify { .. } | Effect::Observe { .. })) {
            let of = |name: &ClusterName| name.as_str() != "c-1";
            assert!(
                matches!(&look, Effect::Verify { cluster, .. } | Effect::Observe { cluster, .. } if of(cluster))
            );
        }
        if !world.advance() {
            break;
        }
    }
    assert_eq!(*cluster(&world, &id, "c-1"), AttemptState::Succeeded, "it did not fail by sleeping");
    let asleep = |w: &crate::rollout::Wait| {
        matches!(w.kind, WaitKind::InTheWay { obstacle: Obstacle::Hibernated }) && w.cluster.is_some()
    };
    assert!(waits(&world.state, world.now).iter().any(asleep), "{:?}", waits(&world.state, world.now));
    record(&mut world, &[], &[]);
    assert!(world.settle(1_000));
    assert_eq!(*state(&world, &id), RolloutState::Succeeded);
}
