//! What a driver's tasks share, and how an effect becomes a task: everything that the task needs is
//! taken out of the state first, so that it runs without it.

use std::collections::{BTreeMap, HashSet};
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::task::JoinSet;

use crate::journal::{Answer, AttemptId, Body, Deferral, Event, FailureClass, Found, Preflight, StepOutcome};
use crate::model::{RolloutId, WaveName};
use crate::rollout::{Effect, FleetState, Rollout};

use super::cluster::{Discoveries, Leave};
use super::contents::Contents;
use super::gates;
use super::joining::{self, Joiner};
use super::preflight;
use super::recorder::{Recorder, Stopped};
use super::session::Session;
use super::step;
use super::tags::{self, WaveTag};
use super::verify;
use super::world::{Times, World};

/// A task: runs an effect and records its outcome.
pub type Job = Pin<Box<dyn Future<Output = Result<(), Stopped>> + Send>>;

/// What all tasks of one driver share.
pub struct Shared {
    /// The ports.
    pub world: World,
    /// The times.
    pub times: Times,
    /// The pen.
    pub recorder: Recorder,
    /// The driver's leave to begin requests.
    pub leave: Arc<dyn Leave>,
    /// Contents of product versions.
    pub contents: Contents,
    /// What API servers serve.
    pub discoveries: Discoveries,
    /// The fleet as clusters find it that join.
    pub joins: joining::Rounds,
    sessions: Mutex<BTreeMap<AttemptId, Arc<Session>>>,
    closing: Mutex<JoinSet<()>>,
    rollouts: Mutex<Arc<HashSet<RolloutId>>>,
}

impl Shared {
    /// For one driver.
    pub fn new(
        world: World,
        times: Times,
        recorder: Recorder,
        leave: Arc<dyn Leave>,
        state: &FleetState,
    ) -> Arc<Self> {
        let rollouts = state.rollouts().map(|r| r.id().clone()).collect();
        Arc::new(Self {
            contents: Contents::new(Arc::clone(&world.packages)),
            discoveries: Discoveries::default(),
            world,
            times,
            recorder,
            leave,
            joins: joining::Rounds::default(),
            sessions: Mutex::default(),
            closing: Mutex::default(),
            rollouts: Mutex::new(Arc::new(rollouts)),
        })
    }

    /// The rollouts that this journal knows.
    pub fn known_rollouts(&self) -> Arc<HashSet<RolloutId>> {
        Arc::clone(&locked(&self.rollouts))
    }

    /// Takes note of an event: a new rollout is known, an attempt that ended lets go of its cluster.
    pub fn noticed(self: &Arc<Self>, event: &Event) {
        match &event.body {
            Body::RolloutPlanned { rollout, .. } => {
                let mut known = locked(&self.rollouts);
                Arc::make_mut(&mut known).insert(rollout.clone());
            }
            Body::AttemptFinished { attempt, .. } | Body::AttemptDeparted { attempt, .. } => {
                self.let_go(attempt);
            }
            Body::AttemptPreflighted { attempt, preflight, .. }
                if !matches!(preflight, Preflight::Proceed { .. }) =>
            {
                self.let_go(attempt);
            }
            _ => {}
        }
    }

    /// The session of an attempt, made if there is none.
    fn session(&self, attempt: &AttemptId, rollout: &Rollout) -> Option<Arc<Session>> {
        let mut sessions = locked(&self.sessions);
        if let Some(session) = sessions.get(attempt) {
            return Some(Arc::clone(session));
        }
        let session = Arc::new(Session::new(attempt.clone(), Arc::clone(rollout.plan()))?);
        sessions.insert(attempt.clone(), Arc::clone(&session));
        Some(session)
    }

    /// A new session in place of one that has lost its cluster.
    pub fn renew(&self, old: Arc<Session>) -> Arc<Session> {
        let new = Arc::new(old.again());
        locked(&self.sessions).insert(old.attempt.clone(), Arc::clone(&new));
        self.close(old);
        new
    }

    fn let_go(&self, attempt: &AttemptId) {
        if let Some(session) = locked(&self.sessions).remove(attempt) {
            self.close(session);
        }
    }

    /// Closes a session as soon as its last task has let go of it.
    fn close(&self, mut session: Arc<Session>) {
        let clock = Arc::clone(&self.world.clock);
        let mut closing = locked(&self.closing);
        // What is closed is let go of: a long drive closes many.
        while closing.try_join_next().is_some() {}
        closing.spawn(async move {
            loop {
                match Arc::try_unwrap(session) {
                    Ok(session) => return session.close().await,
                    Err(held) => session = held,
                }
                clock.sleep(Duration::from_millis(20)).await;
            }
        });
    }

