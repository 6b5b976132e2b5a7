//! Images in trees of values: references of one scalar, and references in parts (`repository` and `tag`).

use super::drafts::{Found, Target, Use};
use super::field::{Field, Open};
use super::reference::{Wanted, is_version};
use super::trail::Trail;
use super::types::{Left, Part, Reason};
use crate::catalog::images::keys::{
    self, DIGESTS, NAMES, Parts, TAGS, digests_of, is_image_key, is_templated, registry_of, text_of,
};
use crate::diag::Place;
use crate::yaml::edit::Way;
use crate::yaml::{Mapping, Node, Value};

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

/// What stands beside a version and belongs to it.
#[derive(Default)]
struct Beside {
    /// Its digests.
    digests: Vec<Target>,
    /// Digests that go on counting here, and stand elsewhere.
    inherited: Vec<Place>,
}

impl Beside {
    fn is_templated(&self) -> bool {
        self.digests.iter().any(|digest| is_templated(&digest.place))
    }
}

/// Looks for an image in one document.
pub(super) struct Look<'a> {
    wanted: Wanted<'a>,
    trail: Trail,
    found: &'a mut Found,
}

/// Where in a document a value stands.
#[derive(Clone)]
struct At<'a, 'n> {
    key: &'n str,
    parent: &'n str,
    layers: Layers<'n>,
    /// The registry for all images here.
    registry: Option<&'n str>,
    open: Open<'a>,
}

impl<'a> Look<'a> {
    /// Looks through the value behind a way; `behind` is the way, and the same in words.
    pub fn through(
        wanted: Wanted<'a>,
        fields: &'a [Field],
        behind: (Way, &str),
        node: &Node,
        layers: Layers<'_>,
        found: &'a mut Found,
    ) {
        let kind = node.get("kind").and_then(Node::as_str);
        let at = At { key: "", parent: "", layers, registry: None, open: Open::of(fields, kind) };
        let mut look = Self { wanted, trail: Trail::behind(behind), found };
        look.node(node, at, Beside::default());
    }

    /// `beside` is what the mapping around a reference says of its digest.
    fn node(&mut self, node: &Node, at: At<'_, '_>, beside: Beside) {
        match &node.value {
            Value::Sequence(items) => {
                for (number, item) in items.iter().enumerate() {
                    // The items of a list of objects are objects of their own.
                    let (layers, open) = (Layers::default(), at.open.items());
                    let at = At { key: "[]", parent: at.key, layers, registry: at.registry, open };
                    let mark = self.trail.item(number);
                    self.node(item, at, Beside::default());
                    self.trail.back(mark);
                }
            }
            Value::Mapping(mapping) => {
                let all = [at.layers.over, Some(node), at.layers.under];
                let registry = all.into_iter().flatten().find_map(registry_of).or(at.registry);
                let at = At { registry, ..at };
                let name = self.in_parts(mapping, &at);
                for (number, (key, child)) in mapping.iter().enumerate() {
                    if name.as_deref() == Some(key.text.as_str()) {
                        continue;
                    }
                    let key = key.text.as_str();
                    let open = at.open.key(key);
                    let beside = match &child.value {
                        Value::String(text)
                            if open.ends() || self.wanted.is(Parts::of(text).name) == Ok(true) =>
                        {
                            self.beside(mapping, at.layers, &digests_of(key))
                        }
                        _ => Beside::default(),
                    };
                    let at = At { key, parent: at.key, layers: at.layers.get(key), open, ..at };
                    let mark = self.trail.key(number, key);
                    self.node(child, at, beside);
                    self.trail.back(mark);
                }
            }
            Value::String(text) if at.open.ends() || is_image_key(at.key, at.parent) => {
                self.whole(&node.place, text, at.open.ends(), beside);
            }
            _ => {}
        }
    }

    /// The scalar of a key of the mapping where the look is.
    fn part(&mut self, mapping: &Mapping, key: &str) -> Option<Target> {
        let number = mapping.keys().position(|found| found == key)?;
        let node = mapping.get(key)?;
        Some(self.trail.below(number, key, &node.place, text_of(node)?))
    }

    fn leave(&mut self, place: &Place, text: &str, reason: Reason) {
        self.found.left.push(Left::new(place, text, reason));
    }

    /// The digests of a version in a mapping, under these keys, and those that the values below it have.
    fn beside(&mut self, mapping: &Mapping, layers: Layers<'_>, keys: &[String]) -> Beside {
        let mut digests: Vec<Target> = keys.iter().filter_map(|key| self.part(mapping, key)).collect();
        digests.retain(|digest| !digest.text.is_empty());
        let unsaid = keys.iter().filter(|key| mapping.get(key).is_none());
        let below = unsaid.filter_map(|key| layers.under.and_then(|under| under.get(key)));
        let inherited = below.filter(|node| text_of(node).is_some_and(|text| !text.is_empty()));
        Beside { digests, inherited: inherited.map(|node| node.place.clone()).collect() }
    }

    /// A reference of one scalar.
    fn whole(&mut self, place: &Place, text: &str, declared: bool, beside: Beside) {
        if is_templated(place) {
            if self.wanted.is_hinted(place.text()) {
                self.leave(place, place.text(), Reason::Templated);
            }
            return;
        }
        let target = self.trail.target(place, text);
        let found = if declared && is_version(text) && text.contains(|c: char| c.is_ascii_digit()) {
            Some(Use::bare(Part::Tag, target))
        } else {
            match self.wanted.is(Parts::of(text).name) {
                Ok(true) => Use::whole(target),
                Ok(false) => return,
                Err(reason) => return self.leave(place, text, reason),
            }
        };
        match found {
            Some(_) if beside.is_templated() => self.leave(place, text, Reason::Templated),
            Some(found) => {
                let Beside { digests, inherited } = beside;
                self.found.uses.push(Use { digests, inherited, ..found });
            }
            None => self.leave(place, text, Reason::NoVersion),
        }
    }

