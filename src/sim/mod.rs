//! A fleet that lives in memory: clusters behind the Clusters port as a `tower` service under the same
//! kube client, journal and git in memory, clocks that go as fast as they are let, and seeded faults.
//! It decides how an API server and its controllers answer; what is not imitated stands in
//! docs/design/simulation.md. It never uses `adapter`.

pub mod api;
pub mod chance;
pub mod clock;
pub mod cluster;
pub mod conditions;
pub mod controllers;
pub mod copy;
pub mod desk;
pub mod faults;
pub mod fields;
pub mod fleet;
pub mod host;
pub mod journal;
mod json;
mod kept;
pub mod kinds;
pub mod life;
mod living;
pub mod platform;
pub mod ports;
pub mod rehearsal;
pub mod repository;
pub mod runtime;
pub mod scenario;
mod service;
pub mod setup;
mod snapshot;
pub mod steady;
pub mod store;
mod worker;
mod world;

pub use snapshot::Snapshot;
pub use world::{Keeps, Process, Simulation};
