//! How events change attempts, and how the index of who waits, works and is settled follows.

use super::Interrupted;
use super::attempt::{Attempt, AttemptState, Class, Parked, StepProgress, Tests};
use super::catch_up::catches_up;
use super::membership::farewell;
use super::state::{Rollout, RolloutState, WavePhase};
use crate::journal::{AttemptId, AttemptResult, Body, Deferral, Event, Preflight, StepOutcome};
use crate::model::ClusterName;

impl Rollout {
    pub(super) fn fold_attempt(&mut self, body: &Body, event: &Event, fence: u64) {
        let at = event.at;
        let lane = matches!(
            body,
            Body::AttemptClaimed { .. } | Body::AttemptDeparted { .. } | Body::AttemptFinished { .. }
        );
        if lane && self.state == RolloutState::SucceededWithFailures {
            self.enter(RolloutState::Running, at);
        }
        match body {
            Body::AttemptClaimed { attempt, .. } => {
                let Some(index) = self.index_of(attempt) else { return };
                self.fall_behind(index);
                if let Some(cluster) = self.clusters.get_mut(index) {
                    cluster.attempt.claimed_at = Some(at);
                    cluster.attempt.preflight = None;
                    cluster.attempt.preflight_failures = 0;
                    if let Some(wave) = self.waves.get_mut(cluster.wave) {
                        wave.begun = true;
                    }
                }
                self.set(index, AttemptState::Claimed, None, at);
            }
            Body::AttemptDeferred { attempt, reason, cause, until } => {
                let Some(index) = self.index_of(attempt) else { return };
                let state = AttemptState::Deferred(*reason);
                self.leave(index);
                if let Some(cluster) = self.clusters.get_mut(index) {
                    let it = &mut cluster.attempt;
                    if it.state != state {
                        it.state = state;
                        it.since = at;
                    }
                    it.cause = Some(cause.clone());
                    it.parked = Some(Parked { until: *until });
                    // Who is in its way is seen at every look; the end of a hold or a window is a
                    // moment, or else a live fact.
                    it.due = if *reason == Deferral::Busy { Some(at) } else { *until };
                }
                self.arrive(index);
            }
            Body::AttemptPreflighted { attempt, preflight, .. } => {
                self.fold_preflight(attempt, preflight, at)
            }
            Body::StepStarted { attempt, step, tries, host, boot, pid_namespace } => {
                let Some(index) = self.index_of(attempt) else { return };
                let Some(cluster) = self.clusters.get_mut(index) else { return };
                if let Some(progress) = cluster.attempt.steps.get_mut(cluster.attempt.at_step) {
                    progress.tries = *tries;
                    let left = Interrupted {
                        tries: *tries,
                        at,
                        host: host.clone(),
                        boot: boot.clone(),
                        pid_namespace: pid_namespace.clone(),
                        group: None,
                    };
                    progress.open.push((fence, left));
                }
                if step.is_test()
                    && let Some(wave) = self.waves.get_mut(cluster.wave)
                {
                    wave.tests_run += 1;
                }
                // It is with the engine now, until it is reported or the driver changes.
                self.ready.remove(&index);
            }
            Body::StepSpawned { attempt, group, start_ticks, .. } => {
                let Some(index) = self.index_of(attempt) else { return };
                let Some(cluster) = self.clusters.get_mut(index) else { return };
                if let Some(progress) = cluster.attempt.steps.get_mut(cluster.attempt.at_step)
                    && let Some((_, open)) = progress.open.last_mut()
                {
                    open.group = Some((*group, *start_ticks));
                    // The script's time runs from here, however long its cluster was waited for.
                    open.at = at;
                }
            }
            Body::StepFinished { attempt, outcome, .. } => self.fold_step(attempt, outcome, at),
            Body::AttemptFinished { attempt, result } => self.fold_finished(attempt, result, at),
            Body::AttemptDeparted { attempt, commit } => {
                let Some(index) = self.index_of(attempt) else { return };
                let (state, cause) = farewell(commit);
                self.set(index, state, cause, at);
            }
            Body::AttemptRetry { clusters, reason, .. } => {
                for name in clusters {
                    self.retry(name, at);
                }
                if matches!(
                    self.state,
                    RolloutState::Halted { .. }
                        | RolloutState::Succeeded
                        | RolloutState::SucceededWithFailures
                ) {
                    self.ask(event, reason.as_deref());
                    self.enter(RolloutState::Running, at);
                }
            }
            Body::WaveVerify { clusters, reason, .. } => {
                for name in clusters {
                    self.test_again(name, at);
                }
                if matches!(self.state, RolloutState::Succeeded | RolloutState::SucceededWithFailures) {
                    self.ask(event, reason.as_deref());
                    self.enter(RolloutState::Running, at);
                }
            }
            Body::AttemptSkip { clusters, reason, .. } => {
                for name in clusters {
                    if let Some(index) = self.by_name.get(name).copied() {
                        self.set(index, AttemptState::Skipped(event.actor.clone()), Some(reason.clone()), at);
                    }
                }
                if self.state == RolloutState::SucceededWithFailures {
                    self.ask(event, Some(reason));
                    self.enter(RolloutState::Running, at);
                }
            }
            _ => {}
        }
    }

