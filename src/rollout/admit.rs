//! Which requests of people are legal now. A legal one becomes the events to append (none when
//! there is nothing left to do); the others are refused with the commands that are legal instead.

use super::admit_clusters::{retry, skip};
use super::admit_live;
use super::admit_verify;
use super::attempt::Class;
use super::command::{Approve, Command, Refusal, RefusalExit};
use super::gates;
use super::rolling_back;
use super::state::{Cluster, FleetState, Rollout, RolloutState};
use crate::diag::{Code, codes, count};
use crate::journal::{Body, HaltCause, Override, RaisedBudget, Side};
use crate::model::{AuthorMay, ClusterName, GateId, RolloutId, WaveName};
use crate::plan::{GateKind, Plan};

/// The events of a request, or why it is refused. An empty list means that it is so already.
///
/// # Errors
/// A refusal, with what is legal now.
pub fn admit(state: &FleetState, command: &Command, now: jiff::Timestamp) -> Result<Vec<Body>, Refusal> {
    match command {
        Command::Start { plan, overrides } => start(state, plan, overrides),
        Command::Approve(approve) => approval(known(state, &approve.rollout)?, approve, now),
        Command::Revoke { rollout, wave, gate, reason } => {
            revoke(known(state, rollout)?, wave, gate.as_ref(), reason.as_ref())
        }
        Command::Override { rollout, what, reason } => {
            override_condition(known(state, rollout)?, what, reason)
        }
        Command::RollBack { rollout, reason } => rolling_back::ask(known(state, rollout)?, reason),
        Command::Pause { rollout, reason } => pause(known(state, rollout)?, reason.as_ref()),
        Command::Resume { rollout, raise_budget, reason } => {
            resume(known(state, rollout)?, *raise_budget, reason.as_ref())
        }
        Command::Abort { rollout, reason } => abort(known(state, rollout)?, reason.as_ref()),
        Command::Retry { rollout, which, clusters, reason } => {
            retry(state, known(state, rollout)?, *which, clusters, reason.as_ref())
        }
        Command::Verify { rollout, wave, reason } => {
            admit_verify::verify(state, known(state, rollout)?, wave, reason.as_ref())
        }
        Command::Skip { rollout, clusters, reason } => skip(state, known(state, rollout)?, clusters, reason),
        Command::Replan { rollout, plan, reason } => {
            replan(state, known(state, rollout)?, plan, reason.as_ref())
        }
        Command::Supersede { rollout, by, reason } => admit_live::supersede(state, rollout, by, reason),
        Command::StopTheLine { scope, reason } => admit_live::stop(state, scope, reason),
        Command::StartTheLine { scope, reason } => admit_live::go(state, scope, reason),
        Command::Rebuild { clusters, reason } => admit_live::rebuild(state, clusters, reason),
        Command::Hold { cluster, kept, reason, until } => {
            admit_live::hold(state, cluster, kept.as_ref(), reason, *until, now)
        }
        Command::Release { cluster, product, reason } => {
            admit_live::release(state, cluster, product.as_ref(), reason)
        }
    }
}

