//! How events change the state. Each event is first checked against what is known: one that can't
//! have happened is refused, whoever wrote it, and changes nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::attempt::{Attempt, AttemptState, Class, Counts};
use super::gates::Approval;
use super::state::{
    Cluster, Compared, Driver, FleetState, Pool, Rollout, RolloutState, TagFailure, Tagging, Wave, WavePhase,
};
use crate::journal::{Body, Event, Failure, Found};
use crate::model::{ClusterName, Joiners, RolloutId, WaveName};
use crate::plan::Plan;

/// An event that can't have happened after those before it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("event {seq} ({event}) can't have happened: {why}")]
pub struct Impossible {
    /// Its position.
    pub seq: u64,
    /// Its name.
    pub event: &'static str,
    /// Why not.
    pub why: String,
}

impl FleetState {
    /// Folds the next event in.
    ///
    /// # Errors
    /// When it can't have happened; the state is then as before.
    pub fn apply(&mut self, event: &Event) -> Result<(), Impossible> {
        let impossible = |why: String| Impossible { seq: event.seq, event: event.body.name(), why };
        if event.seq != self.position + 1 {
            return Err(impossible(format!("position {} was to come next", self.position + 1)));
        }
        self.check_fence(event.fence, &event.body).map_err(impossible)?;
        self.check(&event.body).map_err(impossible)?;
        self.fold(event);
        self.position = event.seq;
        Ok(())
    }

    /// Folds in an event of a file that leaves events of others out (`rollout export`). It was checked when
    /// it was written, and what it could be checked against may not be there.
    pub fn recall(&mut self, event: &Event) {
        let announced = matches!(event.body, Body::DriverTookOver { .. });
        if let Some(fence) = event.fence.filter(|fence| *fence > self.fence && !announced) {
            let process = format!("driver {fence}");
            let (boot, pid_namespace) = (String::new(), String::new());
            let body = Body::DriverTookOver { process, boot, pid_namespace, new_fence: fence };
            self.fold(&Event { body, ..event.clone() });
        }
        self.fold(event);
        self.position = event.seq;
    }

    /// Whether the fence that an event carries may write it now.
    fn check_fence(&self, fence: Option<u64>, body: &Body) -> Result<(), String> {
        match (body, fence) {
            (Body::DriverTookOver { new_fence, .. }, carried) if carried != Some(*new_fence) => {
                Err(format!("it announces fence {new_fence} and does not carry it"))
            }
            (Body::DriverTookOver { .. }, _) => Ok(()),
            (body, None) if body.is_engines() => Err("the driver's events carry its fence".to_owned()),
            (body, Some(fence)) if body.is_engines() && fence != self.fence => {
                Err(format!("it carries fence {fence}, the driver's is {}", self.fence))
            }
            _ => Ok(()),
        }
    }

    fn fold(&mut self, event: &Event) {
        let at = event.at;
        if event.body.rollout().is_some() {
            self.fruitless = 0;
        }
        match &event.body {
            Body::JournalCreated { journal } => self.journal = Some(*journal),
            Body::DriverTookOver { process, boot, new_fence, .. } => {
                self.fence = *new_fence;
                self.fruitless = self.fruitless.saturating_add(1);
                self.driver = Some(Driver {
                    process: process.clone(),
                    boot: boot.clone(),
                    fence: *new_fence,
                    since: at,
                });
                for index in self.open.iter().copied().collect::<Vec<_>>() {
                    if let Some(rollout) = self.rollouts.get_mut(index) {
                        rollout.wake_all(at);
                    }
                }
            }
            // Who ends in good order has done what there was to do.
            Body::DriverReleased {} => (self.driver, self.fruitless) = (None, 0),
            // What is restored follows, cluster by cluster.
            Body::JournalRebuild { .. } => {}
            Body::ClusterObserved { cluster, observed } => {
                let seen = self.seen.entry(cluster.clone()).or_default();
                seen.observed = Some((**observed).clone());
                seen.unreachable = None;
            }
            Body::ClusterUnreachable { cluster, cause } => {
                let seen = self.seen.entry(cluster.clone()).or_default();
                let since = seen.unreachable.as_ref().map_or(at, |(since, _)| *since);
                seen.unreachable = Some((since, cause.clone()));
            }
            Body::ClusterCompared { cluster, differences, told } => {
                let seen = self.seen.entry(cluster.clone()).or_default();
                seen.compared = Some(Compared { at, differences: *differences, told: told.clone() });
            }
            Body::CalendarRecorded { .. }
            | Body::StopTheLineOn { .. }
            | Body::StopTheLineOff { .. }
            | Body::ClusterHold { .. }
            | Body::ClusterRelease { .. } => self.fold_live(event),
            Body::MembershipRecorded { .. } | Body::MembershipDoubted { .. } => self.fold_membership(event),
            // Whoever was in the way is not any more.
            Body::ClusterAdopted { cluster, rollouts, .. } => {
                self.elsewhere.extend(rollouts.iter().cloned());
                for rollout in self.rollouts.iter_mut().filter(|rollout| rollout.state.is_open()) {
                    if let Some(index) = rollout.by_name.get(cluster).copied() {
                        rollout.look_again(index, at);
                    }
                }
            }
            Body::RolloutPlanned { rollout, plan } => {
                let index = self.rollouts.len();
                self.learn_hotfixes(plan);
                self.rollouts.push(Rollout::new(rollout.clone(), Arc::new((**plan).clone()), event));
                self.by_id.insert(rollout.clone(), index);
                self.open.insert(index);
                self.not_strange(index);
                self.fold_rollback(index, &event.body, at);
            }
            other => {
                if let Some(id) = other.rollout().cloned() {
                    self.fold_rollout(&id, event);
                }
            }
        }
    }

