//! The images of a release: which of them its products declare, which digests a lock fixes, and whether what
//! a lock of format 2 says of them is well formed. What a tag names is for a registry to say.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::diag::{Finding, Findings, Place, codes};
use crate::model::image::{Image, is_digest};
use crate::model::{Lane, Lock, ProductName, ReleaseFile, ReleaseId};
use crate::yaml::Node;

use super::super::product::Content;
use super::super::{Catalog, Loaded, images};
use super::cut::Tagged;
use super::verify::tampered;

/// The images that products declare, each with the products and places that do, in their order.
pub type DeclaredImages = BTreeMap<Image, Vec<(ProductName, Place)>>;

/// The images that a product's content declares by a tag alone: what a lock of format 2 has digests for.
pub fn by_tag(content: &Content) -> BTreeSet<Image> {
    let folder = folder(&content.file.metadata.name.value);
    let (known, _) = read(content, &folder);
    known.into_iter().map(|(image, _)| image).filter(|image| image.digest.is_none()).collect()
}

/// The images of a release's contents. Findings are about references that nobody can ask a registry about.
pub(super) fn declared(tagged: &BTreeMap<ProductName, Tagged>) -> (DeclaredImages, Findings) {
    let mut all = DeclaredImages::new();
    let mut findings = Findings::new();
    for (name, tagged) in tagged {
        let (known, wrong) = read(&tagged.content, &folder(name));
        for (image, place) in known {
            all.entry(image).or_default().push((name.clone(), place));
        }
        findings.extend(wrong);
    }
    (all, findings)
}

fn folder(name: &ProductName) -> String {
    format!("products/{name}")
}

fn read(content: &Content, folder: &str) -> (Vec<(Image, Place)>, Findings) {
    let mut known = Vec::new();
    let mut findings = Findings::new();
    for found in images::of(&content.part(folder)) {
        match found.reference.parse::<Image>() {
            _ if found.is_open => findings.push(
                Finding::warning(
                    &codes::IMAGE_WITHOUT_TAG,
                    format!("`{}` has no tag here, so its digest can't be fixed", found.reference),
                )
                .at(&found.place)
                .label("the chart puts one behind it"),
            ),
            Ok(image) => known.push((image, found.place)),
            Err(error) => {
                findings.push(Finding::error(&codes::IMAGE_UNRESOLVED, error.to_string()).at(&found.place))
            }
        }
    }
    (known, findings)
}

/// The digests that a hotfix takes over: those of its parent. An urgent change moves nothing that it is not
/// about.
pub(super) fn inherited(catalog: &Catalog, id: &ReleaseId) -> BTreeMap<Image, String> {
    let spec = catalog.releases.get(id).map(|loaded| &loaded.spec);
    let hotfix = spec.filter(|spec| spec.lane.value == Lane::Hotfix);
    hotfix
        .and_then(|spec| catalog.releases.get(&spec.parent.as_ref()?.value))
        .and_then(|parent| parent.file.lock.as_ref())
        .map(|lock| lock.value.image_digests())
        .unwrap_or_default()
}

/// An image that a hotfix names and its parent did not fix, where nobody is asked for its digest.
pub(super) fn unfixed(id: &ReleaseId, image: &Image, at: &[(ProductName, Place)]) -> Finding {
    let message = format!("`{image}` is new in the hotfix `{id}`, and its digest is not known");
    let mut finding = Finding::error(&codes::IMAGES_NOT_FIXED, message);
    if let Some(((_, place), others)) = at.split_first() {
        finding = finding.at(place).label("the release that it mends did not fix this");
        for (_, other) in others {
            finding = finding.related(other, "and this");
        }
    }
    finding
        .hint("nothing was written: all that the parent fixed would name tags again")
        .next(format!("tidegate release cut {id} --resolve-images"))
}

