//! What keeps a cluster from starting although its turn has come: one pure function of the state
//! and the moment, asked at every claim and, for what also keeps the next step back, before every
//! step. Nothing is remembered by timers, so nothing can be missed.

use std::cell::RefCell;

use super::attempt::{AttemptState, Class};
use super::live::{Hold, Stop};
use super::state::{Cluster, FleetState, Rollout};
use crate::journal::{Deferral, StopScope};
use crate::model::calendar::{Closed, Moment, Subject, Verdict};
use crate::model::{Labels, Lane, RolloutId, WaveName};
use crate::plan::PlannedCluster;

/// What keeps a cluster from starting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Obstacle {
    /// A person stopped the line; nothing is recorded for the cluster, which stays where it is.
    Stop {
        /// Over what.
        scope: StopScope,
        /// By whom, since when, and why.
        stop: Stop,
    },
    /// A person holds it, or a product that this plan would change.
    Hold(Hold),
    /// It is switched off on purpose.
    Hibernated,
    /// The calendar forbids it.
    Window {
        /// What forbids it, and until when.
        closed: Closed,
    },
    /// Another rollout comes first there.
    Busy {
        /// The one that has its turn now.
        rollout: RolloutId,
        /// The place in the cluster's queue, from 1; the one at work has the first.
        position: u32,
    },
}

impl Obstacle {
    /// As what the cluster is left for later; nothing for a stop, which is one fact for all.
    pub fn deferral(&self) -> Option<Deferral> {
        match self {
            Self::Stop { .. } => None,
            Self::Hold(_) => Some(Deferral::Hold),
            Self::Hibernated => Some(Deferral::Hibernated),
            Self::Window { .. } => Some(Deferral::Window),
            Self::Busy { .. } => Some(Deferral::Busy),
        }
    }

    /// The moment from which time alone removes it, if it does.
    pub fn until(&self) -> Option<jiff::Timestamp> {
        match self {
            Self::Stop { .. } | Self::Hibernated | Self::Busy { .. } => None,
            Self::Hold(hold) => hold.until,
            Self::Window { closed } => closed.next_opening,
        }
    }
}

impl std::fmt::Display for Obstacle {
    /// As a cause.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Stop { scope, stop } => {
                write!(f, "the line of {scope} was stopped by {}: {}", stop.by, stop.reason)
            }
            Self::Hold(Hold { by, reason, kept: None, .. }) => write!(f, "held by {by}: {reason}"),
            Self::Hold(Hold { by, reason, kept: Some(kept), .. }) => {
                write!(f, "{} is held at {} by {by}: {reason}", kept.product, kept.version)
            }
            Self::Hibernated => f.write_str("switched off on purpose: the fleet says `hibernated: true`"),
            Self::Window { closed } => f.write_str(&closed.words()),
            Self::Busy { rollout, .. } => write!(f, "{rollout} goes first"),
        }
    }
}

/// The state at one moment, for questions about many clusters: the calendar is worked out once for
/// all that the same entries are for.
pub struct Outlook<'a> {
    pub(super) state: &'a FleetState,
    now: jiff::Timestamp,
    calendar: Option<RefCell<Moment<'a>>>,
}

impl Outlook<'_> {
    /// What keeps a cluster of a rollout from starting now, budgets, caps and waves apart. The
    /// calendar is asked last: what it says changes by itself.
    pub fn obstacle(&self, rollout: &Rollout, planned: &PlannedCluster) -> Option<Obstacle> {
        self.stop(rollout, planned)
            .or_else(|| self.state.hold_against(planned, self.now).cloned().map(Obstacle::Hold))
            .or_else(|| self.state.is_hibernated(&planned.name).then_some(Obstacle::Hibernated))
            .or_else(|| self.state.busy(rollout, planned))
            .or_else(|| self.window(rollout, planned))
    }

    /// What keeps also the next step of a cluster at work back; it keeps its slot meanwhile.
    pub fn interruption(&self, rollout: &Rollout, planned: &PlannedCluster) -> Option<Obstacle> {
        self.stop(rollout, planned).or_else(|| self.window(rollout, planned))
    }

    fn stop(&self, rollout: &Rollout, planned: &PlannedCluster) -> Option<Obstacle> {
        self.state
            .stop_over(rollout, &planned.labels)
            .map(|(scope, stop)| Obstacle::Stop { scope: scope.clone(), stop: stop.clone() })
    }

    /// What the calendar has against it.
    pub(super) fn window(&self, rollout: &Rollout, planned: &PlannedCluster) -> Option<Obstacle> {
        let calendar = self.calendar.as_ref()?;
        let index = rollout.by_name.get(&planned.name)?;
        let wave = rollout.plan.waves.get(rollout.clusters.get(*index)?.wave)?;
        let subject = rollout.subject(&wave.name, &planned.labels);
        match calendar.borrow_mut().verdict(&subject) {
            Verdict::Open { .. } => None,
            Verdict::Closed(closed) => Some(Obstacle::Window { closed }),
        }
    }
}

