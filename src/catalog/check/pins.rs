//! Rules about pins: what they name, and that no two of them say different things of one cluster.
//! Whether one has ended depends on the time and is found when versions are resolved.

use std::collections::{BTreeMap, BTreeSet};

use crate::diag::{Finding, Findings, Severity, codes};
use crate::model::{ClusterName, Pin, PinId, ProductName};

use super::super::Catalog;
use super::super::pins::too_old;
use super::super::release::is_reserved;
use super::labels::Universe;
use super::product::labels_form;
use super::{Members, filled, known_cluster, known_product, twice};

pub(super) fn rules(
    catalog: &Catalog,
    members: Option<Members<'_>>,
    universe: Option<&Universe>,
    findings: &mut Findings,
) {
    let mut taken: BTreeMap<(&ProductName, &ClusterName), &PinId> = BTreeMap::new();
    for (id, loaded) in &catalog.pins {
        let pin = &loaded.spec;
        findings.extend(filled(&pin.owner, "the owner"));
        findings.extend(filled(&pin.reason, "the reason"));
        if !is_reserved(pin.product.as_str()) {
            findings.extend(known_product(catalog, &pin.product));
        }
        let hex = |text: &str| text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        if !matches!(pin.commit.len(), 40 | 64) || !hex(&pin.commit) {
            findings.push(
                Finding::error(&codes::BAD_FIELD_FORM, format!("`{}` is no commit", pin.commit.value))
                    .at(&pin.commit.place)
                    .label("expected 40 or 64 hexadecimal digits"),
            );
        }
        if pin.clusters.is_empty() && pin.selector.is_none() {
            findings.push(
                Finding::error(&codes::CONTRADICTION, format!("the pin `{id}` is for no cluster"))
                    .at(&loaded.metadata.name.place)
                    .label("it has neither `clusters` nor `selector`"),
            );
        }
        findings.extend(twice(pin.clusters.iter().map(|c| (&c.value, &c.place)), "the cluster"));
        for cluster in &pin.clusters {
            findings.extend(known_cluster(catalog, members, cluster));
        }
        if let Some(selector) = &pin.selector {
            labels_form(&selector.value, findings);
            if let Some(universe) = universe {
                findings.extend(universe.check(&selector.value, &selector.place, Severity::Error));
            }
        }
        let mut against: BTreeMap<&PinId, Vec<&ClusterName>> = BTreeMap::new();
        for cluster in pinned(pin, universe) {
            match taken.get(&(&pin.product.value, cluster)) {
                Some(other) => against.entry(*other).or_default().push(cluster),
                None => {
                    taken.insert((&pin.product.value, cluster), id);
                }
            }
        }
        for (other, clusters) in against {
            let names: Vec<String> = clusters.iter().map(|c| format!("`{c}`")).collect();
            let mut finding = Finding::error(
                &codes::CONFLICTING_PINS,
                format!("`{other}` and `{id}` both pin `{}` on {}", pin.product.value, names.join(", ")),
            )
            .at(&pin.product.place);
            if let Some(other) = catalog.pins.get(other) {
                finding = finding.related(&other.spec.product.place, "the other pin");
            }
            findings.push(finding);
        }
    }
    if let Some(members) = members {
        findings.extend(too_old(catalog, members.clusters));
    }
}

fn pinned<'a>(pin: &'a Pin, universe: Option<&'a Universe>) -> BTreeSet<&'a ClusterName> {
    let named = pin.clusters.iter().map(|cluster| &cluster.value);
    let selected = pin
        .selector
        .as_ref()
        .zip(universe)
        .map(|(selector, universe)| universe.select(&selector.value).collect::<Vec<_>>());
    named.chain(selected.into_iter().flatten()).collect()
}
