//! Clusters that join the fleet while a rollout runs.

use super::fleet::{capped, claims, cluster, phase, position, retry, state};
use super::membership::fleet;
use super::scripted::plans::{self, Shape, WaveShape, plan};
use super::scripted::world::{Calm, Fate, World};
use crate::journal::{Body, Deferral, Member, RetryWhich, Side};
use crate::model::{Actor, ClusterName, Joiners, RolloutId};
use crate::rollout::{
    AttemptState, Command, RolloutState, WaitKind, WavePhase, is_blocked, waits_of_rollout,
};

/// Records the fleet with these clusters beside those that are planned.
fn with(world: &mut World<impl Fate>, new: &[&str]) {
    let mut clusters = fleet(world, &[], &[]);
    clusters.extend(new.iter().map(|name| (name.parse().unwrap(), Member::default())));
    world.append(Actor::engine(), Body::MembershipRecorded { commit: "d".repeat(40), clusters });
}

fn until(world: &mut World<impl Fate>, id: &RolloutId, wave: &str, at: WavePhase) {
    while phase(world, id, wave) != at {
        world.round();
        assert!(world.advance());
    }
}

#[test]
fn fleet_j01_a_joiner_follows_after_its_wave_and_the_frozen_plan_stays() {
    let mut world = World::new(Calm);
    let id = world.start(plan(&Shape::of(vec![WaveShape::of(1), capped(4, 1, 0)])));
    until(&mut world, &id, "w1", WavePhase::Rolling);
    let before = {
        let rollout = world.state.rollout(&id).unwrap();
        let (planned, wave) = rollout.wave(&"w1".parse().unwrap()).unwrap();
        (planned.digest, wave.failure_budget(), rollout.evidence(&"w1".parse().unwrap(), Side::After))
    };
    let done_at = |world: &World<Calm>| {
        position(world, |b| matches!(b, Body::WaveDone { wave, .. } if wave.as_str() == "w1"))
    };
    with(&mut world, &["new"]);
    world.round();
    world.advance();
    world.round();
    assert_eq!(*cluster(&world, &id, "new"), AttemptState::Deferred(Deferral::Joined));
    {
        let rollout = world.state.rollout(&id).unwrap();
        let (planned, wave) = rollout.wave(&"w1".parse().unwrap()).unwrap();
        let now =
            (planned.digest, wave.failure_budget(), rollout.evidence(&"w1".parse().unwrap(), Side::After));
        assert_eq!((before.0, before.1), (now.0, now.1));
        assert_eq!(wave.counts().total(), 4, "it is no part of the planned numbers");
    }
    assert!(world.settle(1_000));
    assert_eq!(*state(&world, &id), RolloutState::Succeeded);
    assert_eq!(*cluster(&world, &id, "new"), AttemptState::Succeeded);
    let claimed = position(
        &world,
        |b| matches!(b, Body::AttemptClaimed { attempt, .. } if attempt.cluster.as_str() == "new"),
    );
    assert!(claimed > done_at(&world), "it followed after its wave");
}

#[test]
fn fleet_j04_a_joiner_is_in_nobodys_evidence_and_keeps_no_wave_open() {
    let mut world = World::new(Calm);
    let shape = Shape::of(vec![capped(2, 1, 0), WaveShape { before: true, ..WaveShape::of(1) }]);
    let id = world.start(plan(&shape));
    until(&mut world, &id, "w1", WavePhase::GatesBefore);
    let evidence = |world: &World<Calm>| {
        world.state.rollout(&id).unwrap().evidence(&"w1".parse().unwrap(), Side::Before)
    };
    let before = evidence(&world);
    // The scripted world puts it into the last pool: its wave is not over.
    with(&mut world, &["new"]);
    assert!(world.settle(1_000));
    assert_eq!(*cluster(&world, &id, "new"), AttemptState::Deferred(Deferral::Joined));
    assert_eq!(evidence(&world), before);
    world.approve(&id, "w1").unwrap();
    assert!(world.settle(1_000));
    assert_eq!(claims(&world).last().map(String::as_str), Some("new"));
    assert_eq!(*state(&world, &id), RolloutState::Succeeded);
}

#[test]
fn a_pipeline_may_ignore_joiners_and_one_that_left_again_departs() {
    let mut made = plan(&Shape::of(vec![capped(3, 1, 0)]));
    made.pipeline.catch_up.joiners = Joiners::Ignore;
    let mut world = World::new(Calm);
    let id = world.start(made);
    with(&mut world, &["new"]);
    assert!(world.settle(1_000));
    assert!(world.state.rollout(&id).unwrap().cluster(&"new".parse().unwrap()).is_none());
    let mut world = World::new(Calm);
    let id = world.start(plan(&Shape::of(vec![capped(3, 1, 0)])));
    with(&mut world, &["new"]);
    world.round();
    world.advance();
    world.round();
    let planned: std::collections::BTreeMap<ClusterName, Member> = fleet(&world, &["new"], &[]);
    world.append(Actor::engine(), Body::MembershipRecorded { commit: "e".repeat(40), clusters: planned });
    assert!(world.settle(1_000));
    assert_eq!(*cluster(&world, &id, "new"), AttemptState::Departed);
    assert_eq!(*state(&world, &id), RolloutState::Succeeded);
}

