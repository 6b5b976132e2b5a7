//! Three million tags in the order of their versions, beside the floor of the same tags in the order of their
//! bytes, and beside reading and comparing each, of which a tenth is enough. Goal: 0.2 s.
//!
//! The tags are as different from each other as those of images and charts: with a `v` and without, names before
//! them, stages, variants, counters, days, hashes, and some that are no versions. They come as registries list
//! them, by their bytes, and once more in no order at all.
#![allow(clippy::print_stdout, clippy::unwrap_used)]

mod best;

use std::collections::HashSet;
use std::fmt::Write as _;

use best::{best, milliseconds};
use tidegate::lcm::pick::counts;
use tidegate::lcm::policy::Policy;
use tidegate::lcm::sort::{compare, sorted};
use tidegate::lcm::version::{Scheme, Version};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const TAGS: usize = 3_000_000;
/// Of how many tags one is compared.
const TENTH: usize = 10;

const STAGES: [&str; 6] = ["rc", "rc", "alpha", "beta", "dev", "preview"];
const VARIANTS: [&str; 12] = [
    "alpine",
    "slim",
    "bookworm",
    "bullseye",
    "alpine3.19",
    "alpine3.20",
    "alpine3.21",
    "slim-bookworm",
    "ubi9",
    "nonroot",
    "debian-12",
    "windowsservercore-ltsc2022",
];
const NAMES: [&str; 20] = [
    "kube-prometheus-stack",
    "prometheus",
    "kube-state-metrics",
    "helm-chart",
    "controller",
    "python",
    "node",
    "release",
    "alertmanager",
    "ingress-nginx",
    "external-dns-helm-chart",
    "prometheus-node-exporter",
    "loki",
    "grafana",
    "cert-manager",
    "argo-cd",
    "velero",
    "keda",
    "cilium",
    "redis",
];

/// Dice that fall alike in every run (xorshift, Marsaglia 2003).
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }

    fn of(&mut self, all: &[&'static str]) -> &'static str {
        all[self.below(all.len() as u64) as usize]
    }
}

/// A tag of some kind; of a hundred, how many are of which.
fn tag(dice: &mut Dice) -> String {
    let v = if dice.below(5) < 2 { "v" } else { "" };
    let x = format!("{}.{}.{}", dice.below(60), dice.below(150), dice.below(400));
    let day = [2015 + dice.below(11), 1 + dice.below(12), 1 + dice.below(28)];
    let hash = |dice: &mut Dice| format!("{:07x}", dice.below(1 << 28));
    let [year, month, date] = day;
    match dice.below(100) {
        0..=42 => format!("{v}{x}"),
        43..=44 => format!("{v}{}.{}", dice.below(400), dice.below(2000)),
        45..=47 => format!("{v}{x}.{}", dice.below(3000)),
        48..=60 => format!("{}-{x}", dice.of(&NAMES)),
        61..=67 => format!("{v}{x}-{}.{}", dice.of(&STAGES), dice.below(20)),
        68..=69 => format!("{v}{x}{}{}", dice.of(&STAGES), dice.below(20)),
        70..=81 => format!("{v}{x}-{}", dice.of(&VARIANTS)),
        82..=84 => format!("{x}-debian-12-r{}", dice.below(60)),
        85..=87 => format!("{v}{x}-{}", dice.below(5000)),
        88 => format!("{year}{month:02}{date:02}{:02}{:02}", dice.below(24), dice.below(60)),
        89 => format!("{year}-{month:02}-{date:02}-{}", dice.below(500)),
        90 => format!("{v}{x}-{year}{month:02}{date:02}"),
        91..=92 => format!("{v}{x}-g{}", hash(dice)),
        93..=95 => format!("{v}{x}+build.{}", dice.below(900)),
        96..=97 => format!("main-{}", hash(dice)),
        98 => hash(dice),
        _ => {
            let digest: String = (0..4).fold(String::new(), |mut digest, _| {
                write!(digest, "{:016x}", dice.below(u64::MAX)).unwrap();
                digest
            });
            format!("sha256-{digest}.sig")
        }
    }
}

/// Different tags in no order, a line each.
fn published() -> String {
    let mut dice = Dice(88_172_645_463_325_252);
    let mut seen = HashSet::with_capacity(TAGS);
    let mut text = String::new();
    while seen.len() < TAGS {
        let tag = tag(&mut dice);
        if seen.insert(tag.clone()) {
            writeln!(text, "{tag}").unwrap();
        }
    }
    text
}

/// Sorts by reading and comparing alone.
fn compared<'t>(tags: &[&'t str], scheme: &Scheme) -> Vec<&'t str> {
    let known = tags.iter().filter(|tag| counts(tag, scheme));
    let mut versions: Vec<(Version<'_>, &'t str)> =
        known.filter_map(|tag| Some((scheme.read(tag)?, *tag))).collect();
    versions.sort_by(|(one, a), (other, b)| compare(one, other, scheme).then_with(|| a.cmp(b)));
    versions.into_iter().map(|(_, tag)| tag).collect()
}

fn main() {
    let policy = Policy::of(Scheme::Auto);
    let shuffled = published();
    let tags: Vec<&str> = shuffled.lines().collect();
    let mut listed = tags.clone();
    listed.sort_unstable();
    let listed = listed.join("\n");
    let some: Vec<&str> = tags.iter().step_by(TENTH).copied().collect();
    assert_eq!(sorted(&some, &policy), compared(&some, &policy.scheme));

    let floor = best(|| {
        let mut tags = tags.clone();
        tags.sort_unstable();
        tags
    });
    let slow = best(|| compared(&some, &policy.scheme));
    for (order, text) in [("as registries list them", &listed), ("in no order", &shuffled)] {
        let tags: Vec<&str> = text.lines().collect();
        let took = best(|| sorted(&tags, &policy));
        println!(
            "tags: {TAGS} {order}: {:.0} ms (goal: 200 ms), {:.0} ms of the processor; by their bytes alone, from no \
             order, {:.0} ms; compared one by one, a tenth of them, {:.0} ms",
            milliseconds(took.0),
            milliseconds(took.1),
            milliseconds(floor.1),
            milliseconds(slow.1),
        );
    }
}
