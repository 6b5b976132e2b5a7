//! The one loop that turns effects into deeds and deeds into events, shared by driver, watch and why.
//! It speaks to the world through ports, and to clusters with the kube client above the Clusters port.

pub mod cluster;
mod lease;
mod recorder;
mod world;

pub use lease::{Lease, NotDriver, proved_dead};
pub use recorder::{Recorder, Stopped};
pub use world::{Times, World};
