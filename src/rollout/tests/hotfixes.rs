//! Hotfixes on clusters: who may not enter a pool, and which pins keep a cluster still.

use std::sync::Arc;

use super::scripted::plans::{Shape, WaveShape, plan};
use super::scripted::world::{Calm, World};
use crate::journal::{BlockReason, Body, RetryWhich};
use crate::model::{Observed, ObservedProduct, RecordPhase, RolloutId};
use crate::rollout::{
    AttemptState, Command, FleetState, RolloutState, WaitKind, WavePhase, invariant, waits_of,
    waits_of_rollout,
};

/// The plan of a release in these waves; `contains` are the releases that it contains.
fn normal(release: &str, contains: &[&str], waves: Vec<WaveShape>) -> Shape {
    let contains = contains.iter().map(|id| (*id).to_owned()).collect();
    Shape { release: release.to_owned(), contains, ..Shape::of(waves) }
}

fn hotfix(release: &str, contains: &[&str], waves: Vec<WaveShape>) -> Shape {
    Shape { hotfix: true, ..normal(release, contains, waves) }
}

fn go(world: &mut World<Calm>, shape: &Shape) -> RolloutId {
    let id = world.start(plan(shape));
    assert!(world.settle(1_000), "it never comes to rest");
    assert!(world.refused.is_none(), "{:?}", world.refused);
    id
}

fn state(world: &World<Calm>, id: &RolloutId) -> RolloutState {
    world.state.rollout(id).unwrap().state().clone()
}

fn attempt<'a>(state: &'a FleetState, id: &RolloutId, cluster: &str) -> &'a AttemptState {
    state.rollout(id).unwrap().cluster(&cluster.parse().unwrap()).unwrap().state()
}

/// The hotfixes that a rollout's pools miss, with the clusters that run them.
fn missing(world: &World<Calm>, id: &RolloutId) -> Vec<(String, Vec<String>)> {
    let rollout = world.state.rollout(id).unwrap();
    let mut found = Vec::new();
    for wait in waits_of_rollout(&world.state, rollout, world.now) {
        if let WaitKind::MissingHotfix(missing) = &wait.kind {
            assert!(wait.kind.is_external() && wait.pool.is_some());
            found.extend(
                missing
                    .hotfixes
                    .iter()
                    .map(|(h, c)| (h.to_string(), c.iter().map(ToString::to_string).collect())),
            );
        }
    }
    found
}

fn skip(id: &RolloutId, clusters: &[&str]) -> Command {
    let clusters = clusters.iter().map(|c| c.parse().unwrap()).collect();
    Command::Skip { rollout: id.clone(), clusters, reason: "as agreed".to_owned() }
}

#[test]
fn a_release_that_lacks_an_applied_hotfix_does_not_enter_that_pool() {
    let mut world = World::new(Calm);
    // c-0 is non-production, c-1 and c-2 production; the hotfix went to c-2 only.
    let fix = Shape { first: 2, ..hotfix("R41.1", &["R41"], vec![WaveShape::of(1)]) };
    let fixed = go(&mut world, &fix);
    assert_eq!(state(&world, &fixed), RolloutState::Succeeded);
    let waves = vec![WaveShape::of(1), WaveShape::of(2)];
    let id = go(&mut world, &normal("R42", &["R41"], waves));
    assert_eq!(*attempt(&world.state, &id, "c-0"), AttemptState::Succeeded, "its wave has no hotfix");
    assert_eq!(*attempt(&world.state, &id, "c-1"), AttemptState::Pending, "the whole pool waits");
    assert_eq!(*attempt(&world.state, &id, "c-2"), AttemptState::Pending);
    assert_eq!(missing(&world, &id), [("R41.1".to_owned(), vec!["c-2".to_owned()])]);
    let rollout = world.state.rollout(&id).unwrap();
    let of_cluster = waits_of(&world.state, rollout, &"c-1".parse().unwrap(), world.now);
    assert!(of_cluster.iter().any(|w| matches!(w.kind, WaitKind::MissingHotfix(_))), "{of_cluster:?}");

    // Whoever runs it is left out, and the others go on.
    world.ask(&skip(&id, &["c-2"])).unwrap();
    assert!(world.settle(1_000));
    assert_eq!(*attempt(&world.state, &id, "c-1"), AttemptState::Succeeded);
    assert_eq!(state(&world, &id), RolloutState::Succeeded);
}

