//! Who gets the driver's lease, and how long it is believed in.

use std::sync::Arc;
use std::time::Duration;

use super::fake::{LEASE, Stage, process, times};
use super::memory::Disk;
use crate::engine::cluster::Leave;
use crate::engine::{Lease, NotDriver};
use crate::port::{DriverLease, ProcessId};

fn held_by(holder: &ProcessId) -> DriverLease {
    let ProcessId { pid, start_ticks, host, boot, pid_namespace } = holder.clone();
    let until = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(60);
    DriverLease { fence: 7, process: holder.label(), host, boot, pid_namespace, pid, start_ticks, until }
}

/// The fence with which this process gets the lease of `holder`, if it does at once.
async fn taken_from(holder: &ProcessId) -> Option<u64> {
    let stage = Stage::new();
    stage.journal.hand_to(held_by(holder));
    match Lease::take(&stage.world(), &times(), false).await {
        Ok(lease) => Some(lease.fence()),
        Err(NotDriver::Held(_)) => None,
        Err(other) => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_lease_is_taken_over_at_once_only_where_its_holder_could_be_seen_and_is_not() {
    let host = ProcessId::WHOLE_HOST;
    assert_eq!(taken_from(&process(9, "here", "b2", host)).await, Some(8), "dead on this host");
    assert_eq!(taken_from(&process(9, "here", "b1", host)).await, Some(8), "dead since the last boot");
    assert_eq!(taken_from(&process(9, "here", "b2", "pid:[7]")).await, None, "in a container of this host");
    assert_eq!(taken_from(&process(9, "here", "b2", "")).await, None, "an older version's row");
    assert_eq!(taken_from(&process(9, "there", "b2", host)).await, None, "another host");
}

#[tokio::test]
async fn a_lease_outlives_a_journal_that_fails_or_hangs_for_a_while() {
    for trouble in [Disk::Full, Disk::Hangs] {
        let stage = Stage::new();
        let lease = Lease::take(&stage.world(), &times(), false).await.unwrap();
        let troubled = async {
            stage.journal.disk(trouble);
            tokio::time::sleep(LEASE * 2 / 3).await;
            stage.journal.disk(Disk::Well);
            tokio::time::sleep(LEASE * 2).await;
        };
        tokio::select! {
            lost = lease.keep() => panic!("{lost}"),
            () = troubled => {}
        }
        assert!(lease.holds_for(Duration::ZERO));
    }
}

#[tokio::test]
async fn a_lease_is_given_up_when_a_journal_hangs_past_its_end_and_not_before() {
    let stage = Stage::new();
    let lease = Lease::take(&stage.world(), &times(), false).await.unwrap();
    stage.journal.disk(Disk::Hangs);
    let begun = std::time::Instant::now();
    let lost = tokio::time::timeout(LEASE * 10, lease.keep()).await.expect("it is waited for without limit");
    assert!(matches!(lost, NotDriver::Fault(_)), "{lost}");
    assert!(begun.elapsed() >= LEASE * 9 / 10, "given up after {:?}", begun.elapsed());
    assert!(!lease.holds_for(Duration::ZERO));
}

#[tokio::test]
async fn who_slept_past_its_lease_waits_for_leave_until_it_is_renewed() {
    let stage = Stage::new();
    let lease = Arc::new(Lease::take(&stage.world(), &times(), false).await.unwrap());
    lease.granted(times().request).await;
    // As if the process had been frozen.
    *stage.clock.jumped.lock().unwrap() += LEASE * 2;
    let late = tokio::time::timeout(LEASE / 4, lease.granted(Duration::ZERO)).await;
    assert!(late.is_err(), "a request was begun after the lease's end");
    // Nobody took over meanwhile, so that it is renewed.
    tokio::select! {
        lost = lease.keep() => panic!("{lost}"),
        () = lease.granted(times().request) => {}
    }
}
