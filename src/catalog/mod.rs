//! The catalog: products, releases, pipelines and the fleet as one whole. It decides whether what
//! the files say fits together; every contradiction is a finding with its place.

pub(crate) mod charts;
mod check;
pub mod fleet;
pub mod graph;
pub(crate) mod images;
mod load;
mod objects;
mod part;
pub mod pins;
pub mod product;
pub mod release;
mod secrets;
pub mod set;
#[cfg(test)]
pub(crate) mod testing;
mod types;
pub mod values;

pub use check::{check, check_labels, check_members, working_set};
pub use load::{FOLDERS, load};
pub(crate) use objects::blank;
pub use types::{Catalog, Loaded, ProductSource};