    /// An image in parts, if the mapping is the wanted one; returns the key that holds its name.
    fn in_parts(&mut self, mapping: &Mapping, at: &At<'_, '_>) -> Option<String> {
        let layers = at.layers;
        let has = |keys: &[&str]| keys.iter().any(|key| mapping.get(key).is_some());
        if !has(&TAGS) && !has(&DIGESTS) && !has(&NAMES) {
            return None;
        }
        let below = |key: &str| layers.under.and_then(|under| under.get(key));
        let said = |key: &str| mapping.get(key).or_else(|| below(key));
        let any = |key: &str| said(key).and_then(text_of).filter(|text| !text.is_empty());
        // A reference with a tag of its own is whole.
        let is_bare = |(_, name): &(&str, String)| Parts::of(name).tag.is_none();
        let named = |key: &'static str| Some((key, any(key)?));
        let names: Vec<_> = NAMES.into_iter().filter_map(named).filter(is_bare).collect();
        // What stands above names it instead, and may leave the tag to this.
        let above = |key: &str| layers.over.and_then(|over| over.get(key));
        let counts =
            |key: &str| above(key).or_else(|| said(key)).and_then(text_of).filter(|text| !text.is_empty());
        let renamed = NAMES.into_iter().filter_map(|key| Some((key, counts(key)?))).filter(is_bare);
        // What a template writes is no name: only what is literal in it tells.
        let mut written = NAMES.iter().chain(&["registry"]).filter_map(|key| mapping.get(key));
        if !names.is_empty() && written.any(|node| node.is_scalar() && is_templated(&node.place)) {
            return self.written_name(mapping);
        }
        // With a digest in the name it is the same image; the digest is no part that a bump could set.
        let pinned = |key: &str| any(key).is_some_and(|name| Parts::of(&name).digest.is_some());
        let bare = |(key, name): (&'static str, String)| (key, Parts::of(&name).name.to_owned());
        let (names, renamed) = (names.into_iter().map(bare).collect(), renamed.map(bare).collect());
        let mut candidates = keys::candidates(names, any("registry").as_deref(), at.registry);
        candidates.extend(keys::candidates(renamed, counts("registry").as_deref(), at.registry));
        let (key, name) = self.named(&candidates)?;
        let set = |key: &&&str| mapping.get(key).is_some_and(|node| node.value != Value::Null);
        let is_said = |key: &str| above(key).or_else(|| said(key)).is_some();
        let is_one = |(_, name): &(_, String)| keys::is_versioned(is_said, name, (at.key, at.parent));
        // The version of something else that is kept in a repository.
        if TAGS.iter().find(set) == Some(&"version") && !candidates.iter().any(is_one) {
            return None;
        }
        let tag =
            TAGS.iter().find(set).and_then(|key| self.part(mapping, key)).filter(|t| !t.text.is_empty());
        let tag_below = TAGS.iter().find_map(|key| below(key).and_then(text_of)).filter(|t| !t.is_empty());
        let overridden = TAGS.iter().any(|key| layers.over.and_then(|over| over.get(key)).is_some());
        if let Err(reason) = name {
            if let Some(tag) = tag {
                self.leave(&tag.place, &tag.text, reason);
            }
            return Some(key);
        }
        let mut beside = self.beside(mapping, layers, &DIGESTS.map(str::to_owned));
        beside.inherited.extend(said(&key).filter(|_| pinned(&key)).map(|node| node.place.clone()));
        let is_templated = beside.is_templated() || tag.as_ref().is_some_and(|tag| is_templated(&tag.place));
        let Beside { digests, inherited } = beside;
        match (tag.or_else(|| digests.first().filter(|_| is_templated).cloned()), tag_below) {
            (Some(part), _) if is_templated => self.leave(&part.place, part.place.text(), Reason::Templated),
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
                self.found.untagged |= !overridden && !pinned(&key);
                let place = mapping.get(&key).filter(|_| !overridden).map(|node| node.place.clone());
                if let Some(place) = place {
                    self.leave(&place, place.text(), Reason::NoVersion);
                }
            }
        }
        Some(key)
    }

    /// An image in parts whose name a template writes: left if what is literal of the name ends as the wanted
    /// one's does. Returns the key of that name.
    fn written_name(&mut self, mapping: &Mapping) -> Option<String> {
        let hinted = |key: &&&str| {
            mapping.get(key).is_some_and(|node| node.is_scalar() && self.wanted.is_hinted(node.place.text()))
        };
        let key = *NAMES.iter().find(hinted)?;
        let tag = TAGS.iter().chain(&DIGESTS).find_map(|key| self.part(mapping, key));
        let part = tag.or_else(|| self.part(mapping, key))?;
        self.leave(&part.place, part.place.text(), Reason::Templated);
        Some(key.to_owned())
    }

    /// Which of the names is the wanted one, or near to it; with the key that holds it.
    fn named(&self, candidates: &[(&'static str, String)]) -> Option<(String, Result<bool, Reason>)> {
        let mut near = None;
        for (key, name) in candidates {
            match self.wanted.is(name) {
                Ok(true) => return Some(((*key).to_owned(), Ok(true))),
                Ok(false) => {}
                Err(reason) => near = near.or(Some(((*key).to_owned(), Err(reason)))),
            }
        }
        near
    }
}
