//! Verification: a done cluster is seen once more, its records and whether all of it is ready. A
//! cluster has a while to be well, since pods come and go; after that it is not.

use std::time::Duration;

use crate::journal::Body;
use crate::model::{ClusterName, RecordPhase, RolloutId, WaveName};
use crate::plan::PlannedCluster;

use super::cluster::Sight;
use super::session::{Closed, reach, user_agent};
use super::task::Shared;

/// How long between two looks.
const AGAIN: Duration = Duration::from_secs(2);

/// Sees a cluster once more; what was seen, and the verdict.
pub async fn cluster(
    shared: &Shared,
    planned: &PlannedCluster,
    rollout: &RolloutId,
    wave: &WaveName,
    round: u32,
) -> Vec<Body> {
    let clock = &shared.world.clock;
    let end = clock.boot() + shared.times.verify;
    loop {
        let (seen, verdict) = look(shared, planned, rollout).await;
        if verdict.is_err() && clock.boot() < end {
            clock.sleep(AGAIN).await;
            continue;
        }
        let (healthy, cause) = match verdict {
            Ok(()) => (true, "record and readiness are as planned".to_owned()),
            Err(cause) => (false, cause),
        };
        let verdict = Body::WaveClusterVerified {
            rollout: rollout.clone(),
            wave: wave.clone(),
            cluster: planned.name.clone(),
            round,
            healthy,
            cause,
        };
        return seen.into_iter().chain([verdict]).collect();
    }
}

async fn look(
    shared: &Shared,
    planned: &PlannedCluster,
    rollout: &RolloutId,
) -> (Option<Body>, Result<(), String>) {
    let agent = user_agent(&format!("verify {rollout}; fence {}", shared.recorder.fence()));
    let cluster = match reach(shared, planned, &agent).await {
        Ok(cluster) => cluster,
        Err(closed) => return unreachable_or_wrong(&planned.name, closed),
    };
    let sight = match cluster.observe().await {
        Ok(sight) => sight,
        Err(error) => return unreachable_or_wrong(&planned.name, error.into()),
    };
    let seen =
        Body::ClusterObserved { cluster: planned.name.clone(), observed: Box::new(sight.observed.clone()) };
    if let Err(cause) = as_planned(planned, &sight) {
        return (Some(seen), Err(cause));
    }
    for target in &planned.targets {
        let Some(record) = sight.records.get(&target.product) else { continue };
        match cluster.unready(record).await {
            Ok(unready) if unready.is_empty() => {}
            Ok(unready) => return (Some(seen), Err(format!("{}: {}", target.product, unready.join("; ")))),
            Err(error) => return (Some(seen), Err(error.message)),
        }
    }
    (Some(seen), Ok(()))
}

fn as_planned(planned: &PlannedCluster, sight: &Sight) -> Result<(), String> {
    for target in &planned.targets {
        let Some(record) = sight.records.get(&target.product) else {
            return Err(format!("{} has no record there", target.product));
        };
        let current = &record.current;
        if current.inputs != target.inputs {
            return Err(format!(
                "{} is recorded as {} with inputs {}, planned are {} with {}",
                target.product, current.version, current.inputs, target.version, target.inputs
            ));
        }
        if current.phase != RecordPhase::Verified {
            return Err(format!("{} is recorded as {}", target.product, current.phase));
        }
    }
    Ok(())
}

fn unreachable_or_wrong(cluster: &ClusterName, closed: Closed) -> (Option<Body>, Result<(), String>) {
    match closed {
        Closed::Unreachable(cause) => {
            let body = Body::ClusterUnreachable { cluster: cluster.clone(), cause: cause.clone() };
            (Some(body), Err(format!("it can't be reached: {cause}")))
        }
        Closed::Error(error) => (None, Err(error.message)),
        Closed::Fault(fault) => (None, Err(fault.message)),
    }
}
