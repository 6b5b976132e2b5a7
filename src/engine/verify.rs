//! Verification: a done cluster is seen once more, its records and whether all of it is ready. A
//! cluster has a while to be well, since pods come and go; after that it is not. What pods say of
//! themselves is recorded without the secrets that their products were given, or not at all.

use std::time::Duration;

use crate::journal::{Body, FailureClass, Found};
use crate::model::{ClusterName, RecordPhase, RolloutId, WaveName};
use crate::plan::{Plan, PlannedCluster};
use crate::port::Fault;

use super::cluster::Sight;
use super::secrets::{self, Known};
use super::session::{Closed, reach, user_agent};
use super::task::Shared;

/// How long between two looks.
const AGAIN: Duration = Duration::from_secs(2);

/// Why a cluster is not well.
enum Ill {
    /// In words of tidegate.
    Told(String),
    /// In words that quote pods or servers.
    Quoted(String),
    /// It could not be seen, in words of tidegate; it may be well.
    Unseen(String),
}

/// Sees a cluster once more; what was seen, and the verdict.
pub async fn cluster(
    shared: &Shared,
    plan: &Plan,
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
        let (found, cause) = told(shared, plan, planned, verdict).await;
        let healthy = found == Found::Well;
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

/// Looks at a soaking cluster, once: what was seen, and what was found. A cluster that is not well now is
/// not well, so that every flap shows.
pub async fn soaking(
    shared: &Shared,
    plan: &Plan,
    planned: &PlannedCluster,
    rollout: &RolloutId,
    wave: &WaveName,
) -> Vec<Body> {
    let (seen, verdict) = look(shared, planned, rollout).await;
    let (found, cause) = told(shared, plan, planned, verdict).await;
    let (rollout, wave, cluster) = (rollout.clone(), wave.clone(), planned.name.clone());
    seen.into_iter().chain([Body::WaveClusterObserved { rollout, wave, cluster, found, cause }]).collect()
}

/// What a look found, in words that may be recorded.
async fn told(
    shared: &Shared,
    plan: &Plan,
    planned: &PlannedCluster,
    verdict: Result<(), Ill>,
) -> (Found, String) {
    match verdict {
        Ok(()) => (Found::Well, "record and readiness are as planned".to_owned()),
        Err(Ill::Told(cause)) => (Found::Ill, cause),
        Err(Ill::Unseen(cause)) => (Found::Unseen, cause),
        Err(Ill::Quoted(cause)) => {
            let cause = match known(shared, plan, planned).await {
                Ok(known) => known.mask().hide(&cause),
                Err(fault) => format!(
                    "not all of it is ready; what it says is not shown, since a secret that may be in it can't be had: {fault}"
                ),
            };
            (Found::Ill, cause)
        }
    }
}

/// The secrets that the cluster's products were given.
async fn known(shared: &Shared, plan: &Plan, planned: &PlannedCluster) -> Result<Known, Fault> {
    let lacks = || Fault::permanent("the plan lacks what it says of a product");
    let mut products = Vec::new();
    for target in &planned.targets {
        let product = plan.products.get(&target.digest).ok_or_else(lacks)?;
        let values = plan.values.get(&target.values).ok_or_else(lacks)?;
        products.push((values, shared.contents.get(product).await?));
    }
    let all = products.iter().map(|(values, content)| (*values, content.as_ref()));
    secrets::of_products(&*shared.world.secrets, all).await
}

async fn look(
    shared: &Shared,
    planned: &PlannedCluster,
    rollout: &RolloutId,
) -> (Option<Body>, Result<(), Ill>) {
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
        return (Some(seen), Err(Ill::Told(cause)));
    }
    for target in &planned.targets {
        let Some(record) = sight.records.get(&target.product) else { continue };
        match cluster.unready(record).await {
            Ok(unready) if unready.is_empty() => {}
            Ok(unready) => {
                let cause = format!("{}: {}", target.product, unready.join("; "));
                return (Some(seen), Err(Ill::Quoted(cause)));
            }
            Err(error) if error.class == FailureClass::Transient => {
                let cause = format!("the server did not say whether {} is ready", target.product);
                return (Some(seen), Err(Ill::Unseen(cause)));
            }
            Err(error) => return (Some(seen), Err(Ill::Quoted(error.message))),
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

fn unreachable_or_wrong(cluster: &ClusterName, closed: Closed) -> (Option<Body>, Result<(), Ill>) {
    match closed {
        Closed::Unreachable(cause) => {
            let body = Body::ClusterUnreachable { cluster: cluster.clone(), cause: cause.clone() };
            (Some(body), Err(Ill::Unseen(format!("it can't be reached: {cause}"))))
        }
        Closed::Error(error) if error.class == FailureClass::Transient => {
            (None, Err(Ill::Unseen(error.message)))
        }
        Closed::Error(error) => (None, Err(Ill::Told(error.message))),
        Closed::Fault(fault) => (None, Err(Ill::Unseen(fault.message))),
    }
}
