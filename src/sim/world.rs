//! A whole simulated world: a fleet, a journal, a repository, a host, and processes of tidegate that come
//! and go. It decides nothing; it is what a simulation is made of.

use std::sync::Arc;

use super::clock::VirtualClock;
use super::fleet::Fleet;
use super::host::{SimulatedHost, SimulatedProcess};
use super::journal::MemoryJournal;
use super::life::Life;
use super::ports::{Absent, SimulatedScripts};
use super::repository::MemoryRepository;
use crate::engine::World;
use crate::port::Renderer;

/// What stays when processes go.
#[derive(Clone)]
pub struct Simulation {
    /// The clocks.
    pub clock: VirtualClock,
    /// The clusters.
    pub fleet: Fleet,
    /// The journal.
    pub journal: MemoryJournal,
    /// The repository.
    pub repository: MemoryRepository,
    /// The host on which processes run.
    pub host: SimulatedHost,
    /// Scripts.
    pub scripts: SimulatedScripts,
    /// Helm, if somebody lends one.
    pub renderer: Option<Arc<dyn Renderer>>,
}

/// A process of tidegate in a simulation.
pub struct Process {
    /// Its life.
    pub life: Life,
    /// Its ports.
    pub world: World,
    host: SimulatedProcess,
}

impl Simulation {
    /// A new process, with a life.
    pub fn process(&self, life: Life) -> Process {
        let host = self.host.process();
        let absent = Arc::new(Absent);
        let repository = Arc::new(self.repository.clone());
        let world = World {
            clock: Arc::new(self.clock.clone()),
            host: Arc::new(host.clone()),
            clusters: self.fleet.of(life.clone()),
            renderer: self.renderer.clone().unwrap_or_else(|| Arc::clone(&absent) as _),
            scripts: Arc::new(self.scripts.of(life.clone())),
            secrets: Arc::clone(&absent) as _,
            metrics: Arc::clone(&absent) as _,
            signatures: absent,
            git: Arc::clone(&repository) as _,
            packages: repository,
            journal: self.journal.of(life.clone()),
        };
        Process { life, world, host }
    }
}

impl Process {
    /// It is killed: nothing that it still does reaches the world.
    pub fn kill(&self) {
        self.life.end();
        self.host.end();
    }
}
