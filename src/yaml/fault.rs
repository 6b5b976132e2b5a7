//! What a decoding error says and where it lies.
//!
//! Decides the words for what serde expected and found. Findings are made of it in `decode`.

use std::fmt;

use serde::de::{self, Unexpected};

use super::{Key, Node};
use crate::diag::Place;

/// What went wrong, before it becomes a finding.
#[derive(Clone, Debug)]
pub(super) enum Fault {
    /// A key that is no field.
    UnknownField { found: String, expected: &'static [&'static str] },
    /// A name that is no variant.
    UnknownVariant { found: String, expected: &'static [&'static str] },
    /// A required field is absent.
    MissingField(&'static str),
    /// The value has another type.
    WrongType { found: &'static str, expected: String },
    /// The value has the right type and is out of bounds.
    OutOfBounds { expected: String },
    /// A list has another length.
    WrongLength { found: usize, expected: String },
    /// What a `FromStr` or `try_from` said.
    Custom(String),
}

/// Where a fault lies in the tree.
#[derive(Clone, Debug)]
pub(super) enum Spot {
    /// A value.
    Node(*const Node),
    /// A key; the value is what is taken out with it.
    Key(*const Node),
}

/// An error with its way from the faulty node to the root.
#[derive(Debug)]
pub(super) struct Error {
    pub(super) fault: Fault,
    pub(super) spot: Option<Spot>,
    pub(super) place: Option<Box<Place>>,
    /// From the faulty node outward: each container, and the step in it.
    pub(super) trail: Vec<(*const Node, Step)>,
    /// Whether it is about a stand-in, not about anything in the file.
    pub(super) stand_in: bool,
}

/// One step from a container to what it contains.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Key(String),
    Index(usize),
}

impl Error {
    pub(super) fn new(fault: Fault) -> Error {
        Error { fault, spot: None, place: None, trail: Vec::new(), stand_in: false }
    }

    /// Fixes the place unless it was fixed further inside.
    pub(super) fn at(mut self, node: &Node) -> Error {
        if self.spot.is_none() {
            self.spot = Some(Spot::Node(std::ptr::from_ref(node)));
            self.place = Some(Box::new(node.place.clone()));
        }
        self
    }

    /// Fixes the place at the root when nothing inside did (a check of the root type itself).
    pub(super) fn at_root(self, root: &Node) -> Error {
        self.at(root)
    }

    pub(super) fn at_key(mut self, key: &Key, value: &Node) -> Error {
        if self.spot.is_none() {
            self.spot = Some(Spot::Key(std::ptr::from_ref(value)));
            self.place = Some(Box::new(key.place.clone()));
        }
        self
    }

    pub(super) fn within(mut self, container: &Node, step: Step) -> Error {
        self.trail.push((std::ptr::from_ref(container), step));
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.fault {
            Fault::UnknownField { found, .. } => write!(f, "unknown field `{found}`"),
            Fault::UnknownVariant { found, .. } => write!(f, "unknown value `{found}`"),
            Fault::MissingField(name) => write!(f, "missing field `{name}`"),
            Fault::WrongType { found, expected } => {
                write!(f, "expected {expected}, found {found}")
            }
            Fault::OutOfBounds { expected } => write!(f, "expected {expected}"),
            Fault::WrongLength { found, expected } => {
                write!(f, "expected {expected}, found {}", crate::diag::count(*found, "item"))
            }
            Fault::Custom(message) => f.write_str(message),
        }
    }
}

impl std::error::Error for Error {}

impl de::Error for Error {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Error::new(Fault::Custom(message.to_string()))
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Error::new(Fault::WrongType {
            found: kind(found),
            expected: plain_expectation(&expected.to_string()),
        })
    }

    fn invalid_value(_: Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Error::new(Fault::OutOfBounds { expected: plain_expectation(&expected.to_string()) })
    }

    fn invalid_length(found: usize, expected: &dyn de::Expected) -> Self {
        Error::new(Fault::WrongLength { found, expected: plain_expectation(&expected.to_string()) })
    }

    fn unknown_field(found: &str, expected: &'static [&'static str]) -> Self {
        let found = found.to_owned();
        Error::new(Fault::UnknownField { found, expected })
    }

    fn unknown_variant(found: &str, expected: &'static [&'static str]) -> Self {
        let found = found.to_owned();
        Error::new(Fault::UnknownVariant { found, expected })
    }

    fn missing_field(field: &'static str) -> Self {
        Error::new(Fault::MissingField(field))
    }
}

fn kind(found: Unexpected<'_>) -> &'static str {
    match found {
        Unexpected::Bool(_) => "a boolean",
        Unexpected::Unsigned(_) | Unexpected::Signed(_) => "a whole number",
        Unexpected::Float(_) => "a number",
        Unexpected::Char(_) | Unexpected::Str(_) => "a string",
        Unexpected::Unit | Unexpected::Option => "nothing",
        Unexpected::Seq => "a list",
        Unexpected::Map | Unexpected::StructVariant => "a mapping",
        _ => "another type",
    }
}

/// serde's and its derive's words for what they expect, in ours.
fn plain_expectation(expected: &str) -> String {
    match expected {
        "u8" | "u16" | "u32" | "u64" | "u128" | "usize" => "a whole number from 0 up",
        "i8" | "i16" | "i32" | "i64" | "i128" | "isize" => "a whole number",
        "f32" | "f64" => "a number",
        "a map" => "a mapping",
        "a sequence" => "a list",
        "unit" => "nothing",
        "string or map" | "variant identifier" => "a name, or a mapping with one key",
        other if other.starts_with("a nonzero") => "a whole number from 1 up",
        other if other.starts_with("struct ") => "a mapping",
        other if other.starts_with("struct variant ") => "a mapping",
        other if other.starts_with("enum ") => "a name, or a mapping with one key",
        other if other.starts_with("a tuple of size") => "a list of that many items",
        other => other,
    }
    .to_owned()
}