#[test]
fn a_joiner_that_can_not_be_planned_is_told_and_tried_again() {
    struct Far(u32);
    impl Fate for Far {
        fn joins(&mut self, _: &ClusterName, tries: u32) -> bool {
            tries > self.0
        }
    }
    let mut world = World::new(Far(1));
    let id = world.start(plan(&Shape::of(vec![capped(2, 1, 0)])));
    with(&mut world, &["new"]);
    assert!(world.settle(1_000));
    assert_eq!(*state(&world, &id), RolloutState::Succeeded, "the second try brought it");
    let mut world = World::new(Far(9));
    let id = world.start(plan(&Shape::of(vec![capped(2, 1, 0)])));
    with(&mut world, &["new"]);
    while world.state.rollout(&id).unwrap().unjoined().next().is_none() {
        world.round();
        assert!(world.advance());
    }
    let found = waits_of_rollout(&world.state, world.state.rollout(&id).unwrap(), world.now);
    assert!(found.iter().any(|w| matches!(w.kind, WaitKind::Unjoined { .. })), "{found:?}");
}

#[test]
fn a_cluster_never_reached_at_planning_joins_when_it_is_a_member_that_answers() {
    let mut made = plan(&Shape::of(vec![capped(2, 1, 0)]));
    made.unknown.push("late".parse().unwrap());
    let mut world = World::new(Calm);
    let id = world.start(made);
    let mut clusters = fleet(&world, &[], &[]);
    let asleep = Member { hibernated: true, ..Member::default() };
    clusters.insert("late".parse().unwrap(), asleep);
    world.append(Actor::engine(), Body::MembershipRecorded { commit: "d".repeat(40), clusters });
    assert!(world.settle(1_000));
    assert_eq!(*state(&world, &id), RolloutState::SucceededWithFailures);
    with(&mut world, &["late"]);
    assert!(world.settle(1_000));
    assert_eq!(*cluster(&world, &id, "late"), AttemptState::Succeeded);
    assert_eq!(*state(&world, &id), RolloutState::Succeeded);
}

#[test]
fn a_joiner_that_is_skipped_and_retried_does_not_pass_the_gate_that_nobody_opened() {
    let mut made = plan(&Shape::of(vec![WaveShape::of(1), WaveShape { before: true, ..WaveShape::of(1) }]));
    let model = made.waves[1].pools[0].clusters.remove(0);
    let mut world = World::new(Calm);
    let id = world.start(made);
    let mut clusters = fleet(&world, &[], &[]);
    clusters.insert("new".parse().unwrap(), Member::default());
    world.append(Actor::engine(), Body::MembershipRecorded { commit: "d".repeat(40), clusters });
    world.round();
    let body = Body::RolloutJoined {
        rollout: id.clone(),
        wave: "w1".parse().unwrap(),
        pool: "p0".parse().unwrap(),
        cluster: Box::new(plans::joined(&model, &"new".parse().unwrap())),
        products: std::collections::BTreeMap::new(),
        values: std::collections::BTreeMap::new(),
    };
    world.append(Actor::engine(), body);
    assert!(world.settle(1_000));
    assert_eq!(phase(&world, &id, "w1"), WavePhase::Skipped);
    let clusters = vec!["new".parse().unwrap()];
    world.ask(&Command::Skip { rollout: id.clone(), clusters, reason: "later".to_owned() }).unwrap();
    assert!(world.settle(1_000));
    world.ask(&retry(&id, RetryWhich::Skipped, &[])).unwrap();
    assert!(world.settle(1_000));
    assert_eq!(*cluster(&world, &id, "new"), AttemptState::Deferred(Deferral::Joined));
    assert!(!claims(&world).contains(&"new".to_owned()), "nobody said yes");
    let mut yes = world.approval(&id, "w1");
    yes.gate = Some((Side::Before, "approval".parse().unwrap()));
    yes.evidence = Some(world.state.rollout(&id).unwrap().evidence(&yes.wave, Side::Before));
    world.ask(&Command::Approve(yes)).unwrap();
    assert!(world.settle(1_000));
    assert_eq!(*cluster(&world, &id, "new"), AttemptState::Succeeded);
}

#[test]
fn who_could_not_be_reached_is_still_waited_for_after_a_commit_about_somebody_else() {
    struct Far;
    impl Fate for Far {
        fn joins(&mut self, _: &ClusterName, _: u32) -> bool {
            false
        }
    }
    let mut world = World::new(Far);
    let id = world.start(plan(&Shape::of(vec![capped(2, 1, 0)])));
    with(&mut world, &["new"]);
    while *state(&world, &id) != RolloutState::SucceededWithFailures {
        world.round();
        assert!(world.advance());
    }
    let mut clusters = fleet(&world, &[], &["c-0"]);
    clusters.insert("new".parse().unwrap(), Member::default());
    world.append(Actor::engine(), Body::MembershipRecorded { commit: "e".repeat(40), clusters });
    let rollout = world.state.rollout(&id).unwrap();
    assert!(rollout.is_catching_up());
    let found = waits_of_rollout(&world.state, rollout, world.now);
    assert!(found.iter().any(|w| matches!(w.kind, WaitKind::Unjoined { .. })), "{found:?}");
}

#[test]
fn one_that_joins_while_people_are_waited_for_is_planned_and_keeps_nothing_from_being_blocked() {
    let mut world = World::new(Calm);
    let id = world.start(plan(&Shape::of(vec![WaveShape { before: true, ..capped(2, 1, 0) }])));
    assert!(world.settle(1_000));
    world.ask(&Command::Pause { rollout: id.clone(), reason: None }).unwrap();
    assert!(world.settle(1_000));
    with(&mut world, &["new"]);
    assert!(world.settle(1_000));
    let rollout = world.state.rollout(&id).unwrap();
    assert!(is_blocked(&world.state, rollout, world.now));
    assert_eq!(*cluster(&world, &id, "new"), AttemptState::Deferred(Deferral::Joined));
}
