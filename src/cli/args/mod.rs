//! What can be typed: commands, flags and their help. It parses names, versions and durations
//! into their types and decides nothing else.

mod cluster;
mod files;
mod freeze;
mod globals;
mod journal;
mod lcm;
mod pin;
mod plan;
mod replay;
mod rollout;
mod simulate;
mod stop;

use clap::{Parser, Subcommand};

pub use cluster::{
    Choice, ClusterAdopt, ClusterCommand, ClusterDrift, ClusterHold, ClusterList, ClusterMatrix,
    ClusterRelease, ClusterShow, LabelPair,
};
pub use files::{
    Explain, Init, ProductBump, ProductCommand, ProductShow, ProductTag, ReleaseCommand, ReleaseCut,
    ReleaseDiff, ReleaseHotfix, ReleaseShow, SchemaCommand, SchemaGet,
};
pub use freeze::{FreezeAdd, FreezeCommand, FreezeRemove};
pub use globals::{Color, Form, Globals, Progress};
pub use journal::{JournalCommand, JournalRebuild, JournalVerify};
pub use lcm::{LcmAccept, LcmCommand, LcmDefer, LcmImport, LcmPick, LcmReport, MetricNames, WhenPackages};
pub use pin::{PinAdd, PinCommand, PinExtend, PinList, PinRef, PinRemove};
pub use plan::PlanArgs;
pub use replay::{Replay, Speed, When};
pub use rollout::{
    Abort, Approve, Drive, Events, Export, OverrideCondition, Pause, Replan, Resume, Retry, Revoke, Rollback,
    RolloutCommand, RolloutRef, Run, Show, Skip, Start, Status, Supersede, Until, VerifyWave, Watch, Which,
    Why,
};
pub use simulate::{Demo, Rehearse, Story};
pub use stop::{StopCommand, StopOff, StopOn};

const EXAMPLE: &str = "\
Example, from a release to the whole fleet:
  tidegate check                              and commit what it finds well
  tidegate product tag --all
  tidegate release cut R42                    and commit its lock
  tidegate plan R42 --render --out r42.plan
  tidegate rollout start r42.plan

Exit codes: 0 done, 2 usage, 3 invalid files, 4 nothing selected, 5 not allowed,
6 unreachable, 7 waited long enough, 8 stale or in conflict, 10 changes pending,
11 blocked by people or time, 12 aborted, 13 failed or halted, 14 finished with
tolerated failures, 24 something is unknown, 130 interrupted, 1 unexpected.";

/// Releases for fleets of Kubernetes clusters: versioned bundles of products, rolled out in waves.
#[derive(Debug, Parser)]
#[command(name = "tidegate", version, after_help = EXAMPLE, arg_required_else_help = true)]
#[command(disable_help_subcommand = true, max_term_width = 100)]
pub struct Args {
    /// Flags of every command.
    #[command(flatten)]
    pub globals: Globals,
    /// The command.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Write a small platform to begin with: a product, a release, a pipeline, a fleet.
    Init(Init),
    /// Check every file of the repository; all mistakes at once.
    #[command(after_help = "Example: tidegate check --repo ~/platform")]
    Check,
    /// Print the JSON Schemas of the files.
    #[command(subcommand)]
    Schema(SchemaCommand),
    /// List, show, tag and bump products.
    #[command(subcommand)]
    Product(ProductCommand),
    /// Cut, show, compare and list releases.
    #[command(subcommand)]
    Release(ReleaseCommand),
    /// Give clusters their own version of a product, for a while.
    #[command(subcommand)]
    Pin(PinCommand),
    /// Forbid changes for a while.
    #[command(subcommand)]
    Freeze(FreezeCommand),
    /// Look at clusters, hold them as they are, or take one over.
    #[command(subcommand)]
    Cluster(ClusterCommand),
    /// Plan how a release reaches every cluster.
    Plan(PlanArgs),
    /// Roll a plan out, watch it, steer it, and ask why it waits.
    #[command(subcommand)]
    Rollout(RolloutCommand),
    /// Stop everything that could start, for the whole fleet or a part of it.
    #[command(subcommand)]
    StopTheLine(StopCommand),
    /// Say what is newer upstream.
    #[command(subcommand)]
    Lcm(LcmCommand),
    /// Look after the journal.
    #[command(subcommand)]
    Journal(JournalCommand),
    /// See it work on a simulated fleet; no cluster is needed.
    Demo(Demo),
    /// Play a release on a simulated copy of the fleet, or a scenario on a made-up one.
    Rehearse(Rehearse),
    /// Explain a code such as TG0101, offline.
    Explain(Explain),
}

impl Command {
    /// Whether its answer has the forms of a report, beside a table and JSON.
    pub fn is_report(&self) -> bool {
        matches!(self, Self::Lcm(LcmCommand::Report(_)))
    }
}
