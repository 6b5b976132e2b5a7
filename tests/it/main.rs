//! Integration tests: one binary, so that one bed serves them all.

#[path = "../bed/mod.rs"]
mod bed;
#[path = "../bed/selftest.rs"]
mod bed_selftest;

mod crash;
mod lab;
mod small;
mod story;
mod timeline;
mod apply;
mod desk;
mod helm;
mod cases;
mod docs;
mod lab;
mod pages;
