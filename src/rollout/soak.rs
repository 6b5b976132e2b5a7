//! Observed soak: how long each cluster of a wave was seen to be well without a break. Time counts
//! between two looks that found it well and were no further apart than the plan says; whatever else
//! happened, its soak starts anew. The longest stay counts. A soaking cluster holds no slot.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::attempt::recheck;
use super::effect::Effect;
use super::effects::Gathered;
use super::state::{FleetState, Rollout, Wave, WavePhase};
use crate::journal::{Body, Found, Override};
use crate::model::{ClusterName, Duration, SoakClock};
use crate::plan::{PlannedSoak, PlannedWave};

/// At most so many looks are named at once; the others follow as they end.
const LOOKS_AT_ONCE: usize = 64;

/// How one cluster of a soaking wave fares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stay {
    /// Since when it has been well, as far as that was seen; `None` while it is not.
    pub(super) since: Option<Timestamp>,
    /// When it was last seen well.
    pub(super) well: Option<Timestamp>,
    /// The longest time for which it was seen to be well without a break.
    pub(super) longest: SignedDuration,
    /// Looks in a row that did not find it well.
    pub(super) misses: u32,
    /// What the last of these found.
    pub(super) cause: Option<String>,
    /// When it is looked at next; `None` once it has soaked.
    pub(super) due: Option<Timestamp>,
}

/// How the clusters of a wave fare that soaks by `clock: observed`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Stays {
    stays: BTreeMap<usize, Stay>,
    /// Those that have not soaked, by the moment of their next look.
    due: BTreeSet<(Timestamp, usize)>,
}

/// How a soak stands at a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SoakOutlook {
    /// The earliest moment at which it can be over.
    pub ends: Timestamp,
    /// What looks say of it; `None` for the wall clock.
    pub observed: Option<ObservedSoak>,
}

/// How an observed soak stands at a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObservedSoak {
    /// So many of its clusters have soaked.
    pub soaked: u32,
    /// Of so many.
    pub of: u32,
    /// How far apart two looks may be.
    pub every: Duration,
    /// When the next look is due.
    pub next: Option<Timestamp>,
    /// Until when somebody must look so that the time so far keeps counting; `None` when no stay is
    /// running.
    pub look_by: Option<Timestamp>,
    /// Clusters that the last look did not find well: what it found, and how many looks in a row.
    pub ill: Vec<(ClusterName, String, u32)>,
}

/// How far apart two looks may be, of a soak that is observed.
pub(super) fn observed(planned: &PlannedWave) -> Option<(&PlannedSoak, Duration)> {
    let soak = planned.soak.as_ref().filter(|soak| soak.clock == SoakClock::Observed)?;
    Some((soak, soak.observe_every.unwrap_or(PlannedSoak::OBSERVE_EVERY)))
}

fn span(duration: Duration) -> SignedDuration {
    SignedDuration::from_secs(i64::try_from(duration.as_seconds()).unwrap_or(i64::MAX))
}

/// A part of a time in whole seconds, at least one.
fn part(of: Duration, over: u64, under: u64) -> Duration {
    Duration::seconds((of.as_seconds() * over / under).max(1))
}

impl Stay {
    fn new() -> Self {
        let (since, well, cause, due) = (None, None, None, None);
        Self { since, well, longest: SignedDuration::ZERO, misses: 0, cause, due }
    }

    /// Since when the stay that runs at this moment does; `None` when none does, or the last look is
    /// too long ago.
    fn running(&self, every: Duration, now: Timestamp) -> Option<Timestamp> {
        self.since.filter(|_| self.well.is_some_and(|well| now <= every.after(well)))
    }

    fn look(&mut self, found: Found, cause: &str, at: Timestamp, length: Duration, every: Duration) {
        // A driver that stays looks well before the time is up, so that a slow cluster loses nothing.
        let soon = part(every, 2, 5);
        let running = self.running(every, at);
        match found {
            Found::Well => {
                let since = running.unwrap_or(at);
                (self.since, self.well) = (Some(since), Some(at));
                self.longest = self.longest.max(at.duration_since(since));
                (self.misses, self.cause) = (0, None);
                self.due = Some(soon.after(at).min(length.after(since)));
            }
            Found::Ill | Found::Unseen => {
                self.misses = self.misses.saturating_add(1);
                self.cause = Some(cause.to_owned());
                if found == Found::Ill {
                    self.since = None;
                }
                // What could not be seen was not seen ill: until its time is up it may yet be seen well.
                let pause = if found == Found::Unseen && running.is_some() {
                    part(every, 1, 10)
                } else {
                    recheck(self.misses).min(every)
                };
                self.due = Some(pause.after(at));
            }
        }
        if self.has_soaked(length) {
            self.due = None;
        }
    }

    /// Whether it was seen to be well for this long without a break.
    pub(super) fn has_soaked(&self, length: Duration) -> bool {
        self.longest >= span(length)
    }
}

