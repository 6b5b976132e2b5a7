//! Commands with which people steer a rollout. Each becomes a request to the core, which admits or
//! refuses it; what was recorded is printed.

use super::{Context, find, journal};
use crate::cli::args::{
    Abort, Approve, OverrideCondition, Pause, Resume, Retry, Revoke, RolloutRef, Skip, Supersede, VerifyWave,
};
use crate::cli::failure::{Failure, Outcome};
use crate::cli::place::OpenJournal;
use crate::diag::{Finding, codes, count_of};
use crate::engine::{RequestError, gates, request};
use crate::gate::approval;
use crate::journal::{Event, RetryWhich, Side, Signature};
use crate::model::{Actor, Expiry, GateId, RolloutId, WaveName};
use crate::output::exit::Code;
use crate::output::screens::RecordedScreen;
use crate::port::Fault;
use crate::rollout::{Command, FleetState, Refusal, RefusalExit, Rollout};

/// Says yes at a gate. What the yes binds to is what the journal says at this moment: before the
/// gate is asked, a yes with an end binds to no evidence, as there is none yet.
pub async fn approve(args: Approve, context: &Context<'_>) -> Outcome {
    let mut open = journal(context).await?;
    let id = {
        let rollout = find(open.follower.state(), Some(&args.rollout))?;
        if rollout.wave(&args.wave).is_none() {
            let known = rollout.plan().waves.iter().map(|w| w.name.as_str());
            return Err(Failure::missing("wave", args.wave.as_str(), known));
        }
        rollout.id().clone()
    };
    let actor = context.place.actor().await;
    let asked = |state: &FleetState| yes(state, &id, &args, &actor);
    // What is signed is what is sent: if the journal moves in between, the core refuses it.
    let signed = match &args.sign {
        None => None,
        Some(key) => Some(sign(asked(open.follower.state())?, key, &open, context).await?),
    };
    let command = |state: &FleetState| match &signed {
        Some(approve) => Ok(Command::Approve(approve.clone())),
        None => Ok(Command::Approve(asked(state)?)),
    };
    let events = send(&mut open, context, command).await?;
    show(&open, context, &id, events).await
}

/// The yes to what there is.
fn yes(
    state: &FleetState,
    id: &RolloutId,
    args: &Approve,
    actor: &Actor,
) -> Result<crate::rollout::Approve, Refusal> {
    let gone = || refusal("the rollout is gone from the journal");
    let rollout = state.rollout(id).ok_or_else(gone)?;
    let (release, wave_digest) = rollout.bindings(&args.wave).ok_or_else(gone)?;
    let gate = args.gate.as_ref().map(|gate| (side(rollout, &args.wave, gate), gate.clone()));
    let at = gate.as_ref().map_or_else(|| open_side(rollout, &args.wave), |(side, _)| *side);
    let early = args.expires.is_some() && !rollout.gate_asked(&args.wave, at);
    Ok(crate::rollout::Approve {
        actor: actor.clone(),
        signature: None,
        rollout: id.clone(),
        wave: args.wave.clone(),
        evidence: (!early).then(|| rollout.evidence(&args.wave, at)),
        gate,
        release,
        wave_digest,
        expires: args.expires.map(Expiry::moment),
        comment: args.comment.clone(),
    })
}

/// Signs a yes, and looks at the signature as the driver will.
async fn sign(
    mut approve: crate::rollout::Approve,
    key: &std::path::Path,
    open: &OpenJournal,
    context: &Context<'_>,
) -> Result<crate::rollout::Approve, Failure> {
    let git = context.place.repository().await?;
    let world = context.place.world(&git, open);
    let state = open.follower.state();
    let (Some(journal), Some(rollout)) = (state.journal(), state.rollout(&approve.rollout)) else {
        return Err(refusal("the rollout is gone from the journal").into());
    };
    let (side, gate) = rollout.approval_gate(&approve.wave, approve.gate.as_ref())?;
    let round = rollout.wave(&approve.wave).and_then(|(_, w)| w.gate(side, &gate)).map_or(0, |g| g.round());
    let at = context.place.now();
    let given = approve.given(at);
    let place = approval::At { journal, rollout: &approve.rollout, wave: &approve.wave, side, gate: &gate };
    let text = approval::statement(&place, &given, round, at);
    let outside = |fault: &Fault| Failure::outside("the yes can't be signed", fault);
    let armored = world.signatures.sign(key, &text).await.map_err(|fault| outside(&fault))?;
    let allowed = gates::allowed_signers(&world).await.map_err(|fault| outside(&fault))?;
    let person = approve.actor.person();
    let held = world.signatures.verify(&allowed, person, &text, &armored, at).await;
    if let Err(why) = held.map_err(|fault| outside(&fault))? {
        let finding = Finding::error(&codes::APPROVAL_SIGNATURE, why).hint(format!(
            "you approve as {person} (git's user.email); its key must be listed, and committed"
        ));
        return Err(Failure::new(Code::Forbidden, finding));
    }
    approve.gate = Some((side, gate));
    approve.signature = Some(Signature { round, at, armored });
    Ok(approve)
}

