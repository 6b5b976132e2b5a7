//! Values by their types: which fields a value has, how one is merged into another, what differs between
//! two, and what is left when fields are taken away. The rules are those of structured merge and diff.

use serde_json::{Map, Value};

use super::element::{Element, Path, same};
use super::set::Set;
use super::types::{Fields, ItemsBy, List, Shape, TypeId, Types};

/// What differs between two objects; no field is in two of the sets.
#[derive(Debug, Clone, Default)]
pub(super) struct Difference {
    /// What only the first has.
    pub(super) removed: Set,
    /// What both have, differently.
    pub(super) modified: Set,
    /// What only the second has.
    pub(super) added: Set,
}

impl Difference {
    /// The same without these fields and those below them.
    pub(super) fn without(self, fields: &Set) -> Self {
        Self {
            removed: self.removed.without(fields),
            modified: self.modified.without(fields),
            added: self.added.without(fields),
        }
    }
}

fn fields_of(value: Option<&Value>) -> Option<&Map<String, Value>> {
    value.and_then(Value::as_object)
}

fn items_of(value: Option<&Value>) -> &[Value] {
    value.and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn none_of(fields: Option<&Map<String, Value>>) -> bool {
    fields.is_none_or(Map::is_empty)
}

/// The names of two maps, each once: those of the first, then what only the second has.
fn names<'m>(
    one: Option<&'m Map<String, Value>>,
    two: Option<&'m Map<String, Value>>,
) -> impl Iterator<Item = &'m String> {
    let first = one.into_iter().flat_map(Map::keys);
    let rest = two.into_iter().flat_map(Map::keys);
    first.chain(rest.filter(move |name| !one.is_some_and(|one| one.contains_key(*name))))
}

impl Types {
    /// The fields that a value has.
    pub(super) fn fields(&self, id: TypeId, value: &Value) -> Set {
        let mut set = Set::default();
        self.gather(id, value, &mut Vec::new(), &mut set);
        set
    }

    fn gather(&self, id: TypeId, value: &Value, path: &mut Path, set: &mut Set) {
        match self.shape(id, Some(value)) {
            Shape::Nothing => {}
            Shape::Scalar(_) => set.insert(path),
            Shape::List(list) if list.items_by == ItemsBy::Whole => set.insert(path),
            Shape::Map(map) if map.whole => set.insert(path),
            Shape::List(list) => {
                let items: Vec<(Element, &Value)> = items_of(Some(value))
                    .iter()
                    .filter_map(|item| Some((self.item(list, item).ok()?, item)))
                    .collect();
                for (element, item) in &items {
                    let twice = items.iter().filter(|(other, _)| other == element).count() > 1;
                    path.push(element.clone());
                    if !twice {
                        self.gather(list.items, item, path, set);
                    }
                    set.insert(path);
                    path.pop();
                }
            }
            Shape::Map(map) => {
                for (name, field) in value.as_object().into_iter().flatten() {
                    path.push(Element::field(name));
                    if let Some(of) = map.of(name) {
                        self.gather(of, field, path, set);
                    }
                    let empty = field.is_null() || field.as_object().is_some_and(Map::is_empty);
                    if empty || !map.known.contains_key(name.as_str()) {
                        set.insert(path);
                    }
                    path.pop();
                }
            }
        }
    }

    /// A set with those fields added that have a name in the schema and other members below them.
    pub(super) fn named(&self, id: TypeId, set: &Set) -> Set {
        let node = self.get(id);
        set.raised(&mut |element, below| {
            let (known, of) = match (element, &node.map, &node.list) {
                (Element::Field(name), Some(map), _) => (map.known.contains_key(name), map.of(name)),
                (Element::Key(_), _, Some(list)) => (false, Some(list.items)),
                _ => (false, None),
            };
            (known, self.named(of.unwrap_or(usize::MAX), below))
        })
    }

