//! What the core knows about gates: their ids, answers and approvals, and whether an answer still
//! counts. What an answer says is for `gate`.

use super::attempt::Class;
use super::state::{Rollout, WavePhase};
use crate::digest::{self, Digest};
use crate::journal::{Answer, Override, Side, Signature};
use crate::model::{Actor, ClusterName, ClusterUid, GateId, ProductName, WaveName};
use crate::plan::{PlannedGate, PlannedWave};

/// A person's yes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    /// Who.
    pub actor: Actor,
    /// When.
    pub at: jiff::Timestamp,
    /// The release digest that they saw.
    pub release: Digest,
    /// The wave digest that they saw.
    pub wave: Digest,
    /// The evidence digest that they saw; `None` for a yes given early.
    pub evidence: Option<Digest>,
    /// Until when it counts, as they said.
    pub expires: Option<jiff::Timestamp>,
    /// What they said with it.
    pub comment: Option<String>,
    /// Their signature, if they signed.
    pub signature: Option<Signature>,
}

/// What happened at one gate.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GateState {
    pub(super) answer: Option<(Answer, jiff::Timestamp)>,
    /// The evidence mark when the answer was given; `None` when something made it void since.
    pub(super) mark: Option<u64>,
    pub(super) approvals: Vec<Approval>,
    pub(super) revoked: Option<(Actor, jiff::Timestamp, Option<String>)>,
    /// Rises with every approval and revocation.
    pub(super) revision: u64,
    /// How often it was revoked.
    pub(super) round: u64,
    /// Answers in a row that were no.
    pub(super) noes: u32,
}

impl GateState {
    /// The newest answer, and when it was given.
    pub fn answer(&self) -> Option<(&Answer, jiff::Timestamp)> {
        self.answer.as_ref().map(|(answer, at)| (answer, *at))
    }

    /// The approvals that were not revoked, oldest first.
    pub fn approvals(&self) -> &[Approval] {
        &self.approvals
    }

    /// A number that rises with every approval and revocation.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// How often it was revoked.
    pub fn round(&self) -> u64 {
        self.round
    }

    /// Who revoked last, when and why, while nobody approved since.
    pub fn revoked(&self) -> Option<(&Actor, jiff::Timestamp, Option<&str>)> {
        self.revoked.as_ref().map(|(actor, at, reason)| (actor, *at, reason.as_deref()))
    }

    /// The newest answer if it still counts: it has not expired, and neither the approvals nor the
    /// verdicts it rests on have moved.
    pub fn valid(&self, mark: u64, now: jiff::Timestamp) -> Option<&Answer> {
        let (answer, _) = self.answer.as_ref()?;
        let holds = self.mark == Some(mark) && answer.expires.is_none_or(|end| now < end);
        holds.then_some(answer)
    }
}

/// The gates of one side of a wave.
pub fn planned(wave: &PlannedWave, side: Side) -> &[PlannedGate] {
    match side {
        Side::Before => &wave.gates_before,
        Side::After => &wave.gates_after,
    }
}

/// How the gates of one side stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Gates to be asked now.
    pub ask: Vec<GateId>,
    /// Whether every one is open by an answer that still counts.
    pub open: bool,
    /// The next moment at which an answer stops counting.
    pub until: Option<jiff::Timestamp>,
}

impl Rollout {
    /// A number that changes whenever a verdict changes on which a gate of this side may rest.
    pub(super) fn evidence_mark(&self, wave: usize, side: Side) -> u64 {
        let waves = match side {
            Side::Before => wave,
            Side::After => wave + 1,
        };
        self.waves.iter().take(waves).map(|w| w.verdicts).sum()
    }

