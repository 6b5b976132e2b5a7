//! How long a rollout may still take, from how long past attempts took: the median of a cluster's
//! own, else of all. A guess of the work and of the soaks; how long people and gates take is not in
//! it. Without history there is no guess.

use std::collections::BTreeMap;

use crate::model::{ClusterName, Duration};
use crate::plan::{Plan, PlannedCluster, PlannedPool, PlannedWave};
use crate::rollout::{AttemptState, Class, FleetState, Rollout, RolloutState, WavePhase};

/// So many of the newest rollouts are looked at: older ones say little about today's products.
const ROLLOUTS: usize = 10;

/// A guess.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Estimate {
    /// The work on clusters that is left.
    pub work: Duration,
    /// The soaks that are left.
    pub soak: Duration,
    /// On so many past attempts it rests.
    pub past_runs: usize,
}

impl Estimate {
    /// `about 12 m and 1 d soak left (31 past runs)`, with what it speaks of.
    pub fn words(&self, left: &str) -> String {
        let mut parts = Vec::new();
        if !self.work.is_zero() {
            parts.push(format!("about {}", rounded(self.work)));
        }
        if !self.soak.is_zero() {
            parts.push(format!("{} soak", self.soak));
        }
        format!("{}{left} ({})", parts.join(" and "), crate::diag::count(self.past_runs, "past run"))
    }
}

/// Nobody knows such a thing to the second.
fn rounded(length: Duration) -> Duration {
    let seconds = length.as_seconds();
    let step = match seconds {
        0..=119 => 10,
        120..=3_599 => 60,
        _ => 600,
    };
    Duration::seconds(seconds.div_ceil(step) * step)
}

/// How long past attempts took that changed something and succeeded.
#[derive(Debug, Default)]
struct History {
    own: BTreeMap<ClusterName, Vec<u64>>,
    /// The median of all, and how many there are.
    all: Option<(u64, usize)>,
}

impl History {
    fn of(state: &FleetState) -> Self {
        let mut own: BTreeMap<ClusterName, Vec<u64>> = BTreeMap::new();
        for rollout in state.rollouts().rev().take(ROLLOUTS) {
            for (_, _, planned, cluster) in rollout.clusters() {
                for attempt in cluster.earlier().iter().chain([cluster.attempt()]) {
                    if let (AttemptState::Succeeded, Some(begun)) = (attempt.state(), attempt.claimed_at()) {
                        let took = Duration::between(begun, attempt.since()).as_seconds();
                        own.entry(planned.name.clone()).or_default().push(took.max(1));
                    }
                }
            }
        }
        let mut all: Vec<u64> = own.values().flatten().copied().collect();
        let count = all.len();
        Self { own, all: median(&mut all).map(|middle| (middle, count)) }
    }

    fn length(&self, cluster: &ClusterName) -> u64 {
        let own = self.own.get(cluster).cloned().and_then(|mut own| median(&mut own));
        own.or(self.all.map(|(middle, _)| middle)).unwrap_or_default()
    }
}

fn median(lengths: &mut [u64]) -> Option<u64> {
    lengths.sort_unstable();
    lengths.get(lengths.len() / 2).copied()
}

/// How long a plan may take.
pub fn of_plan(state: &FleetState, plan: &Plan) -> Option<Estimate> {
    let history = History::of(state);
    let (_, past_runs) = history.all?;
    let (mut work, mut soak) = (0, 0);
    for wave in &plan.waves {
        soak += soak_of(wave);
        for pool in &wave.pools {
            let lengths = pool.clusters.iter().filter(|c| acts(c)).map(|c| history.length(&c.name));
            work += spread(lengths, cap(plan, wave, pool));
        }
    }
    found(work, soak, past_runs)
}

/// How long the work on each of these groups of clusters may take, so many of it at once, and on how many past
/// attempts that rests.
pub fn of_groups(state: &FleetState, groups: &[(Vec<ClusterName>, usize)]) -> Option<(Vec<Duration>, usize)> {
    let history = History::of(state);
    let (_, past_runs) = history.all?;
    let work = |(clusters, at_once): &(Vec<ClusterName>, usize)| {
        Duration::seconds(spread(clusters.iter().map(|name| history.length(name)), *at_once))
    };
    Some((groups.iter().map(work).collect(), past_runs))
}

