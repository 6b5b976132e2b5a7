//! A scenario comes to life: its fleet and its files are made, its people act when their time has come,
//! a driver drives, and at the end (or before) it is looked at what holds. The same scenario with the
//! same seed comes to the same end, event by event.

mod begin;
mod deeds;
mod expect;
mod names;
mod read;
mod run;

pub use begin::{PERSON, begin, change, desk, faults, mend, setup};
pub use names::unknown;
pub use read::read;
pub use run::{Options, Played, run};

use serde::Serialize;
use std::collections::BTreeMap;

use super::desk::DeskError;
use crate::engine::DriveError;
use crate::model::{Duration, RolloutId};
use crate::port::Fault;

/// What came of a scenario.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Verdict {
    /// The seed that decided what is left to chance.
    pub seed: u64,
    /// Whether everything that must hold did.
    pub holds: bool,
    /// Each thing that must hold.
    pub checks: Vec<Check>,
    /// How each rollout ended, or stood; in order of their ids.
    pub rollouts: Vec<RolloutEnd>,
    /// How many events the journal has.
    pub events: u64,
    /// How long the story took, in seconds of its own time.
    pub seconds: u64,
    /// How often which fault struck.
    pub faults: BTreeMap<String, u64>,
}

/// How a rollout ended, or stood.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RolloutEnd {
    /// The rollout.
    pub rollout: RolloutId,
    /// Its state.
    pub state: String,
}

/// One thing that must hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Check {
    /// What.
    pub what: String,
    /// How long after the beginning; at the end if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<Duration>,
    /// Whether it does.
    pub holds: bool,
    /// What was found instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub found: Option<String>,
}

impl From<DriveError> for ScenarioError {
    fn from(error: DriveError) -> Self {
        Self::Driver(Box::new(error))
    }
}

impl ScenarioError {
    /// The number of the action, from 1, at which it came to no end, if at one.
    pub fn action(&self) -> Option<usize> {
        match self {
            Self::Deed { number, .. } | Self::Waited { number, .. } => Some(*number),
            Self::Begin(_) | Self::Driver(_) | Self::Fault(_) | Self::Runtime(_) => None,
        }
    }
}

/// Why a scenario came to no end.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    /// The story can't begin: its files are wrong.
    #[error("the scenario can't begin: {0}")]
    Begin(#[source] Box<DeskError>),
    /// Somebody could not do what the scenario says.
    #[error("{who} could not do action {number} ({what}): {why}")]
    Deed {
        /// The action's number, from 1.
        number: usize,
        /// Who.
        who: String,
        /// What.
        what: String,
        /// Why not.
        why: Box<DeskError>,
    },
    /// An action's time has not come before the scenario's end.
    #[error(
        "action {number} ({what}) waited for {for_what}, which did not happen within the scenario's time"
    )]
    Waited {
        /// The action's number, from 1.
        number: usize,
        /// What.
        what: String,
        /// For what.
        for_what: String,
    },
    /// The driver failed.
    #[error("the driver ended: {0}")]
    Driver(#[source] Box<DriveError>),
    /// The world failed.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// The machine gives no runtime.
    #[error("the simulation can't run: {0}")]
    Runtime(#[from] std::io::Error),
}
