//! A product version as it will be executed: its steps and tests with names, limits, and what may
//! be done with a step when it is not known how it ended.

use super::{
    Action, Durations, PlannedDeadline, PlannedProduct, PlannedSettle, PlannedStep, PlannedTest, Repeat,
};
use crate::diag::{Finding, codes};
use crate::model::{DeadlineFrom, DeployStep, Duration, ProductName, RunStep, Test, TombstoneWhen};
use crate::resolve::ProductVersion;

/// How often a try that failed as transient is repeated, unless the step says otherwise.
const TRANSIENT_RETRIES: u32 = 3;

/// The product version of this content, found at a commit, with limits from what is known of how
/// long its steps took.
pub fn planned(content: &ProductVersion, commit: &str, durations: &Durations) -> PlannedProduct {
    let spec = &content.file.spec;
    let product = &content.file.metadata.name.value;
    let limit = |from, action, usual| limit(durations, product, from, action, usual);
    let steps: Vec<PlannedStep> = spec
        .named_steps()
        .into_iter()
        .map(|(name, step)| {
            let usual = step.value.timeout();
            let (timeout, deadline) = limit(step.value.deadline(), Action::Step(name.clone()), usual);
            PlannedStep {
                name,
                kind: step.value.kind().to_owned(),
                timeout,
                deadline,
                one_way: step.value.one_way(),
                repeat: repeat(&step.value),
                retries: match &step.value {
                    DeployStep::Run(run) => run.retries.unwrap_or(TRANSIENT_RETRIES),
                    _ => TRANSIENT_RETRIES,
                },
            }
        })
        .collect();
    // Most of the time goes into waiting until everything is ready, so that follows the steps.
    let auto = spec.deploy.iter().any(|step| step.value.deadline() == Some(DeadlineFrom::Auto));
    let longest = spec.deploy.iter().map(|step| step.value.timeout()).max();
    let settle = longest.filter(|_| auto).map(|usual| {
        let (timeout, deadline) = durations.limit(product, &Action::Settle, usual);
        PlannedSettle { timeout, deadline }
    });
    let tests = spec.tests.iter().map(|test| {
        let name = test.value.name().value.to_string();
        let usual = test.value.timeout();
        let (timeout, deadline) = limit(test.value.deadline(), Action::Test(name.clone()), usual);
        PlannedTest {
            name,
            kind: match &test.value {
                Test::Run(_) => "run".to_owned(),
                Test::Job(_) => "job".to_owned(),
            },
            timeout,
            deadline,
            retries: test.value.retries(),
        }
    });
    PlannedProduct {
        name: content.file.metadata.name.value.clone(),
        version: spec.version.value.clone(),
        commit: commit.to_owned(),
        digest: content.digest,
        owner: spec.owner.value.clone(),
        conflicts: spec.conflicts,
        requires: spec.requires.keys().map(|required| required.value.clone()).collect(),
        steps,
        settle,
        tombstones: spec.removed.iter().map(|removed| removed.value.clone()).collect(),
        tests: tests.collect(),
        test_digest: content.test_digest,
    }
}

/// The limit of an action, with its reason if it does not simply stand in the file.
fn limit(
    durations: &Durations,
    product: &ProductName,
    from: Option<DeadlineFrom>,
    action: Action,
    usual: Duration,
) -> (Duration, Option<PlannedDeadline>) {
    match from {
        None => (usual, None),
        Some(DeadlineFrom::Auto) => {
            let (timeout, deadline) = durations.limit(product, &action, usual);
            (timeout, Some(deadline))
        }
    }
}

impl PlannedProduct {
    /// Whether something is deleted before its first deploy step.
    pub fn clears(&self) -> bool {
        self.tombstones.iter().any(|stone| stone.when == TombstoneWhen::Before)
    }

    /// The limits that follow from history, or would if enough of it were known: action, limit, reason.
    pub fn deadlines(&self) -> impl Iterator<Item = (Action, Duration, PlannedDeadline)> {
        let step = |s: &PlannedStep| Some((Action::Step(s.name.clone()), s.timeout, s.deadline?));
        let test = |t: &PlannedTest| Some((Action::Test(t.name.clone()), t.timeout, t.deadline?));
        let settle = self.settle.map(|s| (Action::Settle, s.timeout, s.deadline));
        self.steps.iter().filter_map(step).chain(settle).chain(self.tests.iter().filter_map(test))
    }
}

/// A notice if limits that were to come from history do not yet.
pub(super) fn deadlines_by_default<'a>(
    products: impl Iterator<Item = &'a PlannedProduct>,
) -> Option<Finding> {
    let mut names: Vec<String> = Vec::new();
    let mut needed = 0;
    for product in products {
        let few = product.deadlines().filter_map(|(action, _, deadline)| match deadline {
            PlannedDeadline::Default { tries, needed: least } => {
                needed = least;
                Some(format!("{action} {tries}"))
            }
            PlannedDeadline::History { .. } => None,
        });
        let few: Vec<String> = few.collect();
        if !few.is_empty() {
            names.push(format!("{} {} ({})", product.name, product.version, few.join(", ")));
        }
    }
    (!names.is_empty()).then(|| {
        Finding::info(
            &codes::DEADLINE_BY_DEFAULT,
            format!(
                "of the {needed} tries that `deadline: auto` needs too few are known, so the default counts: {}",
                names.join("; ")
            ),
        )
    })
}

/// Apply converges; of a script only its author knows. A script that names an `observe` command and
/// says that it is idempotent is asked first: that is the table of the design.
fn repeat(step: &DeployStep) -> Repeat {
    match step {
        DeployStep::Run(RunStep { observe: Some(_), .. }) => Repeat::Observe,
        DeployStep::Run(RunStep { idempotent: true, .. }) => Repeat::Safe,
        DeployStep::Run(_)
        | DeployStep::ControlPlane(_)
        | DeployStep::NodePools(_)
        | DeployStep::Addon(_) => Repeat::Never,
        DeployStep::Manifests(_) | DeployStep::Helm(_) => Repeat::Safe,
    }
}