    fn index_of(&self, attempt: &AttemptId) -> Option<usize> {
        self.by_name.get(&attempt.cluster).copied()
    }

    fn fold_preflight(&mut self, attempt: &AttemptId, preflight: &Preflight, at: jiff::Timestamp) {
        let Some(index) = self.index_of(attempt) else { return };
        let Some(cluster) = self.clusters.get_mut(index) else { return };
        let it = &mut cluster.attempt;
        it.preflights += 1;
        it.preflight = Some((preflight.clone(), at));
        it.blocked_looks = match preflight {
            Preflight::Blocked { .. } => it.blocked_looks.saturating_add(1),
            Preflight::Deferred { reason, .. } if reason.settles() => it.blocked_looks.saturating_add(1),
            _ => 0,
        };
        let (state, cause) = match preflight {
            Preflight::Proceed { steps } => {
                it.steps = steps.iter().cloned().map(StepProgress::new).collect();
                it.at_step = 0;
                (it.working(), None)
            }
            // The end itself is an event of its own.
            Preflight::NoOp => (AttemptState::Preflight, None),
            Preflight::Deferred { reason, cause } => (AttemptState::Deferred(*reason), Some(cause.clone())),
            Preflight::Blocked { reason, cause } => (AttemptState::Blocked(*reason), Some(cause.clone())),
            Preflight::Failed { cause, .. } => {
                it.preflight_failures += 1;
                (AttemptState::Preflight, Some(cause.clone()))
            }
        };
        self.set(index, state, cause, at);
    }

    fn fold_step(&mut self, attempt: &AttemptId, outcome: &StepOutcome, at: jiff::Timestamp) {
        let Some(index) = self.index_of(attempt) else { return };
        let Some(cluster) = self.clusters.get_mut(index) else { return };
        let it = &mut cluster.attempt;
        let Some(progress) = it.steps.get_mut(it.at_step) else { return };
        // What a try left open by an earlier driver took is not known, and nobody worked meanwhile.
        if let Some((_, open)) = progress.open.last() {
            it.worked += at.duration_since(open.at).max(jiff::SignedDuration::ZERO);
        }
        // Whoever reports a try has settled those before it: that is what a recovery is for.
        // Not cleared: of ten thousand attempts each would keep the room.
        progress.open = Vec::new();
        progress.outcome = Some((outcome.clone(), at));
        let cause = match outcome {
            StepOutcome::Done { .. } => {
                it.at_step += 1;
                None
            }
            StepOutcome::Failed { cause, .. }
            | StepOutcome::TimedOut { cause }
            | StepOutcome::Unknown { cause } => {
                progress.failures += 1;
                Some(cause.clone())
            }
        };
        let state = it.working();
        self.ready.insert(index);
        self.set(index, state, cause, at);
    }

