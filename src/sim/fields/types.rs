//! Types of values: what a schema comes down to when fields are compared, merged and owned. Types stand
//! in one list and name each other by their place in it, since some hold themselves.

use std::collections::BTreeMap;

use serde_json::Value;

use super::element::Element;

/// The place of a type among its [`Types`].
pub(super) type TypeId = usize;

/// The type of which nothing is known: any value, one whole.
pub(super) const WHOLE: TypeId = 0;
/// The type of which nothing is known: any value, maps field by field, lists whole.
pub(super) const FREE: TypeId = 1;

/// Types that name each other.
#[derive(Debug, Clone)]
pub(super) struct Types {
    nodes: Vec<Node>,
}

/// A type. It may allow a scalar, a list and a map; the value decides which it is.
#[derive(Debug, Clone, Default)]
pub(super) struct Node {
    /// What it is called, if it has a name.
    pub(super) name: Option<Box<str>>,
    /// What it is if it is a scalar.
    pub(super) scalar: Option<Scalar>,
    /// What it is if it is a list.
    pub(super) list: Option<List>,
    /// What it is if it is a map.
    pub(super) map: Option<Fields>,
}

/// A scalar.
#[derive(Debug, Clone, Default)]
pub(super) struct Scalar {
    /// What is written.
    pub(super) form: Form,
    /// The only texts allowed; none means all.
    pub(super) allowed: Vec<Box<str>>,
}

/// What is written for a scalar.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Form {
    /// Whatever.
    #[default]
    Any,
    /// A text.
    Text,
    /// A whole number of 32 bits.
    Int32,
    /// A whole number of 64 bits.
    Int64,
    /// A number.
    Number,
    /// True or false.
    Bool,
    /// A time, as text.
    Time,
    /// Bytes in base64.
    Bytes,
    /// An amount such as `100m`.
    Quantity,
    /// A number or a text.
    IntOrText,
}

/// A list.
#[derive(Debug, Clone)]
pub(super) struct List {
    /// What its items are.
    pub(super) items: TypeId,
    /// What makes two items the same.
    pub(super) items_by: ItemsBy,
}

/// What makes two items of a list the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ItemsBy {
    /// Nothing: the list is one whole.
    Whole,
    /// Their value: a set.
    Value,
    /// These fields.
    Keys(Vec<Box<str>>),
}

/// A map.
#[derive(Debug, Clone, Default)]
pub(super) struct Fields {
    /// The fields it is known to have.
    pub(super) known: BTreeMap<Box<str>, Field>,
    /// What other fields are; `None` if there may be none.
    pub(super) others: Option<TypeId>,
    /// Whether it is one whole.
    pub(super) whole: bool,
}

/// A field of a map.
#[derive(Debug, Clone, Default)]
pub(super) struct Field {
    /// Its type.
    pub(super) of: TypeId,
    /// Whether it must be there.
    pub(super) required: bool,
    /// What it is if it is not there.
    pub(super) default: Option<Value>,
    /// Whether strategic patches merge it, and by which field of its items; an empty name for lists of
    /// scalars.
    pub(super) merged_by: Option<Box<str>>,
    /// Whether its zero (`false`, `0`, an empty text) is the same as nothing.
    pub(super) zero_is_nothing: bool,
    /// Whether it is written as null where it is nothing.
    pub(super) null_stands: bool,
}

