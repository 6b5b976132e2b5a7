//! Who is in the fleet while rollouts run: the members as they were recorded last, whether that is
//! doubted, and what follows for clusters that a plan still names. Who departs when is decided here;
//! how an attempt changes is for `fold_attempt`.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::attempt::{AttemptState, Class};
use super::effects::Gathered;
use super::state::{FleetState, Rollout, RolloutState};
use crate::journal::{Body, Event, Member};
use crate::model::ClusterName;

/// The members that were recorded last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Membership {
    /// The commit that they were read from.
    pub commit: String,
    /// When that was recorded.
    pub at: jiff::Timestamp,
    /// The members.
    pub clusters: Arc<BTreeMap<ClusterName, Member>>,
    /// The event that said so. A plan that came later was made from newer files.
    pub(super) seq: u64,
}

/// That the fleet could not be read, or was not believed, since.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doubt {
    /// Since when.
    pub since: jiff::Timestamp,
    /// Why.
    pub cause: String,
}

impl Membership {
    /// Whether it says something about the clusters of a rollout's plan.
    pub(super) fn speaks_of(&self, rollout: &Rollout) -> bool {
        rollout.plan_seq < self.seq
    }
}

impl FleetState {
    /// The members that were recorded last; none says nothing.
    pub fn membership(&self) -> Option<&Membership> {
        self.live.membership.as_ref()
    }

    /// Whether the newest look at the fleet failed, or was not believed: then the members that were
    /// recorded before it stay.
    pub fn doubt(&self) -> Option<&Doubt> {
        self.live.doubt.as_ref()
    }

    /// Whether a cluster is switched off on purpose.
    pub fn is_hibernated(&self, cluster: &ClusterName) -> bool {
        self.membership().and_then(|known| known.clusters.get(cluster)).is_some_and(|m| m.hibernated)
    }

    /// Whether a cluster that a rollout plans has left the fleet since.
    pub fn has_left(&self, rollout: &Rollout, cluster: &ClusterName) -> bool {
        let newer = |known: &&Membership| known.speaks_of(rollout);
        self.membership().filter(newer).is_some_and(|known| !known.clusters.contains_key(cluster))
    }

    /// Whether these members are to be recorded: they are others than before, the fleet was doubted
    /// meanwhile, or a plan made since names a cluster that is gone again.
    pub fn is_news(&self, clusters: &BTreeMap<ClusterName, Member>) -> bool {
        let Some(known) = self.membership() else { return true };
        let lacks = |rollout: &Rollout| rollout.by_name.keys().any(|name| !clusters.contains_key(name));
        self.doubt().is_some()
            || *known.clusters != *clusters
            || self.live_rollouts().any(|rollout| !known.speaks_of(rollout) && lacks(rollout))
    }

    /// The clusters that would depart from some rollout if these were the members.
    pub fn would_depart(&self, clusters: &BTreeMap<ClusterName, Member>) -> Vec<&ClusterName> {
        let mut found: Vec<&ClusterName> = self
            .live_rollouts()
            .flat_map(|rollout| rollout.by_name.iter().map(move |(name, index)| (rollout, name, *index)))
            .filter(|(rollout, name, index)| !clusters.contains_key(*name) && rollout.departs(*index))
            .map(|(_, name, _)| name)
            .collect();
        found.sort_unstable();
        found.dedup();
        found
    }

    pub(super) fn check_membership(&self, body: &Body) -> Result<(), String> {
        match body {
            Body::MembershipRecorded { clusters, .. } if clusters.is_empty() => {
                Err("a fleet without clusters is a mistake".to_owned())
            }
            Body::MembershipDoubted { cause } if self.doubt().is_some_and(|known| known.cause == *cause) => {
                Err("it is doubted already, for that cause".to_owned())
            }
            _ => Ok(()),
        }
    }

