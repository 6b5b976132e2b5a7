//! The screens: each the data of one answer, with its text for people. The same value is what
//! programs get as JSON.

mod accept;
mod back;
mod bump;
mod check;
mod cluster;
mod code;
mod compare;
mod deferral;
mod deletions;
mod drift;
mod export;
mod files;
mod fleet;
mod freeze;
mod import;
mod init;
mod journal;
mod live;
mod manifests;
mod markdown;
mod pick;
mod pin;
mod plan;
mod rebuild;
mod recorded;
mod rehearsal;
mod rehearsed;
mod rehearsed_markdown;
mod replan;
mod replay;
mod status;
mod weekly;
mod why;
pub mod words;

pub use check::CheckScreen;
pub use cluster::{AdoptedScreen, ClusterScreen};
pub use code::CodeScreen;
pub use export::{ExportChecked, ExportedScreen, ShownRollout};
pub use fleet::MatrixScreen;
pub use freeze::RemovedFreeze;
pub use init::InitScreen;
pub use journal::VerifiedScreen;
pub use live::{FleetRequestScreen, ListedHold};
pub use manifests::ManifestsScreen;
pub use pick::PickScreen;
pub use pin::{AddedPin, ImpactScreen, RemovedPin};
pub use plan::{ClusterPlanScreen, PlanScreen, reason};
pub use rebuild::RebuildScreen;
pub use recorded::RecordedScreen;
pub use rehearsal::RehearsalScreen;
pub use rehearsed::{CopiedFleet, RehearsedScreen, Unread};
pub use replan::ReplanScreen;
pub use replay::ReplayScreen;
pub use status::{ListedRollout, StatusScreen, headline, headline_word, seen, step};
pub use weekly::OtherNames;
pub use why::WhyScreen;

#[cfg(test)]
mod fleet_tests;
#[cfg(test)]
mod json_tests;
#[cfg(test)]
mod tests;
