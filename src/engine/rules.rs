//! The rules that a driver keeps to, as a value: what follows from a state, and what must never be done.

use crate::rollout::invariant::{self, Broken, Recount};
use crate::rollout::{self, Effect, Effects, FleetState};

/// What names the effects of a state, and what checks each before it is carried out. There is one pair in
/// production, the default. It is a value so that a proof can put an engine that lies in its place: tests
/// run such engines, without the guard, and show that what the clusters saw gives them away.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// What is to be done.
    pub effects: fn(&FleetState, jiff::Timestamp) -> Effects,
    /// Whether an effect may be carried out; reads the state a second time, see [`invariant`].
    pub guard: fn(&FleetState, &mut Recount, &Effect, jiff::Timestamp) -> Result<(), Broken>,
}

impl Default for Rules {
    fn default() -> Self {
        Self { effects: rollout::effects, guard: invariant::check_effect }
    }
}
