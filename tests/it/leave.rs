//! A driver's leave: nothing is asked of a cluster without it, the first question included.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tidegate::engine::cluster::{Cluster, Discoveries, Leave};
use tidegate::port::Clock;
use tokio::sync::watch;

use crate::desk::{Desk, REQUEST};

/// Which lengths are let through, and for which it was asked.
struct Door {
    longest: watch::Sender<Option<Duration>>,
    asked: std::sync::Mutex<Vec<Duration>>,
}

#[async_trait]
impl Leave for Door {
    async fn granted(&self, length: Duration) {
        self.asked.lock().unwrap().push(length);
        let mut longest = self.longest.subscribe();
        longest.wait_for(|longest| longest.is_some_and(|longest| length <= longest)).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_driver_without_leave_neither_reads_nor_takes_a_clusters_lease() {
    let desk = Desk::api_only("leave").await;
    let door = Arc::new(Door { longest: watch::Sender::new(None), asked: std::sync::Mutex::default() });
    let clock: Arc<dyn Clock> = desk.clock.clone();
    let cluster = Cluster::driven(desk.client.clone(), clock, REQUEST, door.clone(), Discoveries::default());
    let lease = "/apis/coordination.k8s.io/v1/namespaces/tidegate-system/leases/operator";
    let requests = || desk.bed.audit().iter().filter(|e| e.request_uri.contains("tidegate-system")).count();

    // Nothing is let through: nothing is asked.
    let claimant = desk.claimant(1);
    let taking = desk.acquire(&cluster, &claimant);
    tokio::pin!(taking);
    assert!(tokio::time::timeout(Duration::from_millis(600), &mut taking).await.is_err());
    assert_eq!(requests(), 0);

    // Questions are, and writes are not: the lease is about to end.
    door.longest.send_replace(Some(Duration::ZERO));
    assert!(tokio::time::timeout(Duration::from_millis(600), &mut taking).await.is_err());
    assert!(door.asked.lock().unwrap().contains(&REQUEST), "a write was not asked for");
    assert!(desk.get(lease).await.is_none(), "the cluster's lease was written");

    door.longest.send_replace(Some(REQUEST));
    let guard = taking.await.unwrap();
    assert!(desk.get(lease).await.is_some());

    // A session whose driver froze gives nothing back either, and renews nothing.
    door.longest.send_replace(None);
    let before = desk.get(lease).await.unwrap()["metadata"]["resourceVersion"].clone();
    assert!(tokio::time::timeout(crate::desk::LEASE, guard.release()).await.is_err());
    assert_eq!(desk.get(lease).await.unwrap()["metadata"]["resourceVersion"], before);
}
