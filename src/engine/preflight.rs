//! Preflight: before the first write, what this attempt will do, computed from what the cluster
//! really runs towards the target that the plan froze.

use std::collections::{BTreeMap, BTreeSet};

use crate::apply::record::Record;
use crate::journal::{AttemptStep, BlockReason, Body, FailureClass, Preflight, StepId};
use crate::model::{Duration, ProductName, RecordPhase, TestPolicy};
use crate::plan::{Change, PlannedCluster, PlannedProduct, Repeat, Target};
use crate::port::Fault;
use crate::resolve::Reason;
use crate::rollout::Tests;

use super::cluster::Obstacle;
use super::session::{Closed, Opened, Session};
use super::task::Shared;

/// How long recording, which is a request or two per product, may take.
const RECORD: Duration = Duration::minutes(2);

/// How often a step of ours that failed as transient is repeated.
const RETRIES: u32 = 3;

/// Looks before the first write. What was seen of the cluster comes with it, for the journal.
pub async fn look(shared: &Shared, session: &Session, tests: Tests) -> (Preflight, Vec<Body>) {
    let cluster = session.cluster().name.clone();
    match session.open(shared).await {
        Ok(opened) => {
            let seen = Body::ClusterObserved { cluster, observed: Box::new(opened.observed.clone()) };
            let verdict = decide(session, opened, tests).await.unwrap_or_else(Closed::verdict);
            (hidden(opened, verdict), vec![seen])
        }
        Err(Closed::Unreachable(cause)) => {
            let seen = Body::ClusterUnreachable { cluster, cause: cause.clone() };
            (Closed::Unreachable(cause).verdict(), vec![seen])
        }
        Err(closed) => (closed.verdict(), Vec::new()),
    }
}

/// A verdict without the secrets that a server's words may quote.
fn hidden(opened: &Opened, mut verdict: Preflight) -> Preflight {
    if let Preflight::Deferred { cause, .. }
    | Preflight::Blocked { cause, .. }
    | Preflight::Failed { cause, .. } = &mut verdict
    {
        *cause = opened.known.mask().hide(cause);
    }
    verdict
}

async fn decide(session: &Session, opened: &Opened, tests: Tests) -> Result<Preflight, Closed> {
    let planned = session.cluster();
    let found = opened.observed.kubernetes;
    if found != planned.kubernetes {
        let cause = format!(
            "{} serves Kubernetes {found} now, the plan rendered for {}: plan anew, or skip it",
            planned.name, planned.kubernetes
        );
        return Ok(Preflight::Blocked { reason: BlockReason::Stale, cause });
    }
    let records = opened.guard.records();
    if tests == Tests::Only {
        let other = |t: &&Target| differs(opened, t, records.get(&t.product));
        if let Some(target) = planned.targets.iter().find(other) {
            let cause = format!(
                "{} does not carry {} {} as its wave brought it, so its tests would prove nothing",
                planned.name, target.product, target.version
            );
            return Ok(Preflight::Failed { class: FailureClass::Test, cause });
        }
    }
    let mut acting = Vec::new();
    for target in &planned.targets {
        let record = records.get(&target.product);
        let moved = moved_on(planned, target, record);
        if let Some(cause) = moved.or_else(|| would_lower(planned, target, record)) {
            return Ok(Preflight::Blocked { reason: BlockReason::Stale, cause });
        }
        if acts(session, opened, target, record) {
            acting.push(target.product.clone());
        }
    }
    let survey = opened.guard.cluster().survey(&opened.sets, &acting).await?;
    if let Some(verdict) = in_the_way(survey.obstacles) {
        return Ok(verdict);
    }
    let mut shrinking = Vec::new();
    for product in &acting {
        let why: Result<_, Closed> =
            session.with_work(opened, product, async |work| opened.guard.shrinks(work).await).await;
        shrinking.extend(why?);
    }
    if !shrinking.is_empty() {
        return Ok(Preflight::Blocked { reason: BlockReason::Shrinking, cause: shrinking.join("; ") });
    }
    let removals: Vec<_> = planned.removals.iter().filter(|p| records.contains_key(*p)).cloned().collect();
    let steps = steps(session, &acting, &removals, tests)?;
    if steps.is_empty() {
        return Ok(Preflight::NoOp);
    }
    Ok(Preflight::Proceed { steps })
}

/// Whether something is to be done about a target: it differs, or the plan applies it once more and this
/// rollout has not done so yet.
fn acts(session: &Session, opened: &Opened, target: &Target, record: Option<&Record>) -> bool {
    let again = session.plan.options.reapply
        && record.is_some_and(|record| record.rollout != session.attempt.rollout);
    again || differs(opened, target, record)
}

/// Whether a target differs from what is recorded there, verified, with equal secrets.
fn differs(opened: &Opened, target: &Target, record: Option<&Record>) -> bool {
    let Some(record) = record else { return true };
    let secrets = opened.products.get(&target.product).and_then(|p| p.state.secrets);
    record.current.phase != RecordPhase::Verified
        || record.current.inputs != target.inputs
        || record.current.secrets != secrets
}

/// Why going on would lower a product that the plan did not mean to lower: what the cluster runs
/// moved up since the plan was made.
fn would_lower(planned: &PlannedCluster, target: &Target, record: Option<&Record>) -> Option<String> {
    let running = &record?.current.version;
    let meant = planned.from.get(&target.product).is_some_and(|from| &from.version == running)
        || matches!(&target.change, Change::Lower { from } if from == running);
    (*running > target.version && !meant).then(|| {
        format!(
            "{} runs {} {running}, which is newer than the planned {}; the plan was made when it ran {}",
            planned.name,
            target.product,
            target.version,
            planned
                .from
                .get(&target.product)
                .map_or_else(|| "none".to_owned(), |from| from.version.to_string())
        )
    })
}

