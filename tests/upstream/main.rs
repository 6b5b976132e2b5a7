//! What is published somewhere else, asked over real sockets: fakes on loopback that behave as the
//! documentation of Docker Hub, GHCR, Quay, Google's, Amazon's, Artifactory and Harbor says, fakes that
//! behave badly, and Debian's docker-registry.
#![allow(clippy::unwrap_used)]

mod bump;
mod charts;
mod clouds;
mod compared;
mod cut;
mod echoed;
mod fake;
mod forges;
mod hostile;
mod kinds;
mod listing;
mod packages;
mod platform;
mod proposal;
mod real;
mod registry;
mod report;
mod scans;
mod support;
mod told;
#[path = "../bed/tools.rs"]
#[allow(dead_code)]
mod tools;
#[path = "../bed/trouble.rs"]
#[allow(dead_code)]
mod trouble;
mod trusted;
mod values;
mod web;
mod written;

/// Runs a test again in a process of its own, where nobody else uses memory; `true` if that was done here.
fn alone(test: &str) -> bool {
    if std::env::var_os("TIDEGATE_TEST_ALONE").is_some() {
        return false;
    }
    let ran = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env("TIDEGATE_TEST_ALONE", "yes")
        .output()
        .unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    true
}
