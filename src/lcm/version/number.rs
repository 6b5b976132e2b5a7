//! Whole numbers of any length, as tags have them: `8`, `007`, `20250616`, `123098140292`.

use std::cmp::Ordering;
use std::fmt;

/// A whole number in a tag. Leading zeros do not count, and no length is too long.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Number<'t>(&'t str);

impl<'t> Number<'t> {
    /// Zero: also every component that is not there.
    pub const ZERO: Self = Self("");

    /// Of digits; nothing if something else is among them, or there are none.
    pub fn read(digits: &'t str) -> Option<Self> {
        let fits = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
        fits.then(|| Self(digits.trim_start_matches('0')))
    }

    /// Its value, as far as that can be counted with.
    pub fn value(self) -> Option<u64> {
        if self.0.is_empty() { Some(0) } else { self.0.parse().ok() }
    }

    /// Whether it is at least so large.
    pub fn is_at_least(self, limit: u64) -> bool {
        self.value().is_none_or(|value| value >= limit)
    }
}

impl Ord for Number<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.len().cmp(&other.0.len()).then_with(|| self.0.cmp(other.0))
    }
}

impl PartialOrd for Number<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Number<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() { "0" } else { self.0 })
    }
}

impl fmt::Debug for Number<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
