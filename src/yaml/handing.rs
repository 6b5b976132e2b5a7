//! How places and whole nodes reach [`Spanned`] and [`Node`] through serde.

use std::cell::RefCell;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Visitor};

use super::node::AnyVisitor;
use super::{Node, Spanned};
use crate::diag::Place;

// serde has no way to hand a place or a whole node through its data model. A newtype with one of
// these names makes our deserializer put it here, and the visitor takes it at once; every other
// deserializer treats the newtype as transparent and leaves the slot empty.
pub(super) const SPANNED: &str = "$tidegate::Spanned";
pub(super) const NODE: &str = "$tidegate::Node";

pub(super) enum Handed {
    Place(Place),
    Node(Node),
}

thread_local! {
    static HANDED: RefCell<Option<Handed>> = const { RefCell::new(None) };
}

/// Leaves something for the visitor that is called next.
pub(super) fn hand(handed: Handed) {
    HANDED.with(|slot| *slot.borrow_mut() = Some(handed));
}

fn take_handed() -> Option<Handed> {
    HANDED.with(|slot| slot.borrow_mut().take())
}

/// Reads a value with its place, where the deserializer knows one.
pub(super) fn spanned_from<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Spanned<T>, D::Error> {
    struct SpannedVisitor<T>(std::marker::PhantomData<T>);

    impl<'de, T: Deserialize<'de>> Visitor<'de> for SpannedVisitor<T> {
        type Value = Spanned<T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a value")
        }

        fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<Spanned<T>, D::Error> {
            let place = match take_handed() {
                Some(Handed::Place(place)) => place,
                _ => Place::none(),
            };
            T::deserialize(inner).map(|value| Spanned { value, place })
        }
    }

    deserializer.deserialize_newtype_struct(SPANNED, SpannedVisitor(std::marker::PhantomData))
}

/// Reads a whole tree, with its places where the deserializer knows them.
pub(super) fn node_from<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Node, D::Error> {
    struct NodeVisitor;

    impl<'de> Visitor<'de> for NodeVisitor {
        type Value = Node;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("any value")
        }

        fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<Node, D::Error> {
            match take_handed() {
                Some(Handed::Node(node)) => Ok(node),
                _ => inner.deserialize_any(AnyVisitor),
            }
        }
    }

    deserializer.deserialize_newtype_struct(NODE, NodeVisitor)
}
