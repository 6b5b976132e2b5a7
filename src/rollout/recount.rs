//! A count of its own for the rules that always hold: who holds a slot, who is settled, who failed,
//! taken from the clusters' own attempts and from nothing else that the fold keeps. It follows the
//! journal event by event, so that a rule costs the same in a fleet of any size; now and then it
//! counts everybody again, and a difference is a fault like a broken rule.

use std::collections::HashMap;

use super::attempt::{AttemptState, Class};
use super::state::{Cluster, FleetState, Rollout};
use crate::journal::{Body, Event};
use crate::model::{ClusterName, ClusterUid, RolloutId};

/// After so many events everybody is counted again.
const AGAIN: u64 = 5_000;

/// The counts of all open rollouts at one position of the journal.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recount {
    position: u64,
    rollouts: HashMap<RolloutId, Counted>,
    /// Where and how following the events and counting everybody came to different numbers.
    differs: Option<String>,
}

/// The counts of one rollout.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Counted {
    clusters: Vec<Mark>,
    by_uid: HashMap<ClusterUid, usize>,
    /// By wave, then by pool.
    waves: Vec<Vec<Tally>>,
}

/// How one cluster counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Mark {
    holds_slot: bool,
    settled: bool,
    spends: bool,
    deferred: bool,
    claimed: bool,
    late_spends: bool,
}

/// How many clusters count in which way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Tally {
    /// Holds a slot.
    pub held: usize,
    /// Keeps its wave open.
    pub unsettled: usize,
    /// Spends the failure budget.
    pub spent: usize,
    /// Spends the deferred budget.
    pub deferred: usize,
    /// Got a slot at any time, by the wave as it is planned now.
    pub claimed: usize,
    /// Spends the budget of the catch-up lane.
    pub late_spent: usize,
}

impl Mark {
    fn of(cluster: &Cluster) -> Self {
        let attempt = &cluster.attempt;
        let spends = matches!(
            attempt.state,
            AttemptState::Failed(_)
                | AttemptState::TimedOut
                | AttemptState::RolledBack
                | AttemptState::Aborted { .. }
        );
        // Who catches up keeps no wave open, and spends nothing of its budgets.
        let late = cluster.late;
        Self {
            holds_slot: matches!(attempt.state.class(), Class::Active | Class::Unknown),
            settled: late || attempt.state.is_settled(),
            spends: !late && spends,
            late_spends: late && spends,
            deferred: !late && attempt.state.class() == Class::Deferred,
            claimed: cluster
                .earlier
                .iter()
                .chain([attempt])
                .any(|a| a.number >= cluster.first && a.claimed_at.is_some()),
        }
    }
}

impl Tally {
    fn each(&mut self, mark: Mark, change: impl Fn(&mut usize)) {
        for (counts, count) in [
            (mark.holds_slot, &mut self.held),
            (!mark.settled, &mut self.unsettled),
            (mark.spends, &mut self.spent),
            (mark.deferred, &mut self.deferred),
            (mark.claimed, &mut self.claimed),
            (mark.late_spends, &mut self.late_spent),
        ] {
            if counts {
                change(count);
            }
        }
    }

    fn plus(self, other: Self) -> Self {
        Self {
            held: self.held + other.held,
            unsettled: self.unsettled + other.unsettled,
            spent: self.spent + other.spent,
            deferred: self.deferred + other.deferred,
            claimed: self.claimed + other.claimed,
            late_spent: self.late_spent + other.late_spent,
        }
    }
}

impl Recount {
    /// Counts everybody in the open rollouts, and in those where somebody is left to catch up; nobody
    /// else can hold or get a slot.
    pub fn of(state: &FleetState) -> Self {
        let rollouts = state.live_rollouts().map(|r| (r.id.clone(), Counted::of(r))).collect();
        Self { position: state.position(), rollouts, differs: None }
    }

    /// Follows one event; `state` is the state after it. After an event that was missed, the next
    /// [`Recount::bring_to`] counts everybody.
    pub fn follow(&mut self, event: &Event, state: &FleetState) {
        if event.seq != self.position + 1 || state.position() != event.seq {
            return;
        }
        self.position = event.seq;
        // Who is a member, and who is planned where, decides which rollouts at their end still await somebody.
        if matches!(
            event.body,
            Body::MembershipRecorded { .. }
                | Body::RolloutPlanned { .. }
                | Body::RolloutReplanned { .. }
                | Body::RolloutJoined { .. }
        ) {
            self.follow_the_living(state);
        }
        let Some(id) = event.body.rollout() else { return };
        // What happens in a rollback changes the rollout that it takes back.
        if let Some(of) = state.rollout(id).and_then(Rollout::rolls_back) {
            self.look_at(of, event, state);
        }
        self.look_at(id, event, state);
        if event.seq.is_multiple_of(AGAIN) {
            self.compare(state);
        }
    }

