//! A fleet's sources, all of them asked once: images on several registries, charts in repositories, tools on
//! GitHub. They are fakes that answer after the time that the way to a real one takes, in a process of their
//! own; each run is a process of its own too, so that its memory is its alone. A report for 10,000 clusters with the
//! same products asks no more than one for a single cluster. Goals: cold in 2.5 s with at most
//! 1,600 requests, 32 at once to a host; warm, with what the first run kept, in 1 s; in 100 MB; the images alone,
//! by name, in 0.77 s. The floor is as many questions to the same hosts by a bare client.
#![allow(clippy::print_stdout, clippy::unwrap_used)]

mod ask;
#[path = "../../upstream/fake.rs"]
#[allow(dead_code)]
mod fake;
#[path = "../fleet/memory.rs"]
mod memory;
#[path = "../../upstream/registry.rs"]
#[allow(dead_code)]
mod registry;
#[path = "../repository.rs"]
mod repository;
mod serve;

use std::io::BufRead as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use ask::{Figures, Run};
use serve::{Addresses, Count};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// So many clusters has a large fleet.
const CLUSTERS: usize = 10_000;

/// The best of so many runs counts: the others were disturbed.
const RUNS: usize = 5;

fn main() {
    // The bare clients have nobody who does it for them.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let arguments: Vec<String> = std::env::args().collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[1..] {
        ["serve"] => serve::run(),
        ["ask", run, folder, addresses] => ask::run(run.parse().unwrap(), Path::new(folder), addresses),
        _ => compare(),
    }
}

/// The process of the fakes; it ends with this value.
struct Fakes {
    child: Child,
    addresses: Addresses,
}

impl Drop for Fakes {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn again() -> Command {
    Command::new(std::env::current_exe().unwrap())
}

impl Fakes {
    fn start() -> Self {
        let mut child = again().arg("serve").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        std::io::BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        Self { child, addresses: serde_json::from_str(&line).unwrap() }
    }

    /// Asks in a process of its own; what it needed, and what the fakes saw of it.
    fn asked(&self, run: Run, folder: &Path) -> (Figures, Vec<Count>) {
        let addresses = serde_json::to_string(&self.addresses).unwrap();
        let told = again()
            .args(["ask", &run.to_string()])
            .arg(folder)
            .arg(addresses)
            .stderr(Stdio::inherit())
            .output();
        let told = told.unwrap();
        assert!(told.status.success());
        (serde_json::from_slice(&told.stdout).unwrap(), serve::take(&self.addresses))
    }
}

/// The best run, by the time that it took. Each starts with what was kept before, or with nothing.
fn best(fakes: &Fakes, run: Run, kept: Option<&Path>) -> (Figures, Vec<Count>) {
    let asked = || {
        let empty = tempfile::tempdir().unwrap();
        fakes.asked(run, kept.unwrap_or(empty.path()))
    };
    (0..RUNS).map(|_| asked()).min_by(|one, other| one.0.took.total_cmp(&other.0.took)).unwrap()
}

fn compare() {
    let fakes = Fakes::start();
    let folder = tempfile::tempdir().unwrap();
    let names = best(&fakes, Run::Names, None);
    let cold = best(&fakes, Run::All, None);
    fakes.asked(Run::All, folder.path());
    let warm = best(&fakes, Run::All, Some(folder.path()));
    let one = best(&fakes, Run::Fleet(1), None);
    let many = best(&fakes, Run::Fleet(CLUSTERS), None);
    assert_eq!(total(&one.1), total(&many.1), "each cluster costs nothing upstream");
    let bare = best(&fakes, Run::Bare(total(&cold.1)), None);
    let goals = [
        ("the images alone, by name", &names, "0.77 s"),
        ("all, cold", &cold, "2.5 s, 1600 requests"),
        ("all, warm", &warm, "1 s"),
        ("a report of one cluster", &one, "none"),
        ("a report of 10,000 clusters", &many, "as many requests as for one"),
        ("floor: as many by a bare client", &bare, "none"),
    ];
    println!(
        "sources: {} images, {} charts in {} repositories, {} tools; each answer takes {} ms",
        serve::IMAGES,
        serve::REPOSITORIES * serve::WANTED,
        serve::REPOSITORIES,
        serve::TOOLS,
        serve::LATENCY.as_millis()
    );
    for (what, (figures, counts), goal) in goals {
        println!(
            "sources: {what}: {:.2} s (goal: {goal}), {:.2} s of the processor, {} requests, at most {} at once to a \
             host (goal: 32), {} MB (goal: 100 MB)",
            figures.took,
            figures.processor,
            total(counts),
            counts.iter().map(|count| count.peak).max().unwrap(),
            figures.memory,
        );
    }
}

fn total(counts: &[Count]) -> usize {
    counts.iter().map(|count| count.requests).sum()
}
