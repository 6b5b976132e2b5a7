//! How fast clusters may start beside the caps of waves and pools: so many at once in a region, and
//! so many new ones within a time. Both count over all rollouts, and the strictest plan of the open
//! rollouts holds.

use std::collections::HashMap;

use super::slots::{CapUse, Scope};
use super::state::{FleetState, Rollout};
use crate::plan::{PlannedCluster, PlannedRate};

/// The largest start rate that a plan may have; so many starts are remembered.
pub const MOST: usize = crate::plan::LARGEST_RATE as usize;

/// The label that names a cluster's region.
pub(super) const REGION: &str = "region";

impl FleetState {
    /// How a cluster's region stands, if a cap binds it.
    pub fn region(&self, planned: &PlannedCluster) -> Option<CapUse> {
        let region = planned.labels.get(REGION)?;
        let cap = self.region_cap(region)?;
        Some(CapUse { scope: Scope::Region, cap, used: self.in_region(region) })
    }

    fn region_cap(&self, region: &str) -> Option<u32> {
        self.open_rollouts().filter_map(|r| r.plan.pipeline.regions.get(region)).min().copied()
    }

    fn in_region(&self, region: &str) -> u32 {
        let here = self.claims.iter().filter(|(uid, holder)| {
            let there = self.rollout(holder).and_then(|rollout| rollout.member(uid));
            there.and_then(|(planned, _)| planned.labels.get(REGION)).is_some_and(|found| found == region)
        });
        u32::try_from(here.count()).unwrap_or(u32::MAX)
    }

    /// The start rates of the open rollouts.
    pub(super) fn rates(&self) -> impl Iterator<Item = PlannedRate> + '_ {
        self.open_rollouts().filter_map(|r| r.plan.pipeline.start_rate)
    }

    /// The moments at which attempts got their first slot, within the longest time that a rate of an
    /// open rollout looks back.
    pub(super) fn started_since(&self, since: jiff::Timestamp) -> u32 {
        let later = self.starts.iter().rev().take_while(|at| **at > since);
        u32::try_from(later.count()).unwrap_or(u32::MAX)
    }

    /// How many new clusters may start now, and from when on one more may; nothing without a rate.
    pub fn may_start(&self, now: jiff::Timestamp) -> Option<(u32, Option<jiff::Timestamp>)> {
        let mut found: Option<(u32, Option<jiff::Timestamp>)> = None;
        for rate in self.rates() {
            let since = now
                .checked_sub(jiff::SignedDuration::from_secs(seconds(rate)))
                .unwrap_or(jiff::Timestamp::MIN);
            let left = rate.clusters.saturating_sub(self.started_since(since));
            let place = usize::try_from(rate.clusters).unwrap_or(usize::MAX);
            let oldest = self.starts.len().checked_sub(place).and_then(|index| self.starts.get(index));
            let next = oldest.filter(|_| left == 0).map(|at| rate.per.after(*at));
            found = Some(match found {
                Some((known, later)) if known < left || (known == left && later >= next) => (known, later),
                _ => (left, next),
            });
        }
        found
    }

    /// Whether the plan of a rollout that is not open lets one of its clusters start: nobody else keeps
    /// to its limits, and its first claim makes it open again. If not, from when on time lets it.
    pub(super) fn own_pace(
        &self,
        rollout: &Rollout,
        planned: &PlannedCluster,
        new: bool,
        now: jiff::Timestamp,
    ) -> Result<(), Option<jiff::Timestamp>> {
        let pipeline = &rollout.plan.pipeline;
        let region = planned.labels.get(REGION).and_then(|region| pipeline.regions.get_key_value(region));
        if pipeline.at_once.is_some_and(|cap| self.in_flight() >= cap)
            || region.is_some_and(|(region, cap)| self.in_region(region) >= *cap)
        {
            return Err(None);
        }
        let Some(rate) = pipeline.start_rate.filter(|_| new) else { return Ok(()) };
        let recent = self.starts.iter().filter(|at| now < rate.per.after(**at));
        let most = usize::try_from(rate.clusters).unwrap_or(usize::MAX);
        if recent.clone().count() < most {
            return Ok(());
        }
        Err(recent.min().map(|at| rate.per.after(*at)))
    }

    /// Notes a first slot.
    pub(super) fn fold_start(&mut self, at: jiff::Timestamp) {
        self.starts.push_back(at);
        while self.starts.len() > MOST {
            self.starts.pop_front();
        }
    }
}

fn seconds(rate: PlannedRate) -> i64 {
    i64::try_from(rate.per.as_seconds()).unwrap_or(i64::MAX)
}

/// The room that is left while claims are handed out.
pub(super) struct Pace {
    regions: HashMap<String, u32>,
    starts: Option<u32>,
    /// From when on one more cluster may start.
    pub(super) next_start: Option<jiff::Timestamp>,
}

impl Pace {
    /// As the state stands.
    pub(super) fn of(state: &FleetState, now: jiff::Timestamp) -> Self {
        let (starts, next_start) = state.may_start(now).unzip();
        let mut regions = HashMap::new();
        for rollout in state.open_rollouts() {
            for region in rollout.plan.pipeline.regions.keys() {
                if !regions.contains_key(region)
                    && let Some(cap) = state.region_cap(region)
                {
                    regions.insert(region.clone(), cap.saturating_sub(state.in_region(region)));
                }
            }
        }
        Self { regions, starts, next_start: next_start.flatten() }
    }

    /// Whether a cluster may have a slot now; it then counts. `new` says that it never had one.
    pub(super) fn take(&mut self, planned: &PlannedCluster, new: bool) -> bool {
        let region = planned.labels.get(REGION).and_then(|region| self.regions.get_mut(region));
        if region.as_deref() == Some(&0) || (new && self.starts == Some(0)) {
            return false;
        }
        if let Some(left) = region {
            *left -= 1;
        }
        if let Some(left) = self.starts.as_mut().filter(|_| new) {
            *left -= 1;
        }
        true
    }
}
