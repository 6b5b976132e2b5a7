//! A whole rollout of a large fleet through the engine and the real kube client: every cluster is
//! simulated. Goals: 10,000 clusters in 60 s and 512 MB; resumed from its journal in 3 s; one cluster that
//! hangs delays the others by nothing.
#![allow(clippy::print_stdout, clippy::unwrap_used)]

mod hanging;
mod memory;
mod resume;

use std::time::Instant;

use tidegate::sim::scenario::{self, Options, Played};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How many clusters, where nobody says otherwise.
const CLUSTERS: usize = 10_000;

/// Clusters at once.
const AT_ONCE: usize = 1_000;

/// A rollout of the first release, with the tests of its product on every cluster. `more` is added to it.
/// A fleet of that size is one of small clusters: each has one node, and runs one product.
fn text(clusters: usize, more: &str) -> String {
    let (second, first) = (clusters / 10, 1);
    let rest = clusters - second - first;
    format!(
        "apiVersion: tidegate.dev/v1
kind: Scenario
metadata:
  name: large
spec:
  fleet:
    - {{ name: staging, nodes: 1, clusters: {first}, labels: {{ env: staging }} }}
    - {{ name: nonprod, nodes: 1, clusters: {second}, labels: {{ env: nonprod }} }}
    - {{ name: prod, nodes: 1, clusters: {rest}, labels: {{ env: prod }} }}
  pipeline:
    waves:
      - {{ name: staging, selector: {{ env: staging }}, tests: all }}
      - {{ name: nonprod, selector: {{ env: nonprod }}, atOnce: {AT_ONCE}, soak: {{ for: 1h }} }}
      - {{ name: prod, selector: {{ env: prod }}, atOnce: {AT_ONCE}, deferredBudget: 1 }}
  platform: [network]
  releases:
    - {{ id: R1 }}
{more}  actions:
    - {{ do: {{ start: {{ release: R1 }} }} }}
"
    )
}

/// Plays it; when each cluster's attempt ended, in milliseconds of the story, comes beside.
fn play(text: &str) -> (Played, hanging::Ends) {
    let scenario = scenario::read("large.yaml", text.as_bytes()).unwrap();
    let mut ends = hanging::Ends::default();
    let played =
        scenario::run(&scenario.spec, &Options::default(), &mut |event, _| ends.note(event)).unwrap();
    let end = &played.verdict.rollouts[0];
    assert!(end.state.starts_with("succeeded"), "{end:?}");
    (played, ends)
}

fn main() {
    let clusters =
        std::env::var("TIDEGATE_BENCH_CLUSTERS").ok().and_then(|n| n.parse().ok()).unwrap_or(CLUSTERS);
    let before = memory::peak();
    let begun = Instant::now();
    let (played, ends) = play(&text(clusters, ""));
    let took = begun.elapsed().as_secs_f64();
    println!(
        "fleet: a rollout of {clusters} simulated clusters, {} events, {} requests: {took:.1} s (goal: 60 s), \
         {:.0} events a second, {} MB at most, {before} MB of it before (goal: 512 MB)",
        played.verdict.events,
        played.fleet.requests(),
        played.verdict.events as f64 / took,
        memory::peak(),
    );
    resume::run(&played, clusters);
    drop(played);
    hanging::run(&ends, clusters);
}
