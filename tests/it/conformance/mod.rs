//! The same requests to a real API server and to the simulation: each answer must be the same, but for
//! what `differences.rs` declares.

mod both;
mod differences;
mod normal;
mod script;

use std::fmt::Write as _;

use crate::bed::{Bed, ClusterSpec};

/// How many requests the script has at least.
const ENOUGH: usize = 250;

#[tokio::test(flavor = "multi_thread")]
async fn the_simulation_answers_as_a_real_api_server_does() {
    let bed = Bed::shared().await;
    let real = bed.cluster(ClusterSpec::api_only("conformance")).await;
    let client = real.client().await;
    let mut both = both::Both::new(client);
    let mut failures = String::new();
    let (mut sent, mut agreed) = (0, 0);
    let mut record = String::new();
    for (file, steps) in script::all() {
        for (n, step) in steps.iter().enumerate() {
            let Some((real, simulated)) = both.send(step).await else { continue };
            sent += 1;
            let differences = differences::between(step, &real, &simulated);
            let _ = writeln!(record, "## {file} {}: {step}\n{}\n", n + 1, real.text());
            if differences.is_empty() {
                agreed += 1;
                continue;
            }
            let _ = writeln!(failures, "\n# {file} step {}: {step}", n + 1);
            for difference in differences {
                let _ = writeln!(failures, "  {difference}");
            }
            let _ = writeln!(failures, "  real:      {}\n  simulated: {}", real.text(), simulated.text());
        }
    }
    if let Ok(file) = std::env::var("TIDEGATE_CONFORMANCE_RECORD") {
        std::fs::write(file, format!("{record}\n{failures}")).unwrap();
    }
    assert!(failures.is_empty(), "{agreed} of {sent} answers agree{failures}");
    assert!(sent >= ENOUGH, "only {sent} requests");
}
