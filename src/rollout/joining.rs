//! Clusters that join the fleet while a rollout runs. A member that no plan knows is planned alone for
//! the rollout that it joins, by an effect; then it waits in the catch-up lane until its wave is over.
//! Nothing of it is ever part of a wave's digest, of its numbers, or of the evidence of its gates.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::attempt::{Attempt, AttemptState, Parked, recheck};
use super::effect::Effect;
use super::effects::Gathered;
use super::state::{Cluster, FleetState, Pool, Rollout, RolloutState};
use crate::journal::{Body, Deferral, Event};
use crate::model::{ClusterName, Joiners, Lane, PoolName, WaveName};
use crate::plan::{PlannedCluster, PlannedPool};

/// A cluster that could not be planned when it joined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unjoined {
    /// How often that was tried since the fleet was read last.
    pub tries: u32,
    /// When, last.
    pub at: jiff::Timestamp,
    /// Why not.
    pub cause: String,
    /// Whether trying again is useless until the fleet says something else.
    pub lasting: bool,
}

impl Unjoined {
    /// From when on it is tried again.
    pub fn due(&self) -> Option<jiff::Timestamp> {
        match (self.lasting, self.tries) {
            (true, _) => None,
            // The fleet says something else since.
            (false, 0) => Some(self.at),
            (false, tries) => Some(recheck(tries).after(self.at)),
        }
    }
}

impl FleetState {
    /// The clusters that join now, each with the rollout that it joins: members that are awake and that
    /// no plan knows.
    pub fn joiners(&self) -> Vec<(&Rollout, &ClusterName)> {
        let mut found = Vec::new();
        for name in &self.strangers {
            let takes = |index: &&usize| {
                self.rollouts.get(**index).is_some_and(|rollout| rollout.takes_joiners(name))
            };
            let hosts = || self.open.iter().chain(&self.catching).filter(takes);
            let normal = |index: &&usize| {
                self.rollouts.get(**index).is_some_and(|r| r.plan.release.lane == Lane::Normal)
            };
            // The youngest of the normal lane; of the hotfix lane only if there is no other.
            let host = hosts().filter(normal).max().or_else(|| hosts().max());
            if let Some(rollout) = host.and_then(|index| self.rollouts.get(*index)) {
                found.push((rollout, name));
            }
        }
        found
    }

    /// Those that join this rollout.
    pub(super) fn joiners_of<'a>(&'a self, rollout: &Rollout) -> impl Iterator<Item = &'a ClusterName> {
        self.joiners().into_iter().filter(|(host, _)| host.id == rollout.id).map(|(_, name)| name)
    }

    /// The clusters that were never reached when a rollout was planned, and that do not join yet.
    pub fn awaited<'a>(&'a self, rollout: &'a Rollout) -> impl Iterator<Item = &'a ClusterName> {
        rollout.awaited.iter().filter(|name| !self.strangers.contains(*name))
    }

    /// The clusters that a rollout has no plan for, and that follow in it when they can.
    pub fn joining<'a>(&'a self, rollout: &'a Rollout) -> BTreeSet<&'a ClusterName> {
        self.joiners_of(rollout).chain(self.awaited(rollout)).collect()
    }

    /// Members that are awake and that no plan knows.
    pub(super) fn find_strangers(&mut self) {
        let Some(known) = &self.live.membership else { return };
        let planned = |name: &ClusterName| self.rollouts.iter().any(|r| r.by_name.contains_key(name));
        let awake = known.clusters.iter().filter(|(name, member)| !member.hibernated && !planned(name));
        self.strangers = awake.map(|(name, _)| name.clone()).collect();
    }

    /// Who is no member any more is not awaited, and who could not be planned is tried anew.
    pub(super) fn forget_awaited(&mut self) {
        let Some(known) = &self.live.membership else { return };
        for rollout in &mut self.rollouts {
            if known.speaks_of(rollout) {
                rollout.awaited.retain(|name| known.clusters.contains_key(name));
            }
            rollout.unjoined.retain(|name, _| known.clusters.contains_key(name));
            for unjoined in rollout.unjoined.values_mut() {
                (unjoined.tries, unjoined.lasting) = (0, false);
            }
        }
        self.sort_in_all();
    }

    /// Who is awaited decides whether a rollout at its end is through.
    fn sort_in_all(&mut self) {
        for index in 0..self.rollouts.len() {
            self.sort_in(index);
        }
    }

    /// A plan knows these clusters now.
    pub(super) fn not_strange(&mut self, index: usize) {
        let Some(rollout) = self.rollouts.get_mut(index) else { return };
        let known = std::mem::take(&mut rollout.by_name);
        self.strangers.retain(|name| !known.contains_key(name));
        for rollout in &mut self.rollouts {
            rollout.awaited.retain(|name| !known.contains_key(name));
            rollout.unjoined.retain(|name, _| !known.contains_key(name));
        }
        if let Some(rollout) = self.rollouts.get_mut(index) {
            rollout.by_name = known;
        }
        self.sort_in_all();
    }

    pub(super) fn check_joining(&self, rollout: &Rollout, body: &Body) -> Result<(), String> {
        let name = match body {
            Body::RolloutJoined { cluster, .. } => &cluster.name,
            Body::RolloutNotJoined { cluster, .. } => cluster,
            _ => return Ok(()),
        };
        if !self.strangers.contains(name) || !rollout.takes_joiners(name) {
            return Err(format!("{name} does not join {}", rollout.id));
        }
        if let Body::RolloutJoined { wave, cluster, .. } = body {
            if rollout.wave(wave).is_none() {
                return Err(format!("{} has no wave {wave}", rollout.id));
            }
            if self.live_rollouts().any(|r| r.by_uid.contains_key(&cluster.uid)) {
                return Err(format!("{name} is planned already, by its UID"));
            }
            if !cluster.obstacles.is_empty() {
                return Err(format!("something stands against {name}"));
            }
        }
        Ok(())
    }
}

