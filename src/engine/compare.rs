//! What one release would change against another on one cluster: versions with their reasons, values
//! with their paths, inputs digests. The cluster is looked at for what it serves and runs; nothing
//! is written to it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::diag::{Finding, Findings, codes};
use crate::digest::Digest;
use crate::model::{ClusterName, ProductName, ReleaseId};
use crate::plan::digest::{ClusterInputs, ProductInputs, UsedRenderers, inputs};
use crate::resolve::{Exclusion, Reason, ResolveInput, desired};
use crate::version::{KubeMinor, Version};

use super::follow::Follower;
use super::planning::{PlanError, PlanRequest, gather};
use super::world::{Times, World};

/// What a release means for a cluster, against another one.
#[derive(Debug, Clone, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ClusterDiff {
    /// The cluster.
    pub cluster: ClusterName,
    /// The earlier release.
    pub from: ReleaseId,
    /// The later release.
    pub to: ReleaseId,
    /// The Kubernetes minor that it serves; without it there are no inputs digests.
    pub kubernetes: Option<KubeMinor>,
    /// The products that differ, in order of names.
    pub products: Vec<ProductDiff>,
    /// How many are the same.
    pub unchanged: usize,
}

/// One product that differs.
#[derive(Debug, Clone, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ProductDiff {
    /// The product.
    pub product: ProductName,
    /// How: `added`, `removed`, `raised`, `lowered`, or `reconfigured` (the version stays, something
    /// else of its inputs differs).
    pub change: &'static str,
    /// With the earlier release; absent if the cluster does not get it.
    pub from: Option<ProductThere>,
    /// With the later release.
    pub to: Option<ProductThere>,
    /// The values that differ.
    pub values: Vec<ValueDiff>,
    /// Why the cluster does not get it with one of the two, where an exclusion says so.
    pub excluded: Vec<String>,
    /// The version that runs there.
    pub running: Option<Version>,
}

/// One product as a release gives it to a cluster.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ProductThere {
    /// The version.
    pub version: Version,
    /// Why.
    pub reason: Reason,
    /// The product digest.
    pub digest: Digest,
    /// The inputs digest.
    pub inputs: Option<Digest>,
    #[serde(skip)]
    values: Value,
}

/// One value that differs; secret references unresolved.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ValueDiff {
    /// Its path, `ingress.replicas`.
    pub path: String,
    /// With the earlier release; null if it is not there.
    pub from: Value,
    /// With the later release.
    pub to: Value,
}

/// What one release gives to a cluster.
struct Given {
    kubernetes: Option<KubeMinor>,
    products: BTreeMap<ProductName, ProductThere>,
    excluded: BTreeMap<ProductName, Vec<Exclusion>>,
    running: BTreeMap<ProductName, Version>,
}

/// Compares two releases for a cluster. `request` names the pipeline and who asks.
///
/// # Errors
/// As [`gather`], and when there is no such cluster.
pub async fn releases(
    world: &World,
    times: &Times,
    follower: &mut Follower,
    request: &PlanRequest,
    from: &ReleaseId,
    cluster: &ClusterName,
) -> Result<(ClusterDiff, Findings), PlanError> {
    let to = &request.release;
    let earlier = PlanRequest { release: from.clone(), ..request.clone() };
    let (old, mut findings) = given(world, times, follower, &earlier, cluster).await?;
    let (new, more) = given(world, times, follower, request, cluster).await?;
    for finding in more {
        if !findings.iter().any(|known| *known == finding) {
            findings.push(finding);
        }
    }
    let names: BTreeSet<&ProductName> = old.products.keys().chain(new.products.keys()).collect();
    let total = names.len();
    let products: Vec<ProductDiff> =
        names.into_iter().filter_map(|product| differs(product, &old, &new)).collect();
    let unchanged = total - products.len();
    let (from, to) = (from.clone(), to.clone());
    let kubernetes = new.kubernetes;
    Ok((ClusterDiff { cluster: cluster.clone(), from, to, kubernetes, products, unchanged }, findings))
}

