//! From what came of all rehearsals to one report: when it would be done, what would hold it up, what a
//! failure in each wave would cost. Pure: the same runs give the same report.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::Serialize;

use super::failing::How;
use super::run::{Case, Ended, Ran};
use crate::model::{Calendar, ClusterName, Lane, ProductName, ReleaseId, WaveName};
use crate::plan::{Plan, PlannedWave};
use crate::report::explanation::{Explanation, Unblock};

/// So many examples of rehearsals that did not finish are told.
const EXAMPLES: usize = 5;

/// How far ahead of its end a freeze is worth a word.
const AHEAD: jiff::SignedDuration = jiff::SignedDuration::from_hours(14 * 24);

/// What came of the rehearsals of a release.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// The release.
    pub release: ReleaseId,
    /// Whether every rehearsal finished.
    pub finishes: bool,
    /// The first seed; the others follow it.
    pub seed: u64,
    /// How many rehearsals there were, those with a planted failure left out.
    pub rehearsals: usize,
    /// How many of them finished.
    pub finished: usize,
    /// How many of these with failures that were tolerated, or with clusters left for later.
    pub with_failures: usize,
    /// When they began.
    pub starts: Timestamp,
    /// When those that finished did.
    pub finish: Option<Finish>,
    /// The freezes that begin before it is done, or soon after.
    pub freezes: Vec<FreezeAhead>,
    /// The waves.
    pub waves: Vec<WaveReport>,
    /// What held it up, the longest first.
    pub holds: Vec<HoldReport>,
    /// Some of those that did not finish.
    pub unfinished: Vec<Unfinished>,
    /// What a failure in each wave would cost.
    pub failures: Vec<Cost>,
    /// The waves in which nothing was made to fail, since nothing changes there that could.
    pub nothing_fails: Vec<WaveName>,
    /// The worst of all.
    pub worst: Worst,
    /// How often which fault struck, in all.
    pub faults: BTreeMap<String, u64>,
}

/// A moment, and how long after the start that is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Moment {
    /// When.
    pub at: Timestamp,
    /// In seconds after the start.
    pub seconds: u64,
}

/// When something is over: half of the rehearsals were through by then, nine of ten, all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Finish {
    /// Half of them.
    pub p50: Moment,
    /// Nine of ten.
    pub p90: Moment,
    /// All of them.
    pub latest: Moment,
}

/// A freeze that matters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FreezeAhead {
    /// Its name.
    pub name: String,
    /// When it begins.
    pub begins: Timestamp,
    /// The first moment after it.
    pub ends: Timestamp,
    /// Why.
    pub reason: String,
    /// Who declared it.
    pub author: String,
    /// How many rehearsals were not done when it began.
    pub reached: usize,
}

/// A wave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WaveReport {
    /// Its name.
    pub wave: WaveName,
    /// How many clusters it takes.
    pub clusters: usize,
    /// On how many something changes.
    pub changing: usize,
    /// When its first step was taken.
    pub begins: Option<Finish>,
    /// When it was done.
    pub done: Option<Finish>,
}

/// Something that held the rollout up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HoldReport {
    /// In which wave; the whole rollout if absent.
    pub wave: Option<WaveName>,
    /// A gate's id, or a word of tidegate: `window`, `soak`, `stop-the-line`.
    pub gate: String,
    /// In how many rehearsals.
    pub rehearsals: usize,
    /// For how long where it did, in seconds: half of them not longer.
    pub p50_seconds: u64,
    /// Nine of ten not longer.
    pub p90_seconds: u64,
    /// How many clusters at most, where it held single ones.
    pub clusters: usize,
    /// What it rested on.
    pub evidence: Vec<String>,
    /// What ends it, and who can.
    pub unblock: Unblock,
}

/// A rehearsal that did not finish.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Unfinished {
    /// Its seed.
    pub seed: u64,
    /// How it ended.
    pub ended: Ended,
    /// How long after the start, in seconds.
    pub seconds: u64,
    /// What stands in its way.
    pub left: Option<Explanation>,
}

/// What a failure in a wave costs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Cost {
    /// The wave.
    pub wave: WaveName,
    /// The product that fails.
    pub product: ProductName,
    /// How.
    pub how: How,
    /// On so many clusters.
    pub planted: usize,
    /// The clusters of the wave at which a step was taken.
    pub touched: usize,
    /// The clusters that are hurt when it is over.
    pub hurt: Vec<ClusterName>,
    /// How long after the wave's first step the rollout halted, in seconds; absent if it did not halt.
    pub halts_after_seconds: Option<u64>,
    /// How it ended.
    pub ended: Ended,
    /// What `rollout why` says then.
    pub why: Option<Explanation>,
}

