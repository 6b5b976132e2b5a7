//! What a tag says: numbers that order it, what it must share with another to be compared at all, and what
//! orders it inside a version.
//!
//! Every scheme reads a tag into a [`Version`]; what it can't read is no version in that scheme.

mod auto;
mod number;
mod place;
mod range;
mod scheme;
mod schemes;

use std::cmp::Ordering;

pub use auto::{is_artifact, is_commit};
pub use number::Number;
pub(super) use place::Place;
pub use range::{Range, RangeError};
pub use scheme::{Scheme, SchemeError};

/// A version as a scheme reads it in a tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version<'t> {
    /// What tags must share to be compared: the prefix, then the words of the variant.
    pub variant: Vec<&'t str>,
    /// How exactly it is written.
    pub precision: Precision,
    /// Whether a `v` stands before its numbers.
    pub v: bool,
    /// Its numbers, the first the major one.
    pub numbers: Vec<Number<'t>>,
    /// The stage of a prerelease; none is a release.
    pub stage: Option<Stage<'t>>,
    /// What orders it among those of the same numbers and stage: counters, build metadata, revisions.
    pub build: Vec<Part<'t>>,
}

/// How exactly a version is written: a rolling tag stays a rolling tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Precision {
    /// So many dotted numbers.
    Numbers(usize),
    /// A day, and so many numbers of a time.
    Day(usize),
    /// The scheme has none: what is missing counts as it says.
    Any,
}

/// A stage before a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stage<'t> {
    /// Its (first) word as written, such as `rc`; empty if it has none.
    pub word: &'t str,
    /// What orders stages.
    pub parts: Vec<Part<'t>>,
}

/// One thing that orders, the lowest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part<'t> {
    /// Nothing more at this place.
    End,
    /// A number.
    Number(Number<'t>),
    /// How far a stage is.
    Rank(u8),
    /// A moment, in nanoseconds.
    Moment(i128),
    /// A text, by its bytes.
    Text(&'t str),
}

/// How far two versions are apart: by the first number that differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// The third number or one behind it, a stage, or a counter.
    Patch,
    /// The second number.
    Minor,
    /// The first number.
    Major,
}

impl Level {
    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Patch => "patch",
            Self::Minor => "minor",
            Self::Major => "major",
        }
    }
}

impl<'t> Version<'t> {
    /// Numbers alone.
    fn of(numbers: Vec<Number<'t>>) -> Self {
        Self {
            variant: Vec::new(),
            precision: Precision::Any,
            v: false,
            numbers,
            stage: None,
            build: Vec::new(),
        }
    }

    /// The number at a place; zero where there is none. Of a scheme that only knows runs of digits among
    /// other things, they are its numbers.
    pub fn number(&self, place: usize) -> Number<'t> {
        let run = |part: &Part<'t>| if let Part::Number(number) = part { Some(*number) } else { None };
        let number = match self.numbers.is_empty() {
            true => self.build.iter().filter_map(run).nth(place),
            false => self.numbers.get(place).copied(),
        };
        number.unwrap_or(Number::ZERO)
    }

    /// Whether it has numbers at all: without them nothing is major or minor.
    pub fn is_numbered(&self) -> bool {
        !self.numbers.is_empty() || self.build.iter().any(|part| matches!(part, Part::Number(_)))
    }

    /// Its numbers against those of another; missing ones are zero.
    pub fn cmp_numbers(&self, other: &Version<'_>) -> Ordering {
        let places = self.numbers.len().max(other.numbers.len());
        (0..places)
            .map(|place| self.number(place).cmp(&other.number(place)))
            .find(|order| order.is_ne())
            .unwrap_or(Ordering::Equal)
    }

    /// Its stage against that of another: a release stands above all its stages.
    pub fn cmp_stage(&self, other: &Version<'_>) -> Ordering {
        match (&self.stage, &other.stage) {
            (None, None) => Ordering::Equal,
            (None, Some(_)) => Ordering::Greater,
            (Some(_), None) => Ordering::Less,
            (Some(one), Some(other)) => one.parts.cmp(&other.parts),
        }
    }

    /// How far it is from another.
    pub fn level(&self, other: &Version<'_>) -> Level {
        if self.number(0) != other.number(0) {
            Level::Major
        } else if self.number(1) != other.number(1) {
            Level::Minor
        } else {
            Level::Patch
        }
    }
}

/// Versions of the same variant, the older one first: numbers, then the stage (a release stands above all its
/// stages), then what orders inside a version. Variant, precision and `v` have no say in it.
pub fn by_age(one: &Version<'_>, other: &Version<'_>) -> Ordering {
    by_stage(one, other).then_with(|| one.build.cmp(&other.build))
}

/// Versions of any variants: by their numbers, then by the stage.
pub fn by_stage(one: &Version<'_>, other: &Version<'_>) -> Ordering {
    one.cmp_numbers(other).then_with(|| one.cmp_stage(other))
}
