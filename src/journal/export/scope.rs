//! Which events of a journal belong into an export: learned by reading the journal once, from its
//! beginning to its end.

use std::collections::{BTreeMap, BTreeSet};

use crate::journal::{Body, Event, StopScope};
use crate::model::{ClusterName, RolloutId};

/// What is known of one rollout.
#[derive(Debug, Clone, Default)]
struct Known {
    first: u64,
    clusters: BTreeSet<ClusterName>,
    rolls_back: Option<RolloutId>,
}

/// The rollouts and clusters that an export speaks of.
#[derive(Debug, Clone)]
pub struct Scope {
    rollout: RolloutId,
    known: BTreeMap<RolloutId, Known>,
    related: BTreeSet<RolloutId>,
}

impl Scope {
    /// Of this rollout; nothing is known of it yet.
    pub fn of(rollout: RolloutId) -> Self {
        Self { rollout, known: BTreeMap::new(), related: BTreeSet::new() }
    }

    /// Learns from the journal's next event.
    pub fn learn(&mut self, event: &Event) {
        let Some(id) = event.body.rollout() else { return };
        let known = self.known.entry(id.clone()).or_default();
        match &event.body {
            Body::RolloutPlanned { plan, .. } | Body::RolloutReplanned { plan, .. } => {
                if known.first == 0 {
                    known.first = event.seq;
                }
                known.clusters.extend(plan.clusters().map(|(_, _, cluster)| cluster.name.clone()));
                known.rolls_back = plan.rollback().map(|rollback| rollback.of.clone());
                if known.rolls_back.as_ref() == Some(&self.rollout) {
                    self.related.insert(id.clone());
                }
                if *id == self.rollout {
                    self.related.extend(known.rolls_back.clone());
                }
            }
            Body::RolloutJoined { cluster, .. } => {
                known.clusters.insert(cluster.name.clone());
            }
            _ => {}
        }
    }

    /// The rollout.
    pub fn rollout(&self) -> &RolloutId {
        &self.rollout
    }

    /// The others whose events belong to it.
    pub fn related(&self) -> impl Iterator<Item = &RolloutId> {
        self.related.iter()
    }

    /// The position from which on the chain is followed.
    pub fn first(&self) -> u64 {
        self.rollouts().filter_map(|id| self.known.get(id)).map(|known| known.first).min().unwrap_or(1)
    }

    fn rollouts(&self) -> impl Iterator<Item = &RolloutId> {
        std::iter::once(&self.rollout).chain(&self.related)
    }

    fn has(&self, rollout: &RolloutId) -> bool {
        self.rollouts().any(|id| id == rollout)
    }

    fn touches(&self, cluster: &ClusterName) -> bool {
        self.rollouts().filter_map(|id| self.known.get(id)).any(|known| known.clusters.contains(cluster))
    }

    /// Whether an event is told whole.
    pub fn tells(&self, body: &Body) -> bool {
        if let Some(rollout) = body.rollout() {
            return self.has(rollout);
        }
        match body {
            Body::ClusterObserved { cluster, .. }
            | Body::ClusterUnreachable { cluster, .. }
            | Body::ClusterCompared { cluster, .. }
            | Body::ClusterAdopted { cluster, .. }
            | Body::ClusterHold { cluster, .. }
            | Body::ClusterRelease { cluster, .. } => self.touches(cluster),
            Body::StopTheLineOn { scope, .. } | Body::StopTheLineOff { scope, .. } => match scope {
                StopScope::Rollout { rollout } => self.has(rollout),
                StopScope::Fleet | StopScope::Clusters { .. } => true,
            },
            _ => true,
        }
    }
}

/// What an event from before the rollout says something about, if that may still hold later: the newest
/// of each counts. An event that ends something says so of the same thing, and is `false`.
pub(super) fn holds(body: &Body) -> Option<(String, bool)> {
    Some(match body {
        Body::DriverTookOver { .. } => ("driver".to_owned(), true),
        Body::DriverReleased {} => ("driver".to_owned(), false),
        Body::CalendarRecorded { .. } => ("calendar".to_owned(), true),
        Body::MembershipRecorded { .. } => ("membership".to_owned(), true),
        Body::MembershipDoubted { .. } => ("doubt".to_owned(), true),
        Body::StopTheLineOn { scope, .. } => (format!("stop {scope}"), true),
        Body::StopTheLineOff { scope, .. } => (format!("stop {scope}"), false),
        Body::ClusterHold { cluster, product, .. } => (held(cluster, product.as_ref()), true),
        Body::ClusterRelease { cluster, product, .. } => (held(cluster, product.as_ref()), false),
        Body::ClusterObserved { cluster, .. } => (format!("seen {cluster}"), true),
        Body::ClusterUnreachable { cluster, .. } => (format!("unreachable {cluster}"), true),
        Body::ClusterCompared { cluster, .. } => (format!("compared {cluster}"), true),
        _ => return None,
    })
}

fn held(cluster: &ClusterName, product: Option<&crate::model::ProductName>) -> String {
    format!("hold {cluster} {}", product.map_or("", |product| product.as_str()))
}
