//! Figures, printed and never asserted: a machine under load must not fail a build.
#![allow(clippy::print_stdout, clippy::unwrap_used)]

mod apply;
#[path = "../bed/mod.rs"]
mod bed;
mod core;
#[path = "../it/desk.rs"]
#[allow(dead_code)]
mod desk;
mod journal;
mod plan;
#[path = "../scripted/mod.rs"]
mod scripted;

#[tokio::main]
async fn main() {
    plan::run();
    core::run();
    journal::run().await;
    apply::run().await;
}
