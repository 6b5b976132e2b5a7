//! How a simulated world begins: its clusters in groups, the files of its repository, its clocks.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use jiff::Timestamp;

use super::chance::Chance;
use super::clock::VirtualClock;
use super::cluster::Cluster;
use super::conditions::Conditions;
use super::faults::Faults;
use super::fleet::{Audit, Fleet};
use super::host::SimulatedHost;
use super::journal::MemoryJournal;
use super::life::Life;
use super::ports::{ScriptRules, SimulatedScripts};
use super::repository::MemoryRepository;
use super::store::Pool;
use super::world::Simulation;
use crate::model::{Actor, File, Labels, Tree};
use crate::port::Fault;
use crate::version::KubeVersion;

/// Where the kubeconfig file of simulated clusters would be.
pub const KUBECONFIG: &str = "simulated";

/// Clusters that are alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// The beginning of their names; a number follows.
    pub prefix: String,
    /// How many.
    pub clusters: usize,
    /// Their labels.
    pub labels: Labels,
    /// What they run.
    pub kubernetes: KubeVersion,
    /// How many nodes each has.
    pub nodes: usize,
    /// Whether the Fleet file of the first commit has them.
    pub listed: bool,
}

impl Group {
    /// Their names: `PREFIX-1` and so on, with as many digits as the last one needs.
    pub fn names(&self) -> impl Iterator<Item = String> + use<'_> {
        let digits = self.clusters.to_string().len();
        (1..=self.clusters).map(move |n| format!("{}-{n:0digits$}", self.prefix))
    }
}

/// How a simulated world begins.
#[derive(Debug, Clone)]
pub struct Setup {
    /// Decides everything that is left to chance.
    pub seed: u64,
    /// The wall clock at the beginning.
    pub starts: Timestamp,
    /// Who works in it first.
    pub person: String,
    /// The clusters.
    pub groups: Vec<Group>,
    /// The spec of `pipelines/main.yaml`, indented by two.
    pub pipeline: String,
    /// More files of the first commit: paths with their texts.
    pub files: BTreeMap<String, String>,
    /// How things go in clusters.
    pub conditions: Conditions,
    /// What goes wrong on the way to them.
    pub faults: Faults,
    /// How scripts run.
    pub scripts: ScriptRules,
    /// Which requests are kept.
    pub audit: Audit,
    /// Whether clusters work on a thread of their own; if absent, where there are many.
    pub beside: Option<bool>,
}

/// The Fleet file of these clusters with their labels.
pub fn fleet_file(clusters: impl IntoIterator<Item = (String, Labels)>) -> String {
    let mut text =
        "apiVersion: tidegate.dev/v1\nkind: Fleet\nmetadata:\n  name: main\nspec:\n  clusters:\n".to_owned();
    for (name, labels) in clusters {
        let labels: Vec<String> = labels.iter().map(|(key, value)| format!("{key}: {value}")).collect();
        // Writing into a text does not fail.
        let _ = writeln!(
            text,
            "    - {{ name: {name}, labels: {{ {} }}, kubeconfig: {{ path: {KUBECONFIG}, context: {name} }} }}",
            labels.join(", ")
        );
    }
    text
}

/// The Pipeline file with this spec.
pub fn pipeline_file(spec: &str) -> String {
    format!("apiVersion: tidegate.dev/v1\nkind: Pipeline\nmetadata:\n  name: main\nspec:\n{spec}")
}

impl Setup {
    /// The files of the first commit.
    pub fn tree(&self) -> Tree {
        let mut tree = Tree::new();
        let mut put = |path: &str, text: &str| {
            tree.insert(path, File { bytes: text.as_bytes().into(), executable: false });
        };
        let listed = self.groups.iter().filter(|group| group.listed);
        let listed = listed.flat_map(|group| group.names().map(|name| (name, group.labels.clone())));
        put("pipelines/fleet.yaml", &fleet_file(listed));
        put("pipelines/main.yaml", &pipeline_file(&self.pipeline));
        for (path, text) in &self.files {
            put(path, text);
        }
        tree
    }

    /// The clusters, each with its nodes and namespaces.
    pub fn clusters(&self) -> Vec<Cluster> {
        let pool = Pool::default();
        let mut clusters = Vec::new();
        for group in &self.groups {
            for name in group.names() {
                let seed = Chance::named(self.seed, &name).draw();
                let mut cluster =
                    Cluster::new(name, group.kubernetes.clone(), pool.clone(), seed, self.starts);
                cluster.conditions = self.conditions.clone();
                cluster.bootstrap(group.nodes);
                clusters.push(cluster);
            }
        }
        clusters
    }

    /// The UUID of its journal.
    pub fn journal_id(&self) -> uuid::Uuid {
        let mut id = [0; 16];
        let mut chance = Chance::named(self.seed, "journal");
        for part in id.chunks_mut(8) {
            part.copy_from_slice(&chance.draw().to_le_bytes());
        }
        uuid::Builder::from_random_bytes(id).into_uuid()
    }

    /// The world at its beginning. To be called within the simulation's runtime.
    ///
    /// # Errors
    /// When the journal's first event can't be written, which does not happen.
    pub fn simulation(&self) -> Result<Simulation, Fault> {
        let clock = VirtualClock::starting(self.starts);
        let actor = Actor(format!("person:{}", self.person));
        let repository = MemoryRepository::new(self.tree(), &self.person);
        Ok(Simulation {
            fleet: Fleet::new(
                clock.clone(),
                self.clusters(),
                self.faults.clone(),
                self.audit,
                self.seed,
                self.beside,
            ),
            journal: Arc::new(MemoryJournal::new(self.journal_id(), self.starts, actor)?),
            repository: repository.ports(),
            commits: Arc::new(repository.clone()),
            memory: Some(repository),
            host: SimulatedHost::new("simulated"),
            scripts: SimulatedScripts::new(self.scripts.clone(), self.seed, Life::new()),
            renderer: None,
            clock,
        })
    }
}
