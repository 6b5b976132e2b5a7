//! The world of a rehearsal: the copied fleet with its history, and a repository that is read and never
//! written.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use uuid::Uuid;

use super::cluster::{self, Stand};
use super::ports::{Asked, Kept, Reached, Well};
use crate::engine::World;
use crate::engine::cluster::Shape;
use crate::engine::repo::Repository;
use crate::journal::Event;
use crate::model::{ClusterEntry, ClusterName, ClusterUid};
use crate::plan::{Access, GateKind, Plan};
use crate::port::Fault;
use crate::sim::chance::Chance;
use crate::sim::clock::VirtualClock;
use crate::sim::faults::Faults;
use crate::sim::fleet::{Audit, Fleet};
use crate::sim::host::SimulatedHost;
use crate::sim::journal::MemoryJournal;
use crate::sim::life::Life;
use crate::sim::ports::{ScriptRules, SimulatedScripts};
use crate::sim::repository::MemoryRepository;
use crate::sim::store::Pool;
use crate::sim::{Process, Simulation};
use crate::version::KubeVersion;

/// What a cluster of the copy is made after.
#[derive(Debug, Clone)]
pub enum Like {
    /// Its own shape.
    Itself(Arc<Shape>),
    /// The shape of a cluster like it, since its own could not be read.
    Neighbour {
        /// Whose.
        name: ClusterName,
        /// That shape.
        shape: Arc<Shape>,
    },
    /// Nothing is known of it: a bare cluster.
    Nothing,
}

/// A cluster that is to be copied.
#[derive(Debug, Clone)]
pub struct Fellow {
    /// Its name.
    pub name: ClusterName,
    /// How it is reached.
    pub access: Access,
    /// Its identity, where the journal knows it and it could not be asked.
    pub uid: Option<ClusterUid>,
    /// What it is made after.
    pub like: Like,
}

/// Everything that a fleet is copied from.
pub struct Copied {
    /// Its clusters.
    pub fellows: Vec<Fellow>,
    /// The clusters that its source lists.
    pub sourced: Arc<Vec<ClusterEntry>>,
    /// The journal's UUID.
    pub journal: Uuid,
    /// The journal's events; none if there is no journal yet.
    pub events: Vec<Event>,
    /// The moment at which it is copied, and at which rehearsals begin.
    pub now: Timestamp,
    /// What a cluster serves of which nothing is known.
    pub kubernetes: KubeVersion,
    /// The repository and helm.
    pub kept: Arc<Kept>,
}

/// A copy that lives.
pub struct Place {
    /// Its world.
    pub simulation: Simulation,
    asked: Arc<Asked>,
    well: Arc<Well>,
    names: Arc<BTreeMap<(String, Option<String>), String>>,
    sourced: Arc<Vec<ClusterEntry>>,
}

impl Copied {
    /// Stands a copy up. To be called within the runtime of its simulation.
    ///
    /// # Errors
    /// When a cluster's version is none.
    pub fn place(&self, seed: u64) -> Result<Place, Fault> {
        let clock = VirtualClock::starting(self.now);
        let pool = Pool::default();
        let (mut clusters, mut names) = (Vec::new(), BTreeMap::new());
        for fellow in &self.fellows {
            let name = fellow.name.as_str();
            let stand = Stand { name, seed: Chance::named(seed, name).draw(), pool: &pool, now: self.now };
            // A cluster has one identity, whatever the seed.
            let own = || ClusterUid::new(&format!("rehearsed-{name}"));
            let uid = fellow.uid.clone().unwrap_or_else(own);
            let cluster = match &fellow.like {
                Like::Itself(shape) => cluster::copy(&stand, shape, None),
                Like::Neighbour { shape, .. } => cluster::copy(&stand, shape, Some(&uid)),
                Like::Nothing => Ok(cluster::bare(&stand, &self.kubernetes, &uid)),
            };
            clusters.push(cluster.map_err(|error| Fault::permanent(format!("{name}: {error}")))?);
            let access = &fellow.access;
            names.insert((access.kubeconfig.clone(), access.context.clone()), name.to_owned());
        }
        let asked = Asked::new(Arc::clone(&self.kept));
        // Nothing is ever written to the working tree of a rehearsal.
        let nowhere = Arc::new(MemoryRepository::default());
        let simulation = Simulation {
            fleet: Fleet::new(clock.clone(), clusters, Faults::default(), Audit::None, seed, None),
            journal: Arc::new(MemoryJournal::copied(self.journal, self.now, &self.events)?),
            repository: Repository {
                git: Arc::clone(&asked) as _,
                packages: Arc::clone(&asked) as _,
                trees: Arc::clone(&nowhere) as _,
            },
            commits: nowhere,
            memory: None,
            host: SimulatedHost::new("rehearsal"),
            scripts: SimulatedScripts::new(ScriptRules::default(), seed, Life::new()),
            renderer: Some(Arc::clone(&asked) as _),
            clock,
        };
        let (names, sourced) = (Arc::new(names), Arc::clone(&self.sourced));
        Ok(Place { simulation, asked, well: Arc::default(), names, sourced })
    }
}

impl Place {
    /// A process of tidegate in the copy.
    pub fn process(&self) -> Process {
        let mut process = self.simulation.process(Life::new());
        process.world = World {
            clusters: Arc::new(Reached {
                clusters: Arc::clone(&process.world.clusters),
                names: Arc::clone(&self.names),
                sourced: Arc::clone(&self.sourced),
            }),
            renderer: Arc::clone(&self.asked) as _,
            metrics: Arc::clone(&self.well) as _,
            signatures: Arc::clone(&self.well) as _,
            ..process.world
        };
        process
    }

    /// From now on the metrics of a plan's gates are good.
    pub fn metrics_are_good(&self, plan: &Plan) {
        let gates = plan.waves.iter().flat_map(|wave| wave.gates_before.iter().chain(&wave.gates_after));
        for gate in gates {
            if let GateKind::Metric(metric) = &gate.kind {
                let good = match (metric.min, metric.max) {
                    (Some(min), Some(max)) => f64::midpoint(min, max),
                    (Some(min), None) => min.max(1.0),
                    (None, Some(max)) if max > 0.0 => max / 2.0,
                    (None, Some(max)) => max,
                    (None, None) => 1.0,
                };
                self.well.learn(&metric.query, good);
            }
        }
    }
}
