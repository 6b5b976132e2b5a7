//! Commands that play on a simulated fleet.

use std::path::PathBuf;

use clap::Args;

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
