//! The rehearsal of a release on a copy of one's own fleet: it is planned and driven by the code of every
//! day, over many seeds, with troubles that were chosen, and once more for each wave with a failure in it.
//! What came of it is counted here; how it is shown is not.

mod failing;
mod holding;
mod people;
mod report;
mod run;
mod scout;
mod trouble;

pub use failing::{How, Planted};
pub use holding::{Held, Hold};
pub use report::{
    Cost, Finish, FreezeAhead, HoldReport, Moment, Report, Unfinished, WaveReport, Worst, percentile, report,
};
pub use run::{Case, Ended, Ran, run};
pub use scout::{Scouted, scout};
pub use trouble::{Level, Trouble, TroubleFile, read};

use crate::engine::planning::PlanError;
use crate::engine::{DriveError, RequestError};
use crate::model::{Duration, PipelineName, ReleaseId};
use crate::port::Fault;

/// What is rehearsed.
#[derive(Debug, Clone)]
pub struct Wish {
    /// The release.
    pub release: ReleaseId,
    /// The pipeline; may be left out when there is only one.
    pub pipeline: Option<PipelineName>,
    /// How long people take to say yes.
    pub approve_after: Duration,
    /// How much of the fleet's time a rehearsal may take.
    pub within: Duration,
    /// What goes wrong on the way.
    pub trouble: Trouble,
}

/// Why there is no rehearsal.
#[derive(Debug, thiserror::Error)]
pub enum RehearsalError {
    /// There is no plan.
    #[error(transparent)]
    Plan(#[from] Box<PlanError>),
    /// The plan can't be started.
    #[error(transparent)]
    Start(#[from] RequestError),
    /// The driver failed.
    #[error("the driver ended: {0}")]
    Drive(#[source] Box<DriveError>),
    /// The world fails.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// The machine gives no runtime.
    #[error("the simulation can't run: {0}")]
    Runtime(#[from] std::io::Error),
}

impl From<PlanError> for RehearsalError {
    fn from(error: PlanError) -> Self {
        Self::Plan(Box::new(error))
    }
}

impl From<DriveError> for RehearsalError {
    fn from(error: DriveError) -> Self {
        Self::Drive(Box::new(error))
    }
}
