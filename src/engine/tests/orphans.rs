//! Scripts whose driver is gone: the crash table's row for scripts.

use std::collections::BTreeMap;

use super::fake::{Stage, process};
use super::scripted::plans;
use crate::engine::script::{Recovered, Script, Try, end_left};
use crate::journal::{AttemptId, StepId, StepOutcome};
use crate::model::{Duration, Tree};
use crate::plan::Repeat;
use crate::port::{ProcessId, Spawned};
use crate::rollout::Interrupted;

const TIMEOUT: Duration = Duration::minutes(10);

/// A script that was begun a minute ago.
fn left_on(place: &ProcessId) -> Interrupted {
    Interrupted {
        tries: 1,
        at: plans::start() - jiff::SignedDuration::from_secs(60),
        host: place.host.clone(),
        boot: place.boot.clone(),
        pid_namespace: place.pid_namespace.clone(),
        group: Some((4711, 1)),
    }
}

/// For how long it is waited, and which groups are ended.
async fn ending(left: Interrupted) -> (u64, Vec<Spawned>) {
    let stage = Stage::that_jumps();
    assert!(end_left(&stage.world(), TIMEOUT, &[left]).await.is_ok());
    let ended = stage.ports.ended.lock().unwrap().clone();
    (stage.clock.slept().as_secs(), ended)
}

#[tokio::test]
async fn a_script_out_of_sight_is_waited_out_to_its_deadline_and_never_signalled() {
    let host = ProcessId::WHOLE_HOST;
    // Ten minutes, less the one that has passed, and half a minute for ending it there.
    let until_its_deadline = (9 * 60 + 30, Vec::new());
    for elsewhere in [
        process(9, "there", "b9", host),
        process(9, "here", "b2", "pid:[4026532001]"),
        process(9, "here", "b2", ""),
    ] {
        assert_eq!(ending(left_on(&elsewhere)).await, until_its_deadline, "{elsewhere:?}");
    }
    let here = Spawned { group: 4711, start_ticks: 1 };
    assert_eq!(ending(left_on(&process(9, "here", "b2", host))).await, (0, vec![here]));
    assert_eq!(ending(left_on(&process(9, "here", "b1", host))).await, (0, Vec::new()), "before a restart");
    let never_ran = Interrupted { group: None, ..left_on(&process(9, "there", "b9", host)) };
    assert_eq!(ending(never_ran).await, (0, Vec::new()));
}

#[tokio::test]
async fn a_clock_that_is_ahead_over_there_is_waited_for_no_longer_than_a_script_may_take() {
    let there = left_on(&process(9, "there", "b9", ProcessId::WHOLE_HOST));
    let ahead = Interrupted { at: plans::start() + jiff::SignedDuration::from_hours(30), ..there };
    assert_eq!(ending(ahead).await, (10 * 60 + 30, Vec::new()));
}

/// What is done about an interrupted script, and what was run to find out.
async fn recovered(observe: Option<i32>, repeat: Repeat) -> (Recovered, Vec<Vec<String>>) {
    let stage = Stage::that_jumps();
    *stage.ports.code.lock().unwrap() = observe.unwrap_or_default();
    let script = Script {
        files: Tree::default(),
        command: vec!["./work.sh".to_owned()],
        observe: observe.map(|_| vec!["./look.sh".to_owned()]),
        env: BTreeMap::new(),
        secrets: BTreeMap::new(),
        mask: Vec::new(),
        timeout: TIMEOUT,
    };
    let attempt = AttemptId { rollout: "R1-1".parse().unwrap(), cluster: "c-0".parse().unwrap(), attempt: 1 };
    let step = StepId::Deploy { product: "a".parse().unwrap(), step: "s0".to_owned() };
    let id = Try { attempt, step, tries: 2, first: 1 };
    let recovered = script.recover(&stage.world(), &id, repeat).await;
    let ran = stage.ports.ran.lock().unwrap().clone();
    (recovered, ran)
}

#[tokio::test]
async fn then_it_is_observed_else_run_again_if_that_is_safe_else_a_person_is_asked() {
    let look = || vec![vec!["./look.sh".to_owned()]];
    for repeat in [Repeat::Observe, Repeat::Safe] {
        let (done, ran) = recovered(Some(0), repeat).await;
        assert!(matches!(done, Recovered::Finished(StepOutcome::Done { .. })));
        assert_eq!(ran, look());
        let (again, ran) = recovered(Some(1), repeat).await;
        assert!(matches!(again, Recovered::Again));
        assert_eq!(ran, look());
        let (unknown, _) = recovered(Some(2), repeat).await;
        assert!(matches!(unknown, Recovered::Finished(StepOutcome::Unknown { .. })));
    }
    let (again, ran) = recovered(None, Repeat::Safe).await;
    assert!(matches!(again, Recovered::Again) && ran.is_empty());
    let (unknown, ran) = recovered(None, Repeat::Never).await;
    assert!(matches!(unknown, Recovered::Finished(StepOutcome::Unknown { .. })) && ran.is_empty());
}
