//! The plan: which cluster gets what, in which wave, pool and order, with the digests to which
//! approvals and completeness bind. It decides before anything starts, from arguments alone.

mod back;
mod cluster;
mod deadline;
pub mod digest;
mod file;
mod hotfix;
mod input;
mod join;
mod leaving;
mod make;
mod partition;
mod pinned;
mod pools;
mod product;
mod refusals;
pub mod rollback;
mod stale;
mod types;
mod wave;
mod windows;

pub use back::{PlanKind, PlannedBack, PlannedRollback, SkippedStep, Stay, Stays};
pub use cluster::change;
pub use deadline::{Action, Durations, PlannedDeadline};
pub use file::{read, verify, write};
pub use input::{PlanInput, Renderers};
pub use join::{Joined, join};
pub use make::make;
pub use partition::waves;
pub use product::planned as planned_product;
pub use stale::{Staleness, pipeline_changes, stale, wave_changes};
pub use types::{
    Access, Change, FORMAT, GateKind, LARGEST_RATE, Notice, Plan, PlanOptions, PlannedCatchUp,
    PlannedCluster, PlannedComparison, PlannedGate, PlannedLineage, PlannedMetric, PlannedObstacle,
    PlannedPipeline, PlannedPool, PlannedProduct, PlannedRate, PlannedRelease, PlannedSettle, PlannedSoak,
    PlannedStep, PlannedTest, PlannedWave, Repeat, Target,
};

#[cfg(test)]
mod tests;