    /// One value merged into another: fields of the second win, and nothing of the first is lost.
    pub(super) fn merge(&self, id: TypeId, ours: Option<&Value>, theirs: Option<&Value>) -> Option<Value> {
        let by = if theirs.is_none() { ours } else { theirs };
        let leaf = || theirs.or(ours).cloned();
        match self.shape(id, by) {
            Shape::Nothing | Shape::Scalar(_) => leaf(),
            Shape::List(list) => {
                let (left, right) = (items_of(ours), items_of(theirs));
                if list.items_by == ItemsBy::Whole || (left.is_empty() && right.is_empty()) {
                    return leaf();
                }
                let merged = self.merge_items(list, left, right);
                (!merged.is_empty()).then_some(Value::Array(merged))
            }
            Shape::Map(map) => {
                let (left, right) = (fields_of(ours), fields_of(theirs));
                if map.whole || (none_of(left) && none_of(right)) {
                    return leaf();
                }
                let mut merged = Map::new();
                for name in names(left, right) {
                    let get =
                        |fields: Option<&'_ Map<String, Value>>| fields.and_then(|f| f.get(name)).cloned();
                    let (left, right) = (get(left), get(right));
                    let of = map.of(name).unwrap_or(usize::MAX);
                    if let Some(value) = self.merge(of, left.as_ref(), right.as_ref()) {
                        merged.insert(name.clone(), value);
                    }
                }
                (!merged.is_empty()).then_some(Value::Object(merged))
            }
        }
    }

    /// Items in the order of the second list where both have them; what only the first has stays where it
    /// stood among its neighbours.
    fn merge_items(&self, list: &List, left: &[Value], right: &[Value]) -> Vec<Value> {
        let index = |items: &[Value]| -> Vec<(Element, Value)> {
            items.iter().filter_map(|item| Some((self.item(list, item).ok()?, item.clone()))).collect()
        };
        let (left, right) = (index(left), index(right));
        let has = |items: &[(Element, Value)], element: &Element| items.iter().any(|(e, _)| e == element);
        // Of items that stand twice on the left, none is merged with one on the right.
        let of_left = |element: &Element| -> Option<Value> {
            let mut found = left.iter().filter(|(e, _)| e == element).map(|(_, value)| value);
            let first = found.next()?;
            Some(if found.next().is_some() { Value::Null } else { first.clone() })
        };
        let mut shared = right.iter().map(|(e, _)| e).filter(|e| has(&left, e)).peekable();
        let mut merged_right: Vec<&Element> = Vec::new();
        let mut out = Vec::new();
        let (mut l, mut r) = (0, 0);
        while l < left.len() || r < right.len() {
            if let (Some((ours, _)), Some((theirs, value))) = (left.get(l), right.get(r)) {
                if ours == theirs {
                    merged_right.push(theirs);
                    out.extend(self.merge(list.items, of_left(ours).as_ref(), Some(value)));
                    l += 1;
                    r += 1;
                    shared.next();
                    continue;
                }
                if has(&right, ours) && shared.peek().is_some_and(|next| *next != ours) {
                    l += 1;
                    continue;
                }
            }
            if let Some((ours, value)) = left.get(l) {
                if !has(&right, ours) {
                    out.extend(self.merge(list.items, Some(value), None));
                    l += 1;
                    continue;
                }
                if merged_right.contains(&ours) {
                    l += 1;
                }
            }
            if let Some((theirs, value)) = right.get(r) {
                merged_right.push(theirs);
                out.extend(self.merge(list.items, of_left(theirs).as_ref(), Some(value)));
                r += 1;
                if shared.peek().is_some_and(|next| *next == theirs) {
                    shared.next();
                }
            }
        }
        out
    }

    /// What differs between two values.
    pub(super) fn difference(&self, id: TypeId, ours: Option<&Value>, theirs: Option<&Value>) -> Difference {
        let mut difference = Difference::default();
        self.differ(id, ours, theirs, &mut Vec::new(), &mut difference);
        difference
    }

    fn differ(
        &self,
        id: TypeId,
        ours: Option<&Value>,
        theirs: Option<&Value>,
        path: &mut Path,
        found: &mut Difference,
    ) {
        let (left, right) = (self.shape(id, ours), self.shape(id, theirs));
        match (ours, theirs) {
            (None, None) => return,
            (Some(_), None) => self.differ_as(left, ours, theirs, path, found),
            (Some(_), Some(_)) if !left.like(right) => {
                self.differ_as(left, ours, theirs, path, found);
                self.differ_as(right, ours, theirs, path, found);
            }
            _ => self.differ_as(right, ours, theirs, path, found),
        }
        if ours.is_none() {
            found.added.insert(path);
        } else if theirs.is_none() {
            found.removed.insert(path);
        }
    }

