//! Before the first write: whose every object is, and whether everything is there that the objects
//! need. Only reads.

use std::collections::BTreeMap;

use crate::apply::{ObjectId, ProductSet};
use crate::model::ProductName;

use super::{Cluster, Outcome};

/// Why a set can't be applied as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Obstacle {
    /// Something is not there; it may come (blocks).
    Missing(String),
    /// It can't work: two products own one object, a CRD loses a stored version (fails).
    Wrong(String),
}

/// What a look at all products of a cluster brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Survey {
    /// Which product owns which object.
    pub owners: BTreeMap<ObjectId, ProductName>,
    /// What stands in the way; empty if nothing does.
    pub obstacles: Vec<Obstacle>,
}

impl Cluster {
    /// Looks at all products of the cluster's desired set, of which those in `changed` are to be applied.
    ///
    /// # Errors
    /// When the cluster can't be asked.
    pub async fn survey(&self, _all: &[ProductSet], _changed: &[ProductName]) -> Outcome<Survey> {
        Err(super::Error::new(super::Kind::Other, "not built yet"))
    }
}
