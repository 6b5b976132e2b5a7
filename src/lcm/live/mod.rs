//! What images really run in a cluster, by what its API server lists: pods first, since they say what was pulled;
//! then what will make pods, where there are none now. Pages of lists go in one after the other, and nothing but
//! names and digests stays. Who asks, and in which order, is for `engine`.

mod fields;
mod object;
mod seen;

pub use fields::{Fields, OfKind};
pub use object::{Custom, Named, Page, Pod, Templated};
pub use seen::{Found, Object, Owners, Seen, Workload};

#[cfg(test)]
mod tests;
