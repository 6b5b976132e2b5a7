//! A whole simulated world: a fleet, a journal, a repository, a host, and processes of tidegate that come
//! and go. It decides nothing; it is what a simulation is made of.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::clock::VirtualClock;
use super::fleet::Fleet;
use super::host::{SimulatedHost, SimulatedProcess};
use super::journal::{Disk, MemoryJournal};
use super::life::Life;
use super::living::LivingGit;
use super::ports::{Absent, SimulatedScripts};
use super::repository::MemoryRepository;
use crate::engine::World;
use crate::engine::repo::Repository;
use crate::port::{Commits, Journal, Renderer};

/// A journal that several processes use.
pub trait Keeps: Send + Sync {
    /// The journal as one process has it.
    fn of(&self, life: Life) -> Arc<dyn Journal>;

    /// The journal itself, if it is kept in memory.
    fn memory(&self) -> Option<&MemoryJournal> {
        None
    }

    /// How the disk below it is from now on; a disk of the real world is as it is.
    fn disk(&self, _: Disk) {}

    /// How often the disk failed, by how it was.
    fn struck(&self) -> BTreeMap<String, u64> {
        BTreeMap::new()
    }
}

/// What stays when processes go.
#[derive(Clone)]
pub struct Simulation {
    /// The clocks.
    pub clock: VirtualClock,
    /// The clusters.
    pub fleet: Fleet,
    /// The journal.
    pub journal: Arc<dyn Keeps>,
    /// The repository.
    pub repository: Repository,
    /// Commits what is written in it.
    pub commits: Arc<dyn Commits>,
    /// The repository behind those ports, if it is in memory.
    pub memory: Option<MemoryRepository>,
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
        let world = World {
            clock: Arc::new(self.clock.clone()),
            host: Arc::new(host.clone()),
            clusters: self.fleet.of(life.clone()),
            renderer: self.renderer.clone().unwrap_or_else(|| Arc::clone(&absent) as _),
            scripts: Arc::new(self.scripts.of(life.clone())),
            secrets: Arc::clone(&absent) as _,
            metrics: Arc::clone(&absent) as _,
            signatures: absent,
            git: Arc::new(LivingGit { git: Arc::clone(&self.repository.git), life: life.clone() }),
            packages: Arc::clone(&self.repository.packages),
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
