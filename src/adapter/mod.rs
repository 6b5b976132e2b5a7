//! The real world behind the ports: git and helm by their programs, scripts in process groups,
//! secrets, clusters by their kubeconfig files, clocks and places on the disk.
//!
//! Adapters decide nothing about rollouts; they decide deadlines, what of the environment a
//! program sees, and how a failure is named.

pub mod charts;
pub mod clock;
pub mod clusters;
pub mod exec;
pub mod face;
pub mod forge;
pub mod fresh;
pub mod git;
mod git_branches;
pub mod git_commits;
mod git_history;
mod git_objects;
pub mod helm;
pub mod host;
pub mod offers;
pub mod packages;
mod plugin;
mod process;
pub mod prometheus;
pub mod registry;
mod ring;
pub mod scans;
pub mod secrets;
pub mod signals;
pub mod signatures;
pub mod sources;
pub mod sqlite;
pub mod support;
pub mod temporary;
pub mod trees;
pub mod web;
pub mod working;
