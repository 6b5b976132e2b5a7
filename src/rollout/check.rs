//! Which events can follow the state that is known. The fold refuses the others, and the engine
//! asks here before it appends an outcome: one that came too late is then no longer wanted.

use super::attempt::{Attempt, AttemptState, Class};
use super::gates;
use super::state::{FleetState, Rollout, RolloutState, WavePhase};
use crate::journal::{
    AttemptId, AttemptResult, Body, Deferral, HaltCause, Override, Preflight, Side, StepId,
};
use crate::model::{ClusterName, GateId, WaveName};
use crate::plan::Plan;

type Checked = Result<(), String>;

fn demand(holds: bool, why: impl FnOnce() -> String) -> Checked {
    if holds { Ok(()) } else { Err(why()) }
}

impl FleetState {
    /// Whether this can happen next, apart from its fence.
    ///
    /// # Errors
    /// Why not, in words.
    pub fn check(&self, body: &Body) -> Checked {
        match body {
            Body::JournalCreated { .. } => {
                demand(self.position == 0, || "a journal begins once, with its first event".to_owned())
            }
            Body::JournalRebuild { .. } => {
                demand(self.is_new(), || "the journal is not lost: it has a history".to_owned())
            }
            Body::DriverTookOver { new_fence, .. } => demand(*new_fence > self.fence, || {
                format!("fence {new_fence} is not above {}, the last one", self.fence)
            }),
            Body::DriverReleased {} => demand(self.driver.is_some(), || "nobody drives".to_owned()),
            Body::ClusterObserved { .. }
            | Body::ClusterUnreachable { .. }
            | Body::ClusterCompared { .. }
            | Body::ClusterAdopted { .. } => Ok(()),
            Body::CalendarRecorded { .. }
            | Body::StopTheLineOn { .. }
            | Body::StopTheLineOff { .. }
            | Body::ClusterHold { .. }
            | Body::ClusterRelease { .. } => self.check_live(body),
            Body::MembershipRecorded { .. } | Body::MembershipDoubted { .. } => self.check_membership(body),
            Body::RolloutPlanned { rollout, plan } => {
                demand(self.rollout(rollout).is_none(), || format!("{rollout} exists already"))?;
                self.check_plan(plan)?;
                plan.rollback().map_or(Ok(()), |rollback| self.check_rollback(plan, rollback))
            }
            body => {
                let Some(id) = body.rollout() else { return Ok(()) };
                let rollout = self.rollout(id).ok_or_else(|| format!("no rollout {id} is known"))?;
                rollout.check(body)?;
                if let Body::AttemptClaimed { attempt, .. } = body {
                    let uid = rollout.by_name.get(&attempt.cluster).and_then(|i| rollout.planned_cluster(*i));
                    if let Some(holder) = uid.and_then(|c| self.claimed_by(&c.uid)) {
                        return Err(format!("{holder} holds {}", attempt.cluster));
                    }
                    self.check_not_stopped(rollout, attempt)?;
                }
                if let Body::RolloutReplanned { plan, .. } = body {
                    self.check_plan(plan)?;
                }
                self.check_joining(rollout, body)?;
                if let Body::AttemptDeparted { attempt, .. } = body {
                    demand(self.has_left(rollout, &attempt.cluster), || {
                        format!("{} is a member of the fleet", attempt.cluster)
                    })?;
                }
                if let Body::RolloutSuperseded { by, .. } = body {
                    let other = self.rollout(by).ok_or_else(|| format!("no rollout {by} is known"))?;
                    let holds = other.state.is_open() && by != id;
                    demand(holds, || format!("{by} can't take over: it is {}", other.state.word()))?;
                }
                self.check_running(rollout, body)?;
                if let Body::AttemptRetry { clusters, .. }
                | Body::AttemptSkip { clusters, .. }
                | Body::WaveVerify { clusters, .. } = body
                    && !rollout.state.is_open()
                {
                    self.check_linked(rollout)?;
                    self.check_free(rollout, clusters)?;
                }
                Ok(())
            }
        }
    }

