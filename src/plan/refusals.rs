//! What parses and has no behaviour yet is refused here, each with its own code, so that nobody
//! believes in a freeze, a gate or a step that does not happen.

use crate::diag::{Code, Finding, Findings, Place, codes};
use crate::model::{DeployStep, Duration, Pipeline, Product, ProductName, SoakClock, Wave};

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

/// Less would ask more of clusters than a soak is worth.
const LEAST_OBSERVE_EVERY: Duration = Duration::seconds(10);

/// A soak whose looks can't be made, or that has none.
pub(super) fn of_wave(wave: &Wave) -> Findings {
    let name = &wave.name.value;
    let mut findings = Findings::new();
    let Some(soak) = wave.soak.as_ref().map(|soak| &soak.value) else { return findings };
    let Some(every) = &soak.observe_every else { return findings };
    if soak.clock.value == SoakClock::Wall {
        let what = format!("wave `{name}` soaks by the wall clock, so `observeEvery` says nothing");
        let finding = Finding::error(&codes::OBSERVE_EVERY, what).at(&every.place);
        findings
            .push(finding.hint("`clock: observed` counts only the time in which each cluster was seen well"));
    } else if every.value < LEAST_OBSERVE_EVERY {
        let what = format!("wave `{name}` would be looked at every {}", every.value);
        let finding = Finding::error(&codes::OBSERVE_EVERY, what).at(&every.place);
        findings.push(finding.hint(format!("at least {LEAST_OBSERVE_EVERY}")));
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
