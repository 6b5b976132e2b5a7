//! Rules about pipelines: waves, lanes, pools, gates, and that each cluster is in exactly one wave
//! of a lane and one pool of its wave.

use std::collections::{BTreeMap, BTreeSet};

use crate::diag::{Finding, Findings, Severity, codes};
use crate::model::{Budget, ClusterName, Lane, Pipeline, PipelineFile, Pools, Unassigned, Wave, WaveName};
use crate::yaml::{Node, Spanned};

use super::super::release::Family;
use super::super::{Catalog, Loaded};
use super::labels::Universe;
use super::product::labels_form;
use super::{Members, gates, known_cluster, twice};

pub(super) fn rules(
    catalog: &Catalog,
    members: Option<Members<'_>>,
    universe: Option<&Universe>,
    findings: &mut Findings,
) {
    if catalog.fleet.is_none()
        && !catalog.is_unreadable("pipelines/fleet.yaml")
        && let Some(loaded) = catalog.pipelines.values().next()
    {
        findings.push(
            Finding::error(&codes::MISSING_FILE, "`pipelines/fleet.yaml` is missing")
                .at(&loaded.metadata.name.place)
                .label("a pipeline leads through the clusters of a fleet"),
        );
    }
    for loaded in catalog.pipelines.values() {
        let pipeline = &loaded.spec;
        lanes(loaded, findings);
        findings.extend(unused(pipeline));
        if let (Some(order), Some(universe)) = (&pipeline.order, universe) {
            findings.extend(universe.unknown_label(&order.label.value, &order.label.place));
        }
        let names = pipeline.waves.iter().map(|wave| (&wave.name.value, &wave.name.place));
        findings.extend(twice(names, "the wave"));
        let mut selectors_fit = true;
        for wave in &pipeline.waves {
            let mut of_wave = Findings::new();
            one_wave(catalog, members, universe, wave, &mut of_wave);
            selectors_fit &= !of_wave.has_errors();
            findings.extend(of_wave);
        }
        // A cluster that a misspelled selector misses is not reported a second time.
        if !selectors_fit {
            continue;
        }
        if let (Some(members), Some(universe)) = (members, universe)
            && members.complete
        {
            partition(loaded, members, universe, findings);
            findings.extend(first_of_hotfix_lane(catalog, loaded, members, universe));
        }
    }
}

/// The first wave of the hotfix lane is where hotfixes are tested. What its clusters run is for the
/// plan to see; the files tell whether it has any, and whether one of them gets what the newest
/// hotfixes raised.
fn first_of_hotfix_lane(
    catalog: &Catalog,
    loaded: &Loaded<PipelineFile>,
    members: Members<'_>,
    universe: &Universe,
) -> Findings {
    let pipeline = &loaded.spec;
    let lane = pipeline.lanes.iter().find(|(lane, _)| lane.value == Lane::Hotfix);
    let Some(named) = lane.and_then(|(_, waves)| waves.first()) else { return Findings::new() };
    let Some(wave) = pipeline.waves.iter().find(|wave| wave.name.value == named.value) else {
        return Findings::new();
    };
    let taken = taken(wave, members, universe);
    if taken.is_empty() {
        return Finding::error(
            &codes::LANE_TESTS_NOTHING,
            format!("the lane `hotfix` begins with `{}`, which takes no cluster", named.value),
        )
        .at(&named.place)
        .label("a hotfix is tested in the first wave of its lane")
        .into();
    }
    let family = Family::of(catalog);
    let newest = family
        .hotfixes()
        .filter(|(id, _)| !catalog.releases.keys().any(|r| r != *id && family.contains(r, id)));
    newest
        .filter_map(|(id, hotfix)| {
            let raised = family.raised(id);
            let gets = |cluster: &ClusterName| {
                raised.keys().all(|name| {
                    // A product that the working tree no longer has is not judged.
                    catalog.products.get(*name).is_none_or(|product| {
                        universe.select(&product.file.spec.selector).any(|selected| selected == cluster)
                    })
                })
            };
            (!taken.iter().any(|cluster| gets(cluster))).then(|| {
                let names: Vec<String> = raised.keys().map(|name| format!("`{name}`")).collect();
                Finding::error(
                    &codes::LANE_TESTS_NOTHING,
                    format!(
                        "the lane `hotfix` begins with `{}`, where no cluster gets {} of `{id}`",
                        named.value,
                        names.join(" and ")
                    ),
                )
                .at(&named.place)
                .label("a hotfix is tested in the first wave of its lane")
                .related(&hotfix.lane.place, "the hotfix")
            })
        })
        .collect()
}

