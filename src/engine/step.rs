//! One step of an attempt: the intent is written, the deed done, the outcome written.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration as StdDuration;

use crate::catalog::product::Content;
use crate::journal::{AttemptStep, Body, FailureClass, StepId, StepOutcome};
use crate::model::{DeployStep, Duration, ProductName, Test};
use crate::plan::{Repeat, Target};
use crate::port::{Fault, KubeconfigFile};
use crate::rollout::Interrupted;

use super::cluster::{Applied, Confirmation, Error, JobRun, Kind, ProductWork};
use super::recorder::Stopped;
use super::rendering::{self, For};
use super::script::{Recovered, Script, Try, end_left};
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
            Ok(opened) => match script(shared, session, opened, &step.id, step.timeout).await {
                Ok(Some((script, _kubeconfig))) => {
                    return script.recover(&shared.world, id, step.repeat).await;
                }
                Ok(None) => return Recovered::Again,
                Err(fault) => (fault.class, fault.message),
            },
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
            Ok(opened) => match once(shared, &session, opened, step, left, id).await {
                Ok(outcome) => return outcome,
                Err(Trouble::Fault(fault)) => return fault_outcome(fault),
                Err(Trouble::Cluster(error)) => error,
            },
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

async fn once(
    shared: &Shared,
    session: &Session,
    opened: &Opened,
    step: &AttemptStep,
    limit: Duration,
    id: &Try,
) -> Done {
    match &step.id {
        StepId::Deploy { product, step: name } => {
            deploy(shared, session, opened, product, name, limit, id).await
        }
        StepId::Settle { product } => settle(session, opened, product, limit).await,
        StepId::Remove { product } => remove(opened, product, limit).await,
        StepId::Test { product, test } => run_test(shared, session, opened, product, test, limit, id).await,
        StepId::Seal => seal(session, opened).await,
    }
}

enum Trouble {
    Cluster(Error),
    Fault(Fault),
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Self::Cluster(error)
    }
}

impl From<Fault> for Trouble {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

type Done = Result<StepOutcome, Trouble>;

fn fault_outcome(fault: Fault) -> StepOutcome {
    StepOutcome::Failed { class: fault.class, cause: fault.message, output: Vec::new() }
}

fn done(summary: String, evidence: BTreeMap<String, serde_json::Value>) -> StepOutcome {
    StepOutcome::Done { summary, evidence }
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

fn target<'s>(session: &'s Session, product: &ProductName) -> Result<&'s Target, Fault> {
    session.cluster().targets.iter().find(|t| &t.product == product).ok_or_else(|| {
        Fault::permanent(format!("the plan has no target {product} for {}", session.attempt.cluster))
    })
}

fn prepared<'s>(opened: &'s Opened, product: &ProductName) -> Result<&'s super::session::Prepared, Fault> {
    opened.products.get(product).ok_or_else(|| Fault::permanent(format!("{product} was not prepared")))
}