    /// No stop-the-line reaches the cluster.
    fn check_not_stopped(&self, rollout: &Rollout, attempt: &AttemptId) -> Checked {
        let planned = rollout.by_name.get(&attempt.cluster).and_then(|i| rollout.planned_cluster(*i));
        match planned.and_then(|planned| self.stop_over(rollout, &planned.labels)) {
            Some((scope, _)) => Err(format!("the line of {scope} is stopped")),
            None => Ok(()),
        }
    }

    /// A step is begun once under each fence, and reported by the driver that began it; with the
    /// line stopped only what runs is settled.
    fn check_running(&self, rollout: &Rollout, body: &Body) -> Checked {
        let (attempt, begins) = match body {
            Body::StepStarted { attempt, .. } => (attempt, true),
            Body::StepSpawned { attempt, .. } | Body::StepFinished { attempt, .. } => (attempt, false),
            _ => return Ok(()),
        };
        let running = rollout
            .cluster(&attempt.cluster)
            .and_then(|c| c.attempt.current_step())
            .and_then(|step| step.open.last())
            .map(|(fence, _)| *fence);
        if begins && running.is_none() {
            self.check_not_stopped(rollout, attempt)?;
        }
        let running = running == Some(self.fence);
        demand(running != begins, || {
            let word = if begins { "runs already" } else { "was begun by another driver" };
            format!("the step of {attempt} {word}")
        })
    }

    /// Names and UIDs occur once, and no open rollout plans one of them.
    pub(super) fn check_plan(&self, plan: &Plan) -> Checked {
        let mut names = std::collections::HashSet::new();
        let mut uids = std::collections::HashSet::new();
        for (_, _, cluster) in plan.clusters() {
            demand(names.insert(&cluster.name), || format!("{} is planned twice", cluster.name))?;
            demand(uids.insert(&cluster.uid), || format!("{} is planned twice, by its UID", cluster.name))?;
        }
        let mut waves = std::collections::HashSet::new();
        for wave in &plan.waves {
            demand(waves.insert(&wave.name), || format!("two waves are called {}", wave.name))?;
        }
        Ok(())
    }

    /// No other open rollout plans these clusters of a rollout that is at its end.
    pub(super) fn check_free(&self, rollout: &Rollout, clusters: &[ClusterName]) -> Checked {
        for other in self.open_rollouts().filter(|o| o.id != rollout.id) {
            for name in clusters {
                demand(!other.by_name.contains_key(name), || {
                    format!("{name} belongs to the open rollout {}", other.id)
                })?;
            }
        }
        Ok(())
    }
}

