//! A product version as it will be executed: its steps and tests with names, limits, and what may
//! be done with a step when it is not known how it ended.

use super::{PlannedProduct, PlannedStep, PlannedTest, Repeat};
use crate::model::{DeployStep, RunStep, Test};
use crate::resolve::ProductVersion;

/// How often a try that failed as transient is repeated, unless the step says otherwise.
const TRANSIENT_RETRIES: u32 = 3;

/// The product version of this content, found at a commit.
pub fn planned(content: &ProductVersion, commit: &str) -> PlannedProduct {
    let spec = &content.file.spec;
    let steps = spec.named_steps().into_iter().map(|(name, step)| PlannedStep {
        name,
        kind: step.value.kind().to_owned(),
        timeout: step.value.timeout(),
        one_way: step.value.one_way(),
        repeat: repeat(&step.value),
        retries: match &step.value {
            DeployStep::Run(run) => run.retries.unwrap_or(TRANSIENT_RETRIES),
            _ => TRANSIENT_RETRIES,
        },
    });
    let tests = spec.tests.iter().map(|test| PlannedTest {
        name: test.value.name().value.to_string(),
        kind: match &test.value {
            Test::Run(_) => "run".to_owned(),
            Test::Job(_) => "job".to_owned(),
        },
        timeout: test.value.timeout(),
        retries: test.value.retries(),
    });
    PlannedProduct {
        name: content.file.metadata.name.value.clone(),
        version: spec.version.value.clone(),
        commit: commit.to_owned(),
        digest: content.digest,
        owner: spec.owner.value.clone(),
        conflicts: spec.conflicts,
        requires: spec.requires.keys().map(|required| required.value.clone()).collect(),
        steps: steps.collect(),
        tests: tests.collect(),
        test_digest: content.test_digest,
    }
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
