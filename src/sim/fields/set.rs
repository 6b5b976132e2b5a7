//! Sets of fields: what a manager owns. A field being in the set says nothing of the fields above it.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::element::{Element, Path};

/// A set of fields.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Set(BTreeMap<Element, Entry>);

/// What a set says of one field: whether it is in the set, and which fields below it are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Entry {
    member: bool,
    below: Set,
}

impl Set {
    /// The set of these fields, each given by names.
    pub(super) fn of_names(paths: &[&[&str]]) -> Self {
        let mut set = Self::default();
        for path in paths {
            set.insert(&path.iter().map(|name| Element::field(name)).collect::<Path>());
        }
        set
    }

    /// Adds a field. The object itself, whose path is empty, is in no set.
    pub(super) fn insert(&mut self, path: &[Element]) {
        let Some((first, rest)) = path.split_first() else { return };
        let entry = self.0.entry(first.clone()).or_default();
        if rest.is_empty() {
            entry.member = true;
        } else {
            entry.below.insert(rest);
        }
    }

    /// Adds a field one step down and what is below it; nothing if that is nothing.
    pub(super) fn put(&mut self, element: Element, member: bool, below: Self) {
        if member || !below.is_empty() {
            self.0.insert(element, Entry { member, below });
        }
    }

    /// Whether no field is in it.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the field one step down is in it.
    pub(super) fn has(&self, element: &Element) -> bool {
        self.0.get(element).is_some_and(|entry| entry.member)
    }

    /// The fields below one step down, without that step; `None` if there are none.
    pub(super) fn below(&self, element: &Element) -> Option<&Self> {
        self.0.get(element).map(|entry| &entry.below).filter(|below| !below.is_empty())
    }

    /// What is in one or in the other.
    pub(super) fn union(&self, other: &Self) -> Self {
        let mut all = self.clone();
        all.add(other);
        all
    }

    fn add(&mut self, other: &Self) {
        for (element, theirs) in &other.0 {
            let ours = self.0.entry(element.clone()).or_default();
            ours.member |= theirs.member;
            ours.below.add(&theirs.below);
        }
    }

    /// What is in both.
    pub(super) fn intersection(&self, other: &Self) -> Self {
        self.kept(|element, ours| {
            let theirs = other.0.get(element)?;
            Some(Entry {
                member: ours.member && theirs.member,
                below: ours.below.intersection(&theirs.below),
            })
        })
    }

    /// What is in this one but not in the other.
    pub(super) fn difference(&self, other: &Self) -> Self {
        self.kept(|element, ours| {
            let Some(theirs) = other.0.get(element) else { return Some(ours.clone()) };
            Some(Entry { member: ours.member && !theirs.member, below: ours.below.difference(&theirs.below) })
        })
    }

    /// What is in this one, but neither in the other nor below a field of the other.
    pub(super) fn without(&self, other: &Self) -> Self {
        self.kept(|element, ours| match other.0.get(element) {
            None => Some(ours.clone()),
            Some(theirs) if theirs.member => None,
            Some(theirs) => Some(Entry { member: ours.member, below: ours.below.without(&theirs.below) }),
        })
    }

    /// The same set with more members: `descend` says for each step that has fields below it whether it
    /// becomes a member, and how the fields below are treated.
    pub(super) fn raised(&self, descend: &mut dyn FnMut(&Element, &Self) -> (bool, Self)) -> Self {
        self.kept(|element, ours| {
            if ours.below.is_empty() {
                return Some(ours.clone());
            }
            let (member, below) = descend(element, &ours.below);
            Some(Entry { member: ours.member || member, below })
        })
    }

    fn kept(&self, mut entry: impl FnMut(&Element, &Entry) -> Option<Entry>) -> Self {
        let kept = self.0.iter().filter_map(|(element, ours)| {
            let kept = entry(element, ours)?;
            (kept.member || !kept.below.is_empty()).then(|| (element.clone(), kept))
        });
        Self(kept.collect())
    }

    /// Every field in it: those one step down first, then those further down.
    pub(super) fn paths(&self) -> Vec<Path> {
        let mut paths = Vec::new();
        self.gather(&mut Vec::new(), &mut paths);
        paths
    }

    fn gather(&self, prefix: &mut Path, paths: &mut Vec<Path>) {
        for (element, entry) in &self.0 {
            if entry.member {
                paths.push(prefix.iter().chain([element]).cloned().collect());
            }
        }
        for (element, entry) in &self.0 {
            prefix.push(element.clone());
            entry.below.gather(prefix, paths);
            prefix.pop();
        }
    }

    /// As `fieldsV1`.
    pub(super) fn to_json(&self) -> Value {
        let mut fields = Map::new();
        for (element, entry) in &self.0 {
            let mut below = entry.below.to_json();
            if let Value::Object(below) = &mut below
                && entry.member
                && !entry.below.is_empty()
            {
                below.shift_insert(0, ".".to_owned(), Value::Object(Map::new()));
            }
            fields.insert(element.written(), below);
        }
        Value::Object(fields)
    }

    /// From `fieldsV1`; what is of no known sort is passed over.
    pub(super) fn of_json(fields: &Value) -> Self {
        let mut set = Self::default();
        for (key, below) in fields.as_object().into_iter().flatten() {
            let Some(element) = Element::read(key) else { continue };
            let inner = Self::of_json(below);
            let member = inner.is_empty() || below.get(".").is_some();
            set.0.insert(element, Entry { member, below: inner });
        }
        set
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn set(paths: &[&str]) -> Set {
        let paths: Vec<Vec<&str>> = paths.iter().map(|path| path.split('.').collect()).collect();
        Set::of_names(&paths.iter().map(Vec::as_slice).collect::<Vec<_>>())
    }

    #[test]
    fn sets_are_written_as_the_server_does() {
        let json = json!({
            "f:metadata": {"f:labels": {".": {}, "f:app": {}}},
            "f:spec": {"f:containers": {"k:{\"name\":\"web\"}": {".": {}, "f:image": {}}}, "f:replicas": {}},
        });
        assert_eq!(Set::of_json(&json).to_json().to_string(), json.to_string());
        let paths: Vec<String> =
            Set::of_json(&json).paths().iter().map(|path| super::super::element::shown(path)).collect();
        assert_eq!(
            paths,
            [
                ".metadata.labels",
                ".metadata.labels.app",
                ".spec.replicas",
                ".spec.containers[name=\"web\"]",
                ".spec.containers[name=\"web\"].image"
            ]
        );
    }

    #[test]
    fn a_field_and_those_below_it_are_apart() {
        let all = set(&["a", "a.b", "a.b.c", "d"]);
        assert_eq!(all.difference(&set(&["a"])), set(&["a.b", "a.b.c", "d"]));
        assert_eq!(all.without(&set(&["a.b"])), set(&["a", "d"]));
        assert_eq!(all.without(&set(&["a"])), set(&["d"]));
        assert_eq!(all.intersection(&set(&["a.b.c", "e"])), set(&["a.b.c"]));
        assert_eq!(set(&["a.b"]).union(&set(&["a"])), set(&["a", "a.b"]));
        assert!(set(&["a.b"]).difference(&set(&["a.b"])).is_empty());
    }
}