/// Lets a rollout pass a condition.
pub async fn override_condition(args: OverrideCondition, context: &Context<'_>) -> Outcome {
    let OverrideCondition { rollout, what, reason } = args;
    simple(&rollout, context, |id| Command::Override {
        rollout: id,
        what: what.clone(),
        reason: reason.clone(),
    })
    .await
}

/// Runs the tests of a wave again.
pub async fn verify(args: VerifyWave, context: &Context<'_>) -> Outcome {
    let VerifyWave { rollout, wave, reason } = args;
    simple(&rollout, context, |id| Command::Verify {
        rollout: id,
        wave: wave.clone(),
        reason: reason.clone(),
    })
    .await
}

/// Takes every yes at a gate back.
pub async fn revoke(args: Revoke, context: &Context<'_>) -> Outcome {
    let Revoke { rollout, wave, gate, reason } = args;
    let mut open = journal(context).await?;
    let id = find(open.follower.state(), Some(&rollout))?.id().clone();
    let command = |state: &FleetState| {
        let rollout = state.rollout(&id).ok_or_else(|| refusal("the rollout is gone from the journal"))?;
        Ok(Command::Revoke {
            rollout: id.clone(),
            gate: gate.as_ref().map(|gate| (side(rollout, &wave, gate), gate.clone())),
            wave: wave.clone(),
            reason: reason.clone(),
        })
    };
    let events = send(&mut open, context, command).await?;
    show(&open, context, &id, events).await
}

/// The side on which a wave has this gate.
fn side(rollout: &Rollout, wave: &WaveName, gate: &GateId) -> Side {
    let after =
        rollout.wave(wave).is_some_and(|(planned, _)| planned.gates_after.iter().any(|g| &g.id == gate));
    if after { Side::After } else { Side::Before }
}

/// The side whose gates a wave waits at: before it until it was opened.
fn open_side(rollout: &Rollout, wave: &WaveName) -> Side {
    match rollout.wave(wave) {
        Some((planned, known)) if known.opened_at().is_some() || planned.gates_before.is_empty() => {
            Side::After
        }
        _ => Side::Before,
    }
}

/// Starts nothing new.
pub async fn pause(args: Pause, context: &Context<'_>) -> Outcome {
    let Pause { rollout, reason } = args;
    simple(&rollout, context, |id| Command::Pause { rollout: id, reason: reason.clone() }).await
}

/// Goes on.
pub async fn resume(args: Resume, context: &Context<'_>) -> Outcome {
    let Resume { rollout, raise_budget, wave, reason } = args;
    if let Some(wave) = &wave {
        halted_in(&rollout, wave, context).await?;
    }
    simple(&rollout, context, |id| Command::Resume { rollout: id, raise_budget, reason: reason.clone() })
        .await
}

/// That the wave named is the halted one: a budget is raised nowhere else.
async fn halted_in(asked: &RolloutRef, wave: &WaveName, context: &Context<'_>) -> Result<(), Failure> {
    let open = journal(context).await?;
    let rollout = find(open.follower.state(), Some(asked))?;
    match rollout.state() {
        crate::rollout::RolloutState::Halted { wave: halted, .. } if halted == wave => Ok(()),
        state => {
            let message = match state {
                crate::rollout::RolloutState::Halted { wave: halted, .. } => {
                    format!("{} halted in wave {halted}, not in {wave}", rollout.id())
                }
                other => format!("{} is {}, not halted", rollout.id(), other.word()),
            };
            Err(Failure::new(Code::Conflict, Finding::error(&codes::ROLLOUT_STATE, message)))
        }
    }
}