fn lanes(loaded: &Loaded<PipelineFile>, findings: &mut Findings) {
    let pipeline = &loaded.spec;
    let raw = loaded.node.at(&["spec", "waves"]).and_then(Node::as_sequence).unwrap_or_default();
    if pipeline.waves.is_empty() && raw.is_empty() {
        let place = loaded.node.at(&["spec", "waves"]).map_or(&loaded.metadata.name.place, |n| &n.place);
        findings.push(Finding::error(&codes::EMPTY_VALUE, "the pipeline has no waves").at(place));
    }
    // A wave whose entry is wrong is there all the same.
    let known: BTreeSet<&str> =
        raw.iter().filter_map(|wave| wave.get("name").and_then(Node::as_str)).collect();
    for (lane, waves) in &pipeline.lanes {
        findings.extend(twice(waves.iter().map(|wave| (&wave.value, &wave.place)), "the wave"));
        if waves.is_empty() {
            findings.push(
                Finding::error(&codes::EMPTY_VALUE, format!("the lane `{}` has no waves", lane.value))
                    .at(&lane.place),
            );
        }
        for wave in waves {
            if !known.contains(wave.as_str()) {
                findings.push(
                    Finding::error(&codes::UNKNOWN_WAVE, format!("there is no wave `{}`", wave.value))
                        .at(&wave.place)
                        .did_you_mean(wave.as_str(), known.iter().copied()),
                );
            }
        }
    }
}

/// Waves that a pipeline with an explicit normal lane never reaches.
fn unused(pipeline: &Pipeline) -> Findings {
    if !pipeline.lanes.keys().any(|lane| lane.value == Lane::Normal) {
        return Findings::new();
    }
    let used: BTreeSet<&WaveName> = pipeline.lanes.values().flatten().map(|wave| &wave.value).collect();
    pipeline
        .waves
        .iter()
        .map(|wave| &wave.name)
        .filter(|name| !used.contains(&name.value))
        .map(|name| {
            Finding::warning(&codes::WAVE_IN_NO_LANE, format!("no lane names the wave `{}`", name.value))
                .at(&name.place)
                .hint("add it to a lane, or remove it")
        })
        .collect()
}

fn contradiction(message: impl Into<String>) -> Finding {
    Finding::error(&codes::CONTRADICTION, message)
}

fn one_wave(
    catalog: &Catalog,
    members: Option<Members<'_>>,
    universe: Option<&Universe>,
    wave: &Wave,
    findings: &mut Findings,
) {
    let name = &wave.name.value;
    if wave.clusters.is_empty() && wave.selector.is_none() {
        findings.push(
            contradiction(format!("the wave `{name}` takes no cluster"))
                .at(&wave.name.place)
                .label("it has neither `clusters` nor `selector`"),
        );
    }
    findings.extend(twice(wave.clusters.iter().map(|c| (&c.value, &c.place)), "the cluster"));
    for cluster in &wave.clusters {
        findings.extend(known_cluster(catalog, members, cluster));
    }
    if let Some(selector) = &wave.selector {
        labels_form(&selector.value, findings);
        if let Some(universe) = universe {
            findings.extend(universe.check(&selector.value, &selector.place, Severity::Error));
        }
    }
    if wave.canary {
        for (budget, what) in
            [(&wave.failure_budget, "failureBudget"), (&wave.deferred_budget, "deferredBudget")]
        {
            let Some(budget) = budget else { continue };
            if !matches!(budget.value, Budget::Count(0) | Budget::Percent(0)) {
                findings.push(
                    contradiction(format!("the canary wave `{name}` has the `{what}` {}", budget.value))
                        .at(&budget.place)
                        .label("`canary: true` tolerates nothing"),
                );
            }
        }
    }
    if let Some(limit) = wave.cluster_deadline.as_ref().filter(|limit| limit.value.is_zero()) {
        findings.push(
            Finding::error(&codes::INVALID_VALUE, "a deadline of no time at all")
                .at(&limit.place)
                .label("at least `1s`"),
        );
    }
    for gate in wave.gates.before.iter().chain(&wave.gates.after) {
        gates::rules(catalog, gate, findings);
    }
    if let Some(pools) = &wave.pools {
        pools_rules(name, pools, universe, findings);
    }
}

