//! The rest of a simulated world: scripts that take their time and end as they are told, secrets that
//! are all the same, and no helm, no Prometheus and no keys unless somebody lends them.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

use super::chance::Chance;
use super::life::Life;
use crate::model::SecretRef;
use crate::port::{
    Fault, HelmOutput, HelmRequest, HelmVersion, MetricRequest, Metrics, Renderer, ScriptRequest,
    ScriptResult, Scripts, Secret, Secrets, Signatures, SpawnHook, Spawned,
};

/// How scripts run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScriptRules {
    /// How long a script takes, shortest and longest.
    pub takes: (Duration, Duration),
    /// Which fail: a part of a command, and a part of the cluster's name (empty: every cluster).
    pub failing: Vec<(String, String)>,
    /// Which never end, said in the same way.
    pub hanging: Vec<(String, String)>,
}

impl Default for ScriptRules {
    fn default() -> Self {
        Self {
            takes: (Duration::from_secs(1), Duration::from_secs(8)),
            failing: Vec::new(),
            hanging: Vec::new(),
        }
    }
}

/// One run of a script, as the simulated host saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ran {
    /// Program and arguments.
    pub command: Vec<String>,
    /// The cluster that it was for.
    pub cluster: String,
    /// The attempt, step and try that it was for.
    pub purpose: String,
}

#[derive(Clone, Default)]
struct Record {
    ran: Vec<Ran>,
    groups: i32,
}

/// Runs scripts by saying that they ran; clones share what was run.
#[derive(Clone)]
pub struct SimulatedScripts {
    rules: Arc<Mutex<ScriptRules>>,
    record: Arc<Mutex<Record>>,
    seed: u64,
    life: Life,
}

impl SimulatedScripts {
    /// For the first process.
    pub fn new(rules: ScriptRules, seed: u64, life: Life) -> Self {
        Self { rules: Arc::new(Mutex::new(rules)), record: Arc::default(), seed, life }
    }

    /// The same scripts, run by another process.
    #[must_use]
    pub fn of(&self, life: Life) -> Self {
        Self { life, ..self.clone() }
    }

    /// Scripts that go on from what these are now.
    pub(super) fn copy(&self) -> Self {
        let rules = self.rules.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let record = self.record.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Self {
            rules: Arc::new(Mutex::new(rules)),
            record: Arc::new(Mutex::new(record)),
            seed: self.seed,
            life: Life::new(),
        }
    }

    /// How scripts run from now on.
    pub fn set_rules(&self, rules: ScriptRules) {
        *self.rules.lock().unwrap_or_else(PoisonError::into_inner) = rules;
    }

    /// From now on these fail as well: a part of a command, and a part of the cluster's name.
    pub fn fail(&self, more: Vec<(String, String)>) {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner).failing.extend(more);
    }

    /// How scripts run.
    pub fn rules(&self) -> ScriptRules {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What was run, in order.
    pub fn ran(&self) -> Vec<Ran> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner).ran.clone()
    }
}

#[async_trait]
impl Scripts for SimulatedScripts {
    async fn run(
        &self,
        request: ScriptRequest,
        spawned: &(dyn SpawnHook + Sync),
    ) -> Result<ScriptResult, Fault> {
        self.life.lasting().await;
        let text = |key: &str| request.env.get(key).cloned().unwrap_or_default();
        let cluster = text("TIDEGATE_CLUSTER");
        let purpose =
            format!("{} {} {}", text("TIDEGATE_ATTEMPT"), text("TIDEGATE_STEP"), text("TIDEGATE_TRY"));
        let ran = Ran { command: request.command.clone(), cluster, purpose };
        let group = {
            let mut record = self.record.lock().unwrap_or_else(PoisonError::into_inner);
            record.groups += 1;
            record.groups
        };
        spawned.spawned(Spawned { group, start_ticks: u64::try_from(group).unwrap_or_default() }).await?;
        self.life.lasting().await;
        self.record.lock().unwrap_or_else(PoisonError::into_inner).ran.push(ran.clone());
        let rules = self.rules();
        let takes = Chance::named(self.seed, &format!("{} {}", ran.purpose, ran.command.join(" ")))
            .between(rules.takes);
        let limit = request.timeout.std();
        let command = ran.command.join(" ");
        let meant = |(part, on): &(String, String)| command.contains(part) && ran.cluster.contains(on);
        let takes = if rules.hanging.iter().any(meant) { Duration::MAX } else { takes };
        tokio::time::sleep(takes.min(limit)).await;
        self.life.lasting().await;
        let fails = rules.failing.iter().any(meant);
        Ok(ScriptResult {
            code: (takes <= limit).then_some(i32::from(fails)),
            timed_out: takes > limit,
            output: if fails {
                vec![format!("{command}: failed, as the simulation was told")]
            } else {
                // What a gate takes for a yes; whoever else runs a script does not ask.
                vec![r#"{"open": true}"#.to_owned()]
            },
        })
    }

    async fn end(&self, _: Spawned) -> Result<bool, Fault> {
        self.life.lasting().await;
        // A simulated script ends with the process that ran it.
        Ok(false)
    }
}

/// What is not there in a simulation.
#[derive(Debug, Clone, Copy, Default)]
pub struct Absent;

#[async_trait]
impl Secrets for Absent {
    async fn resolve(&self, reference: &SecretRef) -> Result<Secret, Fault> {
        Ok(Secret::new(format!("simulated secret {:?}", reference)))
    }
}

#[async_trait]
impl Metrics for Absent {
    async fn range(&self, _: MetricRequest) -> Result<Vec<Vec<f64>>, Fault> {
        Err(Fault::permanent("a simulation has no Prometheus"))
    }
}

#[async_trait]
impl Signatures for Absent {
    async fn sign(&self, _: &std::path::Path, _: &str) -> Result<String, Fault> {
        Err(Fault::permanent("a simulation signs nothing"))
    }

    async fn verify(
        &self,
        _: &str,
        _: &str,
        _: &str,
        _: &str,
        _: Timestamp,
    ) -> Result<Result<(), String>, Fault> {
        Ok(Err("a simulation has no keys".to_owned()))
    }
}

#[async_trait]
impl Renderer for Absent {
    async fn version(&self) -> Result<HelmVersion, Fault> {
        Err(Fault::permanent("a simulation has no helm of its own"))
    }

    async fn render(&self, _: HelmRequest) -> Result<HelmOutput, Fault> {
        Err(Fault::permanent("a simulation has no helm of its own"))
    }
}
