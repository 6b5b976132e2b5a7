//! The rules that always hold, over random schedules of the pure core in a scripted world: kept in
//! every log (by a checker that reads nothing but the log), every rollout comes to an end or says
//! what it waits for, a log always folds to the same state, and mutants are caught.
//!
//! `TIDEGATE_SEED=N` plays the schedules of one run again.

#![allow(clippy::unwrap_used)]

mod back;
mod cheats;
mod checker;
mod inputs;
mod live;
mod mutants;
mod scale;
mod schedules;
#[path = "../scripted/mod.rs"]
mod scripted;
mod tags;

use std::collections::BTreeMap;
use std::sync::Mutex;

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};
use tidegate::journal::HaltCause;
use tidegate::rollout::invariant::Recount;
use tidegate::rollout::{Command, FleetState, Rollout, WaitKind, effects, waits_of_rollout};

use checker::Checker;
use schedules::{Chance, Schedule, clear, mend, play, schedule};
use scripted::world::World;

/// Schedules of a whole run, shared out over the tests of this name.
const SCHEDULES: u32 = 10_000;
const PARTS: u32 = 4;

/// A schedule with fewer events than this says nothing.
const ENOUGH: usize = 12;

fn runner(cases: u32, seed: u64) -> TestRunner {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let config = Config {
        cases,
        max_shrink_iters: 400,
        max_global_rejects: 4 * cases,
        failure_persistence: None,
        ..Config::default()
    };
    TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes))
}

/// The same schedules on each run, so that the same code gets the same verdict; `TIDEGATE_SEED` is
/// another number, or `fresh` for schedules that nobody has seen (`make soak`).
fn seed() -> u64 {
    match std::env::var("TIDEGATE_SEED").ok().as_deref() {
        None => 42,
        Some("fresh") => u64::from(uuid::Uuid::new_v4().as_fields().0),
        Some(number) => number.parse().expect("TIDEGATE_SEED is a number, or `fresh`"),
    }
}

fn keeps_the_rules(world: &World<Chance>) -> Result<Checker, TestCaseError> {
    if let Some(impossible) = &world.refused {
        return Err(TestCaseError::fail(format!("the core's own event was refused: {impossible}")));
    }
    if let Some(repeated) = world.unsafe_repeats.first() {
        return Err(TestCaseError::fail(format!(
            "{repeated} was done again, and nobody knew how it had ended"
        )));
    }
    Checker::read(&world.events).map_err(TestCaseError::fail)
}

/// The log alone gives the same state, and the same effects.
fn folds_again(world: &World<Chance>) -> Result<(), TestCaseError> {
    let mut again = FleetState::new();
    for event in &world.events {
        again.apply(event).map_err(|e| TestCaseError::fail(e.to_string()))?;
    }
    if again != world.state || effects(&again, world.now) != effects(&world.state, world.now) {
        return Err(TestCaseError::fail("the log folds to another state"));
    }
    if Recount::of(&again) != world.recount {
        return Err(TestCaseError::fail("the count that followed the log is not that of its end"));
    }
    Ok(())
}

/// Nothing stands still without a reason that a person or time can end.
fn says_what_it_waits_for(world: &World<Chance>) -> Result<(), TestCaseError> {
    for rollout in world.state.open_rollouts() {
        let waits = waits_of_rollout(&world.state, rollout, world.now);
        let global = |kind: &WaitKind| matches!(kind, WaitKind::Cap { .. } | WaitKind::Region { .. });
        if !waits.iter().any(|w| w.kind.is_external() || global(&w.kind)) {
            let id = rollout.id();
            return Err(TestCaseError::fail(format!("{id} stands still and says only {waits:?}")));
        }
    }
    Ok(())
}

/// How much has happened, apart from clusters that are tried again and found to wait as before, and from
/// yeses that are asked for anew because of that.
fn moved(world: &World<Chance>) -> usize {
    let again =
        |name| matches!(name, "attempt.retry" | "attempt.deferred" | "approval.given" | "gate.answered");
    world.events.iter().filter(|e| !again(e.body.name())).count()
}

/// With a world that is well again and a patient person, every rollout comes to its end.
fn comes_to_an_end(world: &mut World<Chance>) -> Result<(), TestCaseError> {
    world.fate.well = true;
    world.settle(900);
    says_what_it_waits_for(world)?;
    for _ in 0..40 {
        let before = moved(world);
        let open: Vec<_> = world.state.open_rollouts().map(|r| r.id().clone()).collect();
        if open.is_empty() {
            return Ok(());
        }
        clear(world);
        for id in &open {
            mend(world, id);
        }
        world.settle(600);
        if moved(world) > before {
            continue;
        }
        // What is held by a cap of 0, or proved nothing by tests, can only be ended.
        let held = |rollout: &&Rollout| {
            let waits = waits_of_rollout(&world.state, rollout, world.now);
            waits.iter().any(|w| {
                let no_tests = matches!(w.kind, WaitKind::Halted { cause: HaltCause::NoTests });
                no_tests || matches!(w.kind, WaitKind::Hold { .. })
            })
        };
        let Some(id) = world.state.open_rollouts().find(held).map(|r| r.id().clone()) else {
            let stuck = world.state.open_rollouts().map(|r| (r.id(), r.state(), r.counts()));
            return Err(TestCaseError::fail(format!("for good: {:?}", stuck.collect::<Vec<_>>())));
        };
        world.ask(&Command::Abort { rollout: id, reason: None }).unwrap();
        world.settle(600);
    }
    Err(TestCaseError::fail("it never ends"))
}

