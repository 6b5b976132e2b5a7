//! What changed between the version in use and a newer one, and what of it is evidence that the update
//! breaks something.
//!
//! Readers of what makers tell ([`charts`], [`releases`], [`changelog`]) and of what two versions consist of
//! ([`crd`], [`values`], [`apis`], [`served`], read out of a [`package`]) each give what they [`Found`]; [`Changes`] puts
//! that together. Nothing here fetches anything: texts and trees are arguments, and what is too large is cut
//! and counted.

pub mod apis;
mod category;
mod change;
pub mod changelog;
pub mod charts;
pub mod crd;
mod found;
pub mod level;
mod markdown;
mod marker;
mod notes;
mod own;
pub mod package;
mod plain;
mod reach;
pub mod releases;
mod schema;
pub mod served;
mod summary;
pub mod values;

pub use change::{Change, Evidence, Kind, Sign, Weight};
pub use found::Found;
pub use own::Own;
pub use reach::{Reach, Unreached};
pub use summary::Changes;
