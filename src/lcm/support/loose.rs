//! JSON of strangers, read without trusting its types: what has the wrong one is named and passed over, so
//! that one odd field spoils one entry and not the document. Nothing that is passed over takes memory.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// A value that should be a single one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) enum Leaf {
    /// It is not there, or null.
    #[default]
    Missing,
    Bool(bool),
    Text(String),
    /// A number without what stands behind its point.
    Number(i64),
    /// Something else, and what.
    Other(&'static str),
}

impl Leaf {
    /// The text, if it is one.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Whether it is `true`.
    pub fn is_true(&self) -> bool {
        *self == Self::Bool(true)
    }

    /// What it is, for people.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Missing => "nothing",
            Self::Bool(_) => "true or false",
            Self::Text(_) => "a text",
            Self::Number(_) => "a number",
            Self::Other(kind) => kind,
        }
    }
}

/// A list or a mapping, if that stands there.
#[derive(Debug, Clone)]
pub(super) enum Loose<T> {
    Read(T),
    /// Something else, and what.
    Other(&'static str),
}

impl<T> Default for Loose<T> {
    fn default() -> Self {
        Self::Other("nothing")
    }
}

impl<T> Loose<T> {
    /// What was read.
    pub fn read(self) -> Option<T> {
        match self {
            Self::Read(value) => Some(value),
            Self::Other(_) => None,
        }
    }
}

impl<T> Loose<Vec<T>> {
    /// The items; none if it is no list.
    pub fn items(self) -> Vec<T> {
        self.read().unwrap_or_default()
    }
}

/// What is read as a list, and what as a mapping.
pub(super) trait Shape {
    /// Whether it is a list.
    const LIST: bool = false;
}

impl<T> Shape for Vec<T> {
    const LIST: bool = true;
}

impl<T> Shape for std::collections::BTreeMap<String, T> {}

fn drain_list<'de, A: SeqAccess<'de>>(mut list: A) -> Result<&'static str, A::Error> {
    while list.next_element::<IgnoredAny>()?.is_some() {}
    Ok("a list")
}

fn drain_map<'de, A: MapAccess<'de>>(mut map: A) -> Result<&'static str, A::Error> {
    while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
    Ok("a mapping")
}

struct Leaves;

impl<'de> Visitor<'de> for Leaves {
    type Value = Leaf;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Leaf, E> {
        Ok(Leaf::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Leaf, E> {
        Ok(Leaf::Number(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Leaf, E> {
        Ok(i64::try_from(value).map_or(Leaf::Other("a number"), Leaf::Number))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Leaf, E> {
        Ok(format!("{:.0}", value.trunc()).parse().map_or(Leaf::Other("a number"), Leaf::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Leaf, E> {
        Ok(Leaf::Text(value.to_owned()))
    }

    fn visit_unit<E>(self) -> Result<Leaf, E> {
        Ok(Leaf::Missing)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Leaf, A::Error> {
        drain_list(list).map(Leaf::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Leaf, A::Error> {
        drain_map(map).map(Leaf::Other)
    }
}

impl<'de> Deserialize<'de> for Leaf {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        d.deserialize_any(Leaves)
    }
}

struct Shapes<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de> + Shape> Visitor<'de> for Shapes<T> {
    type Value = Loose<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E>(self, _: bool) -> Result<Loose<T>, E> {
        Ok(Loose::Other("true or false"))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Loose<T>, E> {
        Ok(Loose::Other("a number"))
    }

    fn visit_u64<E>(self, _: u64) -> Result<Loose<T>, E> {
        Ok(Loose::Other("a number"))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Loose<T>, E> {
        Ok(Loose::Other("a number"))
    }

    fn visit_str<E>(self, _: &str) -> Result<Loose<T>, E> {
        Ok(Loose::Other("a text"))
    }

    fn visit_unit<E>(self) -> Result<Loose<T>, E> {
        Ok(Loose::default())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Loose<T>, A::Error> {
        match T::LIST {
            true => T::deserialize(SeqAccessDeserializer::new(list)).map(Loose::Read),
            false => drain_list(list).map(Loose::Other),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Loose<T>, A::Error> {
        match T::LIST {
            true => drain_map(map).map(Loose::Other),
            false => T::deserialize(MapAccessDeserializer::new(map)).map(Loose::Read),
        }
    }
}

impl<'de, T: Deserialize<'de> + Shape> Deserialize<'de> for Loose<T> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        d.deserialize_any(Shapes(PhantomData))
    }
}

/// Why a document can't be read; a sentence for people that ends what names the document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unreadable(pub(super) String);

/// Reads a whole document.
pub(super) fn document<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Result<T, Unreadable> {
    serde_json::from_slice(bytes).map_err(|error| {
        let first = bytes.iter().find(|b| !b.is_ascii_whitespace());
        Unreadable(match first {
            None => "nothing came".to_owned(),
            Some(b'<') => "a web page came instead of JSON".to_owned(),
            Some(_) if error.is_eof() => "it ends in the middle".to_owned(),
            Some(_) => format!("it is not the JSON that was expected: {}", super::tidy(&error.to_string())),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaf(text: &str) -> Leaf {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn a_leaf_names_what_it_is() {
        assert_eq!(leaf("true"), Leaf::Bool(true));
        assert_eq!(leaf("null"), Leaf::Missing);
        assert_eq!(leaf("\"x\""), Leaf::Text("x".to_owned()));
        assert_eq!(leaf("1764633600.9"), Leaf::Number(1_764_633_600));
        for (text, kind) in [("[1,[2]]", "a list"), ("{\"a\":{}}", "a mapping"), ("1e300", "a number")] {
            assert_eq!(leaf(text), Leaf::Other(kind), "{text}");
        }
    }

    #[test]
    fn a_list_is_no_mapping_and_the_other_way_round() {
        let list = |text: &str| serde_json::from_str::<Loose<Vec<Leaf>>>(text).unwrap().items().len();
        assert_eq!((list("[1,2]"), list("{\"a\":1}"), list("7"), list("null")), (2, 0, 0, 0));
    }

    #[test]
    fn a_document_that_is_none_says_what_came() {
        let said = |text: &str| document::<Leaf>(text.as_bytes()).unwrap_err().to_string();
        assert_eq!(said(" "), "nothing came");
        assert_eq!(said("\n<!DOCTYPE html>"), "a web page came instead of JSON");
        assert_eq!(said("[1, "), "it ends in the middle");
        assert!(said("nope").starts_with("it is not the JSON"));
        // Nested deeper than any stack: an error, not a crash.
        assert_eq!(said(&"[".repeat(100_000)), "it ends in the middle");
        assert!(said(&format!("{{\"a\":{}", "[{\"a\":".repeat(100_000))).len() < 200);
    }
}