/// What a person may ask of a rollout now, as commands to type, the one that helps first.
pub fn legal(rollout: &Rollout) -> Vec<String> {
    let id = &rollout.id;
    let mut found = Vec::new();
    let mut offer = |holds: bool, text: String| {
        if holds {
            found.push(text);
        }
    };
    let counts = &rollout.counts;
    let state = &rollout.state;
    let moving = state.tries_again();
    let halted = matches!(state, RolloutState::Halted { .. });
    offer(halted && counts.failures() > 0, format!("tidegate rollout retry {id} --failed"));
    offer(
        matches!(state, RolloutState::Paused | RolloutState::Pausing) || halt_is_over(rollout),
        format!("tidegate rollout resume {id}"),
    );
    if let RolloutState::Halted {
        cause: HaltCause::FailureBudget { .. } | HaltCause::RollbackEnded { .. },
        ..
    } = state
    {
        let needed = rollout.over_budget().map(|(_, failed, _)| failed);
        if let Some(needed) = needed {
            offer(true, format!("tidegate rollout resume {id} --raise-budget {needed} --reason TEXT"));
        }
    }
    let stopped = halted || matches!(state, RolloutState::Paused | RolloutState::Pausing);
    let drives = state.is_open() || rollout.is_catching_up();
    offer(drives && !stopped, format!("tidegate rollout run {id}"));
    offer(!halted && moving && counts.failures() > 0, format!("tidegate rollout retry {id} --failed"));
    offer(
        moving && counts.of(Class::Deferred) + counts.of(Class::Postponed) > 0,
        format!("tidegate rollout retry {id} --deferred"),
    );
    offer(moving && counts.of(Class::Skipped) > 0, format!("tidegate rollout retry {id} --skipped"));
    offer(
        moving && *state != RolloutState::Succeeded && counts.unsettled() + counts.failures() > 0,
        format!("tidegate rollout skip {id} --cluster NAME --reason TEXT"),
    );
    if let Some(wave) = rollout.verifiable() {
        offer(true, format!("tidegate rollout verify {id} --wave {wave}"));
    }
    offer(*state == RolloutState::Running, format!("tidegate rollout pause {id}"));
    let stands = *state == RolloutState::Paused || counts.of(Class::Blocked) > 0;
    offer(stands && rollout.may_replan().is_ok(), format!("tidegate rollout replan {id} --dry-run"));
    offer(rollout.offers_rollback(), format!("tidegate rollout rollback {id} --reason TEXT"));
    let ends = state.can_be_steered();
    offer(ends, format!("tidegate rollout abort {id}"));
    offer(ends, format!("tidegate rollout supersede {id} --by ROLLOUT --reason TEXT"));
    found
}

/// Whether a halted rollout's failures are within the budgets again, after a skip.
fn halt_is_over(rollout: &Rollout) -> bool {
    let by_tests = matches!(rollout.state, RolloutState::Halted { cause: HaltCause::NoTests, .. });
    matches!(rollout.state, RolloutState::Halted { .. }) && !by_tests && rollout.over_budget().is_none()
}

pub(super) fn known<'a>(state: &'a FleetState, id: &RolloutId) -> Result<&'a Rollout, Refusal> {
    state.rollout(id).ok_or_else(|| Refusal {
        code: &codes::ROLLOUT_UNKNOWN,
        sentence: format!("no rollout {id} is in this journal"),
        legal: vec!["tidegate rollout list".to_owned()],
        exit: RefusalExit::NothingSelected,
    })
}

pub(super) fn refuse<T>(
    rollout: &Rollout,
    code: &'static Code,
    exit: RefusalExit,
    sentence: impl Into<String>,
) -> Result<T, Refusal> {
    Err(Refusal { code, sentence: sentence.into(), legal: legal(rollout), exit })
}

/// A refusal that has its own next commands.
fn instead<T>(
    code: &'static Code,
    exit: RefusalExit,
    sentence: impl Into<String>,
    legal: impl IntoIterator<Item = String>,
) -> Result<T, Refusal> {
    Err(Refusal { code, sentence: sentence.into(), legal: legal.into_iter().collect(), exit })
}

fn why(rollout: &Rollout) -> String {
    format!("tidegate rollout why {}", rollout.id)
}

pub(super) fn wrong_state<T>(rollout: &Rollout, asked: &str) -> Result<T, Refusal> {
    let sentence = format!("{} is {}, so it can't be {asked}", rollout.id, rollout.state.word());
    refuse(rollout, &codes::ROLLOUT_STATE, RefusalExit::Conflict, sentence)
}

/// Whether a plan has the condition that is to be passed; a sentence if not.
fn passable(plan: &Plan, what: &Override) -> Result<(), String> {
    let mut gates: Vec<&str> = plan
        .waves
        .iter()
        .flat_map(|w| w.gates_before.iter().chain(&w.gates_after))
        .map(|g| g.id.as_str())
        .collect();
    gates.sort_unstable();
    gates.dedup();
    let soaks = plan.waves.iter().any(|w| w.soak.is_some());
    let there = match what {
        Override::Gate(gate) => gates.contains(&gate.as_str()),
        Override::Soak => soaks,
    };
    if there {
        return Ok(());
    }
    let mut known = gates;
    if soaks {
        known.push("soak");
    }
    let has = if known.is_empty() { "nothing that can be overridden".to_owned() } else { known.join(", ") };
    Err(format!("the plan has no condition `{what}`; it has {has}"))
}