    /// How the gates of one side of a wave stand.
    pub fn gates(&self, name: &WaveName, side: Side, now: jiff::Timestamp) -> Standing {
        let mut standing = Standing { ask: Vec::new(), open: true, until: None };
        let Some((wave, (planned_wave, state))) = self.by_wave.get(name).copied().zip(self.wave(name)) else {
            return Standing { open: false, ..standing };
        };
        let mark = self.evidence_mark(wave, side);
        // From cheap to dear: what is dear is asked only once all that is cheaper says yes.
        let mut gates: Vec<&PlannedGate> = planned(planned_wave, side).iter().collect();
        gates.sort_by_key(|gate| gate.kind.cost());
        let mut cheaper_open = (0, true);
        for gate in gates {
            if self.is_overridden(&Override::Gate(gate.id.clone())) {
                continue;
            }
            if gate.kind.cost() > cheaper_open.0 {
                cheaper_open = (gate.kind.cost(), standing.open);
            }
            let known = state.gates.get(&(side, gate.id.clone()));
            match known.and_then(|g| g.valid(mark, now)) {
                None => {
                    if cheaper_open.1 {
                        standing.ask.push(gate.id.clone());
                    }
                    standing.open = false;
                }
                Some(answer) => {
                    standing.open &= answer.open;
                    if let Some(end) = answer.expires {
                        standing.until = Some(standing.until.map_or(end, |u| u.min(end)));
                    }
                }
            }
        }
        standing
    }

    /// Whether a person lets it pass a condition.
    pub fn is_overridden(&self, what: &Override) -> bool {
        self.overrides.iter().any(|(known, _, _)| known == what)
    }

    /// The conditions that people let it pass, with who and why, oldest first.
    pub fn overrides(&self) -> &[(Override, Actor, String)] {
        &self.overrides
    }

    /// The clusters that have the release where a gate of this side stands, and those that don't
    /// yet: the done ones of the waves before (for an after-gate, of its own too), and the ones that
    /// no attempt has touched.
    pub fn with_and_without(&self, name: &WaveName, side: Side) -> (Vec<ClusterName>, Vec<ClusterName>) {
        let waves = self.by_wave.get(name).map_or(0, |i| i + usize::from(side == Side::After));
        let (mut with, mut without) = (Vec::new(), Vec::new());
        for (index, state) in self.clusters.iter().enumerate() {
            let Some(planned) = self.planned_cluster(index) else { continue };
            let done = matches!(state.attempt.state.class(), Class::Succeeded | Class::NoOp);
            if state.wave < waves && done {
                with.push(planned.name.clone());
            } else if !done && !state.half_updated() {
                without.push(planned.name.clone());
            }
        }
        (with, without)
    }

    /// Whether the wave has come to this side's gates, so that what they rest on is there.
    pub fn gate_asked(&self, name: &WaveName, side: Side) -> bool {
        self.wave(name).is_some_and(|(_, wave)| match side {
            Side::Before => wave.phase >= WavePhase::GatesBefore,
            Side::After => wave.phase >= WavePhase::GatesAfter,
        })
    }

    /// Whether a yes at this gate has been used, or is never asked for since the wave was skipped:
    /// revoking it then means a pause.
    pub fn gate_spent(&self, name: &WaveName, side: Side) -> bool {
        self.wave(name).is_some_and(|(_, wave)| match side {
            Side::Before => wave.begun || wave.phase == WavePhase::Skipped,
            Side::After => wave.phase.is_over(),
        })
    }

    /// The digest of the evidence that a gate rests on: for every cluster of the waves before it
    /// (for an after-gate, of its own wave too) the UID, products, inputs and test digests, and the
    /// verdict; no times, so that it stays the same until something really changed.
    pub fn evidence(&self, name: &WaveName, side: Side) -> Digest {
        /// One cluster of the evidence.
        #[derive(serde::Serialize)]
        struct Fact<'a> {
            uid: &'a ClusterUid,
            verdict: &'a str,
            products: Vec<(&'a ProductName, Digest, Option<Digest>)>,
        }
        let waves = self.by_wave.get(name).map_or(0, |i| match side {
            Side::Before => *i,
            Side::After => i + 1,
        });
        let facts: Vec<Fact<'_>> = self
            .clusters
            .iter()
            .enumerate()
            .filter(|(_, state)| state.wave < waves && !state.joined)
            .filter_map(|(index, state)| self.planned_cluster(index).map(|planned| (planned, state)))
            .map(|(planned, state)| Fact {
                uid: &planned.uid,
                // Who follows behind its wave was not there when the others were judged.
                verdict: if state.late { "deferred" } else { state.attempt.state.word() },
                products: planned
                    .targets
                    .iter()
                    .map(|t| {
                        let tests = self.plan.products.get(&t.digest).map(|p| p.test_digest);
                        (&t.product, t.inputs, tests)
                    })
                    .collect(),
            })
            .collect();
        // Text, digests and lists always have canonical JSON.
        digest::of(&facts).unwrap_or_else(|_| digest::bytes(b""))
    }
}
