//! The way to a value while a tree is looked through: in steps for who edits, and in words for people.

use super::drafts::Target;
use crate::diag::Place;
use crate::yaml::edit::Way;
use crate::yaml::{Node, Value};

/// Where a look is.
pub(super) struct Trail {
    way: Way,
    field: String,
}

/// Where it was before a step.
pub(super) struct Mark(usize);

impl Trail {
    /// Begins behind a way; `field` is the way in words.
    pub fn behind((way, field): (Way, &str)) -> Self {
        Self { way, field: field.to_owned() }
    }

    /// Goes to the value of a key.
    pub fn key(&mut self, number: usize, key: &str) -> Mark {
        let mark = Mark(self.field.len());
        if !self.field.is_empty() {
            self.field.push('.');
        }
        self.field.push_str(key);
        self.way.steps.push(number);
        mark
    }

    /// Goes to an item of a list.
    pub fn item(&mut self, number: usize) -> Mark {
        let mark = Mark(self.field.len());
        self.field.push_str(&format!("[{number}]"));
        self.way.steps.push(number);
        mark
    }

    /// Goes back.
    pub fn back(&mut self, mark: Mark) {
        self.way.steps.pop();
        self.field.truncate(mark.0);
    }

    /// The scalar here.
    pub fn target(&self, place: &Place, text: impl Into<String>) -> Target {
        let (way, field) = (Some(self.way.clone()), self.field.clone());
        Target { place: place.clone(), way, field, text: text.into() }
    }

    /// The scalar of a key of the mapping here.
    pub fn below(&mut self, number: usize, key: &str, place: &Place, text: impl Into<String>) -> Target {
        let mark = self.key(number, key);
        let target = self.target(place, text);
        self.back(mark);
        target
    }
}

/// A scalar's text: of a string what it says, of a number what is written.
pub(super) fn written(node: &Node) -> Option<String> {
    match &node.value {
        Value::String(text) => Some(text.clone()),
        Value::Integer(_) | Value::Unsigned(_) | Value::Float(_) => Some(node.place.text().to_owned()),
        _ => None,
    }
}
