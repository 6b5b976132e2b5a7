//! Making a plan: partition, pools, what each cluster gets, digests. Every mistake is found before
//! anything is refused, so that one run shows them all.

use std::collections::BTreeMap;

use super::cluster::Clusters;
use super::partition::{Member, partition};
use super::pools::{count, pools};
use super::{
    FORMAT, Notice, Plan, PlanInput, PlanKind, PlannedCatchUp, PlannedCluster, PlannedPipeline, PlannedPool,
    PlannedRate, PlannedRelease, PlannedWave, digest, hotfix, product, refusals, wave, windows,
};
use crate::catalog::release::{self, Locked};
use crate::diag::{Finding, Findings, codes};
use crate::digest::{CanonicalError, Digest};
use crate::model::{ClusterName, ClusterUid, DeployStep, Pipeline};
use crate::resolve::first_clusters_of;

/// Makes a plan. With it come findings that stop nothing; the plan carries them as notices.
///
/// # Errors
/// Everything that is wrong, when anything is: a release that was not cut or whose lock does not
/// hold, clusters in two waves or in none, clusters never reached, contradicting pins, values that a
/// product does not take, and whatever has no behaviour yet.
pub fn make(input: &PlanInput<'_>) -> Result<(Plan, Findings), Findings> {
    let release = input.release;
    let spec = &input.pipeline.spec;
    let mut findings = refused(input);
    findings.extend(lock_holds(input));
    if let Some(laneless) = hotfix::has_lane(input) {
        findings.push(laneless);
        return Err(findings.sorted());
    }
    let members: Vec<Member<'_>> =
        input.clusters.values().map(|entry| Member { entry, labels: entry.plain_labels() }).collect();
    let (partition, found) = partition(input.pipeline, release.spec().lane.value, &members);
    findings.extend(found);
    findings.extend(one_identity_each(input));
    let (reached, unknown) = reached(
        input,
        &partition.waves.iter().flat_map(|(_, c)| c).copied().collect::<Vec<_>>(),
        &members,
        &mut findings,
    );
    let mut clusters = Clusters::new(*input);
    let mut waves = Vec::with_capacity(partition.waves.len());
    for (number, (written, taken)) in partition.waves.iter().enumerate() {
        findings.extend(refusals::of_wave(&written.value));
        let meant = taken.len();
        let taken: Vec<usize> = taken.iter().copied().filter(|at| reached.get(*at) == Some(&true)).collect();
        let unseen = meant > 0 && taken.is_empty();
        if unseen && !input.question {
            findings.push(wave::unseen(&written.value, meant));
        }
        let (cut, found) = pools(&written.value, &taken, &members);
        findings.extend(found);
        let mut planned_pools = Vec::with_capacity(cut.len());
        for pool in cut {
            let mut planned: Vec<PlannedCluster> = Vec::with_capacity(pool.clusters.len());
            for at in pool.clusters {
                let Some(member) = members.get(at) else { continue };
                let Some(observation) = input.observed.get(member.name()) else { continue };
                planned.push(clusters.plan(member, observation).map_err(uncanonical)?);
            }
            planned_pools.push(PlannedPool { name: pool.name, at_once: pool.at_once, clusters: planned });
        }
        let (planned, found) = wave::planned(&written.value, number == 0, planned_pools, unseen);
        findings.extend(found);
        waves.push(planned);
    }
    let (products, values, found) = clusters.finish();
    findings.extend(found);
    findings.extend(hotfix::tested(input, &waves, &products));
    findings.extend(product::deadlines_by_default(products.values()));
    if findings.has_errors() {
        return Err(findings.sorted());
    }
    findings.extend(waves.iter().filter_map(|wave| wave::without_tests(wave, &products)));
    for wave in &mut waves {
        wave.digest = digest::wave(*release.digest(), release.spec().lane.value, wave, &products)
            .map_err(uncanonical)?;
    }
    if let Some(calendar) = input.calendar {
        findings.extend(windows::closed_now(calendar, release.spec().lane.value, &waves, input.now));
    }
    let size = waves.iter().map(super::PlannedWave::size).sum();
    let findings = findings.sorted();
    let plan = Plan {
        format: FORMAT,
        digest: digest::plan(waves.iter().map(|wave| &wave.digest)).map_err(uncanonical)?,
        made_at: input.now,
        commit: input.commit.to_owned(),
        kind: PlanKind::Forward,
        release: PlannedRelease {
            id: release.id.clone(),
            title: release.spec().title.clone(),
            lane: release.spec().lane.value,
            digest: *release.digest(),
            parent: release.spec().parent.as_ref().map(|parent| parent.value.clone()),
            kubernetes: release.spec().kubernetes.value.clone(),
            authors: input.authors.clone(),
            lowers: Some(may_fall(input)),
        },
        lineage: hotfix::lineage(input),
        pipeline: PlannedPipeline {
            name: input.pipeline.metadata.name.value.clone(),
            digest: input.pipeline_digest,
            at_once: spec.at_once.as_ref().and_then(|cap| cap.value.of(count(size))),
            regions: regions(spec, &waves),
            start_rate: spec
                .start_rate
                .as_ref()
                .map(|rate| PlannedRate { clusters: rate.value.clusters.value, per: rate.value.per.value }),
            catch_up: PlannedCatchUp {
                budget: spec.catch_up.budget.as_ref().map_or(0, |budget| budget.value.of(count(size))),
                joiners: spec.catch_up.joiners,
            },
            rollback_gate: spec.rollback.as_ref().and_then(wave::rollback_gate),
            tags: spec.tags.clone(),
        },
        renderers: input.renderers.clone(),
        options: input.options,
        waves,
        products,
        values,
        unassigned: partition.unassigned,
        unknown,
        notices: findings
            .iter()
            .map(|finding| Notice { code: finding.code.id.to_owned(), message: finding.message.clone() })
            .collect(),
    };
    Ok((plan, findings))
}

