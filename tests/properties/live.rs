//! What holds for the fleet while rollouts run, read from the log a second time: stop-the-lines, holds,
//! members, calendars of plain moments, and which rollout comes first.

use std::collections::{BTreeMap, BTreeSet};

use tidegate::digest::Digest;
use tidegate::journal::{Body, Event, StopScope};
use tidegate::model::calendar::When;
use tidegate::model::{Calendar, ClusterName, Lane, ProductName, RolloutId, WindowKind};
use tidegate::plan::{Plan, PlannedCluster};

/// A cluster, or a product of it.
type Held = (ClusterName, Option<ProductName>);

/// The facts as they stand.
#[derive(Default)]
pub struct Facts {
    stops: BTreeSet<StopScope>,
    holds: BTreeMap<Held, (Option<Digest>, Option<jiff::Timestamp>)>,
    calendar: Option<Calendar>,
    /// Who is a member, whether asleep, and the event that said so.
    members: Option<(BTreeMap<ClusterName, bool>, u64)>,
}

impl Facts {
    /// Reads one event.
    pub fn take(&mut self, event: &Event) {
        match &event.body {
            Body::StopTheLineOn { scope, .. } => drop(self.stops.insert(scope.clone())),
            Body::StopTheLineOff { scope, .. } => drop(self.stops.remove(scope)),
            Body::ClusterHold { cluster, product, digest, until, .. } => {
                self.holds.insert((cluster.clone(), product.clone()), (*digest, *until));
            }
            Body::ClusterRelease { cluster, product, .. } => {
                self.holds.remove(&(cluster.clone(), product.clone()));
            }
            Body::CalendarRecorded { calendar, .. } => self.calendar = Some((**calendar).clone()),
            Body::MembershipRecorded { clusters, .. } => {
                let asleep = clusters.iter().map(|(name, m)| (name.clone(), m.hibernated));
                self.members = Some((asleep.collect(), event.seq));
            }
            _ => {}
        }
    }

    /// Whether a cluster has left the fleet since the event that brought a rollout's plan.
    pub fn left(&self, plan_seq: u64, cluster: &ClusterName) -> bool {
        self.members.as_ref().is_some_and(|(all, seq)| plan_seq < *seq && !all.contains_key(cluster))
    }

    /// Whether a cluster is in the fleet.
    pub fn is_member(&self, cluster: &ClusterName) -> bool {
        self.members.as_ref().is_some_and(|(all, _)| all.contains_key(cluster))
    }

    /// Whether a cluster is switched off on purpose.
    pub fn asleep(&self, cluster: &ClusterName) -> bool {
        self.members.as_ref().is_some_and(|(all, _)| all.get(cluster) == Some(&true))
    }

    /// Whether the line is stopped there.
    pub fn stopped(&self, rollout: &RolloutId, cluster: &PlannedCluster) -> bool {
        self.stops.iter().any(|scope| match scope {
            StopScope::Fleet => true,
            StopScope::Rollout { rollout: id } => id == rollout,
            StopScope::Clusters { labels } => {
                labels.iter().all(|(label, value)| cluster.labels.get(label) == Some(value))
            }
        })
    }

    /// Whether somebody holds what the plan would change there.
    pub fn held(&self, cluster: &PlannedCluster, now: jiff::Timestamp) -> bool {
        self.holds.iter().any(|((name, product), (digest, until))| {
            let moved = product.as_ref().is_none_or(|product| {
                cluster.targets.iter().any(|t| t.product == *product && Some(t.digest) != *digest)
            });
            *name == cluster.name && until.is_none_or(|end| now < end) && moved
        })
    }

    /// Whether the calendar forbids it: some deny holds, or no allow does and there is one.
    pub fn closed(&self, plan: &Plan, cluster: &PlannedCluster, now: jiff::Timestamp) -> bool {
        let Some(calendar) = &self.calendar else { return false };
        let (mut allowed, mut allows, mut denied) = (false, false, false);
        for window in calendar.windows.iter().map(|w| &w.value) {
            let selected = window.selector.as_ref().is_none_or(|s| s.value.matches(&cluster.labels));
            let lane =
                window.lanes.as_ref().is_none_or(|lanes| lanes.iter().any(|l| l.value == plan.release.lane));
            if !(selected && lane) {
                continue;
            }
            let moment = |when: When| match when {
                When::Moment(moment) => moment,
                other => panic!("{other} is no plain moment"),
            };
            let from = moment(window.from.as_ref().unwrap().value);
            let until = moment(window.until.as_ref().unwrap().value);
            let inside = from <= now && now < until;
            match window.kind.value {
                // What is broken goes back whatever allows there are.
                WindowKind::Allow if plan.rollback().is_some() => {}
                WindowKind::Allow => {
                    allows = true;
                    allowed |= inside;
                }
                WindowKind::Deny => denied |= inside,
            }
        }
        denied || (allows && !allowed)
    }
}

/// Whether one rollout gets a cluster before another: rollbacks first, then by its lane, then by its start.
pub fn first(one: (&Plan, usize), other: (&Plan, usize)) -> bool {
    let rank = |(plan, started): (&Plan, usize)| {
        (plan.rollback().is_none(), plan.release.lane != Lane::Hotfix, started)
    };
    rank(one) < rank(other)
}
