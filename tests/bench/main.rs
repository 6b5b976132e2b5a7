//! Benchmarks, by `make bench`.
#![allow(clippy::print_stdout, clippy::unwrap_used)]

mod apply;
#[path = "../bed/mod.rs"]
mod bed;
#[path = "../it/desk.rs"]
#[allow(dead_code)]
mod desk;

#[tokio::main]
async fn main() {
    apply::run().await;
}
