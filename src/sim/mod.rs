//! A fleet that lives in memory: clusters behind the Clusters port as a `tower` service under the same
//! kube client, journal and git in memory, clocks that go as fast as they are let, and seeded faults.
//! It decides how an API server and its controllers answer; what is not imitated stands in
//! docs/design/simulation.md. It never uses `adapter`.

pub mod api;
pub mod cluster;
pub mod conditions;
pub mod controllers;
pub mod fields;
pub mod kinds;
pub mod store;
