//! A plot: a scenario in the making, with its parts apart so that any of them can be left out. A seed
//! makes one; a failure makes it smaller; it is printed as the scenario file that shows the failure.

use std::fmt::Write as _;

use tidegate::sim::chance::Chance;

/// One wave of a plot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wave {
    pub name: &'static str,
    pub clusters: u32,
    pub pools: Vec<u32>,
    pub at_once: u32,
    pub budget: u32,
    pub deferred: u32,
    /// In minutes.
    pub soak: u32,
    pub approval: bool,
}

/// A pin: a cluster keeps this product at this version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pin {
    pub cluster: String,
    pub product: &'static str,
    pub version: String,
}

/// A freeze: from and until, in minutes of the story.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Freeze {
    pub from: u32,
    pub until: u32,
}

/// One release: its id, and what it raises.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    pub id: String,
    pub raises: Vec<(&'static str, String)>,
}

/// A scenario in the making.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plot {
    pub seed: u64,
    /// What runs on the clusters.
    pub platform: Vec<&'static str>,
    pub waves: Vec<Wave>,
    pub at_once: Option<u32>,
    /// The first is installed; the others are rolled out one after another.
    pub releases: Vec<Release>,
    pub pins: Vec<Pin>,
    pub freezes: Vec<Freeze>,
    /// One rule each, as the file has it.
    pub faults: Vec<String>,
    pub conditions: Vec<String>,
    /// Actions at times, in minutes.
    pub deeds: Vec<(u32, String)>,
}

/// Platforms, each complete by itself. Small ones are more frequent: a story on them is told sooner, and
/// most of what can go wrong between clusters does not ask how much runs on each.
const PLATFORMS: [&[&str]; 8] = [
    &["network"],
    &["network"],
    &["network"],
    &["network", "certificates"],
    &["network", "monitoring"],
    &["network", "certificates", "ingress"],
    &["network", "monitoring", "backup"],
    &["network", "certificates", "ingress", "monitoring", "backup"],
];

impl Plot {
    /// Whether a fault strikes in this minute of the story.
    pub fn is_struck_at(&self, minute: u32) -> bool {
        let minutes = |rule: &str, name: &str| -> Option<u32> {
            rule.split_once(name)?.1.split_once('m')?.0.trim().parse().ok()
        };
        self.faults.iter().any(|rule| match (minutes(rule, "from:"), minutes(rule, "until:")) {
            (Some(from), Some(until)) => (from..=until).contains(&minute),
            _ => true,
        })
    }

