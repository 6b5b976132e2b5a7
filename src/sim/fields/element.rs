//! One step of the way to a field: a name, an item of a list by its keys or by its value, or an index;
//! how steps sort, and how they are written in `fieldsV1` and in messages.

use std::cmp::Ordering;

use serde_json::{Map, Value};

/// One step of the way from an object to one of its fields.
#[derive(Debug, Clone)]
pub(super) enum Element {
    /// A field of a map.
    Field(Box<str>),
    /// The item of a list that has these values in its key fields; sorted by name.
    Key(Vec<(Box<str>, Value)>),
    /// The item of a set.
    Value(Value),
    /// An item by its place.
    Index(usize),
}

/// The way from an object to one of its fields.
pub(super) type Path = Vec<Element>;

impl Element {
    /// The step to a field of this name.
    pub(super) fn field(name: &str) -> Self {
        Self::Field(name.into())
    }

    /// As a key in `fieldsV1`.
    pub(super) fn written(&self) -> String {
        match self {
            Self::Field(name) => format!("f:{name}"),
            Self::Key(fields) => {
                let fields = fields.iter().map(|(name, value)| (name.to_string(), value.clone()));
                format!("k:{}", go_json(&Value::Object(fields.collect())))
            }
            Self::Value(value) => format!("v:{}", go_json(value)),
            Self::Index(index) => format!("i:{index}"),
        }
    }

    /// From a key in `fieldsV1`; `None` if it is of a sort that nobody knows.
    pub(super) fn read(text: &str) -> Option<Self> {
        let (sort, rest) = text.split_at_checked(2)?;
        match sort {
            "f:" => Some(Self::field(rest)),
            "k:" => {
                let fields: Map<String, Value> = serde_json::from_str(rest).ok()?;
                let mut fields: Vec<(Box<str>, Value)> =
                    fields.into_iter().map(|(name, value)| (name.into(), value)).collect();
                fields.sort_by(|a, b| a.0.cmp(&b.0));
                Some(Self::Key(fields))
            }
            "v:" => serde_json::from_str(rest).ok().map(Self::Value),
            "i:" => rest.parse().ok().map(Self::Index),
            _ => None,
        }
    }

    /// As in messages: `.name`, `[name="web"]`, `[="x"]`, `[0]`.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Field(name) => format!(".{name}"),
            Self::Key(fields) => {
                let fields: Vec<String> =
                    fields.iter().map(|(name, value)| format!("{name}={}", quoted(value))).collect();
                format!("[{}]", fields.join(","))
            }
            Self::Value(value) => format!("[={}]", quoted(value)),
            Self::Index(index) => format!("[{index}]"),
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Self::Field(_) => 0,
            Self::Key(_) => 1,
            Self::Value(_) => 2,
            Self::Index(_) => 3,
        }
    }
}

/// A path as in messages.
pub(super) fn shown(path: &[Element]) -> String {
    path.iter().map(Element::shown).collect()
}

impl Ord for Element {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Field(a), Self::Field(b)) => a.cmp(b),
            (Self::Key(a), Self::Key(b)) => {
                for ((name, value), (other_name, other_value)) in a.iter().zip(b) {
                    let order = name.cmp(other_name).then_with(|| compare(value, other_value));
                    if order.is_ne() {
                        return order;
                    }
                }
                a.len().cmp(&b.len())
            }
            (Self::Value(a), Self::Value(b)) => compare(a, b),
            (Self::Index(a), Self::Index(b)) => a.cmp(b),
            _ => self.rank().cmp(&other.rank()),
        }
    }
}

impl PartialOrd for Element {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Element {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Element {}

/// The server's order of values: numbers, texts, booleans, lists, maps, null.
pub(super) fn compare(a: &Value, b: &Value) -> Ordering {
    let rank = |value: &Value| match value {
        Value::Number(_) => 0,
        Value::String(_) => 1,
        Value::Bool(_) => 2,
        Value::Array(_) => 3,
        Value::Object(_) => 4,
        Value::Null => 5,
    };
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => match (a.as_i64(), b.as_i64()) {
            (Some(a), Some(b)) => a.cmp(&b),
            _ => a.as_f64().partial_cmp(&b.as_f64()).unwrap_or(Ordering::Equal),
        },
        (Value::String(a), Value::String(b)) => a.cmp(b),
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        (Value::Array(a), Value::Array(b)) => {
            for (a, b) in a.iter().zip(b) {
                let order = compare(a, b);
                if order.is_ne() {
                    return order;
                }
            }
            a.len().cmp(&b.len())
        }
        (Value::Object(a), Value::Object(b)) => compare_maps(a, b),
        _ => rank(a).cmp(&rank(b)),
    }
}

fn compare_maps(a: &Map<String, Value>, b: &Map<String, Value>) -> Ordering {
    fn sorted(map: &Map<String, Value>) -> Vec<(&String, &Value)> {
        let mut fields: Vec<_> = map.iter().collect();
        fields.sort_by_key(|(name, _)| *name);
        fields
    }
    for ((name, value), (other_name, other_value)) in sorted(a).into_iter().zip(sorted(b)) {
        let order = name.cmp(other_name).then_with(|| compare(value, other_value));
        if order.is_ne() {
            return order;
        }
    }
    a.len().cmp(&b.len())
}

/// Whether two values are the same for the server: the order of fields and `1` or `1.0` make no difference.
pub(super) fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len()
                && a.iter().all(|(name, value)| b.get(name).is_some_and(|other| same(value, other)))
        }
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        _ => compare(a, b).is_eq(),
    }
}

/// JSON as Go writes it: with `<`, `>` and `&` escaped.
fn go_json(value: &Value) -> String {
    value.to_string().replace('&', "\\u0026").replace('<', "\\u003c").replace('>', "\\u003e")
}

fn quoted(value: &Value) -> String {
    match value {
        Value::String(text) => format!("{text:?}"),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn steps_are_written_and_read() {
        let key = Element::Key(vec![("port".into(), json!(80)), ("protocol".into(), json!("TCP"))]);
        assert_eq!(key.written(), r#"k:{"port":80,"protocol":"TCP"}"#);
        assert_eq!(key.shown(), r#"[port=80,protocol="TCP"]"#);
        for text in [r#"k:{"port":80,"protocol":"TCP"}"#, r#"v:"x""#, "f:a.b/c:d", "i:3", r#"v:"a\u003cb""#] {
            assert_eq!(Element::read(text).unwrap().written(), text);
        }
        assert!(Element::read("x:1").is_none());
        assert!(Element::read("f").is_none());
    }

    #[test]
    fn steps_sort_by_sort_then_by_what_they_say() {
        let read = |text: &str| Element::read(text).unwrap();
        let sorted =
            [r#"f:a"#, "f:b", r#"k:{"name":"a"}"#, r#"k:{"name":"b"}"#, "v:1", "v:2", r#"v:"a""#, "i:0"];
        for pair in sorted.windows(2) {
            assert!(read(pair[0]) < read(pair[1]), "{pair:?}");
        }
    }
}
