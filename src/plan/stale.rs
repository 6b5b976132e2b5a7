//! Whether a plan still says what would be planned now. What a cluster runs may move (preflight
//! deals with that); everything else that a plan froze may not, and here it is said in words.

use std::collections::{BTreeMap, BTreeSet};

use super::{Plan, PlanInput, PlannedCluster, PlannedPool, PlannedWave, Target, make};
use crate::model::{ClusterName, Duration, ProductName};
use crate::resolve::Reason;

/// One frozen input that is not what it was.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Staleness {
    /// What it concerns: `release`, `pipeline`, `fleet`, `wave NAME`, `cluster NAME`, `renderer`.
    pub what: String,
    /// What changed, one sentence in lower case.
    pub change: String,
}

/// What changed since a plan was made, other than what clusters run. Empty if it may start.
///
/// `fresh` is what planning would read now. Pins are asked at the time of the plan: one that ended
/// since then keeps its version in this rollout. Clusters that were never reached when the plan was
/// made, and are now, go to catch-up as planned.
pub fn stale(plan: &Plan, fresh: &PlanInput<'_>) -> Vec<Staleness> {
    let mut found = Vec::new();
    if *fresh.release.id != plan.release.id || *fresh.release.digest() != plan.release.digest {
        found.push(says("release", format!("release `{}` is not what was planned", plan.release.id)));
        return found;
    }
    let again = PlanInput { now: plan.made_at, defer_unknown: true, ..*fresh };
    let now = match make(&again) {
        Ok((now, _)) => now,
        Err(findings) => {
            let errors = findings
                .errors()
                .map(|error| says("plan", format!("it can't be made again: {}", error.message)));
            found.extend(errors);
            return found;
        }
    };
    if plan.renderers != now.renderers {
        let name = |plan: &Plan| match &plan.renderers.helm {
            Some(helm) => format!("helm {helm}, manifests {}", plan.renderers.manifests),
            None => format!("no helm, manifests {}", plan.renderers.manifests),
        };
        found.push(says("renderer", format!("what renders was {} and is {}", name(plan), name(&now))));
    }
    pipeline(plan, &now, &mut found);
    fleet(plan, &now, &mut found);
    for (old, new) in plan.waves.iter().filter_map(|old| Some((old, now.wave(&old.name)?))) {
        wave(old, new, &mut found);
    }
    let fresh_clusters: BTreeMap<&ClusterName, _> =
        now.clusters().map(|(w, p, c)| (&c.name, (w, p, c))).collect();
    for (old_wave, old_pool, old) in plan.clusters() {
        if let Some((new_wave, new_pool, new)) = fresh_clusters.get(&old.name) {
            moved(old, (old_wave, old_pool), (new_wave, new_pool), &mut found);
            cluster(plan, old, &now, new, &mut found);
        }
    }
    found
}

fn says(what: impl Into<String>, change: impl Into<String>) -> Staleness {
    Staleness { what: what.into(), change: change.into() }
}

/// What differs between the rules of two plans over all waves, one sentence in lower case each.
pub fn pipeline_changes(plan: &Plan, now: &Plan) -> Vec<String> {
    let mut found = Vec::new();
    pipeline(plan, now, &mut found);
    found.into_iter().map(|staleness| staleness.change).collect()
}

/// What differs between the rules of two waves, their clusters' inputs apart.
pub fn wave_changes(old: &PlannedWave, new: &PlannedWave) -> Vec<String> {
    let mut found = Vec::new();
    wave(old, new, &mut found);
    found.into_iter().map(|staleness| staleness.change).collect()
}

fn pipeline(plan: &Plan, now: &Plan, found: &mut Vec<Staleness>) {
    let (old, new) = (&plan.pipeline, &now.pipeline);
    if old.name != new.name {
        found.push(says("pipeline", format!("the pipeline was `{}` and is `{}`", old.name, new.name)));
    }
    if old.at_once != new.at_once {
        let change =
            format!("the cap over all rollouts was {} and is {}", cap(old.at_once), cap(new.at_once));
        found.push(says("pipeline", change));
    }
    if old.regions != new.regions {
        found.push(says("pipeline", "the caps of regions changed"));
    }
    if old.start_rate != new.start_rate {
        found.push(says("pipeline", "the start rate changed"));
    }
    if old.catch_up != new.catch_up {
        found.push(says("pipeline", "what becomes of late clusters changed"));
    }
    if old.tags != new.tags {
        found.push(says("pipeline", "how tags are pushed changed"));
    }
    let names =
        |plan: &Plan| plan.waves.iter().map(|wave| wave.name.to_string()).collect::<Vec<_>>().join(", ");
    if names(plan) != names(now) {
        found.push(says("pipeline", format!("the waves were {} and are {}", names(plan), names(now))));
    }
}

/// Clusters that came or went.
fn fleet(plan: &Plan, now: &Plan, found: &mut Vec<Staleness>) {
    let names =
        |plan: &Plan| plan.clusters().map(|(_, _, c)| c.name.clone()).collect::<BTreeSet<ClusterName>>();
    let (old, new) = (names(plan), names(now));
    for name in old.difference(&new) {
        found.push(says(format!("cluster {name}"), format!("cluster `{name}` is in no wave any more")));
    }
    for name in new.difference(&old).filter(|name| !plan.unknown.contains(name)) {
        found.push(says(format!("cluster {name}"), format!("cluster `{name}` is new")));
    }
}