    fn fold_rollout(&mut self, id: &RolloutId, event: &Event) {
        let Some(index) = self.by_id.get(id).copied() else { return };
        let fence = self.fence;
        let first = match &event.body {
            Body::AttemptClaimed { attempt, .. } => {
                let cluster = self.rollouts.get(index).and_then(|r| r.cluster(&attempt.cluster));
                cluster.is_some_and(|c| c.attempt.claimed_at.is_none())
            }
            _ => false,
        };
        if first {
            self.fold_start(event.at);
        }
        self.fold_duration(event);
        if let Body::RolloutReplanned { plan, .. } = &event.body {
            self.learn_hotfixes(plan);
        }
        let Some(rollout) = self.rollouts.get_mut(index) else { return };
        let was_open = rollout.state.is_open();
        rollout.fold(event, fence);
        match &event.body {
            Body::RolloutJoined { .. } => self.not_strange(index),
            // Whom the new plan lacks may join, and whom it has need not any more.
            Body::RolloutReplanned { .. } => {
                self.not_strange(index);
                self.find_strangers();
            }
            _ => {}
        }
        let Some(rollout) = self.rollouts.get(index) else { return };
        if !was_open && rollout.state.is_open() {
            self.who_left(index);
        }
        self.sort_in(index);
        self.fold_claims(id, index, &event.body);
        self.fold_applied(index, &event.body, event.at);
        self.fold_rollback(index, &event.body, event.at);
    }

    /// Keeps which rollouts are open, and which have somebody left to catch up.
    pub(super) fn sort_in(&mut self, index: usize) {
        let Some(rollout) = self.rollouts.get(index) else { return };
        let places =
            [(rollout.state.is_open(), &mut self.open), (rollout.is_catching_up(), &mut self.catching)];
        for (holds, set) in places {
            if holds {
                set.insert(index);
            } else {
                set.remove(&index);
            }
        }
    }

    /// Keeps who holds which cluster; only events about attempts and ends change it.
    fn fold_claims(&mut self, id: &RolloutId, index: usize, body: &Body) {
        let Some(rollout) = self.rollouts.get(index) else { return };
        let mut touched: Vec<&ClusterName> = Vec::new();
        match body {
            Body::AttemptClaimed { attempt, .. }
            | Body::AttemptPreflighted { attempt, .. }
            | Body::AttemptFinished { attempt, .. }
            | Body::AttemptDeparted { attempt, .. } => touched.push(&attempt.cluster),
            Body::AttemptRetry { clusters, .. }
            | Body::AttemptSkip { clusters, .. }
            | Body::WaveVerify { clusters, .. } => touched.extend(clusters),
            Body::RolloutAborted { .. } | Body::RolloutFinished { .. } | Body::RolloutSuperseded { .. }
                if !rollout.state.is_open() =>
            {
                self.claims.retain(|_, holder| holder != id);
            }
            _ => {}
        }
        for name in touched {
            let Some(i) = rollout.by_name.get(name).copied() else { continue };
            let Some(planned) = rollout.planned_cluster(i) else { continue };
            let held = rollout.clusters.get(i).is_some_and(|c| c.attempt.state.class().holds_slot());
            if held {
                self.claims.insert(planned.uid.clone(), id.clone());
            } else if self.claims.get(&planned.uid) == Some(id) {
                self.claims.remove(&planned.uid);
            }
        }
    }
}

