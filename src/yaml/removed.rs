//! What decoding leaves out of a tree, and what it fills in, to find the next mistake.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};

use super::{Node, Value};

/// What was taken out of the tree, by the addresses of its nodes (the tree does not move).
#[derive(Debug, Default)]
pub(super) struct Removed {
    nodes: RefCell<HashSet<*const Node>>,
    /// Field names that must not be reported missing in a mapping any more.
    excused: RefCell<HashMap<*const Node, HashSet<String>>>,
    /// Missing fields of one mapping, each with the text that stands in for it.
    stand_ins: RefCell<Option<StandIns>>,
}

/// A mapping and the missing fields that are filled in.
type StandIns = (*const Node, Vec<(&'static str, &'static str)>);

impl Removed {
    pub(super) fn take_out(&self, node: *const Node) -> bool {
        self.nodes.borrow_mut().insert(node)
    }

    /// Fills in missing fields of one mapping, so that serde goes on to the next missing one.
    pub(super) fn stand_in(&self, stand_ins: Option<StandIns>) {
        *self.stand_ins.borrow_mut() = stand_ins;
    }

    pub(super) fn stand_in_at(&self, node: &Node, index: usize) -> Option<(&'static str, &'static str)> {
        match &*self.stand_ins.borrow() {
            Some((mapping, fields)) if std::ptr::eq(*mapping, node) => fields.get(index).copied(),
            _ => None,
        }
    }

    pub(super) fn contains(&self, node: &Node) -> bool {
        let nodes = self.nodes.borrow();
        !nodes.is_empty() && nodes.contains(&std::ptr::from_ref(node))
    }

    pub(super) fn excuse(&self, mapping: *const Node, field: String) {
        let mut excused = self.excused.borrow_mut();
        excused.entry(mapping).or_default().insert(field);
    }

    pub(super) fn is_excused(&self, mapping: *const Node, field: &str) -> bool {
        let excused = self.excused.borrow();
        excused.get(&mapping).is_some_and(|f| f.contains(field))
    }

    /// Whether anything below the node was taken out.
    pub(super) fn anything_below(&self, node: &Node) -> bool {
        if self.nodes.borrow().is_empty() {
            return false;
        }
        let gone = |child: &Node| self.contains(child) || self.anything_below(child);
        match &node.value {
            Value::Sequence(items) => items.iter().any(gone),
            Value::Mapping(mapping) => mapping.iter().any(|(_, child)| gone(child)),
            _ => false,
        }
    }
}
