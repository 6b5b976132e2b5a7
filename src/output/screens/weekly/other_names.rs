//! The report as the metrics of k8s-platform-lcm (internal/metrics.go there), so that dashboards and alerts go
//! on: the same names, the same labels, and 1 where what is in use is the newest.
//!
//! In one thing they are stricter: where nothing newest is known, the value is 0, since nobody knows that it is
//! the newest. What that tool has not, Kubernetes itself and everything beyond versions, is left out.

use std::collections::BTreeMap;

use super::metrics::{Metric, written};
use crate::lcm::upstream::Silence;
use crate::model::image::Repository;
use crate::output::surface::Form;
use crate::output::{Look, Screen};
use crate::report::weekly::{Product, Thing, Weekly};

/// A report whose metrics have the names of k8s-platform-lcm.
#[derive(Debug, serde::Serialize)]
#[serde(transparent)]
pub struct OtherNames(pub Weekly);

impl Screen for OtherNames {
    const KIND: &'static str = Weekly::KIND;

    fn text(&self, look: &Look) -> String {
        self.0.text(look)
    }

    fn next(&self) -> Option<String> {
        self.0.next()
    }

    fn form(&self, form: Form, look: &Look) -> String {
        match form {
            Form::Prometheus => metrics(&self.0),
            other => self.0.form(other, look),
        }
    }
}

/// Labels with their values, in the order in which Prometheus' own client writes them.
type Labels = Vec<(&'static str, String)>;

fn metrics(report: &Weekly) -> String {
    let all = |kind: &str, labels: fn(&Product, &Thing, &str) -> Labels| {
        // Two products may use the same thing; a series stands once.
        let mut series: BTreeMap<Labels, bool> = BTreeMap::new();
        for product in &report.products {
            for thing in product.things.iter().filter(|thing| thing.kind == kind) {
                for version in versions(thing) {
                    series.insert(labels(product, thing, &version), is_newest(thing, &version));
                }
            }
        }
        series.into_iter().map(|(labels, is)| (labels, if is { "1" } else { "0" }.to_owned())).collect()
    };
    let metrics = [
        Metric {
            name: "chart_info",
            help: "A chart in use, and whether its version is the newest.",
            samples: all("chart", chart),
        },
        Metric {
            name: "github_info",
            help: "A tool in use, and whether its version is the newest.",
            samples: all("tool", tool),
        },
        Metric {
            name: "image_info",
            help: "An image in use, and whether its version is the newest.",
            samples: all("image", image),
        },
    ];
    metrics.iter().filter(|metric| !metric.samples.is_empty()).map(written).collect()
}

/// What runs, else what is declared; what has no version is `0` there.
fn versions(thing: &Thing) -> Vec<String> {
    let running: Vec<String> = thing.running.iter().map(|one| one.version.clone()).collect();
    let all = if running.is_empty() { thing.declared.clone() } else { running };
    let known = |version: String| match version.as_str() {
        "" | "latest" => "0".to_owned(),
        // A digest alone says no version.
        text if text.contains('@') || text.starts_with("sha256:") => text
            .split('@')
            .next()
            .filter(|tag| !tag.is_empty() && !tag.contains(':'))
            .unwrap_or("0")
            .to_owned(),
        _ => version,
    };
    let all: Vec<String> = all.into_iter().map(known).collect();
    if all.is_empty() { vec!["0".to_owned()] } else { all }
}

fn is_newest(thing: &Thing, version: &str) -> bool {
    let is_ahead = thing.statuses.iter().any(|line| line.status == "ahead");
    thing.latest.as_deref() == Some(version) || is_ahead && thing.running.len() <= 1
}

/// The newest version, or `word` where none is known.
fn latest(thing: &Thing, word: &str) -> String {
    thing.latest.clone().unwrap_or_else(|| word.to_owned())
}

fn image(_: &Product, thing: &Thing, version: &str) -> Labels {
    let (registry, name) = match thing.name.parse::<Repository>() {
        Ok(repository) => (repository.registry, repository.name),
        Err(_) => (String::new(), thing.name.clone()),
    };
    vec![
        ("image", name),
        ("latestVersion", latest(thing, "NOTFOUND")),
        ("registry", registry),
        ("version", version.to_owned()),
    ]
}

/// A release of helm is what a product is here.
fn chart(product: &Product, thing: &Thing, version: &str) -> Labels {
    let failed = |why: Silence| why != Silence::Missing;
    let word = match thing.statuses.iter().any(|line| line.silence.is_some_and(failed)) {
        true => "FAILURE",
        false => "NOTFOUND",
    };
    vec![
        ("chart", thing.short().to_owned()),
        ("latestVersion", latest(thing, word)),
        ("release", product.product.clone()),
        ("version", version.to_owned()),
    ]
}

fn tool(_: &Product, thing: &Thing, version: &str) -> Labels {
    let name = thing.name.split_once(':').map_or(thing.name.as_str(), |(_, name)| name);
    vec![("latestVersion", latest(thing, "")), ("tool", name.to_owned()), ("version", version.to_owned())]
}

#[cfg(test)]
#[path = "other_names_tests.rs"]
mod tests;
