//! Images in trees of values: references of one scalar, and references in parts (`repository` and `tag`).

use super::drafts::{Found, Target, Use};
use super::field::{Field, Open};
use super::reference::{Parts, Wanted, is_version};
use super::types::{Left, Part, Reason};
use crate::diag::Place;
use crate::yaml::edit::Way;
use crate::yaml::{Mapping, Node, Value};

/// Keys of a repository in an image of parts.
const NAMES: [&str; 4] = ["repository", "image", "imageRepository", "imageName"];
/// Keys of its tag, the usual one first.
const TAGS: [&str; 3] = ["tag", "imageTag", "version"];
/// Keys of its digest; `sha` has the digits alone.
const DIGESTS: [&str; 5] = ["digest", "imageDigest", "sha", "sha256", "digestChroot"];

/// The values beside those that are looked at, where a chart's and the product's lie over each other.
#[derive(Clone, Copy, Default)]
pub(super) struct Layers<'n> {
    /// Those below: what is not said here is said there.
    pub under: Option<&'n Node>,
    /// Those above: what is said there counts instead.
    pub over: Option<&'n Node>,
}

impl<'n> Layers<'n> {
    fn get(self, key: &str) -> Self {
        let at = |node: Option<&'n Node>| node.and_then(|node| node.get(key));
        Self { under: at(self.under), over: at(self.over) }
    }
}

/// Looks for an image in one document.
pub(super) struct Look<'a> {
    wanted: Wanted<'a>,
    registry: Option<String>,
    way: Way,
    field: String,
    found: &'a mut Found,
}

/// Where in a document a value stands.
#[derive(Clone)]
struct At<'a, 'n> {
    key: &'n str,
    parent: &'n str,
    layers: Layers<'n>,
    open: Open<'a>,
}

impl<'a> Look<'a> {
    /// Looks through the value behind a way; `field` is the way in words.
    pub fn through(
        wanted: Wanted<'a>,
        fields: &'a [Field],
        (way, field): (Way, &str),
        node: &Node,
        layers: Layers<'_>,
        found: &'a mut Found,
    ) {
        let kind = node.get("kind").and_then(Node::as_str);
        let at = At { key: "", parent: "", layers, open: Open::of(fields, kind) };
        let registry = [Some(node), layers.over, layers.under].into_iter().flatten().find_map(registry_of);
        let mut look = Self { wanted, registry, way, field: field.to_owned(), found };
        look.node(node, at);
    }

    fn node(&mut self, node: &Node, at: At<'_, '_>) {
        match &node.value {
            Value::Sequence(items) => {
                for (number, item) in items.iter().enumerate() {
                    // The items of a list of objects are objects of their own.
                    let at =
                        At { key: "[]", parent: at.key, layers: Layers::default(), open: at.open.items() };
                    self.step(number, &format!("[{number}]"), |look| look.node(item, at));
                }
            }
            Value::Mapping(mapping) => {
                let name = self.in_parts(mapping, at.layers);
                for (number, (key, child)) in mapping.iter().enumerate() {
                    if name.as_deref() == Some(key.text.as_str()) {
                        continue;
                    }
                    let key = key.text.as_str();
                    let at = At { key, parent: at.key, layers: at.layers.get(key), open: at.open.key(key) };
                    let dot = if self.field.is_empty() { "" } else { "." };
                    self.step(number, &format!("{dot}{key}"), |look| look.node(child, at));
                }
            }
            Value::String(text) if at.open.ends() || is_image_key(at.key, at.parent) => {
                self.whole(&node.place, text, at.open.ends());
            }
            _ => {}
        }
    }

    fn step(&mut self, number: usize, name: &str, inside: impl FnOnce(&mut Self)) {
        let length = self.field.len();
        self.way.steps.push(number);
        self.field.push_str(name);
        inside(self);
        self.way.steps.pop();
        self.field.truncate(length);
    }

    fn target(&self, place: &Place, text: &str) -> Target {
        let (way, field) = (Some(self.way.clone()), self.field.clone());
        Target { place: place.clone(), way, field, text: text.to_owned() }
    }

    /// The scalar of a key of the mapping where the look is.
    fn part(&self, mapping: &Mapping, key: &str) -> Option<Target> {
        let number = mapping.keys().position(|found| found == key)?;
        let node = mapping.get(key)?;
        let text = text_of(node)?;
        let mut target = self.target(&node.place, &text);
        if let Some(way) = &mut target.way {
            way.steps.push(number);
        }
        let dot = if self.field.is_empty() { "" } else { "." };
        target.field = format!("{}{dot}{key}", self.field);
        Some(target)
    }

    fn leave(&mut self, place: &Place, text: &str, reason: Reason) {
        self.found.left.push(Left::new(place, text, reason));
    }

    /// A reference of one scalar.
    fn whole(&mut self, place: &Place, text: &str, declared: bool) {
        if is_templated(place) {
            if self.wanted.is_hinted(place.text()) {
                self.leave(place, place.text(), Reason::Templated);
            }
            return;
        }
        if declared && is_version(text) && text.contains(|c: char| c.is_ascii_digit()) {
            self.found.uses.push(Use::bare(Part::Tag, self.target(place, text)));
            return;
        }
        match self.wanted.is(Parts::of(text).name) {
            Ok(true) => match Use::whole(self.target(place, text)) {
                Some(found) => self.found.uses.push(found),
                None => self.leave(place, text, Reason::NoVersion),
            },
            Ok(false) => {}
            Err(reason) => self.leave(place, text, reason),
        }
    }

