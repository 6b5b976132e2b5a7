//! A set of product versions as a whole: what a release, or one cluster, is to have. It decides
//! whether the products' requirements hold among them.

use std::collections::{BTreeMap, BTreeSet};

use crate::diag::{Finding, Findings, Place, codes};
use crate::model::{Product, ProductName};
use crate::version::{KubeVersion, Version};

use super::graph::Graph;

/// Product versions that are to be together.
pub struct Set<'a> {
    /// What the set is, for messages: `release R2`, `cluster acme-dev`.
    pub whole: String,
    /// The version of each product, and where it was decided.
    pub versions: BTreeMap<&'a ProductName, (&'a Version, &'a Place)>,
    /// What the products say; one that is not known is not asked what it requires.
    pub contents: BTreeMap<&'a ProductName, &'a Product>,
    /// The Kubernetes version, and where it was decided.
    pub kubernetes: Option<(&'a KubeVersion, &'a Place)>,
}

impl Set<'_> {
    /// Cycles, unsatisfied requirements and unfit Kubernetes versions.
    pub fn check(&self) -> Findings {
        let mut findings = self.cycles();
        findings.extend(self.requirements());
        findings.extend(self.kubernetes_fits());
        findings
    }

    /// The graph of the products whose content is known.
    pub fn graph(&self) -> Graph {
        Graph::of(self.contents.iter().map(|(name, p)| (*name, p.requires.keys().map(|r| &r.value))))
    }

    /// Each cycle as the whole path, with the place of every edge.
    pub fn cycles(&self) -> Findings {
        self.graph().cycles().iter().filter_map(|cycle| self.cycle(cycle)).collect()
    }

    fn cycle(&self, cycle: &[ProductName]) -> Option<Finding> {
        let next = cycle.iter().cycle().skip(1);
        let edges: Vec<(&ProductName, &ProductName, &Place)> = cycle
            .iter()
            .zip(next)
            .filter_map(|(from, to)| {
                let product = self.contents.get(from)?;
                let (key, _) = product.requires.iter().find(|(name, _)| name.value == *to)?;
                Some((from, to, &key.place))
            })
            .collect();
        let (first, _, place) = edges.first()?;
        let path: Vec<&str> = cycle.iter().chain([*first]).map(ProductName::as_str).collect();
        let mut finding = Finding::error(
            &codes::DEPENDENCY_CYCLE,
            format!("products require each other in a circle: {}", path.join(" -> ")),
        )
        .at(place)
        .label(format!("`{first}` requires `{}`", path.get(1).unwrap_or(&"itself")));
        for (from, to, place) in edges.iter().skip(1) {
            finding = finding.related(place, format!("`{from}` requires `{to}`"));
        }
        Some(finding)
    }

    /// Requirements that another version, or no version, is there for.
    pub fn requirements(&self) -> Findings {
        let mut findings = Findings::new();
        for (name, product) in &self.contents {
            for (required, range) in &product.requires {
                let own = self.versions.get(*name).map(|(v, _)| format!(" {v}")).unwrap_or_default();
                let wants = format!(
                    "`{name}`{own} requires `{required}` {range}",
                    required = required.value,
                    range = range.value
                );
                match self.versions.get(&required.value) {
                    Some((version, _)) if range.value.matches(version) => {}
                    // A placeholder: what stands there is no version, which was found by itself.
                    Some((version, place)) if !place.excerpt().contains(&version.to_string()) => {}
                    Some((version, place)) => findings.push(
                        Finding::error(
                            &codes::UNSATISFIED_REQUIRES,
                            format!("{wants}, and {} has {version}", self.whole),
                        )
                        .at(&range.place)
                        .label(format!("{version} is not in this range"))
                        .related(place, format!("`{}` is {version} here", required.value)),
                    ),
                    None => {
                        let mut finding = Finding::error(
                            &codes::UNSATISFIED_REQUIRES,
                            format!("{wants}, and {} does not have it", self.whole),
                        )
                        .at(&required.place)
                        .did_you_mean(required.value.as_str(), self.versions.keys().map(|n| n.as_str()));
                        if let Some((_, place)) = self.versions.get(*name) {
                            finding = finding.related(place, format!("`{name}` is asked for here"));
                        }
                        findings.push(finding);
                    }
                }
            }
        }
        findings
    }

    /// Products that do not work on the set's Kubernetes version.
    pub fn kubernetes_fits(&self) -> Findings {
        let Some((kubernetes, place)) = self.kubernetes else { return Findings::new() };
        let unfit = |(name, product): (&&ProductName, &&Product)| {
            let range = product.kubernetes.as_ref().filter(|range| !range.value.matches(kubernetes))?;
            let own = self.versions.get(*name).map(|(v, _)| format!(" {v}")).unwrap_or_default();
            Some(
                Finding::error(
                    &codes::UNFIT_KUBERNETES,
                    format!(
                        "`{name}`{own} works on Kubernetes {}, and {} has {kubernetes}",
                        range.value, self.whole
                    ),
                )
                .at(place)
                .related(&range.place, format!("what `{name}` works on")),
            )
        };
        self.contents.iter().filter_map(unfit).collect()
    }

    /// The products that are there and whose content is not known.
    pub fn unknown(&self) -> BTreeSet<&ProductName> {
        self.versions.keys().copied().filter(|name| !self.contents.contains_key(*name)).collect()
    }
}