    /// Folds the members in: who is woken up, or put to sleep, is looked at again, and who is gone
    /// departs.
    pub(super) fn fold_membership(&mut self, event: &Event) {
        match &event.body {
            Body::MembershipDoubted { cause } => {
                self.live.doubt = Some(Doubt { since: event.at, cause: cause.clone() });
            }
            Body::MembershipRecorded { commit, clusters } => {
                let before = self.live.membership.take();
                let slept = |name: &ClusterName| {
                    before.as_ref().and_then(|known| known.clusters.get(name)).is_some_and(|m| m.hibernated)
                };
                for index in self.open.iter().chain(&self.catching) {
                    let Some(rollout) = self.rollouts.get_mut(*index) else { continue };
                    rollout.leavers(clusters);
                    for (name, member) in clusters {
                        if member.hibernated != slept(name)
                            && let Some(i) = rollout.by_name.get(name).copied()
                        {
                            rollout.fact_changed(i, event.at);
                        }
                    }
                }
                self.live.doubt = None;
                self.live.membership = Some(Membership {
                    commit: commit.clone(),
                    at: event.at,
                    clusters: Arc::new(clusters.clone()),
                    seq: event.seq,
                });
                self.find_strangers();
                self.forget_awaited();
            }
            _ => {}
        }
    }
}

impl FleetState {
    /// A rollout that is open again looks at who has left meanwhile.
    pub(super) fn who_left(&mut self, index: usize) {
        let Some((known, rollout)) = self.live.membership.as_ref().zip(self.rollouts.get_mut(index)) else {
            return;
        };
        if known.speaks_of(rollout) {
            rollout.leavers(&known.clusters);
        }
    }
}

impl Rollout {
    /// Notes which of its clusters are not among the members.
    fn leavers(&mut self, members: &BTreeMap<ClusterName, Member>) {
        let gone = self.by_name.iter().filter(|(name, _)| !members.contains_key(*name));
        self.leaving = gone.map(|(_, index)| *index).collect();
    }

    /// Whether a cluster that leaves the fleet departs from here: not if there is nothing left that
    /// could become of it.
    pub(super) fn departs(&self, index: usize) -> bool {
        let Some(cluster) = self.clusters.get(index) else { return false };
        match cluster.attempt.state.class() {
            Class::Gone | Class::Skipped => false,
            // It would have been observed once more.
            Class::Succeeded | Class::NoOp => {
                self.waves.get(cluster.wave).is_some_and(|wave| !wave.phase.is_over())
            }
            _ => true,
        }
    }

    /// Whether the cluster of an attempt at work has left the fleet.
    pub(super) fn leaves(&self, index: usize) -> bool {
        self.leaving.contains(&index)
    }
}

/// Lets those depart that have left the fleet and are not at work. Those at work depart when their
/// running step has ended.
pub(super) fn departures(state: &FleetState, rollout: &Rollout, out: &mut Gathered) {
    if matches!(
        rollout.state,
        RolloutState::Planned | RolloutState::Aborting | RolloutState::RollingBack { .. }
    ) {
        return;
    }
    for index in &rollout.leaving {
        let Some(cluster) = rollout.clusters.get(*index) else { continue };
        if rollout.departs(*index) && cluster.attempt.state.class() != Class::Active {
            depart(state, rollout, *index, out);
        }
    }
}

/// Decides that a cluster departs.
pub(super) fn depart(state: &FleetState, rollout: &Rollout, index: usize, out: &mut Gathered) {
    let found = rollout.planned_cluster(index).zip(rollout.clusters.get(index));
    let Some(((planned, cluster), known)) = found.zip(state.membership()) else { return };
    let attempt = rollout.newest_id(planned, cluster);
    out.decide(Body::AttemptDeparted { attempt, commit: known.commit.clone() });
}

/// What is said of a cluster that departed.
pub(super) fn farewell(commit: &str) -> (AttemptState, Option<String>) {
    let short = commit.get(..10).unwrap_or(commit);
    (AttemptState::Departed, Some(format!("it left the fleet with commit {short}")))
}