fn override_condition(rollout: &Rollout, what: &Override, reason: &str) -> Result<Vec<Body>, Refusal> {
    if !rollout.state.can_be_steered() {
        return wrong_state(rollout, "overridden");
    }
    if reason.trim().is_empty() {
        return refuse(rollout, &codes::REASON_MISSING, RefusalExit::Usage, "an override needs a reason");
    }
    if let Err(why) = passable(&rollout.plan, what) {
        return refuse(rollout, &codes::GATE_UNKNOWN, RefusalExit::NothingSelected, why);
    }
    if rollout.is_overridden(what) {
        return Ok(Vec::new());
    }
    Ok(vec![Body::GateOverridden {
        rollout: rollout.id.clone(),
        what: what.clone(),
        reason: reason.to_owned(),
    }])
}

fn start(state: &FleetState, plan: &Plan, overrides: &[(Override, String)]) -> Result<Vec<Body>, Refusal> {
    let refusal = |code, sentence: String, legal: Vec<String>| Refusal {
        code,
        sentence,
        legal,
        exit: RefusalExit::Conflict,
    };
    if plan.format > crate::plan::FORMAT {
        let sentence = format!(
            "the plan has format {}, this tidegate reads up to {}: install the newer version",
            plan.format,
            crate::plan::FORMAT
        );
        return Err(refusal(&codes::PLAN_NEWER, sentence, Vec::new()));
    }
    if let Err(why) = state.check_plan(plan) {
        return Err(refusal(&codes::CLUSTER_TAKEN, why, Vec::new()));
    }
    if let Some(rollback) = plan.rollback()
        && let Err(why) = state.check_rollback(plan, rollback)
    {
        let legal = state.rollout(&rollback.of).map(legal).unwrap_or_default();
        return Err(refusal(&codes::ROLLOUT_STATE, why, legal));
    }
    // Since it was asked for, something may have ended that nobody knows the end of.
    if let Some(original) = plan.rollback().and_then(|rollback| state.rollout(&rollback.of)) {
        rolling_back::all_known(original)?;
    }
    let id = RolloutId::new(&plan.release.id, state.next_number(&plan.release.id))
        .map_err(|error| refusal(&codes::ROLLOUT_STATE, error.to_string(), Vec::new()))?;
    let mut events = vec![Body::RolloutPlanned { rollout: id.clone(), plan: Box::new(plan.clone()) }];
    for (what, reason) in overrides {
        if reason.trim().is_empty() {
            let why = format!("the override of `{what}` needs a reason");
            return Err(refusal(&codes::REASON_MISSING, why, Vec::new()));
        }
        passable(plan, what).map_err(|why| refusal(&codes::GATE_UNKNOWN, why, Vec::new()))?;
        let (what, reason) = (what.clone(), reason.clone());
        events.push(Body::GateOverridden { rollout: id.clone(), what, reason });
    }
    Ok(events)
}

fn replan(
    state: &FleetState,
    rollout: &Rollout,
    plan: &Plan,
    reason: Option<&String>,
) -> Result<Vec<Body>, Refusal> {
    let refused = |code, why: String| refuse(rollout, code, RefusalExit::Conflict, why);
    if let Err(why) = rollout.may_replan() {
        return refused(&codes::ROLLOUT_STATE, why);
    }
    if plan.format > crate::plan::FORMAT {
        let why = format!("the plan has format {}: install the newer version", plan.format);
        return refused(&codes::PLAN_NEWER, why);
    }
    if let Err(why) = rollout.fits(plan) {
        return refused(&codes::REPLAN_OTHER_RELEASE, why);
    }
    if let Err(why) = state.check_plan(plan) {
        return refused(&codes::CLUSTER_TAKEN, why);
    }
    // What it brought there would be in no plan, and no rollback would find it.
    let written = |name: &&ClusterName| rollout.cluster(name).is_some_and(Cluster::half_updated);
    if let Some(name) = plan.unassigned.iter().find(written) {
        let id = &rollout.id;
        let why = format!("{id} has changed {name}, and no wave of the new plan has it: keep it in one");
        return refused(&codes::CLUSTER_STATE, why);
    }
    if !rollout.replanned(plan).is_anything() {
        let why = format!("nothing changed: {} goes by that plan already", rollout.id);
        return refused(&codes::REPLAN_NOTHING, why);
    }
    Ok(vec![Body::RolloutReplanned {
        rollout: rollout.id.clone(),
        plan: Box::new(rollout.with_history(plan)),
        reason: reason.cloned(),
    }])
}

