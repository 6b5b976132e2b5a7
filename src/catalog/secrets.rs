//! Literal secrets in a product: in its values, in the environment of its scripts, in its
//! manifests, and, as warnings, in the values of charts that others wrote.

use crate::diag::{Findings, Severity};
use crate::model::{DeployStep, Test, secrets};

use super::objects;
use super::part::Part;

/// Every literal secret of a product.
pub(crate) fn of_product(part: &Part<'_>) -> Findings {
    let spec = part.spec();
    let steps = spec.deploy.iter().filter_map(|step| match &step.value {
        DeployStep::Run(step) => step.env.as_ref(),
        _ => None,
    });
    let tests = spec.tests.iter().filter_map(|test| match &test.value {
        Test::Run(test) => test.env.as_ref(),
        Test::Job(_) => None,
    });
    let mut findings = Findings::new();
    for node in spec.values.iter().chain(steps).chain(tests) {
        findings.extend(secrets::in_values(node));
    }
    for object in objects::of(part).0 {
        findings.extend(secrets::in_manifest(&object.node, &objects::is_templated));
    }
    for step in &spec.deploy {
        if let DeployStep::Helm(step) = &step.value {
            findings.extend(in_chart(part, step.folder()));
        }
    }
    findings
}

/// A chart's own defaults are mostly somebody else's file, whose author can't be asked here.
fn in_chart(part: &Part<'_>, chart: &str) -> Vec<crate::diag::Finding> {
    let source = part.source(&format!("{chart}/values.yaml"));
    let Some(values) = source.and_then(|s| crate::yaml::parse(&s).ok().flatten()) else {
        return Vec::new();
    };
    secrets::in_values(&values)
        .into_iter()
        .map(|mut finding| {
            finding.severity = Severity::Warning;
            finding.hints = vec!["set another one in the product's values, by `secretRef`".to_owned()];
            finding
        })
        .collect()
}
