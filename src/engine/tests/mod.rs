//! The driver's tests without clusters: its lease, its pen and its ends, over a journal in memory that
//! fails as it is told, and ports of which only those answer that a test needs.

#![allow(clippy::unwrap_used)]

use crate::rollout::tests::scripted;

mod api;
mod driving;
mod fake;
mod leases;
mod members;
mod memory;
mod orphans;