#[test]
fn a_release_that_contains_the_hotfix_goes_and_the_next_one_has_to_contain_it_too() {
    let mut world = World::new(Calm);
    go(&mut world, &hotfix("R41.1", &["R41"], vec![WaveShape::of(2)]));
    let id = go(&mut world, &normal("R42.1", &["R41", "R41.1", "R42"], vec![WaveShape::of(2)]));
    assert_eq!(state(&world, &id), RolloutState::Succeeded);
    let without = go(&mut world, &normal("R43", &["R41", "R42"], vec![WaveShape::of(2)]));
    assert_eq!(missing(&world, &without), [("R41.1".to_owned(), vec!["c-0".to_owned(), "c-1".to_owned()])]);
    world.ask(&Command::Abort { rollout: without, reason: None }).unwrap();
    assert!(world.settle(1_000));
    let contains = ["R41", "R41.1", "R42", "R42.1"];
    let id = go(&mut world, &normal("R43.1", &contains, vec![WaveShape::of(2)]));
    assert_eq!(state(&world, &id), RolloutState::Succeeded);
}

#[test]
fn a_second_hotfix_beside_the_first_is_held_to_the_same() {
    let mut world = World::new(Calm);
    go(&mut world, &hotfix("R41.1", &["R41"], vec![WaveShape::of(1)]));
    let beside = go(&mut world, &hotfix("R41.2", &["R41"], vec![WaveShape::of(1)]));
    assert_eq!(missing(&world, &beside), [("R41.1".to_owned(), vec!["c-0".to_owned()])]);
    world.ask(&Command::Abort { rollout: beside, reason: None }).unwrap();
    assert!(world.settle(1_000));
    let on_top = go(&mut world, &hotfix("R41.3", &["R41", "R41.1"], vec![WaveShape::of(1)]));
    assert_eq!(state(&world, &on_top), RolloutState::Succeeded);
}

#[test]
fn what_a_record_says_counts_where_the_journal_knows_of_no_attempt() {
    let shape = normal("R42", &["R41"], vec![WaveShape::of(1)]);
    let mut plan = plan(&shape);
    plan.lineage.hotfixes = vec!["R41.1".parse().unwrap()];
    let (_, _, cluster) = plan.clusters().next().unwrap();
    let mut world = World::new(Calm);
    let product = |phase| ObservedProduct {
        release: "R41.1".parse().unwrap(),
        version: "1.0.1".parse().unwrap(),
        commit: "0".repeat(40),
        digest: crate::digest::bytes(b"content"),
        inputs: crate::digest::bytes(b"inputs"),
        phase,
    };
    let mut observed = Observed {
        at: world.now,
        uid: cluster.uid.clone(),
        kubernetes: "1.36".parse().unwrap(),
        server: "v1.36.2".to_owned(),
        products: Arc::new([("a".parse().unwrap(), product(RecordPhase::Verified))].into()),
    };
    let name = cluster.name.clone();
    let engine = crate::model::Actor::engine();
    let seen = |observed: &Observed| Body::ClusterObserved {
        cluster: name.clone(),
        observed: Box::new(observed.clone()),
    };
    world.append(engine.clone(), seen(&observed));
    let id = world.start(plan.clone());
    assert!(world.settle(1_000));
    assert_eq!(missing(&world, &id), [("R41.1".to_owned(), vec!["c-0".to_owned()])]);
    // What was never verified is no applied hotfix.
    Arc::make_mut(&mut observed.products).insert("a".parse().unwrap(), product(RecordPhase::Applied));
    world.append(engine, seen(&observed));
    assert!(world.settle(1_000));
    assert_eq!(state(&world, &id), RolloutState::Succeeded);
}

