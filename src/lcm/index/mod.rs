//! Indexes of Helm repositories, of any size: the versions of the wanted charts, and nothing else.
//!
//! An index is read as it arrives ([`Scan`]), line by line or, if it is JSON, byte by byte. What is not
//! wanted is stepped over without being kept or parsed; what is wanted goes to the YAML parser one version at
//! a time. Where that could read something else than a parser of the whole would, the scan says so
//! ([`Doubt`]), and the whole index is read ([`whole()`]), within a bound. Where the bytes come from is left to
//! others.

mod entry;
mod error;
mod flow;
mod gather;
mod json;
mod lines;
mod outline;
mod scan;
mod whole;

pub(super) use entry::written;
pub use error::{ChartError, Doubt, IndexError};
pub use gather::{Chart, Index, Limits, Problem};
pub use scan::{Outcome, Scan};
pub use whole::whole;

#[cfg(test)]
mod tests;
