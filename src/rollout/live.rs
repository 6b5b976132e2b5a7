//! What holds for the fleet while rollouts run, beside their plans: the calendar, stop-the-lines and
//! holds. Each comes and goes by events alone; what they keep from starting is for `obstacle`.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::attempt::AttemptState;
use super::membership::{Doubt, Membership};
use super::state::FleetState;
use crate::digest::Digest;
use crate::journal::{Body, Deferral, Event, StopScope};
use crate::model::{Actor, Calendar, ClusterName, ProductName};
use crate::version::Version;

/// The live facts.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Live {
    pub(super) calendar: Option<Recorded>,
    pub(super) stops: BTreeMap<StopScope, Stop>,
    pub(super) holds: BTreeMap<ClusterName, BTreeMap<Option<ProductName>, Hold>>,
    pub(super) membership: Option<Membership>,
    pub(super) doubt: Option<Doubt>,
}

/// The calendar that holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// The commit that it was read from.
    pub commit: String,
    /// When that was recorded.
    pub at: jiff::Timestamp,
    /// The calendar.
    pub calendar: Arc<Calendar>,
}

/// A stop-the-line that is on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stop {
    /// Who stopped the line.
    pub by: Actor,
    /// When.
    pub since: jiff::Timestamp,
    /// Why.
    pub reason: String,
}

/// A cluster, or one product of it, that a person keeps as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// Who.
    pub by: Actor,
    /// Since when.
    pub since: jiff::Timestamp,
    /// Until when; until it is released if absent.
    pub until: Option<jiff::Timestamp>,
    /// Why.
    pub reason: String,
    /// The product that keeps its version; the whole cluster is kept still if absent.
    pub kept: Option<Kept>,
}

impl Hold {
    /// Whether it still holds.
    pub fn holds(&self, now: jiff::Timestamp) -> bool {
        self.until.is_none_or(|end| now < end)
    }
}

/// The version that a held product keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// The product.
    pub product: ProductName,
    /// Its version.
    pub version: Version,
    /// The commit whose tree holds it.
    pub commit: String,
    /// Its product digest.
    pub digest: Digest,
}

impl FleetState {
    /// The calendar that was recorded last; none says nothing.
    pub fn calendar(&self) -> Option<&Recorded> {
        self.live.calendar.as_ref()
    }

    /// The stop-the-lines that are on.
    pub fn stops(&self) -> impl Iterator<Item = (&StopScope, &Stop)> {
        self.live.stops.iter()
    }

    /// The stop-the-line of exactly this scope, if it is on.
    pub fn stop(&self, scope: &StopScope) -> Option<&Stop> {
        self.live.stops.get(scope)
    }

    /// Every hold that was not released, ended ones included ([`Hold::holds`] tells), by cluster.
    pub fn holds(&self) -> impl Iterator<Item = (&ClusterName, &Hold)> {
        self.live.holds.iter().flat_map(|(cluster, holds)| holds.values().map(move |hold| (cluster, hold)))
    }

    /// The holds of one cluster that were not released; that of the whole cluster first.
    pub fn holds_of(&self, cluster: &ClusterName) -> impl Iterator<Item = &Hold> {
        self.live.holds.get(cluster).into_iter().flat_map(BTreeMap::values)
    }

    /// The hold of a cluster, or of one product of it, if it was not released.
    pub fn hold(&self, cluster: &ClusterName, product: Option<&ProductName>) -> Option<&Hold> {
        self.live.holds.get(cluster)?.get(&product.cloned())
    }

