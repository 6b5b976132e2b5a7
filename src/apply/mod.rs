//! What applying means, without touching a cluster: in which order kinds go, which object is which,
//! what belongs to whom, what may be pruned, what counts as ready, and how a record is written.
//! Requests, leases and waiting are for `engine::cluster`.

pub mod drift;
mod identity;
pub mod inventory;
pub mod mending;
pub mod order;
pub mod ownership;
pub mod payload;
pub mod prune;
pub mod ready;
pub mod record;

pub use identity::{Kind, NoIdentity, ObjectId, ProductSet, Rendered};