/// What a value is by its type.
#[derive(Debug, Clone, Copy)]
pub(super) enum Shape<'t> {
    /// A map.
    Map(&'t Fields),
    /// A scalar.
    Scalar(&'t Scalar),
    /// A list.
    List(&'t List),
    /// Nothing is allowed here.
    Nothing,
}

impl Shape<'_> {
    /// Whether two values of one type are of one sort.
    pub(super) fn like(self, other: Self) -> bool {
        std::mem::discriminant(&self) == std::mem::discriminant(&other)
    }
}

impl Fields {
    /// The type of a field: the known one, or that of all others.
    pub(super) fn of(&self, name: &str) -> Option<TypeId> {
        self.known.get(name).map(|field| field.of).or(self.others)
    }
}

impl Default for Types {
    fn default() -> Self {
        let any = || Some(Scalar::default());
        let map = |others, whole| Some(Fields { known: BTreeMap::new(), others: Some(others), whole });
        let list = Some(List { items: WHOLE, items_by: ItemsBy::Whole });
        let whole = Node { name: None, scalar: any(), list: list.clone(), map: map(WHOLE, true) };
        let free = Node { name: None, scalar: any(), list, map: map(FREE, false) };
        Self { nodes: vec![whole, free] }
    }
}

impl Types {
    /// Adds a type.
    pub(super) fn add(&mut self, node: Node) -> TypeId {
        self.nodes.push(node);
        self.nodes.len() - 1
    }

    /// A type to be changed; `None` if there is none at this place.
    pub(super) fn get_mut(&mut self, id: TypeId) -> Option<&mut Node> {
        self.nodes.get_mut(id)
    }

    /// The type at a place; one that allows nothing if there is none.
    pub(super) fn get(&self, id: TypeId) -> &Node {
        static NONE: Node = Node { name: None, scalar: None, list: None, map: None };
        self.nodes.get(id).unwrap_or(&NONE)
    }

    /// What a value is by its type. One that fits nothing, and null, is what the type is first: a map,
    /// then a scalar, then a list.
    pub(super) fn shape(&self, id: TypeId, value: Option<&Value>) -> Shape<'_> {
        let node = self.get(id);
        match (value, node) {
            (Some(Value::Object(_)), Node { map: Some(map), .. }) => return Shape::Map(map),
            (Some(Value::Array(_)), Node { list: Some(list), .. }) => return Shape::List(list),
            (
                Some(Value::Bool(_) | Value::Number(_) | Value::String(_)),
                Node { scalar: Some(scalar), .. },
            ) => return Shape::Scalar(scalar),
            _ => {}
        }
        if let Some(map) = &node.map {
            Shape::Map(map)
        } else if let Some(scalar) = &node.scalar {
            Shape::Scalar(scalar)
        } else if let Some(list) = &node.list {
            Shape::List(list)
        } else {
            Shape::Nothing
        }
    }

    /// What names an item of a list: its keys, or its value. An error says why nothing does.
    pub(super) fn item(&self, list: &List, item: &Value) -> Result<Element, String> {
        let keys = match &list.items_by {
            ItemsBy::Whole => return Err("invalid indexing of non-associative list".to_owned()),
            ItemsBy::Keys(keys) => keys,
            ItemsBy::Value => {
                return match item {
                    Value::Object(_) => {
                        Err("associative list without keys has an element that's a map type".to_owned())
                    }
                    Value::Array(_) => {
                        Err("not supported: associative list with lists as elements".to_owned())
                    }
                    Value::Null => {
                        Err("associative list without keys has an element that's an explicit null".to_owned())
                    }
                    scalar => Ok(Element::Value(scalar.clone())),
                };
            }
        };
        let fields = match item {
            Value::Object(fields) => fields,
            Value::Null => return Err("associative list with keys may not have a null element".to_owned()),
            _ => return Err("associative list with keys may not have non-map elements".to_owned()),
        };
        let known = self.get(list.items).map.as_ref().map(|map| &map.known);
        let mut named: Vec<(Box<str>, Value)> = Vec::with_capacity(keys.len());
        for key in keys {
            let default = || known?.get(key)?.default.as_ref();
            if let Some(value) = fields.get(&**key).or_else(default) {
                named.push((key.clone(), value.clone()));
            }
        }
        if named.is_empty() {
            let keys: Vec<String> = keys.iter().map(|key| format!("{key:?}")).collect();
            return Err(format!(
                "associative list with keys has an element that omits all key fields [{}] (and doesn't have \
                 default values for any key fields)",
                keys.join(" ")
            ));
        }
        named.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(Element::Key(named))
    }
}
