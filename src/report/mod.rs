//! What happened and what waits, as data for every surface: summaries, timeline, explanations.

pub mod age;
mod commands;
pub mod course;
pub mod estimate;
pub mod event;
pub mod explain;
pub mod explanation;
pub mod failures;
pub mod pins;
pub mod proposal;
pub mod replay;
mod soak;
pub mod standing;
pub mod summary;
pub mod weekly;

pub use commands::word;

#[cfg(test)]
pub(crate) mod sample;
#[cfg(test)]
pub(crate) mod sample_fleet;
#[cfg(test)]
mod tests;