impl FleetState {
    /// The state at a moment, for questions about many clusters.
    pub fn outlook(&self, now: jiff::Timestamp) -> Outlook<'_> {
        let recorded = self.calendar().filter(|recorded| !recorded.calendar.is_empty());
        let calendar = recorded.map(|recorded| RefCell::new(recorded.calendar.moment(now)));
        Outlook { state: self, now, calendar }
    }

    /// What keeps a cluster of a rollout from starting now, budgets, caps and waves apart.
    pub fn obstacle(
        &self,
        rollout: &Rollout,
        planned: &PlannedCluster,
        now: jiff::Timestamp,
    ) -> Option<Obstacle> {
        self.outlook(now).obstacle(rollout, planned)
    }

    /// The stop-the-line that reaches a cluster of a rollout: the widest one.
    pub fn stop_over<'a>(&'a self, rollout: &Rollout, labels: &Labels) -> Option<(&'a StopScope, &'a Stop)> {
        self.stops_over(rollout, labels).next()
    }

    /// Every stop-the-line that reaches a cluster of a rollout, the widest first.
    pub fn stops_over<'a, 'b>(
        &'a self,
        rollout: &'b Rollout,
        labels: &'b Labels,
    ) -> impl Iterator<Item = (&'a StopScope, &'a Stop)> + use<'a, 'b> {
        self.stops().filter(move |(scope, _)| match scope {
            StopScope::Fleet => true,
            StopScope::Rollout { rollout: id } => *id == rollout.id,
            StopScope::Clusters { labels: wanted } => {
                wanted.iter().all(|(label, value)| labels.get(label) == Some(value))
            }
        })
    }

    /// The hold that stands against what a plan does to a cluster: that of the whole cluster, or of
    /// a product that would get another content or be taken away.
    pub fn hold_against(&self, planned: &PlannedCluster, now: jiff::Timestamp) -> Option<&Hold> {
        self.holds_of(&planned.name).filter(|hold| hold.holds(now)).find(|hold| match &hold.kept {
            None => true,
            Some(kept) => {
                let moves = |t: &crate::plan::Target| t.product == kept.product && t.digest != kept.digest;
                planned.targets.iter().any(moves) || planned.removals.contains(&kept.product)
            }
        })
    }

    /// The rollouts that want a cluster, in the order in which they get it: rollbacks, then the hotfix
    /// lane before the normal one, then by their start. Empty when nobody does.
    pub fn queue(&self, planned: &PlannedCluster) -> Vec<&RolloutId> {
        self.in_order().into_iter().filter(|r| r.wants(planned)).map(|r| &r.id).collect()
    }

    /// The open rollouts in the order in which they get a cluster: rollbacks before all others.
    pub(super) fn in_order(&self) -> Vec<&Rollout> {
        let mut open: Vec<&Rollout> = self.open_rollouts().collect();
        // What is broken is mended first. Stable: within a lane the order of start stays.
        open.sort_by_key(|r| (r.rolls_back().is_none(), r.plan.release.lane != Lane::Hotfix));
        open
    }

    fn busy(&self, rollout: &Rollout, planned: &PlannedCluster) -> Option<Obstacle> {
        let holder = self.claimed_by(&planned.uid).filter(|holder| **holder != rollout.id);
        // With no other open rollout nobody can be ahead; one that catches up is at its end.
        if self.open.len() <= usize::from(rollout.state.is_open()) && holder.is_none() {
            return None;
        }
        let (mut ahead, mut first) = (0, None);
        for other in self.in_order().into_iter().take_while(|other| other.id != rollout.id) {
            if other.wants(planned) {
                ahead += 1;
                first = first.or(Some(&other.id));
            }
        }
        // A hotfix overtakes between two attempts, never inside one.
        let now = holder.or(first)?;
        Some(Obstacle::Busy { rollout: now.clone(), position: ahead.max(1) + 1 })
    }
}

impl Rollout {
    /// As what one of its clusters is asked about in the calendar.
    pub fn subject<'a>(&self, wave: &'a WaveName, labels: &'a Labels) -> Subject<'a> {
        let subject = Subject::new(self.plan.release.lane, wave, labels);
        if self.rolls_back().is_some() { subject.denies_only() } else { subject }
    }

    /// Whether it still has to do with a cluster: its cluster is not settled, or its wave not over.
    fn wants(&self, planned: &PlannedCluster) -> bool {
        let index = self.by_uid.get(&planned.uid).or_else(|| self.by_name.get(&planned.name));
        index.and_then(|i| self.clusters.get(*i)).is_some_and(|cluster| {
            // One that follows behind its wave and has no slot lets everybody else go.
            if cluster.late {
                return matches!(cluster.attempt.state.class(), Class::Active | Class::Unknown);
            }
            !cluster.attempt.state.is_settled()
                || self.waves.get(cluster.wave).is_some_and(|wave| !wave.phase.is_over())
        })
    }
}

impl Cluster {
    /// Whether an obstacle is told in its state already.
    pub(super) fn says(&self, obstacle: &Obstacle, reason: Deferral) -> bool {
        let attempt = &self.attempt;
        attempt.state == AttemptState::Deferred(reason)
            && attempt.parked.as_ref().is_some_and(|parked| parked.until == obstacle.until())
            && attempt.cause.as_deref() == Some(obstacle.to_string().as_str())
    }
}
