//! Image references as a product's files write them: in plain manifests, in templates as far as
//! they are literal, and in the values of charts with the product's defaults over them. What a
//! reference resolves to is for a registry client.

pub(crate) mod keys;
mod look;

use std::collections::HashSet;

use crate::diag::{Finding, Findings, Place, codes};
use crate::model::DeployStep;
use crate::yaml::{Node, Value};

use self::look::{Look, is_reference};
use super::charts;
use super::objects;
use super::part::Part;

/// An image as some file names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Image {
    /// `NAME`, `NAME:TAG`, `NAME:TAG@DIGEST` or `NAME@DIGEST`.
    pub reference: String,
    /// Where it stands; of an image in parts, its tag.
    pub place: Place,
    /// Whether it is a part: something else (a chart, an operator) puts a tag behind it, and which is not said.
    pub is_open: bool,
}

/// Every image of a product, in order of files, once for each place.
pub(crate) fn of(part: &Part<'_>) -> Vec<Image> {
    let mut found = Vec::new();
    for object in objects::of(part).0 {
        Look::through_object(&object.node, &mut found);
    }
    let mut others = part.spec().values.clone();
    for step in &part.spec().deploy {
        let DeployStep::Helm(step) = &step.value else { continue };
        let path: Vec<&str> =
            step.values_from.as_ref().map(|path| path.value.split('.').collect()).unwrap_or_default();
        let given = part.spec().values.as_ref().and_then(|values| values.at(&path));
        of_chart(part, step.folder(), given, &mut found);
        others = others.and_then(|values| without(values, &path));
    }
    // Those that no chart gets are for templates.
    if let Some(values) = others {
        Look::through_values(&values, &mut found);
    }
    let mut known = HashSet::new();
    found.retain(|image| {
        let Image { place, reference, .. } = image;
        known.insert((place.file().to_owned(), place.start(), place.end(), reference.clone()))
    });
    found
}

/// Values without those at a path.
fn without(mut values: Node, path: &[&str]) -> Option<Node> {
    let (first, rest) = path.split_first()?;
    if let Value::Mapping(mapping) = &mut values.value {
        let key = mapping.iter().map(|(key, _)| key).find(|key| key.text == *first).cloned();
        let below = mapping.remove(first).and_then(|below| without(below, rest));
        if let (Some(key), Some(below)) = (key, below) {
            mapping.insert(key, below);
        }
    }
    Some(values)
}

/// Warnings about images whose reference has no digest.
pub(crate) fn without_digest(part: &Part<'_>) -> Findings {
    of(part)
        .into_iter()
        .filter(|image| !image.reference.contains("@sha256:"))
        .map(|image| {
            Finding::warning(
                &codes::IMAGE_WITHOUT_DIGEST,
                format!("the image `{}` has no digest", image.reference),
            )
            .at(&image.place)
            .label("what this tag names may change")
        })
        .collect()
}

fn of_chart(part: &Part<'_>, chart: &str, values: Option<&Node>, found: &mut Vec<Image>) {
    if let Some(values) = charts::laid(charts::values(part.tree, part.folder, chart).as_ref(), values) {
        Look::through_values(&values, found);
    }
    let templates = format!("{chart}/templates");
    for path in part.files_at(&templates) {
        if let Some(source) = part.source(path) {
            for line in 1..=u32::try_from(source.lines()).unwrap_or(u32::MAX) {
                found.extend(literal_image(&source, line));
            }
        }
    }
}

/// `image: NAME` on a line of a chart's template, if no expression is in it.
fn literal_image(source: &std::sync::Arc<crate::diag::Source>, line: u32) -> Option<Image> {
    let range = source.line_range(line);
    let text = source.text().get(range.clone())?;
    let bare = text.trim_start().trim_start_matches("- ").trim_start();
    let value = bare.strip_prefix("image:")?.split(" #").next()?.trim().trim_matches(['"', '\'']);
    if !is_reference(value) {
        return None;
    }
    let start = range.start + text.find(value)?;
    let place = Place::new(source, start, start + value.len());
    Some(Image { reference: value.to_owned(), place, is_open: false })
}

#[cfg(test)]
#[path = "images/tests.rs"]
mod tests;
