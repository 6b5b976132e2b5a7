//! The one loop that turns effects into deeds and deeds into events, shared by driver, watch and why.
//! It speaks to the world through ports, and to clusters with the kube client above the Clusters port.

pub mod adoption;
mod calendar;
pub mod cluster;
pub mod compare;
pub mod contents;
mod deed;
pub mod drift;
mod driver;
mod follow;
pub mod gates;
mod joining;
mod lease;
mod membership;
pub mod mend;
pub mod newer;
pub mod planning;
mod preflight;
pub mod preview;
pub mod propose;
pub mod rebuild;
mod recorder;
pub mod rendering;
pub mod repo;
mod request;
pub mod rollback;
mod rules;
mod script;
pub mod secrets;
mod session;
mod step;
pub mod survey;
mod tags;
mod task;
mod verify;
pub mod whereabouts;
mod world;

pub use driver::{Drive, DriveError, Ended, StopRequest, Until, drive};
pub use follow::Follower;
pub use lease::{Lease, NotDriver};
pub use recorder::{Recorder, Stopped};
pub use request::{RequestError, request};
pub use rules::Rules;
pub use world::{Times, World};

#[cfg(test)]
mod tests;
