//! The rules about what may be in a cluster's way, read a second time (rules 3, 4, 5 and 8): from the
//! stop-the-lines, holds, members and rollouts themselves, without the function that found no obstacle.

use super::attempt::{Attempt, AttemptState, Class};
use super::invariant::{Broken, demand};
use super::pace::REGION;
use super::state::{FleetState, Rollout, RolloutState};
use crate::journal::{AttemptId, StopScope};
use crate::model::Lane;
use crate::plan::PlannedCluster;

type Checked = Result<(), Broken>;

/// A cluster may be claimed as far as live facts and other rollouts go.
pub(super) fn claim(
    state: &FleetState,
    rollout: &Rollout,
    planned: &PlannedCluster,
    now: jiff::Timestamp,
) -> Checked {
    not_stopped(state, rollout, planned)?;
    let name = &planned.name;
    if let Some(known) = state.membership() {
        let newer = rollout.plan_seq < known.seq;
        let member = known.clusters.get(name);
        demand(4, member.is_some() || !newer, || format!("{name} would start although it left the fleet"))?;
        demand(8, member.is_none_or(|m| !m.hibernated), || {
            format!("{name} would start although it is hibernated")
        })?;
    }
    for (cluster, hold) in state.holds() {
        if cluster != name || hold.until.is_some_and(|end| end <= now) {
            continue;
        }
        let against = hold.kept.as_ref().is_none_or(|kept| {
            let target = planned.targets.iter().find(|t| t.product == kept.product);
            target.is_some_and(|t| t.digest != kept.digest) || planned.removals.contains(&kept.product)
        });
        demand(8, !against, || format!("{name} would start although {} holds it", hold.by))?;
    }
    open_now(state, rollout, planned, now)?;
    pace(state, rollout, planned, now)?;
    let rank = |r: &Rollout| (r.plan.rollback().is_none(), r.plan.release.lane == Lane::Normal);
    let mut before = true;
    for other in state.open_rollouts() {
        if other.id == rollout.id {
            before = false;
            continue;
        }
        let ahead = match rank(other).cmp(&rank(rollout)) {
            std::cmp::Ordering::Less => true,
            std::cmp::Ordering::Greater => false,
            std::cmp::Ordering::Equal => before,
        };
        let same = |c: &PlannedCluster| c.uid == planned.uid || c.name == *name;
        let Some(place) = other.by_uid.get(&planned.uid).or_else(|| other.by_name.get(name)) else {
            continue;
        };
        let Some(there) = other.clusters.get(*place) else { continue };
        demand(5, other.planned_cluster(*place).is_some_and(same), || format!("{} lost {name}", other.id))?;
        let over = other.waves.get(there.wave).is_some_and(|wave| wave.phase.is_over());
        // One that follows behind its wave keeps nobody out, unless it is at work.
        let follows = there.late && !matches!(there.attempt.state.class(), Class::Active | Class::Unknown);
        let free = follows || (there.attempt.state.is_settled() && over);
        demand(5, free || !ahead, || format!("{name} would start before {} is through with it", other.id))?;
    }
    Ok(())
}

/// Only who is no member departs, and no step is left running behind.
pub(super) fn departure(state: &FleetState, rollout: &Rollout, id: &AttemptId) -> Checked {
    let known = state.membership().is_some_and(|known| known.clusters.contains_key(&id.cluster));
    demand(4, !known && state.membership().is_some(), || format!("{} would depart and is a member", id))?;
    let steps = rollout.cluster(&id.cluster).map(|c| c.attempt.steps.as_slice()).unwrap_or_default();
    demand(7, steps.iter().all(|s| s.open.is_empty()), || format!("{id} would depart while a step runs"))
}

/// Rule 2 for regions and start rates, over all rollouts.
fn pace(state: &FleetState, rollout: &Rollout, planned: &PlannedCluster, now: jiff::Timestamp) -> Checked {
    let name = &planned.name;
    let new = rollout.cluster(name).is_some_and(|c| c.attempt.claimed_at.is_none());
    let own = std::iter::once(rollout).filter(|r| !r.state.is_open());
    for open in state.open_rollouts().chain(own) {
        let pipeline = &open.plan.pipeline;
        if let Some((region, cap)) =
            planned.labels.get(REGION).and_then(|r| pipeline.regions.get_key_value(r))
        {
            let held = state.claims.iter().filter(|(uid, holder)| {
                let plan = state.rollout(holder).map(|r| &r.plan);
                plan.into_iter()
                    .flat_map(|p| p.clusters())
                    .any(|(_, _, c)| c.uid == **uid && c.labels.get(REGION) == Some(region))
            });
            let used = held.count();
            demand(2, used < *cap as usize, || format!("{name} would be one more than {used} in {region}"))?;
        }
        if let Some(rate) = pipeline.start_rate.filter(|_| new) {
            let recent = state.starts.iter().filter(|at| now < rate.per.after(**at)).count();
            demand(2, recent < rate.clusters as usize, || {
                format!("{name} would be one more than {recent} that started within {}", rate.per)
            })?;
        }
    }
    Ok(())
}

/// A preflight, or a step that nobody has begun, may begin.
pub(super) fn next(
    state: &FleetState,
    rollout: &Rollout,
    planned: &PlannedCluster,
    now: jiff::Timestamp,
) -> Checked {
    not_stopped(state, rollout, planned)?;
    open_now(state, rollout, planned, now)
}

/// No window or freeze forbids it at this moment.
fn open_now(
    state: &FleetState,
    rollout: &Rollout,
    planned: &PlannedCluster,
    now: jiff::Timestamp,
) -> Checked {
    let Some(recorded) = state.calendar() else { return Ok(()) };
    let wave = rollout
        .plan
        .waves
        .iter()
        .find(|wave| wave.pools.iter().any(|pool| pool.clusters.iter().any(|c| c.name == planned.name)));
    let open = wave.is_some_and(|wave| {
        recorded.calendar.at(now, &rollout.subject(&wave.name, &planned.labels)).is_open()
    });
    demand(8, open, || format!("{} would go on although the calendar forbids it", planned.name))
}

fn not_stopped(state: &FleetState, rollout: &Rollout, planned: &PlannedCluster) -> Checked {
    for (scope, _) in state.stops() {
        let reached = match scope {
            StopScope::Fleet => true,
            StopScope::Rollout { rollout: id } => *id == rollout.id,
            StopScope::Clusters { labels } => {
                labels.iter().all(|pair| planned.labels.iter().any(|(label, value)| (label, value) == pair))
            }
        };
        demand(3, !reached, || {
            format!("{} would go on although the line of {scope} is stopped", planned.name)
        })?;
    }
    Ok(())
}

/// A cluster may be left for later: nothing was written there, or its wave stays open for it.
pub(super) fn deferral(rollout: &Rollout, planned: &PlannedCluster, settles: bool) -> Checked {
    let name = &planned.name;
    demand(3, rollout.state == RolloutState::Running, || {
        format!("{} is {}", rollout.id, rollout.state.word())
    })?;
    let cluster = rollout.cluster(name);
    let written = cluster.is_some_and(|c| {
        c.earlier.iter().chain([&c.attempt]).flat_map(Attempt::steps).any(|step| step.tries() > 0)
    });
    demand(1, !(written && settles), || format!("{name} would count as settled half-updated"))?;
    let at_work = cluster.is_some_and(|c| {
        !matches!(
            c.attempt.state,
            AttemptState::Pending | AttemptState::Blocked(_) | AttemptState::Deferred(_)
        )
    });
    demand(7, !at_work, || format!("{name} is not waiting for its turn"))
}
