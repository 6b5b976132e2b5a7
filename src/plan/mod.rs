//! The plan: which cluster gets what, in which wave, pool and order, with the digests to which
//! approvals and completeness bind. It decides before anything starts, from arguments alone.

mod input;
mod types;

pub use input::{PlanInput, Renderers};
pub use types::{
    Access, Change, FORMAT, GateKind, Notice, Plan, PlanOptions, PlannedCluster, PlannedGate,
    PlannedPipeline, PlannedPool, PlannedProduct, PlannedRelease, PlannedSoak, PlannedStep, PlannedTest,
    PlannedWave, Repeat, Target,
};
