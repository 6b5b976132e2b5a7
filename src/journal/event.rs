//! What can happen, as data. Events are the only truth about rollouts: everything that is known
//! about one is a fold over them, so their names and fields are stable and only ever added to.
//!
//! Two kinds of author write them. People, through commands, append intents (`rollout.pause`,
//! `approval.given`); the driver appends what it decided and what came of it, and each of its
//! events carries its fence.

use std::collections::BTreeMap;

use crate::digest::Digest;
use crate::model::{
    Actor, ClusterName, ClusterUid, Duration, GateId, Observed, ProductName, RolloutId, WaveName,
};
use crate::plan::Plan;

/// The version of the event schema that this build writes. Older ones are read, newer ones refused.
pub const SCHEMA: u32 = 1;

/// One entry of the journal.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// The position, from 1, without gaps.
    pub seq: u64,
    /// When it was appended, by the writer's clock.
    pub at: jiff::Timestamp,
    /// The version of the event schema it was written with.
    pub schema: u32,
    /// Who wrote it.
    pub actor: Actor,
    /// The driver's fence, for events of the driver.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fence: Option<u64>,
    /// What happened.
    #[serde(flatten)]
    pub body: Body,
    /// The hash of the event before; of the journal's UUID for the first.
    pub prev: Digest,
    /// SHA-256 over the canonical JSON of all the above.
    pub hash: Digest,
}

/// Which try at which cluster.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AttemptId {
    /// The rollout.
    pub rollout: RolloutId,
    /// The cluster.
    pub cluster: ClusterName,
    /// The number of the attempt at this cluster in this rollout, from 1.
    pub attempt: u32,
}

impl std::fmt::Display for AttemptId {
    /// `R42-1/acme-dev/1`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}/{}", self.rollout, self.cluster, self.attempt)
    }
}

/// Which action of an attempt.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
pub enum StepId {
    /// A deploy step of a product.
    Deploy {
        /// The product.
        product: ProductName,
        /// The step's name within the product.
        step: String,
    },
    /// The end of a product's deployment: prune, wait until all of it is ready, record `applied`.
    Settle {
        /// The product.
        product: ProductName,
    },
    /// A product is taken away with everything in its inventory.
    Remove {
        /// The product.
        product: ProductName,
    },
    /// A test of a product.
    Test {
        /// The product.
        product: ProductName,
        /// The test's name within the product.
        test: String,
    },
    /// The records of all products turn `verified`; the last step of every attempt that acted.
    Seal,
}

impl StepId {
    /// The product it belongs to, if to one.
    pub fn product(&self) -> Option<&ProductName> {
        match self {
            Self::Deploy { product, .. }
            | Self::Settle { product }
            | Self::Remove { product }
            | Self::Test { product, .. } => Some(product),
            Self::Seal => None,
        }
    }

    /// Whether it is a test.
    pub fn is_test(&self) -> bool {
        matches!(self, Self::Test { .. })
    }
}

impl std::fmt::Display for StepId {
    /// `ingress/helm`, `ingress/settle`, `ingress/remove`, `ingress/test:smoke`, `seal`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Deploy { product, step } => write!(f, "{product}/{step}"),
            Self::Settle { product } => write!(f, "{product}/settle"),
            Self::Remove { product } => write!(f, "{product}/remove"),
            Self::Test { product, test } => write!(f, "{product}/test:{test}"),
            Self::Seal => f.write_str("seal"),
        }
    }
}

/// A step as an attempt will take it; computed in preflight from what the cluster really runs.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AttemptStep {
    /// Which one.
    #[serde(flatten)]
    pub id: StepId,
    /// How long one try may take.
    pub timeout: Duration,
    /// What may be done when it is not known how it ended.
    pub repeat: crate::plan::Repeat,
    /// How often a try that failed as transient (tests: at all) is repeated.
    pub retries: u32,
}

