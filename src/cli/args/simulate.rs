//! Commands that play on a simulated fleet.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::model::{Duration, PipelineName, ReleaseId, WaveName};

/// `rehearse`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:\n  \
  tidegate rehearse R42\n  \
  tidegate rehearse R42 --faults many --fail-wave prod --markdown > r42.md\n  \
  tidegate rehearse --scenario freeze.yaml -o json\n\n\
Only reads: clusters, repository and journal stay as they are.\n\
Exits with 0 if the release finishes in every rehearsal (with --scenario: if\n\
all holds that must), and with 13 if not.")]
pub struct Rehearse {
    /// The release to rehearse on a copy of the fleet.
    #[arg(value_name = "RELEASE", required_unless_present = "scenario", conflicts_with = "scenario")]
    pub release: Option<ReleaseId>,
    /// Play the scenario of this file (kind: Scenario) instead.
    #[arg(long, value_name = "FILE")]
    pub scenario: Option<PathBuf>,
    /// How many rehearsals, each with a seed of its own.
    #[arg(long, default_value = "20", value_name = "NUMBER", conflicts_with = "scenario",
          value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub seeds: u32,
    /// The first seed, 1 if absent; with --scenario another one than its own.
    #[arg(long, value_name = "NUMBER")]
    pub seed: Option<u64>,
    /// What goes wrong on the way: none, some, many, or a file with `faults` and `conditions`.
    #[arg(long, default_value = "some", value_name = "HOW-MUCH", conflicts_with = "scenario")]
    pub faults: String,
    /// Plant failures in this wave only; in each wave if absent.
    #[arg(long, value_name = "WAVE", conflicts_with = "scenario")]
    pub fail_wave: Option<WaveName>,
    /// The pipeline; may be left out when there is only one.
    #[arg(long, value_name = "NAME", conflicts_with = "scenario")]
    pub pipeline: Option<PipelineName>,
    /// How long people take to approve what they are asked for.
    #[arg(long, default_value = "15m", value_name = "LENGTH", conflicts_with = "scenario")]
    pub approve_after: Duration,
    /// How much of the fleet's time a rehearsal may take.
    #[arg(long, default_value = "30d", value_name = "LENGTH", conflicts_with = "scenario")]
    pub within: Duration,
    /// Print the report as Markdown.
    #[arg(long, conflicts_with = "scenario")]
    pub markdown: bool,
}

/// `demo`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Example: tidegate demo --scenario pin --yes")]
pub struct Demo {
    /// The story.
    #[arg(long, value_enum, default_value = "healthy", value_name = "STORY")]
    pub scenario: Story,
    /// How many clusters, in place of the story's own number.
    #[arg(long, value_name = "NUMBER")]
    pub clusters: Option<u32>,
    /// How many seconds of the fleet pass in one of yours.
    #[arg(long, default_value = "900", value_name = "TIMES")]
    pub speed: f64,
    /// Decides all that is left to chance.
    #[arg(long, default_value = "1", value_name = "NUMBER")]
    pub seed: u64,
}

/// The stories of the demo.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Story {
    /// A release goes through all waves.
    Healthy,
    /// A test fails in non-production, and is mended.
    TestFails,
    /// A team keeps its own version of a product.
    Pin,
    /// A cluster can't be reached, and follows later.
    Unreachable,
    /// An image that nobody can pull stops a release.
    BadChart,
    /// A freeze keeps production still.
    Freeze,
    /// A hotfix overtakes a release that soaks.
    HotfixOvertakes,
    /// A bad release is taken back.
    Rollback,
}
