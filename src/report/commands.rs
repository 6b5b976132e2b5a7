//! Commands as people type them, offered only where the core would admit them now: an explanation
//! never sends anybody into a refusal. What would help is for `explain` to know.

use crate::journal::{Override, RetryWhich, Side, Signature};
use crate::model::{Actor, ClusterName, GateId, RolloutId, WaveName};
use crate::plan::GateKind;
use crate::rollout::{Approve, Command, FleetState, Rollout, admit};

/// Where a person has to put their own words.
const TEXT: &str = "TEXT";

/// A text as one word of a shell.
pub fn word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+~:@".contains(c);
    let bare = !text.is_empty() && text.chars().all(plain);
    if bare { text.to_owned() } else { format!("'{}'", text.replace('\'', "'\\''")) }
}

/// What may be asked of one rollout now.
#[derive(Clone, Copy)]
pub(super) struct Offers<'a> {
    pub(super) state: &'a FleetState,
    pub(super) rollout: &'a Rollout,
    pub(super) now: jiff::Timestamp,
}

impl Offers<'_> {
    /// The text of a command, if the core would admit it and it would change something.
    fn offer(&self, command: &Command, text: String) -> Option<String> {
        let admitted = admit(self.state, command, self.now);
        admitted.is_ok_and(|events| !events.is_empty()).then_some(text)
    }

    fn text(&self, verb: &str, rest: &str) -> String {
        let space = if rest.is_empty() { "" } else { " " };
        format!("tidegate rollout {verb} {}{space}{rest}", self.rollout.id())
    }

    pub(super) fn resume(&self) -> Option<String> {
        let rollout = self.rollout.id().clone();
        let command = Command::Resume { rollout, raise_budget: None, reason: None };
        self.offer(&command, self.text("resume", ""))
    }

    pub(super) fn raise_budget(&self, budget: u32) -> Option<String> {
        let command = Command::Resume {
            rollout: self.rollout.id().clone(),
            raise_budget: Some(budget),
            reason: Some(TEXT.to_owned()),
        };
        self.offer(&command, self.text("resume", &format!("--raise-budget {budget} --reason {TEXT}")))
    }

    /// Another plan of the same release. What is blocked by the plan is tried again by it.
    pub(super) fn replan(&self) -> Option<String> {
        let plan = Box::new((**self.rollout.plan()).clone());
        let command = Command::Replan { rollout: self.rollout.id().clone(), plan, reason: None };
        self.offer(&command, self.text("replan", ""))
    }

    pub(super) fn abort(&self) -> Option<String> {
        let command = Command::Abort { rollout: self.rollout.id().clone(), reason: None };
        self.offer(&command, self.text("abort", ""))
    }

    /// What the rollout brought is taken back.
    pub(super) fn roll_back(&self) -> Option<String> {
        let command = Command::RollBack { rollout: self.rollout.id().clone(), reason: TEXT.to_owned() };
        let admitted = admit(self.state, &command, self.now).is_ok();
        admitted.then(|| self.text("rollback", &format!("--reason {TEXT}")))
    }

    /// Another rollout ends in favour of this one.
    pub(super) fn supersede(&self, other: &RolloutId) -> Option<String> {
        let by = self.rollout.id();
        let command = Command::Supersede { rollout: other.clone(), by: by.clone(), reason: TEXT.to_owned() };
        self.offer(&command, format!("tidegate rollout supersede {other} --by {by} --reason {TEXT}"))
    }

    /// Every cluster that failed, or every one that is deferred.
    pub(super) fn retry_all(&self, which: RetryWhich) -> Option<String> {
        let flag = match which {
            RetryWhich::Failed => "--failed",
            RetryWhich::Deferred => "--deferred",
            RetryWhich::Skipped => "--skipped",
            RetryWhich::Named => return None,
        };
        let rollout = self.rollout.id().clone();
        let command = Command::Retry { rollout, which, clusters: Vec::new(), reason: None };
        self.offer(&command, self.text("retry", flag))
    }

    pub(super) fn retry(&self, cluster: &ClusterName) -> Option<String> {
        let command = Command::Retry {
            rollout: self.rollout.id().clone(),
            which: RetryWhich::Named,
            clusters: vec![cluster.clone()],
            reason: None,
        };
        self.offer(&command, self.text("retry", &format!("-c {cluster}")))
    }

    /// These clusters; nothing if there are none.
    pub(super) fn skip(&self, clusters: &[&ClusterName]) -> Option<String> {
        let command = Command::Skip {
            rollout: self.rollout.id().clone(),
            clusters: clusters.iter().copied().cloned().collect(),
            reason: TEXT.to_owned(),
        };
        let flags: Vec<String> = clusters.iter().map(|cluster| format!("-c {cluster}")).collect();
        self.offer(&command, self.text("skip", &format!("{} --reason {TEXT}", flags.join(" "))))
    }

    /// A yes to what is there now; the gate is named where its wave has several.
    pub(super) fn approve(&self, wave: &WaveName, side: Side, gate: &GateId) -> Option<String> {
        let (planned, _) = self.rollout.wave(wave)?;
        let (release, wave_digest) = self.rollout.bindings(wave)?;
        let several = planned.gates_before.len() + planned.gates_after.len() > 1;
        let gates = if side == Side::Before { &planned.gates_before } else { &planned.gates_after };
        let kind = gates.iter().find(|planned| &planned.id == gate).map(|planned| &planned.kind);
        let signed = matches!(kind, Some(GateKind::Approval { signed: true, .. }));
        // Somebody else is meant where who asks may not: the signature is theirs, too.
        let round = self.rollout.wave(wave).and_then(|(_, w)| w.gate(side, gate)).map_or(0, |g| g.round());
        let signature = signed.then(|| Signature { round, at: self.now, armored: String::new() });
        let command = Command::Approve(Approve {
            actor: Actor("person:somebody".to_owned()),
            signature,
            rollout: self.rollout.id().clone(),
            wave: wave.clone(),
            gate: several.then(|| (side, gate.clone())),
            release,
            wave_digest,
            evidence: Some(self.rollout.evidence(wave, side)),
            expires: None,
            comment: None,
        });
        let named = if several { format!(" --gate {gate}") } else { String::new() };
        self.offer(
            &command,
            self.text(
                "approve",
                &format!("--wave {wave}{named}{}", if signed { " --sign KEYFILE" } else { "" }),
            ),
        )
    }

    /// Lets the rollout pass a condition.
    pub(super) fn override_condition(&self, what: &Override) -> Option<String> {
        let command = Command::Override {
            rollout: self.rollout.id().clone(),
            what: what.clone(),
            reason: TEXT.to_owned(),
        };
        self.offer(&command, self.text("override", &format!("{what} --reason {TEXT}")))
    }

    /// To look closer, which is always possible.
    pub(super) fn why(&self, wave: &WaveName) -> String {
        self.text("why", &format!("--wave {wave}"))
    }

    /// A new plan of the same release: what is left to do when a rollout is at its end.
    pub(super) fn plan(&self) -> String {
        format!("tidegate plan {} --out FILE", self.rollout.plan().release.id)
    }
}