    /// An image in parts, if the mapping is the wanted one; returns the key that holds its name.
    fn in_parts(&mut self, mapping: &Mapping, layers: Layers<'_>) -> Option<String> {
        let has = |keys: &[&str]| keys.iter().any(|key| mapping.get(key).is_some());
        if !has(&TAGS) && !has(&DIGESTS) && !has(&NAMES) {
            return None;
        }
        let below = |key: &str| layers.under.and_then(|under| under.get(key));
        let any =
            |key: &str| mapping.get(key).or_else(|| below(key)).and_then(text_of).filter(|t| !t.is_empty());
        let mut names: Vec<_> = NAMES.iter().filter_map(|key| Some((*key, any(key)?))).collect();
        // A reference with a tag of its own is whole.
        names.retain(|(_, name)| Parts::of(name).tag.is_none());
        let (key, name) = self.named(names, any("registry"))?;
        let set = |key: &&&str| mapping.get(key).is_some_and(|node| node.value != Value::Null);
        let tag =
            TAGS.iter().find(set).and_then(|key| self.part(mapping, key)).filter(|t| !t.text.is_empty());
        let mut digests: Vec<Target> = DIGESTS.iter().filter_map(|key| self.part(mapping, key)).collect();
        digests.retain(|digest| !digest.text.is_empty());
        let tag_below = TAGS.iter().find_map(|key| below(key).and_then(text_of)).filter(|t| !t.is_empty());
        let overridden = TAGS.iter().any(|key| layers.over.and_then(|over| over.get(key)).is_some());
        if let Err(reason) = name {
            if let Some(tag) = tag {
                self.leave(&tag.place, &tag.text, reason);
            }
            return Some(key);
        }
        let inherited = DIGESTS.iter().filter(|key| mapping.get(key).is_none()).filter_map(|key| below(key));
        let inherited = inherited.filter(|node| text_of(node).is_some_and(|text| !text.is_empty()));
        let inherited: Vec<Place> = inherited.map(|node| node.place.clone()).collect();
        match (tag, tag_below) {
            (Some(tag), _) if is_templated(&tag.place) => {
                self.leave(&tag.place, tag.place.text(), Reason::Templated);
            }
            (Some(tag), _) => {
                let found = Use { digests, inherited, overridden, ..Use::bare(Part::Tag, tag) };
                self.found.uses.push(found);
            }
            (None, Some(version)) if !digests.is_empty() => {
                let of_digest = digests.first().cloned()?;
                let bare = Use { target: None, version, digest: None, ..Use::bare(Part::Digest, of_digest) };
                self.found.uses.push(Use { digests, overridden, ..bare });
            }
            (None, Some(_)) => {}
            (None, None) => {
                self.found.untagged |= !overridden;
                let place = mapping.get(&key).filter(|_| !overridden).map(|node| node.place.clone());
                if let Some(place) = place {
                    self.leave(&place, place.text(), Reason::NoVersion);
                }
            }
        }
        Some(key)
    }

    /// Which of the names is the wanted one, or near to it; with the key that holds it.
    fn named(
        &self,
        mut names: Vec<(&'static str, String)>,
        registry: Option<String>,
    ) -> Option<(String, Result<bool, Reason>)> {
        let of = |wanted: &str| names.iter().find(|(key, _)| *key == wanted).map(|(_, name)| name);
        // `repository: nvcr.io/nvidia` with `image: driver`.
        if let (Some(folder), Some(image)) = (of("repository"), of("image")) {
            let joined = format!("{}/{image}", folder.trim_end_matches('/'));
            names.push(("image", joined));
        }
        let joined = |registry: &String| {
            let registry = registry.trim_end_matches('/');
            names.iter().map(|(key, name)| (*key, format!("{registry}/{name}"))).collect::<Vec<_>>()
        };
        let candidates = match (&registry, &self.registry) {
            (Some(own), _) => joined(own),
            // Whether a template puts it before names that have a registry is not known.
            (None, Some(global)) => joined(global).into_iter().chain(names.iter().cloned()).collect(),
            (None, None) => names.clone(),
        };
        let mut near = None;
        for (key, name) in candidates {
            match self.wanted.is(&name) {
                Ok(true) => return Some((key.to_owned(), Ok(true))),
                Ok(false) => {}
                Err(reason) => near = near.or(Some((key.to_owned(), Err(reason)))),
            }
        }
        near
    }
}

/// Whether a scalar under this key is an image by its name.
fn is_image_key(key: &str, parent: &str) -> bool {
    let ends = key.get(key.len().saturating_sub(5)..).is_some_and(|end| end.eq_ignore_ascii_case("image"));
    ends || parent == "images" || parent == "image" && key == "reference"
}

/// The registry that a chart's values say for all of its images.
fn registry_of(root: &Node) -> Option<String> {
    [&["global", "imageRegistry"][..], &["global", "image", "registry"], &["global", "registry"]]
        .iter()
        .find_map(|path| root.at(path).and_then(Node::as_str).filter(|text| !text.is_empty()))
        .map(str::to_owned)
}

/// A scalar's text: of a string what it says, of a number what is written; of nothing the empty text.
fn text_of(node: &Node) -> Option<String> {
    match &node.value {
        Value::String(text) => Some(text.clone()),
        Value::Integer(_) | Value::Unsigned(_) | Value::Float(_) => Some(node.place.text().to_owned()),
        Value::Null => Some(String::new()),
        _ => None,
    }
}

/// Whether a template writes (a part of) what stands at a place, or goes on right beside it.
pub(super) fn is_templated(place: &Place) -> bool {
    const OPEN: [&str; 3] = ["{{", "{%", "{#"];
    let text = place.source().text();
    let behind = text.get(place.end()..).unwrap_or_default();
    let before = text.get(..place.start()).unwrap_or_default();
    OPEN.iter().any(|mark| place.text().contains(mark) || behind.starts_with(mark))
        || ["%}", "#}"].iter().any(|mark| before.ends_with(mark))
}
