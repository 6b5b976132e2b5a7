//! What the plan of a rollback says: what goes back on each cluster, what is not taken, what stays.

use crate::diag::count;
use crate::model::{ClusterName, ProductName, RolloutId};
use crate::plan::{Plan, PlannedCluster, SkippedStep, Stay};

/// So many clusters are shown to people; programs get all.
const SHOWN: usize = 20;

/// What a rollback does.
#[derive(Debug, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RollbackPlan {
    /// The rollout that goes back.
    pub of: RolloutId,
    /// Why.
    pub reason: String,
    /// Whether that is everything which carries what the rollout brought.
    pub whole: bool,
    /// Whether products that the rollout added are taken away.
    pub remove_added: bool,
    /// What happens on each cluster, in the order of the plan.
    pub clusters: Vec<ClusterBack>,
}

/// What goes back on one cluster.
#[derive(Debug, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ClusterBack {
    /// The cluster.
    pub cluster: ClusterName,
    /// Its products, in the order in which they go back.
    pub products: Vec<ProductBack>,
    /// One-way steps that are not taken.
    pub skipped: Vec<SkippedStep>,
    /// Products that stay as they are.
    pub stays: Vec<Stay>,
}

/// How one product goes back.
#[derive(Debug, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ProductBack {
    /// The product.
    pub product: ProductName,
    /// The version that it has now; absent if it is not there.
    pub from: Option<String>,
    /// The version that it had; absent if it is taken away.
    pub to: Option<String>,
}

/// What a plan says of going back; nothing if it goes forward.
pub(super) fn of(plan: &Plan) -> Option<RollbackPlan> {
    let rollback = plan.rollback()?;
    Some(RollbackPlan {
        of: rollback.of.clone(),
        reason: rollback.reason.clone(),
        whole: rollback.whole,
        remove_added: rollback.remove_added,
        clusters: plan.clusters().map(|(_, _, planned)| cluster(planned)).collect(),
    })
}

fn cluster(planned: &PlannedCluster) -> ClusterBack {
    let now = |product: &ProductName| planned.from.get(product).map(|found| found.version.to_string());
    let mut products: Vec<(u32, ProductBack)> = Vec::new();
    for target in planned.targets.iter().filter(|t| t.change.acts()) {
        let (product, to) = (target.product.clone(), Some(target.version.to_string()));
        products.push((target.phase, ProductBack { from: now(&product), product, to }));
    }
    for product in &planned.removals {
        let back = ProductBack { from: now(product), product: product.clone(), to: None };
        products.push((planned.phase_of(product).unwrap_or(0), back));
    }
    products.sort_by_key(|(phase, _)| std::cmp::Reverse(*phase));
    let back = planned.back.as_deref().cloned().unwrap_or_default();
    ClusterBack {
        cluster: planned.name.clone(),
        products: products.into_iter().map(|(_, product)| product).collect(),
        skipped: back.skipped,
        stays: back.stays,
    }
}

impl RollbackPlan {
    /// What people read, each line with its title.
    pub(super) fn lines(&self) -> Vec<(&'static str, String)> {
        let mut lines = Vec::new();
        for cluster in self.clusters.iter().take(SHOWN) {
            lines.push(("Goes back", format!("{}: {}", cluster.cluster, cluster.ways())));
        }
        if let Some(more) = self.clusters.len().checked_sub(SHOWN).filter(|more| *more > 0) {
            lines.push(("Goes back", format!("and {more} more, all of them with -o json")));
        }
        for (skipped, clusters) in same(&self.clusters, |cluster| &cluster.skipped) {
            lines.push(("Not taken", format!("{skipped}: what it did stays ({clusters})")));
        }
        for (stay, clusters) in same(&self.clusters, |cluster| &cluster.stays) {
            lines.push(("Stays", format!("{stay} ({clusters})")));
        }
        lines.push(("Why", self.reason.clone()));
        if !self.whole {
            lines
                .push(("Leaves", format!("the rest of {} as it is: that one is halted afterwards", self.of)));
        }
        lines
    }
}

impl ClusterBack {
    fn ways(&self) -> String {
        let way = |product: &ProductBack| {
            let name = &product.product;
            match (&product.from, &product.to) {
                (Some(from), Some(to)) => format!("{name} {from} -> {to}"),
                (None, Some(to)) => format!("{name} {to}, installed again"),
                (Some(from), None) => format!("{name} {from}, removed"),
                (None, None) => format!("{name}, removed"),
            }
        };
        self.products.iter().map(way).collect::<Vec<_>>().join(", ")
    }
}

/// What is the same on several clusters, once, with how many there are.
fn same<T: Ord + std::fmt::Display>(
    clusters: &[ClusterBack],
    of: impl Fn(&ClusterBack) -> &Vec<T>,
) -> Vec<(String, String)> {
    let mut found: std::collections::BTreeMap<&T, usize> = std::collections::BTreeMap::new();
    for item in clusters.iter().flat_map(&of) {
        *found.entry(item).or_default() += 1;
    }
    found.into_iter().map(|(item, n)| (item.to_string(), count(n, "cluster"))).collect()
}