/// The approval gate that is meant, when it may be left out.
fn gate_of(
    rollout: &Rollout,
    wave: &WaveName,
    asked: Option<&(Side, GateId)>,
) -> Result<(Side, GateId), Refusal> {
    let Some((planned, _)) = rollout.wave(wave) else {
        let names: Vec<&str> = rollout.plan.waves.iter().map(|w| w.name.as_str()).collect();
        let sentence = format!("{} has no wave {wave}; it has {}", rollout.id, names.join(", "));
        return refuse(rollout, &codes::WAVE_UNKNOWN, RefusalExit::NothingSelected, sentence);
    };
    let approvals: Vec<(Side, GateId)> = [Side::Before, Side::After]
        .into_iter()
        .flat_map(|side| gates::planned(planned, side).iter().map(move |g| (side, g)))
        .filter(|(_, g)| matches!(g.kind, GateKind::Approval { .. }))
        .map(|(side, g)| (side, g.id.clone()))
        .collect();
    match (asked, approvals.as_slice()) {
        (Some(gate), found) if found.contains(gate) => Ok(gate.clone()),
        (None, [only]) => Ok(only.clone()),
        (None, []) | (Some(_), []) => {
            let sentence = format!("wave {wave} of {} has no approval gate", rollout.id);
            instead(&codes::GATE_UNKNOWN, RefusalExit::NothingSelected, sentence, [why(rollout)])
        }
        (asked, found) => {
            let names: Vec<&str> = found.iter().map(|(_, id)| id.as_str()).collect();
            let what =
                asked.map_or("no gate was named".to_owned(), |(_, id)| format!("{id} is none of them"));
            let sentence = format!("wave {wave} has the approval gates {}: {what}", names.join(", "));
            instead(&codes::GATE_UNKNOWN, RefusalExit::Usage, sentence, [why(rollout)])
        }
    }
}

impl Rollout {
    /// The approval gate of a wave that is meant; it may be left out when there is only one.
    ///
    /// # Errors
    /// A refusal when there is none, or several and none is named.
    pub fn approval_gate(
        &self,
        wave: &WaveName,
        asked: Option<&(Side, GateId)>,
    ) -> Result<(Side, GateId), Refusal> {
        gate_of(self, wave, asked)
    }
}

