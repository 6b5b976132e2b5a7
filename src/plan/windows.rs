//! What the calendar says of a plan at the moment it is made: nothing is refused for it, since a
//! rollout waits by itself; people shall know for how long.

use super::PlannedWave;
use crate::diag::{Finding, Findings, codes, count_of};
use crate::model::Lane;
use crate::model::calendar::{Calendar, Closed, Subject, Verdict};

/// For each wave whose clusters may not change now: how many, why, and the next opening.
pub(super) fn closed_now(
    calendar: &Calendar,
    lane: Lane,
    waves: &[PlannedWave],
    now: jiff::Timestamp,
) -> Findings {
    let mut findings = Findings::new();
    let mut moment = calendar.moment(now);
    for wave in waves {
        let (mut closed, mut first): (usize, Option<Closed>) = (0, None);
        for cluster in wave.pools.iter().flat_map(|pool| &pool.clusters) {
            if let Verdict::Closed(found) = moment.verdict(&Subject::new(lane, &wave.name, &cluster.labels)) {
                closed += 1;
                let opens = |c: &Closed| c.next_opening.unwrap_or(jiff::Timestamp::MAX);
                if first.as_ref().is_none_or(|known| opens(&found) < opens(known)) {
                    first = Some(found);
                }
            }
        }
        let Some(first) = first else { continue };
        let opening = first.next_opening.map_or_else(
            || "it does not open within ten years".to_owned(),
            |at| format!("the next opening is {at}"),
        );
        findings.push(Finding::warning(
            &codes::CLOSED_NOW,
            format!(
                "wave `{}`: {} must wait now: {}; {opening}",
                wave.name,
                count_of(closed, wave.size(), "cluster"),
                first.words()
            ),
        ));
    }
    findings
}