impl Rollout {
    pub(super) fn new(id: RolloutId, plan: Arc<Plan>, event: &Event) -> Self {
        let at = event.at;
        let mut clusters = Vec::new();
        let mut by_name = std::collections::HashMap::new();
        let mut by_uid = std::collections::HashMap::new();
        let mut by_wave = std::collections::HashMap::new();
        let mut waves = Vec::new();
        let mut counts = Counts::default();
        for (w, wave) in plan.waves.iter().enumerate() {
            by_wave.insert(wave.name.clone(), w);
            let mut wave_counts = Counts::default();
            let mut pools = Vec::new();
            for (p, pool) in wave.pools.iter().enumerate() {
                let mut state = Pool::default();
                for (place, cluster) in pool.clusters.iter().enumerate() {
                    let index = clusters.len();
                    by_name.insert(cluster.name.clone(), index);
                    by_uid.insert(cluster.uid.clone(), index);
                    let attempt = Attempt::new(1, at, cluster);
                    let class = attempt.state.class();
                    if class == Class::Pending {
                        state.pending.insert((true, index));
                    }
                    for c in [&mut state.counts, &mut wave_counts, &mut counts] {
                        c.add(class);
                    }
                    clusters.push(Cluster {
                        wave: w,
                        pool: p,
                        place,
                        late: false,
                        joined: false,
                        attempt,
                        earlier: Vec::new(),
                        first: 1,
                    });
                }
                pools.push(state);
            }
            waves.push(Wave {
                phase: WavePhase::Waiting,
                since: at,
                pools,
                counts: wave_counts,
                late: Counts::default(),
                // A canary tolerates nothing, whatever else the plan says.
                failure_budget: if wave.canary { 0 } else { wave.failure_budget },
                begun: false,
                opened_at: None,
                verified_at: None,
                done_at: None,
                skipped: None,
                to_verify: std::collections::BTreeSet::new(),
                soaking: super::soak::Stays::default(),
                tests_run: 0,
                gates: BTreeMap::new(),
                verdicts: 0,
                tag: Tagging::default(),
            });
        }
        Self {
            unassigned: plan.unassigned.iter().cloned().collect(),
            awaited: match plan.pipeline.catch_up.joiners {
                Joiners::Follow => plan.unknown.iter().cloned().collect(),
                Joiners::Ignore => std::collections::BTreeSet::new(),
            },
            unjoined: BTreeMap::new(),
            id,
            plan,
            state: RolloutState::Planned,
            since: at,
            planned: (at, event.actor.clone()),
            plan_seq: event.seq,
            superseded_by: None,
            asked: None,
            overrides: Vec::new(),
            waves,
            clusters,
            by_name,
            by_uid,
            by_wave,
            deferred: std::collections::BTreeSet::new(),
            leaving: std::collections::BTreeSet::new(),
            ready: std::collections::BTreeSet::new(),
            counts,
            left_out: BTreeMap::new(),
        }
    }

    pub(super) fn enter(&mut self, state: RolloutState, at: jiff::Timestamp) {
        if self.state != state {
            self.state = state;
            self.since = at;
        }
    }

    pub(super) fn ask(&mut self, event: &Event, reason: Option<&str>) {
        self.asked = Some((event.actor.clone(), reason.map(str::to_owned)));
    }

    /// Every attempt at work wants to be looked at: its driver changed.
    fn wake_all(&mut self, at: jiff::Timestamp) {
        let active = self.clusters.iter().enumerate();
        self.ready =
            active.filter(|(_, c)| c.attempt.state.class() == Class::Active).map(|(i, _)| i).collect();
        for index in 0..self.clusters.len() {
            self.look_again(index, at);
        }
    }

