//! The catalog: products, releases, pipelines and the fleet as one whole. It decides whether what
//! the files say fits together; every contradiction is a finding with its place.

pub mod fleet;
pub mod graph;
mod load;
mod part;
pub mod product;
#[cfg(test)]
pub(crate) mod testing;
mod types;

pub use load::{FOLDERS, load};
pub use types::{Catalog, Loaded, ProductSource};
