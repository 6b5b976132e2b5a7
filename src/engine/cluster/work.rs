//! The work on one product in one cluster: begin its record, apply its steps, settle, remove, seal.

use std::time::Duration;

use crate::apply::ProductSet;
use crate::apply::record::State;
use crate::digest::Digest;
use crate::model::{Conflicts, ObjectName, ProductName, RolloutId};

use super::{Guard, Outcome};

/// What a person said about deletions that look like a mistake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Confirmation {
    /// Nothing: an empty set, or one smaller by more than 30 %, stops.
    #[default]
    None,
    /// Go on.
    Prune,
}

/// One product of one attempt.
pub struct ProductWork<'a> {
    /// The product; one of `all`, unless it is removed.
    pub product: &'a ProductName,
    /// The rollout.
    pub rollout: &'a RolloutId,
    /// The attempt's number.
    pub attempt: u32,
    /// The state to bring about (its phase is set here).
    pub state: &'a State,
    /// The rendered objects of every product of the cluster's desired set.
    pub all: &'a [ProductSet],
    /// What to do when another manager owns a field.
    pub conflicts: Conflicts,
    /// Objects that the product once brought and that must not be there any more.
    pub tombstones: &'a [ObjectName],
    /// What was said about deletions.
    pub confirmation: Confirmation,
}

/// What applying a step did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Applied {
    /// Objects that were not there before.
    pub created: usize,
    /// Objects that were sent and changed.
    pub changed: usize,
    /// Objects that were sent and did not change.
    pub same: usize,
    /// Objects that were proved unchanged and not sent.
    pub skipped: usize,
    /// Objects deleted and made anew.
    pub recreated: usize,
    /// Requests that had to be repeated.
    pub retried: usize,
    /// What the API server warned of, each once.
    pub warnings: Vec<String>,
}

/// What settling did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settled {
    /// Objects that were deleted.
    pub pruned: Vec<String>,
    /// Objects that were kept although the product no longer has them, each with the reason.
    pub kept: Vec<String>,
    /// Objects that were waited for and are ready.
    pub ready: usize,
}

/// What removing did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Removed {
    /// Objects that were deleted.
    pub deleted: Vec<String>,
    /// Objects that were kept, each with the reason.
    pub kept: Vec<String>,
}

impl Guard {
    /// Writes the product's record as `applying`, its inventory a superset of what is there and what
    /// will be. Done again for the same attempt it changes nothing; to be called before every deploy
    /// step, also before a script's.
    ///
    /// # Errors
    /// `Confirm`, `Record`, `Fenced`, and when the cluster can't be asked.
    pub async fn begin(&self, _work: &ProductWork<'_>) -> Outcome<()> {
        Err(super::Error::new(super::Kind::Other, "not built yet"))
    }

    /// Applies the objects of one step and records what proves them. `begin` came before.
    ///
    /// # Errors
    /// `Conflict`, `Rejected`, `Missing`, `Fenced`, `TimedOut`; details name each object.
    pub async fn apply(&self, _work: &ProductWork<'_>, _step: &str, _limit: Duration) -> Outcome<Applied> {
        Err(super::Error::new(super::Kind::Other, "not built yet"))
    }

    /// Ends a product's deployment: deletes what it no longer has, waits until all of it is ready,
    /// records `applied`.
    ///
    /// # Errors
    /// `Confirm`, `NotReady`, `TimedOut`, `Fenced`; the cause says what is not ready and why.
    pub async fn settle(&self, _work: &ProductWork<'_>, _limit: Duration) -> Outcome<Settled> {
        Err(super::Error::new(super::Kind::Other, "not built yet"))
    }

    /// Takes a product away with everything in its inventory that no product of `all` has, then its
    /// record.
    ///
    /// # Errors
    /// `TimedOut` names object, finalizers and how long it has been going; the inventory is kept.
    pub async fn remove(
        &self,
        _product: &ProductName,
        _all: &[ProductSet],
        _limit: Duration,
    ) -> Outcome<Removed> {
        Err(super::Error::new(super::Kind::Other, "not built yet"))
    }

    /// Records products as `verified`, each of which must be recorded with these inputs.
    ///
    /// # Errors
    /// `Record` when one is not, `Fenced`, and when the cluster can't be asked.
    pub async fn seal(&self, _products: &[(ProductName, Digest)]) -> Outcome<()> {
        Err(super::Error::new(super::Kind::Other, "not built yet"))
    }
}
