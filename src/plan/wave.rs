//! A wave as it will be executed: caps and budgets as numbers, gates with ids. Defaults and the
//! notices about what was written and can't be meant live here.

use std::collections::BTreeMap;

use super::pools::count;
use super::{
    GateKind, PlannedComparison, PlannedGate, PlannedMetric, PlannedPool, PlannedProduct, PlannedSoak,
    PlannedWave, Target,
};
use crate::diag::{Finding, Findings, codes};
use crate::digest::Digest;
use crate::model::{
    ApprovalGate, Budget, CommandGate, Duration, Gate, GateId, MetricGate, RollbackRules, Soak, SoakClock,
    TestPolicy, Wave,
};
use crate::yaml::{Node, Spanned};

/// The cap of the first wave that names none: one cluster proves the release before others follow.
const FIRST_WAVE_AT_ONCE: u32 = 1;
/// The cap of every other wave that names none.
const WAVE_AT_ONCE: u32 = 4;

/// How long a script's or a metric's yes counts, unless the gate says otherwise.
const GATE_VALID: Duration = Duration::seconds(600);
/// How long after a no they are asked again.
const GATE_AGAIN: Duration = Duration::seconds(60);

/// A wave whose clusters were all never reached: it would be skipped with its gates and its soak, and
/// its clusters would follow without them.
pub(super) fn unseen(wave: &Wave, clusters: usize) -> Finding {
    let name = &wave.name.value;
    let clusters = crate::diag::count(count(clusters), "cluster");
    Finding::error(
        &codes::CLUSTER_NEVER_REACHED,
        format!(
            "wave `{name}` has {clusters}, and none was ever reached: its gates and its soak would be skipped"
        ),
    )
    .at(&wave.name.place)
    .hint("make one of them reachable, then leave the others to catch-up with `--defer-unknown`")
}

/// The wave with these pools; its digest is still to be taken.
pub(super) fn planned(
    wave: &Wave,
    first: bool,
    pools: Vec<PlannedPool>,
    unseen: bool,
) -> (PlannedWave, Findings) {
    let mut findings = Findings::new();
    let size = count(pools.iter().map(|pool| pool.clusters.len()).sum());
    let name = &wave.name.value;
    if size == 0 && !unseen {
        let place = wave.selector.as_ref().map_or(&wave.name.place, |selector| &selector.place);
        findings.push(
            Finding::warning(
                &codes::EMPTY_WAVE,
                format!("wave `{name}` has no cluster: it will be skipped, with its gates and its soak"),
            )
            .at(place),
        );
    }
    let at_once = match &wave.at_once {
        Some(cap) => cap.value.of(size),
        None => Some(if first { FIRST_WAVE_AT_ONCE } else { WAVE_AT_ONCE }),
    };
    if let Some(cap) = wave.at_once.as_ref().filter(|_| at_once == Some(0)) {
        findings.push(
            Finding::warning(
                &codes::CAP_HOLDS,
                format!("wave `{name}` holds: its cap is 0, so no cluster starts"),
            )
            .at(&cap.place)
            .hint("write `unlimited` for no cap"),
        );
    }
    let failure_budget =
        budget(wave, "failureBudget", "fail", wave.failure_budget.as_ref(), size, &mut findings);
    let deferred_budget =
        budget(wave, "deferredBudget", "stay deferred", wave.deferred_budget.as_ref(), size, &mut findings);
    let default_tests = if first { TestPolicy::All } else { TestPolicy::Changed };
    let planned = PlannedWave {
        name: name.clone(),
        digest: Digest::from_bytes([0; 32]),
        pools,
        at_once,
        failure_budget,
        deferred_budget,
        canary: wave.canary,
        cluster_deadline: wave.cluster_deadline.as_ref().map(|length| length.value),
        tests: wave.tests.as_ref().map_or(default_tests, |tests| tests.value),
        soak: wave.soak.as_ref().map(|soak| self::soak(&soak.value)),
        gates_before: gates(&wave.gates.before),
        gates_after: gates(&wave.gates.after),
    };
    (planned, findings)
}

/// A wave that is to run all tests and has none: it will halt, even if nothing is to change in it.
pub(super) fn without_tests(
    wave: &PlannedWave,
    products: &BTreeMap<Digest, PlannedProduct>,
) -> Option<Finding> {
    let clusters = || wave.pools.iter().flat_map(|pool| &pool.clusters);
    let tested =
        |target: &Target| products.get(&target.digest).is_some_and(|product| !product.tests.is_empty());
    if wave.tests != TestPolicy::All || wave.size() == 0 || clusters().any(|c| c.targets.iter().any(tested)) {
        return None;
    }
    let message = format!(
        "wave `{}` runs all tests and has none to run: it will halt when its clusters are done",
        wave.name
    );
    Some(
        Finding::warning(&codes::NO_TEST_TO_RUN, message)
            .hint("give a product on its clusters a test, or write `tests: changed` for the wave"),
    )
}