/// The products that the release lowers on purpose, and those with a pin that ended.
fn may_fall(input: &PlanInput<'_>) -> std::collections::BTreeSet<crate::model::ProductName> {
    let lowered = input.release.spec().lowers.iter().map(|product| product.value.clone());
    let ended = input.pins.iter().filter(|pin| pin.spec.expires.value.passed(input.now));
    lowered.chain(ended.map(|pin| pin.spec.product.value.clone())).collect()
}

/// The cap of each region as a number: in percent it is of the clusters that the region has here.
fn regions(pipeline: &Pipeline, waves: &[PlannedWave]) -> BTreeMap<String, u32> {
    let Some(cap) = &pipeline.at_once_per_region else { return BTreeMap::new() };
    let mut sizes: BTreeMap<&String, usize> = BTreeMap::new();
    for cluster in waves.iter().flat_map(|wave| &wave.pools).flat_map(|pool| &pool.clusters) {
        if let Some(region) = cluster.labels.get("region") {
            *sizes.entry(region).or_default() += 1;
        }
    }
    let planned = |(region, size): (&String, usize)| Some((region.clone(), cap.value.of(count(size))?));
    sizes.into_iter().filter_map(planned).collect()
}

/// Whether the lock belongs to what the release says: asked again here, since a plan is a use of it
/// whoever verified it before.
fn lock_holds(input: &PlanInput<'_>) -> Option<Finding> {
    let Locked { id, lock, .. } = input.release;
    let computed =
        release::digest(id, input.release.spec(), lock.parent.as_ref(), &lock.products, lock.fixed_images());
    (computed != lock.digest).then(|| {
        Finding::error(
            &codes::LOCK_TAMPERED,
            format!("the lock of `{id}` does not belong to what the release says"),
        )
        .at(&input.release.file.metadata.name.place)
        .next(format!("git log -p releases/{id}.yaml"))
    })
}