impl Rollout {
    fn check(&self, body: &Body) -> Checked {
        use RolloutState as S;
        let state = |ok: bool| demand(ok, || format!("{} is {}", self.id, self.state.word()));
        match body {
            Body::RolloutStarted { .. } => state(self.state == S::Planned),
            Body::RolloutPause { .. } => state(self.state == S::Running),
            Body::RolloutPaused { .. } => {
                state(self.state == S::Pausing)?;
                self.check_idle()
            }
            Body::RolloutResume { raise_budget, .. } => {
                state(matches!(self.state, S::Pausing | S::Paused | S::Halted { .. }))?;
                match raise_budget {
                    Some(raised) => self.known_wave(&raised.wave).map(|_| ()),
                    None => Ok(()),
                }
            }
            Body::RolloutAbort { .. } | Body::RolloutSuperseded { .. } => state(self.state.can_be_steered()),
            Body::RolloutReplanned { plan, .. } => {
                self.may_replan()?;
                self.fits(plan)
            }
            Body::RolloutAborted { .. } => {
                state(self.state == S::Aborting)?;
                self.check_idle()
            }
            Body::RolloutHalted { wave, cause, .. } => {
                state(self.state == S::Running)?;
                let (_, found) = self.known_wave(wave)?;
                match cause {
                    HaltCause::FailureBudget { .. } => {
                        demand(found.counts.failures() > found.failure_budget, || {
                            format!("{wave} is within its failure budget")
                        })
                    }
                    HaltCause::NoTests => demand(found.tests_run == 0, || format!("tests ran in {wave}")),
                    HaltCause::RollbackEnded { .. } => Err("only the end of a rollback says so".to_owned()),
                }
            }
            Body::RolloutFinished { .. } => {
                state(self.state == S::Running)?;
                demand(self.waves.iter().all(|w| w.phase.is_over()), || "a wave is not done".to_owned())?;
                demand(self.counts.unsettled() == 0, || "a cluster is not settled".to_owned())
            }
            Body::WaveReached { wave, .. }
            | Body::WaveOpened { wave, .. }
            | Body::WaveCompleted { wave, .. }
            | Body::WaveClusterVerified { wave, .. }
            | Body::WaveVerified { wave, .. }
            | Body::WaveClusterObserved { wave, .. }
            | Body::WaveSoaked { wave, .. }
            | Body::WaveTagged { wave, .. }
            | Body::WaveTagFailed { wave, .. }
            | Body::WaveTagPushed { wave, .. }
            | Body::WaveDone { wave, .. }
            | Body::WaveSkipped { wave, .. } => {
                state(self.state.is_open())?;
                self.check_wave(wave, body)
            }
            Body::GateOverridden { what, .. } => {
                state(self.state.can_be_steered())?;
                let known = |gate: &GateId| {
                    self.plan.waves.iter().any(|w| {
                        w.gates_before.iter().chain(&w.gates_after).any(|planned| &planned.id == gate)
                    })
                };
                match what {
                    Override::Gate(gate) => demand(known(gate), || format!("{} has no gate {gate}", self.id)),
                    Override::Soak => demand(self.plan.waves.iter().any(|w| w.soak.is_some()), || {
                        format!("{} has no soak", self.id)
                    }),
                }
            }
            Body::GateAnswered { wave, side, gate, revision, answer, .. } => {
                state(self.state.is_open() || self.is_catching_up())?;
                self.known_gate(wave, *side, gate)?;
                let (_, found) = self.known_wave(wave)?;
                let asked = match side {
                    Side::Before => {
                        found.phase == WavePhase::GatesBefore
                            || found.begins()
                            || self.late_asks(wave, Side::Before)
                    }
                    Side::After => found.phase == WavePhase::GatesAfter,
                };
                demand(asked, || format!("{wave} does not ask its gate {gate} now"))?;
                // An answer that took its time may rest on what is no longer so.
                let Some(revision) = revision else { return Ok(()) };
                let now = found.gate(*side, gate).map_or(0, super::gates::GateState::revision);
                demand(*revision == now && answer.evidence == self.evidence(wave, *side), || {
                    format!("what the answer of {gate} rests on has moved")
                })
            }
            Body::ApprovalGiven { wave, side, gate, .. } | Body::ApprovalRevoked { wave, side, gate, .. } => {
                state(self.state.is_open() || self.is_catching_up())?;
                self.known_gate(wave, *side, gate)
            }
            Body::AttemptRetry { clusters, .. } => {
                state(self.state.tries_again())?;
                self.check_all(clusters, |a| {
                    let waits = a.state == AttemptState::Deferred(Deferral::Joined);
                    demand(a.state.class().is_retryable() && !waits, || format!("it is {}", a.state.word()))
                })
            }
            Body::WaveVerify { wave, clusters, .. } => {
                state(matches!(self.state, S::Running | S::Succeeded | S::SucceededWithFailures))?;
                demand(!self.is_over_rollback(), || format!("{} is a rollback that is over", self.id))?;
                let (_, found) = self.known_wave(wave)?;
                demand(found.phase.tests_again(), || format!("{wave} is at {:?}", found.phase))?;
                let own = |name| self.cluster(name).is_some_and(|c| self.by_wave.get(wave) == Some(&c.wave));
                demand(clusters.iter().all(own), || format!("it names clusters that are not in {wave}"))?;
                self.check_all(clusters, |a| {
                    let done = matches!(a.state, AttemptState::Succeeded | AttemptState::NoOp);
                    demand(done, || format!("it is {}", a.state.word()))
                })
            }
            Body::AttemptSkip { clusters, .. } => {
                state((self.state.tries_again() || self.state == S::Planned) && self.state != S::Succeeded)?;
                self.check_all(clusters, |a| {
                    demand(a.state.class().is_skippable(), || format!("it is {}", a.state.word()))
                })
            }
            body => self.check_attempt(body),
        }
    }

