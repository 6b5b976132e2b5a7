//! By when Kubernetes must be on its way to the next minor: what support says of each row, how many hops lead
//! out of it, and what the course through the fleet takes. A minor that loses its support just as early is no
//! way out. Where nothing newer is offered, or support has ended, there is nothing to count.

use std::collections::BTreeSet;

use jiff::civil::Date;

use super::declared::Item;
use super::material::{Material, NEAR};
use super::row::{Row, Status};
use super::support::countdown::Start;
use super::support::course::{Course, Deadline};
use super::support::kubernetes::{Provider, window};
use super::support::standing::{Phase, Standing};
use crate::model::ClusterName;
use crate::version::{KubeMinor, KubeVersion};

/// A provider's own answer that is older than so many days is told.
const OLD: u32 = 31;

/// Completes the rows of Kubernetes with the day by which the first wave must start.
pub fn put(rows: &mut [Row], material: &Material, course: &Course, now: jiff::Timestamp) {
    let today = now.to_zoned(jiff::tz::TimeZone::UTC).date();
    for row in rows {
        if let Item::Addon { provider, .. } = &row.item {
            let told = material.addons.get(provider);
            row.notes.extend(told.and_then(|told| told.stale(now, OLD)));
        }
        let Item::Kubernetes(channel) = &row.item else { continue };
        let Some(provider) = Provider::of_channel(channel) else { continue };
        let offered = material.offered.get(&provider);
        row.notes.extend(offered.and_then(|offered| offered.stale(now, OLD)));
        row.deadline = deadline(row, provider, material, course, today);
        if let Some(deadline) = &row.deadline {
            let days = match deadline.countdown.start {
                Start::By { left, .. } => left,
                Start::TooLate { by } => by.saturating_neg(),
            };
            // Who must have started knows all there is to know of the end.
            row.statuses.retain(|status| !matches!(status, Status::Ending { .. }));
            if days <= NEAR {
                row.statuses.push(Status::Ending { days, words: deadline.countdown.short() });
            }
            row.statuses.sort();
        }
        let standing = row.window.as_ref().and_then(|window| window.standing());
        if let Some(Standing { phase: Phase::Extended, life: Some(day), .. }) = standing {
            row.notes.push(format!("{} ended on {day}", provider.support(Phase::Active)));
        }
    }
}

fn deadline(
    row: &Row,
    provider: Provider,
    material: &Material,
    course: &Course,
    today: Date,
) -> Option<Deadline> {
    let from = row.minor?;
    let standing = row.window.as_ref()?.standing()?;
    let end = standing.end().filter(|_| !matches!(standing.phase, Phase::Ended | Phase::Unknown))?;
    let stops: Vec<KubeMinor> =
        row.stops.iter().filter_map(|stop| KubeVersion::of_numbers(stop)).map(|stop| stop.minor()).collect();
    let outlasts = |minor: &KubeMinor| {
        let offered = material.offered.get(&provider).map(AsRef::as_ref);
        let window = window(provider, &KubeVersion::from(*minor), offered, &material.known, today);
        window.standing().is_none_or(|stop| outlasts(stop, standing.phase, end))
    };
    let to = *stops.iter().find(|minor| outlasts(minor)).or(stops.last())?;
    let hops = to.minor.checked_sub(from.minor).filter(|hops| *hops > 0)?;
    let clusters: BTreeSet<ClusterName> =
        row.running.iter().flat_map(|(_, clusters)| clusters.iter()).cloned().collect();
    let (countdown, closed) = course.countdown(&clusters, end, today, hops);
    Some(Deadline {
        of: format!("{provider} {from}"),
        support: provider.support(standing.phase),
        to: to.to_string(),
        countdown,
        closed,
        basis: course.basis.clone(),
    })
}

/// Whether a minor on the way still has the support that is about to end elsewhere.
fn outlasts(stop: &Standing, phase: Phase, end: Date) -> bool {
    let own = match phase {
        Phase::Extended => stop.extended.max(stop.life),
        _ => stop.life,
    };
    stop.phase != Phase::Ended && own.is_none_or(|own| own > end)
}

#[cfg(test)]
#[path = "deadlines_tests.rs"]
mod tests;