/// What became of a try at a step.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "outcome", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum StepOutcome {
    /// It did what it should.
    Done {
        /// A few words and figures for people, such as `14 objects, 3 changed`.
        summary: String,
        /// Facts for machines and auditors (helm's version and digest, counts, warnings).
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        evidence: BTreeMap<String, serde_json::Value>,
    },
    /// It did not, and it is known that it did not.
    Failed {
        /// Which kind of failure.
        class: FailureClass,
        /// What went wrong, masked, with the finding's code first if there is one.
        cause: String,
        /// The last lines of a script's or pod's output, masked.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        output: Vec<String>,
    },
    /// Its time passed.
    TimedOut {
        /// What it still waited for.
        cause: String,
    },
    /// It is not known how it ended, and it must not simply be done again.
    Unknown {
        /// What is not known, and why.
        cause: String,
    },
}

/// Whether trying again can help.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailureClass {
    /// The network, a server that is busy, a conflict: tried again with backoff, then it counts as
    /// failed.
    Transient,
    /// Trying again can't help.
    Permanent,
    /// A test said no.
    Test,
    /// It is not known which of these; tried again where that is safe, then permanent.
    Unclassified,
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "result", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum AttemptResult {
    /// Everything was applied, is ready, and passed its tests.
    Succeeded,
    /// The cluster already ran the planned inputs, verified, with equal secrets.
    NoOp,
    /// It failed.
    Failed {
        /// Which way.
        failure: Failure,
        /// The step at which, if at one.
        step: Option<StepId>,
        /// Why, in words.
        cause: String,
    },
    /// A step's time passed.
    TimedOut {
        /// Which step.
        step: StepId,
        /// What it waited for.
        cause: String,
    },
    /// An abort ended it after a step.
    Aborted {
        /// The last step that was taken, if any.
        after: Option<StepId>,
    },
    /// A rollback replaced what it did.
    RolledBack,
    /// The cluster left the fleet.
    Departed,
    /// Another rollout took the cluster over.
    Superseded,
}

/// In which way an attempt failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Failure {
    /// Transient, and the tries are used up.
    Transient,
    /// Permanent.
    Permanent,
    /// A test, or the verification after the wave.
    Test,
    /// A gate of the cluster.
    Gate,
    /// It is not known what became of a step; a person decides.
    Unknown,
}

/// Why a cluster is left for later; no write has happened in this attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Deferral {
    /// Its window is closed.
    Window,
    /// Another operation owns it.
    Busy,
    /// It can't be reached.
    Unreachable,
    /// It is switched off on purpose.
    Hibernated,
    /// Somebody holds it still.
    Hold,
}

/// Why a claimed cluster can't go on, although nothing failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BlockReason {
    /// What it runs moved so that the plan would lower a product, or another rollout owns it.
    Stale,
    /// Something that the rendered objects need is not there (a ServiceAccount, a namespace).
    Missing,
    /// Another journal holds the cluster's lease, or its record names a rollout unknown here.
    Foreign,
}

/// What preflight found.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "verdict", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum Preflight {
    /// These steps are to be taken.
    Proceed {
        /// In this order; never empty.
        steps: Vec<AttemptStep>,
    },
    /// Nothing is to be done.
    NoOp,
    /// Not now, and the cluster keeps its slot free meanwhile.
    Deferred {
        /// Why.
        reason: Deferral,
        /// In words.
        cause: String,
    },
    /// Not until somebody changes something.
    Blocked {
        /// Why.
        reason: BlockReason,
        /// In words.
        cause: String,
    },
    /// It can't work: rendering, ownership, identity.
    Failed {
        /// Whether trying again can help.
        class: FailureClass,
        /// In words.
        cause: String,
    },
}

/// Which side of a wave a gate stands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Side {
    /// Before the wave starts.
    Before,
    /// After the soak, before the wave is done.
    After,
}

/// A gate's answer.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    /// Whether the wave may go on.
    pub open: bool,
    /// The digest of the canonical facts that it rests on, without times.
    pub evidence: Digest,
    /// The facts in words, one line each.
    pub facts: Vec<String>,
    /// Until when it counts.
    pub expires: Option<jiff::Timestamp>,
}

/// How a wave or a rollout came to a halt.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "cause", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum HaltCause {
    /// More clusters failed than the failure budget tolerates.
    FailureBudget {
        /// So many failed.
        failed: u32,
        /// So many were tolerated.
        budget: u32,
    },
    /// With `tests: all`, not one test ran.
    NoTests,
}