/// Why a product is not taken back: it is no more what the rollout brought, nor what it was before.
fn moved_on(planned: &PlannedCluster, target: &Target, record: Option<&Record>) -> Option<String> {
    let Reason::Rollback { of, .. } = &target.reason else { return None };
    let running = &record?.current;
    let meant = planned.from.get(&target.product).map(|from| from.inputs);
    (running.inputs != target.inputs && Some(running.inputs) != meant).then(|| {
        format!(
            "{} runs {} {} with inputs that {of} did not bring: something else changed it since; plan the \
             rollback anew",
            planned.name, target.product, running.version
        )
    })
}

fn in_the_way(obstacles: Vec<Obstacle>) -> Option<Preflight> {
    let (mut missing, mut wrong) = (Vec::new(), Vec::new());
    for obstacle in obstacles {
        match obstacle {
            Obstacle::Missing(cause) => missing.push(cause),
            Obstacle::Wrong(cause) => wrong.push(cause),
        }
    }
    if !wrong.is_empty() {
        return Some(Preflight::Failed { class: FailureClass::Permanent, cause: wrong.join("; ") });
    }
    (!missing.is_empty())
        .then(|| Preflight::Blocked { reason: BlockReason::Missing, cause: missing.join("; ") })
}

/// The steps of an attempt: targets phase by phase, removals, tests, seal.
fn steps(
    session: &Session,
    acting: &[ProductName],
    removals: &[ProductName],
    tests: Tests,
) -> Result<Vec<AttemptStep>, Fault> {
    let planned = session.cluster();
    let targets = &planned.targets;
    let mut steps = Vec::new();
    let remove = |product: &ProductName| {
        own(StepId::Remove { product: product.clone() }, crate::model::DEFAULT_TIMEOUT)
    };
    let mut removals_left = removals.iter().peekable();
    for target in targets.iter().filter(|t| acting.contains(&t.product)) {
        // On the way back, what the release added goes when its turn in the reverse order comes.
        let its_turn = |product: &&ProductName| {
            planned.back.is_some() && planned.phase_of(product).is_some_and(|phase| phase > target.phase)
        };
        while let Some(product) = removals_left.next_if(its_turn) {
            steps.push(remove(product));
        }
        deploy(&mut steps, planned, session.planned(target)?);
    }
    steps.extend(removals_left.map(remove));
    let due = match session.wave().tests {
        TestPolicy::All => targets.iter().map(|t| t.product.clone()).collect(),
        TestPolicy::Changed if tests == Tests::Due => touched(session, acting, removals)?,
        // What its wave changed, however much of that is there already.
        TestPolicy::Changed => {
            let changed = targets.iter().filter(|t| t.change.acts()).map(|t| t.product.clone());
            let changed: Vec<ProductName> = changed.chain(acting.iter().cloned()).collect();
            touched(session, &changed, &session.cluster().removals)?
        }
    };
    for target in targets.iter().filter(|t| due.contains(&t.product)) {
        let product = session.planned(target)?;
        for test in &product.tests {
            steps.push(AttemptStep {
                id: StepId::Test { product: product.name.clone(), test: test.name.clone() },
                timeout: test.timeout,
                repeat: Repeat::Safe,
                retries: test.retries,
            });
        }
    }
    if !steps.is_empty() {
        steps.push(own(StepId::Seal, RECORD));
    }
    Ok(steps)
}

fn deploy(steps: &mut Vec<AttemptStep>, planned: &PlannedCluster, product: &PlannedProduct) {
    let mut longest = RECORD;
    if product.clears() {
        steps.push(own(StepId::Clear { product: product.name.clone() }, crate::model::DEFAULT_TIMEOUT));
    }
    for step in product.steps.iter().filter(|step| !planned.skips(&product.name, &step.name)) {
        longest = longest.max(step.timeout);
        steps.push(AttemptStep {
            id: StepId::Deploy { product: product.name.clone(), step: step.name.clone() },
            timeout: step.timeout,
            repeat: step.repeat,
            retries: step.retries,
        });
    }
    let limit = product.settle.map_or(longest, |settle| settle.timeout);
    steps.push(own(StepId::Settle { product: product.name.clone() }, limit));
}

/// A step of the engine's own, which converges.
fn own(id: StepId, timeout: Duration) -> AttemptStep {
    AttemptStep { id, timeout, repeat: Repeat::Safe, retries: RETRIES }
}

/// The products whose own inputs change, or those of something they require, however far away.
fn touched(
    session: &Session,
    acting: &[ProductName],
    removals: &[ProductName],
) -> Result<BTreeSet<ProductName>, Fault> {
    let mut touched: BTreeSet<ProductName> = acting.iter().chain(removals).cloned().collect();
    let mut requires = BTreeMap::new();
    for target in &session.cluster().targets {
        requires.insert(&target.product, &session.planned(target)?.requires);
    }
    loop {
        let more: Vec<_> = requires
            .iter()
            .filter(|(product, needs)| {
                !touched.contains(**product) && needs.iter().any(|n| touched.contains(n))
            })
            .map(|(product, _)| (*product).clone())
            .collect();
        if more.is_empty() {
            return Ok(touched);
        }
        touched.extend(more);
    }
}
