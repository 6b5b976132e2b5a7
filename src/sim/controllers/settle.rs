//! The loop: what fell due, each at its time, and reactions to what changed, until nothing moves.

use std::hash::{DefaultHasher, Hash, Hasher};

use jiff::Timestamp;

use super::world::{Memory, Role, Task, World};
use super::{api_services, budgets, claims, daemon_sets, definitions, deployments, endpoints, garbage};
use super::{jobs, kubelet, namespaces, nodes, replica_sets, routes, scheduling, services, stateful_sets};
use crate::sim::conditions::Conditions;
use crate::sim::store::{Key, Store};

/// How often controllers react to each other at one moment before that is taken for a quarrel without
/// end and left.
const ROUNDS: usize = 500;

/// The controllers of one cluster: what they remember. What they work on is in the store.
#[derive(Debug, Clone, Default)]
pub struct Controllers {
    memory: Memory,
    /// Until when they have gone.
    until: Option<Timestamp>,
    /// What stood in the conditions that decide about what is there already.
    known: u64,
}

impl Controllers {
    /// Those of a new cluster; `seed` decides how long things take in it.
    pub fn new(seed: u64) -> Self {
        Self { memory: Memory::new(seed), ..Self::default() }
    }

    /// Goes on until `now`: first reacts to what changed since it was last called, as of the time until
    /// which it had gone (so call it before a request too, with the request's time), then does what falls
    /// due until `now`, each at its own time. It costs next to nothing when nothing happens.
    pub fn settle(&mut self, store: &mut Store, conditions: &Conditions, now: Timestamp) {
        let begin = self.until.map_or(now, |until| until.min(now));
        self.until = Some(self.until.map_or(now, |until| until.max(now)));
        let known = fingerprint(conditions);
        let is_due = self.memory.next().is_some_and(|at| at <= now);
        if store.revision() == self.memory.seen && known == self.known && !is_due {
            return;
        }
        let mut world = World::new(store, conditions, &mut self.memory, begin);
        if std::mem::replace(&mut self.known, known) != known {
            routes::conditions_changed(&mut world);
        }
        react(&mut world);
        let mut rounds = 0;
        while let Some(at) = world.memory.next().filter(|at| *at <= now) {
            rounds = if at.max(begin) == world.now { rounds + 1 } else { 0 };
            if rounds > ROUNDS {
                return;
            }
            world.now = at.max(begin);
            let due = world.memory.take(at);
            world.queue.extend(due);
            react(&mut world);
        }
    }

    /// When something falls due next.
    pub fn next(&self) -> Option<Timestamp> {
        self.memory.next()
    }

    /// Evicts a pod, as a POST to its subresource `eviction` does.
    ///
    /// # Errors
    /// When a disruption budget does not let it go.
    pub fn evict(
        &mut self,
        store: &mut Store,
        conditions: &Conditions,
        pod: &Key,
        now: Timestamp,
    ) -> Result<(), budgets::Budget> {
        let mut world = World::new(store, conditions, &mut self.memory, now);
        budgets::evict(&mut world, pod)
    }
}

/// The conditions that decide about what is there already; the others are read when they are needed.
fn fingerprint(conditions: &Conditions) -> u64 {
    let mut hasher = DefaultHasher::new();
    let Conditions { broken_nodes, closed_budgets, unpullable, crashing, .. } = conditions;
    (broken_nodes, closed_budgets, unpullable, crashing).hash(&mut hasher);
    hasher.finish()
}

fn react(world: &mut World<'_>) {
    for _ in 0..ROUNDS {
        routes::follow(world);
        if world.queue.is_empty() {
            return;
        }
        while let Some(task) = world.queue.pop_first() {
            look(world, &task);
        }
    }
    world.queue.clear();
    world.memory.seen = world.store.revision();
}

fn look(world: &mut World<'_>, (role, key): &Task) {
    match role {
        Role::Namespace => namespaces::look(world, key),
        Role::Definition => definitions::look(world, key),
        Role::Node => nodes::look(world, key),
        Role::Owners => garbage::check_owners(world, key),
        Role::Claim => claims::look(world, key),
        Role::Job => jobs::look(world, key),
        Role::Deployment => deployments::look(world, key),
        Role::StatefulSet => stateful_sets::look(world, key),
        Role::DaemonSet => daemon_sets::look(world, key),
        Role::ReplicaSet => replica_sets::look(world, key),
        Role::Scheduler => scheduling::look(world, key),
        Role::Kubelet => kubelet::look(world, key),
        Role::Step => kubelet::step(world, key),
        Role::Stop => kubelet::stop(world, key),
        Role::Patience => nodes::patience(world, key),
        Role::Service => services::look(world, key),
        Role::Address => services::give_address(world, key),
        Role::Endpoints => endpoints::look(world, key),
        Role::ApiService => api_services::look(world, key),
        Role::Budget => budgets::look(world, key),
        Role::Collect => garbage::collect(world, key),
    }
}
