//! A serde deserializer over [`Node`] whose errors know their place.
//!
//! Decides how values meet Rust types. Reporting more than one error is left to `decode`, which
//! takes faulty nodes out ([`Removed`]) and decodes again.

use serde::de::value::StrDeserializer;
use serde::de::{
    self, DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, MapAccess, SeqAccess, VariantAccess,
    Visitor,
};

use super::fault::{Error, Fault, Step};
use super::handing::{Handed, NODE, SPANNED, hand};
use super::removed::Removed;
use super::stand_in::StandIn;
use super::{Key, Mapping, Node, Value};

/// Deserializes one node.
#[derive(Clone, Copy)]
pub(super) struct NodeDeserializer<'a> {
    pub(super) node: &'a Node,
    pub(super) removed: &'a Removed,
}

impl<'a> NodeDeserializer<'a> {
    fn visit<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match &self.node.value {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::Integer(value) => visitor.visit_i64(*value),
            Value::Unsigned(value) => visitor.visit_u64(*value),
            Value::Float(value) => visitor.visit_f64(*value),
            Value::String(value) => visitor.visit_str(value),
            Value::Sequence(items) => {
                visitor.visit_seq(Items { parent: self, items: items.iter().enumerate() })
            }
            Value::Mapping(mapping) => visitor.visit_map(Entries {
                parent: self,
                entries: Box::new(mapping.iter()),
                current: None,
                stand_ins: 0,
                filled: None,
            }),
        }
        .map_err(|error| error.at(self.node))
    }
}

impl<'de> Deserializer<'de> for NodeDeserializer<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.visit(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.node.value {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
        .map_err(|error| error.at(self.node))
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        let handed = match name {
            SPANNED => Some(Handed::Place(self.node.place.clone())),
            NODE => Some(Handed::Node(self.node.clone())),
            _ => None,
        };
        if let Some(handed) = handed {
            hand(handed);
        }
        visitor.visit_newtype_struct(self).map_err(|error| error.at(self.node))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match &self.node.value {
            Value::String(name) => visitor.visit_enum(name.as_str().into_deserializer()),
            Value::Mapping(mapping) => enum_of(self, mapping, visitor),
            other => Err(Error::new(Fault::WrongType {
                found: other.kind(),
                expected: "a name, or a mapping with one key".to_owned(),
            })),
        }
        .map_err(|error| error.at(self.node))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        // serde's derive would take a list as well, field by field.
        if let Value::Sequence(_) = self.node.value {
            let fault = Fault::WrongType { found: "a list", expected: "a mapping".to_owned() };
            return Err(Error::new(fault).at(self.node));
        }
        self.visit(visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map identifier
    }
}

fn enum_of<'de, V: Visitor<'de>>(
    parent: NodeDeserializer<'_>,
    mapping: &Mapping,
    visitor: V,
) -> Result<V::Value, Error> {
    let mut entries = mapping.iter().filter(|(_, node)| !parent.removed.contains(node));
    let Some((key, node)) = entries.next() else {
        return Err(Error::new(Fault::WrongLength {
            found: 0,
            expected: "a mapping with one key".to_owned(),
        }));
    };
    if let Some((second, value)) = entries.next() {
        let message = format!("`{}` and `{}` exclude each other", key.text, second.text);
        return Err(Error::new(Fault::Custom(message)).at_key(second, value));
    }
    visitor.visit_enum(Variant { parent, key, node })
}

struct Items<'a, I> {
    parent: NodeDeserializer<'a>,
    items: I,
}

impl<'a, 'de, I: Iterator<Item = (usize, &'a Node)>> SeqAccess<'de> for Items<'a, I> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Error> {
        let NodeDeserializer { node, removed } = self.parent;
        let Some((index, item)) = self.items.find(|(_, item)| !removed.contains(item)) else {
            return Ok(None);
        };
        let inner = NodeDeserializer { node: item, removed };
        seed.deserialize(inner).map(Some).map_err(|error| error.at(item).within(node, Step::Index(index)))
    }
}

