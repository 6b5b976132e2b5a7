//! One step of an attempt: the intent is written, the deed done, the outcome written. It decides how
//! long a cluster that was lost is waited for, and what is done about a step that an earlier driver
//! began; the deeds themselves are in `deed`.

use std::sync::Arc;
use std::time::Duration as StdDuration;

use crate::journal::{AttemptStep, Body, FailureClass, StepOutcome};
use crate::model::Duration;
use crate::plan::Repeat;
use crate::port::Fault;
use crate::rollout::Interrupted;

use super::cluster::Kind;
use super::deed::{Deed, Trouble};
use super::recorder::Stopped;
use super::script::{Recovered, Try, end_left};
use super::secrets;
use super::session::{Closed, Opened, Session};
use super::task::Shared;

/// How much longer than its limit a step may take before it is cut off: the limit is kept by what the
/// step does itself, with better words.
const GRACE: StdDuration = StdDuration::from_secs(45);

/// How long to wait before a cluster that was lost is asked for again.
const PAUSE: StdDuration = StdDuration::from_secs(2);

/// Takes a step, or finds out what became of it.
pub async fn take(
    shared: &Shared,
    session: Arc<Session>,
    step: &AttemptStep,
    tries: u32,
    interrupted: &[Interrupted],
) -> Result<(), Stopped> {
    let first = interrupted.first().map_or(tries, |left| left.tries);
    let id = Try { attempt: session.attempt.clone(), step: step.id.clone(), tries, first };
    let this = shared.world.host.this();
    let started = Body::StepStarted {
        attempt: session.attempt.clone(),
        step: step.id.clone(),
        tries,
        host: this.host,
        boot: this.boot,
        pid_namespace: this.pid_namespace,
    };
    // Also a recovery is begun first: only who began a try under this fence may report it, and a
    // recovery that is interrupted itself leaves the earlier tries to the next driver.
    if !shared.recorder.intent(started).await? {
        return Ok(());
    }
    // Only scripts leave something behind that must be found out about; everything else converges.
    let outcome = if interrupted.iter().any(|left| left.group.is_some()) {
        match recover(shared, &session, step, &id, interrupted).await {
            Recovered::Finished(outcome) => outcome,
            Recovered::Again => in_time(shared, session, step, &id).await,
        }
    } else {
        in_time(shared, session, step, &id).await
    };
    finished(shared, &id, tries, outcome).await
}

/// Acts within the step's time. Waiting for a predecessor's lease to run out burns nothing of it.
async fn in_time(shared: &Shared, session: Arc<Session>, step: &AttemptStep, id: &Try) -> StepOutcome {
    if let Err(outcome) = opened(shared, &session, step.timeout).await {
        return outcome;
    }
    tokio::select! {
        biased;
        outcome = act(shared, session, step, id) => outcome,
        () = shared.world.clock.sleep(step.timeout.std() + GRACE) => StepOutcome::TimedOut {
            cause: format!("no outcome within {}", step.timeout),
        },
    }
}

async fn finished(shared: &Shared, id: &Try, tries: u32, outcome: StepOutcome) -> Result<(), Stopped> {
    let body = Body::StepFinished { attempt: id.attempt.clone(), step: id.step.clone(), tries, outcome };
    shared.recorder.fact(vec![body]).await.map(drop)
}

