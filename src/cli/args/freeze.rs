//! Commands on freezes.

use clap::{Args, Subcommand};

use super::LabelPair;
use crate::model::calendar::{When, Zone};
use crate::model::{Lane, WaveName, WindowName};

/// `freeze`.
#[derive(Debug, Subcommand)]
pub enum FreezeCommand {
    /// Forbid changes for a while: write a freeze into pipelines/calendar.yaml.
    Add(Box<FreezeAdd>),
    /// List the freezes; those that hold stand first.
    #[command(after_help = "Example: tidegate freeze list -o json")]
    List,
    /// Remove a freeze from pipelines/calendar.yaml.
    Remove(FreezeRemove),
}

/// `freeze add`.
#[derive(Debug, Args)]
#[command(after_help = "Example: tidegate freeze add --from 2026-12-19 --until 2027-01-05 \\
           --time-zone Europe/Berlin \\
           --wave prod --reason \"nobody is here\"")]
pub struct FreezeAdd {
    /// Its name; the next free freeze-N if absent.
    #[arg(long, value_name = "NAME")]
    pub name: Option<WindowName>,
    /// When it begins: a day, a local time or a moment; at once if absent.
    #[arg(long, value_name = "TIME")]
    pub from: Option<When>,
    /// When it ends: a day (its end), a local time or a moment.
    #[arg(long, value_name = "TIME")]
    pub until: When,
    /// The IANA time zone of days and local times, such as Europe/Berlin.
    #[arg(long, value_name = "ZONE", value_parser = zone)]
    pub time_zone: Option<Zone>,
    /// A lane that it holds for, normal or hotfix; may be given more than once; normal if absent.
    #[arg(long = "lane", value_name = "LANE", value_parser = lane)]
    pub lanes: Vec<Lane>,
    /// A wave that it is for; may be given more than once; all if absent.
    #[arg(long = "wave", value_name = "WAVE")]
    pub waves: Vec<WaveName>,
    /// Clusters that it is for, by label, such as region=eu; all given must hold.
    #[arg(long, short = 'l', value_name = "LABEL=VALUE")]
    pub selector: Vec<LabelPair>,
    /// Why; shown to everybody who waits.
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
}

/// `freeze remove`.
#[derive(Debug, Args)]
#[command(after_help = "Example: tidegate freeze remove freeze-1")]
pub struct FreezeRemove {
    /// The freeze.
    #[arg(value_name = "FREEZE")]
    pub freeze: WindowName,
}

fn zone(text: &str) -> Result<Zone, String> {
    text.parse::<Zone>().map_err(|error| error.to_string())
}

fn lane(text: &str) -> Result<Lane, String> {
    [Lane::Normal, Lane::Hotfix]
        .into_iter()
        .find(|lane| lane.to_string() == text)
        .ok_or_else(|| "expected normal or hotfix".to_owned())
}
