//! Everything that can happen, by its stable name, with who may write it.

use std::collections::BTreeMap;

use crate::digest::Digest;
use crate::model::{
    Calendar, ClusterName, ClusterUid, GateId, Observed, PoolName, ProductName, RolloutId, WaveName,
};
use crate::plan::{Plan, PlannedCluster, PlannedProduct};
use crate::version::Version;

use super::{
    Answer, AttemptId, AttemptResult, Deferral, Ending, Found, HaltCause, Member, Override, Preflight,
    RaisedBudget, RetryWhich, Side, Signature, StepId, StepOutcome, StopScope,
};

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
    /// A person has what is observed restored from the clusters' records, since the journal before
    /// this one is lost.
    #[serde(rename = "journal.rebuild")]
    JournalRebuild {
        /// The clusters that are to be taken over, by name; each follows with `cluster.adopted`.
        clusters: Vec<ClusterName>,
        /// Why.
        reason: String,
    },
    /// A process became the driver; its fence is one higher than any before.
    #[serde(rename = "driver.took-over")]
    DriverTookOver {
        /// `PID@HOST`, for people.
        process: String,
        /// The host's boot id, to tell a restart of the host.
        boot: String,
        /// The driver's PID namespace: `host`, or that of a container; absent when it is not known, and
        /// in events of older versions.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        pid_namespace: String,
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
    /// A person compared what is in a cluster with what was applied there.
    #[serde(rename = "cluster.compared")]
    ClusterCompared {
        /// Its name.
        cluster: ClusterName,
        /// How many things are not as they were applied.
        differences: u32,
        /// The first of them, one sentence each.
        told: Vec<String>,
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
        /// The rollouts of other journals that its records name; their ids are not given again.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        rollouts: Vec<RolloutId>,
        /// Why.
        reason: String,
    },

    /// A person keeps a cluster, or one product of it, as it is.
    #[serde(rename = "cluster.hold")]
    ClusterHold {
        /// Its name.
        cluster: ClusterName,
        /// The product that keeps its version; the whole cluster is kept still if absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        product: Option<ProductName>,
        /// The version that the product keeps; there if a product is.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        version: Option<Version>,
        /// The commit whose tree holds it; there if a product is.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        commit: Option<String>,
        /// Its product digest; there if a product is.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        digest: Option<Digest>,
        /// Why.
        reason: String,
        /// Until when it holds; until it is released if absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<jiff::Timestamp>,
    },
    /// A person lets a held cluster, or a held product of it, go on.
    #[serde(rename = "cluster.release")]
    ClusterRelease {
        /// Its name.
        cluster: ClusterName,
        /// The product; the hold of the whole cluster if absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        product: Option<ProductName>,
        /// Why.
        reason: String,
    },

    // ----- the calendar and stop-the-line
    /// The calendar of the last commit is another one than was recorded before.
    #[serde(rename = "calendar.recorded")]
    CalendarRecorded {
        /// The commit that it was read from.
        commit: String,
        /// The calendar; an empty one when there is none.
        calendar: Box<Calendar>,
    },
    /// The fleet of the last commit, its source included, has other members than were recorded before.
    #[serde(rename = "membership.recorded")]
    MembershipRecorded {
        /// The commit that it was read from.
        commit: String,
        /// Every member.
        clusters: BTreeMap<ClusterName, Member>,
    },
    /// The fleet can't be read, or misses so many clusters that it is not believed: the members that
    /// were recorded last stay.
    #[serde(rename = "membership.doubted")]
    MembershipDoubted {
        /// Why.
        cause: String,
    },
    /// A person stopped the line: within its scope no cluster and no step starts.
    #[serde(rename = "stop-the-line.on")]
    StopTheLineOn {
        /// Over what.
        scope: StopScope,
        /// Why.
        reason: String,
    },
    /// A person lets the line go on.
    #[serde(rename = "stop-the-line.off")]
    StopTheLineOff {
        /// Over what, as it was stopped.
        scope: StopScope,
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
    /// A person ends it in favour of another one: at once if nothing of it is in flight, else when
    /// running steps have ended (`rollout.aborted` follows then).
    #[serde(rename = "rollout.superseded")]
    RolloutSuperseded {
        /// Which.
        rollout: RolloutId,
        /// In favour of which.
        by: RolloutId,
        /// Why.
        reason: String,
    },
    /// A person gave it another plan of the same release; waves whose digest did not change go on.
    #[serde(rename = "rollout.replanned")]
    RolloutReplanned {
        /// Which.
        rollout: RolloutId,
        /// The new plan, whole.
        plan: Box<Plan>,
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
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

    /// A cluster that joined the fleet was planned for it; it follows when its wave is over.
    #[serde(rename = "rollout.joined")]
    RolloutJoined {
        /// The rollout.
        rollout: RolloutId,
        /// The wave that takes it.
        wave: WaveName,
        /// The pool within it.
        pool: PoolName,
        /// What it gets.
        cluster: Box<PlannedCluster>,
        /// The product versions that occur as its targets.
        products: BTreeMap<Digest, PlannedProduct>,
        /// Its values.
        values: BTreeMap<Digest, serde_json::Value>,
    },
    /// A cluster that joined the fleet could not be planned for it.
    #[serde(rename = "rollout.not-joined")]
    RolloutNotJoined {
        /// The rollout.
        rollout: RolloutId,
        /// The cluster.
        cluster: ClusterName,
        /// Why not.
        cause: String,
        /// Whether trying again is useless until the fleet says something else.
        lasting: bool,
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
    /// One cluster of a wave that soaks by `clock: observed` was looked at.
    #[serde(rename = "wave.cluster-observed")]
    WaveClusterObserved {
        /// The rollout.
        rollout: RolloutId,
        /// The wave.
        wave: WaveName,
        /// The cluster.
        cluster: ClusterName,
        /// What was found.
        found: Found,
        /// In words.
        cause: String,
    },
    /// The soak's time has passed: clusters are verified a second time.
    #[serde(rename = "wave.soaked")]
    WaveSoaked {
        /// The rollout.
        rollout: RolloutId,
        /// The wave.
        wave: WaveName,
    },
    /// A person wants its tests to run again on these done clusters.
    #[serde(rename = "wave.verify")]
    WaveVerify {
        /// The rollout.
        rollout: RolloutId,
        /// The wave.
        wave: WaveName,
        /// The clusters, in plan order: each gets a new attempt that only tests.
        clusters: Vec<ClusterName>,
        /// Why.
        reason: Option<String>,
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
        /// The revision of the gate's approvals and overrides that it rests on; it comes too late
        /// when that has moved.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        revision: Option<u64>,
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
        /// Their signature over all of the above, if they signed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        signature: Option<Box<Signature>>,
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

    /// A person lets a rollout pass one of its conditions without an answer.
    #[serde(rename = "gate.overridden")]
    GateOverridden {
        /// The rollout.
        rollout: RolloutId,
        /// Which condition.
        what: Override,
        /// Why.
        reason: String,
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
    /// A cluster whose turn it was can't start now: it is left for later, without a slot.
    #[serde(rename = "attempt.deferred")]
    AttemptDeferred {
        /// Which attempt.
        #[serde(flatten)]
        attempt: AttemptId,
        /// Why: `window`, `hold` or `busy`.
        reason: Deferral,
        /// In words.
        cause: String,
        /// The moment from which time alone lets it start, if it does.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<jiff::Timestamp>,
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
        /// The driver's PID namespace: `host`, or that of a container; absent when it is not known, and
        /// in events of older versions.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        pid_namespace: String,
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
    /// Its cluster left the fleet; a step that ran there has ended.
    #[serde(rename = "attempt.departed")]
    AttemptDeparted {
        /// Which.
        #[serde(flatten)]
        attempt: AttemptId,
        /// The commit whose fleet has it no more.
        commit: String,
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

impl Body {
    /// Whether events are called so: what reads events knows every name.
    pub fn is_called(name: &str) -> bool {
        let read = serde_json::from_value::<Self>(serde_json::json!({"event": name}));
        read.err().is_none_or(|error| !error.to_string().starts_with("unknown variant"))
    }

    /// The stable name, such as `step.finished`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::JournalCreated { .. } => "journal.created",
            Self::JournalRebuild { .. } => "journal.rebuild",
            Self::DriverTookOver { .. } => "driver.took-over",
            Self::DriverReleased {} => "driver.released",
            Self::ClusterObserved { .. } => "cluster.observed",
            Self::ClusterUnreachable { .. } => "cluster.unreachable",
            Self::ClusterCompared { .. } => "cluster.compared",
            Self::ClusterAdopted { .. } => "cluster.adopted",
            Self::ClusterHold { .. } => "cluster.hold",
            Self::ClusterRelease { .. } => "cluster.release",
            Self::CalendarRecorded { .. } => "calendar.recorded",
            Self::MembershipRecorded { .. } => "membership.recorded",
            Self::MembershipDoubted { .. } => "membership.doubted",
            Self::StopTheLineOn { .. } => "stop-the-line.on",
            Self::StopTheLineOff { .. } => "stop-the-line.off",
            Self::RolloutPlanned { .. } => "rollout.planned",
            Self::RolloutStarted { .. } => "rollout.started",
            Self::RolloutPause { .. } => "rollout.pause",
            Self::RolloutPaused { .. } => "rollout.paused",
            Self::RolloutResume { .. } => "rollout.resume",
            Self::RolloutAbort { .. } => "rollout.abort",
            Self::RolloutAborted { .. } => "rollout.aborted",
            Self::RolloutSuperseded { .. } => "rollout.superseded",
            Self::RolloutReplanned { .. } => "rollout.replanned",
            Self::RolloutHalted { .. } => "rollout.halted",
            Self::RolloutFinished { .. } => "rollout.finished",
            Self::RolloutJoined { .. } => "rollout.joined",
            Self::RolloutNotJoined { .. } => "rollout.not-joined",
            Self::WaveReached { .. } => "wave.reached",
            Self::WaveOpened { .. } => "wave.opened",
            Self::WaveCompleted { .. } => "wave.completed",
            Self::WaveClusterVerified { .. } => "wave.cluster-verified",
            Self::WaveVerified { .. } => "wave.verified",
            Self::WaveClusterObserved { .. } => "wave.cluster-observed",
            Self::WaveSoaked { .. } => "wave.soaked",
            Self::WaveVerify { .. } => "wave.verify",
            Self::WaveTagged { .. } => "wave.tagged",
            Self::WaveTagFailed { .. } => "wave.tag-failed",
            Self::WaveTagPushed { .. } => "wave.tag-pushed",
            Self::WaveDone { .. } => "wave.done",
            Self::WaveSkipped { .. } => "wave.skipped",
            Self::GateAnswered { .. } => "gate.answered",
            Self::ApprovalGiven { .. } => "approval.given",
            Self::ApprovalRevoked { .. } => "approval.revoked",
            Self::GateOverridden { .. } => "gate.overridden",
            Self::AttemptClaimed { .. } => "attempt.claimed",
            Self::AttemptDeferred { .. } => "attempt.deferred",
            Self::AttemptPreflighted { .. } => "attempt.preflighted",
            Self::StepStarted { .. } => "step.started",
            Self::StepSpawned { .. } => "step.spawned",
            Self::StepFinished { .. } => "step.finished",
            Self::AttemptFinished { .. } => "attempt.finished",
            Self::AttemptDeparted { .. } => "attempt.departed",
            Self::AttemptRetry { .. } => "attempt.retry",
            Self::AttemptSkip { .. } => "attempt.skip",
        }
    }

    /// The rollout it speaks of, if of one.
    pub fn rollout(&self) -> Option<&RolloutId> {
        match self {
            Self::JournalCreated { .. }
            | Self::JournalRebuild { .. }
            | Self::DriverTookOver { .. }
            | Self::DriverReleased {}
            | Self::ClusterObserved { .. }
            | Self::ClusterUnreachable { .. }
            | Self::ClusterCompared { .. }
            | Self::ClusterAdopted { .. }
            | Self::ClusterHold { .. }
            | Self::ClusterRelease { .. }
            | Self::CalendarRecorded { .. }
            | Self::MembershipRecorded { .. }
            | Self::MembershipDoubted { .. }
            | Self::StopTheLineOn { .. }
            | Self::StopTheLineOff { .. } => None,
            Self::RolloutPlanned { rollout, .. }
            | Self::RolloutStarted { rollout }
            | Self::RolloutPause { rollout, .. }
            | Self::RolloutPaused { rollout }
            | Self::RolloutResume { rollout, .. }
            | Self::RolloutAbort { rollout, .. }
            | Self::RolloutAborted { rollout }
            | Self::RolloutSuperseded { rollout, .. }
            | Self::RolloutReplanned { rollout, .. }
            | Self::RolloutHalted { rollout, .. }
            | Self::RolloutFinished { rollout, .. }
            | Self::RolloutJoined { rollout, .. }
            | Self::RolloutNotJoined { rollout, .. }
            | Self::WaveReached { rollout, .. }
            | Self::WaveOpened { rollout, .. }
            | Self::WaveCompleted { rollout, .. }
            | Self::WaveClusterVerified { rollout, .. }
            | Self::WaveVerified { rollout, .. }
            | Self::WaveClusterObserved { rollout, .. }
            | Self::WaveSoaked { rollout, .. }
            | Self::WaveVerify { rollout, .. }
            | Self::WaveTagged { rollout, .. }
            | Self::WaveTagFailed { rollout, .. }
            | Self::WaveTagPushed { rollout, .. }
            | Self::WaveDone { rollout, .. }
            | Self::WaveSkipped { rollout, .. }
            | Self::GateAnswered { rollout, .. }
            | Self::ApprovalGiven { rollout, .. }
            | Self::ApprovalRevoked { rollout, .. }
            | Self::GateOverridden { rollout, .. }
            | Self::AttemptRetry { rollout, .. }
            | Self::AttemptSkip { rollout, .. } => Some(rollout),
            Self::AttemptClaimed { attempt, .. }
            | Self::AttemptDeferred { attempt, .. }
            | Self::AttemptPreflighted { attempt, .. }
            | Self::StepStarted { attempt, .. }
            | Self::StepSpawned { attempt, .. }
            | Self::StepFinished { attempt, .. }
            | Self::AttemptFinished { attempt, .. }
            | Self::AttemptDeparted { attempt, .. } => Some(&attempt.rollout),
        }
    }

    /// Whether only the driver may write it; such events carry a fence.
    pub fn is_engines(&self) -> bool {
        !matches!(
            self,
            Self::JournalCreated { .. }
                | Self::JournalRebuild { .. }
                | Self::ClusterObserved { .. }
                | Self::ClusterUnreachable { .. }
                | Self::ClusterCompared { .. }
                | Self::ClusterAdopted { .. }
                | Self::ClusterHold { .. }
                | Self::ClusterRelease { .. }
                | Self::StopTheLineOn { .. }
                | Self::StopTheLineOff { .. }
                | Self::RolloutSuperseded { .. }
                | Self::RolloutReplanned { .. }
                | Self::RolloutPlanned { .. }
                | Self::RolloutPause { .. }
                | Self::RolloutResume { .. }
                | Self::RolloutAbort { .. }
                | Self::ApprovalGiven { .. }
                | Self::ApprovalRevoked { .. }
                | Self::GateOverridden { .. }
                | Self::AttemptRetry { .. }
                | Self::AttemptSkip { .. }
                | Self::WaveVerify { .. }
        )
    }
}