fn pools_rules(
    wave: &WaveName,
    pools: &Spanned<Pools>,
    universe: Option<&Universe>,
    findings: &mut Findings,
) {
    match (pools.select.is_empty(), pools.sizes.is_empty()) {
        (true, true) => findings.push(
            contradiction(format!("the pools of `{wave}` have neither `select` nor `sizes`"))
                .at(&pools.place),
        ),
        (false, false) => findings.push(
            contradiction(format!("the pools of `{wave}` have both `select` and `sizes`"))
                .at(pools.sizes.first().map_or(&pools.place, |size| &size.place)),
        ),
        (false, true) => {
            if let Some(cap) = &pools.at_once {
                findings.push(
                    contradiction("`atOnce` beside `select` counts for no pool")
                        .at(&cap.place)
                        .label("write it at each pool"),
                );
            }
        }
        (true, false) => {}
    }
    for size in pools.sizes.iter().filter(|size| size.value == 0) {
        findings.push(
            Finding::error(&codes::INVALID_VALUE, "a pool of no clusters")
                .at(&size.place)
                .label("at least 1"),
        );
    }
    findings.extend(twice(pools.select.iter().map(|pool| (&pool.name.value, &pool.name.place)), "the pool"));
    for pool in &pools.select {
        labels_form(&pool.selector.value, findings);
        if let Some(universe) = universe {
            findings.extend(universe.check(&pool.selector.value, &pool.selector.place, Severity::Error));
        }
    }
}

/// The clusters that a wave takes: those it names, then those it selects.
fn taken<'a>(wave: &'a Wave, members: Members<'a>, universe: &'a Universe) -> BTreeSet<&'a ClusterName> {
    let named = wave.clusters.iter().map(|c| &c.value).filter(|c| members.clusters.contains_key(*c));
    let selected =
        wave.selector.as_ref().map(|selector| universe.select(&selector.value).collect::<Vec<_>>());
    named.chain(selected.into_iter().flatten()).collect()
}