/// How a rollout ended by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ending {
    /// Every cluster is at its planned inputs, or was skipped.
    Succeeded,
    /// Every wave is done, and some cluster failed or is still deferred.
    SucceededWithFailures,
}

/// What a command chooses clusters by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RetryWhich {
    /// Those whose newest attempt failed, timed out or was aborted.
    Failed,
    /// Those that were skipped.
    Skipped,
    /// Those that are deferred.
    Deferred,
    /// Those named.
    Named,
}

/// What happened. The tag `event` is the stable name.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "event", rename_all_fields = "camelCase")]
#[non_exhaustive]
pub enum Body {
    // ----- the journal and its driver
    /// The journal begins.
    #[serde(rename = "journal.created")]
    JournalCreated {
        /// Its UUID.
        journal: uuid::Uuid,
    },
    /// A process became the driver; its fence is one higher than any before.
    #[serde(rename = "driver.took-over")]
    DriverTookOver {
        /// `PID@HOST`, for people.
        process: String,
        /// The host's boot id, to tell a restart of the host.
        boot: String,
        /// Its new fence (also in the envelope).
        new_fence: u64,
    },
    /// The driver ended in good order.
    #[serde(rename = "driver.released")]
    DriverReleased {},

    // ----- clusters
    /// A cluster was seen.
    #[serde(rename = "cluster.observed")]
    ClusterObserved {
        /// Its name.
        cluster: ClusterName,
        /// What was seen.
        observed: Box<Observed>,
    },
    /// A cluster could not be reached.
    #[serde(rename = "cluster.unreachable")]
    ClusterUnreachable {
        /// Its name.
        cluster: ClusterName,
        /// Why, in words.
        cause: String,
    },
    /// A person took a cluster over from another journal.
    #[serde(rename = "cluster.adopted")]
    ClusterAdopted {
        /// Its name.
        cluster: ClusterName,
        /// Its identity.
        uid: ClusterUid,
        /// From whom: the holder that its lease named, if any.
        from: Option<String>,
        /// Why.
        reason: String,
    },

    // ----- rollouts
    /// A person started a plan.
    #[serde(rename = "rollout.planned")]
    RolloutPlanned {
        /// The new rollout's id.
        rollout: RolloutId,
        /// The plan, whole.
        plan: Box<Plan>,
    },
    /// The driver began to drive it.
    #[serde(rename = "rollout.started")]
    RolloutStarted {
        /// Which.
        rollout: RolloutId,
    },
    /// A person asked for a pause.
    #[serde(rename = "rollout.pause")]
    RolloutPause {
        /// Which.
        rollout: RolloutId,
        /// Why.
        reason: Option<String>,
    },
    /// Nothing of it is in flight any more.
    #[serde(rename = "rollout.paused")]
    RolloutPaused {
        /// Which.
        rollout: RolloutId,
    },
    /// A person lets it go on.
    #[serde(rename = "rollout.resume")]
    RolloutResume {
        /// Which.
        rollout: RolloutId,
        /// A new failure budget for a halted wave.
        raise_budget: Option<RaisedBudget>,
        /// Why; mandatory with a raised budget.
        reason: Option<String>,
    },
    /// A person asked to end it where it stands.
    #[serde(rename = "rollout.abort")]
    RolloutAbort {
        /// Which.
        rollout: RolloutId,
        /// Why.
        reason: Option<String>,
    },
    /// Nothing of it is in flight any more, and nothing will start.
    #[serde(rename = "rollout.aborted")]
    RolloutAborted {
        /// Which.
        rollout: RolloutId,
    },
    /// It stopped by itself, and a person must decide.
    #[serde(rename = "rollout.halted")]
    RolloutHalted {
        /// Which.
        rollout: RolloutId,
        /// The wave in which.
        wave: WaveName,
        /// Why.
        #[serde(flatten)]
        cause: HaltCause,
    },
    /// Every wave is done.
    #[serde(rename = "rollout.finished")]
    RolloutFinished {
        /// Which.
        rollout: RolloutId,
        /// How.
        ending: Ending,
    },