impl Stays {
    /// The same stays, of clusters that have other places now.
    pub(super) fn moved(&self, to: impl Fn(usize) -> Option<usize>) -> Self {
        let stays: BTreeMap<usize, Stay> =
            self.stays.iter().filter_map(|(index, stay)| Some((to(*index)?, stay.clone()))).collect();
        let due = stays.iter().filter_map(|(index, stay)| Some((stay.due?, *index))).collect();
        Self { stays, due }
    }

    /// Takes in what a look found; the first one begins the soak of its cluster.
    pub(super) fn look(
        &mut self,
        index: usize,
        found: Found,
        cause: &str,
        at: Timestamp,
        planned: &PlannedWave,
    ) {
        let Some((soak, every)) = observed(planned) else { return };
        let stay = self.stays.entry(index).or_insert_with(Stay::new);
        if let Some(due) = stay.due.take() {
            self.due.remove(&(due, index));
        }
        stay.look(found, cause, at, soak.length, every);
        if let Some(due) = stay.due {
            self.due.insert((due, index));
        }
    }

    /// Its cluster does not soak any more.
    pub(super) fn forget(&mut self, index: usize) {
        if let Some(due) = self.stays.remove(&index).and_then(|stay| stay.due) {
            self.due.remove(&(due, index));
        }
    }

    /// The clusters that have yet to soak.
    pub(super) fn awaited(&self) -> impl Iterator<Item = usize> + '_ {
        self.due.iter().map(|(_, index)| *index)
    }

    /// Whether this cluster has yet to soak.
    pub(super) fn awaits(&self, index: usize) -> bool {
        self.stays.get(&index).is_some_and(|stay| stay.due.is_some())
    }

    /// How a cluster fares.
    pub(super) fn stay(&self, index: usize) -> Option<&Stay> {
        self.stays.get(&index)
    }
}

/// What a soaking wave wants: looks that are due and, if it may go on, its end.
pub(super) fn wants(
    state: &FleetState,
    (rollout, planned, wave): (&Rollout, &PlannedWave, &Wave),
    out: &mut Gathered,
    goes_on: bool,
) {
    let soaked = Body::WaveSoaked { rollout: rollout.id.clone(), wave: planned.name.clone() };
    let overridden = rollout.is_overridden(&Override::Soak);
    if observed(planned).is_none() {
        match wave.soaks_until(planned) {
            _ if !goes_on => {}
            Some(until) if out.now < until && !overridden => out.wake(until),
            _ => out.decide(soaked),
        }
        return;
    }
    if overridden || wave.soaking.due.is_empty() {
        if goes_on {
            out.decide(soaked);
        }
        return;
    }
    let now = out.now;
    // Who was switched off on purpose is looked at when it is awake.
    let due = wave.soaking.due.range(..=(now, usize::MAX));
    let due = due.filter_map(|(_, index)| rollout.planned_cluster(*index));
    for cluster in due.filter(|c| !state.is_hibernated(&c.name)).take(LOOKS_AT_ONCE) {
        out.act(Effect::Observe {
            rollout: rollout.id.clone(),
            wave: planned.name.clone(),
            cluster: cluster.name.clone(),
        });
    }
    if let Some((next, _)) = wave.soaking.due.range((now, usize::MAX)..).next() {
        out.wake(*next);
    }
}

impl Rollout {
    /// How the soak of a wave stands, while it soaks.
    pub fn soak_outlook(&self, planned: &PlannedWave, wave: &Wave, now: Timestamp) -> Option<SoakOutlook> {
        if wave.phase != WavePhase::Soaking {
            return None;
        }
        let Some((soak, every)) = observed(planned) else {
            return wave.soaks_until(planned).map(|ends| SoakOutlook { ends, observed: None });
        };
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let waits = || wave.soaking.stays.iter().filter(|(_, stay)| stay.due.is_some());
        // One that is not well may be so at its next look, at the earliest.
        let ends = waits().map(|(_, stay)| {
            let begins = stay.running(every, now).unwrap_or_else(|| stay.due.map_or(now, |due| due.max(now)));
            soak.length.after(begins)
        });
        let look_by = waits()
            .filter(|(_, stay)| stay.running(every, now).is_some())
            .filter_map(|(_, stay)| stay.well.map(|well| every.after(well)));
        let ill = waits().filter_map(|(index, stay)| {
            let cause = stay.cause.clone()?;
            self.planned_cluster(*index).map(|planned| (planned.name.clone(), cause, stay.misses))
        });
        let observed = ObservedSoak {
            soaked: count(wave.soaking.stays.len() - wave.soaking.due.len()),
            of: count(wave.soaking.stays.len()),
            every,
            next: wave.soaking.due.first().map(|(due, _)| *due),
            look_by: look_by.min(),
            ill: ill.collect(),
        };
        Some(SoakOutlook { ends: ends.max().unwrap_or(now), observed: Some(observed) })
    }
}
