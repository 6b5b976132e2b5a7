//! YAML with places: parsing, decoding with every mistake reported, manifests, edits.
//!
//! Decides what text means in the two dialects (our own files, Kubernetes manifests) and where in
//! the file each value stands. What the values mean is left to `model` and `catalog`.

mod build;
mod decode;
mod deserializer;
pub mod edit;
mod fault;
mod handing;
mod manifest;
mod node;
mod reading;
mod removed;
mod scalar;
mod spanned;
mod stand_in;

pub use build::{Parsed, parse, parse_all};
pub use decode::{decode, decode_rest, load};
pub use manifest::{Manifest, manifests};
pub use node::{Key, Mapping, Node, Value};
pub use reading::Reading;
pub use spanned::Spanned;

#[cfg(test)]
mod tests;