    // ----- waves
    /// Its turn came: its gates are asked.
    #[serde(rename = "wave.reached")]
    WaveReached {
        /// The rollout.
        rollout: RolloutId,
        /// The wave.
        wave: WaveName,
    },
    /// Its gates are open: clusters start.
    #[serde(rename = "wave.opened")]
    WaveOpened {
        /// The rollout.
        rollout: RolloutId,
        /// The wave.
        wave: WaveName,
    },
    /// Every planned cluster is settled: it is verified.
    #[serde(rename = "wave.completed")]
    WaveCompleted {
        /// The rollout.
        rollout: RolloutId,
        /// The wave.
        wave: WaveName,
    },
    /// One cluster was observed once more after it was done.
    #[serde(rename = "wave.cluster-verified")]
    WaveClusterVerified {
        /// The rollout.
        rollout: RolloutId,
        /// The wave.
        wave: WaveName,
        /// The cluster.
        cluster: ClusterName,
        /// Which round: 1 before the soak, 2 after it.
        round: u32,
        /// Whether record and readiness are as they should be.
        healthy: bool,
        /// What was found, in words.
        cause: String,
    },
    /// Every done cluster was observed once more, and all is well within budgets.
    #[serde(rename = "wave.verified")]
    WaveVerified {
        /// The rollout.
        rollout: RolloutId,
        /// The wave.
        wave: WaveName,
        /// Which round: 1 starts the soak, 2 ends it.
        round: u32,
    },
    /// The soak's time has passed: clusters are verified a second time.
    #[serde(rename = "wave.soaked")]
    WaveSoaked {
        /// The rollout.
        rollout: RolloutId,
        /// The wave.
        wave: WaveName,
    },
    /// Its git tag stands in the local repository.
    #[serde(rename = "wave.tagged")]
    WaveTagged {
        /// The rollout.
        rollout: RolloutId,
        /// The wave.
        wave: WaveName,
        /// The tag's name.
        tag: String,
        /// The commit it names.
        commit: String,
    },
    /// Its git tag could not be made, or not be pushed; it is tried again.
    #[serde(rename = "wave.tag-failed")]
    WaveTagFailed {
        /// The rollout.
        rollout: RolloutId,
        /// The wave.
        wave: WaveName,
        /// Whether the tag stands locally and only the push failed.
        push: bool,
        /// Which try, from 1.
        tries: u32,
        /// Why.
        cause: String,
    },
    /// Its git tag was pushed.
    #[serde(rename = "wave.tag-pushed")]
    WaveTagPushed {
        /// The rollout.
        rollout: RolloutId,
        /// The wave.
        wave: WaveName,
        /// The remote's name.
        remote: String,
    },
    /// It is complete, verified, soaked, its after-gates are open, its tag is made.
    #[serde(rename = "wave.done")]
    WaveDone {
        /// The rollout.
        rollout: RolloutId,
        /// The wave.
        wave: WaveName,
    },
    /// It has no clusters.
    #[serde(rename = "wave.skipped")]
    WaveSkipped {
        /// The rollout.
        rollout: RolloutId,
        /// The wave.
        wave: WaveName,
        /// Why, such as `no-clusters`.
        reason: String,
    },

    // ----- gates and approvals
    /// A gate was asked and answered.
    #[serde(rename = "gate.answered")]
    GateAnswered {
        /// The rollout.
        rollout: RolloutId,
        /// The wave.
        wave: WaveName,
        /// Which side.
        side: Side,
        /// Which gate.
        gate: GateId,
        /// The answer.
        answer: Answer,
    },
    /// A person said yes.
    #[serde(rename = "approval.given")]
    ApprovalGiven {
        /// The rollout.
        rollout: RolloutId,
        /// The wave.
        wave: WaveName,
        /// Which side.
        side: Side,
        /// Which gate.
        gate: GateId,
        /// The release digest that the person saw.
        release: Digest,
        /// The wave digest that the person saw.
        wave_digest: Digest,
        /// The evidence digest that the person saw; absent for an approval given early.
        evidence: Option<Digest>,
        /// Until when it counts; mandatory without evidence.
        expires: Option<jiff::Timestamp>,
        /// What they said with it.
        comment: Option<String>,
    },
    /// A person took a yes back.
    #[serde(rename = "approval.revoked")]
    ApprovalRevoked {
        /// The rollout.
        rollout: RolloutId,
        /// The wave.
        wave: WaveName,
        /// Which side.
        side: Side,
        /// Which gate.
        gate: GateId,
        /// Why.
        reason: Option<String>,
    },

