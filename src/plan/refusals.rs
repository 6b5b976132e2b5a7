//! What parses and has no behaviour yet is refused here, each with its own code, so that nobody
//! believes in a freeze, a gate or a step that does not happen.

use crate::diag::{Code, Finding, Findings, Place, codes};
use crate::model::{
    Calendar, DeployStep, Gate, Lane, Pipeline, Product, ProductName, ReleaseFile, SoakClock, Wave,
};
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

/// A calendar with a window or a freeze in it.
pub(super) fn of_calendar(calendar: &Calendar) -> Findings {
    let windows = calendar.windows.iter().map(|window| (window, "a window"));
    let freezes = calendar.freezes.iter().map(|freeze| (freeze, "a freeze"));
    windows
        .chain(freezes)
        .map(|(entry, what)| {
            refuse(&codes::CALENDAR_ENTRY, &entry.place, &format!("the calendar has {what}"))
        })
        .collect()
}

/// A cap for each region.
pub(super) fn of_pipeline(pipeline: &Pipeline) -> Findings {
    pipeline
        .at_once_per_region
        .iter()
        .map(|cap| refuse(&codes::REGION_CAP, &cap.place, "the pipeline has a cap for each region"))
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
