//! What a person can ask for, and how a request is refused: with a sentence, the commands that
//! are legal now, and the class of exit code.

use super::gates::Approval;
use super::live::Kept;
use crate::diag::Code;
use crate::digest::Digest;
use crate::journal::{Override, RetryWhich, Side, Signature, StopScope};
use crate::model::{Actor, ClusterName, GateId, ProductName, RolloutId, WaveName};
use crate::plan::Plan;

/// A person's request.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// Start a plan.
    Start {
        /// The plan.
        plan: Box<Plan>,
        /// The conditions that it is let pass from the start, each with why.
        overrides: Vec<(Override, String)>,
    },
    /// Say yes at a gate.
    Approve(Approve),
    /// Take every yes at a gate back.
    Revoke {
        /// The rollout.
        rollout: RolloutId,
        /// The wave.
        wave: WaveName,
        /// The side and the gate; may be left out when the wave has only one approval gate.
        gate: Option<(Side, GateId)>,
        /// Why.
        reason: Option<String>,
    },
    /// Let a rollout pass a condition.
    Override {
        /// The rollout.
        rollout: RolloutId,
        /// Which condition.
        what: Override,
        /// Why.
        reason: String,
    },
    /// Take back what a rollout brought: it starts nothing new, and a plan can be made.
    RollBack {
        /// The rollout.
        rollout: RolloutId,
        /// Why.
        reason: String,
    },
    /// Start no new cluster.
    Pause {
        /// The rollout.
        rollout: RolloutId,
        /// Why.
        reason: Option<String>,
    },
    /// Go on after a pause or a halt.
    Resume {
        /// The rollout.
        rollout: RolloutId,
        /// The new failure budget of the halted wave.
        raise_budget: Option<u32>,
        /// Why; needed with a raised budget.
        reason: Option<String>,
    },
    /// End it where it stands.
    Abort {
        /// The rollout.
        rollout: RolloutId,
        /// Why.
        reason: Option<String>,
    },
    /// Try clusters again.
    Retry {
        /// The rollout.
        rollout: RolloutId,
        /// Which.
        which: RetryWhich,
        /// Their names, for `Named`; narrows the choice otherwise, if not empty.
        clusters: Vec<ClusterName>,
        /// Why.
        reason: Option<String>,
    },
    /// Run the tests of a wave again on its done clusters.
    Verify {
        /// The rollout.
        rollout: RolloutId,
        /// The wave.
        wave: WaveName,
        /// Why.
        reason: Option<String>,
    },
    /// Leave clusters out.
    Skip {
        /// The rollout.
        rollout: RolloutId,
        /// Their names.
        clusters: Vec<ClusterName>,
        /// Why.
        reason: String,
    },
    /// End a rollout in favour of another one.
    Supersede {
        /// The one that ends.
        rollout: RolloutId,
        /// The one that goes on.
        by: RolloutId,
        /// Why.
        reason: String,
    },
    /// Stop the line: start no cluster and no step within the scope.
    StopTheLine {
        /// Over what.
        scope: StopScope,
        /// Why.
        reason: String,
    },
    /// Let the line go on.
    StartTheLine {
        /// Over what, as it was stopped.
        scope: StopScope,
        /// Why.
        reason: String,
    },
    /// Restore what is observed from the records of clusters, since the journal before is lost.
    Rebuild {
        /// The clusters that are to be taken over.
        clusters: Vec<ClusterName>,
        /// Why.
        reason: String,
    },
    /// Keep a cluster, or a product of it, as it is.
    Hold {
        /// The cluster.
        cluster: ClusterName,
        /// The product with the version that it keeps; the whole cluster if absent.
        kept: Option<Kept>,
        /// Why.
        reason: String,
        /// Until when.
        until: Option<jiff::Timestamp>,
    },
    /// Let a held cluster, or a held product of it, go on.
    Release {
        /// The cluster.
        cluster: ClusterName,
        /// The product; the hold of the whole cluster if absent.
        product: Option<ProductName>,
        /// Why.
        reason: String,
    },
}

/// A person's yes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approve {
    /// Who says it.
    pub actor: Actor,
    /// Their signature, if they signed.
    pub signature: Option<Signature>,
    /// The rollout.
    pub rollout: RolloutId,
    /// The wave.
    pub wave: WaveName,
    /// The side and the gate; may be left out when the wave has only one approval gate.
    pub gate: Option<(Side, GateId)>,
    /// The release digest that the person saw.
    pub release: Digest,
    /// The wave digest that the person saw.
    pub wave_digest: Digest,
    /// The evidence digest that the person saw; `None` says yes early.
    pub evidence: Option<Digest>,
    /// Until when it counts; needed without evidence.
    pub expires: Option<jiff::Timestamp>,
    /// What they say with it.
    pub comment: Option<String>,
}

impl Approve {
    /// The approval that it becomes when it is recorded at a moment.
    pub fn given(&self, at: jiff::Timestamp) -> Approval {
        Approval {
            actor: self.actor.clone(),
            at,
            release: self.release,
            wave: self.wave_digest,
            evidence: self.evidence,
            expires: self.expires,
            comment: self.comment.clone(),
            signature: self.signature.clone(),
        }
    }
}

/// Why a request is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{sentence}")]
pub struct Refusal {
    /// What kind of refusal.
    pub code: &'static Code,
    /// One sentence: what was asked, what stands against it.
    pub sentence: String,
    /// What may be asked now, as commands to type.
    pub legal: Vec<String>,
    /// Which exit code it means.
    pub exit: RefusalExit,
}

/// The class of exit code of a refusal (screens.md).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusalExit {
    /// 2: the request itself makes no sense.
    Usage,
    /// 4: nothing is selected.
    NothingSelected,
    /// 5: this person may not.
    Forbidden,
    /// 8: it rests on something that moved, or the state does not allow it.
    Conflict,
}

impl RefusalExit {
    /// The exit code.
    pub const fn code(self) -> u8 {
        match self {
            Self::Usage => 2,
            Self::NothingSelected => 4,
            Self::Forbidden => 5,
            Self::Conflict => 8,
        }
    }
}
