//! Rules about the Fleet file: labels, overrides, and values of environments, pools and clusters
//! against what the products say.

use std::collections::{BTreeMap, BTreeSet};

use crate::diag::{Finding, Findings, codes};
use crate::model::{ClusterEntry, Fleet, ProductName, Source, secrets};
use crate::yaml::{Node, Spanned, Value};

use super::super::fleet::{environment, pool, without};
use super::super::release::{is_reserved, reserved};
use super::super::values::{Completeness, break_schema, merge, unknown_keys};
use super::super::{Catalog, ProductSource};
use super::labels::Universe;
use super::product::{label_key, label_text, locks_key};
use super::{Members, filled, known_product, twice};

pub(super) fn rules(catalog: &Catalog, members: Members<'_>, universe: &Universe, findings: &mut Findings) {
    let Some(loaded) = &catalog.fleet else { return };
    let fleet = &loaded.spec;
    if fleet.clusters.is_empty() && fleet.source.is_none() {
        let wrong =
            loaded.node.at(&["spec", "clusters"]).and_then(Node::as_sequence).is_some_and(|l| !l.is_empty());
        if !wrong {
            findings.push(
                Finding::warning(&codes::EMPTY_FLEET, "the fleet has no clusters and no source")
                    .at(&loaded.metadata.name.place),
            );
        }
    }
    source(fleet, findings);
    entries(fleet, findings);
    let layers = fleet
        .environments
        .iter()
        .map(|(name, layer)| ("env", name.as_str(), &name.place, layer))
        .chain(fleet.pools.iter().map(|(name, layer)| ("pool", name.as_str(), &name.place, layer)));
    for (label, name, place, layer) in layers {
        overrides(catalog, &layer.values, &layer.exclude, findings);
        let selects = members
            .clusters
            .values()
            .any(|c| c.labels.iter().any(|(k, v)| k.value == label && v.value == name));
        if universe.is_judged() && !selects {
            let known: BTreeSet<&str> = members
                .clusters
                .values()
                .flat_map(|c| {
                    c.labels.iter().filter(|(k, _)| k.value == label).map(|(_, v)| v.value.as_str())
                })
                .collect();
            findings.push(
                Finding::warning(&codes::SELECTS_NOTHING, format!("no cluster has the label {label}={name}"))
                    .at(place)
                    .did_you_mean(name, known),
            );
        }
    }
    for cluster in &fleet.clusters {
        overrides(catalog, &cluster.values, &cluster.exclude, findings);
    }
    for product in catalog.products.iter() {
        effective(fleet, members, product, findings);
    }
}

fn source(fleet: &Fleet, findings: &mut Findings) {
    match fleet.source.as_ref().map(|source| (&source.value, &source.place)) {
        Some((Source::Command(source), place)) => match source.command.first() {
            Some(program) => findings.extend(filled(program, "the program of the source")),
            None => findings.push(Finding::error(&codes::EMPTY_VALUE, "the command is empty").at(place)),
        },
        Some((Source::Kubeconfig(source), _)) => {
            findings.extend(filled(&source.path, "the path of the source"))
        }
        None => {}
    }
}

fn entries(fleet: &Fleet, findings: &mut Findings) {
    let mut reached: BTreeMap<(&str, Option<&str>), &ClusterEntry> = BTreeMap::new();
    for cluster in &fleet.clusters {
        for (label, value) in &cluster.labels {
            findings.extend(label_key(label));
            if !label_text(&value.value) {
                findings.push(
                    Finding::error(
                        &codes::BAD_FIELD_FORM,
                        format!(
                            "`{}` is no label value: expected letters, digits, `-`, `_` and `.`, at most 63",
                            value.value
                        ),
                    )
                    .at(&value.place),
                );
            }
        }
        let access = &cluster.kubeconfig;
        findings.extend(filled(&access.path, "the path"));
        let context = access.context.as_ref().map(|context| context.value.as_str());
        if let Some(first) = reached.insert((access.path.as_str(), context), &cluster.value)
            && first.name.value != cluster.name.value
        {
            findings.push(
                Finding::warning(
                    &codes::ONE_CLUSTER_TWICE,
                    format!("`{}` is reached as `{}` is", cluster.name.value, first.name.value),
                )
                .at(access.context.as_ref().map_or(&access.path.place, |context| &context.place))
                .related(&first.kubeconfig.path.place, "the same file and context"),
            );
        }
    }
}

fn overrides(
    catalog: &Catalog,
    values: &BTreeMap<Spanned<ProductName>, Node>,
    exclude: &[Spanned<ProductName>],
    findings: &mut Findings,
) {
    findings.extend(twice(exclude.iter().map(|name| (&name.value, &name.place)), "the product"));
    for name in values.keys().chain(exclude) {
        // To exclude `kubernetes` keeps a cluster's version where it is (design.md, section 7).
        if is_reserved(name.as_str()) {
            if name.as_str() != "kubernetes" || values.contains_key(name) {
                findings.push(reserved(name));
            }
        } else {
            findings.extend(known_product(catalog, name));
        }
    }
    for (name, node) in values {
        findings.extend(secrets::in_values(node));
        findings.extend(locks_key(node));
        if let Some(product) = catalog.products.get(&name.value) {
            findings.extend(unknown_keys(&name.value, &product.file.spec, node));
        }
    }
}

/// Values of a product after all layers against its schema, once for each combination of layers.
fn effective(
    fleet: &Fleet,
    members: Members<'_>,
    (name, product): (&ProductName, &ProductSource),
    findings: &mut Findings,
) {
    let spec = &product.file.spec;
    if spec.values_schema.is_none() {
        return;
    }
    let mut looked: BTreeSet<Vec<usize>> = BTreeSet::new();
    let mut said: BTreeSet<(String, usize, String)> = BTreeSet::new();
    for cluster in members.clusters.values() {
        if without(fleet, cluster, name, spec).is_some() {
            continue;
        }
        let labels = cluster.plain_labels();
        let of = |values: &BTreeMap<Spanned<ProductName>, Node>| {
            values.iter().find(|(product, _)| product.value == *name).map(|(_, node)| node.clone())
        };
        let layers: Vec<Option<Node>> = vec![
            environment(fleet, &labels).and_then(|(_, layer)| of(&layer.values)),
            pool(fleet, &labels).and_then(|(_, layer)| of(&layer.values)),
            of(&cluster.values),
        ];
        let combination =
            layers.iter().map(|layer| layer.as_ref().map_or(usize::MAX, |n| n.place.start())).collect();
        if !looked.insert(combination) {
            continue;
        }
        let empty = Node { value: Value::Mapping(Default::default()), place: cluster.name.place.clone() };
        let defaults = spec.values.as_ref().unwrap_or(&empty);
        let merged = layers.iter().flatten().fold(defaults.clone(), |under, over| merge(&under, over));
        for finding in break_schema(name, spec, &merged, Completeness::Whole) {
            let place = finding.place.clone().unwrap_or_else(|| cluster.name.place.clone());
            let key = (place.file().to_owned(), place.start(), finding.message.clone());
            // What the defaults alone break was said at the product.
            let of_defaults = spec.values.as_ref().is_some_and(|values| {
                break_schema(name, spec, values, Completeness::Partial)
                    .iter()
                    .any(|other| other.place == finding.place && other.message == finding.message)
            });
            if !of_defaults && said.insert(key) {
                findings.push(finding.related(&cluster.name.place, "for this cluster, among others"));
            }
        }
    }
}
