//! Commands on pins.

use clap::{ArgGroup, Args, Subcommand};

use super::LabelPair;
use crate::model::{ClusterName, Expiry, OnExpiry, PinId, ProductName};
use crate::version::Version;

/// `pin`.
#[derive(Debug, Subcommand)]
pub enum PinCommand {
    /// Let clusters take their own version of a product until a day.
    Add(Box<PinAdd>),
    /// List the pins.
    List(PinList),
    /// Give a pin a later end.
    Extend(PinExtend),
    /// Show what a pin keeps back.
    Impact(PinRef),
    /// Remove a pin; its clusters rejoin with the next plan.
    Remove(PinRemove),
}

/// `pin add`.
#[derive(Debug, Args)]
#[command(
    after_help = "Example: tidegate pin add -c acme-dev --product cert-manager \\
           --version 1.18.0-rc1 --owner payments --until 2026-12-15 \\
           --reason \"test DNS01\"",
    group = ArgGroup::new("who").args(["clusters", "selector"]).required(true).multiple(true)
)]
pub struct PinAdd {
    /// A cluster by name; may be given more than once.
    #[arg(long = "cluster", short = 'c', value_name = "CLUSTER")]
    pub clusters: Vec<ClusterName>,
    /// Clusters by label, such as team=payments; all given must hold.
    #[arg(long, short = 'l', value_name = "LABEL=VALUE", conflicts_with = "clusters")]
    pub selector: Vec<LabelPair>,
    /// The product.
    #[arg(long, value_name = "PRODUCT")]
    pub product: ProductName,
    /// Its version on these clusters; it must be tagged.
    #[arg(long, value_name = "VERSION")]
    pub version: Version,
    /// The team that answers for it.
    #[arg(long, value_name = "TEAM")]
    pub owner: String,
    /// Why these clusters differ.
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// The day (its end in UTC) or the moment at which it ends.
    #[arg(long, value_name = "DAY")]
    pub until: Expiry,
    /// What happens at the end: rejoin (the release's version goes) or block (no release goes).
    #[arg(long, value_name = "WHAT", default_value = "rejoin", value_parser = on_expiry)]
    pub on_expiry: OnExpiry,
    /// The pin's id; the next free PIN-N if absent.
    #[arg(long, value_name = "PIN")]
    pub id: Option<PinId>,
}

/// `pin remove`.
#[derive(Debug, Args)]
#[command(after_help = "Example: tidegate pin remove PIN-118")]
pub struct PinRemove {
    /// The pin.
    #[arg(value_name = "PIN")]
    pub pin: PinId,
}

fn on_expiry(text: &str) -> Result<OnExpiry, String> {
    [OnExpiry::Rejoin, OnExpiry::Block]
        .into_iter()
        .find(|what| what.to_string() == text)
        .ok_or_else(|| "expected rejoin or block".to_owned())
}

/// `pin list`.
#[derive(Debug, Args)]
#[command(after_help = "Example: tidegate pin list --by-owner")]
pub struct PinList {
    /// Only pins of this team.
    #[arg(long, value_name = "TEAM")]
    pub owner: Option<String>,
    /// The pins of each team together, instead of those that end first in front.
    #[arg(long)]
    pub by_owner: bool,
}

/// `pin extend`.
#[derive(Debug, Args)]
#[command(after_help = "Example: tidegate pin extend PIN-118 --until 2027-01-15")]
pub struct PinExtend {
    /// The pin.
    #[arg(value_name = "PIN")]
    pub pin: PinId,
    /// The day (its end in UTC) or the moment at which it ends; later than before.
    #[arg(long, value_name = "DAY")]
    pub until: Expiry,
}

/// `pin impact`.
#[derive(Debug, Args)]
#[command(after_help = "Example: tidegate pin impact PIN-118")]
pub struct PinRef {
    /// The pin.
    #[arg(value_name = "PIN")]
    pub pin: PinId,
}
