//! tidegate: releases for fleets of Kubernetes clusters.
//!
//! A platform team describes its clusters' configuration as a versioned bundle of products.
//! tidegate cuts an immutable release of it, plans how it reaches every cluster, and rolls it out
//! in waves with tests, approvals and tags, recording everything.
//!
//! Data flows one way, and the modules stand in that order; a module uses what stands before it
//! and never what stands after it (`tests/architecture.rs` checks every path):
//!
//! `version`, `digest` | `diag` | `yaml` | `model` | `catalog` | `resolve` | `render` | `plan` |
//! `journal` | `rollout` | `apply`, `gate`, `scan`, `lcm` | `report` | `port` | `engine` | `adapter` | `output` |
//! `cli`
//!
//! Everything before `engine` is pure: no clock, no randomness, no environment, no I/O.

// The scripted world of the core's tests is shared with tests/properties, which sees this crate from
// outside.
#[cfg(test)]
extern crate self as tidegate;

pub mod digest;
pub mod json;
pub mod version;

pub mod diag;

pub mod yaml;

pub mod model;

pub mod catalog;

pub mod resolve;

pub mod render;

pub mod plan;

pub mod journal;

pub mod rollout;

pub mod apply;
pub mod gate;
pub mod lcm;
pub mod scan;

pub mod report;

pub mod port;

pub mod engine;

pub mod adapter;
pub mod sim;

pub mod output;

pub mod cli;
