//! Commands that play on a simulated fleet.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// `rehearse`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Example: tidegate rehearse --scenario freeze.yaml -o json\n\n\
Exits with 0 if all holds that must, and with 13 if not.")]
pub struct Rehearse {
    /// The scenario's file (kind: Scenario).
    #[arg(long, value_name = "FILE")]
    pub scenario: PathBuf,
    /// Another seed than the scenario's own.
    #[arg(long, value_name = "NUMBER")]
    pub seed: Option<u64>,
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
    #[arg(long, default_value = "600", value_name = "TIMES")]
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
