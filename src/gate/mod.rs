//! Gates, one file each: facts in, answer out.

pub mod approval;
pub mod command;
pub mod metric;