/// Calls `f` with the work on one product.
async fn with_work<T>(
    session: &Session,
    opened: &Opened,
    product: &ProductName,
    f: impl AsyncFnOnce(&ProductWork<'_>) -> Result<T, Error>,
) -> Result<T, Trouble> {
    let planned = session.planned(target(session, product)?)?;
    let prepared = prepared(opened, product)?;
    let tombstones: Vec<_> = prepared.content.file.spec.removed.iter().map(|r| r.value.clone()).collect();
    let mask = crate::render::Mask::new(prepared.secrets.values().map(crate::port::Secret::expose));
    let work = ProductWork {
        mask: &mask,
        product,
        rollout: &session.attempt.rollout,
        attempt: session.attempt.attempt,
        state: &prepared.state,
        all: &opened.sets,
        conflicts: if session.plan.options.take_over {
            crate::model::Conflicts::Take
        } else {
            planned.conflicts
        },
        tombstones: &tombstones,
        confirmation: if session.plan.options.allow_prune { Confirmation::Prune } else { Confirmation::None },
    };
    Ok(f(&work).await?)
}

async fn deploy(
    shared: &Shared,
    session: &Session,
    opened: &Opened,
    product: &ProductName,
    name: &str,
    limit: Duration,
    id: &Try,
) -> Done {
    with_work(session, opened, product, async |work| opened.guard.begin(work).await).await?;
    if let Some((script, _kubeconfig)) = script(shared, session, opened, &id.step, limit).await? {
        return Ok(script.run(&shared.world, &shared.recorder, id).await);
    }
    let applied =
        with_work(session, opened, product, async |work| opened.guard.apply(work, name, limit.std()).await)
            .await?;
    Ok(done(applied_words(&applied), applied_facts(&applied)))
}

fn applied_words(applied: &Applied) -> String {
    let all = applied.created + applied.changed + applied.same + applied.skipped + applied.recreated;
    let mut words = format!("{all} objects");
    for (count, word) in
        [(applied.created, "created"), (applied.changed, "changed"), (applied.recreated, "recreated")]
    {
        if count > 0 {
            words.push_str(&format!(", {count} {word}"));
        }
    }
    if applied.created + applied.changed + applied.recreated == 0 {
        words.push_str(", none changed");
    }
    words
}

fn applied_facts(applied: &Applied) -> BTreeMap<String, serde_json::Value> {
    let mut facts: BTreeMap<String, serde_json::Value> = [
        ("created", applied.created),
        ("changed", applied.changed),
        ("same", applied.same),
        ("skipped", applied.skipped),
        ("recreated", applied.recreated),
        ("retried", applied.retried),
    ]
    .into_iter()
    .filter(|(_, count)| *count > 0)
    .map(|(name, count)| (name.to_owned(), count.into()))
    .collect();
    if !applied.warnings.is_empty() {
        facts.insert("warnings".to_owned(), applied.warnings.clone().into());
    }
    facts
}

async fn settle(session: &Session, opened: &Opened, product: &ProductName, limit: Duration) -> Done {
    let settled =
        with_work(session, opened, product, async |work| opened.guard.settle(work, limit.std()).await)
            .await?;
    let mut words = format!("{} ready", settled.ready);
    if !settled.pruned.is_empty() {
        words.push_str(&format!(", {} pruned", settled.pruned.len()));
    }
    if !settled.kept.is_empty() {
        words.push_str(&format!(", {} kept", settled.kept.len()));
    }
    Ok(done(words, lists([("pruned", settled.pruned), ("kept", settled.kept)])))
}

async fn remove(opened: &Opened, product: &ProductName, limit: Duration) -> Done {
    let removed = opened.guard.remove(product, &opened.sets, limit.std()).await?;
    let words = format!("{} objects deleted, {} kept", removed.deleted.len(), removed.kept.len());
    Ok(done(words, lists([("deleted", removed.deleted), ("kept", removed.kept)])))
}

async fn seal(session: &Session, opened: &Opened) -> Done {
    let products: Vec<_> = session.cluster().targets.iter().map(|t| (t.product.clone(), t.inputs)).collect();
    // What pods say of themselves may quote what was rendered into them.
    let secrets = opened.products.values().flat_map(|p| p.secrets.values());
    let mask = crate::render::Mask::new(secrets.map(crate::port::Secret::expose));
    opened.guard.seal(&products).await.map_err(|mut error| {
        error.message = mask.hide(&error.message);
        error.details = error.details.iter().map(|line| mask.hide(line)).collect();
        error
    })?;
    Ok(done(format!("{} products verified", products.len()), BTreeMap::new()))
}

fn lists<const N: usize>(lists: [(&str, Vec<String>); N]) -> BTreeMap<String, serde_json::Value> {
    lists.into_iter().filter(|(_, l)| !l.is_empty()).map(|(name, l)| (name.to_owned(), l.into())).collect()
}

async fn run_test(
    shared: &Shared,
    session: &Session,
    opened: &Opened,
    product: &ProductName,
    name: &str,
    limit: Duration,
    id: &Try,
) -> Done {
    if let Some((script, _kubeconfig)) = script(shared, session, opened, &id.step, limit).await? {
        return Ok(script.run(&shared.world, &shared.recorder, id).await);
    }
    let prepared = prepared(opened, product)?;
    let Some(Test::Job(test)) = find_test(&prepared.content, name) else {
        return Err(Fault::permanent(format!("{product} has no test `{name}`")).into());
    };
    let target = target(session, product)?;
    let what = For {
        cluster: session.cluster(),
        target,
        content: &prepared.content,
        values: &prepared.values,
        provides: &[],
    };
    let job = rendering::job(&what, test)?;
    // The Job of an interrupted try is adopted, so it is looked for under that try's number.
    let key = format!("{} {} {}", session.attempt, id.step, id.first);
    let ran = {
        let mask = crate::render::Mask::new(prepared.secrets.values().map(crate::port::Secret::expose));
        opened.guard.run_job(&JobRun { product, job: &job, key, timeout: limit.std(), mask: &mask }).await?
    };
    if ran.passed {
        return Ok(done(format!("passed ({})", ran.job), BTreeMap::new()));
    }
    Ok(StepOutcome::Failed {
        class: FailureClass::Test,
        cause: format!("{}: {}", ran.job, ran.cause),
        output: Vec::new(),
    })
}

fn find_test<'c>(content: &'c Content, name: &str) -> Option<&'c Test> {
    content.file.spec.tests.iter().map(|t| &t.value).find(|t| t.name().value.as_str() == name)
}

