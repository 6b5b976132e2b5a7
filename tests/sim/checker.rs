//! The checker: it reads the audit logs of the simulated clusters and nothing else, and holds them
//! against the plot. What tidegate says of itself (its journal, its screens) is not asked: an engine that
//! lies about what it did is caught by what it did.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use jiff::Timestamp;
use serde_json::Value;
use tidegate::sim::fleet::Audited;

use crate::plot::{Plot, Wave};

/// A rule that was broken, with what shows it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Breach {
    /// The rule's number in the design, or its name where the design has no number.
    pub rule: &'static str,
    /// What was done.
    pub what: String,
}

/// Who did a write, by its User-Agent.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Doer {
    rollout: String,
    attempt: u32,
    fence: u64,
}

fn doer(agent: &str) -> Option<Doer> {
    let rest = agent.split_once("(attempt ")?.1;
    let (id, rest) = rest.split_once("; fence ")?;
    let fence = rest.trim_end_matches(')').parse().ok()?;
    let mut parts = id.split('/');
    let rollout = parts.next()?.to_owned();
    let attempt = parts.nth(1)?.parse().ok()?;
    Some(Doer { rollout, attempt, fence })
}

/// One successful write of an attempt.
struct Write<'a> {
    cluster: &'a str,
    at: Timestamp,
    doer: Doer,
    done: &'a Audited,
}

impl Write<'_> {
    fn body(&self) -> Value {
        let text = self.done.body.as_deref().unwrap_or_default();
        serde_json::from_str(text).unwrap_or_default()
    }

    fn is_own(&self) -> bool {
        self.done.path.contains("/namespaces/tidegate-system") || self.done.path.ends_with("/v1/namespaces")
    }

    /// The product whose record is written, with its head.
    fn record(&self) -> Option<(String, Value)> {
        if !self.done.path.contains("/namespaces/tidegate-system/secrets") {
            return None;
        }
        let body = self.body();
        let product = body.pointer("/metadata/name")?.as_str()?.strip_prefix("product.")?.to_owned();
        let head = body.pointer("/data/head")?.as_str()?;
        let head = base64::engine::general_purpose::STANDARD.decode(head).ok()?;
        Some((product, serde_json::from_slice(&head).ok()?))
    }
}

/// What an attempt's rollout did to one cluster.
struct Work {
    first: Timestamp,
    /// When every product that the plot changes there was recorded as verified.
    complete: Option<Timestamp>,
    /// The attempt that brought it so far.
    completed_by: Option<u32>,
    /// The first and the last write of each attempt.
    attempts: BTreeMap<u32, (Timestamp, Timestamp)>,
}

impl Work {
    /// Whether an attempt is at work at a moment. One that has failed is seen to work until its last write.
    fn is_on(&self, at: Timestamp) -> bool {
        self.attempts.values().any(|(first, last)| *first == at || (*first < at && at < *last))
    }
}

/// What happened, in numbers: a run in which little happened proves little.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Activity {
    pub writes: usize,
    pub clusters_changed: usize,
    pub clusters_complete: usize,
    /// How often something went wrong on the way to clusters.
    pub faults: u64,
    /// How many rollouts came to a good end, the installation included.
    pub rollouts_ended: usize,
}

/// Reads the audit logs of a whole story; `clusters` in any order.
pub fn check(plot: &Plot, clusters: &BTreeMap<String, Vec<Audited>>) -> (BTreeSet<Breach>, Activity) {
    let mut breaches = BTreeSet::new();
    let mut activity = Activity::default();
    let mut writes = Vec::new();
    for (cluster, log) in clusters {
        fences(cluster, log, &mut breaches);
        let done =
            log.iter().filter(|done| (200..300).contains(&done.status) && !done.path.contains("dryRun"));
        for done in done {
            if let Some(doer) = doer(&done.agent) {
                writes.push(Write { cluster, at: done.at, doer, done });
            }
        }
    }
    activity.writes = writes.len();
    for release in plot.releases.iter().skip(1) {
        let rollout = format!("{}-1", release.id);
        let mut own: Vec<&Write<'_>> = writes.iter().filter(|write| write.doer.rollout == rollout).collect();
        own.sort_by_key(|write| write.at);
        let changed: BTreeSet<&str> = release.raises.iter().map(|(product, _)| *product).collect();
        let work = works(plot, &changed, &own);
        activity.clusters_changed += work.len();
        activity.clusters_complete += work.values().filter(|work| work.complete.is_some()).count();
        order(plot, &rollout, &changed, &work, &mut breaches);
        caps(plot, &rollout, &work, &mut breaches);
        freezes(plot, &rollout, &own, &mut breaches);
        pins(plot, &own, &mut breaches);
        repeated(plot, &own, &mut breaches);
    }
    (breaches, activity)
}