struct Entries<'a> {
    parent: NodeDeserializer<'a>,
    entries: Box<dyn Iterator<Item = (&'a Key, &'a Node)> + 'a>,
    current: Option<(&'a Key, &'a Node)>,
    /// How many stand-ins were given out, and the text of the last one.
    stand_ins: usize,
    filled: Option<&'static str>,
}

impl<'de> MapAccess<'de> for Entries<'_> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        let removed = self.parent.removed;
        self.current = self.entries.find(|(_, node)| !removed.contains(node));
        let Some((key, value)) = self.current else {
            let Some((field, text)) = removed.stand_in_at(self.parent.node, self.stand_ins) else {
                return Ok(None);
            };
            self.stand_ins += 1;
            self.filled = Some(text);
            let field: StrDeserializer<'_, Error> = field.into_deserializer();
            return seed.deserialize(field).map(Some);
        };
        let step = || Step::Key(key.text.clone());
        seed.deserialize(KeyDeserializer { key })
            .map(Some)
            .map_err(|error| error.at_key(key, value).within(self.parent.node, step()))
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Error> {
        if let Some(text) = self.filled.take() {
            let stand_in = |error| Error { stand_in: true, ..error };
            return seed.deserialize(StandIn(text)).map_err(stand_in);
        }
        let Some((key, node)) = self.current.take() else {
            return Err(de::Error::custom("a value was asked for before its key"));
        };
        let removed = self.parent.removed;
        let step = || Step::Key(key.text.clone());
        seed.deserialize(NodeDeserializer { node, removed })
            .map_err(|error| error.at(node).within(self.parent.node, step()))
    }
}

/// Deserializes a key: text, or what is made of text.
struct KeyDeserializer<'a> {
    key: &'a Key,
}

impl<'de> Deserializer<'de> for KeyDeserializer<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_str(&self.key.text)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        if name == SPANNED {
            hand(Handed::Place(self.key.place.clone()));
        }
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let text: StrDeserializer<'_, Error> = self.key.text.as_str().into_deserializer();
        text.deserialize_enum(name, variants, visitor)
    }

    fn deserialize_u64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.key.text.parse() {
            Ok(number) => visitor.visit_u64(number),
            Err(_) => visitor.visit_str(&self.key.text),
        }
    }

    fn deserialize_u32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_u64(visitor)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

/// A variant written as a mapping with one key.
struct Variant<'a> {
    parent: NodeDeserializer<'a>,
    key: &'a Key,
    node: &'a Node,
}

impl Variant<'_> {
    fn inside(&self, error: Error) -> Error {
        let step = Step::Key(self.key.text.clone());
        error.at(self.node).within(self.parent.node, step)
    }

    fn value(&self) -> NodeDeserializer<'_> {
        NodeDeserializer { node: self.node, removed: self.parent.removed }
    }
}

impl<'de, 'a> EnumAccess<'de> for Variant<'a> {
    type Error = Error;
    type Variant = Variant<'a>;

    fn variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<(T::Value, Self), Error> {
        let key = KeyDeserializer { key: self.key };
        match seed.deserialize(key) {
            Ok(variant) => Ok((variant, self)),
            Err(error) => {
                let step = Step::Key(self.key.text.clone());
                let error = error.at_key(self.key, self.node);
                Err(error.within(self.parent.node, step))
            }
        }
    }
}

impl<'de> VariantAccess<'de> for Variant<'_> {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        match self.node.value {
            Value::Null => Ok(()),
            _ => Err(self.inside(Error::new(Fault::WrongType {
                found: self.node.value.kind(),
                expected: "nothing".to_owned(),
            }))),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Error> {
        seed.deserialize(self.value()).map_err(|error| self.inside(error))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _len: usize, visitor: V) -> Result<V::Value, Error> {
        self.value().deserialize_any(visitor).map_err(|error| self.inside(error))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.value().deserialize_struct("", fields, visitor).map_err(|error| self.inside(error))
    }
}