/// Ends it where it stands. At a terminal it asks first.
pub async fn abort(args: Abort, context: &Context<'_>) -> Outcome {
    let Abort { rollout, reason } = args;
    if context.surface.asks_a_person() && !context.place.globals().yes {
        let open = journal(context).await?;
        let found = find(open.follower.state(), Some(&rollout))?;
        let question = format!(
            "Abort {}, {} done? It can't be taken back.",
            found.id(),
            count_of(found.counts().done(), found.counts().total(), "cluster")
        );
        if !context.confirm(&question).await {
            let message = format!("nothing changed: {} was not aborted", found.id());
            let finding = Finding::info(&codes::NOT_CONFIRMED, message);
            return Err(Failure::new(Code::Interrupted, finding));
        }
    }
    simple(&rollout, context, |id| Command::Abort { rollout: id, reason: reason.clone() }).await
}

/// Leaves clusters out.
pub async fn skip(args: Skip, context: &Context<'_>) -> Outcome {
    let Skip { rollout, clusters, reason } = args;
    simple(&rollout, context, |id| Command::Skip {
        rollout: id,
        clusters: clusters.clone(),
        reason: reason.clone(),
    })
    .await
}

/// Tries clusters again.
pub async fn retry(args: Retry, context: &Context<'_>) -> Outcome {
    let Retry { rollout, which, reason } = args;
    let kind = if which.failed {
        RetryWhich::Failed
    } else if which.skipped {
        RetryWhich::Skipped
    } else if which.deferred {
        RetryWhich::Deferred
    } else {
        RetryWhich::Named
    };
    let clusters = which.clusters;
    simple(&rollout, context, |id| Command::Retry {
        rollout: id,
        which: kind,
        clusters: clusters.clone(),
        reason: reason.clone(),
    })
    .await
}

/// Ends a rollout in favour of another one.
pub async fn supersede(args: Supersede, context: &Context<'_>) -> Outcome {
    let Supersede { rollout, by, reason } = args;
    let by = {
        let open = journal(context).await?;
        find(open.follower.state(), Some(&by))?.id().clone()
    };
    simple(&rollout, context, |id| Command::Supersede { rollout: id, by: by.clone(), reason: reason.clone() })
        .await
}

/// A request that needs nothing but the rollout's id.
async fn simple(
    asked: &RolloutRef,
    context: &Context<'_>,
    command: impl Fn(crate::model::RolloutId) -> Command,
) -> Outcome {
    let mut open = journal(context).await?;
    let id = find(open.follower.state(), Some(asked))?.id().clone();
    let events = send(&mut open, context, |_| Ok(command(id.clone()))).await?;
    show(&open, context, &id, events).await
}

/// Has the core admit a request, and records it.
pub async fn send(
    open: &mut OpenJournal,
    context: &Context<'_>,
    command: impl Fn(&FleetState) -> Result<Command, Refusal>,
) -> Result<Vec<Event>, Failure> {
    let actor = context.place.actor().await;
    let clock = context.place.clock.as_ref();
    request(&open.journal, clock, &mut open.follower, &actor, command).await.map_err(|error| match error {
        RequestError::Refused(refusal) => refusal.into(),
        RequestError::Fault(fault) => Failure::journal(&open.path, &fault),
    })
}

/// Prints what was recorded.
async fn show(
    open: &OpenJournal,
    context: &Context<'_>,
    id: &crate::model::RolloutId,
    events: Vec<Event>,
) -> Outcome {
    let driver = context.place.driver(open).await?;
    let is_open = open.follower.state().rollout(id).is_some_and(|r| r.state().is_open());
    let screen =
        RecordedScreen { rollout: id.clone(), undriven: is_open && !driver.is_some_and(|d| d.alive), events };
    context.surface.show(&screen, context.place.now(), &[], [Code::Done]);
    Ok(vec![Code::Done])
}

fn refusal(sentence: &str) -> Refusal {
    Refusal {
        code: &codes::ROLLOUT_UNKNOWN,
        sentence: sentence.to_owned(),
        legal: vec!["tidegate rollout list".to_owned()],
        exit: RefusalExit::NothingSelected,
    }
}