/// What has no behaviour yet, outside the waves.
fn refused(input: &PlanInput<'_>) -> Findings {
    let mut findings = refusals::of_pipeline(&input.pipeline.spec);
    let locked = input.release.lock.products.values().map(|locked| locked.digest);
    let pinned = input.pins.iter().filter(|pin| pin.spec.holds(input.now));
    let mut digests: Vec<Digest> = locked.chain(pinned.map(|pin| pin.spec.digest.value)).collect();
    digests.sort();
    digests.dedup();
    for content in digests.iter().filter_map(|digest| input.versions.get(digest)) {
        let name = &content.file.metadata.name.value;
        findings.extend(refusals::of_product(name, &content.file.spec));
        let chart = content.file.spec.deploy.iter().find(|step| matches!(step.value, DeployStep::Helm(_)));
        if let (Some(chart), None) = (chart, &input.renderers.helm) {
            findings.push(
                Finding::error(
                    &codes::NO_HELM,
                    format!("product `{name}` has a chart, and there is no helm"),
                )
                .at(&chart.place)
                .hint("install helm 4, or put it on the PATH"),
            );
        }
    }
    findings
}

/// Two entries of the fleet that turn out to be one cluster.
fn one_identity_each(input: &PlanInput<'_>) -> Findings {
    let mut by_uid: BTreeMap<&ClusterUid, Vec<&ClusterName>> = BTreeMap::new();
    for name in input.clusters.keys() {
        if let Some(observation) = input.observed.get(name) {
            by_uid.entry(&observation.uid).or_default().push(name);
        }
    }
    by_uid
        .into_iter()
        .filter(|(_, names)| names.len() > 1)
        .map(|(uid, names)| {
            let words: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
            let mut finding = Finding::error(
                &codes::ONE_IDENTITY_TWICE,
                format!("{} are one cluster: its identity is {uid}", words.join(" and ")),
            )
            .about(&names);
            for name in names.iter().rev() {
                if let Some(entry) = input.clusters.get(*name) {
                    finding = match finding.place {
                        None => finding.at(&entry.name.place),
                        Some(_) => finding.related(&entry.name.place, "the same cluster"),
                    };
                }
            }
            finding
        })
        .collect()
}

/// Which members were ever reached, and the names of those of `wanted` that never were.
fn reached(
    input: &PlanInput<'_>,
    wanted: &[usize],
    members: &[Member<'_>],
    findings: &mut Findings,
) -> (Vec<bool>, Vec<ClusterName>) {
    let reached: Vec<bool> =
        members.iter().map(|member| input.observed.contains_key(member.name())).collect();
    let mut unknown: Vec<ClusterName> = wanted
        .iter()
        .filter(|at| reached.get(**at) == Some(&false))
        .filter_map(|at| members.get(*at))
        .map(|member| member.name().clone())
        .collect();
    unknown.sort();
    unknown.dedup();
    let asleep = |name: &ClusterName| input.clusters.get(name).is_some_and(|entry| entry.hibernated);
    let (asleep, awake): (Vec<_>, Vec<_>) = unknown.iter().cloned().partition(asleep);
    if !asleep.is_empty() {
        findings.push(
            Finding::warning(
                &codes::UNKNOWN_DEFERRED,
                format!("hibernated and never reached, so left to catch-up: {}", first_clusters_of(&asleep)),
            )
            .about(&asleep),
        );
    }
    if !awake.is_empty() {
        findings.push(if input.defer_unknown {
            Finding::warning(
                &codes::UNKNOWN_DEFERRED,
                format!("never reached, so left to catch-up: {}", first_clusters_of(&awake)),
            )
            .about(&awake)
        } else {
            Finding::error(
                &codes::CLUSTER_NEVER_REACHED,
                format!(
                    "never reached, so neither identity nor version is known: {}",
                    first_clusters_of(&awake)
                ),
            )
            .hint("make them reachable, or leave them to catch-up with `--defer-unknown`")
            .about(&awake)
        });
    }
    (reached, unknown)
}

pub(super) fn uncanonical(error: CanonicalError) -> Findings {
    Finding::error(&codes::VALUES_NOT_JSON, format!("the plan can't be digested: {error}")).into()
}