/// A budget as a number: 0 for a canary or where none is written, and never above the wave's size.
fn budget(
    wave: &Wave,
    field: &str,
    verb: &str,
    written: Option<&Spanned<Budget>>,
    size: u32,
    findings: &mut Findings,
) -> u32 {
    let Some(written) = written else { return 0 };
    let name = &wave.name.value;
    let number = written.value.of(size);
    if wave.canary {
        if number > 0 {
            findings.push(
                Finding::warning(
                    &codes::CANARY_TOLERATES_NOTHING,
                    format!("wave `{name}` is a canary: its `{field}` of {} counts as 0", written.value),
                )
                .at(&written.place),
            );
        }
        return 0;
    }
    // A wave without clusters says enough by being empty.
    if number > size && size > 0 {
        findings.push(
            Finding::warning(
                &codes::BUDGET_CLAMPED,
                format!(
                    "wave `{name}` lets {} {verb} and has {size}: its `{field}` counts as {size}",
                    crate::diag::count(number, "cluster")
                ),
            )
            .at(&written.place),
        );
    }
    number.min(size)
}

fn soak(soak: &Soak) -> PlannedSoak {
    let (length, clock) = (soak.length.value, soak.clock.value);
    let every = soak.observe_every.as_ref().map_or(PlannedSoak::OBSERVE_EVERY, |every| every.value);
    PlannedSoak { length, clock, observe_every: (clock == SoakClock::Observed).then_some(every) }
}

/// The gates with their ids: the kind, from the second of a kind on with a number.
fn gates(written: &[Spanned<Gate>]) -> Vec<PlannedGate> {
    let mut seen: BTreeMap<&str, u32> = BTreeMap::new();
    written
        .iter()
        .filter_map(|gate| {
            let (word, kind) = match &gate.value {
                Gate::Approval(approval) => ("approval", self::approval(approval)),
                Gate::Command(command) => ("command", self::command(command)),
                Gate::Metric(metric) => ("metric", GateKind::Metric(Box::new(self::metric(metric)))),
            };
            let number = seen.entry(word).or_default();
            *number += 1;
            let id = if *number == 1 { word.to_owned() } else { format!("{word}-{number}") };
            // Words and numbers are always ids.
            let id: GateId = id.parse().ok()?;
            Some(PlannedGate { id, kind })
        })
        .collect()
}

/// What is asked before a rollback begins.
pub(super) fn rollback_gate(rules: &RollbackRules) -> Option<PlannedGate> {
    let id: GateId = "approval".parse().ok()?;
    Some(PlannedGate { id, kind: approval(&rules.approval.value) })
}

fn approval(gate: &ApprovalGate) -> GateKind {
    GateKind::Approval {
        by: gate.by.value.clone(),
        quorum: gate.quorum.as_ref().map_or(1, |quorum| quorum.value),
        valid_for: gate.valid_for.as_ref().map(|length| length.value),
        author: gate.author,
        signed: gate.signed,
    }
}

fn command(gate: &CommandGate) -> GateKind {
    GateKind::Command {
        run: gate.run.value.clone(),
        env: gate.env.as_ref().map(Node::to_json).unwrap_or_default(),
        timeout: or(gate.timeout.as_ref(), Duration::seconds(60)),
        valid_for: or(gate.valid_for.as_ref(), GATE_VALID),
        ask_every: or(gate.ask_every.as_ref(), GATE_AGAIN),
    }
}

fn metric(gate: &MetricGate) -> PlannedMetric {
    PlannedMetric {
        prometheus: gate.prometheus.value.clone(),
        token: gate.token.as_ref().map(Node::to_json).unwrap_or_default(),
        query: gate.query.value.clone(),
        window: or(gate.window.as_ref(), Duration::seconds(600)),
        step: or(gate.step.as_ref(), Duration::seconds(30)),
        min_samples: gate.min_samples.as_ref().map_or(5, |n| n.value),
        max: gate.max.as_ref().map(|n| n.value),
        min: gate.min.as_ref().map(|n| n.value),
        compare: gate
            .compare
            .as_ref()
            .map(|c| PlannedComparison { worse: c.value.worse, percent: c.value.percent.value }),
        valid_for: or(gate.valid_for.as_ref(), GATE_VALID),
        ask_every: or(gate.ask_every.as_ref(), GATE_AGAIN),
    }
}

fn or(written: Option<&Spanned<Duration>>, usual: Duration) -> Duration {
    written.map_or(usual, |length| length.value)
}
