//! Whether the files of a catalog fit together. Each file here has the rules about one kind; what a
//! single file says wrongly in itself was found by `load`.

mod acceptances;
mod calendar;
mod deferrals;
mod fleet;
mod gates;
mod labels;
mod pins;
mod pipeline;
mod product;
mod releases;
mod scans;
mod sources;
mod support;

use std::collections::BTreeMap;
use std::fmt::Display;

use crate::diag::{Finding, Findings, Place, codes};
use crate::model::{ClusterEntry, ClusterName, Expiry, ProductName};
use crate::yaml::{Node, Spanned};

use super::Catalog;
use super::fleet::members;
use labels::Universe;

pub use labels::check_labels;
pub use releases::working_set;

/// Everything that the files of a catalog contradict each other in. Clusters are those that the
/// Fleet file lists; with a source in it, what a selector selects is not judged.
pub fn check(catalog: &Catalog) -> Findings {
    let Some(fleet) = &catalog.fleet else { return all(catalog, None, Findings::new()) };
    let (members, findings) = members(&fleet.spec, Vec::new());
    let complete = fleet.spec.source.is_none();
    all(catalog, Some(Members { clusters: &members, complete }), findings)
}

/// As [`check`], with the clusters of the source among the members.
pub fn check_members(catalog: &Catalog, clusters: &BTreeMap<ClusterName, ClusterEntry>) -> Findings {
    all(catalog, Some(Members { clusters, complete: true }), Findings::new())
}

/// The clusters that are known, and whether they are all.
#[derive(Clone, Copy)]
struct Members<'a> {
    clusters: &'a BTreeMap<ClusterName, ClusterEntry>,
    complete: bool,
}

fn all(catalog: &Catalog, members: Option<Members<'_>>, mut findings: Findings) -> Findings {
    let universe = members.map(|members| Universe::of(members.clusters, members.complete));
    names(catalog, &mut findings);
    product::rules(catalog, universe.as_ref(), &mut findings);
    releases::rules(catalog, &mut findings);
    if let (Some(members), Some(universe)) = (members, &universe) {
        fleet::rules(catalog, members, universe, &mut findings);
    }
    pipeline::rules(catalog, members, universe.as_ref(), &mut findings);
    pins::rules(catalog, members, universe.as_ref(), &mut findings);
    acceptances::rules(catalog, &mut findings);
    deferrals::rules(catalog, &mut findings);
    support::rules(catalog, &mut findings);
    sources::rules(catalog, &mut findings);
    calendar::rules(catalog, universe.as_ref(), &mut findings);
    let hidden: Vec<Place> = findings
        .iter()
        .filter(|finding| finding.code == &codes::LITERAL_SECRET)
        .filter_map(|finding| finding.place.clone())
        .collect();
    findings.mask(&hidden);
    findings.sorted()
}

/// A name in a file is the file's or folder's.
fn names(catalog: &Catalog, findings: &mut Findings) {
    for (folder, product) in &catalog.products {
        let name = &product.file.metadata.name;
        if super::release::is_reserved(folder.as_str()) {
            findings.push(super::release::reserved(name));
        }
        findings.extend(name_is(folder, name, "folder"));
    }
    let files = |findings: &mut Findings| {
        for (file, loaded) in &catalog.releases {
            findings.extend(name_is(file, &loaded.metadata.name, "file"));
        }
        for (file, loaded) in &catalog.pipelines {
            findings.extend(name_is(file, &loaded.metadata.name, "file"));
        }
        for (file, loaded) in &catalog.pins {
            findings.extend(name_is(file, &loaded.metadata.name, "file"));
        }
        for (file, loaded) in &catalog.acceptances {
            findings.extend(name_is(file, &loaded.metadata.name, "file"));
        }
        for (file, loaded) in &catalog.deferrals {
            findings.extend(name_is(file, &loaded.metadata.name, "file"));
        }
    };
    files(findings);
}