    /// Whether a live fact can change in this way now.
    pub(super) fn check_live(&self, body: &Body) -> Result<(), String> {
        match body {
            Body::StopTheLineOn { scope, .. } => match (scope, self.stop(scope)) {
                (_, Some(_)) => Err(format!("the line of {scope} is stopped already")),
                (StopScope::Rollout { rollout }, None) if self.rollout(rollout).is_none() => {
                    Err(format!("no rollout {rollout} is known"))
                }
                (StopScope::Clusters { labels }, None) if labels.is_empty() => {
                    Err("it names no label".to_owned())
                }
                (_, None) => Ok(()),
            },
            Body::StopTheLineOff { scope, .. } if self.stop(scope).is_none() => {
                Err(format!("the line of {scope} is not stopped"))
            }
            Body::ClusterHold { product, version, commit, digest, .. } => {
                let whole = product.is_some();
                let same =
                    [version.is_some(), commit.is_some(), digest.is_some()].iter().all(|has| *has == whole);
                if same { Ok(()) } else { Err("a held product has a version, commit and digest".to_owned()) }
            }
            Body::ClusterRelease { cluster, product, .. }
                if self.hold(cluster, product.as_ref()).is_none() =>
            {
                Err(format!("nobody holds {}", held(cluster, product.as_ref())))
            }
            _ => Ok(()),
        }
    }

    /// Folds a live fact in; what was left for later because of it is looked at again.
    pub(super) fn fold_live(&mut self, event: &Event) {
        match &event.body {
            Body::CalendarRecorded { commit, calendar } => {
                let calendar = Arc::new((**calendar).clone());
                self.live.calendar = Some(Recorded { commit: commit.clone(), at: event.at, calendar });
                self.look_at_windows(event.at);
            }
            Body::StopTheLineOn { scope, reason } => {
                let stop = Stop { by: event.actor.clone(), since: event.at, reason: reason.clone() };
                self.live.stops.insert(scope.clone(), stop);
            }
            Body::StopTheLineOff { scope, .. } => {
                self.live.stops.remove(scope);
            }
            Body::ClusterHold { cluster, product, version, commit, digest, reason, until } => {
                let kept = product.clone().zip(version.clone()).zip(commit.clone()).zip(*digest);
                let hold = Hold {
                    by: event.actor.clone(),
                    since: event.at,
                    until: *until,
                    reason: reason.clone(),
                    kept: kept.map(|(((product, version), commit), digest)| Kept {
                        product,
                        version,
                        commit,
                        digest,
                    }),
                };
                self.live.holds.entry(cluster.clone()).or_default().insert(product.clone(), hold);
                self.look_again(cluster, event.at);
            }
            Body::ClusterRelease { cluster, product, .. } => {
                if let Some(holds) = self.live.holds.get_mut(cluster) {
                    holds.remove(product);
                    if holds.is_empty() {
                        self.live.holds.remove(cluster);
                    }
                }
                self.look_again(cluster, event.at);
            }
            _ => {}
        }
    }

    /// Clusters that wait for a window are due now if the calendar says something else of them.
    fn look_at_windows(&mut self, at: jiff::Timestamp) {
        let mut moved = Vec::new();
        let outlook = self.outlook(at);
        for index in &self.open {
            let Some(rollout) = self.rollouts.get(*index) else { continue };
            for (i, cluster) in rollout.clusters.iter().enumerate() {
                let waits = cluster.attempt.state == AttemptState::Deferred(Deferral::Window);
                let planned =
                    rollout.planned_cluster(i).filter(|_| waits && cluster.attempt.parked.is_some());
                let Some(planned) = planned else { continue };
                let closed = outlook.window(rollout, planned);
                if !closed.is_some_and(|closed| cluster.says(&closed, Deferral::Window)) {
                    moved.push((*index, i));
                }
            }
        }
        drop(outlook);
        for (index, i) in moved {
            if let Some(rollout) = self.rollouts.get_mut(index) {
                rollout.fact_changed(i, at);
            }
        }
    }

    /// A cluster that was left for later by a live fact is due now, in every open rollout.
    fn look_again(&mut self, cluster: &ClusterName, at: jiff::Timestamp) {
        for index in &self.open {
            if let Some(rollout) = self.rollouts.get_mut(*index)
                && let Some(i) = rollout.by_name.get(cluster).copied()
            {
                rollout.fact_changed(i, at);
            }
        }
    }
}

/// `acme-dev`, or `ingress of acme-dev`.
pub(super) fn held(cluster: &ClusterName, product: Option<&ProductName>) -> String {
    product.map_or_else(|| cluster.to_string(), |product| format!("{product} of {cluster}"))
}