    // ----- attempts
    /// A cluster got a slot.
    #[serde(rename = "attempt.claimed")]
    AttemptClaimed {
        /// Which attempt.
        #[serde(flatten)]
        attempt: AttemptId,
        /// The cluster's wave.
        wave: WaveName,
    },
    /// Preflight ended.
    #[serde(rename = "attempt.preflighted")]
    AttemptPreflighted {
        /// Which attempt.
        #[serde(flatten)]
        attempt: AttemptId,
        /// Which try at the preflight, from 1.
        tries: u32,
        /// What it found.
        #[serde(flatten)]
        preflight: Preflight,
    },
    /// A step is about to be taken: the intent, written before the effect.
    #[serde(rename = "step.started")]
    StepStarted {
        /// Which attempt.
        #[serde(flatten)]
        attempt: AttemptId,
        /// Which step.
        step: StepId,
        /// Which try, from 1.
        tries: u32,
        /// On which host, with which boot id; who recovers it must know.
        host: String,
        /// The host's boot id.
        boot: String,
    },
    /// A step's process group was started (scripts only), so that it can be ended after a crash.
    #[serde(rename = "step.spawned")]
    StepSpawned {
        /// Which attempt.
        #[serde(flatten)]
        attempt: AttemptId,
        /// Which step.
        step: StepId,
        /// Which try.
        tries: u32,
        /// The process group's id.
        group: i32,
        /// The start time of its leader in clock ticks since boot (`/proc/PID/stat` field 22).
        start_ticks: u64,
    },
    /// A step's try ended.
    #[serde(rename = "step.finished")]
    StepFinished {
        /// Which attempt.
        #[serde(flatten)]
        attempt: AttemptId,
        /// Which step.
        step: StepId,
        /// Which try.
        tries: u32,
        /// How.
        #[serde(flatten)]
        outcome: StepOutcome,
    },
    /// An attempt ended.
    #[serde(rename = "attempt.finished")]
    AttemptFinished {
        /// Which attempt.
        #[serde(flatten)]
        attempt: AttemptId,
        /// How.
        #[serde(flatten)]
        result: AttemptResult,
    },
    /// A person wants clusters tried again.
    #[serde(rename = "attempt.retry")]
    AttemptRetry {
        /// The rollout.
        rollout: RolloutId,
        /// How they were chosen.
        which: RetryWhich,
        /// The clusters, in plan order.
        clusters: Vec<ClusterName>,
        /// Why.
        reason: Option<String>,
    },
    /// A person leaves clusters out of this rollout.
    #[serde(rename = "attempt.skip")]
    AttemptSkip {
        /// The rollout.
        rollout: RolloutId,
        /// The clusters.
        clusters: Vec<ClusterName>,
        /// Why.
        reason: String,
    },
}

/// A new failure budget.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct RaisedBudget {
    /// For which wave.
    pub wave: WaveName,
    /// The new number of tolerated failures.
    pub budget: u32,
}

