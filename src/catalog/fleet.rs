//! The members of the fleet: those that the file lists and those of its source, as one list with
//! one name each; who of them gets a product; and when a source is not to be believed. Asking the
//! source is an adapter's.

use std::collections::{BTreeMap, HashSet};

use crate::diag::{Finding, Findings, Place, codes, count_of};
use crate::model::{
    ClusterEntry, ClusterName, EnvironmentName, Fleet, Labels, Overrides, PoolName, Product, ProductName,
    secrets,
};

/// The clusters of the fleet by name: listed ones and those of the source.
///
/// A name that is there twice is a finding, and the first one stays.
pub fn members(fleet: &Fleet, sourced: Vec<ClusterEntry>) -> (BTreeMap<ClusterName, ClusterEntry>, Findings) {
    let mut members: BTreeMap<ClusterName, ClusterEntry> = BTreeMap::new();
    let mut findings = Findings::new();
    let listed = fleet.clusters.iter().map(|entry| entry.value.clone());
    for entry in listed.chain(sourced) {
        let name = entry.name.value.clone();
        match members.get(&name) {
            None => {
                members.insert(name, entry);
            }
            Some(first) => {
                let place = if entry.name.place.is_none() {
                    fleet.source.as_ref().map_or(&first.name.place, |source| &source.place)
                } else {
                    &entry.name.place
                };
                findings.push(
                    Finding::error(&codes::DUPLICATE_NAME, format!("two clusters are called `{name}`"))
                        .at(place)
                        .related(&first.name.place, "the other one"),
                );
            }
        }
    }
    (members, findings)
}

/// Literal secrets in the values of clusters that a source lists; those of the file are found where
/// the file is checked. A plan would carry them on.
pub fn literal_secrets(sourced: &[ClusterEntry]) -> Findings {
    let mut findings = Findings::new();
    for entry in sourced {
        for (product, values) in &entry.values {
            for finding in secrets::in_values(values) {
                let whose =
                    format!("values of {} on {}, from the fleet's source", product.value, entry.name.value);
                findings.push(finding.hint(whose));
            }
        }
    }
    findings
}

/// Whether a source's answer may be believed: it lists something, and lost no more than a tenth, or
/// no more than two, of the clusters that it listed before.
pub fn check_source(place: &Place, before: &[ClusterName], now: &[ClusterName]) -> Findings {
    let mut findings = Findings::new();
    if now.is_empty() {
        findings.push(Finding::error(&codes::EMPTY_SOURCE, "the fleet's source lists no cluster").at(place));
        return findings;
    }
    let now: HashSet<&ClusterName> = now.iter().collect();
    let lost: Vec<&ClusterName> = before.iter().filter(|name| !now.contains(name)).collect();
    if lost.len() > 2 && lost.len() * 10 > before.len() {
        let names: Vec<&str> = lost.iter().take(10).map(|name| name.as_str()).collect();
        let more = if lost.len() > names.len() { ", ..." } else { "" };
        findings.push(
            Finding::error(
                &codes::EMPTY_SOURCE,
                format!("the fleet's source misses {}", count_of(lost.len(), before.len(), "cluster")),
            )
            .at(place)
            .hint(format!("missing: {}{more}", names.join(", "))),
        );
    }
    findings
}

/// Why a cluster does not get a product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Without<'a> {
    /// The product's `where` does not select it.
    Where,
    /// An `exclude` at the environment of this name.
    Environment(&'a EnvironmentName),
    /// An `exclude` at the pool of this name.
    Pool(&'a PoolName),
    /// An `exclude` at the cluster itself.
    Cluster,
}

/// Why a cluster does not get a product, or `None` if it gets it: `where` has to select it, and no
/// `exclude` of its environment, its pool or itself may name it.
pub fn without<'a>(
    fleet: &'a Fleet,
    cluster: &'a ClusterEntry,
    name: &ProductName,
    product: &Product,
) -> Option<Without<'a>> {
    let labels = cluster.plain_labels();
    if !product.selector.matches(&labels) {
        return Some(Without::Where);
    }
    if let Some((environment, _)) = environment(fleet, &labels).filter(|(_, o)| excludes(&o.exclude, name)) {
        return Some(Without::Environment(environment));
    }
    if let Some((pool, _)) = pool(fleet, &labels).filter(|(_, o)| excludes(&o.exclude, name)) {
        return Some(Without::Pool(pool));
    }
    excludes(&cluster.exclude, name).then_some(Without::Cluster)
}

