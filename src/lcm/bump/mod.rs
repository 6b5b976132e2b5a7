//! Raising an upstream version in a product's folder: which fields name it, what they become, and what
//! else of the folder speaks of it.
//!
//! A bump changes fields that name the version of one source, and digests that belong to it, and nothing
//! else: not comments, not texts, not files inside of files. What it leaves is listed with the reason. It
//! raises the product's own version, writes its changelog, and looks at the outcome again before anybody
//! gets it. It stands in `lcm`, and not in `catalog`, because how far two upstream versions are apart is
//! for the schemes to say.

mod changelog;
mod chart;
mod drafts;
mod edits;
mod field;
mod files;
mod idle;
mod image;
mod mention;
mod raise;
mod reference;
mod refusal;
mod run;
mod text;
mod tool;
mod trail;
mod types;
mod upstream;

pub use field::Field;
pub use run::bump;
pub use types::{Asked, Bump, Digests, Edit, Left, Moving, Part, Reason, Request};

#[cfg(test)]
mod tests;
