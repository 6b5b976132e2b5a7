//! Findings: what is wrong, where, and what to do about it.
//!
//! A [`Finding`] carries a stable [`Code`], a sentence, the [`Place`] in a file, hints and the
//! next command. This module decides their shape and how they look as text ([`excerpt`]); what is
//! wrong is decided by the modules that make findings, and where they are printed by `output`.

pub mod codes;
mod count;
pub mod excerpt;
mod finding;
mod place;
mod suggest;

pub use codes::Code;
pub use count::{count, of as count_of};
pub use finding::{Finding, Findings, Severity};
pub use place::{Place, Source};
pub use suggest::did_you_mean;

#[cfg(test)]
mod tests;