fn approval(rollout: &Rollout, asked: &Approve, now: jiff::Timestamp) -> Result<Vec<Body>, Refusal> {
    let (side, gate) = gate_of(rollout, &asked.wave, asked.gate.as_ref())?;
    let wave = &asked.wave;
    // Who catches up may have to be let in once more.
    let late = rollout.late_asks(wave, side);
    if !(rollout.state.can_be_steered() || (late && rollout.is_catching_up())) {
        return wrong_state(rollout, "approved");
    }
    if rollout.gate_spent(wave, side) && !late {
        let sentence = format!("wave {wave} has passed its gate {gate}: there is nothing left to approve");
        return instead(&codes::APPROVAL_LATE, RefusalExit::Conflict, sentence, [why(rollout)]);
    }
    let kind = rollout.wave(wave).and_then(|(planned, _)| {
        gates::planned(planned, side).iter().find(|g| g.id == gate).map(|g| &g.kind)
    });
    if let Some(GateKind::Approval { author, signed, .. }) = kind {
        if *author == AuthorMay::Refused && rollout.plan.release.is_authored_by(&asked.actor) {
            let sentence = format!(
                "{} made release {} (cut it, or wrote what it changes), and gate {gate} of wave {wave} wants \
                 other eyes: somebody else has to approve",
                asked.actor, rollout.plan.release.id
            );
            return refuse(rollout, &codes::APPROVAL_BY_AUTHOR, RefusalExit::Forbidden, sentence);
        }
        if *signed && asked.signature.is_none() {
            let sentence =
                format!("gate {gate} of wave {wave} wants a signed yes: approve with `--sign KEYFILE`");
            return refuse(rollout, &codes::APPROVAL_UNSIGNED, RefusalExit::Forbidden, sentence);
        }
    }
    if let Some(signature) = &asked.signature
        && signature.round
            != rollout.wave(wave).and_then(|(_, w)| w.gate(side, &gate)).map_or(0, |g| g.round())
    {
        let sentence =
            format!("the signature was made before gate {gate} of wave {wave} was revoked: sign again");
        return refuse(rollout, &codes::APPROVAL_STALE, RefusalExit::Conflict, sentence);
    }
    let stale = |what: &str, saw: String, is: String| {
        let sentence = format!("the approval is for {what} {saw}, wave {wave} of {} has {is}", rollout.id);
        refuse(rollout, &codes::APPROVAL_STALE, RefusalExit::Conflict, sentence)
    };
    let Some((release, wave_digest)) = rollout.bindings(wave) else {
        return wrong_state(rollout, "approved");
    };
    if asked.release != release {
        return stale("release", asked.release.short(), release.short());
    }
    if asked.wave_digest != wave_digest {
        return stale("wave digest", asked.wave_digest.short(), wave_digest.short());
    }
    match asked.evidence {
        Some(_) if !rollout.gate_asked(wave, side) => {
            let sentence = format!(
                "wave {wave} has not come to its gate {gate}, so its evidence is not complete: wait, or approve \
                 early with `--expires TIME`"
            );
            let early = format!("tidegate rollout approve {} --wave {wave} --expires TIME", rollout.id);
            let legal = [why(rollout), early];
            return instead(&codes::APPROVAL_EARLY, RefusalExit::Conflict, sentence, legal);
        }
        Some(seen) => {
            let evidence = rollout.evidence(wave, side);
            if seen != evidence {
                return stale("evidence", seen.short(), evidence.short());
            }
        }
        None if asked.expires.is_none() => {
            let sentence = "an approval given before the evidence is there must expire";
            let early = format!("tidegate rollout approve {} --wave {wave} --expires TIME", rollout.id);
            return instead(&codes::APPROVAL_EARLY, RefusalExit::Usage, sentence, [early]);
        }
        None => {}
    }
    if asked.expires.is_some_and(|end| end <= now) {
        let sentence = "the approval would have expired already: give a moment to come";
        let later = format!("tidegate rollout approve {} --wave {wave} --expires TIME", rollout.id);
        return instead(&codes::APPROVAL_EARLY, RefusalExit::Usage, sentence, [later]);
    }
    Ok(vec![Body::ApprovalGiven {
        rollout: rollout.id.clone(),
        wave: wave.clone(),
        side,
        gate,
        release,
        wave_digest,
        evidence: asked.evidence,
        expires: asked.expires,
        comment: asked.comment.clone(),
        signature: asked.signature.clone().map(Box::new),
    }])
}

fn revoke(
    rollout: &Rollout,
    wave: &WaveName,
    gate: Option<&(Side, GateId)>,
    reason: Option<&String>,
) -> Result<Vec<Body>, Refusal> {
    let (side, gate) = gate_of(rollout, wave, gate)?;
    if !rollout.state.can_be_steered() {
        return wrong_state(rollout, "revoked");
    }
    let approved =
        rollout.wave(wave).and_then(|(_, w)| w.gate(side, &gate)).is_some_and(|g| !g.approvals.is_empty());
    if !approved {
        let sentence = format!("nobody has approved gate {gate} of wave {wave}");
        return instead(&codes::GATE_UNKNOWN, RefusalExit::NothingSelected, sentence, [why(rollout)]);
    }
    let id = rollout.id.clone();
    let spent = rollout.gate_spent(wave, side);
    let mut events = vec![Body::ApprovalRevoked {
        rollout: id.clone(),
        wave: wave.clone(),
        side,
        gate,
        reason: reason.cloned(),
    }];
    // What has started can't be unsaid; it can be kept from going on.
    if spent && rollout.state == RolloutState::Running {
        let reason =
            reason.map_or("an approval was revoked".to_owned(), |r| format!("approval revoked: {r}"));
        events.push(Body::RolloutPause { rollout: id, reason: Some(reason) });
    }
    Ok(events)
}

