//! The objects of a `manifests` step (and of a Job test): which files of the folder are read, in
//! which order, and where each object and each mistake stands in what a person wrote.

use std::sync::Arc;

use super::context::Context;
use super::object::RenderedObject;
use super::template::{Templates, Text, line, shown};
use crate::diag::{Finding, Findings, Place, Source, codes};
use crate::model::{Tree, secrets};
use crate::yaml::{self, Manifest};

/// The format number of our own rendering, for inputs digests. It rises only when the same files
/// and values give other objects than before.
pub const FORMAT: u32 = 1;

/// What a file of a folder is to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sort {
    Plain,
    Template,
}

fn sort(path: &str) -> Option<Sort> {
    let name = path.rsplit('/').next().unwrap_or(path);
    let kind = |name: &str| {
        [".yaml", ".yml", ".json"].iter().any(|end| name.len() > end.len() && name.ends_with(end))
    };
    match name.strip_suffix(".j2") {
        Some(inner) if kind(inner) => Some(Sort::Template),
        None if kind(name) => Some(Sort::Plain),
        _ => None,
    }
}

/// The files that a path names, in byte order of paths.
fn files<'a>(tree: &'a Tree, path: &'a str) -> Vec<(&'a str, Sort)> {
    let path = path.trim_start_matches("./").trim_end_matches('/');
    let path = if path == "." { "" } else { path };
    if tree.get(path).is_some() {
        return sort(path).map(|sort| (path, sort)).into_iter().collect();
    }
    tree.below(path).filter_map(|(path, _)| Some((path, sort(path)?))).collect()
}

/// Renders a file, or a folder recursively, of a product's folder.
///
/// `folder` is how the product's folder is called in findings; `namespace` is that of objects of
/// namespaced kinds that name none.
///
/// # Errors
/// Every mistake: no manifests at the path, templates that fail, text that is no object, literal
/// secrets. Secrets of the context are masked in them.
pub fn manifests(
    tree: &Tree,
    folder: &str,
    path: &str,
    namespace: Option<&str>,
    context: &Context,
) -> Result<Vec<RenderedObject>, Findings> {
    let templates = Templates::new(tree, folder);
    let files = files(tree, path);
    let mut findings = Findings::new();
    if files.is_empty() {
        findings.push(Finding::error(
            &codes::NO_MANIFESTS,
            format!("`{}` holds no manifests", shown(folder, path)),
        ));
    }
    let mut objects = Vec::new();
    for (path, sort) in files {
        let read = match sort {
            Sort::Plain => plain(tree, folder, path),
            Sort::Template => template(&templates, path, context),
        };
        match read {
            Ok(found) => objects.extend(found.into_iter().map(|(object, place)| RenderedObject {
                origin: format!("{path}:{}", place.line()),
                object,
                namespace: namespace.map(str::to_owned),
                place,
            })),
            Err(wrong) => findings.extend(wrong),
        }
    }
    findings.into_result(objects)
}

type Objects = Vec<(serde_json::Value, Place)>;

fn plain(tree: &Tree, folder: &str, path: &str) -> Result<Objects, Findings> {
    let Some(file) = tree.get(path) else { return Ok(Vec::new()) };
    let source = Source::from_bytes(shown(folder, path), file.bytes.to_vec())?;
    objects(yaml::manifests(&source)?, &|_| false)
}

fn objects(manifests: Vec<Manifest>, from_template: &dyn Fn(&Place) -> bool) -> Result<Objects, Findings> {
    let mut findings = Findings::new();
    for manifest in &manifests {
        findings.extend(secrets::in_manifest(&manifest.node, from_template));
    }
    findings.into_result(manifests.into_iter().map(|manifest| (manifest.object, manifest.place)).collect())
}

fn template(templates: &Templates<'_>, path: &str, context: &Context) -> Result<Objects, Findings> {
    let text = templates.render(path, context)?;
    let rendered = Source::new(path, text.text.clone());
    let back = |place: &Place| origin(templates, path, &text, place);
    let from_template = |place: &Place| text.trace.was_written(place.start()..place.end());
    match yaml::manifests(&rendered).and_then(|manifests| objects(manifests, &from_template)) {
        Ok(objects) => Ok(objects.into_iter().map(|(object, place)| (object, back(&place))).collect()),
        Err(findings) => {
            let mut mapped = Findings::new();
            for mut finding in findings {
                finding.message = context.mask().hide(&finding.message);
                finding.label = finding.label.map(|label| context.mask().hide(&label));
                finding.hints = finding.hints.iter().map(|hint| context.mask().hide(hint)).collect();
                finding.place = finding.place.map(|place| back(&place)).filter(|place| !place.is_none());
                for (place, _) in &mut finding.related {
                    *place = back(place);
                }
                finding.related.retain(|(place, _)| !place.is_none());
                mapped.push(
                    finding.hint("this is about what the template renders to with this cluster's values"),
                );
            }
            Err(mapped)
        }
    }
}

/// The place in a template that a place in its rendering comes from: the same text on the same
/// line if it stands there, else the line.
fn origin(templates: &Templates<'_>, path: &str, text: &Text, place: &Place) -> Place {
    let (name, number) = text.trace.line(place.line()).unwrap_or((path, 1));
    let Some(source) = templates.source(name) else { return Place::none() };
    let whole = line(&source, number);
    let first = place.text().lines().next().unwrap_or_default().trim_end();
    let written = text.trace.was_written(place.start()..place.start() + first.len());
    match whole.text().find(first) {
        Some(at) if !first.is_empty() && !written => exact(&source, whole.start() + at, first.len(), place),
        _ => whole,
    }
}

/// Keeps what is masked masked.
fn exact(source: &Arc<Source>, start: usize, length: usize, place: &Place) -> Place {
    let found = Place::new(source, start, start + length);
    // A literal secret's excerpt shows `***` for it; every other place is not masked.
    let masked = !place.excerpt().contains(place.text().lines().next().unwrap_or_default());
    if masked { found.masked() } else { found }
}

#[cfg(test)]
#[path = "manifests_tests.rs"]
mod tests;
