//! Figures, printed and never asserted: a machine under load must not fail a build.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod plan;

fn main() {
    plan::run();
}