/// The worst case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Worst {
    /// The most clusters that were hurt at once.
    pub clusters: u32,
    /// Of so many.
    pub of: usize,
    /// In the rehearsal of this seed.
    pub seed: u64,
    /// With a failure in this wave, if one was planted.
    pub wave: Option<WaveName>,
    /// Of this product.
    pub product: Option<ProductName>,
    /// In this way.
    pub how: Option<How>,
}

/// The smallest value that is not below `percent` of all; the values are sorted. None of none.
pub fn percentile<T: Copy>(sorted: &[T], percent: usize) -> Option<T> {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied()
}

fn after(start: Timestamp, at: Timestamp) -> u64 {
    u64::try_from(at.duration_since(start).as_secs()).unwrap_or_default()
}

fn finish(start: Timestamp, mut moments: Vec<Timestamp>) -> Option<Finish> {
    moments.sort_unstable();
    let moment = |percent| {
        let at = percentile(&moments, percent)?;
        // Nobody plans by fractions of a second.
        let at = crate::model::whole_second(at);
        Some(Moment { at, seconds: after(start, at) })
    };
    Some(Finish { p50: moment(50)?, p90: moment(90)?, latest: moment(100)? })
}

/// The report of all runs of a plan; `runs` has those with a planted failure, too.
pub fn report(plan: &Plan, calendar: Option<&Calendar>, runs: &[(Case, Ran)]) -> Report {
    let (usual, planted): (Vec<_>, Vec<_>) = runs.iter().partition(|(case, _)| case.planted.is_none());
    let finished: Vec<&Ran> =
        usual.iter().map(|(_, ran)| ran).filter(|ran| ran.ended.is_finished()).collect();
    let starts = runs.iter().map(|(_, ran)| ran.started).min().unwrap_or(plan.made_at);
    let finish = finish(starts, finished.iter().map(|ran| ran.at).collect());
    let mut faults: BTreeMap<String, u64> = BTreeMap::new();
    for (what, times) in usual.iter().flat_map(|(_, ran)| &ran.struck) {
        *faults.entry(what.clone()).or_default() += times;
    }
    let failing: BTreeSet<&WaveName> =
        planted.iter().filter_map(|(case, _)| Some(&case.planted.as_ref()?.wave)).collect();
    let nothing_fails = plan.waves.iter().map(|wave| &wave.name).filter(|wave| !failing.contains(wave));
    Report {
        release: plan.release.id.clone(),
        finishes: finished.len() == usual.len(),
        seed: usual.first().map_or(0, |(case, _)| case.seed),
        rehearsals: usual.len(),
        finished: finished.len(),
        with_failures: finished.iter().filter(|ran| ran.ended == Ended::FinishedWithFailures).count(),
        starts: crate::model::whole_second(starts),
        freezes: calendar
            .map_or_else(Vec::new, |calendar| freezes(plan, calendar, starts, finish.as_ref(), &finished)),
        finish,
        waves: plan.waves.iter().map(|planned| wave(planned, starts, &usual)).collect(),
        holds: holds(&usual),
        unfinished: usual.iter().filter_map(|(case, ran)| unfinished(case, ran)).take(EXAMPLES).collect(),
        failures: planted.iter().filter_map(|(case, ran)| cost(case, ran)).collect(),
        nothing_fails: nothing_fails.cloned().collect(),
        worst: worst(plan, runs),
        faults,
    }
}

/// The freezes that hold for the release's lane and begin before it is done, or soon after.
fn freezes(
    plan: &Plan,
    calendar: &Calendar,
    starts: Timestamp,
    finish: Option<&Finish>,
    finished: &[&Ran],
) -> Vec<FreezeAhead> {
    let last = finish.map_or(starts, |finish| finish.latest.at);
    let horizon = last.checked_add(AHEAD).unwrap_or(Timestamp::MAX);
    let mut found = Vec::new();
    for freeze in calendar.freezes.iter().map(|freeze| &freeze.value) {
        let zone = freeze.time_zone.as_ref().map(|zone| &zone.value);
        let (Some(begins), Some(ends)) = (freeze.from.value.start(zone), freeze.until.value.end(zone)) else {
            continue;
        };
        let lanes = freeze.lanes.as_deref();
        let holds = lanes.map_or(plan.release.lane == Lane::Normal, |lanes| {
            lanes.iter().any(|lane| lane.value == plan.release.lane)
        });
        if !holds || ends <= starts || begins > horizon {
            continue;
        }
        found.push(FreezeAhead {
            name: freeze.name.value.to_string(),
            begins,
            ends,
            reason: freeze.reason.value.clone(),
            author: freeze.author.value.clone(),
            reached: finished.iter().filter(|ran| ran.at > begins).count(),
        });
    }
    found.sort_by_key(|freeze| freeze.begins);
    found
}

