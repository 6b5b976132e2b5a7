//! Rules 11 and 12 read a second time, from the plans of a rollback and of what it takes back alone.

use std::collections::BTreeMap;

use tidegate::journal::{AttemptId, StepId};
use tidegate::model::ProductName;
use tidegate::plan::{Change, Plan, PlannedCluster};

use crate::checker::{Mode, Run, Verdict};

type Checked = Result<(), String>;

fn demand(holds: bool, why: impl FnOnce() -> String) -> Checked {
    if holds { Ok(()) } else { Err(why()) }
}

/// A rollback begins: what it takes back rests, its waves, pools and clusters come in reverse order,
/// and every cluster of it got something from there.
pub fn begins(plan: &Plan, original: &Run) -> Checked {
    let rests = matches!(original.mode, Mode::Paused | Mode::Halted | Mode::Ended | Mode::Through);
    demand(rests, || format!("rule 11: what it takes back is {:?}", original.mode))?;
    let order: BTreeMap<_, _> =
        original.plan.clusters().enumerate().map(|(n, (_, _, cluster))| (&cluster.uid, n)).collect();
    let mut last = usize::MAX;
    for (_, _, cluster) in plan.clusters() {
        let name = &cluster.name;
        let place = *order.get(&cluster.uid).ok_or("rule 11: it never planned that cluster")?;
        demand(place < last, || format!("rule 11: {name} is not in reverse order"))?;
        last = place;
        let member = &original.members[name];
        demand(member.touched, || format!("rule 11: {name} carries nothing of it"))?;
        let rests = !matches!(member.verdict, Verdict::Works | Verdict::Unknown);
        demand(rests, || format!("rule 11: {name} is {:?}", member.verdict))?;
    }
    Ok(())
}

/// Rule 12: a product falls only in a rollback, from what the rollout had brought, or as the release
/// says.
pub fn lowers(plan: &Plan, original: Option<&Plan>) -> Checked {
    for (_, _, cluster) in plan.clusters() {
        for target in &cluster.targets {
            let Change::Lower { from } = &target.change else { continue };
            let product = &target.product;
            let brought = original.and_then(|o| o.cluster(&cluster.name)).is_some_and(|(_, _, bad)| {
                bad.targets.iter().any(|t| t.product == *product && t.version == *from)
            });
            let meant = plan.release.lowers.as_ref().is_some_and(|all| all.contains(product));
            let legal = if original.is_some() { brought } else { meant };
            demand(legal, || format!("rule 12: {product} would fall on {}", cluster.name))?;
        }
    }
    Ok(())
}

/// The phase that a product had on the way there; what was taken away then comes back first.
fn phase(bad: &PlannedCluster, product: &ProductName) -> u32 {
    bad.targets.iter().find(|t| t.product == *product).map_or(u32::MAX, |t| t.phase)
}

/// Rule 11: a step of a rollback is not one-way, and no product of a higher phase is left to be done.
pub fn in_order(run: &Run, original: &Run, id: &AttemptId, step: &StepId) -> Checked {
    let (_, _, planned) = run.plan.cluster(&id.cluster).ok_or("rule 5: not planned")?;
    let (_, _, bad) = original.plan.cluster(&id.cluster).ok_or("rule 11: never planned")?;
    let Some(product) = step.product().filter(|_| !step.is_test()) else { return Ok(()) };
    if let StepId::Deploy { step: name, .. } = step {
        for (plan, cluster) in [(&run.plan, planned), (&original.plan, bad)] {
            let target = cluster.targets.iter().find(|t| t.product == *product);
            let content = target.and_then(|t| plan.products.get(&t.digest));
            let one_way = content.is_some_and(|c| c.steps.iter().any(|s| s.name == *name && s.one_way));
            demand(!one_way, || format!("rule 11: {step} is one-way"))?;
        }
    }
    let own = phase(bad, product);
    for (other, log) in &run.members[&id.cluster].log {
        let Some(theirs) = other.product().filter(|_| !other.is_test()).map(|p| phase(bad, p)) else {
            continue;
        };
        let fits = if log.done { theirs >= own } else { theirs <= own };
        demand(fits, || format!("rule 11: {step} and {other} are in the wrong order"))?;
    }
    Ok(())
}
