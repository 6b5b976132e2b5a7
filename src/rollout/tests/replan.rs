//! A rollout that goes on by another plan of its release, as the core alone decides it.

use super::fleet::{abort, cluster, phase, preflights, rolled, state, steps};
use super::scripted::plans::{Revision, Shape, WaveShape, plan, revised};
use super::scripted::world::{Calm, Fate, World, done, failed};
use crate::diag::codes;
use crate::journal::{Answer, BlockReason, Body, FailureClass, Preflight, RetryWhich, Side, StepOutcome};
use crate::model::RolloutId;
use crate::plan::{Change, Plan};
use crate::rollout::{AttemptState, Becomes, Command, RefusalExit, RolloutState, WavePhase, admit, legal};

fn asked(id: &RolloutId, plan: &Plan) -> Command {
    Command::Replan { rollout: id.clone(), plan: Box::new(plan.clone()), reason: Some("why not".to_owned()) }
}

fn replan(world: &mut World<impl Fate>, id: &RolloutId, how: Revision) -> Plan {
    let new = revised(world.state.rollout(id).unwrap().plan(), how);
    world.ask(&asked(id, &new)).unwrap();
    assert_eq!(world.refused, None);
    new
}

fn number(world: &World<impl Fate>, id: &RolloutId, name: &str) -> u32 {
    world.state.rollout(id).unwrap().cluster(&name.parse().unwrap()).unwrap().attempt().number()
}

fn becomes(world: &World<impl Fate>, id: &RolloutId, how: Revision) -> Vec<(String, Becomes)> {
    let rollout = world.state.rollout(id).unwrap();
    let found = rollout.replanned(&revised(rollout.plan(), how));
    found.waves.into_iter().map(|w| (w.name.to_string(), w.becomes)).collect()
}

/// Two waves, the second behind an approval.
fn gated() -> Shape {
    Shape::of(vec![WaveShape::of(2), WaveShape { before: true, ..WaveShape::of(2) }])
}

#[test]
fn a_wave_whose_digest_did_not_change_keeps_phase_answers_approvals_and_attempts() {
    let (mut world, id) = rolled(Calm, &gated());
    world.approve(&id, "w1").unwrap();
    // What the first wave came to is not touched by a cap of the first: the yes for the second stands.
    replan(&mut world, &id, Revision::Cap(0));
    assert_eq!(phase(&world, &id, "w0"), WavePhase::Done, "nothing has to happen in it");
    assert_eq!(phase(&world, &id, "w1"), WavePhase::GatesBefore);
    assert!(world.settle(1_000));
    assert_eq!(*state(&world, &id), RolloutState::Succeeded, "the yes counted");
    for name in ["c-0", "c-1", "c-2", "c-3"] {
        assert_eq!(number(&world, &id, name), 1);
    }
}

#[test]
fn a_wave_with_another_digest_asks_its_gates_anew() {
    let (mut world, id) = rolled(Calm, &gated());
    world.approve(&id, "w1").unwrap();
    replan(&mut world, &id, Revision::Cap(1));
    assert_eq!(phase(&world, &id, "w1"), WavePhase::Waiting);
    assert!(world.settle(1_000));
    assert_eq!(phase(&world, &id, "w1"), WavePhase::GatesBefore, "the yes was for another wave");
    world.approve(&id, "w1").unwrap();
    assert!(world.settle(1_000));
    assert_eq!(*state(&world, &id), RolloutState::Succeeded);
}

#[test]
fn an_answer_that_was_on_its_way_does_not_open_the_wave_that_changed() {
    let (mut world, id) = rolled(Calm, &gated());
    world.approve(&id, "w1").unwrap();
    let (wave, gate) = ("w1".parse().unwrap(), "approval".parse().unwrap());
    let rollout = world.state.rollout(&id).unwrap();
    let revision = rollout.wave(&wave).unwrap().1.gate(Side::Before, &gate).map(|g| g.revision());
    let evidence = rollout.evidence(&wave, Side::Before);
    let answer = Answer { open: true, evidence, facts: Vec::new(), expires: None };
    replan(&mut world, &id, Revision::Cap(1));
    let body = Body::WaveReached { rollout: id.clone(), wave: wave.clone() };
    world.append(crate::model::Actor::engine(), body);
    let late = Body::GateAnswered { rollout: id, wave, side: Side::Before, gate, answer, revision };
    assert!(world.state.check(&late).unwrap_err().contains("has moved"));
}