fn breach(breaches: &mut BTreeSet<Breach>, rule: &'static str, what: String) {
    breaches.insert(Breach { rule, what });
}

/// Section 6: nobody with an older fence writes after somebody with a newer one.
fn fences(cluster: &str, log: &[Audited], breaches: &mut BTreeSet<Breach>) {
    let mut highest = 0;
    for done in log.iter().filter(|done| (200..300).contains(&done.status)) {
        let Some(doer) = doer(&done.agent) else { continue };
        if doer.fence < highest {
            let what = format!(
                "{cluster}: {} {} under fence {} after {highest}",
                done.method, done.path, doer.fence
            );
            breach(breaches, "fence", what);
        }
        highest = highest.max(doer.fence);
    }
}

/// Whether a cluster has a pin for all that a release changes.
fn keeps(plot: &Plot, cluster: &str, changed: &BTreeSet<&str>) -> BTreeSet<String> {
    let pinned: BTreeSet<&str> =
        plot.pins.iter().filter(|pin| pin.cluster == cluster).map(|pin| pin.product).collect();
    changed.difference(&pinned).map(|product| (*product).to_owned()).collect()
}

/// What was done where, for one rollout.
fn works<'a>(plot: &Plot, changed: &BTreeSet<&str>, own: &[&Write<'a>]) -> BTreeMap<&'a str, Work> {
    let mut works: BTreeMap<&str, Work> = BTreeMap::new();
    let mut verified: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for write in own.iter().filter(|write| !write.done.path.contains("/leases")) {
        let work = works.entry(write.cluster).or_insert_with(|| Work {
            first: write.at,
            complete: None,
            completed_by: None,
            attempts: BTreeMap::new(),
        });
        work.attempts.entry(write.doer.attempt).or_insert((write.at, write.at)).1 = write.at;
        let Some((product, head)) = write.record() else { continue };
        let of = verified.entry(write.cluster).or_default();
        if head.pointer("/current/phase").and_then(Value::as_str) == Some("verified") {
            of.insert(product);
        } else {
            of.remove(&product);
        }
        if keeps(plot, write.cluster, changed).is_subset(of) {
            work.complete.get_or_insert(write.at);
            work.completed_by.get_or_insert(write.doer.attempt);
        }
    }
    works
}

/// Rule 1: no cluster of a wave is touched before the wave before it is complete, within its budgets; and
/// the same for pools within a wave.
fn order(
    plot: &Plot,
    rollout: &str,
    changed: &BTreeSet<&str>,
    works: &BTreeMap<&str, Work>,
    breaches: &mut BTreeSet<Breach>,
) {
    for pair in plot.waves.windows(2) {
        let [before, after] = pair else { continue };
        let Some((name, first)) = Plot::names(after)
            .filter_map(|name| Some((works.get_key_value(name.as_str())?.1.first, name)))
            .min()
            .map(|(first, name)| (name, first))
        else {
            continue;
        };
        let open = open_at(plot, changed, before, works, first);
        let most = before.budget + before.deferred;
        if open.len() > most as usize {
            let what = format!(
                "{rollout}: {name} of {} was written to at {first}, and {} of {} were not complete (budgets {most}): {}",
                after.name,
                open.len(),
                before.name,
                open.join(", ")
            );
            breach(breaches, "1", what);
        }
        soak(plot, rollout, (before, after), (changed, works), first, breaches);
    }
}

