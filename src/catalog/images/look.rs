//! Images in one tree, be it an object or the values of a chart: whole references and references in parts, by
//! the keys of [`super::keys`]. What only might be an image is none unless it reads as one: a cut asks a
//! registry for every one of them, and stops where one is not there.

use super::Image;
use super::keys::{self, DIGESTS, NAMES, Parts, TAGS, is_templated};
use crate::diag::Place;
use crate::model::image;
use crate::yaml::{Mapping, Node, Value};

/// Looks for images in a tree.
pub(super) struct Look<'f> {
    found: &'f mut Vec<Image>,
    /// Whether somebody else may put a tag behind a name that has none: in values a template may.
    is_completed: bool,
}

/// Where in a tree a value stands.
#[derive(Clone, Copy)]
struct At<'n> {
    key: &'n str,
    parent: &'n str,
    /// The registry for all images here.
    registry: Option<&'n str>,
}

impl Look<'_> {
    /// Looks through an object.
    pub fn through_object(node: &Node, found: &mut Vec<Image>) {
        Look { found, is_completed: false }.node(node, At { key: "", parent: "", registry: None });
    }

    /// Looks through values.
    pub fn through_values(node: &Node, found: &mut Vec<Image>) {
        Look { found, is_completed: true }.node(node, At { key: "", parent: "", registry: None });
    }

    fn node(&mut self, node: &Node, at: At<'_>) {
        match &node.value {
            Value::Sequence(items) => {
                for item in items {
                    self.child(item, None, At { key: "[]", parent: at.key, ..at });
                }
            }
            Value::Mapping(mapping) => {
                let at = At { registry: keys::registry_of(node).or(at.registry), ..at };
                let name = self.in_parts(mapping, at);
                for (key, child) in mapping.iter().filter(|(key, _)| Some(key.text.as_str()) != name) {
                    self.child(child, Some(mapping), At { key: &key.text, parent: at.key, ..at });
                }
            }
            _ => {}
        }
    }

    fn child(&mut self, child: &Node, mapping: Option<&Mapping>, at: At<'_>) {
        match &child.value {
            Value::String(text) if keys::is_image_key(at.key, at.parent) => {
                self.whole(text, &child.place, mapping, at);
            }
            _ => self.node(child, at),
        }
    }

    /// A reference of one scalar, with the digest that stands beside it. Under `image` it is one whatever it
    /// says; under other keys it has to be complete.
    fn whole(&mut self, text: &str, place: &Place, mapping: Option<&Mapping>, at: At<'_>) {
        // A picture has an address.
        let is_address = self.is_completed && text.contains("://");
        if is_address || is_templated(place) || !is_reference(text) {
            return;
        }
        let parts = Parts::of(text);
        let beside = || keys::digests_of(at.key).iter().find_map(|key| digest(mapping?, key));
        let beside = || beside().filter(|digest| image::is_digest(digest));
        let digest = if parts.digest.is_some() { None } else { beside() };
        let is_bare = parts.tag.is_none() && parts.digest.is_none() && digest.is_none();
        let reference = match digest {
            Some(digest) => format!("{text}@{digest}"),
            None => text.to_owned(),
        };
        let is_image = match at.key {
            "image" => true,
            _ => !is_bare && reference.parse::<image::Image>().is_ok(),
        };
        if is_image {
            let is_open = is_bare && self.is_completed;
            self.found.push(Image { reference, place: place.clone(), is_open });
        }
    }

    /// `{registry, repository, tag, digest}` as charts write images; returns the key that holds its name.
    fn in_parts(&mut self, mapping: &Mapping, at: At<'_>) -> Option<&'static str> {
        let said = |key: &str| mapping.get(key).and_then(keys::text_of).filter(|text| !text.is_empty());
        let written = |key: &str| mapping.get(key).is_some_and(|node| is_templated(&node.place));
        let scalars = NAMES.iter().chain(&["registry"]);
        // What a template writes of a name is not known here.
        if scalars.filter(|key| said(key).is_some()).any(|key| written(key)) {
            return None;
        }
        let names: Vec<(&'static str, String)> =
            NAMES.iter().filter_map(|key| Some((*key, said(key).filter(|name| is_name(name))?))).collect();
        let pinned = names.iter().find_map(|(_, name)| Parts::of(name).digest.map(str::to_owned));
        let bare: Vec<_> = names.iter().map(|(key, name)| (*key, Parts::of(name).name.to_owned())).collect();
        let (key, name) = keys::meant(&bare, said("registry").as_deref(), at.registry)?;
        let set = |key: &&&str| mapping.get(key).is_some_and(|node| node.value != Value::Null);
        let tag_key = TAGS.iter().find(set).copied();
        let tag = tag_key.filter(|key| !written(key)).and_then(said);
        let digest = DIGESTS.iter().take(4).find_map(|key| digest(mapping, key)).or(pinned);
        let is_one = match (tag_key, bare.as_slice()) {
            // A whole reference, which may say no tag.
            (None, [("image", _)]) => mapping.get("registry").is_some(),
            (None, _) => keys::is_marked(mapping),
            (Some("version"), _) => {
                keys::is_versioned(|key| mapping.get(key).is_some(), &name, (at.key, at.parent))
            }
            _ => true,
        };
        if !is_one {
            return None;
        }
        let is_open = tag.is_none() && digest.is_none();
        let place =
            tag.as_ref().and(tag_key).and_then(|key| mapping.get(key)).or_else(|| mapping.get(key))?;
        let tag = tag.map(|tag| format!(":{tag}")).unwrap_or_default();
        let digest = digest.map(|digest| format!("@{digest}")).unwrap_or_default();
        let reference = format!("{name}{tag}{digest}");
        // A version is no tag for sure, so it has to fit.
        if tag_key == Some("version") && reference.parse::<image::Image>().is_err() {
            return None;
        }
        self.found.push(Image { is_open, reference, place: place.place.clone() });
        Some(key)
    }
}

/// A digest beside an image; some charts write its digits alone.
fn digest(mapping: &Mapping, key: &str) -> Option<String> {
    let node = mapping.get(key).filter(|node| !is_templated(&node.place))?;
    let text = keys::text_of(node).filter(|text| !text.is_empty())?;
    let text = if text.contains(':') { text } else { format!("sha256:{text}") };
    // Others have checksums, too.
    (key == "digest" || image::is_digest(&text)).then_some(text)
}

/// Whether a text can be the name of an image in parts: one with a tag of its own is whole.
fn is_name(text: &str) -> bool {
    is_reference(text) && !text.contains("://") && Parts::of(text).tag.is_none()
}

/// Whether a text has the letters of a reference.
pub(super) fn is_reference(text: &str) -> bool {
    let inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '/' | ':' | '@' | '-');
    !text.is_empty() && text.chars().all(inner) && text.starts_with(|c: char| c.is_ascii_alphanumeric())
}
