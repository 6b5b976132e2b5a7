//! Taking a cluster over from another journal, by a person's word. What must be waited for before
//! is decided by the cluster's lease. The journal knows first: an adoption that is recorded and did
//! not reach the cluster changes nothing and is done again, one that nobody recorded would be a
//! cluster that changed hands without a trace.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::apply::record::Record;
use crate::diag::{Finding, Severity, codes};
use crate::journal::{Body, FailureClass};
use crate::model::{Actor, ClusterEntry, ClusterName, ClusterUid, RolloutId};
use crate::port::{Fault, NewEvent};
use crate::rollout::FleetState;

use super::cluster::{Claimant, Cluster, Error, Kind};
use super::planning::{PlanError, append_facts, foreign_cluster, too_new_record};
use super::session::user_agent;
use super::survey;
use super::world::{Times, World};

/// A cluster that was taken over.
#[derive(Debug, Clone, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Adopted {
    /// The cluster.
    pub cluster: ClusterName,
    /// Its identity.
    pub uid: ClusterUid,
    /// The holder that its lease named, if any.
    pub from: Option<String>,
    /// The products whose records were taken over.
    pub products: Vec<crate::model::ProductName>,
}

/// Verifies that a cluster is the one that `state` knows by its name, and no other name's, records
/// what it runs and that it is taken over, and takes it over with this journal's newest fence.
///
/// # Errors
/// A refusal when it is another cluster than before, is known by another name, or its records are of a
/// higher format. Else a fault: the cluster can't be reached, its holder still renews its lease, the
/// journal can't be written; or, with words that say so, it was recorded and the cluster could not be
/// written, and the same is to be asked again.
pub async fn adopt(
    world: &World,
    times: &Times,
    entry: &ClusterEntry,
    state: &FleetState,
    actor: &Actor,
    reason: &str,
) -> Result<Adopted, PlanError> {
    let name = entry.name.value.clone();
    let client = world.clusters.connect(&survey::access(entry), &user_agent("adopt")).await?;
    let cluster = Cluster::new(client, Arc::clone(&world.clock), times.request);
    let sight = cluster.observe().await.map_err(|error| match error.is_too_new() {
        true => PlanError::Refused(too_new_record(&name, &error).into()),
        false => Fault::from(error).into(),
    })?;
    let uid = sight.observed.uid.clone();
    if let Some(finding) = misnamed(state, entry, &uid) {
        return Err(PlanError::Refused(finding.into()));
    }
    let ours = world.journal.id();
    let elsewhere = |r: &&Record| r.journal != ours || state.rollout(&r.rollout).is_none();
    let rollouts: BTreeSet<RolloutId> =
        sight.records.values().filter(elsewhere).map(|r| r.rollout.clone()).collect();
    let recorded = std::sync::atomic::AtomicBool::new(false);
    let record = |from: Option<String>| -> futures::future::BoxFuture<'_, Result<(), Error>> {
        let seen =
            Body::ClusterObserved { cluster: name.clone(), observed: Box::new(sight.observed.clone()) };
        let adopted = Body::ClusterAdopted {
            cluster: name.clone(),
            uid: uid.clone(),
            from,
            rollouts: rollouts.iter().cloned().collect(),
            reason: reason.to_owned(),
        };
        let event = |body| NewEvent { at: world.clock.now(), actor: actor.clone(), body };
        let events = vec![event(seen), event(adopted)];
        let recorded = &recorded;
        Box::pin(async move {
            append_facts(world, events).await.map_err(|fault| Error {
                class: fault.class,
                ..Error::new(Kind::Other, format!("the journal can't be written: {fault}"))
            })?;
            recorded.store(true, std::sync::atomic::Ordering::Release);
            Ok(())
        })
    };
    let claimant = Claimant { journal: world.journal.id(), fence: state.fence(), process: world.host.this() };
    let adopted = cluster.adopt(&claimant, &world.host, times.lease, &record).await;
    let adoption = adopted.map_err(|error| {
        if error.kind == Kind::Held {
            let alive = foreign_cluster(Severity::Error, &name, &error.message);
            return PlanError::Refused(alive.hint("let them end, or stop that process").into());
        }
        let mut fault = Fault::from(error);
        if recorded.load(std::sync::atomic::Ordering::Acquire) {
            fault = Fault::new(
                FailureClass::Transient,
                format!(
                    "{fault}; it is recorded as adopted, and the cluster may not know it yet: run the same command again"
                ),
            );
        }
        fault.into()
    })?;
    Ok(Adopted { cluster: name, uid, from: adoption.from, products: adoption.products })
}

/// What stands against a name, if it leads to another cluster than before, or to one that is known by
/// another name.
pub(super) fn misnamed(state: &FleetState, entry: &ClusterEntry, uid: &ClusterUid) -> Option<Finding> {
    let name = &entry.name.value;
    let before = state.seen(name).and_then(|seen| seen.observed.as_ref()).map(|seen| &seen.uid);
    if let Some(before) = before.filter(|before| *before != uid) {
        return Some(other_cluster(entry, before, uid));
    }
    state.seen_as(uid).find(|other| *other != name).map(|other| one_cluster(&[other, name], uid))
}

/// That two names of the fleet lead to one cluster.
pub(super) fn one_cluster(names: &[&ClusterName], uid: &ClusterUid) -> Finding {
    let words: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    let message = format!("{} are one cluster: its identity is {uid}", words.join(" and "));
    Finding::error(&codes::ONE_IDENTITY_TWICE, message).about(names)
}

/// That a name of the fleet leads to another cluster than before.
pub(super) fn other_cluster(entry: &ClusterEntry, before: &ClusterUid, now: &ClusterUid) -> Finding {
    let name = &entry.name.value;
    Finding::error(
        &codes::OTHER_CLUSTER,
        format!("`{name}` is another cluster now: it had UID {before}, and answers with {now}"),
    )
    .at(&entry.kubeconfig.path.place)
    .hint("a kubeconfig context points somewhere else, or the cluster was made anew; give a new cluster a new name")
}