fn wave(planned: &PlannedWave, starts: Timestamp, runs: &[&(Case, Ran)]) -> WaveReport {
    let clusters = || planned.pools.iter().flat_map(|pool| &pool.clusters);
    let marks = || runs.iter().filter_map(|(_, ran)| ran.waves.get(&planned.name));
    let changes = |cluster: &&crate::plan::PlannedCluster| {
        !cluster.removals.is_empty() || cluster.targets.iter().any(|target| target.change.acts())
    };
    WaveReport {
        wave: planned.name.clone(),
        clusters: clusters().count(),
        changing: clusters().filter(changes).count(),
        begins: finish(starts, marks().filter_map(|marks| marks.begun).collect()),
        done: finish(starts, marks().filter_map(|marks| marks.done).collect()),
    }
}

fn holds(runs: &[&(Case, Ran)]) -> Vec<HoldReport> {
    let mut all: BTreeMap<_, (Vec<u64>, BTreeSet<&ClusterName>, _)> = BTreeMap::new();
    for (hold, held) in runs.iter().flat_map(|(_, ran)| &ran.holds) {
        let known = all.entry(hold).or_insert_with(|| (Vec::new(), BTreeSet::new(), held));
        known.0.push(held.length.as_secs());
        known.1.extend(&held.clusters);
    }
    let told = all.into_iter().map(|(hold, (mut lengths, clusters, first))| {
        lengths.sort_unstable();
        HoldReport {
            wave: hold.wave.clone(),
            gate: hold.gate.clone(),
            rehearsals: lengths.len(),
            p50_seconds: percentile(&lengths, 50).unwrap_or_default(),
            p90_seconds: percentile(&lengths, 90).unwrap_or_default(),
            clusters: clusters.len(),
            evidence: first.evidence.clone(),
            unblock: first.unblock.clone(),
        }
    });
    let mut told: Vec<HoldReport> = told.collect();
    told.sort_by_key(|hold| std::cmp::Reverse(hold.p90_seconds));
    told
}

fn unfinished(case: &Case, ran: &Ran) -> Option<Unfinished> {
    (!ran.ended.is_finished()).then(|| Unfinished {
        seed: case.seed,
        ended: ran.ended,
        seconds: after(ran.started, ran.at),
        left: ran.left.first().cloned(),
    })
}

fn cost(case: &Case, ran: &Ran) -> Option<Cost> {
    let planted = case.planted.as_ref()?;
    let marks = ran.waves.get(&planted.wave);
    let begun = marks.and_then(|marks| marks.begun);
    let halted = ran.halted.as_ref().filter(|(wave, _)| *wave == planted.wave);
    Some(Cost {
        wave: planted.wave.clone(),
        product: planted.product.clone(),
        how: planted.how,
        planted: planted.clusters.len(),
        touched: marks.map_or(0, |marks| marks.touched.len()),
        hurt: ran.hurt.clone(),
        halts_after_seconds: halted.zip(begun).map(|((_, at), begun)| after(begun, *at)),
        ended: ran.ended,
        why: ran.left.first().cloned(),
    })
}

fn worst(plan: &Plan, runs: &[(Case, Ran)]) -> Worst {
    // The first of those that are equally bad.
    let worst = runs.iter().rev().max_by_key(|(_, ran)| ran.worst);
    let planted = worst.and_then(|(case, _)| case.planted.as_ref());
    Worst {
        clusters: worst.map_or(0, |(_, ran)| ran.worst),
        of: plan.clusters().count(),
        seed: worst.map_or(0, |(case, _)| case.seed),
        wave: planted.map(|planted| planted.wave.clone()),
        product: planted.map(|planted| planted.product.clone()),
        how: planted.map(|planted| planted.how),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_a_value_that_was_there() {
        assert_eq!(percentile::<u64>(&[], 50), None);
        assert_eq!(percentile(&[7], 90), Some(7));
        let ten: Vec<u64> = (1..=10).collect();
        assert_eq!(
            (percentile(&ten, 50), percentile(&ten, 90), percentile(&ten, 100)),
            (Some(5), Some(9), Some(10))
        );
        let twenty: Vec<u64> = (1..=20).collect();
        assert_eq!((percentile(&twenty, 50), percentile(&twenty, 90)), (Some(10), Some(18)));
    }

    #[test]
    fn nothing_finished_has_no_finish() {
        assert_eq!(finish(Timestamp::UNIX_EPOCH, Vec::new()), None);
        let at = |seconds| Timestamp::from_second(seconds).unwrap_or_default();
        let told = finish(at(0), vec![at(30), at(10), at(20)]).map(|f| (f.p50.seconds, f.p90.seconds));
        assert_eq!(told, Some((20, 30)));
    }
}