impl Rollout {
    /// Whether a cluster that no plan knows may join it.
    fn takes_joiners(&self, name: &ClusterName) -> bool {
        let goes = matches!(
            self.state,
            RolloutState::Running
                | RolloutState::Pausing
                | RolloutState::Paused
                | RolloutState::Halted { .. }
                | RolloutState::SucceededWithFailures
        );
        goes && self.rolls_back().is_none()
            && self.plan.pipeline.catch_up.joiners == Joiners::Follow
            && !self.unassigned.contains(name)
    }

    /// The clusters that could not be planned when they joined, and why.
    pub fn unjoined(&self) -> impl Iterator<Item = (&ClusterName, &Unjoined)> {
        self.unjoined.iter()
    }

    pub(super) fn fold_joining(&mut self, event: &Event) {
        match &event.body {
            Body::RolloutNotJoined { cluster, cause, lasting, .. } => {
                let tries = self.unjoined.get(cluster).map_or(0, |known| known.tries) + 1;
                let it = Unjoined { tries, at: event.at, cause: cause.clone(), lasting: *lasting };
                self.unjoined.insert(cluster.clone(), it);
            }
            Body::RolloutJoined { wave, pool, cluster, products, values, .. } => {
                let plan = Arc::make_mut(&mut self.plan);
                // What the plan knows already stays as it was frozen.
                for (digest, product) in products {
                    plan.products.entry(*digest).or_insert_with(|| product.clone());
                }
                for (digest, value) in values {
                    plan.values.entry(*digest).or_insert_with(|| value.clone());
                }
                self.join(wave, pool, cluster, event.at);
            }
            _ => {}
        }
    }

    fn join(&mut self, wave: &WaveName, pool: &PoolName, cluster: &PlannedCluster, at: jiff::Timestamp) {
        let plan = Arc::make_mut(&mut self.plan);
        let Some(w) = self.by_wave.get(wave).copied() else { return };
        let Some((planned, known)) = plan.waves.get_mut(w).zip(self.waves.get_mut(w)) else { return };
        let p = match planned.pools.iter().position(|known| known.name == *pool) {
            Some(p) => p,
            None => {
                planned.pools.push(PlannedPool { name: pool.clone(), at_once: None, clusters: Vec::new() });
                known.pools.push(Pool::default());
                planned.pools.len() - 1
            }
        };
        let Some(pool) = planned.pools.get_mut(p) else { return };
        let place = pool.clusters.len();
        pool.clusters.push(cluster.clone());
        // One that an earlier plan of this rollout had goes on counting its attempts.
        let before = self.left_out.remove(&cluster.name);
        let same = before.as_ref().is_some_and(|(uid, _)| *uid == cluster.uid);
        let before = before.map(|(_, known)| known);
        let number = before.as_ref().map_or(1, |known| known.attempt.number + 1);
        let earlier = before
            .filter(|_| same)
            .map_or_else(Vec::new, |known| known.earlier.into_iter().chain([known.attempt]).collect());
        let attempt = Attempt::new(number, at, cluster).following(wave);
        let index = self.clusters.len();
        self.by_name.insert(cluster.name.clone(), index);
        self.by_uid.insert(cluster.uid.clone(), index);
        let (late, joined, first) = (true, true, number);
        self.clusters.push(Cluster { wave: w, pool: p, place, late, joined, attempt, earlier, first });
        self.arrive(index);
    }
}

impl Attempt {
    /// The attempt of one who joined: it waits until its wave is over.
    pub(super) fn following(mut self, wave: &WaveName) -> Self {
        self.state = AttemptState::Deferred(Deferral::Joined);
        self.cause = Some(format!("it joined while the rollout ran, and follows when wave {wave} is over"));
        self.parked = Some(Parked { until: None });
        self
    }
}

/// Plans who joins now. Whether nobody is left who would have to be planned before a rollout can end.
pub(super) fn joins(state: &FleetState, out: &mut Gathered) {
    for (rollout, cluster) in state.joiners() {
        // Planning touches nothing, so a pause does not keep it.
        let before = rollout.unjoined.get(cluster);
        let due = before.map(Unjoined::due);
        match due {
            Some(None) => {}
            Some(Some(due)) if out.now < due => out.wake(due),
            _ => {
                let tries = before.map_or(0, |known| known.tries) + 1;
                let (rollout, cluster) = (rollout.id.clone(), cluster.clone());
                out.act(Effect::Join { rollout, cluster, tries });
            }
        }
    }
}

/// Whether somebody who joins a rollout was not even tried to be planned.
pub(super) fn awaits_joiner(state: &FleetState, rollout: &Rollout) -> bool {
    state.joiners_of(rollout).any(|name| rollout.unjoined.get(name).is_none_or(|known| known.tries == 0))
}

/// Whether somebody is left who would join a rollout, and could not be planned yet.
pub(super) fn lacks_joiner(state: &FleetState, rollout: &Rollout) -> bool {
    !rollout.awaited.is_empty()
        || state.joiners_of(rollout).any(|name| rollout.unjoined.get(name).is_some_and(|u| !u.lasting))
}