async fn given(
    world: &World,
    times: &Times,
    follower: &mut Follower,
    request: &PlanRequest,
    cluster: &ClusterName,
) -> Result<(Given, Findings), PlanError> {
    let gathered = gather(world, times, follower, request).await?;
    gathered.with_input(|input| {
        let Some(entry) = input.clusters.get(cluster) else {
            let known = input.clusters.keys().map(ClusterName::as_str);
            return Err(Finding::error(&codes::UNKNOWN_CLUSTER, format!("there is no cluster `{cluster}`"))
                .did_you_mean(cluster.as_str(), known)
                .next("tidegate cluster list")
                .into());
        };
        let observed = input.observed.get(cluster);
        // What runs there would keep a lower version away; here the two releases alone are compared.
        let resolved = desired(&ResolveInput { ground: input.ground(), cluster: entry, observed: None });
        let (desired, findings) = resolved;
        let labels = entry.plain_labels();
        let half = observed.map(|observed| {
            ClusterInputs {
                name: cluster.as_str(),
                labels: &labels,
                provider: entry.provider.as_ref().map(|provider| provider.value.as_str()),
                kubernetes: observed.kubernetes,
            }
            .digest()
        });
        let half = half.and_then(Result::ok);
        let products = desired.products.into_iter().map(|(name, product)| {
            let renderers = input
                .versions
                .get(&product.digest)
                .map(|content| UsedRenderers::of(&content.file.spec, input.renderers));
            let own = renderers.and_then(|renderers| {
                ProductInputs { product: product.digest, values: product.values.digest, renderers }
                    .digest()
                    .ok()
            });
            let there = ProductThere {
                version: product.version,
                reason: product.reason,
                digest: product.digest,
                inputs: half.zip(own).map(|(half, own)| inputs(&half, &own)),
                values: product.values.node.to_json(),
            };
            (name, there)
        });
        let running = observed.into_iter().flat_map(|o| o.products.iter());
        let given = Given {
            kubernetes: observed.map(|observed| observed.kubernetes),
            products: products.collect(),
            excluded: desired.excluded,
            running: running.map(|(name, found)| (name.clone(), found.version.clone())).collect(),
        };
        Ok((given, findings))
    })
}

fn differs(product: &ProductName, old: &Given, new: &Given) -> Option<ProductDiff> {
    let (from, to) = (old.products.get(product), new.products.get(product));
    let change = match (from, to) {
        (None, None) => return None,
        (None, Some(_)) => "added",
        (Some(_), None) => "removed",
        (Some(a), Some(b)) if a.version < b.version => "raised",
        (Some(a), Some(b)) if a.version > b.version => "lowered",
        (Some(a), Some(b)) if (a.digest, &a.values) != (b.digest, &b.values) => "reconfigured",
        _ => return None,
    };
    let mut values = Vec::new();
    if let (Some(a), Some(b)) = (from, to) {
        value_diffs(String::new(), &a.values, &b.values, &mut values);
    }
    let excluded = [old, new].into_iter().filter_map(|given| given.excluded.get(product)).flatten();
    let mut excluded: Vec<String> = excluded.map(ToString::to_string).collect();
    excluded.dedup();
    Some(ProductDiff {
        product: product.clone(),
        change,
        from: from.cloned(),
        to: to.cloned(),
        values,
        excluded,
        running: new.running.get(product).cloned(),
    })
}

/// The leaves that differ.
fn value_diffs(path: String, from: &Value, to: &Value, found: &mut Vec<ValueDiff>) {
    if from == to {
        return;
    }
    let (Some(a), Some(b)) = (from.as_object(), to.as_object()) else {
        found.push(ValueDiff { path, from: from.clone(), to: to.clone() });
        return;
    };
    let keys: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
    for key in keys {
        let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        value_diffs(path, a.get(key).unwrap_or(&Value::Null), b.get(key).unwrap_or(&Value::Null), found);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_differ_leaf_by_leaf_and_lists_as_a_whole() {
        let mut found = Vec::new();
        let from = json!({"a": {"b": 1, "c": 2}, "l": [1, 2], "gone": true});
        let to = json!({"a": {"b": 1, "c": 3}, "l": [1], "new": "x"});
        value_diffs(String::new(), &from, &to, &mut found);
        let told: Vec<String> = found.iter().map(|v| format!("{}: {} -> {}", v.path, v.from, v.to)).collect();
        assert_eq!(told, ["a.c: 2 -> 3", "gone: true -> null", "l: [1,2] -> [1]", "new: null -> \"x\""]);
    }
}