    /// The plot of a seed, with at least so many clusters.
    pub fn of(seed: u64, least: u32) -> Self {
        let platform = PLATFORMS[Chance::named(seed, "platform").below(PLATFORMS.len() as u64) as usize];
        let mut chance = Chance::named(seed, "plot");
        let mut number =
            |least: u64, most: u64| u32::try_from(least + chance.below(most - least + 1)).unwrap_or_default();
        let staging = number(1, 3);
        let nonprod = number(8, 20);
        let prod = least.saturating_sub(staging + nonprod).max(1) + number(0, 10);
        let waves = vec![
            Wave {
                name: "staging",
                clusters: staging,
                pools: Vec::new(),
                at_once: number(1, 2),
                budget: 0,
                deferred: 0,
                soak: 0,
                approval: false,
            },
            Wave {
                name: "nonprod",
                clusters: nonprod,
                pools: vec![number(1, 4), number(3, 8)],
                at_once: number(2, 6),
                budget: number(0, 2),
                deferred: number(0, 2),
                soak: number(0, 90),
                approval: number(0, 3) == 0,
            },
            Wave {
                name: "prod",
                clusters: prod,
                pools: vec![number(2, 6), number(5, 15)],
                at_once: number(4, 12),
                budget: number(0, 3),
                deferred: number(0, 3),
                soak: 0,
                approval: number(0, 1) == 0,
            },
        ];
        let mut releases = vec![Release { id: "R41".to_owned(), raises: Vec::new() }];
        for n in 0..number(1, 2) {
            let raised = number(1, 3);
            let mut raises: Vec<(&'static str, String)> = Vec::new();
            for _ in 0..raised {
                let product = platform[number(0, 59) as usize % platform.len()];
                if !raises.iter().any(|(known, _)| *known == product) {
                    raises.push((product, format!("1.{}.0", n + 1)));
                }
            }
            releases.push(Release { id: format!("R{}", 42 + n), raises });
        }
        let cluster = |number: &mut dyn FnMut(u64, u64) -> u32, wave: &Wave| {
            let digits = wave.clusters.to_string().len();
            format!("{}-{:0digits$}", wave.name, number(1, u64::from(wave.clusters)))
        };
        let mut pins = Vec::new();
        for _ in 0..number(0, 2) {
            let wave = &waves[number(1, 2) as usize];
            pins.push(Pin {
                cluster: cluster(&mut number, wave),
                product: platform[number(0, 59) as usize % platform.len()],
                version: "1.0.0".to_owned(),
            });
        }
        pins.dedup_by(|a, b| a.cluster == b.cluster);
        let freezes = match number(0, 2) {
            0 => {
                let from = number(5, 60);
                vec![Freeze { from, until: from + number(20, 180) }]
            }
            _ => Vec::new(),
        };
        let mut faults = Vec::new();
        const WHATS: [&str; 13] = [
            "refused",
            "reset",
            "half-open",
            "answer-lost",
            "truncated",
            "slow, for: 20s",
            "stale, for: 5s",
            "conflict",
            "too-many-requests, for: 2s",
            "internal-error",
            "unavailable, for: 1s",
            "expired",
            "forbidden",
        ];
        for n in 0..number(1, 4) {
            let what = WHATS[number(0, WHATS.len() as u64 - 1) as usize];
            // The first one strikes while something happens.
            let from = number(0, if n == 0 { 2 } else { 120 });
            let mut rule = format!("{{ what: {what}, from: {from}m, until: {}m", from + number(1, 30));
            let names: Vec<String> = (0..number(1, 4))
                .map(|_| {
                    let wave = &waves[number(0, 2) as usize];
                    cluster(&mut number, wave)
                })
                .collect();
            let _ = write!(rule, ", perMille: {}", [20, 100, 300, 1_000][number(0, 3) as usize]);
            if n > 0 && number(0, 2) > 0 {
                let _ = write!(rule, ", clusters: [{}]", names.join(", "));
            }
            rule.push_str(" }");
            faults.push(rule);
        }
        let mut conditions = Vec::new();
        if number(0, 2) == 0 {
            let last = releases.last().map_or(&[][..], |release| &release.raises);
            if let Some((product, version)) = last.first() {
                let kind = ["unpullable", "crashing", "failing"][number(0, 2) as usize];
                let part = if kind == "failing" { "-test" } else { "" };
                let wave = &waves[number(1, 2) as usize];
                conditions.push(format!(
                    "{{ clusters: [{}], {kind}: [\"{product}{part}:{version}\"] }}",
                    cluster(&mut number, wave)
                ));
            }
        }
        let mut deeds = Vec::new();
        for _ in 0..number(0, 3) {
            deeds.push((number(1, 120), "kill: {}".to_owned()));
        }
        if number(0, 3) == 0 {
            let at = number(1, 60);
            deeds.push((at, "pause: {}".to_owned()));
            deeds.push((at + number(1, 60), "resume: {}".to_owned()));
        }
        if number(0, 4) == 0 {
            let at = number(1, 60);
            deeds.push((at, "stopTheLine: {}".to_owned()));
            deeds.push((at + number(1, 60), "startTheLine: {}".to_owned()));
        }
        if number(0, 3) == 0 {
            let name = cluster(&mut number, &waves[2]);
            let at = number(1, 30);
            deeds.push((at, format!("hold: {{ cluster: {name} }}")));
            deeds.push((at + number(30, 240), format!("release: {{ cluster: {name} }}")));
        }
        if number(0, 5) == 0 {
            deeds.push((number(30, 300), "rollback: {}".to_owned()));
        }
        deeds.sort();
        let at_once = (number(0, 2) == 0).then(|| number(3, 10));
        let platform = platform.to_vec();
        Self { seed, platform, waves, at_once, releases, pins, freezes, faults, conditions, deeds }
    }

    /// The clusters of a wave.
    pub fn names(wave: &Wave) -> impl Iterator<Item = String> + use<'_> {
        let digits = wave.clusters.to_string().len();
        (1..=wave.clusters).map(move |n| format!("{}-{n:0digits$}", wave.name))
    }

    /// Whether anything ever goes wrong in a cluster or on the way to it.
    pub fn is_troubled(&self, cluster: &str) -> bool {
        self.faults.iter().chain(&self.conditions).any(|rule| {
            let named = rule.split_once("clusters: [").and_then(|(_, rest)| rest.split_once(']'));
            named.is_none_or(|(names, _)| names.split(", ").any(|name| name == cluster))
        })
    }

