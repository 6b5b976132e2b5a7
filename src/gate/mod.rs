//! Gates, one file each: facts in, answer out.

pub mod approval;