fn name_is<N: PartialEq + Display>(expected: &N, name: &Spanned<N>, what: &str) -> Option<Finding> {
    (name.value != *expected).then(|| {
        Finding::error(
            &codes::NAME_IS_NOT_FILE,
            format!("the name is `{}`, and the {what} is called `{expected}`", name.value),
        )
        .at(&name.place)
        .label(format!("expected `{expected}`"))
    })
}

/// A text that people rely on is not empty.
fn filled(text: &Spanned<String>, what: &str) -> Option<Finding> {
    text.trim()
        .is_empty()
        .then(|| Finding::error(&codes::EMPTY_VALUE, format!("{what} is empty")).at(&text.place))
}

/// What is over before it begins holds at no time.
fn over_before(created: Option<&Spanned<Expiry>>, end: &Spanned<Expiry>) -> Option<Finding> {
    let created = created.filter(|created| created.value.begins() >= end.value.moment())?;
    let message = format!("it ends on {}, before it begins on {}", end.value, created.value);
    Some(
        Finding::error(&codes::CONTRADICTION, message)
            .at(&end.place)
            .related(&created.place, "it begins here"),
    )
}

/// Names that are there twice in a list, at the later one.
fn twice<'a, N: Ord + Display + 'a>(
    names: impl IntoIterator<Item = (&'a N, &'a Place)>,
    what: &str,
) -> Findings {
    let mut seen: BTreeMap<&N, &Place> = BTreeMap::new();
    let mut findings = Findings::new();
    for (name, place) in names {
        match seen.get(name) {
            Some(first) => findings.push(
                Finding::error(&codes::DUPLICATE_NAME, format!("{what} `{name}` is there twice"))
                    .at(place)
                    .related(first, "the other one"),
            ),
            None => {
                seen.insert(name, place);
            }
        }
    }
    findings
}

/// A product that is named where only products of this repository can be meant.
fn known_product(catalog: &Catalog, name: &Spanned<ProductName>) -> Option<Finding> {
    let folder_broken = catalog.is_unreadable(&format!("products/{}/product.yaml", name.value));
    if catalog.products.contains_key(&name.value) || folder_broken {
        return None;
    }
    // A product that only an older release or a pin still has is known by its lock.
    let locked = catalog.releases.values().any(|loaded| {
        loaded.file.lock.as_ref().is_some_and(|lock| lock.value.products.contains_key(&name.value))
    });
    if locked {
        return None;
    }
    Some(
        Finding::error(&codes::UNKNOWN_PRODUCT, format!("there is no product `{}`", name.value))
            .at(&name.place)
            .did_you_mean(name.as_str(), catalog.products.keys().map(ProductName::as_str)),
    )
}

/// A cluster that is named where only members of the fleet can be meant.
fn known_cluster(
    catalog: &Catalog,
    members: Option<Members<'_>>,
    name: &Spanned<ClusterName>,
) -> Option<Finding> {
    let members = members?;
    if !members.complete || members.clusters.contains_key(&name.value) || is_listed(catalog, &name.value) {
        return None;
    }
    Some(
        Finding::error(&codes::UNKNOWN_CLUSTER, format!("there is no cluster `{}`", name.value))
            .at(&name.place)
            .did_you_mean(name.as_str(), members.clusters.keys().map(ClusterName::as_str))
            .next("tidegate cluster list"),
    )
}

/// Whether the Fleet file lists a cluster of this name, be its entry right or wrong.
fn is_listed(catalog: &Catalog, name: &ClusterName) -> bool {
    let entries = catalog.fleet.as_ref().and_then(|fleet| fleet.node.at(&["spec", "clusters"]));
    entries
        .and_then(Node::as_sequence)
        .unwrap_or_default()
        .iter()
        .any(|entry| entry.get("name").and_then(Node::as_str) == Some(name.as_str()))
}

pub(crate) use product::of_part;

#[cfg(test)]
mod calendar_tests;
#[cfg(test)]
mod tests;