/// Finds out what became of an interrupted script. As long as that can't be found out nobody knows
/// it, and no failure that might be tried again may be reported: the next try would run it blindly.
async fn recover(
    shared: &Shared,
    session: &Session,
    step: &AttemptStep,
    id: &Try,
    interrupted: &[Interrupted],
) -> Recovered {
    if let Err(outcome) = end_left(&shared.world, step.timeout, interrupted).await {
        return Recovered::Finished(outcome);
    }
    let clock = &shared.world.clock;
    let end = clock.boot() + step.timeout.std();
    loop {
        let (class, cause) = match opened(shared, session, step.timeout).await {
            Ok(opened) => {
                let deed = Deed { shared, session, opened, id, limit: step.timeout };
                match deed.script().await {
                    Ok(Some((script, _kubeconfig))) => {
                        return script.recover(&shared.world, id, step.repeat).await;
                    }
                    Ok(None) => return Recovered::Again,
                    Err(fault) => (fault.class, fault.message),
                }
            }
            Err(StepOutcome::Failed { class, cause, .. }) => (class, cause),
            Err(outcome) => return Recovered::Finished(outcome),
        };
        if step.repeat == Repeat::Safe {
            // What it left has ended, and running it again does no harm.
            return Recovered::Again;
        }
        if class != FailureClass::Transient || clock.boot() >= end {
            let cause =
                format!("the driver ended while it ran, and it can't be asked what became of it: {cause}");
            return Recovered::Finished(StepOutcome::Unknown { cause });
        }
        clock.sleep(PAUSE).await;
    }
}

/// Acts until there is an outcome. A cluster that is lost on the way (its server is away, the lease
/// could not be renewed, the credentials ran out) is connected to anew until the step's time is up:
/// everything that is done again then converges. A script is run once whatever happens.
async fn act(shared: &Shared, mut session: Arc<Session>, step: &AttemptStep, id: &Try) -> StepOutcome {
    let clock = &shared.world.clock;
    let end = clock.boot() + step.timeout.std();
    loop {
        let fresh = !session.is_open();
        let left = end.saturating_sub(clock.boot()).as_millis().div_ceil(1000).max(1);
        let left = Duration::seconds(u64::try_from(left).unwrap_or(u64::MAX));
        let error = match opened(shared, &session, left).await {
            Err(outcome) => return outcome,
            Ok(opened) => {
                let deed = Deed { shared, session: &session, opened, id, limit: left };
                let tried = deed.act().await;
                // Pods and servers quote what they were given, whichever product they belong to.
                let mask = opened.known.mask();
                match tried {
                    Ok(outcome) => return secrets::hide(&mask, outcome),
                    Err(Trouble::Fault(fault)) => return secrets::hide(&mask, fault_outcome(fault)),
                    Err(Trouble::Cluster(error)) => error.hidden(&mask),
                }
            }
        };
        let lost = match error.kind {
            Kind::Unreachable | Kind::Fenced => true,
            // Tokens end while a session goes on; one that was just fetched must be accepted.
            Kind::Unauthorized => !fresh,
            _ => false,
        };
        if !lost {
            return error.outcome();
        }
        if clock.boot() >= end {
            return match error.kind {
                Kind::Unreachable => StepOutcome::Unknown {
                    cause: format!("the cluster was lost and did not come back in time: {error}"),
                },
                _ => error.outcome(),
            };
        }
        session = shared.renew(session);
        clock.sleep(PAUSE).await;
    }
}

fn fault_outcome(fault: Fault) -> StepOutcome {
    StepOutcome::Failed { class: fault.class, cause: fault.message, output: Vec::new() }
}

/// The session, open. A cluster that was reached before and is gone now is waited for until the
/// step's time is up; then nobody knows what it runs.
async fn opened<'s>(
    shared: &Shared,
    session: &'s Session,
    limit: Duration,
) -> Result<&'s Opened, StepOutcome> {
    let end = shared.world.clock.boot() + limit.std();
    loop {
        match session.open(shared).await {
            Ok(opened) => return Ok(opened),
            Err(Closed::Unreachable(cause)) if shared.world.clock.boot() < end => {
                shared.world.clock.sleep(PAUSE).await;
                drop(cause);
            }
            Err(Closed::Unreachable(cause)) => {
                return Err(StepOutcome::Unknown {
                    cause: format!("the cluster could not be reached for {limit}: {cause}"),
                });
            }
            Err(Closed::Error(error)) if error.kind == Kind::TimedOut => {
                return Err(StepOutcome::Failed {
                    class: FailureClass::Transient,
                    cause: error.message,
                    output: error.details,
                });
            }
            Err(Closed::Error(error)) => return Err(error.outcome()),
            Err(Closed::Fault(fault)) => return Err(fault_outcome(fault)),
        }
    }
}