#[test]
fn a_claim_past_a_missing_hotfix_breaks_rule_10() {
    let mut world = World::new(Calm);
    go(&mut world, &Shape { first: 1, ..hotfix("R41.1", &["R41"], vec![WaveShape::of(1)]) });
    let id = go(&mut world, &normal("R42", &["R41"], vec![WaveShape::of(2)]));
    let attempt = crate::journal::AttemptId { rollout: id, cluster: "c-0".parse().unwrap(), attempt: 1 };
    let claim = Body::AttemptClaimed { attempt, wave: "w0".parse().unwrap() };
    let broken = invariant::check_effect(
        &world.state,
        &mut invariant::Recount::of(&world.state),
        &crate::rollout::Effect::Decide(claim),
        world.now,
    );
    assert_eq!(broken.unwrap_err().rule, 10);
}

#[test]
fn a_cluster_whose_pin_misses_a_hotfix_is_blocked_until_somebody_chooses() {
    let mut world = World::new(Calm);
    let shape = Shape { blocked: vec![1], ..hotfix("R41.1", &["R41"], vec![WaveShape::of(3)]) };
    let id = go(&mut world, &shape);
    let blocked = AttemptState::Blocked(BlockReason::PinMissesHotfix);
    assert_eq!(*attempt(&world.state, &id, "c-1"), blocked);
    assert_eq!(*attempt(&world.state, &id, "c-2"), AttemptState::Succeeded, "the others go on");
    let rollout = world.state.rollout(&id).unwrap();
    assert_eq!(rollout.wave(&"w0".parse().unwrap()).unwrap().1.phase(), WavePhase::Rolling);
    let waits = waits_of_rollout(&world.state, rollout, world.now);
    let wait = waits.iter().find(|w| w.cluster.is_some()).unwrap();
    assert!(
        matches!(&wait.kind, WaitKind::Blocked { reason: BlockReason::PinMissesHotfix, cause, .. }
        if cause.contains("pin PIN-1 of payments")),
        "{wait:?}"
    );
    assert_eq!(wait.until, None, "looking again changes nothing");
    let claimed = |e: &crate::journal::Event| matches!(&e.body, Body::AttemptClaimed { attempt, .. } if attempt.cluster.as_str() == "c-1");
    assert!(!world.events.iter().any(claimed), "no slot, no write");

    // A retry meets the same plan; a skip chooses.
    let retry = Command::Retry {
        rollout: id.clone(),
        which: RetryWhich::Named,
        clusters: vec!["c-1".parse().unwrap()],
        reason: None,
    };
    world.ask(&retry).unwrap();
    assert!(world.settle(1_000));
    assert_eq!(*attempt(&world.state, &id, "c-1"), blocked);
    world.ask(&skip(&id, &["c-1"])).unwrap();
    assert!(world.settle(1_000));
    assert_eq!(state(&world, &id), RolloutState::Succeeded);
}

#[test]
fn a_release_that_was_overtaken_by_a_hotfix_says_what_it_misses_and_not_who_was_first() {
    let mut world = World::new(Calm);
    let id = world.start(plan(&normal("R42", &["R41"], vec![WaveShape::of(2)])));
    let fix = world.start(plan(&Shape { first: 1, ..hotfix("R41.1", &["R41"], vec![WaveShape::of(1)]) }));
    assert!(world.settle(1_000) && world.refused.is_none(), "{:?}", world.refused);
    assert_eq!(state(&world, &fix), RolloutState::Succeeded);
    assert_eq!(*attempt(&world.state, &id, "c-0"), AttemptState::Succeeded, "it was at work already");
    assert_eq!(missing(&world, &id), [("R41.1".to_owned(), vec!["c-1".to_owned()])]);
    let rollout = world.state.rollout(&id).unwrap();
    let of_cluster = waits_of(&world.state, rollout, &"c-1".parse().unwrap(), world.now);
    assert!(of_cluster.iter().any(|w| matches!(w.kind, WaitKind::MissingHotfix(_))), "{of_cluster:?}");
    let stale =
        |w: &crate::rollout::Wait| matches!(w.kind, WaitKind::Deferred { .. } | WaitKind::InTheWay { .. });
    assert!(!of_cluster.iter().any(stale), "{of_cluster:?}");
}