fn excludes(list: &[crate::yaml::Spanned<ProductName>], name: &ProductName) -> bool {
    list.iter().any(|excluded| excluded.value == *name)
}

/// What is set for a cluster's label `env`.
pub fn environment<'a>(fleet: &'a Fleet, labels: &Labels) -> Option<(&'a EnvironmentName, &'a Overrides)> {
    let value = labels.get("env")?;
    fleet.environments.iter().find(|(name, _)| name.as_str() == value).map(|(name, o)| (&name.value, o))
}

/// What is set for a cluster's label `pool`.
pub fn pool<'a>(fleet: &'a Fleet, labels: &Labels) -> Option<(&'a PoolName, &'a Overrides)> {
    let value = labels.get("pool")?;
    fleet.pools.iter().find(|(name, _)| name.as_str() == value).map(|(name, o)| (&name.value, o))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::testing::{catalog, lines};
    use super::*;

    const FLEET: &str = "apiVersion: tidegate.dev/v1\nkind: Fleet\nmetadata: { name: main }\nspec:\n  environments:\n    \
        prod: { exclude: [agent] }\n  clusters:\n    - { name: a, labels: { env: prod }, kubeconfig: { path: k, context: a } }\n    \
        - { name: b, labels: { env: dev }, kubeconfig: { path: k, context: b } }\n";
    const PRODUCT: &str = "apiVersion: tidegate.dev/v1\nkind: Product\nmetadata: { name: agent }\nspec:\n  version: 1.0.0\n  \
        owner: team\n  where: { env: [dev, prod] }\n";

    fn entry(name: &str) -> ClusterEntry {
        serde_json::from_value(serde_json::json!({"name": name, "kubeconfig": {"path": "k"}})).unwrap()
    }

    fn names(names: &[&str]) -> Vec<ClusterName> {
        names.iter().map(|n| n.parse().unwrap()).collect()
    }

    #[test]
    fn members_are_those_listed_and_those_of_the_source() {
        let catalog = catalog(&[("pipelines/fleet.yaml", FLEET)]);
        let fleet = &catalog.fleet.as_ref().unwrap().spec;
        let (members, findings) = members(fleet, vec![entry("c"), entry("a")]);
        assert_eq!(members.into_keys().collect::<Vec<_>>(), names(&["a", "b", "c"]));
        assert_eq!(lines(&findings), ["TG0111 pipelines/fleet.yaml:8:15"]);
    }

    #[test]
    fn a_source_that_lists_nothing_or_loses_many_is_not_believed() {
        let before: Vec<String> = (0..30).map(|n| format!("c{n}")).collect();
        let before: Vec<&str> = before.iter().map(String::as_str).collect();
        let check = |now: &[&str]| check_source(&Place::none(), &names(&before), &names(now)).len();
        assert_eq!(check(&[]), 1);
        assert_eq!(check(&before[3..]), 0, "a tenth may go");
        assert_eq!(check(&before[4..]), 1);
        assert_eq!(
            check_source(&Place::none(), &names(&["a", "b", "c"]), &names(&["a"])).len(),
            0,
            "two may go"
        );
    }

    #[test]
    fn any_exclusion_wins_over_where() {
        let catalog = catalog(&[("pipelines/fleet.yaml", FLEET), ("products/agent/product.yaml", PRODUCT)]);
        let fleet = &catalog.fleet.as_ref().unwrap().spec;
        let (name, product) = catalog.products.first_key_value().unwrap();
        let of = |n: usize| without(fleet, &fleet.clusters[n].value, name, &product.file.spec);
        assert_eq!(of(0), Some(Without::Environment(&"prod".parse().unwrap())));
        assert_eq!(of(1), None);
        let mut nowhere = entry("c");
        nowhere.labels.clear();
        assert_eq!(without(fleet, &nowhere, name, &product.file.spec), Some(Without::Where));
    }
}