    fn wave_mut(&mut self, name: &WaveName) -> Option<&mut Wave> {
        self.waves.get_mut(*self.by_wave.get(name)?)
    }

    fn phase(&mut self, name: &WaveName, phase: WavePhase, at: jiff::Timestamp) {
        if let Some(wave) = self.wave_mut(name) {
            wave.phase = phase;
            wave.since = at;
        }
    }

    fn fold(&mut self, event: &Event, fence: u64) {
        let at = event.at;
        match &event.body {
            Body::RolloutStarted { .. } => self.enter(RolloutState::Running, at),
            Body::RolloutPause { reason, .. } => {
                self.ask(event, reason.as_deref());
                self.enter(RolloutState::Pausing, at);
            }
            Body::RolloutPaused { .. } => self.enter(RolloutState::Paused, at),
            Body::RolloutResume { raise_budget, reason, .. } => {
                self.ask(event, reason.as_deref());
                if let Some(raised) = raise_budget
                    && let Some(wave) = self.wave_mut(&raised.wave)
                {
                    wave.failure_budget = raised.budget;
                }
                self.enter(RolloutState::Running, at);
            }
            Body::RolloutAbort { reason, .. } => {
                self.ask(event, reason.as_deref());
                self.enter(RolloutState::Aborting, at);
            }
            Body::RolloutSuperseded { by, reason, .. } => {
                self.ask(event, Some(reason));
                self.superseded_by = Some(by.clone());
                if self.counts.of(Class::Active) == 0 {
                    self.enter(RolloutState::Superseded { by: by.clone() }, at);
                } else {
                    self.enter(RolloutState::Aborting, at);
                }
            }
            Body::RolloutReplanned { plan, .. } => {
                self.replan(&Arc::new((**plan).clone()), event);
            }
            Body::RolloutAborted { .. } => match self.superseded_by.clone() {
                Some(by) => self.enter(RolloutState::Superseded { by }, at),
                None => self.enter(RolloutState::Aborted, at),
            },
            Body::RolloutHalted { wave, cause, .. } => {
                self.enter(RolloutState::Halted { wave: wave.clone(), cause: cause.clone() }, at);
            }
            Body::RolloutFinished { ending, .. } => self.enter((*ending).into(), at),
            Body::WaveReached { wave, .. } => self.phase(wave, WavePhase::GatesBefore, at),
            Body::WaveOpened { wave, .. } => {
                self.phase(wave, WavePhase::Rolling, at);
                if let Some(wave) = self.wave_mut(wave) {
                    wave.opened_at = Some(at);
                }
            }
            Body::WaveCompleted { wave, .. } => self.verify_from(wave, 1, at),
            Body::WaveSoaked { wave, .. } => self.verify_from(wave, 2, at),
            Body::WaveClusterVerified { wave, cluster, round, healthy, cause, .. } => {
                let Some(index) = self.by_name.get(cluster).copied() else { return };
                if let Some(wave) = self.wave_mut(wave) {
                    wave.to_verify.remove(&index);
                }
                // The verification before the soak is its first look.
                if *round == 1 && *healthy {
                    self.look(wave, index, Found::Well, cause, at);
                }
                if !healthy {
                    self.set(index, AttemptState::Failed(Failure::Test), Some(cause.clone()), at);
                }
            }
            Body::WaveClusterObserved { wave, cluster, found, cause, .. } => {
                let Some(index) = self.by_name.get(cluster).copied() else { return };
                self.look(wave, index, *found, cause, at);
            }
            Body::WaveVerified { wave, round, .. } => {
                let soaks = self.wave(wave).is_some_and(|(p, _)| p.soak.is_some());
                let next = if *round == 1 && soaks { WavePhase::Soaking } else { WavePhase::GatesAfter };
                self.phase(wave, next, at);
                if let Some(wave) = self.wave_mut(wave)
                    && *round == 1
                {
                    wave.verified_at = Some(at);
                }
            }
            Body::WaveTagged { wave, tag, commit, .. } => {
                if let Some(wave) = self.wave_mut(wave) {
                    wave.tag.made = Some((tag.clone(), commit.clone()));
                    wave.tag.failed = None;
                }
            }
            Body::WaveTagFailed { wave, push, tries, cause, .. } => {
                if let Some(wave) = self.wave_mut(wave) {
                    wave.tag.failed =
                        Some(TagFailure { push: *push, tries: *tries, at, cause: cause.clone() });
                }
            }
            Body::WaveTagPushed { wave, remote, .. } => {
                if let Some(wave) = self.wave_mut(wave) {
                    wave.tag.pushed = Some(remote.clone());
                    wave.tag.failed = None;
                }
            }
            Body::WaveDone { wave, .. } => {
                self.phase(wave, WavePhase::Done, at);
                if let Some(wave) = self.wave_mut(wave) {
                    wave.done_at = Some(at);
                }
            }
            Body::WaveSkipped { wave, reason, .. } => {
                self.phase(wave, WavePhase::Skipped, at);
                if let Some(wave) = self.wave_mut(wave) {
                    wave.skipped = Some(reason.clone());
                }
            }
            body
            @ (Body::GateAnswered { .. } | Body::ApprovalGiven { .. } | Body::ApprovalRevoked { .. }) => {
                self.fold_gate(body, event);
            }
            Body::RolloutJoined { .. } | Body::RolloutNotJoined { .. } => self.fold_joining(event),
            Body::GateOverridden { what, reason, .. } => {
                self.overrides.retain(|(known, _, _)| known != what);
                self.overrides.push((what.clone(), event.actor.clone(), reason.clone()));
            }
            body => self.fold_attempt(body, event, fence),
        }
    }

