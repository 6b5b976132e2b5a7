//! Where a tag has its numbers: found without reading what they say, nor what stands around them.

use super::Number;

/// The numbers of a tag, and what stands around them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::lcm) struct Place<'t> {
    /// What stands before them.
    pub prefix: &'t str,
    /// Whether a `v` stands between that and them.
    pub v: bool,
    /// They themselves, with what separates them.
    pub numbers: &'t str,
    /// Whether they are a day, with a time or without.
    pub day: bool,
    /// What stands behind them.
    pub rest: &'t str,
}

impl<'t> Place<'t> {
    /// One after another.
    pub fn numbers(&self) -> impl Iterator<Item = Number<'t>> + use<'t> {
        self.numbers.split(|c: char| !c.is_ascii_digit()).filter_map(Number::read)
    }
}
