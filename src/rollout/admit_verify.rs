//! Whether the tests of a wave may run again, on a person's request.

use super::admit::{refuse, wrong_state};
use super::attempt::Class;
use super::command::{Refusal, RefusalExit};
use super::state::{FleetState, Rollout, RolloutState, WavePhase};
use crate::diag::codes;
use crate::journal::Body;
use crate::model::{ClusterName, WaveName};
use crate::plan::PlannedWave;

impl Rollout {
    /// The done clusters of a wave, in plan order.
    fn done_in<'a>(&'a self, wave: &'a WaveName) -> impl Iterator<Item = &'a ClusterName> {
        let done = |class| matches!(class, Class::Succeeded | Class::NoOp);
        self.clusters()
            .filter(move |(of, _, _, cluster)| of.name == *wave && done(cluster.attempt.state.class()))
            .map(|(_, _, planned, _)| &planned.name)
    }

    /// Whether some product of some cluster of a wave has a test.
    fn has_tests(&self, wave: &PlannedWave) -> bool {
        let clusters = wave.pools.iter().flat_map(|pool| &pool.clusters);
        let mut targets = clusters.flat_map(|cluster| &cluster.targets);
        targets.any(|target| self.plan.products.get(&target.digest).is_some_and(|p| !p.tests.is_empty()))
    }

    /// The newest wave whose tests may run again now.
    pub(super) fn verifiable(&self) -> Option<&WaveName> {
        let goes = matches!(
            self.state,
            RolloutState::Running | RolloutState::Succeeded | RolloutState::SucceededWithFailures
        );
        let mut waves = self.waves().rev().filter(|(planned, wave)| {
            wave.phase.tests_again()
                && self.has_tests(planned)
                && self.done_in(&planned.name).next().is_some()
        });
        waves.next().filter(|_| goes).map(|(planned, _)| &planned.name)
    }
}

pub(super) fn verify(
    state: &FleetState,
    rollout: &Rollout,
    name: &WaveName,
    reason: Option<&String>,
) -> Result<Vec<Body>, Refusal> {
    let Some((planned, wave)) = rollout.wave(name) else {
        let sentence = format!("{} has no wave {name}", rollout.id);
        return refuse(rollout, &codes::WAVE_UNKNOWN, RefusalExit::NothingSelected, sentence);
    };
    if !matches!(
        rollout.state,
        RolloutState::Running | RolloutState::Succeeded | RolloutState::SucceededWithFailures
    ) {
        return wrong_state(rollout, "tested again");
    }
    if let WavePhase::Verifying { .. } = wave.phase {
        let sentence = format!("{name} is being verified: ask again when that is over");
        return refuse(rollout, &codes::NOTHING_TO_TEST, RefusalExit::Conflict, sentence);
    }
    let clusters: Vec<ClusterName> = rollout.done_in(name).cloned().collect();
    if clusters.is_empty() || !wave.phase.tests_again() {
        let sentence = format!("no cluster of {name} is done, so there is nothing to test again");
        return refuse(rollout, &codes::NOTHING_TO_TEST, RefusalExit::NothingSelected, sentence);
    }
    if !rollout.has_tests(planned) {
        let sentence = format!("no product of {name} has a test");
        return refuse(rollout, &codes::NOTHING_TO_TEST, RefusalExit::NothingSelected, sentence);
    }
    if !rollout.state.is_open() {
        let free = state.check_free(rollout, &clusters);
        free.or_else(|why| refuse(rollout, &codes::CLUSTER_TAKEN, RefusalExit::Conflict, why))?;
    }
    let (rollout, wave) = (rollout.id.clone(), name.clone());
    Ok(vec![Body::WaveVerify { rollout, wave, clusters, reason: reason.cloned() }])
}
