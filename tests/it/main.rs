//! Integration tests: one binary, so that one bed serves them all.
#![allow(clippy::unwrap_used)]

#[path = "../bed/mod.rs"]
mod bed;
#[path = "../bed/selftest.rs"]
mod bed_selftest;

mod adoption;
mod apply;
mod approvals;
mod cases;
mod conformance;
mod controllers;
mod controllers_sides;
mod controllers_view;
mod crash;
mod desk;
mod docs;
mod fields;
mod fleet_drift;
mod fleet_faults;
mod fleet_hotfix;
mod fleet_members;
mod fleet_obstacles;
mod fleet_refusals;
mod fleet_removals;
mod fleet_replan;
mod fleet_rollback;
mod fleet_secrets;
mod fleet_seen;
mod fleet_verify;
mod fleet_views;
mod gates;
mod golden;
mod helm;
mod images;
mod init;
mod lab;
mod leave;
mod leftovers;
mod live;
mod newcomer;
mod operators;
mod overtaking;
mod pages;
mod platform;
mod prometheus;
mod rebuild;
mod rehearse;
#[path = "../scripted/mod.rs"]
mod scripted;
mod shapes;
mod small;
mod story;
mod timeline;
mod tiny;