/// What happens in a schedule, a line for each event.
fn log_of(schedule: &Schedule) -> String {
    scripted::world::TRACE.set(Some(Vec::new()));
    let _ = std::panic::catch_unwind(|| comes_to_an_end(&mut play(schedule, effects, true)));
    scripted::world::TRACE.take().unwrap_or_default().join("\n")
}

/// Plays a share of the schedules.
fn share(part: u32) {
    let seed = seed().wrapping_add(u64::from(part));
    let cases = SCHEDULES / PARTS;
    let seen: Mutex<BTreeMap<&'static str, u32>> = Mutex::default();
    let counted = Mutex::new(0_u32);
    let outcome = runner(cases, seed).run(&schedule(), |schedule: Schedule| {
        let mut world = play(&schedule, effects, true);
        if world.events.len() < ENOUGH {
            return Err(TestCaseError::reject("hardly anything happened"));
        }
        folds_again(&world)?;
        comes_to_an_end(&mut world)?;
        let checker = keeps_the_rules(&world)?;
        let mut seen = seen.lock().unwrap();
        for (event, n) in checker.seen {
            *seen.entry(event).or_default() += n;
        }
        *counted.lock().unwrap() += 1;
        Ok(())
    });
    match outcome {
        Ok(()) => {}
        Err(TestError::Fail(why, schedule)) => {
            let log = log_of(&schedule);
            panic!("TIDEGATE_SEED={seed}: {why}\n{schedule:#?}\n{log}")
        }
        Err(TestError::Abort(why)) => panic!("TIDEGATE_SEED={seed}: {why}"),
    }
    // A run in which something never happened has shown nothing about it.
    let seen = seen.into_inner().unwrap();
    for event in [
        "rollout.halted",
        "rollout.paused",
        "rollout.aborted",
        "rollout.finished",
        "rollout.resume",
        "wave.skipped",
        "wave.soaked",
        "wave.cluster-observed",
        "wave.verify",
        "wave.tag-failed",
        "wave.tag-pushed",
        "wave.done",
        "gate.answered",
        "approval.given",
        "approval.revoked",
        "attempt.retry",
        "attempt.skip",
        "driver.took-over",
        "stop-the-line.on",
        "stop-the-line.off",
        "cluster.hold",
        "cluster.release",
        "calendar.recorded",
        "attempt.deferred",
        "rollout.superseded",
        "rollout.replanned",
        "membership.recorded",
        "membership.doubted",
        "attempt.departed",
        "rollout.joined",
        "rollout.not-joined",
        "(a rollback)",
        "(rolled back)",
    ] {
        let found = seen.get(event).copied().unwrap_or(0);
        assert!(found >= 20, "`{event}` came only {found} times in {cases} schedules: {seen:?}");
    }
    assert_eq!(*counted.lock().unwrap(), cases);
}

#[test]
fn the_rules_hold_in_every_schedule_first_quarter() {
    share(0);
}

#[test]
fn the_rules_hold_in_every_schedule_second_quarter() {
    share(1);
}

#[test]
fn the_rules_hold_in_every_schedule_third_quarter() {
    share(2);
}

#[test]
fn the_rules_hold_in_every_schedule_last_quarter() {
    share(3);
}

#[test]
fn every_mutant_is_caught_within_some_hundred_schedules() {
    for (name, mutant) in mutants::ALL {
        let mut runner = runner(1, 7);
        let mut caught = None;
        // The budget of the catch-up lane is rarely spent.
        let most = if name.starts_with("late") { 6_000 } else { 600 };
        for n in 1..=most {
            let schedule = schedule().new_tree(&mut runner).unwrap().current();
            let world = play(&schedule, mutant, false);
            if let Err(why) = Checker::read(&world.events) {
                caught = Some((n, why));
                break;
            }
        }
        let (n, why) = caught.unwrap_or_else(|| panic!("`{name}` was not caught"));
        let rule = match name {
            "wave started early" | "unobserved time counted" => "rule 1",
            "cap exceeded" => "rule 2",
            "budget ignored" | "stop ignored" | "late budget ignored" => "rule 3",
            "queue ignored" => "rule 5",
            "approval kept over a new digest" => "rule 6",
            "step repeated" => "rule 7",
            "departure ignored" => "rule 4",
            "hold ignored" | "window ignored" | "sleep ignored" | "deadline burnt by waiting" => "rule 8",
            "hotfix ignored" => "rule 10",
            "pin ignored" => "rule 12",
            "rollback forward" | "one-way step backward" => "rule 11",
            other => panic!("no rule is known for `{other}`"),
        };
        assert!(why.contains(rule), "`{name}` was caught after {n} schedules, for another reason: {why}");
    }
}

#[test]
fn every_mutant_is_stopped_by_the_rules_before_it_acts() {
    for (name, mutant) in mutants::ALL {
        let mut runner = runner(1, 7);
        let most = if name.starts_with("late") { 6_000 } else { 600 };
        let stopped = (1..=most).any(|_| {
            let schedule = schedule().new_tree(&mut runner).unwrap().current();
            let played = std::panic::catch_unwind(|| play(&schedule, mutant, true));
            played.is_err_and(|panic| {
                let why = panic.downcast_ref::<String>().cloned().unwrap_or_default();
                assert!(why.contains("Broken"), "`{name}` fell over something else: {why}");
                true
            })
        });
        assert!(stopped, "the rules let `{name}` pass");
    }
}
