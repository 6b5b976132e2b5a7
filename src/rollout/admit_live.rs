//! Requests about the whole fleet and about who goes first: stop-the-line, holds, supersede.

use super::admit::{known, refuse, wrong_state};
use super::command::{Refusal, RefusalExit};
use super::live::{Kept, held};
use super::state::{FleetState, RolloutState};
use crate::diag::{Code, codes, count};
use crate::journal::{Body, StopScope};
use crate::model::{ClusterName, ProductName, RolloutId};

fn refusal<T>(
    code: &'static Code,
    exit: RefusalExit,
    sentence: String,
    legal: Vec<String>,
) -> Result<T, Refusal> {
    Err(Refusal { code, sentence, legal, exit })
}

fn reasoned(what: &str, reason: &str) -> Result<(), Refusal> {
    if reason.trim().is_empty() {
        let sentence = format!("{what} needs a reason");
        return refusal(&codes::REASON_MISSING, RefusalExit::Usage, sentence, Vec::new());
    }
    Ok(())
}

/// A journal that has a history is not lost.
pub(super) fn rebuild(
    state: &FleetState,
    clusters: &[ClusterName],
    reason: &str,
) -> Result<Vec<Body>, Refusal> {
    reasoned("rebuilding the journal", reason)?;
    if !state.is_new() {
        let what = match state.rollouts.last() {
            Some(newest) => {
                format!("it knows {}, {} the last", count(state.rollouts.len(), "rollout"), newest.id)
            }
            None => {
                format!("it has had {}", count(usize::try_from(state.fence).unwrap_or(usize::MAX), "driver"))
            }
        };
        let legal = vec![
            "tidegate journal verify".to_owned(),
            "tidegate cluster adopt CLUSTER --reason TEXT".to_owned(),
            "tidegate --journal FILE journal rebuild --reason TEXT".to_owned(),
        ];
        let sentence = format!("this journal is not lost: {what}; only an empty one is rebuilt");
        return refusal(&codes::JOURNAL_NOT_LOST, RefusalExit::Conflict, sentence, legal);
    }
    Ok(vec![Body::JournalRebuild { clusters: clusters.to_vec(), reason: reason.to_owned() }])
}

pub(super) fn stop(state: &FleetState, scope: &StopScope, reason: &str) -> Result<Vec<Body>, Refusal> {
    reasoned("stopping the line", reason)?;
    if let StopScope::Rollout { rollout } = scope {
        known(state, rollout)?;
    }
    if state.stop(scope).is_some() {
        return Ok(Vec::new());
    }
    Ok(vec![Body::StopTheLineOn { scope: scope.clone(), reason: reason.to_owned() }])
}

pub(super) fn go(state: &FleetState, scope: &StopScope, reason: &str) -> Result<Vec<Body>, Refusal> {
    reasoned("letting the line go on", reason)?;
    if state.stop(scope).is_none() {
        let legal = state
            .stops()
            .map(|(on, _)| format!("tidegate stop-the-line off --scope {on} --reason TEXT"))
            .collect();
        let sentence = format!("the line of {scope} is not stopped");
        return refusal(&codes::LINE_NOT_STOPPED, RefusalExit::NothingSelected, sentence, legal);
    }
    Ok(vec![Body::StopTheLineOff { scope: scope.clone(), reason: reason.to_owned() }])
}

pub(super) fn hold(
    state: &FleetState,
    cluster: &ClusterName,
    kept: Option<&Kept>,
    reason: &str,
    until: Option<jiff::Timestamp>,
    now: jiff::Timestamp,
) -> Result<Vec<Body>, Refusal> {
    reasoned("a hold", reason)?;
    if until.is_some_and(|end| end <= now) {
        let sentence = "the hold would have ended already".to_owned();
        return refusal(&codes::HOLD_ENDED, RefusalExit::Usage, sentence, Vec::new());
    }
    let product = kept.map(|kept| &kept.product);
    let same = state
        .hold(cluster, product)
        .is_some_and(|hold| hold.reason == reason && hold.until == until && hold.kept.as_ref() == kept);
    if same {
        return Ok(Vec::new());
    }
    Ok(vec![Body::ClusterHold {
        cluster: cluster.clone(),
        product: product.cloned(),
        version: kept.map(|kept| kept.version.clone()),
        commit: kept.map(|kept| kept.commit.clone()),
        digest: kept.map(|kept| kept.digest),
        reason: reason.to_owned(),
        until,
    }])
}

pub(super) fn release(
    state: &FleetState,
    cluster: &ClusterName,
    product: Option<&ProductName>,
    reason: &str,
) -> Result<Vec<Body>, Refusal> {
    reasoned("a release", reason)?;
    if state.hold(cluster, product).is_none() {
        let legal = state
            .holds()
            .filter(|(name, _)| *name == cluster)
            .map(|(_, hold)| {
                let product =
                    hold.kept.as_ref().map_or_else(String::new, |k| format!(" --product {}", k.product));
                format!("tidegate cluster release {cluster}{product} --reason TEXT")
            })
            .chain(["tidegate cluster holds".to_owned()])
            .collect();
        let sentence = format!("nobody holds {}", held(cluster, product));
        return refusal(&codes::NOT_HELD, RefusalExit::NothingSelected, sentence, legal);
    }
    let (cluster, product, reason) = (cluster.clone(), product.cloned(), reason.to_owned());
    Ok(vec![Body::ClusterRelease { cluster, product, reason }])
}

pub(super) fn supersede(
    state: &FleetState,
    id: &RolloutId,
    by: &RolloutId,
    reason: &str,
) -> Result<Vec<Body>, Refusal> {
    reasoned("superseding a rollout", reason)?;
    let (old, new) = (known(state, id)?, known(state, by)?);
    if matches!(&old.state, RolloutState::Superseded { by: already } if already == by) {
        return Ok(Vec::new());
    }
    if !old.state.can_be_steered() {
        return wrong_state(old, "superseded");
    }
    if id == by || !new.state.can_be_steered() {
        let what =
            if id == by { "itself".to_owned() } else { format!("{by}, which is {}", new.state.word()) };
        let sentence = format!("{id} can't be superseded by {what}");
        return refuse(old, &codes::ROLLOUT_STATE, RefusalExit::Conflict, sentence);
    }
    let (rollout, by, reason) = (id.clone(), by.clone(), reason.to_owned());
    Ok(vec![Body::RolloutSuperseded { rollout, by, reason }])
}
