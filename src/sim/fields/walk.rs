//! Values by their types: which fields a value has, how one is merged into another, what differs between
//! two, and what is left when fields are taken away. The rules are those of structured merge and diff.

use serde_json::{Map, Value};

use super::element::{Element, same};
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
    /// Adds what two fields one step down are to each other, and what differs below them.
    fn put(&mut self, element: impl FnOnce() -> Element, differs: Differs, below: Self) {
        let none = |member: bool, below: &Set| !member && below.is_empty();
        if none(differs.removed, &below.removed)
            && none(differs.modified, &below.modified)
            && none(differs.added, &below.added)
        {
            return;
        }
        let element = element();
        self.removed.put(element.clone(), differs.removed, below.removed);
        self.modified.put(element.clone(), differs.modified, below.modified);
        self.added.put(element, differs.added, below.added);
    }

    /// The same without these fields and those below them.
    pub(super) fn without(self, fields: &Set) -> Self {
        Self {
            removed: self.removed.without(fields),
            modified: self.modified.without(fields),
            added: self.added.without(fields),
        }
    }
}

/// What two values are to each other as such.
#[derive(Debug, Clone, Copy, Default)]
struct Differs {
    removed: bool,
    modified: bool,
    added: bool,
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
        self.own(id, value).1
    }

    /// Whether a value is a field that is owned as such, and the fields below it.
    fn own(&self, id: TypeId, value: &Value) -> (bool, Set) {
        let mut below = Set::default();
        match self.shape(id, Some(value)) {
            Shape::Nothing => return (false, below),
            Shape::Scalar(_) => return (true, below),
            Shape::List(list) if list.items_by == ItemsBy::Whole => return (true, below),
            Shape::Map(map) if map.whole => return (true, below),
            Shape::List(list) => {
                let items = self.indexed(list, items_of(Some(value)));
                for (element, item) in &items {
                    let twice = items.iter().filter(|(other, _)| other == element).count() > 1;
                    let fields = if twice { Set::default() } else { self.own(list.items, item).1 };
                    below.put(element.clone(), true, fields);
                }
            }
            Shape::Map(map) => {
                for (name, field) in value.as_object().into_iter().flatten() {
                    let (leaf, fields) = map.of(name).map(|of| self.own(of, field)).unwrap_or_default();
                    let empty = field.is_null() || field.as_object().is_some_and(Map::is_empty);
                    let owned = leaf || empty || !map.known.contains_key(name.as_str());
                    below.put(Element::field(name), owned, fields);
                }
            }
        }
        (false, below)
    }

    /// The items of a list with what names them; without those that nothing names.
    fn indexed<'v>(&self, list: &List, items: &'v [Value]) -> Vec<(Element, &'v Value)> {
        items.iter().filter_map(|item| Some((self.item(list, item).ok()?, item))).collect()
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
        let leaf = || theirs.or(ours).cloned();
        if ours.is_none() || theirs.is_none() {
            return leaf();
        }
        match self.shape(id, theirs) {
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
                    let left = left.and_then(|fields| fields.get(name));
                    let right = right.and_then(|fields| fields.get(name));
                    let of = map.of(name).unwrap_or(usize::MAX);
                    if let Some(value) = self.merge(of, left, right) {
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
        let (left, right) = (self.indexed(list, left), self.indexed(list, right));
        let has = |items: &[(Element, &Value)], element: &Element| items.iter().any(|(e, _)| e == element);
        // Of items that stand twice on the left, none is merged with one on the right.
        let of_left = |element: &Element| -> Option<&Value> {
            let mut found = left.iter().filter(|(e, _)| e == element).map(|(_, value)| *value);
            let first = found.next()?;
            Some(if found.next().is_some() { &Value::Null } else { first })
        };
        let mut shared = right.iter().map(|(e, _)| e).filter(|e| has(&left, e)).peekable();
        let mut merged_right: Vec<&Element> = Vec::new();
        let mut out = Vec::new();
        let (mut l, mut r) = (0, 0);
        while l < left.len() || r < right.len() {
            if let (Some((ours, _)), Some((theirs, value))) = (left.get(l), right.get(r)) {
                if ours == theirs {
                    merged_right.push(theirs);
                    out.extend(self.merge(list.items, of_left(ours), Some(value)));
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
                out.extend(self.merge(list.items, of_left(theirs), Some(value)));
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
        let mut all = Difference::default();
        self.differ(id, ours, theirs, &mut all);
        all
    }

    /// Finds what differs below two values, and says what they are to each other themselves.
    fn differ(
        &self,
        id: TypeId,
        ours: Option<&Value>,
        theirs: Option<&Value>,
        below: &mut Difference,
    ) -> Differs {
        let (left, right) = (self.shape(id, ours), self.shape(id, theirs));
        match (ours, theirs) {
            (None, None) => Differs::default(),
            (Some(_), None) => {
                self.differ_as(left, ours, theirs, below);
                Differs { removed: true, ..Differs::default() }
            }
            (None, Some(_)) => {
                self.differ_as(right, ours, theirs, below);
                Differs { added: true, ..Differs::default() }
            }
            (Some(one), Some(other)) if same(one, other) => Differs::default(),
            (Some(_), Some(_)) => {
                let mut modified = self.differ_as(right, ours, theirs, below);
                if !left.like(right) {
                    modified |= self.differ_as(left, ours, theirs, below);
                }
                Differs { modified, ..Differs::default() }
            }
        }
    }

    /// Whether the two differ as a whole; else what differs below them is found.
    fn differ_as(
        &self,
        shape: Shape<'_>,
        ours: Option<&Value>,
        theirs: Option<&Value>,
        below: &mut Difference,
    ) -> bool {
        match shape {
            Shape::Map(map) if !map.whole => {
                let (left, right) = (fields_of(ours), fields_of(theirs));
                if !(none_of(left) && none_of(right)) {
                    self.differ_fields(map, left, right, below);
                    return false;
                }
            }
            Shape::List(list) if list.items_by != ItemsBy::Whole => {
                let (left, right) = (items_of(ours), items_of(theirs));
                if !(left.is_empty() && right.is_empty()) {
                    self.differ_items(list, left, right, below);
                    return false;
                }
            }
            _ => {}
        }
        true
    }

    fn differ_fields(
        &self,
        map: &Fields,
        left: Option<&Map<String, Value>>,
        right: Option<&Map<String, Value>>,
        below: &mut Difference,
    ) {
        for name in names(left, right) {
            let of = map.of(name).unwrap_or(usize::MAX);
            let mut inner = Difference::default();
            let (left, right) =
                (left.and_then(|fields| fields.get(name)), right.and_then(|fields| fields.get(name)));
            let differs = self.differ(of, left, right, &mut inner);
            below.put(|| Element::field(name), differs, inner);
        }
    }

    fn differ_items(&self, list: &List, left: &[Value], right: &[Value], below: &mut Difference) {
        let (left, right) = (self.indexed(list, left), self.indexed(list, right));
        let mut seen: Vec<&Element> = Vec::new();
        for (element, _) in left.iter().chain(&right) {
            if seen.contains(&element) {
                continue;
            }
            seen.push(element);
            let count = |items: &[(Element, &Value)]| items.iter().filter(|(e, _)| e == element).count();
            let ours = left.iter().find(|(e, _)| e == element).map(|(_, value)| *value);
            let theirs = right.iter().find(|(e, _)| e == element).map(|(_, value)| *value);
            let mut inner = Difference::default();
            // Items that stand there twice are compared as one whole.
            let differs = match (count(&left) > 1, count(&right) > 1) {
                (false, false) => self.differ(list.items, ours, theirs, &mut inner),
                (true, true) => {
                    let all = |items: &[(Element, &'_ Value)]| -> Value {
                        items
                            .iter()
                            .filter(|(e, _)| e == element)
                            .map(|(_, value)| (*value).clone())
                            .collect()
                    };
                    Differs { modified: !same(&all(&left), &all(&right)), ..Differs::default() }
                }
                (true, false) => {
                    let differs = self.differ(list.items, None, theirs, &mut inner);
                    Differs { removed: true, ..differs }
                }
                (false, true) => {
                    let differs = self.differ(list.items, ours, None, &mut inner);
                    Differs { added: true, ..differs }
                }
            };
            below.put(|| element.clone(), differs, inner);
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