/// A wave soaks from when it is complete within its budgets. Who failed in it, or was left for later, may
/// get the release at any time; who was at work for the first time, or waited for its turn, may not.
fn soak(
    plot: &Plot,
    rollout: &str,
    (before, after): (&Wave, &Wave),
    (changed, works): (&BTreeSet<&str>, &BTreeMap<&str, Work>),
    first: Timestamp,
    breaches: &mut BTreeSet<Breach>,
) {
    if before.soak == 0 {
        return;
    }
    let begun = first - jiff::SignedDuration::from_mins(i64::from(before.soak));
    let late = open_at(plot, changed, before, works, begun);
    let work = |name: &&String| works.get(name.as_str());
    let is_at_work =
        |work: &Work| work.attempts.get(&1).is_some_and(|(first, last)| *first <= begun && begun < *last);
    let comes_later = |work: &Work| work.completed_by == Some(1) && work.first > begun;
    let at_work: Vec<&String> = late.iter().filter(|name| work(name).is_some_and(is_at_work)).collect();
    let later: Vec<&String> = late.iter().filter(|name| work(name).is_some_and(comes_later)).collect();
    let most = (before.budget + before.deferred) as usize;
    if at_work.is_empty() && later.len() <= before.deferred as usize && late.len() <= most {
        return;
    }
    let what = format!(
        "{rollout}: {} began at {first}, and {} of {}, whose soak is {} min, were not complete by then: {} \
         (at work for the first time: {at_work:?}; after that: {later:?}; budgets {} and {})",
        after.name,
        late.len(),
        before.name,
        before.soak,
        late.join(", "),
        before.budget,
        before.deferred,
    );
    breach(breaches, "soak", what);
}

/// The clusters of a wave that have something to get and do not have it at a moment.
fn open_at(
    plot: &Plot,
    changed: &BTreeSet<&str>,
    wave: &Wave,
    works: &BTreeMap<&str, Work>,
    at: Timestamp,
) -> Vec<String> {
    Plot::names(wave)
        .filter(|name| !keeps(plot, name, changed).is_empty())
        .filter(|name| {
            works.get(name.as_str()).and_then(|work| work.complete).is_none_or(|complete| complete > at)
        })
        .collect()
}

/// Rule 2: no more at once than the wave's cap, and the pipeline's. A cluster that follows later has a
/// wave of its own behind it, and counts with the others all the same.
fn caps(plot: &Plot, rollout: &str, works: &BTreeMap<&str, Work>, breaches: &mut BTreeSet<Breach>) {
    let mut scopes: Vec<(String, u32, Vec<&Work>)> = plot
        .waves
        .iter()
        .map(|wave| {
            let of = Plot::names(wave).filter_map(|name| works.get(name.as_str())).collect();
            (format!("wave {}", wave.name), wave.at_once, of)
        })
        .collect();
    if let Some(most) = plot.at_once {
        scopes.push(("the pipeline".to_owned(), most, works.values().collect()));
    }
    for (scope, most, works) in scopes {
        let begun: BTreeSet<Timestamp> =
            works.iter().flat_map(|work| work.attempts.values().map(|(first, _)| *first)).collect();
        for at in begun {
            let at_once = works.iter().filter(|work| work.is_on(at)).count();
            if at_once > most as usize {
                let what = format!("{rollout}: {at_once} at once at {at} in {scope}, {most} allowed");
                breach(breaches, "2", what);
            }
        }
    }
}