    fn fold_finished(&mut self, attempt: &AttemptId, result: &AttemptResult, at: jiff::Timestamp) {
        let Some(index) = self.index_of(attempt) else { return };
        let (state, step, cause) = match result {
            AttemptResult::Succeeded => (AttemptState::Succeeded, None, None),
            AttemptResult::NoOp => (AttemptState::NoOp, None, None),
            AttemptResult::Failed { failure, step, cause } => {
                (AttemptState::Failed(*failure), step.clone(), Some(cause.clone()))
            }
            AttemptResult::TimedOut { step, cause } => {
                (AttemptState::TimedOut, Some(step.clone()), Some(cause.clone()))
            }
            AttemptResult::Aborted { after } => (AttemptState::Aborted { after: after.clone() }, None, None),
            AttemptResult::RolledBack => (AttemptState::RolledBack, None, None),
            AttemptResult::Departed => (AttemptState::Departed, None, None),
            AttemptResult::Superseded => (AttemptState::Superseded, None, None),
        };
        if let Some(cluster) = self.clusters.get_mut(index) {
            cluster.attempt.failed_step = step;
        }
        self.set(index, state, cause, at);
    }

    /// A new attempt in place of the newest: it leaves that one's class, and enters its own.
    fn replace(&mut self, index: usize, anew: Attempt) {
        self.leave(index);
        if let Some(cluster) = self.clusters.get_mut(index) {
            let old = std::mem::replace(&mut cluster.attempt, anew);
            cluster.earlier.push(old);
        }
        self.arrive(index);
    }

    /// A done cluster is tested again; its wave stays where it is, and goes no further meanwhile.
    fn test_again(&mut self, name: &ClusterName, at: jiff::Timestamp) {
        let Some(index) = self.by_name.get(name).copied() else { return };
        let Some((cluster, planned)) = self.clusters.get(index).zip(self.planned_cluster(index)) else {
            return;
        };
        let anew = Attempt { tests: Tests::Only, ..Attempt::new(cluster.attempt.number + 1, at, planned) };
        self.replace(index, anew);
    }

    fn retry(&mut self, name: &ClusterName, at: jiff::Timestamp) {
        let Some(index) = self.by_name.get(name).copied() else { return };
        let Some(cluster) = self.clusters.get(index) else { return };
        let (wave, late) = (cluster.wave, cluster.late);
        let never =
            cluster.attempt.claimed_at.is_none() && cluster.earlier.iter().all(|a| a.claimed_at.is_none());
        let Some(planned) = self.planned_cluster(index) else { return };
        let mut anew = Attempt::new(cluster.attempt.number + 1, at, planned);
        // After a no of tests that ran again, only tests that run once more can say yes.
        if cluster.attempt.tests != Tests::Due {
            anew.tests = Tests::Again;
        }
        // Who joined follows its wave, also by another attempt: through its gates, if it never was.
        if late
            && let Some((known, planned)) = self.waves.get(wave).zip(self.plan.waves.get(wave))
            && (!known.phase.is_over() || never)
        {
            anew = anew.following(&planned.name);
        }
        self.replace(index, anew);
        if late {
            return;
        }
        // A wave that was complete is not any more: what it verified and soaked no longer covers it.
        if let Some(wave) = self.waves.get_mut(wave)
            && matches!(wave.phase, WavePhase::Verifying { .. } | WavePhase::Soaking | WavePhase::GatesAfter)
        {
            wave.phase = WavePhase::Rolling;
            wave.since = at;
            wave.verified_at = None;
            wave.to_verify.clear();
        }
    }

    /// Brings an attempt into a state and keeps every index in step.
    pub(super) fn set(
        &mut self,
        index: usize,
        state: AttemptState,
        cause: Option<String>,
        at: jiff::Timestamp,
    ) {
        let same = self.clusters.get(index).is_some_and(|c| c.attempt.state == state);
        if same {
            if let Some(cluster) = self.clusters.get_mut(index) {
                cluster.attempt.cause = cause;
            }
            return;
        }
        self.leave(index);
        if let Some(cluster) = self.clusters.get_mut(index) {
            cluster.attempt.state = state;
            cluster.attempt.cause = cause;
            cluster.attempt.since = at;
            cluster.attempt.early = None;
            cluster.attempt.parked = None;
            let again = matches!(cluster.attempt.state.class(), Class::Blocked | Class::Postponed);
            cluster.attempt.due = again.then(|| cluster.attempt.recheck_at());
        }
        self.arrive(index);
    }

