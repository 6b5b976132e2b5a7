//! Commands on the journal.

use clap::{Args, Subcommand};

use crate::model::ClusterName;

/// The journal's commands.
#[derive(Debug, Subcommand)]
pub enum JournalCommand {
    /// Read the whole journal, or an export of it, and verify its chain of hashes.
    Verify(JournalVerify),
    /// Begin a new journal in the place of a lost one, from what the clusters' records say.
    Rebuild(JournalRebuild),
}

/// `journal verify`.
#[derive(Debug, Args)]
#[command(
    after_help = "Example: tidegate journal verify\n         tidegate journal verify --export r42-1.jsonl"
)]
pub struct JournalVerify {
    /// A file of `rollout export` instead of the journal.
    #[arg(long, value_name = "FILE")]
    pub export: Option<std::path::PathBuf>,
}

/// `journal rebuild`.
#[derive(Debug, Args)]
#[command(after_help = "Example: tidegate journal rebuild --reason \"the disk is lost\" --yes")]
pub struct JournalRebuild {
    /// Every cluster of the fleet; so it is, too, when none is named.
    #[arg(long, conflicts_with = "clusters")]
    pub from_fleet: bool,
    /// Only this cluster; more than once for several.
    #[arg(short = 'c', long = "cluster", value_name = "CLUSTER")]
    pub clusters: Vec<ClusterName>,
    /// Why; recorded, for the journal and for each cluster.
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
}
