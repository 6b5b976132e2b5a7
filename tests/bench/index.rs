//! An index of a Helm repository as large as the largest in use, read as it arrives, beside the floor of the
//! same bytes: counting their lines. Goals: 141 MB with five wanted charts in 200 ms and 20 MB.
#![allow(clippy::print_stdout, clippy::unwrap_used)]

#[path = "fleet/memory.rs"]
mod memory;

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use tidegate::lcm::index::{Index, Limits, Outcome, Scan};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const CHARTS: usize = 3_000;
const VERSIONS: usize = 40;
const WANTED: [&str; 5] = ["chart-0000", "chart-0777", "chart-1500", "chart-2222", "chart-2999"];

/// What arrives at once.
const CHUNK: usize = 64 * 1024;

/// The best of so many runs counts: the others were disturbed.
const RUNS: usize = 5;

/// The lines of a chart, as `helm repo index` writes them.
fn chart(number: usize, text: &mut String) {
    writeln!(text, "  chart-{number:04}:").unwrap();
    for version in (0..VERSIONS).rev() {
        let (minor, patch) = (version / 4, version % 4);
        let digest = (number * VERSIONS + version) as u64;
        write!(
            text,
            "  - annotations:
      artifacthub.io/changes: |
        - kind: changed
          description: Update the image of chart-{number:04} to 2.{minor}.{patch}
          links:
            - name: \"Pull request: {digest}\"
              url: https://forge.example/charts/pull/{digest}
        - kind: fixed
          description: \"Ports of the service: no longer swapped\"
      artifacthub.io/images: |
        - name: chart-{number:04}
          image: registry.example/chart-{number:04}:2.{minor}.{patch}
    apiVersion: v2
    appVersion: 2.{minor}.{patch}
    created: \"2026-03-{:02}T19:19:04.651095688Z\"
    dependencies:
    - condition: redis.enabled
      name: redis
      repository: https://charts.example/stable
      version: 17.x.x
    description: A chart for chart-{number:04}, which does a thing that many clusters need to
      have done, and does it well.
    digest: {digest:064x}
    home: https://chart-{number:04}.example
    keywords:
    - thing
    - cluster
    kubeVersion: '>=1.25.0-0'
    maintainers:
    - email: someone@chart-{number:04}.example
      name: someone
    name: chart-{number:04}
    sources:
    - https://forge.example/chart-{number:04}
    type: application
    urls:
    - https://charts.example/chart-{number:04}-1.{minor}.{patch}.tgz
    version: 1.{minor}.{patch}
",
            version % 28 + 1,
        )
        .unwrap();
    }
}

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
    chart(0, &mut text);
    let before = memory::peak();
    let mut scan = Scan::new(WANTED, Limits::default());
    scan.feed(b"apiVersion: v1\nentries:\n").unwrap();
    for number in 0..CHARTS {
        text.clear();
        chart(number, &mut text);
        scan.feed(text.as_bytes()).unwrap();
    }
    found(scan);
    memory::peak() - before
}

/// The least time that something took: on the clock, and of the processor, which others don't lengthen.
fn best<T>(mut run: impl FnMut() -> T) -> (Duration, Duration) {
    let processor = || {
        let now = clock_gettime(ClockId::ThreadCPUTime);
        Duration::new(now.tv_sec.unsigned_abs(), u32::try_from(now.tv_nsec).unwrap())
    };
    let mut least = (Duration::MAX, Duration::MAX);
    for _ in 0..RUNS {
        let begun = (Instant::now(), processor());
        std::hint::black_box(run());
        least = (least.0.min(begun.0.elapsed()), least.1.min(processor() - begun.1));
    }
    least
}

fn main() {
    let memory = needed();
    let mut text = "apiVersion: v1\nentries:\n".to_owned();
    (0..CHARTS).for_each(|number| chart(number, &mut text));
    text.push_str("generated: \"2026-03-28T19:19:04.651095688Z\"\n");
    let lines = memchr::memchr_iter(b'\n', text.as_bytes()).count();
    let floor = best(|| {
        text.as_bytes()
            .chunks(CHUNK)
            .map(|chunk| memchr::memchr_iter(b'\n', chunk).map(|at| at & 1).sum::<usize>())
            .sum::<usize>()
    });
    let took = best(|| scan(text.as_bytes()));
    let milliseconds = |time: Duration| time.as_secs_f64() * 1e3;
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
