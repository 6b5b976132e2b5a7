//! A test that is a Kubernetes Job: started once per try, found again after a crash, watched to its
//! end.

use std::time::Duration;

use crate::apply::Rendered;
use crate::model::ProductName;

use super::{Guard, Outcome};

/// A Job to run.
pub struct JobRun<'a> {
    /// The product.
    pub product: &'a ProductName,
    /// The Job's manifest.
    pub job: &'a Rendered,
    /// What tells this run from all others: attempt, step, try (`R42-1/acme-dev/1 app/test:smoke 2`).
    pub key: String,
    /// How long it may take.
    pub timeout: Duration,
}

/// How a Job ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobOutcome {
    /// Whether it completed.
    pub passed: bool,
    /// Its name and namespace, `shop/smoke-3f2a..`.
    pub job: String,
    /// What it says, in words.
    pub cause: String,
}

impl Guard {
    /// Runs a Job to its end, or adopts the one that an earlier driver started for the same key.
    ///
    /// # Errors
    /// `TimedOut` (the Job is deleted then), and when it can't be started or watched.
    pub async fn run_job(&self, _run: &JobRun<'_>) -> Outcome<JobOutcome> {
        Err(super::Error::new(super::Kind::Other, "not built yet"))
    }
}
