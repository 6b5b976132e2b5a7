//! Before the seeds: one plan in a copy where all is well, which says whether there is one at all, what its
//! waves are, and what could fail in each.

use super::failing::{Planted, possible};
use super::run::begun;
use super::{RehearsalError, Wish};
use crate::diag::Findings;
use crate::engine::contents::Contents;
use crate::model::WaveName;
use crate::plan::Plan;
use crate::sim::copy::Copied;
use crate::sim::runtime;

/// What is known before the seeds.
pub struct Scouted {
    /// The plan.
    pub plan: Plan,
    /// What people should know of it.
    pub findings: Findings,
    /// What can fail, wave by wave.
    pub failures: Vec<Planted>,
}

/// Plans once, and looks at what could fail: in one wave if it is named, else in all.
///
/// # Errors
/// When there is no plan, it can't be started, or something can't be rendered.
pub fn scout(
    copied: &Copied,
    wish: &Wish,
    seed: u64,
    only: Option<&WaveName>,
) -> Result<Scouted, RehearsalError> {
    runtime::run(async {
        let place = copied.place(seed)?;
        let people = place.process();
        let (plan, findings) = begun(&place, &people.world, wish).await?.planned;
        let contents = Contents::new(people.world.packages.clone());
        let mut failures = Vec::new();
        for wave in plan.waves.iter().filter(|wave| only.is_none_or(|only| wave.name == *only)) {
            failures
                .extend(possible(&*people.world.renderer, &contents, &place.simulation, &plan, wave).await?);
        }
        Ok(Scouted { plan, findings, failures })
    })?
}