fn wave(old: &PlannedWave, new: &PlannedWave, found: &mut Vec<Staleness>) {
    let what = format!("wave {}", old.name);
    let mut say = |change: String| found.push(says(what.clone(), change));
    if old.at_once != new.at_once {
        say(format!("its cap was {} and is {}", cap(old.at_once), cap(new.at_once)));
    }
    if old.failure_budget != new.failure_budget {
        say(format!("its failure budget was {} and is {}", old.failure_budget, new.failure_budget));
    }
    if old.deferred_budget != new.deferred_budget {
        say(format!("its deferred budget was {} and is {}", old.deferred_budget, new.deferred_budget));
    }
    if old.cluster_deadline != new.cluster_deadline {
        let words = |limit: Option<Duration>| limit.map_or_else(|| "none".to_owned(), |l| l.to_string());
        let (old, new) = (words(old.cluster_deadline), words(new.cluster_deadline));
        say(format!("its deadline of a cluster was {old} and is {new}"));
    }
    if old.tests != new.tests {
        say("which tests run changed".to_owned());
    }
    if old.soak != new.soak {
        say("its soak changed".to_owned());
    }
    if old.gates_before != new.gates_before || old.gates_after != new.gates_after {
        say("its gates changed".to_owned());
    }
    let pools = |wave: &PlannedWave| {
        wave.pools.iter().map(|pool| (pool.name.clone(), pool.at_once)).collect::<Vec<_>>()
    };
    if pools(old) != pools(new) {
        say("its pools or their caps changed".to_owned());
    }
    let order = |wave: &PlannedWave, other: &PlannedWave| {
        let shared: BTreeSet<&ClusterName> =
            other.pools.iter().flat_map(|pool| &pool.clusters).map(|cluster| &cluster.name).collect();
        let names = wave.pools.iter().flat_map(|pool| &pool.clusters).map(|cluster| cluster.name.clone());
        names.filter(|name| shared.contains(name)).collect::<Vec<_>>()
    };
    if order(old, new) != order(new, old) {
        say("the order of its clusters changed".to_owned());
    }
}

fn moved(
    cluster: &PlannedCluster,
    old: (&PlannedWave, &PlannedPool),
    new: (&PlannedWave, &PlannedPool),
    found: &mut Vec<Staleness>,
) {
    if (&old.0.name, &old.1.name) != (&new.0.name, &new.1.name) {
        let change = format!(
            "it was in pool `{}` of wave `{}` and is in pool `{}` of wave `{}`",
            old.1.name, old.0.name, new.1.name, new.0.name
        );
        found.push(says(format!("cluster {}", cluster.name), change));
    }
}

fn cluster(plan: &Plan, old: &PlannedCluster, now: &Plan, new: &PlannedCluster, found: &mut Vec<Staleness>) {
    let what = format!("cluster {}", old.name);
    let before = found.len();
    let mut say = |change: String| found.push(says(what.clone(), change));
    if old.uid != new.uid {
        say(format!("it is another cluster: its identity was {} and is {}", old.uid, new.uid));
    }
    if old.access != new.access {
        say("how it is reached changed".to_owned());
    }
    if old.kubernetes != new.kubernetes {
        say(format!("it served Kubernetes {} and serves {}", old.kubernetes, new.kubernetes));
    }
    if old.labels != new.labels {
        say("its labels changed".to_owned());
    }
    if old.provider != new.provider {
        say("its provider changed".to_owned());
    }
    // What renders was said once; a cluster's own fields, just now: both change every inputs digest.
    let explained = found.len() > before || plan.renderers != now.renderers;
    let targets: BTreeMap<&ProductName, &Target> = new.targets.iter().map(|t| (&t.product, t)).collect();
    let olds: BTreeSet<&ProductName> = old.targets.iter().map(|target| &target.product).collect();
    for target in &old.targets {
        let change = match targets.get(&target.product) {
            None => Some(format!("it does not get `{}` any more", target.product)),
            Some(fresh) => difference(plan, target, now, fresh, explained),
        };
        found.extend(change.map(|change| says(what.clone(), change)));
    }
    for target in new.targets.iter().filter(|target| !olds.contains(&target.product)) {
        found.push(says(what.clone(), format!("it now gets `{}` {}", target.product, target.version)));
    }
}

/// What differs between two targets of one product, unless it follows from what the cluster runs.
fn difference(plan: &Plan, old: &Target, now: &Plan, new: &Target, explained: bool) -> Option<String> {
    let name = &old.product;
    let by_state = matches!(old.reason, Reason::Ahead { .. }) || matches!(new.reason, Reason::Ahead { .. });
    if old.digest != new.digest {
        return (!by_state).then(|| {
            let words = |target: &Target| match &target.reason {
                Reason::Pin { pin, .. } => format!("{} (pin {pin})", target.version),
                Reason::Hold { by, .. } => format!("{} (held by {by})", target.version),
                _ => target.version.to_string(),
            };
            format!("`{name}` was {} and is {}", words(old), words(new))
        });
    }
    if old.values != new.values {
        return Some(format!("the values of `{name}` changed"));
    }
    let tests = |plan: &Plan| plan.products.get(&old.digest).map(|product| product.test_digest);
    if tests(plan) != tests(now) {
        return Some(format!("the tests of `{name}` changed"));
    }
    (old.inputs != new.inputs && !explained).then(|| format!("the inputs of `{name}` changed"))
}

fn cap(cap: Option<u32>) -> String {
    cap.map_or_else(|| "unlimited".to_owned(), |n| n.to_string())
}
