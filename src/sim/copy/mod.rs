//! A copy of somebody's own fleet, for rehearsals: simulated clusters of the same shapes under the same
//! names, the same journal, the same repository. What is done to the copy is done to nothing else.

mod cluster;
mod ports;
mod world;

pub use cluster::{Stand, bare, copy, stands_in, workloads};
pub use ports::Kept;
pub use world::{Copied, Fellow, Like, Place};
