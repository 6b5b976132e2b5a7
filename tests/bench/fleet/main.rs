//! A whole rollout of a large fleet through the engine and the real kube client: every cluster is
//! simulated. Goal: 10,000 clusters in 60 s and 512 MB.
#![allow(clippy::print_stdout, clippy::unwrap_used)]

mod memory;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

use std::time::Instant;

use tidegate::sim::scenario::{self, Options};

/// How many clusters, where nobody says otherwise.
const CLUSTERS: usize = 10_000;

/// Clusters at once.
const AT_ONCE: usize = 1_000;

fn text(clusters: usize) -> String {
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
      - {{ name: prod, selector: {{ env: prod }}, atOnce: {AT_ONCE} }}
  platform: [network]
  releases:
    - {{ id: R1 }}
  actions:
    - {{ do: {{ start: {{ release: R1 }} }} }}
  expect:
    - rollout: {{ id: R1-1, state: succeeded }}
"
    )
}

fn main() {
    let clusters =
        std::env::var("TIDEGATE_BENCH_CLUSTERS").ok().and_then(|n| n.parse().ok()).unwrap_or(CLUSTERS);
    let text = text(clusters);
    let scenario = scenario::read("large.yaml", text.as_bytes()).unwrap();
    let before = memory::peak();
    let begun = Instant::now();
    let played = scenario::run(&scenario.spec, &Options::default(), &mut |_, _| {}).unwrap();
    let took = begun.elapsed().as_secs_f64();
    assert!(played.verdict.holds, "{:?}", played.verdict.checks);
    let requests = played.fleet.requests();
    println!(
        "fleet: a rollout of {clusters} simulated clusters, {} events, {requests} requests: {took:.1} s \
         (goal: 60 s), {:.0} events a second, {} MB at most, {before} MB of it before (goal: 512 MB)",
        played.verdict.events,
        played.verdict.events as f64 / took,
        memory::peak(),
    );
}