    fn differ_as(
        &self,
        shape: Shape<'_>,
        ours: Option<&Value>,
        theirs: Option<&Value>,
        path: &mut Path,
        found: &mut Difference,
    ) {
        match shape {
            Shape::Map(map) if !map.whole => {
                let (left, right) = (fields_of(ours), fields_of(theirs));
                if !(none_of(left) && none_of(right)) {
                    self.differ_fields(map, left, right, path, found);
                    return;
                }
            }
            Shape::List(list) if list.items_by != ItemsBy::Whole => {
                let (left, right) = (items_of(ours), items_of(theirs));
                if !(left.is_empty() && right.is_empty()) {
                    self.differ_items(list, left, right, path, found);
                    return;
                }
            }
            _ => {}
        }
        if let (Some(ours), Some(theirs)) = (ours, theirs)
            && !same(ours, theirs)
        {
            found.modified.insert(path);
        }
    }

    fn differ_fields(
        &self,
        map: &Fields,
        left: Option<&Map<String, Value>>,
        right: Option<&Map<String, Value>>,
        path: &mut Path,
        found: &mut Difference,
    ) {
        for name in names(left, right) {
            let of = map.of(name).unwrap_or(usize::MAX);
            path.push(Element::field(name));
            self.differ(of, left.and_then(|f| f.get(name)), right.and_then(|f| f.get(name)), path, found);
            path.pop();
        }
    }

    fn differ_items(
        &self,
        list: &List,
        left: &[Value],
        right: &[Value],
        path: &mut Path,
        found: &mut Difference,
    ) {
        let index = |items| -> Vec<(Element, &Value)> {
            let items: &[Value] = items;
            items.iter().filter_map(|item| Some((self.item(list, item).ok()?, item))).collect()
        };
        let (left, right) = (index(left), index(right));
        let mut seen: Vec<&Element> = Vec::new();
        for (element, _) in left.iter().chain(&right) {
            if seen.contains(&element) {
                continue;
            }
            seen.push(element);
            let of = |items: &[(Element, &'_ Value)]| -> Vec<Value> {
                items.iter().filter(|(e, _)| e == element).map(|(_, value)| (*value).clone()).collect()
            };
            let (ours, theirs) = (of(&left), of(&right));
            path.push(element.clone());
            match (ours.len() > 1, theirs.len() > 1) {
                (false, false) => self.differ(list.items, ours.first(), theirs.first(), path, found),
                (true, true) => {
                    let equal =
                        ours.len() == theirs.len() && ours.iter().zip(&theirs).all(|(a, b)| same(a, b));
                    if !equal {
                        found.modified.insert(path);
                    }
                }
                (true, false) => {
                    if let Some(theirs) = theirs.first() {
                        self.differ(list.items, None, Some(theirs), path, found);
                    }
                    found.removed.insert(path);
                }
                (false, true) => {
                    if let Some(ours) = ours.first() {
                        self.differ(list.items, Some(ours), None, path, found);
                    }
                    found.added.insert(path);
                }
            }
            path.pop();
        }
    }

    /// What is left of a value without these fields; null if nothing is.
    pub(super) fn stripped(&self, id: TypeId, value: &Value, fields: &Set) -> Value {
        match (self.shape(id, Some(value)), value) {
            (Shape::Map(map), Value::Object(all)) if !map.whole => {
                let mut left = Map::new();
                for (name, field) in all {
                    let element = Element::field(name);
                    if fields.has(&element) {
                        continue;
                    }
                    let field = match fields.below(&element) {
                        Some(below) => self.stripped(map.of(name).unwrap_or(usize::MAX), field, below),
                        None => field.clone(),
                    };
                    left.insert(name.clone(), field);
                }
                if left.is_empty() { Value::Null } else { Value::Object(left) }
            }
            (Shape::List(list), Value::Array(all)) if list.items_by != ItemsBy::Whole => {
                let mut left = Vec::new();
                for item in all {
                    let Ok(element) = self.item(list, item) else {
                        left.push(item.clone());
                        continue;
                    };
                    if fields.has(&element) {
                        continue;
                    }
                    left.push(match fields.below(&element) {
                        Some(below) => self.stripped(list.items, item, below),
                        None => item.clone(),
                    });
                }
                if left.is_empty() { Value::Null } else { Value::Array(left) }
            }
            (Shape::Scalar(_), _) => value.clone(),
            _ => Value::Null,
        }
    }
}