    fn follow_the_living(&mut self, state: &FleetState) {
        let live: HashMap<&RolloutId, &Rollout> = state.live_rollouts().map(|r| (&r.id, r)).collect();
        self.rollouts.retain(|id, _| live.contains_key(id));
        for (id, rollout) in live {
            self.rollouts.entry(id.clone()).or_insert_with(|| Counted::of(rollout));
        }
    }

    fn look_at(&mut self, id: &RolloutId, event: &Event, state: &FleetState) {
        let Some(rollout) = state.rollout(id).filter(|r| r.state.is_open() || r.is_catching_up()) else {
            self.rollouts.remove(id);
            return;
        };
        if let Body::RolloutReplanned { .. } = &event.body {
            self.rollouts.remove(id);
        }
        let counted = self.rollouts.entry(id.clone()).or_insert_with(|| Counted::of(rollout));
        if let Body::RolloutJoined { .. } = &event.body {
            *counted = Counted::of(rollout);
        }
        for name in touched(&event.body) {
            counted.look_at(rollout, name);
        }
    }

    /// Counts everybody if this is not the count of this state; afterwards it is.
    pub fn bring_to(&mut self, state: &FleetState) {
        if self.position != state.position() {
            *self = Self::of(state);
        }
    }

    /// Counts everybody again and keeps what differs.
    fn compare(&mut self, state: &FleetState) {
        let again = Self::of(state);
        if self.rollouts != again.rollouts {
            let at = state.position();
            self.differs = Some(format!("the count that follows the journal is wrong at event {at}"));
        }
    }

    /// Where following the events and counting everybody came to different numbers, if they did.
    pub(super) fn differs(&self) -> Option<&str> {
        self.differs.as_deref()
    }

    /// The counts of a rollout.
    pub(super) fn rollout(&self, id: &RolloutId) -> Option<&Counted> {
        self.rollouts.get(id)
    }
}

impl Counted {
    fn of(rollout: &Rollout) -> Self {
        let pools = |wave: &super::state::Wave| vec![Tally::default(); wave.pools.len()];
        let mut counted = Self {
            clusters: Vec::with_capacity(rollout.clusters.len()),
            by_uid: HashMap::with_capacity(rollout.clusters.len()),
            waves: rollout.waves.iter().map(pools).collect(),
        };
        for (index, cluster) in rollout.clusters.iter().enumerate() {
            let mark = Mark::of(cluster);
            counted.clusters.push(mark);
            if let Some(tally) = counted.tally(cluster) {
                tally.each(mark, |count| *count += 1);
            }
            if let Some(planned) = rollout.planned_cluster(index) {
                counted.by_uid.insert(planned.uid.clone(), index);
            }
        }
        counted
    }

    fn tally(&mut self, cluster: &Cluster) -> Option<&mut Tally> {
        self.waves.get_mut(cluster.wave)?.get_mut(cluster.pool)
    }

    fn look_at(&mut self, rollout: &Rollout, name: &ClusterName) {
        let Some(index) = rollout.by_name.get(name).copied() else { return };
        let Some(cluster) = rollout.clusters.get(index) else { return };
        let now = Mark::of(cluster);
        let Some(known) = self.clusters.get_mut(index) else { return };
        let before = std::mem::replace(known, now);
        if let Some(tally) = self.tally(cluster).filter(|_| before != now) {
            tally.each(before, |count| *count = count.saturating_sub(1));
            tally.each(now, |count| *count += 1);
        }
    }

    /// The sum over the pools of a wave for which `which` holds.
    pub(super) fn of_wave(&self, wave: usize, which: impl Fn(usize) -> bool) -> Tally {
        let pools = self.waves.get(wave).into_iter().flatten().enumerate();
        pools.filter(|(pool, _)| which(*pool)).fold(Tally::default(), |sum, (_, tally)| sum.plus(*tally))
    }

    /// How many clusters of the rollout hold a slot.
    pub(super) fn held(&self) -> usize {
        self.waves.iter().flatten().map(|tally| tally.held).sum()
    }

    /// Whether a cluster of this identity is in the rollout and holds a slot.
    pub(super) fn holds(&self, uid: &ClusterUid) -> bool {
        let mark = self.by_uid.get(uid).and_then(|index| self.clusters.get(*index));
        mark.is_some_and(|mark| mark.holds_slot)
    }
}

/// The clusters that an event may change.
fn touched(body: &Body) -> Vec<&ClusterName> {
    match body {
        Body::AttemptClaimed { attempt, .. }
        | Body::AttemptDeferred { attempt, .. }
        | Body::AttemptPreflighted { attempt, .. }
        | Body::StepStarted { attempt, .. }
        | Body::StepSpawned { attempt, .. }
        | Body::StepFinished { attempt, .. }
        | Body::AttemptFinished { attempt, .. }
        | Body::AttemptDeparted { attempt, .. } => vec![&attempt.cluster],
        Body::AttemptRetry { clusters, .. }
        | Body::AttemptSkip { clusters, .. }
        | Body::WaveVerify { clusters, .. } => clusters.iter().collect(),
        Body::WaveClusterVerified { cluster, .. } => vec![cluster],
        _ => Vec::new(),
    }
}