    /// Lets go of every cluster; no task may be left that holds one.
    pub async fn close_all(&self) {
        let sessions = std::mem::take(&mut *locked(&self.sessions));
        for session in sessions.into_values() {
            self.close(session);
        }
        let mut closing = std::mem::take(&mut *locked(&self.closing));
        // A cluster that does not answer keeps nobody: its lease ends by itself.
        tokio::select! {
            biased;
            () = async { while closing.join_next().await.is_some() {} } => {}
            () = self.world.clock.sleep(self.times.request) => {}
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The task that runs an effect; `None` for a decision, and for one whose rollout is gone.
pub fn prepare(shared: &Arc<Shared>, state: &FleetState, effect: &Effect) -> Option<Job> {
    let shared = Arc::clone(shared);
    match effect {
        // Decided by the driver itself, at the position of the state.
        Effect::Decide(_) => None,
        Effect::AskGate { rollout, wave, side, gate } => {
            let (rollout, wave, gate) = (rollout.clone(), wave.clone(), gate.clone());
            gates::prepare(&shared, state, gates::Asked { rollout, wave, side: *side, gate })
        }
        Effect::Preflight { attempt, tries } => {
            let rollout = state.rollout(&attempt.rollout)?;
            let session = shared.session(attempt, rollout)?;
            let known = rollout.cluster(&attempt.cluster)?;
            let (written, tests) = (known.half_updated(), known.attempt().tests());
            let (attempt, tries) = (attempt.clone(), *tries);
            Some(Box::pin(async move {
                let (preflight, mut bodies) = preflight::look(&shared, &session, tests).await;
                drop(session);
                let preflight = if written { not_deferred(preflight) } else { preflight };
                bodies.push(Body::AttemptPreflighted { attempt, tries, preflight });
                shared.recorder.fact(bodies).await.map(drop)
            }))
        }
        Effect::Step { attempt, step, tries, interrupted } => {
            let session = shared.session(attempt, state.rollout(&attempt.rollout)?)?;
            let (step, tries, interrupted) = (step.clone(), *tries, interrupted.clone());
            Some(Box::pin(async move { step::take(&shared, session, &step, tries, &interrupted).await }))
        }
        Effect::Verify { rollout, wave, cluster, round } => {
            let known = state.rollout(rollout)?;
            let planned = known.plan().cluster(cluster)?.2.clone();
            let plan = Arc::clone(known.plan());
            let (rollout, wave, round) = (rollout.clone(), wave.clone(), *round);
            Some(Box::pin(async move {
                let bodies = verify::cluster(&shared, &plan, &planned, &rollout, &wave, round).await;
                shared.recorder.fact(bodies).await.map(drop)
            }))
        }
        Effect::Join { rollout, cluster, .. } => {
            let joiner = Joiner::new(state, rollout, cluster, shared.world.clock.now())?;
            Some(Box::pin(async move {
                let bodies = joiner.join(&shared).await;
                joining::hand_in(&shared.recorder, bodies).await
            }))
        }
        Effect::Observe { rollout, wave, cluster } => {
            let known = state.rollout(rollout)?;
            let planned = known.plan().cluster(cluster)?.2.clone();
            let plan = Arc::clone(known.plan());
            let (rollout, wave) = (rollout.clone(), wave.clone());
            Some(Box::pin(async move {
                let bodies = verify::soaking(&shared, &plan, &planned, &rollout, &wave).await;
                shared.recorder.fact(bodies).await.map(drop)
            }))
        }
        Effect::Tag { rollout, wave, tries } => {
            let known = state.rollout(rollout)?;
            let wave_digest = known.plan().wave(wave)?.digest;
            let plan = Arc::clone(known.plan());
            let notes = raised_budget(known, wave).into_iter().chain(overrides(known)).collect();
            let (rollout, wave, tries) = (rollout.clone(), wave.clone(), *tries);
            Some(Box::pin(async move {
                shared.leave.granted(Duration::ZERO).await;
                let body = tag(&shared, &plan, rollout, wave, wave_digest, notes, tries).await;
                shared.recorder.fact(vec![body]).await.map(drop)
            }))
        }
        Effect::PushTag { rollout, wave, tries } => {
            let known = state.rollout(rollout)?;
            let (name, _) = known.wave(wave)?.1.tag().made.clone()?;
            let remote = known.plan().pipeline.tags.remote.clone().unwrap_or_else(|| "origin".to_owned());
            let (rollout, wave, tries) = (rollout.clone(), wave.clone(), *tries);
            Some(Box::pin(async move {
                shared.leave.granted(Duration::ZERO).await;
                let body = match shared.world.git.push_tag(&remote, &name).await {
                    Ok(()) => Body::WaveTagPushed { rollout, wave, remote },
                    Err(fault) => {
                        Body::WaveTagFailed { rollout, wave, push: true, tries, cause: fault.message }
                    }
                };
                shared.recorder.fact(vec![body]).await.map(drop)
            }))
        }
    }
}

/// A cluster is left for later only before its first write: one that an earlier attempt has changed,
/// and that can't be reached, counts as a failure.
fn not_deferred(preflight: Preflight) -> Preflight {
    match preflight {
        Preflight::Deferred { reason: Deferral::Unreachable, cause } => Preflight::Failed {
            class: FailureClass::Transient,
            cause: format!(
                "{cause}; an earlier attempt has begun to change it, so it can't be left for later"
            ),
        },
        other => other,
    }
}

async fn tag(
    shared: &Shared,
    plan: &crate::plan::Plan,
    rollout: RolloutId,
    wave: WaveName,
    wave_digest: crate::digest::Digest,
    notes: Vec<String>,
    tries: u32,
) -> Body {
    let made = async {
        let (_, journal_head) = shared.world.journal.head().await?;
        let tag = WaveTag { plan, wave: &wave, wave_digest, rollout: rollout.as_str(), journal_head, notes };
        tags::make(&*shared.world.git, &tag).await
    };
    match made.await {
        Ok(tag) => Body::WaveTagged { rollout, wave, tag: tag.name, commit: tag.commit },
        Err(fault) => Body::WaveTagFailed { rollout, wave, push: false, tries, cause: fault.message },
    }
}

fn overrides(rollout: &Rollout) -> impl Iterator<Item = String> + '_ {
    rollout.overrides().iter().map(|(what, who, why)| format!("{what} overridden by {who}: {why}"))
}

fn raised_budget(rollout: &Rollout, wave: &WaveName) -> Option<String> {
    let (planned, known) = rollout.wave(wave)?;
    let budget = known.failure_budget();
    (budget != planned.failure_budget)
        .then(|| format!("failure budget raised from {} to {budget}", planned.failure_budget))
}

/// What is recorded for an effect whose task panicked, for that one attempt; the driver and all other
/// clusters go on. Of a step nobody knows how far it got, so only a person lets it be tried again. A
/// preflight writes nothing of any product, so that one failed, and would fail again.
pub fn after_panic(effect: &Effect, words: &str) -> Vec<Body> {
    let known = match effect {
        Effect::Step { .. } => "nobody knows how far the step got",
        Effect::Preflight { .. } => "it only looked at the cluster, and changed no product there",
        Effect::Verify { .. } | Effect::Observe { .. } => "whether the cluster is well is not known",
        _ => "it is tried again",
    };
    let cause = format!("a bug in tidegate: it panicked ({words}); {known}");
    match effect {
        Effect::Step { attempt, step, tries, .. } => vec![Body::StepFinished {
            attempt: attempt.clone(),
            step: step.id.clone(),
            tries: *tries,
            outcome: StepOutcome::Unknown { cause },
        }],
        Effect::Preflight { attempt, tries } => vec![Body::AttemptPreflighted {
            attempt: attempt.clone(),
            tries: *tries,
            preflight: Preflight::Failed { class: FailureClass::Permanent, cause },
        }],
        Effect::Verify { rollout, wave, cluster, round } => vec![Body::WaveClusterVerified {
            rollout: rollout.clone(),
            wave: wave.clone(),
            cluster: cluster.clone(),
            round: *round,
            healthy: false,
            cause,
        }],
        Effect::Observe { rollout, wave, cluster } => vec![Body::WaveClusterObserved {
            rollout: rollout.clone(),
            wave: wave.clone(),
            cluster: cluster.clone(),
            found: Found::Unseen,
            cause,
        }],
        Effect::Tag { rollout, wave, tries } | Effect::PushTag { rollout, wave, tries } => {
            vec![Body::WaveTagFailed {
                rollout: rollout.clone(),
                wave: wave.clone(),
                push: matches!(effect, Effect::PushTag { .. }),
                tries: *tries,
                cause,
            }]
        }
        Effect::Join { rollout, cluster, .. } => {
            let (rollout, cluster) = (rollout.clone(), cluster.clone());
            vec![Body::RolloutNotJoined { rollout, cluster, cause, lasting: true }]
        }
        Effect::AskGate { rollout, wave, side, gate } => vec![Body::GateAnswered {
            rollout: rollout.clone(),
            wave: wave.clone(),
            side: *side,
            gate: gate.clone(),
            answer: Answer {
                open: false,
                evidence: crate::digest::bytes(b""),
                facts: vec![cause],
                expires: None,
            },
            revision: None,
        }],
        Effect::Decide(_) => Vec::new(),
    }
}