    /// What a look at a cluster says of its soak.
    fn look(&mut self, wave: &WaveName, index: usize, found: Found, cause: &str, at: jiff::Timestamp) {
        let plan = Arc::clone(&self.plan);
        if let Some((planned, wave)) = plan.wave(wave).zip(self.wave_mut(wave)) {
            wave.soaking.look(index, found, cause, at, planned);
        }
    }

    /// Every done cluster of the wave is to be seen once more.
    fn verify_from(&mut self, name: &WaveName, round: u32, at: jiff::Timestamp) {
        let Some(w) = self.by_wave.get(name).copied() else { return };
        let done = self
            .clusters
            .iter()
            .enumerate()
            .filter(|(_, c)| {
                c.wave == w && matches!(c.attempt.state, AttemptState::Succeeded | AttemptState::NoOp)
            })
            .map(|(i, _)| i)
            .collect();
        self.phase(name, WavePhase::Verifying { round }, at);
        if let Some(wave) = self.waves.get_mut(w) {
            if round == 1 {
                wave.soaking = super::soak::Stays::default();
            }
            wave.to_verify = done;
        }
    }

    fn fold_gate(&mut self, body: &Body, event: &Event) {
        match body {
            Body::GateAnswered { wave, side, gate, answer, .. } => {
                let Some(w) = self.by_wave.get(wave).copied() else { return };
                let mark = self.evidence_mark(w, *side);
                let Some(wave) = self.waves.get_mut(w) else { return };
                let state = wave.gates.entry((*side, gate.clone())).or_default();
                state.noes = if answer.open { 0 } else { state.noes.saturating_add(1) };
                state.answer = Some((answer.clone(), event.at));
                state.mark = Some(mark);
            }
            Body::ApprovalGiven {
                wave,
                side,
                gate,
                release,
                wave_digest,
                evidence,
                expires,
                comment,
                signature,
                ..
            } => {
                let Some(wave) = self.wave_mut(wave) else { return };
                let state = wave.gates.entry((*side, gate.clone())).or_default();
                // One person has one yes: the newest.
                state.approvals.retain(|a| a.actor != event.actor);
                state.approvals.push(Approval {
                    actor: event.actor.clone(),
                    at: event.at,
                    release: *release,
                    wave: *wave_digest,
                    evidence: *evidence,
                    expires: *expires,
                    comment: comment.clone(),
                    signature: signature.as_deref().cloned(),
                });
                state.revision += 1;
                state.revoked = None;
                state.mark = None;
            }
            Body::ApprovalRevoked { wave, side, gate, reason, .. } => {
                let Some(wave) = self.wave_mut(wave) else { return };
                let state = wave.gates.entry((*side, gate.clone())).or_default();
                state.approvals.clear();
                state.revision += 1;
                state.round += 1;
                state.revoked = Some((event.actor.clone(), event.at, reason.clone()));
                state.mark = None;
            }
            _ => {}
        }
    }
}
