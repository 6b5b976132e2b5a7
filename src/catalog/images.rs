//! Image references as a product's files write them: in plain manifests, in templates as far as
//! they are literal, and in the values of charts with the product's defaults over them. What a
//! reference resolves to is for a registry client.

use crate::diag::{Finding, Findings, Place, codes};
use crate::model::DeployStep;
use crate::yaml::{self, Mapping, Node, Value};

use super::objects;
use super::part::Part;
use super::values::merge;

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
        collect(&object.node, &mut found);
    }
    for step in &part.spec().deploy {
        if let DeployStep::Helm(step) = &step.value {
            let values = match &step.values_from {
                None => part.spec().values.as_ref(),
                Some(path) => {
                    let path: Vec<&str> = path.value.split('.').collect();
                    part.spec().values.as_ref().and_then(|values| values.at(&path))
                }
            };
            of_chart(part, step.folder(), values, &mut found);
        }
    }
    found
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
    let own =
        part.source(&format!("{chart}/values.yaml")).and_then(|source| yaml::parse(&source).ok().flatten());
    let merged = match (own, values) {
        (Some(own), Some(values)) => Some(merge(&own, values)),
        (own, values) => own.or_else(|| values.cloned()),
    };
    if let Some(values) = merged {
        let before = found.len();
        collect(&values, found);
        for image in found.iter_mut().skip(before) {
            image.is_open = is_bare(&image.reference);
        }
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

fn collect(node: &Node, found: &mut Vec<Image>) {
    match &node.value {
        Value::Sequence(items) => items.iter().for_each(|item| collect(item, found)),
        Value::Mapping(mapping) => {
            for (key, value) in mapping.iter() {
                match (&value.value, key.text.as_str()) {
                    (Value::String(text), "image")
                        if is_reference(text) && !objects::is_templated(&value.place) =>
                    {
                        found.push(beside(text, value, mapping));
                    }
                    (Value::Mapping(parts), _) if parts.get("repository").is_some() => {
                        found.extend(in_parts(parts));
                        collect(value, found);
                    }
                    _ => collect(value, found),
                }
            }
        }
        _ => {}
    }
}

/// A reference, with the tag and the digest that stand beside it if it has none of its own.
fn beside(text: &str, value: &Node, mapping: &Mapping) -> Image {
    let bare = is_bare(text);
    let part = |key: &str| mapping.get(key).filter(|node| !objects::is_templated(&node.place));
    let written = |key: &str| part(key).and_then(Node::as_written).filter(|text| !text.is_empty());
    let (tag, digest) = (written("tag").filter(|_| bare), written("digest").filter(|_| bare));
    let place = if tag.is_some() { part("tag").map(|node| &node.place) } else { None };
    let reference = format!(
        "{text}{}{}",
        tag.map(|tag| format!(":{tag}")).unwrap_or_default(),
        digest.map(|digest| format!("@{digest}")).unwrap_or_default()
    );
    Image { reference, place: place.unwrap_or(&value.place).clone(), is_open: false }
}

/// Whether a reference has neither a tag nor a digest.
fn is_bare(reference: &str) -> bool {
    reference.rsplit('/').next().is_some_and(|name| !name.contains([':', '@']))
}

/// `{registry, repository, tag, digest}` as charts write images.
fn in_parts(parts: &Mapping) -> Option<Image> {
    let text = |key: &str| parts.get(key).and_then(Node::as_written).filter(|text| !text.is_empty());
    let repository = text("repository").filter(|r| is_reference(r) && !r.contains("://"))?;
    let has_part = ["tag", "digest", "registry", "pullPolicy"].iter().any(|key| parts.get(key).is_some());
    if !has_part {
        return None;
    }
    let registry = text("registry").map(|registry| format!("{registry}/")).unwrap_or_default();
    let tag = text("tag").map(|tag| format!(":{tag}")).unwrap_or_default();
    let digest = text("digest").map(|digest| format!("@{digest}")).unwrap_or_default();
    let place = parts.get("tag").or_else(|| parts.get("repository")).map(|node| node.place.clone())?;
    let reference = format!("{registry}{repository}{tag}{digest}");
    Some(Image { is_open: is_bare(&reference), reference, place })
}

fn is_reference(text: &str) -> bool {
    let inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '/' | ':' | '@' | '-');
    !text.is_empty() && text.chars().all(inner) && text.starts_with(|c: char| c.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::testing::catalog;
    use super::*;

    const PRODUCT: &str = "apiVersion: tidegate.dev/v1\nkind: Product\nmetadata: { name: agent }\nspec:\n  version: 1.0.0\n  \
        owner: team\n  deploy:\n    - manifests: { path: manifests }\n    - helm: { chart: chart, namespace: x }\n  values:\n    \
        image: { tag: \"2.0\" }\n";
    const DEPLOYMENT: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: a }\nspec:\n  template:\n    spec:\n      \
        containers:\n        - image: agent:1.0\n      initContainers:\n        - image: init@sha256:00\n";
    const TEMPLATE: &str = "{% if a %}\napiVersion: v1\nkind: Pod\nmetadata: { name: {{ n }} }\nspec:\n  containers:\n    \
        - image: side:1\n    - image: {{ values.image }}\n{% endif %}\n";

    #[test]
    fn images_are_found_in_manifests_templates_and_charts() {
        let catalog = catalog(&[
            ("products/agent/product.yaml", PRODUCT),
            ("products/agent/manifests/a.yaml", DEPLOYMENT),
            ("products/agent/manifests/b.yaml.j2", TEMPLATE),
            ("products/agent/chart/values.yaml", "image: { repository: org/chart, tag: 1.9 }\n"),
            (
                "products/agent/chart/templates/x.yaml",
                "  - image: \"busybox:1\" # why\n  - image: {{ .Values.x }}\n",
            ),
        ]);
        let product = catalog.products.values().next().unwrap();
        let (images, warnings) = product.with_part(|part| (of(&part), without_digest(&part)));
        let found: Vec<String> = images.iter().map(|i| format!("{} {}", i.reference, i.place)).collect();
        assert_eq!(
            found,
            [
                "agent:1.0 products/agent/manifests/a.yaml:8:18",
                "init@sha256:00 products/agent/manifests/a.yaml:10:18",
                "side:1 products/agent/manifests/b.yaml.j2:7:14",
                "org/chart:2.0 products/agent/product.yaml:11:19",
                "busybox:1 products/agent/chart/templates/x.yaml:1:13",
            ]
        );
        assert_eq!(warnings.len(), 4);
    }
}
