//! What waits in the catch-up lane: each entry with what is nearest to it, and the gates of a wave that
//! is over, as far as somebody still has to come through them.

use super::WaitKind;
use super::attempt::{AttemptState, Class};
use super::gates;
use super::obstacle::Outlook;
use super::state::{Cluster, Rollout, Wave};
use crate::journal::{Answer, Override, Side};
use crate::model::Actor;
use crate::plan::{PlannedCluster, PlannedGate, PlannedWave};

/// Whether a cluster that came behind its wave, and had a slot or is tried again, gets none any more:
/// too many failed who came like that.
pub(super) fn starts_no_more(rollout: &Rollout, cluster: &Cluster) -> bool {
    let waits = matches!(cluster.attempt.state.class(), Class::Pending | Class::Blocked | Class::Postponed);
    cluster.late && rollout.is_late_budget_spent() && waits
}

/// For what a cluster waits that follows when its wave is over, and until when if time ends it.
pub(super) fn entry(
    outlook: &Outlook<'_>,
    rollout: &Rollout,
    planned: &PlannedCluster,
    cluster: &Cluster,
    now: jiff::Timestamp,
) -> Option<(WaitKind, Option<jiff::Timestamp>)> {
    let (failed, budget) = rollout.late_failures();
    let reason = match cluster.attempt.state {
        AttemptState::Deferred(reason) => Some(reason),
        _ if starts_no_more(rollout, cluster) => None,
        _ => return None,
    };
    if let Some(obstacle) = outlook.obstacle(rollout, planned) {
        let until = obstacle.until();
        return Some((WaitKind::InTheWay { obstacle }, until));
    }
    let due = cluster.attempt.catches_up_at();
    let cause = cluster.attempt.cause.clone().unwrap_or_default();
    let due_now = due <= now && failed <= budget;
    Some((WaitKind::CatchUp { reason, cause, failed, budget, due: due_now }, (due > now).then_some(due)))
}

/// A gate that somebody has to come through who catches up: with its answer that says no, if there is
/// one, and who took a yes back.
pub(super) fn gates<'a>(
    rollout: &'a Rollout,
    planned: &'a PlannedWave,
    wave: &'a Wave,
    now: jiff::Timestamp,
) -> Vec<(&'a PlannedGate, Option<Answer>, Option<Actor>)> {
    if !wave.phase.is_over() || !rollout.late_asks(&planned.name, Side::Before) {
        return Vec::new();
    }
    let standing = rollout.late_gates(&planned.name, now);
    if standing.open {
        return Vec::new();
    }
    let mark =
        rollout.by_wave.get(&planned.name).map_or(0, |index| rollout.evidence_mark(*index, Side::Before));
    let all = gates::planned(planned, Side::Before).iter();
    all.filter(|gate| !rollout.is_overridden(&Override::Gate(gate.id.clone())))
        .filter_map(|gate| {
            let known = wave.gate(Side::Before, &gate.id);
            let answer = known.and_then(|g| g.valid(mark, now)).filter(|answer| !answer.open);
            // What is neither asked nor answered with no is open, or behind one that waits.
            (answer.is_some() || standing.ask.contains(&gate.id)).then(|| {
                let revoked = known.and_then(|g| g.revoked()).map(|(actor, _, _)| actor.clone());
                (gate, answer.cloned(), revoked)
            })
        })
        .collect()
}
