//! What goes wrong in the bed, as one line that a person can act on.

use std::fmt;

/// One sentence: what was being done, what was found, what to do next.
pub struct Trouble(pub String);

/// What every fallible function of the bed returns.
pub type Outcome<T> = Result<T, Trouble>;

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The same as `Display`, since `unwrap` prints this form and people read it.
impl fmt::Debug for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Trouble {}

/// Says what was being done when an error came up.
pub trait Doing<T> {
    /// Puts `what` before the error's own text.
    fn doing(self, what: impl fmt::Display) -> Outcome<T>;
}

impl<T, E: fmt::Display> Doing<T> for Result<T, E> {
    fn doing(self, what: impl fmt::Display) -> Outcome<T> {
        self.map_err(|e| Trouble(format!("bed: {what}: {e}")))
    }
}

/// A `Trouble` of its own wording.
pub fn trouble<T>(what: impl fmt::Display) -> Outcome<T> {
    Err(Trouble(format!("bed: {what}")))
}
