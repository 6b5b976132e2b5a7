//! The bed: real Kubernetes control planes for tests, the demo and benchmarks,
//! started in seconds and broken on purpose. It knows nothing of tidegate. What
//! it costs and how to use it: README.md beside this file.
//!
//! Included by path from several crates, each of which uses another part.
#![allow(dead_code, unused_imports, missing_docs, clippy::unwrap_used)]

mod access;
mod audit;
mod cluster;
mod etcd;
mod faults;
mod host;
mod launch;
mod pki;
mod ports;
mod processes;
mod proxy;
pub mod schemas;
mod tools;
mod trouble;

pub use audit::AuditEvent;
pub use cluster::Cluster;
pub use faults::{Fault, Faults, Link, Passed, Rule};
pub use host::{Bed, tool_path};
pub use launch::ClusterSpec;
pub use processes::{say, start_time};
pub use tools::{cache, names as tool_names};
pub use trouble::{Outcome, Trouble};