    /// The scenario file.
    pub fn text(&self) -> String {
        let mut text = format!(
            "apiVersion: tidegate.dev/v1\nkind: Scenario\nmetadata:\n  name: seed-{}\nspec:\n  seed: {0}\n  within: 1d\n",
            self.seed
        );
        text.push_str("  fleet:\n");
        for wave in &self.waves {
            let _ = writeln!(
                text,
                "    - {{ name: {}, clusters: {}, labels: {{ env: {0} }}, nodes: 1 }}",
                wave.name, wave.clusters
            );
        }
        text.push_str("  pipeline:\n");
        if let Some(most) = self.at_once {
            let _ = writeln!(text, "    atOnce: {most}");
        }
        text.push_str("    catchUp: { budget: 2 }\n    waves:\n");
        for wave in &self.waves {
            let _ = writeln!(text, "      - name: {}\n        selector: {{ env: {0} }}", wave.name);
            if !wave.pools.is_empty() {
                let _ = writeln!(text, "        pools: {{ sizes: {:?} }}", wave.pools);
            }
            let _ = writeln!(
                text,
                "        atOnce: {}\n        failureBudget: {}\n        deferredBudget: {}",
                wave.at_once, wave.budget, wave.deferred
            );
            if wave.soak > 0 {
                let _ = writeln!(text, "        soak: {{ for: {}m }}", wave.soak);
            }
            if wave.approval {
                text.push_str(
                    "        gates: { before: [ { approval: { by: leads, author: allowed } } ] }\n",
                );
            }
        }
        if !self.freezes.is_empty() {
            text.push_str("  calendar:\n    freezes:\n");
            for (n, freeze) in self.freezes.iter().enumerate() {
                let _ = writeln!(
                    text,
                    "      - {{ name: freeze-{n}, from: {}, until: {}, author: ann, reason: stock-taking }}",
                    at(freeze.from),
                    at(freeze.until)
                );
            }
        }
        if !self.pins.is_empty() {
            text.push_str("  pins:\n");
            for pin in &self.pins {
                let _ = writeln!(
                    text,
                    "    - {{ cluster: {}, product: {}, version: {}, owner: team, reason: waits, until: 2026-12-01 }}",
                    pin.cluster, pin.product, pin.version
                );
            }
        }
        let _ = writeln!(text, "  platform: [{}]\n  releases:", self.platform.join(", "));
        for release in &self.releases {
            let raises: Vec<String> =
                release.raises.iter().map(|(product, version)| format!("{product}: {version}")).collect();
            let _ = writeln!(text, "    - {{ id: {}, products: {{ {} }} }}", release.id, raises.join(", "));
        }
        text.push_str("  installed: R41\n");
        let list = |text: &mut String, name: &str, lines: &[String]| {
            if !lines.is_empty() {
                let _ = writeln!(text, "  {name}:");
                for line in lines {
                    let _ = writeln!(text, "    - {line}");
                }
            }
        };
        list(&mut text, "faults", &self.faults);
        list(&mut text, "conditions", &self.conditions);
        list(&mut text, "actions", &self.actions());
        text
    }

    /// Everything that is done, in the order of its times.
    fn actions(&self) -> Vec<String> {
        let mut timed: Vec<(u32, String)> = self.deeds.clone();
        for (n, release) in self.releases.iter().skip(1).enumerate() {
            let at = u32::try_from(n).unwrap_or_default() * 45;
            timed.push((at, format!("start: {{ release: {} }}", release.id)));
        }
        // Somebody looks in again and again: says yes where somebody is asked, has tried again what failed or was left
        // for later, and after a while goes on with what is left.
        for (visit, at) in [30, 60, 90, 120, 180, 240, 360, 480, 600].into_iter().enumerate() {
            for release in self.releases.iter().skip(1) {
                for wave in self.waves.iter().filter(|wave| wave.approval) {
                    let approve = format!("approve: {{ rollout: {}-1, wave: {} }}", release.id, wave.name);
                    timed.push((at, approve));
                }
                let deed = if visit < 4 { "retry" } else { "resume" };
                timed.push((at, format!("{deed}: {{ rollout: {}-1 }}", release.id)));
                timed.push((at, format!("retry: {{ rollout: {}-1, deferred: true }}", release.id)));
            }
        }
        timed.sort_by_key(|(at, _)| *at);
        timed
            .into_iter()
            .map(|(at, deed)| format!("{{ at: {at}m, mayBeRefused: true, do: {{ {deed} }} }}"))
            .collect()
    }

    /// The same with one part less, each part in turn.
    pub fn smaller(&self) -> Vec<Self> {
        let mut all = Vec::new();
        fn without<T: Clone>(list: &[T]) -> impl Iterator<Item = Vec<T>> + '_ {
            (0..list.len()).map(|at| {
                let mut rest = list.to_vec();
                rest.remove(at);
                rest
            })
        }
        for faults in without(&self.faults) {
            all.push(Self { faults, ..self.clone() });
        }
        for conditions in without(&self.conditions) {
            all.push(Self { conditions, ..self.clone() });
        }
        for deeds in without(&self.deeds) {
            all.push(Self { deeds, ..self.clone() });
        }
        for pins in without(&self.pins) {
            all.push(Self { pins, ..self.clone() });
        }
        for freezes in without(&self.freezes) {
            all.push(Self { freezes, ..self.clone() });
        }
        if self.releases.len() > 2 {
            for releases in without(&self.releases).skip(1) {
                all.push(Self { releases, ..self.clone() });
            }
        }
        for (at, wave) in self.waves.iter().enumerate() {
            if wave.clusters > 1 {
                let mut waves = self.waves.clone();
                waves[at].clusters = wave.clusters / 2;
                all.push(Self { waves, ..self.clone() });
            }
        }
        all
    }
}

/// A moment of the story.
pub fn at(minutes: u32) -> jiff::Timestamp {
    let start: jiff::Timestamp = "2026-03-02T08:00:00Z".parse().unwrap_or_default();
    start + jiff::SignedDuration::from_mins(i64::from(minutes))
}
