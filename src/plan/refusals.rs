//! What parses and has no behaviour yet is refused here, each with its own code, so that nobody
//! believes in a freeze, a gate or a step that does not happen.

use crate::diag::{Code, Finding, Findings, Place, codes};
use crate::model::{DeployStep, Pipeline, Product, ProductName, SoakClock, Wave};

fn refuse(code: &'static Code, place: &Place, what: &str) -> Finding {
    Finding::error(code, format!("{what}, which has no behaviour yet")).at(place)
}

/// A start rate that lets nothing start.
pub(super) fn of_pipeline(pipeline: &Pipeline) -> Findings {
    let rate = pipeline.start_rate.iter().map(|rate| &rate.value);
    let right = 1..=super::LARGEST_RATE;
    rate.filter(|rate| !right.contains(&rate.clusters.value) || rate.per.value.as_seconds() == 0)
        .map(|rate| {
            Finding::error(
                &codes::START_RATE,
                "a start rate is from 1 to 10000 clusters within at least 1 second",
            )
            .at(&rate.clusters.place)
            .hint("`atOnce: 0` holds everything")
        })
        .collect()
}

/// Observed soak.
pub(super) fn of_wave(wave: &Wave) -> Findings {
    let name = &wave.name.value;
    let mut findings = Findings::new();
    if let Some(soak) = wave.soak.as_ref().filter(|soak| soak.value.clock.value == SoakClock::Observed) {
        let what = format!("wave `{name}` soaks by `clock: observed`");
        findings.push(
            refuse(&codes::OBSERVED_SOAK, &soak.value.clock.place, &what)
                .hint("`clock: wall` counts all time since the wave was verified"),
        );
    }
    findings
}

/// Steps of later kinds.
pub(super) fn of_product(name: &ProductName, product: &Product) -> Findings {
    product
        .deploy
        .iter()
        .filter_map(|step| {
            let (code, what) = match &step.value {
                DeployStep::ControlPlane(_) => (&codes::CONTROL_PLANE_STEP, "a `controlPlane` step"),
                DeployStep::NodePools(_) => (&codes::NODE_POOLS_STEP, "a `nodePools` step"),
                DeployStep::Addon(_) => (&codes::ADDON_STEP, "an `addon` step"),
                DeployStep::Manifests(_) | DeployStep::Helm(_) | DeployStep::Run(_) => return None,
            };
            Some(refuse(code, &step.place, &format!("product `{name}` has {what}")))
        })
        .collect()
}