#[test]
fn clusters_whose_inputs_did_not_change_keep_their_result_and_the_other_one_gets_a_new_attempt() {
    let (mut world, id) = rolled(Calm, &gated());
    assert_eq!(
        becomes(&world, &id, Revision::Inputs(0)),
        [("w0".to_owned(), Becomes::Anew), ("w1".to_owned(), Becomes::Kept)]
    );
    replan(&mut world, &id, Revision::Inputs(0));
    assert_eq!(*cluster(&world, &id, "c-0"), AttemptState::Pending);
    assert_eq!(*cluster(&world, &id, "c-1"), AttemptState::Succeeded);
    assert!(world.settle(1_000));
    assert_eq!(*cluster(&world, &id, "c-0"), AttemptState::Succeeded);
    assert_eq!((number(&world, &id, "c-0"), number(&world, &id, "c-1")), (2, 1));
    assert_eq!(phase(&world, &id, "w0"), WavePhase::Done);
    let rollout = world.state.rollout(&id).unwrap();
    assert!(rollout.cluster(&"c-0".parse().unwrap()).unwrap().half_updated(), "it knows of the first");
}

#[test]
fn a_rollback_still_knows_what_a_cluster_ran_before_the_rollout() {
    let (mut world, id) = rolled(Calm, &gated());
    let old = world.state.rollout(&id).unwrap().plan().clone();
    // The new plan is made when c-0 runs what the rollout has brought.
    let mut new = revised(&old, Revision::Cap(1));
    let seen = &mut new.waves[0].pools[0].clusters[0];
    seen.observed_at = world.now;
    seen.targets.iter_mut().for_each(|target| target.change = Change::Unchanged);
    let digest = new.digest;
    world.ask(&asked(&id, &new)).unwrap();
    let kept = world.state.rollout(&id).unwrap().plan();
    assert_eq!(kept.digest, digest);
    assert_eq!(kept.waves[0].pools[0].clusters[0], old.waves[0].pools[0].clusters[0]);
}

#[test]
fn a_wave_that_is_added_before_a_done_one_goes_first_and_one_that_is_gone_takes_its_clusters_along() {
    let (mut world, id) = rolled(Calm, &gated());
    let before = world.state.rollout(&id).unwrap().plan().clone();
    let new = replan(&mut world, &id, Revision::WaveAdded(0));
    assert_eq!(phase(&world, &id, "w0"), WavePhase::Done);
    assert_eq!(phase(&world, &id, "w1"), WavePhase::GatesBefore);
    assert!(world.settle(1_000));
    let added = new.waves[0].name.as_str();
    assert_eq!(phase(&world, &id, added), WavePhase::Done);
    world.ask(&asked(&id, &before)).unwrap();
    assert!(world.state.rollout(&id).unwrap().wave(&new.waves[0].name).is_none());
    // It comes back: its clusters are not taken for new ones.
    world.ask(&asked(&id, &new)).unwrap();
    let name = new.waves[0].pools[0].clusters[0].name.as_str();
    assert_eq!(number(&world, &id, name), 2);
    assert!(world.settle(1_000));
    world.approve(&id, "w1").unwrap();
    assert!(world.settle(1_000));
    assert_eq!(*state(&world, &id), RolloutState::Succeeded);
}

#[test]
fn a_cluster_that_is_moved_keeps_its_result_and_both_waves_start_anew() {
    let (mut world, id) = rolled(Calm, &gated());
    replan(&mut world, &id, Revision::Moved(0, 1));
    assert_eq!(phase(&world, &id, "w0"), WavePhase::Done, "what is left in it is done");
    assert_eq!(phase(&world, &id, "w1"), WavePhase::Waiting);
    assert_eq!(*cluster(&world, &id, "c-0"), AttemptState::Succeeded);
    assert!(world.settle(1_000));
    world.approve(&id, "w1").unwrap();
    assert!(world.settle(1_000));
    assert_eq!(*state(&world, &id), RolloutState::Succeeded);
    assert_eq!(number(&world, &id, "c-0"), 1);
}