/// The script of a step or test, if it is one; the kubeconfig file lives as long as its guard.
async fn script(
    shared: &Shared,
    session: &Session,
    opened: &Opened,
    step: &StepId,
    timeout: Duration,
) -> Result<Option<(Script, KubeconfigFile)>, Fault> {
    let Some(product) = step.product() else { return Ok(None) };
    let prepared = prepared(opened, product)?;
    let (command, observe, env) = match step {
        StepId::Deploy { step: name, .. } => {
            let steps = prepared.content.file.spec.named_steps();
            match steps.into_iter().find(|(n, _)| n == name).map(|(_, s)| &s.value) {
                Some(DeployStep::Run(run)) => (&run.command, run.observe.as_ref(), run.env.as_ref()),
                _ => return Ok(None),
            }
        }
        StepId::Test { test: name, .. } => match find_test(&prepared.content, name) {
            Some(Test::Run(run)) => (&run.command, None, run.env.as_ref()),
            _ => return Ok(None),
        },
        StepId::Settle { .. } | StepId::Remove { .. } | StepId::Seal => return Ok(None),
    };
    let texts =
        |words: &Vec<crate::yaml::Spanned<String>>| words.iter().map(|w| w.value.clone()).collect::<Vec<_>>();
    let (mut variables, mut hidden) = (BTreeMap::new(), BTreeMap::new());
    if let Some(env) = env {
        (variables, hidden) = secrets::environment(&*shared.world.secrets, &env.to_json()).await?;
    }
    let kubeconfig = shared.world.clusters.kubeconfig(&session.cluster().access).await?;
    variables.insert("KUBECONFIG".to_owned(), kubeconfig.path.display().to_string());
    variables.insert("TIDEGATE_PRODUCT".to_owned(), product.to_string());
    variables.insert("TIDEGATE_VERSION".to_owned(), prepared.state.version.to_string());
    let script = Script {
        files: prepared.content.tree.clone(),
        command: texts(command),
        observe: observe.map(texts),
        env: variables,
        secrets: std::mem::take(&mut hidden),
        mask: prepared.secrets.values().cloned().collect(),
        timeout,
    };
    Ok(Some((script, kubeconfig)))
}