    /// Has a cluster that is blocked or postponed looked at at once: what it waits for may be there by
    /// now. What a live fact keeps waits for that fact.
    pub(super) fn look_again(&mut self, index: usize, at: jiff::Timestamp) {
        let Some(cluster) = self.clusters.get_mut(index) else { return };
        let attempt = &mut cluster.attempt;
        let waits = matches!(attempt.state.class(), Class::Blocked | Class::Postponed);
        let Some(before) = attempt.due.filter(|due| waits && attempt.parked.is_none() && *due > at) else {
            return;
        };
        attempt.early = Some(at);
        attempt.due = Some(at);
        let pool = self.waves.get_mut(cluster.wave).and_then(|wave| wave.pools.get_mut(cluster.pool));
        if let Some(pool) = pool {
            pool.rechecks.remove(&(before, index));
            pool.rechecks.insert((at, index));
        }
    }

    /// What was left for later by a live fact is due now: the fact has changed.
    pub(super) fn fact_changed(&mut self, index: usize, at: jiff::Timestamp) {
        let Some(cluster) = self.clusters.get_mut(index) else { return };
        if cluster.attempt.parked.is_none() {
            return;
        }
        let before = cluster.attempt.due.replace(at);
        let pool = self.waves.get_mut(cluster.wave).and_then(|wave| wave.pools.get_mut(cluster.pool));
        if let Some(pool) = pool {
            if let Some(before) = before {
                pool.rechecks.remove(&(before, index));
            }
            pool.rechecks.insert((at, index));
        }
    }

    /// A cluster that gets its slot after its wave was done counts apart from now on.
    fn fall_behind(&mut self, index: usize) {
        let found = self.clusters.get(index).filter(|cluster| !cluster.late);
        let wave = found.and_then(|cluster| self.waves.get(cluster.wave));
        if !found.zip(wave).is_some_and(|(cluster, wave)| catches_up(cluster, wave)) {
            return;
        }
        self.leave(index);
        if let Some(cluster) = self.clusters.get_mut(index) {
            cluster.late = true;
        }
        self.arrive(index);
    }

    pub(super) fn leave(&mut self, index: usize) {
        let Some(cluster) = self.clusters.get(index) else { return };
        let (class, half) = (cluster.attempt.state.class(), cluster.half_updated());
        let due = cluster.attempt.due;
        self.counts.remove(class);
        self.deferred.remove(&index);
        if let Some(wave) = self.waves.get_mut(cluster.wave) {
            let counts = if cluster.late { &mut wave.late } else { &mut wave.counts };
            counts.remove(class);
            wave.verdicts += u64::from(!cluster.late);
            wave.to_verify.remove(&index);
            if let Some(pool) = wave.pools.get_mut(cluster.pool) {
                let counts = if cluster.late { &mut pool.late } else { &mut pool.counts };
                counts.remove(class);
                pool.pending.remove(&(!half, index));
                if let Some(due) = due {
                    pool.rechecks.remove(&(due, index));
                }
            }
        }
    }

    pub(super) fn arrive(&mut self, index: usize) {
        let Some(cluster) = self.clusters.get(index) else { return };
        let (class, half) = (cluster.attempt.state.class(), cluster.half_updated());
        let due = cluster.attempt.due;
        self.counts.add(class);
        if class == Class::Deferred {
            self.deferred.insert(index);
        }
        if let Some(wave) = self.waves.get_mut(cluster.wave) {
            let counts = if cluster.late { &mut wave.late } else { &mut wave.counts };
            counts.add(class);
            // Who is tested again while it soaks goes on soaking; who is no longer done does not.
            if class.holds_no_soak() {
                wave.soaking.forget(index);
            }
            if let Some(pool) = wave.pools.get_mut(cluster.pool) {
                let counts = if cluster.late { &mut pool.late } else { &mut pool.counts };
                counts.add(class);
                if class == Class::Pending {
                    pool.pending.insert((!half, index));
                }
                if let Some(due) = due {
                    pool.rechecks.insert((due, index));
                }
            }
        }
        if class == Class::Active {
            self.ready.insert(index);
        } else {
            self.ready.remove(&index);
        }
    }
}

impl Attempt {
    /// `Upgrading` or `Testing`, by the step it is at.
    fn working(&self) -> AttemptState {
        let deploys = self
            .steps
            .get(self.at_step)
            .is_some_and(|s| !s.step.id.is_test() && s.step.id != crate::journal::StepId::Seal);
        if deploys { AttemptState::Upgrading } else { AttemptState::Testing }
    }
}
