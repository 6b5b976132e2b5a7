//! YAML with places: parsing, decoding with every mistake reported, manifests, edits.
//!
//! Decides what text means in the two dialects (our own files, Kubernetes manifests) and where in
//! the file each value stands. What the values mean is left to `model` and `catalog`.

mod decode;
mod deserializer;
mod node;
mod spanned;

pub use decode::{decode, decode_rest};
pub use node::{Key, Mapping, Node, Value};
pub use spanned::Spanned;

#[cfg(test)]
mod tests;