#[test]
fn a_replan_is_refused_for_what_cannot_be_and_says_why() {
    let mut world = World::new(Calm);
    let id = world.start(plan(&gated()));
    while world.state.in_flight() == 0 {
        world.round();
        world.advance();
    }
    let current = Plan::clone(world.state.rollout(&id).unwrap().plan());
    let new = revised(&current, Revision::Cap(1));
    let refused =
        |world: &World<Calm>, plan: &Plan| admit(&world.state, &asked(&id, plan), world.now).unwrap_err();
    let busy = refused(&world, &new);
    assert!(busy.sentence.contains("pause it first"), "{}", busy.sentence);
    assert!(busy.legal.contains(&format!("tidegate rollout pause {id}")), "{:?}", busy.legal);
    world.ask(&Command::Pause { rollout: id.clone(), reason: None }).unwrap();
    assert!(world.settle(1_000));
    assert_eq!(*state(&world, &id), RolloutState::Paused);
    assert!(legal(world.state.rollout(&id).unwrap()).iter().any(|c| c.contains("rollout replan")));
    let nothing = refused(&world, &current);
    assert_eq!((nothing.code, nothing.exit), (&codes::REPLAN_NOTHING, RefusalExit::Conflict));
    let mut other = new.clone();
    other.release.digest = crate::digest::bytes(b"another one");
    assert_eq!(refused(&world, &other).code, &codes::REPLAN_OTHER_RELEASE);
    assert!(world.ask(&asked(&id, &new)).is_ok());
    world.ask(&abort(&id)).unwrap();
    assert!(world.settle(1_000));
    assert!(refused(&world, &new).sentence.contains("aborted"));
}

#[test]
fn what_is_blocked_as_stale_comes_free_by_a_new_plan_even_the_same_one() {
    let mut looks = 0;
    let stale = preflights(move |_, _| {
        looks += 1;
        let cause = "c-0 runs a 9.0.0, which is newer".to_owned();
        (looks == 1).then_some(Preflight::Blocked { reason: BlockReason::Stale, cause })
    });
    let mut world = World::new(stale);
    let id = world.start(plan(&Shape::of(vec![WaveShape::of(1)])));
    while !matches!(cluster(&world, &id, "c-0"), AttemptState::Blocked(_)) {
        world.round();
        world.advance();
    }
    replan(&mut world, &id, Revision::Same);
    assert_eq!(*cluster(&world, &id, "c-0"), AttemptState::Pending);
    assert!(world.settle(1_000));
    assert_eq!(*state(&world, &id), RolloutState::Succeeded);
    assert_eq!(number(&world, &id, "c-0"), 2);
}

#[test]
fn a_halt_whose_cause_is_gone_becomes_a_pause_and_one_whose_cause_is_there_stays() {
    let fate = || {
        let mut bad = true;
        steps(move |name, _, _| -> StepOutcome {
            if name == "c-0" && std::mem::replace(&mut bad, false) {
                failed(FailureClass::Permanent)
            } else {
                done()
            }
        })
    };
    let (mut world, id) = rolled(fate(), &gated());
    assert!(matches!(state(&world, &id), RolloutState::Halted { .. }));
    replan(&mut world, &id, Revision::Cap(0));
    assert!(matches!(state(&world, &id), RolloutState::Halted { .. }), "c-0 still failed");
    replan(&mut world, &id, Revision::Inputs(0));
    assert_eq!(*state(&world, &id), RolloutState::Paused);
    world.ask(&Command::Resume { rollout: id.clone(), raise_budget: None, reason: None }).unwrap();
    assert!(world.settle(1_000));
    world.approve(&id, "w1").unwrap();
    assert!(world.settle(1_000));
    assert_eq!(*state(&world, &id), RolloutState::Succeeded);
    let retry = Command::Retry { rollout: id, which: RetryWhich::Failed, clusters: Vec::new(), reason: None };
    assert!(world.ask(&retry).is_err(), "nothing failed by the plan that is");
}

#[test]
fn a_plan_that_leaves_out_what_was_written_to_is_refused() {
    let (world, id) = rolled(Calm, &gated());
    let mut new = (**world.state.rollout(&id).unwrap().plan()).clone();
    new.waves[0].pools[0].clusters.retain(|c| c.name.as_str() != "c-1");
    new.unassigned.push("c-1".parse().unwrap());
    let refusal = admit(&world.state, &asked(&id, &new), world.now).unwrap_err();
    assert!(refusal.sentence.contains("c-1"), "{refusal}");
}
