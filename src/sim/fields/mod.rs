//! Who owns which field of an object, and what an object may hold: schemas of the built-in kinds and of
//! definitions, server-side apply with its conflicts, the `managedFields` of every write, the three sorts
//! of patches, validation, and defaults. It follows the Kubernetes page on server-side apply and the
//! rules of structured merge and diff as a real API server shows them. Pure; which object, which verb,
//! which answer, the API decides.

mod apply;
mod check;
mod decode;
mod defaults;
mod definition;
mod element;
mod known;
mod managed;
mod patch;
mod quantity;
mod schema;
mod set;
mod strategic;
mod table;
mod typed;
mod types;
mod walk;

#[cfg(test)]
mod tests;

pub use apply::{Conflict, Refusal, Writer, apply, conflict_message, written};
pub use check::Cause;
pub use managed::forget_versions;
pub use patch::{json_patch, merge_patch};
pub use schema::Schema;
pub use strategic::strategic_patch;
