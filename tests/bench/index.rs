//! An index of a Helm repository as large as the largest in use, read as it arrives, beside the floor of the
//! same bytes: counting their lines. Goals: 141 MB with five wanted charts in 200 ms and 20 MB.
#![allow(clippy::print_stdout, clippy::unwrap_used)]

mod best;
#[path = "fleet/memory.rs"]
mod memory;
mod repository;

use best::{best, milliseconds};
use repository::chart;
use tidegate::lcm::index::{Index, Limits, Outcome, Scan};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const CHARTS: usize = 3_000;
const VERSIONS: usize = 40;
const WANTED: [&str; 5] = ["chart-0000", "chart-0777", "chart-1500", "chart-2222", "chart-2999"];

/// What arrives at once.
const CHUNK: usize = 64 * 1024;

fn found(scan: Scan) -> Index {
    let Outcome::Found(index) = scan.finish().unwrap() else { panic!("lines were not enough") };
    let versions = |name: &&str| index.charts[*name].as_ref().unwrap().entries.len();
    assert_eq!(WANTED.iter().map(versions).sum::<usize>(), WANTED.len() * VERSIONS);
    index
}

fn scan(text: &[u8]) -> Index {
    let mut scan = Scan::new(WANTED, Limits::default());
    text.chunks(CHUNK).for_each(|chunk| scan.feed(chunk).unwrap());
    found(scan)
}

/// Scans an index that is never whole anywhere; how much memory that took, in MB.
fn needed() -> u64 {
    let mut text = String::with_capacity(CHUNK);
    chart(0, VERSIONS, &mut text);
    let before = memory::peak();
    let mut scan = Scan::new(WANTED, Limits::default());
    scan.feed(b"apiVersion: v1\nentries:\n").unwrap();
    for number in 0..CHARTS {
        text.clear();
        chart(number, VERSIONS, &mut text);
        scan.feed(text.as_bytes()).unwrap();
    }
    found(scan);
    memory::peak() - before
}

fn main() {
    let memory = needed();
    let mut text = "apiVersion: v1\nentries:\n".to_owned();
    (0..CHARTS).for_each(|number| chart(number, VERSIONS, &mut text));
    text.push_str("generated: \"2026-03-28T19:19:04.651095688Z\"\n");
    let lines = memchr::memchr_iter(b'\n', text.as_bytes()).count();
    let floor = best(|| {
        text.as_bytes()
            .chunks(CHUNK)
            .map(|chunk| memchr::memchr_iter(b'\n', chunk).map(|at| at & 1).sum::<usize>())
            .sum::<usize>()
    });
    let took = best(|| scan(text.as_bytes()));
    println!(
        "index: {} charts of {CHARTS} in {} MB, {lines} lines: {:.0} ms (goal: 200 ms), {:.0} ms of the processor, \
         {:.1} times as long as looking at each line break ({:.0} ms); {memory} MB of memory (goal: 20 MB)",
        WANTED.len(),
        text.len() / 1_000_000,
        milliseconds(took.0),
        milliseconds(took.1),
        took.1.as_secs_f64() / floor.1.as_secs_f64(),
        milliseconds(floor.1),
    );
}
