//! From a product's files and a cluster's values to Kubernetes objects: templates, reading of
//! helm's output, static scan of charts, masking. Running helm is for an adapter, applying for
//! `apply`.

mod mask;

pub use mask::{MASK, Mask};
