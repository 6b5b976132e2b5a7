//! Gates are asked here: facts are gathered (from the state, by a script, from Prometheus, by a look
//! at signatures), `gate` decides, and the answer becomes an event. A gate whose facts the state has
//! already is answered at once; the others become tasks, whose answers are refused by the core if
//! what they rest on has moved meanwhile.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;

use crate::gate::approval::Given;
use crate::gate::{approval, command, metric};
use crate::journal::{Answer, Body, Side};
use crate::model::{ClusterName, Duration, GateId, RolloutId, Tree, WaveName};
use crate::plan::{GateKind, Plan, PlannedMetric};
use crate::port::{Fault, MetricRequest, ScriptRequest, SpawnHook, Spawned};
use crate::rollout::{FleetState, Rollout};

use super::secrets;
use super::task::{Job, Shared};
use super::world::World;

/// Which gate is asked.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The rollout.
    pub rollout: RolloutId,
    /// The wave.
    pub wave: WaveName,
    /// The side.
    pub side: Side,
    /// The gate.
    pub gate: GateId,
}

impl Asked {
    fn answered(&self, answer: Answer, revision: Option<u64>) -> Body {
        Body::GateAnswered {
            rollout: self.rollout.clone(),
            wave: self.wave.clone(),
            side: self.side,
            gate: self.gate.clone(),
            answer,
            revision,
        }
    }

    fn kind<'a>(&self, plan: &'a Plan) -> Option<&'a GateKind> {
        let wave = plan.wave(&self.wave)?;
        let gates = if self.side == Side::Before { &wave.gates_before } else { &wave.gates_after };
        gates.iter().find(|g| g.id == self.gate).map(|g| &g.kind)
    }
}

/// The answer of a gate whose facts the state has: an approval gate that wants no signatures.
pub fn at_once(rollout: &Rollout, asked: &Asked, now: jiff::Timestamp) -> Option<Body> {
    let facts = approval::facts(rollout, &asked.wave, asked.side, &asked.gate)?;
    (!facts.signed).then(|| asked.answered(approval::decide(&facts, now), None))
}

/// The task that asks any other gate.
pub fn prepare(shared: &Arc<Shared>, state: &FleetState, asked: Asked) -> Option<Job> {
    let rollout = state.rollout(&asked.rollout)?;
    let plan = Arc::clone(rollout.plan());
    let evidence = rollout.evidence(&asked.wave, asked.side);
    let revision = rollout
        .wave(&asked.wave)
        .and_then(|(_, wave)| wave.gate(asked.side, &asked.gate))
        .map_or(0, |gate| gate.revision());
    let (with, without) = rollout.with_and_without(&asked.wave, asked.side);
    let facts = approval::facts(rollout, &asked.wave, asked.side, &asked.gate);
    let journal = state.journal();
    let shared = Arc::clone(shared);
    Some(Box::pin(async move {
        let world = &shared.world;
        let answer = match asked.kind(&plan) {
            Some(GateKind::Approval { .. }) => match (facts, journal) {
                (Some(facts), Some(journal)) => signed(world, &asked, facts, journal).await,
                _ => return Ok(()),
            },
            Some(GateKind::Command { run, env, timeout, valid_for, ask_every }) => {
                let ended = match script(world, &plan, &asked, run, env, *timeout, &with).await {
                    Ok(ended) => ended,
                    Err(fault) => command::Ended::NotRun(fault.message),
                };
                let facts = command::Facts { evidence, ended, valid_for: *valid_for, ask_every: *ask_every };
                command::decide(&facts, world.clock.now())
            }
            Some(GateKind::Metric(metric)) => {
                let facts = metric::Facts {
                    evidence,
                    with: reading(world, metric, &with).await,
                    without: match &metric.compare {
                        Some(_) if !without.is_empty() => Some(reading(world, metric, &without).await),
                        _ => None,
                    },
                };
                metric::decide(metric, &facts, world.clock.now())
            }
            None => return Ok(()),
        };
        shared.recorder.fact(vec![asked.answered(answer, Some(revision))]).await.map(drop)
    }))
}

/// An approval gate that wants signatures: each is looked at with the keys that HEAD allows now, so
/// that a key taken away no longer counts.
async fn signed(world: &World, asked: &Asked, mut facts: approval::Facts, journal: uuid::Uuid) -> Answer {
    let allowed = allowed_signers(world).await;
    for given in &mut facts.approvals {
        given.signature = Some(match &allowed {
            Ok(allowed) => look(world, asked, given, allowed, journal).await,
            Err(fault) => Err(format!("its signature can't be looked at: {fault}")),
        });
    }
    let now = world.clock.now();
    let mut answer = approval::decide(&facts, now);
    if allowed.is_err() {
        // A failing look is no lasting no.
        answer.expires = Some(Duration::seconds(60).after(now));
    }
    answer
}