    /// No attempt is at work. One whose outcome is unknown is not: nothing will report it.
    fn check_idle(&self) -> Checked {
        let active = self.counts.of(Class::Active);
        demand(active == 0, || format!("{} still at work", crate::diag::count(active, "cluster")))
    }

    fn known_wave(
        &self,
        name: &WaveName,
    ) -> Result<(&crate::plan::PlannedWave, &super::state::Wave), String> {
        self.wave(name).ok_or_else(|| format!("{} has no wave {name}", self.id))
    }

    fn known_gate(&self, wave: &WaveName, side: Side, gate: &GateId) -> Checked {
        let (planned, _) = self.known_wave(wave)?;
        let known = gates::planned(planned, side).iter().any(|g| &g.id == gate);
        demand(known, || format!("{wave} has no gate {gate} there"))
    }

    fn check_all(&self, clusters: &[ClusterName], check: impl Fn(&Attempt) -> Checked) -> Checked {
        demand(!clusters.is_empty(), || "it names no cluster".to_owned())?;
        let mut seen = std::collections::HashSet::new();
        for name in clusters {
            demand(seen.insert(name), || format!("it names {name} twice"))?;
            let cluster = self.cluster(name).ok_or_else(|| format!("{} has no cluster {name}", self.id))?;
            check(&cluster.attempt).map_err(|why| format!("{name}: {why}"))?;
        }
        Ok(())
    }

    fn check_wave(&self, name: &WaveName, body: &Body) -> Checked {
        let (planned, wave) = self.known_wave(name)?;
        let phase = |ok: bool| demand(ok, || format!("{name} is at {:?}", wave.phase));
        let turn = || -> Checked {
            let mut before = self.waves().take_while(|(p, _)| p.name != *name);
            demand(before.all(|(_, w)| w.phase.is_over()), || {
                format!("a wave before {name} is neither done nor skipped")
            })
        };
        match body {
            Body::WaveReached { .. } => {
                phase(wave.phase == WavePhase::Waiting)?;
                turn()
            }
            Body::WaveSkipped { .. } => {
                phase(wave.phase == WavePhase::Waiting)?;
                demand(wave.counts.total() == 0, || format!("{name} has clusters"))?;
                turn()
            }
            Body::WaveOpened { .. } => phase(wave.phase == WavePhase::GatesBefore),
            Body::WaveCompleted { .. } => {
                phase(wave.phase == WavePhase::Rolling)?;
                demand(wave.is_complete(planned), || format!("{name} is not complete"))
            }
            Body::WaveClusterVerified { cluster, round, .. } => {
                phase(wave.phase == WavePhase::Verifying { round: *round })?;
                let waits = self.by_name.get(cluster).is_some_and(|i| wave.to_verify.contains(i));
                demand(waits, || format!("{cluster} does not wait for a verification"))
            }
            Body::WaveVerified { round, .. } => {
                phase(wave.phase == WavePhase::Verifying { round: *round })?;
                demand(wave.to_verify.is_empty(), || format!("clusters of {name} are not verified"))?;
                demand(wave.is_complete(planned), || format!("{name} is past a budget"))
            }
            Body::WaveClusterObserved { cluster, .. } => {
                phase(wave.phase == WavePhase::Soaking)?;
                let waits = self.by_name.get(cluster).is_some_and(|i| wave.soaking.awaits(*i));
                demand(waits, || format!("{cluster} does not soak"))
            }
            Body::WaveSoaked { .. } => phase(wave.phase == WavePhase::Soaking),
            Body::WaveTagged { .. } => {
                phase(wave.phase == WavePhase::GatesAfter)?;
                demand(wave.tag.made.is_none(), || format!("{name} has its tag"))
            }
            Body::WaveTagFailed { push: false, .. } => {
                phase(wave.phase == WavePhase::GatesAfter)?;
                demand(wave.tag.made.is_none(), || format!("{name} has its tag"))
            }
            Body::WaveTagFailed { .. } | Body::WaveTagPushed { .. } => {
                demand(wave.tag.made.is_some(), || format!("{name} has no tag to push"))?;
                demand(wave.tag.pushed.is_none(), || format!("the tag of {name} is pushed"))
            }
            Body::WaveDone { .. } => {
                phase(wave.phase == WavePhase::GatesAfter)?;
                let tagged = wave.tag.made.is_some() || self.rolls_back().is_some();
                demand(tagged, || format!("{name} has no tag"))
            }
            _ => Ok(()),
        }
    }

