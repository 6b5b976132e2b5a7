//! Pins as rollouts know them: a plan is frozen, so a pin that came or ended since then means nothing
//! for it. Which rollouts planned the clusters of a pin, and which pins of a plan end soon.

use std::collections::BTreeMap;

use crate::model::{ClusterName, Expiry, Nearness, PinId, ProductName, RolloutId, WaveName};
use crate::plan::Plan;
use crate::resolve::Reason;
use crate::rollout::FleetState;
use crate::version::Version;

/// What an open rollout planned for a product on a cluster.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PlannedThere {
    /// The rollout.
    pub rollout: RolloutId,
    /// The wave.
    pub wave: WaveName,
    /// The cluster.
    pub cluster: ClusterName,
    /// The version that it brings there.
    pub version: Version,
    /// Whether it plans that because of this pin; otherwise the pin came after the plan.
    pub by_pin: bool,
    /// Whether the cluster is through with it.
    pub settled: bool,
}

/// What open rollouts planned for a product on these clusters.
pub fn planned(
    state: &FleetState,
    pin: &PinId,
    product: &ProductName,
    clusters: &[ClusterName],
) -> Vec<PlannedThere> {
    let mut found = Vec::new();
    for rollout in state.open_rollouts() {
        for (wave, _, planned, cluster) in
            rollout.clusters().filter(|(_, _, p, _)| clusters.contains(&p.name))
        {
            let Some(target) = planned.targets.iter().find(|target| target.product == *product) else {
                continue;
            };
            found.push(PlannedThere {
                rollout: rollout.id().clone(),
                wave: wave.name.clone(),
                cluster: planned.name.clone(),
                version: target.version.clone(),
                by_pin: matches!(&target.reason, Reason::Pin { pin: by, .. } if by == pin),
                settled: cluster.state().is_settled(),
            });
        }
    }
    found
}

/// A pin of a plan that ends soon or has ended.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EndingPin {
    /// The pin.
    pub pin: PinId,
    /// The team that answers for it.
    pub owner: String,
    /// The product.
    pub product: ProductName,
    /// The version that it holds.
    pub version: Version,
    /// Its end, as written.
    pub until: String,
    /// How near that is.
    pub nearness: Nearness,
    /// The clusters that the plan gives it to.
    pub clusters: Vec<ClusterName>,
}

/// The pins of a plan that end within 14 days, or have ended since it was made.
pub fn ending(plan: &Plan, now: jiff::Timestamp) -> Vec<EndingPin> {
    let mut found: BTreeMap<PinId, EndingPin> = BTreeMap::new();
    for (_, _, cluster) in plan.clusters() {
        for target in &cluster.targets {
            let Reason::Pin { pin, owner, until } = &target.reason else { continue };
            let Ok(end) = until.parse::<Expiry>() else { continue };
            let nearness = end.nearness(now);
            if nearness == Nearness::Far {
                continue;
            }
            let entry = found.entry(pin.clone()).or_insert_with(|| EndingPin {
                pin: pin.clone(),
                owner: owner.clone(),
                product: target.product.clone(),
                version: target.version.clone(),
                until: until.clone(),
                nearness,
                clusters: Vec::new(),
            });
            entry.clusters.push(cluster.name.clone());
        }
    }
    found.into_values().collect()
}