impl Body {
    /// The stable name, such as `step.finished`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::JournalCreated { .. } => "journal.created",
            Self::DriverTookOver { .. } => "driver.took-over",
            Self::DriverReleased {} => "driver.released",
            Self::ClusterObserved { .. } => "cluster.observed",
            Self::ClusterUnreachable { .. } => "cluster.unreachable",
            Self::ClusterAdopted { .. } => "cluster.adopted",
            Self::RolloutPlanned { .. } => "rollout.planned",
            Self::RolloutStarted { .. } => "rollout.started",
            Self::RolloutPause { .. } => "rollout.pause",
            Self::RolloutPaused { .. } => "rollout.paused",
            Self::RolloutResume { .. } => "rollout.resume",
            Self::RolloutAbort { .. } => "rollout.abort",
            Self::RolloutAborted { .. } => "rollout.aborted",
            Self::RolloutHalted { .. } => "rollout.halted",
            Self::RolloutFinished { .. } => "rollout.finished",
            Self::WaveReached { .. } => "wave.reached",
            Self::WaveOpened { .. } => "wave.opened",
            Self::WaveCompleted { .. } => "wave.completed",
            Self::WaveClusterVerified { .. } => "wave.cluster-verified",
            Self::WaveVerified { .. } => "wave.verified",
            Self::WaveSoaked { .. } => "wave.soaked",
            Self::WaveTagged { .. } => "wave.tagged",
            Self::WaveTagFailed { .. } => "wave.tag-failed",
            Self::WaveTagPushed { .. } => "wave.tag-pushed",
            Self::WaveDone { .. } => "wave.done",
            Self::WaveSkipped { .. } => "wave.skipped",
            Self::GateAnswered { .. } => "gate.answered",
            Self::ApprovalGiven { .. } => "approval.given",
            Self::ApprovalRevoked { .. } => "approval.revoked",
            Self::AttemptClaimed { .. } => "attempt.claimed",
            Self::AttemptPreflighted { .. } => "attempt.preflighted",
            Self::StepStarted { .. } => "step.started",
            Self::StepSpawned { .. } => "step.spawned",
            Self::StepFinished { .. } => "step.finished",
            Self::AttemptFinished { .. } => "attempt.finished",
            Self::AttemptRetry { .. } => "attempt.retry",
            Self::AttemptSkip { .. } => "attempt.skip",
        }
    }

    /// The rollout it speaks of, if of one.
    pub fn rollout(&self) -> Option<&RolloutId> {
        match self {
            Self::JournalCreated { .. }
            | Self::DriverTookOver { .. }
            | Self::DriverReleased {}
            | Self::ClusterObserved { .. }
            | Self::ClusterUnreachable { .. }
            | Self::ClusterAdopted { .. } => None,
            Self::RolloutPlanned { rollout, .. }
            | Self::RolloutStarted { rollout }
            | Self::RolloutPause { rollout, .. }
            | Self::RolloutPaused { rollout }
            | Self::RolloutResume { rollout, .. }
            | Self::RolloutAbort { rollout, .. }
            | Self::RolloutAborted { rollout }
            | Self::RolloutHalted { rollout, .. }
            | Self::RolloutFinished { rollout, .. }
            | Self::WaveReached { rollout, .. }
            | Self::WaveOpened { rollout, .. }
            | Self::WaveCompleted { rollout, .. }
            | Self::WaveClusterVerified { rollout, .. }
            | Self::WaveVerified { rollout, .. }
            | Self::WaveSoaked { rollout, .. }
            | Self::WaveTagged { rollout, .. }
            | Self::WaveTagFailed { rollout, .. }
            | Self::WaveTagPushed { rollout, .. }
            | Self::WaveDone { rollout, .. }
            | Self::WaveSkipped { rollout, .. }
            | Self::GateAnswered { rollout, .. }
            | Self::ApprovalGiven { rollout, .. }
            | Self::ApprovalRevoked { rollout, .. }
            | Self::AttemptRetry { rollout, .. }
            | Self::AttemptSkip { rollout, .. } => Some(rollout),
            Self::AttemptClaimed { attempt, .. }
            | Self::AttemptPreflighted { attempt, .. }
            | Self::StepStarted { attempt, .. }
            | Self::StepSpawned { attempt, .. }
            | Self::StepFinished { attempt, .. }
            | Self::AttemptFinished { attempt, .. } => Some(&attempt.rollout),
        }
    }

    /// Whether only the driver may write it; such events carry a fence.
    pub fn is_engines(&self) -> bool {
        !matches!(
            self,
            Self::JournalCreated { .. }
                | Self::ClusterObserved { .. }
                | Self::ClusterUnreachable { .. }
                | Self::ClusterAdopted { .. }
                | Self::RolloutPlanned { .. }
                | Self::RolloutPause { .. }
                | Self::RolloutResume { .. }
                | Self::RolloutAbort { .. }
                | Self::ApprovalGiven { .. }
                | Self::ApprovalRevoked { .. }
                | Self::AttemptRetry { .. }
                | Self::AttemptSkip { .. }
        )
    }
}
