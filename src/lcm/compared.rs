//! What two packages of a chart differ in, to a product that uses it: definitions of resources, keys of
//! values, and what both render to with the product's values. Packages and renderings are arguments; what is
//! kept of them is a bounded list of differences.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::changes::package::Package;
use super::changes::{Changes, Found, Own, apis, crd, served, values};
use crate::json::text;
use crate::version::KubeMinor;

/// What two versions of a chart differ in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Compared {
    /// The version in use.
    pub from: String,
    /// The newer one.
    pub to: String,
    /// What was found; what could not be compared is among its notes.
    pub found: Found,
}

/// Two packages of a chart.
#[derive(Debug, Clone, Copy)]
pub struct Pair<'p> {
    /// That of the version in use.
    pub old: &'p Package,
    /// That of the newer one.
    pub new: &'p Package,
    /// The newer version.
    pub newest: &'p str,
}

/// What came of rendering a chart.
#[derive(Debug, Clone)]
pub enum Rendering {
    /// Its objects.
    Objects(Vec<Value>),
    /// The chart or the values are wrong, and how.
    Refused(String),
    /// It could not be tried, and why.
    Untried(String),
}

/// Renderings of both versions with the same values.
#[derive(Debug, Clone)]
pub struct Renderings {
    /// Of the version in use.
    pub old: Rendering,
    /// Of the newer one, for versions of Kubernetes in use; the first is that of the old one.
    pub new: Vec<(KubeMinor, Rendering)>,
}

impl Compared {
    /// Keeps of what was found as much as is shown.
    pub fn of(from: &str, to: &str, found: Found) -> Self {
        let Changes { changes, evidence, security, cut, notes, .. } = Changes::of([found]);
        let found = Found { changes, evidence, security, cut, notes };
        Self { from: from.to_owned(), to: to.to_owned(), found }
    }

    /// What was read from a file, made fit to be shown.
    pub fn cleaned(self) -> Self {
        Self { found: self.found.cleaned(), ..self }
    }

    /// Packages that could not be compared.
    pub fn failed(from: &str, to: &str, why: impl Into<String>) -> Self {
        Self::of(from, to, Found { notes: vec![why.into()], ..Found::default() })
    }
}

impl Pair<'_> {
    /// What the files differ in; `own` is what the product sets.
    pub fn files(&self, own: &Own) -> Found {
        let Self { old, new, newest } = *self;
        let mut all = vec![crd::between(&old.crds, &new.crds, newest)];
        // What can't be read is not empty.
        let is_read =
            |one: &Package| !one.notes.iter().any(|note| note.contains("values.yaml` can't be read"));
        if is_read(old) && is_read(new) {
            all.push(values::between(&old.values, &new.values).found(newest, Some(own)));
        }
        if let (Some(old), Some(schema)) = (&old.schema, &new.schema) {
            all.push(values::schemas(old, schema, &new.values, Some(own)));
        }
        for package in [old, new] {
            let version = text(&package.chart, "/version");
            let notes = package.notes.iter().map(|note| format!("the package of {version}: {note}"));
            all.push(Found { notes: notes.collect(), ..Found::default() });
        }
        all.into_iter().collect()
    }

    /// What both render to differs in. `provides` are the APIs of other products, as `GROUP/VERSION` or
    /// `GROUP/VERSION/KIND`.
    pub fn renderings(&self, renderings: &Renderings, provides: &[String]) -> Found {
        let mut all: Vec<Found> = Vec::new();
        let mut notes: Vec<String> = Vec::new();
        if let Rendering::Refused(why) | Rendering::Untried(why) = &renderings.old {
            notes.push(format!("the version in use can't be rendered with the product's values: {why}"));
        }
        for (kubernetes, new) in &renderings.new {
            match new {
                Rendering::Objects(objects) => all.push(served::absent(objects, *kubernetes)),
                Rendering::Untried(why) => {
                    notes
                        .push(format!("{} was not rendered for Kubernetes {kubernetes}: {why}", self.newest));
                }
                // If the old one is refused too, the values are not what it is about.
                Rendering::Refused(why) if matches!(renderings.old, Rendering::Objects(_)) => {
                    all.push(Found::refused(why));
                }
                Rendering::Refused(why) => {
                    notes.push(format!(
                        "{} can't be rendered for Kubernetes {kubernetes}: {why}",
                        self.newest
                    ));
                }
            }
        }
        if let (Rendering::Objects(old), Some((_, Rendering::Objects(new)))) =
            (&renderings.old, renderings.new.first())
        {
            let mut difference = apis::between(old, new);
            difference.foreign.retain(|api| !is_provided(api, provides));
            all.push(difference.found());
            // Those below `crds/` were compared with the files.
            all.push(crd::between(&beside(old, self.old), &beside(new, self.new), self.newest));
        }
        all.push(Found { notes, ..Found::default() });
        all.into_iter().collect()
    }
}

/// The definitions among objects that are not files of the package.
fn beside(objects: &[Value], package: &Package) -> Vec<Value> {
    let name = |object: &Value| text(object, "/metadata/name").to_owned();
    let files: std::collections::BTreeSet<String> = package.crds.iter().map(name).collect();
    let is_definition = |object: &&Value| text(object, "/kind") == "CustomResourceDefinition";
    objects.iter().filter(is_definition).filter(|object| !files.contains(&name(object))).cloned().collect()
}

fn is_provided(api: &apis::Api, provides: &[String]) -> bool {
    let version = match api.group.as_str() {
        "" => api.version.clone(),
        group => format!("{group}/{}", api.version),
    };
    provides
        .iter()
        .any(|one| *one == version || one.strip_prefix(&version) == Some(&format!("/{}", api.kind)))
}

#[cfg(test)]
#[path = "compared_tests.rs"]
mod tests;
