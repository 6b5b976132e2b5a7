//! What hotfixes mean for a plan: which releases it contains, whether a hotfix is tested where its
//! parent runs, and which pins keep a product below what a hotfix raised. What a rollout does about
//! it is for `rollout`.

use std::collections::{BTreeMap, BTreeSet};

use super::{PlanInput, PlannedCluster, PlannedLineage, PlannedObstacle, PlannedProduct, PlannedWave};
use crate::catalog::release::{Family, by_number};
use crate::diag::{Finding, Findings, codes};
use crate::digest::Digest;
use crate::model::{Lane, ProductName, ReleaseId, TestPolicy, WaveName};
use crate::resolve::{DesiredProduct, Reason, clusters_of};
use crate::version::Version;
use crate::yaml::Spanned;

/// What the release of a plan contains, and which hotfixes there are.
pub(super) fn lineage(input: &PlanInput<'_>) -> PlannedLineage {
    let family = Family::of_files(input.releases);
    let mut hotfixes: Vec<ReleaseId> = family.hotfixes().map(|(id, _)| id.clone()).collect();
    hotfixes.sort_by(by_number);
    let mut contains: Vec<ReleaseId> = family.contained(input.release.id).into_iter().cloned().collect();
    contains.sort_by(by_number);
    PlannedLineage { contains, hotfixes }
}

/// The pipeline has waves for the release's lane; a hotfix never goes through the normal ones just
/// because it has none.
pub(super) fn has_lane(input: &PlanInput<'_>) -> Option<Finding> {
    let lane = &input.release.spec().lane;
    let pipeline = input.pipeline;
    let known = pipeline.spec.lanes.iter().any(|(name, _)| name.value == lane.value);
    (lane.value == Lane::Hotfix && !known).then(|| {
        Finding::error(
            &codes::NO_HOTFIX_LANE,
            format!(
                "pipeline `{}` has no lane `hotfix` for `{}`",
                pipeline.metadata.name.value, input.release.id
            ),
        )
        .at(&pipeline.metadata.name.place)
        .related(&lane.place, "the lane of the release")
        .hint("list its waves: `lanes: { normal: [...], hotfix: [...] }`, first the one where it is tested")
    })
}

/// The first wave of the hotfix lane proves the hotfix: it holds a cluster that runs its parent, or
/// what the parent contains, and a test of what the hotfix raised runs there.
pub(super) fn tested(
    input: &PlanInput<'_>,
    waves: &[PlannedWave],
    products: &BTreeMap<Digest, PlannedProduct>,
) -> Findings {
    let mut findings = Findings::new();
    let release = input.release;
    let (Lane::Hotfix, Some(first)) = (release.spec().lane.value, waves.first()) else { return findings };
    let family = Family::of_files(input.releases);
    let mut line: BTreeSet<&ReleaseId> = family.contained(release.id);
    line.insert(release.id);
    let clusters: Vec<&PlannedCluster> = first.pools.iter().flat_map(|pool| &pool.clusters).collect();
    let runs_parent = |cluster: &&PlannedCluster| {
        cluster.obstacles.is_empty()
            && !cluster.from.is_empty()
            && cluster.from.values().all(|found| line.contains(&found.release))
    };
    let place = first_wave_place(input, &first.name);
    let parent = release.spec().parent.as_ref().map_or(release.id, |parent| &parent.value);
    let proving: Vec<&PlannedCluster> = clusters.iter().copied().filter(runs_parent).collect();
    if proving.is_empty() {
        let what = if clusters.is_empty() {
            format!("wave `{}` has no cluster", first.name)
        } else {
            let names: Vec<_> = clusters.iter().map(|cluster| cluster.name.clone()).collect();
            format!("none in wave `{}` runs its parent `{parent}`: {}", first.name, clusters_of(&names))
        };
        let mut finding = Finding::error(
            &codes::HOTFIX_UNTESTED,
            format!("the hotfix `{}` would be tested nowhere: {what}", release.id),
        )
        .hint(format!("put a cluster that runs `{parent}` into the first wave of the lane `hotfix`"))
        .next("tidegate cluster list");
        if let Some(place) = place {
            finding = finding.at(&place.place).label("the first wave of the lane");
        }
        findings.push(finding);
        return findings;
    }
    // `tests: all` halts by itself when no test runs.
    let raised = family.raised(release.id);
    let has_test = |name: &ProductName| {
        products.values().any(|product| product.name == *name && !product.tests.is_empty())
    };
    if first.tests == TestPolicy::Changed && !raised.is_empty() && !raised.keys().any(|name| has_test(name)) {
        let names: Vec<String> = raised.keys().map(|name| format!("`{name}`")).collect();
        let mut finding = Finding::error(
            &codes::HOTFIX_UNTESTED,
            format!("the hotfix `{}` would not be tested: {} has no test", release.id, names.join(", ")),
        )
        .hint(format!("give the product a test, or wave `{}` `tests: all`", first.name));
        if let Some(place) = place {
            finding = finding.at(&place.place).label("the first wave of the lane runs `tests: changed`");
        }
        findings.push(finding);
    }
    findings
}

/// Where a lane names a wave.
fn first_wave_place<'a>(input: &PlanInput<'a>, name: &WaveName) -> Option<&'a Spanned<WaveName>> {
    let lanes = &input.pipeline.spec.lanes;
    let (_, waves) = lanes.iter().find(|(lane, _)| lane.value == Lane::Hotfix)?;
    waves.iter().find(|wave| wave.value == *name)
}

/// The versions below which a pin misses a hotfix.
pub(super) type Floors<'a> = BTreeMap<&'a ProductName, (&'a ReleaseId, &'a Version)>;

/// The floors of the release of a plan.
pub(super) fn floors<'a>(input: &PlanInput<'a>) -> Floors<'a> {
    Family::of_files(input.releases).floors(input.release.id)
}

/// What keeps a cluster from being started, given what it shall run.
pub(super) fn obstacle(
    floors: &Floors<'_>,
    name: &ProductName,
    product: &DesiredProduct,
) -> Option<PlannedObstacle> {
    let Reason::Pin { pin, owner, until } = &product.reason else { return None };
    let (hotfix, raised) = floors.get(name).filter(|(_, raised)| product.version < **raised)?;
    Some(PlannedObstacle::PinMissesHotfix {
        pin: pin.clone(),
        owner: owner.clone(),
        until: until.clone(),
        product: name.clone(),
        version: product.version.clone(),
        hotfix: (*hotfix).clone(),
        raised: (*raised).clone(),
    })
}

/// The finding about an obstacle; the clusters that it is about are added by who collects them.
pub(super) fn finding(obstacle: &PlannedObstacle) -> Finding {
    let PlannedObstacle::PinMissesHotfix { pin, owner, product, version, hotfix, raised, .. } = obstacle
    else {
        return Finding::warning(&codes::PIN_MISSES_HOTFIX, obstacle.to_string());
    };
    Finding::warning(
        &codes::PIN_MISSES_HOTFIX,
        format!(
            "pin `{pin}` of {owner} keeps `{product}` at {version}, below {raised} of the hotfix `{hotfix}`: blocked"
        ),
    )
    .hint(format!("end the pin, or pin {raised} or higher, and plan again; or skip the cluster in the rollout"))
    .next(format!("tidegate pin remove {pin}"))
}
