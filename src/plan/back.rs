//! What a rollback's plan says beyond a plan that goes forward: which rollout it takes back, which
//! steps it does not take again, and what stays. How it is made is for `rollback`.

use std::collections::{BTreeMap, BTreeSet};

use super::{Plan, PlannedCluster, PlannedWave, Target};
use crate::digest::Digest;
use crate::model::{ClusterName, ProductName, ReleaseId, RolloutId, WaveName};
use crate::resolve::Reason;
use crate::version::Version;

/// Which way a plan goes.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PlanKind {
    /// A release goes to clusters.
    #[default]
    Forward,
    /// Clusters go back to what they ran before a rollout.
    Rollback(Box<PlannedRollback>),
}

impl PlanKind {
    /// Whether it goes forward.
    pub fn is_forward(&self) -> bool {
        matches!(self, Self::Forward)
    }
}

/// What is taken back, and by whose choice.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlannedRollback {
    /// The rollout whose changes go back.
    pub of: RolloutId,
    /// Only these waves of it; all if empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waves: Vec<WaveName>,
    /// Only these clusters of it; all if empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub clusters: Vec<ClusterName>,
    /// Whether that is everything which carries what the rollout brought: its end is then the end of
    /// that rollout, too.
    pub whole: bool,
    /// Whether products that the rollout added are taken away.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub remove_added: bool,
    /// Why, as the person said who asked for it.
    pub reason: String,
}

/// What a rollback does to one cluster apart from bringing its targets.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlannedBack {
    /// Deploy steps that are not taken: they are one-way, so what they did stays.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skipped: Vec<SkippedStep>,
    /// Products that stay as the rollout left them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stays: Vec<Stay>,
    /// For each product that is taken away the phase that it had in the rollout: its turn.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub removals: BTreeMap<ProductName, u32>,
}

/// A deploy step that a rollback does not take.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SkippedStep {
    /// The product.
    pub product: ProductName,
    /// The step's name.
    pub step: String,
    /// The version whose product file calls the step one-way.
    pub version: Version,
}

impl std::fmt::Display for SkippedStep {
    /// `db/migrate (one-way in 2.0.0)`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{} (one-way in {})", self.product, self.step, self.version)
    }
}

/// A product that a rollback leaves as it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Stay {
    /// The product.
    pub product: ProductName,
    /// The version that it keeps.
    pub version: Version,
    /// Why.
    pub because: Stays,
}

/// Why a product stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stays {
    /// The rollout added it, and `--remove-added` was not asked for.
    Added,
    /// All that it does is one-way.
    OneWay,
    /// It is no more what the rollout brought: something else changed it since.
    Moved,
}

impl std::fmt::Display for Stay {
    /// `agent 1.0.0 stays: the release added it`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let why = match self.because {
            Stays::Added => "the release added it",
            Stays::OneWay => "all of its steps are one-way",
            Stays::Moved => "it was changed since",
        };
        write!(f, "{} {} stays: {why}", self.product, self.version)
    }
}

impl Plan {
    /// The one-way steps that a wave takes, each once.
    pub fn one_way<'a>(&'a self, wave: &'a PlannedWave) -> BTreeSet<(&'a ProductName, &'a str)> {
        let clusters = wave.pools.iter().flat_map(|pool| &pool.clusters);
        let acting = clusters.flat_map(|c| &c.targets).filter(|t| t.change.acts());
        let contents: BTreeSet<&Digest> = acting.map(|t| &t.digest).collect();
        let products = contents.into_iter().filter_map(|digest| self.products.get(digest));
        let steps = products.flat_map(|p| p.steps.iter().filter(|s| s.one_way).map(move |s| (&p.name, s)));
        steps.map(|(product, step)| (product, step.name.as_str())).collect()
    }

    /// What it takes back, if it is a rollback.
    pub fn rollback(&self) -> Option<&PlannedRollback> {
        match &self.kind {
            PlanKind::Forward => None,
            PlanKind::Rollback(rollback) => Some(rollback),
        }
    }
}

impl Target {
    /// The release that brings it; in a rollback, the one that had brought it before.
    pub fn release<'a>(&'a self, plan: &'a Plan) -> &'a ReleaseId {
        match &self.reason {
            Reason::Rollback { release, .. } => release,
            _ => &plan.release.id,
        }
    }
}

impl PlannedCluster {
    /// Whether a rollback leaves this deploy step out.
    pub fn skips(&self, product: &ProductName, step: &str) -> bool {
        let skipped = self.back.iter().flat_map(|back| &back.skipped);
        skipped.into_iter().any(|s| s.product == *product && s.step == step)
    }

    /// The phase in which a product has its turn, be it brought or, in a rollback, taken away.
    pub fn phase_of(&self, product: &ProductName) -> Option<u32> {
        let target = self.targets.iter().find(|t| t.product == *product).map(|t| t.phase);
        target.or_else(|| self.back.as_ref()?.removals.get(product).copied())
    }
}
