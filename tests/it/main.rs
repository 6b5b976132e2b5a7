//! Integration tests: one binary, so that one bed serves them all.

#[path = "../bed/mod.rs"]
mod bed;
#[path = "../bed/selftest.rs"]
mod bed_selftest;

mod helm;
