//! Stop-the-line: start nothing, for the whole fleet or a part of it.

use clap::{Args, Subcommand};

use crate::journal::StopScope;

/// `stop-the-line`.
#[derive(Debug, Subcommand)]
pub enum StopCommand {
    /// Start no cluster and no step within the scope; what runs ends.
    On(StopOn),
    /// Let it go on.
    Off(StopOff),
    /// List what is stopped, by whom and why.
    #[command(after_help = "Example: tidegate stop-the-line list")]
    List,
}

/// `stop-the-line on`.
#[derive(Debug, Args)]
#[command(after_help = "Example: tidegate stop-the-line on --scope env=prod --reason \"incident 4711\"")]
pub struct StopOn {
    /// Over what: fleet, rollout:ID (a release means its newest), or LABEL=VALUE[,LABEL=VALUE...].
    #[arg(long, value_name = "SCOPE", default_value = "fleet")]
    pub scope: StopScope,
    /// Why; recorded.
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
}

/// `stop-the-line off`.
#[derive(Debug, Args)]
#[command(after_help = "Example: tidegate stop-the-line off --scope env=prod --reason \"incident is over\"")]
pub struct StopOff {
    /// Over what, as it was stopped.
    #[arg(long, value_name = "SCOPE", default_value = "fleet")]
    pub scope: StopScope,
    /// Why; recorded.
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
}
