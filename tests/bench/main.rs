//! Figures, printed and never asserted: a machine under load must not fail a build.
#![allow(clippy::print_stdout, clippy::unwrap_used)]

mod apply;
#[path = "../bed/mod.rs"]
mod bed;
#[path = "../it/desk.rs"]
#[allow(dead_code)]
mod desk;
mod journal;
mod plan;

#[tokio::main]
async fn main() {
    plan::run();
    journal::run().await;
    apply::run().await;
}
