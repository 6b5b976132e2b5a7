//! Rules about releases: their own rules, their locks, and the products that they put together as
//! far as the working tree shows what these say.

use std::collections::BTreeMap;

use crate::diag::{Finding, Findings, Place, codes};
use crate::model::{Lane, ReleaseFile, ReleaseId};
use crate::yaml::Node;

use super::super::set::Set;
use super::super::{Catalog, Loaded, release};
use super::known_product;

pub(super) fn rules(catalog: &Catalog, findings: &mut Findings) {
    for (id, loaded) in &catalog.releases {
        findings.extend(release::rules(catalog, id));
        findings.extend(laneless(catalog, loaded));
        if loaded.file.lock.is_some() {
            findings.extend(release::own_lock(catalog, id, loaded));
            continue;
        }
        for name in loaded.spec.products.keys() {
            if !release::is_reserved(name.as_str()) {
                findings.extend(known_product(catalog, name));
            }
        }
        findings.extend(together(catalog, id));
    }
    findings.extend(reused_between_locks(catalog));
}

/// A hotfix that no pipeline has waves for. One with a parent: without, more is wrong with it.
fn laneless(catalog: &Catalog, loaded: &Loaded<ReleaseFile>) -> Option<Finding> {
    let spec = &loaded.spec;
    let hotfix = spec.lane.value == Lane::Hotfix && spec.parent.is_some();
    let mut lanes = catalog.pipelines.values().flat_map(|pipeline| pipeline.spec.lanes.keys());
    let has = lanes.any(|lane| lane.value == Lane::Hotfix);
    (hotfix && !has && !catalog.pipelines.is_empty()).then(|| {
        Finding::warning(
            &codes::NO_HOTFIX_LANE,
            format!("`{}` is a hotfix, and no pipeline has a lane `hotfix`", loaded.metadata.name.value),
        )
        .at(&spec.lane.place)
        .hint("list its waves in a pipeline: `lanes: { normal: [...], hotfix: [...] }`")
    })
}

/// The products of the working tree as one set.
pub fn working_set(catalog: &Catalog) -> Set<'_> {
    Set {
        whole: "the products folder".to_owned(),
        versions: catalog
            .products
            .iter()
            .map(|(name, product)| {
                let version = &product.file.spec.version;
                (name, (&version.value, &version.place))
            })
            .collect(),
        contents: catalog.products.iter().map(|(name, product)| (name, &product.file.spec)).collect(),
        kubernetes: None,
    }
}

/// A release that was not cut: its products whose version is the working tree's say what they
/// require; what the others require is found when it is cut.
fn together(catalog: &Catalog, id: &ReleaseId) -> Findings {
    let Some(loaded) = catalog.releases.get(id) else { return Findings::new() };
    let spec = &loaded.file.spec;
    let versions: BTreeMap<_, _> =
        spec.products.iter().map(|(name, version)| (&name.value, (&version.value, &version.place))).collect();
    let contents = versions
        .iter()
        .filter_map(|(name, (version, _))| {
            let product = &catalog.products.get(*name)?.file.spec;
            (product.version.value == **version).then_some((*name, product))
        })
        .collect();
    let kubernetes = Some((&spec.kubernetes.value, &spec.kubernetes.place));
    let set = Set { whole: format!("release {id}"), versions, contents, kubernetes };
    let mut findings = set.kubernetes_fits();
    // A requirement that the working tree itself breaks is reported once, there.
    let known: Vec<Finding> = super::releases::working_set(catalog).requirements().into_iter().collect();
    // A product whose version the release writes wrongly is there all the same.
    let raw = loaded.node.at(&["spec", "products"]).and_then(Node::as_mapping);
    let written = |place: &Place| {
        catalog.products.values().flat_map(|product| product.file.spec.requires.keys()).any(|required| {
            required.place == *place && raw.is_some_and(|raw| raw.get(required.as_str()).is_some())
        })
    };
    let new = |finding: &Finding| {
        !known.iter().any(|other| other.place == finding.place)
            && !finding.place.as_ref().is_some_and(written)
    };
    findings.extend(set.requirements().into_iter().filter(new));
    findings
}

/// One version with two contents, in two locks or in a lock and a pin.
fn reused_between_locks(catalog: &Catalog) -> Findings {
    let mut findings = Findings::new();
    for loaded in catalog.releases.values() {
        for (name, locked) in loaded.file.lock.iter().flat_map(|lock| &lock.value.products) {
            let node = loaded.node.at(&["lock", "products", name.as_str(), "digest"]);
            let Some(finding) = release::reused(catalog, name, &locked.version, &locked.digest) else {
                continue;
            };
            let Some(node) = node else { continue };
            // Of two locks that differ, the one that stands later in order of names is reported.
            let other_is_earlier =
                finding.related.first().is_some_and(|(other, _)| other.file() < node.place.file());
            if other_is_earlier {
                findings.push(finding.at(&node.place));
            }
        }
    }
    for loaded in catalog.pins.values() {
        let pin = &loaded.spec;
        if let Some(finding) =
            release::reused(catalog, &pin.product.value, &pin.version.value, &pin.digest.value)
        {
            findings.push(finding.at(&pin.digest.place));
        }
    }
    findings
}