fn partition(
    loaded: &Loaded<PipelineFile>,
    members: Members<'_>,
    universe: &Universe,
    findings: &mut Findings,
) {
    let pipeline: &Pipeline = &loaded.spec;
    let all: Vec<&Spanned<Wave>> = pipeline.waves.iter().collect();
    let mut lanes: Vec<(Lane, Vec<&Spanned<Wave>>)> = pipeline
        .lanes
        .iter()
        .map(|(lane, names)| {
            let of =
                |name: &Spanned<WaveName>| all.iter().find(|wave| wave.name.value == name.value).copied();
            (lane.value, names.iter().filter_map(of).collect())
        })
        .collect();
    if !lanes.iter().any(|(lane, _)| *lane == Lane::Normal) {
        lanes.push((Lane::Normal, all.clone()));
    }
    let mut said: BTreeSet<(&ClusterName, &WaveName)> = BTreeSet::new();
    for (lane, waves) in &lanes {
        let mut first: BTreeMap<&ClusterName, &Spanned<Wave>> = BTreeMap::new();
        for wave in waves {
            let mut doubled: BTreeMap<&WaveName, (Vec<&ClusterName>, &Spanned<Wave>)> = BTreeMap::new();
            for cluster in taken(wave, members, universe) {
                match first.get(cluster) {
                    None => {
                        first.insert(cluster, wave);
                    }
                    Some(other) => {
                        doubled.entry(&other.name.value).or_insert((Vec::new(), *other)).0.push(cluster);
                    }
                }
            }
            for (clusters, other) in doubled.into_values() {
                let new: Vec<&ClusterName> = clusters
                    .into_iter()
                    .filter(|cluster| said.insert((*cluster, &wave.name.value)))
                    .collect();
                if new.is_empty() {
                    continue;
                }
                findings.push(
                    Finding::error(
                        &codes::CLUSTER_IN_TWO_WAVES,
                        format!(
                            "`{}` and `{}` both take {}",
                            other.name.value,
                            wave.name.value,
                            listed(&new)
                        ),
                    )
                    .at(wave.selector.as_ref().map_or(&wave.name.place, |selector| &selector.place))
                    .related(&other.name.place, "the other wave")
                    .hint(format!("`lanes.{lane}` of the pipeline lists the waves that a release of this lane goes through")),
                );
            }
        }
        if *lane == Lane::Normal
            && pipeline.unassigned == Unassigned::Error
            && waves.len() == raw_waves(loaded, waves.len())
        {
            let left: Vec<&ClusterName> =
                members.clusters.keys().filter(|cluster| !first.contains_key(*cluster)).collect();
            if !left.is_empty() {
                findings.push(
                    Finding::error(&codes::CLUSTER_IN_NO_WAVE, format!("no wave takes {}", listed(&left)))
                        .at(&loaded.metadata.name.place)
                        .hint("`unassigned: exclude` leaves out what no wave takes"),
                );
            }
        }
    }
    for wave in &pipeline.waves {
        pool_partition(wave, members, universe, findings);
    }
}

/// How many waves the file has, wrong ones included; with a wrong one, what is left over is not
/// judged. A lane that names its waves is judged by these.
fn raw_waves(loaded: &Loaded<PipelineFile>, in_lane: usize) -> usize {
    let raw = loaded.node.at(&["spec", "waves"]).and_then(Node::as_sequence).map_or(0, <[Node]>::len);
    if raw == loaded.spec.waves.len() { in_lane } else { usize::MAX }
}

fn pool_partition(wave: &Wave, members: Members<'_>, universe: &Universe, findings: &mut Findings) {
    let Some(pools) = wave.pools.as_ref().filter(|pools| !pools.select.is_empty()) else { return };
    let mut left = taken(wave, members, universe);
    let mut first: BTreeMap<&ClusterName, &str> = BTreeMap::new();
    let all = left.clone();
    for pool in &pools.select {
        let mut doubled: BTreeMap<&str, Vec<&ClusterName>> = BTreeMap::new();
        for cluster in universe.select(&pool.selector.value).filter(|cluster| all.contains(cluster)) {
            left.remove(cluster);
            match first.get(cluster) {
                None => {
                    first.insert(cluster, pool.name.as_str());
                }
                Some(other) => doubled.entry(*other).or_default().push(cluster),
            }
        }
        for (other, clusters) in doubled {
            findings.push(
                Finding::error(
                    &codes::CLUSTER_IN_TWO_WAVES,
                    format!("the pools `{other}` and `{}` both take {}", pool.name.value, listed(&clusters)),
                )
                .at(&pool.selector.place),
            );
        }
    }
    if !left.is_empty() {
        let left: Vec<&ClusterName> = left.into_iter().collect();
        findings.push(
            Finding::error(
                &codes::CLUSTER_IN_NO_WAVE,
                format!("no pool of `{}` takes {}", wave.name.value, listed(&left)),
            )
            .at(&pools.place),
        );
    }
}

/// All of them, since each has to be dealt with.
fn listed(clusters: &[&ClusterName]) -> String {
    let names: Vec<String> = clusters.iter().map(|name| format!("`{name}`")).collect();
    names.join(", ")
}