/// Section 7, windows: nothing begins in a freeze. What is running when one begins ends its step; a step has
/// begun when the record says so, which is written before anything of its product is.
fn freezes(plot: &Plot, rollout: &str, own: &[&Write<'_>], breaches: &mut BTreeSet<Breach>) {
    let mut begun: BTreeMap<(&str, u32, String), Timestamp> = BTreeMap::new();
    for write in own {
        if let Some((product, _)) = write.record() {
            begun.entry((write.cluster, write.doer.attempt, product)).or_insert(write.at);
        }
    }
    for freeze in &plot.freezes {
        let (from, until) = (crate::plot::at(freeze.from), crate::plot::at(freeze.until));
        // Before its first write a step asks several things, and a fault can hold each of them up: within the
        // five minutes that a deployment has.
        let grace = if plot.is_struck_at(freeze.from) { 300 } else { 30 };
        for ((cluster, attempt, product), first) in &begun {
            if from + jiff::SignedDuration::from_secs(grace) <= *first && *first < until {
                let what = format!(
                    "{rollout}: attempt {attempt} at {cluster} began {product} at {first}, in a freeze"
                );
                breach(breaches, "freeze", what);
            }
        }
    }
}

/// Pins: a pinned product keeps its version.
fn pins(plot: &Plot, own: &[&Write<'_>], breaches: &mut BTreeSet<Breach>) {
    for write in own.iter().filter(|write| !write.is_own()) {
        for pin in plot.pins.iter().filter(|pin| pin.cluster == write.cluster) {
            let text = write.done.body.as_deref().unwrap_or_default();
            let image = format!("registry.example.com/{}:", pin.product);
            for (at, _) in text.match_indices(&image) {
                let version: String =
                    text[at + image.len()..].chars().take_while(|c| !matches!(c, '"' | '\n')).collect();
                if version != pin.version {
                    breach(
                        breaches,
                        "pin",
                        format!(
                            "{}: {} {version} was applied, pinned to {}",
                            write.cluster, pin.product, pin.version
                        ),
                    );
                }
            }
        }
    }
}

/// Rule 7: a Job is made once for each try of a step; and in a cluster where nothing goes wrong each test
/// of an attempt has one, however often its driver was killed.
fn repeated(plot: &Plot, own: &[&Write<'_>], breaches: &mut BTreeSet<Breach>) {
    let mut made: BTreeMap<(&str, String), Timestamp> = BTreeMap::new();
    let mut tests: BTreeMap<(&str, u32, String), Timestamp> = BTreeMap::new();
    for write in own
        .iter()
        .filter(|write| write.done.path.contains("/jobs") && write.done.method == http::Method::POST)
    {
        let body = write.body();
        let text = |path: &str| body.pointer(path).and_then(Value::as_str).unwrap_or_default().to_owned();
        let name = text("/metadata/name");
        if let Some(before) = made.insert((write.cluster, name.clone()), write.at) {
            breach(breaches, "7", format!("{}: Job {name} was made at {before} and again", write.cluster));
        }
        let test = text("/spec/template/spec/containers/0/image");
        if plot.is_troubled(write.cluster) {
            continue;
        }
        if let Some(before) = tests.insert((write.cluster, write.doer.attempt, test.clone()), write.at) {
            let what = format!(
                "{}: attempt {} ran {test} at {before} and again at {}",
                write.cluster, write.doer.attempt, write.at
            );
            breach(breaches, "7", what);
        }
    }
}

/// Clusters of a wave of four, with how each got the release: from when, until when (minutes), by which
/// attempt; a first one that failed ended after ten. The next wave begins at 100, after a soak of 20 minutes.
fn judged_soak(nonprod: [Option<(i64, i64, u32)>; 4]) -> bool {
    let plot = crate::mutants::plot(1);
    let changed: BTreeSet<&str> = ["network"].into();
    let at = |minute| Timestamp::from_second(minute * 60).unwrap();
    let work = |(from, until, attempt)| Work {
        first: at(from),
        complete: Some(at(until)),
        completed_by: Some(attempt),
        attempts: [(1, (at(from), at(if attempt == 1 { until } else { from + 10 })))].into(),
    };
    let names = ["nonprod-1", "nonprod-2", "nonprod-3", "nonprod-4"];
    let mut works: BTreeMap<&str, Work> =
        names.into_iter().zip(nonprod).filter_map(|(name, how)| Some((name, work(how?)))).collect();
    works.insert("staging-1", work((1, 2, 1)));
    works.insert("prod-1", work((100, 101, 1)));
    let mut breaches = BTreeSet::new();
    order(&plot, "R42-1", &changed, &works, &mut breaches);
    breaches.iter().all(|breach| breach.rule != "soak")
}

#[test]
fn a_soak_begins_when_a_wave_is_complete_within_its_budgets() {
    let well = Some((60, 70, 1));
    assert!(judged_soak([well; 4]));
    // Tried again after it failed; left for later; neither so far.
    for late in [Some((60, 95, 2)), Some((90, 95, 1)), None] {
        assert!(judged_soak([well, well, well, late]), "{late:?}");
    }
    // Found by `make soak`: one failed, and got the release just before the next wave began.
    assert!(judged_soak([well, well, None, Some((60, 95, 2))]));
    // At work for the first time when the soak should have begun, whatever became of that.
    assert!(!judged_soak([well, well, well, Some((79, 81, 1))]));
    assert!(!judged_soak([well, well, well, Some((75, 95, 2))]));
    // More than were left for later, or than the budgets allow.
    assert!(!judged_soak([well, well, Some((85, 86, 1)), Some((90, 95, 1))]));
    assert!(!judged_soak([well, None, Some((60, 95, 2)), Some((60, 95, 2))]));
}
