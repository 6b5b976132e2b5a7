//! `plan`.

use std::path::PathBuf;

use clap::Args;

use crate::model::{ClusterName, PipelineName, ReleaseId};

const EXAMPLES: &str = "\
Examples:
  tidegate plan R42 --out r42.plan
  tidegate plan R42 --cluster acme-dev --manifests   what would be applied there";

/// `plan`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct PlanArgs {
    /// The release; it must be cut.
    #[arg(value_name = "RELEASE")]
    pub release: ReleaseId,
    /// Write the plan to this file, for `rollout start`.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// The pipeline; the only one if absent.
    #[arg(long, value_name = "PIPELINE")]
    pub pipeline: Option<PipelineName>,
    /// Render everything for every cluster, and check who owns what.
    #[arg(long)]
    pub render: bool,
    /// Show what changes in this cluster only.
    #[arg(long, short = 'c', value_name = "CLUSTER")]
    pub cluster: Option<ClusterName>,
    /// Print the manifests that this cluster would get, secrets masked.
    #[arg(long, requires = "cluster")]
    pub manifests: bool,
    /// Leave clusters that were never reached to catch-up instead of failing.
    #[arg(long)]
    pub defer_unknown: bool,
    /// End with exit code 10 when something would change.
    #[arg(long)]
    pub exit_code: bool,
    /// Take fields over from other field managers.
    #[arg(long)]
    pub take_over: bool,
    /// Let a product lose more than 30 % of its objects, or all of them.
    #[arg(long)]
    pub allow_prune: bool,
    /// Apply also what runs as planned: what somebody changed is put back.
    #[arg(long)]
    pub reapply: bool,
}
