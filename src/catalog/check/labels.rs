//! Labels and selectors: which labels and values there are in the fleet, and selectors that name
//! others or select nothing.

use std::collections::{BTreeMap, BTreeSet};

use crate::diag::{Finding, Findings, Place, Severity, codes};
use crate::model::{Allowed, ClusterEntry, ClusterName, Labels, Selector};
use crate::yaml::Spanned;

/// The labels of the fleet.
pub(super) struct Universe {
    values: BTreeMap<String, BTreeSet<String>>,
    clusters: Vec<(ClusterName, Labels)>,
    /// Whether all clusters are known; if not, nothing is called unknown.
    complete: bool,
}

impl Universe {
    pub(super) fn of(clusters: &BTreeMap<ClusterName, ClusterEntry>, complete: bool) -> Self {
        Self::new(
            clusters.iter().map(|(name, entry)| (name.clone(), entry.plain_labels())).collect(),
            complete,
        )
    }

    fn new(clusters: Vec<(ClusterName, Labels)>, complete: bool) -> Self {
        let mut values: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (_, labels) in &clusters {
            for (label, value) in labels {
                values.entry(label.clone()).or_default().insert(value.clone());
            }
        }
        Self { values, clusters, complete }
    }

    /// Whether what is missing here is missing.
    pub(super) fn is_judged(&self) -> bool {
        self.complete && !self.clusters.is_empty()
    }

    /// The clusters that a selector selects.
    pub(super) fn select(&self, selector: &Selector) -> impl Iterator<Item = &ClusterName> {
        self.clusters.iter().filter(|(_, labels)| selector.matches(labels)).map(|(name, _)| name)
    }

    /// Labels and values that no cluster has (of the given severity), and a selector that selects
    /// nothing although each of its parts is known (a warning).
    pub(super) fn check(&self, selector: &Selector, place: &Place, severity: Severity) -> Findings {
        let mut findings = Findings::new();
        if !self.is_judged() {
            return findings;
        }
        for (label, allowed) in &selector.0 {
            if let Some(mut finding) = self.unknown_label(&label.value, &label.place) {
                finding.severity = severity;
                findings.push(finding);
                continue;
            }
            match &allowed.value {
                Allowed::One(value) => {
                    findings.extend(self.unknown_value(&label.value, value, &allowed.place, severity));
                }
                Allowed::Any(values) => {
                    for value in values {
                        let place = if value.place.is_none() { &allowed.place } else { &value.place };
                        findings.extend(self.unknown_value(&label.value, &value.value, place, severity));
                    }
                }
            }
        }
        if findings.is_empty() && self.select(selector).next().is_none() {
            findings.push(
                Finding::warning(&codes::SELECTS_NOTHING, "this selector selects no cluster").at(place),
            );
        }
        findings
    }

    /// The finding about a label that no cluster has.
    pub(super) fn unknown_label(&self, label: &str, place: &Place) -> Option<Finding> {
        if !self.is_judged() || self.values.contains_key(label) {
            return None;
        }
        let known: Vec<&str> = self.values.keys().map(String::as_str).collect();
        let beside = if known.is_empty() {
            "no cluster has labels".to_owned()
        } else {
            format!("labels here are {}", listed(&known))
        };
        Some(
            Finding::error(&codes::UNKNOWN_LABEL, format!("label `{label}` exists on no cluster"))
                .at(place)
                .label(beside)
                .did_you_mean(label, known)
                .next("tidegate cluster list"),
        )
    }

    fn unknown_value(&self, label: &str, value: &str, place: &Place, severity: Severity) -> Option<Finding> {
        let known = self.values.get(label)?;
        if known.contains(value) {
            return None;
        }
        let known: Vec<&str> = known.iter().map(String::as_str).collect();
        let mut finding = Finding::error(
            &codes::UNKNOWN_LABEL_VALUE,
            format!("label value `{value}` exists on no cluster"),
        )
        .at(place)
        .label(format!("{label} is one of {}", listed(&known)))
        .did_you_mean(value, known)
        .next("tidegate cluster list");
        finding.severity = severity;
        Some(finding)
    }
}

/// What is wrong with labels that are typed, and not written in a file, if they select none of these
/// clusters. With no clusters nothing is judged.
pub fn check_labels(wanted: &Labels, clusters: impl IntoIterator<Item = (ClusterName, Labels)>) -> Findings {
    let universe = Universe::new(clusters.into_iter().collect(), true);
    let plain = |(label, value): (&String, &String)| {
        let value = Spanned::placeless(Allowed::One(value.clone()));
        (Spanned::placeless(label.clone()), value)
    };
    let selector = Selector(wanted.iter().map(plain).collect());
    let typed = |mut finding: Finding| {
        finding.severity = Severity::Error;
        // There is no line to write it beside.
        finding.hints.extend(finding.label.take());
        if finding.next.is_none() { finding.next("tidegate cluster list") } else { finding }
    };
    universe.check(&selector, &Place::none(), Severity::Error).into_iter().map(typed).collect()
}

/// At most eight names.
fn listed(names: &[&str]) -> String {
    let shown: Vec<&str> = names.iter().copied().take(8).collect();
    let more = if names.len() > shown.len() { ", ..." } else { "" };
    format!("{}{more}", shown.join(", "))
}