/// Images as a lock of format 2 has them: what a tag named with the tag, what a file fixed itself without one,
/// so that no tag is there twice.
pub(super) fn written(declared: &DeclaredImages, digests: &BTreeMap<Image, String>) -> Vec<String> {
    let with = |image: &Image| match (&image.digest, digests.get(image)) {
        (None, Some(digest)) => format!("{image}@{digest}"),
        (Some(_), _) => Image { tag: None, ..image.clone() }.to_string(),
        (None, None) => image.to_string(),
    };
    let all: BTreeSet<String> = declared.keys().map(with).collect();
    all.into_iter().collect()
}

/// Whether a lock has the digests of these images and of no others. One that an earlier program wrote may lack
/// some: it knew fewer forms of them.
pub(super) fn is_of(lock: &Lock, declared: &DeclaredImages) -> bool {
    let all: BTreeSet<String> = written(declared, &lock.image_digests()).into_iter().collect();
    let is_declared = |image: &String| all.contains(image);
    lock.format == Lock::WITH_DIGESTS && !lock.images.is_empty() && lock.images.iter().all(is_declared)
}

/// What is wrong with the images of a lock of format 2: one without a digest, in another order or form than
/// this program writes, one tag with two digests.
pub(super) fn form(id: &ReleaseId, loaded: &Loaded<ReleaseFile>, lock: &Lock) -> Findings {
    let nodes = loaded.node.at(&["lock", "images"]).and_then(Node::as_sequence).unwrap_or_default();
    let name = &loaded.metadata.name.place;
    let place = |index: usize| nodes.get(index).map_or(name, |node| &node.place);
    let mut findings = Findings::new();
    if lock.images.is_empty() {
        let message = format!("the lock of `{id}` has format {} and no images", lock.format);
        findings.push(tampered(id, message).at(place(0)));
    }
    let mut tags: BTreeMap<Image, usize> = BTreeMap::new();
    for (index, text) in lock.images.iter().enumerate() {
        let is_later =
            index.checked_sub(1).and_then(|before| lock.images.get(before)).is_none_or(|b| b < text);
        let read = text.parse::<Image>().ok().filter(|image| image.to_string() == *text);
        let fixed = read.filter(|image| image.digest.as_deref().is_some_and(is_digest));
        match fixed {
            None => findings.push(
                tampered(id, format!("`{text}` is no image with its digest"))
                    .at(place(index))
                    .label("expected REGISTRY/NAME:TAG@sha256:DIGEST, with the full name"),
            ),
            Some(_) if !is_later => findings.push(
                tampered(id, format!("the images in the lock of `{id}` are not sorted")).at(place(index)),
            ),
            Some(image) if image.tag.is_some() => {
                let tag = Image { digest: None, ..image };
                if let Some(other) = tags.get(&tag) {
                    let message = format!("the lock of `{id}` has two digests of `{tag}`");
                    findings
                        .push(tampered(id, message).at(place(index)).related(place(*other), "the other one"));
                }
                tags.insert(tag, index);
            }
            Some(_) => {}
        }
    }
    findings
}

/// An image that two locks fix otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ImageChange {
    /// The image, with its tag.
    pub image: String,
    /// What the tag named for the earlier release; absent if that has no such image.
    pub from: Option<String>,
    /// What it named for the later one.
    pub to: Option<String>,
}

/// The images that differ between two locks, in order; nothing unless both have digests.
pub(super) fn changes(from: Option<&Lock>, to: Option<&Lock>) -> Vec<ImageChange> {
    let fixed = |lock: Option<&Lock>| lock.map(Lock::image_digests).filter(|digests| !digests.is_empty());
    let (Some(old), Some(new)) = (fixed(from), fixed(to)) else { return Vec::new() };
    let images: BTreeSet<&Image> = old.keys().chain(new.keys()).collect();
    let change = |image: &Image| ImageChange {
        image: image.to_string(),
        from: old.get(image).cloned(),
        to: new.get(image).cloned(),
    };
    images.into_iter().filter(|image| old.get(*image) != new.get(*image)).map(change).collect()
}
