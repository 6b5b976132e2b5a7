//! The rules about going back, read a second time (rules 11 and 12): from the plans of a rollback and
//! of the rollout that it takes back, without the code that put the steps in order.

use super::attempt::Attempt;
use super::invariant::{Broken, demand};
use super::state::{FleetState, Rollout, RolloutState};
use crate::journal::StepId;
use crate::plan::{Change, Plan, PlannedCluster, Target};
use crate::resolve::Reason;

type Checked = Result<(), Broken>;

/// A cluster may start: nothing starts in a rollout that is taken back, a rollback goes to what
/// carries the bad inputs alone and in reverse order of waves, and nothing else lowers a product.
pub(super) fn claim(state: &FleetState, rollout: &Rollout, planned: &PlannedCluster) -> Checked {
    let name = &planned.name;
    for other in state.open_rollouts().filter(|other| other.rolls_back() == Some(&rollout.id)) {
        demand(11, false, || format!("{name} would start in {}, which {} takes back", rollout.id, other.id))?;
    }
    let Some(of) = rollout.rolls_back() else {
        return planned.targets.iter().try_for_each(|target| forward(state, rollout, planned, target));
    };
    let Some(original) = state.rollout(of) else {
        return demand(11, false, || format!("{of} was never recorded"));
    };
    let linked = original.state == RolloutState::RollingBack { by: rollout.id.clone() };
    demand(11, linked, || format!("{name} would go back while {of} is {}", original.state.word()))?;
    demand(11, is_reverse(&rollout.plan, &original.plan), || {
        format!("the waves of {} are not those of {of} in reverse", rollout.id)
    })?;
    let Some(bad) = original.by_uid.get(&planned.uid).and_then(|i| original.planned_cluster(*i)) else {
        return demand(12, false, || format!("{of} never planned {name}"));
    };
    for target in
        planned.targets.iter().filter(|t| matches!(t.change, Change::Lower { .. } | Change::Raise { .. }))
    {
        let brought = bad.targets.iter().find(|t| t.product == target.product).map(|t| t.inputs);
        let runs = planned.from.get(&target.product).map(|found| found.inputs);
        demand(12, brought.is_some() && brought == runs, || {
            format!("{} of {name} would go back although {of} did not bring what runs", target.product)
        })?;
    }
    Ok(())
}

/// Whether the waves of one plan are some of the other's, in reverse order.
fn is_reverse(plan: &Plan, original: &Plan) -> bool {
    let place = |name| original.waves.iter().position(|w| &w.name == name);
    let places: Vec<Option<usize>> = plan.waves.iter().map(|w| place(&w.name)).collect();
    places.iter().all(Option::is_some) && places.windows(2).all(|pair| matches!(pair, [a, b] if a > b))
}

/// Forward a product falls only when the release lists it, or a pin or hold that ended had raised it.
/// Plans of older versions do not say what their release lists.
fn forward(state: &FleetState, rollout: &Rollout, planned: &PlannedCluster, target: &Target) -> Checked {
    let (Change::Lower { from }, Some(lowers)) = (&target.change, &rollout.plan.release.lowers) else {
        return Ok(());
    };
    let runs = planned.from.get(&target.product).map(|found| found.digest);
    let raised_by_pin = state.rollouts.iter().any(|other| {
        let there = other.by_uid.get(&planned.uid).and_then(|i| other.planned_cluster(*i));
        let targets = there.map(|c| c.targets.as_slice()).unwrap_or_default();
        targets.iter().any(|t| {
            let pinned = matches!(t.reason, Reason::Pin { .. } | Reason::Hold { .. });
            t.product == target.product && Some(t.digest) == runs && pinned
        })
    });
    demand(12, lowers.contains(&target.product) || raised_by_pin, || {
        format!("{} of {} would fall from {from} to {}", target.product, planned.name, target.version)
    })
}

/// A step of a rollback may begin: it is in reverse phase order, and it is not one-way.
pub(super) fn step(rollout: &Rollout, planned: &PlannedCluster, attempt: &Attempt, id: &StepId) -> Checked {
    let (Some(of), Some(product)) = (rollout.rolls_back(), id.product().filter(|_| !id.is_test())) else {
        return Ok(());
    };
    if let StepId::Deploy { product, step } = id {
        let content = planned.targets.iter().find(|t| t.product == *product);
        let content = content.and_then(|t| rollout.plan.products.get(&t.digest));
        let own = content.is_some_and(|c| c.steps.iter().any(|s| s.name == *step && s.one_way));
        demand(11, !own && !planned.skips(product, step), || {
            format!("{id} on {} is one-way, and {} would pass it backwards", planned.name, rollout.id)
        })?;
    }
    let phase = planned.phase_of(product);
    for other in attempt.steps.iter().filter(|s| !s.step.id.is_test()) {
        let Some(theirs) = other.step.id.product().and_then(|p| planned.phase_of(p)) else { continue };
        let in_order = if other.is_done() { Some(theirs) >= phase } else { Some(theirs) <= phase };
        demand(11, in_order, || {
            format!(
                "{id} on {} would not be in the reverse order of {of}: {} is of phase {theirs}",
                planned.name, other.step.id
            )
        })?;
    }
    Ok(())
}