/// How long a rollout may still take, while it goes on.
pub fn of_rollout(state: &FleetState, rollout: &Rollout, now: jiff::Timestamp) -> Option<Estimate> {
    if !matches!(rollout.state(), RolloutState::Planned | RolloutState::Running) {
        return None;
    }
    let history = History::of(state);
    let (_, past_runs) = history.all?;
    let plan = rollout.plan();
    let (mut work, mut soak) = (0, 0);
    for (planned, wave) in rollout.waves() {
        let outlook = rollout.soak_outlook(planned, wave, now);
        soak += match (wave.phase(), outlook.map(|outlook| outlook.ends)) {
            (WavePhase::Soaking, Some(until)) => Duration::between(now, until).as_seconds(),
            (WavePhase::Verifying { round: 2.. } | WavePhase::GatesAfter, _) => 0,
            (phase, _) if phase.is_over() => 0,
            _ => soak_of(planned),
        };
        for pool in &planned.pools {
            let left = pool.clusters.iter().filter(|c| acts(c)).filter_map(|planned| {
                let cluster = rollout.cluster(&planned.name)?;
                let length = history.length(&planned.name);
                match cluster.state().class() {
                    Class::Pending => Some(length),
                    Class::Active => {
                        let begun = cluster.attempt().claimed_at().unwrap_or(now);
                        Some(length.saturating_sub(Duration::between(begun, now).as_seconds()))
                    }
                    _ => None,
                }
            });
            work += spread(left, cap(plan, planned, pool));
        }
    }
    found(work, soak, past_runs)
}

fn found(work: u64, soak: u64, past_runs: usize) -> Option<Estimate> {
    let (work, soak) = (Duration::seconds(work), Duration::seconds(soak));
    (!work.is_zero() || !soak.is_zero()).then_some(Estimate { work, soak, past_runs })
}

fn soak_of(wave: &PlannedWave) -> u64 {
    wave.soak.as_ref().filter(|_| wave.size() > 0).map_or(0, |soak| soak.length.as_seconds())
}

/// Whether anything is to be done there.
fn acts(cluster: &PlannedCluster) -> bool {
    !cluster.removals.is_empty() || cluster.targets.iter().any(|t| t.change.acts())
}

/// At most so many clusters of a pool at once.
fn cap(plan: &Plan, wave: &PlannedWave, pool: &PlannedPool) -> usize {
    let least = [plan.pipeline.at_once, wave.at_once, pool.at_once].into_iter().flatten().min();
    least.map_or(usize::MAX, |cap| usize::try_from(cap).unwrap_or(usize::MAX))
}

/// How long it takes to do these one after another in so many slots.
fn spread(lengths: impl Iterator<Item = u64>, slots: usize) -> u64 {
    let mut busy = std::collections::BinaryHeap::new();
    let mut end = 0;
    for length in lengths {
        let begin =
            if busy.len() < slots.max(1) { 0 } else { busy.pop().map_or(0, |std::cmp::Reverse(free)| free) };
        end = end.max(begin + length);
        busy.push(std::cmp::Reverse(begin + length));
    }
    end
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::report::sample::{Story, plan};

    #[test]
    fn slots_are_filled_as_they_become_free() {
        assert_eq!(spread([10, 20, 30].into_iter(), 2), 40);
        assert_eq!(spread([10, 20, 30].into_iter(), usize::MAX), 30);
        assert_eq!(spread([10, 20, 30].into_iter(), 0), 60, "a hold is not a time: as if one at a time");
        assert_eq!(spread(std::iter::empty(), 2), 0);
    }

    #[test]
    fn without_history_there_is_no_guess() {
        let story = Story::begin();
        assert_eq!(of_plan(&story.state, &plan()), None);
        assert_eq!(of_rollout(&story.state, story.rollout(), story.now), None);
    }

    #[test]
    fn a_plan_is_guessed_from_the_attempts_of_the_past_and_a_rollout_from_what_is_left() {
        let mut story = Story::begin();
        story.drive(24);
        let done = story.rollout().counts().done();
        assert_eq!(done, 1, "staging is done");
        let took = 10;
        let guess = of_plan(&story.state, &plan()).unwrap();
        assert_eq!(guess.past_runs, 1);
        assert_eq!(guess.soak, Duration::hours(24));
        // 1, then 2 at once, then 1 + 1 in a pool of one slot, then 2 and 1 in two slots.
        assert_eq!(guess.work, Duration::seconds((1 + 1 + 2 + 2) * took));
        assert_eq!(guess.words(""), "about 1 m and 1 d soak (1 past run)");
        let left = of_rollout(&story.state, story.rollout(), story.now).unwrap();
        assert!(left.work < guess.work, "staging is behind: {left:?}");
    }

    #[test]
    fn a_guess_is_told_as_what_it_is() {
        let guess = |work, soak| Estimate { work: Duration::seconds(work), soak, past_runs: 31 };
        assert_eq!(guess(0, Duration::hours(2)).words(" left"), "2 h soak left (31 past runs)");
        assert_eq!(guess(61, Duration::seconds(0)).words(""), "about 1 m 10 s (31 past runs)");
        assert_eq!(guess(32_900, Duration::seconds(0)).words(""), "about 9 h 10 m (31 past runs)");
    }
}
