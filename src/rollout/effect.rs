//! What the engine must do next, as data. An effect is either a decision, which is only to be
//! recorded, or an action on the outside world, whose outcome comes back as an event. The core
//! names an effect again and again until the event is there: the engine starts each key once.

use crate::journal::{AttemptId, AttemptStep, Body, Side, StepId};
use crate::model::{ClusterName, GateId, RolloutId, WaveName};

/// Something to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Append this event; it is a pure decision.
    Decide(Body),
    /// Ask a gate.
    AskGate {
        /// The rollout.
        rollout: RolloutId,
        /// The wave.
        wave: WaveName,
        /// Which side.
        side: Side,
        /// Which gate.
        gate: GateId,
    },
    /// Connect, verify identity, take the cluster's lease, observe, render everything, check
    /// ownership, and compute the steps. Writes nothing but lease and keys.
    Preflight {
        /// Which attempt.
        attempt: AttemptId,
        /// Which try, from 1.
        tries: u32,
    },
    /// Take a step: append `step.started`, act, append `step.finished`.
    Step {
        /// Which attempt.
        attempt: AttemptId,
        /// Which step.
        step: AttemptStep,
        /// Which try, from 1; one more than the last `step.started`.
        tries: u32,
        /// What earlier drivers left of this step: every try that was begun under an older fence
        /// and never reported, oldest first. Several, when a recovery was interrupted itself: each
        /// may have left a process group on its host.
        interrupted: Vec<Interrupted>,
    },
    /// Observe a done cluster once more: its record and whether all is ready.
    Verify {
        /// The rollout.
        rollout: RolloutId,
        /// The wave.
        wave: WaveName,
        /// The cluster.
        cluster: ClusterName,
        /// Which round: 1 before the soak, 2 after it.
        round: u32,
    },
    /// Plan a cluster that joined the fleet, alone, with what the rollout froze.
    Join {
        /// The rollout that it joins.
        rollout: RolloutId,
        /// The cluster.
        cluster: ClusterName,
        /// Which try, from 1.
        tries: u32,
    },
    /// Look at a cluster that soaks by `clock: observed`: its record and whether all is ready now.
    Observe {
        /// The rollout.
        rollout: RolloutId,
        /// The wave.
        wave: WaveName,
        /// The cluster.
        cluster: ClusterName,
    },
    /// Make the wave's git tag.
    Tag {
        /// The rollout.
        rollout: RolloutId,
        /// The wave.
        wave: WaveName,
        /// Which try, from 1.
        tries: u32,
    },
    /// Push the wave's git tag.
    PushTag {
        /// The rollout.
        rollout: RolloutId,
        /// The wave.
        wave: WaveName,
        /// Which try, from 1.
        tries: u32,
    },
}

/// A step that an earlier driver began and never reported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interrupted {
    /// Which try it was.
    pub tries: u32,
    /// When it began.
    pub at: jiff::Timestamp,
    /// On which host.
    pub host: String,
    /// That host's boot id then.
    pub boot: String,
    /// The PID namespace there; empty when it is not known.
    pub pid_namespace: String,
    /// The script's process group and its leader's start time, if it got that far.
    pub group: Option<(i32, u64)>,
}

/// What tells two effects apart.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EffectKey {
    /// A gate being asked.
    Gate(RolloutId, WaveName, Side, GateId),
    /// An attempt's preflight.
    Preflight(AttemptId),
    /// An attempt's step.
    Step(AttemptId, StepId),
    /// A cluster's verification.
    Verify(RolloutId, WaveName, ClusterName, u32),
    /// The planning of a cluster that joins.
    Join(RolloutId, ClusterName),
    /// A look at a soaking cluster.
    Observe(RolloutId, WaveName, ClusterName),
    /// A wave's tag, made or pushed.
    Tag(RolloutId, WaveName),
}

impl Effect {
    /// The rollout that it is for; `None` for a decision that is about none.
    pub fn rollout(&self) -> Option<&RolloutId> {
        match self {
            Self::Decide(body) => body.rollout(),
            Self::AskGate { rollout, .. }
            | Self::Verify { rollout, .. }
            | Self::Join { rollout, .. }
            | Self::Observe { rollout, .. }
            | Self::Tag { rollout, .. }
            | Self::PushTag { rollout, .. } => Some(rollout),
            Self::Preflight { attempt, .. } | Self::Step { attempt, .. } => Some(&attempt.rollout),
        }
    }

    /// Whether it is decided on the spot: nothing but an event comes of it.
    pub fn is_decision(&self) -> bool {
        matches!(self, Self::Decide(_) | Self::AskGate { .. })
    }

    /// The key; `None` for decisions, which are recorded at once.
    pub fn key(&self) -> Option<EffectKey> {
        Some(match self {
            Self::Decide(_) => return None,
            Self::AskGate { rollout, wave, side, gate } => {
                EffectKey::Gate(rollout.clone(), wave.clone(), *side, gate.clone())
            }
            Self::Preflight { attempt, .. } => EffectKey::Preflight(attempt.clone()),
            Self::Step { attempt, step, .. } => EffectKey::Step(attempt.clone(), step.id.clone()),
            Self::Verify { rollout, wave, cluster, round } => {
                EffectKey::Verify(rollout.clone(), wave.clone(), cluster.clone(), *round)
            }
            Self::Join { rollout, cluster, .. } => EffectKey::Join(rollout.clone(), cluster.clone()),
            Self::Observe { rollout, wave, cluster } => {
                EffectKey::Observe(rollout.clone(), wave.clone(), cluster.clone())
            }
            Self::Tag { rollout, wave, .. } | Self::PushTag { rollout, wave, .. } => {
                EffectKey::Tag(rollout.clone(), wave.clone())
            }
        })
    }
}

/// What is to be done now, and when to look again although nothing happened.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Effects {
    /// In order: decisions first.
    pub effects: Vec<Effect>,
    /// The earliest moment at which time alone changes the answer (a soak's end, a backoff).
    pub wake: Option<jiff::Timestamp>,
}
