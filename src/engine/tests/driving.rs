//! Driving to its end: past a troubled journal, beside a busy rollout, over a panic.

use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::fake::{Deed, LEASE, Stage, times};
use super::memory::Disk;
use super::scripted::plans::{Shape, WaveShape, plan};
use crate::engine::{Drive, DriveError, Ended, NotDriver, Rules, StopRequest, Until, drive};
use crate::journal::{Body, Event, FailureClass, Preflight, StepId, StepOutcome};
use crate::model::RolloutId;
use crate::rollout::{Class, Effect, FleetState, RolloutState};

/// A plan over clusters of its own, one at a time, which tolerates so many failures.
fn planned(release: &str, clusters: usize, failures: u32) -> crate::plan::Plan {
    let wave = WaveShape { at_once: Some(1), failures, ..WaveShape::of(clusters) };
    let prefix = release.to_lowercase();
    plan(&Shape { release: release.to_owned(), prefix, ..Shape::of(vec![wave]) })
}

async fn driven(stage: &Stage, named: &[&RolloutId]) -> Result<Ended, DriveError> {
    let (_stop, stop) = watch::channel(StopRequest::None);
    let rollouts = named.iter().map(|id| (*id).clone()).collect();
    let options = Drive { rollouts, until: Until::Done, standby: false, stop, rules: Rules::default() };
    let (world, times) = (stage.world(), times());
    let mut seen = |_: &Event, _: &FleetState| {};
    let driving = drive(&world, &times, options, &mut seen);
    let (ended, _) = Box::pin(tokio::time::timeout(LEASE * 20, driving)).await.expect("it never ends")?;
    Ok(ended)
}

fn soon() -> Deed {
    Deed::Missing(Duration::from_millis(20))
}

#[tokio::test]
async fn a_journal_that_is_full_for_a_while_ends_no_driver() {
    let stage = Stage::new();
    let id = stage.start(planned("R1", 8, 100), Deed::Missing(Duration::from_millis(60))).await;
    let stop = async {
        tokio::time::sleep(Duration::from_millis(150)).await;
        stage.journal.disk(Disk::Full);
        let before = stage.journal.events().len();
        tokio::time::sleep(LEASE * 2 / 3).await;
        assert_eq!(stage.journal.events().len(), before);
        stage.journal.disk(Disk::Well);
        // All clusters fail within the budget; the wave's tag can't be made here, so it never ends.
        while stage.state().rollout(&id).unwrap().counts().of(Class::Failed) < 8 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let named = [&id];
    tokio::select! {
        ended = driven(&stage, &named) => panic!("{ended:?}"),
        () = stop => {}
    }
}

#[tokio::test]
async fn what_was_written_and_reported_as_failed_is_neither_written_twice_nor_lost() {
    let stage = Stage::new();
    let id = stage.start(planned("R1", 3, 0), soon()).await;
    stage.journal.disk(Disk::Forgetful);
    assert_eq!(driven(&stage, &[&id]).await.unwrap(), Ended::Reached);
    let state = stage.state();
    assert!(matches!(state.rollout(&id).unwrap().state(), RolloutState::Halted { .. }));
    let names: Vec<_> = stage.journal.events().iter().map(|event| event.body.name()).collect();
    let once = |name: &str| names.iter().filter(|n| **n == name).count();
    for name in
        ["driver.took-over", "rollout.started", "attempt.claimed", "attempt.finished", "driver.released"]
    {
        assert_eq!(once(name), 1, "{name} in {names:?}");
    }
}

#[tokio::test]
async fn a_journal_that_hangs_ends_the_driver_when_its_lease_ends() {
    let stage = Stage::new();
    let id = stage.start(planned("R1", 50, 100), Deed::Missing(Duration::from_millis(60))).await;
    let hang = async {
        tokio::time::sleep(Duration::from_millis(150)).await;
        stage.journal.disk(Disk::Hangs);
        std::future::pending::<()>().await;
    };
    let begun = Instant::now();
    let named = [&id];
    let ended = tokio::select! {
        ended = driven(&stage, &named) => ended,
        () = hang => unreachable!(),
    };
    assert!(matches!(ended, Err(DriveError::NotDriver(NotDriver::Fault(_)))), "{ended:?}");
    assert!(begun.elapsed() >= LEASE * 2 / 3, "ended after {:?}", begun.elapsed());
}

#[tokio::test]
async fn a_busy_rollout_does_not_keep_a_drive_whose_own_rollouts_have_ended() {
    let stage = Stage::new();
    let busy = stage.start(planned("R2", 30, 100), Deed::Missing(Duration::from_millis(300))).await;
    let own = stage.start(planned("R1", 1, 0), soon()).await;
    assert_eq!(driven(&stage, &[&own]).await.unwrap(), Ended::Reached);
    let state = stage.state();
    assert!(matches!(state.rollout(&own).unwrap().state(), RolloutState::Halted { .. }));
    let other = state.rollout(&busy).unwrap();
    // Thirty clusters one after another take nine seconds.
    let ended = other.counts().of(Class::Failed);
    assert!(ended <= 10, "{ended} clusters of the other rollout were waited for");
    assert_eq!(*other.state(), RolloutState::Running);
    // What ran was let end, and is in the journal.
    let events = stage.journal.events();
    let of_busy = |body: &Body| body.rollout() == Some(&busy);
    let last = events.iter().rev().find(|event| of_busy(&event.body)).unwrap();
    assert!(!matches!(last.body, Body::AttemptClaimed { .. }), "cut off: {:?}", last.body);
}

#[tokio::test]
async fn a_panic_while_a_cluster_is_looked_at_fails_that_cluster_alone_and_says_that_it_is_a_bug() {
    let stage = Stage::new();
    let broken = stage.start(planned("R1", 1, 0), Deed::Panic).await;
    let other = stage.start(planned("R2", 1, 0), soon()).await;
    assert_eq!(driven(&stage, &[&broken, &other]).await.unwrap(), Ended::Reached);
    let events = stage.journal.events();
    let verdict = events.iter().find_map(|event| match &event.body {
        Body::AttemptPreflighted { attempt, preflight: Preflight::Failed { class, cause }, .. }
            if attempt.rollout == broken =>
        {
            Some((*class, cause.clone()))
        }
        _ => None,
    });
    let (class, cause) = verdict.unwrap();
    assert_eq!(class, FailureClass::Permanent);
    assert_eq!(
        cause,
        "a bug in tidegate: it panicked (an index that is out of bounds); it only looked at the cluster, and changed no product there"
    );
}

#[test]
fn of_a_step_that_panicked_nobody_knows_how_far_it_got() {
    let attempt = crate::journal::AttemptId {
        rollout: "R1-1".parse().unwrap(),
        cluster: "c-0".parse().unwrap(),
        attempt: 1,
    };
    let step = crate::journal::AttemptStep {
        id: StepId::Seal,
        timeout: crate::model::Duration::minutes(1),
        repeat: crate::plan::Repeat::Safe,
        retries: 3,
    };
    let effect = Effect::Step { attempt, step, tries: 1, interrupted: Vec::new() };
    let recorded = crate::engine::task::after_panic(&effect, "overflow");
    let [Body::StepFinished { outcome: StepOutcome::Unknown { cause }, .. }] = &recorded[..] else {
        panic!("{recorded:?}");
    };
    assert_eq!(cause, "a bug in tidegate: it panicked (overflow); nobody knows how far the step got");
}
