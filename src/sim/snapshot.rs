//! What a simulated world was at a moment, to go on from it as often as one likes. It is a plain value:
//! processes are not in it, so in a world that goes on from one, every process there was is dead.

use std::sync::Arc;

use super::clock::{Face, VirtualClock};
use super::fleet::{Copy, Fleet};
use super::host::SimulatedHost;
use super::journal::MemoryJournal;
use super::ports::SimulatedScripts;
use super::repository::MemoryRepository;
use super::world::Simulation;
use crate::port::Renderer;

/// A simulated world at a moment: times, clusters with their audit logs, how often faults have struck,
/// journal with its driver's lease, repository, the numbers of the host's processes, what scripts ran.
/// Clones and later snapshots share what has not changed between them.
#[derive(Clone)]
pub struct Snapshot {
    face: Face,
    fleet: Copy,
    journal: MemoryJournal,
    repository: MemoryRepository,
    host: SimulatedHost,
    scripts: SimulatedScripts,
    renderer: Option<Arc<dyn Renderer>>,
}

impl Simulation {
    /// What the world is now; `None` if its journal or its repository is not kept in memory.
    pub fn snapshot(&self) -> Option<Snapshot> {
        Some(Snapshot {
            face: self.clock.face(),
            fleet: self.fleet.copy(),
            journal: self.journal.memory()?.copy(),
            repository: self.memory.as_ref()?.copy(),
            host: self.host.emptied(),
            scripts: self.scripts.copy(),
            renderer: self.renderer.clone(),
        })
    }
}

impl Snapshot {
    /// A world that goes on from here and shares nothing with others that do. To be called within a
    /// runtime of its own, see [`super::runtime::run`].
    pub fn resume(&self) -> Simulation {
        let clock = VirtualClock::from_face(self.face);
        let repository = self.repository.copy();
        Simulation {
            fleet: Fleet::from_copy(clock.clone(), self.fleet.clone()),
            journal: Arc::new(self.journal.copy()),
            repository: repository.ports(),
            commits: Arc::new(repository.clone()),
            memory: Some(repository),
            host: self.host.emptied(),
            scripts: self.scripts.copy(),
            renderer: self.renderer.clone(),
            clock,
        }
    }
}