async fn look(
    world: &World,
    asked: &Asked,
    given: &Given,
    allowed: &str,
    journal: uuid::Uuid,
) -> Result<(), String> {
    let approval = &given.approval;
    let signature = approval.signature.as_ref().ok_or("it is not signed")?;
    let at = approval::At {
        journal,
        rollout: &asked.rollout,
        wave: &asked.wave,
        side: asked.side,
        gate: &asked.gate,
    };
    let text = approval::statement(&at, approval, signature.round, signature.at);
    let person = approval.actor.person();
    world
        .signatures
        .verify(allowed, person, &text, &signature.armored, signature.at)
        .await
        .map_err(|fault| format!("its signature can't be looked at: {fault}"))?
}

/// The keys that people sign with: `pipelines/allowed_signers` as HEAD has it.
///
/// # Errors
/// When git fails or the file is not there.
pub async fn allowed_signers(world: &World) -> Result<String, Fault> {
    let head = world.git.head().await?;
    let tree = world.git.tree(&head, "pipelines").await?.unwrap_or_default();
    let file = tree.get("allowed_signers").ok_or_else(|| {
        Fault::permanent("the last commit has no `pipelines/allowed_signers`, which says whose key is whose")
    })?;
    Ok(String::from_utf8_lossy(&file.bytes).into_owned())
}

/// A gate's command only asks, so nothing has to be known of it after a crash.
struct Unrecorded;

#[async_trait]
impl SpawnHook for Unrecorded {
    async fn spawned(&self, _: Spawned) -> Result<(), Fault> {
        Ok(())
    }
}

async fn script(
    world: &World,
    plan: &Plan,
    asked: &Asked,
    run: &[String],
    env: &serde_json::Value,
    timeout: Duration,
    with: &[ClusterName],
) -> Result<command::Ended, Fault> {
    let found = world.git.tree(&plan.commit, "pipelines").await?.unwrap_or_default();
    let mut files = Tree::new();
    for (path, file) in found.iter() {
        files.insert(format!("pipelines/{path}"), file.clone());
    }
    let (mut env, secrets) = secrets::environment(&*world.secrets, env).await?;
    let names: Vec<&str> = with.iter().map(ClusterName::as_str).collect();
    let side = if asked.side == Side::Before { "before" } else { "after" };
    for (name, value) in [
        ("TIDEGATE_ROLLOUT", asked.rollout.to_string()),
        ("TIDEGATE_RELEASE", plan.release.id.to_string()),
        ("TIDEGATE_WAVE", asked.wave.to_string()),
        ("TIDEGATE_SIDE", side.to_owned()),
        ("TIDEGATE_GATE", asked.gate.to_string()),
        ("TIDEGATE_CLUSTERS", names.join(" ")),
    ] {
        env.insert(name.to_owned(), value);
    }
    let mask = secrets.values().cloned().collect();
    let request = ScriptRequest { files, command: run.to_vec(), env, secrets, mask, timeout };
    let result = world.scripts.run(request, &Unrecorded).await?;
    Ok(if result.timed_out {
        command::Ended::TimedOut
    } else {
        command::Ended::Exited { code: result.code, output: result.output }
    })
}

async fn reading(world: &World, metric: &PlannedMetric, clusters: &[ClusterName]) -> metric::Reading {
    if clusters.is_empty() && metric.query.contains("$clusters") {
        return Err("no cluster has the release".to_owned());
    }
    let ask = async {
        let env = serde_json::json!({ "token": metric.token });
        let token = if metric.token.is_null() {
            None
        } else {
            let (_, mut secrets): (BTreeMap<_, _>, BTreeMap<_, _>) =
                secrets::environment(&*world.secrets, &env).await?;
            secrets.remove("token")
        };
        let to = world.clock.now();
        let from = to
            .checked_sub(jiff::SignedDuration::try_from(metric.window.std()).unwrap_or_default())
            .unwrap_or(to);
        let query = metric::query(&metric.query, clusters);
        let server = metric.prometheus.clone();
        world.metrics.range(MetricRequest { server, token, query, from, to, step: metric.step }).await
    };
    ask.await.map_err(|fault: Fault| fault.message)
}