fn pause(rollout: &Rollout, reason: Option<&String>) -> Result<Vec<Body>, Refusal> {
    match rollout.state {
        RolloutState::Running => {
            Ok(vec![Body::RolloutPause { rollout: rollout.id.clone(), reason: reason.cloned() }])
        }
        RolloutState::Pausing | RolloutState::Paused => Ok(Vec::new()),
        _ => wrong_state(rollout, "paused"),
    }
}

pub(super) fn resume(
    rollout: &Rollout,
    raise: Option<u32>,
    reason: Option<&String>,
) -> Result<Vec<Body>, Refusal> {
    let event = |raise_budget| {
        Ok(vec![Body::RolloutResume { rollout: rollout.id.clone(), raise_budget, reason: reason.cloned() }])
    };
    match (&rollout.state, raise) {
        (RolloutState::Pausing | RolloutState::Paused, None) => event(None),
        (RolloutState::Halted { cause: HaltCause::NoTests, wave }, _) => {
            let sentence = format!(
                "wave {wave} halted because not one test ran in it; no budget changes that: give a product a \
                 test and plan again"
            );
            refuse(rollout, &codes::NO_TESTS, RefusalExit::Conflict, sentence)
        }
        (RolloutState::Halted { .. }, None) if halt_is_over(rollout) => event(None),
        (RolloutState::Halted { .. }, None) => {
            let (wave, failed, budget) = over(rollout);
            let sentence = format!(
                "wave {wave} halted with {} and a failure budget of {budget}: retry or skip them, or raise the \
                 budget",
                count(failed, "failed cluster")
            );
            refuse(rollout, &codes::OVER_BUDGET, RefusalExit::Conflict, sentence)
        }
        (RolloutState::Halted { wave: halted, .. }, Some(budget)) => {
            if reason.is_none_or(|r| r.trim().is_empty()) {
                let sentence = "a raised failure budget needs a reason";
                return refuse(rollout, &codes::REASON_MISSING, RefusalExit::Usage, sentence);
            }
            let Some((planned, wave)) = rollout.wave(halted) else {
                return wrong_state(rollout, "resumed");
            };
            let failed = wave.counts.failures();
            if budget < failed || budget <= wave.failure_budget {
                let needed = failed.max(wave.failure_budget.saturating_add(1));
                let sentence = format!(
                    "{} of wave {} failed and the budget is {}: it has to be raised to {needed} or more",
                    count(failed, "cluster"),
                    planned.name,
                    wave.failure_budget
                );
                return refuse(rollout, &codes::OVER_BUDGET, RefusalExit::Usage, sentence);
            }
            event(Some(RaisedBudget { wave: halted.clone(), budget }))
        }
        (_, Some(_)) => wrong_state(rollout, "resumed with a raised budget"),
        _ => wrong_state(rollout, "resumed"),
    }
}

fn over(rollout: &Rollout) -> (String, u32, u32) {
    rollout
        .over_budget()
        .map_or_else(|| (String::new(), 0, 0), |(wave, failed, budget)| (wave.to_string(), failed, budget))
}

fn abort(rollout: &Rollout, reason: Option<&String>) -> Result<Vec<Body>, Refusal> {
    match rollout.state {
        RolloutState::Aborting | RolloutState::Aborted => Ok(Vec::new()),
        ref other if !other.can_be_steered() => wrong_state(rollout, "aborted"),
        _ => Ok(vec![Body::RolloutAbort { rollout: rollout.id.clone(), reason: reason.cloned() }]),
    }
}