    fn check_attempt(&self, body: &Body) -> Checked {
        let id = match body {
            Body::AttemptClaimed { attempt, .. }
            | Body::AttemptDeferred { attempt, .. }
            | Body::AttemptPreflighted { attempt, .. }
            | Body::StepStarted { attempt, .. }
            | Body::StepSpawned { attempt, .. }
            | Body::StepFinished { attempt, .. }
            | Body::AttemptFinished { attempt, .. }
            | Body::AttemptDeparted { attempt, .. } => attempt,
            _ => return Ok(()),
        };
        let attempt = self.newest(id)?;
        let lane = match body {
            Body::AttemptClaimed { .. } | Body::AttemptDeparted { .. } => true,
            Body::AttemptFinished { result, .. } => *result == AttemptResult::Superseded,
            _ => false,
        };
        demand(self.state.is_open() || (lane && self.is_catching_up()), || {
            format!("{} is {}", self.id, self.state.word())
        })?;
        let active = attempt.state.class() == Class::Active;
        match body {
            Body::AttemptClaimed { wave, .. } => {
                let entry = self.by_name.get(&id.cluster).is_some_and(|index| self.is_entry(*index));
                let late = self.cluster(&id.cluster).is_some_and(|c| c.late);
                demand(self.state == RolloutState::Running || (entry && self.is_catching_up()), || {
                    format!("{} is {}", self.id, self.state.word())
                })?;
                let (_, found) = self.known_wave(wave)?;
                let own = self.cluster(&id.cluster).is_some_and(|c| self.by_wave.get(wave) == Some(&c.wave));
                demand(own, || format!("{} is not in {wave}", id.cluster))?;
                let may = found.phase.may_claim(attempt) || (late && found.phase.is_over());
                demand(entry || may, || format!("{wave} is at {:?}", found.phase))?;
                demand(entry || attempt.is_claimable(), || format!("{id} is {}", attempt.state.word()))
            }
            Body::AttemptDeferred { reason, .. } => {
                demand(self.state == RolloutState::Running, || {
                    format!("{} is {}", self.id, self.state.word())
                })?;
                let ours = !matches!(reason, Deferral::Unreachable | Deferral::Joined);
                demand(ours, || format!("only a visit can find that {id} is deferred so"))?;
                let waits = attempt.is_claimable()
                    && self.cluster(&id.cluster).is_some_and(|c| !reason.settles() || !c.half_updated());
                demand(waits, || format!("{id} is {}", attempt.state.word()))
            }
            Body::AttemptPreflighted { tries, preflight, .. } => {
                let waits = match &attempt.preflight {
                    None => true,
                    Some((Preflight::Failed { .. }, _)) => true,
                    Some(_) => false,
                };
                demand(active && waits, || {
                    format!("{id} is {} and waits for no preflight", attempt.state.word())
                })?;
                demand(*tries == attempt.preflights + 1, || {
                    format!("preflight {} of {id} was to come", attempt.preflights + 1)
                })?;
                match preflight {
                    Preflight::Proceed { steps } => {
                        demand(!steps.is_empty(), || "there is nothing to proceed to".to_owned())
                    }
                    _ => Ok(()),
                }
            }
            Body::StepStarted { step, tries, .. } => {
                let progress = attempt.at(step, id)?;
                demand(active, || format!("{id} is {}", attempt.state.word()))?;
                let running = progress.open.last().map(|(fence, _)| *fence);
                demand(*tries == progress.tries + 1, || {
                    format!("try {} of {step} was to come", progress.tries + 1)
                })?;
                // A recovery settles what is running; anything else would be a new step.
                demand(self.state != RolloutState::Aborting || running.is_some(), || {
                    format!("{} is aborting", self.id)
                })
            }
            Body::StepSpawned { step, tries, .. } | Body::StepFinished { step, tries, .. } => {
                let progress = attempt.at(step, id)?;
                let open = progress.open.last().is_some_and(|(_, open)| open.tries == *tries);
                demand(active && open, || format!("try {tries} of {step} is not running"))
            }
            Body::AttemptDeparted { .. } => {
                let index = self.by_name.get(&id.cluster).copied();
                demand(index.is_some_and(|i| self.departs(i)), || {
                    format!("{id} is {}", attempt.state.word())
                })?;
                let running = attempt.current_step().is_some_and(|step| !step.open.is_empty());
                demand(!running, || format!("a step of {id} runs"))
            }
            Body::AttemptFinished { result, .. } => {
                let all_done = attempt.at_step == attempt.steps.len() && !attempt.steps.is_empty();
                match result {
                    AttemptResult::Superseded => {
                        let entry = self.by_name.get(&id.cluster).is_some_and(|index| self.is_entry(*index));
                        demand(entry, || format!("{id} does not wait to catch up"))
                    }
                    AttemptResult::Departed | AttemptResult::RolledBack => Ok(()),
                    AttemptResult::Succeeded => {
                        demand(active && all_done, || format!("{id} has steps that are not done"))
                    }
                    AttemptResult::NoOp => {
                        let found = matches!(attempt.preflight, Some((Preflight::NoOp, _)));
                        demand(active && found, || format!("no preflight found nothing to do for {id}"))
                    }
                    _ => demand(active, || format!("{id} is {}", attempt.state.word())),
                }
            }
            _ => Ok(()),
        }
    }

    fn newest(&self, id: &AttemptId) -> Result<&Attempt, String> {
        let cluster =
            self.cluster(&id.cluster).ok_or_else(|| format!("{} has no cluster {}", self.id, id.cluster))?;
        demand(cluster.attempt.number == id.attempt, || {
            format!("attempt {} is the newest at {}", cluster.attempt.number, id.cluster)
        })?;
        Ok(&cluster.attempt)
    }
}

impl Attempt {
    /// The step it is at, which must be this one.
    fn at(&self, step: &StepId, id: &AttemptId) -> Result<&super::attempt::StepProgress, String> {
        match self.current_step() {
            Some(progress) if &progress.step.id == step => Ok(progress),
            Some(progress) => Err(format!("{id} is at {}", progress.step.id)),
            None => Err(format!("{id} has no step to take")),
        }
    }
}

impl AttemptState {
    /// Whether its cluster is settled, budgets apart.
    pub fn is_settled(&self) -> bool {
        !matches!(
            self.class(),
            Class::Pending | Class::Active | Class::Unknown | Class::Blocked | Class::Postponed
        )
    }
}
