//! What parses and has no behaviour yet is refused here, each with its own code, so that nobody
//! believes in a freeze, a gate or a step that does not happen.

use crate::diag::{Code, Finding, Findings, Place, codes};
use crate::model::{DeployStep, Gate, Lane, Pipeline, Product, ProductName, ReleaseFile, SoakClock, Wave};
use crate::yaml::Spanned;

fn refuse(code: &'static Code, place: &Place, what: &str) -> Finding {
    Finding::error(code, format!("{what}, which has no behaviour yet")).at(place)
}

/// A release in the hotfix lane.
pub(super) fn of_release(release: &ReleaseFile) -> Findings {
    let lane = &release.spec.lane;
    if lane.value == Lane::Hotfix {
        let what = format!("release `{}` takes the lane `hotfix`", release.metadata.name.value);
        return refuse(&codes::HOTFIX_LANE, &lane.place, &what).into();
    }
    Findings::new()
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

/// Observed soak, and gates that nobody can answer yet.
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
    for gate in wave.gates.before.iter().chain(&wave.gates.after) {
        findings.extend(of_gate(name.as_str(), gate));
    }
    findings
}

fn of_gate(wave: &str, gate: &Spanned<Gate>) -> Option<Finding> {
    match &gate.value {
        Gate::Command(_) => {
            Some(refuse(&codes::COMMAND_GATE, &gate.place, &format!("wave `{wave}` has a command gate")))
        }
        Gate::Metric(_) => {
            Some(refuse(&codes::METRIC_GATE, &gate.place, &format!("wave `{wave}` has a metric gate")))
        }
        Gate::Approval(approval) => {
            let quorum = approval.quorum.as_ref().filter(|quorum| quorum.value != 1)?;
            Some(match quorum.value {
                0 => Finding::error(
                    &codes::QUORUM_ABOVE_ONE,
                    format!("wave `{wave}` wants the approval of nobody: a quorum is at least 1"),
                )
                .at(&quorum.place),
                n => refuse(
                    &codes::QUORUM_ABOVE_ONE,
                    &quorum.place,
                    &format!("wave `{wave}` wants the approval of {}", crate::diag::count(n, "person")),
                ),
            })
        }
    }
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
